//! macOS: a display or a window through ScreenCaptureKit (macOS 12.3 or newer).
//!
//! `pd-source` opens and watches; a dispatch queue of the system copies each new picture
//! into the slot, which drops what the pacer did not take. macOS lends [`QUEUE_DEPTH`] pictures at
//! most and gives none of a still screen. Where the source's size changes, the stream is opened
//! anew in it. Nothing waits for ever: opening is given up after [`START_WITHIN`], ending after
//! [`STOP_WITHIN`].

mod target;

use super::copy::{Copier, Lent, PixelFormat};
use super::inlet::{Inlet, Watched, within};
use super::{CaptureError, Choice, FrameSlot, SourceNote, VideoSource, sys};
use crate::clock;
use crate::settings::schema::{ScreenPart, VideoSettings};
use crate::stop::StopToken;
use crate::units::{Fps, Region, Size};
use objc2_core_graphics::{CGPreflightScreenCaptureAccess, CGRequestScreenCaptureAccess};
use screencapturekit::cm::{CMClock, CMSampleBufferExt, CMSampleBufferSCExt, FrameInfo};
use screencapturekit::cm::{CMTime, SCFrameStatus};
use screencapturekit::error::{SCError, SCStreamErrorCode};
use screencapturekit::prelude::{
    CMSampleBuffer, PixelFormat as StreamFormat, SCStream, SCStreamConfiguration,
    SCStreamOutputTrait, SCStreamOutputType,
};
use screencapturekit::stream::delegate_trait::ErrorHandler;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use target::Target;

/// Opening takes some 100 ms, and as long as it takes the operator to answer at the first time.
const START_WITHIN: Duration = Duration::from_secs(8);
/// Ending takes some 10 ms.
const STOP_WITHIN: Duration = Duration::from_millis(250);
/// The least that the system allows without stalls: one being drawn, one lent, one to spare.
const QUEUE_DEPTH: u32 = 3;

/// A display or a window.
#[derive(Debug)]
pub struct MacSource {
    name: String,
    part: ScreenPart,
    region: Option<Region>,
    cursor: bool,
    fps: Fps,
}

impl MacSource {
    /// A source of what the settings name: the main display unless they say otherwise. It is
    /// looked for by [`VideoSource::run`], since asking macOS may take its time.
    ///
    /// # Errors
    /// [`CaptureError::Refused`] where the operator has not allowed capture yet; macOS asks once.
    pub fn open(settings: &VideoSettings) -> Result<Self, CaptureError> {
        check_permission()?;
        Ok(Self {
            name: target::label(&settings.part),
            part: settings.part.clone(),
            region: settings.region,
            cursor: settings.cursor,
            fps: settings.fps,
        })
    }

    /// One stream, until the stop, a loss, or the source's change of size.
    fn session(&self, slot: &FrameSlot, stop: &StopToken) -> Result<Watched, CaptureError> {
        let (part, inlet_slot, region) = (self.part.clone(), slot.clone(), self.region);
        let (cursor, fps) = (self.cursor, self.fps);
        let begin = move || {
            let target = target::find(&part)?;
            let inlet = Inlet::new(&inlet_slot, &target.name, Copier::new(region));
            let running = Running::start(&target, cursor, fps, &inlet)?;
            let label = format!("{}, {}", target.name, target.size);
            Ok::<_, CaptureError>((running, inlet, label, target.id))
        };
        let Some(begun) = within(START_WITHIN, "pd-sck-start", slot, stop, begin)? else {
            return Ok(Watched::Stopped);
        };
        let (running, inlet, label, id) = begun?;
        slot.note(SourceNote {
            label: Some(label),
            asks: None,
        });
        // Before macOS 15.2 nothing tells that a captured window was closed.
        let watched = inlet.watch(stop, || match id.is_there() {
            true => Ok(false),
            false => Err(lost("it was closed, or its display unplugged")),
        });
        let end = move || drop(running);
        // The stop may be what brought us here; its token would end this wait at once.
        if let Err(error) = within(STOP_WITHIN, "pd-sck-stop", slot, &StopToken::new(), end) {
            tracing::warn!("{error}");
        }
        watched
    }
}

