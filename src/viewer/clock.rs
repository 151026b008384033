//! A viewer's clock against the console's, by four times an exchange (as NTP, RFC 5905 8, has them).
//!
//! Pure. An exchange bounds the offset from both sides whatever the delays were: the console cannot
//! have had the question before it was asked, nor the viewer the answer before it was given. So the
//! offset lies between `answered - heard` and `received - asked`, an interval as wide as the round
//! trip without the console's own time. The intervals of the last exchanges, each widened by what two
//! clocks can have drifted apart since, are intersected: the shortest round trip decides, an
//! asymmetric one narrows one side. The middle is the estimate and half the width its uncertainty.
//! Exchanges that contradict each other (a clock was set, a machine slept) leave the newest alone.

use crate::clock::MonoTime;
use std::collections::VecDeque;
use std::time::Duration;

/// Two clocks may drift apart by so much: crystals by 100 ppm each, and what NTP slews now and then.
pub const DRIFT_PPM: i64 = 300;
/// Exchanges kept: ten seconds at two a second.
const KEPT: usize = 20;
/// Longer ago nothing is taken from.
const OLD: Duration = Duration::from_secs(20);
/// A longer round trip says nothing.
const TRIP_MAX_US: i64 = 5_000_000;

/// One exchange. The viewer's times are of its own clock, microseconds since its own zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The viewer asked, by its clock, us.
    pub asked_us: i64,
    /// The console had the question.
    pub received: MonoTime,
    /// The console gave the answer.
    pub answered: MonoTime,
    /// The viewer had the answer, by its clock, us.
    pub heard_us: i64,
    /// The viewer's clock shows times off by up to so much, us: browsers coarsen theirs.
    pub grain_us: i64,
}

/// An estimate of the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// The console's time less the viewer's, us.
    pub us: i64,
    /// The true one is within so much of it, and a time that the viewer reads likewise, us.
    pub unsure_us: i64,
}

impl Offset {
    /// The console's time of a time on the viewer's clock; None before the console's zero.
    pub fn console_time(&self, viewer_us: i64) -> Option<MonoTime> {
        let us = viewer_us.checked_add(self.us)?;
        u64::try_from(us).ok().map(MonoTime::from_micros)
    }
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    least: i64,
    most: i64,
    at: MonoTime,
    grain: i64,
}

/// What is known of one viewer's clock.
#[derive(Clone, Debug, Default)]
pub struct ViewerClock {
    bounds: VecDeque<Bounds>,
}

impl ViewerClock {
    /// Takes an exchange; one that is impossible (heard before it was answered) is left out.
    pub fn add(&mut self, exchange: Exchange) {
        let us = |at: MonoTime| i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let grain = exchange.grain_us.max(0);
        let least = us(exchange.answered) - exchange.heard_us - grain;
        let most = us(exchange.received) - exchange.asked_us + grain;
        if most < least || most - least > TRIP_MAX_US || exchange.answered < exchange.received {
            return;
        }
        while self.bounds.len() >= KEPT
            || (self.bounds.front()).is_some_and(|first| exchange.received.since(first.at) > OLD)
        {
            self.bounds.pop_front();
        }
        self.bounds.push_back(Bounds {
            least,
            most,
            at: exchange.received,
            grain,
        });
        if self.offset(exchange.received).is_none() {
            let newest = self.bounds.pop_back();
            self.bounds.clear();
            self.bounds.extend(newest);
        }
    }

