//! Why an encoder did not work, in plain words: what ffmpeg's text means and what to do.
//!
//! Pure. Texts and not exit codes: 7.0 and later exit with `errno & 255`, 5.1 always with 1. Marked
//! "measured" are texts of 5.1.9, 7.0.2 and 9.0.2 on a machine without a GPU; the others stand in
//! FFmpeg's sources of 4.3 to 9.0 (`libavcodec/nvenc.c`, `qsvenc.c`, `qsv.c`, `amfenc.c`,
//! `videotoolboxenc.c`, `vaapi_encode.c`, `mfenc.c`, `libavutil/hwcontext_vaapi.c`).

use crate::settings::EncoderFamily::{self, Amf, MediaFoundation, Nvenc, Qsv, Vaapi, VideoToolbox};
use serde::{Deserialize, Serialize};

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// This ffmpeg was built without it.
    NotInBuild,
    /// The card's driver or its library is missing.
    NoDriver,
    /// The driver is older than this ffmpeg needs.
    OldDriver,
    /// There is no such card, or it cannot encode.
    NoDevice,
    /// All of the card's encoding sessions are taken.
    Busy,
    /// Not at this size.
    Size,
    /// A wrong level was asked for.
    Level,
    /// It does not know an option or a value.
    Option,
    /// Not with this rate control.
    RateControl,
    /// Not in this power mode.
    PowerMode,
    /// It gave out too few pictures, or none.
    TooFew,
    /// It holds pictures back until later ones come.
    Holds,
    /// Key frames where none was asked for (cases.md B26).
    TooManyKeys,
    /// No key frame where one was asked for.
    NoKey,
    /// B-frames, which end a WebRTC reader.
    BFrames,
    /// Not constrained baseline.
    Profile,
    /// A level that does not allow the picture.
    WrongLevel,
    /// What came out cannot be read.
    Broken,
    /// It did not end in time.
    Hangs,
    /// The test was stopped.
    Stopped,
    /// ffmpeg could not be started.
    CannotStart,
    /// Something else.
    Other,
}

impl Class {
    /// Whether no other set of the family's options would help.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::NotInBuild
                | Self::NoDriver
                | Self::OldDriver
                | Self::Busy
                | Self::Stopped
                | Self::CannotStart
        )
    }
}

/// Why an encoder did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind.
    pub class: Class,
    /// What happened and what to do, in plain words.
    pub why: String,
    /// ffmpeg's own line, empty where it said nothing of use.
    pub said: String,
}

impl Failure {
    /// A failure that ffmpeg did not speak of.
    pub fn new(class: Class, why: impl Into<String>) -> Self {
        Self {
            class,
            why: why.into(),
            said: String::new(),
        }
    }
}

/// A text that is known.
struct Known {
    /// Of these encoders; empty for all.
    of: &'static [EncoderFamily],
    text: &'static str,
    class: Class,
    what: &'static str,
    fix: &'static str,
}

const fn known(
    of: &'static [EncoderFamily],
    text: &'static str,
    class: Class,
    what: &'static str,
    fix: &'static str,
) -> Known {
    Known {
        of,
        text,
        class,
        what,
        fix,
    }
}

const NV_DRIVER: &str = "Install NVIDIA's driver, or choose another encoder";
const INTEL_DRIVER: &str = "Install Intel's media driver (Debian: intel-media-va-driver and libmfxgen1 or libmfx1; \
     Windows: the graphics driver), or choose another encoder";
const AMD_DRIVER: &str = "Install AMD's driver with its AMF runtime (Windows: Adrenalin; Linux: AMDGPU-PRO), or \
     choose another encoder; on Linux h264_vaapi needs only Mesa's";
const VA_DRIVER: &str = "Check that /dev/dri/renderD* is there, that your user may open it (groups render and video) \
     and that the card's VA driver is installed (Debian: intel-media-va-driver or mesa-va-drivers)";
