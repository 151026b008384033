//! What stands in the settings panel: a draft, what is wrong with it, and when it is handed over.
//! Pure but for the text it owns; the time is an argument.

use crate::capture::Choice;
use crate::clock::MonoTime;
use crate::publish::srt_url::{check_passphrase, latency_question};
use crate::publish::{Mode, stream_id};
use crate::session::Secret;
use crate::settings::{AudioInput, Settings, TargetKind, TargetSettings, Way};
use crate::ui::actions::Action;
use crate::ui::commands::carried_over;
use crate::ui::guard::{StopGuard, Wish};
use crate::viewer::qr::Qr;

/// A field that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Own server's host.
    Host,
    /// SRT port.
    Port,
    /// Path on the server.
    Path,
    /// User.
    User,
    /// Password.
    Password,
    /// SRT passphrase.
    Passphrase,
    /// API address.
    Api,
    /// WebRTC address.
    WebRtc,
    /// Address that the server calls.
    PullAddress,
    /// An SRT latency that is more likely a wrong unit.
    Latency,
}

/// The draft of the settings.
#[derive(Default)]
pub struct Form {
    /// As the operator has them before them.
    pub draft: Settings,
    /// The password as typed; empty where it was not.
    pub password: String,
    /// The passphrase as typed; empty where it was not.
    pub passphrase: String,
    /// Secrets typed since they were last handed over.
    pub secrets_typed: [bool; 2],
    /// The backup's password and passphrase as typed.
    pub backup_secrets: [String; 2],
    /// As [`Form::secrets_typed`], the backup's.
    pub backup_secrets_typed: [bool; 2],
    /// Pictures that can be chosen.
    pub pictures: Vec<Choice>,
    /// A source chosen on air and not yet put there.
    pub pending: super::source::Pending,
    /// Sound inputs that can be chosen.
    pub inputs: Vec<String>,
    /// The unusual SRT latency that the operator has said to mean, ms.
    pub latency_meant: Option<u32>,
    /// The question whether to open the viewers' page to the network is open.
    pub ask_lan: bool,
    /// The question whether to make another password for the remote control is open.
    pub ask_password: bool,
    /// The QR code of a link, made once.
    pub code: Option<(String, Option<Qr>)>,
    /// What looks for a setting, and puts it back.
    pub finder: super::sheet::Finder,
    /// Against putting everything back by a slip.
    pub reset: StopGuard,
    /// The profiles' buttons.
    pub desk: super::profiles::Desk,
    base: Settings,
    sent: Wish<Settings>,
}

impl Form {
    /// Follows the session's settings, but for what is being edited. `kbps` and `muted` are set
    /// elsewhere in the window and are never a difference.
    pub fn follow(&mut self, actual: &Settings, kbps: u32, muted: bool, now: MonoTime) {
        let dirty = self.is_dirty();
        let actual = with_live(actual.clone(), kbps, muted);
        self.sent.settle(&actual, now);
        self.base = with_live(self.sent.or(actual, now), kbps, muted);
        if dirty {
            self.draft = with_live(self.draft.clone(), kbps, muted);
            // The session's own, never edited here.
            self.draft.profile.clone_from(&self.base.profile);
            self.draft.servers.clone_from(&self.base.servers);
        } else {
            self.draft = self.base.clone();
        }
    }

    /// Whether something was edited and not handed over.
    pub fn is_dirty(&self) -> bool {
        self.draft != self.base
    }

    /// The sound inputs whose controls were moved, where nothing else was edited.
    fn moved_inputs(&self) -> Option<Vec<usize>> {
        let (new, old) = (&self.draft.audio.inputs, &self.base.audio.inputs);
        let mut same = self.base.clone();
        same.audio.inputs.clone_from(new);
        let pairs = new.iter().zip(old);
        if same != self.draft
            || new.len() != old.len()
            || pairs.clone().any(|(new, old)| new.source != old.source)
        {
            return None;
        }
        let moved = pairs.enumerate().filter(|(_, (new, old))| new != old);
        Some(moved.map(|(index, _)| index).collect())
    }

    /// Takes over what an operation set, `before` to `after`, without losing what is half typed.
    pub fn take(&mut self, before: &Settings, after: &Settings, now: MonoTime) {
        self.draft = carried_over(&self.draft, before, after);
        self.base = carried_over(&self.base, before, after);
        self.sent.set(self.base.clone(), now);
    }

