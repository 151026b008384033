//! The settings page. Edits a draft ([`super::form`]); what is good is handed over as soon as it
//! stands, so there is no button to forget. While a show runs only its destination is locked: the
//! session changes all else without a viewer lost.

use super::form::{Field, Form};
use super::sheet::{self, Finder, Sheet};
use super::{Scene, find};
use crate::settings::{Language, StopWay, TargetKind, Theme};
use crate::ui::actions::Action;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::{self, block};
use crate::units::{Fps, Size};
use eframe::egui::{self, ComboBox, DragValue, Response, RichText, TextEdit, Ui, vec2};

/// Sizes to choose from.
pub(super) const SIZES: [Size; 5] = [
    Size::new(640, 360),
    Size::new(854, 480),
    Size::new(960, 540),
    Size::new(1280, 720),
    Size::new(1920, 1080),
];

/// Frame rates to choose from.
pub(super) const RATES: [Fps; 10] = [
    Fps::whole(5),
    Fps::whole(10),
    Fps::whole(15),
    Fps::whole(24),
    Fps::whole(25),
    Fps {
        num: 30_000,
        den: 1001,
    },
    Fps::whole(30),
    Fps::whole(50),
    Fps::whole(60),
    Fps::whole(120),
];

/// Draws the page's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    let free = super::parts::is_free(scene);
    find::search(ui, scene, form);
    let mut finder = std::mem::take(&mut form.finder);
    let sheet = finder.begin(ui, scene.texts, &form.draft, !free);
    if finder.query.trim().is_empty() {
        if !free {
            let text = RichText::new(scene.t("settings-locked"))
                .font(theme::regular(13.0))
                .color(theme::text_soft());
            ui.add(egui::Label::new(text).wrap());
        }
        find::undo(ui, scene, form, &mut finder, actions);
    }
    sections(ui, scene, form, free, actions);
    if sheet.found() == 0 && !finder.query.trim().is_empty() {
        let text = scene.t("settings-find-none");
        block::words(ui, text, theme::regular(13.0), theme::text_soft());
    }
    for path in Finder::end(ui, &sheet) {
        find::put_back(form, &mut finder, &[path.as_str()], scene, actions);
    }
    if finder.query.trim().is_empty() {
        find::reset_all(ui, scene, form, &mut finder, free, actions);
    }
    for bad in form.draft.check().err().unwrap_or_default() {
        let expected = scene.say(&bad.expected);
        let variables = [("name", bad.name), ("expected", expected.as_str())];
        fault(ui, &scene.texts.f("bad-value", &variables));
    }
    form.finder = finder;
}

fn sections(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &mut Form,
    free: bool,
    actions: &mut Vec<Action>,
) {
    let mut desk = std::mem::take(&mut form.desk);
    super::profiles::show(ui, scene, &mut desk, free, actions);
    form.desk = desk;
    window(ui, scene, form);
    super::source::show(ui, scene, form, free, actions);
    super::encoder_choice::show(ui, scene, form);
    super::sound::show(ui, scene, form);
    ui.add_enabled_ui(free, |ui| {
        target(ui, scene, form, actions);
        super::backup::show(ui, scene, form);
    });
    section(ui, &scene.t("watch-page"));
    super::viewers::controls(ui, scene, form);
    super::remote::settings(ui, scene, form, actions);
    section(ui, &scene.t("probe-title"));
    let probe = &mut form.draft.probe;
    tick(ui, &mut probe.on, &scene.t("probe-on"));
    ui.add_enabled_ui(probe.on, |ui| {
        tick(ui, &mut probe.sound_proof, &scene.t("probe-sound"));
    });
    super::notices::settings(ui, scene, form);
    super::recording::settings(ui, scene, form);
    super::updates::settings(ui, scene, form);
}

pub(super) fn section(ui: &mut Ui, title: &str) {
    // While something is looked for a heading waits for the first row below it.
    if sheet::current(ui).is_none_or(|sheet| sheet.heading(title)) {
        heading(ui, title);
    }
}

fn heading(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    widgets::text(ui, title, theme::bold(14.0), theme::text());
}

/// A line: the field's name on the left, the field on the right, named after it. On the settings page it
/// has a button that puts it back where it differs from the default, and is left out where something
/// else is looked for.
pub(super) fn row(ui: &mut Ui, title: &str, field: impl FnOnce(&mut Ui, f32) -> Response) {
    let sheet = sheet::current(ui);
    if !is_shown(ui, sheet.as_deref(), title) {
        return;
    }
    ui.horizontal(|ui| {
        let width = ui.available_width();
        let (rect, label) = ui.allocate_exact_size(vec2(width * 0.38, 28.0), egui::Sense::hover());
        let galley = widgets::fitted(
            ui,
            title,
            theme::regular,
            10.0..=13.5,
            rect.width(),
            theme::text_soft(),
        );
        let at = egui::pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, theme::text_soft());
        widgets::name(&label, egui::Role::Label, title);
        // Kept free whether there is a button or not, so that nothing jumps.
        let mark = if sheet.is_some() { 26.0 } else { 0.0 };
        let width = (ui.available_width() - mark).max(40.0);
        field(ui, width).labelled_by(label.id);
        if let Some(sheet) = &sheet {
            reset(ui, sheet, title);
        }
    });
}

