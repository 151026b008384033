//! What comes out of an encoder: from bytes of FLV to access units, each with the frame that it is of.
//!
//! Pure but for the lock around the frames that are in the encoder: fed bytes and their time by
//! `pd-read-N`, frames by `pd-feed-N`; reads no clock. It keeps one entry a frame in the encoder, which
//! are bounded by what the child's pipe takes and by how long a silent encoder is borne with
//! (`session::encoders`); an entry that the encoder left out goes with the next unit, as an encoder drop.

use super::{EncoderSink, RawFrame};
use crate::clock::MonoTime;
use crate::ffmpeg::plan;
use crate::relay::annexb::{self, AvcConfig};
use crate::relay::cutover::EncoderId;
use crate::relay::flv::{FlvEvent, FlvReader};
use crate::relay::{AccessUnit, slice_hash};
use crate::units::Fps;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A frame in the encoder.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// Its place among the frames of this encoder.
    index: u64,
    frame: u64,
    captured_at: MonoTime,
    begun_at: MonoTime,
}

/// Frames in the encoder, in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<Frames>>);

#[derive(Debug, Default)]
struct Frames {
    queue: VecDeque<Begun>,
    begun: u64,
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first byte of `frame` is about to be written, at `begun_at`. In the order of the writes, each
    /// frame once.
    pub fn begin(&self, frame: &RawFrame, begun_at: MonoTime) {
        let mut frames = self.lock();
        let index = plan::FIRST_SHOWN + frames.begun;
        frames.begun += 1;
        frames.queue.push_back(Begun {
            index,
            frame: frame.frame,
            captured_at: frame.captured_at,
            begun_at,
        });
    }

    /// Frames that are in the encoder.
    pub fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An encoder's output as it comes.
pub struct Output {
    id: EncoderId,
    fps: Fps,
    in_flight: InFlight,
    sink: Arc<dyn EncoderSink>,
    flv: FlvReader,
    /// SPS and PPS, and how long the length fields are.
    config: Option<AvcConfig>,
    ready: bool,
}

impl Output {
    /// Of encoder `id` at `fps`, whose frames are in `in_flight`; `sink` hears of it.
    pub fn new(id: EncoderId, fps: Fps, in_flight: InFlight, sink: Arc<dyn EncoderSink>) -> Self {
        Self {
            id,
            fps,
            in_flight,
            sink,
            flv: FlvReader::new(),
            config: None,
            ready: false,
        }
    }

    /// Takes the next bytes, in any pieces, which were read at `at`.
    ///
    /// # Errors
    /// Where they are no FLV with H.264, or a picture that nobody put in; nothing more can be read.
    pub fn take(&mut self, bytes: &[u8], at: MonoTime) -> io::Result<()> {
        let mut flv = std::mem::take(&mut self.flv);
        let mut broken = None;
        let read = flv.push(bytes, |event| {
            if broken.is_none() {
                broken = self.event(event, at).err();
            }
        });
        self.flv = flv;
        if let Some(error) = broken {
            return Err(error);
        }
        read.map_err(io::Error::other)
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
            let mut frames = self.in_flight.lock();
            let queue = &mut frames.queue;
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
