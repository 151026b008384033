//! `pd-console doctor` as the operator's shell starts it: each line is true, each failing line says
//! what to do, the exit code says whether a show would work.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Ended, Plan};
use common::{alone, ffmpegs, free_tcp_port, free_udp_port, mediamtx, start_mediamtx, wait_until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PASSWORD: &str = "hus-hush-4711";
const PASSPHRASE: &str = "correct horse battery";
/// The look itself has some 10 s at most; a busy machine is slow.
const LIMIT: Duration = Duration::from_secs(60);
/// Nothing of this machine but its ffmpeg.
const QUIET: &str = "doctor --defaults --json --source pattern --audio tone";

/// Lines of an area: outcome, found, fix.
fn lines(report: &Value, area: &str) -> Vec<(String, String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    let all = report["lines"].as_array().unwrap().iter();
    all.filter(|line| line["area"] == area)
        .map(|line| {
            (
                text(line, "outcome"),
                text(line, "found"),
                text(line, "fix"),
            )
        })
        .collect()
}

/// The report, which is whole and has a fix in each line that needs one.
fn report(ended: &Ended) -> Value {
    let report = ended.json();
    assert_eq!(report["version"], 1, "{report}");
    for area in [
        "ffmpeg", "encoder", "webrtc", "gpu", "capture", "audio", "network", "server", "clock",
        "files",
    ] {
        assert!(!lines(&report, area).is_empty(), "no {area}: {report}");
        for (outcome, found, fix) in lines(&report, area) {
            assert!(!found.is_empty(), "{report}");
            let needs = outcome == "failed" || outcome == "warning";
            assert!(!needs || !fix.is_empty(), "no fix: {found}");
        }
    }
    let fails = report["lines"].as_array().unwrap().iter();
    let fails = fails.filter(|line| line["outcome"] == "failed").count();
    assert_eq!(report["worst"] == "failed", fails > 0, "{report}");
    assert_eq!(ended.status.success(), fails == 0, "{report}");
    report
}

fn no_secret(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        for secret in [PASSWORD, PASSPHRASE, "hush", "4711", "battery"] {
            assert!(!text.contains(secret), "{secret} is shown: {text}");
        }
    }
}

fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_machine_with_ffmpeg_is_ready_and_its_stream_fits_browsers() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let began = Instant::now();
        let ended = Plan::new(&ffmpeg, QUIET).run(LIMIT);
        println!("{}: {:?}", ffmpeg.display(), began.elapsed());
        let report = report(&ended);
        println!("{report:#}");
        let words = |area: &str| {
            let all = lines(&report, area).into_iter();
            all.map(|(_, found, _)| found)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(ended.status.success(), "{report}");
        assert!(words("ffmpeg").contains(ffmpeg.to_str().unwrap()));
        assert!(words("encoder").contains("the automatic choice takes it"));
        for fact in [
            "constrained baseline",
            "no B-frames",
            "Opus 48 kHz, 2 channels",
        ] {
            assert!(
                words("webrtc").contains(fact),
                "{fact}: {}",
                words("webrtc")
            );
        }
        assert!(
            lines(&report, "webrtc")
                .iter()
                .all(|(outcome, ..)| outcome == "ok")
        );
        assert!(words("capture").contains("1280x720"), "{report}");
        assert!(words("audio").contains("-20 dBFS"), "{report}");
        assert!(words("clock").contains("monotonic"), "{report}");
        assert_eq!(lines(&report, "network")[0].0, "skipped");
        // No server here: a show is measured, nobody watches.
        assert_eq!(lines(&report, "server")[0].0, "warning");
        assert_eq!(ended.left_after(Duration::from_secs(5)), []);
    }
}

#[test]
fn without_ffmpeg_and_with_a_broken_one_what_depends_on_it_is_skipped() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing");
    let broken = script(
        folder.path(),
        "echo 'ffmpeg: error while loading libx.so' >&2; exit 127",
    );
    for (ffmpeg, why) in [(missing, "nothing"), (broken, "127")] {
        let ended = Plan::new(&ffmpeg, QUIET).run(LIMIT);
        let report = report(&ended);
        // As `live` would end.
        assert_eq!(ended.status.code(), Some(4), "{}", ended.stderr);
        let ffmpeg = &lines(&report, "ffmpeg")[0];
        assert_eq!(ffmpeg.0, "failed");
        assert!(ffmpeg.1.contains(why), "{ffmpeg:?}");
        for area in ["encoder", "webrtc"] {
            let line = &lines(&report, area)[0];
            assert_eq!(line.0, "skipped", "{line:?}");
            assert!(line.1.contains("ffmpeg"), "{line:?}");
        }
        assert_eq!(lines(&report, "capture")[0].0, "ok");
    }
}

#[test]
fn without_ffmpeg_in_path_the_usual_places_are_looked_at() {
    let _alone = alone();
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pd-console"))
        .args(QUIET.split_whitespace())
        .env("PD_CONSOLE_CONFIG_DIR", empty.path())
        .env("PATH", empty.path())
        .env_remove("PD_CONSOLE_FFMPEG")
        .env_remove("MEDIAMTX_BIN")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = &lines(&report, "ffmpeg")[0];
    let usual = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"];
    let there = usual.iter().map(|folder| Path::new(folder).join("ffmpeg"));
    match there.into_iter().find(|path| path.exists()) {
        Some(path) => assert!(line.1.contains(path.to_str().unwrap()), "{line:?}"),
        None => {
            assert_eq!(line.0, "failed");
            assert!(line.1.contains("not found"), "{line:?}");
            assert!(line.2.contains("Install"), "{line:?}");
            assert_eq!(output.status.code(), Some(4));
        }
    }
}

