//! Password and passphrase in the system's keyring (Secret Service, Keychain, Credential Manager).
//!
//! A locked keyring may wait for its own password without end, so each access runs on a thread
//! `pd-keyring` and is given up after [`DEADLINE`]; while one hangs, no second is begun. Call from a
//! worker. Without a keyring (no desktop session) the program goes on with typed secrets.

use super::secrets::{Secrets, secret};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest wait for the keyring.
pub const DEADLINE: Duration = Duration::from_secs(3);
const SERVICE: &str = "pd-console";
static BUSY: AtomicBool = AtomicBool::new(false);

/// Why the keyring gave or took nothing; the show can go on with typed secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none, or it refuses.
    #[error(
        "the system's keyring cannot be used: {why}. Type password and passphrase in the window, or set PD_CONSOLE_PASSWORD and PD_CONSOLE_PASSPHRASE."
    )]
    Unavailable {
        /// The system's reason.
        why: String,
    },
    /// It did not answer.
    #[error(
        "the system's keyring did not answer in {waited_ms} ms; it may be locked. Unlock it and try again, or type the secrets in the window."
    )]
    Silent {
        /// How long was waited, ms.
        waited_ms: u64,
    },
    /// An earlier access still hangs.
    #[error(
        "the system's keyring still has not answered an earlier question. Unlock it and try again."
    )]
    Busy,
}

/// The secrets kept for `user` at `host`; absent ones are None. Blocks up to [`DEADLINE`].
///
/// # Errors
/// See [`KeyringError`].
pub fn recall(host: &str, user: &str) -> Result<Secrets, KeyringError> {
    let (password, passphrase) = names(host, user);
    within(DEADLINE, move || {
        Ok(Secrets {
            password: read(&password)?,
            passphrase: read(&passphrase)?,
        })
    })
}

/// Keeps `secrets` for `user` at `host`; those that are None are removed. Blocks up to [`DEADLINE`].
///
/// # Errors
/// See [`KeyringError`].
pub fn remember(host: &str, user: &str, secrets: &Secrets) -> Result<(), KeyringError> {
    let (password, passphrase) = names(host, user);
    let secrets = secrets.clone();
    within(DEADLINE, move || {
        write(&password, secrets.password_text())?;
        write(&passphrase, secrets.passphrase_text())
    })
}

/// Names of the entries; the passphrase belongs to the server, whoever logs in.
fn names(host: &str, user: &str) -> (String, String) {
    (
        format!("password of {user}@{host}"),
        format!("passphrase of {host}"),
    )
}

fn read(name: &str) -> Result<Option<secrecy::SecretString>, ::keyring::Error> {
    match ::keyring::Entry::new(SERVICE, name)?.get_password() {
        Ok(text) => Ok(secret(&text)),
        Err(::keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(name: &str, text: &str) -> Result<(), ::keyring::Error> {
    let entry = ::keyring::Entry::new(SERVICE, name)?;
    if !text.is_empty() {
        return entry.set_password(text);
    }
    match entry.delete_credential() {
        Err(::keyring::Error::NoEntry) => Ok(()),
        result => result,
    }
}

/// Why the system has no keyring.
fn no_store() -> String {
    match ::keyring::Entry::store_status() {
        Err(error) => error.to_string(),
        Ok(()) => "no keyring was found".into(),
    }
}

/// Runs `job` on its own thread and waits for `deadline` at most; what comes later is dropped.
fn within<T: Send + 'static>(
    deadline: Duration,
    job: impl FnOnce() -> Result<T, ::keyring::Error> + Send + 'static,
) -> Result<T, KeyringError> {
    /// Frees the keyring also where the job panics.
    struct Free;
    impl Drop for Free {
        fn drop(&mut self) {
            BUSY.store(false, Ordering::Release);
        }
    }
    if BUSY.swap(true, Ordering::AcqRel) {
        return Err(KeyringError::Busy);
    }
    let (reply, answer) = crossbeam_channel::bounded(1);
    let free = Free;
    let unavailable = |why: String| KeyringError::Unavailable { why };
    std::thread::Builder::new()
        .name("pd-keyring".into())
        .spawn(move || {
            let result = job();
            drop(free);
            let _ = reply.send(result);
        })
        .map_err(|error| unavailable(error.to_string()))?;
    match answer.recv_timeout(deadline) {
        // Display, not Debug: the latter can hold what was stored.
        Ok(Err(::keyring::Error::NoDefaultStore)) => Err(unavailable(no_store())),
        Ok(result) => result.map_err(|error| unavailable(error.to_string())),
        Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(KeyringError::Silent {
            waited_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        }),
        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
            Err(unavailable("its access failed".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because the lock is the process's.
    #[test]
    fn a_keyring_that_hangs_is_given_up_and_not_asked_again() {
        let (release, held) = crossbeam_channel::bounded::<()>(0);
        let hangs = move || {
            let _ = held.recv();
            Ok(1)
        };
        let silent = within(Duration::from_millis(30), hangs);
        assert_eq!(silent, Err(KeyringError::Silent { waited_ms: 30 }));
        assert_eq!(within(DEADLINE, || Ok(2)), Err(KeyringError::Busy));
        drop(release);
        let until = std::time::Instant::now() + DEADLINE;
        while within(DEADLINE, || Ok(3)) != Ok(3) {
            assert!(std::time::Instant::now() < until, "not freed");
            std::thread::sleep(Duration::from_millis(5));
        }
        let error =
            within(DEADLINE, || Err::<(), _>(::keyring::Error::NoDefaultStore)).unwrap_err();
        assert!(error.to_string().contains("PD_CONSOLE_PASSWORD"), "{error}");
        let panicked = within(DEADLINE, || -> Result<(), _> {
            panic!("on purpose, in a test")
        });
        assert!(matches!(panicked, Err(KeyringError::Unavailable { .. })));
        assert_eq!(within(DEADLINE, || Ok(4)), Ok(4));
    }
}
