//! When a frame goes to the encoder: the pure gate between the slot and the encoders.
//!
//! Runs on the pacer's thread; reads no clock. Three wishes, in this order:
//! 1. a fresh picture waits for nothing as long as the show's frame rate allows it;
//! 2. over time the encoder gets exactly the frame rate, no more (its rate control counts frames)
//!    and no less (a still screen is repeated, cases.md B06);
//! 3. a repeat never stands in the way of a fresh picture that is about to come.
//!
//! It is the generic cell rate algorithm (ITU-T I.371 Annex A) with a tolerance of one interval:
//! `due` is the theoretical time of the next frame; a fresh one may come up to one interval early,
//! which it pays back later, a repeat only at its time, and after a fresh one a quarter interval
//! late, so that a source at the show's own rate with some jitter is never doubled.

use crate::clock::MonoTime;
use crate::units::Fps;
use std::time::Duration;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take the fresh frame out of the slot and send it.
    Fresh,
    /// Send the last frame once more.
    Repeat,
    /// Nothing before this time, or before this time and a fresh frame.
    Wait(MonoTime),
}

/// The gate's state.
#[derive(Clone, Debug)]
pub struct Pacer {
    interval: Duration,
    /// None until the first frame.
    due: Option<MonoTime>,
    last: MonoTime,
    last_was_fresh: bool,
    skipped: u64,
}

/// A stall longer than this (suspend, a stopped machine) is not made up for (B27).
const LONGEST_CATCH_UP: Duration = Duration::from_millis(250);

impl Pacer {
    /// A gate for `fps` frames a second.
    pub fn new(fps: Fps) -> Self {
        Self {
            interval: fps.interval(),
            due: None,
            last: MonoTime::ZERO,
            last_was_fresh: false,
            skipped: 0,
        }
    }

    /// From now on at another rate: the next frame is due an interval of the new rate after the last,
    /// or now where that has passed; what a higher rate would have sent before is not made up for.
    pub fn set_fps(&mut self, fps: Fps, now: MonoTime) {
        let interval = fps.interval();
        let due = self.due.map(|due| due - self.interval + interval);
        self.due = due.map(|due| due.max(now));
        self.interval = interval;
    }

    /// Frames that were never sent because the machine stood still longer than a quarter second.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// From when a fresh frame would be sent at once.
    pub fn fresh_from(&self) -> MonoTime {
        match self.due {
            None => MonoTime::ZERO,
            // Never closer than a quarter interval to the last: the encoder needs time too.
            Some(due) => (due - self.interval).max(self.last + self.interval / 4),
        }
    }

    /// Decides at `now`, where `fresh` says whether the slot holds a frame. [`Action::Fresh`] and
    /// [`Action::Repeat`] count as done. Before the first frame there is nothing to repeat.
    pub fn poll(&mut self, now: MonoTime, fresh: bool) -> Action {
        let Some(due) = self.due else {
            if !fresh {
                return Action::Wait(now + self.interval);
            }
            self.sent(now, true);
            return Action::Fresh;
        };
        let fresh_from = self.fresh_from();
        if fresh {
            if now < fresh_from {
                return Action::Wait(fresh_from);
            }
            self.sent(now, true);
            return Action::Fresh;
        }
        let repeat_at = if self.last_was_fresh {
            due + self.interval / 4
        } else {
            due
        };
        // What is owed after a late wake comes one by one: a mailbox holds two pictures, and more at
        // once would be lost as the encoder's drops.
        let repeat_at = repeat_at.max(self.last + self.interval / 4);
        if now < repeat_at {
            return Action::Wait(repeat_at);
        }
        self.sent(now, false);
        Action::Repeat
    }

