//! What holds of the cut-over whatever encoders do: many of them, begun at any moment, late, slow, dying
//! at any point, their units in any interleaving.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet};

const FRAME_MS: u64 = 33;
const FRAMES: u64 = 90;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

/// One encoder's fate.
#[derive(Clone, Debug)]
struct Fate {
    /// After the one before, ms.
    begun_after: u64,
    /// Frames that it misses at its beginning, and that are no IDR before its first.
    late: u64,
    idr_after: u64,
    /// From one IDR to the next.
    gop: u64,
    /// Time that it takes for each frame, ms, in turn.
    delays: Vec<u64>,
    /// It ends after so many units.
    dies_after: Option<u64>,
    /// And that is seen so much later, ms.
    seen_after: u64,
}

fn any_fate(longest: u64, dies: bool) -> impl Strategy<Value = Fate> {
    let death = if dies {
        proptest::option::of(0_u64..40).boxed()
    } else {
        Just(None).boxed()
    };
    (
        30_u64..900,
        0_u64..4,
        0_u64..3,
        2_u64..40,
        proptest::collection::vec(1..longest, 8),
        death,
        0_u64..80,
    )
        .prop_map(
            |(begun_after, late, idr_after, gop, delays, dies_after, seen_after)| Fate {
                begun_after,
                late,
                idr_after,
                gop,
                delays,
                dies_after,
                seen_after,
            },
        )
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Begin { cut: u64 },
    Unit { frame: u64, idr: bool },
    Gone,
    Tick,
}

/// Everything that happens, in order: time, encoder, what.
fn course(fates: &[Fate]) -> Vec<(u64, EncoderId, What)> {
    let mut all = Vec::new();
    let mut begun = 0;
    for (n, fate) in fates.iter().enumerate() {
        let id = n as EncoderId + 1;
        let (cut, late) = if n == 0 {
            (0, 0)
        } else {
            // A change waits until the first encoder is at work (session::encoders).
            let least = if n == 1 { 130 } else { 0 };
            begun += fate.begun_after.max(least);
            // Frames so far were given to the others.
            (begun / FRAME_MS + 1, fate.late)
        };
        all.push((begun, id, What::Begin { cut }));
        let mut last = begun;
        let first = cut + late;
        for (made, frame) in (first..FRAMES).enumerate() {
            let made = made as u64;
            if fate.dies_after.is_some_and(|most| made >= most) {
                all.push((last + fate.seen_after, id, What::Gone));
                break;
            }
            last = last.max(frame * FRAME_MS + fate.delays[made as usize % fate.delays.len()]);
            let idr = if n == 0 {
                made
            } else {
                made.wrapping_sub(fate.idr_after)
            } % fate.gop
                == 0;
            all.push((
                last,
                id,
                What::Unit {
                    frame,
                    idr: idr && (n == 0 || made >= fate.idr_after),
                },
            ));
        }
    }
    all.extend(
        (0..FRAMES * FRAME_MS + 2000)
            .step_by(20)
            .map(|ms| (ms, 0, What::Tick)),
    );
    // Stable: an encoder's own units stay in order.
    all.sort_by_key(|(time, ..)| *time);
    all
}

/// What came out, as it must be.
#[derive(Default)]
struct Seen {
    sent: Vec<(u64, EncoderId, u64)>,
    active: Option<EncoderId>,
    took_over: BTreeMap<EncoderId, u64>,
    ended: BTreeMap<EncoderId, u64>,
    abandoned: BTreeSet<EncoderId>,
    expect_idr: bool,
}

impl Seen {
    fn poll(&mut self, cutover: &mut Cutover, now: u64) -> Result<(), TestCaseError> {
        while let Some(output) = cutover.poll() {
            match output {
                Output::Unit(unit) => {
                    let maker = EncoderId::from(unit.data[0]);
                    prop_assert_eq!(Some(maker), self.active, "a unit of another encoder");
                    prop_assert!(!self.expect_idr || unit.idr, "a change at no IDR");
                    self.expect_idr = false;
                    if let Some((last, ..)) = self.sent.last() {
                        prop_assert!(unit.frame > *last, "{} after {last}", unit.frame);
                    }
                    self.sent.push((unit.frame, maker, now));
                }
                Output::TookOver(id) => {
                    prop_assert!(
                        self.took_over.insert(id, now).is_none() && !self.abandoned.contains(&id)
                    );
                    if let Some(old) = self.active.replace(id) {
                        prop_assert_eq!(
                            cutover.poll(),
                            Some(Output::Retire(old)),
                            "the old one is ended"
                        );
                        self.ended.insert(old, now);
                    }
                    self.expect_idr = true;
                }
                Output::Retire(id) => prop_assert!(false, "{id} is ended and nobody took over"),
                Output::Abandon(id) => {
                    prop_assert!(self.abandoned.insert(id) && !self.took_over.contains_key(&id));
                    self.ended.insert(id, now);
                }
            }
        }
        prop_assert_eq!(self.active, cutover.active());
        Ok(())
    }
}

