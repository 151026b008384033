//! Grain: a band of grey noise, new in each frame, so that an encoder has use for its whole bitrate.
//!
//! One row of noise, twice as wide as the picture, is made once; each row of each frame is a piece of it
//! from a place of its own, so a frame costs no more than a copy.

use super::layout::{Canvas, Rect};

/// The middle grey, and how far from it the noise goes to either side: the grain of a dark stage.
const MIDDLE: u8 = 112;
const SWING: u8 = 24;

/// The band and its noise.
#[derive(Debug)]
pub(super) struct Grain {
    band: Rect,
    /// BGRA, twice the band's width.
    noise: Vec<u8>,
}

impl Grain {
    pub(super) fn new(band: Rect) -> Self {
        // The same in each run.
        let mut random = fastrand::Rng::with_seed(7);
        let pixel = |_| {
            let grey = MIDDLE - SWING + random.u8(0..=2 * SWING);
            [grey, grey, grey, 255]
        };
        Self {
            band,
            noise: (0..band.width * 2).flat_map(pixel).collect(),
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, number: u64) {
        let mut random = fastrand::Rng::with_seed(number);
        for y in self.band.y..self.band.y + self.band.height {
            let row = canvas.row(y);
            let from = random.usize(0..=self.noise.len() / 8) * 4;
            let count = row.len().min(self.noise.len() - from);
            row[..count].copy_from_slice(&self.noise[from..from + count]);
        }
    }
}
