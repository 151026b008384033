//! Remote control in the settings: off as shipped, where it is to be reached, its password, who is there.

use crate::rig::Rig;
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::remote::RemoteStatus;
use pd_console::session::{Command, Secret, Snapshot};
use pd_console::settings::Language::{English, Korean};

fn served(snapshot: &mut Snapshot) {
    snapshot.settings.remote.on = true;
    snapshot.remote = RemoteStatus {
        addresses: vec!["ws://127.0.0.1:4455".into()],
        clients: 2,
        password: Some(Secret::new("0123456789abcdef")),
        problem: None,
    };
}

fn page(language: pd_console::settings::Language, change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(language, [1280.0, 2400.0], change);
    rig.key(Modifiers::NONE, Key::F2);
    rig
}

#[test]
fn it_is_off_as_shipped_and_switched_on_by_its_name() {
    let mut rig = page(English, |_| {});
    assert!(!rig.has("Copy password") && !rig.has("Remote control port"));
    rig.click(Role::CheckBox, "Serve the remote control");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(settings.remote.on && !settings.remote.lan);
    rig.click(Role::CheckBox, "Open to the local network");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(settings.remote.lan);
    assert!(rig.has("Everyone on this network who has the password can steer the console."));
}

#[test]
fn address_and_password_are_copied_and_the_password_is_never_shown() {
    let mut rig = page(English, served);
    assert!(rig.has("ws://127.0.0.1:4455") && rig.has("Connected: 2"));
    for (button, text) in [
        ("Copy address", "ws://127.0.0.1:4455"),
        ("Copy password", "0123456789abcdef"),
    ] {
        rig.harness
            .get_by_role_and_label(Role::Button, button)
            .click();
        rig.harness.step();
        let commands = &rig.harness.output().platform_output.commands;
        let copied = OutputCommand::CopyText(text.into());
        assert!(commands.contains(&copied), "{commands:?}");
    }
    let shown = rig.names();
    assert!(!shown.iter().any(|name| name.contains("0123456789abcdef")));
    assert_eq!(rig.sent(), []);
}

#[test]
fn another_password_is_asked_for_twice() {
    let mut rig = page(English, served);
    rig.press("New password…");
    assert_eq!(rig.sent(), []);
    rig.press("Keep this one");
    assert_eq!(rig.sent(), []);
    rig.press("New password…");
    rig.press("Make a new password");
    assert_eq!(rig.sent(), [Command::NewRemotePassword]);
    assert!(!rig.has("Make a new password"));
}

#[test]
fn what_keeps_it_from_being_served_is_said() {
    let rig = page(Korean, |s| {
        served(s);
        s.remote = RemoteStatus {
            problem: Some("remote control cannot have port 4455: another program has it".into()),
            ..RemoteStatus::default()
        };
    });
    assert!(rig.names().iter().any(|name| name.contains("4455")));
    assert!(
        !rig.has("비밀번호 복사"),
        "without one there is none to copy"
    );
    let rig = page(Korean, served);
    assert!(rig.has("비밀번호 복사") && rig.has("연결됨: 2"));
}
