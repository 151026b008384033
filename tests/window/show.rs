//! Beginning and ending a show, its state, its figures.

use crate::rig::{Rig, failed, figures, live, states};
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::clock::MonoTime;
use pd_console::session::Command;
use pd_console::session::snapshot::{
    BackupStatus, Confirmation, LinkStatus, Outage, Receiver, State,
};
use pd_console::settings::Language::{English, Korean};

#[test]
fn go_live_is_one_click() {
    let mut rig = Rig::new(English, |_| {});
    rig.press("GO LIVE");
    assert_eq!(rig.sent(), [Command::GoLive]);
}

#[test]
fn go_live_by_keyboard_and_a_held_key_counts_once() {
    let mut rig = Rig::new(Korean, |_| {});
    rig.key(Modifiers::NONE, Key::F5);
    rig.key(Modifiers::COMMAND, Key::Enter);
    assert_eq!(rig.sent(), [Command::GoLive, Command::GoLive]);
    rig.harness.key_down(Key::F5);
    rig.harness.key_down(Key::F5);
    rig.harness.key_down(Key::F5);
    rig.wait(0.1);
    assert_eq!(rig.sent(), [Command::GoLive]);
}

#[test]
fn an_outage_tells_since_when_and_when_the_next_try_is() {
    let at = |s: u64| MonoTime::from_micros(s * 1_000_000);
    let mut rig = Rig::new(English, |snapshot| {
        live(snapshot);
        snapshot.at = at(100);
        snapshot.state = State::Reconnecting { attempt: 3 };
        snapshot.link = LinkStatus {
            attempt: 3,
            next_try: Some(at(102)),
            cause: "the connection to the receiver broke".into(),
            outage: Some(Outage {
                from: at(88),
                to: None,
                tries: 2,
                cause: "the connection to the receiver broke".into(),
            }),
            ..LinkStatus::default()
        };
    });
    assert!(rig.has("OFF AIR FOR 12 S"), "{:?}", rig.names());
    assert!(rig.has("Try 3 in 2 s"), "{:?}", rig.names());
    rig.set(|snapshot| snapshot.link.next_try = None);
    rig.wait(0.2);
    assert!(rig.has("Try 3 is under way"), "{:?}", rig.names());
    rig.set(|snapshot| snapshot.link.waits_for_path = true);
    rig.wait(0.2);
    assert!(rig.has("Waiting until the path is free"));
    rig.set(|snapshot| snapshot.state = State::Live);
    rig.wait(0.2);
    assert!(!rig.has("OFF AIR FOR 12 S"), "back on air");
}

#[test]
fn backups_have_a_chip_each() {
    let rig = Rig::new(English, |snapshot| {
        live(snapshot);
        let up = BackupStatus {
            address: "b.example:8890".into(),
            confirmation: Confirmation::Online,
            ..BackupStatus::default()
        };
        let mut away = BackupStatus {
            address: "c.example:8890".into(),
            drops: 7,
            ..BackupStatus::default()
        };
        away.link.cause = "nothing listens".into();
        snapshot.backups = vec![up, away];
    });
    let names = rig.names();
    assert!(rig.has("Backup b.example:8890: online"), "{names:?}");
    let away = "Backup c.example:8890: not there · 7 drops";
    assert!(rig.has(away), "{names:?}");
}

#[test]
fn stop_needs_two_presses_apart() {
    let mut rig = Rig::new(English, live);
    rig.press("STOP");
    assert_eq!(rig.sent(), [], "one press is not enough");
    rig.press("PRESS AGAIN");
    assert_eq!(rig.sent(), [], "a double-click is one press");
    rig.wait(0.5);
    rig.press("PRESS AGAIN");
    assert_eq!(rig.sent(), [Command::Stop]);
}

#[test]
fn a_late_second_press_does_not_stop() {
    let mut rig = Rig::new(English, live);
    rig.press("STOP");
    rig.wait(3.2);
    rig.press("STOP");
    assert_eq!(rig.sent(), []);
}

#[test]
fn stop_by_keyboard_has_the_same_guard() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::COMMAND, Key::Period);
    rig.wait(0.5);
    assert_eq!(rig.sent(), []);
    rig.key(Modifiers::COMMAND, Key::Period);
    assert_eq!(rig.sent(), [Command::Stop]);

    rig.focus(Role::Button, "STOP");
    rig.key(Modifiers::NONE, Key::Space);
    rig.wait(0.5);
    assert_eq!(rig.sent(), []);
    rig.key(Modifiers::NONE, Key::Space);
    assert_eq!(rig.sent(), [Command::Stop]);
}

