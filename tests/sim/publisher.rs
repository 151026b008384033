//! The publisher's child, played: the real feeds of picture and sound through pipes of a pipe's size,
//! the real reader of FLV at the other end as ffmpeg reads it, and a call to the server. No thread.
//!
//! What comes out of the pipe is looked at here: times that rise, pictures that can be decoded.

use super::checks::Checks;
use super::clock::ms;
use super::h264::maker;
use pd_console::audio::Mixer;
use pd_console::clock::MonoTime;
use pd_console::publish::publisher::{OLDEST_SENT, SoundFeed, VideoFeed};
use pd_console::relay::annexb::{AvcConfig, avcc_nal_units, nal_type};
use pd_console::relay::flv::{FlvEvent, FlvReader};
use pd_console::relay::hub::SinkEnd;
use pd_console::relay::{AccessUnit, Relay, flv_write, slice_hash};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a pipe takes, bytes (pipe(7)).
const PIPE: usize = 64 << 10;
/// A picture is given out so long after its making at the most: capturing half a second, an encoder that
/// hangs 2 s (`session::encoders::HANG_SECONDS`) and goes on, half a second on the way.
const SLOWEST: Duration = ms(3_400);
/// Bytes of sound a millisecond.
const SOUND_MS: u64 = 48 * 4;

/// Where its connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It calls.
    Calling,
    /// The receiver has answered.
    Up,
    /// It has ended.
    Dead,
}

/// A picture that has left the child.
pub struct Sent {
    /// [`slice_hash`] of it.
    pub hash: u64,
    /// Its presentation time on the stream.
    pub pts_ms: u32,
}

/// A child with its two feeding threads.
pub struct Child {
    /// Its number.
    pub id: u32,
    /// Its connection.
    pub phase: Phase,
    /// By SRT.
    pub srt: bool,
    /// It reads nothing before.
    pub held_until: MonoTime,
    /// What it said last.
    pub words: Vec<String>,
    /// It says that it sends.
    pub sends: bool,
    /// The session has given it up.
    pub asked: bool,
    /// Its connection is lost.
    lost_since: Option<MonoTime>,
    /// When it was started.
    pub started_at: MonoTime,
    relay: Arc<Relay>,
    sink: Option<SinkEnd>,
    feed: VideoFeed,
    mixer: Mixer,
    muted: Arc<AtomicBool>,
    sound: Option<SoundFeed>,
    /// Sound in its pipe, bytes; what was written of it at all.
    sound_waits: usize,
    sound_written: u64,
    sound_ended: bool,
    /// In the pipe of pictures.
    pipe: VecDeque<u8>,
    /// A write that waits for room, and its frame.
    stuck: Option<(Option<u64>, Vec<u8>)>,
    reader: FlvReader,
    length_size: Option<usize>,
    last_dts: Option<u32>,
    last_maker: Option<(u32, u64)>,
    /// Broken on purpose: its queue is never read.
    pub deaf: bool,
}

impl Child {
    /// A child that begins to call.
    pub fn new(
        id: u32,
        srt: bool,
        relay: &Arc<Relay>,
        sink: SinkEnd,
        (mixer, muted): (Mixer, Arc<AtomicBool>),
        now: MonoTime,
    ) -> Self {
        let mut child = Self {
            id,
            phase: Phase::Calling,
            srt,
            held_until: MonoTime::ZERO,
            words: Vec::new(),
            sends: false,
            asked: false,
            started_at: now,
            lost_since: None,
            relay: relay.clone(),
            sink: Some(sink),
            feed: VideoFeed::default(),
            mixer,
            muted,
            sound: None,
            sound_waits: 0,
            sound_written: 0,
            sound_ended: false,
            pipe: VecDeque::new(),
            stuck: None,
            reader: FlvReader::new(),
            length_size: None,
            last_dts: None,
            last_maker: None,
            deaf: false,
        };
        child.pipe.extend(flv_write::HEADER);
        let primer = child.sink.as_mut().and_then(|sink| sink.primer.take());
        if let Some(primer) = primer
            && let Ok(bytes) = child.feed.prime(&primer, now)
        {
            child.pipe.extend(bytes);
        }
        child
    }

    /// Broken on purpose: the times of its pictures begin anew.
    pub fn begin_anew(&mut self) {
        self.feed = VideoFeed::default();
    }

