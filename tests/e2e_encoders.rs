//! Encoders that fail: before the show another has the place, loudly; on air the next takes over and
//! nobody's connection breaks.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Plan, kill};
use common::stream::{Listener, longest_gap_s};
use common::{alone, ffmpegs, output, wait_until};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Without a picture while another encoder starts cold: measured 0.2 to 0.6 s on a quiet machine.
const LONGEST_GAP_S: f64 = 2.5;
/// After as much silence an encoder is taken to hang, then another starts.
const LONGEST_HANG_S: f64 = 2.0 + LONGEST_GAP_S;

fn words(port: u16, more: &str) -> String {
    format!(
        "live --defaults --source pattern --audio tone --host 127.0.0.1 \
         --set target.srt_port={port} --set target.path=pd_e2e --json {more}"
    )
}

/// The console's encoder: the child that reads raw pictures.
fn encoder(console: &Console) -> u32 {
    let mut found = Vec::new();
    let running = wait_until(Duration::from_secs(5), || {
        found = console.children_with("rawvideo");
        found.len() == 1
    });
    assert!(running, "encoders: {found:?}\n{}", console.stderr());
    found[0]
}

#[test]
fn an_encoder_that_dies_or_hangs_is_replaced_and_the_connection_holds() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        println!("with {}", ffmpeg.display());
        // It takes one caller only: a second connection would find nobody, and fail the run.
        let listener = Listener::start("");
        let console = Plan::new(&ffmpeg, &words(listener.port, "--seconds 14")).start();
        console.wait_live(1);
        std::thread::sleep(Duration::from_secs(2));
        kill(encoder(&console), Signal::KILL);
        console.wait_for("is started again", 1, Duration::from_secs(5));
        console.wait_for("encoder 2: libx264", 1, Duration::from_secs(10));
        std::thread::sleep(Duration::from_secs(2));
        let hung = encoder(&console);
        kill(hung, Signal::STOP);
        console.wait_for("it gave no picture for 2 s", 1, Duration::from_secs(8));
        // Two failures in a few seconds: the next of the line, where this ffmpeg has one.
        console.wait_for("encoder 3: ", 1, Duration::from_secs(10));
        let ended = console.end_within(Duration::from_secs(40));
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(ended.json()["reconnects"], 0, "{}", ended.stderr);
        let left = ended.left_after(Duration::from_secs(1));
        assert!(left.is_empty(), "left running: {left:?}");
        let stream = listener.received();
        let pictures = stream.pictures();
        let gap = longest_gap_s(&pictures);
        println!("{} pictures, longest gap {gap:.2} s", pictures.len());
        assert!(gap < LONGEST_HANG_S, "{gap:.2} s\n{}", ended.stderr);
        let (_, complaints) =
            stream.decode("-map 0:v -fps_mode passthrough -enc_time_base 1:90000 -f null");
        assert_eq!(complaints, "", "the decoder complains");
    }
}

/// An ffmpeg whose h264_nvenc is libx264 and dies after three seconds, as a driver that fails on air.
fn failing_card(real: &Path, folder: &Path) -> PathBuf {
    let path = folder.join("ffmpeg");
    let script = format!(
        r#"#!/bin/sh
real={}
case " $* " in
*" -i pipe:0 "*" h264_nvenc "*) ;;
*) exec "$real" "$@" ;;
esac
n=$#
while [ "$n" -gt 0 ]; do
    a=$1; shift; n=$((n - 1))
    case "$a" in
    h264_nvenc) set -- "$@" libx264 ;;
    -preset) shift; n=$((n - 1)); set -- "$@" -preset ultrafast ;;
    -tune) shift; n=$((n - 1)); set -- "$@" -tune zerolatency ;;
    -rc | -rc-lookahead | -delay | -surfaces | -zerolatency | -multipass | -coder | -cbr_padding)
        shift; n=$((n - 1)) ;;
    *) set -- "$@" "$a" ;;
    esac
