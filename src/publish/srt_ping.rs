//! Whether an SRT listener answers, and how fast: the first step of the handshake alone.
//!
//! Runs on the caller's thread (preflight, a worker) and blocks for the given time at most. The
//! listener keeps no state for an induction request, so nothing has to be closed. Packets are built
//! and read by pure functions (draft-sharabayko-srt-01, sections 3 and 3.2.1).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Header (16) and handshake (48), bytes.
pub const PACKET_BYTES: usize = 64;
/// First word of a control packet of type HANDSHAKE: the F bit and type 0.
const HANDSHAKE: u32 = 0x8000_0000;
const INDUCTION: u32 = 1;
/// In the answer of a listener that knows SRT (HSv5): "SRT Magic Code".
const SRT_MAGIC: u16 = 0x4A17;
/// A ping this fast needs no second opinion, ms.
const SURELY_NEAR_MS: f64 = 2.0;
/// What an address has before the next of the same name.
const START: Duration = Duration::from_millis(50);
/// More addresses of a name are not asked.
const MOST_ASKED: usize = 6;
/// Between two requests: a lost datagram costs no more than this.
const RETRY: Duration = Duration::from_millis(250);

/// A listener's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pong {
    /// From the request to its answer, ms.
    pub round_trip_ms: f64,
    /// Handshake version offered: 5 for SRT 1.3 and later.
    pub version: u32,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// The port is closed: the system said so.
    #[error(
        "nothing listens for SRT at {address}. Check host and port, and that the server runs with SRT on (UDP)."
    )]
    Closed {
        /// The address.
        address: SocketAddr,
    },
    /// Silence.
    #[error(
        "no answer from {address} in {waited_ms} ms: no SRT server there, or a firewall drops UDP. Check host, port and firewall."
    )]
    NoAnswer {
        /// The address.
        address: SocketAddr,
        /// How long was waited, ms.
        waited_ms: u64,
    },
    /// This machine cannot send there.
    #[error("{address} cannot be reached from this machine: {source}. Check the network.")]
    Network {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// Sends induction requests to `address` until one is answered or `timeout` has passed. Blocks.
///
/// # Errors
/// A closed port, silence, or no way there.
pub fn ping(address: SocketAddr, timeout: Duration) -> Result<Pong, PingError> {
    let network = |source: io::Error| match source.kind() {
        // ICMP "port unreachable", handed to a connected UDP socket.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
            PingError::Closed { address }
        }
        _ => PingError::Network { address, source },
    };
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    }
    .map_err(network)?;
    socket.connect(address).map_err(network)?;
    let started = Instant::now();
    // An answer names the id of the request that it answers, so a late one is timed rightly.
    let first_id = (std::process::id() & 0x00ff_ffff) << 6 | 1;
    let mut sent: Vec<Instant> = Vec::new();
    let mut buffer = [0; 1500];
    while let Some(left) = timeout
        .checked_sub(started.elapsed())
        .filter(|left| !left.is_zero())
    {
        let id = first_id + sent.len() as u32;
        let timestamp_us = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
        sent.push(Instant::now());
        socket
            .send(&induction_request(id, timestamp_us))
            .map_err(network)?;
        let until = Instant::now() + RETRY.min(left);
        while let Some(wait) = until
            .checked_duration_since(Instant::now())
            .filter(|w| !w.is_zero())
        {
            socket.set_read_timeout(Some(wait)).map_err(network)?;
            let length = match socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(network(error)),
            };
            let Some(answer) = parse_answer(&buffer[..length]) else {
                continue;
            };
            let number = answer.to_socket_id.wrapping_sub(first_id) as usize;
            if let Some(at) = sent.get(number) {
                return Ok(Pong {
                    round_trip_ms: at.elapsed().as_secs_f64() * 1000.0,
                    version: answer.version,
                });
            }
        }
    }
    let waited_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    Err(PingError::NoAnswer { address, waited_ms })
}