    /// The same of a sound input.
    pub fn take_input(&mut self, index: usize, input: &AudioInput, now: MonoTime) {
        for settings in [&mut self.draft, &mut self.base] {
            if let Some(slot) = settings.audio.inputs.get_mut(index) {
                slot.clone_from(input);
            }
        }
        self.sent.set(self.base.clone(), now);
    }

    /// Fields that are wrong, each with the key of the words that say so.
    pub fn faults(&self) -> Vec<(Field, &'static str)> {
        let mut faults = faults_of(&self.draft.target, &self.password, &self.passphrase);
        if self.asks_latency() {
            faults.push((Field::Latency, "ask-latency"));
        }
        faults
    }

    /// The same of the backup, where there is one.
    pub fn backup_faults(&self) -> Vec<(Field, &'static str)> {
        let backup = &self.draft.backup;
        if !backup.on {
            return Vec::new();
        }
        let [password, passphrase] = &self.backup_secrets;
        faults_of(&backup.target, password, passphrase)
    }

    /// Whether the SRT latency is so long that the operator is asked first (cases.md B21); one that is in
    /// force already is not asked about.
    pub fn asks_latency(&self) -> bool {
        let latency_ms = self.draft.target.latency_ms;
        latency_question(latency_ms).is_some()
            && self.base.target.latency_ms != latency_ms
            && self.latency_meant != Some(latency_ms)
    }

    /// Whether the draft can be handed over.
    pub fn is_good(&self) -> bool {
        self.faults().is_empty() && self.backup_faults().is_empty() && self.draft.check().is_ok()
    }

    /// Hands over what was edited, where it is good and no field is being typed in.
    pub fn hand_over(&mut self, typing: bool, now: MonoTime, actions: &mut Vec<Action>) {
        if typing || !self.is_good() {
            return;
        }
        if self.is_dirty() {
            // A slider's every step: not a matter for the settings file.
            match self.moved_inputs() {
                Some(moved) => {
                    let inputs = &self.draft.audio.inputs;
                    let moved = moved.into_iter();
                    actions.extend(moved.map(|index| Action::Input(index, inputs[index].clone())));
                }
                None => actions.push(Action::Apply(Box::new(self.draft.clone()))),
            }
            self.sent.set(self.draft.clone(), now);
            self.base = self.draft.clone();
        }
        if self.secrets_typed != [false; 2] {
            let typed = |typed: bool, text: &str| typed.then(|| Secret::new(text));
            actions.push(Action::Secrets {
                password: typed(self.secrets_typed[0], &self.password),
                passphrase: typed(self.secrets_typed[1], &self.passphrase),
            });
            self.secrets_typed = [false; 2];
        }
        if self.backup_secrets_typed != [false; 2] {
            let typed = |which: usize| {
                let text = &self.backup_secrets[which];
                self.backup_secrets_typed[which].then(|| Secret::new(text))
            };
            actions.push(Action::BackupSecrets {
                password: typed(0),
                passphrase: typed(1),
            });
            self.backup_secrets_typed = [false; 2];
        }
    }
}

fn faults_of(
    target: &TargetSettings,
    password: &str,
    passphrase: &str,
) -> Vec<(Field, &'static str)> {
    let mut faults = target_faults(target);
    let has_id = target.kind == TargetKind::Srt && matches!(target.way, Way::Auto | Way::SrtPush);
    // The other parts have faults of their own.
    let parts_are_good = stream_id(Mode::Publish, &target.path, &target.user, "").is_ok();
    let id = stream_id(Mode::Publish, &target.path, &target.user, password);
    if has_id && parts_are_good && id.is_err() {
        faults.push((Field::Password, "bad-password"));
    }
    if target.kind == TargetKind::Srt && check_passphrase(passphrase).is_err() {
        faults.push((Field::Passphrase, "bad-passphrase"));
    }
    faults
}

fn with_live(mut settings: Settings, kbps: u32, muted: bool) -> Settings {
    settings.encoder.bitrate_kbps = kbps;
    settings.audio.muted = muted;
    settings
}