const SMALLER: &str = "Choose a smaller picture or another encoder";
const OTHER: &str = "Choose another encoder";
const REPORT: &str =
    "Choose another encoder, and report this line: the table of encoders is wrong for this ffmpeg";

/// In the order in which they are looked for: what is said first in words is the more exact.
#[rustfmt::skip] // A table: one text a line.
const KNOWN: &[Known] = &[
    // NVIDIA.
    known(&[Nvenc], "Cannot load libcuda", Class::NoDriver, "NVIDIA's driver is not installed here", NV_DRIVER), // measured 5.1, 9.0
    known(&[Nvenc], "Cannot load nvcuda", Class::NoDriver, "NVIDIA's driver is not installed here", NV_DRIVER),
    known(&[Nvenc], "Cannot load libnvidia-encode", Class::NoDriver, "the encoding part of NVIDIA's driver is not installed", "Install it (Debian: libnvidia-encode1)"),
    known(&[Nvenc], "Cannot load nvEncodeAPI", Class::NoDriver, "the encoding part of NVIDIA's driver is not installed", NV_DRIVER),
    known(&[Nvenc], "Driver does not support the required nvenc API version", Class::OldDriver, "NVIDIA's driver is too old for this ffmpeg", "Install a newer driver, or an older ffmpeg"),
    known(&[Nvenc], "Width", Class::Size, "the card cannot encode a picture this wide", SMALLER),
    known(&[Nvenc], "Height", Class::Size, "the card cannot encode a picture this high", SMALLER),
    known(&[Nvenc], "Invalid Level", Class::Level, "the card refuses the level", REPORT),
    known(&[Nvenc], "OpenEncodeSessionEx failed: out of memory", Class::Busy, "all encoding sessions of the NVIDIA card are taken, or its memory is full", "End other programs that encode (OBS, recording, conferences), or choose another encoder"),
    known(&[Nvenc], "OpenEncodeSessionEx failed: incompatible client key", Class::Busy, "all encoding sessions of the NVIDIA card are taken", "End other programs that encode (OBS, recording, conferences), or choose another encoder"),
    known(&[Nvenc], "CUDA_ERROR_NO_DEVICE", Class::NoDevice, "there is no NVIDIA card, or its driver does not see it", OTHER),
    known(&[Nvenc], "cuInit(0) failed", Class::NoDevice, "NVIDIA's driver is installed but does not work", "Restart the machine after an update of the driver; see what nvidia-smi says"),
    known(&[Nvenc], "Provided device doesn't support required NVENC features", Class::Option, "this NVIDIA card is too old for the options", OTHER),
    known(&[Nvenc], "No NVENC capable devices found", Class::NoDevice, "no NVIDIA card here can encode", OTHER),
    known(&[Nvenc], "No capable devices found", Class::NoDevice, "no NVIDIA card here can encode", OTHER),
    // Intel.
    known(&[Qsv], "Current resolution is unsupported", Class::Size, "Intel's encoder refuses this size", SMALLER),
    known(&[Qsv], "Selected ratecontrol mode is unsupported", Class::RateControl, "Intel's encoder refuses constant bitrate", OTHER),
    known(&[Qsv], "Low power mode is unsupported", Class::PowerMode, "Intel's encoder has no low-power mode", OTHER),
    known(&[Qsv], "some encoding parameters are not supported by the QSV runtime", Class::Option, "Intel's runtime refuses some of the options", OTHER),
    known(&[Qsv], "Error creating a MFX session", Class::NoDriver, "Intel's media runtime found no Intel graphics here", INTEL_DRIVER), // measured 9.0
    known(&[Qsv], "Error initializing an internal MFX session", Class::NoDriver, "Intel's media runtime found no Intel graphics here", INTEL_DRIVER), // measured 5.1
    known(&[Qsv], "Error initializing a MFX session", Class::NoDriver, "Intel's media runtime found no Intel graphics here", INTEL_DRIVER),
    // AMD.
    known(&[Amf], "DLL libamfrt64.so.1 failed to open", Class::NoDriver, "AMD's AMF runtime is not installed here", AMD_DRIVER), // measured 9.0
    known(&[Amf], "DLL amfrt64.dll failed to open", Class::NoDriver, "AMD's driver is not installed here", AMD_DRIVER),
    known(&[Amf], "DLL amfrt32.dll failed to open", Class::NoDriver, "AMD's driver is not installed here", AMD_DRIVER),
    known(&[Amf], "AMF via D3D11 is not supported on the given device", Class::NoDevice, "the graphics card in use is not AMD's", OTHER),
    known(&[Amf], "CreateComponent(", Class::NoDevice, "no AMD card here has this encoder", OTHER),
    known(&[Amf], "SubmitInput() failed", Class::Other, "AMD's encoder refused a picture", OTHER),
    known(&[Amf], "Failed to create  hardware device context (AMF)", Class::NoDriver, "AMD's AMF runtime does not work here", AMD_DRIVER),
    // Apple.
    known(&[VideoToolbox], "Try -allow_sw 1", Class::NoDevice, "Apple's hardware encoder is busy, or this Mac has none for this picture", "End other programs that encode, or choose another encoder"),
    known(&[VideoToolbox], "Cannot create compression session", Class::Option, "Apple's encoder refuses the picture or the options", SMALLER),
    // VA-API.
    known(&[Vaapi], "No usable encoding profile found", Class::NoDevice, "this card's VA driver does not encode H.264 baseline", OTHER),
    known(&[Vaapi], "No usable encoding entrypoint found", Class::PowerMode, "this card does not encode in this power mode", OTHER),
    known(&[Vaapi], "Driver does not support any RC mode compatible with selected options", Class::RateControl, "this card's VA driver has no constant bitrate", OTHER),
    known(&[Vaapi], "Hardware does not support encoding at size", Class::Size, "this card cannot encode this size", SMALLER),
    known(&[Vaapi], "No VA display found for device", Class::NoDevice, "there is no graphics card that VA-API can use", VA_DRIVER), // measured 5.1, 9.0
    known(&[Vaapi], "Failed to initialise VAAPI connection", Class::NoDriver, "the card's VA driver is missing or broken", VA_DRIVER),
    known(&[Vaapi], "A hardware device reference is required", Class::NoDevice, "there is no graphics card that VA-API can use", VA_DRIVER), // measured 5.1, 9.0
    known(&[Vaapi], "Function not implemented", Class::NoDevice, "there is no graphics card that VA-API can use", VA_DRIVER), // measured 5.1
    // Media Foundation.
    known(&[MediaFoundation], "DLL mfplat.dll failed to open", Class::NoDriver, "this Windows has no Media Foundation", "Install the Media Feature Pack (Windows N editions), or choose another encoder"),
    known(&[MediaFoundation], "could not find any MFT", Class::NoDevice, "no graphics card here offers an H.264 encoder to Windows", OTHER),
    known(&[MediaFoundation], "hardware MFT is not async", Class::NoDevice, "no graphics card here offers an H.264 encoder to Windows", OTHER),
    known(&[MediaFoundation], "could not set output type", Class::Option, "the card's encoder refuses the picture or the options", SMALLER),
    // Any.
    known(&[], "Unknown encoder '", Class::NotInBuild, "this ffmpeg was built without the encoder", "Install a build that has it, or choose another encoder"), // measured 5.1, 7.0, 9.0
    known(&[], "Unrecognized option '", Class::Option, "this ffmpeg does not know an option of the encoder", REPORT), // measured 5.1, 9.0
    known(&[], "Unable to parse \"", Class::Option, "this ffmpeg does not know the value of an option", REPORT), // measured 9.0
    known(&[], "Undefined constant or missing '('", Class::Option, "this ffmpeg does not know the value of an option", REPORT), // measured 7.0
    known(&[], "error while loading shared libraries", Class::CannotStart, "ffmpeg lacks one of its own libraries", "Install ffmpeg anew"),
    known(&[], "Cannot allocate memory", Class::Busy, "there is not enough memory", "End other programs, or choose a smaller picture"),
];