    /// It ends with these words.
    pub fn die(&mut self, words: &str) {
        if self.phase != Phase::Dead {
            self.phase = Phase::Dead;
            self.words = vec![words.to_owned()];

            (self.sink, self.sound) = (None, None);
            self.pipe.clear();
            self.stuck = None;
        }
    }

    /// Whether the server has its connection, and whether a word gets there: what is lost is noticed by
    /// SRT after 5 s of silence; TCP is told at once where a word gets through, else after 10 s.
    pub fn looks_at_connection(
        &mut self,
        (has, has_server, reachable): (bool, bool, bool),
        now: MonoTime,
    ) {
        if self.phase != Phase::Up || now < self.held_until || has && reachable {
            self.lost_since = None;
            return;
        }
        let since = *self.lost_since.get_or_insert(now);
        let limit = match (self.srt, reachable) {
            // Who is thrown out is told so.
            (_, true) if has_server => ms(0),
            (true, _) => ms(5_000),
            (false, true) => ms(0),
            (false, false) => ms(10_000),
        };
        if now.since(since) >= limit {
            self.die("av_interleaved_write_frame(): Input/output error");
        }
    }

    /// Bytes that it holds, with those that wait for room.
    pub fn held_bytes(&self) -> usize {
        let stuck = self.stuck.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.pipe.len() + stuck + self.sound_waits
    }

    /// Units that wait for its feeding thread.
    pub fn waiting(&self) -> usize {
        self.sink.as_ref().map_or(0, |sink| sink.units.len())
    }

    /// Both threads do what they can; what has left the child.
    pub fn turn(&mut self, now: MonoTime, checks: &mut Checks) -> Vec<Sent> {
        let mut sent = Vec::new();
        if self.phase == Phase::Dead {
            return sent;
        }
        self.sound(now, checks);
        loop {
            let read = self.read(now, checks, &mut sent);
            if !self.write(now, checks) && !read {
                return sent;
            }
        }
    }

    /// `pd-pub-video`; whether anything was done.
    fn write(&mut self, now: MonoTime, checks: &mut Checks) -> bool {
        let mut done = false;
        while self.phase != Phase::Dead && !self.deaf {
            if let Some((frame, bytes)) = self.stuck.take() {
                if self.pipe.len() + bytes.len() > PIPE && !self.pipe.is_empty() {
                    self.stuck = Some((frame, bytes));
                    return done;
                }
                self.pipe.extend(bytes);
                if let Some(frame) = frame {
                    self.relay.sent(frame, now);
                }
            }
            let Some(unit) = self.sink.as_ref().and_then(|s| s.units.try_recv().ok()) else {
                return done;
            };
            done = true;
            self.take(&unit, now, checks);
        }
        done
    }

    fn take(&mut self, unit: &AccessUnit, now: MonoTime, checks: &mut Checks) {
        let Some(sink) = &self.sink else { return };
        let Some(bytes) = self.feed.take(unit, self.sends, now) else {
            let established = sink.established.load(Ordering::Relaxed);
            sink.dropped
                .fetch_add(established.into(), Ordering::Relaxed);
            return;
        };
        // Video never older than the slot, sending: what is written came out of the encoder within
        // the bound.
        checks.hold(now.since(unit.encoded_at) <= OLDEST_SENT, || {
            format!(
                "frame {} is sent {:?} late",
                unit.frame,
                now.since(unit.encoded_at)
            )
        });
        checks.hold(unit.captured_at <= now, || {
            format!("frame {} is of the future", unit.frame)
        });
        if self.sends {
            sink.established.store(true, Ordering::Relaxed);
        }
        match bytes {
            Ok(bytes) => self.stuck = Some((Some(unit.frame), bytes)),
            Err(error) => {
                checks.fail(format!("publisher {}: {error}", self.id));
            }
        }
    }

