//! The shipped server files, as they are but for ports and the origin's address, on the real server:
//! what the console publishes comes out of the origin and of an edge byte for byte.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

use common::console::Plan;
use common::{Killed, alone, free_tcp_port, free_udp_port, mediamtx, programs, wait_until};
use rustix::process::Signal;
use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ORIGIN: &str = include_str!("../settings/mediamtx.yml");
const EDGE: &str = include_str!("../settings/mediamtx-edge.yml");

struct Ports {
    srt: u16,
    rtsp: u16,
    webrtc: u16,
    api: u16,
}

/// The server with this file; its ports come by the environment, so that the file is tried as it is.
fn start(program: &Path, config: &str) -> (Killed, Ports, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mediamtx.yml");
    std::fs::write(&file, config).unwrap();
    let ports = Ports {
        srt: free_udp_port(),
        rtsp: free_tcp_port(),
        webrtc: free_tcp_port(),
        api: free_tcp_port(),
    };
    let here = |port: u16| format!("127.0.0.1:{port}");
    let media = here(free_udp_port());
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let server = Command::new(program)
        .arg(&file)
        .current_dir(folder.path())
        .env("MTX_SRTADDRESS", here(ports.srt))
        .env("MTX_RTSPADDRESS", here(ports.rtsp))
        .env("MTX_WEBRTCADDRESS", here(ports.webrtc))
        .env("MTX_APIADDRESS", here(ports.api))
        .env("MTX_WEBRTCLOCALUDPADDRESS", &media)
        .env("MTX_WEBRTCLOCALTCPADDRESS", &media)
        .env("MTX_WEBRTCADDITIONALHOSTS", "127.0.0.1")
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    let mut server = Killed(server.unwrap());
    let up = wait_until(Duration::from_secs(10), || {
        std::net::TcpStream::connect(("127.0.0.1", ports.api)).is_ok()
    });
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(up && server.0.try_wait().unwrap().is_none(), "{log}");
    // Deprecated or misspelt keys are told there.
    assert!(!log.contains(" WAR ") && !log.contains("ERR"), "{log}");
    (server, ports, folder)
}

/// ffmpeg that writes a hash of each video packet that it reads at `url`, for some seconds.
fn packets(ffmpeg: &Path, url: &str) -> Child {
    let arguments = "-v error -nostdin -rtsp_transport tcp -fflags nobuffer -t 4";
    Command::new(ffmpeg)
        .args(arguments.split(' '))
        .args([
            "-i",
            url,
            "-map",
            "0:v",
            "-c",
            "copy",
            "-f",
            "framehash",
            "-",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn hashes(child: Child) -> HashSet<String> {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Stream, decoding time, presentation time, duration, size, hash, and side data behind them.
    let of_line = |line: &str| line.split(',').nth(5).unwrap().trim().to_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let all: HashSet<String> = lines.map(of_line).collect();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(all.len() > 20, "{} packets: {error}", all.len());
    all
}

#[test]
fn the_show_passes_origin_and_edge_untouched() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let (_origin, origin, _of_origin) = start(&program, ORIGIN);
    let at_origin = format!("ORIGIN:{}", 8554);
    assert!(EDGE.contains(&at_origin));
    let edge = EDGE.replace(&at_origin, &format!("127.0.0.1:{}", origin.rtsp));
    let (_edge, edge, _of_edge) = start(&program, &edge);
    let words = format!(
        "live --defaults --source pattern --audio tone --json --quiet --host 127.0.0.1 \
         --set target.srt_port={} --set target.user=producer --set viewer.on=false \
         --set target.api_url=http://127.0.0.1:{} --set target.webrtc_url=http://127.0.0.1:{} \
         --set video.size=640x360 --bitrate 1000 --set encoder.family=Libx264",
        origin.srt, origin.api, origin.webrtc
    );
    let console = Plan::new(&ffmpeg, &words)
        .env("PD_CONSOLE_PASSWORD", "CHANGE-ME-publish")
        .start();
    let client = pd_console::mediamtx::Client::new(
        &format!("http://127.0.0.1:{}", origin.api),
        "producer",
        "CHANGE-ME-publish",
    );
    let online = wait_until(Duration::from_secs(30), || {
        client
            .path("pd_main")
            .is_ok_and(|path| path.is_some_and(|path| path.online))
    });
    assert!(online, "{:?}\n{}", client.path("pd_main"), console.stderr());
    let url = |user: &str, port: u16| format!("rtsp://{user}127.0.0.1:{port}/pd_main");
    // The edge pulls on demand: its first viewer waits for that, then both are read at once.
    let first = packets(&ffmpeg, &url("", edge.rtsp));
    assert!(!hashes(first).is_empty());
    let children = [
        packets(&ffmpeg, &url("viewer:CHANGE-ME-view@", origin.rtsp)),
        packets(&ffmpeg, &url("", edge.rtsp)),
    ];
    let [from_origin, from_edge] = children.map(hashes);
    let same = from_origin.intersection(&from_edge).count();
    println!(
        "packets: origin {}, edge {}, the same {same}",
        from_origin.len(),
        from_edge.len()
    );
    assert!(2 * same > from_edge.len(), "{same} of {}", from_edge.len());
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-rtsp_transport", "tcp", "-show_entries"])
        .args(["stream=codec_name,width,channels", "-of", "csv=p=0"])
        .arg(url("", edge.rtsp))
        .output()
        .unwrap();
    let streams = String::from_utf8_lossy(&probe.stdout);
    assert_eq!(streams.trim(), "h264,640\nopus,2", "{probe:?}");
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(15));
    let result = ended.json();
    assert_eq!(result["confirmed_online"], true, "{result}");
    assert_eq!(result["passthrough"], 1.0, "{result}");
    assert!(
        result["arrivals"]["matched"].as_u64().unwrap() > 60,
        "{result}"
    );
    // The show is over, the path is there still: for its viewers, not for the console.
    let path = client.path("pd_main").unwrap().unwrap();
    assert!(!path.online, "{path:?}");
}

#[test]
fn strangers_and_wrong_paths_are_refused() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    let (_origin, origin, _folder) = start(&program, ORIGIN);
    use pd_console::mediamtx::{ApiError, Client};
    let api = format!("http://127.0.0.1:{}", origin.api);
    let refused = Client::new(&api, "", "").version();
    assert!(
        matches!(refused, Err(ApiError::Unauthorised { .. })),
        "{refused:?}"
    );
    let status = |path: &str, kind: &str| {
        let url = format!("http://127.0.0.1:{}/{path}/{kind}", origin.webrtc);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let answer = agent
            .post(url)
            .header("Content-Type", "application/sdp")
            .send("v=0");
        answer.unwrap().status().as_u16()
    };
    assert_eq!(
        status("pd_main", "whip"),
        401,
        "publishing needs the password"
    );
    assert_eq!(status("other", "whep"), 400, "there is no other path");
}
