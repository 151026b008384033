//! The figures that are read from across the room: state, time on air, latency, bitrate, drops, sound, viewers. One
//! row over the whole width in the largest type that fits, always in the same places; drawn by the window's thread.
//!
//! How large: a character's height of 16 minutes of arc, the least of ISO 9241-3 (now 9241-303; 20 to 22 preferred), is
//! 14 mm at 3 m, the rule of thumb that goes with DIN 1450 (a 250th of the distance) 12 mm. On a 24-inch screen of 1920x1080 (0.277 mm a
//! pixel) that is 50 and 43 pixels. Digits are 0.733 of the type's size here, so a window 1280 wide has type of 64
//! points and a whole screen of 95: 13 and 19 mm. A test holds the least.

use super::latency::{FAIR_MS, Reading, ms, reading};
use super::status::{clock, state_text};
use super::{Scene, theme};
use crate::session::snapshot::State;
use crate::ui::numbers;
use crate::ui::widgets::{self, level_meter, marks};
use eframe::egui::{self, Color32, FontId, Rect, Role, Sense, Stroke, Ui, pos2, vec2};

/// Height of a digit, of the type's size.
pub const DIGIT: f32 = 0.733;
/// The most of the window's height that the row takes.
const MOST: f32 = 0.2;
/// The type's sizes.
const SIZES: std::ops::RangeInclusive<f32> = 18.0..=120.0;
/// The state's word is so much smaller than the figures: its colour and shape are read from further away.
const WORD: f32 = 0.74;

/// One figure.
struct Figure {
    title: String,
    text: String,
    colour: Color32,
    name: String,
    role: Role,
    /// Whether a warning's triangle stands beside the title.
    warns: bool,
}

/// Draws the row. `dropping` is whether pictures were dropped within the last seconds.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, dropping: bool) {
    let most = ui.ctx().content_rect().height() * MOST;
    row(ui, scene, dropping, most, None);
}

/// The same over a height that is given, points.
pub fn fill(ui: &mut Ui, scene: &Scene<'_>, dropping: bool, height: f32) {
    row(ui, scene, dropping, height, Some(height));
}

fn row(ui: &mut Ui, scene: &Scene<'_>, dropping: bool, most: f32, exact: Option<f32>) {
    let gap = if scene.small { 4.0 } else { 6.0 };
    let pad = if scene.small { 5.0 } else { 8.0 };
    let width = ui.available_width();
    let em = |text: &str, font: fn(f32) -> FontId| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font(100.0), theme::text());
        galley.size().x / 100.0
    };
    // Templates, not the figures themselves: nothing jumps when a figure gets longer.
    let words =
        ["state-live", "state-idle", "state-failed"].map(|key| em(&scene.t(key), theme::bold));
    let badge = words.into_iter().fold(0.0, f32::max) * WORD + 0.95;
    let digits = ["00:00:00", "000", "0.00", "0000", "00"].map(|text| em(text, theme::bold));
    let [time, latency, bitrate, drops, viewers] = digits;
    let sound = 2.1;
    let parts = [badge, time, latency, bitrate, drops, sound, viewers];
    let count = parts.len() as f32;
    let free = width - count * 2.0 * pad - (count - 1.0) * gap;
    let across = free / parts.iter().sum::<f32>();
    let caption = |size: f32| (size * 0.2).clamp(10.0, 19.0);
    let high = |size: f32| caption(size) * 1.3 + size * (DIGIT + 0.16) + pad;
    let mut size = across.clamp(*SIZES.start(), *SIZES.end());
    while high(size) > most && size > *SIZES.start() {
        size -= 1.0;
    }
    let height = exact.unwrap_or_else(|| high(size).round());
    let (row, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    // What the height takes from the type goes to the cells.
    let scale = free / parts.iter().sum::<f32>();
    let mut left = row.left();
    let cells = parts.map(|part| {
        let cell = Rect::from_min_size(
            pos2(left, row.top()),
            vec2(part * scale + 2.0 * pad, height),
        );
        left = cell.right() + gap;
        cell
    });
    let [badge, time, latency, bitrate, drops, sound, viewers] = cells;
    let look = Look {
        size,
        caption: caption(size),
        pad,
    };
    state(ui, scene, badge, &look);
    for (cell, figure) in [
        (time, elapsed(scene)),
        (latency, arrival(scene)),
        (bitrate, rate(scene)),
        (drops, dropped(scene, dropping)),
        (viewers, watching(scene)),
    ] {
        look.figure(ui, cell, &figure);
    }
    level(ui, scene, sound, &look);
}

