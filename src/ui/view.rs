//! How the window is laid out, and the little that it remembers by itself. Draws and returns what
//! the operator did; sends nothing.

use super::actions::Action;
use super::commands::undo::Undo;
use super::dock::{Dock, Draw};
use super::guard::{Dropping, GoGuard, HoldGuard, StopGuard, Wish};
use super::keys::KeyTable;
use super::panels::keys::{KeysPage, OwnKeys};
use super::panels::live::Block;
use super::panels::network::KickGuard;
use super::panels::note::Note;
use super::panels::palette::Palette;
use super::panels::side::Side;
use super::panels::{self, Scene, card, form::Form, preview::Screen};
use super::toasts::Toasts;
use super::widgets::level_meter::PeakHold;
use super::{keys, theme};
use crate::clock::MonoTime;
use crate::session::Snapshot;
use crate::session::snapshot::{Severity, State};
use std::sync::Arc;

use eframe::egui::{CentralPanel, Context, Frame, Key, Margin, Panel, Rect, Sense, Ui, pos2, vec2};

/// What the window remembers.
pub struct View {
    /// Against ending a show by a slip.
    pub stop: StopGuard,
    /// Against beginning one by a slip.
    pub go: GoGuard,
    /// The bitrate as just set, kb/s.
    pub kbps: Wish<u32>,
    /// Mute as just set.
    pub muted: Wish<bool>,
    /// Whether the operator wants a preview.
    pub preview_on: bool,
    /// The preview's texture.
    pub screen: Screen,
    /// Peaks held for the eye.
    pub hold: PeakHold,
    /// The least severity that the log shows.
    pub least: Severity,
    /// The settings' draft.
    pub form: Form,
    /// The page that sets the console up, while it is open.
    pub wizard: Option<panels::wizard::Wizard>,
    /// The docked panels.
    pub dock: Dock,
    /// What lies over the panels.
    pub toasts: Toasts,
    /// Whether the window is the strip.
    pub strip: bool,
    /// Whether pictures are being dropped.
    pub dropping: Dropping,
    /// A check was just asked for.
    pub examining: Wish<bool>,
    /// Reports of failures before this start.
    pub reports: panels::report::Reports,
    /// The fallback to another encoder that the operator has read.
    pub noted: Option<String>,
    /// Against disconnecting a viewer by a slip.
    pub kick: KickGuard,
    /// The meter as it is held: what it shows, and the window's time when it was.
    pub frozen: Option<(Arc<Snapshot>, MonoTime)>,
    /// Against ending a show by a slip, where STOP is held.
    pub stop_hold: HoldGuard,
    /// The key that holds it.
    pub stop_key: Option<Key>,
    /// The keys in force.
    pub keys: KeyTable,
    /// The page of keys.
    pub keys_page: KeysPage,
    /// The command palette.
    pub palette: Palette,
    /// What was said last of keys and undo.
    pub note: Note,
    /// What can be taken back.
    pub undo: Undo,
    /// Whether an input method composes.
    pub composing: bool,
    /// Whether the question to quit is open.
    pub asking: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            stop: StopGuard::default(),
            go: GoGuard::default(),
            kbps: Wish::default(),
            muted: Wish::default(),
            preview_on: true,
            screen: Screen::default(),
            hold: PeakHold::default(),
            least: Severity::Info,
            form: Form::default(),
            wizard: None,
            dock: Dock::default(),
            toasts: Toasts::default(),
            strip: false,
            dropping: Dropping::default(),
            examining: Wish::default(),
            reports: panels::report::Reports::default(),
            noted: None,
            kick: KickGuard::default(),
            frozen: None,
            stop_hold: HoldGuard::default(),
            stop_key: None,
            keys: KeyTable::default(),
            keys_page: KeysPage::default(),
            palette: Palette::default(),
            note: Note::default(),
            undo: Undo::default(),
            composing: false,
            asking: false,
        }
    }
}

impl View {
    /// Why GO LIVE cannot be pressed, where it cannot.
    pub fn block(&self, now: MonoTime) -> Option<Block> {
        if !self.form.is_good() {
            Some(Block::BadSettings)
        } else if !self.go.allows(now) {
            Some(Block::Rest)
        } else {
            None
        }
    }
}

