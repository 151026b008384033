//! Tests of the cut-over, apart because they are longer than what they test.

use super::*;
use proptest::prelude::*;

fn unit(frame: u64, idr: bool, maker: u8) -> AccessUnit {
    AccessUnit {
        frame,
        captured_at: MonoTime::from_micros(frame * 33_333),
        begun_at: MonoTime::ZERO,
        frame_time: Duration::ZERO,
        encoded_at: MonoTime::from_micros(frame * 33_333 + 5000),
        idr,
        data: vec![maker].into(),
        hash: frame,
    }
}

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn drain(cutover: &mut Cutover) -> (Vec<(u64, u8)>, Vec<Output>) {
    let (mut units, mut rest) = (Vec::new(), Vec::new());
    while let Some(output) = cutover.poll() {
        match output {
            Output::TookOver(_) => {}
            Output::Unit(unit) => units.push((unit.frame, unit.data[0])),
            other => rest.push(other),
        }
    }
    (units, rest)
}

fn running() -> Cutover {
    let mut cutover = Cutover::new();
    cutover.begin(1, 0, at(0));
    cutover.unit(1, unit(0, true, 1), at(5));
    cutover.unit(1, unit(1, false, 1), at(38));
    assert_eq!(drain(&mut cutover), (vec![(0, 1), (1, 1)], vec![]));
    cutover
}

#[test]
fn the_cut_loses_nothing_and_repeats_nothing() {
    let mut cutover = running();
    cutover.begin(2, 3, at(60));
    cutover.unit(1, unit(2, false, 1), at(71));
    cutover.unit(1, unit(3, false, 1), at(104));
    assert_eq!(drain(&mut cutover).0, [(2, 1)]);
    cutover.unit(2, unit(3, true, 2), at(109));
    cutover.unit(1, unit(4, false, 1), at(138));
    cutover.unit(2, unit(4, false, 2), at(140));
    let (units, rest) = drain(&mut cutover);
    assert_eq!(
        (units, rest),
        (vec![(3, 2), (4, 2)], vec![Output::Retire(1)])
    );
}

#[test]
fn a_new_encoder_faster_than_the_old_waits_for_the_olds_last() {
    let mut cutover = running();
    cutover.begin(2, 3, at(60));
    cutover.unit(2, unit(3, true, 2), at(100));
    cutover.unit(2, unit(4, false, 2), at(133));
    assert_eq!(drain(&mut cutover).0, []);
    cutover.unit(1, unit(2, false, 1), at(135));
    assert_eq!(drain(&mut cutover).0, [(2, 1), (3, 2), (4, 2)]);
}

#[test]
fn a_new_encoder_that_dies_or_is_late_leaves_the_old_one_with_every_frame() {
    for dies in [true, false] {
        let mut cutover = running();
        cutover.begin(2, 2, at(60));
        cutover.unit(1, unit(2, false, 1), at(71));
        cutover.unit(1, unit(3, false, 1), at(104));
        if dies {
            cutover.gone(2, at(110));
        } else {
            cutover.tick(at(60) + LONGEST_HOLD);
        }
        let (units, rest) = drain(&mut cutover);
        assert_eq!(
            (units, rest),
            (vec![(2, 1), (3, 1)], vec![Output::Abandon(2)])
        );
        // What it still says is not heard.
        cutover.unit(2, unit(4, true, 2), at(600));
        cutover.unit(1, unit(4, false, 1), at(601));
        assert_eq!(drain(&mut cutover).0, [(4, 1)]);
    }
}

#[test]
fn an_old_encoder_that_dies_in_the_cut_is_followed_at_once() {
    let mut cutover = running();
    cutover.begin(2, 4, at(60));
    cutover.unit(2, unit(4, true, 2), at(140));
    cutover.gone(1, at(141));
    assert_eq!(drain(&mut cutover).0, [(4, 2)]);
}

#[test]
fn a_dead_only_encoder_is_replaced_by_the_next_however_late() {
    let mut cutover = running();
    cutover.gone(1, at(70));
    cutover.begin(2, 9, at(300));
    cutover.tick(at(5000));
    cutover.unit(2, unit(9, true, 2), at(5001));
    assert_eq!(drain(&mut cutover).0, [(9, 2)]);
}

