//! Where the latency comes from, stage by stage; what was dropped and why; what came through
//! untouched.

use super::Scene;
use super::latency::ms;
use crate::session::snapshot::{Proof, StageFigures, Verdict};
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{Color32, Rect, Role, Sense, Ui, pos2, vec2};

/// The stages' words.
const KEYS: [&str; 5] = [
    "stage-picture",
    "stage-written",
    "stage-encoded",
    "stage-sent",
    "stage-arrived",
];

/// What one stage adds, and the way up to its end; None where it was not measured.
type Part = Option<(f64, StageFigures)>;

/// The stages: a bar of what each adds, over their tiles.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let latency = &scene.snapshot.latency;
    let running = !scene.snapshot.state.is_at_rest();
    let (added, stages) = (latency.parts(), latency.stages());
    // Source, pacer and conversion are one tile: each by itself is a fraction of a millisecond.
    let part = |tile: usize| -> Part {
        let of = if tile == 0 {
            0..=2
        } else {
            tile + 2..=tile + 2
        };
        let up_to = stages[of.clone()].iter().rev().find_map(|(_, f)| *f)?;
        let ms = added[of].iter().flatten().sum();
        running.then_some((ms, up_to))
    };
    let parts: [Part; KEYS.len()] = std::array::from_fn(part);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), 7.0));
    let painter = ui.painter();
    painter.rect_filled(bar, 2.0, theme::well());
    let whole: f64 = parts.iter().flatten().map(|(ms, _)| ms).sum();
    let mut left = bar.left();
    for (colour, (ms, _)) in theme::stages()
        .iter()
        .zip(&parts)
        .filter_map(|(c, p)| Some((c, (*p)?)))
    {
        let right = left + (ms / whole.max(f64::EPSILON)) as f32 * bar.width();
        painter.rect_filled(
            Rect::from_x_y_ranges(left..=right, bar.y_range()),
            1.0,
            *colour,
        );
        left = right;
    }
    let told: Vec<String> = KEYS
        .iter()
        .zip(&parts)
        .map(|(key, part)| {
            let value =
                part.map_or_else(|| "—".to_owned(), |(added, _)| format!("{} ms", ms(added)));
            format!("{} {value}", scene.t(key))
        })
        .collect();
    let name = scene
        .texts
        .f("latency-bar-name", &[("text", &told.join(", "))]);
    widgets::name(&response, Role::Label, &name);
    let tiles = rect.with_min_y(bar.bottom() + 5.0);
    for (i, (key, part)) in KEYS.into_iter().zip(parts).enumerate() {
        let rect = column(tiles, i, KEYS.len());
        stage_tile(ui, scene, rect, key, part, theme::stages()[i]);
    }
}

fn column(row: Rect, i: usize, of: usize) -> Rect {
    let gap = 6.0;
    let width = (row.width() - gap * (of as f32 - 1.0)) / of as f32;
    let left = row.left() + i as f32 * (width + gap);
    Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()))
}

fn stage_tile(ui: &Ui, scene: &Scene<'_>, rect: Rect, key: &str, part: Part, colour: Color32) {
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::well());
    // The colour as an edge: a dot would take the words' room.
    let edge = Rect::from_min_size(rect.min, vec2(4.0, rect.height()));
    painter.rect_filled(edge, 1.0, colour);
    let inner = rect.shrink2(vec2(8.0, 4.0)).with_max_x(rect.right() - 3.0);
    let title = scene.t(key);
    let (room, soft) = (inner.width(), theme::text_soft());
    let title = widgets::fitted(ui, &title, theme::regular, 8.5..=12.0, room, soft);
    painter.galley(inner.left_top(), title, soft);
    // A narrow tile has no room for the words; its neighbours are as narrow, so all change at once.
    let narrow = rect.width() < 104.0;
    let (value, more) = match part {
        Some((added, _)) if narrow => (ms(added), String::new()),
        Some((added, up_to)) => {
            let to = ms(up_to.p50_ms);
            (ms(added), scene.texts.f("stage-up-to", &[("value", &to)]))
        }
        None if narrow => ("—".to_owned(), String::new()),
        None => ("—".to_owned(), scene.t("stage-not-measured")),
    };
    if let Some((_, f)) = part {
        let words = [
            ("stage", scene.t(key)),
            ("p50", ms(f.p50_ms)),
            ("p95", ms(f.p95_ms)),
            ("max", ms(f.max_ms)),
        ];
        let words = words.each_ref().map(|(name, text)| (*name, text.as_str()));
        ui.interact(rect, ui.scope_id().with(key), Sense::hover())
            .on_hover_text(scene.texts.f("stage-hint", &words));
    }
    let largest = if scene.small { 17.0 } else { 22.0 };
    let room = inner.width();
    // Alone it has all of it: a figure that ends in "…" would be read as another.
    let share = if more.is_empty() { 1.0 } else { 0.5 };
    let value = widgets::fitted(
        ui,
        &value,
        theme::bold,
        9.0..=largest,
        room * share,
        theme::text(),
    );
    let room = room - value.size().x - 6.0;
    let bottom = inner.bottom();
    let more = widgets::fitted(
        ui,
        &more,
        theme::regular,
        8.5..=11.5,
        room,
        theme::text_dim(),
    );
    let more_at = pos2(inner.right() - more.size().x, bottom - more.size().y - 1.0);
    let value_at = pos2(inner.left(), bottom - value.size().y);
    painter.galley(value_at, value, theme::text());
    painter.galley(more_at, more, theme::text_dim());
}

