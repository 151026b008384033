//! The download of MediaMTX as the session holds it: asked for by the operator, one at a time.
//!
//! Runs on `pd-install` (seconds to minutes, by the line); ends with this. Only the newest progress is
//! kept.

use crate::mediamtx::install::{self, InstallError};
use crate::mediamtx::release::{BASE_URL, Release};
use crate::stop::StopToken;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names another place of the archives, for tests; the checksum stays.
pub const URL_ENV: &str = "PD_CONSOLE_MEDIAMTX_URL";

/// How the download stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InstallStatus {
    /// Never asked for.
    #[default]
    None,
    /// Under way.
    Running {
        /// Bytes so far.
        got: u64,
        /// Of how many, where that is told.
        of: Option<u64>,
    },
    /// The program is there.
    Done(PathBuf),
    /// It is not: what happened and what to do.
    Failed(String),
}

/// Downloads, one at a time.
#[derive(Default)]
pub struct Installer {
    status: Arc<ArcSwap<InstallStatus>>,
    running: Arc<AtomicBool>,
    /// Of the one that runs.
    stop: StopToken,
    told: bool,
}

impl Installer {
    /// Begins it, unless one is under way.
    pub fn begin(&mut self) {
        if self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        self.told = false;
        self.stop = StopToken::new();
        self.status
            .store(Arc::new(InstallStatus::Running { got: 0, of: None }));
        let (status, running, stop) =
            (self.status.clone(), self.running.clone(), self.stop.clone());
        let started = std::thread::Builder::new()
            .name("pd-install".into())
            .spawn(move || {
                let end = match fetch(&status, &stop) {
                    Ok(path) => InstallStatus::Done(path),
                    Err(why) => InstallStatus::Failed(why),
                };
                status.store(Arc::new(end));
                running.store(false, Ordering::Release);
            });
        if let Err(error) = started {
            let why = format!("no thread for the download: {error}");
            self.status.store(Arc::new(InstallStatus::Failed(why)));
            self.running.store(false, Ordering::Release);
        }
    }

    /// Ends the one that runs.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// For the snapshot.
    pub fn status(&self) -> InstallStatus {
        InstallStatus::clone(&self.status.load())
    }

    /// How one ended, once.
    pub fn ended(&mut self) -> Option<InstallStatus> {
        let status = self.status();
        let over = matches!(status, InstallStatus::Done(_) | InstallStatus::Failed(_));
        (over && !std::mem::replace(&mut self.told, true)).then_some(status)
    }
}

impl Drop for Installer {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn fetch(status: &ArcSwap<InstallStatus>, stop: &StopToken) -> Result<PathBuf, String> {
    let release = Release::of_this_system().ok_or(
        "no MediaMTX with a known checksum is known for this system. Get it from its project and set mediamtx_path",
    )?;
    let folder = install::folder().ok_or(
        "the system names no folder for programs' data of this user. Get MediaMTX from its project and set mediamtx_path",
    )?;
    let url = std::env::var(URL_ENV).unwrap_or_else(|_| BASE_URL.to_owned());
    let mut shown = 0;
    let progress = &mut |got: u64, of: Option<u64>| {
        // A word for each 64 KiB would be too many.
        if got >= shown {
            shown = got + (256 << 10);
            status.store(Arc::new(InstallStatus::Running { got, of }));
        }
    };
    install::download(&release, &url, &folder, progress, stop)
        .map_err(|error: InstallError| error.to_string())
}
