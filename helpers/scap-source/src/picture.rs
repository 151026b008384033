//! scap's frames as pictures of the wire's form. Runs on the main thread; drops nothing.
//!
//! scap 0.0.8 gives the whole of PipeWire's buffer (its `maxsize`) and not the distance of its
//! rows, so that has to be told from the length. RGB without a fourth byte, which it may give too,
//! is spread to four here: the console has no such layout.

use crate::wire::{Header, Pixels};
use scap::frame::Frame;
use std::time::Duration;

/// A page of memory: a mapped buffer may be longer than its picture by less than this.
const PAGE: usize = 4096;

/// A picture ready to be written.
pub struct Picture<'a> {
    width: u32,
    height: u32,
    stride: usize,
    pixels: Pixels,
    data: Data<'a>,
}

enum Data<'a> {
    Own(Vec<u8>),
    Spread(&'a [u8]),
}

impl<'a> Picture<'a> {
    /// The picture of `frame`; `spare` is memory that is used again.
    pub fn of(frame: Frame, spare: &'a mut Vec<u8>) -> Result<Self, String> {
        let (width, height, pixels, data) = match frame {
            Frame::BGRx(f) => (f.width, f.height, Some(Pixels::Bgrx), f.data),
            Frame::BGRA(f) => (f.width, f.height, Some(Pixels::Bgrx), f.data),
            Frame::RGBx(f) => (f.width, f.height, Some(Pixels::Rgbx), f.data),
            Frame::XBGR(f) => (f.width, f.height, Some(Pixels::Xbgr), f.data),
            Frame::RGB(f) => (f.width, f.height, None, f.data),
            Frame::YUVFrame(_) | Frame::BGR0(_) => {
                return Err("scap gave a pixel format that it does not give on Linux".into());
            }
        };
        let (width, height) = match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width), Ok(height)) if width > 0 && height > 0 => (width, height),
            _ => return Err(format!("scap gave a picture of {width}x{height}")),
        };
        let pixel = if pixels.is_some() { 4 } else { 3 };
        let stride =
            stride_of(data.len(), width as usize * pixel, height as usize).ok_or_else(|| {
                format!(
                    "scap gave {} bytes for a picture of {width}x{height}",
                    data.len()
                )
            })?;
        let Some(pixels) = pixels else {
            spread(&data, stride, width as usize, height as usize, spare);
            return Ok(Self {
                width,
                height,
                stride: width as usize * 4,
                pixels: Pixels::Rgbx,
                data: Data::Spread(spare),
            });
        };
        Ok(Self {
            width,
            height,
            stride,
            pixels,
            data: Data::Own(data),
        })
    }

    /// Its header, `age` after scap gave it.
    pub fn header(&self, age: Duration) -> Header {
        Header {
            width: self.width,
            height: self.height,
            // No more than a buffer's length by its rows.
            stride: u32::try_from(self.stride).unwrap_or(u32::MAX),
            pixels: self.pixels,
            age,
        }
    }

    /// `stride * height` bytes.
    pub fn bytes(&self) -> &[u8] {
        let all = match &self.data {
            Data::Own(bytes) => bytes.as_slice(),
            Data::Spread(bytes) => bytes,
        };
        &all[..self.stride * self.height as usize]
    }
}

/// The distance of the rows of `row` bytes in a buffer of `len` bytes; None where it is too short.
///
/// Producers without padding round a row up to four bytes at most, and the buffer up to a page;
/// others pad each row to a multiple of 16 or more.
fn stride_of(len: usize, row: usize, rows: usize) -> Option<usize> {
    let tight = row.next_multiple_of(4);
    let least = tight.checked_mul(rows)?;
    if len < least {
        return None;
    }
    let padded = len / rows / 16 * 16;
    Some(if len - least < PAGE || padded < tight {
        tight
    } else {
        padded
    })
}

/// Makes RGB into RGBx without padding.
fn spread(data: &[u8], stride: usize, width: usize, height: usize, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(width * height * 4);
    for line in data.chunks(stride).take(height) {
        for pixel in line[..width * 3].as_chunks::<3>().0 {
            out.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use scap::frame::{BGRxFrame, RGBFrame};

    #[test]
    fn the_distance_of_the_rows_is_told_from_the_length() {
        // 1366x768: without padding, rounded up to a page, rows of a multiple of 64.
        assert_eq!(stride_of(5464 * 768, 5464, 768), Some(5464));
        assert_eq!(
            stride_of((5464_usize * 768).next_multiple_of(4096), 5464, 768),
            Some(5464)
        );
        assert_eq!(stride_of(5504 * 768, 5464, 768), Some(5504));
        assert_eq!(
            stride_of((5504_usize * 768).next_multiple_of(4096), 5464, 768),
            Some(5504)
        );
        // RGB rows are rounded up to four bytes.
        assert_eq!(stride_of(4100 * 768, 4098, 768), Some(4100));
        assert_eq!(stride_of(5464 * 768 - 1, 5464, 768), None);
    }

    #[test]
    fn a_padded_picture_goes_out_as_it_is() {
        let mut spare = Vec::new();
        let frame = Frame::BGRx(BGRxFrame {
            display_time: 0,
            width: 60,
            height: 100,
            data: vec![7; 304 * 100 + 90],
        });
        let picture = Picture::of(frame, &mut spare).unwrap();
        let header = picture.header(Duration::from_micros(5));
        assert_eq!((header.stride, header.pixels), (304, Pixels::Bgrx));
        assert_eq!(picture.bytes().len(), header.picture_bytes());
    }

    #[test]
    fn three_bytes_become_four() {
        let mut spare = Vec::new();
        // Two rows of 3 pixels, padded from 9 to 12 bytes.
        let data = (0..24).collect();
        let frame = Frame::RGB(RGBFrame {
            display_time: 0,
            width: 3,
            height: 2,
            data,
        });
        let picture = Picture::of(frame, &mut spare).unwrap();
        assert_eq!(picture.header(Duration::ZERO).pixels, Pixels::Rgbx);
        let second_row = [12, 13, 14, 255, 15, 16, 17, 255, 18, 19, 20, 255];
        assert_eq!(picture.bytes()[12..], second_row);
        let short = Frame::RGB(RGBFrame {
            display_time: 0,
            width: 3,
            height: 3,
            data: vec![0; 24],
        });
        assert!(Picture::of(short, &mut Vec::new()).is_err());
    }
}
