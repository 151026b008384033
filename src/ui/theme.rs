//! Every colour, size and rounding of the window. Nothing else under `ui` makes a colour; a test
//! holds that. Drawn by the window's thread.
//!
//! Two looks: for a dark control room near-black with light only where something is to be read, for a bright room its
//! reverse. The signal colours began with Okabe and Ito's palette and were moved until every pair of them is told apart
//! with normal sight and with each kind of colour blindness, in both looks (the tests simulate it); each comes with a
//! shape and a word all the same.

use crate::session::snapshot::{Severity, State};
use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Vec2,
};
use std::cell::Cell;

/// The colours of one look.
#[derive(Debug)]
struct Palette {
    /// Behind everything.
    ground: Color32,
    /// A card.
    card: Color32,
    /// A raised or sunken part of a card: tiles, fields, meters.
    well: Color32,
    /// A button at rest.
    button: Color32,
    /// A button under the pointer.
    button_hover: Color32,
    /// Lines between parts.
    line: Color32,
    /// Figures and what matters.
    text: Color32,
    /// Words beside figures.
    text_soft: Color32,
    /// Captions; still 4.5:1 on a card.
    text_dim: Color32,
    /// Text on a bright signal colour.
    ink: Color32,
    /// Selection, focus, the main line of a graph.
    blue: Color32,
    /// All is well; begin.
    green: Color32,
    /// The GO LIVE button, dark enough for white text.
    go: Color32,
    /// The GO LIVE button under the pointer.
    go_hover: Color32,
    /// Text on what is dark in each look: GO LIVE, on air.
    bright: Color32,
    /// On air, dark enough for white text.
    on_air: Color32,
    /// The STOP button: not as loud as ON AIR, so that the two are not confused.
    stop: Color32,
    /// The STOP button under the pointer.
    stop_hover: Color32,
    /// Outline and square of the STOP button.
    stop_edge: Color32,
    /// Not as wished.
    amber: Color32,
    /// Failed: an operator must act.
    yellow: Color32,
    /// Out of bounds.
    vermillion: Color32,
    /// A fourth series beside blue, green and amber.
    purple: Color32,
    /// The stages' series.
    stages: [Color32; 5],
    /// Ground and ink of a large warning.
    warning: (Color32, Color32),
    /// Ground and ink of a large failure.
    failure: (Color32, Color32),
    /// Behind what is selected.
    selection: Color32,
    is_dark: bool,
}

/// For a dark control room.
static DARK: Palette = Palette {
    ground: Color32::from_rgb(0x0a, 0x0d, 0x12),
    card: Color32::from_rgb(0x12, 0x17, 0x1f),
    well: Color32::from_rgb(0x1a, 0x21, 0x2c),
    button: Color32::from_rgb(0x23, 0x2c, 0x3a),
    button_hover: Color32::from_rgb(0x2e, 0x3a, 0x4c),
    line: Color32::from_rgb(0x27, 0x31, 0x3f),
    text: Color32::from_rgb(0xee, 0xf2, 0xf7),
    text_soft: Color32::from_rgb(0xab, 0xb6, 0xc6),
    text_dim: Color32::from_rgb(0x83, 0x90, 0xa3),
    ink: Color32::from_rgb(0x0a, 0x0d, 0x12),
    blue: Color32::from_rgb(0x80, 0xca, 0xff),
    green: Color32::from_rgb(0x41, 0xb2, 0x85),
    go: Color32::from_rgb(0x07, 0x70, 0x53),
    go_hover: Color32::from_rgb(0x08, 0x7a, 0x5a),
    bright: Color32::from_rgb(0xee, 0xf2, 0xf7),
    on_air: Color32::from_rgb(0xd0, 0x21, 0x21),
    stop: Color32::from_rgb(0x3a, 0x1c, 0x20),
    stop_hover: Color32::from_rgb(0x52, 0x24, 0x29),
    stop_edge: Color32::from_rgb(0xff, 0x6b, 0x5e),
    amber: Color32::from_rgb(0xff, 0xaa, 0x21),
    yellow: Color32::from_rgb(0xff, 0xed, 0x84),
    vermillion: Color32::from_rgb(0xee, 0x72, 0x48),
    purple: Color32::from_rgb(0xc9, 0x8a, 0xc0),
    stages: [
        Color32::from_rgb(0x6b, 0x73, 0x84),
        Color32::from_rgb(0xcf, 0xd9, 0xe7),
        Color32::from_rgb(0x3d, 0xb3, 0xed),
        Color32::from_rgb(0xbd, 0x81, 0xb5),
        Color32::from_rgb(0x45, 0x72, 0xbe),
    ],
    warning: (
        Color32::from_rgb(0xff, 0xaa, 0x21),
        Color32::from_rgb(0x0a, 0x0d, 0x12),
    ),
    failure: (
        Color32::from_rgb(0xff, 0xed, 0x84),
        Color32::from_rgb(0x0a, 0x0d, 0x12),
    ),
    selection: Color32::from_rgb(0x1f, 0x4e, 0x70),
    is_dark: true,
};

