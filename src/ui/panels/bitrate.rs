//! The bitrate: wanted, on its way, measured. Where it follows the network the slider is the
//! ceiling, and a line beneath says what is in force and why.

use super::Scene;
use crate::ui::actions::Action;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets;
use crate::ui::widgets::bitrate_slider::{self, Look};
use crate::ui::widgets::block::Verdict;
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use eframe::egui::{Align, Button, DragValue, FontId, Layout, RichText, Ui, vec2};

/// Height of the line that an adaptive bitrate adds, points.
pub const ADAPTIVE_LINE: f32 = 22.0;

/// Whether the bitrate follows the network, or will with the next show.
pub fn is_adaptive(scene: &Scene<'_>) -> bool {
    let snapshot = scene.snapshot;
    snapshot.settings.encoder.adaptive || snapshot.encoding.adaptive.is_some()
}

/// Draws the panel's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    let pending = snapshot.bitrate_pending_kbps;
    let adaptive = is_adaptive(scene);
    let height = if scene.small { 28.0 } else { 36.0 };
    widgets::row(ui, height, |ui| {
        widgets::caption(ui, &scene.t("bitrate-title"));
        let mut figure = bitrate_slider::figure(scene.kbps);
        if adaptive && scene.small {
            // No room for the words.
            figure.insert_str(0, "≤ ");
        }
        widgets::text(
            ui,
            figure,
            theme::bold(if scene.small { 20.0 } else { 26.0 }),
            theme::text(),
        );
        if adaptive && !scene.small {
            let text = scene.t("bitrate-ceiling");
            widgets::text(ui, text, theme::regular(13.0), theme::text_soft());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(kbps) = pending {
                let value = bitrate_slider::figure(kbps);
                let text = scene.texts.f("bitrate-pending", &[("value", &value)]);
                widgets::short_text(ui, text, theme::bold(14.0), theme::amber());
            } else {
                measured(ui, scene);
            }
        });
    });
    let mut kbps = scene.kbps;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if step(ui, "−", &scene.t("bitrate-less")) {
            kbps = bitrate_slider::rung(kbps, false);
        }
        let width = (ui.available_width() - 36.0 - 84.0 - 12.0).max(60.0);
        let name = scene.t("bitrate-slider");
        let look = Look {
            pending: pending.is_some(),
            measured: snapshot.measured_kbps,
            floor: adaptive.then(|| bounds(scene).0),
            in_force: snapshot.encoding.adaptive.as_ref().map(|a| a.kbps),
        };
        bitrate_slider::show(ui, width, &mut kbps, &look, &name);
        if step(ui, "+", &scene.t("bitrate-more")) {
            kbps = bitrate_slider::rung(kbps, true);
        }
        let mut typed = kbps;
        let field = DragValue::new(&mut typed)
            .range(BITRATE_MIN_KBPS..=BITRATE_MAX_KBPS)
            .speed(0.0)
            .update_while_editing(false)
            .suffix(" kb/s");
        let name = scene.t("bitrate-field");
        ui.add_sized(vec2(84.0, 28.0), field)
            .accessible_name(name.clone())
            .on_hover_text(name);
        if typed != kbps {
            kbps = typed.clamp(BITRATE_MIN_KBPS, BITRATE_MAX_KBPS);
        }
    });
    if kbps != scene.kbps {
        actions.push(Action::Bitrate(kbps));
    }
    if adaptive {
        in_force(ui, scene);
    }
}

/// Floor and ceiling of the adaptive bitrate, kb/s.
fn bounds(scene: &Scene<'_>) -> (u32, u32) {
    let settings = &scene.snapshot.settings.encoder;
    let status = scene.snapshot.encoding.adaptive.as_ref();
    status.map_or((settings.floor_kbps, scene.kbps), |s| s.bounds_kbps)
}

/// What the adaptive bitrate holds, and why.
fn in_force(ui: &mut Ui, scene: &Scene<'_>) {
    let (floor, ceiling) = bounds(scene);
    let (verdict, text) = match &scene.snapshot.encoding.adaptive {
        Some(status) => {
            let value = bitrate_slider::figure(status.kbps);
            let reason = scene.say(&status.reason);
            let variables = [("value", value.as_str()), ("reason", reason.as_str())];
            let lowered = status.kbps < ceiling;
            let verdict = if lowered {
                Verdict::Poor
            } else {
                Verdict::Good
            };
            (verdict, scene.texts.f("bitrate-in-force", &variables))
        }
        None => {
            let floor = bitrate_slider::figure(floor);
            let text = scene.texts.f("bitrate-adaptive", &[("floor", &floor)]);
            (Verdict::Unknown, text)
        }
    };
    widgets::row(ui, 18.0, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        verdict.show(ui);
        let ink = match verdict {
            Verdict::Poor => theme::amber(),
            _ => theme::text_soft(),
        };
        widgets::short_text(ui, text, theme::regular(13.0), ink);
    });
}

fn step(ui: &mut Ui, sign: &str, name: &str) -> bool {
    let text = RichText::new(sign).font(theme::bold(18.0));
    ui.add_sized(vec2(36.0, 28.0), Button::new(text))
        .on_hover_text(name)
        .accessible_name(name)
        .clicked()
}

fn measured(ui: &mut Ui, scene: &Scene<'_>) {
    // Right to left: fps first.
    let width = |ui: &Ui, text: &str, font: FontId| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font, theme::text());
        galley.size().x + ui.spacing().item_spacing.x
    };
    let kbps = scene.snapshot.measured_kbps.map(|kbps| {
        let value = numbers::fixed(kbps, 0);
        scene.texts.f("bitrate-kbps", &[("value", &value)])
    });
    let needed = kbps
        .as_ref()
        .map_or(0.0, |text| width(ui, text, theme::bold(15.0)));
    // What there is no room for stands in the row over the panels.
    let fps = scene.snapshot.measured_fps.map(|fps| {
        let value = numbers::fixed(fps, 1);
        scene.texts.f("bitrate-fps", &[("value", &value)])
    });
    let fits = |ui: &Ui, text: &str| {
        needed + width(ui, text, theme::regular(14.0)) <= ui.available_width()
    };
    if let Some(fps) = fps.filter(|text| fits(ui, text)) {
        widgets::text(ui, fps, theme::regular(14.0), theme::text_soft());
    }
    if let Some(kbps) = kbps.filter(|_| needed <= ui.available_width()) {
        widgets::text(ui, kbps, theme::bold(15.0), theme::text());
        if ui.available_width() > 64.0 {
            let title = scene.t("bitrate-measured");
            widgets::short_text(ui, title, theme::regular(13.0), theme::text_dim());
        }
    }
}
