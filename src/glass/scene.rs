//! What the pattern's window shows, as rectangles and words in the screen's own pixels. Pure.
//!
//! For a person: the time of day in digits that are read from across a room, a field that flashes
//! with each second, and a bar that crosses the screen once a second over a scale, which shows the
//! time to a few milliseconds where a camera's exposure has blended the last digits, and shows
//! tearing as a break and judder as uneven steps. For a program: the block of [`super::code`].

use super::code::{self, Stamp};
use crate::units::Size;
use std::time::Duration;

/// How long the field flashes at each whole second.
const FLASH: Duration = Duration::from_millis(100);

/// The time that a picture of the pattern shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time of day, since midnight.
    pub of_day: Duration,
    /// The clock that all processes of this machine share, microseconds.
    pub shared_us: u64,
}

/// How bright something is; the pattern has no colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Black.
    Black,
    /// Frames and marks.
    Dim,
    /// Words beside figures.
    Soft,
    /// White.
    White,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Pixels from the left.
    pub x: i32,
    /// Pixels from the top.
    pub y: i32,
    /// Pixels across.
    pub width: i32,
    /// Pixels down.
    pub height: i32,
    /// How bright.
    pub tone: Tone,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Its middle, pixels from the left.
    pub x: f32,
    /// Its middle, pixels from the top.
    pub y: f32,
    /// Height of its type, pixels.
    pub size: f32,
    /// Pixels that it may take across.
    pub most_width: f32,
    /// Bold, for figures.
    pub is_bold: bool,
    /// How bright.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// A picture of the pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Rectangles, the later over the earlier; black is beneath all.
    pub fills: Vec<Fill>,
    /// Words, over all rectangles.
    pub words: Vec<Word>,
}

/// The time of day as on a clock with milliseconds.
fn clock_text(of_day: Duration) -> String {
    let seconds = of_day.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        of_day.subsec_millis()
    )
}

/// The shared clock in milliseconds, in groups, its last nine digits.
fn running_text(shared_us: u64) -> String {
    let tenths = shared_us / code::UNIT_US % 10_000_000_000;
    let ms = tenths / 10;
    format!(
        "{:03} {:03} {:03}.{} ms",
        ms / 1_000_000,
        ms / 1_000 % 1_000,
        ms % 1_000,
        tenths % 10
    )
}

/// The picture of `moment` on a screen of `size`, with these lines of help.
pub fn scene(size: Size, moment: Moment, help: &[String]) -> Scene {
    let (width, height) = (size.width as f32, size.height as f32);
    // Sixteen by nine units in the middle of whatever the screen is.
    let unit = (width / 16.0).min(height / 9.0);
    let (left, top) = ((width - 16.0 * unit) / 2.0, (height - 9.0 * unit) / 2.0);
    let x = |units: f32| left + units * unit;
    let y = |units: f32| top + units * unit;
    let mut scene = Scene::default();
    let mut fill = |from: [f32; 2], to: [f32; 2], tone| {
        let edge = |at: f32| at.round() as i32;
        let (x, y) = (edge(from[0]), edge(from[1]));
        scene.fills.push(Fill {
            x,
            y,
            width: (edge(to[0]) - x).max(1),
            height: (edge(to[1]) - y).max(1),
            tone,
        });
    };
    // The flash: a frame that always stands, so that one knows where to look.
    fill([x(7.2), y(2.75)], [x(15.5), y(4.55)], Tone::Dim);
    let flashes = Duration::from_nanos(u64::from(moment.of_day.subsec_nanos())) < FLASH;
    let inner = if flashes { Tone::White } else { Tone::Black };
    fill([x(7.25), y(2.8)], [x(15.45), y(4.5)], inner);
    // The bar, over a scale of a second in tenths.
    fill([x(0.5), y(8.1)], [x(15.5), y(8.15)], Tone::Dim);
    for mark in 0..=20_u8 {
        let at = x(0.5) + 0.75 * f32::from(mark) * unit;
        let upper = if mark % 2 == 0 { 7.9 } else { 8.0 };
        fill([at - 1.0, y(upper)], [at + 1.0, y(8.1)], Tone::Dim);
    }
    let share = moment.of_day.subsec_micros() as f32 / 1e6;
    let bar = x(0.5) + 15.0 * unit * share;
    fill(
        [bar - 0.06 * unit, y(6.85)],
        [bar + 0.06 * unit, y(8.1)],
        Tone::White,
    );
    let (cell, place) = code_place(size);
    for (cell_x, cell_y, cells) in code::white_runs(Stamp::of_micros(moment.shared_us)) {
        scene.fills.push(Fill {
            x: place[0] + cell_x as i32 * cell,
            y: place[1] + cell_y as i32 * cell,
            width: cells as i32 * cell,
            height: cell,
            tone: Tone::White,
        });
    }
    let mut word = |at: [f32; 2], size: f32, most: f32, is_bold: bool, tone, text: String| {
        scene.words.push(Word {
            x: x(at[0]),
            y: y(at[1]),
            size: size * unit,
            most_width: most * unit,
            is_bold,
            tone,
            text,
        });
    };
    let clock = clock_text(moment.of_day);
    word([8.0, 1.3], 2.4, 15.0, true, Tone::White, clock);
    let running = running_text(moment.shared_us);
    word([11.35, 5.05], 0.62, 8.3, false, Tone::White, running);
    for (number, line) in (0_u8..).zip(help) {
        let at = [11.35, 5.58 + 0.31 * f32::from(number)];
        word(at, 0.25, 8.3, false, Tone::Soft, line.clone());
    }
    for tenth in 0..=10_u8 {
        let at = [0.5 + 1.5 * f32::from(tenth), 8.45];
        word(
            at,
            0.34,
            1.4,
            false,
            Tone::Soft,
            format!("{}", u32::from(tenth) * 100),
        );
    }
    scene
}