/// A box to tick, as a row of its own.
pub(super) fn tick(ui: &mut Ui, value: &mut bool, title: &str) {
    let sheet = sheet::current(ui);
    if !is_shown(ui, sheet.as_deref(), title) {
        return;
    }
    ui.horizontal(|ui| {
        let mark = if sheet.is_some() { 26.0 } else { 0.0 };
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - mark).max(40.0));
            ui.checkbox(value, title);
        });
        if let Some(sheet) = &sheet {
            reset(ui, sheet, title);
        }
    });
}

/// Whether a row of this title is drawn; where it is the first below a heading, that is drawn too.
fn is_shown(ui: &mut Ui, sheet: Option<&Sheet>, title: &str) -> bool {
    let Some(sheet) = sheet else { return true };
    let shown = sheet.shows(title);
    if shown && let Some(held) = sheet.held_heading() {
        heading(ui, &held);
    }
    shown
}

/// The button at a row's end that puts it back, where it differs from the default.
fn reset(ui: &mut Ui, sheet: &Sheet, title: &str) {
    let Some(path) = sheet.changed(title) else {
        return;
    };
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let name = sheet.reset_name(title);
        let button = egui::Button::new("").min_size(vec2(20.0, 20.0));
        let button = ui.add(button).on_hover_text(&name);
        let colour = theme::blue();
        widgets::marks::back(ui.painter(), button.rect.center(), 5.0, colour);
        if button.accessible_name(&name).clicked() {
            sheet.reset(path);
        }
    });
}

pub(super) fn fault(ui: &mut Ui, text: &str) {
    let text = RichText::new(text)
        .font(theme::regular(12.5))
        .color(theme::vermillion());
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 16.0), egui::Sense::hover());
        let stroke = egui::Stroke::new(2.0, theme::vermillion());
        widgets::marks::cross(ui.painter(), rect.center(), 4.5, stroke);
        ui.add(egui::Label::new(text).wrap());
    });
}

pub(super) fn fault_of(ui: &mut Ui, scene: &Scene<'_>, form: &Form, field: Field) {
    for (_, key) in form.faults().into_iter().filter(|(f, _)| *f == field) {
        fault(ui, &scene.t(key));
    }
}

pub(super) fn choose<T: Clone + PartialEq>(
    ui: &mut Ui,
    id: &str,
    width: f32,
    value: &mut T,
    choices: &[(T, String)],
    other: String,
) -> Response {
    let shown = choices
        .iter()
        .find(|(choice, _)| choice == value)
        .map_or(other, |(_, text)| text.clone());
    ComboBox::from_id_salt(id)
        .width(width)
        // All the encoders, and all the rates, without scrolling.
        .height(360.0)
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (choice, text) in choices {
                ui.selectable_value(value, choice.clone(), text);
            }
        })
        .response
}

fn window(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("settings-window"));
    let choices = [
        (Language::Auto, scene.t("settings-language-auto")),
        (Language::English, "English".to_owned()),
        (Language::Korean, "한국어".to_owned()),
    ];
    row(ui, &scene.t("settings-language"), |ui, width| {
        let language = &mut form.draft.language;
        choose(ui, "language", width, language, &choices, String::new())
    });
    let ways = [
        (StopWay::Twice, scene.t("settings-stop-twice")),
        (StopWay::Hold, scene.t("settings-stop-hold")),
    ];
    row(ui, &scene.t("settings-stop"), |ui, width| {
        let stop = &mut form.draft.controls.stop;
        choose(ui, "stop", width, stop, &ways, String::new())
    });
    let themes = [
        (Theme::Dark, scene.t("settings-theme-dark")),
        (Theme::Light, scene.t("settings-theme-light")),
        (Theme::System, scene.t("settings-theme-system")),
    ];
    let window = &mut form.draft.window;
    row(ui, &scene.t("settings-theme"), |ui, width| {
        choose(
            ui,
            "theme",
            width,
            &mut window.theme,
            &themes,
            String::new(),
        )
    });
    let scales = [100, 110, 125, 150, 175, 200].map(|percent| (percent, format!("{percent} %")));
    row(ui, &scene.t("settings-scale"), |ui, width| {
        let other = format!("{} %", window.scale_percent);
        choose(
            ui,
            "scale",
            width,
            &mut window.scale_percent,
            &scales,
            other,
        )
    });
}

