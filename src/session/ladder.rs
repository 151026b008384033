//! The rule by which at low bitrates fewer frames and a smaller picture are sent. Pure: no thread,
//! no state but what is in force.
//!
//! A fixed ladder of at most eight rungs below the wish: first fewer frames (30, 15, 10, 5), then a
//! smaller picture (3/4, 1/2, 1/3, never below 360 lines), in the order that was measured to keep
//! text readable longest. A rung holds as long as the bitrate gives [`BITS_A_PIXEL`] for each pixel
//! of each frame, frames beyond 30 a second counted half. Up again only from 20 % above: a bitrate
//! that wavers about a threshold changes nothing.
//!
//! Measured with ffmpeg 7.0.2: 10 s of black text (16 px monospace) on white at 1280x720, scrolling
//! 2 pixels a frame at 30 a second, one full cut after 5 s; SSIM-Y of the pictures shown, scaled
//! back to 1280x720, against the same pictures of the clip (repeated ones not counted):
//!
//! | kb/s | 720p30 | 720p15 | 540p15 | 540p10 | 360p15 | 360p10 | 360p5 | 270p15 |
//! | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
//! | 100 | .660 | .755 | .750 | .762 | .793 | **.812** | .836 | .798 |
//! | 150 | .714 | .754 | .785 | **.835** | .823 | .839 | .861 | .814 |
//! | 200 | .750 | .759 | .831 | **.866** | .843 | .857 | .874 | .823 |
//! | 300 | .759 | .844 | **.886** | .900 | .866 | .875 | .887 | .834 |
//! | 400 | .838 | **.894** | .909 | .917 | .877 | .884 | .892 | .841 |
//! | 550 | .893 | **.938** | .929 | .930 | .886 | .891 | .894 | .847 |
//! | 700 | .922 | **.964** | .938 | .938 | .891 | .893 | .895 | .851 |
//! | 1000 | **.957** | .982 | .947 | .945 | .894 | .895 | .896 | .855 |
//!
//! (bold: this ladder's choice; at 100 kb/s 720p30 missed cuts so far that only 38 kb/s went out.)
//! So half the frames gain more than half the pixels; 3/4 of the size pays below about 0.03 bits a
//! pixel, half the size below about 150 kb/s; and 270 lines are unreadable at any bitrate (.86 at
//! most), as are 5 frames a second no motion, so both are left out or last. On still pages with a
//! cut every 2.5 s every figure is .02 to .13 better and the order the same. At 60 a second (1 pixel
//! a frame) .92 needs 1000 kb/s against 700 at 30: hence frames beyond 30 count half.
//!
//! For each cell (D of 1, 2, 3, 6; B/8 of four frames' time is the VBV; `scroll.mkv` is lossless):
//! `ffmpeg -i scroll.mkv -vf "select='not(mod(n,D))',setpts=N/FPS/TB,scale=W:H:flags=bilinear" -r FPS
//! -c:v libx264 -preset superfast -tune zerolatency -profile:v baseline -threads 1 -bf 0 -g FPS -b:v K
//! -maxrate K -bufsize 4*K/FPS out.mkv`, then `ffmpeg -r FPS -i out.mkv -i scroll.mkv -lavfi
//! "[0]scale=1280:720:flags=bicubic[a];[1]select='not(mod(n,D))',setpts=N/FPS/TB[b];[a][b]ssim" -f null -`.

use crate::units::{Fps, Size};

/// A rung holds down to so many bits for each pixel of each frame.
pub const BITS_A_PIXEL: f64 = 0.027;
/// A better rung is taken again from so many times its own threshold.
pub const UP_AGAIN: f64 = 1.2;
/// Frames beyond so many a second count half: each differs less from the one before.
const FULL_COST_FPS: f64 = 30.0;
/// The picture is never scaled to fewer lines (of the shorter side): text cannot be read.
const LEAST_LINES: u32 = 360;
/// Never fewer frames a second, but for rounding (24 / 5).
const LEAST_FPS: f64 = 4.75;

/// What is sent at a bitrate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// Picture, both sides even, never larger than wished.
    pub size: Size,
    /// Frames a second, the wished ones by a whole number.
    pub fps: Fps,
    /// The rule in words; None where all is as wished.
    pub rule: Option<String>,
}

/// Wanted frames a second and the picture's part of the wished size, best first.
const RUNGS: [(f64, (u32, u32)); 8] = [
    (30.0, (1, 1)),
    (15.0, (1, 1)),
    (15.0, (3, 4)),
    (10.0, (3, 4)),
    (10.0, (1, 2)),
    (10.0, (1, 3)),
    (5.0, (1, 2)),
    (5.0, (1, 3)),
];

