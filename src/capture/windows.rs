//! Windows: a monitor or a window through Windows.Graphics.Capture (Windows 10 1903 or newer).
//!
//! The capture thread opens and watches; windows-capture's own thread takes each new picture to
//! memory and puts it into the slot, which drops what the pacer did not take. Windows gives
//! pictures on change only, and none of a minimised window. Before Windows 11 24H2 it cannot be
//! told a rate: pictures come as often as the screen shows them. Nothing waits for ever: starting
//! is given up after [`START_WITHIN`], stopping after [`STOP_WITHIN`].

mod target;

use super::copy::{Copier, Lent, PixelFormat};
use super::inlet::{Inlet, Watched, within};
use super::{CaptureError, Choice, FrameSlot, SourceNote, VideoSource, sys};
use crate::settings::schema::VideoSettings;
use crate::stop::StopToken;
use crate::units::{Fps, Region, Size};
use std::time::Duration;
use target::Target;
use windows_capture::capture::{CaptureControl, Context, GraphicsCaptureApiHandler};
use windows_capture::frame::Frame;
use windows_capture::graphics_capture_api::{GraphicsCaptureApi, InternalCaptureControl};
use windows_capture::settings::{
    ColorFormat, CursorCaptureSettings, DirtyRegionSettings, DrawBorderSettings,
    MinimumUpdateIntervalSettings, SecondaryWindowSettings, Settings,
};

/// Opening a session takes some 100 ms; a driver that is reset takes seconds.
const START_WITHIN: Duration = Duration::from_secs(8);
/// Ending one takes some 10 ms.
const STOP_WITHIN: Duration = Duration::from_millis(250);

/// A monitor or a window.
#[derive(Debug)]
pub struct WindowsSource {
    target: Target,
    region: Option<Region>,
    cursor: bool,
    fps: Fps,
}

impl WindowsSource {
    /// Looks for what the settings name: the primary monitor unless they say otherwise.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] where it is not there, [`CaptureError::Lost`] where Windows does not
    /// tell, [`CaptureError::Unsupported`] where it is older than Windows 10 1903.
    pub fn open(settings: &VideoSettings) -> Result<Self, CaptureError> {
        if !GraphicsCaptureApi::is_supported().unwrap_or(false) {
            return Err(CaptureError::Unsupported(
                "screens of this Windows: Windows 10 version 1903 or newer is needed".into(),
            ));
        }
        Ok(Self {
            target: target::find(&settings.part)?,
            region: settings.region,
            cursor: settings.cursor,
            fps: settings.fps,
        })
    }

    /// One session, until the stop, a loss, or the monitor's change to or from HDR.
    fn session(&self, slot: &FrameSlot, stop: &StopToken) -> Result<Watched, CaptureError> {
        let hdr_white = self.target.hdr_white();
        let copier = Copier::new(self.region);
        let copier = match hdr_white {
            Some(white) => copier.sdr_white(white),
            None => copier,
        };
        let inlet = Inlet::new(slot, &self.target.name, copier);
        let wish = Wish {
            cursor: self.cursor,
            fps: self.fps,
            is_hdr: hdr_white.is_some(),
            inlet: inlet.clone(),
        };
        let item = self.target.item;
        let begin = move || Running::start(item, &wish);
        let Some(running) = within(START_WITHIN, "pd-wgc-start", slot, stop, begin)? else {
            return Ok(Watched::Stopped);
        };
        let running = running?;
        slot.note(SourceNote {
            label: Some(self.label()),
            asks: None,
        });
        let watched = inlet.watch(stop, || {
            if running.is_finished() {
                return Err(lost("Windows ended the capture"));
            }
            Ok(self.target.hdr_white() != hdr_white)
        });
        let end = move || drop(running);
        // The stop may be what brought us here; its token would end this wait at once.
        if let Err(error) = within(STOP_WITHIN, "pd-wgc-stop", slot, &StopToken::new(), end) {
            tracing::warn!("{error}");
        }
        watched
    }
}

impl VideoSource for WindowsSource {
    fn label(&self) -> String {
        match self.target.size() {
            Some(size) => format!("{}, {size}", self.target.name),
            None => self.target.name.clone(),
        }
    }

    /// `captured_at` is the time at which the compositor rendered the picture.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        while self.session(slot, stop)? == Watched::Stale {
            tracing::info!("{} changed to or from HDR: opened anew", self.target.name);
        }
        Ok(())
    }
}

/// All monitors, the primary one first, then all windows that are seen and have a title.
///
/// # Errors
/// [`CaptureError::Lost`] where Windows does not tell.
pub fn list() -> Result<Vec<Choice>, CaptureError> {
    let mut choices = target::monitors()?;
    choices.extend(target::windows()?);
    Ok(choices)
}

fn lost(what: impl std::fmt::Display) -> CaptureError {
    CaptureError::Lost(what.to_string())
}

/// What a session is opened with.
#[derive(Clone, Debug)]
struct Wish {
    cursor: bool,
    fps: Fps,
    is_hdr: bool,
    inlet: Inlet,
}

