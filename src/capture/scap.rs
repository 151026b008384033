//! The screen through the `scap` library, which runs in a child process (`helpers/scap-source`).
//!
//! Runs on the capture thread: starts the child, reads its pictures, ends it. scap blocks on a
//! still screen and panics when the operator cancels; in a child both are harmless. ARCHITECTURE.md
//! says why scap is not the default. Holds one picture in the making; the child keeps the newest
//! only while this side does not read, the slot drops what the pacer did not take.

mod locate;
mod pieces;
pub mod wire;

pub use locate::PROGRAM_ENV;

use super::copy::Copier;
use super::{CaptureError, FrameSlot, SourceNote, VideoSource};
use crate::clock::now;
use crate::ffmpeg::child::Sidecar;
use crate::settings::VideoSettings;
use crate::stop::StopToken;
use crate::units::Size;
use pieces::Pieces;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

/// The longest that the stop, or the child's end, goes unseen; and from one sign of life to the next.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The child may stand still between two pictures, but not within one.
const STALL: Duration = Duration::from_secs(2);
/// What each step of the child's end may take. It is dead after two of them at most.
const GRACE: Duration = Duration::from_millis(40);
/// As large as a pipe may be without privileges (fs/pipe-max-size): fewer turns for a picture.
const PIPE_BYTES: usize = 1 << 20;
/// The child's last words that are shown.
const WORDS: usize = 3;

/// What scap 0.0.8 says when the operator did not choose a screen (its `linux/portal.rs`).
const CANCELLED: [&str; 2] = [
    "User cancelled the interaction",
    "The user interaction was ended in some other way",
];

/// The screen through scap.
pub struct ScapSource {
    child: Sidecar,
    copier: Copier,
}

/// Why reading ended.
enum End {
    /// The child has ended or closed its output.
    Child,
    Failed(CaptureError),
}

impl ScapSource {
    /// Starts `pd-scap-source`: the one that `PD_CONSOLE_SCAP` names, beside the console, or in
    /// PATH. The desktop then asks the operator what to capture; `settings.part` is not looked at.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] where there is no such program, [`CaptureError::Lost`] where it does
    /// not start.
    pub fn open(settings: &VideoSettings) -> Result<Self, CaptureError> {
        Self::start(&locate::program()?, settings)
    }

    /// Starts `program` as the child.
    ///
    /// # Errors
    /// [`CaptureError::Lost`] where it does not start.
    pub fn start(program: &Path, settings: &VideoSettings) -> Result<Self, CaptureError> {
        // scap takes whole rates only; the pacer makes the exact one.
        let fps = settings.fps.as_f64().ceil().clamp(1.0, 1000.0) as u32;
        let cursor = if settings.cursor { "on" } else { "off" };
        let mut command = Command::new(program);
        command.args([fps.to_string().as_str(), cursor]);
        let child = Sidecar::start_plain(
            "scap",
            command,
            Box::new(|line| tracing::warn!("scap: {line}")),
        )
        .map_err(|error| {
            CaptureError::Lost(format!("{} does not start: {error}", program.display()))
        })?;
        Ok(Self {
            child,
            copier: Copier::new(settings.region),
        })
    }

    /// The child's process id.
    pub fn pid(&mut self) -> u32 {
        self.child.pid()
    }

