//! Fills the ring from a show: the access units that everyone gets, and the mix by the clock.
//!
//! Owns the thread `pd-rec-tap`. It never waits for a disk: whoever writes files reads from the ring.
//! Its sink of the relay is 64 units deep; what that does not hold is lost up to the next IDR and
//! counted. The publisher's sink is another one and never notices.

use super::ring::{At, CHUNK, Ring, Sound};
use crate::audio::feed::{Due, Feed, SOUND_DELAY};
use crate::audio::{CHANNELS, MixReader, Mixer};
use crate::clock::{self, MonoTime};
use crate::relay::Relay;
use crate::relay::hub::SinkEnd;
use crate::stop::StopToken;
use crossbeam_channel::RecvTimeoutError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Two seconds at 30 fps: the thread does nothing that takes long.
const SINK_UNITS: usize = 64;
/// Memory that the ring may take, bytes: 120 s at 10 Mb/s and its sound are 173 MB.
const MAX_BYTES: usize = 256 << 20;
/// The ring is a recording's queue too: this much of a stalling disk is outlasted.
const LEAST_SPAN: Duration = Duration::from_secs(10);

/// The ring as threads share it.
pub struct Kept {
    ring: Mutex<Ring>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Kept {
    /// An empty ring that keeps at least `span`.
    pub fn new(span: Duration) -> Self {
        Self {
            ring: Mutex::new(Ring::new(span.max(LEAST_SPAN), MAX_BYTES)),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// A ring into which nothing comes any more.
    pub fn closed(ring: Ring) -> Self {
        Self {
            ring: Mutex::new(ring),
            changed: Condvar::new(),
            closed: AtomicBool::new(true),
        }
    }

    /// Looks at the ring; nobody else can meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&mut Ring) -> T) -> T {
        look(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The unit of this number.
    pub fn unit(&self, number: u64) -> At {
        self.with(|ring| ring.unit(number))
    }

    /// The sound at this index of the timeline.
    pub fn sound(&self, index: u64) -> Sound {
        self.with(|ring| ring.sound(index))
    }

    /// Waits for the next unit, 50 ms at most.
    pub fn wait(&self) {
        let guard = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.changed.wait_timeout(guard, Duration::from_millis(50));
    }

    /// Whether nothing comes any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// A running tap; ends when dropped.
pub struct Tap {
    /// What it fills.
    pub kept: Arc<Kept>,
    stop: StopToken,
    muted: Arc<AtomicBool>,
    _thread: JoinHandle<()>,
}

impl Tap {
    /// Begins to keep what goes through `relay`, and `sound` beside it.
    ///
    /// # Errors
    /// Where the thread cannot be started.
    pub fn start(relay: &Relay, sound: &Mixer, muted: bool, span: Duration) -> io::Result<Self> {
        let kept = Arc::new(Kept::new(span));
        let stop = StopToken::new();
        let muted = Arc::new(AtomicBool::new(muted));
        let sink = relay.add_sink_behind(SINK_UNITS);
        let (out, ends, silent, sound) = (kept.clone(), stop.clone(), muted.clone(), sound.clone());
        let thread = std::thread::Builder::new()
            .name("pd-rec-tap".into())
            .spawn(move || {
                fill(&out, &sink, &sound, &silent, &ends);
                out.closed.store(true, Ordering::Release);
                out.changed.notify_all();
            })?;
        Ok(Self {
            kept,
            stop,
            muted,
            _thread: thread,
        })
    }

    /// Keeps silence, or the sound again.
    pub fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn fill(kept: &Kept, sink: &SinkEnd, sound: &Mixer, muted: &AtomicBool, stop: &StopToken) {
    let mut filling = Filling::new(sound, clock::now());
    let mut missed = 0;
    while !stop.is_stopped() {
        let wait = filling.next_at().since(clock::now());
        match sink
            .units
            .recv_timeout(wait.min(Duration::from_millis(100)))
        {
            Ok(unit) => {
                kept.with(|ring| ring.push_unit(unit));
                kept.changed.notify_all();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let all = sink.missed.load(Ordering::Relaxed);
        if all > missed {
            tracing::warn!("the recorder missed {} pictures", all - missed);
            missed = all;
        }
        filling.sound_due(clock::now(), muted.load(Ordering::Relaxed), kept);
    }
}

/// The sound's way into the ring, by the clock. Without the thread: the time is an argument.
pub struct Filling {
    sound: MixReader,
    feed: Feed,
    samples: [i16; CHUNK * CHANNELS],
}

impl Filling {
    /// The sum of `sound` from `now` on.
    pub fn new(sound: &Mixer, now: MonoTime) -> Self {
        Self {
            sound: sound.reader(),
            feed: Feed::new(now, SOUND_DELAY, CHUNK),
            samples: [0; CHUNK * CHANNELS],
        }
    }

    /// When the next piece is due.
    pub fn next_at(&self) -> MonoTime {
        self.feed.next_at()
    }

    /// Puts all that is due at `now` into `kept`.
    pub fn sound_due(&mut self, now: MonoTime, muted: bool, kept: &Kept) {
        while let Some(due) = self.feed.due(now) {
            // After a suspend the ring says itself that sound is missing.
            let Due::Chunk(first) = due else { continue };
            self.sound.set_muted(muted);
            self.sound.read(first, &mut self.samples);
            kept.with(|ring| ring.push_sound(first, self.samples.as_slice().into()));
        }
    }
}
