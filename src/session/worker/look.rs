//! What of the look before a show is the session's own thread's: picture, sound and arrival, and the end
//! of the list. The rest is `preflight`'s.

use super::Worker;
use crate::clock::MonoTime;
use crate::session::snapshot::{Confirmation, State};
use crate::session::steps::{StepKind, StepState};
use std::time::Duration;

/// A look that failed waits so long for what does not depend on it, so that all of it is told at once.
const REST_OF_LOOK: Duration = Duration::from_secs(1);

impl Worker {
    /// Looks at the sources while a show begins, and after it could not.
    pub(super) fn look_at_sources(&mut self, now: MonoTime) {
        let begins = matches!(
            self.machine.state(),
            State::Preflight | State::Starting | State::Reconnecting { .. }
        );
        let Some(inputs) = self.inputs.as_ref().filter(|_| begins) else {
            return;
        };
        let is_open = |kind| self.board.state(kind).is_some_and(|state| !state.is_over());
        if is_open(StepKind::Picture) {
            self.board.begin(StepKind::Picture, now);
            let status = inputs.picture_status();
            if let Some(problem) = status.problem {
                // It may come yet while the rest is being looked at.
                self.board.note(StepKind::Picture, &problem);
                if self.failing.is_some() {
                    self.no_picture(&problem, now);
                }
            } else if inputs.slot.put_count() > 0 && !status.label.is_empty() {
                // The source's name is told up to one look of its watcher after its first picture.
                self.board
                    .end(StepKind::Picture, StepState::Good, status.label, now);
            } else if let Some(asks) = status.asks {
                self.board.note(StepKind::Picture, &asks);
            }
        }
        if is_open(StepKind::Sound) {
            self.board.begin(StepKind::Sound, now);
            let statuses = inputs.sound_statuses();
            let problem = statuses.iter().find_map(|s| s.problem.clone());
            let labels: Vec<_> = statuses.into_iter().map(|s| s.label).collect();
            let (state, text) = match problem {
                // A show goes on without.
                Some(problem) => (StepState::Warning, problem),
                None if !labels.is_empty() && labels.iter().all(|l| !l.is_empty()) => {
                    (StepState::Good, labels.join(" + "))
                }
                None => return,
            };
            self.board.end(StepKind::Sound, state, text, now);
        }
    }

    /// No picture came in time.
    pub(super) fn no_picture(&self, message: &str, now: MonoTime) {
        self.board
            .end(StepKind::Picture, StepState::Failed, message, now);
    }

    /// A failed look ends the show once the rest was looked at, or its time is up.
    pub(super) fn fail_if_looked(&mut self, now: MonoTime) {
        let Some((_, since)) = &self.failing else {
            return;
        };
        let sources = [StepKind::Picture, StepKind::Sound];
        let looked = sources
            .iter()
            .all(|kind| self.board.state(*kind).is_none_or(StepState::is_over));
        if (looked || now.since(*since) > REST_OF_LOOK)
            && let Some((failure, _)) = self.failing.take()
        {
            self.fail(failure);
        }
    }

    /// The receiver has the stream.
    pub(super) fn arrived(&self, now: MonoTime) {
        let text = match self.machine.confirmation() {
            Confirmation::Online => "the receiver has the stream",
            _ => "the receiver took the connection; it does not say whether the path is online",
        };
        self.board
            .end(StepKind::Connection, StepState::Good, text, now);
        if let Some(inputs) = &self.inputs {
            let status = inputs.picture_status();
            let (state, text) = match status.problem {
                Some(problem) => (StepState::Warning, problem),
                None => (StepState::Good, status.label),
            };
            self.board.end(StepKind::Picture, state, text, now);
        }
        let late = "no sound yet; the show goes on";
        self.board
            .end(StepKind::Sound, StepState::Warning, late, now);
    }

    /// The show has ended: the list stays where it tells why there was none.
    pub(super) fn close_board(&self, now: MonoTime) {
        match self.machine.state() {
            State::Failed { message } => self.board.give_up(message, now),
            _ => self.board.clear(),
        }
    }
}
