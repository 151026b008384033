//! Starts children so that none outlives the console, however the console dies (cases.md B23).
//!
//! Owns the thread `pd-launcher`, from which every child is started: Linux ties a child's
//! parent-death signal to the *thread* that made it (prctl(2), PR_SET_PDEATHSIG), so a worker that
//! ends after starting ffmpeg would take ffmpeg with it. The launcher lives as long as the process.
//! Windows: one job object with kill-on-close holds the console and so all its children.
//! macOS: no such means; a process of our own beside the console does it ([`super::guard`]).
//!
//! Also a child's priority and the size of the pipe into it. Neither is ever a reason not to start:
//! what the system does not allow is left as it is, and said ([`Reached`]).

use crate::settings::{PerformanceSettings, Priority};
use crossbeam_channel::{Sender, bounded};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command};
use std::sync::OnceLock;

type Job = Box<dyn FnOnce() + Send>;

fn launcher() -> io::Result<&'static Sender<Job>> {
    static LAUNCHER: OnceLock<Result<Sender<Job>, String>> = OnceLock::new();
    LAUNCHER
        .get_or_init(|| {
            contain_process();
            // Zero capacity: a caller hands its job over and waits for the result.
            let (jobs, inbox) = bounded::<Job>(0);
            std::thread::Builder::new()
                .name("pd-launcher".into())
                // With this thread every child would die (see above): a panic ends its job only.
                .spawn(move || {
                    for job in inbox {
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })
                .map(|_| jobs)
                .map_err(|e| e.to_string())
        })
        .as_ref()
        .map_err(|e| io::Error::other(e.clone()))
}

/// Runs `start` on the launcher thread and gives back what it returned.
///
/// # Errors
/// What `start` returned, or that the launcher thread could not be started.
pub fn on_launcher<T: Send + 'static>(
    start: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (reply, answer) = bounded(1);
    launcher()?
        .send(Box::new(move || {
            let _ = reply.send(start());
        }))
        .map_err(|_| io::Error::other("the launcher thread is gone"))?;
    answer
        .recv()
        .map_err(|_| io::Error::other("starting the child failed"))?
}

/// How a child is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// Against other programs.
    pub priority: Priority,
    /// Size of the pipe into its standard input, bytes; None leaves the system's (64 KiB on Linux).
    /// Where the system lets nobody choose it is not looked at.
    pub pipe_bytes: Option<usize>,
}

impl Launch {
    /// An encoder's: raw pictures go in.
    pub fn of(performance: &PerformanceSettings) -> Self {
        Self {
            priority: performance.priority,
            pipe_bytes: Some(performance.pipe_kib as usize * 1024),
        }
    }

    /// A publisher's: the same priority, the system's pipe. It is fed with some kB a picture, and what
    /// waits in a pipe is old.
    pub fn without_pipe(self) -> Self {
        Self {
            pipe_bytes: None,
            ..self
        }
    }

    /// With a pipe of no more than one picture: a small picture would lie many deep in a large pipe
    /// when the encoder is busy, and no newer one could push it out.
    pub fn at_most_a_picture(self, picture_bytes: usize) -> Self {
        // The kernel rounds up to a power of two of pages (pipe(7)), so this rounds down to one.
        let fits = 1_usize << picture_bytes.max(PAGE).ilog2();
        Self {
            pipe_bytes: self.pipe_bytes.map(|bytes| bytes.min(fits)),
            ..self
        }
    }
}

/// The smallest pipe, bytes.
const PAGE: usize = 4096;

/// What became of the wish for a higher priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// None was asked for.
    Normal,
    /// The child's nice value, below the console's own.
    Nice(i32),
    /// ABOVE_NORMAL_PRIORITY_CLASS.
    AboveNormal,
    /// The system does not let this user raise it: the child runs as every program does.
    NotAllowed,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal priority"),
            Self::Nice(nice) => write!(f, "high priority (nice {nice})"),
            Self::AboveNormal => f.write_str("high priority (above normal)"),
            Self::NotAllowed if cfg!(target_os = "linux") => f.write_str(
                "normal priority: this user may not raise it (a limit \"nice\" in \
                 /etc/security/limits.conf allows it)",
            ),
            Self::NotAllowed => f.write_str("normal priority: this user may not raise it"),
        }
    }
}

/// What no child is told. `FFREPORT` would have ffmpeg write its arguments, secrets among them, and all
/// that it says into a file in whatever folder it stands; the others are the console's own secrets.
const KEPT_FROM_CHILDREN: [&str; 6] = [
    "FFREPORT",
    crate::settings::secrets::PASSWORD_ENV,
    crate::settings::secrets::PASSPHRASE_ENV,
    crate::settings::secrets::BACKUP_PASSWORD_ENV,
    crate::settings::secrets::BACKUP_PASSPHRASE_ENV,
    crate::settings::secrets::REMOTE_PASSWORD_ENV,
];

