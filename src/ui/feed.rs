//! Which of the session's snapshots the window shows. The session makes 20 a second; what an eye
//! cannot read that fast is held (figures, the trend), and where nothing of what is shown differs
//! the window is not woken at all. Thread `pd-window` looks at the session by the clock and asks for
//! a frame; the window's own thread only takes what was found. Snapshots in between are dropped.

#[cfg(all(target_os = "linux", feature = "x11"))]
use super::away::Desk;
use crate::clock::{self, MonoTime};
use crate::panics;
use crate::session::ahead::PingStatus;
use crate::session::{Console, Snapshot};
use crate::stop::StopToken;
use eframe::egui::Context;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Figures change at most so often: five times a second can be read.
pub const FIGURES: Duration = Duration::from_millis(200);
/// The same while no show runs.
pub const FIGURES_AT_REST: Duration = Duration::from_secs(1);
/// The trend moves on so often.
pub const TREND: Duration = Duration::from_millis(500);
/// From one look at the session to the next: level meters at 12.5 Hz.
pub const LOOK: Duration = Duration::from_millis(80);
/// The same while nobody sees the window.
const LOOK_HIDDEN: Duration = Duration::from_millis(500);
/// The same where no show runs and nobody has touched the window for [`ALONE`].
const LOOK_ALONE: Duration = Duration::from_secs(1);
/// See [`LOOK_ALONE`].
const ALONE: Duration = Duration::from_secs(60);
/// As soon as can be.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Chooses what of each snapshot is shown.
pub struct Sieve {
    shown: Arc<Snapshot>,
    /// When figures last changed on screen.
    figures_at: MonoTime,
    /// When the trend did.
    trend_at: MonoTime,
}

impl Sieve {
    /// Begins with this one.
    pub fn new(first: Arc<Snapshot>, now: MonoTime) -> Self {
        Self {
            shown: first,
            figures_at: now,
            trend_at: now,
        }
    }

    /// What is shown.
    pub fn shown(&self) -> &Arc<Snapshot> {
        &self.shown
    }

    /// Takes the newest snapshot at `now`; true where the window has to be drawn anew.
    pub fn take(&mut self, newest: &Snapshot, now: MonoTime) -> bool {
        let mut next = newest.clone();
        let every = if next.state.is_at_rest() {
            FIGURES_AT_REST
        } else {
            FIGURES
        };
        let same_state = next.state == self.shown.state;
        // A clock that was set back (a test's) holds nothing.
        let held = |since: MonoTime, every: Duration| {
            same_state && now >= since && now.since(since) < every
        };
        let mut other = next.clone();
        hold_figures(&mut other, &self.shown);
        // The first change after a while is shown at once.
        if held(self.figures_at, every) {
            next = other;
        } else if other != next {
            self.figures_at = now;
        }
        if held(self.trend_at, TREND) {
            next.trend.clone_from(&self.shown.trend);
        } else if next.trend.last() != self.shown.trend.last() {
            self.trend_at = now;
        }
        // Time alone is no news but where a clock is shown, and there once a second.
        let at = next.at;
        if !shows_time(&next) || second(&next) == second(&self.shown) {
            next.at = self.shown.at;
        }
        if next == *self.shown {
            return false;
        }
        next.at = at;
        self.shown = Arc::new(next);
        true
    }
}

/// Whole seconds since the show began, or since the console's clock did.
fn second(snapshot: &Snapshot) -> u64 {
    let since = snapshot.live_since.unwrap_or(MonoTime::ZERO);
    snapshot.at.since(since).as_secs()
}

/// Whether anything in the window counts seconds.
fn shows_time(snapshot: &Snapshot) -> bool {
    !snapshot.state.is_at_rest() || snapshot.picture.lost_since.is_some() || snapshot.doctor.running
}

/// Leaves in `next` the measured figures of `shown`. What is not named here changes at once.
fn hold_figures(next: &mut Snapshot, shown: &Snapshot) {
    next.latency = shown.latency;
    next.measured_kbps = shown.measured_kbps;
    next.measured_fps = shown.measured_fps;
    next.passthrough = shown.passthrough;
    next.proof = shown.proof;
    next.sound_passthrough = shown.sound_passthrough;
    next.sound_proof = shown.sound_proof;
    next.sound_arrived = shown.sound_arrived;
    next.probe.clone_from(&shown.probe);
    next.drops = shown.drops;
    next.frames = shown.frames;
    next.bytes = shown.bytes;
    next.cpu_percent = shown.cpu_percent;
    next.network = shown.network;
    next.gpus.clone_from(&shown.gpus);
    // Only the figure: whether it answers, and who watches, is news.
    let both = (&next.ping, &shown.ping);
    if let (PingStatus::Answered { .. }, PingStatus::Answered { .. }) = both {
        next.ping.clone_from(&shown.ping);
    }
    if next.eyes.viewers.len() == shown.eyes.viewers.len() {
        next.eyes.clone_from(&shown.eyes);
    }
    next.encoding.encode = shown.encoding.encode;
    next.encoding.late = shown.encoding.late;
    next.encoding.key_frames = shown.encoding.key_frames;
    let (recording, held) = (&mut next.recording, &shown.recording);
    recording.seconds = held.seconds;
    recording.bytes = held.bytes;
    recording.free_bytes = held.free_bytes;
    recording.left = held.left;
    recording.replay.kept_seconds = held.replay.kept_seconds;
}

