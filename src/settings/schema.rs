//! What can be set. The shipped values are in `settings/default.ron`, which a test holds equal to
//! [`Settings::default`].

mod console;
mod picture;
mod sound;
mod target;

pub use console::*;
pub use picture::*;
pub use sound::*;
pub use target::*;

use crate::audio::mixer::{DELAY_MAX_MS, GAIN_MAX_DB, GAIN_OFF_DB};
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The schema's version, written into each file.
///
/// 2: `audio.inputs` in place of `audio.source`, which is still read (see `migrate`).
/// 3: `encoder.family` may be None (automatic), `encoder.vbv_frames` None (by `encoder.speed`).
pub const SCHEMA_VERSION: u32 = 3;

/// Everything that is kept between two starts, except secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Version of the schema that wrote the file.
    pub version: u32,
    /// Language of the window and of messages.
    pub language: Language,
    /// The picture.
    pub video: VideoSettings,
    /// The encoder.
    pub encoder: EncoderSettings,
    /// The sound.
    pub audio: AudioSettings,
    /// The picture in the window.
    pub preview: PreviewSettings,
    /// How the machine is used.
    pub performance: PerformanceSettings,
    /// Where the stream goes.
    pub target: TargetSettings,
    /// Where it goes as well.
    pub backup: BackupSettings,
    /// The viewers' page.
    pub viewer: ViewerSettings,
    /// The look of the window.
    pub window: WindowSettings,
    /// Remote control.
    pub remote: RemoteSettings,
    /// What measures the stream at the far end.
    pub probe: ProbeSettings,
    /// Recording and replay.
    pub recording: RecordingSettings,
    /// What the operator is told of in a show.
    pub notify: NotifySettings,
    /// Keys, and how a show is stopped.
    pub controls: ControlSettings,
    /// Newer versions of the console.
    pub updates: UpdateSettings,
    /// Path of ffmpeg; None searches `PD_CONSOLE_FFMPEG`, beside the program, then PATH.
    pub ffmpeg_path: Option<PathBuf>,
    /// Path of MediaMTX for the embedded server; None searches `MEDIAMTX_BIN`, beside the program,
    /// then PATH.
    pub mediamtx_path: Option<PathBuf>,
    /// Name of the profile that was used or saved last, empty for none; the session's to set.
    pub profile: String,
    /// Own servers that were on air last, the newest first, at most [`super::servers::MAX`]; the session's to
    /// set.
    pub servers: Vec<super::RecentServer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: SCHEMA_VERSION,
            language: Language::default(),
            video: VideoSettings::default(),
            encoder: EncoderSettings::default(),
            audio: AudioSettings::default(),
            preview: PreviewSettings::default(),
            performance: PerformanceSettings::default(),
            target: TargetSettings::default(),
            backup: BackupSettings::default(),
            viewer: ViewerSettings::default(),
            window: WindowSettings::default(),
            remote: RemoteSettings::default(),
            probe: ProbeSettings::default(),
            recording: RecordingSettings::default(),
            notify: NotifySettings::default(),
            controls: ControlSettings::default(),
            updates: UpdateSettings::default(),
            ffmpeg_path: None,
            mediamtx_path: None,
            profile: String::new(),
            servers: Vec::new(),
        }
    }
}

/// Language of everything the operator reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// The system's, English where it is neither.
    #[default]
    Auto,
    /// English.
    English,
    /// Korean.
    Korean,
}

/// A value out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting {name} is {value}: {expected}")]
pub struct BadSetting {
    /// The setting's path, such as `encoder.bitrate_kbps`.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What it may be.
    pub expected: String,
}

