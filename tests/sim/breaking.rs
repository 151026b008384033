//! What goes wrong when, and what the operator does meanwhile: everything out of the seed.

use super::clock::{Event, ms};
use super::encoder;
use super::faults::Fault;
use super::outside;
use super::run::Mutation;
use super::world::World;
use pd_console::clock::MonoTime;
use pd_console::session::Command;
use pd_console::session::snapshot::State;
use pd_console::settings::{AudioInput, EncoderFamily, Fit, Settings};
use pd_console::units::{Fps, Size};
use std::time::Duration;

/// Without a fault for so long, the show is on air: the longest wait between two tries is 5 s, a
/// server is called at each fourth try where it does not answer knocks, an encoder takes its 6 s.
pub const RECOVERS_IN: Duration = ms(34_000);
/// So long nothing is broken, from time to time.
const CALM: u64 = 40_000;

impl World {
    /// The next fault, and when the one after it comes.
    pub(super) fn break_something(&mut self, now: MonoTime) {
        let fault = Fault::draw(&mut self.dice);
        *self.tally.faults.entry(fault.seam()).or_default() += 1;
        let lasts = fault.lasts(&mut self.dice);
        self.checks.note(|| format!("{fault:?} for {lasts:?}"));
        self.start(fault, now, lasts);
        let time = match self.dice.u8(..12) {
            // They come in twos and threes as well.
            0..3 => self.dice.u64(10..500),
            3 => CALM + self.dice.u64(..5_000),
            _ => self.dice.u64(1_000..9_000),
        };
        self.after(ms(time), Event::Fault);
    }

    fn start(&mut self, fault: Fault, now: MonoTime, lasts: Duration) {
        self.lasting.push((now + lasts, fault));
        match fault {
            Fault::Screen(look) => self.screen.becomes(look),
            Fault::Sound(mic, play) => self.mic(mic).becomes(play, now),
            Fault::Disk(disk) => self.disk = disk,
            Fault::Recoded => self.arriving.1 = true,
            Fault::NotArriving => self.arriving.0 = true,
            Fault::Missing => self.console.missing = true,
            Fault::Store(way) => {
                self.keeping.break_it(way, &mut self.dice, &mut self.checks);
            }
            Fault::Settings => self.change_settings(),
            Fault::Spam => {
                for _ in 0..200 {
                    let command = self.any_command();
                    self.console.send(command);
                }
            }
            Fault::Sleep => self.jump(ms(7_200_000)),
            Fault::Standstill => {
                let time = ms(self.dice.u64(100..6_000));
                self.jump(time);
            }
            Fault::SleepUncounted => self.boot_ahead += ms(7_200_000),
            Fault::EncoderDies | Fault::EncoderHangs | Fault::EncoderIs(_) => {
                self.break_encoder(fault, now, lasts);
            }
            Fault::PublisherDies | Fault::PublisherHangs => {
                if let Some(child) = self.outside.current() {
                    let mut child = outside::lock(&child);
                    match fault {
                        Fault::PublisherDies => child.die("killed by signal 9"),
                        _ => child.held_until = now + lasts,
                    }
                }
            }
            _ => self.break_server(fault, now),
        }
    }

    fn break_server(&mut self, fault: Fault, now: MonoTime) {
        let mut outside = self.outside.lock();
        match fault {
            Fault::NoEncoder => outside.no_encoder = true,
            Fault::NoPublisher => outside.no_publisher = true,
            Fault::ServerRestarts => outside.server.stop(),
            Fault::ServerRefuses => outside.server.refuses = true,
            Fault::Api(api) => outside.server.api = api,
            Fault::Cut => outside.server.cut = true,
            Fault::Lossy => outside.server.lossy = true,
            Fault::Firewall => outside.server.firewall = true,
            Fault::Taken => outside.server.take_over(now),
            _ => {}
        }
    }

    fn break_encoder(&mut self, fault: Fault, now: MonoTime, lasts: Duration) {
        let mut outside = self.outside.lock();
        if let Fault::EncoderIs(habit) = fault {
            outside.habit = habit;
        }
        for child in &outside.encoders {
            let mut child = encoder::lock(child);
            match fault {
                Fault::EncoderDies => child.gone("killed by signal 9"),
                Fault::EncoderHangs => child.held_until = now + lasts,
                Fault::EncoderIs(habit) => child.habit = habit,
                _ => {}
            }
        }
    }

    /// Everything stands still for `time`, and is late then.
    fn jump(&mut self, time: Duration) {
        self.clock.jump(time);
        self.slept += time;
        self.checks.stood_still(time);
        self.truth.jumped(self.clock.now());
    }

