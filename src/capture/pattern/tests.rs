//! Checks of the pattern's picture and of its schedule.

use super::*;
use proptest::prelude::*;

fn pixel(bytes: &[u8], size: Size, x: u32, y: u32) -> [u8; 4] {
    let at = (y as usize * size.width as usize + x as usize) * 4;
    [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
}

#[test]
fn every_patch_has_its_colour_in_every_frame() {
    for size in [
        Size::new(1280, 720),
        Size::new(1920, 1080),
        Size::new(854, 480),
    ] {
        let source = PatternSource::new(size, Fps::whole(30));
        let patches = patches(size);
        assert_eq!(patches.len(), 18, "{size}");
        for number in [0, 1, 59, 123_456] {
            let bytes = source.draw(number, Duration::from_millis(number * 33), LAMP_OFF);
            for Patch { name, rect, bgra } in &patches {
                for y in rect.y..rect.y + rect.height {
                    for x in rect.x..rect.x + rect.width {
                        assert_eq!(pixel(&bytes, size, x, y), *bgra, "{name} at {x},{y}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_top_left_corner_is_unlike_the_others() {
    let size = Size::new(1280, 720);
    let bytes = PatternSource::new(size, Fps::whole(30)).draw(0x55_5555, Duration::ZERO, LAMP_OFF);
    let corner = pixel(&bytes, size, 2, 2);
    for (x, y) in [(1277, 2), (2, 717), (1277, 717)] {
        assert_ne!(pixel(&bytes, size, x, y), corner, "{x},{y}");
    }
}

#[test]
fn a_used_buffer_gives_the_same_picture_as_a_new_one() {
    let size = Size::new(640, 360);
    let source = PatternSource::new(size, Fps::whole(30));
    let fresh = source.draw(7, Duration::from_millis(233), LAMP_OFF);
    for number in 0..5 {
        drop(source.pool.share(source.draw(
            number * 1000,
            Duration::from_secs(number * 999),
            LAMP_OFF,
        )));
    }
    assert_eq!(source.draw(7, Duration::from_millis(233), LAMP_OFF), fresh);
}

#[test]
fn grain_is_new_in_each_frame_and_leaves_the_number_alone() {
    let size = Size::new(1280, 720);
    let source = PatternSource::new(size, Fps::whole(30)).with_grain();
    let (one, two) = (
        source.draw(7, Duration::ZERO, LAMP_OFF),
        source.draw(8, Duration::ZERO, LAMP_OFF),
    );
    let bars = Layout::new(size).bars();
    let greys = |bytes: &[u8]| -> Vec<u8> {
        let all = (bars.y..bars.y + bars.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        all.map(|(x, y)| {
            let [b, g, r, _] = pixel(bytes, size, x, y);
            assert!(
                b == g && g == r && (80..=140).contains(&g),
                "{x},{y}: {b} {g} {r}"
            );
            g
        })
        .collect()
    };
    let (first, second) = (greys(&one), greys(&two));
    let same = first.iter().zip(&second).filter(|(a, b)| a == b).count();
    assert!(same * 10 < first.len(), "{same} of {}", first.len());
    let stride = size.width as usize * 4;
    assert_eq!(read_frame_number_bgra(&one, stride, size), Some(7));
    assert_eq!(source.draw(7, Duration::ZERO, LAMP_OFF), one);
}

#[test]
fn the_lamp_flashes_at_each_whole_second_and_tells_how_late() {
    let interval = Duration::from_micros(33_333);
    let at = |us| lamp_at(MonoTime::from_micros(us), interval);
    assert_eq!(at(999_999), LAMP_OFF);
    assert_eq!((at(1_000_000), at(2_000_000)), (255, 255));
    assert_eq!(at(3_010_000), 255 - 40);
    assert_eq!(at(3_033_300), 255 - 133);
    assert_eq!((at(3_033_400), at(3_099_999)), (255, 255));
    assert_eq!(at(3_100_000), LAMP_OFF);
    let slow = lamp_at(MonoTime::from_micros(5_090_000), Duration::from_millis(200));
    assert_eq!(slow, 60);
    for size in [Size::new(1280, 720), Size::new(640, 360)] {
        let source = PatternSource::new(size, Fps::whole(30));
        let bytes = source.draw(7, Duration::ZERO, 200);
        let lamp = lamp(size);
        assert!(lamp.width > 100 && lamp.height > 0, "{lamp:?}");
        for (x, y) in [(0, 0), (lamp.width - 1, lamp.height - 1)] {
            assert_eq!(
                pixel(&bytes, size, lamp.x + x, lamp.y + y),
                [200, 200, 200, 255]
            );
        }
    }
}

#[test]
fn numbers_are_read_back_and_the_box_moves() {
    let size = Size::new(1280, 720);
    let source = PatternSource::new(size, Fps::whole(30));
    let mut last = None;
    for number in [0, 1, 2, 29, 30, 1_000_000] {
        let bytes = source.draw(number, Duration::ZERO, LAMP_OFF);
        assert_eq!(
            read_frame_number_bgra(&bytes, 1280 * 4, size),
            Some(number as u32)
        );
        let track = 16 * 40 * 1280 * 4;
        let row = bytes[track..track + 1280 * 4].to_vec();
        assert_ne!(last.replace(row.clone()), Some(row), "frame {number}");
    }
}

#[test]
fn the_caption_shows_number_and_time() {
    let elapsed = Duration::from_millis(((25 * 60 + 61) * 60 + 7) * 1000 + 89);
    assert_eq!(caption(1_000_042, elapsed), "000042  26:01:07.089");
}

#[test]
fn tiny_pictures_are_drawn_without_panic() {
    for (width, height) in [(0, 0), (1, 1), (16, 16), (18, 300), (300, 18), (17, 33)] {
        let size = Size::new(width, height);
        let source = PatternSource::new(size, Fps::whole(60));
        let bytes = source.draw(u64::MAX, Duration::MAX, LAMP_OFF);
        assert_eq!(bytes.len(), source.size.pixels() * 4);
    }
}

#[test]
fn deadlines_do_not_drift_over_an_hour() {
    let fps = Fps {
        num: 30_000,
        den: 1001,
    };
    let epoch = MonoTime::from_micros(5_000);
    let mut schedule = Schedule::new(epoch, fps);
    let mut time = epoch;
    for number in 0..107_893_u64 {
        if let Step::Sleep(pause) = schedule.step(time, MonoTime::ZERO) {
            // Wakes a little late each time.
            time = time + pause + Duration::from_micros(70 + number % 900);
            assert_eq!(schedule.step(time, MonoTime::ZERO), Step::Draw(number));
        } else {
            assert_eq!(number, 0);
        }
    }
    let ideal = 5_000 + 107_892_u64 * 1_000_000 * 1001 / 30_000;
    assert!(
        time.as_micros() - ideal < 1_000,
        "{} us late",
        time.as_micros() - ideal
    );
}

#[test]
fn missed_frames_are_skipped_not_hurried() {
    let mut schedule = Schedule::new(MonoTime::ZERO, Fps::whole(50));
    assert_eq!(schedule.step(MonoTime::ZERO, MonoTime::ZERO), Step::Draw(0));
    let late = MonoTime::from_micros(100_500);
    assert_eq!(schedule.step(late, MonoTime::ZERO), Step::Draw(5));
    let pause = Duration::from_micros(19_500);
    assert_eq!(schedule.step(late, MonoTime::ZERO), Step::Sleep(pause));
}

/// A pacer of the same rate that ticks just before this schedule's deadlines: after one frame the
/// source is drawn when the pacer wants it, and loses no number by that.
#[test]
fn the_phase_follows_the_pacer() {
    let fps = Fps::whole(25);
    let mut schedule = Schedule::new(MonoTime::ZERO, fps);
    let wanted_at = |tick: u64| MonoTime::from_micros(39_000 + tick * 40_000);
    let mut number = 0;
    for us in (0..2_000_000).step_by(100) {
        let time = MonoTime::from_micros(us);
        let wanted = wanted_at(us.saturating_sub(39_000).div_ceil(40_000));
        if let Step::Draw(drawn) = schedule.step(time, wanted) {
            assert_eq!(drawn, number);
            let age = time.since(wanted_at(number));
            assert!(
                age <= Duration::from_micros(200),
                "frame {drawn} at {us}: {age:?} late"
            );
            number += 1;
        }
    }
    assert_eq!(number, 50);
}

proptest! {
    #[test]
    fn numbers_only_rise(
        steps in proptest::collection::vec((0_u64..200_000, 0_u64..400_000), 1..100),
        num in 1_u32..144,
    ) {
        let mut schedule = Schedule::new(MonoTime::ZERO, Fps::whole(num));
        let (mut time, mut last) = (MonoTime::ZERO, None);
        for (pause, ahead) in steps {
            time = time + Duration::from_micros(pause);
            match schedule.step(time, time + Duration::from_micros(ahead)) {
                Step::Draw(number) => {
                    prop_assert!(last.is_none_or(|last| number > last));
                    last = Some(number);
                }
                Step::Sleep(pause) => prop_assert!(pause > Duration::ZERO),
            }
        }
    }
}

#[test]
fn the_source_runs_and_stops() {
    let mut source = PatternSource::new(Size::new(640, 360), Fps::whole(100));
    let (slot, stop) = (FrameSlot::new(), StopToken::new());
    let (other, token) = (slot.clone(), stop.clone());
    let thread = std::thread::spawn(move || source.run(&other, &token));
    let mut numbers = Vec::new();
    while numbers.len() < 20 {
        assert!(slot.wait(Duration::from_secs(5)));
        let frame = slot.take().unwrap();
        assert!(frame.in_memory_at >= frame.captured_at);
        numbers.extend(read_frame_number_bgra(
            &frame.data,
            frame.stride,
            frame.size,
        ));
    }
    stop.stop();
    thread.join().unwrap().unwrap();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// Prints the time of drawing: `cargo test --lib pattern -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures; they depend on the machine and the build"]
fn time_of_a_pattern_frame() {
    for size in [Size::new(1280, 720), Size::new(1920, 1080)] {
        let source = PatternSource::new(size, Fps::whole(30));
        let mut us: Vec<u128> = (0..100)
            .map(|n| {
                let started = std::time::Instant::now();
                drop(
                    source
                        .pool
                        .share(source.draw(n, Duration::from_millis(n * 33), LAMP_OFF)),
                );
                started.elapsed().as_micros()
            })
            .collect();
        us.sort_unstable();
        println!("pattern {size}: p50 {} us, p95 {} us", us[50], us[95]);
    }
}