impl Settings {
    /// Checks every bound.
    ///
    /// # Errors
    /// All values out of bounds, each with what it may be; empty lists never occur.
    pub fn check(&self) -> Result<(), Vec<BadSetting>> {
        let mut bad = Vec::new();
        let mut range = |name, value: u32, low: u32, high: u32| {
            if !(low..=high).contains(&value) {
                bad.push(BadSetting {
                    name,
                    value: value.to_string(),
                    expected: format!("it must be from {low} to {high}"),
                });
            }
        };
        range(
            "encoder.bitrate_kbps",
            self.encoder.bitrate_kbps,
            BITRATE_MIN_KBPS,
            BITRATE_MAX_KBPS,
        );
        if let Some(frames) = self.encoder.vbv_frames {
            range("encoder.vbv_frames", frames, 1, 300);
        }
        range(
            "encoder.floor_kbps",
            self.encoder.floor_kbps,
            BITRATE_MIN_KBPS,
            BITRATE_MAX_KBPS,
        );
        // 4 KiB is a page, 1 MiB the limit without privileges (pipe(7)).
        range("performance.pipe_kib", self.performance.pipe_kib, 4, 1024);
        range("audio.bitrate_kbps", self.audio.bitrate_kbps, 16, 256);
        range("video.size.width", self.video.size.width, 16, 7680);
        range("video.size.height", self.video.size.height, 16, 4320);
        range("preview.fps", self.preview.fps, 1, 30);
        range("preview.width", self.preview.width, 160, 1280);
        range("target.latency_ms", self.target.latency_ms, 0, 8000);
        let backup = &self.backup.target;
        range("backup.target.latency_ms", backup.latency_ms, 0, 8000);
        range(
            "window.scale_percent",
            self.window.scale_percent,
            SCALE_MIN_PERCENT,
            SCALE_MAX_PERCENT,
        );
        range("viewer.port", u32::from(self.viewer.port), 1, 65_535);
        range("remote.port", u32::from(self.remote.port), 1, 65_535);
        let replay_s = self.recording.replay_seconds;
        range("recording.replay_seconds", replay_s, 0, REPLAY_MAX_S);
        range(
            "notify.silence_seconds",
            self.notify.silence_seconds,
            0,
            600,
        );
        range("notify.black_seconds", self.notify.black_seconds, 0, 600);
        range("notify.cpu_percent", self.notify.cpu_percent, 0, 100);
        // The list is one setting: a bad value in it names it as a whole.
        let inputs = self.audio.inputs.len();
        range("audio.inputs", inputs as u32, 1, AUDIO_INPUTS_MAX as u32);
        for input in &self.audio.inputs {
            range("audio.inputs", input.delay_ms, 0, DELAY_MAX_MS);
        }
        if let Some(region) = self.video.region {
            range("video.region.width", region.size.width, 16, 32_767);
            range("video.region.height", region.size.height, 16, 32_767);
            range("video.region.x", region.x, 0, 32_767);
            range("video.region.y", region.y, 0, 32_767);
        }
        for input in &self.audio.inputs {
            if !(GAIN_OFF_DB..=GAIN_MAX_DB).contains(&input.gain_db) {
                bad.push(BadSetting {
                    name: "audio.inputs",
                    value: format!("gain_db {}", input.gain_db),
                    expected: format!("it must be from {GAIN_OFF_DB} (off) to {GAIN_MAX_DB} dB"),
                });
            }
        }
        let below_dbfs = self.notify.silence_below_dbfs;
        if !(-90.0..=-20.0).contains(&below_dbfs) {
            bad.push(BadSetting {
                name: "notify.silence_below_dbfs",
                value: below_dbfs.to_string(),
                expected: "it must be from -90 to -20 dBFS".into(),
            });
        }
        let embedded = TargetKind::Embedded;
        if self.backup.on && self.target.kind == embedded && backup.kind == embedded {
            bad.push(BadSetting {
                name: "backup.target.kind",
                value: "Embedded".into(),
                expected: "the programme's is Embedded already, so it must be another".into(),
            });
        }
        use crate::control::keys::{fault, fault_everywhere};
        type Look = fn(&KeyBinding) -> Option<String>;
        for (name, list, look) in [
            ("controls.keys", &self.controls.keys, fault as Look),
            ("controls.hotkeys", &self.controls.hotkeys, fault_everywhere),
        ] {
            for entry in list {
                if let Some(fault) = look(entry) {
                    let value = format!("{}: {}", entry.op, entry.keys.join(", "));
                    bad.push(BadSetting {
                        name,
                        value,
                        expected: fault,
                    });
                }
            }
        }
        let fps = self.video.fps.as_f64();
        if !(1.0..=144.0).contains(&fps) || self.video.fps.den == 0 {
            bad.push(BadSetting {
                name: "video.fps",
                value: format!("{}/{}", self.video.fps.num, self.video.fps.den),
                expected: "it must be from 1 to 144 frames a second".into(),
            });
        }
        if !(0.2..=10.0).contains(&self.encoder.gop_seconds) {
            bad.push(BadSetting {
                name: "encoder.gop_seconds",
                value: self.encoder.gop_seconds.to_string(),
                expected: "it must be from 0.2 to 10 seconds".into(),
            });
        }
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Fps;

    #[test]
    fn defaults_are_in_bounds() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn each_bound_is_named() {
        let mut settings = Settings::default();
        settings.encoder.bitrate_kbps = 1_000_000_000;
        settings.video.fps = Fps { num: 30, den: 0 };
        let bad = settings.check().unwrap_err();
        let names: Vec<_> = bad.iter().map(|b| b.name).collect();
        assert_eq!(names, ["encoder.bitrate_kbps", "video.fps"]);
    }

    #[test]
    fn programme_and_backup_are_not_both_the_embedded_server() {
        let mut settings = Settings::default();
        assert_eq!(settings.backup_as_target(), None);
        settings.backup.on = true;
        settings.backup.target.host = "b.example".into();
        assert_eq!(settings.check(), Ok(()));
        let other = settings.backup_as_target().unwrap();
        assert_eq!(other.target.host, "b.example");
        settings.backup.target.kind = TargetKind::Embedded;
        let bad = settings.check().unwrap_err();
        assert_eq!(bad[0].name, "backup.target.kind");
        settings.target.kind = TargetKind::Srt;
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn inputs_have_bounds() {
        let with = |input: AudioInput| {
            let mut settings = Settings::default();
            settings.audio.inputs.push(input);
            settings.check()
        };
        let input = |gain_db, delay_ms| AudioInput {
            gain_db,
            delay_ms,
            ..AudioInput::of(AudioSourceKind::Tone)
        };
        for good in [input(-60.0, 0), input(12.0, 1_000)] {
            assert_eq!(with(good), Ok(()));
        }
        for bad in [
            input(12.1, 0),
            input(-60.1, 0),
            input(f32::NAN, 0),
            input(0.0, 1_001),
        ] {
            let bad = with(bad).unwrap_err();
            assert_eq!(bad[0].name, "audio.inputs", "{bad:?}");
        }
        let mut settings = Settings::default();
        settings.audio.inputs.clear();
        assert!(settings.check().is_err(), "no input at all");
    }
}