/// For a bright room.
static LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xe4, 0xe8, 0xee),
    card: Color32::from_rgb(0xfb, 0xfc, 0xfd),
    well: Color32::from_rgb(0xea, 0xee, 0xf3),
    button: Color32::from_rgb(0xdd, 0xe3, 0xeb),
    button_hover: Color32::from_rgb(0xcc, 0xd5, 0xe0),
    line: Color32::from_rgb(0xc3, 0xcc, 0xd8),
    text: Color32::from_rgb(0x12, 0x18, 0x20),
    text_soft: Color32::from_rgb(0x3c, 0x48, 0x58),
    text_dim: Color32::from_rgb(0x4f, 0x5a, 0x6a),
    ink: Color32::from_rgb(0xff, 0xff, 0xff),
    blue: Color32::from_rgb(0x06, 0x52, 0x94),
    green: Color32::from_rgb(0x1d, 0x72, 0x4b),
    go: Color32::from_rgb(0x07, 0x70, 0x53),
    go_hover: Color32::from_rgb(0x06, 0x60, 0x46),
    bright: Color32::from_rgb(0xff, 0xff, 0xff),
    on_air: Color32::from_rgb(0xc4, 0x1a, 0x1a),
    stop: Color32::from_rgb(0xf6, 0xdc, 0xda),
    stop_hover: Color32::from_rgb(0xee, 0xc6, 0xc3),
    stop_edge: Color32::from_rgb(0xb8, 0x22, 0x1c),
    amber: Color32::from_rgb(0x8c, 0x63, 0x11),
    yellow: Color32::from_rgb(0x7a, 0x62, 0x00),
    vermillion: Color32::from_rgb(0x90, 0x1e, 0x00),
    purple: Color32::from_rgb(0xb8, 0x60, 0x9f),
    stages: [
        Color32::from_rgb(0x7d, 0x8a, 0x99),
        Color32::from_rgb(0x27, 0x38, 0x46),
        Color32::from_rgb(0x07, 0x5f, 0xc1),
        Color32::from_rgb(0x9b, 0x4c, 0x85),
        Color32::from_rgb(0x28, 0x8c, 0xd8),
    ],
    warning: (
        Color32::from_rgb(0xf2, 0xa9, 0x3a),
        Color32::from_rgb(0x12, 0x18, 0x20),
    ),
    failure: (
        Color32::from_rgb(0xff, 0xed, 0x84),
        Color32::from_rgb(0x12, 0x18, 0x20),
    ),
    selection: Color32::from_rgb(0xb9, 0xd8, 0xf3),
    is_dark: false,
};

/// The looks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Light on near-black.
    #[default]
    Dark,
    /// Dark on near-white.
    Light,
}

thread_local! {
    /// The window's thread draws with one look at a time; tests have a thread each.
    static LOOK: Cell<Look> = const { Cell::new(Look::Dark) };
}

