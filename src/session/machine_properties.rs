//! What holds of the state machine whatever happens: properties, and the ways between its states.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_micros(ms * 1000)
}

fn any_loss() -> impl Strategy<Value = Event> {
    use LossKind::{Anew, Broke, NextWay, Refused, Restart, Taken};
    let kind = prop_oneof![
        Just(Broke),
        Just(Restart),
        Just(Anew),
        Just(Refused),
        Just(NextWay),
        Just(Taken)
    ];
    (kind, proptest::option::of(0_u64..100_000)).prop_map(|(kind, last_good)| {
        Event::PublisherLost(Loss {
            kind,
            last_good: last_good.map(at),
            ..Loss::broke("it broke")
        })
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::GoLive),
        1 => Just(Event::Stop),
        1 => Just(Event::Dismiss),
        3 => Just(Event::PreflightDone),
        1 => Just(Event::PreflightFailed("x".into())),
        3 => Just(Event::Confirmed(Confirmation::Online)),
        1 => Just(Event::Confirmed(Confirmation::Handshake)),
        1 => Just(Event::Confirmed(Confirmation::None)),
        4 => any_loss(),
        1 => Just(Event::Fatal("x".into())),
        2 => Just(Event::Stopped),
        2 => Just(Event::PublisherStarted),
        1 => any::<bool>().prop_map(Event::Knocked),
        1 => Just(Event::PathFree),
        6 => Just(Event::Tick),
    ]
}

fn any_events() -> impl Strategy<Value = Vec<(Event, u64)>> {
    proptest::collection::vec((any_event(), 0_u64..4000), 0..200)
}

/// A machine, the time, and what its effects have left running.
struct Run {
    machine: Machine,
    now: u64,
    running: bool,
    publisher: bool,
    /// The receiver's word on the publisher that runs.
    confirmed: bool,
    first_live: Option<u64>,
}

impl Run {
    fn new(fail_before_live: bool, seed: u64) -> Self {
        Self {
            machine: Machine::new(Policy { fail_before_live }, seed),
            now: 0,
            running: false,
            publisher: false,
            confirmed: false,
            first_live: None,
        }
    }

    /// One event; effects pair up.
    fn on(&mut self, event: Event, later: u64) -> Result<Option<Effect>, TestCaseError> {
        self.now += later;
        // The runtime says Stopped only after EndAll.
        if event == Event::Stopped && self.machine.state() != &State::Stopping {
            return Ok(None);
        }
        let word = matches!(&event, Event::Confirmed(sure) if *sure != Confirmation::None);
        self.confirmed |= word && self.publisher;
        let effect = self.machine.on(event, at(self.now));
        match effect {
            Some(Effect::Start) => {
                prop_assert!(!self.running);
                (self.running, self.publisher, self.confirmed) = (true, true, false);
            }
            Some(Effect::StartPublisher) => {
                prop_assert!(self.running && !self.publisher);
                (self.publisher, self.confirmed) = (true, false);
            }
            Some(Effect::EndPublisher) => {
                prop_assert!(self.running && self.publisher);
                (self.publisher, self.confirmed) = (false, false);
            }
            Some(Effect::EndAll) => {
                (self.running, self.publisher, self.confirmed) = (false, false, false);
            }
            Some(Effect::Preflight) => {
                prop_assert!(!self.running);
                self.first_live = None;
            }
            None => {}
        }
        if self.machine.state() == &State::Live {
            self.first_live.get_or_insert(self.now);
        }
        Ok(effect)
    }

    /// What holds in every state.
    fn check(&self) -> Result<(), TestCaseError> {
        let (machine, state) = (&self.machine, self.machine.state());
        let live = state == &State::Live;
        prop_assert!(!live || self.confirmed, "LIVE without the receiver's word");
        prop_assert_eq!(live, machine.confirmation() != Confirmation::None);
        prop_assert_eq!(
            self.publisher,
            self.running && !machine.link().is_waiting(),
            "{:?}",
            state
        );
        match state {
            State::Idle | State::Failed { .. } | State::Stopping | State::Preflight => {
                prop_assert!(!self.running);
            }
            State::Starting | State::Live => prop_assert!(self.running),
            State::Reconnecting { attempt } => {
                prop_assert!(self.running && *attempt >= 1);
                prop_assert_eq!(*attempt, machine.link().attempt());
            }
        }
        match state {
            State::Live | State::Reconnecting { .. } => {
                // The show's time begins with the first LIVE and is never set back.
                prop_assert_eq!(machine.live_since(), self.first_live.map(at));
            }
            State::Idle | State::Failed { .. } | State::Preflight => {
                prop_assert_eq!(machine.live_since(), None);
            }
            State::Starting | State::Stopping => {}
        }
        Ok(())
    }
}

/// Four tries without a call, each after the longest wait, and a try whose publisher never shows.
const TRIED_WITHIN_MS: u64 = 4 * 5_000 + 10_001 + 500;

