//! The operator's log: filtered by severity, wrapped, copied.

use super::Scene;
use crate::session::snapshot::{LogLine, Severity};
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{self, Align, Button, Layout, RichText, ScrollArea, Sense, Ui, vec2};

/// Draws the panel's contents; changes the filter in place, which is the window's own.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, least: &mut Severity, actions: &mut Vec<Action>) {
    let lines = &scene.snapshot.log;
    widgets::row(ui, 28.0, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (severity, key) in [
            (Severity::Info, "log-all"),
            (Severity::Warning, "log-warnings"),
            (Severity::Error, "log-errors"),
        ] {
            let text = RichText::new(scene.t(key)).font(theme::regular(13.0));
            let button = Button::selectable(*least == severity, text).min_size(vec2(0.0, 24.0));
            if ui.add(button).clicked() {
                *least = severity;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = RichText::new(scene.t("log-copy")).font(theme::regular(13.0));
            let button = Button::new(text).min_size(vec2(0.0, 24.0));
            let copy = ui.add_enabled(!lines.is_empty(), button);
            if copy.on_hover_text(scene.t("copy-english")).clicked() {
                actions.push(Action::Copy(as_text(lines, *least)));
            }
        });
    });
    ScrollArea::vertical()
        .id_salt("log")
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            let mut any = false;
            for line in lines.iter().filter(|line| line.severity >= *least) {
                any = true;
                row(ui, scene, line);
            }
            if !any {
                let font = theme::regular(13.0);
                widgets::text(ui, scene.t("log-empty"), font, theme::text_dim());
            }
        });
}

fn row(ui: &mut Ui, scene: &Scene<'_>, line: &LogLine) {
    let colour = theme::severity_colour(line.severity);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        widgets::text(ui, &line.time, theme::regular(13.0), theme::text_dim());
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        marks::severity(ui.painter(), rect.center(), 6.0, line.severity, colour);
        let ink = match line.severity {
            Severity::Info => theme::text_soft(),
            Severity::Warning | Severity::Error => colour,
        };
        let word = scene.t(match line.severity {
            Severity::Info => "log-info",
            Severity::Warning => "log-warning",
            Severity::Error => "log-error",
        });
        if line.severity > Severity::Info {
            widgets::text(ui, word, theme::bold(12.5), colour);
        }
        let text = RichText::new(scene.say(&line.text))
            .font(theme::regular(13.0))
            .color(ink);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
}

/// The shown lines as text for the clipboard, in English whatever the window's language: it is for
/// whoever helps, and is found in the log file.
pub fn as_text(lines: &[LogLine], least: Severity) -> String {
    lines
        .iter()
        .filter(|line| line.severity >= least)
        .map(|line| format!("{} {:?} {}\n", line.time, line.severity, line.text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_what_the_filter_shows() {
        let line = |severity, text: &str| LogLine {
            number: 0,
            time: "12:00:00".into(),
            severity,
            text: text.into(),
        };
        let lines = [line(Severity::Info, "a"), line(Severity::Error, "b")];
        assert_eq!(
            as_text(&lines, Severity::Info),
            "12:00:00 Info a\n12:00:00 Error b\n"
        );
        assert_eq!(as_text(&lines, Severity::Warning), "12:00:00 Error b\n");
    }
}