impl VideoSource for MacSource {
    fn label(&self) -> String {
        self.name.clone()
    }

    /// `captured_at` is the time at which the window server composed the picture.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        while self.session(slot, stop)? == Watched::Stale {
            tracing::info!("{} changed its size: opened anew", self.name);
            // While a window's edge is dragged its size changes with each picture.
            stop.sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// All displays, the main one first, then all windows on screen that have a title.
///
/// # Errors
/// [`CaptureError::Refused`] where the operator has not allowed capture, [`CaptureError::Lost`]
/// where macOS does not tell.
pub fn list() -> Result<Vec<Choice>, CaptureError> {
    check_permission()?;
    target::choices()
}

fn check_permission() -> Result<(), CaptureError> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if CGPreflightScreenCaptureAccess() {
        return Ok(());
    }
    // Shows the system's dialog and puts the console on the list in System Settings. Once: the
    // list of sources is asked for every few seconds.
    if !ASKED.swap(true, Ordering::Relaxed) && CGRequestScreenCaptureAccess() {
        return Ok(());
    }
    Err(refused())
}

fn refused() -> CaptureError {
    CaptureError::Refused(
        "allow the console (or the terminal it was started from) in System Settings, Privacy & \
         Security, Screen & System Audio Recording, then start it again"
            .into(),
    )
}

fn lost(what: impl std::fmt::Display) -> CaptureError {
    CaptureError::Lost(what.to_string())
}

/// macOS' error in the console's words.
fn error_of(error: &SCError) -> CaptureError {
    match (error, error.stream_error_code()) {
        (SCError::PermissionDenied(_), _) | (_, Some(SCStreamErrorCode::UserDeclined)) => refused(),
        (_, Some(SCStreamErrorCode::UserStopped)) => {
            lost("the operator ended the capture in macOS' menu bar")
        }
        _ => lost(error),
    }
}

/// A running stream; ends with its drop, which blocks.
struct Running(SCStream);

impl Running {
    fn start(target: &Target, cursor: bool, fps: Fps, inlet: &Inlet) -> Result<Self, CaptureError> {
        let least = fps.interval() * 3 / 4;
        let config = SCStreamConfiguration::new()
            .with_width(target.size.width)
            .with_height(target.size.height)
            .with_pixel_format(StreamFormat::BGRA)
            // Asked for all of the show's interval, macOS skips pictures of a display whose rate
            // is the show's.
            .with_minimum_frame_interval(&time_of(least))
            .with_queue_depth(QUEUE_DEPTH)
            .with_shows_cursor(cursor);
        let ended = inlet.clone();
        let on_end = ErrorHandler::new(move |error| ended.end(error_of(&error)));
        let mut stream = SCStream::new_with_delegate(&target.filter, &config, on_end)
            .map_err(|error| error_of(&error))?;
        let handler = Handler {
            inlet: inlet.clone(),
            opened_in: target.size,
        };
        stream
            .add_output_handler(handler, SCStreamOutputType::Screen)
            .map_err(|error| error_of(&error))?;
        stream.start_capture().map_err(|error| error_of(&error))?;
        Ok(Self(stream))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.stop_capture() {
            tracing::debug!("the capture ended with: {error}");
        }
    }
}

/// Takes the pictures, on a dispatch queue of the system.
struct Handler {
    inlet: Inlet,
    opened_in: Size,
}

impl SCStreamOutputTrait for Handler {
    fn did_output_sample_buffer(&self, sample: CMSampleBuffer, of: SCStreamOutputType) {
        if matches!(of, SCStreamOutputType::Screen) {
            self.inlet.guard(|| self.take(&sample));
        }
    }
}

