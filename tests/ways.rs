//! Every way into a real MediaMTX: does the stream arrive unchanged, is the fastest taken, is a way that does
//! not work left with its reason, and is nothing left on the server?
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Ended, Plan};
use common::{
    Killed, alone, ffmpegs, free_tcp_port, free_udp_port, mediamtx, programs, start_mediamtx,
    wait_until,
};
use pd_console::ffmpeg::capabilities;
use pd_console::mediamtx::Client;
use rustix::process::Signal;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PASSWORD: &str = "se;c@ret+1#";
const PATTERN: &str = "live --defaults --source pattern --audio tone --json --host 127.0.0.1 \
    --set video.size.width=640 --set video.size.height=360 --set target.user=pd";

const PATTERN_ALONE: &str =
    "live --defaults --source pattern --audio tone --json --set video.size=640x360";
/// Before a caller's own time for a connection is over.
const SOON: Duration = Duration::from_secs(5);

/// A MediaMTX with every way open to the user `pd`, on free ports.
struct Server {
    srt: u16,
    rtsp: u16,
    webrtc: u16,
    udp: u16,
    api: u16,
    process: Option<(Killed, tempfile::TempDir)>,
}

impl Server {
    fn start(program: &Path) -> Self {
        let mut server = Self {
            srt: free_udp_port(),
            rtsp: free_tcp_port(),
            webrtc: free_tcp_port(),
            udp: free_udp_port(),
            api: free_tcp_port(),
            process: None,
        };
        let config = format!(
            "logLevel: info\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{}\nrtsp: yes\n\
             rtspTransports: [tcp]\nrtspAddress: 127.0.0.1:{}\nwebrtc: yes\nwebrtcAddress: 127.0.0.1:{}\n\
             webrtcLocalUDPAddress: 127.0.0.1:{}\nwebrtcLocalTCPAddress: ''\nwebrtcIPsFromInterfaces: no\n\
             webrtcAdditionalHosts: [127.0.0.1]\nwebrtcICEServers2: []\napi: yes\napiAddress: 127.0.0.1:{}\n\
             authInternalUsers:\n  - user: pd\n    pass: '{PASSWORD}'\n    permissions:\n      \
             - action: publish\n      - action: api\n  - user: any\n    permissions:\n      \
             - action: read\npaths:\n  pd_udp:\n    source: udp+mpegts://127.0.0.1:{}\n  pd_set:\n  \
             all_others:\n",
            server.srt,
            server.rtsp,
            server.webrtc,
            free_udp_port(),
            server.api,
            server.udp
        );
        server.process = Some(start_mediamtx(program, &config));
        let client = server.client();
        let ready = || client.version().is_ok();
        assert!(wait_until(Duration::from_secs(10), ready), "no MediaMTX");
        server
    }

    fn client(&self) -> Client {
        Client::new(&format!("127.0.0.1:{}", self.api), "pd", PASSWORD)
    }

    /// The console on `path`, with the API's address or without.
    fn plan(&self, ffmpeg: &Path, path: &str, with_api: bool, more: &str) -> Plan {
        let api = if with_api {
            self.api.to_string()
        } else {
            String::new()
        };
        let api = if with_api {
            format!("--set target.api_url=http://127.0.0.1:{api}")
        } else {
            String::new()
        };
        let words = format!(
            "{PATTERN} --set target.srt_port={} --set target.webrtc_url=http://127.0.0.1:{} \
             --set target.udp_port={} --set target.path={path} {api} {more}",
            self.srt, self.webrtc, self.udp
        );
        Plan::new(ffmpeg, &words).env("PD_CONSOLE_PASSWORD", PASSWORD)
    }

    /// Paths that the configuration has by name and that are a console's.
    fn pulled(&self) -> Vec<String> {
        let all = self.client().configured_sources().unwrap();
        let consoles = all
            .into_iter()
            .filter(|(_, source)| source.contains("pd-console-pull"));
        consoles.map(|(name, _)| name).collect()
    }
}

fn has_whip(ffmpeg: &Path) -> bool {
    let found = capabilities::look(Some(ffmpeg)).unwrap();
    found.capabilities.muxers.contains("whip")
}

