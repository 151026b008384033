//! How long the window's thread takes for a frame: `logic`, `ui`, tessellation and painting, as
//! eframe measures it; the swap is not in it. Always on, since it costs a few additions. Main thread.

use crate::clock::MonoTime;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The log is told so often, at level debug.
const EVERY: Duration = Duration::from_secs(10);

/// Times of frames since the last report.
pub struct Frames {
    times_us: Histogram<u64>,
    since: Option<MonoTime>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            // 1 us to 10 s, to two digits: 30 KB.
            times_us: Histogram::new_with_bounds(1, 10_000_000, 2)
                .expect("constant bounds that fit each other"),
            since: None,
        }
    }
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Frames drawn.
    pub frames: u64,
    /// In so many seconds.
    pub seconds: f64,
    /// Median, ms.
    pub p50_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
    /// Largest, ms.
    pub max_ms: f64,
}

impl Frames {
    /// Takes the time of one frame, s; a report where one is due.
    pub fn take(&mut self, seconds: f32, now: MonoTime) -> Option<Report> {
        self.times_us.saturating_record((seconds * 1e6) as u64);
        let since = *self.since.get_or_insert(now);
        let gone = now.since(since);
        if gone < EVERY {
            return None;
        }
        let ms = |us: u64| us as f64 / 1e3;
        let report = Report {
            frames: self.times_us.len(),
            seconds: gone.as_secs_f64(),
            p50_ms: ms(self.times_us.value_at_quantile(0.5)),
            p99_ms: ms(self.times_us.value_at_quantile(0.99)),
            max_ms: ms(self.times_us.max()),
        };
        self.times_us.reset();
        self.since = Some(now);
        Some(report)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            frames,
            seconds,
            p50_ms,
            p99_ms,
            max_ms,
        } = self;
        write!(
            f,
            "window: {frames} frames in {seconds:.1} s, ms each: p50 {p50_ms:.2}, p99 {p99_ms:.2}, max {max_ms:.2}"
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
        assert!((report.p50_ms - 2.0).abs() < 0.1, "{report}");
        assert!((report.max_ms - 20.0).abs() < 0.4, "{report}");
    }
}
