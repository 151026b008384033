//! Where the system itself does not end children with their parent (macOS): a small process of our own beside the
//! console, `pd-console guard-child`, that does. Linux has a death signal and Windows a job object (`launch`); there it
//! runs only where a test forces it by `PD_CONSOLE_GUARD`.
//!
//! The console holds one end of a pipe, the guard reads the other. Each child tells its process id through it after
//! fork and before exec, so there is no child that the guard does not know; each leads a process group of its own, so
//! what it starts itself goes with it. The pipe's end is the console's end, however it came: the guard then kills the
//! groups that are left. It looks once a second which are gone by themselves, so that it never kills a number that was
//! given out anew.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The command line's word for it.
pub const TASK: &str = "guard-child";
/// Has Linux use it in the place of its own means.
const FORCED: &str = "PD_CONSOLE_GUARD";
/// From one look at the groups to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A group that does not go when killed (it waits for a disk) is given up.
const KILLS_FOR: Duration = Duration::from_secs(2);

struct Guard {
    child: Child,
    write: Arc<OwnedFd>,
    /// Held, so that a write finds a reader also where the guard is dead: a child would die of it.
    _read: OwnedFd,
}

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// Whether children are tied to a guard here.
pub fn is_used() -> bool {
    cfg!(not(target_os = "linux")) || std::env::var_os(FORCED).is_some()
}

/// Has `command`'s child end with the console by means of the guard, which is started where it does not run.
#[allow(unsafe_code)]
pub fn tie(command: &mut Command) {
    command.process_group(0);
    let write = match pipe_to_guard() {
        Ok(write) => write,
        Err(error) => {
            tracing::warn!("children may outlive a crash: no guard beside the console ({error})");
            return;
        }
    };
    // SAFETY: between fork and exec the closure makes one system call; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || {
            let mut buffer = [0; 12];
            let line = line_of(rustix::process::getpid(), &mut buffer);
            // A full pipe is a guard that is dead: no reason not to start.
            let _ = rustix::io::write(&*write, line);
            Ok(())
        });
    }
}

fn pipe_to_guard() -> io::Result<Arc<OwnedFd>> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = guard.as_mut()
        && running.child.try_wait()?.is_none()
    {
        return Ok(running.write.clone());
    }
    let started = start()?;
    let write = started.write.clone();
    *guard = Some(started);
    Ok(write)
}

#[allow(unsafe_code)]
fn start() -> io::Result<Guard> {
    let program = std::env::current_exe()?;
    // A test's own program has no such task.
    let name = program.file_stem().unwrap_or_default().to_string_lossy();
    if !name.starts_with("pd-console") {
        return Err(io::Error::other("this is no pd-console"));
    }
    // Both ends close with exec (std's do).
    let (read, write) = io::pipe()?;
    let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
    fcntl_setfl(&write, OFlags::NONBLOCK)?;
    let mut command = Command::new(program);
    command.arg(TASK).stdin(read.try_clone()?);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: one system call between fork and exec. A session of its own: a Ctrl-C or a terminal that closes is meant
    // for the console, and the guard must outlast it.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    Ok(Guard {
        child: command.spawn()?,
        write: Arc::new(write),
        _read: read,
    })
}

/// A process id as a line, without allocating.
fn line_of(pid: Pid, buffer: &mut [u8; 12]) -> &[u8] {
    let mut rest = pid.as_raw_nonzero().get().unsigned_abs();
    let mut at = buffer.len() - 1;
    buffer[at] = b'\n';
    while rest > 0 {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    &buffer[at..]
}

/// The guard's own life: until the console's end, then the groups' that are left.
pub fn run() {
    let stdin = std::io::stdin();
    let mut groups: Vec<Pid> = Vec::new();
    let mut half = Vec::new();
    loop {
        groups.retain(|group| is_there(*group));
        let mut events = [PollFd::new(&stdin, PollFlags::IN)];
        let wait = Timespec {
            tv_sec: LOOK_EVERY.as_secs() as i64,
            tv_nsec: 0,
        };
        match poll(&mut events, Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => break,
        }
        let mut buffer = [0; 4096];
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                half.extend_from_slice(&buffer[..count]);
                groups.extend(whole_lines(&mut half));
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => break,
        }
    }
    let until = Instant::now() + KILLS_FOR;
    while !groups.is_empty() && Instant::now() < until {
        for group in &groups {
            let _ = kill_process_group(*group, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(20));
        groups.retain(|group| is_there(*group));
    }
}

fn is_there(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}

/// The process ids of the lines that are whole; the rest stays. Pure.
fn whole_lines(half: &mut Vec<u8>) -> Vec<Pid> {
    let end = half
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let whole: Vec<u8> = half.drain(..end).collect();
    let text = String::from_utf8_lossy(&whole);
    let numbers = text.lines().filter_map(|line| line.parse().ok());
    // Never 0 or 1: those are everybody.
    numbers
        .filter(|number: &i32| *number > 1)
        .filter_map(Pid::from_raw)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_is_written_as_it_is_read() {
        for number in [2, 9, 10, 4711, 99_999, i32::MAX] {
            let pid = Pid::from_raw(number).unwrap();
            let mut buffer = [0; 12];
            let line = line_of(pid, &mut buffer).to_vec();
            assert_eq!(line, format!("{number}\n").into_bytes());
            let mut half = line;
            half.extend_from_slice(b"47");
            assert_eq!(whole_lines(&mut half), [pid]);
            assert_eq!(half, b"47");
        }
    }

    #[test]
    fn nobody_elses_groups_are_ever_meant() {
        let mut half = b"0\n1\n-5\nx\n\n99999999999\n7\n".to_vec();
        assert_eq!(whole_lines(&mut half), [Pid::from_raw(7).unwrap()]);
        assert!(half.is_empty());
    }
}