/// Draws the window and returns what the operator did.
pub fn show(ui: &mut Ui, view: &mut View, mut scene: Scene<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    let size = ui.available_size();
    scene.small = size.x < 1000.0 || size.y < 640.0;
    let ctx = ui.ctx().clone();
    if !panels::parts::is_free(&scene) {
        // A show began, by remote control maybe: nothing may lie over it.
        view.wizard = None;
    }
    if view.wizard.is_some() && !view.strip {
        panels::wizard::show(ui, view, &scene, &mut actions);
        return actions;
    }
    take_keys(&ctx, view, &scene, &mut actions);
    let block = view.block(scene.now);

    let drops = scene.snapshot.drops.sum();
    let dropping = view.dropping.see(drops, scene.now);
    if view.strip {
        return as_strip(ui, view, &scene, dropping, block, actions);
    }
    let gap = if scene.small { 6 } else { 10 };
    // No fill: `clear_color` has painted the ground, and on software GL each layer costs.
    let bar = Frame::new();
    let around = Margin {
        left: gap,
        right: gap,
        top: gap,
        bottom: 0,
    };
    Panel::top("status")
        .show_separator_line(false)
        .frame(bar.inner_margin(around))
        .show(ui, |ui| {
            panels::far::show(ui, &scene, dropping);
            panels::status::show(ui, &scene, &view.dock, &mut actions);
            let seen = view.dock.is_open(Side::Encoder);
            panels::fallback::strip(ui, &scene, seen, view.noted.as_deref(), &mut actions);
            panels::links::show(ui, &scene);
            panels::report::strip(ui, &scene, &view.reports, &mut actions);
            panels::updates::strip(ui, &scene, &mut actions);
            panels::recording::strip(ui, &scene, &mut actions);
            if view.asking {
                panels::quit::strip(ui, &scene, &mut actions);
            }
            // The list over the panels says it line by line.
            if let State::Failed { message } = &scene.snapshot.state
                && !panels::preflight::is_shown(&scene)
            {
                ui.add_space(4.0);
                theme::card_frame().show(ui, |ui| {
                    panels::status::failure(ui, &scene, message, &mut actions);
                });
            }
        });
    let mut height = if scene.small { 96.0 } else { 118.0 };
    if panels::bitrate::is_adaptive(&scene) {
        height += panels::bitrate::ADAPTIVE_LINE;
    }
    Panel::bottom("live")
        .resizable(false)
        .show_separator_line(false)
        .exact_size(height + f32::from(gap))
        .frame(bar.inner_margin(Margin {
            top: 0,
            bottom: gap,
            ..around
        }))
        .show(ui, |ui| {
            let rect = Rect::from_min_size(ui.max_rect().min, vec2(ui.available_width(), height));
            lower(ui, rect, view, &scene, block, &mut actions);
        });
    let room = CentralPanel::default()
        .frame(bar.inner_margin(gap))
        .show(ui, |ui| {
            // Out of the view while it draws panels that want the view.
            let mut dock = std::mem::replace(&mut view.dock, Dock::empty());
            let mut panels = Panels {
                view,
                scene: &scene,
                actions: &mut actions,
            };
            dock.show(ui, &mut panels);
            view.dock = dock;
            let room = ui.max_rect();
            panels::preflight::show(&ctx, room, &scene, &mut actions);
            panels::toasts::show(&ctx, room, &scene, &view.toasts, &mut actions);
            room
        })
        .inner;
    // Over the panels, never over the figures of the show and what ends it.
    panels::keys::show(&ctx, room, &scene, view, &mut actions);
    panels::palette::show(&ctx, room, &scene, view, &mut actions);
    panels::note::show(&ctx, &scene, &view.note, height + f32::from(gap) + 12.0);
    let typing = ctx.text_edit_focused();
    view.form.hand_over(typing, scene.now, &mut actions);
    actions
}

