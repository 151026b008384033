//! A bad network on loopback: a UDP relay with a bottleneck's rate and queue, loss and delay, each
//! to be set while packets flow. Its losses are the same in every run (a seeded generator).
//!
//! Towards the server a packet waits for the bottleneck and may be lost; both ways it is delayed.
//! Each direction of a flow has a thread that reads and one that sends in time. What does not fit
//! into the bottleneck's queue is dropped, as routers do.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the link does to packets.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The bottleneck's rate towards the server, kb/s with IP and UDP headers; None is no bottleneck.
    pub rate_kbps: Option<u32>,
    /// The bottleneck's queue: a packet that would wait longer is dropped.
    pub queue: Duration,
    /// Of 1000 packets towards the server so many are lost by chance.
    pub loss_permille: u32,
    /// Added each way.
    pub delay: Duration,
}

impl Terms {
    /// As loopback is.
    pub const GOOD: Self = Self {
        rate_kbps: None,
        queue: Duration::from_millis(250),
        loss_permille: 0,
        delay: Duration::ZERO,
    };

    /// As if the cable were out, to the server's side and back.
    pub const PULLED: Self = Self {
        loss_permille: 1000,
        ..Self::GOOD
    };

    /// With a bottleneck of this rate.
    pub fn rate(self, kbps: u32) -> Self {
        Self {
            rate_kbps: Some(kbps),
            ..self
        }
    }
}

/// A running link. Ends with its drop.
pub struct Link {
    /// Where callers reach the server, on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    terms: Mutex<Terms>,
    /// So many callers' conclusions of a handshake are lost from now on.
    lost_conclusions: AtomicU32,
    stop: AtomicBool,
    passed: AtomicU64,
    lost: AtomicU64,
}

/// A packet and when it is to be sent on.
struct Due {
    at: Instant,
    socket: Arc<UdpSocket>,
    /// Where the socket is not connected.
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
}

/// IPv4 and UDP.
const HEADERS: usize = 28;
/// More than any queue here holds.
const WAITING: usize = 8192;
const LOOK: Duration = Duration::from_millis(100);
/// A flow in which the server has said nothing for so long is over, with its two threads. Each look at a
/// server (the console's knocks: 4 a second) is a flow of its own; SRT takes 5 s of silence for the end.
const OVER_AFTER: Duration = Duration::from_secs(10);

impl Link {
    /// A good link to the server's UDP port on 127.0.0.1.
    pub fn start(server_port: u16) -> Self {
        let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
        outside.set_read_timeout(Some(LOOK)).unwrap();
        let port = outside.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            terms: Mutex::new(Terms::GOOD),
            lost_conclusions: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let (due_in, due) = sync_channel(WAITING);
        let reader = shared.clone();
        let threads = vec![
            std::thread::spawn(move || forward(&Arc::new(outside), server_port, &reader, &due_in)),
            std::thread::spawn(move || send_in_time(&due)),
        ];
        Self {
            port,
            shared,
            threads,
        }
    }

    /// From the next packet on.
    pub fn set(&self, terms: Terms) {
        *self.shared.terms.lock().unwrap() = terms;
    }

    /// Has the next `count` second packets of SRT callers' handshakes be lost; a caller repeats one after
    /// 250 ms (libsrt). A console's knock does not get so far.
    pub fn lose_conclusions(&self, count: u32) {
        self.shared.lost_conclusions.store(count, Ordering::Relaxed);
    }

    /// Those that are yet to be lost.
    pub fn conclusions_to_lose(&self) -> u32 {
        self.shared.lost_conclusions.load(Ordering::Relaxed)
    }

