//! One way out of a running show: a publisher, where it sends, and what confirms it there.
//!
//! Runs on the session's thread; nothing here waits longer than starting a process takes. Publishers
//! end on threads `pd-end-out`, a dead managed server is started again on `pd-server-start`; a
//! publisher that is wanted meanwhile starts when these are through.

mod explain;
mod held;
mod judge;
mod revive;
mod route;

use super::failure::{Failure, FailureKind};
use super::hands::{Ending, Hands, Knocking, Leaving, Publishing, Watching};
use super::journal::Journal;
use super::knock::{Answer, Door};
use super::link::{LossKind, Role};
use super::preflight::Destination;
use super::show::Notice;
use super::snapshot::{Confirmation, NetworkFigures, ProbeState, ProbeStatus, Receiver};
use super::watch::WatchReport;
use super::way::Route;
use crate::audio::Mixer;
use crate::clock::MonoTime;
use crate::ffmpeg::Ffmpeg;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::output::{Output, SrtOutput};
use crate::ffmpeg::plan;
use crate::mediamtx::{Client, ManagedServer, Reader, ServerError};
use crate::publish::invited::{Fate, Invited};
use crate::publish::loopback::LoopbackReceiver;
use crate::publish::publisher::PublisherWish;
use crate::relay::Relay;
use crate::relay::arrivals::Arrivals;
use crate::settings::Settings;
use crate::stop::StopToken;
use crossbeam_channel::Receiver as Inbox;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// LIVE is taken back when the server has not shown the stream for this long: three answers.
const OFFLINE_IS_LOST: Duration = Duration::from_millis(750);
/// Older figures of the server say nothing of now.
const FRESH: Duration = Duration::from_secs(1);
/// Another's path is believed to be theirs for so long without the server's word: an API that is slow
/// once must not have us throw them out.
const THEIRS: Duration = Duration::from_secs(10);
/// The server's word on why a publisher ended is waited for so long.
const WORD_LIMIT: Duration = Duration::from_millis(700);
/// An API that has not answered for so long after a publisher's start is gone on without.
const API_LIMIT: Duration = Duration::from_secs(3);
/// The server's first word, on who has the path before us, is waited for so long.
const FIRST_WORD: Duration = Duration::from_millis(600);
/// A port that the machine says is closed is told of so long after a publisher began to call it.
const CLOSED_IS_TOLD: Duration = Duration::from_millis(1_500);
/// SRT latency to our own receiver: nothing is lost on loopback.
const LOOPBACK_LATENCY_MS: u32 = 20;
/// A listener whose port is taken is given another so many times in a row at once.
const OTHER_PORTS: u32 = 4;

/// What a publisher is made of.
#[derive(Clone)]
pub struct Means {
    /// The show's settings as they were when it began; its target is this outlet's.
    pub settings: Settings,
    /// Whose outlet it is: only the programme's sending and arrival are the show's.
    pub role: Role,
    /// Reaches out of the session.
    pub hands: Arc<dyn Hands>,
    /// Runs the publisher.
    pub ffmpeg: Ffmpeg,
    /// For what the operator must read.
    pub journal: Journal,
    /// Gives the access units.
    pub relay: Arc<Relay>,
    /// The sound.
    pub sound: Mixer,
    /// Send silence instead of the sound.
    pub muted: Arc<AtomicBool>,
}

/// A publisher that has ended and on whose end the server has not been heard.
struct Exit {
    at: MonoTime,
    failure: Failure,
    kind: LossKind,
}

/// A managed server that is being started again.
struct Revival {
    result: Inbox<Result<ManagedServer, ServerError>>,
    stop: StopToken,
}

