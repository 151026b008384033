//! Tests of the state machine.

use super::*;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn lost(hopeless: bool) -> Event {
    Event::PublisherLost(Loss {
        kind: if hopeless {
            LossKind::Refused
        } else {
            LossKind::Broke
        },
        ..Loss::broke("nobody answers")
    })
}

fn live() -> Machine {
    let mut machine = Machine::default();
    assert_eq!(machine.on(Event::GoLive, at(0)), Some(Effect::Preflight));
    assert_eq!(
        machine.on(Event::PreflightDone, at(100)),
        Some(Effect::Start)
    );
    assert_eq!(machine.state(), &State::Starting);
    assert_eq!(
        machine.on(Event::Confirmed(Confirmation::Online), at(900)),
        None
    );
    assert_eq!(machine.state(), &State::Live);
    machine
}

#[test]
fn live_only_after_the_receivers_word() {
    let machine = live();
    assert_eq!(machine.live_since(), Some(at(900)));
    assert_eq!(machine.confirmation(), Confirmation::Online);
}

#[test]
fn the_next_way_is_taken_at_once_and_fails_no_show_that_was_never_live() {
    let next_way = || {
        Event::PublisherLost(Loss {
            kind: LossKind::NextWay,
            ..Loss::broke("RTSP does not work here")
        })
    };
    let policy = Policy {
        fail_before_live: true,
    };
    let mut machine = Machine::new(policy, 0);
    machine.on(Event::GoLive, at(0));
    machine.on(Event::PreflightDone, at(100));
    assert_eq!(machine.on(next_way(), at(700)), Some(Effect::EndPublisher));
    assert_eq!(machine.state(), &State::Starting);
    assert_eq!(
        machine.on(Event::Tick, at(701)),
        Some(Effect::StartPublisher)
    );
    // The last way's failure is the show's.
    assert_eq!(machine.on(lost(false), at(900)), Some(Effect::EndAll));
    let mut machine = live();
    assert_eq!(machine.on(next_way(), at(9000)), Some(Effect::EndPublisher));
    assert_eq!(machine.state(), &State::Reconnecting { attempt: 1 });
    assert_eq!(
        machine.on(Event::Tick, at(9050)),
        Some(Effect::StartPublisher)
    );
}

#[test]
fn b18_a_lost_connection_is_tried_again_in_steps_until_stop() {
    let mut machine = live();
    let mut now = 10_000;
    let mut waits = Vec::new();
    for attempt in 1..8 {
        assert_eq!(machine.on(lost(false), at(now)), Some(Effect::EndPublisher));
        assert_eq!(machine.state(), &State::Reconnecting { attempt });
        let begun = now;
        while machine.on(Event::Tick, at(now)) != Some(Effect::StartPublisher) {
            now += 100;
        }
        waits.push(now - begun);
    }
    for (waited, step) in waits.iter().zip([500, 1000, 2000, 3000, 4000, 4000, 4000]) {
        assert!((step..=step * 5 / 4 + 100).contains(waited), "{waits:?}");
    }
    machine.on(Event::Confirmed(Confirmation::Online), at(now));
    assert_eq!(machine.state(), &State::Live);
    assert_eq!(
        machine.live_since(),
        Some(at(900)),
        "the show's time goes on"
    );
    now += 5_000;
    assert_eq!(machine.on(lost(false), at(now)), Some(Effect::EndPublisher));
    assert_eq!(machine.state(), &State::Reconnecting { attempt: 1 });
    assert_eq!(machine.on(Event::Stop, at(now)), Some(Effect::EndAll));
    assert_eq!(
        machine.on(Event::Tick, at(now + 60_000)),
        None,
        "no try after Stop"
    );
    machine.on(Event::Stopped, at(now));
    assert_eq!(machine.state(), &State::Idle);
}

