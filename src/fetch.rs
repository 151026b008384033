//! Fetches another's program (MediaMTX, ffmpeg) and puts it where the console looks: download or file by
//! hand, sum, unpack, rename. Blocks for as long as the network takes: on the command line's thread or
//! `pd-install`, never on the session's.
//!
//! Everything is written beside its place under another name and renamed at the end: what stands
//! there is whole, or was not touched. Nothing is unpacked before its sum is right.

use crate::partial;
use crate::stop::StopToken;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// What can be fetched: a file of a release, known by its sum, and the program in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// File name of the archive; one that is neither a zip, a wheel nor a `tar.gz` is the program itself.
    pub archive: String,
    /// The program's path within it.
    pub entry: String,
    /// The program's name once it is installed.
    pub program: &'static str,
    /// SHA-256 of the archive, in small hexadecimal digits.
    pub sha256: String,
}

/// A longer archive is none: MediaMTX 1.20.0's have 25 to 30 MB, ffmpeg's programs 50 to 90.
const ARCHIVE_MAX: u64 = 200 << 20;
/// The same for the program in it.
const PROGRAM_MAX: u64 = 400 << 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// For all of it, over a slow line.
const ALL_WITHIN: Duration = Duration::from_secs(30 * 60);

/// Why it was not installed; what was there before still is.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No connection, or none that can be trusted.
    #[error(
        "{url} cannot be reached: {why}. Check the network (a proxy is taken from HTTPS_PROXY), or fetch the file elsewhere and give it to `pd-console server install --file` or `pd-console ffmpeg install --file`"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// The reason.
        why: String,
    },
    /// The server has no such file.
    #[error(
        "{url} answered HTTP {status}. Fetch the file from another place and give it to `pd-console server install --file` or `pd-console ffmpeg install --file`"
    )]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The connection broke.
    #[error(
        "the download broke off after {got} bytes{}: {why}. Try again",
        of(expected)
    )]
    Torn {
        /// Bytes that came.
        got: u64,
        /// Bytes that were announced.
        expected: Option<u64>,
        /// The reason.
        why: String,
    },
    /// Another file than the release's.
    #[error(
        "{what} is not {archive}: its SHA-256 is {found}, the release's is {expected}. It was not installed. Fetch it again; where the sum stays wrong, somebody changed the file"
    )]
    WrongSum {
        /// The file or address.
        what: String,
        /// The release's file.
        archive: String,
        /// Its sum.
        found: String,
        /// The right one.
        expected: String,
    },
    /// The archive is not as it should be, though its sum is.
    #[error("{archive} cannot be unpacked: {why}")]
    Archive {
        /// The release's file.
        archive: String,
        /// The reason.
        why: String,
    },
    /// The file given by hand cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk.
    #[error("{} cannot be written: {source}. {}", path.display(), advice(source))]
    Disk {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The operator stopped it.
    #[error("stopped; nothing was installed")]
    Cancelled,
}

fn of(expected: &Option<u64>) -> String {
    expected.map_or_else(String::new, |all| format!(" of {all}"))
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Make room (200 MB are needed) and try again"
        }
        io::ErrorKind::PermissionDenied => {
            "Where that program is running, end the show first; else check the permissions"
        }
        _ => "Check the folder's permissions and free space",
    }
}

/// Where the program is installed for this user ([`crate::folders::programs`]).
pub fn folder() -> Option<PathBuf> {
    crate::folders::programs()
}

/// Downloads `parcel` from `base_url` and installs its program into `folder`; `progress` is told
/// the bytes so far and of how many.
///
/// # Errors
/// See [`InstallError`].
pub fn download(
    parcel: &Parcel,
    base_url: &str,
    folder: &Path,
    progress: &mut dyn FnMut(u64, Option<u64>),
    stop: &StopToken,
) -> Result<PathBuf, InstallError> {
    let url = format!("{}/{}", base_url.trim_end_matches('/'), parcel.archive);
    let disk = |source| InstallError::Disk {
        path: folder.into(),
        source,
    };
    // Private: nobody else may put a program where one of ours is started from.
    crate::private::folder(folder).map_err(disk)?;
    partial::clear(folder);
    let mut archive = partial::new_in(folder).map_err(disk)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(crate::tls::config())
        // A redirect must not lead where the sum alone would protect.
        .https_only(base_url.starts_with("https://"))
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_recv_response(Some(ANSWER_WITHIN))
        .timeout_global(Some(ALL_WITHIN))
        .http_status_as_error(false)
        .user_agent(concat!("pd-console/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut response = agent.get(&url).call().map_err(|error| {
        let why = error.to_string();
        let url = url.clone();
        InstallError::Unreachable { url, why }
    })?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(InstallError::Status { url, status });
    }
    let expected = response.body().content_length();
    let body = response.body_mut().with_config().limit(ARCHIVE_MAX);
    let sum = copy(
        &mut body.reader(),
        expected,
        &mut archive,
        folder,
        progress,
        stop,
    )?;
    check(parcel, &sum, url)?;
    unpack(parcel, archive.as_file_mut(), folder)
}

