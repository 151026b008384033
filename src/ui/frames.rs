//! How long the window's thread takes for a frame. Two figures: by the clock, which a busy machine
//! makes longer (`logic`, `ui`, tessellation and painting, as eframe measures them, without the
//! swap), and the thread's own CPU time from frame to frame (everything, the swap too). Always on,
//! since it costs a few additions. Main thread.

use crate::clock::MonoTime;
use crate::monitor::thread_time::thread_time;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The log is told so often, at level debug.
const EVERY: Duration = Duration::from_secs(10);

/// Times of frames since the last report.
pub struct Frames {
    times_us: Histogram<u64>,
    cpu_us: Histogram<u64>,
    cpu: Option<Duration>,
    since: Option<MonoTime>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            times_us: histogram(),
            cpu_us: histogram(),
            cpu: None,
            since: None,
        }
    }
}

/// For 1 us to 10 s, to two digits: 30 KB.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000, 2).expect("constant bounds that fit each other")
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Frames drawn.
    pub frames: u64,
    /// In so many seconds.
    pub seconds: f64,
    /// By the clock.
    pub wall: Spread,
    /// CPU time of the window's thread.
    pub cpu: Spread,
}

/// Of one figure, ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

impl Spread {
    fn of(times_us: &Histogram<u64>) -> Self {
        let ms = |us: u64| us as f64 / 1e3;
        Self {
            p50_ms: ms(times_us.value_at_quantile(0.5)),
            p99_ms: ms(times_us.value_at_quantile(0.99)),
            max_ms: ms(times_us.max()),
        }
    }
}

impl Frames {
    /// Takes the time of one frame by the clock, s, on the thread that drew it; a report where one is
    /// due.
    pub fn take(&mut self, seconds: f32, now: MonoTime) -> Option<Report> {
        self.times_us.saturating_record((seconds * 1e6) as u64);
        let cpu = thread_time();
        if let Some(before) = self.cpu.replace(cpu) {
            let spent = cpu.saturating_sub(before).as_micros();
            self.cpu_us
                .saturating_record(u64::try_from(spent).unwrap_or(u64::MAX));
        }
        let since = *self.since.get_or_insert(now);
        let gone = now.since(since);
        if gone < EVERY {
            return None;
        }
        let report = Report {
            frames: self.times_us.len(),
            seconds: gone.as_secs_f64(),
            wall: Spread::of(&self.times_us),
            cpu: Spread::of(&self.cpu_us),
        };
        self.times_us.reset();
        self.cpu_us.reset();
        self.since = Some(now);
        Some(report)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            p50_ms,
            p99_ms,
            max_ms,
        } = self;
        write!(f, "p50 {p50_ms:.2} p99 {p99_ms:.2} max {max_ms:.2}")
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            frames,
            seconds,
            wall,
            cpu,
        } = self;
        write!(
            f,
            "window: {frames} frames in {seconds:.1} s; a frame, ms: {wall}; its CPU, ms: {cpu}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_comes_every_ten_seconds_with_what_was_in_between() {
        let mut frames = Frames::default();
        let mut reports = Vec::new();
        for i in 0..=200_u64 {
            let slow = if i % 100 == 50 { 0.02 } else { 0.002 };
            reports.extend(frames.take(slow, MonoTime::from_micros(i * 100_000)));
        }
        assert_eq!(reports.len(), 2);
        let report = reports[1];
        assert_eq!(report.frames, 100);
        assert!((report.wall.p50_ms - 2.0).abs() < 0.1, "{report}");
        assert!((report.wall.max_ms - 20.0).abs() < 0.4, "{report}");
    }
}
