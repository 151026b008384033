//! Keeps a picture source running: opens it, says what it does, gives it up when it hangs, opens it
//! anew a second after it was lost.
//!
//! Two threads a source: `pd-capture` watches (20 looks a second, no work) and `pd-source` is the
//! backend's. A backend's panic is an error; one that gives no sign of life is left behind with
//! its stop token set and its slot handle void, so that it can neither hold nor disturb anyone. No
//! more than three are left behind at a time.

use super::latest::SourceNote;
use super::{CaptureError, FrameSlot, VideoSource};
use crate::clock::{self, MonoTime};
use crate::crash::provoke;
use crate::panics::{self, text_of};
use crate::settings::VideoSettings;
use crate::stop::{StopToken, ends_by};
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between a loss of the source and the next try.
const REOPEN_AFTER: Duration = Duration::from_millis(750);
/// From one look at the source to the next.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Without a sign of life for so long, a source is given up. X11 itself gives a server five
/// seconds: a window manager may hold it while a window is dragged.
const HANG: Duration = Duration::from_secs(6);
/// The same for one that has not begun: a desktop may take its time for the first picture.
const HANG_AT_START: Duration = Duration::from_secs(15);
/// How long a source that was told to end is waited for.
const LAST_WAIT: Duration = Duration::from_millis(400);
/// Sources left behind at a time.
const MOST_STUCK: usize = 3;

/// Opens the source of some settings.
pub type Opener =
    Arc<dyn Fn(&VideoSettings) -> Result<Box<dyn VideoSource>, CaptureError> + Send + Sync>;

/// The picture source as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureStatus {
    /// The source's label, empty while none is open.
    pub label: String,
    /// Why there is no picture and what to do.
    pub problem: Option<String>,
    /// What the operator has to do before the source can open.
    pub asks: Option<String>,
    /// Since when there is a problem.
    pub lost_since: Option<MonoTime>,
}

#[derive(Default)]
struct Shared {
    status: PictureStatus,
    /// What is to be captured; with each change the number goes up.
    wanted: (u64, VideoSettings),
}

/// A source that is being kept running.
pub struct PictureSource {
    shared: Arc<Mutex<Shared>>,
    stop: StopToken,
    thread: Option<JoinHandle<()>>,
}

/// Starts the source of `settings`, which puts its pictures into `slot`. `on_change` is called on
/// the watching thread with each new status.
///
/// # Errors
/// Where no thread can be started.
pub fn spawn(
    settings: &VideoSettings,
    open: Opener,
    slot: &FrameSlot,
    on_change: impl Fn(&PictureStatus) + Send + 'static,
) -> std::io::Result<PictureSource> {
    let shared = Arc::new(Mutex::new(Shared {
        wanted: (0, settings.clone()),
        ..Shared::default()
    }));
    let stop = StopToken::new();
    let watcher = Watcher {
        shared: shared.clone(),
        slot: slot.clone(),
        open,
        stop: stop.clone(),
        stuck: Vec::new(),
        on_change: Box::new(on_change),
    };
    let thread = std::thread::Builder::new()
        .name("pd-capture".into())
        .spawn(move || watcher.run())?;
    Ok(PictureSource {
        shared,
        stop,
        thread: Some(thread),
    })
}

/// Ends a source with its watch.
struct Ends(StopToken);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl PictureSource {
    /// The status now.
    pub fn status(&self) -> PictureStatus {
        lock(&self.shared).status.clone()
    }

    /// Captures this from now on; the last picture stands until the first of the new source.
    pub fn change(&self, settings: &VideoSettings) {
        let mut shared = lock(&self.shared);
        if shared.wanted.1 != *settings {
            shared.wanted = (shared.wanted.0 + 1, settings.clone());
        }
    }

    /// Opens the same source anew.
    pub fn reopen(&self) {
        lock(&self.shared).wanted.0 += 1;
    }

    /// Ends the source and waits for it, at most `limit`; false where it did not end in time.
    pub fn join(mut self, limit: Duration) -> bool {
        self.stop.stop();
        let Some(thread) = self.thread.take() else {
            return true;
        };
        ends_by(&thread, Instant::now() + limit) && thread.join().is_ok()
    }
}

impl Drop for PictureSource {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watcher {
    shared: Arc<Mutex<Shared>>,
    slot: FrameSlot,
    open: Opener,
    stop: StopToken,
    stuck: Vec<JoinHandle<()>>,
    on_change: Box<dyn Fn(&PictureStatus) + Send>,
}

/// How a run ended.
enum End {
    Stopped,
    /// Something else is to be captured.
    Changed,
    Lost(String),
    /// The operator or the system said no: asked again only when wanted, or a cancelled dialog
    /// would come back each second, on air too.
    Refused(String),
}

impl From<CaptureError> for End {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Refused(_) => Self::Refused(error.to_string()),
            _ => Self::Lost(error.to_string()),
        }
    }
}

/// A backend at work on its own thread.
struct Run {
    slot: FrameSlot,
    stop: StopToken,
    label: Arc<Mutex<String>>,
    result: Receiver<Result<(), End>>,
    thread: JoinHandle<()>,
    started: MonoTime,
}

