//! The window's keys: from what is pressed to what is done, by [`crate::control::Keys`]. A held key counts
//! once, but for those that move something by steps. What a text field needs is left to it, and
//! nothing is taken while an input method composes. What is taken is consumed: no widget sees it.

use super::actions::Action;
use super::commands::{Here, key_names};
use super::panels::Scene;
use super::view::View;
use crate::control::{Chord, Deed, Keys, Op, Refusal};
use crate::session::snapshot::State;
use crate::settings::{KeyBinding, StopWay};
use eframe::egui::{Context, Event, ImeEvent, Key, Modifiers};

/// The keys in force, made anew when the settings change.
#[derive(Clone, Debug)]
pub struct KeyTable {
    own: Vec<KeyBinding>,
    /// The keys.
    pub keys: Keys,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self {
            own: Vec::new(),
            keys: Keys::new(&[]),
        }
    }
}

impl KeyTable {
    /// Follows the operator's own keys.
    pub fn follow(&mut self, own: &[KeyBinding]) {
        if self.own != own {
            self.own = own.to_vec();
            self.keys = Keys::new(own);
        }
    }

    /// The keys of an operation for the eye, `F5  /  Ctrl + Enter`; empty where it has none.
    pub fn shown(&self, op: Op) -> String {
        self.shown_of(&Deed::plain(op))
    }

    /// The same of an operation with what it is told.
    pub fn shown_of(&self, deed: &Deed) -> String {
        let keys: Vec<String> = self.keys.of(deed).iter().map(show).collect();
        keys.join("  /  ")
    }
}

/// A key for the eye, as this system calls it.
pub fn show(chord: &Chord) -> String {
    chord.shown(cfg!(target_os = "macos"))
}

/// What came of the keys of a frame.
#[derive(Debug, Default)]
pub struct Pressed {
    /// What is done.
    pub actions: Vec<Action>,
    /// What was pressed and is not possible.
    pub refused: Option<Refusal>,
    /// A key was pressed for the entry of the page of keys that waits for one; None in it gives up.
    pub caught: Option<Option<Chord>>,
    /// Whether an input method composes.
    pub composing: bool,
    /// The key that began to hold STOP.
    pub holds: Option<Key>,
}

/// What the keys of this frame do.
pub fn pressed(ctx: &Context, scene: &Scene<'_>, view: &View) -> Pressed {
    let here = Here { scene, view };
    let typing = ctx.text_edit_focused();
    let mut out = Pressed {
        composing: view.composing,
        ..Pressed::default()
    };
    ctx.input_mut(|input| {
        input.events.retain(|event| match event {
            Event::Ime(ime) => {
                out.composing = match ime {
                    ImeEvent::Preedit { text, .. } => !text.is_empty(),
                    ImeEvent::Commit(_) => false,
                    _ => out.composing,
                };
                true
            }
            Event::Key {
                key,
                pressed: true,
                repeat,
                modifiers,
                ..
            } if !view.composing && !out.composing => {
                !one(&here, *key, *modifiers, *repeat, typing, &mut out)
            }
            _ => true,
        });
    });
    out
}

/// Takes one key; whether it was one of ours.
fn one(
    here: &Here<'_>,
    key: Key,
    modifiers: Modifiers,
    repeat: bool,
    typing: bool,
    out: &mut Pressed,
) -> bool {
    let view = here.view;
    let chord = key_names::chord(key, modifiers);
    if view.keys_page.waits() {
        if key == Key::Escape {
            out.caught = Some(None);
        } else if chord.is_some() && !repeat {
            out.caught = Some(chord);
        }
        return true;
    }
    if key == Key::Escape && modifiers.is_none() {
        let closes = if view.palette.open {
            Action::ShowPalette(false)
        } else if view.asking {
            Action::Stay
        } else if view.keys_page.open {
            Action::ShowKeys(false)
        } else {
            return false;
        };
        out.actions.push(closes);
        return true;
    }
    let Some(chord) = chord.filter(|chord| !(typing && chord.is_of_a_field())) else {
        return false;
    };
    let Some(bound) = view.keys.keys.find(chord) else {
        return false;
    };
    if repeat && !bound.deed.op.repeats() {
        return true;
    }
    let holds = here.scene.snapshot.settings.controls.stop == StopWay::Hold;
    if bound.deed.op == Op::Stop && holds && here.is_on_air() {
        out.holds = Some(key);
        return true;
    }
    match here.act(&bound.deed) {
        Ok(actions) => out.actions.extend(actions),
        Err(why) => out.refused = Some(why),
    }
    true
}

/// What the big button, while it says GO LIVE or TRY AGAIN, does.
pub fn begin(state: &State, go: bool) -> Option<Action> {
    match state {
        State::Idle if go => Some(Action::GoLive),
        State::Failed { .. } if go => Some(Action::Retry),
        _ => None,
    }
}

/// What the big button, while it says CANCEL or STOP, does.
pub fn end(state: &State) -> Option<Action> {
    match state {
        State::Preflight | State::Starting => Some(Action::Cancel),
        State::Live | State::Reconnecting { .. } => Some(Action::PressStop),
        State::Idle | State::Stopping | State::Failed { .. } => None,
    }
}
