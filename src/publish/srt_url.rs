//! The SRT address that ffmpeg gets, and the checks before it. Pure but for [`address_towards`], and
//! [`resolve`], which blocks on the system's resolver: call it on a worker thread. The resolver itself
//! runs on `pd-resolve`, one a question, which is left behind where it does not answer in time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The highest SRT latency that the console sets, ms.
pub const MAX_LATENCY_MS: u32 = 8000;
/// Latency above this is asked back: it is more likely a wrong unit than a wish, ms.
const UNUSUAL_LATENCY_MS: u32 = 2000;
/// A name server that is away is waited for so long: the system's own limit is half a minute.
pub const RESOLVE_LIMIT: Duration = Duration::from_secs(4);
/// So many questions may hang in the resolver at once.
const MOST_QUESTIONS: usize = 8;
/// How long ffmpeg waits for an SRT listener's answer, ms. MediaMTX holds its answer to a wrong password
/// back for up to 4 s (`auth.LogAndDelayError`); libsrt gives up after 3 by itself, and then says the
/// same as where nobody is there.
pub const CONNECT_TIMEOUT_MS: u32 = 8000;

/// A passphrase of impossible length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the passphrase has {bytes} bytes; SRT takes 10 to 79, or none (letters beyond ASCII count 2 to 4 bytes)"
)]
pub struct PassphraseError {
    /// Its length.
    pub bytes: usize,
}

/// Checks the passphrase's length in bytes: none, or 10 to 79. The SRT draft allows 80, but builds
/// of libsrt differ at 80 (cases.md B17).
///
/// # Errors
/// Any other length.
pub fn check_passphrase(passphrase: &str) -> Result<(), PassphraseError> {
    match passphrase.len() {
        0 | 10..=79 => Ok(()),
        bytes => Err(PassphraseError { bytes }),
    }
}

/// What to ask the operator before this latency is used; None where it is usual.
pub fn latency_question(latency_ms: u32) -> Option<String> {
    (latency_ms > UNUSUAL_LATENCY_MS).then(|| {
        format!(
            "SRT latency {latency_ms} ms delays every picture by {:.1} s. The unit is milliseconds: is that meant?",
            f64::from(latency_ms) / 1000.0
        )
    })
}

/// This machine's address on the interface that leads to `far`. Nothing is sent: connecting a datagram
/// socket only chooses the interface.
///
/// # Errors
/// Where no interface leads there.
pub fn address_towards(far: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match far {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let scout = UdpSocket::bind((any, 0))?;
    scout.connect(far)?;
    Ok(scout.local_addr()?.ip())
}

/// Why a host gave no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver does not know the name.
    #[error(
        "name not found: {host} ({reason}). Check its spelling and this machine's network, or enter an address."
    )]
    NotFound {
        /// The host.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The resolver says nothing.
    #[error(
        "no word on {host} from the name server in {seconds} s. Check this machine's network, or enter an address."
    )]
    Slow {
        /// The host.
        host: String,
        /// How long was waited, s.
        seconds: u64,
    },
    /// The resolver knows the name, but no address of it.
    #[error("name not found: {host} has no address. Check its spelling, or enter an address.")]
    NoAddress {
        /// The host.
        host: String,
    },
}

/// The first address of `host` (name, IPv4, or IPv6 without brackets, zone allowed).
///
/// ffmpeg never gets a name: the static 7.0.2 build crashes on every name (cases.md B20).
///
/// # Errors
/// Where the resolver knows no address.
pub fn resolve(host: &str, port: u16) -> Result<SocketAddr, ResolveError> {
    resolve_all(host, port).map(|addresses| addresses[0])
}

/// Every address of `host` in the resolver's order, at least one. Blocks.
///
/// # Errors
/// Where the resolver knows none.
pub fn resolve_all(host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
    static QUESTIONS: std::sync::LazyLock<Arc<AtomicUsize>> =
        std::sync::LazyLock::new(Arc::default);
    resolve_by(host, port, RESOLVE_LIMIT, &QUESTIONS, system)
}

fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}

/// The same by another resolver; `questions` counts those that have not been answered.
fn resolve_by(
    host: &str,
    port: u16,
    limit: Duration,
    questions: &Arc<AtomicUsize>,
    ask: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let slow = || ResolveError::Slow {
        host: host.into(),
        seconds: limit.as_secs(),
    };
    let failed = |error: io::Error| ResolveError::NotFound {
        host: host.into(),
        reason: error.to_string(),
    };
    // An address asks nobody.
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if questions.fetch_add(1, Ordering::AcqRel) >= MOST_QUESTIONS {
        questions.fetch_sub(1, Ordering::AcqRel);
        return Err(slow());
    }
    let (answer, answered) = crossbeam_channel::bounded(1);
    let (asked, counted) = (host.to_owned(), questions.clone());
    let started = std::thread::Builder::new()
        .name("pd-resolve".into())
        .spawn(move || {
            let _ = answer.send(ask(&asked, port));
            counted.fetch_sub(1, Ordering::AcqRel);
        });
    if let Err(error) = started {
        questions.fetch_sub(1, Ordering::AcqRel);
        return Err(failed(error));
    }
    match answered.recv_timeout(limit) {
        Err(_) => Err(slow()),
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(ResolveError::NoAddress { host: host.into() })
        }
        Ok(Ok(mut addresses)) => {
            // One a socket type.
            let mut seen = std::collections::HashSet::new();
            addresses.retain(|address| seen.insert(*address));
            Ok(addresses)
        }
        Ok(Err(error)) => Err(failed(error)),
    }
}

