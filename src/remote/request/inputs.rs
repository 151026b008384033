//! Requests about inputs: those of the mix by name, their sum, and the picture.

use super::{Answered, DONE, Desk, Refused, Request, done, refused};
use crate::audio::mixer::{DELAY_MAX_MS, GAIN_MAX_DB, GAIN_OFF_DB};
use crate::remote::protocol::{Status, uuid};
use crate::session::Command;
use crate::settings::{AudioInput, AudioSourceKind, Settings, VideoSourceKind};
use serde_json::{Value, json};

/// The mix's sum: its mute is the show's.
pub const SUM: &str = "Sum";
/// What is captured.
pub const PICTURE: &str = "Picture";

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What is captured.
    Picture,
    /// The mix.
    Sum,
    /// One of the mix's inputs, by its place in `audio.inputs`.
    Strip(usize),
}

/// One input as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name, which no other has.
    pub name: String,
    /// The same as a UUID.
    pub uuid: String,
    /// `inputKind`.
    pub kind: &'static str,
    /// What it is.
    pub place: Place,
}

const KINDS: [&str; 13] = [
    "pd_screen",
    "pd_x11",
    "pd_portal",
    "pd_windows",
    "pd_macos",
    "pd_scap",
    "pd_pattern",
    "pd_sum",
    "pd_input",
    "pd_system_sound",
    "pd_tone",
    "pd_beep",
    "pd_silence",
];

/// All inputs of these settings: picture, sum, then the mix's in their order. Of those that are called
/// alike the second has a 2 behind its name, and so on.
pub fn inputs(settings: &Settings) -> Vec<Input> {
    let picture = match settings.video.source {
        VideoSourceKind::Screen => "pd_screen",
        VideoSourceKind::X11 => "pd_x11",
        VideoSourceKind::Portal => "pd_portal",
        VideoSourceKind::Windows => "pd_windows",
        VideoSourceKind::MacOs => "pd_macos",
        VideoSourceKind::Scap => "pd_scap",
        VideoSourceKind::Pattern => "pd_pattern",
    };
    let mut all = vec![
        input(PICTURE.into(), picture, Place::Picture),
        input(SUM.into(), "pd_sum", Place::Sum),
    ];
    for (index, strip) in settings.audio.inputs.iter().enumerate() {
        let (name, kind) = match &strip.source {
            AudioSourceKind::DefaultInput => ("Default input", "pd_input"),
            AudioSourceKind::Input(name) => (name.as_str(), "pd_input"),
            AudioSourceKind::SystemSound => ("System sound", "pd_system_sound"),
            AudioSourceKind::Tone => ("Tone", "pd_tone"),
            AudioSourceKind::Beep(_) => ("Beep", "pd_beep"),
            AudioSourceKind::Silence => ("Silence", "pd_silence"),
        };
        let mut unique = name.to_owned();
        let mut number = 1;
        while all.iter().any(|other| other.name == unique) {
            number += 1;
            unique = format!("{name} {number}");
        }
        all.push(input(unique, kind, Place::Strip(index)));
    }
    all
}

fn input(name: String, kind: &'static str, place: Place) -> Input {
    Input {
        uuid: uuid(&format!("input {name}")),
        name,
        kind,
        place,
    }
}

impl Input {
    /// Its fields in lists and events.
    pub fn json(&self) -> Value {
        let caps = match self.place {
            // OBS_SOURCE_VIDEO, OBS_SOURCE_AUDIO (libobs/obs-source.h).
            Place::Picture => 1,
            _ => 2,
        };
        json!({
            "inputName": self.name,
            "inputUuid": self.uuid,
            "inputKind": self.kind,
            "unversionedInputKind": self.kind,
            "inputKindCaps": caps,
        })
    }
}

