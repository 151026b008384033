//! Streams: FLV from an encoder, NAL units, MPEG-TS and RTP from a receiver.

use super::input::{Input, pieces};
use crate::clock::MonoTime;
use crate::relay::annexb::{
    AvcConfig, avcc_nal_units, has_idr, nal_type, nal_units, strip_trailing_zeros, write_annexb,
};
use crate::relay::flv::{FlvError, FlvEvent, FlvReader};
use crate::relay::rtp_times::{KEPT, OLD};
use crate::relay::{
    AccessUnit, ArrivalEvent, RtpTimes, flv_write, h264_bits, opus_hash, slice_hash,
};
use std::time::Duration;

fn read_flv<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<FlvEvent>, Result<(), FlvError>) {
    let mut reader = FlvReader::new();
    let mut events = Vec::new();
    for chunk in chunks {
        if let Err(error) = reader.push(chunk, |event| events.push(event)) {
            return (events, Err(error));
        }
    }
    (events, Ok(()))
}

/// FLV: however it is cut, the same comes out; never more bytes than came in.
pub fn flv(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, with_header) = (input.u8(), input.flag());
    let mut stream = Vec::new();
    if with_header {
        stream.extend_from_slice(&flv_write::HEADER);
    }
    stream.extend_from_slice(input.rest());
    let whole = read_flv(std::iter::once(stream.as_slice()));
    let cut = read_flv(pieces(&stream, seed));
    assert_eq!(whole, cut, "cutting changes what is read");
    let mut bytes = 0;
    let mut length_size = 4;
    for event in &whole.0 {
        match event {
            FlvEvent::Config(record) => {
                bytes += record.len();
                if let Ok(config) = AvcConfig::parse(record) {
                    length_size = config.length_size;
                    let sets: usize = config.parameter_sets().map(<[u8]>::len).sum();
                    assert!(sets <= record.len());
                }
            }
            FlvEvent::Picture { avcc, .. } => {
                bytes += avcc.len();
                if let Ok(nals) = avcc_nal_units(avcc, length_size) {
                    round_annexb(&nals);
                }
            }
        }
    }
    assert!(bytes <= stream.len(), "more came out than went in");
}

/// NAL units written as Annex B and read back are the same, where they have no start code in them.
fn round_annexb(nals: &[&[u8]]) {
    let mut written = Vec::new();
    write_annexb(nals.iter().copied(), &mut written);
    let clean = |nal: &&[u8]| !nal.windows(3).any(|w| w == [0, 0, 1]);
    if nals.iter().all(clean) {
        let read: Vec<_> = nal_units(&written).collect();
        assert_eq!(read, nals, "Annex B, written and read");
    }
}

/// NAL units by the words of ITU-T H.264 B.1.1, byte by byte.
fn nal_units_plainly(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..data.len().saturating_sub(2))
        .filter(|&at| data[at..at + 3] == [0, 0, 1])
        .collect();
    let ends = starts.iter().skip(1).copied().chain([data.len()]);
    let nals = starts.iter().zip(ends).map(|(from, to)| {
        let nal = &data[(from + 3).min(to)..to];
        let end = nal.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        &nal[..end]
    });
    nals.filter(|nal| !nal.is_empty()).collect()
}

/// NAL units: as the plain reading has them; AVCC and its record are read or refused.
pub fn annexb(data: &[u8]) {
    let read: Vec<_> = nal_units(data).collect();
    assert_eq!(read, nal_units_plainly(data));
    let idr = read.iter().any(|nal| nal_type(nal) == 5);
    assert_eq!(has_idr(data), idr);
    assert_eq!(
        slice_hash(read.iter().copied()),
        slice_hash(nal_units(data)),
        "a hash of the same"
    );
    round_annexb(&read);
    for length_size in 1..=4 {
        if let Ok(nals) = avcc_nal_units(data, length_size) {
            let bytes: usize = nals.iter().map(|nal| nal.len()).sum();
            assert!(bytes <= data.len());
            assert!(nals.iter().all(|nal| strip_trailing_zeros(nal) == *nal));
            round_annexb(&nals);
        }
    }
    if let Ok(config) = AvcConfig::parse(data) {
        assert!((1..=4).contains(&config.length_size));
        assert!(config.sps.len() <= 31 && config.pps.len() <= 255);
    }
}

