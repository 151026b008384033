//! The command palette: a field to type into and what fits it, each with its keys and, where it is not
//! possible just now, why. It lies over the window without closing it off: a press beside it closes it and
//! counts where it fell, and every key that types nothing works on. The window's thread.

use super::Scene;
use crate::control::{Deed, Op, Takes};
use crate::settings::Language;
use crate::ui::actions::Action;
use crate::ui::commands::search::{Entry, find};
use crate::ui::commands::{Here, titles};
use crate::ui::i18n::Texts;
use crate::ui::theme;
use crate::ui::view::View;
use crate::ui::widgets;
use eframe::egui::{
    Align2, Area, Context, Id, Key, Modifiers, Order, Rect, Response, Role, ScrollArea, Sense,
    TextEdit, Ui, WidgetInfo, accesskit, vec2,
};

/// So many of what was done are remembered.
const REMEMBERED: usize = 16;
/// A row's height, points.
const ROW: f32 = 30.0;
/// Rows in sight where there is room.
const ROWS: f32 = 9.0;

/// What the palette remembers.
#[derive(Default)]
pub struct Palette {
    /// Whether it is open.
    pub open: bool,
    query: String,
    chosen: usize,
    /// What was done by it, the newest first.
    recent: Vec<Deed>,
    /// Of which language, and the titles.
    entries: (bool, Vec<Entry>),
    /// What was just said of the last Enter.
    said: Option<String>,
    /// Whether the field shall take the focus.
    fresh: bool,
}

impl Palette {
    /// Opens it afresh, or closes it.
    pub fn show(&mut self, open: bool) {
        self.open = open;
        self.query.clear();
        self.chosen = 0;
        self.said = None;
        self.fresh = open;
    }

    fn titles(&mut self, scene: &Scene<'_>) {
        let korean = scene.texts.is_korean();
        if self.entries.0 == korean && !self.entries.1.is_empty() {
            return;
        }
        let english = Texts::new(Language::English);
        let entry = |op: &Op| Entry {
            op: *op,
            title: scene.t(titles::title(*op)),
            english: english.t(titles::title(*op)),
        };
        self.entries = (korean, Op::ALL.iter().map(entry).collect());
    }

    fn remember(&mut self, deed: &Deed) {
        // Opening the palette from the palette is no use.
        if deed.op == Op::Palette {
            return;
        }
        self.recent.retain(|done| done != deed);
        self.recent.insert(0, deed.clone());
        self.recent.truncate(REMEMBERED);
    }
}

/// Draws it over the top of `room` where it is open. `view.palette` is taken out while it is drawn, since what is possible is asked
/// of the view.
pub fn show(
    ctx: &Context,
    room: Rect,
    scene: &Scene<'_>,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    if !view.palette.open {
        return;
    }
    let mut palette = std::mem::take(&mut view.palette);
    palette.titles(scene);
    let here = Here { scene, view };
    let done = draw(ctx, room, &here, &mut palette, actions);
    let stays = match done {
        Some(Done::Close) => false,
        Some(Done::Do(deed)) => carry_out(&here, &mut palette, deed, actions),
        None => true,
    };
    view.palette = palette;
    if !stays {
        view.palette.show(false);
    }
}

enum Done {
    Close,
    Do(Deed),
}

/// Does it, or says why not; whether the palette stays open.
fn carry_out(
    here: &Here<'_>,
    palette: &mut Palette,
    deed: Deed,
    actions: &mut Vec<Action>,
) -> bool {
    let takes = deed.op.takes();
    let missing = deed.argument.is_none() && !matches!(takes, Takes::Nothing | Takes::Input);
    if missing && !takes.is_secret() && here.possible(deed.op).is_ok() {
        // What is missing is typed on in the same place.
        palette.query = format!("{} ", here.title(deed.op));
        palette.chosen = 0;
        palette.fresh = true;
        palette.said = Some(told(here.scene, takes));
        return true;
    }
    let again = match deed.op {
        Op::Stop if here.is_on_air() => Some("palette-again"),
        Op::KickViewer => Some("palette-kick"),
        Op::Reconnect => Some("palette-reconnect"),
        _ => None,
    };
    match here.act(&deed) {
        Ok(done) => {
            palette.remember(&deed);
            actions.extend(done);
            palette.said = again.map(|key| here.scene.t(key));
            palette.fresh = again.is_some();
            again.is_some()
        }
        Err(why) => {
            palette.said = Some(here.scene.say(&why.to_string()));
            palette.fresh = true;
            true
        }
    }
}

