//! One way out of a running show: a publisher, where it sends, and what confirms it there.
//!
//! Runs on the session's thread; nothing here waits longer than starting a process takes.

use super::failure::{Failure, FailureKind};
use super::inputs::Inputs;
use super::journal::Journal;
use super::preflight::{self, Destination, Entry};
use super::show::{GRACE, Notice};
use super::snapshot::{Confirmation, NetworkFigures, Receiver, RouteStatus};
use super::watch::{Watch, WatchReport};
use super::way::{Route, Step};
use crate::audio::Mixer;
use crate::clock::{self, MonoTime};
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::output::{Output, SrtOutput};
use crate::ffmpeg::{Ffmpeg, plan, words};
use crate::mediamtx::{ApiError, Client, ManagedServer, Reader};
use crate::publish::invited::Invited;
use crate::publish::loopback::LoopbackReceiver;
use crate::publish::publisher::{Publisher, PublisherWish};
use crate::publish::{TargetError, wished_latency_ms};
use crate::relay::Relay;
use crate::settings::{Settings, Way};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// LIVE is taken back when the server has not shown the stream for this long.
const OFFLINE_IS_LOST: Duration = Duration::from_millis(1500);

/// Older figures of the server say nothing of now.
const FRESH: Duration = Duration::from_secs(1);

/// SRT latency to our own receiver: nothing is lost on loopback.
const LOOPBACK_LATENCY_MS: u32 = 20;

/// What every publisher of a show is made of.
#[derive(Clone)]
pub struct Means {
    /// The show's settings, as they were when it began.
    pub settings: Settings,
    /// Runs the publisher.
    pub ffmpeg: Ffmpeg,
    /// For what the operator must read.
    pub journal: Journal,
    /// Gives the access units.
    pub relay: Arc<Relay>,
    /// Send silence instead of the sound.
    pub muted: Arc<AtomicBool>,
}

/// A way out.
pub struct Outlet {
    means: Means,
    destination: Destination,
    publisher: Option<Publisher>,
    loopback: Option<LoopbackReceiver>,
    watch: Option<Watch>,
    watched: WatchReport,
    online_at: Option<MonoTime>,
    /// None where only loopback is there.
    route: Option<Route>,
    /// The server is to call (SRT pull).
    invited: Option<Invited>,
    /// The latency that the server was asked for, ms, where the way is SRT.
    wished_latency_ms: Option<u32>,
    /// Of the inputs, since the first start.
    sound: Option<Mixer>,
}

impl Outlet {
    /// A way to `destination`, not started.
    pub fn new(means: Means, destination: Destination) -> Self {
        Self {
            means,
            destination,
            publisher: None,
            loopback: None,
            watch: None,
            watched: WatchReport::default(),
            online_at: None,
            route: None,
            invited: None,
            wished_latency_ms: None,
            sound: None,
        }
    }

    /// Starts the publisher on the way in force, and the loopback receiver or the watch over the server with
    /// it. Where a way cannot even be started, the next is taken.
    ///
    /// # Errors
    /// Where a child cannot be started; none is left then.
    pub fn start(&mut self, inputs: &Inputs) -> Result<(), Failure> {
        self.sound = Some(inputs.mixer.clone());
        loop {
            match self.start_once() {
                Err(failure) => match self.next_way(&failure.message, true) {
                    Some(step) => self.tell(&step),
                    None => return Err(failure),
                },
                Ok(()) => return Ok(()),
            }
        }
    }