/// A way out.
pub struct Outlet {
    means: Means,
    destination: Destination,
    publisher: Option<Box<dyn Publishing>>,
    loopback: Option<LoopbackReceiver>,
    /// A publisher is to be started as soon as nothing is in its way.
    wanted: bool,
    revival: Option<Revival>,
    endings: Vec<Box<dyn Ending>>,
    arrivals: Arrivals,
    watch: Option<Box<dyn Watching>>,
    watched: WatchReport,
    knocker: Option<Box<dyn Knocking>>,
    answer: Answer,
    /// Its door was open since the publisher's start.
    was_open: bool,
    started_at: MonoTime,
    looking_since: MonoTime,
    online_at: Option<MonoTime>,
    /// Who had the path when the publisher was started, by the server's id.
    before: Option<String>,
    /// Whether the server had told.
    before_known: bool,
    /// Our own publisher's id there, as last seen.
    ours: Option<String>,
    exit: Option<Exit>,
    /// When the server last said that another publishes.
    theirs_at: Option<MonoTime>,
    /// None where only loopback is there, or nothing was started.
    route: Option<Route>,
    /// The server is to call (SRT pull).
    invited: Option<Invited>,
    /// What became of the invitation before.
    fate: Fate,
    /// Listeners in a row whose port was another program's before they had it.
    robbed: u32,
    held: held::Held,
    /// The latency that the server was asked for, ms, where the way is SRT.
    wished_latency_ms: Option<u32>,
}

impl Outlet {
    /// A way to `destination`, not started.
    pub fn new(means: Means, destination: Destination, now: MonoTime) -> Self {
        let arrivals = match means.role {
            Role::Programme => Arrivals::of_programme(means.relay.clone()),
            Role::Backup => Arrivals::aside(means.relay.clone()),
        };
        let mut outlet = Self {
            means,
            destination,
            publisher: None,
            loopback: None,
            wanted: false,
            revival: None,
            endings: Vec::new(),
            arrivals,
            watch: None,
            watched: WatchReport::default(),
            knocker: None,
            answer: Answer::Unknown,
            was_open: false,
            started_at: MonoTime::ZERO,
            looking_since: now,
            online_at: None,
            before: None,
            before_known: false,
            ours: None,
            exit: None,
            theirs_at: None,
            route: None,
            invited: None,
            fate: Fate::default(),
            robbed: 0,
            held: held::Held::default(),
            wished_latency_ms: None,
        };
        outlet.look_at_destination(now);
        outlet
    }

    /// Watch and knocker live as long as the destination: they see it come back.
    fn look_at_destination(&mut self, now: MonoTime) {
        let path = &self.means.settings.target.path;
        let (client, whep_url, door) = match &self.destination {
            Destination::Own {
                entry,
                whep_url,
                door,
                ..
            } => (entry.client.clone(), whep_url.clone(), *door),
            Destination::Managed(server) => (
                Some(server.client().clone()),
                Some(server.whep_url(path)),
                Some(Door::Srt(server.srt_addr())),
            ),
            Destination::Loopback => return,
        };
        self.watched = WatchReport::default();
        self.looking_since = now;
        let hands = &self.means.hands;
        let mut watch = hands.watch(client, whep_url, path, &self.arrivals);
        watch.set_probe(self.means.settings.probe.on);
        self.watch = Some(watch);
        self.knocker = door.map(|door| hands.knock(door));
    }

    /// Starts the publisher (and the loopback receiver), or as soon as nothing is in its way: then
    /// [`Notice::Started`] tells.
    ///
    /// # Errors
    /// Where a child cannot be started; none is left then.
    pub fn start(&mut self, now: MonoTime) -> Result<(), Failure> {
        self.end();
        self.wanted = true;
        self.go_on(now).map(|_| ())
    }

    /// Starts what is wanted; whether it has.
    fn go_on(&mut self, now: MonoTime) -> Result<bool, Failure> {
        self.endings.retain(|ending| !ending.is_over());
        if !self.wanted || !self.endings.is_empty() || self.revival.is_some() {
            return Ok(false);
        }
        if self.dead_server() {
            self.revive()?;
            return Ok(false);
        }
        if let Some(watch) = self.watch.as_ref().filter(|watch| watch.has_api()) {
            let waited = now.since(self.looking_since);
            match watch.newest() {
                Some(report) => self.watched = report,
                None if waited < FIRST_WORD => return Ok(false),
                None => {}
            }
        }
        self.wanted = false;
        // A way that cannot even be started is left at once.
        while let Err(failure) = self.launch(now) {
            if !self.leaves_way(&failure.message, now) {
                return Err(failure);
            }
        }
        Ok(true)
    }

