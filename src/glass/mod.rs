//! Glass to glass: a time that is drawn on one screen, photographed or captured, sent, shown by a
//! viewer, and read back from that viewer's screen.
//!
//! [`code`] is the block that carries the time, [`find`] finds such blocks in a picture, [`meter`]
//! makes figures of what was read, [`reader`] reads a screen through the system's capture. The window
//! that draws the block is `ui::pattern`. Everything but [`reader`] is pure and reads no clock.

pub mod code;
pub mod find;
pub mod meter;
pub mod reader;
pub mod scene;

use crate::clock::{self, MonoTime};

/// Microseconds of the clock that every process of this machine reads alike, at the same moment as
/// the console's own time: what one process draws, another compares with.
///
/// Linux: CLOCK_MONOTONIC, which stands while the machine sleeps. macOS: the same. Windows: the
/// performance counter.
#[derive(Clone, Copy, Debug)]
pub struct SharedClock {
    own: MonoTime,
    shared_us: u64,
}

impl SharedClock {
    /// Reads both clocks.
    pub fn read() -> Self {
        let own = clock::now();
        Self {
            own,
            shared_us: clock::shared_us().unwrap_or(own.as_micros()),
        }
    }

    /// The shared clock's microseconds at one of this process's own times.
    pub fn at(self, time: MonoTime) -> u64 {
        (self.shared_us + time.as_micros()).saturating_sub(self.own.as_micros())
    }

    /// The shared clock's microseconds when it was read.
    pub fn us(self) -> u64 {
        self.shared_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn own_times_are_told_in_the_shared_clock() {
        let clock = SharedClock {
            own: MonoTime::from_micros(5_000),
            shared_us: 90_000_000,
        };
        assert_eq!(clock.at(MonoTime::from_micros(7_000)), 90_002_000);
        assert_eq!(clock.at(MonoTime::from_micros(1_000)), 89_996_000);
        assert_eq!(clock.us(), 90_000_000);
    }

    #[test]
    fn two_readings_agree_on_one_moment() {
        let first = SharedClock::read();
        std::thread::sleep(Duration::from_millis(20));
        let second = SharedClock::read();
        let moment = clock::now();
        let apart = first.at(moment).abs_diff(second.at(moment));
        assert!(apart < 2_000, "{apart} us");
    }
}
