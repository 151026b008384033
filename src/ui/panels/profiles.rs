//! The profiles in the settings: which is in force, keeping, renaming, deleting, sharing by file. What was
//! done is said below, with a button to undo it. Main thread; draws and asks, the session does.

use super::Scene;
use super::settings::{choose, fault, row};
use super::theme;
use crate::session::Command;
use crate::session::profiles::{ProfilesStatus, Undone};
use crate::settings::profiles::ENDING;
use crate::ui::actions::Action;
use crate::ui::files::{Chosen, Dialog, Wish};
use crate::ui::widgets::block;
use eframe::egui::{Button, Key, Response, RichText, TextEdit, TextWrapMode, Ui, vec2};
use std::path::PathBuf;

/// What is being asked for below the buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// The name to save under.
    Name,
    /// The current one's new name.
    Rename,
    /// The file to write.
    Export,
    /// The file to read.
    Import,
    /// Whether the current one shall go.
    Delete,
}

/// What the section remembers.
#[derive(Default)]
pub struct Desk {
    ask: Option<Ask>,
    /// The name or path as typed.
    text: String,
    /// The field just opened takes the keys.
    focus: bool,
    /// A profile chosen on air and not yet put there.
    pending: Option<String>,
    dialog: Dialog,
    /// A dialog gave nothing: the path can be typed.
    no_dialog: bool,
}

impl Desk {
    fn open(&mut self, ask: Ask, text: String) {
        self.ask = Some(ask);
        self.text = text;
        self.focus = true;
        self.no_dialog = false;
    }
}

/// Draws the section; `free` where no show runs.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    desk: &mut Desk,
    free: bool,
    actions: &mut Vec<Action>,
) {
    let status = &scene.snapshot.profiles;
    which(ui, scene, status, desk, free, actions);
    if super::sheet::is_searching(ui) {
        return;
    }
    asked(ui, scene, status, desk, actions);
    if let Some(note) = &status.note {
        if note.good {
            block::words(
                ui,
                scene.say(&note.text),
                theme::regular(12.5),
                theme::text_soft(),
            );
        } else {
            fault(ui, &scene.say(&note.text));
        }
    }
    if let Some(undo) = &status.undo {
        let (key, name) = match undo {
            Undone::Used(name) => ("profile-undo-used", name),
            Undone::Replaced(name) => ("profile-undo-replaced", name),
            Undone::Deleted(name) => ("profile-undo-deleted", name),
        };
        if button(ui, true, &scene.texts.f(key, &[("name", name)])).clicked() {
            actions.push(Action::Send(Command::UndoProfile));
        }
    }
}

fn which(
    ui: &mut Ui,
    scene: &Scene<'_>,
    status: &ProfilesStatus,
    desk: &mut Desk,
    free: bool,
    actions: &mut Vec<Action>,
) {
    let current = &status.current;
    let names: Vec<(String, String)> = status
        .names
        .iter()
        .map(|name| {
            let changed = name == current && status.changed;
            let text = if changed {
                scene.texts.f("profile-changed", &[("name", name)])
            } else {
                name.clone()
            };
            (name.clone(), text)
        })
        .collect();
    let other = if current.is_empty() {
        scene.t("profile-none")
    } else {
        scene.texts.f("profile-gone", &[("name", current)])
    };
    let shown = desk.pending.clone().unwrap_or_else(|| current.clone());
    let mut wanted = shown.clone();
    let mut picked = false;
    row(ui, &scene.t("profile-title"), |ui, width| {
        let room = (width - 44.0).max(40.0);
        let response = choose(ui, "profile", room, &mut wanted, &names, other);
        picked = wanted != shown;
        let dots = ui.menu_button(RichText::new("•••").font(theme::regular(11.0)), |ui| {
            menu(ui, scene, status, desk, actions);
        });
        let name = scene.t("profile-menu");
        dots.response.on_hover_text(&name).accessible_name(&name);
        response
    });
    if picked && free {
        actions.push(Action::Send(Command::UseProfile { name: wanted }));
        return;
    }
    if picked {
        desk.pending = Some(wanted).filter(|name| name != current);
    }
    if free {
        desk.pending = None;
    }
    // On air another picture or another bitrate is no matter of one slip.
    let Some(pending) = desk.pending.clone() else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let text = scene
            .texts
            .f("settings-source-take", &[("source", &pending)]);
        let text = RichText::new(text)
            .font(theme::bold(13.0))
            .color(theme::ink());
        let take = Button::new(text).fill(theme::amber()).wrap();
        if ui.add(take.min_size(vec2(0.0, 28.0))).clicked() {
            actions.push(Action::Send(Command::UseProfile { name: pending }));
            desk.pending = None;
        }
        if button(ui, true, &scene.t("profile-cancel")).clicked() {
            desk.pending = None;
        }
    });
}

