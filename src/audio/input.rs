//! A sound input of the system, as a source.
//!
//! Runs on the sound source's thread: takes the device's chunks, finds their capture time,
//! converts them to 48 kHz stereo and pushes them. It never waits for a device longer than the
//! watchdog allows: a removed device gives no error on ALSA and Pulse, it only falls silent.

use super::device::{self, Event, Format};
use super::hosts::Which;
pub use super::hosts::list_inputs;
use super::intake::Intake;
use super::{AudioError, AudioSource, Timeline};
use crate::stop::{StopToken, ends_by};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No callback for so long: the device is gone. With a look it is told within a second (cases.md B12).
const QUIET_LIMIT: Duration = Duration::from_millis(850);
/// From the start of opening to the first samples (cpal gives the sound server 2 s).
const OPEN_LIMIT: Duration = Duration::from_secs(3);
/// How often a waiting source looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a device may take to close before it is left to its thread.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// A sound input of the system.
pub struct InputSource {
    which: Which,
    opened: Arc<Mutex<Opened>>,
    /// A device's thread that has not ended yet: it hangs in the sound system.
    closing: Option<JoinHandle<()>>,
}

/// The device that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// What the system calls it; empty while none is open.
    pub label: String,
    /// How it is open; None while it is not.
    pub format: Option<Format>,
    /// It may give nothing without being lost.
    pub pauses: bool,
}

impl InputSource {
    /// A device; it is not opened before [`AudioSource::run`].
    pub fn new(which: Which) -> Self {
        Self {
            which,
            opened: Arc::default(),
            closing: None,
        }
    }

    /// The device that is open.
    pub fn opened(&self) -> Arc<Mutex<Opened>> {
        self.opened.clone()
    }
}

impl AudioSource for InputSource {
    fn label(&self) -> String {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match (&self.which, opened.label.as_str()) {
            (Which::Named(name), _) => name.clone(),
            (which, "") => which.to_string(),
            (_, opened) => opened.into(),
        }
    }

    fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
        // One hanging thread at most, however often this is tried.
        if self.closing.as_ref().is_some_and(|t| !t.is_finished()) {
            return Err(AudioError::Device(
                "the sound system does not answer. Restart the sound server".into(),
            ));
        }
        let device = device::open(&self.which)?;
        let result = listen(&device.events, &device.spare, &self.opened, timeline, stop);
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Opened::default();
        drop(device.close);
        ends_by(&device.thread, Instant::now() + CLOSE_LIMIT);
        self.closing = Some(device.thread);
        result
    }
}

