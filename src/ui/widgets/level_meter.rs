//! The level meter: left and right, RMS as a bar, peak as a line with a short hold, dBFS figures.

use super::name;
use crate::session::snapshot::AudioLevel;
use crate::ui::numbers;
pub use crate::ui::numbers::dbfs;
use crate::ui::theme;
use eframe::egui::{Align2, Color32, Painter, Rect, Role, Sense, Stroke, Ui, pos2, vec2};

/// The meter's lower end, dBFS.
const FLOOR_DBFS: f32 = -60.0;
/// EBU R 68: the permitted maximum is 9 dB under full scale.
const HIGH_DBFS: f32 = -9.0;
/// Nearly at full scale.
const HOT_DBFS: f32 = -3.0;
/// Scale under the bars, dBFS, those that matter most first; what would touch is left out.
const SCALE: [f32; 6] = [-60.0, 0.0, -9.0, -20.0, -40.0, -3.0];
/// A peak's line stands still for so long, s.
const HOLD_S: f64 = 1.5;

/// Peaks held for the eye.
#[derive(Clone, Copy, Debug)]
pub struct PeakHold {
    held: [(f32, f64); 2],
}

impl Default for PeakHold {
    fn default() -> Self {
        Self {
            held: [(f32::NEG_INFINITY, 0.0); 2],
        }
    }
}

impl PeakHold {
    /// Takes new peaks (dBFS) at `now_s`; gives those to draw.
    pub fn take(&mut self, peaks: [f32; 2], now_s: f64) -> [f32; 2] {
        for (held, peak) in self.held.iter_mut().zip(peaks) {
            if peak >= held.0 || now_s - held.1 > HOLD_S {
                *held = (peak, now_s);
            }
        }
        [self.held[0].0, self.held[1].0]
    }
}

fn share(level: f32) -> f32 {
    ((level - FLOOR_DBFS) / -FLOOR_DBFS).clamp(0.0, 1.0)
}

fn colour(level: f32) -> Color32 {
    if level > HOT_DBFS {
        theme::vermillion()
    } else if level > HIGH_DBFS {
        theme::amber()
    } else {
        theme::green()
    }
}

/// Draws both channels into `rect` (at least 40 points high). `names` are the channels' accessible
/// names with their levels.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    level: &AudioLevel,
    hold: [f32; 2],
    letters: [&str; 2],
    names: [&str; 2],
    muted: bool,
) {
    let scale_height = 14.0;
    let gap = 5.0;
    let bar_height = ((rect.height() - scale_height - gap) / 2.0).min(16.0);
    let left = rect.left() + 16.0;
    let right = rect.right() - 44.0;
    for channel in 0..2 {
        let top = rect.top() + channel as f32 * (bar_height + gap);
        let bar = Rect::from_min_max(pos2(left, top), pos2(right, top + bar_height));
        let response = ui.interact(bar, ui.scope_id().with(("level", channel)), Sense::hover());
        name(&response, Role::Meter, names[channel]);
        let painter = ui.painter();
        let soft = theme::text_soft();
        painter.text(
            pos2(rect.left(), bar.center().y),
            Align2::LEFT_CENTER,
            letters[channel],
            theme::bold(12.0),
            soft,
        );
        painter.text(
            pos2(rect.right(), bar.center().y),
            Align2::RIGHT_CENTER,
            dbfs(level.peak_dbfs[channel]),
            theme::regular(12.5),
            if muted {
                theme::text_dim()
            } else {
                theme::text()
            },
        );
        self::bar(
            painter,
            bar,
            level.rms_dbfs[channel],
            level.peak_dbfs[channel],
            theme::well(),
        );
        let x = |level: f32| bar.left() + share(level) * bar.width();
        if hold[channel] > FLOOR_DBFS {
            let at = x(hold[channel]).clamp(bar.left() + 1.0, bar.right() - 1.0);
            painter.vline(at, bar.y_range(), Stroke::new(2.0, theme::text()));
        }
    }
    let painter = ui.painter();
    let mut taken: Vec<Rect> = Vec::new();
    for mark in SCALE {
        let text = numbers::fixed(mark, 0);
        let galley = painter.layout_no_wrap(text, theme::regular(10.5), theme::text_dim());
        let x = left + share(mark) * (right - left) - galley.size().x / 2.0;
        let at = pos2(x, rect.top() + 2.0 * (bar_height + gap) - 2.0);
        let place = Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 0.0));
        if !taken.iter().any(|other| other.intersects(place)) {
            taken.push(place);
            painter.galley(at, galley, theme::text_dim());
        }
    }
}

/// Paints one channel's bar on `ground`: RMS full, peak pale, each zone as far as the level reaches into it.
pub fn bar(painter: &Painter, bar: Rect, rms_dbfs: f32, peak_dbfs: f32, ground: Color32) {
    painter.rect_filled(bar, 2.0, ground);
    let x = |level: f32| bar.left() + share(level) * bar.width();
    for (from, to) in [
        (FLOOR_DBFS, HIGH_DBFS),
        (HIGH_DBFS, HOT_DBFS),
        (HOT_DBFS, 0.0),
    ] {
        for (reach, opacity) in [(peak_dbfs, 0.35), (rms_dbfs, 1.0)] {
            if reach > from {
                let zone = bar.with_min_x(x(from)).with_max_x(x(reach.min(to)));
                painter.rect_filled(zone, 0.0, theme::faded(colour(to), opacity));
            }
        }
    }
}

/// Draws one small bar into `rect`, the louder of both sides, with a mark where it clipped. `name` is
/// its accessible name.
pub fn small(ui: &mut Ui, rect: Rect, level: &AudioLevel, name: &str) {
    let response = ui.interact(rect, ui.scope_id().with(name), Sense::hover());
    super::name(&response, Role::Meter, name);
    let mark = Rect::from_min_max(pos2(rect.right() - 5.0, rect.top()), rect.max);
    let bar = rect.with_max_x(mark.left() - 2.0);
    let painter = ui.painter();
    painter.rect_filled(bar, 1.0, theme::well());
    let louder = |sides: [f32; 2]| sides[0].max(sides[1]);
    for (reach, opacity) in [
        (louder(level.peak_dbfs), 0.35),
        (louder(level.rms_dbfs), 1.0),
    ] {
        let filled = bar.with_max_x(bar.left() + share(reach) * bar.width());
        painter.rect_filled(filled, 1.0, theme::faded(colour(reach), opacity));
    }
    if level.clipped {
        painter.rect_filled(mark, 0.0, theme::vermillion());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_held_and_then_let_go() {
        let mut hold = PeakHold::default();
        assert_eq!(hold.take([-6.0, -20.0], 0.0), [-6.0, -20.0]);
        assert_eq!(hold.take([-30.0, -10.0], 1.0), [-6.0, -10.0]);
        assert_eq!(hold.take([-30.0, -30.0], 1.6), [-30.0, -10.0]);
    }

    #[test]
    fn silence_is_no_number() {
        assert_eq!(dbfs(f32::NEG_INFINITY), "−∞");
        assert_eq!(dbfs(-18.04), "−18.0");
        assert_eq!(share(f32::NEG_INFINITY), 0.0);
        assert_eq!(share(3.0), 1.0);
    }

    #[test]
    fn the_zones_are_told_apart() {
        assert_eq!(colour(-20.0), theme::green());
        assert_eq!(colour(-6.0), theme::amber());
        assert_eq!(colour(0.0), theme::vermillion());
    }
}
