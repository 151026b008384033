//! The probe's figure against one that shares nothing with it: tcpdump's, whose times are the kernel's.
//!
//! RTP headers are in the clear under SRTP (RFC 3711 3.1), so the kernel's time of each picture's last
//! packet towards the probe is known; the console's trace says when the probe had the picture whole.
//! RTP timestamps come from the capture times, so they also tell whether a picture that was found is
//! the right one.
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Plan, kill};
use common::server::OwnServer;
use common::{Killed, alone, are_installed, programs};
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What both figures may differ by, ms.
const AGREE_MS: f64 = 2.0;

/// A running tcpdump.
struct Tap {
    child: Killed,
    bytes: std::thread::JoinHandle<Vec<u8>>,
}

impl Tap {
    /// None, with a word, where it may not look.
    fn start() -> Option<Self> {
        if !are_installed(&["tcpdump"], "so nothing independent measures arrival") {
            return None;
        }
        let mut child = Command::new("tcpdump")
            .args(["-i", "lo", "-n", "-s", "96", "-B", "16384", "-U", "-w", "-"])
            .args(["--immediate-mode", "--time-stamp-precision=nano", "udp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let child = Killed(child);
        let bytes = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let mut said = String::new();
        for line in BufReader::new(err).lines() {
            said += &line.unwrap();
            if said.contains("listening on") {
                return Some(Self { child, bytes });
            }
        }
        println!("SKIPPED: tcpdump may not listen here: {said}");
        None
    }

    fn packets(mut self) -> Vec<Packet> {
        kill(self.child.0.id(), Signal::TERM);
        self.child.ends_within(Duration::from_secs(5)).unwrap();
        packets(&self.bytes.join().unwrap())
    }
}

/// An RTP packet's header, and when the kernel had it.
struct Packet {
    /// Wall clock, microseconds.
    at_us: f64,
    ssrc: u32,
    rtp_time: u32,
}

/// RTP packets of a capture file of nanoseconds (pcap-savefile(5)) with Ethernet headers, as loopback
/// has them.
fn packets(file: &[u8]) -> Vec<Packet> {
    let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((u32_at(0), u32_at(20) & 0xffff), (0xa1b2_3c4d, 1));
    let mut all = Vec::new();
    let mut at = 24;
    while at + 16 <= file.len() {
        let at_us = f64::from(u32_at(at)) * 1e6 + f64::from(u32_at(at + 4)) / 1e3;
        let length = u32_at(at + 8) as usize;
        let Some(frame) = file.get(at + 16..at + 16 + length) else {
            break;
        };
        at += 16 + length;
        all.extend(rtp(frame).map(|(ssrc, rtp_time)| Packet {
            at_us,
            ssrc,
            rtp_time,
        }));
    }
    all
}

/// SSRC and timestamp of an RTP packet in UDP over IPv4 (RFC 3550 5.1; what is no RTP: RFC 7983, 5761).
fn rtp(frame: &[u8]) -> Option<(u32, u32)> {
    let ip = frame.get(14..).filter(|ip| ip[0] >> 4 == 4)?;
    let udp = ip.get(usize::from(ip[0] & 15) * 4..)?;
    let rtp = udp.get(8..20)?;
    let is_rtp = rtp[0] >> 6 == 2 && !(192..=223).contains(&rtp[1]);
    let word = |at: usize| u32::from_be_bytes(rtp[at..at + 4].try_into().unwrap());
    is_rtp.then(|| (word(8), word(4)))
}

/// A frame as the console's trace has it; microseconds of CLOCK_MONOTONIC.
struct Row {
    captured_us: f64,
    arrived_us: f64,
    rtp_time: u32,
}

fn rows(trace: &str) -> Vec<Row> {
    let mut lines = trace.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let wanted = ["captured_us", "arrived_us", "rtp_time"].map(column);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [captured, arrived, rtp_time] = wanted.map(|at| fields[at]);
        Some(Row {
            captured_us: captured.parse().ok()?,
            arrived_us: arrived.parse().ok()?,
            rtp_time: rtp_time.parse().ok()?,
        })
    };
    lines.filter_map(row).collect()
}

/// Wall clock less CLOCK_MONOTONIC, microseconds.
fn wall_us() -> f64 {
    let read = |id| {
        let time = clock_gettime(id);
        time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
    };
    read(ClockId::Realtime) - read(ClockId::Monotonic)
}

fn percentile(ms: &mut [f64], share: f64) -> f64 {
    ms.sort_by(f64::total_cmp);
    ms[((ms.len() as f64 * share).ceil() as usize).clamp(1, ms.len()) - 1]
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_probe_agrees_with_the_kernel_within_2_ms() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let Some(tap) = Tap::start() else { return };
    let server = OwnServer::start(&program, "  all_others:\n");
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.csv");
    let words = format!(
        "live --defaults --source pattern --audio tone --json --seconds 6 {} --trace {}",
        server.words("target", "pd_c", server.srt),
        trace.display()
    );
    let before = wall_us();
    let ended = Plan::new(&ffmpeg, &words).run(Duration::from_secs(60));
    let after = wall_us();
    assert!(ended.status.success(), "{}", ended.stderr);
    let load = load();
    let packets = tap.packets();
    let all = rows(&std::fs::read_to_string(&trace).unwrap());
    assert!(all.len() > 120, "{} frames arrived", all.len());
    assert!((after - before).abs() < 500.0, "the wall clock was moved");
    let wall = (before + after) / 2.0;

    // Of each stream the last packet of each picture; the picture's stream is the one with most.
    let mut streams: HashMap<u32, HashMap<u32, f64>> = HashMap::new();
    for packet in packets {
        let stream = streams.entry(packet.ssrc).or_default();
        let last = stream.entry(packet.rtp_time).or_default();
        *last = last.max(packet.at_us - wall);
    }
    let known = |stream: &HashMap<u32, f64>| {
        all.iter()
            .filter(|row| stream.contains_key(&row.rtp_time))
            .count()
    };
    let kernel = streams.values().max_by_key(|stream| known(stream)).unwrap();
    let pairs: Vec<(&Row, f64)> = all
        .iter()
        .filter_map(|row| Some((row, *kernel.get(&row.rtp_time)?)))
        .collect();
    assert!(
        pairs.len() * 100 >= all.len() * 99,
        "{} of {} pictures were seen by tcpdump",
        pairs.len(),
        all.len()
    );
    let of = |ms: &dyn Fn(&(&Row, f64)) -> f64| pairs.iter().map(ms).collect::<Vec<_>>();
    let mut probe = of(&|(row, _)| (row.arrived_us - row.captured_us) / 1e3);
    let mut tcpdump = of(&|(row, at)| (at - row.captured_us) / 1e3);
    let mut apart = of(&|(row, at)| (row.arrived_us - at) / 1e3);
    let figures = [0.5, 0.95, 1.0]
        .map(|share| [&mut probe, &mut tcpdump, &mut apart].map(|ms| percentile(ms, share)));
    let [p50, p95, max] = figures;
    println!(
        "{} pictures, load {load}: capture to arrival p50 / p95 / max, ms: probe {:.2} / {:.2} / {:.2}, \
         tcpdump {:.2} / {:.2} / {:.2}; picture by picture {:.3} / {:.3} / {:.3} apart",
        pairs.len(),
        p50[0],
        p95[0],
        max[0],
        p50[1],
        p95[1],
        max[1],
        p50[2],
        p95[2],
        max[2]
    );
    assert!(
        percentile(&mut apart, 0.0) > -0.2,
        "a picture was whole before its last packet came"
    );
    assert!((p50[0] - p50[1]).abs() < AGREE_MS && p50[2] < AGREE_MS);
    // On a machine that others keep busy the probe's thread wakes late, as any viewer's would.
    let cores = std::thread::available_parallelism().unwrap().get();
    if load < 2.0 * cores as f64 {
        assert!((p95[0] - p95[1]).abs() < AGREE_MS);
    }

    // The right pictures: RTP timestamps move as the capture times do.
    let first = all[0].rtp_time;
    let rtp_ms = |row: &Row| f64::from(row.rtp_time.wrapping_sub(first)) / 90.0;
    let mut offsets = of(&|(row, _)| rtp_ms(row) - row.captured_us / 1e3);
    let middle = percentile(&mut offsets, 0.5);
    let wrong = offsets
        .iter()
        .filter(|o| (**o - middle).abs() > 5.0)
        .count();
    assert_eq!(wrong, 0, "pictures that were taken for others: {offsets:?}");
}
