//! How busy the whole machine is. Asked by the session's thread; a look costs some 0.1 ms, so at most
//! one a second is taken.

use crate::clock::MonoTime;
use std::time::Duration;
use sysinfo::System;

/// From one look to the next; shorter spans say nothing.
const EVERY: Duration = Duration::from_secs(1);

/// Looks now and then.
#[derive(Default)]
pub struct CpuMeter {
    /// None before the first look, and where the system does not tell.
    system: Option<System>,
    looked_at: Option<MonoTime>,
    percent: Option<f64>,
}

impl CpuMeter {
    /// Share of all cores that was in use over the last second or so, percent; None until the second
    /// look, and where the system does not tell.
    pub fn percent(&mut self, now: MonoTime) -> Option<f64> {
        if self.looked_at.is_some_and(|at| now.since(at) < EVERY) {
            return self.percent;
        }
        let is_first = self.looked_at.replace(now).is_none();
        if is_first {
            self.system = System::new().ok();
        }
        let system = self.system.as_mut()?;
        system.refresh_cpu_usage();
        // The first look has nothing to compare with.
        self.percent = (!is_first).then(|| f64::from(system.global_cpu_usage()));
        self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::time::Instant;

    #[test]
    fn a_busy_core_is_seen() {
        let mut meter = CpuMeter::default();
        assert_eq!(meter.percent(clock::now()), None);
        let until = Instant::now() + Duration::from_millis(1100);
        let mut sum = 0_u64;
        while Instant::now() < until {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let percent = meter.percent(clock::now()).expect("this system tells");
        // Half of one core at least, whatever the others do.
        assert!(
            percent > 50.0 / cores && percent <= 100.5,
            "{percent} {sum}"
        );
        assert_eq!(
            meter.percent(clock::now()),
            Some(percent),
            "not again at once"
        );
    }
}
