//! The window of `pd-console pattern`: a clock for cameras and for `pd-console glass`.
//!
//! A window of its own without a session; all on the main thread. Each picture is drawn with the
//! time at which its drawing began. Where the machine is too slow for the wished rate, pictures are
//! left out, none is drawn late.

use super::i18n::Texts;
use super::icon::with_identity;
use super::start::has_display;
use super::{fonts, theme};
use crate::clock::{MonoTime, now};
use crate::glass::SharedClock;
use crate::glass::scene::{Fill, Moment, Scene, Tone, Word, scene};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::load;
use crate::units::{Fps, Size};
use eframe::egui::{
    self, Align2, Color32, Context, CursorIcon, Key, Painter, Pos2, Rect, Ui, Vec2,
    ViewportBuilder, ViewportCommand,
};
use std::time::Duration;

/// What the window shall be like.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Fill the screen.
    pub fullscreen: bool,
    /// Pictures a second at most; the display's own rate where that is lower.
    pub fps: Fps,
    /// Size of the window in points (pixels at a scale of 100 %); 1280x720 without it.
    pub size: Option<Size>,
    /// Ends by itself after this.
    pub duration: Option<Duration>,
}

/// Pictures after which a window that was to fill the screen and does not is helped: without a
/// window manager (a kiosk, a virtual screen) nobody else makes it so.
const HELP_AFTER: u32 = 20;

/// When pictures are due.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    due: MonoTime,
}

impl Pace {
    fn new(fps: Fps) -> Self {
        Self {
            interval: fps.interval(),
            due: MonoTime::ZERO,
        }
    }

    /// A picture is drawn at `now`: the time until the next.
    fn drawn(&mut self, now: MonoTime) -> Duration {
        self.due = self.due + self.interval;
        // What was missed is not made up for.
        if self.due < now {
            self.due = now + self.interval;
        }
        self.due.since(now)
    }

    /// Whether a picture may be drawn at `now`; else how long until then. A wake-up a little early
    /// counts.
    fn is_due(&self, now: MonoTime) -> Result<(), Duration> {
        match self.due.since(now) {
            left if left > Duration::from_micros(500) => Err(left),
            _ => Ok(()),
        }
    }
}

/// The window.
pub struct PatternWindow {
    wish: Wish,
    help: Vec<String>,
    pace: Pace,
    begun: MonoTime,
    moment: Option<Moment>,
    drawn: u32,
    fullscreen: bool,
}

impl PatternWindow {
    /// A window that sets the type of `ctx`.
    pub fn new(ctx: &Context, wish: Wish, texts: &Texts) -> Self {
        fonts::install(ctx);
        // The block's edges are whole pixels: nothing is to be smoothed.
        ctx.tessellation_options_mut(|options| options.feathering = false);
        let help = [
            texts.t("pattern-photo"),
            texts.t("pattern-difference"),
            texts.t("pattern-bar"),
            texts.t("pattern-keys"),
        ];
        Self {
            help: help.into(),
            pace: Pace::new(wish.fps),
            begun: now(),
            moment: None,
            drawn: 0,
            fullscreen: wish.fullscreen,
            wish,
        }
    }

    /// Draws one picture and answers the keys.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let time = now();
        self.answer(&ctx, time);
        // Drawn between two wishes (a key, the pointer): the same picture again, so that the rate
        // is the wished one.
        let moment = match (self.pace.is_due(time), self.moment) {
            (Err(left), Some(moment)) => {
                ctx.request_repaint_after(left);
                moment
            }
            _ => {
                ctx.request_repaint_after(self.pace.drawn(time));
                moment_of(SharedClock::read())
            }
        };
        self.moment = Some(moment);
        self.drawn = self.drawn.saturating_add(1);
        let scale = ctx.pixels_per_point();
        let rect = ctx.viewport_rect();
        let size = (rect.size() * scale).round();
        let size = Size::new(size.x.max(0.0) as u32, size.y.max(0.0) as u32);
        paint(ui.painter(), scale, &scene(size, moment, &self.help));
    }

    fn answer(&mut self, ctx: &Context, time: MonoTime) {
        let (leaves, toggles) = ctx.input(|input| {
            let leaves = input.key_pressed(Key::Escape) || input.key_pressed(Key::Q);
            // Held down it is pressed once.
            let first = |event: &egui::Event| {
                matches!(
                    event,
                    egui::Event::Key {
                        key: Key::F,
                        pressed: true,
                        repeat: false,
                        ..
                    }
                )
            };
            (leaves, input.events.iter().any(first))
        });
        let over = self.wish.duration;
        if leaves || over.is_some_and(|limit| time.since(self.begun) >= limit) {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if toggles {
            self.fullscreen = !self.fullscreen;
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.fullscreen));
        }
        if self.fullscreen {
            ctx.set_cursor_icon(CursorIcon::None);
        }
        if self.fullscreen && self.drawn == HELP_AFTER {
            let whole = ctx.input(|input| input.viewport().monitor_size);
            if let Some(whole) = whole.filter(|w| !is_about(*w, ctx.viewport_rect().size())) {
                ctx.send_viewport_cmd(ViewportCommand::OuterPosition(Pos2::ZERO));
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(whole));
            }
        }
    }
}

