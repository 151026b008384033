//! Digits of 5x7 dots, scaled by whole factors so that their edges stay sharp.

use super::layout::{Bgra, Canvas, Rect};

const COLUMNS: u32 = 5;
const ROWS: u32 = 7;
/// Columns from one character to the next.
const ADVANCE: u32 = COLUMNS + 1;

/// Rows from the top, the leftmost dot in bit 4. Characters not listed are blank.
const fn glyph(character: char) -> [u8; ROWS as usize] {
    match character {
        '0' => [0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E],
        '1' => [0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E],
        '2' => [0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F],
        '3' => [0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E],
        '4' => [0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02],
        '5' => [0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E],
        '6' => [0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E],
        '7' => [0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
        '8' => [0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E],
        '9' => [0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C],
        ':' => [0x00, 0x0C, 0x0C, 0x00, 0x0C, 0x0C, 0x00],
        '.' => [0x00, 0x00, 0x00, 0x00, 0x00, 0x0C, 0x0C],
        _ => [0; ROWS as usize],
    }
}

/// Draws `text` as large as `area` allows, in its middle; nothing where it does not fit.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, text: &str, colour: Bgra) {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let dots = length.saturating_mul(ADVANCE).max(1);
    let scale = (area.width / (dots + 2)).min(area.height / (ROWS + 2));
    if scale == 0 {
        return;
    }
    let left = area.x + (area.width - dots * scale) / 2;
    let top = area.y + (area.height - ROWS * scale) / 2;
    for (i, character) in (0_u32..).zip(text.chars()) {
        for (row, bits) in (0_u32..).zip(glyph(character)) {
            for column in (0..COLUMNS).filter(|c| bits >> (COLUMNS - 1 - c) & 1 == 1) {
                let x = left + (i * ADVANCE + column) * scale;
                canvas.fill(Rect::new(x, top + row * scale, scale, scale), colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    fn art(text: &str, width: u32, height: u32) -> Vec<String> {
        let size = Size::new(width, height);
        let mut bytes = vec![0; size.pixels() * 4];
        let area = Rect::new(0, 0, width, height);
        draw(&mut Canvas::new(size, &mut bytes), area, text, [255; 4]);
        bytes
            .chunks(width as usize * 4)
            .map(|row| {
                row.chunks(4)
                    .map(|p| if p[0] > 0 { '#' } else { '.' })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn a_digit_is_drawn_upright_and_in_the_middle() {
        let want = [
            "........", ".#####..", ".....#..", "....#...", "...#....", "..#.....", "..#.....",
            "..#.....", "........",
        ];
        assert_eq!(art("7", 8, 9), want);
    }

    #[test]
    fn scale_is_whole_and_all_glyphs_differ() {
        let twice = art("7", 16, 18);
        assert_eq!(twice[2], "..##########....");
        assert_eq!(twice[3], twice[2]);
        let mut seen: Vec<_> = "0123456789:. ".chars().map(glyph).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 13);
        assert!(art("7", 7, 9).concat().chars().all(|c| c == '.'));
    }
}
