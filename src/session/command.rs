//! Everything that an operator can do to a show. Window, command line and (later) remote control
//! send these and nothing else.

use crate::settings::{Secrets, Settings};

/// One thing to do. Commands never block the sender.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin the show with the current settings.
    GoLive,
    /// End the show.
    Stop,
    /// Move the bitrate, kb/s; while live it is debounced and cut over without a viewer lost.
    SetBitrate {
        /// Wanted bitrate of the picture, kb/s.
        kbps: u32,
    },
    /// Send silence instead of the sound, or the sound again.
    SetMuted {
        /// Whether silence is sent.
        muted: bool,
    },
    /// Take these settings. While live only bitrate and mute change; the rest with the next show.
    ApplySettings(Box<Settings>),
    /// Use these secrets from the next show on; they are held in memory only.
    SetSecrets(Secrets),
    /// Whether preview pictures are made (the window is visible and wants them).
    SetPreview {
        /// Whether to make them.
        on: bool,
    },
    /// Leave a failed state for Idle.
    Dismiss,
    /// End the show if any, stop every child and thread; the program is about to exit.
    Quit,
}
