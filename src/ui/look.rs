//! Light or dark, and how large everything is: follows the settings, and the system where they say so. Main thread;
//! sets something only where it has changed, since egui then lays everything out anew.

use super::theme::{self, Look};
use crate::settings::{SCALE_MAX_PERCENT, SCALE_MIN_PERCENT, Theme, WindowSettings};
use eframe::egui::{self, Context};

/// The sizes that the keys go through, percent.
const STEPS: [u32; 6] = [SCALE_MIN_PERCENT, 110, 125, 150, 175, SCALE_MAX_PERCENT];

/// A change of size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the next larger one.
    Up,
    /// To the next smaller one.
    Down,
    /// To the system's.
    Reset,
}

/// The size after `step`, percent.
pub fn scaled(percent: u32, step: Step) -> u32 {
    match step {
        Step::Up => STEPS.into_iter().find(|s| *s > percent),
        Step::Down => STEPS.into_iter().rev().find(|s| *s < percent),
        Step::Reset => Some(SCALE_MIN_PERCENT),
    }
    .unwrap_or(percent)
}

/// What `wanted` means on this system.
fn resolve(wanted: Theme, system: Option<egui::Theme>) -> Look {
    match (wanted, system) {
        (Theme::Light, _) | (Theme::System, Some(egui::Theme::Light)) => Look::Light,
        (Theme::Dark | Theme::System, _) => Look::Dark,
    }
}

/// Sets look and size for the first time.
pub fn begin(ctx: &Context, settings: &WindowSettings) {
    // The keys for it are the window's own: the size is remembered, and the bitrate has + and − too.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    theme::apply(ctx, resolve(settings.theme, ctx.system_theme()));
    set_scale(ctx, settings.scale_percent);
}

/// Follows the settings.
pub fn follow(ctx: &Context, settings: &WindowSettings) {
    let look = resolve(settings.theme, ctx.system_theme());
    if look != theme::look() {
        theme::apply(ctx, look);
    }
    set_scale(ctx, settings.scale_percent);
}

fn set_scale(ctx: &Context, percent: u32) {
    let percent = percent.clamp(SCALE_MIN_PERCENT, SCALE_MAX_PERCENT);
    let factor = percent as f32 / 100.0;
    if (ctx.zoom_factor() - factor).abs() > 0.001 {
        ctx.set_zoom_factor(factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_go_through_the_steps_and_stop_at_the_ends() {
        let mut percent = 100;
        for expected in [110, 125, 150, 175, 200, 200] {
            percent = scaled(percent, Step::Up);
            assert_eq!(percent, expected);
        }
        assert_eq!(
            scaled(160, Step::Down),
            150,
            "what was set by hand lies between"
        );
        assert_eq!(scaled(100, Step::Down), 100);
        assert_eq!(scaled(175, Step::Reset), 100);
    }

    #[test]
    fn the_system_is_asked_only_where_the_settings_say_so() {
        use egui::Theme as Egui;
        assert_eq!(resolve(Theme::System, Some(Egui::Light)), Look::Light);
        assert_eq!(resolve(Theme::System, Some(Egui::Dark)), Look::Dark);
        assert_eq!(resolve(Theme::System, None), Look::Dark);
        assert_eq!(resolve(Theme::Dark, Some(Egui::Light)), Look::Dark);
        assert_eq!(resolve(Theme::Light, Some(Egui::Dark)), Look::Light);
    }
}