/// The caller's address for ffmpeg: an IPv6 address bracketed once, the latency in microseconds
/// (ffmpeg's unit; cases.md B21), packets of seven MPEG-TS cells.
///
/// Stream id and passphrase are options of their own, never part of it (B16). Only keys that
/// ffmpeg 5.1 to 9.0 all know: 9.0 refuses unknown ones.
pub fn srt_url(address: SocketAddr, latency_ms: u32) -> String {
    let latency_us = u64::from(latency_ms) * 1000;
    format!(
        "srt://{address}?mode=caller&transtype=live&latency={latency_us}&pkt_size=1316&connect_timeout={CONNECT_TIMEOUT_MS}"
    )
}

/// The listener's address for ffmpeg, for one that calls: as [`srt_url`].
pub fn srt_listen_url(address: SocketAddr, latency_ms: u32) -> String {
    let latency_us = u64::from(latency_ms) * 1000;
    format!("srt://{address}?mode=listener&transtype=live&latency={latency_us}&pkt_size=1316")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn passphrases_of_the_b17_list() {
        for (length, good) in [
            (0, true),
            (1, false),
            (9, false),
            (10, true),
            (79, true),
            (80, false),
            (81, false),
        ] {
            assert_eq!(
                check_passphrase(&"x".repeat(length)).is_ok(),
                good,
                "{length}"
            );
        }
        // Bytes, not letters: three Korean letters are nine bytes, four are twelve.
        assert_eq!(
            check_passphrase("한글음"),
            Err(PassphraseError { bytes: 9 })
        );
        assert!(check_passphrase("한글음성").is_ok());
        assert!(check_passphrase(&"한".repeat(27)).is_err());
    }

    #[test]
    fn latency_is_given_in_microseconds() {
        let url = srt_url("192.0.2.7:8890".parse().unwrap(), 80);
        assert_eq!(
            url,
            "srt://192.0.2.7:8890?mode=caller&transtype=live&latency=80000&pkt_size=1316&connect_timeout=8000"
        );
        assert!(
            srt_url("192.0.2.7:1".parse().unwrap(), u32::MAX).contains("latency=4294967295000&")
        );
        assert!(latency_question(20_000).unwrap().contains("20.0 s"));
        assert_eq!(latency_question(120), None);
    }

    #[test]
    fn ipv6_is_bracketed_exactly_once() {
        for host in ["::1", "[::1]"] {
            let host = crate::publish::parse_host_box(host).unwrap().host;
            let url = srt_url(resolve(&host, 8890).unwrap(), 120);
            assert!(url.starts_with("srt://[::1]:8890?"), "{url}");
        }
        let scoped = SocketAddr::V6(std::net::SocketAddrV6::new(
            "fe80::1".parse().unwrap(),
            8890,
            0,
            3,
        ));
        assert!(srt_url(scoped, 120).starts_with("srt://[fe80::1%3]:8890?"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_zone_name_becomes_its_number() {
        let resolved = resolve("fe80::1%lo", 8890).unwrap();
        assert!(
            matches!(resolved, SocketAddr::V6(v6) if v6.scope_id() == 1),
            "{resolved}"
        );
    }

    /// B20: the system waits half a minute for a name server that is away; nobody here does.
    #[test]
    fn b20_a_resolver_that_hangs_is_not_waited_for_and_does_not_pile_up() {
        let questions = Arc::new(AtomicUsize::new(0));
        let ask = |host: &str| {
            let limit = Duration::from_millis(50);
            resolve_by(host, 8890, limit, &questions, |_, _| {
                std::thread::sleep(Duration::from_secs(2));
                Ok(Vec::new())
            })
        };
        let started = Instant::now();
        for _ in 0..20 {
            let error = ask("media.example").unwrap_err();
            assert!(matches!(error, ResolveError::Slow { .. }), "{error}");
            assert!(error.to_string().contains("media.example"), "{error}");
            assert!(questions.load(Ordering::Relaxed) <= MOST_QUESTIONS);
        }
        assert!(started.elapsed() < Duration::from_millis(1_500));
        // Addresses need no resolver.
        assert_eq!(ask("::1").unwrap(), ["[::1]:8890".parse().unwrap()]);
        // Answered at last, they make room.
        let until = Instant::now() + Duration::from_secs(10);
        while questions.load(Ordering::Relaxed) > 0 {
            assert!(Instant::now() < until, "left behind for ever");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn b20_each_address_of_a_name_is_given_once() {
        let found = resolve_by(
            "both.example",
            8890,
            Duration::from_secs(5),
            &Arc::default(),
            |_, port| {
                let v6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
                let v4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
                Ok(vec![v6, v6, v4, v4])
            },
        );
        let found: Vec<_> = found.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["[::1]:8890", "127.0.0.1:8890"]);
    }

    #[test]
    fn an_unknown_name_is_told_soon() {
        let started = Instant::now();
        let error = resolve("nope.invalid", 8890).unwrap_err().to_string();
        assert!(error.starts_with("name not found: nope.invalid"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
