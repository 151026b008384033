//! What a second of the network's figures comes to: trouble, clean, or neither. Pure; the thresholds
//! and where they come from (the table in [`super`]).

use super::signs::{ENOUGH, Signs};
use super::{Adaptive, FORGET, IN_VAIN, UsualLoss};
use crate::clock::MonoTime;

/// A step down: to this part, or to this part of what the link carries, but never to less than the
/// last.
const DOWN: f64 = 0.75;
const OF_CARRIED: f64 = 0.85;
/// The same where a queue must empty first.
const OF_QUEUED: f64 = 0.75;
/// Fewer packets of those before: the link is full, what is missing waits in its queue.
const SLOWED: f64 = 0.7;
pub(super) const DOWN_MOST: f64 = 0.4;
/// So much of the packets missing for good is trouble.
const HOLES: f64 = 0.03;
/// So much missing at first is trouble though it comes again; half of it is no time to climb.
const LOST: f64 = 0.15;
/// Fewer packets are chance.
const HOLES_PACKETS: f64 = 5.0;
/// The round trip may rise by so much of the latency, within these bounds in ms.
const RTT_OF_LATENCY: f64 = 0.4;
const RTT_BOUNDS_MS: (f64, f64) = (30.0, 100.0);
/// A link that carries less of what is sent is full.
const FULL: f64 = 0.88;
/// Pictures not taken by the publisher within the window.
const DROPS: u64 = 2;

/// What a look comes to.
pub(super) enum Verdict {
    Trouble {
        reason: String,
        /// To this part of the bitrate.
        factor: f64,
        /// The link carries this part of it.
        carried: f64,
    },
    /// Neither clean nor trouble.
    Uneasy(String),
    Clean,
}

impl Adaptive {
    /// Judges the signs of this moment.
    pub(super) fn judge(&mut self, now: MonoTime, signs: &Signs) -> Verdict {
        self.usual_loss.take_if(|usual| now > usual.until);
        let usual = self.usual_loss.as_ref();
        let (usual_lost, usual_holes) = usual.map_or((0.0, 0.0), |u| (u.lost, u.holes));
        let shares = signs.shares.unwrap_or_default();
        let seconds = signs.seconds;
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        if signs.nothing_came {
            return Verdict::Uneasy("no packet came in the last second".into());
        }
        let mut reasons = Vec::new();
        let mut factor = DOWN;
        let holes = shares.holes - usual_holes;
        if holes > HOLES && holes * shares.sent as f64 > HOLES_PACKETS {
            let part = percent(shares.holes);
            reasons.push(format!(
                "{part} of the packets lost for good in {seconds:.1} s"
            ));
        } else if shares.lost - usual_lost > LOST {
            let part = percent(shares.lost);
            reasons.push(format!("{part} of the packets lost in {seconds:.1} s"));
        }
        let long = long_rtt(signs);
        // A screen that comes to rest slows the packets too: one long round trip is no proof.
        let sure = long.is_some() && (self.rtt_was_long || !reasons.is_empty());
        let slowed = signs.slowed.filter(|part| *part < SLOWED && sure);
        let counted = (shares.sent > 0).then_some(shares.carried);
        let carried = slowed.into_iter().chain(counted).fold(1.0, f64::min);
        if carried < FULL {
            let of = if long.is_some() {
                OF_QUEUED
            } else {
                OF_CARRIED
            };
            factor = (carried * of).clamp(DOWN_MOST, DOWN);
            let part = percent(carried);
            reasons.push(format!("the link carries {part} of what is sent"));
        }
        let was_long = std::mem::replace(&mut self.rtt_was_long, long.is_some());
        let falls = signs.rtt_ms < signs.rtt_before_ms.map(|before| before * 0.95);
        if falls && self.series.is_some() && carried >= FULL && shares.lost <= LOST {
            return Verdict::Uneasy("what was queued goes out".into());
        }
        match long {
            Some(text) if !reasons.is_empty() => reasons.push(text),
            Some(text) if was_long && !falls && seconds >= ENOUGH.as_secs_f64() => {
                reasons.push(text);
            }
            Some(text) => return Verdict::Uneasy(text),
            None => {}
        }
        if signs.network_drops >= DROPS {
            let count = signs.network_drops;
            reasons.push(format!("{count} pictures were not taken by the publisher"));
        }
        if !reasons.is_empty() {
            return match self.in_vain(now, signs) {
                Some(text) => Verdict::Uneasy(text),
                None => Verdict::Trouble {
                    reason: reasons.join(", "),
                    factor,
                    carried,
                },
            };
        }
        if shares.lost - usual_lost > LOST / 2.0 {
            return Verdict::Uneasy(format!("{} of the packets lost", percent(shares.lost)));
        }
        if signs.encoder_drops > 0 {
            return Verdict::Uneasy("the encoder does not keep up".into());
        }
        if signs.shares.is_none() && signs.rtt_ms.is_none() {
            return Verdict::Uneasy("the server tells neither round trip nor packets".into());
        }
        Verdict::Clean
    }

    /// Whether the steps down of this series changed nothing; then what is seen becomes the usual.
    fn in_vain(&mut self, now: MonoTime, signs: &Signs) -> Option<String> {
        let series = self.series.filter(|series| series.steps >= IN_VAIN)?;
        let shares = signs.shares.unwrap_or_default();
        let rtt_ms = signs.rtt_ms.unwrap_or_default();
        let rtt_same = (rtt_ms - series.rtt_ms).abs() < (0.15 * series.rtt_ms).max(5.0);
        let is_full = shares.sent > 0 && shares.carried < FULL;
        if !rtt_same || is_full || signs.network_drops >= DROPS {
            return None;
        }
        let loses = shares.lost > HOLES;
        if loses && (shares.lost < 0.7 * series.lost || shares.lost > LOST) {
            return None;
        }
        (self.series, self.trouble) = (None, None);
        self.window.usual_is(now, rtt_ms);
        if !loses {
            return Some(format!(
                "the round trip stays {rtt_ms:.0} ms at any bitrate"
            ));
        }
        let cure = match signs.latency_ms {
            Some(latency) if shares.holes > HOLES => {
                format!(" (a longer SRT latency than {latency} ms would help)")
            }
            _ => String::new(),
        };
        let part = shares.lost * 100.0;
        let text = format!("{part:.1} % of the packets are lost at any bitrate{cure}");
        self.usual_loss = Some(UsualLoss {
            lost: 1.3 * shares.lost,
            holes: 1.3 * shares.holes,
            until: now + FORGET,
            text: text.clone(),
        });
        Some(text)
    }
}

/// Too long a round trip, in words.
fn long_rtt(signs: &Signs) -> Option<String> {
    let (rtt_ms, usual_ms) = (signs.rtt_ms?, signs.usual_rtt_ms?);
    let latency_ms = signs.latency_ms.map_or(120.0, |ms| ms as f64);
    let (least, most) = RTT_BOUNDS_MS;
    let mut limit = (latency_ms * RTT_OF_LATENCY).clamp(least, most);
    // Packets come when they are due, or later: nothing is left to repeat one in.
    if signs.buffer_ms.is_some_and(|ms| ms < latency_ms / 4.0) {
        limit /= 2.0;
    }
    (rtt_ms - usual_ms > limit.max(usual_ms / 2.0))
        .then(|| format!("round trip {rtt_ms:.0} ms against {usual_ms:.0} ms usual"))
}