#[test]
fn an_assistive_program_can_stop() {
    let mut rig = Rig::new(English, live);
    for name in ["STOP", "PRESS AGAIN"] {
        rig.harness
            .get_by_role_and_label(Role::Button, name)
            .click_accesskit();
        rig.wait(0.6);
    }
    assert_eq!(rig.sent(), [Command::Stop]);
}

#[test]
fn before_the_show_is_on_air_one_press_cancels() {
    for state in [State::Preflight, State::Starting] {
        let mut rig = Rig::new(English, |s| s.state = state);
        rig.press("CANCEL");
        assert_eq!(rig.sent(), [Command::Stop]);
    }
}

#[test]
fn a_third_press_after_the_stop_does_not_begin_anew() {
    let mut rig = Rig::new(English, live);
    rig.set(|s| s.state = State::Idle);
    rig.wait(0.1);
    rig.key(Modifiers::NONE, Key::F5);
    assert!(rig.is_disabled(Role::Button, "GO LIVE"));
    assert_eq!(rig.sent(), []);
    rig.wait(0.9);
    rig.press("GO LIVE");
    assert_eq!(rig.sent(), [Command::GoLive]);
}

#[test]
fn every_state_is_named_in_both_languages_and_every_control_has_a_name() {
    for (state, english, korean) in states() {
        for (language, word, prefix, settings) in [
            (English, english, "State", "Settings"),
            (Korean, korean, "상태", "설정"),
        ] {
            let mut rig = Rig::new(language, |s| {
                live(s);
                s.state = state.clone();
            });
            let name = format!("{prefix}: {word}");
            rig.harness.get_by_role_and_label(Role::Status, &name);
            rig.harness.check_accessibility();
            rig.press(settings);
            rig.harness.check_accessibility();
        }
    }
}

#[test]
fn time_on_air_is_shown_while_on_air() {
    let mut rig = Rig::new(English, live);
    rig.harness
        .get_by_role_and_label(Role::Timer, "On air for 01:02:05");
    rig.set(|s| s.state = State::Idle);
    rig.wait(0.1);
    assert!(rig.harness.query_by_role(Role::Timer).is_none());
}

#[test]
fn unknown_latency_shows_no_number() {
    let rig = Rig::new(English, live);
    let why = "Arrival is not measured: the probe has no pictures.";
    let name = format!("Latency to arrival is not measured: {why}");
    rig.harness.get_by_role_and_label(Role::Status, &name);
    rig.harness
        .get_by_label("Stages: Picture —, Pipe —, Encoder —, Relay —, Server —");
    rig.harness.get_by_label("Untouched: —");
    let idle = Rig::new(English, |s| s.latency.arrived = Some(figures(38.0)));
    let old = idle.names().into_iter().find(|name| name.contains("38"));
    assert_eq!(old, None, "the last show's figure is not the present one");
}

#[test]
fn what_was_only_sent_is_never_called_arrival() {
    let rig = Rig::new(English, |s| {
        live(s);
        s.receiver = Some(Receiver::OwnServer {
            address: "studio:8890".into(),
        });
        s.confirmation = Confirmation::Handshake;
        s.latency.sent = Some(figures(12.0));
    });
    rig.harness
        .get_by_label("Latency from capture to sending only: 12 ms");
    assert!(rig.has("capture to sending, median of 2 s"));
    let arrival = "Latency from capture to arrival";
    assert!(!rig.names().iter().any(|name| name.starts_with(arrival)));
    assert!(rig.has("Own server studio:8890"));
    assert!(rig.has("SRT connection accepted; path not checked"));
}

#[test]
fn measured_latency_is_read_out() {
    let rig = Rig::new(Korean, |s| {
        live(s);
        s.latency.arrived = Some(figures(38.4));
        s.latency.encoded = Some(figures(9.46));
    });
    rig.harness
        .get_by_role_and_label(Role::Status, "캡처에서 도착까지 지연: 38 ms");
    rig.harness
        .get_by_label("단계: 영상 —, 입력 —, 인코딩 9.5 ms, 송신 —, 서버 29 ms");
}

#[test]
fn drops_are_told_by_cause() {
    let rig = Rig::new(English, |s| {
        live(s);
        s.drops.encoder = 7;
        s.passthrough = Some(0.99999);
    });
    rig.harness.get_by_label("Drops: Encoder: 7");
    rig.harness.get_by_label("Drops: Network: 0");
    // Not everything came through: never rounded up to 100 %.
    rig.harness.get_by_label("Untouched: 99.9 %");
}

