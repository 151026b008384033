//! The look at the server before and beside a show: how far it is (SRT ping), and which ways into it are
//! open.
//!
//! Owns `pd-ping`: a ping every two seconds, the server's API every ten, the resolver once for each host.
//! Only the newest answer is kept; nothing waits for it.

use crate::clock::{self, MonoTime};
use crate::ffmpeg::{Capabilities, capabilities};
use crate::mediamtx::{Client, ManagedServer, Offers, Ports};
use crate::publish::{
    Place, Target, WayStatus, first_that_answers, parse_host_box, ping_best, pulled_from,
    resolve_all, ways,
};
use crate::settings::{Secrets, Settings, TargetKind, TargetSettings};
use crate::stop::StopToken;
use arc_swap::{ArcSwap, ArcSwapOption};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// From one ping to the next.
const EVERY: Duration = Duration::from_secs(2);
/// How long an SRT server may take to answer.
const PING_LIMIT: Duration = Duration::from_secs(1);
/// From one look at the server's API to the next.
const OFFERS_EVERY: Duration = Duration::from_secs(10);
/// The thread looks so often whether something else is wished.
const GLANCE: Duration = Duration::from_millis(200);

/// Why nothing is known of what a server offers, where nobody can be asked.
pub(super) const NO_API: &str = "the address of its API is not set (target.api_url)";

/// What is looked at. A change of it is seen by comparing, so that the session may set it each turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aim {
    target: TargetSettings,
    adaptive: bool,
    ffmpeg_path: Option<PathBuf>,
    /// The managed server's SRT address, while it runs.
    managed: Option<SocketAddr>,
    /// Counts changes of the secrets, which are not compared.
    secrets: u64,
}

impl Aim {
    /// What these settings aim at; `managed` is the console's own server, where it runs.
    pub fn of(settings: &Settings, managed: Option<&ManagedServer>, secrets: u64) -> Self {
        Self {
            target: settings.target.clone(),
            adaptive: settings.encoder.adaptive,
            ffmpeg_path: settings.ffmpeg_path.clone(),
            managed: managed.map(ManagedServer::srt_addr),
            secrets,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ahead {
    /// The ping.
    pub ping: PingStatus,
    /// Each way with its floor, and why it cannot be taken; empty before the first look.
    pub ways: Vec<WayStatus>,
    /// What the server's API does not let us know, where it does not answer.
    pub api_problem: Option<String>,
}

/// The SRT ping as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PingStatus {
    /// No server is set, or the embedded one does not run.
    #[default]
    None,
    /// Answered.
    Answered {
        /// Round trip, ms.
        ms: f64,
        /// From where.
        address: SocketAddr,
        /// When.
        at: MonoTime,
    },
    /// Not answered, or the name is not known: what happened and what to do.
    Failed(String),
}

impl PingStatus {
    /// The round trip, ms, where it is known.
    pub fn ms(&self) -> Option<f64> {
        match self {
            Self::Answered { ms, .. } => Some(*ms),
            _ => None,
        }
    }
}

type Wish = (Aim, Secrets);

/// The running look.
pub struct LookAhead {
    wish: Arc<ArcSwapOption<Wish>>,
    newest: Arc<ArcSwap<Ahead>>,
}

impl LookAhead {
    /// Starts it; it ends with `stop`.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(stop: &StopToken) -> std::io::Result<Self> {
        let look = Self {
            wish: Arc::default(),
            newest: Arc::default(),
        };
        let (wish, newest, stop) = (look.wish.clone(), look.newest.clone(), stop.clone());
        std::thread::Builder::new()
            .name("pd-ping".into())
            .spawn(move || Looker::default().run(&wish, &newest, &stop))?;
        Ok(look)
    }

    /// What to look at from now on.
    pub fn aim(&self, aim: Aim, secrets: &Secrets) {
        let same = self.wish.load().as_ref().is_some_and(|w| w.0 == aim);
        if !same {
            self.wish.store(Some(Arc::new((aim, secrets.clone()))));
        }
    }

    /// The newest answer.
    pub fn newest(&self) -> Arc<Ahead> {
        self.newest.load_full()
    }
}

/// The thread's own.
#[derive(Default)]
struct Looker {
    /// Host and port, and where that may be.
    resolved: Option<((String, u16), Vec<SocketAddr>)>,
    found: Option<Capabilities>,
    offers: Option<Result<Offers, String>>,
    path_is_set: bool,
    offers_at: Option<MonoTime>,
}

impl Looker {
    fn run(mut self, wish: &ArcSwapOption<Wish>, newest: &ArcSwap<Ahead>, stop: &StopToken) {
        let mut last: Option<Arc<Wish>> = None;
        let mut next = clock::now();
        while !stop.sleep(GLANCE) {
            let Some(now_wished) = wish.load_full() else {
                continue;
            };
            let changed = last.as_ref().is_none_or(|w| !Arc::ptr_eq(w, &now_wished));
            if changed {
                let other = last
                    .as_ref()
                    .is_none_or(|w| w.0.target != now_wished.0.target);
                if other {
                    self.offers = None;
                }
                self.offers_at = None;
            }
            if changed || clock::now() >= next {
                next = clock::now() + EVERY;
                let found = self.look(&now_wished.0, &now_wished.1);
                // What nobody asks about any more is not shown.
                let current = wish.load();
                if current
                    .as_ref()
                    .is_some_and(|w| Arc::ptr_eq(w, &now_wished))
                {
                    newest.store(Arc::new(found));
                }
                last = Some(now_wished);
            }
        }
    }