/// What can be done with profiles.
fn menu(
    ui: &mut Ui,
    scene: &Scene<'_>,
    status: &ProfilesStatus,
    desk: &mut Desk,
    actions: &mut Vec<Action>,
) {
    let current = status.current.clone();
    let has = status.names.contains(&current);
    let mut item = |possible: bool, key: &str| {
        let text = RichText::new(scene.t(key)).font(theme::regular(14.0));
        let button = Button::new(text).wrap_mode(TextWrapMode::Extend);
        let clicked = ui.add_enabled(possible, button).clicked();
        if clicked {
            ui.close();
        }
        clicked
    };
    if item(has && status.changed, "profile-save") {
        let name = current.clone();
        actions.push(Action::Send(Command::SaveProfile { name }));
    }
    if item(true, "profile-save-as") {
        desk.open(Ask::Name, String::new());
    }
    if item(has, "profile-rename") {
        desk.open(Ask::Rename, current.clone());
    }
    if item(has, "profile-delete") {
        desk.open(Ask::Delete, current.clone());
    }
    if item(!status.busy, "profile-export") {
        let name = if current.is_empty() {
            "profile"
        } else {
            &current
        };
        desk.open(Ask::Export, format!("{name}.{ENDING}"));
    }
    if item(!status.busy, "profile-import") {
        desk.open(Ask::Import, String::new());
    }
}

/// The field that a button opened.
fn asked(
    ui: &mut Ui,
    scene: &Scene<'_>,
    status: &ProfilesStatus,
    desk: &mut Desk,
    actions: &mut Vec<Action>,
) {
    match desk.dialog.chosen() {
        Some(Chosen::File(path)) => desk.text = path.to_string_lossy().into_owned(),
        Some(Chosen::Nothing) => desk.no_dialog = true,
        None => {}
    }
    let Some(ask) = desk.ask else { return };
    let (title, verb) = match ask {
        Ask::Name => ("profile-name", "profile-save"),
        Ask::Rename => ("profile-new-name", "profile-rename-do"),
        Ask::Export => ("profile-file", "profile-export-do"),
        Ask::Import => ("profile-file", "profile-import-do"),
        Ask::Delete => ("profile-name", "profile-delete-do"),
    };
    let mut done = false;
    if ask == Ask::Delete {
        let text = scene.texts.f("profile-delete-ask", &[("name", &desk.text)]);
        block::words(ui, text, theme::bold(13.5), theme::amber());
    } else {
        done = typed(ui, &scene.t(title), desk);
    }
    ui.horizontal_wrapped(|ui| {
        let text = desk.text.trim().to_owned();
        done |= button(ui, !text.is_empty(), &scene.t(verb)).clicked();
        if matches!(ask, Ask::Export | Ask::Import)
            && button(ui, !desk.dialog.is_open(), &scene.t("profile-browse")).clicked()
        {
            desk.dialog.open(Wish {
                title: scene.t(verb),
                kind: scene.t("profile-title"),
                save_as: (ask == Ask::Export).then(|| file_name(&text)),
            });
        }
        if button(ui, true, &scene.t("profile-cancel")).clicked() {
            desk.ask = None;
        }
    });
    if ask == Ask::Export {
        let hint = scene.t("profile-export-hint");
        block::words(ui, hint, theme::regular(12.0), theme::text_dim());
    }
    if desk.no_dialog {
        let hint = scene.t("profile-no-dialog");
        block::words(ui, hint, theme::regular(12.0), theme::text_dim());
    }
    let text = desk.text.trim().to_owned();
    if !done || text.is_empty() {
        return;
    }
    desk.ask = None;
    let current = status.current.clone();
    actions.push(Action::Send(match ask {
        Ask::Name => Command::SaveProfile { name: text },
        Ask::Rename => Command::RenameProfile {
            from: current,
            to: text,
        },
        // What is before the operator's eyes, saved or not.
        Ask::Export => Command::ExportProfile {
            name: String::new(),
            path: PathBuf::from(text),
        },
        Ask::Import => Command::ImportProfile {
            path: PathBuf::from(text),
        },
        Ask::Delete => Command::DeleteProfile { name: text },
    }));
}

fn file_name(text: &str) -> String {
    let name = PathBuf::from(text);
    let name = name.file_name().map(|n| n.to_string_lossy().into_owned());
    name.unwrap_or_else(|| format!("profile.{ENDING}"))
}

/// The line that is typed; true where Enter ended it.
fn typed(ui: &mut Ui, title: &str, desk: &mut Desk) -> bool {
    let mut done = false;
    row(ui, title, |ui, width| {
        let field = ui.add(
            TextEdit::singleline(&mut desk.text)
                .char_limit(1000)
                .desired_width(width),
        );
        if std::mem::take(&mut desk.focus) {
            field.request_focus();
        }
        done = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        field
    });
    done
}

fn button(ui: &mut Ui, possible: bool, text: &str) -> Response {
    let text = RichText::new(text).font(theme::regular(13.0));
    ui.add_enabled(possible, Button::new(text).min_size(vec2(0.0, 28.0)))
}
