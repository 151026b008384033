//! What a check runs in: a thread of its own, a deadline, a net under its panics.
//!
//! A check that does not end in time is told to stop, waited for a moment, and left behind with its
//! stop token set; what it says later is heard by nobody.

use super::{Area, Line, Now, Outcome};
use crate::monitor::cpu::Busyness;
use crate::panics::text_of;
use crate::settings::{Secrets, Settings};
use crate::stop::StopToken;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a check that was told to stop is waited for.
const LAST_WAIT: Duration = Duration::from_millis(500);
/// From one look at the stop token to the next.
const TURN: Duration = Duration::from_millis(20);

/// What is looked at.
pub(super) struct Case {
    pub(super) settings: Settings,
    pub(super) secrets: Secrets,
    pub(super) now: Now,
}

/// What a check found, before it is a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) outcome: Outcome,
    pub(super) found: String,
    pub(super) fix: String,
}

impl Look {
    fn new(outcome: Outcome, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            outcome,
            found: found.into(),
            fix: fix.into(),
        }
    }

    pub(super) fn ok(found: impl Into<String>) -> Self {
        Self::new(Outcome::Ok, found, "")
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, why, "")
    }

    pub(super) fn warning(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Outcome::Warning, found, fix)
    }

    pub(super) fn failed(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, found, fix)
    }

    /// From one of the console's messages, which end with what to do; `or` where this one does not.
    pub(super) fn of_message(outcome: Outcome, message: impl ToString, or: &str) -> Self {
        let message = message.to_string();
        let (found, fix) = split_advice(&message);
        Self::new(outcome, found, if fix.is_empty() { or } else { fix })
    }
}

/// The last sentence of a message, which says what to do, and what stands before it.
pub(super) fn split_advice(message: &str) -> (&str, &str) {
    let message = message.trim().trim_end_matches('.');
    let ends = message.rmatch_indices(". ").find(|(at, end)| {
        let next = message[at + end.len()..].chars().next();
        next.is_some_and(char::is_uppercase)
    });
    match ends {
        Some((at, end)) => (&message[..at], &message[at + end.len()..]),
        None => (message, ""),
    }
}

pub(super) fn no_thread(error: &std::io::Error) -> Look {
    Look::failed(
        format!("no thread for the check: {error}"),
        "end other programs, or log in anew",
    )
}

/// Why a check gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Nothing {
    /// It did not end in time.
    Late {
        /// In which.
        limit: Duration,
        /// What of all cores was in use meanwhile, percent, where the machine was busy.
        busy: Option<u32>,
    },
    /// The whole look was ended.
    Stopped,
    /// It failed inside.
    Panicked(String),
}

impl Nothing {
    pub(super) fn look(&self) -> Look {
        match self {
            Self::Late {
                limit,
                busy: Some(percent),
            } => Look::warning(
                format!(
                    "no answer within {:.0} s: this machine is busy (CPU at {percent} %)",
                    limit.as_secs_f64()
                ),
                "end other programs, then look again",
            ),
            Self::Late { limit, busy: None } => Look::failed(
                format!("no answer within {:.0} s", limit.as_secs_f64()),
                "look again; if it stays so, start the console (or this machine) anew",
            ),
            Self::Stopped => Look::skipped("ended before it was looked at"),
            Self::Panicked(why) => Look::failed(
                format!("the check failed inside ({why})"),
                "this is a fault of the console: report it with its log",
            ),
        }
    }
}

/// Runs `check` on a thread of its own, for `limit` at most.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    stop: &StopToken,
    check: impl FnOnce(&StopToken) -> T + Send + 'static,
) -> Result<T, Nothing> {
    if stop.is_stopped() {
        return Err(Nothing::Stopped);
    }
    let (done, result) = bounded(1);
    let ends = StopToken::new();
    let token = ends.clone();
    let spawned = std::thread::Builder::new()
        .name("pd-check".into())
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| check(&token)));
            let _ = done.try_send(result.map_err(|panic| text_of(&*panic).to_owned()));
        });
    if let Err(error) = spawned {
        return Err(Nothing::Panicked(format!("no thread: {error}")));
    }
    let mut busy = Busyness::begin();
    let until = Instant::now() + limit;
    let why = loop {
        match result.recv_timeout(TURN) {
            Ok(result) => return result.map_err(Nothing::Panicked),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Nothing::Panicked("it ended without a word".into()));
            }
            Err(RecvTimeoutError::Timeout) if stop.is_stopped() => break Nothing::Stopped,
            Err(RecvTimeoutError::Timeout) if Instant::now() >= until => {
                let busy = busy.percent();
                break Nothing::Late { limit, busy };
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    ends.stop();
    match result.recv_timeout(LAST_WAIT) {
        Ok(Ok(value)) if why != Nothing::Stopped => Ok(value),
        _ => Err(why),
    }
}

