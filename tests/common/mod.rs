//! What the end-to-end tests share: the console as a process, an independent SRT receiver, an X
//! server. Every process that is started here carries a mark of its own in its environment, so that
//! what a run leaves behind is found by that mark and by nothing else.

// Each test file uses its own part.
#![allow(dead_code, clippy::unwrap_used)]

pub mod console;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub mod desktop;
pub mod disk;
pub mod home;
pub mod link;
pub mod lip;
pub mod recorder;
pub mod running;
#[cfg(feature = "x11")]
pub mod screen;
pub mod server;
pub mod sound;
pub mod stall;
pub mod strange;
pub mod stream;
#[cfg(feature = "probe")]
pub mod viewer;

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Held for a whole test: these tests are heavy and disturb each other.
pub fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The ffmpegs that the console is tested with: `PD_TEST_FFMPEGS` (separated by colons), else the
/// one of PATH. Empty, with a word, where there is none.
pub fn ffmpegs() -> Vec<PathBuf> {
    if !has("ffmpeg") || !has("ffprobe") {
        println!("SKIPPED: ffmpeg or ffprobe was not found");
        return Vec::new();
    }
    match std::env::var_os("PD_TEST_FFMPEGS") {
        Some(list) if !list.is_empty() => std::env::split_paths(&list).collect(),
        _ => vec![in_path("ffmpeg").unwrap()],
    }
}

/// The first and the last of these ffmpegs, the oldest and the newest where the list is so sorted (`packaging/test.sh`): for
/// what takes minutes.
pub fn first_and_last_ffmpeg() -> Vec<PathBuf> {
    let mut all = ffmpegs();
    let last = all.len().saturating_sub(1);
    all.drain(1.min(last)..last);
    all
}

/// The first of these ffmpegs, and MediaMTX; None, with a word, where one is missing.
pub fn programs() -> Option<(PathBuf, PathBuf)> {
    Some((ffmpegs().into_iter().next()?, mediamtx()?))
}

fn has(program: &str) -> bool {
    let found = in_path(program).is_some();
    if !found {
        println!("{program} was not found in PATH");
    }
    found
}

/// The program of this name in PATH.
pub fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether these programs are in PATH; the first that is not is named, with what follows from it.
pub fn are_installed(programs: &[&str], otherwise: &str) -> bool {
    let missing = programs.iter().find(|name| in_path(name).is_none());
    if let Some(name) = missing {
        println!("SKIPPED: {name} is not installed, {otherwise}");
    }
    missing.is_none()
}

/// A MediaMTX that speaks SRT only, on loopback, with `of_each_path` said of every path ("" for
/// nothing); its port.
pub fn srt_server(program: &Path, of_each_path: &str) -> (u16, (Killed, tempfile::TempDir)) {
    let port = free_udp_port();
    let config = format!(
        "rtsp: no\nrtmp: no\nhls: no\nwebrtc: no\nsrt: yes\nsrtAddress: 127.0.0.1:{port}\n\
         paths:\n  all_others:\n{of_each_path}"
    );
    let server = start_mediamtx(program, &config);
    assert!(
        wait_until(Duration::from_secs(10), || {
            UdpSocket::bind(("127.0.0.1", port)).is_err()
        }),
        "MediaMTX does not listen"
    );
    (port, server)
}

/// A MediaMTX with this configuration, and the folder that it lives in.
pub fn start_mediamtx(program: &Path, config: &str) -> (Killed, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mediamtx.yml");
    std::fs::write(&file, config).unwrap();
    let server = Command::new(program)
        .arg(&file)
        // Or its default ports may be another server's.
        .env("MTX_MOQ", "no")
        // It writes certificates beside itself.
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    (Killed(server.unwrap()), folder)
}

/// The MediaMTX of `MEDIAMTX_BIN` or PATH; None, with a word, where there is none.
pub fn mediamtx() -> Option<PathBuf> {
    let found = mediamtx_if_any();
    if found.is_none() {
        println!("SKIPPED: MediaMTX was not found (MEDIAMTX_BIN, PATH)");
    }
    found
}

/// The same without a word.
pub fn mediamtx_if_any() -> Option<PathBuf> {
    std::env::var_os("MEDIAMTX_BIN")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| in_path("mediamtx"))
}

/// A UDP port of loopback that was free a moment ago.
pub fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A TCP port of loopback that was free a moment ago.
pub fn free_tcp_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until `is_there`; whether it came in time.
pub fn wait_until(limit: Duration, mut is_there: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    loop {
        if is_there() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A child that is killed and reaped in any case.
pub struct Killed(pub Child);

impl Killed {
    /// How it ended; None where it has not within `limit`.
    pub fn ends_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = None;
        wait_until(limit, || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a tool to its end; its output.
pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