    fn launch(&mut self, now: MonoTime) -> Result<(), Failure> {
        let internal = |e: std::io::Error| Failure::new(FailureKind::Internal, e);
        let (output, secrets) = match self.next_output(now)? {
            Some(output) => output,
            None => {
                let receiver = LoopbackReceiver::start(
                    &self.means.ffmpeg,
                    LOOPBACK_LATENCY_MS,
                    &self.arrivals,
                )
                .map_err(internal)?;
                let output = SrtOutput {
                    url: crate::publish::srt_url(receiver.address(), LOOPBACK_LATENCY_MS),
                    passphrase: receiver.passphrase().to_owned(),
                    ..SrtOutput::default()
                };
                self.loopback = Some(receiver);
                (Output::SrtPush(output), Default::default())
            }
        };
        let audio_kbps = self.means.settings.audio.bitrate_kbps;
        // Of use where somebody says what arrives.
        let measured = self.loopback.is_some() || self.whep_url().is_some();
        let hashes = measured
            && self.means.ffmpeg.capabilities.has_framehash()
            && self.means.role == Role::Programme
            && self.means.settings.probe.proves_sound();
        let over_tcp = matches!(output, Output::Rtsp { .. });
        let wish = PublisherWish {
            arguments: Box::new(move |audio| {
                plan::publisher(audio, audio_kbps, &output, hashes).hiding(secrets)
            }),
            sound: self.means.sound.clone(),
            muted: self.means.muted.clone(),
            launch: Launch::of(&self.means.settings.performance),
            programme: self.means.role == Role::Programme,
        };
        self.online_at = None;
        self.exit = None;
        self.was_open = false;
        self.held.begins();
        // Not the turn's beginning: what the server was asked before this is of no publisher of ours.
        self.started_at = self.means.hands.now();
        if let Some(watch) = &self.watch {
            watch.doubt();
        }
        self.before_known = self.watched.answered;
        if !self.before_known {
            // What comes next need not be another's.
            self.ours = None;
        }
        self.before = self.watched.source.as_ref().map(|source| source.id.clone());
        let means = &self.means;
        let publisher = means
            .hands
            .publish(&means.ffmpeg, wish, &means.relay, over_tcp);
        self.publisher = Some(publisher.map_err(internal)?);
        Ok(())
    }

    /// Ends the publisher and what belongs to it, on a thread of its own.
    pub fn end(&mut self) {
        self.wanted = false;
        self.exit = None;
        self.online_at = None;
        let leaving = Leaving {
            publisher: self.publisher.take(),
            loopback: self.loopback.take(),
            invited: self.invited.take(),
        };
        if leaving.is_empty() {
            return;
        }
        self.interrupted();
        self.endings.extend(self.means.hands.end(leaving));
    }

    /// What arrives from now on need not be ours: an always available path shows pictures of the
    /// server's own.
    fn interrupted(&self) {
        if self.means.role == Role::Programme {
            self.means.relay.interrupted();
        }
    }

    /// Ends it and waits for that; gives back a managed server for the next show.
    pub fn into_server(mut self) -> Option<ManagedServer> {
        self.end();
        if let Some(revival) = self.revival.take() {
            revival.stop.stop();
        }
        (self.watch, self.knocker) = (None, None);
        for ending in self.endings.drain(..) {
            ending.wait();
        }
        match self.destination {
            Destination::Managed(server) => Some(*server),
            _ => None,
        }
    }

