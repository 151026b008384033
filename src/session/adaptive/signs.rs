//! What the server's figures of the last second say about the network. Pure; time is passed in.
//!
//! Keeps the looks of one second and the least round trip of the last minute; what is older is
//! dropped. Counters that go back (a new connection) begin anew and are no loss.

use crate::clock::MonoTime;
use crate::session::snapshot::NetworkFigures;
use std::collections::VecDeque;
use std::time::Duration;

/// Shares are taken over so much.
const WINDOW: Duration = Duration::from_millis(1000);
/// No share before so much of it is there.
pub const ENOUGH: Duration = Duration::from_millis(600);
/// Of the window, for the rate at which packets come now.
const HALF: Duration = Duration::from_millis(400);
/// The usual round trip is the least of so many times so long.
const USUAL_PARTS: usize = 6;
const USUAL_PART: Duration = Duration::from_secs(10);

/// One look at the network's counters.
#[derive(Clone, Copy, Debug)]
struct Counted {
    at: MonoTime,
    figures: NetworkFigures,
    network_drops: u64,
    encoder_drops: u64,
}

/// What a second of figures says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// Seconds looked at.
    pub seconds: f64,
    /// Round trip of the newest look, ms.
    pub rtt_ms: Option<f64>,
    /// Round trip of the oldest look of the window, ms.
    pub rtt_before_ms: Option<f64>,
    /// The least of the last minute, ms.
    pub usual_rtt_ms: Option<f64>,
    /// Receive latency in force, ms.
    pub latency_ms: Option<u64>,
    /// What waits at the server, ms.
    pub buffer_ms: Option<f64>,
    /// The server counts packets, and none came within the window.
    pub nothing_came: bool,
    /// Packets that came in the window's last half second, against those in as long before; None
    /// where the window is too short.
    pub slowed: Option<f64>,
    /// The counters' part, where there are looks enough.
    pub shares: Option<Shares>,
    /// Pictures that the publisher did not take within the window.
    pub network_drops: u64,
    /// Pictures that the encoder did not take within the window.
    pub encoder_drops: u64,
}

/// Shares of the packets sent within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// Packets sent, as the server can know.
    pub sent: u64,
    /// Packets missing at first, 0..=1.
    pub lost: f64,
    /// Packets missing for good, 0..=1.
    pub holes: f64,
    /// Packets that came, those that came again included, of those sent: below 1 the link is full.
    pub carried: f64,
}

/// The looks of the last second.
#[derive(Clone, Debug, Default)]
pub struct Window {
    looks: VecDeque<Counted>,
    /// Kept when the looks are forgotten: counters that go back are seen in any case.
    newest: Option<Counted>,
    /// Least round trips, newest part last.
    least_rtt: VecDeque<(MonoTime, f64)>,
}

/// What a look told about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It goes on.
    Same,
    /// The counters began anew: another connection.
    NewConnection,
}

impl Window {
    /// Takes a look.
    pub fn take(
        &mut self,
        at: MonoTime,
        figures: NetworkFigures,
        network_drops: u64,
        encoder_drops: u64,
    ) -> Taken {
        let mut taken = Taken::Same;
        if let Some(last) = &self.newest {
            let (was, is) = (&last.figures, &figures);
            // `given_up` may fall a little: a packet given up as lost can still come.
            if is.lost < was.lost
                || is.retransmitted < was.retransmitted
                || is.received < was.received
                || network_drops < last.network_drops
            {
                *self = Self::default();
                taken = Taken::NewConnection;
            }
        }
        let counted = Counted {
            at,
            figures,
            network_drops,
            encoder_drops,
        };
        self.newest = Some(counted);
        self.looks.push_back(counted);
        // One look stays that is as old as the window.
        while self.looks.len() > 2 && at.since(self.looks[1].at) >= WINDOW {
            self.looks.pop_front();
        }
        if let Some(rtt_ms) = figures.rtt_ms.filter(|rtt| rtt.is_finite()) {
            self.note_rtt(at, rtt_ms);
        }
        taken
    }

    /// Whether these figures were taken before, and not long ago: the same answer of the server, and
    /// no second look at the network.
    pub fn has(&self, figures: &NetworkFigures, now: MonoTime) -> bool {
        self.newest
            .is_some_and(|newest| newest.figures == *figures && now.since(newest.at) < ENOUGH)
    }

    /// Forgets the looks, not the usual round trip: what comes now has another bitrate.
    pub fn begin(&mut self) {
        self.looks.clear();
    }

    /// Takes this round trip for the usual one.
    pub fn usual_is(&mut self, at: MonoTime, rtt_ms: f64) {
        self.least_rtt.clear();
        self.least_rtt.push_back((at, rtt_ms));
    }

    /// What the looks say; None where there is none.
    pub fn signs(&self) -> Option<Signs> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let span = last.at.since(first.at);
        let grown = |of: fn(&Counted) -> u64| of(last).saturating_sub(of(first));
        Some(Signs {
            seconds: span.as_secs_f64(),
            rtt_ms: last.figures.rtt_ms,
            rtt_before_ms: first.figures.rtt_ms,
            usual_rtt_ms: self.least_rtt.iter().map(|(_, rtt)| *rtt).reduce(f64::min),
            latency_ms: last.figures.latency_ms,
            buffer_ms: last.figures.buffer_ms,
            nothing_came: span >= ENOUGH
                && last.figures.received.is_some()
                && last.figures.received == first.figures.received,
            slowed: self.slowed(),
            shares: (span >= ENOUGH)
                .then(|| shares(&first.figures, &last.figures))
                .flatten(),
            network_drops: grown(|look| look.network_drops),
            encoder_drops: grown(|look| look.encoder_drops),
        })
    }

    fn slowed(&self) -> Option<f64> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let mut back = self.looks.iter().rev();
        let middle = back.find(|look| last.at.since(look.at) >= HALF)?;
        let rate = |from: &Counted, to: &Counted| {
            let came = to.figures.received?.checked_sub(from.figures.received?)?;
            let span = to.at.since(from.at);
            (span >= HALF && came > 0).then(|| came as f64 / span.as_secs_f64())
        };
        Some(rate(middle, last)? / rate(first, middle)?)
    }

    fn note_rtt(&mut self, at: MonoTime, rtt_ms: f64) {
        match self.least_rtt.back_mut() {
            Some((since, least)) if at.since(*since) < USUAL_PART => *least = least.min(rtt_ms),
            _ => self.least_rtt.push_back((at, rtt_ms)),
        }
        while self.least_rtt.len() > USUAL_PARTS {
            self.least_rtt.pop_front();
        }
    }
}

/// None where the server does not count what came, or nothing was sent.
fn shares(first: &NetworkFigures, last: &NetworkFigures) -> Option<Shares> {
    let received = last.received?.saturating_sub(first.received?);
    let lost = last.lost.saturating_sub(first.lost);
    let again = last.retransmitted.saturating_sub(first.retransmitted);
    let holes = last.given_up.saturating_sub(first.given_up);
    // What came in its turn, and what was missing then.
    let sent = received.saturating_sub(again) + lost;
    (sent > 0).then(|| {
        let share = |part: u64| part as f64 / sent as f64;
        Shares {
            sent,
            lost: share(lost).min(1.0),
            holes: share(holes).min(1.0),
            carried: share(received),
        }
    })
}
