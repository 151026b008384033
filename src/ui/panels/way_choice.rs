//! The settings' part on the way into the server: which, its floor, and the ports that it needs.

use super::Scene;
use super::form::{Field, Form};
use super::network::floor;
use super::settings::{fault_of, line, row};
use crate::publish::WayStatus;
use crate::settings::Way;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets::block;
use eframe::egui::{ComboBox, DragValue, Response, Ui, vec2};

/// Draws it; `own` is whether the target is a server of the operator's own.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, own: bool) {
    let ways = &scene.snapshot.route.ways;
    let status = |way| ways.iter().find(|status: &&WayStatus| status.way == way);
    // Into a server on this machine nothing is sent by UDP.
    let all = Way::ALL.into_iter().filter(|way| own || *way != Way::Udp);
    let name = |way: Way| match way {
        Way::Auto => scene.t("way-auto"),
        other => other.name().to_owned(),
    };
    row(ui, &scene.t("settings-way"), |ui, width| {
        let way = &mut form.draft.target.way;
        // Closed it has room for the name only.
        ComboBox::from_id_salt("way")
            .width(width)
            .truncate()
            .selected_text(name(*way))
            .show_ui(ui, |ui| {
                for choice in [Way::Auto].into_iter().chain(all) {
                    let text = match status(choice) {
                        Some(status) => format!("{}: {}", name(choice), floor(scene, status)),
                        None => name(choice),
                    };
                    ui.selectable_value(way, choice, text);
                }
            })
            .response
    });
    let way = form.draft.target.way;
    // The settings of the look are the session's: while one is being typed its word may be old.
    let current = scene.snapshot.settings.target == form.draft.target;
    let why = status(way).and_then(|status| status.why_not.as_ref());
    let text = match why.filter(|_| current) {
        Some(why) => scene.texts.f("way-not-here", &[("why", &scene.say(why))]),
        None => scene.t(hint(way)),
    };
    let colour = if why.is_some() && current {
        theme::amber()
    } else {
        theme::text_dim()
    };
    if !super::sheet::is_searching(ui) {
        block::words(ui, text, theme::regular(12.0), colour);
    }
    let target = &mut form.draft.target;
    if matches!(way, Way::Auto | Way::Rtsp) && own {
        port(
            ui,
            &scene.t("settings-rtsp-port"),
            &mut target.rtsp_port,
            scene,
        );
    }
    if way == Way::Udp && own {
        port(
            ui,
            &scene.t("settings-udp-port"),
            &mut target.udp_port,
            scene,
        );
    }
    if matches!(way, Way::Auto | Way::SrtPull) && own {
        let hint = scene.t("settings-pull-hint");
        line(
            ui,
            &scene.t("settings-pull-address"),
            &mut target.pull_address,
            &hint,
        );
        port(
            ui,
            &scene.t("settings-pull-port"),
            &mut target.pull_port,
            scene,
        );
        fault_of(ui, scene, form, Field::PullAddress);
    }
    if way == Way::File {
        line(
            ui,
            &scene.t("settings-file"),
            &mut form.draft.target.file,
            "",
        );
    }
}

fn hint(way: Way) -> &'static str {
    match way {
        Way::Auto => "way-hint-auto",
        Way::SrtPush => "way-hint-push",
        Way::SrtPull => "way-hint-pull",
        Way::Rtsp => "way-hint-rtsp",
        Way::Whip => "way-hint-whip",
        Way::Udp => "way-hint-udp",
        Way::File => "way-hint-file",
    }
}

/// A port; 0 is found by the console.
fn port(ui: &mut Ui, title: &str, value: &mut u16, scene: &Scene<'_>) {
    let found = scene.t("settings-port-found");
    row(ui, title, |ui, width| -> Response {
        let port = DragValue::new(value)
            .range(0..=65_535)
            .speed(0.0)
            .custom_formatter(|value, _| {
                if value < 0.5 {
                    found.clone()
                } else {
                    numbers::fixed(value, 0)
                }
            });
        ui.add_sized(vec2(width.min(120.0), 28.0), port)
    });
}
