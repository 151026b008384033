//! A running show: relay, encoders, publisher, and what confirms and measures at the receiver.
//!
//! Runs on the session's thread; nothing here waits longer than starting a process takes. Ending
//! runs in parallel, so that Stop takes the slowest child's time and not the sum.

use super::encoders::{Encoders, Means};
use super::inputs::Inputs;
use super::journal::Journal;
use super::preflight::{self, Destination, Ready};
use super::snapshot::{Confirmation, EncoderStatus, NetworkFigures, Receiver};
use super::watch::{Watch, WatchReport};
use crate::clock::MonoTime;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::{self, EncoderWish, SrtOutput};
use crate::ffmpeg::{Ffmpeg, words};
use crate::mediamtx::ManagedServer;
use crate::publish::loopback::LoopbackReceiver;
use crate::publish::publisher::{Publisher, PublisherWish};
use crate::relay::encode_meter::EncodeFigures;
use crate::relay::{Relay, RelayEvent};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::Settings;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// From closing a child's inputs to TERM, and from there to kill.
const GRACE: Duration = Duration::from_millis(400);
/// LIVE is taken back when the server has not shown the stream for this long.
const OFFLINE_IS_LOST: Duration = Duration::from_millis(1500);

/// Older figures of the server say nothing of now.
const FRESH: Duration = Duration::from_secs(1);

/// SRT latency to our own receiver: nothing is lost on loopback.
const LOOPBACK_LATENCY_MS: u32 = 20;

/// A show.
pub struct Show {
    settings: Settings,
    ffmpeg: Ffmpeg,
    journal: Journal,
    relay: Arc<Relay>,
    relay_events: crossbeam_channel::Receiver<RelayEvent>,
    encoders: Encoders,
    publisher: Option<Publisher>,
    destination: Destination,
    loopback: Option<LoopbackReceiver>,
    watch: Option<Watch>,
    watched: WatchReport,
    online_at: Option<MonoTime>,
    muted: Arc<AtomicBool>,
}

/// What the show noticed since it was last asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Notice {
    /// The receiver has the stream.
    Confirmed(Confirmation),
    /// Publisher or connection lost.
    PublisherLost {
        /// For the operator.
        failure: Failure,
        /// Trying again cannot help.
        hopeless: bool,
    },
    /// Cannot go on.
    Fatal(Failure),
}

impl Show {
    /// Starts encoder and publisher. `wish` leaves the encoder to the lineup.
    ///
    /// # Errors
    /// Where a child cannot be started.
    pub fn start(
        settings: &Settings,
        wish: EncoderWish,
        ready: Ready,
        inputs: &Inputs,
        journal: &Journal,
    ) -> Result<Self, Failure> {
        let (relay, relay_events) = Relay::new();
        inputs.control.begin(relay.clone(), wish.fps);
        let means = Means {
            ffmpeg: ready.ffmpeg.clone(),
            lineup: ready.lineup,
            relay: relay.clone(),
            control: inputs.control.clone(),
            journal: journal.clone(),
            launch: Launch::of(&settings.performance),
        };
        let encoders =
            Encoders::start(means, wish).map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
        let mut show = Self {
            settings: settings.clone(),
            ffmpeg: ready.ffmpeg,
            journal: journal.clone(),
            relay,
            relay_events,
            encoders,
            publisher: None,
            destination: ready.destination,
            loopback: None,
            watch: None,
            watched: WatchReport::default(),
            online_at: None,
            muted: Arc::new(AtomicBool::new(settings.audio.muted)),
        };
        show.start_publisher(inputs)?;
        Ok(show)
    }

