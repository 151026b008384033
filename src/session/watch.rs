//! Watches the server: asks its API whether the path is online, who reads and how our packets come
//! in, and joins by WHEP as the probe that measures arrival.
//!
//! Owns `pd-watch` (HTTP, may take seconds), the probe's thread and `pd-arrivals`. All end with the
//! watch's token; nobody waits for them. Only the newest report is kept.

use super::snapshot::{NetworkFigures, ProbeState, ProbeStatus};
use crate::clock::{self, MonoTime};
use crate::crash::provoke;
use crate::mediamtx::{Client, PathInfo, Reader, SrtConnection};
use crate::panics;
use crate::publish::pulled_from;
use crate::relay::ArrivalCounters;
use crate::relay::arrivals::Arrivals;
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// From one question to the next.
const EVERY: Duration = Duration::from_millis(250);
/// The same for the list of readers, where nobody has come or gone.
const READERS_EVERY: Duration = Duration::from_secs(2);
/// More cannot be looked through in a window.
const READERS_SHOWN: usize = 100;

/// Who publishes, as the server names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The server's id of it, another one for each connection.
    pub id: String,
    /// Its kind, such as "srtConn".
    pub kind: String,
    /// Where it calls from, where the server tells.
    pub address: Option<String>,
}

/// What the server said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchReport {
    /// When it was asked.
    pub begun_at: MonoTime,
    /// When the server had said all of it.
    pub at: MonoTime,
    /// The API has answered.
    pub answered: bool,
    /// The path is online.
    pub online: bool,
    /// Who publishes.
    pub source: Option<Source>,
    /// Viewers, without our own probe.
    pub viewers: u32,
    /// Who reads, without consoles' probes; looked up every two seconds.
    pub readers: Arc<Vec<Reader>>,
    /// How our packets come in, where we publish by SRT and the server tells.
    pub network: Option<NetworkFigures>,
    /// Why it does not answer.
    pub problem: Option<String>,
}

impl WatchReport {
    /// What the server's word on the path means, with its publisher's connection where it tells of it;
    /// `probing` where one of the readers is our own. Without times and the list of readers.
    pub fn of(info: &PathInfo, connection: Option<SrtConnection>, probing: bool) -> Self {
        let viewers = info.viewers().saturating_sub(usize::from(probing));
        Self {
            answered: true,
            online: info.online,
            viewers: u32::try_from(viewers).unwrap_or(u32::MAX),
            network: connection.as_ref().map(figures),
            source: source(info, connection),
            ..Self::default()
        }
    }
}

/// A running watch.
pub struct Watch {
    stop: StopToken,
    newest: Arc<ArcSwapOption<WatchReport>>,
    ask: Option<Sender<()>>,
    whep_url: Option<String>,
    arrivals: Arrivals,
    counters: Arc<ArrivalCounters>,
    probe: Option<Probe>,
}

/// A running probe.
struct Probe {
    stop: StopToken,
    started_at: MonoTime,
    /// CPU time of those before it.
    cpu_before_us: u64,
}

impl Watch {
    /// Starts watching `path`; the probe waits for [`Watch::set_probe`].
    pub fn start(
        client: Option<Client>,
        whep_url: Option<String>,
        path: &str,
        arrivals: &Arrivals,
    ) -> Self {
        let mut watch = Self {
            stop: StopToken::new(),
            newest: Arc::default(),
            ask: None,
            whep_url,
            arrivals: arrivals.clone(),
            counters: Arc::default(),
            probe: None,
        };
        if let Some(client) = client {
            let (path, stop) = (path.to_owned(), watch.stop.clone());
            let (asks, asked) = bounded(1);
            watch.ask = Some(asks);
            let (newest, counters) = (watch.newest.clone(), watch.counters.clone());
            let started = std::thread::Builder::new()
                .name("pd-watch".into())
                .spawn(move || {
                    let mut readers = Readers::default();
                    panics::go_on(
                        &stop,
                        |_| {},
                        || {
                            while !stop.is_stopped() {
                                provoke::point("pd-watch");
                                let probing = counters.joined.load(Ordering::Relaxed);
                                let report = ask(&client, &path, probing, &mut readers);
                                newest.store(Some(Arc::new(report)));
                                if asked.recv_timeout(EVERY) == Err(RecvTimeoutError::Disconnected)
                                {
                                    break;
                                }
                            }
                        },
                    );
                });
            if let Err(error) = started {
                tracing::error!("no thread to watch the server: {error}");
            }
        }
        watch
    }

    /// Has the probe join, or leave. What the viewers get never depends on it.
    pub fn set_probe(&mut self, on: bool) {
        let Some(url) = self.whep_url.as_ref().filter(|_| on) else {
            if self.probe.take().is_some() {
                self.arrivals.interrupted();
            }
            return;
        };
        if self.probe.is_some() {
            return;
        }
        let probe = Probe {
            stop: StopToken::new(),
            started_at: clock::now(),
            cpu_before_us: self.counters.cpu_us.load(Ordering::Relaxed),
        };
        self.counters.why_not.store(None);
        let (into, counters) = (self.arrivals.clone(), self.counters.clone());
        start_probe(url.clone(), &probe.stop, into, counters);
        self.probe = Some(probe);
    }

