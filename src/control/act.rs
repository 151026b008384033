//! What each of the session's operations does as things stand. Pure: from a snapshot to commands, or to
//! why not.

use super::argument::{input_and_number, input_number, not_understood, number};
use super::{Op, Owner, Refusal, Takes};
use crate::capture::choice::resolve;
use crate::record::status::Phase;
use crate::session::install::InstallStatus;
use crate::session::snapshot::State;
use crate::session::{Command, Secret, Snapshot, live_settings};
use crate::settings::{AudioInput, Settings, VideoSourceKind, overrides};
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS, bitrate_rung};

/// How things stand when something is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// The newest snapshot.
    pub snapshot: &'a Snapshot,
    /// The bitrate last wished, kb/s: newer than the snapshot's where the hand is fast.
    pub kbps: u32,
    /// Whether the sound is, or was just wished, muted.
    pub muted: bool,
}

impl<'a> Now<'a> {
    /// As the snapshot has it.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let pending = snapshot.bitrate_pending_kbps;
        Self {
            snapshot,
            kbps: pending.unwrap_or(snapshot.settings.encoder.bitrate_kbps),
            muted: snapshot.settings.audio.muted,
        }
    }

    /// The settings in force with what was last wished.
    pub fn settings(&self) -> Settings {
        let mut settings = self.snapshot.settings.clone();
        settings.encoder.bitrate_kbps = self.kbps;
        settings.audio.muted = self.muted;
        settings
    }

    /// Whether neither a show runs nor one begins or ends.
    pub fn is_idle(&self) -> bool {
        self.snapshot.state.is_at_rest()
    }

    /// Whether there is something to record: pictures go out, or soon will.
    pub fn can_record(&self) -> bool {
        matches!(
            self.snapshot.state,
            State::Starting | State::Live | State::Reconnecting { .. }
        )
    }
}

