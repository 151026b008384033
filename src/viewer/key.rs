//! The viewers' page's key: the part of its link that nobody guesses. Random, made when it is first
//! needed, kept in a file of its own that only the user can read, so that the link on the wall stays
//! good; whoever has the link has the key. Blocks on the disk only.
//!
//! [`KEY_ENV`] takes the file's place. A key of one's own may be written into the file: letters, digits and
//! hyphens, [`SHORTEST`] of them at least.

use crate::session::Secret;
use crate::settings::StoreError;
use crate::settings::store::config_dir;
use crate::whole_file;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

/// Names the environment's key of the viewers' page, instead of the one that is kept in a file.
pub const KEY_ENV: &str = "PD_CONSOLE_VIEWER_KEY";
/// The file's name in the settings' folder.
pub const FILE_NAME: &str = "viewer-key";
/// A key of one's own has so many letters at least, and [`LONGEST`] at most.
pub const SHORTEST: usize = 8;
/// See [`SHORTEST`].
pub const LONGEST: usize = 64;
/// Letters of a key that is made here: none that is taken for another (Crockford's base 32, small).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of a key that is made here: 60 bits. A wrong one is answered late
/// ([`super::server::WRONG_KEY_WAITS`]), so that trying them all would take longer than there is time.
const MADE: usize = 12;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No place to keep it.
    #[error(transparent)]
    NoFolder(#[from] StoreError),
    /// It comes from the environment and cannot be made anew.
    #[error("the viewers' key comes from {KEY_ENV}: change it there")]
    Given,
    /// What is there is no key.
    #[error(
        "the viewers' key in {place} is none: it must have {SHORTEST} to {LONGEST} letters, digits or hyphens. Correct or remove it"
    )]
    Bad {
        /// The file or variable.
        place: String,
    },
    /// The file.
    #[error("{}: {source}. Mend or remove that file, or give the viewers' key in {KEY_ENV}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Where the key comes from.
#[derive(Clone, Debug)]
pub enum Keeper {
    /// Good for as long as this program runs.
    Memory(Secret),
    /// From the environment.
    Given(Secret),
    /// From this file.
    File(PathBuf),
}

impl Default for Keeper {
    /// A new key in memory.
    fn default() -> Self {
        // Without random bytes there is no page: nobody can guess an empty key, since none is let in by it.
        Self::Memory(Secret::new(random().unwrap_or_default()))
    }
}

impl Keeper {
    /// The environment's key, else the one in the settings' folder.
    ///
    /// # Errors
    /// Where no such folder is known.
    pub fn of_user() -> Result<Self, KeyError> {
        match std::env::var(KEY_ENV).ok().filter(|key| !key.is_empty()) {
            Some(key) => Ok(Self::Given(Secret::new(key))),
            None => Ok(Self::File(config_dir()?.join(FILE_NAME))),
        }
    }

    /// As [`Keeper::of_user`]; where that cannot be, a key in memory, and the reason.
    pub fn of_user_or_memory() -> (Self, Option<String>) {
        match Self::of_user() {
            Ok(keeper) => (keeper, None),
            Err(error) => {
                let why = format!("the viewers' page has a new link after each start: {error}");
                (Self::default(), Some(why))
            }
        }
    }

    /// The key; made now where there is none yet.
    ///
    /// # Errors
    /// The file's, or that what is there is no key.
    pub fn read(&self) -> Result<Secret, KeyError> {
        match self {
            Self::Memory(key) if key.is_empty() => Err(KeyError::Bad {
                place: "memory".into(),
            }),
            Self::Memory(key) => Ok(key.clone()),
            Self::Given(key) => checked(key.expose(), || KEY_ENV.to_owned()),
            Self::File(path) => {
                let file = |source| KeyError::File {
                    path: path.clone(),
                    source,
                };
                let mut text = String::new();
                match fs::File::open(path) {
                    Ok(open) => open.take(1024).read_to_string(&mut text).map_err(file)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                    Err(error) => return Err(file(error)),
                };
                match text.trim() {
                    "" => self.renew(),
                    key => checked(key, || path.display().to_string()),
                }
            }
        }
    }

    /// Makes another key; links with the old one lead nowhere then.
    ///
    /// # Errors
    /// The file's, or that it is not the console's to change.
    pub fn renew(&self) -> Result<Secret, KeyError> {
        let Self::File(path) = self else {
            return Err(KeyError::Given);
        };
        let file = |source| KeyError::File {
            path: path.clone(),
            source,
        };
        let key = random().map_err(file)?;
        whole_file::write(path, format!("{key}\n").as_bytes()).map_err(file)?;
        Ok(Secret::new(key))
    }
}

fn checked(key: &str, place: impl Fn() -> String) -> Result<Secret, KeyError> {
    if is_key(key) {
        return Ok(Secret::new(key));
    }
    Err(KeyError::Bad { place: place() })
}

/// Whether this can be a key, and cannot be anything else in a path.
pub fn is_key(key: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn random() -> io::Result<String> {
    let mut bytes = [0_u8; MADE];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut key = String::with_capacity(MADE);
    for byte in bytes {
        // 256 is a multiple of 32: every letter is as likely.
        let _ = key.write_char(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_private_and_made_anew_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder").join(FILE_NAME);
        let keeper = Keeper::File(path.clone());
        let first = keeper.read().unwrap();
        assert!(first.expose().len() == MADE && is_key(first.expose()));
        assert_eq!(keeper.read().unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_ne!(keeper.renew().unwrap(), first);
        fs::write(&path, " on-the-wall \n").unwrap();
        assert_eq!(keeper.read().unwrap(), Secret::new("on-the-wall"));
        for bad in ["short", "../../etc", "with space", "a/bcdefgh"] {
            fs::write(&path, bad).unwrap();
            let error = keeper.read().unwrap_err().to_string();
            assert!(error.contains(FILE_NAME) && !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_key_in_memory_stays_and_says_nothing_of_itself() {
        let keeper = Keeper::default();
        let key = keeper.read().unwrap();
        assert_eq!(keeper.read().unwrap(), key);
        assert_ne!(Keeper::default().read().unwrap(), key);
        assert!(!format!("{keeper:?}").contains(key.expose()));
        assert!(matches!(keeper.renew(), Err(KeyError::Given)));
        assert!(Keeper::Memory(Secret::new("")).read().is_err());
    }
}
