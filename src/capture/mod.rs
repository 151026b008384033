//! Where pictures come from: one trait, one backend a file.
//!
//! A source runs on its own thread and puts frames into a [`FrameSlot`], which holds the newest
//! frame only. What the pacer did not take in time is overwritten and counted, never queued.

pub mod convert;
pub mod frame;
pub mod latest;
pub mod pattern;
pub mod preview;

pub use frame::{Frame, FramePool};
pub use latest::FrameSlot;

use crate::stop::StopToken;
use crate::units::Size;

/// A source of pictures.
pub trait VideoSource: Send {
    /// What the operator calls it ("X11 screen :0, 1920x1080").
    fn label(&self) -> String;

    /// The size of the pictures that it makes now, before any scaling.
    fn size(&self) -> Size;

    /// Captures until `stop`, putting each new picture into `slot`; blocks the calling thread.
    ///
    /// A source that has nothing new puts nothing: the pacer repeats the last frame.
    ///
    /// # Errors
    /// Ends with an error where the source is lost; the caller may open it anew.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError>;
}

/// What can go wrong with a picture source.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No screen to capture.
    #[error(
        "no X11 display: {0}. Start the console in a desktop session or set DISPLAY, or choose the test pattern"
    )]
    NoDisplay(String),
    /// The picture is too small to encode.
    #[error("the source is {0}, too small to encode: at least 16x16 is needed")]
    TooSmall(Size),
    /// The source worked and does no more.
    #[error("the picture source was lost: {0}. The console tries again")]
    Lost(String),
    /// This build has no such backend.
    #[error("this build cannot capture {0}. Choose another source")]
    Unsupported(String),
}