/// The bits that are read of H.264 are read or refused, whatever they are.
pub fn h264_bits(data: &[u8]) {
    let kind = h264_bits::slice_kind(data);
    assert!(kind.is_none() || matches!(nal_type(data), 1 | 5));
    let _ = h264_bits::uses_slice_groups(data);
    if let Some(size) = h264_bits::picture_size(data) {
        assert_eq!(nal_type(data), 7);
        // More bytes behind it change nothing.
        let longer = [data, &[0x80; 64]].concat();
        assert_eq!(h264_bits::picture_size(&longer), Some(size));
    }
}

fn unit(frame: u64, idr: bool, nals: &[&[u8]]) -> AccessUnit {
    let mut data = Vec::new();
    write_annexb(nals.iter().copied(), &mut data);
    AccessUnit {
        frame,
        captured_at: MonoTime::ZERO,
        begun_at: MonoTime::ZERO,
        frame_time: Duration::ZERO,
        encoded_at: MonoTime::ZERO,
        idr,
        hash: slice_hash(nals.iter().copied()),
        data: data.into(),
    }
}

/// `bytes` as a NAL unit that Annex B can carry: no start code within, no zero at its end.
fn as_nal(bytes: &[u8]) -> Vec<u8> {
    let mut nal = Vec::with_capacity(bytes.len() + 1);
    for &byte in bytes {
        if byte <= 3 && nal.ends_with(&[0, 0]) {
            nal.push(3);
        }
        nal.push(byte);
    }
    nal.push(0x80);
    nal
}

/// What is written for the publisher is read back as it was, lead and all.
pub fn flv_write(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, lead_ms) = (input.u8(), u32::from(input.u8()));
    let mut stream = flv_write::HEADER.to_vec();
    let mut expected = Vec::new();
    for frame in 0..16 {
        if input.is_empty() {
            break;
        }
        let (pts_ms, idr) = (input.u32(), input.flag());
        let count = 1 + input.below(6);
        let nals: Vec<_> = (0..count).map(|_| as_nal(input.bytes())).collect();
        let nals: Vec<_> = nals.iter().map(Vec::as_slice).collect();
        let unit = unit(frame, idr, &nals);
        if idr && let Some(header) = flv_write::sequence_header(&unit) {
            stream.extend_from_slice(&header);
            let set = |kind| nals.iter().find(|nal| nal_type(nal) == kind).copied();
            expected.push((
                None,
                false,
                vec![set(7), set(8)]
                    .into_iter()
                    .flatten()
                    .map(<[u8]>::to_vec)
                    .collect(),
            ));
        }
        stream.extend_from_slice(&flv_write::picture_with_lead(&unit, pts_ms, lead_ms));
        let all: Vec<Vec<u8>> = nals.iter().map(|nal| nal.to_vec()).collect();
        expected.push((Some(pts_ms.wrapping_add(lead_ms)), idr, all));
    }
    let (events, end) = read_flv(pieces(&stream, seed));
    assert_eq!(end, Ok(()));
    let got: Vec<_> = events
        .iter()
        .map(|event| match event {
            FlvEvent::Config(record) => {
                let config = AvcConfig::parse(record).expect("our own record");
                let sets = config.parameter_sets().map(<[u8]>::to_vec).collect();
                (None, false, sets)
            }
            FlvEvent::Picture { pts_ms, key, avcc } => {
                let nals = avcc_nal_units(avcc, 4).expect("our own lengths");
                (
                    Some(*pts_ms),
                    *key,
                    nals.iter().map(|nal| nal.to_vec()).collect::<Vec<_>>(),
                )
            }
        })
        .collect();
    assert_eq!(got, expected, "written and read");
}

