//! The session's thread, played: commands in, machine, show, tuning, notices and snapshot as
//! `session::worker` has them, all of them real; preflight takes its time. No thread: the world calls
//! `turn`.

use super::checks::{Checks, bound};
use super::clock::ms;
use super::outside::Outside;
use super::preflight::ready;
use pd_console::audio::Mixer;
use pd_console::clock::MonoTime;
use pd_console::relay::hub::RelayFigures;
use pd_console::session::ahead::Ahead;
use pd_console::session::inputs::PreviewOut;
use pd_console::session::journal::Journal;
use pd_console::session::link::{Loss, LossKind};
use pd_console::session::machine::{Effect, Event, Machine, Policy};
use pd_console::session::notices::{self, Facts, Notices};
use pd_console::session::pump::PumpControl;
use pd_console::session::show::{Means, Notice, Show};
use pd_console::session::sleep::SleepWatch;
use pd_console::session::snapshot::{Confirmation, Snapshot, State};
use pd_console::session::tuning::Tuning;
use pd_console::session::view::{Sources, View};
use pd_console::session::{Command, taken};
use pd_console::settings::{Secrets, Settings};
use std::collections::VecDeque;
use std::time::Duration;

/// A session.
pub struct Console {
    /// The show's state.
    pub machine: Machine,
    /// The running show.
    pub show: Option<Show>,
    /// In force.
    pub settings: Settings,
    /// The newest snapshot.
    pub snapshot: Snapshot,
    /// What the operator reads.
    pub journal: Journal,
    /// Commands taken.
    pub taken: u64,
    /// What preflight finds is missing.
    pub missing: bool,
    /// Not the operator: the show has ended by itself.
    pub failures: u64,
    inbox: VecDeque<Command>,
    control: PumpControl,
    mixer: Mixer,
    outside: Outside,
    tuning: Tuning,
    view: View,
    notices: Notices,
    figures: RelayFigures,
    preview: PreviewOut,
    sleep: SleepWatch,
    #[cfg(feature = "gui")]
    sieve: pd_console::ui::feed::Sieve,
    ready_at: Option<MonoTime>,
    dice: fastrand::Rng,
}

/// What the operator's window can put in before the session takes one (`session::runtime`).
const INBOX: usize = 64;

impl Console {
    /// A session at rest.
    pub fn new(
        settings: Settings,
        (control, mixer): (PumpControl, Mixer),
        outside: &Outside,
        dice: &mut fastrand::Rng,
    ) -> Self {
        Self {
            machine: Machine::new(Policy::default(), dice.u64(..)),
            show: None,
            settings,
            snapshot: Snapshot::default(),
            journal: Journal::new(),
            taken: 0,
            missing: false,
            failures: 0,
            inbox: VecDeque::new(),
            control,
            mixer,
            outside: outside.clone(),
            tuning: Tuning::default(),
            view: View::new(),
            notices: Notices::default(),
            figures: RelayFigures::default(),
            preview: PreviewOut::default(),
            sleep: SleepWatch::default(),
            #[cfg(feature = "gui")]
            sieve: pd_console::ui::feed::Sieve::new(Default::default(), MonoTime::ZERO),
            ready_at: None,
            dice: dice.fork(),
        }
    }

    /// The operator sends a command; false where it is refused, since the inbox is full.
    pub fn send(&mut self, command: Command) -> bool {
        let has_room = self.inbox.len() < INBOX;
        if has_room {
            self.inbox.push_back(command);
        }
        has_room
    }

