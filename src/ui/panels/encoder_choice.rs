//! The encoder's section of the settings: which, how fast, what gives way at low bitrates and on a
//! poor network, how the machine is used. All of it works while a show runs too: the session cuts
//! over to a new encoder and no viewer is lost.

use super::form::Form;
use super::settings::{choose, row, section, tick};
use super::{Scene, theme};
use crate::settings::{EncoderFamily, EncoderSpeed, Priority};
use crate::ui::widgets::block;
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use eframe::egui::{DragValue, Ui, vec2};

/// A family's name for people.
pub fn family(scene: &Scene<'_>, family: EncoderFamily) -> String {
    scene.t(match family {
        EncoderFamily::Nvenc => "family-nvenc",
        EncoderFamily::Qsv => "family-qsv",
        EncoderFamily::Amf => "family-amf",
        EncoderFamily::VideoToolbox => "family-videotoolbox",
        EncoderFamily::Vaapi => "family-vaapi",
        EncoderFamily::MediaFoundation => "family-mf",
        EncoderFamily::Libx264 => "family-libx264",
        EncoderFamily::Libopenh264 => "family-libopenh264",
    })
}

/// The key of a speed's name.
pub fn speed(speed: EncoderSpeed) -> &'static str {
    match speed {
        EncoderSpeed::Fastest => "speed-fastest",
        EncoderSpeed::Balanced => "speed-balanced",
        EncoderSpeed::Sharpest => "speed-sharpest",
    }
}

/// Draws the section.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    section(ui, &scene.t("settings-encoder-title"));
    if !scene.snapshot.state.is_at_rest() {
        hint(ui, scene, "settings-encoder-live");
    }
    which(ui, scene, form);
    lower(ui, scene, form);
    machine(ui, scene, form);
}

fn hint(ui: &mut Ui, scene: &Scene<'_>, key: &str) {
    if super::sheet::is_searching(ui) {
        return;
    }
    block::words(ui, scene.t(key), theme::regular(12.5), theme::text_dim());
}

fn which(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    let encoder = &mut form.draft.encoder;
    let mut families = vec![(None, scene.t("settings-encoder-automatic"))];
    families.extend(EncoderFamily::ALL.map(|f| (Some(f), family(scene, f))));
    row(ui, &scene.t("settings-encoder"), |ui, width| {
        let value = &mut encoder.family;
        choose(ui, "family", width, value, &families, String::new())
    });
    match encoder.family {
        None => hint(ui, scene, "settings-encoder-automatic-hint"),
        Some(EncoderFamily::Libopenh264) => hint(ui, scene, "family-libopenh264-hint"),
        Some(_) => {}
    }
    let speeds = [
        EncoderSpeed::Fastest,
        EncoderSpeed::Balanced,
        EncoderSpeed::Sharpest,
    ]
    .map(|s| (s, scene.t(speed(s))));
    row(ui, &scene.t("settings-speed"), |ui, width| {
        let value = &mut encoder.speed;
        choose(ui, "speed", width, value, &speeds, String::new())
    });
    let meaning = match encoder.speed {
        EncoderSpeed::Fastest => "speed-fastest-hint",
        EncoderSpeed::Balanced => "speed-balanced-hint",
        EncoderSpeed::Sharpest => "speed-sharpest-hint",
    };
    hint(ui, scene, meaning);
    if let Some(frames) = encoder.vbv_frames {
        // Not to be set here, but it says otherwise than the speed above.
        let frames = frames.to_string();
        let text = scene.texts.f("settings-vbv", &[("frames", &frames)]);
        block::words(ui, text, theme::regular(12.5), theme::amber());
    }
}

fn lower(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    let encoder = &mut form.draft.encoder;
    tick(ui, &mut encoder.lower_picture, &scene.t("settings-lower"));
    tick(ui, &mut encoder.adaptive, &scene.t("settings-adaptive"));
    if !encoder.adaptive {
        return;
    }
    row(ui, &scene.t("settings-floor"), |ui, width| {
        let floor = &mut encoder.floor_kbps;
        number(
            ui,
            width,
            floor,
            BITRATE_MIN_KBPS..=BITRATE_MAX_KBPS,
            " kb/s",
        )
    });
    if encoder.floor_kbps > scene.kbps {
        let text = scene.t("settings-floor-high");
        block::words(ui, text, theme::regular(12.5), theme::amber());
    } else {
        hint(ui, scene, "settings-adaptive-hint");
    }
}

/// A number that is typed: half of it is never handed over, and no slip of the pointer moves it.
fn number(
    ui: &mut Ui,
    width: f32,
    value: &mut u32,
    range: std::ops::RangeInclusive<u32>,
    unit: &str,
) -> eframe::egui::Response {
    let field = DragValue::new(value)
        .range(range)
        .speed(0.0)
        .update_while_editing(false)
        .suffix(unit);
    ui.add_sized(vec2(width.min(110.0), 28.0), field)
}

fn machine(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form) {
    let performance = &mut form.draft.performance;
    let priorities = [
        (Priority::Normal, scene.t("priority-normal")),
        (Priority::High, scene.t("priority-high")),
    ];
    row(ui, &scene.t("settings-priority"), |ui, width| {
        let value = &mut performance.priority;
        choose(ui, "priority", width, value, &priorities, String::new())
    });
    // Elsewhere the system does not let one choose (pipe(7): F_SETPIPE_SZ is Linux').
    let linux = cfg!(target_os = "linux");
    ui.add_enabled_ui(linux, |ui| {
        row(ui, &scene.t("settings-pipe"), |ui, width| {
            number(ui, width, &mut performance.pipe_kib, 4..=1024, " KiB")
        });
    });
    if !linux {
        hint(ui, scene, "settings-pipe-hint");
    }
}
