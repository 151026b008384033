//! What holds of the pacer however it is polled: late, early, for nothing, over jumps of the clock and
//! changes of the rate.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

fn us(us: u64) -> MonoTime {
    MonoTime::from_micros(us)
}

/// What happens before a poll.
#[derive(Clone, Debug)]
enum Before {
    /// So much time, microseconds.
    Time(u64),
    /// Sleep as the pacer said, and so much longer.
    Sleep(u64),
    /// A picture comes into the slot.
    Picture,
}

fn any_before(longest: u64) -> impl Strategy<Value = Before> {
    prop_oneof![
        2 => (0..longest).prop_map(Before::Time),
        4 => prop_oneof![4 => Just(0), 2 => 0_u64..5000, 1 => 0..longest].prop_map(Before::Sleep),
        3 => Just(Before::Picture),
    ]
}

/// A pacer that is polled, and what it has sent.
struct Run {
    pacer: Pacer,
    interval: u64,
    /// The longest of late.
    longest: u64,
    now: u64,
    fresh: bool,
    until: Option<u64>,
    sent: Vec<u64>,
    /// How often frames were skipped, each time less than one more than is told.
    skips: u32,
}

impl Run {
    fn new(fps: Fps) -> Self {
        Self {
            pacer: Pacer::new(fps),
            interval: fps.interval().as_micros() as u64,
            longest: fps.interval().as_micros() as u64,
            now: 1_000_000,
            fresh: false,
            until: None,
            sent: Vec::new(),
            skips: 0,
        }
    }

    fn step(&mut self, before: &Before) -> Result<(), TestCaseError> {
        let early = match before {
            Before::Time(time) => {
                self.now += time;
                self.until.is_some_and(|until| self.now < until)
            }
            Before::Sleep(longer) => {
                self.now = self.until.unwrap_or(self.now).max(self.now) + longer;
                false
            }
            Before::Picture => {
                self.fresh = true;
                false
            }
        };
        let promised = self.until;
        let (before, was_first) = (self.pacer.clone(), self.sent.is_empty());
        match self.pacer.poll(us(self.now), self.fresh) {
            Action::Wait(until) => {
                let until = until.as_micros();
                prop_assert!(until > self.now, "a wait for what is past");
                // A picture that came an interval early is paid back, and a repeat leaves a quarter more.
                let longest = self.longest * 9 / 4 + 2;
                prop_assert!(until <= self.now + longest, "sleeps past the next frame");
                prop_assert!(
                    self.fresh || was_first || promised.is_none_or(|p| self.now < p),
                    "nothing was sent at the time that was told"
                );
                self.until = Some(until);
                // A wait changes nothing.
                prop_assert_eq!(format!("{:?}", self.pacer), format!("{before:?}"));
            }
            action => {
                prop_assert_eq!(action == Action::Fresh, self.fresh, "{:?}", action);
                prop_assert!(!was_first || self.fresh, "a repeat of nothing");
                prop_assert!(
                    action == Action::Fresh || !early,
                    "before the time that was told"
                );
                if let Some(last) = self.sent.last() {
                    let apart = self.now - last;
                    prop_assert!(
                        apart + 2 >= self.interval / 4,
                        "two frames {apart} us apart: a burst"
                    );
                }
                self.sent.push(self.now);
                self.skips += u32::from(self.pacer.skipped() > before.skipped());
                (self.fresh, self.until) = (false, None);
            }
        }
        Ok(())
    }

    /// Frames that should have been sent from the first to now, less those that were or were skipped.
    fn balance(&self) -> f64 {
        let Some(first) = self.sent.first() else {
            return 0.0;
        };
        let due = (self.now - first) as f64 / self.interval as f64 + 1.0;
        due - self.sent.len() as f64 - self.pacer.skipped() as f64
    }
}

#[test]
fn a_higher_rate_waits_no_interval_of_the_old_one() {
    let mut pacer = Pacer::new(Fps::whole(5));
    assert_eq!(pacer.poll(us(1_000_000), true), Action::Fresh);
    pacer.set_fps(Fps::whole(50), us(1_010_000));
    assert_eq!(
        pacer.poll(us(1_010_000), false),
        Action::Wait(us(1_025_000))
    );
    assert_eq!(pacer.poll(us(1_025_000), false), Action::Repeat);
}

proptest! {
    /// Polled as the pump does, however late it wakes and whenever pictures come: never a burst, never
    /// a wait for the past or beyond the next frame, and no frame more or less than the rate.
    #[test]
    fn the_rate_is_exact_over_any_jitter(
        fps in 5_u32..=144, steps in proptest::collection::vec(any_before(30_000), 1..300)
    ) {
        let mut run = Run::new(Fps::whole(fps));
        for step in &steps {
            run.step(step)?;
            // One early by the tolerance; what is late is made up for.
            prop_assert!(run.balance() >= -1.1, "{} too many", -run.balance());
        }
        // Given time, what is owed is sent.
        for _ in 0..400 {
            run.step(&Before::Sleep(0))?;
        }
        let (at_rest, most) = (run.balance(), 1.4 + f64::from(run.skips));
        prop_assert!((-1.1..=most).contains(&at_rest), "{at_rest} frames are owed");
    }

    /// Over jumps of hours: at most one frame at once, and each that was not sent is counted.
    #[test]
    fn what_a_jump_of_the_clock_costs_is_counted(
        fps in 5_u32..=144,
        steps in proptest::collection::vec(any_before(30_000), 1..60),
        jumps in proptest::collection::vec((0_u64..10_000_000_000, 0_usize..40), 1..6),
    ) {
        let mut run = Run::new(Fps::whole(fps));
        run.step(&Before::Picture)?;
        for (jump, count) in jumps {
            run.step(&Before::Time(jump))?;
            for step in steps.iter().cycle().take(count) {
                run.step(step)?;
            }
        }
        for _ in 0..400 {
            run.step(&Before::Sleep(0))?;
        }
        let (balance, most) = (run.balance(), 1.4 + f64::from(run.skips));
        prop_assert!((-1.1..=most).contains(&balance), "{balance} frames unaccounted for");
    }

    /// Another rate at any moment: no burst by it, and from then on exactly that rate.
    #[test]
    fn another_rate_brings_no_burst(
        from in 5_u32..=144, to in 5_u32..=144,
        before in proptest::collection::vec(any_before(30_000), 1..60),
        after in proptest::collection::vec(any_before(30_000), 1..200),
    ) {
        let mut run = Run::new(Fps::whole(from));
        run.step(&Before::Picture)?;
        for step in &before {
            run.step(step)?;
        }
        let fps = Fps::whole(to);
        let changed_at = run.now;
        run.pacer.set_fps(fps, us(changed_at));
        let interval = fps.interval().as_micros() as u64;
        let last = *run.sent.last().expect("the first");
        // Between the last of the old rate and the first of the new the shorter quarter counts.
        run.longest = run.interval.max(interval);
        run.interval = run.interval.min(interval);
        run.until = None;
        let count = run.sent.len();
        let mut steps = after.iter();
        while run.sent.len() == count && run.now < last + 3_000_000 {
            run.step(steps.next().unwrap_or(&Before::Sleep(0)))?;
        }
        prop_assert!(run.sent.len() > count, "nothing more was sent");
        run.interval = interval;
        run.sent.drain(..count);
        for step in steps {
            run.step(step)?;
            let most = (run.now - changed_at) as f64 / interval as f64 + 2.1;
            let count = run.sent.len();
            prop_assert!(count as f64 <= most, "{count} since the change");
        }
    }
}
