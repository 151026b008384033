//! The arguments of each ffmpeg child, as data: pure functions of settings and capabilities.
//!
//! Golden tests hold them for ffmpeg 4.4 to 9.0. The cures of the media path that were
//! measured (ARCHITECTURE.md, "Where the time went") are each named where they stand.

use super::child::drain_cut_lines;
use super::cover::Secret;
use super::output::Output;
use super::{Capabilities, encoder};
use crate::settings::{
    EncoderFamily, EncoderSpeed, PipeFormat, RecordingForm, Settings, mask_cut, mask_values,
};
use crate::units::{Fps, Size};
use std::io::Read;

/// Arguments, and the same with every secret masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    real: Vec<String>,
    shown: Vec<String>,
    /// What must not stand in the child's words either.
    hidden: Vec<String>,
    /// Which of the arguments are secret.
    secrets: Vec<Secret>,
}

impl Arguments {
    /// Arguments without a secret.
    pub fn plain(args: Vec<String>) -> Self {
        Self {
            shown: args.clone(),
            real: args,
            ..Self::default()
        }
    }

    /// Arguments in which the value behind each `option` is a secret.
    pub fn with_secret(args: Vec<String>, option: &str) -> Self {
        let mut all = Self::default();
        let mut is_value = false;
        for arg in args {
            match is_value {
                true => all.add_secret_value(Some(option), &arg, "***"),
                false => all.add([&arg]),
            }
            is_value = arg == option;
        }
        all
    }

    /// Those that are secret.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// For the child.
    pub fn real(&self) -> &[String] {
        &self.real
    }

    /// For anyone's eyes.
    pub fn shown(&self) -> &[String] {
        &self.shown
    }

    /// The command as one line that a shell would take, secrets masked.
    pub fn command_line(&self, program: &str) -> String {
        std::iter::once(program)
            .chain(self.shown.iter().map(String::as_str))
            .map(quoted)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// A line of the child's with every secret argument masked: ffmpeg repeats addresses.
    pub fn mask(&self, line: &str) -> String {
        let hidden: Vec<_> = self.hidden.iter().map(String::as_str).collect();
        mask_values(line, &hidden)
    }

    /// Reads the child's words to the end: bounded lines, every secret argument masked.
    pub fn drain(&self, words: impl Read, mut on_line: impl FnMut(&str)) {
        let hidden: Vec<_> = self.hidden.iter().map(String::as_str).collect();
        drain_cut_lines(words, |line, cut| {
            on_line(&if cut {
                mask_cut(line, &hidden)
            } else {
                mask_values(line, &hidden)
            });
        });
    }

    /// Adds what [`Arguments::mask`] takes out.
    #[must_use]
    pub fn hiding(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        self.hidden.extend(secrets);
        self
    }

    pub(super) fn add<S: Into<String>>(&mut self, args: impl IntoIterator<Item = S>) {
        for arg in args {
            let arg = arg.into();
            self.real.push(arg.clone());
            self.shown.push(arg);
        }
    }

    pub(super) fn add_secret(&mut self, option: &str, real: &str, shown: &str) {
        self.add([option]);
        self.add_secret_value(Some(option), real, shown);
    }

    /// An address with a secret in it.
    pub(super) fn add_masked(&mut self, real: &str, shown: &str) {
        self.add_secret_value(None, real, shown);
    }

    fn add_secret_value(&mut self, option: Option<&str>, real: &str, shown: &str) {
        self.real.push(real.to_owned());
        self.shown.push(shown.to_owned());
        if real != shown {
            self.hidden.push(real.to_owned());
            self.secrets.push(Secret {
                option: option.map(str::to_owned),
                value: real.to_owned(),
            });
        }
    }
}

fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

/// What an encoder child is to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderWish {
    /// Encoder.
    pub family: EncoderFamily,
    /// Which of the family's sets of options: 0 is the first choice, see [`super::encoder`].
    pub variant: u8,
    /// Picture, both sides even.
    pub size: Size,
    /// Frames a second.
    pub fps: Fps,
    /// Bitrate, kb/s.
    pub bitrate_kbps: u32,
    /// What is weighed more: time or sharpness.
    pub speed: EncoderSpeed,
    /// Rate control's buffer, frames, where it is not as `speed` has it.
    pub vbv_frames: Option<u32>,
    /// IDR to IDR, seconds.
    pub gop_seconds: f32,
    /// Form of the pictures that it is fed with.
    pub pipe: PipeFormat,
}

impl EncoderWish {
    /// What the settings say, on libx264 where they leave the encoder open (see [`super::choose`]).
    pub fn of(settings: &Settings) -> Self {
        Self {
            family: settings.encoder.family.unwrap_or(EncoderFamily::Libx264),
            variant: 0,
            size: settings.video.size.even(),
            fps: settings.video.fps,
            bitrate_kbps: settings.encoder.bitrate_kbps,
            speed: settings.encoder.speed,
            vbv_frames: settings.encoder.vbv_frames,
            gop_seconds: settings.encoder.gop_seconds,
            pipe: settings.video.pipe,
        }
    }

