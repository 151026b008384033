//! A running show: relay, encoders, and its ways out: the programme's and the backups'.
//!
//! Runs on the session's thread; nothing here waits longer than starting a process takes. Ending
//! runs in parallel, so that Stop takes the slowest child's time and not the sum.

use super::backup::Backup;
use super::encoders::{self, Encoders};
use super::failure::{Failure, FailureKind};
use super::hands::{Hands, Real};
use super::inputs::Inputs;
use super::journal::Journal;
use super::link::{LossKind, Role};
use super::outlet::{self, Outlet};
use super::preflight::Ready;
use super::pump::PumpControl;
use super::snapshot::{BackupStatus, Confirmation, EncoderStatus};
use crate::audio::Mixer;
use crate::clock::MonoTime;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::EncoderWish;
use crate::mediamtx::ManagedServer;
use crate::relay::encode_meter::EncodeFigures;
use crate::relay::{Relay, RelayEvent};
use crate::settings::{Secrets, Settings};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// From closing a child's inputs to TERM, and from there to kill.
pub(super) const GRACE: Duration = Duration::from_millis(400);

/// A show.
pub struct Show {
    relay: Arc<Relay>,
    relay_events: crossbeam_channel::Receiver<RelayEvent>,
    encoders: Encoders,
    outlet: Outlet,
    backups: Vec<Backup>,
    muted: Arc<AtomicBool>,
}

/// What a show works with.
pub struct Means {
    /// Where the pump is told of it.
    pub control: PumpControl,
    /// The sound.
    pub sound: Mixer,
    /// For what the operator must read.
    pub journal: Journal,
    /// Starts encoders.
    pub start: Arc<encoders::StartFn>,
    /// Reaches out to the receivers.
    pub hands: Arc<dyn Hands>,
}

impl Means {
    /// Children, threads and sockets, with these sources.
    pub fn of(inputs: &Inputs, journal: &Journal) -> Self {
        Self {
            control: inputs.control.clone(),
            sound: inputs.mixer.clone(),
            journal: journal.clone(),
            start: Arc::new(encoders::start_child),
            hands: Arc::new(Real),
        }
    }
}

/// What the show noticed since it was last asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Notice {
    /// The receiver has the stream.
    Confirmed(Confirmation),
    /// Publisher or connection lost.
    PublisherLost {
        /// For the operator.
        failure: Failure,
        /// What is to follow.
        kind: LossKind,
        /// When the receiver last had the stream.
        last_good: Option<MonoTime>,
    },
    /// A publisher that had to wait has been started.
    Started,
    /// Whether the receiver's door is open, each time that this changes.
    Knocked(bool),
    /// Nobody else has the path, as far as anybody can say.
    PathFree,
    /// Cannot go on.
    Fatal(Failure),
}

impl Show {
    /// Starts encoder and publishers; `secrets` are for the backups. `wish` leaves the encoder to
    /// the lineup.
    ///
    /// # Errors
    /// Where a child cannot be started.
    pub fn start(
        settings: &Settings,
        wish: EncoderWish,
        ready: Ready,
        secrets: &Secrets,
        means: Means,
        now: MonoTime,
    ) -> Result<Self, Failure> {
        let Means {
            control,
            sound,
            journal,
            start,
            hands,
        } = means;
        let (relay, relay_events) = Relay::new();
        let fed = control.clone();
        control.begin(relay.clone(), wish.fps);
        let means = encoders::Means {
            ffmpeg: ready.ffmpeg.clone(),
            start,
            lineup: ready.lineup,
            relay: relay.clone(),
            control,
            journal: journal.clone(),
            launch: Launch::of(&settings.performance),
        };
        let encoders = Encoders::start(means, wish, now).map_err(|e| {
            // A show that did not begin is not fed.
            fed.end();
            Failure::new(FailureKind::Ffmpeg, e)
        })?;
        let muted = Arc::new(AtomicBool::new(settings.audio.muted));
        let means = outlet::Means {
            hands,
            settings: settings.clone(),
            role: Role::Programme,
            ffmpeg: ready.ffmpeg,
            journal,
            relay: relay.clone(),
            sound,
            muted: muted.clone(),
        };
        let backups = settings.backup_as_target().map(|settings| {
            let means = outlet::Means {
                settings,
                role: Role::Backup,
                ..means.clone()
            };
            let seed = fastrand::u64(..);
            Backup::start(means, secrets.of_backup(), seed, now)
        });
        let mut show = Self {
            relay,
            relay_events,
            encoders,
            outlet: Outlet::new(means, ready.destination, now),
            backups: backups.into_iter().collect(),
            muted,
        };
        if let Err(failure) = show.outlet.start(now) {
            show.end(Some(&fed));
            return Err(failure);
        }
        Ok(show)
    }

