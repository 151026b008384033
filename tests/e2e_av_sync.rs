//! Flash and beep through the whole path: the test pattern flashes when the beep sounds, and what
//! arrives at a receiver that is not ours is decoded: how far are they apart, and does it grow?
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::stream::{Listener, Stream};
use common::{Killed, alone, ffmpegs, mediamtx, sound, srt_server};
use pd_console::capture::pattern::{LAMP_OFF, LAMP_STEP, lamp};
use pd_console::units::Size;
use std::process::{Command, Stdio};
use std::time::Duration;

const SIZE: Size = Size::new(640, 360);
/// EBU R 37: sound 40 ms early to 60 ms late is what nobody sees; the console promises less.
const LIMIT_MS: f64 = 40.0;
/// How long a beep and a flash last, s.
const LONG_S: f64 = 0.1;

/// When the flashes were, by the lamp in the pictures: where the first picture of one came after
/// the whole second, its grey tells by how much.
fn flashes(stream: &Stream) -> Vec<f64> {
    let rect = lamp(SIZE);
    let crop = format!("{}:{}:{}:{}", rect.width, rect.height, rect.x, rect.y);
    let (grey, complaints) = stream.decode(&format!(
        "-map 0:v -vf crop={crop},format=gray,setpts=N -fps_mode passthrough -f rawvideo"
    ));
    assert_eq!(complaints, "");
    let times = stream.frames("v:0");
    let pixels = (rect.width * rect.height) as usize;
    assert_eq!(grey.len(), times.len() * pixels, "a picture without a time");
    let means: Vec<f64> = grey
        .chunks_exact(pixels)
        .map(|picture| picture.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels as f64)
        .collect();
    // Decoders differ in what they make of the range: the lamp's own off and on are the scale.
    let bottom = means.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    let top = means.iter().fold(0.0_f64, |a, b| a.max(*b));
    let scale = (255.0 - f64::from(LAMP_OFF)) / (top - bottom);
    println!("lamp from {bottom:.1} to {top:.1}");
    let lamp = means
        .iter()
        .map(|mean| f64::from(LAMP_OFF) + (mean - bottom) * scale);
    let lamp: Vec<f64> = lamp.collect();
    let off = f64::from(LAMP_OFF) + 24.0;
    let on = |k: usize| lamp[k] > off && lamp[k - 1] <= off;
    (1..lamp.len())
        .filter(|k| on(*k))
        .map(|k| times[k].0 - (255.0 - lamp[k]) / f64::from(LAMP_STEP) / 1e3)
        .collect()
}

/// When the beeps began: half a beep before the middle of their power, which a coder's smear to both
/// sides does not move.
fn beeps(stream: &Stream) -> Vec<f64> {
    let (pcm, complaints) = stream.decode("-map 0:a -c:a pcm_s16le -f s16le");
    assert_eq!(complaints, "");
    let left = sound::channel(&pcm, 0);
    let mut times = Vec::with_capacity(left.len());
    for (pts_s, samples) in stream.frames("a:0") {
        times.extend((0..samples).map(|k| pts_s + k as f64 / 48_000.0));
    }
    assert_eq!(times.len(), left.len(), "samples without a time");
    let mut beeps = Vec::new();
    let mut k = 0;
    while k < left.len() {
        if left[k].abs() < 0.05 {
            k += 1;
            continue;
        }
        // From 50 ms before the first loud sample to 200 ms after it.
        let part = k.saturating_sub(2_400)..(k + 9_600).min(left.len());
        let whole = part.len() == 12_000;
        let (mut sum, mut moment) = (0.0, 0.0);
        for at in part.clone() {
            let power = left[at] * left[at];
            sum += power;
            moment += power * times[at];
        }
        if whole {
            beeps.push(moment / sum - LONG_S / 2.0);
        }
        k = part.end;
    }
    beeps
}

/// Sound minus picture, ms, of each second that has both, oldest first.
fn offsets(stream: &Stream) -> Vec<f64> {
    let (flashes, beeps) = (flashes(stream), beeps(stream));
    let near = |flash: &f64| {
        let all = beeps.iter().map(|beep| beep - flash);
        all.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    flashes
        .iter()
        .filter_map(|flash| near(flash).filter(|off| off.abs() < 0.4))
        .map(|off| off * 1e3)
        .collect()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Says what was measured and holds it to the limit.
fn check(name: &str, stream: &Stream, at_least: usize) {
    let offsets = offsets(stream);
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
    for ffmpeg in ffmpegs() {
        // The second: a device whose clock is off, for long enough to see it grow (at 400
        // ppm, were it not corrected, by 8 ms in 20 s).
        for (audio, seconds) in [("beep", 12), ("beep:400", 24), ("beep:-400", 24)] {
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
    let offsets = offsets(&listener.received());
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
    let path = folder.path().join("read.ts");
    let reader = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(format!("srt://127.0.0.1:{port}?streamid=read:pd_e2e"))
        .args(["-map", "0", "-c", "copy", "-f", "mpegts"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut reader = Killed(reader.unwrap());
    let ended = console.end_within(Duration::from_secs(90));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(
        reader.ends_within(Duration::from_secs(20)).is_some(),
        "the reader still waits"
    );
    check("MediaMTX beep:200", &Stream::at(path, folder), 20);
}
