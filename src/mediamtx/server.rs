//! The MediaMTX that the console runs on loopback.
//!
//! Owns the child, its private folder (configuration with the generated password, mode 0600, removed
//! at the end) and the thread `pd-log-mediamtx` that drains its output, so that it never blocks; the
//! last 40 lines are kept, longer ones cut. [`ManagedServer::start`] and [`ManagedServer::stop`]
//! block: call them on the session's worker.

use super::client::Client;
use super::config::{ManagedConfig, Need, USER};
use super::folder::PrivateFolder;
use super::ports::Ports;
use super::server_log::{Tail, drain};
use crate::ffmpeg::{launch, words};
use crate::session::snapshot::Severity;
use crate::stop::{StopToken, ends_by};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for the API's first answer; 0.1 s is usual.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// From TERM to kill.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// Starts with new ports, where one was lost between its choice and the server's start.
const STARTS: usize = 3;

/// Why the managed server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program cannot be started.
    #[error("MediaMTX at {} cannot be started: {source}. Check the path and that the file is MediaMTX for this system.", bin.display())]
    Spawn {
        /// The program.
        bin: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Its folder, configuration or ports cannot be made.
    #[error(
        "MediaMTX's configuration cannot be written: {0}. Check free space and permissions of the temporary folder."
    )]
    Prepare(io::Error),
    /// It ended before it was ready.
    #[error(
        "MediaMTX ended at once ({status}). Its last words: {}",
        last_words(lines)
    )]
    Exited {
        /// Exit status.
        status: ExitStatus,
        /// Its last lines, oldest first.
        lines: Vec<String>,
    },
    /// It runs, but its API does not answer.
    #[error("MediaMTX did not become ready in {} s and was ended. Its last words: {}", READY_WITHIN.as_secs(), last_words(lines))]
    NotReady {
        /// Its last lines, oldest first.
        lines: Vec<String>,
    },
    /// The operator stopped it.
    #[error("the start of MediaMTX was stopped")]
    Cancelled,
}

