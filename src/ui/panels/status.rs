//! The status line: the state in words, shape and colour, how long on air, who takes the stream and
//! how that was confirmed, how many watch.

use super::Scene;
use super::side::Side;
use crate::session::snapshot::{Confirmation, Receiver, State};
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{self, Align, Button, Layout, Role, Sense, Ui, vec2};
use std::time::Duration;

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

/// `hh:mm:ss`; hours go on past 99.
pub fn clock(time: Duration) -> String {
    let s = time.as_secs();
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Draws the line's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, side: Option<Side>, actions: &mut Vec<Action>) {
    let height = if scene.small { 44.0 } else { 54.0 };
    // Beside a long state's name there is no room for the receiver's.
    let two_lines = scene.small || ui.available_width() < 1140.0;
    widgets::row(ui, height, |ui| {
        badge(ui, scene, height);
        elapsed(ui, scene);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let open = side == Some(Side::Settings);
            let settings = Button::new(scene.t("settings-button")).selected(open);
            let settings = ui.add(settings.min_size(vec2(0.0, 32.0)));
            if settings.on_hover_text("F2").clicked() {
                actions.push(Action::ShowSide((!open).then_some(Side::Settings)));
            }
            let keys = Button::new(scene.t("keys-button")).min_size(vec2(0.0, 32.0));
            if ui.add(keys).on_hover_text("F1").clicked() {
                actions.push(Action::ShowKeys(true));
            }
            figures(ui, scene, height);
            if !two_lines {
                ui.add_space(8.0);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add_space(8.0);
                    receiver(ui, scene, actions);
                });
            }
        });
    });
    if two_lines {
        widgets::row(ui, 26.0, |ui| {
            receiver_line(ui, scene, actions);
        });
    }
}

fn badge(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let state = &scene.snapshot.state;
    let (ground, ink) = theme::state_colours(state);
    let text = state_text(scene);
    let size = if scene.small { 21.0 } else { 27.0 };
    let galley = widgets::fitted(ui, &text, theme::bold, 12.0..=size, 260.0, ink);
    let width = galley.size().x + 36.0 + height * 0.4;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND, ground);
    let centre = rect.left_center() + vec2(12.0 + height * 0.2, 0.0);
    marks::state(painter, centre, height * 0.2, state, ink);
    let at = egui::pos2(
        rect.left() + 22.0 + height * 0.4,
        rect.center().y - galley.size().y / 2.0,
    );
    painter.galley(at, galley, ink);
    let name = scene.texts.f("state-name", &[("state", &text)]);
    widgets::name(&response, Role::Status, &name);
}

fn elapsed(ui: &mut Ui, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let running = matches!(
        snapshot.state,
        State::Live | State::Reconnecting { .. } | State::Stopping
    );
    let Some(since) = snapshot.live_since.filter(|_| running) else {
        return;
    };
    let time = clock(snapshot.at.since(since));
    ui.add_space(if scene.small { 2.0 } else { 8.0 });
    let size = if scene.small { 21.0 } else { 27.0 };
    let response = widgets::text(ui, &time, theme::bold(size), theme::text());
    let name = scene.texts.f("elapsed-name", &[("time", &time)]);
    widgets::name(&response, Role::Timer, &name);
}

/// Viewers, and the latency where its panel is out of sight. Drawn from the right.
fn figures(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let size = vec2(if scene.small { 66.0 } else { 84.0 }, height);
    let viewers = scene.snapshot.viewers;
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let value = viewers.map_or_else(|| "—".to_owned(), |v| v.to_string());
    let title = scene.t("viewers-title");
    widgets::tile(ui, rect, &title, &value, theme::text());
    if viewers.is_none() {
        response.on_hover_text(scene.t("viewers-unknown"));
    }
    if scene.latency_hidden {
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let figures = scene.snapshot.latency.arrived;
        let value = figures.map_or_else(|| "—".to_owned(), |f| format!("{:.0} ms", f.p50_ms));
        widgets::tile(ui, rect, &scene.t("latency-title"), &value, theme::text());
    }
}

/// The receiver in two lines, and the viewers' link beside them.
fn receiver(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let link = viewer_url(scene).map(str::to_owned);
    let width = ui.available_width() - if link.is_some() { 210.0 } else { 0.0 };
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.add_space(4.0);
        let room = ui.available_width();
        let kind = kind(scene);
        let line = widgets::fitted(ui, &kind, theme::bold, 11.0..=15.0, room, theme::text());
        ui.label(line).on_hover_text(kind);
        ui.horizontal(|ui| confirmation(ui, scene));
    });
    if let Some(link) = link {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            copy_button(ui, scene, &link, actions);
            widgets::short_text(ui, &link, theme::regular(13.0), theme::text_soft());
        });
    }
}

/// The same in one line.
fn receiver_line(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if let Some(link) = viewer_url(scene) {
            copy_button(ui, scene, link, actions);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let galley = widgets::fitted(
                ui,
                &kind(scene),
                theme::bold,
                12.0..=14.0,
                ui.available_width() * 0.55,
                theme::text(),
            );
            ui.label(galley);
            confirmation(ui, scene);
        });
    });
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
        (None, _) => ("receiver-unknown-hint", false),
        (_, Confirmation::None) => ("confirm-none", false),
        (_, Confirmation::Handshake) => ("confirm-handshake", true),
        (Some(Receiver::Loopback), Confirmation::Online) => ("confirm-pictures", true),
        (_, Confirmation::Online) => ("confirm-online", true),
    };
    if sure {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 16.0), Sense::hover());
        marks::tick(ui.painter(), rect.center(), 6.0, theme::green());
    }
    let colour = if sure {
        theme::text_soft()
    } else {
        theme::text_dim()
    };
    let text = scene.t(key);
    let room = ui.available_width();
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
            let check = Button::new(scene.t("failed-check")).min_size(vec2(0.0, 32.0));
            if ui.add(check).on_hover_text("F4").clicked() {
                actions.push(Action::ShowSide(Some(Side::Check)));
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                widgets::caption(ui, &scene.t("failed-title"));
                let text = egui::RichText::new(message)
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
