//! The X11 source against real X servers (Xvfb), each test with its own.
//!
//! Skipped, with a line that says so, where Xvfb is not installed.
#![cfg(all(target_os = "linux", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

#[path = "x11_capture/parts.rs"]
mod parts;
#[path = "common/running.rs"]
mod running;
#[path = "x11_capture/server.rs"]
mod server;

use pd_console::capture::x11::X11Source;
use pd_console::capture::{CaptureError, Frame};
use pd_console::clock::now;
use pd_console::settings::{ScreenPart, VideoSettings, WindowName};
use pd_console::units::{Region, Size};
use running::Running;
use server::{Painter, Xvfb};
use std::time::{Duration, Instant};

const RED: u32 = 0xFF_0000;
const GREEN: u32 = 0x00_FF00;
const BLUE: u32 = 0x00_00FF;
const TEAL: u32 = 0x12_8090;

/// The source on a thread of its own.
fn start(source: X11Source) -> Running {
    Running::start(source, Duration::from_secs(5))
}

/// The pixel as 0xRRGGBB.
fn pixel(frame: &Frame, x: u32, y: u32) -> u32 {
    let at = y as usize * frame.stride + x as usize * 4;
    let [b, g, r] = [0, 1, 2].map(|i| u32::from(frame.data[at + i]));
    r << 16 | g << 8 | b
}

fn open(server: &Xvfb, cursor: bool) -> X11Source {
    open_part(server, cursor, ScreenPart::Whole, None).unwrap()
}

fn open_part(
    server: &Xvfb,
    cursor: bool,
    part: ScreenPart,
    region: Option<Region>,
) -> Result<X11Source, CaptureError> {
    let settings = VideoSettings {
        cursor,
        part,
        region,
        ..VideoSettings::default()
    };
    X11Source::open(Some(&server.display), &settings)
}

/// Four quarters, a one-pixel frame, and a window: checks all of it.
fn known_content_is_captured_exactly(server: &Xvfb, size: Size) {
    let painter = Painter::new(server);
    let (w, h) = (size.width, size.height);
    painter.fill(TEAL, 0, 0, w, h);
    painter.fill(RED, 1, 1, w / 2 - 1, h / 2 - 1);
    painter.fill(GREEN, w / 2, 1, w - w / 2 - 1, h / 2 - 1);
    painter.fill(BLUE, 1, h / 2, w / 2 - 1, h - h / 2 - 1);
    painter.window(0xFF_FF00, 100, 60, 64, 48);
    let source = open(server, false);
    assert_eq!(source.is_memory_shared(), painter.has("MIT-SHM"));
    let running = start(source);
    let expected = |x: u32, y: u32| {
        if (100..164).contains(&x) && (60..108).contains(&y) {
            0xFF_FF00
        } else if x == 0 || y == 0 || x == w - 1 || y == h - 1 {
            TEAL
        } else {
            match (x < w / 2, y < h / 2) {
                (true, true) => RED,
                (false, true) => GREEN,
                (true, false) => BLUE,
                (false, false) => TEAL,
            }
        }
    };
    let frame = running.next_with(|frame| pixel(frame, 120, 80) == 0xFF_FF00);
    assert_eq!(frame.size, size);
    assert_eq!(frame.data.len(), frame.stride * h as usize);
    for y in 0..h {
        for x in 0..w {
            assert_eq!(pixel(&frame, x, y), expected(x, y), "at {x},{y}");
        }
    }
    let (_, ended) = running.end();
    ended.unwrap();
}

#[test]
fn pixels_are_exact() {
    // An odd size: the crop is the converter's, not the source's.
    let Some(server) = Xvfb::start("641x479x24", &[]) else {
        return;
    };
    known_content_is_captured_exactly(&server, Size::new(641, 479));
}

#[test]
fn pixels_are_exact_without_shared_memory() {
    let Some(server) = Xvfb::start("640x480x24", &["-extension", "MIT-SHM"]) else {
        return;
    };
    assert!(!Painter::new(&server).has("MIT-SHM"));
    known_content_is_captured_exactly(&server, Size::new(640, 480));
}