#[test]
fn an_ffmpeg_that_hangs_costs_its_own_line_only() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let hangs = script(folder.path(), "exec sleep 60");
    let began = Instant::now();
    let ended = Plan::new(&hangs, QUIET).run(LIMIT);
    let report = report(&ended);
    let (outcome, found, _) = &lines(&report, "ffmpeg")[0];
    assert!(found.contains("did not answer within 8 s"), "{found}");
    // On a busy machine nobody knows whether it hangs.
    let busy = found.contains("this machine is busy");
    assert_eq!(outcome, if busy { "warning" } else { "failed" }, "{found}");
    assert_eq!(lines(&report, "capture")[0].0, "ok");
    // Asked twice.
    assert!(
        began.elapsed() < Duration::from_secs(35),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ended.left_after(Duration::from_secs(5)), []);
}

#[test]
fn without_a_display_the_screen_fails_with_a_fix() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    if !cfg!(feature = "x11") {
        println!("SKIPPED: this build has no X11");
        return;
    }
    let words = "doctor --defaults --json --source x11 --audio silence";
    let ended = Plan::new(&ffmpeg, words).run(LIMIT);
    let report = report(&ended);
    assert_eq!(ended.status.code(), Some(5), "{}", ended.stderr);
    let line = &lines(&report, "capture")[0];
    assert_eq!(line.0, "failed");
    assert!(line.2.contains("DISPLAY"), "{line:?}");
}

#[cfg(feature = "x11")]
#[test]
fn an_x11_screen_is_captured_and_its_size_told() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    if !common::are_installed(&["Xvfb"], "no screen to capture") {
        return;
    }
    let server = common::screen::Xvfb::start("640x360x24", &[]).unwrap();
    let words = "doctor --defaults --json --source x11 --audio silence";
    let ended = Plan::new(&ffmpeg, words)
        .env("DISPLAY", &server.display)
        .run(LIMIT);
    let line = &lines(&report(&ended), "capture")[0];
    assert_eq!(line.0, "ok", "{line:?}");
    assert!(line.1.contains("640x360"), "{line:?}");
}

#[test]
fn a_wrong_host_has_a_fix_and_no_secret_is_printed() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let closed = format!("127.0.0.1:{}", free_udp_port());
    for host in ["nope.invalid", closed.as_str()] {
        for json in ["--json", ""] {
            let words = format!(
                "doctor --defaults {json} --source pattern --audio silence --host {host} \
                 --set target.user=producer --set target.api_url=http://127.0.0.1:1"
            );
            let ended = Plan::new(&ffmpeg, &words)
                .env("PD_CONSOLE_PASSWORD", PASSWORD)
                .env("PD_CONSOLE_PASSPHRASE", PASSPHRASE)
                .run(LIMIT);
            no_secret(&ended);
            assert_eq!(ended.status.code(), Some(6), "{}", ended.stderr);
            assert!(ended.stderr.contains("network"), "{}", ended.stderr);
            if json.is_empty() {
                let mut rows = ended.stdout.lines();
                let row = rows.find(|row| row.starts_with("FAIL  network")).unwrap();
                assert!(row.contains(host), "{row}");
                assert!(
                    rows.next().unwrap().trim_start().starts_with("-> "),
                    "{}",
                    ended.stdout
                );
            } else {
                let report = report(&ended);
                assert_eq!(lines(&report, "network")[0].0, "failed");
                // Without its API a show works.
                assert_eq!(lines(&report, "server")[0].0, "warning");
            }
        }
    }
}

#[test]
fn a_real_server_is_looked_at_through_all_its_ports() {
    let _alone = alone();
    let (Some(program), Some(ffmpeg)) = (mediamtx(), ffmpegs().into_iter().next()) else {
        return;
    };
    let (srt, ice) = (free_udp_port(), free_udp_port());
    let (api, webrtc) = (free_tcp_port(), free_tcp_port());
    let config = format!(
        "rtsp: no\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{srt}\n\
         api: yes\napiAddress: 127.0.0.1:{api}\nwebrtc: yes\nwebrtcAddress: 127.0.0.1:{webrtc}\n\
         webrtcLocalUDPAddress: 127.0.0.1:{ice}\npaths:\n  all_others:\n"
    );
    let _server = start_mediamtx(&program, &config);
    let answers = |port| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(wait_until(Duration::from_secs(10), || answers(api) && answers(webrtc)));
    let words = format!(
        "{QUIET} --host 127.0.0.1:{srt} --set target.api_url=http://127.0.0.1:{api} \
         --set target.webrtc_url=http://127.0.0.1:{webrtc}"
    );
    let ended = Plan::new(&ffmpeg, &words).run(LIMIT);
    let report = report(&ended);
    println!("{report:#}");
    assert!(ended.status.success(), "{report}");
    let network = &lines(&report, "network")[0];
    assert_eq!(network.0, "ok", "{network:?}");
    let server = lines(&report, "server");
    assert!(
        server.iter().all(|(outcome, ..)| outcome == "ok"),
        "{server:?}"
    );
    assert!(server[0].1.contains("MediaMTX v"), "{server:?}");
    assert!(server[1].1.contains("nobody publishes"), "{server:?}");
    assert!(server[2].1.contains("WebRTC answers"), "{server:?}");
    // And as the embedded server: its program is asked for its version.
    let ended = Plan::new(&ffmpeg, QUIET)
        .env("MEDIAMTX_BIN", &program)
        .run(LIMIT);
    let embedded = &lines(&ended.json(), "server")[0];
    assert_eq!(embedded.0, "ok", "{embedded:?}");
    assert!(embedded.1.contains("MediaMTX v"), "{embedded:?}");
}
