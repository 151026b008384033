//! What can be set. The shipped values are in `settings/default.ron`, which a test holds equal to
//! [`Settings::default`].

use crate::audio::mixer::{DELAY_MAX_MS, GAIN_MAX_DB, GAIN_OFF_DB};
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS, Fps, Region, Size};
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

/// The picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VideoSettings {
    /// Which source.
    pub source: VideoSourceKind,
    /// What of the screen; sources that are no screen ignore it.
    pub part: ScreenPart,
    /// Only this rectangle of it, in the source's own pixels.
    pub region: Option<Region>,
    /// Size of the encoded picture; the source is scaled into it with its aspect kept.
    pub size: Size,
    /// What becomes of a source of another aspect.
    pub fit: Fit,
    /// Frames a second.
    pub fps: Fps,
    /// Whether the pointer is drawn (screen sources).
    pub cursor: bool,
    /// In which form the picture goes to the encoder.
    pub pipe: PipeFormat,
}

impl Default for VideoSettings {
    fn default() -> Self {
        Self {
            source: VideoSourceKind::default(),
            part: ScreenPart::default(),
            region: None,
            size: Size::new(1280, 720),
            fit: Fit::default(),
            fps: Fps::whole(30),
            cursor: true,
            pipe: PipeFormat::default(),
        }
    }
}

/// Kinds of picture source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VideoSourceKind {
    /// The screen, by the way that suits this desktop.
    #[default]
    Screen,
    /// The X11 screen named by DISPLAY.
    X11,
    /// The desktop portal's screen cast over PipeWire (Wayland).
    Portal,
    /// Windows.Graphics.Capture.
    Windows,
    /// ScreenCaptureKit (macOS).
    MacOs,
    /// The `scap` library.
    Scap,
    /// The test pattern with running frame number and time.
    Pattern,
}

/// What of the screen is captured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScreenPart {
    /// X11: all monitors as one picture. Windows and macOS: the primary monitor. Portal: what the
    /// operator chooses in the desktop's dialog.
    #[default]
    Whole,
    /// The monitor of this name, as the list of sources gives it.
    Monitor(String),
    /// A window.
    Window(WindowName),
}

/// A window as it is found again after a restart of its program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowName {
    /// The program: X11's WM_CLASS class, the executable's name on Windows, the bundle's on macOS.
    pub app: String,
    /// Its title when it was chosen.
    pub title: String,
}

/// What becomes of a source whose aspect is not the show's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fit {
    /// The whole source, centred on black.
    #[default]
    Letterbox,
    /// The whole show filled; what stands out of the source on two sides is cut off.
    Crop,
}

/// In which form pictures are written to the encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PipeFormat {
    /// Converted in the console: 1.5 bytes a pixel.
    #[default]
    I420,
    /// As captured, converted by ffmpeg: 4 bytes a pixel.
    Bgra,
}

/// The encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EncoderSettings {
    /// Which encoder; None takes the first that passes its test, in the order of
    /// [`EncoderFamily::ALL`].
    pub family: Option<EncoderFamily>,
    /// What is weighed more: time or sharpness.
    pub speed: EncoderSpeed,
    /// Bitrate of the picture, kb/s, 100..=10000. With `adaptive` the ceiling.
    pub bitrate_kbps: u32,
    /// Seconds from one IDR to the next: the longest that a joining viewer waits.
    pub gop_seconds: f32,
    /// Size of the rate control's buffer in frames: smaller is faster on the wire, larger sharper.
    /// None is as `speed` has it.
    pub vbv_frames: Option<u32>,
    /// Whether at low bitrates fewer frames and a smaller picture are sent, by a fixed rule.
    pub lower_picture: bool,
    /// Whether the bitrate follows the network, from `floor_kbps` to `bitrate_kbps`.
    pub adaptive: bool,
    /// The lowest bitrate that `adaptive` goes to, kb/s.
    pub floor_kbps: u32,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self {
            family: None,
            speed: EncoderSpeed::default(),
            bitrate_kbps: 3000,
            gop_seconds: 1.0,
            vbv_frames: None,
            lower_picture: true,
            adaptive: false,
            floor_kbps: 500,
        }
    }
}

/// H.264 encoders that the console has arguments for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EncoderFamily {
    /// h264_nvenc: NVIDIA.
    Nvenc,
    /// h264_qsv: Intel, through oneVPL or the Media SDK.
    Qsv,
    /// h264_amf: AMD.
    Amf,
    /// h264_videotoolbox: macOS.
    VideoToolbox,
    /// h264_vaapi: Intel and AMD on Linux.
    Vaapi,
    /// h264_mf: Media Foundation, Windows.
    MediaFoundation,
    /// libx264 on the CPU.
    Libx264,
    /// libopenh264 on the CPU: the last resort.
    Libopenh264,
}

