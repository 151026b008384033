//! In a Korean window the session's own words are Korean, wherever they stand; copies stay English.

use crate::rig::{Rig, figures, live, recording};
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::clock::MonoTime;
use pd_console::doctor::{Area, Line, Outcome, Report};
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::publish::ways::WayStatus;
use pd_console::session::Snapshot;
use pd_console::session::ahead::PingStatus;
use pd_console::session::snapshot::{
    AdaptiveStatus, AudioInputStatus, EncoderStatus, LogLine, Notice, NoticeKind, Severity, State,
    TrendEvent, TrendKind, TrendPoint,
};
use pd_console::settings::{Language, Settings, Way};
use std::sync::Arc;

/// What each part of the snapshot says, and its Korean; each is used once.
const SAID: [(&str, &str); 13] = [
    ("the show has ended", "송출이 끝났습니다"),
    ("at the ceiling", "상한에 있음"),
    ("chosen in the settings", "설정에서 선택됨"),
    (
        "30 instead of 60 frames a second",
        "초당 60프레임 대신 30프레임",
    ),
    ("bitrate 3000 -> 1500 kb/s", "비트레이트 3000 -> 1500 kb/s"),
    ("what was shared is gone", "공유하던 화면이 없어졌습니다"),
    (
        "no sound within 3.0 s",
        "3.0초 안에 소리가 들어오지 않았습니다",
    ),
    ("no picture within 5 s", "5초 안에 영상이 오지 않았습니다"),
    ("it is for tests", "시험용입니다"),
    ("no answer within 1 s", "1초 안에 응답이 없습니다"),
    ("its picture has no bytes", "영상에 데이터가 없습니다"),
    ("another program has it", "다른 프로그램이 쓰고 있습니다"),
    (
        "there is no picture yet to replay",
        "아직 리플레이할 영상이 없습니다",
    ),
];

fn full(s: &mut Snapshot) {
    live(s);
    let said = |i: usize| SAID[i].0.to_owned();
    s.log = Arc::new(vec![LogLine {
        number: 0,
        time: "12:00:00".into(),
        severity: Severity::Info,
        text: said(0),
    }]);
    let wish = EncoderWish::of(&Settings::default());
    s.encoding = EncoderStatus {
        wish: Some(wish),
        name: "libx264".into(),
        why: said(2),
        fallback: Some(format!(
            "h264_nvenc was chosen but does not work: {}. libx264 has its place",
            said(9)
        )),
        lowered: Some(said(3)),
        adaptive: Some(AdaptiveStatus {
            kbps: 1500,
            bounds_kbps: (500, 3000),
            reason: said(1),
        }),
        ..EncoderStatus::default()
    };
    s.settings.encoder.adaptive = true;
    s.trend = (0..60)
        .map(|i| TrendPoint {
            at_s: f64::from(i),
            p50_ms: 100.0,
            p95_ms: 110.0,
        })
        .collect();
    s.latency.arrived = Some(figures(100.0));
    s.events = vec![TrendEvent {
        at_s: 50.0,
        kind: TrendKind::Adapted,
        text: said(4),
    }];
    s.source = said(10);
    s.picture.problem = Some(said(5));
    s.audio.problem = Some(said(6));
    s.audio.inputs = vec![AudioInputStatus {
        problem: Some(said(6)),
        ..AudioInputStatus::default()
    }];
    s.doctor.report = Some(Arc::new(Report {
        lines: vec![Line {
            area: Area::Capture,
            outcome: Outcome::Failed,
            found: said(7),
            fix: "choose another source".into(),
            took_ms: 3,
        }],
    }));
    s.route.ways = vec![WayStatus {
        way: Way::Udp,
        floor_ms: Some(1),
        why_not: None,
        not_automatic: Some(said(8)),
    }];
    s.route.fallback = Some(said(9));
    s.ping = PingStatus::Failed(said(9));
    s.api_problem = Some(said(9));
    s.viewer.problem = Some(said(11));
    s.recording = recording(SAID[12].0);
    s.notices = vec![Notice {
        number: 0,
        kind: NoticeKind::Silence,
        since: MonoTime::ZERO,
        until: None,
        text: "the sound is back, after 3 s".into(),
    }];
}

/// Everything that the window shows with each page open.
fn shown(change: impl Fn(&mut Snapshot)) -> Vec<String> {
    let mut all = Vec::new();
    for key in [Key::F2, Key::F3, Key::F4, Key::F6, Key::F7] {
        let mut rig = Rig::sized(Language::Korean, [1280.0, 2000.0], &change);
        rig.key(Modifiers::NONE, key);
        all.extend(rig.names());
    }
    all
}

#[test]
fn no_message_of_the_session_is_shown_in_english() {
    let all = shown(full);
    for (english, korean) in SAID {
        let raw: Vec<_> = all.iter().filter(|text| text.contains(english)).collect();
        assert!(raw.is_empty(), "in English: {raw:?}");
        let known = all.iter().any(|text| text.contains(korean));
        assert!(known, "{korean:?} is nowhere");
    }
    for korean in [
        "다른 소스를 선택하세요",
        "선택한 h264_nvenc가 작동하지 않습니다: 1초 안에 응답이 없습니다. 대신 libx264를 씁니다",
        "3초 만에 음성이 돌아왔습니다",
    ] {
        let known = all.iter().any(|text| text.contains(korean));
        assert!(known, "{korean:?} is nowhere");
    }
}

#[test]
fn a_failure_is_told_in_korean_and_foreign_words_stay() {
    let rig = Rig::new(Language::Korean, |s| {
        s.state = State::Failed {
            message: "the publisher ended: [srt @ 0x5] Connection setup failure; starting it again"
                .into(),
        };
    });
    let text = "퍼블리셔가 끝났습니다: [srt @ 0x5] Connection setup failure. 다시 시작합니다";
    assert!(rig.has(text), "{:?}", rig.names());
}

#[test]
fn the_log_is_copied_in_english() {
    let mut rig = Rig::new(Language::Korean, full);
    rig.harness
        .get_by_role_and_label(Role::Button, "로그 복사")
        .click();
    rig.harness.step();
    let copied = &rig.harness.output().platform_output.commands;
    let text = copied.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(text, Some("12:00:00 Info the show has ended\n"));
}
