//! Profiles: a show's settings under a name, one file each in the folder `profiles` beside the
//! settings file; and the same as a file for others, without secrets and without what only this
//! machine understands (see `shared`).
//!
//! Called on the session's thread and the command line's; [`write_shared`] and [`read_shared`], whose
//! place anybody chooses (a share that hangs), on a thread of their own. Blocks on the disk only.
//! Written atomically; what was there before is given back, so that a deletion can be undone.

use super::file::{Unread, read_tree};
use super::overrides::{did_you_mean, sentences, shape};
use super::profile_name::{NameError, ProfileName};
use super::schema::{SCHEMA_VERSION, Settings};
use super::shared;
use super::store::{StoreError, config_dir, interpret, near_of, own_tree};
use super::tree::{self, Node};
use crate::whole_file;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder's name beside the settings file.
pub const FOLDER: &str = "profiles";
/// How a profile's file ends.
pub const ENDING: &str = "ron";
/// More profiles than this are a mistake.
pub const MAX: usize = 200;

const OWN_HEADER: &str =
    "// A profile of pd-console: the settings of one show. No password is in it.\n";
const SHARED_HEADER: &str = "// A profile of pd-console to be shared. No password is in it, and nothing that only the machine\n\
                             // understands on which it was made. Take it with: pd-console profile import FILE\n";

/// Why a profile was not read, written or found; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No home folder is known.
    #[error(transparent)]
    NoFolder(#[from] StoreError),
    /// Not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No profile of this name.
    #[error("there is no profile {name:?}{}", did_you_mean(near))]
    NotFound {
        /// What was asked for.
        name: String,
        /// Up to three names like it.
        near: Vec<String>,
    },
    /// The name is taken.
    #[error("there is a profile {name:?} already. Choose another name, or delete that one first")]
    Exists {
        /// The name as it is there.
        name: String,
    },
    /// Not a profile.
    #[error("{} is no profile: {why}. Nothing was changed; mend the file or choose another", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Too many.
    #[error("there are {MAX} profiles already. Delete one first")]
    TooMany,
    /// The system refuses.
    #[error("{} cannot be {what}: {source}. Check that the folder is there, its permissions and free space", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// "read", "written", "renamed" or "deleted".
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

/// A show's settings as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The settings that it has, by name.
    parts: Vec<(String, Value)>,
    /// For the operator: what of the file was not taken, and why.
    pub notes: Vec<String>,
}

impl Profile {
    /// Of `settings`.
    ///
    /// # Errors
    /// A value without a RON form (a path that is not Unicode).
    pub fn of(settings: &Settings) -> Result<Self, ProfileError> {
        let settings = shared::without_secrets(settings);
        let json = to_json(&settings)?;
        let parts = shared::profile_names()
            .into_iter()
            .filter_map(|name| tree::at(&json, &name).cloned().map(|value| (name, value)))
            .collect();
        Ok(Self {
            parts,
            notes: Vec::new(),
        })
    }

    /// `settings` with everything that this profile has; what it does not have stays.
    ///
    /// # Errors
    /// Where both together are out of bounds, with all reasons.
    pub fn onto(&self, settings: &Settings) -> Result<Settings, String> {
        let mut json = to_json(settings).map_err(|e| e.to_string())?;
        for (name, value) in &self.parts {
            if let Some(slot) = tree::at_mut(&mut json, name) {
                *slot = value.clone();
            }
        }
        let new: Settings = serde_json::from_value(json).map_err(|e| e.to_string())?;
        new.check().map_err(|bad| sentences(&bad))?;
        Ok(new)
    }

    /// Whether `settings` are as this profile has them.
    pub fn is_in_force(&self, settings: &Settings) -> bool {
        let json = to_json(&shared::without_secrets(settings)).unwrap_or_default();
        let mut parts = self.parts.iter();
        parts.all(|(name, value)| tree::at(&json, name) == Some(value))
    }