    /// The offset at `now`; None before the first exchange.
    pub fn offset(&self, now: MonoTime) -> Option<Offset> {
        let mut span: Option<(i64, i64)> = None;
        let mut grain = 0;
        for bounds in &self.bounds {
            let age = now.since(bounds.at).max(bounds.at.since(now));
            let drift =
                i64::try_from(age.as_micros()).unwrap_or(i64::MAX) / 1000 * DRIFT_PPM / 1000 + 1;
            let (least, most) = span.unwrap_or((i64::MIN, i64::MAX));
            // The bounds come from microseconds of 64 bits: far from the type's end.
            span = Some((
                least.max(bounds.least.saturating_sub(drift)),
                most.min(bounds.most.saturating_add(drift)),
            ));
            grain = bounds.grain;
        }
        let (least, most) = span.filter(|(least, most)| least <= most)?;
        Some(Offset {
            us: least + (most - least) / 2,
            unsure_us: (most - least + 1) / 2 + grain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An exchange with these delays there and back, us, over clocks `offset` apart at `at`.
    fn exchange(at: i64, offset: i64, there: i64, back: i64) -> Exchange {
        let console = |us: i64| MonoTime::from_micros(u64::try_from(us).unwrap());
        Exchange {
            asked_us: at - offset,
            received: console(at + there),
            answered: console(at + there + 40),
            heard_us: at + there + 40 + back - offset,
            grain_us: 0,
        }
    }

    #[test]
    fn the_shortest_round_trip_decides() {
        let mut clock = ViewerClock::default();
        assert_eq!(clock.offset(MonoTime::ZERO), None);
        let offset = 7_000_000;
        for (n, trip) in [20_000, 800, 90_000].into_iter().enumerate() {
            clock.add(exchange(
                10_000_000 + n as i64 * 1000,
                offset,
                trip / 2,
                trip / 2,
            ));
        }
        let found = clock.offset(MonoTime::from_micros(10_003_000)).unwrap();
        assert!((found.us - offset).abs() <= 2, "{found:?}");
        assert!((400..=403).contains(&found.unsure_us), "{found:?}");
        let shown = found.console_time(3_000_500).unwrap().as_micros();
        assert!(shown.abs_diff(10_000_500) <= 2, "{shown}");
        assert_eq!(found.console_time(-8_000_000), None);
    }

    #[test]
    fn a_long_way_in_one_direction_is_no_less_certain_than_it_is() {
        // All of the delay on one side: the middle is off by half, and says so.
        let mut clock = ViewerClock::default();
        clock.add(exchange(1_000_000, 500_000, 30_000, 0));
        let found = clock.offset(MonoTime::from_micros(1_000_000)).unwrap();
        assert!(
            (found.us - 515_000).abs() < 50 && found.unsure_us >= 15_000,
            "{found:?}"
        );
        // One exchange with the delay on the other side, and both sides are known.
        clock.add(exchange(1_100_000, 500_000, 0, 30_000));
        let found = clock.offset(MonoTime::from_micros(1_130_000)).unwrap();
        assert!(
            (found.us - 500_000).abs() < 100 && found.unsure_us < 100,
            "{found:?}"
        );
    }

    #[test]
    fn a_clock_that_was_set_is_learnt_anew() {
        let mut clock = ViewerClock::default();
        for n in 0..10 {
            clock.add(exchange(1_000_000 + n * 500_000, 0, 300, 300));
        }
        clock.add(exchange(6_000_000, -3_000_000, 5_000, 5_000));
        let found = clock.offset(MonoTime::from_micros(6_010_000)).unwrap();
        assert!((found.us + 3_000_000).abs() <= found.unsure_us, "{found:?}");
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        let mut clock = ViewerClock::default();
        let good = exchange(1_000_000, 0, 100, 100);
        clock.add(Exchange {
            heard_us: good.asked_us - 1,
            ..good
        });
        clock.add(Exchange {
            answered: MonoTime::ZERO,
            ..good
        });
        clock.add(exchange(1_000_000, 0, TRIP_MAX_US, 1));
        assert_eq!(clock.offset(MonoTime::from_micros(2_000_000)), None);
        for n in 0..200 {
            clock.add(exchange(1_000_000 + n * 100, 0, 100, 100));
        }
        assert_eq!(clock.bounds.len(), KEPT);
    }

    proptest! {
        /// Whatever the delays each way, and however the clocks drift: the truth is within what is
        /// said, at each moment.
        #[test]
        fn the_truth_is_within_the_stated_uncertainty(
            offset in 0_i64..3_600_000_000,
            ppm in -200_i64..=200,
            grain in 0_i64..2_000,
            steps in proptest::collection::vec(
                (1_000_i64..3_000_000, 0_i64..300_000, 0_i64..300_000, any::<(u16, u16)>()), 1..60),
        ) {
            let mut clock = ViewerClock::default();
            let mut at = 4_000_000_000;
            let begin = at;
            // The viewer's reading at a console time: drifted, then coarsened.
            let drifted = |at: i64| at - offset - (at - begin) * ppm / 1_000_000;
            let console = |us: i64| MonoTime::from_micros(u64::try_from(us).unwrap());
            for (pause, there, back, noise) in steps {
                at += pause;
                let coarse = |us: i64, noise: u16| us - i64::from(noise) % (grain + 1);
                let answered = at + there + 40;
                clock.add(Exchange {
                    asked_us: coarse(drifted(at), noise.0),
                    received: console(at + there),
                    answered: console(answered),
                    heard_us: coarse(drifted(answered + back), noise.1),
                    // A microsecond for the rounding here.
                    grain_us: grain + 1,
                });
                for later in [0, 700_000] {
                    let now = answered + back + later;
                    let found = clock.offset(console(now)).unwrap();
                    let truth = now - drifted(now);
                    prop_assert!((found.us - truth).abs() <= found.unsure_us + 1,
                        "{found:?} but {truth}");
                }
            }
        }
    }
}
