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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_are_cropped_to_even() {
        assert_eq!(Size::new(1367, 769).even(), Size::new(1366, 768));
        assert_eq!(Size::new(1, 1).even(), Size::new(0, 0));
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
