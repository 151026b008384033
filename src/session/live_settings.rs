//! Which settings a running show takes, and which wait for the next. Pure.

use crate::settings::{EncoderSettings, Settings};

/// What becomes of `now` where `wish` is applied, during a show or at rest.
///
/// # Errors
/// In words for the operator, where a value is out of bounds: then nothing of it is taken. Whoever sends
/// settings (the window, a client of the remote control, a script) may be wrong, and the file that they
/// are kept in is read with the same bounds.
pub fn taken(now: &Settings, wish: Settings, in_show: bool) -> Result<Settings, String> {
    if let Err(bad) = wish.check() {
        let each: Vec<_> = bad.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the settings stay as they were: {}",
            each.join("; ")
        ));
    }
    Ok(if in_show {
        live_settings(now, wish)
    } else {
        wish
    })
}

/// What becomes of `now` where `wish` is applied during a show. Bitrate and mute have commands of their
/// own. What is captured may change and how it is encoded, and sound inputs come and go without a
/// disturbance; the target's part waits for the next show.
#[must_use]
pub fn live_settings(now: &Settings, wish: Settings) -> Settings {
    let mut taken = now.clone();
    taken.language = wish.language;
    taken.video = wish.video;
    taken.encoder = EncoderSettings {
        bitrate_kbps: now.encoder.bitrate_kbps,
        ..wish.encoder
    };
    taken.audio.inputs = wish.audio.inputs;
    taken.preview = wish.preview;
    taken.viewer = wish.viewer;
    taken.remote = wish.remote;
    taken.probe = wish.probe;
    taken.performance = wish.performance;
    taken.recording = wish.recording;
    taken.notify = wish.notify;
    taken.controls = wish.controls;
    taken.window = wish.window;
    taken.updates = wish.updates;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Fps, Size};

    /// Seed 3 of `tests/sim.rs`: a frame rate of 0/0 was taken, and the file could not be read again.
    #[test]
    fn settings_out_of_bounds_change_nothing_and_are_named() {
        let now = Settings::default();
        let mut wish = now.clone();
        wish.video.fps = Fps { num: 0, den: 0 };
        wish.encoder.bitrate_kbps = 0;
        for in_show in [false, true] {
            let why = taken(&now, wish.clone(), in_show).unwrap_err();
            assert!(
                why.contains("video.fps is 0/0") && why.contains("encoder.bitrate_kbps"),
                "{why}"
            );
        }
    }

    #[test]
    fn the_targets_part_waits_for_the_next_show() {
        let now = Settings::default();
        let mut wish = now.clone();
        wish.video.size = Size::new(640, 360);
        wish.target.host = "b.example".into();
        let live = taken(&now, wish.clone(), true).unwrap();
        assert_eq!(live.video.size, wish.video.size);
        assert_eq!(live.target.host, now.target.host);
        assert_eq!(taken(&now, wish.clone(), false), Ok(wish));
    }
}
