//! What the pages of the side panel are built of: a heading with a verdict, tiles in columns,
//! words over the whole width.

use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Align, Color32, FontId, Label, Layout, Painter, Pos2, Rect, RichText, Sense, Stroke, Ui, pos2,
    vec2,
};

/// How something stands: a shape and a colour for the words beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Not as it should be.
    Poor,
    /// Wrong.
    Bad,
    /// Not known, not looked at.
    Unknown,
    /// On its way.
    Busy,
}

impl Verdict {
    /// Its colour.
    pub fn colour(self) -> Color32 {
        match self {
            Self::Good => theme::green(),
            Self::Poor => theme::amber(),
            Self::Bad => theme::vermillion(),
            Self::Unknown => theme::text_dim(),
            Self::Busy => theme::blue(),
        }
    }

    /// Draws its shape.
    pub fn mark(self, painter: &Painter, centre: Pos2, radius: f32) {
        let colour = self.colour();
        match self {
            Self::Good => marks::tick(painter, centre, radius, colour),
            Self::Poor => {
                let centre = centre + vec2(0.0, radius * 0.2);
                marks::triangle(painter, centre, radius * 1.1, -0.25, colour);
            }
            Self::Bad => marks::cross(painter, centre, radius * 0.75, Stroke::new(2.5, colour)),
            Self::Unknown => {
                let arm = vec2(radius * 0.7, 0.0);
                let stroke = Stroke::new(2.0, colour);
                painter.line_segment([centre - arm, centre + arm], stroke);
            }
            Self::Busy => {
                for i in -1..=1 {
                    let at = centre + vec2(i as f32 * radius * 0.8, 0.0);
                    painter.circle_filled(at, radius * 0.28, colour);
                }
            }
        }
    }

    /// Allocates room for its shape and draws it there.
    pub fn show(self, ui: &mut Ui) {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 16.0), Sense::hover());
        self.mark(ui.painter(), rect.center(), 6.0);
    }
}

/// A heading on the left and, on the right, how it stands.
pub fn head(ui: &mut Ui, title: &str, verdict: Option<(Verdict, &str)>) {
    ui.add_space(8.0);
    widgets::row(ui, 20.0, |ui| {
        widgets::text(ui, title, theme::bold(13.5), theme::text_soft());
        let Some((verdict, words)) = verdict else {
            return;
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let room = ui.available_width() - 20.0;
            let colour = verdict.colour();
            let galley = widgets::fitted(ui, words, theme::bold, 10.5..=13.5, room, colour);
            ui.label(galley);
            verdict.show(ui);
        });
    });
}

/// One tile: a caption and its figure. None is a dash, never a zero.
pub type Tile<'a> = (&'a str, Option<String>);

/// A row of tiles of equal width, 46 points high; `unknown` stands where there is no figure.
pub fn tiles(ui: &mut Ui, tiles: &[Tile<'_>], unknown: &str) {
    columns(ui, tiles, tiles.len(), unknown);
}

/// The same in so many columns, of which the last ones may stay empty.
pub fn columns(ui: &mut Ui, tiles: &[Tile<'_>], count: usize, unknown: &str) {
    let gap = 6.0;
    let count = count.max(1) as f32;
    let size = vec2(ui.available_width(), 46.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let width = (rect.width() - gap * (count - 1.0)) / count;
    for (i, (title, value)) in tiles.iter().enumerate() {
        let left = rect.left() + i as f32 * (width + gap);
        let cell = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        let (value, colour) = match value {
            Some(value) => (value.as_str(), theme::text()),
            None => (unknown, theme::text_dim()),
        };
        widgets::tile(ui, cell, title, value, colour);
    }
}

/// Words over the whole width, in as many lines as they need; they can be marked and copied.
pub fn words(ui: &mut Ui, text: impl Into<String>, font: FontId, colour: Color32) {
    let text = RichText::new(text).font(font).color(colour);
    ui.add(Label::new(text).wrap().selectable(true));
}
