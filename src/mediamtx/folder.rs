//! The private folder of a managed server: its configuration with the generated password. For this user alone, in
//! the runtime folder where there is one, else in the temporary one; removed at the end. A console that was killed
//! cannot remove it, so the next one does: the folder has a file that its owner holds locked, and the system gives
//! that lock back with the process. Blocks on the disk only.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

const PREFIX: &str = "pd-mediamtx-";
const LOCK: &str = "lock";
/// One without a lock may be about to get it.
const YOUNG: Duration = Duration::from_secs(60);

/// A folder that is there as long as this.
#[derive(Debug)]
pub struct PrivateFolder {
    // Windows removes no folder with an open file in it.
    lock: Option<File>,
    folder: tempfile::TempDir,
}

impl PrivateFolder {
    /// Makes one, and removes those of dead consoles beside it.
    ///
    /// # Errors
    /// The disk's.
    pub fn make() -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
        if let Some(made) = runtime.and_then(|dir| Self::make_in(Path::new(&dir)).ok()) {
            return Ok(made);
        }
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> io::Result<Self> {
        remove_dead(parent, SystemTime::now());
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(parent)?;
        // Where files cannot be locked it is removed at the end all the same.
        let lock = File::create(folder.path().join(LOCK))?;
        let lock = lock.try_lock().is_ok().then_some(lock);
        Ok(Self { lock, folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        self.lock = None;
    }
}

/// Removes the folders of dead consoles in `parent`: their lock can be had.
fn remove_dead(parent: &Path, now: SystemTime) {
    let entries = fs::read_dir(parent).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Not through a link: someone else may have laid one there.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !(is_one && is_folder) {
            continue;
        }
        let dead = match File::options().write(true).open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = entry.metadata().and_then(|meta| meta.modified());
                let age = made.ok().and_then(|made| now.duration_since(made).ok());
                age.is_some_and(|age| age > YOUNG)
            }
            // Another user's.
            Err(_) => false,
        };
        if dead && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::debug!("{} is left: {error}", entry.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_dead_console_goes_and_a_living_ones_stays() {
        let parent = tempfile::tempdir().unwrap();
        let living = PrivateFolder::make_in(parent.path()).unwrap();
        let dead = parent.path().join("pd-mediamtx-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("mediamtx.yml"), "a password").unwrap();
        let new = parent.path().join("pd-mediamtx-new");
        fs::create_dir(&new).unwrap();
        let other = parent.path().join("someone-elses");
        fs::create_dir(&other).unwrap();
        let second = PrivateFolder::make_in(parent.path()).unwrap();
        assert!(living.path().exists() && second.path().exists());
        assert!(!dead.exists(), "it holds a password");
        assert!(new.exists(), "it may be about to get its lock");
        remove_dead(parent.path(), SystemTime::now() + 2 * YOUNG);
        assert!(!new.exists());
        assert!(other.exists() && living.path().exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
