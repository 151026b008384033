//! The pump: from the slot through the pacer's gate and the conversion into every running encoder.
//!
//! Owns the thread `pd-pump`. Numbers the frames of a show. It never waits for an encoder: each has
//! a mailbox in which the latest frame wins. During a cut-over two encoders may want pictures of two
//! sizes: each picture is converted once a size. Between shows it only hands pictures to the preview,
//! at a lower rate.

use crate::capture::convert::Converter;
use crate::capture::pacer::{Action, Pacer};
use crate::capture::{CaptureError, Frame, FrameSlot, brightness};
use crate::clock::{self, MonoTime};
use crate::crash::provoke;
use crate::latency::Taken;
use crate::panics;
use crate::relay::Relay;
use crate::relay::encoder::{EncoderDoor, Form, RawFrame};
use crate::session::journal::Journal;
use crate::settings::Fit;
use crate::stop::StopToken;
use crate::units::Fps;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Frames a second while no show runs: enough to see what the source shows.
const IDLE_FPS: Fps = Fps::whole(10);

/// A picture that came too early for the pacer may be grabbed anew until so long before its turn. At
/// its turn itself the old one would be taken while the new one is on its way, and that would then
/// lie in the slot for a whole interval, and so each after it.
const REPLACE_BEFORE: Duration = Duration::from_millis(2);

/// A picture is in memory that long after it was made, at the latest: a stalled compositor takes
/// fractions of a second.
const LONGEST_COPY: Duration = Duration::from_secs(1);

/// The longest that a change of the show goes unseen.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// From one look whether the picture is black to the next.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the session tells the pump. Shared; the pump looks at it with each frame.
#[derive(Clone, Default)]
pub struct PumpControl(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    feeding: Option<Feeding>,
    fit: Fit,
    /// Of the newest picture that was looked at.
    brightest: Option<u8>,
}

/// A show that is being fed.
struct Feeding {
    relay: Arc<Relay>,
    /// Until the first encoder is fed.
    first_fps: Fps,
    next_frame: u64,
    /// The newest last: its rate is the show's.
    doors: Vec<EncoderDoor>,
    /// To be given frames from the next one on.
    arming: Option<EncoderDoor>,
}

/// What the pump is to make.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    /// None while no show runs.
    fps: Option<Fps>,
    /// Each form once.
    forms: Vec<Form>,
    fit: Fit,
}

/// A picture in one form.
type Picture = (Form, Arc<Vec<u8>>);

impl PumpControl {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A show of `fps` frames a second begins; no encoder yet.
    pub fn begin(&self, relay: Arc<Relay>, fps: Fps) {
        self.lock().feeding = Some(Feeding {
            relay,
            first_fps: fps,
            next_frame: 0,
            doors: Vec::new(),
            arming: None,
        });
    }

    /// Gives this encoder every frame from the next one on, at its rate, and announces the cut-over
    /// there.
    pub fn arm(&self, door: EncoderDoor) {
        if let Some(feeding) = &mut self.lock().feeding {
            feeding.arming = Some(door);
        }
    }

    /// Gives this encoder no more frames.
    pub fn forget(&self, encoder: u32) {
        if let Some(feeding) = &mut self.lock().feeding {
            feeding.doors.retain(|door| door.id != encoder);
            feeding.arming.take_if(|door| door.id == encoder);
        }
    }

    /// The show has ended.
    pub fn end(&self) {
        self.lock().feeding = None;
    }

    /// Whether a show is being fed.
    pub fn is_feeding(&self) -> bool {
        self.lock().feeding.is_some()
    }

    /// How a source of another aspect is fitted, from the next frame on.
    pub fn set_fit(&self, fit: Fit) {
        self.lock().fit = fit;
    }

    /// The brightest part of the newest picture, 0..=255, as looked at twice a second; None before the
    /// first.
    pub fn brightest(&self) -> Option<u8> {
        self.lock().brightest
    }

    fn wanted(&self) -> Wanted {
        let told = self.lock();
        let Some(feeding) = &told.feeding else {
            return Wanted {
                fit: told.fit,
                ..Wanted::default()
            };
        };
        let mut forms = Vec::new();
        for door in feeding.doors.iter().chain(&feeding.arming) {
            if !forms.contains(&door.form) {
                forms.push(door.form);
            }
        }
        let newest = feeding.doors.last().map(|door| door.fps);
        Wanted {
            fps: Some(newest.unwrap_or(feeding.first_fps)),
            forms,
            fit: told.fit,
        }
    }

