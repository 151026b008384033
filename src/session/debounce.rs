//! The bitrate slider's debounce: a dragged slider starts no encoder. Pure.

use crate::clock::MonoTime;
use std::time::Duration;

/// The slider must rest so long. Long enough for a drag's pauses, short enough to feel at once.
pub const REST: Duration = Duration::from_millis(250);

/// What is wanted against what is in force.
#[derive(Clone, Debug, Default)]
pub struct Debounce {
    wanted: Option<(u32, MonoTime)>,
}

impl Debounce {
    /// The slider was moved to `kbps`.
    pub fn moved(&mut self, kbps: u32, now: MonoTime) {
        if self.wanted.is_none_or(|(wanted, _)| wanted != kbps) {
            self.wanted = Some((kbps, now));
        }
    }

    /// The value to change to, once, when the slider has rested; None where it is in force already.
    pub fn due(&mut self, in_force_kbps: u32, now: MonoTime) -> Option<u32> {
        let (kbps, moved_at) = self.wanted?;
        if now.since(moved_at) < REST {
            return None;
        }
        self.wanted = None;
        (kbps != in_force_kbps).then_some(kbps)
    }

    /// What the slider waits with.
    pub fn pending(&self) -> Option<u32> {
        self.wanted.map(|(kbps, _)| kbps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_micros(ms * 1000)
    }

    #[test]
    fn a_drag_gives_one_change_after_it_rests() {
        let mut debounce = Debounce::default();
        let mut changes = Vec::new();
        for step in 0..50 {
            debounce.moved(3000 + step * 10, at(u64::from(step) * 20));
            changes.extend(debounce.due(3000, at(u64::from(step) * 20)));
        }
        assert_eq!(debounce.pending(), Some(3490));
        for ms in 981..2000 {
            changes.extend(debounce.due(3000, at(ms)));
        }
        assert_eq!(changes, [3490]);
    }

    #[test]
    fn back_where_it_was_is_no_change() {
        let mut debounce = Debounce::default();
        debounce.moved(5000, at(0));
        debounce.moved(3000, at(100));
        assert_eq!(debounce.due(3000, at(1000)), None);
        assert_eq!(debounce.pending(), None);
    }
}
