//! Keeps a sound source running: opens it, and opens it anew a second after it failed.
//!
//! One thread ("sound-source") a source. Whatever a source does (error, panic, end), the show goes
//! on with silence; the thread ends when its stop token is set. Holds nothing but the status.

use super::hosts::Which;
use super::{AudioError, AudioSource, BeepSource, Format, InputSource, Opened};
use super::{Timeline, ToneSource};
use crate::panics::text_of;
use crate::settings::AudioSourceKind;
use crate::stop::{StopToken, ends_by};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between a failure and the next try.
const REOPEN_AFTER: Duration = Duration::from_secs(1);
/// The line-up tone: SMPTE RP 155.
const TONE_HZ: f64 = 1_000.0;
/// Its peak.
const TONE_DBFS: f64 = -20.0;

/// A source as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// What is open; empty while nothing gives sound.
    pub label: String,
    /// Set while the source gives nothing: what happened and what to do.
    pub problem: Option<String>,
    /// How the device is open, where the source is one.
    pub format: Option<Format>,
}

#[derive(Debug, Default)]
struct Shared {
    label: String,
    problem: Option<String>,
    /// Frames that the timeline had got when the problem was noted.
    pushed_then: u64,
}

/// A source that is being kept running.
#[derive(Debug)]
pub struct SoundSource {
    shared: Arc<Mutex<Shared>>,
    opened: Option<Arc<Mutex<Opened>>>,
    timeline: Timeline,
    stop: StopToken,
    thread: Option<JoinHandle<()>>,
}

/// Starts the source `kind` on its own thread, pushing into `timeline` until `stop`.
///
/// One source a timeline: to change it, stop and [`SoundSource::join`] the old one first.
///
/// # Errors
/// Where no thread can be started.
pub fn spawn(
    kind: &AudioSourceKind,
    timeline: &Timeline,
    stop: &StopToken,
) -> std::io::Result<SoundSource> {
    let input = |which: Which| {
        let source = InputSource::new(which);
        let opened = source.opened();
        supervise(source, Some(opened), timeline, stop)
    };
    match kind {
        AudioSourceKind::DefaultInput => input(Which::Default),
        AudioSourceKind::Input(name) => input(Which::Named(name.clone())),
        AudioSourceKind::SystemSound => input(Which::System),
        AudioSourceKind::Beep(ppm) => {
            let source = BeepSource::new(*ppm);
            let opened = source.opened();
            supervise(source, Some(opened), timeline, stop)
        }
        AudioSourceKind::Tone => {
            supervise(ToneSource::new(TONE_HZ, TONE_DBFS), None, timeline, stop)
        }
        AudioSourceKind::Silence => Ok(SoundSource {
            shared: Arc::default(),
            opened: None,
            timeline: timeline.clone(),
            stop: stop.clone(),
            thread: None,
        }),
    }
}

fn supervise(
    mut source: impl AudioSource + 'static,
    opened: Option<Arc<Mutex<Opened>>>,
    timeline: &Timeline,
    stop: &StopToken,
) -> std::io::Result<SoundSource> {
    let shared = Arc::new(Mutex::new(Shared {
        label: source.label(),
        ..Shared::default()
    }));
    let (on_timeline, on_stop, on_shared) = (timeline.clone(), stop.clone(), shared.clone());
    let thread = std::thread::Builder::new()
        .name("sound-source".into())
        .spawn(move || {
            while !on_stop.is_stopped() {
                let result = catch_unwind(AssertUnwindSafe(|| source.run(&on_timeline, &on_stop)));
                if on_stop.is_stopped() {
                    return;
                }
                let problem = match result {
                    Ok(Err(error)) => error.to_string(),
                    Ok(Ok(())) => AudioError::Device("it ended".into()).to_string(),
                    Err(panic) => {
                        AudioError::Device(format!("internal fault: {}", text_of(&*panic)))
                            .to_string()
                    }
                };
                {
                    let mut shared = on_shared.lock().unwrap_or_else(PoisonError::into_inner);
                    if shared.problem.as_ref() != Some(&problem) {
                        tracing::warn!(source = source.label(), "{problem}");
                    }
                    shared.problem = Some(problem);
                    shared.pushed_then = on_timeline.stats().pushed;
                }
                if on_stop.sleep(REOPEN_AFTER) {
                    return;
                }
            }
        })?;
    Ok(SoundSource {
        shared,
        opened,
        timeline: timeline.clone(),
        stop: stop.clone(),
        thread: Some(thread),
    })
}

impl SoundSource {
    /// The source's status now. A problem stays until sound comes again.
    pub fn status(&self) -> SourceStatus {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.opened.as_ref().map(|opened| {
            opened
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        });
        // What may pause is well again once it is open.
        let waits = opened.as_ref().is_some_and(|opened| opened.pauses);
        let sounds = self.timeline.stats().pushed > shared.pushed_then;
        if shared.problem.is_some() && (sounds || waits) {
            shared.problem = None;
        }
        let label = match (&shared.problem, &opened) {
            (Some(_), _) => String::new(),
            (None, Some(opened)) => opened.label.clone(),
            (None, None) => shared.label.clone(),
        };
        SourceStatus {
            label,
            problem: shared.problem.clone(),
            format: opened.and_then(|opened| opened.format),
        }
    }

