//! Where ffmpeg is: settings, `PD_CONSOLE_FFMPEG`, beside the program, PATH, the usual places.

use super::FfmpegError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Environment variable that names ffmpeg.
pub const FFMPEG_ENV: &str = "PD_CONSOLE_FFMPEG";

/// Places that a desktop session's PATH often lacks: Homebrew on both architectures and on Linux,
/// MacPorts, Snap; Chocolatey and Program Files. On Windows only folders that not every user may
/// write to.
pub const USUAL: &[&str] = if cfg!(windows) {
    &[
        "C:\\ProgramData\\chocolatey\\bin",
        "C:\\Program Files\\ffmpeg\\bin",
        "C:\\Program Files\\ffmpeg",
    ]
} else {
    &[
        "/opt/homebrew/bin",
        "/usr/local/bin",
        "/usr/bin",
        "/opt/local/bin",
        "/home/linuxbrew/.linuxbrew/bin",
        "/snap/bin",
    ]
};

/// Finds ffmpeg in the order of the module's line. A path that was named must be right: it is an
/// error where it is not, never a reason to take another.
///
/// # Errors
/// [`FfmpegError::NotFound`] or [`FfmpegError::CannotRun`].
pub fn ffmpeg(from_settings: Option<&Path>) -> Result<PathBuf, FfmpegError> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|p| p.parent().map(Path::to_path_buf));
    search(
        from_settings,
        std::env::var_os(FFMPEG_ENV).as_deref().map(Path::new),
        beside.as_deref(),
        std::env::var_os("PATH").as_deref(),
    )
}

fn search(
    from_settings: Option<&Path>,
    from_env: Option<&Path>,
    beside: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, FfmpegError> {
    if let Some(named) = from_settings.or(from_env) {
        return usable(named)
            .map(|()| named.to_path_buf())
            .map_err(|why| FfmpegError::CannotRun {
                path: named.display().to_string(),
                why,
            });
    }
    let name = if cfg!(windows) {
        "ffmpeg.exe"
    } else {
        "ffmpeg"
    };
    let mut folders: Vec<PathBuf> = beside.map(Path::to_path_buf).into_iter().collect();
    folders.extend(path.map(std::env::split_paths).into_iter().flatten());
    folders.extend(USUAL.iter().map(PathBuf::from));
    let mut broken = None;
    for folder in &folders {
        let candidate = folder.join(name);
        match usable(&candidate) {
            Ok(()) => return Ok(candidate),
            // Something of the name that cannot run says more than "not found".
            Err(why) if candidate.exists() => {
                broken.get_or_insert(FfmpegError::CannotRun {
                    path: candidate.display().to_string(),
                    why,
                });
            }
            Err(_) => {}
        }
    }
    Err(broken.unwrap_or_else(|| FfmpegError::NotFound {
        looked: folders
            .iter()
            .map(|f| f.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    }))
}

/// Whether a program may be started from `path`, as far as the disk tells.
///
/// # Errors
/// Why not, in the system's words or ours.
pub fn usable(path: &Path) -> Result<(), String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if meta.is_dir() {
        return Err("it is a folder".into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if meta.permissions().mode() & 0o111 == 0 {
            return Err("it is not executable".into());
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(folder: &Path, mode: u32) -> PathBuf {
        let path = folder.join("ffmpeg");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_order_is_kept() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (in_a, in_b) = (file(a.path(), 0o755), file(b.path(), 0o755));
        let found = |s: Option<&Path>, e: Option<&Path>| {
            search(s, e, Some(a.path()), Some(b.path().as_os_str())).unwrap()
        };
        assert_eq!(found(None, None), in_a);
        assert_eq!(found(Some(&in_b), Some(&in_a)), in_b);
        assert_eq!(found(None, Some(&in_b)), in_b);
    }

    #[test]
    fn a_named_path_that_is_wrong_is_an_error_not_a_reason_to_take_another() {
        let dir = tempfile::tempdir().unwrap();
        let good = file(dir.path(), 0o755);
        let named = dir.path().join("nothing");
        let error = search(Some(&named), None, good.parent(), None).unwrap_err();
        assert!(matches!(error, FfmpegError::CannotRun { .. }), "{error}");
    }

    #[test]
    fn not_executable_and_a_folder_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let plain = file(dir.path(), 0o644);
        assert!(
            search(Some(&plain), None, None, None)
                .unwrap_err()
                .to_string()
                .contains("not executable")
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ffmpeg")).unwrap();
        let named = folder.path().join("ffmpeg");
        assert!(
            search(Some(&named), None, None, None)
                .unwrap_err()
                .to_string()
                .contains("folder")
        );
    }
}
