//! The picture source: it is opened, and its first picture waited for.

use super::guard::{Lane, Look};
use super::{Area, LIVE, Outcome};
use crate::capture::{self, FrameSlot, Opener, PictureSource, PictureStatus, choice, supervise};
use crate::settings::{VideoSettings, VideoSourceKind};
use crate::stop::StopToken;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For the first picture.
const FIRST_PICTURE: Duration = Duration::from_secs(3);
/// Opening, the picture, closing.
const LIMIT: Duration = Duration::from_secs(5);
const TURN: Duration = Duration::from_millis(20);

pub(super) fn check(lane: &Lane) {
    let now = &lane.case.now;
    let told = match &now.picture {
        Some(status) => running(status),
        None if now.live => Look::skipped(LIVE),
        None if asks(lane.case.settings.video.source) => Look::skipped(
            "the desktop would ask which screen to capture; it is asked when a picture is wanted",
        ),
        None => {
            return lane.look(Area::Capture, LIMIT, |case, stop| {
                vec![open(&case.settings.video, Arc::new(capture::open), stop)]
            });
        }
    };
    lane.tell(Area::Capture, Duration::ZERO, told);
}

/// Whether opening a source may bring up the desktop's dialog.
fn asks(kind: VideoSourceKind) -> bool {
    matches!(
        choice::resolve(kind),
        VideoSourceKind::Portal | VideoSourceKind::Scap
    )
}

/// The source that is open anyway.
fn running(status: &PictureStatus) -> Look {
    match (&status.problem, &status.asks) {
        (Some(problem), _) => failed(problem),
        (None, Some(asks)) => Look::warning(format!("the picture source waits: {asks}"), asks),
        (None, None) if status.label.is_empty() => Look::skipped("the picture source is opening"),
        (None, None) => Look::ok(format!("{}, open", status.label)),
    }
}

fn failed(problem: &str) -> Look {
    Look::of_message(Outcome::Failed, problem, "choose another source")
}

fn open(settings: &VideoSettings, opener: Opener, stop: &StopToken) -> Look {
    let slot = FrameSlot::new();
    let source = match supervise::spawn(settings, opener, &slot, |_| ()) {
        Ok(source) => source,
        Err(error) => return super::guard::no_thread(&error),
    };
    let began = Instant::now();
    let mut look = None;
    while look.is_none() && !stop.is_stopped() && began.elapsed() < FIRST_PICTURE {
        if slot.wait(TURN) {
            let after_ms = began.elapsed().as_millis();
            look = slot.take().map(|frame| {
                let label = label(&source);
                Look::ok(format!("{label}: {} after {after_ms} ms", frame.size))
            });
        } else if let Some(problem) = source.status().problem {
            look = Some(failed(&problem));
        }
    }
    let asks = source.status().asks;
    source.join(Duration::from_millis(600));
    look.unwrap_or_else(|| {
        Look::failed(
            format!("no picture within {} s", FIRST_PICTURE.as_secs()),
            asks.unwrap_or_else(|| "choose another source, or log in anew".into()),
        )
    })
}

/// The source's name, which its watcher learns a moment after the first picture.
fn label(source: &PictureSource) -> String {
    let until = Instant::now() + Duration::from_millis(400);
    loop {
        let label = source.status().label;
        if !label.is_empty() || Instant::now() >= until {
            return label;
        }
        std::thread::sleep(TURN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CaptureError, VideoSource};
    use crate::units::Size;

    fn pattern() -> VideoSettings {
        VideoSettings {
            source: VideoSourceKind::Pattern,
            size: Size::new(320, 180),
            ..VideoSettings::default()
        }
    }

    #[test]
    fn a_source_is_opened_and_its_picture_measured() {
        let look = open(&pattern(), Arc::new(capture::open), &StopToken::new());
        assert_eq!(look.outcome, Outcome::Ok, "{look:?}");
        assert!(look.found.contains("320x180 after"), "{look:?}");
        assert!(look.found.starts_with("Test pattern"), "{look:?}");
    }

    #[test]
    fn what_a_source_says_is_found_and_fix() {
        let gone: Opener = Arc::new(|_| Err(CaptureError::Gone("window X".into())));
        let look = open(&pattern(), gone, &StopToken::new());
        assert_eq!(look.outcome, Outcome::Failed);
        assert_eq!(look.found, "window X is not there");
        assert!(look.fix.contains("choose another source"), "{look:?}");
    }

    struct Still;

    impl VideoSource for Still {
        fn label(&self) -> String {
            "still".into()
        }

        fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
            while !stop.sleep(TURN) {
                slot.beat(crate::clock::now());
            }
            Ok(())
        }
    }

    #[test]
    fn a_source_without_a_picture_is_given_up() {
        let began = Instant::now();
        let still: Opener = Arc::new(|_| Ok(Box::new(Still)));
        let look = open(&pattern(), still, &StopToken::new());
        assert_eq!(look.outcome, Outcome::Failed);
        assert!(look.found.contains("within 3 s"), "{look:?}");
        assert!(!look.fix.is_empty());
        assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    }

    #[test]
    fn an_open_source_is_told_of_and_a_dialog_never_brought_up() {
        let mut status = PictureStatus {
            label: "Monitor A".into(),
            ..PictureStatus::default()
        };
        assert_eq!(running(&status), Look::ok("Monitor A, open"));
        status.problem = Some("lost. Plug it in".into());
        assert_eq!(running(&status), Look::failed("lost", "Plug it in"));
        assert!(asks(VideoSourceKind::Portal) && asks(VideoSourceKind::Scap));
        assert!(!asks(VideoSourceKind::Pattern) && !asks(VideoSourceKind::X11));
    }
}
