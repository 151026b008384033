//! Keys that work while another program is in front, by the crate global-hotkey: X11, Windows, macOS. On
//! Wayland no program may take them, which is said. For the session's operations only, and they go to
//! the session past the window: a minimised one changes nothing.
//!
//! Owns the keys taken from the desktop. On X11 a thread of its own (`pd-hotkeys`) takes and gives them
//! back, since the X server is asked; on Windows and macOS that is the main thread, by the system's rule. What is
//! pressed comes on the crate's thread, up to 50 ms late on X11. Nothing is queued: what is not possible
//! when it is pressed is refused, and the window says so.

use super::guard::StopGuard;
use crate::clock::{self, MonoTime};
use crate::control::{Chord, Deed, Keys, Now, Op, commands};
use crate::session::snapshot::State;
use crate::session::{Command, Console};
use crate::settings::ControlSettings;
use eframe::egui::Context;
use global_hotkey::hotkey::HotKey;
use global_hotkey::{Error, GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What came of a key, for the window to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// STOP was pressed once on air: again, within 3 s.
    Again,
    /// Why it was refused, in English.
    Refused(String),
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    deeds: Mutex<BTreeMap<u32, Deed>>,
    failed: Mutex<BTreeMap<Chord, String>>,
    said: Mutex<Option<Said>>,
    stop: Mutex<StopGuard>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keys taken from the desktop, as the settings have them.
pub struct Hotkeys {
    console: Arc<dyn Console + Send + Sync>,
    shared: Arc<Shared>,
    /// Of which settings; None before the first that has them on.
    of: Option<ControlSettings>,
    taker: Option<Taker>,
}

impl Hotkeys {
    /// None are taken yet.
    pub fn new(console: Arc<dyn Console + Send + Sync>) -> Self {
        Self {
            console,
            shared: Arc::default(),
            of: None,
            taker: None,
        }
    }

    /// Takes and gives back what changed in the settings. Does nothing as long as they are off.
    pub fn follow(&mut self, settings: &ControlSettings, ctx: &Context) {
        let same = |of: &ControlSettings| {
            of.hotkeys_on == settings.hotkeys_on && of.hotkeys == settings.hotkeys
        };
        let begun = self.of.is_some() || settings.hotkeys_on;
        if !begun || self.of.as_ref().is_some_and(same) {
            return;
        }
        self.of = Some(settings.clone());
        if nowhere().is_some() {
            return;
        }
        let keys = if settings.hotkeys_on {
            Keys::only(&settings.hotkeys)
        } else {
            Keys::only(&[])
        };
        let (mut wished, mut deeds, mut failed) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for bound in keys.all() {
            match hotkey(&bound.chord) {
                Ok(key) => {
                    deeds.insert(key.id(), bound.deed.clone());
                    wished.push((bound.chord, key));
                }
                Err(why) => {
                    failed.insert(bound.chord, why);
                }
            }
        }
        *lock(&self.shared.deeds) = deeds;
        *lock(&self.shared.failed) = failed;
        if self.taker.is_none() {
            self.listen(ctx);
            self.taker = Taker::new(&self.shared);
        }
        match &mut self.taker {
            Some(taker) => taker.wish(wished),
            None => {
                let why = "the desktop does not lend keys to this program";
                let failed = wished.iter().map(|(chord, _)| (*chord, why.to_owned()));
                lock(&self.shared.failed).extend(failed);
            }
        }
    }

    /// Has what is pressed done, on the crate's thread.
    fn listen(&self, ctx: &Context) {
        // The crate takes one listener for the life of the process.
        type Listener = Box<dyn Fn(u32) + Send + Sync>;
        static LISTENER: OnceLock<Mutex<Option<Listener>>> = OnceLock::new();
        let (console, shared, ctx) = (self.console.clone(), self.shared.clone(), ctx.clone());
        let act = move |id: u32| {
            let deed = lock(&shared.deeds).get(&id).cloned();
            let Some(deed) = deed else { return };
            let (done, said) = pressed(&*console, &deed, &mut lock(&shared.stop), clock::now());
            for command in done {
                console.send(command);
            }
            if said.is_some() {
                *lock(&shared.said) = said;
            }
            ctx.request_repaint();
        };
        let listener = LISTENER.get_or_init(Mutex::default);
        *lock(listener) = Some(Box::new(act));
        GlobalHotKeyEvent::set_event_handler(Some(|event: GlobalHotKeyEvent| {
            if event.state() != HotKeyState::Pressed {
                return;
            }
            if let Some(listener) = LISTENER.get()
                && let Some(act) = &*lock(listener)
            {
                act(event.id());
            }
        }));
    }

    /// Why a key that is wished could not be taken.
    pub fn failed(&self) -> BTreeMap<Chord, String> {
        lock(&self.shared.failed).clone()
    }

    /// What came of the last key, once.
    pub fn said(&self) -> Option<Said> {
        // Nothing was ever listened to: no lock is worth it.
        self.taker.as_ref()?;
        lock(&self.shared.said).take()
    }
}

/// What a key does at `now`; a first STOP on air only arms its guard.
fn pressed(
    console: &dyn Console,
    deed: &Deed,
    stop: &mut StopGuard,
    now: MonoTime,
) -> (Vec<Command>, Option<Said>) {
    let snapshot = console.snapshot();
    let on_air = matches!(snapshot.state, State::Live | State::Reconnecting { .. });
    match commands(deed.op, deed.argument.as_deref(), &Now::of(&snapshot)) {
        Ok(_) if deed.op == Op::Stop && on_air && !stop.press(now) => {
            (Vec::new(), Some(Said::Again))
        }
        Ok(done) => (done, None),
        Err(why) => (Vec::new(), Some(Said::Refused(why.to_string()))),
    }
}

/// Why no key can be taken here at all; None where they can.
pub fn nowhere() -> Option<&'static str> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let wayland = set("WAYLAND_DISPLAY")
        || std::env::var("XDG_SESSION_TYPE").is_ok_and(|kind| kind == "wayland");
    (cfg!(target_os = "linux") && wayland).then_some(
        "Wayland lets no program take keys in front of others. Use the remote control, or bind a key of the desktop to a program that does",
    )
}

