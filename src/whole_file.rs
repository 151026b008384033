//! A whole file or the old one: a new file of the same folder is written, flushed to the disk, and renamed over the
//! old one. Blocks for as long as the disk does.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path`, whose folder is made where it is missing. On Unix only its owner may read it
/// (mode 0600); on Windows the user's folders are private already.
///
/// # Errors
/// The disk's; the old file is as it was.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A linked file (kept in a dotfiles folder, say) stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // The parent of a bare name is "": here.
    let dir = match target.parent().ok_or(io::ErrorKind::NotFound)? {
        dir if dir.as_os_str().is_empty() => Path::new("."),
        dir => dir,
    };
    fs::create_dir_all(dir)?;
    // Mode 0600 is tempfile's own on Unix, and the rename keeps it.
    let mut file = tempfile::Builder::new()
        .prefix(".pd-console-")
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}
