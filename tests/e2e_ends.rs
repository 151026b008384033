//! Ends that nobody asked for, beside those of `e2e_kill`: while MediaMTX is fetched, with the pattern's window, with the
//! window on air and a replay being saved; a fault of the window's thread; an X server that is killed under the window.
#![cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Plan};
use common::desktop::{Desktop, Windowed, settings_of};
use common::home::{Home, Provoked};
use common::stall::StallWatch;
use common::stream::{Listener, longest_gap_s};
use common::{alone, ffmpegs, wait_until};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LIVE: &str = "LIVE: the receiver has the stream";
const LIMIT: Duration = Duration::from_secs(30);
/// The limit.
const GONE_WITHIN: Duration = Duration::from_secs(3);

fn first_ffmpeg() -> Option<PathBuf> {
    ffmpegs().into_iter().next()
}

/// kill -9; nothing may run any more after [`GONE_WITHIN`].
fn killed(what: &str, console: Console) {
    let children: Vec<String> = console.marked().into_iter().map(|(_, name)| name).collect();
    let at = Instant::now();
    console.signal(Signal::KILL);
    let ended = console.end_within(GONE_WITHIN);
    let left = ended.left_after(GONE_WITHIN.saturating_sub(at.elapsed()));
    println!(
        "{what}: {children:?} gone after {:.2} s",
        at.elapsed().as_secs_f64()
    );
    assert!(left.is_empty(), "{what}: left running: {left:?}");
}

/// A server that announces 30 MB, sends two of them and then nothing more.
fn slow_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 2048];
            let _ = stream.read(&mut request);
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&vec![7; 2_000_000]);
            held.push(stream);
        }
    });
    url
}

#[test]
fn a_download_that_is_killed_leaves_nothing_for_ever() {
    let _alone = alone();
    let Some(ffmpeg) = first_ffmpeg() else {
        return;
    };
    let home = Home::new();
    let (url, bin) = (slow_server(), home.path().join("bin"));
    let install = |url: &str| {
        let plan = home.plan(&ffmpeg, "server install --yes");
        plan.env("PD_CONSOLE_MEDIAMTX_URL", url)
    };
    let bytes = || -> u64 {
        let files = std::fs::read_dir(&bin).into_iter().flatten().flatten();
        files
            .map(|file| file.metadata().map_or(0, |m| m.len()))
            .sum()
    };
    // Cleared by the next installation, which comes to nothing itself; then by the next start of a show, another.
    let nowhere = install("http://127.0.0.1:1");
    let show = home.plan(&ffmpeg, "live --defaults --set encoder.bitrate_kbps=1");
    for (next, what) in [(nowhere, "install"), (show, "start")] {
        let console = install(&url).start();
        let is_under_way = wait_until(LIMIT, || bytes() > 1_000_000);
        assert!(is_under_way, "{}", console.stderr());
        // Another's start meanwhile takes nothing away.
        let other = home.plan(&ffmpeg, "live --defaults --set encoder.bitrate_kbps=1");
        other.run(LIMIT);
        assert!(bytes() > 1_000_000, "the file of a living one is gone");
        killed("a download", console);
        assert!(
            bytes() > 1_000_000,
            "{what}: nothing was left to be cleared"
        );
        next.run(LIMIT);
        assert_eq!(bytes(), 0, "{what}: {:?}", std::fs::read_dir(&bin));
    }
}

#[test]
fn the_patterns_window_goes_with_its_process_and_comes_again() {
    let _alone = alone();
    let (Some(ffmpeg), Some(desktop)) = (first_ffmpeg(), Desktop::start(false)) else {
        return;
    };
    let home = Home::new();
    for round in 0..2 {
        let mut plan = home.plan(&ffmpeg, "pattern --size 640x360");
        for (name, value) in desktop.variables() {
            plan = plan.env(name, value);
        }
        let console = plan.start();
        let window = desktop.window_of(console.id(), LIMIT);
        assert!(window.is_some(), "{round}: {}", console.stderr());
        killed("the pattern", console);
    }
    assert!(home.left(&["running-", ".pd-"]).is_empty());
}

