//! The outside as the product's code reaches it: hands that start played publishers, watch and knock at
//! the played server; a starter of played encoders. What they start is kept here, where the world moves
//! it and sees what is left. One lock, never held while the product's code runs.

use super::clock::{Clock, ms};
use super::encoder::{self, Habit, Handle};
use super::publisher::{self, Phase};
use super::server::Server;
use pd_console::clock::MonoTime;
use pd_console::ffmpeg::Ffmpeg;
use pd_console::ffmpeg::plan::AudioInput;
use pd_console::mediamtx::Client;
use pd_console::publish::publisher::PublisherWish;
use pd_console::relay::Relay;
use pd_console::relay::arrivals::Arrivals;
use pd_console::session::encoders::StartFn;
use pd_console::session::hands::{Ending, Hands, Knocking, Leaving, Publishing, Watching};
use pd_console::session::knock::{Answer, Door};
use pd_console::session::snapshot::{ProbeState, ProbeStatus};
use pd_console::session::watch::WatchReport;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What runs out there.
pub struct Inner {
    /// The server.
    pub server: Server,
    /// Encoders' children that have not ended.
    pub encoders: Vec<Arc<Mutex<encoder::Child>>>,
    /// Publishers' children that have not ended.
    pub publishers: Vec<Arc<Mutex<publisher::Child>>>,
    /// Children that were started since the world looked.
    pub new_encoders: Vec<u32>,
    /// The same.
    pub new_publishers: Vec<u32>,
    /// The newest report.
    pub report: Option<WatchReport>,
    /// The publisher that the server showed when it made the newest report.
    pub shown_then: Option<u32>,
    /// The session has asked out of its turn.
    pub asked: bool,
    /// Watches and knockers that are held.
    pub watching: usize,
    /// A probe was wished.
    pub probing: bool,
    /// How encoders are that start.
    pub habit: Habit,
    /// Starts fail: of encoders, of publishers.
    pub no_encoder: bool,
    /// The same.
    pub no_publisher: bool,
    /// Starts so far.
    pub starts: u64,
    /// Broken on purpose: publishers' queues have no bound and are not read.
    pub deaf: bool,
    dice: fastrand::Rng,
    publisher_number: u32,
}

/// The outside. Clones share it.
#[derive(Clone)]
pub struct Outside {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

impl Outside {
    /// A server that runs, and nothing else.
    pub fn new(clock: &Clock, dice: &mut fastrand::Rng) -> Self {
        let inner = Inner {
            server: Server::new(dice.fork()),
            encoders: Vec::new(),
            publishers: Vec::new(),
            new_encoders: Vec::new(),
            new_publishers: Vec::new(),
            report: None,
            shown_then: None,
            asked: false,
            watching: 0,
            probing: false,
            habit: Habit::Good,
            no_encoder: false,
            no_publisher: false,
            starts: 0,
            deaf: false,
            dice: dice.fork(),
            publisher_number: 0,
        };
        Self {
            clock: clock.clone(),
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Looks at it.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts played encoders.
    pub fn starter(&self) -> Arc<StartFn> {
        let outside = self.clone();
        Arc::new(move |id, _ffmpeg, wish, _launch, sink| {
            let mut inner = outside.lock();
            if inner.no_encoder {
                return Err(io::Error::other("no more processes"));
            }
            let (habit, dice) = (inner.habit, inner.dice.fork());
            let child = encoder::Child::new(id, wish, sink, habit, dice);
            let child = Arc::new(Mutex::new(child));
            inner.encoders.push(child.clone());
            inner.new_encoders.push(id);
            inner.starts += 1;
            Ok(Box::new(Handle::new(child)))
        })
    }

    /// The publisher of this number, where it has not ended.
    pub fn publisher(&self, id: u32) -> Option<Arc<Mutex<publisher::Child>>> {
        let inner = self.lock();
        let mut all = inner.publishers.iter();
        all.find(|child| lock(child).id == id).cloned()
    }

    /// The encoder of this number.
    pub fn encoder(&self, id: u32) -> Option<Arc<Mutex<encoder::Child>>> {
        let inner = self.lock();
        let mut all = inner.encoders.iter().rev();
        all.find(|child| encoder::lock(child).id == id).cloned()
    }

    /// The publisher that the session has in use.
    pub fn current(&self) -> Option<Arc<Mutex<publisher::Child>>> {
        let inner = self.lock();
        let mut all = inner.publishers.iter().rev();
        all.find(|child| !lock(child).asked).cloned()
    }
}

/// Locks a publisher's child.
pub fn lock(child: &Mutex<publisher::Child>) -> MutexGuard<'_, publisher::Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The publisher as the session holds it.
struct Publisher {
    child: Arc<Mutex<publisher::Child>>,
}

impl Publishing for Publisher {
    fn has_sent(&self) -> bool {
        lock(&self.child).sends
    }

    fn is_blind(&self) -> bool {
        false
    }

    fn drops(&self) -> u64 {
        0
    }

    fn pid(&mut self) -> u32 {
        lock(&self.child).id
    }

    fn has_ended(&mut self) -> bool {
        lock(&self.child).phase == Phase::Dead
    }

    fn words(&self) -> Vec<String> {
        lock(&self.child).words.clone()
    }

    fn end(self: Box<Self>, _grace: Duration) {}
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        child.asked = true;
    }
}

/// A played ending: over when the child takes notice.
struct Leave {
    clock: Clock,
    over_at: MonoTime,
}

impl Ending for Leave {
    fn is_over(&self) -> bool {
        self.clock.now() >= self.over_at
    }

