//! The window's keys. A held key counts once; plain letters are left to a text field in focus.

use super::actions::Action;
use super::panels::recording;
use super::panels::side::Side;
use super::widgets::bitrate_slider::rung;
use crate::record::status::Phase;
use crate::session::snapshot::State;
use eframe::egui::{Context, Event, Key, Modifiers};

/// What the keys of this frame do, where the show stands at `state`.
pub fn actions(ctx: &Context, state: &State, go: bool, view: &KeyView) -> Vec<Action> {
    let typing = ctx.text_edit_focused();
    let presses: Vec<(Key, Modifiers)> = ctx.input(|input| {
        input
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Key {
                    key,
                    pressed: true,
                    repeat,
                    modifiers,
                    ..
                } if !repeat || steps(*key) => Some((*key, *modifiers)),
                _ => None,
            })
            .collect()
    });
    presses
        .into_iter()
        .filter_map(|(key, modifiers)| one(key, modifiers, typing, state, go, view))
        .collect()
}

/// Whether a held key may go on working: only where it moves something by steps.
fn steps(key: Key) -> bool {
    matches!(key, Key::Plus | Key::Equals | Key::Minus)
}

/// What the keys need to know of the window.
#[derive(Clone, Copy, Debug)]
pub struct KeyView {
    /// The bitrate shown, kb/s.
    pub kbps: u32,
    /// Whether the sound is muted.
    pub muted: bool,
    /// Which page of the side panel is open.
    pub side: Option<Side>,
    /// Whether the list of keys is open.
    pub keys_open: bool,
    /// Whether the question to quit is open.
    pub asking: bool,
    /// Where the recording stands; None where nothing can be recorded.
    pub record: Option<Phase>,
    /// Whether the meter is held.
    pub frozen: bool,
    /// Whether there is something to replay.
    pub replay: bool,
}

fn one(
    key: Key,
    modifiers: Modifiers,
    typing: bool,
    state: &State,
    go: bool,
    view: &KeyView,
) -> Option<Action> {
    let plain = !modifiers.command && !modifiers.ctrl && !modifiers.alt && !typing;
    if view.asking {
        return (key == Key::Escape).then_some(Action::Stay);
    }
    // Alt + F4 closes the window and is not F4.
    let page = Side::ALL.into_iter().find(|side| side.key() == Some(key));
    if let Some(page) = page.filter(|_| !modifiers.alt) {
        let open = view.side != Some(page);
        return Some(Action::ShowSide(open.then_some(page)));
    }
    match key {
        Key::F5 => begin(state, go),
        Key::Enter if modifiers.command => begin(state, go),
        Key::Period if modifiers.command => end(state),
        Key::F1 => Some(Action::ShowKeys(!view.keys_open)),
        Key::Escape if view.keys_open => Some(Action::ShowKeys(false)),
        Key::M if plain => Some(Action::Muted(!view.muted)),
        Key::R if plain => view.record.map(recording::toggle),
        Key::S if plain && view.record.is_some() && view.replay => Some(Action::SaveReplay),
        Key::H if plain => Some(Action::Freeze(!view.frozen)),
        Key::E if plain => Some(Action::SaveMeter),
        Key::Plus | Key::Equals if plain => Some(Action::Bitrate(rung(view.kbps, true))),
        Key::Minus if plain => Some(Action::Bitrate(rung(view.kbps, false))),
        _ => None,
    }
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
