//! When the console itself fails: a report of it on the disk, offered at the next start, and the same text as
//! diagnostics at any time.
//!
//! - [`masks`] knows every secret of this process and takes them out of what is written.
//! - [`tail`] keeps the newest lines of the program's log in memory.
//! - [`facts`] holds what a report says besides: versions, settings, what the show was doing last.
//! - [`report`] makes the text of it, and reads its head again; pure.
//! - [`mod@folder`] keeps the newest reports and knows which the operator has seen.
//! - [`hook`] writes one where a thread panics.
//! - [`running`] leaves a mark on the disk while the console runs, by which the next start sees that a run did not
//!   end in order: killed, out of power, a driver that crashed. No code of ours can run then.
//! - [`provoke`] makes a thread fail where a test asks for it; not in a release build.
//!
//! Nothing here is on the way of a picture: reports are written on threads of their own (`pd-report`, `pd-mark`).

pub mod diagnostics;
pub mod facts;
pub mod folder;
pub mod hook;
pub mod masks;
pub mod provoke;
pub mod report;
pub mod running;
pub mod tail;

use crate::folders;
use crate::settings::Secrets;
use std::path::PathBuf;

/// The folder of reports in the state folder.
const FOLDER: &str = "crash";

/// Where reports and marks are; None where no home folder is known.
pub fn folder() -> Option<PathBuf> {
    Some(folders::state()?.join(FOLDER))
}

/// From the program's start: secrets of the environment are masked, a panic makes a report, and where a show can be
/// made (`marks`) this run is marked on the disk. What dead runs left is made a report of, before.
pub fn begin(what: &'static str, marks: bool) -> Option<running::Mark> {
    masks::hide_all(&Secrets::from_env());
    facts::began(what);
    let folder = folder();
    hook::install(folder.clone());
    let folder = folder.filter(|_| marks)?;
    running::Mark::leave(&folder, crate::logging::folder().as_deref())
}
