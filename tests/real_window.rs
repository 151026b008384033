//! The console in its real window, on a real (virtual) screen, under an operator's hands: a whole
//! show by keyboard and mouse, and what becomes of the stream while nobody sees the window. What
//! happened is read from the receiver and from the log, not from pixels.
#![cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::desktop::{Desktop, Windowed, pictures, settings, windows_share};
use common::stall::StallWatch;
use common::stream::{Listener, Packet, decoded};
use common::{alone, are_installed, ffmpegs, wait_until};
use std::path::Path;
use std::time::{Duration, Instant};

const LIVE: &str = "LIVE: the receiver has the stream";
const ENDED: &str = "the show has ended";
const LIMIT: Duration = Duration::from_secs(30);
/// Frames a second of the show.
const FPS: f64 = 30.0;

/// A receiver of one's own, by SRT push.
fn to(listener: &Listener) -> String {
    format!(
        "target: (kind: Srt, host: \"127.0.0.1\", srt_port: {}, way: SrtPush, path: \"pd_window\")",
        listener.port
    )
}

/// Times of the pictures, s, in order.
fn times(pictures: &[Packet]) -> Vec<f64> {
    let mut times: Vec<f64> = pictures.iter().map(|picture| picture.pts_s).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn longest_gap_s(times: &[f64]) -> f64 {
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.fold(0.0, f64::max)
}

/// Goes live by the key.
fn go_live(desktop: &Desktop, window: &Windowed) {
    desktop.keys("F5");
    window.console.wait_for(LIVE, 1, LIMIT);
}

/// A root mean square of each half second of the sound, of full scale 1.
fn loudness(sound: &[u8]) -> Vec<f64> {
    let samples: Vec<f64> = sound
        .chunks_exact(2)
        .map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0)
        .collect();
    let rms = |part: &[f64]| (part.iter().map(|s| s * s).sum::<f64>() / part.len() as f64).sqrt();
    samples.chunks_exact(4000).map(rms).collect()
}

/// A first start: the page that sets up is there, Enter is enough, and what it chose is kept.
fn set_up(desktop: &Desktop, ffmpeg: &Path) {
    let plan = common::console::Plan::new(ffmpeg, "--log");
    let window = Windowed::of(plan, desktop, "");
    let kept = window.folder.path().join("settings.ron");
    assert!(!kept.exists(), "nothing is kept before the operator agrees");
    // The button has the keyboard once the page is drawn.
    let is_kept = || {
        desktop.keys("Return");
        wait_until(Duration::from_secs(2), || kept.exists())
    };
    assert!(wait_until(LIMIT, is_kept), "{}", window.console.stderr());
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains("version: 3"), "{text}");
    desktop.close(&window.window);
    let ended = window.console.end_within(Duration::from_secs(10));
    assert!(ended.status.success(), "{}", ended.stderr);
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
    set_up(&desktop, &ffmpeg);
    let listener = Listener::start("");
    let recordings = tempfile::tempdir().unwrap();
    let folder = recordings.path().display();
    let more = format!("recording: (folder: Some(\"{folder}\")), {}", to(&listener));
    let window = Windowed::start(&desktop, &ffmpeg, &settings(&more));
    let console = &window.console;

    go_live(&desktop, &window);
    let stalls = StallWatch::start();
    std::thread::sleep(Duration::from_millis(1500));
    // Down by two rungs of the ladder; another encoder takes over.
    desktop.keys("minus");
    console.wait_for("2500 kb/s", 1, LIMIT);
    desktop.keys("minus");
    console.wait_for("2000 kb/s", 1, LIMIT);
    desktop.keys("r");
    console.wait_for("recording: writing", 1, LIMIT);
    std::thread::sleep(Duration::from_millis(1500));
    desktop.keys("r");
    console.wait_for("MB", 1, LIMIT);
    desktop.keys("m");
    // The window's close button only asks while a show runs.
    desktop.close(&window.window);
    std::thread::sleep(Duration::from_millis(500));
    desktop.keys("Escape");
    // One press of STOP, by the mouse, ends nothing.
    desktop.click(140, 740);
    std::thread::sleep(Duration::from_millis(900));
    assert_eq!(console.count(ENDED), 0, "{}", console.stderr());
    desktop.does("click 1");
    console.wait_for(ENDED, 1, LIMIT);
    let stream = listener.received();
    // Nothing runs: now it closes. (For a moment after it has said so it still asks.)
    std::thread::sleep(Duration::from_secs(1));
    desktop.close(&window.window);
    let ended = window.console.end_within(Duration::from_secs(10));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.left_after(Duration::from_secs(5)).is_empty());

    let times = times(&stream.pictures());
    let seconds = times.last().unwrap() - times[0];
    let gap = longest_gap_s(&times);
    println!("{} pictures in {seconds:.1} s, gap {gap:.3} s", times.len());
    let limit_s = stalls.widened_s(0.5);
    assert!(times.len() as f64 > 0.9 * FPS * seconds && gap < limit_s);
    let (sound, _) = stream.decode("-map 0:a -f s16le -ac 1 -ar 8000");
    let loud = loudness(&sound);
    println!("sound by half seconds: {loud:.3?}");
    // The tone has -20 dBFS, 0.07; muted there is none.
    assert!(loud[..4].iter().all(|rms| *rms > 0.05), "the tone is there");
    assert!(
        loud[loud.len() - 2..].iter().all(|rms| *rms < 0.001),
        "muted"
    );
    let file = std::fs::read_dir(recordings.path()).unwrap().next();
    decoded(&ffmpeg, &file.expect("a recording").unwrap().path());
}

