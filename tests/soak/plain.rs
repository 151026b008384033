//! The receiver where there is no MediaMTX: an ffmpeg that listens for an SRT caller and hands on what comes byte for
//! byte, started anew whenever its caller has gone; and what is read of it here: when pictures come, how late they are.
//!
//! One thread a receiver starts the ffmpeg and reads its output. It keeps the last five minutes of pictures' times, and
//! the bytes only while somebody reads.

use super::receiver::Reading;
use super::show::Times;
use crate::common::stream::Stream;
use crate::common::{free_udp_port, wait_until};
use std::collections::VecDeque;
use std::io::Read as _;
use std::net::UdpSocket;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A receiver that can be killed and be back.
pub struct Plain {
    /// SRT (UDP).
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What its thread and others have in common.
pub struct Shared {
    /// When pictures came.
    pub times: Times,
    /// Of the connection that there is.
    course: Mutex<Course>,
    /// Bytes since somebody asked for them, and their pictures.
    kept: Mutex<Option<(Vec<u8>, Vec<Picture>)>>,
    process: Mutex<Option<Child>>,
    is_wanted: AtomicBool,
    stop: AtomicBool,
}

#[derive(Clone, Copy)]
struct Picture {
    pts_s: f64,
    at: Instant,
}

/// How late pictures are against the fastest one of their connection: a stream's times count from its first picture.
#[derive(Default)]
struct Course {
    first: Option<Instant>,
    fastest_s: f64,
    last_s: VecDeque<f64>,
}

/// Two seconds of pictures.
const LOOKED_AT: usize = 60;

impl Plain {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let shared = Arc::new(Shared {
            times: Times::default(),
            course: Mutex::default(),
            kept: Mutex::default(),
            process: Mutex::default(),
            is_wanted: AtomicBool::new(true),
            stop: AtomicBool::new(false),
        });
        let (port, of_thread) = (free_udp_port(), shared.clone());
        let receiver = Self {
            port,
            shared,
            thread: Some(std::thread::spawn(move || keep(port, &of_thread))),
        };
        receiver.wait();
        receiver
    }

    /// kill -9.
    pub fn kill(&self) {
        self.shared.is_wanted.store(false, Ordering::Relaxed);
        self.shared.kill();
    }

    /// Starts it again on the same port.
    pub fn back(&self) {
        self.shared.is_wanted.store(true, Ordering::Relaxed);
        self.wait();
    }

    /// What is read of it.
    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// What comes in so many seconds.
    ///
    /// # Errors
    /// No whole picture came.
    pub fn read(&self, time: Duration) -> Result<Reading, String> {
        *self.shared.kept.lock().unwrap() = Some(Default::default());
        std::thread::sleep(time);
        let kept = self.shared.kept.lock().unwrap().take();
        let (bytes, pictures) = kept.unwrap_or_default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read.ts");
        std::fs::write(&path, from_a_key(&bytes)?).unwrap();
        let arrivals = pictures.iter().map(|p| (p.pts_s, p.at)).collect();
        Ok(Reading {
            stream: Stream::at(path, folder),
            arrivals,
        })
    }

    fn wait(&self) {
        let listens = || UdpSocket::bind(("127.0.0.1", self.port)).is_err();
        assert!(wait_until(Duration::from_secs(10), listens), "no receiver");
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.kill();
        let _ = self.thread.take().unwrap().join();
    }
}

impl Shared {
    /// How much later than the connection's fastest picture those of the last two seconds came, median, ms.
    pub fn late_ms(&self) -> Option<f64> {
        let course = self.course.lock().unwrap();
        let late: Vec<f64> = course
            .last_s
            .iter()
            .map(|s| (s - course.fastest_s) * 1e3)
            .collect();
        super::judge::median(&late)
    }

    fn kill(&self) {
        if let Some(process) = &mut *self.process.lock().unwrap() {
            let _ = process.kill();
        }
    }

    fn picture(&self, pts_s: f64, at: Instant) {
        super::show::push(&self.times, at);
        let mut course = self.course.lock().unwrap();
        let first = *course.first.get_or_insert(at);
        let taken_s = (at - first).as_secs_f64() - pts_s;
        course.fastest_s = match course.last_s.len() {
            0 => taken_s,
            _ => course.fastest_s.min(taken_s),
        };
        if course.last_s.len() == LOOKED_AT {
            course.last_s.pop_front();
        }
        course.last_s.push_back(taken_s);
    }
}

