//! Shapes that say by form what the colour beside them says too: a state, a severity, a verdict.

use crate::session::snapshot::{Severity, State};
use eframe::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use std::f32::consts::TAU;

/// Draws a state's shape: ring (idle), three dots (busy), disc (on air), broken ring with arrow
/// (reconnecting), cross (failed).
pub fn state(painter: &Painter, centre: Pos2, radius: f32, state: &State, colour: Color32) {
    let thick = Stroke::new((radius * 0.3).max(2.0), colour);
    match state {
        State::Idle => {
            painter.circle_stroke(centre, radius * 0.85, thick);
        }
        State::Preflight | State::Starting | State::Stopping => {
            for i in -1..=1 {
                let at = centre + vec2(i as f32 * radius * 0.85, 0.0);
                painter.circle_filled(at, radius * 0.3, colour);
            }
        }
        State::Live => {
            painter.circle_filled(centre, radius, colour);
        }
        State::Reconnecting { .. } => {
            let arc = (2..=16).map(|i| {
                let angle = TAU * i as f32 / 18.0;
                centre + radius * 0.85 * vec2(angle.cos(), angle.sin())
            });
            painter.add(Shape::line(arc.collect(), thick));
            let tip = centre + vec2(radius * 0.85, radius * 0.1);
            triangle(painter, tip, radius * 0.55, 0.25, colour);
        }
        State::Failed { .. } => cross(painter, centre, radius * 0.75, thick),
    }
}

/// Draws a severity's shape: dot, triangle, cross.
pub fn severity(painter: &Painter, centre: Pos2, radius: f32, severity: Severity, colour: Color32) {
    match severity {
        Severity::Info => {
            painter.circle_filled(centre, radius * 0.5, colour);
        }
        Severity::Warning => triangle(painter, centre, radius, -0.25, colour),
        Severity::Error => cross(painter, centre, radius * 0.75, Stroke::new(2.5, colour)),
    }
}

/// A tick: all is well.
pub fn tick(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let points = [(-0.8, 0.05), (-0.2, 0.65), (0.85, -0.6)];
    let line = points.map(|(x, y)| centre + radius * vec2(x, y));
    painter.add(Shape::line(line.to_vec(), Stroke::new(2.5, colour)));
}

/// The square of STOP.
pub fn square(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let rect = Rect::from_center_size(centre, Vec2::splat(radius * 1.6));
    painter.rect_filled(rect, 2.0, colour);
}

/// A cross.
pub fn cross(painter: &Painter, centre: Pos2, radius: f32, stroke: Stroke) {
    for sign in [-1.0, 1.0] {
        let arm = vec2(radius, radius * sign);
        painter.line_segment([centre - arm, centre + arm], stroke);
    }
}

/// A loudspeaker struck through: no sound is sent, as wished.
pub fn silent(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let at = |x: f32, y: f32| centre + radius * vec2(x, y);
    let cone = vec![at(-0.2, 0.0), at(0.35, -0.75), at(0.35, 0.75)];
    painter.add(Shape::convex_polygon(cone, colour, Stroke::NONE));
    let body = Rect::from_min_max(at(-0.6, -0.35), at(0.0, 0.35));
    painter.rect_filled(body, 0.0, colour);
    let stroke = Stroke::new((radius * 0.22).max(2.0), colour);
    painter.line_segment([at(-0.9, 0.9), at(0.9, -0.9)], stroke);
}

/// An arrow that turns back: three quarters of a circle against the clock.
pub fn back(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let at = |turn: f32| {
        let angle = turn * std::f32::consts::TAU;
        centre + radius * eframe::egui::vec2(angle.cos(), angle.sin())
    };
    let points = (0..=12).map(|i| at(0.375 - 0.0625 * i as f32)).collect();
    let stroke = Stroke::new(1.6, colour);
    painter.add(eframe::egui::Shape::line(points, stroke));
    triangle(painter, at(0.62), radius * 0.6, -0.38, colour);
}

/// A filled triangle pointing to `turn` (0 right, 0.25 down, -0.25 up; parts of a full turn).
pub fn triangle(painter: &Painter, centre: Pos2, radius: f32, turn: f32, colour: Color32) {
    let corner = |i: u8| {
        let angle = TAU * (turn + f32::from(i) / 3.0);
        pos2(
            centre.x + radius * angle.cos(),
            centre.y + radius * angle.sin(),
        )
    };
    painter.add(Shape::convex_polygon(
        vec![corner(0), corner(1), corner(2)],
        colour,
        Stroke::NONE,
    ));
}
