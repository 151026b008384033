//! A picture source running on a thread of its own, as `pd-source` runs it.

use pd_console::capture::{CaptureError, Frame, FrameSlot, VideoSource};
use pd_console::stop::{StopToken, ends_by};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running source.
pub struct Running {
    /// Where its pictures come.
    pub slot: FrameSlot,
    /// Ends it.
    pub stop: StopToken,
    /// Its end.
    pub thread: JoinHandle<Result<(), CaptureError>>,
    patience: Duration,
}

impl Running {
    /// Starts it; a picture may take as long as `patience`.
    pub fn start(mut source: impl VideoSource + 'static, patience: Duration) -> Self {
        let (slot, stop) = (FrameSlot::new(), StopToken::new());
        let (other, token) = (slot.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let ended = source.run(&other, &token);
            // For whoever reads why no picture came.
            println!("the source ended: {ended:?}");
            ended
        });
        Self {
            slot,
            stop,
            thread,
            patience,
        }
    }

    /// The next picture.
    pub fn next(&self) -> Frame {
        let started = Instant::now();
        while !self.slot.wait(Duration::from_millis(100)) {
            assert!(!self.thread.is_finished(), "the source has ended");
            let note = self.slot.last_note();
            let limit = self.patience;
            assert!(started.elapsed() < limit, "no frame in {limit:?}, {note:?}");
        }
        self.slot.take().unwrap()
    }

    /// The first picture in which `is_there` holds.
    pub fn next_with(&self, is_there: impl Fn(&Frame) -> bool) -> Frame {
        let started = Instant::now();
        loop {
            let frame = self.next();
            if is_there(&frame) {
                return frame;
            }
            assert!(started.elapsed() < self.patience, "never seen");
        }
    }

    /// Takes what is there until nothing came for 200 ms.
    pub fn settle(&self) {
        while self.slot.wait(Duration::from_millis(200)) {
            self.slot.take();
        }
    }

    /// How it ended by itself, within 20 s, and after what time.
    pub fn ends(self) -> (Duration, Result<(), CaptureError>) {
        let asked = Instant::now();
        let deadline = asked + Duration::from_secs(20);
        assert!(ends_by(&self.thread, deadline), "it runs on after 20 s");
        (asked.elapsed(), self.thread.join().unwrap())
    }

    /// Stops it; how long that took, and how it ended.
    pub fn end(self) -> (Duration, Result<(), CaptureError>) {
        self.stop.stop();
        self.ends()
    }
}