#[test]
fn without_damage_the_screen_is_grabbed_by_the_clock() {
    let Some(server) = Xvfb::start("320x240x24", &["-extension", "DAMAGE"]) else {
        return;
    };
    let painter = Painter::new(&server);
    assert!(!painter.has("DAMAGE"));
    let source = open(&server, true).poll_every(Duration::from_millis(20));
    let running = start(source);
    running.next();
    let (from, started) = (running.slot.put_count(), Instant::now());
    painter.fill(GREEN, 0, 0, 320, 240);
    running.next_with(|frame| pixel(frame, 20, 20) == GREEN);
    std::thread::sleep(Duration::from_secs(1).saturating_sub(started.elapsed()));
    let grabbed = running.slot.put_count() - from;
    assert!((20..=51).contains(&grabbed), "{grabbed} grabs in a second");
    running.end().1.unwrap();
}

#[test]
fn a_change_comes_at_once_and_stillness_brings_nothing() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let running = start(open(&server, true));
    running.settle();
    for (i, colour) in [RED, GREEN, BLUE, TEAL, RED].into_iter().enumerate() {
        assert!(
            !running.slot.wait(Duration::from_millis(300)),
            "a frame of a still screen"
        );
        let painted = now();
        painter.fill(colour, 300, 200, 40, 40);
        let frame = running.next();
        assert_eq!(pixel(&frame, 320, 220), colour, "change {i}");
        assert!(frame.captured_at >= painted && frame.in_memory_at >= frame.captured_at);
        let took = frame.in_memory_at.since(painted);
        assert!(took < Duration::from_millis(100), "change {i}: {took:?}");
        running.settle();
    }
    let (took, ended) = running.end();
    ended.unwrap();
    assert!(took < Duration::from_millis(150), "stop took {took:?}");
}

#[test]
fn a_frame_waits_for_the_pacer_and_holds_the_newest_change() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let running = start(open(&server, false));
    running.settle();
    let wanted = now() + Duration::from_millis(300);
    running.slot.want_from(wanted);
    painter.fill(RED, 0, 0, 50, 50);
    std::thread::sleep(Duration::from_millis(150));
    let second = now();
    painter.fill(GREEN, 0, 0, 50, 50);
    let frame = running.next();
    assert_eq!(pixel(&frame, 10, 10), GREEN);
    assert!(frame.in_memory_at >= wanted, "grabbed too early");
    assert!(
        frame.captured_at >= second && frame.captured_at < wanted,
        "wrong change"
    );
    running.end().1.unwrap();
}

#[test]
fn the_pointer_is_drawn_where_it_is_and_only_if_asked() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    painter.fill(TEAL, 0, 0, 640, 480);
    painter.square_cursor(RED, 8);
    painter.point_at(200, 100);
    let (with, without) = (start(open(&server, true)), start(open(&server, false)));
    let reds = |frame: &Frame| {
        let mut reds = Vec::new();
        for y in 0..480 {
            reds.extend(
                (0..640)
                    .filter(|&x| pixel(frame, x, y) == RED)
                    .map(|x| (x, y)),
            );
        }
        reds
    };
    let square = |x0: u32, y0: u32| -> Vec<(u32, u32)> {
        (y0..y0 + 8)
            .flat_map(|y| (x0..x0 + 8).map(move |x| (x, y)))
            .collect()
    };
    assert_eq!(reds(&with.next()), square(200, 100));
    assert_eq!(reds(&without.next()), []);
    with.settle();
    // A move alone, nothing drawn, brings a frame.
    painter.point_at(400, 300);
    assert_eq!(reds(&with.next()), square(400, 300));
    with.settle();
    // So does another shape.
    painter.square_cursor(GREEN, 8);
    with.next_with(|frame| pixel(frame, 404, 304) == GREEN);
    painter.fill(BLUE, 0, 0, 20, 20);
    let frame = without.next_with(|frame| pixel(frame, 4, 4) == BLUE);
    assert_eq!(pixel(&frame, 404, 304), TEAL);
    with.end().1.unwrap();
    without.end().1.unwrap();
}