fn demux<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<ArrivalEvent>, u64) {
    let mut demux = crate::publish::ts::TsDemux::new();
    let mut events = Vec::new();
    for (n, chunk) in chunks.enumerate() {
        demux.feed(chunk, MonoTime::from_micros(n as u64), &mut events);
    }
    demux.finish(MonoTime::from_micros(1 << 40), &mut events);
    (events, demux.damaged())
}

/// MPEG-TS from anybody: never more out than in, times in order; every byte of a packet may be wrong.
pub fn ts(data: &[u8]) {
    let mut input = Input::new(data);
    let seed = input.u8();
    let bytes = input.rest();
    for events in [
        demux(std::iter::once(bytes)).0,
        demux(pieces(bytes, seed)).0,
    ] {
        let mut last = MonoTime::ZERO;
        let mut sum = 0;
        for event in &events {
            let at = match event {
                ArrivalEvent::Video(arrival) => {
                    sum += arrival.bytes;
                    arrival.at
                }
                ArrivalEvent::Audio { at, .. } => *at,
                other => panic!("{other:?} of a demultiplexer"),
            };
            assert!(at >= last, "times run backwards");
            last = at;
        }
        assert!(sum <= bytes.len(), "more came out than went in");
        // An Opus packet has two bytes of control header and one of size at least.
        assert!(events.len() <= bytes.len() / 3 + 1);
    }
}

/// A transport stream of 188-byte packets, made here: tables, then PES packets in turn.
struct Muxer {
    out: Vec<u8>,
    counters: [u8; 2],
}

const VIDEO_PID: u16 = 0x100;
const OPUS_PID: u16 = 0x101;

impl Muxer {
    fn new() -> Self {
        let mut muxer = Self {
            out: Vec::new(),
            counters: [0; 2],
        };
        // PAT: programme 1 has its map at PID 0x1000.
        muxer.section(0, &[0, 1, 0xf0, 0x00], 0x00, 1);
        // PMT: PCR at the video, H.264, Opus as private data with its registration.
        let map = [
            &[0xe1, 0x00, 0xf0, 0x00][..],
            &[0x1b, 0xe1, 0x00, 0xf0, 0x00],
            &[0x06, 0xe1, 0x01, 0xf0, 0x0a],
            &[0x05, 4, b'O', b'p', b'u', b's'],
            &[0x7f, 2, 0x80, 2],
        ]
        .concat();
        muxer.section(0x1000, &map, 0x02, 1);
        muxer
    }

    fn section(&mut self, pid: u16, body: &[u8], table: u8, id: u16) {
        let length = (5 + body.len() + 4) as u16;
        let mut section = vec![table, 0xb0 | (length >> 8) as u8, length as u8];
        section.extend_from_slice(&id.to_be_bytes());
        section.extend_from_slice(&[0xc1, 0, 0]);
        section.extend_from_slice(body);
        section.extend_from_slice(&crc32_mpeg(&section).to_be_bytes());
        let mut packet = vec![0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10, 0];
        packet.extend_from_slice(&section);
        packet.resize(188, 0xff);
        self.out.extend_from_slice(&packet);
    }

    /// One PES packet; video may leave its length open.
    fn pes(&mut self, video: bool, payload: &[u8], open: bool) {
        let mut pes = vec![0, 0, 1, if video { 0xe0 } else { 0xbd }];
        let length = if open { 0 } else { 3 + payload.len() as u16 };
        pes.extend_from_slice(&length.to_be_bytes());
        pes.extend_from_slice(&[0x80, 0, 0]);
        pes.extend_from_slice(payload);
        let pid = if video { VIDEO_PID } else { OPUS_PID };
        let counter = &mut self.counters[usize::from(!video)];
        for (n, chunk) in pes.chunks(184).enumerate() {
            let start = if n == 0 { 0x40 } else { 0 };
            let mut packet = vec![0x47, start | (pid >> 8) as u8, pid as u8];
            let stuffing = 184 - chunk.len();
            packet.push(if stuffing > 0 { 0x30 } else { 0x10 } | *counter);
            *counter = (*counter + 1) & 0x0f;
            if stuffing > 0 {
                packet.push(stuffing as u8 - 1);
                if stuffing > 1 {
                    packet.push(0);
                    packet.resize(4 + stuffing, 0xff);
                }
            }
            packet.extend_from_slice(chunk);
            self.out.extend_from_slice(&packet);
        }
    }
}

