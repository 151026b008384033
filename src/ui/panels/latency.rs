//! The latency meter: one figure to be read from across the room, where it comes from, how it went
//! over the last minute. A figure is shown only where it was measured.

use super::Scene;
use crate::session::Snapshot;
use crate::session::snapshot::{Receiver, StageFigures, State, TrendPoint};
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{self, Color32, Rect, Role, Sense, Ui, pos2, vec2};
use egui_plot::{HLine, Line, LineStyle, Plot, PlotBounds, PlotPoints};

/// Latency that the fast ways into the server reach (media facts: SRT pull, median), ms.
pub const GOOD_MS: f64 = 41.0;
/// Latency that a camera operator still follows with ease, ms.
pub const FAIR_MS: f64 = 75.0;
/// The least height of the graph, points.
const LEAST_GRAPH: f32 = 64.0;
/// A live show without a figure for so long is said to have none, rather than to wait for one.
const WAIT_S: f64 = 5.0;

/// What can be said of the latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Capture to arrival was measured.
    Arrived(StageFigures),
    /// Only capture to sending was; the key says why not more.
    Sent(StageFigures, &'static str),
    /// Nothing was; the key says why.
    Unknown(&'static str),
}

/// What can be said of the latency now.
pub fn reading(snapshot: &Snapshot) -> Reading {
    if matches!(snapshot.state, State::Idle | State::Failed { .. }) {
        return Reading::Unknown("latency-why-idle");
    }
    if let Some(figures) = snapshot.latency.arrived {
        return Reading::Arrived(figures);
    }
    let why = why(snapshot);
    match snapshot.latency.sent {
        Some(figures) => Reading::Sent(figures, why),
        None => Reading::Unknown(why),
    }
}

fn why(snapshot: &Snapshot) -> &'static str {
    match snapshot.state {
        State::Idle | State::Failed { .. } | State::Stopping => "latency-why-idle",
        State::Preflight | State::Starting => "latency-why-wait",
        State::Reconnecting { .. } => "latency-why-reconnect",
        State::Live => {
            let own = matches!(snapshot.receiver, Some(Receiver::OwnServer { .. }));
            let young = snapshot
                .live_since
                .is_none_or(|since| snapshot.at.since(since).as_secs_f64() < WAIT_S);
            if own && snapshot.settings.target.webrtc_url.is_empty() {
                "latency-why-probe"
            } else if young {
                "latency-why-wait"
            } else {
                "latency-why-none"
            }
        }
    }
}

/// A latency as text: whole milliseconds, one decimal below ten.
pub fn ms(value: f64) -> String {
    if value < 9.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Draws the panel's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let reading = reading(scene.snapshot);
    widgets::row(ui, 28.0, |ui| {
        widgets::caption(ui, &scene.t("latency-title"));
        let key = match reading {
            Reading::Sent(..) => "latency-sent",
            _ => "latency-arrived",
        };
        widgets::short_text(ui, scene.t(key), theme::regular(13.0), theme::TEXT_DIM);
    });
    let foot = 46.0;
    let stages = if scene.small { 56.0 } else { 68.0 };
    let spacing = ui.spacing().item_spacing.y;
    let rest = ui.available_height() - foot - stages - 3.0 * spacing;
    let mut big = (ui.available_height() * 0.24).clamp(56.0, 128.0);
    let graph = rest - big >= LEAST_GRAPH;
    if !graph {
        // Too low for a graph: the room goes to the figure.
        big = rest.clamp(48.0, 128.0);
    }
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), big), Sense::hover());
    headline(ui, scene, rect, big, &reading, &response);

    if graph {
        let to_sending = matches!(reading, Reading::Sent(..));
        trend(ui, scene, rest - big, to_sending);
    }
    stage_row(ui, scene, stages);
    foot_row(ui, scene, foot);
}

