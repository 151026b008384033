//! When a device's samples were captured, from when its callbacks came: pure, reads no clock.
//!
//! A callback comes never early, often late. So the samples' time is the earliest that the
//! callbacks of the last half second allow: a callback held up by 100 ms, and the burst that
//! follows it, are placed where they belong. Owned by the input's thread.

use crate::clock::MonoTime;

/// Half of the window in which the earliest callback counts, microseconds.
const HALF_WINDOW_US: u64 = 250_000;

/// Estimates the capture time of a device's samples.
#[derive(Clone, Debug)]
pub struct ArrivalClock {
    rate: u32,
    /// Smallest "arrival minus samples so far", microseconds: of this half window and of the last.
    current: i64,
    previous: i64,
    half_began: Option<MonoTime>,
}

impl ArrivalClock {
    /// For a device of `rate` Hz.
    pub const fn new(rate: u32) -> Self {
        Self {
            rate,
            current: i64::MAX,
            previous: i64::MAX,
            half_began: None,
        }
    }

    /// Forgets what it knew: the device has lost samples, positions and time no longer agree.
    pub fn reset(&mut self) {
        *self = Self::new(self.rate);
    }

    /// Capture time of the first of `frames` sample frames that arrived at `arrived`, before which
    /// the device had given `position` sample frames since it was opened.
    pub fn first_at(&mut self, arrived: MonoTime, position: u64, frames: usize) -> MonoTime {
        match self.half_began {
            Some(began) if arrived.since(began).as_micros() < u128::from(HALF_WINDOW_US) => {}
            Some(began) if arrived.since(began).as_micros() < u128::from(2 * HALF_WINDOW_US) => {
                self.previous = self.current;
                self.current = i64::MAX;
                self.half_began = Some(arrived);
            }
            _ => {
                self.reset();
                self.half_began = Some(arrived);
            }
        }
        let offset = us(arrived.as_micros()) - self.duration_us(position + frames as u64);
        self.current = self.current.min(offset);
        let first = self.current.min(self.previous) + self.duration_us(position);
        MonoTime::from_micros(u64::try_from(first).unwrap_or(0))
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
    fn lost_samples_are_believed_after_half_a_second() {
        let mut clock = ArrivalClock::new(48_000);
        let mut first = MonoTime::ZERO;
        for k in 0..200_u64 {
            // From callback 50 on, 100 ms are missing.
            let lost = if k >= 50 { 100_000 } else { 0 };
            first = clock.first_at(at(1_000_000 + k * 10_000 + lost), k * 480, 480);
            if k == 110 {
                break;
            }
        }
        assert_eq!(first, at(990_000 + 110 * 10_000 + 100_000));
    }
}
