//! The sound. Plain values with their shipped ones; bounds are checked in [`super`].

use serde::{Deserialize, Serialize};

/// The sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioSettings {
    /// What is mixed, at least one and at most [`AUDIO_INPUTS_MAX`].
    pub inputs: Vec<AudioInput>,
    /// Bitrate of the sound, kb/s.
    pub bitrate_kbps: u32,
    /// Whether silence is sent instead.
    pub muted: bool,
}

/// More inputs than this are a mistake.
pub const AUDIO_INPUTS_MAX: usize = 16;

impl Default for AudioSettings {
    fn default() -> Self {
        Self {
            inputs: vec![AudioInput::default()],
            bitrate_kbps: 96,
            muted: false,
        }
    }
}

/// One input of the mix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioInput {
    /// Which source.
    pub source: AudioSourceKind,
    /// Gain, dB, -60..=12; -60 is off.
    pub gain_db: f32,
    /// Whether it is left out of the mix.
    pub muted: bool,
    /// How much later it is heard, ms, 0..=1000: for a picture that comes later than its sound.
    pub delay_ms: u32,
}

impl AudioInput {
    /// A source as it is.
    pub fn of(source: AudioSourceKind) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }
}

/// Kinds of sound source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioSourceKind {
    /// The system's default input.
    #[default]
    DefaultInput,
    /// The input of this name, as the list of inputs gives it; outputs are listed as
    /// "Monitor of ...".
    Input(String),
    /// What the machine plays on its default output.
    SystemSound,
    /// A tone of 1000 Hz at -20 dBFS (EBU R 49 line-up level is -18; SMPTE RP 155 -20).
    Tone,
    /// A beep at each whole second, with the test pattern's flash; as from a device whose clock is
    /// off by so many parts per million. For checking lip sync.
    Beep(i32),
    /// Silence.
    Silence,
}
