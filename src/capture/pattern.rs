//! The test pattern: flat colours, a moving box, frame number and time, readable by eye and program;
//! and a flash each second, with which a beep can sound (see `audio::beep`).
//!
//! Runs on the capture thread, paced by absolute deadlines of its own. Where the thread is late it
//! skips the missed frame numbers; it never queues.

mod font;
mod grain;
mod layout;
mod number;

pub use layout::{Patch, Rect, lamp, patches};
pub use number::{
    NUMBER_LIMIT, NumberLog, number_strip, read_frame_number_bgra, read_frame_number_luma,
    read_frame_number_strip,
};

use super::{CaptureError, Frame, FramePool, FrameSlot, VideoSource};
use crate::audio::beep::{BEEP_EVERY_US, BEEP_US};
use crate::clock::{MonoTime, now};
use crate::stop::StopToken;
use crate::units::{Fps, Size};
use grain::Grain;
use layout::{Bgra, Canvas, Layout};
use std::time::Duration;

const TEXT: Bgra = [235, 235, 235, 255];
const TEXT_GROUND: Bgra = [0, 0, 0, 255];
const BOX: Bgra = [0, 220, 255, 255];

/// The test pattern as a picture source.
#[derive(Debug)]
pub struct PatternSource {
    size: Size,
    fps: Fps,
    layout: Layout,
    base: Vec<u8>,
    pool: FramePool,
    log: Option<NumberLog>,
    grain: Option<Grain>,
}

impl PatternSource {
    /// A pattern of `size` (made even, at least 16x16) at `fps` frames a second.
    ///
    /// The number strip can be read back from sizes of 512x288 upwards, where its cells are at
    /// least 16x16 pixels.
    pub fn new(size: Size, fps: Fps) -> Self {
        let even = size.even();
        let size = Size::new(even.width.max(16), even.height.max(16));
        let layout = Layout::new(size);
        let mut base = vec![0; size.pixels() * 4];
        layout.draw_base(&mut Canvas::new(size, &mut base));
        Self {
            size,
            fps,
            layout,
            base,
            pool: FramePool::new(),
            log: None,
            grain: None,
        }
    }

    /// The same, noting in `log` when it made each frame.
    #[must_use]
    pub fn logging(mut self, log: NumberLog) -> Self {
        self.log = Some(log);
        self
    }

    /// The same with grain in the place of the colour bars, new in each frame: it takes any bitrate that
    /// it is given, as flat colours do not.
    #[must_use]
    pub fn with_grain(mut self) -> Self {
        self.grain = Some(Grain::new(self.layout.bars()));
        self
    }

    /// Draws frame `number` of the pattern, shown as made `elapsed` after the start, with a lamp of
    /// this grey.
    fn draw(&self, number: u64, elapsed: Duration, lamp: u8) -> Vec<u8> {
        let mut bytes = self.pool.take(self.base.len());
        // A buffer of the pool is either all zero or an earlier frame of this pattern, and every
        // changing part is drawn anew below. The marker in the first pixels tells the two apart.
        if bytes[..16] != self.base[..16] {
            bytes.copy_from_slice(&self.base);
        }
        let mut canvas = Canvas::new(self.size, &mut bytes);
        canvas.fill(self.layout.text, TEXT_GROUND);
        font::draw(
            &mut canvas,
            self.layout.text,
            &caption(number, elapsed),
            TEXT,
        );
        canvas.fill(self.layout.lamp, [lamp, lamp, lamp, 255]);
        canvas.fill(self.layout.track, layout::TRACK);
        canvas.fill(self.layout.moving_box(number, self.fps), BOX);
        if let Some(grain) = &self.grain {
            grain.draw(&mut canvas, number);
        }
        number::draw(&mut canvas, self.layout.strip, number);
        bytes
    }
}

impl VideoSource for PatternSource {
    fn label(&self) -> String {
        format!("Test pattern, {} at {} fps", self.size, self.fps)
    }

    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let started = now();
        let mut schedule = Schedule::new(started, self.fps);
        loop {
            let time = now();
            slot.beat(time);
            match schedule.step(time, slot.wanted_from()) {
                Step::Sleep(pause) => {
                    if stop.sleep(pause) {
                        return Ok(());
                    }
                }
                Step::Draw(number) => {
                    if stop.is_stopped() {
                        return Ok(());
                    }
                    let lamp = lamp_at(time, self.fps.interval());
                    if let Some(log) = &self.log {
                        log.add(number, time);
                    }
                    let bytes = self.draw(number, time.since(started), lamp);
                    slot.put(Frame {
                        captured_at: time,
                        in_memory_at: now(),
                        size: self.size,
                        stride: self.size.width as usize * 4,
                        data: self.pool.share(bytes),
                    });
                }
            }
        }
    }
}

/// Grey of the lamp while it is off.
pub const LAMP_OFF: u8 = 16;
/// What the lamp of a flash's first picture is darker for each millisecond that the picture was made
/// after the whole second: it tells the second's true place between two pictures.
pub const LAMP_STEP: u8 = 4;

/// Grey of the lamp in a picture made at `time`: it flashes at each whole second of the console's
/// clock, for as long as the beep of `audio::beep`.
fn lamp_at(time: MonoTime, interval: Duration) -> u8 {
    let late_us = time.as_micros() % BEEP_EVERY_US;
    if late_us >= BEEP_US {
        LAMP_OFF
    } else if u128::from(late_us) < interval.as_micros() {
        let darker = late_us * u64::from(LAMP_STEP) / 1_000;
        // Still a flash where pictures are far apart.
        255 - u8::try_from(darker).unwrap_or(u8::MAX).min(195)
    } else {
        255
    }
}

/// What the pattern says in words.
fn caption(number: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!(
        "{:06}  {:02}:{:02}:{:02}.{:03}",
        number % 1_000_000,
        seconds / 3600 % 100,
        seconds / 60 % 60,
        seconds % 60,
        elapsed.subsec_millis()
    )
}

/// When frames are due. Deadlines count from one epoch, so that rounding never adds up.
#[derive(Debug)]
struct Schedule {
    epoch: MonoTime,
    fps: Fps,
    next: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Sleep(Duration),
    Draw(u64),
}

impl Schedule {
    fn new(epoch: MonoTime, fps: Fps) -> Self {
        Self {
            epoch,
            fps,
            next: 0,
        }
    }

    fn due(&self) -> MonoTime {
        let us = u128::from(self.next) * 1_000_000 * u128::from(self.fps.den.max(1))
            / u128::from(self.fps.num.max(1));
        self.epoch + Duration::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
    }

    /// What to do at `time` where the pacer uses no frame made before `wanted`.
    fn step(&mut self, time: MonoTime, wanted: MonoTime) -> Step {
        let due = self.due();
        // Two clocks of one rate keep the phase that chance gave them: without this each frame
        // could wait almost a whole interval for the pacer, for ever. And for a slower show a frame
        // made earlier would lie in the slot and be sent old.
        if wanted > due {
            self.epoch = self.epoch + wanted.since(due);
        }
        let due = self.due();
        if time < due {
            return Step::Sleep(due.since(time));
        }
        let reached = time.since(self.epoch).as_micros() * u128::from(self.fps.num.max(1))
            / (1_000_000 * u128::from(self.fps.den.max(1)));
        let number = self.next.max(u64::try_from(reached).unwrap_or(u64::MAX));
        self.next = number + 1;
        Step::Draw(number)
    }
}

#[cfg(test)]
mod tests;
