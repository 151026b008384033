//! Where pictures come from: one trait, one backend a file.
//!
//! A source runs on its own thread and puts frames into a [`FrameSlot`], which holds the newest
//! frame only. What the pacer did not take in time is overwritten and counted, never queued.

pub mod convert;
pub mod frame;
pub mod latest;
pub mod pacer;
pub mod pattern;
pub mod preview;
mod sys;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub mod x11;

pub use frame::{Frame, FramePool};
pub use latest::FrameSlot;

use crate::settings::schema::{VideoSettings, VideoSourceKind};
use crate::stop::StopToken;
use crate::units::Size;
#[cfg(all(target_os = "linux", feature = "x11"))]
use std::time::Duration;

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

/// Opens the source that the settings name.
///
/// # Errors
/// Those of the source, and [`CaptureError::Unsupported`] where this build lacks it.
pub fn open(settings: &VideoSettings) -> Result<Box<dyn VideoSource>, CaptureError> {
    match settings.source {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        VideoSourceKind::X11 => {
            // Not slower than 60 looks a second for slow shows: the pointer's move is dated then.
            let interval = settings.fps.interval().min(Duration::from_micros(16_666));
            let source = x11::X11Source::open(None, settings.cursor)?;
            Ok(Box::new(source.poll_every(interval)))
        }
        #[cfg(not(all(target_os = "linux", feature = "x11")))]
        VideoSourceKind::X11 => Err(CaptureError::Unsupported("an X11 screen".into())),
        VideoSourceKind::Pattern => Ok(Box::new(pattern::PatternSource::new(
            settings.size,
            settings.fps,
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Fps;

    #[test]
    fn the_pattern_is_opened_in_the_size_of_the_show() {
        let settings = VideoSettings {
            source: VideoSourceKind::Pattern,
            size: Size::new(640, 360),
            fps: Fps::whole(25),
            cursor: false,
        };
        let source = open(&settings).unwrap();
        assert_eq!(source.size(), Size::new(640, 360));
        assert_eq!(source.label(), "Test pattern, 640x360 at 25 fps");
    }
}