/// ISO/IEC 13818-1, annex A.
fn crc32_mpeg(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// A whole transport stream, cut anywhere, gives every picture and every Opus packet once, in order; a
/// lost packet costs what it was part of, which is counted.
pub fn ts_round(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, lose) = (input.u8(), usize::from(input.u16()));
    let mut muxer = Muxer::new();
    let (mut pictures, mut packets) = (Vec::new(), Vec::new());
    let head = muxer.out.len();
    while !input.is_empty() && pictures.len() + packets.len() < 24 {
        if input.flag() {
            let open = input.flag();
            let nals = [
                as_nal(&[&[0x65], input.bytes()].concat()),
                as_nal(input.bytes()),
            ];
            let mut payload = Vec::new();
            write_annexb(nals.iter().map(Vec::as_slice), &mut payload);
            muxer.pes(true, &payload, open);
            pictures.push(slice_hash(nals.iter().map(Vec::as_slice)));
        } else {
            let mut payload = Vec::new();
            for _ in 0..1 + input.below(3) {
                let packet = input.bytes();
                payload.extend_from_slice(&[0x7f, 0xe0]);
                payload.resize(payload.len() + packet.len() / 255, 0xff);
                payload.push((packet.len() % 255) as u8);
                payload.extend_from_slice(packet);
                packets.push(opus_hash(packet));
            }
            muxer.pes(false, &payload, false);
        }
    }
    let mut stream = muxer.out;
    // The first bit says whether one is lost, the others which, behind the tables.
    let count = (stream.len() - head) / 188;
    let lost = (lose & 1 == 1 && count > 0).then(|| head + (lose >> 1) % count * 188);
    if let Some(at) = lost {
        stream.drain(at..at + 188);
    }
    let (events, damaged) = demux(pieces(&stream, seed));
    let (mut seen, mut heard) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            ArrivalEvent::Video(arrival) => seen.push(arrival.hash),
            ArrivalEvent::Audio { hash, .. } => heard.push(hash),
            _ => {}
        }
    }
    if lost.is_none() {
        assert_eq!((seen, heard, damaged), (pictures, packets, 0));
    } else {
        // Where the last packet of all is lost nothing tells, not of a picture without a length either.
        let known = seen.last().is_none_or(|last| pictures.contains(last));
        if !known {
            seen.pop();
        }
        let missing = pictures.len() - seen.len() + packets.len() - heard.len();
        assert!(missing <= 3, "one packet cost {missing}");
        assert!(
            is_part_of(&seen, &pictures) && is_part_of(&heard, &packets),
            "packet {lost:?} lost: {seen:x?} of {pictures:x?}, {heard:x?} of {packets:x?}"
        );
        assert!(damaged <= 2, "{damaged} damaged by one lost packet");
    }
}

/// Whether `part` is `all` with some left out.
fn is_part_of<T: PartialEq>(part: &[T], all: &[T]) -> bool {
    let mut all = all.iter();
    part.iter().all(|one| all.any(|other| other == one))
}

