//! One running encoder: an ffmpeg child, the thread that feeds it and the one that reads it.
//!
//! Owns `pd-feed-N` (raw frames into stdin from a mailbox of two: a third pushes the oldest
//! out, which is counted as an encoder drop) and `pd-read-N` (FLV out of stdout, access units to the
//! [`EncoderSink`]). It is warmed up with a black picture whose access unit is thrown away: start-up
//! of the child and of x264 (0.1..0.6 s) is over before a frame of the show goes in, and the first
//! frame of the show is an IDR (`-force_key_frames`, see [`crate::ffmpeg::plan`]).

use super::annexb::{self, AvcConfig};
use super::cutover::EncoderId;
use super::flv::{FlvEvent, FlvReader};
use super::lend::{Lent, PicturePipe};
use super::{AccessUnit, slice_hash};
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

/// A frame in the encoder.
#[derive(Clone, Copy)]
struct Begun {
    /// Its place among the frames of this encoder.
    index: u64,
    frame: u64,
    captured_at: MonoTime,
    begun_at: MonoTime,
}

/// Frames in the encoder, in order.
type InFlight = Arc<Mutex<VecDeque<Begun>>>;

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
        let mailbox = Arc::new(Mailbox::default());
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
        let reader = Reader {
            id,
            fps: wish.fps,
            in_flight,
            sink,
            config: None,
            ready: false,
            _lent: lent,
        };
        let (tail, asked, family) = (sidecar.tail(), ending.clone(), wish.family);
        std::thread::Builder::new()
            .name(format!("pd-read-{id}"))
            .spawn(move || {
                let sink = reader.sink.clone();
                // However it ends, another encoder takes over.
                let read = catch_unwind(AssertUnwindSafe(|| reader.run(stdout)));
                let broken = match read {
                    Ok(read) => read.err().map(|e| e.to_string()),
                    Err(panic) => Some(format!("internal fault ({})", text_of(&*panic))),
                };
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
            door: EncoderDoor {
                id,
                form: Form {
                    size: wish.size,
                    pipe: wish.pipe,
                },
                fps: wish.fps,
                mailbox,
            },
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
    let mut index = plan::FIRST_SHOWN;
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
        in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(Begun {
                index,
                frame: frame.frame,
                captured_at: frame.captured_at,
                begun_at: clock::now(),
            });
        if pipe.write(&frame.data).is_err() {
            return;
        }
        sink.written(id, frame.frame, clock::now());
        index += 1;
    }
}

struct Reader {
    id: EncoderId,
    fps: Fps,
    in_flight: InFlight,
    sink: Arc<dyn EncoderSink>,
    /// SPS and PPS, and how long the length fields are.
    config: Option<AvcConfig>,
    ready: bool,
    /// Held up to the child's end.
    _lent: Lent,
}

impl Reader {
    fn run(mut self, mut stdout: ChildStdout) -> io::Result<()> {
        let mut flv = FlvReader::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            provoke::point("pd-read");
            let read = stdout.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let at = clock::now();
            let mut broken = None;
            flv.push(&buffer[..read], |event| {
                if let Err(error) = self.event(event, at) {
                    broken.get_or_insert(error);
                }
            })
            .map_err(io::Error::other)?;
            if let Some(error) = broken {
                return Err(error);
            }
        }
    }

    fn event(&mut self, event: FlvEvent, at: MonoTime) -> io::Result<()> {
        match event {
            FlvEvent::Config(record) => {
                self.config = Some(AvcConfig::parse(&record).map_err(io::Error::other)?);
            }
            FlvEvent::Picture { pts_ms, key, avcc } => self.picture(pts_ms, key, &avcc, at)?,
        }
        Ok(())
    }

    fn picture(&mut self, pts_ms: u32, key: bool, avcc: &[u8], at: MonoTime) -> io::Result<()> {
        let index = (f64::from(pts_ms) * self.fps.as_f64() / 1000.0).round() as u64;
        if index < plan::FIRST_SHOWN {
            if !std::mem::replace(&mut self.ready, true) {
                self.sink.ready(self.id);
            }
            return Ok(());
        }
        // A frame that the encoder left out has no unit: its entry is passed over.
        let entry = {
            let mut queue = self
                .in_flight
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            while queue.front().is_some_and(|begun| begun.index < index) {
                if let Some(begun) = queue.pop_front() {
                    self.sink.dropped(self.id, begun.frame);
                }
            }
            queue.pop_front()
        };
        let Some(begun) = entry else {
            return Err(io::Error::other(
                "the encoder gave out a picture that nobody put in",
            ));
        };
        let Some(config) = &self.config else {
            return Err(io::Error::other(
                "the encoder gave out a picture before its parameter sets",
            ));
        };
        let nals = annexb::avcc_nal_units(avcc, config.length_size).map_err(io::Error::other)?;
        let hash = slice_hash(nals.iter().copied());
        let sets = config.parameter_sets().filter(|_| key);
        let mut data = Vec::with_capacity(avcc.len() + 64);
        annexb::write_annexb(sets.chain(nals.iter().copied()), &mut data);
        self.sink.unit(
            self.id,
            AccessUnit {
                frame: begun.frame,
                captured_at: begun.captured_at,
                begun_at: begun.begun_at,
                frame_time: self.fps.interval(),
                encoded_at: at,
                idr: key,
                data: data.into(),
                hash,
            },
        );
        Ok(())
    }
}

#[cfg(all(test, unix))]
#[path = "encoder_tests.rs"]
mod tests;
