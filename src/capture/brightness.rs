//! How bright the brightest of a picture is, from a sparse look at it: enough to tell that nothing is
//! shown at all. Called by the pump twice a second; the look takes a fraction of a millisecond.

use super::Frame;

/// Points across and down.
const GRID: (usize, usize) = (96, 54);

/// A picture in which nothing is brighter is black. Video black of limited range that some player left
/// as it is lies at 16 (ITU-R BT.709-6, table 3.5).
pub const BLACK: u8 = 20;

/// The largest of red, green and blue at some 5000 points of `frame`; `turn` moves them, so that look
/// by look all of the picture is seen.
pub fn brightest(frame: &Frame, turn: usize) -> u8 {
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    let step = (
        width.div_ceil(GRID.0).max(1),
        height.div_ceil(GRID.1).max(1),
    );
    // A prime apart: neighbours in time are none in space, and in the end each place has its turn.
    let place = turn * 61 % (step.0 * step.1);
    let first = (place % step.0, place / step.0);
    let mut brightest = 0;
    for y in (first.1..height).step_by(step.1) {
        let row = &frame.data[y * frame.stride..][..width * 4];
        for x in (first.0..width).step_by(step.0) {
            let [b, g, r] = [row[4 * x], row[4 * x + 1], row[4 * x + 2]];
            brightest = brightest.max(b).max(g).max(r);
        }
    }
    brightest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonoTime;
    use crate::units::Size;

    fn frame(width: u32, height: u32, bgra: [u8; 4]) -> Frame {
        // A stride of its own: what lies beyond the width is not picture.
        let stride = width as usize * 4 + 16;
        let mut data = vec![255; stride * height as usize];
        for row in data.chunks_mut(stride) {
            for pixel in row[..width as usize * 4].chunks_mut(4) {
                pixel.copy_from_slice(&bgra);
            }
        }
        Frame {
            captured_at: MonoTime::ZERO,
            in_memory_at: MonoTime::ZERO,
            size: Size::new(width, height),
            stride,
            data: data.into(),
        }
    }

    #[test]
    fn only_the_colours_count() {
        for (width, height) in [(1, 1), (16, 16), (1280, 720), (1366, 768), (3840, 2160)] {
            assert_eq!(brightest(&frame(width, height, [16, 16, 16, 255]), 3), 16);
            assert_eq!(brightest(&frame(width, height, [0, 0, 90, 0]), 0), 90);
        }
    }

    #[test]
    fn look_by_look_each_pixel_is_seen() {
        let (width, height) = (1280_usize, 720_usize);
        for (x, y) in [(0, 0), (1279, 719), (641, 377), (5, 700)] {
            let dark = frame(1280, 720, [0, 0, 0, 255]);
            let mut data = dark.data.to_vec();
            data[y * dark.stride + 4 * x + 1] = 200;
            let lit = Frame {
                data: data.into(),
                ..dark
            };
            let looks = width.div_ceil(96) * height.div_ceil(54);
            assert!(
                (0..looks).any(|turn| brightest(&lit, turn) == 200),
                "{x} {y}"
            );
        }
    }
}
