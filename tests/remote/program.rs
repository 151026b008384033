//! The program from outside: `pd-console remote` shows and changes the password of a console that runs.

use super::common::console::Plan;
use super::common::{alone, ffmpegs, free_tcp_port, wait_until};
use super::raw::{closed, identified_with, try_identify};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What `pd-console remote --json` says with these words.
fn told(config: &Path, words: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pd-console"));
    command
        .args(["remote", "--json"])
        .args(words)
        .env("PD_CONSOLE_CONFIG_DIR", config)
        .env_remove("PD_CONSOLE_REMOTE_PASSWORD");
    serde_json::from_slice(&super::common::output(&mut command)).unwrap()
}

#[test]
fn the_password_is_shown_and_changed_by_command() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let config = tempfile::tempdir().unwrap();
    let port = free_tcp_port();
    let set = format!("remote.port={port}");
    let words = ["--set", &set];
    let before = told(config.path(), &words);
    let first = before["password"].as_str().unwrap();
    assert_eq!((first.len(), &before["answers"]), (32, &Value::Bool(false)));
    assert_eq!(before["addresses"][0], format!("ws://127.0.0.1:{port}"));

    let line = format!(
        "live --remote --source pattern --audio tone --set video.size=320x180 --set {set} --seconds 60"
    );
    let console = Plan::new(&ffmpeg, &line)
        .env("PD_CONSOLE_CONFIG_DIR", config.path())
        .start();
    let served = wait_until(Duration::from_secs(20), || {
        told(config.path(), &words)["answers"] == true
    });
    assert!(served, "{}", console.stderr());
    let mut socket = identified_with(port, first, 0);
    let renewed = told(config.path(), &["--new", "--set", &set]);
    let second = renewed["password"].as_str().unwrap();
    assert_ne!(second, first);
    // New connections at once; the old one within five seconds.
    assert_eq!(try_identify(port, first), Err(4009));
    assert_eq!(try_identify(port, second), Ok(()));
    assert_eq!(closed(&mut socket), 4011);
    console.signal(rustix::process::Signal::INT);
    let ended = console.end_within(Duration::from_secs(15));
    for secret in [first, second] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
    let settings = config.path().join("settings.ron");
    let kept = std::fs::read_to_string(settings).unwrap_or_default();
    assert!(!kept.contains(second));
}
