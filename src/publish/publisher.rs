//! The publisher: one ffmpeg child that packs access units and sound into MPEG-TS and sends it.
//!
//! Owns three threads: `pd-pub-video` (units of a relay's sink as FLV into stdin), `pd-pub-audio`
//! (the mix as an endless WAV, by the clock), `pd-pub-progress` (what it has sent).
//! Under pressure it drops: a unit older than [`OLDEST_SENT`] is never sent, nor what depends on it;
//! it goes on with a fresh IDR. The sound is never cut: a WAV stream's time is its length.

use crate::audio::feed::{self, Due, Feed, SOUND_DELAY};
use crate::audio::{CHANNELS, Mixer};
use crate::clock::{self, MonoTime};
use crate::ffmpeg::child::Tail;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::{Arguments, AudioInput};
use crate::ffmpeg::{Ffmpeg, Sidecar};
use crate::relay::hub::SinkEnd;
use crate::relay::{AccessUnit, Relay, flv_write};
use crate::stop::StopToken;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::audio_pipe;

/// A unit that came out of the encoder longer ago is not sent any more.
pub const OLDEST_SENT: Duration = Duration::from_millis(250);

/// A running publisher.
pub struct Publisher {
    sidecar: Sidecar,
    stop: StopToken,
    sent_bytes: Arc<AtomicU64>,
    muted: Arc<AtomicBool>,
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
        let sent_bytes = Arc::new(AtomicU64::new(0));
        let (epoch_is, epoch) = crossbeam_channel::bounded(1);
        let video = Video {
            sink: relay.add_sink(),
            sent_bytes: sent_bytes.clone(),
            relay: relay.clone(),
            stop: stop.clone(),
            epoch: None,
            epoch_is,
            last_pts_ms: None,
            waiting: true,
        };
        let audio = Audio {
            sound: wish.sound,
            muted: wish.muted.clone(),
            stop: stop.clone(),
            epoch,
        };
        let bytes = sent_bytes.clone();
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        named("pd-pub-video").spawn(move || video.run(stdin))?;
        let end = sound.end;
        named("pd-pub-audio").spawn(move || {
            if let Err(error) = end.open().and_then(|pipe| audio.run(pipe)) {
                tracing::debug!("the publisher takes no more sound: {error}");
            }
        })?;
        named("pd-pub-progress").spawn(move || progress(stdout, &bytes))?;
        Ok(Self {
            sidecar,
            stop,
            sent_bytes,
            muted: wish.muted,
        })
    }

    /// Bytes that it has given to the network: above zero, the receiver has accepted the connection.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
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

struct Video {
    sink: SinkEnd,
    sent_bytes: Arc<AtomicU64>,
    relay: Arc<Relay>,
    stop: StopToken,
    epoch: Option<MonoTime>,
    epoch_is: crossbeam_channel::Sender<MonoTime>,
    last_pts_ms: Option<u32>,
    /// For an IDR.
    waiting: bool,
}

