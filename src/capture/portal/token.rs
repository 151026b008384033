//! The portal's restore tokens: one for "screen or window", one for "window", each in a file of its
//! own, readable by the user only. Called on the capture thread and by a button; blocks on the disk
//! only. A token that cannot be kept costs the operator one dialog more, never the picture.

use super::Wanted;
use crate::whole_file;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longer is no token: portals give a UUID of 36 bytes.
const MAX_BYTES: u64 = 1024;

/// The desktop's dialog cannot be made to come again.
#[derive(Debug, thiserror::Error)]
#[error("the choice of the screen is kept, because {} cannot be removed: {source}. Remove that file", path.display())]
pub struct TokenError {
    /// The token's file.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// The tokens of a folder.
#[derive(Debug)]
pub(super) struct Tokens(Option<PathBuf>);

impl Tokens {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    fn path(&self, wanted: Wanted) -> Option<PathBuf> {
        let name = match wanted {
            Wanted::Screen => "portal-screen.token",
            Wanted::Window => "portal-window.token",
        };
        Some(self.0.as_ref()?.join(name))
    }

    /// The token kept for this wish, if it can be one.
    pub(super) fn load(&self, wanted: Wanted) -> Option<String> {
        let mut text = String::new();
        let file = fs::File::open(self.path(wanted)?).ok()?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).ok()?;
        let token = text.trim();
        let is_one = !token.is_empty()
            && text.len() as u64 <= MAX_BYTES
            && token.chars().all(|c| c.is_ascii_graphic());
        is_one.then(|| token.to_owned())
    }

    /// Keeps `token`, or nothing, in place of the one before: each serves once.
    pub(super) fn replace(&self, wanted: Wanted, token: Option<&str>) {
        let Some(path) = self.path(wanted) else {
            return;
        };
        let kept = match token {
            Some(token) => whole_file::write(&path, format!("{token}\n").as_bytes()),
            None => remove(&path),
        };
        if let Err(error) = kept {
            tracing::warn!(
                "the choice of the screen is not kept, the desktop will ask again: {}: {error}",
                path.display()
            );
        }
    }

    /// Removes every token.
    pub(super) fn forget(&self) -> Result<(), TokenError> {
        for wanted in [Wanted::Screen, Wanted::Window] {
            if let Some(path) = self.path(wanted) {
                remove(&path).map_err(|source| TokenError { path, source })?;
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_kept_for_its_wish_only_and_for_the_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Some(folder.path().join("new")));
        assert_eq!(tokens.load(Wanted::Screen), None);
        tokens.replace(Wanted::Screen, Some("one"));
        tokens.replace(Wanted::Screen, Some("two"));
        assert_eq!(tokens.load(Wanted::Screen).as_deref(), Some("two"));
        assert_eq!(tokens.load(Wanted::Window), None);
        let path = tokens.path(Wanted::Screen).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Nothing is left of writing it.
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        tokens.replace(Wanted::Screen, None);
        assert_eq!(tokens.load(Wanted::Screen), None);
    }

    #[test]
    fn forgetting_removes_all_and_is_no_error_twice() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Some(folder.path().into()));
        tokens.replace(Wanted::Screen, Some("one"));
        tokens.replace(Wanted::Window, Some("two"));
        tokens.forget().unwrap();
        tokens.forget().unwrap();
        assert_eq!(tokens.load(Wanted::Screen), None);
        assert_eq!(tokens.load(Wanted::Window), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_token_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Some(folder.path().into()));
        let path = tokens.path(Wanted::Screen).unwrap();
        for text in [
            "",
            " \n",
            "two words",
            "\0\0\0",
            "\u{d55c}",
            &"x".repeat(2000),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(tokens.load(Wanted::Screen), None, "{text:?}");
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(tokens.load(Wanted::Screen), None);
        // A folder that cannot be written is no reason to fail.
        Tokens::new(Some("/proc/nowhere".into())).replace(Wanted::Screen, Some("x"));
        assert!(Tokens::new(None).load(Wanted::Screen).is_none());
    }
}