#[test]
fn a_new_encoder_that_dies_with_its_idr_waiting_leaves_the_old_one() {
    let mut cutover = running();
    cutover.begin(2, 3, at(60));
    cutover.unit(2, unit(3, true, 2), at(100));
    cutover.gone(2, at(110));
    assert_eq!(drain(&mut cutover), (vec![], vec![Output::Abandon(2)]));
    for frame in 2..6 {
        cutover.unit(1, unit(frame, false, 1), at(110 + frame));
    }
    assert_eq!(drain(&mut cutover).0, [(2, 1), (3, 1), (4, 1), (5, 1)]);
}

#[test]
fn an_encoder_that_took_over_and_ended_is_not_waited_for() {
    let mut cutover = running();
    cutover.begin(2, 2, at(60));
    cutover.unit(2, unit(2, true, 2), at(100));
    cutover.gone(2, at(110));
    cutover.begin(3, 9, at(300));
    cutover.unit(3, unit(9, true, 3), at(340));
    assert_eq!(drain(&mut cutover).0, [(2, 2), (9, 3)]);
}

#[test]
fn a_second_change_during_a_change_wins() {
    let mut cutover = running();
    cutover.begin(2, 2, at(60));
    cutover.unit(1, unit(2, false, 1), at(71));
    cutover.begin(3, 3, at(90));
    cutover.unit(1, unit(3, false, 1), at(104));
    cutover.unit(3, unit(3, true, 3), at(110));
    let (units, rest) = drain(&mut cutover);
    assert_eq!(units, [(2, 1), (3, 3)]);
    assert_eq!(rest, [Output::Abandon(2), Output::Retire(1)]);
}

proptest! {
    /// Two encoders with any delays, the second announced at any frame and possibly beginning late,
    /// failing or never answering: what goes out is every frame once, in order, and each change of
    /// maker is at an IDR.
    #[test]
    fn every_frame_once_in_order_and_changes_at_an_idr(
        delays_old in proptest::collection::vec(1_u64..120, 60),
        delays_new in proptest::collection::vec(1_u64..120, 60),
        cut in 1_u64..40,
        begins_late in 0_u64..3,
        new_answers in 0_u64..60,
    ) {
        // (time ms, order, encoder, unit); each encoder's own units stay in order.
        let mut events: Vec<(u64, u64, u8, AccessUnit)> = Vec::new();
        let mut latest = [0_u64; 2];
        for frame in 0..60_u64 {
            // A change waits until the first encoder is at work (session::encoders).
            let delay = if frame == 0 { 1 } else { delays_old[frame as usize] };
            let time = frame * 33 + delay;
            latest[0] = latest[0].max(time);
            events.push((latest[0], frame, 1, unit(frame, frame % 30 == 0, 1)));
            let first = cut + begins_late;
            if frame >= first && frame < first + new_answers {
                latest[1] = latest[1].max(frame * 33 + delays_new[frame as usize]);
                events.push((latest[1], frame, 2, unit(frame, frame == first, 2)));
            }
        }
        events.sort_by_key(|(time, frame, encoder, _)| (*time, *frame, *encoder));
        let mut cutover = Cutover::new();
        cutover.begin(1, 0, at(0));
        let mut begun = false;
        let mut sent = Vec::new();
        let collect = |cutover: &mut Cutover, sent: &mut Vec<AccessUnit>| {
            let mut retired = false;
            while let Some(output) = cutover.poll() {
                match output {
                    Output::Unit(unit) => sent.push(unit),
                    Output::Retire(_) => retired = true,
                    Output::Abandon(_) | Output::TookOver(_) => {}
                }
            }
            retired
        };
        let mut retired = false;
        for (time, _, encoder, unit) in events {
            if !begun && time >= cut * 33 {
                begun = true;
                cutover.begin(2, cut, at(cut * 33));
            }
            // A retired encoder gets no more frames.
            if encoder == 1 && retired {
                continue;
            }
            cutover.tick(at(time));
            retired |= collect(&mut cutover, &mut sent);
            cutover.unit(EncoderId::from(encoder), unit, at(time));
            retired |= collect(&mut cutover, &mut sent);
        }
        cutover.tick(at(100_000));
        collect(&mut cutover, &mut sent);
        for pair in sent.windows(2) {
            prop_assert!(pair[1].frame > pair[0].frame);
            if pair[1].data[0] != pair[0].data[0] {
                prop_assert!(pair[1].idr, "changed maker at a picture that is no IDR");
            }
        }
        // Where the new one never dies before the end, nothing may be missing.
        if new_answers + cut + begins_late >= 60 || new_answers == 0 {
            let frames: Vec<u64> = sent.iter().map(|u| u.frame).collect();
            prop_assert_eq!(frames, (0..60).collect::<Vec<_>>());
        }
    }
}
