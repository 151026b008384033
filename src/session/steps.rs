//! The look before a show as a list: each thing that a show needs, how it stands, what to do.
//!
//! Written by `pd-preflight` and the session's thread, read with each snapshot; under one lock that
//! nobody holds while something is looked at. Bounded: one line a thing.

use super::snapshot::State;
use crate::clock::MonoTime;
use std::sync::{Arc, Mutex, PoisonError};

/// What is looked at, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// The settings' bounds.
    Settings,
    /// The ffmpeg program.
    Ffmpeg,
    /// An H.264 encoder that works.
    Encoder,
    /// Who takes the stream.
    Server,
    /// A first picture.
    Picture,
    /// The sound inputs. A show goes on without.
    Sound,
    /// The stream's arrival.
    Connection,
}

impl StepKind {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Settings,
        Self::Ffmpeg,
        Self::Encoder,
        Self::Server,
        Self::Picture,
        Self::Sound,
        Self::Connection,
    ];

    /// Its name for text output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Ffmpeg => "ffmpeg",
            Self::Encoder => "encoder",
            Self::Server => "server",
            Self::Picture => "picture",
            Self::Sound => "sound",
            Self::Connection => "connection",
        }
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    #[default]
    Pending,
    /// Under way.
    Running,
    /// As it should be.
    Good,
    /// The show goes on, something is not as wished.
    Warning,
    /// No show without it.
    Failed,
    /// Could not be looked at, because something before it failed.
    Skipped,
}

impl StepState {
    /// Whether there is nothing more to come.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// A word for text output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "waits",
            Self::Running => "looking",
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
            Self::Skipped => "not looked at",
        }
    }
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// How it stands.
    pub state: StepState,
    /// What was found, or what happened and what to do; no secret in it.
    pub text: String,
    /// How long it took, ms; None while it is not over.
    pub took_ms: Option<u32>,
    began: Option<MonoTime>,
}

/// Whether the list is to be seen where the show stands at `state`: while it begins, and after a failure
/// until that is put away.
pub fn is_open(steps: &[Step], state: &State) -> bool {
    let failed = steps.iter().any(|step| step.state == StepState::Failed);
    let arrived = steps
        .last()
        .is_some_and(|step| matches!(step.state, StepState::Good | StepState::Warning));
    match state {
        State::Preflight | State::Starting => !steps.is_empty(),
        // Never live yet.
        State::Reconnecting { .. } => !steps.is_empty() && !arrived,
        State::Failed { .. } | State::Stopping => failed,
        State::Idle | State::Live => false,
    }
}

/// The list as it is being written. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    steps: Vec<Step>,
    /// Made when asked for, until the next change.
    shared: Option<Arc<Vec<Step>>>,
}

impl Board {
    /// A new look: every step waits.
    pub fn reset(&self) {
        self.change(|steps| {
            *steps = StepKind::ALL
                .map(|kind| Step {
                    kind,
                    state: StepState::Pending,
                    text: String::new(),
                    took_ms: None,
                    began: None,
                })
                .into();
        });
    }

    /// Nothing to be seen any more.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    /// A step begins at `now`.
    pub fn begin(&self, kind: StepKind, now: MonoTime) {
        self.one(kind, |step| {
            if step.state == StepState::Pending {
                step.state = StepState::Running;
                step.began = Some(now);
            }
        });
    }

    /// A step that is under way, with a word of what it waits for.
    pub fn note(&self, kind: StepKind, text: &str) {
        self.one(kind, |step| {
            if step.state == StepState::Running && step.text != text {
                text.clone_into(&mut step.text);
            }
        });
    }

    /// A step is over; the first word holds, later ones are not heard.
    pub fn end(&self, kind: StepKind, state: StepState, text: impl Into<String>, now: MonoTime) {
        self.one(kind, |step| {
            if step.state.is_over() {
                return;
            }
            step.state = state;
            step.text = text.into();
            let took = step.began.map(|began| now.since(began).as_millis());
            step.took_ms = took.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        });
    }

