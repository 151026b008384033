//! The world of a soak: screen and window, sound server, receiver, the bad network, the console as a
//! process, and a viewer of the driver's own that tells when pictures really came.
//!
//! Runs on the test's thread. The viewer has the probe's thread and one that keeps the times.

use super::PASSWORD;
use super::desk::{PART, Scene, Sound};
use super::receiver::{Look, Receiver};
use super::remote::{Remote, Status};
use crate::common::console::{Console, Plan};
use crate::common::disk::SmallDisk;
use crate::common::link::Link;
use crate::common::screen::Xvfb;
use crate::common::{free_tcp_port, wait_until};
use pd_console::probe::{self, ProbeEvent};
use pd_console::relay::ArrivalCounters;
use pd_console::stop::StopToken;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Wished of the picture at rest, kb/s.
pub const KBPS: u32 = 2500;
/// Frames a second at rest.
pub const FPS: f64 = 30.0;

/// Everything that a fault can befall. Dropped in this order: the console first.
pub struct Show {
    /// The console.
    pub console: Console,
    /// What steers it.
    pub remote: Remote,
    /// Who watches.
    pub eye: Eye,
    /// To the server by SRT.
    pub link: Link,
    /// The other end.
    pub receiver: Receiver,
    /// Looks at it.
    pub look: Look,
    /// What is captured; taken and put back with its screen.
    pub scene: Scene,
    /// What is heard.
    pub sound: Option<Sound>,
    /// For how long the server's SRT receiver held what came, at the beginning, ms.
    pub holds_ms: f64,
    /// Port of the remote control.
    pub port: u16,
    /// Port of the viewers' page.
    pub page: u16,
    /// Recordings and replays.
    pub recordings: PathBuf,
    /// Where they are, if a disk could be mounted for them.
    pub disk: Option<SmallDisk>,
    /// Where the window is.
    pub screen: Xvfb,
    _folder: tempfile::TempDir,
}

/// The stream's name on the server.
pub const PATH: &str = "pd_soak";
/// Room for recordings and replays: some minutes.
const DISK_MIB: u32 = 64;

impl Show {
    /// Begins it, and waits until it is live; None, with a word, where something is missing.
    pub fn start(program: &Path, ffmpeg: &Path, mediamtx: Option<&Path>) -> Option<Self> {
        let screen = Xvfb::start("1280x800x24", &[])?;
        let scene = Scene::start(&screen.display);
        let sound = Sound::start();
        let receiver = Receiver::start(mediamtx);
        let link = Link::start(receiver.srt());
        let folder = tempfile::tempdir().unwrap();
        let disk = SmallDisk::of(DISK_MIB);
        let within = disk.as_ref().map_or(folder.path(), SmallDisk::path);
        let recordings = within.join("recordings");
        std::fs::create_dir(&recordings).unwrap();
        let (port, page) = (free_tcp_port(), free_tcp_port());
        let inputs = match sound {
            Some(_) => "[(source:SystemSound),(source:Beep(0),muted:true)]",
            None => "[(source:Tone),(source:Beep(0),muted:true)]",
        };
        let line = format!(
            "live --remote --json --set remote.port={port} --set viewer.port={page} \
             --set video.source=X11 --set video.part={PART} --set video.size=1280x720 \
             --set video.fps=30 --set encoder.bitrate_kbps={KBPS} --set audio.inputs={inputs} \
             --set recording.folder={} {}",
            recordings.display(),
            receiver.words(link.port)
        );
        let mut plan = Plan::of(program, ffmpeg, &line)
            .env("PD_CONSOLE_REMOTE_PASSWORD", PASSWORD)
            .env("DISPLAY", &screen.display);
        for (name, value) in sound.iter().flat_map(Sound::variables) {
            plan = plan.env(name, value);
        }
        let console = plan.start();
        console.wait_live(1);
        Some(Self {
            eye: receiver.eye(),
            look: receiver.look(),
            remote: Remote::new(port),
            console,
            link,
            receiver,
            scene,
            sound,
            holds_ms: f64::INFINITY,
            port,
            page,
            recordings,
            disk,
            screen,
            _folder: folder,
        })
    }

