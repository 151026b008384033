//! Where the latency comes from, stage by stage; what was dropped and why; what came through
//! untouched.

use super::Scene;
use super::latency::ms;
use crate::session::snapshot::{StageFigures, State};
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{Color32, Rect, Role, Sense, Ui, pos2, vec2};

/// The four stages: a bar of their shares over four tiles.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
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
    let more = widgets::fitted(ui, &more, theme::regular, 8.5..=11.5, room, theme::TEXT_DIM);
    let more_at = pos2(inner.right() - more.size().x, bottom - more.size().y - 1.0);
    let value_at = pos2(inner.left(), bottom - value.size().y);
    painter.galley(value_at, value, theme::TEXT);
    painter.galley(more_at, more, theme::TEXT_DIM);
}

/// Drops by cause, frames, and the share that came through untouched.
pub fn foot(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
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
    let room = column(inner, 0, 4).width();
    let soft = theme::TEXT_SOFT;
    let title = widgets::fitted(ui, &head, theme::bold, 9.0..=13.0, room, soft);
    let at = pos2(inner.left(), inner.center().y - title.size().y / 2.0);
    painter.galley(at, title, soft);
    let cells = [
        ("drops-capture", drops.capture),
        ("drops-encoder", drops.encoder),
        ("drops-network", drops.network),
    ];
    for (i, (key, count)) in cells.into_iter().enumerate() {
        let cell = column(inner, i + 1, 4);
        let colour = if count > 0 { theme::AMBER } else { theme::TEXT };
        let (title, count) = (scene.t(key), count.to_string());
        let room = cell.width();
        let dim = theme::TEXT_DIM;
        let words = widgets::fitted(ui, &title, theme::regular, 9.0..=12.0, room, dim);
        let figure = widgets::fitted(ui, &count, theme::bold, 10.0..=17.0, room, colour);
        let figure_at = pos2(cell.left(), cell.bottom() - figure.size().y);
        painter.galley(cell.left_top(), words, dim);
        painter.galley(figure_at, figure, colour);
        let response = ui.interact(cell, ui.scope_id().with(key), Sense::hover());
        widgets::name(&response, Role::Label, &format!("{head}: {title}: {count}"));
    }
}
