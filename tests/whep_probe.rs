//! The WHEP probe against a real MediaMTX and a real ffmpeg: the access units and Opus packets that
//! the encoder gave out must be found again at the viewer's end, byte for byte.
//!
//! Needs `mediamtx` (from `MEDIAMTX_BIN` or PATH) and an `ffmpeg` with libsrt (from `FFMPEG_BIN` or
//! PATH); where one is missing it says so and does nothing.
#![cfg(feature = "probe")]
#![allow(clippy::unwrap_used)] // helpers of a test are not seen as tests

use crossbeam_channel::{Receiver, bounded};
use pd_console::probe::{self, ProbeEvent};
use pd_console::publish::{receiver, ts::TsDemux};
use pd_console::relay::{Arrival, ArrivalCounters, ArrivalEvent};
use pd_console::stop::StopToken;
use std::collections::HashMap;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Kills its child whatever becomes of the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(variable: &str, name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&named)
        .filter(|file| !file.as_os_str().is_empty())
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|file| file.is_file())
}

fn free_tcp() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn free_udp() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

struct Server {
    _child: Guard,
    _dir: tempfile::TempDir,
    srt: u16,
    webrtc: u16,
}

/// A server that listens on loopback alone, and wants a password of viewers.
fn start_server(bin: &PathBuf) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let (srt, webrtc, udp) = (free_udp(), free_tcp(), free_udp());
    let config = format!(
        "logLevel: warn\nrtsp: no\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{srt}\n\
         webrtc: yes\nwebrtcAddress: 127.0.0.1:{webrtc}\nwebrtcLocalUDPAddress: 127.0.0.1:{udp}\n\
         webrtcIPsFromInterfaces: no\nwebrtcAdditionalHosts: [127.0.0.1]\n\
         authInternalUsers:\n\
         - user: any\n  permissions:\n  - action: publish\n\
         - user: viewer\n  pass: seeing\n  permissions:\n  - action: read\n\
         paths:\n  '~^pd_.*$': {{}}\n"
    );
    let file = dir.path().join("mediamtx.yml");
    std::fs::write(&file, config).unwrap();
    // By environment, for servers before 1.20 refuse the key; the folder, for it writes there.
    let mut command = Command::new(bin);
    command.arg(&file).env("MTX_MOQ", "no").current_dir(&dir);
    let child = Guard(command.spawn().unwrap());
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", webrtc)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "no server");
        std::thread::sleep(Duration::from_millis(20));
    }
    Server {
        _child: child,
        _dir: dir,
        srt,
        webrtc,
    }
}

/// One encode in real time, sent to the server and, the very same, to the reader of `encoded`.
fn publish(ffmpeg: &PathBuf, srt: u16, seconds: u32) -> (Guard, Receiver<ArrivalEvent>) {
    let ts = "f=mpegts:omit_video_pes_length=0:pes_payload_size=0:max_delay=0:flush_packets=1";
    let url = format!("srt\\://127.0.0.1\\:{srt}?streamid=publish\\:pd_x&pkt_size=1316");
    let mut child = Command::new(ffmpeg)
        .args([
            "-hide_banner",
            "-nostdin",
            "-loglevel",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
        ])
        .arg(format!("testsrc2=size=1280x720:rate=30:duration={seconds}"))
        .args(["-re", "-f", "lavfi", "-i"])
        .arg(format!("sine=duration={seconds}:sample_rate=48000"))
        .args([
            "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-pix_fmt", "yuv420p",
        ])
        .args([
            "-profile:v",
            "baseline",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
        ])
        .args([
            "-b:v", "3M", "-maxrate", "3M", "-bufsize", "400k", "-g", "30", "-c:a", "libopus",
        ])
        .args([
            "-frame_duration",
            "10",
            "-max_interleave_delta",
            "1",
            "-f",
            "tee",
        ])
        .arg(format!(
            "[{ts}:max_interleave_delta=1]pipe\\:1|[{ts}:max_interleave_delta=1]{url}"
        ))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let (out, encoded) = bounded(16_384);
    std::thread::spawn(move || {
        let counters = ArrivalCounters::default();
        receiver::run(stdout, TsDemux::new(), &out, &counters, &StopToken::new());
    });
    (Guard(child), encoded)
}

