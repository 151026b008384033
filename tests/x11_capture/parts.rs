//! Monitors, windows and regions of a real X server.

use super::*;
use pd_console::capture::x11;

fn region(text: &str) -> Option<Region> {
    Some(text.parse().unwrap())
}

fn window(app: &str, title: &str) -> ScreenPart {
    ScreenPart::Window(WindowName {
        app: app.into(),
        title: title.into(),
    })
}

#[test]
fn a_monitor_and_a_region_of_it_are_captured_and_nothing_beside() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    painter.monitor("LEFT", 0, 0, 320, 480);
    painter.monitor("RIGHT", 320, 0, 320, 480);
    painter.fill(RED, 0, 0, 320, 480);
    painter.fill(GREEN, 320, 0, 320, 480);
    painter.fill(BLUE, 320 + 100, 50, 1, 1);
    let right = ScreenPart::Monitor("RIGHT".into());
    let running = start(open_part(&server, false, right.clone(), None).unwrap());
    let frame = running.next();
    assert_eq!(frame.size, Size::new(320, 480));
    assert_eq!(pixel(&frame, 0, 0), GREEN);
    assert_eq!(pixel(&frame, 100, 50), BLUE);
    let label = running.slot.last_note().label.unwrap();
    assert_eq!(label, "Monitor RIGHT, 320x480");
    running.settle();
    // Beside it things move: nothing is grabbed.
    let before = running.slot.put_count();
    for k in 0..10 {
        painter.fill(TEAL + k, 10, 10, 50, 50);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(running.slot.put_count(), before);
    painter.fill(TEAL, 320, 0, 4, 4);
    assert_eq!(
        pixel(&running.next_with(|f| pixel(f, 0, 0) == TEAL), 4, 4),
        GREEN
    );
    running.end().1.unwrap();

    let part = open_part(&server, false, right.clone(), region("64x48+100+50")).unwrap();
    let running = start(part);
    let frame = running.next();
    assert_eq!(frame.size, Size::new(64, 48));
    assert_eq!(pixel(&frame, 0, 0), BLUE);
    assert_eq!(pixel(&frame, 1, 0), GREEN);
    assert!(
        running
            .slot
            .last_note()
            .label
            .unwrap()
            .ends_with("region 64x48+100+50")
    );
    running.end().1.unwrap();

    let outside = open_part(&server, false, right, region("64x48+320+0"));
    assert!(matches!(outside, Err(CaptureError::RegionOutside(..))));
    let gone = open_part(&server, false, ScreenPart::Monitor("HDMI-9".into()), None);
    let words = gone.unwrap_err().to_string();
    assert!(words.contains("monitor HDMI-9"), "{words}");
}

#[test]
fn b04_a_window_is_captured_whole_under_others_and_through_every_resize() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let id = painter.named("Deck", "Page 1", RED, [50, 40, 301, 203]);
    painter.named("Other", "above", BLUE, [100, 80, 200, 100]);
    let running = start(open_part(&server, false, window("Deck", "Page 1"), None).unwrap());
    let frame = running.next();
    assert_eq!(frame.size, Size::new(301, 203));
    painter.fill_in(id, GREEN, 0, 0, 301, 203);
    let is_green = |f: &Frame| pixel(f, 100, 80) == GREEN;
    let frame = running.next_with(is_green);
    // Corners too: neither border nor neighbours come along.
    for (x, y) in [(0, 0), (300, 0), (0, 202), (300, 202), (150, 100)] {
        assert_eq!(pixel(&frame, x, y), GREEN, "{x},{y}");
    }
    painter.resize_window(id, 400, 300);
    let frame = running.next_with(|f| f.size == Size::new(400, 300));
    assert_eq!(frame.data.len(), 400 * 300 * 4);
    painter.fill_in(id, TEAL, 390, 290, 10, 10);
    running.next_with(|f| f.size.width == 400 && pixel(f, 399, 299) == TEAL);
    let label = running.slot.last_note().label.unwrap();
    assert_eq!(label, "Window “Page 1”, 400x300");
    running.end().1.unwrap();
}

#[test]
fn b08_a_minimised_window_keeps_its_last_picture_and_comes_back() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    let id = painter.named("Deck", "Page 1", RED, [50, 40, 300, 200]);
    let running = start(open_part(&server, false, window("Deck", "other"), None).unwrap());
    running.next();
    painter.unmap(id);
    let label = |running: &Running| running.slot.last_note().label.unwrap();
    let started = Instant::now();
    while !label(&running).contains("minimised") {
        assert!(started.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(10));
    }
    running.settle();
    assert!(!running.thread.is_finished());
    // And shows that it is alive.
    let beat = running.slot.last_beat().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.slot.last_beat().unwrap() > beat);
    painter.map(id);
    painter.fill_in(id, GREEN, 0, 0, 300, 200);
    running.next_with(|f| pixel(f, 5, 5) == GREEN);
    assert!(!label(&running).contains("minimised"));
    // Closed, it is gone, and says which.
    painter.destroy(id);
    let error = running.thread.join().unwrap().unwrap_err();
    assert!(matches!(error, CaptureError::Gone(_)), "{error}");
    assert!(error.to_string().contains("Page 1"), "{error}");
}

#[test]
fn the_pointer_is_at_its_place_in_a_window_and_in_a_region() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    painter.fill(RED, 0, 0, 640, 480);
    painter.square_cursor(0xFF_FFFF, 4);
    let id = painter.named("Deck", "Page 1", GREEN, [50, 40, 300, 200]);
    painter.fill_in(id, GREEN, 0, 0, 300, 200);
    painter.point_at(400, 300);
    let part = open_part(&server, true, ScreenPart::Whole, region("100x100+380+280")).unwrap();
    let running = start(part);
    let frame = running.next_with(|f| pixel(f, 20, 20) == 0xFF_FFFF);
    assert_eq!(pixel(&frame, 19, 20), RED);
    assert_eq!(pixel(&frame, 24, 20), RED);
    running.end().1.unwrap();
    let running = start(open_part(&server, true, window("Deck", "Page 1"), None).unwrap());
    // The window's own corner is inside of its border of 3.
    painter.point_at(50 + 3 + 30, 40 + 3 + 20);
    let frame = running.next_with(|f| pixel(f, 30, 20) == 0xFF_FFFF);
    assert_eq!(pixel(&frame, 29, 20), GREEN);
    assert_eq!(pixel(&frame, 34, 20), GREEN);
    running.end().1.unwrap();
}

#[test]
fn everything_that_can_be_captured_is_listed() {
    let Some(server) = Xvfb::start("640x480x24", &[]) else {
        return;
    };
    let painter = Painter::new(&server);
    painter.monitor("LEFT", 0, 0, 320, 480);
    painter.named("Deck", "Page 1", GREEN, [50, 40, 300, 200]);
    painter.window(RED, 0, 0, 10, 10);
    let choices = x11::list(Some(&server.display)).unwrap();
    assert_eq!(choices[0].part, ScreenPart::Whole);
    assert_eq!(choices[0].size, Size::new(640, 480));
    let left = ScreenPart::Monitor("LEFT".into());
    let monitor = choices.iter().find(|c| c.part == left).unwrap();
    assert_eq!(monitor.size, Size::new(320, 480));
    // A window without a name is none that an operator would know.
    let windows: Vec<_> = choices.iter().filter(|c| c.place.is_none()).collect();
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0].part, window("Deck", "Page 1"));
    assert_eq!(windows[0].label, "Deck: Page 1, 300x200");
}
