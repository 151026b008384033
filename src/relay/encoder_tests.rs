//! An encoder that does not do its part (cases.md B22): who gives it frames is never held up, what it
//! does not take is counted, oldest first, and its words cost no memory.

use super::*;
use crate::ffmpeg::child::{KEPT_LINES, LONGEST_LINE};
use crate::ffmpeg::fake;
use crate::settings::Settings;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::path::Path;
use std::time::Instant;

#[derive(Debug)]
enum Said {
    Written(u64),
    Gone(String),
}

/// Nothing comes out of these encoders.
struct Ear(Sender<Said>);

impl EncoderSink for Ear {
    fn ready(&self, _: EncoderId) {}
    fn written(&self, _: EncoderId, frame: u64, _: MonoTime) {
        let _ = self.0.send(Said::Written(frame));
    }
    fn dropped(&self, _: EncoderId, _: u64) {}
    fn unit(&self, _: EncoderId, _: AccessUnit) {}
    fn gone(&self, _: EncoderId, why: String) {
        let _ = self.0.send(Said::Gone(why));
    }
}

/// A fake ffmpeg that does `act` as libx264 of 320x180.
fn encoder(folder: &Path, act: &str) -> (Encoder, Receiver<Said>) {
    let ffmpeg = fake::look(&fake::ffmpeg(folder));
    fake::plays(folder, "libx264", "", act);
    let wish = EncoderWish {
        family: EncoderFamily::Libx264,
        size: Size::new(320, 180),
        ..EncoderWish::of(&Settings::default())
    };
    let (said, heard) = bounded(64);
    let encoder = Encoder::start(1, &ffmpeg, wish, Launch::default(), Arc::new(Ear(said)));
    (encoder.unwrap(), heard)
}

/// What came of offering frames for `time`, 30 a second.
#[derive(Default)]
struct Offered {
    frames: u64,
    dropped: Vec<u64>,
    /// Longest that one offer took.
    longest: Duration,
    /// Longest that this thread was not run at all while it only wanted to sleep 2 ms.
    stall: Duration,
}

fn offer(encoder: &Encoder, from: u64, time: Duration) -> Offered {
    let data = Arc::new(convert::black(encoder.wish().size, encoder.wish().pipe));
    let (door, began) = (encoder.door(), Instant::now());
    let mut offered = Offered::default();
    while began.elapsed() < time {
        let before = Instant::now();
        let replaced = door.offer(RawFrame {
            frame: from + offered.frames,
            captured_at: clock::now(),
            data: data.clone(),
        });
        offered.longest = offered.longest.max(before.elapsed());
        offered.dropped.extend(replaced);
        offered.frames += 1;
        let due = began + Duration::from_micros(33_333) * offered.frames as u32;
        while Instant::now() < due {
            let asleep = Instant::now();
            std::thread::sleep(Duration::from_millis(2));
            offered.stall = offered.stall.max(asleep.elapsed());
        }
    }
    offered
}

fn written(heard: &Receiver<Said>) -> Vec<u64> {
    let all = heard.try_iter().filter_map(|said| match said {
        Said::Written(frame) => Some(frame),
        Said::Gone(_) => None,
    });
    all.collect()
}

fn nobody_was_held_up(offered: &Offered) {
    println!(
        "{} offered, {} dropped, longest {:?}, longest stall of the machine {:?}",
        offered.frames,
        offered.dropped.len(),
        offered.longest,
        offered.stall
    );
    // What the machine itself withholds is no waiting.
    let limit = Duration::from_millis(50) + offered.stall;
    assert!(offered.longest < limit, "held up for {:?}", offered.longest);
    let in_order = offered.dropped.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(in_order, "not the oldest first: {:?}", offered.dropped);
}

/// 1 MiB a second of words, and a picture read now and then.
#[test]
fn b22_a_flood_of_words_and_slow_reading_hold_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let (mut encoder, heard) = encoder(
        dir.path(),
        "while :; do head -c 104857 /dev/zero | tr '\\0' 'a' | fold -w 200 >&2\n\
         head -c 43200 >/dev/null || exit; sleep 0.1; done\n",
    );
    let offered = offer(&encoder, 1, Duration::from_secs(4));
    nobody_was_held_up(&offered);
    let written = written(&heard);
    assert!(written.len() > 3, "it reads: {written:?}");
    // Each is written or dropped but for two that wait and one that is being written.
    let left = offered.frames - offered.dropped.len() as u64 - written.len() as u64;
    assert!(left <= 1 + MAILBOX as u64, "{left} are unaccounted for");
    assert!(!offered.dropped.is_empty());
    let tail = encoder.sidecar.tail().lines();
    assert_eq!(tail.len(), KEPT_LINES);
    assert!(tail.iter().all(|line| line.len() as u64 <= LONGEST_LINE));
    let ended = Instant::now();
    encoder.close();
    encoder.sidecar.end(Duration::from_millis(200));
    assert!(
        ended.elapsed() < Duration::from_secs(2),
        "{:?}",
        ended.elapsed()
    );
}

/// It stops reading for 5 s (a driver that resets, a SIGSTOP): nothing waits for it, and what it is
/// given when it goes on is of now.
#[test]
fn b22_one_that_stops_reading_gets_the_newest_when_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    // The black one, then nothing for 5 s, then everything.
    let (mut encoder, heard) = encoder(
        dir.path(),
        "head -c 86400 >/dev/null\nsleep 5\ncat >/dev/null\n",
    );
    let offered = offer(&encoder, 1, Duration::from_millis(5_800));
    nobody_was_held_up(&offered);
    let written = written(&heard);
    let jump = written
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    println!("longest jump {jump} of {}", offered.frames);
    // What was in the pipe, the one being written and two that waited are old; the next is new.
    assert!(jump > 75, "{written:?}");
    let after = written
        .iter()
        .filter(|frame| **frame > offered.frames / 2)
        .count();
    assert!(after > 3, "it does not go on: {written:?}");
    encoder.sidecar.end(Duration::from_millis(200));
}

/// Its output ends and it lives on: it is gone all the same, with its last words.
#[test]
fn b22_one_that_closes_its_output_and_lives_on_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut encoder, heard) = encoder(
        dir.path(),
        "echo 'Error while opening encoder: fell over' >&2\nexec >&-\nexec 2>&-\n\
         while :; do sleep 0.05; done\n",
    );
    let gone =
        std::iter::from_fn(|| heard.recv_timeout(Duration::from_secs(10)).ok()).find_map(|said| {
            match said {
                Said::Gone(why) => Some(why),
                Said::Written(_) => None,
            }
        });
    assert!(gone.is_some_and(|why| why.contains("fell over")));
    let ended = Instant::now();
    encoder.sidecar.end(Duration::from_millis(200));
    assert!(ended.elapsed() < Duration::from_secs(2));
}