fn videos(events: &[ArrivalEvent]) -> Vec<Arrival> {
    let video = |event: &ArrivalEvent| match event {
        ArrivalEvent::Video(arrival) => Some(*arrival),
        _ => None,
    };
    events.iter().filter_map(video).collect()
}

fn sounds(events: &[ArrivalEvent]) -> Vec<u64> {
    let audio = |event: &ArrivalEvent| match event {
        ArrivalEvent::Audio { hash, .. } => Some(*hash),
        _ => None,
    };
    events.iter().filter_map(audio).collect()
}

/// Waits for the next event that `wanted` picks, keeping what comes before in `seen`.
fn wait_for(
    queue: &Receiver<ProbeEvent>,
    seen: &mut Vec<ProbeEvent>,
    seconds: u64,
    wanted: impl Fn(&ProbeEvent) -> bool,
) -> ProbeEvent {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let event = queue.recv_deadline(deadline).expect("an event in time");
        if wanted(&event) {
            return event;
        }
        seen.push(event);
    }
}

/// CPU time of the thread of this process named `name`, where the system tells it.
fn thread_cpu(name: &str) -> Option<Duration> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    tasks.flatten().find_map(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let schedstat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let ns = schedstat.split(' ').next()?.parse().ok()?;
        (comm.trim() == name).then(|| Duration::from_nanos(ns))
    })
}

fn percentile(sorted_ms: &[f64], share: f64) -> f64 {
    sorted_ms[((sorted_ms.len() - 1) as f64 * share).round() as usize]
}

