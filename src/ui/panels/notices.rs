//! The settings' part about notices: from when on silence, black and a busy machine are told of.
//! Drawn by the window's thread; edits the draft.

use super::Scene;
use super::form::Form;
use super::settings::{row, section};
use crate::ui::numbers;
use eframe::egui::{DragValue, Response, Ui, vec2};

/// Draws the section.
pub fn settings(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("notify-title"));
    let never = scene.t("notify-never");
    let notify = &mut form.draft.notify;
    row(ui, &scene.t("notify-silence"), |ui, width| {
        or_never(ui, width, &mut notify.silence_seconds, 600, "s", &never)
    });
    row(ui, &scene.t("notify-below"), |ui, width| {
        let below = DragValue::new(&mut notify.silence_below_dbfs)
            .range(-90.0..=-20.0)
            .speed(0.0)
            .fixed_decimals(0)
            .suffix(" dBFS");
        ui.add_sized(vec2(width.min(96.0), 28.0), below)
    });
    row(ui, &scene.t("notify-black"), |ui, width| {
        or_never(ui, width, &mut notify.black_seconds, 600, "s", &never)
    });
    row(ui, &scene.t("notify-cpu"), |ui, width| {
        or_never(ui, width, &mut notify.cpu_percent, 100, "%", &never)
    });
}

/// A number of which 0 means never.
fn or_never(
    ui: &mut Ui,
    width: f32,
    value: &mut u32,
    most: u32,
    unit: &str,
    never: &str,
) -> Response {
    let drag = DragValue::new(value)
        .range(0..=most)
        .speed(0.0)
        .custom_formatter(|value, _| {
            if value < 0.5 {
                never.to_owned()
            } else {
                format!("{} {unit}", numbers::fixed(value, 0))
            }
        })
        .custom_parser(|text| {
            let text = text.trim();
            if text == never {
                return Some(0.0);
            }
            text.trim_end_matches(unit).trim().parse().ok()
        });
    ui.add_sized(vec2(width.min(96.0), 28.0), drag)
}
