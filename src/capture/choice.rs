//! What can be captured on this machine, for the operator to choose from.
//!
//! Called off the window's thread: asking a display server may take its time. Keeps nothing.

use super::CaptureError;
use crate::settings::schema::{ScreenPart, VideoSourceKind};
use crate::units::{Region, Size};
use serde::Serialize;

/// Something that can be captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What the settings need to name it.
    pub part: ScreenPart,
    /// What the operator reads ("Monitor HDMI-1, 1920x1080, primary").
    pub label: String,
    /// Its size in pixels.
    pub size: Size,
    /// Where it lies on the whole desktop, for a picture of the arrangement; None for what has no
    /// fixed place.
    pub place: Option<Region>,
}

/// The kind that [`VideoSourceKind::Screen`] stands for on this desktop: X11 or the portal on
/// Linux, by the session's own words; any other kind stands for itself.
pub fn resolve(kind: VideoSourceKind) -> VideoSourceKind {
    resolve_with(kind, |name| std::env::var(name).ok())
}

fn resolve_with(kind: VideoSourceKind, env: impl Fn(&str) -> Option<String>) -> VideoSourceKind {
    if kind != VideoSourceKind::Screen {
        return kind;
    }
    if cfg!(windows) {
        VideoSourceKind::Windows
    } else if cfg!(target_os = "macos") {
        VideoSourceKind::MacOs
    } else {
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        // DISPLAY is set in a Wayland session too (Xwayland), where it shows X11 windows only.
        let wayland = set("WAYLAND_DISPLAY")
            || env("XDG_SESSION_TYPE").is_some_and(|value| value == "wayland");
        if wayland && cfg!(feature = "pipewire") {
            VideoSourceKind::Portal
        } else {
            VideoSourceKind::X11
        }
    }
}

/// Everything that sources of `kind` can capture now, monitors first.
///
/// The portal lists nothing: there the desktop itself asks the operator.
///
/// # Errors
/// Those of the system, and [`CaptureError::Unsupported`] where this build lacks the kind.
pub fn list(kind: VideoSourceKind) -> Result<Vec<Choice>, CaptureError> {
    match resolve(kind) {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        VideoSourceKind::X11 => super::x11::list(None),
        VideoSourceKind::Portal | VideoSourceKind::Scap | VideoSourceKind::Pattern => {
            Ok(Vec::new())
        }
        other => Err(CaptureError::Unsupported(format!("{other:?}"))),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_wayland_session_is_captured_through_the_portal() {
        let in_session = |vars: &[(&str, &str)]| {
            resolve_with(VideoSourceKind::Screen, |name| {
                let found = vars.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let portal = if cfg!(feature = "pipewire") {
            VideoSourceKind::Portal
        } else {
            VideoSourceKind::X11
        };
        assert_eq!(in_session(&[("DISPLAY", ":0")]), VideoSourceKind::X11);
        let both = [("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0")];
        assert_eq!(in_session(&both), portal);
        assert_eq!(in_session(&[("XDG_SESSION_TYPE", "wayland")]), portal);
        assert_eq!(in_session(&[("WAYLAND_DISPLAY", "")]), VideoSourceKind::X11);
        let named = resolve_with(VideoSourceKind::Pattern, |_| None);
        assert_eq!(named, VideoSourceKind::Pattern);
    }
}