#[test]
fn a_refusal_before_live_fails_and_says_why() {
    let mut machine = Machine::default();
    machine.on(Event::GoLive, at(0));
    machine.on(Event::PreflightDone, at(1));
    assert_eq!(machine.on(lost(true), at(2)), Some(Effect::EndAll));
    assert_eq!(machine.state(), &State::Stopping);
    machine.on(Event::Stopped, at(3));
    assert_eq!(
        machine.state(),
        &State::Failed {
            message: "nobody answers".into()
        }
    );
    assert_eq!(machine.on(Event::GoLive, at(4)), Some(Effect::Preflight));
}

#[test]
fn a_refusal_in_a_running_show_is_tried_again() {
    let mut machine = live();
    assert_eq!(machine.on(lost(true), at(5000)), Some(Effect::EndPublisher));
}

#[test]
fn without_a_window_nothing_listening_fails_at_once() {
    let policy = Policy {
        fail_before_live: true,
    };
    let mut machine = Machine::new(policy, 0);
    machine.on(Event::GoLive, at(0));
    machine.on(Event::PreflightDone, at(1));
    assert_eq!(machine.on(lost(false), at(2)), Some(Effect::EndAll));
}

#[test]
fn a_stream_that_never_shows_is_a_loss() {
    let mut machine = Machine::default();
    machine.on(Event::GoLive, at(0));
    machine.on(Event::PreflightDone, at(0));
    assert_eq!(machine.on(Event::Tick, at(9_999)), None);
    assert_eq!(
        machine.on(Event::Tick, at(10_001)),
        Some(Effect::EndPublisher)
    );
}

#[test]
fn stop_during_preflight_waits_for_no_preflight() {
    let mut machine = Machine::default();
    machine.on(Event::GoLive, at(0));
    assert_eq!(machine.on(Event::Stop, at(1)), Some(Effect::EndAll));
    assert_eq!(machine.on(Event::PreflightDone, at(2)), None, "a late word");
    machine.on(Event::Stopped, at(3));
    assert_eq!(machine.state(), &State::Idle);
}

/// B27: the machine sleeps in whatever state. No show ends by it, none begins, and after it there is at
/// most one new connection.
#[test]
fn b27_a_standstill_ends_no_show_in_any_state() {
    let woken = |machine: &mut Machine| {
        let hours = 2 * 3600 * 1000;
        let loss = Loss {
            kind: LossKind::Anew,
            ..Loss::broke("stood still")
        };
        let effects = [
            machine.on(Event::PublisherLost(loss), at(hours)),
            machine.on(Event::Tick, at(hours + 10)),
            machine.on(Event::Tick, at(hours + 600)),
            machine.on(Event::Tick, at(hours + 1_200)),
        ];
        let started = effects
            .iter()
            .filter(|e| **e == Some(Effect::StartPublisher));
        (started.count(), machine.state().clone())
    };
    let mut idle = Machine::default();
    assert_eq!(woken(&mut idle), (0, State::Idle));
    let mut preflight = Machine::default();
    preflight.on(Event::GoLive, at(0));
    assert_eq!(woken(&mut preflight), (0, State::Preflight));
    // Nobody has seen it: its publisher is started anew.
    let mut starting = Machine::default();
    starting.on(Event::GoLive, at(0));
    starting.on(Event::PreflightDone, at(100));
    let (started, state) = woken(&mut starting);
    assert_eq!(started, 1);
    assert!(
        matches!(state, State::Starting | State::Reconnecting { .. }),
        "{state:?}"
    );
    let mut live = live();
    let (started, state) = woken(&mut live);
    assert_eq!(started, 1);
    assert!(matches!(state, State::Reconnecting { .. }), "{state:?}");
    assert!(live.live_since().is_some());
    let mut reconnecting = self::live();
    reconnecting.on(lost(false), at(2_000));
    let (started, state) = woken(&mut reconnecting);
    assert_eq!(started, 1);
    assert!(matches!(state, State::Reconnecting { .. }), "{state:?}");
    let mut stopping = self::live();
    stopping.on(Event::Stop, at(3_000));
    assert_eq!(woken(&mut stopping), (0, State::Stopping));
    assert_eq!(stopping.on(Event::Stopped, at(8_000_000)), None);
    assert_eq!(stopping.state(), &State::Idle);
}