impl Handler {
    fn take(&self, sample: &CMSampleBuffer) -> Result<(), CaptureError> {
        let info = sample.frame_info().unwrap_or_default();
        // Idle says that nothing changed; blank and suspended carry no picture.
        if info.frame_status != Some(SCFrameStatus::Complete) {
            return Ok(());
        }
        let Some(picture) = sample.pixel_buffer() else {
            return Ok(());
        };
        let made = duration_of(sample.presentation_timestamp());
        let (reading, now) = (duration_of(CMClock::host_time_clock().time()), clock::now());
        let captured_at = match (made, reading) {
            (Some(made), Some(reading)) => clock::translated(made, reading, now),
            _ => now,
        };
        let side = |length: usize| u32::try_from(length).unwrap_or(0);
        let size = Size::new(side(picture.width()), side(picture.height()));
        let stride = picture.bytes_per_row();
        let put = sys::macos::with_bytes(&picture, |bytes| {
            let lent = Lent {
                bytes,
                stride,
                size,
                format: PixelFormat::Bgrx,
            };
            self.inlet.put(&lent, captured_at)
        });
        match put {
            Ok(Some(put)) => put?,
            Ok(None) => return Err(lost("its picture has no bytes")),
            Err(code) => return Err(lost(format!("its picture cannot be read ({code})"))),
        }
        if source_size(&info).is_some_and(|size| is_another(size, self.opened_in)) {
            self.inlet.stale();
        }
        Ok(())
    }
}

/// The source's own size in pixels: what of the picture it fills, in points, without the scaling
/// into the stream's size (SCStreamFrameInfo: contentRect, contentScale, scaleFactor).
fn source_size(info: &FrameInfo) -> Option<Size> {
    let (rect, scaled) = (info.content_rect?, info.content_scale?);
    let factor = info.scale_factor?;
    if scaled <= 0.0 || factor <= 0.0 {
        return None;
    }
    let side = |points: f64| (points / scaled * factor).round() as u32;
    Some(Size::new(side(rect.size.width), side(rect.size.height)))
}

/// More than rounding apart: opened anew for less, a stream would never run.
fn is_another(size: Size, opened_in: Size) -> bool {
    let apart = |a: u32, b: u32| a.abs_diff(b) > 2;
    apart(size.width, opened_in.width) || apart(size.height, opened_in.height)
}

fn time_of(duration: Duration) -> CMTime {
    let ns = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    CMTime::new(ns, 1_000_000_000)
}

fn duration_of(time: CMTime) -> Option<Duration> {
    if !time.is_numeric() {
        return None;
    }
    let (value, scale) = (
        u128::try_from(time.value).ok()?,
        u128::try_from(time.timescale).ok()?,
    );
    let ns = value.checked_mul(1_000_000_000)?.checked_div(scale)?;
    u64::try_from(ns).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use screencapturekit::cg::CGRect;

    #[test]
    fn a_retina_window_is_as_large_as_its_pixels() {
        let info = FrameInfo {
            content_rect: Some(CGRect::new(0.0, 0.0, 400.0, 300.0)),
            content_scale: Some(0.5),
            scale_factor: Some(2.0),
            ..FrameInfo::default()
        };
        let size = source_size(&info).unwrap();
        assert_eq!(size, Size::new(1600, 1200));
        assert!(!is_another(size, Size::new(1601, 1200)));
        assert!(is_another(size, Size::new(1600, 1100)));
        assert_eq!(source_size(&FrameInfo::default()), None);
    }

    #[test]
    fn core_medias_times_are_read_in_any_scale() {
        assert_eq!(
            duration_of(CMTime::new(90_000, 90_000)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(
            duration_of(time_of(Duration::from_micros(25))),
            Some(Duration::from_micros(25))
        );
        assert_eq!(duration_of(CMTime::INVALID), None);
        assert_eq!(duration_of(CMTime::new(-1, 1)), None);
    }

    #[test]
    fn a_refusal_says_where_to_allow_it() {
        let declined = SCError::from_stream_error_code(SCStreamErrorCode::UserDeclined);
        let told = error_of(&declined).to_string();
        assert!(told.contains("System Settings"), "{told}");
    }
}
