//! The latency meter's graph: median and 95 % over the last minute, and the two limits.

use super::latency::{FAIR_MS, GOOD_MS};
use super::{Scene, trend_events};
use crate::session::Snapshot;
use crate::session::snapshot::TrendPoint;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{self, Color32, Rect, Role, Sense, Ui, pos2, vec2};
use egui_plot::{HLine, Line, LineStyle, Plot, PlotBounds, PlotPoints};

/// The least height of the graph with the newest event's line beneath, points.
const LEAST_TOLD: f32 = 100.0;

/// The trend's points as lines: broken where more than 2 s are missing.
fn pieces(
    trend: &[TrendPoint],
    newest_s: f64,
    value: impl Fn(&TrendPoint) -> f64,
) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for point in trend {
        if point.at_s - last > 2.0 {
            pieces.push(Vec::new());
        }
        last = point.at_s;
        if let Some(piece) = pieces.last_mut() {
            piece.push([point.at_s - newest_s, value(point)]);
        }
    }
    pieces
}

/// The time at the graph's right edge: of the newest point or event, whichever came later. While
/// the connection is away there are no points.
fn newest_s(snapshot: &Snapshot) -> f64 {
    let point = snapshot.trend.last().map_or(0.0, |point| point.at_s);
    let event = snapshot.events.last().map_or(0.0, |event| event.at_s);
    point.max(event)
}

/// The upper end of the graph: room above what is there, always above the fair limit.
fn ceiling(trend: &[TrendPoint]) -> f64 {
    let highest = trend.iter().map(|point| point.p95_ms).fold(0.0, f64::max);
    let wanted = (highest * 1.1).max(FAIR_MS * 1.2);
    (wanted / 30.0).ceil() * 30.0
}

/// Draws the graph, `height` points high; `to_sending` where arrival is not measured.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, height: f32, to_sending: bool) {
    let points = &scene.snapshot.trend;
    let newest = newest_s(scene.snapshot);
    // A low graph keeps its height; the words are then had by pointing.
    let told = trend_events::any(scene, newest) && height >= LEAST_TOLD;
    let spacing = ui.spacing().item_spacing.y;
    let height = if told {
        height - trend_events::LINE - spacing
    } else {
        height
    };
    let top = ceiling(points);
    let title = scene.t(if to_sending {
        "latency-trend-sent"
    } else {
        "latency-trend"
    });
    let series = [
        (
            scene.t("latency-trend-p50"),
            theme::blue(),
            LineStyle::Solid,
        ),
        (
            scene.t("latency-trend-p95"),
            theme::purple(),
            LineStyle::Dashed { length: 5.0 },
        ),
    ];
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    widgets::name(&response, Role::Image, &scene.t("latency-trend-name"));
    ui.painter()
        .rect_filled(rect, theme::ROUND_SMALL, theme::well());
    // A gutter on the left for the scale, so that no figure lies under a line.
    let graph = Rect::from_min_max(rect.min + vec2(34.0, 22.0), rect.max - vec2(6.0, 6.0));
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(graph));
    let lines: Vec<Line<'_>> = pieces(points, newest, |p| p.p95_ms)
        .into_iter()
        .map(|piece| (piece, 1))
        .chain(
            pieces(points, newest, |p| p.p50_ms)
                .into_iter()
                .map(|piece| (piece, 0)),
        )
        .map(|(piece, which)| {
            let (name, colour, style) = &series[which];
            Line::new(name.clone(), PlotPoints::from(piece))
                .color(*colour)
                .width(if which == 0 { 2.0 } else { 1.5 })
                .style(*style)
                .allow_hover(false)
        })
        .collect();
    Plot::new("trend")
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(egui::Vec2::ZERO)
        .sense(Sense::hover())
        .show_crosshair(false)
        .show(&mut inside, |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([-60.0, 0.0], [0.0, top]));
            for (limit, colour) in [(GOOD_MS, theme::green()), (FAIR_MS, theme::amber())] {
                plot.hline(
                    HLine::new("", limit)
                        .color(theme::faded(colour, 0.6))
                        .width(1.0)
                        .style(LineStyle::Dotted { spacing: 5.0 })
                        .allow_hover(false),
                );
            }
            for line in lines {
                plot.line(line);
            }
        });
    legend(ui, rect, &title, &series);
    scale(ui, rect.left() + 30.0, graph, top);
    trend_events::on_graph(ui, scene, graph, newest);
    if told {
        trend_events::newest(ui, scene, newest);
    }
}

/// The scale's figures, ms, in the gutter.
fn scale(ui: &Ui, right: f32, graph: Rect, top_ms: f64) {
    let painter = ui.painter();
    let marks = [
        (0.0, theme::text_dim()),
        (GOOD_MS, theme::green()),
        (FAIR_MS, theme::amber()),
        (top_ms, theme::text_dim()),
    ];
    let mut above = f32::INFINITY;
    for (value, colour) in marks {
        let y = graph.bottom() - (value / top_ms) as f32 * graph.height();
        // A low graph has no room for all: the limits go first.
        let y = y.clamp(graph.top() + 2.0, graph.bottom() - 4.0);
        if above - y < 13.0 {
            continue;
        }
        above = y;
        let font = theme::regular(11.5);
        let at = pos2(right, y);
        painter.text(
            at,
            egui::Align2::RIGHT_CENTER,
            numbers::fixed(value, 0),
            font,
            colour,
        );
    }
}

/// Title and the two lines' names along the graph's upper edge.
fn legend(ui: &Ui, rect: Rect, title: &str, series: &[(String, Color32, LineStyle); 2]) {
    let painter = ui.painter();
    let y = rect.top() + 11.0;
    let font = theme::regular(11.5);
    let at = pos2(rect.left() + 8.0, y);
    painter.text(
        at,
        egui::Align2::LEFT_CENTER,
        title,
        font.clone(),
        theme::text_dim(),
    );
    let mut x = rect.right() - 8.0;
    for (name, colour, style) in series.iter().rev() {
        let text = painter.text(
            pos2(x, y),
            egui::Align2::RIGHT_CENTER,
            name,
            font.clone(),
            theme::text_soft(),
        );
        x = text.left() - 6.0;
        let stroke = egui::Stroke::new(2.0, *colour);
        if *style == LineStyle::Solid {
            painter.hline(x - 20.0..=x, y, stroke);
        } else {
            for part in 0..3 {
                let from = x - 20.0 + 7.5 * part as f32;
                painter.hline(from..=from + 5.0, y, stroke);
            }
        }
        x -= 34.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line() {
        let point = |at_s| TrendPoint {
            at_s,
            p50_ms: 40.0,
            p95_ms: 50.0,
        };
        let trend = [point(0.0), point(0.25), point(5.0), point(5.25)];
        let pieces = pieces(&trend, 5.25, |p| p.p50_ms);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[1][1], [0.0, 40.0]);
    }

    #[test]
    fn the_graph_always_has_room_for_both_limits() {
        assert_eq!(ceiling(&[]), 90.0);
        let high = TrendPoint {
            at_s: 0.0,
            p50_ms: 140.0,
            p95_ms: 210.0,
        };
        assert_eq!(ceiling(&[high]), 240.0);
    }
}
