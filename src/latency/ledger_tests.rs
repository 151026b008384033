use super::*;
use proptest::prelude::*;

fn us(us: u64) -> MonoTime {
    MonoTime::from_micros(us)
}

fn ledger(hashes: &[u64]) -> Ledger {
    let mut ledger = Ledger::new();
    for (frame, hash) in hashes.iter().enumerate() {
        let frame = frame as u64;
        ledger.paced(frame, Taken::at(us(frame * 1000)));
        ledger.encoded(frame, us(frame * 1000 + 500), *hash);
    }
    ledger
}

#[test]
fn another_receiver_finds_frames_in_its_own_order() {
    // A still screen: every second picture is the same.
    let mut ledger = ledger(&[1, 5, 2, 5, 3, 5]);
    let mut cursor = Cursor::default();
    let found = |ledger: &Ledger, hash, cursor: &mut Cursor| {
        ledger.captured_at(hash, cursor).map(MonoTime::as_micros)
    };
    let first = found(&ledger, 5, &mut cursor);
    ledger.arrived(1, us(9_000));
    assert!(first < found(&ledger, 5, &mut cursor));
    assert_eq!(found(&ledger, 2, &mut cursor), None, "it is past that one");
    assert_eq!(found(&ledger, 77, &mut cursor), None);
    assert_eq!(ledger.arrivals(), (1, 0));
}

#[test]
fn a_frame_is_found_by_its_slices() {
    let mut ledger = ledger(&[11, 12, 13]);
    assert_eq!(ledger.arrived(12, us(5000)), Some(1));
    let figures = ledger.figures(MonoTime::ZERO);
    assert_eq!(figures.arrived.unwrap().max_ms, 4.0);
    assert_eq!(figures.encoded.unwrap().frames, 3);
    assert_eq!(figures.sent, None, "never zero for unknown");
}

#[test]
fn the_servers_part_is_from_sent_to_arrived_each_frame_once() {
    let mut ledger = Ledger::new();
    ledger.count_from(MonoTime::ZERO);
    for (frame, sent_first) in [(0, true), (1, false)] {
        let begin = 1000 + frame * 10_000;
        ledger.paced(frame, Taken::at(us(begin)));
        ledger.encoded(frame, us(begin + 500), 7 + frame);
        let sent = |ledger: &mut Ledger| ledger.reached(Stage::Sent, frame, us(begin + 700));
        if sent_first {
            sent(&mut ledger);
        }
        assert_eq!(ledger.arrived(7 + frame, us(begin + 2700)), Some(frame));
        if !sent_first {
            sent(&mut ledger);
        }
    }
    ledger.paced(2, Taken::at(us(50_000)));
    ledger.encoded(2, us(50_100), 9);
    ledger.arrived(9, us(51_000));
    let server = ledger.totals().server.unwrap();
    assert_eq!(server.frames, 2, "the write of the third is not known");
    assert!((server.p50_ms - 2.0).abs() < 0.01 && (server.max_ms - 2.0).abs() < 0.01);
}

#[test]
fn what_the_console_adds_leaves_the_encoder_out() {
    let mut ledger = Ledger::new();
    ledger.count_from(MonoTime::ZERO);
    ledger.paced(
        0,
        Taken {
            captured_at: us(500),
            copied_at: us(1000),
            paced_at: us(1100),
            converted_at: us(1500),
        },
    );
    ledger.encoded(0, us(6000), 7);
    ledger.reached(Stage::Sent, 0, us(6250));
    assert_eq!(ledger.totals().own, None, "the write is not known yet");
    ledger.reached(Stage::Written, 0, us(1800));
    // This one's unit came out before its write had returned.
    ledger.paced(1, Taken::at(us(10_000)));
    ledger.encoded(1, us(10_500), 8);
    ledger.reached(Stage::Written, 1, us(10_900));
    ledger.reached(Stage::Sent, 1, us(10_600));
    for own in [ledger.figures(MonoTime::ZERO).own, ledger.totals().own] {
        let own = own.unwrap();
        assert_eq!(own.frames, 2);
        assert!(
            (own.p50_ms - 0.6).abs() < 0.01 && (own.max_ms - 0.65).abs() < 0.01,
            "{own:?}"
        );
    }
}

