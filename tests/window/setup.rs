//! Settings, secrets, language, quitting.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, Role, ViewportCommand, ViewportEvent, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::audio::Format;
use pd_console::clock::MonoTime;
use pd_console::session::snapshot::AudioInputStatus;
use pd_console::session::{Command, Secret, Snapshot};
use pd_console::settings::Language::{self, English};
use pd_console::settings::ScreenPart;
use pd_console::settings::{AudioInput, AudioSourceKind, TargetKind};
use pd_console::units::Size;

fn own_server(host: &str) -> impl FnOnce(&mut Snapshot) {
    let host = host.to_owned();
    move |snapshot| {
        snapshot.settings.target.kind = TargetKind::Srt;
        snapshot.settings.target.host = host;
    }
}

/// A window high enough that the whole settings panel is in sight.
fn open(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(English, [1280.0, 2200.0], change);
    rig.press("Settings");
    rig
}

#[test]
fn bad_settings_hold_the_show_back_and_good_ones_are_handed_over() {
    let mut rig = open(own_server(""));
    assert!(rig.is_disabled(Role::Button, "GO LIVE"));
    rig.key(Modifiers::NONE, Key::F5);
    assert_eq!(rig.sent(), []);
    assert!(rig.has("Type the server's host name or address"));
    rig.click(Role::TextInput, "Host");
    rig.type_text("studio.local");
    assert_eq!(rig.sent(), [], "still typing");
    rig.key(Modifiers::NONE, Key::Enter);
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.target.host, "studio.local");
    assert!(!rig.is_disabled(Role::Button, "GO LIVE"));
}

#[test]
fn a_password_is_handed_over_and_is_never_in_the_tree() {
    let mut rig = open(own_server("studio"));
    rig.click(Role::PasswordInput, "Password");
    rig.type_text("open sesame");
    let names = rig.names();
    assert!(
        !names.iter().any(|name| name.contains("sesame")),
        "{names:?}"
    );
    rig.key(Modifiers::NONE, Key::Enter);
    let expected = Command::SetSecrets {
        password: Some(Secret::new("open sesame")),
        passphrase: None,
    };
    assert_eq!(rig.sent(), [expected]);
}

#[test]
fn a_backup_is_added_named_and_removed() {
    let mut rig = open(|_| {});
    rig.click(Role::ComboBox, "Also send to");
    rig.press("Own server (SRT)");
    assert!(rig.is_disabled(Role::Button, "GO LIVE"), "no host yet");
    assert_eq!(rig.sent(), []);
    rig.click(Role::TextInput, "Backup: Host");
    rig.type_text("b.example");
    rig.key(Modifiers::NONE, Key::Enter);
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let backup = settings.backup.clone();
    assert!(backup.on && backup.target.host == "b.example");
    rig.set(|snapshot| snapshot.settings.backup = backup);
    rig.wait(0.2);
    rig.click(Role::PasswordInput, "Backup: Password");
    rig.type_text("second");
    rig.key(Modifiers::NONE, Key::Enter);
    let expected = Command::SetBackupSecrets {
        password: Some(Secret::new("second")),
        passphrase: None,
    };
    assert_eq!(rig.sent(), [expected]);
    rig.click(Role::ComboBox, "Also send to");
    rig.press("None");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(!settings.backup.on);
}

#[test]
fn a_short_passphrase_is_named_and_kept_back() {
    let mut rig = open(own_server("studio"));
    rig.click(Role::PasswordInput, "SRT passphrase");
    rig.type_text("short");
    rig.key(Modifiers::NONE, Key::Enter);
    assert!(rig.has("The passphrase has 10 to 79 bytes (a letter outside of English has 2 to 4)"));
    assert_eq!(rig.sent(), []);
}

#[test]
fn a_sound_input_is_chosen_from_the_systems() {
    let mut rig = open(|_| {});
    rig.click(Role::ComboBox, "Sound source");
    rig.press("USB microphone");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let chosen = AudioSourceKind::Input("USB microphone".into());
    assert_eq!(settings.audio.inputs[0].source, chosen);
}