#[test]
fn a_resized_screen_goes_on_in_its_new_size() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let running = start(open(&server, true));
    running.settle();
    for (width, height) in [(320, 200), (600, 440), (640, 480)] {
        painter.resize(width, height);
        let size = Size::new(width, height);
        let frame = running.next_with(|frame| frame.size == size);
        assert_eq!(frame.data.len(), frame.stride * height as usize);
        // In the last row and column, away from the pointer that the server moved inside.
        painter.fill(RED, width - 1, 0, 1, 9);
        painter.fill(RED, 0, height - 1, 9, 1);
        running.next_with(|frame| {
            frame.size == size
                && pixel(frame, width - 1, 8) == RED
                && pixel(frame, 8, height - 1) == RED
        });
        painter.fill(BLUE, 0, 0, width, height);
        running.settle();
    }
    running.end().1.unwrap();
}

#[test]
fn a_held_server_does_not_hold_the_stop() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let running = start(open(&server, true));
    running.settle();
    painter.hold_server();
    painter.fill(RED, 0, 0, 100, 100);
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.slot.take().is_none(), "the server was not held");
    let (took, ended) = running.end();
    ended.unwrap();
    assert!(took < Duration::from_millis(150), "stop took {took:?}");
}

#[test]
fn a_server_that_dies_is_lost() {
    let Some(mut server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let running = start(open(&server, true));
    running.next();
    let killed = Instant::now();
    server.kill();
    let ended = running.thread.join().unwrap();
    assert!(matches!(ended, Err(CaptureError::Lost(_))), "{ended:?}");
    assert!(
        killed.elapsed() < Duration::from_secs(2),
        "{:?}",
        killed.elapsed()
    );
}

#[test]
fn where_no_display_is_the_error_says_so() {
    // 63211 is beyond the TCP ports, which start at 6000; the other is merely not there.
    for display in [":63211", ":51237.1", "nonsense", ""] {
        let opened = X11Source::open(Some(display), &VideoSettings::default());
        let Err(CaptureError::NoDisplay(why)) = opened else {
            panic!("{display:?}: {opened:?}");
        };
        assert!(why.contains(&format!("{display:?}")), "{why}");
    }
}

#[test]
fn a_screen_of_few_colours_is_refused_in_words() {
    let Some(server) = Xvfb::start("320x240x16", &[]) else {
        return;
    };
    let opened = X11Source::open(Some(&server.display), &VideoSettings::default());
    let Err(error @ CaptureError::Unsupported(_)) = opened else {
        panic!("{opened:?}");
    };
    assert!(error.to_string().contains("depth 16"), "{error}");
    let opened = X11Source::open(
        Some(&format!("{}.7", server.display)),
        &VideoSettings::default(),
    );
    assert!(
        matches!(opened, Err(CaptureError::NoDisplay(_))),
        "{opened:?}"
    );
}

/// Time on the CPU of all threads of this process.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .map(|task| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
        })
        .sum()
}

/// Prints the grab's figures: `cargo test --test x11_capture -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures; they depend on the machine and the build"]
fn figures_of_the_grab() {
    for size in [Size::new(1280, 720), Size::new(1920, 1080)] {
        for (name, args) in [("MIT-SHM", &[][..]), ("socket", &["-extension", "MIT-SHM"])] {
            let Some(server) = Xvfb::start(&format!("{size}x24"), args) else {
                return;
            };
            let painter = Painter::new(&server);
            let opened = now();
            let running = start(open(&server, true));
            let first = running.next().in_memory_at.since(opened);
            println!("{size} {name}, first frame after opening: {first:.1?}");
            running.settle();
            let used = cpu_time();
            std::thread::sleep(Duration::from_secs(2));
            let used = (cpu_time() - used).as_secs_f64() / 2.0 * 100.0;
            println!("{size} {name}, still screen: {used:.2} % of one core");
            let (mut grabs, mut latencies) = (Vec::new(), Vec::new());
            for i in 0..200 {
                let painted = now();
                painter.fill(i * 1000, 300, 200, 64, 64);
                let frame = running.next();
                grabs.push(frame.in_memory_at.since(frame.captured_at).as_micros());
                latencies.push(frame.in_memory_at.since(painted).as_micros());
                std::thread::sleep(Duration::from_millis(10));
                running.slot.take();
            }
            for (what, us) in [
                ("seen to memory", &mut grabs),
                ("paint to memory", &mut latencies),
            ] {
                us.sort_unstable();
                println!(
                    "{size} {name}, {what}: p50 {} us, p95 {} us",
                    us[100], us[190]
                );
            }
            running.end().1.unwrap();
        }
    }
}
