//! Flash and beep through the whole path: the test pattern flashes when the beep sounds, and what
//! arrives at a receiver that is not ours is decoded: how far are they apart, and does it grow?
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::lip::{median, offsets};
use common::stream::{Listener, Stream, srt_reader};
use common::{alone, ffmpegs, mediamtx, srt_server};
use pd_console::units::Size;
use std::time::Duration;

const SIZE: Size = Size::new(640, 360);
/// EBU R 37: sound 40 ms early to 60 ms late is what nobody sees; the console promises less.
const LIMIT_MS: f64 = 40.0;
/// Says what was measured and holds it to the limit.
fn check(name: &str, stream: &Stream, at_least: usize) {
    let offsets = offsets(stream, SIZE);
    let shown: Vec<_> = offsets.iter().map(|off| format!("{off:+.1}")).collect();
    println!("{name}: sound minus picture, ms: {}", shown.join(" "));
    assert!(offsets.len() >= at_least, "{} seconds only", offsets.len());
    // A picture that the coder dropped makes one flash late: the median of five does not know it.
    let (begin, end) = (median(&offsets[..5]), median(&offsets[offsets.len() - 5..]));
    let worst = offsets.windows(5).map(|five| median(five).abs());
    let worst = worst.fold(0.0, f64::max);
    println!("{name}: begin {begin:+.2} ms, end {end:+.2} ms, worst |offset| {worst:.2} ms");
    assert!(worst < LIMIT_MS, "{name}: {worst} ms apart");
    assert!((end - begin).abs() < 5.0, "{name}: it grows");
}

fn words(port: u16, audio: &str, seconds: u32) -> String {
    format!(
        "live --defaults --source pattern --audio {audio} --host 127.0.0.1 \
         --set target.srt_port={port} --set target.path=pd_e2e --set video.size={SIZE} \
         --seconds {seconds} --json"
    )
}

#[test]
fn flash_and_beep_arrive_together() {
    let _alone = alone();
    for (turn, ffmpeg) in ffmpegs().into_iter().enumerate() {
        // The second: a device whose clock is off, for long enough to see it grow (at 400
        // ppm, were it not corrected, by 8 ms in 20 s).
        // A sound clock that is off is the console's to mend, whatever the ffmpeg.
        let kinds = [("beep", 12), ("beep:400", 24), ("beep:-400", 24)];
        for (audio, seconds) in kinds.into_iter().take(if turn == 0 { 3 } else { 1 }) {
            let listener = Listener::start("");
            let plan = Plan::new(&ffmpeg, &words(listener.port, audio, seconds));
            let ended = plan.run(Duration::from_secs(90));
            assert!(ended.status.success(), "{}", ended.stderr);
            let stream = listener.received();
            let name = format!("{} {audio}", ffmpeg.display());
            check(&name, &stream, seconds as usize - 3);
        }
    }
}

/// The receiver dies and is back on its port: what the next connection brings is in sync too.
#[test]
fn b18_sound_and_picture_are_in_sync_after_a_return() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let first = Listener::start("");
    let port = first.port;
    let words = words(port, "beep", 60);
    let console = Plan::new(&ffmpeg, &words).start();
    console.wait_live(1);
    std::thread::sleep(Duration::from_millis(1_500));
    drop(first);
    // By the closed port, or by the publisher itself after 5 s of silence.
    let is_lost = || console.count("connecting again") + console.count("calling again") > 0;
    assert!(
        common::wait_until(Duration::from_secs(15), is_lost),
        "{}",
        console.stderr()
    );
    let back = Listener::at("127.0.0.1", port, "");
    console.wait_live(2);
    std::thread::sleep(Duration::from_secs(6));
    console.signal(rustix::process::Signal::INT);
    let ended = console.end_within(Duration::from_secs(5));
    assert!(ended.status.success(), "{}", ended.stderr);
    let offsets = offsets(&back.received(), SIZE);
    println!("after the return: sound minus picture, ms: {offsets:.1?}");
    assert!(offsets.len() >= 3, "{offsets:?}");
    assert!(median(&offsets).abs() < LIMIT_MS, "{offsets:?}");
}

#[test]
fn a_delay_of_an_input_is_what_it_says() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let listener = Listener::start("");
    let plan = Plan::new(&ffmpeg, &words(listener.port, "beep@200ms", 9));
    let ended = plan.run(Duration::from_secs(60));
    assert!(ended.status.success(), "{}", ended.stderr);
    let offsets = offsets(&listener.received(), SIZE);
    let off = median(&offsets);
    println!("delayed by 200 ms: sound minus picture {off:+.2} ms");
    assert!((off - 200.0).abs() < 20.0, "{offsets:?}");
}

#[test]
fn flash_and_beep_arrive_together_through_mediamtx() {
    let _alone = alone();
    let Some(server) = mediamtx() else { return };
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let (port, _server) = srt_server(&server, "");
    let folder = tempfile::tempdir().unwrap();
    let console = Plan::new(&ffmpeg, &words(port, "beep:200", 26)).start();
    console.wait_live(1);
    let (mut reader, path) = srt_reader(port, "pd_e2e", None, folder.path());
    let ended = console.end_within(Duration::from_secs(90));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(
        reader.ends_within(Duration::from_secs(20)).is_some(),
        "the reader still waits"
    );
    check("MediaMTX beep:200", &Stream::at(path, folder), 20);
}
