//! Reads the sum of a mix's inputs, range by range, without a click.
//!
//! Owned by whoever reads (the publisher's thread, the session's for the meters); reads no clock.
//! Changes of gain and mute are ramped over 10 ms, a change of delay is a crossfade of 20 ms between
//! both places of the input's timeline, and so are coming and going of an input. The sum then runs
//! through a [`Limiter`]. Its buffers are as large as the largest range read.

use super::limiter::Limiter;
use super::mixer::{Mixer, Strip};
use super::reader::Reader;
use super::timeline::to_i16;
use super::{CHANNELS, Meter, SAMPLE_RATE};
use crate::clock::MonoTime;
use crate::session::snapshot::AudioLevel;
use std::sync::Arc;

/// A gain's way to a new value, sample frames: 10 ms.
const RAMP_FRAMES: u32 = SAMPLE_RATE / 100;
/// A crossfade from one delay to another, sample frames: 20 ms.
const CROSSFADE_FRAMES: u32 = SAMPLE_RATE / 50;

/// A gain on its way.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    now: f32,
    target: f32,
    step: f32,
    left: u32,
}

impl Ramp {
    const fn at(gain: f32) -> Self {
        Self {
            now: gain,
            target: gain,
            step: 0.0,
            left: 0,
        }
    }

    fn aim(&mut self, target: f32) {
        if target.to_bits() != self.target.to_bits() {
            self.target = target;
            self.left = RAMP_FRAMES;
            self.step = (target - self.now) / RAMP_FRAMES as f32;
        }
    }

    fn next(&mut self) -> f32 {
        match self.left {
            0 => {}
            1 => (self.left, self.now) = (0, self.target),
            _ => {
                self.left -= 1;
                self.now += self.step;
            }
        }
        self.now
    }

    fn is_off(&self) -> bool {
        self.left == 0 && self.now == 0.0
    }

    /// Applies it to interleaved stereo; a gain of one changes nothing, to the bit.
    fn run(&mut self, interleaved: &mut [f32]) {
        if self.left == 0 && self.now == 1.0 {
            return;
        }
        for frame in interleaved.chunks_exact_mut(CHANNELS) {
            let gain = self.next();
            for sample in frame {
                *sample *= gain;
            }
        }
    }
}

/// A delay that is being faded to.
#[derive(Debug)]
struct Crossfade {
    reader: Reader,
    delay: u64,
    done: u32,
}

/// A reader's view of one input.
#[derive(Debug)]
struct Tap {
    strip: Arc<Strip>,
    reader: Reader,
    delay: u64,
    fading: Option<Crossfade>,
    gain: Ramp,
    leaving: bool,
    meter: Meter,
}

impl Tap {
    fn new(strip: &Arc<Strip>, gain: f32) -> Self {
        Self {
            strip: strip.clone(),
            reader: strip.timeline().reader(),
            delay: strip.delay_frames(),
            fading: None,
            gain: Ramp::at(gain),
            leaving: false,
            meter: Meter::new(),
        }
    }

    /// The input's sound from `first` on into `out`, with delay and gain; whether the input itself
    /// was at full scale.
    fn read(&mut self, first: u64, out: &mut [f32], other: &mut [f32]) -> bool {
        let wanted = self.strip.delay_frames();
        if self.fading.is_none() && wanted != self.delay {
            self.fading = Some(Crossfade {
                reader: self.strip.timeline().reader(),
                delay: wanted,
                done: 0,
            });
        }
        read_delayed(&mut self.reader, first, self.delay, out);
        if let Some(mut fade) = self.fading.take() {
            read_delayed(&mut fade.reader, first, fade.delay, other);
            for (old, new) in out
                .chunks_exact_mut(CHANNELS)
                .zip(other.chunks_exact(CHANNELS))
            {
                fade.done = (fade.done + 1).min(CROSSFADE_FRAMES);
                let share = fade.done as f32 / CROSSFADE_FRAMES as f32;
                for (old, new) in old.iter_mut().zip(new) {
                    *old += (new - *old) * share;
                }
            }
            if fade.done < CROSSFADE_FRAMES {
                self.fading = Some(fade);
            } else {
                (self.reader, self.delay) = (fade.reader, fade.delay);
            }
        }
        let clipped = out.iter().any(|s| s.abs() >= super::limiter::CEILING);
        self.gain.aim(if self.leaving {
            0.0
        } else {
            self.strip.factor()
        });
        self.gain.run(out);
        clipped
    }
}

fn read_delayed(reader: &mut Reader, first: u64, delay: u64, out: &mut [f32]) {
    match first.checked_sub(delay) {
        Some(first) => {
            reader.read_f32(first, out);
        }
        None => out.fill(0.0),
    }
}