    fn start_once(&mut self) -> Result<(), Failure> {
        self.end();
        let internal = |e: std::io::Error| Failure::new(FailureKind::Internal, e);
        let managed = match &self.destination {
            Destination::Managed(server) => Some(preflight::managed_entry(
                server,
                &self.means.settings,
                &self.means.ffmpeg.capabilities,
            )?),
            _ => None,
        };
        let entry = match (&managed, &self.destination) {
            (Some(entry), _) => Some(entry),
            (None, Destination::Own { entry, .. }) => Some(&**entry),
            _ => None,
        };
        let (output, secrets) = match entry {
            Some(entry) => {
                let wished = self.means.settings.target.way;
                let route = self
                    .route
                    .get_or_insert_with(|| Route::new(wished, entry.ways.clone()));
                let way = route.way();
                route.started(clock::now());
                self.wished_latency_ms = matches!(way, Way::SrtPush | Way::SrtPull)
                    .then(|| wished_latency_ms(entry.target.latency_ms, entry.ping_ms));
                let (output, invited) = output(entry, way)?;
                self.invited = invited;
                (output, entry.target.secrets())
            }
            None => {
                let receiver = LoopbackReceiver::start(
                    &self.means.ffmpeg,
                    LOOPBACK_LATENCY_MS,
                    &self.means.relay,
                )
                .map_err(internal)?;
                let url = crate::publish::srt_url(receiver.address(), LOOPBACK_LATENCY_MS);
                self.loopback = Some(receiver);
                let output = SrtOutput {
                    url,
                    ..SrtOutput::default()
                };
                (Output::SrtPush(output), Default::default())
            }
        };
        let audio_kbps = self.means.settings.audio.bitrate_kbps;
        let wish = PublisherWish {
            arguments: Box::new(move |audio| {
                plan::publisher(audio, audio_kbps, &output).hiding(secrets)
            }),
            sound: self.sound.clone().unwrap_or_default(),
            muted: self.means.muted.clone(),
            launch: Launch::of(&self.means.settings.performance),
        };
        self.publisher =
            Some(Publisher::start(&self.means.ffmpeg, wish, &self.means.relay).map_err(internal)?);
        self.online_at = None;
        self.watched = WatchReport::default();
        self.watch = self.new_watch();
        Ok(())
    }

    fn new_watch(&self) -> Option<Watch> {
        let path = &self.means.settings.target.path;
        let (client, whep_url) = match &self.destination {
            Destination::Own {
                entry, whep_url, ..
            } => (entry.client.clone(), whep_url.clone()),
            Destination::Managed(server) => {
                (Some(server.client().clone()), Some(server.whep_url(path)))
            }
            Destination::Loopback => return None,
        };
        Some(Watch::start(client, whep_url, path, &self.means.relay))
    }

    /// The step to the next way after a loss, where it is to be taken.
    fn next_way(&mut self, why: &str, server_answers: bool) -> Option<Step> {
        self.route.as_mut()?.lost(why, server_answers)
    }

    fn tell(&self, step: &Step) {
        self.means.journal.warn(format!(
            "{} does not work here: {}. Going on by {}",
            step.from.name(),
            step.why,
            step.to.name()
        ));
    }

    /// Goes over to the next way; what is to be noticed of it.
    fn take(&mut self, step: &Step) -> Notice {
        self.tell(step);
        loop {
            match self.start_once() {
                Ok(()) => return Notice::WayChanged,
                Err(failure) => match self.next_way(&failure.message, true) {
                    Some(step) => self.tell(&step),
                    None => {
                        return Notice::PublisherLost {
                            failure,
                            hopeless: false,
                        };
                    }
                },
            }
        }
    }

    /// Tries the fastest way again, where another is in force; what is to be noticed of it.
    pub fn fastest_again(&mut self) -> Option<Notice> {
        let from = self.route.as_ref()?.way();
        if !self.route.as_mut()?.again() {
            return None;
        }
        self.means.journal.info(format!(
            "the fastest way is tried again; until now it was {}",
            from.name()
        ));
        Some(match self.start_once() {
            Ok(()) => Notice::WayChanged,
            Err(failure) => Notice::PublisherLost {
                failure,
                hopeless: false,
            },
        })
    }

    /// Ends the publisher and what belongs to it.
    pub fn end(&mut self) {
        let (publisher, loopback) = (self.publisher.take(), self.loopback.take());
        let invited = self.invited.take();
        self.watch = None;
        std::thread::scope(|scope| {
            scope.spawn(move || invited.map(Invited::end));
            scope.spawn(move || publisher.map(|publisher| publisher.end(GRACE)));
            scope.spawn(move || loopback.map(|receiver| receiver.end(GRACE)));
        });
    }

    /// Ends it; gives back a managed server for the next show.
    pub fn into_server(mut self) -> Option<ManagedServer> {
        self.end();
        match self.destination {
            Destination::Managed(server) => Some(server),
            _ => None,
        }
    }

