//! The faults of picture sources (cases.md B01..B06) through the whole console, with a source that
//! does what it is told and an SRT receiver that is not ours.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::stall::StallWatch;
use common::stream::{Listener, Stream, longest_gap_s};
use common::{alone, ffmpegs, first_and_last_ffmpeg, wait_until};
use pd_console::capture::{CaptureError, Frame, FrameSlot, VideoSource};
use pd_console::clock::now;
use pd_console::session::journal::Journal;
use pd_console::session::runtime::{Options, Session};
use pd_console::session::snapshot::State;
use pd_console::session::{Command, Console};
use pd_console::settings::{
    AudioInput, AudioSourceKind, Fit, PipeFormat, Secrets, Settings, TargetKind, VideoSourceKind,
};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Script = dyn Fn(u32, &FrameSlot, &StopToken) -> Result<(), CaptureError> + Send + Sync;

/// Does what its script says; the script learns how often the source was opened before.
struct Scripted(Arc<Script>, u32);

impl VideoSource for Scripted {
    fn label(&self) -> String {
        "scripted".into()
    }

    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        (self.0)(self.1, slot, stop)
    }
}

const MAGENTA: [u8; 4] = [255, 0, 255, 255];
/// B, G, R of the quadrants: top left, top right, bottom left, bottom right. No turn, mirror or
/// shear of the picture looks like it.
const QUADRANTS: [[u8; 3]; 4] = [[180, 40, 40], [40, 180, 40], [40, 40, 180], [200, 200, 200]];

/// The quadrants in this size; rows padded by `padding` bytes of magenta.
fn picture(width: u32, height: u32, padding: usize) -> Frame {
    let (w, h) = (width as usize, height as usize);
    let stride = w * 4 + padding;
    let mut data = MAGENTA.repeat((stride * h).div_ceil(4));
    data.truncate(stride * h);
    for y in 0..h {
        for x in 0..w {
            let [b, g, r] = QUADRANTS[usize::from(y >= h / 2) * 2 + usize::from(x >= w / 2)];
            data[y * stride + x * 4..][..4].copy_from_slice(&[b, g, r, 0]);
        }
    }
    let now = now();
    Frame {
        captured_at: now,
        in_memory_at: now,
        size: Size::new(width, height),
        stride,
        data: data.into(),
    }
}

/// Puts this picture at `fps` for `time`; whether the stop came.
fn play(slot: &FrameSlot, stop: &StopToken, frame: &Frame, fps: f64, time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        let mut frame = frame.clone();
        (frame.captured_at, frame.in_memory_at) = (now(), now());
        slot.put(frame);
        if stop.sleep(Duration::from_secs_f64(1.0 / fps)) {
            return true;
        }
    }
    false
}

/// Shows nothing new until the stop.
fn still(slot: &FrameSlot, stop: &StopToken) {
    while !stop.sleep(Duration::from_millis(100)) {
        slot.beat(now());
    }
}

fn settings(ffmpeg: &Path, port: u16) -> Settings {
    let mut settings = Settings {
        ffmpeg_path: Some(ffmpeg.to_owned()),
        ..Settings::default()
    };
    settings.target.kind = TargetKind::Srt;
    settings.target.host = "127.0.0.1".into();
    settings.target.srt_port = port;
    settings.audio.inputs = vec![AudioInput {
        source: AudioSourceKind::Tone,
        ..AudioInput::default()
    }];
    settings
}

