//! Knocks at a receiver's door four times a second, before, while and after it has the stream: is
//! anybody there?
//!
//! Owns the thread `pd-knock`, which ends with this; nobody waits for it. Only the newest answer is
//! kept. SRT is asked by the first half of its handshake ([`ping`]), which leaves nothing behind in
//! the listener; the others by a TCP connection that is closed at once.

use crate::panics;
use crate::publish::{PingError, ping};
use crate::stop::StopToken;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// From one knock to the next.
const EVERY: Duration = Duration::from_millis(250);
/// Longest wait for an answer: two requests of SRT's, one of which may be lost.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many knocks without an answer are silence; at a lossy door one or two mean nothing.
const SILENT_AFTER: u32 = 4;
/// So many closed doors are no accident of a restart.
const CLOSED_AFTER: u32 = 2;

/// What there is to knock at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// An SRT listener.
    Srt(SocketAddr),
    /// A TCP port.
    Tcp(SocketAddr),
}

/// What knocking has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Not enough knocks yet.
    #[default]
    Unknown,
    /// Somebody is there.
    Open,
    /// The machine says that nobody listens there.
    Closed,
    /// No word: nobody there, no way there, or a firewall that lets no ping through.
    Silent,
}

/// What one knock brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// Somebody is there.
    Answered,
    /// The machine says that nobody listens.
    Refused,
    /// No word.
    Nothing,
}

/// Several knocks make an answer. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judge {
    answer: Answer,
    refused: u32,
    nothing: u32,
}

impl Judge {
    /// One knock more; what all of them have brought.
    pub fn add(&mut self, knock: Knock) -> Answer {
        match knock {
            Knock::Answered => *self = Self::default(),
            Knock::Refused => (self.refused, self.nothing) = (self.refused + 1, 0),
            Knock::Nothing => (self.nothing, self.refused) = (self.nothing + 1, 0),
        }
        if knock == Knock::Answered {
            self.answer = Answer::Open;
        } else if self.refused >= CLOSED_AFTER {
            self.answer = Answer::Closed;
        } else if self.nothing >= SILENT_AFTER {
            self.answer = Answer::Silent;
        }
        self.answer
    }
}

/// The way's length by the last answers: the fastest of them, since a busy machine makes most of them
/// slow for a while and nothing makes one fast. Pure.
#[derive(Clone, Debug, Default)]
pub struct RoundTrips(VecDeque<f64>);

/// Answers that count: ten seconds of them.
const ROUND_TRIPS: usize = 40;
/// Of fewer nothing is known.
const ENOUGH: usize = 8;

impl RoundTrips {
    /// One more answer, after so many ms.
    pub fn add(&mut self, ms: f64) {
        self.0.push_back(ms);
        if self.0.len() > ROUND_TRIPS {
            self.0.pop_front();
        }
    }

    /// ms; None of too few.
    pub fn fastest_ms(&self) -> Option<f64> {
        let enough = self.0.len() >= ENOUGH;
        let fastest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        enough.then_some(fastest)
    }
}

/// A running one.
pub struct Knocker {
    stop: StopToken,
    answer: Arc<AtomicU32>,
    /// Microseconds; 0 is not known.
    fastest_us: Arc<AtomicU32>,
}

impl Knocker {
    /// Starts knocking.
    pub fn start(door: Door) -> Self {
        let knocker = Self {
            stop: StopToken::new(),
            answer: Arc::default(),
            fastest_us: Arc::default(),
        };
        let (stop, out) = (knocker.stop.clone(), knocker.answer.clone());
        let fastest = knocker.fastest_us.clone();
        let started = std::thread::Builder::new()
            .name("pd-knock".into())
            .spawn(move || {
                let (mut judge, mut trips) = (Judge::default(), RoundTrips::default());
                panics::go_on(
                    &stop,
                    |_| {},
                    || {
                        while !stop.is_stopped() {
                            let began = Instant::now();
                            let (knock, ms) = knock(door);
                            out.store(judge.add(knock) as u32, Ordering::Relaxed);
                            ms.into_iter().for_each(|ms| trips.add(ms));
                            if let Some(ms) = trips.fastest_ms() {
                                let us = (ms * 1000.0).ceil().max(1.0) as u32;
                                fastest.store(us, Ordering::Relaxed);
                            }
                            stop.sleep(EVERY.saturating_sub(began.elapsed()));
                        }
                    },
                );
            });
        if let Err(error) = started {
            tracing::error!("no thread to knock at {door:?}: {error}");
        }
        knocker
    }