    /// Frames from one IDR to the next.
    pub fn gop_frames(&self) -> u32 {
        self.fps.frames_in(f64::from(self.gop_seconds))
    }

    /// Rate control's buffer, kbit: so many frames of the bitrate, but at most what keeps an access
    /// unit below 64 KiB. A PES packet's length has 16 bits (ISO/IEC 13818-1 2.4.3.7); above that
    /// it is left out, and the receiver waits a frame longer to know that the picture has ended.
    pub fn vbv_kbit(&self) -> u32 {
        let by_speed = match self.speed {
            EncoderSpeed::Fastest => 2.0,
            EncoderSpeed::Balanced => 4.0,
            EncoderSpeed::Sharpest => self.fps.as_f64() / 2.0,
        };
        let count = self.vbv_frames.map_or(by_speed, f64::from);
        let frames = f64::from(self.bitrate_kbps) * count / self.fps.as_f64();
        (frames.round() as u32).clamp(8, ACCESS_UNIT_KBIT)
    }
}

/// 60 kB: 64 KiB less PES header, parameter sets and what rate control overshoots.
const ACCESS_UNIT_KBIT: u32 = 480;

/// The frame that the encoder makes an IDR, counted from 0: frame 0 is the warm-up picture, whose
/// access unit is thrown away, frame 1 the first of the show.
pub const FIRST_SHOWN: u64 = 1;

/// What every child begins with: no banner, no questions, no progress among its words.
pub const QUIET: [&str; 5] = [
    "-hide_banner",
    "-nostdin",
    "-nostats",
    "-loglevel",
    "warning",
];

/// Arguments of the encoder: raw pictures on stdin, FLV on stdout.
pub fn encoder(wish: &EncoderWish, found: &Capabilities, cores: usize) -> Arguments {
    let row = encoder::row(wish.family);
    let mut args = Arguments::default();
    args.add(QUIET);
    let node = row.render_node(wish.variant, found);
    if let Some(node) = node {
        args.add(["-vaapi_device", node]);
    }
    args.add(PROBE_NOTHING);
    let pipe = match wish.pipe {
        PipeFormat::I420 => "yuv420p",
        PipeFormat::Bgra => "bgra",
    };
    args.add(["-f", "rawvideo", "-pix_fmt", pipe]);
    args.add(["-video_size".into(), wish.size.to_string()]);
    args.add([
        "-framerate".into(),
        format!("{}/{}", wish.fps.num, wish.fps.den),
    ]);
    if wish.pipe == PipeFormat::I420 {
        args.add(COLOUR);
    }
    args.add(["-i", "pipe:0", "-an"]);
    let filters = filters(wish.pipe, row.pixel_format, node.is_some());
    if !filters.is_empty() {
        args.add(["-vf", &filters]);
    }
    args.add(encoder::arguments(wish, found, cores));
    if node.is_none() {
        args.add(["-pix_fmt", row.pixel_format]);
    }
    args.add(["-bf", "0"]);
    args.add(["-g".into(), wish.gop_frames().to_string()]);
    args.add([
        "-force_key_frames".into(),
        format!("expr:eq(n,{FIRST_SHOWN})"),
    ]);
    let rate = format!("{}k", wish.bitrate_kbps);
    args.add(["-b:v", &rate, "-maxrate", &rate]);
    args.add(["-bufsize".into(), format!("{}k", wish.vbv_kbit())]);
    args.add(COLOUR);
    // FLV: each tag has its size, so an access unit is complete the moment it is written; a raw
    // H.264 stream shows an end only when the next picture begins.
    args.add([
        "-f",
        "flv",
        "-flvflags",
        "no_duration_filesize",
        "-flush_packets",
        "1",
        "pipe:1",
    ]);
    args
}

/// What a picture goes through before the encoder; empty where it is taken as it comes.
fn filters(pipe: PipeFormat, pixel_format: &str, upload: bool) -> String {
    let mut chain = Vec::new();
    if pipe == PipeFormat::Bgra {
        // The scaler's own choice is BT.601 (libswscale, SWS_CS_DEFAULT), whatever the tags say; and
        // newer encoders take primaries and transfer from the pictures, not from the options.
        chain.push("scale=out_color_matrix=bt709:out_range=tv".to_owned());
    }
    if pipe == PipeFormat::Bgra || upload || pixel_format != "yuv420p" {
        chain.push(format!("format={pixel_format}"));
    }
    if pipe == PipeFormat::Bgra {
        chain.push("setparams=color_primaries=bt709:color_trc=bt709".to_owned());
    }
    if upload {
        chain.push("hwupload".to_owned());
    }
    chain.join(",")
}

