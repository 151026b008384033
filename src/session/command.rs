//! Everything that an operator can do to a show. Window, command line and (later) remote control
//! send these and nothing else.

use crate::settings::Settings;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;

/// Something that no log, error or window may show. Comparing is for tests and change detection,
/// not for checking what an attacker sends.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret into keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself: only for handing to a child or a server.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One thing to do. Commands never block the sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin the show with the current settings.
    GoLive,
    /// The same though another publishes on its path or has its file: that one is thrown out.
    TakeOver,
    /// End the show.
    Stop,
    /// Move the bitrate, kb/s; while live it is debounced and cut over without a viewer lost.
    SetBitrate {
        /// Wanted bitrate of the picture, kb/s.
        kbps: u32,
    },
    /// Send silence instead of the sound, or the sound again.
    SetMuted {
        /// Whether silence is sent.
        muted: bool,
    },
    /// Move one sound input's controls, live too; out of bounds they are taken to the bound.
    SetInput {
        /// Which, by its place in `audio.inputs`.
        index: usize,
        /// Gain, dB, -60 (off) to 12.
        gain_db: f32,
        /// Whether it is left out of the mix.
        muted: bool,
        /// How much later it is heard, ms, up to 1000.
        delay_ms: u32,
    },
    /// Take these settings. While live what does not concern the target changes at once, without a
    /// viewer lost; the rest with the next show.
    ApplySettings(Box<Settings>),
    /// Take these secrets for the next show. None leaves a secret as it is (from the environment or
    /// a keyring); an empty one removes it.
    SetSecrets {
        /// Password of `TargetSettings::user`.
        password: Option<Secret>,
        /// SRT passphrase, 10 to 79 characters (libsrt, `SRTO_PASSPHRASE`).
        passphrase: Option<Secret>,
    },
    /// The same for the backup (`backup.target`).
    SetBackupSecrets {
        /// Password of the backup's user.
        password: Option<Secret>,
        /// The backup's SRT passphrase.
        passphrase: Option<Secret>,
    },
    /// Where the desktop itself asks which screen (Wayland): have it ask again, also on air.
    ChooseScreen,
    /// While live on a slower way because a faster one failed: try the fastest again. Viewers are
    /// disconnected for it.
    FastestWay,
    /// While live: end the connection to the server and make another. Viewers are disconnected for it.
    Reconnect,
    /// Disconnect a viewer; it may come back by itself.
    KickViewer {
        /// As in [`super::Snapshot::readers`].
        id: String,
    },
    /// Make another password for the remote control; who is connected with the old one is disconnected.
    NewRemotePassword,
    /// Whether preview pictures are made (the window is visible and wants them).
    SetPreview {
        /// Whether to make them.
        on: bool,
    },
    /// Look whether everything is there that a show needs; the report comes with a later snapshot.
    Examine,
    /// Record the running show from now on.
    StartRecording,
    /// End the recording; the show goes on.
    StopRecording,
    /// Save the last seconds of the running show to a file.
    SaveReplay,
    /// Save what the latency meter holds: each of the last frames as CSV, figures, trend and events as
    /// JSON, into the folder for recordings.
    SaveMeter,
    /// Keep the settings of the show under a name, over a profile that has it (see
    /// `settings::profiles`).
    SaveProfile {
        /// Its name.
        name: String,
    },
    /// Put a profile's settings in force; on air all but target, backup, viewers' page and the
    /// sound's bitrate, without a viewer lost.
    UseProfile {
        /// Its name, whatever its capitals.
        name: String,
    },
    /// Give a profile another name, which must be free.
    RenameProfile {
        /// As it is called.
        from: String,
        /// As it shall be called.
        to: String,
    },
    /// Delete a profile; the settings stay.
    DeleteProfile {
        /// Its name.
        name: String,
    },
    /// Undo what was last done with profiles: see `ProfilesStatus::undo`.
    UndoProfile,
    /// Read the profiles' folder anew: somebody may have changed it.
    LookAtProfiles,
    /// Write a profile into a file for others, without secrets and what only this machine understands.
    ExportProfile {
        /// Its name; empty is the settings as they are.
        name: String,
        /// The file, which is written over.
        path: PathBuf,
    },
    /// Add the profile in a file that somebody shared, named after the file. It is not yet used.
    ImportProfile {
        /// The file.
        path: PathBuf,
    },
    /// Take one of the recent servers (`Settings::servers`) as the target; not during a show.
    UseServer {
        /// As `RecentServer::label` says.
        label: String,
    },
    /// Forget all recent servers.
    ForgetServers,
    /// Fetch the pinned MediaMTX and install it for this user; its progress is in the snapshot.
    InstallServer,
    /// Stop that download.
    StopInstall,
    /// The operator has read of the newer version: that one is never told of again.
    PutUpdateAway,
    /// Fetch the pinned ffmpeg and install it for this user; a path that was set is forgotten once it is there. Its
    /// progress is in the snapshot.
    InstallFfmpeg,
    /// Stop that download.
    StopFfmpegInstall,
    /// The operator has set the console up (or skipped it): the settings file is written, so that the
    /// next start does not ask again.
    SetUp,
    /// Leave a failed state for Idle.
    Dismiss,
    /// End the show if any, stop every child and thread; the program is about to exit.
    Quit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_command_never_shows_a_secret() {
        let command = Command::SetSecrets {
            password: Some(Secret::new("hunter2")),
            passphrase: None,
        };
        let text = format!("{command:?} {command:#?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("***"), "{text}");
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_eq!(Secret::new("a"), Secret::new("a"));
    }
}
