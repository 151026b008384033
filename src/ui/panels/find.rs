//! What stands above and below the settings: the field that looks for one, the buttons that put all back
//! and take that back. See [`super::sheet`]. Main thread; edits the draft.

use super::form::Form;
use super::sheet::Finder;
use super::{Scene, theme};
use crate::settings::{Settings, overrides};
use crate::ui::actions::Action;
use eframe::egui::{self, RichText, TextEdit, Ui, vec2};

/// The field that looks for a setting.
pub(super) fn search(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let name = scene.t("settings-find");
        let hint = RichText::new(&name).color(theme::text_dim());
        let field = TextEdit::singleline(&mut form.finder.query)
            .hint_text(hint)
            .char_limit(60)
            .desired_width(ui.available_width() - 40.0);
        let field = ui.add(field);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SearchInput, true, &name));
        if std::mem::take(&mut form.finder.focus) {
            field.request_focus();
        }
        if form.finder.query.is_empty() {
            return;
        }
        let escape = ui.input(|input| input.key_pressed(egui::Key::Escape));
        let clear = egui::Button::new(RichText::new("×").font(theme::bold(16.0)));
        let clear = ui.add(clear.min_size(vec2(28.0, 24.0)));
        let name = scene.t("settings-find-clear");
        if clear.accessible_name(&name).on_hover_text(&name).clicked()
            || (field.lost_focus() && escape)
        {
            form.finder.query.clear();
        }
    });
}

/// What was put back last, to be taken back.
pub(super) fn undo(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &mut Form,
    finder: &mut Finder,
    actions: &mut Vec<Action>,
) {
    let Some((_, _, what)) = &finder.undo else {
        return;
    };
    let text = scene.texts.f("settings-undo", &[("what", what)]);
    if ui
        .add(egui::Button::new(text).wrap().min_size(vec2(0.0, 28.0)))
        .clicked()
        && let Some((before, kbps, _)) = finder.undo.take()
    {
        if kbps != scene.kbps {
            actions.push(Action::Bitrate(kbps));
        }
        form.draft = before;
    }
}

/// Puts settings back to their defaults and keeps how they were.
pub(super) fn put_back(
    form: &mut Form,
    finder: &mut Finder,
    paths: &[&str],
    scene: &Scene<'_>,
    actions: &mut Vec<Action>,
) {
    let what = match paths {
        [one] => (*one).to_owned(),
        _ => scene.t("settings-all"),
    };
    finder.undo = Some((form.draft.clone(), scene.kbps, what));
    for path in paths {
        // A path that is none cannot come from the page; a test holds that.
        let _ = overrides::reset(&mut form.draft, path);
    }
    if paths.len() > 1 {
        actions.push(Action::Bitrate(Settings::default().encoder.bitrate_kbps));
    }
}

/// Everything back to its default: asks, and can be taken back.
pub(super) fn reset_all(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &mut Form,
    finder: &mut Finder,
    free: bool,
    actions: &mut Vec<Action>,
) {
    ui.add_space(12.0);
    let again = egui::Button::new(scene.t("wizard-open")).min_size(vec2(0.0, 28.0));
    let again = ui.add_enabled(free, again);
    if again
        .on_disabled_hover_text(scene.t("settings-reset-live"))
        .clicked()
    {
        actions.push(Action::ShowWizard(true));
    }
    let armed = form.reset.left(scene.now).is_some();
    let key = if armed {
        "settings-reset-again"
    } else {
        "settings-reset-all"
    };
    let mut button = egui::Button::new(scene.t(key)).min_size(vec2(0.0, 28.0));
    if armed {
        button = button.fill(theme::stop());
    }
    let button = ui.add_enabled(free, button);
    let button = button.on_disabled_hover_text(scene.t("settings-reset-live"));
    if button.clicked() && form.reset.press(scene.now) {
        let all: Vec<&str> = super::sheet::all().collect();
        put_back(form, finder, &all, scene, actions);
    }
}
