//! The settings file `settings.ron`: read tolerantly, written atomically, never destroyed.
//!
//! Called on the starting thread and on the session's; blocks on the disk only. What this version
//! does not know (a newer version's keys, values it cannot read) is kept as it was written; a
//! broken file is renamed aside and named; a folder that cannot be written costs a message only.

use super::file::{Unread, keep_aside, keep_format, read_tree, write_tree};
use super::overrides::{did_you_mean, shape};
use super::schema::{SCHEMA_VERSION, Settings};
use super::shared::without_secrets;
use super::tree::{self, Node};
use crate::folders::{self, CONFIG_DIR_ENV};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file's name in that folder.
pub const FILE_NAME: &str = "settings.ron";
/// Why settings were not saved; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No home folder is known.
    #[error("settings are not saved: no config folder is known. Set {CONFIG_DIR_ENV} to a folder.")]
    NoFolder,
    /// The file could not be read or kept aside at start, so it must not be replaced.
    #[error("settings are not saved, to keep {} as it is: {why}. Mend or move that file and start again.", path.display())]
    Protected {
        /// The file.
        path: PathBuf,
        /// What went wrong at start.
        why: String,
    },
    /// The folder or the file cannot be written.
    #[error("settings are not saved: {} cannot be written: {source}. Check the folder's permissions and free space, or set {CONFIG_DIR_ENV} to another folder.", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A value has no RON form (a path that is not Unicode).
    #[error("settings are not saved: {0}")]
    Form(String),
}

/// What [`load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// Settings in bounds.
    pub settings: Settings,
    /// For the operator, once: what was wrong with the file and what was done.
    pub notes: Vec<String>,
    /// Dotted names of keys in the file that this version does not know.
    pub unknown: Vec<String>,
    /// There is no settings file: the program was never set up for this user.
    pub is_new: bool,
    /// Where to save.
    pub store: Store,
}

/// Saves settings into the file that they came from.
#[derive(Debug)]
pub struct Store {
    path: Option<PathBuf>,
    /// Settings as loaded or last saved: what did not change since is not written, so that a second
    /// copy of the program, or a hand edit meanwhile, is not undone.
    base: Settings,
    protected: Option<String>,
}

/// The settings' folder ([`crate::folders`]).
///
/// # Errors
/// Where no home folder is known.
pub fn config_dir() -> Result<PathBuf, StoreError> {
    folders::config().ok_or(StoreError::NoFolder)
}

/// The settings as their file has them, for reports; no secret is among them, but for what the operator wrote into
/// an address.
pub fn settings_text(settings: &Settings) -> String {
    let pretty = ron::ser::PrettyConfig::new().depth_limit(8);
    ron::ser::to_string_pretty(settings, pretty).unwrap_or_else(|error| error.to_string())
}

/// Loads the settings; never fails: what is wrong is told in [`Loaded::notes`].
pub fn load() -> Loaded {
    match config_dir() {
        Ok(dir) => load_from(&dir, SystemTime::now()),
        Err(error) => Loaded {
            settings: Settings::default(),
            notes: vec![error.to_string()],
            unknown: Vec::new(),
            is_new: false,
            store: Store {
                path: None,
                base: Settings::default(),
                protected: None,
            },
        },
    }
}

/// Loads the settings from `dir`; `now` names a broken file that is kept aside.
pub fn load_from(dir: &Path, now: SystemTime) -> Loaded {
    let path = dir.join(FILE_NAME);
    let mut loaded = Loaded {
        settings: Settings::default(),
        notes: Vec::new(),
        unknown: Vec::new(),
        is_new: false,
        store: Store {
            path: Some(path.clone()),
            base: Settings::default(),
            protected: None,
        },
    };
    match read_tree(&path) {
        Ok(None) => loaded.is_new = true,
        Ok(Some(tree)) => loaded.take(&tree, &path, now),
        Err(Unread::Broken(why)) => match keep_aside(&path, now) {
            Ok(aside) => loaded.notes.push(format!(
                "The settings file {} is broken: {why}. It is kept as {}; the program starts with \
                 the defaults. To use it again, mend it and rename it to {FILE_NAME}.",
                path.display(),
                aside.display()
            )),
            Err(error) => loaded.protect(
                &path,
                format!("it is broken ({why}) and cannot be renamed ({error})"),
            ),
        },
        Err(Unread::Io(error)) => loaded.protect(&path, format!("it cannot be read ({error})")),
    }
    loaded.store.base = loaded.settings.clone();
    loaded
}