/// The figure in its large type, or a dash and why there is none.
fn headline(
    ui: &Ui,
    scene: &Scene<'_>,
    rect: Rect,
    big: f32,
    reading: &Reading,
    response: &egui::Response,
) {
    let painter = ui.painter();
    let (text, name) = match reading {
        Reading::Arrived(figures) => {
            let value = ms(figures.p50_ms);
            let name = scene.texts.f("latency-name", &[("value", &value)]);
            (value, name)
        }
        Reading::Sent(figures, _) => {
            let value = ms(figures.p50_ms);
            let name = scene.texts.f("latency-sent-name", &[("value", &value)]);
            ("—".to_owned(), name)
        }
        Reading::Unknown(why) => {
            let reason = scene.t(why);
            let name = scene
                .texts
                .f("latency-unknown-name", &[("reason", &reason)]);
            ("—".to_owned(), name)
        }
    };
    widgets::name(response, Role::Status, &name);
    let known = matches!(reading, Reading::Arrived(_));
    let colour = if known { theme::TEXT } else { theme::TEXT_DIM };
    let figure = widgets::fitted(
        ui,
        &text,
        theme::bold,
        30.0..=big,
        rect.width() * 0.55,
        colour,
    );
    let size = figure.size();
    // The line box of a large type is taller than its digits: centre the digits.
    let at = pos2(rect.left(), rect.center().y - size.y * 0.53);
    painter.galley(at, figure, colour);
    let mut left = rect.left() + size.x + 8.0;
    if known {
        let font = theme::regular(big * 0.3);
        let base = pos2(left, rect.center().y + big * 0.36);
        let unit = painter.text(
            base,
            egui::Align2::LEFT_BOTTOM,
            scene.t("latency-ms"),
            font,
            theme::TEXT_SOFT,
        );
        left = unit.right();
    }
    let side = Rect::from_min_max(pos2(left + 18.0, rect.top() + 4.0), rect.max);
    match reading {
        Reading::Arrived(figures) => side_figures(ui, scene, side, figures),
        Reading::Sent(figures, why) => {
            let value = format!("{} {}", ms(figures.p50_ms), scene.t("latency-ms"));
            side_words(
                ui,
                side,
                &scene.t(why),
                Some((&scene.t("latency-sent-only"), &value)),
            );
        }
        Reading::Unknown(why) => side_words(ui, side, &scene.t(why), None),
    }
}

/// 95 %, maximum and the verdict, beside the figure.
fn side_figures(ui: &Ui, scene: &Scene<'_>, rect: Rect, figures: &StageFigures) {
    let painter = ui.painter();
    let (limit, key, colour, good) = if figures.p50_ms <= GOOD_MS {
        (GOOD_MS, "latency-good", theme::GREEN, true)
    } else if figures.p50_ms <= FAIR_MS {
        (FAIR_MS, "latency-fair", theme::BLUE, true)
    } else {
        (FAIR_MS, "latency-over", theme::AMBER, false)
    };
    let verdict = scene.texts.f(key, &[("limit", &format!("{limit:.0}"))]);
    let rows = [
        (scene.t("latency-p95"), ms(figures.p95_ms)),
        (scene.t("latency-max"), ms(figures.max_ms)),
    ];
    let line = (rect.height() / 3.2).min(28.0);
    let mut y = rect.center().y - 1.5 * line;
    let value_x = rect.left() + (rect.width() * 0.7).clamp(70.0, 110.0);
    for (title, value) in rows {
        let middle = y + line / 2.0;
        let text = widgets::fitted(
            ui,
            &title,
            theme::regular,
            10.0..=14.0,
            60.0,
            theme::TEXT_DIM,
        );
        let at = pos2(rect.left(), middle - text.size().y / 2.0);
        painter.galley(at, text, theme::TEXT_DIM);
        let font = theme::bold((line * 0.75).min(20.0));
        let at = pos2(value_x, middle);
        painter.text(at, egui::Align2::RIGHT_CENTER, value, font, theme::TEXT);
        y += line;
    }
    let middle = y + line / 2.0;
    let mark = pos2(rect.left() + 6.0, middle);
    if good {
        marks::tick(painter, mark, 6.0, colour);
    } else {
        marks::triangle(painter, mark, 7.0, -0.25, colour);
    }
    let room = rect.width() - 20.0;
    let text = widgets::fitted(ui, &verdict, theme::bold, 10.0..=14.0, room, colour);
    let at = pos2(rect.left() + 20.0, middle - text.size().y / 2.0);
    painter.galley(at, text, colour);
}

