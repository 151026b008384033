//! Guards against a slip of the hand: what a press of the one big button means, and when.
//! Pure; the time is an argument. Used by the window's thread.

use crate::clock::MonoTime;
use std::time::Duration;

/// A second press counts from here on: an accidental double-click does not end a show.
pub const SLIP: Duration = Duration::from_millis(400);
/// A second press counts until here.
pub const WINDOW: Duration = Duration::from_secs(3);
/// After a show has ended the button, now GO LIVE, takes no press for so long.
pub const REST: Duration = Duration::from_millis(800);

/// Ends a show only on a second press, from [`SLIP`] to [`WINDOW`] after the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct StopGuard {
    armed_at: Option<MonoTime>,
}

impl StopGuard {
    /// A press at `now`; true where the show shall end.
    pub fn press(&mut self, now: MonoTime) -> bool {
        match self.armed_at {
            Some(at) if now.since(at) < SLIP => false,
            Some(at) if now.since(at) <= WINDOW => {
                self.armed_at = None;
                true
            }
            _ => {
                self.armed_at = Some(now);
                false
            }
        }
    }

    /// The share of time left, 1 to 0, where a second press would count; None where not armed.
    pub fn left(&self, now: MonoTime) -> Option<f32> {
        let gone = now.since(self.armed_at?);
        (gone <= WINDOW).then(|| 1.0 - gone.as_secs_f32() / WINDOW.as_secs_f32())
    }

    /// Forgets the first press.
    pub fn disarm(&mut self) {
        self.armed_at = None;
    }
}

/// STOP is held for so long where the settings have it so.
pub const HOLD: Duration = Duration::from_secs(1);

/// Ends a show only where STOP is held for [`HOLD`] without a break.
#[derive(Clone, Copy, Debug, Default)]
pub struct HoldGuard {
    since: Option<MonoTime>,
    done: bool,
}

impl HoldGuard {
    /// Takes note, each frame, of whether it is held; true once, when it has been for long enough.
    pub fn see(&mut self, held: bool, now: MonoTime) -> bool {
        if !held {
            *self = Self::default();
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let ends = !self.done && now.since(since) >= HOLD;
        self.done |= ends;
        ends
    }

    /// The share of time that it must still be held, 1 to 0; None where it is not.
    pub fn left(&self, now: MonoTime) -> Option<f32> {
        let gone = now.since(self.since?);
        Some((1.0 - gone.as_secs_f32() / HOLD.as_secs_f32()).max(0.0))
    }
}

/// Lets GO LIVE through only when the last show is [`REST`] past.
#[derive(Clone, Copy, Debug, Default)]
pub struct GoGuard {
    ended_at: Option<MonoTime>,
    was_running: bool,
}

impl GoGuard {
    /// Takes note, each frame, of whether a show runs; true in the frame in which one begins.
    pub fn see(&mut self, running: bool, now: MonoTime) -> bool {
        if self.was_running && !running {
            self.ended_at = Some(now);
        }
        let begins = running && !self.was_running;
        self.was_running = running;
        begins
    }

    /// Whether a press may begin a show.
    pub fn allows(&self, now: MonoTime) -> bool {
        self.ended_at.is_none_or(|at| now.since(at) >= REST)
    }
}

/// A value that the operator has just set and the session does not show yet. It stands in for the
/// session's for a moment, so that a control never jumps back under the hand.
#[derive(Clone, Debug)]
pub struct Wish<T> {
    wanted: Option<(T, MonoTime)>,
}

impl<T> Default for Wish<T> {
    fn default() -> Self {
        Self { wanted: None }
    }
}

impl<T: Clone + PartialEq> Wish<T> {
    /// How long a wish stands without the session's agreement.
    pub const PATIENCE: Duration = Duration::from_secs(2);

    /// The operator wants this.
    pub fn set(&mut self, value: T, now: MonoTime) {
        self.wanted = Some((value, now));
    }

    /// What to show, where the session says `actual`.
    pub fn or(&self, actual: T, now: MonoTime) -> T {
        match &self.wanted {
            Some((value, at)) if now.since(*at) < Self::PATIENCE => value.clone(),
            _ => actual,
        }
    }

