//! Which units of the ring go into one file, and where the file ends: the pure part of a recording.
//!
//! Asked by `pd-record` and `pd-replay`; holds no picture. What the ring has let go while the disk
//! stalled is lost and counted, with all up to the next IDR.

use super::ring::At;
use crate::clock::MonoTime;
use crate::relay::AccessUnit;
use crate::relay::annexb::{NAL_SPS, nal_type, nal_units};
use crate::relay::h264_bits::picture_size;
use crate::units::Size;
use std::time::Duration;

/// The pictures stood still for longer than this (a suspend): a new file.
const STILL: Duration = Duration::from_secs(8);

/// One file's place in the ring.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The next unit.
    at: u64,
    begun_with: u64,
    size: Option<Size>,
    /// For an IDR.
    waiting: bool,
    lost: u64,
}

/// What is to be done.
#[derive(Debug)]
pub enum Step {
    /// Write this; so many pictures were lost before it.
    Write(AccessUnit, u64),
    /// Ask again: so many pictures are lost here.
    Lost(u64),
    /// Nothing is there yet.
    Wait,
    /// From the next unit on a new file is needed, because of this.
    Next(&'static str),
}

impl Cut {
    /// A file that begins with the IDR `first`, which has the number `at`.
    pub fn new(at: u64, first: &AccessUnit) -> Self {
        Self {
            at,
            begun_with: at,
            size: size_of(first),
            waiting: false,
            lost: 0,
        }
    }

    /// The number of the next unit.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The unit that was to be written was not.
    pub fn unwritten(&mut self) {
        self.at -= 1;
    }

    /// What the ring has there; `last_at` is when the last picture written was captured. What is to be
    /// written counts as written.
    pub fn step(&mut self, found: At, last_at: MonoTime) -> Step {
        let unit = match found {
            At::Unit(unit) => unit,
            At::Later => return Step::Wait,
            At::Gone(first) => {
                let lost = first.saturating_sub(self.at);
                (self.at, self.waiting) = (first, true);
                self.lost += lost;
                return Step::Lost(lost);
            }
        };
        if self.waiting && !unit.idr {
            self.at += 1;
            self.lost += 1;
            return Step::Lost(1);
        }
        let resumed = self.waiting;
        if unit.idr && self.at != self.begun_with {
            let other = size_of(&unit);
            if other.is_some() && other != self.size {
                return Step::Next("the picture has another size");
            }
            // Not what the disk was too slow for: that is silence and a picture that stands.
            if !resumed && unit.captured_at.since(last_at) > STILL {
                return Step::Next("the picture stood still");
            }
        }
        self.waiting = false;
        self.at += 1;
        Step::Write(unit, std::mem::take(&mut self.lost))
    }
}

/// The picture's size by the parameter set that stands before an IDR.
fn size_of(idr: &AccessUnit) -> Option<Size> {
    nal_units(&idr.data)
        .find(|nal| nal_type(nal) == NAL_SPS)
        .and_then(picture_size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(ms: u64, idr: bool) -> AccessUnit {
        AccessUnit {
            frame: 0,
            captured_at: MonoTime::from_micros(ms * 1000),
            begun_at: MonoTime::ZERO,
            frame_time: Duration::ZERO,
            encoded_at: MonoTime::ZERO,
            idr,
            data: vec![0; 4].into(),
            hash: 0,
        }
    }

    #[test]
    fn what_the_ring_let_go_is_lost_up_to_the_next_idr() {
        let mut cut = Cut::new(5, &unit(0, true));
        let last = MonoTime::ZERO;
        assert!(matches!(cut.step(At::Later, last), Step::Wait));
        let first = cut.step(At::Unit(unit(0, true)), last);
        assert!(matches!(first, Step::Write(_, 0)));
        assert!(matches!(cut.step(At::Gone(10), last), Step::Lost(4)));
        let inter = cut.step(At::Unit(unit(40, false)), last);
        assert!(matches!(inter, Step::Lost(1)));
        // Long after, and yet the same file: the disk was slow, the picture did not stand still.
        let idr = cut.step(At::Unit(unit(20_000, true)), last);
        assert!(matches!(idr, Step::Write(_, 5)), "{idr:?}");
        assert_eq!(cut.at(), 12);
    }

    #[test]
    fn a_picture_that_stood_still_begins_a_new_file() {
        let mut cut = Cut::new(0, &unit(0, true));
        cut.step(At::Unit(unit(0, true)), MonoTime::ZERO);
        let next = cut.step(At::Unit(unit(8_100, true)), MonoTime::ZERO);
        assert!(matches!(next, Step::Next(why) if why.contains("still")));
        assert_eq!(cut.at(), 1, "it is the new file's first");
    }
}
