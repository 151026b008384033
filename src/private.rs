//! Folders and files for this user alone, private from the moment they are made. Blocks as long as
//! the disk does; called from whatever thread keeps something.
//!
//! Unix: folders 0700, files 0600, whatever the umask. Windows: the user's profile folders are closed to
//! others by what they inherit; a folder named in `PD_CONSOLE_CONFIG_DIR`, and that of portable mode, have the rights of where they are.

use std::io;
use std::path::Path;

/// Makes a folder, and those above it that are missing, for this user alone; what exists stays as it is.
///
/// # Errors
/// The system's.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file that is there to be locked, for this user alone; `make` makes it where it is missing, but no
/// folder. What is in it stays.
///
/// # Errors
/// The system's.
pub fn lock_file(path: &Path, make: bool) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(make).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Has all that this process and its children create from now on be for this user alone, the log's files
/// among it; gives back the umask before. To be called before there is a second thread.
#[cfg(unix)]
pub fn by_default() -> rustix::fs::Mode {
    use rustix::fs::Mode;
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let _ = OPERATORS.set(before);
    before
}

/// The umask that the operator had.
#[cfg(unix)]
static OPERATORS: std::sync::OnceLock<rustix::fs::Mode> = std::sync::OnceLock::new();

/// Gives a file that is the operator's own work (a recording) the rights that any program's files of
/// theirs have: by the umask from before [`by_default`].
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn as_the_operators(file: &std::fs::File) -> io::Result<()> {
    use rustix::fs::{Mode, fchmod};
    let Some(umask) = OPERATORS.get() else {
        return Ok(());
    };
    let all = Mode::from_raw_mode(0o666);
    fchmod(file, all.difference(*umask)).map_err(io::Error::from)
}

/// Files have the folder's rights here.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn as_the_operators(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_folder_is_private_and_an_old_one_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let new = open.join("a/b");
        folder(&new).unwrap();
        folder(&new).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&new), 0o700);
        assert_eq!(mode(&open.join("a")), 0o700);
        assert_eq!(mode(&open), 0o755);
    }
}
