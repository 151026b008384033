//! The encoder's page, its settings, the adaptive bitrate, the marks on the trend.

use crate::rig::{Rig, figures, live};
use eframe::egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::monitor::gpu::Gpu;
use pd_console::session::snapshot::{
    AdaptiveStatus, KeyFrameSizes, NetworkFigures, State, TrendEvent, TrendKind, TrendPoint,
};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::{EncoderFamily, EncoderSpeed, Settings};
use pd_console::units::{Fps, Size};
use std::sync::Arc;

/// A show on x264 without a single figure.
fn encoding(snapshot: &mut Snapshot) {
    live(snapshot);
    let encoding = &mut snapshot.encoding;
    encoding.wish = Some(EncoderWish {
        bitrate_kbps: 3000,
        ..EncoderWish::of(&Settings::default())
    });
    encoding.name = "libx264".into();
    encoding.why = "the first that passed its test".into();
    encoding.options = "-preset superfast -tune zerolatency".into();
}

/// The encoder's page of a high window.
fn page(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut rig = Rig::sized(English, [1280.0, 1800.0], change);
    rig.key(Modifiers::NONE, Key::F3);
    rig
}

fn applied(rig: &Rig) -> Settings {
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    (**settings).clone()
}

#[test]
fn what_was_not_measured_is_a_dash_and_never_a_zero() {
    let rig = page(encoding);
    for name in [
        "Median: —",
        "95 %: —",
        "Measured: —",
        "Last: —",
        "Largest: —",
        "Frames late: —",
        // Known without a measurement.
        "One frame: 33.3 ms",
        "Target: 3000 kb/s",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    let names = rig.names();
    assert_eq!(names.iter().filter(|n| *n == "Not measured").count(), 2);
    let verdict = |n: &String| n.starts_with("In budget") || n.starts_with("Over budget");
    assert!(!names.iter().any(verdict), "nobody knows");
}

#[test]
fn name_reason_and_figures_are_told() {
    let rig = page(|s| {
        encoding(s);
        s.measured_kbps = Some(2987.4);
        let encoding = &mut s.encoding;
        encoding.encode = Some(figures(6.2));
        encoding.late = 3;
        encoding.key_frames = Some(KeyFrameSizes {
            last: 40_960,
            max: 61_440,
        });
    });
    for name in [
        "Processor (x264)",
        "libx264",
        "the first that passed its test",
        "1280x720 · 30 fps · Balanced",
        "In budget, 33.3 ms",
        "Median: 6.2",
        "95 %: 14",
        "Max: 18",
        "Within the target",
        "Measured: 2987 kb/s",
        "Below 64 KiB",
        "Last: 40.0 KiB",
        "Largest: 60.0 KiB",
        "Frames late: 3",
        "-preset superfast -tune zerolatency",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    assert!(!rig.has("NOT THE CHOSEN ENCODER"));
}

#[test]
fn whatever_is_beyond_its_limit_is_told_in_words() {
    let rig = page(|s| {
        encoding(s);
        s.measured_kbps = Some(3400.0);
        let encoding = &mut s.encoding;
        // 95 % at 38 ms: one frame at 30 a second is 33.3.
        encoding.encode = Some(figures(30.0));
        encoding.key_frames = Some(KeyFrameSizes {
            last: 40_960,
            max: 65_536,
        });
        encoding.lowered = Some("960x540 below 600 kb/s".into());
        encoding.changing_to = Some(EncoderWish {
            family: EncoderFamily::Nvenc,
            size: Size::new(1920, 1080),
            fps: Fps::whole(60),
            speed: EncoderSpeed::Fastest,
            ..EncoderWish::of(&Settings::default())
        });
    });
    for name in [
        "Over budget, 33.3 ms",
        "Over the target",
        "Above 64 KiB",
        "Lowered: 960x540 below 600 kb/s",
        "Changing to NVIDIA (NVENC) · 1920x1080 · 60 fps · Fastest…",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
}

#[test]
fn a_key_frame_of_exactly_the_limit_is_below_it() {
    let rig = page(|s| {
        encoding(s);
        s.encoding.key_frames = Some(KeyFrameSizes {
            last: 65_535,
            max: 65_535,
        });
    });
    assert!(rig.has("Below 64 KiB"));
}

#[test]
fn the_options_are_copied() {
    let mut rig = page(encoding);
    rig.harness
        .get_by_role_and_label(Role::Button, "Copy options")
        .click();
    rig.harness.step();
    let copied = &rig.harness.output().platform_output.commands;
    let options = |command: &OutputCommand| {
        matches!(command, OutputCommand::CopyText(text)
            if text == "-preset superfast -tune zerolatency")
    };
    assert!(copied.iter().any(options), "{copied:?}");
}

#[test]
fn a_fallback_is_loud_until_it_is_read_and_stays_on_the_page() {
    let why = "h264_nvenc has no driver. libx264 has its place";
    let mut rig = Rig::sized(English, [1280.0, 800.0], |s| {
        encoding(s);
        s.encoding.fallback = Some(why.into());
    });
    assert!(rig.has("NOT THE CHOSEN ENCODER") && rig.has(why));
    rig.press("Show encoder");
    let count = rig.harness.get_all_by_label(why).count();
    assert_eq!(count, 1, "on the page, and not a second time over it");
    assert!(!rig.has("Noted"));
    rig.press("Put away: Encoder");
    rig.press("Noted");
    assert!(!rig.has("NOT THE CHOSEN ENCODER"));
    rig.key(Modifiers::NONE, Key::F3);
    assert!(rig.has("NOT THE CHOSEN ENCODER") && rig.has(why));
    rig.key(Modifiers::NONE, Key::F3);
    // Another one is news again.
    rig.set(|s| s.encoding.fallback = Some("libx264 failed too".into()));
    rig.wait(0.1);
    assert!(rig.has("NOT THE CHOSEN ENCODER") && rig.has("libx264 failed too"));
    // And so it is in the next show.
    rig.press("Noted");
    for state in [State::Idle, State::Live] {
        rig.set(|s| s.state = state);
        rig.wait(0.1);
    }
    assert!(rig.has("NOT THE CHOSEN ENCODER"));
    assert_eq!(rig.sent(), [], "reading changes nothing of the show");
}

#[test]
fn without_a_show_there_is_no_figure_of_the_last_one() {
    let rig = page(|s| {
        encoding(s);
        s.state = State::Idle;
        s.encoding.fallback = Some("old".into());
        s.encoding.encode = Some(figures(6.2));
        s.settings.encoder.family = Some(EncoderFamily::Qsv);
    });
    assert!(rig.has("Intel (Quick Sync)"), "{:?}", rig.names());
    let names = rig.names();
    assert!(!names.iter().any(|n| n.contains("6.2") || n == "old"));
    let rig = page(|s| s.state = State::Preflight);
    assert!(rig.has("The encoder is being tested and started."));
}

#[test]
fn graphics_cards_tell_what_the_system_does_not() {
    let rig = page(encoding);
    assert!(rig.has("Not looked at yet"));
    let rig = page(|s| s.gpus = Some(Arc::default()));
    assert!(rig.has("No graphics card found"));
    let rig = page(|s| {
        let known = Gpu {
            name: "GeForce".into(),
            driver: Some("nvidia 570".into()),
            load_percent: Some(31.4),
            memory_bytes: Some((1 << 30, 8 << 30)),
            temperature_c: Some(58.0),
            encoder_percent: Some(0.0),
            encoder_sessions: Some(2),
        };
        let unknown = Gpu {
            name: "UHD".into(),
            ..Gpu::default()
        };
        s.gpus = Some(Arc::new(vec![known, unknown]));
    });
    for name in [
        "GeForce",
        "Driver: nvidia 570",
        "Load: 31 %",
        "Memory: 1.0 / 8.0 GiB",
        "Temperature: 58 °C",
        "Encoder load: 0 %",
        "Encoder sessions: 2",
        "UHD",
        "Driver: not available",
        "Load: not available",
        "Memory: not available",
        "Temperature: not available",
        "Encoder load: not available",
        "Encoder sessions: not available",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
}

#[test]
fn another_encoder_size_or_rate_is_handed_over_at_once_while_live() {
    let mut rig = Rig::sized(English, [1280.0, 1800.0], encoding);
    rig.key(Modifiers::NONE, Key::F2);
    let text = "Size, rate and all of this change without interrupting viewers.";
    assert!(rig.has(text));
    for (field, choice) in [
        ("Encoder", "NVIDIA (NVENC)"),
        ("Size", "1920x1080"),
        ("Frames a second", "60"),
        ("Speed", "Sharpest"),
        // High is the default.
        ("Priority", "As others"),
    ] {
        rig.click(Role::ComboBox, field);
        rig.press(choice);
        let settings = applied(&rig);
        rig.set(|s| s.settings = settings);
        rig.wait(0.2);
    }
    let settings = rig.console.snapshot.lock().unwrap().settings.clone();
    assert_eq!(settings.encoder.family, Some(EncoderFamily::Nvenc));
    assert_eq!(settings.video.size, Size::new(1920, 1080));
    assert_eq!(settings.video.fps, Fps::whole(60));
    assert_eq!(settings.encoder.speed, EncoderSpeed::Sharpest);
    assert!(rig.has("Sharp at once, but a cut may take half a second on the wire."));
    rig.click(Role::ComboBox, "Encoder");
    rig.press("Automatic");
    assert_eq!(applied(&rig).encoder.family, None);
}

#[test]
fn a_typed_figure_is_handed_over_once_and_whole() {
    let mut rig = Rig::sized(English, [1280.0, 1800.0], |s| {
        encoding(s);
        s.settings.encoder.adaptive = true;
    });
    rig.key(Modifiers::NONE, Key::F2);
    rig.click(Role::SpinButton, "Lowest bitrate");
    rig.key(Modifiers::COMMAND, Key::A);
    for digit in ["8", "0", "0"] {
        rig.type_text(digit);
        assert_eq!(rig.sent(), [], "half-typed figures are not sent");
    }
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(applied(&rig).encoder.floor_kbps, 800);
}

#[test]
fn a_floor_above_the_slider_is_told_and_left_as_it_is() {
    let mut rig = Rig::sized(English, [1280.0, 1800.0], |s| {
        s.settings.encoder.adaptive = true;
        s.settings.encoder.floor_kbps = 4000;
    });
    rig.key(Modifiers::NONE, Key::F2);
    assert!(rig.has("The slider is below this: the bitrate stays at the slider."));
    assert_eq!(rig.sent(), [], "looking changes nothing");
}

#[test]
fn with_an_adaptive_bitrate_the_slider_is_the_ceiling() {
    let mut rig = page(|s| {
        encoding(s);
        s.settings.encoder.adaptive = true;
        s.encoding.adaptive = Some(AdaptiveStatus {
            kbps: 1500,
            bounds_kbps: (500, 3000),
            reason: "4 % of the packets were lost".into(),
        });
    });
    for name in [
        "at most",
        "Now 1.5 Mb/s: 4 % of the packets were lost",
        "Floor: 500 kb/s",
        "In force: 1.5 Mb/s",
        "Ceiling: 3.0 Mb/s",
        "Below the ceiling",
    ] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    rig.key(Modifiers::NONE, Key::Plus);
    assert_eq!(rig.sent(), [Command::SetBitrate { kbps: 3500 }]);
    let off = page(encoding);
    assert!(!off.has("at most") && off.has("Off"));
}

#[test]
fn the_way_to_the_server_is_told_where_the_server_does() {
    let rig = page(|s| {
        encoding(s);
        s.network = Some(NetworkFigures {
            rtt_ms: Some(12.4),
            lost: 7,
            given_up: 2,
            ..NetworkFigures::default()
        });
    });
    for name in ["Round trip: 12 ms", "Lost: 7", "Given up: 2", "Buffer: —"] {
        assert!(rig.has(name), "{name} in {:?}", rig.names());
    }
    assert!(rig.has("Packets given up"));
    assert!(!page(encoding).has("Way to the server"));
}

#[test]
fn each_event_is_marked_on_the_trend_and_the_newest_is_told_beneath() {
    let event = |at_s, kind, text: &str| TrendEvent {
        at_s,
        kind,
        text: text.into(),
    };
    let mut rig = Rig::new(English, |s| {
        encoding(s);
        s.trend = (0..80)
            .map(|i| TrendPoint {
                at_s: 100.0 + f64::from(i) / 4.0,
                p50_ms: 40.0,
                p95_ms: 50.0,
            })
            .collect();
        s.events = vec![
            event(50.0, TrendKind::Reconnected, "long ago"),
            event(101.0, TrendKind::Wished, "720p to 1080p"),
            event(107.75, TrendKind::Adapted, "3000 -> 1500 kb/s: loss"),
        ];
    });
    assert!(rig.has("Changed: 720p to 1080p"), "{:?}", rig.names());
    assert!(rig.has("12 s ago"));
    let newest = "Adapted to the network: 3000 -> 1500 kb/s: loss";
    let told = rig.harness.get_all_by_label(newest).count();
    assert_eq!(told, 2, "on the graph and beneath: {:?}", rig.names());
    assert!(!rig.has("Connected again: long ago"), "off the graph");
    let mark = rig.harness.get_by_label("Changed: 720p to 1080p").rect();
    rig.harness.hover_at(mark.center());
    rig.wait(0.8);
    let shown = rig.harness.get_all_by_label("Changed: 720p to 1080p");
    assert_eq!(shown.count(), 2, "its words are shown when pointed at");
}

#[test]
fn the_pages_open_and_close_by_keys_and_tabs_in_both_languages() {
    for (language, settings, tab, close, keys) in [
        (
            English,
            "Settings",
            "Encoder",
            "Put away: Encoder",
            "Encoder, open or close",
        ),
        (
            Korean,
            "설정",
            "인코더",
            "치우기: 인코더",
            "인코더 열기, 닫기",
        ),
    ] {
        let mut rig = Rig::new(language, encoding);
        rig.key(Modifiers::NONE, Key::F3);
        assert!(rig.has(close));
        rig.key(Modifiers::NONE, Key::F2);
        assert!(!rig.has(close) && !rig.has("libx264"), "{:?}", rig.names());
        rig.click(Role::Tab, settings);
        rig.click(Role::Tab, tab);
        assert!(rig.has("libx264"), "{:?}", rig.names());
        rig.harness.check_accessibility();
        rig.key(Modifiers::NONE, Key::F3);
        assert!(!rig.has(close));
        rig.key(Modifiers::NONE, Key::F2);
        assert!(!rig.has(close), "the settings' place has the settings only");
        rig.key(Modifiers::ALT, Key::F4);
        assert!(!rig.has(close), "Alt + F4 is the system's");
        rig.key(Modifiers::NONE, Key::F1);
        assert!(rig.has(keys));
    }
}
