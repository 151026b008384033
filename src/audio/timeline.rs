//! Two seconds of sound, addressed by time: sources write where their samples belong, the
//! publisher reads by the clock, and what nobody wrote is silence.
//!
//! Owns the ring. Runs on no thread of its own: the source's thread pushes, the publisher's reads;
//! the lock is held only while some hundred frames are copied (microseconds). One source pushes at
//! a time (the old one is joined before the next starts); any number of readers may read. Under
//! pressure it drops the oldest sound; a reader that comes too late or too early hears silence.
//!
//! Every slot carries the absolute index of the frame it holds, so a slot of an earlier lap cannot
//! be taken for a newer one: old sound is never replayed, by construction.

pub use super::reader::Reader;
use super::{CHANNELS, SAMPLE_RATE};
use crate::clock::MonoTime;
use std::sync::{Arc, Mutex, PoisonError};

/// Sample frames held: 2 s.
pub const RING_FRAMES: usize = 2 * SAMPLE_RATE as usize;
/// A chunk whose time is further than this from where the last one ended (20 ms) is placed by its
/// time; a nearer one follows without a seam, because callback times jitter.
pub const RESYNC_FRAMES: u64 = 20 * SAMPLE_RATE as u64 / 1000;
/// Length of every fade, sample frames: 3 ms, enough that an edge is no click. A reader closer
/// than this to the newest sample hears the fade-out before it is known whether more comes.
pub const FADE_FRAMES: usize = 3 * SAMPLE_RATE as usize / 1000;
/// At most one frame in so many is inserted or left out against drift: 0.05 %.
const SLIP_EVERY: usize = 2000;
/// Drift correction begins where the smoothed deviation passes this (1 ms) ...
const SLIP_FROM: f64 = 48.0;
/// ... and ends below this.
const SLIP_UNTIL: f64 = 12.0;
/// After a seam the first chunks' times say little (a device begins with a burst). At this age,
/// 0.5 s, the sound is placed once more by the mean of the second half, if that is off by more than
/// a fade.
const SETTLE_FRAMES: usize = SAMPLE_RATE as usize / 2;
/// A chunk shorter than this is not stretched: the step from sample to sample would be heard.
const SLIP_MIN_CHUNK: usize = 64;
/// No frame.
const EMPTY: u64 = u64::MAX;

/// Index on the timeline of the sample frame (left and right) that belongs to `time`.
pub fn index_of(time: MonoTime) -> u64 {
    // u128: the product would pass 2^64 after 4.4 years of monotonic time, not worth a panic.
    (u128::from(time.as_micros()) * u128::from(SAMPLE_RATE) / 1_000_000) as u64
}

/// What the timeline had to do to its sources' sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelineStats {
    /// Sample frames pushed by sources since the start.
    pub pushed: u64,
    /// Chunks placed by their time because they did not follow the one before within 20 ms.
    pub resyncs: u64,
    /// Sample frames inserted against drift (the device's clock is slow).
    pub inserted: u64,
    /// Sample frames left out against drift (the device's clock is fast).
    pub left_out: u64,
}

/// The shared timeline. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Arc<Mutex<Inner>>);

impl Timeline {
    /// An empty timeline: silence everywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes interleaved 48 kHz stereo, full scale 1.0, whose first sample frame was captured at
    /// `first_at`.
    ///
    /// The chunk follows the one before it where `first_at` is within [`RESYNC_FRAMES`] of that
    /// one's end; otherwise it is placed by its time, with a fade on both sides of the seam. A
    /// device's slow drift is taken out a frame at a time, by stretching a chunk by one frame.
    pub fn push(&self, first_at: MonoTime, interleaved: &[f32]) {
        self.lock()
            .push(index_of(first_at), interleaved, Some(RESYNC_FRAMES));
    }

    /// The same, but placed by `first_at` unless that is within a fade of where the last one ended:
    /// the caller knows this time better than those before it.
    pub fn push_anew(&self, first_at: MonoTime, interleaved: &[f32]) {
        let near = FADE_FRAMES as u64 / 2;
        self.lock()
            .push(index_of(first_at), interleaved, Some(near));
    }

    /// The same, always placed by `first_at`: samples are missing before these, so that there is a
    /// seam in any case.
    pub fn push_after_loss(&self, first_at: MonoTime, interleaved: &[f32]) {
        self.lock().push(index_of(first_at), interleaved, None);
    }

