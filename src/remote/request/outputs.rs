//! Requests about what goes out: the stream, the recording, the replay.

use super::{Answered, DONE, Desk, Refused, Request, done, refused};
use crate::clock::MonoTime;
use crate::record::status::Phase;
use crate::remote::protocol::Status;
use crate::session::snapshot::{Receiver, State};
use crate::session::{Command, Snapshot};
use serde_json::{Value, json};
use std::time::Duration;

/// A second press counts within this time.
const STOP_AGAIN: Duration = Duration::from_secs(3);

/// `HH:MM:SS.mmm`, as OBS writes it.
pub fn timecode(ms: u64) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!(
        "{:02}:{:02}:{seconds:02}.{ms:03}",
        minutes / 60,
        minutes % 60
    )
}

/// Whether the stream counts as active: viewers may have it.
pub fn is_active(state: &State) -> bool {
    matches!(state, State::Live | State::Reconnecting { .. })
}

/// Whether a show is on, or on its way.
fn is_begun(state: &State) -> bool {
    is_active(state) || matches!(state, State::Preflight | State::Starting)
}

fn live_ms(snapshot: &Snapshot) -> u64 {
    let since = snapshot.live_since.filter(|_| is_active(&snapshot.state));
    since.map_or(0, |since| {
        u64::try_from(snapshot.at.since(since).as_millis()).unwrap_or(u64::MAX)
    })
}

fn stream(snapshot: &Snapshot) -> Value {
    let ms = live_ms(snapshot);
    let drops = snapshot.drops;
    json!({
        "outputActive": is_active(&snapshot.state),
        "outputReconnecting": matches!(snapshot.state, State::Reconnecting { .. }),
        "outputTimecode": timecode(ms),
        "outputDuration": ms,
        // 1 while nothing gets through; else what of the show the network dropped.
        "outputCongestion": match snapshot.state {
            State::Reconnecting { .. } => 1.0,
            _ => drops.network as f64 / snapshot.frames.max(1) as f64,
        },
        "outputBytes": snapshot.bytes,
        "outputSkippedFrames": drops.encoder + drops.network,
        "outputTotalFrames": snapshot.frames,
    })
}

fn record(snapshot: &Snapshot) -> Value {
    let recording = &snapshot.recording;
    let active = is_recording(recording.phase);
    let ms = if active {
        recording.seconds * 1000.0
    } else {
        0.0
    } as u64;
    json!({
        "outputActive": active,
        "outputPaused": false,
        "outputReconnecting": false,
        "outputTimecode": timecode(ms),
        "outputDuration": ms,
        "outputCongestion": 0.0,
        "outputBytes": if active { recording.bytes } else { 0 },
        "outputSkippedFrames": recording.lost,
        "outputTotalFrames": if active { snapshot.frames } else { 0 },
    })
}

pub(super) fn is_recording(phase: Phase) -> bool {
    matches!(phase, Phase::Starting | Phase::On)
}

pub(super) fn stream_status(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    done(stream(&desk.snapshot))
}

pub(super) fn start_stream(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    match &desk.snapshot.state {
        State::Idle | State::Failed { .. } => {
            desk.send(Command::GoLive);
            DONE
        }
        State::Stopping => Err(still_ending()),
        _ => Err(refused(Status::OutputRunning, "the show is on already")),
    }
}

fn still_ending() -> Refused {
    refused(
        Status::NotReady,
        "the last show is still ending; try again in a second",
    )
}

pub(super) fn stop_stream(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    end_show(desk)?;
    DONE
}

/// Ends the show: at once, as obs-websocket does, or with the second press where the settings say so.
fn end_show(desk: &mut Desk<'_>) -> Result<(), Refused> {
    let snapshot = &desk.snapshot;
    if !is_begun(&snapshot.state) {
        return Err(refused(Status::OutputNotRunning, "no show is on"));
    }
    // What is not on air yet is no loss.
    if snapshot.settings.remote.confirm_stop && is_active(&snapshot.state) {
        let again = |asked: MonoTime| desk.now.since(asked) <= STOP_AGAIN;
        if !desk.stop_asked.is_some_and(again) {
            *desk.stop_asked = Some(desk.now);
            let why = "ON AIR: press again within 3 s to end the show (remote.confirm_stop)";
            return Err(refused(Status::CannotAct, why));
        }
        *desk.stop_asked = None;
    }
    desk.send(Command::Stop);
    Ok(())
}

