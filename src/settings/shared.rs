//! Which settings a profile has, which of them only this machine understands, and what of them could
//! be a secret. Pure.
//!
//! Lists of what goes in and not of what stays out: a setting that someone adds later is in no
//! profile until it is put here, and in no shared file until it is known to hold nothing private.

use super::overrides::{names, shape};
use super::schema::{AudioSourceKind, Settings, Way};
use super::tree;
use crate::mediamtx::url::shown;
use crate::publish::parse_host_box;

/// What a show is made of; all else (language, preview, paths of programs, ...) is the console's own
/// and stays as it is when another profile is used.
const SECTIONS: [&str; 8] = [
    "video",
    "encoder",
    "audio",
    "target",
    "backup",
    "viewer",
    "probe",
    "recording",
];

/// Within those sections, what is the hand's of the moment: a profile never mutes nor unmutes.
const MOMENT: [&str; 1] = ["audio.muted"];

/// What means nothing, or something else, on another machine, or says something of this one:
/// folders, files, addresses and ports of its own, screens, windows, its encoder. The viewers' page
/// among them, because a file from elsewhere must not open this machine to its network.
const MACHINE: [&str; 14] = [
    "video.part",
    "video.region",
    "encoder.family",
    "target.file",
    "target.pull_address",
    "target.pull_port",
    "backup.target.file",
    "backup.target.pull_address",
    "backup.target.pull_port",
    "viewer.on",
    "viewer.port",
    "viewer.lan",
    "recording.folder",
    "recording.auto",
];

/// What a shared file may have, by name: the sections' settings without [`MOMENT`] and [`MACHINE`],
/// written out so that a new one is looked at by someone first.
const SHARED: [&str; 44] = [
    "video.source",
    "video.size.width",
    "video.size.height",
    "video.fit",
    "video.fps.num",
    "video.fps.den",
    "video.cursor",
    "video.pipe",
    "encoder.speed",
    "encoder.bitrate_kbps",
    "encoder.gop_seconds",
    "encoder.vbv_frames",
    "encoder.lower_picture",
    "encoder.adaptive",
    "encoder.floor_kbps",
    "audio.inputs",
    "audio.bitrate_kbps",
    "target.kind",
    "target.host",
    "target.srt_port",
    "target.way",
    "target.rtsp_port",
    "target.udp_port",
    "target.path",
    "target.user",
    "target.latency_ms",
    "target.api_url",
    "target.webrtc_url",
    "backup.on",
    "backup.target.kind",
    "backup.target.host",
    "backup.target.srt_port",
    "backup.target.way",
    "backup.target.rtsp_port",
    "backup.target.udp_port",
    "backup.target.path",
    "backup.target.user",
    "backup.target.latency_ms",
    "backup.target.api_url",
    "backup.target.webrtc_url",
    "probe.on",
    "probe.sound_proof",
    "recording.form",
    "recording.replay_seconds",
];

/// Whether a profile on this machine has the setting `name`.
pub(super) fn is_profiles(name: &str) -> bool {
    let section = name.split('.').next().unwrap_or_default();
    SECTIONS.contains(&section) && !MOMENT.contains(&name)
}

/// Whether a file for others has it.
pub(crate) fn is_shared(name: &str) -> bool {
    SHARED.contains(&name)
}

/// Takes out what could be a secret: passphrase and stream id of a pasted srt:// address, user and
/// password within other addresses.
pub(super) fn without_secrets(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    for target in [&mut settings.target, &mut settings.backup.target] {
        if let Ok(host) = parse_host_box(&target.host) {
            target.host = host.host;
            target.srt_port = host.port.unwrap_or(target.srt_port);
        } else {
            // Not understood, so not known to be free of one.
            target.host = shown(&target.host);
        }
        target.api_url = shown(&target.api_url);
        target.webrtc_url = shown(&target.webrtc_url);
    }
    settings
}

/// The settings as another machine may have them, and the names of what was taken out of them or
/// changed, as far as it was not the default.
pub(super) fn for_others(settings: &Settings) -> (Settings, Vec<String>) {
    let mut shared = without_secrets(settings);
    let mut left_out = Vec::new();
    for (index, input) in shared.audio.inputs.iter_mut().enumerate() {
        if matches!(input.source, AudioSourceKind::Input(_)) {
            input.source = AudioSourceKind::DefaultInput;
            left_out.push(format!("audio.inputs.{index}.source"));
        }
    }
    for (name, target) in [
        ("target", &mut shared.target),
        ("backup.target", &mut shared.backup.target),
    ] {
        // The zone of a link-local address is a network card of this machine.
        if let Some((address, _)) = target.host.split_once('%') {
            target.host = address.to_owned();
            left_out.push(format!("{name}.host"));
        }
        // Going live would write over whatever file is set there.
        if target.way == Way::File {
            target.way = Way::Auto;
            left_out.push(format!("{name}.way"));
        }
    }
    let (shape, now) = (shape(), serde_json::to_value(settings).unwrap_or_default());
    let machine = MACHINE.iter().copied();
    let changed = machine.filter(|name| tree::at(&shape, name) != tree::at(&now, name));
    left_out.extend(changed.map(str::to_owned));
    (shared, left_out)
}

/// Names of all settings that a profile has.
pub(super) fn profile_names() -> Vec<String> {
    let mut names = names();
    names.retain(|name| is_profiles(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each setting of a show was looked at by someone: shared, this machine's or the moment's.
    #[test]
    fn every_setting_of_a_show_is_in_one_list() {
        for name in profile_names() {
            let lists =
                usize::from(is_shared(&name)) + usize::from(MACHINE.contains(&name.as_str()));
            assert_eq!(
                lists, 1,
                "{name}: put it into SHARED where it means the same on every machine and says \
                 nothing private, else into MACHINE (src/settings/shared.rs)"
            );
        }
        let all = names();
        for name in SHARED.iter().chain(&MACHINE).chain(&MOMENT) {
            assert!(all.iter().any(|n| n == name), "{name} is no setting");
        }
    }

    #[test]
    fn the_consoles_own_is_in_no_profile() {
        for name in [
            "language",
            "ffmpeg_path",
            "mediamtx_path",
            "preview.on",
            "performance.priority",
            "profile",
            "servers",
            "audio.muted",
        ] {
            assert!(!is_profiles(name), "{name}");
        }
    }
}
