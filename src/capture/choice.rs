//! What can be captured on this machine, for the operator to choose from.
//!
//! Called off the window's thread: asking a display server may take its time. Keeps nothing.

use super::CaptureError;
use crate::settings::schema::{ScreenPart, VideoSourceKind, WindowName};
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
        #[cfg(windows)]
        VideoSourceKind::Windows => super::windows::list(),
        #[cfg(target_os = "macos")]
        VideoSourceKind::MacOs => super::macos::list(),
        other => Err(CaptureError::Unsupported(format!("{other:?}"))),
    }
}

/// The window that `wanted` names among those that are open: by program and title; by the program
/// alone where it has one window only, since titles change with the document. None where none
/// fits, or where several might.
pub fn find_window<T>(
    wanted: &WindowName,
    open: impl IntoIterator<Item = (WindowName, T)>,
) -> Option<T> {
    let mut of_program: Vec<_> = open
        .into_iter()
        .filter(|(name, _)| name.app == wanted.app)
        .collect();
    let exact = of_program
        .iter()
        .position(|(name, _)| name.title == wanted.title);
    match (exact, of_program.len()) {
        (Some(at), _) => Some(of_program.swap_remove(at).1),
        // Windows that name no program have nothing in common.
        (None, 1) if !wanted.app.is_empty() => of_program.pop().map(|(_, window)| window),
        (None, _) => None,
    }
}

/// The one of `open` whose title is `text`, or else the only one that has it in its title.
///
/// # Errors
/// Where there is none, or several; the text says which.
pub fn window_titled(text: &str, open: &[Choice]) -> Result<ScreenPart, String> {
    let titled = |fits: fn(&str, &str) -> bool| {
        let windows = open.iter().map(|choice| &choice.part);
        windows.filter(move |part| match part {
            ScreenPart::Window(name) => fits(&name.title, text),
            ScreenPart::Whole | ScreenPart::Monitor(_) => false,
        })
    };
    if let Some(exact) = titled(|title, text| title == text).next() {
        return Ok(exact.clone());
    }
    let partly: Vec<_> = titled(|title, text| title.contains(text)).collect();
    match partly.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(format!(
            "no window has `{text}` in its title; `pd-console sources` lists them"
        )),
        several => Err(format!(
            "{} windows have `{text}` in their title; give more of it (`pd-console sources` lists them)",
            several.len()
        )),
    }
}

/// Makes names of like monitors distinct: the second "DELL U2720Q" becomes "DELL U2720Q (2)".
pub fn number_twins(names: &mut [String]) {
    for at in (1..names.len()).rev() {
        let (before, rest) = names.split_at_mut(at);
        let like = before.iter().filter(|name| **name == rest[0]).count();
        if like > 0 {
            rest[0] = format!("{} ({})", rest[0], like + 1);
        }
    }
}

/// Where rectangles of a desktop with any origin lie on the picture of all of them: systems place
/// monitors left of and above the primary one at negative coordinates.
pub fn places(rectangles: &[(i32, i32, Size)]) -> Vec<Region> {
    let left = rectangles.iter().map(|r| r.0).min().unwrap_or_default();
    let top = rectangles.iter().map(|r| r.1).min().unwrap_or_default();
    let place = |&(x, y, size): &(i32, i32, Size)| Region {
        x: x.abs_diff(left),
        y: y.abs_diff(top),
        size,
    };
    rectangles.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(app: &str, title: &str) -> WindowName {
        WindowName {
            app: app.into(),
            title: title.into(),
        }
    }

    #[test]
    fn a_window_is_named_by_its_title_or_enough_of_it() {
        let window = |title: &str| Choice {
            part: ScreenPart::Window(named("App", title)),
            label: title.into(),
            size: Size::new(16, 16),
            place: None,
        };
        let monitor = Choice {
            part: ScreenPart::Monitor("News".into()),
            ..window("")
        };
        let open = [
            monitor,
            window("News"),
            window("News at ten"),
            window("Deck"),
        ];
        let titled = |text| window_titled(text, &open);
        assert_eq!(titled("News").unwrap(), open[1].part);
        assert_eq!(titled("ten").unwrap(), open[2].part);
        assert_eq!(titled("De").unwrap(), open[3].part);
        assert!(titled("Ne").unwrap_err().contains("2 windows"));
        assert!(titled("Bank").unwrap_err().contains("no window"));
    }

    #[test]
    fn a_window_without_a_program_is_found_by_its_title_only() {
        let open = || [(named("", "Notes"), 1)];
        assert_eq!(find_window(&named("", "Notes"), open()), Some(1));
        assert_eq!(find_window(&named("", "Other"), open()), None);
    }

    #[test]
    fn a_window_is_found_by_title_or_where_its_program_has_but_one() {
        let open = || {
            [
                (named("a.exe", "One"), 1),
                (named("b.exe", "Two"), 2),
                (named("b.exe", "Three"), 3),
            ]
        };
        assert_eq!(find_window(&named("b.exe", "Three"), open()), Some(3));
        assert_eq!(find_window(&named("a.exe", "Renamed"), open()), Some(1));
        assert_eq!(find_window(&named("b.exe", "Renamed"), open()), None);
        assert_eq!(find_window(&named("c.exe", "One"), open()), None);
    }

    #[test]
    fn like_monitors_are_numbered() {
        let mut names = ["A", "B", "A", "A", "B"].map(String::from);
        number_twins(&mut names);
        assert_eq!(names, ["A", "B", "A (2)", "A (3)", "B (2)"]);
    }

    #[test]
    fn monitors_left_of_the_primary_one_have_places_too() {
        let size = Size::new(1920, 1080);
        let found = places(&[(0, 0, size), (-1920, 200, size), (1920, -100, size)]);
        let at: Vec<_> = found.iter().map(|r| (r.x, r.y)).collect();
        assert_eq!(at, [(1920, 100), (0, 300), (3840, 0)]);
        assert!(places(&[]).is_empty());
    }
}

#[cfg(all(test, target_os = "linux"))]
mod linux_tests {
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