impl EncoderFamily {
    /// All, in the order in which the automatic choice tries them.
    pub const ALL: [Self; 8] = [
        Self::Nvenc,
        Self::Qsv,
        Self::Amf,
        Self::VideoToolbox,
        Self::Vaapi,
        Self::MediaFoundation,
        Self::Libx264,
        Self::Libopenh264,
    ];
}

/// What an encoder weighs more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EncoderSpeed {
    /// A picture is on the wire after two frames' time at most; moving text blurs for a moment.
    Fastest,
    /// Four frames' time.
    #[default]
    Balanced,
    /// Half a second's: sharp at once, but a cut takes that long on the wire.
    Sharpest,
}

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

/// How the machine is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PerformanceSettings {
    /// Priority of encoder and publisher. High helps on a busy machine and changes nothing on an idle
    /// one (measured, ARCHITECTURE.md), where the system allows it.
    pub priority: Priority,
    /// Size of the pipe into the encoder, KiB, where the system lets one choose (Linux). No more than
    /// one picture is ever let wait in it.
    pub pipe_kib: u32,
}

impl Default for PerformanceSettings {
    fn default() -> Self {
        Self {
            priority: Priority::High,
            pipe_kib: 1024,
        }
    }
}

/// Priority of the children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// As every program's.
    #[default]
    Normal,
    /// Before other programs', as far as the system allows it. Linux: nice -20, or what RLIMIT_NICE
    /// allows, which for most users is nothing; Windows: above normal; macOS: for root only. The log
    /// says what was reached.
    High,
}

/// The sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioSettings {
    /// What is mixed, at least one and at most [`AUDIO_INPUTS_MAX`].
    pub inputs: Vec<AudioInput>,
    /// Bitrate of the sound, kb/s.
    pub bitrate_kbps: u32,
    /// Whether silence is sent instead.
    pub muted: bool,
}

/// More inputs than this are a mistake.
pub const AUDIO_INPUTS_MAX: usize = 16;

impl Default for AudioSettings {
    fn default() -> Self {
        Self {
            inputs: vec![AudioInput::default()],
            bitrate_kbps: 96,
            muted: false,
        }
    }
}

/// One input of the mix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioInput {
    /// Which source.
    pub source: AudioSourceKind,
    /// Gain, dB, -60..=12; -60 is off.
    pub gain_db: f32,
    /// Whether it is left out of the mix.
    pub muted: bool,
    /// How much later it is heard, ms, 0..=1000: for a picture that comes later than its sound.
    pub delay_ms: u32,
}

impl AudioInput {
    /// A source as it is.
    pub fn of(source: AudioSourceKind) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }
}

/// Kinds of sound source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioSourceKind {
    /// The system's default input.
    #[default]
    DefaultInput,
    /// The input of this name, as the list of inputs gives it; outputs are listed as
    /// "Monitor of ...".
    Input(String),
    /// What the machine plays on its default output.
    SystemSound,
    /// A tone of 1000 Hz at -20 dBFS (EBU R 49 line-up level is -18; SMPTE RP 155 -20).
    Tone,
    /// A beep at each whole second, with the test pattern's flash; as from a device whose clock is
    /// off by so many parts per million. For checking lip sync.
    Beep(i32),
    /// Silence.
    Silence,
}

/// The picture in the window; the stream never depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreviewSettings {
    /// Whether there is one.
    pub on: bool,
    /// Pictures a second.
    pub fps: u32,
    /// Pixels across at most.
    pub width: u32,
}

impl Default for PreviewSettings {
    fn default() -> Self {
        Self {
            on: true,
            fps: 10,
            width: 640,
        }
    }
}

