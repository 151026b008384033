//! Makes the snapshot out of everything. Runs on the session's thread; keeps the meter's trend and
//! the sound level between two snapshots.

use super::ahead::Ahead;
use super::encoders::Mark;
use super::inputs::{Inputs, PreviewOut};
use super::journal::Journal;
use super::machine::Machine;
use super::show::Show;
use super::snapshot::{
    AdaptiveStatus, AudioInputStatus, AudioLevel, AudioStatus, DoctorStatus, EncoderStatus,
    EyesStatus, LinkStatus, ProbeStatus, Proof, RouteStatus, Snapshot, Tally, TrendEvent,
    TrendPoint,
};
use crate::audio::supervisor::SourceStatus;
use crate::audio::{MixReader, timeline};
use crate::clock::MonoTime;
use crate::ffmpeg::plan::EncoderWish;
use crate::monitor::gpu::Gpu;
use crate::record::status::RecordingStatus;
use crate::relay::hub::{METER_WINDOW, RelayFigures};
use crate::remote::RemoteStatus;
use crate::settings::Settings;
use crate::viewer::ViewerStatus;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// 4 points a second over a minute.
const TREND_POINTS: usize = 240;
const TREND_SPAN: Duration = Duration::from_secs(60);
/// Marks kept: more could not be told apart.
const MARKS: usize = 32;
const TREND_EVERY: Duration = Duration::from_millis(250);
/// The level is read so far behind the clock: sources deliver in chunks.
const LEVEL_DELAY: Duration = Duration::from_millis(40);
/// At most so much sound is looked at in one go.
const LEVEL_FRAMES: u64 = 9_600;

/// What a snapshot is made of.
pub struct Sources<'a> {
    /// The time.
    pub now: MonoTime,
    /// State.
    pub machine: &'a Machine,
    /// Settings in force.
    pub settings: &'a Settings,
    /// The relay's figures.
    pub figures: &'a RelayFigures,
    /// The running show.
    pub show: Option<&'a Show>,
    /// The running sources.
    pub inputs: Option<&'a Inputs>,
    /// What waits to be changed to.
    pub pending: Option<EncoderWish>,
    /// Why the picture is smaller or slower than wished, where it is.
    pub lowered: Option<String>,
    /// The adaptive bitrate, where it is on.
    pub adaptive: Option<AdaptiveStatus>,
    /// Graphics cards, where they were looked at.
    pub gpus: Option<Arc<Vec<Gpu>>>,
    /// Is everything there?
    pub doctor: DoctorStatus,
    /// Recording and replay.
    pub recording: RecordingStatus,
    /// How far the server is and which ways are open, before a show too.
    pub ahead: &'a Ahead,
    /// Preview pictures.
    pub preview: &'a PreviewOut,
    /// Log.
    pub journal: &'a Journal,
}

/// What lasts from snapshot to snapshot.
#[derive(Default)]
pub struct View {
    trend: VecDeque<TrendPoint>,
    marks: VecDeque<Mark>,
    trend_at: Option<MonoTime>,
    /// Whether the trend shows arrival, or `sent` where arrival is not measured.
    trend_of_arrival: bool,
    /// Of the running sources.
    sound: Option<MixReader>,
    level_from: Option<u64>,
}

impl View {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new show begins.
    pub fn reset(&mut self) {
        self.trend.clear();
        self.marks.clear();
        self.trend_at = None;
        self.trend_of_arrival = false;
    }