    /// Starts the publisher, and the loopback receiver or the watch over the server with it.
    ///
    /// # Errors
    /// Where a child cannot be started; none is left then.
    pub fn start_publisher(&mut self, inputs: &Inputs) -> Result<(), Failure> {
        self.end_publisher();
        let internal = |e: std::io::Error| Failure::new(FailureKind::Internal, e);
        let output = match &self.destination {
            Destination::Own { output, .. } => output.clone(),
            Destination::Managed(server) => preflight::managed_output(server, &self.settings)?,
            Destination::Loopback => {
                let receiver =
                    LoopbackReceiver::start(&self.ffmpeg, LOOPBACK_LATENCY_MS, &self.relay)
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
        let audio_kbps = self.settings.audio.bitrate_kbps;
        let wish = PublisherWish {
            arguments: Box::new(move |audio| plan::publisher(audio, audio_kbps, &output)),
            sound: inputs.mixer.clone(),
            muted: self.muted.clone(),
            launch: Launch::of(&self.settings.performance),
        };
        self.publisher = Some(Publisher::start(&self.ffmpeg, wish, &self.relay).map_err(internal)?);
        self.online_at = None;
        self.watched = WatchReport::default();
        self.watch = match &self.destination {
            Destination::Own {
                client, whep_url, ..
            } => Some(Watch::start(
                client.clone(),
                whep_url.clone(),
                &self.settings.target.path,
                &self.relay,
            )),
            Destination::Managed(server) => {
                let path = &self.settings.target.path;
                Some(Watch::start(
                    Some(server.client().clone()),
                    Some(server.whep_url(path)),
                    path,
                    &self.relay,
                ))
            }
            Destination::Loopback => None,
        };
        Ok(())
    }

    /// Ends the publisher and what belongs to it; encoder and sources go on.
    pub fn end_publisher(&mut self) {
        let (publisher, loopback) = (self.publisher.take(), self.loopback.take());
        self.watch = None;
        self.relay.interrupted();
        std::thread::scope(|scope| {
            scope.spawn(move || publisher.map(|publisher| publisher.end(GRACE)));
            scope.spawn(move || loopback.map(|receiver| receiver.end(GRACE)));
        });
    }

    /// Ends everything; gives back a managed server for the next show.
    pub fn end(mut self, inputs: Option<&Inputs>) -> Option<ManagedServer> {
        if let Some(inputs) = inputs {
            inputs.control.end();
        }
        let encoders = self.encoders.take_all();
        for encoder in &encoders {
            encoder.close();
        }
        std::thread::scope(|scope| {
            for encoder in encoders {
                scope.spawn(move || encoder.end(GRACE));
            }
            scope.spawn(|| self.end_publisher());
        });
        match self.destination {
            Destination::Managed(server) => Some(server),
            _ => None,
        }
    }

    /// Looks at every child and the server; what was noticed, in order.
    pub fn poll(&mut self, now: MonoTime) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Ok(event) = self.relay_events.try_recv() {
            if let Err(why) = self.encoders.on(event) {
                let message = format!(
                    "no encoder can be kept running: {why}. Choose a smaller picture or another encoder"
                );
                notices.push(Notice::Fatal(Failure::new(FailureKind::Ffmpeg, message)));
            }
        }
        self.encoders.look(now);
        if let Some(failure) = self.publisher_exit() {
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
                self.relay.interrupted();
            }
            self.watched = report;
        }
        let sending = self.publisher.as_ref().is_some_and(|p| p.sent_bytes() > 0);
        let arrived = self
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

    fn publisher_exit(&mut self) -> Option<Notice> {
        let publisher = self.publisher.as_mut()?;
        publisher.poll_exit()?;
        let lines = publisher.tail().lines();
        let was_sending = publisher.sent_bytes() > 0;
        let (kind, message, hopeless) =
            explain(&lines, was_sending, self.settings.target.user.is_empty());
        self.journal.error(message.clone());
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
                viewer_url: server.viewer_url(&self.settings.target.path),
            },
            Destination::Loopback => Receiver::Loopback,
        }
    }

    /// Where a browser can watch by WHEP; None where nobody can.
    pub fn whep_url(&self) -> Option<String> {
        match &self.destination {
            Destination::Own { whep_url, .. } => whep_url.clone(),
            Destination::Managed(server) => Some(server.whep_url(&self.settings.target.path)),
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

    /// The relay, for its figures.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// The encoders.
    pub fn encoders(&mut self) -> &mut Encoders {
        &mut self.encoders
    }

    /// What is in force, and what is being changed to.
    pub fn in_force(&self) -> (EncoderWish, Option<EncoderWish>) {
        let changing_to = self.encoders.changing_to().copied();
        (*self.encoders.in_force(), changing_to)
    }

    /// The encoder as the operator sees it, as far as the show knows it.
    pub fn encoder_status(&self, figures: &EncodeFigures) -> EncoderStatus {
        let wish = *self.encoders.in_force();
        let pick = self.encoders.pick();
        EncoderStatus {
            wish: Some(wish),
            name: crate::ffmpeg::encoder::row(wish.family).name.to_owned(),
            options: self.encoders.options().to_owned(),
            why: pick.why.clone(),
            fallback: pick.fallback.clone(),
            changing_to: self.encoders.changing_to().copied(),
            encode: figures.recent,
            late: figures.late,
            key_frames: figures.key_frames,
            ..EncoderStatus::default()
        }
    }

    /// Sends silence, or the sound again.
    pub fn set_muted(&self, muted: bool) {
        self.muted
            .store(muted, std::sync::atomic::Ordering::Relaxed);
    }

    /// Process ids by role, for the load table.
    pub fn pids(&mut self) -> Vec<(&'static str, u32)> {
        let mut pids: Vec<_> = self
            .encoders
            .pids()
            .into_iter()
            .map(|p| ("encoder", p))
            .collect();
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
