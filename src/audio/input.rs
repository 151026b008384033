//! A sound input of the system, as a source.
//!
//! Runs on the sound source's thread: takes the device's chunks, finds their capture time,
//! converts them to 48 kHz stereo and pushes them. It never waits for a device longer than the
//! watchdog allows: a removed device gives no error on ALSA and Pulse, it only falls silent.

use super::arrival::ArrivalClock;
use super::convert::Converter;
pub use super::device::list_inputs;
use super::device::{self, Event};
use super::{AudioError, AudioSource, CHANNELS, Timeline};
use crate::stop::StopToken;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No callback for so long: the device is gone.
const QUIET_LIMIT: Duration = Duration::from_secs(1);
/// From the start of opening to the first samples (cpal gives the sound server 2 s).
const OPEN_LIMIT: Duration = Duration::from_secs(3);
/// How often a waiting source looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a device may take to close before it is left to its thread.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// The system's default input, or one by name.
pub struct InputSource {
    name: Option<String>,
    opened: Arc<Mutex<String>>,
    /// A device's thread that has not ended yet: it hangs in the sound system.
    closing: Option<JoinHandle<()>>,
}

impl InputSource {
    /// The input `name` (as [`list_inputs`] gives it, or cpal's id), or the default. Nothing is
    /// opened before [`AudioSource::run`].
    pub fn new(name: Option<&str>) -> Self {
        Self {
            name: name.map(str::to_owned),
            opened: Arc::default(),
            closing: None,
        }
    }

    /// What the system calls the device that is open; empty while none is.
    pub fn opened(&self) -> Arc<Mutex<String>> {
        self.opened.clone()
    }
}

impl AudioSource for InputSource {
    fn label(&self) -> String {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match (&self.name, opened.as_str()) {
            (Some(name), _) => name.clone(),
            (None, "") => "default".into(),
            (None, opened) => opened.into(),
        }
    }

    fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
        // One hanging thread at most, however often this is tried.
        if self.closing.as_ref().is_some_and(|t| !t.is_finished()) {
            return Err(AudioError::Device(
                "the sound system does not answer. Restart the sound server".into(),
            ));
        }
        let device = device::open(self.name.as_deref())?;
        let result = listen(&device.events, &device.spare, &self.opened, timeline, stop);
        self.opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        drop(device.close);
        let deadline = Instant::now() + CLOSE_LIMIT;
        while !device.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.closing = Some(device.thread);
        result
    }
}

/// Moves a device's sound to the timeline until `stop`, an error, or silence of the device.
fn listen(
    events: &Receiver<Event>,
    spare: &Sender<Vec<f32>>,
    opened: &Mutex<String>,
    timeline: &Timeline,
    stop: &StopToken,
) -> Result<(), AudioError> {
    let mut machine: Option<(ArrivalClock, Converter)> = None;
    let mut deadline = Instant::now() + OPEN_LIMIT;
    loop {
        if stop.is_stopped() {
            return Ok(());
        }
        match events.recv_timeout(LOOK) {
            Ok(Event::Opened { label, rate }) => {
                *opened.lock().unwrap_or_else(PoisonError::into_inner) = label;
                machine = Some((ArrivalClock::new(rate), Converter::new(rate)?));
            }
            Ok(Event::Sound(chunk)) => {
                deadline = Instant::now() + QUIET_LIMIT;
                if let Some((clock, converter)) = &mut machine {
                    let frames = chunk.stereo.len() / CHANNELS;
                    let first_at = clock.first_at(chunk.arrived, chunk.position, frames);
                    let (at, sound) = converter.convert(first_at, &chunk.stereo)?;
                    timeline.push(at, sound);
                }
                let _ = spare.try_send(chunk.stereo);
            }
            Ok(Event::LostSamples) => {
                if let Some((clock, _)) = &mut machine {
                    clock.reset();
                }
            }
            Ok(Event::Failed(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
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
    use super::super::device::Chunk;
    use super::super::testing::sine;
    use super::super::timeline::index_of;
    use super::*;
    use crate::clock;
    use crossbeam_channel::bounded;

    struct Fake {
        events: Sender<Event>,
        position: u64,
    }

    impl Fake {
        /// Plays the device in real time: mono-like 44100 Hz chunks of 10 ms.
        fn play(&mut self, chunks: u64) {
            for _ in 0..chunks {
                std::thread::sleep(Duration::from_millis(10));
                let stereo = sine(440.0, 44_100, 0.5, self.position, 441);
                self.events
                    .send(Event::Sound(Chunk {
                        arrived: clock::now(),
                        position: self.position,
                        stereo,
                    }))
                    .unwrap();
                self.position += 441;
            }
        }
    }

    fn with_fake(device: impl FnOnce(&mut Fake) + Send) -> (Timeline, String, Duration) {
        let (events, rx) = bounded(8);
        let (spare, _spare_rx) = bounded(8);
        let timeline = Timeline::new();
        let opened = Mutex::default();
        let mut fake = Fake {
            events,
            position: 0,
        };
        let (error, after) = std::thread::scope(|scope| {
            let listening = scope.spawn(|| {
                let result = listen(&rx, &spare, &opened, &timeline, &StopToken::new());
                (result.unwrap_err().to_string(), Instant::now())
            });
            fake.events
                .send(Event::Opened {
                    label: "fake".into(),
                    rate: 44_100,
                })
                .unwrap();
            device(&mut fake);
            let ended = Instant::now();
            let (error, at) = listening.join().unwrap();
            (error, at.saturating_duration_since(ended))
        });
        (timeline, error, after)
    }

    #[test]
    fn b12a_a_device_that_reports_its_loss_ends_at_once() {
        let mut played = clock::now();
        let (timeline, error, after) = with_fake(|fake| {
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
        let (timeline, error, after) = with_fake(|fake| fake.play(30));
        assert!(error.contains("gives no sound"), "{error}");
        let after = after.as_millis();
        assert!((900..1_500).contains(&after), "{after} ms");
        // And meanwhile there was silence.
        let mut out = vec![1; 4_800 * CHANNELS];
        let first = index_of(clock::now() - Duration::from_millis(500));
        assert_eq!(timeline.read(first, &mut out), 0);
    }

    #[test]
    fn without_such_a_device_it_says_so_quickly() {
        let started = Instant::now();
        let mut source = InputSource::new(Some("no such input 7f3a"));
        let error = source.run(&Timeline::new(), &StopToken::new()).unwrap_err();
        assert!(matches!(error, AudioError::NoDevice(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn a_stopped_source_ends() {
        let stop = StopToken::new();
        stop.stop();
        // Whatever this machine has.
        assert!(InputSource::new(None).run(&Timeline::new(), &stop).is_ok());
    }
}
