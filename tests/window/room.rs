//! Every text has room: on screens of 100 to 200 %, in the smallest window, in both languages. What is drawn is looked
//! at; and each text of the files by its width, drawn here or not, since a translation that is far wider than what
//! the window was laid out with is cut somewhere.

use crate::layout::{REASON, full, no_text_is_cut_off};
use crate::rig::{Rig, figures, live, recording};
use eframe::egui::{self, Key, Modifiers};
use pd_console::settings::Language::{self, English, Korean};
use pd_console::ui::{fonts, theme};
use std::collections::BTreeMap;

/// Pixels a point: 100, 125, 150, 175 and 200 %. Glyphs' widths are rounded otherwise at each.
const SCALES: [f32; 5] = [1.0, 1.25, 1.5, 1.75, 2.0];
/// The smallest window's width, and so high that nothing of a page is scrolled out of sight.
const NARROW: [f32; 2] = [683.0, 2400.0];

/// Pages of the side, one a scale, so that each scale and each page come up in both languages.
#[test]
fn nothing_is_cut_at_any_scale() {
    let pages = [Key::F3, Key::F4, Key::F6, Key::F7, Key::F2];
    for language in [English, Korean] {
        for (i, scale) in SCALES.into_iter().enumerate() {
            let at = format!("{language:?} at {scale}");
            no_text_is_cut_off(&on_air(language, [683.0, 467.0], scale), &at);
            let page = pages[(i + usize::from(language == Korean)) % pages.len()];
            // A list box ends what is chosen in "…" where the settings are narrow.
            let size = if page == Key::F2 {
                [1280.0, 2400.0]
            } else {
                NARROW
            };
            let mut rig = Rig::scaled(language, size, scale, full);
            rig.key(Modifiers::NONE, page);
            no_text_is_cut_off(&rig, &format!("{page:?} {at}"));
        }
    }
}

fn on_air(language: Language, size: [f32; 2], scale: f32) -> Rig {
    Rig::scaled(language, size, scale, |s| {
        live(s);
        s.recording = recording(REASON);
        s.measured_kbps = Some(12_987.0);
        s.measured_fps = Some(59.94);
        s.latency.sent = Some(figures(10.2));
        s.latency.arrived = Some(figures(1143.0));
        s.drops.capture = 123_456;
        s.viewers = Some(1234);
        s.frames = 1_234_567;
    })
}

/// Texts by key, each variable as two figures.
fn texts(file: &str) -> BTreeMap<String, String> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let mut texts = BTreeMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (key, text) = line.split_once(" = ").expect("one line a text");
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{ $") {
            plain.push_str(before);
            plain.push_str("00");
            rest = after.split_once('}').expect("a variable's end").1;
        }
        plain.push_str(rest);
        texts.insert(key.to_owned(), plain);
    }
    texts
}

#[test]
fn no_text_is_far_wider_than_in_the_other_language() {
    let english = texts(include_str!("../../assets/i18n/en.ftl"));
    let korean = texts(include_str!("../../assets/i18n/ko.ftl"));
    assert!(english.len() > 400 && english.len() == korean.len());
    let ctx = egui::Context::default();
    fonts::install(&ctx);
    let mut output = ctx.run_ui(egui::RawInput::default(), |_| {});
    output.textures_delta.clear();
    let width = |text: &str| {
        ctx.fonts_mut(|fonts| {
            let galley = fonts.layout_no_wrap(text.into(), theme::regular(13.0), theme::text());
            galley.size().x
        })
    };
    let mut wide = Vec::new();
    for (key, english) in &english {
        let korean = &korean[key];
        let (ours, theirs) = (width(english), width(korean));
        // Some 5 syllables more, or by half: what stands in one line at most. What is longer wraps.
        let room = (ours * 1.5).max(ours + 64.0);
        if theirs > room {
            wide.push(format!(
                "{key}: {korean:?} has {theirs:.0}, {english:?} {ours:.0} points"
            ));
        }
    }
    assert!(wide.is_empty(), "too wide in Korean: {wide:#?}");
    // What has one place, whatever stands beside it, at 13 points.
    let limits = [
        ("button-", 260.0, "the big button and its hint"),
        ("state-", 190.0, "the state's field"),
        ("area-", 200.0, "a head of the check"),
        ("log-", 110.0, "the log's head"),
        ("drops-", 90.0, "a tile"),
        ("event-", 190.0, "a mark's word"),
        ("record-st", 110.0, "a button of the strip"),
    ];
    for (prefix, limit, what) in limits {
        for (key, text) in english.iter().chain(&korean) {
            let fits = !key.starts_with(prefix) || width(text) <= limit;
            assert!(fits, "{key}: {text:?} is too wide for {what}");
        }
    }
}