fn is_about(a: Vec2, b: Vec2) -> bool {
    (a - b).abs().max_elem() < 1.0
}

/// The time of day and the shared clock at this moment.
fn moment_of(shared: SharedClock) -> Moment {
    let time = jiff::Zoned::now().time();
    let seconds =
        (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    let of_day = Duration::new(
        seconds.unsigned_abs(),
        time.subsec_nanosecond().unsigned_abs(),
    );
    Moment {
        of_day,
        shared_us: shared.us(),
    }
}

fn colour(tone: Tone) -> Color32 {
    match tone {
        Tone::Black => theme::picture(),
        Tone::Dim => theme::text_dim(),
        Tone::Soft => theme::text_soft(),
        Tone::White => theme::untinted(),
    }
}

/// Paints a scene, whose pixels are the screen's own: whatever the scale, edges stay sharp.
fn paint(painter: &Painter, scale: f32, scene: &Scene) {
    let whole = painter.ctx().viewport_rect();
    // Black is what the window is cleared with: on software GL each filled pixel costs.
    let painter = painter.with_clip_rect(whole);
    for fill in &scene.fills {
        painter.rect_filled(rect_of(fill, scale), 0.0, colour(fill.tone));
    }
    for word in &scene.words {
        paint_word(&painter, scale, word);
    }
}

fn rect_of(fill: &Fill, scale: f32) -> Rect {
    let at = Pos2::new(fill.x as f32, fill.y as f32) / scale;
    let size = Vec2::new(fill.width as f32, fill.height as f32) / scale;
    Rect::from_min_size(at, size)
}

fn paint_word(painter: &Painter, scale: f32, word: &Word) {
    let font = |size: f32| {
        if word.is_bold {
            theme::bold(size)
        } else {
            theme::regular(size)
        }
    };
    // Whole points: each size is a set of letters in the atlas.
    let size = (word.size / scale).round().max(1.0);
    let colour = colour(word.tone);
    let lay = |size: f32| painter.layout_no_wrap(word.text.clone(), font(size), colour);
    let mut galley = lay(size);
    let most = word.most_width / scale;
    if galley.size().x > most {
        galley = lay((size * most / galley.size().x).floor().max(1.0));
    }
    let middle = Pos2::new(word.x, word.y) / scale;
    let rect = Align2::CENTER_CENTER.anchor_size(middle, galley.size());
    painter.galley(rect.min, galley, colour);
}

impl eframe::App for PatternWindow {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        theme::picture().to_normalized_gamma_f32()
    }
}

