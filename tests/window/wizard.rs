//! The page that sets the console up: when it is there, what it shows, whole by keyboard, both languages.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, Role};
use pd_console::doctor::{Area, Line, Outcome, Report};
use pd_console::session::ahead::PingStatus;
use pd_console::session::install::InstallStatus;
use pd_console::session::snapshot::{Preview, State};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::{Language, TargetKind};
use pd_console::units::Size;
use std::sync::Arc;

fn line(area: Area, outcome: Outcome, found: &str, fix: &str) -> Line {
    Line {
        area,
        outcome,
        found: found.into(),
        fix: fix.into(),
        took_ms: 5,
    }
}

/// A first start on which everything is there but MediaMTX.
fn first(snapshot: &mut Snapshot) {
    snapshot.first_run = true;
    snapshot.doctor.so_far = Some(Arc::new(Report {
        lines: vec![
            line(
                Area::Ffmpeg,
                Outcome::Ok,
                "ffmpeg 7.1 at /usr/bin/ffmpeg",
                "",
            ),
            line(
                Area::Encoder,
                Outcome::Failed,
                "h264_nvenc: no card",
                "none",
            ),
            line(Area::Encoder, Outcome::Ok, "libx264 works", ""),
            line(Area::Server, Outcome::Warning, "no MediaMTX", "fetch it"),
        ],
    }));
    snapshot.picture.label = "Screen :0, 1920x1080".into();
    snapshot.source = "Screen :0, 1920x1080".into();
    snapshot.preview = Some(Preview {
        number: 1,
        size: Size::new(2, 2),
        rgba: vec![200; 16].into(),
        cost_us: 1,
    });
    snapshot.audio.label = "USB microphone".into();
}

fn commands(rig: &Rig) -> Vec<Command> {
    rig.sent()
}

#[test]
fn the_first_start_is_greeted_and_enter_is_enough() {
    let mut rig = Rig::new(English, first);
    assert!(rig.has("Setting up"), "{:?}", rig.names());
    assert_eq!(commands(&rig), [Command::Examine], "it looks by itself");
    // The look that was asked for is over.
    rig.wait(2.2);
    for text in [
        "ffmpeg 7.1 at /usr/bin/ffmpeg. libx264 works",
        "Screen :0, 1920x1080",
        "USB microphone",
        "MediaMTX, the server on this computer, is not installed yet",
        "A show can begin. Parts with a warning: 1",
        "Sound level: −∞ dBFS",
        "Preview picture of Screen :0, 1920x1080",
    ] {
        assert!(rig.has(text), "{text} in {:?}", rig.names());
    }
    assert!(!rig.has("GO LIVE"), "first this, then the show");
    // So it is after a button of the page.
    rig.press("Look again");
    assert_eq!(commands(&rig), [Command::Examine]);
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(commands(&rig), [Command::SetUp]);
    assert!(!rig.has("Setting up") && rig.has("GO LIVE"));
    // The session still says first run for a moment: it is greeted once.
    rig.wait(0.5);
    assert!(!rig.has("Setting up"));
}

#[test]
fn later_starts_are_not_greeted_and_it_is_opened_from_the_settings() {
    let mut rig = Rig::sized(English, [1280.0, 3400.0], |_| {});
    assert!(!rig.has("Setting up"));
    rig.press("Settings");
    rig.press("Set up again…");
    assert!(rig.has("Setting up"));
    assert_eq!(commands(&rig), [Command::Examine]);
    // A show begins by remote control: nothing lies over it.
    rig.set(live);
    rig.wait(0.2);
    assert!(!rig.has("Setting up") && rig.has("STOP"));
    assert!(rig.is_disabled(Role::Button, "Set up again…"));
}

#[test]
fn the_server_is_fetched_with_its_progress_or_left_for_later() {
    let mut rig = Rig::new(English, first);
    commands(&rig);
    rig.press("Fetch MediaMTX");
    assert_eq!(commands(&rig), [Command::InstallServer]);
    let stop = Command::StopInstall;
    shows_a_download(&mut rig, "Fetch MediaMTX", stop, |s, status| {
        s.install = status
    });
}

/// How far it is; it can be left; what went wrong stands beside the button that tries again.
fn shows_a_download(
    rig: &mut Rig,
    button: &str,
    stop: Command,
    set: fn(&mut Snapshot, InstallStatus),
) {
    let running = InstallStatus::Running {
        got: 12_300_000,
        of: Some(27_000_000),
    };
    rig.set(|s| set(s, running));
    rig.wait(0.2);
    assert!(rig.has("12.3 of 27.0 MB"), "{:?}", rig.names());
    rig.press("Cancel");
    assert_eq!(commands(rig), [stop]);
    let failed = InstallStatus::Failed("the line is dead; try again".into());
    rig.set(|s| set(s, failed));
    rig.wait(0.2);
    assert!(rig.has("the line is dead; try again") && rig.has(button));
}

