//! A key with its modifiers, as settings and documents write it: `Ctrl+Shift+P`. Pure; knows nothing of
//! the window's library, which has the same names for its keys (a test of the window holds that).

use std::fmt;
use std::str::FromStr;

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// Ctrl; on macOS the command key.
    pub command: bool,
    /// Alt; on macOS the option key.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// The key, one of [`KEYS`].
    pub key: &'static str,
}

/// Names of the keys that can be bound. With a sign in place of a name it is read too: `Ctrl+.`.
pub const KEYS: [&str; 91] = [
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J",
    "K",
    "L",
    "M",
    "N",
    "O",
    "P",
    "Q",
    "R",
    "S",
    "T",
    "U",
    "V",
    "W",
    "X",
    "Y",
    "Z",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "F11",
    "F12",
    "F13",
    "F14",
    "F15",
    "F16",
    "F17",
    "F18",
    "F19",
    "F20",
    "F21",
    "F22",
    "F23",
    "F24",
    "Up",
    "Down",
    "Left",
    "Right",
    "Escape",
    "Tab",
    "Backspace",
    "Enter",
    "Insert",
    "Delete",
    "Home",
    "End",
    "PageUp",
    "PageDown",
    "Space",
    "Plus",
    "Minus",
    "Equals",
    "Comma",
    "Period",
    "Colon",
    "Semicolon",
    "Slash",
    "Backslash",
    "Questionmark",
    "OpenBracket",
    "CloseBracket",
    "Backtick",
    "Quote",
    "Pipe",
    "Exclamationmark",
];

/// Signs for keys of which the name is long.
const SIGNS: [(&str, &str); 17] = [
    ("Plus", "+"),
    ("Minus", "−"),
    ("Minus", "-"),
    ("Equals", "="),
    ("Comma", ","),
    ("Period", "."),
    ("Colon", ":"),
    ("Semicolon", ";"),
    ("Slash", "/"),
    ("Backslash", "\\"),
    ("Questionmark", "?"),
    ("OpenBracket", "["),
    ("CloseBracket", "]"),
    ("Backtick", "`"),
    ("Quote", "'"),
    ("Pipe", "|"),
    ("Exclamationmark", "!"),
];

/// Not understood as a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadChord {
    /// No such key.
    #[error("`{0}` is no key. Give one such as `F9`, `M` or `Ctrl+Shift+M`")]
    Unknown(String),
    /// Needed for moving about in the window.
    #[error("{0} moves about in the window and cannot be bound alone. Add Ctrl or Alt")]
    Reserved(Chord),
}

impl Chord {
    /// A key by its name or sign, with modifiers.
    pub fn new(command: bool, alt: bool, shift: bool, key: &str) -> Option<Self> {
        let named = KEYS.iter().find(|name| name.eq_ignore_ascii_case(key));
        let signed = || {
            SIGNS
                .iter()
                .find(|(_, sign)| *sign == key)
                .map(|(name, _)| name)
        };
        let key = named.or_else(signed)?;
        Some(Self {
            command,
            alt,
            shift,
            key,
        })
    }

    /// Whether the key is a sign, which Shift may or may not be needed for, by the keyboard's layout: then
    /// it is not looked at.
    pub fn is_sign(&self) -> bool {
        SIGNS.iter().any(|(name, _)| *name == self.key)
    }

    /// Whether it types something, so that it is left to a text field in focus.
    pub fn types(&self) -> bool {
        let function = self.key.len() > 1
            && self.key.starts_with('F')
            && self.key[1..].chars().all(|c| c.is_ascii_digit());
        !self.command && !self.alt && !function
    }

    /// Whether a text field makes use of it, typing or editing.
    pub fn is_of_a_field(&self) -> bool {
        const EDITS: [&str; 19] = [
            "A",
            "C",
            "V",
            "X",
            "Z",
            "Y",
            "H",
            "U",
            "W",
            "Left",
            "Right",
            "Up",
            "Down",
            "Home",
            "End",
            "Backspace",
            "Delete",
            "Insert",
            "Space",
        ];
        self.types() || EDITS.contains(&self.key)
    }