pub(super) fn toggle_stream(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let on = is_begun(&desk.snapshot.state);
    if on {
        end_show(desk)?;
    } else {
        start_stream(request, desk)?;
    }
    done(json!({ "outputActive": !on }))
}

/// Where the stream goes, without anything secret.
pub(super) fn service(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let snapshot = &desk.snapshot;
    let target = &snapshot.settings.target;
    let server = match &snapshot.receiver {
        Some(Receiver::OwnServer { address }) => address.clone(),
        Some(Receiver::ManagedMediaMtx { .. }) => "managed MediaMTX".into(),
        Some(Receiver::Loopback) => "loopback".into(),
        None => target.host.clone(),
    };
    let way = snapshot.route.way.unwrap_or(target.way);
    done(json!({
        "streamServiceType": "pd_console",
        "streamServiceSettings": { "service": way.name(), "server": server, "path": target.path },
    }))
}

pub(super) fn record_status(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    done(record(&desk.snapshot))
}

pub(super) fn record_directory(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let set = desk.snapshot.settings.recording.folder.clone();
    let folder = set
        .or_else(crate::record::name::videos_folder)
        .ok_or_else(|| {
            let why = "no folder for recordings is known";
            refused(Status::InvalidResourceState, why)
        })?;
    done(json!({ "recordDirectory": folder.to_string_lossy() }))
}

pub(super) fn start_record(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    if is_recording(desk.snapshot.recording.phase) {
        return Err(refused(Status::OutputRunning, "a recording is on already"));
    }
    needs_show(desk)?;
    desk.send(Command::StartRecording);
    DONE
}

/// The relay's pictures are there once a show has begun.
fn needs_show(desk: &Desk<'_>) -> Result<(), Refused> {
    match desk.snapshot.state {
        State::Starting | State::Live | State::Reconnecting { .. } => Ok(()),
        _ => Err(refused(
            Status::InvalidResourceState,
            "no show is on: what is recorded is the show. Start the stream first",
        )),
    }
}

pub(super) fn stop_record(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let recording = &desk.snapshot.recording;
    if !is_recording(recording.phase) {
        return Err(refused(Status::OutputNotRunning, "nothing is recorded"));
    }
    let path = recording.file.as_ref().map(|file| file.to_string_lossy());
    let data = json!({ "outputPath": path.unwrap_or_default() });
    desk.send(Command::StopRecording);
    done(data)
}

pub(super) fn toggle_record(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let on = is_recording(desk.snapshot.recording.phase);
    if on {
        stop_record(request, desk)?;
    } else {
        start_record(request, desk)?;
    }
    done(json!({ "outputActive": !on }))
}

/// Whether the last seconds are kept, which they are during every show unless set to none.
pub fn keeps_replay(snapshot: &Snapshot) -> bool {
    snapshot.settings.recording.replay_seconds > 0
        && matches!(
            snapshot.state,
            State::Starting | State::Live | State::Reconnecting { .. }
        )
}

fn replay_is_possible(desk: &Desk<'_>) -> Result<(), Refused> {
    if desk.snapshot.settings.recording.replay_seconds > 0 {
        return Ok(());
    }
    let why = "no replay is kept: recording.replay_seconds is 0";
    Err(refused(Status::InvalidResourceState, why))
}

pub(super) fn replay_status(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    done(json!({ "outputActive": keeps_replay(&desk.snapshot) }))
}

fn replay_follows_show() -> Refused {
    let why = "the replay is kept during every show, and only then: it is not switched by itself";
    refused(Status::ResourceNotConfigurable, why)
}

pub(super) fn start_replay(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    if keeps_replay(&desk.snapshot) {
        let why = "the replay is kept already, as during every show";
        return Err(refused(Status::OutputRunning, why));
    }
    Err(replay_follows_show())
}