#[test]
fn the_whole_show_counts_from_live_on() {
    let mut ledger = ledger(&[1, 2]);
    ledger.count_from(us(2000));
    ledger.count_from(us(9000));
    ledger.paced(2, Taken::at(us(2000)));
    ledger.reached(Stage::Sent, 1, us(500_000));
    ledger.reached(Stage::Sent, 2, us(5000));
    let sent = ledger.totals().sent.unwrap();
    assert_eq!((sent.frames, sent.max_ms.round()), (1, 3.0));
}

#[test]
fn alike_pictures_are_taken_in_order() {
    let mut ledger = ledger(&[7, 8, 7, 8, 7, 8]);
    let frames: Vec<_> = [7, 8, 7, 8]
        .iter()
        .map(|h| ledger.arrived(*h, us(9000)))
        .collect();
    assert_eq!(frames, [Some(0), Some(1), Some(2), Some(3)]);
}

#[test]
fn pictures_that_nobody_sent_lower_the_passthrough() {
    let mut ledger = ledger(&[1, 2, 3, 4]);
    assert_eq!(ledger.passthrough(), None);
    assert_eq!(ledger.arrived(99, us(1)), None);
    assert_eq!(ledger.passthrough(), None, "before the first match");
    ledger.arrived(1, us(1));
    ledger.arrived(98, us(1));
    ledger.arrived(2, us(2));
    assert_eq!(ledger.arrivals(), (2, 1));
    // From here on all are changed: that is told without another match.
    for n in 0..=8 {
        ledger.arrived(98, us(1_000_000 + n * 250_000));
    }
    assert_eq!(ledger.arrivals(), (2, 10));
}

#[test]
fn the_servers_own_pictures_while_nobody_publishes_are_not_the_shows() {
    let mut ledger = ledger(&[1, 2, 3, 4]);
    // Before the show.
    ledger.arrived(77, us(1));
    ledger.arrived(1, us(2));
    // The publisher is killed: some come before that is seen, and some after.
    ledger.arrived(77, us(3));
    ledger.arrived(77, us(50_000));
    ledger.interrupted();
    for n in 0..200 {
        ledger.arrived(77, us(100_000 + n * 33_333));
    }
    assert_eq!(ledger.passthrough(), Some(1.0));
    // It goes on, and is looked at again.
    ledger.arrived(3, us(9_000_000));
    ledger.arrived(99, us(9_000_001));
    ledger.arrived(4, us(9_000_002));
    assert_eq!(ledger.arrivals(), (3, 1));
}

#[test]
fn old_frames_are_forgotten_and_late_words_of_them_ignored() {
    let mut ledger = Ledger::new();
    ledger.count_from(us(0));
    for frame in 0..3000 {
        ledger.paced(frame, Taken::at(us(frame)));
    }
    assert_eq!(ledger.entries.len(), KEPT);
    ledger.reached(Stage::Sent, 3, us(10_000));
    assert_eq!(ledger.totals().sent, None);
}