    /// Looks at the publisher and the server; what was noticed, in order.
    pub fn poll(&mut self, now: MonoTime) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(report) = self.watch.as_ref().and_then(Watch::newest) {
            self.watched = report;
        }
        if let Some(notice) = self.exit().or_else(|| self.uninvited()) {
            notices.push(notice);
            return notices;
        }
        let sending = self.publisher.as_ref().is_some_and(Publisher::has_sent);
        let arrived = self
            .means
            .relay
            .last_arrival()
            .is_some_and(|at| self.loopback.as_ref().is_some_and(|r| at > r.started_at()));
        // No server shows a file.
        let into_file = self.way() == Some(Way::File);
        let confirmation = match (&self.destination, &self.watch) {
            _ if into_file && sending => Confirmation::Handshake,
            (Destination::Loopback, _) if arrived => Confirmation::Online,
            (Destination::Loopback, _) => Confirmation::None,
            _ if !sending => Confirmation::None,
            (_, Some(watch)) if watch.has_api() && self.watched.answered => {
                if self.watched.online {
                    Confirmation::Online
                } else {
                    Confirmation::None
                }
            }
            // An API that does not answer cannot deny; the first answer is waited for a little.
            (_, Some(watch)) if watch.has_api() && !watch.is_overdue(now) => Confirmation::None,
            _ => Confirmation::Handshake,
        };
        if confirmation != Confirmation::None {
            self.online_at = Some(now);
            if let Some(route) = &mut self.route {
                route.online(now);
            }
            notices.push(Notice::Confirmed(confirmation));
        } else if let Some(seen) = self.online_at
            && now.since(seen) > OFFLINE_IS_LOST
        {
            let why = "the receiver does not show the stream any more; connecting again";
            let failure = Failure::new(FailureKind::NoReceiver, why);
            notices.push(self.lost(failure, false));
        } else if let Some(step) = self.route.as_mut().and_then(|route| route.overdue(now)) {
            notices.push(self.take(&step));
        }
        notices
    }

    /// A loss: the next way's turn, or the machine's to try again.
    fn lost(&mut self, failure: Failure, hopeless: bool) -> Notice {
        // Of the server itself: its API is beside the way that failed.
        let answers = self.watched.answered;
        match self.next_way(&failure.message, answers) {
            Some(step) => self.take(&step),
            None => Notice::PublisherLost { failure, hopeless },
        }
    }

    /// The server could not be told to call.
    fn uninvited(&mut self) -> Option<Notice> {
        let problem = self.invited.as_ref()?.problem()?;
        let refused = matches!(*problem, ApiError::Unauthorised { .. });
        let kind = if refused {
            FailureKind::Refused
        } else {
            FailureKind::NoReceiver
        };
        Some(self.lost(Failure::new(kind, &*problem), refused))
    }

    fn exit(&mut self) -> Option<Notice> {
        let publisher = self.publisher.as_mut()?;
        publisher.poll_exit()?;
        let lines = publisher.tail().lines();
        let was_sending = publisher.has_sent();
        let (kind, message, hopeless) = explain(
            &lines,
            was_sending,
            self.means.settings.target.user.is_empty(),
            self.way().unwrap_or(Way::SrtPush),
        );
        let notice = self.lost(Failure::new(kind, message), hopeless);
        if let Notice::PublisherLost { failure, .. } = &notice {
            self.means.journal.error(failure.message.clone());
        }
        Some(notice)
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
        }
    }

    /// Who takes the stream.
    pub fn receiver(&self) -> Receiver {
        match &self.destination {
            Destination::Own { address, .. } => Receiver::OwnServer {
                address: address.clone(),
            },
            Destination::Managed(server) => Receiver::ManagedMediaMtx {
                viewer_url: server.viewer_url(&self.means.settings.target.path),
            },
            Destination::Loopback => Receiver::Loopback,
        }
    }

    /// The managed server, where there is one.
    pub fn server(&self) -> Option<&ManagedServer> {
        match &self.destination {
            Destination::Managed(server) => Some(server),
            _ => None,
        }
    }

    /// The managed server, where there is one and it has ended: to be started again.
    pub fn dead_server(&mut self) -> bool {
        match &mut self.destination {
            Destination::Managed(server) => !server.is_running(),
            _ => false,
        }
    }

    /// Puts a newly started server in the place of the dead one.
    pub fn replace_server(&mut self, server: ManagedServer) {
        self.destination = Destination::Managed(server);
    }

    /// Viewers, without our own probe; None where the server does not tell.
    pub fn viewers(&self) -> Option<u32> {
        self.watched.answered.then_some(self.watched.viewers)
    }

    /// Who reads, without consoles' probes; empty where the server does not tell.
    pub fn readers(&self) -> Arc<Vec<Reader>> {
        self.watched.readers.clone()
    }

    /// The server's API, where known.
    pub fn client(&self) -> Option<&Client> {
        match &self.destination {
            Destination::Own { entry, .. } => entry.client.as_ref(),
            Destination::Managed(server) => Some(server.client()),
            Destination::Loopback => None,
        }
    }

    /// The way to the server, where its API tells.
    pub fn network(&self) -> Option<NetworkFigures> {
        self.watched.network
    }

    /// The same, where it is not older than a second at `now`.
    pub fn network_now(&self, now: MonoTime) -> Option<NetworkFigures> {
        let fresh = now.since(self.watched.at) < FRESH;
        self.watched.network.filter(|_| fresh)
    }

    /// Process ids by role, for the load table.
    pub fn pids(&mut self) -> Vec<(&'static str, u32)> {
        let mut pids = Vec::new();
        pids.extend(self.publisher.as_mut().map(|p| ("publisher", p.pid())));
        pids.extend(self.loopback.as_mut().map(|r| ("receiver", r.pid())));
        if let Destination::Managed(server) = &self.destination {
            pids.push(("server", server.pid()));
        }
        pids
    }
}

