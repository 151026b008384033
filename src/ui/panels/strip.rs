//! The strip: all that a show needs in a window as low as can be, kept in front of other programs where the window
//! manager does that. State, time, latency, bitrate, drops, sound and viewers as in the large window, STOP with the same
//! guard, mute, and the way back. Main thread.

use super::live::Block;
use super::{Scene, far, live, theme};
use crate::control::Op;
use crate::ui::actions::Action;
use eframe::egui::{Button, Layout, Rect, RichText, Sense, Ui, pos2, vec2};

/// The strip's size when it is opened, points.
pub const SIZE: [f32; 2] = [920.0, 74.0];
/// The least, points.
pub const LEAST: [f32; 2] = [560.0, 52.0];

/// Draws it into all of `ui`. `left` is the share of time left to press STOP again.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    dropping: bool,
    left: Option<f32>,
    block: Option<Block>,
    actions: &mut Vec<Action>,
) {
    let rect = ui.max_rect().shrink(4.0);
    ui.allocate_rect(rect, Sense::hover());
    let gap = 4.0;
    let stop = (rect.width() * 0.16).clamp(96.0, 190.0);
    let buttons = (rect.width() * 0.1).clamp(64.0, 110.0);
    let cut =
        |from: f32, to: f32| Rect::from_min_max(pos2(from, rect.top()), pos2(to, rect.bottom()));
    let face = cut(rect.right() - stop, rect.right());
    live::show(ui, face, scene, left, block, actions);
    let middle = cut(face.left() - gap - buttons, face.left() - gap);
    let child = eframe::egui::UiBuilder::new()
        .id_salt("strip buttons")
        .max_rect(middle);
    let layout = Layout::top_down_justified(eframe::egui::Align::Center);
    let mut column = ui.new_child(child.layout(layout));
    column.spacing_mut().item_spacing.y = 3.0;
    column.spacing_mut().button_padding = vec2(4.0, 1.0);
    let size = vec2(middle.width(), (middle.height() - 3.0) / 2.0);
    let key = if scene.muted {
        "audio-unmute"
    } else {
        "audio-mute"
    };
    let text = RichText::new(scene.t(key)).font(theme::regular(12.5));
    let mute = if scene.muted {
        let (ground, ink) = theme::warning();
        Button::new(text.color(ink)).fill(ground)
    } else {
        Button::new(text)
    };
    if column
        .add(mute.min_size(size))
        .on_hover_text(scene.keys_of(Op::MuteToggle))
        .clicked()
    {
        actions.push(Action::Muted(!scene.muted));
    }
    let text = RichText::new(scene.t("strip-back")).font(theme::regular(12.5));
    let back = column.add(Button::new(text).min_size(size));
    if back.on_hover_text(scene.keys_of(Op::StripToggle)).clicked() {
        actions.push(Action::Strip(false));
    }
    let figures = cut(rect.left(), middle.left() - gap);
    let child = eframe::egui::UiBuilder::new()
        .id_salt("strip figures")
        .max_rect(figures);
    far::fill(&mut ui.new_child(child), scene, dropping, figures.height());
}