    /// What the console says, and how late pictures come.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub fn status(&mut self) -> Result<Status, String> {
        let mut status = self.remote.status()?;
        status.arrived_ms = self.look.arrived_ms(&status);
        Ok(status)
    }

    /// Whether all is as it should be: live, the viewer has pictures at the full rate, nothing is
    /// wrong with picture or sound, and pictures come no later than `near_ms`. If not, why.
    ///
    /// What the server's SRT receiver holds a picture beyond what it did at the beginning is not counted:
    /// its time base is set when a connection is made (gosrt), and a busy moment then makes every picture
    /// of that connection late by as much (seen: 422 ms of 120 in force, for ten minutes).
    ///
    /// # Errors
    /// What is not as it should be.
    pub fn is_well(&mut self, near_ms: f64) -> Result<Status, String> {
        let status = self.status()?;
        if status.state != "live" {
            return Err(format!("the show is {}", status.state));
        }
        let problems = [&status.source_problem, &status.sound_problem];
        if let Some(problem) = problems.into_iter().flatten().next() {
            return Err(problem.clone());
        }
        let seen = self.eye.within(Duration::from_secs(1));
        if (seen as f64) < FPS * 0.6 {
            return Err(format!("the viewer has {seen} pictures a second"));
        }
        if status.sound_dbfs.is_none_or(|level| level < -60.0) {
            return Err("silence".into());
        }
        let Some(ms) = status.arrived_ms else {
            return Err("the latency is not measured".into());
        };
        if ms <= near_ms {
            return Ok(status);
        }
        let held = self.look.held_ms().unwrap_or_default();
        if ms - (held - self.holds_ms).max(0.0) <= near_ms {
            return Ok(status);
        }
        let holds = self.holds_ms;
        Err(format!(
            "pictures come after {ms:.0} ms, {held:.0} of them held by the server's receiver (at first {holds:.0})"
        ))
    }

    /// Waits until [`Show::is_well`] has held for a second; after what time it began to hold.
    ///
    /// # Errors
    /// What was still wrong after `limit`.
    pub fn well_after(&mut self, near_ms: f64, limit: Duration) -> Result<Duration, String> {
        let from = Instant::now();
        let mut since = None;
        loop {
            match self.is_well(near_ms) {
                Ok(_) => {
                    let since: Instant = *since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= Duration::from_secs(1) {
                        return Ok(since - from);
                    }
                }
                Err(why) => {
                    since = None;
                    if from.elapsed() > limit {
                        return Err(why);
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until a recording runs, or none does any more.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn wait_recording(&mut self, wanted: bool) -> Result<(), String> {
        let remote = &mut self.remote;
        let is_so = || remote.status().is_ok_and(|now| now.recording == wanted);
        if wait_until(Duration::from_secs(20), is_so) {
            return Ok(());
        }
        Err(format!("recording should be {wanted}"))
    }

    /// Bytes of what was recorded.
    pub fn on_disk(&self) -> u64 {
        let files = std::fs::read_dir(&self.recordings).unwrap().flatten();
        files
            .map(|file| file.metadata().map_or(0, |m| m.len()))
            .sum()
    }

    /// Takes away what was recorded, so that two hours fill no disk; its bytes.
    pub fn recorded(&self) -> u64 {
        let mut bytes = 0;
        for file in std::fs::read_dir(&self.recordings).unwrap().flatten() {
            bytes += file.metadata().map_or(0, |file| file.len());
            // One that is still being written goes with the folder.
            let _ = std::fs::remove_file(file.path());
        }
        bytes
    }
}

/// A viewer that keeps the times of the last pictures.
pub struct Eye {
    times: Times,
    stop: StopToken,
}

/// When pictures came, oldest first.
pub type Times = Arc<Mutex<VecDeque<Instant>>>;

/// Of so many pictures: five minutes.
const KEPT: usize = 9000;

/// Keeps one more, and lets the oldest go.
pub fn push(times: &Times, at: Instant) {
    let mut times = times.lock().unwrap();
    times.push_back(at);
    if times.len() > KEPT {
        times.pop_front();
    }
}

impl Eye {
    /// Joins, and joins again when it is thrown out.
    pub fn start(url: String) -> Self {
        let (events, inbox) = crossbeam_channel::bounded(4096);
        let stop = StopToken::new();
        let counters = Arc::new(ArrivalCounters::default());
        probe::spawn(url, None, events, counters, stop.clone()).unwrap();
        let times = Times::default();
        let into = times.clone();
        std::thread::spawn(move || {
            for event in inbox {
                if let ProbeEvent::Video(_) = event {
                    push(&into, Instant::now());
                }
            }
        });
        Self { times, stop }
    }

    /// Of pictures whose times another keeps.
    pub fn of(times: Times) -> Self {
        let stop = StopToken::new();
        Self { times, stop }
    }

    /// Pictures of the last time.
    pub fn within(&self, time: Duration) -> usize {
        let times = self.times.lock().unwrap();
        times
            .iter()
            .rev()
            .take_while(|at| at.elapsed() < time)
            .count()
    }

    /// The longest time without a picture since `from`, until now.
    pub fn black_since(&self, from: Instant) -> Duration {
        let times = self.times.lock().unwrap();
        let first = times.partition_point(|at| *at < from).saturating_sub(1);
        let mut last = times.get(first).copied().unwrap_or(from);
        let mut longest = Duration::ZERO;
        for at in times.range(first.min(times.len())..).copied() {
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest.max(last.elapsed())
    }
}

impl Drop for Eye {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
