//! Bitrate, mute, preview, log.

use crate::rig::{Rig, live, recording};
use eframe::egui::{Key, Modifiers, Role, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::session::Command;
use pd_console::session::snapshot::{LogLine, Preview, Severity};
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::TargetKind;
use pd_console::units::Size;
use std::sync::Arc;

const SLIDER: &str = "Picture bitrate, kb/s";

fn bitrate(kbps: u32) -> Command {
    Command::SetBitrate { kbps }
}

#[test]
fn dragging_the_slider_sends_what_it_shows_and_stays_in_bounds() {
    let mut rig = Rig::new(English, |_| {});
    let slider = rig.harness.get_by_role_and_label(Role::Slider, SLIDER);
    let rect = slider.rect();
    rig.harness.drag_at(rect.center());
    rig.wait(0.1);
    rig.harness.hover_at(rect.right_center());
    rig.wait(0.1);
    rig.harness.hover_at(rect.left_center() - vec2(300.0, 0.0));
    rig.wait(0.1);
    rig.harness.drop_at(rect.left_center());
    rig.wait(0.1);
    assert_eq!(rig.sent(), [bitrate(1000), bitrate(10_000), bitrate(100)]);
}

#[test]
fn the_bitrate_by_keys_and_buttons() {
    let mut rig = Rig::new(English, |_| {});
    rig.key(Modifiers::NONE, Key::Plus);
    assert_eq!(rig.sent(), [bitrate(3500)]);
    rig.press("Less bitrate");
    assert_eq!(rig.sent(), [bitrate(3000)]);
    rig.focus(Role::Slider, SLIDER);
    rig.key(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(rig.sent(), [bitrate(2900)]);
    let slider = rig.harness.get_by_role_and_label(Role::Slider, SLIDER);
    assert!(slider.is_focused(), "the arrow keys stay with the slider");
    rig.key(Modifiers::NONE, Key::End);
    assert_eq!(rig.sent(), [bitrate(10_000)]);
    rig.key(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(rig.sent(), [], "it is at its end");
}

#[test]
fn the_bitrate_by_an_assistive_program() {
    let mut rig = Rig::new(Korean, |_| {});
    let name = "영상 비트레이트, kb/s";
    let slider = rig.harness.get_by_role_and_label(Role::Slider, name);
    let node = slider.accesskit_node();
    assert_eq!(node.numeric_value(), Some(3000.0));
    assert_eq!(node.min_numeric_value(), Some(100.0));
    assert_eq!(node.max_numeric_value(), Some(10_000.0));
    slider.set_value_accesskit(1_000_000.0);
    rig.wait(0.1);
    assert_eq!(rig.sent(), [bitrate(10_000)]);
    let slider = rig.harness.get_by_role_and_label(Role::Slider, name);
    slider.decrement_accesskit();
    rig.wait(0.1);
    assert_eq!(rig.sent(), [bitrate(9900)]);
}

#[test]
fn the_bitrate_by_typing_is_sent_when_finished() {
    let mut rig = Rig::new(English, |_| {});
    rig.click(Role::SpinButton, "Type the bitrate, kb/s");
    rig.wait(0.2);
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("1250");
    assert_eq!(rig.sent(), [], "half-typed figures are not sent");
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(rig.sent(), [bitrate(1250)]);
}

#[test]
fn a_control_does_not_jump_back_before_the_session_has_caught_up() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::NONE, Key::Plus);
    rig.wait(0.3);
    assert!(rig.has("3.5 Mb/s"));
    rig.set(|s| s.bitrate_pending_kbps = Some(3500));
    rig.wait(3.0);
    assert!(rig.has("changing to 3.5 Mb/s…"), "{:?}", rig.names());
    rig.set(|s| {
        s.bitrate_pending_kbps = None;
        s.settings.encoder.bitrate_kbps = 3500;
    });
    rig.wait(0.2);
    assert!(rig.has("3.5 Mb/s"));
    rig.key(Modifiers::NONE, Key::Plus);
    rig.wait(0.3);
    assert!(rig.has("4.0 Mb/s"));
    rig.wait(2.0);
    assert!(rig.has("3.5 Mb/s"), "the session did not agree");
}

#[test]
fn mute_by_button_and_key_but_not_while_typing() {
    let mut rig = Rig::new(English, |s| {
        s.settings.target.kind = TargetKind::Srt;
        s.settings.target.host = "a".into();
    });
    rig.harness.set_size(vec2(1280.0, 1600.0));
    rig.wait(0.1);
    rig.press("Mute");
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    rig.press("Unmute");
    assert_eq!(rig.sent(), [Command::SetMuted { muted: false }]);
    rig.key(Modifiers::NONE, Key::M);
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    rig.press("Settings");
    rig.click(Role::TextInput, "Host");
    rig.key(Modifiers::NONE, Key::M);
    assert_eq!(rig.sent(), []);
}

#[test]
fn a_dead_microphone_is_told_in_words() {
    let rig = Rig::new(English, |s| {
        s.audio.problem = Some("The input was unplugged. Plug it in".into());
    });
    assert!(rig.has("The input was unplugged. Plug it in"));
    let level = Rig::new(English, |s| {
        s.audio.level.peak_dbfs = [-12.34, f32::NEG_INFINITY];
        s.audio.level.rms_dbfs = [-20.0, f32::NEG_INFINITY];
    });
    assert!(level.has("Left: peak −12.3 dBFS, RMS −20.0 dBFS"));
    assert!(level.has("Right: peak −∞ dBFS, RMS −∞ dBFS"));
}

#[test]
fn the_preview_is_asked_for_and_put_off() {
    let mut rig = Rig::new(English, |s| {
        s.preview = Some(Preview {
            number: 1,
            size: Size::new(16, 16),
            rgba: vec![9; 1024].into(),
            cost_us: 300,
        });
    });
    rig.wait(0.5);
    let uploads = |rig: &Rig| {
        let window = rig.harness.state().as_ref().expect("a window");
        window.view.screen.uploads
    };
    assert_eq!(uploads(&rig), 1, "the same picture is uploaded once");
    rig.click(Role::CheckBox, "Show preview");
    let mut sent = rig.all_sent();
    // It stays off: kept with the settings.
    let Some(Command::ApplySettings(settings)) = sent.pop() else {
        panic!("{sent:?}");
    };
    assert!(!settings.preview.on);
    let expected = [true, false].map(|on| Command::SetPreview { on });
    assert_eq!(sent, expected);
}

#[test]
fn a_minimised_window_asks_for_no_preview_and_changes_nothing_else() {
    let mut rig = Rig::new(English, live);
    for minimised in [true, false] {
        let input = rig.harness.input_mut();
        let id = input.viewport_id;
        input.viewports.entry(id).or_default().minimized = Some(minimised);
        rig.wait(0.2);
    }
    let expected = [true, false, true].map(|on| Command::SetPreview { on });
    assert_eq!(rig.all_sent(), expected);
}

#[test]
fn the_log_is_filtered() {
    let line = |number, severity, text: &str| LogLine {
        number,
        time: "12:00:00".into(),
        severity,
        text: text.into(),
    };
    let mut rig = Rig::new(English, |s| {
        s.log = Arc::new(vec![
            line(0, Severity::Info, "all is well"),
            line(1, Severity::Error, "the cable was pulled"),
        ]);
    });
    assert!(rig.has("all is well") && rig.has("the cable was pulled"));
    rig.press("Errors");
    assert!(!rig.has("all is well") && rig.has("the cable was pulled"));
}

#[test]
fn a_recording_by_key_and_button_and_a_replay_while_a_show_runs_only() {
    let mut rig = Rig::new(English, |_| ());
    rig.key(Modifiers::NONE, Key::R);
    rig.key(Modifiers::NONE, Key::S);
    assert_eq!(rig.sent(), [], "nothing to record");
    rig.set(live);
    rig.wait(0.5);
    rig.key(Modifiers::NONE, Key::S);
    assert_eq!(rig.sent(), [], "nothing to replay");
    rig.key(Modifiers::NONE, Key::R);
    assert_eq!(rig.sent(), [Command::StartRecording]);
    rig.press("Record");
    assert_eq!(rig.sent(), [Command::StartRecording]);
    rig.set(|s| s.recording = recording("the disk is full"));
    rig.wait(0.5);
    assert!(rig.has("REC 12:34:56  123 GB"));
    assert!(rig.has("the disk is full"));
    rig.key(Modifiers::NONE, Key::R);
    assert_eq!(rig.sent(), [Command::StopRecording]);
    rig.press("End recording");
    assert_eq!(rig.sent(), [Command::StopRecording]);
    rig.key(Modifiers::NONE, Key::S);
    assert_eq!(rig.sent(), [Command::SaveReplay]);
    rig.press("Save replay");
    assert_eq!(rig.sent(), [Command::SaveReplay]);
}