    /// Looks at the publisher and the server; what was noticed, in order.
    pub fn poll(&mut self, now: MonoTime) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.hear(now, &mut notices);
        self.take_revived(&mut notices, now);
        match self.go_on(now) {
            Ok(true) => notices.push(Notice::Started),
            Ok(false) => {}
            Err(failure) => notices.push(self.lost(failure, LossKind::Broke, now)),
        }
        if self.publisher.is_none() {
            return notices;
        }
        let loss = self
            .no_receiver(now)
            .or_else(|| self.ended(now))
            .or_else(|| self.uninvited(now))
            .or_else(|| self.server_gone(now))
            .or_else(|| self.taken(now));
        if let Some(loss) = loss {
            if matches!(loss, Notice::PublisherLost { kind, .. } if kind == LossKind::Taken) {
                self.theirs_at = Some(now);
            }
            notices.push(loss);
            return notices;
        }
        if self.exit.is_some() {
            return notices;
        }
        let confirmation = self.confirmation(now);
        if confirmation != Confirmation::None {
            self.online_at = Some(now);
            self.robbed = 0;
            if let Some(route) = &mut self.route {
                route.online(now);
            }
            self.note_ours(now);
            notices.push(Notice::Confirmed(confirmation));
            notices.extend(self.held(now));
        } else if let Some(seen) = self.online_at
            && now.since(seen) > OFFLINE_IS_LOST
        {
            let text = "the receiver does not show the stream any more; connecting again";
            let failure = Failure::new(FailureKind::NoReceiver, text);
            notices.push(self.lost(failure, LossKind::Broke, now));
        } else {
            notices.extend(self.overdue(now));
        }
        notices
    }

    /// What watch and knocker have to say.
    fn hear(&mut self, now: MonoTime, notices: &mut Vec<Notice>) {
        if let Some(report) = self.watch.as_ref().and_then(|watch| watch.newest()) {
            if report.answered && !report.online {
                self.interrupted();
            }
            self.watched = report;
        }
        let answer = self.knocker.as_ref().map(|knocker| knocker.answer());
        let answer = answer.unwrap_or_default();
        self.was_open |= answer == Answer::Open;
        if answer != self.answer {
            self.answer = answer;
            // A dead server of our own answers once we have started it: no reason to wait.
            let is_managed = matches!(self.destination, Destination::Managed(_));
            if answer == Answer::Open || (answer != Answer::Unknown && !is_managed) {
                notices.push(Notice::Knocked(answer == Answer::Open));
            }
        }
        if self.publisher.is_some() {
            return;
        }
        let says_free = self.watched.answered && !self.watched.online;
        if self.watched.answered && self.watched.online {
            self.theirs_at = Some(self.watched.at);
        }
        let forgotten = self.theirs_at.is_none_or(|at| now.since(at) > THEIRS);
        if says_free || forgotten {
            notices.push(Notice::PathFree);
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

    /// Where a browser can watch by WHEP; None where nobody can.
    pub fn whep_url(&self) -> Option<String> {
        match &self.destination {
            Destination::Own { whep_url, .. } => whep_url.clone(),
            Destination::Managed(server) => Some(server.whep_url(&self.means.settings.target.path)),
            Destination::Loopback => None,
        }
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

    /// The managed server, where there is one.
    pub fn server(&self) -> Option<&ManagedServer> {
        match &self.destination {
            Destination::Managed(server) => Some(server),
            _ => None,
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

    /// Has the probe join, or leave.
    pub fn set_probe(&mut self, on: bool) {
        if let Some(watch) = &mut self.watch {
            watch.set_probe(on);
        }
        self.means.settings.probe.on = on;
    }

    /// How the probe does; the loopback receiver has its part where there is no server.
    pub fn probe_status(&self, now: MonoTime) -> ProbeStatus {
        match &self.watch {
            Some(watch) => watch.probe_status(now),
            None => ProbeStatus {
                state: ProbeState::Joined,
                ..ProbeStatus::default()
            },
        }
    }

    /// What arrives there.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Units that the running publisher has missed.
    pub fn drops(&self) -> u64 {
        self.publisher.as_ref().map_or(0, |p| p.drops())
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
