//! The report and its table, by literal.

use super::*;
use crate::measure::plan::{Kind, Scene};
use crate::measure::table;

fn stage(p50_ms: f64, p95_ms: f64, max_ms: f64) -> Option<StageFigures> {
    Some(StageFigures {
        p50_ms,
        p95_ms,
        max_ms,
        frames: 240,
    })
}

fn cost(roles: &[(&'static str, f64, f64)]) -> Cost {
    Cost {
        cpu: roles.iter().map(|(role, cpu, _)| (*role, *cpu)).collect(),
        memory: roles.iter().map(|(role, _, mib)| (*role, *mib)).collect(),
    }
}

fn report() -> Report {
    let scene: Scene = "1280x720@30".parse().unwrap();
    let row = |kind, result| Row {
        cell: Cell {
            scene,
            kbps: 3000,
            kind,
        },
        result,
    };
    Report {
        matrix: Matrix {
            ways: vec![Way::Rtsp, Way::Whip],
            bitrates_kbps: vec![3000],
            scenes: vec![scene],
            seconds: 8.0,
            before: true,
            plain: false,
        },
        machine: Machine {
            cpu: "Some CPU".into(),
            cores: 2,
            os: "Linux 12 Debian".into(),
            kernel: "Linux 6.1".into(),
        },
        versions: Versions {
            console: "0.1.0".into(),
            ffmpeg: "5.1.9".into(),
            mediamtx: "v1.20.1".into(),
        },
        began: "2026-11-28T12:30:00+00:00".into(),
        took_s: 44.0,
        load: (Some(1.5), None),
        source: "test pattern, 1000 Hz".into(),
        encoder: "encoder libx264".into(),
        server: server_words(None),
        rows: vec![
            row(
                Kind::Naive,
                Ok(Figures {
                    seconds: 8.0,
                    total: stage(200.0, 210.0, 220.0),
                    missing: Some(3),
                    kbps: Some(2900.4),
                    cost: cost(&[("encoder", 30.0, 80.0), ("server", 5.0, 40.0)]),
                    ..Figures::default()
                }),
            ),
            row(
                Kind::Transcoded,
                Err("ffmpeg ended | badly\nand so on".into()),
            ),
            row(
                Kind::Console(Way::Rtsp),
                Ok(Figures {
                    seconds: 8.0,
                    encode: stage(4.0, 6.0, 9.0),
                    server: stage(5.5, 8.0, 12.0),
                    total: stage(10.0, 15.0, 20.0),
                    own: stage(0.5, 1.5, 3.0),
                    drops: Some(Drops {
                        capture: 1,
                        encoder: 0,
                        network: 0,
                        lost: 2,
                    }),
                    missing: None,
                    passthrough: Some(1.0),
                    kbps: Some(410.0),
                    cost: cost(&[("console", 7.0, 50.0), ("encoder", 6.0, 60.0)]),
                }),
            ),
        ],
        left_out: vec![LeftOut {
            name: "WHIP".into(),
            why: "ffmpeg 5.1.9 cannot publish so; 8.0 and later can".into(),
        }],
        complete: false,
    }
}

#[test]
fn change_is_in_percent_of_before() {
    assert_eq!(change_percent(200.0, 32.0), Some(-84.0));
    assert_eq!(change_percent(100.0, 150.0), Some(50.0));
    assert_eq!(change_percent(0.0, 1.0), None);
    assert_eq!(change_percent(f64::NAN, 1.0), None);
    assert_eq!(change_percent(1.0, f64::INFINITY), None);
}

#[test]
fn a_busy_machine_is_warned_of() {
    let mut report = report();
    assert!(report.warning().unwrap().contains("load 1.5 on 2 cores"));
    report.load.0 = Some(1.0);
    assert_eq!(report.warning(), None);
    report.load.0 = None;
    assert_eq!(report.warning(), None);
}

#[test]
fn ways_are_named_as_anyone_writes_them() {
    for text in ["SrtPull", "srt-pull", "SRT_PULL", "srt pull"] {
        assert_eq!(way_named(text), Ok(Way::SrtPull));
    }
    assert!(way_named("auto").is_err());
}

#[test]
fn the_table_as_it_is_read() {
    let text = table::markdown(&report());
    let notes = text.find("- Latency:").unwrap();
    insta::assert_snapshot!(&text[..notes], @"");
    for note in NOTES {
        assert!(text.contains(note));
    }
}

#[test]
fn the_json_as_programs_read_it() {
    let mut json = report().json();
    assert_eq!(json["notes"].as_array().unwrap().len(), NOTES.len());
    json.as_object_mut().unwrap().remove("notes");
    insta::assert_snapshot!(format!("{json:#}"), @"");
}
