//! Where ffmpeg is: settings, `PD_CONSOLE_FFMPEG`, beside the program (where packages bundle it), where
//! `pd-console ffmpeg install` puts it, PATH, the usual places. Looks at the disk, starts nothing.

use super::FfmpegError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Environment variable that names ffmpeg.
pub const FFMPEG_ENV: &str = "PD_CONSOLE_FFMPEG";

/// The program's file name on this system.
pub const NAME: &str = if cfg!(windows) {
    "ffmpeg.exe"
} else {
    "ffmpeg"
};

/// Places that a desktop session's PATH often lacks: Homebrew on both architectures and on Linux,
/// MacPorts, Snap; Homebrew's `ffmpeg-full`, which it links nowhere (its `ffmpeg` has no SRT since January
/// 2026: homebrew-core #261303); Chocolatey and Program Files. On Windows only folders that not every user may
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
        "/opt/homebrew/opt/ffmpeg-full/bin",
        "/usr/local/opt/ffmpeg-full/bin",
    ]
};

/// Every ffmpeg there is, in the order of the module's line, for the first one that can what a show needs. A
/// path that was named must be right: it is an error where it is not, never a reason to take another.
///
/// # Errors
/// [`FfmpegError::NotFound`] or [`FfmpegError::CannotRun`].
pub fn candidates(from_settings: Option<&Path>) -> Result<Vec<PathBuf>, FfmpegError> {
    search(
        from_settings,
        std::env::var_os(FFMPEG_ENV).as_deref().map(Path::new),
        &own_folders(std::env::current_exe().ok().as_deref()),
        std::env::var_os("PATH").as_deref(),
        USUAL,
    )
}

/// Where packages and `pd-console ffmpeg install` put it. `program` is this program's own path.
fn own_folders(program: Option<&Path>) -> Vec<PathBuf> {
    let beside = program.and_then(Path::parent);
    let mut folders: Vec<_> = beside.map(Path::to_path_buf).into_iter().collect();
    // A bundle's Contents/MacOS has Contents/Resources beside it.
    if cfg!(target_os = "macos")
        && let Some(contents) = beside.and_then(Path::parent)
    {
        folders.push(contents.join("Resources"));
    }
    folders.extend(crate::fetch::folder());
    folders
}

fn search(
    from_settings: Option<&Path>,
    from_env: Option<&Path>,
    own: &[PathBuf],
    path: Option<&OsStr>,
    usual: &[&str],
) -> Result<Vec<PathBuf>, FfmpegError> {
    if let Some(named) = from_settings.or(from_env) {
        return usable(named)
            .map(|()| vec![whole(named)])
            .map_err(|why| FfmpegError::CannotRun {
                path: named.display().to_string(),
                why,
            });
    }
    let mut folders = own.to_vec();
    for folder in folders_of(path).chain(usual.iter().map(PathBuf::from)) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let (mut found, mut broken) = (Vec::new(), None);
    for folder in &folders {
        let candidate = folder.join(NAME);
        match usable(&candidate) {
            Ok(()) => found.push(candidate),
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
    if !found.is_empty() {
        return Ok(found);
    }
    Err(broken.unwrap_or_else(|| FfmpegError::NotFound {
        looked: folders
            .iter()
            .map(|f| f.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    }))
}

/// Folders of `PATH` in which programs are looked for: only those that are named from the root on. An empty
/// or relative entry is the folder that the console happens to be started in, where anybody may have put
/// a file of the right name (a download, a share, /tmp).
pub fn folders_of(path: Option<&OsStr>) -> impl Iterator<Item = PathBuf> + '_ {
    path.map(std::env::split_paths)
        .into_iter()
        .flatten()
        .filter(|folder| folder.is_absolute())
}

/// A named program's path from the root on: a bare name would be looked for in `PATH` when it is started,
/// and another program than the one that was looked at could run.
pub fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
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
        let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
        let bin: Vec<_> = dirs.iter().map(|dir| file(dir.path(), 0o755)).collect();
        let own = [dirs[0].path().to_path_buf(), dirs[1].path().to_path_buf()];
        // The same folder twice is looked at once.
        let path = std::env::join_paths([dirs[2].path(), dirs[0].path()]).unwrap();
        let usual = [dirs[3].path().to_str().unwrap()];
        let found = |s: Option<&Path>, e: Option<&Path>| {
            search(s, e, &own, Some(path.as_os_str()), &usual).unwrap()
        };
        assert_eq!(found(None, None), bin);
        assert_eq!(found(Some(&bin[3]), Some(&bin[2])), [bin[3].clone()]);
        assert_eq!(found(None, Some(&bin[2])), [bin[2].clone()]);
    }

    #[test]
    fn a_package_s_own_comes_first_then_what_was_fetched() {
        let own = own_folders(Some(Path::new(
            "/Applications/PD.app/Contents/MacOS/pd-console",
        )));
        assert_eq!(own[0], Path::new("/Applications/PD.app/Contents/MacOS"));
        assert_eq!(own.last(), crate::fetch::folder().as_ref());
        let resources = Path::new("/Applications/PD.app/Contents/Resources");
        assert_eq!(
            own.iter().any(|f| f == resources),
            cfg!(target_os = "macos")
        );
    }

    /// Who starts the console in a folder of another's must not run that one's "ffmpeg".
    #[test]
    fn the_current_folder_is_never_looked_in() {
        let here = std::env::current_dir().unwrap();
        let folder = tempfile::tempdir_in(&here).unwrap();
        file(folder.path(), 0o755);
        let relative = folder.path().strip_prefix(&here).unwrap();
        let path = std::env::join_paths([relative, Path::new(""), Path::new(".")]).unwrap();
        assert_eq!(folders_of(Some(&path)).count(), 0);
        let error = search(None, None, &[], Some(&path), &[]).unwrap_err();
        assert!(matches!(error, FfmpegError::NotFound { .. }), "{error}");
        // One that is named is meant, and is that very file when it is started.
        let named = relative.join("ffmpeg");
        let found = search(Some(&named), None, &[], None, &[]).unwrap();
        assert_eq!(found, [folder.path().join("ffmpeg")]);
    }

    #[test]
    fn a_named_path_that_is_wrong_is_an_error_not_a_reason_to_take_another() {
        let dir = tempfile::tempdir().unwrap();
        let good = file(dir.path(), 0o755);
        let named = dir.path().join("nothing");
        let own = [good.parent().unwrap().to_path_buf()];
        let error = search(Some(&named), None, &own, None, &[]).unwrap_err();
        assert!(matches!(error, FfmpegError::CannotRun { .. }), "{error}");
    }

    #[test]
    fn not_executable_and_a_folder_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let plain = file(dir.path(), 0o644);
        assert!(
            search(Some(&plain), None, &[], None, &[])
                .unwrap_err()
                .to_string()
                .contains("not executable")
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ffmpeg")).unwrap();
        let named = folder.path().join("ffmpeg");
        assert!(
            search(Some(&named), None, &[], None, &[])
                .unwrap_err()
                .to_string()
                .contains("folder")
        );
    }
}
