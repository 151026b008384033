//! From the program's start to the window and back: settings, session, window, end.

use super::keep::Keeper;
use crate::session::failure::{Failure, FailureKind};
use crate::session::journal::Journal;
use crate::session::runtime::Options;
use crate::session::{Console, Session};
use crate::settings::store::config_dir;
use crate::settings::{Secrets, load};
use std::sync::Arc;

/// Runs the console with its window until that is closed, then ends the show and every child.
///
/// # Errors
/// Where no window can be opened, with what else can be done.
pub fn run_console() -> Result<(), Failure> {
    if !has_display() {
        return Err(no_window("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    let loaded = load();
    let journal = Journal::new();
    let keeper = config_dir().ok();
    let keeper = keeper.map(|folder| Keeper::open(&folder, journal.clone()));
    for note in &loaded.notes {
        journal.warn(note.clone());
    }
    let (viewer_key, why) = crate::viewer::key::Keeper::of_user_or_memory();
    why.into_iter().for_each(|why| journal.warn(why));
    let options = Options {
        first_run: loaded.is_new,
        viewer_key,
        ..Options::default()
    };
    let session = Session::start(
        loaded.settings,
        Secrets::from_env(),
        options,
        journal,
        Some(loaded.store),
    )
    .map_err(|e| Failure::new(FailureKind::Internal, e))?;
    let session = Arc::new(session);
    let console: Arc<dyn Console + Send + Sync> = session.clone();
    let result = super::app::run_kept(console, keeper);
    // The last holder ends the show.
    drop(session);
    result.map_err(|e| no_window(&e.to_string()))
}

/// Whether a window has anywhere to be. Asked beforehand: winit's own words name its source files.
pub(super) fn has_display() -> bool {
    let names = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    !cfg!(target_os = "linux") || names.iter().any(is_set)
}

fn no_window(why: &str) -> Failure {
    Failure::new(
        FailureKind::NoDisplay,
        format!(
            "no window can be opened: {why}. Start the console in a desktop session, or use `pd-console live` without a window"
        ),
    )
}
