//! The adaptive bitrate: from the server's SRT figures and the frames that did not get out to the
//! bitrate that the network carries. Pure: time is passed in, the session's thread calls it about
//! four times a second. Off by default.
//!
//! Fast down, slow up, because each step is a cut-over to another encoder: down by a quarter or more
//! within a second of trouble, then only what a second of figures at the new bitrate says; up by 8 %
//! after five clean seconds, and slower where trouble came before. Loss that comes again in time is
//! no trouble: lowering the bitrate would not help against it.
//!
//! What MediaMTX 1.20.1 tells while ffmpeg sends 3 Mb/s (330 packets a second) with an SRT latency
//! of 120 ms through a relay on loopback (`tests/common/link.rs`); figures of one second, `holes` is
//! lost - (again - dropped), as `packetsReceivedDrop` also counts packets that came twice:
//!
//! | the link | RTT ms | buffer ms | sent | lost | again | dropped | holes |
//! | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
//! | good | 0.5 | 100 | 330 | 0 | 0 | 0 | 0 |
//! | delay 20 ms each way | 41 | 70..95 | 333 | 0 | 0 | 0 | 0 |
//! | loss 5 % | 0.8 | 100 | 327 | 18 | 18 | 0 | 0 |
//! | loss 5 %, delay 20 ms | 40 | 70 | 327 | 16 | 17 | 1 | 0..1 % |
//! | loss 5 %, delay 100 ms | 201 | 0..13 | 326 | 16 | 16 | 16 | 5 % |
//! | delay 100 ms | 200 | 0 | 333 | 0 | 0 | 0 | 0 |
//! | 1.5 Mb/s, queue 250 ms | 156 after 0.5 s, 240 after 1 s | 0 | 332 | 205 | 47 | 47 | 62 % |
//! | 1.5 Mb/s, queue 30 ms, delay 10 ms | 43 (usual 21) | 0..35 | 334 | 250 | 85 | 37 | 60 % |
//! | 3 Mb/s (a tenth too little), queue 250 ms | +35 a second | 96, 71, 35, 0 | 320 | 0 | 0 | 0 | 0 until the queue is full |
//! | 3 Mb/s, queue 50 ms | 60 (usual 21) | 0..25 | 331 | 155 | 145 | 70 | 24 % |
//! | released | usual after 0.5 s | 100 after 0.5 s | 330 | 0 | 0 | 0 | 0 |
//!
//! So chance loss leaves the round trip as it is and comes again; a full link shows first in the
//! round trip and in the buffer, then in loss of 20 % and more, most of it for good. Where steps
//! down change nothing (a longer way, chance loss with a latency too short for repeating), what is
//! seen is taken as usual and the bitrate may rise again.

mod judge;
pub mod signs;

use super::snapshot::{AdaptiveStatus, NetworkFigures};
use crate::clock::MonoTime;
use judge::Verdict;
use signs::{Taken, Window};
use std::time::Duration;

/// Looks closer together than this are not taken.
const LOOK: Duration = Duration::from_millis(150);
/// A new connection's figures say nothing about the network at first.
const NEW_CONNECTION: Duration = Duration::from_secs(2);
/// After a change: what was queued goes out first.
const DRAIN: Duration = Duration::from_millis(500);
/// From one step down to the next, at least.
const DOWN_EVERY: Duration = Duration::from_secs(1);
/// Clean for so long before a step up, and so long after a step up.
const UP_AFTER: Duration = Duration::from_secs(5);
/// Clean for so long after trouble.
const UP_AFTER_TROUBLE: Duration = Duration::from_secs(8);
/// Clean for so long before it passes a bitrate at which trouble came, twice that the second time,
/// three times from then on.
const PAST_TROUBLE: Duration = Duration::from_secs(20);
/// After so long without trouble a bitrate at which it came is as any other.
const FORGET: Duration = Duration::from_secs(300);
/// A step up.
const UP: f64 = 1.08;
/// Below where trouble came it waits, and then passes it in one step.
const BELOW: f64 = 0.95;
const PAST: f64 = 1.03;
/// Clean for so long a series of steps down has helped.
const SERIES_ENDS: Duration = Duration::from_secs(1);
/// After so many steps down that changed nothing they are taken to be in vain.
const IN_VAIN: u32 = 3;

