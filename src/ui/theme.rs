//! Every colour, size and rounding of the window. Nothing else under `ui` makes a colour; a test
//! holds that. Drawn by the window's thread.
//!
//! Chosen for a dark control room: near-black ground, light only where something is to be read.
//! The signal colours follow Okabe and Ito's palette (told apart with any common colour blindness),
//! and each comes with a shape and a word.

use crate::session::snapshot::{Severity, State};
use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Vec2,
};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(0x0a, 0x0d, 0x12);
/// A card.
pub const CARD: Color32 = Color32::from_rgb(0x12, 0x17, 0x1f);
/// A raised or sunken part of a card: tiles, fields, meters.
pub const WELL: Color32 = Color32::from_rgb(0x1a, 0x21, 0x2c);
/// A button at rest.
pub const BUTTON: Color32 = Color32::from_rgb(0x23, 0x2c, 0x3a);
/// A button under the pointer.
pub const BUTTON_HOVER: Color32 = Color32::from_rgb(0x2e, 0x3a, 0x4c);
/// Lines between parts.
pub const LINE: Color32 = Color32::from_rgb(0x27, 0x31, 0x3f);
/// Figures and what matters.
pub const TEXT: Color32 = Color32::from_rgb(0xee, 0xf2, 0xf7);
/// Words beside figures.
pub const TEXT_SOFT: Color32 = Color32::from_rgb(0xab, 0xb6, 0xc6);
/// Captions; still 4.5:1 on a card.
pub const TEXT_DIM: Color32 = Color32::from_rgb(0x83, 0x90, 0xa3);
/// Text on a bright signal colour.
pub const INK: Color32 = Color32::from_rgb(0x0a, 0x0d, 0x12);
/// Behind the preview picture.
pub const PICTURE: Color32 = Color32::BLACK;
/// Leaves a texture's colours as they are.
pub const UNTINTED: Color32 = Color32::WHITE;

/// Selection, focus, the main line of a graph.
pub const BLUE: Color32 = Color32::from_rgb(0x56, 0xb4, 0xe9);
/// All is well; begin.
pub const GREEN: Color32 = Color32::from_rgb(0x1f, 0xb8, 0x8a);
/// The GO LIVE button, dark enough for white text.
pub const GO: Color32 = Color32::from_rgb(0x08, 0x7a, 0x5a);
/// The GO LIVE button under the pointer.
pub const GO_HOVER: Color32 = Color32::from_rgb(0x0a, 0x82, 0x61);
/// On air, dark enough for white text.
pub const ON_AIR: Color32 = Color32::from_rgb(0xd0, 0x21, 0x21);
/// The STOP button: not as loud as ON AIR, so that the two are not confused.
pub const STOP: Color32 = Color32::from_rgb(0x3a, 0x1c, 0x20);
/// The STOP button under the pointer.
pub const STOP_HOVER: Color32 = Color32::from_rgb(0x52, 0x24, 0x29);
/// Outline and square of the STOP button.
pub const STOP_EDGE: Color32 = Color32::from_rgb(0xff, 0x6b, 0x5e);
/// Not as wished.
pub const AMBER: Color32 = Color32::from_rgb(0xf0, 0xa2, 0x2e);
/// Failed: an operator must act.
pub const YELLOW: Color32 = Color32::from_rgb(0xf4, 0xdc, 0x4a);
/// Out of bounds.
pub const VERMILLION: Color32 = Color32::from_rgb(0xff, 0x7a, 0x45);
/// A fourth series beside blue, green and amber.
pub const PURPLE: Color32 = Color32::from_rgb(0xc9, 0x8a, 0xc0);

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
        State::Idle => (WELL, TEXT_SOFT),
        State::Preflight | State::Starting | State::Stopping => (BLUE, INK),
        State::Live => (ON_AIR, TEXT),
        State::Reconnecting { .. } => (AMBER, INK),
        State::Failed { .. } => (YELLOW, INK),
    }
}

/// Colour of a log line's mark.
pub fn severity_colour(severity: Severity) -> Color32 {
    match severity {
        Severity::Info => TEXT_DIM,
        Severity::Warning => AMBER,
        Severity::Error => VERMILLION,
    }
}

