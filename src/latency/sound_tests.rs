use super::*;
use proptest::prelude::*;

fn us(us: u64) -> MonoTime {
    MonoTime::from_micros(us)
}

fn ledger(hashes: &[u64]) -> SoundLedger {
    let mut ledger = SoundLedger::new();
    for (n, hash) in hashes.iter().enumerate() {
        ledger.sent(*hash, Some(us(n as u64 * 10_000)));
    }
    ledger
}

#[test]
fn each_packet_is_found_and_its_age_is_that_of_its_sound() {
    let mut ledger = ledger(&[1, 2, 3]);
    assert_eq!(ledger.passthrough(), None);
    for n in 0..3 {
        let at = us(n * 10_000 + 45_000);
        assert_eq!(ledger.arrived(n + 1, at), Found::Same);
    }
    assert_eq!(
        (ledger.arrivals(), ledger.passthrough()),
        ((3, 0), Some(1.0))
    );
    let figures = ledger.figures(us(0)).unwrap();
    assert_eq!((figures.p50_ms, figures.frames), (45.0, 3));
}

#[test]
fn the_publishers_word_may_come_after_the_packet() {
    let mut ledger = SoundLedger::new();
    assert_eq!(ledger.arrived(1, us(100)), Found::Other);
    assert_eq!(ledger.arrived(2, us(200)), Found::Other);
    assert_eq!(ledger.arrivals(), (0, 0), "not yet known to be nobody's");
    assert!(ledger.sent(1, None) && ledger.sent(2, None));
    assert_eq!(ledger.arrivals(), (2, 0));
    assert_eq!(
        ledger.figures(us(0)),
        None,
        "no age without the sound's time"
    );
}

#[test]
fn a_changed_packet_is_counted_once_its_word_cannot_come_any_more() {
    let mut ledger = ledger(&[1, 2, 3, 4]);
    ledger.arrived(1, us(1));
    ledger.arrived(99, us(2));
    ledger.arrived(3, us(3));
    assert_eq!(ledger.arrivals(), (2, 0));
    ledger.arrived(4, us(2_000_003));
    assert_eq!(ledger.arrivals(), (3, 1));
    // From here on the server encodes again.
    for n in 0..300 {
        ledger.arrived(1000 + n, us(2_000_004 + 10_000 * n));
    }
    assert_eq!(ledger.arrivals(), (3, 1 + 99));
}

#[test]
fn what_comes_before_the_first_found_and_while_nobody_publishes_is_not_the_shows() {
    let mut ledger = ledger(&[1, 2, 3]);
    for n in 0..500 {
        ledger.arrived(77, us(n * 10_000));
    }
    ledger.arrived(1, us(6_000_000));
    ledger.arrived(77, us(6_010_000));
    ledger.interrupted();
    for n in 0..500 {
        ledger.arrived(77, us(7_000_000 + n * 10_000));
    }
    assert_eq!(ledger.arrivals(), (1, 0));
    ledger.arrived(3, us(13_000_000));
    ledger.arrived(98, us(13_000_001));
    ledger.sent(4, None);
    ledger.arrived(4, us(16_000_000));
    assert_eq!(ledger.arrivals(), (3, 1));
}

#[test]
fn digital_silence_is_found_in_order_but_has_no_age() {
    let mut ledger = ledger(&[5; 100]);
    for n in 0..100 {
        assert_eq!(ledger.arrived(5, us(2_000_000 + n)), Found::Same);
    }
    assert_eq!(ledger.arrived(5, us(2_000_200)), Found::Other);
    assert_eq!(ledger.arrivals(), (100, 0));
    assert_eq!(ledger.figures(us(0)), None);
}

#[test]
fn what_overtakes_is_found_and_what_comes_twice_is_not() {
    let mut ledger = ledger(&[1, 2, 3, 4]);
    for hash in [1, 3, 2] {
        assert_eq!(ledger.arrived(hash, us(hash)), Found::Same);
    }
    assert_eq!(ledger.arrived(2, us(9)), Found::Other);
    assert_eq!(ledger.arrived(4, us(3_000_000)), Found::Same);
    assert_eq!(ledger.arrivals(), (4, 1));
    // One can overtake the other before the publisher's word of both.
    assert_eq!(ledger.arrived(6, us(3_000_001)), Found::Other);
    assert_eq!(ledger.arrived(5, us(3_000_002)), Found::Other);
    assert!(ledger.sent(5, None) && ledger.sent(6, None));
    assert_eq!(ledger.arrivals(), (6, 1));
}

#[test]
fn nothing_grows_without_end() {
    let mut ledger = SoundLedger::new();
    for n in 0..10_000 {
        ledger.sent(n, Some(us(n)));
        ledger.arrived(n, us(n));
        ledger.arrived(1_000_000 + n, us(n));
    }
    assert_eq!(ledger.arrivals(), (10_000, 10_000 - WAITING as u64));
    assert!(ledger.sent.len() == KEPT && ledger.ages.len() == KEPT);
    let mut ledger = SoundLedger::new();
    for n in 0..10_000 {
        ledger.arrived(n, us(n));
    }
    assert_eq!(ledger.waiting.len(), WAITING);
    // Long forgotten: no panic, no match.
    for n in 10_000..20_000 {
        assert!(!ledger.sent(n, None));
    }
    assert_eq!(ledger.arrived(10_001, us(20_000)), Found::Other);
}

proptest! {
    /// Any loss on the way, words that come early or late, packets that are alike: nothing that
    /// arrives is ever held to be changed, and without loss every packet is found. With loss and packets
    /// that are alike the first found may be a later one: what came before it is not counted.
    #[test]
    fn what_passes_untouched_is_found(
        lost in proptest::collection::vec(any::<bool>(), 300),
        kinds in 1_u64..400,
        behind in 0_usize..20,
        lossless: bool,
    ) {
        let hashes: Vec<u64> = (0..300).map(|n| n % kinds).collect();
        let mut ledger = SoundLedger::new();
        let mut came = 0;
        for n in 0..hashes.len() + behind {
            if n < hashes.len() && (lossless || !lost[n]) {
                ledger.arrived(hashes[n], us(n as u64 * 10_000));
                came += 1;
            }
            if let Some(word) = n.checked_sub(behind) {
                ledger.sent(hashes[word], None);
            }
        }
        let (matched, unmatched) = ledger.arrivals();
        prop_assert_eq!(unmatched, 0);
        prop_assert!(matched <= came && matched + behind as u64 >= came, "{} of {}", matched, came);
        if lossless {
            prop_assert_eq!(matched, came);
        }
    }

    /// Changed packets among untouched ones: as many are counted as were changed.
    #[test]
    fn what_is_changed_is_counted(changed in proptest::collection::vec(any::<bool>(), 100)) {
        let mut ledger = SoundLedger::new();
        // The first and the last pass, so that all between are judged.
        let is_changed = |n: usize| changed[n] && n > 0 && n < 99;
        for n in 0..100_usize {
            ledger.sent(n as u64, None);
            let hash = if is_changed(n) { 1000 + n } else { n };
            ledger.arrived(hash as u64, us(n as u64 * 10_000));
        }
        let count = (0..100).filter(|n| is_changed(*n)).count() as u64;
        // What waits is judged in time.
        ledger.sent(500, None);
        ledger.arrived(500, us(10_000_000));
        prop_assert_eq!(ledger.arrivals(), (101 - count, count));
    }
}
