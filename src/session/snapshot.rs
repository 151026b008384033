//! What the window sees of a show: one immutable picture, made 10 to 20 times a second.

use super::ahead::PingStatus;
use crate::audio::Format;
use crate::capture::PictureStatus;
use crate::clock::MonoTime;
use crate::ffmpeg::plan::EncoderWish;
use crate::latency::Stage;
use crate::latency::ledger::STAGES;
use crate::mediamtx::Reader;
use crate::monitor::gpu::Gpu;
use crate::publish::WayStatus;
use crate::settings::{Settings, Way};
use crate::units::Size;
use crate::viewer::ViewerStatus;
use std::sync::Arc;

mod connection;
mod eyes;
mod notices;
mod probe;
pub use connection::{BackupStatus, Confirmation, LinkStatus, NetworkFigures, Outage, Receiver};
pub use eyes::{Eye, EyesStatus, WhyNot};
pub use notices::{Notice, NoticeKind, Tally};
pub use probe::{ProbeState, ProbeStatus, Proof, Verdict};

/// Where a show stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing runs.
    #[default]
    Idle,
    /// ffmpeg, source, sound and server are being looked at.
    Preflight,
    /// Children are starting; the receiver has not confirmed the stream.
    Starting,
    /// The receiver has confirmed the stream.
    Live,
    /// The publisher or its connection was lost; capture and encoder go on.
    Reconnecting {
        /// Tries so far, from 1.
        attempt: u32,
    },
    /// The children are being ended.
    Stopping,
    /// The show could not begin or go on; the message says what happened and what to do.
    Failed {
        /// For the operator.
        message: String,
    },
}

impl State {
    /// Whether neither a show runs nor one begins or ends.
    pub fn is_at_rest(&self) -> bool {
        matches!(self, Self::Idle | Self::Failed { .. })
    }
}

/// p50, p95 and maximum of one stage over the meter's window, ms since the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct StageFigures {
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Largest.
    pub max_ms: f64,
    /// Frames measured.
    pub frames: u64,
}

/// Latency since capture by stage. None where a stage was not measured: never zero for unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencyFigures {
    /// In the console's memory: up to here it was the source's.
    pub copied: Option<StageFigures>,
    /// Taken by the pacer.
    pub paced: Option<StageFigures>,
    /// In the encoder's form.
    pub converted: Option<StageFigures>,
    /// Written to the encoder's pipe.
    pub written: Option<StageFigures>,
    /// Access unit out of the encoder.
    pub encoded: Option<StageFigures>,
    /// Access unit written to the publisher.
    pub sent: Option<StageFigures>,
    /// Access unit whole at the receiver (loopback listener, or WHEP viewer of MediaMTX).
    pub arrived: Option<StageFigures>,
    /// Not since capture: what the console itself added on the way to `sent`: pacer, pipes, relay.
    /// Not the conversion, which is work on the picture as encoding is.
    pub own: Option<StageFigures>,
    /// Not since capture: from `sent` to `arrived`, that is publisher, network and server. Over a whole
    /// show only.
    pub server: Option<StageFigures>,
}

impl LatencyFigures {
    /// From each stage's figures and the console's own.
    pub fn of(stage: impl Fn(Stage) -> Option<StageFigures>, own: Option<StageFigures>) -> Self {
        Self {
            copied: stage(Stage::Copied),
            paced: stage(Stage::Paced),
            converted: stage(Stage::Converted),
            written: stage(Stage::Written),
            encoded: stage(Stage::Encoded),
            sent: stage(Stage::Sent),
            arrived: stage(Stage::Arrived),
            own,
            server: None,
        }
    }

