//! The relay itself: takes what the encoders say, decides by the cut-over, tells the ledger, and
//! hands each access unit to every sink.
//!
//! Runs on the encoders' threads, under one lock that is held for microseconds. A sink that is full
//! loses the unit and everything up to the next IDR (a gap in a GOP cannot be decoded); that is
//! counted for this sink, and the programme's count is the show's network drops. Nothing here waits.

use super::AccessUnit;
use super::cutover::{Cutover, EncoderId, Output};
use super::encode_meter::{EncodeFigures, EncodeMeter};
use super::encoder::EncoderSink;
use super::rate::RateMeter;
use super::rtp_times::RtpTimes;
use crate::clock::{self, MonoTime};
use crate::latency::passage::{Passage, Verdict};
use crate::latency::sound::{Found, SoundLedger};
use crate::latency::trace::{FrameRow, Tracer};
use crate::latency::{Cursor, Ledger, Stage, Taken};
use crate::session::snapshot::{Drops, LatencyFigures, StageFigures};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the session must know of the encoders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayEvent {
    /// Warm: may be given frames.
    Ready(EncoderId),
    /// Its units go out from now on.
    TookOver(EncoderId),
    /// Another has taken over: it is to be ended.
    Retired(EncoderId),
    /// Did not make its cut-over, is to be ended; the old one goes on.
    Abandoned(EncoderId),
    /// Ended by itself.
    Gone {
        /// Which.
        encoder: EncoderId,
        /// Its last word.
        why: String,
    },
}

/// Units that a sink may be behind. At 30 fps a quarter second, about what may be late at all.
const SINK_UNITS: usize = 8;

struct Sink {
    queue: Sender<AccessUnit>,
    /// Until an IDR comes.
    waiting: bool,
    /// Whether it is at work; what it misses before is its start, not a drop.
    established: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    /// Whether it has had a unit.
    begun: bool,
    missed: Arc<AtomicU64>,
}

/// A sink's end of the relay.
pub struct SinkEnd {
    /// Every unit from the next IDR on.
    pub units: Receiver<AccessUnit>,
    /// The newest IDR before, where there is one: a child can open its output with it while the
    /// next is waited for.
    pub primer: Option<AccessUnit>,
    /// To be set once the sink is at work: what it misses from then on is a drop.
    pub established: Arc<AtomicBool>,
    /// Counts them; what the sink itself leaves out is to be added.
    pub dropped: Arc<AtomicU64>,
    /// Units that it missed since its first.
    pub missed: Arc<AtomicU64>,
}

struct Inner {
    cutover: Cutover,
    ledger: Ledger,
    passage: Passage,
    sinks: Vec<Sink>,
    rate: RateMeter,
    encode: EncodeMeter,
    last_unit_at: Option<MonoTime>,
    drops: Drops,
    /// Of the programme's sinks, one after another.
    network: Arc<AtomicU64>,
    frames: u64,
    newest_idr: Option<AccessUnit>,
}

impl Inner {
    fn drops(&self) -> Drops {
        Drops {
            network: self.network.load(Ordering::Relaxed),
            lost: self.ledger.lost(),
            ..self.drops
        }
    }
}

#[derive(Default)]
struct Sound {
    ledger: SoundLedger,
    passage: Passage,
}

/// What is known of the sound's way.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoundFigures {
    /// From the moment that a sound is there to be heard to its packet's arrival, over the last two
    /// seconds. None where packets cannot be told apart (silence).
    pub arrived: Option<StageFigures>,
    /// Share of byte-identical arrivals.
    pub passthrough: Option<f64>,
    /// Arrived packets: matched, not matched.
    pub arrivals: (u64, u64),
    /// What that means.
    pub verdict: Verdict,
}

