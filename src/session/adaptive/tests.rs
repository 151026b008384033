//! The adaptive bitrate against recorded figures.

use super::*;

const LATENCY_MS: u64 = 120;

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn good() -> NetworkFigures {
    NetworkFigures {
        rtt_ms: Some(20.0),
        latency_ms: Some(LATENCY_MS),
        received: Some(0),
        buffer_ms: Some(95.0),
        ..NetworkFigures::default()
    }
}

/// What a second adds: sent, lost at first, came again, lost for good; round trip and buffer.
type Second = (u64, u64, u64, u64, f64, f64);
const CLEAN: Second = (332, 0, 0, 0, 20.0, 95.0);

/// A session whose changes come into force at once, looked at four times a second.
struct Session {
    adaptive: Adaptive,
    now: MonoTime,
    figures: NetworkFigures,
    look: Look,
    steps: Vec<(MonoTime, Step)>,
}

impl Session {
    fn at(kbps: u32) -> Self {
        let look = Look {
            now: ms(0),
            network: None,
            network_drops: 0,
            encoder_drops: 0,
            kbps,
            changing: false,
            floor_kbps: 500,
            ceiling_kbps: kbps,
        };
        let mut session = Self {
            adaptive: Adaptive::new(),
            now: ms(0),
            figures: good(),
            look,
            steps: Vec::new(),
        };
        session.seconds(4, CLEAN);
        assert_eq!(session.steps, [], "clean");
        session
    }

    fn quarter(&mut self, (sent, lost, again, holes, rtt_ms, buffer_ms): Second, part: u64) {
        let grow = |all: u64| all * (part + 1) / 4 - all * part / 4;
        self.now = self.now + Duration::from_millis(250);
        let f = &mut self.figures;
        f.received = f
            .received
            .map(|r| r + grow(sent) - grow(lost) + grow(again));
        f.lost += grow(lost);
        f.retransmitted += grow(again);
        f.given_up += grow(holes);
        (f.rtt_ms, f.buffer_ms) = (Some(rtt_ms), Some(buffer_ms));
        self.look.network = Some(*f);
        self.ask();
    }

    fn ask(&mut self) {
        self.look.now = self.now;
        if let Some(step) = self.adaptive.look(&self.look) {
            assert_eq!(step.from_kbps, self.look.kbps);
            self.look.kbps = step.to_kbps;
            self.steps.push((self.now, step));
        }
    }

    fn seconds(&mut self, count: u64, second: Second) {
        for _ in 0..count {
            for part in 0..4 {
                self.quarter(second, part);
            }
        }
    }

    fn reason(&self) -> String {
        self.adaptive.status().reason
    }
}

#[test]
fn chance_loss_that_comes_again_is_no_trouble() {
    let mut session = Session::at(3000);
    session.look.ceiling_kbps = 3000;
    for measured in [
        (327, 18, 18, 0, 20.8, 100.0),
        (327, 16, 17, 0, 41.0, 70.0),
        (326, 22, 24, 1, 40.4, 70.0),
    ] {
        session.seconds(5, measured);
    }
    assert_eq!(session.steps, []);
    assert_eq!(session.reason(), "at the ceiling");
}

#[test]
fn a_full_link_is_left_within_a_second() {
    for measured in [
        // 1.5 Mb/s with a queue of 250 ms, and of 30 ms; 3 Mb/s with one of 50 ms.
        (332, 205, 47, 205, 240.0, 0.0),
        (334, 250, 85, 202, 43.0, 35.0),
        (331, 155, 145, 80, 60.0, 10.0),
    ] {
        let mut session = Session::at(3000);
        let from = session.now;
        session.seconds(1, measured);
        let (at, step) = session.steps[0].clone();
        assert!(at.since(from) <= Duration::from_secs(1), "{step:?}");
        assert!((1200..=2250).contains(&step.to_kbps), "{step:?}");
        assert!(step.reason.contains("% of the packets lost"), "{step:?}");
    }
}

