//! Starts children so that none outlives the console, however the console dies (cases.md B23).
//!
//! Owns the thread `pd-launcher`, from which every child is started: Linux ties a child's
//! parent-death signal to the *thread* that made it (prctl(2), PR_SET_PDEATHSIG), so a worker that
//! ends after starting ffmpeg would take ffmpeg with it. The launcher lives as long as the process.
//! Windows: one job object with kill-on-close holds the console and so all its children.
//! macOS: no such means; children there end when their standard input does.

use crossbeam_channel::{Sender, bounded};
use std::io;
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
                .spawn(move || inbox.iter().for_each(|job| job()))
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

/// Starts `command` so that it dies with the console.
///
/// # Errors
/// The system's, such as that the program does not exist.
pub fn spawn(mut command: Command) -> io::Result<Child> {
    on_launcher(move || {
        die_with_parent(&mut command);
        command.spawn()
    })
}

/// Makes a command's child die with the console. For commands that are started on the launcher.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn die_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec the closure makes two system calls only; it neither allocates
    // nor takes a lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The console died before the line above: nobody would send the signal.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from(rustix::io::Errno::SRCH));
            }
            Ok(())
        });
    }
}

/// Makes a command's child die with the console: the job object does. Here it also keeps the child
/// from opening a window of its own, and from getting the Ctrl-C that is meant for the console,
/// which ends its children in order.
#[cfg(windows)]
pub fn die_with_parent(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    /// Process Creation Flags, Win32.
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// Makes a command's child die with the console. Here other means do it, see the module.
#[cfg(not(any(target_os = "linux", windows)))]
pub fn die_with_parent(_command: &mut Command) {}

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

    #[test]
    fn a_missing_program_is_an_error() {
        let error = spawn(Command::new("/nonexistent/ffmpeg")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
