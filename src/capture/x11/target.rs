//! What of an X server is captured: all of it, a monitor, or a window; finding and listing them.
//!
//! Runs on the capture thread, or on the one that lists. Keeps nothing between two questions.

use super::connection::{Connection, OrLost};
use super::negotiated;
use crate::capture::choice::find_window;
use crate::capture::{CaptureError, Choice};
use crate::settings::{ScreenPart, WindowName};
use crate::units::{Region, Size};
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Screen, Window};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The whole screen.
    Root,
    /// A monitor by name.
    Monitor(String),
    /// A window, by the id that it has now.
    Window {
        id: Window,
        /// For the operator.
        title: String,
    },
}

impl Target {
    /// Finds what the settings name.
    pub(super) fn find(
        connection: &Connection,
        root: Window,
        part: &ScreenPart,
    ) -> Result<Self, CaptureError> {
        match part {
            ScreenPart::Whole => Ok(Self::Root),
            ScreenPart::Monitor(name) => {
                monitor(connection, root, name)?;
                Ok(Self::Monitor(name.clone()))
            }
            ScreenPart::Window(wanted) => {
                let open = windows(connection, root)?.into_iter();
                let open = open.map(|found| (found.name.clone(), found));
                let found = find_window(wanted, open).ok_or_else(|| {
                    CaptureError::Gone(format!("the window “{}” of {}", wanted.title, wanted.app))
                })?;
                Ok(Self::Window {
                    id: found.id,
                    title: found.name.title,
                })
            }
        }
    }

    /// The window that changes, events and pointer are asked of.
    pub(super) fn window(&self, root: Window) -> Window {
        match self {
            Self::Root | Self::Monitor(_) => root,
            Self::Window { id, .. } => *id,
        }
    }

    /// Where it lies in [`Target::window`]'s own pixels.
    pub(super) fn place(
        &self,
        connection: &Connection,
        root: Window,
    ) -> Result<Region, CaptureError> {
        match self {
            Self::Monitor(name) => monitor(connection, root, name),
            Self::Root | Self::Window { .. } => {
                let what = "asking for the size";
                let asked = connection.get_geometry(self.window(root)).or_lost(what)?;
                let got = asked.reply().or_lost(what)?;
                Ok(Region::whole(Size::new(
                    got.width.into(),
                    got.height.into(),
                )))
            }
        }
    }

    /// For the operator, with its size.
    pub(super) fn label(&self, display: &str, size: Size) -> String {
        match self {
            Self::Root => format!("X11 screen {display}, {size}"),
            Self::Monitor(name) => format!("Monitor {name}, {size}"),
            Self::Window { title, .. } => format!("Window “{title}”, {size}"),
        }
    }
}

/// A monitor's rectangle of the root window.
fn monitor(connection: &Connection, root: Window, name: &str) -> Result<Region, CaptureError> {
    let found = monitors(connection, root)?;
    found
        .into_iter()
        .find(|(known, ..)| known == name)
        .map(|(_, place, _)| place)
        .ok_or_else(|| CaptureError::Gone(format!("monitor {name}")))
}

/// Name, place and whether it is the primary one of each active monitor. Empty before RandR 1.5.
fn monitors(
    connection: &Connection,
    root: Window,
) -> Result<Vec<(String, Region, bool)>, CaptureError> {
    let what = "asking for the monitors";
    let has_monitors = negotiated(connection, randr::X11_EXTENSION_NAME, || {
        connection.randr_query_version(1, 5)?.reply().map(|_| ())
    })?;
    if !has_monitors {
        return Ok(Vec::new());
    }
    let asked = connection.randr_get_monitors(root, true).or_lost(what)?;
    let mut found = Vec::new();
    for monitor in asked.reply().or_lost(what)?.monitors {
        let name = connection.get_atom_name(monitor.name).or_lost(what)?;
        let name = String::from_utf8_lossy(&name.reply().or_lost(what)?.name).into_owned();
        let (Ok(x), Ok(y)) = (u32::try_from(monitor.x), u32::try_from(monitor.y)) else {
            continue;
        };
        let size = Size::new(monitor.width.into(), monitor.height.into());
        found.push((name, Region { x, y, size }, monitor.primary));
    }
    Ok(found)
}

/// A window that an operator would know.
struct Found {
    id: Window,
    name: WindowName,
    size: Size,
    is_mapped: bool,
}