fn target_faults(target: &TargetSettings) -> Vec<(Field, &'static str)> {
    let mut faults = Vec::new();
    if target.path.is_empty() {
        faults.push((Field::Path, "bad-path"));
    } else if !is_path(&target.path) {
        faults.push((Field::Path, "bad-path-form"));
    } else if target.kind == TargetKind::Embedded && !target.path.starts_with("pd_") {
        faults.push((Field::Path, "bad-path-embedded"));
    }
    if target.kind == TargetKind::Embedded {
        return faults;
    }
    if target.host.is_empty() {
        faults.push((Field::Host, "bad-host"));
    } else if !is_host(&target.host) {
        faults.push((Field::Host, "bad-host-form"));
    }
    if target.srt_port == 0 {
        faults.push((Field::Port, "bad-port"));
    }
    let address = target.pull_address.trim();
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    if !address.is_empty() && bare.parse::<std::net::IpAddr>().is_err() {
        faults.push((Field::PullAddress, "bad-pull-address"));
    }
    // Both would be taken for separators of the SRT stream id.
    if target
        .user
        .contains(|c: char| c == ',' || c == ':' || c.is_whitespace() || c.is_control())
    {
        faults.push((Field::User, "bad-user"));
    }
    for (field, url) in [
        (Field::Api, &target.api_url),
        (Field::WebRtc, &target.webrtc_url),
    ] {
        let good = url.is_empty()
            || ["http://", "https://"].iter().any(|scheme| {
                url.strip_prefix(scheme)
                    .is_some_and(|rest| !rest.is_empty())
            });
        if !good {
            faults.push((field, "bad-url"));
        }
    }
    faults
}

/// MediaMTX's own rule for path names, without ':' which parts the short SRT stream id.
fn is_path(path: &str) -> bool {
    !path.starts_with('/')
        && !path.ends_with('/')
        && path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./~".contains(c))
}

