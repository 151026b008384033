//! Whatever the operator's umask: what the program makes is for its user alone, recordings apart.

use crate::common::{Killed, alone, free_tcp_port, programs, wait_until};
use pd_console::ffmpeg::capabilities;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Files and folders below `folder` with the rights that others have of them.
fn rights(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            all.extend(rights(&path));
        }
        all.push((path, meta.permissions().mode() & 0o777));
    }
    all
}

/// The program in a home of its own, started by a shell whose umask lets everybody do everything.
fn program(home: &Path, words: &str) -> Command {
    let exe = env!("CARGO_BIN_EXE_pd-console");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("umask 000; exec '{exe}' {words}")])
        .env("HOME", home)
        .env_remove("PD_CONSOLE_CONFIG_DIR")
        .env_remove("PD_CONSOLE_VIEWER_KEY")
        .env_remove("PD_CONSOLE_REMOTE_PASSWORD")
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn files_are_private_whatever_the_umask_and_recordings_the_operators() {
    let _alone = alone();
    let Ok(ffmpeg) = capabilities::look(None) else {
        println!("SKIPPED: no usable ffmpeg");
        return;
    };
    let server = programs().map(|(_, server)| server);
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for name in ["run", "recordings"] {
        fs::create_dir(home.join(name)).unwrap();
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(home.join(name), open).unwrap();
    }
    let own = [home.join("run"), home.join("recordings")];
    let words = format!(
        "live --source pattern --audio tone --set video.size=320x180 --set encoder.family=Libx264 \
         --remote --set remote.port={} --set viewer.port={} --record {}",
        free_tcp_port(),
        free_tcp_port(),
        own[1].display()
    );
    let mut command = program(home, &words);
    command.env("PD_CONSOLE_FFMPEG", &ffmpeg.path);
    if let Some(server) = &server {
        command.env("MEDIAMTX_BIN", server);
    }
    let mut console = Killed(command.spawn().unwrap());
    let named = |all: &[(PathBuf, u32)], end: &str| {
        let is_it = |(path, _): &&(PathBuf, u32)| path.to_string_lossy().ends_with(end);
        all.iter().find(is_it).cloned()
    };
    let mut wanted = vec![
        ".log",
        "viewer-key",
        "remote-password",
        ".mkv",
        "/cache/pd-console",
    ];
    // The managed server's configuration, with its password, lies there while it runs.
    wanted.extend(server.map(|_| "mediamtx.yml"));
    let mut all = Vec::new();
    let made = wait_until(Duration::from_secs(30), || {
        all = rights(home);
        wanted.iter().all(|end| named(&all, end).is_some())
    });
    assert!(made, "{wanted:?}: {all:?}");
    for (path, mode) in &all {
        if own.contains(path) {
            continue;
        }
        match path.extension().and_then(|e| e.to_str()) {
            // An editor or a colleague is to read it: as any program's file.
            Some("mkv") => assert_eq!(*mode, 0o666, "{}", path.display()),
            _ => assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display()),
        }
    }
    let id = rustix::process::Pid::from_child(&console.0);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(console.ends_within(Duration::from_secs(20)).is_some());
    let left = rights(&home.join("run"));
    assert!(left.is_empty(), "{left:?}");

    let export = home.join("show.ron");
    for words in [
        "profile save private".to_owned(),
        format!("profile export private {}", export.display()),
    ] {
        let status = program(home, &words).status().unwrap();
        assert!(status.success(), "{words}");
    }
    for (path, mode) in rights(home) {
        if path.extension().is_some_and(|e| e == "ron") {
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    assert!(export.exists());
}
