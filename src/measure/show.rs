//! One show of a measurement: the session as `pd-console live` has it, from its start to LIVE, watched
//! for a while, and ended. Blocks the command line's thread; drops nothing.

use crate::capture::Opener;
use crate::clock;
use crate::monitor::load::{Load, LoadMeter, Memory};
use crate::session::failure::{Failure, FailureKind};
use crate::session::journal::Journal;
use crate::session::machine::Policy;
use crate::session::runtime::Options;
use crate::session::snapshot::{Snapshot, State};
use crate::session::{Command, Console, Session};
use crate::settings::{Secrets, Settings};
use crate::stop::StopToken;
use std::sync::Arc;
use std::time::Duration;

/// A show that is not live after this is given up: ffmpeg, server and encoder's test take some seconds.
const LIVE_LIMIT: Duration = Duration::from_secs(40);
/// What is left out of the figures from LIVE on: what was held back while all started comes late.
pub const SETTLE: Duration = Duration::from_secs(1);
/// A span that was interrupted sooner says nothing.
pub const LEAST: Duration = Duration::from_secs(1);
/// From one look at the session to the next.
const LOOK: Duration = Duration::from_millis(20);

/// A show that is live.
pub struct Show(Session);

/// What a span cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Percent of one core.
    pub cpu: Load,
    /// Resident MiB at the end.
    pub memory: Memory,
}

/// Said where the operator interrupts.
pub fn interrupted() -> Failure {
    Failure::new(FailureKind::Internal, "interrupted")
}

impl Show {
    /// Starts a show and waits until it is live. `open` opens the picture source; None is the usual one.
    ///
    /// # Errors
    /// Why it could not begin; [`interrupted`] where `stop` was set.
    pub fn start(
        settings: &Settings,
        secrets: &Secrets,
        open: Option<Opener>,
        stop: &StopToken,
    ) -> Result<Self, Failure> {
        let internal = |e: std::io::Error| Failure::new(FailureKind::Internal, e);
        let usual = Options::default();
        let options = Options {
            policy: Policy {
                fail_before_live: true,
            },
            sources_on_demand: true,
            open_picture: open.unwrap_or(usual.open_picture),
            settle: SETTLE,
            ..Options::default()
        };
        let journal = Journal::new();
        let session = Session::start(settings.clone(), secrets.clone(), options, journal, None);
        let show = Self(session.map_err(internal)?);
        let asked_at = clock::now();
        show.0.send(Command::GoLive);
        loop {
            if stop.sleep(LOOK) {
                return Err(interrupted());
            }
            match &show.snapshot().state {
                State::Live => return Ok(show),
                State::Failed { message } => return Err(show.failure(message)),
                _ if clock::now().since(asked_at) > LIVE_LIMIT => {
                    let seconds = LIVE_LIMIT.as_secs();
                    let last = show.last_words();
                    let late = format!(
                        "the receiver did not have the stream within {seconds} s. Last in the log: {last}"
                    );
                    return Err(show.failure(&late));
                }
                _ => {}
            }
        }
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.0
    }

    /// Its newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot()
    }

    /// The newest of the log, what is wrong before what is not.
    fn last_words(&self) -> String {
        let log = self.snapshot().log.clone();
        let line = log.iter().max_by_key(|line| line.severity);
        line.map_or_else(String::new, |line| line.text.clone())
    }

    fn failure(&self, message: &str) -> Failure {
        let known = self.0.failure();
        known.unwrap_or_else(|| Failure::new(FailureKind::NoReceiver, message))
    }

    /// Watches for `time` or until `stop`; for how long, s.
    ///
    /// # Errors
    /// Where the show lost its receiver or failed meanwhile: its figures would be of something else; and
    /// [`interrupted`] where `stop` was set within the first second.
    pub fn watch(&self, time: Duration, stop: &StopToken) -> Result<f64, Failure> {
        let from = clock::now();
        loop {
            let stopped = stop.sleep(LOOK);
            match &self.snapshot().state {
                State::Failed { message } => return Err(self.failure(message)),
                State::Reconnecting { .. } => {
                    let cause = self.snapshot().link.cause.clone();
                    let lost = format!("the receiver was lost while measuring: {cause}");
                    return Err(Failure::new(FailureKind::NoReceiver, lost));
                }
                _ => {}
            }
            let watched = clock::now().since(from);
            if stopped && watched < LEAST {
                return Err(interrupted());
            }
            if stopped || watched >= time {
                return Ok(watched.as_secs_f64());
            }
        }
    }

    /// Ends the show and every child of it.
    pub fn end(self) {
        self.0.quit();
    }
}

/// Measures what processes cost from now on.
pub struct CostMeter(LoadMeter);

impl CostMeter {
    /// Begins with these children.
    pub fn start(children: &[(&'static str, u32)]) -> Self {
        Self(LoadMeter::start(children))
    }

    /// Since the start.
    pub fn cost(mut self, children: &[(&'static str, u32)]) -> Cost {
        Cost {
            cpu: self.0.load(children),
            memory: self.0.memory(children),
        }
    }
}