    /// Names of the settings that it has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(name, _)| name.as_str())
    }

    /// From a file's tree; settings for which `may` says no are told and not taken.
    fn read(path: &Path, may: fn(&str) -> bool) -> Result<Self, ProfileError> {
        let broken = |why: String| ProfileError::Broken {
            path: path.into(),
            why,
        };
        let tree = match read_tree(path) {
            Ok(Some(tree)) => tree,
            Ok(None) => {
                return Err(ProfileError::Disk {
                    path: path.into(),
                    what: "read",
                    source: io::ErrorKind::NotFound.into(),
                });
            }
            Err(Unread::Broken(why)) => return Err(broken(why)),
            Err(Unread::Io(source)) => {
                return Err(ProfileError::Disk {
                    path: path.into(),
                    what: "read",
                    source,
                });
            }
        };
        Self::of_tree(path, &tree, may)
    }

    /// The same of a tree; `path` is for errors only.
    pub(crate) fn of_tree(
        path: &Path,
        tree: &Node,
        may: fn(&str) -> bool,
    ) -> Result<Self, ProfileError> {
        let broken = |why: String| ProfileError::Broken {
            path: path.into(),
            why,
        };
        let found = interpret(tree);
        if !found.bad.is_empty() {
            return Err(broken(found.bad.join("; ")));
        }
        let mut notes = Vec::new();
        let newer = found.version > SCHEMA_VERSION;
        if newer {
            notes.push(format!(
                "a newer version of the program wrote it (format {}, this one knows {SCHEMA_VERSION})",
                found.version
            ));
        }
        for (n, name) in found.unknown.iter().enumerate() {
            let near = near_of(n, name);
            let hint = if newer {
                String::new()
            } else {
                did_you_mean(&near)
            };
            notes.push(format!("unknown setting `{name}` does nothing{hint}"));
        }
        let json = to_json(&shared::without_secrets(&found.settings))?;
        let mut parts = Vec::new();
        let mut not_taken = Vec::new();
        for name in leaves(tree) {
            // A key with a dot in it is unknown, whatever setting it looks like.
            let is_known = name != "version" && !found.unknown.contains(&name);
            let Some(value) = tree::at(&json, &name).filter(|_| is_known) else {
                continue;
            };
            if may(&name) {
                parts.push((name, value.clone()));
            } else {
                not_taken.push(name);
            }
        }
        if !not_taken.is_empty() {
            notes.push(format!(
                "not taken, because it is this computer's own to say: {}",
                not_taken.join(", ")
            ));
        }
        if parts.is_empty() {
            return Err(broken("it has no setting of a show".into()));
        }
        Ok(Self { parts, notes })
    }
}

/// What a profile's file was before it was written over or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    name: ProfileName,
    bytes: Vec<u8>,
}

impl Before {
    /// Whose it was.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

/// The profiles of this user.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: PathBuf,
}

impl Profiles {
    /// Those beside the settings file.
    ///
    /// # Errors
    /// Where no home folder is known.
    pub fn of_user() -> Result<Self, ProfileError> {
        Ok(Self::within(&config_dir()?))
    }

    /// Those beside the settings in `config`.
    pub fn within(config: &Path) -> Self {
        Self {
            folder: config.join(FOLDER),
        }
    }

