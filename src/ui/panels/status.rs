//! The status line: who takes the stream and how that was confirmed, the viewers' link, the window's own buttons; and
//! what failed. The figures over it are [`super::far`]'s.

use super::Scene;
use super::side::Side;
use crate::control::Op;
use crate::session::snapshot::{Confirmation, Receiver, State, Tally};
use crate::ui::actions::Action;
use crate::ui::dock::Dock;
pub use crate::ui::numbers::clock;
use crate::ui::theme;
use crate::ui::widgets::block::Verdict;
use crate::ui::widgets::{self, marks};
use eframe::egui::{self, Align, Button, Layout, Role, Sense, Ui, vec2};

/// The state in the operator's language.
pub fn state_text(scene: &Scene<'_>) -> String {
    match &scene.snapshot.state {
        State::Idle => scene.t("state-idle"),
        State::Preflight => scene.t("state-checking"),
        State::Starting => scene.t("state-starting"),
        State::Live => scene.t("state-live"),
        State::Reconnecting { attempt } => scene
            .texts
            .f("state-reconnecting", &[("attempt", &attempt.to_string())]),
        State::Stopping => scene.t("state-stopping"),
        State::Failed { .. } => scene.t("state-failed"),
    }
}

/// Draws the line under the figures: who takes the stream and how that was confirmed, the viewers' link, and what
/// opens the rest of the window.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, dock: &Dock, actions: &mut Vec<Action>) {
    let height = if scene.small { 26.0 } else { 30.0 };
    widgets::row(ui, height, |ui| {
        ui.spacing_mut().button_padding.x = 8.0;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let size = vec2(0.0, height - 2.0);
            let open = dock.is_open(Side::Settings);
            let settings = Button::new(scene.t("settings-button")).selected(open);
            let settings = ui.add(settings.min_size(size));
            if settings
                .on_hover_text(scene.keys_of(Op::PanelSettings))
                .clicked()
            {
                actions.push(Action::ShowSide((!open).then_some(Side::Settings)));
            }
            let keys = Button::new(scene.t("keys-button")).min_size(size);
            let keys = ui.add(keys).on_hover_text(scene.keys_of(Op::Keys));
            if keys.clicked() {
                actions.push(Action::ShowKeys(true));
            }
            super::panel_menu::show(ui, scene, dock, size, actions);
            let link = viewer_url(scene);
            if let Some(link) = link {
                copy_button(ui, scene, link, actions);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                // Room for the mark of the confirmation at least.
                let room = ui.available_width() - 30.0;
                let kind = kind(scene);
                let sizes = 10.5..=if scene.small { 13.0 } else { 15.0 };
                let galley = widgets::fitted(ui, &kind, theme::bold, sizes, room, theme::text());
                ui.label(galley).on_hover_text(kind);
                confirmation(ui, scene);
            });
        });
    });
}

/// The receiver, its confirmation and the viewers' link, one under another.
pub fn receiver_block(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let room = ui.available_width();
    let kind = kind(scene);
    let line = widgets::fitted(ui, &kind, theme::bold, 11.0..=15.0, room, theme::text());
    ui.label(line).on_hover_text(kind);
    ui.horizontal(|ui| confirmation(ui, scene));
    if let Some(link) = viewer_url(scene) {
        ui.horizontal(|ui| {
            copy_button(ui, scene, link, actions);
            widgets::short_text(ui, link, theme::regular(13.0), theme::text_soft());
        });
    }
}

/// The console's own page, or the server's where that is not served.
fn viewer_url<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let snapshot = scene.snapshot;
    match &snapshot.receiver {
        Some(Receiver::ManagedMediaMtx { viewer_url }) => {
            Some(snapshot.viewer.links.first().unwrap_or(viewer_url))
        }
        _ => None,
    }
}

fn copy_button(ui: &mut Ui, scene: &Scene<'_>, link: &str, actions: &mut Vec<Action>) {
    let text = egui::RichText::new(scene.t("viewer-link-copy")).font(theme::regular(13.0));
    let button = ui.add(Button::new(text).min_size(vec2(0.0, 24.0)));
    if button.on_hover_text(link).clicked() {
        actions.push(Action::Copy(link.to_owned()));
    }
}

