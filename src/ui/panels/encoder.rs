//! The encoder's page: which one and why, what it makes, how long a picture takes it, what comes
//! out. A figure is shown only where it was measured; a dash stands for all others.

use super::encoder_choice::{family, speed};
use super::latency::ms;
use super::{Scene, fallback};
use crate::ffmpeg::plan::EncoderWish;
use crate::session::snapshot::{EncoderStatus, NetworkFigures, StageFigures};
use crate::ui::actions::Action;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::block::{self, Verdict};
use crate::ui::widgets::gauge::Gauge;
use crate::ui::widgets::{self, bitrate_slider};
use eframe::egui::{Align, Button, CornerRadius, Frame, Layout, Margin, RichText, Ui, vec2};

/// The largest picture whose length a PES packet's header can tell, bytes (ISO/IEC 13818-1
/// 2.4.3.7: 16 bits).
pub const KEY_FRAME_LIMIT: usize = 65_535;
/// So much above the target is still the target.
const RATE_TOLERANCE: f64 = 1.1;

/// Draws the page's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    let encoding = &snapshot.encoding;
    let running = !snapshot.state.is_at_rest();
    let Some(wish) = encoding.wish.as_ref().filter(|_| running) else {
        let key = if running {
            "encoder-waiting"
        } else {
            "encoder-idle"
        };
        nothing(ui, scene, key);
        return;
    };
    fallback::banner(ui, scene);
    which(ui, scene, wish);
    let budget_ms = wish.fps.interval().as_secs_f64() * 1e3;
    ui.push_id("time", |ui| time(ui, scene, encoding, budget_ms));
    ui.push_id("rate", |ui| rate(ui, scene, wish));
    ui.push_id("key frames", |ui| key_frames(ui, scene, encoding));
    ui.push_id("adaptive", |ui| adaptive(ui, scene, encoding));
    if let Some(network) = &snapshot.network {
        ui.push_id("network", |ui| way(ui, scene, network));
    }
    options(ui, scene, &encoding.options, actions);
}

/// No encoder runs: what the settings ask for, and why there is none.
fn nothing(ui: &mut Ui, scene: &Scene<'_>, why: &str) {
    let settings = &scene.snapshot.settings.encoder;
    ui.add_space(4.0);
    let choice = match settings.family {
        None => scene.t("settings-encoder-automatic"),
        Some(chosen) => family(scene, chosen),
    };
    block::words(ui, choice, theme::bold(17.0), theme::text());
    let font = theme::regular(13.0);
    block::words(ui, scene.t(why), font, theme::text_dim());
}

/// Name, reason, what it makes and what it is being changed to.
fn which(ui: &mut Ui, scene: &Scene<'_>, wish: &EncoderWish) {
    let encoding = &scene.snapshot.encoding;
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let name = family(scene, wish.family);
        widgets::text(ui, name, theme::bold(17.0), theme::text());
        let font = theme::regular(13.0);
        widgets::text(ui, &encoding.name, font, theme::text_dim());
    });
    if !encoding.why.is_empty() {
        let font = theme::regular(13.0);
        block::words(ui, scene.say(&encoding.why), font, theme::text_soft());
    }
    block::words(
        ui,
        made(scene, wish, None),
        theme::regular(14.0),
        theme::text(),
    );
    if let Some(next) = &encoding.changing_to {
        let what = made(scene, next, Some(wish));
        let text = scene.texts.f("encoder-changing", &[("what", &what)]);
        said(ui, Verdict::Busy, &text);
    }
    if let Some(rule) = &encoding.lowered {
        let text = scene
            .texts
            .f("encoder-lowered", &[("rule", &scene.say(rule))]);
        said(ui, Verdict::Poor, &text);
    }
}

/// A mark and words in its colour.
fn said(ui: &mut Ui, verdict: Verdict, text: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        verdict.show(ui);
        block::words(ui, text, theme::regular(13.0), verdict.colour());
    });
}

/// Size, rate, speed in words; the encoder and the bitrate too where they are not `before`'s.
fn made(scene: &Scene<'_>, wish: &EncoderWish, before: Option<&EncoderWish>) -> String {
    let mut parts = Vec::new();
    if before.is_some_and(|before| before.family != wish.family) {
        parts.push(family(scene, wish.family));
    }
    parts.push(wish.size.to_string());
    let fps = wish.fps.to_string();
    parts.push(scene.texts.f("bitrate-fps", &[("value", &fps)]));
    parts.push(scene.t(speed(wish.speed)));
    if before.is_some_and(|before| before.bitrate_kbps != wish.bitrate_kbps) {
        parts.push(bitrate_slider::figure(wish.bitrate_kbps));
    }
    parts.join(" · ")
}

