//! Setting up by the session's commands: the look before a show as a list, profiles, recent servers.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, ffmpegs, free_udp_port};
use pd_console::session::journal::Journal;
use pd_console::session::profiles::Undone;
use pd_console::session::runtime::Options;
use pd_console::session::snapshot::State;
use pd_console::session::steps::{Step, StepKind, StepState};
use pd_console::session::{Command, Console, Session, Snapshot};
use pd_console::settings::store::load_from;
use pd_console::settings::{
    AudioInput, AudioSourceKind, RecentServer, Secrets, Settings, TargetKind, VideoSourceKind,
};
use pd_console::units::Size;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A small show on loopback that no MediaMTX, screen or sound card is needed for.
fn show(ffmpeg: &Path) -> Settings {
    let mut s = Settings {
        ffmpeg_path: Some(ffmpeg.into()),
        ..Settings::default()
    };
    s.video.source = VideoSourceKind::Pattern;
    s.video.size = Size::new(640, 360);
    s.encoder.bitrate_kbps = 800;
    s.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
    s.viewer.on = false;
    s
}

/// A session with a settings file in `config`.
fn session(settings: Settings, config: &Path) -> Session {
    let loaded = load_from(config, SystemTime::now());
    let options = Options {
        sources_on_demand: true,
        ..Options::default()
    };
    let secrets = Secrets::default();
    Session::start(
        settings,
        secrets,
        options,
        Journal::new(),
        Some(loaded.store),
    )
    .unwrap()
}

