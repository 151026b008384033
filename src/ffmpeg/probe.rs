//! The test of an encoder before it is used: ten real pictures of the real size through the real
//! arguments, as the show will do it, and a look at each picture that comes out.
//!
//! Runs on the thread that asks, for [`LIMIT`] at most; owns the child and two threads, `pd-try-feed`
//! (pictures into its stdin) and `pd-try-read` (FLV out of its stdout), which end with it. Nothing is
//! queued beyond one picture in and `HEARD_MOST` out.

use super::child::Tail;
use super::failure::{self, Class, Failure, cannot_open};
use super::launch::Launch;
use super::level::Level;
use super::plan::{self, EncoderWish};
use super::{Ffmpeg, Sidecar, encoder};
use crate::capture::convert;
use crate::relay::annexb::AvcConfig;
use crate::relay::flv::{FlvEvent, FlvReader};
use crate::settings::PerformanceSettings;
use crate::stop::StopToken;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

mod judge;
mod scene;

pub use scene::Scene;

/// A test that has not ended by then has failed.
pub const LIMIT: Duration = Duration::from_secs(8);
/// Pictures of a test.
pub const PICTURES: u64 = 10;
/// The first picture may take so long: start-up of ffmpeg and of the card.
const START_LIMIT: Duration = Duration::from_secs(3);
/// How long is waited for pictures that are still in work before the input is closed. What comes
/// only then was held back.
const LAST_WAIT: Duration = Duration::from_millis(1500);
/// Answers that may wait: more than a test has.
const HEARD_MOST: usize = 64;
/// What a test has shown of an encoder that works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// From the child's start to the first picture out, microseconds.
    pub start_us: u32,
    /// From a picture's first byte in to its last byte out without the first, median, microseconds.
    pub encode_p50_us: u32,
    /// The longest.
    pub encode_max_us: u32,
    /// Pictures that it left out to hold the bitrate, of ten.
    pub left_out: u32,
    /// The larger key frame, bytes.
    pub key_frame_bytes: u32,
    /// `profile_idc` and the constraint flags of its SPS (66 and 0xC0 or so).
    pub profile: (u8, u8),
    /// `level_idc` of its SPS.
    pub level: u8,
}

impl Figures {
    /// The level as it is written.
    pub fn level(&self) -> Level {
        Level(self.level)
    }
}

/// Tests one encoder with one set of its options.
///
/// # Errors
/// Why it cannot be used, in plain words.
pub fn probe(ffmpeg: &Ffmpeg, wish: &EncoderWish, stop: &StopToken) -> Result<Figures, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let args = plan::encoder(wish, &ffmpeg.capabilities, cores);
    let name = encoder::row(wish.family).name;
    let left_out = encoder::left_out(wish, &ffmpeg.capabilities);
    if !left_out.is_empty() {
        tracing::warn!("this ffmpeg's {name} has no {}", left_out.join(", "));
    }
    let started = Instant::now();
    let cannot = |e: std::io::Error| {
        let why = format!("{} could not be started: {e}", ffmpeg.path.display());
        Failure::new(Class::CannotStart, why)
    };
    let log = Box::new(|line: &str| tracing::debug!("encoder test: {line}"));
    let launch = Launch::of(&PerformanceSettings::default());
    let mut sidecar =
        Sidecar::start("try", &ffmpeg.path, &args, launch, |_| Ok(()), log).map_err(cannot)?;
    let pipes = (sidecar.take_stdin(), sidecar.take_stdout());
    let (Some(stdin), Some(stdout)) = pipes else {
        return Err(cannot(std::io::Error::other("it has no pipes")));
    };
    let mut test = Test {
        until: started + LIMIT,
        started,
        stop,
        wish,
        feed: Some(feed(stdin).map_err(cannot)?),
        heard: read(stdout).map_err(cannot)?,
        tail: sidecar.tail(),
        config: None,
        seen: Vec::new(),
        written: Vec::new(),
        closed: None,
        ended: false,
        broken: None,
    };
    let end = test.run();
    // Its input is closed; one that has closed its output ends by itself.
    test.feed = None;
    sidecar.end(if test.ended {
        Duration::from_millis(300)
    } else {
        Duration::ZERO
    });
    let failed = sidecar.poll_exit().is_some_and(|status| !status.success());
    let lines = sidecar.tail().lines();
    match end {
        Err(Halt::Stopped) => Err(Failure::new(Class::Stopped, "the test was stopped")),
        Err(Halt::Late) => Err(late(wish, &lines)),
        Ok(()) if test.broken.is_none() && (test.seen.is_empty() || failed) => {
            Err(failure::explain(wish.family, &lines))
        }
        Ok(()) => test.judge(),
    }
}

/// Text tells more than the time: a child may say what is wrong and then hang.
fn late(wish: &EncoderWish, lines: &[String]) -> Failure {
    let said = failure::explain(wish.family, lines);
    if said.class == Class::Other {
        Failure {
            class: Class::Hangs,
            why: format!(
                "it gave no answer in {} s. Choose another encoder; a restart of the machine may help",
                LIMIT.as_secs()
            ),
            said: said.said,
        }
    } else {
        said
    }
}

/// One picture as it came out.
struct Seen {
    /// Its place in the input, from its time.
    index: u64,
    key: bool,
    avcc: Vec<u8>,
    at: Instant,
}

