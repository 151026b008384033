//! Who may come in: challenge and answer, and how often a wrong answer is listened to. Pure: the
//! time is an argument.

use crate::clock::MonoTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// 32 random bytes in base64, for a salt or a challenge.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(STANDARD.encode(bytes))
}

/// What a client that knows the password answers: base64(SHA-256(base64(SHA-256(password + salt)) +
/// challenge)), by the protocol's "Creating an authentication string".
pub fn answer(password: &str, salt: &str, challenge: &str) -> String {
    let hash = |first: &str, second: &str| {
        let mut sha = Sha256::new();
        sha.update(first.as_bytes());
        sha.update(second.as_bytes());
        STANDARD.encode(sha.finalize())
    };
    hash(&hash(password, salt), challenge)
}

/// Whether both are the same, in a time that does not tell where they differ.
pub fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    let differ = a.iter().zip(b).fold(0_u8, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(differ) == 0
}

/// Wrong answers of one address that are listened to at once.
const BURST: u32 = 20;
/// Then one more in this time.
const EVERY: Duration = Duration::from_secs(3);
/// Addresses remembered.
const ADDRESSES: usize = 256;

/// Counts wrong answers by address. Whoever gave too many waits before the next one is looked at,
/// right or wrong, so that the wait tells nothing.
#[derive(Default)]
pub struct Wrongs {
    counts: HashMap<IpAddr, (u32, MonoTime)>,
    news: Option<(IpAddr, u32)>,
}

impl Wrongs {
    /// When an answer of `peer` may be looked at: now, or later.
    pub fn due(&self, peer: IpAddr, now: MonoTime) -> MonoTime {
        let Some((count, since)) = self.counts.get(&key(peer)) else {
            return now;
        };
        let forgiven = forgiven(*since, now);
        if count.saturating_sub(forgiven) < BURST {
            return now;
        }
        *since + EVERY * (count - BURST + 1)
    }

    /// A wrong answer of `peer`.
    pub fn add(&mut self, peer: IpAddr, now: MonoTime) {
        self.counts
            .retain(|_, (count, since)| *count > forgiven(*since, now));
        if self.counts.len() >= ADDRESSES
            && !self.counts.contains_key(&key(peer))
            && let Some(oldest) = self
                .counts
                .iter()
                .min_by_key(|(_, (_, since))| *since)
                .map(|(ip, _)| *ip)
        {
            self.counts.remove(&oldest);
        }
        let (count, _) = self.counts.entry(key(peer)).or_insert((0, now));
        *count += 1;
        self.news = Some((peer, *count));
    }

    /// The last wrong answer since this was last asked, and how many its address has given.
    pub fn take_news(&mut self) -> Option<(IpAddr, u32)> {
        self.news.take()
    }
}

/// How many wrong answers time has forgiven.
fn forgiven(since: MonoTime, now: MonoTime) -> u32 {
    let spans = now.since(since).as_millis() / EVERY.as_millis();
    u32::try_from(spans).unwrap_or(u32::MAX)
}

/// One machine can have a whole /64 of IPv6.
fn key(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => {
            let mut parts = v6.segments();
            parts[4..].fill(0);
            IpAddr::V6(parts.into())
        }
        v4 => v4,
    }
}

/// Whether a web page of this `Origin` may connect: none (no browser), a file, or a page that this
/// machine serves itself. A page from elsewhere that is open in some browser here must not knock.
pub fn is_own_origin(origin: Option<&str>) -> bool {
    let Some(origin) = origin else {
        return true;
    };
    if origin == "file://" {
        return true;
    }
    let Some(rest) = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme))
    else {
        return false;
    };
    let parts = match rest.strip_prefix('[') {
        Some(v6) => v6.split_once(']'),
        None => Some(rest.split_at(rest.find(':').unwrap_or(rest.len()))),
    };
    // A host and perhaps a port, and nothing besides (RFC 6454 6.2).
    parts.is_some_and(|(host, port)| {
        let is_port = port.is_empty()
            || port
                .strip_prefix(':')
                .is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let is_here = host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.to_canonical().is_loopback());
        is_port && is_here
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol's own example: password, salt and challenge of its document, the answer computed
    /// with `openssl dgst -sha256 -binary | base64`.
    #[test]
    fn the_answer_is_the_protocols() {
        let salt = "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=";
        let challenge = "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=";
        let answer = answer("supersecretpassword", salt, challenge);
        assert_eq!(answer, "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4=");
        assert!(is_same(
            &answer,
            "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="
        ));
        assert!(!is_same(&answer, ""));
        assert_ne!(random().unwrap(), random().unwrap());
    }

    #[test]
    fn guessing_becomes_slow_and_time_forgives() {
        let (guesser, other): (IpAddr, IpAddr) =
            ("10.0.0.9".parse().unwrap(), "10.0.0.8".parse().unwrap());
        let start = MonoTime::from_micros(1_000_000);
        let mut wrongs = Wrongs::default();
        for _ in 0..BURST {
            assert_eq!(wrongs.due(guesser, start), start);
            wrongs.add(guesser, start);
        }
        let due = wrongs.due(guesser, start);
        assert_eq!(due, start + EVERY);
        assert_eq!(wrongs.due(other, start), start, "others do not wait");
        assert_eq!(wrongs.due(guesser, due), due);
        // A guess each time that one is allowed: one in EVERY.
        let mut now = due;
        for _ in 0..50 {
            wrongs.add(guesser, now);
            let next = wrongs.due(guesser, now);
            assert_eq!(next.since(now), EVERY);
            now = next;
        }
        let later = now + EVERY * (BURST + 1);
        assert_eq!(wrongs.due(guesser, later), later);
    }

    #[test]
    fn the_memory_of_wrongs_is_bounded() {
        let mut wrongs = Wrongs::default();
        for n in 0..2_000_u32 {
            let ip = IpAddr::from(n.to_be_bytes());
            wrongs.add(ip, MonoTime::from_micros(u64::from(n)));
        }
        assert_eq!(wrongs.counts.len(), ADDRESSES);
        let a: IpAddr = "2001:db8::1".parse().unwrap();
        let b: IpAddr = "2001:db8::2".parse().unwrap();
        assert_eq!(key(a), key(b));
    }

    #[test]
    fn foreign_pages_do_not_knock() {
        for own in [
            None,
            Some("file://"),
            Some("http://localhost:3000"),
            Some("https://127.0.0.1"),
            Some("http://[::1]:8080"),
        ] {
            assert!(is_own_origin(own), "{own:?}");
        }
        for foreign in [
            "null",
            "",
            "https://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com:80",
            "http://192.168.1.5",
            "chrome-extension://abc",
            "http://[2001:db8::1]:80",
        ] {
            assert!(!is_own_origin(Some(foreign)), "{foreign}");
        }
    }
}
