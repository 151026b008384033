//! Panels: brought into sight, put away, folded, remembered.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, Role, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::session::journal::Journal;
use pd_console::settings::Language::{English, Korean};
use pd_console::ui::dock::plan::Layout;
use pd_console::ui::keep::{Keeper, load};
use pd_console::ui::panels::side::Side;

fn is_open(rig: &Rig, side: Side) -> bool {
    rig.harness
        .state()
        .as_ref()
        .expect("a window")
        .view
        .dock
        .is_open(side)
}

#[test]
fn each_panel_comes_and_goes_by_the_menu_in_both_languages() {
    for (language, menu, close) in [(English, "Panels", "Put away"), (Korean, "패널", "치우기")]
    {
        for side in Side::ALL {
            let mut rig = Rig::new(language, live);
            let texts = pd_console::ui::i18n::Texts::new(language);
            let name = texts.t(side.title());
            let was_open = is_open(&rig, side);
            rig.press(menu);
            let entry = |rig: &Rig| {
                let wanted = rig.harness.get_all_by_label(&name);
                // Buttons of the same word may stand elsewhere; the menu lies over all, and last.
                let mut found = wanted.filter(|node| node.accesskit_node().role() == Role::Button);
                found.next_back().expect("an entry").click();
            };
            entry(&rig);
            rig.wait(0.1);
            assert_eq!(is_open(&rig, side), !was_open, "{side:?}");
            if was_open {
                entry(&rig);
                rig.wait(0.1);
            }
            rig.key(Modifiers::NONE, Key::Escape);
            assert!(is_open(&rig, side), "{side:?}");
            rig.press(&format!("{close}: {name}"));
            assert!(!is_open(&rig, side), "{side:?}");
            assert_eq!(rig.sent(), [], "panels are the window's own");
        }
    }
}

#[test]
fn a_key_opens_focuses_and_then_closes_a_page() {
    let mut rig = Rig::new(English, live);
    for (key, side) in [
        (Key::F2, Side::Settings),
        (Key::F3, Side::Encoder),
        (Key::F4, Side::Check),
        (Key::F6, Side::Network),
        (Key::F7, Side::Viewers),
    ] {
        rig.key(Modifiers::NONE, key);
        assert!(is_open(&rig, side), "{side:?}");
        let tabs = rig.harness.get_all_by_role(Role::Tab);
        let focused: Vec<_> = tabs.filter(|tab| tab.is_focused()).collect();
        assert_eq!(focused.len(), 1, "the keyboard is on the page's heading");
    }
    // One that is in front is put away, one behind it comes to the front first.
    rig.key(Modifiers::NONE, Key::F7);
    assert!(!is_open(&rig, Side::Viewers) && is_open(&rig, Side::Settings));
    rig.key(Modifiers::NONE, Key::F3);
    assert!(is_open(&rig, Side::Encoder) && !is_open(&rig, Side::Settings));
    rig.key(Modifiers::NONE, Key::F2);
    assert!(is_open(&rig, Side::Settings));
    rig.key(Modifiers::NONE, Key::F2);
    assert!(!is_open(&rig, Side::Settings));
}

#[test]
fn a_folded_panel_leaves_its_room_to_its_neighbour_and_unfolds_when_asked_for() {
    let mut rig = Rig::new(English, live);
    let log = |rig: &Rig| rig.harness.get_by_label("Copy log").rect().top();
    let before = log(&rig);
    rig.press("Fold: Preview");
    assert!(!is_open(&rig, Side::Preview) && !rig.has("Show preview"));
    assert!(log(&rig) < before - 100.0, "{} {before}", log(&rig));
    rig.press("Unfold: Preview");
    assert!(rig.has("Show preview"));
    assert!((log(&rig) - before).abs() < 1.0);
    rig.press("Fold: Log");
    rig.click(Role::Tab, "Log");
    assert!(
        is_open(&rig, Side::Log),
        "a press on its heading unfolds it"
    );
    // Where nothing is over or under it there is nothing to fold for.
    assert!(!rig.has("Fold: Latency"));
}

#[test]
fn a_panel_is_dragged_beside_another_and_the_layout_is_put_back() {
    let mut rig = Rig::new(English, live);
    let tab = |rig: &Rig, name: &str| {
        let tab = rig.harness.get_by_role_and_label(Role::Tab, name);
        tab.rect().center()
    };
    let (from, to) = (tab(&rig, "Log"), tab(&rig, "Latency"));
    assert!(is_open(&rig, Side::Latency));
    rig.harness.drag_at(from);
    rig.wait(0.1);
    for step in 1..=10 {
        rig.harness.hover_at(from.lerp(to, step as f32 / 10.0));
        rig.wait(0.1);
    }
    rig.harness.drop_at(to);
    rig.wait(0.3);
    assert!(is_open(&rig, Side::Log) && !is_open(&rig, Side::Latency));
    rig.press("Panels");
    rig.press("Put the layout back");
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(is_open(&rig, Side::Log) && is_open(&rig, Side::Latency));
}

