//! The look before a show as a list, profiles, recent servers, looking for a setting, putting it back.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, Role};
use pd_console::clock::MonoTime;
use pd_console::session::profiles::{ProfileNote, Undone};
use pd_console::session::snapshot::State;
use pd_console::session::steps::{Board, StepKind, StepState};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::{RecentServer, Settings, TargetKind};
use pd_console::ui::panels::sheet::ROWS;
use std::sync::Arc;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(1_000_000 + ms * 1000)
}

/// A look of which ffmpeg failed.
fn failed_look(snapshot: &mut Snapshot) {
    let board = Board::default();
    board.reset();
    board.begin(StepKind::Settings, at(0));
    board.end(StepKind::Settings, StepState::Good, "", at(1));
    board.begin(StepKind::Ffmpeg, at(1));
    let none = "no ffmpeg was found. Install it";
    board.end(StepKind::Ffmpeg, StepState::Failed, none, at(9));
    board.end(
        StepKind::Encoder,
        StepState::Skipped,
        "ffmpeg must be there first",
        at(9),
    );
    board.begin(StepKind::Server, at(1));
    board.end(StepKind::Server, StepState::Failed, "no MediaMTX", at(40));
    board.begin(StepKind::Picture, at(1));
    snapshot.preflight = board.all();
}

#[test]
fn the_look_is_a_list_while_it_lasts_and_after_it_failed() {
    let mut rig = Rig::new(English, |s| {
        failed_look(s);
        s.state = State::Preflight;
    });
    assert!(rig.has("Before the show"), "{:?}", rig.names());
    assert!(rig.has("Settings: OK"), "{:?}", rig.names());
    assert!(rig.has("Picture: looking…"), "{:?}", rig.names());
    let ffmpeg = "ffmpeg: FAILED. no ffmpeg was found. Install it";
    assert!(rig.has(ffmpeg), "{:?}", rig.names());
    rig.set(|s| {
        s.state = State::Failed {
            message: "no ffmpeg was found. Install it".into(),
        };
    });
    rig.wait(0.2);
    assert!(rig.has("The show could not begin") && rig.has(ffmpeg));
    assert!(!rig.has("What happened"), "said once only");
    // Each failed line leads where it is put right.
    rig.press("Fetch MediaMTX");
    assert_eq!(rig.sent(), [Command::InstallServer]);
    rig.press("Dismiss");
    assert_eq!(rig.sent(), [Command::Dismiss]);
    rig.press("Set up again…");
    assert!(rig.has("Setting up"));
    rig.sent();
    // On air there is none, whatever was before.
    rig.set(live);
    rig.wait(0.2);
    assert!(!rig.has("Before the show") && !rig.has("The show could not begin"));
}

fn open(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(English, [1280.0, 3400.0], change);
    rig.press("Settings");
    rig
}

fn menu(rig: &mut Rig) {
    rig.press("What can be done with profiles");
}

fn with_profiles(s: &mut Snapshot) {
    s.profiles.names = Arc::new(vec!["Late show".into(), "Morning".into()]);
    s.profiles.current = "Morning".into();
    s.settings.profile = "Morning".into();
}

#[test]
fn a_profile_is_used_saved_renamed_and_deleted() {
    let mut rig = open(with_profiles);
    let name = |name: &str| name.to_owned();
    rig.click(Role::ComboBox, "Profile");
    rig.press("Late show");
    assert_eq!(
        rig.sent(),
        [Command::UseProfile {
            name: name("Late show")
        }]
    );
    menu(&mut rig);
    assert!(
        rig.is_disabled(Role::Button, "Save changes"),
        "nothing changed"
    );
    rig.set(|s| s.profiles.changed = true);
    rig.wait(0.2);
    rig.press("Save changes");
    assert_eq!(
        rig.sent(),
        [Command::SaveProfile {
            name: name("Morning")
        }]
    );
    menu(&mut rig);
    rig.press("Save as…");
    rig.type_text("Night");
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(
        rig.sent(),
        [Command::SaveProfile {
            name: name("Night")
        }]
    );
    menu(&mut rig);
    rig.press("Rename…");
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("Dawn");
    rig.key(Modifiers::NONE, Key::Enter);
    let renamed = Command::RenameProfile {
        from: name("Morning"),
        to: name("Dawn"),
    };
    assert_eq!(rig.sent(), [renamed]);
    menu(&mut rig);
    rig.press("Delete…");
    assert_eq!(rig.sent(), [], "it asks first");
    assert!(rig.has("Delete the profile Morning? The settings stay as they are."));
    rig.press("Delete it");
    assert_eq!(
        rig.sent(),
        [Command::DeleteProfile {
            name: name("Morning")
        }]
    );
    rig.set(|s| {
        s.profiles.undo = Some(Undone::Deleted("Morning".into()));
        s.profiles.note = Some(ProfileNote {
            number: 1,
            good: false,
            text: "it went wrong".into(),
        });
    });
    rig.wait(0.2);
    assert!(rig.has("it went wrong"));
    rig.press("Undo: bring Morning back");
    assert_eq!(rig.sent(), [Command::UndoProfile]);
}

