//! A console's home of its own, what it leaves there, and threads of it that fail when they are told.

use super::console::Plan;
use super::wait_until;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that a console has for its settings, its state and what it records.
pub struct Home(pub tempfile::TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A console that lives here.
    pub fn plan(&self, ffmpeg: &Path, words: &str) -> Plan {
        Plan::new(ffmpeg, words)
            .env("PD_CONSOLE_CONFIG_DIR", self.path())
            .env("XDG_RUNTIME_DIR", self.path())
    }

    /// Reports in it, oldest first.
    pub fn reports(&self) -> Vec<String> {
        let folder = self.path().join("crash");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|all| all.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        files.retain(|path| path.extension().is_some_and(|ext| ext == "txt"));
        files.sort();
        files
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// What of these beginnings is left in it.
    pub fn left(&self, beginnings: &[&str]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if beginnings.iter().any(|one| name.starts_with(one)) {
                    found.push(path.clone());
                }
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    }
}

/// Makes a thread of a console fail.
pub struct Provoked {
    /// What `PD_CONSOLE_PROVOKE` names.
    pub file: PathBuf,
}

impl Provoked {
    /// One that lives there.
    pub fn of(home: &Home) -> Self {
        Self {
            file: home.path().join("provoke"),
        }
    }

    /// Has `thread` fail in this way; returns once it has.
    pub fn now(&self, thread: &str, how: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{thread} {how}")).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
        let is_taken = wait_until(Duration::from_secs(10), || !self.file.exists());
        assert!(is_taken, "{thread} never came by");
    }
}