/// Moves a device's sound to the timeline until `stop`, an error, or silence of the device; a device
/// that may pause is never silent for too long once it is open.
pub(super) fn listen(
    events: &Receiver<Event>,
    spare: &Sender<Vec<f32>>,
    opened: &Mutex<Opened>,
    timeline: &Timeline,
    stop: &StopToken,
) -> Result<(), AudioError> {
    let mut intake: Option<Intake> = None;
    let mut may_pause = false;
    let mut deadline = Instant::now() + OPEN_LIMIT;
    loop {
        if stop.is_stopped() {
            return Ok(());
        }
        match events.recv_timeout(LOOK) {
            Ok(Event::Opened {
                label,
                format,
                pauses,
            }) => {
                intake = Some(Intake::new(format.rate_hz, pauses)?);
                may_pause = pauses;
                *opened.lock().unwrap_or_else(PoisonError::into_inner) = Opened {
                    label,
                    format: Some(format),
                    pauses,
                };
            }
            Ok(Event::Sound(chunk)) => {
                deadline = Instant::now() + QUIET_LIMIT;
                if let Some(intake) = &mut intake {
                    intake.take(&chunk, timeline)?;
                    let frames = u32::try_from(intake.buffer_frames()).unwrap_or(u32::MAX);
                    let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(format) = &mut opened.format {
                        format.buffer_frames = frames;
                        format.late_ms = intake.shift().as_millis() as u32;
                    }
                }
                let _ = spare.try_send(chunk.stereo);
            }
            Ok(Event::LostSamples) => {
                if let Some(intake) = &mut intake {
                    intake.lost_samples();
                }
            }
            Ok(Event::Failed(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) if may_pause || Instant::now() < deadline => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err(AudioError::Device(
                    "it gives no sound. Check that it is plugged in and not muted by the system"
                        .into(),
                ));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(AudioError::Device("it stopped unexpectedly".into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CHANNELS;
    use super::super::device::Chunk;
    use super::super::testing::{channel, pitch, sine};
    use super::super::timeline::index_of;
    use super::*;
    use crate::clock;
    use crossbeam_channel::bounded;

    /// A device that plays 440 Hz in real time.
    struct Fake {
        events: Sender<Event>,
        position: u64,
        rate: u32,
    }

    impl Fake {
        fn open(&mut self, rate: u32, channels: u16, pauses: bool) {
            self.rate = rate;
            self.position = 0;
            let opened = Event::Opened {
                label: "fake".into(),
                format: Format {
                    host: "fake",
                    rate_hz: rate,
                    channels,
                    buffer_frames: 0,
                    late_ms: 0,
                },
                pauses,
            };
            self.events.send(opened).unwrap();
        }

        /// Chunks of 10 ms, as a device would give them.
        fn play(&mut self, chunks: u64) {
            let frames = self.rate as usize / 100;
            let began = Instant::now();
            for k in 1..=chunks {
                let due = began + Duration::from_millis(10 * k);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let stereo = sine(440.0, self.rate, 0.5, self.position, frames);
                self.events
                    .send(Event::Sound(Chunk {
                        arrived: clock::now(),
                        position: self.position,
                        captured_ago: Duration::from_millis(10),
                        stereo,
                    }))
                    .unwrap();
                self.position += frames as u64;
            }
        }
    }

    struct StopsOnPanic<'s>(&'s StopToken);

    impl Drop for StopsOnPanic<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.stop();
            }
        }
    }

    /// Gives the timeline, the error that the listener ended with, and how long after `device`.
    fn with_fake(
        pauses: bool,
        device: impl FnOnce(&mut Fake, &Timeline, &StopToken) + Send,
    ) -> (Timeline, String, Duration) {
        let (events, rx) = bounded(8);
        let (spare, _spare_rx) = bounded(8);
        let (timeline, stop) = (Timeline::new(), StopToken::new());
        let opened = Mutex::default();
        let mut fake = Fake {
            events,
            position: 0,
            rate: 44_100,
        };
        let (error, after) = std::thread::scope(|scope| {
            let listening = scope.spawn(|| {
                let result = listen(&rx, &spare, &opened, &timeline, &stop);
                let error = result.err().map(|e| e.to_string()).unwrap_or_default();
                (error, Instant::now())
            });
            // A failed test must end too.
            let _stops = StopsOnPanic(&stop);
            fake.open(44_100, 1, pauses);
            device(&mut fake, &timeline, &stop);
            let ended = Instant::now();
            let (error, at) = listening.join().unwrap();
            (error, at.saturating_duration_since(ended))
        });
        let format = opened.into_inner().unwrap().format.unwrap();
        if timeline.stats().pushed > 0 {
            assert_eq!(format.buffer_frames, format.rate_hz / 100);
        }
        (timeline, error, after)
    }

    /// Where the tone is, in the second before `now`.
    fn last_second(timeline: &Timeline) -> (Vec<f64>, usize) {
        let mut out = vec![0; 24_000 * CHANNELS];
        let first = index_of(clock::now() - Duration::from_millis(540));
        let written = timeline.read(first, &mut out);
        (channel(&out, 0), written)
    }

    /// B11: a loopback that pauses while nothing plays is not lost, and is in sync when it goes on.
    #[test]
    fn b11_a_loopback_that_pauses_is_not_lost() {
        let (_, error, _) = with_fake(true, |fake, timeline, stop| {
            fake.play(60);
            std::thread::sleep(Duration::from_millis(2_500));
            // Silence by the clock meanwhile; nothing old is heard again.
            let (heard, written) = last_second(timeline);
            assert!(written == 0 && heard.iter().all(|s| *s == 0.0));
            // A busy machine may be late itself: then once more.
            let off = std::iter::repeat_with(|| {
                fake.play(60);
                let late = clock::now();
                std::thread::sleep(Duration::from_millis(20));
                index_of(late).abs_diff(timeline.head().unwrap())
            });
            let off: Vec<_> = off.take(8).take_while(|off| *off >= 48 * 20).collect();
            assert!(off.len() < 8, "off by {off:?} frames after the pause");
            stop.stop();
        });
        assert_eq!(error, "");
    }

    /// B12 c: the device comes back with another format while the source goes on.
    #[test]
    fn b12c_a_device_that_comes_back_in_another_format_keeps_its_pitch() {
        for (rate, channels) in [(44_100, 1), (44_100, 8), (48_000, 2), (96_000, 2)] {
            let (_, error, _) = with_fake(false, |fake, timeline, stop| {
                fake.play(30);
                fake.open(rate, channels, false);
                // A busy machine gives chunks too late for that second: then another.
                let whole = || {
                    fake.play(80);
                    let (heard, written) = last_second(timeline);
                    (written > 23_000).then_some(heard)
                };
                let heard = std::iter::repeat_with(whole).take(8).flatten().next();
                let heard = heard.expect("no second without a gap");
                let hz = pitch(&heard[..22_000], 48_000);
                assert!((hz - 440.0).abs() < 1.0, "{rate} Hz: {hz} Hz");
                stop.stop();
            });
            assert_eq!(error, "");
        }
    }

    #[test]
    fn b12a_a_device_that_reports_its_loss_ends_at_once() {
        let mut played = clock::now();
        let (timeline, error, after) = with_fake(false, |fake, _, _| {
            fake.play(30);
            played = clock::now();
            let lost = AudioError::Device("unplugged".into());
            fake.events.send(Event::Failed(lost)).unwrap();
        });
        assert!(error.contains("unplugged"), "{error}");
        assert!(after < Duration::from_millis(500));
        let mut out = vec![0; 4_800 * CHANNELS];
        let first = index_of(played - Duration::from_millis(200));
        assert_eq!(timeline.read(first, &mut out), 4_800);
    }

    #[test]
    fn b12b_a_device_that_falls_silent_ends_after_a_second() {
        let (timeline, error, after) = with_fake(false, |fake, _, _| fake.play(30));
        assert!(error.contains("gives no sound"), "{error}");
        const { assert!(QUIET_LIMIT.as_millis() + LOOK.as_millis() < 1_000) };
        // A busy machine may look late, never early.
        let after = after.as_millis();
        assert!((800..1_500).contains(&after), "{after} ms");
        // And meanwhile there was silence.
        let mut out = vec![1; 4_800 * CHANNELS];
        let first = index_of(clock::now() - Duration::from_millis(500));
        assert_eq!(timeline.read(first, &mut out), 0);
    }

    /// B11, B12: it can be opened and never calls back at all.
    #[test]
    fn b12_a_device_that_never_calls_back_is_told_and_a_loopback_is_not() {
        let (timeline, error, after) = with_fake(false, |_, _, _| {});
        assert!(error.contains("gives no sound"), "{error}");
        assert!(after < OPEN_LIMIT + Duration::from_secs(1), "{after:?}");
        assert_eq!(timeline.stats().pushed, 0);
        let (timeline, error, _) = with_fake(true, |_, _, stop| {
            std::thread::sleep(OPEN_LIMIT + Duration::from_millis(300));
            stop.stop();
        });
        assert_eq!((error.as_str(), timeline.stats().pushed), ("", 0));
    }

    #[test]
    fn without_such_a_device_it_says_so_quickly() {
        let started = Instant::now();
        let mut source = InputSource::new(Which::Named("no such input 7f3a".into()));
        let error = source.run(&Timeline::new(), &StopToken::new()).unwrap_err();
        assert!(matches!(error, AudioError::NoDevice(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn a_stopped_source_ends() {
        let stop = StopToken::new();
        stop.stop();
        // Whatever this machine has.
        assert!(
            InputSource::new(Which::Default)
                .run(&Timeline::new(), &stop)
                .is_ok()
        );
    }
}
