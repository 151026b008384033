//! A newer version of the console: a quiet strip while no show runs, and the setting. It is only told of. Drawn by the
//! window's thread.

use super::Scene;
use super::form::Form;
use super::settings::{section, tick};
use crate::session::Command;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets;
use crate::updates::own_version;
use eframe::egui::{Align, Button, CornerRadius, Frame, Layout, Margin, Stroke, Ui, vec2};

/// Draws the strip where there is one to tell of and no show runs.
pub fn strip(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    let Some(release) = snapshot
        .update
        .as_deref()
        .filter(|_| snapshot.state.is_at_rest())
    else {
        return;
    };
    let words = [
        ("version", release.version.as_str()),
        ("own", own_version()),
    ];
    let text = scene.texts.f("update-there", &words);
    ui.add_space(4.0);
    let frame = Frame::new()
        .fill(theme::well())
        .stroke(Stroke::new(1.0, theme::blue()))
        .corner_radius(CornerRadius::same(theme::ROUND_SMALL))
        .inner_margin(Margin::symmetric(10, 6));
    frame.show(ui, |ui| {
        widgets::row(ui, 28.0, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button = |ui: &mut Ui, key: &str| {
                    let button = Button::new(scene.t(key)).min_size(vec2(0.0, 28.0));
                    ui.add(button)
                };
                if button(ui, "update-noted").clicked() {
                    actions.push(Action::Send(Command::PutUpdateAway));
                }
                if let Some(page) = &release.page
                    && button(ui, "update-copy").on_hover_text(page).clicked()
                {
                    actions.push(Action::Copy(page.clone()));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::short_text(ui, text, theme::regular(14.0), theme::text());
                });
            });
        });
    });
}

/// Draws the settings' section.
pub fn settings(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("updates-title"));
    let can_ask = scene.snapshot.can_ask_for_updates;
    ui.add_enabled_ui(can_ask, |ui| {
        tick(ui, &mut form.draft.updates.check, &scene.t("updates-check"));
    });
    if !can_ask && !super::sheet::is_searching(ui) {
        let text = scene.t("updates-nowhere");
        widgets::text(ui, text, theme::regular(12.5), theme::text_soft());
    }
}
