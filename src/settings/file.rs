//! The settings file on the disk: read whole, kept aside, written atomically. Blocks on the disk only.

use super::migrate::migrate;
use super::overrides::shape;
use super::schema::SCHEMA_VERSION;
use super::store::{FILE_NAME, StoreError};
use super::tree::Node;
use crate::whole_file;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A larger file was not written by this program.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;
pub(super) const HEADER: &str = "// Settings of pd-console. Saving from the window keeps keys it does not know, but no comments.\n\
                      // settings/default.ron of the program explains each key.\n";

/// Why a file gave no tree.
pub(super) enum Unread {
    Broken(String),
    Io(io::Error),
}

/// The file's tree in today's form; None where there is no file.
pub(super) fn read_tree(path: &Path) -> Result<Option<Node>, Unread> {
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(Unread::Io)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unread::Io(error)),
    };
    tree_of(&bytes).map(Some).map_err(Unread::Broken)
}

/// The tree of a file's `bytes` in today's form. Pure.
///
/// # Errors
/// What is wrong with them, in words.
pub(crate) fn tree_of(bytes: &[u8]) -> Result<Node, String> {
    let broken = |why: &str| Err(why.to_owned());
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return broken("it is larger than 1 MiB");
    }
    if bytes.iter().all(|&b| b == 0 || b.is_ascii_whitespace()) {
        return broken(if bytes.contains(&0) {
            "it is filled with zeros"
        } else {
            "it is empty"
        });
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return broken("it is not UTF-8 text");
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match Node::parse(text, &shape()) {
        Ok(mut tree) => {
            migrate(&mut tree);
            Ok(tree)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Renames `path` to `settings.ron.corrupt-<UTC time>` without replacing anything.
pub(super) fn keep_aside(path: &Path, now: SystemTime) -> io::Result<PathBuf> {
    let stamp = utc_stamp(now);
    let mut number = 1;
    loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let aside = path.with_file_name(format!("{FILE_NAME}.corrupt-{stamp}{suffix}"));
        if !aside.try_exists()? {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
        number += 1;
    }
}

/// Before a file of another format is first written by this version: a copy beside it, `settings.ron.format-2`, once. What
/// this version changed in it can be looked up there, and an older or newer program finds its own.
pub(super) fn keep_format(path: &Path) -> io::Result<()> {
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(format) = other_format(&bytes) else {
        return Ok(());
    };
    let copy = path.with_file_name(format!("{FILE_NAME}.format-{format}"));
    if copy.try_exists()? {
        return Ok(());
    }
    whole_file::write(&copy, &bytes)
}

/// The format that a file says it has, where that is not this version's. Pure.
fn other_format(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let tree = Node::parse(text.trim_start_matches('\u{feff}'), &shape()).ok()?;
    let Some(Node::Leaf(version)) = tree.field("version") else {
        return None;
    };
    let version = ron::from_str(version).ok()?;
    (version != SCHEMA_VERSION).then_some(version)
}

/// Writes the tree into a new file of the same folder, then renames it over `path`.
pub(super) fn write_tree(path: &Path, tree: &Node) -> Result<(), StoreError> {
    let text = format!("{HEADER}{}\n", tree.print());
    // A file that cannot be read back must never replace one that can.
    Node::parse(&text, &shape()).map_err(|error| StoreError::Form(error.to_string()))?;
    whole_file::write(path, text.as_bytes()).map_err(|source| StoreError::Write {
        path: path.into(),
        source,
    })
}

/// `time` in UTC as 20261231T235959Z, fit for a file's name on every system.
pub fn utc_stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days to a civil date: H. Hinnant, "chrono-compatible low-level date algorithms".
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}