impl Video {
    fn run(mut self, mut stdin: ChildStdin) {
        if stdin.write_all(&flv_write::HEADER).is_err() {
            return;
        }
        while !self.stop.is_stopped() {
            match self.sink.units.recv_timeout(Duration::from_millis(100)) {
                Ok(unit) => {
                    if !self.keep(&unit, clock::now()) {
                        // What a child misses until it is connected is no drop of the show.
                        let established = self.sink.established.load(Ordering::Relaxed);
                        self.relay.network_drops(u64::from(established));
                        continue;
                    }
                    if self.sent_bytes.load(Ordering::Relaxed) > 0 {
                        self.sink.established.store(true, Ordering::Relaxed);
                    }
                    if self.write(&unit, &mut stdin).is_err() {
                        return;
                    }
                    self.relay.sent(unit.frame, clock::now());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn keep(&mut self, unit: &AccessUnit, now: MonoTime) -> bool {
        let late = now.since(unit.encoded_at) > OLDEST_SENT;
        self.waiting = late || (self.waiting && !unit.idr);
        !self.waiting
    }

    fn write(&mut self, unit: &AccessUnit, stdin: &mut ChildStdin) -> io::Result<()> {
        let epoch = *self.epoch.get_or_insert(unit.captured_at);
        let pts = pts_ms(unit.captured_at, epoch, self.last_pts_ms);
        let mut bytes = flv_write::picture(unit, pts);
        if self.last_pts_ms.replace(pts).is_none() {
            let header = flv_write::sequence_header(unit)
                .ok_or_else(|| io::Error::other("an IDR without parameter sets"))?;
            bytes.splice(0..0, header);
            let _ = self.epoch_is.try_send(epoch);
        }
        // One write a unit: the child wakes once.
        stdin.write_all(&bytes)
    }
}

/// A unit's time since `epoch` in FLV's unit, later than the one before: equal times would be
/// refused.
pub fn pts_ms(captured_at: MonoTime, epoch: MonoTime, last_ms: Option<u32>) -> u32 {
    let us = captured_at.since(epoch).as_micros();
    let pts = u32::try_from((us + 500) / 1000).unwrap_or(u32::MAX);
    last_ms.map_or(pts, |last| pts.max(last.saturating_add(1)))
}

struct Audio {
    sound: Mixer,
    muted: Arc<AtomicBool>,
    stop: StopToken,
    epoch: Receiver<MonoTime>,
}

impl Audio {
    fn run(self, mut pipe: impl Write) -> io::Result<()> {
        pipe.write_all(&feed::wav_header())?;
        let epoch = loop {
            match self.epoch.recv_timeout(Duration::from_millis(100)) {
                Ok(epoch) => break epoch,
                Err(RecvTimeoutError::Timeout) if !self.stop.is_stopped() => {}
                Err(_) => return Ok(()),
            }
        };
        let mut sound = self.sound.reader();
        let mut feed = Feed::new(epoch, SOUND_DELAY, FEED_CHUNK);
        let mut samples = [0_i16; FEED_CHUNK * CHANNELS];
        let mut bytes = [0_u8; FEED_CHUNK * CHANNELS * 2];
        while !self.stop.is_stopped() {
            match feed.due(clock::now()) {
                Some(Due::Chunk(first)) => {
                    sound.set_muted(self.muted.load(Ordering::Relaxed));
                    sound.read(first, &mut samples);
                    for (pair, sample) in bytes.chunks_exact_mut(2).zip(samples) {
                        pair.copy_from_slice(&sample.to_le_bytes());
                    }
                    pipe.write_all(&bytes)?;
                }
                Some(Due::Resync { lost }) => make_up(lost, &mut pipe)?,
                None => {
                    self.stop.sleep(feed.next_at().since(clock::now()));
                }
            }
        }
        Ok(())
    }
}

/// Silence in the place of sample frames that nobody can give any more: a WAV stream's time is its
/// length. After a suspend (B27) the publisher starts anew instead.
fn make_up(lost: u64, pipe: &mut impl Write) -> io::Result<()> {
    const LONGEST: u64 = 10 * crate::audio::SAMPLE_RATE as u64;
    if lost > LONGEST {
        return Err(io::Error::other("the sound stood still for more than 10 s"));
    }
    let silence = [0_u8; FEED_CHUNK * CHANNELS * 2];
    let mut left = usize::try_from(lost).unwrap_or(usize::MAX) * CHANNELS * 2;
    while left > 0 {
        let now = left.min(silence.len());
        pipe.write_all(&silence[..now])?;
        left -= now;
    }
    Ok(())
}

/// 5 ms: half an Opus frame. Less waits longer for nothing, more holds the sound back.
const FEED_CHUNK: usize = 240;

fn progress(stdout: ChildStdout, sent: &AtomicU64) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        if let Some(bytes) = line
            .strip_prefix("total_size=")
            .and_then(|n| n.trim().parse().ok())
        {
            sent.store(bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rise_even_where_two_pictures_have_the_same() {
        let us = MonoTime::from_micros;
        assert_eq!(pts_ms(us(5000), us(5000), None), 0);
        assert_eq!(pts_ms(us(38_333), us(5000), Some(0)), 33);
        assert_eq!(pts_ms(us(38_333), us(5000), Some(33)), 34);
        assert_eq!(pts_ms(us(1000), us(5000), Some(34)), 35);
    }
}