/// The session, seen through a [`Sieve`].
pub struct Feed {
    console: Arc<dyn Console + Send + Sync>,
    sieve: Mutex<Sieve>,
    by_itself: AtomicBool,
    hidden: AtomicBool,
    /// On another virtual desktop.
    away: AtomicBool,
    /// When a key or the pointer was last used, on the console's clock, microseconds.
    touched_us: AtomicU64,
}

impl Feed {
    /// Looks at `console` when asked to.
    pub fn new(console: Arc<dyn Console + Send + Sync>) -> Arc<Self> {
        let first = console.snapshot();
        Arc::new(Self {
            console,
            sieve: Mutex::new(Sieve::new(first, MonoTime::ZERO)),
            by_itself: AtomicBool::new(false),
            hidden: AtomicBool::new(false),
            away: AtomicBool::new(false),
            touched_us: AtomicU64::new(clock::now().as_micros()),
        })
    }

    /// From now on looks by the clock on a thread of its own, and asks `ctx` for a frame where what
    /// is shown changed. `window` is its identifier where it is one of X11.
    ///
    /// # Errors
    /// Where no thread can be had; then it goes on looking when asked to.
    pub fn look_by_itself(
        self: &Arc<Self>,
        ctx: &Context,
        window: Option<u32>,
    ) -> std::io::Result<()> {
        let (feed, ctx) = (Arc::downgrade(self), ctx.clone());
        std::thread::Builder::new()
            .name("pd-window".into())
            .spawn(move || {
                let ends = StopToken::new();
                panics::go_on(&ends, |_| {}, || look_on(&feed, &ctx, window));
            })?;
        self.by_itself.store(true, Relaxed);
        Ok(())
    }

    /// Whether a thread looks, so that the window need not come back by itself.
    pub fn looks_by_itself(&self) -> bool {
        self.by_itself.load(Relaxed)
    }

    /// Whether anybody sees the window.
    pub fn set_hidden(&self, hidden: bool) {
        self.hidden.store(hidden, Relaxed);
    }

    /// Whether the window is on a virtual desktop that nobody sees.
    pub fn is_away(&self) -> bool {
        self.away.load(Relaxed)
    }

    /// A key or the pointer was used.
    pub fn touched(&self) {
        self.touched_us.store(clock::now().as_micros(), Relaxed);
    }

    /// What to show at `now`, the window's time.
    pub fn shown(&self, now: MonoTime) -> Arc<Snapshot> {
        if !self.looks_by_itself() {
            self.look(now);
        }
        self.lock().shown().clone()
    }

