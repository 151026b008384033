//! No delay on the publisher's RTSP connection: `TCP_NODELAY` on a socket that ffmpeg opened.
//!
//! ffmpeg's RTSP has no option for it (5.1 to 9.0), so Nagle's algorithm (RFC 896) holds what follows a
//! picture's first packets back until the server has acknowledged them, and the server's system
//! acknowledges after up to 40 ms (RFC 1122 4.2.3.2). At 3 Mb/s more than one picture in twenty could come some 45 ms
//! late: p95 18 and 53 ms in two runs, 18 and 18 without the delay, by turns. Linux lets a parent reach into its child: pidfd_getfd(2), 5.6 and later,
//! lends the very socket. Where that is not allowed (a container's filter, Yama), all stays as it is.
//!
//! A thread `pd-nodelay` for each publisher, which ends when it has found the socket, with the child, or
//! after 10 s. Elsewhere than on Linux nothing is done: WHIP has no such delay.

/// Looks for the TCP connection of the child `pid` and takes its delay away.
#[cfg(target_os = "linux")]
pub fn follow(pid: u32) {
    // Taken now: later the number could be another's.
    let pidfd = match linux::handle(pid) {
        Ok(pidfd) => pidfd,
        Err(error) => return tracing::debug!("no TCP_NODELAY for RTSP: {error}"),
    };
    let spawned = std::thread::Builder::new()
        .name("pd-nodelay".into())
        .spawn(move || match linux::wait(&pidfd, pid) {
            Ok(found) => tracing::debug!(found, "TCP_NODELAY on the publisher's RTSP connection"),
            Err(error) => tracing::debug!("no TCP_NODELAY for RTSP: {error}"),
        });
    if let Err(error) = spawned {
        tracing::debug!("no TCP_NODELAY for RTSP: {error}");
    }
}

/// Nothing can be done here.
#[cfg(not(target_os = "linux"))]
pub fn follow(_pid: u32) {}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::io;
    use rustix::net::{getpeername, sockopt};
    use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    /// ffmpeg calls within a second of its start.
    const LIMIT: Duration = Duration::from_secs(10);
    /// The handshake of RTSP takes longer than this.
    const LOOK: Duration = Duration::from_millis(10);

    pub fn handle(pid: u32) -> io::Result<OwnedFd> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        pidfd_open(pid.ok_or(io::Errno::SRCH)?, PidfdFlags::empty())
    }

    /// Whether the connection was found in time.
    pub fn wait(pidfd: &OwnedFd, pid: u32) -> io::Result<bool> {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            if let Some(socket) = connections(pidfd, pid)?.first() {
                sockopt::set_tcp_nodelay(socket, true)?;
                return Ok(true);
            }
            std::thread::sleep(LOOK);
        }
        Ok(false)
    }

    /// The child's TCP sockets that are connected.
    pub fn connections(pidfd: &OwnedFd, pid: u32) -> io::Result<Vec<OwnedFd>> {
        let mut found = Vec::new();
        let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
            return Err(io::Errno::SRCH);
        };
        for entry in entries.flatten() {
            let is_socket = std::fs::read_link(entry.path())
                .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
            let Some(number) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            if !is_socket {
                continue;
            }
            match pidfd_getfd(pidfd, number, PidfdGetfdFlags::empty()) {
                // Only TCP has this option, only a connected socket a peer.
                Ok(socket)
                    if sockopt::tcp_nodelay(&socket).is_ok() && getpeername(&socket).is_ok() =>
                {
                    found.push(socket);
                }
                // Closed meanwhile, or another kind of socket.
                Ok(_) | Err(io::Errno::BADF) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::net::sockopt;
    use std::net::TcpListener;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn a_childs_connection_gets_no_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // It connects a little later, as ffmpeg does.
        let script = format!("sleep 0.1; exec 7<>/dev/tcp/127.0.0.1/{port}; read line");
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        follow(child.id());
        let _connection = listener.accept().unwrap();
        let pidfd = linux::handle(child.id()).unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let Ok(sockets) = linux::connections(&pidfd, child.id()) else {
                println!("SKIPPED: this system does not lend a child's socket");
                break;
            };
            let undelayed = |socket| sockopt::tcp_nodelay(socket).unwrap();
            if sockets.len() == 1 && undelayed(&sockets[0]) {
                break;
            }
            assert!(Instant::now() < until, "{} sockets", sockets.len());
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    #[test]
    fn a_child_that_is_gone_is_not_waited_for() {
        let mut child = Command::new("true").spawn().unwrap();
        let pidfd = linux::handle(child.id()).unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(linux::wait(&pidfd, pid).is_err());
    }
}