    fn give(&self, pictures: &[Picture], taken: Taken, now: MonoTime) {
        let mut told = self.lock();
        let Some(feeding) = &mut told.feeding else {
            return;
        };
        let in_form = |form: Form| pictures.iter().find(|(f, _)| *f == form);
        let frame = feeding.next_frame;
        feeding.next_frame += 1;
        feeding.relay.paced(frame, taken);
        // A form that was asked for only now comes with the next frame.
        match feeding.arming.take_if(|door| in_form(door.form).is_some()) {
            Some(door) => {
                feeding.relay.begin_cutover(door.id, frame, now);
                feeding.doors.push(door);
            }
            None => feeding.relay.tick(now),
        }
        for door in &feeding.doors {
            let Some((_, data)) = in_form(door.form) else {
                continue;
            };
            let raw = RawFrame {
                frame,
                captured_at: taken.captured_at,
                data: data.clone(),
            };
            if door.offer(raw).is_some() {
                feeding.relay.encoder_drop(door.id);
            }
        }
    }
}

/// The pump's thread body; ends with `stop`.
pub fn run(
    slot: &FrameSlot,
    preview: &FrameSlot,
    control: &PumpControl,
    journal: &Journal,
    stop: &StopToken,
) {
    let mut pump = Pump::default();
    let tell = |why: &str| {
        journal.error(format!(
            "a picture could not be made: internal fault ({why}). The show goes on with the next one; copy the \
             diagnostics and report it."
        ));
    };
    // What it holds outlasts a panic: a still screen gives no other picture.
    panics::go_on(stop, tell, || {
        while !stop.is_stopped() {
            provoke::point("pd-pump");
            let now = clock::now();
            let Some(wait) = pump.turn(slot, preview, control, journal, now, &clock::now) else {
                continue;
            };
            // A change of the show must be noticed while the source gives nothing.
            let time = wait.until.since(now).min(LONGEST_WAIT);
            if wait.is_fresh {
                stop.sleep(time);
            } else {
                slot.wait(time);
            }
        }
    });
}

/// What the pump waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Nothing is due before.
    pub until: MonoTime,
    /// A fresh picture is there and must wait; where it is not, one that comes ends the wait.
    pub is_fresh: bool,
}

impl Default for Pump {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            pacer: Pacer::new(IDLE_FPS),
            makers: Vec::new(),
            held: None,
            newest: MonoTime::ZERO,
            is_stale: false,
            complaint: String::new(),
            looked: None,
        }
    }
}

/// The pump without its thread.
pub struct Pump {
    wanted: Wanted,
    pacer: Pacer,
    makers: Vec<Maker>,
    /// The source's newest picture: a still screen gives no other when a show begins.
    held: Option<Frame>,
    /// When the source's newest picture was captured.
    newest: MonoTime,
    /// It is to be converted anew, for another show, another fit or another size.
    is_stale: bool,
    /// Why the held picture cannot be sent; empty where it can.
    complaint: String,
    /// When it was looked at last whether the picture is black, and how often it was.
    looked: Option<(MonoTime, usize)>,
}

/// Makes pictures of one form.
struct Maker {
    form: Form,
    converter: Converter,
    buffers: Buffers,
    last: Option<Arc<Vec<u8>>>,
}

impl Pump {
    /// What is due at `now`: a fresh picture out of `slot`, a repeated one, or nothing before the time
    /// that is returned. `clock` tells when a conversion is through.
    pub fn turn(
        &mut self,
        slot: &FrameSlot,
        preview: &FrameSlot,
        control: &PumpControl,
        journal: &Journal,
        now: MonoTime,
        clock: &dyn Fn() -> MonoTime,
    ) -> Option<Wait> {
        self.reshape(control.wanted(), now);
        let is_fresh = slot.wait(Duration::ZERO);
        let action = self.pacer.poll(now, is_fresh || self.is_stale);
        // Before any work: a source that still knew the last turn would grab at once, too early.
        let waits = matches!(action, Action::Wait(_)) && is_fresh;
        let lead = if waits {
            REPLACE_BEFORE
        } else {
            Duration::ZERO
        };
        slot.want_from(self.pacer.fresh_from() - lead);
        match action {
            Action::Fresh => {
                if let Some(mut frame) = slot.take() {
                    frame.captured_at = self.believed(&frame);
                    preview.put(frame.clone());
                    self.look_for_black(&frame, control, now);
                    self.held = Some(frame);
                } else if let Some(held) = &mut self.held {
                    // As a repeated picture: it is as old as its repetition.
                    held.captured_at = now;
                    held.in_memory_at = now;
                }
                self.is_stale = false;
                match self.send(control, now, clock) {
                    Ok(()) => self.complaint.clear(),
                    Err(error) => {
                        // Said once and not with every picture; the last good one goes on.
                        let complaint = error.to_string();
                        if self.complaint != complaint {
                            journal.warn(complaint.clone());
                            self.complaint = complaint;
                        }
                        self.repeat(control, now);
                    }
                }
                None
            }
            Action::Repeat => {
                self.repeat(control, now);
                None
            }
            Action::Wait(until) => Some(Wait { until, is_fresh }),
        }
    }