/// What the publisher of `way` is told, and the server's invitation where it is to call.
fn output(entry: &Entry, way: Way) -> Result<(Output, Option<Invited>), Failure> {
    let bad = |e: TargetError| Failure::new(FailureKind::Settings, e);
    if way != Way::SrtPull {
        let output = entry.target.output(way, entry.ping_ms).map_err(bad)?;
        return Ok((output, None));
    }
    let plan = entry.target.pull_plan(entry.ping_ms).map_err(bad)?;
    let client = entry.client.clone().ok_or_else(|| {
        let why = "SRT pull needs the server's API: set target.api_url";
        Failure::new(FailureKind::Settings, why)
    })?;
    let invited = Invited::start(client, &entry.target.path, &plan)
        .map_err(|e| Failure::new(FailureKind::Internal, e))?;
    Ok((plan.output, Some(invited)))
}

fn explain(
    lines: &[String],
    was_sending: bool,
    no_user: bool,
    way: Way,
) -> (FailureKind, String, bool) {
    match words::refusal(lines) {
        Some(words::Refusal::Passphrase) => (
            FailureKind::Refused,
            "the passphrase does not match the receiver's. Enter the right one, or none where the receiver has none"
                .into(),
            true,
        ),
        Some(words::Refusal::Rejected) => {
            let user = if no_user { "a user, if the server wants one," } else { "user, password," };
            let passphrase = if way == Way::SrtPush { " passphrase" } else { "" };
            (
                FailureKind::Refused,
                format!(
                    "the server refuses the stream. Check {user}{passphrase} and path; the server's log names which"
                ),
                true,
            )
        }
        Some(words::Refusal::NoAnswer) if was_sending => (
            FailureKind::NoReceiver,
            "the connection to the receiver broke; connecting again".into(),
            false,
        ),
        Some(words::Refusal::NoAnswer) => {
            let name = match way {
                Way::Auto | Way::SrtPush | Way::SrtPull => "SRT",
                other => other.name(),
            };
            (
                FailureKind::NoReceiver,
                format!("nothing listens for {name} at the target. Check host and port, and that the server runs"),
                false,
            )
        }
        None => {
            let last = lines.last().map_or("it ended without a word", String::as_str);
            (FailureKind::Internal, format!("the publisher ended: {last}; starting it again"), false)
        }
    }
}

/// Whether `now` is late enough after `since` to go on without an answer.
pub(super) fn overdue(since: MonoTime, now: MonoTime) -> bool {
    now.since(since) > Duration::from_secs(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b17_a_refusal_is_hopeless_a_silence_is_not() {
        let lines = |text: &str| vec![text.to_owned()];
        let (kind, text, hopeless) = explain(
            &lines("REJECT: Incorrect passphrase"),
            false,
            true,
            Way::SrtPush,
        );
        assert!(
            kind == FailureKind::Refused && hopeless && text.contains("passphrase"),
            "{text}"
        );
        let (kind, _, hopeless) = explain(
            &lines("srt://x: Input/output error"),
            false,
            true,
            Way::SrtPush,
        );
        assert_eq!((kind, hopeless), (FailureKind::NoReceiver, false));
        let (_, text, _) = explain(&lines("srt://x: Input/output error"), true, true, Way::Rtsp);
        assert!(text.contains("broke"), "{text}");
    }
}