fn draw(
    ctx: &Context,
    room: Rect,
    here: &Here<'_>,
    palette: &mut Palette,
    actions: &mut Vec<Action>,
) -> Option<Done> {
    let scene = here.scene;
    let found = find(&palette.entries.1, &palette.query, &palette.recent);
    // Before the field sees them.
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let last = found.len().saturating_sub(1);
    let mut chosen = palette.chosen.min(last);
    let before = chosen;
    for (key, by) in [
        (Key::ArrowDown, 1),
        (Key::ArrowUp, -1),
        (Key::PageDown, 8),
        (Key::PageUp, -8),
    ] {
        if pressed(key) {
            chosen = chosen.saturating_add_signed(by).min(last);
        }
    }
    let moved = chosen != before;
    let mut done = None;
    let width = (room.width() - 16.0).min(620.0);
    let area = Area::new(Id::unique("palette"))
        .order(Order::Foreground)
        .fixed_pos(room.center_top())
        .pivot(Align2::CENTER_TOP)
        .show(ctx, |ui| {
            theme::card_frame().inner_margin(12).show(ui, |ui| {
                ui.set_width(width - 24.0);
                let enter = pressed(Key::Enter);
                let field = field(ui, scene, palette);
                if field.changed() {
                    chosen = 0;
                    palette.said = None;
                }
                if let Some(deed) = found.get(chosen) {
                    point_at(ui, &field, deed);
                }
                let height = (room.height() - 130.0).clamp(ROW * 3.0, ROW * ROWS);
                let rows = rows(ui, here, &found, (chosen, moved), height);
                let clicked = rows.or_else(|| found.get(chosen).filter(|_| enter).cloned());
                done = clicked.map(Done::Do);
                foot(ui, scene, palette, found.is_empty());
            });
        });
    palette.chosen = chosen;
    let pressed_beside = ctx.input(|input| {
        let at = input.pointer.interact_pos();
        input.pointer.any_pressed() && at.is_some_and(|at| !area.response.rect.contains(at))
    });
    if pressed_beside {
        actions.push(Action::ShowPalette(false));
        return done.or(Some(Done::Close));
    }
    done
}

fn field(ui: &mut Ui, scene: &Scene<'_>, palette: &mut Palette) -> Response {
    let hint = scene.t("palette-hint");
    let edit = TextEdit::singleline(&mut palette.query)
        .id(Id::unique(("palette", 0)))
        .font(theme::regular(17.0))
        .hint_text(eframe::egui::RichText::new(&hint).color(theme::text_dim()))
        .char_limit(300)
        .desired_width(f32::INFINITY)
        .show(ui);
    let response = edit.response.response;
    if palette.fresh {
        palette.fresh = false;
        response.request_focus();
        // Typing goes on at the end of what stands there.
        let mut state = edit.state;
        let end = eframe::egui::text::CCursor::new(palette.query.chars().count());
        let range = eframe::egui::text::CCursorRange::one(end);
        state.cursor.set_char_range(Some(range));
        state.store(ui.ctx(), response.id);
    }
    let name = scene.t("palette-title");
    response.accessible_name(&name)
}

/// Tells a screen reader which row the arrows are at: the focus stays in the field.
fn point_at(ui: &Ui, field: &Response, deed: &Deed) {
    let row = row_id(deed).accesskit_id();
    ui.ctx().accesskit_node_builder(field.id, |node| {
        node.set_active_descendant(row);
    });
}

fn row_id(deed: &Deed) -> Id {
    Id::unique(("palette", deed.text()))
}

/// Draws what fits; what was clicked.
fn rows(
    ui: &mut Ui,
    here: &Here<'_>,
    found: &[Deed],
    (chosen, moved): (usize, bool),
    height: f32,
) -> Option<Deed> {
    let mut clicked = None;
    ui.add_space(6.0);
    ScrollArea::vertical()
        .id_salt("rows")
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (at, deed) in found.iter().enumerate() {
                let response = row(ui, here, deed, at == chosen);
                if at == chosen && moved {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    clicked = Some(deed.clone());
                }
            }
        });
    clicked
}