    fn look(&mut self, aim: &Aim, secrets: &Secrets) -> Ahead {
        if self.found.is_none() {
            // Kept from the last look unless the file has changed: some microseconds.
            let found = capabilities::look(aim.ffmpeg_path.as_deref());
            self.found = found.ok().map(|ffmpeg| ffmpeg.capabilities);
        }
        match aim.target.kind {
            TargetKind::Embedded => self.embedded(aim),
            TargetKind::Srt => self.own(aim, secrets),
        }
    }

    fn embedded(&self, aim: &Aim) -> Ahead {
        let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ports = Ports::DEFAULT;
        let pages = format!("http://{}", on(ports.webrtc));
        let target = Target::on_loopback(
            &aim.target,
            (aim.managed.unwrap_or(on(ports.srt)), on(ports.rtsp)),
            &pages,
            crate::mediamtx::config::USER,
            "generated".into(),
        );
        let ping = aim.managed.map(ask).unwrap_or_default();
        // On loopback a round trip is far below the lowest latency asked for.
        let round_trip = ping.ms().or(Some(0.0));
        Ahead {
            ways: self.ways(&target, &Ok(Offers::all()), round_trip, aim.adaptive),
            ping,
            api_problem: None,
        }
    }

    fn own(&mut self, aim: &Aim, secrets: &Secrets) -> Ahead {
        if aim.target.host.trim().is_empty() {
            return Ahead::default();
        }
        let address = match self.address(&aim.target) {
            Ok(address) => address,
            Err(problem) => {
                return Ahead {
                    ping: PingStatus::Failed(problem),
                    ..Ahead::default()
                };
            }
        };
        let ping = ask(address);
        let due = self
            .offers_at
            .is_none_or(|at| clock::now().since(at) >= OFFERS_EVERY);
        if due {
            self.offers_at = Some(clock::now());
            let (offers, path_is_set) = ask_offers(&aim.target, secrets);
            (self.offers, self.path_is_set) = (Some(offers), path_is_set);
        }
        let offers = self.offers.clone().unwrap_or_else(|| Err(String::new()));
        let target = Target::at(address, &aim.target, secrets, offers.as_ref().ok());
        Ahead {
            ways: self.ways(&target, &offers, ping.ms(), aim.adaptive),
            ping,
            api_problem: offers.err(),
        }
    }

    fn address(&mut self, target: &TargetSettings) -> Result<SocketAddr, String> {
        let host = parse_host_box(&target.host).map_err(|e| e.to_string())?;
        let key = (host.host.clone(), host.port.unwrap_or(target.srt_port));
        let all = match self.resolved.take().filter(|(known, _)| *known == key) {
            Some((_, all)) => all,
            None => resolve_all(&key.0, key.1).map_err(|e| e.to_string())?,
        };
        // Of several another may answer than the last time.
        let address = first_that_answers(&all, PING_LIMIT).unwrap_or(all[0]);
        self.resolved = Some((key, all));
        Ok(address)
    }

