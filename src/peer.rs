//! Who is at the other end of a loopback connection: a port that is opened for a child is open to every
//! program of this machine, so the one that connects is looked at before it is listened to.
//!
//! Runs on the thread that waits for the child; asks the system only. Under pressure strangers are
//! closed unanswered, so that they cannot keep the child out. Where the system can pass a pipe on no port
//! is opened at all: see [`crate::publish::audio_pipe`].

use crate::stop::StopToken;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// From one look at the listener to the next.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `child`, or a program that it started, connects; everyone else is closed.
///
/// # Errors
/// The system's; [`io::ErrorKind::TimedOut`] where it did not come `within`, or `stop` was set.
pub fn accept_from(
    child: u32,
    listener: &TcpListener,
    within: Duration,
    stop: &StopToken,
) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let until = Instant::now() + within;
    loop {
        match listener.accept() {
            Ok((stream, from)) => {
                if owner_is(child, &stream)? {
                    stream.set_nonblocking(false)?;
                    return Ok(stream);
                }
                tracing::warn!(
                    "a stranger's connection from {from} to a port for our child: closed"
                );
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= until || stop.sleep(LOOK) {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Whether the far end of `stream` belongs to `child` or what it started.
///
/// # Errors
/// The system's, where the connection is gone.
#[cfg(target_os = "linux")]
fn owner_is(child: u32, stream: &TcpStream) -> io::Result<bool> {
    let (far, near) = (stream.peer_addr()?, stream.local_addr()?);
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let Some(inode) = linux::inode(&table, far, near) else {
        return Ok(false);
    };
    Ok(linux::holds(child, inode, 4))
}

/// The same on Windows, by the owner that it keeps with each connection; as yet only told in the log where
/// it is not the child: under wine 8 the child itself is not found by it, and no real Windows was at hand. A
/// show without sound would be the worse fault.
///
/// # Errors
/// Never.
#[cfg(windows)]
fn owner_is(child: u32, stream: &TcpStream) -> io::Result<bool> {
    let is_childs = looked_up(child, stream);
    if !matches!(is_childs, Ok(true)) {
        tracing::warn!(
            "a port for our child {child}: it does not look like its own connection ({is_childs:?})"
        );
    }
    Ok(true)
}

#[cfg(windows)]
fn looked_up(child: u32, stream: &TcpStream) -> io::Result<bool> {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
    let Some(owner) = win::owner(stream.peer_addr()?, stream.local_addr()?)? else {
        return Ok(false);
    };
    // A shim (Chocolatey's) is our child, and ffmpeg is the shim's.
    let mut system = System::new().map_err(|e| io::Error::other(e.to_string()))?;
    let mut pid = Pid::from_u32(owner);
    for _ in 0..4 {
        if pid.as_u32() == child {
            return Ok(true);
        }
        let what = ProcessesToUpdate::Some(&[pid]);
        system.refresh_processes_specifics(what, false, ProcessRefreshKind::nothing());
        match system.process(pid).and_then(sysinfo::Process::parent) {
            Some(parent) => pid = parent,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// Not known here (macOS): nothing but the doctor's sample opens such a port, and only for seconds.
///
/// # Errors
/// Never.
#[cfg(not(any(target_os = "linux", windows)))]
fn owner_is(_child: u32, _stream: &TcpStream) -> io::Result<bool> {
    Ok(true)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    /// The socket's inode of the connection from `far` to `near`, in the form of /proc/net/tcp (proc(5)).
    pub fn inode(table: &str, far: SocketAddr, near: SocketAddr) -> Option<u64> {
        let (far, near) = (written(far)?, written(near)?);
        table.lines().skip(1).find_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            if fields.next()? != far || fields.next()? != near {
                return None;
            }
            // st, queues, timer, retransmits, uid, timeout, inode.
            fields.nth(6)?.parse().ok()
        })
    }

    /// The address's bytes as the kernel prints them, as one number of this machine, then the port.
    fn written(address: SocketAddr) -> Option<String> {
        match address.ip() {
            IpAddr::V4(v4) => {
                let number = u32::from_ne_bytes(v4.octets());
                Some(format!("{number:08X}:{:04X}", address.port()))
            }
            IpAddr::V6(_) => None,
        }
    }

    /// Whether `pid` has the socket open, or a child of its own `depth` levels down.
    pub fn holds(pid: u32, inode: u64, depth: u32) -> bool {
        let wanted = format!("socket:[{inode}]");
        let is_it = |entry: std::fs::DirEntry| {
            std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
        };
        let entries = |path: String| std::fs::read_dir(path).into_iter().flatten().flatten();
        if entries(format!("/proc/{pid}/fd")).any(is_it) {
            return true;
        }
        depth > 0
            && entries(format!("/proc/{pid}/task")).any(|task| {
                let children = std::fs::read_to_string(task.path().join("children"));
                children
                    .unwrap_or_default()
                    .split_ascii_whitespace()
                    .any(|child| {
                        child
                            .parse()
                            .is_ok_and(|child| holds(child, inode, depth - 1))
                    })
            })
    }
}

#[cfg(windows)]
#[allow(unsafe_code)]
mod win {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use windows::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
    use windows::Win32::NetworkManagement::IpHelper::{
        GetExtendedTcpTable, TCP_TABLE_OWNER_PID_CONNECTIONS,
    };
    use windows::Win32::Networking::WinSock::AF_INET;

    /// The process that has the end `far` of the connection to `near`.
    pub fn owner(far: SocketAddr, near: SocketAddr) -> io::Result<Option<u32>> {
        // A count, then six numbers a row: state, two addresses with their ports, process
        // (MIB_TCPTABLE_OWNER_PID).
        let mut table = vec![0_u32; 1024];
        for _ in 0..8 {
            let mut bytes = u32::try_from(table.len() * 4).unwrap_or(u32::MAX);
            // SAFETY: the table has `bytes` bytes and outlives the call, which writes no more.
            let said = unsafe {
                GetExtendedTcpTable(
                    Some(table.as_mut_ptr().cast()),
                    &mut bytes,
                    false,
                    u32::from(AF_INET.0),
                    TCP_TABLE_OWNER_PID_CONNECTIONS,
                    0,
                )
            };
            if said == NO_ERROR.0 {
                return Ok(super::row(&table, far, near));
            }
            if said != ERROR_INSUFFICIENT_BUFFER.0 {
                return Err(io::Error::from_raw_os_error(said.cast_signed()));
            }
            // It grows while it is read.
            table.resize(bytes as usize / 4 + 1024, 0);
        }
        Err(io::Error::other("the table of connections grows too fast"))
    }

    pub fn address(ip: u32, port: u32) -> SocketAddr {
        let ip = Ipv4Addr::from(ip.to_ne_bytes());
        SocketAddr::new(IpAddr::V4(ip), u16::from_be(port as u16))
    }
}

/// The process of the row that leads from `far` to `near`.
#[cfg(windows)]
fn row(table: &[u32], far: std::net::SocketAddr, near: std::net::SocketAddr) -> Option<u32> {
    let (count, rows) = table.split_first()?;
    rows.chunks_exact(6)
        .take(*count as usize)
        .find(|r| win::address(r[1], r[2]) == far && win::address(r[3], r[4]) == near)
        .map(|r| r[5])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::Ipv4Addr;
    use std::process::{Command, Stdio};

    /// A child that connects after a while and says a word.
    fn caller(port: u16) -> std::process::Child {
        let script =
            format!("sleep 0.3; exec 7<>/dev/tcp/127.0.0.1/{port}; echo child >&7; read line");
        Command::new("bash")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The stranger is another process of the very same user, and it came first, many times.
    #[test]
    fn a_stranger_that_connects_first_is_closed_and_the_child_is_heard() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut strangers: Vec<_> = (0..20)
            .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
            .collect();
        for stranger in &mut strangers {
            stranger.write_all(b"stranger\n").unwrap();
        }
        let mut child = caller(port);
        let stop = StopToken::new();
        let accepted = accept_from(child.id(), &listener, Duration::from_secs(10), &stop);
        let mut stream = accepted.unwrap();
        let mut word = [0; 6];
        stream.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"child\n");
        for mut stranger in strangers {
            let limit = Some(Duration::from_secs(5));
            stranger.set_read_timeout(limit).unwrap();
            // Closed with the word unread: an end or a reset.
            assert!(matches!(stranger.read(&mut [0; 1]), Ok(0) | Err(_)));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    #[test]
    fn a_program_that_the_child_started_is_the_childs() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = format!("exec 7<>/dev/tcp/127.0.0.1/{port}; read line");
        let mut child = Command::new("bash")
            .args(["-c", &format!("bash -c '{inner}'; true")])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let stop = StopToken::new();
        let accepted = accept_from(child.id(), &listener, Duration::from_secs(10), &stop);
        assert!(accepted.is_ok(), "{accepted:?}");
        drop(child.stdin.take());
        let _ = child.wait();
    }

    #[test]
    fn nobody_is_waited_for_no_longer_than_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _stranger = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (own, stop) = (std::process::id(), StopToken::new());
        let within = Duration::from_millis(60);
        // The stranger is this process itself: the parent of whoever is waited for, not its child.
        let error = accept_from(own + 1_000_000, &listener, within, &stop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:C351 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 20 4 30 10 -1\n";
        let (far, near) = ("127.0.0.1:50001", "127.0.0.1:8080");
        let inode = |far: &str, near: &str| {
            linux::inode(table, far.parse().unwrap(), near.parse().unwrap())
        };
        if cfg!(target_endian = "little") {
            assert_eq!(inode(far, near), Some(4711));
        }
        assert_eq!(inode(near, far), None);
        assert_eq!(inode("[::1]:50001", near), None);
    }
}
