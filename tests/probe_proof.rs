//! What the probe proves and what it says: a server that encodes again is named and no latency made
//! up for it; a probe can be off, comes by itself and comes back by itself.
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::server::OwnServer;
use common::{alone, free_tcp_port, free_udp_port, in_path, programs, start_mediamtx, wait_until};
use std::net::TcpStream;
use std::time::Duration;

const PATTERN: &str = "live --defaults --source pattern --audio tone --json --host 127.0.0.1 \
    --set video.size.width=640 --set video.size.height=360";

/// The console publishes to `PATH`; the server has ffmpeg encode that again, as `again/PATH`, and that
/// is what viewers (and so the probe) are given.
#[test]
fn a_server_that_encodes_again_is_named_and_no_latency_is_made_up() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    // On the server's side, so always the system's.
    let transcoder = in_path("ffmpeg").unwrap();
    let (srt, udp) = (free_udp_port(), free_udp_port());
    let (rtsp, webrtc, api) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
    let at = |path: &str| format!("rtsp://127.0.0.1:{rtsp}/{path}");
    let again = format!(
        "{} -nostdin -loglevel error -rtsp_transport tcp -fflags nobuffer -i {} -c:v libx264 \
         -preset ultrafast -tune zerolatency -g 15 -c:a libopus -f rtsp -rtsp_transport tcp {}",
        transcoder.display(),
        at("pd_t"),
        at("again/pd_t")
    );
    let config = format!(
        "logLevel: warn\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{srt}\nrtsp: yes\n\
         rtspTransports: [tcp]\nrtspAddress: 127.0.0.1:{rtsp}\nwebrtc: yes\n\
         webrtcAddress: 127.0.0.1:{webrtc}\nwebrtcLocalUDPAddress: 127.0.0.1:{udp}\n\
         webrtcIPsFromInterfaces: no\nwebrtcAdditionalHosts: [127.0.0.1]\napi: yes\n\
         apiAddress: 127.0.0.1:{api}\nauthInternalUsers:\n  - user: any\n    permissions:\n      \
         - action: publish\n      - action: read\n      - action: api\npaths:\n  pd_t:\n    \
         runOnReady: {again}\n    runOnReadyRestart: yes\n  all_others:\n"
    );
    let _server = start_mediamtx(&program, &config);
    let listens = || TcpStream::connect(("127.0.0.1", api)).is_ok();
    assert!(wait_until(Duration::from_secs(10), listens), "no MediaMTX");
    let words = format!(
        "{PATTERN} --seconds 10 --set target.path=pd_t --set target.srt_port={srt} \
         --set target.rtsp_port={rtsp} --set target.way=Rtsp \
         --set target.api_url=http://127.0.0.1:{api} \
         --set target.webrtc_url=http://127.0.0.1:{webrtc}/again"
    );
    let ended = Plan::new(&ffmpeg, &words).run(Duration::from_secs(60));
    assert!(ended.status.success(), "{}", ended.stderr);
    let json = ended.json();
    println!("{} {}", json["proof"], json["probe"]);
    assert_eq!(json["verdict"], "Recoded", "{json}\n{}", ended.stderr);
    assert_eq!(json["sound_verdict"], "Recoded", "{json}");
    for said in [
        "the server encodes the picture again",
        "the server encodes the sound again",
    ] {
        let times = ended.stderr.matches(said).count();
        assert_eq!(times, 1, "{said}:\n{}", ended.stderr);
    }
    assert!(json["latency"]["arrived"].is_null(), "{json}");
    assert!(json["sound_arrived"].is_null(), "{json}");
    assert!(json["latency"]["sent"]["frames"].as_u64().unwrap() > 100);
    assert_eq!(
        json["proof"],
        "nothing: the server encodes the picture again"
    );
}

/// Of the frames captured in each second: how many arrived.
fn arrived_by_second(trace: &str) -> Vec<usize> {
    let mut lines = trace.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let (captured, arrived) = (column("captured_us"), column("arrived_us"));
    let mut seconds = Vec::new();
    let mut first = None;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), names.len(), "{line}");
        let at: u64 = fields[captured].parse().unwrap();
        let second = (at - *first.get_or_insert(at)) / 1_000_000;
        seconds.resize(seconds.len().max(second as usize + 1), 0);
        seconds[second as usize] += usize::from(!fields[arrived].is_empty());
    }
    seconds
}