/// Goes live with a scripted source; what `during` returns, and what the receiver got.
fn show<T>(
    ffmpeg: &Path,
    change: impl FnOnce(&mut Settings),
    script: impl Fn(u32, &FrameSlot, &StopToken) -> Result<(), CaptureError> + Send + Sync + 'static,
    during: impl FnOnce(&Session) -> T,
) -> (T, Stream) {
    let listener = Listener::start("");
    let mut settings = settings(ffmpeg, listener.port);
    settings.viewer.on = false;
    change(&mut settings);
    let (script, opened): (Arc<Script>, _) = (Arc::new(script), AtomicU32::new(0));
    let options = Options {
        open_picture: Arc::new(move |_| {
            let number = opened.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Scripted(script.clone(), number)))
        }),
        ..Options::default()
    };
    let journal = Journal::new();
    let session = Session::start(settings, Secrets::default(), options, journal, None).unwrap();
    session.send(Command::GoLive);
    let live = wait_until(Duration::from_secs(20), || {
        session.snapshot().state == State::Live
    });
    assert!(live, "{:?}\n{:?}", session.snapshot().state, log(&session));
    let stalls = StallWatch::start();
    let result = during(&session);
    let limit_s = stalls.widened_s(LONGEST_GAP_S);
    GAP_LIMIT_MS.store((limit_s * 1e3) as u64, Ordering::Relaxed);
    assert_eq!(session.snapshot().state, State::Live, "{:?}", log(&session));
    session.send(Command::Stop);
    drop(session);
    (result, listener.received())
}

fn log(session: &Session) -> Vec<String> {
    let snapshot = session.snapshot();
    snapshot.log.iter().map(|line| line.text.clone()).collect()
}

/// No longer without a picture, s, on a machine that is not busy.
const LONGEST_GAP_S: f64 = 0.3;
/// The same on this machine in the last show, ms. Tests of this file run one after another.
static GAP_LIMIT_MS: AtomicU64 = AtomicU64::new(0);

/// Whether a picture came often enough all the time.
fn assert_no_gap(stream: &Stream) {
    let (gap_ms, limit_ms) = (
        longest_gap_s(&stream.pictures()) * 1e3,
        GAP_LIMIT_MS.load(Ordering::Relaxed),
    );
    assert!(
        gap_ms < limit_ms as f64,
        "{gap_ms:.0} ms without a picture, of {limit_ms}"
    );
}

/// Decoded B, G, R pictures of `size`, one in `1/fps` seconds.
fn decoded(stream: &Stream, size: Size, fps: u32) -> Vec<Vec<u8>> {
    let options = format!(
        "-map 0:v -vf fps={fps},scale=in_color_matrix=bt709:in_range=tv,format=bgr24 -f rawvideo"
    );
    let (bytes, _) = stream.decode(&options);
    bytes
        .chunks_exact(size.pixels() * 3)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Whether the quadrants fill the rectangle at (x, y) of that size and all else is black.
fn is_at(picture: &[u8], whole: Size, x: u32, y: u32, size: Size) -> bool {
    let pixel = |x: u32, y: u32| {
        let at = (y as usize * whole.width as usize + x as usize) * 3;
        [picture[at], picture[at + 1], picture[at + 2]]
    };
    let near = |got: [u8; 3], want: [u8; 3]| got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 10);
    let (w, h) = (size.width, size.height);
    // Close to the corners of each quadrant, where a shear would show.
    let inset = 12;
    let mut good = true;
    for (number, want) in QUADRANTS.into_iter().enumerate() {
        let (left, top) = (
            x + number as u32 % 2 * (w / 2),
            y + number as u32 / 2 * (h / 2),
        );
        for (dx, dy) in [
            (inset, inset),
            (w / 2 - inset, inset),
            (inset, h / 2 - inset),
            (w / 2 - inset, h / 2 - inset),
        ] {
            good &= near(pixel(left + dx, top + dy), want);
        }
    }
    if x > 2 * inset {
        good &= near(pixel(x - inset, whole.height / 2), [0; 3]);
        good &= near(pixel(x + w + inset, whole.height / 2), [0; 3]);
    }
    good
}

