//! Finds displays and windows by the names that the settings keep, and lists them. Asks macOS on
//! the caller's thread; keeps nothing.

use super::{error_of, lost};
use crate::capture::choice::{find_window, number_twins, places};
use crate::capture::{CaptureError, Choice};
use crate::settings::schema::{ScreenPart, WindowName};
use crate::units::Size;
use objc2_core_graphics::{
    CGDisplayCopyDisplayMode, CGDisplayMode, CGDisplayModelNumber, CGDisplaySerialNumber,
    CGDisplayVendorNumber, CGMainDisplayID, CGWindowListCopyWindowInfo, CGWindowListOption,
};
use screencapturekit::cg::CGRect;
use screencapturekit::prelude::{SCContentFilter, SCDisplay, SCShareableContent, SCWindow};

/// What is captured.
pub(super) struct Target {
    /// What the operator reads.
    pub(super) name: String,
    /// What macOS knows it as.
    pub(super) filter: SCContentFilter,
    /// In pixels, not points.
    pub(super) size: Size,
    /// To ask whether it is still there.
    pub(super) id: Id,
}

/// A display's or a window's number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Id {
    Display(u32),
    Window(u32),
}

impl Id {
    /// Whether it is still there, minimised windows too. Takes under a millisecond.
    pub(super) fn is_there(self) -> bool {
        match self {
            Self::Display(id) => CGDisplayCopyDisplayMode(id).is_some(),
            Self::Window(id) => {
                CGWindowListCopyWindowInfo(CGWindowListOption::OptionIncludingWindow, id)
                    .is_some_and(|found| !found.is_empty())
            }
        }
    }
}

/// What the operator reads of a part of the screen before it is found.
pub(super) fn label(part: &ScreenPart) -> String {
    match part {
        ScreenPart::Whole => "Main display".into(),
        ScreenPart::Monitor(name) => format!("Display {name}"),
        ScreenPart::Window(name) => window_label(name),
    }
}

/// What a part of the screen means now.
pub(super) fn find(part: &ScreenPart) -> Result<Target, CaptureError> {
    let content = content()?;
    let displays = named_displays(&content);
    let gone = || CaptureError::Gone(label(part));
    match part {
        ScreenPart::Whole => display_target(displays.first().ok_or_else(gone)?),
        ScreenPart::Monitor(wanted) => {
            let found = displays.iter().find(|display| display.name == *wanted);
            display_target(found.ok_or_else(gone)?)
        }
        ScreenPart::Window(wanted) => {
            let window = find_window(wanted, named_windows(&content)).ok_or_else(gone)?;
            let filter = SCContentFilter::create().with_window(&window).build();
            Ok(Target {
                name: label(part),
                filter: filter.map_err(|error| error_of(&error))?,
                size: window_size(&window, &displays)
                    .ok_or_else(|| lost("its window has no size"))?,
                id: Id::Window(window.window_id()),
            })
        }
    }
}

/// All displays, the main one first, then all windows on screen that have a title.
pub(super) fn choices() -> Result<Vec<Choice>, CaptureError> {
    let content = content()?;
    let displays = named_displays(&content);
    let rectangles: Vec<_> = displays
        .iter()
        .map(|d| (d.frame.origin.x as i32, d.frame.origin.y as i32, d.points()))
        .collect();
    let places = places(&rectangles);
    let monitors = displays.iter().zip(places).map(|(display, place)| Choice {
        part: ScreenPart::Monitor(display.name.clone()),
        label: format!("{}, {}", display.label(), display.size),
        size: display.size,
        place: Some(place),
    });
    let windows = named_windows(&content)
        .into_iter()
        .filter_map(|(name, window)| {
            Some(Choice {
                label: window_label(&name),
                size: window_size(&window, &displays)?,
                part: ScreenPart::Window(name),
                place: None,
            })
        });
    Ok(monitors.chain(windows).collect())
}

fn content() -> Result<SCShareableContent, CaptureError> {
    SCShareableContent::create()
        .with_exclude_desktop_windows(true)
        .with_on_screen_windows_only(true)
        .get()
        .map_err(|error| error_of(&error))
}

