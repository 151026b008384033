//! What obs-websocket has no request for: the console's own, through `CallVendorRequest` with the
//! vendor's name [`VENDOR`]; and the data of its vendor events.

use super::fields::Fields;
use super::{Answered, Desk, Refused, Request, done, outputs, refused};
use crate::clock::MonoTime;
use crate::control;
use crate::remote::protocol::Status;
use crate::session::snapshot::{Confirmation, Notice, Severity, State};
use crate::session::{Command, Snapshot};
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use serde_json::{Value, json};

/// `vendorName` of requests and events.
pub const VENDOR: &str = "pd-console";

type Handler = fn(Fields<'_>, &mut Desk<'_>) -> Result<Value, Refused>;

const REQUESTS: &[(&str, Handler)] = &[
    ("get_bitrate", |_, desk| Ok(bitrate(&desk.snapshot))),
    ("get_latency", |_, desk| Ok(latency(&desk.snapshot))),
    ("get_status", |_, desk| Ok(status(&desk.snapshot))),
    ("get_tally", |_, desk| Ok(tally(&desk.snapshot))),
    ("get_viewers", |_, desk| Ok(viewers(&desk.snapshot))),
    ("kick", kick),
    ("list_requests", |_, _| Ok(json!({ "requests": names() }))),
    ("set_bitrate", set_bitrate),
];

fn names() -> Vec<&'static str> {
    REQUESTS.iter().map(|(name, _)| *name).collect()
}

pub(super) fn call(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let (vendor, kind) = (
        request.data.text("vendorName")?,
        request.data.text("requestType")?,
    );
    let data = request
        .data
        .get("requestData")
        .map(|_| request.data.object("requestData"));
    let data = data.transpose()?;
    if vendor != VENDOR {
        let why = format!("there is one vendor here, `{VENDOR}`");
        return Err(refused(Status::ResourceNotFound, why));
    }
    let Some((_, handler)) = REQUESTS.iter().find(|(name, _)| *name == kind) else {
        let why = format!("{VENDOR} has: {}", names().join(", "));
        return Err(refused(Status::ResourceNotFound, why));
    };
    let data = handler(Fields(data), desk)?;
    done(json!({ "vendorName": vendor, "requestType": kind, "responseData": data }))
}

/// The show's state in one word, which stays.
fn word(state: &State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Preflight => "checking",
        State::Starting => "starting",
        State::Live => "live",
        State::Reconnecting { .. } => "reconnecting",
        State::Stopping => "stopping",
        State::Failed { .. } => "failed",
    }
}

/// Whether viewers have the picture, from the server's side.
pub fn tally(snapshot: &Snapshot) -> Value {
    let live = snapshot.state == State::Live;
    json!({
        "state": word(&snapshot.state),
        // For a lamp: off, waiting, sent, online, seen or lost, from the server's side.
        "tally": snapshot.tally.id(),
        // The show runs, whether or not it gets through at this moment.
        "on_air": outputs::is_active(&snapshot.state),
        // The receiver has the stream.
        "live": live,
        // Its API says so; without an API the SRT handshake has to do.
        "confirmed": live && snapshot.confirmation == Confirmation::Online,
        "failure": match &snapshot.state {
            State::Failed { message } => Some(message),
            _ => None,
        },
    })
}

/// Of each stage, ms since capture, over the last two seconds; null where it is not measured.
pub fn latency(snapshot: &Snapshot) -> Value {
    json!({
        "stages_ms": snapshot.latency.json(),
        "arrived_ms": snapshot.latency.arrived.map(|arrived| arrived.p50_ms),
        "sent_ms": snapshot.latency.sent.map(|sent| sent.p50_ms),
        "sound_arrived_ms": snapshot.sound_arrived.map(|arrived| arrived.p50_ms),
        "rtt_ms": snapshot.network.and_then(|network| network.rtt_ms),
    })
}

/// The wished bitrate, the one in force and the measured one, kb/s.
pub fn bitrate(snapshot: &Snapshot) -> Value {
    let encoder = &snapshot.settings.encoder;
    json!({
        "kbps": encoder.bitrate_kbps,
        "pending_kbps": snapshot.bitrate_pending_kbps,
        "in_force_kbps": snapshot.encoding.wish.map(|wish| wish.bitrate_kbps),
        "measured_kbps": snapshot.measured_kbps,
        "adaptive": encoder.adaptive,
        "min_kbps": BITRATE_MIN_KBPS,
        "max_kbps": BITRATE_MAX_KBPS,
    })
}

