//! Does what arrives come from this console untouched? A verdict for the picture and one for the
//! sound.
//!
//! Pure: fed by events, reads no clock. Who encodes again changes every picture: for seconds none is
//! found. Loss and damage change a few among many that are found.

use crate::clock::MonoTime;
use std::time::Duration;

/// So long nothing of what comes is the console's before it is said that the server encodes again: a
/// path that is always available may show pictures of its own until ours begin.
const RECODED_AFTER: Duration = Duration::from_secs(4);
/// And so many have come: a slow stream is waited for longer.
const RECODED_FROM: u64 = 8;

/// What can be said of what arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub enum Verdict {
    /// Nothing yet, or nothing is measured.
    #[default]
    Unknown,
    /// Everything since the beginning is byte for byte the console's.
    Untouched,
    /// Some of it is not: lost in part or damaged on the way.
    Damaged,
    /// For seconds nothing of it is: somebody encodes again.
    Recoded,
}

/// Watches one kind of arrivals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passage {
    live: bool,
    /// In a row, not found. And since when.
    strangers: u64,
    since: Option<MonoTime>,
    recoded: bool,
}

impl Passage {
    /// The receiver has the stream: from now on what arrives should be ours.
    pub fn live(&mut self) {
        self.live = true;
        self.forget();
    }

    /// The stream broke: what arrives need not be ours until it is live again.
    pub fn interrupted(&mut self) {
        self.live = false;
        self.forget();
    }

    /// Something arrived that is ours.
    pub fn found(&mut self) {
        self.forget();
    }

    /// Something arrived at `at` that is not.
    pub fn stranger(&mut self, at: MonoTime) {
        if !self.live {
            return;
        }
        self.strangers += 1;
        let since = *self.since.get_or_insert(at);
        self.recoded |= self.strangers >= RECODED_FROM && at.since(since) >= RECODED_AFTER;
    }

    /// What can be said, where so many (found, not found) have arrived.
    pub fn verdict(&self, (found, not_found): (u64, u64)) -> Verdict {
        match (found, not_found) {
            _ if self.recoded => Verdict::Recoded,
            (0, _) => Verdict::Unknown,
            (_, 0) => Verdict::Untouched,
            _ => Verdict::Damaged,
        }
    }

    fn forget(&mut self) {
        (self.strangers, self.since, self.recoded) = (0, None, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    fn strangers(passage: &mut Passage, from_ms: u64, to_ms: u64, every_ms: usize) {
        for at in (from_ms..to_ms).step_by(every_ms) {
            passage.stranger(ms(at));
        }
    }

    #[test]
    fn seconds_of_strangers_are_an_encoder_and_one_of_ours_is_none() {
        let mut passage = Passage::default();
        strangers(&mut passage, 0, 60_000, 33);
        assert_eq!(passage.verdict((0, 0)), Verdict::Unknown, "not live yet");
        passage.live();
        strangers(&mut passage, 60_000, 63_900, 33);
        assert_eq!(passage.verdict((0, 0)), Verdict::Unknown);
        strangers(&mut passage, 63_900, 64_100, 33);
        assert_eq!(passage.verdict((0, 0)), Verdict::Recoded);
        passage.found();
        assert_eq!(passage.verdict((1, 0)), Verdict::Untouched);
    }

    #[test]
    fn a_slow_stream_is_waited_for() {
        let mut passage = Passage::default();
        passage.live();
        strangers(&mut passage, 0, 7000, 1000);
        assert_eq!(passage.verdict((0, 0)), Verdict::Unknown);
        passage.stranger(ms(7000));
        assert_eq!(passage.verdict((0, 0)), Verdict::Recoded);
    }

    #[test]
    fn the_servers_own_while_nobody_publishes_say_nothing() {
        let mut passage = Passage::default();
        passage.live();
        passage.found();
        passage.interrupted();
        strangers(&mut passage, 0, 60_000, 33);
        assert_eq!(passage.verdict((1, 0)), Verdict::Untouched);
        passage.live();
        strangers(&mut passage, 60_000, 61_000, 33);
        assert_eq!(passage.verdict((1, 0)), Verdict::Untouched);
    }

    proptest! {
        /// Whatever is lost or damaged: where one of ours comes every few seconds nobody is accused.
        #[test]
        fn loss_is_never_called_an_encoder(ours in proptest::collection::vec(0_u64..100, 100)) {
            let mut passage = Passage::default();
            passage.live();
            let mut at = 0;
            for gap in ours {
                for _ in 0..gap {
                    at += 33;
                    passage.stranger(ms(at));
                }
                passage.found();
                prop_assert_ne!(passage.verdict((1, 1)), Verdict::Recoded);
            }
        }
    }
}
