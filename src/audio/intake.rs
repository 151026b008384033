//! From a device's chunks to its timeline: when they were captured, at which rate, where they
//! belong. Pure: takes the callbacks' times, reads no clock.
//!
//! Owned by the input's thread; holds less than 4 ms of sound.

use super::arrival::ArrivalClock;
use super::convert::Converter;
use super::device::Chunk;
use super::feed::SOUND_DELAY;
use super::{AudioError, CHANNELS, Timeline};
use crate::clock::MonoTime;
use std::time::Duration;

/// What of the feed's delay is not a callback's length: the timeline's fade of 3 ms, and callbacks
/// that come late by up to 5 ms.
const MARGIN: Duration = Duration::from_millis(8);
/// A pausing device whose samples, by the system's own word, are later than their number says by
/// more than this has paused.
const PAUSED: Duration = Duration::from_millis(30);
/// A time that was told too late by more than this, microseconds, is put right at once.
const MOVED_US: i64 = 2_000;
/// The largest callback counts for so long, twice.
const SIZE_WINDOW: Duration = Duration::from_secs(1);

/// One opening of a device.
pub struct Intake {
    rate: u32,
    pauses: bool,
    clock: ArrivalClock,
    converter: Converter,
    shift: Duration,
    /// Samples before the next chunk are missing.
    lost: bool,
    /// Largest callback, sample frames: of this window and of the last.
    sizes: [usize; 2],
    window_began: Option<MonoTime>,
}

impl Intake {
    /// For a device of `rate` Hz, which may pause where `pauses`.
    ///
    /// # Errors
    /// A rate that cannot be resampled.
    pub fn new(rate: u32, pauses: bool) -> Result<Self, AudioError> {
        Ok(Self {
            rate,
            pauses,
            clock: ArrivalClock::new(rate),
            converter: Converter::new(rate)?,
            shift: Duration::ZERO,
            lost: false,
            sizes: [0; 2],
            window_began: None,
        })
    }

    /// Takes a chunk and pushes what it makes of it.
    ///
    /// # Errors
    /// Where the resampler fails, which is a fault of the console.
    pub fn take(&mut self, chunk: &Chunk, timeline: &Timeline) -> Result<(), AudioError> {
        let frames = chunk.stereo.len() / CHANNELS;
        if frames == 0 {
            return Ok(());
        }
        self.measure(chunk.arrived, frames);
        if self.pauses {
            let said = chunk.arrived - chunk.captured_ago;
            let counted = self.clock.expected(chunk.position);
            if counted.is_some_and(|counted| said.since(counted) > PAUSED) {
                self.clock.reset();
            }
        }
        let first_at = self.clock.first_at(chunk.arrived, chunk.position, frames);
        // What was placed by a callback that came late is placed anew once that is known.
        let anew = self.clock.moved_us() > MOVED_US;
        let (at, sound) = self
            .converter
            .convert(first_at + self.shift, &chunk.stereo)?;
        if std::mem::take(&mut self.lost) {
            timeline.push_after_loss(at, sound);
        } else if anew {
            timeline.push_anew(at, sound);
        } else {
            timeline.push(at, sound);
        }
        Ok(())
    }

    /// The device has lost samples: their number says no longer when they were captured.
    pub fn lost_samples(&mut self) {
        self.lost = true;
        self.clock.reset();
    }

    /// Sample frames of the largest callback of the last second or two.
    pub fn buffer_frames(&self) -> usize {
        self.sizes[0].max(self.sizes[1])
    }

    /// By how much the sound is placed late, because its callbacks are longer than the feed waits:
    /// without it there would be a gap in each.
    pub const fn shift(&self) -> Duration {
        self.shift
    }

    fn measure(&mut self, arrived: MonoTime, frames: usize) {
        match self.window_began {
            Some(began) if arrived.since(began) < SIZE_WINDOW => {}
            _ => {
                self.window_began = Some(arrived);
                self.sizes = [0, self.sizes[0]];
            }
        }
        self.sizes[0] = self.sizes[0].max(frames);
        let length = frames as u64 * 1_000_000 / u64::from(self.rate.max(1));
        let needed = Duration::from_micros(length) + MARGIN;
        // Grows only: a place that moves to and fro would be heard.
        self.shift = self.shift.max(needed.saturating_sub(SOUND_DELAY));
    }
}

#[cfg(test)]
mod long_run;