#[test]
fn a_good_ffmpeg_is_fetched_where_none_is_found() {
    let mut rig = Rig::new(English, |s| {
        first(s);
        s.settings.ffmpeg_path = Some("/no/such/ffmpeg".into());
        s.doctor.so_far = Some(Arc::new(Report {
            lines: vec![line(
                Area::Ffmpeg,
                Outcome::Failed,
                "no ffmpeg was found",
                "install it",
            )],
        }));
    });
    commands(&rig);
    if pd_console::ffmpeg::release::of_this_system().is_none() {
        assert!(!rig.has("Fetch ffmpeg"), "there is none to fetch");
        return;
    }
    rig.press("Fetch ffmpeg");
    // The path that leads nowhere would stand before what is fetched: it goes.
    rig.wait(1.0);
    let sent = commands(&rig);
    assert!(sent.contains(&Command::InstallFfmpeg), "{sent:?}");
    let forgotten = |c: &Command| matches!(c, Command::ApplySettings(s) if s.ffmpeg_path.is_none());
    assert!(sent.iter().any(forgotten), "{sent:?}");
    let stop = Command::StopFfmpegInstall;
    shows_a_download(&mut rig, "Fetch ffmpeg", stop, |s, status| {
        s.ffmpeg_install = status
    });
}

#[test]
fn an_own_server_is_tested_as_it_is_typed() {
    let mut rig = Rig::sized(English, [1280.0, 1400.0], first);
    commands(&rig);
    rig.press("Own server (SRT)");
    assert!(rig.is_disabled(Role::Button, "Go on"), "no host yet");
    rig.click(Role::TextInput, "Host");
    rig.type_text("studio");
    rig.key(Modifiers::NONE, Key::Enter);
    let sent = commands(&rig);
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.target.host, "studio");
    let settings = (**settings).clone();
    rig.set(|s| {
        s.settings = settings;
        s.ping = PingStatus::Failed("studio does not answer. Check its port".into());
    });
    rig.wait(0.2);
    assert!(rig.has("studio does not answer. Check its port"));
    let one = "Parts that are missing: 1. You can go on all the same.";
    assert!(rig.has(one), "{:?}", rig.names());
    rig.press("Go on");
    assert!(commands(&rig).contains(&Command::SetUp));
}

#[test]
fn skipping_leaves_the_settings_as_they_were() {
    let mut rig = Rig::new(English, first);
    commands(&rig);
    rig.press("Own server (SRT)");
    rig.press("한국어");
    rig.wait(0.2);
    // Korean is there at once; the host is missing, so nothing was handed over.
    rig.press("건너뛰기");
    let sent = commands(&rig);
    assert_eq!(sent, [Command::SetUp], "{sent:?}");
    assert!(rig.has("GO LIVE"), "English again: {:?}", rig.names());
}

#[test]
fn language_and_bitrate_are_one_press() {
    let mut rig = Rig::new(Korean, |s| {
        first(s);
        s.settings.target.kind = TargetKind::Embedded;
    });
    commands(&rig);
    assert!(
        rig.has("처음 설정") && rig.has("없음") || rig.has("주의"),
        "{:?}",
        rig.names()
    );
    rig.press("6.0 Mb/s · 선명하게");
    assert_eq!(commands(&rig), [Command::SetBitrate { kbps: 6000 }]);
    rig.press("English");
    let sent = commands(&rig);
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.language, Language::English);
    assert!(rig.has("Setting up"), "at once");
}

/// Tab reaches every control, and Escape leaves.
#[test]
fn it_is_whole_by_keyboard() {
    let mut rig = Rig::new(English, first);
    commands(&rig);
    let mut focused = Vec::new();
    for _ in 0..40 {
        rig.key(Modifiers::NONE, Key::Tab);
        if let Some(name) = rig.focused() {
            focused.push(name);
        }
    }
    for name in [
        "Go on",
        "Skip",
        "한국어",
        "Own server (SRT)",
        "Fetch MediaMTX",
        "1.5 Mb/s · weak network",
        "Source",
        "Sound source",
    ] {
        assert!(focused.iter().any(|f| f == name), "{name}: {focused:?}");
    }
    // What shows begin and end by is without effect here.
    rig.key(Modifiers::NONE, Key::F5);
    assert_eq!(commands(&rig), []);
    rig.key(Modifiers::NONE, Key::Escape);
    assert_eq!(commands(&rig), [Command::SetUp]);
    assert!(rig.has("GO LIVE"));
}

/// What is missing says what to do, at every size of the window.
#[test]
fn a_missing_ffmpeg_is_named_with_what_to_do() {
    for size in [[680.0, 460.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        let mut rig = Rig::sized(Korean, size, |s| {
            first(s);
            s.state = State::Idle;
            s.doctor.so_far = Some(Arc::new(Report {
                lines: vec![line(
                    Area::Ffmpeg,
                    Outcome::Failed,
                    "no ffmpeg was found",
                    "install it",
                )],
            }));
        });
        rig.wait(0.2);
        assert!(
            rig.has("no ffmpeg was found"),
            "{size:?}: {:?}",
            rig.names()
        );
        assert!(rig.has("다시 찾기") && rig.has("계속"));
    }
}
