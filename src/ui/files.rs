//! The system's dialogs for choosing a file: each on a thread `pd-file-dialog` of its own, because it
//! stays open as long as the operator likes. On Linux they are the desktop portal's; where there is none
//! nothing comes back, and the path is typed.
//!
//! One dialog at a time; a second wish while one is open is dropped.

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use std::path::PathBuf;

/// What kind of file, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Over the dialog.
    pub title: String,
    /// Words for the kind of file.
    pub kind: String,
    /// The name that is proposed; None opens a file that is there.
    pub save_as: Option<String>,
}

/// What a dialog came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// A file.
    File(PathBuf),
    /// None: the operator thought better of it, or there is no dialog here.
    Nothing,
}

/// Tells of a fault before there is a window, in the system's language (there are no settings yet), in a box of the system's (Windows, macOS; the portal of Linux has none). On
/// the main thread; blocks until it is closed.
pub fn tell(what: &str) {
    #[cfg(any(windows, target_os = "macos"))]
    rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title("PD console")
        .set_description(super::i18n::Texts::new(crate::settings::Language::Auto).say(what))
        .show();
    #[cfg(not(any(windows, target_os = "macos")))]
    let _ = what;
}

/// The dialog that is open, if any.
#[derive(Default)]
pub struct Dialog {
    answer: Option<Receiver<Chosen>>,
}

impl Dialog {
    /// Whether one is open.
    pub fn is_open(&self) -> bool {
        self.answer.is_some()
    }

    /// Opens one. On Windows and macOS the system's own; the window goes on meanwhile.
    pub fn open(&mut self, wish: Wish) {
        if self.is_open() {
            return;
        }
        let (reply, answer) = bounded(1);
        let started = std::thread::Builder::new()
            .name("pd-file-dialog".into())
            .spawn(move || {
                let _ = reply.send(ask(wish));
            });
        if started.is_ok() {
            self.answer = Some(answer);
        }
    }

    /// What the open one has come to, once.
    pub fn chosen(&mut self) -> Option<Chosen> {
        match self.answer.as_ref()?.try_recv() {
            Ok(chosen) => {
                self.answer = None;
                Some(chosen)
            }
            Err(TryRecvError::Empty) => None,
            // The thread panicked.
            Err(TryRecvError::Disconnected) => {
                self.answer = None;
                Some(Chosen::Nothing)
            }
        }
    }
}

fn ask(wish: Wish) -> Chosen {
    use crate::settings::profiles::ENDING;
    let dialog = rfd::FileDialog::new()
        .set_title(wish.title)
        .add_filter(wish.kind, &[ENDING]);
    let path = match wish.save_as {
        Some(name) => dialog.set_file_name(name).save_file(),
        None => dialog.pick_file(),
    };
    path.map_or(Chosen::Nothing, Chosen::File)
}