fn palette() -> &'static Palette {
    match LOOK.get() {
        Look::Dark => &DARK,
        Look::Light => &LIGHT,
    }
}

/// Behind everything.
pub fn ground() -> Color32 {
    palette().ground
}

/// A card.
pub fn card() -> Color32 {
    palette().card
}

/// A raised or sunken part of a card: tiles, fields, meters.
pub fn well() -> Color32 {
    palette().well
}

/// A button at rest.
pub fn button() -> Color32 {
    palette().button
}

/// A button under the pointer.
pub fn button_hover() -> Color32 {
    palette().button_hover
}

/// Lines between parts.
pub fn line() -> Color32 {
    palette().line
}

/// Figures and what matters.
pub fn text() -> Color32 {
    palette().text
}

/// Words beside figures.
pub fn text_soft() -> Color32 {
    palette().text_soft
}

/// Captions; still 4.5:1 on a card.
pub fn text_dim() -> Color32 {
    palette().text_dim
}

/// Text on a bright signal colour.
pub fn ink() -> Color32 {
    palette().ink
}

/// Behind the preview picture.
pub fn picture() -> Color32 {
    Color32::BLACK
}

/// Text on the preview's ground, which is black in each look.
pub fn on_picture() -> Color32 {
    DARK.text
}

/// Lesser text there.
pub fn on_picture_soft() -> Color32 {
    DARK.text_soft
}

/// Leaves a texture's colours as they are.
pub fn untinted() -> Color32 {
    Color32::WHITE
}

/// Selection, focus, the main line of a graph.
pub fn blue() -> Color32 {
    palette().blue
}

/// All is well; begin.
pub fn green() -> Color32 {
    palette().green
}

/// The GO LIVE button, dark enough for white text.
pub fn go() -> Color32 {
    palette().go
}

/// The GO LIVE button under the pointer.
pub fn go_hover() -> Color32 {
    palette().go_hover
}

/// Text on what is dark in each look: GO LIVE, on air.
pub fn bright() -> Color32 {
    palette().bright
}

/// Ground and ink of a large warning.
pub fn warning() -> (Color32, Color32) {
    palette().warning
}

/// On air, dark enough for white text.
pub fn on_air() -> Color32 {
    palette().on_air
}

/// The STOP button: not as loud as ON AIR, so that the two are not confused.
pub fn stop() -> Color32 {
    palette().stop
}

/// The STOP button under the pointer.
pub fn stop_hover() -> Color32 {
    palette().stop_hover
}

/// Outline and square of the STOP button.
pub fn stop_edge() -> Color32 {
    palette().stop_edge
}

/// Not as wished.
pub fn amber() -> Color32 {
    palette().amber
}

/// Failed: an operator must act.
pub fn yellow() -> Color32 {
    palette().yellow
}

/// Out of bounds.
pub fn vermillion() -> Color32 {
    palette().vermillion
}

/// A fourth series beside blue, green and amber.
pub fn purple() -> Color32 {
    palette().purple
}

/// Rounding of cards and big buttons.
pub const ROUND: u8 = 8;
/// Rounding of tiles, fields, small buttons.
pub const ROUND_SMALL: u8 = 5;
/// Space between cards.
pub const GAP: f32 = 10.0;

/// Medium type, from 11 points (captions) up.
pub fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Bold type.
pub fn bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(super::fonts::BOLD.into()))
}

/// Ground and ink of a state's badge.
pub fn state_colours(state: &State) -> (Color32, Color32) {
    match state {
        State::Idle => (well(), text_soft()),
        State::Preflight | State::Starting | State::Stopping => (blue(), ink()),
        State::Live => (on_air(), bright()),
        State::Reconnecting { .. } => palette().warning,
        State::Failed { .. } => palette().failure,
    }
}

/// Colour of a log line's mark.
pub fn severity_colour(severity: Severity) -> Color32 {
    match severity {
        Severity::Info => text_dim(),
        Severity::Warning => amber(),
        Severity::Error => vermillion(),
    }
}

