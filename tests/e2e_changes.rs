//! Changes of bitrate, size, rate and speed on air as a receiver sees them: how long no picture came
//! at each, whether one was lost, and whether the viewers are still the same.
//!
//! Two receivers, neither of them the console's: an ffmpeg that takes the SRT stream, and a WebRTC
//! viewer of MediaMTX. Few changes in CI; fifty, for the figures: `cargo test --test e2e_changes fifty
//! -- --ignored --nocapture` (`PD_TEST_CHANGES` for another number).
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Ended, Plan};
use common::stall::StallWatch;
use common::{Killed, alone, ffmpegs, free_udp_port, wait_until};
use crossbeam_channel::{Receiver, bounded};
use pd_console::clock::{self, MonoTime};
use pd_console::publish::{receiver, ts::TsDemux};
use pd_console::relay::{Arrival, ArrivalCounters, ArrivalEvent};
use pd_console::stop::StopToken;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One after another, again and again: each undoes an earlier one.
const CHANGES: [(&str, &str); 8] = [
    ("bitrate", "encoder.bitrate_kbps=1000"),
    ("size", "video.size=960x540"),
    ("rate", "video.fps=25"),
    ("speed", "encoder.speed=Fastest"),
    ("bitrate", "encoder.bitrate_kbps=6000"),
    ("size", "video.size=1280x720"),
    ("rate", "video.fps=30"),
    ("speed", "encoder.speed=Balanced"),
];
/// From one change to the next: debounce (0.25 s), start of the new encoder, and rest.
const EVERY_S: f64 = 1.5;
/// The first change, for a viewer that joins after LIVE.
const FIRST_S: f64 = 3.0;
/// What counts as "at a change": so long before and after its first picture.
const AROUND: Duration = Duration::from_millis(300);
/// No change may take longer: five pictures of 25 a second, where 90 ms was the longest of a hundred
/// at load 10. Arrival is by the clock of a machine that may be busier; the rule is seen in the figures.
const LONGEST_GAP_MS: f64 = 200.0;
/// Nor longer than this where the console itself says that it left pictures out (a busy machine).
const LONGEST_DROP_MS: f64 = 500.0;

/// What a receiver got.
#[derive(Default)]
struct Got {
    pictures: Vec<Arrival>,
    /// How often it was in the stream, and out of it after that.
    connected: usize,
    lost: usize,
}

/// Collects a receiver's events until it ends.
fn collect(events: Receiver<ArrivalEvent>) -> Arc<Mutex<Got>> {
    let got = Arc::new(Mutex::new(Got::default()));
    let into = got.clone();
    std::thread::spawn(move || {
        for event in events {
            let mut got = into.lock().unwrap();
            match event {
                ArrivalEvent::Video(arrival) => got.pictures.push(arrival),
                ArrivalEvent::Connected => got.connected += 1,
                ArrivalEvent::Lost(_) if got.connected > 0 => got.lost += 1,
                ArrivalEvent::Lost(_) | ArrivalEvent::Audio { .. } => {}
            }
        }
    });
    got
}

/// A console that makes so many changes.
fn plan(ffmpeg: &Path, changes: usize, more: &str) -> Plan {
    let mut words = format!(
        "live --defaults --source pattern --audio tone --host 127.0.0.1 --set target.path=pd_e2e \
         --set encoder.gop_seconds=4 --set encoder.lower_picture=false --json {more} --seconds {}",
        FIRST_S + EVERY_S * changes as f64 + 1.0
    );
    for number in 0..changes {
        let at = FIRST_S + EVERY_S * number as f64;
        let (_, change) = CHANGES[number % CHANGES.len()];
        words += &format!(" --at {at}:{change}");
    }
    Plan::new(ffmpeg, &words)
}

