//! Where pictures come from: one trait, one backend a file.
//!
//! A source runs on its own thread and puts frames into a [`FrameSlot`], which holds the newest
//! frame only. What the pacer did not take in time is overwritten and counted, never queued.

pub mod brightness;
pub mod choice;
pub mod convert;
pub mod copy;
pub mod frame;
#[cfg(any(windows, target_os = "macos", test))]
mod inlet;
pub mod latest;
#[cfg(target_os = "macos")]
pub mod macos;
pub mod pacer;
pub mod pattern;
#[cfg(all(target_os = "linux", feature = "pipewire"))]
pub mod portal;
pub mod preview;
#[cfg(all(target_os = "linux", feature = "scap"))]
pub mod scap;
pub mod supervise;
mod sys;
#[cfg(windows)]
pub mod windows;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub mod x11;

pub use choice::{Choice, list};
pub use frame::{Frame, FramePool};
pub use latest::{FrameSlot, SourceNote};
pub use supervise::{Opener, PictureSource, PictureStatus};

use crate::settings::schema::{VideoSettings, VideoSourceKind};
use crate::stop::StopToken;
use crate::units::{Region, Size};
#[cfg(all(target_os = "linux", feature = "x11"))]
use std::time::Duration;

/// Windows' performance counter since the system's start, which all processes read alike.
#[cfg(windows)]
pub(crate) fn performance_counter() -> Option<std::time::Duration> {
    sys::windows::performance_counter()
}

/// A source of pictures.
pub trait VideoSource: Send {
    /// What the operator calls it before it is open ("X11 screen :0").
    fn label(&self) -> String;

    /// Captures until `stop`, putting each new picture into `slot`; blocks the calling thread.
    ///
    /// A source that has nothing new puts nothing: the pacer repeats the last frame. It calls
    /// [`FrameSlot::beat`] at least once a second all the same, or it is taken for hung and given
    /// up; and [`FrameSlot::note`] once it is open, with each change of its name or size, and
    /// while it waits for the operator.
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
    /// No way to capture a Wayland screen.
    #[error(
        "a Wayland screen cannot be captured here: {0}. Install xdg-desktop-portal with the backend of this desktop (xdg-desktop-portal-gnome, -kde, -wlr or -hyprland) and PipeWire with WirePlumber, log in anew, or choose another source"
    )]
    NoPortal(String),
    /// The picture is too small to encode.
    #[error("the source is {0}, too small to encode: at least 16x16 is needed")]
    TooSmall(Size),
    /// The source worked and does no more.
    #[error("the picture source was lost: {0}. The console tries again")]
    Lost(String),
    /// What was chosen is not there (any more).
    #[error("{0} is not there. The console looks for it every second; or choose another source")]
    Gone(String),
    /// The operator or the system refused.
    #[error("the desktop does not allow capture: {0}")]
    Refused(String),
    /// The region has nothing of the picture.
    #[error("the region {0} lies outside of the source ({1}). Choose another region")]
    RegionOutside(Region, Size),
    /// This build has no such backend.
    #[error("this build cannot capture {0}. Choose another source")]
    Unsupported(String),
}

/// Opens the source that the settings name.
///
/// # Errors
/// Those of the source, and [`CaptureError::Unsupported`] where this build lacks it.
pub fn open(settings: &VideoSettings) -> Result<Box<dyn VideoSource>, CaptureError> {
    match choice::resolve(settings.source) {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        VideoSourceKind::X11 => {
            // Not slower than 60 looks a second for slow shows: the pointer's move is dated then.
            let interval = settings.fps.interval().min(Duration::from_micros(16_666));
            let source = x11::X11Source::open(None, settings)?;
            Ok(Box::new(source.poll_every(interval)))
        }
        #[cfg(all(target_os = "linux", feature = "pipewire"))]
        VideoSourceKind::Portal => Ok(Box::new(portal::PortalSource::open(settings)?)),
        VideoSourceKind::Pattern => Ok(Box::new(pattern::PatternSource::new(
            settings.size,
            settings.fps,
        ))),
        #[cfg(windows)]
        VideoSourceKind::Windows => Ok(Box::new(windows::WindowsSource::open(settings)?)),
        #[cfg(target_os = "macos")]
        VideoSourceKind::MacOs => Ok(Box::new(macos::MacSource::open(settings)?)),
        #[cfg(all(target_os = "linux", feature = "scap"))]
        VideoSourceKind::Scap => Ok(Box::new(scap::ScapSource::open(settings)?)),
        other => Err(CaptureError::Unsupported(
            match other {
                VideoSourceKind::X11 => "an X11 screen",
                VideoSourceKind::Portal => "a Wayland screen",
                VideoSourceKind::Windows => "a Windows screen",
                VideoSourceKind::MacOs => "a macOS screen",
                VideoSourceKind::Scap => "through scap",
                VideoSourceKind::Screen | VideoSourceKind::Pattern => "this",
            }
            .into(),
        )),
    }
}

/// Forgets which screen the operator chose in the desktop's dialog, so that the next opening asks
/// anew. Does nothing for kinds that have no dialog.
///
/// # Errors
/// A text, where what was chosen is kept in a file that cannot be removed.
pub fn forget_choice(kind: VideoSourceKind) -> Result<(), String> {
    match choice::resolve(kind) {
        #[cfg(all(target_os = "linux", feature = "pipewire"))]
        VideoSourceKind::Portal => portal::forget_choice().map_err(|e| e.to_string()),
        _ => Ok(()),
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
            ..VideoSettings::default()
        };
        let source = open(&settings).unwrap();
        assert_eq!(source.label(), "Test pattern, 640x360 at 25 fps");
    }
}
