//! Watches the server: asks its API whether the path is online, who reads and how our packets come
//! in, and joins by WHEP as the probe that measures arrival.
//!
//! Owns `pd-watch` (HTTP, may take seconds), the probe's thread and `pd-arrivals`. All end with the
//! watch's token; nobody waits for them. Only the newest report is kept.

use super::outlet::overdue;
use super::snapshot::NetworkFigures;
use crate::clock::{self, MonoTime};
use crate::mediamtx::{Client, PathInfo, SrtConnection};
use crate::relay::Relay;
#[cfg(feature = "probe")]
use crate::relay::arrivals;
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A publisher cannot be on the server so soon after its start: who is there then is the one before,
/// whose connection the server has not given up yet.
const BEFORE_OURS: Duration = Duration::from_millis(100);

/// From one question to the next.
const EVERY: Duration = Duration::from_millis(250);

/// What the server said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchReport {
    /// When the server had said all of it.
    pub at: MonoTime,
    /// The API has answered.
    pub answered: bool,
    /// The path is online.
    pub online: bool,
    /// Viewers, without our own probe.
    pub viewers: u32,
    /// Who publishes, where the server tells.
    pub source_id: Option<String>,
    /// How our packets come in, where we publish by SRT and the server tells.
    pub network: Option<NetworkFigures>,
    /// Why it does not answer.
    pub problem: Option<String>,
}

impl WatchReport {
    /// What is of the publisher `before` ours says nothing of ours.
    fn without(&mut self, before: Option<&str>) {
        if before.is_some() && self.source_id.as_deref() == before {
            self.online = false;
            self.network = None;
        }
    }
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
        let started_at = clock::now();
        let watch = Self {
            stop: StopToken::new(),
            newest: Arc::default(),
            started_at,
            has_api: client.is_some(),
        };
        let probing = Arc::new(AtomicBool::new(false));
        if let Some(client) = client {
            let (path, stop) = (path.to_owned(), watch.stop.clone());
            let (newest, probing) = (watch.newest.clone(), probing.clone());
            let started = std::thread::Builder::new()
                .name("pd-watch".into())
                .spawn(move || {
                    let mut before = None;
                    let mut asked = false;
                    while !stop.is_stopped() {
                        let mut report = ask(&client, &path, probing.load(Ordering::Relaxed));
                        if !std::mem::replace(&mut asked, true)
                            && report.at.since(started_at) < BEFORE_OURS
                        {
                            before.clone_from(&report.source_id);
                        }
                        report.without(before.as_deref());
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
    let mut report = match client.path(path) {
        Ok(info) => {
            let info = info.unwrap_or_default();
            let viewers = info.viewers().saturating_sub(usize::from(probing));
            WatchReport {
                answered: true,
                online: info.online,
                viewers: u32::try_from(viewers).unwrap_or(u32::MAX),
                network: network(client, &info),
                source_id: info.source_id.filter(|_| info.online),
                ..WatchReport::default()
            }
        }
        Err(error) => WatchReport {
            problem: Some(error.to_string()),
            ..WatchReport::default()
        },
    };
    report.at = clock::now();
    report
}

/// Of the path's publisher alone: a list of all connections would grow with the readers. A server
/// that does not tell is no problem of the show's.
fn network(client: &Client, info: &PathInfo) -> Option<NetworkFigures> {
    let id = info.source_id.as_deref()?;
    info.source.as_deref().filter(|kind| *kind == "srtConn")?;
    let connection = client.srt_connection(id).ok().flatten()?;
    Some(figures(&connection))
}

fn figures(connection: &SrtConnection) -> NetworkFigures {
    let again = connection.packets_received_retrans;
    // The server drops what comes too late or twice, and most of that was sent again.
    let recovered = again.saturating_sub(connection.packets_received_drop);
    NetworkFigures {
        rtt_ms: connection.rtt_ms,
        latency_ms: connection.latency_ms,
        lost: connection.packets_received_loss,
        retransmitted: again,
        given_up: connection.packets_received_loss.saturating_sub(recovered),
        received: connection.packets_received,
        buffer_ms: connection.buffer_ms,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_publisher_before_does_not_confirm_ours() {
        let of = |id: Option<&str>, before: Option<&str>| {
            let mut report = WatchReport {
                online: true,
                source_id: id.map(str::to_owned),
                network: Some(NetworkFigures::default()),
                ..WatchReport::default()
            };
            report.without(before);
            (report.online, report.network.is_some())
        };
        assert_eq!(of(Some("old"), Some("old")), (false, false));
        assert_eq!(of(Some("new"), Some("old")), (true, true));
        assert_eq!(of(Some("new"), None), (true, true));
        // A server that does not tell who publishes.
        assert_eq!(of(None, None), (true, true));
    }

    #[test]
    fn what_came_late_or_twice_is_no_recovery() {
        // As recorded in one second: an overfull link, chance loss, and both ways long with it.
        for (lost, again, dropped, given_up) in [
            (205, 47, 47, 205),
            (155, 145, 70, 80),
            (18, 18, 0, 0),
            (16, 17, 1, 0),
            (16, 16, 16, 16),
            // Each of a hundred twice: nothing is missing.
            (100, 200, 100, 0),
        ] {
            let connection = SrtConnection {
                packets_received_loss: lost,
                packets_received_retrans: again,
                packets_received_drop: dropped,
                packets_received: Some(330),
                buffer_ms: Some(98.0),
                rtt_ms: Some(20.5),
                latency_ms: Some(120),
                ..SrtConnection::default()
            };
            let expected = NetworkFigures {
                rtt_ms: Some(20.5),
                latency_ms: Some(120),
                lost,
                retransmitted: again,
                given_up,
                received: Some(330),
                buffer_ms: Some(98.0),
            };
            assert_eq!(figures(&connection), expected);
        }
    }
}