pub(super) fn stop_replay(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    if !keeps_replay(&desk.snapshot) {
        return Err(refused(Status::OutputNotRunning, "no replay is kept"));
    }
    Err(replay_follows_show())
}

pub(super) fn toggle_replay(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    Err(replay_follows_show())
}

pub(super) fn save_replay(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    if !keeps_replay(&desk.snapshot) {
        let why = "no show is on: there is nothing to be saved";
        return Err(refused(Status::OutputNotRunning, why));
    }
    if desk.snapshot.recording.replay.saving {
        let why = "a replay is being saved; try again in a second";
        return Err(refused(Status::NotReady, why));
    }
    desk.send(Command::SaveReplay);
    DONE
}

pub(super) fn last_replay(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    replay_is_possible(desk)?;
    let file = desk.snapshot.recording.replay.file.as_ref();
    let file = file.ok_or_else(|| {
        refused(
            Status::InvalidResourceState,
            "no replay of this show was saved",
        )
    })?;
    done(json!({ "savedReplayPath": file.to_string_lossy() }))
}

/// The outputs by the names that this server gives them.
#[derive(Clone, Copy)]
enum Output {
    Stream,
    Record,
    Replay,
}

const OUTPUTS: [(&str, &str, Output); 3] = [
    ("stream", "pd_stream", Output::Stream),
    // Clients leave these two out of their lists of outputs: they have buttons for them.
    ("record", "ffmpeg_muxer", Output::Record),
    ("replay", "replay_buffer", Output::Replay),
];

fn output(request: Request<'_>) -> Result<Output, Refused> {
    let wanted = request.data.text("outputName")?;
    let found = OUTPUTS.iter().find(|(name, ..)| *name == wanted);
    found.map(|(.., output)| *output).ok_or_else(|| {
        refused(
            Status::ResourceNotFound,
            "no output has that name; GetOutputList tells the names",
        )
    })
}

pub(super) fn list(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let snapshot = &desk.snapshot;
    let size = snapshot
        .encoding
        .wish
        .map_or(snapshot.settings.video.size, |wish| wish.size);
    let all: Vec<_> = OUTPUTS
        .iter()
        .map(|(name, kind, output)| {
            let active = match output {
                Output::Stream => is_active(&snapshot.state),
                Output::Record => is_recording(snapshot.recording.phase),
                Output::Replay => keeps_replay(snapshot),
            };
            json!({
                "outputName": name,
                "outputKind": kind,
                "outputWidth": size.width,
                "outputHeight": size.height,
                "outputActive": active,
                "outputFlags": {
                    "OBS_OUTPUT_AUDIO": true,
                    "OBS_OUTPUT_VIDEO": true,
                    "OBS_OUTPUT_ENCODED": true,
                    "OBS_OUTPUT_MULTI_TRACK": false,
                    "OBS_OUTPUT_SERVICE": false,
                },
            })
        })
        .collect();
    done(json!({ "outputs": all }))
}

pub(super) fn status(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    done(match output(request)? {
        Output::Stream => stream(&desk.snapshot),
        Output::Record => record(&desk.snapshot),
        Output::Replay => {
            let recording = &desk.snapshot.recording;
            let ms = (recording.replay.kept_seconds * 1000.0) as u64;
            json!({
                "outputActive": keeps_replay(&desk.snapshot),
                "outputReconnecting": false,
                "outputTimecode": timecode(ms),
                "outputDuration": ms,
                "outputCongestion": 0.0,
                "outputBytes": 0,
                "outputSkippedFrames": 0,
                "outputTotalFrames": 0,
            })
        }
    })
}

pub(super) fn start(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    match output(request)? {
        Output::Stream => start_stream(request, desk),
        Output::Record => start_record(request, desk),
        Output::Replay => start_replay(request, desk),
    }
}

pub(super) fn stop(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    match output(request)? {
        Output::Stream => stop_stream(request, desk),
        Output::Record => stop_record(request, desk).and(DONE),
        Output::Replay => stop_replay(request, desk),
    }
}

pub(super) fn toggle(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    match output(request)? {
        Output::Stream => toggle_stream(request, desk),
        Output::Record => toggle_record(request, desk),
        Output::Replay => toggle_replay(request, desk),
    }
}