    /// Packets towards the server so far: passed on, and lost (by chance or by the full queue).
    pub fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.shared.passed), read(&self.shared.lost))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn forward(
    outside: &Arc<UdpSocket>,
    server_port: u16,
    shared: &Arc<Shared>,
    due: &SyncSender<Due>,
) {
    let mut flows: HashMap<SocketAddr, (Arc<UdpSocket>, JoinHandle<()>)> = HashMap::new();
    let (mut buffer, mut chance) = ([0; 2048], 0x9E37_79B9_7F4A_7C15_u64);
    let mut free_at = Instant::now();
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = outside.recv_from(&mut buffer) else {
            continue;
        };
        let now = Instant::now();
        if !flows.contains_key(&from) {
            flows.retain(|_, (_, back)| !back.is_finished());
        }
        let (socket, _) = flows.entry(from).or_insert_with(|| {
            let inside = UdpSocket::bind("127.0.0.1:0").unwrap();
            inside.connect(("127.0.0.1", server_port)).unwrap();
            inside.set_read_timeout(Some(LOOK)).unwrap();
            let inside = Arc::new(inside);
            let (read, outside, shared) = (inside.clone(), outside.clone(), shared.clone());
            let back = std::thread::spawn(move || back(&read, &outside, from, &shared));
            (inside, back)
        });
        let terms = *shared.terms.lock().unwrap();
        // xorshift64.
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let mut is_lost = chance % 1000 < u64::from(terms.loss_permille);
        let left = shared.lost_conclusions.load(Ordering::Relaxed);
        if left > 0 && is_conclusion(&buffer[..length]) {
            shared.lost_conclusions.store(left - 1, Ordering::Relaxed);
            is_lost = true;
        }
        let mut at = now;
        if let Some(kbps) = terms.rate_kbps.filter(|_| !is_lost) {
            let bits = (length + HEADERS) as u64 * 8;
            let takes = Duration::from_micros(bits * 1000 / u64::from(kbps.max(1)));
            let begins = free_at.max(now);
            is_lost = begins - now > terms.queue;
            if !is_lost {
                free_at = begins + takes;
                at = free_at;
            }
        }
        let count = if is_lost {
            &shared.lost
        } else {
            &shared.passed
        };
        count.fetch_add(1, Ordering::Relaxed);
        if !is_lost {
            let _ = due.try_send(Due {
                at: at + terms.delay,
                socket: socket.clone(),
                to: None,
                bytes: buffer[..length].to_vec(),
            });
        }
    }
    for (_, back) in flows.into_values() {
        let _ = back.join();
    }
}

/// A control packet of type 0 whose handshake is of type -1 (draft-sharabayko-srt-01, 3.2.1).
fn is_conclusion(packet: &[u8]) -> bool {
    packet.starts_with(&[0x80, 0]) && packet.get(36..40) == Some(&[0xFF; 4])
}

/// From the server to one caller.
fn back(inside: &UdpSocket, outside: &Arc<UdpSocket>, to: SocketAddr, shared: &Shared) {
    std::thread::scope(|scope| {
        let (due_in, due) = sync_channel(WAITING);
        scope.spawn(move || send_in_time(&due));
        let (mut buffer, mut heard) = ([0; 2048], Instant::now());
        while !shared.stop.load(Ordering::Relaxed) && heard.elapsed() < OVER_AFTER {
            if let Ok(length) = inside.recv(&mut buffer) {
                heard = Instant::now();
                let terms = *shared.terms.lock().unwrap();
                // Chance takes only what goes to the server; a pulled cable takes both ways.
                if terms.loss_permille >= 1000 {
                    continue;
                }
                let delay = terms.delay;
                let _ = due_in.try_send(Due {
                    at: Instant::now() + delay,
                    socket: outside.clone(),
                    to: Some(to),
                    bytes: buffer[..length].to_vec(),
                });
            }
        }
        drop(due_in);
    });
}

/// In the order of their coming, until the other end is gone.
fn send_in_time(due: &Receiver<Due>) {
    while let Ok(packet) = due.recv() {
        std::thread::sleep(packet.at.saturating_duration_since(Instant::now()));
        // A refused packet (nobody listens any more) is as lost as on any network.
        let _ = match packet.to {
            Some(to) => packet.socket.send_to(&packet.bytes, to),
            None => packet.socket.send(&packet.bytes),
        };
    }
}
