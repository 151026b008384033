//! The adaptive bitrate against a simulated link, and whatever the figures are.

use super::judge::DOWN_MOST;
use super::link_sim::{Link, Run};
use super::*;
use proptest::prelude::*;

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

#[test]
fn a_link_that_shrinks_to_a_quarter_and_comes_back() {
    for (queue_ms, base_ms) in [(250, 20), (60, 20), (30, 5), (1000, 40), (250, 80)] {
        let mut run = Run::new(6000, 500, Link::new(8000, queue_ms, base_ms));
        run.seconds(10);
        assert_eq!((run.kbps, run.steps.len()), (6000, 0));
        run.link.capacity_kbps = 1500;
        run.seconds(6);
        let case = format!("queue {queue_ms} ms, base {base_ms} ms: {:#?}", run.steps);
        assert!(run.kbps < 1500, "{} kb/s after 6 s, {case}", run.kbps);
        assert!(run.kbps >= 600, "{} kb/s after 6 s, {case}", run.kbps);
        assert!(run.steps.len() <= 5, "{case}");
        // Three minutes at the small rate: it uses it, and seldom goes beyond.
        run.seconds(5);
        let holes_before = run.link.figures().given_up;
        let (mut sum, mut trouble) = (0.0, run.downs());
        for _ in 0..180 {
            run.seconds(1);
            sum += f64::from(run.kbps);
            let case = format!("queue {queue_ms}, base {base_ms}: {:#?}", run.steps);
            assert!(
                (600..=1800).contains(&run.kbps),
                "{} kb/s, {case}",
                run.kbps
            );
        }
        trouble = run.downs() - trouble;
        let used = sum / 180.0 / 1500.0;
        let holes = run.link.figures().given_up - holes_before;
        println!(
            "queue {queue_ms}, base {base_ms}: {used:.2} of the link, {trouble} steps down and \
             {holes} packets lost for good in 3 min"
        );
        assert!(used > 0.65, "{used}");
        assert!(
            trouble <= 5,
            "{trouble} steps down in 3 min: {:#?}",
            run.steps
        );
        // And back.
        run.link.capacity_kbps = 8000;
        run.seconds(200);
        assert_eq!(run.kbps, 6000, "{:#?}", run.steps);
    }
}

#[test]
fn chance_loss_on_a_good_link_changes_nothing() {
    for (loss_permille, base_ms) in [(10, 20), (50, 20), (50, 5), (80, 30)] {
        let mut link = Link::new(8000, 250, base_ms);
        link.loss_permille = loss_permille;
        let mut run = Run::new(3000, 500, link);
        run.seconds(120);
        assert_eq!(run.steps, [], "{loss_permille} permille, {base_ms} ms");
    }
}

fn figures() -> impl Strategy<Value = Option<NetworkFigures>> {
    let some = (
        prop::option::of(0.0..2000.0),
        prop::option::of(0_u64..8000),
        (0_u64..5000, 0_u64..5000, 0_u64..5000),
        prop::option::of(0_u64..50_000),
        prop::option::of(0.0..500.0),
    );
    prop::option::weighted(
        0.9,
        some.prop_map(
            |(rtt_ms, latency_ms, (lost, retransmitted, given_up), received, buffer_ms)| {
                NetworkFigures {
                    rtt_ms,
                    latency_ms,
                    lost,
                    retransmitted,
                    given_up,
                    received,
                    buffer_ms,
                }
            },
        ),
    )
}

proptest! {
    #[test]
    fn no_figures_whatever_lead_beyond_the_bounds(
        looks in prop::collection::vec((figures(), 0_u64..40, any::<bool>(), 0_u64..900), 1..300),
        kbps in 100_u32..=10_000, floor in 100_u32..=10_000, ceiling in 100_u32..=10_000,
        adding in any::<bool>(),
    ) {
        let mut adaptive = Adaptive::new();
        let (mut now, mut kbps, mut drops) = (ms(0), kbps, 0);
        let mut all = NetworkFigures { received: Some(0), ..NetworkFigures::default() };
        let mut last: Option<(MonoTime, bool)> = None;
        for (network, drop, changing, later) in looks {
            now = now + Duration::from_millis(later);
            drops += drop / 30;
            // Counters that grow, or any.
            let network = network.map(|f| if adding {
                all.lost += f.lost / 20;
                all.retransmitted += f.retransmitted / 20;
                all.given_up += f.given_up / 40;
                all.received = all.received.zip(f.received).map(|(a, b)| a + b / 50);
                NetworkFigures { rtt_ms: f.rtt_ms, latency_ms: f.latency_ms, buffer_ms: f.buffer_ms, ..all }
            } else { f });
            let look = Look {
                now, network, network_drops: drops, encoder_drops: drops / 2, kbps,
                changing: changing && later % 3 == 0, floor_kbps: floor, ceiling_kbps: ceiling,
            };
            let step = adaptive.look(&look);
            let status = adaptive.status();
            prop_assert_eq!(status.kbps, kbps);
            prop_assert_eq!(status.bounds_kbps, (floor.min(ceiling), ceiling));
            if let Some(step) = step {
                prop_assert!(!look.changing);
                prop_assert_eq!(step.from_kbps, kbps);
                prop_assert!(step.to_kbps != kbps && !step.reason.is_empty());
                prop_assert!((floor.min(ceiling)..=ceiling).contains(&step.to_kbps));
                let inside = (floor.min(ceiling)..=ceiling).contains(&kbps);
                let is_up = step.to_kbps > kbps;
                if let (Some((at, _)), true) = (last, inside) {
                    let least = if is_up { UP_AFTER } else { DOWN_EVERY };
                    prop_assert!(now.since(at) >= least, "{:?} after {:?}", step, now.since(at));
                }
                if inside {
                    let most = if is_up { UP } else { 1.0 / DOWN_MOST };
                    let (a, b) = (kbps.min(step.to_kbps), kbps.max(step.to_kbps));
                    prop_assert!(f64::from(b) <= f64::from(a) * most + 20.0, "{:?}", step);
                }
                last = Some((now, is_up));
                kbps = step.to_kbps;
            }
        }
    }

    #[test]
    fn without_figures_it_holds(times in prop::collection::vec(0_u64..2000, 1..100)) {
        let mut adaptive = Adaptive::new();
        let mut now = ms(0);
        for later in times {
            now = now + Duration::from_millis(later);
            let look = Look {
                now, network: None, network_drops: now.as_micros() / 40_000, encoder_drops: 0,
                kbps: 2000, changing: false, floor_kbps: 500, ceiling_kbps: 3000,
            };
            prop_assert_eq!(adaptive.look(&look), None);
            prop_assert_eq!(adaptive.status().reason, "holds: the server gives no figures");
        }
    }

    #[test]
    fn any_link_is_found_and_held(
        capacity in 700_u32..7000, queue_ms in 20_u64..600, base_ms in 1_u64..100,
    ) {
        let mut run = Run::new(6000, 500, Link::new(capacity, queue_ms, base_ms));
        run.seconds(40);
        // What goes over the link is video and the sound beside it.
        let fits = capacity.saturating_sub(run.link.beside_kbps).min(6000);
        prop_assert!(run.kbps <= (fits * 115 / 100).max(500), "{} of {fits}: {:#?}", run.kbps, run.steps);
        prop_assert!(run.kbps >= (fits * 40 / 100).max(500), "{} of {fits}: {:#?}", run.kbps, run.steps);
        let downs = run.downs();
        run.seconds(120);
        prop_assert!(run.downs() - downs <= 6, "{:#?}", run.steps);
    }
}
