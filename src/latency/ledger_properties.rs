//! The ledger held against a plain one that keeps everything: whatever is said, in whatever order, both
//! say the same.

use super::*;
use proptest::prelude::*;

fn us(us: u64) -> MonoTime {
    MonoTime::from_micros(us)
}

/// A word of the pipeline's.
#[derive(Clone, Debug)]
enum Word {
    /// So many frames more.
    Paced(u16),
    /// Of a frame, counted back from the newest.
    Reached(usize, u16, u64),
    Encoded(u16, u64),
    Arrived(u64),
    CameWith(u16, u32),
    Interrupted,
    CountFrom,
    Time(u64),
}

fn any_word() -> impl Strategy<Value = Word> {
    let back = || prop_oneof![6 => 0_u16..12, 1 => 0_u16..1400];
    prop_oneof![
        8 => prop_oneof![8 => 1_u16..4, 1 => Just(300)].prop_map(Word::Paced),
        12 => (3_usize..7, back(), 0_u64..40_000).prop_map(|(s, b, t)| Word::Reached(s, b, t)),
        12 => (back(), 0_u64..10).prop_map(|(b, h)| Word::Encoded(b, h)),
        12 => (0_u64..12).prop_map(Word::Arrived),
        2 => (back(), any::<u32>()).prop_map(|(b, t)| Word::CameWith(b, t)),
        1 => Just(Word::Interrupted),
        1 => Just(Word::CountFrom),
        4 => (0_u64..1_500_000).prop_map(Word::Time),
    ]
}

/// One frame of the plain ledger.
#[derive(Clone, Debug, Default)]
struct Plain {
    captured: u64,
    hash: Option<u64>,
    at: [Option<u64>; 7],
    rtp: Option<u32>,
}

/// The plain ledger: all frames for ever.
#[derive(Default)]
struct Model {
    frames: Vec<Plain>,
    next: u64,
    matching: bool,
    counts: (u64, u64, u64),
    doubtful: u64,
    doubtful_since: Option<u64>,
    counted_from: Option<u64>,
    told: [u64; 7],
}

impl Model {
    fn first_kept(&self) -> usize {
        self.frames.len().saturating_sub(KEPT)
    }

    fn reached(&mut self, stage: usize, frame: usize, now: u64) {
        if frame < self.first_kept() || frame >= self.frames.len() {
            return;
        }
        let entry = &mut self.frames[frame];
        if entry.at[stage].is_none() {
            entry.at[stage] = Some(now);
            if self.counted_from.is_some_and(|from| entry.captured >= from) {
                self.told[stage] += 1;
            }
        }
    }

