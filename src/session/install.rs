//! The downloads of MediaMTX and ffmpeg as the session holds them: asked for by the operator, one of each at a
//! time.
//!
//! Runs on `pd-install` (seconds to minutes, by the line); ends with this. Only the newest progress is
//! kept.

use crate::fetch::{self, InstallError, Parcel};
use crate::ffmpeg;
use crate::mediamtx::release;
use crate::stop::StopToken;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names another place of MediaMTX's archives, for tests; the checksum stays.
pub const SERVER_URL_ENV: &str = "PD_CONSOLE_MEDIAMTX_URL";
/// The same of ffmpeg.
pub const FFMPEG_URL_ENV: &str = "PD_CONSOLE_FFMPEG_URL";

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The embedded server.
    MediaMtx,
    /// The program that encodes and sends.
    Ffmpeg,
}

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

/// Downloads of one program, one at a time.
pub struct Installer {
    program: Program,
    status: Arc<ArcSwap<InstallStatus>>,
    running: Arc<AtomicBool>,
    /// Of the one that runs.
    stop: StopToken,
    told: bool,
}

impl Installer {
    /// None under way.
    pub fn new(program: Program) -> Self {
        Self {
            program,
            status: Arc::default(),
            running: Arc::default(),
            stop: StopToken::new(),
            told: false,
        }
    }

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
        let program = self.program;
        let started = std::thread::Builder::new()
            .name("pd-install".into())
            .spawn(move || {
                let end = match run(program, &status, &stop) {
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

fn run(
    program: Program,
    status: &ArcSwap<InstallStatus>,
    stop: &StopToken,
) -> Result<PathBuf, String> {
    let (parcel, url) = parcel(program)?;
    let folder = fetch::folder().ok_or(
        "the system names no folder for programs' data of this user. Install the program by hand and set its path",
    )?;
    let mut shown = 0;
    let progress = &mut |got: u64, of: Option<u64>| {
        // A word for each 64 KiB would be too many.
        if got >= shown {
            shown = got + (256 << 10);
            status.store(Arc::new(InstallStatus::Running { got, of }));
        }
    };
    fetch::download(&parcel, &url, &folder, progress, stop)
        .map_err(|error: InstallError| error.to_string())
}

/// What is downloaded and from where.
fn parcel(program: Program) -> Result<(Parcel, String), String> {
    let (parcel, url, variable) = match program {
        Program::MediaMtx => {
            let parcel = release::of_this_system().ok_or(
                "no MediaMTX with a known checksum is known for this system. Get it from its project and set mediamtx_path",
            )?;
            (parcel, release::BASE_URL.to_owned(), SERVER_URL_ENV)
        }
        Program::Ffmpeg => {
            let (build, url) =
                ffmpeg::release::of_this_system().ok_or(ffmpeg::release::NONE_KNOWN)?;
            (build.parcel(), url, FFMPEG_URL_ENV)
        }
    };
    Ok((parcel, std::env::var(variable).unwrap_or(url)))
}
