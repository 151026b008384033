//! What the encoder is to make: the operator's wish, what the network allows, what a low bitrate can
//! carry; and when it changes.
//!
//! Runs on the session's thread. One change at a time: what is wished meanwhile waits.

use super::debounce::Debounce;
use super::journal::Journal;
use super::ladder;
use super::show::Show;
use super::snapshot::{AdaptiveStatus, TrendKind};
use crate::clock::MonoTime;
use crate::ffmpeg::plan::EncoderWish;
use crate::settings::Settings;
use crate::units::{Fps, Size};

/// What is wished of the encoder.
#[derive(Default)]
pub struct Tuning {
    debounce: Debounce<EncoderWish>,
    /// Where the ladder stands: it climbs later than it goes down.
    rung: Option<(Size, Fps)>,
    lowered: Option<String>,
}

impl Tuning {
    /// A show begins: what its first encoder is to make.
    pub fn begin(&mut self, settings: &Settings) -> EncoderWish {
        *self = Self::default();
        self.wish(settings)
    }

    /// The operator moved something.
    pub fn moved(&mut self, settings: &Settings, now: MonoTime) {
        let wish = self.wish(settings);
        self.debounce.moved(wish, now);
    }

    /// Carries out what is due.
    pub fn turn(&mut self, show: &mut Show, settings: &Settings, journal: &Journal, now: MonoTime) {
        show.encoders().choose(settings.encoder.family);
        if show.in_force().1.is_some() {
            return;
        }
        if let Some(wish) = self.debounce.due(now) {
            let resolved = show.encoders().resolve(wish);
            if resolved == show.in_force().0 {
                return;
            }
            match show.encoders().change(wish, TrendKind::Wished, None) {
                Ok(true) => {}
                // One is under way: asked again when it is through.
                Ok(false) => self.debounce.moved(wish, now),
                Err(error) => journal.error(format!("the encoder stays as it is: {error}")),
            }
        }
    }

    /// What waits to be changed to.
    pub fn pending(&self) -> Option<EncoderWish> {
        self.debounce.pending()
    }

    /// Why the picture is smaller or slower than wished, where it is.
    pub fn lowered(&self) -> Option<String> {
        self.lowered.clone()
    }

    /// The adaptive bitrate, where it is on.
    pub fn adaptive(&self) -> Option<AdaptiveStatus> {
        None
    }

    fn wish(&mut self, settings: &Settings) -> EncoderWish {
        let wish = EncoderWish::of(settings);
        if !settings.encoder.lower_picture {
            (self.rung, self.lowered) = (None, None);
            return wish;
        }
        let lowered = ladder::lowered(wish.size, wish.fps, wish.bitrate_kbps, self.rung);
        self.rung = Some((lowered.size, lowered.fps));
        self.lowered = lowered.rule;
        EncoderWish {
            size: lowered.size,
            fps: lowered.fps,
            ..wish
        }
    }
}
