//! What happened, from one snapshot to the next, as events. Pure.
//!
//! Runs on `pd-remote` 20 times a second while a client is connected. A state that came and went
//! between two looks is told of where a client counts on it (an output that was stopped was stopping
//! before).

use super::protocol::{event, subscription};
use super::request::{
    self, Input, Place, SCENE, VENDOR, bitrate, decibels_to_multiplier, inputs, is_active,
    keeps_replay, latency, scene_uuid, severity, tally, volume,
};
use crate::clock::MonoTime;
use crate::record::status::Phase;
use crate::session::Snapshot;
use crate::session::snapshot::{AudioLevel, Severity, State};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Latency is told so often while on air.
const LATENCY_EVERY: Duration = Duration::from_millis(500);

/// An event and who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The subscription's bit.
    pub intent: u64,
    /// The message whole.
    pub message: Value,
}

/// An output's states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Stopped,
    Starting,
    Started,
    Reconnecting,
    Reconnected,
    Stopping,
}

impl Output {
    fn of_show(state: &State) -> Self {
        match state {
            State::Idle | State::Failed { .. } => Self::Stopped,
            State::Preflight | State::Starting => Self::Starting,
            State::Live => Self::Started,
            State::Reconnecting { .. } => Self::Reconnecting,
            State::Stopping => Self::Stopping,
        }
    }

    fn of_recording(phase: Phase) -> Self {
        match phase {
            Phase::Off => Self::Stopped,
            Phase::Starting => Self::Starting,
            Phase::On => Self::Started,
            Phase::Ending => Self::Stopping,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Stopped => "OBS_WEBSOCKET_OUTPUT_STOPPED",
            Self::Starting => "OBS_WEBSOCKET_OUTPUT_STARTING",
            Self::Started => "OBS_WEBSOCKET_OUTPUT_STARTED",
            Self::Reconnecting => "OBS_WEBSOCKET_OUTPUT_RECONNECTING",
            Self::Reconnected => "OBS_WEBSOCKET_OUTPUT_RECONNECTED",
            Self::Stopping => "OBS_WEBSOCKET_OUTPUT_STOPPING",
        }
    }

    fn is_active(self) -> bool {
        matches!(self, Self::Started | Self::Reconnected)
    }

    /// The states from `self` to `next`, without `self`.
    fn to(self, next: Self) -> Vec<Self> {
        match (self, next) {
            (a, b) if a == b => Vec::new(),
            (Self::Reconnecting, Self::Started) => vec![Self::Reconnected],
            (Self::Started | Self::Reconnecting, Self::Stopped) => {
                vec![Self::Stopping, Self::Stopped]
            }
            (Self::Started | Self::Reconnecting, Self::Starting) => {
                vec![Self::Stopping, Self::Stopped, Self::Starting]
            }
            (Self::Stopped | Self::Stopping, Self::Started) => vec![Self::Starting, Self::Started],
            _ => vec![next],
        }
    }
}

/// What an input is set to.
#[derive(Clone, Debug, PartialEq)]
struct Strip {
    input: Input,
    muted: bool,
    gain_db: f32,
    delay_ms: u32,
}

fn strips(snapshot: &Snapshot) -> Vec<Strip> {
    let audio = &snapshot.settings.audio;
    let all = inputs(&snapshot.settings).into_iter();
    all.map(|input| {
        let strip = match input.place {
            Place::Strip(index) => audio.inputs.get(index),
            _ => None,
        };
        Strip {
            muted: match input.place {
                Place::Picture => false,
                Place::Sum => audio.muted,
                Place::Strip(_) => strip.is_some_and(|strip| strip.muted),
            },
            gain_db: strip.map_or(0.0, |strip| strip.gain_db),
            delay_ms: strip.map_or(0, |strip| strip.delay_ms),
            input,
        }
    })
    .collect()
}

/// What was seen last.
pub struct Seen {
    stream: Output,
    record: Output,
    record_file: Option<PathBuf>,
    replay: bool,
    replay_file: Option<PathBuf>,
    strips: Vec<Strip>,
    tally: Value,
    bitrate: Value,
    viewers: Option<u32>,
    profiles: (Arc<Vec<String>>, String),
    /// Numbers, and whether they are over.
    notices: Vec<(u64, bool)>,
    line: Option<u64>,
    latency_at: Option<MonoTime>,
}

