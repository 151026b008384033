//! The page of keys (F1): what each does, searched by words or by the key, and changed here. It lies over the
//! window and closes nothing off; a show goes on and is seen beside it. The window's thread.

use super::Scene;
use super::palette::told;
use crate::control::keys::{bind, reset, works_everywhere};
use crate::control::{Chord, Deed, Group, Keys, Op, Takes};
use crate::settings::KeyBinding;
use crate::ui::actions::Action;
use crate::ui::commands::{Here, titles};
use crate::ui::keys::show as shown;
use crate::ui::theme;
use crate::ui::view::View;
use crate::ui::widgets;
use eframe::egui::{
    self, Align, Button, Checkbox, Context, Id, Label, Layout, Rect, RichText, ScrollArea,
    TextEdit, Ui, Window, vec2,
};
use std::collections::BTreeMap;

/// Which keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Where {
    /// Those of the window.
    #[default]
    Here,
    /// Those that work in front of every program.
    Everywhere,
}

/// What the page remembers.
#[derive(Default)]
pub struct KeysPage {
    /// Whether it is open.
    pub open: bool,
    /// Whether the field shall take the focus: letters typed at once are looked for, not obeyed.
    fresh: bool,
    query: String,
    place: Where,
    /// What waits for a key.
    waiting: Option<Deed>,
    /// What operations shall be told that need it.
    arguments: BTreeMap<Op, String>,
    /// What was said of the last change.
    said: Option<String>,
    /// Why a key that shall work everywhere does not, by its chord.
    pub failed: BTreeMap<Chord, String>,
    /// Why none can work here.
    pub nowhere: Option<String>,
}

impl KeysPage {
    /// Whether the next key pressed is to be bound.
    pub fn waits(&self) -> bool {
        self.open && self.waiting.is_some()
    }

    /// Opens or closes it.
    pub fn show(&mut self, open: bool) {
        self.open = open;
        self.fresh = open;
        self.waiting = None;
        self.said = None;
        if open {
            self.query.clear();
        }
    }

    /// Takes the key that was pressed for what waits; None gives up.
    pub fn caught(&mut self, chord: Option<Chord>, own: &mut OwnKeys<'_>, texts: &Scene<'_>) {
        let Some(deed) = self.waiting.take() else {
            return;
        };
        let Some(chord) = chord else { return };
        if let Err(why) = chord.bindable() {
            self.said = Some(texts.say(&why.to_string()));
            return;
        }
        let everywhere = self.place == Where::Everywhere;
        if everywhere && chord.types() {
            self.said = Some(texts.say(crate::control::keys::TYPES));
            return;
        }
        let list = if everywhere {
            &mut *own.hotkeys
        } else {
            &mut *own.keys
        };
        let keys = table(list, everywhere);
        let mut taken = Vec::new();
        // One key, one thing: it is taken from what had it.
        for other in keys
            .others(chord, &deed)
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
        {
            let left: Vec<Chord> = keys
                .of(&other)
                .into_iter()
                .filter(|k| *k != chord)
                .collect();
            set(list, &other, &left, everywhere);
            taken.push(texts.t(titles::title(other.op)));
        }
        let mut mine = keys.of(&deed);
        if !mine.contains(&chord) {
            mine.push(chord);
        }
        set(list, &deed, &mine, everywhere);
        self.said = (!taken.is_empty()).then(|| {
            let variables = [("key", shown(&chord)), ("title", taken.join(", "))];
            let variables = variables.each_ref().map(|(k, v)| (*k, v.as_str()));
            texts.texts.f("keys-taken", &variables)
        });
    }
}

/// The operator's own keys in the settings' draft.
pub struct OwnKeys<'a> {
    /// Those of the window.
    pub keys: &'a mut Vec<KeyBinding>,
    /// Those that work in front of every program.
    pub hotkeys: &'a mut Vec<KeyBinding>,
}

/// The keys of a list; for every program none is shipped.
fn table(list: &[KeyBinding], everywhere: bool) -> Keys {
    if everywhere {
        Keys::only(list)
    } else {
        Keys::new(list)
    }
}

fn set(list: &mut Vec<KeyBinding>, deed: &Deed, keys: &[Chord], everywhere: bool) {
    if everywhere && keys.is_empty() {
        reset(list, deed);
    } else if everywhere {
        reset(list, deed);
        list.push(KeyBinding {
            op: deed.text(),
            keys: keys.iter().map(ToString::to_string).collect(),
        });
    } else {
        bind(list, deed, keys);
    }
}

