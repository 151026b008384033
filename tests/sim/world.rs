//! The world: an agenda in virtual time that drives the product's code between played sources, children,
//! server, disk and operator, breaks them as the seed says, and looks at the invariants after each event.

use super::checks::{Checks, bound};
use super::clock::{Agenda, Clock, Event, ms};
use super::console::Console;
use super::encoder::{self, Habit};
use super::faults::Fault;
use super::keeping::Keeping;
use super::outside::{self, Outside};
use super::publisher::Phase;
use super::recorder::{Disk, Recorder};
use super::run::{Mutation, Tally, settings};
use super::sources::{Look, Mic, Play, Screen};
use super::truth::Truth;
use pd_console::audio::Mixer;
use pd_console::capture::FrameSlot;
use pd_console::clock::MonoTime;
use pd_console::latency::trace::Tracer;
use pd_console::session::pump::{Pump, PumpControl};
use pd_console::session::snapshot::State;
use std::collections::VecDeque;
use std::time::Duration;

/// Everything.
pub struct World {
    /// Time.
    pub clock: Clock,
    /// What is due.
    pub agenda: Agenda,
    /// What must hold.
    pub checks: Checks,
    /// Chance.
    pub dice: fastrand::Rng,
    /// The session.
    pub console: Console,
    /// Children and server.
    pub outside: Outside,
    /// The screen.
    pub screen: Screen,
    /// Devices.
    pub mics: Vec<Mic>,
    /// Settings on their disk.
    pub keeping: Keeping,
    /// How the recorder's disk does.
    pub disk: Disk,
    /// Faults that last: until when.
    pub lasting: Vec<(MonoTime, Fault)>,
    /// Since when nothing is wrong.
    pub quiet_since: MonoTime,
    /// What runs on in sleep.
    pub boot_ahead: Duration,
    /// Arrivals: lost, and encoded again.
    pub arriving: (bool, bool),
    /// Time that everything stood still.
    pub slept: Duration,
    /// What was counted.
    pub tally: Tally,
    /// The truth that the state is held against.
    pub truth: Truth,
    /// Broken on purpose.
    pub mutation: Mutation,
    pub(super) recorder: Option<Recorder>,
    pub(super) mixer: Mixer,
    pub(super) slot: FrameSlot,
    pub(super) preview: FrameSlot,
    pub(super) control: PumpControl,
    pub(super) pump: Pump,
    pub(super) waits: u64,
    pub(super) questions: u64,
    pub(super) asked_at: MonoTime,
    /// Pictures on their way to the viewer.
    pub(super) network: VecDeque<(MonoTime, u64, u32)>,
    pub(super) tracer: Tracer,
    pub(super) turns: u64,
    pub(super) starts: VecDeque<MonoTime>,
    /// When the operator goes live again.
    pub(super) live_again_at: Option<MonoTime>,
}

