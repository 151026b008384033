//! Nothing is cut off, nothing lies on another.

use crate::rig::figures;
use crate::rig::{Rig, live, recording, states};
use eframe::egui::{Key, Modifiers, Rect, Shape, accessibility, epaint::TextShape, pos2, vec2};
use egui_kittest::kittest::NodeT;
use pd_console::doctor::{Area, Line, Outcome, Report};
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::monitor::gpu::Gpu;
use pd_console::session::Snapshot;
use pd_console::session::snapshot::{
    AdaptiveStatus, Confirmation, EncoderStatus, KeyFrameSizes, NetworkFigures, Receiver, State,
    TrendEvent, TrendKind,
};
use pd_console::settings::{EncoderFamily, Language, Settings};
use pd_console::ui::panels::far::DIGIT;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A name from outside may end in "…"; it is whole when pointed at.
const DEVICE: &str = "USB Audio CODEC, analogue stereo";
/// So may a source's.
const SOURCE: &str = "X11 screen :0, 3840x1080";
const SOURCE_KOREAN: &str = "X11 화면 :0, 3840x1080";
/// A reason from the session likewise, in the one line that there is for it.
pub const REASON: &str = "because of this and that and the other";

/// In points: 1280x800 and 1920x1080 at 100, 125, 150 and 200 %, and 1024x700 at 100 and 150 %.
const SIZES: [[f32; 2]; 10] = [
    [1280.0, 800.0],
    [1024.0, 640.0],
    [853.0, 533.0],
    [640.0, 400.0],
    [1920.0, 1080.0],
    [1536.0, 864.0],
    [1280.0, 720.0],
    [960.0, 540.0],
    [1024.0, 700.0],
    [683.0, 467.0],
];

#[test]
fn every_control_lies_whole_in_the_window_and_on_no_other() {
    // All that is wrong is told at once: what mends one size may break another.
    let mut faults = 0;
    let mut hold = |case: &dyn Fn()| {
        faults += usize::from(catch_unwind(AssertUnwindSafe(case)).is_err());
    };
    for size in SIZES {
        for language in [Language::English, Language::Korean] {
            for (state, ..) in states() {
                hold(&|| check(size, language, &state));
            }
            hold(&|| without_arrival(size, language));
            for key in [Key::F2, Key::F3, Key::F4, Key::F6, Key::F7] {
                // A narrow list box ends what is chosen in "…"; it is whole once opened.
                if key != Key::F2 || size[0] > 800.0 {
                    hold(&|| page(size, language, key));
                }
            }
        }
    }
    assert_eq!(faults, 0, "each is told above");
}

/// The figures of `panels::far` are read at 3 m: on a 24-inch screen of 1920x1080 (0.277 mm a pixel) digits of 12 mm, a
/// 250th of the distance, at least in a window of 1280x800, and of 14 mm, 16 minutes of arc, in one as large as the screen.
#[test]
fn the_main_figures_are_large_enough_for_three_metres() {
    const MM: f32 = 0.277;
    // Points, pixels a point, the least height of a digit.
    for (size, scale, least_mm) in [
        ([1280.0, 800.0], 1.0, 12.0),
        ([1024.0, 640.0], 1.25, 11.0),
        ([853.0, 533.0], 1.5, 11.0),
        ([640.0, 400.0], 2.0, 10.5),
        ([1920.0, 1080.0], 1.0, 14.0),
    ] {
        for language in [Language::English, Language::Korean] {
            let rig = Rig::sized(language, size, |s| {
                full(s);
                s.latency.arrived = Some(figures(38.0));
                s.drops.capture = 12;
            });
            let mut found = Vec::new();
            for clipped in &rig.harness.output().shapes {
                texts(&clipped.shape, &mut |text| {
                    let type_size = text.galley.job.sections[0].format.font_id.size;
                    let height_mm = type_size * DIGIT * scale * MM;
                    found.push((text.galley.text().to_owned(), height_mm));
                });
            }
            for figure in ["01:02:05", "38", "2.99", "12", "3"] {
                let heights = found.iter().filter(|(text, _)| text == figure);
                let largest = heights.map(|(_, mm)| *mm).fold(0.0, f32::max);
                assert!(
                    largest >= least_mm,
                    "{figure}: {largest} mm in {size:?} {language:?}"
                );
            }
            let stop = ["STOP", "송출 종료"];
            let button = found.iter().find(|(text, _)| stop.contains(&text.as_str()));
            assert!(
                button.is_some_and(|(_, mm)| *mm >= least_mm * 0.6),
                "{button:?} in {size:?}"
            );
        }
    }
}

