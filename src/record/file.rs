//! One file being written: an ffmpeg that copies the picture and encodes the sound.
//!
//! The recorder's thread writes the pictures (FLV into stdin); owns the thread `pd-rec-sound`, which
//! writes the sound beside them (endless WAV). Both wait for the disk; the ring is what is lost then.

use super::ring::Sound;
use super::tap::Kept;
use super::worker::Wish;
use crate::audio::timeline::index_of;
use crate::audio::{CHANNELS, SAMPLE_RATE, feed};
use crate::clock::MonoTime;
use crate::ffmpeg::Sidecar;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan;
use crate::publish::audio_pipe;
use crate::publish::publisher::pts_ms;
use crate::relay::{AccessUnit, flv_write};
use crate::stop::ends_by;
use std::io::{self, Write};
use std::path::Path;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The ffmpeg of a job, where others may end it.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Option<Sidecar>>>);

impl Sink {
    fn with<T>(&self, look: impl FnOnce(&mut Option<Sidecar>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its process id, where it runs.
    pub fn pid(&self) -> Option<u32> {
        self.with(|child| child.as_mut().map(Sidecar::pid))
    }

    /// Ends it within half a second; what blocks on its pipes is free then.
    pub fn kill(&self) {
        self.with(|child| {
            if let Some(child) = child {
                child.end(Duration::from_millis(150));
            }
        });
    }

    fn has_ended(&self) -> bool {
        self.with(|child| {
            child
                .as_mut()
                .is_none_or(|child| child.poll_exit().is_some())
        })
    }
}

/// How a file has ended.
pub struct Closed {
    /// ffmpeg said that all is well.
    pub good: bool,
    /// Its last words.
    pub lines: Vec<String>,
}

/// Whether a disk without room speaks from these words (strerror(3) of ENOSPC and EDQUOT).
pub fn is_full(lines: &[String]) -> bool {
    lines.iter().any(|line| {
        line.contains("No space left on device") || line.contains("Disk quota exceeded")
    })
}

/// A file being written.
pub struct File {
    stdin: Option<ChildStdin>,
    child: Sink,
    sound: JoinHandle<()>,
    /// Where the sound ends, in frames of the timeline.
    until: Arc<AtomicU64>,
    epoch: MonoTime,
    last_pts_ms: Option<u32>,
    last_at: MonoTime,
    frame_time: Duration,
}

impl File {
    /// Starts ffmpeg and the sound for a file that begins with the IDR `first`.
    ///
    /// # Errors
    /// Where ffmpeg, a pipe or the thread cannot be made.
    pub fn start(
        wish: &Wish,
        path: &Path,
        first: &AccessUnit,
        kept: &Arc<Kept>,
        child: &Sink,
    ) -> io::Result<Self> {
        let sound = audio_pipe::open()?;
        let path = path
            .to_str()
            .ok_or_else(|| io::Error::other("the file's name is no UTF-8"))?;
        let args = plan::recorder(&sound.input, wish.form, wish.audio_kbps, path);
        let mut sidecar = Sidecar::start(
            "recorder",
            &wish.ffmpeg.path,
            &args,
            // The show's own children come first.
            Launch::default(),
            |command| sound.prepare.hand_over(command),
            Box::new(|line| tracing::debug!("recorder: {line}")),
        )?;
        let missing = || io::Error::other("the recorder has no pipe");
        let mut stdin = sidecar.take_stdin().ok_or_else(missing)?;
        let recorder = sidecar.pid();
        child.with(|slot| *slot = Some(sidecar));
        let mut head = flv_write::HEADER.to_vec();
        head.extend(
            flv_write::sequence_header(first)
                .ok_or_else(|| io::Error::other("an IDR without parameter sets"))?,
        );
        stdin.write_all(&head)?;
        let until = Arc::new(AtomicU64::new(u64::MAX));
        let (from, ends, kept) = (index_of(first.captured_at), until.clone(), kept.clone());
        let sound = std::thread::Builder::new()
            .name("pd-rec-sound".into())
            .spawn(move || {
                let written = sound
                    .end
                    .open(recorder)
                    .and_then(|pipe| write_sound(pipe, &kept, from, &ends));
                if let Err(error) = written {
                    tracing::debug!("the recorder takes no more sound: {error}");
                }
            })?;
        Ok(Self {
            stdin: Some(stdin),
            child: child.clone(),
            sound,
            until,
            epoch: first.captured_at,
            last_pts_ms: None,
            last_at: first.captured_at,
            frame_time: first.frame_time,
        })
    }

    /// Writes a picture; waits for the disk.
    ///
    /// # Errors
    /// ffmpeg has ended.
    pub fn picture(&mut self, unit: &AccessUnit) -> io::Result<()> {
        let pts = pts_ms(unit.captured_at, self.epoch, self.last_pts_ms);
        self.last_pts_ms = Some(pts);
        self.last_at = unit.captured_at;
        self.frame_time = unit.frame_time;
        let bytes = flv_write::picture_with_lead(unit, pts, 0);
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(&bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// When the last picture was captured.
    pub fn last_at(&self) -> MonoTime {
        self.last_at
    }

    /// Whether ffmpeg has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.child.has_ended()
    }

    /// Lets it be ended well for as long as `patience`, then by force.
    pub fn close(mut self, patience: Duration) -> Closed {
        let deadline = Instant::now() + patience;
        let until = index_of(self.last_at + self.frame_time);
        self.until.store(until, Ordering::Release);
        self.stdin = None;
        let mut good = ends_by(&self.sound, deadline);
        while !self.child.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        good &= self.child.has_ended();
        self.child.kill();
        let lines = self.child.with(|child| {
            let status = child.as_mut().and_then(Sidecar::poll_exit);
            good &= status.is_some_and(|status| status.success());
            child.take().map(|child| child.tail().lines())
        });
        Closed {
            good,
            lines: lines.unwrap_or_default(),
        }
    }
}

/// What was lost is silence: a WAV stream's time is its length.
fn write_sound(mut pipe: impl Write, kept: &Kept, from: u64, until: &AtomicU64) -> io::Result<()> {
    pipe.write_all(&feed::wav_header())?;
    let mut at = from;
    let mut bytes = Vec::new();
    loop {
        let left = until.load(Ordering::Acquire).saturating_sub(at);
        if left == 0 {
            return Ok(());
        }
        bytes.clear();
        match kept.sound(at) {
            Sound::Samples(samples) => {
                let frames =
                    (samples.len() / CHANNELS).min(usize::try_from(left).unwrap_or(usize::MAX));
                let samples = &samples[..frames * CHANNELS];
                bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
                at += frames as u64;
            }
            Sound::Missing(frames) => at += silence(frames.min(left), &mut bytes),
            // Nothing more comes, and the pictures' end is known: a frame's time at most.
            Sound::Later
                if kept.is_closed() && at.checked_add(left).is_some_and(|end| end < u64::MAX) =>
            {
                at += silence(left, &mut bytes);
            }
            Sound::Later => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
        }
        pipe.write_all(&bytes)?;
    }
}

/// At most a second of it; how many frames that were.
fn silence(frames: u64, bytes: &mut Vec<u8>) -> u64 {
    let frames = frames.min(u64::from(SAMPLE_RATE));
    bytes.resize(frames as usize * CHANNELS * 2, 0);
    frames
}

#[cfg(test)]
mod tests {
    use super::super::ring::{CHUNK, Ring};
    use super::*;

    #[test]
    fn missing_sound_is_silence_of_its_length_and_the_end_is_exact() {
        let mut ring = Ring::new(Duration::from_secs(5), 1 << 20);
        for k in 0..5 {
            let samples = vec![7_i16; CHUNK * CHANNELS];
            ring.push_sound(48_000 + k * CHUNK as u64, samples.into());
        }
        let kept = Kept::closed(ring);
        let until = AtomicU64::new(48_000 + 5 * CHUNK as u64 + 100);
        let mut out = Vec::new();
        write_sound(&mut out, &kept, 40_000, &until).unwrap();
        let pcm: Vec<i16> = out[44..]
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(pcm.len(), (8_000 + 5 * CHUNK + 100) * CHANNELS);
        assert!(pcm[..16_000].iter().all(|s| *s == 0));
        assert!(pcm[16_000..16_000 + 10 * CHUNK].iter().all(|s| *s == 7));
        assert!(pcm[16_000 + 10 * CHUNK..].iter().all(|s| *s == 0));
    }

    #[test]
    fn a_full_disk_is_known_by_ffmpegs_words() {
        let full = |line: &str| is_full(&[line.to_owned()]);
        // ffmpeg 5.1, 7.0, 9.0 on a full tmpfs.
        assert!(full(
            "av_interleaved_write_frame(): No space left on device"
        ));
        assert!(full(
            "[out#0/matroska @ 0x1] Error submitting a packet to the muxer: No space left on device"
        ));
        assert!(full(
            "Error writing trailer of file:/x/a.mkv: Disk quota exceeded"
        ));
        assert!(!full("Conversion failed!"));
    }
}
