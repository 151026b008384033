//! The window. Shows snapshots of a session and sends it commands, nothing more: with the window
//! minimised or closed nothing of a show changes. All of it runs on the main thread, which never
//! blocks; a snapshot that it was too slow to draw is simply skipped.

pub mod actions;
pub mod alone;
pub mod app;
#[cfg(all(target_os = "linux", feature = "x11"))]
mod away;
pub mod commands;
pub mod damage;
pub mod dock;
pub mod feed;
pub mod files;
pub mod fonts;
pub mod frames;
pub mod guard;
pub mod hotkeys;
pub mod i18n;
pub mod icon;
pub mod keep;
pub mod keys;
pub mod look;
pub mod numbers;
pub mod panels;
pub mod pattern;
pub mod place;
pub mod retained;
pub mod start;
pub mod theme;
pub mod toasts;
pub mod view;
pub mod widgets;
pub mod windowless;

pub use actions::Action;
pub use app::{Window, run};
pub use start::run_console;

/// All source files of the window, for tests that read them.
#[cfg(test)]
pub(crate) fn sources() -> Vec<(std::path::PathBuf, String)> {
    fn collect(folder: &std::path::Path, into: &mut Vec<(std::path::PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                into.push((path, text));
            }
        }
    }
    let mut files = Vec::new();
    collect(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui"),
        &mut files,
    );
    assert!(files.len() > 10, "the scan found {} files", files.len());
    files
}
