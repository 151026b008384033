//! The ffmpeg program: where it is, its version, whether it has what a show needs.

use super::guard::{Lane, Look};
use super::{Area, Outcome};
use crate::ffmpeg::{Ffmpeg, capabilities};
use std::time::Duration;

/// A broken ffmpeg is given up by its own limit of 8 s.
const LIMIT: Duration = Duration::from_secs(9);

/// Looks for it; what was found is for the checks after this one.
pub(super) fn check(lane: &Lane) -> Option<Ffmpeg> {
    lane.look_for(Area::Ffmpeg, LIMIT, |case, _| {
        match capabilities::look(case.settings.ffmpeg_path.as_deref()) {
            Ok(ffmpeg) => (vec![Look::ok(describe(&ffmpeg))], Some(ffmpeg)),
            // Each reason has its own message, which ends with what to do.
            Err(error) => {
                let fix = "set the path of a working ffmpeg";
                let look = Look::of_message(Outcome::Failed, error, fix);
                (vec![look], None)
            }
        }
    })
    .flatten()
}

fn describe(ffmpeg: &Ffmpeg) -> String {
    format!(
        "ffmpeg {} at {}, with SRT, H.264 and Opus",
        ffmpeg.capabilities.version_text,
        ffmpeg.path.display()
    )
}