/// Where the stream goes.
pub(super) fn target(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    section(ui, &scene.t("settings-target"));
    super::recent::show(ui, scene, actions);
    let kinds = [
        (TargetKind::Embedded, scene.t("settings-target-embedded")),
        (TargetKind::Srt, scene.t("settings-target-own")),
    ];
    row(ui, &scene.t("settings-target-kind"), |ui, width| {
        let kind = &mut form.draft.target.kind;
        choose(ui, "target", width, kind, &kinds, String::new())
    });
    let own = form.draft.target.kind == TargetKind::Srt;
    if own {
        line(
            ui,
            &scene.t("settings-host"),
            &mut form.draft.target.host,
            "",
        );
        fault_of(ui, scene, form, Field::Host);
        row(ui, &scene.t("settings-port"), |ui, width| {
            let port = DragValue::new(&mut form.draft.target.srt_port)
                .range(1..=65_535)
                .speed(0.0);
            ui.add_sized(vec2(width.min(96.0), 28.0), port)
        });
        fault_of(ui, scene, form, Field::Port);
    }
    line(
        ui,
        &scene.t("settings-path"),
        &mut form.draft.target.path,
        "",
    );
    fault_of(ui, scene, form, Field::Path);
    super::way_choice::show(ui, scene, form, own);
    if !own {
        return;
    }
    let optional = scene.t("settings-optional");
    line(
        ui,
        &scene.t("settings-user"),
        &mut form.draft.target.user,
        &optional,
    );
    fault_of(ui, scene, form, Field::User);
    let hint = scene.t("settings-secret-hint");
    let title = scene.t("settings-password");
    form.secrets_typed[0] |= secret(ui, &title, &mut form.password, &hint);
    fault_of(ui, scene, form, Field::Password);
    let title = scene.t("settings-passphrase");
    form.secrets_typed[1] |= secret(ui, &title, &mut form.passphrase, &hint);
    fault_of(ui, scene, form, Field::Passphrase);
    let automatic = scene.t("settings-latency-auto");
    let by_itself = form.draft.target.latency_ms == 0;
    row(ui, &scene.t("settings-latency"), |ui, width| {
        let latency = DragValue::new(&mut form.draft.target.latency_ms)
            // Beyond 8000 the check says so; cut off here it would be 8 s, unasked.
            .range(0..=99_999)
            .speed(0.0)
            .custom_formatter(|value, _| {
                if value < 0.5 {
                    automatic.clone()
                } else {
                    numbers::fixed(value, 0)
                }
            })
            .custom_parser(|text| {
                let text = text.trim();
                if text == automatic {
                    return Some(0.0);
                }
                text.trim_end_matches("ms").trim().parse().ok()
            })
            .suffix(if by_itself { "" } else { " ms" });
        ui.add_sized(vec2(width.min(120.0), 28.0), latency)
    });
    if form.asks_latency() {
        let latency_ms = form.draft.target.latency_ms;
        let seconds = numbers::fixed(f64::from(latency_ms) / 1000.0, 1);
        fault(ui, &scene.texts.f("ask-latency", &[("seconds", &seconds)]));
        if ui.button(scene.t("ask-latency-yes")).clicked() {
            form.latency_meant = Some(latency_ms);
        }
    }
    if !sheet::is_searching(ui) {
        let hint = scene.t("settings-latency-hint");
        block::words(ui, hint, theme::regular(12.0), theme::text_dim());
    }
    let api = &mut form.draft.target.api_url;
    line(ui, &scene.t("settings-api"), api, "http://host:9997");
    fault_of(ui, scene, form, Field::Api);
    let webrtc = &mut form.draft.target.webrtc_url;
    line(ui, &scene.t("settings-webrtc"), webrtc, "http://host:8889");
    fault_of(ui, scene, form, Field::WebRtc);
}

pub(super) fn line(ui: &mut Ui, title: &str, text: &mut String, hint: &str) {
    row(ui, title, |ui, width| {
        let hint = RichText::new(hint).color(theme::text_dim());
        ui.add(
            TextEdit::singleline(text)
                .hint_text(hint)
                .char_limit(300)
                .desired_width(width),
        )
    });
}

/// A field whose text is never shown; true where it was changed.
pub(super) fn secret(ui: &mut Ui, title: &str, text: &mut String, hint: &str) -> bool {
    let mut changed = false;
    row(ui, title, |ui, width| {
        let hint = RichText::new(hint).color(theme::text_dim());
        let field = TextEdit::singleline(text)
            .password(true)
            .hint_text(hint)
            .char_limit(300)
            .desired_width(width);
        let response = ui.add(field);
        changed = response.changed();
        response
    });
    changed
}
