//! The parts of the window, one a file. Each draws from a [`Scene`] and pushes what the operator
//! did; none keeps a copy of the session's state.

pub mod audio;
pub mod backup;
pub mod bitrate;
pub mod check;
pub mod encoder;
pub mod encoder_choice;
pub mod eyes;
pub mod fallback;
pub mod far;
pub mod find;
pub mod form;
pub mod gpu;
pub mod keys;
pub mod latency;
pub mod links;
pub mod live;
pub mod log;
pub mod meter_keys;
pub mod network;
pub mod note;
pub mod notices;
pub mod palette;
pub mod panel_menu;
pub mod parts;
pub mod preflight;
pub mod preview;
pub mod profiles;
pub mod quit;
pub mod recent;
pub mod recording;
pub mod remote;
pub mod report;
pub mod settings;
pub mod sheet;
pub mod side;
pub mod sound;
pub mod source;
pub mod stages;
pub mod status;
pub mod strip;
pub mod toasts;
pub mod trend;
pub mod trend_events;
pub mod updates;
pub mod viewers;
pub mod way_choice;
pub mod wizard;
pub mod wizard_found;

use super::actions::Action;
use super::i18n::Texts;
use super::keys::KeyTable;
use super::theme;
use crate::clock::MonoTime;
use crate::control::Op;
use crate::session::Snapshot;
use eframe::egui::{Layout, Margin, Rect, Ui, UiBuilder};

/// What a panel draws from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The session.
    pub snapshot: &'a Snapshot,
    /// The words.
    pub texts: &'a Texts,
    /// The window's own time (egui's), for guards and blinking; not the session's clock.
    pub now: MonoTime,
    /// The bitrate to show, kb/s: the operator's newest wish, else the session's.
    pub kbps: u32,
    /// Whether to show the sound as muted.
    pub muted: bool,
    /// Whether a check of everything is under way.
    pub examining: bool,
    /// The keys in force.
    pub keys: &'a KeyTable,
    /// Whether room is short: smaller type and margins.
    pub small: bool,
    /// Whether the graphics cards have a panel of their own in sight.
    pub gpu_open: bool,
}

impl Scene<'_> {
    /// The text of a key.
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    /// The keys of an operation for the eye; empty where it has none.
    pub fn keys_of(&self, op: Op) -> String {
        self.keys.shown(op)
    }

    /// What the session says, in the operator's language.
    pub fn say(&self, english: &str) -> String {
        self.texts.say(english)
    }
}

/// Draws a card into `rect` and its contents within. `name` keeps its widgets apart from others'.
pub fn card<R>(
    ui: &mut Ui,
    name: &str,
    rect: Rect,
    small: bool,
    contents: impl FnOnce(&mut Ui) -> R,
) -> R {
    let margin = if small { 8.0 } else { 12.0 };
    let frame = theme::card_frame().inner_margin(Margin::ZERO);
    ui.painter().add(frame.paint(rect.shrink(1.0)));
    let inner = UiBuilder::new()
        .id_salt(name)
        .max_rect(rect.shrink(margin))
        .layout(Layout::top_down(eframe::egui::Align::Min));
    // Not a scope: contents too large for the card are cut, and never push the window apart.
    let mut child = ui.new_child(inner);
    child.set_clip_rect(ui.clip_rect().intersect(rect.shrink(2.0)));
    contents(&mut child)
}

/// Pushes an action where there is one.
pub fn push(actions: &mut Vec<Action>, action: Option<Action>) {
    actions.extend(action);
}
