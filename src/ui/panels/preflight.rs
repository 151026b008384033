//! The look before a show, as a list over the panels while a show begins and after it could not: each
//! thing with how it stands, and for what failed the page where it is put right. Never modal. Main thread.

use super::side::Side;
use super::{Scene, theme};
use crate::session::Command;
use crate::session::snapshot::State;
use crate::session::steps::{Step, StepKind, StepState, is_open};
use crate::settings::TargetKind;
use crate::ui::actions::Action;
use crate::ui::widgets::{self, block::Verdict};
use eframe::egui::{
    Align, Area, Button, Context, Frame, Id, Label, Layout, Margin, Order, Rect, RichText, Role,
    ScrollArea, Stroke, Ui, vec2,
};

/// Whether the list is to be seen.
pub fn is_shown(scene: &Scene<'_>) -> bool {
    is_open(&scene.snapshot.preflight, &scene.snapshot.state)
}

/// Draws it into the upper part of `room`, where it is to be seen.
pub fn show(ctx: &Context, room: Rect, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    if !is_shown(scene) {
        return;
    }
    let failed = matches!(scene.snapshot.state, State::Failed { .. });
    let edge = if failed {
        theme::yellow()
    } else {
        theme::blue()
    };
    let width = (room.width() - 16.0).clamp(200.0, 760.0);
    Area::new(Id::unique("preflight"))
        .order(Order::Middle)
        .fixed_pos(room.left_top() + vec2(8.0, 8.0))
        .constrain(false)
        .show(ctx, |ui| {
            let frame = Frame::new()
                .fill(theme::card())
                .stroke(Stroke::new(2.0, edge))
                .corner_radius(theme::ROUND)
                .inner_margin(Margin::same(12));
            frame.show(ui, |ui| {
                ui.set_width(width - 28.0);
                ui.spacing_mut().item_spacing.y = 4.0;
                head(ui, scene, failed, actions);
                let height = (room.height() - 76.0).max(80.0);
                ScrollArea::vertical()
                    .max_height(height)
                    // It grows to what it holds before it scrolls.
                    .min_scrolled_height(height)
                    .show(ui, |ui| {
                        for step in scene.snapshot.preflight.iter() {
                            ui.push_id(step.kind, |ui| one(ui, scene, step, actions));
                        }
                    });
            });
        });
}

fn head(ui: &mut Ui, scene: &Scene<'_>, failed: bool, actions: &mut Vec<Action>) {
    widgets::row(ui, 26.0, |ui| {
        let key = if failed {
            "preflight-failed"
        } else {
            "preflight-title"
        };
        widgets::text(ui, scene.t(key), theme::bold(15.0), theme::text());
        if !failed {
            return;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let dismiss = Button::new(scene.t("failed-dismiss")).min_size(vec2(96.0, 26.0));
            if ui.add(dismiss).clicked() {
                actions.push(Action::Dismiss);
            }
        });
    });
}

fn one(ui: &mut Ui, scene: &Scene<'_>, step: &Step, actions: &mut Vec<Action>) {
    let (verdict, word) = verdict(step.state);
    let title = scene.t(title(step.kind));
    let word = scene.t(word);
    let said = scene.say(&step.text);
    let name = match said.as_str() {
        "" => format!("{title}: {word}"),
        text => format!("{title}: {word}. {text}"),
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        verdict.show(ui);
        let (rect, response) =
            ui.allocate_exact_size(vec2(110.0, 18.0), eframe::egui::Sense::hover());
        let galley = widgets::fitted(
            ui,
            &title,
            theme::bold,
            10.5..=14.0,
            rect.width(),
            theme::text(),
        );
        ui.painter().galley(rect.left_top(), galley, theme::text());
        widgets::name(&response, Role::Label, &name);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            match step.took_ms {
                Some(ms) => {
                    let text = format!("{ms} ms");
                    widgets::text(ui, text, theme::regular(12.5), theme::text_dim());
                }
                None => {
                    let colour = verdict.colour();
                    widgets::text(ui, &word, theme::regular(12.5), colour);
                }
            }
            if step.state == StepState::Failed {
                let (key, action) = next(scene, step.kind);
                let text = RichText::new(scene.t(key)).font(theme::regular(13.0));
                let button = Button::new(text).min_size(vec2(0.0, 24.0));
                if ui.add(button).clicked() {
                    actions.push(action);
                }
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                let ink = match step.state {
                    StepState::Failed | StepState::Warning => theme::text(),
                    _ => theme::text_soft(),
                };
                let text = RichText::new(said).font(theme::regular(13.5)).color(ink);
                let label = Label::new(text).selectable(true);
                match step.state {
                    StepState::Failed | StepState::Warning | StepState::Running => {
                        ui.add(label.wrap())
                    }
                    _ => ui.add(label.truncate()),
                };
            });
        });
    });
}

fn verdict(state: StepState) -> (Verdict, &'static str) {
    match state {
        StepState::Pending => (Verdict::Unknown, "step-pending"),
        StepState::Running => (Verdict::Busy, "step-running"),
        StepState::Good => (Verdict::Good, "check-ok"),
        StepState::Warning => (Verdict::Poor, "check-warning"),
        StepState::Failed => (Verdict::Bad, "check-failed"),
        StepState::Skipped => (Verdict::Unknown, "check-skipped"),
    }
}

fn title(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Settings => "settings-title",
        StepKind::Ffmpeg => "area-ffmpeg",
        StepKind::Encoder => "step-encoder",
        StepKind::Server => "area-server",
        StepKind::Picture => "step-picture",
        StepKind::Sound => "step-sound",
        StepKind::Connection => "step-connection",
    }
}

/// Where it is put right.
fn next(scene: &Scene<'_>, kind: StepKind) -> (&'static str, Action) {
    let own = scene.snapshot.settings.target.kind == TargetKind::Srt;
    let page = |key, side| (key, Action::ShowSide(Some(side)));
    match kind {
        StepKind::Settings | StepKind::Picture | StepKind::Sound => {
            page("settings-title", Side::Settings)
        }
        // There its path can be typed.
        StepKind::Ffmpeg => ("wizard-open", Action::ShowWizard(true)),
        StepKind::Encoder => page("encoder-title", Side::Encoder),
        StepKind::Server if scene.snapshot.can_take_over => ("take-over", Action::TakeOver),
        StepKind::Server if !own => ("install-fetch", Action::Send(Command::InstallServer)),
        StepKind::Server | StepKind::Connection => page("network-title", Side::Network),
    }
}