/// `kbps`, or `by_kbps` for a step up or down from what was last wished.
fn set_bitrate(data: Fields<'_>, desk: &mut Desk<'_>) -> Result<Value, Refused> {
    let (low, high) = (f64::from(BITRATE_MIN_KBPS), f64::from(BITRATE_MAX_KBPS));
    let kbps = match (data.get("kbps"), data.get("by_kbps")) {
        (Some(_), Some(_)) => {
            let why = "give one of `kbps` and `by_kbps`";
            return Err(refused(Status::TooManyRequestFields, why));
        }
        (None, Some(_)) => {
            let by = data.number("by_kbps", -high, high)?;
            let now = control::Now::of(&desk.snapshot).kbps;
            // A knob that is turned too far stays at its end.
            (f64::from(now) + by).clamp(low, high)
        }
        _ => data.number("kbps", low, high)?,
    };
    let kbps = kbps.round() as u32;
    desk.send(Command::SetBitrate { kbps });
    Ok(json!({ "kbps": kbps }))
}

fn viewers(snapshot: &Snapshot) -> Value {
    let all: Vec<_> = snapshot
        .readers
        .iter()
        .map(|reader| {
            json!({
                "id": reader.id,
                "kind": reader.kind,
                "address": reader.remote_addr,
                "user_agent": reader.user_agent,
            })
        })
        .collect();
    json!({ "count": snapshot.viewers, "viewers": all })
}

/// Disconnects the viewer of `id`, as `get_viewers` tells it.
fn kick(data: Fields<'_>, desk: &mut Desk<'_>) -> Result<Value, Refused> {
    let id = data.text("id")?;
    if !desk.snapshot.readers.iter().any(|reader| reader.id == id) {
        let why = "no viewer has that id; get_viewers tells them";
        return Err(refused(Status::ResourceNotFound, why));
    }
    desk.send(Command::KickViewer { id: id.to_owned() });
    Ok(json!({}))
}

/// Everything that one wants on a key or in a variable.
fn status(snapshot: &Snapshot) -> Value {
    let recording = &snapshot.recording;
    let audio = &snapshot.audio;
    json!({
        "tally": tally(snapshot),
        "on_air_s": snapshot
            .live_since
            .filter(|_| outputs::is_active(&snapshot.state))
            .map(|since| snapshot.at.since(since).as_secs_f64()),
        "latency": latency(snapshot),
        "bitrate": bitrate(snapshot),
        "measured_fps": snapshot.measured_fps,
        "frames": snapshot.frames,
        "drops": snapshot.drops,
        "cpu_percent": snapshot.cpu_percent,
        "viewers": snapshot.viewers,
        "notices": snapshot
            .notices
            .iter()
            .filter(|notice| notice.until.is_none())
            .map(|lasting| notice(lasting, snapshot.at))
            .collect::<Vec<_>>(),
        "untouched": snapshot.passthrough,
        "encoder": snapshot.encoder,
        "encoder_fallback": snapshot.encoding.fallback,
        "way": snapshot.route.way.map(|way| way.name()),
        "source": snapshot.source,
        "source_problem": snapshot.picture.problem,
        "sound": {
            "muted": snapshot.settings.audio.muted,
            "peak_dbfs": finite(audio.level.peak_dbfs),
            "clipped": audio.level.clipped,
            "problem": audio.problem,
        },
        "recording": {
            "on": outputs::is_recording(recording.phase),
            "seconds": recording.seconds,
            "file": recording.file,
            "problem": recording.problem,
            "replay_seconds": recording.replay.kept_seconds,
        },
        "outage_s": snapshot.link.outage.as_ref().map(|outage| outage.seconds(snapshot.at)),
        "problem": (!snapshot.link.cause.is_empty()).then_some(&snapshot.link.cause),
    })
}

/// A notice, `since_s` seconds old.
pub fn notice(notice: &Notice, now: MonoTime) -> Value {
    json!({
        "number": notice.number,
        "kind": notice.kind.id(),
        "severity": severity(notice.kind.severity()),
        "text": notice.text,
        "since_s": now.since(notice.since).as_secs_f64(),
        "over": notice.until.is_some(),
    })
}

/// How grave something is, in one word, which stays.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Silence has no number in JSON.
fn finite(dbfs: [f32; 2]) -> [Option<f32>; 2] {
    dbfs.map(|db| db.is_finite().then_some(db))
}
