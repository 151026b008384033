//! What on the screen is newer than the last grab. Pure: times and sequence numbers come in.
//!
//! The server reports damage once and is then silent until the damage is subtracted ("non-empty"
//! level). Subtracting at each report would let a program that draws without pause wake this
//! thread without pause; so at most every [`REARM`].
//!
//! A screen that changes more often than the show takes pictures (60 Hz against 30 fps) has an old
//! picture when one is wanted, up to one of its own intervals, and by chance always the same age. The
//! next change is then waited for where it is known when that comes: each picture is fresh, and as
//! many are taken.

use crate::clock::MonoTime;
use std::time::Duration;

/// Least time between two subtractions. A change that falls into it is dated back by up to this
/// much: latency is overstated, never understated.
pub(super) const REARM: Duration = Duration::from_millis(2);

/// Changes closer than this are one picture, drawn in pieces.
const ONE_PICTURE: Duration = Duration::from_millis(4);
/// A rhythm is followed from 45 to 166 pictures a second.
const RHYTHMS: std::ops::Range<Duration> = Duration::from_millis(6)..Duration::from_millis(22);
/// A picture of this age is fresh.
const FRESH: Duration = Duration::from_millis(3);
/// A change that is expected may be so late.
const LATE: Duration = Duration::from_millis(3);

/// How regularly the screen changes.
#[derive(Debug, Default)]
struct Rhythm {
    last: MonoTime,
    /// Between the last changes, the newest anywhere.
    intervals: [Duration; 4],
    count: usize,
}

impl Rhythm {
    fn beat(&mut self, now: MonoTime) {
        let interval = now.since(self.last);
        if interval < ONE_PICTURE {
            return;
        }
        self.last = now;
        self.intervals[self.count % self.intervals.len()] = interval;
        self.count += 1;
    }

    /// The time from one change to the next; None where there is no rhythm.
    fn interval(&self) -> Option<Duration> {
        let mean = self.intervals.iter().sum::<Duration>() / self.intervals.len() as u32;
        let near = mean.mul_f64(0.7)..mean.mul_f64(1.3);
        let regular = self.intervals.iter().all(|one| near.contains(one));
        (self.count >= self.intervals.len() && regular && RHYTHMS.contains(&mean)).then_some(mean)
    }
}

/// Changes of the screen not yet grabbed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    newest: Option<MonoTime>,
    rhythm: Rhythm,
    reported: bool,
    subtracted_at: MonoTime,
    /// Sequence number of the request after which damage is not in the last grab.
    grab_sequence: u64,
}

impl Changes {
    /// The server reported damage after it took request `sequence`, seen at `now`; `is_here` where
    /// it may lie in what is grabbed.
    ///
    /// A report from before the last grab is about pixels which that grab already has.
    pub(super) fn damaged(&mut self, sequence: u64, now: MonoTime, is_here: bool) {
        if is_here {
            self.rhythm.beat(now);
        }
        if sequence >= self.grab_sequence {
            self.reported = true;
            if is_here {
                self.newest = Some(now);
            }
        }
    }

    /// Something else changed: the pointer, the screen's size, the clock's turn.
    pub(super) fn changed(&mut self, now: MonoTime) {
        self.newest = Some(now);
    }

    /// Whether the damage is to be subtracted now to hear of the next.
    pub(super) fn is_rearm_due(&self, now: MonoTime) -> bool {
        self.rearm_at().is_some_and(|at| now >= at)
    }

    /// When the damage is to be subtracted, if any was reported.
    pub(super) fn rearm_at(&self) -> Option<MonoTime> {
        self.reported.then(|| self.subtracted_at + REARM)
    }

    /// The damage was subtracted without a grab.
    pub(super) fn rearmed(&mut self, now: MonoTime) {
        self.reported = false;
        self.subtracted_at = now;
    }

    /// A grab was asked for; its subtraction has number `sequence`. When the newest change was
    /// seen, if there was any.
    pub(super) fn grabbed(&mut self, sequence: u64, now: MonoTime) -> Option<MonoTime> {
        self.rearmed(now);
        self.grab_sequence = sequence;
        self.newest.take()
    }

    /// From when to grab what is pending, where a picture is wanted from `wanted` on: at once, or with
    /// the next change where that is due soon after and the last is no longer fresh by then.
    pub(super) fn grab_from(&self, wanted: MonoTime) -> MonoTime {
        let (Some(newest), Some(interval)) = (self.newest, self.rhythm.interval()) else {
            return wanted;
        };
        if wanted.since(newest) <= FRESH {
            return wanted;
        }
        wanted.max(self.rhythm.last + interval + LATE)
    }

