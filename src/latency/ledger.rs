//! The ledger: each frame's number and its times on the one clock.
//!
//! Pure: fed by events, reads no clock. Holds the last `KEPT` frames; older ones are forgotten,
//! which bounds memory and search. A frame is found again at the receiver by the hash of its slices.
//! Pictures of a still screen can be byte for byte alike (a skipped P picture repeats every 16
//! frames, with `frame_num`), so a hash is looked for first at the frame that is due, then onwards
//! in order: the transport keeps the order.

use super::trace::FrameRow;
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

/// An older frame says nothing of how long the way is now.
const OLDEST: Duration = Duration::from_secs(3);

/// A point on a frame's way. A picture that is repeated begins with its repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Its picture was in the console's memory: up to here it was the source's.
    Copied,
    /// The pacer took its picture out of the slot, or repeated the last one.
    Paced,
    /// It was in the encoder's form: colours converted, scaled where need be.
    Converted,
    /// Its raw picture's last byte was written to the encoder.
    Written,
    /// Its access unit came out of the encoder.
    Encoded,
    /// Its access unit was written to the publisher.
    Sent,
    /// Its access unit was whole at the receiver.
    Arrived,
}

impl Stage {
    /// Its name in results and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Paced => "paced",
            Self::Converted => "converted",
            Self::Written => "written",
            Self::Encoded => "encoded",
            Self::Sent => "sent",
            Self::Arrived => "arrived",
        }
    }
}

/// All stages in order.
pub const STAGES: [Stage; 7] = [
    Stage::Copied,
    Stage::Paced,
    Stage::Converted,
    Stage::Written,
    Stage::Encoded,
    Stage::Sent,
    Stage::Arrived,
];

#[derive(Clone, Copy, Debug)]
struct Entry {
    frame: u64,
    captured_at: MonoTime,
    hash: Option<u64>,
    at: [Option<MonoTime>; STAGES.len()],
    rtp_time: Option<u32>,
}

impl Entry {
    fn at(&self, stage: Stage) -> Option<MonoTime> {
        self.at[stage as usize]
    }

    /// What the console itself added: pacer, pipes and relay, that is from the picture in memory to
    /// the encoder's pipe without its conversion, and from encoder to publisher. None until all of it
    /// is known.
    fn own(&self) -> Option<Duration> {
        let paced = self.at(Stage::Paced)?.since(self.at(Stage::Copied)?);
        let (written, encoded) = (self.at(Stage::Written)?, self.at(Stage::Encoded)?);
        // The access unit can be out before the write has returned.
        let into = written.min(encoded).since(self.at(Stage::Converted)?);
        Some(paced + into + self.at(Stage::Sent)?.since(encoded))
    }
}

/// How a frame came to the encoders.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// When its picture was captured; a repeated one's: when it was repeated.
    pub captured_at: MonoTime,
    /// When the picture was in memory.
    pub copied_at: MonoTime,
    /// When the pacer took it.
    pub paced_at: MonoTime,
    /// When it was in the encoders' form.
    pub converted_at: MonoTime,
}

impl Taken {
    /// A picture that needed nothing more than to be there at `at`.
    pub fn at(at: MonoTime) -> Self {
        Self {
            captured_at: at,
            copied_at: at,
            paced_at: at,
            converted_at: at,
        }
    }
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
    /// Sent, and missing between two that arrived.
    lost: u64,
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
            lost: 0,
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

