//! The screen goes, the show does not: an X server that crashes or is killed under the window, a compositor that ends.
//!
//! Xlib ends the program, with `exit(1)`, from within whichever call of whichever thread finds the connection broken, once
//! its handler has returned (XSetIOErrorHandler(3)). So the handler here does not return: the main thread waits in it
//! until the show has ended and then ends the program in order; another thread (hot keys) sleeps for good. Wayland's way
//! to say it is an error of the event loop, after which [`go_on`] is called. What the window held stays held.

use crate::session::{Command, Console};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// From one look at the show to the next.
const LOOK: Duration = Duration::from_millis(200);

static IS: AtomicBool = AtomicBool::new(false);

/// Whether this console's show goes on without the window that it had.
pub fn is() -> bool {
    IS.load(Ordering::Relaxed)
}

/// Waits until the show has ended, by the remote control or a signal; at once where none runs.
pub fn go_on(console: &dyn Console) {
    if console.snapshot().state.is_at_rest() {
        return;
    }
    IS.store(true, Ordering::Relaxed);
    let process = std::process::id();
    tracing::error!(
        "the screen is gone, and the window with it; the show goes on. The remote control or `kill {process}` ends it"
    );
    console.send(Command::SetPreview { on: false });
    while !console.snapshot().state.is_at_rest() {
        std::thread::sleep(LOOK);
    }
}

/// From now on the end of the X server does not end the show of `console`. To be called by the main thread.
#[cfg(target_os = "linux")]
pub fn outlive_x(console: &Arc<dyn Console + Send + Sync>) {
    xlib::handle(Arc::downgrade(console));
}

/// Other systems' windows do not end the program.
#[cfg(not(target_os = "linux"))]
pub fn outlive_x(_console: &Arc<dyn Console + Send + Sync>) {}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod xlib {
    use super::{Command, Console, LOOK};
    use crate::session::failure::FailureKind;
    use std::ffi::c_int;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{OnceLock, Weak};
    use std::thread::ThreadId;
    use std::time::{Duration, Instant};
    use x11_dl::xlib::{Display, Xlib};

    /// After the show's end files are finished and children reaped.
    const REAPED_WITHIN: Duration = Duration::from_millis(1200);

    type Shared = (Weak<dyn Console + Send + Sync>, ThreadId);

    static SHARED: OnceLock<Shared> = OnceLock::new();

    pub(super) fn handle(console: Weak<dyn Console + Send + Sync>) {
        // Where there is no Xlib the window is Wayland's.
        let Ok(xlib) = Xlib::open() else { return };
        if SHARED.set((console, std::thread::current().id())).is_ok() {
            // SAFETY: XSetIOErrorHandler(3) takes a function's address and may be called before anything else of Xlib.
            // `broken` lives as long as the program, and winit and global-hotkey keep the library loaded.
            unsafe { (xlib.XSetIOErrorHandler)(Some(broken)) };
            // The library stays while its handler is ours: what x11-dl has opened it never closes.
        }
    }

    // SAFETY: unsafe by Xlib's type only; the pointer is not looked at.
    /// Called by Xlib with the connection that broke, of which nothing is asked any more.
    unsafe extern "C" fn broken(_: *mut Display) -> c_int {
        // A panic must not run through Xlib's frames.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let Some((console, main)) = SHARED.get() else {
                return;
            };
            if *main == std::thread::current().id()
                && let Some(console) = console.upgrade()
            {
                super::go_on(&*console);
                end(&*console);
            }
        }));
        loop {
            std::thread::park();
        }
    }

    /// Ends the program, whose main thread cannot go back to where it was.
    fn end(console: &dyn Console) {
        console.send(Command::Quit);
        let until = Instant::now() + REAPED_WITHIN;
        while Instant::now() < until && !console.pids().is_empty() {
            std::thread::sleep(LOOK);
        }
        tracing::warn!("the program ends: its screen is gone");
        crate::crash::running::ends_on_purpose();
        // The log's thread writes that.
        std::thread::sleep(LOOK);
        let code = FailureKind::NoDisplay.exit_code();
        // SAFETY: _exit(2) takes a number. Not exit(3): what that calls may wait for Xlib's locks, which this thread holds.
        unsafe { libc::_exit(c_int::from(code)) };
    }
}
