//! The captured picture. A texture is uploaded only when the session has made a new picture.

use super::Scene;
use crate::session::snapshot::Preview;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::{
    self, Align, ColorImage, Layout, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, Vec2,
    pos2,
};

/// The texture of the newest picture.
#[derive(Default)]
pub struct Screen {
    texture: Option<(u64, TextureHandle)>,
    /// How many pictures were uploaded, for tests.
    pub uploads: u64,
}

impl Screen {
    /// Uploads `preview` where it is a new one.
    pub fn take(&mut self, ctx: &egui::Context, preview: Option<&Preview>) {
        let Some(preview) = preview else {
            self.texture = None;
            return;
        };
        let size = [preview.size.width as usize, preview.size.height as usize];
        let known = matches!(&self.texture, Some((number, _)) if *number == preview.number);
        // A picture whose bytes do not fit its size is a fault elsewhere, not worth a panic here.
        if known || preview.rgba.len() != 4 * preview.size.pixels() || preview.rgba.is_empty() {
            return;
        }
        let image = ColorImage::from_rgba_unmultiplied(size, &preview.rgba);
        self.uploads += 1;
        match &mut self.texture {
            Some((number, texture)) => {
                *number = preview.number;
                texture.set(image, TextureOptions::LINEAR);
            }
            none => {
                let texture = ctx.load_texture("preview", image, TextureOptions::LINEAR);
                *none = Some((preview.number, texture));
            }
        }
    }
}

/// Draws the panel's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, screen: &Screen, on: bool, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    widgets::row(ui, 28.0, |ui| {
        widgets::caption(ui, &scene.t("preview-title"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut shown = on;
            ui.checkbox(&mut shown, scene.t("preview-show"));
            if shown != on {
                actions.push(Action::Preview(shown));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let font = theme::regular(13.0);
                widgets::short_text(ui, &snapshot.source, font, theme::TEXT_SOFT);
            });
        });
    });
    let foot = 20.0;
    let size = Vec2::new(
        ui.available_width(),
        (ui.available_height() - foot - 4.0).max(40.0),
    );
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let name = scene
        .texts
        .f("preview-name", &[("source", &snapshot.source)]);
    widgets::name(&response, Role::Image, &name);
    ui.painter().rect_filled(rect, 3.0, theme::PICTURE);
    match &screen.texture {
        Some((_, texture)) if on => {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let inside = fit(texture.size_vec2(), rect);
            ui.painter()
                .image(texture.id(), inside, uv, theme::UNTINTED);
        }
        _ => nothing(ui, scene, rect, on),
    }
    let video = &snapshot.settings.video;
    let mut facts = format!("{}  ·  {} fps", video.size, video.fps);
    if !snapshot.encoder.is_empty() {
        facts = format!("{facts}  ·  {}", snapshot.encoder);
    }
    widgets::short_text(ui, facts, theme::regular(12.5), theme::TEXT_DIM);
}

/// Says in the middle of the empty screen why it is empty.
fn nothing(ui: &Ui, scene: &Scene<'_>, rect: Rect, on: bool) {
    let (title, hint) = if on {
        (scene.t("preview-none"), scene.t("preview-none-hint"))
    } else {
        (scene.t("preview-off"), String::new())
    };
    let room = rect.width() - 16.0;
    let title = widgets::fitted(
        ui,
        &title,
        theme::regular,
        11.0..=16.0,
        room,
        theme::TEXT_SOFT,
    );
    let hint = widgets::fitted(
        ui,
        &hint,
        theme::regular,
        10.0..=13.0,
        room,
        theme::TEXT_DIM,
    );
    let at = |width: f32, y: f32| pos2(rect.center().x - width / 2.0, y);
    let middle = rect.center().y;
    let painter = ui.painter();
    painter.galley(
        at(title.size().x, middle - title.size().y),
        title,
        theme::TEXT_SOFT,
    );
    painter.galley(at(hint.size().x, middle + 2.0), hint, theme::TEXT_DIM);
}

/// The largest rectangle of the picture's aspect in the middle of `into`.
fn fit(picture: Vec2, into: Rect) -> Rect {
    let scale = (into.width() / picture.x.max(1.0)).min(into.height() / picture.y.max(1.0));
    Rect::from_center_size(into.center(), picture * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    #[test]
    fn a_picture_is_uploaded_once_and_a_misfit_never() {
        let ctx = egui::Context::default();
        let mut screen = Screen::default();
        let mut preview = Preview {
            number: 1,
            size: Size::new(4, 2),
            rgba: vec![7; 32].into(),
        };
        screen.take(&ctx, Some(&preview));
        screen.take(&ctx, Some(&preview));
        assert_eq!(screen.uploads, 1);
        preview.number = 2;
        screen.take(&ctx, Some(&preview));
        assert_eq!(screen.uploads, 2);
        preview.number = 3;
        preview.size = Size::new(5, 2);
        screen.take(&ctx, Some(&preview));
        assert_eq!(screen.uploads, 2, "32 bytes are no 5x2 picture");
    }

    #[test]
    fn the_aspect_is_kept() {
        let into = Rect::from_min_size(pos2(10.0, 10.0), Vec2::new(100.0, 100.0));
        let inside = fit(Vec2::new(1280.0, 720.0), into);
        assert!((inside.width() - 100.0).abs() < 1e-3);
        assert!((inside.height() - 56.25).abs() < 1e-3);
        assert_eq!(inside.center(), into.center());
    }
}
