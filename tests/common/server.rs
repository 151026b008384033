//! A MediaMTX of someone else's: on ports of its own that it keeps, killed and started again as a
//! test wants, with an API and WebRTC.

use super::{Killed, free_tcp_port, free_udp_port, start_mediamtx, wait_until};
use pd_console::mediamtx::{Client, PathInfo, SrtConnection};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server that can be killed and be back.
pub struct OwnServer {
    program: PathBuf,
    config: String,
    running: Option<(Killed, tempfile::TempDir)>,
    /// SRT (UDP).
    pub srt: u16,
    /// HTTP API (TCP).
    pub api: u16,
    /// WHIP and WHEP (TCP).
    pub webrtc: u16,
}

impl OwnServer {
    /// Starts it with these paths (YAML below `paths:`).
    pub fn start(program: &Path, paths: &str) -> Self {
        let (srt, udp) = (free_udp_port(), free_udp_port());
        let (api, webrtc) = (free_tcp_port(), free_tcp_port());
        let config = format!(
            "logLevel: warn\nrtsp: no\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{srt}\n\
             api: yes\napiAddress: 127.0.0.1:{api}\n\
             webrtc: yes\nwebrtcAddress: 127.0.0.1:{webrtc}\n\
             webrtcLocalUDPAddress: 127.0.0.1:{udp}\nwebrtcIPsFromInterfaces: no\n\
             webrtcAdditionalHosts: [127.0.0.1]\npaths:\n{paths}"
        );
        let mut server = Self {
            program: program.to_owned(),
            config,
            running: None,
            srt,
            api,
            webrtc,
        };
        server.back();
        server
    }

    /// A path that keeps its viewers when its publisher goes.
    pub fn always_available(path: &str) -> String {
        format!(
            "  {path}:\n    alwaysAvailable: yes\n    alwaysAvailableTracks:\n\
             \x20   - codec: H264\n    - codec: Opus\n"
        )
    }

    /// kill -9; when.
    pub fn kill(&mut self) -> Instant {
        self.running = None;
        Instant::now()
    }

    /// Starts it again on the same ports; when it answered.
    pub fn back(&mut self) -> Instant {
        self.running = Some(start_mediamtx(&self.program, &self.config));
        let listens = || {
            UdpSocket::bind(("127.0.0.1", self.srt)).is_err()
                && TcpStream::connect(("127.0.0.1", self.api)).is_ok()
        };
        assert!(wait_until(Duration::from_secs(10), listens), "no server");
        Instant::now()
    }

    /// The console's words for it as `target` (or `backup.target`).
    /// By SRT push; the other ways have tests of their own.
    pub fn words(&self, target: &str, path: &str, srt_port: u16) -> String {
        let (api, webrtc) = (self.api, self.webrtc);
        format!(
            " --set {target}.kind=Srt --set {target}.host=127.0.0.1 \
             --set {target}.srt_port={srt_port} --set {target}.path={path} \
             --set {target}.api_url=http://127.0.0.1:{api} \
             --set {target}.webrtc_url=http://127.0.0.1:{webrtc} --set {target}.way=SrtPush "
        )
    }

    /// Where a viewer of `path` joins.
    pub fn whep_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}/whep", self.webrtc)
    }

    /// What the API says of `path`.
    pub fn path(&self, path: &str) -> Option<PathInfo> {
        self.client().path(path).ok().flatten()
    }

    /// Its SRT connections.
    pub fn connections(&self) -> Vec<SrtConnection> {
        self.client().srt_connections().unwrap()
    }

    /// For how long its SRT receiver holds what the publisher of `path` sends, ms; None where it does not
    /// answer or has none.
    pub fn holds_ms(&self, path: &str) -> Option<f64> {
        holds_ms(&self.client(), path)
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.api), "", "")
    }
}

/// As [`OwnServer::holds_ms`], by this client of its API.
pub fn holds_ms(client: &Client, path: &str) -> Option<f64> {
    let all = client.srt_connections().ok()?;
    let publisher = all
        .iter()
        .find(|one| one.state == "publish" && one.path == path);
    publisher?.buffer_ms
}
