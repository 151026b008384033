//! The requests that are answered, by name. Each is a function of the request and the console as it
//! stands; what it changes goes to the session as a [`Command`].
//!
//! Runs on `pd-remote`; nothing here waits. A request that needs time says so in its [`Answer`].

mod control;
mod fields;
mod general;
mod inputs;
mod outputs;
mod picture;
mod profiles;
mod scenes;
mod vendor;

pub use inputs::{Input, Place, decibels_to_multiplier, inputs, volume};
pub use outputs::{is_active, keeps_replay, timecode};
pub use scenes::{SCENE, scene_uuid};
pub use vendor::{VENDOR, bitrate, latency, notice, severity, tally};

use super::protocol::Status;
use crate::clock::MonoTime;
use crate::monitor::load::LoadMeter;
use crate::session::{Command, Console, Snapshot};
use fields::Fields;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The protocol's word for it.
    pub status: Status,
    /// In words.
    pub comment: String,
}

fn refused(status: Status, comment: impl Into<String>) -> Refused {
    Refused {
        status,
        comment: comment.into(),
    }
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Done; the data, null for none.
    Done(Value),
    /// Not yet: to be asked again in a moment.
    Later,
    /// Done once this time has passed.
    After(Duration),
}

type Answered = Result<Answer, Refused>;

/// Done, without data.
const DONE: Answered = Ok(Answer::Done(Value::Null));

fn done(data: Value) -> Answered {
    Ok(Answer::Done(data))
}

/// How a batch's requests are carried out; a single one is as in real time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Execution {
    /// No batch.
    #[default]
    None,
    /// One after another.
    SerialRealtime,
    /// The same; pauses are in frames.
    SerialFrame,
}

/// A request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Its data.
    pub data: Fields<'a>,
    /// Within which batch.
    pub execution: Execution,
    /// When it was first asked.
    pub since: MonoTime,
}

/// What the requests of one client find.
pub struct Desk<'a> {
    /// The session.
    pub console: &'a dyn Console,
    /// Its newest picture.
    pub snapshot: Arc<Snapshot>,
    /// The time.
    pub now: MonoTime,
    /// The machine's load, kept by the server.
    pub load: &'a mut Load,
    /// Messages from and to this client so far.
    pub messages: (u64, u64),
    /// When this client last asked to end the show and was asked to press again.
    pub stop_asked: &'a mut Option<MonoTime>,
    /// What other clients are to be told by this one.
    pub told: &'a mut Vec<Value>,
    /// The number of the last command sent: the answer waits until the session has taken it.
    pub ticket: Option<u64>,
}

impl Desk<'_> {
    fn send(&mut self, command: Command) {
        self.ticket = self.console.send_counted(command).or(self.ticket);
    }
}

/// The machine's load, looked at once a second at most.
#[derive(Default)]
pub struct Load {
    meter: Option<LoadMeter>,
    at: Option<MonoTime>,
    /// Percent of one core, console and children together.
    cpu_percent: f64,
    /// MiB, the same.
    memory_mib: f64,
}

impl Load {
    fn look(&mut self, console: &dyn Console, now: MonoTime) -> (f64, f64) {
        let old = self
            .at
            .is_none_or(|at| now.since(at) >= Duration::from_secs(1));
        if old {
            let pids = console.pids();
            if let Some(meter) = &mut self.meter {
                self.cpu_percent = meter.load(&pids).values().sum();
                self.memory_mib = meter.memory(&pids).values().sum();
            } else {
                let mut meter = LoadMeter::start(&pids);
                self.memory_mib = meter.memory(&pids).values().sum();
            }
            self.meter = Some(LoadMeter::start(&pids));
            self.at = Some(now);
        }
        (self.cpu_percent, self.memory_mib)
    }
}

type Handler = fn(Request<'_>, &mut Desk<'_>) -> Answered;

