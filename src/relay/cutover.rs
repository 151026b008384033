//! From one encoder to the next without a viewer noticing: the pure decision which access unit goes
//! out.
//!
//! Fed by the encoders' reader threads under the relay's lock; reads no clock. While two encoders
//! run, both get every frame from the cut on. The old one's units before the cut go out as ever,
//! those from the cut on are held until the new one's IDR is there, then dropped: no frame twice,
//! none lost, and the first unit of the new encoder is an IDR. If the new encoder dies or its IDR
//! does not come in time, the held units go out and the old encoder stays. Holds at most
//! [`LONGEST_HOLD`] of the show.

use super::AccessUnit;
use crate::clock::MonoTime;
use std::collections::VecDeque;
use std::time::Duration;

/// An encoder's number in this show.
pub type EncoderId = u32;

/// How long the new encoder's IDR is waited for. Measured: it comes within 10 to 40 ms.
pub const LONGEST_HOLD: Duration = Duration::from_millis(400);

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To every sink.
    Unit(AccessUnit),
    /// This encoder has taken over.
    TookOver(EncoderId),
    /// Another has taken over: end this one.
    Retire(EncoderId),
    /// The new encoder did not make it: end it, the old one goes on.
    Abandon(EncoderId),
}

#[derive(Debug)]
struct Switch {
    new: EncoderId,
    cut: u64,
    deadline: MonoTime,
    /// Of the old encoder, from the cut on.
    held: Vec<AccessUnit>,
    /// Of the new encoder, waiting for the old one's last.
    ready: Vec<AccessUnit>,
}

/// The relay's view of its encoders.
#[derive(Debug, Default)]
pub struct Cutover {
    active: Option<EncoderId>,
    active_gone: bool,
    switch: Option<Switch>,
    last_frame: Option<u64>,
    repeated: u64,
    out: VecDeque<Output>,
}

impl Cutover {
    /// Before the first encoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// The encoder whose units go out.
    pub fn active(&self) -> Option<EncoderId> {
        self.active
    }

    /// Whether a switch is under way.
    pub fn is_switching(&self) -> bool {
        self.switch.is_some()
    }

    /// Units of the active encoder that came again or backwards and were not sent on.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Announces that `new` gets every frame from number `cut` on. Without an active encoder (or
    /// with a dead one) its IDR is simply awaited. A switch under way is abandoned for this one.
    pub fn begin(&mut self, new: EncoderId, cut: u64, now: MonoTime) {
        self.abandon();
        let deadline = now + LONGEST_HOLD;
        self.switch = Some(Switch {
            new,
            cut,
            deadline,
            held: Vec::new(),
            ready: Vec::new(),
        });
    }

    /// An encoder's next access unit.
    pub fn unit(&mut self, from: EncoderId, unit: AccessUnit, now: MonoTime) {
        if self.active == Some(from) {
            match &mut self.switch {
                Some(switch) if unit.frame >= switch.cut => switch.held.push(unit),
                _ => self.emit(unit),
            }
        } else if let Some(switch) = self.switch.as_mut().filter(|s| s.new == from) {
            // What precedes its IDR cannot be decoded by anyone.
            if unit.idr || !switch.ready.is_empty() {
                switch.ready.push(unit);
            }
        }
        self.settle(now);
    }

    /// An encoder has ended, wanted or not.
    pub fn gone(&mut self, encoder: EncoderId, now: MonoTime) {
        // Also where its IDR is there already: what has not taken over leaves the old one.
        if self.switch.as_ref().is_some_and(|s| s.new == encoder) {
            self.abandon();
        }
        if self.active == Some(encoder) {
            self.active_gone = true;
        }
        self.settle(now);
    }

    /// Looks at the deadline.
    pub fn tick(&mut self, now: MonoTime) {
        self.settle(now);
    }

    /// Units that are held back for a switch.
    pub fn held(&self) -> usize {
        let switch = self.switch.as_ref();
        switch.map_or(0, |switch| switch.held.len() + switch.ready.len())
    }

    /// What is to be done, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    fn settle(&mut self, now: MonoTime) {
        let Some(switch) = &self.switch else { return };
        let late = now >= switch.deadline;
        let waits_for_old = self.active.is_some() && !self.active_gone;
        match switch.ready.first() {
            Some(idr) => {
                // All of the old one's frames before the IDR have come, or will not.
                let old_done = self.last_frame.is_some_and(|last| last + 1 >= idr.frame)
                    || switch
                        .held
                        .last()
                        .is_some_and(|unit| unit.frame + 1 >= idr.frame);
                if old_done || late || !waits_for_old {
                    self.take_over();
                }
            }
            None if late && waits_for_old => self.abandon(),
            None => {}
        }
    }

    fn take_over(&mut self) {
        let Some(switch) = self.switch.take() else {
            return;
        };
        let first = switch.ready.first().map_or(u64::MAX, |unit| unit.frame);
        // The new encoder began later than announced: the old one's units fill the gap.
        for unit in switch
            .held
            .into_iter()
            .take_while(|unit| unit.frame < first)
        {
            self.emit(unit);
        }
        self.out.push_back(Output::TookOver(switch.new));
        if let Some(old) = self.active.replace(switch.new) {
            self.out.push_back(Output::Retire(old));
        }
        self.active_gone = false;
        for unit in switch.ready {
            self.emit(unit);
        }
    }

    fn abandon(&mut self) {
        let Some(switch) = self.switch.take() else {
            return;
        };
        self.out.push_back(Output::Abandon(switch.new));
        for unit in switch.held {
            self.emit(unit);
        }
    }

    fn emit(&mut self, unit: AccessUnit) {
        if self.last_frame.is_some_and(|last| unit.frame <= last) {
            self.repeated += 1;
            return;
        }
        self.last_frame = Some(unit.frame);
        self.out.push_back(Output::Unit(unit));
    }
}

#[cfg(test)]
#[path = "cutover_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "cutover_properties.rs"]
mod properties;
