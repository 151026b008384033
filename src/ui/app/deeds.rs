//! What the operator did is carried out: the window's own at once, the rest as commands to the session.
//! Main thread; nothing waits.

use super::Window;
use crate::clock::MonoTime;
use crate::control::Now;
use crate::session::Command;
use crate::ui::actions::Action;
use crate::ui::commands::undo::Value;
use crate::ui::look;
use crate::ui::panels::network::KickGuard;
use crate::ui::panels::wizard::Wizard;
use crate::ui::widgets::bitrate_slider;
use eframe::egui::{Context, ViewportCommand};

impl Window {
    /// Does it.
    pub(super) fn carry_out(&mut self, ctx: &Context, action: Action, now: MonoTime) {
        self.note_change(&action, now);
        let view = &mut self.view;
        match &action {
            Action::Bitrate(kbps) => view.kbps.set(bitrate_slider::clamp(*kbps), now),
            Action::Muted(muted) => view.muted.set(*muted, now),
            Action::MoveInput(index, input) => view.form.take_input(*index, input, now),
            Action::Set(after) => {
                let before = Now::of(&self.snapshot).settings();
                view.form.take(&before, after, now);
            }
            Action::LogLeast(least) => view.least = *least,
            Action::ShowPalette(open) => view.palette.show(*open),
            Action::Undo => self.undo(ctx, now),
            Action::Close => ctx.send_viewport_cmd(ViewportCommand::Close),
            Action::PressStop => {
                if view.stop.press(now) {
                    self.console.send(Command::Stop);
                }
            }
            Action::PressKick(id) => {
                if view.kick.press(id, now) {
                    self.console.send(Command::KickViewer { id: id.clone() });
                }
            }
            Action::PressReconnect => {
                if view.kick.press(KickGuard::RECONNECT, now) {
                    self.console.send(Command::Reconnect);
                }
            }
            Action::Preview(on) => {
                view.preview_on = *on;
                view.form.draft.preview.on = *on;
            }
            Action::Freeze(freeze) => {
                view.frozen = freeze.then(|| (self.snapshot.clone(), now));
            }
            Action::ShowSide(Some(side)) => view.dock.open(*side),
            Action::ShowSide(None) => {
                if let Some(side) = view.dock.front() {
                    view.dock.close(side);
                }
            }
            Action::CloseSide(side) => view.dock.close(*side),
            Action::Layout(layout) => view.dock.switch(*layout),
            Action::ResetLayout => view.dock.reset(),
            Action::Strip(on) => {
                view.strip = *on;
                self.place.strip(ctx, *on);
            }
            Action::Scale(step) => {
                let window = &mut view.form.draft.window;
                window.scale_percent = look::scaled(window.scale_percent, *step);
            }
            Action::Examine => view.examining.set(true, now),
            Action::Noted(text) => view.noted = Some(text.clone()),
            Action::PutAway(key) => view.toasts.put_away(*key),
            Action::ShowReport(open) => view.reports.open = *open,
            Action::PutReportsAway => view.reports.put_away(),
            Action::DeleteReports => view.reports.delete(),
            Action::ShowWizard(open) => {
                view.wizard = open.then(|| Wizard::new(&self.snapshot.settings, now));
                if *open {
                    view.examining.set(true, now);
                }
            }
            Action::ShowKeys(open) => view.keys_page.show(*open),
            Action::Copy(text) => ctx.copy_text(text.clone()),
            Action::CopySecret(secret) => ctx.copy_text(secret.expose().to_owned()),
            Action::Stay => view.asking = false,
            Action::Quit => {
                view.asking = false;
                self.quitting = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Action::GoLive
            | Action::HoldStop
            | Action::Retry
            | Action::TakeOver
            | Action::Cancel
            | Action::Input(..)
            | Action::Apply(_)
            | Action::Secrets { .. }
            | Action::BackupSecrets { .. }
            | Action::ChooseScreen
            | Action::Record(_)
            | Action::SaveReplay
            | Action::SaveMeter
            | Action::NewRemotePassword
            | Action::FastestWay
            | Action::Send(_)
            | Action::Dismiss => {}
        }
        for command in action.commands() {
            self.console.send(command);
        }
    }

    /// Remembers what `action` changes, so that it can be taken back.
    fn note_change(&mut self, action: &Action, now: MonoTime) {
        let settings = &self.snapshot.settings;
        let (before, after) = match action {
            Action::Bitrate(kbps) => {
                let actual = Now::of(&self.snapshot).kbps;
                let before = self.view.kbps.or(actual, now);
                (Value::Bitrate(before), Value::Bitrate(*kbps))
            }
            Action::Muted(muted) => {
                let before = self.view.muted.or(settings.audio.muted, now);
                (Value::Muted(before), Value::Muted(*muted))
            }
            Action::Input(index, input) | Action::MoveInput(index, input) => {
                let Some(before) = settings.audio.inputs.get(*index) else {
                    return;
                };
                let before = Value::Input(*index, before.clone());
                (before, Value::Input(*index, input.clone()))
            }
            _ => return,
        };
        self.view.undo.note(before, after, now);
    }

    /// Takes the last change back and says which.
    fn undo(&mut self, ctx: &Context, now: MonoTime) {
        let settings = &self.snapshot.settings;
        let (kbps, muted) = (
            self.view.kbps.or(Now::of(&self.snapshot).kbps, now),
            self.view.muted.or(settings.audio.muted, now),
        );
        let inputs = &self.view.form.draft.audio.inputs;
        let stands = |value: &Value| match value {
            Value::Bitrate(value) => *value == kbps,
            Value::Muted(value) => *value == muted,
            Value::Input(index, input) => inputs.get(*index) == Some(input),
        };
        let Some(value) = self.view.undo.take(now, stands) else {
            self.view.note.say(self.texts.t("note-moved"), now);
            return;
        };
        let (action, what) = match value {
            Value::Bitrate(kbps) => {
                let figure = bitrate_slider::figure(kbps);
                let what = self.texts.f("note-bitrate", &[("value", &figure)]);
                (Action::Bitrate(kbps), what)
            }
            Value::Muted(muted) => {
                let key = if muted { "note-muted" } else { "note-unmuted" };
                (Action::Muted(muted), self.texts.t(key))
            }
            Value::Input(index, input) => {
                let number = (index + 1).to_string();
                let what = self.texts.f("note-input", &[("number", &number)]);
                (Action::MoveInput(index, input), what)
            }
        };
        let text = self.texts.f("note-undone", &[("what", &what)]);
        // Taking back is no change of its own.
        let kept = self.view.undo.clone();
        self.carry_out(ctx, action, now);
        self.view.undo = kept;
        self.view.note.say(text, now);
    }
}
