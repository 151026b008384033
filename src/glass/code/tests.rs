//! What is written is read, whatever the way did to it, or nothing is.

use super::super::find::{Luma, find};
use super::*;
use crate::units::Size;
use proptest::prelude::*;

const SIZE: Size = Size::new(480, 270);

/// A screen with a block on it, as a scaler of any factor would show it: each pixel is the mean of
/// what it covers.
struct Screen {
    luma: Vec<u8>,
}

impl Screen {
    fn grey(level: u8) -> Self {
        Self {
            luma: vec![level; SIZE.pixels()],
        }
    }

    fn draw(&mut self, stamp: Stamp, place: &Place, [black, white]: [u8; 2]) {
        let word = stamp.word();
        let [left, top, width, height] = place.block();
        for y in 0..SIZE.height {
            for x in 0..SIZE.width {
                let mut sum = 0.0;
                let mut inside = 0;
                for part in 0..16 {
                    let at_x = x as f32 + (part % 4) as f32 / 4.0 + 0.125 - left;
                    let at_y = y as f32 + (part / 4) as f32 / 4.0 + 0.125 - top;
                    if at_x < 0.0 || at_y < 0.0 || at_x >= width || at_y >= height {
                        continue;
                    }
                    let cell_x = (at_x / place.cell_width) as u32;
                    let cell_y = (at_y / place.cell_height) as u32;
                    let lit = is_white(word, cell_x.min(WIDTH - 1), cell_y.min(HEIGHT - 1));
                    sum += f32::from(if lit { white } else { black });
                    inside += 1;
                }
                let at = (y * SIZE.width + x) as usize;
                let ground = f32::from(self.luma[at]) * (16 - inside) as f32;
                self.luma[at] = ((sum + ground) / 16.0).round() as u8;
            }
        }
    }

    /// A box of `2 * radius + 1` pixels, across and down.
    fn blur(&mut self, radius: usize) {
        let (width, height) = (SIZE.width as usize, SIZE.height as usize);
        let from = self.luma.clone();
        for y in 0..height {
            for x in 0..width {
                let (mut sum, mut count) = (0_u32, 0);
                for row in y.saturating_sub(radius)..=(y + radius).min(height - 1) {
                    for column in x.saturating_sub(radius)..=(x + radius).min(width - 1) {
                        sum += u32::from(from[row * width + column]);
                        count += 1;
                    }
                }
                self.luma[y * width + x] = (sum / count) as u8;
            }
        }
    }

    fn noise(&mut self, seed: u32, most: u8) {
        for (at, level) in self.luma.iter_mut().enumerate() {
            let off = i32::from((hash(at as u32 ^ seed) >> 24) as u8);
            let off = (off - 128) * i32::from(most) / 128;
            *level = (i32::from(*level) + off).clamp(0, 255) as u8;
        }
    }

    fn found(&self) -> Vec<(Place, Seen)> {
        find(&Luma::of_plane(&self.luma, SIZE.width as usize, SIZE).unwrap())
    }

    fn times(&self) -> Vec<Stamp> {
        let times = self.found().into_iter();
        let times = times.filter_map(|(_, seen)| match seen {
            Seen::Time(stamp) => Some(stamp),
            _ => None,
        });
        times.collect()
    }
}

fn hash(x: u32) -> u32 {
    let mut h = x.wrapping_mul(0x9E37_79B1);
    h = (h ^ (h >> 15)).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE3D);
    h ^ (h >> 16)
}

fn place(x: f32, y: f32, cell: f32) -> Place {
    Place {
        left: x + cell,
        top: y + cell,
        cell_width: cell,
        cell_height: cell,
    }
}

const FULL: [u8; 2] = [0, 255];

#[test]
fn a_time_is_kept_to_a_tenth_of_a_millisecond() {
    let stamp = Stamp::of_micros(86_400_123_456);
    assert_eq!(stamp.as_micros(), 86_400_123_400);
    let far = Stamp::of_micros(((1_u64 << 40) + 5) * UNIT_US);
    assert_eq!(far.as_micros(), 5 * UNIT_US);
}

#[test]
fn the_runs_are_the_cells() {
    let stamp = Stamp::of_micros(123_456_789_000);
    let mut lit = vec![false; (WIDTH * HEIGHT) as usize];
    for (x, y, width) in white_runs(stamp) {
        for x in x..x + width {
            assert!(!std::mem::replace(&mut lit[(y * WIDTH + x) as usize], true));
        }
    }
    for (at, lit) in lit.into_iter().enumerate() {
        let (x, y) = (at as u32 % WIDTH, at as u32 / WIDTH);
        assert_eq!(lit, is_white(stamp.word(), x, y), "{x},{y}");
    }
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for level in [0, 127, 128, 255] {
        assert_eq!(Screen::grey(level).found(), []);
    }
    let mut screen = Screen::grey(128);
    screen.noise(7, 127);
    assert_eq!(screen.found(), []);
    assert!(Luma::of_plane(&[0; 10], 480, SIZE).is_none());
    assert!(Luma::of_bgra(&[0; 64], 16, Size::new(0, 4)).is_none());
    assert!(Luma::of_bgra(&[0; 64], 8, Size::new(4, 4)).is_none());
}

