//! The one big button. What it says and does depends on the state; see [`Face`].

use super::{fitted, marks};
use crate::ui::theme;
use eframe::egui::{
    self, Color32, CornerRadius, Event, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    accesskit::Action, vec2,
};

/// The shape on the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A triangle: begin.
    Go,
    /// A square: end.
    Stop,
    /// None.
    None,
}

/// How the button looks in a state.
#[derive(Clone, Debug)]
pub struct Face<'a> {
    /// The word on it, also its accessible name.
    pub label: &'a str,
    /// A small line beneath.
    pub hint: &'a str,
    /// The shape.
    pub mark: Mark,
    /// Ground.
    pub fill: Color32,
    /// Ground under the pointer.
    pub hover: Color32,
    /// Outline and shape.
    pub edge: Color32,
    /// Text.
    pub ink: Color32,
    /// Whether it can be pressed.
    pub enabled: bool,
    /// Whether it is held down instead of pressed.
    pub held: bool,
    /// Share of time left to press again, drawn as a bar that runs out.
    pub left: Option<f32>,
}

/// What was done to the button in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// It was pressed and let go, or pressed by a key. A key held down does not press again and again.
    pub clicked: bool,
    /// It is held down, by the pointer or by a key.
    pub down: bool,
    /// The click came from an assistive program.
    pub by_assistance: bool,
}

/// Draws the button into all of `rect`.
pub fn show(ui: &mut Ui, rect: Rect, face: &Face<'_>) -> Press {
    let id = ui.scope_id().with("big");
    let sense = if face.enabled && face.held {
        // A press of more than a moment is no click to egui, but still a drag.
        Sense::click_and_drag()
    } else if face.enabled {
        Sense::click()
    } else {
        Sense::hover()
    };
    let response = ui.interact(rect, id, sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, face.enabled, face.label));
    let clicked = response.clicked() && !ui.input(|input| input.events.iter().any(is_repeat));
    let (keys, by_assistance) = ui.input(|input| {
        let keys = input.key_down(Key::Space) || input.key_down(Key::Enter);
        let by_assistance = input.has_accesskit_action_request(response.id, Action::Click);
        (keys, by_assistance)
    });
    let pointer = response.is_pointer_button_down_on() && response.contains_pointer();
    let press = Press {
        clicked,
        down: face.enabled && (pointer || (response.has_focus() && keys)),
        by_assistance,
    };

    let round = CornerRadius::same(theme::ROUND);
    let hot = face.enabled && (response.hovered() || response.has_focus());
    let fill = if hot { face.hover } else { face.fill };
    let painter = ui.painter();
    painter.rect_filled(rect, round, fill);
    painter.rect_stroke(rect, round, Stroke::new(1.5, face.edge), StrokeKind::Inside);
    if response.has_focus() {
        let stroke = Stroke::new(2.0, theme::blue());
        painter.rect_stroke(rect.shrink(3.0), round, stroke, StrokeKind::Inside);
    }
    if let Some(left) = face.left {
        let mut bar = rect.shrink2(vec2(8.0, 6.0));
        bar.set_top(bar.bottom() - 4.0);
        bar.set_width(bar.width() * left);
        painter.rect_filled(bar, 2.0, face.ink);
    }

    // To be read from across the room: as large as the button allows.
    let largest = (rect.height() * 0.48).clamp(20.0, 72.0);
    let mark_space = if face.mark == Mark::None {
        0.0
    } else {
        largest * 0.75
    };
    let room = rect.width() - 20.0 - mark_space;
    let label = fitted(ui, face.label, theme::bold, 14.0..=largest, room, face.ink);
    let hint = fitted(
        ui,
        face.hint,
        theme::regular,
        9.0..=12.5,
        rect.width() - 20.0,
        face.ink,
    );
    let height = label.size().y + hint.size().y;
    let top = rect.center().y - height / 2.0;
    let left = rect.center().x - (label.size().x + mark_space) / 2.0;
    let painter = ui.painter();
    let radius = label.size().y * 0.21;
    let mark_at = egui::pos2(left + radius, top + label.size().y * 0.53);
    match face.mark {
        Mark::Go => marks::triangle(painter, mark_at, radius, 0.0, face.ink),
        Mark::Stop => marks::square(painter, mark_at, radius * 0.9, face.edge),
        Mark::None => {}
    }
    let hint_at = egui::pos2(rect.center().x - hint.size().x / 2.0, top + label.size().y);
    painter.galley(egui::pos2(left + mark_space, top), label, face.ink);
    painter.galley(hint_at, hint, face.ink);
    press
}

/// Whether an event is a held key's repetition of one that presses buttons.
fn is_repeat(event: &Event) -> bool {
    matches!(
        event,
        Event::Key {
            key: Key::Enter | Key::Space,
            pressed: true,
            repeat: true,
            ..
        }
    )
}
