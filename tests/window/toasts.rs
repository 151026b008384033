//! What is wrong in a show lies over the panels, with a next step, and is never in the way.

use crate::rig::{Rig, live};
use eframe::egui::Role;
use pd_console::clock::MonoTime;
use pd_console::session::Command;
use pd_console::session::snapshot::{LogLine, Notice, NoticeKind, Severity, Snapshot, Tally};
use pd_console::settings::Language::{English, Korean};
use std::sync::Arc;

fn notice(number: u64, kind: NoticeKind, at: MonoTime) -> Notice {
    Notice {
        number,
        kind,
        since: MonoTime::from_micros(at.as_micros() - 12_000_000),
        until: None,
        text: format!("{} is so. Do this and that", kind.id()),
    }
}

fn with(kinds: &[NoticeKind]) -> impl Fn(&mut Snapshot) {
    move |snapshot| {
        live(snapshot);
        let numbered = (0..).zip(kinds);
        snapshot.notices = numbered
            .map(|(number, kind)| notice(number, *kind, snapshot.at))
            .collect();
    }
}

#[test]
fn each_kind_says_what_is_so_how_long_and_opens_the_panel_that_helps() {
    for kind in NoticeKind::ALL {
        let mut rig = Rig::new(English, with(&[kind]));
        if matches!(kind, NoticeKind::ServerLost | NoticeKind::Anew) {
            // Has a strip of its own.
            assert!(!rig.has("Put the notice away"));
            continue;
        }
        let word = match kind.severity() {
            Severity::Error => "ERROR",
            _ => "WARN",
        };
        let text = format!("{} is so. Do this and that", kind.id());
        let name = format!("{word}, 12 s: {text}");
        assert!(rig.has(&name), "{name:?} in {:?}", rig.names());
        let (button, panel) = match kind {
            NoticeKind::ServerLost
            | NoticeKind::Anew
            | NoticeKind::NotArriving
            | NoticeKind::Late => ("To the network", "Network"),
            NoticeKind::PictureLost | NoticeKind::PictureBlack => {
                ("To the picture source", "Source")
            }
            NoticeKind::SoundLost | NoticeKind::InputLost | NoticeKind::Silence => {
                ("To the sound", "Audio")
            }
            NoticeKind::Cpu | NoticeKind::EncoderLost => ("To the encoder", "Encoder"),
        };
        rig.press(button);
        assert!(rig.has(panel), "{panel} in {:?}", rig.names());
        rig.press("Put the notice away");
        assert!(!rig.has(&name), "{:?}", rig.names());
        assert_eq!(rig.sent(), []);
    }
}

#[test]
fn it_ends_by_itself_and_says_that_it_is_over() {
    let mut rig = Rig::new(Korean, with(&[NoticeKind::Silence]));
    rig.set(|snapshot| snapshot.notices[0].until = Some(snapshot.at));
    rig.wait(0.2);
    let over = "해소됨, 12초: silence is so. Do this and that";
    assert!(rig.has(over), "{:?}", rig.names());
    rig.set(|snapshot| snapshot.at = snapshot.at + std::time::Duration::from_secs(7));
    rig.wait(0.2);
    assert!(!rig.has(over));
}

#[test]
fn errors_of_the_log_come_too_and_go_by_themselves() {
    let mut rig = Rig::new(English, live);
    rig.set(|snapshot| {
        snapshot.log = Arc::new(vec![LogLine {
            number: 0,
            time: "12:00:00".into(),
            severity: Severity::Error,
            text: "the disk is full".into(),
        }]);
    });
    // What the log held before the window's first look is no news; this is.
    rig.wait(0.2);
    assert!(rig.has("ERROR: the disk is full"), "{:?}", rig.names());
    rig.wait(15.5);
    assert!(!rig.has("ERROR: the disk is full"));
}

#[test]
fn a_pile_is_counted_and_never_covers_what_ends_the_show() {
    for size in [[1280.0, 800.0], [680.0, 460.0]] {
        let mut rig = Rig::sized(English, size, with(&NoticeKind::ALL));
        assert!(rig.has("6 more, see the log"), "{:?}", rig.names());
        rig.press("STOP");
        rig.wait(0.6);
        rig.press("PRESS AGAIN");
        assert_eq!(rig.sent(), [Command::Stop], "{size:?}");
    }
}

#[test]
fn the_servers_side_says_whether_viewers_have_it() {
    let mut rig = Rig::new(English, |snapshot| {
        live(snapshot);
        snapshot.tally = Tally::Seen;
    });
    assert!(
        rig.has("Pictures come out of it for viewers"),
        "{:?}",
        rig.names()
    );
    rig.set(|snapshot| snapshot.tally = Tally::Lost);
    rig.wait(0.2);
    assert!(rig.has("No picture comes out of it for viewers"));
}

#[test]
fn when_they_come_is_set_in_words_and_never_is_zero() {
    let mut rig = Rig::new(English, |_| {});
    rig.key(eframe::egui::Modifiers::NONE, eframe::egui::Key::F2);
    rig.focus(Role::SpinButton, "After silence of");
    assert!(rig.has("10 s"), "{:?}", rig.names());
}
