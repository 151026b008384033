//! The meter's title, what it is held for, and its two buttons. A held meter is marked, so that nobody
//! takes it for the present one; it is the window's own, the session measures on.

use super::Scene;
use crate::clock::MonoTime;
use crate::control::Op;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{Align, Button, Layout, RichText, Role, Sense, Ui, vec2};

/// Draws them, and `words` of what is measured; `since` is when the meter was held, on the window's time.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    since: Option<MonoTime>,
    words: &str,
    actions: &mut Vec<Action>,
) {
    if let Some(since) = since {
        held(ui, scene, since);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let mut button = |key: &str, hint: &str, op: Op, action: Action| {
            let text = RichText::new(scene.t(key)).font(theme::regular(12.5));
            let button = Button::new(text).min_size(vec2(0.0, 24.0));
            let hint = scene.texts.f(hint, &[("key", &scene.keys_of(op))]);
            if ui.add(button).on_hover_text(hint).clicked() {
                actions.push(action);
            }
        };
        button(
            "meter-save",
            "meter-save-hint",
            Op::MeterSave,
            Action::SaveMeter,
        );
        let key = if since.is_some() {
            "meter-go-on"
        } else {
            "meter-hold"
        };
        button(
            key,
            "meter-hold-hint",
            Op::MeterHold,
            Action::Freeze(since.is_none()),
        );
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            // Where there is no room for all of it, the figure's own words must do.
            let painter = ui.painter();
            let font = theme::regular(13.0);
            let line = painter.layout_no_wrap(words.to_owned(), font.clone(), theme::text_dim());
            if line.size().x <= ui.available_width() {
                widgets::text(ui, words, font, theme::text_dim());
            }
        });
    });
}

/// Two bars and the words, in the place of the title.
fn held(ui: &mut Ui, scene: &Scene<'_>, since: MonoTime) {
    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 16.0), Sense::hover());
    for x in [3.0, 9.0] {
        let bar = eframe::egui::Rect::from_min_size(rect.min + vec2(x, 2.0), vec2(3.5, 12.0));
        ui.painter().rect_filled(bar, 1.0, theme::amber());
    }
    let seconds = scene.now.since(since).as_secs().to_string();
    let words = scene.texts.f("meter-held", &[("seconds", &seconds)]);
    let response = widgets::text(ui, &words, theme::bold(14.0), theme::amber());
    widgets::name(&response, Role::Status, &words);
}
