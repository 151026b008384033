//! How well the encoder does: time a frame, frames late, size of key frames. Pure.

use super::AccessUnit;
use crate::clock::MonoTime;
use crate::latency::window;
use crate::session::snapshot::{KeyFrameSizes, StageFigures};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::Duration;

/// What the live figures are taken over.
const WINDOW: Duration = Duration::from_secs(2);

/// Figures of the encoder at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EncodeFigures {
    /// First byte in to whole access unit out, over the last two seconds.
    pub recent: Option<StageFigures>,
    /// The same over the whole show.
    pub total: Option<StageFigures>,
    /// Frames that took longer than one frame's time.
    pub late: u64,
    /// Frames measured.
    pub frames: u64,
    /// Key frames; None before the first.
    pub key_frames: Option<KeyFrameSizes>,
}

/// Counts the access units that go out.
#[derive(Debug)]
pub struct EncodeMeter {
    /// When each came out, and how long it took.
    recent: VecDeque<(MonoTime, Duration)>,
    /// Microseconds; None where it could not be made, and then there is no figure.
    total: Option<Histogram<u64>>,
    late: u64,
    frames: u64,
    key_frames: Option<KeyFrameSizes>,
}

impl Default for EncodeMeter {
    fn default() -> Self {
        Self {
            recent: VecDeque::new(),
            total: Histogram::new_with_bounds(1, 60_000_000, 3).ok(),
            late: 0,
            frames: 0,
            key_frames: None,
        }
    }
}

impl EncodeMeter {
    /// Counts a unit.
    pub fn add(&mut self, unit: &AccessUnit) {
        let took = unit.encoded_at.since(unit.begun_at);
        self.frames += 1;
        self.late += u64::from(took > unit.frame_time);
        if let Some(total) = &mut self.total {
            total.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
        self.recent.push_back((unit.encoded_at, took));
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| unit.encoded_at.since(*at) > WINDOW)
        {
            self.recent.pop_front();
        }
        if unit.idr {
            let bytes = unit.data.len();
            let max = self.key_frames.map_or(0, |sizes| sizes.max);
            self.key_frames = Some(KeyFrameSizes {
                last: bytes,
                max: max.max(bytes),
            });
        }
    }

    /// The figures at `now`.
    pub fn figures(&self, now: MonoTime) -> EncodeFigures {
        let mut ms: Vec<f64> = self
            .recent
            .iter()
            .filter(|(at, _)| now.since(*at) <= WINDOW)
            .map(|(_, took)| took.as_secs_f64() * 1000.0)
            .collect();
        EncodeFigures {
            recent: window::figures(&mut ms),
            total: self.total.as_ref().and_then(window::of_histogram),
            late: self.late,
            frames: self.frames,
            key_frames: self.key_frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(frame: u64, took_ms: u64, idr: bool, bytes: usize) -> AccessUnit {
        let begun_at = MonoTime::from_micros(frame * 33_333);
        AccessUnit {
            frame,
            captured_at: begun_at,
            begun_at,
            frame_time: Duration::from_micros(33_333),
            encoded_at: begun_at + Duration::from_millis(took_ms),
            idr,
            data: vec![0; bytes].into(),
            hash: frame,
        }
    }

    #[test]
    fn late_frames_and_key_frames_are_counted() {
        let mut meter = EncodeMeter::default();
        assert_eq!(meter.figures(MonoTime::ZERO).recent, None);
        for frame in 0..90 {
            let took_ms = if frame % 30 == 7 { 40 } else { 5 };
            let bytes = if frame == 0 { 50_000 } else { 20_000 };
            meter.add(&unit(frame, took_ms, frame % 30 == 0, bytes));
        }
        let now = MonoTime::from_micros(90 * 33_333);
        let figures = meter.figures(now);
        assert_eq!((figures.late, figures.frames), (3, 90));
        let (last, max) = (20_000, 50_000);
        assert_eq!(figures.key_frames, Some(KeyFrameSizes { last, max }));
        let recent = figures.recent.unwrap();
        assert_eq!((recent.p50_ms, recent.max_ms), (5.0, 40.0));
        assert!((58..=61).contains(&recent.frames), "{recent:?}");
        assert_eq!(figures.total.unwrap().frames, 90);
        let later = meter.figures(now + Duration::from_secs(5));
        assert_eq!((later.recent, later.late), (None, 3));
    }
}