/// Times in ms, sorted.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, share: f64) -> f64 {
        let at = (self.0.len() as f64 * share) as usize;
        self.0[at.min(self.0.len() - 1)]
    }

    fn text(&self) -> String {
        if self.0.is_empty() {
            return "- | - | -".into();
        }
        let [p50, p95, max] = [0.5, 0.95, 1.0].map(|share| self.at(share));
        format!("{p50:.0} | {p95:.0} | {max:.0}")
    }
}

/// The longest time without a picture at each change, and all times between pictures elsewhere.
struct Gaps {
    at_changes: Vec<(&'static str, f64)>,
    elsewhere: Times,
}

/// `cut_at`: when the console said that it had changed; the picture that the change began with is
/// the IDR next to that.
fn gaps(pictures: &[Arrival], cut_at: &[MonoTime]) -> Gaps {
    let steps: Vec<(MonoTime, MonoTime, f64)> = pictures
        .windows(2)
        .map(|pair| (pair[0].at, pair[1].at, pair[1].at.ms_since(pair[0].at)))
        .collect();
    let mut at_changes = Vec::new();
    let mut firsts = Vec::new();
    for (number, cut) in cut_at.iter().enumerate() {
        let distance = |arrival: &&Arrival| arrival.at.ms_since(*cut).max(cut.ms_since(arrival.at));
        let first = pictures
            .iter()
            .filter(|arrival| arrival.idr)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .filter(|arrival| distance(arrival) < 700.0);
        let first = first.unwrap_or_else(|| panic!("change {number} never came to the receiver"));
        firsts.push(first.at);
        let near = |at: MonoTime| at > first.at - AROUND && at < first.at + AROUND;
        let longest = steps
            .iter()
            .filter(|(from, to, _)| near(*from) || near(*to));
        let longest = longest.fold(0.0_f64, |most, (.., ms)| most.max(*ms));
        at_changes.push((CHANGES[number % CHANGES.len()].0, longest));
    }
    let start = pictures[0].at + Duration::from_secs(1);
    let elsewhere = steps.iter().filter(|(from, to, _)| {
        let near = |first: &MonoTime| *to > *first - AROUND && *from < *first + AROUND;
        *from > start && !firsts.iter().any(near)
    });
    Gaps {
        at_changes,
        elsewhere: Times::of(elsewhere.map(|(.., ms)| *ms).collect()),
    }
}

/// Prints the figures and holds them to the bounds.
fn judge(
    who: &str,
    got: &Got,
    damaged: u64,
    ended: &Ended,
    (cut_at, changes): (&[MonoTime], usize),
    stalls: &StallWatch,
) {
    assert!(ended.status.success(), "{}", ended.stderr);
    let result = ended.json();
    assert_eq!(cut_at.len(), changes, "changes made\n{}", ended.stderr);
    let gaps = gaps(&got.pictures, cut_at);
    let of = |kind: &str| {
        let times = gaps
            .at_changes
            .iter()
            .filter(|(k, _)| kind == "all" || *k == kind);
        Times::of(times.map(|(_, ms)| *ms).collect())
    };
    println!(
        "| {who} | changes | longest gap at each, ms: p50 | p95 | max |\n| --- | --- | --- | --- | --- |"
    );
    for kind in ["bitrate", "size", "rate", "speed", "all"] {
        let times = of(kind);
        println!("| {kind} | {} | {} |", times.0.len(), times.text());
    }
    println!(
        "| between pictures elsewhere | | {} |",
        gaps.elsewhere.text()
    );
    println!(
        "{} pictures came, {damaged} damaged; in the stream {} time(s), out of it {}; drops {}; encode {}; load {}",
        got.pictures.len(),
        got.connected,
        got.lost,
        result["drops"],
        result["encode"],
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim(),
    );
    assert_eq!(result["reconnects"], 0, "{result:#}");
    assert_eq!(result["drops"]["network"], 0, "{result:#}");
    assert_eq!((got.connected, got.lost, damaged), (1, 0, 0));
    let dropped = result["drops"]["encoder"].as_u64().unwrap();
    let limit_ms = 1e3 * stalls.widened_s(LONGEST_GAP_MS / 1e3);
    let late = gaps.at_changes.iter().filter(|(_, ms)| *ms > limit_ms);
    let late: Vec<_> = late.collect();
    assert!(
        late.len() as u64 <= dropped && of("all").at(1.0) < LONGEST_DROP_MS.max(limit_ms),
        "gaps at changes: {late:?}, and the console counts {dropped} drops"
    );
}

/// When the console said that an encoder took over, from the second on.
fn cuts(console: &common::console::Console) -> Vec<MonoTime> {
    let at = console.times_of("encoder ", " fps, ");
    at.into_iter().skip(1).map(clock::at).collect()
}

fn over_srt(ffmpeg: &Path, changes: usize) {
    let port = free_udp_port();
    let mut child = Command::new(ffmpeg)
        .args(receiver::args(port, 20, None))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut child = Killed(child);
    let taken = || std::net::UdpSocket::bind(("127.0.0.1", port)).is_err();
    assert!(wait_until(Duration::from_secs(10), taken), "no receiver");
    let (out, events) = bounded(1024);
    let counters = Arc::new(ArrivalCounters::default());
    let count = counters.clone();
    let reading = std::thread::spawn(move || {
        receiver::run(stdout, TsDemux::new(), &out, &count, &StopToken::new());
    });
    let got = collect(events);
    let more = format!("--set target.srt_port={port} --set target.latency_ms=20");
    let console = plan(ffmpeg, changes, &more).start();
    console.wait_live(1);
    let stalls = StallWatch::start();
    let seconds = FIRST_S + EVERY_S * changes as f64 + 1.0;
    std::thread::sleep(Duration::from_secs_f64(seconds - 0.3));
    let cut_at = cuts(&console);
    let ended = console.end_within(Duration::from_secs(30));
    child.ends_within(Duration::from_secs(10));
    reading.join().unwrap();
    let damaged = counters.units_damaged.load(Ordering::Relaxed);
    let mut got = std::mem::take(&mut *got.lock().unwrap());
    // The console's own end is no loss.
    got.lost = got.lost.saturating_sub(1);
    let cuts = (cut_at.as_slice(), changes);
    judge("SRT receiver", &got, damaged, &ended, cuts, &stalls);
}

#[test]
fn a_receiver_sees_no_gap_at_a_change() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        println!("with {}", ffmpeg.display());
        over_srt(&ffmpeg, 4);
    }
}

