//! The page that sets the console up: shown once where there is no settings file, and when it is asked
//! for; never while a show runs. Six parts on one page, each with what was found and what to do; all is
//! preselected, so that Enter is enough. Edits the same draft as the settings page. Main thread.

use super::form::Form;
use super::settings::{choose, line, secret};
use super::wizard_found::{self as found, Found};
use super::{Scene, theme};
use crate::clock::MonoTime;
use crate::session::Command;
use crate::session::install::InstallStatus;
use crate::settings::{AudioSourceKind, Language, Settings, TargetKind};
use crate::ui::actions::Action;
use crate::ui::view::View;
use crate::ui::widgets::{self, block, level_meter};
use eframe::egui::{
    Align, Button, CentralPanel, Frame, Key, Layout, Margin, Panel, Popup, ProgressBar, RichText,
    Role, ScrollArea, Sense, Ui, vec2,
};

/// Bitrates to choose from, kb/s, with their words.
const PRESETS: [(u32, &str); 3] = [
    (1500, "wizard-bitrate-low"),
    (3000, "wizard-bitrate-usual"),
    (6000, "wizard-bitrate-high"),
];

/// The page while it is open.
pub struct Wizard {
    /// The settings as they were, for who skips it.
    before: Settings,
    /// Enter goes on: the button takes the keys once it is there.
    focused: bool,
    /// When it was opened, the window's time.
    pub since: MonoTime,
}

impl Wizard {
    /// Opened at `now`.
    pub fn new(settings: &Settings, now: MonoTime) -> Self {
        Self {
            before: settings.clone(),
            focused: false,
            since: now,
        }
    }
}

/// Draws the page in place of all others.
pub fn show(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let gap: i8 = if scene.small { 6 } else { 12 };
    let frame = Frame::new().inner_margin(Margin::same(gap));
    Panel::bottom("wizard end")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| end(ui, view, scene, actions));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        ui.heading(scene.t("wizard-title"));
        let text = scene.t("wizard-text");
        block::words(ui, text, theme::regular(14.0), theme::text_soft());
        ui.add_space(6.0);
        ScrollArea::vertical()
            .id_salt("wizard")
            .auto_shrink(false)
            .show(ui, |ui| {
                if ui.available_width() < 820.0 {
                    left(ui, view, scene, actions);
                    right(ui, view, scene, actions);
                    return;
                }
                ui.columns(2, |columns| {
                    // A column of itself spreads the words of each line over its width.
                    columns[0].vertical(|ui| left(ui, view, scene, actions));
                    columns[1].vertical(|ui| right(ui, view, scene, actions));
                });
            });
    });
    let typing = ui.ctx().text_edit_focused();
    // What was clicked has the keys from then on; Enter is to go on all the same.
    let clicked = ui.input(|input| input.pointer.any_click());
    let good = view.form.is_good();
    if let Some(wizard) = &mut view.wizard
        && clicked
        && good
        && !typing
        && !Popup::is_any_open(ui.ctx())
    {
        wizard.focused = false;
    }
    if ui.input(|input| input.key_pressed(Key::Escape)) && !typing {
        skip(view, actions);
    }
    view.form.hand_over(typing, scene.now, actions);
}

/// The line of buttons.
fn end(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    widgets::row(ui, 40.0, |ui| {
        let all = found::all(scene);
        let count = |verdict| all.iter().filter(|found| found.verdict == verdict).count();
        let (bad, poor) = (count(block::Verdict::Bad), count(block::Verdict::Poor));
        let (key, colour, number) = match (bad, poor) {
            (0, _) if scene.examining => ("wizard-looking", theme::blue(), 0),
            (0, 0) => ("wizard-ready", theme::green(), 0),
            (0, poor) => ("wizard-poor", theme::amber(), poor),
            (bad, _) => ("wizard-wanting", theme::amber(), bad),
        };
        let number = number.to_string();
        let text = scene.texts.f(key, &[("number", &number)]);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let go = RichText::new(scene.t("wizard-go-on"))
                .font(theme::bold(16.0))
                .color(theme::bright());
            let go = Button::new(go)
                .fill(theme::go())
                .min_size(vec2(160.0, 40.0));
            let good = view.form.is_good();
            let go = ui.add_enabled(good, go).on_hover_text("Enter");
            if let Some(wizard) = &mut view.wizard
                && good
                && !std::mem::replace(&mut wizard.focused, true)
            {
                go.request_focus();
            }
            if go.clicked() {
                actions.push(Action::Send(Command::SetUp));
                actions.push(Action::ShowWizard(false));
            }
            let later = Button::new(scene.t("wizard-skip")).min_size(vec2(110.0, 40.0));
            if ui.add(later).on_hover_text("Esc").clicked() {
                skip(view, actions);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let room = ui.available_width();
                let line = widgets::fitted(ui, &text, theme::bold, 11.0..=16.0, room, colour);
                ui.label(line);
            });
        });
    });
}

