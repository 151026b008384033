//! What stands in the settings panel: a draft, what is wrong with it, and when it is handed over.
//! Pure but for the text it owns; the time is an argument.

use crate::capture::Choice;
use crate::clock::MonoTime;
use crate::session::Secret;
use crate::settings::{Settings, TargetKind, TargetSettings};
use crate::ui::actions::Action;
use crate::ui::guard::Wish;
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
    /// SRT passphrase.
    Passphrase,
    /// API address.
    Api,
    /// WebRTC address.
    WebRtc,
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
    /// Pictures that can be chosen.
    pub pictures: Vec<Choice>,
    /// A source chosen on air and not yet put there.
    pub pending: super::source::Pending,
    /// Sound inputs that can be chosen.
    pub inputs: Vec<String>,
    /// The question whether to open the viewers' page to the network is open.
    pub ask_lan: bool,
    /// The QR code of a link, made once.
    pub code: Option<(String, Option<Qr>)>,
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

    /// Fields that are wrong, each with the key of the words that say so.
    pub fn faults(&self) -> Vec<(Field, &'static str)> {
        let mut faults = target_faults(&self.draft.target);
        let length = self.passphrase.chars().count();
        if self.draft.target.kind == TargetKind::Srt
            && !self.passphrase.is_empty()
            && !(10..=79).contains(&length)
        {
            faults.push((Field::Passphrase, "bad-passphrase"));
        }
        faults
    }

    /// Whether the draft can be handed over.
    pub fn is_good(&self) -> bool {
        self.faults().is_empty() && self.draft.check().is_ok()
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
    }
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
    use crate::settings::{AudioInput, Language};

    const T0: MonoTime = MonoTime::from_micros(1_000_000);

    fn form() -> Form {
        let mut form = Form::default();
        form.follow(&Settings::default(), 3000, false, T0);
        form
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