struct Named {
    name: String,
    display: SCDisplay,
    /// In points, on the desktop.
    frame: CGRect,
    size: Size,
}

impl Named {
    fn is_main(&self) -> bool {
        self.display.display_id() == CGMainDisplayID()
    }

    fn label(&self) -> String {
        let main = if self.is_main() { ", main" } else { "" };
        format!("Display {}{main}", self.name)
    }

    fn points(&self) -> Size {
        Size::new(self.frame.size.width as u32, self.frame.size.height as u32)
    }

    /// Pixels of a point.
    fn scale(&self) -> f64 {
        f64::from(self.size.width) / self.frame.size.width.max(1.0)
    }

    fn holds(&self, x: f64, y: f64) -> bool {
        let (at, size) = (self.frame.origin, self.frame.size);
        (at.x..at.x + size.width).contains(&x) && (at.y..at.y + size.height).contains(&y)
    }
}

/// The main one first, the others from left to right: like ones are numbered in that order.
fn named_displays(content: &SCShareableContent) -> Vec<Named> {
    let mut found: Vec<_> = content
        .displays()
        .into_iter()
        .map(|display| {
            let id = display.display_id();
            // What the display's EDID says; its name in words is AppKit's, which is the main
            // thread's alone.
            let (vendor, model) = (CGDisplayVendorNumber(id), CGDisplayModelNumber(id));
            let name = format!("{vendor:04x}-{model:04x}-{:x}", CGDisplaySerialNumber(id));
            Named {
                name,
                frame: display.frame(),
                size: pixels(&display),
                display,
            }
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |d: &Named| (!d.is_main(), d.frame.origin.x, d.frame.origin.y);
        key(a)
            .partial_cmp(&key(b))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut names: Vec<_> = found.iter().map(|d| d.name.clone()).collect();
    number_twins(&mut names);
    for (display, name) in found.iter_mut().zip(names) {
        display.name = name;
    }
    found
}

/// A display's size in pixels: what SCDisplay calls its width is in points.
fn pixels(display: &SCDisplay) -> Size {
    let mode = CGDisplayCopyDisplayMode(display.display_id());
    let (width, height) = match mode.as_deref() {
        Some(mode) => (
            CGDisplayMode::pixel_width(Some(mode)),
            CGDisplayMode::pixel_height(Some(mode)),
        ),
        None => (display.width() as usize, display.height() as usize),
    };
    let side = |length| u32::try_from(length).unwrap_or(0);
    Size::new(side(width), side(height))
}

fn display_target(named: &Named) -> Result<Target, CaptureError> {
    let filter = SCContentFilter::create()
        .with_display(&named.display)
        .with_excluding_windows(&[])
        .build();
    Ok(Target {
        name: named.label(),
        filter: filter.map_err(|error| error_of(&error))?,
        size: named.size,
        id: Id::Display(named.display.display_id()),
    })
}

fn named_windows(content: &SCShareableContent) -> Vec<(WindowName, SCWindow)> {
    content
        .windows()
        .into_iter()
        // Layer 0 has the programs' own windows; menus, the Dock and overlays lie above.
        .filter(|window| window.window_layer() == 0)
        .filter_map(|window| {
            let title = window.title().filter(|title| !title.is_empty())?;
            let app = window.owning_application()?.bundle_identifier();
            Some((WindowName { app, title }, window))
        })
        .collect()
}

/// In pixels of the display that holds the window's centre.
fn window_size(window: &SCWindow, displays: &[Named]) -> Option<Size> {
    let frame = window.frame();
    let (width, height) = (frame.size.width, frame.size.height);
    let centre = (frame.origin.x + width / 2.0, frame.origin.y + height / 2.0);
    let display = displays.iter().find(|d| d.holds(centre.0, centre.1));
    let scale = display.or(displays.first()).map_or(1.0, Named::scale);
    let size = Size::new((width * scale) as u32, (height * scale) as u32);
    (size.pixels() > 0).then_some(size)
}

fn window_label(name: &WindowName) -> String {
    format!("{} ({})", name.title, name.app)
}
