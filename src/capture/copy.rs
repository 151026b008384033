//! From a system's picture buffer to a [`Frame`] of one's own: any stride, any of the pixel formats
//! that systems give, all of it or a region.
//!
//! Runs on the source's thread while the system lends the buffer, so it copies once and nothing
//! more. Drops nothing.

use super::{CaptureError, Frame, FramePool};
use crate::clock::{self, MonoTime};
use crate::units::{Region, Size};
use half::f16;

/// How a system lays out a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Blue, green, red, anything: 4 bytes.
    Bgrx,
    /// Red, green, blue, anything: 4 bytes.
    Rgbx,
    /// Anything, red, green, blue: 4 bytes.
    Xrgb,
    /// Anything, blue, green, red: 4 bytes.
    Xbgr,
    /// Linear red, green, blue, alpha as half floats, 8 bytes (scRGB, IEC 61966-2-2): an HDR
    /// desktop. 1.0 is 80 cd/m2.
    RgbaF16,
}

impl PixelFormat {
    /// Bytes of a pixel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::RgbaF16 => 8,
            _ => 4,
        }
    }
}

/// A picture in a buffer that belongs to someone else.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'a> {
    /// The buffer, first row on top.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels.
    pub size: Size,
    /// Layout of a pixel.
    pub format: PixelFormat,
}

/// Copies lent pictures into frames.
#[derive(Debug)]
pub struct Copier {
    pool: FramePool,
    region: Option<Region>,
    tones: Option<(f32, Box<[u8]>)>,
    sdr_white: f32,
}

/// SDR white of an HDR desktop where the system does not tell, in scRGB: 200 cd/m2, between
/// Windows' default slider (about 160..240) and ITU-R BT.2408's 203.
pub const SDR_WHITE: f32 = 2.5;

impl Copier {
    /// A copier of whole pictures, or of `region` of them.
    pub fn new(region: Option<Region>) -> Self {
        Self {
            pool: FramePool::new(),
            region,
            tones: None,
            sdr_white: SDR_WHITE,
        }
    }

    /// Sets which scRGB value is SDR white on an HDR desktop, at least 1.0.
    #[must_use]
    pub fn sdr_white(mut self, white: f32) -> Self {
        self.sdr_white = white.max(1.0);
        self
    }

    /// Copies `lent`, whose picture was made at `captured_at`.
    ///
    /// # Errors
    /// [`CaptureError::Lost`] where the buffer does not hold what it says,
    /// [`CaptureError::RegionOutside`] where the region lies wholly outside of the picture.
    pub fn copy(&mut self, lent: &Lent<'_>, captured_at: MonoTime) -> Result<Frame, CaptureError> {
        let part = match self.region {
            None => Region::whole(lent.size),
            Some(region) => region
                .within(lent.size)
                .ok_or(CaptureError::RegionOutside(region, lent.size))?,
        };
        let pixel = lent.format.bytes();
        let whole_row = lent.size.width as usize * pixel;
        let rows = lent.size.height as usize;
        let least = lent
            .stride
            .saturating_mul(rows.saturating_sub(1))
            .saturating_add(whole_row);
        if rows == 0 || whole_row == 0 || lent.stride < whole_row || lent.bytes.len() < least {
            return Err(CaptureError::Lost(format!(
                "its buffer of {} bytes does not hold {} with rows of {} bytes",
                lent.bytes.len(),
                lent.size,
                lent.stride
            )));
        }
        let row = part.size.width as usize * 4;
        let mut bytes = self.pool.take(part.size.pixels() * 4);
        if lent.format == PixelFormat::RgbaF16 {
            self.prepare_tones();
        }
        let tones = self.tones.as_ref().map_or(&[][..], |(_, table)| table);
        let from = part.x as usize * pixel;
        let lines = lent.bytes.chunks(lent.stride).skip(part.y as usize);
        for (out, line) in bytes.chunks_exact_mut(row).zip(lines) {
            let line = &line[from..from + part.size.width as usize * pixel];
            convert_row(line, lent.format, tones, out);
        }
        Ok(Frame {
            captured_at,
            in_memory_at: clock::now(),
            size: part.size,
            stride: row,
            data: self.pool.share(bytes),
        })
    }

