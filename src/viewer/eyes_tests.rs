use super::*;
use std::net::Ipv4Addr;

/// The page's clock began so much after the console's, ms.
const PAGE_ZERO: u64 = 40_000;
const FRAME: u32 = 3000;

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn sender(last: u8) -> Sender {
    Sender {
        peer: Ipv4Addr::new(192, 168, 0, last).into(),
        browser: ("Chrome", "Linux"),
    }
}

/// A page that is `to_eye` ms behind the capture, half a second a report, over a network of `trip` ms.
struct Stage {
    eyes: Eyes,
    times: RtpTimes,
    now: u64,
    first_rtp: u32,
    trip: u64,
    to_eye: u64,
    report: Report,
    /// The exchange that the next report tells of.
    last: Option<(u32, f64, f64)>,
}

impl Stage {
    fn new() -> Self {
        Self {
            eyes: Eyes::default(),
            times: RtpTimes::default(),
            now: 60_000,
            first_rtp: u32::MAX - 20 * FRAME,
            trip: 2,
            to_eye: 34,
            report: Report {
                id: "00112233445566".into(),
                grain: 0.1,
                playing: true,
                tells: true,
                ..Report::default()
            },
            last: None,
        }
    }

    fn rtp(&self, frame: u64) -> u32 {
        self.first_rtp
            .wrapping_add(u32::try_from(frame).unwrap() * FRAME)
    }

    /// Half a second goes by, then the page reports.
    fn step(&mut self) -> Option<EyeAnswer> {
        let (from, to) = (self.now, self.now + 500);
        self.now = to;
        self.report.shown.clear();
        // A picture each 33 ms; this half second's were shown `to_eye` after their capture.
        for frame in 0..100_000 {
            let captured = 60_000 + frame * 33;
            let shown = captured + self.to_eye;
            if (from..to).contains(&(captured + 15)) {
                self.times
                    .add(self.rtp(frame), ms(captured), ms(captured + 15));
            }
            if (from..to).contains(&shown) {
                let at = (shown - PAGE_ZERO) as f64;
                self.report.shown.push((self.rtp(frame), at));
            }
            if captured > to {
                break;
            }
        }
        self.tell()
    }

    fn tell(&mut self) -> Option<EyeAnswer> {
        self.report.n += 1;
        self.report.exchange = self.last.take();
        let received = ms(self.now);
        let answer = self.eyes.report(
            &self.report,
            sender(1),
            received,
            received,
            Some(&self.times),
        );
        let asked = (self.now - PAGE_ZERO - self.trip / 2) as f64;
        self.last = Some((self.report.n, asked, asked + self.trip as f64));
        answer
    }

    fn steps(&mut self, count: usize) -> EyeAnswer {
        (0..count).map(|_| self.step().unwrap()).last().unwrap()
    }
}

#[test]
fn capture_to_the_eye_is_exact_over_the_wrap_and_says_its_uncertainty() {
    let mut stage = Stage::new();
    let first = stage.steps(1);
    assert_eq!((first.p50_ms, first.why_not), (None, Some(WhyNot::Joining)));
    let answer = stage.steps(5);
    assert_eq!(answer.why_not, None);
    let (p50, unsure) = (answer.p50_ms.unwrap(), answer.unsure_ms.unwrap());
    assert!((p50 - 34.0).abs() <= unsure && unsure < 1.5, "{answer:?}");
    let status = stage.eyes.status(ms(stage.now));
    let eye = status.worst().unwrap();
    assert_eq!(eye.label, "192.168.0.1 Chrome, Linux");
    assert!((eye.after_arrival_ms.unwrap() - 19.0).abs() <= unsure);
    // The whole window, and no more: 3 s of 33 ms.
    assert!((80..=91).contains(&eye.to_eye.unwrap().frames), "{eye:?}");
}

#[test]
fn an_uncertain_clock_a_hidden_page_and_one_that_does_not_tell_have_no_figure() {
    let mut stage = Stage::new();
    stage.trip = 50;
    let answer = stage.steps(6);
    assert_eq!((answer.p50_ms, answer.why_not), (None, Some(WhyNot::Clock)));
    assert!(
        answer.unsure_ms.unwrap() > 20.0,
        "it says how uncertain: {answer:?}"
    );
    // The network gets better: so does the clock.
    stage.trip = 4;
    assert_eq!(stage.steps(3).why_not, None);
    for (change, why) in [
        ((|r| r.hidden = true) as fn(&mut Report), WhyNot::Hidden),
        (|r| r.paused = true, WhyNot::Paused),
        (|r| r.playing = false, WhyNot::NotPlaying),
        (|r| r.tells = false, WhyNot::Browser),
    ] {
        let before = stage.report.clone();
        change(&mut stage.report);
        let answer = stage.steps(1);
        assert_eq!((answer.p50_ms, answer.why_not), (None, Some(why)));
        assert!(stage.eyes.status(ms(stage.now)).worst().is_none());
        stage.report = Report {
            n: stage.report.n,
            ..before
        };
    }
    assert_eq!(stage.steps(1).why_not, None);
}