fn result(ended: &Ended) -> serde_json::Value {
    assert!(ended.status.success(), "{}", ended.stderr);
    for text in [&ended.stdout, &ended.stderr] {
        for secret in [PASSWORD, "se%3Bc%40ret%2B1%23"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "left running: {left:?}");
    ended.json()
}

#[test]
fn each_way_arrives_unchanged_and_leaves_nothing() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    let server = Server::start(&program);
    for ffmpeg in ffmpegs() {
        let mut ways = vec![
            ("SrtPush", "pd_a"),
            ("SrtPull", "pd_b"),
            ("Rtsp", "pd_c"),
            ("Udp", "pd_udp"),
        ];
        if has_whip(&ffmpeg) {
            ways.push(("Whip", "pd_d"));
        }
        for (way, path) in ways {
            let rtsp = server.rtsp;
            // The server's UDP source rests for 5 s after 10 s without a packet, and the probe looks
            // again each second.
            let seconds = if way == "Udp" { 5 } else { 2 };
            let more = format!(
                "--quiet --seconds {seconds} --set target.way={way} --set target.rtsp_port={rtsp}"
            );
            let run = || {
                let plan = server.plan(&ffmpeg, path, true, &more);
                result(&plan.run(Duration::from_secs(40)))
            };
            let mut json = run();
            // Bare UDP into the server: nobody sends a datagram again that a busy machine dropped, and the
            // server numbers what is left anew, so that a picture comes whole but is not ours. Who encodes
            // again does so in the second run too.
            if matches!(way, "Whip" | "Udp") && json["passthrough"] != 1.0 {
                println!("{way}: once more after {}", json["arrivals"]);
                json = run();
            }
            let arrived = &json["latency"]["arrived"];
            println!(
                "{} {way}: {} / {} ms, {} pictures, latency {}",
                ffmpeg.display(),
                arrived["p50_ms"],
                arrived["p95_ms"],
                json["arrivals"]["matched"],
                json["srt_latency_ms"]
            );
            assert_eq!(json["way"], way);
            assert_eq!(json["confirmed_online"], true, "{way}");
            assert_eq!(json["passthrough"], 1.0, "{way}: {json}");
            assert!(
                json["arrivals"]["matched"].as_u64().unwrap() > 10,
                "{way}: {json}"
            );
            assert_eq!(json["sound_passthrough"], 1.0, "{way}: {json}");
            let opus = json["sound_arrivals"]["matched"].as_u64().unwrap();
            assert!(opus > 50, "{way}: {json}");
            if way == "SrtPush" {
                // Three round trips of loopback are 20 ms at least; the server's floor is 120.
                assert_eq!(json["srt_latency_ms"]["asked"], 20);
                assert_eq!(json["srt_latency_ms"]["in_force"], 120);
            }
            assert_eq!(server.pulled(), [""; 0], "{way}");
        }
    }
}

#[test]
fn a_file_is_written_and_no_server_asked() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a show.ts");
        let link = folder.path().join("show.ts");
        let words = format!(
            "live --defaults --source pattern --audio tone --json --quiet --seconds 1 \
             --set target.way=File --set target.file={}",
            link.display()
        );
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let json = result(&Plan::new(&ffmpeg, &words).run(Duration::from_secs(40)));
        assert_eq!(
            (&json["way"], &json["confirmed_online"]),
            (&"File".into(), &false.into())
        );
        let probe = common::output(
            std::process::Command::new("ffprobe")
                .args([
                    "-v",
                    "error",
                    "-show_entries",
                    "stream=codec_name",
                    "-of",
                    "csv=p=0",
                ])
                .arg(&file),
        );
        let probe = String::from_utf8(probe).unwrap();
        assert!(probe.contains("h264") && probe.contains("opus"), "{probe}");
    }
}