/// Why there is no figure, and the lesser figure with its own name.
fn side_words(ui: &Ui, rect: Rect, why: &str, lesser: Option<(&str, &str)>) {
    let painter = ui.painter();
    let why = painter.layout(
        why.to_owned(),
        theme::regular(14.0),
        theme::TEXT_SOFT,
        rect.width(),
    );
    let lesser = lesser.map(|(title, value)| {
        let value = widgets::fitted(ui, value, theme::bold, 12.0..=20.0, 110.0, theme::TEXT);
        let room = rect.width() - value.size().x - 8.0;
        let title = widgets::fitted(ui, title, theme::regular, 10.0..=13.0, room, theme::AMBER);
        (value, title)
    });
    let height = why.size().y + lesser.as_ref().map_or(0.0, |(v, _)| v.size().y + 4.0);
    let mut at = pos2(rect.left(), rect.center().y - height / 2.0);
    if let Some((value, title)) = lesser {
        let beside = pos2(
            at.x + value.size().x + 8.0,
            at.y + value.size().y * 0.55 - title.size().y / 2.0,
        );
        let down = value.size().y + 4.0;
        painter.galley(at, value, theme::TEXT);
        painter.galley(beside, title, theme::AMBER);
        at.y += down;
    }
    painter.galley(at, why, theme::TEXT_SOFT);
}

/// The trend's points as lines: broken where more than 2 s are missing.
fn pieces(trend: &[TrendPoint], value: impl Fn(&TrendPoint) -> f64) -> Vec<Vec<[f64; 2]>> {
    let newest = trend.last().map_or(0.0, |point| point.at_s);
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for point in trend {
        if point.at_s - last > 2.0 {
            pieces.push(Vec::new());
        }
        last = point.at_s;
        if let Some(piece) = pieces.last_mut() {
            piece.push([point.at_s - newest, value(point)]);
        }
    }
    pieces
}

/// The upper end of the graph: room above what is there, always above the fair limit.
fn ceiling(trend: &[TrendPoint]) -> f64 {
    let highest = trend.iter().map(|point| point.p95_ms).fold(0.0, f64::max);
    let wanted = (highest * 1.1).max(FAIR_MS * 1.2);
    (wanted / 30.0).ceil() * 30.0
}

fn trend(ui: &mut Ui, scene: &Scene<'_>, height: f32, to_sending: bool) {
    let points = &scene.snapshot.trend;
    let top = ceiling(points);
    let title = scene.t(if to_sending {
        "latency-trend-sent"
    } else {
        "latency-trend"
    });
    let series = [
        (scene.t("latency-trend-p50"), theme::BLUE, LineStyle::Solid),
        (
            scene.t("latency-trend-p95"),
            theme::PURPLE,
            LineStyle::Dashed { length: 5.0 },
        ),
    ];
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    widgets::name(&response, Role::Image, &scene.t("latency-trend-name"));
    ui.painter()
        .rect_filled(rect, theme::ROUND_SMALL, theme::WELL);
    // A gutter on the left for the scale, so that no figure lies under a line.
    let graph = Rect::from_min_max(rect.min + vec2(34.0, 22.0), rect.max - vec2(6.0, 6.0));
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(graph));
    let lines: Vec<Line<'_>> = pieces(points, |p| p.p95_ms)
        .into_iter()
        .map(|piece| (piece, 1))
        .chain(
            pieces(points, |p| p.p50_ms)
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
            for (limit, colour) in [(GOOD_MS, theme::GREEN), (FAIR_MS, theme::AMBER)] {
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
}

/// The scale's figures, ms, in the gutter.
fn scale(ui: &Ui, right: f32, graph: Rect, top_ms: f64) {
    let painter = ui.painter();
    let marks = [
        (0.0, theme::TEXT_DIM),
        (GOOD_MS, theme::GREEN),
        (FAIR_MS, theme::AMBER),
        (top_ms, theme::TEXT_DIM),
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
            format!("{value:.0}"),
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
        theme::TEXT_DIM,
    );
    let mut x = rect.right() - 8.0;
    for (name, colour, style) in series.iter().rev() {
        let text = painter.text(
            pos2(x, y),
            egui::Align2::RIGHT_CENTER,
            name,
            font.clone(),
            theme::TEXT_SOFT,
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

/// The four stages: a bar of their shares over four tiles.
fn stage_row(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let latency = &scene.snapshot.latency;
    let running = !matches!(scene.snapshot.state, State::Idle | State::Failed { .. });
    let stages = [
        ("stage-captured", latency.captured),
        ("stage-encoded", latency.encoded),
        ("stage-sent", latency.sent),
        ("stage-arrived", latency.arrived),
    ]
    .map(|(key, figures)| (key, figures.filter(|_| running)));
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), 7.0));
    let painter = ui.painter();
    painter.rect_filled(bar, 2.0, theme::WELL);
    let whole = stages
        .iter()
        .filter_map(|(_, figures)| figures.map(|f| f.p50_ms))
        .fold(0.0, f64::max);
    let mut from = 0.0;
    for (colour, (_, figures)) in theme::STAGES.iter().zip(&stages) {
        let Some(figures) = figures.filter(|_| whole > 0.0) else {
            continue;
        };
        let to = figures.p50_ms.max(from);
        let x = |ms: f64| bar.left() + (ms / whole) as f32 * bar.width();
        let part = Rect::from_x_y_ranges(x(from)..=x(to), bar.y_range());
        painter.rect_filled(part, 1.0, *colour);
        from = to;
    }
    let told: Vec<String> = stages
        .iter()
        .map(|(key, figures)| {
            let value = figures.map_or_else(|| "—".to_owned(), |f| format!("{} ms", ms(f.p50_ms)));
            format!("{} {value}", scene.t(key))
        })
        .collect();
    let name = scene
        .texts
        .f("latency-bar-name", &[("text", &told.join(", "))]);
    widgets::name(&response, Role::Label, &name);
    let tiles = rect.with_min_y(bar.bottom() + 5.0);
    for (i, (key, figures)) in stages.iter().enumerate() {
        stage_tile(
            ui,
            scene,
            column(tiles, i, 4),
            key,
            *figures,
            theme::STAGES[i],
        );
    }
}

fn column(row: Rect, i: usize, of: usize) -> Rect {
    let gap = 6.0;
    let width = (row.width() - gap * (of as f32 - 1.0)) / of as f32;
    let left = row.left() + i as f32 * (width + gap);
    Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()))
}