/// Some seconds of a show, seen in one way.
struct Phase {
    name: &'static str,
    from: Instant,
    to: Instant,
    /// Of the window's threads, percent of a core.
    share: f64,
}

#[test]
fn minimised_covered_or_on_another_desktop_the_stream_is_the_same() {
    // 2.5 s are 75 pictures; a busy machine may lose some, seen or not.
    seen_or_not(Duration::from_millis(2500), 0.06);
}

#[test]
#[ignore = "2 minutes: cargo test --test real_window -- --ignored b08_15_s"]
fn b08_15_s_minimised_change_nothing_by_2_percent() {
    seen_or_not(Duration::from_secs(15), 0.02);
}

/// Each way not to be seen, for so long: pictures and sound come at their rate, to this part of it.
fn seen_or_not(time: Duration, tolerance: f64) {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let Some(desktop) = Desktop::start(true) else {
        return;
    };
    let listener = Listener::start("");
    let window = Windowed::start(&desktop, &ffmpeg, &settings(&to(&listener)));
    go_live(&desktop, &window);
    let stalls = StallWatch::start();
    std::thread::sleep(Duration::from_secs(1));
    let phase = |name: &'static str| {
        // What has to settle is not counted.
        std::thread::sleep(Duration::from_millis(700));
        let (cpu, from) = (window.cpu(), Instant::now());
        std::thread::sleep(time);
        let percent = window
            .cpu()
            .percent_since(&cpu, from.elapsed().as_secs_f64());
        Phase {
            name,
            from,
            to: Instant::now(),
            share: windows_share(&percent),
        }
    };
    let id = &window.window;
    let mut phases = vec![phase("seen")];
    desktop.does(&format!("windowminimize {id}"));
    phases.push(phase("minimised"));
    desktop.does(&format!("windowactivate --sync {id}"));
    phases.push(phase("seen again"));
    let cover = desktop.cover();
    phases.push(phase("covered"));
    drop(cover);
    desktop.does("set_desktop 1");
    phases.push(phase("on another desktop"));
    desktop.does("set_desktop 0");
    desktop.does(&format!("windowactivate --sync {id}"));
    // It takes keys again.
    desktop.keys("ctrl+period");
    std::thread::sleep(Duration::from_millis(700));
    let stopped = Instant::now();
    desktop.keys("ctrl+period");
    window.console.wait_for(ENDED, 1, LIMIT);
    let stream = listener.received();
    let times = times(&stream.pictures());
    let sound: Vec<f64> = stream.frames("a:0").iter().map(|frame| frame.0).collect();

    // The last picture was sent when the show was stopped, to some tenths of a second.
    let last = *times.last().unwrap();
    let at = |instant: Instant| last - (stopped - instant).as_secs_f64();
    let seen = phases[0].share;
    let limit_s = stalls.widened_s(0.3);
    for Phase {
        name,
        from,
        to,
        share,
    } in &phases
    {
        let (from, to) = (at(*from), at(*to));
        let here: Vec<f64> = times
            .iter()
            .copied()
            .filter(|t| (from..to).contains(t))
            .collect();
        let rate = here.len() as f64 / (to - from);
        let gap = longest_gap_s(&here);
        println!(
            "{name:20} {rate:5.2} fps, longest gap {gap:.3} s; the window {share:4.1} % of a core"
        );
        assert!(
            (rate - FPS).abs() < tolerance * FPS,
            "{name}: {rate:.2} fps"
        );
        let heard: Vec<f64> = sound
            .iter()
            .copied()
            .filter(|t| (from..to).contains(t))
            .collect();
        // Packets of 10 ms.
        let packets = heard.len() as f64 / (to - from);
        assert!(
            (packets - 100.0).abs() < 3.0,
            "{name}: {packets:.1} packets a second"
        );
        assert!(longest_gap_s(&heard) < 0.02, "{name}: a hole in the sound");
        assert!(gap < limit_s, "{name}: {gap:.3} s without a picture");
        if ["minimised", "covered", "on another desktop"].contains(name) {
            assert!(*share < 1.5 && *share < seen / 3.0, "{name}: {share:.1} %");
        }
    }
    assert!(phases[2].share > seen / 3.0, "it is drawn again");
}

