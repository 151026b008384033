//! Letters that texts from outside need beyond the bundled type. Main thread, once a new text comes.

use super::Window;
use crate::session::snapshot::State;
use eframe::egui::Context;

impl Window {
    /// Texts from outside may have letters beyond the bundled type.
    pub(super) fn look_for_letters(&mut self, ctx: &Context) {
        let snapshot = &self.snapshot;
        let seen = self.log_seen;
        for line in snapshot.log.iter().rev() {
            if seen.is_some_and(|seen| line.number <= seen) {
                break;
            }
            self.fallback.look(ctx, &line.text);
        }
        self.log_seen = snapshot.log.last().map(|line| line.number).or(seen);
        self.fallback.look(ctx, &snapshot.audio.label);
        for input in &snapshot.audio.inputs {
            self.fallback.look(ctx, &input.label);
        }
        self.fallback.look(ctx, &snapshot.source);
        for way in &snapshot.route.ways {
            for why in way.why_not.iter().chain(&way.not_automatic) {
                self.fallback.look(ctx, why);
            }
        }
        for reader in snapshot.readers.iter() {
            self.fallback.look(ctx, &reader.user_agent);
        }
        for card in snapshot.gpus.iter().flat_map(|gpus| gpus.iter()) {
            self.fallback.look(ctx, &card.name);
        }
        for line in snapshot.doctor.report.iter().flat_map(|r| &r.lines) {
            self.fallback.look(ctx, &line.found);
        }
        let recording = &snapshot.recording;
        for path in recording.file.iter().chain(&recording.replay.file) {
            self.fallback.look(ctx, &path.to_string_lossy());
        }
        if let State::Failed { message } = &snapshot.state {
            self.fallback.look(ctx, message);
        }
    }
}
