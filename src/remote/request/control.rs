//! The console's named operations as what OBS calls hotkeys, so that any client can set them off: the
//! name, or the name, a space and what the operation takes ("bitrate-set 2500").

use super::{Answered, DONE, Desk, Request, done, refused};
use crate::control::{self, Group, Op, Owner, Refusal};
use crate::remote::protocol::Status;
use serde_json::json;

/// What a client may set off. Not the settings as a whole, which name programs and files; not secrets;
/// not the end of the program; and not what only a window does.
fn is_offered(op: Op) -> bool {
    op.owner() == Owner::Session && op.group() != Group::Settings && op != Op::Quit
}

pub(super) fn hotkeys(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    let names: Vec<_> = Op::ALL
        .iter()
        .filter(|op| is_offered(**op))
        .map(|op| op.id())
        .collect();
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
