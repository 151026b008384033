//! The ledger: each frame's number and its times on the one clock.
//!
//! Pure: fed by events, reads no clock. Holds the last `KEPT` frames; older ones are forgotten,
//! which bounds memory and search. A frame is found again at the receiver by the hash of its slices.
//! Pictures of a still screen can be byte for byte alike (a skipped P picture repeats every 16
//! frames, with `frame_num`), so a hash is looked for first at the frame that is due, then onwards
//! in order: the transport keeps the order.

use super::window::Totals;
use crate::clock::MonoTime;
use crate::session::snapshot::LatencyFigures;
use std::collections::VecDeque;
use std::time::Duration;

/// 34 s at 30 fps, 14 s at 144.
const KEPT: usize = 1024;

/// A break of the stream is seen within this time (a child's end within 50 ms, the server's word
/// within 0.3 s).
const DOUBT: Duration = Duration::from_secs(2);

/// A point on a frame's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Its raw picture was written to the encoder.
    Captured,
    /// Its access unit came out of the encoder.
    Encoded,
    /// Its access unit was written to the publisher.
    Sent,
    /// Its access unit was whole at the receiver.
    Arrived,
}

/// All stages in order.
pub const STAGES: [Stage; 4] = [Stage::Captured, Stage::Encoded, Stage::Sent, Stage::Arrived];

#[derive(Clone, Copy, Debug)]
struct Entry {
    frame: u64,
    captured_at: MonoTime,
    hash: Option<u64>,
    at: [Option<MonoTime>; 4],
}

/// Where another receiver than the programme's stands: the frame after its last that was found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor(u64);