/// The relay of one show.
pub struct Relay {
    inner: Mutex<Inner>,
    /// With a lock of its own: a hundred packets a second must not hold the encoders up.
    sound: Mutex<Sound>,
    /// With a lock of its own: viewers' reports must not hold the encoders up.
    rtp_times: Arc<RtpTimes>,
    events: Sender<RelayEvent>,
}

/// Figures of the relay at one moment.
#[derive(Clone, Debug, Default)]
pub struct RelayFigures {
    /// Over the last two seconds.
    pub latency: LatencyFigures,
    /// Over the whole show.
    pub totals: LatencyFigures,
    /// Bitrate of the picture, kb/s.
    pub kbps: Option<f64>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// How well the encoder does.
    pub encode: EncodeFigures,
    /// Share of byte-identical arrivals.
    pub passthrough: Option<f64>,
    /// Arrived pictures: matched, not matched.
    pub arrivals: (u64, u64),
    /// What that means.
    pub verdict: Verdict,
    /// The same of the sound.
    pub sound: SoundFigures,
    /// When the last picture arrived.
    pub last_arrival: Option<MonoTime>,
    /// Drops.
    pub drops: Drops,
    /// Frames given out by the pacer.
    pub frames: u64,
    /// Bytes of the picture so far.
    pub bytes: u64,
}

/// What the meter's live figures are taken over.
pub const METER_WINDOW: Duration = Duration::from_secs(2);

