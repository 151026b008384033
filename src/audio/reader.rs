//! Reads a timeline range by range without a click. Owned by whoever reads; holds no sound.

use super::CHANNELS;
use super::timeline::{Timeline, to_i16};

/// Reads one range after another and fades in wherever the range before ended in silence, so that
/// sound that came too late for its first half begins without a click.
#[derive(Debug)]
pub struct Reader {
    timeline: Timeline,
    next: Option<u64>,
    gain: f32,
    silent_frames: u64,
}

impl Reader {
    pub(super) const fn new(timeline: Timeline) -> Self {
        Self {
            timeline,
            next: None,
            gain: 0.0,
            silent_frames: 0,
        }
    }

    /// As [`Timeline::read`].
    pub fn read(&mut self, first: u64, out: &mut [i16]) -> usize {
        self.read_as(first, out, to_i16)
    }

    /// The same with full scale 1.0; louder is not clamped, what is no number is silence.
    pub fn read_f32(&mut self, first: u64, out: &mut [f32]) -> usize {
        self.read_as(first, out, |s| if s.is_finite() { s } else { 0.0 })
    }

    fn read_as<T: Copy + Default>(
        &mut self,
        first: u64,
        out: &mut [T],
        form: impl Fn(f32) -> T,
    ) -> usize {
        if self.next != Some(first) {
            self.gain = 0.0;
        }
        let frames = out.len() / CHANNELS;
        let timeline = self.timeline.lock();
        let written = timeline.read(first, out, Some(&mut self.gain), form);
        drop(timeline);
        self.next = first.checked_add(frames as u64);
        self.silent_frames += (frames - written) as u64;
        written
    }

    /// Index after the last frame read; None before the first read.
    pub const fn next(&self) -> Option<u64> {
        self.next
    }

    /// Sample frames for which this reader got silence because no source had written them.
    pub const fn silent_frames(&self) -> u64 {
        self.silent_frames
    }
}