    fn look(&self, now: MonoTime) -> bool {
        let newest = self.console.snapshot();
        self.lock().take(&newest, now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sieve> {
        self.sieve.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time to the next look.
    fn pause(&self) -> Duration {
        let touched = MonoTime::from_micros(self.touched_us.load(Relaxed));
        let shown = self.lock().shown().clone();
        let hidden = self.hidden.load(Relaxed);
        pause(&shown, hidden, clock::now().since(touched))
    }
}

/// Time to the next look, where `shown` is on screen and nobody has touched the window for `untouched`.
fn pause(shown: &Snapshot, hidden: bool, untouched: Duration) -> Duration {
    let preview = shown.settings.preview;
    if hidden {
        LOOK_HIDDEN
    } else if shown.state.is_at_rest() && untouched >= ALONE {
        LOOK_ALONE
    } else if preview.on {
        // A preview that is wished faster gets its pictures in time.
        LOOK.min(Duration::from_secs(1) / preview.fps.max(1))
    } else {
        LOOK
    }
}

fn look_on(feed: &Weak<Feed>, ctx: &Context, window: Option<u32>) {
    let desk = window.and_then(Desk::of);
    let mut asked_at = MonoTime::ZERO;
    loop {
        let pause = {
            // The window is gone.
            let Some(feed) = feed.upgrade() else { return };
            let now = clock::now();
            let mut changed = feed.look(now);
            if now.since(asked_at) >= LOOK_HIDDEN {
                asked_at = now;
                let away = desk.as_ref().is_some_and(Desk::is_away);
                // The window has to hear of it, and on its return to be drawn as things are then.
                changed = changed && !away || feed.away.swap(away, Relaxed) != away;
            } else {
                changed = changed && !feed.is_away();
            }
            if changed {
                // Without any delay egui would draw twice.
                ctx.request_repaint_after(AT_ONCE);
            }
            feed.pause()
        };
        std::thread::sleep(pause);
    }
}

/// Elsewhere nobody says so, or winit does.
#[cfg(not(all(target_os = "linux", feature = "x11")))]
struct Desk;

#[cfg(not(all(target_os = "linux", feature = "x11")))]
impl Desk {
    fn of(_window: u32) -> Option<Self> {
        None
    }

    fn is_away(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::snapshot::State;
    use crate::session::snapshot::{LogLine, Severity, TrendPoint};

    const fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(10_000_000 + ms * 1000)
    }

    fn live() -> Snapshot {
        Snapshot {
            state: State::Live,
            live_since: Some(ms(0)),
            at: ms(0),
            ..Snapshot::default()
        }
    }

    fn sieve(first: &Snapshot) -> Sieve {
        Sieve::new(Arc::new(first.clone()), ms(0))
    }

    #[test]
    fn nothing_new_wakes_nobody_and_an_idle_clock_is_not_news() {
        let mut snapshot = Snapshot::default();
        let mut sieve = sieve(&snapshot);
        for i in 0..100 {
            snapshot.at = ms(100 * i);
            assert!(!sieve.take(&snapshot, ms(100 * i)), "{i}");
        }
    }

    #[test]
    fn the_clock_on_air_moves_once_a_second() {
        let mut snapshot = live();
        let mut sieve = sieve(&snapshot);
        let drawn = (1..=50).filter(|i| {
            snapshot.at = ms(100 * i);
            sieve.take(&snapshot, ms(100 * i))
        });
        assert_eq!(drawn.count(), 5);
    }

    #[test]
    fn figures_move_five_times_a_second_and_the_trend_twice() {
        let mut snapshot = live();
        let mut sieve = sieve(&snapshot);
        let (mut figures, mut trend) = (0, 0);
        for i in 1..=200 {
            snapshot.frames = i;
            snapshot.trend.push(TrendPoint {
                at_s: i as f64 / 20.0,
                p50_ms: 40.0,
                p95_ms: 50.0,
            });
            let before = sieve.shown().clone();
            sieve.take(&snapshot, ms(50 * i));
            figures += u32::from(before.frames != sieve.shown().frames);
            trend += u32::from(before.trend != sieve.shown().trend);
        }
        assert_eq!((figures, trend), (50, 20), "in 10 s");
    }

    #[test]
    fn what_happens_is_shown_at_once() {
        let mut snapshot = live();
        let mut sieve = sieve(&snapshot);
        let mut at_once = |snapshot: &Snapshot, what: &str| {
            assert!(sieve.take(snapshot, ms(1)), "{what}");
            assert!(!sieve.take(snapshot, ms(2)), "{what}, twice");
        };
        snapshot.audio.level.peak_dbfs = [-20.0; 2];
        at_once(&snapshot, "a level");
        snapshot.settings.audio.muted = true;
        at_once(&snapshot, "a setting");
        snapshot.audio.problem = Some("unplugged".into());
        at_once(&snapshot, "a problem");
        snapshot.viewers = Some(3);
        at_once(&snapshot, "a viewer");
        snapshot.log = Arc::new(vec![LogLine {
            number: 0,
            time: "12:00:00".into(),
            severity: Severity::Info,
            text: "a line".into(),
        }]);
        at_once(&snapshot, "a line of the log");
        snapshot.state = State::Reconnecting { attempt: 1 };
        at_once(&snapshot, "a state");
    }

    #[test]
    fn a_show_is_looked_at_in_full_whoever_is_there_and_an_idle_window_left_alone_is_not() {
        let mut shown = live();
        shown.settings.preview.on = false;
        assert_eq!(pause(&shown, false, ALONE * 100), LOOK);
        assert_eq!(pause(&shown, true, Duration::ZERO), LOOK_HIDDEN);
        shown.settings.preview.on = true;
        shown.settings.preview.fps = 25;
        let pace = Duration::from_millis(40);
        assert_eq!(pause(&shown, false, ALONE), pace);
        shown.state = State::Idle;
        assert_eq!(pause(&shown, false, ALONE / 2), pace);
        assert_eq!(pause(&shown, false, ALONE), LOOK_ALONE);
    }

    #[test]
    fn a_new_state_brings_its_figures_with_it() {
        let mut sieve = sieve(&Snapshot::default());
        let mut snapshot = live();
        snapshot.frames = 7;
        assert!(sieve.take(&snapshot, ms(1)));
        assert_eq!(sieve.shown().frames, 7);
    }
}
