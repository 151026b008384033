//! Room on the disk that is recorded to.
//!
//! Owns the thread `pd-rec-disk`, which asks once a second: asking may take as long as it likes (a
//! network drive that is gone), it holds up nobody. What follows from the figures is pure.

use crate::stop::StopToken;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Below this a recording is ended while it can still be ended well.
pub const FULL_BYTES: u64 = 4 << 20;
/// Less time than this left is worth a warning.
const WARN: Duration = Duration::from_secs(600);
const EVERY: Duration = Duration::from_secs(1);

/// What the disk's room means for a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Enough.
    Enough,
    /// For so long.
    Low(Duration),
    /// None.
    Full,
}

/// What `free` bytes mean for a recording that grows by `per_second` bytes.
pub fn room(free: u64, per_second: f64) -> Room {
    if free < FULL_BYTES {
        return Room::Full;
    }
    let left = (free - FULL_BYTES) as f64 / per_second.max(1.0);
    if left < WARN.as_secs_f64() {
        Room::Low(Duration::from_secs_f64(left))
    } else {
        Room::Enough
    }
}

/// Why a folder cannot be recorded to, and what to do.
pub fn refusal(error: &io::Error, folder: &std::path::Path) -> String {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => format!(
            "the folder {folder} is not there. Plug in its disk, or choose another folder for recordings"
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
            "the folder {folder} cannot be written to ({error}). Choose another folder for recordings"
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(folder),
        _ => format!(
            "no file can be made in {folder}: {error}. Check its disk, or choose another folder for recordings"
        ),
    }
}

/// The same where there is no room.
pub fn full(folder: impl std::fmt::Display) -> String {
    format!(
        "the disk is full ({folder}); what was recorded so far plays. Make room or choose another folder, \
         then record again. The stream goes on"
    )
}

/// Newest figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Room left, bytes; None before the first answer.
    pub free: Option<u64>,
    /// Length of the file being written, bytes.
    pub file: u64,
    /// The file is not there any more though it is being written: its name was taken away.
    pub gone: bool,
}

/// Watches one file's disk and length until dropped.
pub struct Watch {
    stop: StopToken,
    figures: Arc<Mutex<Figures>>,
}

impl Watch {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(file: PathBuf) -> io::Result<Self> {
        let (stop, figures) = (StopToken::new(), Arc::new(Mutex::new(Figures::default())));
        let (ends, out) = (stop.clone(), figures.clone());
        let thread = std::thread::Builder::new().name("pd-rec-disk".into());
        thread.spawn(move || {
            loop {
                let folder = file.parent().unwrap_or(&file);
                let free = fs4::available_space(folder).ok();
                let length = std::fs::metadata(&file).map(|m| m.len());
                let gone = length.as_ref().is_err_and(|e| {
                    matches!(
                        e.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    )
                });
                let length = length.ok();
                {
                    let mut figures = out.lock().unwrap_or_else(PoisonError::into_inner);
                    figures.free = free.or(figures.free);
                    figures.file = length.unwrap_or(figures.file);
                    figures.gone = gone;
                }
                if ends.sleep(EVERY) {
                    return;
                }
            }
        })?;
        Ok(Self { stop, figures })
    }

    /// The newest figures.
    pub fn figures(&self) -> Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn room_is_told_in_time_and_the_end_comes_before_the_last_byte() {
        // 3.1 Mb/s in all.
        let rate = 387_500.0;
        assert_eq!(room(u64::MAX, rate), Room::Enough);
        assert_eq!(room(1 << 30, rate), Room::Enough);
        let Room::Low(left) = room(FULL_BYTES + 100 * 387_500, rate) else {
            panic!("no warning")
        };
        assert_eq!(left.as_secs(), 100);
        assert_eq!(room(FULL_BYTES - 1, rate), Room::Full);
        assert_eq!(room(0, 0.0), Room::Full);
        assert_eq!(room(1 << 40, 0.0), Room::Enough);
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        let said = |kind: io::ErrorKind| refusal(&kind.into(), Path::new("/media/x"));
        assert!(said(io::ErrorKind::NotFound).contains("Plug in"));
        assert!(said(io::ErrorKind::ReadOnlyFilesystem).contains("cannot be written to"));
        assert!(said(io::ErrorKind::PermissionDenied).contains("Choose another"));
        assert!(said(io::ErrorKind::StorageFull).starts_with("the disk is full (/media/x)"));
        // A quota, a disk that was pulled (EIO, ENODEV), a name that the file system refuses.
        assert!(said(io::ErrorKind::QuotaExceeded).starts_with("the disk is full (/media/x)"));
        assert!(said(io::ErrorKind::NotADirectory).contains("Plug in"));
        // The system's own numbers.
        #[cfg(unix)]
        for number in [5, 19, 36] {
            let said = refusal(&io::Error::from_raw_os_error(number), Path::new("/media/x"));
            assert!(said.contains("choose another folder"), "{said}");
        }
        assert!(said(io::ErrorKind::Other).contains("Check its disk"));
    }
}