/// A chord as the crate calls it.
fn hotkey(chord: &Chord) -> Result<HotKey, String> {
    let key = match chord.key {
        "OpenBracket" => "BracketLeft",
        "CloseBracket" => "BracketRight",
        "Backtick" => "Backquote",
        "Equals" => "Equal",
        "Plus" | "Colon" | "Questionmark" | "Pipe" | "Exclamationmark" => {
            return Err("that sign is no key of its own on most keyboards. Take another".into());
        }
        key => key,
    };
    let mut text = String::new();
    for (held, name) in [
        (chord.command, "CmdOrCtrl+"),
        (chord.alt, "Alt+"),
        (chord.shift, "Shift+"),
    ] {
        if held {
            text.push_str(name);
        }
    }
    text.push_str(key);
    text.parse()
        .map_err(|_| "the desktop knows no such key. Take another".into())
}

/// Takes keys from the desktop and gives them back.
struct Taken {
    manager: GlobalHotKeyManager,
    keys: Vec<HotKey>,
    shared: Arc<Shared>,
}

impl Taken {
    fn new(shared: &Arc<Shared>) -> Option<Self> {
        let manager = GlobalHotKeyManager::new();
        let manager = manager.map_err(|error| tracing::warn!("no keys from the desktop: {error}"));
        Some(Self {
            manager: manager.ok()?,
            keys: Vec::new(),
            shared: shared.clone(),
        })
    }

