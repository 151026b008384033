//! Is what the console says true? The world knows who really publishes and what really arrives; the
//! state, the confirmation and the lamp are held against it.

use super::checks::bound;
use super::clock::ms;
use super::encoder;
use super::outside;
use super::publisher::Phase;
use super::run::Mutation;
use super::server::Api;
use super::world::World;
use pd_console::clock::MonoTime;
use pd_console::latency::ledger::STAGES;
use pd_console::session::snapshot::{Confirmation, State, Tally};
use std::time::Duration;

/// LIVE may outlast the server's showing the stream by so much where its API answers at once: three
/// answers (`session::outlet::OFFLINE_IS_LOST`), the question's turn, ours.
const LIE_WITH_API: Duration = ms(2_500);
/// The same where nobody tells: a TCP connection's timeout, which is the longest way to notice.
const LIE_WITHOUT: Duration = ms(13_000);
/// A publisher that has ended is noticed in a turn, and the server asked for why for 0.7 s.
const DEAD_IS_SEEN: Duration = ms(1_500);
/// At rest everything of the show has ended by then.
const ALL_ENDED: Duration = ms(1_500);

/// What was really so, and when.
#[derive(Debug, Default)]
pub struct Truth {
    /// The server showed the stream of the publisher in use.
    shown_at: MonoTime,
    /// The server had its connection: who is thrown out within one question's time was there.
    had_at: MonoTime,
    /// A publisher in use was alive.
    alive_at: MonoTime,
    /// The API answered at once and honestly since.
    honest_since: Option<MonoTime>,
    /// A picture arrived.
    arrived_at: Option<MonoTime>,
    /// At rest since.
    rest_since: Option<MonoTime>,
    /// Time jumped: nobody can have noticed anything before.
    jumped_at: MonoTime,
}

impl Truth {
    /// A picture arrived at the viewer.
    pub fn arrived(&mut self, now: MonoTime) {
        self.arrived_at = Some(now);
    }

    /// Time has jumped to `now`.
    pub fn jumped(&mut self, now: MonoTime) {
        self.jumped_at = now;
        if let Some(since) = &mut self.rest_since {
            *since = now;
        }
    }
}

impl World {
    /// After each turn of the session.
    pub(super) fn look(&mut self, before: &State, now: MonoTime) {
        let state = self.console.machine.state().clone();
        let current = self.outside.current();
        let current = current.map(|child| {
            let child = outside::lock(&child);
            (child.id, child.phase != Phase::Dead, child.sends)
        });
        let (shows, has, shown_then, honest) = {
            let outside = self.outside.lock();
            let shows = current.is_some_and(|(id, ..)| outside.server.shows(id, now));
            let connection = outside.server.connection.as_ref();
            let has = connection.is_some_and(|c| c.publisher == current.map(|c| c.0));
            let honest = outside.server.api == Api::Quick && outside.server.is_reachable();
            (shows, has && current.is_some(), outside.shown_then, honest)
        };
        let truth = &mut self.truth;
        if shows {
            truth.shown_at = now;
        }
        if has {
            truth.had_at = now;
        }
        if current.is_some_and(|(_, alive, _)| alive) {
            truth.alive_at = now;
        }
        truth.honest_since = if honest {
            truth.honest_since.or(Some(now))
        } else {
            None
        };
        let checks = &mut self.checks;
        let live = state == State::Live;
        let settled = now.since(truth.jumped_at) > ms(4_000);
        if live && before != &State::Live {
            let confirmation = self.console.machine.confirmation();
            let is_true = match confirmation {
                Confirmation::Online => {
                    let shown = shown_then.is_some() && shown_then == current.map(|c| c.0);
                    shown || now.since(truth.had_at) <= ms(600)
                }
                Confirmation::Handshake => current.is_some_and(|(_, _, sends)| sends),
                Confirmation::None => false,
            };
            if confirmation == Confirmation::Handshake {
                // It begins to show what it has accepted.
                truth.shown_at = now;
            }
            checks.hold(is_true, || {
                format!(
                    "LIVE ({confirmation:?}), and the server showed {shown_then:?} of {current:?}"
                )
            });
        }
        if live && settled {
            let gone = now.since(truth.shown_at);
            let told = truth
                .honest_since
                .is_some_and(|since| now.since(since) > LIE_WITH_API);
            let most = if told { LIE_WITH_API } else { LIE_WITHOUT };
            checks.hold(gone <= most, || {
                format!("LIVE, and the server has not shown the stream for {gone:?} (told: {told})")
            });
            let dead = now.since(truth.alive_at);
            checks.hold(dead <= DEAD_IS_SEEN, || {
                format!("LIVE, and the publisher ended {dead:?} ago")
            });
        }
        self.nothing_left(&state, now);
    }

