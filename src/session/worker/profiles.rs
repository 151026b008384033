//! What the operator does with profiles and recent servers, carried out on the session's thread.
//!
//! Files that the operator chose a place for are written and read on `pd-profile-file`, one at a
//! time: a network share may hang, a show must not.

use super::{Answer, Worker};
use crate::clock;
use crate::session::profiles::{Undo, on_air, words};
use crate::settings::profiles::{Profile, read_shared, write_shared};
use crate::settings::{Settings, TargetSettings, servers};
use std::path::{Path, PathBuf};

/// What became of a file that was chosen by the operator.
pub(super) enum FileDone {
    Exported(PathBuf, Result<Vec<String>, String>),
    Imported(PathBuf, Result<(String, Profile), String>),
}

impl Worker {
    pub(super) fn save_profile(&mut self, name: &str) {
        let saved = self.profiles.all().and_then(|profiles| {
            let saved = profiles.save(name, &self.settings);
            saved.map_err(|e| words(&e))
        });
        match saved {
            Ok((name, before)) => {
                self.profiles.undo = before.map(Undo::Replaced);
                self.settings.profile.clone_from(&name);
                self.save();
                self.done(format!("profile {name:?} was saved"));
            }
            Err(why) => self.not_done(why),
        }
    }

    pub(super) fn use_profile(&mut self, name: &str) {
        let read = self.profiles.all().and_then(|profiles| {
            let profile = profiles.read(name).map_err(|e| words(&e))?;
            let mut new = profile
                .onto(&self.settings)
                .map_err(|why| format!("profile {name:?} cannot be used here: {why}"))?;
            // As it is kept, whatever its capitals were here.
            let kept = profiles.list().into_iter();
            let mut kept = kept.filter(|n| n.to_lowercase() == name.trim().to_lowercase());
            new.profile = kept.next().unwrap_or_else(|| name.to_owned());
            Ok((new, profile.notes))
        });
        let (new, mut said) = match read {
            Ok(read) => read,
            Err(why) => return self.not_done(why),
        };
        let (before, name) = (self.settings.clone(), new.profile.clone());
        let waits = self.take_all(new);
        self.profiles.undo = Some(Undo::Used(name.clone(), Box::new(before)));
        if !waits.is_empty() {
            said.push(format!(
                "while a show runs its {} cannot change: use the profile again after the show",
                waits.join(", ")
            ));
        }
        said.insert(0, format!("profile {name:?} is in force"));
        self.done(said.join("; "));
    }

