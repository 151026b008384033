//! QR codes (ISO/IEC 18004) of links: as squares for the window, as text for the terminal. Pure.

use qrcode::{Color, EcLevel, QrCode};

/// Light squares around a code that readers need.
pub const QUIET: usize = 4;

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Squares in a row and in a column.
    pub width: usize,
    /// Row by row; true is dark.
    pub dark: Vec<bool>,
}

impl Qr {
    /// The code of a text; None where it is too long (2 kB).
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        Some(Self {
            width: code.width(),
            dark: code
                .into_colors()
                .iter()
                .map(|c| *c == Color::Dark)
                .collect(),
        })
    }

    /// Whether the square is dark; none is outside of the code.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.width
            && row < self.width
            && self
                .dark
                .get(row * self.width + column)
                .copied()
                .unwrap_or_default()
    }

    /// As lines of text, two squares a letter. With `ansi` black on white by escape sequences, else
    /// its light squares are the letters, which is right on a dark terminal.
    pub fn text(&self, ansi: bool) -> String {
        let mut out = String::new();
        let all = self.width + 2 * QUIET;
        let dark = |column: usize, row: usize| {
            column >= QUIET && row >= QUIET && self.is_dark(column - QUIET, row - QUIET)
        };
        for row in (0..all).step_by(2) {
            if ansi {
                out.push_str("\x1b[30;107m");
            }
            for column in 0..all {
                // Below the last row is the ground, as above the first.
                let ink = |row: usize| dark(column, row) == ansi && (ansi || row < all);
                out.push(match (ink(row), ink(row + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            out.push_str(if ansi { "\x1b[0m\n" } else { "\n" });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_code_with_its_three_corners() {
        let qr = Qr::of("http://192.168.100.200:8880/").unwrap();
        assert_eq!(qr.dark.len(), qr.width * qr.width);
        let end = qr.width - 1;
        for (column, row) in [(0, 0), (end, 0), (0, end)] {
            assert!(qr.is_dark(column, row), "{column} {row}");
        }
        assert!(!qr.is_dark(7, 7) && !qr.is_dark(qr.width, 0));
        assert_eq!(Qr::of(&"x".repeat(3000)), None);
    }

    #[test]
    fn the_text_has_all_squares_and_the_quiet_zone() {
        let qr = Qr::of("http://127.0.0.1:8880/").unwrap();
        let plain = qr.text(false);
        let lines: Vec<Vec<char>> = plain.lines().map(|l| l.chars().collect()).collect();
        let all = qr.width + 2 * QUIET;
        assert_eq!(lines.len(), all.div_ceil(2));
        for row in 0..all {
            for (column, letter) in lines[row / 2].iter().enumerate() {
                let light = *letter == '█' || *letter == if row % 2 == 0 { '▀' } else { '▄' };
                let dark =
                    column >= QUIET && row >= QUIET && qr.is_dark(column - QUIET, row - QUIET);
                assert_eq!(light, !dark, "{column} {row}");
            }
            assert_eq!(lines[row / 2].len(), all);
        }
        assert!(qr.text(true).contains("\x1b[30;107m"));
    }
}