#[test]
fn the_layout_is_remembered_and_each_named_one_for_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let rig = Rig::new(English, live);
        let mut rig = rig;
        let window = rig.harness.state_mut().take().expect("a window");
        *rig.harness.state_mut() = Some(window.kept(Keeper::open(folder.path(), Journal::new())));
        rig.wait(0.2);
        rig
    };
    let mut rig = open();
    rig.key(Modifiers::NONE, Key::F3);
    rig.press("Put away: Log");
    rig.press("Panels");
    rig.press("Setup");
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(
        is_open(&rig, Side::Source) && is_open(&rig, Side::Server) && is_open(&rig, Side::Audio)
    );
    rig.wait(2.0);
    for _ in 0..200 {
        if load(folder.path()).0.layout == Layout::Setup {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut rig = open();
    assert!(is_open(&rig, Side::Source));
    rig.press("Panels");
    rig.press("Show");
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(
        is_open(&rig, Side::Encoder) && !is_open(&rig, Side::Log),
        "as it was left"
    );
    rig.press("Panels");
    rig.press("Put the layout back");
    assert!(!is_open(&rig, Side::Encoder) && is_open(&rig, Side::Log));
}

#[test]
fn in_a_narrow_window_the_page_that_was_asked_for_is_in_sight() {
    let mut rig = Rig::sized(English, [700.0, 700.0], live);
    for (key, close) in [
        (Key::F2, "Put away: Settings"),
        (Key::F3, "Put away: Encoder"),
    ] {
        rig.key(Modifiers::NONE, key);
        assert!(rig.has(close));
    }
    let in_sight = rig
        .names()
        .iter()
        .filter(|name| name.starts_with("Put away"))
        .count();
    assert!(in_sight < 4, "{:?}", rig.names());
    rig.harness.set_size(vec2(1400.0, 700.0));
    rig.wait(0.2);
    assert!(rig.has("Put away: Latency") && rig.has("Put away: Encoder"));
}

#[test]
fn a_line_between_panels_is_moved_by_the_keyboard_and_stays_where_it_was_put() {
    let mut rig = Rig::new(English, live);
    let left = |rig: &Rig| {
        let tab = rig.harness.get_by_role_and_label(Role::Tab, "Latency");
        tab.rect().left()
    };
    let before = left(&rig);
    let name = "Line between Preview and Latency";
    rig.focus(Role::Splitter, name);
    for _ in 0..3 {
        rig.key(Modifiers::NONE, Key::ArrowRight);
    }
    assert!(
        (left(&rig) - before - 72.0).abs() < 2.0,
        "{before} {}",
        left(&rig)
    );
    // What was out of sight keeps its share.
    rig.key(Modifiers::NONE, Key::F2);
    let settings = rig
        .harness
        .get_by_role_and_label(Role::Button, "Put away: Settings");
    assert!(settings.rect().right() > 1200.0);
    let page = 1280.0
        - rig
            .harness
            .get_by_role_and_label(Role::Tab, "Settings")
            .rect()
            .left();
    assert!((300.0..520.0).contains(&page), "{page}");
    rig.key(Modifiers::NONE, Key::F2);
    assert!((left(&rig) - before - 72.0).abs() < 2.0);
    // Not further than the neighbour can be drawn.
    rig.focus(Role::Splitter, name);
    for _ in 0..40 {
        rig.key(Modifiers::NONE, Key::ArrowRight);
    }
    assert!(1280.0 - left(&rig) > 310.0, "{}", left(&rig));
}

#[test]
fn the_menu_of_panels_is_scrolled_in_a_low_window() {
    for (language, menu, last) in [
        (English, "Panels", "Put the layout back"),
        (Korean, "패널", "처음 배치로"),
    ] {
        let mut rig = Rig::sized(language, [640.0, 400.0], live);
        rig.press(menu);
        let bottom = |rig: &Rig| {
            let entry = rig.harness.get_by_role_and_label(Role::Button, last);
            entry.rect().bottom()
        };
        assert!(bottom(&rig) > 400.0, "{}", bottom(&rig));
        let entry = rig.harness.get_by_role_and_label(Role::Button, last);
        entry.scroll_to_me();
        rig.wait(0.5);
        let all: Vec<_> = rig
            .harness
            .get_all_by_role(Role::Button)
            .map(|n| n.rect())
            .collect();
        assert!(bottom(&rig) <= 400.0, "{} {all:?}", bottom(&rig));
        rig.press(last);
    }
}
