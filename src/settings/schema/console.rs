//! Keys, window, notices, updates, recordings. Plain values with their shipped ones; bounds are checked in [`super`].

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Keys, and how a show is stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlSettings {
    /// How STOP is guarded against a slip while on air.
    pub stop: StopWay,
    /// The operator's own keys; an entry stands in place of the shipped keys of what it names.
    pub keys: Vec<KeyBinding>,
    /// Whether `hotkeys` are taken while another program has the focus.
    pub hotkeys_on: bool,
    /// Keys that work in front of every program, where the desktop allows it.
    pub hotkeys: Vec<KeyBinding>,
}

/// How STOP is guarded against a slip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StopWay {
    /// Pressed twice within 3 s.
    #[default]
    Twice,
    /// Held for 1 s.
    Hold,
}

/// Keys of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyBinding {
    /// The operation's id, with what it takes: `mute-toggle`, `bitrate-set 2500`.
    pub op: String,
    /// Its keys, such as `Ctrl+Shift+M`; none takes its keys away.
    pub keys: Vec<String>,
}

/// The look of the window. Where its panels stand is not a setting: see `ui::keep`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSettings {
    /// Light or dark.
    pub theme: Theme,
    /// Size of everything in the window, percent of the system's, 100..=200.
    pub scale_percent: u32,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            scale_percent: SCALE_MIN_PERCENT,
        }
    }
}

/// The least size of everything in the window, percent.
pub const SCALE_MIN_PERCENT: u32 = 100;

/// The largest size of everything in the window, percent.
pub const SCALE_MAX_PERCENT: u32 = 200;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// Light on near-black, for a dark control room.
    #[default]
    Dark,
    /// Dark on near-white, for a bright room.
    Light,
    /// As the system has it; dark where it does not say.
    System,
}

/// What the operator is told of while a show is on air. Lost server, picture and sound always.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotifySettings {
    /// Silence for so many seconds, 0 (never)..=600.
    pub silence_seconds: u32,
    /// What counts as silence: peaks below this, dBFS, -90..=-20.
    pub silence_below_dbfs: f32,
    /// A black picture for so many seconds, 0 (never)..=600.
    pub black_seconds: u32,
    /// The whole machine's CPU above this for 5 s, percent of all cores, 0 (never)..=100.
    pub cpu_percent: u32,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            silence_seconds: 10,
            silence_below_dbfs: -60.0,
            black_seconds: 5,
            cpu_percent: 90,
        }
    }
}

/// Newer versions of the console, which only are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateSettings {
    /// Whether is asked once a day, where the build knows where.
    pub check: bool,
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self { check: true }
    }
}

/// Recording and replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    /// Folder of the files; None is the user's folder for videos.
    pub folder: Option<PathBuf>,
    /// Form of the files.
    pub form: RecordingForm,
    /// Whether each show is recorded from its start.
    pub auto: bool,
    /// How much of the show is kept in memory for a replay, seconds, 0 (none)..=[`REPLAY_MAX_S`].
    pub replay_seconds: u32,
}

/// Longest replay, s: at 10 Mb/s that is 150 MB of memory.
pub const REPLAY_MAX_S: u32 = 120;

impl Default for RecordingSettings {
    fn default() -> Self {
        Self {
            folder: None,
            form: RecordingForm::default(),
            auto: false,
            replay_seconds: 30,
        }
    }
}

/// Form of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RecordingForm {
    /// Matroska with Opus: what is written plays, whatever happens after.
    #[default]
    Mkv,
    /// Fragmented MP4 with AAC: the same, for programs that take no Matroska.
    Mp4,
}