impl Loaded {
    /// The file shall not be touched any more.
    fn protect(&mut self, path: &Path, why: String) {
        self.notes.push(format!(
            "The settings file {} is not used: {why}. The program starts with the defaults and \
             saves nothing there until that file is mended or moved.",
            path.display()
        ));
        self.store.protected = Some(why);
    }

    /// Takes every good value of `tree`.
    fn take(&mut self, tree: &Node, path: &Path, now: SystemTime) {
        let found = interpret(tree);
        let newer = found.version > SCHEMA_VERSION;
        if newer {
            self.notes.push(format!(
                "The settings file {} was written by a newer version of the program (format {}, \
                 this one knows {SCHEMA_VERSION}). What this version does not know stays in the file, and before \
                 anything is saved a copy of it is kept beside it.",
                path.display(),
                found.version
            ));
        }
        for (n, name) in found.unknown.iter().enumerate() {
            // A newer version's keys are no mistake of the operator's.
            if !newer {
                let near = near_of(n, name);
                self.notes.push(format!(
                    "unknown setting `{name}` in {}: it is kept but does nothing{}",
                    path.display(),
                    did_you_mean(&near)
                ));
            }
        }
        self.unknown = found.unknown;
        self.settings = found.settings;
        for bad in &found.bad {
            self.notes.push(format!("{bad}; the default is used"));
        }
        if found.bad.is_empty() || newer {
            return;
        }
        // The bad values leave the file, so the file as it was is kept beside it.
        match keep_aside(path, now) {
            Ok(aside) => {
                self.notes.push(format!(
                    "The settings file as it was is kept as {}.",
                    aside.display()
                ));
                let written = own_tree(&self.settings)
                    .and_then(|ours| write_tree(path, &Node::merged(Some(tree), None, &ours)));
                if let Err(error) = written {
                    self.notes.push(error.to_string());
                }
            }
            Err(error) => {
                let why = format!("it has bad values and no copy can be kept ({error})");
                self.notes.push(format!(
                    "{} cannot be renamed ({error}): nothing is saved until its bad values are mended.",
                    path.display()
                ));
                self.store.protected = Some(why);
            }
        }
    }
}

impl Store {
    /// The file, where a config folder is known.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Writes what changed since the last load or save, atomically (a whole file or the old one,
    /// mode 0600 on Unix); everything else in the file stays.
    ///
    /// # Errors
    /// No folder, a protected file, or the system's refusal; the program can go on.
    pub fn save(&mut self, settings: &Settings) -> Result<(), StoreError> {
        self.save_at(settings, SystemTime::now())
    }

    fn save_at(&mut self, settings: &Settings, now: SystemTime) -> Result<(), StoreError> {
        let path = self.path.as_deref().ok_or(StoreError::NoFolder)?;
        if let Some(why) = &self.protected {
            return Err(StoreError::Protected {
                path: path.into(),
                why: why.clone(),
            });
        }
        // A login in a pasted address is good until the program ends, as every secret is.
        let mut ours = without_secrets(settings);
        ours.version = SCHEMA_VERSION;
        let in_file = match read_tree(path) {
            Ok(tree) => tree,
            Err(Unread::Broken(_)) => {
                keep_aside(path, now).map_err(|source| StoreError::Write {
                    path: path.into(),
                    source,
                })?;
                None
            }
            Err(Unread::Io(source)) => {
                return Err(StoreError::Write {
                    path: path.into(),
                    source,
                });
            }
        };
        let merged = Node::merged(
            in_file.as_ref(),
            Some(&own_tree(&self.base)?),
            &own_tree(&ours)?,
        );
        keep_format(path).map_err(|source| StoreError::Write {
            path: path.into(),
            source,
        })?;
        write_tree(path, &merged)?;
        self.base = ours;
        Ok(())
    }
}