    /// Takes all settings, on air all that may change there; names of what must wait.
    fn take_all(&mut self, new: Settings) -> Vec<&'static str> {
        let in_show = self.in_show();
        let (new, waits) = if in_show {
            on_air(&self.settings, new)
        } else {
            (new, Vec::new())
        };
        let before = std::mem::replace(&mut self.settings, new);
        self.servers_changed(&before.target, &before.backup.target);
        // The mute is the hand's of the moment, whatever was before.
        self.settings.audio.muted = before.audio.muted;
        if in_show {
            self.tuning.moved(&self.settings, clock::now());
        }
        self.save();
        waits
    }

    /// Each server has secrets of its own.
    fn servers_changed(&mut self, target: &TargetSettings, backup: &TargetSettings) {
        let (new, secrets) = (&self.settings, &mut self.secrets);
        let mut other = self.secrets_of.change(
            (target, &new.target),
            &mut secrets.password,
            &mut secrets.passphrase,
        );
        let untyped = other && !new.target.user.is_empty() && secrets.password.is_none();
        other |= self.secrets_of.change(
            (backup, &new.backup.target),
            &mut secrets.backup_password,
            &mut secrets.backup_passphrase,
        );
        if other {
            self.secrets_changed += 1;
        }
        if untyped {
            let user = &self.settings.target.user;
            self.journal.info(format!(
                "another server: type the password of {user:?} for it"
            ));
        }
    }

    pub(super) fn rename_profile(&mut self, from: &str, to: &str) {
        let renamed = self.profiles.all().and_then(|profiles| {
            let renamed = profiles.rename(from, to);
            renamed.map_err(|e| words(&e))
        });
        match renamed {
            Ok(name) => {
                self.profiles.undo = None;
                if self.settings.profile.to_lowercase() == from.trim().to_lowercase() {
                    self.settings.profile.clone_from(&name);
                    self.save();
                }
                self.done(format!("profile {from:?} is called {name:?} now"));
            }
            Err(why) => self.not_done(why),
        }
    }

    pub(super) fn delete_profile(&mut self, name: &str) {
        let deleted = self
            .profiles
            .all()
            .and_then(|profiles| profiles.delete(name).map_err(|e| words(&e)));
        match deleted {
            Ok(before) => {
                self.profiles.undo = before.map(Undo::Deleted);
                self.done(format!("profile {name:?} was deleted"));
            }
            Err(why) => self.not_done(why),
        }
    }

    pub(super) fn undo_profile(&mut self) {
        let before = match self.profiles.undo.take() {
            None => return self.not_done("there is nothing to undo with the profiles".into()),
            Some(Undo::Used(_, before)) => {
                let waits = self.take_all(*before);
                let mut text = "the settings are as they were before".to_owned();
                if !waits.is_empty() {
                    text += &format!(", but for {}: a show runs", waits.join(", "));
                }
                return self.done(text);
            }
            Some(Undo::Replaced(before) | Undo::Deleted(before)) => before,
        };
        let back = self
            .profiles
            .all()
            .and_then(|profiles| profiles.put_back(&before).map_err(|e| words(&e)));
        match back {
            Ok(()) => self.done(format!("profile {:?} is as it was before", before.name())),
            Err(why) => self.not_done(why),
        }
    }

    pub(super) fn look_at_profiles(&mut self) {
        self.profiles.look(&self.settings.profile);
    }

    /// `name` empty: the settings as they are.
    pub(super) fn export_profile(&mut self, name: &str, path: PathBuf) {
        let settings = if name.is_empty() {
            Ok(self.settings.clone())
        } else {
            self.profiles.all().and_then(|profiles| {
                let profile = profiles.read(name).map_err(|e| words(&e))?;
                profile.onto(&Settings::default())
            })
        };
        match settings {
            Ok(settings) => self.file_work(path, move |path| {
                let left_out = write_shared(path, &settings).map_err(|e| words(&e));
                FileDone::Exported(path.to_owned(), left_out)
            }),
            Err(why) => self.not_done(why),
        }
    }

    pub(super) fn import_profile(&mut self, path: PathBuf) {
        self.file_work(path, |path| {
            let read = read_shared(path).map_err(|e| words(&e));
            FileDone::Imported(path.to_owned(), read)
        });
    }

    fn file_work(&mut self, path: PathBuf, work: impl FnOnce(&Path) -> FileDone + Send + 'static) {
        if self.profiles.busy {
            let why = "another file is still being written or read; try again in a moment";
            return self.not_done(why.into());
        }
        let answers = self.answers_in.clone();
        let started = std::thread::Builder::new()
            .name("pd-profile-file".into())
            .spawn(move || {
                let _ = answers.try_send(Answer::File(work(&path)));
            });
        match started {
            Ok(_) => self.profiles.busy = true,
            Err(error) => self.not_done(format!("no thread for the file: {error}")),
        }
    }

    pub(super) fn file_done(&mut self, done: FileDone) {
        self.profiles.busy = false;
        match done {
            FileDone::Exported(path, Ok(left_out)) => {
                let mut text = format!("{} was written, without any password", path.display());
                if !left_out.is_empty() {
                    text += &format!(
                        "; left out, because it is this computer's: {}",
                        left_out.join(", ")
                    );
                }
                self.done(text);
            }
            FileDone::Imported(path, Ok((name, profile))) => {
                let added = self.profiles.all().and_then(|profiles| {
                    // Never over one that is there.
                    let names = (1..100).map(|n| match n {
                        1 => name.clone(),
                        n => format!("{name} ({n})"),
                    });
                    let taken = profiles.list();
                    let free = |name: &String| {
                        !taken
                            .iter()
                            .any(|t| t.to_lowercase() == name.to_lowercase())
                    };
                    let name = { names }.find(free).unwrap_or(name);
                    profiles.add(&name, &profile).map_err(|e| words(&e))
                });
                match added {
                    Ok(name) => {
                        self.profiles.undo = None;
                        let mut said = vec![format!(
                            "profile {name:?} was taken from {}",
                            path.display()
                        )];
                        said.extend(profile.notes);
                        self.done(said.join("; "));
                    }
                    Err(why) => self.not_done(why),
                }
            }
            FileDone::Exported(_, Err(why)) | FileDone::Imported(_, Err(why)) => {
                self.not_done(why);
            }
        }
    }

    /// A server of the recent ones, by its label.
    pub(super) fn use_server(&mut self, label: &str) {
        let servers = &self.settings.servers;
        let Some(server) = servers.iter().find(|s| s.label() == label).cloned() else {
            return self
                .journal
                .warn(format!("{label} is no recent server any more"));
        };
        if self.in_show() {
            let why = "the server cannot change while a show runs; end the show first";
            return self.journal.warn(why);
        }
        let before = self.settings.target.clone();
        server.put_into(&mut self.settings.target);
        self.servers_changed(&before, &self.settings.backup.target.clone());
        self.save();
    }

    pub(super) fn forget_servers(&mut self) {
        self.settings.servers.clear();
        self.save();
    }

    /// The programme has been on air at this server.
    pub(super) fn remember_server(&mut self) {
        if let Some(server) = servers::RecentServer::of(&self.settings.target) {
            let before = self.settings.servers.clone();
            servers::remember(&mut self.settings.servers, server);
            if before != self.settings.servers {
                self.save();
            }
        }
    }

    pub(super) fn in_show(&self) -> bool {
        !self.machine.state().is_at_rest()
    }

    fn done(&mut self, text: String) {
        self.look_at_profiles();
        self.journal.info(text.clone());
        self.profiles.say(true, text);
    }

    fn not_done(&mut self, why: String) {
        self.look_at_profiles();
        self.journal.warn(why.clone());
        self.profiles.say(false, why);
    }
}