#[test]
fn what_a_queue_hides_is_seen_in_what_comes() {
    let mut session = Session::at(3000);
    let from = session.now;
    // Half the rate, a queue of a second: as many packets come as the link carries, none is lost.
    for (rtt, part) in [(150.0, 0), (280.0, 1), (400.0, 2)] {
        session.quarter((166, 0, 0, 0, rtt, 0.0), part);
    }
    let (at, step) = session.steps[0].clone();
    assert!(at.since(from) <= Duration::from_millis(750), "{step:?}");
    assert!((1200..=1500).contains(&step.to_kbps), "{step:?}");
    assert!(step.reason.contains("% of what is sent"), "{step:?}");
}

#[test]
fn the_round_trip_warns_before_anything_is_lost() {
    let mut session = Session::at(3000);
    let from = session.now;
    // As measured with a tenth too little.
    for (step, buffer_ms) in [(55.0, 80.0), (95.0, 60.0), (130.0, 30.0), (165.0, 0.0)] {
        session.seconds(1, (320, 0, 0, 0, step, buffer_ms));
    }
    let (at, step) = session.steps[0].clone();
    assert!(at.since(from) <= Duration::from_secs(2), "{step:?}");
    assert_eq!(step.to_kbps, 2250);
    assert_eq!(step.reason, "round trip 95 ms against 20 ms usual");
    assert_eq!(
        step.text(),
        "bitrate 3000 -> 2250 kb/s: round trip 95 ms against 20 ms usual"
    );
}

#[test]
fn a_screen_that_comes_to_rest_is_no_full_link() {
    let mut session = Session::at(3000);
    session.quarter((120, 0, 0, 0, 20.0, 95.0), 0);
    session.quarter((120, 0, 0, 0, 75.0, 25.0), 1);
    session.seconds(2, (120, 0, 0, 0, 20.0, 95.0));
    assert_eq!(session.steps, []);
}

#[test]
fn what_a_queue_that_empties_still_loses_is_no_second_step() {
    let mut session = Session::at(3000);
    session.seconds(1, (334, 60, 20, 40, 240.0, 0.0));
    assert_eq!(session.steps.len(), 1, "{:?}", session.steps);
    // As seen over real children: 4.5 % lost for good while the round trip went from 240 to 217 ms.
    for (part, rtt) in [235.0, 228.0, 217.0, 200.0, 170.0, 120.0, 70.0, 30.0]
        .iter()
        .enumerate()
    {
        session.quarter((250, 11, 4, 11, *rtt, 5.0), part as u64 % 4);
    }
    assert_eq!(session.steps.len(), 1, "{:?}", session.steps);
}

#[test]
fn one_answer_looked_at_twice_is_one_look() {
    let mut session = Session::at(3000);
    session.quarter((332, 0, 0, 0, 90.0, 80.0), 0);
    session.now = session.now + Duration::from_millis(150);
    session.ask();
    session.seconds(2, CLEAN);
    assert_eq!(session.steps, [], "a single long round trip");
}

#[test]
fn a_queue_that_empties_needs_no_second_step() {
    let mut session = Session::at(3000);
    session.seconds(1, (320, 0, 0, 0, 150.0, 0.0));
    assert_eq!(session.steps.len(), 1);
    for rtt in [
        140.0, 128.0, 116.0, 105.0, 95.0, 85.0, 75.0, 66.0, 58.0, 50.0, 40.0, 30.0,
    ] {
        session.quarter((240, 0, 0, 0, rtt, 50.0), 0);
    }
    assert_eq!(session.steps.len(), 1, "{:?}", session.steps);
}

#[test]
fn a_longer_way_is_taken_as_usual() {
    let mut session = Session::at(3000);
    session.seconds(12, (333, 0, 0, 0, 200.0, 0.0));
    assert!(session.steps.len() <= 4, "{:?}", session.steps);
    session.seconds(90, (333, 0, 0, 0, 200.0, 0.0));
    assert_eq!(session.look.kbps, 3000, "back again: {:?}", session.steps);
}

#[test]
fn loss_that_no_bitrate_changes_is_taken_as_usual() {
    let mut session = Session::at(3000);
    // Chance loss with a latency too short for repeating.
    let measured = (326, 16, 16, 16, 200.0, 5.0);
    session.adaptive.window.usual_is(session.now, 200.0);
    session.seconds(6, measured);
    assert!(
        (2..=4).contains(&session.steps.len()),
        "{:?}",
        session.steps
    );
    assert!(
        session
            .reason()
            .contains("a longer SRT latency than 120 ms"),
        "{}",
        session.reason()
    );
    session.seconds(150, measured);
    assert_eq!(session.look.kbps, 3000, "back again: {:?}", session.steps);
}

