//! SRT servers that misbehave: what a caller meets in the field and no real server does on demand.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the server does.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Has the port and says nothing.
    Mute,
    /// Answers each induction (so it answers a ping) and no conclusion.
    NeverTakes,
    /// Answers each induction, and the conclusion with "no", so long after it was first asked.
    RefusesAfter(Duration),
    /// Answers everything with bytes that are no SRT.
    Garbage,
}

/// What a caller said in its handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The stream id's bytes.
    pub stream_id: Vec<u8>,
    /// Latency that it asks for its receiving and for ours, ms.
    pub latency_ms: (u16, u16),
}

/// A running one.
pub struct Strange {
    /// Its port on loopback.
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Strange {
    /// Starts it.
    pub fn start(manner: Manner) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let wait = Some(Duration::from_millis(20));
        socket.set_read_timeout(wait).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let heard = calls.clone();
        let thread = std::thread::spawn(move || {
            let (mut packet, mut first) = ([0; 1500], None);
            while !asked.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else {
                    continue;
                };
                let asked = &packet[..length];
                heard.lock().unwrap().extend(call(asked));
                let answer = match manner {
                    Manner::Mute => None,
                    Manner::Garbage => Some(vec![0x5a; 64]),
                    Manner::NeverTakes => induction(asked),
                    Manner::RefusesAfter(time) => induction(asked).or_else(|| {
                        let began = first.get_or_insert_with(Instant::now);
                        refusal(asked).filter(|_| began.elapsed() >= time)
                    }),
                };
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self {
            port,
            calls,
            stop,
            thread: Some(thread),
        }
    }

    /// What callers have said, each time that they said it.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Strange {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// draft-sharabayko-srt-01, section 3.2.1: the words of a handshake, behind a header of four.
const HANDSHAKE: u32 = 0x8000_0000;
const INDUCTION: u32 = 1;
const CONCLUSION: u32 = 0xffff_ffff;
/// SRT_REJ_PEER: "the peer rejected".
const REJECTED: u32 = 1002;

fn word(packet: &[u8], at: usize) -> u32 {
    let bytes = packet.get(at * 4..at * 4 + 4).unwrap_or_default();
    bytes.try_into().map_or(0, u32::from_be_bytes)
}

fn set(packet: &mut [u8], at: usize, word: u32) {
    packet[at * 4..at * 4 + 4].copy_from_slice(&word.to_be_bytes());
}

fn is(packet: &[u8], kind: u32) -> bool {
    packet.len() >= 64 && word(packet, 0) == HANDSHAKE && word(packet, 9) == kind
}

/// Version 5 with the magic code and a cookie, to the caller's socket.
fn induction(packet: &[u8]) -> Option<Vec<u8>> {
    is(packet, INDUCTION).then(|| {
        let mut answer = packet[..64].to_vec();
        set(&mut answer, 3, word(packet, 10));
        set(&mut answer, 4, 5);
        set(&mut answer, 5, 0x4a17);
        set(&mut answer, 11, 0xdead_beef);
        answer
    })
}

fn refusal(packet: &[u8]) -> Option<Vec<u8>> {
    is(packet, CONCLUSION).then(|| {
        let mut answer = packet[..64].to_vec();
        set(&mut answer, 3, word(packet, 10));
        set(&mut answer, 5, 0);
        set(&mut answer, 9, REJECTED);
        answer
    })
}

/// The extensions of a conclusion (3.2.1.1 and 3.2.1.3): the handshake's latencies, and the stream id, whose
/// bytes lie in words of the other order, filled up with zeros.
fn call(packet: &[u8]) -> Option<Call> {
    if !is(packet, CONCLUSION) {
        return None;
    }
    let mut call = Call::default();
    let mut rest = packet.get(64..)?;
    while rest.len() >= 4 {
        let kind = u16::from_be_bytes([rest[0], rest[1]]);
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]])) * 4;
        let content = rest.get(4..4 + length)?;
        match kind {
            1 => {
                let latency = word(content, 2);
                call.latency_ms = ((latency >> 16) as u16, latency as u16);
            }
            5 => {
                let words = content.as_chunks::<4>().0.iter();
                let mut id: Vec<u8> = words.flat_map(|w| w.iter().rev().copied()).collect();
                while id.last() == Some(&0) {
                    id.pop();
                }
                call.stream_id = id;
            }
            _ => {}
        }
        rest = &rest[4 + length..];
    }
    Some(call)
}