    /// Reads sample frames from index `first` into `out` (interleaved); silence where nothing was
    /// written. Returns how many sample frames of `out` a source had written.
    ///
    /// Does not consume. A caller whose reads must join without a click, also after it has read
    /// ahead of a late source, uses [`Timeline::reader`].
    pub fn read(&self, first: u64, out: &mut [i16]) -> usize {
        self.lock().read(first, out, None, to_i16)
    }

    /// A reader for a signal without clicks: it remembers how its last read ended.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// Counters since the start.
    pub fn stats(&self) -> TimelineStats {
        self.lock().stats
    }

    /// Index after the newest frame; None before the first push.
    pub fn head(&self) -> Option<u64> {
        self.lock().head
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    index: u64,
    frame: [f32; CHANNELS],
}

/// What the lock guards.
#[derive(Debug)]
pub(super) struct Inner {
    slots: Box<[Slot]>,
    /// Index after the newest frame; None before the first push.
    head: Option<u64>,
    /// Seams since the start: a reader that is there has heard what is no longer there.
    seams: u64,
    /// Frames written since the last seam, counted up to [`FADE_FRAMES`].
    since_seam: usize,
    /// What sounded at the seam's place before; blended out over the fade.
    before_seam: [[f32; CHANNELS]; FADE_FRAMES],
    /// Frames pushed since the seam; no more than needed once settled.
    age: usize,
    settled: bool,
    /// Smoothed distance of the chunks' times from their places, frames; positive: device slow.
    deviation: f64,
    /// Frames that went into it, up to a second's.
    averaged: usize,
    slipping: bool,
    since_slip: usize,
    stats: TimelineStats,
}

impl Default for Inner {
    fn default() -> Self {
        let empty = Slot {
            index: EMPTY,
            frame: [0.0; CHANNELS],
        };
        Self {
            slots: vec![empty; RING_FRAMES].into_boxed_slice(),
            head: None,
            seams: 0,
            since_seam: 0,
            before_seam: [[0.0; CHANNELS]; FADE_FRAMES],
            age: 0,
            settled: false,
            deviation: 0.0,
            averaged: 0,
            slipping: false,
            since_slip: 0,
            stats: TimelineStats::default(),
        }
    }
}

/// Gain of a frame that is `left` frames before the end of what was written.
fn fade_out(left: u64) -> f32 {
    (left as f32 / (FADE_FRAMES + 1) as f32).min(1.0)
}

/// Full scale 1.0 to 16 bit; louder is clamped, what is no number is silence.
pub(super) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

impl Inner {
    fn slot(&mut self, index: u64) -> &mut Slot {
        &mut self.slots[(index % RING_FRAMES as u64) as usize]
    }

    fn push(&mut self, at: u64, interleaved: &[f32], near: Option<u64>) {
        let frames = interleaved.len() / CHANNELS;
        if frames == 0 {
            return;
        }
        let (start, slip) = match self.head {
            None => {
                self.begin(at);
                (at, 0)
            }
            Some(head) if near.is_none_or(|near| head.abs_diff(at) > near) => {
                self.reseat(head, at);
                self.stats.resyncs += 1;
                (at, 0)
            }
            Some(head) => {
                self.follow(at as f64 - head as f64, frames);
                if self.settled {
                    (head, self.drift(frames))
                } else {
                    (self.settle(head), 0)
                }
            }
        };
        let count = frames.saturating_add_signed(slip);
        for k in 0..count {
            let frame = match slip {
                0 => [interleaved[k * CHANNELS], interleaved[k * CHANNELS + 1]],
                _ => stretched(interleaved, frames, count, k),
            };
            self.write(start + k as u64, frame);
        }
        self.head = Some(start + count as u64);
        self.stats.pushed += frames as u64;
    }

    fn write(&mut self, index: u64, mut frame: [f32; CHANNELS]) {
        if let Some(old) = self.before_seam.get(self.since_seam) {
            let new_gain = (self.since_seam + 1) as f32 / (FADE_FRAMES + 1) as f32;
            for (sample, old) in frame.iter_mut().zip(old) {
                *sample = *sample * new_gain + old * (1.0 - new_gain);
            }
            self.since_seam += 1;
        }
        *self.slot(index) = Slot { index, frame };
    }

    /// How many seams there were.
    pub(super) const fn seams(&self) -> u64 {
        self.seams
    }

    fn begin(&mut self, at: u64) {
        self.head = Some(at);
        self.seams += 1;
        self.since_seam = 0;
        self.before_seam = [[0.0; CHANNELS]; FADE_FRAMES];
        self.age = 0;
        self.settled = false;
        self.deviation = 0.0;
        self.averaged = 0;
        self.slipping = false;
        self.since_slip = 0;
    }

