//! One running encoder: an ffmpeg child, the thread that feeds it and the one that reads it.
//!
//! Owns `pd-feed-N` (raw frames into stdin from a mailbox of two: a third pushes the oldest
//! out, which is counted as an encoder drop) and `pd-read-N` (FLV out of stdout, access units to the
//! [`EncoderSink`]). It is warmed up with a black picture whose access unit is thrown away: start-up
//! of the child and of x264 (0.1..0.6 s) is over before a frame of the show goes in, and the first
//! frame of the show is an IDR (`-force_key_frames`, see [`crate::ffmpeg::plan`]).

mod output;

use super::AccessUnit;
use super::cutover::EncoderId;
use super::lend::{Lent, PicturePipe};
use crate::capture::convert;
use crate::clock::{self, MonoTime};
use crate::crash::provoke;
use crate::ffmpeg::child::{KEPT_LINES, LAST_WORDS, OnLine};
use crate::ffmpeg::failure;
use crate::ffmpeg::launch::{Launch, Reached};
use crate::ffmpeg::plan::{self, EncoderWish};
use crate::ffmpeg::{Ffmpeg, Sidecar};
use crate::panics::text_of;
use crate::settings::{EncoderFamily, PipeFormat};
use crate::units::{Fps, Size};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub use output::{InFlight, Output};

/// Hears what an encoder does. Called on the encoder's threads; must not block.
pub trait EncoderSink: Send + Sync {
    /// The warm-up picture is through: the encoder answers at once from now on.
    fn ready(&self, encoder: EncoderId);
    /// A frame's last byte is in the encoder's pipe.
    fn written(&self, encoder: EncoderId, frame: u64, at: MonoTime);
    /// The encoder was busy: this frame was replaced by a newer one.
    fn dropped(&self, encoder: EncoderId, frame: u64);
    /// An access unit is out.
    fn unit(&self, encoder: EncoderId, unit: AccessUnit);
    /// The encoder's output has ended; `why` is empty where it was asked to.
    fn gone(&self, encoder: EncoderId, why: String);
}

/// The form of an encoder's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// Their size.
    pub size: Size,
    /// Their pixels.
    pub pipe: PipeFormat,
}

/// A frame ready for the encoder.
#[derive(Clone, Debug)]
pub struct RawFrame {
    /// Its number in the show.
    pub frame: u64,
    /// When it was captured; a repeated one: when it was repeated.
    pub captured_at: MonoTime,
    /// In the encoder's form (I420: BT.709, limited range), rows without padding.
    pub data: Arc<Vec<u8>>,
}

/// An encoder at work.
pub struct Encoder {
    id: EncoderId,
    wish: EncoderWish,
    sidecar: Sidecar,
    door: EncoderDoor,
    ending: Arc<AtomicBool>,
}

/// Where an encoder takes its frames; clones lead to the same encoder.
#[derive(Clone)]
pub struct EncoderDoor {
    /// The encoder's number.
    pub id: EncoderId,
    /// What it is fed with.
    pub form: Form,
    /// How many frames a second.
    pub fps: Fps,
    mailbox: Arc<Mailbox>,
}

impl EncoderDoor {
    /// The door of encoder `id`; whoever feeds that encoder takes the frames out again.
    pub fn new(id: EncoderId, form: Form, fps: Fps) -> Self {
        Self {
            id,
            form,
            fps,
            mailbox: Arc::default(),
        }
    }

    /// Takes the frame that has waited longest, without waiting for one.
    pub fn try_take(&self) -> Option<RawFrame> {
        let slot = &self.mailbox.slot;
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.0.pop_front()
    }

    /// Frames that wait, two at most.
    pub fn waiting(&self) -> usize {
        let slot = &self.mailbox.slot;
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.0.len()
    }

    /// Gives it a frame; never blocks. Where two wait already, the older one is left out: its number
    /// is returned and is a drop.
    pub fn offer(&self, frame: RawFrame) -> Option<u64> {
        let mut slot = self
            .mailbox
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let replaced = if slot.0.len() < MAILBOX {
            None
        } else {
            slot.0.pop_front().map(|old| old.frame)
        };
        slot.0.push_back(frame);
        drop(slot);
        self.mailbox.changed.notify_one();
        replaced
    }
}

/// Two: while another encoder starts on a small machine, a write can take longer than a frame. More
/// would be delay (cases.md B22).
const MAILBOX: usize = 2;

#[derive(Default)]
struct Mailbox {
    /// Frames not yet begun with, and whether no more will come.
    slot: Mutex<(VecDeque<RawFrame>, bool)>,
    changed: Condvar,
}