/// A session; ends with its drop, which blocks.
struct Running(Option<CaptureControl<Handler, CaptureError>>);

impl Running {
    fn start(item: target::Item, wish: &Wish) -> Result<Self, CaptureError> {
        let border = match GraphicsCaptureApi::is_border_settings_supported() {
            Ok(true) => DrawBorderSettings::WithoutBorder,
            _ => DrawBorderSettings::Default,
        };
        let begun = match Self::start_with(item, wish, border) {
            // A policy may forbid to go without: better a yellow border than no picture.
            Err(error) if border == DrawBorderSettings::WithoutBorder => {
                tracing::warn!("capture without the yellow border: {error}; trying with it");
                Self::start_with(item, wish, DrawBorderSettings::Default)
            }
            begun => begun,
        };
        begun.map_err(|error| lost(format!("Windows did not start the capture: {error}")))
    }

    fn start_with(
        item: target::Item,
        wish: &Wish,
        border: DrawBorderSettings,
    ) -> Result<Self, String> {
        let cursor = match GraphicsCaptureApi::is_cursor_settings_supported() {
            Ok(true) if wish.cursor => CursorCaptureSettings::WithCursor,
            Ok(true) => CursorCaptureSettings::WithoutCursor,
            _ => CursorCaptureSettings::Default,
        };
        let interval = match GraphicsCaptureApi::is_minimum_update_interval_supported() {
            Ok(true) => MinimumUpdateIntervalSettings::Custom(least_interval(wish.fps)),
            _ => MinimumUpdateIntervalSettings::Default,
        };
        let colour = if wish.is_hdr {
            ColorFormat::Rgba16F
        } else {
            ColorFormat::Bgra8
        };
        let settings = |item| {
            Settings::new(
                item,
                cursor,
                border,
                SecondaryWindowSettings::Default,
                interval,
                DirtyRegionSettings::Default,
                colour,
                wish.inlet.clone(),
            )
        };
        Handler::start_free_threaded(settings(item))
            .map(|control| Self(Some(control)))
            .map_err(|error| error.to_string())
    }

    fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(CaptureControl::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(CaptureControl::stop) {
            tracing::debug!("the capture ended with: {error}");
        }
    }
}

/// Three quarters of the show's interval: asked for all of it, Windows gives every second picture
/// of a screen whose rate is the show's.
fn least_interval(fps: Fps) -> Duration {
    fps.interval() * 3 / 4
}

/// Takes the pictures, on windows-capture's thread.
struct Handler(Inlet);

impl GraphicsCaptureApiHandler for Handler {
    type Flags = Inlet;
    type Error = CaptureError;

    fn new(context: Context<Inlet>) -> Result<Self, CaptureError> {
        Ok(Self(context.flags))
    }

    fn on_frame_arrived(
        &mut self,
        frame: &mut Frame<'_>,
        control: InternalCaptureControl,
    ) -> Result<(), CaptureError> {
        if !self.0.guard(|| take(&self.0, frame)) {
            control.stop();
        }
        Ok(())
    }

    fn on_closed(&mut self) -> Result<(), CaptureError> {
        self.0.end(lost("it was closed, or its monitor unplugged"));
        Ok(())
    }
}

fn take(inlet: &Inlet, frame: &mut Frame<'_>) -> Result<(), CaptureError> {
    let time = frame.timestamp().map_err(lost)?;
    let captured_at = sys::windows::at_system_relative_time(time.Duration);
    let format = match frame.color_format() {
        ColorFormat::Rgba16F => PixelFormat::RgbaF16,
        ColorFormat::Rgba8 => PixelFormat::Rgbx,
        ColorFormat::Bgra8 => PixelFormat::Bgrx,
    };
    let size = Size::new(frame.width(), frame.height());
    // Fails where the graphics driver was reset: the next session has a new device.
    let mut buffer = frame.buffer().map_err(lost)?;
    let stride = buffer.row_pitch() as usize;
    let lent = Lent {
        bytes: buffer.as_raw_buffer(),
        stride,
        size,
        format,
    };
    inlet.put(&lent, captured_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_asked_for_never_costs_a_picture_of_the_show() {
        let ntsc = Fps {
            num: 60_000,
            den: 1001,
        };
        for fps in [Fps::whole(5), Fps::whole(30), ntsc, Fps::whole(144)] {
            let asked = least_interval(fps);
            assert!(
                asked < fps.interval() && asked > fps.interval() / 2,
                "{fps}"
            );
        }
    }

    #[test]
    fn where_windows_cannot_capture_it_says_so() {
        let opened = WindowsSource::open(&VideoSettings::default());
        if GraphicsCaptureApi::is_supported().unwrap_or(false) {
            assert!(opened.unwrap().label().contains("primary"));
        } else {
            assert!(matches!(opened, Err(CaptureError::Unsupported(_))));
        }
    }

    #[test]
    fn every_choice_has_a_name_and_a_size() {
        for choice in list().unwrap() {
            assert!(!choice.label.is_empty());
            assert!(choice.size.pixels() > 0, "{choice:?}");
        }
    }
}