#[test]
fn a_profile_goes_on_air_in_two_steps() {
    let mut rig = open(|s| {
        live(s);
        with_profiles(s);
    });
    rig.click(Role::ComboBox, "Profile");
    rig.press("Late show");
    assert_eq!(rig.sent(), []);
    rig.press("Put on air: Late show");
    let name = "Late show".to_owned();
    assert_eq!(rig.sent(), [Command::UseProfile { name }]);
}

#[test]
fn a_profile_is_shared_by_a_path_where_there_is_no_dialog() {
    let mut rig = open(with_profiles);
    menu(&mut rig);
    rig.press("Export…");
    assert!(rig.has("Passwords, devices and folders of this computer are left out."));
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("/media/usb/x.ron");
    rig.press("Export");
    let path = "/media/usb/x.ron".into();
    let name = String::new();
    assert_eq!(rig.sent(), [Command::ExportProfile { name, path }]);
    menu(&mut rig);
    rig.press("Import…");
    assert!(rig.is_disabled(Role::Button, "Import"), "no path yet");
    rig.type_text("/media/usb/y.ron");
    rig.key(Modifiers::NONE, Key::Enter);
    let path = "/media/usb/y.ron".into();
    assert_eq!(rig.sent(), [Command::ImportProfile { path }]);
}

#[test]
fn a_recent_server_is_one_click_and_forgotten_by_another() {
    let server = RecentServer {
        host: "studio.example".into(),
        user: "anna".into(),
        ..RecentServer::default()
    };
    let label = server.label();
    let mut rig = open(|s| s.settings.servers = vec![server]);
    rig.click(Role::ComboBox, "Recent servers");
    rig.press(&label);
    assert_eq!(rig.sent(), [Command::UseServer { label }]);
    rig.press("Forget recent servers");
    assert_eq!(rig.sent(), [Command::ForgetServers]);
}

#[test]
fn a_setting_is_found_by_either_language_and_by_its_name() {
    let mut rig = Rig::sized(Korean, [1280.0, 3400.0], |_| {});
    rig.press("설정");
    let all = rig.names().len();
    assert!(rig.has("크기") && rig.has("소스"), "{:?}", rig.names());
    rig.click(Role::SearchInput, "설정 찾기");
    for query in ["크기", "size", "video.size"] {
        rig.key(Modifiers::COMMAND, Key::A);
        rig.type_text(query);
        assert!(rig.has("크기"), "{query}: {:?}", rig.names());
        assert!(!rig.has("소스"), "{query}: {:?}", rig.names());
        assert!(rig.names().len() < all / 2, "{query}");
    }
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("nothing like it");
    assert!(rig.has("그런 설정이 없습니다. 입력한 낱말이 모두 이름에 있어야 합니다."));
    rig.press("모든 설정 보기");
    assert!(rig.has("소스"));
    assert_eq!(rig.sent(), []);
}

#[test]
fn one_setting_is_put_back_and_that_is_taken_back() {
    let mut rig = open(|s| {
        s.settings.encoder.lower_picture = false;
        s.settings.recording.replay_seconds = 77;
    });
    assert!(!rig.has("Put back: Size"), "it is the default");
    let replay = rig
        .names()
        .into_iter()
        .find(|name| name.starts_with("Put back:") && name.contains("eplay"))
        .unwrap_or_else(|| panic!("{:?}", rig.names()));
    rig.press(&replay);
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.recording.replay_seconds, 30);
    assert!(!settings.encoder.lower_picture, "the others stay");
    let settings = (**settings).clone();
    rig.set(|s| s.settings = settings);
    rig.wait(0.2);
    rig.press("Undo: recording.replay_seconds as before");
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.recording.replay_seconds, 77);
}

