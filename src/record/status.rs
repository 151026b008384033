//! How recording and replay stand, for the snapshot.

use std::path::PathBuf;
use std::time::Duration;

/// Where a recording stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is recorded.
    #[default]
    Off,
    /// Asked for; waits for the first picture.
    Starting,
    /// A file is being written.
    On,
    /// The last file is being ended.
    Ending,
}

/// A file that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Where it is.
    pub file: PathBuf,
    /// First picture to last, s.
    pub seconds: f64,
    /// Length, bytes.
    pub bytes: u64,
}

/// The recording, and the replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingStatus {
    /// Where it stands.
    pub phase: Phase,
    /// The file being written, or the last one.
    pub file: Option<PathBuf>,
    /// Recorded so far, all parts, s.
    pub seconds: f64,
    /// The same in bytes.
    pub bytes: u64,
    /// Room on its disk, bytes, where known.
    pub free_bytes: Option<u64>,
    /// How long the room lasts, where that is a worry.
    pub left: Option<Duration>,
    /// Pictures that the disk was too slow for.
    pub lost: u64,
    /// Why it ended or did not begin, and what to do.
    pub problem: Option<String>,
    /// Files that have ended, of this show, oldest first; at most [`PARTS_KEPT`].
    pub parts: Vec<Part>,
    /// The replay.
    pub replay: ReplayStatus,
}

/// Files of a show that are remembered.
pub const PARTS_KEPT: usize = 64;

/// The replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayStatus {
    /// What is in memory, s.
    pub kept_seconds: f64,
    /// One is being written.
    pub saving: bool,
    /// The last one that was saved.
    pub file: Option<PathBuf>,
    /// Its length, s.
    pub seconds: f64,
    /// Why the last one could not be saved, and what to do.
    pub problem: Option<String>,
}
