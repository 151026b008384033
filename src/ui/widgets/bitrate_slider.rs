//! The bitrate slider: logarithmic, with the scale beneath, the measured bitrate as a mark, and
//! steps that make round figures. Keyboard and AccessKit can do all that the pointer can.

pub use crate::ui::numbers::bitrate as figure;
use crate::ui::theme;
pub use crate::units::bitrate_rung as rung;
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use eframe::egui::{
    self, EventFilter, Key, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    accesskit::{Action, ActionData},
    pos2, vec2,
};

/// Figures of the scale, kb/s, those that matter most first.
const SCALE: [(u32, &str); 7] = [
    (100, "0.1"),
    (10_000, "10 Mb/s"),
    (1000, "1"),
    (3000, "3"),
    (300, "0.3"),
    (5000, "5"),
    (500, "0.5"),
];

/// The nearest value in bounds that makes a round figure: steps of 10 below 500 kb/s, 50 below
/// 1000, else 100.
pub fn snap(kbps: f64) -> u32 {
    let step = fine_step(kbps);
    let rounded = ((kbps / step).round() * step).round();
    // A float out of range saturates; NaN becomes 0 and then the lower bound.
    (rounded as u32).clamp(BITRATE_MIN_KBPS, BITRATE_MAX_KBPS)
}

/// A bitrate within the slider's ends, kb/s.
pub fn clamp(kbps: u32) -> u32 {
    kbps.clamp(BITRATE_MIN_KBPS, BITRATE_MAX_KBPS)
}

fn fine_step(kbps: f64) -> f64 {
    if kbps < 500.0 {
        10.0
    } else if kbps < 1000.0 {
        50.0
    } else {
        100.0
    }
}

/// One fine step up or down: what an arrow key does.
pub fn nudge(kbps: u32, up: bool) -> u32 {
    let value = f64::from(kbps);
    if up {
        snap(value + fine_step(value))
    } else {
        snap(value - fine_step(value - 1.0))
    }
}

fn share(kbps: f64) -> f32 {
    let (low, high) = (f64::from(BITRATE_MIN_KBPS), f64::from(BITRATE_MAX_KBPS));
    ((kbps.clamp(low, high) / low).ln() / (high / low).ln()) as f32
}

fn at_share(share: f32) -> f64 {
    let (low, high) = (f64::from(BITRATE_MIN_KBPS), f64::from(BITRATE_MAX_KBPS));
    low * (high / low).powf(f64::from(share.clamp(0.0, 1.0)))
}

/// What the slider shows beside the bitrate wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// A change is on its way.
    pub pending: bool,
    /// What comes out of the encoder, kb/s.
    pub measured: Option<f64>,
    /// The lowest that an adaptive bitrate goes to, kb/s.
    pub floor: Option<u32>,
    /// What an adaptive bitrate holds, kb/s: the rail is full up to here.
    pub in_force: Option<u32>,
}

/// Draws the slider over `width` and changes `kbps` as the operator moves it. Height: 40 points.
pub fn show(ui: &mut Ui, width: f32, kbps: &mut u32, look: &Look, name: &str) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(width, 40.0), Sense::click_and_drag());
    let before = *kbps;
    let rail = Rect::from_min_max(
        pos2(rect.left() + 11.0, rect.top() + 10.0),
        pos2(rect.right() - 11.0, rect.top() + 16.0),
    );

    if let Some(at) = response.interact_pointer_pos() {
        *kbps = snap(at_share((at.x - rail.left()) / rail.width()));
        response.request_focus();
    }
    if response.has_focus() {
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    *kbps = by_keys(ui, &response, *kbps);
    if *kbps != before {
        response.mark_changed();
    }
    describe(ui, &response, *kbps, name);
    if ui.is_rect_visible(rect) {
        paint(ui, rail, &response, *kbps, look);
    }
    response
}

/// Arrow keys, Home and End, and what assistive programs ask for.
fn by_keys(ui: &Ui, response: &Response, mut kbps: u32) -> u32 {
    // Asked before: egui's lock is not to be taken again within `input`.
    let focused = response.has_focus();
    ui.input(|input| {
        let mut up = input.num_accesskit_action_requests(response.id, Action::Increment);
        let mut down = input.num_accesskit_action_requests(response.id, Action::Decrement);
        if focused {
            up += input.num_presses(Key::ArrowRight);
            down += input.num_presses(Key::ArrowLeft);
            if input.key_pressed(Key::Home) {
                kbps = BITRATE_MIN_KBPS;
            }
            if input.key_pressed(Key::End) {
                kbps = BITRATE_MAX_KBPS;
            }
        }
        for _ in 0..up.min(100) {
            kbps = nudge(kbps, true);
        }
        for _ in 0..down.min(100) {
            kbps = nudge(kbps, false);
        }
        for request in input.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(value)) = request.data {
                kbps = snap(value);
            }
        }
        kbps
    })
}

fn describe(ui: &Ui, response: &Response, kbps: u32, name: &str) {
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), f64::from(kbps), name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(f64::from(BITRATE_MIN_KBPS));
        node.set_max_numeric_value(f64::from(BITRATE_MAX_KBPS));
        node.set_value(figure(kbps));
        node.add_action(Action::SetValue);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
}

