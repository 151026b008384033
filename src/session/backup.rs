//! A second receiver of the same show: its own publisher, watch and reconnects, on the session's
//! thread; what can take long (its name's look-up, a server's start) runs on `pd-backup`.
//!
//! It takes the same access units as the programme and never disturbs it: a receiver that is not
//! there is a warning, and is tried on for ever; one that refuses is told once and tried seldom.
//! What it drops is counted for it alone.

use super::failure::Failure;
use super::link::{Link, Loss, LossKind, Role, Step};
use super::outlet::{Means, Outlet};
use super::preflight::{self, Destination};
use super::show::Notice;
use super::snapshot::{BackupStatus, Confirmation, LinkStatus, Receiver};
use crate::clock::MonoTime;
use crate::settings::{Secrets, TargetKind};
use crate::stop::StopToken;
use crossbeam_channel::{Receiver as Inbox, TryRecvError, bounded};

/// What its destination was found to be.
type Found = Box<Result<Destination, Failure>>;

/// A backup.
pub struct Backup {
    means: Means,
    secrets: Secrets,
    link: Link,
    outlet: Option<Outlet>,
    looking: Option<(Inbox<Found>, StopToken)>,
    /// What was said last of why it is not there.
    said: String,
}

impl Backup {
    /// Begins to look for its receiver; the first publisher follows. `means` has its target.
    pub fn start(means: Means, secrets: Secrets, seed: u64, now: MonoTime) -> Self {
        let mut backup = Self {
            means,
            secrets,
            link: Link::new(Role::Backup, seed),
            outlet: None,
            looking: None,
            said: String::new(),
        };
        backup.link.started(now);
        backup.begin(now);
        backup
    }

    /// Looks at everything and does what is due.
    pub fn turn(&mut self, now: MonoTime) {
        if let Some((found, _)) = &self.looking {
            let found = match found.try_recv() {
                Ok(found) => *found,
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.looking = None,
            };
            self.looking = None;
            match found {
                Ok(destination) => {
                    self.outlet = Some(Outlet::new(self.means.clone(), destination, now));
                    self.begin(now);
                }
                Err(failure) => self.lost(failure, LossKind::Broke, None, now),
            }
        }
        let notices = self.outlet.as_mut().map(|outlet| outlet.poll(now));
        for notice in notices.unwrap_or_default() {
            match notice {
                Notice::Confirmed(confirmation) => self.confirmed(confirmation, now),
                Notice::PublisherLost {
                    failure,
                    kind,
                    last_good,
                } => self.lost(failure, kind, last_good, now),
                Notice::Started => self.link.started(now),
                Notice::Knocked(answers) => self.link.knocked(answers, now),
                Notice::PathFree => self.link.path_is_free(now),
                Notice::Fatal(failure) => self.lost(failure, LossKind::Refused, None, now),
            }
        }
        match self.link.tick(now) {
            Some(Step::Start) => self.begin(now),
            Some(Step::End) => self.end_publisher(),
            None => {}
        }
    }

    /// After the machine slept the old connection is worth nothing.
    pub fn restart(&mut self, failure: &Failure, now: MonoTime) {
        self.lost(failure.clone(), LossKind::Anew, None, now);
    }

    fn begin(&mut self, now: MonoTime) {
        if let Some(outlet) = &mut self.outlet {
            if let Err(failure) = outlet.start(now) {
                self.lost(failure, LossKind::Broke, None, now);
            }
            return;
        }
        let (answer, found) = bounded(1);
        let stop = StopToken::new();
        let (settings, secrets) = (self.means.settings.clone(), self.secrets.clone());
        let (journal, ends) = (self.means.journal.clone(), stop.clone());
        let ffmpeg = self.means.ffmpeg.capabilities.clone();
        let started = std::thread::Builder::new()
            .name("pd-backup".into())
            .spawn(move || {
                let found =
                    preflight::destination(&settings, &secrets, None, &ffmpeg, &journal, &ends);
                let _ = answer.try_send(Box::new(found));
            });
        match started {
            Ok(_) => self.looking = Some((found, stop)),
            Err(error) => self.means.journal.error(format!("backup: {error}")),
        }
    }

    fn confirmed(&mut self, confirmation: Confirmation, now: MonoTime) {
        let was_up = self.link.confirmation() != Confirmation::None;
        let over = self.link.confirmed(confirmation, now);
        if was_up || self.link.confirmation() == Confirmation::None {
            return;
        }
        self.said.clear();
        let away = over.map_or_else(String::new, |outage| {
            format!(" again, after {:.1} s", outage.seconds(now))
        });
        let text = format!("backup: {} has the stream{away}", self.address());
        self.means.journal.info(text);
    }

    fn lost(
        &mut self,
        failure: Failure,
        kind: LossKind,
        last_good: Option<MonoTime>,
        now: MonoTime,
    ) {
        let cause = failure.message;
        if self.said != cause {
            let text = format!("backup ({}): {cause}", self.address());
            self.means.journal.warn(text);
            self.said.clone_from(&cause);
        }
        let loss = Loss {
            cause,
            kind,
            last_good,
        };
        if self.link.lost(loss, now).is_some() {
            self.end_publisher();
        }
    }

    fn end_publisher(&mut self) {
        if let Some(outlet) = &mut self.outlet {
            outlet.end();
        }
    }

    fn address(&self) -> String {
        match self.outlet.as_ref().map(Outlet::receiver) {
            Some(Receiver::OwnServer { address }) => address,
            Some(Receiver::ManagedMediaMtx { viewer_url }) => viewer_url,
            Some(Receiver::Loopback) => "loopback".into(),
            None => {
                let target = &self.means.settings.target;
                match target.kind {
                    TargetKind::Embedded => "this computer".into(),
                    _ => target.host.clone(),
                }
            }
        }
    }

    /// As the operator sees it.
    pub fn status(&self, now: MonoTime) -> BackupStatus {
        let outlet = self.outlet.as_ref();
        BackupStatus {
            address: self.address(),
            confirmation: self.link.confirmation(),
            link: LinkStatus::of(&self.link),
            network: outlet.and_then(|outlet| outlet.network_now(now)),
            arrived: outlet.and_then(|outlet| outlet.arrivals().figures(now)),
            drops: outlet.map_or(0, Outlet::drops),
        }
    }

    /// Process ids by role, for the load table.
    pub fn pids(&mut self) -> Vec<(&'static str, u32)> {
        let pids = self.outlet.as_mut().map(Outlet::pids).unwrap_or_default();
        let name = |role| match role {
            "publisher" => "backup publisher",
            "server" => "backup server",
            role => role,
        };
        pids.into_iter()
            .map(|(role, pid)| (name(role), pid))
            .collect()
    }

    /// Ends it and waits for that.
    pub fn end(mut self) {
        if let Some((_, stop)) = self.looking.take() {
            stop.stop();
        }
        if let Some(outlet) = self.outlet.take() {
            // A managed server of a backup ends with its show.
            drop(outlet.into_server());
        }
    }
}