fn last_words(lines: &[String]) -> String {
    if lines.is_empty() {
        return "(none)".into();
    }
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// What is done with each line of the server's log; called on the draining thread.
pub type OnLog = Arc<dyn Fn(Severity, String) + Send + Sync>;

/// A running (or ended) MediaMTX; dropping it ends it.
pub struct ManagedServer {
    child: Child,
    status: Option<ExitStatus>,
    config: ManagedConfig,
    client: Client,
    version: String,
    tail: Tail,
    drain: Option<JoinHandle<()>>,
    // Last: the folder goes after the child.
    _folder: PrivateFolder,
}

impl ManagedServer {
    /// Starts `bin` on free loopback ports and waits until its API answers. Blocks.
    ///
    /// # Errors
    /// See [`ServerError`]; nothing is left running then.
    pub fn start(
        bin: &Path,
        need: &Need,
        stop: &StopToken,
        log: OnLog,
    ) -> Result<Self, ServerError> {
        let mut tries = 1;
        loop {
            let config = ManagedConfig::generate(need).map_err(ServerError::Prepare)?;
            match Self::start_with(bin, config, stop, &log) {
                Err(ServerError::Exited { lines, .. })
                    if tries < STARTS && words::is_port_taken(&lines) =>
                {
                    log(
                        Severity::Warning,
                        "A port was taken meanwhile; MediaMTX is started with others.".into(),
                    );
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// As [`ManagedServer::start`], with a given configuration and one try.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start_with(
        bin: &Path,
        config: ManagedConfig,
        stop: &StopToken,
        log: &OnLog,
    ) -> Result<Self, ServerError> {
        let folder = PrivateFolder::make().map_err(ServerError::Prepare)?;
        let file = folder.path().join("mediamtx.yml");
        write_private(&file, &config.yaml()).map_err(ServerError::Prepare)?;
        let (reader, writer) = io::pipe().map_err(ServerError::Prepare)?;
        let errors = writer.try_clone().map_err(ServerError::Prepare)?;
        let mut command = Command::new(bin);
        command.arg(&file).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(writer).stderr(errors);
        // Variables such as MTX_SRTADDRESS would override the file.
        for (name, _) in std::env::vars_os() {
            if name
                .to_string_lossy()
                .to_ascii_uppercase()
                .starts_with("MTX_")
            {
                command.env_remove(name);
            }
        }
        let child = launch::spawn(command).map_err(|source| ServerError::Spawn {
            bin: bin.into(),
            source,
        })?;
        let client = Client::new(
            &api_url(config.ports),
            USER,
            config.password.expose_secret(),
        );
        let mut server = Self {
            child,
            status: None,
            config,
            client,
            version: String::new(),
            tail: Tail::default(),
            drain: None,
            _folder: folder,
        };
        let (tail, log) = (server.tail.clone(), Arc::clone(log));
        let drain = std::thread::Builder::new()
            .name("pd-log-mediamtx".into())
            .spawn(move || drain(reader, &tail, &*log))
            .map_err(ServerError::Prepare)?;
        server.drain = Some(drain);
        server.wait_ready(stop)?;
        Ok(server)
    }

    /// Starts a server that has ended again, on the ports that its viewers know; on others where
    /// those are taken.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start_again(
        bin: &Path,
        config: ManagedConfig,
        stop: &StopToken,
        log: &OnLog,
    ) -> Result<Self, ServerError> {
        let need = config.need.clone();
        match Self::start_with(bin, config, stop, log) {
            Err(ServerError::Exited { lines, .. }) if words::is_port_taken(&lines) => {
                let text = "A port was taken meanwhile: the viewers' link is another now.";
                log(Severity::Warning, text.into());
                Self::start(bin, &need, stop, Arc::clone(log))
            }
            result => result,
        }
    }

    /// Asks the API until it answers.
    fn wait_ready(&mut self, stop: &StopToken) -> Result<(), ServerError> {
        let until = Instant::now() + READY_WITHIN;
        loop {
            // Short, so that a stop or an early end is seen soon.
            let version = self.client.version_within(Duration::from_millis(300));
            if let Some(status) = self.poll_exit() {
                self.join_drain();
                return Err(ServerError::Exited {
                    status,
                    lines: self.tail.lines(),
                });
            }
            if let Ok(version) = version {
                crate::crash::facts::version("MediaMTX", format!("{version}, own"));
                self.version = version;
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(ServerError::NotReady {
                    lines: self.tail.lines(),
                });
            }
            if stop.sleep(Duration::from_millis(20)) {
                return Err(ServerError::Cancelled);
            }
        }
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        self.poll_exit().is_none()
    }

    /// Its exit status, once it has ended.
    pub fn poll_exit(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Ends it: TERM, kill after a second, reaped. Blocks for little more than that at most.
    pub fn stop(&mut self) {
        if self.poll_exit().is_none() {
            self.terminate();
            if !self.wait(STOP_GRACE) {
                tracing::warn!("MediaMTX did not end when asked and is killed");
                let _ = self.child.kill();
                self.wait(STOP_GRACE);
            }
        }
        self.join_drain();
    }

    fn wait(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while self.poll_exit().is_none() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Waits a little for the drain's end: a hook of the server that holds the pipe must not hold us.
    fn join_drain(&mut self) {
        if let Some(drain) = self.drain.take() {
            ends_by(&drain, Instant::now() + Duration::from_millis(200));
        }
    }

    #[cfg(unix)]
    fn terminate(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        // Not reaped yet, so the id is still this child's.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn terminate(&mut self) {
        let _ = self.child.kill();
    }

    /// Whether it was started for this.
    pub fn fits(&self, need: &Need) -> bool {
        self.config.need == *need
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The server's version, such as "v1.20.0".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it was started with.
    pub fn config(&self) -> &ManagedConfig {
        &self.config
    }

    /// Its ports.
    pub fn ports(&self) -> Ports {
        self.config.ports
    }

    /// A client that is logged in.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Base address of the API.
    pub fn api_url(&self) -> String {
        api_url(self.config.ports)
    }

    /// Where to publish over SRT.
    pub fn srt_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.config.ports.srt).into()
    }

    /// Where to publish over RTSP.
    pub fn rtsp_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.config.ports.rtsp).into()
    }

    /// Base address of the WebRTC listener.
    pub fn webrtc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.webrtc)
    }

    /// Where a WHEP reader of `path` joins. Reading needs no login on this machine.
    pub fn whep_url(&self, path: &str) -> String {
        format!("{}/{path}/whep", self.webrtc_url())
    }

    /// The page that plays `path` in a browser.
    pub fn viewer_url(&self, path: &str) -> String {
        format!("{}/{path}/", self.webrtc_url())
    }

    /// User for publishing and the API.
    pub fn publish_user(&self) -> &'static str {
        USER
    }

    /// Its password, new for each start. Mask it in logs.
    pub fn password(&self) -> &SecretString {
        &self.config.password
    }

    /// The last lines of its log, oldest first.
    pub fn last_lines(&self) -> Vec<String> {
        self.tail.lines()
    }
}

impl Drop for ManagedServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn api_url(ports: Ports) -> String {
    format!("http://127.0.0.1:{}", ports.api)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(unix)]
#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
