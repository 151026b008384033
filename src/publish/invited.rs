//! The server's invitation to call, for SRT pull: the path that it is told to pull from this console, and
//! that is taken away at the end.
//!
//! Owns `pd-invite`, which waits until the publisher listens and then asks the server's API. Under pressure
//! it drops nothing; where the server does not answer, [`Invited::problem`] says so and the path may
//! stay. [`remove_stale`] takes away what a killed console left; it blocks: call it on a worker thread.

use super::target::pulled_from;
use super::{PullPlan, ping};
use crate::mediamtx::{ApiError, Client};
use crate::stop::{StopToken, ends_by};
use arc_swap::ArcSwapOption;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The publisher listens within this time of its start, or not at all.
const LISTENS_WITHIN: Duration = Duration::from_secs(8);
/// One question whether it does.
const PING: Duration = Duration::from_millis(250);
/// The end waits so long for the server's answer.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Who takes a path away to publish there himself does so within this time: his encoder and publisher start.
const TAKER_WITHIN: Duration = Duration::from_secs(6);
/// From one look for him to the next.
const LOOK: Duration = Duration::from_millis(200);

/// Whether the last invitation's path was taken away by another while it stood, for the next invitation of the
/// same outlet: inviting again at once would throw out who is about to publish.
#[derive(Clone, Debug, Default)]
pub struct Fate(Arc<AtomicBool>);

/// Why the server does not call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It could not be told.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The path is another publisher's meanwhile.
    #[error("another publisher ({who}) has taken the path")]
    Taken {
        /// Its kind and, for a console, address.
        who: String,
    },
}

/// A path that the server pulls from here.
pub struct Invited {
    client: Client,
    path: String,
    /// Of the path, as we set it.
    source: String,
    stop: StopToken,
    problem: Arc<ArcSwapOption<Problem>>,
    /// Which run of the server took the invitation, as it names it.
    server: Arc<ArcSwapOption<String>>,
    fate: Fate,
    thread: Option<JoinHandle<()>>,
}