/// What the session knows at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The time.
    pub now: MonoTime,
    /// The server's figures of our connection ([`super::watch::WatchReport::network`]); None where
    /// there are none now, or those there are older than a second.
    pub network: Option<NetworkFigures>,
    /// Pictures that the publisher did not take, since the show began.
    pub network_drops: u64,
    /// Pictures that the encoder did not take, since the show began.
    pub encoder_drops: u64,
    /// Bitrate in force, kb/s.
    pub kbps: u32,
    /// A change of any kind is under way.
    pub changing: bool,
    /// Not below, kb/s.
    pub floor_kbps: u32,
    /// Not above: the slider once it rests, kb/s.
    pub ceiling_kbps: u32,
}

/// A change of the bitrate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From, kb/s.
    pub from_kbps: u32,
    /// To, kb/s.
    pub to_kbps: u32,
    /// Why, in words with figures.
    pub reason: String,
}

impl Step {
    /// The line for log and plot.
    pub fn text(&self) -> String {
        format!(
            "bitrate {} -> {} kb/s: {}",
            self.from_kbps, self.to_kbps, self.reason
        )
    }
}

/// The adaptive bitrate of one show.
#[derive(Clone, Debug, Default)]
pub struct Adaptive {
    window: Window,
    looked_at: Option<MonoTime>,
    /// Nothing is concluded before.
    wait_until: MonoTime,
    /// A step was given and has not been seen in force.
    stepping: bool,
    stepped_at: Option<MonoTime>,
    /// Without trouble since.
    clean_since: Option<MonoTime>,
    /// Round trip too long in the look before.
    rtt_was_long: bool,
    trouble: Option<Trouble>,
    /// A series of steps down.
    series: Option<Series>,
    /// Losses that no step down changed.
    usual_loss: Option<UsualLoss>,
    ceiling_kbps: u32,
    status: AdaptiveStatus,
}

/// Where trouble came last.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    /// What the network carried then.
    kbps: u32,
    at: MonoTime,
    /// How often near there.
    times: u32,
}

/// Losses that no step down changed.
#[derive(Clone, Debug)]
struct UsualLoss {
    /// Shares, with some room: missing at first, and for good.
    lost: f64,
    holes: f64,
    until: MonoTime,
    text: String,
}

/// Steps down one after another.
#[derive(Clone, Copy, Debug)]
struct Series {
    steps: u32,
    /// At its first step.
    rtt_ms: f64,
    lost: f64,
}

impl Adaptive {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it holds and why.
    pub fn status(&self) -> AdaptiveStatus {
        self.status.clone()
    }

    /// Takes a look; the step to make now, if any.
    pub fn look(&mut self, look: &Look) -> Option<Step> {
        let floor = look.floor_kbps.min(look.ceiling_kbps);
        let ceiling = look.ceiling_kbps;
        (self.status.kbps, self.status.bounds_kbps) = (look.kbps, (floor, ceiling));
        if self.looked_at.is_some_and(|at| look.now.since(at) < LOOK) {
            return None;
        }
        if self.looked_at.replace(look.now).is_none() {
            self.wait_until = look.now + NEW_CONNECTION;
        }
        if look.changing {
            // Figures of two bitrates tell of neither.
            self.stepping = true;
            self.window.begin();
            return None;
        }
        let was_ceiling = std::mem::replace(&mut self.ceiling_kbps, ceiling);
        if std::mem::take(&mut self.stepping) {
            self.wait_until = self.wait_until.max(look.now + DRAIN);
        }
        let verdict = self.verdict(look);
        if let Some(step) = self.bounds(look, floor, ceiling, was_ceiling) {
            return Some(self.step(look, step.0, step.1));
        }
        match verdict? {
            Verdict::Trouble {
                reason,
                factor,
                carried,
            } => self.down(look, floor, &reason, factor, carried),
            Verdict::Uneasy(reason) => {
                self.clean_since = None;
                self.status.reason = format!("holds: {reason}");
                None
            }
            Verdict::Clean => self.up(look, ceiling),
        }
    }

    /// The operator's bounds come first.
    fn bounds(
        &self,
        look: &Look,
        floor: u32,
        ceiling: u32,
        was_ceiling: u32,
    ) -> Option<(u32, String)> {
        if look.kbps > ceiling {
            return Some((ceiling, "the ceiling was lowered".into()));
        }
        if look.kbps < floor {
            return Some((floor, "the floor was raised".into()));
        }
        let unhindered = look.kbps == was_ceiling && self.trouble.is_none();
        (unhindered && ceiling > was_ceiling && was_ceiling > 0)
            .then(|| (ceiling, "the ceiling was raised".into()))
    }

    fn step(&mut self, look: &Look, to_kbps: u32, reason: String) -> Step {
        self.stepping = true;
        self.stepped_at = Some(look.now);
        self.wait_until = look.now + DRAIN;
        self.window.begin();
        self.rtt_was_long = false;
        self.status.reason.clone_from(&reason);
        Step {
            from_kbps: look.kbps,
            to_kbps,
            reason,
        }
    }

