//! The pictures of a test: dense text-like marks that scroll over a slope, the hardest that a desktop
//! gives. Pure.

use crate::settings::PipeFormat;
use crate::units::Size;

/// Rows that a picture scrolls on from the one before.
const ROWS: u64 = 4;

/// A scene from which any picture can be cut.
#[derive(Debug)]
pub struct Scene {
    size: Size,
    pipe: PipeFormat,
    /// Luma, `ROWS * PERIOD` rows longer than the picture.
    luma: Vec<u8>,
}

/// Pictures after which the scene begins anew.
const PERIOD: u64 = 64;

impl Scene {
    /// A scene for pictures of `size`.
    pub fn new(size: Size, pipe: PipeFormat) -> Self {
        let (width, rows) = (size.width, u64::from(size.height) + ROWS * PERIOD);
        let mut luma = Vec::with_capacity(width as usize * rows as usize);
        for y in 0..rows {
            // Lines of 16 rows, marks in the upper 11, letters 9 pixels apart.
            let (line, within) = ((y / 16) as u32, (y % 16) as u32);
            for x in 0..width {
                let (letter, column) = (x / 9, x % 9);
                // A letter's look: any fixed mixture of its place (Knuth's multiplicative hash).
                let look = (line * 977 + letter * 131 + 7).wrapping_mul(2_654_435_761) >> 7;
                let ink = within < 11
                    && column < 7
                    && look >> ((within / 2 * 4 + column / 2) % 25) & 1 == 1;
                let ground = 200 + (x * 30 / width.max(1)) as u8;
                luma.push(if ink { 30 } else { ground });
            }
        }
        Self { size, pipe, luma }
    }

    /// Picture `number`, in the form of the pipe.
    pub fn picture(&self, number: u64) -> Vec<u8> {
        let from = (number % PERIOD * ROWS) as usize * self.size.width as usize;
        let luma = &self.luma[from..from + self.size.pixels()];
        match self.pipe {
            PipeFormat::I420 => {
                let mut bytes = Vec::with_capacity(luma.len() * 3 / 2);
                bytes.extend_from_slice(luma);
                // A flat tint that wanders, so that chroma is not nothing.
                let chroma = luma.len() / 4;
                bytes.resize(luma.len() + chroma, 118 + (number % 8) as u8);
                bytes.resize(luma.len() + 2 * chroma, 132);
                bytes
            }
            PipeFormat::Bgra => luma.iter().flat_map(|y| [*y, *y, *y, 255]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_pipes_size_and_move() {
        let size = Size::new(64, 32);
        let scene = Scene::new(size, PipeFormat::I420);
        let (a, b) = (scene.picture(1), scene.picture(2));
        assert_eq!(a.len(), 64 * 32 * 3 / 2);
        // The same four rows on.
        assert_eq!(a[64 * 4..64 * 32], b[..64 * 28]);
        assert_ne!(a[..64 * 28], b[..64 * 28]);
        assert_eq!(
            Scene::new(size, PipeFormat::Bgra).picture(99).len(),
            64 * 32 * 4
        );
    }
}
