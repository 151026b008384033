//! Reads codes from a screen, through the capture that a show would use.
//!
//! Runs on the caller's thread; `pd-capture` and `pd-source` capture (see `capture::supervise`).
//! A look at a 1280x720 picture whose blocks are known takes some 20 us; the whole picture is
//! searched twice a second. Pictures that come faster than they are read are overwritten in the
//! slot, so a reading is late never, only missing.
//!
//! A reading is dated by the capture: X11 tells of a change once the server has drawn it, so the
//! time at which the picture was grabbed and read does not count. What a screen takes from there
//! to light is not seen by any program.

use super::SharedClock;
use super::code::{self, Place, Seen};
use super::find::{Luma, find};
use super::meter::{BlockFigures, Meter};
use crate::capture::{self, CaptureError, Frame, FrameSlot, choice, supervise};
use crate::clock::{self, MonoTime};
use crate::settings::VideoSourceKind;
use crate::settings::schema::VideoSettings;
use crate::stop::StopToken;
use crate::units::{Region, Size};
use std::sync::Arc;
use std::time::Duration;

/// From one search of the whole picture to the next.
const SEARCH_EVERY: Duration = Duration::from_millis(500);
/// After so long with the same blocks only their surroundings are captured.
const NARROW_AFTER: Duration = Duration::from_secs(1);
/// Without a block for so long, everything is captured again.
const WIDEN_AFTER: Duration = Duration::from_secs(2);
/// Looks for a picture before it is said why none came.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What was captured.
    pub source: String,
    /// Seconds of it.
    pub seconds: f64,
    /// Each block.
    pub blocks: Vec<BlockFigures>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The capture has no picture.
    #[error("{0}")]
    Capture(String),
    /// There are pictures and no block in them.
    #[error(
        "no code was seen on {0} within {1:.0} s. Show `pd-console pattern`, or a viewer's picture of it, uncovered, each cell at least 4 pixels large"
    )]
    Nothing(String, f64),
}

/// Reads the screen of `settings` for `seconds` from the first picture on, or until stopped.
///
/// # Errors
/// [`ReadError`].
pub fn read(
    settings: &VideoSettings,
    seconds: f64,
    stop: &StopToken,
) -> Result<Reading, ReadError> {
    let slot = FrameSlot::new();
    let source = supervise::spawn(settings, Arc::new(capture::open), &slot, |_| {})
        .map_err(|e| ReadError::Capture(CaptureError::Lost(e.to_string()).to_string()))?;
    let mut looker = Looker::new(settings.region);
    let begun = clock::now();
    let limit = Duration::from_secs_f64(seconds.clamp(0.0, 1e6));
    let mut first = None;
    while !stop.is_stopped() && first.is_none_or(|at| clock::now().since(at) < limit) {
        let came = slot.wait(Duration::from_millis(100));
        let now = clock::now();
        let Some(frame) = slot.take().filter(|_| came) else {
            let status = source.status();
            if first.is_none() && now.since(begun) > PATIENCE {
                let why = status.problem.or(status.asks);
                let why = why.unwrap_or_else(|| format!("{} gives no picture", status.label));
                return Err(ReadError::Capture(why));
            }
            continue;
        };
        first.get_or_insert(now);
        looker.look(&frame, SharedClock::read());
        // The desktop would ask the operator again.
        if choice::resolve(settings.source) != VideoSourceKind::Portal
            && let Some(region) = looker.wants(settings.region, now)
        {
            source.change(&VideoSettings {
                region,
                ..settings.clone()
            });
        }
    }
    let label = source.status().label;
    source.join(Duration::from_secs(1));
    let seconds = first.map_or(0.0, |at| clock::now().since(at).as_secs_f64());
    let blocks = looker.meter.figures();
    if blocks.is_empty() {
        return Err(ReadError::Nothing(label, seconds));
    }
    Ok(Reading {
        source: label,
        seconds,
        blocks,
    })
}

/// Follows the blocks from picture to picture.
struct Looker {
    meter: Meter,
    /// In the captured picture's own pixels.
    places: Vec<Place>,
    searched: Option<MonoTime>,
    size: Size,
    /// What was asked for last; a picture of its size is of it.
    narrow: Option<Region>,
    /// The operator's own region.
    base: Option<Region>,
    /// Since when these blocks, or none, are there.
    since: MonoTime,
}

impl Looker {
    fn new(base: Option<Region>) -> Self {
        Self {
            meter: Meter::default(),
            places: Vec::new(),
            searched: None,
            size: Size::new(0, 0),
            narrow: None,
            base,
            since: MonoTime::ZERO,
        }
    }

    /// Reads one picture.
    fn look(&mut self, frame: &Frame, shared: SharedClock) {
        let Some(luma) = Luma::of_bgra(&frame.data, frame.stride, frame.size) else {
            return;
        };
        let now = frame.in_memory_at;
        if frame.size != self.size {
            self.size = frame.size;
            self.places.clear();
            self.searched = None;
            self.since = now;
        }
        let at_us = shared.at(frame.captured_at);
        let offset = match self.narrow.filter(|region| region.size == frame.size) {
            Some(region) => [region.x as f32, region.y as f32],
            None => self.base.map_or([0.0; 2], |r| [r.x as f32, r.y as f32]),
        };
        let on_screen = |place: &Place| Place {
            left: place.left + offset[0],
            top: place.top + offset[1],
            ..*place
        };
        let count = self.places.len();
        self.places.retain(|place| {
            let seen = code::read(&luma, place);
            self.meter.see(at_us, &on_screen(place), seen);
            seen != Seen::Nothing
        });
        let lost = self.places.len() < count;
        if lost || self.searched.is_none_or(|at| now.since(at) >= SEARCH_EVERY) {
            self.searched = Some(now);
            let before = self.places.len();
            for (place, seen) in find(&luma) {
                if !self.places.iter().any(|known| known.is_near(&place)) {
                    self.meter.see(at_us, &on_screen(&place), seen);
                    self.places.push(place);
                }
            }
            if lost || self.places.len() != before {
                self.since = now;
            }
        }
    }