    /// None where there is nothing to conclude from.
    fn verdict(&mut self, look: &Look) -> Option<Verdict> {
        let Some(figures) = look.network else {
            self.window.begin();
            self.wait_until = self.wait_until.max(look.now + NEW_CONNECTION);
            self.clean_since = None;
            self.status.reason = "holds: the server gives no figures".into();
            return None;
        };
        if self.window.has(&figures, look.now) {
            return None;
        }
        let (network, encoder) = (look.network_drops, look.encoder_drops);
        if self.window.take(look.now, figures, network, encoder) == Taken::NewConnection {
            self.wait_until = look.now + NEW_CONNECTION;
            self.clean_since = None;
            self.rtt_was_long = false;
        }
        if look.now < self.wait_until {
            self.window.begin();
            return None;
        }
        let signs = self.window.signs()?;
        Some(self.judge(look.now, &signs))
    }

    fn down(
        &mut self,
        look: &Look,
        floor: u32,
        reason: &str,
        factor: f64,
        carried: f64,
    ) -> Option<Step> {
        self.clean_since = None;
        let to_kbps = rounded(f64::from(look.kbps) * factor).max(floor);
        if self
            .stepped_at
            .is_some_and(|at| look.now.since(at) < DOWN_EVERY)
        {
            return None;
        }
        if to_kbps >= look.kbps {
            self.status.reason = format!("at the floor: {reason}");
            if let Some(series) = &mut self.series {
                // It has done what it could.
                series.steps = IN_VAIN;
            }
            return None;
        }
        let signs = self.window.signs().unwrap_or_default();
        let shares = signs.shares.unwrap_or_default();
        let kbps = rounded(f64::from(look.kbps) * carried).max(floor);
        let near = |before: u32| (f64::from(kbps) / f64::from(before) - 1.0).abs() < 0.15;
        let times = match self.trouble {
            Some(before) if near(before.kbps) => before.times + 1,
            _ => 1,
        };
        self.trouble = Some(Trouble {
            kbps,
            at: look.now,
            times,
        });
        let series = self.series.get_or_insert(Series {
            steps: 0,
            rtt_ms: signs.rtt_ms.unwrap_or_default(),
            lost: shares.lost,
        });
        series.steps += 1;
        Some(self.step(look, to_kbps, reason.to_owned()))
    }

    fn up(&mut self, look: &Look, ceiling: u32) -> Option<Step> {
        let now = look.now;
        let clean = now.since(*self.clean_since.get_or_insert(now));
        if clean >= SERIES_ENDS {
            self.series = None;
        }
        self.trouble
            .take_if(|trouble| now.since(trouble.at) > FORGET);
        let next = rounded(f64::from(look.kbps) * UP).max(look.kbps + 10);
        let (mut wait, mut to_kbps, mut is_near) = (UP_AFTER, next, false);
        if let Some(trouble) = self.trouble.filter(|trouble| look.kbps < trouble.kbps) {
            if now.since(trouble.at) < UP_AFTER_TROUBLE + UP_AFTER {
                wait = UP_AFTER_TROUBLE;
            }
            let below = rounded(f64::from(trouble.kbps) * BELOW);
            if look.kbps < below {
                to_kbps = next.min(below);
            } else {
                is_near = true;
                wait = PAST_TROUBLE * trouble.times.clamp(1, 3);
                to_kbps = rounded(f64::from(trouble.kbps) * PAST).max(look.kbps + 10);
            }
        }
        let stepped = self.stepped_at.map_or(clean, |at| now.since(at));
        if look.kbps < ceiling && clean.min(stepped) >= wait {
            let reason = format!("{} s without trouble", clean.as_secs());
            return Some(self.step(look, to_kbps.min(ceiling), reason));
        }
        let mut text = match (self.trouble, look.kbps < ceiling) {
            (_, false) => "at the ceiling".into(),
            (Some(trouble), true) if is_near => {
                let (kbps, seconds) = (trouble.kbps, wait.as_secs());
                format!("clean; trouble came at {kbps} kb/s, tried again after {seconds} s")
            }
            _ => "clean; climbs".to_owned(),
        };
        if let Some(usual) = &self.usual_loss {
            text = format!("{text}; {}", usual.text);
        }
        self.status.reason = text;
        None
    }
}

fn rounded(kbps: f64) -> u32 {
    (kbps / 10.0).round() as u32 * 10
}

#[cfg(test)]
mod link_sim;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod tests;
