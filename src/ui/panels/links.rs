//! The connections where there is something to say of them: a strip while the programme's is being
//! made again, and a line of chips for the backup receivers.

use super::Scene;
use crate::session::snapshot::{BackupStatus, Confirmation, State};
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{CornerRadius, Frame, Margin, Role, Sense, Stroke, Ui, vec2};

/// Draws strip and chips, as far as there are any.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) {
    if matches!(scene.snapshot.state, State::Reconnecting { .. }) {
        strip(ui, scene);
    }
    if !scene.snapshot.backups.is_empty() {
        ui.add_space(4.0);
        widgets::row(ui, 26.0, |ui| {
            for backup in &scene.snapshot.backups {
                chip(ui, scene, backup);
            }
        });
    }
}

/// "Try 3 in 2 s", or what else is waited for.
fn next_try(scene: &Scene<'_>) -> String {
    let snapshot = scene.snapshot;
    let link = &snapshot.link;
    let attempt = link.attempt.to_string();
    match link.next_try {
        Some(at) => {
            let seconds = at.since(snapshot.at).as_secs_f64().ceil();
            let seconds = numbers::fixed(seconds, 0);
            let variables = [("attempt", attempt.as_str()), ("seconds", seconds.as_str())];
            scene.texts.f("reconnect-next", &variables)
        }
        None if link.waits_for_path => scene.t("reconnect-taken"),
        None => scene.texts.f("reconnect-now", &[("attempt", &attempt)]),
    }
}

fn strip(ui: &mut Ui, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    ui.add_space(4.0);
    let frame = Frame::new()
        .fill(theme::well())
        .stroke(Stroke::new(2.0, theme::amber()))
        .corner_radius(CornerRadius::same(theme::ROUND_SMALL))
        .inner_margin(Margin::symmetric(10, 4));
    frame.show(ui, |ui| {
        widgets::row(ui, 26.0, |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            if let Some(outage) = &snapshot.link.outage {
                let seconds = numbers::fixed(outage.seconds(snapshot.at).floor(), 0);
                let away = scene.texts.f("reconnect-away", &[("seconds", &seconds)]);
                let response = widgets::text(ui, &away, theme::bold(15.0), theme::amber());
                widgets::name(&response, Role::Status, &away);
            }
            let next = next_try(scene);
            let response = widgets::text(ui, &next, theme::regular(14.0), theme::text());
            widgets::name(&response, Role::Status, &next);
            let cause = scene.say(&snapshot.link.cause);
            widgets::short_text(ui, cause, theme::regular(13.0), theme::text_soft());
        });
    });
}

/// A backup's state in shape, colour and words; why it is not there when pointed at.
fn chip(ui: &mut Ui, scene: &Scene<'_>, backup: &BackupStatus) {
    let is_up = backup.confirmation != Confirmation::None;
    let state = match (backup.confirmation, backup.link.cause.is_empty()) {
        (Confirmation::None, true) => scene.t("backup-connecting"),
        (Confirmation::None, false) => scene.t("backup-away"),
        (Confirmation::Handshake, _) => scene.t("backup-sending"),
        (Confirmation::Online, _) => scene.t("backup-online"),
    };
    let latency = backup.arrived.map_or_else(String::new, |figures| {
        format!(" · {} ms", numbers::fixed(figures.p50_ms, 0))
    });
    let drops = match backup.drops {
        0 => String::new(),
        drops => {
            let drops = numbers::count(drops);
            format!(" · {}", scene.texts.f("backup-drops", &[("drops", &drops)]))
        }
    };
    let variables = [
        ("address", backup.address.as_str()),
        ("state", state.as_str()),
    ];
    let text = scene.texts.f("backup-chip", &variables) + &latency + &drops;
    let (colour, ink) = if is_up {
        (theme::green(), theme::text())
    } else {
        (theme::amber(), theme::text_soft())
    };
    let galley = widgets::fitted(
        ui,
        &text,
        theme::regular,
        10.5..=13.5,
        (ui.available_width() - 40.0).max(60.0),
        ink,
    );
    let size = vec2(galley.size().x + 34.0, 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::well());
    let centre = rect.left_center() + vec2(14.0, 0.0);
    if is_up {
        marks::tick(painter, centre, 6.0, colour);
    } else {
        marks::triangle(painter, centre, 7.0, -0.25, colour);
    }
    let at = rect.left_center() + vec2(26.0, -galley.size().y / 2.0);
    painter.galley(at, galley, ink);
    widgets::name(&response, Role::Status, &text);
    if !backup.link.cause.is_empty() {
        response.on_hover_text(scene.say(&backup.link.cause));
    }
}