/// The commands that carry `op` out, as things stand `now`; not empty.
///
/// # Errors
/// Why not, and what to do. The window's own operations are refused: they need no command.
pub fn commands(op: Op, argument: Option<&str>, now: &Now<'_>) -> Result<Vec<Command>, Refusal> {
    if op.owner() == Owner::Window {
        return Err(Refusal::NoWindow { op: op.id() });
    }
    possible(op, now)?;
    let argument = argument.map(str::trim);
    if let (Takes::Nothing, Some(text)) = (op.takes(), argument.filter(|text| !text.is_empty())) {
        return Err(not_understood(op, Some(text)));
    }
    let text = || match argument {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(not_understood(op, None)),
    };
    let set = |name: &str, value: &str| set(name, value, now);
    let on = |value: bool| if value { "true" } else { "false" };
    let settings = &now.snapshot.settings;
    let done = match op {
        Op::GoLive => match now.snapshot.state {
            State::Failed { .. } => vec![Command::Dismiss, Command::GoLive],
            _ => vec![Command::GoLive],
        },
        Op::TakeOver => match now.snapshot.state {
            State::Failed { .. } => vec![Command::Dismiss, Command::TakeOver],
            _ => vec![Command::TakeOver],
        },
        Op::Stop => vec![Command::Stop],
        Op::Dismiss => vec![Command::Dismiss],
        Op::Check => vec![Command::Examine],
        Op::Quit => vec![Command::Quit],
        Op::ChooseScreen => vec![Command::ChooseScreen],
        Op::SourceSet => set("video.source", text()?)?,
        Op::CursorToggle => set("video.cursor", on(!settings.video.cursor))?,
        Op::PreviewToggle => {
            let wanted = !settings.preview.on;
            let mut done = set("preview.on", on(wanted))?;
            done.push(Command::SetPreview { on: wanted });
            done
        }
        Op::BitrateSet => {
            let value = number(text()?, "kb/s").map(f64::round);
            let range = f64::from(BITRATE_MIN_KBPS)..=f64::from(BITRATE_MAX_KBPS);
            let value = value.filter(|value| range.contains(value));
            let kbps = value.ok_or_else(|| not_understood(op, argument))? as u32;
            vec![Command::SetBitrate { kbps }]
        }
        Op::BitrateUp | Op::BitrateDown => {
            let kbps = bitrate_rung(now.kbps, op == Op::BitrateUp);
            vec![Command::SetBitrate { kbps }]
        }
        Op::AdaptiveToggle => set("encoder.adaptive", on(!settings.encoder.adaptive))?,
        Op::LowerPictureToggle => {
            set("encoder.lower_picture", on(!settings.encoder.lower_picture))?
        }
        Op::SizeSet => set("video.size", text()?)?,
        Op::FpsSet => set("video.fps", text()?)?,
        Op::EncoderSet => set("encoder.family", &family(text()?))?,
        Op::SpeedSet => set("encoder.speed", text()?)?,
        Op::MuteToggle => vec![Command::SetMuted { muted: !now.muted }],
        Op::Mute | Op::Unmute => {
            let muted = op == Op::Mute;
            vec![Command::SetMuted { muted }]
        }
        Op::InputMuteToggle
        | Op::InputMute
        | Op::InputUnmute
        | Op::InputGain
        | Op::InputGainUp
        | Op::InputGainDown
        | Op::InputDelay => vec![input(op, argument, &settings.audio.inputs)?],
        Op::RecordToggle => vec![match now.snapshot.recording.phase {
            Phase::Off | Phase::Ending => Command::StartRecording,
            Phase::Starting | Phase::On => Command::StopRecording,
        }],
        Op::RecordStart => vec![Command::StartRecording],
        Op::RecordStop => vec![Command::StopRecording],
        Op::ReplaySave => vec![Command::SaveReplay],
        Op::RecordAutoToggle => set("recording.auto", on(!settings.recording.auto))?,
        Op::MeterSave => vec![Command::SaveMeter],
        Op::ProbeToggle => set("probe.on", on(!settings.probe.on))?,
        Op::FastestWay => vec![Command::FastestWay],
        Op::Reconnect => vec![Command::Reconnect],
        Op::BackupToggle => set("backup.on", on(!settings.backup.on))?,
        Op::KickViewer => vec![Command::KickViewer {
            id: viewer(text()?, now.snapshot)?,
        }],
        Op::ViewerPageToggle => set("viewer.on", on(!settings.viewer.on))?,
        Op::SettingSet => {
            let text = text()?;
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| not_understood(op, argument))?;
            set(name.trim(), value.trim())?
        }
        Op::SettingReset => {
            let name = text()?;
            set(name, &overrides::default_of(name)?)?
        }
        Op::ProfileSave => vec![Command::SaveProfile {
            name: text()?.to_owned(),
        }],
        Op::ProfileUse => vec![Command::UseProfile {
            name: profile(text()?, now.snapshot)?,
        }],
        Op::ProfileRename => {
            let text = text()?;
            let (from, to) = text
                .split_once('=')
                .ok_or_else(|| not_understood(op, argument))?;
            vec![Command::RenameProfile {
                from: profile(from.trim(), now.snapshot)?,
                to: to.trim().to_owned(),
            }]
        }
        Op::ProfileDelete => vec![Command::DeleteProfile {
            name: profile(text()?, now.snapshot)?,
        }],
        Op::ProfileUndo => vec![Command::UndoProfile],
        Op::ProfileExport => vec![Command::ExportProfile {
            name: String::new(),
            path: text()?.into(),
        }],
        Op::ProfileImport => vec![Command::ImportProfile {
            path: text()?.into(),
        }],
        Op::ProfilesLook => vec![Command::LookAtProfiles],
        Op::SetUp => vec![Command::SetUp],
        Op::ServerInstall => vec![Command::InstallServer],
        Op::ServerInstallStop => vec![Command::StopInstall],
        Op::FfmpegInstall => vec![Command::InstallFfmpeg],
        Op::FfmpegInstallStop => vec![Command::StopFfmpegInstall],
        Op::ServerUse => vec![Command::UseServer {
            label: server(text()?, now.snapshot)?,
        }],
        Op::ServersForget => vec![Command::ForgetServers],
        Op::RemoteToggle => set("remote.on", on(!settings.remote.on))?,
        Op::RemotePasswordNew => vec![Command::NewRemotePassword],
        Op::UpdateNoted => vec![Command::PutUpdateAway],
        Op::LanguageSet => set("language", text()?)?,
        Op::LookSet => set("window.theme", text()?)?,
        Op::ScaleSet => {
            let percent = number(text()?, "%").map(f64::round);
            let percent = percent.ok_or_else(|| not_understood(op, argument))?;
            set("window.scale_percent", &percent.to_string())?
        }
        Op::PasswordSet | Op::PassphraseSet | Op::BackupPasswordSet | Op::BackupPassphraseSet => {
            vec![secret(op, argument)?]
        }
        // Refused above; named here so that a further operation does not compile without its deed.
        Op::MeterHold
        | Op::ViewerLinkCopy
        | Op::PanelSettings
        | Op::PanelEncoder
        | Op::PanelCheck
        | Op::PanelNetwork
        | Op::PanelViewers
        | Op::PanelClose
        | Op::PanelPreview
        | Op::PanelLatency
        | Op::PanelLog
        | Op::PanelSource
        | Op::PanelAudio
        | Op::PanelServer
        | Op::PanelGpu
        | Op::LayoutSet
        | Op::LayoutReset
        | Op::StripToggle
        | Op::ScaleUp
        | Op::ScaleDown
        | Op::ScaleReset
        | Op::Wizard
        | Op::Palette
        | Op::Keys
        | Op::Undo
        | Op::LogFilter
        | Op::LogCopy
        | Op::EncoderOptionsCopy
        | Op::CheckCopy
        | Op::DiagnosticsCopy
        | Op::ReportShow
        | Op::ReportCopy
        | Op::ReportDelete
        | Op::ReportNoted
        | Op::UpdateCopy
        | Op::FallbackNoted => return Err(Refusal::NoWindow { op: op.id() }),
    };
    Ok(done)
}

