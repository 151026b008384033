//! The viewers' page: one link for phones and browsers, with the smallest buffer that a browser
//! allows.
//!
//! [`Viewer`] lives on the session's thread and starts, moves and ends the page's [`server`]; where
//! the port is taken it says so and tries again every [`RETRY`], and never takes another port by
//! itself: the link on the wall would lead nowhere. Only this machine is served unless the settings
//! open the page to the local network in so many words.

pub mod clock;
pub mod eyes;
pub mod http;
pub mod key;
pub mod links;
mod proxy;
pub mod qr;
pub mod report;
pub mod server;

use crate::clock::MonoTime;
use crate::relay::RtpTimes;
use crate::session::Secret;
use crate::session::journal::Journal;
use crate::session::snapshot::{EyesStatus, Snapshot, State};
use crate::settings::ViewerSettings;
use arc_swap::{ArcSwap, ArcSwapOption};
use eyes::Eyes;
use key::Keeper;
use serde::Serialize;
use server::Server;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// From one try for a taken port to the next.
pub const RETRY: Duration = Duration::from_secs(3);
/// So often this machine's addresses are looked up anew.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What the page is told of the show; whoever may watch may know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PublicStatus {
    /// Whether the receiver has confirmed the stream.
    pub live: bool,
    /// Viewers connected, where the server tells.
    pub viewers: Option<u32>,
    /// From capture to a viewer of the server, median of the last two seconds, ms, where measured:
    /// the page adds what it adds itself.
    pub to_server_ms: Option<u32>,
}

impl PublicStatus {
    /// Of the session as it stands.
    pub fn of(snapshot: &Snapshot) -> Self {
        let arrived = snapshot.latency.arrived;
        Self {
            live: snapshot.state == State::Live,
            viewers: snapshot.viewers,
            to_server_ms: arrived.map(|figures| figures.p50_ms.round().max(0.0) as u32),
        }
    }
}

/// What the server's threads read.
pub struct Shared {
    status: ArcSwap<PublicStatus>,
    /// Where to watch; None where nobody can.
    whep_url: ArcSwap<Option<String>>,
    /// Of the running show.
    rtp_times: ArcSwapOption<RtpTimes>,
    eyes: Mutex<Eyes>,
    agent: ureq::Agent,
}

impl Shared {
    fn eyes(&self) -> MutexGuard<'_, Eyes> {
        self.eyes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page as the operator sees it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ViewerStatus {
    /// Links to it, the best first; empty while it is not served. They have the key.
    pub links: Vec<String>,
    /// Whether it is open to the local network: everyone there can watch.
    pub lan: bool,
    /// Set where it is not served though it should be: what happened and what to do.
    pub problem: Option<String>,
}

impl std::fmt::Debug for ViewerStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewerStatus")
            .field("links", &self.links.len())
            .field("lan", &self.lan)
            .field("problem", &self.problem)
            .finish()
    }
}

/// The page's server and its settings.
pub struct Viewer {
    shared: Arc<Shared>,
    keeper: Keeper,
    /// Of the server that runs.
    key: Option<Secret>,
    settings: Option<ViewerSettings>,
    server: Option<Server>,
    status: ViewerStatus,
    next: MonoTime,
}

impl Default for Viewer {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                status: ArcSwap::default(),
                whep_url: ArcSwap::default(),
                rtp_times: ArcSwapOption::empty(),
                eyes: Mutex::default(),
                agent: proxy::agent(),
            }),
            keeper: Keeper::default(),
            key: None,
            settings: None,
            server: None,
            status: ViewerStatus::default(),
            next: MonoTime::ZERO,
        }
    }
}

impl Viewer {
    /// A page whose key is `keeper`'s.
    pub fn new(keeper: Keeper) -> Self {
        Self {
            keeper,
            ..Self::default()
        }
    }

