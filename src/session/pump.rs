//! The pump: from the slot through the pacer's gate and the conversion into every running encoder.
//!
//! Owns the thread `pd-pump`. Numbers the frames of a show. It never waits for an encoder: each has
//! a mailbox in which the latest frame wins. Between shows it only hands pictures to the preview, at
//! a lower rate.

use crate::capture::convert::Converter;
use crate::capture::pacer::{Action, Pacer};
use crate::capture::{Frame, FrameSlot};
use crate::clock::{self, MonoTime};
use crate::relay::Relay;
use crate::relay::encoder::{EncoderDoor, RawFrame};
use crate::session::journal::Journal;
use crate::settings::{Fit, PipeFormat};
use crate::stop::StopToken;
use crate::units::{Fps, Size};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Frames a second while no show runs: enough to see what the source shows.
const IDLE_FPS: Fps = Fps::whole(10);

/// What the session tells the pump. Shared; the pump looks at it with each frame.
#[derive(Clone, Default)]
pub struct PumpControl(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    feeding: Option<Feeding>,
    fit: Fit,
}

/// What pictures a show is fed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Size.
    pub size: Size,
    /// Frames a second.
    pub fps: Fps,
    /// Form.
    pub pipe: PipeFormat,
}

/// A show that is being fed.
struct Feeding {
    relay: Arc<Relay>,
    shape: Shape,
    next_frame: u64,
    doors: Vec<EncoderDoor>,
    /// To be given frames from the next one on.
    arming: Option<EncoderDoor>,
}

impl PumpControl {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A show begins; no encoder yet.
    pub fn begin(&self, relay: Arc<Relay>, shape: Shape) {
        self.lock().feeding = Some(Feeding {
            relay,
            shape,
            next_frame: 0,
            doors: Vec::new(),
            arming: None,
        });
    }

    /// Gives this encoder every frame from the next one on, and announces the cut-over there.
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

    /// How a source of another aspect is fitted, from the next frame on.
    pub fn set_fit(&self, fit: Fit) {
        self.lock().fit = fit;
    }

    fn wanted(&self) -> (Option<Shape>, Fit) {
        let told = self.lock();
        (told.feeding.as_ref().map(|feeding| feeding.shape), told.fit)
    }

    fn give(&self, data: &Arc<Vec<u8>>, captured_at: MonoTime, now: MonoTime) {
        let mut told = self.lock();
        let Some(feeding) = &mut told.feeding else {
            return;
        };
        let frame = feeding.next_frame;
        feeding.next_frame += 1;
        feeding.relay.paced(frame, captured_at);
        if let Some(door) = feeding.arming.take() {
            feeding.relay.begin_cutover(door.id, frame, now);
            feeding.doors.push(door);
        } else {
            feeding.relay.tick(now);
        }
        for door in &feeding.doors {
            let raw = RawFrame {
                frame,
                captured_at,
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
    let mut pump = Pump {
        shape: None,
        pacer: Pacer::new(IDLE_FPS),
        converter: None,
        last: None,
        held: None,
        is_stale: false,
        complaint: String::new(),
    };
    while !stop.is_stopped() {
        pump.reshape(control.wanted());
        let now = clock::now();
        let fresh = slot.wait(std::time::Duration::ZERO);
        match pump.pacer.poll(now, fresh || pump.is_stale) {
            Action::Fresh => {
                if let Some(frame) = slot.take() {
                    preview.put(frame.clone());
                    pump.held = Some(frame);
                } else if let Some(held) = &mut pump.held {
                    // As a repeated picture: it is as old as its repetition.
                    held.captured_at = now;
                }
                pump.is_stale = false;
                match pump.send(control, now) {
                    Ok(()) => pump.complaint.clear(),
                    Err(error) => {
                        // Said once and not with every picture; the last good one goes on.
                        let complaint = error.to_string();
                        if pump.complaint != complaint {
                            journal.warn(complaint.clone());
                            pump.complaint = complaint;
                        }
                        if let Some(last) = &pump.last {
                            control.give(last, now, now);
                        }
                    }
                }
            }
            Action::Repeat => {
                // A repeated picture is as old as its repetition: that is when it is sent anew.
                if let Some(last) = &pump.last {
                    control.give(last, now, now);
                }
            }
            Action::Wait(until) => {
                slot.want_from(pump.pacer.fresh_from());
                // A change of the show must be noticed while the source gives nothing.
                let time = until.since(now).min(std::time::Duration::from_millis(100));
                if fresh {
                    stop.sleep(time);
                } else {
                    slot.wait(time);
                }
            }
        }
    }
}

struct Pump {
    shape: Option<Shape>,
    pacer: Pacer,
    converter: Option<(Converter, Buffers)>,
    last: Option<Arc<Vec<u8>>>,
    /// The source's newest picture: a still screen gives no other when a show begins.
    held: Option<Frame>,
    /// It is to be converted anew, for another show or another fit.
    is_stale: bool,
    /// Why the held picture cannot be sent; empty where it can.
    complaint: String,
}

impl Pump {
    fn reshape(&mut self, (wanted, fit): (Option<Shape>, Fit)) {
        if self.shape != wanted {
            self.shape = wanted;
            self.pacer = Pacer::new(wanted.map_or(IDLE_FPS, |shape| shape.fps));
            self.converter = wanted.map(|shape| {
                let converter = Converter::new(shape.size, fit, shape.pipe);
                (converter, Buffers::default())
            });
            self.last = None;
            self.is_stale = self.held.is_some() && wanted.is_some();
        }
        if let Some((converter, _)) = &mut self.converter
            && converter.set_fit(fit)
        {
            self.is_stale = self.held.is_some();
        }
    }

    /// Converts the held picture for the show, if there is one, and gives it to the encoders.
    fn send(
        &mut self,
        control: &PumpControl,
        now: MonoTime,
    ) -> Result<(), crate::capture::CaptureError> {
        if let (Some((converter, buffers)), Some(frame)) = (&mut self.converter, &self.held) {
            let mut data = buffers.take();
            if let Some(bytes) = Arc::get_mut(&mut data) {
                converter.convert(frame, bytes)?;
            }
            buffers.keep(data.clone());
            control.give(&data, frame.captured_at, now);
            self.last = Some(data);
        }
        Ok(())
    }
}

/// Converted pictures whose memory is used again once no encoder holds them.
#[derive(Default)]
struct Buffers(Vec<Arc<Vec<u8>>>);

impl Buffers {
    fn take(&mut self) -> Arc<Vec<u8>> {
        let free = self
            .0
            .iter_mut()
            .position(|buffer| Arc::get_mut(buffer).is_some());
        free.map_or_else(Arc::default, |at| self.0.swap_remove(at))
    }

    fn keep(&mut self, buffer: Arc<Vec<u8>>) {
        // Two encoders with one in the mailbox and one being written each, and the last.
        if self.0.len() < 6 {
            self.0.push(buffer);
        }
    }
}
