//! Watches the server: asks its API whether the path is online and who reads, and joins by WHEP as
//! the probe that measures arrival.
//!
//! Owns `pd-watch` (HTTP, may take seconds), the probe's thread and `pd-arrivals`. All end with the
//! watch's token; nobody waits for them. Only the newest report is kept.

use super::show::overdue;
use crate::clock::{self, MonoTime};
use crate::mediamtx::Client;
use crate::relay::Relay;
#[cfg(feature = "probe")]
use crate::relay::arrivals;
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// From one question to the next.
const EVERY: Duration = Duration::from_millis(250);

/// What the server said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchReport {
    /// The API has answered.
    pub answered: bool,
    /// The path is online.
    pub online: bool,
    /// Viewers, without our own probe.
    pub viewers: u32,
    /// Why it does not answer.
    pub problem: Option<String>,
}

/// A running watch.
pub struct Watch {
    stop: StopToken,
    newest: Arc<ArcSwapOption<WatchReport>>,
    started_at: MonoTime,
    has_api: bool,
}

impl Watch {
    /// Starts watching `path`.
    pub fn start(
        client: Option<Client>,
        whep_url: Option<String>,
        path: &str,
        relay: &Arc<Relay>,
    ) -> Self {
        let watch = Self {
            stop: StopToken::new(),
            newest: Arc::default(),
            started_at: clock::now(),
            has_api: client.is_some(),
        };
        let probing = Arc::new(AtomicBool::new(false));
        if let Some(client) = client {
            let (path, stop) = (path.to_owned(), watch.stop.clone());
            let (newest, probing) = (watch.newest.clone(), probing.clone());
            let started = std::thread::Builder::new()
                .name("pd-watch".into())
                .spawn(move || {
                    while !stop.is_stopped() {
                        let report = ask(&client, &path, probing.load(Ordering::Relaxed));
                        newest.store(Some(Arc::new(report)));
                        stop.sleep(EVERY);
                    }
                });
            if let Err(error) = started {
                tracing::error!("no thread to watch the server: {error}");
            }
        }
        if let Some(url) = whep_url {
            start_probe(url, &watch.stop, relay.clone(), probing);
        }
        watch
    }

    /// The newest report, None before the first.
    pub fn newest(&self) -> Option<WatchReport> {
        self.newest.load().as_deref().cloned()
    }

    /// Whether there is an API to ask.
    pub fn has_api(&self) -> bool {
        self.has_api
    }

    /// Whether the API has had time enough to answer.
    pub fn is_overdue(&self, now: MonoTime) -> bool {
        overdue(self.started_at, now)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn ask(client: &Client, path: &str, probing: bool) -> WatchReport {
    match client.path(path) {
        Ok(info) => {
            let info = info.unwrap_or_default();
            let viewers = info.viewers().saturating_sub(usize::from(probing));
            WatchReport {
                answered: true,
                online: info.online,
                viewers: u32::try_from(viewers).unwrap_or(u32::MAX),
                problem: None,
            }
        }
        Err(error) => WatchReport {
            problem: Some(error.to_string()),
            ..WatchReport::default()
        },
    }
}

#[cfg(feature = "probe")]
fn start_probe(url: String, stop: &StopToken, relay: Arc<Relay>, probing: Arc<AtomicBool>) {
    let events = arrivals::read("pd-arrivals", relay, probing, stop.clone());
    let started = events
        .and_then(|events| crate::probe::spawn(url, None, events, Arc::default(), stop.clone()));
    if let Err(error) = started {
        tracing::error!("no thread for the probe: {error}");
    }
}

#[cfg(not(feature = "probe"))]
fn start_probe(_url: String, _stop: &StopToken, _relay: Arc<Relay>, _probing: Arc<AtomicBool>) {}