    /// Brings the page to what is set; cheap where nothing changed.
    pub fn follow(&mut self, settings: &ViewerSettings, now: MonoTime, journal: &Journal) {
        if self.settings.as_ref() != Some(settings) {
            // The old one gives its port back first.
            self.server = None;
            self.status = ViewerStatus {
                lan: settings.lan,
                ..ViewerStatus::default()
            };
            self.settings = Some(settings.clone());
            self.next = now;
        }
        if !settings.on || now < self.next {
            return;
        }
        let key = match self.keeper.read() {
            Ok(key) => key,
            Err(error) => {
                self.next = now + RETRY;
                self.server = None;
                self.status.links.clear();
                return self.problem(format!("the viewers' page is not served: {error}"), journal);
            }
        };
        if self.key.as_ref() != Some(&key) {
            // Whoever came by the old link is not let in any more.
            self.server = None;
            self.status.links.clear();
        }
        if self.server.is_none() {
            self.next = now + RETRY;
            match Server::start(
                settings.port,
                settings.lan,
                key.expose(),
                self.shared.clone(),
            ) {
                Ok(server) => {
                    self.server = Some(server);
                    self.status.problem = None;
                    self.key = Some(key.clone());
                }
                Err(error) => self.refused(settings.port, &error, journal),
            }
        }
        if let Some(server) = &self.server {
            self.next = now + LOOK_AGAIN;
            let bare = links::links(server.port(), settings.lan, &links::networks());
            let links = links::with_key(&bare, &key);
            if links != self.status.links {
                let whom = if settings.lan {
                    "on this network, with the whole link"
                } else {
                    "on this machine only, with the whole link"
                };
                // The journal goes into logs, which are sent to who helps: no key in it.
                journal.info(format!(
                    "viewers' page ({whom}): {} (key F7 and `pd-console viewer-link` show the whole link)",
                    bare.join(" ")
                ));
                self.status.links = links;
            }
        }
    }

    fn refused(&mut self, port: u16, error: &std::io::Error, journal: &Journal) {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program has it".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                "the system does not allow it; ports from 1024 on are free for all".to_owned()
            }
            _ => error.to_string(),
        };
        let problem = format!(
            "the viewers' page cannot have port {port}: {why}. Give it another in the settings (viewer.port), or end that program; it is tried again every {} s",
            RETRY.as_secs()
        );
        self.problem(problem, journal);
    }

    fn problem(&mut self, problem: String, journal: &Journal) {
        if self.status.problem.as_ref() != Some(&problem) {
            journal.warn(problem.clone());
            self.status.problem = Some(problem);
        }
    }

    /// Tells the page how the show stands, where its picture is to be had, and when pictures were
    /// captured (None while no show runs).
    pub fn show(
        &self,
        whep_url: Option<String>,
        status: PublicStatus,
        times: Option<Arc<RtpTimes>>,
    ) {
        self.shared.rtp_times.store(times);
        if **self.shared.whep_url.load() != whep_url {
            self.shared.whep_url.store(Arc::new(whep_url));
        }
        if **self.shared.status.load() != status {
            self.shared.status.store(Arc::new(status));
        }
    }

    /// Those who watch.
    pub fn eyes(&self, now: MonoTime) -> EyesStatus {
        self.shared.eyes().status(now)
    }

    /// The page as the operator sees it.
    pub fn status(&self) -> &ViewerStatus {
        &self.status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_taken_port_is_told_once_and_taken_when_it_is_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = ViewerSettings {
            port: taken.local_addr().unwrap().port(),
            ..ViewerSettings::default()
        };
        let journal = Journal::new();
        let mut viewer = Viewer::default();
        let mut now = MonoTime::from_micros(1);
        for _ in 0..3 {
            viewer.follow(&settings, now, &journal);
            let problem = viewer.status().problem.clone().unwrap();
            assert!(problem.contains("another program has it"), "{problem}");
            assert!(viewer.status().links.is_empty());
            now = now + RETRY;
        }
        drop(taken);
        viewer.follow(&settings, now, &journal);
        let key = viewer.keeper.read().unwrap();
        let link = format!("http://127.0.0.1:{}/{}/", settings.port, key.expose());
        assert_eq!(viewer.status().links, [link]);
        let told = format!("{:?} {:?}", viewer.status(), journal.lines());
        assert!(!told.contains(key.expose()), "{told}");
        assert_eq!(viewer.status().problem, None);
        let said = |text: &str| {
            journal
                .lines()
                .iter()
                .filter(|l| l.text.contains(text))
                .count()
        };
        assert_eq!(
            (said("cannot have port"), said("on this machine only")),
            (1, 1)
        );
        // Off: the port is given back.
        let off = ViewerSettings {
            on: false,
            ..settings.clone()
        };
        viewer.follow(&off, now, &journal);
        assert_eq!(viewer.status(), &ViewerStatus::default());
        TcpListener::bind(("127.0.0.1", settings.port)).unwrap();
    }
}