proptest! {
    /// Whatever is said of frames in whatever order, also of ones never heard of: no figure comes from
    /// a stage that nobody told of, each frame counts once a stage, percentiles are in order, and what
    /// the console added never exceeds the way to sending.
    #[test]
    fn figures_hold_whatever_is_said(said in proptest::collection::vec((0_u64..40, 0_usize..7, 0_u64..60_000), 0..400)) {
        let mut ledger = Ledger::new();
        ledger.count_from(MonoTime::ZERO);
        for frame in 0..30 {
            ledger.paced(frame, Taken::at(us(1 + frame * 1000)));
        }
        let mut told = [0_u64; 7];
        let mut seen = std::collections::HashSet::new();
        for (frame, stage, after) in said {
            ledger.reached(STAGES[stage], frame, us(1 + frame * 1000 + after));
            if frame < 30 && stage > 2 && seen.insert((frame, stage)) {
                told[stage] += 1;
            }
        }
        told[..3].fill(30);
        for figures in [ledger.figures(MonoTime::ZERO), ledger.totals()] {
            for ((name, f), told) in figures.stages().into_iter().zip(told) {
                prop_assert_eq!(f.map_or(0, |f| f.frames), told, "{}", name);
                prop_assert!(f.is_none_or(|f| f.p50_ms <= f.p95_ms && f.p95_ms <= f.max_ms + 0.1));
            }
            if let (Some(own), Some(sent)) = (figures.own, figures.sent) {
                prop_assert!(own.frames <= sent.frames);
                // Not of one frame by itself: a frame may be sent after it was encoded only.
                prop_assert!(own.max_ms <= 120.1, "{:?}", own);
            }
        }
    }

    /// Every sent frame that does not arrive while later ones do is counted as lost, once; none is
    /// around an interruption.
    #[test]
    fn what_is_lost_is_counted(arrive in proptest::collection::vec(any::<bool>(), 60), broken_at in 0_usize..60) {
        let hashes: Vec<u64> = (100..160).collect();
        let mut ledger = ledger(&hashes);
        for frame in 0..60 {
            ledger.reached(Stage::Sent, frame, us(frame * 1000 + 600));
        }
        let mut expected = 0;
        let mut gap = None;
        for (frame, arrives) in arrive.iter().enumerate() {
            if frame == broken_at {
                ledger.interrupted();
                gap = None;
            }
            if *arrives {
                ledger.arrived(hashes[frame], us(70_000));
                expected += gap.replace(0).unwrap_or(0);
            } else if let Some(gap) = &mut gap {
                *gap += 1;
            }
        }
        prop_assert_eq!(ledger.lost(), expected);
    }

    /// Any loss on the way and pictures that repeat every 16th frame: what is matched is matched
    /// in order, and where nothing is lost each frame is found as itself.
    #[test]
    fn matching_keeps_the_order(lost in proptest::collection::vec(any::<bool>(), 200), lossless: bool) {
        let hashes: Vec<u64> = (0..200).map(|n| n % 16).collect();
        let mut ledger = ledger(&hashes);
        let mut last = None;
        for (frame, hash) in hashes.iter().enumerate() {
            if lost[frame] && !lossless {
                continue;
            }
            let got = ledger.arrived(*hash, us(1_000_000 + frame as u64));
            if let (Some(got), Some(last)) = (got, last) {
                prop_assert!(got > last);
            }
            if lossless {
                prop_assert_eq!(got, Some(frame as u64));
            }
            last = got.or(last);
        }
    }
}

#[test]
fn the_quickest_way_is_of_the_newest_arrivals() {
    let mut ledger = Ledger::new();
    let from = us(30_000_000);
    assert_eq!(ledger.quickest_way(from), None);
    for frame in 0..60 {
        let begin = 28_500_000 + frame * 50_000;
        ledger.paced(frame, Taken::at(us(begin)));
        ledger.encoded(frame, us(begin + 100), frame);
        ledger.reached(Stage::Sent, frame, us(begin + 200));
        // An older one was quicker; of the new ones one is.
        let way = match frame {
            3 => 10_000,
            50 => 130_000,
            _ => 400_000,
        };
        ledger.arrived(frame, us(begin + 200 + way));
        let expected = match frame {
            // The tenth that arrived since.
            0..31 => None,
            31..50 => Some(400),
            _ => Some(130),
        };
        let found = ledger.quickest_way(from).map(|way| way.as_millis());
        assert_eq!(found, expected, "{frame}");
    }
}