    fn ways(
        &self,
        target: &Target,
        offers: &Result<Offers, String>,
        ping_ms: Option<f64>,
        adaptive: bool,
    ) -> Vec<WayStatus> {
        let Some(found) = &self.found else {
            return Vec::new();
        };
        ways(&Place {
            target,
            found,
            offers: offers.as_ref().map_err(String::as_str),
            path_is_set: self.path_is_set,
            adaptive,
            ping_ms,
        })
    }
}

fn ask(address: SocketAddr) -> PingStatus {
    match ping_best(address, PING_LIMIT) {
        Ok(pong) => PingStatus::Answered {
            ms: pong.round_trip_ms,
            address,
            at: clock::now(),
        },
        Err(error) => PingStatus::Failed(error.to_string()),
    }
}

/// What the server's API tells of its ways, and whether it has the path by name from someone else.
fn ask_offers(target: &TargetSettings, secrets: &Secrets) -> (Result<Offers, String>, bool) {
    let url = target.api_url.trim();
    if url.is_empty() {
        return (Err(NO_API.to_owned()), false);
    }
    let client = Client::new(url, &target.user, secrets.password_text());
    let offers = client.offers().map_err(|e| e.to_string());
    let is_set = offers.is_ok()
        && client.configured_sources().is_ok_and(|all| {
            let mut others = all
                .iter()
                .filter(|(_, source)| pulled_from(source).is_none());
            others.any(|(name, _)| *name == target.path)
        });
    (offers, is_set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Way;
    use std::net::UdpSocket;

    fn wait(look: &LookAhead, is_there: impl Fn(&Ahead) -> bool) -> Arc<Ahead> {
        let until = clock::now() + Duration::from_secs(10);
        loop {
            let newest = look.newest();
            if is_there(&newest) {
                return newest;
            }
            assert!(clock::now() < until, "{newest:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn the_ping_follows_the_host_and_tells_what_is_wrong() {
        let stop = StopToken::new();
        let look = LookAhead::start(&stop).unwrap();
        let mut settings = Settings::default();
        let secrets = Secrets::default();
        settings.target.kind = TargetKind::Srt;
        settings.target.host = "nope.invalid".into();
        look.aim(Aim::of(&settings, None, 0), &secrets);
        wait(
            &look,
            |a| matches!(&a.ping, PingStatus::Failed(why) if why.contains("name not found")),
        );
        // A port at which nothing listens.
        let free = UdpSocket::bind("127.0.0.1:0").unwrap();
        settings.target.host = "127.0.0.1".into();
        settings.target.srt_port = free.local_addr().unwrap().port();
        drop(free);
        look.aim(Aim::of(&settings, None, 0), &secrets);
        wait(
            &look,
            |a| matches!(&a.ping, PingStatus::Failed(why) if why.contains("127.0.0.1")),
        );
        settings.target.host = String::new();
        look.aim(Aim::of(&settings, None, 0), &secrets);
        wait(&look, |a| a.ping == PingStatus::None);
        stop.stop();
    }

    #[test]
    fn an_embedded_server_is_open_by_every_way_that_ffmpeg_has() {
        let mut looker = Looker::default();
        let mut found = Capabilities::of_version(crate::ffmpeg::Version { major: 5, minor: 1 });
        found.muxers.insert("rtsp".into());
        looker.found = Some(found);
        let ahead = looker.embedded(&Aim::of(&Settings::default(), None, 0));
        assert_eq!(ahead.ping, PingStatus::None);
        let open = |way| {
            let status = ahead.ways.iter().find(|w| w.way == way).unwrap();
            status.why_not.is_none()
        };
        assert!(open(Way::Rtsp) && open(Way::SrtPull) && open(Way::SrtPush));
        assert!(!open(Way::Whip) && !open(Way::Udp) && !open(Way::File));
    }
}
