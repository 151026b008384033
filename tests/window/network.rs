//! The network's page: ping, ways, latency in force, viewers and their end.

use crate::rig::{Rig, live};
use eframe::egui::{Key, Modifiers, Role};
use pd_console::clock::MonoTime;
use pd_console::mediamtx::Reader;
use pd_console::publish::WayStatus;
use pd_console::session::ahead::PingStatus;
use pd_console::session::snapshot::{NetworkFigures, RouteStatus};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::Way;
use std::sync::Arc;

fn ways() -> Vec<WayStatus> {
    let status = |way, floor_ms, why_not: &str| WayStatus {
        way,
        floor_ms,
        why_not: (!why_not.is_empty()).then(|| why_not.to_owned()),
        not_automatic: None,
    };
    vec![
        status(Way::SrtPush, Some(120), ""),
        status(Way::Rtsp, Some(0), ""),
        status(Way::Whip, Some(0), "ffmpeg 5.1 has no WHIP muxer"),
    ]
}

fn viewer(id: &str, address: &str) -> Reader {
    Reader {
        kind: "webRTCSession".into(),
        id: id.into(),
        remote_addr: address.into(),
        created: "2026-11-28T06:04:59.123Z".into(),
        bytes_sent: 2_500_000,
        ..Reader::default()
    }
}

/// On air by SRT push, raised, with two viewers.
pub fn on_air(snapshot: &mut Snapshot) {
    live(snapshot);
    snapshot.route = RouteStatus {
        way: Some(Way::SrtPush),
        ways: ways(),
        fallback: Some("RTSP: connection refused".into()),
        wished_latency_ms: Some(60),
        held_beyond_ms: None,
    };
    snapshot.network = Some(NetworkFigures {
        latency_ms: Some(120),
        ..NetworkFigures::default()
    });
    snapshot.readers = Arc::new(vec![viewer("a", "192.0.2.5:1"), viewer("b", "192.0.2.6:2")]);
}

#[test]
fn before_a_show_it_shows_the_ping_and_each_ways_floor() {
    let mut rig = Rig::new(English, |s| {
        s.ping = PingStatus::Answered {
            ms: 18.2,
            address: ([192, 0, 2, 7], 8890).into(),
            at: MonoTime::ZERO,
        };
        s.route.ways = ways();
    });
    rig.key(Modifiers::NONE, Key::F6);
    for text in [
        "192.0.2.7:8890, handshake only, every 2 s",
        "120 ms, the server's floor",
        "adds 0 ms",
        "ffmpeg 5.1 has no WHIP muxer",
    ] {
        assert!(rig.has(text), "{text} in {:?}", rig.names());
    }
    assert!(
        rig.names().iter().any(|n| n.starts_with("18")),
        "{:?}",
        rig.names()
    );
    rig.set(|s| s.ping = PingStatus::Failed("nothing listens".into()));
    // Figures are drawn once a second at rest.
    rig.wait(1.2);
    assert!(rig.has("no answer") && rig.has("nothing listens"));
}

#[test]
fn a_raised_latency_and_a_failed_way_are_said_and_the_fastest_can_be_asked_for() {
    let mut rig = Rig::new(English, on_air);
    rig.key(Modifiers::NONE, Key::F6);
    for text in [
        "raised by the server",
        "SRT push in force",
        "Faster ways failed: RTSP: connection refused",
    ] {
        assert!(rig.has(text), "{text} in {:?}", rig.names());
    }
    rig.press("Try the fastest again");
    assert_eq!(rig.sent(), [Command::FastestWay]);
}

#[test]
fn a_held_picture_is_said_and_a_new_connection_takes_two_presses() {
    for language in [English, Korean] {
        let mut rig = Rig::sized(language, [1280.0, 1100.0], on_air);
        rig.set(|s| s.route.held_beyond_ms = Some(260));
        rig.key(Modifiers::NONE, Key::F6);
        rig.wait(1.2);
        let (text, name) = match language {
            Korean => (
                "서버가 영상마다 이보다 260 ms 더 붙잡고 있습니다",
                "다시 연결",
            ),
            _ => (
                "The server holds each picture 260 ms longer than that",
                "Connect again",
            ),
        };
        assert!(rig.has(text), "{:?}", rig.names());
        rig.click(Role::Button, name);
        rig.wait(0.5);
        assert_eq!(rig.sent(), []);
        rig.click(Role::Button, name);
        assert_eq!(rig.sent(), [Command::Reconnect]);
    }
}

#[test]
fn a_viewer_is_disconnected_by_two_presses_on_the_same_button() {
    for language in [English, Korean] {
        // High enough that the viewers need not be scrolled to.
        let mut rig = Rig::sized(language, [1280.0, 1100.0], on_air);
        rig.key(Modifiers::NONE, Key::F6);
        let name = |address: &str| match language {
            Korean => format!("{address} 시청자 연결 끊기"),
            _ => format!("Disconnect the viewer at {address}"),
        };
        rig.click(Role::Button, &name("192.0.2.5:1"));
        rig.wait(0.5);
        rig.click(Role::Button, &name("192.0.2.6:2"));
        rig.wait(0.5);
        assert_eq!(rig.sent(), []);
        rig.click(Role::Button, &name("192.0.2.6:2"));
        assert_eq!(rig.sent(), [Command::KickViewer { id: "b".into() }]);
    }
}

#[test]
fn the_way_is_chosen_in_the_settings_and_says_what_it_costs() {
    let mut rig = Rig::new(English, |s| s.route.ways = ways());
    rig.key(Modifiers::NONE, Key::F2);
    assert!(rig.has("Fastest that works"), "{:?}", rig.names());
    rig.set(|s| s.settings.target.way = Way::Whip);
    rig.wait(0.3);
    let why = "Cannot be used here: ffmpeg 5.1 has no WHIP muxer";
    assert!(rig.has(why), "{:?}", rig.names());
}
