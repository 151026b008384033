//! The mark that this run is there, and what is made of the marks of dead runs.
//!
//! A run that can make shows leaves `running-<run>.lock`, which it holds locked, and beside it `running-<run>.json` with
//! what it did last; both go when it ends in order. The system gives a lock back with the process, however that
//! dies, so a mark that can be locked is a dead run's: killed, out of power, a crash in a driver. The next start makes a
//! report of it (state and log's tail) and takes the mark away.
//!
//! Owns `pd-mark`, which writes the json when the state has changed, at most five times a second; under pressure it leaves
//! states in between out. Where files cannot be locked there are no marks.

use super::facts::{self, Facts};
use super::folder;
use super::report::{Kind, Report};
use super::tail::{KEPT, cut};
use crate::private::{self, lock_file};
use crate::whole_file;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const PREFIX: &str = "running-";
/// From one writing to the next.
const EVERY: Duration = Duration::from_millis(200);
/// So much of each log file is looked through, from its end.
const LOG_BYTES: u64 = 1 << 18;
/// Log files that are looked through, the newest.
const LOG_FILES: usize = 2;

/// What a mark says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Said {
    run: String,
    what: String,
    /// Local time as RFC 3339.
    since: String,
    changed: String,
    state: String,
    settings: String,
    versions: std::collections::BTreeMap<String, String>,
    published: Vec<String>,
}

/// The mark of this run; dropping it ends the run in order, unless its thread panics.
pub struct Mark {
    files: Arc<Files>,
}

struct Files {
    lock: PathBuf,
    said: PathBuf,
    /// Held locked as long as the process lives.
    _held: File,
    over: AtomicBool,
    /// Held while a file is written or taken away.
    writing: Mutex<()>,
}

/// So that an end by `exit` is in order too.
static OWN: Mutex<Option<Arc<Files>>> = Mutex::new(None);

impl Mark {
    /// Makes reports of dead runs and leaves the mark of this one in `folder`; None, with a line in the log, where
    /// that cannot be.
    pub fn leave(folder: &Path, logs: Option<&Path>) -> Option<Self> {
        match Self::try_leave(folder, logs) {
            Ok(mark) => Some(mark),
            Err(error) => {
                tracing::warn!(
                    "a crash of this run would not be noticed at the next start: {} cannot be used: {error}",
                    folder.display()
                );
                None
            }
        }
    }

    fn try_leave(folder: &Path, logs: Option<&Path>) -> io::Result<Self> {
        private::folder(folder)?;
        for published in sweep(folder, logs) {
            facts::published(&published);
        }
        let run = facts::all().run;
        let name = |end| folder.join(format!("{PREFIX}{run}.{end}"));
        let (lock, said) = (name("lock"), name("json"));
        let held = lock_file(&lock, true)?;
        held.try_lock().map_err(io::Error::from)?;
        let files = Arc::new(Files {
            lock,
            said,
            _held: held,
            over: AtomicBool::new(false),
            writing: Mutex::new(()),
        });
        *OWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(files.clone());
        let since = now_text();
        files.write(&since)?;
        let writer = files.clone();
        std::thread::Builder::new()
            .name("pd-mark".into())
            .spawn(move || writer.follow(&since))?;
        tracing::info!("run {run} begins");
        Ok(Self { files })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.files.end();
        }
    }
}

/// This run ends on purpose, by `std::process::exit`.
pub fn ends_on_purpose() {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(files) = own {
        files.end();
    }
}

impl Files {
    fn end(&self) {
        self.over.store(true, Ordering::Release);
        let _whole = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // The json first: a lock without it is a run that was only about to begin.
        let _ = fs::remove_file(&self.said);
        let _ = fs::remove_file(&self.lock);
    }

    fn write(&self, since: &str) -> io::Result<()> {
        let Facts {
            run,
            what,
            versions,
            settings,
            state,
            published,
        } = facts::all();
        let said = Said {
            run,
            what,
            since: since.to_owned(),
            changed: now_text(),
            state,
            settings,
            versions,
            published,
        };
        let json = serde_json::to_string_pretty(&said).map_err(io::Error::other)?;
        let _whole = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.over.load(Ordering::Acquire) {
            return Ok(());
        }
        whole_file::write(&self.said, super::masks::masked(&json).as_bytes())
    }

