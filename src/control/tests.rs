use super::*;
use crate::mediamtx::Reader;
use crate::record::status::Phase;
use crate::session::install::InstallStatus;
use crate::session::profiles::Undone;
use crate::session::snapshot::State;
use crate::session::{Secret, Snapshot};
use crate::settings::{AudioInput, EncoderFamily, RecentServer, Settings, VideoSourceKind};
use std::collections::BTreeSet;
use std::sync::Arc;

fn at(state: State) -> Snapshot {
    let mut snapshot = Snapshot {
        state,
        ..Snapshot::default()
    };
    snapshot.profiles.names = Arc::new(vec!["Late show".into()]);
    snapshot.profiles.undo = Some(Undone::Deleted("Old show".into()));
    snapshot.settings.servers = vec![RecentServer {
        host: "studio.example".into(),
        ..RecentServer::default()
    }];
    snapshot
}

/// A show with everything in it that any operation asks for.
fn full() -> Snapshot {
    let mut snapshot = at(State::Live);
    snapshot.frames = 100;
    snapshot.recording.replay.kept_seconds = 10.0;
    snapshot.install = InstallStatus::Running { got: 1, of: None };
    snapshot.update = Some(Arc::new(crate::updates::Release {
        version: "99.1.2".into(),
        page: None,
    }));
    snapshot.ffmpeg_install = snapshot.install.clone();
    snapshot.route.fallback = Some("RTSP was refused".into());
    snapshot.settings.video.source = VideoSourceKind::Portal;
    snapshot.readers = Arc::new(vec![Reader {
        id: "7".into(),
        remote_addr: "192.168.0.7:51234".into(),
        ..Reader::default()
    }]);
    snapshot
}

fn failed() -> State {
    State::Failed {
        message: "no server".into(),
    }
}

fn does(op: Op, argument: Option<&str>, snapshot: &Snapshot) -> Vec<Command> {
    commands(op, argument, &Now::of(snapshot)).unwrap_or_else(|why| panic!("{}: {why}", op.id()))
}

fn refused(op: Op, argument: Option<&str>, snapshot: &Snapshot) -> String {
    match commands(op, argument, &Now::of(snapshot)) {
        Err(why) => why.to_string(),
        Ok(done) => panic!("{} does {done:?}", op.id()),
    }
}

/// A good argument of each operation, as its own hint has it.
fn good(op: Op) -> Option<&'static str> {
    match op.takes() {
        Takes::Nothing => None,
        Takes::Secret { .. } => Some("a good secret"),
        takes => Some(takes.example()),
    }
}

#[test]
fn ids_are_kebab_case_and_no_two_are_the_same() {
    let ids: BTreeSet<&str> = Op::ALL.iter().map(|op| op.id()).collect();
    assert_eq!(ids.len(), Op::ALL.len());
    for op in Op::ALL {
        let id = op.id();
        let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        assert!(id.split('-').all(good), "{id}");
        assert_eq!(Op::from_id(id), Some(*op));
        assert!(op.what().ends_with('.'), "{id}: {}", op.what());
    }
    let grouped = |group: &Group| Op::ALL.iter().any(|op| op.group() == *group);
    assert!(Group::ALL.iter().all(grouped), "a group without operations");
}

/// The ids that scripts and buttons may have: none may ever go or change its meaning.
#[test]
fn the_ids_promised_are_there() {
    for id in [
        "go-live",
        "stop",
        "dismiss",
        "check",
        "quit",
        "bitrate-set",
        "bitrate-up",
        "bitrate-down",
        "mute-toggle",
        "mute",
        "unmute",
        "input-mute-toggle",
        "input-gain",
        "record-toggle",
        "record-start",
        "record-stop",
        "replay-save",
        "meter-hold",
        "meter-save",
        "panel-settings",
        "setting-set",
        "undo",
    ] {
        assert!(Op::from_id(id).is_some(), "{id}");
    }
}

