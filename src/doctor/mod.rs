//! Is everything there that a show needs? Each thing that is looked at gives one line, and each
//! failing line says what to do.
//!
//! Runs on its caller's thread (the command line's, the session's worker) with a thread for each
//! check (`guard`): one that hangs or panics costs its own line only. While a show runs nothing is
//! opened and nothing encoded.

mod audio;
mod capture;
mod clock;
mod encoders;
mod ffmpeg;
mod files;
mod gpu;
mod guard;
mod h264;
mod network;
mod server;
pub mod text;
pub mod versions;
mod webrtc;
mod webrtc_sample;

use crate::audio::SourceStatus;
use crate::capture::PictureStatus;
use crate::settings::{Secrets, Settings, mask};
use crate::stop::StopToken;
use crossbeam_channel::{RecvTimeoutError, bounded};
use guard::{Case, Lane};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Could not be looked at here, and why is said.
    Skipped,
    /// A show works, but not as well as it could.
    Warning,
    /// A show will not work.
    Failed,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The ffmpeg program.
    Ffmpeg,
    /// H.264 encoders, one line each.
    Encoder,
    /// What viewers' browsers will get: profile, B-frames, sound format.
    Webrtc,
    /// Graphics cards.
    Gpu,
    /// Picture sources.
    Capture,
    /// Sound inputs.
    Audio,
    /// The way to the server.
    Network,
    /// The server.
    Server,
    /// The clock.
    Clock,
    /// Where settings, log and downloads are kept.
    Files,
}

impl std::fmt::Display for Area {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Encoder => "encoder",
            Self::Webrtc => "webrtc",
            Self::Gpu => "gpu",
            Self::Capture => "capture",
            Self::Audio => "audio",
            Self::Network => "network",
            Self::Server => "server",
            Self::Clock => "clock",
            Self::Files => "files",
        })
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What was looked at.
    pub area: Area,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is to be done.
    pub fix: String,
    /// How long the look took that gave this line (and maybe others), ms.
    pub took_ms: u32,
}

/// All lines of one look, in the order of [`Area`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The lines.
    pub lines: Vec<Line>,
}

impl Report {
    /// The gravest outcome; Ok where there is no line.
    pub fn worst(&self) -> Outcome {
        self.lines
            .iter()
            .map(|line| line.outcome)
            .max()
            .unwrap_or(Outcome::Ok)
    }
}

/// What runs while the look is taken, so that it is not disturbed. The default: nothing.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// A show runs: no device and no port is opened and nothing is encoded.
    pub live: bool,
    /// The picture source that is open anyway: it is told of, not opened a second time.
    pub picture: Option<PictureStatus>,
    /// The sound inputs that are open anyway, in the order of the settings.
    pub sounds: Option<Vec<SourceStatus>>,
}

/// What a check that a show would disturb says instead.
const LIVE: &str = "a show is running; not looked at";
/// Whatever hangs, the report is there after this time: the longest lane's limits together. A whole look takes 3 to 4 s.
const LIMIT: Duration = Duration::from_secs(45);
/// Checks, encoders and inputs are some dozens; a line beyond these is lost.
const MOST_LINES: usize = 256;
/// From one look at the stop token to the next.
const TURN: Duration = Duration::from_millis(50);

/// Looks at everything; `on_line` is called with each line when it is there, on this thread. Ends
/// early with `stop`, with the lines that there are. No line holds a secret.
pub fn examine(
    settings: &Settings,
    secrets: &Secrets,
    now: &Now,
    stop: &StopToken,
    on_line: &mut dyn FnMut(&Line),
) -> Report {
    let case = Arc::new(Case {
        settings: settings.clone(),
        secrets: secrets.clone(),
        now: now.clone(),
    });
    let (out, lines) = bounded(MOST_LINES);
    let ends = StopToken::new();
    let lane = Lane::new(case, out, ends.clone());
    let began = Instant::now();
    // Alone: what the others do would be in its figures.
    let first = lane.clone();
    let started = std::thread::Builder::new()
        .name("pd-doctor".into())
        .spawn(move || {
            clock::check(&first);
            others(&first);
        });
    if let Err(error) = started {
        lane.tell(Area::Clock, Duration::ZERO, guard::no_thread(&error));
    }
    drop(lane);
    let mut report = Report::default();
    while !stop.is_stopped() && began.elapsed() < LIMIT {
        match lines.recv_timeout(TURN) {
            Ok(line) => {
                let line = masked(line, secrets);
                on_line(&line);
                report.lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    ends.stop();
    report.lines.sort_by_key(|line| line.area);
    report
}

/// All but the clock, at once where they do not depend on each other.
fn others(lane: &Lane) {
    type Checks = fn(&Lane);
    let lanes: [(&str, Checks); 6] = [
        ("pd-doctor-ffmpeg", ffmpeg_and_encoders),
        ("pd-doctor-gpu", gpu::check),
        ("pd-doctor-capture", capture::check),
        ("pd-doctor-audio", audio::check),
        ("pd-doctor-files", files::check),
        ("pd-doctor-net", |lane| {
            network::check(lane);
            server::check(lane);
        }),
    ];
    for (name, checks) in lanes {
        let on = lane.clone();
        let started = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || checks(&on));
        if let Err(error) = started {
            lane.tell(Area::Ffmpeg, Duration::ZERO, guard::no_thread(&error));
        }
    }
}

fn ffmpeg_and_encoders(lane: &Lane) {
    let found = ffmpeg::check(lane);
    let chosen = encoders::check(lane, found.as_ref());
    webrtc::check(lane, found.as_ref(), chosen);
}

fn masked(line: Line, secrets: &Secrets) -> Line {
    Line {
        found: mask(&line.found, secrets),
        fix: mask(&line.fix, secrets),
        ..line
    }
}

/// What this MediaMTX says of its version, such as "v1.20.0".
///
/// # Errors
/// Why it says nothing, in words.
pub fn mediamtx_version(program: &std::path::Path, stop: &StopToken) -> Result<String, String> {
    server::version(program, stop)
}

#[cfg(test)]
mod tests;
