//! The profiles as the session holds them: their names, which one is in force, what can be undone,
//! what was last done. On the session's thread; looks at its own folder only.

use crate::settings::profiles::{Before, Profile};
use crate::settings::{ProfileError, Profiles, Secrets, Settings, TargetSettings};
use std::path::Path;
use std::sync::Arc;

/// Servers whose secrets are kept in memory for as long as the program runs.
const SECRETS_KEPT: usize = 16;

/// The profiles as the operator sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilesStatus {
    /// All, in alphabetical order.
    pub names: Arc<Vec<String>>,
    /// The one that was used or saved last; empty for none.
    pub current: String,
    /// The settings are not as that one has them any more.
    pub changed: bool,
    /// A file is being written or read.
    pub busy: bool,
    /// What [`super::Command::UndoProfile`] would undo, where there is something.
    pub undo: Option<Undone>,
    /// What was done last, or why it was not.
    pub note: Option<ProfileNote>,
}

/// What can be undone, by the profile's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It was used in place of other settings.
    Used(String),
    /// It was written over.
    Replaced(String),
    /// It was deleted.
    Deleted(String),
}

/// What became of the last thing that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileNote {
    /// Counts notes, so that a window shows each once.
    pub number: u64,
    /// Whether it was done.
    pub good: bool,
    /// For the operator, what to do where it was not.
    pub text: String,
}

/// What is needed to undo.
pub(super) enum Undo {
    /// The settings before a profile was used.
    Used(String, Box<Settings>),
    /// A file before it was written over or deleted.
    Replaced(Before),
    Deleted(Before),
}

impl Undo {
    fn told(&self) -> Undone {
        match self {
            Self::Used(name, _) => Undone::Used(name.clone()),
            Self::Replaced(before) => Undone::Replaced(before.name().into()),
            Self::Deleted(before) => Undone::Deleted(before.name().into()),
        }
    }
}

/// The session's own part.
#[derive(Default)]
pub(super) struct Keeper {
    /// None where the session has no settings file.
    pub profiles: Option<Profiles>,
    pub undo: Option<Undo>,
    pub busy: bool,
    names: Arc<Vec<String>>,
    /// What the current one's file has.
    in_file: Option<Profile>,
    compared: Option<(Settings, bool)>,
    note: Option<ProfileNote>,
}

impl Keeper {
    /// Those beside the settings file.
    pub fn beside(settings_file: Option<&Path>, current: &str) -> Self {
        let folder = settings_file.and_then(Path::parent);
        let mut keeper = Self {
            profiles: folder.map(Profiles::within),
            ..Self::default()
        };
        keeper.look(current);
        keeper
    }

    /// The profiles, or why there are none.
    pub fn all(&self) -> Result<&Profiles, String> {
        self.profiles.as_ref().ok_or_else(|| {
            "profiles are kept beside the settings file, and this session has none".to_owned()
        })
    }

    /// Reads the names and the file of `current` anew.
    pub fn look(&mut self, current: &str) {
        let Some(profiles) = &self.profiles else {
            return;
        };
        self.names = Arc::new(profiles.list());
        self.in_file = (!current.is_empty())
            .then(|| profiles.read(current).ok())
            .flatten();
        self.compared = None;
    }

    /// Says what was done.
    pub fn say(&mut self, good: bool, text: impl Into<String>) {
        let number = self.note.as_ref().map_or(0, |note| note.number) + 1;
        let text = text.into();
        self.note = Some(ProfileNote { number, good, text });
    }

    /// For the snapshot.
    pub fn status(&mut self, settings: &Settings) -> ProfilesStatus {
        let same = self.compared.as_ref().filter(|(s, _)| s == settings);
        let changed = match (same, &self.in_file) {
            (Some((_, changed)), _) => *changed,
            (None, Some(profile)) => !profile.is_in_force(settings),
            // Deleted or unreadable: nothing has these settings.
            (None, None) => !settings.profile.is_empty(),
        };
        if same.is_none() {
            self.compared = Some((settings.clone(), changed));
        }
        ProfilesStatus {
            names: self.names.clone(),
            current: settings.profile.clone(),
            changed,
            busy: self.busy,
            undo: self.undo.as_ref().map(Undo::told),
            note: self.note.clone(),
        }
    }
}

/// What a show's settings take over from `new` while it runs, without a viewer lost, and the names of
/// what must wait for its end.
pub(super) fn on_air(now: &Settings, mut new: Settings) -> (Settings, Vec<&'static str>) {
    let mut waits = Vec::new();
    if new.target != now.target {
        new.target.clone_from(&now.target);
        waits.push("target");
    }
    if new.backup != now.backup {
        new.backup.clone_from(&now.backup);
        waits.push("backup");
    }
    // Its page would go from under those who watch on it.
    if new.viewer != now.viewer {
        new.viewer.clone_from(&now.viewer);
        waits.push("viewer");
    }
    if new.audio.bitrate_kbps != now.audio.bitrate_kbps {
        new.audio.bitrate_kbps = now.audio.bitrate_kbps;
        waits.push("audio.bitrate_kbps");
    }
    (new, waits)
}

