//! Which settings a running show takes, and which wait for the next. Pure.

use crate::settings::{EncoderSettings, Settings};

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
    taken
}