#[test]
fn a_probe_that_is_off_is_off_and_one_that_is_on_comes_back_by_itself() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let mut server = OwnServer::start(&program, "  all_others:\n");
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.csv");
    let words = |more: &str| {
        let target = server.words("target", "pd_p", server.srt);
        format!("{PATTERN} {target} --trace {} {more}", trace.display())
    };
    // Off from the beginning: no fault, no figure, no second encode of the sound.
    let off = words("--seconds 1 --set probe.on=false");
    let ended = Plan::new(&ffmpeg, &off).run(Duration::from_secs(40));
    let json = ended.json();
    assert_eq!(
        (&json["probe"]["state"], &json["verdict"]),
        (&"off".into(), &"Unknown".into())
    );
    assert!(
        json["latency"]["arrived"].is_null() && json["passthrough"].is_null(),
        "{json}"
    );
    assert_eq!(json["sound_arrivals"]["matched"], 0);
    assert_eq!(json["backups"].as_array().unwrap().len(), 0);

    // Put on while live; then the server dies and is back.
    let on = words("--set probe.on=false --at 1:probe.on=true");
    let console = Plan::new(&ffmpeg, &on).start();
    console.wait_live(1);
    std::thread::sleep(Duration::from_secs(4));
    server.kill();
    std::thread::sleep(Duration::from_millis(300));
    server.back();
    console.wait_live(2);
    std::thread::sleep(Duration::from_secs(3));
    console.signal(rustix::process::Signal::TERM);
    let ended = console.end_within(Duration::from_secs(10));
    let json = ended.json();
    let state = json["probe"]["state"].as_str().unwrap();
    assert!(state.starts_with("in the stream"), "{json}");
    assert_eq!(json["passthrough"], 1.0, "{json}");
    assert!(
        json["probe"]["cpu_percent"].as_f64().unwrap() > 0.01,
        "{json}"
    );
    let seconds = arrived_by_second(&std::fs::read_to_string(&trace).unwrap());
    println!("arrived in each second: {seconds:?}; {}", json["probe"]);
    assert_eq!(seconds[0], 0, "off: {seconds:?}");
    let away = seconds
        .iter()
        .skip(3)
        .position(|count| *count < 10)
        .unwrap()
        + 3;
    let before = seconds[..away].iter().filter(|count| **count > 25).count();
    let after = seconds[away..].iter().filter(|count| **count > 25).count();
    assert!(before >= 1 && after >= 1, "{seconds:?}");
}

/// What the proof of the sound costs, by turns with and without it.
/// `cargo test --test probe_proof -- --ignored --nocapture figures_of_the_sounds_proof`
#[test]
#[ignore = "a measurement of a minute for each way and ffmpeg"]
fn figures_of_the_sounds_proof() {
    let _alone = alone();
    let Some((_, program)) = programs() else {
        return;
    };
    println!(
        "| ffmpeg, way | sent to arrived p50 / p95, ms: without | with | publisher, % of a core | Opus identical |"
    );
    for ffmpeg in common::ffmpegs() {
        for way in ["Rtsp", "SrtPush", "Whip"] {
            // By turns: without, with.
            let mut of = [Vec::new(), Vec::new()];
            let mut share = String::new();
            for turn in 0..8_usize {
                let words = format!(
                    "live --defaults --source pattern --audio tone --json --seconds 6 \
                     --set target.way={way} --set probe.sound_proof={}",
                    turn % 2 == 1
                );
                let plan = Plan::new(&ffmpeg, &words).env("MEDIAMTX_BIN", &program);
                let ended = plan.run(Duration::from_secs(60));
                if !ended.status.success() {
                    break;
                }
                let json = ended.json();
                let apart = |figure: &str| {
                    let at = |stage: &str| json["latency"][stage][figure].as_f64().unwrap();
                    at("arrived") - at("sent")
                };
                let cpu = json["cpu_percent"]["publisher"].as_f64().unwrap();
                of[turn % 2].push([apart("p50_ms"), apart("p95_ms"), cpu]);
                share = format!(
                    "{} of {}",
                    json["sound_passthrough"], json["sound_arrivals"]
                );
            }
            if of[1].is_empty() {
                println!("| {}, {way} | not to be had here |", ffmpeg.display());
                continue;
            }
            let middle = |of: &[[f64; 3]], at: usize| {
                let mut all: Vec<f64> = of.iter().map(|run| run[at]).collect();
                all.sort_by(f64::total_cmp);
                all[all.len() / 2]
            };
            let [without, with] = of.each_ref().map(|of| [0, 1, 2].map(|at| middle(of, at)));
            println!(
                "| {}, {way} | {:.1} / {:.1} | {:.1} / {:.1} | {:.1}, {:.1} | {share} |",
                ffmpeg.display(),
                without[0],
                without[1],
                with[0],
                with[1],
                without[2],
                with[2]
            );
        }
    }
}