    /// When the frame was captured, where that can be: a source whose clock goes back, or who says that
    /// its picture took longer to copy than any does, is not believed, since the picture's time on the
    /// stream is this one and the sound's is the clock's.
    fn believed(&mut self, frame: &Frame) -> MonoTime {
        let there = frame.in_memory_at;
        let said = frame.captured_at;
        let credible = self.newest <= said && said <= there && there.since(said) <= LONGEST_COPY;
        let at = if credible { said } else { there };
        self.newest = self.newest.max(at);
        at
    }

    fn look_for_black(&mut self, frame: &Frame, control: &PumpControl, now: MonoTime) {
        let turn = match self.looked {
            Some((at, _)) if now.since(at) < LOOK_EVERY => return,
            Some((_, turn)) => turn + 1,
            None => 0,
        };
        self.looked = Some((now, turn));
        let brightest = brightness::brightest(frame, turn);
        control.lock().brightest = Some(brightest);
    }

    fn reshape(&mut self, wanted: Wanted, now: MonoTime) {
        if self.wanted == wanted {
            return;
        }
        if self.wanted.fps != wanted.fps {
            match (self.wanted.fps, wanted.fps) {
                (Some(_), Some(fps)) => self.pacer.set_fps(fps, now),
                (_, fps) => {
                    self.pacer = Pacer::new(fps.unwrap_or(IDLE_FPS));
                    self.is_stale = true;
                }
            }
        }
        self.makers
            .retain(|maker| wanted.forms.contains(&maker.form));
        for form in &wanted.forms {
            if !self.makers.iter().any(|maker| maker.form == *form) {
                self.makers.push(Maker {
                    form: *form,
                    converter: Converter::new(form.size, wanted.fit, form.pipe),
                    buffers: Buffers::default(),
                    last: None,
                });
                self.is_stale = true;
            }
        }
        for maker in &mut self.makers {
            self.is_stale |= maker.converter.set_fit(wanted.fit);
        }
        self.is_stale &= self.held.is_some() && wanted.fps.is_some();
        self.wanted = wanted;
    }

    /// Converts the held picture for the show, if there is one, and gives it to the encoders.
    fn send(
        &mut self,
        control: &PumpControl,
        now: MonoTime,
        clock: &dyn Fn() -> MonoTime,
    ) -> Result<(), CaptureError> {
        let Some(frame) = &self.held else {
            return Ok(());
        };
        for maker in &mut self.makers {
            let mut data = maker.buffers.take();
            if let Some(bytes) = Arc::get_mut(&mut data) {
                maker.converter.convert(frame, bytes)?;
            }
            maker.buffers.keep(data.clone());
            maker.last = Some(data);
        }
        let taken = Taken {
            captured_at: frame.captured_at,
            copied_at: frame.in_memory_at,
            paced_at: now,
            converted_at: clock(),
        };
        control.give(&self.pictures(), taken, now);
        Ok(())
    }

    /// A repeated picture is as old as its repetition: that is when it is sent anew.
    fn repeat(&self, control: &PumpControl, now: MonoTime) {
        // Before the first picture there is nothing to repeat.
        if self.held.is_some() {
            control.give(&self.pictures(), Taken::at(now), now);
        }
    }

    fn pictures(&self) -> Vec<Picture> {
        let made = self.makers.iter();
        made.filter_map(|maker| Some((maker.form, maker.last.clone()?)))
            .collect()
    }
}

/// Converted pictures whose memory is used again once no encoder holds them. What a stall or a change
/// of encoders needed, and nothing has since, is let go.
#[derive(Default)]
struct Buffers {
    all: Vec<Arc<Vec<u8>>>,
    /// Pictures taken since spare ones were last let go, and how many were free at each at least.
    taken: u32,
    spare: usize,
}

/// Spare pictures are let go after so many: five seconds at 30 a second.
const LET_GO_AFTER: u32 = 150;

impl Buffers {
    fn take(&mut self) -> Arc<Vec<u8>> {
        let free = self.all.iter_mut().filter_map(Arc::get_mut).count();
        self.spare = if self.taken == 0 {
            free
        } else {
            self.spare.min(free)
        };
        self.taken += 1;
        if self.taken == LET_GO_AFTER {
            self.taken = 0;
            // One of them is taken now.
            let mut spare = self.spare.saturating_sub(1);
            self.all.retain_mut(|buffer| {
                let goes = spare > 0 && Arc::get_mut(buffer).is_some();
                spare -= usize::from(goes);
                !goes
            });
        }
        let free = self
            .all
            .iter_mut()
            .position(|buffer| Arc::get_mut(buffer).is_some());
        free.map_or_else(Arc::default, |at| self.all.swap_remove(at))
    }