fn find(request: Request<'_>, desk: &Desk<'_>, fields: [&str; 2]) -> Result<Input, Refused> {
    let [name, id] = fields;
    let wanted = (
        request.data.optional_text(name)?,
        request.data.optional_text(id)?,
    );
    let mut all = inputs(&desk.snapshot.settings).into_iter();
    let found = match wanted {
        (Some(name), _) => all.find(|input| input.name == name),
        (None, Some(id)) => all.find(|input| input.uuid == id),
        (None, None) => {
            let why = format!("`{name}` or `{id}` is needed");
            return Err(refused(Status::MissingRequestField, why));
        }
    };
    found.ok_or_else(|| {
        let why = "no input has that name; GetInputList tells the names";
        refused(Status::ResourceNotFound, why)
    })
}

/// By `sourceName` or `sourceUuid`.
pub(super) fn find_source(request: Request<'_>, desk: &Desk<'_>) -> Result<Input, Refused> {
    find(request, desk, ["sourceName", "sourceUuid"])
}

/// An input that has sound, by `inputName` or `inputUuid`.
fn with_sound(request: Request<'_>, desk: &Desk<'_>) -> Result<Input, Refused> {
    let input = find(request, desk, ["inputName", "inputUuid"])?;
    if input.place == Place::Picture {
        let why = "the picture has no sound";
        return Err(refused(Status::InvalidResourceState, why));
    }
    Ok(input)
}

/// The strip of an input that has one.
fn strip<'a>(input: &Input, settings: &'a Settings) -> Option<(usize, &'a AudioInput)> {
    match input.place {
        Place::Strip(index) => Some((index, settings.audio.inputs.get(index)?)),
        _ => None,
    }
}

fn own_strip(input: &Input, desk: &Desk<'_>) -> Result<(usize, AudioInput), Refused> {
    let found = strip(input, &desk.snapshot.settings);
    found
        .map(|(index, strip)| (index, strip.clone()))
        .ok_or_else(|| {
            let why = "the sum has a mute only; gain and delay are its inputs'";
            refused(Status::ResourceNotConfigurable, why)
        })
}

fn send(desk: &mut Desk<'_>, index: usize, strip: &AudioInput) {
    desk.send(Command::SetInput {
        index,
        gain_db: strip.gain_db,
        muted: strip.muted,
        delay_ms: strip.delay_ms,
    });
}

pub(super) fn list(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let kind = request.data.optional_text("inputKind")?;
    let all: Vec<_> = inputs(&desk.snapshot.settings)
        .iter()
        .filter(|input| kind.is_none_or(|kind| input.kind == kind))
        .map(Input::json)
        .collect();
    done(json!({ "inputs": all }))
}

pub(super) fn kinds(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({ "inputKinds": KINDS }))
}

pub(super) fn default_settings(request: Request<'_>, _: &mut Desk<'_>) -> Answered {
    let kind = request.data.text("inputKind")?;
    if !KINDS.contains(&kind) {
        let why = "no input is of that kind; GetInputKindList tells them";
        return Err(refused(Status::InvalidInputKind, why));
    }
    done(json!({ "defaultInputSettings": {} }))
}

pub(super) fn settings(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = find(request, desk, ["inputName", "inputUuid"])?;
    done(json!({ "inputSettings": {}, "inputKind": input.kind }))
}

/// The mix's inputs in the places that OBS has for sound.
pub(super) fn special(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let all = inputs(&desk.snapshot.settings);
    let of = |is_system: bool| {
        all.iter()
            .filter(move |input| matches!(input.place, Place::Strip(_)))
            .filter(move |input| (input.kind == "pd_system_sound") == is_system)
            .map(|input| input.name.as_str())
    };
    let (mut desktop, mut others) = (of(true), of(false));
    done(json!({
        "desktop1": desktop.next(),
        "desktop2": desktop.next(),
        "mic1": others.next(),
        "mic2": others.next(),
        "mic3": others.next(),
        "mic4": others.next(),
    }))
}

/// Whether an input is muted.
fn is_muted(input: &Input, settings: &Settings) -> bool {
    match strip(input, settings) {
        Some((_, strip)) => strip.muted,
        None => settings.audio.muted,
    }
}

pub(super) fn muted(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    done(json!({ "inputMuted": is_muted(&input, &desk.snapshot.settings) }))
}

pub(super) fn set_muted(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    mute(&input, request.data.boolean("inputMuted")?, desk);
    DONE
}

