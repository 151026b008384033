//! What the console sends to: MediaMTX, or, where there is none, an ffmpeg that listens. The one place that knows the
//! difference. No thread of its own.

use super::plain::{Plain, Shared};
use super::remote::Status;
use super::show::{Eye, PATH};
use crate::common::server::{OwnServer, holds_ms};
use crate::common::stream::{Stream, srt_reader};
use pd_console::mediamtx::Client;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A receiver that can be killed and be back.
pub enum Receiver {
    /// With viewers by WebRTC, whose latency the console measures.
    Mediamtx(OwnServer),
    /// Neither viewers nor an API.
    Ffmpeg(Plain),
}

/// What another reader than the console's has read.
pub struct Reading {
    /// The stream.
    pub stream: Stream,
    /// When each picture of this time (s) came; none where that is not known.
    pub arrivals: Vec<(f64, Instant)>,
}

/// Looks at a receiver, from any thread.
pub enum Look {
    /// By its API.
    Mediamtx(Client),
    /// By what came.
    Ffmpeg(Arc<Shared>),
}

impl Receiver {
    /// Starts it: MediaMTX if there is one.
    pub fn start(mediamtx: Option<&Path>) -> Self {
        match mediamtx {
            Some(program) => Self::Mediamtx(OwnServer::start(program, "  all_others:\n")),
            None => Self::Ffmpeg(Plain::start()),
        }
    }

    /// Its name, in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mediamtx(_) => "MediaMTX",
            Self::Ffmpeg(_) => "ffmpeg as SRT listener",
        }
    }

    /// Whether it is MediaMTX.
    pub const fn is_mediamtx(&self) -> bool {
        matches!(self, Self::Mediamtx(_))
    }

    /// SRT (UDP).
    pub const fn srt(&self) -> u16 {
        match self {
            Self::Mediamtx(server) => server.srt,
            Self::Ffmpeg(receiver) => receiver.port,
        }
    }

    /// The console's words for it, reached through this port.
    pub fn words(&self, port: u16) -> String {
        match self {
            Self::Mediamtx(server) => server.words("target", PATH, port),
            Self::Ffmpeg(_) => format!(
                " --set target.kind=Srt --set target.host=127.0.0.1 --set target.srt_port={port} \
                 --set target.path={PATH} --set target.way=SrtPush "
            ),
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        match self {
            Self::Mediamtx(server) => {
                server.kill();
            }
            Self::Ffmpeg(receiver) => receiver.kill(),
        }
    }

    /// Starts it again on the same ports.
    pub fn back(&mut self) {
        match self {
            Self::Mediamtx(server) => {
                server.back();
            }
            Self::Ffmpeg(receiver) => receiver.back(),
        }
    }

    /// Who sees when pictures come.
    pub fn eye(&self) -> Eye {
        match self {
            Self::Mediamtx(server) => Eye::start(server.whep_url(PATH)),
            Self::Ffmpeg(receiver) => Eye::of(receiver.shared().times.clone()),
        }
    }

    /// One more viewer, where there can be any.
    pub fn viewer(&self) -> Option<Eye> {
        self.is_mediamtx().then(|| self.eye())
    }

    /// Who looks at it.
    pub fn look(&self) -> Look {
        match self {
            Self::Mediamtx(server) => {
                let url = format!("http://127.0.0.1:{}", server.api);
                Look::Mediamtx(Client::new(&url, "", ""))
            }
            Self::Ffmpeg(receiver) => Look::Ffmpeg(receiver.shared()),
        }
    }

    /// What comes in so many seconds, as another reader than the console's has it.
    ///
    /// # Errors
    /// What did not go as it should.
    pub fn read(&self, seconds: u32) -> Result<Reading, String> {
        match self {
            Self::Mediamtx(server) => by_srt(server.srt, seconds),
            Self::Ffmpeg(receiver) => receiver.read(Duration::from_secs(seconds.into())),
        }
    }
}

fn by_srt(port: u16, seconds: u32) -> Result<Reading, String> {
    let folder = tempfile::tempdir().unwrap();
    let (mut reader, path) = srt_reader(port, PATH, Some(seconds), folder.path());
    let limit = Duration::from_secs(u64::from(seconds) + 20);
    match reader.ends_within(limit) {
        Some(status) if status.success() => Ok(Reading {
            stream: Stream::at(path, folder),
            arrivals: Vec::new(),
        }),
        other => Err(format!("the reader: {other:?}")),
    }
}

impl Look {
    /// For how long the server's SRT receiver holds what comes, ms; None where it does not tell.
    pub fn held_ms(&self) -> Option<f64> {
        match self {
            Self::Mediamtx(client) => holds_ms(client, PATH),
            Self::Ffmpeg(_) => None,
        }
    }

    /// How late pictures come, ms, the console saying `status`: from capture to a viewer. Without viewers from capture
    /// to the publisher, and as much as they come later than the fastest of this connection.
    pub fn arrived_ms(&self, status: &Status) -> Option<f64> {
        match self {
            Self::Mediamtx(_) => status.arrived_ms,
            Self::Ffmpeg(shared) => Some(status.sent_ms? + shared.late_ms()?),
        }
    }
}
