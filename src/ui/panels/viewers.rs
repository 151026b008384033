//! The viewers' page for the operator: its link and QR code, who can open it, and its settings, which
//! the settings page shows too. The code is made once for a link and painted from then on.

use super::Scene;
use super::form::Form;
use super::settings::{fault, row, tick};
use crate::session::snapshot::Receiver;
use crate::settings::TargetKind;
use crate::ui::actions::Action;
use crate::ui::theme;
use crate::ui::widgets::{self, block};
use crate::viewer::qr::{QUIET, Qr};
use eframe::egui::{Button, DragValue, Rect, RichText, Role, Sense, Ui, pos2, vec2};

/// Draws the page's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, actions: &mut Vec<Action>) {
    let viewer = &scene.snapshot.viewer;
    let soft = |ui: &mut Ui, key: &str| {
        block::words(ui, scene.t(key), theme::regular(13.0), theme::text_soft());
    };
    ui.add_space(4.0);
    if let Some(problem) = &viewer.problem {
        fault(ui, &scene.say(problem));
    } else if let Some(link) = viewer.links.first() {
        link_of(ui, scene, link, form, actions);
    } else if scene.snapshot.settings.viewer.on {
        soft(ui, "watch-starting");
    } else {
        soft(ui, "watch-off");
    }
    let settings = &scene.snapshot.settings;
    if matches!(scene.snapshot.receiver, Some(Receiver::Loopback)) {
        fault(ui, &scene.t("watch-no-server"));
    } else if settings.target.kind == TargetKind::Srt && settings.target.webrtc_url.is_empty() {
        fault(ui, &scene.t("watch-no-webrtc"));
    }
    super::eyes::show(ui, scene);
    controls(ui, scene, form);
}

fn link_of(ui: &mut Ui, scene: &Scene<'_>, link: &str, form: &mut Form, actions: &mut Vec<Action>) {
    let viewer = &scene.snapshot.viewer;
    ui.horizontal(|ui| {
        let text = RichText::new(scene.t("watch-copy")).font(theme::bold(14.0));
        let copy = ui.add(Button::new(text).min_size(vec2(0.0, 32.0)));
        if copy.on_hover_text(link).clicked() {
            actions.push(Action::Copy(link.to_owned()));
        }
        block::words(ui, link, theme::bold(14.0), theme::text());
    });
    let (who, ink) = if viewer.lan {
        ("watch-everyone", theme::amber())
    } else {
        ("watch-here", theme::text_soft())
    };
    block::words(ui, scene.t(who), theme::bold(14.0), ink);
    if viewer.lan {
        let hint = scene.t("watch-everyone-hint");
        block::words(ui, hint, theme::regular(13.0), theme::text_soft());
    }
    if form.code.as_ref().is_none_or(|(of, _)| of != link) {
        form.code = Some((link.to_owned(), Qr::of(link)));
    }
    if let Some((_, Some(code))) = &form.code {
        let name = scene.texts.f("watch-code", &[("link", link)]);
        paint(ui, code, &name);
    }
    let hint = scene.t("watch-hint");
    block::words(ui, hint, theme::regular(12.5), theme::text_dim());
    for other in viewer.links.iter().skip(1) {
        block::words(ui, other, theme::regular(12.5), theme::text_dim());
    }
}

/// Black on white whatever the theme: readers need it so.
fn paint(ui: &mut Ui, code: &Qr, name: &str) {
    let all = (code.width + 2 * QUIET) as f32;
    let dot = (ui.available_width().min(264.0) / all).floor().max(2.0);
    let (rect, response) = ui.allocate_exact_size(vec2(dot * all, dot * all), Sense::hover());
    widgets::name(&response, Role::Image, name);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, theme::ROUND_SMALL, theme::untinted());
    for row in 0..code.width {
        for column in (0..code.width).filter(|column| code.is_dark(*column, row)) {
            let place = |n: usize| (n + QUIET) as f32 * dot;
            let at = rect.min + vec2(place(column), place(row));
            let square = Rect::from_min_size(pos2(at.x, at.y), vec2(dot, dot));
            painter.rect_filled(square, 0, theme::picture());
        }
    }
}

/// The page's settings.
pub(super) fn controls(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    ui.add_space(4.0);
    let viewer = &mut form.draft.viewer;
    tick(ui, &mut viewer.on, &scene.t("watch-serve"));
    if !viewer.on {
        form.ask_lan = false;
        return;
    }
    row(ui, &scene.t("watch-port"), |ui, width| {
        let port = DragValue::new(&mut viewer.port)
            .range(1..=65_535)
            .speed(0.0);
        ui.add_sized(vec2(width.min(96.0), 28.0), port)
    });
    if super::sheet::is_searching(ui) {
        return;
    }
    let button = |ui: &mut Ui, key: &str| {
        let text = RichText::new(scene.t(key)).font(theme::regular(14.0));
        ui.add(Button::new(text).min_size(vec2(0.0, 28.0)))
            .clicked()
    };
    if viewer.lan {
        block::words(
            ui,
            scene.t("watch-everyone"),
            theme::regular(13.0),
            theme::amber(),
        );
        if scene.snapshot.receiver.is_some() {
            let hint = scene.t("watch-next-show");
            block::words(ui, hint, theme::regular(12.5), theme::text_dim());
        }
        if button(ui, "watch-close") {
            viewer.lan = false;
        }
    } else if form.ask_lan {
        let question = scene.t("watch-ask");
        block::words(ui, question, theme::bold(13.5), theme::amber());
        ui.horizontal_wrapped(|ui| {
            if button(ui, "watch-yes") {
                viewer.lan = true;
                form.ask_lan = false;
            }
            if button(ui, "watch-no") {
                form.ask_lan = false;
            }
        });
    } else if button(ui, "watch-open") {
        form.ask_lan = true;
    }
}