    /// This or an error where the window needs it to move about.
    ///
    /// # Errors
    /// [`BadChord::Reserved`].
    pub fn bindable(self) -> Result<Self, BadChord> {
        const MOVES: [&str; 12] = [
            "Tab",
            "Enter",
            "Space",
            "Escape",
            "Up",
            "Down",
            "Left",
            "Right",
            "Backspace",
            "Home",
            "End",
            "Delete",
        ];
        if !self.command && !self.alt && MOVES.contains(&self.key) {
            return Err(BadChord::Reserved(self));
        }
        Ok(self)
    }

    /// For the eye: `Ctrl + .`, on macOS `Cmd + .`.
    pub fn shown(&self, mac: bool) -> String {
        let sign = SIGNS.iter().find(|(name, _)| *name == self.key);
        let key = sign.map_or(self.key, |(_, sign)| sign);
        let mut parts = Vec::new();
        if self.command {
            parts.push(if mac { "Cmd" } else { "Ctrl" });
        }
        if self.alt {
            parts.push(if mac { "Option" } else { "Alt" });
        }
        if self.shift {
            parts.push("Shift");
        }
        parts.push(key);
        parts.join(" + ")
    }
}

impl FromStr for Chord {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let unknown = || BadChord::Unknown(text.to_owned());
        let mut rest = text.trim();
        let (mut command, mut alt, mut shift) = (false, false, false);
        // The last part is the key, which may be the plus sign itself.
        while let Some((part, after)) = rest
            .split_once('+')
            .filter(|(part, after)| !part.is_empty() && !after.trim().is_empty())
        {
            match part.trim().to_ascii_lowercase().as_str() {
                "ctrl" | "control" | "cmd" | "command" | "⌘" => command = true,
                "alt" | "option" | "⌥" => alt = true,
                "shift" | "⇧" => shift = true,
                _ => return Err(unknown()),
            }
            rest = after.trim();
        }
        Self::new(command, alt, shift, rest).ok_or_else(unknown)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.command, "Ctrl"),
            (self.alt, "Alt"),
            (self.shift, "Shift"),
        ] {
            if held {
                write!(f, "{name}+")?;
            }
        }
        f.write_str(self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Chord {
        text.parse().unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn each_key_is_written_as_it_is_read() {
        for key in KEYS {
            for bits in 0..8 {
                let chord = Chord::new(bits & 1 > 0, bits & 2 > 0, bits & 4 > 0, key).unwrap();
                assert_eq!(read(&chord.to_string()), chord);
                assert_eq!(read(&chord.shown(false)), chord);
            }
        }
    }

    #[test]
    fn signs_and_small_letters_are_understood() {
        assert_eq!(read("ctrl + ."), read("Ctrl+Period"));
        assert_eq!(read("+"), read("Plus"));
        assert_eq!(read("Ctrl++"), read("Ctrl+Plus"));
        assert_eq!(read("Cmd+k"), read("Ctrl+K"));
        assert_eq!(read("−"), read("Minus"));
        for bad in [
            "",
            "Ctrl",
            "Ctrl+",
            "Hyper+A",
            "F25",
            "AA",
            "Ctrl+Ctrl",
            "ㅁ",
        ] {
            assert!(bad.parse::<Chord>().is_err(), "{bad}");
        }
        assert_eq!(read("Ctrl+Shift+P").shown(false), "Ctrl + Shift + P");
        assert_eq!(read("Ctrl+.").shown(true), "Cmd + .");
    }

    #[test]
    fn what_moves_about_is_not_bound_alone() {
        for text in ["Tab", "Shift+Tab", "Enter", "Space", "Escape", "Left"] {
            assert!(read(text).bindable().is_err(), "{text}");
        }
        for text in ["Ctrl+Enter", "F1", "M", "Plus", "Alt+Left"] {
            assert!(read(text).bindable().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_text_field_keeps_what_it_needs() {
        for text in ["M", "Plus", "Ctrl+Z", "Ctrl+A", "Ctrl+Left", "Shift+M"] {
            assert!(read(text).is_of_a_field(), "{text}");
        }
        for text in [
            "F5",
            "Ctrl+Enter",
            "Ctrl+K",
            "Ctrl+Shift+P",
            "Ctrl+Period",
            "F12",
        ] {
            assert!(!read(text).is_of_a_field(), "{text}");
        }
    }
}