    fn follow(&self, since: &str) {
        let mut seen = 0;
        while !self.over.load(Ordering::Acquire) {
            let newest = facts::wait_for_change(seen, Duration::from_secs(5));
            if newest == seen {
                continue;
            }
            seen = newest;
            if let Err(error) = self.write(since) {
                tracing::debug!("{} cannot be written: {error}", self.said.display());
            }
            std::thread::sleep(EVERY);
        }
    }
}

fn now_text() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// Makes a report of each dead run and takes its mark away; what they had published, by the servers' ids.
fn sweep(folder: &Path, logs: Option<&Path>) -> Vec<String> {
    let mut published = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return published;
    };
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let run = name
            .strip_prefix(PREFIX)
            .and_then(|n| n.strip_suffix(".lock"));
        let Some(run) = run else { continue };
        let Ok(lock) = lock_file(&entry.path(), false) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => {
                tracing::debug!("{name}: {error}");
                continue;
            }
        }
        let json = folder.join(format!("{PREFIX}{run}.json"));
        let said = fs::read(&json).ok();
        // Two starts at once: the other may have been quicker.
        let is_ours = fs::remove_file(&json).is_ok();
        let _ = fs::remove_file(entry.path());
        let Some(said) = said.filter(|_| is_ours) else {
            continue;
        };
        let said: Said = serde_json::from_slice(&said).unwrap_or_else(|_| Said {
            run: run.to_owned(),
            ..Said::default()
        });
        published.extend(said.published.iter().cloned());
        if !folder::mark_ended(folder, run) {
            tell(folder, run, said, logs);
        }
    }
    published
}

/// The runs that are there: process id, what it is, since when, what it does. Blocks on the disk only.
pub(super) fn alive(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let runs = names.filter_map(|name| {
        let run = name.strip_prefix(PREFIX)?.strip_suffix(".lock")?.to_owned();
        let lock = lock_file(&folder.join(&name), false).ok()?;
        matches!(lock.try_lock(), Err(TryLockError::WouldBlock)).then_some(run)
    });
    let told = runs.filter_map(|run| {
        let json = fs::read(folder.join(format!("{PREFIX}{run}.json"))).ok()?;
        let said: Said = serde_json::from_slice(&json).ok()?;
        let state = said.state.replace('\n', "; ");
        Some(format!(
            "{run}, {}, since {}: {state}",
            said.what, said.since
        ))
    });
    told.collect()
}

/// The report of a run that was gone.
fn tell(folder: &Path, run: &str, said: Said, logs: Option<&Path>) {
    let pid = run.split('-').next().and_then(|pid| pid.parse().ok());
    let stamp = |time: &str| -> String {
        let digits: String = time.chars().take(19).filter(char::is_ascii_digit).collect();
        let (day, clock) = digits.split_at(digits.len().min(8));
        format!("{day}-{clock}")
    };
    let path = folder::path_of(folder, &stamp(&said.changed), pid.unwrap_or(0), 0);
    let began = format!(
        "it began at {} and its last state is of {}",
        said.since, said.changed
    );
    let log = logs.map(|logs| log_of(logs, run)).unwrap_or_default();
    let report = Report {
        time: said.changed,
        facts: Facts {
            run: run.to_owned(),
            what: said.what,
            versions: said.versions,
            settings: said.settings,
            state: said.state,
            published: Vec::new(),
        },
        panic: None,
        log,
        more: vec![("run".to_owned(), began)],
    };
    match folder::write(&path, &report.text(Kind::Gone)) {
        Ok(()) => tracing::warn!(
            "run {run} was gone without having ended: {}",
            path.display()
        ),
        Err(error) => tracing::warn!("no report of run {run}: {error}"),
    }
}

/// The newest lines that a run has logged, as far as the files tell runs apart.
fn log_of(logs: &Path, run: &str) -> Vec<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(logs)
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "log"));
    files.sort();
    let skipped = files.len().saturating_sub(LOG_FILES);
    let texts: Vec<String> = files[skipped..]
        .iter()
        .filter_map(|f| end_of(f).ok())
        .collect();
    lines_of(&texts.concat(), run)
}

