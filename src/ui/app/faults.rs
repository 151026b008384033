//! A fault of the window's own: a panic while it looks or draws. The show does not need the window and goes on; what the
//! window remembers is made anew and drawn again. Where that fails three frames running, a page of plain text and
//! three buttons stands in its place: end the show, try again, quit. Main thread.

use super::Window;
use crate::session::Command;
use crate::session::snapshot::State;
use crate::ui::dock::Dock;
use crate::ui::view::View;
use eframe::egui::{RichText, Ui, ViewportCommand};

/// Frames that fail one after another until the plain page stands in their place.
const MOST: u32 = 3;

/// Faults of the window. Pure.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    in_a_row: u32,
    /// What the last one said.
    why: String,
    /// The plain page is shown.
    plain: bool,
}

impl Faults {
    /// A frame was drawn.
    pub(super) fn drawn(&mut self) {
        self.in_a_row = 0;
    }

    /// A frame was not.
    fn failed(&mut self, why: &str) {
        self.in_a_row += 1;
        why.clone_into(&mut self.why);
        self.plain |= self.in_a_row >= MOST;
    }

    /// The operator wants the window back.
    fn again(&mut self) {
        *self = Self::default();
    }
}

impl Window {
    /// Makes what the window remembers anew; the report is the panic hook's.
    pub(super) fn broke_down(&mut self, why: &str) {
        tracing::error!("the window failed inside and is drawn anew: {why}");
        self.faults.failed(why);
        let dock = match &self.keeper {
            // What is kept was good, and shall not be written over with what was shipped.
            Some(keeper) => Dock::new(keeper.kept().layout, keeper.kept().plans.clone()),
            None => Dock::default(),
        };
        self.view = View {
            preview_on: self.view.preview_on,
            stop: std::mem::take(&mut self.view.stop),
            reports: std::mem::take(&mut self.view.reports),
            dock,
            ..View::default()
        };
        self.docked = self.view.dock.changes();
    }

    /// Draws the window, or the plain page.
    pub(super) fn draw_or_say(&mut self, ui: &mut Ui) {
        if self.faults.plain {
            self.plain(ui);
        } else {
            self.draw(ui);
        }
    }

    fn plain(&mut self, ui: &mut Ui) {
        let state = &self.snapshot.state;
        ui.add_space(24.0);
        ui.label(RichText::new(self.texts.t("window-failed")).size(22.0));
        let why = self
            .texts
            .f("window-failed-why", &[("why", &self.faults.why)]);
        ui.label(why);
        ui.add_space(12.0);
        if matches!(state, State::Live | State::Reconnecting { .. }) {
            ui.label(RichText::new(self.texts.t("window-failed-live")).size(22.0));
        }
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            if ui.button(self.texts.t("window-failed-again")).clicked() {
                self.faults.again();
            }
            ui.add_space(24.0);
            if !state.is_at_rest() && ui.button(self.texts.t("window-failed-stop")).clicked() {
                self.console.send(Command::Stop);
            }
            if state.is_at_rest() && ui.button(self.texts.t("window-failed-quit")).clicked() {
                self.quitting = true;
                ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_frame_is_drawn_anew_and_three_running_are_given_up() {
        let mut faults = Faults::default();
        for _ in 0..10 {
            faults.failed("a");
            faults.failed("b");
            faults.drawn();
        }
        assert!(!faults.plain);
        faults.failed("a");
        faults.failed("a");
        faults.failed("c");
        assert!(faults.plain);
        assert_eq!(faults.why, "c");
        // The plain page is drawn and stays until the operator wants the window back.
        faults.drawn();
        assert!(faults.plain);
        faults.again();
        assert!(!faults.plain);
    }
}
