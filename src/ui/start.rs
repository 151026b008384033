//! From the program's start to the window and back: settings, session, window, end.

use super::alone::{Other, alone};
use super::app::Start;
use super::keep::Keeper;
use super::windowless;
use crate::crash;
use crate::session::failure::{Failure, FailureKind};
use crate::session::journal::Journal;
use crate::session::runtime::Options;
use crate::session::{Command, Console, Session};
use crate::settings::store::config_dir;
use crate::settings::{Secrets, load};
use crate::stop::StopToken;
use std::sync::Arc;
use std::time::Duration;

/// From a signal to the end at the latest. A show takes two seconds to end in order.
const LEAVE_WITHIN: Duration = Duration::from_millis(2500);

/// Runs the console with its window until that is closed or `leave` is set (a signal, a log-out), then ends the show
/// and every child. Where a window is open with the same settings that one comes to the front instead, unless
/// `another` is wished for.
///
/// # Errors
/// Where no window can be opened, with what else can be done.
pub fn run_console(leave: &StopToken, another: bool) -> Result<(), Failure> {
    if !has_display() {
        return Err(no_window("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    let journal = Journal::new();
    let folder = config_dir().ok();
    let taken = folder.as_deref().map(|folder| alone(folder, !another));
    let alone = match taken.transpose() {
        Ok(alone) => alone.flatten().map(Arc::new),
        Err(other) if another => {
            journal.warn(second_window(&other));
            None
        }
        Err(other) if other.raised => {
            eprintln!(
                "pd-console: the console runs already ({}) and its window comes to the front. \
                 `pd-console --another` opens a second one.",
                other.who
            );
            return Ok(());
        }
        Err(other) => return Err(does_not_answer(&other)),
    };
    let loaded = load();
    // Two windows would write over each other's layout: the first one's is kept.
    let keeper = folder.filter(|_| alone.is_some() || !another);
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
    leave_when(leave, &console)?;
    windowless::outlive_x(&console);
    let reports = crash::folder().map(|folder| crash::folder::unseen(&folder));
    let start = Start {
        keeper,
        leave: leave.clone(),
        reports: reports.unwrap_or_default(),
        alone: alone.clone(),
    };
    let result = super::app::run_kept(console.clone(), start);
    if result.is_err() {
        windowless::go_on(&*console);
    }
    drop((console, alone));
    // The last holder ends the show.
    drop(session);
    // It has ended as it was told to, only without its window.
    if windowless::is() {
        return Ok(());
    }
    result.map_err(|e| no_window(&e.to_string()))
}

fn second_window(other: &Other) -> String {
    format!(
        "another window ({}) has the same settings. Each keeps what is changed in it, and where both change the same \
         the later one stays. The layout of this window is not kept.",
        other.who
    )
}

fn does_not_answer(other: &Other) -> Failure {
    if other.is_windowless {
        return Failure::new(
            FailureKind::Taken,
            format!(
                "the console runs already ({}), without a window: its screen is gone and its show goes on. End that show \
                 (the remote control, or `kill` with the process's number), or open a second window with \
                 `pd-console --another`",
                other.who
            ),
        );
    }
    Failure::new(
        FailureKind::Taken,
        format!(
            "the console runs already ({}) and does not answer. End it, or open a second window with \
             `pd-console --another`",
            other.who
        ),
    )
}

/// The show ends as soon as `leave` is set, and the window with it: or the program without it, where its thread does
/// not come back.
fn leave_when(leave: &StopToken, console: &Arc<dyn Console + Send + Sync>) -> Result<(), Failure> {
    let (leave, console) = (leave.clone(), Arc::downgrade(console));
    let work = move || {
        while !leave.sleep(Duration::from_secs(3600)) {}
        if let Some(console) = console.upgrade() {
            console.send(Command::Quit);
        }
        std::thread::sleep(LEAVE_WITHIN);
        tracing::warn!("the window does not close; the program ends without it");
        crate::crash::running::ends_on_purpose();
        std::process::exit(0);
    };
    std::thread::Builder::new()
        .name("pd-leave".into())
        .spawn(work)
        .map(drop)
        .map_err(|e| Failure::new(FailureKind::Internal, e))
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
