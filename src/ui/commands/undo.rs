//! Taking a slip back: the last changes of bitrate, mute and sound inputs, for a short while. Pure; the
//! time is an argument. Keeps 16 changes, the oldest goes first.

use crate::clock::MonoTime;
use crate::settings::AudioInput;
use std::collections::VecDeque;
use std::time::Duration;

/// A change can be taken back for so long: later it is no slip any more.
pub const FOR: Duration = Duration::from_secs(60);
/// Steps of the same control within this time are one change: a slider's way.
const ONE_MOVE: Duration = Duration::from_millis(1500);
const KEPT: usize = 16;

/// What a control stood at.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The bitrate, kb/s.
    Bitrate(u32),
    /// Whether the sound was muted.
    Muted(bool),
    /// A sound input, by its place.
    Input(usize, AudioInput),
}

impl Value {
    fn is_same_control(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Input(a, _), Self::Input(b, _)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

#[derive(Clone, Debug)]
struct Change {
    before: Value,
    after: Value,
    at: MonoTime,
}

/// The last changes.
#[derive(Clone, Debug, Default)]
pub struct Undo(VecDeque<Change>);

impl Undo {
    /// The operator moved a control from `before` to `after`.
    pub fn note(&mut self, before: Value, after: Value, now: MonoTime) {
        if before == after {
            return;
        }
        if let Some(last) = self.0.back_mut()
            && last.after.is_same_control(&after)
            // Mute and unmute are two wishes, however fast.
            && !matches!(after, Value::Muted(_))
            && now.since(last.at) < ONE_MOVE
        {
            last.after = after;
            last.at = now;
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        let at = now;
        self.0.push_back(Change { before, after, at });
    }

    /// What taking the last change back would set; None where there is none, or it is too long ago.
    pub fn last(&self, now: MonoTime) -> Option<&Value> {
        let last = self.0.back()?;
        (now.since(last.at) < FOR).then_some(&last.before)
    }

    /// Takes the last change back: what to set. Only where the control still stands where it was put, as
    /// `stands` says: somebody else may have moved it since; then the change is forgotten.
    pub fn take(&mut self, now: MonoTime, stands: impl Fn(&Value) -> bool) -> Option<Value> {
        self.last(now)?;
        let change = self.0.pop_back()?;
        stands(&change.after).then_some(change.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(tenths: u64) -> MonoTime {
        MonoTime::from_micros(1_000_000 + tenths * 100_000)
    }

    fn bitrate(undo: &mut Undo, from: u32, to: u32, at: MonoTime) {
        undo.note(Value::Bitrate(from), Value::Bitrate(to), at);
    }

    #[test]
    fn a_slider_moved_in_steps_is_one_change() {
        let mut undo = Undo::default();
        bitrate(&mut undo, 3000, 2900, s(0));
        bitrate(&mut undo, 2900, 2000, s(5));
        bitrate(&mut undo, 2000, 500, s(10));
        bitrate(&mut undo, 500, 600, s(40));
        assert_eq!(undo.take(s(50), |_| true), Some(Value::Bitrate(500)));
        assert_eq!(undo.take(s(50), |_| true), Some(Value::Bitrate(3000)));
        assert_eq!(undo.take(s(50), |_| true), None);
    }

    #[test]
    fn mute_and_unmute_stay_apart_and_inputs_too() {
        let mut undo = Undo::default();
        undo.note(Value::Muted(false), Value::Muted(true), s(0));
        undo.note(Value::Muted(true), Value::Muted(false), s(1));
        assert_eq!(undo.take(s(2), |_| true), Some(Value::Muted(true)));
        let input = |gain_db| AudioInput {
            gain_db,
            ..AudioInput::default()
        };
        for place in [0, 1] {
            let at = |gain| Value::Input(place, input(gain));
            undo.note(at(0.0), at(-3.0), s(3));
            undo.note(at(-3.0), at(-6.0), s(4));
        }
        assert_eq!(undo.take(s(5), |_| true), Some(Value::Input(1, input(0.0))));
        assert_eq!(undo.take(s(5), |_| true), Some(Value::Input(0, input(0.0))));
    }

    #[test]
    fn what_is_long_ago_or_was_moved_by_another_is_not_taken_back() {
        let mut undo = Undo::default();
        bitrate(&mut undo, 3000, 500, s(0));
        assert!(undo.last(s(599)).is_some());
        assert_eq!(undo.last(s(600)), None);
        assert_eq!(undo.take(s(600), |_| true), None);
        assert_eq!(
            undo.take(s(10), |value| *value != Value::Bitrate(500)),
            None
        );
        assert_eq!(undo.last(s(11)), None, "forgotten");
        bitrate(&mut undo, 500, 500, s(12));
        assert_eq!(undo.last(s(12)), None, "nothing moved");
    }
}
