//! The list of keys, and the question whether to quit while on air.

use super::Scene;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{Button, Context, Grid, Id, Modal, vec2};

/// Draws the list of keys over the window.
pub fn show(ctx: &Context, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let rows = [
        ("F5  /  Ctrl + Enter", "keys-go"),
        ("Ctrl + .", "keys-stop"),
        ("M", "keys-mute"),
        ("+  /  −", "keys-bitrate"),
        ("←  /  →", "keys-arrows"),
        ("R", "keys-record"),
        ("S", "keys-replay"),
        ("H", "keys-freeze"),
        ("E", "keys-export"),
        ("Tab", "keys-tab"),
        ("F2", "keys-settings"),
        ("F3", "keys-encoder"),
        ("F4", "keys-check"),
        ("F6", "keys-network"),
        ("F7", "keys-watch"),
        ("F1", "keys-help"),
    ];
    let modal = Modal::new(Id::unique("keys")).frame(theme::card_frame().inner_margin(20));
    let response = modal.show(ctx, |ui| {
        ui.heading(scene.t("keys-title"));
        ui.add_space(8.0);
        Grid::new("keys")
            .num_columns(2)
            .spacing([24.0, 10.0])
            .show(ui, |ui| {
                for (keys, what) in rows {
                    widgets::text(ui, keys, theme::bold(14.0), theme::text());
                    widgets::text(ui, scene.t(what), theme::regular(14.0), theme::text_soft());
                    ui.end_row();
                }
            });
        ui.add_space(12.0);
        let close = Button::new(scene.t("keys-close")).min_size(vec2(96.0, 32.0));
        ui.add(close).clicked()
    });
    if response.inner || response.should_close() {
        actions.push(Action::ShowKeys(false));
    }
}

/// Asks whether to quit while on air. "Stay" is what Escape and a click outside mean.
pub fn ask_quit(ctx: &Context, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let modal = Modal::new(Id::unique("quit")).frame(theme::card_frame().inner_margin(20));
    let response = modal.show(ctx, |ui| {
        ui.set_max_width(420.0);
        ui.heading(scene.t("quit-title"));
        ui.add_space(4.0);
        let font = theme::regular(15.0);
        widgets::text(ui, scene.t("quit-text"), font, theme::text_soft());
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            let size = vec2(120.0, 36.0);
            let stay = Button::new(scene.t("quit-no")).min_size(size);
            let quit = Button::new(scene.t("quit-yes"))
                .min_size(size)
                .fill(theme::stop());
            if ui.add(stay).clicked() {
                actions.push(Action::Stay);
            }
            if ui.add(quit).clicked() {
                actions.push(Action::Quit);
            }
        });
    });
    if response.should_close() {
        actions.push(Action::Stay);
    }
}
