//! What a show does, in a few lines that change seldom: for a report after a crash. Pure.

use super::snapshot::{Receiver, Snapshot, State};
use crate::record::status::Phase;
use std::fmt::Write as _;

/// One line a fact; the first says where the show stands.
pub fn words(snapshot: &Snapshot) -> String {
    let mut out = match &snapshot.state {
        State::Idle => "idle".to_owned(),
        State::Preflight => "looking whether everything is there".to_owned(),
        State::Starting => "starting".to_owned(),
        State::Live => "live".to_owned(),
        // Not which try: each would be another text.
        State::Reconnecting { .. } => format!("reconnecting: {}", snapshot.link.cause),
        State::Stopping => "stopping".to_owned(),
        State::Failed { message } => format!("failed: {message}"),
    };
    let target = &snapshot.settings.target;
    let receiver = match &snapshot.receiver {
        None => None,
        Some(Receiver::OwnServer { address }) => Some(format!("{address}, path {}", target.path)),
        Some(Receiver::ManagedMediaMtx { .. }) => {
            Some(format!("own MediaMTX, path {}", target.path))
        }
        Some(Receiver::Loopback) => Some("loopback".to_owned()),
    };
    if let Some(receiver) = receiver {
        let way = snapshot.route.way.map_or("no way yet", |way| way.name());
        let _ = write!(out, "\nto {receiver}, by {way}");
    }
    let video = &snapshot.settings.video;
    let _ = write!(
        out,
        "\nsource {:?}, {} at {} fps",
        video.source, video.size, video.fps
    );
    if !snapshot.encoding.name.is_empty() {
        let _ = write!(out, "\nencoder {}", snapshot.encoding.name);
    }
    let recording = &snapshot.recording;
    if let Some(file) = recording
        .file
        .as_ref()
        .filter(|_| recording.phase != Phase::Off)
    {
        let _ = write!(out, "\nrecording {}", file.display());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Way;

    #[test]
    fn figures_that_move_are_no_part_of_it() {
        let mut snapshot = Snapshot {
            state: State::Live,
            receiver: Some(Receiver::OwnServer {
                address: "studio:8890".into(),
            }),
            ..Snapshot::default()
        };
        snapshot.route.way = Some(Way::SrtPush);
        snapshot.settings.target.path = "pd_a".into();
        let before = words(&snapshot);
        assert!(
            before.starts_with("live\nto studio:8890, path pd_a, by "),
            "{before}"
        );
        (snapshot.frames, snapshot.viewers) = (77, Some(3));
        assert_eq!(words(&snapshot), before);
        snapshot.state = State::Reconnecting { attempt: 1 };
        let one = words(&snapshot);
        snapshot.state = State::Reconnecting { attempt: 2 };
        assert_eq!(words(&snapshot), one);
        assert!(one.starts_with("reconnecting: "), "{one}");
    }
}
