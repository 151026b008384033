//! The settings of the backup receiver: whether there is one, and where.

use super::Scene;
use super::form::{Field, Form};
use super::settings::{choose, fault, line, row, secret, section};
use crate::settings::TargetKind;
use eframe::egui::{DragValue, Ui, vec2};

/// Draws the section; its fields only where there is a backup.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("settings-backup"));
    let kinds = [
        (None, scene.t("settings-backup-none")),
        (Some(TargetKind::Srt), scene.t("settings-target-own")),
        (
            Some(TargetKind::Embedded),
            scene.t("settings-target-embedded"),
        ),
    ];
    let backup = &mut form.draft.backup;
    let mut kind = backup.on.then_some(backup.target.kind);
    row(ui, &scene.t("settings-backup-kind"), |ui, width| {
        choose(ui, "backup", width, &mut kind, &kinds, String::new())
    });
    backup.on = kind.is_some();
    backup.target.kind = kind.unwrap_or(backup.target.kind);
    if !backup.on {
        return;
    }
    let faults = form.backup_faults();
    let named = |key: &str| {
        let name = scene.t(key);
        scene.texts.f("settings-backup-field", &[("field", &name)])
    };
    let faulty = |ui: &mut Ui, field: Field| {
        for (_, key) in faults.iter().filter(|(f, _)| *f == field) {
            fault(ui, &scene.t(key));
        }
    };
    let target = &mut form.draft.backup.target;
    let own = target.kind == TargetKind::Srt;
    if own {
        line(ui, &named("settings-host"), &mut target.host, "");
        faulty(ui, Field::Host);
        row(ui, &named("settings-port"), |ui, width| {
            let port = DragValue::new(&mut target.srt_port)
                .range(1..=65_535)
                .speed(0.0);
            ui.add_sized(vec2(width.min(96.0), 28.0), port)
        });
        faulty(ui, Field::Port);
    }
    line(ui, &named("settings-path"), &mut target.path, "");
    faulty(ui, Field::Path);
    if !own {
        return;
    }
    let optional = scene.t("settings-optional");
    line(ui, &named("settings-user"), &mut target.user, &optional);
    faulty(ui, Field::User);
    let hint = scene.t("settings-secret-hint");
    let [password, passphrase] = &mut form.backup_secrets;
    let title = named("settings-password");
    form.backup_secrets_typed[0] |= secret(ui, &title, password, &hint);
    faulty(ui, Field::Password);
    let title = named("settings-passphrase");
    form.backup_secrets_typed[1] |= secret(ui, &title, passphrase, &hint);
    faulty(ui, Field::Passphrase);
    let api = &mut target.api_url;
    line(ui, &named("settings-api"), api, "http://host:9997");
    faulty(ui, Field::Api);
    let webrtc = &mut target.webrtc_url;
    line(ui, &named("settings-webrtc"), webrtc, "http://host:8889");
    faulty(ui, Field::WebRtc);
}