impl Seen {
    /// A first look: nothing has happened yet.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            stream: Output::of_show(&snapshot.state),
            record: Output::of_recording(snapshot.recording.phase),
            record_file: snapshot.recording.file.clone(),
            replay: keeps_replay(snapshot),
            replay_file: snapshot.recording.replay.file.clone(),
            strips: strips(snapshot),
            tally: tally(snapshot),
            bitrate: told_bitrate(snapshot),
            viewers: snapshot.viewers,
            profiles: profiles(snapshot),
            notices: notices(snapshot),
            line: snapshot.log.last().map(|line| line.number),
            latency_at: None,
        }
    }

    /// What happened since the last look, in order.
    pub fn next(&mut self, snapshot: &Snapshot) -> Vec<Event> {
        let mut out = Vec::new();
        self.outputs(snapshot, &mut out);
        self.inputs(snapshot, &mut out);
        self.profiles(snapshot, &mut out);
        self.vendor(snapshot, &mut out);
        out
    }

    fn outputs(&mut self, snapshot: &Snapshot, out: &mut Vec<Event>) {
        let mut say = |kind: &str, data: Value| {
            out.push(Event {
                intent: subscription::OUTPUTS,
                message: event(kind, subscription::OUTPUTS, Some(data)),
            });
        };
        let stream = Output::of_show(&snapshot.state);
        for state in self.stream.to(stream) {
            let data = json!({ "outputActive": state.is_active(), "outputState": state.name() });
            say("StreamStateChanged", data);
        }
        self.stream = stream;

        let recording = &snapshot.recording;
        let record = Output::of_recording(recording.phase);
        let steps = self.record.to(record);
        let is_new = recording.file.is_some() && recording.file != self.record_file;
        if is_new && steps.is_empty() && record == Output::Started {
            let path = recording.file.as_ref().map(|f| f.to_string_lossy());
            say("RecordFileChanged", json!({ "newOutputPath": path }));
        }
        self.record_file.clone_from(&recording.file);
        for state in steps {
            let path = recording.file.as_ref().map(|file| file.to_string_lossy());
            let path = path.filter(|_| matches!(state, Output::Started | Output::Stopped));
            let data = json!({
                "outputActive": state.is_active(),
                "outputState": state.name(),
                "outputPath": path,
            });
            say("RecordStateChanged", data);
        }
        self.record = record;

        let replay = keeps_replay(snapshot);
        if replay != self.replay {
            let state = if replay {
                Output::Started
            } else {
                Output::Stopped
            };
            let data = json!({ "outputActive": replay, "outputState": state.name() });
            say("ReplayBufferStateChanged", data);
            self.replay = replay;
        }
        let file = &recording.replay.file;
        if *file != self.replay_file {
            if let Some(file) = file {
                let data = json!({ "savedReplayPath": file.to_string_lossy() });
                say("ReplayBufferSaved", data);
            }
            self.replay_file.clone_from(file);
        }
    }

    fn inputs(&mut self, snapshot: &Snapshot, out: &mut Vec<Event>) {
        let new = strips(snapshot);
        if new == self.strips {
            return;
        }
        let mut say = |intent: u64, kind: &str, data: Value| {
            out.push(Event {
                intent,
                message: event(kind, intent, Some(data)),
            });
        };
        let scene = |input: &Input, index: usize| {
            json!({
                "sceneName": SCENE,
                "sceneUuid": scene_uuid(),
                "sourceName": input.name,
                "sourceUuid": input.uuid,
                "sceneItemId": index + 1,
                "sceneItemIndex": index,
            })
        };
        for (index, old) in self.strips.iter().enumerate() {
            let input = &old.input;
            if new.iter().any(|strip| strip.input.name == input.name) {
                continue;
            }
            say(
                subscription::SCENE_ITEMS,
                "SceneItemRemoved",
                scene(input, index),
            );
            let data = json!({ "inputName": input.name, "inputUuid": input.uuid });
            say(subscription::INPUTS, "InputRemoved", data);
        }
        for (index, strip) in new.iter().enumerate() {
            let input = &strip.input;
            let named = |mut fields: Value| {
                fields["inputName"] = input.name.as_str().into();
                fields["inputUuid"] = input.uuid.as_str().into();
                fields
            };
            let mut old = self.strips.iter();
            let Some(old) = old.find(|old| old.input.name == input.name) else {
                let mut data = input.json();
                data["inputSettings"] = json!({});
                data["defaultInputSettings"] = json!({});
                say(subscription::INPUTS, "InputCreated", data);
                say(
                    subscription::SCENE_ITEMS,
                    "SceneItemCreated",
                    scene(input, index),
                );
                continue;
            };
            if old.muted != strip.muted {
                let data = named(json!({ "inputMuted": strip.muted }));
                say(subscription::INPUTS, "InputMuteStateChanged", data);
            }
            if old.gain_db != strip.gain_db {
                let (multiplier, db) = volume(strip.gain_db);
                let data = json!({ "inputVolumeMul": multiplier, "inputVolumeDb": db });
                say(subscription::INPUTS, "InputVolumeChanged", named(data));
            }
            if old.delay_ms != strip.delay_ms {
                let data = named(json!({ "inputAudioSyncOffset": strip.delay_ms }));
                say(subscription::INPUTS, "InputAudioSyncOffsetChanged", data);
            }
        }
        self.strips = new;
    }

    fn profiles(&mut self, snapshot: &Snapshot, out: &mut Vec<Event>) {
        let new = profiles(snapshot);
        let mut say = |kind: &str, data: Value| {
            out.push(Event {
                intent: subscription::CONFIG,
                message: event(kind, subscription::CONFIG, Some(data)),
            });
        };
        if new.0 != self.profiles.0 {
            say("ProfileListChanged", json!({ "profiles": *new.0 }));
        }
        if new.1 != self.profiles.1 {
            let name = |name: &str| json!({ "profileName": name });
            say("CurrentProfileChanging", name(&self.profiles.1));
            say("CurrentProfileChanged", name(&new.1));
        }
        self.profiles = new;
    }

    fn vendor(&mut self, snapshot: &Snapshot, out: &mut Vec<Event>) {
        let mut say = |kind: &str, data: Value| {
            let data = json!({ "vendorName": VENDOR, "eventType": kind, "eventData": data });
            out.push(Event {
                intent: subscription::VENDORS,
                message: event("VendorEvent", subscription::VENDORS, Some(data)),
            });
        };
        let tally = tally(snapshot);
        if tally != self.tally {
            say("tally", tally.clone());
            self.tally = tally;
        }
        let bitrate = told_bitrate(snapshot);
        if bitrate != self.bitrate {
            say("bitrate", bitrate.clone());
            self.bitrate = bitrate;
        }
        if snapshot.viewers != self.viewers {
            say("viewers", json!({ "count": snapshot.viewers }));
            self.viewers = snapshot.viewers;
        }
        for notice in &snapshot.notices {
            let told = (notice.number, notice.until.is_some());
            if !self.notices.contains(&told) {
                say("notice", request::notice(notice, snapshot.at));
            }
        }
        self.notices = notices(snapshot);
        let is_new = |number: u64| self.line.is_none_or(|seen| number > seen);
        let new = snapshot.log.iter().filter(|line| is_new(line.number));
        for line in new.filter(|line| line.severity >= Severity::Warning) {
            let data = json!({
                "severity": severity(line.severity),
                "time": line.time,
                "text": line.text,
            });
            say("log", data);
        }
        self.line = snapshot.log.last().map(|line| line.number).or(self.line);
        let is_due = self
            .latency_at
            .is_none_or(|at| snapshot.at.since(at) >= LATENCY_EVERY);
        if is_active(&snapshot.state) && is_due && snapshot.latency.sent.is_some() {
            say("latency", latency(snapshot));
            self.latency_at = Some(snapshot.at);
        }
    }
}

