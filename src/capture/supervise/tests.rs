use super::*;
use crate::capture::Frame;
use crate::units::Size;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the fake backend does when it is opened for the nth time.
#[derive(Clone, Copy)]
enum Act {
    FailToOpen,
    Panic,
    /// Runs, never beats, and does not look at its stop token for so long.
    Hang(Duration),
    /// Puts one picture of this size, then stands still (with signs of life) until it is stopped.
    Still(u32, u32),
    /// Puts one picture, then is lost.
    LostAfter(Duration),
    /// Waits for the operator.
    Ask,
    /// The operator says no.
    Refuse,
}

struct Fake(Act, String);

impl VideoSource for Fake {
    fn label(&self) -> String {
        self.1.clone()
    }

    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let alive = |time: Duration| {
            let until = Instant::now() + time;
            while Instant::now() < until && !stop.sleep(Duration::from_millis(10)) {
                slot.beat(clock::now());
            }
        };
        match self.0 {
            Act::FailToOpen => unreachable!(),
            Act::Panic => panic!("fell over"),
            Act::Hang(time) => {
                slot.beat(clock::now());
                std::thread::sleep(time);
                slot.put(picture(4, 4));
            }
            Act::Still(width, height) => {
                slot.put(picture(width, height));
                alive(Duration::from_secs(600));
            }
            Act::LostAfter(time) => {
                slot.put(picture(64, 64));
                alive(time);
                return Err(CaptureError::Lost("access lost".into()));
            }
            Act::Refuse => return Err(CaptureError::Refused("cancelled".into())),
            Act::Ask => {
                slot.note(SourceNote {
                    label: None,
                    asks: Some("choose a screen".into()),
                });
                alive(Duration::from_secs(600));
            }
        }
        Ok(())
    }
}

fn picture(width: u32, height: u32) -> Frame {
    let now = clock::now();
    let size = Size::new(width, height);
    Frame {
        captured_at: now,
        in_memory_at: now,
        size,
        stride: width as usize * 4,
        data: vec![0; size.pixels() * 4].into(),
    }
}

/// A source that acts in this order, the last act for ever; how often it was opened; its slot.
fn source<const N: usize>(acts: [Act; N]) -> (PictureSource, Arc<AtomicUsize>, FrameSlot) {
    let (opened, slot) = (Arc::new(AtomicUsize::new(0)), FrameSlot::new());
    let count = opened.clone();
    let open: Opener = Arc::new(move |settings| {
        let act = acts[count.fetch_add(1, Ordering::SeqCst).min(acts.len() - 1)];
        match act {
            Act::FailToOpen => Err(CaptureError::Gone("monitor HDMI-1".into())),
            act => Ok(Box::new(Fake(act, settings.size.to_string()))),
        }
    });
    let source = spawn(&VideoSettings::default(), open, &slot, |_| {}).unwrap();
    (source, opened, slot)
}

fn wait_for(limit: Duration, what: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < limit, "waited for {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    started.elapsed()
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn b05_a_lost_source_is_named_within_a_second_and_comes_back_in_another_size() {
    let (source, opened, slot) = source([
        Act::LostAfter(Duration::from_millis(200)),
        Act::FailToOpen,
        Act::Still(32, 16),
    ]);
    wait_for(SOON, || slot.put_count() == 1);
    let lost = wait_for(SOON, || source.status().problem.is_some());
    assert!(lost < Duration::from_secs(1), "{lost:?}");
    let status = source.status();
    assert_eq!(status.label, "");
    assert!(status.problem.unwrap().contains("access lost"));
    assert!(status.lost_since.is_some());
    slot.take();
    // Two tries apart; no busy loop.
    let back = wait_for(SOON, || source.status().problem.is_none());
    assert!(back > REOPEN_AFTER + REOPEN_AFTER / 2, "{back:?}");
    assert_eq!(opened.load(Ordering::SeqCst), 3);
    assert_eq!(slot.take().unwrap().size, Size::new(32, 16));
    assert_eq!(source.status().lost_since, None);
    assert!(source.join(Duration::from_secs(1)));
}

/// Whenever it returns within the pause between two tries, and however often it was tried before.
#[test]
fn b05_it_is_back_within_a_second_of_its_return() {
    const { assert!(REOPEN_AFTER.as_millis() < 900) };
    for away in [Duration::from_millis(300), Duration::from_millis(1_700)] {
        let (opened, slot) = (Arc::new(AtomicUsize::new(0)), FrameSlot::new());
        let (count, back_at) = (opened.clone(), Instant::now() + away);
        let open: Opener = Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            if Instant::now() < back_at {
                return Err(CaptureError::Gone("monitor HDMI-1".into()));
            }
            Ok(Box::new(Fake(Act::Still(32, 16), "back".into())))
        });
        let source = spawn(&VideoSettings::default(), open, &slot, |_| {}).unwrap();
        wait_for(SOON, || slot.put_count() == 1);
        let late = back_at.elapsed();
        assert!(late < Duration::from_secs(1), "{late:?} after its return");
        // No busy loop: one try a pause.
        let tries = away.as_millis().div_ceil(REOPEN_AFTER.as_millis()) as usize + 1;
        assert!(
            opened.load(Ordering::SeqCst) <= tries,
            "tried {opened:?} times"
        );
        assert!(source.join(Duration::from_secs(1)));
    }
}