#[test]
fn a_failure_says_what_to_do_and_goes_when_dismissed() {
    let mut rig = Rig::new(English, |s| s.state = failed());
    assert!(rig.has("no ffmpeg was found. Install it"));
    rig.press("Dismiss");
    assert_eq!(rig.sent(), [Command::Dismiss]);
    rig.press("TRY AGAIN");
    assert_eq!(rig.sent(), [Command::Dismiss, Command::GoLive]);
}

#[test]
fn each_of_the_three_receivers_is_told_from_the_others() {
    let own = Receiver::OwnServer {
        address: "studio:8890".into(),
    };
    let managed = Receiver::ManagedMediaMtx {
        viewer_url: "http://127.0.0.1:8889/pd_main".into(),
    };
    for (receiver, text, link) in [
        (own, "Own server studio:8890", false),
        (managed, "Managed MediaMTX on this computer", true),
        (
            Receiver::Loopback,
            "Loopback measurement only, no viewers",
            false,
        ),
    ] {
        let rig = Rig::new(English, |s| {
            live(s);
            s.receiver = Some(receiver);
        });
        assert!(rig.has(text));
        assert_eq!(rig.has("Copy viewer link"), link, "{text}");
    }
}

#[test]
fn the_viewers_link_is_copied() {
    the_copied_link_is("http://127.0.0.1:8889/pd_main", &[]);
    // The console's page buffers less than the server's.
    the_copied_link_is("http://127.0.0.1:8880/", &["http://127.0.0.1:8880/"]);
}

fn the_copied_link_is(wanted: &str, page: &[&str]) {
    let mut rig = Rig::new(English, |s| {
        live(s);
        s.viewer.links = page.iter().map(|link| (*link).to_owned()).collect();
    });
    rig.harness
        .get_by_role_and_label(Role::Button, "Copy viewer link")
        .click();
    rig.harness.step();
    let copied = rig.harness.output().platform_output.commands.clone();
    let link = |command: &OutputCommand| {
        matches!(command, OutputCommand::CopyText(text)
            if text == wanted)
    };
    assert!(copied.iter().any(link), "{copied:?}");
}

#[test]
fn the_meter_is_held_by_key_and_button_while_the_show_goes_on() {
    let mut rig = Rig::new(English, |s| {
        live(s);
        s.frames = 60;
        s.latency.arrived = Some(figures(38.4));
    });
    rig.key(Modifiers::NONE, Key::H);
    rig.set(|s| {
        s.latency.arrived = Some(figures(77.0));
        s.drops.encoder = 7;
    });
    rig.wait(3.0);
    let held = |rig: &Rig| {
        let names = rig.names();
        names.iter().any(|name| name.starts_with("HELD for"))
    };
    assert!(held(&rig));
    rig.harness
        .get_by_label("Latency from capture to arrival: 38 ms");
    rig.harness.get_by_label("Drops: Encoder: 0");
    rig.press("Go on");
    assert!(!held(&rig));
    rig.harness
        .get_by_label("Latency from capture to arrival: 77 ms");
    assert_eq!(rig.sent(), [], "holding is the window's own");
    rig.key(Modifiers::NONE, Key::E);
    assert_eq!(rig.sent(), [Command::SaveMeter]);
    rig.press("Save");
    assert_eq!(rig.sent(), [Command::SaveMeter]);
    // It stands after the show, and never over the next one.
    rig.key(Modifiers::NONE, Key::H);
    rig.set(|s| s.state = State::Idle);
    rig.wait(0.5);
    assert!(held(&rig));
    rig.set(|s| s.state = State::Live);
    rig.wait(0.5);
    assert!(!held(&rig));
}

#[test]
fn the_worst_viewers_eye_stands_beside_the_figure_only_where_it_is_certain() {
    use pd_console::session::snapshot::{Eye, EyesStatus};
    let eye = |to_eye| Eye {
        to_eye,
        unsure_ms: Some(1.0),
        ..Eye::default()
    };
    let mut rig = Rig::new(English, |s| {
        live(s);
        s.latency.arrived = Some(figures(11.0));
        s.eyes = EyesStatus::of(vec![eye(None)]);
    });
    let name = "Latency from capture to arrival: 11 ms";
    rig.harness.get_by_label(name);
    rig.set(|s| s.eyes = EyesStatus::of(vec![eye(Some(figures(33.0)))]));
    rig.wait(0.1);
    rig.harness
        .get_by_label(&format!("{name}, worst viewer 33 ms (± 1)"));
}
