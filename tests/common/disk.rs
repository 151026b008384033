//! A disk of a test's own, which it may fill.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk, where the test may mount one.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Of so many MiB; None, with a word, where the test may not.
    pub fn of(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "none"])
            .arg(folder.path())
            .output();
        let mounted = mounted.is_ok_and(|mount| mount.status.success());
        if !mounted {
            println!("SKIPPED: a tmpfs cannot be mounted (needs root)");
        }
        mounted.then_some(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves so many bytes of it; the file that takes the others.
    pub fn fill_but(&self, bytes: u64) -> PathBuf {
        let free = fs4::available_space(self.path()).unwrap();
        let filler = vec![0; usize::try_from(free.saturating_sub(bytes)).unwrap()];
        let file = self.path().join(format!("filler-{bytes}"));
        let _ = std::fs::write(&file, filler);
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