#[test]
fn what_the_encoder_gave_out_is_what_the_viewer_gets() {
    let (Some(mediamtx), Some(ffmpeg)) = (
        program("MEDIAMTX_BIN", "mediamtx"),
        program("FFMPEG_BIN", "ffmpeg"),
    ) else {
        println!("skipped: no mediamtx (MEDIAMTX_BIN, PATH) or no ffmpeg (FFMPEG_BIN, PATH)");
        return;
    };
    let server = start_server(&mediamtx);
    let (out, queue) = bounded(16_384);
    let counters = Arc::new(ArrivalCounters::default());
    let stop = StopToken::new();
    let probe = probe::spawn(
        format!("http://127.0.0.1:{}/pd_x/whep", server.webrtc),
        Some(("viewer".into(), "seeing".into())),
        out,
        Arc::clone(&counters),
        stop.clone(),
    )
    .unwrap();
    // Another viewer beside it: each gets the same timestamps.
    let (beside_out, beside) = bounded(16_384);
    let beside_stop = StopToken::new();
    let beside_probe = probe::spawn(
        format!("http://127.0.0.1:{}/pd_x/whep", server.webrtc),
        Some(("viewer".into(), "seeing".into())),
        beside_out,
        Arc::default(),
        beside_stop.clone(),
    )
    .unwrap();
    let mut seen = Vec::new();
    let lost = |event: &ProbeEvent| matches!(event, ProbeEvent::Lost(_));
    let joined = |event: &ProbeEvent| *event == ProbeEvent::Connected;

    // Before there is a stream: said once, tried again.
    let ProbeEvent::Lost(why) = wait_for(&queue, &mut seen, 5, lost) else {
        unreachable!();
    };
    assert!(why.contains("no stream on this path"), "{why}");

    // A show of ten seconds, and what is lost at its end.
    let (mut publisher, encoded) = publish(&ffmpeg, server.srt, 10);
    wait_for(&queue, &mut seen, 10, joined);
    assert!(seen.is_empty(), "{seen:?}");
    let cpu_before = thread_cpu("whep-probe");
    let since = Instant::now();
    assert!(publisher.0.wait().unwrap().success());
    let cpu = cpu_before.zip(thread_cpu("whep-probe")).map(|(a, b)| b - a);
    let share = cpu.map(|cpu| cpu.as_secs_f64() / since.elapsed().as_secs_f64() * 100.0);
    let ended = Instant::now();
    let ProbeEvent::Lost(why) = wait_for(&queue, &mut seen, 20, lost) else {
        unreachable!();
    };
    println!(
        "lost {:?} after the publisher's end: {why}",
        ended.elapsed()
    );

    beside_stop.stop();
    beside_probe.join().unwrap();
    let times = |events: &[ArrivalEvent]| -> HashMap<u64, Option<u32>> {
        videos(events)
            .iter()
            .map(|a| (a.hash, a.rtp_time))
            .collect()
    };
    let (ours, theirs) = (times(&seen), times(&beside.iter().collect::<Vec<_>>()));
    let both = ours.iter().filter(|(hash, _)| theirs.contains_key(hash));
    let alike = both
        .clone()
        .filter(|(hash, time)| theirs[hash] == **time && time.is_some());
    assert!(
        both.clone().count() > 200,
        "{} {}",
        ours.len(),
        theirs.len()
    );
    assert_eq!(alike.count(), both.count(), "RTP timestamps of two viewers");
    let different: std::collections::HashSet<_> = ours.values().collect();
    assert_eq!(different.len(), ours.len(), "one timestamp, one picture");

    let encoded: Vec<ArrivalEvent> = encoded.iter().collect();
    let sent = videos(&encoded);
    assert_eq!(sent.len(), 300);
    let place: HashMap<u64, usize> = sent.iter().enumerate().map(|(i, a)| (a.hash, i)).collect();
    assert_eq!(place.len(), sent.len(), "each picture has its own hash");
    let got = videos(&seen);
    let places: Vec<usize> = got
        .iter()
        .map(|arrival| {
            *place
                .get(&arrival.hash)
                .expect("a hash that the encoder gave out")
        })
        .collect();
    let (first, last) = (places[0], places[places.len() - 1]);
    let in_row: Vec<usize> = (first..=last).collect();
    assert_eq!(places, in_row, "no unit missing, twice or out of order");
    assert!(
        last >= 285,
        "SRT's end drops no more than its latency: {last}"
    );
    let mut delays_ms: Vec<f64> = Vec::new();
    for (arrival, &i) in got.iter().zip(&places) {
        assert_eq!((arrival.bytes > 0, arrival.idr), (true, sent[i].idr));
        delays_ms.push(arrival.at.ms_since(sent[i].at));
    }
    delays_ms.sort_by(f64::total_cmp);
    assert!(
        delays_ms[0] > 1.0,
        "a picture cannot arrive before it is sent"
    );
    let (sent_audio, got_audio) = (sounds(&encoded), sounds(&seen));
    // Sound is not sent again when a busy machine loses a datagram: 1 % may be missing.
    let mut rest = sent_audio.iter().skip_while(|hash| **hash != got_audio[0]);
    let mut passed = 0;
    for hash in &got_audio {
        let place = rest.position(|sent| sent == hash);
        passed += 1 + place.expect("an Opus packet that the encoder gave out, in order");
    }
    assert!(got_audio.len() > 600 && got_audio.len() * 100 >= passed * 99);
    assert_eq!(counters.units.load(Ordering::Relaxed), got.len() as u64);
    assert_eq!(counters.units_damaged.load(Ordering::Relaxed), 0);
    assert_eq!(counters.events_dropped.load(Ordering::Relaxed), 0);
    println!(
        "{} of {} units sent since joining (first {first}), {} of {passed} Opus packets, all equal; encoder to \
         viewer p50 {:.1} p95 {:.1} max {:.1} ms; probe CPU {:.1} %",
        got.len(),
        sent.len() - first,
        got_audio.len(),
        percentile(&delays_ms, 0.5),
        percentile(&delays_ms, 0.95),
        percentile(&delays_ms, 1.0),
        share.unwrap_or(f64::NAN),
    );

    // The next show is found without anybody's help.
    let (again, _encoded) = publish(&ffmpeg, server.srt, 10);
    wait_for(&queue, &mut seen, 10, joined);
    wait_for(&queue, &mut seen, 5, |event| {
        matches!(event, ProbeEvent::Video(_))
    });
    let asked = Instant::now();
    stop.stop();
    probe.join().unwrap();
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    drop(again);
}
