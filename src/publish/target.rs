//! A server and every way into it: the address that each way needs, the checks before it, the latency
//! that it is asked for.
//!
//! Pure but for [`Target::resolve`], which asks the system's resolver: call it on a worker thread.

use super::srt_url::address_towards;
use super::srt_url::{PassphraseError, check_passphrase, srt_listen_url, srt_url};
use super::streamid::{Mode, StreamIdError, stream_id};
use super::{HostError, ResolveError, parse_host_box, resolve_all};
use crate::ffmpeg::output::{Output, SrtOutput};
use crate::mediamtx::{Offers, url};
use crate::settings::{Secrets, TargetSettings, Way, mask_values};
use secrecy::{ExposeSecret, SecretString};
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// RTSP's port where the server does not tell another (RFC 7826 has 554; MediaMTX 8554).
pub const RTSP_PORT: u16 = 8554;
/// SRT latency is asked for between these, ms, where the operator leaves it open.
const LATENCY_BOUNDS_MS: (f64, f64) = (20.0, 1000.0);
/// The latency asked for is so many round trips: what is lost can be sent again twice.
const ROUND_TRIPS: f64 = 3.0;
/// SRT's own default, ms, where no round trip is known.
const LATENCY_UNKNOWN_MS: u32 = 120;
/// Why a way cannot be taken to a target, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Host or port.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The name is not known.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Passphrase of impossible length.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// Path, user or password do not fit an SRT stream id.
    #[error(transparent)]
    StreamId(#[from] StreamIdError),
    /// WHIP parts user and password at a colon.
    #[error(
        "user and password cannot have a colon for WHIP: MediaMTX parts them there. Choose another password or another way"
    )]
    Colon,
    /// No address for WHIP.
    #[error(
        "WHIP needs the address of the server's WebRTC pages (http://... or https://...): set target.webrtc_url"
    )]
    NoWebRtc,
    /// No port for UDP.
    #[error("UDP needs the port of a path that takes MPEG-TS: set target.udp_port")]
    NoUdpPort,
    /// No name for the file.
    #[error("the way File needs a name: set target.file")]
    NoFile,
    /// Not an address of this machine.
    #[error(
        "target.pull_address is {address:?}: it must be an address of this machine, such as 192.168.1.20, or empty"
    )]
    PullAddress {
        /// What it is.
        address: String,
    },
    /// This machine cannot listen there.
    #[error(
        "this machine cannot listen at {address} for the server's call: {reason}. Set target.pull_address and target.pull_port to free ones"
    )]
    CannotListen {
        /// Where.
        address: String,
        /// The system's reason.
        reason: String,
    },
}

/// A server, its addresses known.
#[derive(Clone)]
pub struct Target {
    /// Where SRT listens; its address is every way's.
    pub srt: SocketAddr,
    /// RTSP, TCP.
    pub rtsp: SocketAddr,
    /// WHIP's endpoint, empty where not known.
    pub whip_url: String,
    /// MPEG-TS over UDP, where the server takes it.
    pub udp: Option<SocketAddr>,
    /// Where SRT pull listens on this machine: port 0 is any free one.
    pub pull: Result<SocketAddr, String>,
    /// The file of [`Way::File`].
    pub file: String,
    /// Path on the server.
    pub path: String,
    /// User, empty for none.
    pub user: String,
    /// Latency as set, ms; 0 is by round trip.
    pub latency_ms: u32,
    password: SecretString,
    passphrase: SecretString,
}

/// A listener for the server's call: what the publisher and the server are told.
pub struct PullPlan {
    /// For the publisher.
    pub output: Output,
    /// Where it listens.
    pub address: SocketAddr,
    /// For the server: the source of the path, with the passphrase.
    pub source: String,
}

impl Target {
    /// The operator's own server; asks the resolver, and `choose` which of several addresses is taken.
    /// `offers` is what the server's API tells of its ports.
    ///
    /// # Errors
    /// Where host, passphrase or name are wrong.
    pub fn resolve(
        set: &TargetSettings,
        secrets: &Secrets,
        offers: Option<&Offers>,
        choose: impl FnOnce(&[SocketAddr]) -> Option<SocketAddr>,
    ) -> Result<Self, TargetError> {
        check_passphrase(secrets.passphrase_text())?;
        let host = parse_host_box(&set.host)?;
        let all = resolve_all(&host.host, host.port.unwrap_or(set.srt_port))?;
        let srt = choose(&all).unwrap_or(all[0]);
        Ok(Self::at(srt, set, secrets, offers))
    }

