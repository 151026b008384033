//! Servers of one's own that were on air last, to be taken again without typing. Main thread.

use super::Scene;
use super::settings::{choose, row};
use super::theme;
use crate::session::Command;
use crate::settings::RecentServer;
use crate::ui::actions::Action;
use eframe::egui::{Button, RichText, Ui, vec2};

/// Draws the list and the button that forgets it, where a server is known.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let servers = &scene.snapshot.settings.servers;
    if servers.is_empty() {
        return;
    }
    let choices: Vec<(String, String)> = servers
        .iter()
        .map(|server| (server.label(), server.label()))
        .collect();
    let now = RecentServer::of(&scene.snapshot.settings.target);
    let now = now.map(|server| server.label()).unwrap_or_default();
    let mut wanted = now.clone();
    let other = scene.t("recent-choose");
    row(ui, &scene.t("recent-title"), |ui, width| {
        choose(ui, "recent", width, &mut wanted, &choices, other)
    });
    if wanted != now {
        actions.push(Action::Send(Command::UseServer { label: wanted }));
    }
    if super::sheet::is_searching(ui) {
        return;
    }
    let text = RichText::new(scene.t("recent-forget")).font(theme::regular(13.0));
    if ui
        .add(Button::new(text).min_size(vec2(0.0, 28.0)))
        .clicked()
    {
        actions.push(Action::Send(Command::ForgetServers));
    }
}