/// Sizes of this row.
struct Look {
    size: f32,
    caption: f32,
    pad: f32,
}

impl Look {
    fn ground(&self, ui: &Ui, cell: Rect) {
        ui.painter()
            .rect_filled(cell, theme::ROUND_SMALL, theme::well());
    }

    fn title(&self, ui: &Ui, cell: Rect, title: &str, warns: bool) {
        let mark = if warns { self.caption * 1.2 } else { 0.0 };
        let room = cell.width() - 2.0 * self.pad - mark;
        let ink = theme::text_soft();
        let galley = widgets::fitted(ui, title, theme::regular, 6.5..=self.caption, room, ink);
        let at = pos2(cell.left() + self.pad, cell.top() + 2.0);
        let height = galley.size().y;
        ui.painter().galley(at, galley, ink);
        if warns {
            let centre = pos2(
                cell.right() - self.pad - self.caption * 0.4,
                at.y + height * 0.55,
            );
            marks::triangle(
                ui.painter(),
                centre,
                self.caption * 0.5,
                -0.25,
                theme::amber(),
            );
        }
    }

    /// Where figures stand, under the title.
    fn body(&self, cell: Rect) -> Rect {
        let top = cell.top() + self.caption * 1.3 + 2.0;
        cell.with_min_y(top).shrink2(vec2(self.pad, 0.0))
    }

    fn figure(&self, ui: &mut Ui, cell: Rect, figure: &Figure) {
        let response = ui.interact(
            cell,
            ui.scope_id().with(("far", &figure.title)),
            Sense::hover(),
        );
        widgets::name(&response, figure.role, &figure.name);
        self.ground(ui, cell);
        self.title(ui, cell, &figure.title, figure.warns);
        let body = self.body(cell);
        let ink = figure.colour;
        let galley = widgets::fitted(
            ui,
            &figure.text,
            theme::bold,
            10.0..=self.size,
            body.width(),
            ink,
        );
        middle(ui, body, body.left(), galley, ink);
        if figure.name != format!("{}: {}", figure.title, figure.text) {
            response.on_hover_text(&figure.name);
        }
    }
}

/// Paints a line of large type so that its digits stand in the middle of `body`: the line's own box is taller.
fn middle(ui: &Ui, body: Rect, left: f32, galley: std::sync::Arc<egui::Galley>, ink: Color32) {
    let at = pos2(left, body.center().y - galley.size().y * 0.545);
    ui.painter().galley(at, galley, ink);
}

fn state(ui: &mut Ui, scene: &Scene<'_>, cell: Rect, look: &Look) {
    let state = &scene.snapshot.state;
    let (ground, ink) = theme::state_colours(state);
    let text = state_text(scene);
    let response = ui.interact(cell, ui.scope_id().with("state"), Sense::hover());
    let name = scene.texts.f("state-name", &[("state", &text)]);
    widgets::name(&response, Role::Status, &name);
    ui.painter().rect_filled(cell, theme::ROUND, ground);
    let radius = look.size * 0.34;
    let centre = pos2(cell.left() + look.pad + radius * 1.1, cell.center().y);
    marks::state(ui.painter(), centre, radius, state, ink);
    let left = centre.x + radius * 1.5;
    let room = cell.right() - look.pad - left;
    let galley = widgets::fitted(ui, &text, theme::bold, 9.0..=look.size * WORD, room, ink);
    let free = room - galley.size().x;
    middle(ui, cell, left + free / 2.0, galley, ink);
}

fn figure(title: String, text: String, colour: Color32) -> Figure {
    Figure {
        name: format!("{title}: {text}"),
        title,
        text,
        colour,
        role: Role::Label,
        warns: false,
    }
}

fn elapsed(scene: &Scene<'_>) -> Figure {
    let snapshot = scene.snapshot;
    let running = matches!(
        snapshot.state,
        State::Live | State::Reconnecting { .. } | State::Stopping
    );
    let title = scene.t("far-time");
    match snapshot.live_since.filter(|_| running) {
        None => figure(title, "—".to_owned(), theme::text_dim()),
        Some(since) => {
            let time = clock(snapshot.at.since(since));
            Figure {
                name: scene.texts.f("elapsed-name", &[("time", &time)]),
                role: Role::Timer,
                ..figure(title, time, theme::text())
            }
        }
    }
}

