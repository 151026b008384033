//! ffmpeg as sidecars: finding it, knowing what it can, its arguments, its life and its words.

pub mod before;
pub mod cache;
pub mod capabilities;
pub mod child;
pub mod choose;
pub mod cover;
pub mod driver;
pub mod encoder;
pub mod failure;
#[cfg(all(test, unix))]
pub(crate) mod fake;
#[cfg(unix)]
pub mod guard;
pub mod launch;
pub mod level;
pub mod locate;
pub mod options;
pub mod output;
pub mod plan;
pub mod probe;
pub mod release;
pub mod words;

pub use capabilities::{Capabilities, Version};
pub use child::Sidecar;

use std::path::PathBuf;

/// An ffmpeg that was found and looked at.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// Its path.
    pub path: PathBuf,
    /// What it can.
    pub capabilities: Capabilities,
}

/// Why there is no usable ffmpeg, each with the next step (cases.md B24).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FfmpegError {
    /// Nowhere.
    #[error(
        "ffmpeg was not found (looked in: {looked}). Install it (Debian: apt install ffmpeg; macOS: brew install ffmpeg-full), fetch one with `pd-console ffmpeg install`, or set its path in the settings or in PD_CONSOLE_FFMPEG"
    )]
    NotFound {
        /// Where it was looked for.
        looked: String,
    },
    /// There is something of that name that does not run.
    #[error("{path} cannot be run as ffmpeg: {why}. Set the path of a working ffmpeg")]
    CannotRun {
        /// Its path.
        path: String,
        /// The system's word.
        why: String,
    },
    /// It did not answer, and the machine had much to do: that says nothing of it.
    #[error(
        "{path} did not answer within {seconds} s, nor within {seconds} s more: this machine is busy (CPU at {percent} %). End other programs, then look again"
    )]
    Busy {
        /// Its path.
        path: String,
        /// How long was waited for each answer, s.
        seconds: u64,
        /// What of all cores was in use meanwhile, percent.
        percent: u32,
    },
    /// It did not answer, and nothing else is known to have kept it from that.
    #[error(
        "{path} did not answer within {seconds} s, nor within {seconds} s more. Look again if this machine was busy, else set the path of a working ffmpeg"
    )]
    Silent {
        /// Its path.
        path: String,
        /// How long was waited for each answer, s.
        seconds: u64,
    },
    /// Older than the oldest that the arguments are known to work with.
    #[error("{path} is ffmpeg {version}; 4.4 or newer is needed. Install a newer one")]
    TooOld {
        /// Its path.
        path: String,
        /// Its version.
        version: String,
    },
    /// Lacks a part that the chosen way needs.
    #[error("{path} (ffmpeg {version}) has no {what}. Install a build that has it, or {instead}")]
    Lacks {
        /// Its path.
        path: String,
        /// Its version.
        version: String,
        /// What is missing.
        what: &'static str,
        /// What else would do.
        instead: &'static str,
    },
}
