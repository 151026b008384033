//! The viewers' page for the operator: link, QR code, who can watch, and the question before it is
//! opened to the network.

use crate::rig::Rig;
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::session::snapshot::{Eye, EyesStatus, Receiver, StageFigures, WhyNot};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use pd_console::viewer::ViewerStatus;
use pd_console::viewer::report::PageFigures;

fn served(snapshot: &mut Snapshot) {
    snapshot.viewer = ViewerStatus {
        links: vec!["http://127.0.0.1:8880/".into()],
        ..ViewerStatus::default()
    };
}

fn page(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(English, [1280.0, 1100.0], change);
    rig.key(Modifiers::NONE, Key::F7);
    rig
}

#[test]
fn the_link_is_shown_coded_and_copied() {
    let mut rig = page(served);
    assert!(rig.has("http://127.0.0.1:8880/"));
    assert!(rig.has("QR code of http://127.0.0.1:8880/"));
    assert!(rig.has("Only this computer can open it"));
    rig.harness
        .get_by_role_and_label(Role::Button, "Copy link")
        .click();
    rig.harness.step();
    let commands = &rig.harness.output().platform_output.commands;
    let copied = OutputCommand::CopyText("http://127.0.0.1:8880/".into());
    assert!(commands.contains(&copied), "{commands:?}");
    assert_eq!(rig.sent(), []);
}

#[test]
fn it_is_opened_to_the_network_only_after_a_question() {
    let mut rig = page(served);
    rig.press("Open it to this network…");
    assert_eq!(rig.sent(), [], "not by one press");
    assert!(
        rig.names()
            .iter()
            .any(|n| n
                .starts_with("Everyone on this network who has the link will be able to watch"))
    );
    rig.press("Only this computer");
    assert_eq!(rig.sent(), []);
    rig.press("Open it to this network…");
    rig.press("Open to this network");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(settings.viewer.lan && settings.viewer.on);
    // And back without one.
    rig.set(|s| {
        s.settings.viewer.lan = true;
        s.viewer.lan = true;
    });
    rig.wait(0.2);
    assert!(rig.has("Open to this network: whoever has the link can watch"));
    rig.press("Only this computer");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(!settings.viewer.lan);
}

#[test]
fn what_keeps_viewers_out_is_said() {
    let rig = page(|s| {
        s.viewer.problem = Some("the viewers' page cannot have port 8880".into());
        s.receiver = Some(Receiver::Loopback);
    });
    assert!(rig.has("the viewers' page cannot have port 8880"));
    assert!(rig.names().iter().any(|n| n.contains("server install")));
    assert!(!rig.has("Copy link"));
    let rig = page(|s| s.settings.viewer.on = false);
    assert!(rig.has("The viewers' page is switched off"));
}

#[test]
fn each_viewer_stands_there_with_its_figure_or_the_reason_why_there_is_none() {
    let figures = |p50_ms: f64| StageFigures {
        p50_ms,
        ..StageFigures::default()
    };
    let eye = |last: u8, p50_ms: Option<f64>, why_not| Eye {
        label: format!("192.168.0.{last} Chrome, Android"),
        to_eye: p50_ms.map(figures),
        unsure_ms: Some(0.4),
        page: PageFigures {
            buffer_ms: Some(3.2),
            freezes: Some(2),
            ..PageFigures::default()
        },
        why_not,
        ..Eye::default()
    };
    let mut rig = page(|s| {
        served(s);
        s.eyes = EyesStatus::of(vec![
            eye(7, Some(34.2), None),
            eye(8, Some(61.0), None),
            eye(9, None, Some(WhyNot::Clock)),
        ]);
    });
    assert!(rig.has("To the eye: 34 ms") && rig.has("To the eye: 61 ms"));
    assert!(
        rig.has("To the eye: —"),
        "a figure that is not certain is none"
    );
    assert!(rig.has("192.168.0.8 Chrome, Android: latest"));
    assert!(!rig.has("192.168.0.7 Chrome, Android: latest"));
    assert!(rig.has("worst viewer 61 ms (± 1)"));
    for text in [
        "Within ±: 1 ms",
        "Buffer: 3 ms",
        "Freezes: 2",
        "Decoding: —",
    ] {
        assert!(rig.has(text), "{text}");
    }
    assert!(
        rig.names()
            .iter()
            .any(|n| n.contains("know this viewer's clock"))
    );
    rig.set(|s| s.eyes = EyesStatus::default());
    // Figures are drawn once a second at rest.
    rig.wait(1.2);
    assert!(rig.has("Nobody watches on the viewers' page"));
}

#[test]
fn it_speaks_korean_and_its_key_closes_it() {
    let mut rig = Rig::sized(Korean, [1280.0, 1100.0], served);
    rig.key(Modifiers::NONE, Key::F7);
    assert!(rig.has("이 컴퓨터에서만 열립니다"));
    rig.click(Role::Button, "링크 복사");
    rig.key(Modifiers::NONE, Key::F7);
    assert!(!rig.has("이 컴퓨터에서만 열립니다"));
}