/// A unit of encoder `id`, which says so in its data.
fn unit(id: EncoderId, frame: u64, idr: bool, now: u64) -> AccessUnit {
    AccessUnit {
        frame,
        captured_at: at(frame * FRAME_MS),
        begun_at: MonoTime::ZERO,
        frame_time: Duration::ZERO,
        encoded_at: at(now),
        idr,
        data: vec![id as u8].into(),
        hash: frame,
    }
}

/// What came out, and when each encoder died and began.
type Ran = (Seen, BTreeMap<EncoderId, u64>, BTreeMap<EncoderId, u64>);

fn run(fates: &[Fate]) -> Result<Ran, TestCaseError> {
    let mut cutover = Cutover::new();
    let mut seen = Seen::default();
    let (mut gone, mut begun) = (BTreeMap::new(), BTreeMap::new());
    let mut newest = None;
    for (now, id, what) in course(fates) {
        match what {
            What::Begin { cut } => {
                cutover.begin(id, cut, at(now));
                begun.insert(id, now);
                newest = Some(id);
            }
            What::Unit { frame, idr } => {
                // Who was ended gets no further frames.
                if seen
                    .ended
                    .get(&id)
                    .is_some_and(|ended| frame * FRAME_MS >= *ended)
                {
                    continue;
                }
                cutover.unit(id, unit(id, frame, idr, now), at(now));
            }
            What::Gone => {
                cutover.gone(id, at(now));
                gone.insert(id, now);
            }
            What::Tick => cutover.tick(at(now)),
        }
        seen.poll(&mut cutover, now)?;
        // Held no longer than the limit while someone is there to go on.
        let alive = seen
            .active
            .is_some_and(|active| !gone.contains_key(&active));
        if let Some(newest) = newest.filter(|_| cutover.is_switching() && alive) {
            prop_assert!(
                at(now) < at(begun[&newest]) + LONGEST_HOLD,
                "held beyond the limit"
            );
        }
        if let Some(switch) = &cutover.switch {
            let most = now / FRAME_MS + 1 - switch.cut.min(now / FRAME_MS + 1);
            prop_assert!(switch.held.len() as u64 <= most && switch.ready.len() as u64 <= most);
        }
    }
    Ok((seen, gone, begun))
}

proptest! {
    /// Encoders that live, quick enough: every frame goes out once, in order, however many changes there
    /// are; each change is at an IDR, none comes back, each new encoder takes over or is abandoned.
    #[test]
    fn changes_among_living_encoders_lose_nothing(
        fates in proptest::collection::vec(any_fate(120, false), 1..6)
    ) {
        let (seen, ..) = run(&fates)?;
        let frames: Vec<u64> = seen.sent.iter().map(|(frame, ..)| *frame).collect();
        prop_assert_eq!(frames, (0..FRAMES).collect::<Vec<_>>());
        prop_assert!(seen.took_over.len() + seen.abandoned.len() + 1 >= fates.len());
    }

    /// Encoders that die at any moment or stall: what goes out is still in order, of one encoder at a
    /// time and begins with an IDR; a frame is missing only behind one that died, or that kept a change
    /// waiting to its limit.
    #[test]
    fn dying_and_stalling_encoders_mix_nothing_and_lose_only_their_own(
        fates in proptest::collection::vec(any_fate(700, true), 1..6)
    ) {
        let (seen, gone, begun) = run(&fates)?;
        for (id, at) in &seen.took_over {
            let dead = gone.get(id).is_some_and(|gone| gone < at);
            prop_assert!(!dead, "{id} took over and was known to be dead");
        }
        for pair in seen.sent.windows(2) {
            let ((a, from, _), (b, to, now)) = (pair[0], pair[1]);
            if b > a + 1 {
                let limit = begun.get(&to).is_some_and(|b| now >= b + LONGEST_HOLD.as_millis() as u64);
                let died = gone.get(&from).is_some_and(|at| *at <= now);
                prop_assert!(from != to, "{from} lost frames {a} to {b} by itself");
                prop_assert!(died || limit, "frames between {a} and {b} are lost without a reason");
            }
        }
    }

    /// The same whatever the words are and in whatever order, sense or none.
    #[test]
    fn nonsense_is_survived(
        words in proptest::collection::vec((0_u8..4, 1_u32..5, 0_u64..40, any::<bool>(), 0_u64..200), 0..200)
    ) {
        let mut cutover = Cutover::new();
        let mut now = 0;
        let (mut last, mut in_queue) = (None, 0);
        for (what, id, frame, idr, later) in words {
            now += later;
            match what {
                0 => cutover.begin(id, frame, at(now)),
                1 => cutover.gone(id, at(now)),
                _ => {
                    in_queue += 1;
                    cutover.unit(id, unit(id, frame, idr, now), at(now));
                }
            }
            while let Some(output) = cutover.poll() {
                if let Output::Unit(unit) = output {
                    prop_assert!(last.is_none_or(|last| unit.frame > last));
                    last = Some(unit.frame);
                    prop_assert!(in_queue > 0);
                    in_queue -= 1;
                }
            }
        }
        prop_assert!(cutover.repeated() <= 200);
    }
}
