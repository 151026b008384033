//! Keeps a sum of inputs within full scale: pure, owned by one reader of the mix.
//!
//! A limiter, stereo linked, with an attack of no length and no look-ahead (so no latency): the
//! frame that would pass full scale is brought down to it at once, the gain found is held for
//! 30 ms and then let go over 200 ms. Below full scale it changes nothing, to
//! the bit. The first wave that is too loud is flattened like by a clipper, those that follow keep
//! their form. Nothing ever wraps around.

use super::CHANNELS;

/// The largest sample that 16 bit can hold.
pub const CEILING: f32 = 32_767.0 / 32_768.0;
/// A limited sound that comes back to this needs the gain that it has.
const NEAR: f32 = 0.98;
/// The gain stands still for 30 ms after the last frame that was too loud: a wave of 20 Hz is held.
const HOLD_FRAMES: u32 = 1_440;
/// From there on it rises by this part of full a frame: 200 ms from silence to unity.
const RELEASE_FRAMES: f32 = 9_600.0;

/// The limiter's state.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    hold: u32,
    limited: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            gain: 1.0,
            hold: 0,
            limited: 0,
        }
    }
}

impl Limiter {
    /// Brings interleaved stereo within full scale; gives how many of its frames were too loud.
    pub fn run(&mut self, interleaved: &mut [f32]) -> u64 {
        let mut over = 0;
        for frame in interleaved.chunks_exact_mut(CHANNELS) {
            // f32::max leaves a NaN out.
            let peak = frame.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            over += u64::from(peak > CEILING);
            let loud = peak * self.gain;
            if loud > CEILING {
                self.gain = CEILING / peak;
                self.hold = HOLD_FRAMES;
            } else if self.gain < 1.0 && loud > NEAR {
                self.hold = HOLD_FRAMES;
            } else if self.hold > 0 {
                self.hold -= 1;
            } else if self.gain < 1.0 {
                self.gain = (self.gain + 1.0 / RELEASE_FRAMES).min(1.0);
            }
            if self.gain < 1.0 {
                for sample in frame {
                    // The quotient above may round up by one step.
                    *sample = (*sample * self.gain).clamp(-CEILING, CEILING);
                }
            }
        }
        self.limited += over;
        over
    }

    /// Frames that were too loud since the start.
    pub const fn limited(&self) -> u64 {
        self.limited
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sine;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_passes_to_the_bit() {
        let mut limiter = Limiter::default();
        let sound = sine(997.0, 48_000, CEILING, 0, 4_800);
        let mut out = sound.clone();
        assert_eq!(limiter.run(&mut out), 0);
        assert_eq!(out, sound);
    }

    #[test]
    fn a_sum_too_loud_keeps_its_form() {
        let mut limiter = Limiter::default();
        // +6 dB over full scale, 100 Hz.
        let sound = sine(100.0, 48_000, 2.0, 0, 9_600);
        let mut out = sound.clone();
        assert!(limiter.run(&mut out) > 3_000);
        // From the second wave on it is the same sine at full scale.
        for (got, wanted) in out.iter().zip(&sound).skip(2 * 480) {
            assert!((got - wanted / 2.0).abs() < 1e-3, "{got} for {wanted}");
        }
        // And quiet sound comes back to its level.
        let mut quiet = sine(100.0, 48_000, 0.25, 0, 48_000);
        let wanted = quiet.clone();
        limiter.run(&mut quiet);
        assert_eq!(quiet[40_000..], wanted[40_000..]);
    }

    proptest! {
        #[test]
        fn nothing_passes_full_scale_or_turns_its_sign(
            frames in prop::collection::vec([-8.0_f32..8.0, -8.0_f32..8.0], 1..1_000),
        ) {
            let samples = frames.concat();
            let mut out = samples.clone();
            Limiter::default().run(&mut out);
            for (got, sent) in out.iter().zip(&samples) {
                prop_assert!(got.abs() <= CEILING);
                prop_assert!(got * sent >= 0.0);
            }
        }
    }
}
