//! The source through scap against a child that is a shell script: stillness, garbage, a panic's
//! words, an end, a child that will not end. scap itself needs a desktop that answers its dialog.
#![cfg(all(target_os = "linux", feature = "scap"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

use pd_console::capture::scap::ScapSource;
use pd_console::capture::scap::wire::{Header, Pixels};
use pd_console::capture::{CaptureError, Frame, FrameSlot, VideoSource, supervise};
use pd_console::clock::now;
use pd_console::settings::VideoSettings;
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Region, Size};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pixels of the child's pictures, and bytes of padding of each row.
const SIZE: Size = Size::new(300, 200);
const PADDING: u32 = 40;

/// What the child plays; it learns it as the frame rate, its first argument.
#[derive(Clone, Copy)]
enum Act {
    Stillness = 1,
    Garbage,
    Exit,
    Cancelled,
    HangOnStop,
    Torn,
    Stalled,
    OnlyTheSecondTime,
}

const SCRIPT: &str = r#"#!/bin/sh
[ $# = 2 ] || exit 2
here=$(dirname "$0")
panic='pd-scap-source: scap failed inside: Failed to get screencast stream: LinCapError { msg: '
case $1 in
    1) [ "$2" = on ] && cat "$here/pictures"; cat >/dev/null ;;
    2) cat "$here/garbage"; cat >/dev/null ;;
    3) cat "$here/pictures"; echo "pd-scap-source: the desktop ended the stream" >&2; exit 7 ;;
    4) echo "$panic\"User cancelled the interaction\" }" >&2; exit 1 ;;
    5) trap '' TERM; cat "$here/pictures"; while :; do sleep 0.02; done ;;
    6) head -c 100000 "$here/pictures" ;;
    7) head -c 100000 "$here/pictures"; cat >/dev/null ;;
    8) if [ -e "$here/again" ]; then cat "$here/pictures"; cat >/dev/null
       else : >"$here/again"; echo "$panic\"Did not get response\" }" >&2; exit 1; fi ;;
    *) exit 2 ;;
esac
"#;

/// The script, written once: a file that another thread's fork holds open cannot be run.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scap_capture");
        std::fs::create_dir_all(&folder).unwrap();
        let _ = std::fs::remove_file(folder.join("again"));
        std::fs::write(folder.join("pictures"), [picture(1), picture(2)].concat()).unwrap();
        std::fs::write(folder.join("garbage"), [b'x'; 5000]).unwrap();
        let script = folder.join("child.sh");
        std::fs::write(&script, SCRIPT).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        script
    })
}

/// A picture on the wire: red is the column, green the row, blue the picture's number.
fn picture(number: u8) -> Vec<u8> {
    let header = Header {
        width: SIZE.width,
        height: SIZE.height,
        stride: 4 * SIZE.width + PADDING,
        pixels: Pixels::Rgbx,
        age: Duration::from_millis(3),
    };
    let mut bytes = header.encode().to_vec();
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            bytes.extend([x as u8, y as u8, number, 255]);
        }
        bytes.extend(vec![0xEE; PADDING as usize]);
    }
    bytes
}

fn settings(act: Act) -> VideoSettings {
    VideoSettings {
        fps: Fps::whole(act as u32),
        ..VideoSettings::default()
    }
}

struct Running {
    slot: FrameSlot,
    stop: StopToken,
    pid: u32,
    thread: JoinHandle<Result<(), CaptureError>>,
}

impl Running {
    fn start(settings: &VideoSettings) -> Self {
        let (slot, stop) = (FrameSlot::new(), StopToken::new());
        let (other, token) = (slot.clone(), stop.clone());
        let mut source = ScapSource::start(program(), settings).unwrap();
        let pid = source.pid();
        let thread = std::thread::spawn(move || source.run(&other, &token));
        Self {
            slot,
            stop,
            pid,
            thread,
        }
    }

    /// The newest frame once `count` were put.
    fn frame(&self, count: u64) -> Frame {
        until("pictures", || self.slot.put_count() >= count);
        self.slot.take().unwrap()
    }

    /// Stops it; how long that took, until the child was dead and reaped.
    fn end(self) -> Duration {
        let started = Instant::now();
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
        let took = started.elapsed();
        assert!(!exists(self.pid), "the child lives on");
        took
    }

    /// The error with which it ends by itself.
    fn error(self) -> CaptureError {
        let error = self.thread.join().unwrap().unwrap_err();
        assert!(!exists(self.pid), "the child lives on");
        error
    }
}