impl Now<'_> {
    /// Whether `op` makes sense as things stand, whatever it is told: what is greyed in a list.
    ///
    /// # Errors
    /// Why not, and what to do. Of the window's own operations only the window knows.
    pub fn possible(&self, op: Op) -> Result<(), Refusal> {
        possible(op, self)
    }
}

fn possible(op: Op, now: &Now<'_>) -> Result<(), Refusal> {
    let no = |what, todo| Err(Refusal::not_now(what, todo));
    let snapshot = now.snapshot;
    let state = &snapshot.state;
    let recording = &snapshot.recording;
    match op {
        Op::GoLive | Op::TakeOver => match state {
            State::Idle | State::Failed { .. } => Ok(()),
            State::Stopping => no(
                "The last show is still ending",
                "Wait a moment and try again.",
            ),
            _ => no("A show runs already", "Stop it first for another one."),
        },
        Op::Stop => match state {
            State::Idle | State::Failed { .. } => no("No show runs", "There is nothing to stop."),
            State::Stopping => no("The show is ending already", "Wait a moment."),
            _ => Ok(()),
        },
        Op::Dismiss if !matches!(state, State::Failed { .. }) => {
            no("No failure is shown", "There is nothing to put away.")
        }
        Op::Check if snapshot.doctor.running => no(
            "Everything is being looked at just now",
            "Wait for the report.",
        ),
        Op::Quit if !now.is_idle() => no("A show runs", "Stop it first, then quit."),
        Op::ChooseScreen if resolve(snapshot.settings.video.source) != VideoSourceKind::Portal => {
            no(
                "The desktop does not ask here which screen is captured",
                "Choose the screen in the settings.",
            )
        }
        Op::BitrateUp if now.kbps >= BITRATE_MAX_KBPS => no(
            "The bitrate is at its highest",
            "It goes down from here only.",
        ),
        Op::BitrateDown if now.kbps <= BITRATE_MIN_KBPS => {
            no("The bitrate is at its lowest", "It goes up from here only.")
        }
        Op::RecordToggle | Op::RecordStart | Op::RecordStop | Op::ReplaySave
            if !now.can_record() =>
        {
            no("No show runs", "Go live first: only a show is recorded.")
        }
        Op::RecordStart if matches!(recording.phase, Phase::Starting | Phase::On) => {
            no("The show is being recorded already", "Nothing is to do.")
        }
        Op::RecordStop if matches!(recording.phase, Phase::Off | Phase::Ending) => {
            no("Nothing is being recorded", "Nothing is to do.")
        }
        Op::ReplaySave if snapshot.settings.recording.replay_seconds == 0 => no(
            "No seconds are kept for a replay",
            "Set the replay's length in the settings.",
        ),
        Op::ReplaySave if recording.replay.saving => {
            no("A replay is being saved just now", "Try again in a moment.")
        }
        Op::ReplaySave if recording.replay.kept_seconds <= 0.0 => {
            no("Nothing of the show is kept yet", "Try again in a moment.")
        }
        Op::MeterSave if snapshot.frames == 0 => no(
            "The meter has measured nothing yet",
            "Go live first, then save it.",
        ),
        Op::FastestWay if *state != State::Live => no(
            "No show is live",
            "The next show tries the fastest way first.",
        ),
        Op::Reconnect if *state != State::Live => no(
            "No show is live",
            "A show that has lost its server connects again by itself.",
        ),
        Op::FastestWay if snapshot.route.fallback.is_none() => {
            no("The fastest way is in force", "Nothing is to do.")
        }
        Op::ProfileUse | Op::ProfileRename | Op::ProfileDelete
            if snapshot.profiles.names.is_empty() =>
        {
            no("There is no profile", "Save one first.")
        }
        Op::ProfileUndo if snapshot.profiles.undo.is_none() => no(
            "Nothing was done with profiles that could be undone",
            "There is nothing to do.",
        ),
        Op::ProfileExport | Op::ProfileImport if snapshot.profiles.busy => no(
            "Another profile's file is being written or read",
            "Try again in a moment.",
        ),
        Op::UpdateNoted if snapshot.update.is_none() => no(
            "No newer version is known of",
            "There is nothing to put away.",
        ),
        Op::ServerInstall if runs(&snapshot.install) => {
            no("MediaMTX is being fetched already", "Wait a moment.")
        }
        Op::ServerInstallStop if !runs(&snapshot.install) => {
            no("MediaMTX is not being fetched", "Nothing is to do.")
        }
        Op::FfmpegInstall if runs(&snapshot.ffmpeg_install) => {
            no("ffmpeg is being fetched already", "Wait a moment.")
        }
        Op::FfmpegInstallStop if !runs(&snapshot.ffmpeg_install) => {
            no("ffmpeg is not being fetched", "Nothing is to do.")
        }
        Op::ServerUse | Op::ServersForget if snapshot.settings.servers.is_empty() => no(
            "No recent server is known",
            "A server is kept here once a show was on air at it.",
        ),
        Op::ServerUse if !now.is_idle() => no(
            "A show runs, and its server stays as it is",
            "Stop the show first, or change it after.",
        ),
        Op::BackupToggle if !now.is_idle() => no(
            "A show runs, and its receivers stay as they are",
            "Stop the show first, or change it after.",
        ),
        Op::PasswordSet | Op::PassphraseSet | Op::BackupPasswordSet | Op::BackupPassphraseSet
            if !now.is_idle() =>
        {
            no(
                "A show runs with the secrets that it began with",
                "Stop the show first, or change them after.",
            )
        }
        Op::KickViewer if snapshot.readers.is_empty() => no(
            "No viewer is known",
            "Only a server whose API answers tells who watches.",
        ),
        _ => Ok(()),
    }
}

