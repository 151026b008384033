//! Files that an installation writes beside their place. Their owner holds them locked as long as it lives, and the system
//! gives that lock back with the process, so that the next installation and the next start know those of a console that
//! was killed, and take them away: 30 MB each. Blocks on the disk only.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

const PREFIX: &str = ".pd-install-";
/// An empty one may be about to be locked.
const YOUNG: Duration = Duration::from_secs(60);

/// An empty file of this kind in `folder`, for this user alone.
///
/// # Errors
/// The disk's.
pub(crate) fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempfile_in(folder)?;
    // Where files cannot be locked it goes at the end all the same, unless the end is a kill.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Removes those of dead consoles in `folder`, which need not be there.
pub fn clear(folder: &Path) {
    clear_at(folder, SystemTime::now());
}

fn clear_at(folder: &Path, now: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Not through a link: someone else may have laid one there.
        if !is_one || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if is_dead(&entry.path(), now).unwrap_or(false)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::debug!("{} is left: {error}", entry.path().display());
        }
    }
}

fn is_dead(path: &Path, now: SystemTime) -> io::Result<bool> {
    let file = File::options().write(true).open(path)?;
    if file.try_lock().is_err() {
        return Ok(false);
    }
    let about = file.metadata()?;
    let age = now.duration_since(about.modified()?).unwrap_or_default();
    Ok(about.len() > 0 || age > YOUNG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_a_dead_console_has_left_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        clear(&folder.join("not-there"));
        let mut living = new_in(folder).unwrap();
        living.write_all(b"half of it").unwrap();
        let empty = new_in(folder).unwrap();
        fs::write(folder.join(".pd-install-dead"), b"half of it").unwrap();
        fs::write(folder.join(".pd-install-young"), b"").unwrap();
        fs::write(folder.join("mediamtx"), b"the program").unwrap();
        clear(folder);
        assert!(!folder.join(".pd-install-dead").exists());
        assert!(folder.join(".pd-install-young").exists(), "to be locked");
        clear_at(folder, SystemTime::now() + 2 * YOUNG);
        assert!(!folder.join(".pd-install-young").exists());
        assert!(living.path().exists() && empty.path().exists());
        assert!(folder.join("mediamtx").exists());
    }
}
