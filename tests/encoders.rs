//! Real ffmpegs: which encoders pass their test, what is said of those that do not, and how large
//! libx264's key frames become.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, ffmpegs};
use pd_console::ffmpeg::cache::Cache;
use pd_console::ffmpeg::capabilities::look_with;
use pd_console::ffmpeg::choose::rank_with;
use pd_console::ffmpeg::failure::Class;
use pd_console::ffmpeg::plan::{self, EncoderWish};
use pd_console::ffmpeg::probe::Scene;
use pd_console::ffmpeg::{Ffmpeg, encoder};
use pd_console::relay::flv::{FlvEvent, FlvReader};
use pd_console::settings::{EncoderFamily, EncoderSpeed, PipeFormat, Settings};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn found() -> Vec<Ffmpeg> {
    ffmpegs()
        .iter()
        .map(|path| look_with(Some(path), &Cache::new(None)).unwrap())
        .collect()
}

/// Whether this machine may have what a family needs.
fn may_work(family: EncoderFamily) -> bool {
    match family {
        EncoderFamily::Libx264 | EncoderFamily::Libopenh264 => true,
        EncoderFamily::Nvenc => Path::new("/dev/nvidiactl").exists(),
        _ => Path::new("/dev/dri").exists(),
    }
}

#[test]
fn each_encoder_passes_or_is_explained() {
    let _alone = alone();
    for ffmpeg in found() {
        for pipe in [PipeFormat::I420, PipeFormat::Bgra] {
            let (kept, stop) = (tempfile::tempdir().unwrap(), StopToken::new());
            let wish = EncoderWish {
                pipe,
                ..EncoderWish::of(&Settings::default())
            };
            let rank = || {
                let cache = Cache::new(Some(kept.path().into()));
                let started = Instant::now();
                let ranking = rank_with(&ffmpeg, &wish, None, &stop, &cache);
                (ranking, started.elapsed())
            };
            let (ranking, first) = rank();
            println!("{} {pipe:?}, {first:?}:", ffmpeg.capabilities.version_text);
            for candidate in &ranking.candidates {
                println!("  {:?}: {:?}", candidate.family, candidate.figures);
            }
            for refused in &ranking.refused {
                println!("  {:?}: {} [{}]", refused.family, refused.why, refused.said);
                assert!(!may_work(refused.family), "{refused:?}");
                let told = ![Class::Other, Class::Hangs, Class::Option].contains(&refused.class);
                assert!(told, "{refused:?}");
                assert!(!refused.why.contains("maybe incorrect"), "{refused:?}");
            }
            let passed: Vec<_> = ranking.candidates.iter().map(|c| c.family).collect();
            let listed = |family| {
                let name = encoder::row(family).name;
                ffmpeg.capabilities.encoders.contains(name)
            };
            for family in [EncoderFamily::Libx264, EncoderFamily::Libopenh264] {
                assert_eq!(passed.contains(&family), listed(family), "{family:?}");
            }
            for candidate in &ranking.candidates {
                assert_eq!(candidate.figures.profile.0, 66);
                assert!(candidate.figures.level >= 31);
            }
            let (again, second) = rank();
            assert_eq!(again, ranking);
            assert!(second < Duration::from_millis(50), "{second:?}");
        }
    }
}

#[test]
fn libx264_passes_at_the_usual_sizes_and_speeds() {
    let _alone = alone();
    for ffmpeg in found() {
        for (size, fps, level) in [
            (Size::new(1280, 720), 60, 32),
            (Size::new(1920, 1080), 30, 40),
            (Size::new(1920, 1080), 60, 42),
            (Size::new(1366, 768), 30, 32),
        ] {
            for speed in [EncoderSpeed::Fastest, EncoderSpeed::Sharpest] {
                let wish = EncoderWish {
                    size,
                    fps: Fps::whole(fps),
                    speed,
                    ..EncoderWish::of(&Settings::default())
                };
                let figures =
                    pd_console::ffmpeg::probe::probe(&ffmpeg, &wish, &StopToken::new()).unwrap();
                let version = ffmpeg.capabilities.version;
                println!("{version} {size} {fps} {speed:?}: {figures:?}");
                assert_eq!(figures.level, level, "{size} {fps}");
                assert_eq!(figures.profile, (66, 0xc0));
            }
        }
    }
}

/// Sizes of the pictures of a moving text with a cut at every 20th, key frames marked.
fn sizes(ffmpeg: &Ffmpeg, wish: &EncoderWish, pictures: u64) -> Vec<(bool, usize)> {
    let args = plan::encoder(wish, &ffmpeg.capabilities, 2);
    let mut child = Command::new(&ffmpeg.path)
        .args(args.real())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let scene = Scene::new(wish.size, wish.pipe);
    let writer = std::thread::spawn(move || {
        for number in 0..pictures {
            // Another part of the scene, upside down: nothing of the last picture helps.
            let mut picture = scene.picture(number + number / 20 * 17);
            if number / 20 % 2 == 1 {
                let luma = picture.len() * 2 / 3;
                picture[..luma].iter_mut().for_each(|y| *y = 255 - *y);
            }
            stdin.write_all(&picture).unwrap();
        }
    });
    let mut out = Vec::new();
    stdout.read_to_end(&mut out).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    let mut sizes = Vec::new();
    FlvReader::new()
        .push(&out, |event| {
            if let FlvEvent::Picture { key, avcc, .. } = event {
                sizes.push((key, avcc.len()));
            }
        })
        .unwrap();
    sizes
}

/// Above 64 KiB a PES packet has no length, and the receiver waits a picture longer to know its end.
#[test]
fn no_picture_of_libx264_outgrows_a_pes_packet() {
    let _alone = alone();
    for ffmpeg in found() {
        for (size, fps) in [(Size::new(1280, 720), 30), (Size::new(1920, 1080), 60)] {
            for speed in [
                EncoderSpeed::Fastest,
                EncoderSpeed::Balanced,
                EncoderSpeed::Sharpest,
            ] {
                for bitrate_kbps in [1_000, 3_000, 10_000] {
                    let wish = EncoderWish {
                        size,
                        fps: Fps::whole(fps),
                        speed,
                        bitrate_kbps,
                        ..EncoderWish::of(&Settings::default())
                    };
                    let sizes = sizes(&ffmpeg, &wish, 90);
                    assert_eq!(sizes.len(), 90);
                    let largest = |of: bool| {
                        let those = sizes.iter().filter(|(key, _)| *key == of);
                        those.map(|(_, bytes)| *bytes).max().unwrap_or(0)
                    };
                    println!(
                        "{} {size} {fps} {speed:?} {bitrate_kbps} kb/s, VBV {} kbit: key frame {} B, \
                         other {} B",
                        ffmpeg.capabilities.version,
                        wish.vbv_kbit(),
                        largest(true),
                        largest(false)
                    );
                    // PES header, delimiter and parameter sets come on top.
                    let most = largest(true).max(largest(false));
                    assert!(most + 200 < 65_536, "{most} B");
                }
            }
        }
    }
}