/// The receiver, and the way that is taken into it.
fn kind(scene: &Scene<'_>) -> String {
    let receiver = receiver_name(scene);
    match scene.snapshot.route.way {
        Some(way) => format!("{receiver} · {}", way.name()),
        None => receiver,
    }
}

fn receiver_name(scene: &Scene<'_>) -> String {
    match &scene.snapshot.receiver {
        None => scene.t("receiver-unknown"),
        Some(Receiver::OwnServer { address }) => {
            scene.texts.f("receiver-own", &[("address", address)])
        }
        Some(Receiver::ManagedMediaMtx { .. }) => scene.t("receiver-managed"),
        Some(Receiver::Loopback) => scene.t("receiver-loopback"),
    }
}

fn confirmation(ui: &mut Ui, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let (key, sure) = match (&snapshot.receiver, snapshot.confirmation) {
        (Some(_), _) if snapshot.tally == Tally::Seen => ("confirm-seen", true),
        (Some(_), _) if snapshot.tally == Tally::Lost => ("confirm-lost", false),
        (None, _) => ("receiver-unknown-hint", false),
        (_, Confirmation::None) => ("confirm-none", false),
        (_, Confirmation::Handshake) => ("confirm-handshake", true),
        (Some(Receiver::Loopback), Confirmation::Online) => ("confirm-pictures", true),
        (_, Confirmation::Online) => ("confirm-online", true),
    };
    let text = scene.t(key);
    let verdict = if sure {
        Verdict::Good
    } else {
        Verdict::Unknown
    };
    let (rect, mark) = ui.allocate_exact_size(vec2(14.0, 16.0), Sense::hover());
    verdict.mark(ui.painter(), rect.center(), 6.0);
    let colour = if sure {
        theme::text_soft()
    } else {
        theme::text_dim()
    };
    let font = theme::regular(10.5);
    let least = ui.painter().layout_no_wrap(text.clone(), font, colour);
    let room = ui.available_width();
    if least.size().x > room {
        // The mark has to do; the words when pointed at.
        widgets::name(&mark, Role::Label, &text);
        mark.on_hover_text(text);
        return;
    }
    let line = widgets::fitted(ui, &text, theme::regular, 10.5..=13.0, room, colour);
    ui.label(line).on_hover_text(text);
}

/// Draws what failed and what to do, with the button that puts it away.
pub fn failure(ui: &mut Ui, scene: &Scene<'_>, message: &str, actions: &mut Vec<Action>) {
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(22.0, 22.0), Sense::hover());
        let stroke = egui::Stroke::new(3.0, theme::yellow());
        marks::cross(ui.painter(), rect.center(), 7.0, stroke);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let dismiss = Button::new(scene.t("failed-dismiss")).min_size(vec2(96.0, 32.0));
            if ui.add(dismiss).clicked() {
                actions.push(Action::Dismiss);
            }
            if scene.snapshot.can_take_over {
                let take = Button::new(scene.t("take-over")).min_size(vec2(0.0, 32.0));
                if ui.add(take).clicked() {
                    actions.push(Action::TakeOver);
                }
            }
            let check = Button::new(scene.t("failed-check")).min_size(vec2(0.0, 32.0));
            if ui
                .add(check)
                .on_hover_text(scene.keys_of(Op::PanelCheck))
                .clicked()
            {
                actions.push(Action::ShowSide(Some(Side::Check)));
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                widgets::caption(ui, &scene.t("failed-title"));
                let text = egui::RichText::new(scene.say(message))
                    .font(theme::regular(16.0))
                    .color(theme::text());
                ui.add(egui::Label::new(text).wrap().selectable(true));
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_clock_counts_hours_minutes_seconds() {
        assert_eq!(clock(Duration::ZERO), "00:00:00");
        assert_eq!(
            clock(Duration::from_secs(3 * 3600 + 25 * 60 + 7)),
            "03:25:07"
        );
        assert_eq!(clock(Duration::from_secs(100 * 3600)), "100:00:00");
    }
}
