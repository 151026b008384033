//! What the encoder is to make: the operator's wish, what the network allows, what a low bitrate can
//! carry; and when it changes.
//!
//! Runs on the session's thread. One change at a time: what is wished meanwhile waits.

use super::adaptive::{Adaptive, Look};
use super::debounce::Debounce;
use super::encoders::Encoders;
use super::journal::Journal;
use super::ladder;
use super::snapshot::{AdaptiveStatus, Drops, NetworkFigures, TrendKind};
use crate::clock::MonoTime;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::EncoderWish;
use crate::settings::Settings;
use crate::units::{Fps, Size};

/// A change whose encoder was too slow, as on a busy machine, is tried again so often.
const RETRIES: u32 = 3;

/// What is wished of the encoder.
#[derive(Default)]
pub struct Tuning {
    debounce: Debounce<EncoderWish>,
    /// Where the ladder stands: it climbs later than it goes down.
    rung: Option<(Size, Fps)>,
    lowered: Option<String>,
    adaptive: Option<Adaptive>,
    /// How often the newest change was tried again.
    retries: u32,
    /// What the adaptive bitrate holds, kb/s; None where it is off or the ceiling.
    held_kbps: Option<u32>,
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
        self.retries = 0;
        self.debounce.moved(wish, now);
    }

    /// Carries out what is due. `drops` are the show's so far, `network` the server's figures where
    /// they are not older than a second.
    pub fn turn(
        &mut self,
        encoders: &mut Encoders,
        (drops, network): (Drops, Option<NetworkFigures>),
        settings: &Settings,
        journal: &Journal,
        now: MonoTime,
    ) {
        let launch = Launch::of(&settings.performance);
        encoders.set_launch(launch);
        encoders.choose(settings.encoder.family);
        let (in_force, changing) = in_force(encoders);
        self.adapt(encoders, (drops, network), settings, journal, now);
        if changing.is_some() {
            return;
        }
        self.try_again(encoders, journal, now);
        let Some(wish) = self.debounce.due(now) else {
            return;
        };
        if encoders.resolve(wish) != in_force {
            self.change(encoders, wish, TrendKind::Wished, None, journal, now);
        }
    }

    fn try_again(&mut self, encoders: &mut Encoders, journal: &Journal, now: MonoTime) {
        let Some((wish, kind, reason)) = encoders.take_abandoned() else {
            return;
        };
        // A newer wish makes it void.
        if self.debounce.pending().is_some() {
            return;
        }
        if self.retries == RETRIES {
            journal.error(
                "the new encoder was too slow again; the change was not made. The machine is too \
                 busy, or the picture too large for it",
            );
            return;
        }
        self.retries += 1;
        journal.warn("the new encoder was too slow; the change is tried again");
        self.change(encoders, wish, kind, reason, journal, now);
    }

    fn adapt(
        &mut self,
        encoders: &mut Encoders,
        (drops, network): (Drops, Option<NetworkFigures>),
        settings: &Settings,
        journal: &Journal,
        now: MonoTime,
    ) {
        if !settings.encoder.adaptive {
            if self.adaptive.take().is_some() {
                self.held_kbps = None;
                self.moved(settings, now);
            }
            return;
        }
        let (in_force, changing) = in_force(encoders);
        // A slider that still moves is no ceiling yet.
        if self.debounce.pending().is_some() {
            return;
        }
        let look = Look {
            now,
            network,
            network_drops: drops.network,
            encoder_drops: drops.encoder,
            kbps: in_force.bitrate_kbps,
            changing: changing.is_some(),
            floor_kbps: settings.encoder.floor_kbps,
            ceiling_kbps: settings.encoder.bitrate_kbps,
        };
        let adaptive = self.adaptive.get_or_insert_default();
        if let Some(step) = adaptive.look(&look) {
            self.held_kbps = Some(step.to_kbps);
            self.retries = 0;
            let wish = self.wish(settings);
            self.change(
                encoders,
                wish,
                TrendKind::Adapted,
                Some(step.reason),
                journal,
                now,
            );
        }
    }

    fn change(
        &mut self,
        encoders: &mut Encoders,
        wish: EncoderWish,
        kind: TrendKind,
        reason: Option<String>,
        journal: &Journal,
        now: MonoTime,
    ) {
        match encoders.change(wish, kind, reason, now) {
            Ok(true) => {}
            // One is under way: asked again when it is through.
            Ok(false) => self.debounce.moved(wish, now),
            Err(error) => journal.error(format!("the encoder stays as it is: {error}")),
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
        self.adaptive.as_ref().map(Adaptive::status)
    }

    fn wish(&mut self, settings: &Settings) -> EncoderWish {
        let mut wish = EncoderWish::of(settings);
        if let Some(kbps) = self.held_kbps {
            wish.bitrate_kbps = kbps.min(wish.bitrate_kbps);
        }
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

/// What is in force, and what is being changed to.
fn in_force(encoders: &Encoders) -> (EncoderWish, Option<EncoderWish>) {
    (*encoders.in_force(), encoders.changing_to().copied())
}