    /// A publisher is started anew: if the probe hears nothing now, its server is gone too.
    pub fn doubt(&self) {
        self.counters.doubted.store(true, Ordering::Relaxed);
    }

    /// How the probe does.
    pub fn probe_status(&self, now: MonoTime) -> ProbeStatus {
        let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
        let why_not = self.counters.why_not.load_full();
        let state = match (&self.probe, &self.whep_url) {
            _ if !cfg!(feature = "probe") => ProbeState::Off,
            (None, None) => ProbeState::NoAddress,
            (None, Some(_)) => ProbeState::Off,
            _ if self.counters.joined.load(Ordering::Relaxed) => ProbeState::Joined,
            _ => ProbeState::Joining(why_not.as_deref().cloned()),
        };
        let cost = self.probe.as_ref().map(|probe| {
            let us = count(&self.counters.cpu_us).saturating_sub(probe.cpu_before_us);
            us as f64 / 10.0 / now.ms_since(probe.started_at).max(1.0)
        });
        ProbeStatus {
            state,
            // Where the system tells nothing it stays at nothing.
            cpu_percent: cost.filter(|percent| *percent > 0.0),
            damaged: count(&self.counters.units_damaged),
            unread: count(&self.counters.events_dropped),
        }
    }

    /// The newest report, None before the first.
    pub fn newest(&self) -> Option<WatchReport> {
        self.newest.load().as_deref().cloned()
    }

    /// Whether there is an API to ask.
    pub fn has_api(&self) -> bool {
        self.ask.is_some()
    }

    /// Asks at once instead of in its turn.
    pub fn ask_now(&self) {
        if let Some(ask) = &self.ask {
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn ask(client: &Client, path: &str, probing: bool, readers: &mut Readers) -> WatchReport {
    let begun_at = clock::now();
    let mut report = match client.path(path) {
        Ok(info) => {
            let info = info.unwrap_or_default();
            let connection = connection(client, &info);
            let mut report = WatchReport::of(&info, connection, probing);
            report.readers = readers.of(client, &info, begun_at);
            report.source = report.source.or_else(|| pulled(client, path, &info));
            report
        }
        Err(error) => WatchReport {
            problem: Some(error.to_string()),
            ..WatchReport::default()
        },
    };
    report.begun_at = begun_at;
    report.at = clock::now();
    report
}

/// A path that the server pulls has no id of its publisher; the console that it calls has an address.
fn pulled(client: &Client, path: &str, info: &PathInfo) -> Option<Source> {
    let kind = info.source.clone().filter(|kind| kind == "srtSource")?;
    let source = client.configured_source(path).ok().flatten()?;
    let address = pulled_from(&source)?.to_string();
    Some(Source {
        id: address.clone(),
        kind,
        address: Some(address),
    })
}

/// Who reads: a list of the server's a kind, so asked for less often than the path.
#[derive(Default)]
struct Readers {
    newest: Arc<Vec<Reader>>,
    ids: Vec<String>,
    at: Option<MonoTime>,
}

impl Readers {
    fn of(&mut self, client: &Client, info: &PathInfo, now: MonoTime) -> Arc<Vec<Reader>> {
        let fresh = self.at.is_some_and(|at| now.since(at) < READERS_EVERY);
        if fresh && self.ids == info.reader_ids {
            return self.newest.clone();
        }
        let mut kinds = info.readers.clone();
        kinds.sort();
        kinds.dedup();
        let all = kinds
            .iter()
            // A kind that the server does not list is no problem of the show's.
            .flat_map(|kind| client.readers(kind).unwrap_or_default())
            .filter(|reader| info.reader_ids.contains(&reader.id))
            .filter(|reader| !reader.user_agent.starts_with("pd-console-probe"))
            .take(READERS_SHOWN);
        self.newest = Arc::new(all.collect());
        self.ids.clone_from(&info.reader_ids);
        self.at = Some(now);
        self.newest.clone()
    }
}

fn source(info: &PathInfo, connection: Option<SrtConnection>) -> Option<Source> {
    let id = info.source_id.clone().filter(|id| !id.is_empty())?;
    let address = connection.map(|connection| connection.remote_addr);
    Some(Source {
        id,
        kind: info.source.clone().unwrap_or_default(),
        address: address.filter(|address| !address.is_empty()),
    })
}

/// Of the path's publisher alone: a list of all connections would grow with the readers. A server
/// that does not tell is no problem of the show's.
fn connection(client: &Client, info: &PathInfo) -> Option<SrtConnection> {
    let id = info.source_id.as_deref()?;
    info.source.as_deref().filter(|kind| *kind == "srtConn")?;
    client.srt_connection(id).ok().flatten()
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
fn start_probe(url: String, stop: &StopToken, into: Arrivals, counters: Arc<ArrivalCounters>) {
    let events = crate::relay::arrivals::read("pd-arrivals", into, counters.clone(), stop.clone());
    let started =
        events.and_then(|events| crate::probe::spawn(url, None, events, counters, stop.clone()));
    if let Err(error) = started {
        tracing::error!("no thread for the probe: {error}");
    }
}

#[cfg(not(feature = "probe"))]
fn start_probe(_url: String, _stop: &StopToken, _into: Arrivals, _counters: Arc<ArrivalCounters>) {}

#[cfg(test)]
mod tests {
    use super::*;

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
