//! The form in which `pd-scap-source` hands pictures to the console: this file is part of both
//! programs, so that there is one text of it. Pure; runs on neither thread of its own, drops nothing.
//!
//! The child's standard output is one picture after the other, each a header of 32 bytes and then
//! `stride * height` bytes of pixels, first row on top. All numbers are little-endian:
//!
//! | bytes  | what                                                                               |
//! |--------|------------------------------------------------------------------------------------|
//! | 0..8   | `PDSCAP1\n`                                                                        |
//! | 8..12  | width in pixels, 1..=8192                                                          |
//! | 12..16 | height in pixels, 1..=8192                                                         |
//! | 16..20 | stride, bytes from one row to the next, at least `4 * width`                       |
//! | 20..24 | pixel format: 1 B G R x, 2 R G B x, 3 x B G R; a byte each                         |
//! | 24..32 | microseconds from the moment when the child got the picture to that of this header |
//!
//! Nothing comes while the screen stands still. The child's standard input says nothing: the child
//! ends when it is closed. Its standard error has one line for each error, and the exit code is
//! not 0 after one.

use std::time::Duration;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 32;
/// What each header begins with; the digit is the version of this form.
pub const MAGIC: [u8; 8] = *b"PDSCAP1\n";
/// The longest side, pixels. scap 0.0.8 itself asks PipeWire for no more than 4096.
pub const MOST_SIDE: u32 = 8192;
/// Bytes of pixels of the largest picture that is taken: 8192x4096 without padding.
pub const MOST_BYTES: usize = 128 << 20;

/// How a pixel's four bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// Blue, green, red, anything.
    Bgrx,
    /// Red, green, blue, anything.
    Rgbx,
    /// Anything, blue, green, red.
    Xbgr,
}

/// What goes before each picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
    /// Layout of a pixel.
    pub pixels: Pixels,
    /// From the moment when the child got the picture to that at which it wrote the header; whole
    /// microseconds.
    pub age: Duration,
}

impl Header {
    /// Its bytes. An age of more than 580 000 years is cut.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let pixels: u32 = match self.pixels {
            Pixels::Bgrx => 1,
            Pixels::Rgbx => 2,
            Pixels::Xbgr => 3,
        };
        let age_us = u64::try_from(self.age.as_micros()).unwrap_or(u64::MAX);
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.width.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.height.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.stride.to_le_bytes());
        bytes[20..24].copy_from_slice(&pixels.to_le_bytes());
        bytes[24..].copy_from_slice(&age_us.to_le_bytes());
        bytes
    }

    /// Reads a header's bytes.
    ///
    /// # Errors
    /// What is wrong with them, to be read by a person.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        if bytes[..8] != MAGIC {
            return Err("it does not begin as a picture does".into());
        }
        let number = |at: usize| {
            let mut four = [0; 4];
            four.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(four)
        };
        let (width, height, stride) = (number(8), number(12), number(16));
        let sides = 1..=MOST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(format!("it is said to be {width}x{height}"));
        }
        let pixels = match number(20) {
            1 => Pixels::Bgrx,
            2 => Pixels::Rgbx,
            3 => Pixels::Xbgr,
            other => return Err(format!("its pixel format {other} is unknown")),
        };
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[24..]);
        let header = Self {
            width,
            height,
            stride,
            pixels,
            age: Duration::from_micros(u64::from_le_bytes(eight)),
        };
        if stride < 4 * width || header.picture_bytes() > MOST_BYTES {
            return Err(format!(
                "{width}x{height} with rows of {stride} bytes cannot be"
            ));
        }
        Ok(header)
    }

    /// Bytes of pixels that follow it.
    pub fn picture_bytes(&self) -> usize {
        (self.stride as usize).saturating_mul(self.height as usize)
    }
}
