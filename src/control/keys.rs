//! Which key does what: the shipped keys, the operator's own beside or in place of them, and where two
//! things lie on one key. Pure; the window and the documents read it.

use super::chord::{BadChord, Chord};
use super::{Op, Refusal, Takes};
use crate::settings::KeyBinding;

/// The keys that an operation ships with.
pub const fn shipped(op: Op) -> &'static [&'static str] {
    match op {
        Op::GoLive => &["F5", "Ctrl+Enter"],
        Op::Stop => &["Ctrl+Period"],
        Op::Quit => &["Ctrl+Q"],
        Op::MuteToggle => &["M"],
        Op::BitrateUp => &["Plus", "Equals"],
        Op::BitrateDown => &["Minus"],
        Op::RecordToggle => &["R"],
        Op::ReplaySave => &["S"],
        Op::MeterHold => &["H"],
        Op::MeterSave => &["E"],
        Op::PanelSettings => &["F2"],
        Op::PanelEncoder => &["F3"],
        Op::PanelCheck => &["F4"],
        // F5 goes live.
        Op::PanelNetwork => &["F6"],
        Op::PanelViewers => &["F7"],
        Op::StripToggle => &["F8"],
        // The plain ones are the bitrate's.
        Op::ScaleUp => &["Ctrl+Plus", "Ctrl+Equals"],
        Op::ScaleDown => &["Ctrl+Minus"],
        Op::ScaleReset => &["Ctrl+0"],
        Op::Palette => &["Ctrl+K", "Ctrl+Shift+P"],
        Op::Keys => &["F1"],
        Op::Undo => &["Ctrl+Z"],
        _ => &[],
    }
}

/// An operation with what it is told: `bitrate-set 2500`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// What is done.
    pub op: Op,
    /// What it is told; not of operations that take nothing.
    pub argument: Option<String>,
}

impl Deed {
    /// An operation that is told nothing.
    pub const fn plain(op: Op) -> Self {
        Self { op, argument: None }
    }

    /// From `id` or `id argument`.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let (id, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let argument = argument.trim();
        let op = Op::named(id)?;
        Ok(Self {
            op,
            argument: (!argument.is_empty()).then(|| argument.to_owned()),
        })
    }

    /// As [`Deed::read`] reads it.
    pub fn text(&self) -> String {
        match &self.argument {
            Some(argument) => format!("{} {argument}", self.op.id()),
            None => self.op.id().to_owned(),
        }
    }
}

/// A key and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The key.
    pub chord: Chord,
    /// What it does.
    pub deed: Deed,
    /// Whether the operator chose it.
    pub own: bool,
}

/// All keys in force. The operator's own come first, so that they win over shipped ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Bound>);

impl Keys {
    /// The shipped keys with the operator's `own`. An entry stands in place of all shipped keys of what it
    /// names, also an empty one; what does not read is left out (the settings are checked before).
    pub fn new(own: &[KeyBinding]) -> Self {
        let mut all = Vec::new();
        let mut named = Vec::new();
        for entry in own {
            let Ok(deed) = Deed::read(&entry.op) else {
                continue;
            };
            named.push(deed.clone());
            for key in &entry.keys {
                if let Ok(chord) = key.parse::<Chord>().and_then(Chord::bindable) {
                    all.push(Bound {
                        chord,
                        deed: deed.clone(),
                        own: true,
                    });
                }
            }
        }
        for op in Op::ALL {
            let deed = Deed::plain(*op);
            if named.contains(&deed) {
                continue;
            }
            for chord in shipped(*op).iter().filter_map(|key| key.parse().ok()) {
                all.push(Bound {
                    chord,
                    deed: deed.clone(),
                    own: false,
                });
            }
        }
        Self(all)
    }

    /// The operator's `own` only: keys that work in front of every program are never shipped.
    pub fn only(own: &[KeyBinding]) -> Self {
        let mut keys = Self::new(own);
        keys.0.retain(|bound| bound.own);
        keys
    }

    /// All, the operator's own first.
    pub fn all(&self) -> &[Bound] {
        &self.0
    }

    /// What `pressed` does. A sign's Shift is not looked at: layouts differ in whether it needs it.
    pub fn find(&self, pressed: Chord) -> Option<&Bound> {
        let without = Chord {
            shift: false,
            ..pressed
        };
        self.0
            .iter()
            .find(|bound| bound.chord == pressed)
            .or_else(|| {
                let signs = pressed.is_sign() && pressed.shift;
                signs.then(|| self.0.iter().find(|bound| bound.chord == without))?
            })
    }

    /// The keys of `deed`.
    pub fn of(&self, deed: &Deed) -> Vec<Chord> {
        let mine = self.0.iter().filter(|bound| bound.deed == *deed);
        mine.map(|bound| bound.chord).collect()
    }

    /// What else lies on `chord` than `deed`.
    pub fn others(&self, chord: Chord, deed: &Deed) -> Vec<&Deed> {
        let same = self.0.iter().filter(|bound| bound.chord == chord);
        same.map(|bound| &bound.deed)
            .filter(|other| *other != deed)
            .collect()
    }
}

/// Sets the keys of `deed` among the operator's `own`; the shipped ones need no entry.
pub fn bind(own: &mut Vec<KeyBinding>, deed: &Deed, keys: &[Chord]) {
    reset(own, deed);
    let shipped: Vec<Chord> = match deed.argument {
        None => shipped(deed.op)
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect(),
        Some(_) => Vec::new(),
    };
    if keys != shipped {
        own.push(KeyBinding {
            op: deed.text(),
            keys: keys.iter().map(ToString::to_string).collect(),
        });
    }
}

