//! Figures of the times read from a screen, for each block by its place.
//!
//! Pure: fed with what was seen when. A time counts once, when it is seen first: the way from its
//! painting to the screen that it was read from. Keeps a histogram a block and no list.

use super::code::{Place, Seen, Stamp};
use crate::latency::window::of_histogram;
use crate::session::snapshot::StageFigures;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// A time older than this, or from the future, is another machine's.
const OLDEST_US: u64 = 60_000_000;
/// The clocks of one machine agree to this.
const AHEAD_US: u64 = 2_000;
/// More blocks than this are not followed.
const MOST_BLOCKS: usize = 16;

/// One block on the screen, followed.
#[derive(Debug)]
struct Block {
    place: Place,
    last: Option<(Stamp, u64)>,
    first_us: u64,
    first_shown: Option<Histogram<u64>>,
    unreadable: u64,
    backwards: u64,
    foreign: u64,
    longest_still_us: u64,
}

/// Figures of one block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockFigures {
    /// Where it is on the screen.
    pub place: Place,
    /// From painting to being seen first, ms; None where no new time was seen.
    pub shown: Option<StageFigures>,
    /// New times a second.
    pub per_second: f64,
    /// Looks at it that gave no time: torn, blended, blurred.
    pub unreadable: u64,
    /// Times older than the one before.
    pub backwards: u64,
    /// Times that this machine's clock cannot have written.
    pub foreign: u64,
    /// The longest time that one code stood, ms.
    pub longest_still_ms: f64,
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Meter {
    blocks: Vec<Block>,
}

impl Meter {
    /// Counts a look at a block at `at_us` of the shared clock.
    pub fn see(&mut self, at_us: u64, place: &Place, seen: Seen) {
        let known = self.blocks.iter().position(|b| b.place.is_near(place));
        let number = match known {
            Some(number) => number,
            None if self.blocks.len() < MOST_BLOCKS && seen != Seen::Nothing => {
                self.blocks.push(Block::new(*place, at_us));
                self.blocks.len() - 1
            }
            None => return,
        };
        self.blocks[number].see(at_us, seen);
    }

    /// The figures, the block that is shown first in front; blocks of which no new time was ever
    /// seen come last.
    pub fn figures(&self) -> Vec<BlockFigures> {
        let mut all: Vec<_> = self.blocks.iter().map(Block::figures).collect();
        let key = |f: &BlockFigures| f.shown.map_or(f64::MAX, |shown| shown.p50_ms);
        all.sort_by(|a, b| key(a).total_cmp(&key(b)));
        all
    }
}

impl Block {
    fn new(place: Place, at_us: u64) -> Self {
        Self {
            place,
            last: None,
            first_us: at_us,
            first_shown: Histogram::new_with_bounds(1, OLDEST_US, 3).ok(),
            unreadable: 0,
            backwards: 0,
            foreign: 0,
            longest_still_us: 0,
        }
    }

    fn see(&mut self, at_us: u64, seen: Seen) {
        let stamp = match seen {
            Seen::Nothing => return,
            Seen::Unreadable => {
                self.unreadable += 1;
                return;
            }
            Seen::Time(stamp) => stamp,
        };
        let painted_us = stamp.as_micros();
        if painted_us > at_us + AHEAD_US || painted_us + OLDEST_US < at_us {
            self.foreign += 1;
            return;
        }
        match self.last {
            // What stood there when the look began was shown nobody knows when.
            None => {
                self.last = Some((stamp, at_us));
                self.first_us = at_us;
            }
            Some((last, _)) if stamp == last => {}
            Some((last, _)) if stamp < last => self.backwards += 1,
            Some((_, since_us)) => {
                let still_us = at_us.saturating_sub(since_us);
                self.longest_still_us = self.longest_still_us.max(still_us);
                self.last = Some((stamp, at_us));
                if let Some(shown) = &mut self.first_shown {
                    shown.saturating_record(at_us.saturating_sub(painted_us));
                }
            }
        }
    }

    fn figures(&self) -> BlockFigures {
        let shown = self.first_shown.as_ref().and_then(of_histogram);
        let last_us = self.last.map_or(self.first_us, |(_, at_us)| at_us);
        let seconds = last_us.saturating_sub(self.first_us) as f64 / 1e6;
        let codes = shown.map_or(0, |shown| shown.frames);
        BlockFigures {
            place: self.place,
            shown,
            per_second: if seconds > 0.0 {
                codes as f64 / seconds
            } else {
                0.0
            },
            unreadable: self.unreadable,
            backwards: self.backwards,
            foreign: self.foreign,
            longest_still_ms: self.longest_still_us as f64 / 1000.0,
        }
    }
}

impl BlockFigures {
    /// Its rectangle in the form of X11's tools.
    fn at(&self) -> String {
        let [left, top, width, height] = self.place.block();
        format!("{width:.0}x{height:.0}+{left:.0}+{top:.0}")
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let round = |ms: f64| (ms * 100.0).round() / 100.0;
        let [x, y, width, height] = self.place.block().map(f32::round);
        json!({
            "x": x, "y": y, "width": width, "height": height,
            "p50_ms": self.shown.map(|s| round(s.p50_ms)),
            "p95_ms": self.shown.map(|s| round(s.p95_ms)),
            "max_ms": self.shown.map(|s| round(s.max_ms)),
            "codes": self.shown.map_or(0, |s| s.frames),
            "per_second": round(self.per_second),
            "unreadable": self.unreadable,
            "backwards": self.backwards,
            "foreign": self.foreign,
            "longest_still_ms": round(self.longest_still_ms),
        })
    }
}

