//! Latency by the number in the picture, for streams that were encoded again and so cannot be found by
//! their bytes.
//!
//! The pattern carries its frame number in cells that survive encoding, and notes when it made each
//! frame. The viewer's end keeps each access unit with the time at which it was whole. Once a run is
//! over, an ffmpeg decodes them all: the n-th picture out of it is the n-th access unit in, which the
//! counts must confirm. So the times are those of arrival, and no decoding is in them, neither its
//! time nor its load.

use crate::capture::pattern::{number_strip, read_frame_number_strip};
use crate::clock::MonoTime;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::{Ffmpeg, Sidecar, before};
use crate::relay::annexb::{NAL_IDR, nal_type};
use crate::stop::ends_by;
use crate::units::Size;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// An access unit as it came: its NAL units, and when it was whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// NAL units without start codes.
    pub nal_units: Vec<Vec<u8>>,
    /// When the last of its packets was read.
    pub at: MonoTime,
}

/// A picture of the viewer's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The number that it shows; None where none can be read.
    pub number: Option<u32>,
    /// When its access unit was whole.
    pub at: MonoTime,
}

/// What came of the frames of a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Capture to arrival of each frame that arrived, ms.
    pub ms: Vec<f64>,
    /// Frames that did not arrive.
    pub missing: u64,
    /// Pictures that came meanwhile whose number could not be read.
    pub unread: u64,
}

/// Why numbers could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum NumberError {
    /// No picture to begin with.
    #[error("no key frame came in time, so nothing of what arrived can be decoded")]
    NoKeyFrame,
    /// ffmpeg could not be started or talked to.
    #[error("the decoder that reads the frame numbers failed: {0}")]
    Io(#[from] std::io::Error),
    /// Not one picture for each access unit: it would not be known which is which.
    #[error(
        "of {units} access units {pictures} pictures were decoded, so their times cannot be told apart. Its last words: {words}"
    )]
    Count {
        /// Access units in.
        units: usize,
        /// Pictures out.
        pictures: usize,
        /// ffmpeg's.
        words: String,
    },
    /// It hangs.
    #[error("the decoder that reads the frame numbers did not end within {} s", LIMIT.as_secs())]
    Hangs,
}

/// A decoder needs a few seconds for two minutes of pictures.
const LIMIT: Duration = Duration::from_secs(60);

/// Joins what was made in (`from`, `to`] with what was seen: number and capture time, in order of
/// capture. A number counts with its first picture: a still source is repeated.
pub fn latencies(
    made: &[(u32, MonoTime)],
    seen: &[Seen],
    (from, to): (MonoTime, MonoTime),
) -> Found {
    let mut first: HashMap<u32, MonoTime> = HashMap::new();
    for picture in seen {
        if let Some(number) = picture.number {
            first.entry(number).or_insert(picture.at);
        }
    }
    let within = |at: MonoTime| at > from && at <= to;
    let mut found = Found {
        unread: seen
            .iter()
            .filter(|s| s.number.is_none() && within(s.at))
            .count() as u64,
        ..Found::default()
    };
    let mut counted = HashSet::new();
    for (number, at) in made.iter().filter(|(_, at)| within(*at)) {
        match first.get(number) {
            Some(came) if came >= at && counted.insert(*number) => {
                found.ms.push(came.ms_since(*at));
            }
            _ => found.missing += 1,
        }
    }
    found
}

/// Decodes what came of a pattern of `size`, from the first key frame on, and reads the numbers.
/// Blocks for as long as that takes.
///
/// # Errors
/// See [`NumberError`]: no figure rather than an uncertain one.
pub fn read(ffmpeg: &Ffmpeg, size: Size, came: &[Came]) -> Result<Vec<Seen>, NumberError> {
    let is_key = |unit: &Came| unit.nal_units.iter().any(|nal| nal_type(nal) == NAL_IDR);
    let begin = came
        .iter()
        .position(is_key)
        .ok_or(NumberError::NoKeyFrame)?;
    let came = &came[begin..];
    let numbers = decode(ffmpeg, size, came)?;
    let seen = came.iter().zip(numbers);
    Ok(seen
        .map(|(unit, number)| Seen {
            number,
            at: unit.at,
        })
        .collect())
}

