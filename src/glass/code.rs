//! The block that carries a time through a screen, an encoder and another screen.
//!
//! 12 by 6 cells, black or white: 40 bits of time and a CRC-32 of them, row by row, most significant
//! first. Around them a black ring, a white ring by which the block is found at any place and size,
//! and a black margin that keeps the ring apart from what is beside it; each one cell wide. Only
//! black and white are used, so nothing hangs on chroma. A reading is the written time or none:
//! a cell that is neither clearly black nor clearly white ends it (two pictures blended), and what
//! mixes cells of two pictures (torn, half updated) does not fit its CRC. Pure.

use super::find::Luma;

/// Cells of data across.
pub const COLUMNS: u32 = 12;
/// Cells of data down.
pub const ROWS: u32 = 6;
/// Cells from the block's edge to its data: margin, white ring, black ring.
pub const BORDER: u32 = 3;
/// Cells of the whole block across.
pub const WIDTH: u32 = COLUMNS + 2 * BORDER;
/// Cells of the whole block down.
pub const HEIGHT: u32 = ROWS + 2 * BORDER;
/// Cells across the white ring, outer edge to outer edge.
pub(super) const RING_WIDTH: u32 = WIDTH - 2;
/// Cells down the white ring.
pub(super) const RING_HEIGHT: u32 = HEIGHT - 2;

/// Microseconds of one unit of a written time.
pub const UNIT_US: u64 = 100;
/// Bits of a written time: 3.4 years of units.
const TIME_BITS: u32 = 40;

/// White and black of a block must be so many of 255 levels apart.
const LEAST_CONTRAST: f32 = 64.0;
/// A cell counts as white from this share of the contrast up, as black below one minus it.
const CLEAR: f32 = 0.62;

/// A time as a block carries it, in units of 0.1 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// The time of so many microseconds, cut to whole units; it begins again after 3.4 years.
    pub const fn of_micros(us: u64) -> Self {
        Self((us / UNIT_US) & ((1 << TIME_BITS) - 1))
    }

    /// Its microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0 * UNIT_US
    }

    /// Time and check, the first cell in bit 71.
    fn word(self) -> u128 {
        let bytes = self.0.to_be_bytes();
        // With a name before it: neither an empty block nor another program's has this sum.
        let mut check = crc32fast::Hasher::new();
        check.update(b"pd glass");
        check.update(&bytes[3..]);
        u128::from(self.0) << 32 | u128::from(check.finalize())
    }

    fn of_word(word: u128) -> Option<Self> {
        let stamp = Self((word >> 32) as u64 & ((1 << TIME_BITS) - 1));
        (stamp.word() == word).then_some(stamp)
    }
}

/// Whether a cell of the whole block is white; (0, 0) is the margin's upper left one.
fn is_white(word: u128, x: u32, y: u32) -> bool {
    let edge = x.min(y).min(WIDTH - 1 - x).min(HEIGHT - 1 - y);
    match edge {
        0 | 2 => false,
        1 => true,
        _ => word >> (COLUMNS * ROWS - 1 - ((y - BORDER) * COLUMNS + x - BORDER)) & 1 == 1,
    }
}

/// The white parts of a block on black ground, in cells: left, top, width (each is one cell high).
pub fn white_runs(stamp: Stamp) -> Vec<(u32, u32, u32)> {
    let word = stamp.word();
    let mut runs: Vec<(u32, u32, u32)> = Vec::with_capacity(64);
    for y in 0..HEIGHT {
        for x in (0..WIDTH).filter(|x| is_white(word, *x, y)) {
            match runs.last_mut() {
                Some(run) if run.1 == y && run.0 + run.2 == x => run.2 += 1,
                _ => runs.push((x, y, 1)),
            }
        }
    }
    runs
}

/// Where a block lies in a picture, in pixels: the white ring's outer edge, and a cell's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Left edge of the white ring.
    pub left: f32,
    /// Upper edge of the white ring.
    pub top: f32,
    /// Pixels across a cell.
    pub cell_width: f32,
    /// Pixels down a cell.
    pub cell_height: f32,
}

impl Place {
    /// Left, top, width and height of the whole block, margin included.
    pub fn block(&self) -> [f32; 4] {
        [
            self.left - self.cell_width,
            self.top - self.cell_height,
            self.cell_width * WIDTH as f32,
            self.cell_height * HEIGHT as f32,
        ]
    }

    /// Whether both are the same block, give or take a cell.
    pub fn is_near(&self, other: &Self) -> bool {
        (self.left - other.left).abs() < self.cell_width
            && (self.top - other.top).abs() < self.cell_height
            && (self.cell_width / other.cell_width - 1.0).abs() < 0.1
    }
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// No block: its ring is not there.
    Nothing,
    /// A block whose time cannot be told: torn, blended, too blurred.
    Unreadable,
    /// A block with its time.
    Time(Stamp),
}

/// Looks at a place of a picture.
pub fn read(picture: &Luma<'_>, place: &Place) -> Seen {
    // Cell (0, 0) of the whole block is one cell before the ring's edge.
    let level = |x: u32, y: u32| {
        let centre_x = place.left + (x as f32 - 0.5) * place.cell_width;
        let centre_y = place.top + (y as f32 - 0.5) * place.cell_height;
        // A third of the cell: clear of its neighbours where the place is off by a sixth.
        picture.mean(
            [centre_x, centre_y],
            [place.cell_width / 3.0, place.cell_height / 3.0],
        )
    };
    let ring = |distance: u32| {
        let (right, bottom) = (WIDTH - 1 - distance, HEIGHT - 1 - distance);
        let across = (distance..=right).flat_map(move |x| [(x, distance), (x, bottom)]);
        let down = (distance + 1..bottom).flat_map(move |y| [(distance, y), (right, y)]);
        across.chain(down)
    };
    let levels =
        |distance: u32| -> Option<Vec<f32>> { ring(distance).map(|(x, y)| level(x, y)).collect() };
    let (Some(white), Some(black)) = (levels(1), levels(2)) else {
        return Seen::Nothing;
    };
    let mean = |all: &[f32]| all.iter().sum::<f32>() / all.len() as f32;
    let (high, low) = (mean(&white), mean(&black));
    let contrast = high - low;
    if contrast < LEAST_CONTRAST {
        return Seen::Nothing;
    }
    let bit = |level: f32| match (level - low) / contrast {
        share if share >= CLEAR => Some(true),
        share if share <= 1.0 - CLEAR => Some(false),
        _ => None,
    };
    let whole =
        white.iter().all(|v| bit(*v) == Some(true)) && black.iter().all(|v| bit(*v) == Some(false));
    if !whole {
        return Seen::Nothing;
    }
    let mut word = 0_u128;
    for y in BORDER..BORDER + ROWS {
        for x in BORDER..BORDER + COLUMNS {
            let Some(bit) = level(x, y).and_then(bit) else {
                return Seen::Unreadable;
            };
            word = word << 1 | u128::from(bit);
        }
    }
    Stamp::of_word(word).map_or(Seen::Unreadable, Seen::Time)
}

#[cfg(test)]
mod tests;