/// Opens the window and runs it on this thread until it is left.
///
/// # Errors
/// Where no window can be opened.
pub fn run(wish: Wish) -> Result<(), Failure> {
    let failed = |why: &str| {
        let text = format!(
            "no window can be opened: {why}. Start it in a desktop session with OpenGL; on a virtual screen set LIBGL_ALWAYS_SOFTWARE=1"
        );
        Failure::new(FailureKind::NoDisplay, text)
    };
    if !has_display() {
        return Err(failed("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    let texts = Texts::new(load().settings.language);
    let size = wish.size.unwrap_or(Size::new(1280, 720));
    let title = texts.t("pattern-title");
    let options = eframe::NativeOptions {
        viewport: with_identity(ViewportBuilder::default())
            .with_title(title.clone())
            .with_inner_size([size.width as f32, size.height as f32])
            .with_fullscreen(wish.fullscreen),
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let result = eframe::run_native(
        &title,
        options,
        Box::new(move |context| {
            let window = PatternWindow::new(&context.egui_ctx, wish, &texts);
            Ok(Box::new(window))
        }),
    );
    result.map_err(|e| failed(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glass::code::Seen;
    use crate::glass::find::{Luma, find};
    use crate::settings::Language;
    use egui_kittest::Harness;

    #[test]
    fn pictures_come_at_the_wished_rate_whatever_wakes_the_window() {
        let mut pace = Pace::new(Fps::whole(50));
        let (mut time, mut drawn) = (MonoTime::from_micros(7_000_000), 0);
        let mut wake = time;
        // The pointer wakes it every 3 ms, the timer 100 us late.
        for step in 0..20_000_u64 {
            time = MonoTime::from_micros(7_000_000 + step * 100);
            if time < wake && step % 30 != 0 {
                continue;
            }
            let left = match pace.is_due(time) {
                Err(left) => left,
                Ok(()) => {
                    drawn += 1;
                    pace.drawn(time)
                }
            };
            wake = time + left + Duration::from_micros(100);
        }
        assert!((99..=102).contains(&drawn), "{drawn}");
        // A stall is not made up for.
        let late = time + Duration::from_secs(3);
        assert_eq!(pace.is_due(late), Ok(()));
        assert_eq!(pace.drawn(late), Duration::from_millis(20));
    }

    fn wish(fullscreen: bool) -> Wish {
        Wish {
            fullscreen,
            fps: Fps::whole(60),
            size: None,
            duration: None,
        }
    }

    /// The window on a screen of 1280x720 pixels, at this scale, before any key.
    fn shown(scale: f32, wish: Wish) -> Harness<'static, Option<PatternWindow>> {
        let draw = move |ui: &mut Ui, window: &mut Option<PatternWindow>| {
            let texts = Texts::new(Language::Korean);
            let window =
                window.get_or_insert_with(|| PatternWindow::new(ui.ctx(), wish.clone(), &texts));
            window.draw(ui);
        };
        let mut harness = Harness::builder()
            .with_pixels_per_point(scale)
            .with_size([1280.0 / scale, 720.0 / scale])
            .with_context_setup(fonts::install)
            .build_ui_state(draw, None);
        harness.run_steps(2);
        harness
    }

    fn commands(harness: &Harness<'_, Option<PatternWindow>>) -> Vec<ViewportCommand> {
        let viewports = harness.output().viewport_output.values();
        viewports.flat_map(|v| v.commands.clone()).collect()
    }

    #[test]
    fn the_code_is_read_from_what_is_drawn_at_every_scale() {
        for scale in [1.0_f32, 1.25, 1.5, 2.0] {
            let before = SharedClock::read().us();
            let harness = shown(scale, wish(true));
            let size = Size::new(1280, 720);
            let mut luma = vec![0_u8; size.pixels()];
            let mut words = 0;
            for shape in &harness.output().shapes {
                let shape = match &shape.shape {
                    egui::Shape::Rect(shape) => shape,
                    egui::Shape::Text(text) => {
                        let width = text.galley.size().x * scale;
                        assert!(width > 10.0 && width < 1280.0, "{}", text.galley.text());
                        words += 1;
                        continue;
                    }
                    _ => continue,
                };
                let edges = [
                    shape.rect.min.x,
                    shape.rect.min.y,
                    shape.rect.max.x,
                    shape.rect.max.y,
                ]
                .map(|at| at * scale);
                for edge in edges {
                    assert!((edge - edge.round()).abs() < 0.01, "{scale}: {edges:?}");
                }
                let [left, top, right, bottom] = edges.map(|at| at.round().max(0.0) as usize);
                for y in top..bottom.min(720) {
                    let end = right.min(1280);
                    luma[y * 1280 + left.min(end)..y * 1280 + end].fill(shape.fill.r());
                }
            }
            // Clock, running time, four lines, eleven marks.
            assert_eq!(words, 17);
            let found = find(&Luma::of_plane(&luma, 1280, size).unwrap());
            let [(_, Seen::Time(stamp))] = found[..] else {
                panic!("{scale}: {found:?}");
            };
            let painted = stamp.as_micros();
            assert!(painted + 100 > before && painted <= SharedClock::read().us());
        }
    }

    #[test]
    fn keys_leave_and_fill_the_screen_and_nothing_points_there() {
        for key in [Key::Escape, Key::Q] {
            let mut harness = shown(1.0, wish(false));
            assert_eq!(commands(&harness), []);
            harness.key_down(key);
            harness.step();
            assert_eq!(commands(&harness), [ViewportCommand::Close], "{key:?}");
        }
        let mut harness = shown(1.0, wish(false));
        let icon = |harness: &Harness<'_, _>| harness.output().platform_output.cursor_icon;
        assert_ne!(icon(&harness), CursorIcon::None);
        harness.key_down(Key::F);
        harness.step();
        assert_eq!(commands(&harness), [ViewportCommand::Fullscreen(true)]);
        assert_eq!(icon(&harness), CursorIcon::None);
        harness.key_down(Key::F);
        harness.step();
        assert_eq!(commands(&harness), [], "held down");
        harness.key_up(Key::F);
        harness.step();
        harness.key_down(Key::F);
        harness.step();
        assert_eq!(commands(&harness), [ViewportCommand::Fullscreen(false)]);
        assert_ne!(icon(&harness), CursorIcon::None);
    }

    #[test]
    fn it_ends_by_itself_where_that_was_wished() {
        let duration = Some(Duration::ZERO);
        let harness = shown(
            1.0,
            Wish {
                duration,
                ..wish(true)
            },
        );
        assert!(commands(&harness).contains(&ViewportCommand::Close));
    }
}