/// Where the stream goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSettings {
    /// Embedded server or one's own.
    pub kind: TargetKind,
    /// Own server: host name or address, IPv6 with or without brackets.
    pub host: String,
    /// Own server: SRT port.
    pub srt_port: u16,
    /// Which way in is taken.
    pub way: Way,
    /// Own server: RTSP port (TCP); 0 is what its API says, 8554 where that does not answer.
    pub rtsp_port: u16,
    /// Own server: UDP port of a path that takes MPEG-TS; 0 is none.
    pub udp_port: u16,
    /// SRT pull: address of this machine that the server calls; empty is that of the interface
    /// towards the server.
    pub pull_address: String,
    /// SRT pull: UDP port of this machine that the server calls; 0 is any free one.
    pub pull_port: u16,
    /// The file of [`Way::File`], which is written over.
    pub file: String,
    /// Path (stream name) on the server. Embedded servers take `pd_...` only.
    pub path: String,
    /// Own server: user, empty for none. The password is a secret, see `secrets`.
    pub user: String,
    /// SRT receive latency asked for, ms; 0 is three round trips, 20 to 1000. MediaMTX never goes
    /// below 120 on push.
    pub latency_ms: u32,
    /// Own server: base address of its API ("http://host:9997"), empty where not reachable.
    pub api_url: String,
    /// Own server: base address of its WebRTC listener ("http://host:8889"), empty where not
    /// reachable; the latency probe joins there.
    pub webrtc_url: String,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            kind: TargetKind::default(),
            host: String::new(),
            srt_port: 8890,
            way: Way::default(),
            rtsp_port: 0,
            udp_port: 0,
            pull_address: String::new(),
            pull_port: 0,
            file: String::new(),
            path: "pd_main".into(),
            user: String::new(),
            latency_ms: 0,
            api_url: String::new(),
            webrtc_url: String::new(),
        }
    }
}

/// Ways from the console into a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Way {
    /// The fastest that works: RTSP, WHIP or SRT pull, else SRT push.
    #[default]
    Auto,
    /// The console calls by SRT: crosses any network, MediaMTX holds each picture 120 ms at least.
    SrtPush,
    /// The server calls the console by SRT; it is told through its API to do so.
    SrtPull,
    /// RTSP over TCP: for networks without loss.
    Rtsp,
    /// WHIP (WebRTC); ffmpeg 8 and later.
    Whip,
    /// MPEG-TS over UDP, for tests: nothing that is lost comes again.
    Udp,
    /// Into a file, for tests: MPEG-TS, no viewers.
    File,
}

impl Way {
    /// All that a publisher can be started on, for lists.
    pub const ALL: [Self; 6] = [
        Self::SrtPush,
        Self::SrtPull,
        Self::Rtsp,
        Self::Whip,
        Self::Udp,
        Self::File,
    ];

    /// Its name in the field's words, the same in every language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "Auto",
            Self::SrtPush => "SRT push",
            Self::SrtPull => "SRT pull",
            Self::Rtsp => "RTSP",
            Self::Whip => "WHIP",
            Self::Udp => "UDP",
            Self::File => "File",
        }
    }
}

/// A second receiver, with a publisher of its own; it never disturbs the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupSettings {
    /// Whether there is one.
    pub on: bool,
    /// Where; at most one of both can be the embedded server.
    pub target: TargetSettings,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            on: false,
            target: TargetSettings {
                kind: TargetKind::Srt,
                ..TargetSettings::default()
            },
        }
    }
}

impl Settings {
    /// These settings with the backup in the target's place; None where there is no backup.
    pub fn backup_as_target(&self) -> Option<Self> {
        self.backup.on.then(|| Self {
            target: self.backup.target.clone(),
            ..self.clone()
        })
    }
}

/// Kinds of target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetKind {
    /// A MediaMTX that the console runs on loopback, or an ffmpeg receiver where there is none.
    #[default]
    Embedded,
    /// A MediaMTX (or other SRT listener) run by someone else.
    Srt,
}

/// The probe: a viewer of the console's own that measures when each picture comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeSettings {
    /// Whether it joins. It costs the server one viewer's bandwidth.
    pub on: bool,
    /// Whether the sound is encoded a second time, only for its hashes, so that each Opus packet can
    /// be found again byte for byte. From the publisher's next start on.
    pub sound_proof: bool,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            on: true,
            sound_proof: true,
        }
    }
}

impl ProbeSettings {
    /// Whether hashes of the sound are of use.
    pub fn proves_sound(self) -> bool {
        self.on && self.sound_proof
    }
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

/// The viewers' page, which the console serves itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewerSettings {
    /// Whether it is served.
    pub on: bool,
    /// Its port, TCP.
    pub port: u16,
    /// Whether everyone on the local network may watch, without a password; else this machine only.
    /// The embedded server's WebRTC port is opened with it.
    pub lan: bool,
}

impl Default for ViewerSettings {
    fn default() -> Self {
        Self {
            on: true,
            port: 8880,
            lan: false,
        }
    }
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

/// Remote control over a WebSocket, as obs-websocket has it. Its password is no setting: see
/// [`crate::remote::password`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteSettings {
    /// Whether it is served.
    pub on: bool,
    /// Its port, TCP.
    pub port: u16,
    /// Whether it is open to the local network; else this machine only. A password is asked for
    /// either way.
    pub lan: bool,
    /// Whether ending a show takes a second press within 3 s.
    pub confirm_stop: bool,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            on: false,
            port: 4455,
            lan: false,
            confirm_stop: false,
        }
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