/// Lines that only say that something went wrong somewhere (measured on 5.1, 7.0 and 9.0).
const NOISE: &[&str] = &[
    "maybe incorrect parameters such as",
    "Error initializing output stream",
    "Error sending frames to consumers",
    "Task finished with error code",
    "Terminating thread with return code",
    "Could not open encoder before EOF",
    "Nothing was written into output file",
    "Output file is empty",
    "Error opening output file",
    "Error selecting an encoder",
    "Error splitting the argument list",
    "Error parsing global options",
    "Error parsing options for output file",
    "Error reinitializing filters",
    "Error initializing filters",
    "Error while filtering",
    "Failed to inject frame into filter network",
    "Error while processing the decoded data",
    "Failed to set value '",
    "Error submitting a packet",
    "Error muxing a packet",
    "Conversion failed!",
    "Exiting normally, received signal",
];

/// What the last lines of an encoder's ffmpeg mean.
pub fn explain(family: EncoderFamily, lines: &[String]) -> Failure {
    let named = |known: &&Known| known.of.is_empty() || known.of.contains(&family);
    for known in KNOWN.iter().filter(named) {
        if let Some(line) = lines.iter().find(|line| says(line, known.text)) {
            let mut fix = known.fix.to_owned();
            // "The minimum required Nvidia driver for nvenc is 570.0 or newer" (nvenc.c).
            if known.class == Class::OldDriver
                && let Some(least) = lines.iter().find_map(|line| least_driver(line))
            {
                fix = format!("Install driver {least} or newer, or an older ffmpeg");
            }
            return Failure {
                class: known.class,
                why: format!("{}. {fix}", known.what),
                said: bare(line).to_owned(),
            };
        }
    }
    let said = lines
        .iter()
        .map(|line| bare(line))
        .rfind(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.contains(noise)));
    match said {
        Some(said) => Failure {
            class: Class::Other,
            why: format!("ffmpeg says: {said}"),
            said: said.to_owned(),
        },
        None => Failure::new(
            Class::Other,
            format!("ffmpeg ended without a reason. {OTHER}"),
        ),
    }
}