impl Invited {
    /// Tells the server to pull `path` as soon as the publisher of `plan` listens; with `takes_over` also
    /// where another has the path, as any publisher does that goes live. Where the last path's `fate` was to be
    /// taken away, who did that has a few seconds to publish first.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(
        client: Client,
        path: &str,
        plan: &PullPlan,
        takes_over: bool,
        fate: &Fate,
    ) -> io::Result<Self> {
        let mut invited = Self {
            client: client.clone(),
            path: path.to_owned(),
            source: plan.source.clone(),
            stop: StopToken::new(),
            problem: Arc::default(),
            server: Arc::default(),
            fate: fate.clone(),
            thread: None,
        };
        let (stop, problem) = (invited.stop.clone(), invited.problem.clone());
        let (server, fate) = (invited.server.clone(), fate.clone());
        let (path, source, address) = (path.to_owned(), plan.source.clone(), plan.address);
        let thread = std::thread::Builder::new()
            .name("pd-invite".into())
            .spawn(move || {
                if !listens(address, &stop) {
                    return;
                }
                let until = Instant::now() + TAKER_WITHIN;
                let was_taken_away = fate.0.swap(false, Ordering::AcqRel);
                let asked = loop {
                    match taken(&client, &path) {
                        Ok(Some(who)) if !takes_over => break Err(Problem::Taken { who }),
                        Ok(_) if was_taken_away && Instant::now() < until => {
                            if stop.sleep(LOOK) {
                                return;
                            }
                        }
                        Ok(_) => {
                            server.store(client.started().ok().flatten().map(Arc::new));
                            break client.pull_path(&path, &source).map_err(Problem::from);
                        }
                        Err(error) => break Err(error.into()),
                    }
                };
                if let Err(error) = asked {
                    problem.store(Some(Arc::new(error)));
                }
            })?;
        invited.thread = Some(thread);
        Ok(invited)
    }

    /// Why the server could not be told.
    pub fn problem(&self) -> Option<Arc<Problem>> {
        self.problem.load_full()
    }

    /// Takes the path away; waits two seconds at most.
    pub fn end(mut self) {
        self.take_away();
    }

    fn take_away(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.stop.stop();
        ends_by(&thread, Instant::now() + END_WITHIN);
        let (client, path) = (self.client.clone(), self.path.clone());
        let source = std::mem::take(&mut self.source);
        let (invited_at, fate) = (self.server.load_full(), self.fate.clone());
        let remove = move || {
            // Another console's that has taken the path is none of ours.
            let removed = match client.configured_source(&path) {
                Ok(Some(now)) if now == source => client.remove_path(&path).map(drop),
                Ok(_) => {
                    // A server that was started again has forgotten it; one that runs on was told to.
                    let run = client.started().ok().flatten();
                    let same = run.is_some()
                        && run.as_deref() == invited_at.as_deref().map(String::as_str);
                    fate.0.store(same, Ordering::Release);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = removed {
                tracing::warn!("the path {path} may be left on the server: {error}");
            }
        };
        match std::thread::Builder::new()
            .name("pd-uninvite".into())
            .spawn(remove)
        {
            Ok(thread) => {
                ends_by(&thread, Instant::now() + END_WITHIN);
            }
            Err(error) => tracing::error!("no thread to take the path away: {error}"),
        }
    }
}

impl Drop for Invited {
    fn drop(&mut self) {
        self.take_away();
    }
}

/// Waits until SRT is answered at `address`; false where it is not, or nobody wants it any more. It only asks: a trial to
/// bind the port would now and then have it when the listener comes for it.
pub(super) fn listens(address: SocketAddr, stop: &StopToken) -> bool {
    let until = Instant::now() + LISTENS_WITHIN;
    while Instant::now() < until && !stop.is_stopped() {
        if ping(address, PING).is_ok() {
            return !stop.is_stopped();
        }
        if stop.sleep(Duration::from_millis(20)) {
            return false;
        }
    }
    false
}

/// Who has the path: a publisher, or a console that the server pulls from and that is there.
fn taken(client: &Client, path: &str) -> Result<Option<String>, ApiError> {
    let console = client
        .configured_source(path)?
        .as_deref()
        .and_then(pulled_from);
    if let Some(address) = console {
        let there = is_there(client, path, address);
        return Ok(there.then(|| format!("console at {address}")));
    }
    let info = client.path(path)?.unwrap_or_default();
    Ok(info.source.filter(|_| info.online))
}

/// Takes away the paths of dead consoles on this machine, and that of any console named `path`: it would
/// refuse our publisher. `server` is the server's address. Gives back the names that went, and whether
/// `path` is configured by someone else. Of a console that is there the path stays where `keep_live`:
/// pulling takes it over without a gap.
///
/// # Errors
/// The API's.
pub fn remove_stale(
    client: &Client,
    path: &str,
    server: SocketAddr,
    keep_live: bool,
) -> Result<(Vec<String>, bool), ApiError> {
    let mut gone = Vec::new();
    let mut is_set = false;
    for (name, source) in client.configured_sources()? {
        match pulled_from(&source) {
            Some(address) if name == path && keep_live && is_there(client, path, address) => {}
            Some(address) if name == path || is_dead_here(address, server) => {
                if client.remove_path(&name)? {
                    gone.push(name);
                }
            }
            Some(_) => {}
            None => is_set |= name == path,
        }
    }
    Ok((gone, is_set))
}

/// Whether `address` is this machine's and nobody has it. Loopback is the server's own machine's.
fn is_dead_here(address: SocketAddr, server: SocketAddr) -> bool {
    if address.ip().is_loopback() != server.ip().is_loopback() {
        return false;
    }
    is_dead_of_this_machine(address)
}

/// Whether the console is there that the server pulls `path` from at `address`. No ping tells: ffmpeg closes
/// its listener with the first caller.
pub(super) fn is_there(client: &Client, path: &str, address: SocketAddr) -> bool {
    if is_of_this_machine(address) {
        return UdpSocket::bind(address).is_err();
    }
    let online = |client: &Client| client.path(path).ok().flatten().is_some_and(|p| p.online);
    ping(address, PING).is_ok() || online(client)
}

/// Whether `address` is this machine's and nobody has it.
pub(super) fn is_dead_of_this_machine(address: SocketAddr) -> bool {
    is_of_this_machine(address) && UdpSocket::bind(address).is_ok()
}

/// By the list of interfaces: what an address can be bound for is no answer everywhere (wine binds any).
fn is_of_this_machine(address: SocketAddr) -> bool {
    let ip = address.ip();
    ip.is_loopback()
        || if_addrs::get_if_addrs()
            .is_ok_and(|all| all.iter().any(|interface| interface.ip() == ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dead_console_of_this_machine_is_taken_away() {
        let server: SocketAddr = "127.0.0.1:8890".parse().unwrap();
        let free = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        assert!(!is_dead_here(address, server), "somebody has the port");
        drop(free);
        assert!(is_dead_here(address, server));
        // TEST-NET-1 is no address of this machine; loopback is the other machine's.
        assert!(!is_dead_here("192.0.2.1:9000".parse().unwrap(), server));
        let far: SocketAddr = "192.0.2.1:8890".parse().unwrap();
        assert!(!is_dead_here(address, far));
    }

    #[test]
    fn a_publisher_that_never_listens_ends_the_wait_with_the_stop() {
        let stop = StopToken::new();
        stop.stop();
        let started = Instant::now();
        assert!(!listens("127.0.0.1:9".parse().unwrap(), &stop));
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}
