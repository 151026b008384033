//! Recording while live, and the replay of the last seconds: the same access units as everyone's, no
//! second encode.
//!
//! The session owns one [`Recorder`] and tells it of shows; nothing here waits. A thread keeps the
//! last seconds in memory (`tap`, [`ring`]); a recording and a replay are jobs (`worker`) that
//! write files out of it (`file`). Under pressure a recording loses pictures, the show never.

pub mod cut;
pub mod disk;
mod file;
pub mod name;
pub mod ring;
pub mod status;
pub mod tap;
mod worker;

pub use worker::folder;

use crate::audio::Mixer;
use crate::ffmpeg::Ffmpeg;
use crate::relay::Relay;
use crate::session::journal::Journal;
use crate::settings::{RecordingSettings, Settings};
use status::{PARTS_KEPT, Part, Phase, RecordingStatus, ReplayStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tap::Tap;
use worker::{Job, Wish};

/// Sound of a file is not worse than this, kb/s: it costs little on a disk.
const LEAST_AUDIO_KBPS: u32 = 128;

/// Records shows.
#[derive(Default)]
pub struct Recorder {
    show: Option<Show>,
    recording: Option<Job>,
    /// Recordings that are being ended.
    ending: Vec<Job>,
    replay: Option<Job>,
    /// What is known of this show's jobs that have ended.
    past: RecordingStatus,
}

/// The show that runs.
struct Show {
    relay: Arc<Relay>,
    sound: Mixer,
    ffmpeg: Ffmpeg,
    stream: String,
    journal: Journal,
    tap: Option<Tap>,
}

impl Recorder {
    /// A show begins: keeps its last seconds, and records it where the settings say so.
    pub fn begin(
        &mut self,
        settings: &Settings,
        relay: Arc<Relay>,
        sound: Mixer,
        ffmpeg: Ffmpeg,
        journal: Journal,
    ) {
        self.end();
        self.past = RecordingStatus::default();
        self.show = Some(Show {
            relay,
            sound,
            ffmpeg,
            stream: settings.target.path.clone(),
            journal,
            tap: None,
        });
        if settings.recording.replay_seconds > 0 {
            self.keep(settings);
        }
        if settings.recording.auto {
            self.record(settings);
        }
    }

    /// Starts to keep the last seconds, where that is not done yet; whether it is.
    fn keep(&mut self, settings: &Settings) -> bool {
        let Some(show) = &mut self.show else {
            return false;
        };
        if show.tap.is_none() {
            let span = Duration::from_secs(u64::from(settings.recording.replay_seconds));
            let muted = settings.audio.muted;
            match Tap::start(&show.relay, &show.sound, muted, span) {
                Ok(tap) => show.tap = Some(tap),
                Err(error) => show.journal.error(format!("no thread to record: {error}")),
            }
        }
        show.tap.is_some()
    }

    /// Starts a recording; outside of a show, or while one runs, nothing.
    pub fn record(&mut self, settings: &Settings) {
        self.turn();
        if self.recording.is_some() || !self.keep(settings) {
            return;
        }
        let Some((show, tap)) = self.show.as_ref().and_then(|s| Some((s, s.tap.as_ref()?))) else {
            return;
        };
        let wish = show.wish(settings, "");
        match Job::record(wish, tap.kept.clone(), show.journal.clone()) {
            Ok(job) => self.recording = Some(job),
            Err(error) => self.past.problem = Some(format!("no thread to record: {error}")),
        }
    }

    /// Ends the recording.
    pub fn stop(&mut self) {
        if let Some(job) = self.recording.take() {
            job.stop();
            self.ending.push(job);
        }
    }

    /// Saves the last seconds to a file.
    pub fn save_replay(&mut self, settings: &Settings) {
        self.turn();
        let Some(show) = self.show.as_ref().filter(|_| self.replay.is_none()) else {
            return;
        };
        let seconds = settings.recording.replay_seconds;
        let started = match &show.tap {
            Some(tap) if seconds > 0 => {
                let wish = show.wish(settings, " replay");
                Job::replay(wish, &tap.kept, seconds, show.journal.clone())
                    .map_err(|error| format!("no thread for the replay: {error}"))
                    .and_then(|job| job.ok_or_else(|| "there is no picture yet to replay".into()))
            }
            _ => Err(
                "no replay is kept. Set its seconds in the settings before the next show"
                    .to_owned(),
            ),
        };
        match started {
            Ok(job) => self.replay = Some(job),
            Err(problem) => {
                show.journal.warn(format!("replay: {problem}"));
                self.past.replay.problem = Some(problem);
            }
        }
    }

    /// Records silence, or the sound again.
    pub fn set_muted(&self, muted: bool) {
        if let Some(tap) = self.show.as_ref().and_then(|show| show.tap.as_ref()) {
            tap.set_muted(muted);
        }
    }

    /// Looks after jobs that have ended. Call it often.
    pub fn turn(&mut self) {
        if self.recording.as_ref().is_some_and(Job::has_ended)
            && let Some(job) = self.recording.take()
        {
            self.ending.push(job);
        }
        for job in self.ending.extract_if(.., |job| job.has_ended()) {
            self.past.add(job.status());
        }
        if self.replay.as_ref().is_some_and(Job::has_ended)
            && let Some(job) = self.replay.take()
        {
            self.past.replay.add(&job.status());
        }
    }

    /// How recording and replay stand.
    pub fn status(&mut self) -> RecordingStatus {
        self.turn();
        let mut status = self.past.clone();
        for job in self.ending.iter().chain(&self.recording) {
            status.add(job.status());
        }
        if let Some(job) = &self.replay {
            status.replay.add(&job.status());
            status.replay.saving = true;
        }
        let tap = self.show.as_ref().and_then(|show| show.tap.as_ref());
        status.replay.kept_seconds = tap.map_or(0.0, |tap| tap.kept.with(|ring| ring.seconds()));
        status
    }

    /// Process ids of its children.
    pub fn pids(&self) -> Vec<(&'static str, u32)> {
        let recorders = self.ending.iter().chain(&self.recording);
        let recorders = recorders.filter_map(|job| Some(("recorder", job.pid()?)));
        let replay = self.replay.iter();
        let replay = replay.filter_map(|job| Some(("replay", job.pid()?)));
        recorders.chain(replay).collect()
    }

    /// The show is about to end: asks for the files' ends and does not wait. Its sound goes on until
    /// [`Recorder::end_by`].
    pub fn close(&mut self) {
        self.stop();
    }

    /// Waits for the files' ends until `deadline`; then they are ended by force, and play all the same.
    pub fn end_by(&mut self, deadline: Instant) {
        self.stop();
        let jobs: Vec<_> = self.ending.drain(..).collect();
        std::thread::scope(|scope| {
            let ends = jobs
                .into_iter()
                .map(|job| scope.spawn(move || job.end_by(deadline)));
            let replay = self.replay.take();
            let replay = scope.spawn(move || replay.map(|job| job.end_by(deadline)));
            for status in ends
                .collect::<Vec<_>>()
                .into_iter()
                .filter_map(|end| end.join().ok())
            {
                self.past.add(status);
            }
            if let Ok(Some(status)) = replay.join() {
                self.past.replay.add(&status);
            }
        });
        self.show = None;
    }

    fn end(&mut self) {
        self.end_by(Instant::now() + Duration::from_millis(500));
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

impl Show {
    fn wish(&self, settings: &Settings, kind: &str) -> Wish {
        let RecordingSettings { folder, form, .. } = settings.recording.clone();
        let now = jiff::Zoned::now().datetime();
        Wish {
            ffmpeg: self.ffmpeg.clone(),
            folder,
            stem: format!("{}{kind}", name::stem(&self.stream, now)),
            form,
            audio_kbps: settings.audio.bitrate_kbps.max(LEAST_AUDIO_KBPS),
        }
    }
}

impl RecordingStatus {
    /// Takes what a later job of the same show says.
    fn add(&mut self, job: RecordingStatus) {
        let parts = std::mem::take(&mut self.parts);
        let (seconds, bytes, lost) = (self.seconds, self.bytes, self.lost);
        let replay = std::mem::take(&mut self.replay);
        *self = RecordingStatus { replay, ..job };
        self.parts = parts
            .into_iter()
            .chain(std::mem::take(&mut self.parts))
            .collect();
        let many = self.parts.len().saturating_sub(PARTS_KEPT);
        self.parts.drain(..many);
        self.seconds += seconds;
        self.bytes += bytes;
        self.lost += lost;
    }
}

impl ReplayStatus {
    fn add(&mut self, job: &RecordingStatus) {
        self.problem.clone_from(&job.problem);
        if let Some(Part { file, seconds, .. }) = job.parts.last() {
            (self.file, self.seconds) = (Some(file.clone()), *seconds);
        }
        if job.phase != Phase::Off {
            self.problem = None;
        }
    }
}