/// Installs the program of `parcel` out of the archive at `file`, into `folder`.
///
/// # Errors
/// See [`InstallError`].
pub fn from_file(parcel: &Parcel, file: &Path, folder: &Path) -> Result<PathBuf, InstallError> {
    let unreadable = |source| InstallError::File {
        path: file.into(),
        source,
    };
    let disk = |source| InstallError::Disk {
        path: folder.into(),
        source,
    };
    let mut given = File::open(file).map_err(unreadable)?;
    crate::private::folder(folder).map_err(disk)?;
    partial::clear(folder);
    // A copy of our own is what is checked and what is unpacked: the file may be another's, who could
    // change it in between.
    let mut archive = partial::new_in(folder).map_err(disk)?;
    let mut sum = Sha256::new();
    let mut block = vec![0; 64 << 10];
    let mut copied = 0;
    loop {
        let count = match given.read(&mut block).map_err(unreadable)? {
            0 => break,
            count => count,
        };
        copied += count as u64;
        if copied > ARCHIVE_MAX {
            let source = io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is too large to be that release",
            );
            return Err(unreadable(source));
        }
        sum.update(&block[..count]);
        archive.write_all(&block[..count]).map_err(disk)?;
    }
    check(
        parcel,
        &crate::hex::of(&sum.finalize()),
        file.display().to_string(),
    )?;
    unpack(parcel, archive.as_file_mut(), folder)
}

fn check(parcel: &Parcel, found: &str, what: String) -> Result<(), InstallError> {
    if found == parcel.sha256 {
        return Ok(());
    }
    Err(InstallError::WrongSum {
        what,
        archive: parcel.archive.clone(),
        found: found.to_owned(),
        expected: parcel.sha256.clone(),
    })
}

/// Copies all of `from`; its sum.
fn copy(
    from: &mut impl Read,
    expected: Option<u64>,
    to: &mut impl Write,
    place: &Path,
    progress: &mut dyn FnMut(u64, Option<u64>),
    stop: &StopToken,
) -> Result<String, InstallError> {
    let mut sum = Sha256::new();
    let mut block = vec![0; 64 << 10];
    let mut got = 0;
    let torn = |got, why: String| InstallError::Torn { got, expected, why };
    loop {
        if stop.is_stopped() {
            return Err(InstallError::Cancelled);
        }
        let count = match from.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(torn(got, error.to_string())),
        };
        sum.update(&block[..count]);
        to.write_all(&block[..count])
            .map_err(|source| InstallError::Disk {
                path: place.into(),
                source,
            })?;
        got += count as u64;
        progress(got, expected);
    }
    if expected.is_some_and(|all| got < all) {
        return Err(torn(got, "the connection was closed".into()));
    }
    Ok(crate::hex::of(&sum.finalize()))
}

/// Takes the program out of the archive and puts it in its place.
pub(crate) fn unpack(
    parcel: &Parcel,
    archive: &mut File,
    folder: &Path,
) -> Result<PathBuf, InstallError> {
    let path = folder.join(parcel.program);
    let broken = |why: String| InstallError::Archive {
        archive: parcel.archive.clone(),
        why,
    };
    let disk = |source| InstallError::Disk {
        path: path.clone(),
        source,
    };
    archive.rewind().map_err(disk)?;
    let mut program = partial::new_in(folder).map_err(disk)?;
    let name = parcel.archive.as_str();
    if name.ends_with(".zip") || name.ends_with(".whl") {
        let mut zip = zip::ZipArchive::new(archive).map_err(|e| broken(e.to_string()))?;
        let entry = zip
            .by_name(&parcel.entry)
            .map_err(|e| broken(e.to_string()))?;
        write(entry, &mut program, &broken, &disk)?;
    } else if name.ends_with(".tar.gz") {
        // What stands before the program is unpacked too, to be passed over.
        let unpacked = flate2::read::GzDecoder::new(archive).take(2 * PROGRAM_MAX);
        let mut tar = tar::Archive::new(unpacked);
        let entries = tar.entries().map_err(|e| broken(e.to_string()))?;
        let mut found = false;
        for entry in entries {
            let entry = entry.map_err(|e| broken(e.to_string()))?;
            let is_it = entry.header().entry_type().is_file()
                && entry.path().is_ok_and(|path| {
                    path.strip_prefix(".").unwrap_or(&path) == Path::new(&parcel.entry)
                });
            if is_it {
                write(entry, &mut program, &broken, &disk)?;
                found = true;
                break;
            }
        }
        if !found {
            return Err(broken(format!("no {} in it", parcel.entry)));
        }
    } else {
        write(archive, &mut program, &broken, &disk)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o700);
        program.as_file().set_permissions(mode).map_err(disk)?;
    }
    program.as_file().sync_all().map_err(disk)?;
    program.persist(&path).map_err(|error| disk(error.error))?;
    Ok(path)
}

/// Writes an entry out; a fault of the archive and one of the disk are told apart.
fn write(
    entry: impl Read,
    to: &mut NamedTempFile,
    broken: &dyn Fn(String) -> InstallError,
    disk: &dyn Fn(io::Error) -> InstallError,
) -> Result<(), InstallError> {
    let mut entry = entry.take(PROGRAM_MAX + 1);
    let mut block = vec![0; 64 << 10];
    let mut written = 0;
    loop {
        let count = entry.read(&mut block).map_err(|e| broken(e.to_string()))?;
        if count == 0 {
            return Ok(());
        }
        written += count as u64;
        if written > PROGRAM_MAX {
            // Never a part of it in the program's place.
            return Err(broken(format!(
                "the program in it has more than {PROGRAM_MAX} bytes"
            )));
        }
        to.write_all(&block[..count]).map_err(disk)?;
    }
}
