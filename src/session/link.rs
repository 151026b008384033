//! The connection of one outlet: up, lost, waiting, tried again. Pure: events and the time in,
//! steps out; the chance that spreads the tries comes from a seed. The programme's is the show's
//! state ([`super::machine`]); each backup has its own and disturbs nobody.

use super::backoff;
use super::snapshot::{Confirmation, Outage};
use crate::clock::MonoTime;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// No confirmation within this time is a loss: the connection stands and nothing comes through.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);
/// A connection that held so long was a good one: its loss is tried again from the first step, and
/// at once where the receiver answers. Shorter ones go on in the steps, so that two publishers of
/// one path, or a server that accepts and drops, are no storm.
const STEADY: Duration = Duration::from_secs(3);
/// Between two starts of a publisher, whatever calls for the second.
const LEAST: Duration = Duration::from_millis(500);
/// Between two tries of a backup that is refused: someone must change something there first.
const REFUSED_BACKUP: Duration = Duration::from_secs(30);
/// A receiver that answered knocks and does so no more is not called: a connection that hangs in its
/// handshake gathers pictures that would be sent late when it comes back, and knocking sees it
/// sooner. Each so-manieth try is made all the same: a firewall may have begun to swallow knocks.
const CALL_ANYWAY: u32 = 4;
/// Outages kept; a show with more has other problems.
const KEPT: usize = 100;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The show's own receiver.
    #[default]
    Programme,
    /// A second receiver.
    Backup,
}

/// What became of a publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// For the operator.
    pub cause: String,
    /// What is to follow.
    pub kind: LossKind,
    /// When the receiver last had the stream, as far as known.
    pub last_good: Option<MonoTime>,
}

/// Kinds of [`Loss`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// The connection broke, or nobody answers.
    Broke,
    /// Nothing is wrong any more with what was lost: start again at once (a server of our own is back).
    Restart,
    /// The connection is made anew on purpose, at once: nobody's fault, and nothing is lost but a moment.
    Anew,
    /// The receiver says no: trying again helps only once someone has changed something there.
    Refused,
    /// Another way into the receiver is to be taken, at once.
    NextWay,
    /// Another publisher has taken the path: starting would throw it out.
    Taken,
}

impl Loss {
    /// A broken connection.
    pub fn broke(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            kind: LossKind::Broke,
            last_good: None,
        }
    }
}

