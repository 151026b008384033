//! A bar with a limit: what is there, where it ends, and whether it is within.

use crate::ui::theme;
use eframe::egui::{Color32, Painter, Rect, Sense, Stroke, Ui, pos2, vec2};

/// What a gauge shows, all in one unit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    /// The bar's end; no bar where it is not known.
    pub value: Option<f64>,
    /// As far as it mostly goes: a fainter bar behind.
    pub mostly: Option<f64>,
    /// As far as it went: a thin line.
    pub furthest: Option<f64>,
    /// The limit's line.
    pub limit: f64,
}

impl Gauge {
    /// The scale's end: the limit stands at three quarters, unless something is beyond the scale.
    fn top(&self) -> f64 {
        let shown = [self.value, self.mostly, self.furthest];
        let furthest = shown.into_iter().flatten().fold(0.0, f64::max);
        (self.limit / 0.75)
            .max(furthest * 1.04)
            .max(f64::MIN_POSITIVE)
    }

    /// Draws it over the whole width, 16 points high. `within` is the colour of a value within the
    /// limit; beyond it the bar is amber. Where the limit stands is said beside it in words.
    pub fn show(&self, ui: &mut Ui, within: Color32) {
        let size = vec2(ui.available_width(), 16.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        if ui.is_rect_visible(rect) {
            self.paint(ui.painter(), rect, within);
        }
    }

    fn paint(&self, painter: &Painter, rect: Rect, within: Color32) {
        let rail = rect.shrink2(vec2(0.0, 3.0));
        let top = self.top();
        let x = |value: f64| rail.left() + (value / top).clamp(0.0, 1.0) as f32 * rail.width();
        painter.rect_filled(rail, 2.0, theme::well());
        let colour = |value: f64| {
            if value > self.limit {
                theme::amber()
            } else {
                within
            }
        };
        if let Some(mostly) = self.mostly {
            let faint = theme::faded(colour(mostly), 0.45);
            painter.rect_filled(rail.with_max_x(x(mostly)), 2.0, faint);
        }
        if let Some(value) = self.value {
            painter.rect_filled(rail.with_max_x(x(value)), 2.0, colour(value));
        }
        if let Some(furthest) = self.furthest {
            let stroke = Stroke::new(2.0, colour(furthest));
            painter.vline(x(furthest), rail.y_range(), stroke);
        }
        // The limit reaches over the rail, with a foot: told from the thin line by its form.
        let at = x(self.limit);
        let stroke = Stroke::new(2.0, theme::text());
        painter.vline(at, rect.y_range(), stroke);
        let foot = pos2(at - 3.0, rect.bottom())..=pos2(at + 3.0, rect.bottom());
        painter.line_segment([*foot.start(), *foot.end()], stroke);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_always_in_sight_and_so_is_what_is_beyond_it() {
        let gauge = Gauge {
            limit: 30.0,
            ..Gauge::default()
        };
        assert_eq!(gauge.top(), 40.0);
        let beyond = Gauge {
            furthest: Some(100.0),
            ..gauge
        };
        assert!(beyond.top() > 100.0);
        assert!(Gauge::default().top() > 0.0, "never divided by zero");
    }
}
