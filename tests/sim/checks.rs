//! What must hold whatever happens. Each invariant is told where it is looked at; here is what they
//! share: the first that does not hold ends the run, with its time.

use super::clock::Clock;
use pd_console::clock::MonoTime;
use std::collections::VecDeque;
use std::time::Duration;

/// Bounds of what is held, by what holds it.
pub mod bound {
    /// Frames in an encoder's mailbox (`relay::encoder::MAILBOX`).
    pub const MAILBOX: usize = 2;
    /// Frames in an encoder: what a first one that takes and gives nothing is given until it is replaced,
    /// 12 s (`session::encoders::WARM_LIMIT`, twice) at 60 fps, and a second or so.
    pub const IN_ENCODER: usize = 840;
    /// Units in a sink of the programme (`relay::hub::SINK_UNITS`).
    pub const SINK: usize = 8;
    /// Units that a cut-over holds: 0.4 s (`relay::cutover::LONGEST_HOLD`) of both encoders at 60 fps,
    /// and what comes between two looks at its deadline.
    pub const HELD: usize = 64;
    /// Bytes in a publisher: both pipes and one picture.
    pub const PUBLISHER: usize = 256 << 10;
    /// Pictures on their way to the viewer: what a child that stood still had in its pipe comes at once,
    /// and the played pictures are small.
    pub const ON_THE_WAY: usize = 64 + (64 << 10) / 140;
    /// Bytes in the recorder's ring (`record::tap::MAX_BYTES`); the played show is small.
    pub const RING: usize = 24 << 20;
    /// Lines of the log (`session::journal::KEPT`).
    pub const LOG: usize = 500;
    /// Notices, marks, outages kept.
    pub const NOTICES: usize = 16;
    /// See [`NOTICES`].
    pub const OUTAGES: usize = 100;
    /// Children at a time: two encoders, those that are ending, one publisher and those that are ending.
    pub const CHILDREN: usize = 8;
    /// Starts of children a minute: publishers half a second apart at the least, encoders with them.
    pub const STARTS: usize = 200;
}

/// The first fault that was found.
pub struct Checks {
    clock: Clock,
    first: Option<String>,
    /// Looks at invariants so far.
    pub looks: u64,
    /// Puts into the slot: when.
    puts: VecDeque<MonoTime>,
    /// When the pump gave out each of the last frames; the first one's number.
    paced: (u64, VecDeque<MonoTime>),
    /// Everything stood still until then.
    woken_at: MonoTime,
    /// What happened last, for who looks for the cause.
    history: VecDeque<String>,
}

impl Checks {
    /// Nothing found.
    pub fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            first: None,
            looks: 0,
            puts: VecDeque::new(),
            paced: (0, VecDeque::new()),
            woken_at: MonoTime::ZERO,
            history: VecDeque::new(),
        }
    }

    /// Something does not hold.
    pub fn fail(&mut self, what: String) {
        let at = self.clock.now().as_micros() as f64 / 1e6;
        self.first.get_or_insert(format!("at {at:.6} s: {what}"));
    }

    /// `holds`, or else `what`.
    pub fn hold(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.looks += 1;
        if !holds {
            self.fail(what());
        }
    }

    /// At most so many.
    pub fn at_most(&mut self, what: &str, count: usize, bound: usize) {
        self.hold(count <= bound, || format!("{what}: {count}, bound {bound}"));
    }

    /// Something happened that is worth telling with what is found.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if self.history.len() == 60 {
            self.history.pop_front();
        }
        let at = self.clock.now().as_micros() as f64 / 1e6;
        self.history.push_back(format!("{at:.3} {}", what()));
    }

    /// What happened last.
    pub fn history(&self) -> String {
        let lines: Vec<_> = self.history.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// What was found.
    pub fn found(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// The slot was given a picture.
    pub fn put(&mut self, now: MonoTime) {
        if self.puts.len() == 512 {
            self.puts.pop_front();
        }
        self.puts.push_back(now);
    }

    /// Everything stood still for `time`: nobody has grown older by it.
    pub fn stood_still(&mut self, time: Duration) {
        for at in self.puts.iter_mut().chain(&mut self.paced.1) {
            *at = *at + time;
        }
        self.woken_at = self.clock.now();
    }

    /// Whether everything ran for so long.
    pub fn awake_for(&self, time: Duration) -> bool {
        self.clock.now().since(self.woken_at) > time
    }

    /// A show begins: frames are numbered anew.
    pub fn new_show(&mut self) {
        self.paced = (0, VecDeque::new());
    }

    /// The pump gave out frame `number`.
    pub fn paced(&mut self, number: u64, now: MonoTime) {
        if self.paced.1.len() == 1024 {
            self.paced.1.pop_front();
            self.paced.0 += 1;
        }
        let due = self.paced.0 + self.paced.1.len() as u64;
        self.hold(number == due, || {
            format!("the pump gave out frame {number}, due was {due}")
        });
        self.paced.1.push_back(now);
    }

    /// Video never older than the slot, at the encoder: the encoder begins with frame `number`, which
    /// the pump took at T. Whatever the slot was given up to `bound` ago was there at T or before: the
    /// picture is not older than the newest that the slot held `bound` ago.
    pub fn begun(&mut self, number: u64, bound: Duration, now: MonoTime) {
        let Some(index) = number.checked_sub(self.paced.0) else {
            return self.fail(format!(
                "frame {number} is given to an encoder much too late"
            ));
        };
        let Some(taken) = self.paced.1.get(index as usize).copied() else {
            return self.fail(format!("frame {number} was never given out"));
        };
        let before = self.puts.iter().rev().find(|at| **at + bound <= now);
        let newest = before.copied().unwrap_or(MonoTime::ZERO);
        self.hold(taken >= newest, || {
            format!(
                "an encoder begins with frame {number}, taken {:?} ago; the slot had a newer one {:?} ago",
                now.since(taken),
                now.since(newest)
            )
        });
    }
}