/// RTP times: the newest of that timestamp, never an old one, never more than are kept.
pub fn rtp_times(data: &[u8]) {
    let mut input = Input::new(data);
    let times = RtpTimes::default();
    let mut model: Vec<(u32, u64, u64)> = Vec::new();
    let mut now = 0_u64;
    while !input.is_empty() {
        now += u64::from(input.u16()) * 200;
        let rtp_time = u32::from(input.u8()).wrapping_mul(0x0101_0101);
        if input.flag() {
            let captured = now.saturating_sub(u64::from(input.u16()));
            times.add(
                rtp_time,
                MonoTime::from_micros(captured),
                MonoTime::from_micros(now),
            );
            model.push((rtp_time, captured, now));
        } else {
            let kept = &model[model.len().saturating_sub(KEPT)..];
            let old = OLD.as_micros() as u64;
            let wanted = kept
                .iter()
                .rev()
                .find(|(time, _, at)| *time == rtp_time && now - at < old);
            let found = times.find(rtp_time, MonoTime::from_micros(now));
            let found = found.map(|seen| {
                (
                    seen.rtp_time,
                    seen.captured_at.as_micros(),
                    seen.arrived_at.as_micros(),
                )
            });
            assert_eq!(found, wanted.copied());
        }
    }
}

#[cfg(feature = "probe")]
pub use of_rtp::{rtp, rtp_round};

#[cfg(not(feature = "probe"))]
pub fn rtp(_: &[u8]) {}
#[cfg(not(feature = "probe"))]
pub fn rtp_round(_: &[u8]) {}

#[cfg(feature = "probe")]
mod of_rtp {
    use super::*;
    use crate::probe::h264::{Depacketizer, Packet, Reorder};

    /// Packets of anybody in any order: each unit whole, none twice, order kept, nothing grows.
    pub fn rtp(data: &[u8]) {
        let mut input = Input::new(data);
        let mut reorder = Reorder::default();
        let mut depacketizer = Depacketizer::default();
        let mut units = Vec::new();
        let (mut seq, mut now, mut bytes) = (u64::from(input.u16()), 0_u64, 0);
        let mut last_popped = None;
        while !input.is_empty() {
            let step = input.u8();
            seq = match step {
                0xff => u64::from(input.u32()),
                0x80.. => seq.saturating_sub(u64::from(0x100 - u16::from(step))),
                _ => seq.saturating_add(u64::from(step)),
            };
            now += u64::from(input.u8()) * 1000;
            let (marker, rtp_time) = (input.flag(), u32::from(input.u8() >> 4));
            let payload = input.bytes();
            bytes += payload.len();
            reorder.push(Packet {
                seq,
                rtp_time,
                marker,
                payload: payload.into(),
                at: MonoTime::from_micros(now),
            });
            while let Some(packet) = reorder.pop(MonoTime::from_micros(now)) {
                if let Some(last) = last_popped {
                    let anew = packet.seq + 4096 < last;
                    assert!(packet.seq > last || anew, "{} after {last}", packet.seq);
                }
                last_popped = Some(packet.seq);
                depacketizer.push(&packet, &mut units);
            }
        }
        let mut out = 0;
        for unit in &units {
            assert!(!unit.nal_units.is_empty());
            assert!(unit.at <= MonoTime::from_micros(now));
            out += unit.nal_units.iter().map(Vec::len).sum::<usize>();
        }
        assert!(out <= bytes, "more came out than went in");
    }

    /// One access unit as RFC 6184 has it: single NAL units, aggregates, fragments.
    fn packetize(nals: &[Vec<u8>], input: &mut Input<'_>) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        let mut rest = nals;
        while let Some((nal, after)) = rest.split_first() {
            match input.below(3) {
                0 if nal.len() > 3 => {
                    let size = 1 + input.below(40);
                    let chunks: Vec<_> = nal[1..].chunks(size).collect();
                    let last = chunks.len() - 1;
                    for (n, chunk) in chunks.iter().enumerate() {
                        let start = u8::from(n == 0) << 7 | u8::from(n == last) << 6;
                        // A fragment that is start and end at once is not allowed (5.8).
                        if last == 0 {
                            payloads.push(nal.clone());
                        } else {
                            let mut payload = vec![nal[0] & 0xe0 | 28, start | nal[0] & 0x1f];
                            payload.extend_from_slice(chunk);
                            payloads.push(payload);
                        }
                    }
                    rest = after;
                }
                1 => {
                    let count = (1 + input.below(4)).min(rest.len());
                    let mut payload = vec![24];
                    for nal in &rest[..count] {
                        payload.extend_from_slice(&(nal.len() as u16).to_be_bytes());
                        payload.extend_from_slice(nal);
                    }
                    payloads.push(payload);
                    rest = &rest[count..];
                }
                _ => {
                    payloads.push(nal.clone());
                    rest = after;
                }
            }
        }
        payloads
    }

