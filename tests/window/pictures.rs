//! Each panel and the whole window in both languages and both looks, as pictures beside those kept in
//! `tests/window/snapshots`.
//!
//!     UPDATE_SNAPSHOTS=1 cargo test --test window pictures::     keeps the new ones
//!
//! Where one differs, what was painted and where it differs lie beside the kept one as
//! `NAME.new.png` and `NAME.diff.png`.
#![allow(clippy::unwrap_used)] // Serves tests only.

use crate::layout::full;
use crate::png_file;
use crate::rig::{Rig, figures, live};
use eframe::egui::{Rect, pos2};
use egui_kittest::kittest::NodeT;
use pd_console::clock::MonoTime;
use pd_console::session::Snapshot;
use pd_console::session::snapshot::{LogLine, Preview, Severity, State, TrendPoint};
use pd_console::settings::Language::{self, English, Korean};
use pd_console::settings::Theme;
use pd_console::ui::dock::Dock;
use pd_console::ui::dock::plan::{Layout, Node};
use pd_console::ui::panels::side::Side;
use pd_console::units::Size;
use pd_console::viewer::ViewerStatus;
use std::path::PathBuf;
use std::sync::Arc;

/// A show with something in every panel.
fn rich(s: &mut Snapshot) {
    crate::network::on_air(s);
    full(s);
    s.viewer = ViewerStatus {
        links: vec!["http://192.168.0.12:8880/".into()],
        ..ViewerStatus::default()
    };
    s.latency.copied = Some(figures(0.2));
    s.latency.converted = Some(figures(0.9));
    s.latency.written = Some(figures(2.1));
    s.latency.encoded = Some(figures(9.4));
    s.latency.sent = Some(figures(10.2));
    s.latency.arrived = Some(figures(43.0));
    s.frames = 12_345;
    s.passthrough = Some(1.0);
    s.source = "X11 screen :0, 1920x1080".into();
    s.audio.label = "USB Audio CODEC".into();
    s.audio.level.peak_dbfs = [-12.0, -15.0];
    s.audio.level.rms_dbfs = [-20.0, -22.0];
    s.trend = (0..120)
        .map(|i| TrendPoint {
            at_s: f64::from(i) / 2.0,
            p50_ms: 40.0 + f64::from(i % 7),
            p95_ms: 52.0 + f64::from(i % 5) * 3.0,
        })
        .collect();
    s.preview = Some(preview());
    s.log = Arc::new(log());
}

fn preview() -> Preview {
    let size = Size::new(64, 36);
    let pixel = |i: u32| {
        let (x, y) = (i % size.width, i / size.width);
        [(x * 4) as u8, (y * 7) as u8, 120, 255]
    };
    let rgba: Vec<u8> = (0..size.width * size.height).flat_map(pixel).collect();
    Preview {
        number: 1,
        size,
        rgba: rgba.into(),
        cost_us: 300,
    }
}

fn log() -> Vec<LogLine> {
    let lines = [
        (
            Severity::Info,
            "encoder 1: libx264, 1280x720 at 30 fps, 3000 kb/s",
        ),
        (
            Severity::Warning,
            "sound: 47 990 Hz instead of 48 000; the difference is corrected",
        ),
        (Severity::Error, "no connection to 192.0.2.7:8890"),
    ];
    let line = |(i, (severity, text)): (usize, (Severity, &str))| LogLine {
        number: i as u64,
        time: format!("20:15:0{i}"),
        severity,
        text: text.into(),
    };
    lines.into_iter().enumerate().map(line).collect()
}

fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/window/snapshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

/// Compares what a rig shows within `part` with the kept picture; what is wrong.
fn compare(rig: &Rig, part: Option<Rect>, name: &str) -> Option<String> {
    let mut picture = rig.picture();
    if let Some(part) = part {
        picture = picture.cut(part).trimmed();
    }
    let kept = file(name);
    let [new, diff] = [".new", ".diff"].map(|what| file(&format!("{name}{what}")));
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value != "0");
    let before = png_file::read(&kept);
    let found = match &before {
        None => Some(("is not kept yet".to_owned(), picture.clone())),
        Some(was) => png_file::difference(&picture, was),
    };
    let _ = std::fs::remove_file(&new);
    let _ = std::fs::remove_file(&diff);
    let (words, shown) = found?;
    if update {
        png_file::write(&kept, &picture);
        println!("{name}: kept anew ({words})");
        return None;
    }
    png_file::write(&new, &picture);
    png_file::write(&diff, &shown);
    Some(format!("{name}: {words}"))
}

/// The four ways in which everything is looked at, with their names.
fn ways() -> [(Language, Theme, &'static str); 4] {
    [
        (English, Theme::Dark, "en-dark"),
        (English, Theme::Light, "en-light"),
        (Korean, Theme::Dark, "ko-dark"),
        (Korean, Theme::Light, "ko-light"),
    ]
}

fn all_are_good(faults: Vec<String>) {
    let how = "Look at the .new.png and .diff.png beside the kept ones; where they are as wanted: \
               UPDATE_SNAPSHOTS=1 cargo test --test window pictures::";
    assert!(faults.is_empty(), "{}\n{how}", faults.join("\n"));
}

fn panel(side: Side, language: Language, theme: Theme) -> (Rig, Rect) {
    let height = match side {
        Side::Settings | Side::Encoder => 1500.0,
        _ => 900.0,
    };
    let mut rig = Rig::sized(language, [700.0, height], |s| {
        rich(s);
        s.settings.window.theme = theme;
    });
    let alone = Node::tabs(&[side], &[]);
    rig.window().view.dock = Dock::new(Layout::Show, [(Layout::Show, alone)].into());
    rig.wait(0.3);
    let top = rig
        .harness
        .root()
        .children_recursive()
        .find_map(|node| {
            let node = node.accesskit_node();
            let name = node.label()?;
            let is_it = ["Put away: ", "치우기: "]
                .iter()
                .any(|start| name.starts_with(start));
            is_it.then(|| node.bounding_box().map(|bounds| bounds.y0))?
        })
        .expect("a button to put the panel away");
    // Below it is the row with the big button.
    let part = Rect::from_min_max(pos2(0.0, top as f32 - 4.0), pos2(700.0, height - 140.0));
    (rig, part)
}

#[test]
fn each_panel_looks_as_it_did() {
    let mut faults = Vec::new();
    for (language, theme, way) in ways() {
        for side in Side::ALL {
            let (rig, part) = panel(side, language, theme);
            let name = format!("panel-{}-{way}", side.name());
            faults.extend(compare(&rig, Some(part), &name));
        }
    }
    all_are_good(faults);
}

#[test]
fn the_window_looks_as_it_did_in_each_state() {
    let reconnecting = State::Reconnecting { attempt: 2 };
    let failed = crate::rig::failed();
    let mut faults = Vec::new();
    for (language, theme, way) in ways() {
        for (name, state) in [
            ("idle", State::Idle),
            ("live", State::Live),
            ("reconnecting", reconnecting.clone()),
            ("failed", failed.clone()),
        ] {
            let rig = Rig::sized(language, [1000.0, 640.0], |s| {
                if name == "live" {
                    rich(s);
                } else {
                    live(s);
                }
                s.state = state;
                s.settings.window.theme = theme;
                s.at =
                    s.live_since.unwrap_or(MonoTime::ZERO) + std::time::Duration::from_secs(3725);
            });
            let name = format!("window-{name}-{way}");
            faults.extend(compare(&rig, None, &name));
        }
    }
    all_are_good(faults);
}
