//! The check's page: is everything there that a show needs? One button, then a line for each thing
//! that was looked at, with what to do where it fails.

use super::Scene;
use crate::doctor::{self, Area, Line, Outcome, Report};
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::block::{self, Verdict};
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Align, Button, Label, Layout, RichText, Ui, vec2};

fn verdict(outcome: Outcome) -> (Verdict, &'static str) {
    match outcome {
        Outcome::Ok => (Verdict::Good, "check-ok"),
        Outcome::Skipped => (Verdict::Unknown, "check-skipped"),
        Outcome::Warning => (Verdict::Poor, "check-warning"),
        Outcome::Failed => (Verdict::Bad, "check-failed"),
    }
}

fn area(area: Area) -> &'static str {
    match area {
        Area::Ffmpeg => "area-ffmpeg",
        Area::Encoder => "area-encoder",
        Area::Webrtc => "area-webrtc",
        Area::Gpu => "area-gpu",
        Area::Capture => "area-capture",
        Area::Audio => "area-audio",
        Area::Network => "area-network",
        Area::Server => "area-server",
        Area::Clock => "area-clock",
        Area::Files => "area-files",
    }
}

/// Draws the page's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    ui.add_space(4.0);
    let report = scene.snapshot.doctor.report.as_deref();
    ui.horizontal_wrapped(|ui| {
        let text = RichText::new(scene.t("check-button")).font(theme::bold(14.0));
        let button = Button::new(text).min_size(vec2(0.0, 32.0));
        let button = ui.add_enabled(!scene.examining, button);
        let busy = scene.t("check-running");
        if button.on_disabled_hover_text(busy).clicked() {
            actions.push(Action::Examine);
        }
        let text = RichText::new(scene.t("diagnostics-copy")).font(theme::regular(13.0));
        let copy = ui.add(Button::new(text).min_size(vec2(0.0, 32.0)));
        if copy
            .on_hover_text(scene.t("diagnostics-copy-hint"))
            .clicked()
        {
            actions.push(Action::Copy(diagnostics(scene)));
        }
        if let Some(report) = report {
            let text = RichText::new(scene.t("check-copy")).font(theme::regular(13.0));
            let copy = ui.add(Button::new(text).min_size(vec2(0.0, 32.0)));
            // In English, as the log and the command line have it: whoever helps reads that.
            if copy.on_hover_text(scene.t("copy-english")).clicked() {
                actions.push(Action::Copy(doctor::text::table(report)));
            }
        }
    });
    if scene.examining {
        ui.horizontal(|ui| {
            Verdict::Busy.show(ui);
            let text = scene.t("check-running");
            block::words(ui, text, theme::regular(13.0), Verdict::Busy.colour());
        });
    }
    match report {
        None if scene.examining => {}
        None => nothing(ui, scene),
        Some(report) if report.lines.is_empty() => nothing(ui, scene),
        Some(report) => {
            summary(ui, scene, report);
            lines(ui, scene, report);
        }
    }
}

/// What somebody who helps needs to read; the check's report is in it where there is one.
pub fn diagnostics(scene: &Scene<'_>) -> String {
    let report = scene.snapshot.doctor.report.as_deref();
    let check = report.map(|report| ("check".to_owned(), doctor::text::table(report)));
    crate::crash::diagnostics::of_this_run(check.into_iter().collect())
}

fn nothing(ui: &mut Ui, scene: &Scene<'_>) {
    let text = scene.t("check-not-yet");
    block::words(ui, text, theme::regular(13.0), theme::text_dim());
}

/// How it went, in one line.
fn summary(ui: &mut Ui, scene: &Scene<'_>, report: &Report) {
    let worst = report.worst();
    let any_good = report.lines.iter().any(|l| l.outcome == Outcome::Ok);
    let (verdict, _) = verdict(match worst {
        Outcome::Skipped if any_good => Outcome::Ok,
        worst => worst,
    });
    let text = summary_text(scene, report);
    ui.add_space(2.0);
    ui.horizontal_top(|ui| {
        verdict.show(ui);
        block::words(ui, text, theme::bold(14.0), verdict.colour());
    });
}

fn summary_text(scene: &Scene<'_>, report: &Report) -> String {
    let count = |outcome| report.lines.iter().filter(|l| l.outcome == outcome).count();
    let (failed, warnings) = (count(Outcome::Failed), count(Outcome::Warning));
    let skipped = count(Outcome::Skipped);
    let all = report.lines.len().to_string();
    let mut parts = Vec::new();
    let mut part = |key, number: usize| {
        if number > 0 {
            let number = number.to_string();
            parts.push(scene.texts.f(key, &[("number", &number), ("all", &all)]));
        }
    };
    part("check-sum-failed", failed);
    part("check-sum-warnings", warnings);
    if failed + warnings == 0 {
        part("check-sum-good", count(Outcome::Ok));
    }
    part("check-sum-skipped", skipped);
    parts.join(", ")
}

fn lines(ui: &mut Ui, scene: &Scene<'_>, report: &Report) {
    let mut above = None;
    for line in &report.lines {
        if above != Some(line.area) {
            above = Some(line.area);
            block::head(ui, &scene.t(area(line.area)), None);
        }
        one(ui, scene, line);
    }
}

fn one(ui: &mut Ui, scene: &Scene<'_>, line: &Line) {
    let (verdict, word) = verdict(line.outcome);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        verdict.show(ui);
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let ink = match line.outcome {
                Outcome::Ok => theme::text_soft(),
                Outcome::Skipped => theme::text_dim(),
                Outcome::Warning | Outcome::Failed => theme::text(),
            };
            // One text, so that a screen reader says the outcome with what was found.
            let mut job = LayoutJob::default();
            let format = |font, colour| TextFormat::simple(font, colour);
            job.append(
                &scene.t(word),
                0.0,
                format(theme::bold(12.5), verdict.colour()),
            );
            job.append(
                &format!("  {}", scene.say(&line.found)),
                0.0,
                format(theme::regular(13.0), ink),
            );
            ui.add(Label::new(job).wrap().selectable(true));
            if !line.fix.is_empty() {
                let fix = scene.say(&line.fix);
                let text = scene.texts.f("check-fix", &[("fix", &fix)]);
                block::words(ui, text, theme::regular(13.0), theme::blue());
            }
        });
    });
}