fn stage_tile(
    ui: &Ui,
    scene: &Scene<'_>,
    rect: Rect,
    key: &str,
    figures: Option<StageFigures>,
    colour: Color32,
) {
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::WELL);
    let inner = rect.shrink2(vec2(8.0, 4.0));
    let dot = pos2(inner.left() + 4.0, inner.top() + 8.0);
    painter.rect_filled(Rect::from_center_size(dot, vec2(8.0, 8.0)), 1.0, colour);
    let room = inner.width() - 14.0;
    let title = scene.t(key);
    let title = widgets::fitted(
        ui,
        &title,
        theme::regular,
        9.0..=12.0,
        room,
        theme::TEXT_SOFT,
    );
    let at = pos2(inner.left() + 14.0, dot.y - title.size().y / 2.0);
    painter.galley(at, title, theme::TEXT_SOFT);
    // A narrow tile has no room for the words; its neighbours are as narrow, so all change at once.
    let narrow = rect.width() < 104.0;
    let (value, more) = match figures {
        Some(f) if narrow => (ms(f.p50_ms), format!("≤ {}", ms(f.p95_ms))),
        Some(f) => (
            ms(f.p50_ms),
            scene.texts.f("stage-p95", &[("value", &ms(f.p95_ms))]),
        ),
        None if narrow => ("—".to_owned(), String::new()),
        None => ("—".to_owned(), scene.t("stage-not-measured")),
    };
    let largest = if scene.small { 17.0 } else { 22.0 };
    let room = inner.width();
    let value = widgets::fitted(
        ui,
        &value,
        theme::bold,
        12.0..=largest,
        room * 0.5,
        theme::TEXT,
    );
    let room = room - value.size().x - 6.0;
    let bottom = inner.bottom();
    let more = widgets::fitted(
        ui,
        &more,
        theme::regular,
        8.5..=11.5,
        200.0,
        theme::TEXT_DIM,
    );
    let more_at = pos2(inner.right() - more.size().x, bottom - more.size().y - 1.0);
    let value_at = pos2(inner.left(), bottom - value.size().y);
    painter.galley(value_at, value, theme::TEXT);
    painter.galley(more_at, more, theme::TEXT_DIM);
}

