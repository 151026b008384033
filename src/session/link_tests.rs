//! Tests of the connection's state.

use super::*;
use proptest::prelude::*;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn loss(kind: LossKind) -> Loss {
    Loss {
        kind,
        ..Loss::broke("nobody answers")
    }
}

/// Up since 1 s.
fn up() -> Link {
    let mut link = Link::new(Role::Programme, 7);
    link.started(at(0));
    assert_eq!(link.confirmed(Confirmation::Online, at(1000)), None);
    link
}

/// The wait from `now` until it starts a publisher, ms.
fn wait(link: &mut Link, now: u64) -> u64 {
    (now..now + 60_000)
        .step_by(10)
        .find(|ms| link.tick(at(*ms)) == Some(Step::Start))
        .expect("a try within a minute")
        - now
}

#[test]
fn b18_the_steps_are_spread_and_go_on_for_ever() {
    let mut spread = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut link = Link::new(Role::Programme, seed);
        link.started(at(0));
        let mut now = 1000;
        for (low, high) in [(500, 640), (1000, 1260), (2000, 2510), (3000, 3760)]
            .into_iter()
            .chain([(4000, 5010); 20])
        {
            assert_eq!(link.lost(loss(LossKind::Broke), at(now)), Some(Step::End));
            assert_eq!(link.lost(loss(LossKind::Broke), at(now)), None, "twice");
            let waited = wait(&mut link, now);
            assert!((low..=high).contains(&waited), "{waited} of {low}..{high}");
            spread.insert(waited);
            now += waited + 50;
        }
    }
    assert!(spread.len() > 100, "{spread:?}");
}

#[test]
fn a_publisher_alone_that_dies_in_a_good_connection_is_started_at_once() {
    let mut link = up();
    link.knocked(true, at(9_900));
    link.lost(loss(LossKind::Broke), at(10_000));
    assert_eq!(wait(&mut link, 10_000), 0);
    // Dead again before it was steady: now in steps.
    link.confirmed(Confirmation::Online, at(10_600));
    link.lost(loss(LossKind::Broke), at(11_000));
    assert!(wait(&mut link, 11_000) >= 1000);
}

#[test]
fn two_publishers_of_one_path_are_no_storm() {
    let mut link = up();
    link.knocked(true, at(0));
    let (mut now, mut starts) = (10_000, 0);
    // Thrown out 200 ms after each start, by someone that no API names.
    while now < 70_000 {
        link.lost(loss(LossKind::Broke), at(now));
        now += wait(&mut link, now) + 100;
        link.confirmed(Confirmation::Handshake, at(now));
        link.knocked(true, at(now));
        now += 100;
        starts += 1;
    }
    assert!(starts < 20, "{starts} starts in a minute");
}

#[test]
fn a_receiver_that_is_back_is_called_at_once_and_no_more_than_once() {
    let mut link = up();
    link.lost(loss(LossKind::Broke), at(10_000));
    link.knocked(false, at(10_100));
    let mut now = 10_000 + wait(&mut link, 10_000);
    for _ in 0..4 {
        link.lost(loss(LossKind::Broke), at(now));
        now += wait(&mut link, now);
    }
    now += 100;
    link.lost(loss(LossKind::Broke), at(now));
    link.knocked(false, at(now + 500));
    link.knocked(true, at(now + 700));
    assert_eq!(wait(&mut link, now + 700), 0, "its SRT answers again");
    // It answers and refuses all the same: in steps, however often it answers.
    let refused = now + 900;
    link.lost(loss(LossKind::Refused), at(refused));
    link.knocked(true, at(refused + 100));
    assert!(wait(&mut link, refused) >= 4000);
}

#[test]
fn a_receiver_that_is_known_to_be_away_is_seldom_called() {
    let mut link = up();
    link.knocked(true, at(9_000));
    link.knocked(false, at(10_000));
    let (mut now, mut calls) = (10_000, 0);
    link.lost(loss(LossKind::Broke), at(now));
    while now < 70_000 {
        now += 50;
        if link.tick(at(now)) == Some(Step::Start) {
            calls += 1;
            now += 3_000;
            link.lost(loss(LossKind::Broke), at(now));
        }
    }
    assert!((2..=4).contains(&calls), "{calls} calls in a minute");
    assert!(link.attempt() > 10, "the operator sees it trying");
    link.knocked(true, at(now + 10));
    assert_eq!(wait(&mut link, now + 10), 0);
}

