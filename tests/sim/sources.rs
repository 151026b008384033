//! What the world shows and sounds like: a screen that puts frames into the real slot, devices whose
//! callbacks the real intake places on the real timeline. No thread.

use super::checks::Checks;
use super::clock::ms;
use pd_console::audio::intake::Intake;
use pd_console::audio::{Chunk, Strip, Timeline};
use pd_console::capture::{Frame, FrameSlot};
use pd_console::clock::MonoTime;
use pd_console::units::Size;
use std::sync::Arc;
use std::time::Duration;

/// How the screen does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Sixty changes a second, as the pacer wants them.
    #[default]
    Moving,
    /// It stands still.
    Still,
    /// Access lost: nothing, and later a new writer.
    Lost,
    /// Frames come some hundred milliseconds after they were made.
    Late,
    /// Its clock goes back: frames are said to be made seconds ago.
    Backwards,
    /// Two frames have the same time.
    Equal,
    /// Twenty at once.
    Burst,
    /// Black.
    Black,
    /// Another size with each.
    Resizing,
    /// Smaller than can be encoded.
    Tiny,
}

/// The screen.
pub struct Screen {
    /// How it does.
    pub look: Look,
    slot: FrameSlot,
    writer: FrameSlot,
    old_writer: Option<FrameSlot>,
    size: Size,
    last_at: MonoTime,
    dice: fastrand::Rng,
}

impl Screen {
    /// A screen in front of `slot`.
    pub fn new(slot: &FrameSlot, dice: &mut fastrand::Rng) -> Self {
        Self {
            look: Look::Moving,
            slot: slot.clone(),
            writer: slot.new_writer(),
            old_writer: None,
            size: Size::new(64, 36),
            last_at: MonoTime::ZERO,
            dice: dice.fork(),
        }
    }

    /// From now on it looks so.
    pub fn becomes(&mut self, look: Look) {
        if look == Look::Lost || self.look == Look::Lost {
            // The supervisor gives the old one up; should it wake, it disturbs nobody.
            self.old_writer = Some(std::mem::replace(&mut self.writer, self.slot.new_writer()));
        }
        if look == Look::Moving {
            let sides = [(64, 36), (67, 35), (48, 64), (32, 16), (160, 90)];
            let (width, height) = sides[self.dice.usize(..sides.len())];
            self.size = Size::new(width, height);
        }
        self.look = look;
    }

    /// The screen changes now; when it does again.
    pub fn turn(&mut self, now: MonoTime, checks: &mut Checks) -> Duration {
        if let Some(old) = self.old_writer.take() {
            let before = old.put_count();
            old.put(self.frame(now, now));
            checks.hold(old.put_count() == before, || {
                "a source that was given up is heard".into()
            });
        }
        let step = Duration::from_micros(self.dice.u64(15_500..17_800));
        let made = match self.look {
            Look::Still => return ms(200),
            Look::Lost => return ms(100),
            Look::Late => now - ms(self.dice.u64(50..400)),
            Look::Backwards => now - ms(self.dice.u64(1_000..20_000)),
            Look::Equal => self.last_at.max(now - ms(500)),
            _ => now - ms(self.dice.u64(..2)),
        };
        // As sources do: what the pacer would not take is not grabbed.
        if now < self.slot.wanted_from() && self.look == Look::Moving {
            return step / 4;
        }
        if matches!(self.look, Look::Resizing) {
            self.size = Size::new(self.dice.u32(16..200), self.dice.u32(16..120));
        }
        let count = if self.look == Look::Burst { 20 } else { 1 };
        for _ in 0..count {
            self.last_at = made;
            let frame = self.frame(made, now);
            self.writer.put(frame);
            checks.put(now);
        }
        step
    }

    fn frame(&mut self, captured_at: MonoTime, in_memory_at: MonoTime) -> Frame {
        let size = match self.look {
            Look::Tiny => Size::new(9, 7),
            _ => self.size,
        };
        // Rows longer than the picture (B02).
        let stride = size.width as usize * 4 + 16;
        let grey = if self.look == Look::Black { 0 } else { 90 };
        Frame {
            captured_at,
            in_memory_at,
            size,
            stride,
            data: vec![grey; stride * size.height as usize].into(),
        }
    }
}

