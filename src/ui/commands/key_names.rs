//! From the window's key events to chords. The names of both are the same; a test holds that.

use crate::control::Chord;
use eframe::egui::{Key, Modifiers};

/// The chord that was pressed; None for a key that cannot be bound, and for Ctrl on macOS, which is not
/// the command key.
pub fn chord(key: Key, modifiers: Modifiers) -> Option<Chord> {
    if modifiers.ctrl && !modifiers.command {
        return None;
    }
    Chord::new(
        modifiers.command,
        modifiers.alt,
        modifiers.shift,
        key.name(),
    )
}

/// The key of a chord.
pub fn key(chord: &Chord) -> Option<Key> {
    Key::from_name(chord.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::chord::KEYS;

    #[test]
    fn each_key_that_can_be_bound_is_a_key_of_the_window() {
        for name in KEYS {
            let key = Key::from_name(name).unwrap_or_else(|| panic!("{name}"));
            let chord = chord(key, Modifiers::NONE).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(chord.key, name);
        }
        let control = Modifiers {
            ctrl: true,
            command: false,
            ..Modifiers::NONE
        };
        assert_eq!(chord(Key::M, control), None);
    }
}