#[test]
fn a_path_that_another_has_is_left_to_it_until_it_is_free() {
    let mut link = up();
    link.lost(loss(LossKind::Taken), at(10_000));
    for now in (10_000..100_000).step_by(50) {
        link.knocked(now % 3000 < 2000, at(now));
        assert_eq!(link.tick(at(now)), None);
    }
    assert_eq!(link.next_try(), None);
    link.path_is_free(at(100_000));
    assert_eq!(link.tick(at(100_000)), Some(Step::Start));
}

#[test]
fn a_refused_backup_is_tried_slowly() {
    let mut link = Link::new(Role::Backup, 1);
    link.started(at(0));
    link.lost(loss(LossKind::Refused), at(1000));
    assert_eq!(wait(&mut link, 1000), 30_000);
}

#[test]
fn an_outage_begins_with_the_last_good_word_and_ends_with_the_next() {
    let mut link = up();
    assert_eq!(link.outage(), None);
    let first = Loss {
        last_good: Some(at(9_000)),
        ..loss(LossKind::Broke)
    };
    link.lost(first, at(10_000));
    for now in [11_000, 13_000] {
        wait(&mut link, now);
        let again = Loss {
            last_good: Some(at(9_500)),
            ..Loss::broke("another cause")
        };
        link.lost(again, at(now + 1_500));
    }
    let now = 20_000 + wait(&mut link, 20_000);
    let over = link.confirmed(Confirmation::Online, at(now + 100)).unwrap();
    assert_eq!((over.from, over.to), (at(9_000), Some(at(now + 100))));
    assert_eq!((over.tries, over.cause.as_str()), (3, "nobody answers"));
    assert_eq!(link.outages().len(), 1);
    assert_eq!(link.confirmed(Confirmation::Online, at(now + 200)), None);
}

#[test]
fn what_was_never_up_has_no_outage() {
    let mut link = Link::default();
    link.started(at(0));
    link.lost(loss(LossKind::Broke), at(100));
    assert_eq!((link.outage(), link.attempt()), (None, 1));
    let now = wait(&mut link, 100) + 200;
    assert_eq!(link.confirmed(Confirmation::Online, at(now)), None);
    assert!(link.outages().is_empty());
}

proptest! {
    /// Whatever happens in whatever order: steps pair up, two starts are never closer than half a
    /// second, a confirmed link has a publisher.
    #[test]
    fn any_words_in_any_order(
        words in proptest::collection::vec((0_u8..8, 0_u64..900), 0..300), seed: u64
    ) {
        let mut link = Link::new(Role::Programme, seed);
        let (mut now, mut running, mut last_start) = (0, true, 0);
        link.started(at(0));
        for (word, later) in words {
            now += later;
            let step = match word {
                0 => link.lost(loss(LossKind::Broke), at(now)),
                1 => {
                    let step = link.lost(loss(LossKind::Anew), at(now));
                    assert!(step.is_none() || link.is_made_anew());
                    step
                }
                2 => link.lost(loss(LossKind::Taken), at(now)),
                3 => {
                    link.knocked(now % 2 == 0, at(now));
                    None
                }
                4 => {
                    link.path_is_free(at(now));
                    None
                }
                5 => {
                    link.confirmed(Confirmation::Online, at(now));
                    None
                }
                _ => link.tick(at(now)),
            };
            match step {
                Some(Step::Start) => {
                    prop_assert!(!running);
                    prop_assert!(now - last_start >= 500, "{} ms apart", now - last_start);
                    (running, last_start) = (true, now);
                }
                Some(Step::End) => {
                    prop_assert!(running);
                    running = false;
                }
                None => {}
            }
            prop_assert_eq!(link.is_waiting(), !running);
            if link.confirmation() != Confirmation::None {
                prop_assert!(running);
            }
            prop_assert!(link.outages().len() <= KEPT);
        }
    }
}