#[test]
fn b01_b02_odd_sizes_and_padded_rows_arrive_whole() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        println!("with {}", ffmpeg.display());
        let odd = picture(1367, 769, 36);
        let ((), stream) = show(
            &ffmpeg,
            |settings| settings.video.size = Size::new(1367, 769),
            move |_, slot, stop| {
                play(slot, stop, &odd, 30.0, Duration::from_secs(60));
                Ok(())
            },
            |_| std::thread::sleep(Duration::from_secs(3)),
        );
        let properties = stream.properties("v");
        assert_eq!(
            (&properties["width"], &properties["height"]),
            (&1366.into(), &768.into())
        );
        let whole = Size::new(1366, 768);
        let pictures = decoded(&stream, whole, 5);
        assert!(pictures.len() >= 10, "{}", pictures.len());
        for picture in pictures.iter().skip(1) {
            assert!(is_at(picture, whole, 0, 0, whole));
            let magenta = |p: &&[u8; 3]| p[0] > 200 && p[1] < 60 && p[2] > 200;
            assert_eq!(picture.as_chunks::<3>().0.iter().filter(magenta).count(), 0);
        }
    }
}

#[test]
fn b01_a_source_too_small_says_so_and_the_show_goes_on() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let large = picture(640, 360, 0);
    let (words, stream) = show(
        &ffmpeg,
        |_| {},
        move |_, slot, stop| {
            play(slot, stop, &large, 30.0, Duration::from_secs(4));
            for side in [1, 2, 15] {
                play(
                    slot,
                    stop,
                    &picture(side, side, 0),
                    30.0,
                    Duration::from_millis(1_200),
                );
            }
            play(slot, stop, &large, 30.0, Duration::from_secs(60));
            Ok(())
        },
        |session| {
            let seen = wait_until(Duration::from_secs(15), || {
                log(session)
                    .iter()
                    .any(|line| line.contains("15x15, too small"))
            });
            assert!(seen, "{:?}", log(session));
            std::thread::sleep(Duration::from_secs(3));
            log(session)
        },
    );
    for side in ["1x1", "2x2", "15x15"] {
        let said = words.iter().filter(|line| line.contains(side)).count();
        assert_eq!(said, 1, "{side}: {words:?}");
    }
    // The last good picture was sent on meanwhile.
    assert_no_gap(&stream);
    let pictures = decoded(&stream, Size::new(1280, 720), 2);
    let whole = Size::new(1280, 720);
    assert!(is_at(pictures.last().unwrap(), whole, 0, 0, whole));
}

#[test]
fn b04_a_source_that_changes_its_size_is_never_sheared() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        println!("with {}", ffmpeg.display());
        for pipe in [PipeFormat::I420, PipeFormat::Bgra] {
            let ((), stream) = show(
                &ffmpeg,
                |settings| settings.video.pipe = pipe,
                |_, slot, stop| {
                    let sizes = [(1280, 720), (1000, 700), (1600, 900), (1367, 769)];
                    for (width, height) in sizes.into_iter().cycle() {
                        let picture = picture(width, height, 20);
                        if play(slot, stop, &picture, 30.0, Duration::from_millis(1_500)) {
                            break;
                        }
                    }
                    Ok(())
                },
                |_| std::thread::sleep(Duration::from_secs(7)),
            );
            let whole = Size::new(1280, 720);
            let properties = stream.properties("v");
            assert_eq!(
                (&properties["width"], &properties["height"]),
                (&1280.into(), &720.into())
            );
            for (name, value) in [
                ("color_range", "tv"),
                ("color_space", "bt709"),
                ("color_primaries", "bt709"),
                ("color_transfer", "bt709"),
            ] {
                assert_eq!(properties[name], value, "{pipe:?} {name}");
            }
            assert_no_gap(&stream);
            // 1000x700 has bars of 126 at its sides; the others fill the show (1367x769 up to two
            // rows or columns).
            let (mut full, mut barred, mut wrong) = (0, 0, 0);
            for picture in decoded(&stream, whole, 10).iter().skip(2) {
                if is_at(picture, whole, 0, 0, whole) {
                    full += 1;
                } else if is_at(picture, whole, 126, 0, Size::new(1028, 720)) {
                    barred += 1;
                } else {
                    wrong += 1;
                }
            }
            println!("{pipe:?}: {full} full, {barred} with bars, {wrong} neither");
            assert!(full > 15 && barred > 5, "{full} {barred}");
            assert_eq!(wrong, 0);
        }
    }
}

