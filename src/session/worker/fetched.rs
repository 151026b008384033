//! What follows once a download of MediaMTX or ffmpeg has ended: a word in the journal, and another look at
//! everything. On the session's thread.

use super::Worker;
use crate::session::install::InstallStatus;

impl Worker {
    pub(super) fn look_at_install(&mut self) {
        match self.installer.ended() {
            Some(InstallStatus::Done(path)) => {
                self.journal
                    .info(format!("MediaMTX was installed: {}", path.display()));
                self.examine();
            }
            Some(InstallStatus::Failed(why)) => self
                .journal
                .warn(format!("MediaMTX was not installed: {why}")),
            _ => {}
        }
        match self.ffmpeg_installer.ended() {
            Some(InstallStatus::Done(path)) => {
                self.journal
                    .info(format!("ffmpeg was installed: {}", path.display()));
                // A path that was set stands before what is found, and was the reason to fetch one.
                if !self.in_show() && self.settings.ffmpeg_path.take().is_some() {
                    self.save();
                }
                self.examine();
            }
            Some(InstallStatus::Failed(why)) => self
                .journal
                .warn(format!("ffmpeg was not installed: {why}")),
            _ => {}
        }
    }
}