    /// What knocking has brought so far.
    pub fn answer(&self) -> Answer {
        match self.answer.load(Ordering::Relaxed) {
            a if a == Answer::Open as u32 => Answer::Open,
            a if a == Answer::Closed as u32 => Answer::Closed,
            a if a == Answer::Silent as u32 => Answer::Silent,
            _ => Answer::Unknown,
        }
    }
}

impl Knocker {
    /// Round trip of the last ten seconds' fastest answer over SRT, ms; None where that is not known.
    pub fn round_trip_ms(&self) -> Option<f64> {
        let us = self.fastest_us.load(Ordering::Relaxed);
        (us > 0).then(|| f64::from(us) / 1000.0)
    }
}

impl Drop for Knocker {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// What it brought, and over SRT after how many ms.
fn knock(door: Door) -> (Knock, Option<f64>) {
    match door {
        Door::Srt(address) => match ping(address, PATIENCE) {
            Ok(pong) => (Knock::Answered, Some(pong.round_trip_ms)),
            Err(PingError::Closed { .. }) => (Knock::Refused, None),
            Err(_) => (Knock::Nothing, None),
        },
        Door::Tcp(address) => match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => (Knock::Answered, None),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                (Knock::Refused, None)
            }
            Err(_) => (Knock::Nothing, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn one_lost_knock_says_nothing() {
        let mut judge = Judge::default();
        assert_eq!(judge.add(Knock::Nothing), Answer::Unknown);
        assert_eq!(judge.add(Knock::Answered), Answer::Open);
        for _ in 1..SILENT_AFTER {
            assert_eq!(judge.add(Knock::Nothing), Answer::Open);
        }
        assert_eq!(judge.add(Knock::Nothing), Answer::Silent);
        assert_eq!(judge.add(Knock::Answered), Answer::Open);
        assert_eq!(judge.add(Knock::Refused), Answer::Open);
        assert_eq!(judge.add(Knock::Refused), Answer::Closed);
        assert_eq!(judge.add(Knock::Nothing), Answer::Closed);
    }

    #[test]
    fn a_busy_minute_does_not_make_the_way_longer() {
        let mut trips = RoundTrips::default();
        for ms in [114.0, 90.0, 1.4, 70.0, 300.0, 88.0, 95.0] {
            trips.add(ms);
            assert_eq!(trips.fastest_ms(), None);
        }
        trips.add(99.0);
        assert_eq!(trips.fastest_ms(), Some(1.4));
        // Another way, which really is longer, is known after ten seconds.
        for _ in 0..ROUND_TRIPS {
            trips.add(40.0);
        }
        assert_eq!(trips.fastest_ms(), Some(40.0));
    }

    fn wait(knocker: &Knocker, answer: Answer) {
        let until = Instant::now() + Duration::from_secs(5);
        while knocker.answer() != answer {
            assert!(Instant::now() < until, "{:?}", knocker.answer());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_door_that_opens_and_closes_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let knocker = Knocker::start(Door::Tcp(address));
        wait(&knocker, Answer::Open);
        drop(listener);
        wait(&knocker, Answer::Closed);
        let _listener = TcpListener::bind(address).unwrap();
        wait(&knocker, Answer::Open);
    }

    #[cfg(unix)]
    #[test]
    fn an_srt_port_that_nobody_has_is_closed() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        wait(&Knocker::start(Door::Srt(address)), Answer::Closed);
    }
}
