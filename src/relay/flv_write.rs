//! FLV as the publisher reads it: the hop that carries each access unit's own decoding and
//! presentation time.
//!
//! Pure. Adobe Flash Video File Format Specification 10.1, annex E. The decoding time is set
//! [`LEAD_MS`] before the presentation time. ffmpeg's interleaver sends a packet once it holds one of
//! every stream with a later decoding time; sound comes to it later than the picture of the same
//! moment (device chunk, Opus frame), so that without the lead a picture waits for the sound or for
//! the next picture: 20 to 40 ms, measured. `-bsf:v setts` could set the same lead, but holds a packet
//! itself; IVF has one time only. Receivers present by the presentation time.

use super::AccessUnit;
use super::annexb::{NAL_PPS, NAL_SPS, nal_type, nal_units};

/// Decoding before presentation, ms: more than the sound is ever late (30 ms reading delay, 10 ms
/// chunks and Opus frame each, 6.5 ms of Opus pre-skip) and less than the 100 ms at which ffmpeg 7 and
/// later hold back the input that is ahead.
pub const LEAD_MS: u32 = 80;

const VIDEO_TAG: u8 = 9;
const SEQUENCE_HEADER: u8 = 0;
const NAL_UNITS: u8 = 1;

/// The file header: video only, and the first (empty) back pointer.
pub const HEADER: [u8; 13] = *b"FLV\x01\x01\0\0\0\x09\0\0\0\0";

/// The sequence header from an IDR's parameter sets; None where they are not in it.
pub fn sequence_header(idr: &AccessUnit) -> Option<Vec<u8>> {
    let set = |kind| nal_units(&idr.data).find(|nal| nal_type(nal) == kind);
    let (sps, pps) = (set(NAL_SPS)?, set(NAL_PPS)?);
    // AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3.1; lengths of four bytes.
    let [profile, compatibility, level] = *sps.get(1..4)?.first_chunk()?;
    let mut record = vec![1, profile, compatibility, level, 0xff, 0xe1];
    record.extend_from_slice(&u16::try_from(sps.len()).ok()?.to_be_bytes());
    record.extend_from_slice(sps);
    record.push(1);
    record.extend_from_slice(&u16::try_from(pps.len()).ok()?.to_be_bytes());
    record.extend_from_slice(pps);
    Some(tag(0, 0, true, SEQUENCE_HEADER, |out| {
        out.extend_from_slice(&record)
    }))
}

/// An access unit shown at `pts_ms` after the stream's zero. The parameter sets of an IDR stay in it.
pub fn picture(unit: &AccessUnit, pts_ms: u32) -> Vec<u8> {
    // The stream's own zero lies a lead later, so that the first decoding time is not negative.
    picture_with_lead(unit, pts_ms, LEAD_MS)
}

/// The same with a lead of one's own: none where nobody waits for the picture (a file).
pub fn picture_with_lead(unit: &AccessUnit, pts_ms: u32, lead_ms: u32) -> Vec<u8> {
    tag(pts_ms, lead_ms, unit.idr, NAL_UNITS, |out| {
        for nal in nal_units(&unit.data) {
            // An access unit is far below 4 GiB.
            out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            out.extend_from_slice(nal);
        }
    })
}

fn tag(dts_ms: u32, cts_ms: u32, key: bool, kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let time = dts_ms.to_be_bytes();
    let cts = cts_ms.to_be_bytes();
    let mut out = vec![
        VIDEO_TAG, 0, 0, 0, time[1], time[2], time[3], time[0], 0, 0, 0,
    ];
    // Key or inter picture, codec 7 (AVC).
    out.extend_from_slice(&[if key { 0x17 } else { 0x27 }, kind, cts[1], cts[2], cts[3]]);
    body(&mut out);
    let size = (out.len() as u32 - 11).to_be_bytes();
    out[1..4].copy_from_slice(&size[1..]);
    // ffmpeg reads the back pointer before it hands the packet on: it comes in the same write.
    let whole = (out.len() as u32).to_be_bytes();
    out.extend_from_slice(&whole);
    out
}

#[cfg(test)]
mod tests {
    use super::super::flv::{FlvEvent, FlvReader};
    use super::*;
    use crate::clock::MonoTime;
    use crate::relay::annexb::{AvcConfig, write_annexb};

    fn unit(nals: &[&[u8]], idr: bool) -> AccessUnit {
        let mut data = Vec::new();
        write_annexb(nals.iter().copied(), &mut data);
        AccessUnit {
            frame: 0,
            captured_at: MonoTime::ZERO,
            begun_at: MonoTime::ZERO,
            frame_time: std::time::Duration::ZERO,
            encoded_at: MonoTime::ZERO,
            idr,
            data: data.into(),
            hash: 0,
        }
    }

    #[test]
    fn our_own_reader_reads_it_back() {
        let (sps, pps, slice): (&[u8], &[u8], &[u8]) =
            (&[0x67, 0x42, 0xc0, 0x1f, 9], &[0x68, 3], &[0x65, 1, 2, 3]);
        let idr = unit(&[sps, pps, slice], true);
        let next = unit(&[&[0x41, 7]], false);
        let mut bytes = HEADER.to_vec();
        bytes.extend(sequence_header(&idr).unwrap());
        bytes.extend(picture(&idr, 0));
        bytes.extend(picture(&next, 0x0123_4567));
        let mut events = Vec::new();
        FlvReader::new()
            .push(&bytes, |event| events.push(event))
            .unwrap();
        let FlvEvent::Config(record) = &events[0] else {
            panic!("{events:?}")
        };
        let config = AvcConfig::parse(record).unwrap();
        assert_eq!(
            (config.sps, config.pps),
            (vec![sps.to_vec()], vec![pps.to_vec()])
        );
        let FlvEvent::Picture { pts_ms, key, avcc } = &events[1] else {
            panic!("{events:?}")
        };
        assert_eq!((*pts_ms, *key), (LEAD_MS, true));
        assert_eq!(
            avcc,
            &[&[0, 0, 0, 5], sps, &[0, 0, 0, 2], pps, &[0, 0, 0, 4], slice].concat()
        );
        let FlvEvent::Picture { pts_ms, key, .. } = &events[2] else {
            panic!("{events:?}")
        };
        assert_eq!((*pts_ms, *key), (0x0123_4567 + LEAD_MS, false));
    }

    #[test]
    fn an_idr_without_parameter_sets_begins_nothing() {
        assert_eq!(sequence_header(&unit(&[&[0x65, 1]], true)), None);
    }
}
