//! The graphics cards: name, driver, load. What the system does not tell is said to be so.

use super::Scene;
use crate::monitor::gpu::Gpu;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::block;
use eframe::egui::Ui;

/// Draws the section.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) {
    block::head(ui, &scene.t("gpu-title"), None);
    let cpu = scene.snapshot.cpu_percent;
    let cpu = cpu.map(numbers::percent);
    let not_available = scene.t("gpu-not-available");
    block::tiles(ui, &[(&scene.t("gpu-cpu"), cpu)], &not_available);
    let plain =
        |ui: &mut Ui, key| block::words(ui, scene.t(key), theme::regular(13.0), theme::text_dim());
    match scene.snapshot.gpus.as_deref() {
        None => plain(ui, "gpu-not-yet"),
        Some(cards) if cards.is_empty() => plain(ui, "gpu-none"),
        Some(cards) => {
            for (index, gpu) in cards.iter().enumerate() {
                ui.push_id(("gpu", index), |ui| one(ui, scene, gpu));
            }
        }
    }
}

fn one(ui: &mut Ui, scene: &Scene<'_>, gpu: &Gpu) {
    let not_available = scene.t("gpu-not-available");
    block::words(ui, &gpu.name, theme::bold(14.0), theme::text());
    let driver = gpu.driver.as_deref().unwrap_or(&not_available);
    let driver = scene.texts.f("gpu-driver", &[("driver", driver)]);
    block::words(ui, driver, theme::regular(12.5), theme::text_soft());
    let percent = |value: Option<f32>| value.map(numbers::percent);
    let memory = gpu
        .memory_bytes
        .map(|(used, all)| numbers::gib_of(used, all));
    block::tiles(
        ui,
        &[
            (&scene.t("gpu-load"), percent(gpu.load_percent)),
            (&scene.t("gpu-memory"), memory),
            (
                &scene.t("gpu-temperature"),
                gpu.temperature_c
                    .map(|c| format!("{} °C", numbers::fixed(c, 0))),
            ),
        ],
        &not_available,
    );
    block::columns(
        ui,
        &[
            (&scene.t("gpu-encoder"), percent(gpu.encoder_percent)),
            (
                &scene.t("gpu-sessions"),
                gpu.encoder_sessions.map(numbers::count),
            ),
        ],
        3,
        &not_available,
    );
    ui.add_space(2.0);
}
