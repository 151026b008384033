//! The encoders' children, played: what `pd-feed-N` and `pd-read-N` do with the real mailbox, the real
//! list of frames in the encoder and the real reader of FLV, around an ffmpeg that is only a habit.
//! No thread: the world calls at the times that come back.

use super::clock::ms;
use super::h264;
use pd_console::clock::MonoTime;
use pd_console::ffmpeg::launch::Reached;
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::relay::cutover::EncoderId;
use pd_console::relay::encoder::{EncoderDoor, EncoderSink, Form, InFlight, Output, RawFrame};
use pd_console::relay::flv_write;
use pd_console::session::encoders::Running;
use pd_console::units::Size;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How an ffmpeg does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// As it should.
    #[default]
    Good,
    /// Each picture takes five times as long.
    Slow,
    /// Every picture is an IDR (B26).
    AllIdr,
    /// No picture is.
    NeverIdr,
    /// Bytes of nothing come out.
    Garbage,
    /// It leaves pictures out.
    Skips,
    /// Its IDRs say another size.
    OtherSize,
}

/// A child.
pub struct Child {
    /// Its number.
    pub id: EncoderId,
    /// What it was started for.
    pub wish: EncoderWish,
    /// How it works.
    pub habit: Habit,
    /// It neither takes nor gives anything before.
    pub held_until: MonoTime,
    /// Nobody holds it any more.
    pub asked: bool,
    /// It is gone.
    pub ended: bool,
    door: EncoderDoor,
    in_flight: InFlight,
    output: Option<Output>,
    sink: Arc<dyn EncoderSink>,
    writing: Option<RawFrame>,
    /// Places of the frames that are in it.
    inside: VecDeque<u64>,
    taken: u64,
    /// Pictures given out, and the last IDR's place.
    given: u64,
    last_idr: u64,
    dice: fastrand::Rng,
}

/// The child as the session holds it.
pub struct Handle {
    child: Arc<Mutex<Child>>,
    wish: EncoderWish,
}

impl Handle {
    /// Of this child.
    pub fn new(child: Arc<Mutex<Child>>) -> Self {
        let wish = lock(&child).wish;
        Self { child, wish }
    }
}

/// Locks a child.
pub fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Child {
    /// A child that is warming up.
    pub fn new(
        id: EncoderId,
        wish: EncoderWish,
        sink: Arc<dyn EncoderSink>,
        habit: Habit,
        dice: fastrand::Rng,
    ) -> Self {
        let form = Form {
            size: wish.size,
            pipe: wish.pipe,
        };
        let in_flight = InFlight::default();
        Self {
            id,
            wish,
            habit,
            held_until: MonoTime::ZERO,
            asked: false,
            ended: false,
            door: EncoderDoor::new(id, form, wish.fps),
            output: Some(Output::new(id, wish.fps, in_flight.clone(), sink.clone())),
            in_flight,
            sink,
            writing: None,
            // The black picture.
            inside: [0].into(),
            taken: 0,
            given: 0,
            last_idr: 0,
            dice,
        }
    }

    /// How long it warms up.
    pub fn warm_up(&mut self) -> Duration {
        ms(self.dice.u64(100..600))
    }

    /// Frames that wait for it, and that are in it.
    pub fn queues(&self) -> (usize, usize) {
        (self.door.waiting(), self.in_flight.len())
    }

    /// Takes the next frame where it can: the frame, and how long its write takes.
    pub fn feed(&mut self, now: MonoTime) -> Option<(u64, Duration)> {
        // The pipe holds one picture.
        if self.ended || self.writing.is_some() || now < self.held_until || self.inside.len() > 2 {
            return None;
        }
        let frame = self.door.try_take()?;
        self.in_flight.begin(&frame, now);
        let number = frame.frame;
        self.writing = Some(frame);
        Some((number, Duration::from_micros(self.dice.u64(300..3_000))))
    }

    /// The frame is in: how long until its picture comes out.
    pub fn written(&mut self, now: MonoTime) -> Option<Duration> {
        let frame = self.writing.take().filter(|_| !self.ended)?;
        self.sink.written(self.id, frame.frame, now);
        self.taken += 1;
        self.inside.push_back(self.taken);
        let ms = match self.habit {
            Habit::Slow => self.dice.u64(30..110),
            _ => self.dice.u64(3..14),
        };
        Some(Duration::from_millis(ms))
    }

    /// A picture comes out. False where the child has ended with it.
    pub fn out(&mut self, now: MonoTime) -> bool {
        if self.ended || now < self.held_until {
            return !self.ended;
        }
        let Some(place) = self.inside.pop_front() else {
            return true;
        };
        let bytes = self.bytes(place);
        let Some(output) = &mut self.output else {
            return false;
        };
        // A pipe cuts where it likes.
        let cut = self.dice.usize(0..=bytes.len());
        let taken = output
            .take(&bytes[..cut], now)
            .and_then(|()| output.take(&bytes[cut..], now));
        if let Err(error) = taken {
            self.gone(&error.to_string());
            return false;
        }
        true
    }

    fn bytes(&mut self, place: u64) -> Vec<u8> {
        let gop = u64::from(self.wish.gop_frames().max(1));
        let first = place <= 1;
        let due = first || place - self.last_idr >= gop;
        let idr = match self.habit {
            Habit::AllIdr => true,
            Habit::NeverIdr => place == 0,
            _ => due,
        };
        let mut bytes = Vec::new();
        if self.habit == Habit::Garbage && place > 0 {
            let n = self.dice.usize(1..400);
            bytes.extend((0..n).map(|_| self.dice.u8(..)));
            return bytes;
        }
        if self.habit == Habit::Skips && !idr && self.dice.u8(..4) == 0 {
            return bytes;
        }
        let mut size = self.wish.size;
        if self.habit == Habit::OtherSize {
            size = Size::new(size.width + 16, size.height);
        }
        if idr {
            self.last_idr = place;
        }
        let length = if idr { 700 } else { 120 } + self.dice.usize(..100);
        let unit = h264::picture(self.id, self.given, idr, length, size);
        self.given += 1;
        if place == 0 {
            bytes.extend(flv_write::HEADER);
            bytes.extend(flv_write::sequence_header(&unit).unwrap_or_default());
        }
        let fps = self.wish.fps.as_f64();
        let at_ms = (place as f64 * 1000.0 / fps).round() as u32;
        bytes.extend(flv_write::picture_with_lead(&unit, at_ms, 0));
        bytes
    }

    /// Ends it; `why` is empty where it was asked to.
    pub fn gone(&mut self, why: &str) {
        if !std::mem::replace(&mut self.ended, true) {
            self.output = None;
            self.sink.gone(self.id, why.to_owned());
        }
    }
}

impl Running for Handle {
    fn wish(&self) -> &EncoderWish {
        &self.wish
    }

    fn pid(&mut self) -> u32 {
        lock(&self.child).id
    }

    fn reached(&self) -> Reached {
        Reached::Normal
    }

    fn door(&self) -> EncoderDoor {
        lock(&self.child).door.clone()
    }

    fn close(&self) {
        lock(&self.child).asked = true;
    }

    fn end(self: Box<Self>, _grace: Duration) {
        lock(&self.child).gone("");
    }

    fn dismiss(self: Box<Self>, _grace: Duration) {
        lock(&self.child).asked = true;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // As the child's owner does: dropped is ended.
        lock(&self.child).asked = true;
    }
}