    /// The show could not begin: what is under way has failed by `message`, unless something has failed
    /// already; the rest is not looked at any more.
    pub fn give_up(&self, message: &str, now: MonoTime) {
        let steps = self.all();
        let mut failed = steps.iter().any(|s| s.state == StepState::Failed);
        // The last one: what is under way longest is what the show is at.
        for step in steps.iter().rev() {
            if step.state == StepState::Running && !std::mem::replace(&mut failed, true) {
                self.end(step.kind, StepState::Failed, message, now);
            } else if !step.state.is_over() {
                let text = "the show was given up before";
                self.end(step.kind, StepState::Skipped, text, now);
            }
        }
    }

    /// How a step stands; None where there is no list.
    pub fn state(&self, kind: StepKind) -> Option<StepState> {
        let steps = self.all();
        steps.iter().find(|s| s.kind == kind).map(|s| s.state)
    }

    /// The list; empty where there is none.
    pub fn all(&self) -> Arc<Vec<Step>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.shared.is_none() {
            inner.shared = Some(Arc::new(inner.steps.clone()));
        }
        inner.shared.clone().unwrap_or_default()
    }

    fn one(&self, kind: StepKind, change: impl FnOnce(&mut Step)) {
        self.change(|steps| {
            if let Some(step) = steps.iter_mut().find(|step| step.kind == kind) {
                change(step);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Step>)) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner.steps);
        inner.shared = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_micros(5_000_000 + ms * 1000)
    }

    #[test]
    fn each_step_has_its_own_time_and_its_first_word_holds() {
        let board = Board::default();
        board.begin(StepKind::Ffmpeg, at(0));
        assert!(board.all().is_empty(), "without a look there is no list");
        board.reset();
        board.begin(StepKind::Ffmpeg, at(0));
        board.begin(StepKind::Picture, at(10));
        board.note(StepKind::Picture, "choose a screen");
        board.end(StepKind::Ffmpeg, StepState::Good, "5.1", at(30));
        board.end(StepKind::Ffmpeg, StepState::Failed, "late", at(40));
        let steps = board.all();
        assert_eq!(
            (steps[1].state, steps[1].took_ms),
            (StepState::Good, Some(30))
        );
        assert_eq!(steps[1].text, "5.1");
        assert_eq!(
            (steps[4].text.as_str(), steps[4].took_ms),
            ("choose a screen", None)
        );
        assert!(
            Arc::ptr_eq(&steps, &board.all()),
            "made anew without a change"
        );
    }

    #[test]
    fn giving_up_names_one_culprit_and_leaves_no_step_open() {
        let board = Board::default();
        board.reset();
        board.begin(StepKind::Picture, at(0));
        board.begin(StepKind::Connection, at(5));
        board.give_up("refused", at(9));
        let states: Vec<_> = board.all().iter().map(|s| s.state).collect();
        use StepState::{Failed, Skipped};
        assert_eq!(
            states,
            [Skipped, Skipped, Skipped, Skipped, Skipped, Skipped, Failed]
        );
        assert_eq!(board.all()[6].text, "refused");
        // Where a step has failed by itself, no other is blamed.
        board.reset();
        board.end(StepKind::Ffmpeg, Failed, "none", at(1));
        board.begin(StepKind::Sound, at(2));
        board.give_up("none", at(3));
        let failed = board.all().iter().filter(|s| s.state == Failed).count();
        assert_eq!(failed, 1);
        assert!(board.all().iter().all(|s| s.state.is_over()));
    }

    #[test]
    fn the_list_is_seen_while_a_show_begins_and_after_it_could_not() {
        let board = Board::default();
        let failed = State::Failed {
            message: "x".into(),
        };
        assert!(!is_open(&board.all(), &State::Preflight));
        board.reset();
        assert!(is_open(&board.all(), &State::Preflight));
        assert!(is_open(&board.all(), &State::Starting));
        assert!(is_open(&board.all(), &State::Reconnecting { attempt: 1 }));
        assert!(!is_open(&board.all(), &State::Live));
        assert!(!is_open(&board.all(), &failed), "nothing of it failed");
        board.end(StepKind::Server, StepState::Failed, "none", at(1));
        assert!(is_open(&board.all(), &failed) && !is_open(&board.all(), &State::Idle));
        // Once it was live, a loss is no matter of the look.
        board.reset();
        board.end(StepKind::Connection, StepState::Good, "", at(1));
        assert!(!is_open(&board.all(), &State::Reconnecting { attempt: 1 }));
        assert!(!is_open(&board.all(), &failed));
    }
}
