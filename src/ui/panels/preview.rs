//! The captured picture. A texture is uploaded only when the session has made a new picture.

use super::Scene;
use super::side::Side;
use crate::monitor::thread_time::thread_time;
use crate::session::snapshot::Preview;
use crate::ui::actions::Action;
use crate::ui::numbers;
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
    /// CPU time that a picture costs, smoothed, microseconds: made by the session, taken over here.
    cost_us: f32,
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
        let before = thread_time();
        // Opaque, so both forms are the same and this one needs no arithmetic.
        let image = ColorImage::from_rgba_premultiplied(size, &preview.rgba);
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
        let here = thread_time().saturating_sub(before).as_micros() as f32;
        let cost = here + preview.cost_us as f32;
        // The first one counts whole; later ones are smoothed over about 20.
        let weight = if self.cost_us == 0.0 { 1.0 } else { 0.05 };
        self.cost_us += (cost - self.cost_us) * weight;
    }

    /// Paints the picture into `rect`, black where there is none.
    pub fn paint(&self, ui: &Ui, rect: Rect) {
        ui.painter().rect_filled(rect, 3.0, theme::picture());
        if let Some((_, texture)) = &self.texture {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let inside = fit(texture.size_vec2(), rect);
            ui.painter()
                .image(texture.id(), inside, uv, theme::untinted());
        }
    }

    /// What the preview takes at `fps`, percent of one core.
    fn load_percent(&self, fps: u32) -> f32 {
        self.cost_us * fps as f32 / 10_000.0
    }
}

/// Draws the panel's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, screen: &Screen, on: bool, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    widgets::row(ui, 28.0, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut shown = on;
            ui.checkbox(&mut shown, scene.t("preview-show"));
            if shown != on {
                actions.push(Action::Preview(shown));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let font = theme::regular(13.0);
                widgets::short_text(ui, scene.say(&snapshot.source), font, theme::text_soft());
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
        .f("preview-name", &[("source", &scene.say(&snapshot.source))]);
    widgets::name(&response, Role::Image, &name);
    ui.painter().rect_filled(rect, 3.0, theme::picture());
    match &screen.texture {
        Some((_, texture)) if on => {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let inside = fit(texture.size_vec2(), rect);
            ui.painter()
                .image(texture.id(), inside, uv, theme::untinted());
        }
        _ => nothing(ui, scene, rect, on),
    }
    let video = &snapshot.settings.video;
    // The encoder's words have size and rate too.
    let mut facts = if snapshot.encoder.is_empty() {
        format!("{}  ·  {} fps", video.size, video.fps)
    } else {
        snapshot.encoder.clone()
    };
    if on && screen.texture.is_some() {
        let fps = snapshot.settings.preview.fps;
        let load = numbers::fixed(screen.load_percent(fps), 1);
        let words = [("fps", fps.to_string()), ("load", load)];
        let words = words
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        facts = format!("{facts}  ·  {}", scene.texts.f("preview-cost", &words));
    }
    widgets::short_text(ui, facts, theme::regular(12.5), theme::text_dim());
    if let Some(problem) = &snapshot.picture.problem {
        lost(ui, scene, rect, &scene.say(problem), actions);
    } else if let Some(asks) = &snapshot.picture.asks {
        banner(ui, rect, theme::amber(), &scene.say(asks));
    }
}

/// After so long without a source another one is offered (cases.md B05).
const OFFER_AFTER: std::time::Duration = std::time::Duration::from_secs(10);

/// The source is lost: says so over the picture, which is the last one, and offers another.
fn lost(ui: &mut Ui, scene: &Scene<'_>, rect: Rect, problem: &str, actions: &mut Vec<Action>) {
    let gone = snapshot_gone(scene);
    let seconds = gone.as_secs().to_string();
    let title = scene.texts.f("preview-lost", &[("seconds", &seconds)]);
    banner(
        ui,
        rect,
        theme::vermillion(),
        &format!("{title}\n{problem}"),
    );
    if gone < OFFER_AFTER {
        return;
    }
    let size = egui::vec2(240.0_f32.min(rect.width() - 24.0), 32.0);
    let place = Rect::from_min_size(rect.left_bottom() + egui::vec2(12.0, -44.0), size);
    let text = egui::RichText::new(scene.t("preview-other"))
        .font(theme::bold(14.0))
        .color(theme::ink());
    if ui
        .put(place, egui::Button::new(text).fill(theme::amber()))
        .clicked()
    {
        actions.push(Action::ShowSide(Some(Side::Settings)));
    }
}

fn snapshot_gone(scene: &Scene<'_>) -> std::time::Duration {
    let since = scene.snapshot.picture.lost_since;
    since.map_or_else(Default::default, |since| scene.snapshot.at.since(since))
}

/// A line of words over the top of the picture, on a ground of its own with a coloured edge.
fn banner(ui: &Ui, rect: Rect, colour: egui::Color32, text: &str) {
    let mut job = egui::epaint::text::LayoutJob::simple(
        text.to_owned(),
        theme::regular(13.5),
        theme::on_picture(),
        (rect.width() - 28.0).max(40.0),
    );
    job.wrap.max_rows = 4;
    let galley = ui.painter().layout_job(job);
    let ground = Rect::from_min_size(rect.min, egui::vec2(rect.width(), galley.size().y + 14.0));
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(ground, 3.0, theme::picture());
    let edge = Rect::from_min_size(ground.min, egui::vec2(5.0, ground.height()));
    painter.rect_filled(edge, 0.0, colour);
    let at = ground.min + egui::vec2(14.0, 7.0);
    painter.galley(at, galley, theme::on_picture());
    let response = ui.interact(ground, ui.scope_id().with("banner"), Sense::hover());
    widgets::name(&response, Role::Label, text);
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
        theme::on_picture_soft(),
    );
    let hint = widgets::fitted(
        ui,
        &hint,
        theme::regular,
        10.0..=13.0,
        room,
        theme::on_picture_soft(),
    );
    let at = |width: f32, y: f32| pos2(rect.center().x - width / 2.0, y);
    let middle = rect.center().y;
    let painter = ui.painter();
    painter.galley(
        at(title.size().x, middle - title.size().y),
        title,
        theme::on_picture_soft(),
    );
    painter.galley(
        at(hint.size().x, middle + 2.0),
        hint,
        theme::on_picture_soft(),
    );
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
            cost_us: 300,
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