    /// `pd-pub-audio`: by the clock, from the picture's zero on.
    fn sound(&mut self, now: MonoTime, checks: &mut Checks) {
        let Some(epoch) = self.feed.epoch() else {
            return;
        };
        if self.sound.is_none() && !self.sound_ended {
            self.sound = Some(SoundFeed::new(&self.mixer, epoch));
        }
        let takes = self.phase == Phase::Up && now >= self.held_until;
        if takes {
            self.sound_waits = 0;
        }
        let Some(sound) = &mut self.sound else { return };
        let muted = self.muted.load(Ordering::Relaxed);
        let mut out = Vec::new();
        let mut late = false;
        while takes || self.sound_waits < PIPE {
            out.clear();
            match sound.write_due(now, muted, &mut out) {
                Ok(true) => {
                    self.sound_written += out.len() as u64;
                    self.sound_waits += if takes { 0 } else { out.len() };
                }
                Ok(false) => break,
                Err(_) => {
                    late = true;
                    break;
                }
            }
        }
        // Times monotonic, sound: its time is its length, so it is never ahead of the clock, and behind
        // it by no more than the reading delay and a chunk where the child takes it.
        let written = Duration::from_millis(self.sound_written / SOUND_MS);
        checks.hold(epoch + written <= now + ms(1), || {
            format!("publisher {}: sound is ahead by {:?}", self.id, written)
        });
        if late {
            (self.sound, self.sound_ended) = (None, true);
        } else if takes {
            let behind = now.since(epoch).saturating_sub(written);
            checks.hold(behind <= ms(40), || {
                format!("publisher {}: sound is behind by {behind:?}", self.id)
            });
        }
    }

    /// The child reads; whether it has.
    fn read(&mut self, now: MonoTime, checks: &mut Checks, sent: &mut Vec<Sent>) -> bool {
        // Before its call is answered it reads its input's head only.
        let may = match self.phase {
            Phase::Up => now >= self.held_until,
            Phase::Calling => self.last_dts.is_none() && now >= self.held_until,
            Phase::Dead => false,
        };
        if !may || self.pipe.is_empty() {
            return false;
        }
        let bytes: Vec<u8> = self.pipe.drain(..).collect();
        let mut events = Vec::new();
        if let Err(error) = self.reader.push(&bytes, |event| events.push(event)) {
            checks.fail(format!("publisher {}: {error}", self.id));
        }
        for event in events {
            self.picture(event, now, checks, sent);
        }
        true
    }

    fn picture(
        &mut self,
        event: FlvEvent,
        now: MonoTime,
        checks: &mut Checks,
        out: &mut Vec<Sent>,
    ) {
        let (pts_ms, key, avcc) = match event {
            FlvEvent::Config(record) => {
                let config = AvcConfig::parse(&record);
                self.length_size = config.ok().map(|config| config.length_size);
                return;
            }
            FlvEvent::Picture { pts_ms, key, avcc } => (pts_ms, key, avcc),
        };
        let Some(length) = self.length_size else {
            return checks.fail(format!(
                "publisher {}: a picture before its config",
                self.id
            ));
        };
        // Times monotonic, sinks: decoding times rise strictly.
        checks.hold(self.last_dts.is_none_or(|last| pts_ms > last), || {
            format!(
                "publisher {}: dts {:?} then {pts_ms}",
                self.id, self.last_dts
            )
        });
        self.last_dts = Some(pts_ms);
        let nals = avcc_nal_units(&avcc, length).unwrap_or_default();
        let slice = nals.iter().find(|nal| matches!(nal_type(nal), 1 | 5));
        let made = slice.and_then(|slice| maker(slice));
        // What follows can be decoded: an IDR, or the next of the same encoder's.
        let follows = made
            .zip(self.last_maker)
            .is_some_and(|((encoder, index), last)| (encoder, index) == (last.0, last.1 + 1));
        checks.hold(key || follows, || {
            format!(
                "publisher {}: {made:?} after {:?}",
                self.id, self.last_maker
            )
        });
        self.last_maker = made;
        self.at_real_time(pts_ms, now, checks);
        out.push(Sent {
            hash: slice_hash(nals.iter().copied()),
            pts_ms,
        });
    }

    /// Times monotonic, presentation: a picture's time on the stream is that of its making, which lies
    /// not long before the child reads it, where it reads as pictures come: neither ahead of
    /// the sound, whose time is the clock's, nor left behind by it.
    fn at_real_time(&self, pts_ms: u32, now: MonoTime, checks: &mut Checks) {
        let Some(epoch) = self.feed.epoch() else {
            return;
        };
        let at = epoch + ms(u64::from(pts_ms.saturating_sub(flv_write::LEAD_MS)));
        checks.hold(at <= now + ms(60), || {
            format!(
                "publisher {}: a picture is {:?} ahead",
                self.id,
                at.since(now)
            )
        });
        let as_they_come = now.since(self.held_until) > ms(1_000) && checks.awake_for(ms(1_000));
        if as_they_come && self.phase == Phase::Up && self.sends {
            checks.hold(now.since(at) <= SLOWEST, || {
                format!(
                    "publisher {}: a picture is {:?} behind",
                    self.id,
                    now.since(at)
                )
            });
        }
    }
}
