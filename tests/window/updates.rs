//! The strip of a newer version, and its setting.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::session::Snapshot;
use pd_console::session::{Command, snapshot::State};
use pd_console::settings::Language::{English, Korean};
use pd_console::updates::{Release, own_version};
use std::sync::Arc;

fn newer(page: Option<&str>) -> impl FnOnce(&mut Snapshot) {
    let release = Release {
        version: "99.1.2".into(),
        page: page.map(str::to_owned),
    };
    move |snapshot| snapshot.update = Some(Arc::new(release))
}

const PAGE: &str = "https://example.com/pd-console/99.1.2";

#[test]
fn it_is_told_copied_and_put_away() {
    let mut rig = Rig::new(English, newer(Some(PAGE)));
    let own = own_version();
    assert!(rig.has(&format!(
        "Version 99.1.2 of the console is there; this is {own}."
    )));
    rig.harness
        .get_by_role_and_label(Role::Button, "Copy the address")
        .click();
    rig.harness.step();
    let mut copied = rig.harness.output().platform_output.commands.clone();
    rig.harness.step();
    copied.extend(rig.harness.output().platform_output.commands.clone());
    assert!(
        copied.contains(&OutputCommand::CopyText(PAGE.into())),
        "{copied:?}"
    );
    rig.all_sent();
    rig.click(Role::Button, "Noted");
    assert_eq!(rig.all_sent(), [Command::PutUpdateAway]);
}

#[test]
fn on_air_it_is_not_in_the_way_and_without_a_page_nothing_is_to_copy() {
    let mut rig = Rig::new(English, newer(None));
    assert!(rig.has("Noted") && !rig.has("Copy the address"));
    for state in [
        State::Preflight,
        State::Starting,
        State::Live,
        State::Stopping,
    ] {
        rig.set(|s| {
            live(s);
            s.state = state;
        });
        rig.wait(0.3);
        assert!(!rig.has("Noted"));
    }
    rig.set(|s| s.state = State::Idle);
    rig.wait(0.3);
    assert!(rig.has("Noted"));
}

#[test]
fn the_setting_is_on_and_off_where_the_build_can_ask() {
    for can_ask in [true, false] {
        let mut rig = Rig::sized(English, [1280.0, 3000.0], |s| {
            s.can_ask_for_updates = can_ask
        });
        rig.key(Modifiers::NONE, Key::F2);
        assert_eq!(rig.has("This build was given no address to ask."), !can_ask);
        let title = "Ask once a day for a newer version";
        assert_eq!(rig.is_disabled(Role::CheckBox, title), !can_ask);
        if can_ask {
            rig.all_sent();
            rig.click(Role::CheckBox, title);
            rig.wait(1.0);
            let sent = rig.all_sent();
            let off = sent
                .iter()
                .any(|command| matches!(command, Command::ApplySettings(s) if !s.updates.check));
            assert!(off, "{sent:?}");
        }
    }
}

#[test]
fn it_is_told_in_korean() {
    let rig = Rig::new(Korean, newer(Some(PAGE)));
    let own = own_version();
    let text = format!("콘솔의 새 버전 99.1.2가 나왔습니다. 지금 버전은 {own}입니다.");
    assert!(rig.has(&text), "{:?}", rig.names());
    assert!(rig.has("주소 복사") && rig.has("확인"));
}