/// The ledger of one show.
#[derive(Debug)]
pub struct Ledger {
    entries: VecDeque<Entry>,
    totals: Totals,
    /// The frame after the last one that arrived.
    next_arrival: Option<u64>,
    /// Whether a picture was found again since the stream began or went on.
    matching: bool,
    matched: u64,
    unmatched: u64,
    /// Pictures of nobody's since the last found one: counted once it is clear that the stream goes
    /// on. How many, and when the first came.
    doubtful: u64,
    doubtful_since: Option<MonoTime>,
    last_arrival: Option<MonoTime>,
    /// Frames captured before do not count for the whole show's figures.
    counted_from: Option<MonoTime>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self {
            entries: VecDeque::with_capacity(KEPT),
            totals: Totals::new(),
            next_arrival: None,
            matching: false,
            matched: 0,
            unmatched: 0,
            doubtful: 0,
            doubtful_since: None,
            last_arrival: None,
            counted_from: None,
        }
    }

    /// The show is live: the whole show's figures begin with the frames captured from now on. Those
    /// before waited for children to start, which says nothing of the way. The first call counts.
    pub fn count_from(&mut self, now: MonoTime) {
        self.counted_from.get_or_insert(now);
    }

    /// The pacer gave out a frame. Frames come in order.
    pub fn paced(&mut self, frame: u64, captured_at: MonoTime) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            frame,
            captured_at,
            hash: None,
            at: [None; 4],
        });
    }

    /// A frame reached a stage. A stage is reached once: a later word of the same is not heard
    /// (two encoders run during a cut-over). Frames no longer kept are ignored.
    pub fn reached(&mut self, stage: Stage, frame: u64, at: MonoTime) {
        if let Some(entry) = self.entry(frame) {
            let slot = &mut entry.at[stage as usize];
            if slot.is_none() {
                *slot = Some(at);
                let captured_at = entry.captured_at;
                if self.counted_from.is_some_and(|from| captured_at >= from) {
                    self.totals.add(stage, at.since(captured_at));
                }
            }
        }
    }

    /// The access unit that goes out for a frame, by its slice hash.
    pub fn encoded(&mut self, frame: u64, at: MonoTime, hash: u64) {
        self.reached(Stage::Encoded, frame, at);
        if let Some(entry) = self.entry(frame) {
            entry.hash = Some(hash);
        }
    }

    /// An access unit with this slice hash was whole at the receiver. Returns the frame's number, or
    /// None where no frame on the way has it: the server changed it, or it is from before the
    /// ledger.
    pub fn arrived(&mut self, hash: u64, at: MonoTime) -> Option<u64> {
        let from = self.next_arrival.unwrap_or(0);
        let found = self
            .entries
            .iter()
            .find(|e| e.frame >= from && e.hash == Some(hash) && e.at[3].is_none())
            .map(|e| e.frame);
        self.last_arrival = Some(at);
        match found {
            Some(frame) => {
                self.reached(Stage::Arrived, frame, at);
                self.next_arrival = Some(frame + 1);
                self.matching = true;
                self.matched += 1;
                self.count_doubtful();
            }
            // Before the first match these are pictures sent before the probe joined the ledger, or
            // the server's own while nobody published.
            None if self.matching => {
                self.doubtful += 1;
                let since = *self.doubtful_since.get_or_insert(at);
                if at.since(since) >= DOUBT {
                    self.count_doubtful();
                }
            }
            None => {}
        }
        found
    }

    /// When the frame with this slice hash was captured, looked for from `cursor` on, which moves
    /// behind it; nothing else is touched. None where no frame on the way has it.
    pub fn captured_at(&self, hash: u64, cursor: &mut Cursor) -> Option<MonoTime> {
        let found = self
            .entries
            .iter()
            .find(|e| e.frame >= cursor.0 && e.hash == Some(hash))?;
        cursor.0 = found.frame + 1;
        Some(found.captured_at)
    }

    /// When this frame was captured, where it is still kept.
    pub fn captured(&self, frame: u64) -> Option<MonoTime> {
        let first = self.entries.front()?.frame;
        let index = usize::try_from(frame.checked_sub(first)?).ok()?;
        self.entries.get(index).map(|entry| entry.captured_at)
    }

    /// The stream to the server broke: what comes until a picture is found again is not the show's
    /// (an always available path shows the server's own pictures meanwhile), nor is what came just
    /// before the break was seen.
    pub fn interrupted(&mut self) {
        self.matching = false;
        self.doubtful = 0;
        self.doubtful_since = None;
    }

    fn count_doubtful(&mut self) {
        self.unmatched += std::mem::take(&mut self.doubtful);
        self.doubtful_since = None;
    }

    /// Share of the arrived pictures whose slices are the encoder's byte for byte; None without any.
    pub fn passthrough(&self) -> Option<f64> {
        let all = self.matched + self.unmatched;
        (all > 0).then(|| self.matched as f64 / all as f64)
    }

    /// Pictures found again at the receiver, and those not found.
    pub fn arrivals(&self) -> (u64, u64) {
        (self.matched, self.unmatched)
    }

    /// When the last picture arrived.
    pub fn last_arrival(&self) -> Option<MonoTime> {
        self.last_arrival
    }

    /// Figures of the frames that reached each stage within (`since`, now].
    pub fn figures(&self, since: MonoTime) -> LatencyFigures {
        let mut by_stage = STAGES.map(|stage| {
            let mut ms: Vec<f64> = self
                .entries
                .iter()
                .filter_map(|e| {
                    e.at[stage as usize]
                        .filter(|at| *at > since)
                        .map(|at| at.ms_since(e.captured_at))
                })
                .collect();
            super::window::figures(&mut ms)
        });
        LatencyFigures {
            captured: by_stage[0].take(),
            encoded: by_stage[1].take(),
            sent: by_stage[2].take(),
            arrived: by_stage[3].take(),
        }
    }

    /// Figures of the whole show.
    pub fn totals(&self) -> LatencyFigures {
        self.totals.figures()
    }

    fn entry(&mut self, frame: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.frame;
        let index = usize::try_from(frame.checked_sub(first)?).ok()?;
        // Numbers have no gaps: each frame that is given out is entered.
        self.entries.get_mut(index).filter(|e| e.frame == frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn us(us: u64) -> MonoTime {
        MonoTime::from_micros(us)
    }

    fn ledger(hashes: &[u64]) -> Ledger {
        let mut ledger = Ledger::new();
        for (frame, hash) in hashes.iter().enumerate() {
            let frame = frame as u64;
            ledger.paced(frame, us(frame * 1000));
            ledger.encoded(frame, us(frame * 1000 + 500), *hash);
        }
        ledger
    }

    #[test]
    fn another_receiver_finds_frames_in_its_own_order() {
        // A still screen: every second picture is the same.
        let mut ledger = ledger(&[1, 5, 2, 5, 3, 5]);
        let mut cursor = Cursor::default();
        let found = |ledger: &Ledger, hash, cursor: &mut Cursor| {
            ledger.captured_at(hash, cursor).map(MonoTime::as_micros)
        };
        let first = found(&ledger, 5, &mut cursor);
        ledger.arrived(1, us(9_000));
        assert!(first < found(&ledger, 5, &mut cursor));
        assert_eq!(found(&ledger, 2, &mut cursor), None, "it is past that one");
        assert_eq!(found(&ledger, 77, &mut cursor), None);
        assert_eq!(ledger.arrivals(), (1, 0));
    }

    #[test]
    fn a_frame_is_found_by_its_slices() {
        let mut ledger = ledger(&[11, 12, 13]);
        assert_eq!(ledger.arrived(12, us(5000)), Some(1));
        let figures = ledger.figures(MonoTime::ZERO);
        assert_eq!(figures.arrived.unwrap().max_ms, 4.0);
        assert_eq!(figures.encoded.unwrap().frames, 3);
        assert_eq!(figures.sent, None, "never zero for unknown");
    }

    #[test]
    fn the_whole_show_counts_from_live_on() {
        let mut ledger = ledger(&[1, 2]);
        ledger.count_from(us(2000));
        ledger.count_from(us(9000));
        ledger.paced(2, us(2000));
        ledger.reached(Stage::Sent, 1, us(500_000));
        ledger.reached(Stage::Sent, 2, us(5000));
        let sent = ledger.totals().sent.unwrap();
        assert_eq!((sent.frames, sent.max_ms.round()), (1, 3.0));
    }

    #[test]
    fn alike_pictures_are_taken_in_order() {
        let mut ledger = ledger(&[7, 8, 7, 8, 7, 8]);
        let frames: Vec<_> = [7, 8, 7, 8]
            .iter()
            .map(|h| ledger.arrived(*h, us(9000)))
            .collect();
        assert_eq!(frames, [Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn pictures_that_nobody_sent_lower_the_passthrough() {
        let mut ledger = ledger(&[1, 2, 3, 4]);
        assert_eq!(ledger.passthrough(), None);
        assert_eq!(ledger.arrived(99, us(1)), None);
        assert_eq!(ledger.passthrough(), None, "before the first match");
        ledger.arrived(1, us(1));
        ledger.arrived(98, us(1));
        ledger.arrived(2, us(2));
        assert_eq!(ledger.arrivals(), (2, 1));
        // From here on all are changed: that is told without another match.
        for n in 0..=8 {
            ledger.arrived(98, us(1_000_000 + n * 250_000));
        }
        assert_eq!(ledger.arrivals(), (2, 10));
    }

    #[test]
    fn the_servers_own_pictures_while_nobody_publishes_are_not_the_shows() {
        let mut ledger = ledger(&[1, 2, 3, 4]);
        // Before the show.
        ledger.arrived(77, us(1));
        ledger.arrived(1, us(2));
        // The publisher is killed: some come before that is seen, and some after.
        ledger.arrived(77, us(3));
        ledger.arrived(77, us(50_000));
        ledger.interrupted();
        for n in 0..200 {
            ledger.arrived(77, us(100_000 + n * 33_333));
        }
        assert_eq!(ledger.passthrough(), Some(1.0));
        // It goes on, and is looked at again.
        ledger.arrived(3, us(9_000_000));
        ledger.arrived(99, us(9_000_001));
        ledger.arrived(4, us(9_000_002));
        assert_eq!(ledger.arrivals(), (3, 1));
    }

    #[test]
    fn old_frames_are_forgotten_and_late_words_of_them_ignored() {
        let mut ledger = Ledger::new();
        ledger.count_from(us(0));
        for frame in 0..3000 {
            ledger.paced(frame, us(frame));
        }
        assert_eq!(ledger.entries.len(), KEPT);
        ledger.reached(Stage::Sent, 3, us(10_000));
        assert_eq!(ledger.totals().sent, None);
    }

    proptest! {
        /// Any loss on the way and pictures that repeat every 16th frame: what is matched is matched
        /// in order, and where nothing is lost each frame is found as itself.
        #[test]
        fn matching_keeps_the_order(lost in proptest::collection::vec(any::<bool>(), 200), lossless: bool) {
            let hashes: Vec<u64> = (0..200).map(|n| n % 16).collect();
            let mut ledger = ledger(&hashes);
            let mut last = None;
            for (frame, hash) in hashes.iter().enumerate() {
                if lost[frame] && !lossless {
                    continue;
                }
                let got = ledger.arrived(*hash, us(1_000_000 + frame as u64));
                if let (Some(got), Some(last)) = (got, last) {
                    prop_assert!(got > last);
                }
                if lossless {
                    prop_assert_eq!(got, Some(frame as u64));
                }
                last = got.or(last);
            }
        }
    }
}
