//! The settings' part about remote control: on or off, where it is to be reached, its password, who is
//! connected. Drawn by the window's thread; edits the draft and returns what the operator did.

use super::Scene;
use super::form::Form;
use super::settings::{fault, row, section, tick};
use super::sheet;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::block;
use eframe::egui::{Button, DragValue, RichText, Ui, vec2};

/// Draws the section.
pub fn settings(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    section(ui, &scene.t("remote-title"));
    let remote = &mut form.draft.remote;
    tick(ui, &mut remote.on, &scene.t("remote-on"));
    // While something is looked for only settings are shown.
    let searching = sheet::is_searching(ui);
    if !remote.on {
        form.ask_password = false;
        if !searching {
            let hint = scene.t("remote-hint");
            block::words(ui, hint, theme::regular(12.5), theme::text_dim());
        }
        return;
    }
    row(ui, &scene.t("remote-port"), |ui, width| {
        let port = DragValue::new(&mut remote.port)
            .range(1..=65_535)
            .speed(0.0);
        ui.add_sized(vec2(width.min(96.0), 28.0), port)
    });
    tick(ui, &mut remote.lan, &scene.t("remote-lan"));
    if remote.lan && !searching {
        let who = scene.t("remote-lan-hint");
        block::words(ui, who, theme::regular(13.0), theme::amber());
    }
    tick(ui, &mut remote.confirm_stop, &scene.t("remote-confirm"));
    if searching {
        return;
    }
    state(ui, scene, actions);
    password(ui, scene, form, actions);
}

/// Where it is to be reached and who is there, or why it is not.
fn state(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let remote = &scene.snapshot.remote;
    if let Some(problem) = &remote.problem {
        fault(ui, &scene.say(problem));
    }
    let Some(address) = remote.addresses.first() else {
        if remote.problem.is_none() {
            let text = scene.t("remote-starting");
            block::words(ui, text, theme::regular(13.0), theme::text_soft());
        }
        return;
    };
    block::words(ui, address, theme::bold(14.0), theme::text());
    for other in remote.addresses.iter().skip(1) {
        block::words(ui, other, theme::regular(12.5), theme::text_dim());
    }
    let count = remote.clients.to_string();
    let connected = match remote.clients {
        0 => scene.t("remote-nobody"),
        _ => scene.texts.f("remote-clients", &[("count", &count)]),
    };
    let ink = match remote.clients {
        0 => theme::text_soft(),
        _ => theme::green(),
    };
    block::words(ui, connected, theme::regular(13.0), ink);
    ui.horizontal_wrapped(|ui| {
        if button(ui, scene, "remote-copy-address") {
            actions.push(Action::Copy(address.clone()));
        }
        if let Some(password) = &remote.password
            && button(ui, scene, "remote-copy-password")
        {
            actions.push(Action::CopySecret(password.clone()));
        }
    });
}

/// Another password, asked for twice: whoever is connected goes.
fn password(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    if scene.snapshot.remote.password.is_none() {
        return;
    }
    if !form.ask_password {
        form.ask_password = button(ui, scene, "remote-new");
        return;
    }
    let question = scene.t("remote-new-ask");
    block::words(ui, question, theme::bold(13.5), theme::amber());
    ui.horizontal_wrapped(|ui| {
        if button(ui, scene, "remote-new-yes") {
            actions.push(Action::NewRemotePassword);
            form.ask_password = false;
        }
        if button(ui, scene, "remote-new-no") {
            form.ask_password = false;
        }
    });
}

fn button(ui: &mut Ui, scene: &Scene<'_>, key: &str) -> bool {
    let text = RichText::new(scene.t(key)).font(theme::regular(14.0));
    ui.add(Button::new(text).min_size(vec2(0.0, 28.0)))
        .clicked()
}
