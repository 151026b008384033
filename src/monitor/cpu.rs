//! How busy the whole machine is. Asked by the session's thread; a look costs some 0.1 ms, so at most
//! one a second is taken.

use crate::clock::MonoTime;
use std::time::Duration;

/// From one look to the next; shorter spans say nothing.
const EVERY: Duration = Duration::from_secs(1);

/// Looks now and then.
#[derive(Default)]
pub struct CpuMeter {
    looked_at: Option<MonoTime>,
    source: Source,
    percent: Option<f64>,
}

impl CpuMeter {
    /// Share of all cores that was in use over the last second or so, percent; None until the second
    /// look, and where the system does not tell.
    pub fn percent(&mut self, now: MonoTime) -> Option<f64> {
        if self.looked_at.is_some_and(|at| now.since(at) < EVERY) {
            return self.percent;
        }
        self.looked_at = Some(now);
        self.percent = self.source.look();
        self.percent
    }
}

/// From its beginning on, for who has waited for something in vain.
pub struct Busyness(Source);

/// A machine whose cores were in use for so much of a span, percent, is busy.
const BUSY_PERCENT: f64 = 85.0;

impl Busyness {
    /// From now on.
    pub fn begin() -> Self {
        let mut source = Source::default();
        source.look();
        Self(source)
    }

    /// What of all cores was in use since, percent, where that is so much that a program may have had to wait; None on a
    /// machine that was not busy, and where the system does not tell. Spans below a quarter of a second say nothing.
    pub fn percent(&mut self) -> Option<u32> {
        let percent = self.0.look()?;
        (percent >= BUSY_PERCENT).then_some(percent.min(100.0).round() as u32)
    }
}

/// The system's own word; None before the first look, and where the system does not tell.
#[cfg(not(windows))]
#[derive(Default)]
struct Source(Option<sysinfo::System>);

#[cfg(not(windows))]
impl Source {
    fn look(&mut self) -> Option<f64> {
        let is_first = self.0.is_none();
        if is_first {
            self.0 = sysinfo::System::new().ok();
        }
        let system = self.0.as_mut()?;
        system.refresh_cpu_usage();
        // The first look has nothing to compare with.
        (!is_first).then(|| f64::from(system.global_cpu_usage()))
    }
}

/// Idle and whole time at the last look.
#[cfg(windows)]
#[derive(Default)]
struct Source(Option<(u64, u64)>);

#[cfg(windows)]
impl Source {
    fn look(&mut self) -> Option<f64> {
        let (idle, all) = super::cpu_windows::times()?;
        let (idle_before, all_before) = self.0.replace((idle, all))?;
        let span = all.saturating_sub(all_before).max(1) as f64;
        let idle = idle.saturating_sub(idle_before) as f64;
        Some((100.0 * (1.0 - idle / span)).clamp(0.0, 100.0))
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
