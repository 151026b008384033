//! An H.264 access unit on its way through the console, and the hash by which it is found again.

use crate::clock::MonoTime;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// One coded picture in Annex B form (ITU-T H.264 Annex B), with what the console knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The frame's number: counts every frame that the pacer gave out in this show, from 0.
    pub frame: u64,
    /// When the picture was captured.
    pub captured_at: MonoTime,
    /// When its first raw byte was written to the encoder.
    pub begun_at: MonoTime,
    /// One frame's time at the encoder's rate: what encoding may take.
    pub frame_time: Duration,
    /// When its last byte came out of the encoder.
    pub encoded_at: MonoTime,
    /// Whether it is an IDR picture (SPS and PPS then stand before it).
    pub idr: bool,
    /// NAL units with start codes.
    pub data: std::sync::Arc<[u8]>,
    /// [`slice_hash`] of `data`.
    pub hash: u64,
}

/// Hash of the slice NAL units (types 1 and 5, ITU-T H.264 Table 7-1) of an access unit, in order.
///
/// Servers may add, drop or move parameter sets, SEI and delimiters; the slices they pass through
/// are byte for byte the encoder's (measured through MediaMTX to WHEP), so that this joins "captured
/// at" with "arrived at". `nal_units` are without start codes or length fields, trailing zero bytes
/// removed.
pub fn slice_hash<'a>(nal_units: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = Xxh3::new();
    for nal in nal_units {
        if nal.first().is_some_and(|b| matches!(b & 0x1f, 1 | 5)) {
            hasher.update(&(nal.len() as u64).to_le_bytes());
            hasher.update(nal);
        }
    }
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slices_count() {
        let idr: &[u8] = &[0x65, 1, 2, 3];
        let sps: &[u8] = &[0x67, 9];
        let aud: &[u8] = &[0x09, 0xf0];
        assert_eq!(slice_hash([sps, idr]), slice_hash([aud, idr]));
        assert_ne!(slice_hash([idr]), slice_hash([&idr[..3]]));
    }
}
