//! The side panel: its pages (settings, encoder, network, check, viewers), one at a time, each scrolled by itself.
//! Which one is open is the window's own; the main thread draws.

use super::{Scene, card};
use crate::control::Op;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::view::View;
use crate::ui::widgets;
use eframe::egui::{Align, Button, Layout, Rect, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2};

/// A page of the side panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What can be set.
    Settings,
    /// The encoder and the graphics cards.
    Encoder,
    /// Whether everything is there.
    Check,
    /// The ways into the server, and who watches.
    Network,
    /// Where viewers watch.
    Viewers,
}

impl Side {
    /// All, from left to right.
    pub const ALL: [Self; 5] = [
        Self::Settings,
        Self::Encoder,
        Self::Check,
        Self::Network,
        Self::Viewers,
    ];

    /// The operation that opens and closes it.
    pub fn op(self) -> Op {
        match self {
            Self::Settings => Op::PanelSettings,
            Self::Encoder => Op::PanelEncoder,
            Self::Check => Op::PanelCheck,
            Self::Network => Op::PanelNetwork,
            Self::Viewers => Op::PanelViewers,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Settings => "settings-title",
            Self::Encoder => "encoder-title",
            Self::Check => "check-title",
            Self::Network => "network-title",
            Self::Viewers => "watch-title",
        }
    }
}

/// Draws the panel into `rect`, open at `side`.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene<'_>,
    side: Side,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    card(ui, "side", rect, scene.small, |ui| {
        widgets::row(ui, 28.0, |ui| {
            // Five pages beside each other in the narrowest panel.
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding.x = 4.0;
            for page in Side::ALL {
                tab(ui, scene, page, side == page, actions);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = RichText::new("×").font(theme::bold(16.0));
                let close = ui.add(Button::new(text).min_size(vec2(28.0, 24.0)));
                let name = scene.t("side-close");
                if close.on_hover_text(&name).accessible_name(&name).clicked() {
                    actions.push(Action::ShowSide(None));
                }
            });
        });
        ScrollArea::vertical()
            // Each page keeps its own place.
            .id_salt(side.title())
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 8.0);
                match side {
                    Side::Settings => super::settings::show(ui, scene, &mut view.form, actions),
                    Side::Encoder => {
                        super::encoder::show(ui, scene, actions);
                        super::gpu::show(ui, scene);
                    }
                    Side::Network => super::network::show(ui, scene, &view.kick, actions),
                    Side::Check => super::check::show(ui, scene, actions),
                    Side::Viewers => super::viewers::show(ui, scene, &mut view.form, actions),
                }
            });
    });
}

fn tab(ui: &mut Ui, scene: &Scene<'_>, page: Side, open: bool, actions: &mut Vec<Action>) {
    let name = scene.t(page.title());
    let text = RichText::new(&name).font(theme::bold(12.0));
    let button = Button::selectable(open, text).min_size(vec2(0.0, 24.0));
    let response = ui.add(button).on_hover_text(scene.keys_of(page.op()));
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, open, &name));
    if response.clicked() {
        actions.push(Action::ShowSide(Some(page)));
    }
}