    /// Moves the place of the next frame from `head` to `at`.
    fn reseat(&mut self, head: u64, at: u64) {
        self.begin(at);
        if at + FADE_FRAMES as u64 > head {
            // Too little of the old is left to blend over: it ends first. The same gains that a reader near the head has been given: it cannot tell.
            for left in 1..=FADE_FRAMES as u64 {
                let Some(index) = head.checked_sub(left) else {
                    break;
                };
                let slot = self.slot(index);
                if slot.index == index {
                    slot.frame = slot.frame.map(|sample| sample * fade_out(left));
                }
            }
        }
        if at < head {
            for k in 0..FADE_FRAMES as u64 {
                let slot = *self.slot(at + k);
                if slot.index == at + k {
                    self.before_seam[k as usize] = slot.frame;
                }
            }
            // What was written ahead of its time must not sound after what comes now.
            for slot in &mut self.slots {
                if slot.index >= at && slot.index < head {
                    slot.index = EMPTY;
                }
            }
        }
    }

    /// Follows the distance of the chunks' times from their places.
    fn follow(&mut self, distance: f64, frames: usize) {
        let second = SAMPLE_RATE as usize;
        self.averaged = self.averaged.saturating_add(frames).min(second);
        let weight = (frames as f64 / self.averaged as f64).min(1.0);
        self.deviation += (distance - self.deviation) * weight;
        self.since_slip = self.since_slip.saturating_add(frames);
        if !self.settled {
            let before = self.age;
            self.age += frames;
            if before < SETTLE_FRAMES / 2 && self.age >= SETTLE_FRAMES / 2 {
                self.averaged = 0;
                self.deviation = 0.0;
            }
        }
    }

    /// Where the next frame belongs, once enough is known.
    fn settle(&mut self, head: u64) -> u64 {
        if self.age < SETTLE_FRAMES {
            return head;
        }
        self.settled = true;
        if self.deviation.abs() <= FADE_FRAMES as f64 {
            return head;
        }
        let at = head.saturating_add_signed(self.deviation.round() as i64);
        self.reseat(head, at);
        self.settled = true;
        at
    }

    /// By how many frames (-1, 0, 1) a chunk is to be stretched against drift.
    fn drift(&mut self, frames: usize) -> isize {
        let limit = if self.slipping { SLIP_UNTIL } else { SLIP_FROM };
        self.slipping = self.deviation.abs() > limit;
        if !self.slipping || self.since_slip < SLIP_EVERY || frames < SLIP_MIN_CHUNK {
            return 0;
        }
        self.since_slip = 0;
        if self.deviation > 0.0 {
            self.deviation -= 1.0;
            self.stats.inserted += 1;
            1
        } else {
            self.deviation += 1.0;
            self.stats.left_out += 1;
            -1
        }
    }

    /// As [`Timeline::read`], each sample through `form`; `gain` is a reader's fade-in.
    pub(super) fn read<T: Copy + Default>(
        &self,
        first: u64,
        out: &mut [T],
        mut gain: Option<&mut f32>,
        form: impl Fn(f32) -> T,
    ) -> usize {
        let step = 1.0 / (FADE_FRAMES + 1) as f32;
        let head = self.head.unwrap_or(0);
        let mut written = 0;
        let mut place = (first % RING_FRAMES as u64) as usize;
        for (k, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let index = first.saturating_add(k as u64);
            let slot = &self.slots[place];
            place = if place + 1 == RING_FRAMES {
                0
            } else {
                place + 1
            };
            let mut wanted = fade_out(head.saturating_sub(index));
            if let Some(gain) = gain.as_deref_mut() {
                *gain = wanted.min(*gain + step);
                wanted = *gain;
            }
            if index < head && slot.index == index {
                written += 1;
                for (to, from) in frame.iter_mut().zip(slot.frame) {
                    *to = form(from * wanted);
                }
            } else {
                frame.fill(T::default());
            }
        }
        written
    }
}

/// Frame `k` of `count` made from the `frames` frames of a chunk by linear interpolation; the first
/// and the last stay as they are, so the chunk's seams stay where they were.
fn stretched(interleaved: &[f32], frames: usize, count: usize, k: usize) -> [f32; CHANNELS] {
    let position = k as f64 * (frames - 1) as f64 / (count - 1) as f64;
    let left = (position as usize).min(frames - 2);
    let part = (position - left as f64) as f32;
    std::array::from_fn(|channel| {
        let a = interleaved[left * CHANNELS + channel];
        let b = interleaved[(left + 1) * CHANNELS + channel];
        a + (b - a) * part
    })
}

#[cfg(test)]
mod tests;
