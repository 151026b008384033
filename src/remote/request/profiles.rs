//! Requests about profiles: which there are, and to use another. They are made and changed at the
//! console only.

use super::{Answered, DONE, Desk, Request, done, refused};
use crate::remote::protocol::Status;
use crate::session::Command;
use serde_json::json;

pub(super) fn list(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let profiles = &desk.snapshot.profiles;
    done(json!({
        "currentProfileName": profiles.current,
        "profiles": *profiles.names,
    }))
}

pub(super) fn set_current(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let name = request.data.text("profileName")?;
    if !desk
        .snapshot
        .profiles
        .names
        .iter()
        .any(|known| known == name)
    {
        let why = "no profile has that name; GetProfileList tells the names";
        return Err(refused(Status::ResourceNotFound, why));
    }
    desk.send(Command::UseProfile {
        name: name.to_owned(),
    });
    DONE
}