/// Pixels of a cell, and the block's left upper corner, on a screen of `size`. Whole pixels, so
/// that its edges are sharp.
fn code_place(size: Size) -> (i32, [i32; 2]) {
    let (width, height) = (size.width as f32, size.height as f32);
    let unit = (width / 16.0).min(height / 9.0);
    let cell = ((0.33 * unit) as i32).max(1);
    let at = |units: f32, whole: f32, parts: f32| {
        ((whole - parts * unit) / 2.0 + units * unit).round() as i32
    };
    (cell, [at(0.5, width, 16.0), at(2.55, height, 9.0)])
}

#[cfg(test)]
mod tests {
    use super::super::code::Seen;
    use super::super::find::{Luma, find};
    use super::*;

    /// The rectangles as a screen shows them.
    fn drawn(scene: &Scene, size: Size) -> Vec<u8> {
        let mut luma = vec![0; size.pixels()];
        for fill in &scene.fills {
            let level = match fill.tone {
                Tone::Black => 0,
                Tone::Dim => 90,
                Tone::Soft => 170,
                Tone::White => 255,
            };
            for y in fill.y.max(0)..(fill.y + fill.height).min(size.height as i32) {
                let row = y as usize * size.width as usize;
                let end = (fill.x + fill.width).clamp(0, size.width as i32) as usize;
                let begin = (fill.x.max(0) as usize).min(end);
                luma[row + begin..row + end].fill(level);
            }
        }
        luma
    }

    #[test]
    fn the_block_is_read_from_screens_of_any_shape_at_any_moment() {
        for size in [
            Size::new(1280, 720),
            Size::new(1920, 1080),
            Size::new(3840, 2160),
            Size::new(1080, 1920),
            Size::new(2560, 1080),
            Size::new(640, 360),
        ] {
            for number in 0..40_u64 {
                let moment = Moment {
                    of_day: Duration::from_millis(number * 27_777),
                    shared_us: number * 987_654_321,
                };
                let scene = scene(size, moment, &[]);
                let luma = drawn(&scene, size);
                let found = find(&Luma::of_plane(&luma, size.width as usize, size).unwrap());
                let stamp = Stamp::of_micros(moment.shared_us);
                let seen: Vec<_> = found.iter().map(|(_, seen)| *seen).collect();
                assert_eq!(seen, [Seen::Time(stamp)], "{size} {moment:?}");
            }
        }
    }

    #[test]
    fn parts_do_not_cover_each_other() {
        let size = Size::new(1280, 720);
        let (cell, [left, top]) = code_place(size);
        let (width, height) = (code::WIDTH as i32 * cell, code::HEIGHT as i32 * cell);
        assert!(cell >= 24, "{cell}");
        let scene = scene(
            size,
            Moment {
                of_day: Duration::ZERO,
                shared_us: 0,
            },
            &[],
        );
        let inside =
            |x: i32, y: i32| (left..left + width).contains(&x) && (top..top + height).contains(&y);
        let others = scene.fills.iter().filter(|f| f.height != cell);
        for fill in others {
            assert!(!inside(fill.x, fill.y), "{fill:?}");
            assert!(
                !inside(fill.x + fill.width, fill.y + fill.height),
                "{fill:?}"
            );
        }
        for word in &scene.words {
            let bottom = (word.y + word.size / 2.0) as i32;
            assert!(
                bottom <= top + 4 || word.y as i32 >= top + height || word.x as i32 > left + width,
                "{word:?}"
            );
        }
    }

    #[test]
    fn it_flashes_with_the_second_and_the_bar_crosses_in_one() {
        let size = Size::new(1600, 900);
        let at = |ms: u64| {
            let of_day = Duration::from_millis(3_600_000 + ms);
            scene(
                size,
                Moment {
                    of_day,
                    shared_us: ms * 1000,
                },
                &[],
            )
        };
        let lit = |scene: &Scene| scene.fills[1].tone;
        assert_eq!(lit(&at(0)), Tone::White);
        assert_eq!(lit(&at(99)), Tone::White);
        assert_eq!(lit(&at(100)), Tone::Black);
        assert_eq!(lit(&at(999)), Tone::Black);
        let bar = |scene: &Scene| {
            let tall = scene.fills.iter().find(|f| f.height == 125).unwrap();
            tall.x + tall.width / 2
        };
        assert_eq!([0, 500, 999].map(|ms| bar(&at(ms))), [50, 800, 1549]);
    }

    #[test]
    fn times_are_written_as_people_read_them() {
        let of_day = Duration::from_millis(((13 * 60 + 5) * 60 + 9) * 1000 + 42);
        assert_eq!(clock_text(of_day), "13:05:09.042");
        assert_eq!(running_text(1_234_567_891_254_999), "567 891 254.9 ms");
        assert_eq!(running_text(0), "000 000 000.0 ms");
    }

    #[test]
    fn a_screen_of_no_size_is_no_panic() {
        for size in [Size::new(0, 0), Size::new(1, 1), Size::new(7, 3000)] {
            scene(
                size,
                Moment {
                    of_day: Duration::MAX,
                    shared_us: u64::MAX,
                },
                &["help".into()],
            );
        }
    }
}
