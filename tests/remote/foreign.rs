//! Clients in other languages, which `packaging/test.sh` installs: Python's from the folder
//! `PD_TEST_REMOTE_PYTHON`, Node's from `PD_TEST_REMOTE_NODE`. They steer the program itself.

use super::common::console::{Console, Plan};
use super::common::{alone, ffmpegs, free_tcp_port, in_path};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const PASSWORD: &str = "from the environment";

fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "remote", name]
        .iter()
        .collect()
}

/// The folder that a variable names; None, with a word, where it names none.
fn folder(variable: &str, program: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).filter(|folder| !folder.is_empty());
    if folder.is_none() || in_path(program).is_none() {
        println!("SKIPPED: no clients for {program} ({variable}, see packaging/test.sh)");
        return None;
    }
    folder.map(PathBuf::from)
}

fn steer(console: &Console, command: &mut Command) {
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{said}");
    assert!(
        output.status.success(),
        "{command:?}: {said}\n{}",
        console.stderr()
    );
}

#[test]
fn python_and_node_steer_the_program() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let python = folder("PD_TEST_REMOTE_PYTHON", "python3");
    let node = folder("PD_TEST_REMOTE_NODE", "node");
    if python.is_none() && node.is_none() {
        return;
    }
    let port = free_tcp_port();
    let words = format!(
        "live --remote --source pattern --audio tone --set video.size=320x180 --set remote.port={port} --json"
    );
    let console = Plan::new(&ffmpeg, &words)
        .env("PD_CONSOLE_REMOTE_PASSWORD", PASSWORD)
        .start();
    console.wait_live(1);
    let port = port.to_string();
    if let Some(node) = node {
        let mut command = Command::new("node");
        command.arg(script("client.mjs")).args([&port, PASSWORD]);
        steer(&console, command.arg(node));
    }
    if let Some(folder) = python {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", folder);
        command.arg(script("client.py")).args([&port, PASSWORD]);
        steer(&console, &mut command);
        assert_eq!(console.count("LIVE: the receiver has the stream"), 2);
    }
    console.signal(rustix::process::Signal::INT);
    let ended = console.end_within(Duration::from_secs(15));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.json()["frames"].as_u64().unwrap_or_default() > 0);
    assert!(!ended.stderr.contains(PASSWORD) && !ended.stdout.contains(PASSWORD));
    assert_eq!(ended.left_after(Duration::from_secs(5)), []);
}
