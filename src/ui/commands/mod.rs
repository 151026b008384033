//! The window's side of the operations in [`crate::control`]: their titles, whether each is possible as the
//! window stands, and the actions that carry it out. Keys, palette and global hotkeys all go through
//! [`Here::act`]. Pure but for what it is handed; the window's thread.

pub mod key_names;
pub mod search;
pub mod titles;
pub mod undo;

use super::actions::Action;
use super::dock::plan::Layout;
use super::keys;
use super::look::Step;
use super::panels::side::Side;
use super::panels::{Scene, check, log};
use super::view::View;
use crate::control::{Deed, Now, Op, Owner, Refusal, commands};
use crate::session::Command;
use crate::session::snapshot::{Severity, State};
use crate::settings::{AudioInput, Settings};

/// The window as it stands in a frame.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// What it shows.
    pub scene: &'a Scene<'a>,
    /// What it remembers.
    pub view: &'a View,
}

impl<'a> Here<'a> {
    /// The session with the operator's newest wishes.
    pub fn now(&self) -> Now<'a> {
        Now {
            snapshot: self.scene.snapshot,
            kbps: self.scene.kbps,
            muted: self.scene.muted,
        }
    }

    /// Whether `op` makes sense just now, whatever it is told.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn possible(&self, op: Op) -> Result<(), Refusal> {
        let no = |what, todo| Err(Refusal::not_now(what, todo));
        if op.owner() == Owner::Session && op != Op::Quit {
            self.now().possible(op)?;
        }
        let snapshot = self.scene.snapshot;
        match op {
            Op::GoLive if !self.view.form.is_good() => no(
                "The settings have a fault",
                "Correct what is marked in them first.",
            ),
            Op::GoLive if !self.view.go.allows(self.scene.now) => {
                no("A show has only just ended", "Try again in a moment.")
            }
            Op::Check if self.scene.examining => no(
                "Everything is being looked at just now",
                "Wait for the report.",
            ),
            Op::ViewerLinkCopy if self.link().is_none() => no(
                "There is no link for viewers yet",
                "Put the viewers' page on, or go live.",
            ),
            Op::Undo if self.view.undo.last(self.scene.now).is_none() => no(
                "There is no change to take back",
                "Bitrate, mute and sound inputs can be taken back for 60 s.",
            ),
            Op::LogCopy if snapshot.log.is_empty() => {
                no("The log is empty", "There is nothing to copy.")
            }
            Op::EncoderOptionsCopy if snapshot.encoding.options.is_empty() => {
                no("No encoder runs", "Go live first.")
            }
            Op::CheckCopy if snapshot.doctor.report.is_none() => {
                no("Nothing has been checked yet", "Check everything first.")
            }
            Op::ReportShow | Op::ReportCopy | Op::ReportDelete | Op::ReportNoted
                if self.view.reports.newest().is_none() =>
            {
                no(
                    "There is no report of a failure",
                    "Copy the diagnostics instead.",
                )
            }
            Op::UpdateCopy
                if snapshot
                    .update
                    .as_ref()
                    .is_none_or(|release| release.page.is_none()) =>
            {
                no(
                    "There is no address of a newer version",
                    "There is nothing to copy.",
                )
            }
            Op::FallbackNoted if snapshot.encoding.fallback.is_none() => no(
                "The chosen encoder is in force",
                "There is nothing to put away.",
            ),
            Op::Wizard if !self.now().is_idle() => {
                no("A show runs", "Stop it first, then set the console up.")
            }
            Op::PanelClose if self.view.dock.front().is_none() => {
                no("No panel is open", "There is nothing to close.")
            }
            _ => Ok(()),
        }
    }

    /// What carries `deed` out.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn act(&self, deed: &Deed) -> Result<Vec<Action>, Refusal> {
        let op = deed.op;
        self.possible(op)?;
        if op.takes().is_secret() {
            // Typed where it stays hidden.
            return Ok(vec![Action::ShowSide(Some(Side::Settings))]);
        }
        if let Some(own) = self.own(deed)? {
            return Ok(vec![own]);
        }
        let done = commands(op, deed.argument.as_deref(), &self.now())?;
        Ok(done.into_iter().map(|c| self.action(op, c)).collect())
    }

    /// What is the window's own, and what it does in its own way.
    fn own(&self, deed: &Deed) -> Result<Option<Action>, Refusal> {
        let view = self.view;
        let snapshot = self.scene.snapshot;
        // What is in sight is put away, what is not comes to the front.
        let side = |side: Side| match view.dock.is_open(side) {
            true => Action::CloseSide(side),
            false => Action::ShowSide(Some(side)),
        };
        let copy = |text: Option<String>| text.map(Action::Copy);
        Ok(match deed.op {
            Op::GoLive => keys::begin(&snapshot.state, true),
            Op::Stop => keys::end(&snapshot.state),
            Op::Quit => Some(Action::Close),
            Op::PreviewToggle => Some(Action::Preview(!view.preview_on)),
            Op::MeterHold => Some(Action::Freeze(view.frozen.is_none())),
            Op::ViewerLinkCopy => copy(self.link()),
            Op::PanelSettings => Some(side(Side::Settings)),
            Op::PanelEncoder => Some(side(Side::Encoder)),
            Op::PanelCheck => Some(side(Side::Check)),
            Op::PanelNetwork => Some(side(Side::Network)),
            Op::PanelViewers => Some(side(Side::Viewers)),
            Op::PanelPreview => Some(side(Side::Preview)),
            Op::PanelLatency => Some(side(Side::Latency)),
            Op::PanelLog => Some(side(Side::Log)),
            Op::PanelSource => Some(side(Side::Source)),
            Op::PanelAudio => Some(side(Side::Audio)),
            Op::PanelServer => Some(side(Side::Server)),
            Op::PanelGpu => Some(side(Side::Gpu)),
            Op::PanelClose => Some(Action::ShowSide(None)),
            Op::LayoutSet => Some(Action::Layout(layout(deed)?)),
            Op::LayoutReset => Some(Action::ResetLayout),
            Op::StripToggle => Some(Action::Strip(!view.strip)),
            Op::ScaleUp => Some(Action::Scale(Step::Up)),
            Op::ScaleDown => Some(Action::Scale(Step::Down)),
            Op::ScaleReset => Some(Action::Scale(Step::Reset)),
            Op::Palette => Some(Action::ShowPalette(!view.palette.open)),
            Op::Wizard => Some(Action::ShowWizard(true)),
            Op::Keys => Some(Action::ShowKeys(!view.keys_page.open)),
            Op::Undo => Some(Action::Undo),
            Op::LogFilter => Some(Action::LogLeast(severity(deed)?)),
            Op::LogCopy => copy(Some(log::as_text(&snapshot.log, view.least))),
            Op::EncoderOptionsCopy => copy(Some(snapshot.encoding.options.clone())),
            Op::CheckCopy => {
                let report = snapshot.doctor.report.as_deref();
                copy(report.map(crate::doctor::text::table))
            }
            Op::DiagnosticsCopy => copy(Some(check::diagnostics(self.scene))),
            Op::ReportShow => Some(Action::ShowReport(!view.reports.open)),
            Op::ReportCopy => copy(view.reports.newest().map(|kept| kept.text.clone())),
            Op::ReportDelete => Some(Action::DeleteReports),
            Op::ReportNoted => Some(Action::PutReportsAway),
            Op::UpdateCopy => copy(snapshot.update.as_ref().and_then(|r| r.page.clone())),
            Op::FallbackNoted => snapshot.encoding.fallback.clone().map(Action::Noted),
            _ => None,
        })
    }

    /// A command of the session as the window's own action, so that guards and wishes are the same as
    /// by hand.
    fn action(&self, op: Op, command: Command) -> Action {
        match command {
            Command::SetBitrate { kbps } => Action::Bitrate(kbps),
            Command::SetMuted { muted } => Action::Muted(muted),
            Command::SetInput {
                index,
                gain_db,
                muted,
                delay_ms,
            } => {
                let inputs = &self.scene.snapshot.settings.audio.inputs;
                let source = inputs.get(index).map(|input| input.source.clone());
                let input = AudioInput {
                    source: source.unwrap_or_default(),
                    gain_db,
                    muted,
                    delay_ms,
                };
                Action::MoveInput(index, input)
            }
            Command::ApplySettings(settings) => Action::Set(settings),
            Command::KickViewer { id } => Action::PressKick(id),
            Command::Reconnect => Action::PressReconnect,
            Command::Examine => Action::Examine,
            Command::StartRecording => Action::Record(true),
            Command::StopRecording => Action::Record(false),
            other => {
                debug_assert!(op.owner() == Owner::Session);
                Action::Send(other)
            }
        }
    }

    /// The link for viewers, where there is one.
    fn link(&self) -> Option<String> {
        use crate::session::snapshot::Receiver;
        let snapshot = self.scene.snapshot;
        let page = snapshot.viewer.links.first().cloned();
        page.or_else(|| match &snapshot.receiver {
            Some(Receiver::ManagedMediaMtx { viewer_url }) => Some(viewer_url.clone()),
            _ => None,
        })
    }

    /// The title of an operation in the window's language.
    pub fn title(&self, op: Op) -> String {
        self.scene.t(titles::title(op))
    }

    /// The same with what it is told.
    pub fn deed_title(&self, deed: &Deed) -> String {
        let title = self.title(deed.op);
        match &deed.argument {
            Some(argument) => format!("{title}: {argument}"),
            None => title,
        }
    }

    /// Whether a press of STOP ends a show that is on air, so that it is guarded.
    pub fn is_on_air(&self) -> bool {
        matches!(
            self.scene.snapshot.state,
            State::Live | State::Reconnecting { .. }
        )
    }
}