/// A name of each command. The match is whole: a further command does not compile without a name, and
/// the test below then wants an operation for it.
fn name(command: &Command) -> &'static str {
    match command {
        Command::GoLive => "GoLive",
        Command::TakeOver => "TakeOver",
        Command::Stop => "Stop",
        Command::SetBitrate { .. } => "SetBitrate",
        Command::SetMuted { .. } => "SetMuted",
        Command::SetInput { .. } => "SetInput",
        Command::ApplySettings(_) => "ApplySettings",
        Command::SetSecrets { .. } => "SetSecrets",
        Command::SetBackupSecrets { .. } => "SetBackupSecrets",
        Command::ChooseScreen => "ChooseScreen",
        Command::FastestWay => "FastestWay",
        Command::Reconnect => "Reconnect",
        Command::KickViewer { .. } => "KickViewer",
        Command::NewRemotePassword => "NewRemotePassword",
        Command::SetPreview { .. } => "SetPreview",
        Command::Examine => "Examine",
        Command::StartRecording => "StartRecording",
        Command::StopRecording => "StopRecording",
        Command::SaveReplay => "SaveReplay",
        Command::SaveMeter => "SaveMeter",
        Command::SaveProfile { .. } => "SaveProfile",
        Command::UseProfile { .. } => "UseProfile",
        Command::RenameProfile { .. } => "RenameProfile",
        Command::DeleteProfile { .. } => "DeleteProfile",
        Command::UndoProfile => "UndoProfile",
        Command::LookAtProfiles => "LookAtProfiles",
        Command::ExportProfile { .. } => "ExportProfile",
        Command::ImportProfile { .. } => "ImportProfile",
        Command::UseServer { .. } => "UseServer",
        Command::ForgetServers => "ForgetServers",
        Command::InstallServer => "InstallServer",
        Command::StopInstall => "StopInstall",
        Command::InstallFfmpeg => "InstallFfmpeg",
        Command::StopFfmpegInstall => "StopFfmpegInstall",
        Command::SetUp => "SetUp",
        Command::PutUpdateAway => "PutUpdateAway",
        Command::Dismiss => "Dismiss",
        Command::Quit => "Quit",
    }
}

#[test]
fn profiles_and_servers_are_asked_for_by_name() {
    let idle = at(State::Idle);
    let used = does(Op::ProfileUse, Some("late SHOW"), &idle);
    let name = "Late show".to_owned();
    assert_eq!(used, [Command::UseProfile { name }]);
    let renamed = does(Op::ProfileRename, Some("Late show = 밤"), &idle);
    let (from, to) = ("Late show".to_owned(), "밤".to_owned());
    assert_eq!(renamed, [Command::RenameProfile { from, to }]);
    assert!(refused(Op::ProfileUse, Some("x"), &idle).contains("No profile has this name"));
    let label = "studio.example:8890/pd_main".to_owned();
    let server = does(Op::ServerUse, Some("studio.example"), &idle);
    assert_eq!(server, [Command::UseServer { label }]);
    assert!(
        refused(Op::ServerUse, Some("studio.example"), &at(State::Live)).contains("A show runs")
    );
    let mut bare = idle.clone();
    bare.profiles = Default::default();
    bare.settings.servers.clear();
    for op in [
        Op::ProfileUse,
        Op::ProfileDelete,
        Op::ProfileRename,
        Op::ProfileUndo,
        Op::ServersForget,
    ] {
        refused(op, good(op), &bare);
    }
    let mut changed = idle;
    changed.settings.encoder.gop_seconds = 0.3;
    let reset = does(Op::SettingReset, Some("encoder.gop_seconds"), &changed);
    let [Command::ApplySettings(settings)] = reset.as_slice() else {
        panic!("{reset:?}");
    };
    assert_eq!(settings.encoder.gop_seconds, 1.0);
}

#[test]
fn each_command_of_the_session_is_reached_by_some_operation() {
    // The names in the source of `name`, so that none can be forgotten here.
    let source = include_str!("tests.rs");
    let all: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Command::")?.split_once("=> \""))
        .map(|(_, name)| name.trim_end_matches("\","))
        .collect();
    assert!(all.len() >= 19, "{all:?}");
    let mut reached = BTreeSet::new();
    let mut recording = full();
    recording.recording.phase = Phase::On;
    for snapshot in [full(), recording, at(State::Idle), at(failed())] {
        for op in Op::ALL {
            if let Ok(done) = commands(*op, good(*op), &Now::of(&snapshot)) {
                assert!(!done.is_empty(), "{} does nothing", op.id());
                reached.extend(done.iter().map(name));
            }
        }
    }
    assert_eq!(reached, all);
}

#[test]
fn each_operation_of_the_session_does_something_somewhere() {
    let mut recording = full();
    recording.recording.phase = Phase::On;
    let all = [full(), recording, at(State::Idle), at(failed())];
    for op in Op::ALL {
        let does = all
            .iter()
            .any(|snapshot| commands(*op, good(*op), &Now::of(snapshot)).is_ok());
        assert_eq!(does, op.owner() == Owner::Session, "{}", op.id());
    }
}

