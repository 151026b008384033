//! CPU time of one thread.

use std::time::Duration;

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
}