/// What is to be sent at `kbps` where `size` and `fps` are wished and `in_force` is being sent now
/// (None before the first picture).
pub fn lowered(size: Size, fps: Fps, kbps: u32, in_force: Option<(Size, Fps)>) -> Lowered {
    let rungs = rungs(size.even(), fps);
    let now = in_force.and_then(|now| rungs.iter().position(|rung| *rung == now));
    let threshold = |index: usize| {
        let (size, fps) = rungs[index];
        let above = now.is_some_and(|now| index < now);
        need_kbps(size, fps) * if above { UP_AGAIN } else { 1.0 }
    };
    let held = (0..rungs.len()).find(|index| f64::from(kbps) >= threshold(*index));
    let index = held.unwrap_or(rungs.len() - 1);
    let (to_size, to_fps) = rungs[index];
    Lowered {
        size: to_size,
        fps: to_fps,
        rule: (index > 0).then(|| words(&rungs, index, kbps)),
    }
}

/// The bitrate down to which this is sent, kb/s.
pub fn need_kbps(size: Size, fps: Fps) -> f64 {
    let fps = fps.as_f64();
    let cost = fps.min(FULL_COST_FPS) + (fps - FULL_COST_FPS).max(0.0) / 2.0;
    BITS_A_PIXEL * size.pixels() as f64 * cost / 1000.0
}

/// The wish and what is below it, each needing less than the one before.
fn rungs(size: Size, fps: Fps) -> Vec<(Size, Fps)> {
    let mut all = vec![(size, fps)];
    for (wanted_fps, part) in RUNGS {
        let rung = (scaled(size, part), divided(fps, wanted_fps));
        let (before_size, before_fps) = all[all.len() - 1];
        // One that the rungs before have overtaken (a small or slow wish) is none.
        let lower = rung.0.width <= before_size.width && rung.1.as_f64() <= before_fps.as_f64();
        if lower && rung != (before_size, before_fps) {
            all.push(rung);
        }
    }
    all
}

/// The part of `size`, even, its aspect kept; all of it where the part would have too few lines.
fn scaled(size: Size, (over, under): (u32, u32)) -> Size {
    let side = |length: u32| {
        let exact = f64::from(length) * f64::from(over) / f64::from(under);
        (exact / 2.0).round() as u32 * 2
    };
    let small = Size::new(side(size.width), side(size.height));
    if small.width.min(small.height) < LEAST_LINES {
        size
    } else {
        small
    }
}

