//! A quiet strip after a start: the run before failed, and there is a report of it. What happened in one sentence; the
//! text is shown under it, copied, deleted, or put away for good. Nothing is asked and nothing waits for an answer.
//!
//! Drawn by the window's thread; files are read before the window opens and changed on a thread of their own
//! (`pd-report-file`).

use super::Scene;
use crate::crash::folder::{self, Kept};
use crate::crash::report::Kind;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Align, Button, CornerRadius, Frame, Label, Layout, Margin, RichText, ScrollArea, Sense, Stroke,
    Ui, vec2,
};

/// The reports that are offered.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Oldest first.
    kept: Vec<Kept>,
    /// Whether the newest is shown.
    pub open: bool,
}

impl Reports {
    /// Offers these.
    pub fn new(kept: Vec<Kept>) -> Self {
        Self { kept, open: false }
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Kept> {
        self.kept.last()
    }

    /// The operator has read them: they are offered no more, and stay on the disk.
    pub fn put_away(&mut self) {
        if let Some(newest) = std::mem::take(self).kept.pop() {
            on_a_thread(move || folder::put_away(&newest));
        }
    }

    /// They go from the disk.
    pub fn delete(&mut self) {
        let kept = std::mem::take(self).kept;
        on_a_thread(move || folder::delete(&kept));
    }
}

fn on_a_thread(work: impl FnOnce() -> std::io::Result<()> + Send + 'static) {
    let told = move || {
        if let Err(error) = work() {
            tracing::warn!("the reports of failures are offered again: {error}");
        }
    };
    let thread = std::thread::Builder::new().name("pd-report-file".into());
    if let Err(error) = thread.spawn(told) {
        tracing::warn!("no thread to change the reports: {error}");
    }
}

/// What happened, in one sentence.
pub fn sentence(scene: &Scene<'_>, reports: &Reports) -> Option<String> {
    let head = &reports.newest()?.head;
    // To the minute, as whoever was there remembers it.
    let time: String = head.time.chars().take(16).collect();
    let time = time.replace('T', " ");
    let key = match (head.kind, head.went_on) {
        (Kind::Panic, true) => "report-part-failed",
        (Kind::Panic, false) => "report-failed",
        _ if head.state.starts_with("live") || head.state.starts_with("reconnecting") => {
            "report-gone-live"
        }
        _ => "report-gone",
    };
    let text = scene
        .texts
        .f(key, &[("time", &time), ("why", &head.message)]);
    let others = reports.kept.len() - 1;
    Some(match others {
        0 => text,
        others => {
            let others = others.to_string();
            let more = scene.texts.f("report-more", &[("number", &others)]);
            format!("{text} {more}")
        }
    })
}

/// Draws the strip where there is a report.
pub fn strip(ui: &mut Ui, scene: &Scene<'_>, reports: &Reports, actions: &mut Vec<Action>) {
    let (Some(text), Some(newest)) = (sentence(scene, reports), reports.newest()) else {
        return;
    };
    ui.add_space(4.0);
    let frame = Frame::new()
        .fill(theme::well())
        .stroke(Stroke::new(1.0, theme::amber()))
        .corner_radius(CornerRadius::same(theme::ROUND_SMALL))
        .inner_margin(Margin::symmetric(10, 6));
    frame.show(ui, |ui| {
        widgets::row(ui, 28.0, |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            let centre = rect.center() + vec2(0.0, 1.5);
            marks::triangle(ui.painter(), centre, 8.0, -0.25, theme::amber());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button = |ui: &mut Ui, key: &str| {
                    let button = Button::new(scene.t(key)).min_size(vec2(0.0, 28.0));
                    ui.add(button).clicked()
                };
                if button(ui, "report-noted") {
                    actions.push(Action::PutReportsAway);
                }
                if button(ui, "report-delete") {
                    actions.push(Action::DeleteReports);
                }
                if button(ui, "report-copy") {
                    actions.push(Action::Copy(newest.text.clone()));
                }
                let show = if reports.open {
                    "report-hide"
                } else {
                    "report-show"
                };
                if button(ui, show) {
                    actions.push(Action::ShowReport(!reports.open));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::short_text(ui, text, theme::regular(14.0), theme::text());
                });
            });
        });
        if reports.open {
            let height = (ui.ctx().content_rect().height() * 0.4).max(120.0);
            ScrollArea::both()
                .id_salt("report")
                .max_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    let text = RichText::new(&newest.text)
                        .monospace()
                        .size(12.5)
                        .color(theme::text_soft());
                    ui.add(Label::new(text).extend().selectable(true));
                });
        }
    });
}
