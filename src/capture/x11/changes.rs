//! What on the screen is newer than the last grab. Pure: times and sequence numbers come in.
//!
//! The server reports damage once and is then silent until the damage is subtracted ("non-empty"
//! level). Subtracting at each report would let a program that draws without pause wake this
//! thread without pause; so at most every [`REARM`].

use crate::clock::MonoTime;
use std::time::Duration;

/// Least time between two subtractions. A change that falls into it is dated back by up to this
/// much: latency is overstated, never understated.
pub(super) const REARM: Duration = Duration::from_millis(2);

/// Changes of the screen not yet grabbed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    newest: Option<MonoTime>,
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
