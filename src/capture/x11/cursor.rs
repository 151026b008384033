//! The pointer's picture and its blending into a frame.

use crate::units::Size;
use x11rb::protocol::xfixes::GetCursorImageReply;

/// A pointer's picture as XFixes gives it: ARGB, premultiplied.
#[derive(Clone, Debug, Default)]
pub(super) struct CursorImage {
    width: usize,
    height: usize,
    hot: (i32, i32),
    argb: Vec<u32>,
}

impl From<GetCursorImageReply> for CursorImage {
    fn from(reply: GetCursorImageReply) -> Self {
        Self {
            width: reply.width.into(),
            height: reply.height.into(),
            hot: (reply.xhot.into(), reply.yhot.into()),
            argb: reply.cursor_image,
        }
    }
}

impl CursorImage {
    /// Draws the pointer with its hot spot at `at` into BGRA rows of `stride` bytes. What lies
    /// outside of the picture is clipped.
    pub(super) fn blend(&self, bgra: &mut [u8], stride: usize, size: Size, at: (i32, i32)) {
        let (left, top) = (at.0 - self.hot.0, at.1 - self.hot.1);
        if self.width == 0 {
            return;
        }
        for (row, pixels) in (top..).zip(self.argb.chunks(self.width).take(self.height)) {
            let Some(y) = within(row, size.height) else {
                continue;
            };
            for (column, &pixel) in (left..).zip(pixels) {
                let Some(x) = within(column, size.width) else {
                    continue;
                };
                let at = y * stride + x * 4;
                if let Some(under) = bgra.get_mut(at..at + 4) {
                    over(pixel, under);
                }
            }
        }
    }
}

fn within(at: i32, limit: u32) -> Option<usize> {
    let at = u32::try_from(at).ok()?;
    (at < limit).then_some(at as usize)
}

/// Porter-Duff "over" with a premultiplied source.
fn over(argb: u32, under: &mut [u8]) {
    let [b, g, r, a] = argb.to_le_bytes();
    let rest = 255 - u32::from(a);
    for (under, source) in under.iter_mut().zip([b, g, r]) {
        let kept = (u32::from(*under) * rest + 127) / 255;
        *under = (u32::from(source) + kept).min(255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: usize, hot: (i32, i32), argb: u32) -> CursorImage {
        CursorImage {
            width: side,
            height: side,
            hot,
            argb: vec![argb; side * side],
        }
    }

    /// Which pixels of a 4x3 picture on a stride of 20 bytes changed.
    fn touched(cursor: &CursorImage, at: (i32, i32)) -> Vec<(usize, usize)> {
        let mut bgra = vec![10; 20 * 3];
        cursor.blend(&mut bgra, 20, Size::new(4, 3), at);
        assert!(bgra.chunks(20).all(|row| row[16..] == [10; 4]), "padding");
        let mut points = Vec::new();
        for y in 0..3 {
            points.extend(
                (0..4)
                    .filter(|x| bgra[y * 20 + x * 4] != 10)
                    .map(|x| (x, y)),
            );
        }
        points
    }

    #[test]
    fn alpha_is_premultiplied() {
        let mut bgra = vec![100, 100, 100, 7];
        let blend = |bgra: &mut Vec<u8>, argb| {
            square(1, (0, 0), argb).blend(bgra, 4, Size::new(1, 1), (0, 0));
        };
        blend(&mut bgra, 0x0000_0000);
        assert_eq!(bgra, [100, 100, 100, 7]);
        blend(&mut bgra, 0x8040_2010);
        assert_eq!(bgra, [0x10 + 50, 0x20 + 50, 0x40 + 50, 7]);
        blend(&mut bgra, 0xFF01_0203);
        assert_eq!(bgra, [3, 2, 1, 7]);
    }

    #[test]
    fn the_hot_spot_is_at_the_pointer() {
        let cursor = square(2, (1, 1), 0xFFFF_FFFF);
        assert_eq!(touched(&cursor, (2, 1)), [(1, 0), (2, 0), (1, 1), (2, 1)]);
    }

    #[test]
    fn edges_clip_and_far_away_is_nothing() {
        let cursor = square(2, (0, 0), 0xFFFF_FFFF);
        assert_eq!(touched(&cursor, (-1, -1)), [(0, 0)]);
        assert_eq!(touched(&cursor, (3, 2)), [(3, 2)]);
        for at in [(-2, 0), (0, -2), (4, 0), (0, 3), (32_767, -32_768)] {
            assert_eq!(touched(&cursor, at), []);
        }
    }

    #[test]
    fn a_short_or_empty_image_does_no_harm() {
        let mut cursor = square(3, (0, 0), 0xFFFF_FFFF);
        cursor.argb.truncate(4);
        assert_eq!(touched(&cursor, (0, 0)), [(0, 0), (1, 0), (2, 0), (0, 1)]);
        assert_eq!(touched(&CursorImage::default(), (0, 0)), []);
    }
}
