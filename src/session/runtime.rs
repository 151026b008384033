//! The session's thread: takes commands, feeds the state machine, carries out its effects, makes
//! the snapshot.
//!
//! Owns `pd-session`, which turns 20 times a second or as soon as a command comes; what can take
//! long (preflight, starting a server) runs on threads of its own whose answers come back here.
//! Under pressure it makes fewer snapshots. Commands that nobody takes for 64 commands are refused.

use super::Console;
use super::choices::{self, Choices};
use super::command::{Command, Secret};
use super::examine::Examiner;
use super::failure::{Failure, FailureKind};
use super::inputs::{Inputs, PreviewOut};
use super::journal::Journal;
use super::machine::{Effect, Event, Machine, Policy};
use super::preflight::{self, Ready};
use super::show::{Notice, Show};
use super::snapshot::{Snapshot, State};
use super::tuning::Tuning;
use super::view::View;
use crate::audio::mixer;
use crate::capture::{Choice, Opener};
use crate::clock::{self, MonoTime};
use crate::doctor;
use crate::mediamtx::{ManagedServer, Need, ServerError, locate};
use crate::monitor::gpu::GpuWatch;
use crate::relay::hub::RelayFigures;
use crate::settings::{EncoderSettings, Secrets, Settings, Store, secrets};
use crate::stop::StopToken;
use crate::viewer::{PublicStatus, Viewer};
use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// From one look at everything to the next.
const TURN: Duration = Duration::from_millis(50);

/// How a session behaves.
#[derive(Clone)]
pub struct Options {
    /// How patient a show is.
    pub policy: Policy,
    /// Sources run only during a show (without a window there is no preview).
    pub sources_on_demand: bool,
    /// Opens picture sources; [`crate::capture::open`] unless a test brings its own.
    pub open_picture: Opener,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            sources_on_demand: false,
            open_picture: Arc::new(crate::capture::open),
        }
    }
}

/// A running session. Dropping it ends the show and every child.
pub struct Session {
    commands: Sender<Command>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    /// The last show's figures, also after its end.
    last_show: Mutex<RelayFigures>,
    pids: Mutex<Vec<(&'static str, u32)>>,
    failure: Mutex<Option<Failure>>,
    choices: Arc<Choices>,
}

impl Session {
    /// Starts the session's thread; the show waits for [`Command::GoLive`]. What the operator
    /// changes is kept in `store`, where there is one.
    ///
    /// # Errors
    /// Where the thread cannot be started.
    pub fn start(
        settings: Settings,
        secrets: Secrets,
        options: Options,
        journal: Journal,
        store: Option<Store>,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = bounded(64);
        let shared = Arc::new(Shared::default());
        let (answers_in, answers) = bounded(8);
        let sources_on_demand = options.sources_on_demand;
        let mut worker = Worker {
            shared: shared.clone(),
            machine: Machine::new(options.policy),
            options,
            view: View::new(),
            preview: PreviewOut::default(),
            journal,
            settings: settings.clone(),
            secrets,
            inputs: None,
            show: None,
            server: None,
            tuning: Tuning::default(),
            viewer: Viewer::default(),
            saved: settings,
            drops_before: 0,
            examiner: Examiner::default(),
            gpus: None,
            ends: StopToken::new(),
            store,
            answers_in,
            answers,
            looking: None,
            ready: None,
        };
        if !sources_on_demand {
            choices::spawn(&shared.choices)?;
            worker.gpus = Some(GpuWatch::start(&worker.ends)?);
            let (settings, ends) = (worker.settings.clone(), worker.ends.clone());
            std::thread::Builder::new()
                .name("pd-test-ahead".into())
                .spawn(move || preflight::test_ahead(&settings, &ends))?;
        }
        let thread = std::thread::Builder::new()
            .name("pd-session".into())
            .spawn(move || worker.run(&inbox))?;
        Ok(Self {
            commands,
            shared,
            thread: Some(thread),
        })
    }