impl Watcher {
    fn run(mut self) {
        let stop = self.stop.clone();
        panics::go_on(&stop, |_| {}, || self.run_on());
    }

    fn run_on(&mut self) {
        while !self.stop.is_stopped() {
            let (number, settings) = lock(&self.shared).wanted.clone();
            self.stuck.retain(|thread| !thread.is_finished());
            let end = if self.stuck.len() >= MOST_STUCK {
                End::Lost(
                    "the picture source does not answer, though it was opened anew several times. \
                     Choose another source; this one comes back when the system answers or the \
                     console is started again"
                        .into(),
                )
            } else {
                match self.begin(settings) {
                    Ok(run) => self.watch(run, number),
                    Err(error) => End::Lost(format!("no thread for the picture source: {error}")),
                }
            };
            match end {
                End::Stopped => return,
                End::Changed => {}
                End::Lost(problem) => {
                    self.tell_problem(problem);
                    self.pause(number, Some(REOPEN_AFTER));
                }
                End::Refused(problem) => {
                    self.tell_problem(problem);
                    self.pause(number, None);
                }
            }
        }
    }

    /// Waits before the next try, for ever without a time, but not where something else is wanted
    /// meanwhile.
    fn pause(&self, number: u64, time: Option<Duration>) {
        let began = Instant::now();
        while time.is_none_or(|time| began.elapsed() < time)
            && lock(&self.shared).wanted.0 == number
        {
            if self.stop.sleep(LOOK_EVERY) {
                return;
            }
        }
    }

    fn tell_problem(&self, problem: String) {
        self.tell(|status| {
            status.label.clear();
            status.asks = None;
            status.problem = Some(problem);
        });
    }

    fn tell(&self, change: impl FnOnce(&mut PictureStatus)) {
        let mut status = lock(&self.shared).status.clone();
        change(&mut status);
        status.lost_since = match (&status.problem, status.lost_since) {
            (None, _) => None,
            (Some(_), None) => Some(clock::now()),
            (Some(_), since) => since,
        };
        let old = std::mem::replace(&mut lock(&self.shared).status, status.clone());
        if old != status {
            (self.on_change)(&status);
        }
    }

    fn begin(&self, settings: VideoSettings) -> std::io::Result<Run> {
        let (slot, stop) = (self.slot.new_writer(), StopToken::new());
        let label = Arc::new(Mutex::new(String::new()));
        let (done, result) = bounded(1);
        let open = self.open.clone();
        let (on_slot, on_stop, on_label) = (slot.clone(), stop.clone(), label.clone());
        let thread = std::thread::Builder::new()
            .name("pd-source".into())
            .spawn(move || {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    let mut source = open(&settings)?;
                    *on_label.lock().unwrap_or_else(PoisonError::into_inner) = source.label();
                    source.run(&on_slot, &on_stop)
                }));
                let result = match result {
                    Ok(result) => result.map_err(End::from),
                    Err(panic) => Err(End::Lost(format!(
                        "the picture source failed inside ({}). The console tries again",
                        text_of(&*panic)
                    ))),
                };
                let _ = done.try_send(result);
            })?;
        Ok(Run {
            slot,
            stop,
            label,
            result,
            thread,
            started: clock::now(),
        })
    }

    fn watch(&mut self, run: Run, number: u64) -> End {
        // Also where this watcher fails: its source would grab for nobody.
        let _ends = Ends(run.stop.clone());
        let end = loop {
            provoke::point("pd-capture");
            if self.stop.sleep(LOOK_EVERY) {
                break End::Stopped;
            }
            if lock(&self.shared).wanted.0 != number {
                break End::Changed;
            }
            match run.result.try_recv() {
                Ok(Ok(())) => {
                    break End::Lost("the picture source ended. The console tries again".into());
                }
                Ok(Err(end)) => break end,
                Err(TryRecvError::Disconnected) => break End::Lost("it ended".into()),
                Err(TryRecvError::Empty) => {}
            }
            let now = clock::now();
            let beat = run.slot.last_beat();
            let (since, limit) = beat.map_or((run.started, HANG_AT_START), |beat| (beat, HANG));
            if now.since(since) > limit {
                break End::Lost(format!(
                    "the picture source has not answered for {} s and was given up. The console \
                     opens it anew",
                    limit.as_secs()
                ));
            }
            if beat.is_some() {
                self.note(&run, run.slot.last_note());
            }
        };
        run.stop.stop();
        if !ends_by(&run.thread, Instant::now() + LAST_WAIT) {
            tracing::warn!("a picture source did not end and is left behind");
            // From now on it writes into the void.
            let _ = self.slot.new_writer();
            self.stuck.push(run.thread);
        } else {
            let _ = run.thread.join();
        }
        end
    }

    fn note(&self, run: &Run, note: SourceNote) {
        self.tell(|status| {
            status.problem = None;
            status.label = match (&note.label, &note.asks) {
                (Some(label), _) => label.clone(),
                (None, Some(_)) => String::new(),
                (None, None) => run
                    .label
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone(),
            };
            status.asks = note.asks;
        });
    }
}

#[cfg(test)]
mod tests;