    /// All names, in alphabetical order; files that are no profile by their name are left out.
    pub fn list(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| {
                let path = entry.path();
                let is_it = path.extension().is_some_and(|ending| ending == ENDING);
                let stem = path.file_stem().filter(|_| is_it)?.to_str()?;
                let name = ProfileName::new(stem).ok()?;
                (name.as_str() == stem && path.is_file()).then(|| stem.to_owned())
            })
            .take(MAX)
            .collect();
        names.sort_by_key(|name| (name.to_lowercase(), name.clone()));
        names
    }

    /// The name as it is there, whatever its capitals: some systems' files do not tell them apart.
    fn find(&self, name: &ProfileName) -> Option<ProfileName> {
        let same = |known: &String| known.to_lowercase() == name.as_str().to_lowercase();
        let known = self.list().into_iter().find(same)?;
        ProfileName::new(&known).ok()
    }

    fn found(&self, name: &str) -> Result<ProfileName, ProfileError> {
        let wanted = ProfileName::new(name)?;
        self.find(&wanted).ok_or_else(|| ProfileError::NotFound {
            name: wanted.as_str().into(),
            near: tree::near(wanted.as_str(), &self.list()),
        })
    }

    fn path(&self, name: &ProfileName) -> PathBuf {
        self.folder.join(format!("{}.{ENDING}", name.as_str()))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Not there, not readable, or no profile: with bad values it is refused as a whole.
    pub fn read(&self, name: &str) -> Result<Profile, ProfileError> {
        Profile::read(&self.path(&self.found(name)?), shared::is_profiles)
    }

    /// Keeps `settings` under `name`, over one that is there; its name as it is kept, and what was
    /// there before.
    ///
    /// # Errors
    /// A bad name, too many, or the disk.
    pub fn save(
        &self,
        name: &str,
        settings: &Settings,
    ) -> Result<(String, Option<Before>), ProfileError> {
        let tree = own_tree(&shared::without_secrets(settings))?;
        let kept = |name: &str| name == "version" || shared::is_profiles(name);
        self.write(name, &print(OWN_HEADER, &tree, &kept)?)
    }

    /// Keeps an imported profile under `name`, which must be free.
    ///
    /// # Errors
    /// As [`Profiles::save`], and [`ProfileError::Exists`].
    pub fn add(&self, name: &str, profile: &Profile) -> Result<String, ProfileError> {
        if let Some(known) = self.find(&ProfileName::new(name)?) {
            return Err(ProfileError::Exists {
                name: known.as_str().into(),
            });
        }
        let settings = profile
            .onto(&Settings::default())
            .map_err(|why| ProfileError::Broken {
                path: name.into(),
                why,
            })?;
        let has: Vec<&str> = profile.names().collect();
        let tree = own_tree(&settings)?;
        let kept = |name: &str| name == "version" || has.contains(&name);
        Ok(self.write(name, &print(OWN_HEADER, &tree, &kept)?)?.0)
    }

    fn write(&self, name: &str, text: &str) -> Result<(String, Option<Before>), ProfileError> {
        let name = ProfileName::new(name)?;
        let known = self.find(&name);
        if known.is_none() && self.list().len() >= MAX {
            return Err(ProfileError::TooMany);
        }
        let before = known.as_ref().and_then(|known| self.before(known));
        let name = known.unwrap_or(name);
        let path = self.path(&name);
        whole_file::write(&path, text.as_bytes()).map_err(|e| disk(&path, "written", e))?;
        Ok((name.as_str().into(), before))
    }

    fn before(&self, name: &ProfileName) -> Option<Before> {
        let bytes = fs::read(self.path(name)).ok()?;
        let name = name.clone();
        Some(Before { name, bytes })
    }

    /// Deletes one; what it was.
    ///
    /// # Errors
    /// Not there, or the disk.
    pub fn delete(&self, name: &str) -> Result<Option<Before>, ProfileError> {
        let name = self.found(name)?;
        let before = self.before(&name);
        let path = self.path(&name);
        fs::remove_file(&path).map_err(|e| disk(&path, "deleted", e))?;
        Ok(before)
    }

    /// Gives one another name; the name as it is kept.
    ///
    /// # Errors
    /// Not there, a bad or taken name, or the disk.
    pub fn rename(&self, from: &str, to: &str) -> Result<String, ProfileError> {
        let (from, to) = (self.found(from)?, ProfileName::new(to)?);
        if let Some(known) = self.find(&to).filter(|known| *known != from) {
            return Err(ProfileError::Exists {
                name: known.as_str().into(),
            });
        }
        let path = self.path(&from);
        let failed = |e| disk(&path, "renamed", e);
        // Where capitals are all that changes, some file systems keep the old ones in a single step.
        let between = path.with_extension("renamed");
        fs::rename(&path, &between).map_err(failed)?;
        fs::rename(&between, self.path(&to)).map_err(|e| {
            let _ = fs::rename(&between, &path);
            failed(e)
        })?;
        Ok(to.as_str().into())
    }

    /// Puts a profile's file back as it was.
    ///
    /// # Errors
    /// The disk.
    pub fn put_back(&self, before: &Before) -> Result<(), ProfileError> {
        let path = self.path(&before.name);
        whole_file::write(&path, &before.bytes).map_err(|e| disk(&path, "written", e))
    }
}

