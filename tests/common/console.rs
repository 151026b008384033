//! The console as the operator's shell starts it.

use super::{Killed, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const MARK: &str = "PD_E2E_MARK";
/// The viewers' pages of all tests have this key in their links.
pub const VIEWER_KEY: &str = "key-of-tests";

/// A console that is about to be started.
pub struct Plan {
    command: Command,
    config: tempfile::TempDir,
    mark: String,
}

/// A running console.
pub struct Console {
    process: Killed,
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<()>>,
    mark: String,
    _config: tempfile::TempDir,
}

/// A console that has ended.
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
    mark: String,
}

impl Plan {
    /// `pd-console` with these words, an ffmpeg, a fresh settings folder, no server to be found
    /// unless one is named, no display.
    pub fn new(ffmpeg: &Path, words: &str) -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_pd-console")), ffmpeg, words)
    }

    /// The same of another build.
    pub fn of(program: &Path, ffmpeg: &Path, words: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        let config = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command
            .args(words.split_whitespace())
            .args(without_page(words))
            .env("PD_CONSOLE_CONFIG_DIR", config.path())
            .env("PD_CONSOLE_FFMPEG", ffmpeg)
            .env(MARK, &mark)
            .env("PD_CONSOLE_VIEWER_KEY", VIEWER_KEY)
            .env_remove("PD_CONSOLE_PASSWORD")
            .env_remove("PD_CONSOLE_PASSPHRASE")
            .env_remove("PD_CONSOLE_BACKUP_PASSWORD")
            .env_remove("PD_CONSOLE_BACKUP_PASSPHRASE")
            .env_remove("PD_CONSOLE_REMOTE_PASSWORD")
            .env_remove("MEDIAMTX_BIN")
            .env("PATH", path_without_mediamtx())
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            config,
            mark,
        }
    }

    /// Adds a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Console {
        let mut child = self.command.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (mut out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        let seen = lines.clone();
        let stderr = std::thread::spawn(move || {
            for line in BufReader::new(err).lines() {
                seen.lock().unwrap().push((Instant::now(), line.unwrap()));
            }
        });
        Console {
            process: Killed(child),
            lines,
            stdout: Some(stdout),
            stderr: Some(stderr),
            mark: self.mark,
            _config: self.config,
        }
    }

    /// Starts it and waits for its end.
    pub fn run(self, limit: Duration) -> Ended {
        self.start().end_within(limit)
    }
}

/// Runs beside each other would want the viewers' page's port of each other.
fn without_page(words: &str) -> &'static [&'static str] {
    if words.starts_with("live") && !words.contains("viewer.") {
        return &["--set", "viewer.on=false"];
    }
    &[]
}

/// So that no server is taken but one that a test names.
fn path_without_mediamtx() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|f| !f.join("mediamtx").exists());
    std::env::join_paths(folders).unwrap()
}

impl Console {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Everything on stderr until now.
    pub fn stderr(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|(_, line)| format!("{line}\n")).collect()
    }

    /// Lines of stderr with `text` in them.
    pub fn count(&self, text: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(_, line)| line.contains(text)).count()
    }

    /// When each line of stderr with both texts in it came.
    pub fn times_of(&self, text: &str, and: &str) -> Vec<Instant> {
        let lines = self.lines.lock().unwrap();
        let both = lines
            .iter()
            .filter(|(_, line)| line.contains(text) && line.contains(and));
        both.map(|(at, _)| *at).collect()
    }

    /// Waits until `text` has been on stderr `times` times.
    pub fn wait_for(&self, text: &str, times: usize, limit: Duration) {
        assert!(
            wait_until(limit, || self.count(text) >= times),
            "not seen within {limit:?}, {times} times: {text}\n{}",
            self.stderr()
        );
    }

    /// Waits until it is LIVE for the `times`th time.
    pub fn wait_live(&self, times: usize) {
        self.wait_for("LIVE: the receiver has the stream", times, LIVE_LIMIT);
    }

    /// Whether it has ended by itself (a zombie of ours until it is waited for).
    pub fn has_ended(&self) -> bool {
        let file = format!("/proc/{}/status", self.process.0.id());
        let status = std::fs::read_to_string(file).unwrap_or_default();
        status.is_empty() || status.contains("\nState:\tZ")
    }

    /// Sends it a signal; one that asks only once it hears that (a busy machine is slow to start it).
    pub fn signal(&self, signal: Signal) {
        let asks = matches!(signal, Signal::INT | Signal::TERM | Signal::HUP);
        if asks {
            let hears = wait_until(Duration::from_secs(10), || {
                self.has_ended() || self.hears(signal)
            });
            assert!(hears, "{signal:?} would end it at once\n{}", self.stderr());
        }
        self.signal_now(signal);
    }

    /// Sends it a signal, however young it is.
    pub fn signal_now(&self, signal: Signal) {
        kill(self.process.0.id(), signal);
    }

    /// Whether it has a handler for this signal (`SigCgt` of proc_pid_status(5)).
    fn hears(&self, signal: Signal) -> bool {
        let file = format!("/proc/{}/status", self.process.0.id());
        let status = std::fs::read_to_string(file).unwrap_or_default();
        let mask = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_none_or(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
    }

    /// Its children of the program's name, by process id.
    pub fn children(&self, name: &str) -> Vec<u32> {
        self.marked()
            .into_iter()
            .filter(|(_, comm)| comm == name)
            .map(|(pid, _)| pid)
            .collect()
    }

    /// Those that have an argument with this text, by process id, in the order of the ids.
    pub fn children_with(&self, text: &str) -> Vec<u32> {
        let has = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|b| *b == 0)
                .any(|argument| String::from_utf8_lossy(argument).contains(text))
        };
        let all = self.marked().into_iter().map(|(pid, _)| pid);
        all.filter(has).collect()
    }

    /// Everything that it started and that runs, with the program's name.
    pub fn marked(&self) -> Vec<(u32, String)> {
        let mut all = marked(&self.mark);
        all.retain(|(pid, _)| *pid != self.process.0.id());
        all
    }

    /// Its end, which must come within `limit`.
    pub fn end_within(mut self, limit: Duration) -> Ended {
        let status = self.process.ends_within(limit);
        let Some(status) = status else {
            panic!("runs on after {limit:?}:\n{}", self.stderr());
        };
        let stdout = self.stdout.take().unwrap().join().unwrap();
        self.stderr.take().unwrap().join().unwrap();
        Ended {
            status,
            stdout,
            stderr: self.stderr(),
            mark: self.mark.clone(),
        }
    }
}

/// Generous: six programs start on what may be a busy machine.
const LIVE_LIMIT: Duration = Duration::from_secs(30);

impl Ended {
    /// What it left running, with the program's name, after at most `limit`.
    pub fn left_after(&self, limit: Duration) -> Vec<(u32, String)> {
        wait_until(limit, || marked(&self.mark).is_empty());
        marked(&self.mark)
    }

    /// The result that it printed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }
}

/// Sends a signal to a process that the test started.
pub fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Processes with `mark` in their environment that run (zombies have no environment).
fn marked(mark: &str) -> Vec<(u32, String)> {
    let wanted = format!("{MARK}={mark}");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|b| *b == 0)
            .any(|variable| variable == wanted.as_bytes())
        {
            let comm = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push((pid, comm.trim().to_owned()));
        }
    }
    found
}
