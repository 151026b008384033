//! CPU time of the console and its children over a span, and their memory, by role.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures from one moment to another.
pub struct LoadMeter {
    /// None where the system does not tell: no load is shown then.
    system: Option<System>,
    started: Instant,
    /// CPU milliseconds at the start, by process.
    before: BTreeMap<u32, u64>,
}

/// Percent of one core by role ("console", "encoder", "publisher", "server", "receiver").
pub type Load = BTreeMap<&'static str, f64>;

/// Resident memory in MiB by role, as in [`Load`].
pub type Memory = BTreeMap<&'static str, f64>;

impl LoadMeter {
    /// Begins with these children.
    pub fn start(children: &[(&'static str, u32)]) -> Self {
        let mut meter = Self {
            system: System::new().ok(),
            started: Instant::now(),
            before: BTreeMap::new(),
        };
        meter.before = meter
            .times(children)
            .into_iter()
            .map(|(_, pid, ms)| (pid, ms))
            .collect();
        meter
    }

    /// Load since the start. A child that began since counts from its beginning; one that has ended
    /// does not count.
    pub fn load(&mut self, children: &[(&'static str, u32)]) -> Load {
        let span = self
            .started
            .elapsed()
            .max(Duration::from_millis(1))
            .as_secs_f64()
            * 1000.0;
        let mut load = Load::new();
        for (role, pid, ms) in self.times(children) {
            let used = ms.saturating_sub(self.before.get(&pid).copied().unwrap_or(0));
            *load.entry(role).or_default() += used as f64 / span * 100.0;
        }
        load
    }

    /// Resident memory now. Pages that processes share count for each.
    pub fn memory(&mut self, children: &[(&'static str, u32)]) -> Memory {
        let mut memory = Memory::new();
        for (role, _, process) in self.looked_at(children) {
            *memory.entry(role).or_default() += process.memory() as f64 / f64::from(1 << 20);
        }
        memory
    }

    fn times(&mut self, children: &[(&'static str, u32)]) -> Vec<(&'static str, u32, u64)> {
        let times = self.looked_at(children).into_iter();
        times
            .map(|(role, pid, process)| (role, pid, process.accumulated_cpu_time()))
            .collect()
    }

    /// The console and those of `children` that run.
    fn looked_at(
        &mut self,
        children: &[(&'static str, u32)],
    ) -> Vec<(&'static str, u32, &Process)> {
        let all: Vec<_> = std::iter::once(("console", std::process::id()))
            .chain(children.iter().copied())
            .collect();
        let pids: Vec<_> = all.iter().map(|(_, pid)| Pid::from_u32(*pid)).collect();
        let Some(system) = &mut self.system else {
            return Vec::new();
        };
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&pids),
            false,
            ProcessRefreshKind::nothing().with_cpu().with_memory(),
        );
        all.into_iter()
            .filter_map(|(role, pid)| Some((role, pid, system.process(Pid::from_u32(pid))?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_seen() {
        let mut meter = LoadMeter::start(&[]);
        let until = Instant::now() + Duration::from_millis(400);
        let mut sum = 0_u64;
        while Instant::now() < until {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        let load = meter.load(&[]);
        assert!(load["console"] > 10.0, "{load:?} {sum}");
        let memory = meter.memory(&[]);
        assert!((1.0..4096.0).contains(&memory["console"]), "{memory:?}");
    }
}