impl Encoder {
    /// Starts the child and its threads; [`EncoderSink::ready`] follows when it is warm.
    ///
    /// # Errors
    /// Where the child or a thread cannot be started.
    pub fn start(
        id: EncoderId,
        ffmpeg: &Ffmpeg,
        wish: EncoderWish,
        launch: Launch,
        sink: Arc<dyn EncoderSink>,
    ) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let args = plan::encoder(&wish, &ffmpeg.capabilities, cores);
        let log = log(id, wish.family, sink.clone());
        let mut sidecar = Sidecar::start(
            &format!("encoder-{id}"),
            &ffmpeg.path,
            &args,
            launch.at_most_a_picture(convert::bytes_of(wish.size, wish.pipe)),
            |_| Ok(()),
            log,
        )?;
        let missing = || io::Error::other("the encoder has no pipes");
        let stdin = sidecar.take_stdin().ok_or_else(missing)?;
        let stdout = sidecar.take_stdout().ok_or_else(missing)?;
        let form = Form {
            size: wish.size,
            pipe: wish.pipe,
        };
        let door = EncoderDoor::new(id, form, wish.fps);
        let mailbox = door.mailbox.clone();
        let in_flight = InFlight::default();
        let lent = Lent::default();
        let ending = Arc::new(AtomicBool::new(false));
        let black = RawFrame {
            frame: 0,
            captured_at: MonoTime::ZERO,
            data: Arc::new(convert::black(wish.size, wish.pipe)),
        };
        {
            let (mailbox, in_flight, sink) = (mailbox.clone(), in_flight.clone(), sink.clone());
            let pipe = PicturePipe::new(file_of(stdin), lent.clone());
            std::thread::Builder::new()
                .name(format!("pd-feed-{id}"))
                .spawn(move || feed(id, pipe, &black, &mailbox, &in_flight, &*sink))?;
        }
        let output = Output::new(id, wish.fps, in_flight, sink.clone());
        let (tail, asked, family) = (sidecar.tail(), ending.clone(), wish.family);
        std::thread::Builder::new()
            .name(format!("pd-read-{id}"))
            .spawn(move || {
                // However it ends, another encoder takes over.
                let read = catch_unwind(AssertUnwindSafe(|| read(stdout, output)));
                let broken = match read {
                    Ok(read) => read.err().map(|e| e.to_string()),
                    Err(panic) => Some(format!("internal fault ({})", text_of(&*panic))),
                };
                drop(lent);
                let why = if asked.load(Ordering::Acquire) {
                    String::new()
                } else {
                    // They come over another pipe, and may be read late.
                    let said = tail.last_lines(LAST_WORDS);
                    broken.unwrap_or_else(|| failure::explain(family, &said).why)
                };
                sink.gone(id, why);
            })?;
        Ok(Self {
            id,
            wish,
            sidecar,
            door,
            ending,
        })
    }

    /// Its number.
    pub fn id(&self) -> EncoderId {
        self.id
    }

    /// What it makes.
    pub fn wish(&self) -> &EncoderWish {
        &self.wish
    }

    /// Its process id.
    pub fn pid(&mut self) -> u32 {
        self.sidecar.pid()
    }

    /// With what priority it runs.
    pub fn reached(&self) -> Reached {
        self.sidecar.reached()
    }

    /// Where it takes its frames.
    pub fn door(&self) -> EncoderDoor {
        self.door.clone()
    }

    /// Lets no further frame in, so that it ends once its pipe is empty. Does not wait.
    pub fn close(&self) {
        self.ending.store(true, Ordering::Release);
        self.door
            .mailbox
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 = true;
        self.door.mailbox.changed.notify_one();
    }

    /// Ends it within about twice `grace`.
    pub fn end(mut self, grace: Duration) {
        self.close();
        self.sidecar.end(grace);
    }
}

/// Hears the child's words. ffmpeg 7 and later says that an encoder cannot be opened and then waits
/// for more pictures (measured on 9.0.2; 5.1 ends): it is gone there and then.
fn log(id: EncoderId, family: EncoderFamily, sink: Arc<dyn EncoderSink>) -> OnLine {
    let mut heard = VecDeque::new();
    let mut told = false;
    Box::new(move |line: &str| {
        tracing::warn!("encoder {id}: {line}");
        if heard.len() == KEPT_LINES {
            heard.pop_front();
        }
        heard.push_back(line.to_owned());
        if !told && failure::cannot_open(line) {
            told = true;
            let lines: Vec<_> = heard.iter().cloned().collect();
            sink.gone(id, failure::explain(family, &lines).why);
        }
    })
}

/// The pipe as a file, for its number.
fn file_of(stdin: ChildStdin) -> File {
    #[cfg(unix)]
    return std::os::fd::OwnedFd::from(stdin).into();
    #[cfg(windows)]
    return std::os::windows::io::OwnedHandle::from(stdin).into();
}

fn feed(
    id: EncoderId,
    mut pipe: PicturePipe,
    black: &RawFrame,
    mailbox: &Mailbox,
    in_flight: &InFlight,
    sink: &dyn EncoderSink,
) {
    // An error here is the child's end, which the reader reports.
    if pipe.write(&black.data).is_err() {
        return;
    }
    loop {
        provoke::point("pd-feed");
        let frame = {
            let slot = mailbox.slot.lock().unwrap_or_else(PoisonError::into_inner);
            let mut slot = mailbox
                .changed
                .wait_while(slot, |(frames, closed)| frames.is_empty() && !*closed)
                .unwrap_or_else(PoisonError::into_inner);
            match slot.0.pop_front() {
                Some(frame) if !slot.1 => frame,
                _ => return,
            }
        };
        // Before the write: the unit may be out before the write has returned.
        in_flight.begin(&frame, clock::now());
        if pipe.write(&frame.data).is_err() {
            return;
        }
        sink.written(id, frame.frame, clock::now());
    }
}

/// Hands on what comes; `output` ends with it.
fn read(mut stdout: ChildStdout, mut output: Output) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        provoke::point("pd-read");
        let read = stdout.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        output.take(&buffer[..read], clock::now())?;
    }
}

#[cfg(all(test, unix))]
#[path = "encoder_tests.rs"]
mod tests;