    /// Forgets a wish that came true or was not granted.
    pub fn settle(&mut self, actual: &T, now: MonoTime) {
        if let Some((value, at)) = &self.wanted
            && (value == actual || now.since(*at) >= Self::PATIENCE)
        {
            self.wanted = None;
        }
    }
}

/// Drops are news for so long.
pub const NEWS: Duration = Duration::from_secs(10);

/// Whether pictures are being dropped: the count has grown lately. One that was there before is not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dropping {
    seen: Option<u64>,
    grew_at: Option<MonoTime>,
}

impl Dropping {
    /// Takes the count at `now`; true for [`NEWS`] after it has grown.
    pub fn see(&mut self, drops: u64, now: MonoTime) -> bool {
        match self.seen.replace(drops) {
            Some(before) if drops > before => self.grew_at = Some(now),
            // Another show has begun.
            Some(before) if drops < before => self.grew_at = None,
            _ => {}
        }
        self.grew_at.is_some_and(|at| now.since(at) < NEWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(10_000_000 + ms * 1000)
    }

    #[test]
    fn one_press_does_not_stop_and_two_do() {
        let mut guard = StopGuard::default();
        assert!(!guard.press(ms(0)));
        assert!(guard.left(ms(1500)).is_some_and(|l| (l - 0.5).abs() < 0.01));
        assert!(guard.press(ms(1500)));
        assert_eq!(guard.left(ms(1500)), None);
    }

    #[test]
    fn a_double_click_is_one_press_and_does_not_prolong() {
        let mut guard = StopGuard::default();
        assert!(!guard.press(ms(0)));
        assert!(!guard.press(ms(200)));
        assert!(guard.press(ms(400)));
    }

    #[test]
    fn a_late_second_press_is_a_first_one() {
        let mut guard = StopGuard::default();
        assert!(!guard.press(ms(0)));
        assert_eq!(guard.left(ms(3001)), None);
        assert!(!guard.press(ms(3001)));
        assert!(guard.press(ms(4000)));
        assert!(!guard.press(ms(4100)));
        guard.disarm();
        assert!(!guard.press(ms(4600)));
    }

    #[test]
    fn stop_is_held_for_a_second_without_a_break_and_ends_once() {
        let mut guard = HoldGuard::default();
        assert!(!guard.see(true, ms(0)));
        assert!(guard.left(ms(500)).is_some_and(|l| (l - 0.5).abs() < 0.01));
        assert!(!guard.see(true, ms(900)));
        assert!(!guard.see(false, ms(950)), "let go");
        assert_eq!(guard.left(ms(950)), None);
        assert!(!guard.see(true, ms(1000)));
        assert!(!guard.see(true, ms(1999)));
        assert!(guard.see(true, ms(2000)));
        assert!(!guard.see(true, ms(2100)), "once only");
    }

    #[test]
    fn going_live_waits_a_moment_after_a_show() {
        let mut guard = GoGuard::default();
        guard.see(false, ms(0));
        assert!(guard.allows(ms(0)), "no show yet");
        guard.see(true, ms(100));
        guard.see(false, ms(5000));
        guard.see(false, ms(5100));
        assert!(!guard.allows(ms(5799)));
        assert!(guard.allows(ms(5800)));
    }

    #[test]
    fn a_wish_stands_until_granted_or_given_up() {
        let mut wish = Wish::default();
        assert_eq!(wish.or(1, ms(0)), 1);
        wish.set(5, ms(0));
        wish.settle(&1, ms(1999));
        assert_eq!(wish.or(1, ms(1999)), 5);
        wish.settle(&5, ms(1999));
        assert_eq!(wish.or(1, ms(1999)), 1);
        wish.set(7, ms(3000));
        assert_eq!(wish.or(1, ms(5000)), 1);
    }

    #[test]
    fn drops_are_news_while_they_grow_and_ten_seconds_after() {
        let at = |s: u64| MonoTime::from_micros((100 + s) * 1_000_000);
        let mut dropping = Dropping::default();
        assert!(!dropping.see(7, at(0)), "they were there before");
        assert!(dropping.see(8, at(1)));
        assert!(dropping.see(8, at(10)));
        assert!(!dropping.see(8, at(12)));
        assert!(dropping.see(9, at(13)));
        assert!(!dropping.see(0, at(14)), "another show");
    }
}
