//! Small value types whose names carry their units.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size of `width` x `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The largest even size within this one: 4:2:0 video has one chroma sample for 2x2 pixels
    /// (ITU-T H.264 6.2), so both sides must be even.
    pub const fn even(self) -> Self {
        Self {
            width: self.width & !1,
            height: self.height & !1,
        }
    }

    /// Number of pixels.
    pub const fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle of a picture in its own pixels, from its left upper corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// Pixels from the left edge.
    pub x: u32,
    /// Pixels from the upper edge.
    pub y: u32,
    /// Pixels across and down.
    pub size: Size,
}

impl Region {
    /// All of a picture of `size`.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, size }
    }

    /// The part of it that lies within a picture of `whole`; None where nothing does.
    pub fn within(self, whole: Size) -> Option<Self> {
        let side = |at: u32, length: u32, whole: u32| {
            let end = at.saturating_add(length).min(whole);
            end.checked_sub(at).filter(|length| *length > 0)
        };
        let width = side(self.x, self.size.width, whole.width)?;
        let height = side(self.y, self.size.height, whole.height)?;
        Some(Self {
            size: Size::new(width, height),
            ..self
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.size, self.x, self.y)
    }
}

impl std::str::FromStr for Region {
    type Err = String;

    /// `WIDTHxHEIGHT+X+Y`, the form of X11's own tools (X(7), GEOMETRY SPECIFICATIONS).
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let mut parts = text.split('+');
            let (width, height) = parts.next()?.split_once('x')?;
            let size = Size::new(width.parse().ok()?, height.parse().ok()?);
            let (x, y) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { x, y, size })
        };
        parse().ok_or_else(|| format!("`{text}` is no region; give it as 1280x720+100+50"))
    }
}

/// Frames a second as a fraction, so that 29.97 is exactly 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fps {
    /// Frames.
    pub num: u32,
    /// in so many seconds.
    pub den: u32,
}

impl Fps {
    /// A whole number of frames a second.
    pub const fn whole(num: u32) -> Self {
        Self { num, den: 1 }
    }

    /// Frames a second as a number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den.max(1))
    }

    /// Time from one frame to the next.
    pub fn interval(self) -> Duration {
        Duration::from_nanos(
            1_000_000_000_u64 * u64::from(self.den.max(1)) / u64::from(self.num.max(1)),
        )
    }

    /// Frames in `seconds`, rounded, at least one.
    pub fn frames_in(self, seconds: f64) -> u32 {
        (self.as_f64() * seconds).round().max(1.0) as u32
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{:.2}", self.as_f64())
        }
    }
}

/// The bitrate slider's lower end, kb/s (1 kb/s = 1000 bit/s).
pub const BITRATE_MIN_KBPS: u32 = 100;
/// The bitrate slider's upper end, kb/s.
pub const BITRATE_MAX_KBPS: u32 = 10_000;

/// Bitrates that one press of + or − goes between, kb/s.
pub const BITRATE_LADDER: [u32; 21] = [
    100, 150, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 2500, 3000, 3500, 4000, 5000,
    6000, 7000, 8000, 10_000,
];

/// The next value of the ladder up or down: what + and − do.
pub fn bitrate_rung(kbps: u32, up: bool) -> u32 {
    if up {
        let next = BITRATE_LADDER.iter().copied().find(|&rung| rung > kbps);
        next.unwrap_or(BITRATE_MAX_KBPS)
    } else {
        let next = BITRATE_LADDER
            .iter()
            .rev()
            .copied()
            .find(|&rung| rung < kbps);
        next.unwrap_or(BITRATE_MIN_KBPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_are_cropped_to_even() {
        assert_eq!(Size::new(1367, 769).even(), Size::new(1366, 768));
        assert_eq!(Size::new(1, 1).even(), Size::new(0, 0));
    }

    #[test]
    fn a_region_is_read_written_and_cut_to_the_picture() {
        let region: Region = "1280x720+100+50".parse().unwrap();
        assert_eq!((region.x, region.y), (100, 50));
        assert_eq!(region.to_string(), "1280x720+100+50");
        let cut = region.within(Size::new(1000, 4000)).unwrap();
        assert_eq!(cut.size, Size::new(900, 720));
        assert_eq!(region.within(Size::new(100, 720)), None);
        let far = Region {
            x: u32::MAX,
            ..region
        };
        assert_eq!(far.within(Size::new(4000, 4000)), None);
        for bad in ["", "1280x720", "1280x720+1", "1x2+3+4+5", "1x-2+0+0"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ntsc_rate_is_exact() {
        let ntsc = Fps {
            num: 30_000,
            den: 1001,
        };
        assert_eq!(ntsc.interval().as_nanos(), 33_366_666);
        assert_eq!(ntsc.to_string(), "29.97");
        assert_eq!(ntsc.frames_in(1.0), 30);
    }
}
