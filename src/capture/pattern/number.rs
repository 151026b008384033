//! The frame number as a row of black and white cells that survives encoding.
//!
//! 32 cells, most significant first: 24 bits of number, then a CRC-8 of them. The CRC starts from
//! 0xFF, so that neither a black nor a white picture reads as a number.

use super::layout::{Bgra, Canvas, Layout, Rect};
use crate::clock::MonoTime;
use crate::units::Size;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

const CELLS: u32 = 32;
/// Numbers begin again at zero from here: after 38 hours at 120 frames a second.
pub const NUMBER_LIMIT: u32 = 1 << 24;

const BLACK: Bgra = [0, 0, 0, 255];
const WHITE: Bgra = [255, 255, 255, 255];

/// CRC-8, polynomial x^8 + x^2 + x + 1, over the number's three bytes.
fn crc8(number: u32) -> u8 {
    let mut crc = 0xFF_u8;
    for byte in &number.to_be_bytes()[1..] {
        crc ^= byte;
        for _ in 0..8 {
            crc = if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x07
            };
        }
    }
    crc
}

fn word(number: u64) -> u32 {
    let number = (number % u64::from(NUMBER_LIMIT)) as u32;
    number << 8 | u32::from(crc8(number))
}

/// Left edge of cell `i` (or the right edge of the one before).
fn edge(strip: Rect, i: u32) -> u32 {
    strip.x + (u64::from(strip.width) * u64::from(i) / u64::from(CELLS)) as u32
}

pub(super) fn draw(canvas: &mut Canvas<'_>, strip: Rect, number: u64) {
    let word = word(number);
    for i in 0..CELLS {
        let (left, right) = (edge(strip, i), edge(strip, i + 1));
        let colour = if word >> (CELLS - 1 - i) & 1 == 1 {
            WHITE
        } else {
            BLACK
        };
        canvas.fill(Rect::new(left, strip.y, right - left, strip.height), colour);
    }
}

/// Reads the frame number from a picture's luma plane (limited or full range), `stride` bytes a
/// row. None where the strip is not there, unclear, or its check does not fit. The picture may have
/// been scaled as long as it has the pattern's aspect.
pub fn read_frame_number_luma(luma: &[u8], stride: usize, size: Size) -> Option<u32> {
    read(size, |x, y| luma.get(y * stride + x).copied())
}

/// Reads the frame number from a BGRA (or RGBA) picture, `stride` bytes a row, see
/// [`read_frame_number_luma`].
pub fn read_frame_number_bgra(bytes: &[u8], stride: usize, size: Size) -> Option<u32> {
    // The cells are neutral: green alone is as good as luma.
    read(size, |x, y| bytes.get(y * stride + x * 4 + 1).copied())
}

/// Where a pattern of `size` carries the number: full width, at the bottom.
pub fn number_strip(size: Size) -> Rect {
    Layout::new(size).strip
}

/// Reads the frame number from the luma of [`number_strip`] alone, tight rows, cut out of a picture of
/// `size`; see [`read_frame_number_luma`].
pub fn read_frame_number_strip(luma: &[u8], size: Size) -> Option<u32> {
    let top = number_strip(size).y as usize;
    let stride = size.width as usize;
    read(size, |x, y| luma.get((y - top) * stride + x).copied())
}

/// Made frames that are remembered: 2 minutes at 120 a second.
const LOGGED: usize = 14_400;

/// When each frame of a pattern was made, for who reads the numbers back somewhere. Holds the newest
/// 14400; clones share it.
#[derive(Clone, Debug, Default)]
pub struct NumberLog(Arc<Mutex<VecDeque<(u32, MonoTime)>>>);

impl NumberLog {
    /// Frame `number` was made at `at`.
    pub fn add(&self, number: u64, at: MonoTime) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() == LOGGED {
            made.pop_front();
        }
        made.push_back(((number % u64::from(NUMBER_LIMIT)) as u32, at));
    }

    /// Number as it is read back, and capture time, oldest first.
    pub fn made(&self) -> Vec<(u32, MonoTime)> {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().copied().collect()
    }
}

