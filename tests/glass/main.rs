//! Glass to glass, on one machine: the pattern on one X server, captured by a console that is live
//! through MediaMTX, shown by Chromium on a second X server, and read back from there.

#![cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../viewer_page/browser.rs"]
mod browser;
#[path = "../common/mod.rs"]
mod common;

use browser::Browser;
use common::console::{Plan, VIEWER_KEY};
use common::screen::Xvfb;
use common::{Killed, alone, free_tcp_port, programs, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// The console with these words on an X server.
fn console(display: &str, words: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pd-console"));
    command
        .args(words.split(' '))
        .env("DISPLAY", display)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("PD_CONSOLE_CONFIG_DIR", folder)
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What `pd-console glass` reads from an X server.
fn read(display: &str, seconds: u32, folder: &Path) -> Option<Value> {
    let words = format!("glass --source x11 --json --seconds {seconds}");
    let output = console(display, &words, folder).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

/// The one block of a reading.
fn block(reading: &Value) -> &Value {
    let blocks = reading["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 1, "{reading:#}");
    &blocks[0]
}

fn ms(value: &Value, name: &str) -> f64 {
    value[name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {name}: {value:#}"))
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// What the page's pictures went through, from requestVideoFrameCallback: from the last packet's
/// arrival to the compositor, and from there to the screen as the browser expects it; medians, ms.
const FOLLOW: &str = "window.seen = []; const v = document.getElementById('video'); \
    const next = (now, m) => { window.seen.push([m.presentationTime - m.receiveTime, \
    m.expectedDisplayTime - m.presentationTime]); v.requestVideoFrameCallback(next); }; \
    v.requestVideoFrameCallback(next); true";
const MEDIANS: &str = "[0, 1].map((i) => { const all = window.seen.map((s) => s[i]) \
    .filter((x) => Number.isFinite(x)).sort((a, b) => a - b); \
    return all.length ? all[all.length >> 1] : -1; })";

/// A whole run; prints the split and judges it.
fn run(seconds: u32, pattern_fps: u32, more: &str) {
    let _alone = alone();
    let (Some(chromium), Some((ffmpeg, server))) = (browser::program(), programs()) else {
        return;
    };
    let screens = ["1280x720x24"; 2].map(|size| Xvfb::start(size, &[]));
    let [Some(there), Some(here)] = screens else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let words = format!("pattern --fullscreen --fps {pattern_fps}");
    let pattern = console(&there.display, &words, folder.path()).spawn();
    let _pattern = Killed(pattern.unwrap());
    // The screen's own figure first: it has the pattern on it, and nothing else runs yet.
    let mut painted = None;
    let came = wait_until(LONG, || {
        painted = read(&there.display, 1, folder.path());
        painted.is_some()
    });
    assert!(came, "no pattern on the first screen");

    let port = free_tcp_port();
    let words = format!(
        "live --defaults --source x11 --audio tone --json --set viewer.port={port} \
         --set encoder.family=Libx264 {more}"
    );
    let live = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", &server)
        .env("DISPLAY", &there.display)
        .start();
    live.wait_live(1);
    let url = format!("http://127.0.0.1:{port}/{VIEWER_KEY}/");
    let mut browser = Browser::open_on(chromium, &url, &here.display, [1280, 720]);
    browser.wait(LONG, "the show plays", |page| page.plays(1280));
    // The bar's fade and the browser's first seconds.
    std::thread::sleep(Duration::from_secs(5));
    let script = std::env::var("PD_GLASS_SCRIPT").unwrap_or_default();
    if !script.is_empty() {
        browser.eval(&std::fs::read_to_string(script).unwrap());
    }
    browser.eval(FOLLOW);
    let painted = read(&there.display, 2, folder.path()).unwrap();
    let shown = read(&here.display, seconds, folder.path())
        .unwrap_or_else(|| panic!("no code on the viewer's screen; {:?}", browser.page()));
    let page = browser.page();
    let medians = browser.eval(MEDIANS);
    let eye = browser.eval("Number(document.body.dataset.eyeMs || NaN)");
    live.signal(Signal::INT);
    let result = live.end_within(Duration::from_secs(15)).json();

    let (first, last) = (block(&painted), block(&shown));
    let arrived = ms(&result["latency"]["arrived"], "p50_ms");
    let (p50, p95) = (ms(last, "p50_ms"), ms(last, "p95_ms"));
    let paint = ms(first, "p50_ms");
    let received_to_presented = medians[0].as_f64().unwrap();
    let [buffer, decode, _] = page.parts_ms;
    let rest = p50 - paint - arrived - received_to_presented;
    println!(
        "load {}; {}; pattern {pattern_fps} fps; {}\n\
         painted to the viewer's screen      p50 {p50:.1}  p95 {p95:.1}  max {:.1} ms, {} codes, {:.1} a second, longest still {:.1} ms\n\
         of it, medians:\n\
         \x20 painted to the first screen       {paint:.1}\n\
         \x20 captured to arrived (the console) {arrived:.1}   {}\n\
         \x20 received to presented (browser)   {received_to_presented:.1}   (its jitter buffer {buffer:.1}, decoding {decode:.1})\n\
         \x20 presented to the screen           {rest:.1}   (the browser expects {:.1})\n\
         captured to the viewer's screen     p50 {:.1}   (the page itself says {eye})\n{}",
        load(),
        result["way"],
        result["encoder"],
        ms(last, "max_ms"),
        last["codes"],
        ms(last, "per_second"),
        ms(last, "longest_still_ms"),
        result["latency"]["paced"],
        medians[1],
        p50 - paint,
        result["cpu_percent"],
    );
    assert_eq!(first["backwards"], 0, "{painted:#}");
    assert_eq!(last["backwards"], 0, "{shown:#}");
    assert_eq!(last["foreign"], 0, "{shown:#}");
    let codes = last["codes"].as_u64().unwrap();
    assert!(codes > u64::from(seconds) * 10, "{shown:#}");
    // Torn or blended pictures are told apart, and are few.
    assert!(
        last["unreadable"].as_u64().unwrap() < codes / 5,
        "{shown:#}"
    );
    assert!(
        p50 > arrived,
        "on the screen before it arrived: {p50} {arrived}"
    );
    assert!(p50 < 250.0, "{shown:#}");
    // What is left over is the browser's own way from its compositor to the screen: never less than
    // nothing, and some refreshes at the most.
    assert!((-4.0..80.0).contains(&rest), "{rest}");
    // The page's own figure, by another clock and another way, of the last three seconds: it ends where
    // the browser expects the picture on the screen.
    match eye.as_f64() {
        Some(eye) => assert!((p50 - paint - eye).abs() < 60.0, "{eye} {}", p50 - paint),
        None => println!("the page has no figure of its own"),
    }
    assert_eq!(result["passthrough"], 1.0, "{}", result["arrivals"]);
}

#[test]
fn a_code_comes_from_one_screen_to_the_viewers_and_is_read_there() {
    run(5, 60, "");
}

/// `PD_GLASS_SECONDS`, `PD_GLASS_FPS`, `PD_GLASS_WORDS` (settings of `live`) and `PD_GLASS_SCRIPT` (a
/// file of JavaScript, evaluated in the page before it is read) shape it.
#[test]
#[ignore = "prints figures; they depend on the machine"]
fn figures() {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let number = |name: &str, otherwise| text(name).parse().unwrap_or(otherwise);
    run(
        number("PD_GLASS_SECONDS", 20),
        number("PD_GLASS_FPS", 60),
        &text("PD_GLASS_WORDS"),
    );
}
