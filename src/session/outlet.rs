//! One way out of a running show: a publisher, where it sends, and what confirms it there.
//!
//! Runs on the session's thread; nothing here waits longer than starting a process takes.

use super::failure::{Failure, FailureKind};
use super::inputs::Inputs;
use super::journal::Journal;
use super::preflight::{self, Destination};
use super::show::{GRACE, Notice};
use super::snapshot::{Confirmation, NetworkFigures, Receiver};
use super::watch::{Watch, WatchReport};
use crate::clock::MonoTime;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::{self, SrtOutput};
use crate::ffmpeg::{Ffmpeg, words};
use crate::mediamtx::ManagedServer;
use crate::publish::loopback::LoopbackReceiver;
use crate::publish::publisher::{Publisher, PublisherWish};
use crate::relay::Relay;
use crate::settings::Settings;
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
        }
    }

    /// Starts the publisher, and the loopback receiver or the watch over the server with it.
    ///
    /// # Errors
    /// Where a child cannot be started; none is left then.
    pub fn start(&mut self, inputs: &Inputs) -> Result<(), Failure> {
        self.end();
        let internal = |e: std::io::Error| Failure::new(FailureKind::Internal, e);
        let output = match &self.destination {
            Destination::Own { output, .. } => output.clone(),
            Destination::Managed(server) => {
                preflight::managed_output(server, &self.means.settings)?
            }
            Destination::Loopback => {
                let receiver = LoopbackReceiver::start(
                    &self.means.ffmpeg,
                    LOOPBACK_LATENCY_MS,
                    &self.means.relay,
                )
                .map_err(internal)?;
                let output = SrtOutput {
                    url: crate::publish::srt_url(receiver.address(), LOOPBACK_LATENCY_MS),
                    stream_id: String::new(),
                    stream_id_shown: String::new(),
                    passphrase: String::new(),
                };
                self.loopback = Some(receiver);
                output
            }
        };
        let audio_kbps = self.means.settings.audio.bitrate_kbps;
        let wish = PublisherWish {
            arguments: Box::new(move |audio| plan::publisher(audio, audio_kbps, &output)),
            sound: inputs.mixer.clone(),
            muted: self.means.muted.clone(),
            launch: Launch::of(&self.means.settings.performance),
        };
        self.publisher =
            Some(Publisher::start(&self.means.ffmpeg, wish, &self.means.relay).map_err(internal)?);
        self.online_at = None;
        self.watched = WatchReport::default();
        self.watch = match &self.destination {
            Destination::Own {
                client, whep_url, ..
            } => Some(Watch::start(
                client.clone(),
                whep_url.clone(),
                &self.means.settings.target.path,
                &self.means.relay,
            )),
            Destination::Managed(server) => {
                let path = &self.means.settings.target.path;
                Some(Watch::start(
                    Some(server.client().clone()),
                    Some(server.whep_url(path)),
                    path,
                    &self.means.relay,
                ))
            }
            Destination::Loopback => None,
        };
        Ok(())
    }

    /// Ends the publisher and what belongs to it.
    pub fn end(&mut self) {
        let (publisher, loopback) = (self.publisher.take(), self.loopback.take());
        self.watch = None;
        self.means.relay.interrupted();
        std::thread::scope(|scope| {
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
        if let Some(failure) = self.exit() {
            notices.push(failure);
            return notices;
        }
        // Seen at once; the publisher would find out after its connection's own patience.
        if self.publisher.is_some() && self.dead_server() {
            let message = "the managed MediaMTX has ended; connecting again once it is back";
            notices.push(Notice::PublisherLost {
                failure: Failure::new(FailureKind::Server, message),
                hopeless: false,
            });
            return notices;
        }
        if let Some(report) = self.watch.as_ref().and_then(Watch::newest) {
            if report.answered && !report.online {
                self.means.relay.interrupted();
            }
            self.watched = report;
        }
        let sending = self.publisher.as_ref().is_some_and(|p| p.sent_bytes() > 0);
        let arrived = self
            .means
            .relay
            .last_arrival()
            .is_some_and(|at| self.loopback.as_ref().is_some_and(|r| at > r.started_at()));
        let confirmation = match (&self.destination, &self.watch) {
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
            notices.push(Notice::Confirmed(confirmation));
        } else if let Some(seen) = self.online_at
            && now.since(seen) > OFFLINE_IS_LOST
        {
            notices.push(Notice::PublisherLost {
                failure: Failure::new(
                    FailureKind::NoReceiver,
                    "the receiver does not show the stream any more; connecting again",
                ),
                hopeless: false,
            });
        }
        notices
    }

    fn exit(&mut self) -> Option<Notice> {
        let publisher = self.publisher.as_mut()?;
        publisher.poll_exit()?;
        let lines = publisher.tail().lines();
        let was_sending = publisher.sent_bytes() > 0;
        let (kind, message, hopeless) = explain(
            &lines,
            was_sending,
            self.means.settings.target.user.is_empty(),
        );
        self.means.journal.error(message.clone());
        Some(Notice::PublisherLost {
            failure: Failure::new(kind, message),
            hopeless,
        })
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

fn explain(lines: &[String], was_sending: bool, no_user: bool) -> (FailureKind, String, bool) {
    match words::refusal(lines) {
        Some(words::Refusal::Passphrase) => (
            FailureKind::Refused,
            "the passphrase does not match the receiver's. Enter the right one, or none where the receiver has none"
                .into(),
            true,
        ),
        Some(words::Refusal::Rejected) => {
            let user = if no_user { "a user, if the server wants one," } else { "user, password," };
            (
                FailureKind::Refused,
                format!(
                    "the server refuses the stream. Check {user} passphrase and path; the server's log names which"
                ),
                true,
            )
        }
        Some(words::Refusal::NoAnswer) if was_sending => (
            FailureKind::NoReceiver,
            "the connection to the receiver broke; connecting again".into(),
            false,
        ),
        Some(words::Refusal::NoAnswer) => (
            FailureKind::NoReceiver,
            "nothing listens for SRT at the target. Check host and port, and that the server runs".into(),
            false,
        ),
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
        let (kind, text, hopeless) = explain(&lines("REJECT: Incorrect passphrase"), false, true);
        assert!(
            kind == FailureKind::Refused && hopeless && text.contains("passphrase"),
            "{text}"
        );
        let (kind, _, hopeless) = explain(&lines("srt://x: Input/output error"), false, true);
        assert_eq!((kind, hopeless), (FailureKind::NoReceiver, false));
        let (_, text, _) = explain(&lines("srt://x: Input/output error"), true, true);
        assert!(text.contains("broke"), "{text}");
    }
}