/// The figures as a table.
pub fn table(all: &[BlockFigures]) -> String {
    let mut text = String::from(
        "painted to first seen on the screen, ms\n\
         block at             p50      p95      max   codes    /s   longest still   not read\n",
    );
    for figures in all {
        let columns = figures.shown.map_or_else(
            || format!("{:>8} {:>8} {:>8} {:>7}", "-", "-", "-", 0),
            |s| {
                let (p50, p95, max) = (s.p50_ms, s.p95_ms, s.max_ms);
                format!("{p50:>8.1} {p95:>8.1} {max:>8.1} {:>7}", s.frames)
            },
        );
        text += &format!(
            "{:<16} {columns} {:>5.1} {:>15.1} {:>10}\n",
            figures.at(),
            figures.per_second,
            figures.longest_still_ms,
            figures.unreadable,
        );
    }
    let shown: Vec<f64> = all.iter().filter_map(|f| Some(f.shown?.p50_ms)).collect();
    if let [first, .., last] = shown[..] {
        text += &format!(
            "last minus first, p50: {:.1} ms from the one screen place to the other\n",
            last - first
        );
    }
    if all.iter().any(|f| f.foreign > 0) {
        text += "some codes are of another machine's clock, or of long ago: they count for nothing. Run the pattern and this reader on one machine\n";
    }
    if all.iter().any(|f| f.backwards > 0) {
        text += "some pictures came after newer ones: they count for nothing\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: Place = Place {
        left: 28.0,
        top: 48.0,
        cell_width: 28.0,
        cell_height: 28.0,
    };
    const THERE: Place = Place {
        left: 814.0,
        top: 314.0,
        cell_width: 14.0,
        cell_height: 14.0,
    };

    fn time(us: u64) -> Seen {
        Seen::Time(Stamp::of_micros(us))
    }

    #[test]
    fn a_time_counts_once_when_it_is_seen_first() {
        let mut meter = Meter::default();
        for number in 0..101 {
            let painted = 1_000_000 + number * 33_300;
            meter.see(painted + 2_000, &HERE, time(painted));
            meter.see(painted + 9_000, &HERE, time(painted));
            let late = if number % 20 == 0 { 30_000 } else { 0 };
            meter.see(painted + 52_000 + late, &THERE, time(painted));
        }
        let all = meter.figures();
        assert_eq!(all.len(), 2);
        let shown = all.iter().map(|f| f.shown.unwrap()).collect::<Vec<_>>();
        assert_eq!((shown[0].frames, shown[1].frames), (100, 100));
        assert!((shown[0].p50_ms - 2.0).abs() < 0.01 && (shown[0].max_ms - 2.0).abs() < 0.01);
        assert!((shown[1].p50_ms - 52.0).abs() < 0.05, "{shown:?}");
        assert!((shown[1].max_ms - 82.0).abs() < 0.1, "{shown:?}");
        assert!((all[0].per_second - 30.03).abs() < 0.01, "{all:?}");
        assert!((all[1].longest_still_ms - 63.3).abs() < 0.1, "{all:?}");
        assert_eq!(all[0].json()["codes"], 100);
        assert_eq!(all[0].json()["p50_ms"], 2.0);
        let text = table(&all);
        assert!(text.contains("504x336+0+20"), "{text}");
        assert!(text.contains("last minus first, p50: 50.0 ms"), "{text}");
    }

    #[test]
    fn what_is_no_new_time_of_this_clock_is_told_and_not_measured() {
        let mut meter = Meter::default();
        for (at, seen) in [
            (90_000_000, time(89_990_000)),
            (90_010_000, Seen::Unreadable),
            (90_020_000, Seen::Nothing),
            (90_030_000, time(89_980_000)),
            (90_040_000, time(99_000_000)),
            (90_050_000, time(1_000)),
        ] {
            meter.see(at, &HERE, seen);
        }
        meter.see(90_050_000, &THERE, Seen::Nothing);
        let all = meter.figures();
        assert_eq!(all.len(), 1);
        let it = &all[0];
        assert_eq!((it.shown, it.per_second), (None, 0.0));
        assert_eq!((it.unreadable, it.backwards, it.foreign), (1, 1, 2));
        let text = table(&all);
        assert!(
            text.contains("another machine") && text.contains("newer"),
            "{text}"
        );
        assert_eq!(it.json()["p50_ms"], Value::Null);
    }

    proptest! {
        /// Whatever is seen: never more codes than looks, never a figure outside of its bounds.
        #[test]
        fn figures_hold_for_anything(
            looks in proptest::collection::vec((0_u64..200_000_000, 0_u64..200_000_000, 0_u8..4, 0_u32..40), 0..200),
        ) {
            let mut meter = Meter::default();
            for (at, painted, kind, place) in &looks {
                let seen = match kind {
                    0 => Seen::Nothing,
                    1 => Seen::Unreadable,
                    _ => time(*painted),
                };
                let place = Place { left: *place as f32 * 100.0, ..HERE };
                meter.see(*at, &place, seen);
            }
            let all = meter.figures();
            prop_assert!(all.len() <= MOST_BLOCKS);
            let codes: u64 = all.iter().map(|f| f.shown.map_or(0, |s| s.frames)).sum();
            prop_assert!(codes <= looks.len() as u64);
            for shown in all.iter().filter_map(|f| f.shown) {
                prop_assert!(shown.p50_ms <= shown.p95_ms && shown.p95_ms <= shown.max_ms * 1.01);
                prop_assert!(shown.max_ms <= 60_100.0);
            }
            table(&all);
        }
    }
}
