//! H.264 levels: the lowest that a picture's size, rate and bitrate need (ITU-T H.264 Table A-1).
//!
//! Pure. No encoder of the table is given a level: each chooses one itself, and a wrong one makes
//! nvenc fail and x264 write a stream that contradicts itself (measured). This is what the test of
//! an encoder is held against, and what is shown.

use crate::units::{Fps, Size};
use std::fmt;

/// A level, as ten times its number (`level_idc`): 31 is 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub u8);

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenth) => write!(f, "{whole}.{tenth}"),
        }
    }
}

struct Bounds {
    idc: u8,
    /// Macroblocks a second.
    max_mbps: u64,
    /// Macroblocks a picture.
    max_fs: u64,
    /// Baseline's bitrate, kb/s.
    max_br: u32,
}

const fn bounds(idc: u8, max_mbps: u64, max_fs: u64, max_br: u32) -> Bounds {
    Bounds {
        idc,
        max_mbps,
        max_fs,
        max_br,
    }
}

/// Table A-1, without 1b.
const TABLE: [Bounds; 19] = [
    bounds(10, 1_485, 99, 64),
    bounds(11, 3_000, 396, 192),
    bounds(12, 6_000, 396, 384),
    bounds(13, 11_880, 396, 768),
    bounds(20, 11_880, 396, 2_000),
    bounds(21, 19_800, 792, 4_000),
    bounds(22, 20_250, 1_620, 4_000),
    bounds(30, 40_500, 1_620, 10_000),
    bounds(31, 108_000, 3_600, 14_000),
    bounds(32, 216_000, 5_120, 20_000),
    bounds(40, 245_760, 8_192, 20_000),
    bounds(41, 245_760, 8_192, 50_000),
    bounds(42, 522_240, 8_704, 50_000),
    bounds(50, 589_824, 22_080, 135_000),
    bounds(51, 983_040, 36_864, 240_000),
    bounds(52, 2_073_600, 36_864, 240_000),
    bounds(60, 4_177_920, 139_264, 240_000),
    bounds(61, 8_355_840, 139_264, 480_000),
    bounds(62, 16_711_680, 139_264, 800_000),
];

impl Bounds {
    fn hold(&self, size: Size, fps: Fps) -> bool {
        let side = |pixels: u32| u64::from(pixels.div_ceil(16));
        let (across, down) = (side(size.width), side(size.height));
        let a_picture = across * down;
        let longest = 8 * self.max_fs;
        a_picture <= self.max_fs
            && a_picture * u64::from(fps.num) <= self.max_mbps * u64::from(fps.den.max(1))
            && across * across <= longest
            && down * down <= longest
    }
}

/// The lowest level that a stream needs; None where there is none (larger than 8K).
pub fn needed(size: Size, fps: Fps, bitrate_kbps: u32) -> Option<Level> {
    TABLE
        .iter()
        .find(|level| level.hold(size, fps) && bitrate_kbps <= level.max_br)
        .map(|level| Level(level.idc))
}

/// Whether a stream that says `level` of itself may have pictures of this size at this rate. A
/// level that the standard does not know may not.
pub fn allows(level: Level, size: Size, fps: Fps) -> bool {
    // 1b is 9, or 11 with constraint_set3 (A.3.1): its pictures are level 1's.
    let idc = if level.0 == 9 { 10 } else { level.0 };
    TABLE.iter().any(|l| l.idc == idc && l.hold(size, fps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_pictures_have_their_levels() {
        // shared/encoders.md 3.
        for (width, height, fps, level) in [
            (1280, 720, 30, "3.1"),
            (1280, 720, 60, "3.2"),
            (1366, 768, 30, "3.2"),
            (1920, 1080, 30, "4"),
            (1920, 1080, 60, "4.2"),
            (1920, 1200, 60, "5"),
            (2560, 1440, 30, "5"),
            (2560, 1440, 60, "5.1"),
            (3840, 2160, 30, "5.1"),
            (3840, 2160, 60, "5.2"),
        ] {
            let size = Size::new(width, height);
            let needed = needed(size, Fps::whole(fps), 3000).unwrap();
            assert_eq!(needed.to_string(), level, "{size} at {fps}");
        }
    }

    #[test]
    fn bitrate_rate_and_a_long_side_raise_it() {
        let of = |w, h, fps, kbps| needed(Size::new(w, h), Fps::whole(fps), kbps).map(|l| l.0);
        assert_eq!(of(320, 240, 20, 1_000), Some(20));
        assert_eq!(of(320, 240, 20, 2_001), Some(21));
        assert_eq!(of(320, 240, 20, 15_000), Some(32));
        // 256 x 1 macroblocks: as many as level 1.1 may have, but too long a side below level 4.
        assert_eq!(of(4096, 16, 5, 100), Some(40));
        assert_eq!(of(20_000, 20_000, 30, 100), None);
        let ntsc = Fps {
            num: 60_000,
            den: 1001,
        };
        assert_eq!(needed(Size::new(1920, 1080), ntsc, 3000), Some(Level(42)));
    }

    #[test]
    fn a_level_below_the_picture_is_told() {
        let full = Size::new(1920, 1080);
        assert!(!allows(Level(31), full, Fps::whole(30)));
        assert!(allows(Level(40), full, Fps::whole(30)));
        assert!(!allows(Level(40), full, Fps::whole(60)));
        assert!(!allows(Level(77), Size::new(16, 16), Fps::whole(1)));
        assert!(allows(Level(9), Size::new(176, 144), Fps::whole(15)));
    }

    proptest! {
        #[test]
        fn what_is_needed_is_allowed_and_the_level_below_is_not(
            width in 16_u32..8192, height in 16_u32..4320, fps in 1_u32..120,
        ) {
            let (size, fps) = (Size::new(width, height), Fps::whole(fps));
            if let Some(level) = needed(size, fps, 0) {
                prop_assert!(allows(level, size, fps));
                let below = TABLE.iter().map(|l| l.idc).filter(|idc| *idc < level.0);
                for idc in below {
                    prop_assert!(!allows(Level(idc), size, fps));
                }
            }
        }
    }
}