#[test]
fn the_fit_changes_in_the_middle_of_a_show() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    // A still picture: the change itself must bring the new one.
    let (_, stream) = show(
        &ffmpeg,
        |_| {},
        |_, slot, stop| {
            slot.put(picture(720, 720, 0));
            still(slot, stop);
            Ok(())
        },
        |session| {
            std::thread::sleep(Duration::from_secs(2));
            let mut settings = session.snapshot().settings.clone();
            settings.video.fit = Fit::Crop;
            session.send(Command::ApplySettings(Box::new(settings)));
            std::thread::sleep(Duration::from_secs(2));
        },
    );
    let whole = Size::new(1280, 720);
    let pictures = decoded(&stream, whole, 5);
    assert!(is_at(&pictures[2], whole, 280, 0, Size::new(720, 720)));
    let last = pictures.last().unwrap();
    assert!(is_at(last, whole, 0, 0, whole), "not cropped");
}

#[test]
fn b05_a_lost_source_keeps_the_stream_up_and_comes_back() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let ((lost, back, cpu), stream) = show(
        &ffmpeg,
        |_| {},
        |opened, slot, stop| {
            match opened {
                0 => {
                    play(
                        slot,
                        stop,
                        &picture(1280, 720, 0),
                        30.0,
                        Duration::from_secs(5),
                    );
                    return Err(CaptureError::Lost("access lost".into()));
                }
                1 | 2 => return Err(CaptureError::Lost("access lost".into())),
                _ => play(
                    slot,
                    stop,
                    &picture(1000, 700, 0),
                    30.0,
                    Duration::from_secs(60),
                ),
            };
            Ok(())
        },
        |session| {
            let is_lost = || session.snapshot().source.contains("access lost");
            assert!(wait_until(Duration::from_secs(10), is_lost));
            let (lost, before) = (Instant::now(), cpu_time());
            std::thread::sleep(Duration::from_secs(1));
            // Of what waits for the source; the pump goes on as it should.
            let cpu = (cpu_time() - before).as_secs_f64() / lost.elapsed().as_secs_f64();
            assert!(wait_until(Duration::from_secs(10), || !is_lost()));
            let back = lost.elapsed();
            std::thread::sleep(Duration::from_secs(2));
            (lost, back, cpu)
        },
    );
    let _ = lost;
    println!(
        "lost for {back:?}, {:.0} % of a core meanwhile",
        cpu * 100.0
    );
    assert!(
        back > Duration::from_secs(2) && back < Duration::from_secs(5),
        "{back:?}"
    );
    assert!(cpu < 0.2, "{cpu}");
    // The last picture was sent on meanwhile, at the show's rate.
    assert_no_gap(&stream);
    let whole = Size::new(1280, 720);
    // Full, then with bars at its sides.
    let kind = |picture: &Vec<u8>| match picture {
        p if is_at(p, whole, 0, 0, whole) => 'F',
        p if is_at(p, whole, 126, 0, Size::new(1028, 720)) => 'B',
        _ => '?',
    };
    let kinds: String = decoded(&stream, whole, 5).iter().map(kind).collect();
    println!("pictures, five a second: {kinds}");
    assert!(kinds.starts_with("FFFF") && kinds.ends_with('B'), "{kinds}");
}

#[test]
fn b06_a_still_screen_is_sent_at_the_full_rate_with_key_frames_and_few_bits() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        println!("with {}", ffmpeg.display());
        still_show(&ffmpeg, Duration::from_secs(10));
    }
}