/// Whether `line` says `text`. nvenc's "Width 8192 exceeds 4096" has a number within.
fn says(line: &str, text: &str) -> bool {
    match text {
        "Width" | "Height" => bare(line).starts_with(text) && line.contains(" exceeds "),
        _ => line.contains(text),
    }
}

fn least_driver(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("Nvidia driver for nvenc is ")?;
    rest.split(' ').next()
}

/// Whether a line tells that the encoder could not be opened. From 7.0 on ffmpeg says so and then
/// waits for its next input before it ends (measured on 9.0.2; 5.1 ends at once): whoever gives it
/// one picture and waits for the answer must look at its words.
pub fn cannot_open(line: &str) -> bool {
    [
        "Error while opening encoder",
        "Terminating thread with return code",
    ]
    .iter()
    .any(|text| line.contains(text))
}

/// A line without ffmpeg's `[name @ 0x...] ` and `[error] ` before it.
pub fn bare(line: &str) -> &str {
    let mut line = line.trim();
    while let Some((head, rest)) = line.strip_prefix('[').and_then(|l| l.split_once("] ")) {
        if !head.contains(" @ ") && !LEVELS.contains(&head) {
            break;
        }
        line = rest.trim_start();
    }
    line
}

/// What ffmpeg writes before a line with `-loglevel level+...` (`libavutil/log.c`), which
/// ffmpeg-sidecar asks for.
const LEVELS: [&str; 6] = ["panic", "fatal", "error", "warning", "info", "verbose"];

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