#[test]
fn each_is_refused_where_it_makes_no_sense_and_says_what_to_do() {
    let running = [
        State::Preflight,
        State::Starting,
        State::Live,
        State::Reconnecting { attempt: 1 },
        State::Stopping,
    ];
    let idle = [State::Idle, failed()];
    for state in &running {
        for op in [
            Op::GoLive,
            Op::TakeOver,
            Op::Dismiss,
            Op::Quit,
            Op::BackupToggle,
            Op::PasswordSet,
        ] {
            refused(op, good(op), &at(state.clone()));
        }
    }
    for state in &idle {
        for op in [
            Op::Stop,
            Op::RecordToggle,
            Op::RecordStart,
            Op::RecordStop,
            Op::ReplaySave,
            Op::FastestWay,
            Op::Reconnect,
            Op::KickViewer,
            Op::MeterSave,
        ] {
            refused(op, good(op), &at(state.clone()));
        }
    }
    assert!(refused(Op::Stop, None, &at(State::Stopping)).contains("ending already"));
    refused(Op::Dismiss, None, &at(State::Idle));
    refused(Op::ReplaySave, None, &at(State::Live));
    refused(Op::FastestWay, None, &at(State::Live));
    refused(Op::RecordStop, None, &at(State::Live));
    let mut snapshot = full();
    snapshot.recording.phase = Phase::On;
    refused(Op::RecordStart, None, &snapshot);
    snapshot.recording.replay.saving = true;
    refused(Op::ReplaySave, None, &snapshot);
    snapshot.settings.recording.replay_seconds = 0;
    assert!(refused(Op::ReplaySave, None, &snapshot).contains("settings"));
    snapshot.doctor.running = true;
    refused(Op::Check, None, &snapshot);
    snapshot.settings.video.source = VideoSourceKind::Pattern;
    refused(Op::ChooseScreen, None, &snapshot);
    snapshot.settings.encoder.bitrate_kbps = 10_000;
    refused(Op::BitrateUp, None, &snapshot);
    snapshot.settings.encoder.bitrate_kbps = 100;
    refused(Op::BitrateDown, None, &snapshot);
    // Each refusal is a sentence of what is so and one of what to do.
    for op in Op::ALL {
        if let Err(why) = Now::of(&snapshot).possible(*op) {
            let text = why.to_string();
            assert!(
                text.ends_with('.') && text.matches(". ").count() >= 1,
                "{text}"
            );
        }
    }
}

#[test]
fn a_failure_is_put_away_before_the_next_try() {
    let done = does(Op::GoLive, None, &at(failed()));
    assert_eq!(done, [Command::Dismiss, Command::GoLive]);
}

#[test]
fn a_bitrate_is_read_with_and_without_its_unit_and_never_bent() {
    let snapshot = Snapshot::default();
    for (text, kbps) in [
        ("2500", 2500),
        ("2500 kb/s", 2500),
        ("2.5M", 2500),
        ("2.5 Mb/s", 2500),
        ("100", 100),
        ("10000", 10_000),
    ] {
        let done = does(Op::BitrateSet, Some(text), &snapshot);
        assert_eq!(done, [Command::SetBitrate { kbps }], "{text}");
    }
    for text in [
        "", "99", "10001", "-5", "NaN", "inf", "2500 ms", "fast", "1e99",
    ] {
        let why = refused(Op::BitrateSet, Some(text), &snapshot);
        assert!(why.contains("from 100 to 10000 kb/s"), "{why}");
    }
    refused(Op::BitrateSet, None, &snapshot);
}

#[test]
fn steps_begin_at_what_was_last_wished() {
    let mut snapshot = Snapshot::default();
    let up = does(Op::BitrateUp, None, &snapshot);
    assert_eq!(up, [Command::SetBitrate { kbps: 3500 }]);
    snapshot.bitrate_pending_kbps = Some(5000);
    let up = does(Op::BitrateUp, None, &snapshot);
    assert_eq!(up, [Command::SetBitrate { kbps: 6000 }]);
    let now = Now {
        kbps: 1000,
        muted: true,
        ..Now::of(&snapshot)
    };
    let done = [Op::BitrateDown, Op::MuteToggle].map(|op| commands(op, None, &now).unwrap());
    assert_eq!(done[0], [Command::SetBitrate { kbps: 800 }]);
    assert_eq!(done[1], [Command::SetMuted { muted: false }]);
}