#[test]
fn the_fastest_is_taken_and_what_fails_is_left_with_its_reason() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    let server = Server::start(&program);
    for ffmpeg in ffmpegs() {
        let run = |path: &str, with_api: bool, more: &str| {
            let more = format!("--quiet --seconds 1 {more}");
            let plan = server.plan(&ffmpeg, path, with_api, &more);
            result(&plan.run(Duration::from_secs(60)))
        };
        let json = run("pd_a", true, "");
        assert_eq!(
            (&json["way"], &json["way_fallback"]),
            (&"Rtsp".into(), &().into())
        );
        // The API is off: what the server offers is not known.
        let json = run("pd_a", false, "");
        assert_eq!(json["way"], "SrtPush");
        assert!(
            json["ways"].to_string().contains("target.api_url"),
            "{json}"
        );
        // The RTSP port is closed, and the path's configuration is the server's own: no pull.
        let closed = format!("--set target.rtsp_port={}", free_tcp_port());
        let json = run("pd_set", true, &closed);
        let next = if has_whip(&ffmpeg) { "Whip" } else { "SrtPush" };
        assert_eq!(json["way"], next);
        let why = json["way_fallback"].as_str().unwrap();
        assert!(why.contains("RTSP: nothing listens for RTSP"), "{why}");
        let ways = json["ways"].to_string();
        assert!(ways.contains("has the path pd_set itself"), "{ways}");
        assert_eq!(ways.contains("no WHIP muxer"), next == "SrtPush", "{ways}");
    }
}

#[test]
fn a_wrong_password_is_a_refusal_on_every_way() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    let server = Server::start(&program);
    for ffmpeg in ffmpegs() {
        let mut ways = vec!["SrtPush", "SrtPull", "Rtsp"];
        if has_whip(&ffmpeg) {
            ways.push("Whip");
        }
        for way in ways {
            let more = format!(
                "--seconds 2 --set target.way={way} --set target.rtsp_port={}",
                server.rtsp
            );
            let plan = server.plan(&ffmpeg, "pd_a", way == "SrtPull", &more);
            let ended = plan
                .env("PD_CONSOLE_PASSWORD", "wrong-word")
                .run(Duration::from_secs(40));
            assert_eq!(ended.status.code(), Some(7), "{way}: {}", ended.stderr);
            let last = ended.stderr.lines().last().unwrap();
            assert!(
                last.contains("refuses") && last.contains("password"),
                "{way}: {last}"
            );
            assert!(!ended.stderr.contains("wrong-word"), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_killed_consoles_pull_path_goes_with_the_next_start() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    let server = Server::start(&program);
    for ffmpeg in ffmpegs() {
        let pulls = server.plan(&ffmpeg, "pd_a", true, "--set target.way=SrtPull");
        let console = pulls.start();
        console.wait_live(1);
        assert_eq!(server.pulled(), ["pd_a"]);
        console.signal(Signal::KILL);
        console.end_within(Duration::from_secs(5));
        assert_eq!(server.pulled(), ["pd_a"], "nobody is left to take it away");
        // On another path, by another way.
        let next = server.plan(
            &ffmpeg,
            "pd_b",
            true,
            "--seconds 1 --set target.way=SrtPush",
        );
        let ended = next.run(Duration::from_secs(40));
        result(&ended);
        assert!(ended.stderr.contains("path pd_a"), "{}", ended.stderr);
        assert_eq!(server.pulled(), [""; 0]);
    }
}

#[test]
fn of_two_consoles_that_have_one_path_pulled_the_second_has_it_undisturbed() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = Server::start(&program);
    let pulls = |more: &str| {
        let more = format!("--set target.way=SrtPull {more}");
        server.plan(&ffmpeg, "pd_a", true, &more).start()
    };
    let ours = pulls("");
    ours.wait_live(1);
    let theirs = pulls("--take-over");
    theirs.wait_live(1);
    ours.wait_for("another publisher (", 1, Duration::from_secs(8));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(theirs.count("connecting again"), 0, "{}", theirs.stderr());
    theirs.signal(Signal::TERM);
    result(&theirs.end_within(Duration::from_secs(10)));
    ours.wait_live(2);
    ours.signal(Signal::TERM);
    result(&ours.end_within(Duration::from_secs(10)));
    assert_eq!(server.pulled(), [""; 0]);
}

#[test]
fn a_way_that_breaks_three_times_while_live_is_left_loudly() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = Server::start(&program);
    let client = server.client();
    // Neither WHIP nor pull: SRT push is next.
    let console = server
        .plan(&ffmpeg, "pd_set", true, "--set target.rtsp_port=0")
        .start();
    let mut kicked = Vec::new();
    for times in 1..=3 {
        console.wait_live(times);
        // The server may still show the one before.
        let kick = || {
            let publisher = client.path("pd_set").unwrap().unwrap_or_default();
            let id = publisher.source_id.unwrap_or_default();
            let is_rtsp = publisher.source.as_deref() == Some("rtspSession");
            let is_new = is_rtsp && !kicked.contains(&id);
            let done = is_new && client.kick("rtspSession", &id) == Ok(true);
            kicked.extend(done.then_some(id));
            done
        };
        let done = wait_until(Duration::from_secs(4), kick);
        assert!(done, "{}", console.stderr());
    }
    let next = if has_whip(&ffmpeg) {
        "WHIP"
    } else {
        "SRT push"
    };
    console.wait_for(&format!("Going on by {next}"), 1, Duration::from_secs(20));
    console.wait_live(4);
    console.signal(Signal::TERM);
    let json = result(&console.end_within(Duration::from_secs(10)));
    assert!(
        json["way_fallback"].as_str().unwrap().starts_with("RTSP: "),
        "{json}"
    );
}

