//! What a report says besides its cause: which run it was, of which versions, with which settings, and what the show
//! was doing last. Told by whoever knows; shared under one lock, which is held for a copy only.

use crate::folders::{self, CONFIG_DIR_ENV, Place};
use crate::settings::Settings;
use crate::settings::store::settings_text;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of this run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Which run: process id and start, such as "4711-1764353101".
    pub run: String,
    /// What was started, such as "window" or "live".
    pub what: String,
    /// Name and version of what takes part, such as "ffmpeg".
    pub versions: BTreeMap<String, String>,
    /// The settings as the file has them, without secrets.
    pub settings: String,
    /// What the show does, a line a fact.
    pub state: String,
    /// The server's ids of what this run has published.
    pub published: Vec<String>,
}

#[derive(Default)]
struct Shared {
    facts: Facts,
    /// Counts changes of what a mark holds.
    changes: u64,
    of: Option<Settings>,
}

impl Shared {
    fn changed(&mut self) {
        self.changes += 1;
        CHANGED.notify_all();
    }
}

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();
/// Publications remembered: the newest.
const PUBLISHED: usize = 8;

fn with<T>(work: impl FnOnce(&mut Shared) -> T) -> T {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    work(shared.get_or_insert_default())
}

/// This run begins.
pub(super) fn began(what: &str) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().as_secs();
    with(|shared| {
        shared.facts.run = format!("{}-{since}", std::process::id());
        shared.facts.what = what.to_owned();
        shared.facts.versions = own_versions();
    });
}

fn own_versions() -> BTreeMap<String, String> {
    let commit = option_env!("PD_CONSOLE_COMMIT").unwrap_or("a build without a commit's name");
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let system = sysinfo::System::long_os_version().unwrap_or_else(|_| os.to_owned());
    let kernel = sysinfo::System::kernel_version().unwrap_or_default();
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let session = std::env::var("XDG_SESSION_TYPE").unwrap_or_default();
    let kept = match folders::place() {
        Place::Portable(folder) => format!("portable mode, {}", folder.display()),
        Place::Named(folder) => format!("{}, as {CONFIG_DIR_ENV} says", folder.display()),
        Place::System => "the system's folders".to_owned(),
    };
    BTreeMap::from([
        ("kept in".to_owned(), kept),
        (
            "pd-console".to_owned(),
            format!(
                "{} ({commit}, {build}, {os} {arch})",
                env!("CARGO_PKG_VERSION")
            ),
        ),
        (
            "system".to_owned(),
            format!("{system} {kernel} {desktop} {session}")
                .trim()
                .to_owned(),
        ),
    ])
}

/// A program or card that takes part has this version.
pub fn version(name: &str, version: impl Into<String>) {
    let version = version.into();
    with(|shared| {
        if shared.facts.versions.get(name) != Some(&version) {
            shared.facts.versions.insert(name.to_owned(), version);
            shared.changed();
        }
    });
}

/// The settings in force; cheap where they are the same as before.
pub fn settings(settings: &Settings) {
    if with(|shared| shared.of.as_ref() == Some(settings)) {
        return;
    }
    let text = settings_text(settings);
    with(|shared| {
        shared.facts.settings = text;
        shared.of = Some(settings.clone());
        shared.changed();
    });
}

/// What the show does now; cheap where it is the same as before.
pub fn state(state: &str) {
    with(|shared| {
        if shared.facts.state != state {
            shared.facts.state = state.to_owned();
            shared.changed();
        }
    });
}

/// The server's id of a publisher of ours, by which a next start knows what a dead run left there.
pub fn published(id: &str) {
    with(|shared| {
        let all = &mut shared.facts.published;
        if all.iter().any(|one| one == id) {
            return;
        }
        if all.len() == PUBLISHED {
            all.remove(0);
        }
        all.push(id.to_owned());
        shared.changed();
    });
}

/// A publisher with this id is of this run, or was of one that is dead.
pub fn is_ours(id: &str) -> bool {
    with(|shared| shared.facts.published.iter().any(|one| one == id))
}

/// All of it.
pub fn all() -> Facts {
    with(|shared| shared.facts.clone())
}

/// Waits, for `limit` at most, until something that a mark holds has changed since the count was `seen`; the newest
/// count.
pub(super) fn wait_for_change(seen: u64, limit: Duration) -> u64 {
    let shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let same =
        |shared: &mut Option<Shared>| shared.as_ref().is_none_or(|shared| shared.changes == seen);
    let (shared, _) = CHANGED
        .wait_timeout_while(shared, limit, same)
        .unwrap_or_else(PoisonError::into_inner);
    shared.as_ref().map_or(seen, |shared| shared.changes)
}