/// Settings of a window that sends to this listener; F9 puts reports away.
fn on_air(listener: &Listener, more: &str) -> String {
    let more = format!(
        "target: (kind: Srt, host: \"127.0.0.1\", srt_port: {}, way: SrtPush, path: \"pd_window\"), \
         controls: (keys: [(op: \"report-noted\", keys: [\"F9\"])]), {more}",
        listener.port
    );
    settings_of("source: Pattern, size: (width: 640, height: 360)", &more)
}

fn go_live(desktop: &Desktop, window: &Windowed) {
    desktop.keys("F5");
    window.console.wait_for(LIVE, 1, LIMIT);
}

/// The last report that the operator has put away, as the folder knows it.
fn noted(home: &Path) -> String {
    std::fs::read_to_string(home.join("crash/seen")).unwrap_or_default()
}

/// Reports are offered, and put away by the key; where none are that key does nothing.
fn reports_are_offered(desktop: &Desktop, home: &Path) {
    let before = noted(home);
    let is_noted = || {
        desktop.keys("F9");
        wait_until(Duration::from_secs(1), || noted(home) != before)
    };
    assert!(wait_until(LIMIT, is_noted), "no report was offered");
}

/// An ffmpeg that takes its time where it writes a file into this folder.
fn slow_ffmpeg(home: &Home, ffmpeg: &Path, folder: &Path) -> PathBuf {
    let script = home.path().join("slow-ffmpeg");
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *{}*) sleep 1;; esac\nexec {} \"$@\"\n",
        folder.display(),
        ffmpeg.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

#[test]
fn the_window_on_air_panics_is_killed_and_is_back() {
    let _alone = alone();
    let (Some(ffmpeg), Some(desktop)) = (first_ffmpeg(), Desktop::start(false)) else {
        return;
    };
    let (tools, recordings) = (Home::new(), tempfile::tempdir().unwrap());
    let ffmpeg = slow_ffmpeg(&tools, &ffmpeg, recordings.path());
    let provoked = Provoked::of(&tools);
    let more = format!("recording: (folder: Some({:?}))", recordings.path());
    let start = |folder: tempfile::TempDir, listener: &Listener| {
        let plan = Plan::new(&ffmpeg, "--log").env("PD_CONSOLE_PROVOKE", &provoked.file);
        let settings = on_air(listener, &more);
        Windowed::within(folder, plan, &desktop, &settings)
    };

    // A fault of the window's thread: told, drawn anew, and the show does not notice.
    let listener = Listener::start("");
    let window = start(tempfile::tempdir().unwrap(), &listener);
    go_live(&desktop, &window);
    let stalls = StallWatch::start();
    std::thread::sleep(Duration::from_secs(1));
    provoked.now("main", "panic");
    std::thread::sleep(Duration::from_secs(1));
    let Windowed {
        console, folder, ..
    } = window;
    assert_eq!(console.count(LIVE), 1, "{}", console.stderr());
    let home = Home(folder);
    let reports = home.reports();
    assert_eq!(reports.len(), 1, "{reports:#?}");
    for line in ["kind: panic", "thread: main", "message: provoked in main"] {
        assert!(
            reports[0].contains(&format!("\n{line}\n")),
            "{}",
            reports[0]
        );
    }
    // The window takes keys again.
    desktop.keys("minus");
    console.wait_for("2500 kb/s", 1, LIMIT);
    killed("the window on air", console);
    let gap = longest_gap_s(&listener.received().pictures());
    println!("longest gap over the panic {gap:.3} s");
    assert!(gap < stalls.widened_s(0.5), "{gap:.3} s");

    // Both are offered at the next start, which goes live at once; killed while a replay is written.
    let listener = Listener::start("");
    let window = start(home.0, &listener);
    reports_are_offered(&desktop, window.folder.path());
    go_live(&desktop, &window);
    std::thread::sleep(Duration::from_secs(2));
    desktop.keys("s");
    let file = recordings.path().display().to_string();
    let is_saving = || !window.console.children_with(&file).is_empty();
    assert!(wait_until(LIMIT, is_saving), "{}", window.console.stderr());
    let Windowed {
        console, folder, ..
    } = window;
    killed("while a replay is saved", console);
    let files = || std::fs::read_dir(recordings.path()).unwrap().count();
    let torn = files();

    // And again; another replay has a file of its own.
    let listener = Listener::start("");
    let window = start(folder, &listener);
    reports_are_offered(&desktop, window.folder.path());
    let home = window.folder.path().to_owned();
    go_live(&desktop, &window);
    std::thread::sleep(Duration::from_secs(2));
    desktop.keys("s");
    window
        .console
        .wait_for(&format!("replay: {file}"), 1, LIMIT);
    assert_eq!(files(), torn + 1);
    let Windowed {
        console, folder, ..
    } = window;
    console.signal(Signal::TERM);
    let ended = console.end_within(Duration::from_secs(4));
    assert!(ended.status.success(), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "left running: {left:?}");
    let home_left = Home(folder).left(&["running-", ".pd-", "window.door"]);
    assert!(home_left.is_empty(), "{}: {home_left:?}", home.display());
}