/// What is told to `deed`, as one of `choices`.
fn one_of<T: Copy>(deed: &Deed, choices: &[(&str, T)]) -> Result<T, Refusal> {
    let given = deed.argument.as_deref().unwrap_or_default();
    let wanted = given.to_ascii_lowercase();
    let found = choices.iter().find(|(name, _)| *name == wanted);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| Refusal::Argument {
            op: deed.op.id(),
            takes: deed.op.takes().words(),
            given: given.to_owned(),
            example: deed.op.takes().example(),
        })
}

fn severity(deed: &Deed) -> Result<Severity, Refusal> {
    let choices = [
        ("info", Severity::Info),
        ("warning", Severity::Warning),
        ("error", Severity::Error),
    ];
    one_of(deed, &choices)
}

fn layout(deed: &Deed) -> Result<Layout, Refusal> {
    let choices = [
        ("show", Layout::Show),
        ("setup", Layout::Setup),
        ("compact", Layout::Compact),
    ];
    one_of(deed, &choices)
}

/// `draft` with what changed from `before` to `after`, so that an operation does not undo what is half
/// typed elsewhere in the settings.
pub fn carried_over(draft: &Settings, before: &Settings, after: &Settings) -> Settings {
    use serde_json::Value;
    fn carry(draft: &mut Value, before: &Value, after: &Value) {
        match (draft, before, after) {
            (Value::Object(draft), Value::Object(before), Value::Object(after)) => {
                for (key, value) in after {
                    let slot = draft.entry(key.clone()).or_insert(Value::Null);
                    carry(slot, before.get(key).unwrap_or(&Value::Null), value);
                }
            }
            (draft, before, after) if before != after => *draft = after.clone(),
            _ => {}
        }
    }
    let json = |settings| serde_json::to_value(settings).unwrap_or_default();
    let mut merged = json(draft);
    carry(&mut merged, &json(before), &json(after));
    serde_json::from_value(merged).unwrap_or_else(|_| after.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Language;

    #[test]
    fn a_change_leaves_what_is_half_typed_alone() {
        let before = Settings::default();
        let mut after = before.clone();
        after.encoder.adaptive = true;
        let mut draft = before.clone();
        draft.target.host = "exam".into();
        draft.language = Language::Korean;
        let merged = carried_over(&draft, &before, &after);
        draft.encoder.adaptive = true;
        assert_eq!(merged, draft);
    }
}