/// Checks one after another, and where their lines go.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) case: Arc<Case>,
    lines: Sender<Line>,
    pub(super) stop: StopToken,
}

impl Lane {
    pub(super) fn new(case: Arc<Case>, lines: Sender<Line>, stop: StopToken) -> Self {
        Self { case, lines, stop }
    }

    /// A line is there.
    pub(super) fn tell(&self, area: Area, took: Duration, look: Look) {
        let _ = self.lines.try_send(Line {
            area,
            outcome: look.outcome,
            found: look.found,
            fix: look.fix,
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        });
    }

    /// Runs a check and tells its lines.
    pub(super) fn look(
        &self,
        area: Area,
        limit: Duration,
        check: impl FnOnce(&Case, &StopToken) -> Vec<Look> + Send + 'static,
    ) {
        self.look_for(area, limit, |case, stop| (check(case, stop), ()));
    }

    /// Runs a check that finds something for those after it; None where it did not end.
    pub(super) fn look_for<T: Send + 'static>(
        &self,
        area: Area,
        limit: Duration,
        check: impl FnOnce(&Case, &StopToken) -> (Vec<Look>, T) + Send + 'static,
    ) -> Option<T> {
        let case = self.case.clone();
        let began = Instant::now();
        let (looks, found) = match within(limit, &self.stop, move |stop| check(&case, stop)) {
            Ok((looks, found)) => (looks, Some(found)),
            Err(nothing) => (vec![nothing.look()], None),
        };
        for look in looks {
            self.tell(area, began.elapsed(), look);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_hangs_costs_its_time_limit_and_no_more() {
        let began = Instant::now();
        let limit = Duration::from_millis(100);
        let hangs = within(limit, &StopToken::new(), |_| {
            std::thread::sleep(Duration::from_secs(30));
        });
        let Err(why @ Nothing::Late { limit: told, .. }) = hangs else {
            panic!("{hangs:?}");
        };
        assert_eq!(told, limit);
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(!why.look().fix.is_empty());
        let of = |busy| Nothing::Late { limit, busy }.look();
        assert_eq!(of(None).outcome, Outcome::Failed);
        let busy = of(Some(97));
        assert_eq!(busy.outcome, Outcome::Warning, "nobody knows");
        assert!(busy.found.contains("97 %"), "{busy:?}");
    }

    #[test]
    fn a_check_that_is_told_to_stop_may_say_what_it_has() {
        let said = within(Duration::from_millis(100), &StopToken::new(), |stop| {
            stop.sleep(Duration::from_secs(30));
            7
        });
        assert_eq!(said, Ok(7));
    }

    #[test]
    fn a_panic_is_a_line() {
        let fails = within(Duration::from_secs(10), &StopToken::new(), |_| {
            assert!(std::hint::black_box(false), "no such {}", 7);
        });
        assert_eq!(fails, Err(Nothing::Panicked("no such 7".into())));
    }

    #[test]
    fn the_end_of_the_look_ends_a_check() {
        let stop = StopToken::new();
        let other = stop.clone();
        let began = Instant::now();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            other.stop();
        });
        let ended = within(Duration::from_secs(30), &stop, |stop| {
            stop.sleep(Duration::from_secs(30));
        });
        assert_eq!(ended, Err(Nothing::Stopped));
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(within(Duration::ZERO, &stop, |_| ()), Err(Nothing::Stopped));
    }

    #[test]
    fn what_to_do_is_the_last_sentence() {
        assert_eq!(
            split_advice("a.b cannot run: no. 7 is bad. Set another one."),
            ("a.b cannot run: no. 7 is bad", "Set another one")
        );
        assert_eq!(split_advice("just broken."), ("just broken", ""));
        assert_eq!(split_advice(""), ("", ""));
        let look = Look::of_message(Outcome::Failed, "just broken", "mend it");
        assert_eq!(
            (look.found.as_str(), look.fix.as_str()),
            ("just broken", "mend it")
        );
    }
}