    /// Ends everything; gives back a managed server for the next show.
    pub fn end(mut self, control: Option<&PumpControl>) -> Option<ManagedServer> {
        if let Some(control) = control {
            control.end();
        }
        let encoders = self.encoders.take_all();
        for encoder in &encoders {
            encoder.close();
        }
        std::thread::scope(|scope| {
            for encoder in encoders {
                scope.spawn(move || encoder.end(GRACE));
            }
            for backup in self.backups.drain(..) {
                scope.spawn(move || backup.end());
            }
            self.outlet.into_server()
        })
    }

    /// Looks at every child and the server; what was noticed, in order.
    pub fn poll(&mut self, now: MonoTime) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Ok(event) = self.relay_events.try_recv() {
            if let Err(why) = self.encoders.on(event, now) {
                let message = format!(
                    "no encoder can be kept running: {why}. Choose a smaller picture or another encoder"
                );
                notices.push(Notice::Fatal(Failure::new(FailureKind::Ffmpeg, message)));
            }
        }
        self.encoders.look(now);
        for backup in &mut self.backups {
            backup.turn(now);
        }
        notices.extend(self.outlet.poll(now));
        notices
    }

    /// The backups as the operator sees them.
    pub fn backups(&self, now: MonoTime) -> Vec<BackupStatus> {
        let backups = self.backups.iter();
        backups.map(|backup| backup.status(now)).collect()
    }

    /// The machine slept: every backup connects anew.
    pub fn restart_backups(&mut self, failure: &Failure, now: MonoTime) {
        for backup in &mut self.backups {
            backup.restart(failure, now);
        }
    }

    /// The programme's way out.
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// The same, to be started or ended.
    pub fn outlet_mut(&mut self) -> &mut Outlet {
        &mut self.outlet
    }

    /// The relay, for its figures and further sinks.
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// The encoders.
    pub fn encoders(&mut self) -> &mut Encoders {
        &mut self.encoders
    }

    /// What is in force, and what is being changed to.
    pub fn in_force(&self) -> (EncoderWish, Option<EncoderWish>) {
        let changing_to = self.encoders.changing_to().copied();
        (*self.encoders.in_force(), changing_to)
    }

    /// The encoder as the operator sees it, as far as the show knows it.
    pub fn encoder_status(&self, figures: &EncodeFigures) -> EncoderStatus {
        let wish = *self.encoders.in_force();
        let pick = self.encoders.pick();
        EncoderStatus {
            wish: Some(wish),
            name: crate::ffmpeg::encoder::row(wish.family).name.to_owned(),
            options: self.encoders.options().to_owned(),
            why: pick.why.clone(),
            fallback: pick.fallback.clone(),
            lost: self.encoders.lost().map(Into::into),
            changing_to: self.encoders.changing_to().copied(),
            encode: figures.recent,
            late: figures.late,
            key_frames: figures.key_frames,
            ..EncoderStatus::default()
        }
    }

    /// Sends silence, or the sound again.
    pub fn set_muted(&self, muted: bool) {
        self.muted
            .store(muted, std::sync::atomic::Ordering::Relaxed);
    }

    /// Process ids by role, for the load table.
    pub fn pids(&mut self) -> Vec<(&'static str, u32)> {
        let encoders = self.encoders.pids().into_iter();
        let mut pids: Vec<_> = encoders.map(|pid| ("encoder", pid)).collect();
        pids.extend(self.outlet.pids());
        pids.extend(self.backups.iter_mut().flat_map(Backup::pids));
        pids
    }
}
