//! Serves the viewer page, on HTTP/1.1, one request a connection.
//!
//! Threads: `pd-viewer` accepts; each connection has a short-lived `pd-viewer-ask`, which reads with
//! a deadline and may wait for the media server. Under pressure: connections beyond [`CONNECTIONS`],
//! or beyond [`OF_ONE_PEER`] of one address, are closed unanswered.

use super::eyes::{EyeAnswer, Sender};
use super::http::{Door, Head, NO_KEY, Refusal, Route};
use super::links::{self, Network};
use super::proxy;
use super::report::{Report, browser};
use super::{PublicStatus, Shared};
use crate::clock::{self, MonoTime};
use crate::stop::StopToken;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Connections answered at once.
pub const CONNECTIONS: usize = 64;
/// Of them from one address: a browser opens up to six.
pub const OF_ONE_PEER: usize = 12;
/// A request must be whole within this time of its connection.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// An answer must be taken within this time.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// Whoever asks with a wrong key waits so long for the answer: with [`OF_ONE_PEER`] at once, an address has 48
/// guesses a second.
pub const WRONG_KEY_WAITS: Duration = Duration::from_millis(250);

const PAGE: &str = include_str!("../../assets/viewer.html");

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    stop: StopToken,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `port` (0: any), for this machine or for the local network, and serves those who know
    /// `key`.
    ///
    /// # Errors
    /// Where the port cannot be had, or no thread.
    pub fn start(port: u16, lan: bool, key: &str, shared: Arc<Shared>) -> io::Result<Self> {
        let ip = if lan {
            Ipv4Addr::UNSPECIFIED
        } else {
            Ipv4Addr::LOCALHOST
        };
        let listener = TcpListener::bind((ip, port))?;
        let address = listener.local_addr()?;
        let stop = StopToken::new();
        let desk = Arc::new(Desk {
            door: Door {
                lan,
                names: if lan { links::names() } else { Vec::new() },
                key: key.to_owned(),
            },
            shared,
            peers: Mutex::default(),
        });
        let ends = stop.clone();
        let thread = std::thread::Builder::new()
            .name("pd-viewer".into())
            .spawn(move || accept(&listener, &desk, &ends))?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        // Wakes it from `accept`.
        let here = (Ipv4Addr::LOCALHOST, self.port()).into();
        let woken = TcpStream::connect_timeout(&here, Duration::from_millis(200));
        if let Some(thread) = self.thread.take()
            && woken.is_ok()
        {
            let _ = thread.join();
        }
    }
}

