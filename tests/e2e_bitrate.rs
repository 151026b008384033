//! The bitrate moves while live: the stream goes on without a gap, a viewer decodes on, and the rate
//! is what was asked for.
#![cfg(all(target_os = "linux", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Ended, Plan};
use common::screen::{Xvfb, noise};
use common::stall::StallWatch;
use common::stream::{Listener, Packet};
use common::{alone, ffmpegs, mediamtx};
use std::path::Path;
use std::time::Duration;

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
/// What is asked for, one after another, kb/s.
const WANTED_KBPS: [f64; 3] = [3000.0, 1000.0, 6000.0];
/// No picture may be missing for longer: two frames of 30 a second.
const LONGEST_GAP_S: f64 = 0.070;
/// Nor for longer than this where the console itself says that the encoder did not take a picture in
/// time (a busy machine).
const LONGEST_DROP_S: f64 = 0.500;

fn run(ffmpeg: &Path, server: &Xvfb, more: &str, mediamtx: Option<&Path>) -> Ended {
    let words = format!(
        "live --defaults --source x11 --audio tone --set target.path=pd_e2e \
         --set video.size={WIDTH}x{HEIGHT} --set video.cursor=false --bitrate 3000 \
         --bitrate-at 4:1000 --bitrate-at 8:6000 --seconds 12 --json {more}"
    );
    let plan = Plan::new(ffmpeg, &words).env("DISPLAY", &server.display);
    let ended = match mediamtx {
        Some(program) => plan.env("MEDIAMTX_BIN", program),
        None => plan,
    }
    .run(Duration::from_secs(60));
    assert!(ended.status.success(), "{}", ended.stderr);
    ended
}

/// The console's own count of what did not go out.
fn nothing_was_lost(ended: &Ended) {
    let result = ended.json();
    println!(
        "drops {}, reconnects {}, sent {}",
        result["drops"], result["reconnects"], result["latency"]["sent"]
    );
    assert_eq!(
        result["drops"]["network"], 0,
        "{result:#}\n{}",
        ended.stderr
    );
    assert_eq!(result["reconnects"], 0, "{result:#}\n{}", ended.stderr);
}

#[test]
fn the_stream_goes_on_over_every_change() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let Some(server) = Xvfb::start(&format!("{WIDTH}x{HEIGHT}x24"), &[]) else {
            return;
        };
        println!("with {}", ffmpeg.display());
        let _noise = noise(&server.display, WIDTH, HEIGHT);
        // It takes one caller only: a second connection would find nobody, and fail the run.
        let listener = Listener::start("");
        let stalls = StallWatch::start();
        let ended = run(
            &ffmpeg,
            &server,
            &format!("--host 127.0.0.1 --set target.srt_port={}", listener.port),
            None,
        );
        let stream = listener.received();
        let pictures = stream.pictures();
        let dropped = ended.json()["drops"]["encoder"].as_u64().unwrap();
        no_picture_is_missing_or_doubled(&pictures, dropped as usize, &stalls);
        the_rate_is_the_wanted_one(&pictures);
        let (_, complaints) =
            stream.decode("-map 0:v -fps_mode passthrough -enc_time_base 1:90000 -f null");
        assert_eq!(complaints, "", "the decoder complains");
        nothing_was_lost(&ended);
    }
}

fn no_picture_is_missing_or_doubled(pictures: &[Packet], dropped: usize, stalls: &StallWatch) {
    // What the machine withholds from a thread that only sleeps it withholds from the pump too.
    let limit_s = stalls.widened_s(LONGEST_GAP_S);
    let least = if limit_s < 0.2 { 330 } else { 250 };
    assert!(
        pictures.len() > least,
        "{} pictures in 12 s",
        pictures.len()
    );
    assert!(pictures[0].key, "it does not begin with an IDR");
    let steps: Vec<f64> = pictures
        .windows(2)
        .map(|pair| pair[1].pts_s - pair[0].pts_s)
        .collect();
    let (least, least_at_s) = steps
        .iter()
        .zip(pictures)
        .map(|(step, before)| (*step, before.pts_s))
        .fold((f64::INFINITY, 0.0), |a, b| if b.0 < a.0 { b } else { a });
    // The first second is start-up.
    let running = || {
        let from = pictures[0].pts_s + 1.0;
        steps
            .iter()
            .zip(pictures)
            .filter(move |(_, before)| before.pts_s > from)
    };
    let most = running().fold(0.0_f64, |a, (step, _)| a.max(*step));
    println!(
        "{} pictures, steps {:.1} (at {least_at_s:.2} s)..{:.1} ms",
        pictures.len(),
        least * 1e3,
        most * 1e3
    );
    assert!(least > 0.0, "a picture of the time of the one before");
    let late: Vec<_> = running()
        .filter(|(step, _)| **step > limit_s)
        .map(|(step, before)| format!("{:.1} ms after {:.3} s", step * 1e3, before.pts_s))
        .collect();
    assert!(
        late.len() <= dropped && most < LONGEST_DROP_S.max(limit_s),
        "gaps: {late:?}, and the console counts {dropped} drops"
    );
}