/// The secrets of servers that were left for another one, so that none is ever sent to the wrong
/// server and none need be typed twice. In memory only.
#[derive(Default)]
pub(super) struct SecretsOf(Vec<(String, Secrets)>);

impl SecretsOf {
    /// Programme (or backup) goes from server `from` to `to`; the pair is theirs: password and
    /// passphrase as they shall be. True where the server is another.
    pub fn change(
        &mut self,
        (from, to): (&TargetSettings, &TargetSettings),
        password: &mut Option<secrecy::SecretString>,
        passphrase: &mut Option<secrecy::SecretString>,
    ) -> bool {
        let (from, to) = (key(from), key(to));
        if from == to {
            return false;
        }
        let left = Secrets {
            password: password.take(),
            passphrase: passphrase.take(),
            ..Secrets::default()
        };
        self.0.retain(|(known, _)| *known != from);
        self.0.insert(0, (from, left));
        self.0.truncate(SECRETS_KEPT);
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == to) {
            (*password, *passphrase) = (known.password.clone(), known.passphrase.clone());
        }
        true
    }
}

fn key(target: &TargetSettings) -> String {
    use crate::publish::parse_host_box;
    let host = parse_host_box(&target.host).unwrap_or_default();
    let port = host.port.unwrap_or(target.srt_port);
    format!("{:?} {} {port} {}", target.kind, host.host, target.user)
}

/// A profile's error for the operator.
pub(super) fn words(error: &ProfileError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{TargetKind, secrets::secret};

    fn server(host: &str) -> TargetSettings {
        TargetSettings {
            kind: TargetKind::Srt,
            host: host.into(),
            ..TargetSettings::default()
        }
    }

    #[test]
    fn a_password_goes_to_its_own_server_only_and_comes_back_with_it() {
        let mut all = SecretsOf::default();
        let (mut password, mut passphrase) = (secret("of a"), secret("0123456789"));
        let (a, b) = (server("a"), server("b"));
        assert!(!all.change(
            (&a, &server("srt://a:8890")),
            &mut password,
            &mut passphrase
        ));
        assert!(password.is_some(), "the same server, written otherwise");
        assert!(all.change((&a, &b), &mut password, &mut passphrase));
        assert!(
            password.is_none() && passphrase.is_none(),
            "sent to the wrong server"
        );
        password = secret("of b");
        all.change((&b, &a), &mut password, &mut passphrase);
        let text = |s: &Option<_>| {
            use secrecy::ExposeSecret;
            s.as_ref()
                .map(|s: &secrecy::SecretString| s.expose_secret().to_owned())
        };
        assert_eq!(text(&password).as_deref(), Some("of a"));
        assert_eq!(text(&passphrase).as_deref(), Some("0123456789"));
        all.change((&a, &b), &mut password, &mut passphrase);
        assert_eq!(
            (text(&password).as_deref(), text(&passphrase)),
            (Some("of b"), None)
        );
    }

    #[test]
    fn on_air_the_target_waits_and_the_picture_does_not() {
        let now = Settings::default();
        let mut new = now.clone();
        new.encoder.bitrate_kbps = 900;
        new.video.cursor = false;
        assert_eq!(on_air(&now, new.clone()), (new.clone(), vec![]));
        new.target = server("b");
        new.viewer.lan = true;
        new.audio.bitrate_kbps = 64;
        let (taken, waits) = on_air(&now, new);
        assert_eq!(waits, ["target", "viewer", "audio.bitrate_kbps"]);
        assert_eq!(taken.target, now.target);
        assert_eq!(
            (taken.encoder.bitrate_kbps, taken.video.cursor),
            (900, false)
        );
    }

    #[test]
    fn the_status_tells_whether_the_settings_left_the_profile() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        let mut keeper = Keeper::beside(Some(&dir.path().join("settings.ron")), "");
        assert_eq!(keeper.status(&settings), ProfilesStatus::default());
        keeper.all().unwrap().save("x", &settings).unwrap();
        settings.profile = "x".into();
        keeper.look("x");
        let status = keeper.status(&settings);
        assert!(!status.changed && *status.names == ["x"]);
        settings.audio.muted = true;
        assert!(!keeper.status(&settings).changed, "mute is the moment's");
        settings.encoder.bitrate_kbps = 999;
        assert!(keeper.status(&settings).changed);
    }
}
