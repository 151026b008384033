//! A child's secret arguments, covered with asterisks once it has read them: every user of a Linux machine
//! may read /proc/PID/cmdline of every process. ffmpeg takes passphrase, stream id and login as arguments only.
//!
//! ffmpeg copies the values of its options before it opens anything, and an address once it has opened it, so
//! there is a moment for each after which its argument is never looked at again. Until then, some 10 to
//! 80 ms from the start for options, the time of the call for an address, it can be read (SECURITY.md). Runs on
//! the thread that feeds the child. Where the system does not allow it (Yama's `ptrace_scope` of 2 or 3),
//! and on other systems, nothing is done; Windows shows arguments to their own user only.

use super::plan::Arguments;
use std::io;
#[cfg(target_os = "linux")]
use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// What of one child is to be covered.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pid: u32,
    /// Arguments with a secret: each the value of the option before it, or an address.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    secrets: Vec<Secret>,
}

/// A secret argument.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its option; None for an address.
    pub option: Option<String>,
    /// The argument.
    pub value: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({:?})", self.option)
    }
}

/// Which of the secret arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Values of options.
    Options,
    /// All; an address among them.
    All,
}

impl Cover {
    /// For the child `pid` that was started with `args`.
    pub fn of(pid: u32, args: &Arguments) -> Self {
        Self {
            pid,
            secrets: args.secrets().to_vec(),
        }
    }

    /// Covers values of options as soon as the child has taken what was written into `stdin`: by then it
    /// has read its arguments. Waits for that for a second at most, in which the child would do nothing with more.
    #[cfg(target_os = "linux")]
    pub fn once_read(&self, stdin: impl AsFd) {
        if !self.secrets.iter().any(|secret| secret.option.is_some()) {
            return;
        }
        let until = Instant::now() + Duration::from_secs(1);
        while rustix::io::ioctl_fionread(&stdin).is_ok_and(|waiting| waiting > 0) {
            if Instant::now() >= until {
                return tracing::debug!("a child's arguments stay as they are: it reads nothing");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.now(Which::Options);
    }

    /// Nothing is covered here.
    #[cfg(not(target_os = "linux"))]
    pub fn once_read<T>(&self, _stdin: T) {}

    /// Covers them now: only once the child does not look at them any more.
    pub fn now(&self, which: Which) {
        if self.secrets.is_empty() {
            return;
        }
        match self.cover(which) {
            Ok(count) => tracing::debug!("{count} secret arguments of child {} covered", self.pid),
            Err(error) => tracing::info!(
                "the system lets nobody change a child's arguments ({error}): other users of this machine can read its secrets in the list of processes"
            ),
        }
    }

    #[cfg(target_os = "linux")]
    fn cover(&self, which: Which) -> io::Result<usize> {
        use std::os::unix::fs::FileExt;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (from, to) = linux::place(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let path = format!("/proc/{}/mem", self.pid);
        let memory = std::fs::File::options().read(true).write(true).open(path)?;
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        // ARG_MAX on Linux is 2 MiB by default (execve(2)); ours are some hundred bytes.
        let mut bytes = vec![0; length.min(2 << 20)];
        memory.read_exact_at(&mut bytes, from)?;
        let mut count = 0;
        for (at, length) in linux::places(&bytes, &self.secrets, which) {
            memory.write_all_at(&vec![b'*'; length], from + at as u64)?;
            count += 1;
        }
        Ok(count)
    }

    #[cfg(not(target_os = "linux"))]
    fn cover(&self, _which: Which) -> io::Result<usize> {
        Ok(0)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Secret, Which};

    /// First and one past the last byte of the arguments: fields 48 and 49 of /proc/PID/stat (proc(5)).
    pub fn place(stat: &str) -> Option<(u64, u64)> {
        // The name in brackets may have anything in it.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace().skip(45);
        let from = fields.next()?.parse().ok()?;
        Some((from, fields.next()?.parse().ok()?))
    }

    /// Where the secret ones stand among `arguments` (each with a zero behind it), and their lengths.
    pub fn places(arguments: &[u8], secrets: &[Secret], which: Which) -> Vec<(usize, usize)> {
        let (mut found, mut at, mut before) = (Vec::new(), 0, &[][..]);
        for argument in arguments.split(|&byte| byte == 0) {
            let is_secret = secrets.iter().any(|secret| {
                secret.value.as_bytes() == argument
                    && match &secret.option {
                        Some(option) => option.as_bytes() == before,
                        None => which == Which::All,
                    }
            });
            if is_secret && !argument.is_empty() {
                found.push((at, argument.len()));
            }
            at += argument.len() + 1;
            before = argument;
        }
        found
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn secret(option: Option<&str>, value: &str) -> Secret {
        Secret {
            option: option.map(str::to_owned),
            value: value.to_owned(),
        }
    }

    #[test]
    fn only_the_secret_ones_are_found() {
        let arguments =
            b"ffmpeg\0-f\0copy\0-passphrase\0copy\0-srt_streamid\0publish:a:u:p\0rtsp://u:p@h/\0";
        let secrets = [
            secret(Some("-passphrase"), "copy"),
            secret(None, "rtsp://u:p@h/"),
        ];
        let places = |which| linux::places(arguments, &secrets, which);
        assert_eq!(places(Which::Options), [(27, 4)]);
        assert_eq!(places(Which::All), [(27, 4), (60, 13)]);
        let stat = "4711 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 1000 2000 47";
        assert_eq!(linux::place(stat), Some((1000, 2000)));
    }

    #[test]
    fn a_childs_secret_is_gone_from_the_list_of_processes_once_it_reads() {
        let script = "read line; read line";
        let args = [
            "-c",
            script,
            "sh",
            "-passphrase",
            "secret of ten",
            "-x",
            "srt://u:p@h",
        ];
        let mut child = Command::new("bash")
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let cover = Cover {
            pid: child.id(),
            secrets: vec![
                secret(Some("-passphrase"), "secret of ten"),
                secret(None, "srt://u:p@h"),
            ],
        };
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(b"word\n").unwrap();
        cover.once_read(&*stdin);
        let listed = || std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
        let once = listed();
        if once.contains("secret of ten") {
            println!("SKIPPED: this system lets nobody change a child's arguments");
        } else {
            assert!(
                once.contains("-passphrase\0*************\0-x\0srt://u:p@h\0"),
                "{once}"
            );
            cover.now(Which::All);
            assert!(!listed().contains("u:p"), "{}", listed());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