/// From one IDR to the next: when, how long, its rate.
struct Group {
    at_s: f64,
    seconds: f64,
    kbps: f64,
}

fn groups(pictures: &[Packet]) -> Vec<Group> {
    let keys: Vec<usize> = (0..pictures.len()).filter(|i| pictures[*i].key).collect();
    keys.windows(2)
        .map(|pair| {
            let seconds = pictures[pair[1]].pts_s - pictures[pair[0]].pts_s;
            let bytes: f64 = pictures[pair[0]..pair[1]].iter().map(|p| p.bytes).sum();
            Group {
                at_s: pictures[pair[0]].pts_s,
                seconds,
                kbps: bytes * 8.0 / 1000.0 / seconds,
            }
        })
        .collect()
}

/// Each group of pictures from an IDR to the next is wholly of one rate: that is the IDR at the cut.
/// A cut elsewhere would leave a group of both.
fn the_rate_is_the_wanted_one(pictures: &[Packet]) {
    let groups = groups(pictures);
    let text: Vec<_> = groups
        .iter()
        .map(|g| format!("{:.2} s {:.0}", g.at_s, g.kbps))
        .collect();
    println!("groups (begin, kb/s): {}", text.join(", "));
    let mut now = 0;
    let mut sums = [(0.0, 0.0); 3];
    // The first group has the start-up.
    for group in groups.iter().skip(1) {
        let near = |wanted: f64| (group.kbps / wanted - 1.0).abs() < 0.4;
        if !near(WANTED_KBPS[now]) && now < 2 && near(WANTED_KBPS[now + 1]) {
            now += 1;
        }
        // A group cut short holds an IDR and little else.
        assert!(
            near(WANTED_KBPS[now]) || group.seconds < 0.3,
            "{:.0} kb/s from {:.2} s on for {:.2} s is neither {} nor what follows: {text:?}",
            group.kbps,
            group.at_s,
            group.seconds,
            WANTED_KBPS[now]
        );
        sums[now].0 += group.kbps * group.seconds;
        sums[now].1 += group.seconds;
    }
    for ((kbit, seconds), wanted) in sums.into_iter().zip(WANTED_KBPS) {
        let kbps = kbit / seconds;
        println!("wanted {wanted} kb/s: {kbps:.0} kb/s over {seconds:.1} s");
        assert!(seconds > 2.0, "{wanted} kb/s for {seconds:.1} s only");
        assert!((kbps / wanted - 1.0).abs() <= 0.25, "{kbps:.0} kb/s");
    }
}

#[cfg(feature = "probe")]
#[test]
fn a_viewer_of_mediamtx_gets_the_encoders_own_pictures() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    for ffmpeg in ffmpegs() {
        let Some(server) = Xvfb::start(&format!("{WIDTH}x{HEIGHT}x24"), &[]) else {
            return;
        };
        let _noise = noise(&server.display, WIDTH, HEIGHT);
        let ended = run(&ffmpeg, &server, "", Some(&program));
        nothing_was_lost(&ended);
        let result = ended.json();
        println!(
            "passthrough {} of {}, arrived {}",
            result["passthrough"], result["arrivals"], result["latency"]["arrived"]
        );
        assert_eq!(result["confirmed_online"], true, "{result:#}");
        assert_eq!(result["passthrough"], 1.0, "{result:#}");
        // The viewer joins a little after LIVE.
        let arrived = result["arrivals"]["matched"].as_u64().unwrap();
        assert!(arrived > 270, "{arrived} pictures at the viewer in 12 s");
    }
}