fn row(ui: &mut Ui, here: &Here<'_>, deed: &Deed, chosen: bool) -> Response {
    let scene = here.scene;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let response = ui.interact(rect, row_id(deed), Sense::click());
    if !ui.is_rect_visible(rect) {
        // Out of sight, but a screen reader counts it.
        let title = here.deed_title(deed);
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &title));
        return response;
    }
    let possible = here.possible(deed.op);
    let title = here.deed_title(deed);
    let keys = here.view.keys.shown_of(deed);
    let beside = match &possible {
        Err(why) => scene.say(&why.to_string()),
        Ok(()) if deed.argument.is_none() => told(scene, deed.op.takes()),
        Ok(()) => String::new(),
    };
    let painter = ui.painter();
    if chosen || response.hovered() {
        painter.rect_filled(rect, theme::ROUND_SMALL, theme::button_hover());
    }
    if chosen {
        let edge = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
        painter.rect_filled(edge, 1.0, theme::blue());
    }
    let inner = rect.shrink2(vec2(10.0, 0.0));
    let ink = if possible.is_ok() {
        theme::text()
    } else {
        theme::text_dim()
    };
    let centre = |galley: &eframe::egui::Galley| rect.center().y - galley.size().y / 2.0;
    let keys_line = widgets::fitted(
        ui,
        &keys,
        theme::bold,
        11.0..=13.0,
        170.0,
        theme::text_soft(),
    );
    let room = inner.width() - keys_line.size().x - 12.0;
    let title_line = widgets::fitted(ui, &title, theme::regular, 12.0..=15.0, room, ink);
    let room = room - title_line.size().x - 12.0;
    let painter = ui.painter();
    if room > 60.0 && !beside.is_empty() {
        let font = theme::regular;
        let line = widgets::fitted(ui, &beside, font, 12.0..=12.5, room, theme::text_dim());
        let at = eframe::egui::pos2(inner.left() + title_line.size().x + 12.0, centre(&line));
        painter.galley(at, line, theme::text_dim());
    }
    let at = eframe::egui::pos2(inner.right() - keys_line.size().x, centre(&keys_line));
    painter.galley(at, keys_line, theme::text_soft());
    let at = eframe::egui::pos2(inner.left(), centre(&title_line));
    painter.galley(at, title_line, ink);
    let enabled = possible.is_ok();
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &title));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        let parts = [keys.as_str(), beside.as_str()];
        let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if !words.is_empty() {
            node.set_description(words.join(". "));
        }
        node.set_selected(chosen);
        if !enabled {
            node.set_disabled();
        }
    });
    if beside.is_empty() {
        response
    } else {
        response.on_hover_text(beside)
    }
}

/// What an operation is told, in the window's language.
pub fn told(scene: &Scene<'_>, takes: Takes) -> String {
    let bounds = |key: &str, unit: &str, from: f64, to: f64| {
        let (from, to) = (from.to_string(), to.to_string());
        let variables = [("from", from.as_str()), ("to", &to), ("unit", unit)];
        scene.texts.f(key, &variables)
    };
    match takes {
        Takes::Nothing => String::new(),
        Takes::Number { unit, from, to } => bounds("takes-number", unit, from, to),
        Takes::Text { example, .. } => scene.texts.f("takes-text", &[("example", example)]),
        Takes::Secret { .. } => scene.t("takes-secret"),
        Takes::Input => scene.t("takes-input"),
        Takes::InputAndNumber { unit, from, to } => bounds("takes-input-number", unit, from, to),
    }
}

/// What was said last, or how the palette is used.
fn foot(ui: &mut Ui, scene: &Scene<'_>, palette: &Palette, none: bool) {
    ui.add_space(6.0);
    let (text, ink) = match &palette.said {
        Some(said) => (said.clone(), theme::amber()),
        None if none => (scene.t("palette-none"), theme::amber()),
        None => (scene.t("palette-keys"), theme::text_dim()),
    };
    let response = ui.add(
        eframe::egui::Label::new(
            eframe::egui::RichText::new(&text)
                .font(theme::regular(13.0))
                .color(ink),
        )
        .wrap(),
    );
    if palette.said.is_some() || none {
        // Read out when it changes.
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_live(accesskit::Live::Polite);
        });
    }
}