    /// Nothing left running: at rest no child, no watch, no pump that feeds.
    fn nothing_left(&mut self, state: &State, now: MonoTime) {
        if !state.is_at_rest() {
            self.truth.rest_since = None;
            return;
        }
        let since = *self.truth.rest_since.get_or_insert(now);
        if now.since(since) < ALL_ENDED {
            return;
        }
        let (encoders, publishers, watching) = {
            let outside = self.outside.lock();
            let living = |child: &&std::sync::Arc<std::sync::Mutex<super::publisher::Child>>| {
                outside::lock(child).phase != Phase::Dead
            };
            let publishers = outside.publishers.iter().filter(living).count();
            (outside.encoders.len(), publishers, outside.watching)
        };
        let feeding = self.control.is_feeding();
        self.checks.hold(encoders + publishers + watching == 0 && !feeding, || {
            format!(
                "at rest run {encoders} encoders, {publishers} publishers, {watching} watches; fed: {feeding}"
            )
        });
    }

    /// Five times a second: the snapshot, what is held, the ledger.
    pub(super) fn look_slowly(&mut self, now: MonoTime) {
        let drops = self.slot.overwritten();
        let brightest = self.control.brightest();
        self.console
            .publish(drops, brightest, now, &mut self.checks);
        if self.is_live() {
            self.tally.live_s += 0.2;
        }
        // The lamp: seen is what has arrived within two seconds.
        let arrived = self.truth.arrived_at;
        let seen = self.console.snapshot.tally == Tally::Seen;
        let awake = self.checks.awake_for(ms(2_400));
        self.checks.hold(
            !seen || arrived.is_some_and(|at| now.since(at) <= ms(2_400)) || !awake,
            || format!("the lamp says seen, the last picture came at {arrived:?}"),
        );
        self.held();
        self.ledger(now);
    }

    /// No unbounded memory: every queue within its bound.
    fn held(&mut self) {
        let outside = self.outside.lock();
        let checks = &mut self.checks;
        checks.at_most(
            "children",
            outside.encoders.len() + outside.publishers.len(),
            bound::CHILDREN,
        );
        for child in &outside.encoders {
            let (waiting, inside) = encoder::lock(child).queues();
            checks.at_most("frames in a mailbox", waiting, bound::MAILBOX);
            checks.at_most("frames in an encoder", inside, bound::IN_ENCODER);
        }
        for child in &outside.publishers {
            let child = outside::lock(child);
            checks.at_most("units in a sink", child.waiting(), bound::SINK);
            checks.at_most("bytes in a publisher", child.held_bytes(), bound::PUBLISHER);
        }
        drop(outside);
        if let Some(show) = &self.console.show {
            checks.at_most(
                "units held for a cut-over",
                show.relay().held(),
                bound::HELD,
            );
        }
        checks.at_most("events due", self.agenda.len(), 1_000);
    }

    /// Times monotonic, ledger: a frame's stages come in their order.
    fn ledger(&mut self, now: MonoTime) {
        let Some(show) = &self.console.show else {
            return;
        };
        let rows = show.relay().trace(&mut self.tracer, now, false);
        for mut row in rows {
            if self.mutation == Mutation::StageOrder && row.frame == 400 {
                row.at[5] = Some(row.captured_at - ms(1));
            }
            let at = row.at;
            let in_order = |a: usize, b: usize| at[a].zip(at[b]).is_none_or(|(a, b)| a <= b);
            let captured = at.iter().flatten().all(|at| *at >= row.captured_at);
            // The word of a write may come behind that of what it leads to: written and sent are held
            // against what is before them only.
            let order = [(0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (4, 6)];
            let holds = captured && order.iter().all(|(a, b)| in_order(*a, *b));
            self.checks.hold(holds, || {
                let told = STAGES.iter().zip(at);
                let told: Vec<_> = told
                    .map(|(stage, at)| (stage.name(), at.map(|at| at.as_micros())))
                    .collect();
                let captured_at = row.captured_at.as_micros();
                format!("frame {} captured at {captured_at}: {told:?}", row.frame)
            });
        }
    }

    /// Nothing has been wrong for half a minute: the show is on air, whatever was before.
    pub(super) fn look_in_quiet(&mut self, now: MonoTime) {
        self.after(ms(500), super::clock::Event::Quiet);
        if self.lasting.is_empty() && now.since(self.quiet_since) > super::breaking::RECOVERS_IN {
            let state = self.console.machine.state().clone();
            let fresh = self.console.show.as_ref().is_some_and(|show| {
                let unit = show.relay().last_unit();
                unit.is_some_and(|at| now.since(at) < ms(1_500))
            });
            let arrives = self
                .truth
                .arrived_at
                .is_some_and(|at| now.since(at) < ms(1_500));
            let online = self.console.machine.confirmation() == Confirmation::Online;
            let probing = self.outside.lock().probing;
            self.checks.hold(online && fresh && (arrives || !probing), || {
                format!(
                    "nothing is wrong for {:?}, and the show is {state:?}, online {online}, units {fresh}, \
                     arrivals {arrives}: {}",
                    super::breaking::RECOVERS_IN,
                    self.console.machine.link().cause()
                )
            });
        }
    }
}
