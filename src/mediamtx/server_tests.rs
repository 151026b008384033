//! With shell scripts in the server's place; the real server is in `tests/managed_server.rs`.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mediamtx");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    (dir, path)
}

fn quiet() -> OnLog {
    Arc::new(|_, _| {})
}

#[test]
fn an_early_end_is_told_with_the_last_words() {
    let (_dir, bin) = script(
        "echo '2026/01/02 03:04:05 INF hello'; echo 'ERR: json: unknown field \"x\"' >&2; exit 3",
    );
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let log: OnLog = Arc::new(move |severity, text| sink.lock().unwrap().push((severity, text)));
    let error = ManagedServer::start(&bin, &Need::default(), &StopToken::new(), log)
        .err()
        .unwrap();
    assert!(error.to_string().contains("unknown field"), "{error}");
    assert!(matches!(error, ServerError::Exited { status, .. } if status.code() == Some(3)));
    let expected = [
        (Severity::Info, "hello".to_owned()),
        (Severity::Error, "ERR: json: unknown field \"x\"".to_owned()),
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn a_lost_port_is_tried_again_a_few_times() {
    let (dir, bin) = script(
        "echo x >> \"$(dirname \"$0\")/starts\"; echo 'ERR: bind: address already in use'; exit 1",
    );
    let error = ManagedServer::start(&bin, &Need::default(), &StopToken::new(), quiet())
        .err()
        .unwrap();
    assert!(matches!(error, ServerError::Exited { .. }), "{error}");
    let starts = std::fs::read_to_string(dir.path().join("starts")).unwrap();
    assert_eq!(starts.lines().count(), STARTS);
}

#[test]
fn a_stop_while_starting_kills_what_ignores_term() {
    // The ignored signal is inherited by sleep.
    let (dir, bin) = script(
        "trap '' TERM; echo $$ > \"$(dirname \"$0\")/pid\"; cp \"$1\" \"$(dirname \"$0\")/yml\"; stat -c %a \"$1\" . > \"$(dirname \"$0\")/modes\"; exec sleep 60",
    );
    let stop = StopToken::new();
    let other = stop.clone();
    let pid_file = dir.path().join("modes");
    std::thread::spawn(move || {
        while !pid_file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        other.stop();
    });
    let started = Instant::now();
    let error = ManagedServer::start(&bin, &Need::default(), &stop, quiet())
        .err()
        .unwrap();
    assert!(matches!(error, ServerError::Cancelled), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    assert!(
        rustix::process::test_kill_process(pid).is_err(),
        "still running"
    );
    assert_eq!(
        std::fs::read_to_string(dir.path().join("modes")).unwrap(),
        "600\n700\n"
    );
    assert!(
        std::fs::read_to_string(dir.path().join("yml"))
            .unwrap()
            .contains("srtAddress")
    );
}

#[test]
fn a_missing_program_is_named() {
    let error = ManagedServer::start(
        Path::new("/no/such/mediamtx"),
        &Need::default(),
        &StopToken::new(),
        quiet(),
    )
    .err()
    .unwrap();
    assert!(error.to_string().contains("/no/such/mediamtx"), "{error}");
}