/// Every request, with what answers it: what is not here does not exist.
const REQUESTS: &[(&str, Handler)] = &[
    ("BroadcastCustomEvent", general::broadcast),
    ("CallVendorRequest", vendor::call),
    ("GetCurrentProgramScene", scenes::current),
    ("GetCurrentSceneTransition", scenes::transition),
    ("GetGroupList", scenes::groups),
    ("GetHotkeyList", control::hotkeys),
    ("GetInputAudioBalance", inputs::balance),
    ("GetInputAudioMonitorType", inputs::monitor_type),
    ("GetInputAudioSyncOffset", inputs::sync_offset),
    ("GetInputAudioTracks", inputs::tracks),
    ("GetInputDefaultSettings", inputs::default_settings),
    ("GetInputKindList", inputs::kinds),
    ("GetInputList", inputs::list),
    ("GetInputMute", inputs::muted),
    ("GetInputSettings", inputs::settings),
    ("GetInputVolume", inputs::get_volume),
    ("GetLastReplayBufferReplay", outputs::last_replay),
    ("GetOutputList", outputs::list),
    ("GetOutputStatus", outputs::status),
    ("GetProfileList", profiles::list),
    ("GetRecordDirectory", outputs::record_directory),
    ("GetRecordStatus", outputs::record_status),
    ("GetReplayBufferStatus", outputs::replay_status),
    ("GetSceneCollectionList", scenes::collections),
    ("GetSceneItemList", scenes::items),
    ("GetSceneList", scenes::list),
    ("GetSceneTransitionList", scenes::transitions),
    ("GetSourceActive", scenes::active),
    ("GetSourceFilterList", scenes::filters),
    ("GetSourceScreenshot", picture::screenshot),
    ("GetSpecialInputs", inputs::special),
    ("GetStats", general::stats),
    ("GetStreamServiceSettings", outputs::service),
    ("GetStreamStatus", outputs::stream_status),
    ("GetStudioModeEnabled", scenes::studio_mode),
    ("GetVersion", general::version),
    ("GetVideoSettings", general::video),
    ("SaveReplayBuffer", outputs::save_replay),
    ("SetCurrentProfile", profiles::set_current),
    ("SetCurrentProgramScene", scenes::set_current),
    ("SetInputAudioSyncOffset", inputs::set_sync_offset),
    ("SetInputMute", inputs::set_muted),
    ("SetInputVolume", inputs::set_volume),
    ("Sleep", general::sleep),
    ("StartOutput", outputs::start),
    ("StartRecord", outputs::start_record),
    ("StartReplayBuffer", outputs::start_replay),
    ("StartStream", outputs::start_stream),
    ("StopOutput", outputs::stop),
    ("StopRecord", outputs::stop_record),
    ("StopReplayBuffer", outputs::stop_replay),
    ("StopStream", outputs::stop_stream),
    ("ToggleInputMute", inputs::toggle_muted),
    ("ToggleOutput", outputs::toggle),
    ("ToggleRecord", outputs::toggle_record),
    ("ToggleReplayBuffer", outputs::toggle_replay),
    ("ToggleStream", outputs::toggle_stream),
    ("TriggerHotkeyByName", control::trigger),
];

/// Names of all of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    REQUESTS.iter().map(|(name, _)| *name)
}

/// Answers one request.
///
/// # Errors
/// Why it was not done; the console is as it was.
pub fn answer(
    kind: &str,
    data: Option<&Value>,
    execution: Execution,
    since: MonoTime,
    desk: &mut Desk<'_>,
) -> Answered {
    if kind.is_empty() {
        let why = "`requestType` is missing";
        return Err(refused(Status::MissingRequestType, why));
    }
    let Ok(at) = REQUESTS.binary_search_by_key(&kind, |(name, _)| name) else {
        let short: String = kind.chars().take(60).collect();
        let why = format!(
            "this is the PD console: it has no {short}. GetVersion lists what it has, in `availableRequests`"
        );
        return Err(refused(Status::UnknownRequestType, why));
    };
    let request = Request {
        data: Fields(data),
        execution,
        since,
    };
    REQUESTS[at].1(request, desk)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
