//! The sound: which source, its level, mute, what is wrong with it.

use super::Scene;
use crate::session::snapshot::Severity;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, level_meter, marks};
use eframe::egui::epaint::text::LayoutJob;
use eframe::egui::{Align, Align2, Button, Frame, Layout, Margin, Rect, RichText, Ui, pos2, vec2};

/// Draws the panel's contents. `hold` are the peaks held for the eye, dBFS.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, hold: [f32; 2], actions: &mut Vec<Action>) {
    let audio = &scene.snapshot.audio;
    widgets::row(ui, 28.0, |ui| {
        widgets::caption(ui, &scene.t("audio-title"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            mute(ui, scene, actions);
            if audio.level.clipped {
                let text = RichText::new(scene.t("audio-clip"))
                    .font(theme::bold(12.5))
                    .color(theme::ink());
                Frame::new()
                    .fill(theme::vermillion())
                    .corner_radius(3)
                    .inner_margin(Margin::symmetric(6, 2))
                    .show(ui, |ui| ui.label(text));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if ui.available_width() < 48.0 {
                    return;
                }
                let font = theme::regular(13.0);
                if scene.muted {
                    widgets::short_text(ui, scene.t("audio-muted"), font, theme::amber());
                } else if audio.label.is_empty() {
                    widgets::short_text(ui, scene.t("audio-none"), font, theme::text_dim());
                } else {
                    widgets::short_text(ui, scene.say(&audio.label), font, theme::text_soft());
                }
            });
        });
    });
    match &audio.problem {
        Some(problem) => trouble(ui, scene, &scene.say(problem)),
        None => meter(ui, scene, hold),
    }
}

fn mute(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let key = if scene.muted {
        "audio-unmute"
    } else {
        "audio-mute"
    };
    let text = RichText::new(scene.t(key)).font(theme::regular(13.0));
    let button = if scene.muted {
        Button::new(text.color(theme::ink())).fill(theme::amber())
    } else {
        Button::new(text)
    };
    if ui.add(button.min_size(vec2(0.0, 26.0))).clicked() {
        actions.push(Action::Muted(!scene.muted));
    }
}

/// What is wrong, in place of a meter that would show silence only.
fn trouble(ui: &mut Ui, scene: &Scene<'_>, problem: &str) {
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), eframe::egui::Sense::hover());
        marks::severity(
            ui.painter(),
            rect.center(),
            8.0,
            Severity::Warning,
            theme::amber(),
        );
        let size = if scene.small { 11.5 } else { 12.5 };
        let mut job = LayoutJob::simple(
            problem.to_owned(),
            theme::regular(size),
            theme::amber(),
            ui.available_width(),
        );
        // As many lines as there is room for; the rest when pointed at, and in the log.
        job.wrap.max_rows = (ui.available_height() / (size * 1.448)).max(1.0) as usize;
        ui.label(ui.painter().layout_job(job))
            .on_hover_text(problem)
            .accessible_name(problem);
    });
}

fn meter(ui: &mut Ui, scene: &Scene<'_>, hold: [f32; 2]) {
    let level = &scene.snapshot.audio.level;
    let names = [0, 1].map(|channel| {
        let side = scene.t(["audio-left", "audio-right"][channel]);
        let peak = level_meter::dbfs(level.peak_dbfs[channel]);
        let rms = level_meter::dbfs(level.rms_dbfs[channel]);
        scene.texts.f(
            "audio-name",
            &[("channel", &side), ("peak", &peak), ("rms", &rms)],
        )
    });
    let size = vec2(
        ui.available_width(),
        ui.available_height().clamp(36.0, 60.0),
    );
    let (mut rect, _) = ui.allocate_exact_size(size, eframe::egui::Sense::hover());
    if scene.snapshot.audio.inputs.len() > 1 {
        let edge = rect.left() + rect.width() * 0.62;
        inputs(ui, scene, rect.with_min_x(edge + 8.0));
        rect = rect.with_max_x(edge);
    }
    level_meter::show(
        ui,
        rect,
        level,
        hold,
        ["L", "R"],
        [&names[0], &names[1]],
        scene.muted,
    );
}

/// A small meter for each input of several, as many as there is room for.
fn inputs(ui: &mut Ui, scene: &Scene<'_>, rect: Rect) {
    let all = &scene.snapshot.audio.inputs;
    let height = (rect.height() / all.len() as f32).clamp(11.0, 16.0);
    let fit = (rect.height() / height).floor() as usize;
    for (index, input) in all.iter().take(fit).enumerate() {
        let top = rect.top() + index as f32 * height;
        let line = Rect::from_min_max(
            pos2(rect.left(), top),
            pos2(rect.right(), top + height - 2.0),
        );
        let number = (index + 1).to_string();
        let bar = line.with_min_x(line.left() + 14.0);
        let ink = if input.problem.is_some() {
            theme::amber()
        } else {
            theme::text_soft()
        };
        let font = theme::bold(10.5);
        let at = line.left_center();
        ui.painter()
            .text(at, Align2::LEFT_CENTER, &number, font, ink);
        let name = match &input.problem {
            Some(problem) => {
                let problem = scene.say(problem);
                let variables = [("number", number.as_str()), ("problem", problem.as_str())];
                scene.texts.f("audio-input-problem", &variables)
            }
            None => {
                let louder = input.level.peak_dbfs[0].max(input.level.peak_dbfs[1]);
                let peak = level_meter::dbfs(louder);
                let label = scene.say(&input.label);
                let variables = [
                    ("number", number.as_str()),
                    ("name", label.as_str()),
                    ("peak", peak.as_str()),
                ];
                scene.texts.f("audio-input-name", &variables)
            }
        };
        level_meter::small(ui, bar, &input.level, &name);
        if input.problem.is_some() {
            let at = bar.left_center() + vec2(8.0, 0.0);
            let stroke = eframe::egui::Stroke::new(1.5, theme::amber());
            marks::cross(ui.painter(), at, 3.0, stroke);
        }
    }
}
