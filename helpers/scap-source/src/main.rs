//! The screen through `scap` 0.0.8, as pictures on standard output for the console.
//!
//!     pd-scap-source FPS on|off        (on: with the pointer)
//!
//! A process of its own so that scap's faults stay in it: it panics when the operator cancels,
//! blocks for ever on a still screen, and queues without bound. Three threads: scap's own takes
//! pictures from PipeWire; `pictures` takes them out of scap's queue at once, so that it stays
//! empty, and keeps the newest; the main thread writes that. What standard output does not take in
//! time is overwritten. A fourth waits for the end of standard input, which ends the program.
//! The form of the output, and of the errors, is said in `wire`.

mod picture;
#[path = "../../../src/capture/scap/wire.rs"]
#[allow(dead_code, reason = "this side writes only")]
mod wire;

use picture::Picture;
use scap::capturer::{Capturer, Options, Resolution};
use scap::frame::{Frame, FrameType};
use std::io::Write;
use std::process::exit;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// The exit code after a wrong command line.
const USAGE: i32 = 2;
/// The exit code after any other error.
const FAILED: i32 = 1;

/// The newest picture that is not written yet.
#[derive(Default)]
struct Newest {
    held: Mutex<Option<(Frame, Instant)>>,
    came: Condvar,
}

impl Newest {
    fn put(&self, frame: Frame) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some((frame, Instant::now()));
        self.came.notify_one();
    }

    fn take(&self) -> (Frame, Instant) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match held.take() {
                Some(newest) => return newest,
                None => held = self.came.wait(held).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn main() {
    // Any thread's panic ends the program: one that only ended scap's thread would leave a program
    // that looks as if the screen stood still.
    std::panic::set_hook(Box::new(|panic| {
        fail(&format!(
            "scap failed inside: {}",
            panic.payload_as_str().unwrap_or("no message")
        ))
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (fps, show_cursor) = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(why) => {
            say(&format!("{why}. Usage: pd-scap-source FPS on|off"));
            exit(USAGE);
        }
    };
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        exit(0);
    });
    let options = Options {
        fps,
        show_cursor,
        // Not looked at on Linux: there the pictures come as the desktop gives them.
        output_type: FrameType::BGRAFrame,
        output_resolution: Resolution::Captured,
        ..Options::default()
    };
    let mut capturer = match Capturer::build(options) {
        Ok(capturer) => capturer,
        Err(error) => fail(&error.to_string()),
    };
    capturer.start_capture();
    let newest = Arc::new(Newest::default());
    let from_scap = newest.clone();
    std::thread::spawn(move || {
        loop {
            match capturer.get_next_frame() {
                Ok(frame) => from_scap.put(frame),
                Err(_) => fail("the desktop ended the stream"),
            }
        }
    });
    let mut out = std::io::stdout().lock();
    let mut spare = Vec::new();
    loop {
        let (frame, got) = newest.take();
        let picture = match Picture::of(frame, &mut spare) {
            Ok(picture) => picture,
            Err(why) => fail(&why),
        };
        let header = picture.header(got.elapsed()).encode();
        let sent = out
            .write_all(&header)
            .and_then(|()| out.write_all(picture.bytes()))
            .and_then(|()| out.flush());
        if sent.is_err() {
            // The console has closed its end.
            exit(0);
        }
    }
}

fn parse(arguments: &[String]) -> Result<(u32, bool), String> {
    let [fps, cursor] = arguments else {
        return Err(format!("{} arguments were given", arguments.len()));
    };
    let fps = fps
        .parse()
        .ok()
        .filter(|fps| (1..=1000).contains(fps))
        .ok_or_else(|| format!("`{fps}` is no rate of 1 to 1000 frames a second"))?;
    match cursor.as_str() {
        "on" => Ok((fps, true)),
        "off" => Ok((fps, false)),
        other => Err(format!("`{other}` is neither on nor off")),
    }
}

/// Writes an error as one line.
fn say(error: &str) {
    let line = error.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(std::io::stderr(), "pd-scap-source: {line}");
}

fn fail(error: &str) -> ! {
    say(error);
    exit(FAILED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_a_rate_and_the_pointer() {
        let parse = |line: &str| parse(&line.split(' ').map(String::from).collect::<Vec<_>>());
        assert_eq!(parse("30 on").unwrap(), (30, true));
        assert_eq!(parse("144 off").unwrap(), (144, false));
        for wrong in ["", "30", "0 on", "1001 on", "30 yes", "30 on on", "-1 on"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
