//! One session as a viewer: ICE, DTLS, SRTP and RTCP by str0m, driven from one UDP socket.
//!
//! Runs on the probe's thread, which waits in `recv_from` and nowhere else once it has joined.
//! str0m is in RTP mode: its own depacketizer would give an access unit out only when it sees what
//! follows. Lost packets are asked for again by str0m (NACK); what stays lost costs its access
//! unit, which is counted. Key frames are never asked for.

use super::h264::{Depacketizer, Packet, Reorder, Unit};
use super::whep::{Endpoint, WhepError};
use crate::clock::{self, MonoTime};
use crate::monitor::thread_time::Spent;
use crate::relay::annexb::strip_trailing_zeros;
use crate::relay::{Arrival, ArrivalCounters, ArrivalEvent, opus_hash};
use crate::stop::StopToken;
use crossbeam_channel::Sender;
use socket2::SockRef;
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::crypto::{CryptoProvider, from_feature_flags};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig, RtcError};
use thiserror::Error;

/// The longest sleep in `recv_from`: how soon a stop is seen.
const NAP: Duration = Duration::from_millis(50);
/// A session not connected after this is given up (MediaMTX gives up after 10 s).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// A session that brings nothing in this time after it is connected is joined anew.
const MEDIA_TIMEOUT: Duration = Duration::from_secs(3);
/// A server of which nothing at all is heard for so long is gone; one whose stream rests still
/// sends STUN every 2 s.
const QUIET_TIMEOUT: Duration = Duration::from_millis(3500);
/// The same where the session has reason to doubt the server: a publisher is being started anew.
const DOUBTED_TIMEOUT: Duration = Duration::from_millis(700);
/// Size asked for of the socket's receive buffer, in bytes.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The largest UDP datagram.
const DATAGRAM_MAX: usize = 65_535;