fn paint(ui: &Ui, rail: Rect, response: &Response, kbps: u32, look: &Look) {
    let painter = ui.painter();
    let x = |share: f32| rail.left() + share * rail.width();
    let handle_x = x(share(f64::from(kbps)));
    let colour = if look.pending {
        theme::amber()
    } else {
        theme::blue()
    };
    painter.rect_filled(rail, 3.0, theme::button());
    let filled = rail.with_max_x(handle_x);
    match look.in_force {
        None => {
            painter.rect_filled(filled, 3.0, colour);
        }
        Some(held) => {
            // Up to the ceiling it may go; up to here it does.
            painter.rect_filled(filled, 3.0, theme::faded(colour, 0.4));
            let held_x = x(share(f64::from(held))).min(handle_x);
            painter.rect_filled(rail.with_max_x(held_x), 3.0, colour);
        }
    }
    if let Some(floor) = look.floor {
        // A post with a foot to the right: not lower than here.
        let at = x(share(f64::from(floor)));
        let stroke = Stroke::new(2.0, theme::text());
        painter.vline(at, rail.top() - 5.0..=rail.bottom() + 3.0, stroke);
        painter.hline(at..=at + 6.0, rail.top() - 5.0, stroke);
    }
    scale(ui, rail);
    if let Some(measured) = look.measured {
        // A small mark over the rail: where the encoder really is.
        let at = pos2(x(share(measured)), rail.top() - 3.5);
        super::marks::triangle(painter, at, 4.5, 0.25, theme::text());
    }
    let centre = pos2(handle_x, rail.center().y);
    let radius = if response.hovered() || response.dragged() {
        10.0
    } else {
        9.0
    };
    painter.circle_filled(centre, radius, theme::text());
    painter.circle_filled(centre, radius - 4.0, colour);
    if response.has_focus() {
        let ring = Rect::from_center_size(centre, egui::Vec2::splat(2.0 * radius + 5.0));
        painter.rect_stroke(
            ring,
            14.0,
            Stroke::new(2.0, theme::blue()),
            StrokeKind::Inside,
        );
    }
}

/// The scale under the rail; a figure that would touch another is left out, the ends never.
fn scale(ui: &Ui, rail: Rect) {
    let painter = ui.painter();
    let mut taken: Vec<Rect> = Vec::new();
    for (mark, label) in SCALE {
        let share = share(f64::from(mark));
        let x = rail.left() + share * rail.width();
        let font = theme::regular(11.0);
        let galley = painter.layout_no_wrap(label.to_owned(), font, theme::text_dim());
        let width = galley.size().x;
        let left = (x - width / 2.0).clamp(rail.left() - 9.0, rail.right() + 9.0 - width);
        let at = pos2(left, rail.bottom() + 6.0);
        let place = Rect::from_min_size(at, galley.size()).expand2(vec2(4.0, 0.0));
        if taken.iter().any(|other| other.intersects(place)) {
            continue;
        }
        taken.push(place);
        let tick = rail.bottom() + 2.0..=rail.bottom() + 6.0;
        painter.vline(x, tick, Stroke::new(1.0, theme::text_dim()));
        painter.galley(at, galley, theme::text_dim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_on_the_rail_and_its_bitrate_agree() {
        assert_eq!(snap(at_share(0.0)), 100);
        assert_eq!(snap(at_share(0.5)), 1000);
        assert_eq!(snap(at_share(1.0)), 10_000);
        assert!((share(1000.0) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn steps_are_round_and_stop_at_the_ends() {
        assert_eq!(nudge(1000, true), 1100);
        assert_eq!(nudge(1000, false), 950);
        assert_eq!(nudge(500, false), 490);
        assert_eq!(nudge(100, false), 100);
        assert_eq!(nudge(10_000, true), 10_000);
        assert_eq!(rung(3000, true), 3500);
        assert_eq!(rung(3000, false), 2500);
        assert_eq!(rung(3100, false), 3000);
        assert_eq!(rung(10_000, true), 10_000);
        assert_eq!(rung(100, false), 100);
    }

    #[test]
    fn figures_are_for_people() {
        assert_eq!(figure(400), "400 kb/s");
        assert_eq!(figure(3000), "3.0 Mb/s");
        assert_eq!(figure(1250), "1.25 Mb/s");
    }

    proptest! {
        #[test]
        fn whatever_comes_in_stays_in_bounds(value in proptest::num::f64::ANY) {
            let kbps = snap(value);
            prop_assert!((BITRATE_MIN_KBPS..=BITRATE_MAX_KBPS).contains(&kbps));
        }

        #[test]
        fn a_step_always_moves_and_a_step_back_never_passes(kbps in 101_u32..10_000) {
            let up = nudge(kbps, true);
            prop_assert!(up > kbps);
            prop_assert!(nudge(kbps, false) < kbps);
            prop_assert!(rung(kbps, true) > kbps && rung(kbps, false) < kbps);
        }
    }
}
