//! The one-slot mailbox between a source and the pacer: the latest frame wins.
//!
//! Under pressure it drops the older frame and counts it. It also carries the pacer's demand back
//! to the source, so that a 144 Hz screen is not grabbed 144 times a second for a 30 fps show.

use super::Frame;
use crate::clock::MonoTime;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Holds the newest frame. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FrameSlot(Arc<Inner>, u64);

/// What a source tells of itself while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceNote {
    /// What is open ("Monitor HDMI-1, 1920x1080"); None until it is.
    pub label: Option<String>,
    /// What the operator must do before it can open ("choose a screen in the dialog").
    pub asks: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    frame: Mutex<Option<Frame>>,
    arrived: Condvar,
    overwritten: AtomicU64,
    put: AtomicU64,
    wanted_from_us: AtomicU64,
    /// The writer that is heard; a source that was given up writes into the void.
    writer: AtomicU64,
    /// Microseconds plus one; 0 before the first.
    beat_us: AtomicU64,
    note: Mutex<SourceNote>,
}

impl FrameSlot {
    /// An empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for a new source: from now on nothing that older handles put is taken.
    ///
    /// So a source that hangs can be given up: should it wake again, it disturbs nobody.
    #[must_use]
    pub fn new_writer(&self) -> Self {
        let writer = self.0.writer.fetch_add(1, Ordering::SeqCst) + 1;
        *self.0.note.lock().unwrap_or_else(PoisonError::into_inner) = SourceNote::default();
        self.0.beat_us.store(0, Ordering::Relaxed);
        Self(self.0.clone(), writer)
    }

    fn is_heard(&self) -> bool {
        self.1 == self.0.writer.load(Ordering::SeqCst)
    }

    /// A source's sign of life at `now`, due at least once a second also while its picture stands
    /// still or it waits for the operator; [`FrameSlot::put`] is one too.
    pub fn beat(&self, now: MonoTime) {
        if self.is_heard() {
            let us = now.as_micros().saturating_add(1);
            self.0.beat_us.store(us, Ordering::Relaxed);
        }
    }

    /// When the source last gave a sign of life; None where it has not yet.
    pub fn last_beat(&self) -> Option<MonoTime> {
        let us = self.0.beat_us.load(Ordering::Relaxed);
        us.checked_sub(1).map(MonoTime::from_micros)
    }

    /// A source tells what it is, anew with each change ("Monitor HDMI-1, 1920x1080").
    pub fn note(&self, note: SourceNote) {
        if self.is_heard() {
            *self.0.note.lock().unwrap_or_else(PoisonError::into_inner) = note;
        }
    }

    /// What the source told last.
    pub fn last_note(&self) -> SourceNote {
        let note = self.0.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.clone()
    }

    /// Puts a frame; an untaken one is overwritten and counted as a capture drop.
    pub fn put(&self, frame: Frame) {
        self.beat(frame.in_memory_at);
        let mut held = self.0.frame.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: a handle given up while it was on its way here puts nothing.
        if !self.is_heard() {
            return;
        }
        if held.replace(frame).is_some() {
            self.0.overwritten.fetch_add(1, Ordering::Relaxed);
        }
        self.0.put.fetch_add(1, Ordering::Relaxed);
        drop(held);
        self.0.arrived.notify_one();
    }

    /// Takes the frame if one is there.
    pub fn take(&self) -> Option<Frame> {
        self.0
            .frame
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Waits up to `time` for a frame to be there, without taking it; whether one is.
    pub fn wait(&self, time: Duration) -> bool {
        let held = self.0.frame.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, _) = self
            .0
            .arrived
            .wait_timeout_while(held, time, |frame| frame.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        held.is_some()
    }

    /// Frames overwritten before anyone took them.
    pub fn overwritten(&self) -> u64 {
        self.0.overwritten.load(Ordering::Relaxed)
    }

    /// Frames put in all.
    pub fn put_count(&self) -> u64 {
        self.0.put.load(Ordering::Relaxed)
    }

    /// The pacer's word: a frame made before `time` would not be sent.
    pub fn want_from(&self, time: MonoTime) {
        self.0
            .wanted_from_us
            .store(time.as_micros(), Ordering::Relaxed);
    }

    /// From when the pacer can use a fresh frame. A source that sees a change earlier waits until
    /// then and grabs what the screen shows at that moment.
    pub fn wanted_from(&self) -> MonoTime {
        MonoTime::from_micros(self.0.wanted_from_us.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    fn frame(us: u64) -> Frame {
        Frame {
            captured_at: MonoTime::from_micros(us),
            in_memory_at: MonoTime::from_micros(us),
            size: Size::new(2, 2),
            stride: 8,
            data: vec![0; 16].into(),
        }
    }

    #[test]
    fn the_latest_frame_wins_and_the_drop_is_counted() {
        let slot = FrameSlot::new();
        slot.put(frame(1));
        slot.put(frame(2));
        assert_eq!(slot.take().unwrap().captured_at.as_micros(), 2);
        assert!(slot.take().is_none());
        assert_eq!((slot.overwritten(), slot.put_count()), (1, 2));
    }

    #[test]
    fn a_source_given_up_is_no_longer_heard() {
        let slot = FrameSlot::new();
        let old = slot.new_writer();
        old.put(frame(5));
        assert_eq!(slot.last_beat(), Some(MonoTime::from_micros(5)));
        let new = slot.new_writer();
        old.put(frame(6));
        old.note(SourceNote {
            label: Some("old".into()),
            asks: None,
        });
        assert_eq!(slot.last_beat(), None);
        assert_eq!(slot.last_note(), SourceNote::default());
        assert_eq!(slot.take().unwrap().captured_at.as_micros(), 5);
        assert!(slot.take().is_none());
        new.put(frame(7));
        assert_eq!(slot.take().unwrap().captured_at.as_micros(), 7);
    }

    #[test]
    fn a_waiter_is_woken_by_a_frame() {
        let slot = FrameSlot::new();
        let other = slot.clone();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(30)));
        slot.put(frame(1));
        assert!(waiter.join().unwrap());
        assert!(!FrameSlot::new().wait(Duration::from_millis(1)));
    }
}