#[test]
fn inputs_are_counted_from_one_and_the_only_one_needs_no_number() {
    let mut snapshot = Snapshot::default();
    let one = does(Op::InputGain, Some("-6"), &snapshot);
    let set = |index, gain_db, muted, delay_ms| Command::SetInput {
        index,
        gain_db,
        muted,
        delay_ms,
    };
    assert_eq!(one, [set(0, -6.0, false, 0)]);
    assert_eq!(
        does(Op::InputMuteToggle, None, &snapshot),
        [set(0, 0.0, true, 0)]
    );
    snapshot.settings.audio.inputs.push(AudioInput {
        gain_db: 11.5,
        ..AudioInput::default()
    });
    assert_eq!(
        does(Op::InputGain, Some("2 −3 dB"), &snapshot),
        [set(1, -3.0, false, 0)]
    );
    assert_eq!(
        does(Op::InputGainUp, Some("2"), &snapshot),
        [set(1, 12.0, false, 0)]
    );
    assert_eq!(
        does(Op::InputDelay, Some("2 40"), &snapshot),
        [set(1, 11.5, false, 40)]
    );
    assert!(refused(Op::InputMute, Some("3"), &snapshot).contains("there are 2"));
    for (op, text) in [
        (Op::InputMute, "0"),
        (Op::InputMute, "two"),
        (Op::InputMute, ""),
        (Op::InputGain, "-6"),
        (Op::InputGain, "1 13"),
        (Op::InputDelay, "1 -1"),
    ] {
        refused(op, Some(text), &snapshot);
    }
}

#[test]
fn settings_are_set_by_name_and_those_of_a_running_show_only_where_it_takes_them() {
    let idle = Snapshot::default();
    let applied = |done: Vec<Command>| match done.as_slice() {
        [Command::ApplySettings(settings)] => (**settings).clone(),
        other => panic!("{other:?}"),
    };
    let host = applied(does(
        Op::SettingSet,
        Some("target.host = example.com"),
        &idle,
    ));
    assert_eq!(host.target.host, "example.com");
    let live = at(State::Live);
    let why = refused(Op::SettingSet, Some("target.host=example.com"), &live);
    assert!(why.contains("Stop the show first"), "{why}");
    let gop = applied(does(Op::SettingSet, Some("encoder.gop_seconds=0.5"), &live));
    assert!((gop.encoder.gop_seconds - 0.5).abs() < 1e-6);
    // What has a command of its own takes that.
    let done = does(Op::SettingSet, Some("encoder.bitrate_kbps=2000"), &live);
    assert_eq!(done, [Command::SetBitrate { kbps: 2000 }]);
    let done = does(Op::SettingSet, Some("audio.muted=true"), &live);
    assert_eq!(done, [Command::SetMuted { muted: true }]);
    assert!(refused(Op::SettingSet, Some("target.hots=a"), &idle).contains("target.host"));
    refused(Op::SettingSet, Some("encoder.gop_seconds=99"), &idle);
    refused(Op::SettingSet, Some("target.host"), &idle);
    refused(Op::SizeSet, Some("huge"), &idle);
    for (given, family) in [
        ("auto", None),
        ("libx264", Some(EncoderFamily::Libx264)),
        ("media-foundation", Some(EncoderFamily::MediaFoundation)),
        ("NVENC", Some(EncoderFamily::Nvenc)),
    ] {
        let mut idle = Snapshot::default();
        // Another one than wished, so that something changes.
        idle.settings.encoder.family = Some(EncoderFamily::Qsv);
        let set = applied(does(Op::EncoderSet, Some(given), &idle));
        assert_eq!(set.encoder.family, family, "{given}");
    }
    refused(Op::EncoderSet, Some("x265"), &idle);
}

#[test]
fn a_toggle_goes_there_and_back() {
    for op in [
        Op::CursorToggle,
        Op::PreviewToggle,
        Op::AdaptiveToggle,
        Op::LowerPictureToggle,
        Op::RecordAutoToggle,
        Op::ProbeToggle,
        Op::BackupToggle,
        Op::ViewerPageToggle,
    ] {
        let mut snapshot = Snapshot::default();
        // Such a backup is in no settings' way.
        snapshot.settings.backup.target.host = "example.com".into();
        let before = snapshot.settings.clone();
        let mut turn = || -> Settings {
            let Command::ApplySettings(settings) = does(op, None, &snapshot).remove(0) else {
                panic!("{} is no setting", op.id());
            };
            snapshot.settings = *settings;
            snapshot.settings.clone()
        };
        assert_ne!(turn(), before, "{}", op.id());
        assert_eq!(turn(), before, "{}", op.id());
    }
}

