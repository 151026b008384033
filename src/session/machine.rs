//! The state machine of a show: (state, event, time) to (state, effects). Pure; the runtime carries
//! the effects out and feeds back what came of them. The connection to the programme's receiver is
//! a [`Link`] within it.

use super::link::{Link, Loss, LossKind, Role, Step};
use super::snapshot::{Confirmation, State};
use crate::clock::MonoTime;

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
    PublisherLost(Loss),
    /// The publisher was started; a server that had to be started before took its time.
    PublisherStarted,
    /// Whether the receiver answered a knock.
    Knocked(bool),
    /// Nobody else has the path, as far as anybody can say.
    PathFree,
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

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    state: State,
    policy: Policy,
    link: Link,
    /// Spreads the tries.
    seed: u64,
    live_since: Option<MonoTime>,
    /// What to show when everything has ended.
    failing: Option<String>,
}

impl Machine {
    /// An idle machine; `seed` spreads its tries.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            seed,
            link: Link::new(Role::Programme, seed),
            ..Self::default()
        }
    }

    /// Where the show stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How sure the receiver is. [`Confirmation::None`] in every state but live.
    pub fn confirmation(&self) -> Confirmation {
        match self.state {
            State::Live => self.link.confirmation(),
            _ => Confirmation::None,
        }
    }

    /// Since when it is live; kept while reconnecting.
    pub fn live_since(&self) -> Option<MonoTime> {
        self.live_since
    }

    /// The programme's connection.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Takes an event; returns what is to be done. An event that does not fit the state changes
    /// nothing: children report late.
    pub fn on(&mut self, event: Event, now: MonoTime) -> Option<Effect> {
        use State as S;
        match (&self.state, event) {
            (S::Idle | S::Failed { .. }, Event::GoLive) => {
                *self = Self {
                    state: S::Preflight,
                    ..Self::new(self.policy, self.seed)
                };
                Some(Effect::Preflight)
            }
            (S::Failed { .. }, Event::Dismiss | Event::Stop) => {
                *self = Self::new(self.policy, self.seed);
                None
            }
            (S::Preflight, Event::PreflightDone) => {
                self.state = S::Starting;
                self.link.started(now);
                Some(Effect::Start)
            }
            (S::Preflight, Event::PreflightFailed(message) | Event::Fatal(message)) => {
                self.end(Some(message))
            }
            (S::Idle | S::Stopping, Event::Stop) => None,
            (_, Event::Stop) => self.end(None),
            (S::Starting | S::Live | S::Reconnecting { .. }, event) => self.running(event, now),
            (S::Stopping, Event::Stopped) => {
                let failed = self.failing.take();
                *self = Self::new(self.policy, self.seed);
                if let Some(message) = failed {
                    self.state = S::Failed { message };
                }
                None
            }
            _ => None,
        }
    }

    fn running(&mut self, event: Event, now: MonoTime) -> Option<Effect> {
        match event {
            Event::Fatal(message) => self.end(Some(message)),
            Event::PublisherLost(loss) => {
                let never_live = self.live_since.is_none();
                let hopeless = matches!(loss.kind, LossKind::Refused | LossKind::Taken);
                // While there are other ways the show has not failed.
                let next_way = matches!(loss.kind, LossKind::NextWay | LossKind::Anew);
                if never_live && !next_way && (hopeless || self.policy.fail_before_live) {
                    return self.end(Some(loss.cause));
                }
                let step = self.link.lost(loss, now);
                let effect = self.follow(step);
                if never_live && next_way {
                    self.state = State::Starting;
                }
                effect
            }
            Event::PublisherStarted => {
                if !self.link.is_waiting() {
                    self.link.started(now);
                }
                None
            }
            Event::Confirmed(confirmation) => {
                self.link.confirmed(confirmation, now);
                if self.link.confirmation() != Confirmation::None {
                    self.state = State::Live;
                    self.live_since.get_or_insert(now);
                }
                None
            }
            Event::Knocked(answers) => {
                self.link.knocked(answers, now);
                None
            }
            Event::PathFree => {
                self.link.path_is_free(now);
                None
            }
            Event::Tick => {
                let step = self.link.tick(now);
                if let State::Reconnecting { attempt } = &mut self.state {
                    *attempt = self.link.attempt();
                }
                self.follow(step)
            }
            _ => None,
        }
    }

    fn follow(&mut self, step: Option<Step>) -> Option<Effect> {
        match step? {
            Step::Start => Some(Effect::StartPublisher),
            Step::End => {
                let attempt = self.link.attempt();
                self.state = State::Reconnecting { attempt };
                Some(Effect::EndPublisher)
            }
        }
    }

    fn end(&mut self, failing: Option<String>) -> Option<Effect> {
        self.state = State::Stopping;
        self.failing = failing;
        Some(Effect::EndAll)
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "machine_properties.rs"]
mod properties;