/// For the figures.
fn many() -> usize {
    let text = std::env::var("PD_TEST_CHANGES").unwrap_or_default();
    text.parse().unwrap_or(50)
}

#[test]
#[ignore = "takes minutes: for the figures"]
fn fifty_over_srt() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        println!("with {}", ffmpeg.display());
        over_srt(&ffmpeg, many());
    }
}

#[cfg(feature = "probe")]
mod viewers {
    use super::*;
    use common::{free_tcp_port, mediamtx, start_mediamtx};
    use pd_console::probe;
    use serde_json::Value;
    use std::collections::BTreeSet;

    struct Server {
        _process: (Killed, tempfile::TempDir),
        srt: u16,
        webrtc: u16,
        api: u16,
    }

    fn server(program: &Path) -> Server {
        let (srt, ice) = (free_udp_port(), free_udp_port());
        let (webrtc, api) = (free_tcp_port(), free_tcp_port());
        let config = format!(
            "logLevel: warn\nrtsp: no\nrtmp: no\nhls: no\nsrt: yes\nsrtAddress: 127.0.0.1:{srt}\n\
             webrtc: yes\nwebrtcAddress: 127.0.0.1:{webrtc}\n\
             webrtcLocalUDPAddress: 127.0.0.1:{ice}\nwebrtcIPsFromInterfaces: no\n\
             webrtcAdditionalHosts: [127.0.0.1]\napi: yes\napiAddress: 127.0.0.1:{api}\n\
             paths:\n  '~^pd_.*$': {{}}\n"
        );
        let process = start_mediamtx(program, &config);
        let answers = || std::net::TcpStream::connect(("127.0.0.1", api)).is_ok();
        assert!(wait_until(Duration::from_secs(10), answers), "no server");
        Server {
            _process: process,
            srt,
            webrtc,
            api,
        }
    }

