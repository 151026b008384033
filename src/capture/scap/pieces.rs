//! Puts together the pictures that come through the pipe in pieces. Pure: takes the time as an
//! argument and reads nothing itself. Holds one picture; drops nothing.

use super::wire::{HEADER_BYTES, Header, Pixels};
use crate::capture::copy::{Lent, PixelFormat};
use crate::clock::MonoTime;
use crate::units::Size;

/// The most that is read at once, and by which memory grows: what a header says is believed only
/// as far as bytes really come.
const STEP: usize = 1 << 20;

/// A picture in the making.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    head: [u8; HEADER_BYTES],
    head_got: usize,
    /// Set once the header is whole: it, and when the picture was got.
    of: Option<(Header, MonoTime)>,
    /// As long as the longest picture so far; used again.
    body: Vec<u8>,
    body_got: usize,
}

impl Pieces {
    /// Whether something of a picture is there and something is still missing.
    pub(super) fn is_within(&self) -> bool {
        self.head_got > 0 && !self.is_whole()
    }

    fn is_whole(&self) -> bool {
        self.of
            .is_some_and(|(header, _)| self.body_got == header.picture_bytes())
    }

    /// Where the next bytes go; never empty. A picture that is whole is given up.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.is_whole() {
            (self.head_got, self.of, self.body_got) = (0, None, 0);
        }
        let Some((header, _)) = self.of else {
            return &mut self.head[self.head_got..];
        };
        let end = header.picture_bytes().min(self.body_got + STEP);
        if self.body.len() < end {
            self.body.resize(end, 0);
        }
        &mut self.body[self.body_got..end]
    }

    /// Takes in that `count` bytes were put into the room at `now`.
    ///
    /// # Errors
    /// What is wrong with the header that they completed.
    pub(super) fn filled(&mut self, count: usize, now: MonoTime) -> Result<(), String> {
        if self.of.is_some() {
            self.body_got += count;
            return Ok(());
        }
        self.head_got += count;
        if self.head_got == HEADER_BYTES {
            let header = Header::decode(&self.head)?;
            self.of = Some((header, now - header.age));
        }
        Ok(())
    }

    /// The picture, where it is whole, and when the child got it.
    pub(super) fn picture(&self) -> Option<(Lent<'_>, MonoTime)> {
        let (header, captured_at) = self.of.filter(|_| self.is_whole())?;
        let lent = Lent {
            bytes: &self.body[..header.picture_bytes()],
            stride: header.stride as usize,
            size: Size::new(header.width, header.height),
            format: match header.pixels {
                Pixels::Bgrx => PixelFormat::Bgrx,
                Pixels::Rgbx => PixelFormat::Rgbx,
                Pixels::Xbgr => PixelFormat::Xbgr,
            },
        };
        Some((lent, captured_at))
    }
}

#[cfg(test)]
mod tests;
