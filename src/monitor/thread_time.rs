//! CPU time of one thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// CPU time that the calling thread has used so far.
#[cfg(unix)]
pub fn thread_time() -> Duration {
    // POSIX.1-2024, clock_gettime(), CLOCK_THREAD_CPUTIME_ID.
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(spent.tv_sec).unwrap_or(0),
        u32::try_from(spent.tv_nsec).unwrap_or(0),
    )
}

/// Time by the clock, where the system counts a thread's CPU time in ticks of 16 ms only: an upper
/// bound.
#[cfg(not(unix))]
pub fn thread_time() -> Duration {
    Duration::from_micros(crate::clock::now().as_micros())
}

/// What a thread has used, added to a count that others read.
#[derive(Debug, Default)]
pub struct Spent {
    looked_at: Option<Instant>,
    told: Duration,
}

impl Spent {
    /// Adds what the calling thread has used since it was added last, in microseconds; at most five
    /// times a second, for the look itself costs a system call. Nothing where the system does not tell.
    pub fn add_to(&mut self, count_us: &AtomicU64) {
        const EVERY: Duration = Duration::from_millis(200);
        let now = Instant::now();
        let due = self.looked_at.is_none_or(|at| now - at >= EVERY);
        if cfg!(not(unix)) || !due {
            return;
        }
        self.looked_at = Some(now);
        let all = thread_time();
        let us = all.saturating_sub(self.told).as_micros();
        self.told = all;
        count_us.fetch_add(u64::try_from(us).unwrap_or(0), Ordering::Relaxed);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn work_counts_and_sleep_does_not() {
        let before = thread_time();
        std::thread::sleep(Duration::from_millis(100));
        let asleep = thread_time() - before;
        assert!(asleep < Duration::from_millis(50), "{asleep:?}");
        let mut sum = 0_u64;
        while thread_time() - before < Duration::from_millis(60) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }

    #[test]
    fn what_is_spent_is_added_once() {
        let (mut spent, count) = (Spent::default(), AtomicU64::new(7));
        let before = thread_time();
        let mut sum = 0_u64;
        while thread_time() - before < Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        spent.add_to(&count);
        let first = count.load(Ordering::Relaxed);
        assert!(first >= 20_007, "{first} {sum}");
        spent.add_to(&count);
        assert_eq!(count.load(Ordering::Relaxed), first, "not due");
        std::thread::sleep(Duration::from_millis(210));
        spent.add_to(&count);
        let second = count.load(Ordering::Relaxed);
        assert!(second < first + 20_000, "{first} {second}");
    }
}
