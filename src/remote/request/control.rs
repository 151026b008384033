//! The console's named operations as what OBS calls hotkeys, so that any client can set them off: the
//! name, or the name, a space and what the operation takes ("bitrate-set 2500").

use super::{Answered, DONE, Desk, Request, done, refused};
use crate::control::{self, Group, Op, Refusal, Takes};
use crate::remote::protocol::Status;
use crate::session::Snapshot;
use crate::units::BITRATE_LADDER;
use serde_json::json;

/// What a client may set off: what belongs to the hand on a show. Not the settings as a whole, which
/// name programs and files; not secrets, files, downloads or the end of the program; and not what only
/// a window does.
fn is_offered(op: Op) -> bool {
    match op.group() {
        Group::Show => op != Op::Quit,
        Group::Picture | Group::Quality | Group::Sound | Group::Recording => true,
        Group::Meter => matches!(op, Op::MeterSave | Op::ProbeToggle),
        Group::Network => matches!(
            op,
            Op::FastestWay | Op::Reconnect | Op::BackupToggle | Op::ServerUse
        ),
        Group::Viewers => matches!(op, Op::KickViewer | Op::ViewerPageToggle),
        Group::Settings => op == Op::ProfileUse,
        Group::Window => false,
    }
}

/// An operation as a list of keys has it: where it takes something that is known, each of those. What
/// takes anything else is not listed, and can be set off all the same.
fn keys(op: Op, snapshot: &Snapshot) -> Vec<String> {
    let id = op.id();
    match (op, op.takes()) {
        (_, Takes::Nothing) => vec![id.to_owned()],
        (_, Takes::Input) => (1..=snapshot.settings.audio.inputs.len())
            .map(|number| format!("{id} {number}"))
            .collect(),
        (Op::BitrateSet, _) => BITRATE_LADDER
            .iter()
            .map(|kbps| format!("{id} {kbps}"))
            .collect(),
        (Op::ProfileUse, _) => snapshot
            .profiles
            .names
            .iter()
            .map(|name| format!("{id} {name}"))
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn hotkeys(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let offered = Op::ALL.iter().filter(|op| is_offered(**op));
    let names: Vec<_> = offered.flat_map(|op| keys(*op, &desk.snapshot)).collect();
    done(json!({ "hotkeys": names }))
}

pub(super) fn trigger(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let text = request.data.text("hotkeyName")?.trim();
    let (id, argument) = match text.split_once(char::is_whitespace) {
        Some((id, argument)) => (id, Some(argument.trim())),
        None => (text, None),
    };
    let op = Op::named(id)
        .ok()
        .filter(|op| is_offered(*op))
        .ok_or_else(|| {
            let why = "no operation has that name; GetHotkeyList tells the names";
            refused(Status::ResourceNotFound, why)
        })?;
    if op == Op::Stop {
        // Its second press is asked for in one place.
        return super::outputs::stop_stream(request, desk);
    }
    let now = control::Now::of(&desk.snapshot);
    let commands = control::commands(op, argument, &now).map_err(|refusal| {
        let status = match refusal {
            Refusal::Argument { .. } | Refusal::NoInput { .. } | Refusal::Setting(_) => {
                Status::InvalidRequestField
            }
            _ => Status::InvalidResourceState,
        };
        refused(status, refusal.to_string())
    })?;
    for command in commands {
        desk.send(command);
    }
    DONE
}