proptest! {
    /// Whatever happens in whatever order: LIVE only with a confirmation of the publisher that runs; a
    /// publisher is never started while one runs; Stop leads to Idle with nothing running; effects
    /// pair up.
    #[test]
    fn any_events_in_any_order(events in any_events(), fails: bool, seed: u64) {
        let mut run = Run::new(fails, seed);
        for (event, later) in events {
            run.on(event, later)?;
            run.check()?;
        }
        let running = run.running;
        let state = run.machine.state().clone();
        let effect = run.on(Event::Stop, 0)?;
        let ends = matches!(state, State::Preflight) || running;
        prop_assert_eq!(effect, ends.then_some(Effect::EndAll), "Stop in {:?}", state);
        run.on(Event::Stopped, 0)?;
        // A failure under way is still told.
        run.on(Event::Dismiss, 0)?;
        prop_assert_eq!(run.machine.state(), &State::Idle);
        prop_assert_eq!(run.on(Event::GoLive, 0)?, Some(Effect::Preflight), "and again");
    }

    /// While it runs and nobody stops it, it tries on for ever: whatever came before and however often
    /// it is lost again, time alone brings the next try (or the word that the path is free, where
    /// another has it).
    #[test]
    fn tries_never_stop_by_themselves(
        events in any_events(), seed: u64,
        losses in proptest::collection::vec((any_loss(), proptest::option::of(any::<bool>())), 1..12),
        step in 20_u64..1000,
    ) {
        let mut run = Run::new(false, seed);
        run.on(Event::GoLive, 0)?;
        run.on(Event::PreflightDone, 0)?;
        run.on(Event::Confirmed(Confirmation::Online), 0)?;
        for (event, later) in events {
            let ends = matches!(event, Event::Stop | Event::Fatal(_));
            if !ends {
                run.on(event, later)?;
            }
        }
        for (loss, knock) in losses {
            if let Some(answers) = knock {
                run.on(Event::Knocked(answers), 0)?;
            }
            run.on(loss, 0)?;
            if !run.publisher {
                let since = run.now;
                while run.on(Event::Tick, step)? != Some(Effect::StartPublisher) {
                    run.check()?;
                    if run.machine.link().waits_for_path() {
                        run.on(Event::PathFree, 0)?;
                    }
                    prop_assert!(run.now - since <= TRIED_WITHIN_MS + step, "no try");
                }
                run.check()?;
            }
        }
    }

    /// A try follows a loss after half a second at least, whatever calls for it sooner: no storm.
    #[test]
    fn starts_are_half_a_second_apart(events in any_events(), seed: u64) {
        let mut run = Run::new(false, seed);
        let mut last = None;
        for (event, later) in events {
            let effect = run.on(event, later)?;
            match effect {
                Some(Effect::Start | Effect::Preflight) => last = None,
                Some(Effect::StartPublisher) => {
                    if let Some(last) = last.replace(run.now) {
                        prop_assert!(run.now - last >= 500, "{} ms", run.now - last);
                    }
                }
                _ => {}
            }
        }
    }

    /// Without a window a show that was never live fails; only another way into the server is tried first.
    #[test]
    fn without_a_window_a_first_loss_ends_it(events in any_events(), seed: u64) {
        let mut run = Run::new(true, seed);
        for (event, later) in events {
            let never_live = run.first_live.is_none();
            run.on(event, later)?;
            if let State::Reconnecting { .. } = run.machine.state() {
                prop_assert!(!never_live || run.machine.live_since().is_some() || gave_no_picture(&run));
            }
        }
    }
}

/// The one loss that is the machine's own finding: the connection stands and nothing is shown.
fn gave_no_picture(run: &Run) -> bool {
    run.machine
        .link()
        .cause()
        .contains("does not show the stream")
}

/// Every state is reached, every state has a way out, and the ways are these and no others.
#[test]
fn the_states_and_the_ways_between_them() {
    fn name(state: &State) -> &'static str {
        match state {
            State::Idle => "idle",
            State::Preflight => "preflight",
            State::Starting => "starting",
            State::Live => "live",
            State::Reconnecting { .. } => "reconnecting",
            State::Stopping => "stopping",
            State::Failed { .. } => "failed",
        }
    }
    let kinds = [
        LossKind::Broke,
        LossKind::Restart,
        LossKind::Anew,
        LossKind::Refused,
        LossKind::NextWay,
        LossKind::Taken,
    ];
    let mut events = vec![
        Event::GoLive,
        Event::Stop,
        Event::Dismiss,
        Event::PreflightDone,
        Event::PreflightFailed("x".into()),
        Event::Confirmed(Confirmation::Online),
        Event::Confirmed(Confirmation::None),
        Event::PublisherStarted,
        Event::Knocked(true),
        Event::PathFree,
        Event::Fatal("x".into()),
        Event::Stopped,
        Event::Tick,
    ];
    events.extend(kinds.map(|kind| {
        let loss = Loss::broke("x");
        Event::PublisherLost(Loss { kind, ..loss })
    }));
    let mut dice = fastrand::Rng::with_seed(1);
    let mut ways = std::collections::BTreeSet::new();
    for walk in 0..3000 {
        let policy = Policy {
            fail_before_live: walk % 3 == 0,
        };
        let mut machine = Machine::new(policy, walk);
        let mut now = 0;
        for _ in 0..40 {
            let event = events[dice.usize(..events.len())].clone();
            now += dice.u64(..12_000);
            let from = name(machine.state());
            machine.on(event, at(now));
            let to = name(machine.state());
            if from != to {
                ways.insert(format!("{from} > {to}"));
            }
        }
    }
    let expected = [
        "failed > idle",
        "failed > preflight",
        "idle > preflight",
        "live > reconnecting",
        "live > stopping",
        "preflight > starting",
        "preflight > stopping",
        "reconnecting > live",
        // Never live, and there is another way to try.
        "reconnecting > starting",
        "reconnecting > stopping",
        "starting > live",
        "starting > reconnecting",
        "starting > stopping",
        "stopping > failed",
        "stopping > idle",
    ];
    assert_eq!(ways.into_iter().collect::<Vec<_>>(), expected);
}
