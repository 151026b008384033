//! What happened within the latency meter's last minute: a mark on the graph for each, by kind in
//! shape and colour, its words when pointed at, and the newest one's words beneath.

use super::Scene;
use crate::session::snapshot::{TrendEvent, TrendKind};
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{self, Color32, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, pos2, vec2};

/// Height of the newest event's line, points.
pub const LINE: f32 = 20.0;
/// The graph's width in time, seconds.
const SPAN_S: f64 = 60.0;

/// A kind's word and colour.
fn look(kind: TrendKind) -> (&'static str, Color32) {
    match kind {
        TrendKind::Wished => ("event-wished", theme::text()),
        TrendKind::Adapted => ("event-adapted", theme::amber()),
        TrendKind::Failover => ("event-failover", theme::vermillion()),
        TrendKind::Reconnected => ("event-reconnected", theme::yellow()),
    }
}

/// A kind's shape: diamond (wished), triangle (adapted), cross (another encoder), ring (connected
/// again).
fn mark(painter: &Painter, centre: Pos2, kind: TrendKind, colour: Color32) {
    match kind {
        TrendKind::Wished => {
            let corner = |x, y| centre + vec2(x, y) * 5.5;
            let corners = [
                corner(0.0, -1.0),
                corner(1.0, 0.0),
                corner(0.0, 1.0),
                corner(-1.0, 0.0),
            ];
            let shape = egui::Shape::convex_polygon(corners.to_vec(), colour, Stroke::NONE);
            painter.add(shape);
        }
        TrendKind::Adapted => marks::triangle(painter, centre, 6.0, 0.25, colour),
        TrendKind::Failover => marks::cross(painter, centre, 4.5, Stroke::new(2.5, colour)),
        TrendKind::Reconnected => {
            painter.circle_stroke(centre, 4.5, Stroke::new(2.0, colour));
        }
    }
}

/// Seconds from the event to the graph's right edge; None where it is no longer on the graph.
fn age_s(event: &TrendEvent, newest_s: f64) -> Option<f64> {
    let age = newest_s - event.at_s;
    (0.0..=SPAN_S).contains(&age).then_some(age)
}

/// Marks the events on the graph, whose right edge is `newest_s`.
pub fn on_graph(ui: &Ui, scene: &Scene<'_>, graph: Rect, newest_s: f64) {
    let painter = ui.painter();
    for (index, event) in scene.snapshot.events.iter().enumerate() {
        let Some(age) = age_s(event, newest_s) else {
            continue;
        };
        let (_, colour) = look(event.kind);
        let x = graph.right() - (age / SPAN_S) as f32 * graph.width();
        let line = Stroke::new(1.0, theme::faded(colour, 0.5));
        painter.vline(x, graph.top() + 12.0..=graph.bottom(), line);
        mark(painter, pos2(x, graph.top() + 6.0), event.kind, colour);
        let place = Rect::from_x_y_ranges(x - 7.0..=x + 7.0, graph.y_range());
        let id = ui.scope_id().with(("trend event", index));
        let response = ui.interact(place, id, Sense::hover());
        let words = words(scene, event);
        widgets::name(&response, Role::Label, &words);
        if response.hovered() {
            // A brighter line: which of several the words belong to.
            painter.vline(x, graph.y_range(), Stroke::new(1.5, colour));
        }
        response.on_hover_text(words);
    }
}

fn words(scene: &Scene<'_>, event: &TrendEvent) -> String {
    let (key, _) = look(event.kind);
    format!("{}: {}", scene.t(key), scene.say(&event.text))
}

/// Whether there is a line for [`newest`].
pub fn any(scene: &Scene<'_>, newest_s: f64) -> bool {
    let newest = scene.snapshot.events.last();
    newest.is_some_and(|event| age_s(event, newest_s).is_some())
}

/// The newest event's mark, age and words, in one line.
pub fn newest(ui: &mut Ui, scene: &Scene<'_>, newest_s: f64) {
    let Some(event) = scene.snapshot.events.last() else {
        return;
    };
    let Some(age) = age_s(event, newest_s) else {
        return;
    };
    widgets::row(ui, LINE, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (_, colour) = look(event.kind);
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
        mark(ui.painter(), rect.center(), event.kind, colour);
        let seconds = numbers::fixed(age, 0);
        let age = scene.texts.f("event-age", &[("seconds", &seconds)]);
        widgets::text(ui, age, theme::regular(12.5), theme::text_dim());
        let font = theme::regular(13.0);
        widgets::short_text(ui, words(scene, event), font, theme::text_soft());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_leaves_the_graph_after_a_minute() {
        let event = TrendEvent {
            at_s: 100.0,
            kind: TrendKind::Wished,
            text: String::new(),
        };
        assert_eq!(age_s(&event, 100.0), Some(0.0));
        assert_eq!(age_s(&event, 130.0), Some(30.0));
        assert_eq!(age_s(&event, 160.5), None);
    }

    #[test]
    fn each_kind_has_its_own_word_and_colour() {
        use TrendKind::{Adapted, Failover, Reconnected, Wished};
        let looks = [Wished, Adapted, Failover, Reconnected].map(look);
        for (i, one) in looks.iter().enumerate() {
            for other in &looks[i + 1..] {
                assert!(one.0 != other.0 && one.1 != other.1, "{one:?} {other:?}");
            }
        }
    }
}