#[cfg(test)]
mod tests {
    use super::super::testing::{channel, pitch, roughness, sine};
    use super::super::timeline::index_of;
    use super::*;

    /// Plays `seconds` of a 440 Hz tone of which sample `k` is captured at 1 s + k / rate, in
    /// callbacks of `size` frames, and reads it as the publisher does: 30 ms behind, 5 ms at a
    /// time. Gives what was heard from 2 s on, and the silent frames in it.
    fn played(rate: u32, size: usize, seconds: u64) -> (Vec<f64>, u64, Intake) {
        let mut intake = Intake::new(rate, false).unwrap();
        let timeline = Timeline::new();
        let mut reader = timeline.reader();
        let (mut heard, mut next, mut silent) = (Vec::new(), 96_000_u64, 0);
        let mut out = vec![0; 240 * CHANNELS];
        for k in 0..seconds * u64::from(rate) / size as u64 {
            let position = k * size as u64;
            let end_us = 1_000_000 + (position + size as u64) * 1_000_000 / u64::from(rate);
            let arrived = MonoTime::from_micros(end_us + 300);
            // What is due before this callback comes.
            while next + 240 + 1_440 <= index_of(arrived) {
                silent += 240 - reader.read(next, &mut out) as u64;
                heard.extend(channel(&out, 0));
                next += 240;
            }
            let chunk = Chunk {
                arrived,
                position,
                captured_ago: Duration::ZERO,
                stereo: sine(440.0, rate, 0.5, position, size),
            };
            intake.take(&chunk, &timeline).unwrap();
        }
        (heard, silent, intake)
    }

    #[test]
    fn small_callbacks_are_placed_where_they_belong() {
        let (heard, silent, intake) = played(48_000, 480, 5);
        assert_eq!((silent, intake.shift()), (0, Duration::ZERO));
        assert_eq!(intake.buffer_frames(), 480);
        // Captured at 2 s: 300 us late, as the callbacks are.
        let wanted = sine(440.0, 48_000, 0.5, 48_000 - 14, heard.len());
        for (got, wanted) in heard.iter().zip(wanted.iter().step_by(2)).skip(200) {
            assert!((got - f64::from(*wanted)).abs() < 0.03);
        }
    }

    #[test]
    fn callbacks_longer_than_the_feed_waits_make_no_gaps() {
        for size in [1_024, 2_048, 4_096, 8_192] {
            let (heard, silent, intake) = played(48_000, size, 6);
            assert_eq!(silent, 0, "{size} frames");
            let heard = &heard[4_800..];
            assert!((pitch(heard, 48_000) - 440.0).abs() < 0.1);
            assert!(roughness(heard) < 0.003, "{size}: {}", roughness(heard));
            let length = Duration::from_micros(size as u64 * 1_000_000 / 48_000);
            assert_eq!(
                intake.shift(),
                (length + MARGIN).saturating_sub(SOUND_DELAY)
            );
        }
    }

    #[test]
    fn b13_44100_hz_makes_no_gaps_either() {
        let (heard, silent, _) = played(44_100, 441, 10);
        assert_eq!(silent, 0);
        let heard = &heard[4_800..];
        assert!((pitch(heard, 48_000) - 440.0).abs() < 0.1);
        assert!(roughness(heard) < 0.003);
    }

    /// B11: a pause too short to be seen by the callbacks alone.
    #[test]
    fn b11_a_pausing_device_is_in_sync_at_once_after_each_pause() {
        let mut intake = Intake::new(48_000, true).unwrap();
        let timeline = Timeline::new();
        let (mut position, mut end_us) = (0, 1_000_000);
        for (pause_ms, chunks) in [(0_u64, 100), (200, 50), (60, 50), (450, 50), (10_000, 50)] {
            end_us += pause_ms * 1_000;
            for k in 0..chunks {
                end_us += 10_000;
                let arrived = MonoTime::from_micros(end_us);
                let chunk = Chunk {
                    arrived,
                    position,
                    captured_ago: Duration::from_millis(10),
                    stereo: vec![0.25; 960],
                };
                intake.take(&chunk, &timeline).unwrap();
                position += 480;
                let head = timeline.head().unwrap();
                let off = head.abs_diff(index_of(arrived));
                assert!(off <= 1, "{pause_ms} ms, chunk {k}: off by {off} frames");
            }
        }
        assert_eq!(timeline.stats().resyncs, 4);
    }
}