    fn read(
        &mut self,
        stdout: &mut ChildStdout,
        slot: &FrameSlot,
        stop: &StopToken,
    ) -> Result<(), End> {
        let mut pieces = Pieces::default();
        let mut size = None;
        let mut moved = Instant::now();
        slot.note(SourceNote {
            label: None,
            asks: Some("choose a screen in the desktop's dialog; scap waits ten seconds".into()),
        });
        while !stop.is_stopped() {
            // The child lives. Whether scap in it does, nobody can tell from a still screen.
            slot.beat(now());
            if !is_readable(stdout)? {
                if pieces.is_within() && moved.elapsed() > STALL {
                    return Err(lost("scap stopped in the middle of a picture".into()));
                }
                if self.child.poll_exit().is_some() {
                    return Err(End::Child);
                }
                continue;
            }
            let count = match stdout.read(pieces.room()) {
                Ok(0) => return Err(End::Child),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(format!("reading from scap failed: {error}"))),
            };
            moved = Instant::now();
            if let Err(why) = pieces.filled(count, now()) {
                return Err(lost(format!("scap sent what is no picture: {why}")));
            }
            let Some((lent, captured_at)) = pieces.picture() else {
                continue;
            };
            let frame = self.copier.copy(&lent, captured_at).map_err(End::Failed)?;
            if size.replace(lent.size) != Some(lent.size) {
                slot.note(SourceNote {
                    label: Some(label(lent.size)),
                    asks: None,
                });
            }
            slot.put(frame);
        }
        Ok(())
    }
}

fn lost(what: String) -> End {
    End::Failed(CaptureError::Lost(what))
}

fn label(size: Size) -> String {
    format!("Screen through scap, {size}")
}

/// Waits a little for something to read, or for the end of it.
fn is_readable(stdout: &ChildStdout) -> Result<bool, End> {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: LOOK_EVERY.subsec_nanos().into(),
    };
    let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(lost(format!("waiting for scap failed: {error}"))),
    }
}

/// What the end of a child with these last words means.
fn verdict(words: &[String], status: Option<ExitStatus>) -> CaptureError {
    if words
        .iter()
        .any(|line| CANCELLED.iter().any(|text| line.contains(text)))
    {
        return CaptureError::Refused(
            "no screen was chosen in its dialog. Choose one there, or another source".into(),
        );
    }
    let how = status.map_or_else(|| "closed its output".into(), |s| s.to_string());
    let last = words[words.len().saturating_sub(WORDS)..].join(" | ");
    CaptureError::Lost(if last.is_empty() {
        format!("scap ended ({how}) without a word")
    } else {
        format!("scap ended ({how}): {last}")
    })
}

impl VideoSource for ScapSource {
    fn label(&self) -> String {
        "Screen through scap".into()
    }

    /// Each frame's `captured_at` is the time at which scap gave the picture to the child. Ends the
    /// child within 300 ms of the stop.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let Some(mut stdout) = self.child.take_stdout() else {
            return Err(CaptureError::Lost("scap has ended already".into()));
        };
        // A smaller pipe does as well, with more turns.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES);
        let end = self.read(&mut stdout, slot, stop);
        drop(stdout);
        // Also gives a child that ended by itself the time for its last words.
        self.child.end(GRACE);
        match end {
            Ok(()) => Ok(()),
            Err(_) if stop.is_stopped() => Ok(()),
            Err(End::Failed(error)) => Err(error),
            Err(End::Child) => Err(verdict(&self.child.tail().lines(), self.child.poll_exit())),
        }
    }
}

impl std::fmt::Debug for ScapSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScapSource").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_of(words: &[&str]) -> CaptureError {
        verdict(&words.iter().map(|w| (*w).into()).collect::<Vec<_>>(), None)
    }

    #[test]
    fn a_cancelled_dialog_is_a_refusal_and_anything_else_a_loss() {
        let scap = "pd-scap-source: scap failed inside: Failed to get screencast stream: LinCapError { msg: ";
        let cancelled = format!("{scap}\"User cancelled the interaction\" }}");
        assert!(matches!(
            verdict_of(&["Out of buffers", &cancelled]),
            CaptureError::Refused(_)
        ));
        let silent = format!("{scap}\"Did not get response\" }}");
        let CaptureError::Lost(text) = verdict_of(&["a", "b", "c", &silent]) else {
            panic!("not a loss");
        };
        assert!(text.contains("b | c | pd-scap"), "{text}");
        assert!(!text.contains("a | b"), "{text}");
    }
}