#[test]
fn other_time_stamps_no_probe_and_no_show_are_said() {
    let mut stage = Stage::new();
    stage.steps(4);
    let page = stage.report.clone();
    // Its pictures bear other numbers than the probe's.
    stage.now += 4000;
    stage.step();
    let mut why = None;
    for _ in 0..6 {
        stage.now += 500;
        stage.report.shown = (0..15)
            .map(|n| (77 + n, (stage.now - PAGE_ZERO) as f64))
            .collect();
        stage.times.add(5, ms(stage.now - 20), ms(stage.now));
        why = stage.tell().unwrap().why_not;
    }
    assert_eq!(why, Some(WhyNot::NoMatch));
    // The probe is away.
    stage.report = Report {
        n: stage.report.n,
        ..page
    };
    stage.now += 2500;
    let answer = stage.tell().unwrap();
    assert_eq!(
        (answer.p50_ms, answer.why_not),
        (None, Some(WhyNot::NoProbe))
    );
    let report = Report {
        n: 99,
        ..stage.report.clone()
    };
    let now = ms(stage.now + 500);
    let answer = stage
        .eyes
        .report(&report, sender(1), now, now, None)
        .unwrap();
    assert_eq!(
        (answer.p50_ms, answer.why_not),
        (None, Some(WhyNot::NoShow))
    );
}

#[test]
fn a_server_that_counts_anew_is_followed() {
    let mut stage = Stage::new();
    stage.steps(5);
    stage.first_rtp = 12_345;
    stage.to_eye = 50;
    let answer = stage.steps(8);
    assert!((answer.p50_ms.unwrap() - 50.0).abs() < 2.0, "{answer:?}");
}

#[test]
fn a_page_that_lies_spoils_no_figure_but_its_own() {
    let mut stage = Stage::new();
    stage.steps(5);
    // Pictures shown before they were captured, long after, in the future; an exchange of nobody's.
    let (frame, now) = (stage.rtp(60), stage.now - PAGE_ZERO);
    for at in [0, 1, now + 500_000] {
        stage.report.shown = vec![(frame, at as f64); 150];
        stage.now += 100;
        stage.last = Some((4_000_000, 1.0, 2.0));
        stage.tell();
    }
    let status = stage.eyes.status(ms(stage.now));
    let eye = status.viewers[0].to_eye.unwrap();
    assert!((eye.max_ms - 34.0).abs() < 3.0, "{eye:?}");
}

#[test]
fn pages_are_bounded_rated_and_forgotten() {
    let mut eyes = Eyes::default();
    let tell = |eyes: &mut Eyes, id: u32, peer: u8, at: u64| {
        let report = Report {
            id: format!("{id:08x}"),
            ..Report::default()
        };
        eyes.report(&report, sender(peer), ms(at), ms(at), None)
            .is_some()
    };
    assert!(tell(&mut eyes, 1, 1, 1000));
    assert!(!tell(&mut eyes, 1, 1, 1010), "too soon");
    assert!(!tell(&mut eyes, 1, 2, 1500), "another's name");
    assert!(tell(&mut eyes, 1, 1, 1500));
    // One address cannot take all places, and all together have no more than there are.
    let heard = (0..50)
        .filter(|id| tell(&mut eyes, 100 + id, 7, 1600))
        .count();
    assert_eq!(heard, OF_ONE_PEER);
    for peer in 10..30 {
        for id in 0..10 {
            tell(&mut eyes, u32::from(peer) * 100 + id, peer, 1700);
        }
    }
    assert_eq!(eyes.status(ms(1800)).viewers.len(), VIEWERS);
    assert_eq!(
        eyes.status(ms(6600)).viewers.len(),
        VIEWERS - 1 - OF_ONE_PEER
    );
    assert!(eyes.status(ms(7000)).viewers.is_empty());
    assert!(tell(&mut eyes, 9, 9, 7000));
}

#[test]
fn what_a_page_can_make_us_keep_is_bounded() {
    let mut eyes = Eyes::default();
    let times = RtpTimes::default();
    for n in 0..1000_u32 {
        let at = ms(1000 + u64::from(n) * 100);
        let shown = (0..150).map(|i| (n * 1000 + i, 5.0)).collect();
        let report = Report {
            id: "aabbccdd".into(),
            n,
            shown,
            ..Report::default()
        };
        eyes.report(&report, sender(1), at, at, Some(&times))
            .unwrap();
        let page = &eyes.pages[0];
        assert!(page.waiting.len() <= WAITING && page.open.len() <= 4 && page.shown.len() <= KEPT);
    }
}

#[test]
fn silent_pages_have_no_figure_and_alike_ones_get_numbers() {
    let mut stage = Stage::new();
    stage.steps(5);
    let others = ["aaaaaaaa", "bbbbbbbb"];
    for id in others {
        let report = Report {
            id: id.into(),
            ..Report::default()
        };
        let now = ms(stage.now);
        stage
            .eyes
            .report(&report, sender(1), now, now, None)
            .unwrap();
    }
    let labels = |status: &EyesStatus| -> Vec<String> {
        status.viewers.iter().map(|eye| eye.label.clone()).collect()
    };
    let status = stage.eyes.status(ms(stage.now));
    let plain = "192.168.0.1 Chrome, Linux";
    assert_eq!(
        labels(&status),
        [
            plain.to_owned(),
            format!("{plain} #2"),
            format!("{plain} #3")
        ]
    );
    let status = stage.eyes.status(ms(stage.now + 2500));
    assert_eq!(status.viewers[0].why_not, Some(WhyNot::Silent));
    assert_eq!(status.viewers[0].to_eye, None);
}
