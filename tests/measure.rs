//! `pd-console measure` whole, with real programs: does the matrix come out, is the frame number a true
//! clock, is it read from pictures at the lowest bitrates, does an interruption keep what was measured?
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::{alone, ffmpegs, programs};
use pd_console::capture::pattern::{PatternSource, read_frame_number_bgra};
use pd_console::capture::{FrameSlot, VideoSource};
use pd_console::clock::{self, MonoTime};
use pd_console::ffmpeg::capabilities;
use pd_console::latency::trace::Tracer;
use pd_console::latency::window;
use pd_console::measure::before::Viewer;
use pd_console::measure::numbers::{self, Came, latencies};
use pd_console::measure::plan::{Cell, Kind};
use pd_console::measure::show::Show;
use pd_console::measure::{logged_pattern, settings_of};
use pd_console::mediamtx::{ManagedServer, Need};
use pd_console::relay::annexb::nal_units;
use pd_console::settings::secrets::secret;
use pd_console::settings::{Secrets, Settings, TargetKind, VideoSourceKind, Way};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use rustix::process::Signal;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const SMALL: &str = "--sizes 640x360@30 --bitrates 700";

#[test]
fn a_quick_matrix_with_what_it_is_compared_with() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.md");
    let words = format!(
        "measure --defaults --quick --seconds 2 {SMALL} --ways Rtsp --json --markdown {}",
        file.display()
    );
    let ended = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", mediamtx)
        .run(Duration::from_secs(120));
    assert!(ended.status.success(), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_secs(2));
    let json = ended.json();
    println!("{json:#}");
    assert_eq!(left, [], "left running");
    assert_eq!(
        (&json["version"], &json["complete"]),
        (&1.into(), &true.into())
    );
    let runs: Vec<_> = json["cells"].as_array().unwrap().iter().collect();
    let names: Vec<_> = runs
        .iter()
        .map(|run| run["run"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["before_naive", "before_transcoded", "Rtsp"]);
    let p50 = |n: usize| runs[n]["total"]["p50_ms"].as_f64().unwrap();
    // SRT push holds each picture for 120 ms; encoding again costs more on top of it.
    assert!(
        p50(0) > 120.0 && p50(1) > 120.0 && p50(2) < p50(0),
        "{names:?}"
    );
    for run in &runs {
        assert!(run["failed"].is_null(), "{run}");
        assert!(run["total"]["frames"].as_u64().unwrap() > 40, "{run}");
        // The grain takes what it is given.
        let kbps = run["measured_kbps"].as_f64().unwrap();
        assert!((350.0..1400.0).contains(&kbps), "{run}");
        assert!(run["memory_mib"]["server"].as_f64().unwrap() > 1.0, "{run}");
    }
    assert_eq!(runs[2]["passthrough"], 1.0);
    assert_eq!(runs[2]["sound_passthrough"], 1.0);
    for part in ["encode", "server", "own"] {
        assert!(runs[2][part]["p50_ms"].as_f64().unwrap() > 0.0, "{part}");
    }
    let change = &runs[2]["change"]["before_naive"]["p50_percent"];
    assert!(change.as_f64().unwrap() < 0.0, "{change}");
    let table = std::fs::read_to_string(file).unwrap();
    assert!(table.contains("| 640x360@30 | 700, "), "{table}");
    assert!(
        ended.stderr.contains("[3/3] 640x360@30, 700 kb/s, RTSP: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_interruption_keeps_what_was_measured() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let words = format!("measure --defaults --seconds 2 --no-before {SMALL} --ways Rtsp,SrtPush");
    let console = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", mediamtx)
        .start();
    console.wait_for("[2/2]", 1, Duration::from_secs(40));
    std::thread::sleep(Duration::from_millis(400));
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(6));
    assert!(
        ended.status.success(),
        "{:?} {}",
        ended.status,
        ended.stderr
    );
    let lines = |text: &str| {
        ended
            .stdout
            .lines()
            .filter(|line| line.contains(text))
            .count()
    };
    assert!(lines("| RTSP |") > 0, "{}", ended.stdout);
    assert_eq!(lines("SRT push"), 0, "{}", ended.stdout);
    assert_eq!(lines("Interrupted"), 1, "{}", ended.stdout);
    assert_eq!(ended.left_after(Duration::from_secs(2)), []);
}

#[test]
fn without_a_server_it_says_so() {
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let ended = Plan::new(&ffmpeg, "measure --defaults --quick").run(Duration::from_secs(20));
    assert_eq!(ended.status.code(), Some(8), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("MediaMTX was not found"),
        "{}",
        ended.stderr
    );
}

/// The same stream, by SRT push and untouched, seen by two viewers: the session's knows the pictures by
/// their bytes, this one's by the number that they show.
#[test]
fn the_number_is_as_true_as_the_bytes() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let ffmpeg = capabilities::look(Some(&ffmpeg)).unwrap();
    let stop = StopToken::new();
    let server = ManagedServer::start(&mediamtx, &Need::default(), &stop, Arc::new(|_, _| ()));
    let server = server.unwrap();
    let mut base = Settings::default();
    base.video.source = VideoSourceKind::Pattern;
    base.ffmpeg_path = Some(ffmpeg.path.clone());
    let cell = Cell {
        scene: "640x360@30".parse().unwrap(),
        kbps: 700,
        kind: Kind::Console(Way::SrtPush),
    };
    let mut settings = settings_of(&base, &cell);
    settings.target.kind = TargetKind::Srt;
    settings.target.host = "127.0.0.1".into();
    settings.target.srt_port = server.srt_addr().port();
    settings.target.user = server.publish_user().into();
    settings.target.api_url = server.api_url();
    settings.target.webrtc_url = server.webrtc_url();
    let secrets = Secrets {
        password: secret(server.password().expose_secret()),
        ..Secrets::default()
    };
    let (log, open) = logged_pattern(false);
    let show = Show::start(&settings, &secrets, Some(open), &stop).unwrap();
    let viewer = Viewer::join(server.whep_url(&settings.target.path), 1000).unwrap();
    show.watch(Duration::from_millis(1500), &stop).unwrap();
    let from = clock::now();
    show.watch(Duration::from_secs(2), &stop).unwrap();
    let to = clock::now();
    show.watch(Duration::from_millis(500), &stop).unwrap();
    let rows = show.session().trace(&mut Tracer::default(), true);
    let came = viewer.leave().unwrap();
    show.end();
    let seen = numbers::read(&ffmpeg, cell.scene.size, &came).unwrap();
    let by_number = latencies(&log.made(), &seen, (from, to));
    println!(
        "{} by number, {} missing",
        by_number.ms.len(),
        by_number.missing
    );
    assert!(by_number.ms.len() > 40 && by_number.unread == 0);
    // Frame by frame, known by its capture: the two viewers had it at the same time.
    let numbers: HashMap<_, _> = log.made().into_iter().map(|(n, at)| (at, n)).collect();
    let shown: HashMap<_, _> = seen.iter().rev().map(|s| (s.number, s.at)).collect();
    let apart = rows.iter().filter_map(|row| {
        let by_number = shown.get(&Some(*numbers.get(&row.captured_at)?))?;
        let by_bytes = row.arrived_at()?;
        Some(
            by_number
                .ms_since(by_bytes)
                .max(by_bytes.ms_since(*by_number)),
        )
    });
    let figures = window::figures(&mut apart.collect::<Vec<_>>()).unwrap();
    println!("apart, ms: {figures:?}");
    // Wrong by a picture would be 33 ms.
    assert!(figures.frames > 40 && figures.p50_ms < 1.0, "{figures:?}");
}