    fn set(&mut self, wished: &[(Chord, HotKey)]) {
        for key in self.keys.drain(..) {
            if let Err(error) = self.manager.unregister(key) {
                tracing::warn!("a key is not given back: {error}");
            }
        }
        for (chord, key) in wished {
            match self.manager.register(*key) {
                Ok(()) => self.keys.push(*key),
                Err(error) => {
                    let why = match error {
                        Error::AlreadyRegistered(_) => {
                            "another program has that key. Take another, or end that program".into()
                        }
                        error => error.to_string(),
                    };
                    tracing::warn!("{chord} is not taken from the desktop: {why}");
                    lock(&self.shared.failed).insert(*chord, why);
                }
            }
        }
        tracing::debug!("keys taken from the desktop: {}", self.keys.len());
    }
}

/// On X11 the asking waits for the server, so it has a thread; the newest wish counts.
#[cfg(target_os = "linux")]
struct Taker {
    wishes: crossbeam_channel::Sender<Vec<(Chord, HotKey)>>,
}

#[cfg(target_os = "linux")]
impl Taker {
    fn new(shared: &Arc<Shared>) -> Option<Self> {
        let (wishes, inbox) = crossbeam_channel::bounded::<Vec<(Chord, HotKey)>>(8);
        let shared = shared.clone();
        let run = move || {
            let Some(mut taken) = Taken::new(&shared) else {
                return;
            };
            while let Ok(wish) = inbox.recv() {
                let newest = inbox.try_iter().last().unwrap_or(wish);
                taken.set(&newest);
            }
        };
        let thread = std::thread::Builder::new().name("pd-hotkeys".into());
        thread.spawn(run).ok()?;
        Some(Self { wishes })
    }

    fn wish(&mut self, wished: Vec<(Chord, HotKey)>) {
        if self.wishes.try_send(wished).is_err() {
            tracing::warn!("the desktop does not answer: its keys stay as they were");
        }
    }
}

/// Elsewhere it is the main thread's, and does not wait.
#[cfg(not(target_os = "linux"))]
struct Taker(Taken);

#[cfg(not(target_os = "linux"))]
impl Taker {
    fn new(shared: &Arc<Shared>) -> Option<Self> {
        Taken::new(shared).map(Self)
    }

    fn wish(&mut self, wished: Vec<(Chord, HotKey)>) {
        self.0.set(&wished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Snapshot;

    struct Show(State);

    impl Console for Show {
        fn snapshot(&self) -> Arc<Snapshot> {
            Arc::new(Snapshot {
                state: self.0.clone(),
                ..Snapshot::default()
            })
        }
        fn send(&self, _: Command) {}
    }

    #[test]
    fn each_key_that_can_be_bound_everywhere_is_the_crates_too() {
        for key in crate::control::chord::KEYS {
            let chord = Chord::new(true, true, false, key).unwrap();
            let signs = ["Plus", "Colon", "Questionmark", "Pipe", "Exclamationmark"];
            match hotkey(&chord) {
                Ok(_) => assert!(!signs.contains(&key), "{key}"),
                Err(why) => assert!(signs.contains(&key) || key == "Escape", "{key}: {why}"),
            }
        }
    }

    #[test]
    fn stop_on_air_counts_the_second_time_and_what_is_not_possible_is_said() {
        let ms = |ms: u64| MonoTime::from_micros(1_000_000 + ms * 1000);
        let (live, stop) = (Show(State::Live), Deed::plain(Op::Stop));
        let mut guard = StopGuard::default();
        assert_eq!(
            pressed(&live, &stop, &mut guard, ms(0)),
            (vec![], Some(Said::Again))
        );
        assert_eq!(
            pressed(&live, &stop, &mut guard, ms(200)),
            (vec![], Some(Said::Again))
        );
        assert_eq!(
            pressed(&live, &stop, &mut guard, ms(900)),
            (vec![Command::Stop], None)
        );
        // Before it is on air one press does.
        let starting = Show(State::Starting);
        assert_eq!(
            pressed(&starting, &stop, &mut guard, ms(9000)).0,
            [Command::Stop]
        );
        let (done, said) = pressed(&Show(State::Idle), &stop, &mut guard, ms(9000));
        assert_eq!(done, []);
        let Some(Said::Refused(why)) = said else {
            panic!("{said:?}");
        };
        assert!(why.starts_with("No show runs"), "{why}");
    }
}
