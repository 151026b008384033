//! Korean is composed in the text fields as any program does: letters join to syllables, keys of the
//! window do nothing meanwhile, and what is unfinished when the field is left stays.

use crate::rig::Rig;
use eframe::egui::{Event, ImeEvent, Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::session::Command;
use pd_console::settings::{Language, TargetKind};

fn preedit(text: &str) -> Event {
    Event::Ime(ImeEvent::Preedit {
        text: text.into(),
        active_range_chars: None,
    })
}

fn commit(text: &str) -> Event {
    Event::Ime(ImeEvent::Commit(text.into()))
}

fn open() -> Rig {
    let mut rig = Rig::sized(Language::English, [1280.0, 2200.0], |s| {
        s.settings.target.kind = TargetKind::Srt;
        s.settings.target.host.clear();
        s.settings.target.path = "pd_main".into();
    });
    rig.press("Settings");
    rig
}

fn value(rig: &Rig, field: &str) -> String {
    let node = rig.harness.get_by_role_and_label(Role::TextInput, field);
    node.accesskit_node().value().unwrap_or_default()
}

/// Types a syllable's letters; an input method hands each stage over, and some systems the keys too.
fn compose(rig: &mut Rig, stages: &[&str], keys: &[Key]) {
    for (stage, key) in stages.iter().zip(keys) {
        rig.harness.event(preedit(stage));
        rig.harness.event(Event::Key {
            key: *key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        });
        rig.wait(0.1);
    }
}

#[test]
fn syllables_are_composed_and_the_windows_keys_rest() {
    let mut rig = open();
    for field in ["Host", "Path"] {
        rig.click(Role::TextInput, field);
        rig.key(Modifiers::COMMAND, Key::A);
        rig.all_sent();
        // The letters lie on keys that mute, record, save and hold elsewhere.
        compose(&mut rig, &["ㅎ", "하", "한"], &[Key::M, Key::R, Key::S]);
        assert_eq!(value(&rig, field), "한", "while composing");
        rig.harness.event(commit("한"));
        compose(&mut rig, &["ㄱ", "그", "글"], &[Key::H, Key::E, Key::Plus]);
        assert_eq!(value(&rig, field), "한글");
        rig.harness.event(commit("글"));
        rig.wait(0.2);
        assert_eq!(value(&rig, field), "한글", "each syllable once");
        assert_eq!(rig.sent(), [], "in {field}");
    }
}

#[test]
fn backspace_takes_a_letter_from_the_syllable_not_the_word() {
    let mut rig = open();
    rig.click(Role::TextInput, "Host");
    rig.harness.event(commit("한"));
    compose(&mut rig, &["ㄱ", "그"], &[Key::R, Key::M]);
    // The input method undoes a letter, then drops the composition.
    rig.harness.event(preedit("ㄱ"));
    rig.wait(0.1);
    assert_eq!(value(&rig, "Host"), "한ㄱ");
    rig.harness.event(preedit(""));
    rig.wait(0.1);
    assert_eq!(value(&rig, "Host"), "한");
}

#[test]
fn what_is_unfinished_stays_when_the_field_is_left() {
    let mut rig = open();
    rig.click(Role::TextInput, "Host");
    rig.harness.event(commit("스튜디"));
    compose(&mut rig, &["ㅇ", "오"], &[Key::D, Key::H]);
    // egui asks the system to give the composition up; what was shown stays as it is.
    rig.click(Role::TextInput, "Path");
    rig.wait(0.3);
    assert_eq!(value(&rig, "Host"), "스튜디오");
    compose(&mut rig, &["ㅁ", "무"], &[Key::A, Key::N]);
    assert_eq!(value(&rig, "Host"), "스튜디오");
    assert_eq!(value(&rig, "Path"), "pd_main무");
}

#[test]
fn what_was_composed_is_handed_over_whole() {
    let mut rig = open();
    rig.click(Role::TextInput, "Host");
    compose(&mut rig, &["ㅅ", "서"], &[Key::T, Key::J]);
    assert_eq!(rig.sent(), [], "still typing");
    rig.harness.event(commit("서"));
    rig.harness.event(Event::Text("1".into()));
    rig.wait(0.1);
    rig.key(Modifiers::NONE, Key::Enter);
    let hosts: Vec<_> = rig
        .sent()
        .into_iter()
        .filter_map(|command| match command {
            Command::ApplySettings(settings) => Some(settings.target.host),
            _ => None,
        })
        .collect();
    assert!(hosts.iter().all(|host| host == "서1"), "{hosts:?}");
}
