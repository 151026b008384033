//! The ledger frame by frame: one line of CSV a frame, for whoever wants to look closer than
//! percentiles do.
//!
//! Pure; no thread. A frame is written once it has arrived or is too old to be waited for, in order.
//! Who asks too seldom (the ledger forgets) misses frames, and sees it by their numbers.

use super::ledger::{STAGES, Stage};
use crate::clock::MonoTime;
use std::fmt::Write as _;
use std::time::Duration;

/// A frame that has not arrived so long after its capture is written without. At 144 fps the ledger
/// keeps 7 s.
const SETTLED: Duration = Duration::from_secs(5);

/// One frame's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRow {
    /// Its number, from 0 in each show.
    pub frame: u64,
    /// When it was captured.
    pub captured_at: MonoTime,
    /// When it reached each of [`STAGES`]; None where it did not, or it was not seen.
    pub at: [Option<MonoTime>; STAGES.len()],
    /// The RTP timestamp (90 kHz) that it came with, where it came by RTP.
    pub rtp_time: Option<u32>,
}

impl FrameRow {
    /// When it was whole at the receiver.
    pub fn arrived_at(&self) -> Option<MonoTime> {
        self.at[Stage::Arrived as usize]
    }

    /// Its line, as [`header`] names the columns: microseconds, empty where unknown. `zero_us` is
    /// added to each time: what the wished clock reads at the console's zero.
    pub fn line(&self, zero_us: u64) -> String {
        let us = |at: MonoTime| at.as_micros().saturating_add(zero_us);
        let mut line = format!("{},{}", self.frame, us(self.captured_at));
        // Writing into a String cannot fail.
        for at in self.at {
            let _ = match at {
                Some(at) => write!(line, ",{}", us(at)),
                None => write!(line, ","),
            };
        }
        let _ = match self.rtp_time {
            Some(rtp_time) => write!(line, ",{rtp_time}"),
            None => write!(line, ","),
        };
        line
    }
}

/// Names of the columns.
pub fn header() -> String {
    let mut names = vec!["frame".to_owned(), "captured_us".to_owned()];
    names.extend(STAGES.map(|stage| format!("{}_us", stage.name())));
    names.push("rtp_time".to_owned());
    names.join(",")
}

/// What the console's clock must be moved by to read as the clock that all processes of the machine
/// share (CLOCK_MONOTONIC, the performance counter); 0 where the system does not tell.
pub fn zero_us() -> u64 {
    let now = crate::clock::now().as_micros();
    crate::clock::shared_us().map_or(0, |shared| shared.saturating_sub(now))
}

/// Gives each frame out once.
#[derive(Debug, Default)]
pub struct Tracer {
    next: u64,
}

impl Tracer {
    /// Which frame comes next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Of `rows` (in order, from [`Tracer::next`] on) those that are through at `now`; `all` takes
    /// them as they are.
    pub fn take(
        &mut self,
        rows: impl IntoIterator<Item = FrameRow>,
        now: MonoTime,
        all: bool,
    ) -> Vec<FrameRow> {
        let through = |row: &FrameRow| {
            all || row.arrived_at().is_some() || now.since(row.captured_at) > SETTLED
        };
        let rows: Vec<_> = rows.into_iter().take_while(through).collect();
        if let Some(last) = rows.last() {
            self.next = last.frame + 1;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{Ledger, Taken};

    fn us(us: u64) -> MonoTime {
        MonoTime::from_micros(us)
    }

    #[test]
    fn a_line_has_a_field_for_each_column_and_nothing_for_what_is_unknown() {
        let mut row = FrameRow {
            frame: 7,
            captured_at: us(1000),
            at: [None; STAGES.len()],
            rtp_time: None,
        };
        let columns = header().split(',').count();
        assert_eq!(row.line(0).split(',').count(), columns);
        assert_eq!(row.line(0), format!("7,1000{}", ",".repeat(columns - 2)));
        row.at[Stage::Arrived as usize] = Some(us(5000));
        row.rtp_time = Some(90_000);
        assert!(row.line(1_000_000).ends_with(",1005000,90000"));
    }

    #[test]
    fn each_frame_comes_once_and_in_order() {
        let mut ledger = Ledger::new();
        for frame in 0..5 {
            ledger.paced(frame, Taken::at(us(frame * 1000)));
            ledger.encoded(frame, us(frame * 1000 + 500), frame + 100);
        }
        let mut tracer = Tracer::default();
        let take = |tracer: &mut Tracer, ledger: &Ledger, now, all| {
            let rows = ledger.rows(tracer.next());
            let rows = tracer.take(rows, now, all);
            rows.iter().map(|row| row.frame).collect::<Vec<_>>()
        };
        ledger.arrived(100, us(4000));
        ledger.arrived(102, us(6000));
        // Frame 1 may come still.
        assert_eq!(take(&mut tracer, &ledger, us(6000), false), [0]);
        assert_eq!(take(&mut tracer, &ledger, us(5_002_000), false), [1, 2]);
        assert_eq!(take(&mut tracer, &ledger, us(5_002_000), false), [0_u64; 0]);
        assert_eq!(take(&mut tracer, &ledger, us(5_002_000), true), [3, 4]);
    }

    #[test]
    fn a_frame_keeps_what_it_came_with() {
        let mut ledger = Ledger::new();
        ledger.paced(0, Taken::at(us(0)));
        ledger.encoded(0, us(10), 5);
        let frame = ledger.arrived(5, us(20)).unwrap();
        ledger.came_with(frame, Some(3));
        let row = ledger.rows(0).next().unwrap();
        assert_eq!((row.arrived_at(), row.rtp_time), (Some(us(20)), Some(3)));
    }
}