    /// The stages in order, with the names that they have in results.
    pub fn stages(&self) -> [(&'static str, Option<StageFigures>); 7] {
        let figures = [
            self.copied,
            self.paced,
            self.converted,
            self.written,
            self.encoded,
            self.sent,
            self.arrived,
        ];
        std::array::from_fn(|i| (STAGES[i].name(), figures[i]))
    }

    /// Each stage by its name, and `own`; null where it was not measured.
    pub fn json(&self) -> serde_json::Value {
        let all = self.stages().into_iter().chain([("own", self.own)]);
        all.map(|(name, figures)| (name.to_owned(), serde_json::json!(figures)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// What each stage adds to the median, ms: together they are the last measured stage's. A stage
    /// that was not measured adds None, and its time is in the next one's.
    pub fn parts(&self) -> [Option<f64>; 7] {
        let mut before = 0.0;
        self.stages().map(|(_, figures)| {
            // Medians of different pictures: one may lie below that of the stage before.
            let to = figures?.p50_ms.max(before);
            Some(to - std::mem::replace(&mut before, to))
        })
    }
}

/// Frames that did not reach the viewer, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Drops {
    /// Overwritten in the slot: the source was faster than the show.
    pub capture: u64,
    /// The encoder did not take them in time.
    pub encoder: u64,
    /// The publisher did not take them, or was away.
    pub network: u64,
    /// Sent, and missing at the measuring receiver while others came: by the network or the server.
    pub lost: u64,
}

impl Drops {
    /// Those that came after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            capture: self.capture.saturating_sub(earlier.capture),
            encoder: self.encoder.saturating_sub(earlier.encoder),
            network: self.network.saturating_sub(earlier.network),
            lost: self.lost.saturating_sub(earlier.lost),
        }
    }

    /// All of them.
    pub fn sum(self) -> u64 {
        self.capture + self.encoder + self.network + self.lost
    }
}

/// Sound level over the last 100 ms or so, dBFS, 0 is full scale; silence is `f32::NEG_INFINITY`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioLevel {
    /// Peak of left and right.
    pub peak_dbfs: [f32; 2],
    /// Root mean square of left and right.
    pub rms_dbfs: [f32; 2],
    /// A sample reached full scale, or the sum was too loud and limited, within the last 2 s.
    pub clipped: bool,
}

impl Default for AudioLevel {
    fn default() -> Self {
        Self {
            peak_dbfs: [f32::NEG_INFINITY; 2],
            rms_dbfs: [f32::NEG_INFINITY; 2],
            clipped: false,
        }
    }
}

/// The sound as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioStatus {
    /// The inputs' labels, empty while none is open.
    pub label: String,
    /// Level of what is sent.
    pub level: AudioLevel,
    /// Set where no input gives anything though one should: what happened and what to do.
    pub problem: Option<String>,
    /// Each input, in the order of the settings.
    pub inputs: Vec<AudioInputStatus>,
    /// Sample frames that were too loud together and were limited, since the inputs were started.
    pub limited_frames: u64,
}

/// One input as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioInputStatus {
    /// What is open, empty while nothing is.
    pub label: String,
    /// Its level behind gain and mute; the clip mark also tells that it came in at full scale.
    pub level: AudioLevel,
    /// Set where it gives nothing: what happened and what to do.
    pub problem: Option<String>,
    /// How the device is open, where it is one.
    pub format: Option<Format>,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For the record.
    Info,
    /// The show goes on, something is not as wished.
    Warning,
    /// Something failed.
    Error,
}

/// One line of the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Counts lines from 0; the window keys on it.
    pub number: u64,
    /// Local wall-clock time as HH:MM:SS.
    pub time: String,
    /// How grave.
    pub severity: Severity,
    /// Text, secrets masked.
    pub text: String,
}

/// One point of the meter's trend.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct TrendPoint {
    /// Seconds since the show began.
    pub at_s: f64,
    /// Median capture to arrival (or to `sent` where arrival is not measured), ms.
    pub p50_ms: f64,
    /// 95th percentile, ms.
    pub p95_ms: f64,
}

/// Something that happened, to be marked on the meter's trend.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TrendEvent {
    /// Seconds since the show began.
    pub at_s: f64,
    /// What kind.
    pub kind: TrendKind,
    /// In words, short: "3000 -> 1500 kb/s: 4 % of the packets were lost".
    pub text: String,
}

/// Kinds of [`TrendEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum TrendKind {
    /// Bitrate, size, rate or speed changed because the operator wished it.
    Wished,
    /// The same because the network did.
    Adapted,
    /// Another encoder took over because the one before failed.
    Failover,
    /// The publisher connected again.
    Reconnected,
}

/// Sizes of the key frames, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFrameSizes {
    /// The newest one's.
    pub last: usize,
    /// The largest of the show.
    pub max: usize,
}