    /// The pacer gave out a frame. Frames come in order, each number once.
    pub fn paced(&mut self, frame: u64, taken: Taken) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            frame,
            captured_at: taken.captured_at,
            hash: None,
            at: [None; STAGES.len()],
            rtp_time: None,
        });
        self.reached(Stage::Copied, frame, taken.copied_at);
        self.reached(Stage::Paced, frame, taken.paced_at);
        self.reached(Stage::Converted, frame, taken.converted_at);
    }

    /// A frame reached a stage. A stage is reached once: a later word of the same is not heard
    /// (two encoders run during a cut-over). Frames no longer kept are ignored.
    pub fn reached(&mut self, stage: Stage, frame: u64, at: MonoTime) {
        let Some(entry) = self.entry(frame).filter(|e| e.at(stage).is_none()) else {
            return;
        };
        entry.at[stage as usize] = Some(at);
        let entry = *entry;
        if self
            .counted_from
            .is_none_or(|from| entry.captured_at < from)
        {
            return;
        }
        self.totals.add(stage, at.since(entry.captured_at));
        // Complete with this very word: each frame counts once.
        let completes = matches!(stage, Stage::Written | Stage::Encoded | Stage::Sent);
        if let Some(own) = entry.own().filter(|_| completes) {
            self.totals.add_own(own);
        }
        // The word of the write may come behind that of the arrival: again each counts once.
        let completes = matches!(stage, Stage::Sent | Stage::Arrived);
        if let Some((sent, arrived)) = entry.at(Stage::Sent).zip(entry.at(Stage::Arrived))
            && completes
        {
            self.totals.add_server(arrived.since(sent));
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
            .find(|e| e.frame >= from && e.hash == Some(hash) && e.at(Stage::Arrived).is_none())
            .map(|e| e.frame);
        self.last_arrival = Some(at);
        match found {
            Some(frame) => {
                if self.matching {
                    self.lost += self.missing(from, frame);
                }
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

    /// The RTP timestamp that `frame` came with.
    pub fn came_with(&mut self, frame: u64, rtp_time: Option<u32>) {
        if let Some(entry) = self.entry(frame) {
            entry.rtp_time = rtp_time;
        }
    }

    /// The frames that are kept, from number `from` on.
    pub fn rows(&self, from: u64) -> impl Iterator<Item = FrameRow> {
        let kept = self.entries.iter().filter(move |e| e.frame >= from);
        kept.map(|e| FrameRow {
            frame: e.frame,
            captured_at: e.captured_at,
            at: e.at,
            rtp_time: e.rtp_time,
        })
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

    /// From the publisher's pipe to the receiver, the quickest of the frames that arrived since `from`; None
    /// with fewer than ten.
    pub fn quickest_way(&self, from: MonoTime) -> Option<Duration> {
        // What was captured before has arrived before, or so late that it says nothing.
        let newest = self.entries.iter().rev();
        let newest = newest.take_while(|entry| entry.captured_at + OLDEST > from);
        let recent = newest.filter_map(|entry| {
            let arrived = entry.at(Stage::Arrived).filter(|at| *at >= from)?;
            Some(arrived.since(entry.at(Stage::Sent)?))
        });
        let (count, least) = recent.fold((0, Duration::MAX), |(count, least), way| {
            (count + 1, least.min(way))
        });
        (count >= 10).then_some(least)
    }

    /// When this frame was captured, where it is still kept.
    pub fn captured(&self, frame: u64) -> Option<MonoTime> {
        Some(self.entries.get(self.index(frame)?)?.captured_at)
    }

    /// The stream to the server broke: what comes until a picture is found again is not the show's
    /// (an always available path shows the server's own pictures meanwhile), nor is what came just
    /// before the break was seen.
    pub fn interrupted(&mut self) {
        self.matching = false;
        self.doubtful = 0;
        self.doubtful_since = None;
    }

    /// Frames of `from..to` that were sent and did not arrive.
    fn missing(&self, from: u64, to: u64) -> u64 {
        let between = self
            .entries
            .iter()
            .filter(|e| (from..to).contains(&e.frame));
        between.filter(|e| e.at(Stage::Sent).is_some()).count() as u64
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

    /// Frames that were sent and are missing at the receiver, where frames before and after them came
    /// within one stretch of the stream: lost by the network or the server, or changed.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// When the last picture arrived.
    pub fn last_arrival(&self) -> Option<MonoTime> {
        self.last_arrival
    }

    /// Figures of the frames that reached each stage within (`since`, now].
    pub fn figures(&self, since: MonoTime) -> LatencyFigures {
        let of = |ms: &dyn Fn(&Entry) -> Option<f64>| {
            let mut ms: Vec<f64> = self.entries.iter().filter_map(ms).collect();
            super::window::figures(&mut ms)
        };
        let newer = |e: &Entry, stage| e.at(stage).filter(|at| *at > since);
        LatencyFigures::of(
            |stage| of(&|e| Some(newer(e, stage)?.ms_since(e.captured_at))),
            of(&|e| {
                newer(e, Stage::Sent)?;
                Some(e.own()?.as_secs_f64() * 1000.0)
            }),
        )
    }

    /// Figures of the whole show.
    pub fn totals(&self) -> LatencyFigures {
        self.totals.figures()
    }

    fn entry(&mut self, frame: u64) -> Option<&mut Entry> {
        let index = self.index(frame)?;
        self.entries.get_mut(index).filter(|e| e.frame == frame)
    }

    /// Numbers have no gaps: each frame that is given out is entered.
    fn index(&self, frame: u64) -> Option<usize> {
        let first = self.entries.front()?.frame;
        usize::try_from(frame.checked_sub(first)?).ok()
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ledger_properties.rs"]
mod properties;
