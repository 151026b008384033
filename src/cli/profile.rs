//! `pd-console profile`: lists, keeps, uses and shares profiles. Text for stdout; notes go to stderr.

use super::SettingsArgs;
use crate::session::failure::{Failure, FailureKind};
use crate::settings::profiles::{read_shared, write_shared};
use crate::settings::{Profiles, Settings, load};
use clap::{Args, Subcommand};
use std::fmt::Display;
use std::path::PathBuf;

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub enum ProfileTask {
    /// Print the names; a star marks the one that was used or saved last.
    List,
    /// Keep the settings (with this call's changes) under a name, over a profile that has it.
    Save(SaveArgs),
    /// Put a profile's settings into the settings file.
    Use {
        /// Its name.
        name: String,
    },
    /// Write a profile into a file for others: no secret is in it, nor what only this machine
    /// understands; says what was left out.
    Export {
        /// Its name.
        name: String,
        /// The file, which is written over.
        file: PathBuf,
    },
    /// Add the profile in a file that somebody shared; prints its name.
    Import {
        /// The file.
        file: PathBuf,
        /// Its name here; the file's without it.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Delete a profile.
    Delete {
        /// Its name.
        name: String,
    },
    /// Give a profile another name.
    Rename {
        /// As it is called.
        from: String,
        /// As it shall be called.
        to: String,
    },
}

/// Arguments of `profile save`.
#[derive(Debug, Args)]
pub struct SaveArgs {
    /// Its name.
    pub name: String,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

fn bad(error: impl Display) -> Failure {
    Failure::new(FailureKind::Settings, error)
}

/// Runs it; what belongs on stdout.
///
/// # Errors
/// Why not, with what to do; nothing was changed.
pub fn run(task: &ProfileTask) -> Result<String, Failure> {
    let profiles = Profiles::of_user().map_err(bad)?;
    match task {
        ProfileTask::List => {
            let current = load().settings.profile;
            let line = |name: String| {
                let mark = if name == current { "*" } else { " " };
                format!("{mark} {name}\n")
            };
            Ok(profiles.list().into_iter().map(line).collect())
        }
        ProfileTask::Save(args) => {
            let settings = args.settings.settings()?;
            let (name, _) = profiles.save(&args.name, &settings).map_err(bad)?;
            Ok(format!("saved: {name}\n"))
        }
        ProfileTask::Use { name } => {
            let mut loaded = load();
            for note in &loaded.notes {
                eprintln!("settings: {note}");
            }
            let settings = over(&loaded.settings, name)?;
            loaded.store.save(&settings).map_err(bad)?;
            Ok(format!("in force: {}\n", settings.profile))
        }
        ProfileTask::Export { name, file } => {
            let profile = profiles.read(name).map_err(bad)?;
            told(&profile.notes);
            let settings = profile.onto(&Settings::default()).map_err(bad)?;
            let left_out = write_shared(file, &settings).map_err(bad)?;
            if !left_out.is_empty() {
                eprintln!(
                    "left out, because it is this computer's: {}",
                    left_out.join(", ")
                );
            }
            Ok(format!("written: {}\n", file.display()))
        }
        ProfileTask::Import { file, name } => {
            let (of_file, profile) = read_shared(file).map_err(bad)?;
            told(&profile.notes);
            let name = name.as_ref().unwrap_or(&of_file);
            let name = profiles.add(name, &profile).map_err(bad)?;
            Ok(format!("added: {name}\n"))
        }
        ProfileTask::Delete { name } => {
            profiles.delete(name).map_err(bad)?;
            Ok(format!("deleted: {name}\n"))
        }
        ProfileTask::Rename { from, to } => {
            let name = profiles.rename(from, to).map_err(bad)?;
            Ok(format!("renamed: {name}\n"))
        }
    }
}

/// The profile's settings over `settings`.
///
/// # Errors
/// No such profile, or one that cannot be used.
pub fn over(settings: &Settings, name: &str) -> Result<Settings, Failure> {
    let profiles = Profiles::of_user().map_err(bad)?;
    let profile = profiles.read(name).map_err(bad)?;
    told(&profile.notes);
    let mut settings = profile.onto(settings).map_err(bad)?;
    let wanted = name.trim().to_lowercase();
    let kept = profiles.list().into_iter();
    settings.profile = { kept }
        .find(|known| known.to_lowercase() == wanted)
        .unwrap_or_else(|| name.into());
    Ok(settings)
}

fn told(notes: &[String]) {
    for note in notes {
        eprintln!("profile: {note}");
    }
}