    /// The same where the address of its SRT port is known.
    pub fn at(
        srt: SocketAddr,
        set: &TargetSettings,
        secrets: &Secrets,
        offers: Option<&Offers>,
    ) -> Self {
        let rtsp_port = match (set.rtsp_port, offers.and_then(|o| o.rtsp_port)) {
            (0, told) => told.unwrap_or(RTSP_PORT),
            (set, _) => set,
        };
        let at = |port| SocketAddr::new(srt.ip(), port);
        let mut rtsp = srt;
        rtsp.set_port(rtsp_port);
        let base = set.webrtc_url.trim().trim_end_matches('/');
        let whip_base = if base.is_empty() {
            let port = offers.and_then(|o| o.webrtc_port);
            port.map(|port| format!("http://{}", at(port)))
        } else {
            Some(base.to_owned())
        };
        Self {
            srt,
            rtsp,
            whip_url: whip_base
                .map(|base| format!("{base}/{}/whip", url::path(&set.path)))
                .unwrap_or_default(),
            udp: (set.udp_port != 0).then(|| at(set.udp_port)),
            pull: pull_address(set, srt),
            file: set.file.clone(),
            path: set.path.clone(),
            user: set.user.clone(),
            latency_ms: set.latency_ms,
            password: secrets.password_text().into(),
            passphrase: secrets.passphrase_text().into(),
        }
    }

    /// A server on this machine with a login of its own; `set` gives path, latency and file.
    pub fn on_loopback(
        set: &TargetSettings,
        (srt, rtsp): (SocketAddr, SocketAddr),
        webrtc_url: &str,
        user: &str,
        password: SecretString,
    ) -> Self {
        Self {
            srt,
            rtsp,
            whip_url: format!("{webrtc_url}/{}/whip", url::path(&set.path)),
            udp: None,
            pull: Ok(SocketAddr::new(srt.ip(), set.pull_port)),
            file: set.file.clone(),
            path: set.path.clone(),
            user: user.to_owned(),
            latency_ms: set.latency_ms,
            password,
            passphrase: SecretString::from(""),
        }
    }

    /// Whether the stream shall be encrypted: a passphrase is set.
    pub fn is_encrypted(&self) -> bool {
        !self.passphrase.expose_secret().is_empty()
    }

    /// What must not stand in any word of the publisher's.
    pub fn secrets(&self) -> [String; 2] {
        [&self.password, &self.passphrase].map(|s| s.expose_secret().to_owned())
    }

