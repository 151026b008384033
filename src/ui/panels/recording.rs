//! Recording and replay: a strip under the status line while a show runs (what is recorded, for how
//! long, what is wrong, the two buttons), and their part of the settings.

use super::Scene;
use super::form::Form;
use super::settings::{choose, row, section, tick};
use super::status::clock;
use crate::control::Op;
use crate::record::status::Phase;
use crate::session::snapshot::State;
use crate::settings::{REPLAY_MAX_S, RecordingForm};
use crate::ui::actions::Action;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Align, Button, DragValue, Layout, Role, Sense, Stroke, StrokeKind, TextEdit, Ui, pos2, vec2,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether recordings can be started and ended.
pub fn is_possible(state: &State) -> bool {
    matches!(
        state,
        State::Starting | State::Live | State::Reconnecting { .. }
    )
}

/// What the button and its key do.
pub fn toggle(phase: Phase) -> Action {
    match phase {
        Phase::Off | Phase::Ending => Action::Record(true),
        Phase::Starting | Phase::On => Action::Record(false),
    }
}

/// Draws the strip, where a show runs or the last one's recording had trouble.
pub fn strip(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    if !is_possible(&scene.snapshot.state) {
        return;
    }
    let recording = &scene.snapshot.recording;
    let height = if scene.small { 28.0 } else { 32.0 };
    ui.add_space(if scene.small { 2.0 } else { 4.0 });
    widgets::row(ui, height, |ui| {
        badge(ui, scene, height);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let size = vec2(0.0, height - 2.0);
            let replay = Button::new(scene.t("replay-save")).min_size(size);
            let kept = recording.replay.kept_seconds > 0.0 && !recording.replay.saving;
            let replay = ui
                .add_enabled(kept, replay)
                .on_hover_text(scene.keys_of(Op::ReplaySave));
            if replay.clicked() {
                actions.push(Action::SaveReplay);
            }
            let running = matches!(recording.phase, Phase::Starting | Phase::On);
            let key = if running {
                "record-stop"
            } else {
                "record-start"
            };
            let button = Button::new(scene.t(key)).min_size(size);
            if ui
                .add(button)
                .on_hover_text(scene.keys_of(Op::RecordToggle))
                .clicked()
            {
                actions.push(toggle(recording.phase));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| words(ui, scene));
        });
    });
}

/// REC with time and length: dark with a red edge, so that it is not taken for ON AIR.
fn badge(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let recording = &scene.snapshot.recording;
    let on = recording.phase == Phase::On;
    if recording.phase == Phase::Off {
        return;
    }
    let time = clock(Duration::from_secs_f64(recording.seconds.max(0.0)));
    let text = if on {
        format!("REC {time}  {}", numbers::bytes(recording.bytes))
    } else {
        "REC …".to_owned()
    };
    let galley = widgets::fitted(ui, &text, theme::bold, 13.0..=18.0, 250.0, theme::text());
    let (rect, response) =
        ui.allocate_exact_size(vec2(galley.size().x + 36.0, height), Sense::hover());
    let painter = ui.painter();
    painter.rect(
        rect.shrink(1.0),
        theme::ROUND_SMALL,
        theme::well(),
        Stroke::new(2.0, theme::stop_edge()),
        StrokeKind::Inside,
    );
    let centre = rect.left_center() + vec2(16.0, 0.0);
    painter.circle_filled(
        centre,
        6.0,
        if on {
            theme::stop_edge()
        } else {
            theme::text_dim()
        },
    );
    let at = pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, theme::text());
    widgets::name(&response, Role::Status, &text);
}

/// What is wrong, else what was done last.
fn words(ui: &mut Ui, scene: &Scene<'_>) {
    let recording = &scene.snapshot.recording;
    let replay = &recording.replay;
    let problem = recording.problem.as_ref().or(replay.problem.as_ref());
    let file = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let (text, colour) = if let Some(problem) = problem {
        (scene.say(problem), theme::vermillion())
    } else if let Some(left) = recording.left.filter(|_| recording.phase == Phase::On) {
        let minutes = (left.as_secs() / 60).to_string();
        (
            scene.texts.f("record-low", &[("minutes", &minutes)]),
            theme::amber(),
        )
    } else if recording.lost > 0 {
        let lost = numbers::count(recording.lost);
        (
            scene.texts.f("record-lost", &[("lost", &lost)]),
            theme::amber(),
        )
    } else if replay.saving {
        (scene.t("replay-saving"), theme::text_soft())
    } else if let Some(saved) = &replay.file {
        let name = file(saved);
        (
            scene.texts.f("replay-saved", &[("file", &name)]),
            theme::text_soft(),
        )
    } else if let Some(path) = &recording.file {
        (file(path), theme::text_soft())
    } else {
        (scene.t("record-off"), theme::text_dim())
    };
    if colour == theme::vermillion() || colour == theme::amber() {
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
        marks::triangle(
            ui.painter(),
            rect.center() + vec2(0.0, 1.0),
            7.0,
            -0.25,
            colour,
        );
    }
    widgets::short_text(ui, text, theme::regular(14.0), colour);
}

/// Draws the settings' part.
pub fn settings(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("settings-recording"));
    let recording = &mut form.draft.recording;
    let mut folder = recording
        .folder
        .as_ref()
        .map_or_else(String::new, |path| path.to_string_lossy().into_owned());
    row(ui, &scene.t("settings-record-folder"), |ui, width| {
        let hint = scene.t("settings-record-folder-hint");
        let field = TextEdit::singleline(&mut folder)
            .hint_text(eframe::egui::RichText::new(hint).color(theme::text_dim()))
            .char_limit(1000)
            .desired_width(width);
        let response = ui.add(field);
        if response.changed() {
            recording.folder = (!folder.is_empty()).then(|| PathBuf::from(&folder));
        }
        response
    });
    let forms = [
        (RecordingForm::Mkv, "Matroska (.mkv)".to_owned()),
        (RecordingForm::Mp4, "MP4 (.mp4)".to_owned()),
    ];
    row(ui, &scene.t("settings-record-form"), |ui, width| {
        choose(
            ui,
            "form",
            width,
            &mut recording.form,
            &forms,
            String::new(),
        )
    });
    row(ui, &scene.t("settings-replay"), |ui, width| {
        let seconds = DragValue::new(&mut recording.replay_seconds)
            .range(0..=REPLAY_MAX_S)
            .speed(0.0)
            .suffix(" s");
        ui.add_sized(vec2(width.min(96.0), 28.0), seconds)
    });
    tick(ui, &mut recording.auto, &scene.t("settings-record-auto"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        for (bytes, text) in [
            (0, "0.0 MB"),
            (4_250_000, "4.2 MB"),
            (45_600_000, "46 MB"),
            (1_234_000_000, "1.2 GB"),
            (123_400_000_000, "123 GB"),
        ] {
            assert_eq!(numbers::bytes(bytes), text);
        }
    }

    #[test]
    fn the_key_ends_what_runs_and_begins_what_does_not() {
        assert_eq!(toggle(Phase::Off), Action::Record(true));
        assert_eq!(toggle(Phase::Ending), Action::Record(true));
        assert_eq!(toggle(Phase::Starting), Action::Record(false));
        assert_eq!(toggle(Phase::On), Action::Record(false));
    }
}
