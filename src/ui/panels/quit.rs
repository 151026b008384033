//! The question whether to quit while on air: a strip under the status line. It covers nothing of the show,
//! waits for as long as it likes, and Escape stays. The window's thread.

use super::Scene;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{Align, Button, Frame, Layout, Margin, Sense, Stroke, Ui, vec2};

/// Draws the strip.
pub fn strip(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    ui.add_space(4.0);
    Frame::new()
        .fill(theme::well())
        .stroke(Stroke::new(2.0, theme::amber()))
        .corner_radius(theme::ROUND_SMALL)
        .inner_margin(Margin::symmetric(10, 6))
        .show(ui, |ui| {
            widgets::row(ui, 32.0, |ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
                marks::triangle(ui.painter(), rect.center(), 9.0, -0.25, theme::amber());
                let title = scene.t("quit-title");
                widgets::text(ui, title, theme::bold(15.0), theme::amber());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let size = vec2(120.0, 32.0);
                    let stay = Button::new(scene.t("quit-no")).min_size(size);
                    if ui.add(stay).clicked() {
                        actions.push(Action::Stay);
                    }
                    let quit = Button::new(scene.t("quit-yes"))
                        .min_size(size)
                        .fill(theme::stop());
                    if ui.add(quit).clicked() {
                        actions.push(Action::Quit);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = scene.t("quit-text");
                        widgets::short_text(ui, text, theme::regular(14.0), theme::text());
                    });
                });
            });
        });
}