fn wait(session: &Session, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let began = Instant::now();
    loop {
        let snapshot = session.snapshot();
        if is_so(&snapshot) {
            return snapshot;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{what}: {:?} {:?} {:?}",
            snapshot.state,
            snapshot.preflight,
            snapshot.profiles.note
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn of(steps: &[Step], kind: StepKind) -> Step {
    steps.iter().find(|s| s.kind == kind).unwrap().clone()
}

/// Waits for the note of the `number`th thing done with profiles; its text.
fn note(session: &Session, number: u64, good: bool) -> String {
    let snapshot = wait(session, "a note", |s| {
        s.profiles.note.as_ref().is_some_and(|n| n.number >= number)
    });
    let note = snapshot.profiles.note.clone().unwrap();
    assert_eq!((note.number, note.good), (number, good), "{}", note.text);
    note.text
}

#[test]
fn everything_is_looked_at_though_ffmpeg_is_missing() {
    let config = tempfile::tempdir().unwrap();
    let mut settings = show(Path::new("/no/ffmpeg/here"));
    settings.target.kind = TargetKind::Srt;
    settings.target.host = "127.0.0.1".into();
    settings.target.srt_port = free_udp_port();
    let session = session(settings, config.path());
    session.send(Command::GoLive);
    let snapshot = wait(&session, "failed", |s| {
        matches!(s.state, State::Failed { .. })
    });
    let steps = &snapshot.preflight;
    assert_eq!(of(steps, StepKind::Settings).state, StepState::Good);
    let ffmpeg = of(steps, StepKind::Ffmpeg);
    assert_eq!(ffmpeg.state, StepState::Failed);
    assert!(ffmpeg.text.contains("/no/ffmpeg/here"), "{}", ffmpeg.text);
    assert_eq!(of(steps, StepKind::Encoder).state, StepState::Skipped);
    // Nothing listens there: said beside ffmpeg's fault and not after it.
    let server = of(steps, StepKind::Server);
    assert_eq!(server.state, StepState::Warning, "{server:?}");
    assert!(server.text.contains("127.0.0.1"), "{}", server.text);
    assert_eq!(
        of(steps, StepKind::Picture).state,
        StepState::Good,
        "{steps:?}"
    );
    assert_eq!(
        of(steps, StepKind::Sound).state,
        StepState::Good,
        "{steps:?}"
    );
    assert_eq!(of(steps, StepKind::Connection).state, StepState::Skipped);
    let message = match &snapshot.state {
        State::Failed { message } => message.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(message, ffmpeg.text, "the failure is the first failed line");
    session.send(Command::Dismiss);
    wait(&session, "put away", |s| s.preflight.is_empty());
}

#[test]
fn bad_settings_and_a_missing_ffmpeg_are_told_together() {
    let config = tempfile::tempdir().unwrap();
    let mut settings = show(Path::new("/no/ffmpeg/here"));
    settings.encoder.gop_seconds = 99.0;
    let session = session(settings, config.path());
    session.send(Command::GoLive);
    let snapshot = wait(&session, "failed", |s| {
        matches!(s.state, State::Failed { .. })
    });
    let failed: Vec<_> = snapshot
        .preflight
        .iter()
        .filter(|s| s.state == StepState::Failed)
        .map(|s| s.kind)
        .collect();
    assert_eq!(failed, [StepKind::Settings, StepKind::Ffmpeg]);
    assert!(snapshot.preflight.iter().all(|s| s.state.is_over()));
}

#[test]
fn a_show_that_begins_has_every_line_with_its_time_and_none_is_late() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let config = tempfile::tempdir().unwrap();
    let mut settings = show(&ffmpeg);
    // No MediaMTX: loopback, which is told as a warning with what to do.
    settings.mediamtx_path = None;
    let session = session(settings, config.path());
    let asked = Instant::now();
    session.send(Command::GoLive);
    let during = wait(&session, "begins", |s| !s.preflight.is_empty());
    assert_eq!(during.preflight.len(), StepKind::ALL.len());
    let snapshot = wait(&session, "live", |s| s.state == State::Live);
    println!(
        "LIVE after {:?}: {:#?}",
        asked.elapsed(),
        snapshot.preflight
    );
    for step in snapshot.preflight.iter() {
        assert!(
            matches!(step.state, StepState::Good | StepState::Warning),
            "{step:?}"
        );
        assert!(step.took_ms.is_some(), "{step:?}");
        assert!(
            step.kind == StepKind::Settings || !step.text.is_empty(),
            "{step:?}"
        );
    }
    // While live the next look is not begun: the list of a show that is lost later stays closed.
    assert!(!pd_console::session::steps::is_open(
        &snapshot.preflight,
        &State::Failed {
            message: "later".into()
        }
    ));

    // A profile on air: what may change changes, the show goes on, the target waits.
    let mut other = snapshot.settings.clone();
    other.encoder.bitrate_kbps = 1200;
    other.video.size = Size::new(320, 180);
    other.target.kind = TargetKind::Srt;
    other.target.host = "elsewhere.example".into();
    let profiles = pd_console::settings::Profiles::within(config.path());
    profiles.save("Other", &other).unwrap();
    session.send(Command::UseProfile {
        name: "other".into(),
    });
    let said = note(&session, 1, true);
    assert!(said.contains("target cannot change"), "{said}");
    let snapshot = wait(&session, "the new picture", |s| {
        s.encoding
            .wish
            .is_some_and(|wish| wish.bitrate_kbps == 1200 && wish.size == Size::new(320, 180))
    });
    assert_eq!(snapshot.state, State::Live);
    assert_eq!(snapshot.link.outages.len(), 0, "{:?}", snapshot.link);
    assert_eq!(snapshot.settings.target.kind, TargetKind::Embedded);
    assert_eq!(snapshot.profiles.current, "Other");
    assert!(snapshot.profiles.changed, "its target is not in force");
    assert_eq!(snapshot.profiles.undo, Some(Undone::Used("Other".into())));
    session.send(Command::UndoProfile);
    note(&session, 2, true);
    wait(&session, "the old picture", |s| {
        s.encoding
            .wish
            .is_some_and(|wish| wish.bitrate_kbps == 800 && wish.size == Size::new(640, 360))
    });
    session.send(Command::Stop);
    let snapshot = wait(&session, "ended", |s| s.state == State::Idle);
    assert!(snapshot.preflight.is_empty());
    // A server that is not the console's own was never on air here.
    assert_eq!(snapshot.settings.servers, []);
}

#[test]
fn profiles_are_kept_used_and_brought_back_by_command() {
    let config = tempfile::tempdir().unwrap();
    let session = session(show(Path::new("ffmpeg")), config.path());
    let name = |name: &str| name.to_owned();
    session.send(Command::SaveProfile {
        name: name("아침")
    });
    note(&session, 1, true);
    let mut changed = session.snapshot().settings.clone();
    changed.encoder.bitrate_kbps = 5000;
    changed.video.size = Size::new(1920, 1080);
    session.send(Command::ApplySettings(Box::new(changed)));
    wait(&session, "changed", |s| s.profiles.changed);
    session.send(Command::UseProfile {
        name: name("아침")
    });
    note(&session, 2, true);
    let snapshot = session.snapshot();
    assert_eq!(snapshot.settings.encoder.bitrate_kbps, 800);
    assert!(!snapshot.profiles.changed);
    session.send(Command::UndoProfile);
    note(&session, 3, true);
    assert_eq!(session.snapshot().settings.encoder.bitrate_kbps, 5000);
    session.send(Command::UndoProfile);
    assert!(note(&session, 4, false).contains("nothing to undo"));
    // Over itself, and back.
    session.send(Command::SaveProfile {
        name: name("아침")
    });
    note(&session, 5, true);
    assert_eq!(
        session.snapshot().profiles.undo,
        Some(Undone::Replaced(name("아침")))
    );
    session.send(Command::UndoProfile);
    note(&session, 6, true);
    session.send(Command::RenameProfile {
        from: name("아침"),
        to: name("밤"),
    });
    note(&session, 7, true);
    let snapshot = session.snapshot();
    assert_eq!(*snapshot.profiles.names, ["밤"]);
    assert_eq!(
        snapshot.profiles.current, "밤",
        "renamed while it is the current one"
    );
    session.send(Command::DeleteProfile { name: name("밤") });
    note(&session, 8, true);
    assert!(session.snapshot().profiles.names.is_empty());
    session.send(Command::UndoProfile);
    note(&session, 9, true);
    assert_eq!(*session.snapshot().profiles.names, ["밤"]);
    session.send(Command::UseProfile {
        name: name("없음")
    });
    let said = note(&session, 10, false);
    assert!(said.contains("no profile"), "{said}");
    session.send(Command::SaveProfile { name: name("a/b") });
    let said = note(&session, 11, false);
    assert!(said.contains("sign '/'"), "{said}");
    // The file that the next start reads.
    session.quit();
    let loaded = load_from(config.path(), SystemTime::now());
    assert_eq!(
        (loaded.settings.profile.as_str(), loaded.notes.len()),
        ("밤", 0)
    );
}

#[test]
fn a_profile_goes_to_another_console_by_a_file_and_a_bad_one_does_not() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut settings = show(Path::new("ffmpeg"));
    settings.recording.folder = Some("/here/only".into());
    let first = session(settings, here.path());
    let file: PathBuf = here.path().join("Late show.ron");
    let path = || file.clone();
    first.send(Command::ExportProfile {
        name: String::new(),
        path: path(),
    });
    let said = note(&first, 1, true);
    assert!(
        said.contains("left out") && said.contains("recording.folder"),
        "{said}"
    );
    assert!(!std::fs::read_to_string(&file).unwrap().contains("/here"));
    let second = session(Settings::default(), there.path());
    second.send(Command::ImportProfile { path: path() });
    note(&second, 1, true);
    second.send(Command::ImportProfile { path: path() });
    note(&second, 2, true);
    let names = second.snapshot().profiles.names.clone();
    assert_eq!(*names, ["Late show", "Late show (2)"]);
    assert_eq!(
        second.snapshot().settings.video.source,
        VideoSourceKind::Screen,
        "not yet used"
    );
    second.send(Command::UseProfile {
        name: "Late show".into(),
    });
    note(&second, 3, true);
    assert_eq!(
        second.snapshot().settings.video.source,
        VideoSourceKind::Pattern
    );
    std::fs::write(&file, "(encoder: (bitrate_kbps: 1))").unwrap();
    second.send(Command::ImportProfile { path: path() });
    let said = note(&second, 4, false);
    assert!(said.contains("from 100 to 10000"), "{said}");
    second.send(Command::ExportProfile {
        name: "Late show".into(),
        path: "/proc/no/such.ron".into(),
    });
    let said = note(&second, 5, false);
    assert!(said.contains("cannot be written"), "{said}");
}

#[test]
fn a_recent_server_is_taken_again_and_all_are_forgotten() {
    let config = tempfile::tempdir().unwrap();
    let mut settings = show(Path::new("ffmpeg"));
    settings.servers = vec![RecentServer {
        host: "studio.example".into(),
        user: "anna".into(),
        ..RecentServer::default()
    }];
    let session = session(settings, config.path());
    let label = "anna@studio.example:8890/pd_main";
    session.send(Command::UseServer {
        label: label.into(),
    });
    wait(&session, "the server", |s| {
        s.settings.target.kind == TargetKind::Srt && s.settings.target.host == "studio.example"
    });
    // What a window applies later does not bring old ones back.
    let mut old = session.snapshot().settings.clone();
    session.send(Command::ForgetServers);
    wait(&session, "forgotten", |s| s.settings.servers.is_empty());
    old.video.cursor = false;
    session.send(Command::ApplySettings(Box::new(old)));
    let snapshot = wait(&session, "applied", |s| !s.settings.video.cursor);
    assert!(snapshot.settings.servers.is_empty());
}

/// A first start: everything that the page asks of the session, and the file that ends it, in well under
/// a minute.
#[test]
fn a_first_start_is_ready_in_well_under_a_minute() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let config = tempfile::tempdir().unwrap();
    let loaded = load_from(config.path(), SystemTime::now());
    assert!(loaded.is_new);
    let options = Options {
        first_run: loaded.is_new,
        ..Options::default()
    };
    let settings = show(&ffmpeg);
    let began = Instant::now();
    let journal = Journal::new();
    let secrets = Secrets::default();
    let session = Session::start(settings, secrets, options, journal, Some(loaded.store)).unwrap();
    wait(&session, "greets", |s| s.first_run);
    session.send(Command::Examine);
    session.send(Command::SetPreview { on: true });
    let (mut first_line, mut preview, mut level) = (None, None, None);
    let snapshot = loop {
        let snapshot = session.snapshot();
        let now = || began.elapsed();
        // Screens and inputs are asked for as the page does.
        let _ = (session.pictures(), session.inputs());
        let lines = snapshot.doctor.so_far.as_ref();
        if lines.is_some_and(|report| !report.lines.is_empty()) {
            first_line.get_or_insert_with(now);
        }
        if snapshot.preview.is_some() {
            preview.get_or_insert_with(now);
        }
        if snapshot.audio.level.peak_dbfs[0].is_finite() {
            level.get_or_insert_with(now);
        }
        if snapshot.doctor.report.is_some() && preview.is_some() && level.is_some() {
            break snapshot;
        }
        assert!(now() < Duration::from_secs(60), "{:?}", snapshot.doctor);
        std::thread::sleep(Duration::from_millis(20));
    };
    let looked = began.elapsed();
    let report = snapshot.doctor.report.as_ref().unwrap();
    assert!(report.lines.len() > 5, "{report:?}");
    session.send(Command::SetUp);
    wait(&session, "ends", |s| !s.first_run);
    session.quit();
    assert!(config.path().join("settings.ron").is_file());
    assert!(
        !load_from(config.path(), SystemTime::now()).is_new,
        "asked once only"
    );
    println!(
        "first line {first_line:?}, preview {preview:?}, level {level:?}, all {looked:?}, ended {:?}",
        began.elapsed()
    );
    assert!(began.elapsed() < Duration::from_secs(60));
}
