//! Whether the server holds each picture longer than was agreed, and what is done about it.
//!
//! The receiver of an SRT connection counts its latency from the connection's own beginning. MediaMTX's
//! library begins its clock when it handles the caller's second handshake packet, while the caller's
//! timestamps begin with its socket (gosrt 0.11.1, `connRequest.start`, `srtConn.ticker`): where the handshake
//! was slow, by a lost packet (a caller repeats it after 250 ms), a busy machine or a long way, each picture is
//! held so much longer for as long as the connection lives. Only another connection mends that. While a
//! connection is young it is made by itself, later the operator is told and decides.

use super::Outlet;
use crate::clock::MonoTime;
use crate::session::failure::{Failure, FailureKind};
use crate::session::link::LossKind;
use crate::session::show::Notice;
use crate::settings::Way;
use std::time::Duration;

/// So much of the newest arrivals is looked at: the quickest of them tells, so that a busy machine or a
/// burst of the network, which make some late, do not.
const LOOKED_AT: Duration = Duration::from_secs(2);
/// Beyond the agreed latency and two round trips (handshake, way there, probe's way back), it is held.
/// Measured without: 11 to 17 ms on loopback.
const BEYOND: Duration = Duration::from_millis(100);
/// From one look to the next.
const EVERY: Duration = Duration::from_millis(250);
/// A connection is young for so long after the stream came online.
const YOUNG: Duration = Duration::from_secs(20);
/// Connections made anew by itself, one after another; the network may be what it is.
const TRIES: u32 = 2;

/// What is known of the connection in force.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// When the stream came online over it.
    since: Option<MonoTime>,
    /// Connections made anew since one was as agreed.
    tries: u32,
    beyond: Option<Duration>,
    looked_at: MonoTime,
    /// Packets that the server had missed when that was last looked at, and when they were as many first.
    missed: (u64, MonoTime),
}

/// What was measured at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// The quickest picture of late from the publisher's pipe to the measuring viewer.
    pub way: Option<Duration>,
    /// SRT latency in force.
    pub agreed: Duration,
    /// Round trip, as far as known.
    pub round_trip: Duration,
    /// Packets that the server has missed so far.
    pub missed: u64,
}

impl Held {
    /// Another connection begins.
    pub(super) fn begins(&mut self) {
        self.since = None;
        self.beyond = None;
    }

    /// Whether it is time for a look: one goes through the newest frames.
    pub(super) fn is_due(&mut self, now: MonoTime) -> bool {
        let due = now.since(self.looked_at) >= EVERY;
        if due {
            self.looked_at = now;
        }
        due
    }

    /// How much longer than agreed each picture is held.
    pub(super) fn beyond(&self) -> Option<Duration> {
        self.beyond
    }

    /// Looks at what was measured while the stream is online; true where the connection is to be made anew.
    pub(super) fn look(&mut self, measured: &Measured, now: MonoTime) -> bool {
        let since = *self.since.get_or_insert(now);
        if measured.missed != self.missed.0 {
            self.missed = (measured.missed, now);
        }
        // What came before it was online, or while packets were missing, says nothing of the connection.
        let settled = now.since(since) > LOOKED_AT;
        let quiet = self.missed.0 == 0 || now.since(self.missed.1) > LOOKED_AT;
        let Some(way) = measured.way.filter(|_| settled) else {
            return false;
        };
        let expected = measured.agreed + measured.round_trip * 2;
        self.beyond = way.checked_sub(expected).filter(|more| *more > BEYOND);
        if self.beyond.is_none() {
            self.tries = 0;
            return false;
        }
        let anew = quiet && now.since(since) < YOUNG && self.tries < TRIES;
        self.tries += u32::from(anew);
        anew
    }
}