    /// Marks something on the trend.
    pub fn mark(&mut self, mark: Mark) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(mark);
    }

    fn events(&self, live_since: Option<MonoTime>, now: MonoTime) -> Vec<TrendEvent> {
        let Some(since) = live_since else {
            return Vec::new();
        };
        self.marks
            .iter()
            .filter(|(at, ..)| *at >= since && now.since(*at) <= TREND_SPAN)
            .map(|(at, kind, text)| TrendEvent {
                at_s: at.since(since).as_secs_f64(),
                kind: *kind,
                text: text.clone(),
            })
            .collect()
    }

    /// The snapshot of this moment.
    pub fn make(&mut self, from: Sources<'_>) -> Snapshot {
        self.add_trend(&from);
        let audio = self.audio(&from);
        let in_force = from.show.map(Show::in_force);
        let picture = from.inputs.map(Inputs::picture_status).unwrap_or_default();
        let live = from.show.is_some();
        Snapshot {
            state: from.machine.state().clone(),
            live_since: from.machine.live_since(),
            at: from.now,
            settings: from.settings.clone(),
            receiver: from.show.map(|show| show.outlet().receiver()),
            confirmation: from.machine.confirmation(),
            source: match (&picture.problem, &picture.asks) {
                (Some(text), _) | (None, Some(text)) => text.clone(),
                (None, None) => picture.label.clone(),
            },
            picture,
            encoder: in_force.as_ref().map_or_else(String::new, |(wish, _)| {
                format!(
                    "{} {} {} fps {} kb/s",
                    crate::ffmpeg::encoder::row(wish.family).name,
                    wish.size,
                    wish.fps,
                    wish.bitrate_kbps
                )
            }),
            bitrate_pending_kbps: in_force.and_then(|(wish, changing)| {
                let next = changing.or(from.pending)?.bitrate_kbps;
                (next != wish.bitrate_kbps).then_some(next)
            }),
            encoding: from
                .show
                .map_or_else(EncoderStatus::default, |show| EncoderStatus {
                    lowered: from.lowered,
                    adaptive: from.adaptive,
                    ..show.encoder_status(&from.figures.encode)
                }),
            gpus: from.gpus,
            network: from.show.and_then(|show| show.outlet().network()),
            route: route(from.show, from.ahead),
            ping: from.ahead.ping.clone(),
            link: LinkStatus::of(from.machine.link()),
            backups: from
                .show
                .map(|show| show.backups(from.now))
                .unwrap_or_default(),
            doctor: from.doctor,
            // The worker's.
            first_run: false,
            can_take_over: false,
            install: super::install::InstallStatus::None,
            can_ask_for_updates: false,
            update: None,
            ffmpeg_install: super::install::InstallStatus::None,
            preflight: Arc::default(),
            profiles: super::profiles::ProfilesStatus::default(),
            recording: from.recording,
            events: self.events(from.machine.live_since(), from.now),
            measured_kbps: from.figures.kbps.filter(|_| live),
            measured_fps: from.figures.fps.filter(|_| live),
            latency: from.figures.latency,
            trend: self.trend.iter().copied().collect(),
            passthrough: from.figures.passthrough,
            proof: Proof::of(from.figures.arrivals, from.figures.verdict),
            sound_passthrough: from.figures.sound.passthrough,
            sound_proof: Proof::of(from.figures.sound.arrivals, from.figures.sound.verdict),
            sound_arrived: from.figures.sound.arrived,
            probe: from.show.map_or_else(ProbeStatus::default, |show| {
                show.outlet().probe_status(from.now)
            }),
            // The worker's, out of all the rest.
            tally: Tally::default(),
            notices: Vec::new(),
            cpu_percent: None,
            drops: from.figures.drops,
            frames: from.figures.frames,
            bytes: from.figures.bytes,
            viewers: from.show.and_then(|show| show.outlet().viewers()),
            readers: from
                .show
                .map(|show| show.outlet().readers())
                .unwrap_or_default(),
            api_problem: from.ahead.api_problem.clone(),
            // The worker's, which serves it.
            viewer: ViewerStatus::default(),
            remote: RemoteStatus::default(),
            commands: 0,
            eyes: EyesStatus::default(),
            audio,
            log: from.journal.lines(),
            preview: from.preview.picture.load().as_deref().cloned(),
        }
    }

    fn add_trend(&mut self, from: &Sources<'_>) {
        let Some(since) = from.machine.live_since().filter(|_| from.show.is_some()) else {
            return;
        };
        // Earlier figures hold pictures that waited for the start.
        if from.now.since(since) < METER_WINDOW {
            return;
        }
        if self
            .trend_at
            .is_some_and(|at| from.now.since(at) < TREND_EVERY)
        {
            return;
        }
        let latency = &from.figures.latency;
        // One line, one meaning: what was shown before arrival was known goes.
        if latency.arrived.is_some() && !std::mem::replace(&mut self.trend_of_arrival, true) {
            self.trend.clear();
        }
        let shown = if self.trend_of_arrival {
            latency.arrived
        } else {
            latency.sent
        };
        if let Some(figures) = shown {
            self.trend_at = Some(from.now);
            if self.trend.len() == TREND_POINTS {
                self.trend.pop_front();
            }
            self.trend.push_back(TrendPoint {
                at_s: from.now.since(since).as_secs_f64(),
                p50_ms: figures.p50_ms,
                p95_ms: figures.p95_ms,
            });
        }
    }

    fn audio(&mut self, from: &Sources<'_>) -> AudioStatus {
        let Some(inputs) = from.inputs else {
            (self.sound, self.level_from) = (None, None);
            return AudioStatus::default();
        };
        // Other sources have another mix: its reader begins anew.
        let sound = match &mut self.sound {
            Some(sound) if sound.is_of(&inputs.mixer) => sound,
            sound => sound.insert(inputs.mixer.reader()),
        };
        let until = timeline::index_of(from.now - LEVEL_DELAY);
        let first = self
            .level_from
            .unwrap_or(until)
            .max(until.saturating_sub(LEVEL_FRAMES));
        self.level_from = Some(until);
        if until > first {
            let frames = usize::try_from(until - first).unwrap_or(0);
            sound.set_muted(from.settings.audio.muted);
            sound.meter(first, frames, from.now);
        }
        let levels = sound.input_levels(from.now);
        let level = sound.level(from.now);
        let limited = sound.limited_frames();
        summary(level, limited, &levels, inputs.sound_statuses())
    }
}