impl Relay {
    /// A relay without encoders and sinks; what the session must know comes out of the receiver.
    pub fn new() -> (Arc<Self>, Receiver<RelayEvent>) {
        // A show has a handful of such events; they must not be lost.
        let (events, inbox) = bounded(256);
        let inner = Inner {
            cutover: Cutover::new(),
            ledger: Ledger::new(),
            passage: Passage::default(),
            sinks: Vec::new(),
            rate: RateMeter::default(),
            encode: EncodeMeter::default(),
            last_unit_at: None,
            drops: Drops::default(),
            network: Arc::default(),
            frames: 0,
            newest_idr: None,
        };
        (
            Arc::new(Self {
                inner: Mutex::new(inner),
                sound: Mutex::default(),
                rtp_times: Arc::default(),
                events,
            }),
            inbox,
        )
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_sound(&self) -> MutexGuard<'_, Sound> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new sink of the programme: from the next IDR on it gets every unit; what it misses is a
    /// drop of the show. It is forgotten when the receiver is dropped.
    pub fn add_sink(&self) -> SinkEnd {
        let dropped = self.lock().network.clone();
        self.add(SINK_UNITS, dropped)
    }

    /// A new sink whose drops are nobody's but its own.
    pub fn add_side_sink(&self) -> SinkEnd {
        self.add(SINK_UNITS, Arc::default())
    }

    /// The same for a sink that may be `units` behind: one that nobody watches live.
    pub fn add_sink_behind(&self, units: usize) -> SinkEnd {
        self.add(units, Arc::default())
    }

    fn add(&self, units: usize, dropped: Arc<AtomicU64>) -> SinkEnd {
        let (queue, units) = bounded(units);
        let established = Arc::new(AtomicBool::new(false));
        let missed = Arc::new(AtomicU64::new(0));
        let mut inner = self.lock();
        inner.sinks.push(Sink {
            queue,
            waiting: true,
            established: established.clone(),
            dropped: dropped.clone(),
            begun: false,
            missed: missed.clone(),
        });
        SinkEnd {
            units,
            primer: inner.newest_idr.clone(),
            established,
            dropped,
            missed,
        }
    }

    /// The receiver has the stream: the whole show's figures begin.
    pub fn live(&self, now: MonoTime) {
        let mut inner = self.lock();
        inner.ledger.count_from(now);
        inner.passage.live();
        drop(inner);
        self.lock_sound().passage.live();
    }

    /// The pacer gives out frame number `frame`.
    pub fn paced(&self, frame: u64, taken: Taken) {
        let mut inner = self.lock();
        inner.ledger.paced(frame, taken);
        inner.frames = frame + 1;
    }

    /// From frame `cut` on `new` gets every frame too, and is to take over.
    pub fn begin_cutover(&self, new: EncoderId, cut: u64, now: MonoTime) {
        let mut inner = self.lock();
        inner.cutover.begin(new, cut, now);
        self.carry_out(&mut inner);
    }

    /// Looks at the cut-over's deadline; called by the pacer with each frame.
    pub fn tick(&self, now: MonoTime) {
        let mut inner = self.lock();
        inner.cutover.tick(now);
        self.carry_out(&mut inner);
    }

    /// The programme's sink wrote a unit to its child.
    pub fn sent(&self, frame: u64, at: MonoTime) {
        self.lock().ledger.reached(Stage::Sent, frame, at);
    }

    /// A picture with these slices was whole at the receiver, which got it with this RTP timestamp.
    pub fn arrived(&self, hash: u64, rtp_time: Option<u32>, at: MonoTime) {
        let mut inner = self.lock();
        let found = inner.ledger.arrived(hash, at);
        match found {
            Some(frame) => {
                inner.ledger.came_with(frame, rtp_time);
                inner.passage.found();
            }
            None => inner.passage.stranger(at),
        }
        let captured_at = found.and_then(|frame| inner.ledger.captured(frame));
        drop(inner);
        if let (Some(rtp_time), Some(captured_at)) = (rtp_time, captured_at) {
            self.rtp_times.add(rtp_time, captured_at, at);
        }
    }

    /// When the pictures were captured that the receiver got, by RTP timestamp.
    pub fn rtp_times(&self) -> &Arc<RtpTimes> {
        &self.rtp_times
    }

    /// The programme's muxer was given an Opus packet of this hash, whose sound was there to be heard
    /// at `sound_at`.
    pub fn sound_sent(&self, hash: u64, sound_at: Option<MonoTime>) {
        let mut sound = self.lock_sound();
        if sound.ledger.sent(hash, sound_at) {
            sound.passage.found();
        }
    }

    /// An Opus packet of this hash arrived at the receiver.
    pub fn sound_arrived(&self, hash: u64, at: MonoTime) {
        let mut sound = self.lock_sound();
        match sound.ledger.arrived(hash, at) {
            Found::Same => sound.passage.found(),
            // Without the publisher's word nothing is known of any.
            Found::Other if sound.ledger.is_told() => sound.passage.stranger(at),
            Found::Other => {}
        }
    }

    /// Frame by frame: what `tracer` has not given out yet and is through at `now`; `all` takes the
    /// rest as it is.
    pub fn trace(&self, tracer: &mut Tracer, now: MonoTime, all: bool) -> Vec<FrameRow> {
        let inner = self.lock();
        let rows = inner.ledger.rows(tracer.next());
        tracer.take(rows, now, all)
    }

    /// When the picture with these slices was captured; for receivers that are not the programme's.
    pub fn captured_at(&self, hash: u64, cursor: &mut Cursor) -> Option<MonoTime> {
        self.lock().ledger.captured_at(hash, cursor)
    }

    /// The stream to the server broke, or the server says that nobody publishes: see
    /// [`Ledger::interrupted`].
    pub fn interrupted(&self) {
        let mut inner = self.lock();
        inner.ledger.interrupted();
        inner.passage.interrupted();
        drop(inner);
        let mut sound = self.lock_sound();
        sound.ledger.interrupted();
        sound.passage.interrupted();
    }

    /// A frame that this encoder had no time for: a drop of the show where it is the active one.
    pub fn encoder_drop(&self, encoder: EncoderId) {
        let mut inner = self.lock();
        if inner.cutover.active() == Some(encoder) {
            inner.drops.encoder += 1;
        }
    }

    /// Units that a cut-over under way holds back: at most [`super::cutover::LONGEST_HOLD`] of the show.
    pub fn held(&self) -> usize {
        self.lock().cutover.held()
    }

    /// When the last picture arrived at the receiver.
    pub fn last_arrival(&self) -> Option<MonoTime> {
        self.lock().ledger.last_arrival()
    }

    /// From the publisher's pipe to the receiver, the quickest picture of those that arrived since `from`
    /// ([`Ledger::quickest_way`]).
    pub fn quickest_way(&self, from: MonoTime) -> Option<Duration> {
        self.lock().ledger.quickest_way(from)
    }

    /// When the last access unit went out.
    pub fn last_unit(&self) -> Option<MonoTime> {
        self.lock().last_unit_at
    }

    /// Frames that did not go out so far, without the source's.
    pub fn drops(&self) -> Drops {
        self.lock().drops()
    }

    /// Frames given out by the pacer so far.
    pub fn frames(&self) -> u64 {
        self.lock().frames
    }

    /// Everything that is shown of the relay. `capture_drops` is the slot's count.
    pub fn figures(&self, now: MonoTime, capture_drops: u64) -> RelayFigures {
        let sound = self.sound_figures(now);
        let inner = self.lock();
        let rate = inner.rate.figures(now);
        RelayFigures {
            latency: inner.ledger.figures(now - METER_WINDOW),
            totals: inner.ledger.totals(),
            bytes: inner.rate.total(),
            kbps: rate.map(|r| r.0),
            fps: rate.map(|r| r.1),
            encode: inner.encode.figures(now),
            passthrough: inner.ledger.passthrough(),
            arrivals: inner.ledger.arrivals(),
            verdict: inner.passage.verdict(inner.ledger.arrivals()),
            sound,
            last_arrival: inner.ledger.last_arrival(),
            drops: Drops {
                capture: capture_drops,
                ..inner.drops()
            },
            frames: inner.frames,
        }
    }

    fn sound_figures(&self, now: MonoTime) -> SoundFigures {
        let sound = self.lock_sound();
        SoundFigures {
            arrived: sound.ledger.figures(now - METER_WINDOW),
            passthrough: sound.ledger.passthrough(),
            arrivals: sound.ledger.arrivals(),
            verdict: sound.passage.verdict(sound.ledger.arrivals()),
        }
    }

    fn carry_out(&self, inner: &mut Inner) {
        while let Some(output) = inner.cutover.poll() {
            match output {
                Output::Unit(unit) => inner.send(&unit),
                Output::TookOver(encoder) => self.tell(RelayEvent::TookOver(encoder)),
                Output::Retire(encoder) => self.tell(RelayEvent::Retired(encoder)),
                Output::Abandon(encoder) => self.tell(RelayEvent::Abandoned(encoder)),
            }
        }
    }

    fn tell(&self, event: RelayEvent) {
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            tracing::error!("the session does not listen: {event:?} lost");
        }
    }
}