/// One picture and then nothing for `time`: full rate, a key frame a second, few bits.
fn still_show(ffmpeg: &Path, time: Duration) {
    let ((), stream) = show(
        ffmpeg,
        |_| {},
        |_, slot, stop| {
            slot.put(picture(1280, 720, 0));
            still(slot, stop);
            Ok(())
        },
        |_| std::thread::sleep(time),
    );
    // The first goes out as soon as the encoder is warm, up to an interval early.
    let pictures = &stream.pictures()[2..];
    let time = pictures.last().unwrap().pts_s - pictures[0].pts_s;
    let rate = (pictures.len() - 1) as f64 / time;
    assert!((rate - 30.0).abs() < 0.6, "{rate}");
    let keys: Vec<_> = pictures.iter().filter(|p| p.key).collect();
    for two in keys.windows(2) {
        let apart = two[1].pts_s - two[0].pts_s;
        // A stall of the machine moves one, and the next back.
        let slack = GAP_LIMIT_MS.load(Ordering::Relaxed) as f64 / 1e3 - LONGEST_GAP_S;
        assert!((apart - 1.0).abs() < 0.1 + slack, "{apart}");
    }
    let kbps = pictures.iter().map(|p| p.bytes).sum::<f64>() * 8.0 / 1000.0 / time;
    println!("{rate:.2} fps, {} key frames, {kbps:.0} kb/s", keys.len());
    assert!(kbps < 0.3 * 3000.0, "{kbps}");
}

#[test]
fn every_rate_from_5_to_144_is_held_fractions_too() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    for (num, den) in [(5, 1), (24_000, 1001), (25, 1), (60_000, 1001), (144, 1)] {
        let fps = Fps { num, den };
        let small = picture(320, 180, 0);
        let ((), stream) = show(
            &ffmpeg,
            |settings| {
                settings.video.size = Size::new(320, 180);
                settings.video.fps = fps;
            },
            // A screen of another rate, as is usual.
            move |_, slot, stop| {
                play(slot, stop, &small, 75.0, Duration::from_secs(60));
                Ok(())
            },
            |_| std::thread::sleep(Duration::from_secs(4)),
        );
        // The first goes out as soon as the encoder is warm, up to an interval early.
        let pictures = &stream.pictures()[2..];
        let time = pictures.last().unwrap().pts_s - pictures[0].pts_s;
        let rate = (pictures.len() - 1) as f64 / time;
        println!("{fps}: {rate:.3} over {time:.2} s");
        assert!((rate / fps.as_f64() - 1.0).abs() < 0.03, "{fps}: {rate}");
    }
}

/// CPU time of the threads that watch and open the picture source.
fn cpu_time() -> Duration {
    let mut all = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (name, rest) = stat.rsplit_once(')').unwrap();
        if !name.ends_with("(pd-capture") && !name.ends_with("(pd-source") {
            continue;
        }
        // proc(5): utime and stime are fields 14 and 15, in ticks of 10 ms.
        let fields: Vec<_> = rest.split_whitespace().collect();
        all += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    }
    Duration::from_millis(all * 10)
}

