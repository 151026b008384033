//! Flash and beep through the whole path, as any other reader of the receiver's decodes them: how far
//! apart picture and sound are, told by nothing of the console's. By the driver's thread.

use super::receiver::Reading;
use super::show::Show;
use crate::common::lip::{flashes, median, offsets};
use pd_console::units::Size;
use std::time::{Duration, Instant};

/// Seconds that are read.
const READ_S: u32 = 9;
const SIZE: Size = Size::new(1280, 720);

/// One look.
#[derive(Clone, Copy, Debug)]
pub struct Clap {
    /// Sound minus picture, median, ms.
    pub apart_ms: f64,
    /// When flashes arrive, ms after whole seconds of the driver's clock; the console's flashes are at whole seconds of
    /// its own. None where the reader does not tell when pictures came.
    pub phase_ms: Option<f64>,
}

/// Looks. The show has the pattern and the beep meanwhile.
///
/// # Errors
/// What did not go as it should.
pub fn clap(show: &mut Show, near_ms: f64, epoch: Instant) -> Result<Clap, String> {
    for words in ["source-set pattern", "input-mute 1", "input-unmute 2"] {
        show.remote.operation(words)?;
    }
    // The beep sounds for a tenth of each second: `is_well` may find silence between.
    std::thread::sleep(Duration::from_secs(3));
    let read = show.receiver.read(READ_S);
    for words in ["input-mute 2", "input-unmute 1", "source-set x11"] {
        show.remote.operation(words)?;
    }
    let read = read?;
    let offsets = offsets(&read.stream, SIZE);
    let phase_ms = phase_ms(&read, epoch);
    show.well_after(near_ms, Duration::from_secs(30))?;
    if offsets.len() < 4 {
        return Err(format!("{} flashes only", offsets.len()));
    }
    Ok(Clap {
        apart_ms: median(&offsets),
        phase_ms,
    })
}

fn phase_ms(read: &Reading, epoch: Instant) -> Option<f64> {
    if read.arrivals.is_empty() {
        return None;
    }
    let came_ms = |flash_s: f64| {
        let distance = |arrival: &&(f64, Instant)| (arrival.0 - flash_s).abs();
        let nearest =
            |a: &&(f64, Instant), b: &&(f64, Instant)| distance(a).total_cmp(&distance(b));
        let (pts_s, at) = read.arrivals.iter().min_by(nearest)?;
        Some(((*at - epoch).as_secs_f64() + flash_s - pts_s) * 1e3)
    };
    let all: Vec<f64> = flashes(&read.stream, SIZE)
        .into_iter()
        .filter_map(came_ms)
        .collect();
    let first = *all.first()?;
    // Around the first, so that no whole second lies between them.
    let around: Vec<f64> = all.iter().map(|ms| first + later_ms(first, *ms)).collect();
    Some(median(&around).rem_euclid(1e3))
}

/// By how much the second is later, both known but for whole seconds: -500 to 500 ms.
pub fn later_ms(first: f64, second: f64) -> f64 {
    (second - first + 500.0).rem_euclid(1e3) - 500.0
}
