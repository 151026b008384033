//! Knocks at a receiver's door four times a second, before, while and after it has the stream: is
//! anybody there?
//!
//! Owns the thread `pd-knock`, which ends with this; nobody waits for it. Only the newest answer is
//! kept. SRT is asked by the first half of its handshake ([`ping`]), which leaves nothing behind in
//! the listener; the others by a TCP connection that is closed at once.

use crate::panics;
use crate::publish::{PingError, ping};
use crate::stop::StopToken;
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

/// A running one.
pub struct Knocker {
    stop: StopToken,
    answer: Arc<AtomicU32>,
}

impl Knocker {
    /// Starts knocking.
    pub fn start(door: Door) -> Self {
        let knocker = Self {
            stop: StopToken::new(),
            answer: Arc::default(),
        };
        let (stop, out) = (knocker.stop.clone(), knocker.answer.clone());
        let started = std::thread::Builder::new()
            .name("pd-knock".into())
            .spawn(move || {
                let mut judge = Judge::default();
                panics::go_on(
                    &stop,
                    |_| {},
                    || {
                        while !stop.is_stopped() {
                            let began = Instant::now();
                            out.store(judge.add(knock(door)) as u32, Ordering::Relaxed);
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

impl Drop for Knocker {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn knock(door: Door) -> Knock {
    match door {
        Door::Srt(address) => match ping(address, PATIENCE) {
            Ok(_) => Knock::Answered,
            Err(PingError::Closed { .. }) => Knock::Refused,
            Err(_) => Knock::Nothing,
        },
        Door::Tcp(address) => match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => Knock::Answered,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Knock::Refused,
            Err(_) => Knock::Nothing,
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
