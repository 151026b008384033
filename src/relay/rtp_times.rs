//! From RTP timestamp to capture: what a viewer's browser shows is named by its RTP timestamp, and the
//! probe, which gets the very same timestamps, has found the frame.
//!
//! MediaMTX gives all WebRTC readers of a path the same timestamps (`internal/protocols/webrtc/
//! from_stream.go`: the stream's own is added to the packetizer's zero; held by `tests/whep_probe.rs`).
//! The probe's thread writes, the viewers' page's threads read, under a lock that is held for
//! microseconds. The last [`KEPT`] pictures are kept, none older than [`OLD`]: the 32 bits come again
//! after 13 hours, and a server that was started again counts from anywhere.

use crate::clock::MonoTime;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// 17 s at 60 fps, 7 s at 144.
pub const KEPT: usize = 1024;
/// Older pictures are nobody's any more.
pub const OLD: Duration = Duration::from_secs(10);

/// A picture that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its RTP timestamp, 90 kHz.
    pub rtp_time: u32,
    /// When it was captured.
    pub captured_at: MonoTime,
    /// When the probe had it whole.
    pub arrived_at: MonoTime,
}

/// The newest pictures, oldest first. Shared by reference.
#[derive(Debug, Default)]
pub struct RtpTimes(Mutex<VecDeque<Seen>>);

impl RtpTimes {
    /// A picture arrived.
    pub fn add(&self, rtp_time: u32, captured_at: MonoTime, arrived_at: MonoTime) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == KEPT {
            seen.pop_front();
        }
        seen.push_back(Seen {
            rtp_time,
            captured_at,
            arrived_at,
        });
    }

    /// The newest picture with this timestamp that is not old.
    pub fn find(&self, rtp_time: u32, now: MonoTime) -> Option<Seen> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .rev()
            .take_while(|seen| now.since(seen.arrived_at) < OLD)
            .find(|seen| seen.rtp_time == rtp_time)
            .copied()
    }

    /// Whether a picture arrived within `span` before `now`.
    pub fn is_fed(&self, now: MonoTime, span: Duration) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.back()
            .is_some_and(|seen| now.since(seen.arrived_at) < span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    #[test]
    fn a_timestamp_leads_to_its_capture_over_the_wrap_of_32_bits() {
        let times = RtpTimes::default();
        let first = u32::MAX - 4000;
        for n in 0..10_u32 {
            let at = 1000 + u64::from(n) * 33;
            times.add(first.wrapping_add(n * 3000), ms(at), ms(at + 12));
        }
        for n in 0..10_u32 {
            let seen = times.find(first.wrapping_add(n * 3000), ms(1400)).unwrap();
            assert_eq!(seen.captured_at, ms(1000 + u64::from(n) * 33));
            assert_eq!(seen.arrived_at.ms_since(seen.captured_at), 12.0);
        }
        assert_eq!(times.find(first.wrapping_add(1), ms(1400)), None);
    }

    #[test]
    fn a_server_that_counts_anew_and_old_pictures_confuse_nothing() {
        let times = RtpTimes::default();
        times.add(3000, ms(0), ms(10));
        assert!(times.is_fed(ms(1000), Duration::from_secs(2)));
        assert!(!times.is_fed(ms(3000), Duration::from_secs(2)));
        times.add(3000, ms(5000), ms(5010));
        assert_eq!(times.find(3000, ms(5020)).unwrap().captured_at, ms(5000));
        // 32 bits later the same number is another picture's.
        assert_eq!(times.find(3000, ms(15_010)), None);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let times = RtpTimes::default();
        for n in 0..5000 {
            times.add(n, ms(u64::from(n)), ms(u64::from(n)));
        }
        assert_eq!(times.0.lock().unwrap().len(), KEPT);
        assert_eq!(times.find(100, ms(5000)), None);
        assert!(times.find(4999, ms(5000)).is_some());
    }
}