impl Outlet {
    /// The stream is online: whether the connection is as it was agreed; else what follows.
    pub(super) fn held(&mut self, now: MonoTime) -> Option<Notice> {
        if !self.held.is_due(now) {
            return None;
        }
        let over_srt = matches!(self.way(), Some(Way::SrtPush | Way::SrtPull));
        let network = self.network_now(now).filter(|_| over_srt)?;
        let agreed_ms = network.latency_ms?;
        let from = now - LOOKED_AT;
        let measured = Measured {
            way: self.means.relay.quickest_way(from),
            agreed: Duration::from_millis(agreed_ms),
            round_trip: Duration::from_secs_f64(network.rtt_ms.unwrap_or_default().max(0.0) / 1e3),
            missed: network.lost,
        };
        if !self.held.look(&measured, now) {
            return None;
        }
        let more = self.held.beyond()?.as_millis();
        let text = format!(
            "the server holds each picture {more} ms longer than the agreed {agreed_ms} ms, since the connection's beginning was slow; connecting again"
        );
        let failure = Failure::new(FailureKind::NoReceiver, text);
        Some(self.lost(failure, LossKind::Anew, now))
    }

    /// How much longer than agreed the server holds each picture, ms in tens, where it does.
    pub(super) fn held_beyond_ms(&self) -> Option<u32> {
        let tens = self.held.beyond()?.as_millis() / 10;
        u32::try_from(tens * 10).ok()
    }

    /// Connects anew, as the operator wishes; what is to be noticed of it.
    pub fn connect_again(&mut self, now: MonoTime) -> Option<Notice> {
        self.publisher.as_ref()?;
        let text = "the operator wishes another connection";
        let failure = Failure::new(FailureKind::NoReceiver, text);
        Some(self.lost(failure, LossKind::Anew, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(tenths: u64) -> MonoTime {
        MonoTime::from_micros(100_000 * (1000 + tenths))
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn measured(way_ms: u64) -> Measured {
        Measured {
            way: Some(ms(way_ms)),
            agreed: ms(120),
            round_trip: ms(1),
            missed: 0,
        }
    }

    /// When a connection is made anew, in tenths of a second from its beginning, in a minute of `way_ms`.
    fn anew_at(held: &mut Held, from: u64, measured: &Measured) -> Option<u64> {
        held.begins();
        (0..600).find(|tenth| held.look(measured, s(from + tenth)))
    }

    #[test]
    fn a_young_connection_that_is_held_is_made_anew_twice_and_then_told() {
        let mut held = Held::default();
        let at = anew_at(&mut held, 0, &measured(380)).unwrap();
        assert!((20..25).contains(&at), "{at}");
        assert!(anew_at(&mut held, 100, &measured(380)).is_some());
        assert_eq!(anew_at(&mut held, 200, &measured(380)), None);
        assert_eq!(held.beyond(), Some(ms(258)));
        assert_eq!(anew_at(&mut held, 1000, &measured(137)), None);
        assert_eq!(held.beyond(), None);
        assert!(
            anew_at(&mut held, 2000, &measured(380)).is_some(),
            "one was as agreed"
        );
    }

    #[test]
    fn an_old_one_is_only_told() {
        let mut held = Held::default();
        assert_eq!(anew_at(&mut held, 0, &measured(137)), None);
        // The same connection, a minute later.
        for tenth in 600..900 {
            assert!(!held.look(&measured(500), s(tenth)));
        }
        assert_eq!(held.beyond(), Some(ms(378)));
    }

    #[test]
    fn a_long_way_is_as_agreed_and_a_lossy_one_is_left_alone() {
        let far = Measured {
            way: Some(ms(120 + 2 * 150 + 50)),
            round_trip: ms(150),
            ..measured(0)
        };
        assert_eq!(anew_at(&mut Held::default(), 0, &far), None);
        let mut held = Held::default();
        held.begins();
        for tenth in 0..600 {
            let lossy = Measured {
                missed: tenth,
                ..measured(700)
            };
            assert!(!held.look(&lossy, s(tenth)), "a narrow network: {tenth}");
        }
        assert!(held.beyond().is_some(), "and yet it is told");
    }

    #[test]
    fn without_arrivals_nothing_is_said() {
        let none = Measured {
            way: None,
            ..measured(0)
        };
        let mut held = Held::default();
        assert_eq!(anew_at(&mut held, 0, &none), None);
        assert_eq!(held.beyond(), None);
    }
}