/// `fps` by the whole number that comes nearest to `wanted`.
fn divided(fps: Fps, wanted: f64) -> Fps {
    let mut by = (fps.as_f64() / wanted).round().max(1.0) as u32;
    while by > 1 && fps.as_f64() / f64::from(by) < LEAST_FPS {
        by -= 1;
    }
    let (num, den) = (fps.num, fps.den.max(1).saturating_mul(by));
    let common = gcd(num, den);
    Fps {
        num: num / common,
        den: den / common,
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

fn words(rungs: &[(Size, Fps)], index: usize, kbps: u32) -> String {
    let ((wish_size, wish_fps), (size, fps)) = (rungs[0], rungs[index]);
    let mut parts = Vec::new();
    if fps != wish_fps {
        parts.push(format!("{fps} instead of {wish_fps} frames a second"));
    }
    if size != wish_size {
        parts.push(format!("{size} instead of {wish_size}"));
    }
    let (up_size, up_fps) = rungs[index - 1];
    let up = (need_kbps(up_size, up_fps) * UP_AGAIN).ceil();
    format!(
        "at {kbps} kb/s: {} (rule: at least {BITS_A_PIXEL} bits a pixel; more again from {up} kb/s)",
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HD: Size = Size::new(1280, 720);
    const THIRTY: Fps = Fps::whole(30);

    fn at(kbps: u32) -> (Size, Fps) {
        let lowered = lowered(HD, THIRTY, kbps, None);
        (lowered.size, lowered.fps)
    }

    #[test]
    fn the_rungs_that_were_measured() {
        assert_eq!(at(3000), (HD, THIRTY));
        assert_eq!(at(1000), (HD, THIRTY));
        assert_eq!(at(700), (HD, Fps::whole(15)));
        assert_eq!(at(400), (HD, Fps::whole(15)));
        assert_eq!(at(300), (Size::new(960, 540), Fps::whole(15)));
        assert_eq!(at(200), (Size::new(960, 540), Fps::whole(10)));
        assert_eq!(at(150), (Size::new(960, 540), Fps::whole(10)));
        assert_eq!(at(100), (Size::new(640, 360), Fps::whole(10)));
    }

    #[test]
    fn the_rule_is_told_in_words() {
        let text = lowered(HD, THIRTY, 300, None).rule.unwrap();
        assert_eq!(
            text,
            "at 300 kb/s: 15 instead of 30 frames a second, 960x540 instead of 1280x720 \
             (rule: at least 0.027 bits a pixel; more again from 448 kb/s)"
        );
        assert_eq!(lowered(HD, THIRTY, 3000, None).rule, None);
    }

    #[test]
    fn usual_wishes_are_left_alone_at_usual_bitrates() {
        for (size, fps, kbps) in [
            (Size::new(1920, 1080), 30, 2000),
            (Size::new(1920, 1080), 60, 3000),
            (Size::new(1280, 720), 60, 1500),
            (Size::new(640, 360), 30, 300),
        ] {
            let lowered = lowered(size, Fps::whole(fps), kbps, None);
            assert_eq!(lowered.rule, None, "{size} {fps} {kbps}");
        }
    }

    #[test]
    fn ntsc_stays_exact_and_pal_divides() {
        let ntsc = Fps {
            num: 30_000,
            den: 1001,
        };
        let half = lowered(HD, ntsc, 500, None).fps;
        assert_eq!((half.num, half.den), (15_000, 1001));
        let pal = lowered(HD, Fps::whole(25), 400, None).fps;
        assert_eq!((pal.num, pal.den), (25, 2));
    }

    #[test]
    fn a_wavering_bitrate_changes_nothing() {
        let mut now = None;
        let mut changes = 0;
        for step in 0..400 {
            // 10 % about the threshold of 746 kb/s.
            let kbps = if step % 2 == 0 { 670 } else { 820 };
            let next = lowered(HD, THIRTY, kbps, now);
            let next = (next.size, next.fps);
            changes += u32::from(now.is_some_and(|now| now != next));
            now = Some(next);
        }
        assert_eq!(changes, 0);
        assert_eq!(now, Some((HD, Fps::whole(15))));
        let up = lowered(HD, THIRTY, 900, now);
        assert_eq!((up.size, up.fps, up.rule), (HD, THIRTY, None));
    }

    fn wishes() -> impl Strategy<Value = (Size, Fps)> {
        let size = (16_u32..=7680, 16_u32..=4320).prop_map(|(w, h)| Size::new(w, h));
        let usual = prop_oneof![
            Just(Size::new(1280, 720)),
            Just(Size::new(1920, 1080)),
            Just(Size::new(3840, 2160)),
            Just(Size::new(1366, 768)),
            Just(Size::new(1080, 1920)),
        ];
        let fps = prop_oneof![
            (1_u32..=144).prop_map(Fps::whole),
            prop_oneof![Just(24_000), Just(30_000), Just(60_000)]
                .prop_map(|num| Fps { num, den: 1001 }),
        ];
        (prop_oneof![size, usual], fps)
    }

    proptest! {
        #[test]
        fn bounds_are_kept((size, fps) in wishes(), kbps in 100_u32..=10_000) {
            let got = lowered(size, fps, kbps, None);
            let even = size.even();
            prop_assert_eq!((got.size.width % 2, got.size.height % 2), (0, 0));
            prop_assert!(got.size.width <= even.width && got.size.height <= even.height);
            prop_assert!(got.fps.as_f64() <= fps.as_f64());
            prop_assert!(got.fps.as_f64() >= LEAST_FPS.min(fps.as_f64()));
            let by = fps.as_f64() / got.fps.as_f64();
            prop_assert!((by - by.round()).abs() < 1e-9, "{} by {}", fps, by);
            prop_assert_eq!(got.rule.is_none(), (got.size, got.fps) == (even, fps));
            if got.size != even {
                prop_assert!(got.size.width.min(got.size.height) >= LEAST_LINES);
                // The aspect within what an even side allows.
                let wide = f64::from(even.width) * f64::from(got.size.height)
                    / f64::from(even.height);
                let most = 1.0 + f64::from(even.width) / f64::from(even.height);
                prop_assert!((wide - f64::from(got.size.width)).abs() <= most + 1e-9);
            }
        }

        #[test]
        fn more_bitrate_is_never_less_picture(
            (size, fps) in wishes(), a in 100_u32..=10_000, b in 100_u32..=10_000,
            before in 100_u32..=10_000,
        ) {
            let now = lowered(size, fps, before, None);
            for now in [None, Some((now.size, now.fps))] {
                let low = lowered(size, fps, a.min(b), now);
                let high = lowered(size, fps, a.max(b), now);
                prop_assert!(low.size.pixels() <= high.size.pixels());
                prop_assert!(low.fps.as_f64() <= high.fps.as_f64());
            }
        }

        #[test]
        fn asking_again_changes_nothing(
            (size, fps) in wishes(), kbps in 100_u32..=10_000, before in 100_u32..=10_000,
        ) {
            let now = lowered(size, fps, before, None);
            let once = lowered(size, fps, kbps, Some((now.size, now.fps)));
            let twice = lowered(size, fps, kbps, Some((once.size, once.fps)));
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn within_a_tenth_it_changes_at_most_once(
            (size, fps) in wishes(), around in 120_u32..=9000,
            wander in prop::collection::vec(-80_i32..=80, 1..60),
        ) {
            let mut now = None;
            let mut changes = 0;
            for permille in wander {
                let kbps = (f64::from(around) * (1.0 + f64::from(permille) / 1000.0)) as u32;
                let next = lowered(size, fps, kbps, now);
                let next = (next.size, next.fps);
                changes += u32::from(now.is_some_and(|now| now != next));
                now = Some(next);
            }
            prop_assert!(changes <= 1, "{} changes", changes);
        }

        #[test]
        fn each_rung_needs_less_and_there_are_few((size, fps) in wishes()) {
            let rungs = rungs(size.even(), fps);
            prop_assert!(rungs.len() <= 9);
            for pair in rungs.windows(2) {
                let [before, after] = [pair[0], pair[1]].map(|(size, fps)| need_kbps(size, fps));
                prop_assert!(after < before, "{:?}", pair);
            }
        }
    }
}