/// How a device does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Play {
    /// A callback each ten milliseconds.
    #[default]
    Good,
    /// It is unplugged.
    Unplugged,
    /// No callback comes, and the device is there.
    Stalled,
    /// Each sample comes twice: it plays twice as fast as it says.
    Double,
    /// Samples are lost, and it says so.
    Loses,
    /// The same, without a word.
    LosesSilently,
    /// No numbers.
    NotANumber,
}

/// A device with its input's thread.
pub struct Mic {
    /// How it does.
    pub play: Play,
    /// Parts per million that its clock is fast.
    ppm: f64,
    rate: u32,
    strip: Arc<Strip>,
    intake: Intake,
    position: u64,
    /// When the last callback ended, s.
    end: f64,
    dice: fastrand::Rng,
}

/// Sample frames of a callback at 48 kHz.
const FRAMES: u64 = 480;

impl Mic {
    /// A device off by `ppm`.
    pub fn new(ppm: f64, dice: &mut fastrand::Rng) -> Self {
        Self {
            play: Play::Good,
            ppm,
            rate: 48_000,
            strip: Strip::new(Timeline::new()),
            intake: open(48_000),
            position: 0,
            end: 0.0,
            dice: dice.fork(),
        }
    }

    /// Its place in the mix.
    pub fn strip(&self) -> &Arc<Strip> {
        &self.strip
    }

    /// From now on it does so.
    pub fn becomes(&mut self, play: Play, now: MonoTime) {
        if self.play == Play::Unplugged {
            // Another rate is rare: resampling costs more than all the rest of the world.
            let rates = [
                48_000, 48_000, 48_000, 48_000, 48_000, 44_100, 96_000, 16_000,
            ];
            self.rate = rates[self.dice.usize(..rates.len())];
            self.reopen(now);
        }
        self.play = play;
    }

    fn reopen(&mut self, now: MonoTime) {
        self.intake = open(self.rate);
        (self.position, self.end) = (0, now.as_micros() as f64 / 1e6);
    }

    /// A callback is due at `now`; when the next is.
    pub fn turn(&mut self, now: MonoTime, checks: &mut Checks) -> Duration {
        let now_s = now.as_micros() as f64 / 1e6;
        let frames = FRAMES * u64::from(self.rate) / 48_000;
        let length = frames as f64 / (f64::from(self.rate) * (1.0 + self.ppm * 1e-6));
        match self.play {
            Play::Unplugged => return ms(100),
            Play::Stalled => {
                self.end = now_s;
                return ms(20);
            }
            Play::Loses | Play::LosesSilently if self.dice.u8(..8) == 0 => {
                if self.play == Play::Loses {
                    self.intake.lost_samples();
                }
                self.end += self.dice.f64() * 0.3;
            }
            _ => {}
        }
        // The machine stood still: the device has begun anew.
        if now_s - self.end > 5.0 {
            self.reopen(now);
        }
        let level = match self.play {
            Play::NotANumber => f32::NAN,
            _ => 0.25,
        };
        let chunk = Chunk {
            arrived: now,
            position: self.position,
            captured_ago: ms(10),
            stereo: vec![level; frames as usize * 2],
        };
        if let Err(error) = self.intake.take(&chunk, self.strip.timeline()) {
            checks.fail(format!("sound: {error}"));
        }
        self.position += frames;
        let step = if self.play == Play::Double {
            length / 2.0
        } else {
            length
        };
        self.end += step;
        // Late by up to 8 ms, never early.
        let due = self.end + 0.008 * self.dice.f64().powi(3);
        Duration::from_secs_f64((due - now_s).max(0.000_1))
    }
}

fn open(rate: u32) -> Intake {
    Intake::new(rate, false).expect("a usual rate")
}