/// Closes the page with the settings as they were; the next start does not ask again.
fn skip(view: &mut View, actions: &mut Vec<Action>) {
    if let Some(wizard) = &view.wizard {
        view.form.draft = wizard.before.clone();
    }
    actions.push(Action::Send(Command::SetUp));
    actions.push(Action::ShowWizard(false));
}

fn left(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let form = &mut view.form;
    part(ui, scene, "settings-language", None, |ui| {
        let languages = [
            (Language::Auto, scene.t("settings-language-auto")),
            (Language::English, "English".to_owned()),
            (Language::Korean, "한국어".to_owned()),
        ];
        options(ui, &mut form.draft.language, &languages);
    });
    part(ui, scene, "area-ffmpeg", Some(found::ffmpeg(scene)), |ui| {
        if found::ffmpeg(scene).verdict == block::Verdict::Bad {
            let path = &mut form.draft.ffmpeg_path;
            let mut text = path
                .as_ref()
                .map_or_else(String::new, |path| path.to_string_lossy().into_owned());
            line(
                ui,
                &scene.t("wizard-ffmpeg-path"),
                &mut text,
                "/usr/bin/ffmpeg",
            );
            *path = (!text.trim().is_empty()).then(|| text.into());
            again(ui, scene, actions);
            if found::can_fetch_ffmpeg() {
                let stop = Command::StopFfmpegInstall;
                let install = &scene.snapshot.ffmpeg_install;
                fetch(ui, scene, install, stop, actions, |ui, actions| {
                    let text = scene.t("install-fetch-ffmpeg");
                    if ui
                        .add(Button::new(text).min_size(vec2(0.0, 28.0)))
                        .clicked()
                    {
                        // What is fetched is found by itself; a wrong path would stand before it.
                        *path = None;
                        actions.push(Action::Send(Command::InstallFfmpeg));
                    }
                    let hint = scene.t("install-ffmpeg-hint");
                    block::words(ui, hint, theme::regular(12.5), theme::text_dim());
                });
            }
        }
    });
    part(ui, scene, "area-server", Some(found::server(scene)), |ui| {
        server(ui, scene, form, actions);
    });
    part(ui, scene, "wizard-bitrate", None, |ui| {
        let words = PRESETS.map(|(kbps, key)| {
            let megabits = crate::ui::numbers::fixed(f64::from(kbps) / 1000.0, 1);
            (kbps, scene.texts.f(key, &[("mb", &megabits)]))
        });
        let mut kbps = scene.kbps;
        options(ui, &mut kbps, &words);
        if kbps != scene.kbps {
            actions.push(Action::Bitrate(kbps));
        }
    });
}

fn right(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let picture = found::picture(scene);
    part(ui, scene, "step-picture", Some(picture), |ui| {
        super::source::which(ui, scene, &mut view.form, true, actions);
        let width = ui.available_width().min(400.0);
        let size = vec2(width, width * 9.0 / 16.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let source = &scene.snapshot.source;
        let name = scene.texts.f("preview-name", &[("source", source)]);
        widgets::name(&response, Role::Image, &name);
        view.screen.paint(ui, rect);
    });
    part(ui, scene, "step-sound", Some(found::sound(scene)), |ui| {
        let form = &mut view.form;
        if let Some(input) = form.draft.audio.inputs.first_mut() {
            let mut choices = vec![
                (
                    AudioSourceKind::DefaultInput,
                    scene.t("settings-audio-default"),
                ),
                (
                    AudioSourceKind::SystemSound,
                    scene.t("settings-audio-system"),
                ),
            ];
            let named = form.inputs.iter().cloned();
            choices.extend(named.map(|name| (AudioSourceKind::Input(name.clone()), name)));
            choices.push((AudioSourceKind::Silence, scene.t("settings-audio-silence")));
            let other = match &input.source {
                AudioSourceKind::Input(name) => {
                    scene.texts.f("settings-audio-gone", &[("name", name)])
                }
                _ => scene.t("settings-audio-tone"),
            };
            let title = scene.t("settings-audio-source");
            super::settings::row(ui, &title, |ui, width| {
                choose(
                    ui,
                    "wizard sound",
                    width,
                    &mut input.source,
                    &choices,
                    other,
                )
            });
        }
        let audio = &scene.snapshot.audio;
        let size = vec2(ui.available_width().min(400.0), 16.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let peak = audio.level.peak_dbfs;
        let peak = level_meter::dbfs(peak[0].max(peak[1]));
        let name = scene.texts.f("wizard-level", &[("peak", &peak)]);
        level_meter::small(ui, rect, &audio.level, &name);
        let hint = scene.t("wizard-speak");
        block::words(ui, hint, theme::regular(12.5), theme::text_dim());
    });
}

/// A part of the page: its name, how it stands, what to do, its controls.
fn part(
    ui: &mut Ui,
    scene: &Scene<'_>,
    title: &str,
    found: Option<Found>,
    contents: impl FnOnce(&mut Ui),
) {
    let margin: i8 = if scene.small { 8 } else { 12 };
    theme::card_frame()
        .inner_margin(Margin::same(margin))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.push_id(title, |ui| {
                let title = scene.t(title);
                match &found {
                    None => block::head(ui, &title, None),
                    Some(found) => {
                        let word = scene.t(found.word());
                        block::head(ui, &title, Some((found.verdict, &word)));
                        let ink = match found.verdict {
                            block::Verdict::Good => theme::text_soft(),
                            _ => theme::text(),
                        };
                        if !found.text.is_empty() {
                            block::words(ui, scene.say(&found.text), theme::regular(13.0), ink);
                        }
                        if !found.fix.is_empty() {
                            let fix = scene.say(&found.fix);
                            let fix = scene.texts.f("check-fix", &[("fix", &fix)]);
                            block::words(ui, fix, theme::regular(13.0), theme::blue());
                        }
                    }
                }
                contents(ui);
            });
        });
    ui.add_space(if scene.small { 4.0 } else { 8.0 });
}

