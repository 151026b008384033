//! From a real screen and a tone to an SRT receiver that is not ours: is what arrives what was shown?
#![cfg(all(target_os = "linux", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::screen::{Drawing, Picture, Xvfb};
use common::stream::{Listener, Stream};
use common::{alone, ffmpegs, sound};
use std::time::Duration;

const WIDTH: usize = 1280;
const HEIGHT: usize = 720;
/// Below it a block moves; above it nothing does.
const STILL_ROWS: usize = 560;
/// Side of a patch; its place is a multiple of it.
const PATCH: usize = 120;
/// Red, green, blue of each patch: greys, the primaries at three quarters, skin, and near the ends.
const PATCHES: [[u8; 3]; 10] = [
    [16, 16, 16],
    [128, 128, 128],
    [235, 235, 235],
    [180, 16, 16],
    [16, 180, 16],
    [16, 16, 180],
    [180, 180, 16],
    [16, 180, 180],
    [180, 16, 180],
    [224, 172, 140],
];

fn patch_at(number: usize) -> (usize, usize) {
    (40 + number * PATCH, 300)
}

/// A slope of grey, an F of white on black at the top left, a colour in each other corner, and the
/// patches. No turn or mirror of it looks like itself.
fn drawn() -> Picture {
    Picture::of(WIDTH, HEIGHT, |x, y| {
        if y >= STILL_ROWS {
            return [60, 70, 80];
        }
        if (300..300 + PATCH).contains(&y) && (40..40 + PATCHES.len() * PATCH).contains(&x) {
            return PATCHES[(x - 40) / PATCH];
        }
        match (x, y) {
            (0..160, 0..200) => {
                let f = (32..64).contains(&x) && (24..176).contains(&y)
                    || (32..128).contains(&x) && (24..56).contains(&y)
                    || (32..104).contains(&x) && (88..120).contains(&y);
                if f { [235; 3] } else { [16; 3] }
            }
            (1180.., 0..100) => [200, 40, 40],
            (0..100, 460..) => [40, 200, 40],
            (1180.., 460..) => [40, 40, 200],
            _ => [(40 + x / 8) as u8; 3],
        }
    })
}

#[test]
fn what_is_shown_and_heard_arrives() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let Some(server) = Xvfb::start(&format!("{WIDTH}x{HEIGHT}x24"), &[]) else {
            return;
        };
        println!("with {}", ffmpeg.display());
        let picture = drawn();
        let _drawing = Drawing::start(
            &server.display,
            &picture,
            Duration::from_millis(66),
            |pen, number| {
                let x = (number * 16 % 1180) as i16;
                pen.fill(0x3C_4650, 0, 590, WIDTH as u16, 100);
                pen.fill(0xF0_C020, x, 590, 100, 100);
            },
        );
        let listener = Listener::start("");
        let words = format!(
            "live --defaults --source x11 --audio tone --host 127.0.0.1 --set target.srt_port={} \
             --set target.path=pd_e2e --set video.cursor=false --seconds 8 --json",
            listener.port
        );
        let ended = Plan::new(&ffmpeg, &words)
            .env("DISPLAY", &server.display)
            .run(Duration::from_secs(60));
        assert!(ended.status.success(), "{}", ended.stderr);
        let result = ended.json();
        assert_eq!(result["reconnects"], 0, "{result}");
        assert!(ended.left_after(Duration::from_secs(1)).is_empty());
        let stream = listener.received();
        the_formats_are_those_of_webrtc(&stream);
        the_picture_is_the_drawn_one(&stream, &picture);
        the_tone_is_the_sent_one(&stream);
    }
}

/// RFC 7742 and 7874: what every browser takes without transcoding.
fn the_formats_are_those_of_webrtc(stream: &Stream) {
    let video = stream.properties("v");
    for (name, wanted) in [
        ("codec_name", "h264"),
        ("profile", "Constrained Baseline"),
        ("pix_fmt", "yuv420p"),
        ("color_range", "tv"),
        ("color_space", "bt709"),
        ("color_primaries", "bt709"),
        ("color_transfer", "bt709"),
    ] {
        assert_eq!(video[name], wanted, "{name}: {video}");
    }
    assert_eq!(
        (&video["width"], &video["height"]),
        (&1280.into(), &720.into())
    );
    assert_eq!(video["has_b_frames"], 0, "{video}");
    let audio = stream.properties("a");
    assert_eq!(audio["codec_name"], "opus", "{audio}");
    assert_eq!(audio["sample_rate"], "48000", "{audio}");
    assert_eq!(audio["channels"], 2, "{audio}");
}