/// The encoder as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncoderStatus {
    /// What it makes; None while no show runs.
    pub wish: Option<EncoderWish>,
    /// ffmpeg's name of it, such as `h264_nvenc`.
    pub name: String,
    /// Its options as a command line, without size, rate and bitrate.
    pub options: String,
    /// Why it is this one.
    pub why: String,
    /// Loud: the chosen encoder does not work, or one failed while live, and another has its place.
    pub fallback: Option<String>,
    /// Why none is at work, in a show that had one.
    pub lost: Option<String>,
    /// What is being changed to.
    pub changing_to: Option<EncoderWish>,
    /// Time from the first byte written to the encoder to the whole access unit, over the last two
    /// seconds. One frame's time is its budget.
    pub encode: Option<StageFigures>,
    /// Frames of the show that took longer than one frame's time.
    pub late: u64,
    /// Key frames; above 64 KiB (65 535 bytes) the receiver waits one frame longer.
    pub key_frames: Option<KeyFrameSizes>,
    /// Set where the picture is smaller or slower than wished: the rule in words.
    pub lowered: Option<String>,
    /// The adaptive bitrate, where it is on.
    pub adaptive: Option<AdaptiveStatus>,
}

/// The adaptive bitrate as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdaptiveStatus {
    /// What it holds now, kb/s.
    pub kbps: u32,
    /// Between these, kb/s.
    pub bounds_kbps: (u32, u32),
    /// Why it stands there, in words.
    pub reason: String,
}

/// The ways into the receiver, as the operator sees them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteStatus {
    /// The way in force; None while nothing is sent, or to loopback only.
    pub way: Option<Way>,
    /// Each way: its floor, and why it cannot be taken here.
    pub ways: Vec<WayStatus>,
    /// Loud: faster ways were tried and failed, each with its reason.
    pub fallback: Option<String>,
    /// The SRT latency that the server was asked for, ms. It may be raised: see
    /// [`NetworkFigures::latency_ms`].
    pub wished_latency_ms: Option<u32>,
    /// So much longer than the agreed SRT latency the server holds each picture, ms in tens; None where it
    /// does not, or nobody measures.
    pub held_beyond_ms: Option<u32>,
}

/// The last look at everything, see [`crate::doctor`].
#[derive(Clone, Debug, Default)]
pub struct DoctorStatus {
    /// One is under way.
    pub running: bool,
    /// What the one under way has found so far; afterwards all of it.
    pub so_far: Option<Arc<crate::doctor::Report>>,
    /// The newest finished one.
    pub report: Option<Arc<crate::doctor::Report>>,
}

impl PartialEq for DoctorStatus {
    /// Whether both have the very same report.
    fn eq(&self, other: &Self) -> bool {
        let address = |status: &Self| status.report.as_ref().map(Arc::as_ptr);
        self.running == other.running && address(self) == address(other)
    }
}

/// A small picture for the window.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Counts pictures, so that the window uploads each once.
    pub number: u64,
    /// At most 640 pixels across.
    pub size: Size,
    /// RGBA, `4 * width * height` bytes.
    pub rgba: Arc<[u8]>,
    /// CPU time that making it took, microseconds.
    pub cost_us: u32,
}

