//! The managed MediaMTX with the real server and the real ffmpeg, on loopback. Skipped, and said so,
//! where one of the two is not found.

#![allow(clippy::unwrap_used)]

use pd_console::mediamtx::config::ManagedConfig;
use pd_console::mediamtx::{
    ApiError, Client, ManagedServer, Need, PathInfo, Ports, ServerError, locate,
};
use pd_console::publish::{Mode, PingError, ping, srt_url, stream_id};
use pd_console::stop::StopToken;
use secrecy::ExposeSecret;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The server's program; None (and a word) where there is none.
fn server_program() -> Option<PathBuf> {
    locate(None)
        .map_err(|error| println!("SKIPPED: {error}"))
        .ok()
}

fn runs(program: &str, argument: &str) -> bool {
    let found = Command::new(program).arg(argument).output().is_ok();
    if !found {
        println!("SKIPPED: {program} was not found");
    }
    found
}

fn start(bin: &std::path::Path) -> ManagedServer {
    ManagedServer::start(
        bin,
        &Need::default(),
        &StopToken::new(),
        Arc::new(|_, line| println!("{line}")),
    )
    .unwrap()
}

/// A child that is killed and reaped in any case.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Killed {
    fn ends_within(&mut self, time: Duration) -> Option<bool> {
        let until = Instant::now() + time;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status.success());
            }
            if Instant::now() > until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn publish(server: &ManagedServer, path: &str, user: &str, password: &str) -> Killed {
    let id = stream_id(Mode::Publish, path, user, password).unwrap();
    let url = srt_url(server.srt_addr(), 80);
    let arguments = "-v error -nostdin -re -f lavfi -i testsrc2=s=320x180:r=30 -re -f lavfi -i sine \
        -c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p -c:a libopus -f mpegts";
    let mut command = Command::new("ffmpeg");
    command
        .args(arguments.split_whitespace())
        .args(["-srt_streamid", &id, &url]);
    Killed(command.stderr(Stdio::null()).spawn().unwrap())
}

