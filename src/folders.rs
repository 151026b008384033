//! Where the program keeps what it keeps: settings, state, log, reports, caches, the fetched server. One place decides.
//!
//! The folder that `PD_CONSOLE_CONFIG_DIR` names has all of it; else, in portable mode, a folder beside the program;
//! else the system's folders. Called on any thread; reads the disk at the first call only ([`settle`] is to be that).

use etcetera::BaseStrategy;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names the folder for everything instead of the system's.
pub const CONFIG_DIR_ENV: &str = "PD_CONSOLE_CONFIG_DIR";
/// A small file of one of these names beside the program is portable mode. The second is what an editor of Windows makes
/// of the first.
pub const MARKERS: [&str; 2] = ["portable", "portable.txt"];
/// Everything is kept in this folder beside the program then.
pub const PORTABLE_FOLDER: &str = "pd-console-data";
const OWN: &str = "pd-console";
/// A larger file is another's: beside an installed program lie many.
const MARKER_MAX: u64 = 1024;

/// Portable mode is wished for and cannot be.
#[derive(Debug, thiserror::Error)]
#[error(
    "portable mode: nothing can be kept in {}: {source}. Move the program into a folder that can be written, or remove {} to have settings and log in your own folders", folder.display(), marker.display()
)]
pub struct Refused {
    /// What asks for portable mode.
    pub marker: PathBuf,
    /// The folder that cannot be written.
    pub folder: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// Who decided where things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// [`CONFIG_DIR_ENV`] names this folder.
    Named(PathBuf),
    /// Portable mode: this folder beside the program.
    Portable(PathBuf),
    /// The system's folders for this user.
    System,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Portable {
    marker: PathBuf,
    folder: PathBuf,
}

/// Where things are kept.
pub fn place() -> Place {
    match named() {
        Some(folder) => Place::Named(folder),
        None => portable().map_or(Place::System, |it| Place::Portable(it.folder.clone())),
    }
}

/// Decides, and makes sure that a portable folder can be written: nothing is kept elsewhere where it cannot.
///
/// # Errors
/// Where it cannot be made or written.
pub fn settle() -> Result<(), Refused> {
    match portable() {
        Some(portable) if named().is_none() => try_out(portable),
        _ => Ok(()),
    }
}

/// The settings' folder; None where no home folder is known.
pub fn config() -> Option<PathBuf> {
    one("").or_else(|| Some(system()?.config_dir().join(OWN)))
}

/// The folder for what the program keeps for itself, such as its log; None where no home folder is known.
pub fn state() -> Option<PathBuf> {
    let of_system = || {
        let system = system()?;
        let state = system.state_dir().unwrap_or_else(|| system.data_dir());
        Some(state.join(OWN))
    };
    one("").or_else(of_system)
}

/// The folder for what can be found out again; None where no home folder is known.
pub fn cache() -> Option<PathBuf> {
    one("cache").or_else(|| Some(system()?.cache_dir().join(OWN)))
}

/// The folder for programs that were fetched; None where no home folder is known.
pub fn programs() -> Option<PathBuf> {
    one("bin").or_else(|| Some(system()?.data_dir().join(OWN).join("bin")))
}

/// The folder for recordings where the settings name none, in portable mode only: else it is the user's videos.
pub fn recordings() -> Option<PathBuf> {
    match place() {
        Place::Portable(folder) => Some(folder.join("recordings")),
        Place::Named(_) | Place::System => None,
    }
}

/// `part` of the folder that has everything, where there is one.
fn one(part: &str) -> Option<PathBuf> {
    match place() {
        Place::Named(folder) | Place::Portable(folder) if part.is_empty() => Some(folder),
        Place::Named(folder) | Place::Portable(folder) => Some(folder.join(part)),
        Place::System => None,
    }
}

fn system() -> Option<impl BaseStrategy> {
    etcetera::base_strategy::choose_native_strategy().ok()
}

fn named() -> Option<PathBuf> {
    let named = std::env::var_os(CONFIG_DIR_ENV);
    named.filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// Decided once: a stick that is pulled out must not move the settings.
fn portable() -> Option<&'static Portable> {
    static PORTABLE: OnceLock<Option<Portable>> = OnceLock::new();
    let look = || {
        let program = std::env::current_exe().ok()?;
        // macOS tells the path that was typed, which may be a link.
        let program = program.canonicalize().unwrap_or(program);
        let image = std::env::var_os("APPIMAGE");
        let mounted = std::env::var_os("APPDIR");
        asked_for(&beside(&program, image.as_deref(), mounted.as_deref())?)
    };
    PORTABLE.get_or_init(look).as_ref()
}

fn asked_for(beside: &Path) -> Option<Portable> {
    let marker = MARKERS.map(|name| beside.join(name));
    let is_it = |path: &PathBuf| {
        let found = path.metadata();
        found.is_ok_and(|file| file.is_file() && file.len() <= MARKER_MAX)
    };
    let marker = marker.into_iter().find(is_it)?;
    let folder = beside.join(PORTABLE_FOLDER);
    Some(Portable { marker, folder })
}

/// The folder that an operator sees the program in: that of the bundle on macOS (what is written into a bundle breaks its
/// signature), that of the image where the program runs out of an AppImage (its own is a mount that cannot be written).
fn beside(program: &Path, image: Option<&OsStr>, mounted: Option<&OsStr>) -> Option<PathBuf> {
    let folder = program.parent()?;
    if let (Some(image), Some(mounted)) = (image, mounted.filter(|path| !path.is_empty()))
        && program.starts_with(mounted)
    {
        return Some(Path::new(image).parent()?.to_owned());
    }
    let bundle = folder
        .parent()
        .filter(|contents| folder.ends_with("MacOS") && contents.ends_with("Contents"))
        .and_then(Path::parent)
        .filter(|bundle| bundle.extension().is_some_and(|ext| ext == "app"));
    Some(bundle.and_then(Path::parent).unwrap_or(folder).to_owned())
}

fn try_out(portable: &Portable) -> Result<(), Refused> {
    let folder = &portable.folder;
    let tried = crate::private::folder(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).map_err(|source| Refused {
        marker: portable.marker.clone(),
        folder: folder.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_beside_the_program_asks_for_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(asked_for(dir.path()), None);
        for name in MARKERS {
            let marker = dir.path().join(name);
            std::fs::write(&marker, "").unwrap();
            let folder = dir.path().join("pd-console-data");
            let asked = asked_for(dir.path()).unwrap();
            assert_eq!((&asked.marker, &asked.folder), (&marker, &folder));
            try_out(&asked).unwrap();
            assert_eq!(
                std::fs::read_dir(&folder).unwrap().count(),
                0,
                "left behind"
            );
            std::fs::remove_file(marker).unwrap();
        }
        assert_eq!(
            asked_for(dir.path()),
            None,
            "a folder of data alone is none"
        );
        // Another's program and folder of that name, as in /usr/bin.
        std::fs::write(dir.path().join(MARKERS[0]), [b'x'; 2000]).unwrap();
        std::fs::create_dir(dir.path().join(MARKERS[1])).unwrap();
        assert_eq!(asked_for(dir.path()), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("portable"), "").unwrap();
        std::fs::write(dir.path().join(PORTABLE_FOLDER), "a file in its place").unwrap();
        let refused = try_out(&asked_for(dir.path()).unwrap()).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("pd-console-data"), "{text}");
        assert!(
            text.contains("remove ") && text.contains("portable"),
            "{text}"
        );
        // The box that a start from a desktop shows.
        let korean = crate::words::korean().translate(&text);
        assert!(korean.starts_with("포터블 모드"), "{korean}");
        for path in [&refused.folder, &refused.marker] {
            assert!(korean.contains(path.to_str().unwrap()), "{korean}");
        }
    }

    #[test]
    fn beside_is_where_an_operator_sees_the_program() {
        let of = |program: &str, image: Option<&str>, mounted: Option<&str>| {
            let (image, mounted) = (image.map(OsStr::new), mounted.map(OsStr::new));
            beside(Path::new(program), image, mounted).unwrap()
        };
        let plain = of("/stick/pd/pd-console", None, None);
        assert_eq!(plain, Path::new("/stick/pd"));
        let bundle = of("/Apps/PD Console.app/Contents/MacOS/pd-console", None, None);
        assert_eq!(bundle, Path::new("/Apps"));
        let no_bundle = of("/x/Contents/MacOS/pd-console", None, None);
        assert_eq!(no_bundle, Path::new("/x/Contents/MacOS"));
        let (image, mount) = ("/stick/pd.AppImage", "/tmp/.mount_pdAbc");
        let program = "/tmp/.mount_pdAbc/usr/bin/pd-console";
        assert_eq!(of(program, Some(image), Some(mount)), Path::new("/stick"));
        // Started from a terminal that itself runs out of an image: the variables are that one's.
        let other = of("/usr/bin/pd-console", Some(image), Some(mount));
        assert_eq!(other, Path::new("/usr/bin"));
        let empty = of("/usr/bin/pd-console", Some(image), Some(""));
        assert_eq!(empty, Path::new("/usr/bin"));
    }
}
