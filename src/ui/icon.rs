//! The program as the desktop knows it: its identifier, by which Wayland and the task bars find the desktop file,
//! and its icon for systems that ask the window. Main thread, once a window; drops nothing.

use eframe::egui::{IconData, ViewportBuilder};
use std::io::Cursor;
use std::sync::Arc;

/// Reverse DNS, as in `[package.metadata.packaging]` of `Cargo.toml`: name of the desktop file, of the AppStream
/// component, of the icons, of the bundle on macOS; Wayland's `app_id` and X11's class of the windows.
pub const APP_ID: &str = "org.pdconsole.PdConsole";

/// Most that a task switcher shows without scaling up; Windows and X11 scale it down.
const PICTURE: &[u8] = include_bytes!("../../assets/icon/128.png");

/// The same window with the program's name and picture to the desktop.
#[must_use]
pub fn with_identity(window: ViewportBuilder) -> ViewportBuilder {
    let window = window.with_app_id(APP_ID);
    match picture() {
        Some(picture) => window.with_icon(Arc::new(picture)),
        // A window without its picture is still a window.
        None => window,
    }
}

/// None where the file is none of 8-bit RGBA: a test holds that it is.
fn picture() -> Option<IconData> {
    let mut reader = png::Decoder::new(Cursor::new(PICTURE)).read_info().ok()?;
    let mut rgba = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut rgba).ok()?;
    let is_rgba = info.color_type == png::ColorType::Rgba && info.bit_depth == png::BitDepth::Eight;
    is_rgba.then_some(IconData {
        rgba,
        width: info.width,
        height: info.height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_read() {
        let picture = picture().expect("a picture");
        assert_eq!((picture.width, picture.height), (128, 128));
        assert_eq!(picture.rgba.len(), 128 * 128 * 4);
        let at = |x: usize, y: usize| &picture.rgba[(y * 128 + x) * 4..][..4];
        assert_eq!(at(0, 0)[3], 0, "corners are clear");
        let lamp = at(100, 36);
        assert!(lamp[0] > 180 && lamp[1] < 60 && lamp[2] < 60, "{lamp:?}");
    }

    #[test]
    fn the_identifier_is_the_packages() {
        let manifest = include_str!("../../Cargo.toml");
        let line = format!("identifier = \"{APP_ID}\"");
        assert!(manifest.lines().any(|l| l == line), "{line}");
    }
}