    fn prepare_tones(&mut self) {
        if self
            .tones
            .as_ref()
            .is_none_or(|(w, _)| *w != self.sdr_white)
        {
            self.tones = Some((self.sdr_white, tone_table(self.sdr_white)));
        }
    }
}

fn convert_row(line: &[u8], format: PixelFormat, tones: &[u8], out: &mut [u8]) {
    let pixels = out.as_chunks_mut::<4>().0.iter_mut();
    match format {
        PixelFormat::Bgrx => out.copy_from_slice(line),
        PixelFormat::Rgbx => {
            for (out, p) in pixels.zip(line.as_chunks::<4>().0) {
                *out = [p[2], p[1], p[0], p[3]];
            }
        }
        PixelFormat::Xrgb => {
            for (out, p) in pixels.zip(line.as_chunks::<4>().0) {
                *out = [p[3], p[2], p[1], p[0]];
            }
        }
        PixelFormat::Xbgr => {
            for (out, p) in pixels.zip(line.as_chunks::<4>().0) {
                *out = [p[1], p[2], p[3], p[0]];
            }
        }
        PixelFormat::RgbaF16 => {
            let tone = |low, high| tones[usize::from(u16::from_le_bytes([low, high]))];
            for (out, p) in pixels.zip(line.as_chunks::<8>().0) {
                *out = [tone(p[4], p[5]), tone(p[2], p[3]), tone(p[0], p[1]), 255];
            }
        }
    }
}

