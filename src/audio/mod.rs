//! Where sound comes from: one trait, one backend a file, and the timeline that makes of any of
//! them a gapless 48 kHz stereo signal on the console's clock.
//!
//! Each input runs on its own thread (see [`supervisor`]) and pushes into a [`Timeline`] of its
//! own; a [`Mixer`] has them all, and the publisher's thread reads their sum by the clock, paced by
//! [`feed::Feed`]. Nobody waits for the sound: what was not written in time is silence.

mod arrival;
pub mod bank;
pub mod beep;
pub mod convert;
mod device;
pub mod feed;
mod hosts;
pub mod input;
pub mod intake;
pub mod level;
pub mod limiter;
pub mod mix_reader;
pub mod mixer;
#[cfg(all(target_os = "linux", feature = "pipewire"))]
mod pipewire_default;
mod reader;
pub mod supervisor;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod tone;

pub use bank::SoundBank;
pub use beep::BeepSource;
pub use device::{Chunk, Format};
pub use feed::{Due, Feed, wav_header};
pub use hosts::{HOST_ENV, Which};
pub use input::{InputSource, Opened, list_inputs};
pub use level::Meter;
pub use mix_reader::MixReader;
pub use mixer::{Mixer, Strip};
pub use supervisor::{SoundSource, SourceStatus, spawn};
pub use timeline::Timeline;
pub use tone::ToneSource;

use crate::stop::StopToken;

/// Sample rate of everything behind a source, Hz (Opus's native rate, RFC 6716 2.).
pub const SAMPLE_RATE: u32 = 48_000;
/// Channels of everything behind a source, interleaved left, right.
pub const CHANNELS: usize = 2;

/// A source of sound.
pub trait AudioSource: Send {
    /// What the operator calls it.
    fn label(&self) -> String;

    /// Delivers sound until `stop`; blocks the calling thread. Converts to 48 kHz stereo itself.
    ///
    /// A source that has nothing pushes nothing: the timeline gives silence.
    ///
    /// # Errors
    /// Ends with an error where the device is lost or cannot be opened; the caller opens it anew,
    /// at most once a second.
    fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError>;
}

/// What can go wrong with a sound source.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// No such device.
    #[error("no sound input {0:?}. Plug it in or choose another; silence is sent meanwhile")]
    NoDevice(String),
    /// The sound system cannot give back what it plays.
    #[error(
        "{0} cannot capture what this machine plays. Run PipeWire or PulseAudio, or choose another input; silence is sent meanwhile"
    )]
    NoSystemSound(&'static str),
    /// The device is there and does not work.
    #[error("the sound input does not work: {0}. Silence is sent meanwhile")]
    Device(String),
}
