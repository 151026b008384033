//! A session as others hold it: started, given commands, asked for its newest snapshot, ended. Its
//! thread is `super::worker`'s.

use super::Console;
use super::choices::Choices;
use super::command::Command;
use super::failure::Failure;
use super::inputs::PreviewOut;
use super::journal::Journal;
use super::machine::Policy;
use super::snapshot::Snapshot;
use super::worker::Worker;
use crate::capture::{Choice, Opener};
use crate::clock;
use crate::latency::trace::{FrameRow, Tracer};
use crate::relay::Relay;
use crate::relay::hub::RelayFigures;
use crate::settings::{Secrets, Settings, Store};
use arc_swap::{ArcSwap, ArcSwapOption};
use crossbeam_channel::{Sender, bounded};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How a session behaves.
#[derive(Clone)]
pub struct Options {
    /// How patient a show is.
    pub policy: Policy,
    /// Sources run only during a show (without a window there is no preview).
    pub sources_on_demand: bool,
    /// Opens picture sources; [`crate::capture::open`] unless a test brings its own.
    pub open_picture: Opener,
    /// There was no settings file: the window asks to set the console up.
    pub first_run: bool,
    /// How much of a show's beginning, from LIVE on, the whole show's figures leave out: a measurement's
    /// is not of the start.
    pub settle: Duration,
    /// Where the key of the viewers' page is kept.
    pub viewer_key: crate::viewer::key::Keeper,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            sources_on_demand: false,
            open_picture: Arc::new(crate::capture::open),
            first_run: false,
            settle: Duration::ZERO,
            viewer_key: Default::default(),
        }
    }
}

/// A running session. Dropping it ends the show and every child.
pub struct Session {
    outside: Arc<Outside>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A session's snapshot and inbox, without the power to end it: what the remote control has.
pub(super) struct Outside {
    /// With the count of those sent, so that numbers are in the inbox's order.
    commands: Mutex<(Sender<Command>, u64)>,
    shared: Arc<Shared>,
}

impl Outside {
    fn send(&self, command: Command) -> Option<u64> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, sent) = &mut *commands;
        if sender.try_send(command).is_err() {
            tracing::error!("a command was lost: the session does not answer");
            return None;
        }
        *sent += 1;
        Some(*sent)
    }
}

impl Console for Outside {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    fn send(&self, command: Command) {
        self.send(command);
    }

    fn send_counted(&self, command: Command) -> Option<u64> {
        self.send(command)
    }

    fn glance(&self) {
        self.shared.preview.glance(clock::now());
    }

    fn pids(&self) -> Vec<(&'static str, u32)> {
        self.shared
            .pids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What the session's thread shows to others.
#[derive(Default)]
pub(super) struct Shared {
    pub snapshot: ArcSwap<Snapshot>,
    /// The last show's figures, also after its end.
    pub last_show: Mutex<RelayFigures>,
    /// The relay of the show that runs or ran last.
    pub relay: ArcSwapOption<Relay>,
    pub pids: Mutex<Vec<(&'static str, u32)>>,
    pub failure: Mutex<Option<Failure>>,
    pub choices: Arc<Choices>,
    pub preview: PreviewOut,
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
        let outside = Arc::new(Outside {
            commands: Mutex::new((commands, 0)),
            shared: shared.clone(),
        });
        let worker = Worker::new(
            shared.clone(),
            outside.clone(),
            settings,
            secrets,
            options,
            journal,
            store,
        )?;
        let thread = std::thread::Builder::new()
            .name("pd-session".into())
            .spawn(move || worker.run(&inbox))?;
        Ok(Self {
            outside,
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

    /// Frames of the show that runs or ran last, one by one: those that `tracer` has not given out
    /// and whose way is through, or with `all` the rest. To be asked for at least each second.
    pub fn trace(&self, tracer: &mut Tracer, all: bool) -> Vec<FrameRow> {
        let relay = self.shared.relay.load();
        relay
            .as_ref()
            .map(|relay| relay.trace(tracer, clock::now(), all))
            .unwrap_or_default()
    }

    /// Process ids of the children by role.
    pub fn pids(&self) -> Vec<(&'static str, u32)> {
        Console::pids(&*self.outside)
    }

    /// Why the last show failed or lost its receiver.
    pub fn failure(&self) -> Option<Failure> {
        self.shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the show and every child and waits for it, about two seconds at most; the last snapshot.
    pub fn quit(mut self) -> Arc<Snapshot> {
        self.end();
        self.snapshot()
    }

    fn end(&mut self) {
        let sender = {
            let commands = &self.outside.commands;
            let commands = commands.lock().unwrap_or_else(PoisonError::into_inner);
            commands.0.clone()
        };
        let _ = sender.send_timeout(Command::Quit, Duration::from_secs(1));
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
        self.outside.send(command);
    }

    fn send_counted(&self, command: Command) -> Option<u64> {
        self.outside.send(command)
    }

    fn glance(&self) {
        self.outside.glance();
    }

    fn pids(&self) -> Vec<(&'static str, u32)> {
        Console::pids(&*self.outside)
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
