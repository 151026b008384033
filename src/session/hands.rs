//! What an outlet does to the world outside, as traits: its publisher, the watch on the server, the
//! knocking at its door, and the ends of what it starts.
//!
//! Runs on the session's thread; nothing here waits. [`Real`] is what a show has; a test that plays the
//! world in virtual time brings hands of its own. Drops nothing.

use super::knock::{Answer, Door, Knocker};
use super::show::GRACE;
use super::snapshot::ProbeStatus;
use super::watch::{Watch, WatchReport};
use crate::clock::{self, MonoTime};
use crate::ffmpeg::Ffmpeg;
use crate::mediamtx::Client;
use crate::publish::invited::Invited;
use crate::publish::loopback::LoopbackReceiver;
use crate::publish::publisher::{Publisher, PublisherWish};
use crate::publish::undelayed;
use crate::relay::Relay;
use crate::relay::arrivals::Arrivals;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A running publisher.
pub trait Publishing: Send {
    /// Whether it has given anything to the network.
    fn has_sent(&self) -> bool;
    /// Whether [`Publishing::has_sent`] may also be a connection that is still being made.
    fn is_blind(&self) -> bool;
    /// Units that it has missed since it was connected.
    fn drops(&self) -> u64;
    /// Its process id.
    fn pid(&mut self) -> u32;
    /// Whether it has ended by itself.
    fn has_ended(&mut self) -> bool;
    /// Its last words.
    fn words(&self) -> Vec<String>;
    /// Ends it within about twice `grace`.
    fn end(self: Box<Self>, grace: Duration);
}

impl Publishing for Publisher {
    fn has_sent(&self) -> bool {
        self.has_sent()
    }

    fn is_blind(&self) -> bool {
        self.is_blind()
    }

    fn drops(&self) -> u64 {
        self.drops()
    }

    fn pid(&mut self) -> u32 {
        self.pid()
    }

    fn has_ended(&mut self) -> bool {
        self.poll_exit().is_some()
    }

    fn words(&self) -> Vec<String> {
        self.tail().lines()
    }

    fn end(self: Box<Self>, grace: Duration) {
        (*self).end(grace);
    }
}

/// A running watch on the server.
pub trait Watching: Send {
    /// Whether there is an API to ask.
    fn has_api(&self) -> bool;
    /// The newest report, None before the first.
    fn newest(&self) -> Option<WatchReport>;
    /// Asks at once instead of in its turn.
    fn ask_now(&self);
    /// A publisher is started anew: if the probe hears nothing now, its server is gone too.
    fn doubt(&self);
    /// Has the probe join, or leave.
    fn set_probe(&mut self, on: bool);
    /// How the probe does.
    fn probe_status(&self, now: MonoTime) -> ProbeStatus;
}

impl Watching for Watch {
    fn has_api(&self) -> bool {
        self.has_api()
    }

    fn newest(&self) -> Option<WatchReport> {
        self.newest()
    }

    fn ask_now(&self) {
        self.ask_now();
    }

    fn doubt(&self) {
        self.doubt();
    }

    fn set_probe(&mut self, on: bool) {
        self.set_probe(on);
    }

    fn probe_status(&self, now: MonoTime) -> ProbeStatus {
        self.probe_status(now)
    }
}

/// Knocks at a door.
pub trait Knocking: Send {
    /// What it has brought so far.
    fn answer(&self) -> Answer;

    /// Round trip by the last answers, ms; None where it is not known.
    fn round_trip_ms(&self) -> Option<f64> {
        None
    }
}

impl Knocking for Knocker {
    fn answer(&self) -> Answer {
        self.answer()
    }

    fn round_trip_ms(&self) -> Option<f64> {
        self.round_trip_ms()
    }
}

/// What a publisher leaves when it is to end.
#[derive(Default)]
pub struct Leaving {
    /// The publisher itself.
    pub publisher: Option<Box<dyn Publishing>>,
    /// Its loopback receiver.
    pub loopback: Option<LoopbackReceiver>,
    /// The server's invitation.
    pub invited: Option<Invited>,
}

impl Leaving {
    /// Whether nothing is to end.
    pub fn is_empty(&self) -> bool {
        self.publisher.is_none() && self.loopback.is_none() && self.invited.is_none()
    }
}

/// Something that is being ended.
pub trait Ending: Send {
    /// Whether it is over.
    fn is_over(&self) -> bool;
    /// Waits for it.
    fn wait(self: Box<Self>);
}

impl Ending for JoinHandle<()> {
    fn is_over(&self) -> bool {
        self.is_finished()
    }

    fn wait(self: Box<Self>) {
        let _ = self.join();
    }
}

/// Reaches out of the session.
pub trait Hands: Send + Sync {
    /// The time now, where the turn's beginning is too early.
    fn now(&self) -> MonoTime;

    /// Starts to watch `path`, see [`Watch::start`].
    fn watch(
        &self,
        client: Option<Client>,
        whep_url: Option<String>,
        path: &str,
        arrivals: &Arrivals,
    ) -> Box<dyn Watching>;

    /// Starts to knock.
    fn knock(&self, door: Door) -> Box<dyn Knocking>;

    /// Starts a publisher; `over_tcp` where its connection is to have no delay.
    ///
    /// # Errors
    /// Where the child, a pipe or a thread cannot be made.
    fn publish(
        &self,
        ffmpeg: &Ffmpeg,
        wish: PublisherWish,
        relay: &Arc<Relay>,
        over_tcp: bool,
    ) -> io::Result<Box<dyn Publishing>>;

    /// Ends what a publisher leaves, aside; None where nothing is to be waited for.
    fn end(&self, leaving: Leaving) -> Option<Box<dyn Ending>>;
}

/// Threads, children and sockets.
pub struct Real;

impl Hands for Real {
    fn now(&self) -> MonoTime {
        clock::now()
    }

    fn watch(
        &self,
        client: Option<Client>,
        whep_url: Option<String>,
        path: &str,
        arrivals: &Arrivals,
    ) -> Box<dyn Watching> {
        Box::new(Watch::start(client, whep_url, path, arrivals))
    }

    fn knock(&self, door: Door) -> Box<dyn Knocking> {
        Box::new(Knocker::start(door))
    }

    fn publish(
        &self,
        ffmpeg: &Ffmpeg,
        wish: PublisherWish,
        relay: &Arc<Relay>,
        over_tcp: bool,
    ) -> io::Result<Box<dyn Publishing>> {
        let mut publisher = Publisher::start(ffmpeg, wish, relay)?;
        if over_tcp {
            undelayed::follow(publisher.pid());
        }
        Ok(Box::new(publisher))
    }

    fn end(&self, leaving: Leaving) -> Option<Box<dyn Ending>> {
        let ended = std::thread::Builder::new()
            .name("pd-end-out".into())
            .spawn(move || {
                let Leaving {
                    publisher,
                    loopback,
                    invited,
                } = leaving;
                std::thread::scope(|scope| {
                    scope.spawn(move || invited.map(Invited::end));
                    scope.spawn(move || publisher.map(|publisher| publisher.end(GRACE)));
                    scope.spawn(move || loopback.map(|receiver| receiver.end(GRACE)));
                });
            });
        match ended {
            Ok(ending) => Some(Box::new(ending)),
            // Dropping them ended them.
            Err(error) => {
                tracing::warn!("no thread to end a publisher: {error}");
                None
            }
        }
    }
}
