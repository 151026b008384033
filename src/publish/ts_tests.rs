//! Tests of the MPEG-TS demultiplexer: against the real ffmpeg, and against anything at all.

use super::*;
use crate::relay::slice_hash;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every ffmpeg at hand: `FFMPEG_BIN` (several with the path separator) and the one in PATH.
pub(crate) fn ffmpegs() -> Vec<PathBuf> {
    let named = std::env::var_os("FFMPEG_BIN").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|p| !p.as_os_str().is_empty())
        .collect();
    found.push("ffmpeg".into());
    found.retain(|bin| {
        let ok = Command::new(bin).arg("-version").output().is_ok();
        if !ok {
            eprintln!("skipped: {} does not run", bin.display());
        }
        ok
    });
    found
}

/// The same encode as Annex B, as its Opus packets and as MPEG-TS with `ts_args`.
struct Encode {
    h264: Vec<u8>,
    opus: Vec<Vec<u8>>,
    ts: Vec<u8>,
}

pub(crate) fn ffmpeg(bin: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new(bin)
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Three seconds of 360p30 and of a tone, one slice a picture, as a Matroska file in `dir`.
pub(crate) fn encode_mkv(bin: &Path, bitrate: &str, dir: &Path) -> String {
    let mkv = dir.join("encode.mkv").to_str().unwrap().to_owned();
    let video = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=30:duration=3",
    ];
    let audio = ["-f", "lavfi", "-i", "sine=duration=3:sample_rate=48000"];
    let codecs = [
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-profile:v",
        "baseline",
        "-tune",
        "zerolatency",
        "-x264-params",
        "sliced-threads=0",
        "-g",
        "30",
        "-b:v",
        bitrate,
        "-c:a",
        "libopus",
        "-frame_duration",
        "10",
        &mkv,
    ];
    ffmpeg(bin, &[&video[..], &audio, &codecs].concat());
    mkv
}

fn encode(bin: &Path, bitrate: &str, ts_args: &[&str]) -> Encode {
    let dir = tempfile::tempdir().unwrap();
    let mkv = &encode_mkv(bin, bitrate, dir.path());
    let copied = |map, format| {
        let args = ["-i", mkv, "-map", map, "-c", "copy", "-f", format, "pipe:1"];
        ffmpeg(bin, &args)
    };
    let mut rest = &copied("0:a", "data")[..];
    let listing = String::from_utf8(copied("0:a", "framecrc")).unwrap();
    let opus = listing
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let size: usize = line.split(',').nth(4).unwrap().trim().parse().unwrap();
            let (packet, after) = rest.split_at(size);
            rest = after;
            packet.to_vec()
        })
        .collect();
    let head = ["-i", mkv, "-map", "0", "-c", "copy"];
    let tail = ["-f", "mpegts", "pipe:1"];
    Encode {
        h264: copied("0:v", "h264"),
        opus,
        ts: ffmpeg(bin, &[&head[..], ts_args, &tail].concat()),
    }
}

/// Hashes of the pictures of an elementary stream with one slice a picture.
pub(crate) fn hashes(annexb: &[u8]) -> Vec<u64> {
    nal_units(annexb)
        .filter(|nal| matches!(nal[0] & 0x1f, 1 | 5))
        .map(|nal| slice_hash([nal]))
        .collect()
}

fn demux(ts: &[u8], step: usize) -> (Vec<ArrivalEvent>, u64) {
    let mut demux = TsDemux::new();
    let mut events = Vec::new();
    let mut read = 0;
    for block in ts.chunks(step) {
        read += block.len();
        demux.feed(block, MonoTime::from_micros(read as u64), &mut events);
    }
    demux.finish(MonoTime::from_micros(read as u64 + 1), &mut events);
    (events, demux.damaged())
}

fn videos(events: &[ArrivalEvent]) -> Vec<Arrival> {
    events
        .iter()
        .filter_map(|event| match event {
            ArrivalEvent::Video(arrival) => Some(*arrival),
            _ => None,
        })
        .collect()
}

fn sounds(events: &[ArrivalEvent]) -> Vec<u64> {
    events
        .iter()
        .filter_map(|event| match event {
            ArrivalEvent::Audio { hash, .. } => Some(*hash),
            _ => None,
        })
        .collect()
}

pub(crate) const LOW_LATENCY: [&str; 4] = ["-omit_video_pes_length", "0", "-pes_payload_size", "0"];

#[test]
fn every_access_unit_of_the_real_ffmpeg() {
    for bin in ffmpegs() {
        // The second one has key frames beyond 64 KiB: those leave the length out in any case.
        for (bitrate, args) in [
            ("1M", &LOW_LATENCY[..]),
            ("20M", &LOW_LATENCY[..]),
            ("1M", &[]),
        ] {
            let made = encode(&bin, bitrate, args);
            let wanted = hashes(&made.h264);
            assert_eq!(wanted.len(), 90, "one slice a picture");
            for step in [1, 188, 1316, 4096] {
                let (events, damaged) = demux(&made.ts, step);
                let units = videos(&events);
                let got: Vec<u64> = units.iter().map(|unit| unit.hash).collect();
                assert_eq!(got, wanted, "{} {args:?} step {step}", bin.display());
                assert_eq!(units.iter().filter(|unit| unit.idr).count(), 3);
                let packets: Vec<u64> = made.opus.iter().map(|p| opus_hash(p)).collect();
                assert!(packets.len() > 290);
                assert_eq!(sounds(&events), packets, "{} step {step}", bin.display());
                assert_eq!(damaged, 0);
            }
        }
    }
}

