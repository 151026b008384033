//! What a receiver says of the pictures and sounds that have come: shared by the WHEP probe and
//! the loopback receiver, read by the latency ledger.
//!
//! Plain values; no thread. Where the ledger's queue is full an event is dropped and counted in
//! [`ArrivalCounters`]: a receiver never waits for the meter.

use super::annexb::{NAL_IDR, nal_type};
use super::slice_hash;
use crate::clock::MonoTime;
use arc_swap::ArcSwapOption;
use crossbeam_channel::Sender;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// An access unit that has come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// [`slice_hash`] of its NAL units: equal to the one taken at the encoder.
    pub hash: u64,
    /// When the datagram or the block that completed it was read.
    pub at: MonoTime,
    /// Bytes of its NAL units, without packet headers and start codes.
    pub bytes: usize,
    /// Whether it holds a slice of an IDR picture.
    pub idr: bool,
    /// Its RTP timestamp (90 kHz, RFC 6184 5.1), where it came by RTP.
    pub rtp_time: Option<u32>,
}

impl Arrival {
    /// The arrival at `at` of an access unit of `nal_units` (without start codes and trailing
    /// zeros); none where no slice is among them, which is no picture.
    pub fn of<'a>(nal_units: impl IntoIterator<Item = &'a [u8]>, at: MonoTime) -> Option<Self> {
        let (mut bytes, mut idr, mut slices) = (0, false, 0_u32);
        let hash = slice_hash(nal_units.into_iter().inspect(|nal| {
            bytes += nal.len();
            idr |= nal_type(nal) == NAL_IDR;
            slices += u32::from(matches!(nal_type(nal), 1 | 5));
        }));
        (slices > 0).then_some(Self {
            hash,
            at,
            bytes,
            idr,
            rtp_time: None,
        })
    }
}

/// Hash of one Opus packet (RFC 6716 3), by which it is found again: the first eight bytes of its
/// SHA-256, which ffmpeg's `framehash` makes as well.
pub fn opus_hash(packet: &[u8]) -> u64 {
    let digest = Sha256::digest(packet);
    digest[..8]
        .iter()
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// What a receiver reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrivalEvent {
    /// The receiver is in the stream: media can arrive from now on.
    Connected,
    /// An access unit has come.
    Video(Arrival),
    /// An Opus packet has come.
    Audio {
        /// [`opus_hash`] of the packet.
        hash: u64,
        /// When its last byte was read.
        at: MonoTime,
    },
    /// The receiver is out of the stream or could not join it, and why.
    Lost(String),
}

/// Counts of one receiver, readable from any thread while it runs.
#[derive(Debug, Default)]
pub struct ArrivalCounters {
    /// Access units that came whole.
    pub units: AtomicU64,
    /// Access units that came with bytes missing, or broken, and were left out.
    pub units_damaged: AtomicU64,
    /// Opus packets that came.
    pub audio_packets: AtomicU64,
    /// Events dropped because the ledger's queue was full.
    pub events_dropped: AtomicU64,
    /// Whether the receiver is in the stream.
    pub joined: AtomicBool,
    /// Why it is not, where it tried; in words for the operator.
    pub why_not: ArcSwapOption<String>,
    /// Set by whoever has reason to doubt that the server lives: silence is then not waited out. Cleared
    /// by the next that is heard.
    pub doubted: AtomicBool,
    /// CPU time that its threads have used, microseconds; zero where the system does not tell.
    pub cpu_us: AtomicU64,
}

impl ArrivalCounters {
    /// Counts `event` and hands it over without waiting; a full queue drops it. False where
    /// nobody reads the queue any more.
    pub fn send(&self, out: &Sender<ArrivalEvent>, event: ArrivalEvent) -> bool {
        match event {
            ArrivalEvent::Video(_) => self.units.fetch_add(1, Ordering::Relaxed),
            ArrivalEvent::Audio { .. } => self.audio_packets.fetch_add(1, Ordering::Relaxed),
            ArrivalEvent::Connected | ArrivalEvent::Lost(_) => 0,
        };
        match out.try_send(event) {
            Ok(()) => true,
            Err(crossbeam_channel::TrySendError::Full(_)) => {
                self.events_dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(crossbeam_channel::TrySendError::Disconnected(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_alone_are_no_picture() {
        let at = MonoTime::from_micros(7);
        assert_eq!(Arrival::of([&[0x67_u8, 1][..], &[0x68, 2]], at), None);
        let unit = Arrival::of([&[0x67_u8, 1][..], &[0x65, 2, 3]], at).unwrap();
        assert_eq!((unit.bytes, unit.idr, unit.at), (5, true, at));
        assert_eq!(unit.hash, slice_hash([&[0x65_u8, 2, 3][..]]));
        assert!(!Arrival::of([&[0x41_u8, 2][..]], at).unwrap().idr);
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (out, queue) = crossbeam_channel::bounded(1);
        let counters = ArrivalCounters::default();
        let audio = ArrivalEvent::Audio {
            hash: 1,
            at: MonoTime::ZERO,
        };
        assert!(counters.send(&out, audio.clone()));
        assert!(counters.send(&out, audio.clone()));
        assert_eq!(counters.audio_packets.load(Ordering::Relaxed), 2);
        assert_eq!(counters.events_dropped.load(Ordering::Relaxed), 1);
        drop(queue);
        assert!(!counters.send(&out, audio));
    }
}