/// What all connections share.
struct Desk {
    door: Door,
    shared: Arc<Shared>,
    peers: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among those that are answered.
struct Place {
    desk: Arc<Desk>,
    peer: IpAddr,
}

impl Place {
    fn take(desk: &Arc<Desk>, peer: IpAddr) -> Option<Self> {
        let mut peers = desk.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = peers.values().sum();
        let of_peer = peers.entry(peer).or_default();
        if all >= CONNECTIONS || *of_peer >= OF_ONE_PEER {
            return None;
        }
        *of_peer += 1;
        Some(Self {
            desk: desk.clone(),
            peer,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let peers = &self.desk.peers;
        let mut peers = peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

fn accept(listener: &TcpListener, desk: &Arc<Desk>, stop: &StopToken) {
    loop {
        let accepted = listener.accept();
        if stop.is_stopped() {
            return;
        }
        let Ok((stream, peer)) = accepted else {
            // No file handle free, or the peer was gone already.
            stop.sleep(Duration::from_millis(50));
            continue;
        };
        let Some(place) = Place::take(desk, peer.ip().to_canonical()) else {
            continue;
        };
        let started = std::thread::Builder::new()
            .name("pd-viewer-ask".into())
            .spawn(move || answer(stream, &place));
        if let Err(error) = started {
            tracing::warn!("no thread to answer a viewer: {error}");
        }
    }
}

fn answer(mut stream: TcpStream, place: &Place) {
    let networks = links::networks();
    let answer = match read(&mut stream) {
        Ok(Some(request)) => desk_answer(&request, place, &networks),
        Ok(None) => return,
        Err(refusal) => Answer::refusal(refusal),
    };
    let _ = stream.set_write_timeout(Some(WRITE_WITHIN));
    if answer.write(&mut stream).is_ok() {
        // What was not read would make the system throw the answer away.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
        let _ = stream.read(&mut [0; 1024]);
    }
}

fn desk_answer(request: &Request, place: &Place, networks: &[Network]) -> Answer {
    let Request { head, body, .. } = request;
    if !links::is_local(place.peer, networks) {
        return Answer::refusal(Refusal {
            status: 403,
            why: "this page is for the local network only",
        });
    }
    let shared = &place.desk.shared;
    let mut answer = match place.desk.door.judge(head) {
        Ok(Route::Page) => page(),
        Ok(Route::Slash) => slash(&head.path),
        Ok(Route::Status) => status(&shared.status.load()),
        Ok(Route::Report) => reported(shared, request, place.peer),
        Ok(Route::Icon) => Answer::new(204, "", Vec::new()),
        Ok(route) => match &**shared.whep_url.load() {
            Some(url) => proxy::pass(&shared.agent, url, &route, head, body),
            None => Answer::refusal(Refusal {
                status: 404,
                why: "no show is on",
            }),
        },
        Err(refusal) => {
            if refusal.why == NO_KEY {
                std::thread::sleep(WRONG_KEY_WAITS);
            }
            Answer::refusal(refusal)
        }
    };
    answer.without_body = head.method == "HEAD";
    answer
}

fn slash(path: &str) -> Answer {
    let mut answer = Answer::new(308, "", Vec::new());
    answer.headers.push(("Location", format!("{path}/")));
    answer
}

fn page() -> Answer {
    let Ok(nonce) = crate::hex::random() else {
        return Answer::refusal(Refusal {
            status: 500,
            why: "the system gives no random bytes",
        });
    };
    let mut answer = Answer::new(
        200,
        "text/html; charset=utf-8",
        PAGE.replace("NONCE", &nonce).into_bytes(),
    );
    // Nothing from elsewhere, nothing inline but the page's own; and in no other page's frame.
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; media-src 'self' blob:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    answer.headers.push(("Content-Security-Policy", policy));
    answer
}

fn status(status: &PublicStatus) -> Answer {
    let json = serde_json::to_vec(status).unwrap_or_default();
    Answer::new(200, "application/json", json)
}

/// Takes a viewer's report; answers with how the show stands, and the viewer with it.
fn reported(shared: &Shared, request: &Request, peer: IpAddr) -> Answer {
    let report = match Report::read(&request.body) {
        Ok(report) => report,
        Err(why) => return Answer::refusal(Refusal { status: 400, why }),
    };
    let sender = Sender {
        peer,
        browser: browser(&request.head.agent),
    };
    let times = shared.rtp_times.load();
    let status = shared.status.load();
    let eye = shared.eyes().report(
        &report,
        sender,
        request.begun_at,
        clock::now(),
        times.as_deref(),
    );
    let told = Told {
        status: &status,
        eye,
    };
    let json = serde_json::to_vec(&told).unwrap_or_default();
    Answer::new(200, "application/json", json)
}

/// What a reporting page is told.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    status: &'a PublicStatus,
    /// None where the report was not heard: too many viewers, too many reports.
    eye: Option<EyeAnswer>,
}

struct Request {
    head: Head,
    body: Vec<u8>,
    /// When its first bytes were read.
    begun_at: MonoTime,
}

/// Reads a request whole; None where the peer left or was too slow.
fn read(stream: &mut TcpStream) -> Result<Option<Request>, Refusal> {
    let until = Instant::now() + READ_WITHIN;
    let mut bytes = Vec::new();
    let mut begun_at = None;
    let (head, length) = loop {
        if let Some(whole) = Head::read(&bytes)? {
            break whole;
        }
        if !more(stream, &mut bytes, until) {
            return Ok(None);
        }
        begun_at.get_or_insert_with(clock::now);
    };
    while bytes.len() < length + head.length {
        if !more(stream, &mut bytes, until) {
            return Ok(None);
        }
    }
    let body = bytes[length..length + head.length].to_vec();
    Ok(Some(Request {
        head,
        body,
        begun_at: begun_at.unwrap_or_else(clock::now),
    }))
}

/// Reads what is there; false where nothing more comes in time.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
        return false;
    }
    let mut block = [0; 4096];
    match stream.read(&mut block) {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            bytes.extend_from_slice(&block[..count]);
            true
        }
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    kind: String,
    pub(super) headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    without_body: bool,
}

impl Answer {
    pub(super) fn new(status: u16, kind: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            kind: kind.to_owned(),
            headers: Vec::new(),
            body,
            without_body: false,
        }
    }

    pub(super) fn refusal(refusal: Refusal) -> Self {
        let kind = "text/plain; charset=utf-8";
        Self::new(refusal.status, kind, format!("{}\n", refusal.why).into())
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
             Content-Length: {}\r\n",
            self.status,
            reason(self.status),
            self.body.len()
        );
        if !self.kind.is_empty() {
            head += &format!("Content-Type: {}\r\n", self.kind);
        }
        for (name, value) in &self.headers {
            // A value from the media server must not begin a header of its own.
            if !value.contains(['\r', '\n']) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head += "\r\n";
        out.write_all(head.as_bytes())?;
        if !self.without_body {
            out.write_all(&self.body)?;
        }
        out.flush()
    }
}

fn reason(status: u16) -> &'static str {
    ureq::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