/// Before each input: probing held the first picture back 4.5 s (7.0), 1.3 s (5.1); so 0.3..0.6.
const PROBE_NOTHING: [&str; 4] = ["-probesize", "32", "-analyzeduration", "0"];

/// BT.709, limited range (ITU-T H.264 E.2.1), on the input so that nothing is converted, on the
/// output so that it is written into the SPS.
const COLOUR: [&str; 8] = [
    "-color_range",
    "tv",
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
];

/// Where the publisher reads the sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioInput {
    /// An inherited pipe of this number.
    Pipe(u32),
    /// A loopback listener of the console (systems that cannot pass a pipe on).
    LoopbackTcp(u16),
}

impl AudioInput {
    pub(super) fn url(&self) -> String {
        match self {
            Self::Pipe(number) => format!("pipe:{number}"),
            Self::LoopbackTcp(port) => format!("tcp://127.0.0.1:{port}"),
        }
    }
}

/// Arguments of the publisher: FLV (H.264) on stdin and endless WAV in, `output` out.
///
/// With `hashes` the hash of each Opus packet that goes out is a line on stdout, between those of
/// `-progress` (each is one write): a second output encodes the same sound once more, libopus gives
/// the same bytes. The muxers have no other word for what they were given; `tee` would hide the
/// first output's size and want every secret quoted twice over. Cost and effect are in
/// ARCHITECTURE.md, "The sound's ledger".
pub fn publisher(audio: &AudioInput, audio_kbps: u32, output: &Output, hashes: bool) -> Arguments {
    let mut args = Arguments::default();
    args.add(QUIET);
    // Ten times a second: its first word of bytes sent is what LIVE waits for.
    args.add(["-progress", "pipe:1", "-stats_period", "0.1"]);
    args.add(PROBE_NOTHING);
    args.add(["-f", "flv", "-i", "pipe:0"]);
    args.add(PROBE_NOTHING);
    // WAV and not s16le: the latter is read in blocks of 4096 samples (85 ms) since 6.1.
    args.add(["-f", "wav", "-ignore_length", "1", "-max_size", "1024"]);
    args.add(["-i".into(), audio.url()]);
    args.add(["-map", "0:v", "-map", "1:a", "-c:v", "copy"]);
    opus(&mut args, audio_kbps);
    output.add_to(&mut args);
    if hashes {
        // Behind the first: -progress tells the first output's size.
        args.add(["-map", "1:a"]);
        opus(&mut args, audio_kbps);
        args.add(["-f", "framehash", "-hash", "SHA256"]);
        args.add(["-flush_packets", "1", "pipe:1"]);
    }
    args
}

fn opus(args: &mut Arguments, kbps: u32) {
    args.add(["-c:a", "libopus", "-ar", "48000", "-ac", "2"]);
    args.add(["-b:a".into(), format!("{kbps}k")]);
    args.add(["-application", "lowdelay", "-frame_duration", "10"]);
}

/// Arguments of the recorder: FLV (H.264) on stdin and endless WAV in, a file out that plays up to its
/// last half second however it ends.
pub fn recorder(audio: &AudioInput, form: RecordingForm, audio_kbps: u32, path: &str) -> Arguments {
    let mut args = Arguments::default();
    args.add(QUIET);
    args.add(PROBE_NOTHING);
    args.add(["-f", "flv", "-i", "pipe:0"]);
    args.add(PROBE_NOTHING);
    args.add(["-f", "wav", "-ignore_length", "1"]);
    args.add(["-i".into(), audio.url()]);
    args.add(["-map", "0:v", "-map", "1:a", "-c:v", "copy"]);
    let codec = match form {
        RecordingForm::Mkv => "libopus",
        RecordingForm::Mp4 => "aac",
    };
    args.add(["-c:a", codec, "-ar", "48000", "-ac", "2"]);
    args.add(["-b:a".into(), format!("{audio_kbps}k")]);
    match form {
        // A cluster is written when it ends: by default after up to 5 s.
        RecordingForm::Mkv => args.add(["-f", "matroska", "-cluster_time_limit", "500"]),
        // avc3: parameter sets may stand in the pictures (ISO/IEC 14496-15 5.3.3), as they do when
        // another encoder takes over.
        RecordingForm::Mp4 => args.add([
            "-tag:v",
            "avc3",
            "-f",
            "mp4",
            "-movflags",
            "+frag_keyframe+empty_moov+default_base_moof",
        ]),
    }
    // The name was claimed with an empty file, so it is ours to write over. `file:` keeps a colon in it
    // from being a protocol's.
    args.add(["-flush_packets", "1", "-y"]);
    args.add([format!("file:{path}")]);
    args
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
