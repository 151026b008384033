//! Is everything there that a show needs? Each thing that is looked at gives one line, and each
//! failing line says what to do.

use serde::Serialize;

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
    /// How long looking took, ms.
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
