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
                    sound_passthrough: Some(0.995),
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
    insta::assert_snapshot!(text[..notes].trim_end(), @r#"
    Measured 2026-11-28T12:30:00+00:00 in 44 s: Some CPU, 2 cores, Linux 12 Debian, Linux 6.1; load 1.5 at begin, not told at end.
    pd-console 0.1.0, ffmpeg 5.1.9, MediaMTX v1.20.1; test pattern, 1000 Hz; encoder libx264; the console's own MediaMTX, on loopback.

    **The machine was busy at the start (load 1.5 on 2 cores): these figures are of a busy machine. Measure again when it rests.**

    | picture | kb/s wanted, measured | way | encode p50 / p95 | server p50 / p95 | capture to arrival p50 / p95 / max | console's own p50 / p95 | drops: capture, encoder, network, lost | passed %: picture, sound | frames | CPU %: console, encoder, publisher, server | MiB: the same |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | 1280x720@30 | 3000, 410 | RTSP | 4.0 / 6.0 | 5.5 / 8.0 | 10.0 / 15.0 / 20.0 | 0.5 / 1.5 | 1, 0, 0, 2 | 100.00, 99.50 | 240 | 7.0, 6.0, -, - = 13 | 50, 60, -, - = 110 |

    Before and after, 3000 kb/s:

    | picture | path | capture to arrival p50 / p95 / max | p50 against one ffmpeg | p50 against encoding again | arrived, missing | kb/s | CPU %: console, encoder, publisher, transcoder, server | MiB: the same |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | 1280x720@30 | before: one ffmpeg, usual flags | 200.0 / 210.0 / 220.0 | - | - | 240, 3 | 2900 | -, 30.0, -, -, 5.0 = 35 | -, 80, -, -, 40 = 120 |
    | 1280x720@30 | before: server encodes again | failed: ffmpeg ended   badly and so on | | | | | | |
    | 1280x720@30 | RTSP | 10.0 / 15.0 / 20.0 | -95 % | - | 240, 3 | 410 | 7.0, 6.0, -, -, - = 13 | 50, 60, -, -, - = 110 |

    - **Interrupted: not all that was planned was run.**
    - Not measured: WHIP: ffmpeg 5.1.9 cannot publish so; 8.0 and later can
    "#);
    for note in NOTES {
        assert!(text.contains(note));
    }
}

#[test]
fn the_json_as_programs_read_it() {
    let mut json = report().json();
    assert_eq!(json["notes"].as_array().unwrap().len(), NOTES.len());
    json.as_object_mut().unwrap().remove("notes");
    insta::assert_snapshot!(format!("{json:#}"), @r#"
    {
      "asked": {
        "before": true,
        "bitrates_kbps": [
          3000
        ],
        "plain": false,
        "seconds": 8.0,
        "sizes": [
          "1280x720@30"
        ],
        "ways": [
          "Rtsp",
          "Whip"
        ]
      },
      "began": "2026-11-28T12:30:00+00:00",
      "cells": [
        {
          "change": null,
          "cpu_percent": {
            "encoder": 30.0,
            "server": 5.0
          },
          "drops": null,
          "encode": null,
          "failed": null,
          "fps": 30.0,
          "height": 720,
          "measured_kbps": 2900.4,
          "memory_mib": {
            "encoder": 80.0,
            "server": 40.0
          },
          "missing": 3,
          "own": null,
          "passthrough": null,
          "run": "before_naive",
          "seconds": 8.0,
          "server": null,
          "sound_passthrough": null,
          "total": {
            "frames": 240,
            "max_ms": 220.0,
            "p50_ms": 200.0,
            "p95_ms": 210.0
          },
          "wanted_kbps": 3000,
          "width": 1280
        },
        {
          "change": null,
          "cpu_percent": {},
          "drops": null,
          "encode": null,
          "failed": "ffmpeg ended | badly\nand so on",
          "fps": 30.0,
          "height": 720,
          "measured_kbps": null,
          "memory_mib": {},
          "missing": null,
          "own": null,
          "passthrough": null,
          "run": "before_transcoded",
          "seconds": null,
          "server": null,
          "sound_passthrough": null,
          "total": null,
          "wanted_kbps": 3000,
          "width": 1280
        },
        {
          "change": {
            "before_naive": {
              "p50_percent": -95.0,
              "p95_percent": -92.85714285714286
            },
            "before_transcoded": null
          },
          "cpu_percent": {
            "console": 7.0,
            "encoder": 6.0
          },
          "drops": {
            "capture": 1,
            "encoder": 0,
            "lost": 2,
            "network": 0
          },
          "encode": {
            "frames": 240,
            "max_ms": 9.0,
            "p50_ms": 4.0,
            "p95_ms": 6.0
          },
          "failed": null,
          "fps": 30.0,
          "height": 720,
          "measured_kbps": 410.0,
          "memory_mib": {
            "console": 50.0,
            "encoder": 60.0
          },
          "missing": null,
          "own": {
            "frames": 240,
            "max_ms": 3.0,
            "p50_ms": 0.5,
            "p95_ms": 1.5
          },
          "passthrough": 1.0,
          "run": "Rtsp",
          "seconds": 8.0,
          "server": {
            "frames": 240,
            "max_ms": 12.0,
            "p50_ms": 5.5,
            "p95_ms": 8.0
          },
          "sound_passthrough": 0.995,
          "total": {
            "frames": 240,
            "max_ms": 20.0,
            "p50_ms": 10.0,
            "p95_ms": 15.0
          },
          "wanted_kbps": 3000,
          "width": 1280
        }
      ],
      "complete": false,
      "encoder": "encoder libx264",
      "left_out": [
        {
          "what": "WHIP",
          "why": "ffmpeg 5.1.9 cannot publish so; 8.0 and later can"
        }
      ],
      "load": {
        "begin": 1.5,
        "end": null
      },
      "machine": {
        "cores": 2,
        "cpu": "Some CPU",
        "kernel": "Linux 6.1",
        "os": "Linux 12 Debian"
      },
      "server": "the console's own MediaMTX, on loopback",
      "source": "test pattern, 1000 Hz",
      "took_s": 44.0,
      "version": 1,
      "versions": {
        "ffmpeg": "5.1.9",
        "mediamtx": "v1.20.1",
        "pd_console": "0.1.0"
      },
      "warning": "The machine was busy at the start (load 1.5 on 2 cores): these figures are of a busy machine. Measure again when it rests."
    }
    "#);
}