/// For each half float its 8-bit sRGB value (IEC 61966-2-1), `white` being 255. What is brighter
/// than SDR white is white: SDR windows on the desktop keep their exact colours.
fn tone_table(white: f32) -> Box<[u8]> {
    (0..=u16::MAX)
        .map(|bits| {
            let linear = f16::from_bits(bits).to_f32() / white;
            // NaN becomes black, as do the negative values of colours outside of sRGB.
            let linear = if linear > 0.0 { linear.min(1.0) } else { 0.0 };
            let encoded = if linear <= 0.003_130_8 {
                12.92 * linear
            } else {
                1.055 * linear.powf(1.0 / 2.4) - 0.055
            };
            (encoded * 255.0).round() as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGENTA: [u8; 4] = [255, 0, 255, 255];

    #[test]
    fn b02_padding_of_rows_never_comes_along() {
        let size = Size::new(1366, 768);
        let mut bytes = MAGENTA.repeat(5504 / 4 * 768);
        for y in 0..768 {
            for x in 0..1366 {
                let at = y * 5504 + x * 4;
                bytes[at..at + 4].copy_from_slice(&[x as u8, y as u8, 7, 0]);
            }
        }
        // Systems lend the last row without its padding.
        bytes.truncate(5504 * 767 + 5464);
        let lent = Lent {
            bytes: &bytes,
            stride: 5504,
            size,
            format: PixelFormat::Bgrx,
        };
        let frame = Copier::new(None).copy(&lent, MonoTime::ZERO).unwrap();
        assert_eq!((frame.data.len(), frame.stride), (1366 * 768 * 4, 5464));
        for (at, pixel) in frame.data.as_chunks::<4>().0.iter().enumerate() {
            let (x, y) = (at % 1366, at / 1366);
            assert_eq!(*pixel, [x as u8, y as u8, 7, 0]);
        }
    }

    #[test]
    fn every_byte_order_comes_out_as_bgr() {
        for (format, pixel) in [
            (PixelFormat::Bgrx, [1, 2, 3, 9]),
            (PixelFormat::Rgbx, [3, 2, 1, 9]),
            (PixelFormat::Xrgb, [9, 3, 2, 1]),
            (PixelFormat::Xbgr, [9, 1, 2, 3]),
        ] {
            let lent = Lent {
                bytes: &pixel.repeat(6),
                stride: 12,
                size: Size::new(3, 2),
                format,
            };
            let frame = Copier::new(None).copy(&lent, MonoTime::ZERO).unwrap();
            assert_eq!(frame.data[..4], [1, 2, 3, 9], "{format:?}");
        }
    }

    #[test]
    fn a_region_is_cut_out_and_one_outside_is_an_error() {
        let bytes: Vec<u8> = (0..10 * 8).flat_map(|k| [k, k, k, 0]).collect();
        let lent = Lent {
            bytes: &bytes,
            stride: 40,
            size: Size::new(10, 8),
            format: PixelFormat::Bgrx,
        };
        let region = |text: &str| Some(text.parse().unwrap());
        let frame = Copier::new(region("4x3+5+2")).copy(&lent, MonoTime::ZERO);
        let frame = frame.unwrap();
        assert_eq!(frame.size, Size::new(4, 3));
        assert_eq!((frame.data[0], frame.data[16]), (25, 35));
        // One that stands out is cut to the picture.
        let frame = Copier::new(region("9x9+8+7")).copy(&lent, MonoTime::ZERO);
        assert_eq!(frame.unwrap().size, Size::new(2, 1));
        let outside = Copier::new(region("4x3+10+0")).copy(&lent, MonoTime::ZERO);
        assert!(matches!(outside, Err(CaptureError::RegionOutside(..))));
    }

    #[test]
    fn a_buffer_that_does_not_hold_its_picture_is_an_error() {
        for (len, stride, size) in [
            (100, 40, Size::new(10, 8)),
            (400, 36, Size::new(10, 8)),
            (400, 40, Size::new(10, 0)),
            (400, 40, Size::new(0, 8)),
            (400, 0, Size::new(0, 8)),
        ] {
            let lent = Lent {
                bytes: &vec![0; len],
                stride,
                size,
                format: PixelFormat::Bgrx,
            };
            let copied = Copier::new(None).copy(&lent, MonoTime::ZERO);
            assert!(matches!(copied, Err(CaptureError::Lost(_))), "{size}");
        }
    }

    proptest::proptest! {
        /// Whatever a system says of its buffer: a whole picture of exact bytes, or an error.
        #[test]
        fn b02_no_word_of_a_buffer_tears_a_picture(
            len in 0_usize..9000, stride in 0_usize..300, width in 0_u32..40, height in 0_u32..40,
            half in proptest::bool::ANY,
        ) {
            let format = if half { PixelFormat::RgbaF16 } else { PixelFormat::Bgrx };
            let size = Size::new(width, height);
            let lent = Lent { bytes: &vec![7; len], stride, size, format };
            if let Ok(frame) = Copier::new(None).copy(&lent, MonoTime::ZERO) {
                proptest::prop_assert!(stride >= width as usize * format.bytes());
                proptest::prop_assert_eq!(frame.data.len(), size.pixels() * 4);
                proptest::prop_assert_eq!(frame.size, size);
            }
        }
    }

    #[test]
    fn a_picture_without_width_and_an_impossible_stride_are_errors() {
        let bytes = [0; 64];
        for (width, stride) in [(0, 0), (0, 16), (2, usize::MAX), (2, usize::MAX / 2 + 1)] {
            let lent = Lent {
                bytes: &bytes,
                stride,
                size: Size::new(width, 3),
                format: PixelFormat::Bgrx,
            };
            let copied = Copier::new(None).copy(&lent, MonoTime::ZERO);
            assert!(
                matches!(copied, Err(CaptureError::Lost(_))),
                "{width}, {stride}"
            );
        }
    }

    #[test]
    fn b10_an_hdr_desktop_is_not_washed_out() {
        // SDR white at 2.5: white, the middle grey of sRGB 128 (0.2158 linear), black, a highlight
        // four times as bright, and a colour outside of sRGB.
        let card = [2.5, 0.2158 * 2.5, 0.0, 10.0, -0.3];
        let mut bytes = Vec::new();
        for value in card {
            for channel in [value, value, value, 1.0] {
                bytes.extend(f16::from_f32(channel).to_le_bytes());
            }
        }
        let lent = Lent {
            bytes: &bytes,
            stride: 40,
            size: Size::new(5, 1),
            format: PixelFormat::RgbaF16,
        };
        let frame = Copier::new(None).copy(&lent, MonoTime::ZERO).unwrap();
        let greens: Vec<u8> = frame.data.iter().skip(1).step_by(4).copied().collect();
        assert_eq!(greens, [255, 128, 0, 255, 0]);
        assert_eq!(frame.data.len(), 20);
    }
}