/// Drops by cause, frames, and the share that came through untouched.
fn foot_row(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let snapshot = scene.snapshot;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let untouched = snapshot.passthrough.map_or_else(
        || "—".to_owned(),
        |share| format!("{:.1} %", (share * 1000.0).floor() / 10.0),
    );
    let untouched_colour = match snapshot.passthrough {
        Some(share) if share < 1.0 => theme::AMBER,
        _ => theme::TEXT,
    };
    if rect.width() < 380.0 {
        // No room for five: the count of frames is the one that can be missed.
        drops(ui, scene, column(rect, 0, 3).union(column(rect, 1, 3)));
        let cell = column(rect, 2, 3);
        let title = scene.t("passthrough-title");
        widgets::tile(ui, cell, &title, &untouched, untouched_colour);
        return;
    }
    drops(ui, scene, column(rect, 0, 5).union(column(rect, 2, 5)));
    let (title, frames) = (scene.t("frames-title"), snapshot.frames.to_string());
    widgets::tile(ui, column(rect, 3, 5), &title, &frames, theme::TEXT);
    let cell = column(rect, 4, 5);
    let title = scene.t("passthrough-title");
    widgets::tile(ui, cell, &title, &untouched, untouched_colour);
    ui.interact(cell, ui.scope_id().with("untouched"), Sense::hover())
        .on_hover_text(scene.t("passthrough-hint"));
}

/// Drops by cause.
fn drops(ui: &Ui, scene: &Scene<'_>, rect: Rect) {
    let drops = scene.snapshot.drops;
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::WELL);
    let inner = rect.shrink2(vec2(8.0, 4.0));
    let head = scene.t("drops-title");
    let font = theme::regular(12.0);
    let top = painter.text(
        inner.left_top(),
        egui::Align2::LEFT_TOP,
        &head,
        font,
        theme::TEXT_DIM,
    );
    let cells = [
        ("drops-capture", drops.capture),
        ("drops-encoder", drops.encoder),
        ("drops-network", drops.network),
    ];
    let row = inner.with_min_y(top.bottom());
    for (i, (key, count)) in cells.into_iter().enumerate() {
        let cell = column(row, i, 3);
        let colour = if count > 0 { theme::AMBER } else { theme::TEXT };
        let (title, count) = (scene.t(key), count.to_string());
        let room = cell.width() * 0.55;
        let figure = widgets::fitted(ui, &count, theme::bold, 9.0..=16.0, room, colour);
        let room = cell.width() - figure.size().x - 5.0;
        let dim = theme::TEXT_SOFT;
        let words = widgets::fitted(ui, &title, theme::regular, 8.5..=12.5, room, dim);
        let words_at = pos2(cell.left(), row.center().y - words.size().y / 2.0);
        let figure_at = pos2(
            cell.left() + words.size().x + 5.0,
            row.center().y - figure.size().y / 2.0,
        );
        painter.galley(words_at, words, dim);
        painter.galley(figure_at, figure, colour);
        let response = ui.interact(cell, ui.scope_id().with(key), Sense::hover());
        widgets::name(&response, Role::Label, &format!("{head}: {title}: {count}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonoTime;

    fn figures(p50_ms: f64) -> StageFigures {
        StageFigures {
            p50_ms,
            p95_ms: p50_ms,
            max_ms: p50_ms,
            frames: 60,
        }
    }

    fn live() -> Snapshot {
        Snapshot {
            state: State::Live,
            live_since: Some(MonoTime::from_micros(0)),
            at: MonoTime::from_micros(60_000_000),
            ..Snapshot::default()
        }
    }

    #[test]
    fn arrival_is_shown_only_where_measured() {
        let mut snapshot = live();
        assert_eq!(reading(&snapshot), Reading::Unknown("latency-why-none"));
        snapshot.latency.sent = Some(figures(9.0));
        assert_eq!(
            reading(&snapshot),
            Reading::Sent(figures(9.0), "latency-why-none")
        );
        snapshot.receiver = Some(Receiver::OwnServer {
            address: "a:1".into(),
        });
        assert_eq!(
            reading(&snapshot),
            Reading::Sent(figures(9.0), "latency-why-probe")
        );
        snapshot.latency.arrived = Some(figures(140.0));
        assert_eq!(reading(&snapshot), Reading::Arrived(figures(140.0)));
        snapshot.state = State::Idle;
        assert_eq!(reading(&snapshot), Reading::Unknown("latency-why-idle"));
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let point = |at_s| TrendPoint {
            at_s,
            p50_ms: 40.0,
            p95_ms: 50.0,
        };
        let trend = [point(0.0), point(0.25), point(5.0), point(5.25)];
        let pieces = pieces(&trend, |p| p.p50_ms);
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

    #[test]
    fn figures_have_the_digits_that_they_deserve() {
        assert_eq!(ms(3.456), "3.5");
        assert_eq!(ms(9.96), "10");
        assert_eq!(ms(143.4), "143");
    }
}