    fn keep(&mut self, buffer: Arc<Vec<u8>>) {
        // Two encoders with two in the mailbox, one being written and one lent each, and the last.
        if self.all.len() < 9 {
            self.all.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    #[test]
    fn what_only_a_stall_needed_is_let_go() {
        let mut buffers = Buffers::default();
        // A running show: the picture before is held while the next is made.
        let mut pass = |held: &mut Vec<Arc<Vec<u8>>>, most: usize| {
            let mut buffer = buffers.take();
            Arc::get_mut(&mut buffer).unwrap().resize(64, 0);
            buffers.keep(buffer.clone());
            held.push(buffer);
            held.drain(..held.len().saturating_sub(most));
            buffers.all.len()
        };
        let mut held = Vec::new();
        let usual = (0..20).map(|_| pass(&mut held, 2)).last();
        let stalled = (0..20).map(|_| pass(&mut held, 8)).last();
        assert_eq!((usual, stalled), (Some(3), Some(9)));
        let later: Vec<_> = (0..400).map(|_| pass(&mut held, 2)).collect();
        assert_eq!(later.last(), Some(&3), "{later:?}");
        // And never again below what is needed: that would be an allocation each.
        assert!(later.iter().all(|count| *count >= 3), "{later:?}");
    }

    /// A screen that changes 60 times a second, grabbed in half a millisecond when it is wanted. The
    /// first four grabs heed nobody, as one that was on its way when the pacer took a picture.
    fn restless(slot: &FrameSlot, stop: &StopToken) {
        let started = clock::now();
        let (mut grabbed, mut early) = (0, 4_u32);
        while !stop.sleep(Duration::from_micros(100)) {
            let time = clock::now();
            let change = time.since(started).as_micros() as u64 / 16_667;
            if change == grabbed || (early == 0 && time < slot.wanted_from()) {
                continue;
            }
            early = early.saturating_sub(1);
            std::thread::sleep(Duration::from_micros(500));
            grabbed = change;
            slot.put(Frame {
                captured_at: started + Duration::from_micros(change * 16_667),
                in_memory_at: clock::now(),
                size: Size::new(16, 16),
                stride: 64,
                data: vec![0; 1024].into(),
            });
        }
    }

    /// Seed 2 of `tests/sim.rs`: pictures said to be made seconds ago had the stream's times stand still
    /// while the sound went on.
    #[test]
    fn a_sources_clock_that_goes_back_is_not_believed() {
        let (slot, preview, control) = (FrameSlot::new(), FrameSlot::new(), PumpControl::default());
        let (journal, mut pump) = (Journal::new(), Pump::default());
        let at = |ms: u64| MonoTime::from_micros(ms * 1_000);
        let mut taken = |said: u64, there: u64| {
            slot.put(Frame {
                captured_at: at(said),
                in_memory_at: at(there),
                size: Size::new(16, 16),
                stride: 64,
                data: vec![0; 1024].into(),
            });
            let now = at(there);
            let waits = pump.turn(&slot, &preview, &control, &journal, now, &|| now);
            assert_eq!(waits, None);
            preview.take().map(|frame| frame.captured_at)
        };
        assert_eq!(taken(9_980, 10_000), Some(at(9_980)));
        assert_eq!(taken(9_980, 10_500), Some(at(9_980)), "the same time again");
        assert_eq!(taken(9_000, 11_000), Some(at(11_000)), "back");
        assert_eq!(taken(11_700, 12_000), Some(at(11_700)), "late, as can be");
        assert_eq!(
            taken(12_500, 14_000),
            Some(at(14_000)),
            "older than any copy takes"
        );
        assert_eq!(taken(15_500, 15_000), Some(at(15_000)), "of the future");
    }

    #[test]
    fn a_picture_that_came_too_early_is_replaced_and_makes_none_after_it_old() {
        let (slot, preview, stop) = (FrameSlot::new(), FrameSlot::new(), StopToken::new());
        let ages = std::thread::scope(|scope| {
            scope.spawn(|| restless(&slot, &stop));
            assert!(slot.wait(Duration::from_secs(5)));
            std::thread::sleep(Duration::from_millis(20));
            scope.spawn(|| {
                run(
                    &slot,
                    &preview,
                    &PumpControl::default(),
                    &Journal::new(),
                    &stop,
                );
            });
            let mut ages = Vec::new();
            while ages.len() < 15 {
                assert!(preview.wait(Duration::from_secs(5)));
                let taken = clock::now();
                if let Some(frame) = preview.take() {
                    ages.push(taken.since(frame.captured_at));
                }
            }
            stop.stop();
            ages
        });
        let mut settled = ages[7..].to_vec();
        settled.sort_unstable();
        // Without a show ten pictures a second are taken: a stale one is 100 ms old.
        assert!(
            settled[settled.len() / 2] < Duration::from_millis(40),
            "{ages:?}"
        );
    }
}
