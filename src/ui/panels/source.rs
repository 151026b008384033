//! The picture section of the settings: which screen, window or pattern, what of it, how it is
//! fitted. What is captured can be changed on air too, in two steps: a slip would show the wrong
//! screen. Size and rate change at once, as the encoder does (see [`super::encoder_choice`]).

use super::form::Form;
use super::settings::{RATES, SIZES, choose, row, section, tick};
use super::{Scene, theme};
use crate::capture::Choice;
use crate::capture::choice::resolve;
use crate::settings::{Fit, ScreenPart, VideoSettings, VideoSourceKind};
use crate::ui::actions::Action;
use crate::units::{Region, Size};
use eframe::egui::{Button, DragValue, RichText, Ui, vec2};

/// A source that was chosen on air and not yet put there.
pub type Pending = Option<(VideoSourceKind, ScreenPart)>;

/// Draws the section; `free` where no show runs.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &mut Form,
    free: bool,
    actions: &mut Vec<Action>,
) {
    section(ui, &scene.t("settings-picture"));
    which(ui, scene, form, free, actions);
    region(ui, scene, &mut form.draft.video, &form.pictures);
    let video = &mut form.draft.video;
    let fits = [
        (Fit::Letterbox, scene.t("settings-fit-letterbox")),
        (Fit::Crop, scene.t("settings-fit-crop")),
    ];
    row(ui, &scene.t("settings-fit"), |ui, width| {
        choose(ui, "fit", width, &mut video.fit, &fits, String::new())
    });
    tick(ui, &mut video.cursor, &scene.t("settings-cursor"));
    let sizes = SIZES.map(|size| (size, size.to_string()));
    row(ui, &scene.t("settings-size"), |ui, width| {
        let other = video.size.to_string();
        choose(ui, "size", width, &mut video.size, &sizes, other)
    });
    let rates = RATES.map(|rate| (rate, rate.to_string()));
    row(ui, &scene.t("settings-fps"), |ui, width| {
        let other = video.fps.to_string();
        choose(ui, "fps", width, &mut video.fps, &rates, other)
    });
}

/// Which screen, window or pattern; where the desktop asks itself, a button that has it ask again.
pub(super) fn which(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &mut Form,
    free: bool,
    actions: &mut Vec<Action>,
) {
    source(ui, scene, form, free);
    if resolve(form.draft.video.source) == VideoSourceKind::Portal
        && !super::sheet::is_searching(ui)
    {
        let text = RichText::new(scene.t("settings-source-ask")).font(theme::regular(13.0));
        if ui
            .add(Button::new(text).min_size(vec2(0.0, 28.0)))
            .clicked()
        {
            actions.push(Action::ChooseScreen);
        }
    }
}

/// Everything that can be chosen, with its words.
fn choices(scene: &Scene<'_>, pictures: &[Choice]) -> Vec<((VideoSourceKind, ScreenPart), String)> {
    let mut all: Vec<_> = pictures
        .iter()
        .map(|choice| {
            let part = choice.part.clone();
            ((VideoSourceKind::Screen, part), scene.say(&choice.label))
        })
        .collect();
    if !pictures.iter().any(|c| c.part == ScreenPart::Whole) {
        // Where the desktop itself asks which, or nothing was found yet.
        let whole = (VideoSourceKind::Screen, ScreenPart::Whole);
        all.insert(0, (whole, scene.t("settings-source-screen")));
    }
    let pattern = (VideoSourceKind::Pattern, ScreenPart::Whole);
    all.push((pattern, scene.t("settings-source-pattern")));
    all
}

fn source(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, free: bool) {
    let choices = choices(scene, &form.pictures);
    let video = &mut form.draft.video;
    let in_force = (video.source, part_of(video));
    let mut wanted = form.pending.clone().unwrap_or_else(|| in_force.clone());
    let other = words_of(scene, &wanted);
    row(ui, &scene.t("settings-source"), |ui, width| {
        choose(ui, "source", width, &mut wanted, &choices, other)
    });
    if wanted == in_force {
        form.pending = None;
        return;
    }
    if free {
        form.pending = None;
        (video.source, video.part) = wanted;
        // Another picture, another rectangle.
        video.region = None;
        return;
    }
    let text = choices
        .iter()
        .find(|(choice, _)| *choice == wanted)
        .map_or_else(|| words_of(scene, &wanted), |(_, text)| text.clone());
    form.pending = Some(wanted.clone());
    ui.horizontal_wrapped(|ui| {
        let on_air = scene.texts.f("settings-source-take", &[("source", &text)]);
        let take = RichText::new(on_air)
            .font(theme::bold(13.0))
            .color(theme::ink());
        let button = Button::new(take).fill(theme::amber()).wrap();
        if ui.add(button.min_size(vec2(0.0, 28.0))).clicked() {
            (video.source, video.part) = wanted;
            video.region = None;
            form.pending = None;
        }
        let keep = Button::new(scene.t("settings-source-keep"));
        if ui.add(keep.min_size(vec2(0.0, 28.0))).clicked() {
            form.pending = None;
        }
    });
}

/// The part that matters: none where the source is no screen.
fn part_of(video: &VideoSettings) -> ScreenPart {
    match video.source {
        VideoSourceKind::Pattern => ScreenPart::Whole,
        _ => video.part.clone(),
    }
}

/// Words for what is not in the list (any more).
fn words_of(scene: &Scene<'_>, (kind, part): &(VideoSourceKind, ScreenPart)) -> String {
    let gone = |name: &str| scene.texts.f("settings-source-gone", &[("name", name)]);
    match (kind, part) {
        (_, ScreenPart::Monitor(name)) => gone(name),
        (_, ScreenPart::Window(window)) => gone(&window.title),
        (VideoSourceKind::Screen, ScreenPart::Whole) => scene.t("settings-source-screen"),
        (kind, ScreenPart::Whole) => format!("{kind:?}"),
    }
}

fn region(ui: &mut Ui, scene: &Scene<'_>, video: &mut VideoSettings, pictures: &[Choice]) {
    if video.source == VideoSourceKind::Pattern {
        return;
    }
    let whole = pictures
        .iter()
        .find(|choice| choice.part == video.part)
        .map_or(Size::new(1920, 1080), |choice| choice.size);
    let mut on = video.region.is_some();
    tick(ui, &mut on, &scene.t("settings-region"));
    if !on {
        video.region = None;
        return;
    }
    if super::sheet::is_searching(ui) {
        return;
    }
    let mut region = video.region.unwrap_or(Region::whole(whole));
    ui.horizontal_wrapped(|ui| {
        for (key, value, range) in [
            (
                "settings-region-x",
                &mut region.x,
                0..=whole.width.max(17) - 16,
            ),
            (
                "settings-region-y",
                &mut region.y,
                0..=whole.height.max(17) - 16,
            ),
            (
                "settings-region-width",
                &mut region.size.width,
                16..=whole.width.max(16),
            ),
            (
                "settings-region-height",
                &mut region.size.height,
                16..=whole.height.max(16),
            ),
        ] {
            let name = scene.t(key);
            ui.label(
                RichText::new(&name)
                    .font(theme::regular(13.0))
                    .color(theme::text_soft()),
            );
            let field = DragValue::new(value)
                .range(range)
                .update_while_editing(false);
            ui.add_sized(vec2(64.0, 28.0), field).accessible_name(name);
        }
    });
    video.region = Some(region);
}