#[test]
fn loss_of_a_full_link_is_never_taken_as_usual() {
    let mut session = Session::at(3000);
    session.seconds(20, (331, 155, 145, 80, 60.0, 10.0));
    assert_eq!(session.look.kbps, 500);
    assert!(
        session.reason().starts_with("at the floor"),
        "{}",
        session.reason()
    );
}

#[test]
fn another_connection_is_no_loss() {
    let mut session = Session::at(3000);
    session.seconds(2, CLEAN);
    session.figures = NetworkFigures { lost: 0, ..good() };
    // As SRT begins: a round trip of 100 ms until it is measured.
    session.seconds(1, (332, 0, 0, 0, 100.0, 95.0));
    session.seconds(3, CLEAN);
    // Away, and there again with much counted while nobody looked.
    session.look.network = None;
    for _ in 0..8 {
        session.now = session.now + Duration::from_millis(250);
        session.look.network_drops += 8;
        session.ask();
    }
    assert_eq!(session.reason(), "holds: the server gives no figures");
    session.figures.lost += 500;
    session.figures.given_up += 500;
    session.seconds(4, CLEAN);
    assert_eq!(session.steps, []);
}

#[test]
fn figures_that_stand_still_are_no_clean_network() {
    let mut session = Session::at(3000);
    session.seconds(1, (332, 205, 47, 205, 240.0, 0.0));
    session.seconds(2, CLEAN);
    let steps = session.steps.len();
    session.seconds(60, (0, 0, 0, 0, 20.0, 95.0));
    assert_eq!(session.steps.len(), steps, "{:?}", session.steps);
    assert_eq!(session.reason(), "holds: no packet came in the last second");
}

#[test]
fn pictures_that_the_publisher_does_not_take_are_trouble_the_encoders_are_not() {
    let mut session = Session::at(3000);
    session.look.encoder_drops += 10;
    session.seconds(1, CLEAN);
    assert_eq!(session.reason(), "holds: the encoder does not keep up");
    assert_eq!(session.steps, []);
    session.seconds(2, CLEAN);
    session.look.network_drops += 5;
    session.quarter(CLEAN, 0);
    assert_eq!(session.look.kbps, 2250);
    assert_eq!(
        session.steps[0].1.reason,
        "5 pictures were not taken by the publisher"
    );
}

#[test]
fn it_climbs_slowly_and_slower_where_trouble_came() {
    let mut session = Session::at(3000);
    session.seconds(1, (320, 0, 0, 0, 150.0, 0.0));
    session.seconds(90, CLEAN);
    let times: Vec<_> = session.steps.iter().map(|(at, _)| *at).collect();
    let gaps: Vec<u64> = times
        .windows(2)
        .map(|p| p[1].since(p[0]).as_secs())
        .collect();
    assert!(
        gaps[0] >= 8 && gaps[1..].iter().all(|gap| *gap >= 5),
        "{gaps:?}"
    );
    assert!(*gaps.last().unwrap() >= 20, "{gaps:?}");
    assert_eq!(session.look.kbps, 3000);
    assert_eq!(session.steps[1].1.to_kbps, 2430);
    assert!(session.steps[1].1.reason.ends_with("s without trouble"));
}

#[test]
fn the_sliders_moves_are_followed_at_once() {
    let mut session = Session::at(3000);
    session.look.ceiling_kbps = 2000;
    session.seconds(1, CLEAN);
    assert_eq!(session.look.kbps, 2000);
    session.look.ceiling_kbps = 5000;
    session.seconds(1, CLEAN);
    assert_eq!(session.look.kbps, 5000, "it was not held back");
    session.seconds(2, (332, 205, 47, 205, 240.0, 0.0));
    session.seconds(1, CLEAN);
    let low = session.look.kbps;
    session.look.ceiling_kbps = 6000;
    session.seconds(2, CLEAN);
    assert_eq!(session.look.kbps, low, "it was held back");
    // A floor above the ceiling is the ceiling.
    (session.look.floor_kbps, session.look.ceiling_kbps) = (900, 800);
    session.seconds(1, CLEAN);
    assert_eq!(session.look.kbps, 800);
}
