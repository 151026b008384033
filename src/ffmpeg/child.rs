//! One ffmpeg child: its start, its words, its end.
//!
//! Owns the process and a thread `pd-log-...` that drains its stderr, so that a talkative child
//! never blocks (cases.md B22); keeps the last 50 lines and hands each on. Ends it in steps: its
//! inputs are closed by their owners, then TERM, then kill, then it is reaped.

use super::launch::{self, Launch, Reached};
use super::plan::Arguments;
use crate::stop::{StopToken, ends_by};
use ffmpeg_sidecar::child::FfmpegChild;
use ffmpeg_sidecar::command::FfmpegCommand;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines of a child that are kept.
pub const KEPT_LINES: usize = 50;
/// A line's length: longer ones are cut, so that a child without line ends costs no memory.
pub const LONGEST_LINE: u64 = 2000;
/// A child's last words are waited for so long after its end: a busy machine reads them late, and a
/// grandchild that holds the pipe open lets nobody see its end.
pub const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running (or ended) ffmpeg.
pub struct Sidecar {
    name: String,
    process: Process,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    tail: Tail,
    drain: Option<JoinHandle<()>>,
    status: Option<ExitStatus>,
    /// When its end was first seen.
    ended_at: Option<Instant>,
    reached: Reached,
}

/// The process as it was started.
enum Process {
    Ffmpeg(FfmpegChild),
    /// A program that does not take the arguments which ffmpeg-sidecar adds.
    Plain(Child),
}

impl Process {
    fn inner(&mut self) -> &mut Child {
        match self {
            Self::Ffmpeg(child) => child.as_inner_mut(),
            Self::Plain(child) => child,
        }
    }
}

/// The last lines that a child wrote.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Set once nothing more can come.
    whole: StopToken,
}

impl Tail {
    /// A copy of them, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Adds a line; the oldest goes where there are too many.
    pub fn add(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The same once the child has closed its pipe, or after `limit`. Blocks.
    pub fn last_lines(&self, limit: Duration) -> Vec<String> {
        self.whole.sleep(limit);
        self.lines()
    }
}

/// What is done with each line of a child's stderr.
pub type OnLine = Box<dyn FnMut(&str) + Send>;

impl Sidecar {
    /// Starts `program` with `args` as `launch` has it; `prepare` may change the command before (inherited pipes).
    /// `on_line` is called on the draining thread.
    ///
    /// # Errors
    /// The system's, where the program cannot be started.
    pub fn start(
        name: &str,
        program: &Path,
        args: &Arguments,
        launch: Launch,
        prepare: impl FnOnce(&mut std::process::Command) -> io::Result<()>,
        on_line: OnLine,
    ) -> io::Result<Self> {
        let mut command = FfmpegCommand::new_with_path(program);
        command.args(args.real());
        prepare(command.as_inner_mut())?;
        let child = launch::on_launcher(move || {
            launch::prepare(command.as_inner_mut(), launch.priority);
            command.spawn()
        })?;
        tracing::debug!("{name}: {}", args.command_line("ffmpeg"));
        let hides = args.clone();
        let mut sidecar = Self::watch(name, Process::Ffmpeg(child), on_line, hides)?;
        sidecar.reached = launch::reached(sidecar.pid(), launch.priority);
        if sidecar.reached != Reached::Normal {
            tracing::info!("{name}: {}", sidecar.reached);
        }
        if let Some(stdin) = &sidecar.stdin {
            launch::size_pipe(stdin, launch);
        }
        Ok(sidecar)
    }

    /// Starts a program that is not ffmpeg in the same way; all three of its pipes are taken.
    ///
    /// # Errors
    /// The system's, where the program cannot be started.
    pub fn start_plain(
        name: &str,
        mut command: std::process::Command,
        on_line: OnLine,
    ) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = launch::spawn(command)?;
        Self::watch(name, Process::Plain(child), on_line, Arguments::default())
    }

    fn watch(
        name: &str,
        mut process: Process,
        mut on_line: OnLine,
        hides: Arguments,
    ) -> io::Result<Self> {
        let child = process.inner();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        tracing::debug!(pid = child.id(), "{name} runs");
        let tail = Tail::default();
        let kept = tail.clone();
        let drain = std::thread::Builder::new()
            .name(format!("pd-log-{name}"))
            .spawn(move || {
                if let Some(stderr) = stderr {
                    hides.drain(stderr, |line| {
                        on_line(line);
                        kept.add(line.to_owned());
                    });
                }
                kept.whole.stop();
            })?;
        Ok(Self {
            name: name.to_owned(),
            process,
            stdin,
            stdout,
            tail,
            drain: Some(drain),
            status: None,
            ended_at: None,
            reached: Reached::Normal,
        })
    }