/// An ffmpeg takes one caller and ends with it: there is always another.
fn keep(port: u16, shared: &Shared) {
    while !shared.stop.load(Ordering::Relaxed) {
        if !shared.is_wanted.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let mut child = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-mode", "listener"])
            // What a server has at least; and a sender that is gone without a word is not waited for.
            .args(["-latency", "120000", "-timeout", "2000000"])
            .args(["-f", "data", "-i", &format!("srt://127.0.0.1:{port}")])
            .args(["-map", "0", "-c", "copy", "-flush_packets", "1"])
            .args(["-f", "data", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        *shared.process.lock().unwrap() = Some(child);
        // Who wanted an end meanwhile has found no process.
        if shared.stop.load(Ordering::Relaxed) || !shared.is_wanted.load(Ordering::Relaxed) {
            shared.kill();
        }
        hear(out, shared);
        shared.kill();
        if let Some(mut child) = shared.process.lock().unwrap().take() {
            let _ = child.wait();
        }
        *shared.course.lock().unwrap() = Course::default();
        // Where the port cannot be had it ends at once.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads to the end.
fn hear(mut out: ChildStdout, shared: &Shared) {
    let (mut block, mut rest) = (vec![0; 32 << 10], Vec::new());
    while let Ok(length @ 1..) = out.read(&mut block) {
        let at = Instant::now();
        rest.extend_from_slice(&block[..length]);
        let whole = rest.len() / PACKET * PACKET;
        let pictures: Vec<f64> = rest[..whole]
            .chunks_exact(PACKET)
            .filter_map(pts_s)
            .collect();
        for pts_s in &pictures {
            shared.picture(*pts_s, at);
        }
        if let Some((bytes, all)) = &mut *shared.kept.lock().unwrap() {
            bytes.extend_from_slice(&rest[..whole]);
            all.extend(pictures.iter().map(|pts_s| Picture { pts_s: *pts_s, at }));
        }
        rest.drain(..whole);
    }
}

/// Of a transport packet, bytes (ISO/IEC 13818-1, 2.4.3.2).
const PACKET: usize = 188;
/// The identifiers that ffmpeg's muxer gives.
const PMT: u16 = 0x1000;
const VIDEO: u16 = 0x100;
/// The standard's.
const PAT: u16 = 0;

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// A picture begins in it.
fn begins(packet: &[u8]) -> bool {
    packet[0] == 0x47 && pid(packet) == VIDEO && packet[1] & 0x40 != 0
}

/// The picture's time where one begins here (PES header, 2.4.3.7), s.
fn pts_s(packet: &[u8]) -> Option<f64> {
    if !begins(packet) {
        return None;
    }
    let after = match packet[3] & 0x20 {
        0 => 4,
        _ => 5 + usize::from(packet[4]),
    };
    let header = packet.get(after..after + 14)?;
    if header[..3] != [0, 0, 1] || header[7] & 0x80 == 0 {
        return None;
    }
    let part = |at: usize| u64::from(header[at]);
    let pts = (part(9) >> 1 & 7) << 30
        | part(10) << 22
        | (part(11) >> 1) << 15
        | part(12) << 7
        | part(13) >> 1;
    Some(pts as f64 / 90_000.0)
}

/// The tables, and the stream from a picture on with which decoding can begin, to the last one's end.
fn from_a_key(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let packets: Vec<&[u8]> = bytes.chunks_exact(PACKET).collect();
    // random_access_indicator of the adaptation field, 2.4.3.5.
    let is_key = |p: &&[u8]| begins(p) && p[3] & 0x20 != 0 && p[4] > 0 && p[5] & 0x40 != 0;
    let first = packets.iter().position(is_key);
    let last = packets.iter().rposition(|p| begins(p));
    let (Some(first), Some(last)) = (first, last) else {
        return Err("the receiver has no whole picture".into());
    };
    let table = |id: u16| packets.iter().find(|p| pid(p) == id);
    let tables = [PAT, PMT].into_iter().filter_map(table);
    let of_it = tables.chain(&packets[first..last.max(first)]);
    Ok(of_it.flat_map(|p| p.to_vec()).collect())
}
