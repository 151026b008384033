//! Keys that work in front of every program, on a real (virtual) screen: another window has the focus and
//! the console's is minimised. What came of them is read from the settings file, which an operation writes at once.
#![cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::desktop::{Desktop, Windowed, settings};
use common::{alone, ffmpegs, wait_until};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// Whether the console has written `text` into its settings.
fn is_kept(folder: &Path, text: &str) -> bool {
    wait_until(LIMIT, || {
        let kept = std::fs::read_to_string(folder.join("settings.ron")).unwrap_or_default();
        kept.contains(text)
    })
}

#[test]
fn a_key_works_while_another_program_is_in_front() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let Some(desktop) = Desktop::start(true) else {
        return;
    };
    let keys = "controls: (hotkeys_on: true, hotkeys: [\
                (op: \"setting-set encoder.gop_seconds=0.5\", keys: [\"Ctrl+Alt+G\"]), \
                (op: \"setting-set encoder.gop_seconds=2.5\", keys: [\"F11\"])])";
    let first = Windowed::start(&desktop, &ffmpeg, &settings(keys));
    // They are taken on a thread of their own: whoever asks first has them.
    first
        .console
        .wait_for("keys taken from the desktop: 2", 1, LIMIT);
    // Another program: a second console, which wants the same keys and does not get them.
    let second = Windowed::start(&desktop, &ffmpeg, &settings(keys));
    second
        .console
        .wait_for("another program has that key", 2, LIMIT);
    desktop.does(&format!("windowminimize {}", first.window));
    desktop.does(&format!("windowactivate --sync {}", second.window));
    desktop.keys("ctrl+alt+g");
    assert!(
        is_kept(first.folder.path(), "gop_seconds: 0.5"),
        "{}",
        first.console.stderr()
    );
    desktop.keys("F11");
    assert!(is_kept(first.folder.path(), "gop_seconds: 2.5"));
    let other = std::fs::read_to_string(second.folder.path().join("settings.ron")).unwrap();
    assert!(
        !other.contains("gop_seconds: "),
        "the other one has it not: {other}"
    );
}