/// What is to be done with the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start one.
    Start,
    /// End it.
    End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wait {
    /// A publisher runs, or nothing does.
    #[default]
    No,
    /// For the next try.
    Until(MonoTime),
    /// For the path to be free.
    Free,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Link {
    role: Role,
    dice: fastrand::Rng,
    confirmation: Confirmation,
    wait: Wait,
    /// Tries of this outage, the one that is waited for included.
    attempt: u32,
    /// Whether the receiver answers knocks; None where not known.
    answers: Option<bool>,
    ever_answered: bool,
    /// Tries without a call since the last call.
    skipped: u32,
    started_at: MonoTime,
    up_since: Option<MonoTime>,
    ever_up: bool,
    cause: String,
    /// Whether the last loss was on purpose.
    anew: bool,
    /// The outage that lasts.
    now_away: Option<Outage>,
    /// Those that are over, oldest first.
    outages: Arc<VecDeque<Outage>>,
}

impl Default for Link {
    fn default() -> Self {
        Self::new(Role::default(), 0)
    }
}

impl Link {
    /// A connection before its first publisher.
    pub fn new(role: Role, seed: u64) -> Self {
        Self {
            role,
            dice: fastrand::Rng::with_seed(seed),
            confirmation: Confirmation::None,
            wait: Wait::No,
            attempt: 0,
            answers: None,
            ever_answered: false,
            skipped: 0,
            started_at: MonoTime::ZERO,
            up_since: None,
            ever_up: false,
            cause: String::new(),
            anew: false,
            now_away: None,
            outages: Arc::default(),
        }
    }

    /// How sure the receiver is; [`Confirmation::None`] while not up.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// Whether the receiver has ever had the stream.
    pub fn was_ever_up(&self) -> bool {
        self.ever_up
    }

    /// Whether a publisher is waited for instead of running.
    pub fn is_waiting(&self) -> bool {
        self.wait != Wait::No
    }

    /// The number of the next try, from 1; 0 before the first loss.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When the next try begins; None while one is under way or the path is not free.
    pub fn next_try(&self) -> Option<MonoTime> {
        match self.wait {
            Wait::Until(at) => Some(at),
            Wait::No | Wait::Free => None,
        }
    }

    /// Whether the path is another publisher's and waited for.
    pub fn waits_for_path(&self) -> bool {
        self.wait == Wait::Free
    }

    /// Why it is not up; empty before the first loss.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Whether it is not up because it is made anew on purpose; not any more once a try of that failed.
    pub fn is_made_anew(&self) -> bool {
        self.anew && self.confirmation == Confirmation::None
    }

    /// The outage that lasts, where the receiver had the stream before.
    pub fn outage(&self) -> Option<&Outage> {
        self.now_away.as_ref()
    }

    /// Outages that are over, the newest 100, oldest first.
    pub fn outages(&self) -> &Arc<VecDeque<Outage>> {
        &self.outages
    }

    /// A publisher was started (after [`Step::Start`], or the first).
    pub fn started(&mut self, now: MonoTime) {
        self.wait = Wait::No;
        self.started_at = now;
    }

    /// The receiver has the stream. Returns the outage that ends with it.
    pub fn confirmed(&mut self, confirmation: Confirmation, now: MonoTime) -> Option<Outage> {
        // Asking again may have failed; and a word of the publisher before is none of this one.
        if confirmation == Confirmation::None || self.is_waiting() {
            return None;
        }
        self.confirmation = confirmation;
        self.ever_up = true;
        self.up_since.get_or_insert(now);
        let mut over = self.now_away.take()?;
        over.to = Some(now);
        let outages = Arc::make_mut(&mut self.outages);
        if outages.len() == KEPT {
            outages.pop_front();
        }
        outages.push_back(over.clone());
        Some(over)
    }

    /// The publisher or its connection is lost. A second word of the same loss changes nothing.
    pub fn lost(&mut self, loss: Loss, now: MonoTime) -> Option<Step> {
        if self.is_waiting() {
            return None;
        }
        let up_since = self.up_since.take();
        let steady = up_since.is_some_and(|since| now.since(since) >= STEADY);
        if steady {
            self.attempt = 0;
        }
        self.attempt = self.attempt.saturating_add(1);
        self.confirmation = Confirmation::None;
        self.cause.clone_from(&loss.cause);
        self.anew = loss.kind == LossKind::Anew;
        if self.ever_up {
            let last_good = loss.last_good.filter(|_| up_since.is_some());
            let outage = self.now_away.get_or_insert_with(|| Outage {
                from: last_good.unwrap_or(now).min(now),
                to: None,
                tries: 0,
                cause: loss.cause.clone(),
            });
            outage.tries = outage.tries.saturating_add(1);
        }
        let step = backoff::wait(self.attempt, self.dice.f64());
        self.wait = match loss.kind {
            LossKind::Taken => Wait::Free,
            LossKind::Restart | LossKind::Anew | LossKind::NextWay => {
                Wait::Until(self.soonest(now))
            }
            LossKind::Broke if steady && self.answers == Some(true) => {
                Wait::Until(self.soonest(now))
            }
            LossKind::Broke => Wait::Until(now + step),
            LossKind::Refused if self.role == Role::Backup => Wait::Until(now + REFUSED_BACKUP),
            LossKind::Refused => Wait::Until(now + backoff::longest()),
        };
        Some(Step::End)
    }

    /// Whether the receiver answered a knock. One that was silent and answers again is called at
    /// once; one that answers all the time has another reason not to take the stream.
    pub fn knocked(&mut self, answers: bool, now: MonoTime) {
        let before = self.answers.replace(answers);
        self.ever_answered |= answers;
        if answers && before == Some(false) {
            self.hurry(now);
        }
    }

    /// Nobody else is on the path (any more), or nobody can say: a wait for that is over.
    pub fn path_is_free(&mut self, now: MonoTime) {
        if self.wait == Wait::Free {
            self.wait = Wait::Until(self.soonest(now));
        }
    }

    /// What waits is tried now.
    pub fn hurry(&mut self, now: MonoTime) {
        if let Wait::Until(at) = self.wait {
            self.wait = Wait::Until(at.min(self.soonest(now)));
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: MonoTime) -> Option<Step> {
        match self.wait {
            Wait::Until(at) if now >= at => {
                let is_away = self.answers == Some(false) && self.ever_answered;
                if is_away && self.skipped + 1 < CALL_ANYWAY {
                    self.skipped += 1;
                    self.attempt = self.attempt.saturating_add(1);
                    let step = backoff::wait(self.attempt, self.dice.f64());
                    self.wait = Wait::Until(now + step);
                    return None;
                }
                self.skipped = 0;
                self.started(now);
                Some(Step::Start)
            }
            Wait::No
                if self.confirmation == Confirmation::None
                    && now.since(self.started_at) > CONFIRM_LIMIT =>
            {
                let cause = "the receiver took the connection but does not show the stream";
                self.lost(Loss::broke(cause), now)
            }
            _ => None,
        }
    }

    fn soonest(&self, now: MonoTime) -> MonoTime {
        now.max(self.started_at + LEAST)
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
