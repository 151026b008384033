//! The table of H.264 encoders: each family's own arguments, one row each, with their sources.
//!
//! Pure. What is common to all (size, rate, GOP, bitrate) is in [`super::plan`]. "Sunshine" is
//! LizardByte/Sunshine's `src/video.cpp`; "measured" is on a machine without a GPU, so libx264 and
//! libopenh264 only; what is said of the others was read in FFmpeg's sources of 4.3 to 9.0
//! (`libavcodec/nvenc.c`, `qsvenc.c`, `amfenc.c`, `videotoolboxenc.c`, `vaapi_encode.c`,
//! `mfenc.c`). Each set of options is held against a real picture before a show, see
//! [`super::probe`]: this table proposes, the machine decides.

use super::capabilities::Capabilities;
use super::options::{BySpeed, Fixed, Gop, Opt, Or, given, opt};
use super::plan::EncoderWish;
use crate::settings::EncoderFamily;

/// One family's row.
#[derive(Debug)]
pub struct Row {
    /// Which family.
    pub family: EncoderFamily,
    /// ffmpeg's name of the encoder.
    pub name: &'static str,
    /// Pixel format that it takes. The console's I420 is `yuv420p`; where it is not that, ffmpeg
    /// converts (I420 to NV12 moves the chroma samples only: 0.2 ms at 1080p).
    pub pixel_format: &'static str,
    /// Its own options.
    pub options: &'static [Opt],
    /// Its sets of options, best first, in words: [`EncoderWish::variant`] counts them. Where
    /// [`Row::device`] holds, each set is tried on each device.
    pub variants: &'static [&'static str],
    /// Whether its threads are ours to choose.
    pub cpu: bool,
    /// Whether pictures are uploaded to a render node that is named before the input.
    pub device: bool,
    /// Whether it may leave pictures out to hold the bitrate. Each other one must not.
    pub may_skip: bool,
    /// Systems that have it, as `std::env::consts::OS` names them; empty for all.
    pub systems: &'static [&'static str],
}

const PC: &[&str] = &["linux", "windows"];