    /// Figures of the show that runs or ran last.
    pub fn figures(&self) -> RelayFigures {
        self.shared
            .last_show
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Process ids of the children by role.
    pub fn pids(&self) -> Vec<(&'static str, u32)> {
        self.shared
            .pids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Why the last show failed or lost its receiver.
    pub fn failure(&self) -> Option<Failure> {
        self.shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the show and every child and waits for it, about two seconds at most.
    pub fn quit(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self
            .commands
            .send_timeout(Command::Quit, Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

impl Console for Session {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    fn send(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::error!("a command was lost: the session does not answer");
        }
    }

    fn inputs(&self) -> Vec<String> {
        self.shared.choices.ask();
        self.shared.choices.inputs()
    }

    fn pictures(&self) -> Vec<Choice> {
        self.shared.choices.ask();
        self.shared.choices.pictures()
    }
}

/// What comes back from the threads that may take long.
enum Answer {
    Preflight(Box<Result<Ready, Failure>>),
    Server(Box<Result<ManagedServer, ServerError>>),
}

struct Worker {
    shared: Arc<Shared>,
    options: Options,
    machine: Machine,
    view: View,
    preview: PreviewOut,
    journal: Journal,
    settings: Settings,
    secrets: Secrets,
    inputs: Option<Inputs>,
    show: Option<Show>,
    /// Kept from show to show.
    server: Option<ManagedServer>,
    tuning: Tuning,
    viewer: Viewer,
    /// The slot's count when the show began.
    drops_before: u64,
    examiner: Examiner,
    /// Where there is a window to show them in.
    gpus: Option<GpuWatch>,
    /// Of what ends with the session.
    ends: StopToken,
    store: Option<Store>,
    /// What the store holds.
    saved: Settings,
    answers_in: Sender<Answer>,
    answers: Receiver<Answer>,
    /// A preflight or server start under way.
    looking: Option<StopToken>,
    /// Preflight is through and the source has not shown a picture yet.
    ready: Option<(Ready, MonoTime)>,
}

/// A source must show its first picture within this time of preflight's end.
const FIRST_PICTURE: Duration = Duration::from_secs(3);

impl Worker {
    fn run(&mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(TURN) {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => self.command(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.turn();
        }
        self.ends.stop();
        self.event(Event::Stop);
        self.save();
        self.show = None;
        self.server = None;
        if let Some(inputs) = self.inputs.take() {
            inputs.end();
        }
        self.publish();
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::GoLive => self.event(Event::GoLive),
            Command::Stop => self.event(Event::Stop),
            Command::Dismiss => self.event(Event::Dismiss),
            Command::SetBitrate { kbps } => {
                let kbps = kbps.clamp(
                    crate::units::BITRATE_MIN_KBPS,
                    crate::units::BITRATE_MAX_KBPS,
                );
                self.settings.encoder.bitrate_kbps = kbps;
                self.tuning.moved(&self.settings, clock::now());
            }
            Command::SetMuted { muted } => {
                self.settings.audio.muted = muted;
                if let Some(show) = &self.show {
                    show.set_muted(muted);
                }
            }
            Command::SetInput {
                index,
                gain_db,
                muted,
                delay_ms,
            } => {
                if let Some(input) = self.settings.audio.inputs.get_mut(index) {
                    input.gain_db = mixer::gain_in_bounds(gain_db);
                    input.muted = muted;
                    input.delay_ms = delay_ms.min(mixer::DELAY_MAX_MS);
                }
            }
            Command::ApplySettings(settings) => self.apply(*settings),
            Command::SetSecrets {
                password,
                passphrase,
            } => {
                let given = |secret: Secret| secrets::secret(secret.expose());
                if let Some(password) = password {
                    self.secrets.password = given(password);
                }
                if let Some(passphrase) = passphrase {
                    self.secrets.passphrase = given(passphrase);
                }
            }
            Command::ChooseScreen => {
                if let Err(error) = crate::capture::forget_choice(self.settings.video.source) {
                    self.journal.warn(error);
                }
                if let Some(inputs) = &self.inputs {
                    inputs.reopen_picture();
                }
            }
            Command::SetPreview { on } => self.preview.on.store(on, Ordering::Relaxed),
            Command::Examine => self.examine(),
            // Taken by the loop.
            Command::Quit => {}
        }
    }

    fn apply(&mut self, settings: Settings) {
        let in_show = !matches!(self.machine.state(), State::Idle | State::Failed { .. });
        if in_show {
            // Bitrate and mute have commands of their own; the language is the window's. What is
            // captured may change and how it is encoded, and sound inputs come and go without a
            // disturbance; the target's part waits for the next show.
            self.settings.language = settings.language;
            self.settings.video = settings.video;
            self.settings.encoder = EncoderSettings {
                bitrate_kbps: self.settings.encoder.bitrate_kbps,
                ..settings.encoder
            };
            self.settings.audio.inputs = settings.audio.inputs;
            self.settings.preview = settings.preview;
            self.settings.viewer = settings.viewer;
            self.settings.performance = settings.performance;
            self.tuning.moved(&self.settings, clock::now());
            self.save();
            return;
        }
        self.settings = settings;
        self.save();
    }

    fn save(&mut self) {
        let Some(store) = self.store.as_mut().filter(|_| self.saved != self.settings) else {
            return;
        };
        match store.save(&self.settings) {
            Ok(()) => self.saved = self.settings.clone(),
            Err(error) => self.journal.warn(error.to_string()),
        }
    }

    fn turn(&mut self) {
        let now = clock::now();
        while let Ok(answer) = self.answers.try_recv() {
            self.answer(answer);
        }
        self.keep_inputs();
        self.begin_if_ready(now);
        self.poll_show(now);
        self.tune(now);
        self.viewer
            .follow(&self.settings.viewer, now, &self.journal);
        self.event(Event::Tick);
        self.publish();
    }

    /// Sources run while a show does, and before it where there is a window.
    fn keep_inputs(&mut self) {
        let idle = matches!(self.machine.state(), State::Idle | State::Failed { .. });
        let wanted = !(idle && self.options.sources_on_demand);
        if self.show.is_none() && wanted != self.inputs.is_some() {
            if let Some(inputs) = self.inputs.take() {
                inputs.end();
            }
            if wanted {
                self.start_inputs();
            }
        }
        if let Some(inputs) = &mut self.inputs {
            inputs.change_picture(&self.settings.video);
            if **self.preview.wish.load() != self.settings.preview {
                self.preview.wish.store(Arc::new(self.settings.preview));
            }
            if let Err(error) = inputs.set_sound(&self.settings.audio.inputs) {
                let text = format!("no thread for a sound input: {error}");
                self.journal.error(text);
            }
            inputs.tell_sound(&self.journal);
        }
    }

    fn start_inputs(&mut self) {
        match Inputs::start(
            &self.settings.video,
            &self.settings.audio,
            self.options.open_picture.clone(),
            &self.preview,
            &self.journal,
        ) {
            Ok(inputs) => self.inputs = Some(inputs),
            Err(error) => self
                .journal
                .error(format!("no thread for the sources: {error}")),
        }
    }

    fn event(&mut self, event: Event) {
        let now = clock::now();
        match self.machine.on(event, now) {
            None => {}
            Some(Effect::Preflight) => self.preflight(),
            // Begun by `begin_if_ready`, which has what it needs.
            Some(Effect::Start) => {}
            Some(Effect::StartPublisher) => self.start_publisher(),
            Some(Effect::EndPublisher) => {
                if let Some(show) = &mut self.show {
                    show.end_publisher();
                }
            }
            Some(Effect::EndAll) => {
                self.publish();
                self.end_all();
                self.event(Event::Stopped);
            }
        }
    }

    fn preflight(&mut self) {
        *self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        *self
            .shared
            .last_show
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = RelayFigures::default();
        self.view.reset();
        // Going live is a wish to try again what was refused or lost.
        if let Some(inputs) = &self.inputs
            && inputs.picture_status().problem.is_some()
        {
            inputs.reopen_picture();
        }
        let stop = StopToken::new();
        self.looking = Some(stop.clone());
        let (settings, secrets) = (self.settings.clone(), self.secrets.clone());
        let (journal, answers, server) = (
            self.journal.clone(),
            self.answers_in.clone(),
            self.server.take(),
        );
        let started = std::thread::Builder::new()
            .name("pd-preflight".into())
            .spawn(move || {
                let result = preflight::run(&settings, &secrets, server, &journal, &stop);
                // Where nobody wants it any more, what it opened ends here.
                if !stop.is_stopped() {
                    let _ = answers.try_send(Answer::Preflight(Box::new(result)));
                }
            });
        if let Err(error) = started {
            self.fail(Failure::new(FailureKind::Internal, error));
        }
    }

    fn answer(&mut self, answer: Answer) {
        let wanted = self.looking.take().is_some_and(|stop| !stop.is_stopped());
        match answer {
            Answer::Preflight(result) => match *result {
                Ok(ready) if wanted => self.ready = Some((ready, clock::now())),
                Ok(_) => {}
                Err(failure) => self.fail(failure),
            },
            Answer::Server(result) => match (*result, &mut self.show) {
                (Ok(server), Some(show)) => {
                    show.replace_server(server);
                    self.start_publisher();
                }
                (Ok(_), None) => {}
                (Err(error), _) => self.lost(&Failure::new(FailureKind::Server, error), false),
            },
        }
    }

    fn begin_if_ready(&mut self, now: MonoTime) {
        let Some((_, since)) = &self.ready else {
            return;
        };
        let Some(inputs) = &self.inputs else { return };
        if inputs.slot.put_count() == 0 {
            let status = inputs.picture_status();
            // The operator chooses in the desktop's dialog: Stop ends the wait.
            if status.asks.is_some() {
                return;
            }
            let problem = status.problem;
            if problem.is_some() || now.since(*since) > FIRST_PICTURE {
                let message = problem.unwrap_or_else(|| {
                    "the picture source shows nothing. Choose another source".into()
                });
                self.ready = None;
                self.fail(Failure::new(FailureKind::Source, message));
            }
            return;
        }
        let Some((ready, _)) = self.ready.take() else {
            return;
        };
        let wish = self.tuning.begin(&self.settings);
        self.drops_before = inputs.slot.overwritten();
        match Show::start(&self.settings, wish, ready, inputs, &self.journal) {
            Ok(show) => {
                self.show = Some(show);
                self.event(Event::PreflightDone);
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn poll_show(&mut self, now: MonoTime) {
        let notices = self
            .show
            .as_mut()
            .map(|show| show.poll(now))
            .unwrap_or_default();
        for notice in notices {
            match notice {
                Notice::Confirmed(confirmation) => {
                    let before = self.machine.state().clone();
                    self.event(Event::Confirmed(confirmation));
                    if before != State::Live && self.machine.state() == &State::Live {
                        self.journal.info("LIVE: the receiver has the stream");
                        if let Some(show) = &self.show {
                            show.relay().live(now);
                        }
                    }
                }
                Notice::PublisherLost { failure, hopeless } => self.lost(&failure, hopeless),
                Notice::Fatal(failure) => self.fail(failure),
            }
        }
    }

    fn lost(&mut self, failure: &Failure, hopeless: bool) {
        self.remember(failure);
        self.event(Event::PublisherLost {
            message: failure.message.clone(),
            hopeless,
        });
    }

    fn fail(&mut self, failure: Failure) {
        self.remember(&failure);
        self.journal.error(failure.message.clone());
        if self.machine.state() == &State::Preflight {
            self.event(Event::PreflightFailed(failure.message));
        } else {
            self.event(Event::Fatal(failure.message));
        }
    }

    fn remember(&self, failure: &Failure) {
        *self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
    }

    fn start_publisher(&mut self) {
        let (Some(show), Some(inputs)) = (&mut self.show, &self.inputs) else {
            return;
        };
        if show.dead_server() {
            self.restart_server();
            return;
        }
        if let Err(failure) = show.start_publisher(inputs) {
            self.lost(&failure, false);
        }
    }

    fn restart_server(&mut self) {
        if self.looking.is_some() {
            return;
        }
        self.journal
            .warn("the managed MediaMTX has ended and is started again");
        let stop = StopToken::new();
        self.looking = Some(stop.clone());
        let (answers, log) = (self.answers_in.clone(), self.journal.clone());
        let path = self.settings.mediamtx_path.clone();
        let need = Need::of(&self.settings);
        let started = std::thread::Builder::new()
            .name("pd-server-start".into())
            .spawn(move || {
                let Ok(bin) = locate::locate(path.as_deref()) else {
                    return;
                };
                let on_log =
                    Arc::new(move |severity, line| log.add(severity, format!("MediaMTX: {line}")));
                let result = ManagedServer::start(&bin, &need, &stop, on_log);
                if !stop.is_stopped() {
                    let _ = answers.try_send(Answer::Server(Box::new(result)));
                }
            });
        if let Err(error) = started {
            self.fail(Failure::new(FailureKind::Internal, error));
        }
    }

    fn end_all(&mut self) {
        if let Some(stop) = self.looking.take() {
            stop.stop();
        }
        if let Some((ready, _)) = self.ready.take()
            && let preflight::Destination::Managed(server) = ready.destination
        {
            self.server = Some(server);
        }
        if let Some(show) = self.show.take() {
            let figures = show.relay().figures(clock::now(), self.capture_drops());
            *self
                .shared
                .last_show
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = figures;
            self.server = show.end(self.inputs.as_ref());
            self.journal.info("the show has ended");
        }
    }

    fn examine(&mut self) {
        let idle = matches!(self.machine.state(), State::Idle | State::Failed { .. });
        let now = doctor::Now {
            live: !idle,
            picture: self.inputs.as_ref().map(Inputs::picture_status),
            sounds: self.inputs.as_ref().map(Inputs::sound_statuses),
        };
        if let Err(error) = self.examiner.begin(&self.settings, &self.secrets, now) {
            self.journal
                .error(format!("no thread to look at everything: {error}"));
        }
    }

    fn tune(&mut self, now: MonoTime) {
        let Some(show) = &mut self.show else { return };
        self.tuning.turn(show, &self.settings, &self.journal, now);
        for mark in show.encoders().take_marks() {
            self.view.mark(mark);
        }
    }

    /// Since the show began: before, the preview takes fewer pictures than the source makes.
    fn capture_drops(&self) -> u64 {
        let all = self
            .inputs
            .as_ref()
            .map_or(0, |inputs| inputs.slot.overwritten());
        all.saturating_sub(self.drops_before)
    }

    fn publish(&mut self) {
        let now = clock::now();
        let drops = self.capture_drops();
        if let Some(show) = &mut self.show {
            let figures = show.relay().figures(now, drops);
            *self
                .shared
                .pids
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = show.pids();
            *self
                .shared
                .last_show
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = figures;
        }
        let figures = self
            .shared
            .last_show
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut snapshot = self.view.make(super::view::Sources {
            now,
            machine: &self.machine,
            settings: &self.settings,
            figures: &figures,
            show: self.show.as_ref(),
            inputs: self.inputs.as_ref(),
            pending: self.tuning.pending(),
            lowered: self.tuning.lowered(),
            adaptive: self.tuning.adaptive(),
            gpus: self.gpus.as_ref().and_then(GpuWatch::newest),
            doctor: self.examiner.status(),
            preview: &self.preview,
            journal: &self.journal,
        });
        // The page's viewers stay on the managed server from show to show.
        let whep_url = self.show.as_ref().map_or_else(
            || {
                let path = &self.settings.target.path;
                self.server.as_ref().map(|server| server.whep_url(path))
            },
            Show::whep_url,
        );
        self.viewer.show(whep_url, PublicStatus::of(&snapshot));
        snapshot.viewer = self.viewer.status().clone();
        self.shared.snapshot.store(Arc::new(snapshot));
    }
}