/// Drops by cause, frames, and the share that came through untouched.
pub fn foot(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let snapshot = scene.snapshot;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let recoded = snapshot.proof.verdict == Verdict::Recoded;
    let share = if recoded {
        Some(0.0)
    } else {
        snapshot.passthrough
    };
    let untouched = share.map_or_else(|| "—".to_owned(), numbers::percent_down);
    let changed = |verdict| matches!(verdict, Verdict::Damaged | Verdict::Recoded);
    let untouched_colour =
        if changed(snapshot.proof.verdict) || changed(snapshot.sound_proof.verdict) {
            theme::amber()
        } else {
            theme::text()
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
    widgets::tile(ui, column(rect, 3, 5), &title, &frames, theme::text());
    let cell = column(rect, 4, 5);
    let title = scene.t("passthrough-title");
    widgets::tile(ui, cell, &title, &untouched, untouched_colour);
    ui.interact(cell, ui.scope_id().with("untouched"), Sense::hover())
        .on_hover_text(proof(scene));
}

/// What came through untouched, picture and sound, in words.
fn proof(scene: &Scene<'_>) -> String {
    let snapshot = scene.snapshot;
    let line = |proof: Proof, share: Option<f64>, keys: [&str; 2]| match (proof.verdict, share) {
        (Verdict::Recoded, _) => Some(scene.t(keys[1])),
        (_, None) => None,
        (_, Some(share)) => {
            let (share, all) = (numbers::percent_down(share), numbers::count(proof.all()));
            Some(scene.texts.f(keys[0], &[("share", &share), ("all", &all)]))
        }
    };
    let picture = line(
        snapshot.proof,
        snapshot.passthrough,
        ["passthrough-frames", "passthrough-recoded"],
    );
    let sound = line(
        snapshot.sound_proof,
        snapshot.sound_passthrough,
        ["passthrough-sound", "passthrough-sound-recoded"],
    );
    let mut text = scene.t("passthrough-hint");
    for more in picture.into_iter().chain(sound) {
        text += "\n";
        text += &more;
    }
    text
}

/// Drops by cause.
fn drops(ui: &Ui, scene: &Scene<'_>, rect: Rect) {
    let drops = scene.snapshot.drops;
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::well());
    let inner = rect.shrink2(vec2(8.0, 4.0));
    // A narrow row has no room for a fourth: what was lost on the way is then the network's too.
    let narrow = inner.width() < 300.0;
    let (network, lost) = if narrow {
        (drops.network + drops.lost, None)
    } else {
        (drops.network, Some(("drops-lost", drops.lost)))
    };
    let cells = [
        ("drops-capture", drops.capture),
        ("drops-encoder", drops.encoder),
        ("drops-network", network),
    ];
    let of = if narrow { 4 } else { 5 };
    let head = scene.t("drops-title");
    let room = column(inner, 0, of).width();
    let soft = theme::text_soft();
    let title = widgets::fitted(ui, &head, theme::bold, 9.0..=13.0, room, soft);
    let at = pos2(inner.left(), inner.center().y - title.size().y / 2.0);
    painter.galley(at, title, soft);
    for (i, (key, count)) in cells.into_iter().chain(lost).enumerate() {
        let cell = column(inner, i + 1, of);
        let colour = if count > 0 {
            theme::amber()
        } else {
            theme::text()
        };
        let (title, count) = (scene.t(key), count.to_string());
        let room = cell.width();
        let dim = theme::text_dim();
        let words = widgets::fitted(ui, &title, theme::regular, 9.0..=12.0, room, dim);
        let figure = widgets::fitted(ui, &count, theme::bold, 10.0..=17.0, room, colour);
        let figure_at = pos2(cell.left(), cell.bottom() - figure.size().y);
        painter.galley(cell.left_top(), words, dim);
        painter.galley(figure_at, figure, colour);
        let response = ui.interact(cell, ui.scope_id().with(key), Sense::hover());
        widgets::name(&response, Role::Label, &format!("{head}: {title}: {count}"));
    }
}
