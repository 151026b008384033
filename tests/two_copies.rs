//! Two consoles at once (cases.md B29): on one server's path, with one settings folder, with one recording folder and one
//! port. Nobody is thrown out unasked, nothing is lost, and each refusal says who and what to do.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Ended, Plan};
use common::server::OwnServer;
use common::{alone, ffmpegs, free_tcp_port, programs, wait_until};
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;

const SHOW: &str = "live --defaults --source pattern --audio tone --set video.size=640x360 ";
const PATH: &str = "pd_e2e";
const LIMIT: Duration = Duration::from_secs(30);

fn stop(console: Console) -> Ended {
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(3));
    assert!(ended.status.success(), "{}", ended.stderr);
    ended
}

/// Of another machine, as far as that can be played here: it knows nothing of the first one's claims and marks.
fn elsewhere(ffmpeg: &Path, words: &str, runtime: &Path) -> Plan {
    Plan::new(ffmpeg, words).env("XDG_RUNTIME_DIR", runtime)
}

#[test]
fn b29_who_publishes_is_not_thrown_out_unasked() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let server = OwnServer::start(&mediamtx, "  all_others:\n");
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let push = format!("{SHOW}{}", server.words("target", PATH, server.srt));
    let pull = push.replace("SrtPush", "SrtPull");
    let id = || server.path(PATH).and_then(|path| path.source_id);
    for (first, second) in [(&push, &push), (&pull, &push)] {
        let ours = elsewhere(&ffmpeg, first, here.path()).start();
        ours.wait_live(1);
        let before = id();
        // Another machine is told by the API, a second console here by the claim.
        for (runtime, words) in [
            (&there, "another publishes to the path pd_e2e"),
            (&here, "another console"),
        ] {
            let refused = elsewhere(&ffmpeg, second, runtime.path()).run(LIMIT);
            assert_eq!(refused.status.code(), Some(10), "{}", refused.stderr);
            let last = refused.stderr.lines().last().unwrap_or_default();
            assert!(
                last.contains(words) && last.contains("take the path over"),
                "{last}"
            );
        }
        assert_eq!(id(), before, "undisturbed");
        assert_eq!(ours.count("LIVE: the receiver"), 1, "{}", ours.stderr());
        let wanted = format!("{second} --take-over");
        let theirs = elsewhere(&ffmpeg, &wanted, there.path()).start();
        theirs.wait_live(1);
        ours.wait_for("has taken the path", 1, Duration::from_secs(8));
        stop(theirs);
        // Off air at its end, so no success.
        ours.signal(Signal::INT);
        ours.end_within(Duration::from_secs(3));
    }
}

#[cfg(feature = "x11")]
#[test]
fn b29_a_second_start_brings_the_first_window_to_the_front_and_loses_nothing() {
    use common::desktop::{Desktop, Windowed, settings};
    let _alone = alone();
    let Some((ffmpeg, _)) = programs() else {
        return;
    };
    let Some(desktop) = Desktop::start(true) else {
        return;
    };
    let first = Windowed::start(&desktop, &ffmpeg, &settings(""));
    let folder = first.folder.path().to_owned();
    let second = |words: &str| {
        Plan::new(&ffmpeg, words)
            .env("PD_CONSOLE_CONFIG_DIR", &folder)
            .env("DISPLAY", desktop.display())
            .env("WAYLAND_DISPLAY", "")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null")
    };
    let ended = second("--log").run(LIMIT);
    assert!(ended.status.success(), "{}", ended.stderr);
    let own = format!(
        "the console runs already (process {}, since ",
        first.console.id()
    );
    assert!(ended.stderr.contains(&own), "{}", ended.stderr);
    first
        .console
        .wait_for("this window comes to the front", 1, LIMIT);
    // A second window that is wished for: what each changes stays, and the layout is the first one's.
    let other = second("--log --another").start();
    other.wait_for("has the same settings", 1, LIMIT);
    let file = folder.join("settings.ron");
    let before = std::fs::read_to_string(&file).unwrap();
    other.signal(Signal::TERM);
    let ended = other.end_within(Duration::from_secs(4));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    // The first one killed: the next start is the first.
    first.console.signal(Signal::KILL);
    first.console.end_within(Duration::from_secs(3));
    let next = second("--log").start();
    assert!(
        wait_until(LIMIT, || folder.join("window.door").exists()
            && next.count("run ") > 0),
        "{}",
        next.stderr()
    );
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(next.count("runs already"), 0, "{}", next.stderr());
    next.signal(Signal::TERM);
    let ended = next.end_within(Duration::from_secs(4));
    assert!(ended.status.success(), "{}", ended.stderr);
}

/// Two machines' consoles, or two shows of one: one folder of recordings, one port of the remote control, one of the page.
#[test]
fn b29_one_recording_folder_and_one_port_for_two() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let recordings = tempfile::tempdir().unwrap();
    let (port, page) = (free_tcp_port(), free_tcp_port());
    let words = format!(
        "{SHOW} --remote --json --set remote.port={port} --set viewer.port={page} --record {}",
        recordings.path().display()
    );
    let start = |home: &tempfile::TempDir| {
        Plan::new(&ffmpeg, &words)
            .env("PD_CONSOLE_CONFIG_DIR", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("PD_CONSOLE_REMOTE_PASSWORD", "two horses battery")
            .start()
    };
    // At once: the names of their files would be the same where they begin within one second.
    let consoles = [start(&homes[0]), start(&homes[1])];
    for console in &consoles {
        console.wait_live(1);
        console.wait_for("recording: writing", 1, LIMIT);
    }
    let refused = |console: &Console, text: &str| console.count(text) > 0;
    for (said, number) in [
        ("the viewers' page cannot have port", page),
        ("remote control cannot have port", port),
    ] {
        let text = format!("{said} {number}: another program has it");
        let told = || consoles.iter().filter(|c| refused(c, &text)).count() == 1;
        assert!(
            wait_until(LIMIT, told),
            "{text}: {:?}",
            consoles.each_ref().map(Console::stderr)
        );
    }
    std::thread::sleep(Duration::from_secs(2));
    // Who has the ports ends first: the other one takes them, its show undisturbed.
    let text = format!("remote control cannot have port {port}");
    let [one, two] = consoles;
    let (first, second) = match refused(&one, &text) {
        true => (two, one),
        false => (one, two),
    };
    first.signal(Signal::INT);
    let mut results = vec![first.end_within(Duration::from_secs(5))];
    second.wait_for(
        &format!("ws://127.0.0.1:{port}"),
        1,
        Duration::from_secs(10),
    );
    second.wait_for(
        &format!("http://127.0.0.1:{page}/"),
        1,
        Duration::from_secs(10),
    );
    assert_eq!(second.count("LIVE: the receiver"), 1, "{}", second.stderr());
    results.push(stop(second));
    let mut files: Vec<_> = results
        .iter()
        .map(|ended| {
            let result = ended.json();
            assert_eq!(result["recording"]["problem"], serde_json::Value::Null);
            assert_eq!(result["drops"]["network"], 0, "{result:#}");
            result["recording"]["files"][0]["file"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 2, "one file for both");
    for file in files {
        common::stream::decoded(&ffmpeg, Path::new(&file));
    }
}