/// A process that was not reaped exists too.
fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(10), "no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lost(error: CaptureError) -> String {
    match error {
        CaptureError::Lost(text) => text,
        other => panic!("not lost: {other:?}"),
    }
}

#[test]
fn two_pictures_and_then_a_still_screen() {
    let before = now();
    let running = Running::start(&settings(Act::Stillness));
    let frame = running.frame(2);
    assert_eq!((frame.size, frame.stride), (SIZE, 1200));
    let at = |x: usize, y: usize| &frame.data[y * 1200 + x * 4..][..4];
    // In the frame's own order, without the padding.
    assert_eq!(at(0, 0), [2, 0, 0, 255]);
    assert_eq!(at(299, 199), [2, 199, 299_u16 as u8, 255]);
    assert!(frame.captured_at > before && frame.captured_at < frame.in_memory_at);
    assert!(frame.in_memory_at.ms_since(frame.captured_at) >= 3.0);
    let note = running.slot.last_note();
    assert!(note.label.unwrap().contains("300x200"));
    assert_eq!(note.asks, None);
    // Alive, though nothing comes.
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        let beat = running.slot.last_beat().unwrap();
        assert!(now().since(beat) < Duration::from_millis(500));
    }
    assert_eq!(running.slot.put_count(), 2);
    let took = running.end();
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[test]
fn the_pointer_can_be_left_out_and_the_operator_is_asked_until_the_first_picture() {
    let running = Running::start(&VideoSettings {
        cursor: false,
        ..settings(Act::Stillness)
    });
    until("note", || running.slot.last_note().asks.is_some());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(running.slot.put_count(), 0);
    let beat = running.slot.last_beat().unwrap();
    assert!(now().since(beat) < Duration::from_millis(500));
    running.end();
}

#[test]
fn only_the_region_comes() {
    let region = Region {
        x: 10,
        y: 20,
        size: Size::new(100, 50),
    };
    let running = Running::start(&VideoSettings {
        region: Some(region),
        ..settings(Act::Stillness)
    });
    let frame = running.frame(2);
    assert_eq!(frame.size, region.size);
    assert_eq!(frame.data[..4], [2, 20, 10, 255]);
    running.end();
    let outside = Running::start(&VideoSettings {
        region: Some(Region { x: 300, ..region }),
        ..settings(Act::Stillness)
    });
    let error = outside.error();
    assert!(matches!(error, CaptureError::RegionOutside(..)), "{error}");
}

#[test]
fn garbage_is_a_lost_source() {
    let text = lost(Running::start(&settings(Act::Garbage)).error());
    assert!(text.contains("no picture"), "{text}");
}

#[test]
fn the_childs_end_is_a_lost_source_with_its_last_words() {
    let running = Running::start(&settings(Act::Exit));
    let slot = running.slot.clone();
    let text = lost(running.error());
    assert_eq!(slot.put_count(), 2, "what came before is not lost");
    assert!(text.contains('7'), "{text}");
    assert!(text.contains("the desktop ended the stream"), "{text}");
}

#[test]
fn a_panic_because_the_operator_cancelled_is_a_refusal() {
    let error = Running::start(&settings(Act::Cancelled)).error();
    assert!(matches!(error, CaptureError::Refused(_)), "{error}");
}

#[test]
fn a_child_that_will_not_end_is_dead_in_time() {
    let running = Running::start(&settings(Act::HangOnStop));
    running.frame(2);
    let took = running.end();
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[test]
fn half_a_picture_is_not_shown() {
    for act in [Act::Torn, Act::Stalled] {
        let running = Running::start(&settings(act));
        let slot = running.slot.clone();
        lost(running.error());
        assert_eq!(slot.put_count(), 0);
    }
}

#[test]
fn a_panic_becomes_an_error_and_then_a_new_try() {
    let slot = FrameSlot::new();
    let opener: supervise::Opener = Arc::new(|settings| {
        let source = ScapSource::start(program(), settings)?;
        Ok(Box::new(source))
    });
    let settings = settings(Act::OnlyTheSecondTime);
    let (problems, told) = crossbeam_channel::bounded(20);
    let source = supervise::spawn(&settings, opener, &slot, move |status| {
        let _ = problems.try_send(status.problem.clone());
    })
    .unwrap();
    until("picture after the panic", || slot.put_count() > 0);
    until("end of the problem", || source.status().problem.is_none());
    let problem = told.try_iter().flatten().next().unwrap();
    assert!(problem.contains("Did not get response"), "{problem}");
    assert!(source.join(Duration::from_secs(2)), "not ended in time");
}