/// A setting by its name: what has a command of its own takes that, as the window does.
fn set(name: &str, value: &str, now: &Now<'_>) -> Result<Vec<Command>, Refusal> {
    let before = now.settings();
    let mut wished = before.clone();
    overrides::set(&mut wished, name, value)?;
    let mut done = Vec::new();
    if wished.encoder.bitrate_kbps != before.encoder.bitrate_kbps {
        let kbps = wished.encoder.bitrate_kbps;
        done.push(Command::SetBitrate { kbps });
    }
    if wished.audio.muted != before.audio.muted {
        let muted = wished.audio.muted;
        done.push(Command::SetMuted { muted });
    }
    if !done.is_empty() {
        return Ok(done);
    }
    if !now.is_idle() && live_settings(&before, wished.clone()) != wished {
        return Err(Refusal::not_now(
            "A show runs, and that setting holds from the next show on",
            "Stop the show first, then set it.",
        ));
    }
    Ok(vec![Command::ApplySettings(Box::new(wished))])
}

fn runs(install: &InstallStatus) -> bool {
    matches!(install, InstallStatus::Running { .. })
}

/// The profile of this name, whatever its capitals.
fn profile(name: &str, snapshot: &Snapshot) -> Result<String, Refusal> {
    let same = |known: &&String| known.to_lowercase() == name.to_lowercase();
    let found = snapshot.profiles.names.iter().find(same);
    found.cloned().ok_or_else(|| {
        Refusal::not_now(
            "No profile has this name",
            "The list of profiles names them all.",
        )
    })
}

