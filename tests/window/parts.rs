//! A window that is painted in parts is, pixel for pixel, the window painted whole.

use crate::paint::Picture;
use crate::rig::{Rig, figures, live};
use eframe::egui::{Key, Modifiers, pos2};
use pd_console::session::Snapshot;
use pd_console::session::snapshot::State;
use pd_console::settings::Language::{English, Korean};
use pd_console::settings::Theme;
use pd_console::ui::damage::{Damage, Parts};

/// A buffer that is painted over from frame to frame.
struct Buffer {
    damage: Damage,
    picture: Picture,
    /// Pixels painted since the last look, and frames that were painted whole.
    painted: f32,
    whole: u32,
}

impl Buffer {
    fn of(rig: &Rig) -> Self {
        let mut buffer = Self {
            damage: Damage::default(),
            picture: Picture::new(1280, 800),
            painted: 0.0,
            whole: 0,
        };
        buffer.frame(rig);
        buffer
    }

    /// Paints the rig's newest frame over what is there.
    fn frame(&mut self, rig: &Rig) {
        let (ctx, output) = (&rig.harness.ctx, rig.harness.output());
        let mut shapes = output.shapes.clone();
        let screen = ctx.viewport_rect();
        let delta = rig.textures.newest();
        let parts = self.damage.take(&mut shapes, &delta, screen, 1.0, true);
        match &parts {
            Parts::Whole => self.whole += 1,
            // Where something moves that should not, its place says what it is.
            Parts::Some(rects) if !rects.is_empty() => {
                println!("  {rects:?}");
                self.painted += rects.iter().map(|rect| rect.area()).sum::<f32>();
            }
            Parts::Some(_) => {}
        }
        let primitives = ctx.tessellate(shapes, 1.0);
        rig.textures.paint_over(&mut self.picture, &primitives, 1.0);
    }

    /// Lets frames go by, each painted in parts, and compares the outcome with the whole.
    fn after(&mut self, rig: &mut Rig, what: &str) {
        self.after_but_for(rig, what, 0);
    }

    /// The same, where each colour may be `steps` off.
    fn after_but_for(&mut self, rig: &mut Rig, what: &str, steps: u8) {
        (self.painted, self.whole) = (0.0, 0);
        for _ in 0..4 {
            rig.harness.step();
            self.frame(rig);
        }
        let whole = rig.picture();
        let wrong = self.picture.pixels.iter().zip(&whole.pixels);
        let places: Vec<usize> = wrong
            .enumerate()
            .filter_map(|(i, (is, should))| differs(is, should, steps).then_some(i))
            .collect();
        let first = places.first().map(|i| (i % 1280, i / 1280));
        assert!(
            places.is_empty(),
            "{what}: {} pixels are wrong, the first at {first:?}",
            places.len()
        );
        println!("{what}: {:.0} pixels, whole {}", self.painted, self.whole);
    }
}

fn show(s: &mut Snapshot) {
    live(s);
    s.latency.encoded = Some(figures(9.4));
    s.latency.sent = Some(figures(10.2));
    s.latency.arrived = Some(figures(43.0));
    s.audio.label = "USB Audio CODEC".into();
    s.audio.level.peak_dbfs = [-12.0, -15.0];
}

fn differs(is: &[u8; 4], should: &[u8; 4], steps: u8) -> bool {
    is.iter().zip(should).any(|(a, b)| a.abs_diff(*b) > steps)
}

#[test]
fn parts_make_the_same_picture_as_the_whole() {
    let mut rig = Rig::new(English, show);
    rig.wait(1.0);
    let mut buffer = Buffer::of(&rig);
    buffer.after(&mut rig, "nothing");
    assert!(buffer.painted < 1.0 && buffer.whole == 0, "nothing changed");
    rig.set(|s| s.audio.level.peak_dbfs = [-3.0, -40.0]);
    buffer.after(&mut rig, "levels");
    assert!(buffer.whole == 0 && buffer.painted < 120_000.0);
    rig.set(|s| {
        s.latency.arrived = Some(figures(55.0));
        s.frames = 1234;
    });
    buffer.after(&mut rig, "figures");
    assert_eq!(buffer.whole, 0);
    rig.set(|s| s.settings.audio.muted = true);
    buffer.after(&mut rig, "muted");
    rig.harness.hover_at(pos2(140.0, 740.0));
    buffer.after(&mut rig, "the pointer on a button");
    rig.harness.key_press_modifiers(Modifiers::NONE, Key::F3);
    buffer.after(&mut rig, "a panel");
    rig.harness.key_press_modifiers(Modifiers::NONE, Key::F1);
    // Letters under its soft shadow are cut into other triangles, which round otherwise.
    buffer.after_but_for(&mut rig, "a window over it", 1);
    rig.harness.key_press_modifiers(Modifiers::NONE, Key::F1);
    buffer.after_but_for(&mut rig, "and without it", 1);
    rig.set(|s| s.state = State::Reconnecting { attempt: 1 });
    buffer.after(&mut rig, "another state");
    rig.set(|s| s.settings.language = Korean);
    buffer.after(&mut rig, "another language");
    rig.set(|s| s.settings.window.theme = Theme::Light);
    buffer.after(&mut rig, "another look");
}
