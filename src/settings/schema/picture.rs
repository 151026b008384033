//! The picture, how it is encoded and shown, and how the machine is used for it. Plain values with their shipped ones; bounds are checked in [`super`].

use crate::units::{Fps, Region, Size};
use serde::{Deserialize, Serialize};

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