/// The fastest of up to three pings: a busy machine makes one of them slow, and nothing makes one fast. An
/// answer within 2 ms ends it. Blocks for three times `timeout` at most.
///
/// # Errors
/// As [`ping`], where none is answered; the first that is not ends it too.
pub fn ping_best(address: SocketAddr, timeout: Duration) -> Result<Pong, PingError> {
    let mut best = ping(address, timeout)?;
    for _ in 1..3 {
        if best.round_trip_ms <= SURELY_NEAR_MS {
            break;
        }
        match ping(address, timeout) {
            Ok(pong) if pong.round_trip_ms < best.round_trip_ms => best = pong,
            Ok(_) => {}
            // One answer is enough.
            Err(_) => break,
        }
    }
    Ok(best)
}

/// The one of `addresses` at which an SRT listener answers first, those before it in the list having a
/// start on it (RFC 8305 has TCP do the same): of a name with an address of either family often one
/// leads nowhere. The first of the list where none answers within `timeout`; None of an empty list.
/// Blocks for `timeout` at most; what is not answered is left to threads `pd-ping-all` that end with it.
pub fn first_that_answers(addresses: &[SocketAddr], timeout: Duration) -> Option<SocketAddr> {
    let first = *addresses.first()?;
    if addresses.len() == 1 {
        return Some(first);
    }
    let (answers, answered) = crossbeam_channel::bounded(MOST_ASKED);
    for (place, address) in (0_u32..).zip(addresses.iter().copied().take(MOST_ASKED)) {
        let answers = answers.clone();
        let asks = move || {
            std::thread::sleep(START * place);
            if ping(address, timeout.saturating_sub(START * place)).is_ok() {
                let _ = answers.try_send(address);
            }
        };
        let started = std::thread::Builder::new().name("pd-ping-all".into());
        if let Err(error) = started.spawn(asks) {
            tracing::warn!("no thread to ask {address}: {error}");
        }
    }
    // Where all have given up nobody can answer any more.
    drop(answers);
    Some(answered.recv_timeout(timeout).unwrap_or(first))
}

/// The caller's induction request: version 4, cookie 0, as section 4.3.1.1 prescribes.
pub fn induction_request(socket_id: u32, timestamp_us: u32) -> [u8; PACKET_BYTES] {
    let words = [
        HANDSHAKE,
        0, // type-specific information
        timestamp_us,
        0,           // destination socket id: not known yet
        4,           // HS version
        2,           // encryption field 0, extension field 2 (UDT's "datagram")
        0x1234_5678, // initial sequence number
        1500,        // MTU
        8192,        // flow window, packets
        INDUCTION,
        socket_id,
        0, // SYN cookie
        0,
        0,
        0,
        0, // peer address: not known here, listeners do not read it
    ];
    let mut packet = [0; PACKET_BYTES];
    for (bytes, word) in packet.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    packet
}

/// A listener's induction answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InductionAnswer {
    /// Socket id of the request.
    pub to_socket_id: u32,
    /// Handshake version.
    pub version: u32,
}

