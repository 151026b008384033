//! The strip and the size of everything: what they ask of the desktop, what stays in reach.

use crate::rig::{Rig, live};
use eframe::egui::viewport::WindowLevel;
use eframe::egui::{Event, Key, Modifiers, Role, ViewportCommand, ViewportId, Visuals, vec2};
use egui_kittest::kittest::Queryable;
use pd_console::session::Command;
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::Theme;
use pd_console::ui::theme::{self, Look};

fn asked(rig: &Rig) -> Vec<ViewportCommand> {
    let output = rig.harness.output().viewport_output.get(&ViewportId::ROOT);
    output.map(|out| out.commands.clone()).unwrap_or_default()
}

/// What the frame of a key asks of the desktop.
fn press(rig: &mut Rig, modifiers: Modifiers, key: Key) -> Vec<ViewportCommand> {
    let event = |pressed| Event::Key {
        key,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers,
    };
    rig.harness.input_mut().events.push(event(true));
    rig.harness.step();
    let commands = asked(rig);
    rig.harness.input_mut().events.push(event(false));
    rig.harness.step();
    commands
}

#[test]
fn the_strip_comes_in_front_and_the_window_comes_back_with_its_size() {
    let mut rig = Rig::new(English, live);
    let commands = press(&mut rig, Modifiers::NONE, Key::F8);
    assert!(commands.contains(&ViewportCommand::WindowLevel(WindowLevel::AlwaysOnTop)));
    let small =
        |c: &ViewportCommand| matches!(c, ViewportCommand::InnerSize(size) if size.y < 100.0);
    assert!(commands.iter().any(small), "{commands:?}");
    rig.harness.set_size(vec2(920.0, 74.0));
    rig.wait(0.2);
    // All that a show needs is there, and nothing that is not.
    for name in ["State: ON AIR", "On air for 01:02:05", "Viewers: 3"] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    assert!(!rig.has("Panels") && !rig.has("Copy log"));
    rig.press("Mute");
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    rig.press("STOP");
    assert_eq!(rig.sent(), [], "the same guard as in the window");
    rig.wait(0.5);
    rig.press("PRESS AGAIN");
    assert_eq!(rig.sent(), [Command::Stop]);
    let commands = press(&mut rig, Modifiers::NONE, Key::F8);
    assert!(commands.contains(&ViewportCommand::WindowLevel(WindowLevel::Normal)));
    let back = ViewportCommand::InnerSize(vec2(1280.0, 800.0));
    assert!(commands.contains(&back), "{commands:?}");
    rig.harness.set_size(vec2(1280.0, 800.0));
    rig.wait(0.2);
    assert!(rig.has("Copy log"));
}

#[test]
fn a_question_and_a_page_bring_the_window_back() {
    let mut rig = Rig::new(Korean, live);
    for key in [Key::F4, Key::F1] {
        press(&mut rig, Modifiers::NONE, Key::F8);
        assert!(rig.harness.state().as_ref().expect("a window").view.strip);
        press(&mut rig, Modifiers::NONE, key);
        rig.wait(0.2);
        assert!(!rig.harness.state().as_ref().expect("a window").view.strip);
        rig.key(Modifiers::NONE, Key::Escape);
    }
}

#[test]
fn the_strip_fits_where_a_window_manager_makes_it_small() {
    for (language, stop) in [(English, "STOP"), (Korean, "송출 종료")] {
        let mut rig = Rig::sized(language, [920.0, 800.0], live);
        press(&mut rig, Modifiers::NONE, Key::F8);
        rig.harness.set_size(vec2(560.0, 52.0));
        rig.wait(0.2);
        let stop = rig.harness.get_by_role_and_label(Role::Button, stop).rect();
        assert!(stop.right() <= 560.0 && stop.bottom() <= 52.0, "{stop:?}");
        let timer = rig.harness.get_by_role(Role::Timer).rect();
        assert!(
            timer.width() > 60.0 && timer.right() < stop.left(),
            "{timer:?}"
        );
    }
}

#[test]
fn the_size_of_everything_is_set_by_keys_and_kept_and_the_bitrate_stays() {
    let mut rig = Rig::new(English, live);
    let zoom = |rig: &Rig| rig.harness.ctx.zoom_factor();
    assert_eq!(zoom(&rig), 1.0);
    press(&mut rig, Modifiers::COMMAND, Key::Plus);
    rig.wait(0.2);
    assert!((zoom(&rig) - 1.1).abs() < 0.001, "{}", zoom(&rig));
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.window.scale_percent, 110);
    let kept = (**settings).clone();
    rig.set(|s| s.settings = kept);
    press(&mut rig, Modifiers::COMMAND, Key::Num0);
    rig.wait(0.2);
    assert_eq!(zoom(&rig), 1.0);
    rig.sent();
    rig.key(Modifiers::NONE, Key::Plus);
    assert_eq!(
        rig.sent(),
        [Command::SetBitrate { kbps: 3500 }],
        "the plain key is the bitrate's"
    );
}

#[test]
fn the_look_follows_the_settings() {
    let mut rig = Rig::new(English, |s| s.settings.window.theme = Theme::Light);
    assert_eq!(theme::look(), Look::Light);
    let ground = |rig: &Rig| -> Visuals { rig.harness.ctx.global_style().visuals.clone() };
    assert!(!ground(&rig).dark_mode);
    rig.set(|s| s.settings.window.theme = Theme::Dark);
    rig.wait(1.2);
    assert_eq!(theme::look(), Look::Dark);
    assert!(ground(&rig).dark_mode);
}