    /// What the publisher is told on `way`; `ping_ms` is the round trip, where known. SRT pull needs
    /// more, see [`Target::pull_plan`]; automatic is SRT push.
    ///
    /// # Errors
    /// What the way lacks.
    pub fn output(&self, way: Way, ping_ms: Option<f64>) -> Result<Output, TargetError> {
        let password = self.password.expose_secret();
        match way {
            Way::Auto | Way::SrtPush => {
                let id = stream_id(Mode::Publish, &self.path, &self.user, password)?;
                let shown = if password.is_empty() {
                    id.clone()
                } else {
                    mask_values(&id, &[password])
                };
                Ok(Output::SrtPush(SrtOutput {
                    url: srt_url(self.srt, wished_latency_ms(self.latency_ms, ping_ms)),
                    stream_id: id,
                    stream_id_shown: shown,
                    passphrase: self.passphrase.expose_secret().to_owned(),
                }))
            }
            Way::SrtPull => self.pull_plan(ping_ms).map(|plan| plan.output),
            Way::Rtsp => {
                let (address, path) = (self.rtsp, url::path(&self.path));
                let url = |password: &str| {
                    let login = match (self.user.is_empty(), password.is_empty()) {
                        (true, _) => String::new(),
                        (false, true) => format!("{}@", url::part(&self.user)),
                        (false, false) => format!("{}:{password}@", url::part(&self.user)),
                    };
                    format!("rtsp://{login}{address}/{path}")
                };
                let shown = if password.is_empty() { "" } else { "***" };
                Ok(Output::Rtsp {
                    url: url(&url::part(password)),
                    shown: url(shown),
                })
            }
            Way::Whip => {
                // Anything else would be an option, a file or another protocol to ffmpeg.
                let is_page = |scheme| self.whip_url.starts_with(scheme);
                if !["http://", "https://"].into_iter().any(is_page) {
                    return Err(TargetError::NoWebRtc);
                }
                if self.user.contains(':') || password.contains(':') {
                    return Err(TargetError::Colon);
                }
                Ok(Output::Whip {
                    url: self.whip_url.clone(),
                    bearer: if self.user.is_empty() {
                        String::new()
                    } else {
                        format!("{}:{password}", self.user)
                    },
                })
            }
            Way::Udp => {
                let address = self.udp.ok_or(TargetError::NoUdpPort)?;
                Ok(Output::Udp {
                    url: format!("udp://{address}?pkt_size=1316"),
                })
            }
            Way::File if self.file.trim().is_empty() => Err(TargetError::NoFile),
            Way::File => Ok(Output::File {
                path: self.file.clone(),
            }),
        }
    }

    /// A listener on a free port with a new passphrase, and what the server is to be told.
    ///
    /// # Errors
    /// Where this machine cannot listen there.
    pub fn pull_plan(&self, ping_ms: Option<f64>) -> Result<PullPlan, TargetError> {
        let wanted = self
            .pull
            .clone()
            .map_err(|address| TargetError::PullAddress { address })?;
        let cannot = |e: std::io::Error| TargetError::CannotListen {
            address: wanted.to_string(),
            reason: e.to_string(),
        };
        // Held for a moment only: ffmpeg binds it next.
        let address = UdpSocket::bind(wanted)
            .and_then(|socket| socket.local_addr())
            .map_err(cannot)?;
        let passphrase = crate::hex::random().map_err(cannot)?;
        let latency_ms = wished_latency_ms(self.latency_ms, ping_ms);
        Ok(PullPlan {
            source: pull_source(address, latency_ms, &passphrase),
            output: Output::SrtPull {
                url: srt_listen_url(address, latency_ms),
                passphrase,
            },
            address,
        })
    }
}

/// The SRT latency to ask for, ms: as set, or three round trips of `ping_ms`.
pub fn wished_latency_ms(set_ms: u32, ping_ms: Option<f64>) -> u32 {
    match (set_ms, ping_ms) {
        (0, Some(ping)) => {
            let (low, high) = LATENCY_BOUNDS_MS;
            (ping * ROUND_TRIPS).ceil().clamp(low, high) as u32
        }
        (0, None) => LATENCY_UNKNOWN_MS,
        (set, _) => set,
    }
}

/// The stream id in a pull path's source: the console knows its own by it.
pub const PULL_MARK: &str = "pd-console-pull";

/// The source of a path that the server pulls from a console, as MediaMTX takes it (latency in ms).
pub fn pull_source(address: SocketAddr, latency_ms: u32, passphrase: &str) -> String {
    format!("srt://{address}?streamid={PULL_MARK}&latency={latency_ms}&passphrase={passphrase}")
}

/// Where a console listens, as a path's source names it; None for a source that is no console's.
pub fn pulled_from(source: &str) -> Option<SocketAddr> {
    let (address, query) = source.strip_prefix("srt://")?.split_once('?')?;
    let mark = format!("streamid={PULL_MARK}");
    query.split('&').find(|pair| *pair == mark)?;
    address.parse().ok()
}

/// As set, else the address of the interface towards the server.
fn pull_address(set: &TargetSettings, server: SocketAddr) -> Result<SocketAddr, String> {
    let text = set.pull_address.trim();
    let ip: IpAddr = if text.is_empty() {
        address_towards(server).map_err(|_| String::new())?
    } else {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_err(|_| text.to_owned())?
    };
    Ok(SocketAddr::new(ip, set.pull_port))
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
