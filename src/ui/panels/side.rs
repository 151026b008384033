//! The panels that can be docked: their names, keys and contents. Where they are and which is in sight is
//! [`crate::ui::dock`]'s. The main thread draws; what a panel has no room for is scrolled to.

use super::Scene;
use crate::control::Op;
use crate::ui::actions::Action;
use crate::ui::view::View;
use eframe::egui::{Margin, ScrollArea, Ui};

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What can be set.
    Settings,
    /// The encoder.
    Encoder,
    /// Whether everything is there.
    Check,
    /// The ways into the server, and who watches.
    Network,
    /// Where viewers watch.
    Viewers,
    /// The captured picture.
    Preview,
    /// The latency meter.
    Latency,
    /// What was said.
    Log,
    /// What is captured.
    Source,
    /// The sound inputs and their levels.
    Audio,
    /// Where the stream goes.
    Server,
    /// The graphics cards.
    Gpu,
}

impl Side {
    /// All, in the menu's order.
    pub const ALL: [Self; 12] = [
        Self::Settings,
        Self::Encoder,
        Self::Check,
        Self::Network,
        Self::Viewers,
        Self::Preview,
        Self::Latency,
        Self::Log,
        Self::Source,
        Self::Audio,
        Self::Server,
        Self::Gpu,
    ];

    /// The operation that opens and closes it.
    pub fn op(self) -> Op {
        match self {
            Self::Settings => Op::PanelSettings,
            Self::Encoder => Op::PanelEncoder,
            Self::Check => Op::PanelCheck,
            Self::Network => Op::PanelNetwork,
            Self::Viewers => Op::PanelViewers,
            Self::Preview => Op::PanelPreview,
            Self::Latency => Op::PanelLatency,
            Self::Log => Op::PanelLog,
            Self::Source => Op::PanelSource,
            Self::Audio => Op::PanelAudio,
            Self::Server => Op::PanelServer,
            Self::Gpu => Op::PanelGpu,
        }
    }

    /// Its name in the file that remembers the layout, and in the names of operations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Encoder => "encoder",
            Self::Check => "check",
            Self::Network => "network",
            Self::Viewers => "viewers",
            Self::Preview => "preview",
            Self::Latency => "latency",
            Self::Log => "log",
            Self::Source => "source",
            Self::Audio => "audio",
            Self::Server => "server",
            Self::Gpu => "gpu",
        }
    }

    /// The panel of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }

    /// The key of its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Settings => "settings-title",
            Self::Encoder => "encoder-title",
            Self::Check => "check-title",
            Self::Network => "network-title",
            Self::Viewers => "watch-title",
            Self::Preview => "preview-title",
            Self::Latency => "latency-title",
            Self::Log => "log-title",
            Self::Source => "panel-source",
            Self::Audio => "panel-audio",
            Self::Server => "panel-server",
            Self::Gpu => "panel-gpu",
        }
    }

    /// Width and height that its contents need at least, points.
    pub fn least_size(self) -> [f32; 2] {
        match self {
            Self::Latency => [320.0, 226.0],
            Self::Preview => [300.0, 110.0],
            Self::Log => [300.0, 76.0],
            _ => [360.0, 110.0],
        }
    }

    /// Whether its contents are longer than any window, and scrolled.
    fn is_page(self) -> bool {
        !matches!(self, Self::Preview | Self::Latency | Self::Log)
    }
}

/// Draws a panel's contents into all of `ui`.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    side: Side,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    let margin = if scene.small { 6 } else { 10 };
    let frame = eframe::egui::Frame::new().inner_margin(Margin::same(margin));
    frame.show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        let [_, least] = side.least_size();
        let least = least - 2.0 * f32::from(margin);
        if !side.is_page() && ui.available_height() >= least {
            return contents(ui, scene, side, view, actions);
        }
        ScrollArea::vertical()
            // Each panel keeps its own place.
            .id_salt(side.name())
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 8.0);
                if !side.is_page() {
                    // Lower than it can be drawn: as low as can be, and scrolled.
                    ui.set_max_height(least);
                    ui.set_min_height(least);
                }
                contents(ui, scene, side, view, actions);
            });
    });
}

fn contents(
    ui: &mut Ui,
    scene: &Scene<'_>,
    side: Side,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    let form = &mut view.form;
    match side {
        Side::Settings => super::settings::show(ui, scene, form, actions),
        Side::Encoder => {
            super::encoder::show(ui, scene, actions);
            if !scene.gpu_open {
                super::gpu::show(ui, scene);
            }
        }
        Side::Network => super::network::show(ui, scene, &view.kick, actions),
        Side::Check => super::check::show(ui, scene, actions),
        Side::Viewers => super::viewers::show(ui, scene, form, actions),
        Side::Preview => {
            super::preview::show(ui, scene, &view.screen, view.preview_on, actions);
        }
        Side::Latency => super::latency::show(ui, scene, view.frozen.as_ref(), actions),
        Side::Log => super::log::show(ui, scene, &mut view.least, actions),
        Side::Source => super::parts::source(ui, scene, form, actions),
        Side::Audio => super::parts::audio(ui, scene, form),
        Side::Server => super::parts::server(ui, scene, form, actions),
        Side::Gpu => super::gpu::show(ui, scene),
    }
}