#[test]
fn several_blocks_are_found_each_once() {
    let mut screen = Screen::grey(40);
    let all = [
        (100_000, place(3.0, 5.0, 11.0)),
        (200_000, place(240.0, 3.5, 6.3)),
        (300_000, place(230.0, 140.0, 9.7)),
    ];
    for (us, place) in &all {
        screen.draw(Stamp::of_micros(*us), place, FULL);
    }
    let found = screen.found();
    assert_eq!(found.len(), 3, "{found:?}");
    for (us, place) in &all {
        let it = found.iter().find(|(at, _)| at.is_near(place)).unwrap();
        assert_eq!(it.1, Seen::Time(Stamp::of_micros(*us)));
        assert!((it.0.left - place.left).abs() < 0.3, "{it:?} {place:?}");
    }
}

#[test]
fn a_block_outside_of_the_picture_is_not_read() {
    let mut screen = Screen::grey(0);
    let half = place(350.0, 60.0, 12.0);
    screen.draw(Stamp::of_micros(5_000), &half, FULL);
    assert_eq!(screen.found(), []);
    let luma = Luma::of_plane(&screen.luma, 480, SIZE).unwrap();
    assert_eq!(read(&luma, &half), Seen::Nothing);
}

#[test]
fn a_bgra_picture_whose_chroma_is_lost_or_wrong_is_read() {
    let mut screen = Screen::grey(20);
    let stamp = Stamp::of_micros(987_654_321);
    screen.draw(stamp, &place(40.0, 30.0, 14.0), [16, 235]);
    let bytes: Vec<u8> = screen
        .luma
        .iter()
        .enumerate()
        .flat_map(|(at, level)| [hash(at as u32) as u8, *level, 128, 255])
        .collect();
    let picture = Luma::of_bgra(&bytes, 480 * 4, SIZE).unwrap();
    assert_eq!(find(&picture)[0].1, Seen::Time(stamp));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any time, at any place and scale, with some noise, blur of a fifth of a cell, and levels of
    /// limited range.
    #[test]
    fn what_is_drawn_is_read(
        us in any::<u64>(), cell in 5.0_f32..14.5, aspect in 0.93_f32..1.07,
        x in 0.0_f32..200.0, y in 0.0_f32..80.0, seed: u32, most in 0_u8..36,
        black in 0_u8..40, white in 200_u8..=255, ground: u8,
    ) {
        let stamp = Stamp::of_micros(us);
        let mut place = place(x, y, cell);
        place.cell_height *= aspect;
        place.top = y + place.cell_height;
        let mut screen = Screen::grey(ground);
        screen.draw(stamp, &place, [black, white]);
        screen.blur((cell / 10.0) as usize);
        screen.noise(seed, most);
        prop_assert_eq!(screen.times(), [stamp], "{:?}", screen.found());
    }

    /// However bad it gets: the time that was written, or none.
    #[test]
    fn nothing_wrong_is_ever_read(
        us in any::<u64>(), cell in 2.0_f32..10.0, x in 0.0_f32..200.0, y in 0.0_f32..80.0,
        seed: u32, most in 0_u8..=255, radius in 0_usize..6, black in 0_u8..150, white in 100_u8..=255,
    ) {
        let stamp = Stamp::of_micros(us);
        let mut screen = Screen::grey(90);
        screen.draw(stamp, &place(x, y, cell), [black, white]);
        screen.blur(radius);
        screen.noise(seed, most);
        for time in screen.times() {
            prop_assert_eq!(time, stamp);
        }
    }

    /// Two pictures torn at any row, or blended in any share, give one of their times or none.
    #[test]
    fn two_pictures_in_one_are_never_a_third(
        us in 0_u64..1 << 45, later in 1_u64..100_000, tear in 0_usize..270, share in 0.0_f32..1.0,
        torn: bool,
    ) {
        let place = place(30.0, 20.0, 12.0);
        let both = [Stamp::of_micros(us), Stamp::of_micros(us + later)];
        let mut screens = both.map(|stamp| {
            let mut screen = Screen::grey(0);
            screen.draw(stamp, &place, FULL);
            screen
        });
        let [first, second] = &mut screens;
        if torn {
            let at = tear * SIZE.width as usize;
            first.luma[at..].copy_from_slice(&second.luma[at..]);
        } else {
            for (a, b) in first.luma.iter_mut().zip(&second.luma) {
                *a = (f32::from(*a) * share + f32::from(*b) * (1.0 - share)) as u8;
            }
        }
        for time in first.times() {
            prop_assert!(both.contains(&time), "{time:?} of {both:?}");
        }
    }

    /// Up to five wrong cells are always noticed, and random cells are no time.
    #[test]
    fn wrong_cells_are_noticed(us in any::<u64>(), cells in proptest::collection::btree_set(0_u32..72, 1..6), any_word: u128) {
        let word = Stamp::of_micros(us).word();
        let wrong = cells.iter().fold(word, |word, cell| word ^ 1 << cell);
        prop_assert_eq!(Stamp::of_word(wrong), None);
        prop_assert_eq!(Stamp::of_word(word), Some(Stamp::of_micros(us)));
        prop_assert_eq!(Stamp::of_word(any_word & ((1 << 72) - 1)), None);
    }
}
