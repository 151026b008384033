//! Which way into the receiver is taken, and what its publisher is told.

use super::{FRESH, Outlet};
use crate::clock::MonoTime;
use crate::ffmpeg::output::Output;
use crate::mediamtx::ApiError;
use crate::publish::invited::{Fate, Invited, Problem};
use crate::publish::wished_latency_ms;
use crate::session::failure::{Failure, FailureKind};
use crate::session::link::LossKind;
use crate::session::preflight::{self, Destination, Entry};
use crate::session::show::Notice;
use crate::session::snapshot::RouteStatus;
use crate::session::way::{Route, Step};
use crate::settings::Way;

impl Outlet {
    /// What the next publisher is told, and what must not be heard of it; None where only loopback is
    /// there.
    pub(super) fn next_output(
        &mut self,
        now: MonoTime,
    ) -> Result<Option<(Output, [String; 2])>, Failure> {
        let managed = match &self.destination {
            Destination::Managed(server) => {
                let found = &self.means.ffmpeg.capabilities;
                let settings = &self.means.settings;
                Some(preflight::managed_entry(server, settings, found)?)
            }
            _ => None,
        };
        let entry = match (&managed, &self.destination) {
            (Some(entry), _) => entry,
            (None, Destination::Own { entry, .. }) => entry,
            (None, _) => return Ok(None),
        };
        // A connection that is made anew gets rid of what a busy moment made of the first one's latency.
        let knocked = self.knocker.as_ref().and_then(|k| k.round_trip_ms());
        let ping_ms = knocked.or(entry.ping_ms);
        let wished = self.means.settings.target.way;
        let route = self
            .route
            .get_or_insert_with(|| Route::new(wished, entry.ways.clone()));
        let way = route.way();
        route.started(now);
        self.wished_latency_ms = matches!(way, Way::SrtPush | Way::SrtPull)
            .then(|| wished_latency_ms(entry.target.latency_ms, ping_ms));
        // Only going live takes a path over; connecting again does not.
        let takes_over = self.ours.is_none() && self.online_at.is_none() && !route.has_worked();
        let (output, invited) = output(entry, way, ping_ms, takes_over, &self.fate)?;
        self.invited = invited;
        Ok(Some((output, entry.target.secrets())))
    }

    /// After a loss on the way in force: whether the next way is taken from now on.
    pub(super) fn leaves_way(&mut self, why: &str, now: MonoTime) -> bool {
        // Of the server itself: its API is beside the way that failed.
        let answers = self.watched.answered && now.since(self.watched.at) < FRESH;
        let step = self
            .route
            .as_mut()
            .and_then(|route| route.lost(why, answers));
        self.tell(step.as_ref());
        step.is_some()
    }

    fn tell(&self, step: Option<&Step>) {
        if let Some(step) = step {
            self.means.journal.warn(format!(
                "{} does not work here: {}. Going on by {}",
                step.from.name(),
                step.why,
                step.to.name()
            ));
        }
    }

    /// The way in force has not brought the stream to the receiver in time.
    pub(super) fn overdue(&mut self, now: MonoTime) -> Option<Notice> {
        let step = self.route.as_mut()?.overdue(now)?;
        self.tell(Some(&step));
        Some(next_way(step.why, self.online_at))
    }

    /// The server could not be told to call.
    pub(super) fn uninvited(&mut self, now: MonoTime) -> Option<Notice> {
        let problem = self.invited.as_ref()?.problem()?;
        let (failure, loss) = match &*problem {
            Problem::Api(ApiError::Unauthorised { .. }) => {
                (FailureKind::Refused, LossKind::Refused)
            }
            Problem::Taken { .. } => (FailureKind::Refused, LossKind::Taken),
            Problem::Api(_) => (FailureKind::NoReceiver, LossKind::Broke),
        };
        Some(self.lost(Failure::new(failure, &*problem), loss, now))
    }

    /// Tries the fastest way again, where another is in force; what is to be noticed of it.
    pub fn fastest_again(&mut self, now: MonoTime) -> Option<Notice> {
        if !self.route.as_mut()?.again() {
            return None;
        }
        let why = "the fastest way is tried again, as the operator wishes";
        let failure = Failure::new(FailureKind::NoReceiver, why);
        Some(self.lost(failure, LossKind::Anew, now))
    }

    /// The way in force; None where only loopback is there, or nothing was started.
    pub fn way(&self) -> Option<Way> {
        self.route.as_ref().map(Route::way)
    }

    /// The ways, as the operator sees them.
    pub fn route(&self) -> RouteStatus {
        let Some(route) = &self.route else {
            return RouteStatus::default();
        };
        RouteStatus {
            way: Some(route.way()),
            ways: route.ways(),
            fallback: route.fallback(),
            wished_latency_ms: self.wished_latency_ms,
            held_beyond_ms: self.held_beyond_ms(),
        }
    }
}

fn next_way(why: String, last_good: Option<MonoTime>) -> Notice {
    Notice::PublisherLost {
        failure: Failure::new(FailureKind::NoReceiver, why),
        kind: LossKind::NextWay,
        last_good,
    }
}

/// What the publisher of `way` is told, and the server's invitation where it is to call.
fn output(
    entry: &Entry,
    way: Way,
    ping_ms: Option<f64>,
    takes_over: bool,
    fate: &Fate,
) -> Result<(Output, Option<Invited>), Failure> {
    if way != Way::SrtPull {
        let output = entry.target.output(way, ping_ms);
        let output = output.map_err(|e| Failure::new(FailureKind::Settings, e))?;
        return Ok((output, None));
    }
    let plan = entry
        .target
        .pull_plan(ping_ms)
        .map_err(|e| Failure::new(FailureKind::Settings, e))?;
    let client = entry.client.clone().ok_or_else(|| {
        let why = "SRT pull needs the server's API: set target.api_url";
        Failure::new(FailureKind::Settings, why)
    })?;
    let invited = Invited::start(client, &entry.target.path, &plan, takes_over, fate)
        .map_err(|e| Failure::new(FailureKind::Internal, e))?;
    Ok((plan.output, Some(invited)))
}