fn the_picture_is_the_drawn_one(stream: &Stream, drawn: &Picture) {
    let (bytes, complaints) = stream.decode(
        "-map 0:v -vf fps=2,scale=in_color_matrix=bt709:in_range=tv,format=bgra -f rawvideo",
    );
    assert_eq!(complaints, "");
    let pictures: Vec<_> = bytes
        .chunks_exact(WIDTH * HEIGHT * 4)
        .map(|data| Picture {
            width: WIDTH,
            height: HEIGHT,
            data: data.to_vec(),
        })
        .collect();
    // 8 s at 2 a second, less what the start may cost; the first may still be coarse.
    assert!(pictures.len() >= 14, "{} pictures", pictures.len());
    let (mut worst_psnr, mut worst_patch) = (f64::INFINITY, 0.0_f64);
    for (number, picture) in pictures.iter().enumerate().skip(2) {
        let psnr = psnr_of_still_rows(picture, drawn);
        worst_psnr = worst_psnr.min(psnr);
        assert!(psnr > 30.0, "picture {number}: {psnr:.1} dB");
        for (patch, colour) in PATCHES.iter().enumerate() {
            let error = patch_error(picture, patch);
            worst_patch = worst_patch.max(error);
            assert!(
                error <= 4.0,
                "picture {number}, patch {colour:?}: {error:.1} of 255"
            );
        }
    }
    println!(
        "{} pictures, worst PSNR {worst_psnr:.1} dB, worst patch error {worst_patch:.2} of 255",
        pictures.len()
    );
    let moved = |row: usize| {
        let row_of =
            |picture: &Picture| picture.data[row * WIDTH * 4..(row + 1) * WIDTH * 4].to_vec();
        pictures
            .windows(2)
            .filter(|pair| row_of(&pair[0]) != row_of(&pair[1]))
            .count()
    };
    assert!(moved(640) >= pictures.len() - 2, "the block did not move");
    // The comparison must be able to tell: the same picture turned or mirrored fails it.
    let last = &pictures[pictures.len() - 1];
    for (name, x_turned, y_turned) in [
        ("mirrored", true, false),
        ("upside down", false, true),
        ("turned", true, true),
    ] {
        let other = Picture::of(WIDTH, STILL_ROWS, |x, y| {
            let x = if x_turned { WIDTH - 1 - x } else { x };
            let y = if y_turned { STILL_ROWS - 1 - y } else { y };
            last.rgb(x, y)
        });
        let psnr = psnr_of_still_rows(&other, drawn);
        assert!(psnr < 25.0, "{name}: {psnr:.1} dB");
    }
}

/// Of red, green and blue where nothing moves; the rows beside the moving part are left out.
fn psnr_of_still_rows(picture: &Picture, drawn: &Picture) -> f64 {
    let mut sum = 0_u64;
    let rows = STILL_ROWS - 16;
    for y in 0..rows {
        for x in 0..WIDTH {
            let (a, b) = (picture.rgb(x, y), drawn.rgb(x, y));
            sum += a
                .iter()
                .zip(b)
                .map(|(a, b)| u64::from(a.abs_diff(b)).pow(2))
                .sum::<u64>();
        }
    }
    let mean = sum as f64 / (rows * WIDTH * 3) as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// The largest error of a channel's mean inside the patch, of 255.
fn patch_error(picture: &Picture, patch: usize) -> f64 {
    let (left, top) = patch_at(patch);
    // Chroma of the neighbours and ringing reach some pixels in.
    let inset = 12;
    let mut sums = [0.0; 3];
    for y in top + inset..top + PATCH - inset {
        for x in left + inset..left + PATCH - inset {
            for (sum, value) in sums.iter_mut().zip(picture.rgb(x, y)) {
                *sum += f64::from(value);
            }
        }
    }
    let count = ((PATCH - 2 * inset) as f64).powi(2);
    sums.iter()
        .zip(PATCHES[patch])
        .map(|(sum, wanted)| (sum / count - f64::from(wanted)).abs())
        .fold(0.0, f64::max)
}

fn the_tone_is_the_sent_one(stream: &Stream) {
    let (pcm, complaints) = stream.decode("-map 0:a -ar 48000 -ac 2 -c:a pcm_s16le -f s16le");
    assert_eq!(complaints, "");
    let seconds = pcm.len() as f64 / 4.0 / 48_000.0;
    assert!(seconds >= 7.5, "{seconds:.2} s of sound");
    for side in 0..2 {
        let all = sound::channel(&pcm, side);
        // Without the fade-in of the coder and the cut at the end.
        let steady = &all[24_000..all.len() - 4_800];
        let steps = sound::phase_steps(steady, 48_000.0, 1000.0);
        let pitch = 1000.0 + steps.iter().sum::<f64>() / (steps.len() as f64 * 0.01);
        let jump = steps
            .iter()
            .fold(0.0_f64, |most, step| most.max(step.abs()));
        let level = sound::sine_peak_dbfs(steady);
        let peaks = sound::peaks_dbfs(steady, 48_000);
        let loudest = peaks.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let quietest = peaks.iter().fold(f64::INFINITY, |a, b| a.min(*b));
        let dips = peaks.iter().filter(|peak| **peak < -21.0).count();
        println!(
            "channel {side}: {pitch:.3} Hz, {level:.2} dBFS, 5 ms peaks {quietest:.2}..{loudest:.2} \
             dBFS ({dips} dips), largest phase step {jump:.4} turns, {seconds:.2} s"
        );
        assert!((pitch - 1000.0).abs() <= 1.0, "{pitch} Hz");
        assert!((level + 20.0).abs() <= 0.5, "{level} dBFS");
        assert!(jump < 0.05, "sound was lost or repeated: {jump} turns");
        assert!(loudest < -18.5, "a click: {loudest} dBFS");
        // The tone's thread may be late on a busy machine, which is heard as a fade of 3 ms.
        assert!(dips <= 4, "{dips} dips, the deepest to {quietest} dBFS");
        assert!(quietest > -40.0, "a gap: {quietest} dBFS");
    }
}