done
timeout --foreground -s KILL 3 "$real" "$@" && exit 0
echo "[h264_nvenc @ 0x55d0c8] EncodePicture failed!: device not exist (4)" >&2
exit 1
"#,
        real.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_card_that_fails_on_air_gives_its_place_to_the_next() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let list = output(Command::new(&ffmpeg).args(["-hide_banner", "-encoders"]));
        if !String::from_utf8_lossy(&list).contains("h264_nvenc") {
            println!("SKIPPED: {} has no h264_nvenc", ffmpeg.display());
            continue;
        }
        println!("with {}", ffmpeg.display());
        let folder = tempfile::tempdir().unwrap();
        let fake = failing_card(&ffmpeg, folder.path());
        let listener = Listener::start("");
        let console = Plan::new(&fake, &words(listener.port, "--seconds 8")).start();
        console.wait_live(1);
        assert_eq!(
            console.count("encoder 1: h264_nvenc"),
            1,
            "{}",
            console.stderr()
        );
        console.wait_for("; libx264 takes over", 1, Duration::from_secs(10));
        console.wait_for("encoder 2: libx264", 1, Duration::from_secs(10));
        let ended = console.end_within(Duration::from_secs(40));
        assert!(ended.status.success(), "{}", ended.stderr);
        let result = ended.json();
        assert_eq!(result["reconnects"], 0, "{}", ended.stderr);
        let told = result["encoder_fallback"].as_str().unwrap();
        assert!(told.contains("h264_nvenc failed in this show"), "{told}");
        let pictures = listener.received().pictures();
        let gap = longest_gap_s(&pictures);
        println!(
            "{} pictures, longest gap {gap:.2} s: {told}",
            pictures.len()
        );
        assert!(gap < LONGEST_GAP_S, "{gap:.2} s\n{}", ended.stderr);
    }
}

#[test]
fn another_encoder_that_is_chosen_on_air_takes_over_without_a_gap() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let list = output(Command::new(&ffmpeg).args(["-hide_banner", "-encoders"]));
        if !String::from_utf8_lossy(&list).contains("libopenh264") {
            println!("SKIPPED: {} has no libopenh264", ffmpeg.display());
            continue;
        }
        let listener = Listener::start("");
        let more = "--seconds 8 --at 3:encoder.family=libopenh264 --at 6:encoder.family=libx264";
        let ended = Plan::new(&ffmpeg, &words(listener.port, more)).run(Duration::from_secs(40));
        assert!(ended.status.success(), "{}", ended.stderr);
        for line in ["encoder 2: libopenh264", "encoder 3: libx264"] {
            assert!(ended.stderr.contains(line), "{line}\n{}", ended.stderr);
        }
        let result = ended.json();
        assert_eq!(result["reconnects"], 0, "{}", ended.stderr);
        assert_eq!(result["encoder_fallback"], serde_json::Value::Null);
        let stream = listener.received();
        let pictures = stream.pictures();
        let gap = longest_gap_s(&pictures);
        println!(
            "{} pictures, longest gap {:.0} ms",
            pictures.len(),
            gap * 1e3
        );
        // libopenh264 leaves out a picture where the bitrate is short.
        assert!(gap < 0.2, "{gap:.2} s\n{}", ended.stderr);
        let (_, complaints) =
            stream.decode("-map 0:v -fps_mode passthrough -enc_time_base 1:90000 -f null");
        assert_eq!(complaints, "", "the decoder complains");
    }
}

#[test]
fn a_chosen_encoder_that_does_not_work_falls_back_loudly() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let listener = Listener::start("");
        let more = "--seconds 5 --set encoder.family=libx264 --at 2:encoder.family=video_toolbox";
        let ended = Plan::new(&ffmpeg, &words(listener.port, more)).run(Duration::from_secs(40));
        assert!(ended.status.success(), "{}", ended.stderr);
        let result = ended.json();
        let told = result["encoder_fallback"].as_str().unwrap();
        println!("{told}");
        assert!(
            told.starts_with("h264_videotoolbox was chosen but does not work")
                && told.ends_with("libx264 has its place"),
            "{told}"
        );
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        // It goes on as it was: no second encoder for a choice that changes nothing.
        assert!(!ended.stderr.contains("encoder 2:"), "{}", ended.stderr);
        let gap = longest_gap_s(&listener.received().pictures());
        assert!(gap < 0.5, "{gap:.2} s");
    }
}
