//! How busy the machine is for a test: how long a thread that only wants to sleep was not run at all. What
//! the machine withholds from everybody is no fault of the console's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A watch over the time since its start.
pub struct StallWatch {
    longest_us: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl StallWatch {
    /// Starts it.
    pub fn start() -> Self {
        let (longest_us, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (longest, stopped) = (longest_us.clone(), stop.clone());
        std::thread::spawn(move || {
            const STEP: Duration = Duration::from_millis(5);
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(STEP);
                let late = began.elapsed().saturating_sub(STEP).as_micros();
                longest.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { longest_us, stop }
    }

    /// The longest stall so far.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_us.load(Ordering::Relaxed))
    }

    /// A limit in seconds on a machine that does nothing else, widened by three of its stalls: picture,
    /// encoder and publisher are one behind the other, and each may meet one.
    pub fn widened_s(&self, limit_s: f64) -> f64 {
        let stall = self.longest().as_secs_f64();
        println!("longest stall of the machine {:.0} ms", stall * 1e3);
        limit_s + 3.0 * stall
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