    /// Whether there is something to grab.
    pub(super) fn is_pending(&self) -> bool {
        self.newest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    #[test]
    fn the_newest_change_dates_the_grab() {
        let mut changes = Changes::default();
        assert!(!changes.is_pending());
        changes.damaged(5, ms(10), true);
        changes.damaged(6, ms(17), true);
        assert!(changes.is_pending());
        assert_eq!(changes.grabbed(9, ms(20)), Some(ms(17)));
        assert!(!changes.is_pending());
        assert_eq!(changes.grabbed(11, ms(30)), None);
    }

    #[test]
    fn damage_that_is_in_the_grab_already_is_not_grabbed_again() {
        let mut changes = Changes::default();
        changes.changed(ms(1));
        changes.grabbed(9, ms(2));
        changes.damaged(8, ms(3), true);
        assert!(!changes.is_pending() && changes.rearm_at().is_none());
        changes.damaged(9, ms(4), true);
        assert!(changes.is_pending());
    }

    /// Grabs of a screen that changes each `period_us`, wanted each `wanted_us`: the age of each.
    fn ages(period_us: u64, jitter_us: u64, wanted_us: u64, until_us: u64) -> Vec<u64> {
        let mut changes = Changes::default();
        let (mut wanted, mut next, mut count) = (1_005_000, 1_000_000, 0_u64);
        let mut ages = Vec::new();
        for us in (1_000_000..until_us).step_by(100) {
            let now = MonoTime::from_micros(us);
            if us >= next {
                changes.damaged(us, now, true);
                count += 1;
                next = 1_000_000 + count * period_us + count * 7_919 % (jitter_us + 1);
            }
            let from = changes.grab_from(MonoTime::from_micros(wanted));
            if changes.is_pending() && us >= wanted && now >= from {
                let newest = changes.grabbed(us, now).unwrap();
                ages.push(us - newest.as_micros());
                // As the pacer: its turns stand fast, and it catches up with none.
                wanted += wanted_us;
                next = next.max(us);
            }
        }
        ages
    }

    #[test]
    fn a_screen_faster_than_the_show_is_grabbed_when_it_changes() {
        for (period, wanted) in [
            (16_667, 33_333),
            (16_667, 40_000),
            (8_333, 33_333),
            (16_667, 16_667),
        ] {
            let ages = ages(period, 500, wanted, 3_000_000);
            let turns = 2_000_000 / wanted as usize;
            assert!(ages.len().abs_diff(turns) <= 1, "{} of {turns}", ages.len());
            let old = ages.iter().skip(6).filter(|age| **age > 3_000).count();
            assert!(old <= ages.len() / 20, "{period} {wanted}: {ages:?}");
        }
    }

    #[test]
    fn what_has_no_rhythm_is_grabbed_at_its_turn() {
        let mut changes = Changes::default();
        for (number, at) in [1, 5, 30, 41, 90, 95, 160].into_iter().enumerate() {
            changes.damaged(number as u64, ms(at), true);
        }
        assert_eq!(changes.grab_from(ms(190)), ms(190));
        // A rhythm that ends: the last picture is at most so late, and the next change is at once.
        for number in 0..10 {
            changes.damaged(10 + number, ms(1_000 + 16 * number), true);
        }
        assert_eq!(changes.grab_from(ms(1_146)), ms(1_146));
        assert_eq!(changes.grab_from(ms(1_150)), ms(1_163));
        assert_eq!(changes.grab_from(ms(1_400)), ms(1_400));
        changes.grabbed(30, ms(1_163));
        changes.damaged(31, ms(1_500), true);
        assert_eq!(changes.grab_from(ms(1_490)), ms(1_490));
        assert_eq!(changes.grab_from(ms(1_533)), ms(1_533));
    }

    #[test]
    fn a_restless_screen_is_rearmed_at_a_bounded_rate() {
        let mut changes = Changes::default();
        let mut subtractions = 0;
        for us in 0..100_000 {
            let now = MonoTime::from_micros(us);
            changes.damaged(us, now, true);
            if changes.is_rearm_due(now) {
                changes.rearmed(now);
                subtractions += 1;
            }
        }
        assert!((48..=50).contains(&subtractions), "{subtractions}");
    }
}