/// Where, in bytes from the start, the last packet of each access unit ends.
fn ends_of_video(ts: &[u8]) -> Vec<u64> {
    let mut ends = Vec::new();
    let mut last = None;
    for (i, packet) in ts.chunks(PACKET).enumerate() {
        let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        if pid == 0x100 {
            if packet[1] & 0x40 != 0 {
                ends.extend(last);
            }
            last = Some(((i + 1) * PACKET) as u64);
        }
    }
    ends.extend(last);
    ends
}

#[test]
fn a_unit_with_a_length_is_out_with_its_last_byte() {
    for bin in ffmpegs() {
        let made = encode(&bin, "1M", &LOW_LATENCY);
        let (events, _) = demux(&made.ts, PACKET);
        let at: Vec<u64> = videos(&events).iter().map(|u| u.at.as_micros()).collect();
        assert_eq!(at, ends_of_video(&made.ts), "{}", bin.display());
        // Without the option each unit waits for the next one's first packet.
        let made = encode(&bin, "1M", &[]);
        let (events, _) = demux(&made.ts, PACKET);
        let units = videos(&events);
        for (unit, end) in units.iter().zip(ends_of_video(&made.ts)) {
            assert!(unit.at.as_micros() > end);
        }
    }
}

#[test]
fn a_missing_packet_costs_its_unit_and_no_other() {
    for bin in ffmpegs() {
        let made = encode(&bin, "1M", &LOW_LATENCY);
        let wanted = hashes(&made.h264);
        // A packet from the middle of a picture: of the video, not its unit's first.
        let victim = made
            .ts
            .chunks(PACKET)
            .enumerate()
            .skip(200)
            .find(|(_, p)| p[1] & 0x5f == 0x01 && p[2] == 0)
            .unwrap()
            .0;
        let mut ts = made.ts.clone();
        ts.drain(victim * PACKET..(victim + 1) * PACKET);
        let (events, damaged) = demux(&ts, 1316);
        let got: Vec<u64> = videos(&events).iter().map(|unit| unit.hash).collect();
        assert_eq!(damaged, 1);
        assert_eq!(got.len(), wanted.len() - 1);
        assert!(got.iter().all(|hash| wanted.contains(hash)));
        // Garbage between two packets costs nothing that was whole.
        let mut ts = made.ts.clone();
        ts.splice(victim * PACKET..victim * PACKET, [1, 2, SYNC, 4, 5]);
        let (events, damaged) = demux(&ts, 1000);
        assert_eq!((videos(&events).len(), damaged), (90, 0));
    }
}

#[test]
fn opus_control_headers() {
    // Size 255 + 1 with both trims and an extension of one byte, then a bare packet of two bytes.
    let mut pes = vec![0x7f, 0xfc, 0xff, 0x01, 0, 1, 0, 2, 1, 9];
    pes.extend([7; 256]);
    pes.extend([0x7f, 0xe0, 2, 5, 6]);
    let packets = opus_packets(&pes).unwrap();
    assert_eq!(packets, [&[7_u8; 256][..], &[5, 6]]);
    assert_eq!(opus_packets(&pes[..pes.len() - 1]), None);
    assert_eq!(opus_packets(&[0x7f, 0x00, 0]), None);
}

/// The PAT and PMT that ffmpeg writes: H.264 on PID 0x100, Opus on PID 0x101.
fn tables() -> Vec<u8> {
    let pat = "474000100000b00d0001c100000001f0002ab104b2";
    let pmt = "475000100002b0210001c10000e100f0001be100f00006e101f00a05044f7075737f028001a3ea4534";
    let packet = |hex: &str| {
        let mut bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
            .collect();
        bytes.resize(PACKET, 0xff);
        bytes
    };
    [packet(pat), packet(pmt)].concat()
}

fn packet_like() -> impl Strategy<Value = Vec<u8>> {
    let head = (0_u8..4, any::<u8>(), any::<u8>(), 0_u8..20);
    (head, prop::collection::vec(any::<u8>(), PACKET)).prop_map(
        |((kind, flags, counter, at), mut p)| {
            p[0] = SYNC;
            p[1] = flags & 0x40 | u8::from(kind > 1);
            p[2] = u8::from(kind == 3);
            p[3] = 0x10 | counter & 0x2f;
            p[4] = if at < 10 { at } else { p[4] };
            let start = 4 + usize::from(at);
            p[start..start + 9].copy_from_slice(&[0, 0, 1, 0xe0, 0, counter, 0x80, 0, at]);
            p
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        packets in prop::collection::vec(packet_like(), 0..40),
        step in 1_usize..700,
    ) {
        // Tables first, so that what follows reaches the PES parser.
        let mut ts = tables();
        ts.extend(packets.concat());
        ts.extend(&bytes);
        let (events, _) = demux(&ts, step);
        let (whole, _) = demux(&ts, ts.len());
        prop_assert_eq!(videos(&events).len(), videos(&whole).len());
        prop_assert_eq!(sounds(&events), sounds(&whole));
        demux(&bytes, step);
    }
}
