//! Where the program `pd-scap-source` is: `PD_CONSOLE_SCAP`, beside the console, PATH. Asks the disk
//! only; runs on the capture thread.

use crate::capture::CaptureError;
use crate::ffmpeg::locate::{folders_of, usable, whole};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Environment variable that names the program.
pub const PROGRAM_ENV: &str = "PD_CONSOLE_SCAP";
const NAME: &str = "pd-scap-source";
const BUILD: &str = "cargo build --release --locked --manifest-path helpers/scap-source/Cargo.toml";

/// Finds the program. A path that was named must be right: it is an error where it is not, never a
/// reason to take another.
pub(super) fn program() -> Result<PathBuf, CaptureError> {
    let console = std::env::current_exe().ok();
    search(
        std::env::var_os(PROGRAM_ENV).as_deref().map(Path::new),
        console.as_deref().and_then(Path::parent),
        std::env::var_os("PATH").as_deref(),
    )
}

fn search(
    from_env: Option<&Path>,
    beside: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, CaptureError> {
    if let Some(named) = from_env {
        return usable(named).map(|()| whole(named)).map_err(|why| {
            CaptureError::Gone(format!(
                "the program {} that {PROGRAM_ENV} names ({why})",
                named.display()
            ))
        });
    }
    beside
        .map(Path::to_path_buf)
        .into_iter()
        .chain(folders_of(path))
        .map(|folder| folder.join(NAME))
        .find(|candidate| usable(candidate).is_ok())
        .ok_or_else(|| {
            CaptureError::Gone(format!(
                "the program {NAME}, which captures through scap (build it with `{BUILD}`, and put it beside \
                 the console or into PATH, or name it in {PROGRAM_ENV}),"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(folder: &Path, mode: u32) -> PathBuf {
        let path = folder.join(NAME);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn named_then_beside_then_path() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (in_a, in_b) = (file(a.path(), 0o755), file(b.path(), 0o755));
        let search = |env: Option<&Path>| search(env, Some(a.path()), Some(b.path().as_os_str()));
        assert_eq!(search(None).unwrap(), in_a);
        assert_eq!(search(Some(&in_b)).unwrap(), in_b);
        // One that cannot run is passed over; a named one never is.
        file(a.path(), 0o644);
        assert_eq!(search(None).unwrap(), in_b);
        let named = search(Some(&in_a)).unwrap_err().to_string();
        assert!(named.contains("not executable"), "{named}");
    }

    #[test]
    fn a_missing_program_says_how_to_build_it() {
        let error = search(None, None, None).unwrap_err().to_string();
        assert!(error.contains("cargo build"), "{error}");
        assert!(error.contains(PROGRAM_ENV), "{error}");
    }
}
