//! The publisher: one ffmpeg child that packs access units and sound into MPEG-TS and sends it.
//!
//! Owns three threads: `pd-pub-video` (units of a relay's sink as FLV into stdin), `pd-pub-audio`
//! (the mix as an endless WAV, by the clock), `pd-pub-progress` (what it has sent, and the hash of each
//! Opus packet where it was asked to tell).
//! A publisher that is started within a show is primed: the newest IDR before goes first, with the
//! time of now, as a picture that is repeated. The child opens its input and calls the receiver with
//! it while the next IDR is waited for, and the viewers have a picture that is a GOP old at most.
//! Measured with a GOP of 1 s, until a viewer had a picture again: 1.15 s without, 0.66 s with it
//! (ARCHITECTURE.md, "Lost and back"). The whole GOP since that IDR would bring 0.45 s, but is late by up to a second.
//! What is encoded until the call is answered would wait in pipes and come late: it is left out.
//!
//! Under pressure it drops: a unit older than [`OLDEST_SENT`] is never sent, nor what depends on it;
//! it goes on with a fresh IDR. The sound is never cut: a WAV stream's time is its length.

use crate::audio::{self, Mixer, SAMPLE_RATE};
use crate::clock::{self, MonoTime};
use crate::crash::provoke;
use crate::ffmpeg::child::Tail;
use crate::ffmpeg::cover::{Cover, Which};
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::{Arguments, AudioInput};
use crate::ffmpeg::{Ffmpeg, Sidecar};
use crate::relay::hub::SinkEnd;
use crate::relay::{Relay, flv_write};
use crate::stop::StopToken;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod feeds;

use super::{audio_pipe, framehash};
pub use feeds::{OLDEST_SENT, SoundFeed, VideoFeed, pts_ms};

/// A running publisher.
pub struct Publisher {
    sidecar: Sidecar,
    stop: StopToken,
    sent: Arc<AtomicU64>,
    blind: Arc<AtomicBool>,
    muted: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    dropped_before: u64,
}

/// What a publisher is started with.
pub struct PublisherWish {
    /// Its arguments for a sound input.
    pub arguments: Box<dyn FnOnce(&AudioInput) -> Arguments + Send>,
    /// The sound.
    pub sound: Mixer,
    /// Send silence instead.
    pub muted: Arc<AtomicBool>,
    /// How its child is started.
    pub launch: Launch,
    /// Whether it is the programme's: what it sends and misses is the show's.
    pub programme: bool,
}

impl Publisher {
    /// Starts the child, its threads, and a sink of `relay` for it.
    ///
    /// # Errors
    /// Where the child, a pipe or a thread cannot be made.
    pub fn start(ffmpeg: &Ffmpeg, wish: PublisherWish, relay: &Arc<Relay>) -> io::Result<Self> {
        let sound = audio_pipe::open()?;
        let args = (wish.arguments)(&sound.input);
        let log = Box::new(|line: &str| tracing::warn!("publisher: {line}"));
        let mut sidecar = Sidecar::start(
            "publisher",
            &ffmpeg.path,
            &args,
            wish.launch.without_pipe(),
            |c| sound.prepare.hand_over(c),
            log,
        )?;
        let missing = || io::Error::other("the publisher has no pipes");
        let stdin = sidecar.take_stdin().ok_or_else(missing)?;
        let stdout = sidecar.take_stdout().ok_or_else(missing)?;
        let stop = StopToken::new();
        let sent = Arc::new(AtomicU64::new(0));
        let blind = Arc::new(AtomicBool::new(false));
        let sound_from = Arc::new(OnceLock::new());
        let (epoch_is, epoch) = crossbeam_channel::bounded(1);
        let sink = if wish.programme {
            relay.add_sink()
        } else {
            relay.add_side_sink()
        };
        let dropped = sink.dropped.clone();
        let video = Video {
            sink,
            sent: sent.clone(),
            measured: wish.programme.then(|| relay.clone()),
            stop: stop.clone(),
            feed: VideoFeed::default(),
            epoch_is,
            sound_from: sound_from.clone(),
            cover: Some(Cover::of(sidecar.pid(), &args)),
        };
        let audio = Audio {
            sound: wish.sound,
            muted: wish.muted.clone(),
            stop: stop.clone(),
            epoch,
        };
        let reader = Reader {
            sent: sent.clone(),
            blind: blind.clone(),
            sound_from,
            relay: wish.programme.then(|| relay.clone()),
        };
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        named("pd-pub-video").spawn(move || video.run(stdin))?;
        let (end, child) = (sound.end, sidecar.pid());
        let ends = stop.clone();
        named("pd-pub-audio").spawn(move || {
            // Without it the publisher would go on without sound; so it ends, and another one starts.
            let _ends = EndsWithPanic(ends);
            if let Err(error) = end.open(child).and_then(|pipe| audio.run(pipe)) {
                tracing::debug!("the publisher takes no more sound: {error}");
            }
        })?;
        named("pd-pub-progress").spawn(move || reader.run(stdout))?;
        Ok(Self {
            sidecar,
            stop,
            sent,
            blind,
            muted: wish.muted,
            dropped_before: dropped.load(Ordering::Relaxed),
            dropped,
        })
    }