fn is_host(host: &str) -> bool {
    host.chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-_:[]%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Language;

    const T0: MonoTime = MonoTime::from_micros(1_000_000);

    fn form() -> Form {
        let mut form = Form::default();
        form.follow(&Settings::default(), 3000, false, T0);
        form
    }

    /// What no SRT stream id can carry is kept back before anything is started.
    #[test]
    fn b16_a_password_that_srt_cannot_carry_is_kept_back_with_a_word() {
        let mut target = TargetSettings {
            kind: TargetKind::Srt,
            host: "example.com".into(),
            user: "me".into(),
            ..TargetSettings::default()
        };
        let long = "x".repeat(513);
        for (password, good) in [
            ("", true),
            ("a&b%26+#= 한글", true),
            ("a:b", true),
            ("a,b", true),
            ("a:b,c", false),
            ("a\nb", false),
            (long.as_str(), false),
        ] {
            let faults = faults_of(&target, password, "");
            let wanted: &[_] = if good {
                &[]
            } else {
                &[(Field::Password, "bad-password")]
            };
            assert_eq!(faults, wanted, "{password}");
        }
        // RTSP has no such id.
        target.way = Way::Rtsp;
        assert_eq!(faults_of(&target, "a:b,c", ""), []);
    }

    #[test]
    fn b17_a_passphrase_is_measured_in_bytes() {
        let target = TargetSettings {
            kind: TargetKind::Srt,
            host: "example.com".into(),
            ..TargetSettings::default()
        };
        for (passphrase, good) in [
            ("", true),
            ("123456789", false),
            ("1234567890", true),
            // 12 bytes.
            ("한글열쇠", true),
            ("한글열", false),
            (&"x".repeat(79), true),
            (&"x".repeat(80), false),
            // 27 letters, 81 bytes.
            (&"열".repeat(27), false),
        ] {
            let faults = faults_of(&target, "", passphrase);
            assert_eq!(faults.is_empty(), good, "{passphrase}: {faults:?}");
        }
    }

    #[test]
    fn an_edit_is_handed_over_once_and_only_when_typing_has_ended() {
        let mut form = form();
        let mut actions = Vec::new();
        form.hand_over(false, T0, &mut actions);
        assert_eq!(actions, []);
        form.draft.language = Language::Korean;
        form.hand_over(true, T0, &mut actions);
        assert_eq!(actions, []);
        form.hand_over(false, T0, &mut actions);
        form.hand_over(false, T0, &mut actions);
        let wanted = Settings {
            language: Language::Korean,
            ..Settings::default()
        };
        assert_eq!(actions, [Action::Apply(Box::new(wanted))]);
        // The session has not caught up yet: the draft stays.
        form.follow(&Settings::default(), 3000, false, T0);
        assert_eq!(form.draft.language, Language::Korean);
        // It never does: the draft gives in.
        let later = T0 + Wish::<Settings>::PATIENCE;
        form.follow(&Settings::default(), 3000, false, later);
        assert_eq!(form.draft.language, Language::Auto);
    }

    #[test]
    fn bitrate_and_mute_ride_along_and_are_no_edit() {
        let mut form = form();
        form.follow(&Settings::default(), 6000, true, T0);
        assert!(!form.is_dirty());
        form.draft.video.cursor = false;
        form.follow(&Settings::default(), 1000, true, T0);
        let mut actions = Vec::new();
        form.hand_over(false, T0, &mut actions);
        let [Action::Apply(settings)] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        assert_eq!(settings.encoder.bitrate_kbps, 1000);
        assert!(settings.audio.muted && !settings.video.cursor);
    }

    #[test]
    fn moving_an_inputs_controls_is_not_written_to_the_file() {
        let mut form = form();
        let mut actions = Vec::new();
        form.draft.audio.inputs[0].gain_db = -6.0;
        form.hand_over(false, T0, &mut actions);
        let moved = form.draft.audio.inputs[0].clone();
        assert_eq!(actions, [Action::Input(0, moved)]);
        // The session has not caught up yet: the slider does not jump back.
        form.follow(&Settings::default(), 3000, false, T0);
        assert_eq!(form.draft.audio.inputs[0].gain_db, -6.0);
        // Another source, or one more input, is an edit as any.
        actions.clear();
        form.draft.audio.inputs.push(AudioInput::default());
        form.hand_over(false, T0, &mut actions);
        let [Action::Apply(settings)] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        assert_eq!(settings.audio.inputs.len(), 2);
    }

    #[test]
    fn a_faulty_draft_is_kept_back_with_a_word_for_each_fault() {
        let mut form = form();
        form.draft.target = TargetSettings {
            kind: TargetKind::Srt,
            host: "http://x y".into(),
            srt_port: 0,
            path: "/a".into(),
            user: "a,b".into(),
            api_url: "host:9997".into(),
            webrtc_url: "http://".into(),
            ..TargetSettings::default()
        };
        form.passphrase = "short".into();
        let fields: Vec<_> = form.faults().into_iter().map(|(field, _)| field).collect();
        use Field::{Api, Host, Passphrase, Path, Port, User, WebRtc};
        assert_eq!(fields, [Path, Host, Port, User, Api, WebRtc, Passphrase]);
        let mut actions = Vec::new();
        form.secrets_typed = [true; 2];
        form.hand_over(false, T0, &mut actions);
        assert_eq!(actions, []);
    }

    #[test]
    fn the_embedded_server_needs_its_prefix_only() {
        let mut target = TargetSettings::default();
        assert_eq!(target_faults(&target), []);
        target.path = "studio".into();
        assert_eq!(target_faults(&target), [(Field::Path, "bad-path-embedded")]);
        target.kind = TargetKind::Srt;
        target.host = "[fe80::1]".into();
        assert_eq!(target_faults(&target), []);
    }

    #[test]
    fn b21_a_latency_of_seconds_is_asked_back_and_none_is_lost() {
        let mut form = form();
        form.draft.target.latency_ms = 5000;
        let mut actions = Vec::new();
        form.hand_over(false, T0, &mut actions);
        assert_eq!((form.asks_latency(), actions.len()), (true, 0));
        form.latency_meant = Some(5000);
        form.hand_over(false, T0, &mut actions);
        assert_eq!(actions.len(), 1);
        assert!(!form.asks_latency());
        // Another one is asked about anew, and beyond the bound none helps.
        form.draft.target.latency_ms = 20_000;
        assert!(form.asks_latency());
        form.latency_meant = Some(20_000);
        assert!(!form.is_good());
        form.draft.target.latency_ms = 200;
        assert!(form.is_good());
    }

    #[test]
    fn a_backups_faults_hold_the_draft_back_only_where_there_is_one() {
        let mut form = form();
        assert_eq!(form.backup_faults(), []);
        form.draft.backup.on = true;
        assert_eq!(form.backup_faults(), [(Field::Host, "bad-host")]);
        assert!(!form.is_good() && form.faults().is_empty());
        form.draft.backup.target.host = "b".into();
        assert!(form.is_good());
        form.backup_secrets[0] = "correct horse".into();
        form.backup_secrets_typed[0] = true;
        let mut actions = Vec::new();
        form.hand_over(false, T0, &mut actions);
        let secrets = Action::BackupSecrets {
            password: Some(Secret::new("correct horse")),
            passphrase: None,
        };
        assert_eq!(actions.last(), Some(&secrets));
    }

    #[test]
    fn only_typed_secrets_are_handed_over() {
        let mut form = form();
        form.password = "correct horse".into();
        form.secrets_typed[0] = true;
        let mut actions = Vec::new();
        form.hand_over(false, T0, &mut actions);
        assert_eq!(
            actions,
            [Action::Secrets {
                password: Some(Secret::new("correct horse")),
                passphrase: None
            }]
        );
    }
}