    fn wait(self: Box<Self>) {}
}

struct Watcher {
    outside: Outside,
}

impl Watching for Watcher {
    fn has_api(&self) -> bool {
        true
    }

    fn newest(&self) -> Option<WatchReport> {
        self.outside.lock().report.clone()
    }

    fn ask_now(&self) {
        self.outside.lock().asked = true;
    }

    fn doubt(&self) {}

    fn set_probe(&mut self, on: bool) {
        self.outside.lock().probing = on;
    }

    fn probe_status(&self, _now: MonoTime) -> ProbeStatus {
        let inner = self.outside.lock();
        let state = match inner.probing {
            true if inner.server.is_reachable() => ProbeState::Joined,
            true => ProbeState::Joining(None),
            false => ProbeState::Off,
        };
        ProbeStatus {
            state,
            ..ProbeStatus::default()
        }
    }
}

impl Knocking for Watcher {
    fn answer(&self) -> Answer {
        self.outside.lock().server.answer()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.outside.lock().watching -= 1;
    }
}

impl Outside {
    fn watcher(&self) -> Box<Watcher> {
        let mut inner = self.lock();
        inner.watching += 1;
        let outside = self.clone();
        Box::new(Watcher { outside })
    }
}

impl Hands for Outside {
    fn now(&self) -> MonoTime {
        self.clock.now()
    }

    fn watch(
        &self,
        _client: Option<Client>,
        _whep_url: Option<String>,
        _path: &str,
        _arrivals: &Arrivals,
    ) -> Box<dyn Watching> {
        let mut inner = self.lock();
        (inner.report, inner.shown_then) = (None, None);
        drop(inner);
        self.watcher()
    }

    fn knock(&self, _door: Door) -> Box<dyn Knocking> {
        self.watcher()
    }

    fn publish(
        &self,
        _ffmpeg: &Ffmpeg,
        wish: PublisherWish,
        relay: &Arc<Relay>,
        over_tcp: bool,
    ) -> io::Result<Box<dyn Publishing>> {
        // The real arguments are made, and nobody runs them.
        let _ = (wish.arguments)(&AudioInput::Pipe(3));
        let deaf = self.lock().deaf;
        let sink = match deaf {
            false => relay.add_sink(),
            true => relay.add_sink_behind(1 << 20),
        };
        let now = self.clock.now();
        let mut inner = self.lock();
        if inner.no_publisher {
            return Err(io::Error::other("no more processes"));
        }
        inner.publisher_number += 1;
        inner.starts += 1;
        let id = inner.publisher_number;
        let sound = (wish.sound, wish.muted);
        let mut child = publisher::Child::new(id, !over_tcp, relay, sink, sound, now);
        child.deaf = deaf;
        let child = Arc::new(Mutex::new(child));
        inner.publishers.push(child.clone());
        inner.new_publishers.push(id);
        Ok(Box::new(Publisher { child }))
    }

    fn end(&self, leaving: Leaving) -> Option<Box<dyn Ending>> {
        drop(leaving);
        let over_at = self.clock.now() + ms(self.lock().dice.u64(10..800));
        Some(Box::new(Leave {
            clock: self.clock.clone(),
            over_at,
        }))
    }
}