impl World {
    /// A world of this seed.
    pub fn new(seed: u64, mutation: Mutation) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let clock = Clock::default();
        clock.reach(MonoTime::from_micros(100_000_000));
        let outside = Outside::new(&clock, &mut dice);
        let (slot, control, mixer) = (FrameSlot::new(), PumpControl::default(), Mixer::new());
        // A second device in each fourth world: sound is most of what a world costs.
        let mut mics = vec![Mic::new(200.0, &mut dice)];
        if seed.is_multiple_of(4) {
            mics.push(Mic::new(-200.0, &mut dice));
        }
        mixer.set_strips(mics.iter().map(|mic| mic.strip().clone()).collect());
        outside.lock().deaf = mutation == Mutation::QueueGrows;
        let settings = settings(&mut dice);
        let shared = (control.clone(), mixer.clone());
        Self {
            checks: Checks::new(&clock),
            console: Console::new(settings.clone(), shared, &outside, &mut dice),
            keeping: Keeping::new(&settings),
            screen: Screen::new(&slot, &mut dice),
            agenda: Agenda::default(),
            outside,
            mics,
            disk: Disk::Good,
            lasting: Vec::new(),
            quiet_since: clock.now(),
            boot_ahead: Duration::ZERO,
            arriving: (false, false),
            slept: Duration::ZERO,
            tally: Tally::default(),
            truth: Truth::default(),
            mutation,
            recorder: None,
            mixer,
            slot,
            preview: FrameSlot::new(),
            control,
            pump: Pump::default(),
            waits: 0,
            questions: 0,
            asked_at: MonoTime::ZERO,
            network: VecDeque::new(),
            tracer: Tracer::default(),
            turns: 0,
            starts: VecDeque::new(),
            live_again_at: Some(clock.now()),
            dice,
            clock,
        }
    }

    /// Runs for so long; what was found.
    pub fn run(&mut self, time: Duration) -> Result<(), String> {
        let now = self.clock.now();
        let until = now + time;
        let all = [
            Event::Screen,
            Event::Turn,
            Event::Ask,
            Event::Knock,
            Event::Server,
            Event::Record,
            Event::Fault,
            Event::Relief,
            Event::Operator,
            Event::Quiet,
            Event::Pump(0),
        ];
        let devices = (0..self.mics.len()).map(Event::Callback);
        for event in all.into_iter().chain(devices) {
            self.agenda.put(now + ms(self.dice.u64(..20)), event);
        }
        // Time that was slept through does not count.
        while self.clock.now() < until + self.slept {
            let Some((at, event)) = self.agenda.next() else {
                return Err("nothing is due any more".into());
            };
            self.clock.reach(at);
            self.tally.events += 1;
            self.happen(event);
            if let Some(found) = self.checks.found() {
                return Err(format!("{found}\n{}", self.checks.history()));
            }
        }
        self.tally.looks = self.checks.looks;
        self.tally.starts = self.outside.lock().starts;
        self.tally.seconds += time.as_secs_f64();
        Ok(())
    }

    pub(super) fn after(&mut self, time: Duration, event: Event) {
        self.agenda.put(self.clock.now() + time, event);
    }

    fn happen(&mut self, event: Event) {
        let now = self.clock.now();
        match event {
            Event::Screen => {
                let step = self.screen.turn(now, &mut self.checks);
                self.after(step, event);
                // A picture that comes ends the pump's wait.
                self.pump(now);
            }
            Event::Pump(wait) => {
                if wait == self.waits {
                    self.pump(now);
                }
            }
            Event::Written(id) => self.written(id, now),
            Event::Out(id) => self.encoder_out(id, now),
            Event::Callback(mic) => {
                let step = self.mics[mic].turn(now, &mut self.checks);
                self.after(step, event);
            }
            Event::Publish(id) => self.publish(id, now),
            Event::Called(id) => self.called(id, now),
            Event::Arrive => self.arrive(now),
            Event::Server => {
                self.look_at_connections(now);
                self.after(ms(100), event);
            }
            Event::Ask => self.ask(now),
            Event::Answer(question) => self.answer(question, now),
            Event::Knock => {
                self.outside.lock().server.knock();
                self.after(ms(250), event);
            }
            Event::Turn => self.turn(now),
            Event::Record => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.turn(self.disk, now, &mut self.checks);
                }
                self.after(ms(40), event);
            }
            Event::Operator => self.operate(now),
            Event::Fault => self.break_something(now),
            Event::Relief => self.relieve(now),
            Event::Quiet => self.look_in_quiet(now),
        }
    }

    fn turn(&mut self, now: MonoTime) {
        let boot = Duration::from_micros(now.as_micros()) + self.boot_ahead;
        let had_show = self.console.show.is_some();
        let before = self.console.machine.state().clone();
        self.console.turn(now, boot);
        self.collect(now);
        let after = self.console.machine.state();
        if after != &before {
            let cause = self.console.machine.link().cause();
            self.checks
                .note(|| format!("{before:?} -> {after:?}: {cause}"));
        }
        match (had_show, self.console.show.as_ref()) {
            (false, Some(show)) => {
                self.recorder = Some(Recorder::new(show.relay(), &self.mixer, now));
                self.tracer = Tracer::default();
                self.checks.new_show();
                self.network.clear();
                self.tally.shows += 1;
            }
            (true, None) => {
                if let Some(recorder) = self.recorder.take() {
                    self.tally.files += recorder.files;
                }
            }
            _ => {}
        }
        self.look(&before, now);
        self.turns += 1;
        if self.turns.is_multiple_of(4) {
            self.look_slowly(now);
        }
        let next = if self.console.is_busy() {
            ms(1)
        } else {
            ms(50)
        };
        self.after(next, Event::Turn);
    }

    /// What the product has started since.
    fn collect(&mut self, now: MonoTime) {
        let (encoders, publishers) = {
            let mut outside = self.outside.lock();
            let encoders = std::mem::take(&mut outside.new_encoders);
            (encoders, std::mem::take(&mut outside.new_publishers))
        };
        for id in encoders {
            self.starts.push_back(now);
            self.checks.note(|| format!("encoder {id} starts"));
            if let Some(child) = self.outside.encoder(id) {
                let time = encoder::lock(&child).warm_up();
                self.after(time, Event::Out(id));
            }
        }
        for id in publishers {
            self.starts.push_back(now);
            self.checks.note(|| format!("publisher {id} starts"));
            let time = ms(self.dice.u64(80..500));
            self.after(time, Event::Called(id));
            self.after(ms(1), Event::Publish(id));
        }
        while self
            .starts
            .front()
            .is_some_and(|at| now.since(*at) > ms(60_000))
        {
            self.starts.pop_front();
        }
        self.checks.at_most(
            "children started in a minute",
            self.starts.len(),
            bound::STARTS,
        );
        let keeps = self.mutation == Mutation::StaysBehind;
        let mut outside = self.outside.lock();
        for child in &outside.encoders {
            let mut child = encoder::lock(child);
            if child.asked {
                child.gone("");
            }
        }
        outside.encoders.retain(|child| !encoder::lock(child).ended);
        for child in &outside.publishers {
            let mut child = outside::lock(child);
            if child.asked && !keeps {
                child.die("");
            }
        }
        outside.publishers.retain(|child| {
            let child = outside::lock(child);
            child.phase != Phase::Dead || !child.asked
        });
    }
}