pub(super) fn toggle_muted(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    let muted = !is_muted(&input, &desk.snapshot.settings);
    mute(&input, muted, desk);
    done(json!({ "inputMuted": muted }))
}

fn mute(input: &Input, muted: bool, desk: &mut Desk<'_>) {
    match strip(input, &desk.snapshot.settings).map(|(index, strip)| (index, strip.clone())) {
        Some((index, strip)) => send(desk, index, &AudioInput { muted, ..strip }),
        None => desk.send(Command::SetMuted { muted }),
    }
}

/// A gain as multiplier and dB; off is 0 and, as OBS has it, -100.
pub fn volume(gain_db: f32) -> (f64, f64) {
    if gain_db <= GAIN_OFF_DB {
        (0.0, -100.0)
    } else {
        (
            decibels_to_multiplier(f64::from(gain_db)),
            f64::from(gain_db),
        )
    }
}

/// 0 dB is 1; what is not finite (silence) is 0.
pub fn decibels_to_multiplier(db: f64) -> f64 {
    if db.is_finite() {
        10_f64.powf(db / 20.0)
    } else {
        0.0
    }
}

pub(super) fn get_volume(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    let gain_db = strip(&input, &desk.snapshot.settings).map_or(0.0, |(_, strip)| strip.gain_db);
    let (multiplier, db) = volume(gain_db);
    done(json!({ "inputVolumeMul": multiplier, "inputVolumeDb": db }))
}

pub(super) fn set_volume(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    let multiplier = request.data.optional_number("inputVolumeMul", 0.0, 20.0)?;
    let db = request
        .data
        .optional_number("inputVolumeDb", -100.0, 26.0)?;
    let db = match (multiplier, db) {
        (Some(_), Some(_)) => {
            let why = "give one of `inputVolumeMul` and `inputVolumeDb`";
            return Err(refused(Status::TooManyRequestFields, why));
        }
        (None, None) => {
            let why = "`inputVolumeMul` or `inputVolumeDb` is needed";
            return Err(refused(Status::MissingRequestField, why));
        }
        (Some(multiplier), None) => 20.0 * multiplier.log10(),
        (None, Some(db)) => db,
    };
    let (index, strip) = own_strip(&input, desk)?;
    // A multiplier of 3.98 is 12 dB to everyone but a computer.
    if db > f64::from(GAIN_MAX_DB) + 0.01 {
        let why = format!("{db:.1} dB is too loud: an input goes up to {GAIN_MAX_DB} dB");
        return Err(refused(Status::RequestFieldOutOfRange, why));
    }
    let gain_db = db.clamp(f64::from(GAIN_OFF_DB), f64::from(GAIN_MAX_DB)) as f32;
    send(desk, index, &AudioInput { gain_db, ..strip });
    DONE
}

pub(super) fn sync_offset(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    let delay_ms = strip(&input, &desk.snapshot.settings).map_or(0, |(_, strip)| strip.delay_ms);
    done(json!({ "inputAudioSyncOffset": delay_ms }))
}

pub(super) fn set_sync_offset(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = with_sound(request, desk)?;
    let (name, most) = ("inputAudioSyncOffset", f64::from(DELAY_MAX_MS));
    let delay_ms = request.data.number(name, 0.0, most)?.round() as u32;
    let (index, strip) = own_strip(&input, desk)?;
    send(desk, index, &AudioInput { delay_ms, ..strip });
    DONE
}

/// Everything is in the middle.
pub(super) fn balance(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    with_sound(request, desk)?;
    done(json!({ "inputAudioBalance": 0.5 }))
}

/// Nothing is monitored on this machine.
pub(super) fn monitor_type(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    with_sound(request, desk)?;
    done(json!({ "monitorType": "OBS_MONITORING_TYPE_NONE" }))
}

/// There is one track, which has everything.
pub(super) fn tracks(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    with_sound(request, desk)?;
    done(json!({
        "inputAudioTracks": { "1": true, "2": false, "3": false, "4": false, "5": false, "6": false }
    }))
}
