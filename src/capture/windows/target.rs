//! Finds monitors and windows by the names that the settings keep, and lists them. Asks Windows on
//! the caller's thread; keeps nothing.

use super::{lost, sys};
use crate::capture::choice::{find_window, number_twins, places};
use crate::capture::{CaptureError, Choice};
use crate::settings::schema::{ScreenPart, WindowName};
use crate::units::Size;
use windows_capture::monitor::Monitor;
use windows_capture::settings::GraphicsCaptureItemType;
use windows_capture::window::Window;

/// What is captured.
#[derive(Debug)]
pub(super) struct Target {
    /// What the operator reads.
    pub(super) name: String,
    /// What Windows knows it as.
    pub(super) item: Item,
}

/// A monitor's or a window's handle.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Monitor(Monitor),
    Window(Window),
}

impl TryInto<GraphicsCaptureItemType> for Item {
    type Error = <Monitor as TryInto<GraphicsCaptureItemType>>::Error;

    fn try_into(self) -> Result<GraphicsCaptureItemType, Self::Error> {
        match self {
            Self::Monitor(monitor) => monitor.try_into(),
            Self::Window(window) => window.try_into(),
        }
    }
}

impl Target {
    /// SDR white in scRGB of the monitor that shows it, where that is HDR.
    pub(super) fn hdr_white(&self) -> Option<f32> {
        let monitor = match self.item {
            Item::Monitor(monitor) => Some(monitor),
            Item::Window(window) => window.monitor(),
        };
        sys::windows::hdr_white(&monitor?.device_name().ok()?)
    }

    /// Its size now; None where it is gone.
    pub(super) fn size(&self) -> Option<Size> {
        match self.item {
            Item::Monitor(monitor) => {
                let place = sys::windows::display_place(&monitor.device_name().ok()?);
                place.map(|(_, _, size)| size)
            }
            Item::Window(window) => window_size(&window),
        }
    }
}

/// What a part of the screen means now.
pub(super) fn find(part: &ScreenPart) -> Result<Target, CaptureError> {
    match part {
        ScreenPart::Whole => {
            let monitors = named_monitors()?;
            let primary = monitors.into_iter().next();
            primary
                .map(Named::target)
                .ok_or_else(|| CaptureError::Gone("the primary monitor".into()))
        }
        ScreenPart::Monitor(wanted) => {
            let found = named_monitors()?.into_iter().find(|m| m.name == *wanted);
            found
                .map(Named::target)
                .ok_or_else(|| CaptureError::Gone(format!("the monitor {wanted}")))
        }
        ScreenPart::Window(wanted) => {
            let window = find_window(wanted, named_windows()?)
                .ok_or_else(|| CaptureError::Gone(format!("the window {}", label(wanted))))?;
            Ok(Target {
                name: label(wanted),
                item: Item::Window(window),
            })
        }
    }
}

/// All monitors, the primary one first.
pub(super) fn monitors() -> Result<Vec<Choice>, CaptureError> {
    let found = named_monitors()?;
    let rectangles: Vec<_> = found.iter().map(|m| (m.x, m.y, m.size)).collect();
    let places = places(&rectangles);
    Ok(found
        .into_iter()
        .zip(places)
        .map(|(monitor, place)| Choice {
            label: format!("{}, {}", monitor.label(), monitor.size),
            part: ScreenPart::Monitor(monitor.name),
            size: monitor.size,
            place: Some(place),
        })
        .collect())
}

/// All windows that are seen and have a title.
pub(super) fn windows() -> Result<Vec<Choice>, CaptureError> {
    Ok(named_windows()?
        .into_iter()
        .filter_map(|(name, window)| {
            Some(Choice {
                label: label(&name),
                part: ScreenPart::Window(name),
                size: window_size(&window)?,
                place: None,
            })
        })
        .collect())
}

struct Named {
    name: String,
    monitor: Monitor,
    x: i32,
    y: i32,
    size: Size,
}

impl Named {
    fn is_primary(&self) -> bool {
        (self.x, self.y) == (0, 0)
    }

    fn label(&self) -> String {
        let primary = if self.is_primary() { ", primary" } else { "" };
        format!("Monitor {}{primary}", self.name)
    }

    fn target(self) -> Target {
        Target {
            name: self.label(),
            item: Item::Monitor(self.monitor),
        }
    }
}

/// The primary one first, the others from left to right: like ones are numbered in that order.
fn named_monitors() -> Result<Vec<Named>, CaptureError> {
    let mut found: Vec<_> = Monitor::enumerate()
        .map_err(lost)?
        .into_iter()
        .filter_map(|monitor| {
            let device = monitor.device_name().ok()?;
            let (x, y, size) = sys::windows::display_place(&device)?;
            // Laptops' panels and remote desktops have no name of their own.
            let own = monitor.name().ok().filter(|name| !name.is_empty());
            let name = own.unwrap_or_else(|| device.trim_start_matches("\\\\.\\").to_owned());
            Some(Named {
                name,
                monitor,
                x,
                y,
                size,
            })
        })
        .collect();
    found.sort_by_key(|m| (!m.is_primary(), m.x, m.y));
    let mut names: Vec<_> = found.iter().map(|m| m.name.clone()).collect();
    number_twins(&mut names);
    for (monitor, name) in found.iter_mut().zip(names) {
        monitor.name = name;
    }
    Ok(found)
}

fn named_windows() -> Result<Vec<(WindowName, Window)>, CaptureError> {
    Ok(Window::enumerate()
        .map_err(lost)?
        .into_iter()
        .filter(|window| !sys::windows::is_cloaked(window.as_raw_hwnd()))
        .filter_map(|window| {
            let title = window.title().ok().filter(|title| !title.is_empty())?;
            let app = sys::windows::program_of(window.process_id().ok()?)?;
            Some((WindowName { app, title }, window))
        })
        .collect())
}

fn window_size(window: &Window) -> Option<Size> {
    let side = |length: i32| u32::try_from(length).ok().filter(|length| *length > 0);
    let (width, height) = (window.width().ok()?, window.height().ok()?);
    Some(Size::new(side(width)?, side(height)?))
}

fn label(name: &WindowName) -> String {
    format!("{} ({})", name.title, name.app)
}