/// The number of each access unit's picture.
fn decode(ffmpeg: &Ffmpeg, size: Size, came: &[Came]) -> Result<Vec<Option<u32>>, NumberError> {
    let mut bytes = Vec::new();
    for nal in came.iter().flat_map(|unit| &unit.nal_units) {
        bytes.extend_from_slice(&[0, 0, 0, 1]);
        bytes.extend_from_slice(nal);
    }
    let args = before::number_reader(size, &ffmpeg.capabilities);
    let mut child = Sidecar::start(
        "numbers",
        &ffmpeg.path,
        &args,
        Launch::default(),
        |_| Ok(()),
        Box::new(|_| ()),
    )?;
    let pipes = child.take_stdin().zip(child.take_stdout());
    let (mut stdin, mut stdout) = pipes.ok_or_else(|| std::io::Error::other("no pipes"))?;
    // Both ways at once, or the two would wait for each other.
    let feed = std::thread::Builder::new()
        .name("pd-numbers-in".into())
        .spawn(move || stdin.write_all(&bytes))?;
    let strip = number_strip(size);
    let mut picture = vec![0; (strip.width * strip.height) as usize];
    let drain = std::thread::Builder::new()
        .name("pd-numbers-out".into())
        .spawn(move || {
            let mut numbers = Vec::new();
            while stdout.read_exact(&mut picture).is_ok() {
                numbers.push(read_frame_number_strip(&picture, size));
            }
            numbers
        })?;
    let in_time = ends_by(&drain, Instant::now() + LIMIT);
    child.end(Duration::from_millis(500));
    let words = child.tail().lines().join(" | ");
    if !in_time {
        return Err(NumberError::Hangs);
    }
    // A feed that ended early left too few pictures, which the count says.
    let _ = feed.join();
    let numbers = drain.join().unwrap_or_default();
    if numbers.len() != came.len() {
        return Err(NumberError::Count {
            units: came.len(),
            pictures: numbers.len(),
            words,
        });
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    fn seen(number: u32, at: u64) -> Seen {
        Seen {
            number: Some(number),
            at: ms(at),
        }
    }

    #[test]
    fn numbers_join_capture_and_arrival() {
        let made: Vec<_> = (0..10).map(|n| (n, ms(100 + u64::from(n) * 33))).collect();
        let mut pictures: Vec<_> = (0..10)
            .filter(|n| *n != 4)
            .map(|n| seen(n, 100 + u64::from(n) * 33 + 50))
            .collect();
        // A repeat is late by itself and does not count; one that cannot be read is said.
        pictures.insert(4, seen(3, 290));
        pictures.push(Seen {
            number: None,
            at: ms(300),
        });
        let found = latencies(&made, &pictures, (ms(100), ms(100 + 8 * 33)));
        assert_eq!(found.ms, [50.0; 7], "1..=8 without 4");
        assert_eq!((found.missing, found.unread), (1, 1));
    }

    #[test]
    fn what_arrived_before_it_was_made_is_another_with_that_number() {
        let found = latencies(
            &[(7, ms(500)), (8, ms(533))],
            &[seen(7, 400), seen(8, 600)],
            (ms(0), ms(1000)),
        );
        assert_eq!((found.ms, found.missing), (vec![67.0], 1));
    }

    #[test]
    fn without_a_key_frame_there_is_no_figure() {
        let ffmpeg = Ffmpeg {
            path: "/nonexistent".into(),
            capabilities: crate::ffmpeg::Capabilities::of_version(crate::ffmpeg::Version {
                major: 7,
                minor: 0,
            }),
        };
        let unit = Came {
            nal_units: vec![vec![0x41, 1, 2]],
            at: ms(1),
        };
        let result = read(&ffmpeg, Size::new(1280, 720), &[unit]);
        assert!(matches!(result, Err(NumberError::NoKeyFrame)), "{result:?}");
    }
}
