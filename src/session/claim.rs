//! One stream, one console: a claim on a receiver's path (or a file) that no other console of this user on this
//! machine can have at the same time, whatever folder its settings are in, with or without the server's API.
//!
//! A file in the runtime folder (else the temporary one) that its owner holds locked: the system gives the lock back
//! with the process, so a console that was killed claims nothing. What is in it says who. Blocks on the disk only;
//! where files cannot be locked nothing is claimed and nobody is refused.

use crate::private;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64;

/// A show of ours that has just ended may still let go.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Held as long as the stream is ours.
#[derive(Debug)]
pub struct Claim {
    _locked: File,
}

/// Another console of this machine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its process, and since when.
    pub who: String,
}

/// Claims `stream`, such as "192.0.2.1:8890/pd_a". Ok(None) where claims are not possible here.
///
/// # Errors
/// Who has it.
pub fn claim(stream: &str) -> Result<Option<Claim>, Claimed> {
    let Some(folder) = folder() else {
        return Ok(None);
    };
    claim_in(&folder, stream, PATIENCE)
}

fn claim_in(folder: &Path, stream: &str, patience: Duration) -> Result<Option<Claim>, Claimed> {
    let path = folder.join(format!("stream-{:016x}.lock", xxh3_64(stream.as_bytes())));
    let Ok(mut file) = open(folder, &path) else {
        return Ok(None);
    };
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => return Err(Claimed { who: who(&path) }),
            Err(TryLockError::Error(error)) => {
                tracing::debug!("{}: {error}", path.display());
                return Ok(None);
            }
        }
    }
    let since = jiff::Zoned::now().strftime("%H:%M:%S");
    let text = format!("process {}, since {since}", std::process::id());
    let written = file.set_len(0).and_then(|()| file.rewind());
    let written = written.and_then(|()| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        tracing::debug!("{}: {error}", path.display());
    }
    Ok(Some(Claim { _locked: file }))
}

/// For this user alone; files of streams stay, empty of meaning once nobody has their lock.
fn folder() -> Option<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
    match runtime {
        Some(runtime) => Some(PathBuf::from(runtime).join("pd-console")),
        None => Some(crate::folders::state()?.join("streams")),
    }
}

fn open(folder: &Path, path: &Path) -> io::Result<File> {
    private::folder(folder)?;
    private::lock_file(path, true)
}

/// Windows lets nobody read what another holds locked.
fn who(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(200).read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_stream_is_one_consoles_until_it_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        let quick = Duration::ZERO;
        let first = claim_in(&folder, "a:8890/pd_a", quick).unwrap().unwrap();
        let second = claim_in(&folder, "a:8890/pd_a", quick).unwrap_err();
        #[cfg(unix)]
        {
            let own = format!("process {}, since ", std::process::id());
            assert!(second.who.starts_with(&own), "{second:?}");
        }
        assert!(!second.who.is_empty());
        assert!(claim_in(&folder, "a:8890/pd_b", quick).unwrap().is_some());
        // It is waited for a little: the show before may be about to let go.
        let later = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(first);
        });
        assert!(
            claim_in(&folder, "a:8890/pd_a", Duration::from_secs(10))
                .unwrap()
                .is_some()
        );
        later.join().unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_refuses_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(claim_in(&file, "x", Duration::ZERO).unwrap().is_none());
    }
}