    /// One turn: a command, if one waits, then everything else. `boot` runs on in sleep.
    pub fn turn(&mut self, now: MonoTime, boot: Duration) {
        if let Some(command) = self.inbox.pop_front() {
            self.taken += 1;
            self.command(command, now);
        }
        self.begin_if_ready(now);
        if let Some(slept) = self.sleep.turn(now, boot)
            && self.show.is_some()
            && self.machine.live_since().is_some()
        {
            let cause = format!("stood still for {:.0} s", slept.as_secs_f64());
            let last_good = Some(now - slept);
            self.lost(cause, LossKind::Anew, last_good, now);
        }
        let seen = self.show.as_mut().map(|show| {
            show.outlet_mut().set_probe(self.settings.probe.on);
            show.poll(now)
        });
        for notice in seen.unwrap_or_default() {
            self.notice(notice, now);
        }
        if let Some(show) = &mut self.show {
            let seen = (show.relay().drops(), show.outlet().network_now(now));
            let encoders = show.encoders();
            let (settings, journal) = (&self.settings, &self.journal);
            self.tuning.turn(encoders, seen, settings, journal, now);
            for mark in encoders.take_marks() {
                self.view.mark(mark);
            }
        }
        self.event(Event::Tick, now);
    }

    /// Whether more commands wait.
    pub fn is_busy(&self) -> bool {
        !self.inbox.is_empty()
    }

    fn command(&mut self, command: Command, now: MonoTime) {
        match command {
            Command::GoLive => self.event(Event::GoLive, now),
            Command::Stop => self.event(Event::Stop, now),
            Command::Dismiss => self.event(Event::Dismiss, now),
            Command::SetBitrate { kbps } => {
                self.settings.encoder.bitrate_kbps = kbps.clamp(
                    pd_console::units::BITRATE_MIN_KBPS,
                    pd_console::units::BITRATE_MAX_KBPS,
                );
                self.tuning.moved(&self.settings, now);
            }
            Command::SetMuted { muted } => {
                self.settings.audio.muted = muted;
                if let Some(show) = &self.show {
                    show.set_muted(muted);
                }
            }
            Command::ApplySettings(wish) => self.apply(*wish, now),
            Command::FastestWay => {
                let live = self.machine.state() == &State::Live;
                let show = self.show.as_mut().filter(|_| live);
                if let Some(notice) = show.and_then(|show| show.outlet_mut().fastest_again(now)) {
                    self.notice(notice, now);
                }
            }
            Command::Reconnect => {
                let live = self.machine.state() == &State::Live;
                let show = self.show.as_mut().filter(|_| live);
                if let Some(notice) = show.and_then(|show| show.outlet_mut().connect_again(now)) {
                    self.notice(notice, now);
                }
            }
            _ => {}
        }
    }

    fn apply(&mut self, wish: Settings, now: MonoTime) {
        let in_show = !self.machine.state().is_at_rest();
        match taken(&self.settings, wish, in_show) {
            Ok(settings) => self.settings = settings,
            Err(why) => return self.journal.warn(why),
        }
        if in_show {
            self.tuning.moved(&self.settings, now);
        }
    }

    fn event(&mut self, event: Event, now: MonoTime) {
        match self.machine.on(event, now) {
            None | Some(Effect::Start) => {}
            Some(Effect::Preflight) => self.ready_at = Some(now + ms(self.dice.u64(50..1_500))),
            Some(Effect::StartPublisher) => {
                let show = self.show.as_mut();
                if let Some(Err(failure)) = show.map(|show| show.outlet_mut().start(now)) {
                    self.lost(failure.message, LossKind::Broke, None, now);
                }
            }
            Some(Effect::EndPublisher) => {
                if let Some(show) = &mut self.show {
                    show.outlet_mut().end();
                }
            }
            Some(Effect::EndAll) => {
                self.ready_at = None;
                if let Some(show) = self.show.take() {
                    self.figures = show.relay().figures(now, 0);
                    drop(show.end(Some(&self.control)));
                }
                self.event(Event::Stopped, now);
            }
        }
    }

    fn begin_if_ready(&mut self, now: MonoTime) {
        if self.ready_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        if self.missing {
            let why = "no MediaMTX was found".to_owned();
            self.failures += 1;
            return self.event(Event::PreflightFailed(why), now);
        }
        let wish = self.tuning.begin(&self.settings);
        let means = Means {
            control: self.control.clone(),
            sound: self.mixer.clone(),
            journal: self.journal.clone(),
            start: self.outside.starter(),
            hands: std::sync::Arc::new(self.outside.clone()),
        };
        let secrets = Secrets::default();
        match Show::start(
            &self.settings,
            wish,
            ready(&self.settings),
            &secrets,
            means,
            now,
        ) {
            Ok(show) => {
                self.show = Some(show);
                self.notices.reset();
                self.view.reset();
                self.event(Event::PreflightDone, now);
            }
            Err(failure) => {
                self.failures += 1;
                self.event(Event::PreflightFailed(failure.message), now);
            }
        }
    }