    /// Its process id.
    pub fn pid(&mut self) -> u32 {
        self.process.inner().id()
    }

    /// With what priority it runs.
    pub fn reached(&self) -> Reached {
        self.reached
    }

    /// Its standard input, once.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Its standard output, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Its last words; may be kept beyond its end.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Its exit status, once it has ended and what it said last has been read (or [`LAST_WORDS`] have
    /// passed since): who asks why must not hear half of it.
    pub fn poll_exit(&mut self) -> Option<ExitStatus> {
        let status = self.reap()?;
        let heard = self.drain.as_ref().is_none_or(JoinHandle::is_finished);
        let waited = self.ended_at.is_some_and(|at| at.elapsed() >= LAST_WORDS);
        (heard || waited).then_some(status)
    }

    fn reap(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.process.inner().try_wait().ok().flatten();
            self.ended_at = self.status.map(|_| Instant::now());
        }
        self.status
    }

    /// Ends it: waits `grace` for it to end by itself (its inputs are closed), then TERM, then after
    /// `grace` again kill. Returns once it is reaped, after about twice `grace` at most.
    pub fn end(&mut self, grace: Duration) {
        drop((self.stdin.take(), self.stdout.take()));
        if !self.wait(grace) {
            self.terminate();
            if !self.wait(grace) {
                tracing::warn!("{} did not end when asked and is killed", self.name);
                let _ = self.process.inner().kill();
                self.wait(Duration::from_millis(500));
            }
        }
        // Ends with the pipe; a grandchild that holds it open must not hold us.
        if let Some(drain) = self.drain.take().filter(|_| self.status.is_some()) {
            ends_by(&drain, Instant::now() + Duration::from_millis(100));
        }
    }

    fn wait(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            if self.reap().is_some() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[cfg(unix)]
    fn terminate(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        // Not reaped yet, so the id is still this child's.
        let pid = i32::try_from(self.process.inner().id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn terminate(&mut self) {
        let _ = self.process.inner().kill();
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if self.reap().is_none() {
            self.end(Duration::from_millis(200));
        }
    }
}

/// Reads a child's lines to the end, each cut at [`LONGEST_LINE`] bytes, bytes that are not UTF-8 replaced.
pub fn drain_lines(stderr: impl Read, mut on_line: impl FnMut(&str)) {
    drain_cut_lines(stderr, |line, _| on_line(line));
}

/// The same; `on_line` is told whether the line was cut, and with it whatever stood at the cut. What
/// follows of such a line is passed over.
pub fn drain_cut_lines(stderr: impl Read, mut on_line: impl FnMut(&str, bool)) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    let mut within = false;
    loop {
        line.clear();
        match reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let cut = !line.ends_with(b"\n") && line.len() as u64 == LONGEST_LINE;
                let rest = std::mem::replace(&mut within, cut);
                if rest {
                    continue;
                }
                if cut
                    && let Err(error) = std::str::from_utf8(&line)
                    && error.error_len().is_none()
                {
                    // Half a letter.
                    line.truncate(error.valid_up_to());
                }
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                if !text.is_empty() {
                    on_line(text, cut);
                }
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn shell(script: &str, on_line: OnLine) -> Sidecar {
        // A fake ffmpeg: the shell reads its script from a file named as the program.
        let mut path = tempfile::Builder::new().suffix(".sh").tempfile().unwrap();
        io::Write::write_all(&mut path, format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        let (file, path) = path.keep().unwrap();
        drop(file);
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = Sidecar::start(
            "test",
            &path,
            &Arguments::default(),
            Launch::default(),
            |_| Ok(()),
            on_line,
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let _ = std::fs::remove_file(&path);
        child
    }

    #[test]
    fn b22_a_flood_on_stderr_is_drained_and_bounded() {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let mut child = shell(
            "i=0; while [ $i -lt 20000 ]; do echo \"line $i with some more text to fill it up\" >&2; i=$((i+1)); done",
            Box::new(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        );
        assert!(child.wait(Duration::from_secs(20)), "blocked on its stderr");
        child.end(Duration::from_millis(100));
        assert_eq!(seen.load(Ordering::Relaxed), 20_000);
        assert_eq!(child.tail().lines().len(), KEPT_LINES);
        assert!(child.tail().lines()[KEPT_LINES - 1].starts_with("line 19999"));
    }

    /// B17, B18: "nothing listens" instead of a refusal where the machine was busy.
    #[test]
    fn b18_the_end_is_told_only_with_the_last_words() {
        let mut child = shell(
            "for i in 1 2 3 4 5 6 7 8; do echo \"word $i\" >&2; done; exit 3",
            // As late as a busy machine.
            Box::new(|_| std::thread::sleep(Duration::from_millis(30))),
        );
        let mut lines = Vec::new();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if child.poll_exit().is_some() {
                lines = child.tail().lines();
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(lines.len(), 8, "{lines:?}");
        assert_eq!(child.tail().last_lines(Duration::ZERO), lines);
    }

    #[test]
    fn b22_a_grandchild_that_holds_the_pipe_open_hides_no_end() {
        let mut child = shell("sleep 20 & echo last >&2; exit 3", Box::new(|_| ()));
        let started = Instant::now();
        while child.poll_exit().is_none() {
            assert!(started.elapsed() < Duration::from_secs(5), "not told");
            std::thread::sleep(Duration::from_millis(5));
        }
        let asked = Instant::now();
        let lines = child.tail().last_lines(Duration::from_millis(200));
        assert_eq!(lines, ["last"]);
        assert!(
            asked.elapsed() >= Duration::from_millis(190),
            "nothing waited for"
        );
        child.end(Duration::from_millis(100));
    }

    #[test]
    fn b22_words_that_are_no_text_and_lines_of_megabytes_are_taken() {
        let count = Arc::new(AtomicUsize::new(0));
        let longest = Arc::new(AtomicUsize::new(0));
        let (counted, measured) = (count.clone(), longest.clone());
        // 10 MB without a line end, then bytes that are no UTF-8, then a last word.
        let mut child = shell(
            "head -c 10000000 /dev/zero | tr '\\0' x >&2; printf '\\n\\377\\376 bad\\nlast\\n' >&2",
            Box::new(move |line| {
                counted.fetch_add(1, Ordering::Relaxed);
                measured.fetch_max(line.len(), Ordering::Relaxed);
            }),
        );
        assert!(child.wait(Duration::from_secs(20)), "blocked on its stderr");
        child.end(Duration::from_millis(100));
        let lines = child.tail().last_lines(LAST_WORDS);
        // What was cut off is no line: it would hide what was said before, and halve a secret.
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], "last");
        assert!(lines[1].contains("\u{fffd} bad"), "{lines:?}");
        assert_eq!(longest.load(Ordering::Relaxed) as u64, LONGEST_LINE);
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    /// One that closes its output and lives on is ended all the same.
    #[test]
    fn b22_a_child_that_closes_its_pipes_and_lives_on_is_ended() {
        let mut child = shell(
            "echo word >&2; exec >&- 2>&- <&-; while :; do sleep 0.05; done",
            Box::new(|_| ()),
        );
        assert_eq!(child.tail().last_lines(Duration::from_secs(5)), ["word"]);
        assert!(child.poll_exit().is_none(), "it runs");
        let started = Instant::now();
        child.end(Duration::from_millis(200));
        assert!(child.poll_exit().is_some());
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_child_that_ignores_term_is_killed_in_time() {
        let mut child = shell(
            "trap '' TERM; while :; do sleep 0.05; done",
            Box::new(|_| ()),
        );
        let started = Instant::now();
        child.end(Duration::from_millis(200));
        assert!(child.poll_exit().is_some());
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }

    #[test]
    fn a_child_that_ends_with_its_input_gets_no_signal() {
        let mut child = shell("cat >/dev/null; exit 7", Box::new(|_| ()));
        child.end(Duration::from_secs(5));
        assert_eq!(child.poll_exit().and_then(|s| s.code()), Some(7));
    }

    #[test]
    fn a_line_without_end_costs_no_memory() {
        let mut longest = 0;
        drain_lines(io::repeat(b'x').take(1 << 20), |line| {
            longest = longest.max(line.len())
        });
        assert_eq!(longest as u64, LONGEST_LINE);
    }

    #[test]
    fn a_secret_across_the_cut_of_a_long_line_is_masked() {
        let secret = "Secret-0123456789";
        let arguments = Arguments::default().hiding([secret.to_owned()]);
        for before in LONGEST_LINE as usize - 20..LONGEST_LINE as usize + 20 {
            let words = format!("{}{secret} and on\nnext {secret}\n", "x".repeat(before));
            let mut lines = Vec::new();
            arguments.drain(words.as_bytes(), |line| lines.push(line.to_owned()));
            assert_eq!(lines.len(), 2, "the rest of a cut line is no line");
            assert_eq!(lines[1], "next ***");
            let told = lines[0].trim_start_matches('x');
            assert!(
                [
                    "",
                    "***",
                    "*** ",
                    "*** a",
                    "*** an",
                    "*** and",
                    "*** and on"
                ]
                .contains(&told.trim_end()),
                "{before}: {told:?}"
            );
        }
    }
}
