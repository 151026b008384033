//! The check's page.

use crate::rig::{Rig, failed};
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::doctor::{Area, Line, Outcome, Report};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use std::sync::Arc;

fn line(area: Area, outcome: Outcome, found: &str, fix: &str) -> Line {
    Line {
        area,
        outcome,
        found: found.into(),
        fix: fix.into(),
        took_ms: 84,
    }
}

fn report(snapshot: &mut Snapshot) {
    let lines = vec![
        line(Area::Ffmpeg, Outcome::Ok, "ffmpeg 7.0.2", ""),
        line(Area::Encoder, Outcome::Failed, "no driver", "Install it"),
        line(Area::Encoder, Outcome::Ok, "libx264 works", ""),
        line(Area::Gpu, Outcome::Skipped, "no tool", ""),
        line(Area::Audio, Outcome::Warning, "long buffer", "Shorten it"),
    ];
    snapshot.doctor.report = Some(Arc::new(Report { lines }));
}

fn page(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(English, [1280.0, 1100.0], change);
    rig.key(Modifiers::NONE, Key::F4);
    rig
}

#[test]
fn the_button_asks_for_a_check_once() {
    let mut rig = page(|_| {});
    assert!(
        rig.names()
            .iter()
            .any(|n| n.starts_with("Nothing was checked yet"))
    );
    assert!(!rig.has("Copy report"));
    rig.press("Check everything");
    assert_eq!(rig.sent(), [Command::Examine]);
    // At once, before the session says so.
    assert!(rig.is_disabled(Role::Button, "Check everything"));
    assert!(rig.has("A check is under way; it takes some seconds"));
    rig.set(|s| s.doctor.running = true);
    rig.wait(3.0);
    assert!(rig.is_disabled(Role::Button, "Check everything"));
    rig.set(|s| {
        s.doctor.running = false;
        report(s);
    });
    rig.wait(0.2);
    assert!(!rig.is_disabled(Role::Button, "Check everything"));
    assert_eq!(rig.sent(), []);
}

#[test]
fn each_line_is_told_with_outcome_and_fix_under_its_area() {
    let rig = page(report);
    for name in [
        "1 of 5 failed, warnings: 1, skipped: 1",
        "ffmpeg",
        "OK  ffmpeg 7.0.2",
        "Encoders",
        "FAILED  no driver",
        "To do: Install it",
        "OK  libx264 works",
        "SKIPPED  no tool",
        "WARNING  long buffer",
        "To do: Shorten it",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    // One heading for the two encoders; no heading for what was not looked at.
    let names = rig.names();
    let heads = |title: &str| names.iter().filter(|n| *n == title).count();
    assert_eq!(heads("Encoders"), heads("Sound"));
    assert_eq!(heads("Clock"), 0);
}

#[test]
fn a_report_without_a_fault_says_so() {
    let rig = page(|s| {
        let lines = vec![line(Area::Clock, Outcome::Ok, "steady", "")];
        s.doctor.report = Some(Arc::new(Report { lines }));
    });
    assert!(rig.has("1 of 1 are as they should be"), "{:?}", rig.names());
}

#[test]
fn the_whole_report_is_copied() {
    let mut rig = page(report);
    rig.harness
        .get_by_role_and_label(Role::Button, "Copy report")
        .click();
    rig.harness.step();
    let copied = &rig.harness.output().platform_output.commands;
    let text = copied
        .iter()
        .find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.as_str()),
            _ => None,
        })
        .expect("a copy");
    let mut expected = Snapshot::default();
    report(&mut expected);
    let expected = expected.doctor.report.expect("a report");
    // As `pd-console doctor` prints it.
    assert_eq!(text, pd_console::doctor::text::table(&expected));
    assert!(text.contains("FAIL  encoder   no driver"), "{text}");
}

#[test]
fn a_failure_leads_to_the_check() {
    let mut rig = Rig::new(English, |s| s.state = failed());
    rig.press("Check");
    rig.press("Check everything");
    assert_eq!(rig.sent(), [Command::Examine]);
}

#[test]
fn in_korean_too() {
    let mut rig = Rig::sized(Korean, [1280.0, 1100.0], report);
    rig.key(Modifiers::NONE, Key::F4);
    for name in ["5개 중 1개 실패, 주의 1개, 건너뜀 1개", "할 일: Install it"] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    rig.harness.check_accessibility();
}