#[test]
fn a_panic_of_a_backend_is_an_error_and_a_retry() {
    let (source, _, slot) = source([Act::Panic, Act::Still(32, 16)]);
    wait_for(SOON, || {
        let problem = source.status().problem;
        problem.is_some_and(|text| text.contains("fell over"))
    });
    wait_for(SOON, || slot.put_count() == 1);
    wait_for(SOON, || source.status().label == "1280x720");
    assert!(source.join(Duration::from_secs(1)));
}

#[test]
fn a_hanging_backend_is_given_up_and_disturbs_nobody_when_it_wakes() {
    let (source, opened, slot) = source([Act::Hang(Duration::from_secs(9)), Act::Still(32, 16)]);
    let problem = || source.status().problem.unwrap_or_default();
    let given_up = wait_for(SOON, || problem().contains("given up"));
    assert!(given_up > HANG - Duration::from_secs(1), "{given_up:?}");
    wait_for(SOON, || slot.put_count() == 1);
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    // The first wakes and puts its picture, which nobody takes for the second's.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(slot.put_count(), 1);
    assert_eq!(source.status().problem, None);
    assert!(source.join(Duration::from_secs(1)));
}

#[test]
fn b06_a_still_screen_is_no_hang() {
    let (source, opened, slot) = source([Act::Still(32, 16)]);
    wait_for(SOON, || slot.put_count() == 1);
    std::thread::sleep(HANG + Duration::from_secs(1));
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    assert_eq!(source.status().problem, None);
    assert!(source.join(Duration::from_secs(1)));
}

#[test]
fn what_is_captured_changes_at_once() {
    let (source, opened, _) = source([Act::Still(32, 16), Act::Still(64, 16), Act::FailToOpen]);
    wait_for(SOON, || source.status().label == "1280x720");
    let mut other = VideoSettings {
        size: Size::new(640, 360),
        ..VideoSettings::default()
    };
    source.change(&other);
    let changed = wait_for(SOON, || source.status().label == "640x360");
    assert!(changed < Duration::from_millis(900), "{changed:?}");
    // The same once more is no change; nor does a lost source wait with a new wish.
    source.change(&other);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    other.cursor = false;
    source.change(&other);
    wait_for(SOON, || source.status().problem.is_some());
    assert!(source.join(Duration::from_secs(1)));
}

#[test]
fn a_source_that_waits_for_the_operator_says_so_and_stops_at_once() {
    let (source, ..) = source([Act::Ask]);
    wait_for(SOON, || source.status().asks.is_some());
    assert_eq!(source.status().asks.unwrap(), "choose a screen");
    assert_eq!(source.status().label, "");
    let started = Instant::now();
    assert!(source.join(Duration::from_secs(1)));
    assert!(started.elapsed() < Duration::from_millis(500));
}

#[test]
fn a_refused_source_asks_again_only_when_wanted() {
    let (source, opened, _) = source([Act::Refuse, Act::Refuse, Act::Still(32, 16)]);
    wait_for(SOON, || source.status().problem.is_some());
    std::thread::sleep(3 * REOPEN_AFTER);
    assert_eq!(opened.load(Ordering::SeqCst), 1, "a dialog that comes back");
    assert!(source.status().problem.unwrap().contains("cancelled"));
    source.reopen();
    wait_for(SOON, || opened.load(Ordering::SeqCst) == 2);
    wait_for(SOON, || source.status().problem.is_some());
    let other = VideoSettings {
        cursor: false,
        ..VideoSettings::default()
    };
    source.change(&other);
    wait_for(SOON, || source.status().problem.is_none());
    let started = Instant::now();
    assert!(source.join(Duration::from_secs(1)));
    assert!(started.elapsed() < Duration::from_millis(700));
}
