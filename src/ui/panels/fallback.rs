//! The loud word that another encoder has the place of the chosen one: a strip under the status
//! line until it is read, a banner on the encoder's page as long as it is so.

use super::Scene;
use super::side::Side;
use crate::control::Op;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Align, Button, CornerRadius, Frame, Label, Layout, Margin, RichText, Sense, Stroke, Ui, vec2,
};

/// What fell back, where a show runs.
pub fn text<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let running = !scene.snapshot.state.is_at_rest();
    scene
        .snapshot
        .encoding
        .fallback
        .as_deref()
        .filter(|_| running)
}

fn frame() -> Frame {
    Frame::new()
        .fill(theme::well())
        .stroke(Stroke::new(2.0, theme::amber()))
        .corner_radius(CornerRadius::same(theme::ROUND_SMALL))
        .inner_margin(Margin::symmetric(10, 6))
}

fn mark(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
    let centre = rect.center() + vec2(0.0, 1.5);
    marks::triangle(ui.painter(), centre, 9.0, -0.25, theme::amber());
}

/// Draws the strip, unless the operator has `noted` it or has the encoder's page in sight (`seen`).
pub fn strip(
    ui: &mut Ui,
    scene: &Scene<'_>,
    seen: bool,
    noted: Option<&str>,
    actions: &mut Vec<Action>,
) {
    let Some(text) = text(scene) else { return };
    if seen || noted == Some(text) {
        return;
    }
    ui.add_space(4.0);
    frame().show(ui, |ui| {
        widgets::row(ui, 28.0, |ui| {
            mark(ui);
            let title = scene.t("encoder-fallback");
            widgets::text(ui, title, theme::bold(14.0), theme::amber());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let noted = Button::new(scene.t("encoder-fallback-noted"));
                if ui.add(noted.min_size(vec2(0.0, 28.0))).clicked() {
                    actions.push(Action::Noted(text.to_owned()));
                }
                let show = Button::new(scene.t("encoder-fallback-show"));
                let show = ui.add(show.min_size(vec2(0.0, 28.0)));
                if show
                    .on_hover_text(scene.keys_of(Op::PanelEncoder))
                    .clicked()
                {
                    actions.push(Action::ShowSide(Some(Side::Encoder)));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::short_text(ui, scene.say(text), theme::regular(14.0), theme::text());
                });
            });
        });
    });
}

/// Draws the banner, with the whole text.
pub fn banner(ui: &mut Ui, scene: &Scene<'_>) {
    let Some(text) = text(scene) else { return };
    frame().show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            mark(ui);
            let title = scene.t("encoder-fallback");
            widgets::text(ui, title, theme::bold(15.0), theme::amber());
        });
        let text = RichText::new(scene.say(text))
            .font(theme::regular(14.0))
            .color(theme::text());
        ui.add(Label::new(text).wrap().selectable(true));
    });
}