/// One of few, each a button.
fn options<T: Clone + PartialEq>(ui: &mut Ui, value: &mut T, choices: &[(T, String)]) {
    ui.horizontal_wrapped(|ui| {
        for (choice, text) in choices {
            let text = RichText::new(text).font(theme::regular(14.0));
            let button = Button::selectable(choice == value, text).min_size(vec2(0.0, 30.0));
            if ui.add(button).clicked() {
                *value = choice.clone();
            }
        }
    });
}

fn again(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let button = Button::new(scene.t("wizard-again")).min_size(vec2(0.0, 28.0));
    if ui.add_enabled(!scene.examining, button).clicked() {
        actions.push(Action::Examine);
    }
}

fn server(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    let kinds = [
        (TargetKind::Embedded, scene.t("settings-target-embedded")),
        (TargetKind::Srt, scene.t("settings-target-own")),
    ];
    options(ui, &mut form.draft.target.kind, &kinds);
    if form.draft.target.kind == TargetKind::Srt {
        super::recent::show(ui, scene, actions);
        let target = &mut form.draft.target;
        line(
            ui,
            &scene.t("settings-host"),
            &mut target.host,
            "studio.example",
        );
        line(ui, &scene.t("settings-path"), &mut target.path, "");
        let optional = scene.t("settings-optional");
        line(ui, &scene.t("settings-user"), &mut target.user, &optional);
        let hint = scene.t("settings-secret-hint");
        let title = scene.t("settings-password");
        form.secrets_typed[0] |= secret(ui, &title, &mut form.password, &hint);
        for (_, key) in form.faults() {
            super::settings::fault(ui, &scene.t(key));
        }
        return;
    }
    let install = &scene.snapshot.install;
    if found::wants_server(scene) || matches!(install, InstallStatus::Running { .. }) {
        let stop = Command::StopInstall;
        fetch(ui, scene, install, stop, actions, |ui, actions| {
            let text = scene.t("install-fetch");
            if ui
                .add(Button::new(text).min_size(vec2(0.0, 28.0)))
                .clicked()
            {
                actions.push(Action::Send(Command::InstallServer));
            }
            again(ui, scene, actions);
            let hint = scene.t("wizard-server-later");
            block::words(ui, hint, theme::regular(12.5), theme::text_dim());
        });
    }
}

/// A download: its progress and a button that ends it, else why it failed and the offer.
fn fetch(
    ui: &mut Ui,
    scene: &Scene<'_>,
    install: &InstallStatus,
    stop: Command,
    actions: &mut Vec<Action>,
    offer: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    if let InstallStatus::Running { got, of } = install {
        let mb = |bytes: u64| crate::ui::numbers::fixed(bytes as f64 / 1e6, 1);
        let share = of.map(|of| *got as f32 / of.max(1) as f32);
        let all = of.map_or_else(|| "?".to_owned(), mb);
        let words = [("got", mb(*got)), ("all", all)];
        let words = words.each_ref().map(|(name, v)| (*name, v.as_str()));
        let text = scene.texts.f("wizard-fetching", &words);
        ui.add(ProgressBar::new(share.unwrap_or(0.0)).text(text));
        let button = Button::new(scene.t("profile-cancel")).min_size(vec2(0.0, 28.0));
        if ui.add(button).clicked() {
            actions.push(Action::Send(stop));
        }
        return;
    }
    if let InstallStatus::Failed(why) = install {
        super::settings::fault(ui, &scene.say(why));
    }
    ui.horizontal_wrapped(|ui| offer(ui, actions));
}
