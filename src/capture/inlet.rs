//! What the backends share whose pictures come by a callback of the system (Windows, macOS).
//!
//! The callback, on a thread of the system, copies the lent picture into the slot; the source's
//! own thread watches: it gives the signs of life while the screen stands still, and ends with the
//! error that the callback left. Keeps no picture; the slot drops what the pacer did not take.

use super::copy::{Copier, Lent};
use super::{CaptureError, FrameSlot, SourceNote};
use crate::clock::{self, MonoTime};
use crate::stop::StopToken;
use crate::units::Size;
use crossbeam_channel::{RecvTimeoutError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From one sign of life to the next.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// The longest that an error of the callback, or the stop, goes unseen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where the callback puts pictures. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Inlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    slot: FrameSlot,
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    copier: Copier,
    size: Option<Size>,
    ended: Option<CaptureError>,
    stale: bool,
}

/// Why [`Inlet::watch`] came back without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// The stop was asked for.
    Stopped,
    /// The source changed so that it must be opened anew (another size, another pixel format).
    Stale,
}

impl Inlet {
    /// An inlet into `slot` for the source that the operator knows as `name`.
    pub(super) fn new(slot: &FrameSlot, name: &str, copier: Copier) -> Self {
        let state = State {
            copier,
            size: None,
            ended: None,
            stale: false,
        };
        Self(Arc::new(Inner {
            slot: slot.clone(),
            name: name.to_owned(),
            state: Mutex::new(state),
        }))
    }

    /// Copies a picture that was made at `captured_at`, and tells its size where that is new.
    pub(super) fn put(&self, lent: &Lent<'_>, captured_at: MonoTime) -> Result<(), CaptureError> {
        let (frame, is_resized) = {
            let mut state = self.state();
            let frame = state.copier.copy(lent, captured_at)?;
            (frame, state.size.replace(lent.size) != Some(lent.size))
        };
        if is_resized {
            self.0.slot.note(SourceNote {
                label: Some(format!("{}, {}", self.0.name, lent.size)),
                asks: None,
            });
        }
        self.0.slot.put(frame);
        Ok(())
    }

    /// Runs what a callback does. An error or a panic in it ends the source, and nothing unwinds
    /// into the system's code. Whether all went well.
    pub(super) fn guard(&self, work: impl FnOnce() -> Result<(), CaptureError>) -> bool {
        let error = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error,
            Err(_) => CaptureError::Lost("taking its picture failed inside".into()),
        };
        self.end(error);
        false
    }

    /// Ends the source with `error`; the first one counts.
    pub(super) fn end(&self, error: CaptureError) {
        self.state().ended.get_or_insert(error);
    }

    /// Has the source opened anew.
    #[cfg_attr(
        windows,
        allow(dead_code, reason = "Windows' own thread looks for changes")
    )]
    pub(super) fn stale(&self) {
        self.state().stale = true;
    }

    /// Watches until the stop, the callback's error, or until the source is stale. `look` is called
    /// with each sign of life, for what only asking tells; whether the source is stale.
    pub(super) fn watch(
        &self,
        stop: &StopToken,
        mut look: impl FnMut() -> Result<bool, CaptureError>,
    ) -> Result<Watched, CaptureError> {
        let mut beat_at = Instant::now();
        while !stop.is_stopped() {
            {
                let mut state = self.state();
                if let Some(error) = state.ended.take() {
                    return Err(error);
                }
                if state.stale {
                    return Ok(Watched::Stale);
                }
            }
            if Instant::now() >= beat_at {
                beat_at = Instant::now() + BEAT_EVERY;
                if look()? {
                    return Ok(Watched::Stale);
                }
                self.0.slot.beat(clock::now());
            }
            stop.sleep(LOOK_EVERY);
        }
        Ok(Watched::Stopped)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `work`, which may hang inside the system, on the thread `name` of its own and waits for it
/// up to `limit`, with signs of life; None where the stop was asked for meanwhile.
///
/// Work given up goes on alone; what it returns late is dropped on its thread, so that a session
/// opened late must end with its drop.
///
/// # Errors
/// [`CaptureError::Lost`] where it took too long or panicked.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    name: &str,
    slot: &FrameSlot,
    stop: &StopToken,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, CaptureError> {
    let lost = |what: &str| CaptureError::Lost(format!("{what} ({name})"));
    let (reply, answer) = bounded(1);
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            // Nobody waits any more: dropped here.
            let _ = reply.send(work());
        })
        .map_err(|error| lost(&format!("a thread could not be started, {error}")))?;
    let until = Instant::now() + limit;
    loop {
        match answer.recv_timeout(LOOK_EVERY) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(lost("the system's capture failed inside"));
            }
            Err(RecvTimeoutError::Timeout) if stop.is_stopped() => return Ok(None),
            Err(RecvTimeoutError::Timeout) if Instant::now() >= until => {
                return Err(lost("the system's capture does not answer"));
            }
            Err(RecvTimeoutError::Timeout) => slot.beat(clock::now()),
        }
    }
}

#[cfg(test)]
mod tests;