    /// Another region to capture from now on, where that is due: the blocks' surroundings once they
    /// stand, everything once they are gone.
    fn wants(&mut self, base: Option<Region>, now: MonoTime) -> Option<Option<Region>> {
        let stood = now.since(self.since);
        if self.narrow.is_some() {
            if !self.places.is_empty() || stood < WIDEN_AFTER {
                return None;
            }
            self.narrow = None;
            self.since = now;
            return Some(base);
        }
        if self.places.is_empty() || stood < NARROW_AFTER {
            return None;
        }
        let whole = base.unwrap_or(Region::whole(self.size));
        let around = around(&self.places, self.size)?;
        let region = Region {
            x: around.x + whole.x,
            y: around.y + whole.y,
            size: around.size,
        };
        self.narrow = Some(region);
        self.since = now;
        Some(Some(region))
    }
}

/// The rectangle that has all blocks in it, with a margin of half a block's cell; None where it
/// would be the whole picture, or none.
fn around(places: &[Place], size: Size) -> Option<Region> {
    let blocks = places.iter().map(Place::block);
    let [mut left, mut top, mut right, mut bottom] = [f32::MAX, f32::MAX, 0.0, 0.0];
    for [x, y, width, height] in blocks {
        (left, top) = (x.min(left), y.min(top));
        (right, bottom) = ((x + width).max(right), (y + height).max(bottom));
    }
    let margin = 8.0;
    let whole = |at: f32| at.round().max(0.0) as u32;
    let (x, y) = (whole(left - margin), whole(top - margin));
    let end = (whole(right + margin), whole(bottom + margin));
    let part = Size::new(end.0.checked_sub(x)?, end.1.checked_sub(y)?);
    let region = Region { x, y, size: part }.within(size)?;
    (region != Region::whole(size)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::super::code::{Stamp, white_runs};
    use super::*;

    /// A picture with blocks whose cells are 10 pixels.
    fn picture(size: Size, blocks: &[(u32, u32, u64)], at_us: u64) -> Frame {
        let mut data = vec![0_u8; size.pixels() * 4];
        for (left, top, us) in blocks {
            for (x, y, cells) in white_runs(Stamp::of_micros(*us)) {
                for row in 0..10 {
                    let from = (top + y * 10 + row) * size.width + left + x * 10;
                    data[from as usize * 4..(from + cells * 10) as usize * 4].fill(255);
                }
            }
        }
        let at = MonoTime::from_micros(at_us);
        Frame {
            captured_at: at,
            in_memory_at: at,
            size,
            stride: size.width as usize * 4,
            data: data.into(),
        }
    }

    #[test]
    fn blocks_are_followed_narrowed_to_and_found_again() {
        let shared = SharedClock {
            own: MonoTime::ZERO,
            shared_us: 0,
        };
        let mut looker = Looker::new(None);
        let size = Size::new(640, 360);
        let mut narrowed = None;
        for number in 0..60_u64 {
            let at = 1_000_000 + number * 33_000;
            let frame = picture(size, &[(100, 90, at - 5_000), (400, 200, at - 45_000)], at);
            looker.look(&frame, shared);
            if let Some(region) = looker.wants(None, MonoTime::from_micros(at)) {
                narrowed = region;
                break;
            }
        }
        let region: Region = narrowed.unwrap();
        assert_eq!(region.to_string(), "496x246+92+82");
        // Pictures of that part: the same blocks.
        for number in 60..120_u64 {
            let at = 1_000_000 + number * 33_000;
            let (x, y) = (region.x, region.y);
            let blocks = [
                (100 - x, 90 - y, at - 5_000),
                (400 - x, 200 - y, at - 45_000),
            ];
            looker.look(&picture(region.size, &blocks, at), shared);
            assert_eq!(looker.wants(None, MonoTime::from_micros(at)), None);
        }
        let all = looker.meter.figures();
        assert_eq!(all.len(), 2, "{all:?}");
        let p50 = all
            .iter()
            .map(|f| f.shown.unwrap().p50_ms)
            .collect::<Vec<_>>();
        assert!(
            (p50[0] - 5.0).abs() < 0.2 && (p50[1] - 45.0).abs() < 0.2,
            "{p50:?}"
        );
        assert!(
            all.iter().all(|f| f.unreadable == 0 && f.backwards == 0),
            "{all:?}"
        );
        // Gone: after two seconds everything is looked at again.
        let mut widened = None;
        for number in 0..100_u64 {
            let at = 9_000_000 + number * 33_000;
            looker.look(&picture(region.size, &[], at), shared);
            if let Some(region) = looker.wants(None, MonoTime::from_micros(at)) {
                widened = Some((number, region));
                break;
            }
        }
        let (number, region) = widened.unwrap();
        assert!(region.is_none() && (55..70).contains(&number), "{number}");
    }
}
