//! The sound's ledger: each Opus packet that the publisher's muxer was given, found again at the
//! receiver by its hash.
//!
//! Pure: fed by events, reads no clock. Keeps the last `KEPT` packets and at most `WAITING`
//! arrivals that wait for the publisher's word of theirs, which may come after the packet itself.
//!
//! The transport keeps the order, so a hash is looked for at the packet that is due and onwards;
//! digital silence is one packet over and over, and is matched in that order too. Datagrams can
//! overtake each other, so the last `BACK` packets that were passed over are looked at as well.

use super::window;
use crate::clock::MonoTime;
use crate::session::snapshot::StageFigures;
use std::collections::VecDeque;
use std::time::Duration;

/// 20 s of packets of 10 ms: above SRT's longest latency.
const KEPT: usize = 2048;
/// Arrivals that wait for the publisher's word.
const WAITING: usize = 256;
/// How far datagrams overtake each other.
const BACK: u64 = 32;
/// What waits longer is nobody's. The publisher's word comes within milliseconds; a break of the stream
/// is seen within this time.
const DOUBT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
struct Sent {
    hash: u64,
    /// When the sound in it was there to be heard; None where that is not known.
    sound_at: Option<MonoTime>,
    found: bool,
}

/// The ledger of one show's sound.
#[derive(Debug, Default)]
pub struct SoundLedger {
    sent: VecDeque<Sent>,
    /// Number of the first that is kept, counted from the show's first.
    first: u64,
    /// Number of the packet after the last that was found.
    next: u64,
    waiting: VecDeque<(u64, MonoTime)>,
    /// Whether a packet was found since the stream began or went on.
    matching: bool,
    matched: u64,
    unmatched: u64,
    /// Ages at arrival, by arrival, of the last two seconds.
    ages: VecDeque<(MonoTime, f64)>,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is the publisher's.
    Same,
    /// It is nobody's, as far as can be said by now.
    Other,
}

impl SoundLedger {
    /// Nothing sent, nothing come.
    pub fn new() -> Self {
        Self::default()
    }

    /// The publisher's muxer was given this packet, whose sound was there to be heard at `sound_at`.
    /// Whether an arrival that waited for this word is found by it.
    pub fn sent(&mut self, hash: u64, sound_at: Option<MonoTime>) -> bool {
        if self.sent.len() == KEPT {
            self.sent.pop_front();
            self.first += 1;
            self.next = self.next.max(self.first);
        }
        self.sent.push_back(Sent {
            hash,
            sound_at,
            found: false,
        });
        let place = self.waiting.iter().position(|(waits, _)| *waits == hash);
        let Some((_, at)) = place.and_then(|place| self.waiting.remove(place)) else {
            return false;
        };
        self.found(self.first + self.sent.len() as u64 - 1, at);
        true
    }

    /// Whether the publisher has told of any packet.
    pub fn is_told(&self) -> bool {
        !self.sent.is_empty()
    }

    /// A packet arrived.
    pub fn arrived(&mut self, hash: u64, at: MonoTime) -> Found {
        self.give_up(at);
        match self.find(hash) {
            Some(number) => {
                self.found(number, at);
                Found::Same
            }
            None => {
                if self.waiting.len() == WAITING {
                    self.waiting.pop_front();
                    self.unmatched += u64::from(self.matching);
                }
                self.waiting.push_back((hash, at));
                Found::Other
            }
        }
    }

    /// The stream to the server broke: what comes until a packet is found again is not the show's.
    pub fn interrupted(&mut self) {
        self.matching = false;
        self.waiting.clear();
    }

    /// Packets that arrived: byte for byte the publisher's, and others.
    pub fn arrivals(&self) -> (u64, u64) {
        (self.matched, self.unmatched)
    }

    /// Share of the arrived packets that are byte for byte the publisher's; None without any.
    pub fn passthrough(&self) -> Option<f64> {
        let all = self.matched + self.unmatched;
        (all > 0).then(|| self.matched as f64 / all as f64)
    }

    /// From the moment a sound was there to be heard to its packet's arrival, over the packets that
    /// arrived within (`since`, now] and can be told from every other.
    pub fn figures(&self, since: MonoTime) -> Option<StageFigures> {
        let newer = self.ages.iter().filter(|(at, _)| *at > since);
        let mut ms: Vec<f64> = newer.map(|(_, ms)| *ms).collect();
        window::figures(&mut ms)
    }

    /// The number of the packet with this hash: the next in order, else one that was passed over.
    fn find(&self, hash: u64) -> Option<u64> {
        let kept = |number: u64| {
            let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
            self.sent.get(index)
        };
        let is_it = |number: &u64| kept(*number).is_some_and(|s| !s.found && s.hash == hash);
        let end = self.first + self.sent.len() as u64;
        let ahead = (self.next..end).find(is_it);
        ahead.or_else(|| (self.next.saturating_sub(BACK)..self.next).find(is_it))
    }

    fn found(&mut self, number: u64, at: MonoTime) {
        self.next = self.next.max(number + 1);
        if !std::mem::replace(&mut self.matching, true) {
            // What came before the first that is found is not the show's.
            self.waiting.retain(|(_, came_at)| *came_at >= at);
        }
        self.matched += 1;
        let Ok(index) = usize::try_from(number - self.first) else {
            return;
        };
        let hash = self.sent[index].hash;
        self.sent[index].found = true;
        // With its like around it a lost packet would make another's age its own.
        let alone = self.sent.iter().filter(|s| s.hash == hash).count() == 1;
        if let Some(sound_at) = self.sent[index].sound_at.filter(|_| alone) {
            if self.ages.len() == KEPT {
                self.ages.pop_front();
            }
            self.ages.push_back((at, at.ms_since(sound_at)));
        }
    }

    /// Counts what has waited too long.
    fn give_up(&mut self, now: MonoTime) {
        while let Some((_, at)) = self.waiting.front()
            && now.since(*at) > DOUBT
        {
            self.waiting.pop_front();
            self.unmatched += u64::from(self.matching);
        }
    }
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