/// Reads an induction answer; None for anything else.
pub fn parse_answer(packet: &[u8]) -> Option<InductionAnswer> {
    let word = |index: usize| {
        let bytes = packet.get(index * 4..index * 4 + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (version, handshake_type) = (word(4)?, word(9)?);
    let knows_srt = version < 5 || word(5)? as u16 == SRT_MAGIC;
    let whole = packet.len() >= PACKET_BYTES;
    (whole && word(0)? == HANDSHAKE && handshake_type == INDUCTION && knows_srt).then_some(
        InductionAnswer {
            to_socket_id: word(3)?,
            version,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a listener answers `request`: version 5, magic, a cookie, addressed to the caller's id.
    fn answer_to(request: &[u8]) -> Vec<u8> {
        let mut answer = request.to_vec();
        answer.copy_within(40..44, 12);
        answer[16..20].copy_from_slice(&5_u32.to_be_bytes());
        answer[20..24].copy_from_slice(&u32::from(SRT_MAGIC).to_be_bytes());
        answer[44..48].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
        answer
    }

    fn responder(
        address: &str,
        mut answer: impl FnMut(usize, &[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> SocketAddr {
        let socket = UdpSocket::bind(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(3)))
            .unwrap();
        let bound = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            for number in 0.. {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    return;
                };
                if let Some(bytes) = answer(number, &buffer[..length]) {
                    socket.send_to(&bytes, from).unwrap();
                }
            }
        });
        bound
    }

    #[test]
    fn request_is_the_drafts_packet() {
        let packet = induction_request(0x0102_0304, 7);
        let expected = "80000000 00000000 00000007 00000000 00000004 00000002 12345678 000005dc \
                        00002000 00000001 01020304 00000000 00000000 00000000 00000000 00000000";
        let hex: Vec<String> = packet
            .chunks(4)
            .map(|w| w.iter().map(|b| format!("{b:02x}")).collect())
            .collect();
        assert_eq!(hex.join(" "), expected);
    }

    #[test]
    fn only_induction_answers_count() {
        let request = induction_request(9, 0);
        let good = answer_to(&request);
        assert_eq!(
            parse_answer(&good),
            Some(InductionAnswer {
                to_socket_id: 9,
                version: 5
            })
        );
        assert_eq!(parse_answer(&good[..63]), None);
        for (at, why) in [
            (0, "data"),
            (2, "type"),
            (23, "magic"),
            (39, "handshake type"),
        ] {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            assert_eq!(parse_answer(&bad), None, "{why}");
        }
    }

    #[test]
    fn a_listener_answers_on_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let at = responder(address, |_, request| Some(answer_to(request)));
            let pong = ping(at, Duration::from_secs(2)).unwrap();
            assert_eq!(pong.version, 5);
            assert!(
                pong.round_trip_ms > 0.0 && pong.round_trip_ms < 1000.0,
                "{pong:?}"
            );
        }
    }

    #[test]
    fn a_lost_request_is_repeated_and_the_answered_one_timed() {
        let at = responder("127.0.0.1:0", |number, request| {
            (number == 1).then(|| answer_to(request))
        });
        let started = Instant::now();
        let pong = ping(at, Duration::from_secs(2)).unwrap();
        assert!(started.elapsed() >= RETRY);
        assert!(
            pong.round_trip_ms < RETRY.as_secs_f64() * 1000.0,
            "{pong:?}"
        );
    }

    #[test]
    fn one_slow_ping_does_not_make_a_near_server_far() {
        let at = responder("127.0.0.1:0", |number, request| {
            if number == 0 {
                std::thread::sleep(Duration::from_millis(120));
            }
            Some(answer_to(request))
        });
        let pong = ping_best(at, Duration::from_secs(2)).unwrap();
        assert!(pong.round_trip_ms < 100.0, "{pong:?}");
    }

    #[test]
    fn junk_and_silence_are_no_answer() {
        let at = responder("127.0.0.1:0", |_, _| {
            Some(b"HTTP/1.1 400 Bad Request".to_vec())
        });
        let error = ping(at, Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, PingError::NoAnswer { .. }), "{error}");
    }

    #[test]
    fn a_closed_port_is_told_without_waiting() {
        let free = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let started = Instant::now();
        let error = ping(free, Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("server"), "{error}");
        // Windows tells a closed port only where a firewall lets its ICMP message through.
        if cfg!(unix) {
            assert!(matches!(error, PingError::Closed { .. }), "{error}");
            assert!(started.elapsed() < Duration::from_secs(2));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(0_u8.., 0..100)) {
            if bytes.len() < PACKET_BYTES {
                proptest::prop_assert_eq!(parse_answer(&bytes), None);
            }
        }
    }

    /// B20: a name with addresses of both families of which one leads nowhere, in either order.
    #[test]
    fn b20_of_a_names_addresses_the_one_that_answers_is_taken() {
        let listens = responder("127.0.0.1:0", |_, request| Some(answer_to(request)));
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = taken.local_addr().unwrap();
        let closed = {
            let free = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0"));
            free.unwrap().local_addr().unwrap()
        };
        let limit = Duration::from_millis(600);
        for list in [[silent, listens], [listens, silent], [closed, listens]] {
            let started = Instant::now();
            assert_eq!(first_that_answers(&list, limit), Some(listens), "{list:?}");
            assert!(started.elapsed() < limit, "waited for the others");
        }
        // Nobody: the resolver's first, and no longer than was said.
        assert_eq!(first_that_answers(&[silent, closed], limit), Some(silent));
        assert_eq!(first_that_answers(&[closed], limit), Some(closed));
        assert_eq!(first_that_answers(&[], limit), None);
    }
}
