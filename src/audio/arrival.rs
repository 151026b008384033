//! When a device's samples were captured, from when its callbacks came: pure, reads no clock.
//!
//! A callback comes never early, often late. So the samples' time is the earliest that the
//! callbacks of the last half second allow: a callback held up by 100 ms, and the burst that
//! follows it, are placed where they belong. Callbacks that stay late tell that samples were lost.
//! Owned by the input's thread.

use crate::clock::MonoTime;
use std::time::Duration;

/// Half of the window in which the earliest callback counts, microseconds.
const HALF_WINDOW_US: u64 = 250_000;

/// A callback later than this, microseconds, is held up, or samples before it were lost.
const LATE_US: i64 = 15_000;
/// Late by amounts that differ by less than this, microseconds, callbacks are late all alike ...
const ALIKE_US: i64 = 8_000;
/// ... and for so long, it is a loss.
const LOSS_AFTER: Duration = Duration::from_millis(100);

/// What was known before a pause of the callbacks counts no more after this.
const FORGET_AFTER: Duration = Duration::from_secs(5);

/// Estimates the capture time of a device's samples.
#[derive(Clone, Debug)]
pub struct ArrivalClock {
    rate: u32,
    /// Smallest "arrival minus samples so far", microseconds: of this half window and of the last.
    current: i64,
    previous: i64,
    half_began: Option<MonoTime>,
    /// Since when callbacks are late all alike, and the least and the most of it, microseconds.
    late: Option<(MonoTime, i64, i64)>,
    /// When the last callback came.
    last: Option<MonoTime>,
    /// By how much the last one showed that all times so far were too late, microseconds.
    moved_us: i64,
}

impl ArrivalClock {
    /// For a device of `rate` Hz.
    pub const fn new(rate: u32) -> Self {
        Self {
            rate,
            current: i64::MAX,
            previous: i64::MAX,
            half_began: None,
            late: None,
            last: None,
            moved_us: 0,
        }
    }

    /// By how much the last callback showed that the times told before it were too late,
    /// microseconds; a very large number where none were told since the last reset.
    pub const fn moved_us(&self) -> i64 {
        self.moved_us
    }

    /// Forgets what it knew: the device has lost samples, positions and time no longer agree.
    pub fn reset(&mut self) {
        *self = Self::new(self.rate);
    }

    /// Capture time of the first of `frames` sample frames that arrived at `arrived`, before which
    /// the device had given `position` sample frames since it was opened.
    pub fn first_at(&mut self, arrived: MonoTime, position: u64, frames: usize) -> MonoTime {
        let gap = self.last.replace(arrived).map(|last| arrived.since(last));
        if gap.is_some_and(|gap| gap > FORGET_AFTER) {
            self.reset();
            self.last = Some(arrived);
        }
        match self.half_began {
            Some(began) if arrived.since(began).as_micros() < u128::from(HALF_WINDOW_US) => {}
            Some(began) => {
                // After a longer gap both halves are old, and still the best that is known.
                let old = arrived.since(began).as_micros() >= u128::from(2 * HALF_WINDOW_US);
                let known = if old { self.previous } else { i64::MAX };
                self.previous = self.current.min(known);
                self.current = i64::MAX;
                self.half_began = Some(arrived);
            }
            None => self.half_began = Some(arrived),
        }
        let offset = us(arrived.as_micros()) - self.duration_us(position + frames as u64);
        if self.is_loss(arrived, offset) {
            self.reset();
            self.half_began = Some(arrived);
            self.last = Some(arrived);
        }
        let before = self.current.min(self.previous);
        self.current = self.current.min(offset);
        // Not known before is moved as well.
        self.moved_us = before.saturating_sub(self.current.min(self.previous));
        let first = self.current.min(self.previous) + self.duration_us(position);
        MonoTime::from_micros(u64::try_from(first).unwrap_or(0))
    }

    /// Whether samples must have been lost: callbacks late all alike, for as long as no burst that
    /// made up for a stall would be.
    fn is_loss(&mut self, arrived: MonoTime, offset: i64) -> bool {
        let least = self.current.min(self.previous);
        if least == i64::MAX || offset - least <= LATE_US {
            self.late = None;
            return false;
        }
        match &mut self.late {
            Some((since, low, high)) if (offset - *high).max(*low - offset) <= ALIKE_US => {
                (*low, *high) = (offset.min(*low), offset.max(*high));
                if *high - *low > ALIKE_US {
                    (*since, *low, *high) = (arrived, offset, offset);
                }
                arrived.since(*since) >= LOSS_AFTER
            }
            late => {
                *late = Some((arrived, offset, offset));
                false
            }
        }
    }

    /// When the sample frame at `position` was captured, by what is known so far.
    pub fn expected(&self, position: u64) -> Option<MonoTime> {
        self.half_began?;
        let us = self.current.min(self.previous) + self.duration_us(position);
        u64::try_from(us).ok().map(MonoTime::from_micros)
    }

    fn duration_us(&self, frames: u64) -> i64 {
        i64::try_from(u128::from(frames) * 1_000_000 / u128::from(self.rate.max(1)))
            .unwrap_or(i64::MAX / 4)
    }
}

fn us(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> MonoTime {
        MonoTime::from_micros(us)
    }

    #[test]
    fn a_punctual_callback_is_its_arrival_minus_its_length() {
        let mut clock = ArrivalClock::new(48_000);
        for k in 0..200 {
            let arrived = at(5_000_000 + k * 10_000);
            assert_eq!(
                clock.first_at(arrived, k * 480, 480),
                at(4_990_000 + k * 10_000)
            );
        }
    }

    #[test]
    fn a_burst_after_a_stall_is_placed_where_it_belongs() {
        let mut clock = ArrivalClock::new(44_100);
        for k in 0..100 {
            // Callbacks 50..=59 all come when 59 is due.
            let due = if (50..60).contains(&k) { 59 } else { k };
            let first = clock.first_at(at(1_000_000 + due * 10_000), k * 441, 441);
            assert_eq!(first, at(990_000 + k * 10_000), "callback {k}");
        }
    }

    #[test]
    fn lost_samples_are_believed_after_a_tenth_of_a_second() {
        let mut clock = ArrivalClock::new(48_000);
        let mut first = MonoTime::ZERO;
        for k in 0..200_u64 {
            // From callback 50 on, 100 ms are missing.
            let lost = if k >= 50 { 100_000 } else { 0 };
            first = clock.first_at(at(1_000_000 + k * 10_000 + lost), k * 480, 480);
            if k == 61 {
                break;
            }
        }
        assert_eq!(first, at(990_000 + 61 * 10_000 + 100_000));
    }
}