/// What an operator wants of a graphics driver that takes the desktop with it: the show goes on, a new start says how it
/// stands, and a signal ends it in order. At rest there is nothing to go on with.
#[test]
fn the_show_outlives_the_x_server() {
    let _alone = alone();
    let (Some(ffmpeg), Some(mut desktop)) = (first_ffmpeg(), Desktop::start(false)) else {
        return;
    };
    let Some(other_desktop) = Desktop::start(false) else {
        return;
    };
    let mut listener = Listener::start("");
    let window = Windowed::start(&desktop, &ffmpeg, &on_air(&listener, ""));
    go_live(&desktop, &window);
    let stalls = StallWatch::start();
    std::thread::sleep(Duration::from_secs(2));
    desktop.kill();
    window.console.wait_for("the screen is gone", 1, LIMIT);
    let before = listener.bytes();
    std::thread::sleep(Duration::from_secs(4));
    assert!(listener.is_running(), "{}", window.console.stderr());
    assert!(listener.bytes() > before + 100_000, "the stream stands");
    // A start on the desktop that the operator has now.
    let mut plan = Plan::new(&ffmpeg, "--log").env("PD_CONSOLE_CONFIG_DIR", window.folder.path());
    for (name, value) in other_desktop.variables() {
        plan = plan.env(name, value);
    }
    let told = plan.run(LIMIT);
    assert_eq!(told.status.code(), Some(10), "{}", told.stderr);
    let process = format!("process {}", window.console.id());
    for word in [&process[..], "without a window", "its show goes on"] {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
    let Windowed {
        console, folder, ..
    } = window;
    console.signal(Signal::TERM);
    let ended = console.end_within(Duration::from_secs(4));
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "left running: {left:?}");
    assert!(ended.status.code().is_some(), "{:?}", ended.status);
    let home = Home(folder);
    assert!(home.left(&["running-"]).is_empty(), "it ended in order");
    let gap = longest_gap_s(&listener.received().pictures());
    println!("longest gap over the X server's end {gap:.3} s");
    assert!(gap < stalls.widened_s(0.5), "{gap:.3} s");

    // At rest.
    let (mut desktop, listener) = (other_desktop, Listener::start(""));
    let window = Windowed::within(
        home.0,
        Plan::new(&ffmpeg, "--log"),
        &desktop,
        &on_air(&listener, ""),
    );
    desktop.kill();
    let Windowed {
        console, folder, ..
    } = window;
    let ended = console.end_within(Duration::from_secs(4));
    assert!(ended.left_after(Duration::from_secs(1)).is_empty());
    assert_eq!(ended.status.code(), Some(9), "{}", ended.stderr);
    assert!(Home(folder).left(&["running-"]).is_empty());
}
