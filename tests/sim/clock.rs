//! Virtual time and what is due in it: one clock that everything of the world reads, one agenda that
//! moves it. No thread; drops nothing.

use pd_console::clock::MonoTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The world's time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// The time now.
    pub fn now(&self) -> MonoTime {
        MonoTime::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// Moves on to `time`; never back.
    pub fn reach(&self, time: MonoTime) {
        self.0.fetch_max(time.as_micros(), Ordering::Relaxed);
    }

    /// Everything stands still for `time` (a suspend on a clock that counts it).
    pub fn jump(&self, time: Duration) {
        self.reach(self.now() + time);
    }
}

/// Milliseconds as a duration.
pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The screen changes.
    Screen,
    /// The pump's wait is over; of the waits begun only the newest counts.
    Pump(u64),
    /// Encoder's child: a frame's last byte is in.
    Written(u32),
    /// The same: an access unit comes out.
    Out(u32),
    /// A sound device's callback.
    Callback(usize),
    /// A publisher's threads look at their queues.
    Publish(u32),
    /// A publisher's call is answered, or not.
    Called(u32),
    /// Something arrives at the viewer.
    Arrive,
    /// The server looks at its connections.
    Server,
    /// The watch asks, and is answered.
    Ask,
    /// See [`Event::Ask`]; of the questions only the newest counts.
    Answer(u64),
    /// Somebody knocks.
    Knock,
    /// The session's turn.
    Turn,
    /// The recorder's threads look at the ring.
    Record,
    /// The operator does something.
    Operator,
    /// The next fault.
    Fault,
    /// What lasts until now may be over.
    Relief,
    /// Nothing was wrong for long: everything must be well.
    Quiet,
}

/// What is due, by time and then by the order in which it was put in.
#[derive(Default)]
pub struct Agenda {
    due: BinaryHeap<Reverse<(MonoTime, u64, Event)>>,
    number: u64,
}

impl Agenda {
    /// `event` happens at `at`.
    pub fn put(&mut self, at: MonoTime, event: Event) {
        self.number += 1;
        self.due.push(Reverse((at, self.number, event)));
    }

    /// The next.
    pub fn next(&mut self) -> Option<(MonoTime, Event)> {
        self.due.pop().map(|Reverse((at, _, event))| (at, event))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.due.len()
    }
}
