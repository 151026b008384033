//! Where the console keeps what it keeps, and whether it can.

use super::Area;
use super::guard::{Lane, Look};
use crate::folders::{self, CONFIG_DIR_ENV, Place};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A network drive may take its time.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn check(lane: &Lane) {
    lane.look(Area::Files, LIMIT, |_, _| vec![look()]);
}

fn look() -> Look {
    let (Some(config), Some(state)) = (folders::config(), folders::state()) else {
        return Look::warning(
            "no home folder is known: settings and log are not kept",
            format!("set {CONFIG_DIR_ENV} to a folder"),
        );
    };
    for folder in [&config, &state] {
        if let Err(error) = try_out(folder) {
            return refused(folder, &error);
        }
    }
    Look::ok(match folders::place() {
        Place::Portable(folder) => format!(
            "portable mode: everything is kept beside the program, in {}",
            folder.display()
        ),
        Place::Named(folder) => format!(
            "everything is kept in {}, as {CONFIG_DIR_ENV} says",
            folder.display()
        ),
        Place::System => format!(
            "settings are kept in {}, log and reports in {}",
            config.display(),
            state.display()
        ),
    })
}

fn refused(folder: &Path, error: &io::Error) -> Look {
    Look::warning(
        format!("{} cannot be written: {error}", folder.display()),
        "settings, log and reports are not kept: check the folder's permissions and free space",
    )
}

fn try_out(folder: &Path) -> io::Result<()> {
    crate::private::folder(folder)?;
    tempfile::tempfile_in(folder).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_is_told_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        try_out(&dir.path().join("new")).unwrap();
        let error = try_out(&file.join("below")).unwrap_err();
        let look = refused(&file, &error);
        assert_eq!(look.outcome, Outcome::Warning);
        assert!(look.found.contains("cannot be written"), "{look:?}");
        assert!(!look.fix.is_empty());
    }
}