    /// What has lasted long enough is over.
    pub(super) fn relieve(&mut self, now: MonoTime) {
        self.after(ms(50), Event::Relief);
        let over: Vec<_> = self
            .lasting
            .extract_if(.., |(until, _)| now >= *until)
            .collect();
        if self.mutation == Mutation::NoRecovery {
            // Nobody mends the server.
            self.lasting.clear();
            self.quiet_since = self.quiet_since.max(MonoTime::from_micros(100_000_000));
            return;
        }
        for (_, fault) in &over {
            // The same fault may have come again.
            let lasts = self
                .lasting
                .iter()
                .any(|(_, other)| std::mem::discriminant(other) == std::mem::discriminant(fault));
            if !lasts {
                self.checks.note(|| format!("{fault:?} is over"));
                self.mend(*fault, now);
            }
        }
        if !over.is_empty() || !self.lasting.is_empty() {
            self.quiet_since = now;
        }
    }

    /// The operator: live again where it is not, and now and then something else.
    pub(super) fn operate(&mut self, now: MonoTime) {
        self.after(ms(200), Event::Operator);
        let state = self.console.machine.state().clone();
        if state.is_at_rest() {
            let at = *self
                .live_again_at
                .get_or_insert(now + ms(self.dice.u64(500..6_000)));
            if now >= at {
                self.live_again_at = None;
                if matches!(state, State::Failed { .. }) && self.dice.bool() {
                    self.console.send(Command::Dismiss);
                }
                self.console.send(Command::GoLive);
            }
            return;
        }
        // In a calm nobody touches anything.
        let calm = now.since(self.quiet_since) > ms(2_000);
        if !calm && self.dice.u8(..40) == 0 {
            let command = self.any_command();
            self.console.send(command);
        }
    }

    fn any_command(&mut self) -> Command {
        let dice = &mut self.dice;
        match dice.u8(..24) {
            0 => Command::GoLive,
            1 => Command::Stop,
            2 => Command::Dismiss,
            3 => Command::FastestWay,
            4..7 => Command::SetMuted { muted: dice.bool() },
            8 => Command::Reconnect,
            7 => Command::ApplySettings(Box::new(any_settings(dice, &self.console.settings))),
            _ => Command::SetBitrate {
                kbps: dice.u32(..12_000),
            },
        }
    }

    fn change_settings(&mut self) {
        let wish = any_settings(&mut self.dice, &self.console.settings);
        for (mic, input) in self.mics.iter().zip(&wish.audio.inputs) {
            mic.strip().set(input.gain_db, input.muted, input.delay_ms);
        }
        self.console.send(Command::ApplySettings(Box::new(wish)));
        let settings = self.console.settings.clone();
        self.keeping.save(&settings, &mut self.checks);
    }
}

/// Settings as an operator, a remote control or a file may bring them: mostly good.
fn any_settings(dice: &mut fastrand::Rng, now: &Settings) -> Settings {
    let mut wish = now.clone();
    let sizes = [(64, 36), (96, 54), (128, 72), (48, 48)];
    let (width, height) = sizes[dice.usize(..sizes.len())];
    match dice.u8(..10) {
        0..2 => wish.video.size = Size::new(width, height),
        2 => wish.video.fps = Fps::whole([10, 15, 24, 30, 50, 60][dice.usize(..6)]),
        3 => wish.video.fit = [Fit::default(), Fit::Crop][dice.usize(..2)],
        4 => wish.encoder.gop_seconds = [0.5, 1.0, 2.0][dice.usize(..3)],
        5 => wish.encoder.adaptive = dice.bool(),
        6 => {
            let all = [
                None,
                Some(EncoderFamily::Nvenc),
                Some(EncoderFamily::Libx264),
            ];
            wish.encoder.family = all[dice.usize(..3)];
        }
        7 => {
            let mut input = AudioInput {
                gain_db: dice.f32() * 72.0 - 60.0,
                muted: dice.bool(),
                delay_ms: dice.u32(..1_000),
                ..AudioInput::default()
            };
            wish.audio.inputs = vec![input.clone()];
            input.muted = false;
            wish.audio.inputs.push(input);
        }
        8 => wish.probe.on = dice.u8(..4) > 0,
        _ => bad_settings(dice, &mut wish),
    }
    wish
}

fn bad_settings(dice: &mut fastrand::Rng, wish: &mut Settings) {
    match dice.u8(..10) {
        0 => wish.video.size = Size::new(0, 0),
        1 => wish.video.size = Size::new(1, 99_999),
        2 => wish.video.fps = Fps { num: 0, den: 0 },
        3 => wish.video.fps = Fps::whole(u32::MAX),
        4 => wish.encoder.gop_seconds = f32::NAN,
        5 => wish.encoder.gop_seconds = -1.0,
        6 => wish.encoder.bitrate_kbps = u32::MAX,
        7 => wish.audio.inputs.clear(),
        8 => wish.audio.inputs[0].gain_db = f32::INFINITY,
        _ => wish.encoder.vbv_frames = Some(0),
    }
}
