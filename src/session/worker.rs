//! The session's thread: takes commands, feeds the state machine, carries out its effects, makes
//! the snapshot.
//!
//! Is `pd-session`, which turns 20 times a second or as soon as a command comes; what can take
//! long (preflight, starting a server) runs on threads of its own whose answers come back here.
//! Under pressure it makes fewer snapshots. Commands that nobody takes for 64 commands are refused.

mod course;
mod fetched;
mod look;
mod profiles;

use super::ahead::{Ahead, Aim, LookAhead};
use super::choices;
use super::command::{Command, Secret};
use super::examine::Examiner;
use super::failure::{Failure, FailureKind};
use super::inputs::{Inputs, PreviewOut};
use super::install::{Installer, Program};
use super::journal::Journal;
use super::keep_meter;
use super::last_state;
use super::live_settings;
use super::machine::{Effect, Event, Machine};
use super::notices::{self, Facts, Notices};
use super::outlet::Outlet;
use super::passage::Passages;
use super::preflight::{self, Ready};
use super::profiles::{Keeper, SecretsOf};
use super::runtime::{Options, Outside, Shared};
use super::show::Show;
use super::sleep::SleepWatch;
use super::snapshot::{Snapshot, State};
use super::steps::Board;
use super::tuning::Tuning;
use super::updates::Updates;
use super::view::View;
use crate::audio::mixer;
use crate::clock::{self, MonoTime};
use crate::crash::{facts, masks, provoke};
use crate::doctor;
use crate::mediamtx::ManagedServer;
use crate::monitor::cpu::CpuMeter;
use crate::monitor::gpu::GpuWatch;
use crate::panics::text_of;
use crate::record::Recorder;
use crate::remote::Remote;
use crate::settings::{Secrets, Settings, Store, secrets};
use crate::stop::StopToken;
use crate::viewer::{PublicStatus, Viewer};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use secrecy::SecretString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// From one look at everything to the next.
const TURN: Duration = Duration::from_millis(50);

/// So many turns that fail one after another, two seconds, are no accident.
const FAILED_TURNS: u32 = 40;
/// What to do about a fault of the console's own.
const REPORT_IT: &str = "Copy the diagnostics and report it.";

/// What comes back from the threads that may take long.
enum Answer {
    Preflight(Result<Box<Ready>, Box<preflight::Missed>>),
    File(profiles::FileDone),
}

/// The session's thread's own.
pub(super) struct Worker {
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
    /// What was said of the running show.
    passages: Passages,
    notices: Notices,
    cpu: CpuMeter,
    recorder: Recorder,
    /// Kept from show to show.
    server: Option<ManagedServer>,
    tuning: Tuning,
    viewer: Viewer,
    remote: Remote,
    /// Commands taken so far.
    taken: u64,
    /// The slot's count when the show began.
    drops_before: u64,
    examiner: Examiner,
    installer: Installer,
    /// Where there is a window to tell of them in.
    updates: Updates,
    ffmpeg_installer: Installer,
    /// Nobody has set this console up yet.
    first_run: bool,
    /// Where there is a window to show them in.
    gpus: Option<GpuWatch>,
    /// The same.
    ahead: Option<LookAhead>,
    /// Counts changes of the secrets.
    secrets_changed: u64,
    /// Of what ends with the session.
    ends: StopToken,
    store: Option<Store>,
    /// What the store holds.
    saved: Settings,
    profiles: Keeper,
    secrets_of: SecretsOf,
    answers_in: Sender<Answer>,
    answers: Receiver<Answer>,
    /// A preflight under way.
    looking: Option<StopToken>,
    /// Its steps.
    board: Board,
    /// A preflight that failed, while the rest is still being looked at.
    failing: Option<(Failure, MonoTime)>,
    /// Preflight is through and the source has not shown a picture yet.
    ready: Option<(Box<Ready>, MonoTime)>,
    sleep: SleepWatch,
    /// What was said last of why the programme is lost.
    said: String,
    /// The operator wants whoever has the path thrown out.
    takes_over: bool,
    /// What the last panic of this thread said.
    failed_with: String,
}