/// The pictures of the README: `cargo test --test real_window -- --ignored the_readmes_pictures`.
#[test]
#[ignore = "writes assets/screenshots"]
fn the_readmes_pictures() {
    let _alone = alone();
    let ffmpeg = ffmpegs().into_iter().next().unwrap();
    assert!(are_installed(&["import"], "no pictures"));
    let plan = || {
        let plan = common::console::Plan::new(&ffmpeg, "--log");
        match common::mediamtx() {
            Some(program) => plan.env("MEDIAMTX_BIN", program),
            None => plan,
        }
    };
    {
        let desktop = Desktop::start(false).unwrap();
        let window = Windowed::of(plan(), &desktop, "");
        // Until everything was looked at.
        std::thread::sleep(Duration::from_secs(12));
        desktop.picture(&pictures().join("first-start-en.png"));
        desktop.close(&window.window);
        window.console.end_within(Duration::from_secs(15));
    }
    for (language, name) in [("English", "en"), ("Korean", "ko")] {
        for (theme, look) in [("Dark", ""), ("Light", "-light")] {
            let desktop = Desktop::start(false).unwrap();
            let more =
                format!("language: {language}, window: (theme: {theme}), target: (kind: Embedded)");
            let window = Windowed::of(plan(), &desktop, &settings(&more));
            let shoot = |what: &str| {
                std::thread::sleep(Duration::from_millis(700));
                // The pointer away from everything that it would light up.
                desktop.does("mousemove 640 2");
                std::thread::sleep(Duration::from_millis(300));
                desktop.picture(&pictures().join(format!("{what}{look}-{name}.png")));
            };
            if look.is_empty() {
                shoot("idle");
            }
            go_live(&desktop, &window);
            // Until the graph shows something.
            std::thread::sleep(Duration::from_secs(25));
            shoot("window");
            let is_english_and_dark = name == "en" && look.is_empty();
            let all = [
                ("F2", "settings"),
                ("F3", "encoder"),
                ("F6", "network"),
                ("F1", "keys"),
                ("ctrl+k", "palette"),
            ];
            for (key, page) in all {
                if is_english_and_dark {
                    desktop.keys(key);
                    shoot(page);
                    desktop.keys(if matches!(key, "F1" | "ctrl+k") {
                        "Escape"
                    } else {
                        key
                    });
                }
            }
            desktop.keys("ctrl+period");
            std::thread::sleep(Duration::from_millis(700));
            desktop.keys("ctrl+period");
            window.console.wait_for(ENDED, 1, LIMIT);
            desktop.close(&window.window);
            window.console.end_within(Duration::from_secs(15));
        }
    }
    let small = |path: &Path| path.metadata().is_ok_and(|file| file.len() < 300_000);
    assert!(small(&pictures().join("window-en.png")));
}
