//! Records one show, or saves one replay: one file after another out of the ring.
//!
//! Owns the thread `pd-record` (`pd-replay`), which writes the pictures into ffmpeg and looks after
//! the files; [`super::file`] has the sound's. Behind the disk it waits and nobody waits for it: what
//! the ring has let go meanwhile is lost, counted and said, and it goes on with the next IDR.

use super::cut::{Cut, Step};
use super::disk::{self, Room, Watch};
use super::file::{self, File, Sink};
use super::name;
use super::ring::At;
use super::status::{Part, Phase, RecordingStatus};
use super::tap::Kept;
use crate::clock::MonoTime;
use crate::ffmpeg::Ffmpeg;
use crate::relay::AccessUnit;
use crate::session::journal::Journal;
use crate::settings::RecordingForm;
use crate::stop::StopToken;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A file whose ffmpeg ended by itself is followed by another where it lasted this long.
const LASTED_S: f64 = 5.0;
/// How long a file may take to be ended well when the show goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is recorded, and how.
#[derive(Clone)]
pub struct Wish {
    /// With which program.
    pub ffmpeg: Ffmpeg,
    /// Where; None is the user's folder for videos.
    pub folder: Option<PathBuf>,
    /// The files' names without part and ending.
    pub stem: String,
    /// Form of the files.
    pub form: RecordingForm,
    /// Bitrate of the sound, kb/s.
    pub audio_kbps: u32,
}

/// A recording or a replay under way.
pub struct Job {
    stop: StopToken,
    shared: Arc<Mutex<RecordingStatus>>,
    child: Sink,
    thread: JoinHandle<()>,
}

impl Job {
    /// Records what comes into `kept` from its newest IDR on until stopped.
    ///
    /// # Errors
    /// Where the thread cannot be started.
    pub fn record(wish: Wish, kept: Arc<Kept>, journal: Journal) -> io::Result<Self> {
        let from = kept.with(|ring| ring.last_key().unwrap_or_else(|| ring.next()));
        Self::spawn("pd-record", "recording", wish, kept, from, journal)
    }

    /// Saves the last `seconds` of `kept`; None where nothing is in it.
    ///
    /// # Errors
    /// Where the thread cannot be started.
    pub fn replay(
        wish: Wish,
        kept: &Kept,
        seconds: u32,
        journal: Journal,
    ) -> io::Result<Option<Self>> {
        let ring = kept.with(|ring| ring.clone());
        let Some(from) = ring
            .newest()
            .map(|newest| newest - Duration::from_secs(u64::from(seconds)))
            .and_then(|since| ring.key_before(since))
        else {
            return Ok(None);
        };
        let still = Arc::new(Kept::closed(ring));
        Self::spawn("pd-replay", "replay", wish, still, from, journal).map(Some)
    }

    fn spawn(
        thread: &str,
        what: &'static str,
        wish: Wish,
        kept: Arc<Kept>,
        from: u64,
        journal: Journal,
    ) -> io::Result<Self> {
        let stop = StopToken::new();
        let shared = Arc::new(Mutex::new(RecordingStatus {
            phase: Phase::Starting,
            ..RecordingStatus::default()
        }));
        let child = Sink::default();
        let mut worker = Worker {
            wish,
            what,
            kept,
            stop: stop.clone(),
            shared: shared.clone(),
            child: child.clone(),
            journal,
            low: false,
            before: (0.0, 0),
        };
        let thread = std::thread::Builder::new()
            .name(thread.into())
            .spawn(move || worker.run(from))?;
        Ok(Self {
            stop,
            shared,
            child,
            thread,
        })
    }

    /// Asks it to end its file well; does not wait.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// How it stands.
    pub fn status(&self) -> RecordingStatus {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Its ffmpeg, where one runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.pid()
    }

    /// Waits for its end until `deadline`, then kills its ffmpeg: a Matroska file and a fragmented MP4
    /// play all the same.
    pub fn end_by(self, deadline: Instant) -> RecordingStatus {
        self.stop();
        if !crate::stop::ends_by(&self.thread, deadline) {
            self.child.kill();
            crate::stop::ends_by(&self.thread, Instant::now() + Duration::from_millis(200));
        }
        self.status()
    }
}

