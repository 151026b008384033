//! Makes the snapshot out of everything. Runs on the session's thread; keeps the meter's trend and
//! the sound level between two snapshots.

use super::inputs::{Inputs, PreviewOut};
use super::journal::Journal;
use super::machine::Machine;
use super::show::Show;
use super::snapshot::{AudioLevel, AudioStatus, Snapshot, TrendPoint};
use crate::audio::level::Meter;
use crate::audio::{CHANNELS, timeline};
use crate::clock::MonoTime;
use crate::relay::hub::RelayFigures;
use crate::settings::Settings;
use std::collections::VecDeque;
use std::time::Duration;

/// 4 points a second over a minute.
const TREND_POINTS: usize = 240;
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
    /// A bitrate that the slider waits with.
    pub pending_kbps: Option<u32>,
    /// Preview pictures.
    pub preview: &'a PreviewOut,
    /// Log.
    pub journal: &'a Journal,
}

/// What lasts from snapshot to snapshot.
#[derive(Default)]
pub struct View {
    trend: VecDeque<TrendPoint>,
    trend_at: Option<MonoTime>,
    /// Whether the trend shows arrival, or `sent` where arrival is not measured.
    trend_of_arrival: bool,
    meter: Meter,
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
        self.trend_at = None;
        self.trend_of_arrival = false;
    }

    /// The snapshot of this moment.
    pub fn make(&mut self, from: Sources<'_>) -> Snapshot {
        self.add_trend(&from);
        let level = self.level(&from);
        let in_force = from.show.map(Show::in_force);
        let picture = from.inputs.map(Inputs::picture_status).unwrap_or_default();
        let sound = from.inputs.map(Inputs::sound_status).unwrap_or_default();
        let live = from.show.is_some();
        Snapshot {
            state: from.machine.state().clone(),
            live_since: from.machine.live_since(),
            at: from.now,
            settings: from.settings.clone(),
            receiver: from.show.map(Show::receiver),
            confirmation: from.machine.confirmation(),
            source: picture.problem.unwrap_or(picture.label),
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
                changing
                    .or(from.pending_kbps)
                    .filter(|kbps| *kbps != wish.bitrate_kbps)
            }),
            measured_kbps: from.figures.kbps.filter(|_| live),
            measured_fps: from.figures.fps.filter(|_| live),
            latency: from.figures.latency,
            trend: self.trend.iter().copied().collect(),
            passthrough: from.figures.passthrough,
            drops: from.figures.drops,
            frames: from.figures.frames,
            viewers: from.show.and_then(Show::viewers),
            audio: AudioStatus {
                label: sound.label,
                level,
                problem: sound.problem,
            },
            log: from.journal.lines(),
            preview: from.preview.picture.load().as_deref().cloned(),
        }
    }

    fn add_trend(&mut self, from: &Sources<'_>) {
        let Some(since) = from.machine.live_since().filter(|_| from.show.is_some()) else {
            return;
        };
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

    fn level(&mut self, from: &Sources<'_>) -> AudioLevel {
        let Some(inputs) = from.inputs else {
            self.level_from = None;
            return AudioLevel::default();
        };
        let until = timeline::index_of(from.now - LEVEL_DELAY);
        let first = self
            .level_from
            .unwrap_or(until)
            .max(until.saturating_sub(LEVEL_FRAMES));
        self.level_from = Some(until);
        if until > first {
            let frames = usize::try_from(until - first).unwrap_or(0);
            let mut samples = vec![0; frames * CHANNELS];
            if !from.settings.audio.muted {
                inputs.timeline.read(first, &mut samples);
            }
            self.meter.push_i16(from.now, &samples);
        }
        self.meter.level(from.now)
    }
}