    /// Whether it has given anything to the network: then the receiver has accepted the connection.
    pub fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed) > 0
    }

    /// Whether what [`Publisher::has_sent`] says may also be a connection that is still being made:
    /// 7.0 tells nothing better where the muxer has sockets of its own.
    pub fn is_blind(&self) -> bool {
        self.blind.load(Ordering::Relaxed)
    }

    /// Units that it has missed since it was connected.
    pub fn drops(&self) -> u64 {
        let all = self.dropped.load(Ordering::Relaxed);
        all.saturating_sub(self.dropped_before)
    }

    /// Sends silence, or the sound again.
    pub fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    /// Its process id.
    pub fn pid(&mut self) -> u32 {
        self.sidecar.pid()
    }

    /// Its exit status, once it has ended.
    pub fn poll_exit(&mut self) -> Option<ExitStatus> {
        self.sidecar.poll_exit()
    }

    /// Its last words.
    pub fn tail(&self) -> Tail {
        self.sidecar.tail()
    }

    /// Ends it within about twice `grace`.
    pub fn end(mut self, grace: Duration) {
        self.stop.stop();
        self.sidecar.end(grace);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// Sets a stop token where its thread panics.
struct EndsWithPanic(StopToken);

impl Drop for EndsWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

struct Video {
    sink: SinkEnd,
    sent: Arc<AtomicU64>,
    /// Told of each unit that is sent.
    measured: Option<Arc<Relay>>,
    stop: StopToken,
    feed: VideoFeed,
    epoch_is: crossbeam_channel::Sender<MonoTime>,
    /// The same, for who times the packets of the sound.
    sound_from: Arc<OnceLock<MonoTime>>,
    /// Its secret arguments, until all of them are covered.
    cover: Option<Cover>,
}

impl Video {
    fn run(mut self, mut stdin: ChildStdin) {
        if stdin.write_all(&flv_write::HEADER).is_err() {
            return;
        }
        if let Some(cover) = &self.cover {
            cover.once_read(&stdin);
        }
        if let Some(primer) = self.sink.primer.take() {
            let bytes = self.feed.prime(&primer, clock::now());
            if self.write(bytes, &mut stdin).is_err() {
                return;
            }
        }
        while !self.stop.is_stopped() {
            provoke::point("pd-pub-video");
            match self.sink.units.recv_timeout(Duration::from_millis(100)) {
                Ok(unit) => {
                    let has_sent = self.sent.load(Ordering::Relaxed) > 0;
                    let Some(bytes) = self.feed.take(&unit, has_sent, clock::now()) else {
                        // What a child misses until it is connected is no drop of the show.
                        let established = self.sink.established.load(Ordering::Relaxed);
                        let dropped = &self.sink.dropped;
                        dropped.fetch_add(established.into(), Ordering::Relaxed);
                        continue;
                    };
                    if has_sent {
                        // It has opened its address.
                        if let Some(cover) = self.cover.take() {
                            cover.now(Which::All);
                        }
                        self.sink.established.store(true, Ordering::Relaxed);
                    }
                    if self.write(bytes, &mut stdin).is_err() {
                        return;
                    }
                    if let Some(relay) = &self.measured {
                        relay.sent(unit.frame, clock::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write(&mut self, bytes: io::Result<Vec<u8>>, stdin: &mut ChildStdin) -> io::Result<()> {
        let bytes = bytes?;
        // Known with the first picture.
        if let Some(epoch) = self.feed.epoch()
            && self.sound_from.set(epoch).is_ok()
        {
            let _ = self.epoch_is.try_send(epoch);
        }
        // One write a unit: the child wakes once.
        stdin.write_all(&bytes)
    }
}

struct Audio {
    sound: Mixer,
    muted: Arc<AtomicBool>,
    stop: StopToken,
    epoch: Receiver<MonoTime>,
}

impl Audio {
    fn run(self, mut pipe: impl Write) -> io::Result<()> {
        pipe.write_all(&audio::wav_header())?;
        let epoch = loop {
            match self.epoch.recv_timeout(Duration::from_millis(100)) {
                Ok(epoch) => break epoch,
                Err(RecvTimeoutError::Timeout) if !self.stop.is_stopped() => {}
                Err(_) => return Ok(()),
            }
        };
        let mut feed = SoundFeed::new(&self.sound, epoch);
        while !self.stop.is_stopped() {
            provoke::point("pd-pub-audio");
            let muted = self.muted.load(Ordering::Relaxed);
            if !feed.write_due(clock::now(), muted, &mut pipe)? {
                self.stop.sleep(feed.next_at().since(clock::now()));
            }
        }
        Ok(())
    }
}

/// Reads what the child says on stdout.
struct Reader {
    sent: Arc<AtomicU64>,
    blind: Arc<AtomicBool>,
    /// The time of the sound's first sample.
    sound_from: Arc<OnceLock<MonoTime>>,
    /// Told of each packet of the sound.
    relay: Option<Arc<Relay>>,
}

impl Reader {
    fn run(self, stdout: ChildStdout) {
        let mut report = Progress::default();
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if let Some(packet) = framehash::parse(&line) {
                if let Some(relay) = &self.relay {
                    let from = self.sound_from.get().copied();
                    let at = from.and_then(|from| sound_at(from, packet.pts));
                    relay.sound_sent(packet.hash, at);
                }
            } else if let Some(count) = report.take(&line) {
                self.sent.store(count.sent, Ordering::Relaxed);
                self.blind.store(count.blind, Ordering::Relaxed);
            }
        }
    }
}

/// When the first sample of a packet with this time was there to be heard; None before `from`.
fn sound_at(from: MonoTime, pts: i64) -> Option<MonoTime> {
    let us = u64::try_from(pts).ok()?.checked_mul(1_000_000)? / u64::from(SAMPLE_RATE);
    Some(from + Duration::from_micros(us))
}

/// One report of `-progress`: lines of `key=value`, ended by `progress=`.
#[derive(Default)]
pub(crate) struct Progress {
    bytes: Option<u64>,
    pictures: Option<u64>,
    time_us: u64,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Bytes or pictures; only zero and more than zero can be told apart by all.
    sent: u64,
    /// Whether it may only have been muxed.
    blind: bool,
}

impl Progress {
    /// At a report's end what was sent: bytes, or where a muxer has its own sockets (RTSP, WHIP)
    /// pictures. Those count from when a time was muxed: 5.1 also counts what waits for the
    /// connection, and 9.0 knows a time before. 7.0 counts no pictures that it copies: there it is the
    /// time alone, which runs before the connection too.
    pub(crate) fn take(&mut self, line: &str) -> Option<Count> {
        let (key, value) = line.split_once('=')?;
        let number = value.trim().parse().ok();
        match key {
            "total_size" => self.bytes = number,
            "frame" => self.pictures = Some(number.unwrap_or(0)),
            "out_time_us" => self.time_us = number.unwrap_or(0),
            "progress" => {
                let report = std::mem::take(self);
                let muxed = report.time_us > 0;
                let pictures = report.pictures.unwrap_or(1) * u64::from(muxed);
                return Some(Count {
                    sent: report.bytes.unwrap_or(pictures),
                    blind: report.bytes.is_none() && report.pictures.is_none(),
                });
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_read_of_every_muxer() {
        let sent = |lines: &[&str]| {
            let mut report = Progress::default();
            lines
                .iter()
                .find_map(|line| report.take(line))
                .map(|count| (count.sent, count.blind))
        };
        let all = [
            "frame=0",
            "total_size=1316",
            "out_time_us=N/A",
            "progress=continue",
        ];
        assert_eq!(sent(&all), Some((1316, false)));
        // RTSP and WHIP, 5.1 and 8.0 to 9.0.
        let own_sockets = |frame, time| sent(&[frame, "total_size=N/A", time, "progress=continue"]);
        let connected = own_sockets("frame=25", "out_time_us=793500");
        assert_eq!(connected, Some((25, false)));
        // Before the connection: 5.1, then 9.0.
        assert_eq!(own_sockets("frame=3", "out_time_us=N/A"), Some((0, false)));
        let early = own_sockets("frame=0", "out_time_us=510854");
        assert_eq!(early, Some((0, false)));
        // 7.0, which has no such line for what it copies.
        let seven = |time| sent(&["total_size=N/A", time, "progress=continue"]);
        assert_eq!(seven("out_time_us=-47000"), Some((0, true)));
        assert_eq!(seven("out_time_us=520000"), Some((1, true)));
        assert_eq!(
            sent(&["total_size=1316"]),
            None,
            "not yet the end of the report"
        );
    }

    #[test]
    fn a_packets_sound_has_the_time_of_its_samples() {
        let from = MonoTime::from_micros(1_000_000);
        assert_eq!(sound_at(from, -120), None, "the encoder's delay");
        assert_eq!(sound_at(from, 360), Some(MonoTime::from_micros(1_007_500)));
        assert_eq!(sound_at(from, i64::MAX), None);
    }
}
