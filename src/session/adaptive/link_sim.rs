//! A simulated network for the tests: SRT over a bottleneck with a queue, in steps of 10 ms, and the
//! controller at its end as the session runs it.

use super::{Adaptive, Look, Step};
use crate::clock::MonoTime;
use crate::session::snapshot::NetworkFigures;
use std::collections::VecDeque;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(10);
const PACKET_BITS: f64 = 1360.0 * 8.0;
const LATENCY_MS: f64 = 120.0;
/// What SRT's smoothing leaves of the round trip before, each tick (an ACK every 10 ms).
const SMOOTH: f64 = 0.875;

/// A bottleneck. Packets that are lost are sent again after a round trip, until they are too old.
pub struct Link {
    pub capacity_kbps: u32,
    pub loss_permille: u64,
    /// Sound and headers beside the picture, kb/s.
    pub beside_kbps: u32,
    queue_ms: f64,
    base_ms: f64,
    now_ms: f64,
    /// In the bottleneck: born at, sent again.
    queue: VecDeque<(f64, bool)>,
    /// To be sent again: at, born at.
    again: VecDeque<(f64, f64)>,
    owed: f64,
    served: f64,
    rtt_ms: f64,
    figures: NetworkFigures,
    received: u64,
    chance: u64,
}

impl Link {
    pub fn new(capacity_kbps: u32, queue_ms: u64, base_ms: u64) -> Self {
        Self {
            capacity_kbps,
            loss_permille: 0,
            beside_kbps: 150,
            queue_ms: queue_ms as f64,
            base_ms: base_ms as f64,
            now_ms: 0.0,
            queue: VecDeque::new(),
            again: VecDeque::new(),
            owed: 0.0,
            served: 0.0,
            rtt_ms: base_ms as f64,
            figures: NetworkFigures::default(),
            received: 0,
            chance: 0x9E37_79B9_7F4A_7C15,
        }
    }

    pub fn figures(&self) -> NetworkFigures {
        NetworkFigures {
            rtt_ms: Some(self.rtt_ms),
            latency_ms: Some(LATENCY_MS as u64),
            received: Some(self.received),
            buffer_ms: Some((LATENCY_MS - self.wait_ms() - 20.0).max(0.0)),
            ..self.figures
        }
    }

    fn wait_ms(&self) -> f64 {
        self.queue.len() as f64 * PACKET_BITS / f64::from(self.capacity_kbps)
    }

    fn tick(&mut self, kbps: u32) {
        self.now_ms += 10.0;
        self.owed += f64::from(kbps + self.beside_kbps) * 10.0 / PACKET_BITS;
        // What is to be sent again goes first, as libsrt has it.
        while self.again.front().is_some_and(|(at, _)| *at <= self.now_ms) {
            if let Some((_, born)) = self.again.pop_front() {
                if self.now_ms - born > LATENCY_MS {
                    self.figures.given_up += 1;
                } else {
                    self.offer(born, true);
                }
            }
        }
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            self.offer(self.now_ms, false);
        }
        self.served += f64::from(self.capacity_kbps) * 10.0 / PACKET_BITS;
        while self.served >= 1.0 {
            self.served -= 1.0;
            let Some((born, is_again)) = self.queue.pop_front() else {
                self.served = 0.0;
                break;
            };
            self.received += 1;
            self.figures.retransmitted += u64::from(is_again);
            if is_again && self.now_ms - born > LATENCY_MS {
                self.figures.given_up += 1;
            }
        }
        let rtt = self.base_ms + self.wait_ms();
        self.rtt_ms = SMOOTH * self.rtt_ms + (1.0 - SMOOTH) * rtt;
    }

    fn offer(&mut self, born: f64, is_again: bool) {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let by_chance = self.chance % 1000 < self.loss_permille;
        if by_chance || self.wait_ms() > self.queue_ms {
            self.figures.lost += u64::from(!is_again);
            self.again.push_back((self.now_ms + self.rtt_ms, born));
        } else {
            self.queue.push_back((born, is_again));
        }
    }
}

/// A show over a link: looked at four times a second, a change takes 400 ms.
pub struct Run {
    pub kbps: u32,
    pub link: Link,
    pub steps: Vec<(f64, String)>,
    adaptive: Adaptive,
    changing: Option<(MonoTime, u32)>,
    now: MonoTime,
    bounds_kbps: (u32, u32),
    downs: usize,
}

impl Run {
    pub fn new(ceiling_kbps: u32, floor_kbps: u32, link: Link) -> Self {
        Self {
            kbps: ceiling_kbps,
            link,
            steps: Vec::new(),
            adaptive: Adaptive::new(),
            changing: None,
            now: MonoTime::ZERO,
            bounds_kbps: (floor_kbps, ceiling_kbps),
            downs: 0,
        }
    }

    /// Steps down so far.
    pub fn downs(&self) -> usize {
        self.downs
    }

    pub fn seconds(&mut self, count: u64) {
        for tick in 0..count * 100 {
            self.now = self.now + TICK;
            if self.changing.is_some_and(|(at, _)| self.now >= at) {
                self.kbps = self.changing.take().map_or(self.kbps, |(_, kbps)| kbps);
            }
            self.link.tick(self.kbps);
            if tick % 25 == 0 {
                self.look();
            }
        }
    }

    fn look(&mut self) {
        let step: Option<Step> = self.adaptive.look(&Look {
            now: self.now,
            network: Some(self.link.figures()),
            network_drops: 0,
            encoder_drops: 0,
            kbps: self.kbps,
            changing: self.changing.is_some(),
            floor_kbps: self.bounds_kbps.0,
            ceiling_kbps: self.bounds_kbps.1,
        });
        if let Some(step) = step {
            let (low, high) = self.bounds_kbps;
            assert!((low..=high).contains(&step.to_kbps), "{step:?}");
            self.downs += usize::from(step.to_kbps < step.from_kbps);
            let at_s = self.now.as_micros() as f64 / 1e6;
            self.steps.push((at_s, step.text()));
            self.changing = Some((self.now + Duration::from_millis(400), step.to_kbps));
        }
    }
}