impl Worker {
    /// What the thread begins with; starts what runs beside it.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn new(
        shared: Arc<Shared>,
        outside: Arc<Outside>,
        settings: Settings,
        secrets: Secrets,
        options: Options,
        journal: Journal,
        store: Option<Store>,
    ) -> std::io::Result<Self> {
        masks::hide_all(&secrets);
        let first_run = options.first_run;
        let (answers_in, answers) = bounded(8);
        let file = store.as_ref().and_then(Store::path);
        let profiles = Keeper::beside(file, &settings.profile);
        let preview = shared.preview.clone();
        let mut worker = Self {
            shared,
            machine: Machine::new(options.policy, fastrand::u64(..)),
            viewer: Viewer::new(options.viewer_key.clone()),
            options,
            view: View::new(),
            preview,
            journal,
            saved: settings.clone(),
            settings,
            remote: Remote::new(outside, &secrets),
            taken: 0,
            secrets,
            inputs: None,
            show: None,
            passages: Passages::default(),
            notices: Notices::default(),
            cpu: CpuMeter::default(),
            recorder: Recorder::default(),
            server: None,
            tuning: Tuning::default(),
            drops_before: 0,
            examiner: Examiner::default(),
            updates: Updates::default(),
            installer: Installer::new(Program::MediaMtx),
            ffmpeg_installer: Installer::new(Program::Ffmpeg),
            first_run,
            gpus: None,
            ahead: None,
            secrets_changed: 0,
            profiles,
            secrets_of: SecretsOf::default(),
            ends: StopToken::new(),
            store,
            answers_in,
            answers,
            looking: None,
            board: Board::default(),
            failing: None,
            ready: None,
            sleep: SleepWatch::default(),
            said: String::new(),
            takes_over: false,
            failed_with: String::new(),
        };
        if !worker.options.sources_on_demand {
            worker.updates = Updates::of_this_build(&worker.journal);
            choices::spawn(&worker.shared.choices)?;
            worker.gpus = Some(GpuWatch::start(&worker.ends)?);
            worker.ahead = Some(LookAhead::start(&worker.ends)?);
            let (settings, ends) = (worker.settings.clone(), worker.ends.clone());
            std::thread::Builder::new()
                .name("pd-test-ahead".into())
                .spawn(move || preflight::test_ahead(&settings, &ends))?;
        }
        Ok(worker)
    }

    /// Until the end of the session.
    pub fn run(mut self, commands: &Receiver<Command>) {
        let mut failed = 0;
        loop {
            match commands.recv_timeout(TURN) {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => {
                    let _ = self.guarded(|worker| worker.command(command));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            failed = match self.guarded(Self::turn) {
                Ok(()) => 0,
                Err(_) if failed < FAILED_TURNS => failed + 1,
                // Nobody would see the truth any more: the show ends, and says why.
                Err(why) => {
                    let text =
                        format!("the session failed inside again and again ({why}). {REPORT_IT}");
                    let _ = self.guarded(|worker| worker.event(Event::Fatal(text)));
                    let _ = self.guarded(Self::publish);
                    0
                }
            };
        }
        self.ends.stop();
        self.remote.exit();
        self.event(Event::Stop);
        self.save();
        self.show = None;
        self.server = None;
        if let Some(inputs) = self.inputs.take() {
            inputs.end();
        }
        self.publish();
    }

    /// Does `work`; a panic in it is told and ends nothing: what runs a show are threads of their own.
    ///
    /// # Errors
    /// What the panic said.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| work(self))).map_err(|panic| {
            let why = text_of(&*panic).to_owned();
            if self.failed_with != why {
                self.journal.error(format!(
                    "the session failed inside ({why}) and goes on. {REPORT_IT}"
                ));
                self.failed_with.clone_from(&why);
            }
            why
        })
    }

    fn command(&mut self, command: Command) {
        self.taken += 1;
        match command {
            Command::GoLive => {
                self.takes_over = false;
                self.event(Event::GoLive);
            }
            Command::TakeOver => {
                self.takes_over = true;
                self.event(Event::GoLive);
            }
            Command::Stop => self.event(Event::Stop),
            Command::Dismiss => {
                self.event(Event::Dismiss);
                if self.machine.state() == &State::Idle {
                    self.board.clear();
                }
            }
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
                self.recorder.set_muted(muted);
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
                self.secrets_changed += 1;
                take(password, &mut self.secrets.password);
                take(passphrase, &mut self.secrets.passphrase);
            }
            Command::SetBackupSecrets {
                password,
                passphrase,
            } => {
                take(password, &mut self.secrets.backup_password);
                take(passphrase, &mut self.secrets.backup_passphrase);
            }
            Command::ChooseScreen => {
                if let Err(error) = crate::capture::forget_choice(self.settings.video.source) {
                    self.journal.warn(error);
                }
                if let Some(inputs) = &self.inputs {
                    inputs.reopen_picture();
                }
            }
            Command::KickViewer { id } => self.kick(&id),
            Command::FastestWay => self.other_connection(Outlet::fastest_again),
            Command::Reconnect => self.other_connection(Outlet::connect_again),
            Command::SetPreview { on } => self.preview.on.store(on, Ordering::Relaxed),
            Command::Examine => self.examine(),
            Command::StartRecording => self.recorder.record(&self.settings),
            Command::StopRecording => self.recorder.stop(),
            Command::SaveReplay => self.recorder.save_replay(&self.settings),
            Command::SaveMeter => {
                let (snapshot, relay) = (self.shared.snapshot.load(), self.shared.relay.load());
                keep_meter::keep(&snapshot, relay.as_deref(), clock::now(), &self.journal);
            }
            Command::SaveProfile { name } => self.save_profile(&name),
            Command::UseProfile { name } => self.use_profile(&name),
            Command::RenameProfile { from, to } => self.rename_profile(&from, &to),
            Command::DeleteProfile { name } => self.delete_profile(&name),
            Command::UndoProfile => self.undo_profile(),
            Command::LookAtProfiles => self.look_at_profiles(),
            Command::ExportProfile { name, path } => self.export_profile(&name, path),
            Command::ImportProfile { path } => self.import_profile(path),
            Command::InstallServer => self.installer.begin(),
            Command::StopInstall => self.installer.stop(),
            Command::PutUpdateAway => self.updates.put_away(),
            Command::InstallFfmpeg => self.ffmpeg_installer.begin(),
            Command::StopFfmpegInstall => self.ffmpeg_installer.stop(),
            Command::SetUp => self.set_up(),
            Command::UseServer { label } => self.use_server(&label),
            Command::ForgetServers => self.forget_servers(),
            Command::NewRemotePassword => self.remote.renew(&self.journal),
            // Taken by the loop.
            Command::Quit => {}
        }
    }

    fn apply(&mut self, mut settings: Settings) {
        // The session's own, which the sender may know of old.
        settings.profile.clone_from(&self.settings.profile);
        settings.servers.clone_from(&self.settings.servers);
        let in_show = self.in_show();
        match live_settings::taken(&self.settings, settings, in_show) {
            Ok(settings) => self.settings = settings,
            Err(why) => return self.journal.warn(why),
        }
        if in_show {
            self.tuning.moved(&self.settings, clock::now());
        }
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
        provoke::point("pd-session");
        let now = clock::now();
        while let Ok(answer) = self.answers.try_recv() {
            self.answer(answer);
        }
        self.keep_inputs();
        self.look_at_sources(now);
        self.look_at_install();
        self.fail_if_looked(now);
        self.begin_if_ready(now);
        self.look_for_sleep(now);
        if let Some(show) = &mut self.show {
            show.outlet_mut().set_probe(self.settings.probe.on);
        }
        self.poll_show(now);
        self.tune(now);
        let at_rest = self.machine.state().is_at_rest();
        self.updates.turn(self.settings.updates.check, at_rest, now);
        self.viewer
            .follow(&self.settings.viewer, now, &self.journal);
        self.remote
            .follow(&self.settings.remote, now, &self.journal);
        self.event(Event::Tick);
        self.publish();
    }

    /// Sources run while a show does, and before it where there is a window.
    fn keep_inputs(&mut self) {
        let idle = self.machine.state().is_at_rest();
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
                    show.outlet_mut().end();
                }
            }
            Some(Effect::EndAll) => {
                self.publish();
                self.end_all();
                self.event(Event::Stopped);
                self.close_board(now);
            }
        }
    }

    /// The last failure was that another has the path.
    fn failed_of_taken(&self) -> bool {
        let failure = self.shared.failure.lock();
        let failure = failure.unwrap_or_else(PoisonError::into_inner);
        failure
            .as_ref()
            .is_some_and(|failure| failure.kind == FailureKind::Taken)
    }

    fn examine(&mut self) {
        let idle = self.machine.state().is_at_rest();
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

    fn set_up(&mut self) {
        self.first_run = false;
        if let Some(store) = &mut self.store
            && let Err(error) = store.save(&self.settings)
        {
            self.journal.warn(error.to_string());
        } else {
            self.saved = self.settings.clone();
        }
    }

    fn tune(&mut self, now: MonoTime) {
        let Some(show) = &mut self.show else { return };
        let seen = (show.relay().drops(), show.outlet().network_now(now));
        let encoders = show.encoders();
        self.tuning
            .turn(encoders, seen, &self.settings, &self.journal, now);
        for mark in show.encoders().take_marks() {
            self.view.mark(mark);
        }
    }

    /// Has the server looked at that the settings aim at; the newest answer.
    fn look_ahead(&self) -> Arc<Ahead> {
        let Some(look) = &self.ahead else {
            return Arc::default();
        };
        let managed = match &self.show {
            Some(show) => show.outlet().server(),
            None => self.server.as_ref(),
        };
        let aim = Aim::of(&self.settings, managed, self.secrets_changed);
        look.aim(aim, &self.secrets);
        look.newest()
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
            self.shared.relay.store(Some(show.relay().clone()));
            self.passages.tell(&figures, &self.journal);
            let mut pids = show.pids();
            pids.extend(self.recorder.pids());
            *self
                .shared
                .pids
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = pids;
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
        let ahead = self.look_ahead();
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
            recording: self.recorder.status(),
            ahead: &ahead,
            preview: &self.preview,
            journal: &self.journal,
        });
        // The page's viewers stay on the managed server from show to show.
        let whep_url = self.show.as_ref().map_or_else(
            || {
                let path = &self.settings.target.path;
                self.server.as_ref().map(|server| server.whep_url(path))
            },
            |show| show.outlet().whep_url(),
        );
        let times = self
            .show
            .as_ref()
            .map(|show| show.relay().rtp_times().clone());
        self.viewer
            .show(whep_url, PublicStatus::of(&snapshot), times);
        snapshot.viewer = self.viewer.status().clone();
        snapshot.first_run = self.first_run;
        snapshot.can_take_over =
            matches!(snapshot.state, State::Failed { .. }) && self.failed_of_taken();
        snapshot.install = self.installer.status();
        snapshot.can_ask_for_updates = self.updates.can_ask();
        snapshot.update = self.updates.told(self.settings.updates.check);
        snapshot.ffmpeg_install = self.ffmpeg_installer.status();
        snapshot.preflight = self.board.all();
        snapshot.profiles = self.profiles.status(&self.settings);
        snapshot.remote = self.remote.status();
        snapshot.commands = self.taken;
        snapshot.eyes = self.viewer.eyes(now);
        self.look_for_trouble(&mut snapshot, now);
        facts::settings(&self.settings);
        if let Some(gpus) = snapshot.gpus.as_deref() {
            let names: Vec<&str> = gpus.iter().map(|gpu| gpu.name.as_str()).collect();
            facts::version("graphics", names.join(", "));
        }
        facts::state(&last_state::words(&snapshot));
        self.shared.snapshot.store(Arc::new(snapshot));
    }

    /// What the operator must hear of, out of all the rest.
    fn look_for_trouble(&mut self, snapshot: &mut Snapshot, now: MonoTime) {
        let brightest = self.inputs.as_ref().and_then(|i| i.control.brightest());
        snapshot.cpu_percent = self.cpu.percent(now);
        let arriving = self.notices.arriving(snapshot, now);
        let facts = Facts::of(snapshot, arriving, brightest, snapshot.cpu_percent);
        for (severity, text) in self.notices.look(&facts, &self.settings.notify, now) {
            self.journal.add(severity, text);
        }
        snapshot.tally = notices::tally(snapshot, arriving);
        snapshot.notices = self.notices.list();
    }
}

/// A secret that was typed; None where it was not.
fn take(typed: Option<Secret>, into: &mut Option<SecretString>) {
    if let Some(typed) = typed {
        masks::hide(typed.expose());
        *into = secrets::secret(typed.expose());
    }
}
