//! What was found out about ffmpeg, kept in memory and in the system's cache folder.
//!
//! Called from whichever thread looks at ffmpeg; blocks on the disk only. Nothing here is worth a
//! failure: a file that is torn, of another schema or not writable counts as absent, and what it
//! held is found out again.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Raised with each change of what is kept; another number's files are not read.
const SCHEMA: u32 = 1;
/// A larger file was not written by this program.
const LARGEST: u64 = 1 << 20;

/// A place to keep things by name.
#[derive(Debug, Default)]
pub struct Cache {
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
struct Written<'a, T> {
    schema: u32,
    kept: &'a T,
}

#[derive(Deserialize)]
struct Kept<T> {
    schema: u32,
    kept: T,
}

impl Cache {
    /// A cache in `folder`; None keeps things in memory only.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            memory: Mutex::default(),
        }
    }

    /// This user's: `pd-console` in the system's cache folder, or the settings' folder where that
    /// was named in the environment (tests).
    pub fn of_user() -> &'static Self {
        static CACHE: OnceLock<Cache> = OnceLock::new();
        CACHE.get_or_init(|| {
            Self::new(if cfg!(test) {
                None
            } else {
                crate::folders::cache()
            })
        })
    }

    /// What is kept under `name`; None where there is nothing that can be read.
    pub fn load<T: DeserializeOwned>(&self, name: &'static str) -> Option<T> {
        let in_memory = self.lock().get(name).cloned();
        let text = in_memory.or_else(|| read(&self.path(name)?))?;
        let kept: Kept<T> = serde_json::from_str(&text).ok()?;
        (kept.schema == SCHEMA).then_some(kept.kept)
    }

    /// Keeps `what` under `name`.
    pub fn save<T: Serialize>(&self, name: &'static str, what: &T) {
        let written = Written {
            schema: SCHEMA,
            kept: what,
        };
        let Ok(text) = serde_json::to_string(&written) else {
            return;
        };
        if let Some(path) = self.path(name)
            && let Err(error) = write(&path, &text)
        {
            tracing::debug!("{} is not kept: {error}", path.display());
        }
        self.lock().insert(name, text);
    }

    /// Forgets what is kept under `name`.
    pub fn forget(&self, name: &'static str) {
        if let Some(path) = self.path(name) {
            let _ = std::fs::remove_file(path);
        }
        self.lock().remove(name);
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A new file, renamed over the old one: another copy of the program never reads half of it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    crate::private::folder(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".cache-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// What tells one state of a program's file from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Its path.
    pub path: PathBuf,
    /// When it was last changed, nanoseconds of the system's epoch.
    pub changed_ns: u64,
    /// Its size, bytes.
    pub bytes: u64,
}

impl Stamp {
    /// The stamp of the file behind `path`; None where there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        let changed = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self {
            path: path.to_path_buf(),
            changed_ns: u64::try_from(changed.as_nanos()).unwrap_or(u64::MAX),
            bytes: meta.len(),
        })
    }
}

/// Seconds of the wall clock, which alone outlives the program.
pub fn wall_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_in_another_run() {
        let dir = tempfile::tempdir().unwrap();
        let at = || Cache::new(Some(dir.path().join("not/yet/there")));
        assert_eq!(at().load::<Vec<u32>>("x"), None);
        at().save("x", &vec![1, 2]);
        assert_eq!(at().load::<Vec<u32>>("x"), Some(vec![1, 2]));
        let cache = at();
        assert!(cache.load::<Vec<u32>>("x").is_some());
        cache.forget("x");
        assert_eq!(cache.load::<Vec<u32>>("x"), None);
        assert_eq!(at().load::<Vec<u32>>("x"), None);
    }

    #[test]
    fn torn_foreign_and_old_files_count_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        Cache::new(Some(dir.path().into())).save("x", &7_u32);
        let whole = std::fs::read(&path).unwrap();
        let load = || Cache::new(Some(dir.path().into())).load::<u32>("x");
        assert_eq!(load(), Some(7));
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(load(), None, "cut at {cut}");
        }
        for text in [
            &b"{\"schema\":0,\"kept\":7}"[..],
            b"{\"schema\":1,\"kept\":\"seven\"}",
            b"\xff\xfe\0",
            &[b' '; 2_000_000],
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(load(), None);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let cache = Cache::new(Some(file));
        cache.save("x", &7_u32);
        assert_eq!(cache.load::<u32>("x"), Some(7));
    }
}