/// Colours of the stages picture, written, encoded, sent, arrived: none of those that mean good or bad.
pub fn stages() -> [Color32; 5] {
    palette().stages
}

/// A colour with the given share of opacity.
pub fn faded(colour: Color32, opacity: f32) -> Color32 {
    colour.gamma_multiply(opacity)
}

/// The look that this thread draws with.
pub fn look() -> Look {
    LOOK.get()
}

/// Sets the look of every widget, and of all that is drawn on this thread from now on.
pub fn apply(ctx: &egui::Context, look: Look) {
    LOOK.set(look);
    ctx.set_theme(match look {
        Look::Dark => egui::Theme::Dark,
        Look::Light => egui::Theme::Light,
    });
    ctx.all_styles_mut(|style| {
        style.visuals = visuals();
        style.text_styles = [
            (TextStyle::Small, regular(12.0)),
            (TextStyle::Body, regular(14.0)),
            (TextStyle::Button, regular(14.0)),
            (TextStyle::Heading, bold(18.0)),
            (TextStyle::Monospace, regular(14.0)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(8.0, 6.0);
        style.spacing.button_padding = Vec2::new(12.0, 5.0);
        style.spacing.interact_size = Vec2::new(36.0, 28.0);
        style.spacing.combo_width = 120.0;
        style.spacing.icon_width = 18.0;
        style.spacing.icon_width_inner = 10.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.4;
        style.animation_time = 0.0;
    });
}

fn visuals() -> egui::Visuals {
    let mut visuals = if palette().is_dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    let edge = |colour| Stroke::new(1.0, colour);
    visuals.panel_fill = ground();
    visuals.window_fill = card();
    visuals.window_stroke = edge(line());
    visuals.window_corner_radius = CornerRadius::same(ROUND);
    visuals.menu_corner_radius = CornerRadius::same(ROUND_SMALL);
    visuals.window_shadow = Shadow {
        offset: [0, 6],
        blur: 24,
        spread: 0,
        color: Color32::from_black_alpha(if palette().is_dark { 0xa0 } else { 0x50 }),
    };
    visuals.popup_shadow = visuals.window_shadow;
    visuals.extreme_bg_color = well();
    visuals.faint_bg_color = well();
    visuals.code_bg_color = well();
    visuals.hyperlink_color = blue();
    visuals.warn_fg_color = amber();
    visuals.error_fg_color = vermillion();
    visuals.weak_text_color = Some(text_dim());
    visuals.selection.bg_fill = palette().selection;
    visuals.selection.stroke = edge(text());
    visuals.slider_trailing_fill = true;
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = CornerRadius::same(ROUND_SMALL);
        widget.expansion = 0.0;
        widget.fg_stroke = edge(text());
        widget.bg_fill = button();
        widget.weak_bg_fill = button();
        widget.bg_stroke = edge(line());
    }
    widgets.noninteractive.fg_stroke = edge(text_soft());
    widgets.noninteractive.bg_fill = card();
    widgets.noninteractive.weak_bg_fill = card();
    widgets.hovered.bg_fill = button_hover();
    widgets.hovered.weak_bg_fill = button_hover();
    widgets.hovered.bg_stroke = edge(text_dim());
    widgets.active.bg_fill = button_hover();
    widgets.active.weak_bg_fill = button_hover();
    // Also the mark of the keyboard's focus: two pixels of the signal blue.
    widgets.active.bg_stroke = Stroke::new(2.0, blue());
    widgets.open.bg_stroke = edge(blue());
    visuals
}

/// A card: the frame around each part of the window.
pub fn card_frame() -> egui::Frame {
    egui::Frame::new()
        .fill(card())
        .stroke(Stroke::new(1.0, line()))
        .corner_radius(CornerRadius::same(ROUND))
        .inner_margin(Margin::same(12))
}

#[cfg(test)]
mod tests;
