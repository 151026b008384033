//! A Wayland screen as a picture source: the desktop portal asks the operator, PipeWire carries the
//! pictures.
//!
//! Everything here runs on the capture thread, in bounded steps of at most a tenth of a second, so
//! that stop and signs of life work also while the desktop's dialog is open. Each run has its own
//! D-Bus connection: when it ends, the portal ends the session and its dialog with it. Under
//! pressure: only the newest of PipeWire's buffers is ever copied, the others go back at once.

mod dialog;
mod format;
mod picture;
mod stream;
mod token;
mod wait;

use super::{CaptureError, FrameSlot, VideoSource};
use crate::settings::schema::{ScreenPart, VideoSettings};
use crate::stop::StopToken;
use crate::units::{Fps, Region};
use std::path::PathBuf;

pub use token::TokenError;

/// What the desktop is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// A monitor or a window, as the operator likes.
    Screen,
    /// A window.
    Window,
}

/// A screen or a window that the operator chooses in the desktop's own dialog, once: the choice is
/// kept by the desktop under a token, which is kept in the state folder.
#[derive(Debug)]
pub struct PortalSource {
    wanted: Wanted,
    cursor: bool,
    region: Option<Region>,
    fps: Fps,
    bus: Option<String>,
    tokens: token::Tokens,
}

impl PortalSource {
    /// Prepares a source; the desktop is asked by [`VideoSource::run`] only.
    ///
    /// # Errors
    /// None today; opening a source may fail.
    pub fn open(settings: &VideoSettings) -> Result<Self, CaptureError> {
        Ok(Self {
            wanted: match settings.part {
                ScreenPart::Whole | ScreenPart::Monitor(_) => Wanted::Screen,
                ScreenPart::Window(_) => Wanted::Window,
            },
            cursor: settings.cursor,
            region: settings.region,
            fps: settings.fps,
            bus: None,
            tokens: token::Tokens::new(crate::folders::state()),
        })
    }

    /// Asks the portal of another D-Bus than the session's ("unix:path=/run/...").
    #[must_use]
    pub fn on_bus(mut self, address: &str) -> Self {
        self.bus = Some(address.to_owned());
        self
    }

    /// Keeps the tokens in another folder than the state folder.
    #[must_use]
    pub fn keep_in(mut self, folder: PathBuf) -> Self {
        self.tokens = token::Tokens::new(Some(folder));
        self
    }
}

impl VideoSource for PortalSource {
    fn label(&self) -> String {
        match self.wanted {
            Wanted::Screen => "Wayland screen, chosen in the desktop's dialog".into(),
            Wanted::Window => "Wayland window, chosen in the desktop's dialog".into(),
        }
    }

    /// Each frame's `captured_at` is the presentation time that the desktop gives with the picture,
    /// or the moment at which its buffer came where the desktop gives none.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let Some(mut cast) = dialog::ask(self, slot, stop)? else {
            return Ok(());
        };
        let ended = stream::capture(self, &mut cast, slot, stop);
        cast.close();
        match ended {
            // What the stop cut short is no fault.
            Err(_) if stop.is_stopped() => Ok(()),
            ended => ended,
        }
    }
}

/// Forgets what the operator chose: the next start asks anew ("choose another screen").
///
/// # Errors
/// Where the token's file is there and cannot be removed.
pub fn forget_choice() -> Result<(), TokenError> {
    token::Tokens::new(crate::folders::state()).forget()
}