fn wait_online(server: &ManagedServer, path: &str) -> PathInfo {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(info) = server
            .client()
            .path(path)
            .unwrap()
            .filter(|info| info.online)
        {
            return info;
        }
        assert!(Instant::now() < until, "{path} did not come online");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_publisher_is_seen_and_wrong_ones_are_refused() {
    let Some(bin) = server_program() else { return };
    if !runs("ffmpeg", "-version") {
        return;
    }
    let mut server = start(&bin);
    assert!(server.is_running());
    let pong = ping(server.srt_addr(), Duration::from_secs(2)).unwrap();
    assert!(pong.version == 5 && pong.round_trip_ms < 1000.0, "{pong:?}");
    let password = server.password().expose_secret().to_owned();
    let _publisher = publish(&server, "pd_test", server.publish_user(), &password);
    let info = wait_online(&server, "pd_test");
    assert_eq!(info.tracks, ["H264", "Opus"]);
    assert_eq!(info.source.as_deref(), Some("srtConn"));
    let connections = server.client().srt_connections().unwrap();
    assert_eq!(connections.len(), 1, "{connections:?}");
    let ours = &connections[0];
    assert_eq!(
        (ours.state.as_str(), ours.path.as_str()),
        ("publish", "pd_test")
    );
    // 80 ms were asked for; the server's floor is 120.
    assert_eq!(ours.latency_ms, Some(120));
    assert!(ours.rtt_ms.is_some() && ours.bytes_received > 0, "{ours:?}");
    assert_eq!(server.client().webrtc_sessions().unwrap(), []);

    for (path, user, password) in [
        ("pd_other", server.publish_user(), "wrong"),
        ("pd_other", "", ""),
        ("other", server.publish_user(), password.as_str()),
    ] {
        let mut refused = publish(&server, path, user, password);
        // The server holds a refusal back for up to 4 s.
        assert_eq!(
            refused.ends_within(Duration::from_secs(10)),
            Some(false),
            "{path} {user}"
        );
        assert_eq!(
            server
                .client()
                .path(path)
                .unwrap()
                .filter(|info| info.online),
            None,
            "{path} {user}"
        );
    }
    let login =
        |user: &str, password: &str| Client::new(&server.api_url(), user, password).version();
    assert!(login(server.publish_user(), &password).is_ok());
    assert!(matches!(
        login(server.publish_user(), "wrong"),
        Err(ApiError::Unauthorised { .. })
    ));
    assert!(matches!(login("", ""), Err(ApiError::Unauthorised { .. })));
    // The WebRTC port in place of the API's: a likely mistake.
    let mistaken = Client::new(&server.webrtc_url(), "", "").version();
    assert!(
        matches!(mistaken, Err(ApiError::NotFound { .. })),
        "{mistaken:?}"
    );
}

#[test]
fn nothing_is_left_after_stop() {
    let Some(bin) = server_program() else { return };
    let mut server = start(&bin);
    let mut second = start(&bin);
    let (ports, others) = (server.ports(), second.ports());
    assert!(ports.srt != others.srt && ports.api != others.api && ports.ice != others.ice);
    let started = Instant::now();
    server.stop();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert!(!server.is_running());
    #[cfg(target_os = "linux")]
    assert!(!std::path::Path::new(&format!("/proc/{}", server.pid())).exists());
    UdpSocket::bind(("127.0.0.1", ports.srt)).unwrap();
    TcpListener::bind(("127.0.0.1", ports.api)).unwrap();
    assert!(matches!(
        server.client().path("pd_x"),
        Err(ApiError::Unreachable { .. })
    ));
    assert!(ping(server.srt_addr(), Duration::from_millis(500)).is_err());
    // The other one is not touched.
    assert!(second.is_running() && second.client().version().is_ok());
}

#[cfg(unix)]
#[test]
fn a_killed_server_is_seen_and_can_be_started_again() {
    use rustix::process::{Pid, Signal, kill_process};
    let Some(bin) = server_program() else { return };
    let mut server = start(&bin);
    kill_process(Pid::from_raw(server.pid() as i32).unwrap(), Signal::KILL).unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    while server.is_running() {
        assert!(Instant::now() < until, "its end was not seen");
        std::thread::sleep(Duration::from_millis(10));
    }
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(start(&bin).is_running());
}

#[test]
fn a_taken_port_is_told_in_the_servers_words() {
    let Some(bin) = server_program() else { return };
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut config = ManagedConfig::generate(&Need::default()).unwrap();
    config.ports = Ports {
        srt: taken.local_addr().unwrap().port(),
        ..config.ports
    };
    let log: pd_console::mediamtx::server::OnLog = Arc::new(|_, _| {});
    let error = ManagedServer::start_with(&bin, config, &StopToken::new(), &log)
        .err()
        .unwrap();
    assert!(matches!(error, ServerError::Exited { .. }), "{error}");
    assert!(
        error.to_string().contains("address already in use"),
        "{error}"
    );
}

/// What a process listens at, by the kernel: protocol, address and port (proc_pid_net(5); addresses stand in the
/// machine's byte order there).
#[cfg(target_os = "linux")]
fn listens_at(pid: u32) -> Vec<(&'static str, std::net::SocketAddr)> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    let sockets: Vec<String> = links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.replace(']', "")))
        .collect();
    let mut all = Vec::new();
    // State 0A is LISTEN, 07 an unconnected datagram socket.
    for (name, state) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields[3] != state || !sockets.iter().any(|inode| inode == fields[9]) {
                continue;
            }
            let (ip, port) = fields[1].split_once(':').unwrap();
            let words = ip.as_bytes().chunks(8).flat_map(|word| {
                let word = u32::from_str_radix(std::str::from_utf8(word).unwrap(), 16).unwrap();
                word.to_ne_bytes()
            });
            let bytes: Vec<u8> = words.collect();
            let ip: IpAddr = match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(four) => Ipv4Addr::from(four).into(),
                Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap()).into(),
            };
            let port = u16::from_str_radix(port, 16).unwrap();
            all.push((&name[..3], (ip, port).into()));
        }
    }
    all
}

