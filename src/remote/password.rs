//! The remote control's password: random, made when it is first needed, kept in a file of its own
//! that only the user can read. Blocks on the disk only.
//!
//! It is in no settings file, log or command; [`crate::settings::secrets::REMOTE_PASSWORD_ENV`] takes
//! the file's place.

use crate::crash::masks;
use crate::session::Secret;
use crate::settings::store::config_dir;
use crate::settings::{Secrets, StoreError, secrets::REMOTE_PASSWORD_ENV};
use crate::whole_file;
use secrecy::ExposeSecret;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file's name in the settings' folder.
pub const FILE_NAME: &str = "remote-password";
/// A longer file was not written by this program.
const MAX_BYTES: u64 = 1024;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// No place to keep it.
    #[error("{0} Or give the password in {REMOTE_PASSWORD_ENV}.")]
    NoFolder(#[from] StoreError),
    /// It comes from the environment and cannot be made anew.
    #[error("the password comes from {REMOTE_PASSWORD_ENV}: change it there")]
    Given,
    /// The file.
    #[error("{}: {source}. Mend or remove that file, or give the password in {REMOTE_PASSWORD_ENV}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Where the password comes from.
#[derive(Clone, Debug)]
pub enum Keeper {
    /// From the environment.
    Given(Secret),
    /// From this file.
    File(PathBuf),
}

impl Keeper {
    /// The environment's password, else the one in the settings' folder.
    ///
    /// # Errors
    /// Where no such folder is known.
    pub fn of(secrets: &Secrets) -> Result<Self, PasswordError> {
        if let Some(given) = &secrets.remote_password {
            return Ok(Self::Given(Secret::new(given.expose_secret())));
        }
        Ok(Self::File(config_dir()?.join(FILE_NAME)))
    }

    /// The password; made now where there is none yet.
    ///
    /// # Errors
    /// The file's.
    pub fn read(&self) -> Result<Secret, PasswordError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => match read(path) {
                Ok(Some(secret)) => {
                    masks::hide(secret.expose());
                    Ok(secret)
                }
                Ok(None) => make(path).map_err(|source| file(path, source)),
                Err(source) => Err(file(path, source)),
            },
        }
    }

    /// Makes another password; the old one is good no more.
    ///
    /// # Errors
    /// The file's, or that it is not the console's to change.
    pub fn renew(&self) -> Result<Secret, PasswordError> {
        match self {
            Self::Given(_) => Err(PasswordError::Given),
            Self::File(path) => make(path).map_err(|source| file(path, source)),
        }
    }
}

fn file(path: &Path, source: io::Error) -> PasswordError {
    PasswordError::File {
        path: path.into(),
        source,
    }
}

/// None where there is no file, or an empty one.
fn read(path: &Path) -> io::Result<Option<Secret>> {
    let mut text = String::new();
    match fs::File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// Writes a new password, whole or not at all.
fn make(path: &Path) -> io::Result<Secret> {
    let secret = crate::hex::random()?;
    masks::hide(&secret);
    whole_file::write(path, format!("{secret}\n").as_bytes())?;
    Ok(Secret::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_private_and_made_anew_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::File(dir.path().join("new/folder").join(FILE_NAME));
        let first = keeper.read().unwrap();
        assert_eq!(first.expose().len(), 32);
        assert_eq!(keeper.read().unwrap(), first);
        let Keeper::File(path) = &keeper else {
            unreachable!()
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let second = keeper.renew().unwrap();
        assert_ne!(second, first);
        assert_eq!(keeper.read().unwrap(), second);
        // One's own, by hand.
        fs::write(path, " of my own \n").unwrap();
        assert_eq!(keeper.read().unwrap(), Secret::new("of my own"));
        assert!(!format!("{keeper:?}").contains("own"));
    }

    #[test]
    fn the_environments_is_not_the_consoles_to_change() {
        let secrets = Secrets {
            remote_password: crate::settings::secrets::secret("from outside"),
            ..Secrets::default()
        };
        let keeper = Keeper::of(&secrets).unwrap();
        assert_eq!(keeper.read().unwrap(), Secret::new("from outside"));
        assert!(matches!(keeper.renew(), Err(PasswordError::Given)));
        assert!(!format!("{keeper:?}").contains("outside"));
    }

    #[test]
    fn a_folder_in_the_files_place_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        fs::create_dir(&path).unwrap();
        let error = Keeper::File(path).read().unwrap_err().to_string();
        assert!(error.contains(FILE_NAME), "{error}");
        assert!(error.contains(REMOTE_PASSWORD_ENV), "{error}");
    }
}