fn arrival(scene: &Scene<'_>) -> Figure {
    let title = scene.t("far-latency");
    match reading(scene.snapshot) {
        Reading::Arrived(figures) => {
            let over = figures.p50_ms > FAIR_MS;
            let ink = if over { theme::amber() } else { theme::text() };
            Figure {
                warns: over,
                ..named(
                    scene,
                    figure(title, ms(figures.p50_ms), ink),
                    "latency-title",
                )
            }
        }
        Reading::Sent(..) | Reading::Unknown(_) => named(
            scene,
            figure(title, "—".to_owned(), theme::text_dim()),
            "latency-title",
        ),
    }
}

/// Names a figure after `key` instead of its title, which has the unit in it.
fn named(scene: &Scene<'_>, figure: Figure, key: &str) -> Figure {
    Figure {
        name: format!("{}: {}", scene.t(key), figure.text),
        ..figure
    }
}

fn rate(scene: &Scene<'_>) -> Figure {
    let title = scene.t("far-bitrate");
    let Some(kbps) = scene.snapshot.measured_kbps else {
        return figure(title, "—".to_owned(), theme::text_dim());
    };
    figure(title, numbers::mbps(kbps), theme::text())
}

fn dropped(scene: &Scene<'_>, dropping: bool) -> Figure {
    let drops = scene.snapshot.drops.sum();
    let ink = if dropping {
        theme::amber()
    } else {
        theme::text()
    };
    Figure {
        warns: dropping,
        ..figure(scene.t("drops-title"), numbers::count(drops), ink)
    }
}

fn watching(scene: &Scene<'_>) -> Figure {
    let title = scene.t("viewers-title");
    match scene.snapshot.viewers {
        Some(viewers) => figure(title, numbers::count(viewers), theme::text()),
        None => Figure {
            name: format!("{title}: {}", scene.t("viewers-unknown")),
            ..figure(title, "—".to_owned(), theme::text_dim())
        },
    }
}

/// The sound as two bars, or the word for why there is none.
fn level(ui: &mut Ui, scene: &Scene<'_>, cell: Rect, look: &Look) {
    let audio = &scene.snapshot.audio;
    let title = scene.t("audio-title");
    let broken = audio.problem.is_some();
    let word = if broken {
        Some(("far-no-sound", theme::vermillion()))
    } else if scene.muted {
        Some(("far-muted", theme::amber()))
    } else {
        None
    };
    let peak = audio.level.peak_dbfs[0].max(audio.level.peak_dbfs[1]);
    let value = match word {
        Some((key, _)) => scene.t(key),
        None => format!("{} dBFS", level_meter::dbfs(peak)),
    };
    let response = ui.interact(cell, ui.scope_id().with("sound"), Sense::hover());
    widgets::name(&response, Role::Meter, &format!("{title}: {value}"));
    look.ground(ui, cell);
    look.title(ui, cell, &title, word.is_some() || audio.level.clipped);
    let body = look.body(cell);
    let painter = ui.painter();
    if let Some((_, ink)) = word {
        let radius = look.size * 0.2;
        let centre = pos2(body.left() + radius, body.center().y);
        if broken {
            marks::cross(
                painter,
                centre,
                radius * 0.9,
                Stroke::new(radius * 0.4, ink),
            );
        } else {
            marks::silent(painter, centre, radius, ink);
        }
        let left = centre.x + radius * 1.6;
        let room = body.right() - left;
        let galley = widgets::fitted(ui, &value, theme::bold, 9.0..=look.size * 0.6, room, ink);
        middle(ui, body, left, galley, ink);
        return;
    }
    let bars = body.shrink2(vec2(0.0, body.height() * 0.12));
    let height = bars.height() * 0.42;
    for channel in 0..2 {
        let top = if channel == 0 {
            bars.top()
        } else {
            bars.bottom() - height
        };
        let bar = Rect::from_min_size(pos2(bars.left(), top), vec2(bars.width(), height));
        let (rms, peak) = (
            audio.level.rms_dbfs[channel],
            audio.level.peak_dbfs[channel],
        );
        level_meter::bar(painter, bar, rms, peak, theme::ground());
    }
}