/// Colours of the stages picture, written, encoded, sent, arrived: none of those that mean good or bad.
pub const STAGES: [Color32; 5] = [
    Color32::from_rgb(0x5c, 0x68, 0x7a),
    Color32::from_rgb(0xa6, 0xb3, 0xc6),
    BLUE,
    PURPLE,
    Color32::from_rgb(0x3f, 0x72, 0xc4),
];

/// A colour with the given share of opacity.
pub fn faded(colour: Color32, opacity: f32) -> Color32 {
    colour.gamma_multiply(opacity)
}

/// Sets the look of every widget.
pub fn apply(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
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
    let mut visuals = egui::Visuals::dark();
    let edge = |colour| Stroke::new(1.0, colour);
    visuals.panel_fill = GROUND;
    visuals.window_fill = CARD;
    visuals.window_stroke = edge(LINE);
    visuals.window_corner_radius = CornerRadius::same(ROUND);
    visuals.menu_corner_radius = CornerRadius::same(ROUND_SMALL);
    visuals.window_shadow = Shadow {
        offset: [0, 6],
        blur: 24,
        spread: 0,
        color: Color32::from_black_alpha(0xa0),
    };
    visuals.popup_shadow = visuals.window_shadow;
    visuals.extreme_bg_color = WELL;
    visuals.faint_bg_color = WELL;
    visuals.code_bg_color = WELL;
    visuals.hyperlink_color = BLUE;
    visuals.warn_fg_color = AMBER;
    visuals.error_fg_color = VERMILLION;
    visuals.weak_text_color = Some(TEXT_DIM);
    visuals.selection.bg_fill = Color32::from_rgb(0x1f, 0x4e, 0x70);
    visuals.selection.stroke = edge(TEXT);
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
        widget.fg_stroke = edge(TEXT);
        widget.bg_fill = BUTTON;
        widget.weak_bg_fill = BUTTON;
        widget.bg_stroke = edge(LINE);
    }
    widgets.noninteractive.fg_stroke = edge(TEXT_SOFT);
    widgets.noninteractive.bg_fill = CARD;
    widgets.noninteractive.weak_bg_fill = CARD;
    widgets.hovered.bg_fill = BUTTON_HOVER;
    widgets.hovered.weak_bg_fill = BUTTON_HOVER;
    widgets.hovered.bg_stroke = edge(TEXT_DIM);
    widgets.active.bg_fill = BUTTON_HOVER;
    widgets.active.weak_bg_fill = BUTTON_HOVER;
    // Also the mark of the keyboard's focus: two pixels of the signal blue.
    widgets.active.bg_stroke = Stroke::new(2.0, BLUE);
    widgets.open.bg_stroke = edge(BLUE);
    visuals
}

/// A card: the frame around each part of the window.
pub fn card() -> egui::Frame {
    egui::Frame::new()
        .fill(CARD)
        .stroke(Stroke::new(1.0, LINE))
        .corner_radius(CornerRadius::same(ROUND))
        .inner_margin(Margin::same(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2's relative luminance.
    fn luminance(colour: Color32) -> f64 {
        let part = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(colour.r()) + 0.7152 * part(colour.g()) + 0.0722 * part(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_on_its_ground() {
        for (text, ground) in [
            (TEXT, CARD),
            (TEXT_SOFT, WELL),
            (TEXT_DIM, CARD),
            (TEXT_DIM, WELL),
            (TEXT, GO),
            (TEXT, GO_HOVER),
            (TEXT, STOP),
            (TEXT, STOP_HOVER),
            (TEXT, BUTTON_HOVER),
            (VERMILLION, CARD),
            (AMBER, CARD),
        ] {
            let ratio = contrast(text, ground);
            assert!(ratio >= 4.0, "{text:?} on {ground:?} is {ratio:.2}:1");
        }
        let states = [
            State::Idle,
            State::Preflight,
            State::Starting,
            State::Live,
            State::Reconnecting { attempt: 1 },
            State::Stopping,
            State::Failed {
                message: String::new(),
            },
        ];
        for state in states {
            let (ground, ink) = state_colours(&state);
            let ratio = contrast(ink, ground);
            assert!(ratio >= 4.5, "{state:?} is {ratio:.2}:1");
        }
    }

    #[test]
    fn no_other_file_of_the_window_makes_a_colour() {
        for (path, text) in crate::ui::sources() {
            if path.ends_with("theme.rs") {
                continue;
            }
            for word in ["Color32::", "Rgba::", "Hsva::", "hex_color!"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}
