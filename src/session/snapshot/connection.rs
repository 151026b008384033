//! The part of the snapshot that is about receivers: who takes the stream, how sure that is, how the
//! packets get there, when it was lost. Plain values.

use super::StageFigures;
use crate::clock::MonoTime;
use crate::session::link::Link;
use std::collections::VecDeque;
use std::sync::Arc;

/// Which of the three receivers takes the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Someone else's server.
    OwnServer {
        /// Host and port.
        address: String,
    },
    /// A MediaMTX run by the console on loopback.
    ManagedMediaMtx {
        /// Address for viewers' browsers.
        viewer_url: String,
    },
    /// An ffmpeg listener on loopback: measures, serves no viewers.
    Loopback,
}

/// How sure the console is that the receiver has the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirmation {
    /// Not confirmed.
    #[default]
    None,
    /// The SRT handshake was accepted and data flows; no API to ask further.
    Handshake,
    /// The server's API says that the path is online, or the loopback receiver has pictures.
    Online,
}

/// The way to the server as the server sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NetworkFigures {
    /// Round-trip time, ms.
    pub rtt_ms: Option<f64>,
    /// Receive latency in force, ms.
    pub latency_ms: Option<u64>,
    /// Packets missing at the server so far, many of which came again.
    pub lost: u64,
    /// Packets that came again.
    pub retransmitted: u64,
    /// Packets missing for good: holes in the picture. May fall by what is on its way again.
    pub given_up: u64,
    /// Packets that came, where the server tells.
    pub received: Option<u64>,
    /// What waits in the server's receive buffer, ms, where it tells.
    pub buffer_ms: Option<f64>,
}

/// A time without the receiver, after it had the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it last had the stream, as far as known.
    pub from: MonoTime,
    /// When it had it again; None while it lasts.
    pub to: Option<MonoTime>,
    /// Publishers that were lost or could not connect, the first included.
    pub tries: u32,
    /// What began it.
    pub cause: String,
}

impl Outage {
    /// Seconds off air, until `now` while it lasts.
    pub fn seconds(&self, now: MonoTime) -> f64 {
        self.to.unwrap_or(now).since(self.from).as_secs_f64()
    }
}

/// A connection as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkStatus {
    /// When the next try begins; None while one is under way, while it is up, and while another
    /// publisher has the path.
    pub next_try: Option<MonoTime>,
    /// Another publisher has the path: it is waited for.
    pub waits_for_path: bool,
    /// Number of the next try, or of the one under way.
    pub attempt: u32,
    /// Why it is not up; empty where it is, or was never lost.
    pub cause: String,
    /// It is not up because it is made anew on purpose: nobody's fault.
    pub is_made_anew: bool,
    /// The outage that lasts.
    pub outage: Option<Outage>,
    /// Those that are over, the newest 100, oldest first.
    pub outages: Arc<VecDeque<Outage>>,
}

impl LinkStatus {
    /// As it stands.
    pub fn of(link: &Link) -> Self {
        let is_up = link.confirmation() != Confirmation::None;
        Self {
            next_try: link.next_try(),
            waits_for_path: link.waits_for_path(),
            attempt: link.attempt(),
            cause: if is_up {
                String::new()
            } else {
                link.cause().into()
            },
            is_made_anew: link.is_made_anew(),
            outage: link.outage().cloned(),
            outages: link.outages().clone(),
        }
    }
}

/// A backup receiver as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackupStatus {
    /// Host and port, or the managed server's page.
    pub address: String,
    /// How sure we are that it has the stream.
    pub confirmation: Confirmation,
    /// Its connection.
    pub link: LinkStatus,
    /// The way to it, where its API tells.
    pub network: Option<NetworkFigures>,
    /// Capture to arrival there over the last two seconds, where it is measured.
    pub arrived: Option<StageFigures>,
    /// Pictures that it missed while it was connected.
    pub drops: u64,
}
