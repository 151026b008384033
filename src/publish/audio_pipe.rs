//! The publisher's second input: an inherited pipe where the system can pass one on, a loopback
//! listener elsewhere, which hears the child only ([`crate::peer`]). Opened before the child starts.

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
    /// The writer for `child`; waits for it to connect where it must.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn open(self, _child: u32) -> io::Result<impl Write + use<>> {
        Ok(std::fs::File::from(self.0))
    }

    /// The writer for `child`; waits up to 10 s for it to connect, and listens to nobody else.
    ///
    /// # Errors
    /// The system's, or that nobody came.
    #[cfg(not(unix))]
    pub fn open(self, child: u32) -> io::Result<impl Write + use<>> {
        let never = crate::stop::StopToken::new();
        let within = std::time::Duration::from_secs(10);
        let stream = crate::peer::accept_from(child, &self.0, within, &never)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