    /// The slices of each unit that has some.
    fn slices(units: &[Vec<Vec<u8>>]) -> Vec<Vec<&Vec<u8>>> {
        let of = |unit: &Vec<Vec<u8>>| -> bool { unit.iter().any(|nal| nal_type(nal) == 1) };
        let units = units.iter().filter(|unit| of(unit));
        units
            .map(|unit| unit.iter().filter(|nal| nal_type(nal) == 1).collect())
            .collect()
    }

    /// What is packetized comes back as it was; where packets are lost, or come late within the wait, no
    /// unit is wrong and what is missing is counted.
    pub fn rtp_round(data: &[u8]) {
        let mut input = Input::new(data);
        let (swap, lose) = (usize::from(input.u8()), usize::from(input.u8()));
        let mut packets = Vec::new();
        let mut expected = Vec::new();
        for n in 0..12_u32 {
            if input.is_empty() {
                break;
            }
            let nals: Vec<Vec<u8>> = (0..1 + input.below(4))
                .map(|i| {
                    // Parameter sets first, then slices; the first slice starts the picture.
                    let head = match i {
                        0 => [0x67, 0x80],
                        1 => [0x41, 0x80],
                        _ => [0x41, 0x40],
                    };
                    as_nal(&[&head, input.bytes()].concat())
                })
                .collect();
            let payloads = packetize(&nals, &mut input);
            let last = payloads.len() - 1;
            for (i, payload) in payloads.into_iter().enumerate() {
                packets.push(Packet {
                    seq: packets.len() as u64 + 100,
                    rtp_time: n * 3000,
                    marker: i == last,
                    payload: payload.into(),
                    at: MonoTime::ZERO,
                });
            }
            expected.push(nals);
        }
        let count = packets.len();
        let lost = (lose > 0 && count > 0).then(|| lose % count);
        if let Some(at) = lost {
            packets.remove(at);
        }
        if swap > 0 && packets.len() > 1 {
            let at = swap % (packets.len() - 1);
            packets.swap(at, at + 1);
        }
        let first_swapped = swap > 0 && packets.len() > 1 && swap % (packets.len() - 1) == 0;
        let mut reorder = Reorder::default();
        let mut depacketizer = Depacketizer::default();
        let mut units = Vec::new();
        for (n, packet) in packets.into_iter().enumerate() {
            let now = MonoTime::from_micros(n as u64 * 500);
            reorder.push(Packet { at: now, ..packet });
            while let Some(packet) = reorder.pop(now) {
                depacketizer.push(&packet, &mut units);
            }
        }
        while let Some(packet) = reorder.pop(MonoTime::from_micros(1 << 40)) {
            depacketizer.push(&packet, &mut units);
        }
        let got: Vec<_> = units.into_iter().map(|unit| unit.nal_units).collect();
        if lost.is_none() && !first_swapped {
            assert_eq!(got, expected);
            assert_eq!(depacketizer.damaged(), 0);
        } else {
            // A parameter set alone may be missing: nothing tells, and the slices are what counts.
            let (got, expected) = (slices(&got), slices(&expected));
            assert!(is_part_of(&got, &expected), "a unit that nobody sent");
            let missing = expected.len() - got.len();
            assert!(missing <= 2, "one packet cost {missing} units");
        }
    }
}
