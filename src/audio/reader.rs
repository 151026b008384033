//! Reads a timeline range by range without a click. Owned by whoever reads; holds no sound.

use super::CHANNELS;
use super::timeline::{FADE_FRAMES, Timeline, to_i16};

/// Reads one range after another and fades in wherever the range before ended in silence, so that
/// sound that came too late for its first half begins without a click. Where sound was placed anew
/// behind it, it goes on from what was heard last and fades over to what is there now.
#[derive(Debug)]
pub struct Reader {
    timeline: Timeline,
    next: Option<u64>,
    gain: f32,
    silent_frames: u64,
    /// Seams of the timeline that it knows of.
    seams: u64,
    /// The two frames that it gave last.
    last: [[f32; CHANNELS]; 2],
    /// What is added to the sound, less and less, and for how many frames more.
    bridge: [f32; CHANNELS],
    bridge_left: usize,
    /// Of `read`.
    samples: Vec<f32>,
}

impl Reader {
    pub(super) fn new(timeline: Timeline) -> Self {
        Self {
            timeline,
            next: None,
            gain: 0.0,
            silent_frames: 0,
            seams: 0,
            last: [[0.0; CHANNELS]; 2],
            bridge: [0.0; CHANNELS],
            bridge_left: 0,
            samples: Vec::new(),
        }
    }

    /// As [`Timeline::read`].
    pub fn read(&mut self, first: u64, out: &mut [i16]) -> usize {
        let mut samples = std::mem::take(&mut self.samples);
        samples.resize(out.len(), 0.0);
        let written = self.read_f32(first, &mut samples);
        for (to, from) in out.iter_mut().zip(&samples) {
            *to = to_i16(*from);
        }
        self.samples = samples;
        written
    }

    /// The same with full scale 1.0; louder is not clamped, what is no number is silence.
    pub fn read_f32(&mut self, first: u64, out: &mut [f32]) -> usize {
        let goes_on = self.next == Some(first);
        if !goes_on {
            self.gain = 0.0;
            self.bridge_left = 0;
        }
        let frames = out.len() / CHANNELS;
        let timeline = self.timeline.lock();
        let written = timeline.read(first, out, Some(&mut self.gain), |sample| {
            if sample.is_finite() { sample } else { 0.0 }
        });
        let seams = timeline.seams();
        drop(timeline);
        if std::mem::replace(&mut self.seams, seams) != seams
            && goes_on
            && let Some(now) = out.first_chunk::<CHANNELS>()
        {
            // From what the last two samples lead to; nothing, where the seam is not here.
            let [before, last] = self.last;
            self.bridge = std::array::from_fn(|side| 2.0 * last[side] - before[side] - now[side]);
            self.bridge_left = FADE_FRAMES;
        }
        if self.bridge_left > 0 {
            for frame in out.chunks_exact_mut(CHANNELS).take(self.bridge_left) {
                let share = self.bridge_left as f32 / (FADE_FRAMES + 1) as f32;
                self.bridge_left -= 1;
                for (sample, bridge) in frame.iter_mut().zip(self.bridge) {
                    *sample += bridge * share;
                }
            }
        }
        for frame in out.chunks_exact(CHANNELS).rev().take(2).rev() {
            self.last = [self.last[1], std::array::from_fn(|side| frame[side])];
        }
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