    fn notice(&mut self, notice: Notice, now: MonoTime) {
        match notice {
            Notice::Confirmed(confirmation) => {
                let before = self.machine.state().clone();
                self.event(Event::Confirmed(confirmation), now);
                let is_new = before != State::Live && self.machine.state() == &State::Live;
                if let Some(show) = self.show.as_ref().filter(|_| is_new) {
                    show.relay().live(now);
                }
            }
            Notice::PublisherLost {
                failure,
                kind,
                last_good,
            } => self.lost(failure.message, kind, last_good, now),
            Notice::Started => self.event(Event::PublisherStarted, now),
            Notice::Knocked(answers) => self.event(Event::Knocked(answers), now),
            Notice::PathFree => self.event(Event::PathFree, now),
            Notice::Fatal(failure) => {
                self.failures += 1;
                self.event(Event::Fatal(failure.message), now);
            }
        }
    }

    fn lost(&mut self, cause: String, kind: LossKind, last_good: Option<MonoTime>, now: MonoTime) {
        let loss = Loss {
            cause,
            kind,
            last_good,
        };
        self.event(Event::PublisherLost(loss), now);
    }

    /// Makes the snapshot and holds it against what it may say.
    pub fn publish(
        &mut self,
        drops: u64,
        brightest: Option<u8>,
        now: MonoTime,
        checks: &mut Checks,
    ) {
        if let Some(show) = &self.show {
            self.figures = show.relay().figures(now, drops);
        }
        let mut snapshot = self.view.make(Sources {
            now,
            machine: &self.machine,
            settings: &self.settings,
            figures: &self.figures,
            show: self.show.as_ref(),
            inputs: None,
            pending: self.tuning.pending(),
            lowered: self.tuning.lowered(),
            adaptive: self.tuning.adaptive(),
            gpus: None,
            doctor: Default::default(),
            recording: Default::default(),
            ahead: &Ahead::default(),
            preview: &self.preview,
            journal: &self.journal,
        });
        let arriving = self.notices.arriving(&snapshot, now);
        let facts = Facts::of(&snapshot, arriving, brightest, Some(50.0));
        for (severity, text) in self.notices.look(&facts, &self.settings.notify, now) {
            self.journal.add(severity, text);
        }
        snapshot.tally = notices::tally(&snapshot, arriving);
        snapshot.notices = self.notices.list();
        checks.at_most("lines of the log", snapshot.log.len(), bound::LOG);
        checks.at_most("notices", snapshot.notices.len(), bound::NOTICES);
        checks.at_most(
            "outages",
            self.machine.link().outages().len(),
            bound::OUTAGES,
        );
        // State true: nothing but a live show says how it is confirmed.
        let live = snapshot.state == State::Live;
        checks.hold(
            live == (snapshot.confirmation != Confirmation::None),
            || format!("{:?} with {:?}", snapshot.state, snapshot.confirmation),
        );
        checks.hold(
            live || self.machine.link().confirmation() == Confirmation::None,
            || "a link is up beside a show that is not live".into(),
        );
        // What the window holds back are figures: never the state, nor what it is told of it.
        #[cfg(feature = "gui")]
        {
            self.sieve.take(&snapshot, now);
            let shown = self.sieve.shown();
            let same = shown.state == snapshot.state
                && shown.confirmation == snapshot.confirmation
                && shown.tally == snapshot.tally
                && shown.notices == snapshot.notices;
            checks.hold(same, || {
                format!(
                    "the window shows {:?}, so is {:?}",
                    shown.state, snapshot.state
                )
            });
        }
        self.snapshot = snapshot;
    }
}
