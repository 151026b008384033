//! Did the machine sleep? (cases.md B27.) Pure but for [`since_boot`].
//!
//! The console's clock stands still on Linux and macOS while the machine sleeps and runs on under
//! Windows: a turn of the session that took too long on either clock is a sleep, or a standstill
//! that has done the same to every connection.

use crate::clock::MonoTime;
use std::time::Duration;

/// A turn that took longer; SRT gives a connection up after 5 s of silence.
const LONGEST_TURN: Duration = Duration::from_secs(4);

/// Looks at the time between two turns.
#[derive(Debug, Default)]
pub struct SleepWatch(Option<(MonoTime, Duration)>);

impl SleepWatch {
    /// A turn at `now`, with what the clock shows that runs on in sleep. How long everything stood
    /// still before it, where it did.
    pub fn turn(&mut self, now: MonoTime, boot: Duration) -> Option<Duration> {
        let (last, last_boot) = self.0.replace((now, boot))?;
        let took = now.since(last).max(boot.saturating_sub(last_boot));
        (took > LONGEST_TURN).then_some(took)
    }
}

/// Time since the start of the machine, sleep included.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(target_os = "linux")]
    let time = clock_gettime(ClockId::Boottime);
    // macOS counts sleep in CLOCK_MONOTONIC; `Instant` reads CLOCK_UPTIME_RAW, which does not.
    #[cfg(target_os = "macos")]
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the start of the machine, sleep included.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn since_boot() -> Duration {
    // The console's own clock counts sleep here.
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b27_a_sleep_is_seen_on_either_clock_and_a_busy_moment_is_none() {
        let at = MonoTime::from_micros;
        let boot = Duration::from_secs;
        let mut watch = SleepWatch::default();
        assert_eq!(watch.turn(at(1_000_000), boot(100)), None, "the first");
        assert_eq!(watch.turn(at(1_000_000), boot(100)), None, "equal times");
        assert_eq!(watch.turn(at(3_000_000), boot(102)), None, "a busy moment");
        // Two hours on a clock that counts them, then on one that does not.
        let windows = watch.turn(at(7_203_000_000), boot(102));
        assert_eq!(windows, Some(boot(7200)));
        let linux = watch.turn(at(7_203_050_000), boot(102 + 7200));
        assert_eq!(linux, Some(boot(7200)));
        assert_eq!(watch.turn(at(7_203_100_000), boot(102 + 7200)), None);
        // Back in time is no time.
        assert_eq!(watch.turn(at(5), boot(1)), None);
    }

    #[test]
    fn the_systems_clock_runs() {
        let first = since_boot();
        assert!(since_boot() >= first);
    }
}