/// Why a file has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The operator, or the show's end, or all of a replay is in it.
    Done,
    /// From this unit on the picture has another size, or time jumped.
    Next(u64, &'static str),
    /// There is no room.
    Full,
    /// The file, or its whole folder, was deleted or renamed: what is written reaches nobody.
    Deleted,
    /// ffmpeg has ended by itself.
    Child,
}

struct Worker {
    wish: Wish,
    /// In messages.
    what: &'static str,
    kept: Arc<Kept>,
    stop: StopToken,
    shared: Arc<Mutex<RecordingStatus>>,
    child: Sink,
    journal: Journal,
    /// The warning about the disk was given.
    low: bool,
    /// In the files that have ended, s and bytes.
    before: (f64, u64),
}

impl Worker {
    fn run(&mut self, from: u64) {
        let mut next = from;
        let mut number = 1;
        let problem = loop {
            match self.one(next, number) {
                Ok(None) => break None,
                Ok(Some(then)) => next = then,
                Err(problem) => break Some(problem),
            }
            number += 1;
        };
        if let Some(problem) = &problem {
            self.journal.error(format!("{}: {problem}", self.what));
        }
        self.tell(|status| {
            status.phase = Phase::Off;
            status.problem = problem;
        });
    }

    fn tell(&self, change: impl FnOnce(&mut RecordingStatus)) {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes one file from `from` on; where the next one begins.
    fn one(&mut self, from: u64, number: u32) -> Result<Option<u64>, String> {
        let Some((at, first)) = self.first_key(from) else {
            return Ok(None);
        };
        let mut cut = Cut::new(at, &first);
        let folder = folder(self.wish.folder.as_deref())?;
        let path = name::claim(
            &folder,
            &name::part(&self.wish.stem, number),
            name::extension(self.wish.form),
        )
        .map_err(|error| disk::refusal(&error, &folder))?;
        let watch = Watch::start(path.clone()).map_err(|e| e.to_string())?;
        let mut file =
            File::start(&self.wish, &path, &first, &self.kept, &self.child).map_err(|e| {
                let _ = std::fs::remove_file(&path);
                format!("ffmpeg cannot be started for {}: {e}", path.display())
            })?;
        self.journal
            .info(format!("{}: writing {}", self.what, path.display()));
        self.tell(|status| {
            status.phase = Phase::On;
            status.file = Some(path.clone());
        });
        let began = first.captured_at;
        let end = self.pictures(&mut file, &mut cut, &watch);
        let seconds = file.last_at().since(began).as_secs_f64();
        if matches!(end, End::Done | End::Full) {
            self.tell(|status| status.phase = Phase::Ending);
        }
        let closed = file.close(PATIENCE);
        let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
        self.before.0 += seconds;
        self.before.1 += bytes;
        let before = self.before;
        self.tell(|status| {
            (status.seconds, status.bytes) = before;
            if bytes > 0 {
                status.parts.push(Part {
                    file: path.clone(),
                    seconds,
                    bytes,
                });
            }
        });
        if bytes == 0 {
            // Only the name that was claimed.
            let _ = std::fs::remove_file(&path);
        }
        self.journal.info(format!(
            "{}: {} has {seconds:.1} s, {:.1} MB",
            self.what,
            path.display(),
            bytes as f64 / 1e6
        ));
        if end == End::Full || file::is_full(&closed.lines) {
            return Err(disk::full(folder.display()));
        }
        if end == End::Deleted && folder.is_dir() {
            return Err(format!(
                "the file {} was deleted while it was written. Record again",
                path.display()
            ));
        }
        match end {
            End::Next(then, why) => {
                self.journal
                    .info(format!("{}: {why}, it goes on in a new file", self.what));
                Ok(Some(then))
            }
            End::Done if closed.good => Ok(None),
            _ if self.stop.is_stopped() && bytes > 0 => {
                let why = closed.lines.last().map_or("no word", String::as_str);
                self.journal.warn(format!(
                    "{}: the disk did not take the file's end in time ({why}); what is there plays",
                    self.what
                ));
                Ok(None)
            }
            _ if !folder.is_dir() || !path.is_file() => {
                Err(disk::refusal(&io::ErrorKind::NotFound.into(), &folder))
            }
            _ => {
                let why = closed
                    .lines
                    .last()
                    .map_or("it said nothing", String::as_str);
                let message = format!("ffmpeg ended by itself while writing: {why}");
                if seconds < LASTED_S || self.stop.is_stopped() || self.kept.is_closed() {
                    return Err(format!("{message}. Check the disk, then record again"));
                }
                self.journal
                    .error(format!("{}: {message}; a new file is begun", self.what));
                Ok(Some(cut.at()))
            }
        }
    }

    /// The first IDR at or behind `from`; None where the end came first.
    fn first_key(&self, mut from: u64) -> Option<(u64, AccessUnit)> {
        loop {
            match self.kept.unit(from) {
                At::Unit(unit) if unit.idr => return Some((from, unit)),
                At::Unit(_) => from += 1,
                At::Gone(first) => from = first,
                At::Later if self.kept.is_closed() || self.stop.is_stopped() => return None,
                At::Later => self.kept.wait(),
            }
        }
    }

    /// Writes the units of `cut` until the file is to end.
    fn pictures(&mut self, file: &mut File, cut: &mut Cut, watch: &Watch) -> End {
        let mut looked = Instant::now();
        let began = file.last_at();
        let mut until = u64::MAX;
        loop {
            // What was there when the end was asked for belongs to it.
            if until == u64::MAX && self.stop.is_stopped() {
                until = self.kept.with(|ring| ring.next());
            }
            if cut.at() >= until {
                return End::Done;
            }
            if looked.elapsed() > Duration::from_millis(200) {
                looked = Instant::now();
                if self.look(watch, file, began) {
                    return End::Full;
                }
                if watch.figures().gone {
                    return End::Deleted;
                }
            }
            match cut.step(self.kept.unit(cut.at()), file.last_at()) {
                Step::Write(unit, lost) => {
                    if lost > 0 {
                        self.journal.warn(format!(
                            "{}: the disk is too slow, {lost} pictures are missing. Choose a faster folder",
                            self.what
                        ));
                    }
                    if file.picture(&unit).is_err() {
                        cut.unwritten();
                        return End::Child;
                    }
                }
                Step::Lost(lost) => self.tell(|status| status.lost += lost),
                Step::Next(why) => return End::Next(cut.at(), why),
                Step::Wait if self.kept.is_closed() => return End::Done,
                Step::Wait if file.has_ended() => return End::Child,
                Step::Wait => self.kept.wait(),
            }
        }
    }

    /// Brings the figures up to date; whether the disk is full.
    fn look(&mut self, watch: &Watch, file: &File, began: MonoTime) -> bool {
        let figures = watch.figures();
        let seconds = file.last_at().since(began).as_secs_f64();
        let rate = figures.file as f64 / seconds.max(1.0);
        let room = figures.free.map(|free| disk::room(free, rate));
        let left = match room {
            Some(Room::Low(left)) => Some(left),
            _ => None,
        };
        self.tell(|status| {
            status.seconds = self.before.0 + seconds;
            status.bytes = self.before.1 + figures.file;
            status.free_bytes = figures.free;
            status.left = left;
        });
        if let Some(left) = left.filter(|_| !self.low && seconds > 2.0) {
            self.low = true;
            self.journal.warn(format!(
                "{}: the disk has room for {:.0} minutes more. Make room or choose another folder",
                self.what,
                (left.as_secs_f64() / 60.0).max(1.0)
            ));
        }
        room == Some(Room::Full)
    }
}

/// The folder to record to: the one that is set must be there (its disk may be unplugged), the user's
/// own is made.
///
/// # Errors
/// For the operator.
pub fn folder(set: Option<&Path>) -> Result<PathBuf, String> {
    let folder = match set {
        Some(folder) => folder.to_owned(),
        None => {
            let folder = name::videos_folder()
                .ok_or("the system names no folder for videos. Choose a folder for recordings")?;
            std::fs::create_dir_all(&folder).map_err(|e| disk::refusal(&e, &folder))?;
            folder
        }
    };
    if folder.to_str().is_none() {
        return Err(format!(
            "the name of the folder {} is no UTF-8. Choose another folder for recordings",
            folder.display()
        ));
    }
    if !folder.is_dir() {
        return Err(disk::refusal(&io::ErrorKind::NotFound.into(), &folder));
    }
    Ok(folder)
}
