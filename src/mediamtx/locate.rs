//! Where the MediaMTX program is. Looks at the disk, starts nothing.

use crate::ffmpeg::locate::{USUAL, folders_of, usable, whole};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Environment variable that names MediaMTX.
pub const MEDIAMTX_ENV: &str = "MEDIAMTX_BIN";

/// Why MediaMTX was not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// A path was named and is wrong; no other is taken in its place.
    #[error("MediaMTX cannot be run from {}, which {by} names: {why}. Correct that path, or remove it to search for MediaMTX.", path.display())]
    Named {
        /// The path.
        path: PathBuf,
        /// Setting or environment variable.
        by: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Nowhere.
    #[error(
        "MediaMTX was not found. Looked at the setting mediamtx_path (not set), {MEDIAMTX_ENV} (not set){looked}. Fetch it with `pd-console server install`, put mediamtx beside pd-console, or set one of the two."
    )]
    NotFound {
        /// ", beside the program (...), in PATH (...)".
        looked: String,
    },
}

/// Finds MediaMTX: the setting, [`MEDIAMTX_ENV`], beside the program, where `pd-console server
/// install` puts it, PATH, the usual places.
///
/// # Errors
/// What was named and is wrong, or where it was looked for in vain.
pub fn locate(from_settings: Option<&Path>) -> Result<PathBuf, LocateError> {
    let program = std::env::current_exe().ok();
    search(
        from_settings,
        std::env::var_os(MEDIAMTX_ENV).as_deref(),
        program.as_deref().and_then(Path::parent),
        crate::fetch::folder().as_deref(),
        std::env::var_os("PATH").as_deref(),
        USUAL,
    )
}

fn search(
    from_settings: Option<&Path>,
    from_env: Option<&OsStr>,
    beside: Option<&Path>,
    installed: Option<&Path>,
    path: Option<&OsStr>,
    usual: &[&str],
) -> Result<PathBuf, LocateError> {
    let from_env = from_env.filter(|text| !text.is_empty()).map(Path::new);
    let named = from_settings
        .map(|path| (path, "the setting mediamtx_path"))
        .or(from_env.map(|path| (path, MEDIAMTX_ENV)));
    if let Some((path, by)) = named {
        return match usable(path) {
            Ok(()) => Ok(whole(path)),
            Err(why) => Err(LocateError::Named {
                path: path.into(),
                by,
                why,
            }),
        };
    }
    let name = if cfg!(windows) {
        "mediamtx.exe"
    } else {
        "mediamtx"
    };
    let mut looked = String::new();
    let mut look = |place: &str, folders: Vec<PathBuf>| {
        let found = folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|p| usable(p).is_ok());
        let list: Vec<String> = folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        looked += &format!(", {place} ({})", list.join(", "));
        found
    };
    look(
        "beside the program",
        beside.map(Path::to_path_buf).into_iter().collect(),
    )
    .or_else(|| {
        look(
            "where `pd-console server install` puts it",
            installed.map(Path::to_path_buf).into_iter().collect(),
        )
    })
    .or_else(|| look("in PATH", folders_of(path).collect()))
    .or_else(|| {
        look(
            "in the usual places",
            usual.iter().map(PathBuf::from).collect(),
        )
    })
    .ok_or(LocateError::NotFound { looked })
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(folder: &Path, mode: u32) -> PathBuf {
        let path = folder.join("mediamtx");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn order_is_setting_environment_beside_installed_path() {
        let dirs: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
        let bin: Vec<_> = dirs.iter().map(|dir| program(dir.path(), 0o755)).collect();
        let path = std::env::join_paths([dirs[4].path()]).unwrap();
        let found = |setting: bool, env: bool, beside: bool, installed: bool| {
            search(
                setting.then_some(bin[0].as_path()),
                env.then_some(bin[1].as_os_str()),
                beside.then_some(dirs[2].path()),
                installed.then_some(dirs[3].path()),
                Some(&path),
                &[],
            )
            .unwrap()
        };
        assert_eq!(found(true, true, true, true), bin[0]);
        assert_eq!(found(false, true, true, true), bin[1]);
        assert_eq!(found(false, false, true, true), bin[2]);
        assert_eq!(found(false, false, false, true), bin[3]);
        assert_eq!(found(false, false, false, false), bin[4]);
    }

    #[test]
    fn a_named_path_that_is_wrong_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let plain = program(dir.path(), 0o644);
        let search = |named: &Path| {
            search(Some(named), None, None, None, None, &[])
                .unwrap_err()
                .to_string()
        };
        assert!(search(&plain).contains("not executable"));
        assert!(search(dir.path()).contains("folder"));
        assert!(search(Path::new("/no/such/mediamtx")).contains("/no/such/mediamtx"));
    }

    #[test]
    fn the_error_lists_where_it_looked() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), 0o644);
        let error = search(
            None,
            Some(OsStr::new("")),
            Some(dir.path()),
            Some(Path::new("/dd")),
            Some(OsStr::new("/aa:/bb")),
            &["/cc"],
        )
        .unwrap_err()
        .to_string();
        for place in [
            dir.path().to_str().unwrap(),
            "/aa, /bb",
            "/cc",
            "/dd",
            "pd-console server install",
            MEDIAMTX_ENV,
            "mediamtx_path",
        ] {
            assert!(error.contains(place), "{place} in {error}");
        }
    }
}