/// Draws the page within `room` where it is open. Changes go into the settings' draft, which hands them over.
pub fn show(
    ctx: &Context,
    room: Rect,
    scene: &Scene<'_>,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    if !view.keys_page.open {
        return;
    }
    let mut page = std::mem::take(&mut view.keys_page);
    let mut own = view.form.draft.controls.clone();
    let here = Here { scene, view };
    let mut open = true;
    let size = vec2(
        (room.width() - 20.0).min(720.0),
        (room.height() - 50.0).max(160.0),
    );
    Window::new(scene.t("keys-title"))
        .id(Id::unique("keys"))
        .open(&mut open)
        .collapsible(false)
        .default_size(size)
        // Notices lie at the left.
        .default_pos(room.right_top() - vec2(size.x + 20.0, 0.0))
        .constrain_to(room)
        .show(ctx, |ui| {
            head(ui, scene, &mut page, &mut own.hotkeys_on);
            let mut lists = OwnKeys {
                keys: &mut own.keys,
                hotkeys: &mut own.hotkeys,
            };
            let everywhere = page.place == Where::Everywhere;
            list(ui, &here, &mut page, &mut lists, everywhere);
        });
    view.form.draft.controls = own;
    page.open = true;
    view.keys_page = page;
    if !open {
        actions.push(Action::ShowKeys(false));
    }
}

fn head(ui: &mut Ui, scene: &Scene<'_>, page: &mut KeysPage, hotkeys_on: &mut bool) {
    ui.horizontal(|ui| {
        let hint = scene.t("keys-search");
        let field = TextEdit::singleline(&mut page.query)
            .hint_text(RichText::new(&hint).color(theme::text_dim()))
            .char_limit(100)
            .desired_width((ui.available_width() - 330.0).max(120.0));
        let field = ui.add(field);
        if std::mem::take(&mut page.fresh) {
            field.request_focus();
        }
        field.accessible_name(&hint);
        for (place, key) in [
            (Where::Here, "keys-here"),
            (Where::Everywhere, "keys-everywhere"),
        ] {
            let chosen = page.place == place;
            if ui.selectable_label(chosen, scene.t(key)).clicked() {
                page.place = place;
                page.waiting = None;
            }
        }
    });
    if page.place == Where::Everywhere {
        let text = scene.t("keys-everywhere-on");
        ui.add_enabled(page.nowhere.is_none(), Checkbox::new(hotkeys_on, text));
        let (words, ink) = match &page.nowhere {
            Some(why) => (scene.say(why), theme::amber()),
            None => (scene.t("keys-everywhere-hint"), theme::text_dim()),
        };
        wrapped(ui, words, ink);
    } else {
        wrapped(ui, scene.t("keys-moves"), theme::text_dim());
    }
    if let Some(said) = &page.said {
        wrapped(ui, said.clone(), theme::amber());
    }
    ui.separator();
}

fn wrapped(ui: &mut Ui, text: String, ink: egui::Color32) {
    let text = RichText::new(text).font(theme::regular(13.0)).color(ink);
    ui.add(Label::new(text).wrap());
}

/// What is listed: each operation, and those of the operator's own that are told something.
fn deeds(list: &[KeyBinding], everywhere: bool) -> Vec<Deed> {
    let fits = |op: Op| {
        let secret = op.takes().is_secret();
        !secret && (!everywhere || works_everywhere(op))
    };
    let mut deeds = Vec::new();
    for group in Group::ALL {
        for op in Op::ALL
            .iter()
            .filter(|op| op.group() == group && fits(**op))
        {
            deeds.push(Deed::plain(*op));
            let own = list.iter().filter_map(|entry| Deed::read(&entry.op).ok());
            deeds.extend(own.filter(|deed| deed.op == *op && deed.argument.is_some()));
        }
    }
    deeds
}

fn list(
    ui: &mut Ui,
    here: &Here<'_>,
    page: &mut KeysPage,
    own: &mut OwnKeys<'_>,
    everywhere: bool,
) {
    let list = if everywhere {
        &mut *own.hotkeys
    } else {
        &mut *own.keys
    };
    let keys = table(list, everywhere);
    let wanted = page.query.trim().to_lowercase();
    let mut group = None;
    ScrollArea::vertical()
        .id_salt(("keys", everywhere))
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for deed in deeds(list, everywhere) {
                let mine = keys.of(&deed);
                let title = here.deed_title(&deed);
                let names: Vec<String> = mine.iter().map(shown).collect();
                let text = format!("{title} {} {}", deed.op.id(), names.join(" ")).to_lowercase();
                if !wanted.split_whitespace().all(|word| text.contains(word)) {
                    continue;
                }
                if group != Some(deed.op.group()) {
                    group = Some(deed.op.group());
                    ui.add_space(8.0);
                    let head = here.scene.t(titles::group(deed.op.group()));
                    widgets::text(ui, head, theme::bold(13.0), theme::text_soft());
                }
                let row = Row {
                    here,
                    keys: &keys,
                    deed: &deed,
                    title: &title,
                    mine: &mine,
                    everywhere,
                };
                ui.push_id(deed.text(), |ui| row.show(ui, page, list));
            }
            ui.add_space(10.0);
            let all = Button::new(here.scene.t("keys-reset-all")).min_size(vec2(96.0, 28.0));
            if ui.add_enabled(!list.is_empty(), all).clicked() {
                list.clear();
                page.said = None;
            }
        });
}

