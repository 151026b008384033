//! The settings on their disk: the real store on a real folder, whose file is torn, emptied, replaced or
//! cannot be written. What was saved is read again; what is broken costs a message and never a panic.

use super::checks::Checks;
use pd_console::settings::{Settings, Store, store};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The file and its store.
pub struct Keeping {
    folder: TempDir,
    store: Store,
    saved: Settings,
    broken: bool,
    /// Names what is kept aside.
    number: u64,
}

impl Keeping {
    /// A folder with these settings.
    pub fn new(settings: &Settings) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut store = store::load_from(folder.path(), SystemTime::now()).store;
        store.save(settings).expect("an empty folder");
        Self {
            folder,
            store,
            saved: settings.clone(),
            broken: false,
            number: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(store::FILE_NAME)
    }

    /// The session saves.
    pub fn save(&mut self, settings: &Settings, checks: &mut Checks) {
        let saved = self.store.save(settings);
        checks.hold(saved.is_ok() || self.broken, || format!("{saved:?}"));
        if saved.is_ok() {
            self.saved = settings.clone();
            self.load(checks);
        }
    }

    /// The console is started again beside it.
    fn load(&mut self, checks: &mut Checks) {
        self.number += 1;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.number);
        let loaded = store::load_from(self.folder.path(), now);
        let good = loaded.settings.check();
        checks.hold(good.is_ok(), || {
            format!("settings out of bounds were read: {good:?}")
        });
        if !self.broken {
            checks.hold(loaded.settings == self.saved, || {
                format!("what was saved was not read again: {:?}", loaded.notes)
            });
        }
    }

    /// The file is broken in one of five ways, and the console starts with it.
    pub fn break_it(&mut self, way: u8, dice: &mut fastrand::Rng, checks: &mut Checks) {
        self.broken = true;
        let path = self.path();
        let text = fs::read(&path).unwrap_or_default();
        let done = match way {
            0 => fs::write(&path, &text[..dice.usize(..=text.len())]),
            1 => fs::write(&path, vec![0; text.len()]),
            2 => {
                let mut text = text;
                for _ in 0..8 {
                    let at = dice.usize(..text.len().max(1));
                    if let Some(byte) = text.get_mut(at) {
                        *byte = dice.u8(..);
                    }
                }
                fs::write(&path, text)
            }
            3 => fs::remove_file(&path).and_then(|()| fs::create_dir(&path)),
            _ => fs::remove_file(&path),
        };
        let _ = done;
        self.load(checks);
    }

    /// The operator puts it right.
    pub fn mend(&mut self) {
        let path = self.path();
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
        self.store = store::load_from(self.folder.path(), SystemTime::now()).store;
        self.broken = self.store.save(&self.saved).is_err();
        // What was kept aside is the operator's to clear.
        for entry in fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name() != store::FILE_NAME {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