/// Rows in the order in which they are tried.
///
/// None asks for filler: it turned a still screen's 101 kb/s into 3142 (measured, nal-hrd=cbr).
/// None is given a level: each computes it; a wrong one is an error (nvenc) or a lie (x264).
pub const TABLE: &[Row] = &[
    Row {
        family: EncoderFamily::Nvenc,
        name: "h264_nvenc",
        pixel_format: "yuv420p",
        options: &[
            // Presets p1 (fastest) to p7 and tunings exist since 4.4 with NVENC's headers 10.
            opt("-preset", BySpeed(["p1", "p1", "p4"])).in_variants(&[0]),
            opt("-tune", Fixed("ull")).in_variants(&[0]),
            // The names before; 9.0 has removed them.
            opt("-preset", Fixed("llhp")).until(9, 0).in_variants(&[1]),
            opt("-preset", BySpeed(["p1", "p1", "p4"]))
                .since(9, 0)
                .in_variants(&[1]),
            opt("-tune", Fixed("ull")).since(9, 0).in_variants(&[1]),
            opt("-profile:v", Fixed("baseline")),
            opt("-rc", Fixed("cbr")),
            opt("-rc-lookahead", Fixed("0")),
            // Without these it holds frames back: four surfaces, output only with three pending
            // (nvenc.c, output_ready; Sunshine gives the same two).
            opt("-delay", Fixed("0")),
            opt("-surfaces", Fixed("1")),
            opt("-zerolatency", Fixed("1")),
            opt("-forced-idr", Fixed("1")),
            opt("-multipass", Fixed("disabled")),
            opt("-coder", Fixed("cavlc")),
            // Up to 7.1 CBR sets outputBufferingPeriodSEI, which old drivers take for filler.
            opt("-cbr_padding", Fixed("0")).since(8, 0),
        ],
        variants: &["presets p1 to p7", "presets of before NVENC 10"],
        cpu: false,
        device: false,
        may_skip: false,
        systems: PC,
    },
    Row {
        family: EncoderFamily::Qsv,
        name: "h264_qsv",
        pixel_format: "nv12",
        options: &[
            opt("-preset", BySpeed(["veryfast", "veryfast", "medium"])),
            opt("-profile:v", Fixed("baseline")),
            // Four pictures are in work otherwise (qsvenc.h, ASYNC_DEPTH_DEFAULT).
            opt("-async_depth", Fixed("1")),
            opt("-look_ahead", Fixed("0")),
            opt("-low_delay_brc", Fixed("1")).in_variants(&[0, 1]),
            opt("-scenario", Fixed("displayremoting"))
                .since(6, 0)
                .in_variants(&[0, 1]),
            opt("-forced_idr", Fixed("1")),
            opt("-refs", Fixed("1")),
            opt("-cavlc", Fixed("1")),
            // VDENC; some generations have only the one, some only the other (Sunshine tries both).
            opt("-low_power", Fixed("1")).in_variants(&[0]),
            opt("-low_power", Fixed("0")).in_variants(&[1]),
            // Less before each picture, and a decoder that waits for none (Sunshine).
            opt("-pic_timing_sei", Fixed("0")),
            opt("-recovery_point_sei", Fixed("0")),
            opt("-max_dec_frame_buffering", Fixed("1")),
        ],
        variants: &["low power", "full encoder", "without hints"],
        cpu: false,
        device: false,
        may_skip: false,
        systems: PC,
    },
    Row {
        family: EncoderFamily::Amf,
        name: "h264_amf",
        pixel_format: "nv12",
        options: &[
            // Some cards refuse the first (GPUOpen AMF issue 410; Sunshine falls back alike).
            opt("-usage", Fixed("ultralowlatency")).in_variants(&[0]),
            opt("-usage", Fixed("lowlatency")).in_variants(&[1]),
            // `baseline` is an error here.
            opt("-profile:v", Fixed("constrained_baseline")),
            opt("-quality", BySpeed(["speed", "speed", "balanced"])),
            opt("-rc", Fixed("cbr")),
            opt("-filler_data", Fixed("0")),
            opt("-enforce_hrd", Fixed("0")),
            opt("-frame_skipping", Fixed("0")),
            opt("-header_spacing", Gop),
            opt("-coder", Fixed("cavlc")),
            opt("-latency", Fixed("1")).since(7, 0),
            opt("-preencode", Fixed("0")).since(7, 0),
            // Before 8 one picture is held back, and none can be made an IDR on demand: the probe
            // tells the latter, and the family is then left out.
            opt("-async_depth", Fixed("1")).since(8, 0),
            opt("-flags", Fixed("+low_delay")).since(8, 0),
            opt("-forced_idr", Fixed("1")).since(8, 0),
        ],
        variants: &["ultra low latency", "low latency"],
        cpu: false,
        device: false,
        may_skip: false,
        systems: PC,
    },
    Row {
        family: EncoderFamily::VideoToolbox,
        name: "h264_videotoolbox",
        pixel_format: "nv12",
        options: &[
            opt("-realtime", Fixed("1")),
            opt("-prio_speed", Fixed("1")).since(5, 0),
            opt("-allow_sw", Fixed("0")).in_variants(&[0, 1]),
            opt("-allow_sw", Fixed("1")).in_variants(&[2]),
            // 5.1 has the one name, later ones the other.
            opt("-profile:v", Fixed("baseline")).until(6, 0),
            opt("-profile:v", Or("constrained_baseline", "baseline")).since(6, 0),
            // EnableLowLatencyRateControl; not every Mac has it. Never max_ref_frames 1: each
            // picture becomes an IDR (Sunshine#5013; cases.md B26), which the probe refuses.
            opt("-flags", Fixed("+low_delay"))
                .since(7, 1)
                .in_variants(&[0]),
            opt("-coder", Fixed("cavlc")),
        ],
        variants: &[
            "low-latency rate control",
            "plain rate control",
            "in software where need be",
        ],
        cpu: false,
        device: false,
        may_skip: false,
        systems: &["macos"],
    },
    Row {
        family: EncoderFamily::Vaapi,
        name: "h264_vaapi",
        // What is uploaded; the encoder takes surfaces.
        pixel_format: "nv12",
        options: &[
            // `baseline` is no name here.
            opt("-profile:v", Fixed("constrained_baseline")),
            opt("-rc_mode", Fixed("CBR")),
            opt("-async_depth", Fixed("1")).since(5, 0),
            opt("-coder", Fixed("cavlc")),
            opt("-sei", Fixed("0")),
            opt("-aud", Fixed("0")),
            opt("-low_power", Fixed("0")).in_variants(&[0]),
            // The only way on some Intel generations.
            opt("-low_power", Fixed("1")).in_variants(&[1]),
        ],
        variants: &["full encoder", "low power"],
        cpu: false,
        device: true,
        may_skip: false,
        systems: &["linux"],
    },
    Row {
        family: EncoderFamily::MediaFoundation,
        name: "h264_mf",
        pixel_format: "nv12",
        options: &[
            opt("-hw_encoding", Fixed("1")),
            opt("-rate_control", Fixed("cbr")),
            opt("-scenario", Fixed("display_remoting")).in_variants(&[0]),
            // AVLowLatencyMode.
            opt("-flags", Fixed("+low_delay")).since(8, 0),
            // No profile: baseline is the base of its own choice (mfenc.c, mf_encv_output_adjust).
            // A forced key frame is asked for with AVEncVideoForceKeyFrame, which not every
            // vendor's MFT obeys (Sunshine): the probe tells, and the family is then left out.
        ],
        variants: &["for remote displays", "without a scenario"],
        cpu: false,
        device: false,
        may_skip: false,
        systems: &["windows"],
    },
    Row {
        family: EncoderFamily::Libx264,
        name: "libx264",
        // 720p30: BGRA 5.7 ms a frame, I420 3.8 (measured, ffmpeg 7.0).
        pixel_format: "yuv420p",
        options: &[
            // 720p30 4.9, 5.7 and 10.3 ms a frame; SSIM at 3 Mb/s .9814, .9816 and .9841 (7.0).
            opt("-preset", BySpeed(["ultrafast", "superfast", "veryfast"])),
            // No lookahead, sliced threads: without it 4 frames are held (139 ms at 30 fps).
            opt("-tune", Fixed("zerolatency")),
            // x264 writes constraint_set0 and 1, that is constrained baseline (SPS 42 C0).
            opt("-profile:v", Fixed("baseline")),
            // A change of the whole picture is no reason for an IDR: moving pictures got one every
            // few frames (measured), each at the cost of the pictures after it.
            opt("-sc_threshold", Fixed("0")),
            // A forced key frame is to be an IDR, see the cut-over.
            opt("-forced-idr", Fixed("1")),
        ],
        variants: &["zero latency"],
        cpu: true,
        device: false,
        may_skip: false,
        systems: &[],
    },
    Row {
        family: EncoderFamily::Libopenh264,
        name: "libopenh264",
        pixel_format: "yuv420p",
        options: &[
            // `baseline` is an error here (measured).
            opt("-profile:v", Fixed("constrained_baseline")),
            opt("-rc_mode", Fixed("bitrate")),
            // Without it the bitrate is not held, as it says itself; so it leaves pictures out, 8
            // of 150 with moving text. No option holds its key frames, not bufsize, rc_mode or qmin:
            // dense text at 720p and 3 Mb/s makes one of 430 kB (measured, 9.0). The last resort.
            opt("-allow_skip_frames", Fixed("1")),
            opt("-coder", Fixed("cavlc")),
        ],
        variants: &["bitrate mode"],
        cpu: true,
        device: false,
        may_skip: true,
        systems: &[],
    },
];