/// Of the show, where it has taken a way; else what a look ahead found.
fn route(show: Option<&Show>, ahead: &Ahead) -> RouteStatus {
    let of_show = show.map(|show| show.outlet().route());
    match of_show.filter(|route| route.way.is_some()) {
        Some(route) => route,
        None => RouteStatus {
            ways: ahead.ways.clone(),
            ..RouteStatus::default()
        },
    }
}

fn summary(
    level: AudioLevel,
    limited_frames: u64,
    levels: &[AudioLevel],
    statuses: Vec<SourceStatus>,
) -> AudioStatus {
    let inputs: Vec<_> = statuses
        .into_iter()
        .enumerate()
        .map(|(index, status)| AudioInputStatus {
            label: status.label,
            level: levels.get(index).copied().unwrap_or_default(),
            problem: status.problem,
            format: status.format,
        })
        .collect();
    let open: Vec<_> = inputs.iter().map(|input| input.label.as_str()).collect();
    let label = open
        .iter()
        .filter(|label| !label.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" + ");
    // While one gives sound, the others' trouble stands beside their own meters.
    let problem = if label.is_empty() {
        inputs.iter().find_map(|input| input.problem.clone())
    } else {
        None
    };
    AudioStatus {
        label,
        level,
        problem,
        inputs,
        limited_frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dead_input_does_not_hide_the_sums_meter() {
        let good = SourceStatus {
            label: "USB".into(),
            ..SourceStatus::default()
        };
        let dead = SourceStatus {
            problem: Some("unplugged".into()),
            ..SourceStatus::default()
        };
        let level = AudioLevel::default();
        let both = summary(level, 0, &[level], vec![dead.clone(), good]);
        assert_eq!((both.label.as_str(), both.problem), ("USB", None));
        assert_eq!(both.inputs[0].problem.as_deref(), Some("unplugged"));
        let alone = summary(level, 0, &[level], vec![dead]);
        assert_eq!(alone.problem.as_deref(), Some("unplugged"));
    }
}
