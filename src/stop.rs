//! A token by which a thread learns that it shall end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shared stop flag. Clones share it; once set it stays set.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<(Mutex<bool>, Condvar)>);

impl StopToken {
    /// A token not yet set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder to end and wakes those that sleep in [`StopToken::sleep`].
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether the end was asked for.
    pub fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `time` or until stopped; true where the end was asked for.
    pub fn sleep(&self, time: Duration) -> bool {
        let guard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = self
            .0
            .1
            .wait_timeout_while(guard, time, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *guard
    }
}

/// Waits for the end of `thread` until `deadline`; whether it has ended, and so can be joined at once.
pub fn ends_by<T>(thread: &JoinHandle<T>, deadline: Instant) -> bool {
    while !thread.is_finished() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_wakes_a_sleeper() {
        let token = StopToken::new();
        let other = token.clone();
        let started = Instant::now();
        let sleeper = std::thread::spawn(move || other.sleep(Duration::from_secs(30)));
        token.stop();
        assert!(sleeper.join().unwrap());
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(token.is_stopped());
    }

    #[test]
    fn a_thread_is_waited_for_no_longer_than_told() {
        let token = StopToken::new();
        let other = token.clone();
        let thread = std::thread::spawn(move || other.sleep(Duration::from_secs(30)));
        let started = Instant::now();
        assert!(!ends_by(&thread, started + Duration::from_millis(50)));
        assert!(started.elapsed() >= Duration::from_millis(50));
        token.stop();
        assert!(ends_by(&thread, Instant::now() + Duration::from_secs(10)));
        assert!(thread.join().unwrap());
    }
}