    /// Asks the source to end, without waiting.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Asks the source to end and waits for it, at most `limit`; false where it did not (it then
    /// ends by itself once the sound system answers).
    pub fn join(mut self, limit: Duration) -> bool {
        self.stop.stop();
        let Some(thread) = self.thread.take() else {
            return true;
        };
        ends_by(&thread, Instant::now() + limit) && thread.join().is_ok()
    }
}

impl Drop for SoundSource {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Fails as often as told, in the way told, then gives sound.
    struct Fake {
        opened: Arc<AtomicUsize>,
        failures: usize,
        panics: bool,
    }

    impl AudioSource for Fake {
        fn label(&self) -> String {
            "fake".into()
        }

        fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
            let opened = self.opened.fetch_add(1, Ordering::SeqCst);
            if opened < self.failures {
                assert!(!self.panics, "fell over");
                return Err(AudioError::NoDevice("fake".into()));
            }
            while !stop.sleep(Duration::from_millis(10)) {
                timeline.push(clock::now(), &[0.1; 960]);
            }
            Ok(())
        }
    }

    fn spawn_fake(failures: usize, panics: bool) -> (SoundSource, Arc<AtomicUsize>) {
        let opened = Arc::new(AtomicUsize::new(0));
        let fake = Fake {
            opened: opened.clone(),
            failures,
            panics,
        };
        let source = supervise(fake, None, &Timeline::new(), &StopToken::new()).unwrap();
        (source, opened)
    }

    fn wait_for(what: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !what() {
            assert!(Instant::now() < deadline, "waited for 5 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_lost_device_is_named_and_opened_anew_once_a_second() {
        let started = Instant::now();
        let (source, opened) = spawn_fake(2, false);
        wait_for(|| source.status().problem.is_some());
        assert!(source.status().problem.unwrap().contains("no sound input"));
        assert_eq!(source.status().label, "");
        wait_for(|| source.status().problem.is_none());
        assert!(started.elapsed() >= 2 * REOPEN_AFTER);
        assert_eq!(opened.load(Ordering::SeqCst), 3);
        assert_eq!(source.status().label, "fake");
        assert!(source.join(Duration::from_secs(1)));
    }

    #[test]
    fn a_panic_is_a_problem_not_an_end() {
        let (source, _) = spawn_fake(1, true);
        wait_for(|| source.status().problem.is_some());
        assert!(source.status().problem.unwrap().contains("fell over"));
        wait_for(|| source.status().problem.is_none());
        assert!(source.join(Duration::from_secs(1)));
    }

    #[test]
    fn stop_ends_a_source_that_waits_to_be_opened() {
        let (source, _) = spawn_fake(100, false);
        wait_for(|| source.status().problem.is_some());
        let started = Instant::now();
        assert!(source.join(Duration::from_secs(1)));
        assert!(started.elapsed() < Duration::from_millis(500));
    }

    /// B11: opened anew while nothing plays, it has no problem and gives nothing.
    #[test]
    fn b11_a_loopback_opened_anew_while_nothing_plays_is_well() {
        struct Loopback(Arc<Mutex<Opened>>, u32);
        impl AudioSource for Loopback {
            fn label(&self) -> String {
                "loopback".into()
            }

            fn run(&mut self, _: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
                self.1 += 1;
                if self.1 == 1 {
                    return Err(AudioError::Device("the output was unplugged".into()));
                }
                *self.0.lock().unwrap() = Opened {
                    label: "Monitor of Speakers".into(),
                    format: None,
                    pauses: true,
                };
                while !stop.sleep(Duration::from_millis(10)) {}
                Ok(())
            }
        }
        let opened = Arc::new(Mutex::new(Opened::default()));
        let fake = Loopback(opened.clone(), 0);
        let (timeline, stop) = (Timeline::new(), StopToken::new());
        let source = supervise(fake, Some(opened), &timeline, &stop).unwrap();
        wait_for(|| source.status().problem.is_some());
        wait_for(|| source.status().problem.is_none());
        assert_eq!(source.status().label, "Monitor of Speakers");
        assert_eq!(timeline.stats().pushed, 0);
        assert!(source.join(Duration::from_secs(1)));
    }

    #[test]
    fn silence_needs_no_thread() {
        let timeline = Timeline::new();
        let source = spawn(&AudioSourceKind::Silence, &timeline, &StopToken::new()).unwrap();
        assert_eq!(source.status(), SourceStatus::default());
        assert!(source.join(Duration::ZERO));
    }

    #[test]
    fn the_tone_gives_sound() {
        let timeline = Timeline::new();
        let source = spawn(&AudioSourceKind::Tone, &timeline, &StopToken::new()).unwrap();
        wait_for(|| timeline.stats().pushed >= 4_800);
        assert_eq!(source.status().label, "1000 Hz, -20 dBFS");
        assert!(source.join(Duration::from_secs(1)));
    }
}