/// Reads the mix.
#[derive(Debug)]
pub struct MixReader {
    mixer: Mixer,
    seen: Option<Arc<Vec<Arc<Strip>>>>,
    /// In the order of the mix's strips, then those that are leaving.
    taps: Vec<Tap>,
    master: Ramp,
    limiter: Limiter,
    meter: Meter,
    sum: Vec<f32>,
    one: Vec<f32>,
    other: Vec<f32>,
}

impl MixReader {
    pub(super) fn new(mixer: Mixer) -> Self {
        Self {
            mixer,
            seen: None,
            taps: Vec::new(),
            master: Ramp::at(1.0),
            limiter: Limiter::default(),
            meter: Meter::new(),
            sum: Vec::new(),
            one: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Whether it reads this mix.
    pub fn is_of(&self, mixer: &Mixer) -> bool {
        self.mixer.is_same(mixer)
    }

    /// Silence instead of the sum, or the sum again, without a click.
    pub fn set_muted(&mut self, muted: bool) {
        self.master.aim(if muted { 0.0 } else { 1.0 });
    }

    /// Reads sample frames from index `first` into `out` (interleaved).
    pub fn read(&mut self, first: u64, out: &mut [i16]) {
        self.mix(first, out.len(), None);
        for (to, from) in out.iter_mut().zip(&self.sum) {
            *to = to_i16(*from);
        }
    }

    /// The same for the meters, which take it as ending at `at`.
    pub fn meter(&mut self, first: u64, frames: usize, at: MonoTime) {
        let limited = self.limiter.limited();
        self.mix(first, frames * CHANNELS, Some(at));
        self.meter.push_f32(at, &self.sum);
        if self.limiter.limited() > limited {
            self.meter.mark_clip(at);
        }
    }

    fn mix(&mut self, first: u64, samples: usize, meter_at: Option<MonoTime>) {
        self.follow();
        self.sum.clear();
        self.sum.resize(samples, 0.0);
        self.one.resize(samples, 0.0);
        self.other.resize(samples, 0.0);
        for tap in &mut self.taps {
            let clipped = tap.read(first, &mut self.one, &mut self.other);
            if let Some(at) = meter_at {
                tap.meter.push_f32(at, &self.one);
                if clipped {
                    tap.meter.mark_clip(at);
                }
            }
            for (sum, one) in self.sum.iter_mut().zip(&self.one) {
                *sum += one;
            }
        }
        self.taps.retain(|tap| !(tap.leaving && tap.gain.is_off()));
        self.master.run(&mut self.sum);
        self.limiter.run(&mut self.sum);
    }

    /// Takes over who takes part.
    fn follow(&mut self) {
        let strips = self.mixer.strips();
        if self
            .seen
            .as_ref()
            .is_some_and(|seen| Arc::ptr_eq(seen, &strips))
        {
            return;
        }
        let begun = self.seen.is_some();
        let mut taps = Vec::with_capacity(strips.len());
        for strip in strips.iter() {
            let known = self
                .taps
                .iter()
                .position(|tap| Arc::ptr_eq(&tap.strip, strip));
            let mut tap = match known {
                Some(at) => self.taps.swap_remove(at),
                // Who is there from the beginning need not fade in: the timeline's reader does.
                None => Tap::new(strip, if begun { 0.0 } else { strip.factor() }),
            };
            tap.leaving = false;
            taps.push(tap);
        }
        for mut tap in self.taps.drain(..) {
            tap.leaving = true;
            taps.push(tap);
        }
        self.taps = taps;
        self.seen = Some(strips);
    }

    /// Level of the sum at `now`.
    pub fn level(&mut self, now: MonoTime) -> AudioLevel {
        self.meter.level(now)
    }

    /// Level of each input at `now`, behind its gain, in the order of the mix.
    pub fn input_levels(&mut self, now: MonoTime) -> Vec<AudioLevel> {
        let stay = self.taps.iter_mut().filter(|tap| !tap.leaving);
        stay.map(|tap| tap.meter.level(now)).collect()
    }

    /// Sample frames that each input had not written in time, in the order of the mix.
    pub fn silent_frames(&self) -> Vec<u64> {
        let stay = self.taps.iter().filter(|tap| !tap.leaving);
        stay.map(|tap| tap.reader.silent_frames()).collect()
    }

    /// Sample frames of the sum that were too loud and were limited, since the start.
    pub const fn limited_frames(&self) -> u64 {
        self.limiter.limited()
    }
}

#[cfg(test)]
mod tests;