/// The window manager's list (EWMH `_NET_CLIENT_LIST`), or the root's children where there is none.
fn windows(connection: &Connection, root: Window) -> Result<Vec<Found>, CaptureError> {
    let what = "asking for the windows";
    let atom = |name: &str| -> Result<u32, CaptureError> {
        let asked = connection.intern_atom(false, name.as_bytes());
        Ok(asked.or_lost(what)?.reply().or_lost(what)?.atom)
    };
    let (list, title, utf8) = (
        atom("_NET_CLIENT_LIST")?,
        atom("_NET_WM_NAME")?,
        atom("UTF8_STRING")?,
    );
    let listed = connection
        .get_property(false, root, list, AtomEnum::WINDOW, 0, 4096)
        .or_lost(what)?
        .reply()
        .or_lost(what)?;
    let ids: Vec<Window> = match listed.value32() {
        Some(ids) if listed.value_len > 0 => ids.collect(),
        _ => {
            let tree = connection.query_tree(root).or_lost(what)?;
            tree.reply().or_lost(what)?.children
        }
    };
    let mut found = Vec::new();
    for id in ids {
        // One that has gone since the list was made is left out: its answers are errors.
        let text = |property: u32, kind: u32| -> Option<String> {
            let asked = connection.get_property(false, id, property, kind, 0, 256);
            let got = asked.ok()?.reply().ok()?;
            (!got.value.is_empty()).then(|| String::from_utf8_lossy(&got.value).into_owned())
        };
        let any: u32 = AtomEnum::ANY.into();
        let name = text(title, utf8).or_else(|| text(AtomEnum::WM_NAME.into(), any));
        let class = text(AtomEnum::WM_CLASS.into(), any);
        let geometry = connection
            .get_geometry(id)
            .ok()
            .and_then(|c| c.reply().ok());
        let attributes = connection
            .get_window_attributes(id)
            .ok()
            .and_then(|c| c.reply().ok());
        let (Some(title), Some(geometry), Some(attributes)) = (name, geometry, attributes) else {
            continue;
        };
        // WM_CLASS is the instance, a zero, the class, a zero (ICCCM 4.1.2.5).
        let app = class.and_then(|class| class.split('\0').nth(1).map(str::to_owned));
        found.push(Found {
            id,
            name: WindowName {
                app: app.unwrap_or_default(),
                title,
            },
            size: Size::new(geometry.width.into(), geometry.height.into()),
            is_mapped: attributes.map_state == MapState::VIEWABLE,
        });
    }
    Ok(found)
}

/// Everything of a screen that can be captured.
pub(super) fn list(
    connection: &Connection,
    screen: &Screen,
    display: &str,
) -> Result<Vec<Choice>, CaptureError> {
    let root = screen.root;
    let whole = Target::Root.place(connection, root)?;
    let mut choices = vec![Choice {
        part: ScreenPart::Whole,
        label: Target::Root.label(display, whole.size),
        size: whole.size,
        place: Some(whole),
    }];
    for (name, place, is_primary) in monitors(connection, root)? {
        let mut label = Target::Monitor(name.clone()).label(display, place.size);
        if is_primary {
            label.push_str(", primary");
        }
        choices.push(Choice {
            part: ScreenPart::Monitor(name),
            label,
            size: place.size,
            place: Some(place),
        });
    }
    for window in windows(connection, root)? {
        let app = if window.name.app.is_empty() {
            String::new()
        } else {
            format!("{}: ", window.name.app)
        };
        let hidden = if window.is_mapped { "" } else { ", minimised" };
        choices.push(Choice {
            label: format!("{app}{}, {}{hidden}", window.name.title, window.size),
            part: ScreenPart::Window(window.name),
            size: window.size,
            place: None,
        });
    }
    Ok(choices)
}

/// Has the server keep the window's pixels apart from the screen, so that what covers it is not in
/// its picture.
pub(super) fn redirect(connection: &Connection, window: Window) -> Result<(), CaptureError> {
    let has_composite = negotiated(connection, composite::X11_EXTENSION_NAME, || {
        connection
            .composite_query_version(0, 4)?
            .reply()
            .map(|_| ())
    })?;
    if !has_composite {
        return Err(CaptureError::Unsupported(
            "a window of an X server without COMPOSITE".into(),
        ));
    }
    connection
        .composite_redirect_window(window, Redirect::AUTOMATIC)
        .or_lost("asking for the window's pixels")?;
    Ok(())
}
