//! The state machine of a show: (state, event, time) to (state, effects). Pure; the runtime carries
//! the effects out and feeds back what came of them.

use super::backoff;
use super::snapshot::{Confirmation, State};
use crate::clock::MonoTime;
use std::time::Duration;

/// What happens to a show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The operator wants to go live.
    GoLive,
    /// The operator wants to end.
    Stop,
    /// The operator has read the failure.
    Dismiss,
    /// Everything that the show needs is there.
    PreflightDone,
    /// Something is missing; the message says what to do.
    PreflightFailed(String),
    /// The receiver has, or no longer has, the stream.
    Confirmed(Confirmation),
    /// The publisher or its connection is lost.
    PublisherLost {
        /// For the operator.
        message: String,
        /// Trying again cannot help before the operator has changed something.
        hopeless: bool,
    },
    /// Another way to the receiver was taken at once; its publisher runs.
    WayChanged,
    /// No way to go on: no encoder, no receiver of our own.
    Fatal(String),
    /// Everything has ended.
    Stopped,
    /// Time passes.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look at everything that the show needs.
    Preflight,
    /// Start source, sound, encoder and publisher.
    Start,
    /// Start the publisher only.
    StartPublisher,
    /// End the publisher only; source and encoder go on.
    EndPublisher,
    /// End everything.
    EndAll,
}

/// How patient the show is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Without a window: a show that was never live fails with the first loss instead of trying
    /// on for ever.
    pub fail_before_live: bool,
}

/// No confirmation within this time is a loss: the connection stands and nothing comes through.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    state: State,
    policy: Policy,
    confirmation: Confirmation,
    live_since: Option<MonoTime>,
    attempt: u32,
    /// When the publisher is started again; None while one runs.
    next_try: Option<MonoTime>,
    publisher_since: MonoTime,
    /// What to show when everything has ended.
    failing: Option<String>,
}

impl Machine {
    /// An idle machine.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Where the show stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How sure the receiver is. [`Confirmation::None`] in every state but live.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// Since when it is live; kept while reconnecting.
    pub fn live_since(&self) -> Option<MonoTime> {
        self.live_since
    }

    /// When the next try begins.
    pub fn next_try(&self) -> Option<MonoTime> {
        self.next_try
    }

    /// Takes an event; returns what is to be done. An event that does not fit the state changes
    /// nothing: children report late.
    pub fn on(&mut self, event: Event, now: MonoTime) -> Option<Effect> {
        use State as S;
        match (&self.state, event) {
            (S::Idle | S::Failed { .. }, Event::GoLive) => {
                *self = Self {
                    state: S::Preflight,
                    ..Self::new(self.policy)
                };
                Some(Effect::Preflight)
            }
            (S::Failed { .. }, Event::Dismiss | Event::Stop) => {
                *self = Self::new(self.policy);
                None
            }
            (S::Preflight, Event::PreflightDone) => {
                self.state = S::Starting;
                self.publisher_since = now;
                Some(Effect::Start)
            }
            (S::Preflight, Event::PreflightFailed(message) | Event::Fatal(message)) => {
                self.end(Some(message))
            }
            (S::Idle | S::Stopping, Event::Stop) => None,
            (_, Event::Stop) => self.end(None),
            (S::Starting | S::Live | S::Reconnecting { .. }, Event::Fatal(message)) => {
                self.end(Some(message))
            }
            (
                S::Starting | S::Live | S::Reconnecting { .. },
                Event::PublisherLost { message, hopeless },
            ) => self.lost(message, hopeless, now),
            (S::Starting | S::Live | S::Reconnecting { .. }, Event::Confirmed(confirmation)) => {
                self.confirmed(confirmation, now)
            }
            (S::Starting | S::Live | S::Reconnecting { .. }, Event::WayChanged) => {
                self.way_changed(now);
                None
            }
            (S::Starting | S::Reconnecting { .. }, Event::Tick) => self.tick(now),
            (S::Stopping, Event::Stopped) => {
                let failed = self.failing.take();
                *self = Self::new(self.policy);
                if let Some(message) = failed {
                    self.state = S::Failed { message };
                }
                None
            }
            _ => None,
        }
    }

    fn confirmed(&mut self, confirmation: Confirmation, now: MonoTime) -> Option<Effect> {
        if confirmation == Confirmation::None {
            // Asking again may have failed; only the publisher's end takes LIVE back.
            return None;
        }
        // A word of the publisher before.
        if self.next_try.is_some() {
            return None;
        }
        self.state = State::Live;
        self.confirmation = confirmation;
        self.live_since.get_or_insert(now);
        self.attempt = 0;
        None
    }

    fn lost(&mut self, message: String, hopeless: bool, now: MonoTime) -> Option<Effect> {
        if self.next_try.is_some() {
            return None;
        }
        let never_live = self.live_since.is_none();
        if never_live && (hopeless || self.policy.fail_before_live) {
            return self.end(Some(message));
        }
        self.attempt = self.attempt.saturating_add(1);
        self.confirmation = Confirmation::None;
        self.state = State::Reconnecting {
            attempt: self.attempt,
        };
        self.next_try = Some(now + backoff::wait(self.attempt));
        Some(Effect::EndPublisher)
    }

    /// A publisher has only just been started: it has its time for coming online.
    fn way_changed(&mut self, now: MonoTime) {
        self.publisher_since = now;
        self.next_try = None;
        self.confirmation = Confirmation::None;
        if self.live_since.is_some() {
            self.attempt = self.attempt.max(1);
            self.state = State::Reconnecting {
                attempt: self.attempt,
            };
        }
    }

    fn tick(&mut self, now: MonoTime) -> Option<Effect> {
        match self.next_try {
            Some(at) if now >= at => {
                self.next_try = None;
                self.publisher_since = now;
                Some(Effect::StartPublisher)
            }
            None if now.since(self.publisher_since) > CONFIRM_LIMIT => self.lost(
                "the receiver took the connection but does not show the stream".into(),
                false,
                now,
            ),
            _ => None,
        }
    }

    fn end(&mut self, failing: Option<String>) -> Option<Effect> {
        self.state = State::Stopping;
        self.confirmation = Confirmation::None;
        self.next_try = None;
        self.failing = failing;
        Some(Effect::EndAll)
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
