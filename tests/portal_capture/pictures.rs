//! Pictures of a screen that the test itself plays: their time, padding, crop, faults, bursts and
//! changes of size.

use crate::common::alone;
use crate::common::running::Running;
use crate::portal::{Operator, Portal};
use crate::rig::{Rig, wait_for};
use crate::screen::{Picture, Screen, picture};
use crate::{open, pixel, settings, start};
use pd_console::capture::Frame;
use pd_console::clock::now;
use pd_console::units::Size;
use std::time::{Duration, Instant};

/// Whether every pixel of the frame has this colour: no padding, nothing from outside of the crop.
fn is_all(frame: &Frame, rgb: u32) -> bool {
    let [_, r, g, b] = rgb.to_be_bytes();
    let pixels = frame.data.as_chunks::<4>().0;
    frame.stride == frame.size.width as usize * 4 && pixels.iter().all(|p| p[..3] == [b, g, r])
}

/// A running source with the test's own screen, watched.
fn watched(rig: &Rig, width: u32, height: u32) -> (Screen, Portal, Running) {
    let screen = Screen::start(rig.socket(), width, height);
    let portal = Portal::start(&rig.address, rig.socket(), Operator::Chooses(screen.node));
    let running = start(open(rig, &settings()));
    screen.wait_for_watcher();
    (screen, portal, running)
}

#[test]
fn the_pictures_time_is_the_one_in_its_header_if_that_can_be() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let (screen, _portal, running) = watched(&rig, 333, 200);
    for (age, least_ms, most_ms) in [
        (Some(Duration::from_millis(70)), 70.0, 170.0),
        (Some(Duration::from_millis(400)), 400.0, 500.0),
        // None given; another clock.
        (None, 0.0, 60.0),
        (Some(Duration::from_secs(30)), 0.0, 60.0),
    ] {
        let sent = now();
        assert!(screen.draw(Picture {
            age,
            ..picture(0x12_3456)
        }));
        let frame = running.next();
        assert!(is_all(&frame, 0x12_3456));
        let whole_ms = frame.in_memory_at.ms_since(frame.captured_at);
        let came_ms = frame.in_memory_at.ms_since(sent);
        println!(
            "header says {age:?}: {whole_ms:.2} ms old in memory, {came_ms:.2} ms after sending"
        );
        assert!(
            (least_ms..most_ms).contains(&whole_ms),
            "{age:?}: {whole_ms} ms"
        );
    }
    running.end().1.unwrap();
}

#[test]
fn padding_and_what_is_no_picture_never_come_along() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let (screen, _portal, running) = watched(&rig, 333, 201);
    screen.draw(picture(0x80_4020));
    let frame = running.next();
    assert_eq!(frame.size, Size::new(333, 201));
    assert!(is_all(&frame, 0x80_4020));
    screen.draw(Picture {
        crop: Some([7, 5, 99, 77]),
        ..picture(0x20_4080)
    });
    let frame = running.next();
    assert_eq!(frame.size, Size::new(99, 77));
    assert!(is_all(&frame, 0x20_4080));
    // Broken and empty ones are left out, and the next good one comes.
    for _ in 0..20 {
        assert!(screen.draw(Picture {
            is_corrupted: true,
            ..picture(0xFF_0000)
        }));
        assert!(screen.draw(Picture {
            is_empty: true,
            ..picture(0xFF_0000)
        }));
        std::thread::sleep(Duration::from_millis(5));
    }
    screen.draw(picture(0x01_0203));
    assert!(is_all(&running.next(), 0x01_0203));
    assert_eq!(running.slot.put_count(), 3);
    running.end().1.unwrap();
}

#[test]
fn the_last_picture_of_a_burst_is_never_lost_and_none_before_it_copied() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let (screen, _portal, running) = watched(&rig, 320, 240);
    wait_for("the first picture", || {
        screen.draw(picture(0));
        std::thread::sleep(Duration::from_millis(20));
        running.slot.take()
    });
    // What was drawn while it was waited for.
    std::thread::sleep(Duration::from_millis(100));
    running.slot.take();
    for round in 1..=10_u32 {
        // The pacer can use nothing for 400 ms; meanwhile there are 8 pictures, then stillness.
        let wanted = now() + Duration::from_millis(400);
        running.slot.want_from(wanted);
        let before = running.slot.put_count();
        for n in 1..=8 {
            // On a busy machine all buffers may be on their way for a moment.
            wait_for("a buffer", || {
                screen.draw(picture(round << 16 | n)).then_some(())
            });
            std::thread::sleep(Duration::from_millis(8));
        }
        let frame = running.next();
        assert!(
            is_all(&frame, round << 16 | 8),
            "{:06x}",
            pixel(&frame, 0, 0)
        );
        assert!(frame.in_memory_at >= wanted);
        assert_eq!(running.slot.put_count() - before, 1);
    }
    running.end().1.unwrap();
}

#[test]
fn a_change_of_size_while_live_gives_pictures_of_the_new_size() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let (screen, _portal, running) = watched(&rig, 320, 240);
    for (n, (width, height)) in [(320, 240), (501, 333), (64, 48), (1367, 769), (320, 240)]
        .into_iter()
        .enumerate()
    {
        if n > 0 {
            screen.resize(width, height);
        }
        let (size, rgb) = (Size::new(width, height), 0x10_2030 + n as u32);
        let started = Instant::now();
        let frame = wait_for("the new size", || {
            screen.draw(picture(rgb));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!running.thread.is_finished());
            running.slot.take().filter(|frame| frame.size == size)
        });
        println!("{size} after {:.1?}", started.elapsed());
        assert!(is_all(&frame, rgb), "{size}");
        let label = running.slot.last_note().label.unwrap();
        assert!(label.contains(&size.to_string()), "{label}");
        // One that is held back when its buffer is taken away: nobody may touch it then.
        running.slot.want_from(now() + Duration::from_millis(100));
        screen.draw(picture(0xFF_00FF));
        std::thread::sleep(Duration::from_millis(30));
    }
    running.end().1.unwrap();
}