/// A still screen to a real MediaMTX; how long a viewer who joins after `still_for` waits for its first
/// picture. Each of some viewers is a measurement of its own: a busy machine may hold one up.
#[cfg(feature = "probe")]
fn join_a_still_screen(still_for: Duration) -> Option<Duration> {
    use common::server::OwnServer;
    use common::viewer::Viewer;
    use pd_console::clock::MonoTime;
    let (ffmpeg, program) = common::programs()?;
    let server = OwnServer::start(&program, "  all_others:\n");
    let mut settings = settings(&ffmpeg, server.srt);
    settings.viewer.on = false;
    settings.target.path = "pd_e2e".into();
    settings.target.way = pd_console::settings::Way::SrtPush;
    settings.video.size = Size::new(640, 360);
    let script: Arc<Script> = Arc::new(|_, slot, stop| {
        slot.put(picture(640, 360, 0));
        still(slot, stop);
        Ok(())
    });
    let options = Options {
        open_picture: Arc::new(move |_| Ok(Box::new(Scripted(script.clone(), 0)))),
        ..Options::default()
    };
    let session = Session::start(settings, Secrets::default(), options, Journal::new(), None);
    let session = session.unwrap();
    session.send(Command::GoLive);
    let is_online = || server.path("pd_e2e").is_some_and(|path| path.online);
    assert!(
        wait_until(Duration::from_secs(20), is_online),
        "{:?}",
        log(&session)
    );
    std::thread::sleep(still_for);
    let first = || {
        let began = Instant::now();
        let viewer = Viewer::start(server.whep_url("pd_e2e"));
        viewer.wait_pictures(MonoTime::ZERO, 1, Duration::from_secs(15));
        let took = began.elapsed();
        println!("still for {still_for:?}: first picture after {took:?}");
        took
    };
    let best = (0..3)
        .map(|_| first())
        .find(|took| *took < Duration::from_secs(2));
    session.send(Command::Stop);
    Some(best.expect("no viewer had a picture within 2 s"))
}

#[cfg(feature = "probe")]
#[test]
fn b06_a_viewer_joins_a_still_screen_within_2_s() {
    let _alone = alone();
    join_a_still_screen(Duration::from_secs(3));
}

#[cfg(feature = "probe")]
#[test]
#[ignore = "a minute: cargo test --test e2e_source -- --ignored b06_30_s"]
fn b06_30_s_of_stillness_and_a_viewer_at_20_s() {
    let _alone = alone();
    join_a_still_screen(Duration::from_secs(20));
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    still_show(&ffmpeg, Duration::from_secs(30));
}

/// The sound is not there for the first seconds of a show, and then comes: the encoder's and the
/// publisher's real ffmpeg get silence by the clock meanwhile.
#[test]
fn b11_b12_a_missing_sound_never_holds_the_picture_up_and_is_in_sync_when_it_comes() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let listener = Listener::start("");
    let mut settings = settings(&ffmpeg, listener.port);
    settings.viewer.on = false;
    settings.video.source = VideoSourceKind::Pattern;
    settings.video.size = Size::new(640, 360);
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Input(
        "no such 7f3a".into(),
    ))];
    let session = Session::start(
        settings.clone(),
        Secrets::default(),
        Options::default(),
        Journal::new(),
        None,
    );
    let session = session.unwrap();
    session.send(Command::GoLive);
    let is_live = || session.snapshot().state == State::Live;
    assert!(
        wait_until(Duration::from_secs(20), is_live),
        "{:?}",
        log(&session)
    );
    let stalls = StallWatch::start();
    std::thread::sleep(Duration::from_secs(3));
    let told = log(&session).iter().any(|line| line.contains("7f3a"));
    assert!(told, "{:?}", log(&session));
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Beep(0))];
    session.send(Command::ApplySettings(Box::new(settings)));
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(session.snapshot().state, State::Live, "{:?}", log(&session));
    let limit_s = stalls.widened_s(0.1);
    session.send(Command::Stop);
    drop(session);
    let stream = listener.received();
    let gap = longest_gap_s(&stream.pictures());
    println!(
        "longest time without a picture {:.0} ms of {:.0}",
        gap * 1e3,
        limit_s * 1e3
    );
    assert!(gap < limit_s, "{gap}");
    // The sound is whole from the first: packets of 10 ms each.
    let sound: Vec<_> = stream.frames("a:0").iter().map(|frame| frame.0).collect();
    let hole = sound
        .windows(2)
        .map(|two| two[1] - two[0])
        .fold(0.0, f64::max);
    assert!(hole < 0.05, "{hole} s without sound");
    let offsets = common::lip::offsets(&stream, Size::new(640, 360));
    println!("sound minus picture, ms: {offsets:.1?}");
    assert!(offsets.len() >= 3, "{offsets:?}");
    assert!(common::lip::median(&offsets).abs() < 40.0, "{offsets:?}");
}
