//! The sound level that the window shows: pure, fed with what is sent.
//!
//! Owned by whoever feeds it (the publisher's thread); reads no clock. Holds a bounded 100 ms of
//! sums, never the sound itself.

use super::CHANNELS;
use crate::clock::MonoTime;
use crate::session::snapshot::AudioLevel;
use std::collections::VecDeque;
use std::time::Duration;

/// How far back a level looks.
const WINDOW: Duration = Duration::from_millis(100);
/// How long the clip flag stays.
const CLIP_HOLD: Duration = Duration::from_secs(2);
/// From this on a sample counts as clipped: the largest that 16 bit can hold.
const CLIP: f32 = 32_767.0 / 32_768.0;
/// More chunks than this within the window are joined with the newest.
const MAX_CHUNKS: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Chunk {
    at: MonoTime,
    peak: [f32; CHANNELS],
    squares: [f64; CHANNELS],
    frames: u64,
}

/// Peak, rms and clipping of an interleaved stereo signal.
///
/// The rms is that of the samples: a sine whose peak is at -20 dBFS shows -23.01.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    chunks: VecDeque<Chunk>,
    clipped_at: Option<MonoTime>,
}

impl Meter {
    /// A meter that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes interleaved 16 bit stereo whose end is at `at`.
    pub fn push_i16(&mut self, at: MonoTime, interleaved: &[i16]) {
        self.push(at, interleaved.iter().map(|s| f32::from(*s) / 32_768.0));
    }

    /// Takes interleaved stereo, full scale 1.0, whose end is at `at`.
    pub fn push_f32(&mut self, at: MonoTime, interleaved: &[f32]) {
        self.push(at, interleaved.iter().copied());
    }

    /// Something was too loud before the samples were made to fit.
    pub fn mark_clip(&mut self, at: MonoTime) {
        self.clipped_at = Some(at);
    }

    fn push(&mut self, at: MonoTime, samples: impl Iterator<Item = f32>) {
        let mut chunk = Chunk {
            at,
            peak: [0.0; CHANNELS],
            squares: [0.0; CHANNELS],
            frames: 0,
        };
        for (k, sample) in samples.enumerate() {
            let side = k % CHANNELS;
            // f32::max leaves a NaN out.
            chunk.peak[side] = chunk.peak[side].max(sample.abs());
            if sample.is_finite() {
                chunk.squares[side] += f64::from(sample) * f64::from(sample);
            }
            chunk.frames += u64::from(side == 0);
        }
        if chunk.peak.iter().any(|peak| *peak >= CLIP) {
            self.clipped_at = Some(at);
        }
        self.forget(at);
        let full = self.chunks.len() >= MAX_CHUNKS;
        match self.chunks.back_mut() {
            Some(last) if full => {
                last.at = at;
                last.frames += chunk.frames;
                for side in 0..CHANNELS {
                    last.peak[side] = last.peak[side].max(chunk.peak[side]);
                    last.squares[side] += chunk.squares[side];
                }
            }
            _ => self.chunks.push_back(chunk),
        }
    }

    fn forget(&mut self, now: MonoTime) {
        while self
            .chunks
            .front()
            .is_some_and(|c| now.since(c.at) >= WINDOW)
        {
            self.chunks.pop_front();
        }
    }

    /// The level at `now`: of the last 100 ms; silence where nothing came in them.
    pub fn level(&mut self, now: MonoTime) -> AudioLevel {
        self.forget(now);
        let frames: u64 = self.chunks.iter().map(|c| c.frames).sum();
        let mut level = AudioLevel {
            clipped: self.clipped_at.is_some_and(|at| now.since(at) < CLIP_HOLD),
            ..AudioLevel::default()
        };
        for side in 0..CHANNELS {
            let peak = self.chunks.iter().map(|c| c.peak[side]).fold(0.0, f32::max);
            let squares: f64 = self.chunks.iter().map(|c| c.squares[side]).sum();
            // log10(0) is -inf, which is what silence is.
            level.peak_dbfs[side] = 20.0 * peak.log10();
            if frames > 0 {
                level.rms_dbfs[side] = (10.0 * (squares / frames as f64).log10()) as f32;
            }
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sine;
    use super::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1_000)
    }

    #[test]
    fn a_tone_shows_its_peak_and_rms() {
        let mut meter = Meter::new();
        for k in 0..20 {
            let mut chunk = sine(1_000.0, 48_000, 0.1, k * 480, 480);
            // Half as loud on the right.
            chunk.iter_mut().skip(1).step_by(2).for_each(|s| *s *= 0.5);
            meter.push_f32(ms(k * 10), &chunk);
        }
        let level = meter.level(ms(195));
        for (got, wanted) in [
            (level.peak_dbfs[0], -20.0),
            (level.peak_dbfs[1], -26.02),
            (level.rms_dbfs[0], -23.01),
            (level.rms_dbfs[1], -29.03),
        ] {
            assert!((got - wanted).abs() < 0.05, "{got} is not {wanted}");
        }
        assert!(!level.clipped);
    }

    #[test]
    fn silence_is_minus_infinity_and_old_sound_is_forgotten() {
        let mut meter = Meter::new();
        assert_eq!(meter.level(ms(0)), AudioLevel::default());
        meter.push_i16(ms(0), &[0; 960]);
        assert_eq!(meter.level(ms(1)), AudioLevel::default());
        meter.push_i16(ms(10), &[8_192; 960]);
        assert!((meter.level(ms(10)).peak_dbfs[0] + 12.04).abs() < 0.01);
        assert_eq!(meter.level(ms(111)), AudioLevel::default());
    }

    #[test]
    fn clipping_is_held_for_two_seconds() {
        let mut meter = Meter::new();
        meter.push_i16(ms(0), &[32_766, -32_766]);
        assert!(!meter.level(ms(0)).clipped);
        meter.push_i16(ms(10), &[0, -32_768]);
        assert!(meter.level(ms(2_009)).clipped);
        assert!(!meter.level(ms(2_010)).clipped);
    }

    #[test]
    fn many_small_chunks_stay_bounded_and_right() {
        let mut meter = Meter::new();
        for k in 0..10_000_u64 {
            meter.push_i16(MonoTime::from_micros(k * 20), &[16_384, 16_384]);
        }
        assert!(meter.chunks.len() <= MAX_CHUNKS);
        let level = meter.level(ms(200));
        assert!((level.rms_dbfs[0] + 6.02).abs() < 0.01);
    }
}
