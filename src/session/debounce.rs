//! The debounce of what is wished of the encoder: a dragged slider starts no encoder. Pure.

use crate::clock::MonoTime;
use std::time::Duration;

/// The slider must rest so long. Long enough for a drag's pauses, short enough to feel at once.
pub const REST: Duration = Duration::from_millis(250);

/// What is wanted against what is in force.
#[derive(Clone, Debug)]
pub struct Debounce<T> {
    wanted: Option<(T, MonoTime)>,
}

impl<T> Default for Debounce<T> {
    fn default() -> Self {
        Self { wanted: None }
    }
}

impl<T: Copy + PartialEq> Debounce<T> {
    /// Something was moved, and now `wish` is wanted.
    pub fn moved(&mut self, wish: T, now: MonoTime) {
        if self.wanted.is_none_or(|(wanted, _)| wanted != wish) {
            self.wanted = Some((wish, now));
        }
    }

    /// The wish to change to, once, when it has rested.
    pub fn due(&mut self, now: MonoTime) -> Option<T> {
        let due = |(_, moved_at): &mut (T, MonoTime)| now.since(*moved_at) >= REST;
        self.wanted.take_if(due).map(|(wish, _)| wish)
    }

    /// What waits.
    pub fn pending(&self) -> Option<T> {
        self.wanted.map(|(wish, _)| wish)
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
        for step in 0_u64..50 {
            debounce.moved(3000 + step * 10, at(step * 20));
            changes.extend(debounce.due(at(step * 20)));
        }
        assert_eq!(debounce.pending(), Some(3490));
        for ms in 981..2000 {
            changes.extend(debounce.due(at(ms)));
        }
        assert_eq!(changes, [3490]);
        assert_eq!(debounce.pending(), None);
    }

    #[test]
    fn the_same_wish_again_does_not_begin_the_rest_anew() {
        let mut debounce = Debounce::default();
        debounce.moved(5000, at(0));
        debounce.moved(5000, at(200));
        assert_eq!(debounce.due(at(249)), None);
        assert_eq!(debounce.due(at(250)), Some(5000));
    }
}