/// Starts `command` so that it dies with the console.
///
/// # Errors
/// The system's, such as that the program does not exist.
pub fn spawn(mut command: Command) -> io::Result<Child> {
    on_launcher(move || {
        prepare(&mut command, Priority::Normal);
        command.spawn()
    })
}

/// The highest nice value's opposite: setpriority(2).
#[cfg(unix)]
const BEST_NICE: i32 = -20;

/// The best nice value that RLIMIT_NICE gives a user without privileges: 20 less the limit
/// (getrlimit(2)).
#[cfg(target_os = "linux")]
fn nice_by_limit(limit: Option<u64>) -> i32 {
    limit.map_or(BEST_NICE, |limit| 20 - limit.min(40) as i32)
}

/// Makes a command's child die with the console and start with `priority` as far as the system
/// allows, without what it need not know (`KEPT_FROM_CHILDREN`). For commands that are started on the
/// launcher; [`reached`] tells what came of it.
pub fn prepare(command: &mut Command, priority: Priority) {
    for name in KEPT_FROM_CHILDREN {
        command.env_remove(name);
    }
    bind(command, priority);
}

/// By the parent-death signal, and the priority from within.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn bind(command: &mut Command, priority: Priority) {
    if super::guard::is_used() {
        super::guard::tie(command);
        return;
    }
    use rustix::process::{Resource, getrlimit, setpriority_process};
    use std::os::unix::process::CommandExt;
    let parent = rustix::process::getpid();
    let by_limit = (priority == Priority::High)
        .then(|| nice_by_limit(getrlimit(Resource::Nice).current))
        // 20 is below normal: the limit says nothing then.
        .map(|nice| nice.min(0));
    // SAFETY: between fork and exec the closure makes a few system calls only; it neither allocates
    // nor takes a lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The console died before the line above: nobody would send the signal.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from(rustix::io::Errno::SRCH));
            }
            // Here and not from outside: Linux has a nice value for each thread, and what the child
            // starts later inherits this one (setpriority(2), "C library/kernel differences").
            if let Some(by_limit) = by_limit
                && setpriority_process(None, BEST_NICE).is_err()
                && by_limit < 0
            {
                let _ = setpriority_process(None, by_limit);
            }
            Ok(())
        });
    }
}

/// The job object ends the child; the priority is given at its start.
/// Here it also keeps the child from opening a window of its own, and from getting the Ctrl-C that is
/// meant for the console, which ends its children in order.
#[cfg(windows)]
fn bind(command: &mut Command, priority: Priority) {
    use std::os::windows::process::CommandExt;
    /// Process Creation Flags, Win32.
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    /// The same. Not HIGH: an encoder on the CPU would then come before the console that feeds it
    /// and before the desktop that is captured.
    const ABOVE_NORMAL_PRIORITY_CLASS: u32 = 0x0000_8000;
    let class = match priority {
        Priority::Normal => 0,
        Priority::High => ABOVE_NORMAL_PRIORITY_CLASS,
    };
    command.creation_flags(CREATE_NO_WINDOW | class);
}

/// By the guard; [`reached`] raises the priority.
#[cfg(not(any(target_os = "linux", windows)))]
fn bind(command: &mut Command, _priority: Priority) {
    super::guard::tie(command);
}

/// What priority a child has that was started after [`prepare`] with `priority`.
#[cfg(unix)]
pub fn reached(pid: u32, priority: Priority) -> Reached {
    use rustix::process::{Pid, getpriority_process};
    let child = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let (Priority::High, Some(child)) = (priority, child) else {
        return Reached::Normal;
    };
    // macOS: one value for the whole process, so it can be set from here.
    #[cfg(not(target_os = "linux"))]
    let _ = rustix::process::setpriority_process(Some(child), BEST_NICE);
    match (getpriority_process(Some(child)), getpriority_process(None)) {
        (Ok(nice), Ok(own)) if nice < own || nice == BEST_NICE => Reached::Nice(nice),
        _ => Reached::NotAllowed,
    }
}

/// What priority a child has that was started after [`prepare`] with `priority`: Windows lets every
/// user have this class.
#[cfg(windows)]
pub fn reached(_pid: u32, priority: Priority) -> Reached {
    match priority {
        Priority::Normal => Reached::Normal,
        Priority::High => Reached::AboveNormal,
    }
}