/// Of `text`, what stands between this run's beginning and the next one's, the newest lines. Pure.
fn lines_of(text: &str, run: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| line.contains(" run ") && line.ends_with(" begins");
    let own = format!(" run {run} begins");
    let from = lines
        .iter()
        .rposition(|line| line.ends_with(&own))
        .unwrap_or(0);
    let next = lines[from..].iter().skip(1).position(|line| begins(line));
    let to = next.map_or(lines.len(), |next| from + 1 + next);
    let from = from.max(to.saturating_sub(KEPT));
    lines[from..to]
        .iter()
        .map(|line| cut(line, 500).to_owned())
        .collect()
}

/// The end of a log file, from a whole line on.
pub(super) fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let skipped = length.saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match text.split_once('\n') {
        Some((_, whole)) if skipped > 0 => whole.to_owned(),
        _ => text.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, run: &str, state: &str) -> PathBuf {
        let said = Said {
            run: run.into(),
            what: "window".into(),
            since: "2026-11-28T18:00:00+09:00".into(),
            changed: "2026-11-28T18:05:01+09:00".into(),
            state: state.into(),
            published: vec![format!("id of {run}")],
            ..Said::default()
        };
        let json = folder.join(format!("{PREFIX}{run}.json"));
        fs::write(&json, serde_json::to_vec(&said).unwrap()).unwrap();
        let lock = folder.join(format!("{PREFIX}{run}.lock"));
        fs::write(&lock, "").unwrap();
        lock
    }

    #[test]
    fn a_dead_runs_mark_becomes_a_report_and_a_living_ones_stays() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("log");
        fs::create_dir(&logs).unwrap();
        let text = "I run 1-1 begins\nold\nI run 4711-2 begins\nmine\nI run 9-9 begins\nnot mine\n";
        fs::write(logs.join("pd-console.2026-11-28.log"), text).unwrap();
        let folder = dir.path().join("crash");
        fs::create_dir(&folder).unwrap();
        put(&folder, "4711-2", "live for 3 s");
        let living = put(&folder, "9-9", "idle");
        let held = lock_file(&living, false).unwrap();
        held.try_lock().unwrap();
        assert_eq!(sweep(&folder, Some(&logs)), ["id of 4711-2"]);
        let reports = folder::unseen(&folder);
        assert_eq!(reports.len(), 1);
        let (head, text) = (&reports[0].head, &reports[0].text);
        assert_eq!(head.kind, Kind::Gone);
        assert_eq!(head.run, "4711-2");
        assert_eq!(head.state, "live for 3 s");
        assert_eq!(head.time, "2026-11-28T18:05:01+09:00");
        assert!(
            reports[0].name.starts_with("report-20261128-180501-4711-"),
            "{}",
            reports[0].name
        );
        assert!(
            text.ends_with("[log]\nI run 4711-2 begins\nmine\n"),
            "{text}"
        );
        // Told once only; the living one is still there.
        assert!(sweep(&folder, Some(&logs)).is_empty());
        assert_eq!(folder::all(&folder).len(), 1);
        assert!(living.exists());
        drop(held);
        assert_eq!(sweep(&folder, None), ["id of 9-9"]);
    }

    #[test]
    fn a_torn_mark_is_still_a_dead_run() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "5-5", "");
        fs::write(dir.path().join("running-5-5.json"), "{\"run\":").unwrap();
        sweep(dir.path(), None);
        let reports = folder::all(dir.path());
        assert_eq!((reports.len(), reports[0].head.run.as_str()), (1, "5-5"));
        // A lock alone is a run that was only about to begin.
        fs::write(dir.path().join("running-6-6.lock"), "").unwrap();
        sweep(dir.path(), None);
        assert_eq!(folder::all(dir.path()).len(), 1);
        assert!(!dir.path().join("running-6-6.lock").exists());
    }

    #[test]
    fn lines_are_those_between_two_beginnings() {
        assert!(lines_of("", "1-1").is_empty());
        let many: String = (0..500).map(|n| format!("line {n}\n")).collect();
        let text = format!("a run 1-1 begins\n{many}");
        let lines = lines_of(&text, "1-1");
        assert_eq!((lines.len(), lines[KEPT - 1].as_str()), (KEPT, "line 499"));
        // The beginning may lie before what was read.
        assert_eq!(lines_of("x\ny\n", "1-1"), ["x", "y"]);
    }
}