/// Forgets the operator's own keys of `deed`.
pub fn reset(own: &mut Vec<KeyBinding>, deed: &Deed) {
    own.retain(|entry| Deed::read(&entry.op).as_ref() != Ok(deed));
}

/// Why a key is not taken in front of every program.
pub const TYPES: &str = "That key types in other programs, which would lose it. Add Ctrl or Alt, or take a function key";

/// Whether an operation can lie on a key that works in front of every program. Quitting is the window's
/// matter, where there is one.
pub fn works_everywhere(op: Op) -> bool {
    op.owner() == super::Owner::Session && op != Op::Quit
}

/// The same as [`fault`] of an entry for every program.
pub fn fault_everywhere(entry: &KeyBinding) -> Option<String> {
    if let Some(fault) = fault(entry) {
        return Some(fault);
    }
    let op = Deed::read(&entry.op).ok()?.op;
    if op.owner() != super::Owner::Session {
        return Some(format!(
            "{} is the window's: give it a key in `keys`",
            op.id()
        ));
    }
    let types = |key: &String| key.parse::<Chord>().is_ok_and(|chord| chord.types());
    entry.keys.iter().any(types).then(|| TYPES.to_owned())
}

/// What is wrong with an entry of the settings, and what would be right; None where it is good.
pub fn fault(entry: &KeyBinding) -> Option<String> {
    let deed = match Deed::read(&entry.op) {
        Ok(deed) => deed,
        Err(why) => return Some(why.to_string()),
    };
    let (takes, given) = (deed.op.takes(), deed.argument.is_some());
    if takes.is_secret() {
        return Some(format!(
            "{} takes a secret, which no key may keep",
            deed.op.id()
        ));
    }
    let needs = !matches!(takes, Takes::Nothing | Takes::Input);
    if needs && !given {
        let example = takes.example();
        return Some(format!("give what it takes: `{} {example}`", deed.op.id()));
    }
    if given && takes.is_nothing() {
        return Some(format!("{} takes nothing", deed.op.id()));
    }
    let bad =
        |key: &String| -> Option<BadChord> { key.parse::<Chord>().and_then(Chord::bindable).err() };
    entry.keys.iter().find_map(bad).map(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(op: &str, keys: &[&str]) -> KeyBinding {
        KeyBinding {
            op: op.into(),
            keys: keys.iter().map(ToString::to_string).collect(),
        }
    }

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn shipped_keys_read_and_no_two_things_lie_on_one() {
        let keys = Keys::new(&[]);
        let wanted: usize = Op::ALL.iter().map(|op| shipped(*op).len()).sum();
        assert_eq!(keys.all().len(), wanted);
        for bound in keys.all() {
            assert!(bound.chord.bindable().is_ok(), "{}", bound.chord);
            assert_eq!(keys.others(bound.chord, &bound.deed), Vec::<&Deed>::new());
        }
    }

    #[test]
    fn a_sign_is_found_with_and_without_shift_and_a_letter_is_not() {
        let keys = Keys::new(&[]);
        let does = |text: &str| keys.find(chord(text)).map(|bound| bound.deed.op);
        assert_eq!(does("Plus"), Some(Op::BitrateUp));
        assert_eq!(does("Shift+Plus"), Some(Op::BitrateUp));
        assert_eq!(does("M"), Some(Op::MuteToggle));
        assert_eq!(does("Shift+M"), None);
        assert_eq!(does("Ctrl+Shift+P"), Some(Op::Palette));
        assert_eq!(
            does("Alt+F4"),
            None,
            "the desktop closes the window with it"
        );
    }

    #[test]
    fn an_own_key_stands_in_place_of_the_shipped_and_wins_over_another_thing() {
        let mut set = vec![own("mute-toggle", &["F9"]), own("bitrate-set 2500", &["R"])];
        let keys = Keys::new(&set);
        assert_eq!(keys.find(chord("M")), None);
        assert_eq!(keys.find(chord("F9")).unwrap().deed.op, Op::MuteToggle);
        let bitrate = Deed::read("bitrate-set  2500").unwrap();
        assert_eq!(keys.find(chord("R")).unwrap().deed, bitrate);
        let record = Deed::plain(Op::RecordToggle);
        assert_eq!(keys.others(chord("R"), &bitrate), [&record]);
        reset(&mut set, &Deed::plain(Op::MuteToggle));
        assert_eq!(set.len(), 1);
        assert_eq!(
            Keys::new(&set).find(chord("M")).unwrap().deed.op,
            Op::MuteToggle
        );
        bind(&mut set, &record, &[]);
        assert_eq!(Keys::new(&set).of(&record), []);
        bind(&mut set, &record, &[chord("R")]);
        assert_eq!(set.len(), 1, "as shipped, it needs no entry: {set:?}");
    }

    #[test]
    fn an_entry_that_cannot_hold_is_told() {
        assert_eq!(fault(&own("mute-toggle", &["F9", "Ctrl+M"])), None);
        assert_eq!(fault(&own("mute-toggle", &[])), None);
        assert_eq!(fault(&own("bitrate-set 2500", &["F9"])), None);
        for (op, keys) in [
            ("mute-togle", "F9"),
            ("mute-toggle 1", "F9"),
            ("bitrate-set", "F9"),
            ("password-set a", "F9"),
            ("mute-toggle", "Hyper+X"),
            ("mute-toggle", "Tab"),
        ] {
            assert!(fault(&own(op, &[keys])).is_some(), "{op} {keys}");
        }
        assert_eq!(
            fault_everywhere(&own("mute-toggle", &["Ctrl+Alt+M", "F13"])),
            None
        );
        assert!(fault_everywhere(&own("mute-toggle", &["M"])).is_some());
        assert!(fault_everywhere(&own("panel-settings", &["Ctrl+Alt+M"])).is_some());
    }
}