enum Heard {
    Event(FlvEvent, Instant),
    Broken(String),
}

enum Halt {
    Stopped,
    Late,
}

struct Test<'a> {
    until: Instant,
    started: Instant,
    stop: &'a StopToken,
    wish: &'a EncoderWish,
    feed: Option<Sender<Vec<u8>>>,
    heard: Receiver<Heard>,
    tail: Tail,
    config: Option<AvcConfig>,
    seen: Vec<Seen>,
    written: Vec<Instant>,
    /// When its input was.
    closed: Option<Instant>,
    /// Its output is at its end.
    ended: bool,
    broken: Option<String>,
}

impl Test<'_> {
    fn run(&mut self) -> Result<(), Halt> {
        let scene = Scene::new(self.wish.size, self.wish.pipe);
        for number in 0..PICTURES {
            // The first is black, as in a show.
            let picture = match number {
                0 => convert::black(self.wish.size, self.wish.pipe),
                _ => scene.picture(number),
            };
            let pace = match number {
                0 => START_LIMIT,
                _ => self.wish.fps.interval(),
            };
            self.give(picture)?;
            // In step with the encoder, but no slower than the show will be.
            let until = Instant::now() + pace;
            self.listen(until, |test| {
                let failed = || number == 0 && test.tail.lines().iter().any(|l| cannot_open(l));
                test.seen.iter().any(|seen| seen.index >= number) || failed()
            })?;
            if self.ended {
                return Ok(());
            }
        }
        let all = PICTURES as usize;
        self.listen(Instant::now() + LAST_WAIT, |test| test.seen.len() >= all)?;
        self.feed = None;
        self.closed = Some(Instant::now());
        self.listen(self.until, |_| false)
    }

    fn give(&mut self, picture: Vec<u8>) -> Result<(), Halt> {
        let Some(feed) = &self.feed else {
            return Ok(());
        };
        self.written.push(Instant::now());
        let mut waiting = picture;
        loop {
            let slice = Instant::now() + SLICE;
            match feed.send_deadline(waiting, slice) {
                Ok(()) => return Ok(()),
                Err(crossbeam_channel::SendTimeoutError::Timeout(back)) => waiting = back,
                // The child takes no more: its output's end says the rest.
                Err(crossbeam_channel::SendTimeoutError::Disconnected(_)) => {
                    self.feed = None;
                    return Ok(());
                }
            }
            self.halted()?;
        }
    }

    /// Hears the encoder until its end, until `enough`, or until `time`.
    fn listen(&mut self, time: Instant, enough: impl Fn(&Self) -> bool) -> Result<(), Halt> {
        while !self.ended && !enough(self) {
            self.halted()?;
            let now = Instant::now();
            if now >= time {
                return Ok(());
            }
            match self.heard.recv_deadline(time.min(now + SLICE)) {
                Ok(Heard::Event(event, at)) => self.event(event, at),
                Ok(Heard::Broken(why)) => self.broken = Some(why),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
        Ok(())
    }

    fn halted(&self) -> Result<(), Halt> {
        if self.stop.is_stopped() {
            return Err(Halt::Stopped);
        }
        if Instant::now() >= self.until {
            return Err(Halt::Late);
        }
        Ok(())
    }

    fn event(&mut self, event: FlvEvent, at: Instant) {
        match event {
            FlvEvent::Config(record) => match AvcConfig::parse(&record) {
                Ok(config) => self.config = Some(config),
                Err(error) => self.broken = Some(error.to_string()),
            },
            FlvEvent::Picture { pts_ms, key, avcc } => {
                let index = f64::from(pts_ms) * self.wish.fps.as_f64() / 1000.0;
                self.seen.push(Seen {
                    index: index.round() as u64,
                    key,
                    avcc,
                    at,
                });
            }
        }
    }
}

/// How often a wait looks at the deadline and at the stop.
const SLICE: Duration = Duration::from_millis(20);

/// A thread that writes pictures into `stdin` and closes it when there are no more.
fn feed(mut stdin: ChildStdin) -> std::io::Result<Sender<Vec<u8>>> {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&stdin, 1 << 20);
    let (send, pictures) = bounded::<Vec<u8>>(1);
    std::thread::Builder::new()
        .name("pd-try-feed".into())
        .spawn(move || {
            for picture in pictures {
                // An error here is the child's end.
                if stdin.write_all(&picture).is_err() {
                    return;
                }
            }
        })?;
    Ok(send)
}

/// A thread that reads FLV from `stdout` to its end.
fn read(mut stdout: ChildStdout) -> std::io::Result<Receiver<Heard>> {
    let (heard, receive) = bounded(HEARD_MOST);
    std::thread::Builder::new()
        .name("pd-try-read".into())
        .spawn(move || {
            let (mut flv, mut buffer) = (FlvReader::new(), vec![0; 1 << 18]);
            while let Ok(read) = stdout.read(&mut buffer) {
                if read == 0 {
                    return;
                }
                let (at, mut gone) = (Instant::now(), false);
                // Full: the test has been given up, or the child floods. Either way it is enough.
                let mut tell = |what| gone |= heard.try_send(what).is_err();
                let pushed = flv.push(&buffer[..read], |event| tell(Heard::Event(event, at)));
                if let Err(error) = pushed {
                    tell(Heard::Broken(error.to_string()));
                    return;
                }
                if gone {
                    return;
                }
            }
        })?;
    Ok(receive)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