fn check(size: [f32; 2], language: Language, state: &State) {
    if matches!(state, State::Failed { .. } | State::Reconnecting { .. }) && size[1] < 500.0 {
        // Its strip takes the room of the log, whose buttons are then scrolled to.
        return;
    }
    let rig = Rig::sized(language, size, |s| {
        live(s);
        s.state = state.clone();
        s.recording = recording(REASON);
        s.measured_kbps = Some(2987.0);
        s.measured_fps = Some(29.97);
        s.audio.label = DEVICE.into();
        s.audio.level.clipped = true;
        s.latency.converted = Some(figures(0.9));
        s.latency.written = Some(figures(2.1));
        s.latency.encoded = Some(figures(9.4));
        s.latency.sent = Some(figures(10.2));
        s.latency.arrived = Some(figures(143.0));
        s.drops.capture = 1234;
        s.passthrough = Some(1.0);
        s.frames = 123_456;
    });
    no_text_is_cut_off(&rig, &format!("{size:?} {language:?} {state:?}"));
    lower_texts_lie_apart(&rig, size, &format!("{size:?} {language:?} {state:?}"));
    let window = Rect::from_min_size(pos2(0.0, 0.0), size.into());
    let controls = controls(&rig);
    assert!(controls.len() >= 12, "{controls:?}");
    for (i, (name, rect)) in controls.iter().enumerate() {
        let at = format!("{name} at {rect:?} in {size:?} {language:?} {state:?}");
        assert!(window.expand(0.5).contains_rect(*rect), "{at}");
        for (other, place) in &controls[i + 1..] {
            let apart = !rect.shrink(1.0).intersects(place.shrink(1.0));
            assert!(apart, "{at} lies on {other} at {place:?}");
        }
    }
}

/// Names and places of everything that can be clicked or typed into.
fn controls(rig: &Rig) -> Vec<(String, Rect)> {
    rig.harness
        .root()
        .children_recursive()
        .filter(|node| {
            let node = node.accesskit_node();
            accessibility::is_input(node.role()) && !node.data().is_read_only()
        })
        .map(|node| {
            (
                node.accesskit_node().label().unwrap_or_default(),
                node.rect(),
            )
        })
        .collect()
}

/// No text of the window's own ends in "…" or reaches over the edge that it is drawn within.
pub fn no_text_is_cut_off(rig: &Rig, at: &str) {
    let mut count = 0;
    for clipped in &rig.harness.output().shapes {
        texts(&clipped.shape, &mut |text| {
            count += 1;
            let words = text.galley.text();
            let outside = [DEVICE, REASON, SOURCE, SOURCE_KOREAN]
                .iter()
                .any(|s| words.contains(s));
            assert!(!text.galley.elided || outside, "{words:?} in {at}");
            let place = text.galley.rect.translate(text.pos.to_vec2());
            // The log scrolls up and down: only the width is promised.
            let within = clipped.clip_rect.expand2(vec2(1.0, f32::INFINITY));
            assert!(
                within.contains_rect(place),
                "{words:?} at {place:?} in {at}"
            );
        });
    }
    assert!(count > 40, "{count} texts");
}

fn texts(shape: &Shape, each: &mut impl FnMut(&TextShape)) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts(shape, each)),
        Shape::Text(text) => each(text),
        _ => {}
    }
}

/// The longest words stand where arrival is not measured and the sound has failed.
fn without_arrival(size: [f32; 2], language: Language) {
    let rig = Rig::sized(language, size, |s| {
        live(s);
        s.receiver = Some(Receiver::OwnServer {
            address: "media.studio.example:8890".into(),
        });
        s.confirmation = Confirmation::Handshake;
        s.latency.sent = Some(figures(10.2));
        s.audio.problem = Some("The sound input was unplugged. Plug it in".into());
    });
    no_text_is_cut_off(&rig, &format!("{size:?} {language:?} without arrival"));
    let stop = controls(&rig).into_iter().map(|(_, rect)| rect.bottom());
    assert!(stop.fold(0.0, f32::max) <= size[1], "{size:?}");
}