#[test]
fn inputs_are_added_moved_and_removed_while_live() {
    let mut rig = open(live);
    rig.press("Add an input");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let inputs = settings.audio.inputs.clone();
    assert_eq!(inputs[1].source, AudioSourceKind::SystemSound);
    rig.set(|s| s.settings.audio.inputs = inputs);
    rig.wait(0.2);
    // Both have a number now, and the arrow keys move the gain.
    rig.focus(Role::Slider, "Gain 2");
    rig.key(Modifiers::NONE, Key::ArrowLeft);
    let sent = rig.sent();
    let [
        Command::SetInput {
            index: 1,
            gain_db,
            muted: false,
            delay_ms: 0,
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert!((-1.0..0.0).contains(gain_db), "{gain_db}");
    let gain_db = *gain_db;
    rig.set(|s| s.settings.audio.inputs[1].gain_db = gain_db);
    rig.click(Role::CheckBox, "Mute input 1");
    let sent = rig.sent();
    let [
        Command::SetInput {
            index: 0,
            muted: true,
            ..
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    rig.set(|s| s.settings.audio.inputs[0].muted = true);
    rig.wait(0.2);
    rig.click(Role::SpinButton, "Sound delay 1");
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("120");
    assert_eq!(rig.sent(), [], "half-typed figures are not sent");
    rig.key(Modifiers::NONE, Key::Enter);
    let sent = rig.sent();
    let [
        Command::SetInput {
            index: 0,
            delay_ms: 120,
            ..
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    rig.set(|s| s.settings.audio.inputs[0].delay_ms = 120);
    rig.wait(0.2);
    rig.press("Remove input 2");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let [input] = settings.audio.inputs.as_slice() else {
        panic!("{:?}", settings.audio.inputs);
    };
    assert_eq!((input.delay_ms, input.muted), (120, true));
}

#[test]
fn each_input_shows_its_level_its_trouble_and_its_buffer() {
    let rig = open(|s| {
        let input = |label: &str| AudioInputStatus {
            label: label.into(),
            ..AudioInputStatus::default()
        };
        let mut good = input("USB");
        good.level.peak_dbfs = [-12.34, -20.0];
        good.format = Some(Format {
            host: "PipeWire",
            rate_hz: 48_000,
            channels: 2,
            buffer_frames: 2_048,
            late_ms: 21,
        });
        let mut bad = input("");
        bad.problem = Some("It was unplugged".into());
        s.settings.audio.inputs = vec![AudioInput::default(), AudioInput::default()];
        s.audio.label = "USB".into();
        s.audio.inputs = vec![good, bad];
    });
    assert!(
        rig.has("Input 1, USB: peak −12.3 dBFS"),
        "{:?}",
        rig.names()
    );
    assert!(rig.has("Input 2: It was unplugged"), "{:?}", rig.names());
    let buffer = "PipeWire: 48000 Hz, 2 channels, buffer 2048 frames (42.7 ms). The buffer is long: \
                  the sound comes 21 ms late";
    assert!(rig.has(buffer), "{:?}", rig.names());
    assert!(
        rig.has("Left: peak −∞ dBFS, RMS −∞ dBFS"),
        "the sum's meter stays"
    );
}

#[test]
fn while_live_the_destination_is_locked_and_the_language_is_not() {
    let mut rig = open(live);
    assert!(rig.is_disabled(Role::ComboBox, "Send to"));
    assert!(rig.is_disabled(Role::TextInput, "Path"));
    for free in ["Size", "Frames a second", "Encoder", "Speed", "Language"] {
        assert!(!rig.is_disabled(Role::ComboBox, free), "{free}");
    }
    rig.click(Role::ComboBox, "Language");
    rig.press("한국어");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.language, Language::Korean);
    rig.harness.get_by_role_and_label(Role::Button, "송출 종료");
}

#[test]
fn a_monitor_is_chosen_at_once_before_a_show() {
    let mut rig = open(|_| {});
    rig.click(Role::ComboBox, "Source");
    rig.press("Monitor LEFT, 1920x1080");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.video.part, ScreenPart::Monitor("LEFT".into()));
    rig.set(|s| s.settings = (**settings).clone());
    rig.wait(0.2);
    rig.click(Role::CheckBox, "Only a part of it");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let region = settings.video.region.unwrap();
    assert_eq!(region.size, Size::new(1920, 1080));
}

#[test]
fn on_air_another_source_takes_a_second_press() {
    let mut rig = open(live);
    rig.click(Role::ComboBox, "Source");
    rig.press("Monitor LEFT, 1920x1080");
    rig.wait(0.2);
    assert_eq!(rig.sent(), [], "a slip must not show another screen");
    rig.press("Keep the present source");
    assert!(!rig.has("Keep the present source"));
    assert_eq!(rig.sent(), []);
    rig.click(Role::ComboBox, "Source");
    rig.press("Monitor LEFT, 1920x1080");
    rig.press("Put on air: Monitor LEFT, 1920x1080");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.video.part, ScreenPart::Monitor("LEFT".into()));
}

#[test]
fn where_the_desktop_asks_it_can_be_asked_again_on_air_too() {
    let mut rig = open(|s| {
        live(s);
        s.settings.video.source = pd_console::settings::VideoSourceKind::Portal;
    });
    rig.press("Let the desktop ask again which screen");
    assert_eq!(rig.sent(), [Command::ChooseScreen]);
    let rig = open(|s| s.settings.video.source = pd_console::settings::VideoSourceKind::Pattern);
    assert!(!rig.has("Let the desktop ask again which screen"));
}

#[test]
fn b05_a_lost_source_is_shown_over_the_picture_and_another_offered() {
    let lost = |seconds: u64| {
        move |s: &mut pd_console::session::Snapshot| {
            live(s);
            s.picture.problem = Some("access lost".into());
            s.picture.lost_since = Some(MonoTime::from_micros(1_000_000));
            s.at = MonoTime::from_micros((1 + seconds) * 1_000_000);
        }
    };
    let rig = Rig::new(English, lost(4));
    let words = "SOURCE LOST for 4 s. The last picture is being sent\naccess lost";
    assert!(rig.has(words), "{:?}", rig.names());
    assert!(!rig.has("Choose another source"));
    let mut rig = Rig::new(English, lost(12));
    rig.press("Choose another source");
    rig.click(Role::ComboBox, "Source");
    assert!(rig.has("Monitor LEFT, 1920x1080"));
}

#[test]
fn quitting_while_on_air_is_asked_for() {
    let mut rig = Rig::new(English, live);
    let close = |rig: &mut Rig| {
        let input = rig.harness.input_mut();
        let id = input.viewport_id;
        let info = input.viewports.entry(id).or_default();
        info.events.push(ViewportEvent::Close);
        rig.harness.step();
        rig.harness.output().viewport_output[&id].commands.clone()
    };
    assert!(close(&mut rig).contains(&ViewportCommand::CancelClose));
    rig.wait(0.1);
    rig.press("Stay on air");
    rig.wait(0.1);
    assert!(!rig.has("Stay on air"));
    assert_eq!(rig.sent(), [], "staying changes nothing of the show");
    rig.set(|s| s.state = pd_console::session::snapshot::State::Idle);
    rig.wait(0.1);
    assert!(!close(&mut rig).contains(&ViewportCommand::CancelClose));
}

#[test]
fn the_settings_stay_in_sight_of_a_small_window() {
    let mut rig = Rig::sized(English, [853.0, 533.0], own_server("studio"));
    rig.press("Settings");
    let node = rig
        .harness
        .get_by_role_and_label(Role::Button, "Put away: Settings");
    assert!(node.rect().right() <= 853.0);
    let _ = node.accesskit_node();
    // The latency meter made room, its figure did not go.
    let meter = "Put away: Latency";
    assert!(rig.has("Latency: —") && !rig.has(meter));
    rig.harness.set_size(vec2(1280.0, 800.0));
    rig.wait(0.1);
    assert!(rig.has("Latency: —") && rig.has(meter));
}
