//! Finds blocks of [`super::code`] in a picture, wherever and however large they are, upright.
//!
//! Rows are cut into black and white runs. Where two white runs are a ring's sides by their widths
//! and their distance, the ring's height is looked for at the left one, and the block read. Pure;
//! some two milliseconds for a 1280x720 picture in an optimised build, so places are kept from one
//! picture to the next and the whole picture is searched only now and then.

use super::code::{self, Place, RING_HEIGHT, RING_WIDTH, Seen};
use crate::units::Size;

/// Every such row is searched: a block's sides, eight cells of at least [`LEAST_CELL`], are met.
const ROW_STEP: usize = 12;
/// Pixels of the smallest cell that is looked for.
const LEAST_CELL: f32 = 3.0;
/// Black or white, where nothing is known yet.
const MIDDLE: u8 = 128;

/// A picture in shades of grey, as one of four bytes of each pixel gives them.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    bytes: &'a [u8],
    stride: usize,
    size: Size,
    /// Bytes from one pixel to the next, and the one that counts.
    step: usize,
    at: usize,
}

impl<'a> Luma<'a> {
    /// Of a BGRA (or RGBA) picture with rows of `stride` bytes: green stands for luma, the block is
    /// black and white. None where the bytes do not hold the size.
    pub fn of_bgra(bytes: &'a [u8], stride: usize, size: Size) -> Option<Self> {
        Self::new(bytes, stride, size, 4, 1)
    }

    /// Of a plane of luma with rows of `stride` bytes. None where the bytes do not hold the size.
    pub fn of_plane(bytes: &'a [u8], stride: usize, size: Size) -> Option<Self> {
        Self::new(bytes, stride, size, 1, 0)
    }

    fn new(bytes: &'a [u8], stride: usize, size: Size, step: usize, at: usize) -> Option<Self> {
        let row = size.width as usize * step;
        let least = stride
            .checked_mul((size.height as usize).checked_sub(1)?)?
            .checked_add(row)?;
        (size.width > 0 && stride >= row && bytes.len() >= least).then_some(Self {
            bytes,
            stride,
            size,
            step,
            at,
        })
    }

    fn level(&self, x: usize, y: usize) -> u8 {
        self.bytes[y * self.stride + x * self.step + self.at]
    }

    /// The mean level of a rectangle about `centre`, at least one pixel; None where it lies outside.
    pub(super) fn mean(&self, centre: [f32; 2], size: [f32; 2]) -> Option<f32> {
        let side = |centre: f32, size: f32, limit: u32| {
            let from = (centre - size / 2.0).round();
            let to = (centre + size / 2.0).round().max(from + 1.0);
            (from >= 0.0 && to <= limit as f32).then_some(from as usize..to as usize)
        };
        let across = side(centre[0], size[0], self.size.width)?;
        let down = side(centre[1], size[1], self.size.height)?;
        let count = across.len() * down.len();
        let sum: u64 = down
            .flat_map(|y| across.clone().map(move |x| (x, y)))
            .map(|(x, y)| u64::from(self.level(x, y)))
            .sum();
        Some(sum as f32 / count as f32)
    }

    /// White runs of a row, begin and end, to fractions of a pixel.
    fn white_runs(&self, y: usize, runs: &mut Vec<[f32; 2]>) {
        runs.clear();
        let mut begin = None;
        let mut before = 0_u8;
        for x in 0..self.size.width as usize {
            let level = self.level(x, y);
            match begin {
                None if level >= MIDDLE => begin = Some(x as f32 - crossing(before, level)),
                Some(from) if level < MIDDLE => {
                    runs.push([from, x as f32 - crossing(before, level)]);
                    begin = None;
                }
                _ => {}
            }
            before = level;
        }
        if let Some(from) = begin {
            runs.push([from, self.size.width as f32]);
        }
    }

    /// The white run of a column that has this row in it.
    fn white_column(&self, x: usize, y: usize) -> Option<[f32; 2]> {
        if self.level(x, y) < MIDDLE {
            return None;
        }
        let edge = |y: usize, beyond: Option<usize>| {
            let beyond = beyond.map_or(0, |at| self.level(x, at));
            crossing(beyond, self.level(x, y))
        };
        let (mut top, mut bottom) = (y, y);
        while top > 0 && self.level(x, top - 1) >= MIDDLE {
            top -= 1;
        }
        let last = self.size.height as usize - 1;
        while bottom < last && self.level(x, bottom + 1) >= MIDDLE {
            bottom += 1;
        }
        let below = (bottom < last).then_some(bottom + 1);
        Some([
            top as f32 - edge(top, top.checked_sub(1)),
            bottom as f32 + 1.0 + edge(bottom, below),
        ])
    }
}

/// How far before the second of two pixels' common edge the level passes the middle, -0.5 to 0.5: a
/// blurred edge has pixels between black and white.
fn crossing(first: u8, second: u8) -> f32 {
    let (first, second) = (f32::from(first), f32::from(second));
    if (first - second).abs() < 1.0 {
        return 0.0;
    }
    // Pixel centres are half a pixel off the edge.
    let share = (f32::from(MIDDLE) - first) / (second - first);
    (0.5 - share).clamp(-0.5, 0.5)
}

/// All blocks in a picture, each once, with what they carry.
pub fn find(picture: &Luma<'_>) -> Vec<(Place, Seen)> {
    let mut found: Vec<(Place, Seen)> = Vec::new();
    let mut runs = Vec::new();
    for y in (ROW_STEP / 2..picture.size.height as usize).step_by(ROW_STEP) {
        picture.white_runs(y, &mut runs);
        for (number, first) in runs.iter().enumerate() {
            let width = first[1] - first[0];
            for last in &runs[number + 1..] {
                let cell = (last[1] - first[0]) / RING_WIDTH as f32;
                // Blur and gamma make white runs wider or narrower, never a ring's middle lines.
                if cell > 1.7 * width {
                    break;
                }
                let fits = |run: &[f32; 2]| (0.6..1.5).contains(&((run[1] - run[0]) / cell));
                if cell < LEAST_CELL || !fits(first) || !fits(last) {
                    continue;
                }
                let Some(place) = upright(picture, *first, cell, y) else {
                    continue;
                };
                if found.iter().any(|(other, _)| other.is_near(&place)) {
                    continue;
                }
                match code::read(picture, &place) {
                    Seen::Nothing => {}
                    seen => found.push((place, seen)),
                }
            }
        }
    }
    found
}

/// The place whose left side's run is `side` in row `y`, where the ring's height fits.
fn upright(picture: &Luma<'_>, side: [f32; 2], cell: f32, y: usize) -> Option<Place> {
    let middle = side[0] + cell / 2.0;
    let column = picture.white_column((middle.max(0.0)) as usize, y)?;
    let cell_height = (column[1] - column[0]) / RING_HEIGHT as f32;
    (0.8..1.25)
        .contains(&(cell_height / cell))
        .then_some(Place {
            left: side[0],
            top: column[0],
            cell_width: cell,
            cell_height,
        })
}
