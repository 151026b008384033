//! The ffmpeg program: where it is, its version, whether it has what a show needs.

use super::guard::{Lane, Look};
use super::{Area, Outcome};
use crate::ffmpeg::{Ffmpeg, FfmpegError, capabilities};
use std::time::Duration;

/// One that does not answer is given up by itself, after two times 8 s; one that answers late each time has some dozen
/// questions to answer.
const LIMIT: Duration = Duration::from_secs(3 * capabilities::ANSWER_LIMIT.as_secs());

/// Looks for it; what was found is for the checks after this one.
pub(super) fn check(lane: &Lane) -> Option<Ffmpeg> {
    lane.look_for(Area::Ffmpeg, LIMIT, |case, _| {
        match capabilities::look(case.settings.ffmpeg_path.as_deref()) {
            Ok(ffmpeg) => (vec![Look::ok(describe(&ffmpeg))], Some(ffmpeg)),
            // Each reason has its own message, which ends with what to do.
            Err(error) => {
                let outcome = match error {
                    // It may be a good one.
                    FfmpegError::Busy { .. } => Outcome::Warning,
                    _ => Outcome::Failed,
                };
                let fix = "set the path of a working ffmpeg";
                let look = Look::of_message(outcome, error, fix);
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
