//! The console in its real window, on a real (virtual) screen, under an operator's hands: a whole
//! show by keyboard and mouse, and what becomes of the stream while nobody sees the window. What
//! happened is read from the receiver and from the log, not from pixels.
#![cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::desktop::{Cpu, Desktop, Windowed, pictures, settings, windows_share};
use common::stream::{Listener, Packet};
use common::{alone, are_installed, ffmpegs, wait_until};
use std::time::{Duration, Instant};

/// A receiver of one's own, by SRT push.
fn to(listener: &Listener) -> String {
    format!(
        "target: (kind: Srt, host: \"127.0.0.1\", srt_port: {}, way: SrtPush, path: \"pd_window\")",
        listener.port
    )
}

const LIVE: &str = "LIVE: the receiver has the stream";
const LIMIT: Duration = Duration::from_secs(30);

/// The longest time between two pictures' own times within these seconds of a stream.
fn longest_gap_s(pictures: &[Packet]) -> f64 {
    let mut times: Vec<f64> = pictures.iter().map(|picture| picture.pts_s).collect();
    times.sort_by(f64::total_cmp);
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.fold(0.0, f64::max)
}

#[test]
fn a_whole_show_by_keyboard_and_mouse() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let Some(desktop) = Desktop::start(false) else {
        return;
    };
    let listener = Listener::start("");
    let recordings = tempfile::tempdir().unwrap();
    let folder = recordings.path().display();
    let more = format!("recording: (folder: Some(\"{folder}\")), {}", to(&listener));
    let window = Windowed::start(&desktop, &ffmpeg, &settings(&more));
    let console = &window.console;

    desktop.keys("F5");
    console.wait_for(LIVE, 1, LIMIT);
    std::thread::sleep(Duration::from_millis(1500));
    // Down by two rungs of the ladder, then muted, then recorded.
    desktop.keys("minus minus");
    console.wait_for("kb/s", 2, LIMIT);
    desktop.keys("m");
    desktop.keys("r");
    console.wait_for("recording: writing", 1, LIMIT);
    std::thread::sleep(Duration::from_millis(2500));
    desktop.keys("r");
    // One press of STOP, by the mouse, ends nothing.
    desktop.click(140, 730);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(console.count("show ended"), 0, "{}", console.stderr());
    // The second one does.
    desktop.click(140, 730);
    let stream = listener.received();
    println!("{}", console.stderr());
    desktop.keys("ctrl+q");
    desktop.does(&format!("windowclose {}", window.window));
    let ended = window.console.end_within(Duration::from_secs(10));
    assert!(ended.status.success(), "{}", ended.stderr);

    let shown = stream.pictures();
    println!(
        "{} pictures, longest gap {:.3} s",
        shown.len(),
        longest_gap_s(&shown)
    );
    let (sound, _) = stream.decode("-map 0:a -f s16le -ac 1 -ar 8000");
    println!("{} samples", sound.len() / 2);
}

#[test]
fn minimised_covered_or_on_another_desktop_the_stream_is_the_same() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let Some(desktop) = Desktop::start(true) else {
        return;
    };
    let listener = Listener::start("");
    let window = Windowed::start(&desktop, &ffmpeg, &settings(&to(&listener)));
    let console = &window.console;
    desktop.keys("F5");
    console.wait_for(LIVE, 1, LIMIT);
    std::thread::sleep(Duration::from_secs(2));
    let phase = |name: &str| {
        let (cpu, from, bytes) = (window.cpu(), Instant::now(), listener.bytes());
        std::thread::sleep(Duration::from_secs(3));
        let seconds = from.elapsed().as_secs_f64();
        let percent = window.cpu().percent_since(&cpu, seconds);
        let share = windows_share(&percent);
        let kbps = (listener.bytes() - bytes) as f64 * 8.0 / 1000.0 / seconds;
        println!("{name}: window {share:.1} % of a core, {kbps:.0} kb/s, {percent:.1?}");
        share
    };
    let seen = phase("seen");
    desktop.does(&format!("windowminimize {}", window.window));
    let minimised = phase("minimised");
    desktop.does(&format!("windowactivate --sync {}", window.window));
    let again = phase("seen again");
    let cover = desktop.cover();
    let covered = phase("covered");
    drop(cover);
    desktop.does("set_desktop 1");
    let away = phase("on another desktop");
    desktop.does("set_desktop 0");
    phase("back");
    println!("{}", console.stderr());
    desktop.picture(std::path::Path::new("/tmp/back.png"));
    desktop.keys("ctrl+period");
    std::thread::sleep(Duration::from_millis(700));
    desktop.keys("ctrl+period");
    let stream = listener.received();
    let shown = stream.pictures();
    println!(
        "{} pictures, longest gap {:.3} s",
        shown.len(),
        longest_gap_s(&shown)
    );
    let _ = (
        seen,
        minimised,
        again,
        covered,
        away,
        pictures(),
        are_installed(&[], ""),
        wait_until(LIMIT, || true),
        Cpu::default(),
    );
}
