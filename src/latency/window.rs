//! Percentiles: exact over the meter's short window, a histogram over the whole show.

use super::ledger::{STAGES, Stage};
use crate::session::snapshot::{LatencyFigures, StageFigures};
use hdrhistogram::Histogram;
use std::time::Duration;

/// p50, p95 and maximum (nearest rank) of `ms`, which is sorted in place; None where it is empty.
pub fn figures(ms: &mut [f64]) -> Option<StageFigures> {
    ms.sort_unstable_by(f64::total_cmp);
    let rank = |q: f64| ms[((ms.len() as f64 * q).ceil() as usize).clamp(1, ms.len()) - 1];
    (!ms.is_empty()).then(|| StageFigures {
        p50_ms: rank(0.5),
        p95_ms: rank(0.95),
        max_ms: rank(1.0),
        frames: ms.len() as u64,
    })
}

/// The same of a histogram of microseconds; None where it is empty.
pub fn of_histogram(histogram: &Histogram<u64>) -> Option<StageFigures> {
    let ms = |q| histogram.value_at_quantile(q) as f64 / 1000.0;
    (!histogram.is_empty()).then(|| StageFigures {
        p50_ms: ms(0.5),
        p95_ms: ms(0.95),
        max_ms: histogram.max() as f64 / 1000.0,
        frames: histogram.len(),
    })
}

/// Histograms of the whole show, microseconds with three digits, up to a minute.
#[derive(Debug)]
pub struct Totals {
    stages: [Option<Histogram<u64>>; STAGES.len()],
    own: Option<Histogram<u64>>,
    server: Option<Histogram<u64>>,
}

impl Totals {
    /// Nothing counted yet.
    pub fn new() -> Self {
        // The bounds are constants that hdrhistogram accepts; without a histogram nothing is shown.
        let empty = || Histogram::new_with_bounds(1, 60_000_000, 3).ok();
        Self {
            stages: std::array::from_fn(|_| empty()),
            own: empty(),
            server: empty(),
        }
    }

    /// Counts one frame at one stage.
    pub fn add(&mut self, stage: Stage, time: Duration) {
        record(&mut self.stages[stage as usize], time);
    }

    /// Counts what the console itself added to one frame.
    pub fn add_own(&mut self, time: Duration) {
        record(&mut self.own, time);
    }

    /// Counts the way of one frame from publisher to receiver.
    pub fn add_server(&mut self, time: Duration) {
        record(&mut self.server, time);
    }

    /// The figures so far.
    pub fn figures(&self) -> LatencyFigures {
        let by_stage = LatencyFigures::of(
            |stage| self.stages[stage as usize].as_ref().and_then(of_histogram),
            self.own.as_ref().and_then(of_histogram),
        );
        LatencyFigures {
            server: self.server.as_ref().and_then(of_histogram),
            ..by_stage
        }
    }
}

fn record(histogram: &mut Option<Histogram<u64>>, time: Duration) {
    if let Some(histogram) = histogram {
        histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut ms: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let figures = figures(&mut ms).unwrap();
        assert_eq!(
            (figures.p50_ms, figures.p95_ms, figures.max_ms),
            (50.0, 95.0, 100.0)
        );
        assert_eq!(super::figures(&mut []), None);
    }

    #[test]
    fn the_whole_show_agrees_with_the_window() {
        let mut totals = Totals::new();
        for us in (1000..=100_000).step_by(1000) {
            totals.add(Stage::Sent, Duration::from_micros(us));
        }
        let figures = totals.figures();
        assert_eq!(figures.arrived, None);
        let sent = figures.sent.unwrap();
        assert!(
            (sent.p50_ms - 50.0).abs() < 0.1 && (sent.p95_ms - 95.0).abs() < 0.1,
            "{sent:?}"
        );
        assert_eq!(sent.frames, 100);
    }
}
