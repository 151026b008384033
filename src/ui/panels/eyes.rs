//! Capture to the eye of each viewer of the page: a block a viewer, with the one that sees the picture
//! last marked, and the reason where there is no figure. Drawn by the window's thread from the
//! snapshot; nothing is kept.

use super::Scene;
use crate::session::snapshot::{Eye, WhyNot};
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::{self, block, block::Verdict};
use eframe::egui::{Align, Layout, Role, Ui};

/// The worst viewer in a line, such as "worst viewer 41 ms (± 1)"; None where no figure is certain.
pub fn worst_text(scene: &Scene<'_>) -> Option<String> {
    let eye = scene.snapshot.eyes.worst()?;
    let ms = numbers::fixed(eye.to_eye?.p50_ms, 0);
    let unsure = unsure(eye)?;
    Some(
        scene
            .texts
            .f("eyes-worst", &[("ms", &ms), ("unsure", &unsure)]),
    )
}

/// The clock's uncertainty, rounded up: "0" would say that there is none.
fn unsure(eye: &Eye) -> Option<String> {
    Some(numbers::fixed(eye.unsure_ms?.ceil().max(1.0), 0))
}

/// Draws the list.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let eyes = &scene.snapshot.eyes;
    let title = scene.t("eyes-title");
    if eyes.viewers.is_empty() {
        let none = scene.t("eyes-none");
        block::head(ui, &title, Some((Verdict::Unknown, &none)));
        return;
    }
    match worst_text(scene) {
        Some(text) => block::head(ui, &title, Some((Verdict::Good, &text))),
        None => {
            let unknown = scene.t("eyes-unknown");
            block::head(ui, &title, Some((Verdict::Unknown, &unknown)));
        }
    }
    for (index, eye) in eyes.viewers.iter().enumerate() {
        ui.push_id(("eye", index), |ui| {
            viewer(ui, scene, eye, eyes.is_worst(index));
        });
    }
    let hint = scene.t("eyes-hint");
    block::words(ui, hint, theme::regular(12.0), theme::text_dim());
}

fn viewer(ui: &mut Ui, scene: &Scene<'_>, eye: &Eye, worst: bool) {
    widgets::row(ui, 20.0, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if worst {
                let mark = scene.t("eye-worst");
                let response = widgets::text(ui, &mark, theme::bold(12.5), theme::amber());
                widgets::name(&response, Role::Label, &format!("{}: {mark}", eye.label));
                Verdict::Poor.show(ui);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::short_text(ui, &eye.label, theme::bold(13.0), theme::text());
            });
        });
    });
    let ms = |value: Option<f64>| value.map(|value| format!("{} ms", numbers::fixed(value, 0)));
    let captions = [
        "eye-figure",
        "eye-unsure",
        "eye-buffer",
        "eye-decode",
        "eye-freezes",
    ];
    let captions = captions.map(|key| scene.t(key));
    let values = [
        ms(eye.to_eye.map(|figures| figures.p50_ms)),
        unsure(eye).map(|unsure| format!("{unsure} ms")),
        ms(eye.page.buffer_ms),
        ms(eye.page.decode_ms),
        eye.page.freezes.map(numbers::count),
    ];
    let tiles: Vec<block::Tile<'_>> = captions.iter().map(String::as_str).zip(values).collect();
    block::tiles(ui, &tiles, "—");
    if let Some(why) = eye.why_not {
        let text = scene.t(key(why));
        block::words(ui, text, theme::regular(12.5), theme::text_soft());
    }
}

fn key(why: WhyNot) -> &'static str {
    match why {
        WhyNot::NoShow => "eye-no-show",
        WhyNot::Hidden => "eye-hidden",
        WhyNot::NotPlaying => "eye-not-playing",
        WhyNot::Paused => "eye-paused",
        WhyNot::Browser => "eye-browser",
        WhyNot::Joining => "eye-joining",
        WhyNot::Clock => "eye-clock",
        WhyNot::NoProbe => "eye-no-probe",
        WhyNot::NoMatch => "eye-no-match",
        WhyNot::Silent => "eye-silent",
    }
}
