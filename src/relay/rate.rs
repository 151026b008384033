//! Bitrate and frame rate of what goes out, over a short window. Pure.

use crate::clock::MonoTime;
use std::collections::VecDeque;
use std::time::Duration;

/// What the figures are taken over.
const WINDOW: Duration = Duration::from_secs(2);
/// No figure before this much of the window is there.
const ENOUGH: Duration = Duration::from_millis(500);

/// Sizes and times of the last two seconds' access units.
#[derive(Debug, Default)]
pub struct RateMeter {
    units: VecDeque<(MonoTime, usize)>,
    total: u64,
}

impl RateMeter {
    /// Counts a unit of `bytes`.
    pub fn add(&mut self, at: MonoTime, bytes: usize) {
        self.units.push_back((at, bytes));
        self.total += bytes as u64;
        while self
            .units
            .front()
            .is_some_and(|(first, _)| at.since(*first) > WINDOW)
        {
            self.units.pop_front();
        }
    }

    /// Bytes counted so far.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// kb/s and frames a second at `now`; None where less than half a second was seen, or nothing
    /// came for as long.
    pub fn figures(&self, now: MonoTime) -> Option<(f64, f64)> {
        let (first, last) = (self.units.front()?.0, self.units.back()?.0);
        let span = last.since(first);
        if span < ENOUGH || now.since(last) > ENOUGH {
            return None;
        }
        // From the first unit's end to the last one's: the first one's bytes lie before.
        let bytes: usize = self.units.iter().skip(1).map(|(_, bytes)| bytes).sum();
        let seconds = span.as_secs_f64();
        Some((
            bytes as f64 * 8.0 / 1000.0 / seconds,
            (self.units.len() - 1) as f64 / seconds,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_megabits_at_thirty_frames() {
        let mut meter = RateMeter::default();
        let at = |n: u64| MonoTime::from_micros(n * 1_000_000 / 30);
        for n in 0..200 {
            meter.add(at(n), 12_500);
        }
        let (kbps, fps) = meter.figures(at(199)).unwrap();
        assert!(
            (kbps - 3000.0).abs() < 5.0 && (fps - 30.0).abs() < 0.1,
            "{kbps} {fps}"
        );
        assert!(meter.units.len() <= 62);
        assert_eq!(meter.figures(at(230)), None, "stale");
    }
}