/// One operation and its keys.
struct Row<'a> {
    here: &'a Here<'a>,
    keys: &'a Keys,
    deed: &'a Deed,
    title: &'a str,
    mine: &'a [Chord],
    everywhere: bool,
}

impl Row<'_> {
    fn name(&self, key: &str, chord: &str) -> String {
        let variables = [("title", self.title), ("key", chord)];
        self.here.scene.texts.f(key, &variables)
    }

    fn show(&self, ui: &mut Ui, page: &mut KeysPage, list: &mut Vec<KeyBinding>) {
        let waits = page.waiting.as_ref().is_some_and(|waiting| {
            waiting.op == self.deed.op && (waiting == self.deed || self.deed.argument.is_none())
        });
        widgets::row(ui, 28.0, |ui| {
            let width = (ui.available_width() * 0.46).min(330.0);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(vec2(width, 28.0), layout, |ui| {
                ui.set_min_width(width);
                let font = theme::regular(14.0);
                widgets::short_text(ui, self.title, font, theme::text());
            });
            if waits {
                let text = self.here.scene.t("keys-press");
                widgets::text(ui, text, theme::bold(13.0), theme::amber());
                return;
            }
            self.chips(ui, list);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.buttons(ui, page, list);
            });
        });
        self.troubles(ui, page);
    }

    fn chips(&self, ui: &mut Ui, list: &mut Vec<KeyBinding>) {
        ui.spacing_mut().item_spacing.x = 4.0;
        for chord in self.mine {
            let text = format!("{}  ×", shown(chord));
            let chip = Button::new(RichText::new(text).font(theme::bold(13.0)));
            let name = self.name("keys-remove-name", &shown(chord));
            let chip = ui.add(chip).on_hover_text(&name).accessible_name(&name);
            if chip.clicked() {
                let left: Vec<Chord> = self.mine.iter().copied().filter(|k| k != chord).collect();
                set(list, self.deed, &left, self.everywhere);
            }
        }
    }

    fn buttons(&self, ui: &mut Ui, page: &mut KeysPage, list: &mut Vec<KeyBinding>) {
        let scene = self.here.scene;
        let changed = list
            .iter()
            .any(|entry| Deed::read(&entry.op).as_ref() == Ok(self.deed));
        if changed && !self.everywhere {
            let text = RichText::new(scene.t("keys-reset")).font(theme::regular(12.5));
            let name = self.name("keys-reset-name", "");
            if ui.add(Button::new(text)).accessible_name(&name).clicked() {
                reset(list, self.deed);
            }
        }
        let takes = self.deed.op.takes();
        let asks = self.deed.argument.is_none() && !takes.is_nothing();
        let given = page
            .arguments
            .get(&self.deed.op)
            .map(|text| text.trim().to_owned());
        let given = given.filter(|text| !text.is_empty() && asks);
        let needs = asks && takes != Takes::Input;
        let add = Button::new(RichText::new(scene.t("keys-add")).font(theme::regular(12.5)));
        let name = self.name("keys-add-name", "");
        let add = ui
            .add_enabled(!needs || given.is_some(), add)
            .on_disabled_hover_text(told(scene, takes));
        if add.accessible_name(&name).clicked() {
            page.said = None;
            page.waiting = Some(Deed {
                op: self.deed.op,
                argument: given.or_else(|| self.deed.argument.clone()),
            });
        }
        if asks {
            let text = page.arguments.entry(self.deed.op).or_default();
            let hint = RichText::new(takes.example()).color(theme::text_dim());
            let field = TextEdit::singleline(text)
                .hint_text(hint)
                .char_limit(200)
                .desired_width(96.0);
            let name = self.name("keys-argument-name", "");
            ui.add(field)
                .on_hover_text(told(scene, takes))
                .accessible_name(&name);
        }
    }

    /// What is wrong with its keys.
    fn troubles(&self, ui: &mut Ui, page: &KeysPage) {
        let scene = self.here.scene;
        for chord in self.mine {
            let others = self.keys.others(*chord, self.deed);
            if !others.is_empty() {
                let titles: Vec<String> = others.iter().map(|d| self.here.deed_title(d)).collect();
                let (key, title) = (shown(chord), titles.join(", "));
                let variables = [("key", key.as_str()), ("title", title.as_str())];
                wrapped(ui, scene.texts.f("keys-shared", &variables), theme::amber());
            }
            if let Some(why) = page.failed.get(chord).filter(|_| self.everywhere) {
                let text = scene.texts.f("keys-failed", &[("why", &scene.say(why))]);
                wrapped(ui, text, theme::amber());
            }
        }
    }
}
