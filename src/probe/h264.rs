//! RTP payloads of H.264 (RFC 6184) back to access units, with the least delay there can be.
//!
//! Pure; run by the probe's thread. [`Reorder`] puts packets in order and waits a bounded time for
//! a missing one, which may still come as a retransmission; [`Depacketizer`] gives an access unit
//! out with the packet that bears its marker bit. A unit with a packet missing is dropped and
//! counted. Single NAL units, STAP-A and FU-A are read, which is all that packetization mode 1
//! allows (RFC 6184 6.3).

use crate::clock::MonoTime;
use crate::relay::annexb::{NAL_AUD, NAL_IDR, NAL_SEI, NAL_SLICE};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long later packets wait for a missing one: time for a NACK to cross a WAN and be answered.
const GAP_WAIT: Duration = Duration::from_millis(200);
/// How many packets wait at most: a quarter of a second at 10 Mb/s.
const GAP_PACKETS: usize = 256;
/// A packet so far behind is no late one: the sender counts anew.
const RESTART: u64 = 4096;
/// An access unit beyond this size is given up.
const UNIT_MAX: usize = 8 << 20;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// One RTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Sequence number, extended beyond 16 bits.
    pub seq: u64,
    /// Timestamp: the same in all packets of an access unit.
    pub rtp_time: u32,
    /// Marker bit: the last packet of an access unit (RFC 6184 5.1).
    pub marker: bool,
    /// What follows the RTP header.
    pub payload: Arc<[u8]>,
    /// When its datagram was read.
    pub at: MonoTime,
}

/// Puts packets in order.
#[derive(Debug, Default)]
pub struct Reorder {
    next: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
}

impl Reorder {
    /// Takes a packet; one that was waited for in vain, or was given out already, is dropped.
    pub fn push(&mut self, packet: Packet) {
        let next = self.next.get_or_insert(packet.seq);
        if packet.seq.saturating_add(RESTART) < *next {
            *next = packet.seq;
            self.waiting.clear();
        }
        if packet.seq >= *next {
            self.waiting.insert(packet.seq, packet);
        }
    }

    /// The next packet in order; over a gap only where it has lasted too long by `now`.
    pub fn pop(&mut self, now: MonoTime) -> Option<Packet> {
        let first = self.waiting.first_entry()?;
        let in_order = self.next == Some(*first.key());
        let lapsed = now.since(first.get().at) >= GAP_WAIT;
        if !in_order && !lapsed && self.waiting.len() < GAP_PACKETS {
            return None;
        }
        let (seq, packet) = self.waiting.pop_first()?;
        self.next = Some(seq.wrapping_add(1));
        Some(packet)
    }
}

/// An access unit, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// NAL units in order, as they came.
    pub nal_units: Vec<Vec<u8>>,
    /// When the last of its packets to come was read.
    pub at: MonoTime,
    /// The RTP timestamp that all its packets bear.
    pub rtp_time: u32,
}

/// Puts access units together from packets in order.
#[derive(Debug, Default)]
pub struct Depacketizer {
    last_seq: Option<u64>,
    open: Option<Open>,
    damaged: u64,
}

#[derive(Debug)]
struct Open {
    rtp_time: u32,
    nal_units: Vec<Vec<u8>>,
    fragment: Option<Vec<u8>>,
    bytes: usize,
    at: MonoTime,
    broken: bool,
}

impl Depacketizer {
    /// Access units dropped because packets were missing or made no sense.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes the next packet and appends the access units that it completes to `out`: usually the
    /// one whose marker it bears; one without a marker ends where the timestamp changes.
    pub fn push(&mut self, packet: &Packet, out: &mut Vec<Unit>) {
        let joining = self.last_seq.is_none();
        let gap = self
            .last_seq
            .is_some_and(|last| packet.seq != last.wrapping_add(1));
        self.last_seq = Some(packet.seq);
        if let Some(open) = &mut self.open {
            open.broken |= gap;
            if open.rtp_time != packet.rtp_time {
                self.close(out);
            }
        }
        let open = self.open.get_or_insert_with(|| Open {
            rtp_time: packet.rtp_time,
            nal_units: Vec::new(),
            fragment: None,
            bytes: 0,
            at: packet.at,
            // What is missing may have been this unit's beginning.
            broken: (gap || joining) && !begins_unit(&packet.payload),
        });
        open.at = open.at.max(packet.at);
        open.bytes += packet.payload.len();
        if open.payload(&packet.payload).is_none() || open.bytes > UNIT_MAX {
            open.broken = true;
            open.nal_units.clear();
            open.fragment = None;
        }
        if packet.marker {
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut Vec<Unit>) {
        let Some(open) = self.open.take() else {
            return;
        };
        if open.broken || open.fragment.is_some() {
            self.damaged += 1;
        } else if !open.nal_units.is_empty() {
            out.push(Unit {
                nal_units: open.nal_units,
                at: open.at,
                rtp_time: open.rtp_time,
            });
        }
    }
}

impl Open {
    /// Takes one payload (RFC 6184 5.6 to 5.8); none where it makes no sense.
    fn payload(&mut self, payload: &[u8]) -> Option<()> {
        let Some(&header) = payload.first() else {
            return Some(()); // padding alone
        };
        match header & 0x1f {
            1..=23 if self.fragment.is_none() => self.nal_units.push(payload.to_vec()),
            STAP_A if self.fragment.is_none() => {
                let mut rest = &payload[1..];
                while !rest.is_empty() {
                    let (size, after) = rest.split_first_chunk::<2>()?;
                    let size = usize::from(u16::from_be_bytes(*size));
                    let (nal, after) = after.split_at_checked(size)?;
                    if !nal.is_empty() {
                        self.nal_units.push(nal.to_vec());
                    }
                    rest = after;
                }
            }
            FU_A => {
                let &fu = payload.get(1)?;
                let (start, end) = (fu & 0x80 != 0, fu & 0x40 != 0);
                if start != self.fragment.is_none() {
                    return None;
                }
                let nal = self
                    .fragment
                    .get_or_insert_with(|| vec![header & 0xe0 | fu & 0x1f]);
                nal.extend_from_slice(&payload[2..]);
                if end {
                    self.nal_units.extend(self.fragment.take());
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// Whether no slice of its access unit can stand before this payload: it begins with a delimiter,
/// SEI or parameter set, or with a slice that starts at the first macroblock (`first_mb_in_slice`
/// is 0, whose Exp-Golomb code is a single 1 bit: ITU-T H.264 7.3.3, 9.1).
fn begins_unit(payload: &[u8]) -> bool {
    let Some(&header) = payload.first() else {
        return false;
    };
    let (kind, next) = match header & 0x1f {
        STAP_A => (payload.get(3).map_or(0, |nal| nal & 0x1f), payload.get(4)),
        FU_A => match payload.get(1) {
            Some(fu) if fu & 0x80 != 0 => (fu & 0x1f, payload.get(2)),
            _ => return false,
        },
        kind => (kind, payload.get(1)),
    };
    match kind {
        NAL_SLICE | NAL_IDR => next.is_some_and(|bits| bits & 0x80 != 0),
        kind => (NAL_SEI..=NAL_AUD).contains(&kind),
    }
}

#[cfg(test)]
#[path = "h264_tests.rs"]
mod tests;