/// Writes `settings` into a file for others; names of what was left out, where it was not the default.
///
/// # Errors
/// The disk.
pub fn write_shared(path: &Path, settings: &Settings) -> Result<Vec<String>, ProfileError> {
    let (shared, left_out) = shared::for_others(settings);
    let tree = own_tree(&shared)?;
    let kept = |name: &str| name == "version" || shared::is_shared(name);
    let text = print(SHARED_HEADER, &tree, &kept)?;
    whole_file::write(path, text.as_bytes()).map_err(|e| disk(path, "written", e))?;
    Ok(left_out)
}

/// Reads a file that someone shared: only what may be in one is taken. Its name is the file's.
///
/// # Errors
/// Not readable, or no profile.
pub fn read_shared(path: &Path) -> Result<(String, Profile), ProfileError> {
    let profile = Profile::read(path, shared::is_shared)?.for_here();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok((ProfileName::like(&stem).as_str().into(), profile))
}

impl Profile {
    /// What a file from elsewhere could do harm with is put right, whoever wrote it.
    pub(crate) fn for_here(mut self) -> Self {
        let Ok(settings) = self.onto(&Settings::default()) else {
            return self;
        };
        let (clean, changed) = shared::for_others(&settings);
        let json = to_json(&clean).unwrap_or_default();
        for (name, value) in &mut self.parts {
            if let Some(clean) = tree::at(&json, name) {
                value.clone_from(clean);
            }
        }
        if !changed.is_empty() {
            self.notes.push(format!(
                "put to the default, because another computer cannot say it: {}",
                changed.join(", ")
            ));
        }
        self
    }
}

fn disk(path: &Path, what: &'static str, source: io::Error) -> ProfileError {
    ProfileError::Disk {
        path: path.into(),
        what,
        source,
    }
}

fn to_json(settings: &Settings) -> Result<Value, StoreError> {
    serde_json::to_value(settings).map_err(|error| StoreError::Form(error.to_string()))
}

/// The tree's fields for which `kept` says yes, as a file's text that can be read back.
fn print(header: &str, tree: &Node, kept: &dyn Fn(&str) -> bool) -> Result<String, ProfileError> {
    let text = format!("{header}{}\n", filtered(tree, "", kept).print());
    Node::parse(&text, &shape()).map_err(|e| StoreError::Form(e.to_string()))?;
    Ok(text)
}

fn filtered(node: &Node, prefix: &str, kept: &dyn Fn(&str) -> bool) -> Node {
    let Node::Struct(fields) = node else {
        return node.clone();
    };
    let fields = fields.iter().filter_map(|(key, inner)| {
        let name = dotted(prefix, key);
        let inner = match inner {
            Node::Leaf(_) => kept(&name).then(|| inner.clone())?,
            Node::Struct(_) => match filtered(inner, &name, kept) {
                Node::Struct(fields) if fields.is_empty() => return None,
                inner => inner,
            },
        };
        Some((key.clone(), inner))
    });
    Node::Struct(fields.collect())
}

/// Dotted names of all leaves.
fn leaves(tree: &Node) -> Vec<String> {
    fn walk(node: &Node, prefix: &str, names: &mut Vec<String>) {
        match node {
            Node::Leaf(_) => names.push(prefix.to_owned()),
            Node::Struct(fields) => {
                for (key, inner) in fields {
                    walk(inner, &dotted(prefix, key), names);
                }
            }
        }
    }
    let mut names = Vec::new();
    walk(tree, "", &mut names);
    names
}

fn dotted(prefix: &str, key: &str) -> String {
    let dot = if prefix.is_empty() { "" } else { "." };
    format!("{prefix}{dot}{key}")
}

#[cfg(test)]
#[path = "profiles_tests.rs"]
mod tests;
