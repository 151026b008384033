//! Free loopback ports for the managed server.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Ports of a managed server, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// SRT, UDP.
    pub srt: u16,
    /// RTSP, TCP.
    pub rtsp: u16,
    /// WebRTC pages and signalling (WHEP), TCP.
    pub webrtc: u16,
    /// API, TCP.
    pub api: u16,
    /// WebRTC media (ICE), UDP and TCP.
    pub ice: u16,
}

impl Ports {
    /// MediaMTX's own defaults, which operators know.
    pub const DEFAULT: Self = Self {
        srt: 8890,
        rtsp: 8554,
        webrtc: 8889,
        api: 9997,
        ice: 8189,
    };

    /// The defaults where each is free, else free ones by the system. A port can be lost between
    /// here and the server's start; the server then says so and is started again with others.
    ///
    /// # Errors
    /// Where the system has no free port.
    pub fn choose() -> io::Result<Self> {
        Self::choose_from(Self::DEFAULT)
    }

    fn choose_from(wanted: Self) -> io::Result<Self> {
        // All are held until all are chosen, so that no two get the same.
        let (srt, srt_port) = first_free(wanted.srt, udp)?;
        let (rtsp, rtsp_port) = first_free(wanted.rtsp, tcp)?;
        let (webrtc, webrtc_port) = first_free(wanted.webrtc, tcp)?;
        let (api, api_port) = first_free(wanted.api, tcp)?;
        let (ice, ice_port) = first_free(wanted.ice, |port| {
            let (socket, port) = udp(port)?;
            let (listener, port) = tcp(port)?;
            Ok(((socket, listener), port))
        })?;
        drop((srt, rtsp, webrtc, api, ice));
        Ok(Self {
            srt: srt_port,
            rtsp: rtsp_port,
            webrtc: webrtc_port,
            api: api_port,
            ice: ice_port,
        })
    }
}

/// Tries `wanted`, then what the system gives.
fn first_free<T>(wanted: u16, bind: impl Fn(u16) -> io::Result<(T, u16)>) -> io::Result<(T, u16)> {
    let mut result = bind(wanted);
    // Several tries: a port free for UDP can be taken for TCP.
    for _ in 0..16 {
        if result.is_ok() {
            break;
        }
        result = bind(0);
    }
    result
}

fn udp(port: u16) -> io::Result<(UdpSocket, u16)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}

fn tcp(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_wishes_are_kept_and_taken_ones_replaced() {
        // Ports of the system's choice stand in for the defaults, which may be taken here.
        let wanted = Ports::choose_from(Ports {
            srt: 0,
            rtsp: 0,
            webrtc: 0,
            api: 0,
            ice: 0,
        })
        .unwrap();
        let all = [
            wanted.srt,
            wanted.rtsp,
            wanted.webrtc,
            wanted.api,
            wanted.ice,
        ];
        assert!(all.iter().all(|port| *port != 0), "{wanted:?}");
        let (_taken_udp, srt) = udp(0).unwrap();
        let (_taken_tcp, ice) = tcp(0).unwrap();
        let chosen = Ports::choose_from(Ports { srt, ice, ..wanted }).unwrap();
        assert_eq!((chosen.webrtc, chosen.api), (wanted.webrtc, wanted.api));
        assert!(chosen.srt != srt && chosen.ice != ice, "{chosen:?}");
        assert_ne!(chosen.webrtc, chosen.api);
    }
}
