//! The sound section of the settings: the inputs of the mix, each with source, gain, delay, mute
//! and what its device really does. Works while a show runs too.

use super::form::Form;
use super::settings::{choose, fault, row, section};
use super::{Scene, theme};
use crate::audio::mixer::{DELAY_MAX_MS, GAIN_MAX_DB, GAIN_OFF_DB};
use crate::session::snapshot::AudioInputStatus;
use crate::settings::{AUDIO_INPUTS_MAX, AudioInput, AudioSourceKind};
use crate::ui::numbers;
use eframe::egui::{self, Button, DragValue, RichText, Slider, Ui, vec2};

/// Draws the section.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("settings-sound"));
    let (inputs, names) = (&mut form.draft.audio.inputs, &form.inputs);
    let count = inputs.len();
    let mut removed = None;
    for (index, input) in inputs.iter_mut().enumerate() {
        // A number only where there is something to tell apart.
        let number = (count > 1).then_some(index + 1);
        ui.push_id(("sound input", index), |ui| {
            if index > 0 {
                ui.add_space(6.0);
            }
            source(ui, scene, number, names, input);
            let status = scene.snapshot.audio.inputs.get(index);
            state(ui, scene, status);
            if controls(ui, scene, number, input) {
                removed = Some(index);
            }
        });
    }
    if let Some(index) = removed {
        inputs.remove(index);
    }
    if count < AUDIO_INPUTS_MAX && !super::sheet::is_searching(ui) {
        let text = RichText::new(scene.t("settings-audio-add")).font(theme::regular(13.0));
        if ui
            .add(Button::new(text).min_size(vec2(0.0, 28.0)))
            .clicked()
        {
            // What is most likely missing beside a microphone.
            inputs.push(AudioInput::of(AudioSourceKind::SystemSound));
        }
    }
}

/// A text for the only input, or for one of several.
fn named(scene: &Scene<'_>, one: &str, several: &str, number: Option<usize>) -> String {
    match number {
        None => scene.t(one),
        Some(number) => scene.texts.f(several, &[("number", &number.to_string())]),
    }
}

fn source(
    ui: &mut Ui,
    scene: &Scene<'_>,
    number: Option<usize>,
    names: &[String],
    input: &mut AudioInput,
) {
    let source = &mut input.source;
    let mut choices = vec![
        (
            AudioSourceKind::DefaultInput,
            scene.t("settings-audio-default"),
        ),
        (
            AudioSourceKind::SystemSound,
            scene.t("settings-audio-system"),
        ),
    ];
    for name in names {
        choices.push((AudioSourceKind::Input(name.clone()), name.clone()));
    }
    for (kind, text) in [
        (AudioSourceKind::Tone, scene.t("settings-audio-tone")),
        (AudioSourceKind::Beep(0), scene.t("settings-audio-beep")),
        (AudioSourceKind::Silence, scene.t("settings-audio-silence")),
    ] {
        choices.push((kind, text));
    }
    let other = match source {
        AudioSourceKind::Input(name) => scene.texts.f("settings-audio-gone", &[("name", name)]),
        _ => scene.t("settings-audio-beep"),
    };
    let title = named(
        scene,
        "settings-audio-source",
        "settings-audio-source-n",
        number,
    );
    row(ui, &title, |ui, width| {
        choose(ui, "audio", width, source, &choices, other)
    });
}

/// What the device does, or why it does nothing.
fn state(ui: &mut Ui, scene: &Scene<'_>, status: Option<&AudioInputStatus>) {
    let Some(status) = status.filter(|_| !super::sheet::is_searching(ui)) else {
        return;
    };
    if let Some(problem) = &status.problem {
        fault(ui, &scene.say(problem));
    } else if let Some(format) = &status.format {
        let mut text = scene.texts.f(
            "settings-audio-format",
            &[
                ("host", format.host),
                ("rate", &format.rate_hz.to_string()),
                ("channels", &format.channels.to_string()),
                ("frames", &format.buffer_frames.to_string()),
                ("ms", &numbers::fixed(format.buffer_ms(), 1)),
            ],
        );
        if format.late_ms > 0 {
            let late = format.late_ms.to_string();
            text.push_str(". ");
            text.push_str(&scene.texts.f("settings-audio-late", &[("ms", &late)]));
        }
        let text = RichText::new(text)
            .font(theme::regular(12.0))
            .color(theme::text_dim());
        ui.add(egui::Label::new(text).wrap());
    }
}

/// Gain, delay, mute; whether the input shall go.
fn controls(ui: &mut Ui, scene: &Scene<'_>, number: Option<usize>, input: &mut AudioInput) -> bool {
    let off = scene.t("settings-audio-off");
    let title = named(
        scene,
        "settings-audio-gain",
        "settings-audio-gain-n",
        number,
    );
    row(ui, &title, |ui, width| {
        ui.spacing_mut().slider_width = (width - 76.0).max(60.0);
        let slider = Slider::new(&mut input.gain_db, GAIN_OFF_DB..=GAIN_MAX_DB)
            .step_by(0.5)
            .custom_formatter(move |gain_db, _| {
                if gain_db <= f64::from(GAIN_OFF_DB) {
                    off.clone()
                } else {
                    format!("{} dB", numbers::signed(gain_db, 1))
                }
            })
            .custom_parser(|text| numbers::typed(text.trim().trim_end_matches("dB")));
        ui.add(slider)
    });
    let title = named(
        scene,
        "settings-audio-delay",
        "settings-audio-delay-n",
        number,
    );
    row(ui, &title, |ui, width| {
        let delay = DragValue::new(&mut input.delay_ms)
            .range(0..=DELAY_MAX_MS)
            .speed(1.0)
            .suffix(" ms");
        ui.add_sized(vec2(width.min(96.0), 28.0), delay)
    });
    let mut removed = false;
    if super::sheet::is_searching(ui) {
        return removed;
    }
    ui.horizontal(|ui| {
        let title = named(
            scene,
            "settings-audio-mute",
            "settings-audio-mute-n",
            number,
        );
        ui.checkbox(&mut input.muted, title);
        if let Some(number) = number {
            let number = number.to_string();
            let name = scene
                .texts
                .f("settings-audio-remove", &[("number", &number)]);
            let text = RichText::new(name).font(theme::regular(13.0));
            removed = ui.add(Button::new(text)).clicked();
        }
    });
    removed
}
