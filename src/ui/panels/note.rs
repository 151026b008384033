//! What the last key did where nothing else shows it: why it was refused, what was taken back. One line over
//! the lower row for some seconds; it takes no press and moves nothing. The window's thread.

use super::Scene;
use crate::clock::MonoTime;
use crate::ui::theme;
use eframe::egui::{Align2, Area, Context, Id, Label, Order, RichText, Role, accesskit, vec2};
use std::time::Duration;

/// How long a note stands.
const STANDS: Duration = Duration::from_secs(5);

/// A note and when it was made, on the window's time.
#[derive(Clone, Debug, Default)]
pub struct Note(Option<(String, MonoTime)>);

impl Note {
    /// Says `text`, in place of what was said before.
    pub fn say(&mut self, text: impl Into<String>, now: MonoTime) {
        self.0 = Some((text.into(), now));
    }

    /// What is to be read at `now`.
    pub fn text(&self, now: MonoTime) -> Option<&str> {
        let (text, at) = self.0.as_ref()?;
        (now.since(*at) < STANDS).then_some(text)
    }
}

/// Draws it.
pub fn show(ctx: &Context, scene: &Scene<'_>, note: &Note, above: f32) {
    let Some(text) = note.text(scene.now) else {
        return;
    };
    Area::new(Id::unique("note"))
        .order(Order::Tooltip)
        .interactable(false)
        .anchor(Align2::CENTER_BOTTOM, vec2(0.0, -above))
        .show(ctx, |ui| {
            theme::card_frame().inner_margin(10).show(ui, |ui| {
                ui.set_max_width((ctx.content_rect().width() - 64.0).min(640.0));
                let words = RichText::new(scene.say(text))
                    .font(theme::regular(14.5))
                    .color(theme::text());
                let response = ui.add(Label::new(words).wrap().selectable(false));
                ctx.accesskit_node_builder(response.id, |node| {
                    node.set_role(Role::Status);
                    node.set_live(accesskit::Live::Polite);
                });
            });
        });
}
