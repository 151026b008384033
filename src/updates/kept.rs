//! What is remembered of updates from start to start: when was asked, what came, what the operator put away. A file of the
//! state folder; blocks on the disk only. A file that is not understood counts as none.

use super::release::{Release, is_newer, own_version};
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::Path;

/// The file's name in the state folder.
pub const FILE_NAME: &str = "updates.json";
/// From one question to the next at least, s.
pub const EVERY_S: u64 = 24 * 3600;
/// A larger file was not written by this program.
const LARGEST: u64 = 1 << 14;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// When was asked last, s of the system's epoch; 0 never.
    pub asked: u64,
    /// What came.
    pub found: Option<Release>,
    /// The version that the operator does not want to be told of again.
    pub put_away: Option<String>,
}

impl Kept {
    /// What `folder` has.
    pub fn read(folder: &Path) -> Self {
        let mut text = String::new();
        let read = std::fs::File::open(folder.join(FILE_NAME))
            .and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        match read {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Self::default(),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        crate::whole_file::write(&folder.join(FILE_NAME), text.as_bytes())
    }

    /// Whether it is time to ask. A clock that was set back does not make it wait for years.
    pub fn is_due(&self, now: u64) -> bool {
        now < self.asked || now - self.asked >= EVERY_S
    }

    /// What the operator is to be told of: newer than this program and not put away.
    pub fn told(&self) -> Option<&Release> {
        let put_away = self.put_away.as_deref();
        self.found.as_ref().filter(|release| {
            is_newer(&release.version, own_version()) && put_away != Some(&release.version)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str) -> Option<Release> {
        Some(Release {
            version: version.into(),
            page: None,
        })
    }

    #[test]
    fn once_a_day_whatever_the_clock_does() {
        let mut kept = Kept::default();
        assert!(kept.is_due(1_800_000_000));
        kept.asked = 1_800_000_000;
        for (now, due) in [
            (1_800_000_000, false),
            (1_800_086_399, false),
            (1_800_086_400, true),
            (1_700_000_000, true),
        ] {
            assert_eq!(kept.is_due(now), due, "{now}");
        }
    }

    #[test]
    fn a_newer_one_is_told_until_it_is_put_away() {
        let mut kept = Kept::default();
        assert_eq!(kept.told(), None);
        kept.found = release(own_version());
        assert_eq!(kept.told(), None);
        kept.found = release("99.0.0");
        assert!(kept.told().is_some());
        kept.put_away = Some("99.0.0".into());
        assert_eq!(kept.told(), None);
        kept.found = release("99.0.1");
        assert!(kept.told().is_some(), "another version is news again");
    }

    #[test]
    fn it_comes_back_and_a_broken_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(dir.path()), Kept::default());
        let kept = Kept {
            asked: 7,
            found: release("99.0.0"),
            put_away: Some("98.0.0".into()),
        };
        kept.write(dir.path()).unwrap();
        assert_eq!(Kept::read(dir.path()), kept);
        std::fs::write(dir.path().join(FILE_NAME), "{\"asked\": ").unwrap();
        assert_eq!(Kept::read(dir.path()), Kept::default());
    }
}