/// Its configuration is ours, but what is not in it has defaults of the server's release, and an unknown one would open
/// a port: so the kernel is asked. Beyond this machine it can be reached at nothing, or with `viewer.lan` at the port of
/// media, where nobody gets any without a session that was asked for on loopback.
#[cfg(target_os = "linux")]
#[test]
fn nothing_of_it_listens_beyond_loopback_but_media_where_the_network_may_watch() {
    let Some(bin) = server_program() else { return };
    for lan in [false, true] {
        let need = Need {
            path: "pd_test".into(),
            lan,
            ..Need::default()
        };
        let log: pd_console::mediamtx::server::OnLog = Arc::new(|_, line| println!("{line}"));
        let server = ManagedServer::start(&bin, &need, &StopToken::new(), log).unwrap();
        let ports = server.ports();
        let all = listens_at(server.pid());
        println!("lan {lan}: {all:?}");
        // Each of ours is seen, or the test would see nothing.
        for (name, port) in [
            ("udp", ports.srt),
            ("tcp", ports.rtsp),
            ("tcp", ports.webrtc),
            ("tcp", ports.api),
            ("udp", ports.ice),
            ("tcp", ports.ice),
        ] {
            let seen = all
                .iter()
                .any(|(kind, at)| (*kind, at.port()) == (name, port));
            assert!(seen, "no {name} port {port} in {all:?}");
        }
        for (name, at) in all {
            let is_media = at.port() == ports.ice;
            assert_eq!(
                at.ip().is_loopback(),
                !(lan && is_media),
                "lan {lan}: {name} {at}"
            );
        }
    }
}

/// A browser on this machine may join without a login, and gets loopback addresses only.
#[cfg(feature = "probe")]
#[test]
fn a_viewer_is_offered_loopback_addresses_only() {
    use str0m::media::{Direction, MediaKind};
    let Some(bin) = server_program() else { return };
    if !runs("ffmpeg", "-version") {
        return;
    }
    let server = start(&bin);
    let password = server.password().expose_secret().to_owned();
    let _publisher = publish(&server, "pd_test", server.publish_user(), &password);
    wait_online(&server, "pd_test");
    let mut rtc = str0m::Rtc::new(Instant::now());
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    let (offer, _) = changes.apply().unwrap();
    let mut response = ureq::post(server.whep_url("pd_test"))
        .header("Content-Type", "application/sdp")
        .header("Origin", "http://other.example")
        .send(offer.to_sdp_string())
        .unwrap();
    assert_eq!(response.status(), 201);
    assert!(
        response
            .headers()
            .get("Access-Control-Allow-Origin")
            .is_none()
    );
    let answer = response.body_mut().read_to_string().unwrap();
    let candidates: Vec<&str> = answer
        .lines()
        .filter(|l| l.starts_with("a=candidate:"))
        .collect();
    assert!(candidates.len() >= 2, "{answer}");
    assert!(
        candidates.iter().all(|line| line.contains(" 127.0.0.1 ")),
        "{candidates:?}"
    );
    assert!(
        answer.contains("H264") && answer.to_lowercase().contains("opus"),
        "{answer}"
    );
}

#[test]
fn other_srt_listeners_answer_a_ping_too() {
    let port = || {
        UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    };
    let listener = |address: std::net::SocketAddr| format!("srt://{address}?mode=listener");
    let mut tried = Vec::new();
    if runs("srt-live-transmit", "-version") {
        let address = port();
        let arguments = ["-q".to_owned(), listener(address), "file://con".to_owned()];
        tried.push((address, "srt-live-transmit", arguments.to_vec()));
    }
    if runs("ffmpeg", "-version") {
        let address = port();
        let arguments = [
            "-v",
            "error",
            "-nostdin",
            "-i",
            &listener(address),
            "-f",
            "null",
            "-",
        ];
        tried.push((address, "ffmpeg", arguments.map(str::to_owned).to_vec()));
    }
    for (address, program, arguments) in tried {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let _listener = Killed(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(10);
        let pong = loop {
            match ping(address, Duration::from_millis(500)) {
                Ok(pong) => break pong,
                // Not yet listening.
                Err(PingError::Closed { .. }) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => panic!("{program}: {error}"),
            }
        };
        println!("{program}: {pong:?}");
        assert_eq!(pong.version, 5, "{program}");
    }
}
