//! Panels made of the settings' sections, for those who want them in sight without the rest: source, sound inputs,
//! server. They edit the same draft by the same controls as the settings page. Main thread.

use super::form::Form;
use super::{Scene, theme};
use crate::ui::actions::Action;
use crate::ui::widgets::{self, block, level_meter};
use eframe::egui::{Sense, Ui, vec2};

/// Whether no show runs, so that its destination may change.
pub fn is_free(scene: &Scene<'_>) -> bool {
    scene.snapshot.state.is_at_rest()
}

/// What is captured: its name and its state, and what can be chosen.
pub fn source(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    if !snapshot.source.is_empty() {
        block::words(
            ui,
            scene.say(&snapshot.source),
            theme::bold(14.0),
            theme::text(),
        );
    }
    if let Some(problem) = &snapshot.picture.problem {
        super::settings::fault(ui, problem);
    } else if let Some(asks) = &snapshot.picture.asks {
        block::words(ui, asks, theme::regular(13.0), theme::amber());
    }
    super::source::show(ui, scene, form, is_free(scene), actions);
}

/// The mixer: a meter for each input, and its controls.
pub fn audio(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    let inputs = &scene.snapshot.audio.inputs;
    for (index, input) in inputs.iter().enumerate() {
        let number = (index + 1).to_string();
        let peak = input.level.peak_dbfs;
        let peak = level_meter::dbfs(peak[0].max(peak[1]));
        ui.push_id(("meter", index), |ui| {
            widgets::row(ui, 18.0, |ui| {
                widgets::text(ui, &number, theme::bold(13.0), theme::text_soft());
                let room = (ui.available_width() - 52.0).max(40.0);
                let (rect, _) = ui.allocate_exact_size(vec2(room, 12.0), Sense::hover());
                let variables = [
                    ("number", number.as_str()),
                    ("name", input.label.as_str()),
                    ("peak", peak.as_str()),
                ];
                let name = scene.texts.f("audio-input-name", &variables);
                level_meter::small(ui, rect, &input.level, &name);
                widgets::text(ui, &peak, theme::regular(13.0), theme::text());
            });
        });
    }
    super::sound::show(ui, scene, form);
}

/// Where the stream goes, and who says that it is there.
pub fn server(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    super::status::receiver_block(ui, scene, actions);
    if !is_free(scene) {
        let text = scene.t("settings-locked");
        block::words(ui, text, theme::regular(13.0), theme::text_soft());
    }
    ui.add_enabled_ui(is_free(scene), |ui| {
        super::settings::target(ui, scene, form, actions);
        super::backup::show(ui, scene, form);
    });
}
