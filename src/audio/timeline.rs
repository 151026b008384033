//! Two seconds of sound, addressed by time: sources write where their samples belong, the
//! publisher reads by the clock, and what nobody wrote is silence.

use super::{CHANNELS, SAMPLE_RATE};
use crate::clock::MonoTime;
use std::sync::{Arc, Mutex, PoisonError};

/// Index on the timeline of the sample frame (left and right) that belongs to `time`.
pub fn index_of(time: MonoTime) -> u64 {
    time.as_micros() * u64::from(SAMPLE_RATE) / 1_000_000
}

/// The shared timeline. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    _todo: (),
}

impl Timeline {
    /// An empty timeline: silence everywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes interleaved 48 kHz stereo, full scale 1.0, whose first sample frame was captured at
    /// `first_at`.
    pub fn push(&self, first_at: MonoTime, interleaved: &[f32]) {
        let _ = (
            self.0.lock().unwrap_or_else(PoisonError::into_inner)._todo,
            first_at,
            interleaved,
        );
    }

    /// Reads sample frames from index `first` into `out` (interleaved); silence where nothing was
    /// written. Returns how many sample frames of `out` a source had written.
    pub fn read(&self, first: u64, out: &mut [i16]) -> usize {
        let _ = (first, CHANNELS);
        out.fill(0);
        0
    }
}
