//! The publisher's second input: an inherited pipe where the system can pass one on, a loopback
//! listener elsewhere. Opened before the child starts.

use crate::ffmpeg::plan::AudioInput;
use std::io::{self, Write};
use std::process::Command;

/// Number of the pipe in the child.
#[cfg(unix)]
const CHILD_FD: i32 = 3;

/// Both ends.
pub struct AudioPipe {
    /// For the child's arguments.
    pub input: AudioInput,
    /// For the child's command.
    pub prepare: ChildEnd,
    /// For us.
    pub end: OurEnd,
}

/// What the child takes with it.
pub struct ChildEnd(#[cfg(unix)] std::os::fd::OwnedFd);

/// Where the sound is written.
pub struct OurEnd(
    #[cfg(unix)] std::os::fd::OwnedFd,
    #[cfg(not(unix))] std::net::TcpListener,
);

/// Opens both ends.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn open() -> io::Result<AudioPipe> {
    // Close-on-exec: no other child may hold an end open, or it never ends.
    #[cfg(target_os = "linux")]
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    #[cfg(not(target_os = "linux"))]
    let (read, write) = {
        let (read, write) = rustix::pipe::pipe()?;
        for end in [&read, &write] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        (read, write)
    };
    Ok(AudioPipe {
        input: AudioInput::Pipe(CHILD_FD as u32),
        prepare: ChildEnd(read),
        end: OurEnd(write),
    })
}

/// Opens the listener.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub fn open() -> io::Result<AudioPipe> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    Ok(AudioPipe {
        input: AudioInput::LoopbackTcp(port),
        prepare: ChildEnd(),
        end: OurEnd(listener),
    })
}

impl ChildEnd {
    /// Puts the child's end into its command.
    ///
    /// # Errors
    /// Never with one pipe a command.
    #[cfg(unix)]
    pub fn hand_over(self, command: &mut Command) -> io::Result<()> {
        use command_fds::{CommandFdExt, FdMapping};
        command
            .fd_mappings(vec![FdMapping {
                parent_fd: self.0,
                child_fd: CHILD_FD,
            }])
            .map_err(io::Error::other)?;
        Ok(())
    }

    /// Nothing to hand over: the child connects.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn hand_over(self, _command: &mut Command) -> io::Result<()> {
        Ok(())
    }
}

impl OurEnd {
    /// The writer; waits for the child to connect where it must.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn open(self) -> io::Result<impl Write> {
        Ok(std::fs::File::from(self.0))
    }

    /// The writer; waits up to 10 s for the child to connect.
    ///
    /// # Errors
    /// The system's, or that nobody came.
    #[cfg(not(unix))]
    pub fn open(self) -> io::Result<impl Write> {
        self.0.set_nonblocking(true)?;
        for _ in 0..1000 {
            match self.0.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}
