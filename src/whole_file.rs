//! A whole file or the old one: a new file of the same folder is written, flushed to the disk, and renamed over the
//! old one. Blocks for as long as the disk does.

use crate::private;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How new files are named until they are whole.
const PREFIX: &str = ".pd-console-";
/// They are so for as long as the disk takes their bytes; an older one is of a console that was killed.
const OLD: Duration = Duration::from_secs(600);

/// Writes `bytes` to `path`, whose folder is made where it is missing. On Unix only its owner may read it
/// (mode 0600); on Windows the user's folders are private already.
///
/// # Errors
/// The disk's; the old file is as it was.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = followed(path)?;
    // The parent of a bare name is "": here.
    let dir = match target.parent().ok_or(io::ErrorKind::NotFound)? {
        dir if dir.as_os_str().is_empty() => Path::new("."),
        dir => dir,
    };
    private::folder(dir)?;
    // Mode 0600 is tempfile's own on Unix, and the rename keeps it.
    let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// Removes what consoles that were killed in the middle of a writing have left in `folder`, which need not be there.
pub fn clear(folder: &Path, now: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let written = entry.metadata().and_then(|about| about.modified());
        let age = written.ok().and_then(|at| now.duration_since(at).ok());
        if is_one && age.is_some_and(|age| age > OLD) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Where `path` leads: a linked file (kept in a dotfiles folder, say) stays a link. Another user's link is
/// not followed: in a folder that several may write to it could lead to any file of ours. The kernel has
/// the same rule where it opens a file (proc_sys_fs(5), protected_symlinks); a rename never asks it.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.file_type().is_symlink() => {
                if !is_trusted(&meta) {
                    let why = format!("{} is a link that another user made", path.display());
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
                }
                let to = fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(to);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Whether a link is this user's or the system's.
#[cfg(unix)]
fn is_trusted(link: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = link.uid();
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// Making a link takes a privilege here.
#[cfg(not(unix))]
fn is_trusted(_link: &fs::Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn file_and_new_folders_are_private_and_an_own_link_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/folder/a.ron");
        write(&file, b"one").unwrap();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&dir.path().join("new")), 0o700);
        let link = dir.path().join("link");
        symlink("new/folder/a.ron", &link).unwrap();
        write(&link, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // A circle of links ends.
        symlink("circle", dir.path().join("circle")).unwrap();
        assert!(write(&dir.path().join("circle"), b"x").is_err());
    }

    #[test]
    fn what_a_killed_console_has_left_goes_once_it_is_old() {
        let dir = tempfile::tempdir().unwrap();
        let (left, own) = (
            dir.path().join(".pd-console-Ab12"),
            dir.path().join("a.ron"),
        );
        write(&own, b"one").unwrap();
        fs::write(&left, b"half").unwrap();
        let now = SystemTime::now();
        clear(dir.path(), now);
        assert!(left.exists(), "another may be writing it");
        clear(dir.path(), now + 2 * OLD);
        assert!(!left.exists() && own.exists());
        clear(&dir.path().join("not-there"), now);
    }

    /// Only root can make a link of another's; elsewhere the rule itself is looked at.
    #[test]
    fn another_users_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (secret, trap) = (dir.path().join("bashrc"), dir.path().join("export.ron"));
        fs::write(&secret, "mine").unwrap();
        symlink(&secret, &trap).unwrap();
        if std::os::unix::fs::lchown(&trap, Some(65_534), Some(65_534)).is_err() {
            println!("SKIPPED: only root can make another user's link");
            return;
        }
        if rustix::process::geteuid().as_raw() == 65_534 {
            return;
        }
        let error = write(&trap, b"theirs").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
        assert_eq!(fs::read(&secret).unwrap(), b"mine");
    }
}
