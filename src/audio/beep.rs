//! A beep at each whole second of the console's clock, as a device would deliver it: with the test
//! pattern's flash it shows how far sound and picture are apart, anywhere behind them.
//!
//! Runs on the sound source's thread, and takes the whole path of a device: callbacks, capture
//! times, drift. The device that it plays has a clock of its own, off by as many parts per million
//! as told; the beeps are still at the true seconds.

use super::device::{Chunk, Format};
use super::input::Opened;
use super::intake::Intake;
use super::{AudioError, AudioSource, CHANNELS, SAMPLE_RATE, Timeline};
use crate::clock::{self, MonoTime};
use crate::stop::StopToken;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// From beep to beep, and from flash to flash, microseconds.
pub const BEEP_EVERY_US: u64 = 1_000_000;
/// Length of a beep, and of a flash, microseconds.
pub const BEEP_US: u64 = 100_000;
/// Its pitch.
const HZ: f64 = 1_000.0;
/// Its peak: -12 dBFS.
const PEAK: f32 = 0.251_189;
/// Sample frames a callback: 10 ms.
const CALLBACK_FRAMES: usize = 480;
/// A stall longer than this is not caught up.
const MAX_LATE: Duration = Duration::from_millis(500);

/// The source.
#[derive(Debug)]
pub struct BeepSource {
    ppm: i32,
    opened: Arc<Mutex<Opened>>,
}

impl BeepSource {
    /// As from a device whose clock is fast by `ppm` parts per million.
    pub fn new(ppm: i32) -> Self {
        Self {
            ppm: ppm.clamp(-2_000, 2_000),
            opened: Arc::default(),
        }
    }

    /// What is open.
    pub(super) fn opened(&self) -> Arc<Mutex<Opened>> {
        self.opened.clone()
    }

    /// Microseconds of the true clock for so many samples of the device.
    fn true_us(&self, samples: u64) -> f64 {
        samples as f64 * 1e6 / (f64::from(SAMPLE_RATE) * (1.0 + f64::from(self.ppm) * 1e-6))
    }
}

/// The beep's sample at a true time, microseconds: it begins at a zero of the sine, and ends so.
fn beep_at(us: f64) -> f32 {
    let within = us % BEEP_EVERY_US as f64;
    if within < BEEP_US as f64 {
        let turns = (within * 1e-6 * HZ).fract();
        PEAK * (turns * std::f64::consts::TAU).sin() as f32
    } else {
        0.0
    }
}

impl AudioSource for BeepSource {
    fn label(&self) -> String {
        match self.ppm {
            0 => "Beep each second".into(),
            ppm => format!("Beep each second, device clock {ppm:+} ppm"),
        }
    }

    fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
        let mut intake = Intake::new(SAMPLE_RATE, false)?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Opened {
            label: self.label(),
            format: Some(Format {
                host: "test",
                rate_hz: SAMPLE_RATE,
                channels: CHANNELS as u16,
                buffer_frames: CALLBACK_FRAMES as u32,
                late_ms: 0,
            }),
            pauses: false,
        };
        let mut began = clock::now();
        let mut position = 0_u64;
        loop {
            let end = position + CALLBACK_FRAMES as u64;
            let due = began + Duration::from_micros(self.true_us(end) as u64);
            if stop.sleep(due.since(clock::now())) {
                return Ok(());
            }
            let arrived = clock::now();
            if arrived.since(due) > MAX_LATE {
                // The machine stood still: as a device does that is opened anew.
                (began, position) = (arrived, 0);
                intake = Intake::new(SAMPLE_RATE, false)?;
                continue;
            }
            intake.take(&self.chunk(began, position, arrived), timeline)?;
            position = end;
        }
    }
}

impl BeepSource {
    /// The callback that begins with sample `position` of a device that was opened at `began`.
    fn chunk(&self, began: MonoTime, position: u64, arrived: MonoTime) -> Chunk {
        let stereo = (position..position + CALLBACK_FRAMES as u64)
            .flat_map(|k| [beep_at(began.as_micros() as f64 + self.true_us(k)); CHANNELS])
            .collect();
        Chunk {
            arrived,
            position,
            captured_ago: Duration::from_millis(10),
            stereo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{channel, pitch};
    use super::super::timeline::index_of;
    use super::*;

    #[test]
    fn a_beep_begins_at_each_whole_second_whatever_the_devices_clock() {
        for ppm in [0, 200, -200, 2_000] {
            let source = BeepSource::new(ppm);
            let mut intake = Intake::new(SAMPLE_RATE, false).unwrap();
            let timeline = Timeline::new();
            let began = MonoTime::from_micros(10_123_457);
            let mut position = 0;
            for second in 11..60_u64 {
                while timeline.head() < Some((second + 1) * 48_000) {
                    let end = position + CALLBACK_FRAMES as u64;
                    let arrived = began + Duration::from_micros(source.true_us(end) as u64);
                    let chunk = source.chunk(began, position, arrived);
                    intake.take(&chunk, &timeline).unwrap();
                    position = end;
                }
                let mut out = vec![0; 24_000 * CHANNELS];
                timeline.read(second * 48_000 - 12_000, &mut out);
                let left = channel(&out, 0);
                let begins = left.iter().position(|s| s.abs() > 0.01).unwrap();
                let off = begins as f64 - 12_000.0;
                // A device off by 2000 ppm is more than is followed: 500 ppm.
                let limit = if ppm.abs() <= 500 { 100.0 } else { 1_000.0 };
                assert!(off.abs() < limit, "{ppm} ppm, {second} s: {off} frames off");
                let hz = pitch(&left[12_200..16_600], SAMPLE_RATE);
                assert!((hz - 1_000.0).abs() < 5.0, "{hz}");
                assert!(left[18_000..].iter().all(|s| s.abs() < 0.001));
            }
        }
    }

    #[test]
    fn it_runs_by_the_clock() {
        let (timeline, stop) = (Timeline::new(), StopToken::new());
        std::thread::scope(|scope| {
            let source = scope.spawn(|| BeepSource::new(0).run(&timeline, &stop));
            std::thread::sleep(Duration::from_millis(400));
            let head = timeline.head().unwrap();
            let off = index_of(clock::now()).saturating_sub(head);
            assert!(off < 48 * 100, "{off}");
            stop.stop();
            source.join().unwrap().unwrap();
        });
        assert!(timeline.stats().pushed > 48 * 300);
    }
}