impl Inner {
    fn send(&mut self, unit: &AccessUnit) {
        self.ledger.encoded(unit.frame, unit.encoded_at, unit.hash);
        self.rate.add(unit.encoded_at, unit.data.len());
        self.encode.add(unit);
        self.last_unit_at = Some(unit.encoded_at);
        if unit.idr {
            self.newest_idr = Some(unit.clone());
        }
        self.sinks.retain_mut(|sink| sink.offer(unit));
    }
}

impl Sink {
    /// False where the sink is gone.
    fn offer(&mut self, unit: &AccessUnit) -> bool {
        if self.waiting && !unit.idr {
            self.miss();
            return true;
        }
        match self.queue.try_send(unit.clone()) {
            Ok(()) => {
                self.waiting = false;
                self.begun = true;
                true
            }
            Err(TrySendError::Full(_)) => {
                self.waiting = true;
                self.miss();
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    fn miss(&self) {
        let established = self.established.load(Ordering::Relaxed);
        self.dropped
            .fetch_add(established.into(), Ordering::Relaxed);
        self.missed.fetch_add(self.begun.into(), Ordering::Relaxed);
    }
}

impl EncoderSink for Relay {
    fn ready(&self, encoder: EncoderId) {
        self.tell(RelayEvent::Ready(encoder));
    }

    fn written(&self, encoder: EncoderId, frame: u64, at: MonoTime) {
        let mut inner = self.lock();
        // A warming encoder's writes say nothing of the show's frames.
        if inner
            .cutover
            .active()
            .is_none_or(|active| active == encoder)
        {
            inner.ledger.reached(Stage::Written, frame, at);
        }
    }

    fn dropped(&self, encoder: EncoderId, _frame: u64) {
        self.encoder_drop(encoder);
    }

    fn unit(&self, encoder: EncoderId, unit: AccessUnit) {
        let mut inner = self.lock();
        inner.cutover.unit(encoder, unit, clock::now());
        self.carry_out(&mut inner);
    }

    fn gone(&self, encoder: EncoderId, why: String) {
        let mut inner = self.lock();
        inner.cutover.gone(encoder, clock::now());
        self.carry_out(&mut inner);
        drop(inner);
        self.tell(RelayEvent::Gone { encoder, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(frame: u64, idr: bool) -> AccessUnit {
        AccessUnit {
            frame,
            captured_at: MonoTime::from_micros(frame),
            begun_at: MonoTime::ZERO,
            frame_time: Duration::ZERO,
            encoded_at: MonoTime::from_micros(frame + 5),
            idr,
            data: vec![0; 100].into(),
            hash: frame,
        }
    }

    #[test]
    fn a_sink_begins_with_an_idr_and_a_full_one_goes_on_with_the_next() {
        let (relay, _events) = Relay::new();
        relay.begin_cutover(1, 0, MonoTime::ZERO);
        let early = relay.add_sink();
        early.established.store(true, Ordering::Relaxed);
        relay.unit(1, unit(0, true));
        let late = relay.add_sink();
        for frame in 1..20 {
            relay.unit(1, unit(frame, frame == 15));
        }
        let frames = |sink: &SinkEnd| sink.units.try_iter().map(|u| u.frame).collect::<Vec<_>>();
        assert_eq!(frames(&early), (0..8).collect::<Vec<_>>());
        assert_eq!(frames(&late), [15, 16, 17, 18, 19]);
        assert_eq!(early.primer, None, "before the first unit");
        assert_eq!(late.primer.as_ref().map(|unit| unit.frame), Some(0));
        // 8..=14 had to wait for the IDR, 15..=19 found the queue full still.
        assert_eq!(relay.figures(clock::now(), 0).drops.network, 12);
        assert_eq!(early.missed.load(Ordering::Relaxed), 12);
        // What came before its first unit it did not miss.
        assert_eq!(late.missed.load(Ordering::Relaxed), 0);
        for frame in 20..40 {
            relay.unit(1, unit(frame, frame == 30));
            if frame >= 30 {
                assert_eq!(frames(&early), [frame]);
            }
        }
    }

    #[test]
    fn a_side_sinks_drops_are_its_own() {
        let (relay, _events) = Relay::new();
        relay.begin_cutover(1, 0, MonoTime::ZERO);
        let programme = relay.add_sink();
        let aside = relay.add_side_sink();
        for sink in [&programme, &aside] {
            sink.established.store(true, Ordering::Relaxed);
        }
        for frame in 0..20 {
            relay.unit(1, unit(frame, frame == 0));
            let _ = programme.units.try_recv();
        }
        assert_eq!(aside.dropped.load(Ordering::Relaxed), 12);
        assert_eq!(relay.drops().network, 0);
    }

    #[test]
    fn a_sink_that_is_gone_is_forgotten() {
        let (relay, _events) = Relay::new();
        relay.begin_cutover(1, 0, MonoTime::ZERO);
        drop(relay.add_sink());
        relay.unit(1, unit(0, true));
        assert!(relay.lock().sinks.is_empty());
    }
}