/// Time for a picture against the time that a picture has.
fn time(ui: &mut Ui, scene: &Scene<'_>, encoding: &EncoderStatus, budget_ms: f64) {
    let figures = encoding.encode;
    let (verdict, key) = in_budget(figures, budget_ms);
    let title = scene.t("encoder-time");
    let words = scene
        .texts
        .f(key, &[("budget", &numbers::fixed(budget_ms, 1))]);
    block::head(ui, &title, Some((verdict, &words)));
    let gauge = Gauge {
        value: figures.map(|f| f.p50_ms),
        mostly: figures.map(|f| f.p95_ms),
        furthest: figures.map(|f| f.max_ms),
        limit: budget_ms,
    };
    gauge.show(ui, theme::blue());
    let tile = |value: Option<f64>| value.map(ms);
    block::tiles(
        ui,
        &[
            (&scene.t("encoder-p50"), tile(figures.map(|f| f.p50_ms))),
            (&scene.t("latency-p95"), tile(figures.map(|f| f.p95_ms))),
            (&scene.t("latency-max"), tile(figures.map(|f| f.max_ms))),
            // Nothing is late before anything was timed.
            (
                &scene.t("encoder-late"),
                figures.map(|_| numbers::count(encoding.late)),
            ),
        ],
        "—",
    );
}

/// Whether pictures are ready before the next one comes: 19 of 20 must be.
fn in_budget(figures: Option<StageFigures>, budget_ms: f64) -> (Verdict, &'static str) {
    match figures {
        None => (Verdict::Unknown, "encoder-budget"),
        Some(f) if f.p50_ms > budget_ms => (Verdict::Bad, "encoder-over-budget"),
        Some(f) if f.p95_ms > budget_ms => (Verdict::Poor, "encoder-over-budget"),
        Some(_) => (Verdict::Good, "encoder-in-budget"),
    }
}

/// Bitrate that comes out against the one that was asked for.
fn rate(ui: &mut Ui, scene: &Scene<'_>, wish: &EncoderWish) {
    let target = f64::from(wish.bitrate_kbps);
    let measured = scene.snapshot.measured_kbps;
    // Below is no fault: a picture at rest needs less, and nothing fills it up.
    let (verdict, key) = match measured {
        None => (Verdict::Unknown, "encoder-not-measured"),
        Some(kbps) if kbps > target * RATE_TOLERANCE => (Verdict::Poor, "encoder-rate-over"),
        Some(_) => (Verdict::Good, "encoder-rate-good"),
    };
    let title = scene.t("encoder-rate");
    block::head(ui, &title, Some((verdict, &scene.t(key))));
    let gauge = Gauge {
        value: measured,
        limit: target,
        ..Gauge::default()
    };
    gauge.show(ui, theme::blue());
    let kbps = |value: f64| {
        scene
            .texts
            .f("bitrate-kbps", &[("value", &numbers::fixed(value, 0))])
    };
    block::tiles(
        ui,
        &[
            (&scene.t("bitrate-measured"), measured.map(kbps)),
            (&scene.t("encoder-target"), Some(kbps(target))),
        ],
        "—",
    );
}

/// Key frames against 64 KiB, and pictures that came late.
fn key_frames(ui: &mut Ui, scene: &Scene<'_>, encoding: &EncoderStatus) {
    let sizes = encoding.key_frames;
    let (verdict, key) = match sizes {
        None => (Verdict::Unknown, "encoder-not-measured"),
        Some(sizes) if sizes.max > KEY_FRAME_LIMIT => (Verdict::Poor, "encoder-key-over"),
        Some(_) => (Verdict::Good, "encoder-key-good"),
    };
    let title = scene.t("encoder-key-frames");
    block::head(ui, &title, Some((verdict, &scene.t(key))));
    let gauge = Gauge {
        value: sizes.map(|s| s.last as f64),
        furthest: sizes.map(|s| s.max as f64),
        limit: KEY_FRAME_LIMIT as f64,
        ..Gauge::default()
    };
    gauge.show(ui, theme::blue());
    block::tiles(
        ui,
        &[
            (
                &scene.t("encoder-key-last"),
                sizes.map(|s| numbers::kib(s.last)),
            ),
            (
                &scene.t("encoder-key-max"),
                sizes.map(|s| numbers::kib(s.max)),
            ),
        ],
        "—",
    );
    if sizes.is_some_and(|sizes| sizes.max > KEY_FRAME_LIMIT) {
        let text = scene.t("encoder-key-over-hint");
        block::words(ui, text, theme::regular(12.5), theme::text_soft());
    }
}

