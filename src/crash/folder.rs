//! The folder of reports: the newest ten are kept, mode 0600, and a file `seen` says which the operator has read.
//! Blocks on the disk only.

use super::report::Head;
use crate::whole_file;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reports kept.
pub const KEPT: usize = 10;
/// A larger file was not written by this program.
const MAX_BYTES: u64 = 1 << 20;
const PREFIX: &str = "report-";
const SEEN: &str = "seen";

/// One report in the folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its file.
    pub path: PathBuf,
    /// Its name there; later ones sort behind earlier ones.
    pub name: String,
    /// What its head says.
    pub head: Head,
    /// All of it.
    pub text: String,
}

/// The file of a report: `stamp` sorts by time, such as "20261128-180501".
pub fn path_of(folder: &Path, stamp: &str, pid: u32, number: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{stamp}-{pid}-{number:03}.txt"))
}

/// Writes a report, whole or not at all; the oldest go where there are more than [`KEPT`].
///
/// # Errors
/// The disk's.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    whole_file::write(path, text.as_bytes())?;
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let names = names(folder);
    for name in &names[..names.len().saturating_sub(KEPT)] {
        let _ = fs::remove_file(folder.join(name));
    }
    Ok(())
}

/// Names of the reports, oldest first.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && name.ends_with(".txt"))
        .collect();
    names.sort();
    names
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// All that can be read, oldest first.
pub fn all(folder: &Path) -> Vec<Kept> {
    names(folder)
        .into_iter()
        .filter_map(|name| {
            let path = folder.join(&name);
            let text = read_text(&path).ok()?;
            let head = Head::read(&text)?;
            Some(Kept {
                path,
                name,
                head,
                text,
            })
        })
        .collect()
}

/// Those that the operator has not put away, oldest first.
pub fn unseen(folder: &Path) -> Vec<Kept> {
    let seen = read_text(&folder.join(SEEN)).unwrap_or_default();
    let mut all = all(folder);
    all.retain(|kept| kept.name.as_str() > seen.trim());
    all
}

/// The operator has put this report and all older ones away.
///
/// # Errors
/// The disk's: they are offered again.
pub fn put_away(kept: &Kept) -> io::Result<()> {
    let folder = kept.path.parent().unwrap_or(Path::new("."));
    whole_file::write(&folder.join(SEEN), kept.name.as_bytes())
}

/// Deletes these.
///
/// # Errors
/// The disk's, of the first that cannot be deleted; the others go all the same.
pub fn delete(reports: &[Kept]) -> io::Result<()> {
    let mut result = Ok(());
    for kept in reports {
        match fs::remove_file(&kept.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && result.is_ok() => {
                result = Err(error);
            }
            _ => {}
        }
    }
    result
}

/// A panic's report of `run` says from now on that the console ended with it. Whether there is one.
pub(super) fn mark_ended(folder: &Path, run: &str) -> bool {
    let of_run = |kept: &Kept| kept.head.run == run;
    let Some(last) = all(folder).into_iter().rfind(of_run) else {
        return false;
    };
    // A panic of another thread need not have been the end.
    if last.head.thread != "main" {
        return false;
    }
    if last.head.went_on {
        let _ = whole_file::write(&last.path, super::report::ended(&last.text).as_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::report::{Kind, Panic, Report};

    fn put(folder: &Path, second: u32) -> PathBuf {
        let path = path_of(folder, &format!("20261128-1805{second:02}"), 7, 1);
        let mut report = Report::default();
        report.facts.run = format!("7-{second}");
        report.panic = Some(Panic {
            thread: if second.is_multiple_of(2) {
                "main"
            } else {
                "pd-pump"
            }
            .into(),
            ..Panic::default()
        });
        write(&path, &report.text(Kind::Panic)).unwrap();
        path
    }

    #[test]
    fn the_newest_are_kept_private_and_offered_until_put_away() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("crash");
        assert!(unseen(&folder).is_empty());
        for second in 0..15 {
            let path = put(&folder, second);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            }
            assert!(path.exists());
        }
        let offered = unseen(&folder);
        assert_eq!(offered.len(), KEPT);
        assert_eq!(offered[0].head.run, "7-5");
        put_away(&offered[8]).unwrap();
        let left = unseen(&folder);
        assert_eq!((left.len(), left[0].head.run.as_str()), (1, "7-14"));
        // Whoever looks for it still finds what was put away.
        assert_eq!(all(&folder).len(), KEPT);
        delete(&left).unwrap();
        assert!(unseen(&folder).is_empty());
        // Gone is gone.
        delete(&left).unwrap();
    }

    #[test]
    fn what_is_no_report_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("report-x.txt"), "a note of mine").unwrap();
        fs::write(dir.path().join("report-y.txt"), [0xff; 64]).unwrap();
        assert!(all(dir.path()).is_empty());
    }

    #[test]
    fn the_main_threads_panic_was_the_end_others_need_not_be() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), 2);
        put(dir.path(), 3);
        assert!(mark_ended(dir.path(), "7-2"));
        assert!(mark_ended(dir.path(), "7-2"), "twice is no harm");
        assert!(!mark_ended(dir.path(), "7-3"));
        assert!(!mark_ended(dir.path(), "7-4"));
        let went_on: Vec<bool> = all(dir.path()).iter().map(|k| k.head.went_on).collect();
        assert_eq!(went_on, [false, true]);
    }
}