/// What the keys of this frame do; what is pressed and not possible is said.
fn take_keys(ctx: &Context, view: &mut View, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let pressed = keys::pressed(ctx, scene, view);
    actions.extend(pressed.actions);
    view.composing = pressed.composing;
    if let Some(why) = pressed.refused {
        view.note.say(scene.say(&why.to_string()), scene.now);
    }
    if let Some(caught) = pressed.caught {
        let own = &mut view.form.draft.controls;
        let mut own = OwnKeys {
            keys: &mut own.keys,
            hotkeys: &mut own.hotkeys,
        };
        view.keys_page.caught(caught, &mut own, scene);
    }
    view.stop_key = pressed.holds.or(view.stop_key);
    match view.stop_key {
        Some(key) if ctx.input(|input| input.key_down(key)) => actions.push(Action::HoldStop),
        _ => view.stop_key = None,
    }
}

/// Draws the window as the strip; what needs more room brings the whole window back.
fn as_strip(
    ui: &mut Ui,
    view: &mut View,
    scene: &Scene<'_>,
    dropping: bool,
    block: Option<Block>,
    mut actions: Vec<Action>,
) -> Vec<Action> {
    let left = view.stop_hold.left(scene.now).or(view.stop.left(scene.now));
    CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
        panels::strip::show(ui, scene, dropping, left, block, &mut actions);
    });
    let wants_room = |action: &Action| {
        use Action::{ShowKeys, ShowPalette, ShowSide};
        matches!(
            action,
            ShowSide(Some(_)) | ShowKeys(true) | ShowPalette(true)
        )
    };
    if view.asking || actions.iter().any(wants_room) {
        actions.push(Action::Strip(false));
    }
    view.form.hand_over(false, scene.now, &mut actions);
    actions
}

/// The lower row: button, bitrate, sound.
fn lower(
    ui: &mut Ui,
    rect: Rect,
    view: &mut View,
    scene: &Scene<'_>,
    block: Option<Block>,
    actions: &mut Vec<Action>,
) {
    ui.allocate_rect(rect, Sense::hover());
    let gap = if scene.small { 6.0 } else { theme::GAP };
    let button = (rect.width() * 0.24).clamp(150.0, 400.0);
    let audio = (rect.width() * 0.29).clamp(190.0, 420.0);
    let cut =
        |from: f32, to: f32| Rect::from_min_max(pos2(from, rect.top()), pos2(to, rect.bottom()));
    let left = view.stop_hold.left(scene.now).or(view.stop.left(scene.now));
    let face = cut(rect.left(), rect.left() + button);
    panels::live::show(ui, face, scene, left, block, actions);
    let sound = cut(rect.right() - audio, rect.right());
    let bitrate = cut(face.right() + gap, sound.left() - gap);
    card(ui, "bitrate", bitrate, scene.small, |ui| {
        panels::bitrate::show(ui, scene, actions);
    });
    let now_s = scene.now.as_micros() as f64 / 1e6;
    let hold = view.hold.take(scene.snapshot.audio.level.peak_dbfs, now_s);
    card(ui, "sound", sound, scene.small, |ui| {
        panels::audio::show(ui, scene, hold, actions);
    });
}

/// Draws the docked panels' contents.
struct Panels<'a, 'b> {
    view: &'a mut View,
    scene: &'a Scene<'b>,
    actions: &'a mut Vec<Action>,
}

impl Draw for Panels<'_, '_> {
    fn panel(&mut self, ui: &mut Ui, side: Side) {
        panels::side::show(ui, self.scene, side, self.view, self.actions);
    }

    fn title(&self, side: Side) -> String {
        self.scene.t(side.title())
    }

    fn keys(&self, side: Side) -> String {
        self.scene.keys_of(side.op())
    }

    fn named(&self, key: &str, side: Side) -> String {
        let name = self.title(side);
        self.scene.texts.f(key, &[("panel", &name)])
    }

    fn between(&self, one: Side, other: Side) -> String {
        let (one, other) = (self.title(one), self.title(other));
        let variables = [("panel", one.as_str()), ("other", other.as_str())];
        self.scene.texts.f("panel-line", &variables)
    }

    fn gap(&self) -> f32 {
        if self.scene.small { 6.0 } else { theme::GAP }
    }
}
