//! A connection to an X server that can never hold its thread for long.
//!
//! x11rb waits for a reply without limit; while another client holds the server (XGrabServer) or
//! the server hangs, that would be for ever. This stream gives up when the show stops.

use crate::capture::CaptureError;
use crate::stop::StopToken;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::reexports::x11rb_protocol::{parse_display::parse_display, xauth::get_auth};
use x11rb::rust_connection::{DefaultStream, PollMode, RustConnection, Stream};
use x11rb::utils::RawFdContainer;

/// How soon a stop is noticed.
pub(super) const STOP_CHECK: Duration = Duration::from_millis(40);
/// A server silent for so long counts as lost. Long enough for a window manager that holds the
/// server while a window is dragged for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) type Connection = RustConnection<PatientStream>;

/// A stream that gives up waiting on stop or after [`PATIENCE`].
#[derive(Debug)]
pub(super) struct PatientStream {
    inner: DefaultStream,
    stop: Mutex<StopToken>,
}

impl PatientStream {
    /// From now on waits end with `stop`.
    pub(super) fn end_with(&self, stop: &StopToken) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
    }

    /// Waits until the server sent something, or for `time`.
    pub(super) fn wait_readable(&self, time: Duration) -> Result<(), CaptureError> {
        self.ready(PollFlags::IN, time)
            .map(|_| ())
            .map_err(|e| CaptureError::Lost(format!("waiting for the X server failed: {e}")))
    }

    fn ready(&self, flags: PollFlags, time: Duration) -> io::Result<bool> {
        let timeout = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let mut fds = [PollFd::from_borrowed_fd(self.inner.as_fd(), flags)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(n) => Ok(n > 0),
            // The callers look again at what they wait for anyway.
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

impl Stream for PatientStream {
    fn poll(&self, mode: PollMode) -> io::Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        let started = Instant::now();
        while !self.ready(flags, STOP_CHECK)? {
            let stopped = self
                .stop
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_stopped();
            if stopped {
                return Err(io::Error::other("stopped while waiting"));
            }
            if started.elapsed() > PATIENCE {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the X server was silent for {} s", PATIENCE.as_secs()),
                ));
            }
        }
        Ok(())
    }

    fn read(&self, buf: &mut [u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.inner.read(buf, fds)
    }

    fn write(&self, buf: &[u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.inner.write(buf, fds)
    }

    fn write_vectored(
        &self,
        bufs: &[IoSlice<'_>],
        fds: &mut Vec<RawFdContainer>,
    ) -> io::Result<usize> {
        self.inner.write_vectored(bufs, fds)
    }
}

/// Connects to `display`, or to that of DISPLAY; also gives the number of the screen.
pub(super) fn connect(display: Option<&str>) -> Result<(Connection, usize), CaptureError> {
    let named = match display {
        Some(name) => name.to_owned(),
        None => std::env::var("DISPLAY")
            .map_err(|_| CaptureError::NoDisplay("DISPLAY is not set".into()))?,
    };
    let refused = |why: String| CaptureError::NoDisplay(format!("{named:?}: {why}"));
    let parsed = parse_display(Some(&named)).map_err(|e| refused(e.to_string()))?;
    // Display numbers are TCP ports from 6000 up; x11rb adds the two without a check.
    if parsed.display > u16::MAX - 6000 {
        return Err(refused("there is no such display number".into()));
    }
    let screen = usize::from(parsed.screen);
    let mut last = "no such display".to_owned();
    for address in parsed.connect_instruction() {
        let (inner, (family, peer)) = match DefaultStream::connect(&address) {
            Ok(connected) => connected,
            Err(e) => {
                last = e.to_string();
                continue;
            }
        };
        let stream = PatientStream {
            inner,
            stop: Mutex::default(),
        };
        // Without readable authority data the server itself says whether it lets us in.
        let (name, data) = get_auth(family, &peer, parsed.display)
            .ok()
            .flatten()
            .unwrap_or_default();
        let made = Connection::connect_to_stream_with_auth_info(stream, screen, name, data);
        return match made {
            Ok(connection) => Ok((connection, screen)),
            Err(ConnectError::InvalidScreen) => Err(refused(format!("it has no screen {screen}"))),
            Err(e) => Err(refused(e.to_string())),
        };
    }
    Err(refused(last))
}

/// The error of a server that worked and no longer does.
pub(super) trait OrLost<T> {
    /// Names what was being done.
    fn or_lost(self, what: &str) -> Result<T, CaptureError>;
}

impl<T> OrLost<T> for Result<T, ConnectionError> {
    fn or_lost(self, what: &str) -> Result<T, CaptureError> {
        self.map_err(|e| CaptureError::Lost(format!("X11, {what}: {e}")))
    }
}

impl<T> OrLost<T> for Result<T, ReplyError> {
    fn or_lost(self, what: &str) -> Result<T, CaptureError> {
        self.map_err(|e| CaptureError::Lost(format!("X11, {what}: {e}")))
    }
}

impl<T> OrLost<T> for Result<T, ReplyOrIdError> {
    fn or_lost(self, what: &str) -> Result<T, CaptureError> {
        self.map_err(|e| CaptureError::Lost(format!("X11, {what}: {e}")))
    }
}
