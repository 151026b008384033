//! The one clock of the console.
//!
//! Every time in the program, from capture to arrival, is a [`MonoTime`]: microseconds of the
//! system's monotonic clock since this process first asked. Wall-clock changes cannot move it.
//! Pure code (pacer, ledger, state machine) takes a `MonoTime` as an argument and never calls
//! [`now`].

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A point on the console's monotonic clock, in microseconds since the process's first reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoTime(u64);

impl MonoTime {
    /// The clock's zero.
    pub const ZERO: Self = Self(0);

    /// A time so many microseconds after the clock's zero.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the clock's zero.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero where `earlier` is later (a clock never makes us panic).
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds since `earlier` as a figure for tables; zero where `earlier` is later.
    pub fn ms_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1000.0
    }
}

impl Add<Duration> for MonoTime {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for MonoTime {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

/// Reads the clock.
pub fn now() -> MonoTime {
    at(Instant::now())
}

/// The console's time of an [`Instant`]; zero for an instant before the process's first reading.
pub fn at(instant: Instant) -> MonoTime {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let epoch = *EPOCH.get_or_init(Instant::now);
    let us = instant.saturating_duration_since(epoch).as_micros();
    MonoTime(u64::try_from(us).unwrap_or(u64::MAX))
}

/// Microseconds of the clock that all processes of this machine read alike; None where the system
/// does not tell. [`MonoTime`] counts from each process's own start instead.
pub fn shared_us() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::Monotonic);
        let us = i128::from(time.tv_sec) * 1_000_000 + i128::from(time.tv_nsec) / 1_000;
        u64::try_from(us).ok()
    }
    #[cfg(windows)]
    {
        let reading = crate::capture::performance_counter()?;
        u64::try_from(reading.as_micros()).ok()
    }
    #[cfg(not(any(unix, windows)))]
    None
}

/// The console's time of `event` on another clock of the system (QPC on Windows, mach time on
/// macOS, CLOCK_MONOTONIC), which read `reading` when the console's read `now`; both since that
/// clock's own zero. Never later than `now`: nothing is seen before it happens.
pub fn translated(event: Duration, reading: Duration, now: MonoTime) -> MonoTime {
    now - reading.saturating_sub(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_never_underflow() {
        let early = MonoTime::from_micros(5);
        let late = MonoTime::from_micros(1_005);
        assert_eq!(late.since(early), Duration::from_millis(1));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early - Duration::from_secs(1), MonoTime::ZERO);
    }

    #[test]
    fn another_clocks_time_is_translated_by_one_reading_of_both() {
        let now = MonoTime::from_micros(5_000_000);
        let (event, reading) = (Duration::from_micros(9_988_000), Duration::from_secs(10));
        assert_eq!(translated(event, reading, now).as_micros(), 4_988_000);
        // A presentation time in the future (the next refresh) is now.
        let ahead = Duration::from_millis(10_016);
        assert_eq!(translated(ahead, reading, now), now);
        // Before the console's zero.
        assert_eq!(translated(Duration::ZERO, reading, now), MonoTime::ZERO);
    }

    #[test]
    fn two_readings_never_go_back() {
        let a = now();
        assert!(now() >= a);
    }
}