/// Faults' ends as the world has them.
impl World {
    /// The look of things without a fault.
    pub fn mend(&mut self, fault: Fault, now: MonoTime) {
        match fault {
            Fault::Screen(_) => self.screen.becomes(Look::Moving),
            Fault::Sound(mic, _) => self.mic(mic).becomes(Play::Good, now),
            Fault::EncoderIs(_) => {
                let mut outside = self.outside.lock();
                outside.habit = Habit::Good;
                for child in &outside.encoders {
                    encoder::lock(child).habit = Habit::Good;
                }
            }
            Fault::Disk(_) => self.disk = Disk::Good,
            Fault::Recoded => self.arriving.1 = false,
            Fault::NotArriving => self.arriving.0 = false,
            Fault::Missing => self.console.missing = false,
            Fault::Store(_) => self.keeping.mend(),
            _ => {
                let mut outside = self.outside.lock();
                match fault {
                    Fault::NoEncoder => outside.no_encoder = false,
                    Fault::NoPublisher => outside.no_publisher = false,
                    Fault::ServerRestarts => outside.server.up = true,
                    Fault::ServerRefuses => outside.server.refuses = false,
                    Fault::Api(_) => outside.server.api = Default::default(),
                    Fault::Cut => outside.server.cut = false,
                    Fault::Lossy => outside.server.lossy = false,
                    Fault::Firewall => outside.server.firewall = false,
                    Fault::Taken => outside.server.let_go(),
                    _ => {}
                }
            }
        }
    }

    /// The device that number `mic` falls on.
    pub fn mic(&mut self, mic: usize) -> &mut Mic {
        let count = self.mics.len();
        &mut self.mics[mic % count]
    }

    /// Whether the machine says LIVE.
    pub fn is_live(&self) -> bool {
        self.console.machine.state() == &State::Live
    }
}
