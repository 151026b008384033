//! The latency meter: one figure to be read from across the room, where it comes from, how it went
//! over the last minute. A figure is shown only where it was measured.

use super::Scene;
use crate::clock::MonoTime;
use crate::session::Snapshot;
use crate::session::snapshot::{ProbeState, Receiver, StageFigures, State, Verdict};
use crate::ui::actions::Action;
use crate::ui::numbers;
pub use crate::ui::numbers::ms;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use std::sync::Arc;

use eframe::egui::{self, Rect, Role, Sense, Ui, pos2, vec2};

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
    if snapshot.state.is_at_rest() {
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
            if snapshot.probe.state == ProbeState::Off {
                "latency-why-off"
            } else if snapshot.proof.verdict == Verdict::Recoded {
                "latency-why-recoded"
            } else if own && snapshot.settings.target.webrtc_url.is_empty() {
                "latency-why-probe"
            } else if young {
                "latency-why-wait"
            } else {
                "latency-why-none"
            }
        }
    }
}

/// Draws the panel's contents: those of `frozen`, where the operator holds the meter.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    frozen: Option<&(Arc<Snapshot>, MonoTime)>,
    actions: &mut Vec<Action>,
) {
    let live = scene;
    let held = frozen.map(|(snapshot, _)| Scene { snapshot, ..*live });
    let scene = held.as_ref().unwrap_or(live);
    let reading = reading(scene.snapshot);
    widgets::row(ui, 28.0, |ui| {
        let since = frozen.map(|(_, at)| *at);
        let key = match reading {
            Reading::Sent(..) => "latency-sent",
            _ => "latency-arrived",
        };
        let scene = Scene {
            now: live.now,
            ..*scene
        };
        super::meter_keys::show(ui, &scene, since, &live.t(key), actions);
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
        super::trend::show(ui, scene, rest - big, to_sending);
    }
    super::stages::show(ui, scene, stages);
    super::stages::foot(ui, scene, foot);
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
            let mut name = scene.texts.f("latency-name", &[("value", &value)]);
            if let Some(worst) = super::eyes::worst_text(scene) {
                name += &format!(", {worst}");
            }
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
    let colour = if known {
        theme::text()
    } else {
        theme::text_dim()
    };
    let figure = widgets::fitted(
        ui,
        &text,
        theme::bold,
        30.0..=big,
        // Beside it 95 %, maximum and verdict need their room.
        (rect.width() * 0.55).min(rect.width() - 190.0),
        colour,
    );
    let size = figure.size();
    // The type's size from its line height, 1.448 of it in Noto Sans CJK.
    let type_size = size.y / 1.448;
    // The line box of a large type is taller than its digits: centre the digits.
    let at = pos2(rect.left(), rect.center().y - size.y * 0.53);
    painter.galley(at, figure, colour);
    let mut left = rect.left() + size.x + 8.0;
    if known {
        let font = theme::regular(type_size * 0.3);
        let base = pos2(left, rect.center().y + type_size * 0.36);
        let unit = painter.text(
            base,
            egui::Align2::LEFT_BOTTOM,
            scene.t("latency-ms"),
            font,
            theme::text_soft(),
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
        (GOOD_MS, "latency-good", theme::green(), true)
    } else if figures.p50_ms <= FAIR_MS {
        (FAIR_MS, "latency-fair", theme::blue(), true)
    } else {
        (FAIR_MS, "latency-over", theme::amber(), false)
    };
    let verdict = scene.texts.f(key, &[("limit", &numbers::fixed(limit, 0))]);
    let mut rows = vec![
        (scene.t("latency-p95"), ms(figures.p95_ms)),
        (scene.t("latency-max"), ms(figures.max_ms)),
    ];
    // Only where it is certain.
    let eye = scene.snapshot.eyes.worst().and_then(|eye| eye.to_eye);
    rows.extend(eye.map(|to_eye| (scene.t("latency-eye"), ms(to_eye.p50_ms))));
    let lines = rows.len() as f32 + 1.0;
    let line = (rect.height() / (lines + 0.2)).min(28.0);
    let mut y = rect.center().y - lines / 2.0 * line;
    let value_x = rect.left() + (rect.width() * 0.7).clamp(70.0, 110.0);
    for (title, value) in rows {
        let middle = y + line / 2.0;
        let text = widgets::fitted(
            ui,
            &title,
            theme::regular,
            10.0..=14.0,
            60.0,
            theme::text_dim(),
        );
        let at = pos2(rect.left(), middle - text.size().y / 2.0);
        painter.galley(at, text, theme::text_dim());
        let font = theme::bold((line * 0.75).min(20.0));
        let at = pos2(value_x, middle);
        painter.text(at, egui::Align2::RIGHT_CENTER, value, font, theme::text());
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
    let lesser = lesser.map(|(title, value)| {
        let value = widgets::fitted(ui, value, theme::bold, 12.0..=20.0, 110.0, theme::text());
        let room = rect.width() - value.size().x - 8.0;
        let title = widgets::fitted(ui, title, theme::regular, 10.0..=13.0, room, theme::amber());
        (value, title)
    });
    let taken = lesser.as_ref().map_or(0.0, |(v, _)| v.size().y + 4.0);
    let lay = |size: f32| {
        let words = why.to_owned();
        painter.layout(
            words,
            theme::regular(size),
            theme::text_soft(),
            rect.width(),
        )
    };
    // The largest type in which all of it fits.
    let why = [15.0, 14.0, 13.0, 12.0]
        .into_iter()
        .map(lay)
        .find(|galley| galley.size().y + taken <= rect.height())
        .unwrap_or_else(|| lay(11.0));
    let height = why.size().y + taken;
    let mut at = pos2(rect.left(), rect.center().y - height / 2.0);
    if let Some((value, title)) = lesser {
        let beside = pos2(
            at.x + value.size().x + 8.0,
            at.y + value.size().y * 0.55 - title.size().y / 2.0,
        );
        let down = value.size().y + 4.0;
        painter.galley(at, value, theme::text());
        painter.galley(beside, title, theme::amber());
        at.y += down;
    }
    painter.galley(at, why, theme::text_soft());
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
    fn figures_have_the_digits_that_they_deserve() {
        assert_eq!(ms(3.456), "3.5");
        assert_eq!(ms(9.96), "10");
        assert_eq!(ms(143.4), "143");
    }
}