/// The label of the recent server that is called so, or has this host.
fn server(name: &str, snapshot: &Snapshot) -> Result<String, Refusal> {
    let servers = &snapshot.settings.servers;
    let found = servers
        .iter()
        .find(|server| server.label() == name)
        .or_else(|| servers.iter().find(|server| server.host == name));
    found.map(|server| server.label()).ok_or_else(|| {
        Refusal::not_now(
            "No recent server is called so",
            "Type its address in the settings.",
        )
    })
}

/// An encoder's name as the settings read it; `auto` is none.
fn family(name: &str) -> String {
    use crate::settings::EncoderFamily;
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(name);
    let found = EncoderFamily::ALL
        .iter()
        .map(|family| format!("{family:?}"))
        .find(|family| plain(family) == wanted);
    match found {
        Some(family) => format!("Some({family})"),
        None if wanted == "auto" || wanted == "none" => "None".into(),
        None => name.into(),
    }
}

fn input(op: Op, argument: Option<&str>, inputs: &[AudioInput]) -> Result<Command, Refusal> {
    let (index, value) = match op.takes() {
        Takes::InputAndNumber { .. } => input_and_number(op, argument, inputs.len())?,
        _ => (input_number(op, argument, inputs.len())?, 0.0),
    };
    let mut input = inputs[index].clone();
    let bounded = |gain_db: f32| crate::audio::mixer::gain_in_bounds(gain_db);
    match op {
        Op::InputMute => input.muted = true,
        Op::InputUnmute => input.muted = false,
        Op::InputMuteToggle => input.muted = !input.muted,
        Op::InputGain => input.gain_db = value as f32,
        Op::InputGainUp => input.gain_db = bounded(input.gain_db + 1.0),
        Op::InputGainDown => input.gain_db = bounded(input.gain_db - 1.0),
        _ => input.delay_ms = value as u32,
    }
    Ok(Command::SetInput {
        index,
        gain_db: input.gain_db,
        muted: input.muted,
        delay_ms: input.delay_ms,
    })
}

/// The id of the viewer that `text` names.
fn viewer(text: &str, snapshot: &Snapshot) -> Result<String, Refusal> {
    let mut readers = snapshot.readers.iter();
    readers
        .find(|reader| reader.id == text || reader.remote_addr == text)
        .map(|reader| reader.id.clone())
        .ok_or_else(|| {
            Refusal::not_now(
                "No viewer of that id or address is connected",
                "The network's page lists who watches.",
            )
        })
}

fn secret(op: Op, argument: Option<&str>) -> Result<Command, Refusal> {
    // Empty removes it, but it has to be said.
    let text = argument.ok_or_else(|| not_understood(op, None))?;
    let given = Some(Secret::new(text));
    let passphrase = matches!(op, Op::PassphraseSet | Op::BackupPassphraseSet);
    if passphrase && crate::publish::srt_url::check_passphrase(text).is_err() {
        return Err(not_understood(op, argument));
    }
    let (password, passphrase) = if passphrase {
        (None, given)
    } else {
        (given, None)
    };
    Ok(match op {
        Op::PasswordSet | Op::PassphraseSet => Command::SetSecrets {
            password,
            passphrase,
        },
        _ => Command::SetBackupSecrets {
            password,
            passphrase,
        },
    })
}