/// An ffmpeg whose first child with `mark` among its arguments stands still until its port is taken.
struct Robbed {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Robbed {
    fn new(ffmpeg: &Path, mark: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ffmpeg");
        let script = format!(
            "#!/bin/sh\ncd '{}' || exit 1\ncase \"$*\" in *{mark}*)\n\
             if mkdir first 2>/dev/null; then echo \"$*\" >new; mv new asked\n\
             until [ -e taken ]; do sleep 0.02; done; fi;; esac\nexec '{}' \"$@\"\n",
            folder.path().display(),
            ffmpeg.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, program }
    }

    /// Takes the port that the first was given.
    fn take(&self) -> UdpSocket {
        let file = self.folder.path().join("asked");
        let asked = || file.exists();
        assert!(wait_until(Duration::from_secs(20), asked), "never started");
        let words = std::fs::read_to_string(file).unwrap();
        let (_, address) = words.split_once("srt://127.0.0.1:").unwrap();
        let port = address.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        let socket = UdpSocket::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
        std::fs::write(self.folder.path().join("taken"), "").unwrap();
        socket
    }

    /// Has the port until the console is live with another.
    fn while_it_goes_live(&self, console: Console) -> Ended {
        let socket = self.take();
        console.wait_for("a port was taken by another program", 1, SOON);
        console.wait_live(1);
        drop(socket);
        console.signal(Signal::TERM);
        console.end_within(Duration::from_secs(10))
    }
}

/// A port is chosen free and bound by a child some time later: what else starts on the machine may have it by then.
#[test]
fn a_listeners_port_that_is_taken_meanwhile_is_replaced() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    // The receiver without MediaMTX.
    let robbed = Robbed::new(&ffmpeg, "\"-mode listener\"");
    let console = Plan::new(&robbed.program, PATTERN_ALONE).start();
    let ended = robbed.while_it_goes_live(console);
    result(&ended);
    for wrong in ["nothing listens", "is lost"] {
        assert!(!ended.stderr.contains(wrong), "{}", ended.stderr);
    }
    // The listener that the server is to call.
    let Some(program) = mediamtx() else { return };
    let server = Server::start(&program);
    let robbed = Robbed::new(&ffmpeg, "\"mode=listener\"");
    let more = "--set target.way=SrtPull";
    let console = server.plan(&robbed.program, "pd_a", true, more).start();
    let ended = robbed.while_it_goes_live(console);
    let json = result(&ended);
    assert_eq!(json["way"], "SrtPull", "{}", ended.stderr);
    assert_eq!(server.pulled(), [""; 0]);
}