fn adaptive(ui: &mut Ui, scene: &Scene<'_>, encoding: &EncoderStatus) {
    let title = scene.t("encoder-adaptive");
    let Some(status) = &encoding.adaptive else {
        let off = scene.t("encoder-adaptive-off");
        block::head(ui, &title, Some((Verdict::Unknown, &off)));
        return;
    };
    let (floor, ceiling) = status.bounds_kbps;
    let (verdict, key) = if status.kbps >= ceiling {
        (Verdict::Good, "encoder-adaptive-full")
    } else {
        (Verdict::Poor, "encoder-adaptive-lowered")
    };
    block::head(ui, &title, Some((verdict, &scene.t(key))));
    let figure = |kbps| Some(bitrate_slider::figure(kbps));
    block::tiles(
        ui,
        &[
            (&scene.t("encoder-floor"), figure(floor)),
            (&scene.t("encoder-in-force"), figure(status.kbps)),
            (&scene.t("encoder-ceiling"), figure(ceiling)),
        ],
        "—",
    );
    if !status.reason.is_empty() {
        let font = theme::regular(13.0);
        block::words(ui, scene.say(&status.reason), font, theme::text_soft());
    }
}

/// The way to the server as the server sees it.
fn way(ui: &mut Ui, scene: &Scene<'_>, network: &NetworkFigures) {
    let verdict = if network.given_up > 0 {
        (Verdict::Poor, scene.t("encoder-way-holes"))
    } else {
        (Verdict::Good, scene.t("encoder-way-whole"))
    };
    let title = scene.t("encoder-way");
    block::head(ui, &title, Some((verdict.0, &verdict.1)));
    let time = |value: Option<f64>| value.map(|v| format!("{} ms", ms(v)));
    block::tiles(
        ui,
        &[
            (&scene.t("encoder-way-rtt"), time(network.rtt_ms)),
            (&scene.t("encoder-way-lost"), Some(network.lost.to_string())),
            (
                &scene.t("encoder-way-given-up"),
                Some(numbers::count(network.given_up)),
            ),
            (&scene.t("encoder-way-buffer"), time(network.buffer_ms)),
        ],
        "—",
    );
}

/// Its options as a line to copy.
fn options(ui: &mut Ui, scene: &Scene<'_>, options: &str, actions: &mut Vec<Action>) {
    if options.is_empty() {
        return;
    }
    ui.add_space(8.0);
    widgets::row(ui, 28.0, |ui| {
        let title = scene.t("encoder-options");
        widgets::text(ui, title, theme::bold(13.5), theme::text_soft());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = RichText::new(scene.t("encoder-options-copy")).font(theme::regular(13.0));
            if ui
                .add(Button::new(text).min_size(vec2(0.0, 24.0)))
                .clicked()
            {
                actions.push(Action::Copy(options.to_owned()));
            }
        });
    });
    Frame::new()
        .fill(theme::well())
        .corner_radius(CornerRadius::same(theme::ROUND_SMALL))
        .inner_margin(Margin::symmetric(8, 5))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            block::words(ui, options, theme::regular(12.5), theme::text_soft());
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_may_be_late_and_no_more() {
        let figures = |p50_ms, p95_ms, max_ms| {
            Some(StageFigures {
                p50_ms,
                p95_ms,
                max_ms,
                frames: 60,
            })
        };
        let verdict = |figures| in_budget(figures, 33.3).0;
        assert_eq!(verdict(figures(5.0, 8.0, 80.0)), Verdict::Good);
        assert_eq!(verdict(figures(5.0, 33.3, 80.0)), Verdict::Good);
        assert_eq!(verdict(figures(5.0, 34.0, 80.0)), Verdict::Poor);
        assert_eq!(verdict(figures(34.0, 40.0, 80.0)), Verdict::Bad);
        assert_eq!(verdict(None), Verdict::Unknown);
    }

    #[test]
    fn sizes_are_told_in_kib() {
        assert_eq!(numbers::kib(65_536), "64.0 KiB");
        assert_eq!(numbers::kib(1536), "1.5 KiB");
    }
}