    fn sent(&mut self, now: MonoTime, fresh: bool) {
        let mut due = self.due.unwrap_or(now);
        let late = now.since(due);
        if late > LONGEST_CATCH_UP {
            let frames = late.as_micros() / self.interval.as_micros().max(1);
            self.skipped += u64::try_from(frames).unwrap_or(u64::MAX);
            due = now;
        }
        self.due = Some(due + self.interval);
        self.last = now;
        self.last_was_fresh = fresh;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs the gate against a source that makes a picture at each of `made` (microseconds);
    /// returns (time sent, time the picture was made or None for a repeat).
    fn run(fps: u32, made: &[u64], until_us: u64) -> Vec<(u64, Option<u64>)> {
        let mut pacer = Pacer::new(Fps::whole(fps));
        let mut sent = Vec::new();
        let mut slot = None;
        let mut next = made.iter().copied().peekable();
        let mut now = 0;
        while now <= until_us {
            while let Some(at) = next.next_if(|at| *at <= now) {
                slot = Some(at);
            }
            match pacer.poll(MonoTime::from_micros(now), slot.is_some()) {
                Action::Fresh => sent.push((now, slot.take())),
                Action::Repeat => sent.push((now, None)),
                Action::Wait(until) => {
                    let arrival = next.peek().copied().unwrap_or(u64::MAX);
                    let wake = if slot.is_some() { u64::MAX } else { arrival };
                    now = until.as_micros().min(wake).max(now + 1);
                }
            }
        }
        sent
    }

    #[test]
    fn nothing_is_sent_before_the_first_picture() {
        assert_eq!(run(30, &[], 1_000_000), []);
    }

    #[test]
    fn a_still_screen_is_repeated_at_the_exact_rate() {
        let sent = run(30, &[5_000], 10_005_000);
        // 10 s at 30 fps; the first repeat is a quarter interval late and caught up.
        assert!((300..=301).contains(&sent.len()), "{}", sent.len());
    }

    #[test]
    fn a_source_at_the_shows_rate_with_jitter_waits_for_nothing_and_is_never_doubled() {
        let made: Vec<u64> = (0..300).map(|n| n * 33_333 + (n * 7919) % 6000).collect();
        let sent = run(30, &made, 299 * 33_333);
        assert!(sent.iter().all(|(at, made)| *made == Some(*at)), "{sent:?}");
    }

    #[test]
    fn a_change_after_stillness_is_sent_at_once() {
        // The last repeat was anywhere within the interval before.
        for offset in (0..33_333).step_by(1111) {
            let at = 1_000_000 + offset;
            let sent = run(30, &[0, at], 1_100_000);
            let (sent_at, _) = sent.iter().find(|(_, made)| *made == Some(at)).unwrap();
            assert!(sent_at - at <= 8_334, "made {at}, sent {sent_at}");
        }
    }

    #[test]
    fn after_a_suspend_of_two_hours_no_burst_follows() {
        let mut pacer = Pacer::new(Fps::whole(30));
        assert_eq!(pacer.poll(MonoTime::ZERO, true), Action::Fresh);
        let woken = MonoTime::from_micros(7_200_000_000);
        assert_eq!(pacer.poll(woken, false), Action::Repeat);
        assert!(matches!(pacer.poll(woken, false), Action::Wait(until) if until > woken));
        assert!(pacer.skipped() > 200_000);
    }

    /// B27: two readings of the clock alike, and one that stands still for long.
    #[test]
    fn b27_no_time_passing_sends_no_second_frame() {
        let mut pacer = Pacer::new(Fps::whole(30));
        let now = MonoTime::from_micros(5_000_000);
        assert_eq!(pacer.poll(now, true), Action::Fresh);
        // One may come an interval early, and then nothing more.
        let more = (0..100).filter(|_| !matches!(pacer.poll(now, true), Action::Wait(_)));
        assert!(more.count() <= 1);
        for _ in 0..100 {
            assert!(matches!(pacer.poll(now, false), Action::Wait(until) if until > now));
        }
    }

    #[test]
    fn after_a_late_wake_repeats_come_one_by_one() {
        let mut pacer = Pacer::new(Fps::whole(30));
        assert_eq!(pacer.poll(MonoTime::ZERO, true), Action::Fresh);
        let mut sent = Vec::new();
        for now in (200_000..500_000).step_by(500) {
            if pacer.poll(MonoTime::from_micros(now), false) == Action::Repeat {
                sent.push(now);
            }
        }
        // None is lost: 15 intervals in half a second, less the first picture's.
        assert!((14..=15).contains(&sent.len()), "{sent:?}");
        assert!(sent.windows(2).all(|w| w[1] - w[0] >= 8_333), "{sent:?}");
    }

    #[test]
    fn another_rate_begins_one_interval_after_the_last_frame() {
        for (from, to) in [(30, 15), (15, 60), (30, 60)] {
            let mut pacer = Pacer::new(Fps::whole(from));
            let mut sent = Vec::new();
            for now in (0..2_000_000).step_by(100) {
                if now == 1_000_000 {
                    pacer.set_fps(Fps::whole(to), MonoTime::from_micros(now));
                }
                match pacer.poll(MonoTime::from_micros(now), now == 0) {
                    Action::Wait(_) => {}
                    Action::Fresh | Action::Repeat => sent.push(now),
                }
            }
            let steps: Vec<_> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
            // The first repeat comes a quarter late, the next makes up for it.
            let (old, new) = (1_000_000 / u64::from(from), 1_000_000 / u64::from(to));
            let (least, most) = (old.min(new), old.max(new));
            assert!(
                steps
                    .iter()
                    .skip(2)
                    .all(|s| (least - 200..=most + 200).contains(s)),
                "{from} to {to}: {steps:?}"
            );
            let after = sent.iter().filter(|at| **at >= 1_000_000).count();
            assert!(after.abs_diff(to as usize) <= 1, "{after} frames at {to}");
        }
    }

    proptest! {
        #[test]
        fn the_rate_is_never_exceeded_nor_missed(
            fps in 5_u32..=144,
            gaps in proptest::collection::vec(1_u64..120_000, 1..400),
        ) {
            let made: Vec<u64> = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).collect();
            let until = made.last().copied().unwrap() + 1_000_000;
            let sent = run(fps, &made, until);
            let interval = 1_000_000.0 / f64::from(fps);
            let first = sent[0].0;
            for (n, (at, _)) in sent.iter().enumerate() {
                // One interval of tolerance early, a quarter late, and rounding.
                let ideal = first as f64 + n as f64 * interval;
                let offset = *at as f64 - ideal;
                prop_assert!(offset >= -interval - 2.0 * n as f64 - 2.0, "{n} {offset}");
                prop_assert!(offset <= interval * 0.25 + 2.0 * n as f64 + 2.0, "{n} {offset}");
            }
            for pair in sent.windows(2) {
                prop_assert!(pair[1].0 > pair[0].0);
            }
        }
    }
}

#[cfg(test)]
#[path = "pacer_properties.rs"]
mod properties;
