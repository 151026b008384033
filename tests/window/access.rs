//! What a screen reader meets: everything that can be reached has a name, no two beside each other the same one, and
//! figures are told with their value.

use crate::layout::full;
use crate::rig::{Rig, states};
use eframe::egui::Role;
use eframe::egui::accesskit::Action;
use egui_kittest::Node;
use egui_kittest::kittest::NodeT;
use pd_console::audio::Format;
use pd_console::session::Snapshot;
use pd_console::session::snapshot::AudioInputStatus;
use pd_console::settings::Language::{self, English, Korean};
use pd_console::settings::{AudioInput, TargetKind};
use pd_console::ui::dock::plan::Layout;
use pd_console::ui::panels::side::Side;
use std::collections::HashMap;

/// Everything in it that has controls.
fn busy(s: &mut Snapshot) {
    full(s);
    s.settings.target.kind = TargetKind::Srt;
    s.settings.target.host = "studio".into();
    s.settings.backup.on = true;
    s.settings.backup.target = s.settings.target.clone();
    s.settings.audio.inputs = vec![AudioInput::default(), AudioInput::default()];
    let mut input = AudioInputStatus {
        label: "USB".into(),
        ..AudioInputStatus::default()
    };
    input.level.peak_dbfs = [-12.3, -20.0];
    input.format = Some(Format {
        host: "PipeWire",
        rate_hz: 48_000,
        channels: 2,
        buffer_frames: 512,
        late_ms: 0,
    });
    s.audio.inputs = vec![input.clone(), input];
    s.viewer.links = vec!["http://127.0.0.1:8880/".into()];
}

/// Opens `side` and nothing of the pages else, high enough that all of it is in the tree.
fn open(language: Language, side: Side) -> Rig {
    let mut rig = Rig::sized(language, [1400.0, 1500.0], busy);
    let window = rig.harness.state_mut().as_mut().expect("a window");
    window.view.dock.open(side);
    rig.wait(0.3);
    rig
}

fn is_reached(node: &Node<'_>) -> bool {
    let node = node.accesskit_node();
    // egui's own, told by what it scrolls.
    if node.role() == Role::ScrollBar {
        return false;
    }
    let data = node.data();
    let can = |action| data.supports_action(action);
    can(Action::Focus) || can(Action::Click) || can(Action::SetValue) || can(Action::Increment)
}

/// Its label; a text's own words are its value.
fn name(node: &Node<'_>) -> String {
    let node = node.accesskit_node();
    let words = match node.role() {
        Role::Label => node.label().or_else(|| node.value()),
        _ => node.label(),
    };
    words.unwrap_or_default().trim().to_owned()
}

/// What is wrong in the tree of a window.
fn faults(rig: &Rig) -> Vec<String> {
    let mut faults = Vec::new();
    let mut reached = 0;
    for node in rig.harness.root().children_recursive() {
        let role = node.accesskit_node().role();
        if is_reached(&node) {
            reached += 1;
            if name(&node).is_empty() {
                faults.push(format!("{role:?} at {:?} has no name", node.rect()));
            }
        }
        let mut known: HashMap<(Role, String), usize> = HashMap::new();
        for child in node.children().filter(is_reached) {
            let key = (child.accesskit_node().role(), name(&child));
            *known.entry(key).or_default() += 1;
        }
        for ((role, name), count) in known.into_iter().filter(|(_, count)| *count > 1) {
            faults.push(format!("{count} times {role:?} {name:?} beside each other"));
        }
        if matches!(
            role,
            Role::Timer | Role::Meter | Role::Status | Role::ProgressIndicator
        ) {
            let value = node.accesskit_node().value().unwrap_or_default();
            let told = format!("{} {value}", name(&node));
            let is_figure = role != Role::Status;
            if told.trim().is_empty()
                || (is_figure && !told.contains(|c: char| c.is_ascii_digit() || c == '∞'))
            {
                faults.push(format!("{role:?} tells {told:?} and no value"));
            }
        }
    }
    if reached < 15 {
        faults.push(format!("only {reached} things can be reached"));
    }
    faults
}

#[test]
fn everything_that_can_be_reached_has_a_name_of_its_own_in_each_panel() {
    let mut all = Vec::new();
    for language in [English, Korean] {
        for side in Side::ALL {
            let rig = open(language, side);
            let found = faults(&rig);
            all.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{language:?} {side:?}: {fault}")),
            );
        }
        for layout in Layout::ALL {
            let mut rig = Rig::sized(language, [1400.0, 1500.0], busy);
            let window = rig.harness.state_mut().as_mut().expect("a window");
            window.view.dock.switch(layout);
            rig.wait(0.2);
            let found = faults(&rig);
            all.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{language:?} {layout:?}: {fault}")),
            );
        }
    }
    all.sort();
    all.dedup();
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn the_figures_and_the_strip_are_told_with_their_values_in_each_state() {
    for language in [English, Korean] {
        for (state, ..) in states() {
            for strip in [false, true] {
                let mut rig = Rig::new(language, |s| {
                    busy(s);
                    s.state = state.clone();
                });
                rig.harness
                    .state_mut()
                    .as_mut()
                    .expect("a window")
                    .view
                    .strip = strip;
                rig.wait(0.2);
                let found = faults(&rig);
                let found: Vec<_> = found
                    .iter()
                    .filter(|fault| !fault.starts_with("only"))
                    .collect();
                assert!(
                    found.is_empty(),
                    "{language:?} {state:?} {strip}: {found:#?}"
                );
                let titles = match language {
                    Korean => [
                        "지연: ",
                        "비트레이트, Mb/s: ",
                        "드롭: ",
                        "오디오: ",
                        "시청자: ",
                    ],
                    _ => [
                        "Latency: ",
                        "Bitrate, Mb/s: ",
                        "Drops: ",
                        "Audio: ",
                        "Viewers: ",
                    ],
                };
                for title in titles {
                    let told = rig
                        .names()
                        .iter()
                        .any(|n| n.starts_with(title) && n.len() > title.len());
                    assert!(told, "{title} in {state:?}: {:?}", rig.names());
                }
            }
        }
    }
}
