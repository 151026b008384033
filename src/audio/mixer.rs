//! Several inputs as one sound: who takes part, how loud, how much later.
//!
//! Each input has a timeline of its own, with its own drift correction; they meet when they are
//! read, by the clock (see [`super::mix_reader::MixReader`]). Runs on no thread: controls are set
//! by the session's, read by each reader's. Holds no sound; a reader never waits for an input, and
//! what an input has not written in time is silence in the sum.

use super::mix_reader::MixReader;
use super::{SAMPLE_RATE, Timeline};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// An input at this gain or below is off, dB.
pub const GAIN_OFF_DB: f32 = -60.0;
/// The largest gain, dB.
pub const GAIN_MAX_DB: f32 = 12.0;
/// The longest delay, ms: half of a timeline, the other half is for a reader that catches up.
pub const DELAY_MAX_MS: u32 = 1_000;

/// `gain_db` or the bound next to it; what is no number is off.
pub fn gain_in_bounds(gain_db: f32) -> f32 {
    if gain_db.is_nan() {
        GAIN_OFF_DB
    } else {
        gain_db.clamp(GAIN_OFF_DB, GAIN_MAX_DB)
    }
}

/// One input's place in the mix: its timeline and its controls, which may be moved at any time.
#[derive(Debug)]
pub struct Strip {
    timeline: Timeline,
    gain_db: AtomicU32,
    muted: AtomicBool,
    delay_ms: AtomicU32,
}

impl Strip {
    /// A strip at 0 dB, not muted, without delay.
    pub fn new(timeline: Timeline) -> Arc<Self> {
        Arc::new(Self {
            timeline,
            gain_db: AtomicU32::new(0.0_f32.to_bits()),
            muted: AtomicBool::new(false),
            delay_ms: AtomicU32::new(0),
        })
    }

    /// Moves the controls; readers follow within 20 ms without a click. What is out of bounds is
    /// taken to the nearest bound.
    pub fn set(&self, gain_db: f32, muted: bool, delay_ms: u32) {
        let gain_db = if gain_db.is_nan() {
            GAIN_OFF_DB
        } else {
            gain_db
        };
        let gain_db = gain_db.clamp(GAIN_OFF_DB, GAIN_MAX_DB);
        self.gain_db.store(gain_db.to_bits(), Ordering::Relaxed);
        self.muted.store(muted, Ordering::Relaxed);
        self.delay_ms
            .store(delay_ms.min(DELAY_MAX_MS), Ordering::Relaxed);
    }

    /// Where its input writes.
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The factor wanted now: 1.0 is as captured.
    pub(super) fn factor(&self) -> f32 {
        let gain_db = f32::from_bits(self.gain_db.load(Ordering::Relaxed));
        if self.muted.load(Ordering::Relaxed) || gain_db <= GAIN_OFF_DB {
            0.0
        } else {
            10_f32.powf(gain_db / 20.0)
        }
    }

    /// The delay wanted now, sample frames.
    pub(super) fn delay_frames(&self) -> u64 {
        u64::from(self.delay_ms.load(Ordering::Relaxed)) * u64::from(SAMPLE_RATE) / 1_000
    }
}

/// The mix. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Mixer(Arc<ArcSwap<Vec<Arc<Strip>>>>);

impl Mixer {
    /// A mix of nothing: silence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who takes part from now on. Strips that stay are not disturbed; new ones fade in, those left
    /// out fade out.
    pub fn set_strips(&self, strips: Vec<Arc<Strip>>) {
        self.0.store(Arc::new(strips));
    }

    /// Who takes part.
    pub fn strips(&self) -> Arc<Vec<Arc<Strip>>> {
        self.0.load_full()
    }

    /// Whether both are the same mix.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A reader of the sum.
    pub fn reader(&self) -> MixReader {
        MixReader::new(self.clone())
    }
}
