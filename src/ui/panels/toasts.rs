//! Notices and errors over the lower left of the panels, where the log is: what happened, how long it
//! has been so, the next step as a button. Never modal; the newest is lowest. Main thread.

use super::side::Side;
use super::{Scene, theme};
use crate::session::snapshot::{NoticeKind, Severity};
use crate::ui::actions::Action;
use crate::ui::toasts::{Toast, Toasts};
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Align, Align2, Area, Button, Context, Frame, Id, Label, Layout, Margin, Order, Rect, RichText,
    Role, Sense, Stroke, Ui, vec2,
};

/// So many at once; the rest is counted.
const AT_ONCE: usize = 3;

/// Draws them into the lower left of `room`.
pub fn show(
    ctx: &Context,
    room: Rect,
    scene: &Scene<'_>,
    toasts: &Toasts,
    actions: &mut Vec<Action>,
) {
    let all = toasts.shown(scene.snapshot);
    if all.is_empty() {
        return;
    }
    let width = (room.width() * 0.34).clamp(260.0, 460.0).min(room.width());
    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .fixed_pos(room.left_bottom() + vec2(8.0, -8.0))
        .pivot(Align2::LEFT_BOTTOM)
        .constrain(false)
        .show(ctx, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 6.0;
            let hidden = all.len().saturating_sub(AT_ONCE);
            if hidden > 0 {
                let text = scene
                    .texts
                    .f("toast-more", &[("number", &hidden.to_string())]);
                Frame::new()
                    .fill(theme::well())
                    .corner_radius(theme::ROUND_SMALL)
                    .inner_margin(Margin::symmetric(8, 3))
                    .show(ui, |ui| {
                        widgets::text(ui, text, theme::regular(13.0), theme::text_soft())
                    });
            }
            for toast in &all[hidden..] {
                one(ui, scene, toast, actions);
            }
        });
}

fn one(ui: &mut Ui, scene: &Scene<'_>, toast: &Toast, actions: &mut Vec<Action>) {
    let colour = if toast.is_over {
        theme::green()
    } else {
        theme::severity_colour(toast.severity)
    };
    let frame = Frame::new()
        .fill(theme::card())
        .stroke(Stroke::new(2.0, colour))
        .corner_radius(theme::ROUND_SMALL)
        .inner_margin(Margin::symmetric(10, 8));
    let said = scene.say(&toast.text);
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let (rect, _) = ui.allocate_exact_size(vec2(16.0, 20.0), Sense::hover());
            if toast.is_over {
                marks::tick(ui.painter(), rect.center(), 7.0, colour);
            } else {
                marks::severity(ui.painter(), rect.center(), 7.0, toast.severity, colour);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = Button::new(RichText::new("×").font(theme::bold(16.0)));
                let name = scene.t("toast-close");
                let close = ui
                    .add(close.min_size(vec2(28.0, 24.0)))
                    .on_hover_text(&name);
                if close.accessible_name(&name).clicked() {
                    actions.push(Action::PutAway(toast.key));
                }
                let (key, side) = next(toast.kind);
                let step = RichText::new(scene.t(key)).font(theme::regular(13.0));
                let step = ui.add(Button::new(step).min_size(vec2(0.0, 24.0)));
                if step.clicked() {
                    actions.push(Action::ShowSide(Some(side)));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_height(24.0);
                    let head = head(scene, toast);
                    let response = widgets::text(ui, &head, theme::bold(13.0), colour);
                    widgets::name(&response, Role::Alert, &format!("{head}: {said}"));
                });
            });
        });
        ui.add_space(2.0);
        let text = RichText::new(&said).font(theme::regular(14.0));
        ui.add(Label::new(text.color(theme::text())).wrap());
    });
}

/// "ERROR", and how long it has been so.
fn head(scene: &Scene<'_>, toast: &Toast) -> String {
    let word = match (toast.is_over, toast.severity) {
        (true, _) => "toast-over",
        (_, Severity::Error) => "log-error",
        (_, Severity::Warning) => "log-warning",
        (_, Severity::Info) => "log-info",
    };
    let word = scene.t(word);
    match toast.lasted {
        Some(lasted) => {
            let seconds = lasted.as_secs().to_string();
            let variables = [("what", word.as_str()), ("seconds", seconds.as_str())];
            scene.texts.f("toast-lasted", &variables)
        }
        None => word,
    }
}

/// The next step: what its button says, and the panel that it opens.
fn next(kind: Option<NoticeKind>) -> (&'static str, Side) {
    match kind {
        None => ("toast-to-log", Side::Log),
        Some(
            NoticeKind::ServerLost | NoticeKind::Anew | NoticeKind::NotArriving | NoticeKind::Late,
        ) => ("toast-to-network", Side::Network),
        Some(NoticeKind::PictureLost | NoticeKind::PictureBlack) => {
            ("toast-to-source", Side::Source)
        }
        Some(NoticeKind::SoundLost | NoticeKind::InputLost | NoticeKind::Silence) => {
            ("toast-to-sound", Side::Audio)
        }
        Some(NoticeKind::Cpu | NoticeKind::EncoderLost) => ("toast-to-encoder", Side::Encoder),
    }
}