fn profiles(snapshot: &Snapshot) -> (Arc<Vec<String>>, String) {
    let profiles = &snapshot.profiles;
    (profiles.names.clone(), profiles.current.clone())
}

fn notices(snapshot: &Snapshot) -> Vec<(u64, bool)> {
    let all = snapshot.notices.iter();
    all.map(|notice| (notice.number, notice.until.is_some()))
        .collect()
}

/// The bitrate without what is measured, which moves with every picture.
fn told_bitrate(snapshot: &Snapshot) -> Value {
    let mut all = bitrate(snapshot);
    if let Value::Object(fields) = &mut all {
        fields.remove("measured_kbps");
    }
    all
}

/// Levels of the inputs and their sum, as multipliers: root mean square, peak, and the peak again,
/// because what an input has before its gain is not measured.
pub fn meters(snapshot: &Snapshot) -> Event {
    let levels = |level: &AudioLevel| {
        let channels = level.rms_dbfs.iter().zip(level.peak_dbfs);
        channels
            .map(|(rms, peak)| {
                let peak = decibels_to_multiplier(f64::from(peak));
                [decibels_to_multiplier(f64::from(*rms)), peak, peak]
            })
            .collect::<Vec<_>>()
    };
    let audio = &snapshot.audio;
    let all: Vec<_> = inputs(&snapshot.settings)
        .into_iter()
        .filter_map(|input| {
            let level = match input.place {
                Place::Picture => return None,
                Place::Sum => &audio.level,
                Place::Strip(index) => &audio.inputs.get(index)?.level,
            };
            Some(json!({
                "inputName": input.name,
                "inputUuid": input.uuid,
                "inputLevelsMul": levels(level),
            }))
        })
        .collect();
    let intent = subscription::INPUT_VOLUME_METERS;
    Event {
        intent,
        message: event("InputVolumeMeters", intent, Some(json!({ "inputs": all }))),
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