impl Row {
    /// How many sets of options there are with so many devices: [`EncoderWish::variant`] is below.
    pub fn variant_count(&self, devices: usize) -> u8 {
        let devices = if self.device { devices.max(1) } else { 1 };
        u8::try_from(self.variants.len() * devices).unwrap_or(u8::MAX)
    }

    /// The set of options that a variant is, and the number of its device.
    fn split(&self, variant: u8) -> (u8, usize) {
        // A row without variants would be a mistake of the table; a test holds that there is none.
        let sets = u8::try_from(self.variants.len().max(1)).unwrap_or(u8::MAX);
        (variant % sets, usize::from(variant / sets))
    }

    /// What a variant is, in words.
    pub fn variant_in_words(&self, variant: u8) -> &'static str {
        let (set, _) = self.split(variant);
        self.variants.get(usize::from(set)).copied().unwrap_or("")
    }

    /// Whether this system may have it.
    pub fn suits_this_system(&self) -> bool {
        self.systems.is_empty() || self.systems.contains(&std::env::consts::OS)
    }

    /// The render node that a variant uses; None where it uses none.
    pub fn render_node<'a>(&self, variant: u8, found: &'a Capabilities) -> Option<&'a str> {
        let (_, device) = self.split(variant);
        let first = "/dev/dri/renderD128";
        self.device
            .then(|| found.render_nodes.get(device).map_or(first, String::as_str))
    }
}

/// The row of a family.
pub fn row(family: EncoderFamily) -> &'static Row {
    // One row a family: a test holds it so.
    TABLE
        .iter()
        .find(|row| row.family == family)
        .unwrap_or(&TABLE[0])
}

/// The family's own arguments, `-c:v` first. What this ffmpeg's encoder does not have is not among
/// them, see [`left_out`].
pub fn arguments(wish: &EncoderWish, found: &Capabilities, cores: usize) -> Vec<String> {
    let row = row(wish.family);
    let mut args = vec!["-c:v".into(), row.name.into()];
    for (option, value) in options(wish, found).0 {
        args.extend([option.to_owned(), value]);
    }
    if row.cpu {
        // Sliced threads are the latency: 1 thread 8.6 ms, 2 threads 5.7 at 720p30. More than four
        // slices cost more quality than they gain time.
        args.extend(["-threads".into(), cores.clamp(1, 4).to_string()]);
    }
    args
}

/// Options of the table that this ffmpeg's encoder does not have, as it says itself.
pub fn left_out(wish: &EncoderWish, found: &Capabilities) -> Vec<String> {
    options(wish, found).1
}

fn options(wish: &EncoderWish, found: &Capabilities) -> (Vec<(&'static str, String)>, Vec<String>) {
    let row = row(wish.family);
    let known = found.encoder_options.get(row.name);
    let (set, _) = row.split(wish.variant);
    let (mut takes, mut lacks) = (Vec::new(), Vec::new());
    let applies = |o: &&Opt| o.applies(found.version, set);
    for option in row.options.iter().filter(applies) {
        match given(option, wish, known) {
            Some(value) => takes.push((option.name, value)),
            None => lacks.push(option.name.to_owned()),
        }
    }
    (takes, lacks)
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