#[test]
fn secrets_are_never_in_a_refusal_and_an_empty_one_removes() {
    let idle = Snapshot::default();
    let why = refused(Op::PassphraseSet, Some("hunter2"), &idle);
    assert!(!why.contains("hunter2") && why.contains("***"), "{why}");
    let done = does(Op::PasswordSet, Some(""), &idle);
    let removed = Command::SetSecrets {
        password: Some(Secret::new("")),
        passphrase: None,
    };
    assert_eq!(done, [removed]);
    refused(Op::PasswordSet, None, &idle);
}

#[test]
fn what_takes_nothing_takes_nothing() {
    refused(Op::GoLive, Some("now"), &Snapshot::default());
    assert_eq!(
        does(Op::GoLive, Some(" "), &Snapshot::default()),
        [Command::GoLive]
    );
}

#[test]
fn a_slip_of_the_pen_is_told_what_is_near() {
    let why = Op::named("mute-togle").unwrap_err().to_string();
    assert!(why.contains("`mute-toggle`"), "{why}");
    let why = Op::named("xyzzy").unwrap_err().to_string();
    assert!(!why.contains("did you mean"), "{why}");
}

#[test]
fn without_a_window_the_windows_own_are_refused_and_the_rest_is_sent() {
    struct Desk(Snapshot, std::sync::Mutex<Vec<Command>>);
    impl Console for Desk {
        fn snapshot(&self) -> Arc<Snapshot> {
            Arc::new(self.0.clone())
        }
        fn send(&self, command: Command) {
            self.1.lock().unwrap().push(command);
        }
    }
    let desk = Desk(full(), std::sync::Mutex::default());
    assert_eq!(
        run(&desk, "mute", None).unwrap(),
        [Command::SetMuted { muted: true }]
    );
    assert!(run(&desk, "kick-viewer", Some("192.168.0.7:51234")).is_ok());
    let why = run(&desk, "panel-settings", None).unwrap_err();
    assert_eq!(
        why,
        Refusal::NoWindow {
            op: "panel-settings"
        }
    );
    assert!(run(&desk, "go-live", None).is_err());
    let sent = desk.1.into_inner().unwrap();
    let kick = Command::KickViewer { id: "7".into() };
    assert_eq!(sent, [Command::SetMuted { muted: true }, kick]);
}

/// The list for scripts and operators, as the registry has it.
fn document() -> String {
    let mut text = String::from(
        "# Operations and keys\n\n\
         Made from the registry (`src/control`); a test holds this file equal to it. To make it anew:\n\
         `PD_WRITE_DOCS=1 cargo test --lib control::tests::the_document`.\n\n\
         An id never changes its meaning. It is what the palette, keys of one's own, hotkeys and the remote\n\
         control name. Ctrl is Cmd on macOS.\n",
    );
    for group in Group::ALL {
        text.push_str(&format!("\n## {group:?}\n\n"));
        text.push_str("| id | takes | keys | what it does |\n|---|---|---|---|\n");
        for op in Op::ALL.iter().filter(|op| op.group() == group) {
            let takes = match op.takes() {
                Takes::Nothing => String::new(),
                Takes::Secret { what } => what.to_owned(),
                takes => format!("{}: `{} {}`", takes.words(), op.id(), takes.example()),
            };
            let keys: Vec<String> = keys::shipped(*op)
                .iter()
                .map(|key| format!("`{}`", key.parse::<Chord>().unwrap().shown(false)))
                .collect();
            let window = match op.owner() {
                Owner::Session => "",
                Owner::Window => " (window only)",
            };
            let (id, keys, what) = (op.id(), keys.join(", "), op.what());
            text.push_str(&format!("| `{id}` | {takes} | {keys} | {what}{window} |\n"));
        }
    }
    text
}

#[test]
fn the_document_lists_what_there_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var_os("PD_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, document()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there.replace("\r\n", "\n") == document(),
        "docs/keys.md is not what the registry says: make it anew as its head says"
    );
}