#[test]
fn all_settings_are_put_back_on_a_second_press_and_brought_back() {
    let mut rig = open(|s| {
        s.settings.encoder.bitrate_kbps = 900;
        s.settings.target.kind = TargetKind::Srt;
        s.settings.target.host = "studio".into();
        s.settings.ffmpeg_path = Some("/opt/ffmpeg".into());
    });
    let before = rig
        .console
        .snapshot
        .lock()
        .expect("no holder panics")
        .settings
        .clone();
    rig.press("Put all settings back");
    assert_eq!(rig.sent(), []);
    rig.wait(0.5);
    rig.press("Press again to put all back");
    let sent = rig.sent();
    let mut now = before.clone();
    for command in &sent {
        match command {
            Command::ApplySettings(settings) => {
                let kbps = now.encoder.bitrate_kbps;
                now = (**settings).clone();
                now.encoder.bitrate_kbps = kbps;
            }
            Command::SetBitrate { kbps } => now.encoder.bitrate_kbps = *kbps,
            other => panic!("{other:?}"),
        }
    }
    let defaults = Settings {
        language: English,
        // Not on the page.
        ffmpeg_path: Some("/opt/ffmpeg".into()),
        ..Settings::default()
    };
    assert_eq!(now, defaults);
    rig.set(|s| s.settings = now);
    rig.wait(0.2);
    rig.press("Undo: all settings as before");
    let sent = rig.sent();
    let brought_back = sent
        .iter()
        .any(|command| matches!(command, Command::ApplySettings(s) if s.target.host == "studio"));
    let bitrate = sent.contains(&Command::SetBitrate { kbps: 900 });
    assert!(brought_back && bitrate, "{sent:?}");
}

#[test]
fn on_air_nothing_is_put_back_that_a_slip_would_hurt() {
    let mut rig = open(|s| {
        live(s);
        s.settings.video.source = pd_console::settings::VideoSourceKind::Pattern;
        s.settings.video.cursor = false;
    });
    assert!(!rig.has("Put back: Source"), "the picture on air");
    assert!(rig.is_disabled(Role::Button, "Put all settings back"));
    rig.press("Put back: Draw the pointer");
    let sent = rig.sent();
    assert!(
        matches!(sent.as_slice(), [Command::ApplySettings(s)] if s.video.cursor),
        "{sent:?}"
    );
}

/// The list that is searched has every row of the page.
/// Fields of the window that are not on the settings page.
const NO_ROWS: [&str; 3] = [
    "Picture bitrate, kb/s",
    "Show preview",
    "Type the bitrate, kb/s",
];

#[test]
fn each_row_of_the_page_is_in_the_list_that_is_searched() {
    let mut rig = open(|s| {
        s.settings.target.kind = TargetKind::Srt;
        s.settings.target.host = "studio".into();
        s.settings.encoder.adaptive = true;
        s.settings.backup.on = true;
        s.settings.backup.target.host = "b".into();
        s.settings.servers = vec![RecentServer::default()];
    });
    rig.wait(0.1);
    let texts = pd_console::ui::i18n::Texts::new(English);
    let known: Vec<String> = ROWS.iter().map(|(key, _)| texts.t(key)).collect();
    use egui_kittest::kittest::NodeT;
    let fields = [
        Role::ComboBox,
        Role::TextInput,
        Role::SpinButton,
        Role::CheckBox,
        Role::Slider,
    ];
    let (mut seen, mut unknown) = (0, std::collections::BTreeSet::new());
    for node in rig.harness.root().children_recursive() {
        let node = node.accesskit_node();
        if !fields.contains(&node.role()) {
            continue;
        }
        let labels: Vec<String> = node
            .labelled_by()
            .filter_map(|label| label.label().or_else(|| label.value()))
            .chain(node.label())
            .collect();
        for label in labels.iter().filter(|l| !l.is_empty()) {
            let bare = label.strip_prefix("Backup: ").unwrap_or(label);
            if known.iter().any(|title| title == bare) {
                seen += 1;
            } else {
                unknown.insert(label.clone());
            }
        }
    }
    assert!(seen > 35, "{seen} rows of {} were seen", known.len());
    assert_eq!(unknown, NO_ROWS.map(str::to_owned).into());
}