/// Names like the `n`th unknown one; of the first few only, since looking takes its time.
pub(super) fn near_of(n: usize, name: &str) -> Vec<String> {
    const LOOKED_UP: usize = 20;
    if n < LOOKED_UP {
        tree::near(name, &super::overrides::names())
    } else {
        Vec::new()
    }
}

/// A tree's good values, and what else is in it.
pub(crate) struct Found {
    pub settings: Settings,
    pub version: u32,
    pub bad: Vec<String>,
    pub unknown: Vec<String>,
}

pub(crate) fn interpret(tree: &Node) -> Found {
    let shape = shape();
    let mut json = shape.clone();
    let (mut bad, mut unknown) = (Vec::new(), Vec::new());
    let version = match tree.field("version") {
        Some(Node::Leaf(text)) => ron::from_str::<u32>(text).unwrap_or_else(|_| {
            bad.push(format!(
                "setting version is {text}: it must be a whole number"
            ));
            SCHEMA_VERSION
        }),
        _ => SCHEMA_VERSION,
    };
    interpret_level(tree, &shape, "", &mut json, &mut bad, &mut unknown);
    let mut settings: Settings = serde_json::from_value(json).unwrap_or_default();
    if let Err(out_of_bounds) = settings.check() {
        let mut json = serde_json::to_value(&settings).unwrap_or_default();
        for one in out_of_bounds {
            if let (Some(slot), Some(default)) = (
                tree::at_mut(&mut json, one.name),
                tree::at(&shape, one.name),
            ) {
                *slot = default.clone();
            }
            bad.push(one.to_string());
        }
        settings = serde_json::from_value(json).unwrap_or_default();
        if settings.check().is_err() {
            settings = Settings::default();
        }
    }
    // In memory the version is always this program's; the file's own stays in the file.
    settings.version = SCHEMA_VERSION;
    Found {
        settings,
        version,
        bad,
        unknown,
    }
}

/// Takes the fields of `node`, which `shape` describes, into `json`.
fn interpret_level(
    node: &Node,
    shape: &Value,
    prefix: &str,
    json: &mut Value,
    bad: &mut Vec<String>,
    unknown: &mut Vec<String>,
) {
    let Node::Struct(fields) = node else { return };
    for (key, inner) in fields {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match (shape.get(key), inner) {
            _ if name == "version" => {}
            (None, _) => unknown.push(name),
            (Some(known), Node::Struct(_)) => {
                interpret_level(inner, known, &name, json, bad, unknown);
            }
            (Some(_), Node::Leaf(text)) => {
                let tried = tree::json_of(text)
                    .map_err(|e| e.to_string())
                    .and_then(|value| {
                        let mut changed = json.clone();
                        if let Some(slot) = tree::at_mut(&mut changed, &name) {
                            *slot = value;
                        }
                        serde_json::from_value::<Settings>(changed.clone())
                            .map(|_| changed)
                            .map_err(|error| error.to_string())
                    });
                match tried {
                    Ok(changed) => *json = changed,
                    Err(why) => {
                        let short: String = text.chars().take(60).collect();
                        bad.push(format!("setting {name} cannot be {short}: {why}"));
                    }
                }
            }
        }
    }
}

/// `settings` as this program writes them.
pub(crate) fn own_tree(settings: &Settings) -> Result<Node, StoreError> {
    let text = ron::to_string(settings).map_err(|error| StoreError::Form(error.to_string()))?;
    Node::parse(&text, &shape()).map_err(|error| StoreError::Form(error.to_string()))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "frozen_tests.rs"]
mod frozen;
