//! When the next encoder is tried after those before it have died. Pure.

use crate::clock::MonoTime;
use crate::ffmpeg::plan::EncoderWish;
use crate::session::backoff;
use std::time::Duration;

/// A CPU's encoder that dies so often within this time is no accident: the next takes over, or where
/// there is none the next try waits, later, since nothing is worse.
const DEATHS: usize = 2;
const DEATHS_OF_LAST: usize = 4;
const DEATHS_WITHIN: Duration = Duration::from_secs(10);

/// Deaths of late, and what is to be started once the wait is over.
#[derive(Debug, Default)]
pub struct Again {
    deaths: Vec<MonoTime>,
    /// Waits since an encoder last lived for [`DEATHS_WITHIN`].
    waits: u32,
    waiting: Option<(MonoTime, Try)>,
    /// Since when the active encoder is at work.
    at_work_since: Option<MonoTime>,
}

/// An encoder to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// What it is to make; the lineup says with which encoder.
    pub wish: EncoderWish,
    /// Why the one before ended.
    pub why: String,
}

impl Again {
    /// One is at work.
    pub fn works(&mut self, now: MonoTime) {
        self.at_work_since = Some(now);
        self.waiting = None;
    }

    /// The only one died: whether its family is to be given up for another, or for a while.
    pub fn is_hopeless(&mut self, on_cpu: bool, has_other: bool, now: MonoTime) -> bool {
        let lived = self.at_work_since.take().map(|since| now.since(since));
        if lived.is_some_and(|lived| lived > DEATHS_WITHIN) {
            self.waits = 0;
        }
        self.deaths.retain(|at| now.since(*at) < DEATHS_WITHIN);
        self.deaths.push(now);
        let limit = match (on_cpu, has_other) {
            // All had their chances already.
            _ if self.waits > 0 => 1,
            (_, false) => DEATHS_OF_LAST,
            (true, true) => DEATHS,
            (false, true) => 1,
        };
        let hopeless = self.deaths.len() >= limit;
        if hopeless {
            self.deaths.clear();
        }
        hopeless
    }

    /// All have failed: all are tried anew after a wait, 0.5 to 4 s, which comes back.
    pub fn later(&mut self, next: Try, now: MonoTime) -> Duration {
        self.waits = self.waits.saturating_add(1);
        let wait = backoff::wait(self.waits, 0.0);
        self.waiting = Some((now + wait, next));
        wait
    }

    /// What is due, once.
    pub fn due(&mut self, now: MonoTime) -> Option<Try> {
        let due = self.waiting.take_if(|(at, _)| *at <= now)?;
        Some(due.1)
    }

    /// What is waited for is no longer wanted: another is started now.
    pub fn forget(&mut self) {
        self.waiting = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    fn next() -> Try {
        Try {
            wish: EncoderWish::of(&Settings::default()),
            why: "x".into(),
        }
    }

    #[test]
    fn waits_grow_while_none_lives_and_begin_anew_after_one_has() {
        let mut again = Again::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..7 {
            assert!(again.waits == 0 || again.is_hopeless(true, true, at(now)));
            waits.push(again.later(next(), at(now)).as_millis() as u64);
            assert_eq!(again.due(at(now + waits.last().unwrap() - 1)), None);
            now += waits.last().unwrap();
            assert_eq!(again.due(at(now)), Some(next()));
            assert_eq!(again.due(at(now)), None, "once");
            again.works(at(now));
            now += 9_000;
        }
        assert_eq!(waits, [500, 1000, 2000, 3000, 4000, 4000, 4000]);
        again.works(at(now));
        now += 11_000;
        assert!(!again.is_hopeless(true, true, at(now)), "one that lived");
        assert_eq!(again.later(next(), at(now)).as_millis(), 500);
    }

    #[test]
    fn a_card_has_one_chance_the_cpu_two_and_the_last_four() {
        for (on_cpu, has_other, chances) in [
            (false, true, 1),
            (true, true, 2),
            (true, false, 4),
            (false, false, 4),
        ] {
            let mut again = Again::default();
            for death in 1..chances {
                assert!(!again.is_hopeless(on_cpu, has_other, at(death * 1000)));
            }
            assert!(again.is_hopeless(on_cpu, has_other, at(chances * 1000)));
        }
        let mut again = Again::default();
        for death in 0..9 {
            assert!(!again.is_hopeless(true, true, at(death * 10_000)), "rarely");
        }
    }
}