impl PartialEq for Preview {
    /// Whether both are the same picture, by its number.
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Everything that the window shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Where the show stands.
    pub state: State,
    /// Since when it is live, on the console's clock.
    pub live_since: Option<MonoTime>,
    /// When this was made.
    pub at: MonoTime,
    /// Commands that the session had taken by then, see [`super::Console::send_counted`].
    pub commands: u64,
    /// Settings in force.
    pub settings: Settings,
    /// Who takes the stream; None before preflight has found out.
    pub receiver: Option<Receiver>,
    /// How sure we are that it does.
    pub confirmation: Confirmation,
    /// Source's label, or its problem.
    pub source: String,
    /// The picture source.
    pub picture: PictureStatus,
    /// Encoder in force, such as "libx264 3000 kb/s".
    pub encoder: String,
    /// The encoder in all parts.
    pub encoding: EncoderStatus,
    /// Graphics cards; None until they were looked at, empty where there is none.
    pub gpus: Option<Arc<Vec<Gpu>>>,
    /// The way to the server, where its API tells.
    pub network: Option<NetworkFigures>,
    /// The ways into the receiver.
    pub route: RouteStatus,
    /// How far the server is, before a show too.
    pub ping: PingStatus,
    /// The programme's connection.
    pub link: LinkStatus,
    /// The backup receivers, where there are any.
    pub backups: Vec<BackupStatus>,
    /// Is everything there?
    pub doctor: DoctorStatus,
    /// Nobody has set this console up yet.
    pub first_run: bool,
    /// The show failed because another has its path: [`super::Command::TakeOver`] throws that one out.
    pub can_take_over: bool,
    /// The download of MediaMTX.
    pub install: super::install::InstallStatus,
    /// This build knows where to ask for newer versions.
    pub can_ask_for_updates: bool,
    /// A newer version of the console that the operator has not put away.
    pub update: Option<Arc<crate::updates::Release>>,
    /// The download of ffmpeg.
    pub ffmpeg_install: super::install::InstallStatus,
    /// The look before the show, step by step; empty before the first one and once it was put away. See
    /// [`super::steps::is_open`].
    pub preflight: Arc<Vec<super::steps::Step>>,
    /// The profiles.
    pub profiles: super::profiles::ProfilesStatus,
    /// A bitrate change on its way: the wanted kb/s.
    pub bitrate_pending_kbps: Option<u32>,
    /// Measured bitrate of the picture over the last two seconds, kb/s.
    pub measured_kbps: Option<f64>,
    /// Measured frames a second out of the encoder over the last two seconds.
    pub measured_fps: Option<f64>,
    /// Latency over the last two seconds.
    pub latency: LatencyFigures,
    /// The last 60 s of the meter, oldest first, at most 4 points a second.
    pub trend: Vec<TrendPoint>,
    /// What happened within the trend, oldest first, at most 32.
    pub events: Vec<TrendEvent>,
    /// Share of arrived pictures that are byte for byte the encoder's, 0..=1; None without figures.
    pub passthrough: Option<f64>,
    /// The same with the counts behind it, and what it means.
    pub proof: Proof,
    /// Share of arrived Opus packets that are byte for byte the publisher's, 0..=1; None without
    /// figures.
    pub sound_passthrough: Option<f64>,
    /// The same with the counts behind it, and what it means.
    pub sound_proof: Proof,
    /// From the moment that a sound is there to be heard to its packet's arrival, over the last two
    /// seconds; None where packets cannot be told apart (silence) or nothing is measured.
    pub sound_arrived: Option<StageFigures>,
    /// How the probe does.
    pub probe: ProbeStatus,
    /// Whether viewers have the show, as the server's side says.
    pub tally: Tally,
    /// What is or was just now wrong in the running show, the oldest first, at most 16.
    pub notices: Vec<Notice>,
    /// Share of all of the machine's cores in use, percent, where the system tells.
    pub cpu_percent: Option<f64>,
    /// Drops since the show began.
    pub drops: Drops,
    /// Frames out of the pacer since the show began.
    pub frames: u64,
    /// Bytes of the picture since the show began.
    pub bytes: u64,
    /// Viewers connected, where the server tells.
    pub viewers: Option<u32>,
    /// The same one by one, at most 100.
    pub readers: Arc<Vec<Reader>>,
    /// Why the server's API tells nothing, where it was asked before a show.
    pub api_problem: Option<String>,
    /// The viewers' page.
    pub viewer: ViewerStatus,
    /// Remote control.
    pub remote: crate::remote::RemoteStatus,
    /// Those who watch on it, with capture to the eye.
    pub eyes: EyesStatus,
    /// The sound.
    pub audio: AudioStatus,
    /// Recording and replay.
    pub recording: crate::record::status::RecordingStatus,
    /// The newest 500 log lines, oldest first.
    pub log: Arc<Vec<LogLine>>,
    /// The newest preview picture.
    pub preview: Option<Preview>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was measured: the parts tile the whole, none is below zero, none is made up.
        #[test]
        fn parts_tile_the_whole(p50 in proptest::array::uniform7(proptest::option::of(0.0..500.0_f64))) {
            let of = |p50: Option<f64>| p50.map(|p50_ms| StageFigures { p50_ms, ..Default::default() });
            let figures = LatencyFigures::of(|stage| of(p50[stage as usize]), None);
            let parts = figures.parts();
            let whole = p50.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
            prop_assert!((parts.iter().flatten().sum::<f64>() - whole).abs() < 1e-9);
            for (part, p50) in parts.iter().zip(p50) {
                prop_assert_eq!(part.is_some(), p50.is_some());
                prop_assert!(part.is_none_or(|part| part >= 0.0));
            }
        }
    }
}