/// Makes the pipe into a child as large as wished, as far as the system allows.
#[cfg(target_os = "linux")]
pub fn size_pipe(stdin: &std::process::ChildStdin, launch: Launch) {
    if let Some(bytes) = launch.pipe_bytes
        && let Err(error) = rustix::pipe::fcntl_setpipe_size(stdin, bytes)
    {
        tracing::warn!("the pipe stays as the system made it, not {bytes} bytes: {error}");
    }
}

/// The system's pipes have no size that could be chosen after the start.
#[cfg(not(target_os = "linux"))]
pub fn size_pipe(_stdin: &std::process::ChildStdin, _launch: Launch) {}

#[cfg(windows)]
fn contain_process() {
    // The handle is leaked on purpose: closing it is what kills the job, and the system closes it
    // with the process.
    let contained = win32job::Job::create().and_then(|job| {
        let mut info = job.query_extended_limit_info()?;
        info.limit_kill_on_job_close();
        job.set_extended_limit_info(&info)?;
        job.assign_current_process()?;
        std::mem::forget(job);
        Ok(())
    });
    if let Err(error) = contained {
        tracing::warn!("children may outlive a crash: no job object ({error})");
    }
}

#[cfg(not(windows))]
fn contain_process() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_child_survives_the_thread_that_asked_for_it() {
        let mut command = Command::new("sleep");
        command.arg("30");
        let mut child = std::thread::spawn(|| spawn(command).unwrap())
            .join()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(
            child.try_wait().unwrap().is_none(),
            "killed with its asking thread"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Set for this one command, which stands for what the console was started with.
    #[test]
    fn no_child_is_told_a_secret_nor_to_write_a_report() {
        let mut command = Command::new("env");
        for name in KEPT_FROM_CHILDREN {
            command.env(name, "unsaid");
        }
        command.env("PD_TEST_OTHER", "said");
        command.stdout(std::process::Stdio::piped());
        let child = spawn(command).unwrap();
        let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(!told.contains("unsaid"), "{told}");
        assert!(told.contains("PD_TEST_OTHER=said"), "{told}");
    }

    #[test]
    fn the_limit_is_read_as_the_manual_says() {
        assert_eq!(nice_by_limit(Some(0)), 20);
        assert_eq!(nice_by_limit(Some(31)), -11);
        assert_eq!(nice_by_limit(Some(40)), -20);
        assert_eq!(nice_by_limit(Some(u64::MAX)), -20);
        assert_eq!(nice_by_limit(None), -20);
    }

    #[test]
    fn a_small_picture_gets_a_small_pipe() {
        let launch = Launch {
            pipe_bytes: Some(1 << 20),
            ..Launch::default()
        };
        let pipe = |picture| launch.at_most_a_picture(picture).pipe_bytes;
        assert_eq!(pipe(1920 * 1080 * 3 / 2), Some(1 << 20));
        assert_eq!(pipe(640 * 360 * 3 / 2), Some(1 << 18));
        assert_eq!(pipe(16 * 16 * 3 / 2), Some(PAGE));
        assert_eq!(launch.without_pipe().at_most_a_picture(1).pipe_bytes, None);
    }

    /// A child that sleeps, started with this priority; its nice value and what is said of it.
    fn sleeper(priority: Priority) -> (i32, Reached) {
        let mut command = Command::new("sleep");
        command.arg("30");
        let mut child = on_launcher(move || {
            prepare(&mut command, priority);
            command.spawn()
        })
        .unwrap();
        let what = reached(child.id(), priority);
        let pid = rustix::process::Pid::from_raw(child.id() as i32);
        let nice = rustix::process::getpriority_process(pid).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        (nice, what)
    }

    #[test]
    fn what_is_said_of_the_priority_is_true() {
        let own = rustix::process::getpriority_process(None).unwrap();
        assert_eq!(sleeper(Priority::Normal), (own, Reached::Normal));
        match sleeper(Priority::High) {
            (nice, Reached::Nice(said)) => assert!(nice == said && nice < own, "{nice} {said}"),
            (nice, Reached::NotAllowed) => assert_eq!(nice, own),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panic_in_a_start_takes_no_child_and_no_later_start_with_it() {
        let mut command = Command::new("sleep");
        command.arg("30");
        let mut child = spawn(command).unwrap();
        let failed = on_launcher(|| -> io::Result<()> { panic!("on purpose, in a test") });
        assert!(failed.is_err());
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(
            child.try_wait().unwrap().is_none(),
            "gone with the launcher"
        );
        assert!(
            spawn(Command::new("true"))
                .unwrap()
                .wait()
                .unwrap()
                .success()
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = spawn(Command::new("/nonexistent/ffmpeg")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