fn read(size: Size, level: impl Fn(usize, usize) -> Option<u8>) -> Option<u32> {
    if size.width < CELLS * 2 || size.height < 16 {
        return None;
    }
    let strip = number_strip(size);
    let mut word = 0_u32;
    for i in 0..CELLS {
        let (left, right) = (edge(strip, i), edge(strip, i + 1));
        // The middle half of the cell, away from the neighbours' ringing.
        let (x_margin, y_margin) = ((right - left) / 4, strip.height / 4);
        let (mut sum, mut count) = (0_u64, 0_u64);
        for y in strip.y + y_margin..strip.y + strip.height - y_margin {
            for x in left + x_margin..right - x_margin {
                sum += u64::from(level(x as usize, y as usize)?);
                count += 1;
            }
        }
        // Neither clearly black nor clearly white is no cell at all.
        let bit = match sum / count.max(1) {
            0..=95 => 0,
            160.. => 1,
            _ => return None,
        };
        word = word << 1 | bit;
    }
    let number = word >> 8;
    (u32::from(crc8(number)) == word & 0xFF).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flat_picture_has_no_number() {
        let size = Size::new(1280, 720);
        for level in 0..=255 {
            let luma = vec![level; size.pixels()];
            assert_eq!(read_frame_number_luma(&luma, 1280, size), None, "{level}");
        }
    }

    #[test]
    fn one_wrong_cell_is_noticed() {
        for bit in 0..32 {
            let wrong = word(123_456) ^ 1 << bit;
            assert_ne!(u32::from(crc8(wrong >> 8)), wrong & 0xFF, "bit {bit}");
        }
    }

    #[test]
    fn a_picture_too_short_or_too_small_is_none_and_no_panic() {
        assert_eq!(
            read_frame_number_luma(&[0; 10], 1280, Size::new(1280, 720)),
            None
        );
        assert_eq!(read_frame_number_bgra(&[0; 64], 16, Size::new(4, 4)), None);
    }

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest() {
        let log = NumberLog::default();
        for n in 0..LOGGED as u64 + 3 {
            log.add(n, MonoTime::from_micros(n));
        }
        let made = log.clone().made();
        assert_eq!((made.len(), made[0].0), (LOGGED, 3));
        log.add(u64::from(NUMBER_LIMIT) + 7, MonoTime::ZERO);
        assert_eq!(log.made().last(), Some(&(7, MonoTime::ZERO)));
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_read_with_noise_and_limited_range(
            number in 0_u64..u64::from(NUMBER_LIMIT) * 2,
            width in 256_u32..1000, height in 144_u32..600, noise in 0_u8..60,
        ) {
            let size = Size::new(width * 2, height * 2);
            let mut bytes = vec![99; size.pixels() * 4];
            let strip = super::super::layout::Layout::new(size).strip;
            draw(&mut Canvas::new(size, &mut bytes), strip, number);
            let want = Some((number % u64::from(NUMBER_LIMIT)) as u32);
            let stride = size.width as usize * 4;
            prop_assert_eq!(read_frame_number_bgra(&bytes, stride, size), want);
            let luma: Vec<u8> = bytes.chunks_exact(4).enumerate().map(|(i, p)| {
                let clean = 16 + u32::from(p[1]) * 219 / 255;
                let off = (i as u32).wrapping_mul(2_654_435_761) >> 24;
                let off = off * u32::from(noise) / 255;
                if p[1] > 128 { (clean - off) as u8 } else { (clean + off) as u8 }
            }).collect();
            prop_assert_eq!(read_frame_number_luma(&luma, size.width as usize, size), want);
            let from = strip.y as usize * size.width as usize;
            let strip_luma = &luma[from..from + (strip.width * strip.height) as usize];
            prop_assert_eq!(read_frame_number_strip(strip_luma, size), want);
        }
    }
}
