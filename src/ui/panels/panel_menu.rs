//! The menu of the panels: which are in sight, and in which of the shipped layouts they stand. Main thread.

use super::Scene;
use super::side::Side;
use crate::control::Op;
use crate::ui::actions::Action;
use crate::ui::dock::Dock;
use crate::ui::dock::plan::Layout;
use crate::ui::theme;
use crate::ui::widgets;
use eframe::egui::containers::menu::{MenuButton, MenuConfig};
use eframe::egui::{Button, PopupCloseBehavior, ScrollArea, Ui, Vec2};

/// In a window lower than this the menu is scrolled, points.
const HIGH: f32 = 660.0;

/// Draws the button, and the menu while it is open.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, dock: &Dock, size: Vec2, actions: &mut Vec<Action>) {
    let button = Button::new(scene.t("panels-button")).min_size(size);
    // It stays open: several panels are often put where they belong in one go.
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let height = ui.ctx().content_rect().height();
    MenuButton::from_button(button).config(config).ui(ui, |ui| {
        ui.set_min_width(200.0);
        if height >= HIGH {
            return entries(ui, scene, dock, actions);
        }
        let most = (height - 48.0).max(120.0);
        ScrollArea::vertical()
            .max_height(most)
            .min_scrolled_height(most)
            .show(ui, |ui| entries(ui, scene, dock, actions));
    });
}

fn entries(ui: &mut Ui, scene: &Scene<'_>, dock: &Dock, actions: &mut Vec<Action>) {
    for side in Side::ALL {
        let open = dock.is_open(side);
        let key = scene.keys_of(side.op());
        let name = scene.t(side.title());
        let button = Button::selectable(open, &name).shortcut_text(key);
        if ui.add(button).accessible_name(&name).clicked() {
            actions.push(if open {
                Action::CloseSide(side)
            } else {
                Action::ShowSide(Some(side))
            });
        }
    }
    ui.separator();
    let strip = Button::new(scene.t("strip-button")).shortcut_text(scene.keys_of(Op::StripToggle));
    if ui
        .add(strip)
        .accessible_name(scene.t("strip-button"))
        .clicked()
    {
        actions.push(Action::Strip(true));
        ui.close();
    }
    widgets::caption(ui, &scene.t("layout-title"));
    for layout in Layout::ALL {
        let button = Button::selectable(dock.layout() == layout, scene.t(layout.title()));
        if ui.add(button).clicked() {
            actions.push(Action::Layout(layout));
        }
    }
    let text = eframe::egui::RichText::new(scene.t("layout-reset")).color(theme::text_soft());
    if ui.add(Button::new(text)).clicked() {
        actions.push(Action::ResetLayout);
    }
}