#[test]
fn the_number_is_read_from_pictures_encoded_twice_at_a_low_bitrate() {
    let Some(program) = ffmpegs().into_iter().next() else {
        return;
    };
    let size = Size::new(640, 360);
    let (pictures, numbers) = drawn(size, 45);
    let encode = |form: &[&str], bytes: Vec<u8>| {
        let mut args = form.to_vec();
        args.extend("-i pipe:0 -an -c:v libx264 -preset ultrafast -tune zerolatency".split(' '));
        // One slice a picture, so that a slice is an access unit below.
        args.extend(
            "-threads 1 -pix_fmt yuv420p -b:v 150k -maxrate 150k -bufsize 75k -g 30".split(' '),
        );
        args.extend(["-f", "h264", "pipe:1"]);
        through(&program, &args, bytes)
    };
    let raw = "-f rawvideo -pix_fmt bgra -video_size 640x360 -framerate 30";
    let once = encode(&raw.split(' ').collect::<Vec<_>>(), pictures);
    let twice = encode(&["-f", "h264", "-framerate", "30"], once);
    println!("{} kb/s", twice.len() as f64 * 8.0 / 1000.0 / 1.5);
    let mut came: Vec<Came> = Vec::new();
    let mut open = Vec::new();
    for nal in nal_units(&twice) {
        open.push(nal.to_vec());
        if matches!(nal[0] & 0x1f, 1 | 5) {
            came.push(Came {
                nal_units: std::mem::take(&mut open),
                at: MonoTime::from_micros(came.len() as u64),
            });
        }
    }
    let ffmpeg = capabilities::look(Some(&program)).unwrap();
    let seen = numbers::read(&ffmpeg, size, &came).unwrap();
    let read: Vec<_> = seen.iter().map(|seen| seen.number).collect();
    assert_eq!(read, numbers);
    // A picture too few is noticed: nothing would tell which is which.
    came.push(came[0].clone());
    came.last_mut().unwrap().nal_units = vec![vec![0x41]];
    assert!(numbers::read(&ffmpeg, size, &came).is_err());
}

/// So many pictures of the pattern with grain, BGRA, and the numbers that they show.
fn drawn(size: Size, count: usize) -> (Vec<u8>, Vec<Option<u32>>) {
    let (slot, stop) = (FrameSlot::new().new_writer(), StopToken::new());
    let (out, ended) = (slot.clone(), stop.clone());
    let source = std::thread::spawn(move || {
        let mut source = PatternSource::new(size, Fps::whole(60)).with_grain();
        source.run(&out, &ended).unwrap();
    });
    let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
    while numbers.len() < count {
        slot.wait(Duration::from_secs(5));
        let frame = slot.take().unwrap();
        numbers.push(read_frame_number_bgra(&frame.data, frame.stride, size));
        bytes.extend_from_slice(&frame.data);
    }
    stop.stop();
    source.join().unwrap();
    assert!(numbers.iter().all(Option::is_some));
    (bytes, numbers)
}

/// What an ffmpeg makes of `bytes`.
fn through(program: &Path, args: &[&str], bytes: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(["-hide_banner", "-loglevel", "error"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = std::thread::spawn(move || stdin.write_all(&bytes));
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    feed.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    out
}
