//! Small parts that the panels are built of. Drawn by the window's thread; they hold no state of a
//! show.

pub mod big_button;
pub mod bitrate_slider;
pub mod block;
pub mod gauge;
pub mod level_meter;
pub mod marks;

use super::theme;
use eframe::egui::{
    self, Color32, FontId, Galley, RichText, Role, Ui, WidgetInfo, epaint::text::TextWrapping,
};
use std::sync::Arc;

/// A small caption over a part of the window.
pub fn caption(ui: &mut Ui, text: &str) -> egui::Response {
    ui.label(
        RichText::new(text)
            .font(theme::bold(13.0))
            .color(theme::text_soft()),
    )
}

/// One line of a panel, `height` points high, its parts in the middle of it.
pub fn row<R>(ui: &mut Ui, height: f32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let size = egui::vec2(ui.available_width(), height);
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.set_min_size(size);
        contents(ui)
    })
    .inner
}

/// A label of the given type and colour.
pub fn text(ui: &mut Ui, text: impl Into<String>, font: FontId, colour: Color32) -> egui::Response {
    ui.label(RichText::new(text).font(font).color(colour))
}

/// A label that ends in "…" where it does not fit, and shows all when pointed at.
pub fn short_text(
    ui: &mut Ui,
    text: impl Into<String>,
    font: FontId,
    colour: Color32,
) -> egui::Response {
    ui.add(egui::Label::new(RichText::new(text).font(font).color(colour)).truncate())
}

/// Lays one line out in the largest type from `largest` down to `smallest` that fits `width`;
/// where even the smallest does not, it ends in "…".
pub fn fitted(
    ui: &Ui,
    text: &str,
    font: fn(f32) -> FontId,
    sizes: std::ops::RangeInclusive<f32>,
    width: f32,
    colour: Color32,
) -> Arc<Galley> {
    let (smallest, largest) = (*sizes.start(), *sizes.end());
    let line = |size: f32| {
        ui.painter()
            .layout_no_wrap(text.to_owned(), font(size), colour)
    };
    let galley = line(largest);
    if galley.size().x <= width {
        return galley;
    }
    let size = (largest * width / galley.size().x).floor().max(smallest);
    let galley = line(size);
    if galley.size().x <= width {
        return galley;
    }
    let mut job =
        egui::epaint::text::LayoutJob::simple_singleline(text.to_owned(), font(smallest), colour);
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

/// Gives a painted figure a name for screen readers and tests.
pub fn name(response: &egui::Response, role: Role, name: &str) {
    response.widget_info(|| WidgetInfo::labeled(role, true, name));
}

/// A part of a card with a caption over a figure. Both are painted in the given rectangle.
pub fn tile(ui: &mut Ui, rect: egui::Rect, title: &str, value: &str, value_colour: Color32) {
    let inner = rect.shrink2(egui::vec2(8.0, 4.0));
    let head = fitted(
        ui,
        title,
        theme::regular,
        9.0..=12.0,
        inner.width(),
        theme::text_dim(),
    );
    let body = fitted(
        ui,
        value,
        theme::bold,
        10.0..=17.0,
        inner.width(),
        value_colour,
    );
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::well());
    painter.galley(inner.left_top(), head, theme::text_dim());
    let at = egui::pos2(inner.left(), inner.bottom() - body.size().y);
    painter.galley(at, body, value_colour);
    let response = ui.interact(
        rect,
        ui.scope_id().with(("tile", title)),
        egui::Sense::hover(),
    );
    name(&response, Role::Label, &format!("{title}: {value}"));
}