/// Why a session ended or did not begin.
#[derive(Debug, Error)]
pub enum SessionError {
    /// Signalling failed.
    #[error(transparent)]
    Whep(#[from] WhepError),
    /// The UDP socket failed.
    #[error("the probe's UDP socket failed: {0}")]
    Socket(#[from] std::io::Error),
    /// The server's answer or its packets are not what WebRTC says.
    #[error("the probe and the server do not understand each other: {0}")]
    Rtc(#[from] RtcError),
    /// What there is to say needs no source.
    #[error("{0}")]
    Ended(&'static str),
}

/// Where a session's findings go, and what it is stopped by.
pub struct Sink<'a> {
    /// The ledger's queue.
    out: &'a Sender<ArrivalEvent>,
    /// The probe's counts.
    counters: &'a ArrivalCounters,
    /// The probe's end.
    stop: &'a StopToken,
    /// Whether nobody reads the queue any more.
    orphaned: Cell<bool>,
    /// The thread's CPU time, over all its sessions.
    spent: RefCell<Spent>,
    /// Where whole access units go, for whoever wants to decode them.
    units: Option<&'a Sender<Unit>>,
}

impl<'a> Sink<'a> {
    /// A sink into `out`, counted in `counters`, until `stop`.
    pub fn new(
        out: &'a Sender<ArrivalEvent>,
        counters: &'a ArrivalCounters,
        stop: &'a StopToken,
    ) -> Self {
        Self {
            out,
            counters,
            stop,
            orphaned: Cell::new(false),
            spent: RefCell::default(),
            units: None,
        }
    }

    /// The same, with each whole access unit into `units` too: where that is full it is dropped and
    /// counted as an event.
    #[must_use]
    pub fn with_units(mut self, units: Option<&'a Sender<Unit>>) -> Self {
        self.units = units;
        self
    }

    /// Hands `unit` over.
    fn unit(&self, unit: &Unit) {
        if let Some(units) = self.units
            && units.try_send(unit.clone()).is_err()
        {
            self.counters.events_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reports `event`.
    pub fn send(&self, event: ArrivalEvent) {
        if !self.counters.send(self.out, event) {
            self.orphaned.set(true);
        }
    }

    /// Whether the probe shall end.
    pub fn is_done(&self) -> bool {
        self.orphaned.get() || self.stop.is_stopped()
    }
}

/// Joins `endpoint` as a viewer and reports to `sink` until stopped (`Ok`) or the session ends.
///
/// `connected` is set once media can arrive.
///
/// # Errors
/// Why it could not be joined, or ended.
pub fn run(endpoint: &Endpoint, sink: &Sink<'_>, connected: &mut bool) -> Result<(), SessionError> {
    let crypto = Arc::new(from_feature_flags());
    let (mut rtc, socket, local) = open(crypto, endpoint.address())?;
    let mut changes = rtc.sdp_api();
    let video = changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    let Some((offer, pending)) = changes.apply() else {
        return Err(SessionError::Ended("no offer could be made"));
    };
    let joined = endpoint.join(&offer.to_sdp_string())?;
    let mut session = Session {
        rtc,
        video,
        socket,
        local,
        reorder: Reorder::default(),
        depacketizer: Depacketizer::default(),
        damaged_before: sink.counters.units_damaged.load(Ordering::Relaxed),
        silent_until: None,
    };
    let result = SdpAnswer::from_sdp_string(&joined.answer)
        .map_err(|_| SessionError::Ended("the server's answer is no SDP"))
        .and_then(|answer| Ok(session.rtc.sdp_api().accept_answer(pending, answer)?))
        .and_then(|()| {
            session.allow_nack();
            session.drive(sink, connected)
        });
    session.close();
    if let Some(url) = &joined.session_url {
        endpoint.leave(url);
    }
    result
}

/// A socket on the interface that leads to `server`, and an `Rtc` that offers it.
fn open(
    crypto: Arc<CryptoProvider>,
    server: Option<SocketAddr>,
) -> Result<(Rtc, UdpSocket, SocketAddr), SessionError> {
    let server = server.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 9).into());
    let any: IpAddr = if server.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    // Connecting a UDP socket sends nothing; it only asks the system for the way.
    let scout = UdpSocket::bind((any, 0))?;
    scout.connect(server)?;
    let ip = scout.local_addr()?.ip();
    let socket = UdpSocket::bind((ip, 0))?;
    // The system may give less; what it gives by itself (208 KiB on Linux, 64 on Windows) a key
    // frame of 100 KiB overran on a busy machine.
    SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
    let local = socket.local_addr()?;
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(crypto)
        .set_rtp_mode(true)
        .clear_codecs()
        .enable_h264(true)
        .enable_opus(true, false)
        .build(Instant::now());
    let candidate = Candidate::host(local, "udp").map_err(RtcError::from)?;
    rtc.add_local_candidate(candidate);
    Ok((rtc, socket, local))
}

struct Session {
    rtc: Rtc,
    video: Mid,
    socket: UdpSocket,
    local: SocketAddr,
    reorder: Reorder,
    depacketizer: Depacketizer,
    damaged_before: u64,
    /// When patience ends with a session that has brought nothing yet.
    silent_until: Option<Instant>,
}

impl Session {
    /// Has lost video asked for again. str0m does so by itself only where the answer has a stream
    /// of its own for retransmissions (RTX, RFC 4588); MediaMTX 1.20 has none and sends a packet
    /// again as it was.
    fn allow_nack(&mut self) {
        let mut direct = self.rtc.direct_api();
        if let Some(stream) = direct.stream_rx_by_mid(self.video, None) {
            stream.suppress_nack(false);
        }
    }

    fn drive(&mut self, sink: &Sink<'_>, connected: &mut bool) -> Result<(), SessionError> {
        let started = Instant::now();
        let mut datagram = vec![0; DATAGRAM_MAX];
        let mut heard_at = started;
        while !sink.is_done() {
            sink.spent.borrow_mut().add_to(&sink.counters.cpu_us);
            let deadline = self.outputs(sink, connected)?;
            if !self.rtc.is_alive() {
                return Err(SessionError::Ended("the server closed the session"));
            }
            if !*connected && started.elapsed() > CONNECT_TIMEOUT {
                return Err(SessionError::Ended(
                    "no UDP packet of the server comes through: check its WebRTC UDP port and \
                     additional hosts, and firewalls",
                ));
            }
            if self
                .silent_until
                .is_some_and(|until| Instant::now() > until)
            {
                return Err(SessionError::Ended(
                    "the server sends neither picture nor sound: is the stream running?",
                ));
            }
            let doubted = sink.counters.doubted.load(Ordering::Relaxed);
            let patience = if doubted {
                DOUBTED_TIMEOUT
            } else {
                QUIET_TIMEOUT
            };
            if *connected && heard_at.elapsed() > patience {
                return Err(SessionError::Ended("the server is no longer heard of"));
            }
            self.give_out(clock::now(), sink);
            let wait = deadline.saturating_duration_since(Instant::now()).min(NAP);
            if wait.is_zero() {
                self.rtc.handle_input(Input::Timeout(Instant::now()))?;
                continue;
            }
            self.socket.set_read_timeout(Some(wait))?;
            let received = self.socket.recv_from(&mut datagram);
            let now = Instant::now();
            match received {
                Ok((length, source)) => {
                    heard_at = now;
                    if doubted {
                        sink.counters.doubted.store(false, Ordering::Relaxed);
                    }
                    // What is neither STUN, DTLS nor RTP is not for us.
                    let Ok(receive) =
                        Receive::new(Protocol::Udp, source, self.local, &datagram[..length])
                    else {
                        continue;
                    };
                    self.rtc.handle_input(Input::Receive(now, receive))?;
                }
                Err(error) if is_wait(error.kind()) => {
                    self.rtc.handle_input(Input::Timeout(now))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Sends and takes what str0m has to give; returns when it wants to be called again.
    fn outputs(&mut self, sink: &Sink<'_>, connected: &mut bool) -> Result<Instant, SessionError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => return Ok(deadline),
                Output::Transmit(transmit) => {
                    // A candidate of the server that cannot be reached is one of several.
                    if let Err(error) = self
                        .socket
                        .send_to(&transmit.contents, transmit.destination)
                    {
                        tracing::trace!("probe to {}: {error}", transmit.destination);
                    }
                }
                Output::Event(Event::Connected) => {
                    *connected = true;
                    self.silent_until = Some(Instant::now() + MEDIA_TIMEOUT);
                    sink.send(ArrivalEvent::Connected);
                }
                Output::Event(Event::Closed) => {
                    return Err(SessionError::Ended("the server closed the session"));
                }
                Output::Event(Event::IceConnectionStateChange(
                    IceConnectionState::Disconnected,
                )) => {
                    return Err(SessionError::Ended("the server is no longer heard of"));
                }
                Output::Event(Event::RtpPacket(packet)) => self.packet(packet, sink),
                Output::Event(_) => {}
            }
        }
    }

    fn packet(&mut self, packet: RtpPacket, sink: &Sink<'_>) {
        // str0m hands on the time that came with the datagram: the one right after `recv_from`.
        let at = clock::at(packet.timestamp);
        self.silent_until = None;
        let payload_type = packet.header.payload_type;
        let codec = self
            .rtc
            .codec_config()
            .find(|params| params.pt() == payload_type)
            .map(|params| params.spec().codec);
        match codec {
            Some(Codec::H264) => {
                self.reorder.push(Packet {
                    seq: *packet.seq_no,
                    rtp_time: packet.header.timestamp,
                    marker: packet.header.marker,
                    payload: packet.payload,
                    at,
                });
                self.give_out(at, sink);
            }
            Some(Codec::Opus) if !packet.payload.is_empty() => {
                let hash = opus_hash(&packet.payload);
                sink.send(ArrivalEvent::Audio { hash, at });
            }
            _ => {}
        }
    }

    fn give_out(&mut self, now: MonoTime, sink: &Sink<'_>) {
        let mut units = Vec::new();
        while let Some(packet) = self.reorder.pop(now) {
            self.depacketizer.push(&packet, &mut units);
        }
        let damaged = self.damaged_before + self.depacketizer.damaged();
        sink.counters
            .units_damaged
            .store(damaged, Ordering::Relaxed);
        for unit in units {
            let nal_units = unit.nal_units.iter().map(|nal| strip_trailing_zeros(nal));
            if let Some(arrival) = Arrival::of(nal_units, unit.at) {
                sink.unit(&unit);
                sink.send(ArrivalEvent::Video(Arrival {
                    rtp_time: Some(unit.rtp_time),
                    ..arrival
                }));
            }
        }
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify) without waiting for an answer.
    fn close(&mut self) {
        if self.rtc.close().is_err() {
            return;
        }
        for _ in 0..32 {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    let _ = self
                        .socket
                        .send_to(&transmit.contents, transmit.destination);
                }
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(_)) | Err(_) => return,
            }
        }
    }
}

/// How a read time-out looks on Unix, on Windows; and a datagram's ICMP refusal there.
fn is_wait(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
    )
}