/// Each page of the side panel, full of figures, and the strip and the line that come with them.
fn page(size: [f32; 2], language: Language, key: Key) {
    let mut rig = Rig::sized(language, size, full);
    rig.key(Modifiers::NONE, key);
    let at = format!("{size:?} {language:?} {key:?}");
    no_text_is_cut_off(&rig, &at);
    let controls = controls(&rig);
    let bottom = |name: &str| {
        let found = controls.iter().find(|(n, _)| n == name);
        found.map(|(_, rect)| rect.bottom())
    };
    lower_texts_lie_apart(&rig, size, &at);
    let close = controls.iter().find_map(|(name, rect)| {
        let ours = ["Put away: ", "치우기: "]
            .iter()
            .any(|start| name.starts_with(start));
        (ours && rect.right() > size[0] - 80.0).then_some(rect.bottom())
    });
    assert!(close.is_some_and(|y| y < size[1]), "{close:?} in {at}");
    let stop = ["STOP", "송출 종료"].into_iter().find_map(bottom);
    assert!(stop.is_some_and(|y| y <= size[1]), "{stop:?} in {at}");
}

/// In the lower row, where words and figures come from both sides, none lies on another.
fn lower_texts_lie_apart(rig: &Rig, size: [f32; 2], at: &str) {
    let mut found: Vec<(String, Rect)> = Vec::new();
    for clipped in &rig.harness.output().shapes {
        texts(&clipped.shape, &mut |text| {
            let place = text.galley.rect.translate(text.pos.to_vec2());
            let place = place.intersect(clipped.clip_rect);
            if place.top() > size[1] - 110.0 && place.is_positive() {
                found.push((text.galley.text().to_owned(), place.shrink(2.0)));
            }
        });
    }
    assert!(found.len() > 8, "{found:?} in {at}");
    for (i, (text, place)) in found.iter().enumerate() {
        for (other, beside) in &found[i + 1..] {
            let apart = !place.intersects(*beside);
            assert!(apart, "{text:?} {place:?} on {other:?} {beside:?} in {at}");
        }
    }
}

/// A show with something in every panel, long words everywhere.
pub fn full(s: &mut Snapshot) {
    live(s);
    s.recording = recording(REASON);
    s.measured_kbps = Some(2987.0);
    s.measured_fps = Some(29.97);
    s.settings.encoder.adaptive = true;
    let wish = EncoderWish::of(&Settings::default());
    s.encoding = EncoderStatus {
        wish: Some(wish),
        name: "h264_videotoolbox".into(),
        options: "-preset superfast -tune zerolatency -profile:v baseline".into(),
        why: REASON.into(),
        fallback: Some(REASON.into()),
        lost: None,
        changing_to: Some(EncoderWish {
            family: EncoderFamily::Libopenh264,
            bitrate_kbps: 1250,
            ..wish
        }),
        encode: Some(figures(130.0)),
        late: 12_345,
        key_frames: Some(KeyFrameSizes {
            last: 165_535,
            max: 165_535,
        }),
        lowered: Some(REASON.into()),
        adaptive: Some(AdaptiveStatus {
            kbps: 1250,
            bounds_kbps: (500, 3000),
            reason: REASON.into(),
        }),
    };
    s.network = Some(NetworkFigures {
        rtt_ms: Some(123.0),
        given_up: 12_345,
        ..NetworkFigures::default()
    });
    s.gpus = Some(Arc::new(vec![Gpu {
        name: "NVIDIA GeForce RTX 4060 Laptop GPU".into(),
        memory_bytes: Some((12 << 30, 24 << 30)),
        ..Gpu::default()
    }]));
    let all = [
        Outcome::Ok,
        Outcome::Skipped,
        Outcome::Warning,
        Outcome::Failed,
    ];
    let lines = all.map(|outcome| Line {
        area: Area::Webrtc,
        outcome,
        found: REASON.into(),
        fix: REASON.into(),
        took_ms: 84,
    });
    s.doctor.report = Some(Arc::new(Report {
        lines: lines.into(),
    }));
    s.events = vec![TrendEvent {
        at_s: 3.0,
        kind: TrendKind::Failover,
        text: REASON.into(),
    }];
}