    impl Server {
        fn list(&self, what: &str) -> Vec<Value> {
            let url = format!("http://127.0.0.1:{}/v3/{what}/list", self.api);
            let mut answer = ureq::get(&url).call().unwrap();
            let text = answer.body_mut().read_to_string().unwrap();
            let all: Value = serde_json::from_str(&text).unwrap();
            all["items"].as_array().unwrap().clone()
        }

        fn ids(&self, what: &str) -> BTreeSet<String> {
            let items = self.list(what);
            let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
            items.iter().map(id).collect()
        }
    }

    fn over_mediamtx(program: &Path, ffmpeg: &Path, changes: usize) {
        let server = server(program);
        let more = format!("--set target.srt_port={}", server.srt);
        let console = plan(ffmpeg, changes, &more).start();
        console.wait_live(1);
        let stalls = StallWatch::start();
        let seconds = FIRST_S + EVERY_S * changes as f64 + 1.0;
        let began = std::time::Instant::now();
        let (out, events) = bounded(1024);
        let (counters, stop) = (Arc::new(ArrivalCounters::default()), StopToken::new());
        let url = format!("http://127.0.0.1:{}/pd_e2e/whep", server.webrtc);
        let viewer = probe::spawn(url, None, out, counters.clone(), stop.clone()).unwrap();
        let got = collect(events);
        let joined = || !got.lock().unwrap().pictures.is_empty();
        assert!(wait_until(Duration::from_secs(3), joined), "no viewer");
        let before = [server.ids("webrtcsessions"), server.ids("srtconns")];
        assert!(before.iter().all(|ids| ids.len() == 1), "{before:?}");
        std::thread::sleep(Duration::from_secs_f64(seconds - 0.3).saturating_sub(began.elapsed()));
        let cut_at = cuts(&console);
        let after = [server.ids("webrtcsessions"), server.ids("srtconns")];
        let srt = server.list("srtconns").remove(0);
        stop.stop();
        viewer.join().unwrap();
        let ended = console.end_within(Duration::from_secs(30));
        let damaged = counters.units_damaged.load(Ordering::Relaxed);
        let got = std::mem::take(&mut *got.lock().unwrap());
        let cuts = (cut_at.as_slice(), changes);
        judge("WebRTC viewer", &got, damaged, &ended, cuts, &stalls);
        println!(
            "the server's SRT connection: lost {}, dropped {} of {} packets; sessions before {before:?}, after {after:?}",
            srt["packetsReceivedLoss"], srt["packetsReceivedDrop"], srt["packetsReceived"]
        );
        assert_eq!(before, after, "a viewer or the publisher is another one");
        assert_eq!(srt["packetsReceivedDrop"], 0, "{srt:#}");
    }

    #[test]
    fn a_viewer_stays_over_every_change() {
        let _alone = alone();
        let Some(program) = mediamtx() else { return };
        for ffmpeg in ffmpegs() {
            println!("with {}", ffmpeg.display());
            over_mediamtx(&program, &ffmpeg, 4);
        }
    }

    #[test]
    #[ignore = "takes minutes: for the figures"]
    fn fifty_over_mediamtx() {
        let _alone = alone();
        let Some(program) = mediamtx() else { return };
        for ffmpeg in ffmpegs() {
            println!("with {}", ffmpeg.display());
            over_mediamtx(&program, &ffmpeg, many());
        }
    }
}