    fn arrived(&mut self, hash: u64, now: u64) -> Option<u64> {
        let from = (self.next as usize).max(self.first_kept());
        let arrived = Stage::Arrived as usize;
        let mut kept = self.frames.iter().enumerate().skip(from);
        let found = kept.find(|(_, e)| e.hash == Some(hash) && e.at[arrived].is_none());
        let Some((frame, _)) = found else {
            if self.matching {
                self.doubtful += 1;
                let since = *self.doubtful_since.get_or_insert(now);
                if now - since >= 2_000_000 {
                    self.counts.1 += std::mem::take(&mut self.doubtful);
                    self.doubtful_since = None;
                }
            }
            return None;
        };
        if self.matching {
            let sent = |e: &&Plain| e.at[Stage::Sent as usize].is_some();
            self.counts.2 += self.frames[from..frame].iter().filter(sent).count() as u64;
        }
        self.reached(arrived, frame, now);
        self.next = frame as u64 + 1;
        self.matching = true;
        self.counts.0 += 1;
        self.counts.1 += std::mem::take(&mut self.doubtful);
        self.doubtful_since = None;
        Some(frame as u64)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every figure is the plain ledger's, for the newest 1024 frames; a stage's first word counts, frames
    /// and memory are bounded; what was sent and is passed by what came later is lost, once.
    #[test]
    fn as_a_plain_ledger_has_it(words in proptest::collection::vec(any_word(), 1..250)) {
        let (mut ledger, mut model) = (Ledger::new(), Model::default());
        let mut now = 1_000_000;
        let mut last_arrival = None;
        for word in words {
            now += 7;
            let newest = |model: &Model, back: u16| model.frames.len().wrapping_sub(1 + usize::from(back));
            match word {
                Word::Paced(count) => for _ in 0..count {
                    now += 1000;
                    let frame = model.frames.len();
                    let taken = Taken {
                        captured_at: us(now - 900),
                        copied_at: us(now - 600),
                        paced_at: us(now - 500),
                        converted_at: us(now),
                    };
                    ledger.paced(frame as u64, taken);
                    model.frames.push(Plain { captured: now - 900, ..Plain::default() });
                    for (stage, at) in [now - 600, now - 500, now].into_iter().enumerate() {
                        model.reached(stage, frame, at);
                    }
                },
                Word::Reached(stage, back, later) => {
                    let frame = newest(&model, back);
                    ledger.reached(STAGES[stage], frame as u64, us(now + later));
                    model.reached(stage, frame, now + later);
                }
                Word::Encoded(back, hash) => {
                    let frame = newest(&model, back);
                    ledger.encoded(frame as u64, us(now), hash);
                    model.reached(Stage::Encoded as usize, frame, now);
                    if frame >= model.first_kept() && let Some(entry) = model.frames.get_mut(frame) {
                        entry.hash = Some(hash);
                    }
                }
                Word::Arrived(hash) => {
                    let mut cursor = Cursor(model.next);
                    let looked = ledger.captured_at(hash, &mut cursor);
                    let found = ledger.arrived(hash, us(now));
                    prop_assert_eq!(found, model.arrived(hash, now));
                    last_arrival = Some(us(now));
                    if let Some(frame) = found {
                        prop_assert_eq!(ledger.captured(frame), Some(us(model.frames[frame as usize].captured)));
                        prop_assert!(looked.is_some());
                    }
                }
                Word::CameWith(back, rtp) => {
                    let frame = newest(&model, back);
                    ledger.came_with(frame as u64, Some(rtp));
                    if frame >= model.first_kept() && let Some(entry) = model.frames.get_mut(frame) {
                        entry.rtp = Some(rtp);
                    }
                }
                Word::Interrupted => {
                    ledger.interrupted();
                    (model.matching, model.doubtful, model.doubtful_since) = (false, 0, None);
                }
                Word::CountFrom => {
                    ledger.count_from(us(now));
                    model.counted_from.get_or_insert(now);
                }
                Word::Time(time) => now += time,
            }
            let (matched, unmatched, lost) = model.counts;
            prop_assert_eq!(ledger.arrivals(), (matched, unmatched));
            prop_assert_eq!(ledger.lost(), lost);
            prop_assert_eq!(ledger.last_arrival(), last_arrival);
            let all = matched + unmatched;
            prop_assert_eq!(ledger.passthrough(), (all > 0).then(|| matched as f64 / all as f64));
            prop_assert!(ledger.entries.len() <= KEPT);
        }
        let first = model.first_kept();
        let rows: Vec<FrameRow> = ledger.rows(0).collect();
        let wanted: Vec<FrameRow> = model.frames.iter().enumerate().skip(first).map(|(frame, e)| FrameRow {
            frame: frame as u64,
            captured_at: us(e.captured),
            at: e.at.map(|at| at.map(us)),
            rtp_time: e.rtp,
        }).collect();
        prop_assert_eq!(&rows, &wanted);
        prop_assert_eq!(ledger.rows(first as u64 + 3).count(), rows.len().saturating_sub(3));
        // What is conserved: of the frames kept and sent, each has arrived, is passed by (lost), or is on
        // its way.
        let kept = &model.frames[first..];
        let sent = kept.iter().filter(|e| e.at[Stage::Sent as usize].is_some());
        let (mut came, mut passed, mut on_its_way) = (0, 0, 0);
        for (e, row) in sent.zip(rows.iter().filter(|row| row.at[Stage::Sent as usize].is_some())) {
            match (e.at[Stage::Arrived as usize], row.frame < model.next) {
                (Some(_), _) => came += 1,
                (None, true) => passed += 1,
                (None, false) => on_its_way += 1,
            }
        }
        let all_sent = rows.iter().filter(|row| row.at[Stage::Sent as usize].is_some()).count();
        prop_assert_eq!(came + passed + on_its_way, all_sent);
        let totals = ledger.totals();
        for ((name, figures), told) in totals.stages().into_iter().zip(model.told) {
            prop_assert_eq!(figures.map_or(0, |f| f.frames), told, "{}", name);
        }
        for since in [0, now / 2, now] {
            let figures = ledger.figures(us(since));
            for (stage, (name, got)) in figures.stages().into_iter().enumerate() {
                let mut ms: Vec<f64> = kept.iter().filter_map(|e| {
                    let at = e.at[stage].filter(|at| *at > since)?;
                    Some((at - e.captured.min(at)) as f64 / 1000.0)
                }).collect();
                ms.sort_by(f64::total_cmp);
                prop_assert_eq!(got.map_or(0, |f| f.frames), ms.len() as u64, "{}", name);
                prop_assert_eq!(got.map(|f| f.max_ms), ms.last().copied());
            }
        }
    }
}
