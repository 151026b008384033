//! The window as eframe sees it: `logic` takes what the session shows, `ui` draws and carries out
//! what the operator did. Main thread; comes back where `feed` found something new, and a slow frame
//! only skips snapshots.

mod deeds;
mod faults;
mod letters;

use super::actions::Action;
use super::alone::Alone;
use super::dock::Dock;
use super::feed::Feed;
use super::fonts::{self, Fallback};
use super::frames::Frames;
use super::hotkeys::{self, Hotkeys, Said};
use super::i18n::Texts;
use super::icon::with_identity;
use super::keep::Keeper;
use super::panels::Scene;
use super::panels::report::Reports;
use super::panels::side::Side;
use super::panels::wizard::Wizard;
use super::place::{self, Placed};
use super::retained::Retained;
use super::view::{self, View};
use super::{look, theme};
use crate::clock::{self, MonoTime};
use crate::crash::folder::Kept;
use crate::crash::provoke;
use crate::panics::text_of;
use crate::session::snapshot::State;
use crate::session::{Command, Console, Snapshot};
use crate::settings::Language;
use crate::stop::StopToken;
use eframe::egui::{self, Context, Ui, ViewportCommand};
use faults::Faults;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// From one frame to the next where something in the window itself runs out: a guard, a wish.
const SOON: Duration = Duration::from_millis(100);
/// So long after a key or the pointer something of the kind may.
const TOUCHED: Duration = Duration::from_secs(4);
/// The same where nothing does, against whatever was forgotten.
const AT_REST: Duration = Duration::from_secs(2);
/// The sound inputs are asked for anew so often while the settings are open.
const INPUTS: Duration = Duration::from_secs(2);

/// What a window begins with.
#[derive(Default)]
pub struct Start {
    /// The window comes back as this remembers it.
    pub keeper: Option<Keeper>,
    /// Once this is set the window closes without a question.
    pub leave: StopToken,
    /// Of failures before this start, to be offered.
    pub reports: Vec<Kept>,
    /// It is the only window of its settings.
    pub alone: Option<Arc<Alone>>,
}

/// The window.
pub struct Window {
    console: Arc<dyn Console + Send + Sync>,
    feed: Arc<Feed>,
    hotkeys: Hotkeys,
    snapshot: Arc<Snapshot>,
    texts: Texts,
    language: Language,
    fallback: Fallback,
    log_seen: Option<u64>,
    preview_sent: Option<bool>,
    inputs_at: Option<MonoTime>,
    touched_at: Option<MonoTime>,
    frames: Frames,
    drawn: bool,
    quitting: bool,
    /// The first run was greeted by the page that sets up.
    greeted: bool,
    keeper: Option<Keeper>,
    place: Placed,
    /// The state of the panels that was last handed to the keeper.
    docked: u64,
    retained: Option<Retained>,
    /// Set where the program is asked to end: nobody can be asked then.
    leave: StopToken,
    /// Faults of the window itself.
    faults: Faults,
    /// Held as long as the window is there.
    alone: Option<Arc<Alone>>,
    /// What the window remembers; open for tests.
    pub view: View,
}

impl Window {
    /// A window onto `console`, which sets the look and the type of `ctx`.
    pub fn new(ctx: &Context, console: Arc<dyn Console + Send + Sync>) -> Self {
        fonts::install(ctx);
        let snapshot = console.snapshot();
        look::begin(ctx, &snapshot.settings.window);
        let language = snapshot.settings.language;
        let preview_on = snapshot.settings.preview.on;
        Self {
            feed: Feed::new(console.clone()),
            hotkeys: Hotkeys::new(console.clone()),
            console,
            snapshot,
            texts: Texts::new(language),
            language,
            fallback: Fallback::default(),
            log_seen: None,
            preview_sent: None,
            inputs_at: None,
            touched_at: None,
            frames: Frames::default(),
            drawn: false,
            quitting: false,
            greeted: false,
            keeper: None,
            place: Placed::default(),
            docked: 0,
            retained: None,
            leave: StopToken::new(),
            faults: Faults::default(),
            alone: None,
            view: View {
                preview_on,
                ..View::default()
            },
        }
    }

    /// The same, as `keeper` remembers it; it is kept there from now on.
    #[must_use]
    pub fn kept(mut self, keeper: Keeper) -> Self {
        let kept = keeper.kept();
        self.view.dock = Dock::new(kept.layout, kept.plans.clone());
        self.place = Placed::of(kept);
        self.docked = self.view.dock.changes();
        self.keeper = Some(keeper);
        self
    }

    /// Hands what is to be remembered to the keeper, where something has changed.
    fn remember(&mut self, ctx: &Context, now: MonoTime) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        let dock = &self.view.dock;
        let moved = self.place.see(ctx);
        let docked = self.docked != dock.changes();
        self.docked = dock.changes();
        if moved || docked || !keeper.is_settled() {
            keeper.see(self.place.kept(dock.layout(), dock.plans()), now);
        }
    }

    /// Looks at the session; draws nothing. Runs while the window is hidden too.
    pub fn poll(&mut self, ctx: &Context) {
        provoke::point("pd-main-logic");
        let now = window_time(ctx);
        self.snapshot = self.feed.shown(now);
        let (visible, closing, touched) = ctx.input(|input| {
            let viewport = input.viewport();
            (
                viewport.visible() != Some(false) && !self.feed.is_away(),
                viewport.close_requested(),
                !input.events.is_empty(),
            )
        });
        self.feed.set_hidden(!visible);
        if touched {
            self.feed.touched();
            self.touched_at = Some(now);
        }
        // Nobody sees a preview in a minimised window: then the session need not make any.
        let wanted = self.view.preview_on && visible;
        if self.preview_sent != Some(wanted) {
            self.preview_sent = Some(wanted);
            self.console.send(Command::SetPreview { on: wanted });
        }
        if self.leave.is_stopped() && !self.quitting {
            self.quitting = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        // What is shown may be a moment old; here that would be an answer to what is no more.
        if closing && !self.quitting && !self.console.snapshot().state.is_at_rest() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.view.asking = true;
        }
        let touched = self.touched_at.is_some_and(|at| now.since(at) < TOUCHED);
        let runs_out = visible && (touched || !self.view.go.allows(now));
        ctx.request_repaint_after(if runs_out || !self.feed.looks_by_itself() {
            SOON
        } else {
            AT_REST
        });
    }

    /// Brings what the window remembers up to date with the snapshot.
    fn follow(&mut self, ctx: &Context, now: MonoTime) -> (u32, bool) {
        let snapshot = self.snapshot.clone();
        let view = &mut self.view;
        let actual = snapshot
            .bitrate_pending_kbps
            .unwrap_or(snapshot.settings.encoder.bitrate_kbps);
        view.kbps.settle(&actual, now);
        view.muted.settle(&snapshot.settings.audio.muted, now);
        let kbps = view.kbps.or(actual, now);
        let muted = view.muted.or(snapshot.settings.audio.muted, now);
        view.form.follow(&snapshot.settings, kbps, muted, now);
        let running = !snapshot.state.is_at_rest();
        if view.go.see(running, now) {
            // What was held is of another show.
            view.frozen = None;
        }
        if !running {
            // In the next show it is news again.
            view.noted = None;
        }
        if !matches!(snapshot.state, State::Live | State::Reconnecting { .. }) {
            view.stop.disarm();
        }
        view.screen.take(ctx, snapshot.preview.as_ref());
        look::follow(ctx, &view.form.draft.window);
        let language = view.form.draft.language;
        if language != self.language {
            self.language = language;
            self.texts = Texts::new(language);
        }
        view.keys.follow(&view.form.draft.controls.keys);
        self.hotkeys.follow(&view.form.draft.controls, ctx);
        match self.hotkeys.said() {
            Some(Said::Again) => view.note.say(self.texts.t("button-hint-again"), now),
            Some(Said::Refused(why)) => view.note.say(self.texts.say(&why), now),
            None => {}
        }
        if view.keys_page.open {
            view.keys_page.failed = self.hotkeys.failed();
            view.keys_page.nowhere = hotkeys::nowhere().map(|why| self.texts.say(why));
        }
        if snapshot.first_run && !self.greeted && snapshot.state.is_at_rest() {
            self.greeted = true;
            view.wizard = Some(Wizard::new(&snapshot.settings, now));
            view.examining.set(true, now);
            self.console.send(Command::Examine);
        }
        view.examining.settle(&snapshot.doctor.running, now);
        // Whoever looks elsewhere is called by the task bar.
        if view.toasts.follow(&snapshot, now) && !ctx.input(|input| input.focused) {
            let call = egui::UserAttentionType::Critical;
            ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(call));
        }
        let choosing = [Side::Settings, Side::Source, Side::Audio];
        if (choosing.into_iter().any(|side| view.dock.is_open(side)) || view.wizard.is_some())
            && self.inputs_at.is_none_or(|at| now.since(at) >= INPUTS)
        {
            self.inputs_at = Some(now);
            view.form.inputs = self.console.inputs();
            view.form.pictures = self.console.pictures();
            for name in &self.view.form.inputs {
                self.fallback.look(ctx, name);
            }
            for choice in &self.view.form.pictures {
                self.fallback.look(ctx, &choice.label);
            }
        }
        self.look_for_letters(ctx);
        (kbps, muted)
    }

    /// Draws one frame and carries out what the operator did.
    pub fn draw(&mut self, ui: &mut Ui) {
        provoke::point("main");
        let ctx = ui.ctx().clone();
        let now = window_time(&ctx);
        let (kbps, muted) = self.follow(&ctx, now);
        let snapshot = self.snapshot.clone();
        let examining = self.view.examining.or(snapshot.doctor.running, now);
        let keys = self.view.keys.clone();
        let scene = Scene {
            snapshot: &snapshot,
            texts: &self.texts,
            now,
            kbps,
            muted,
            examining,
            keys: &keys,
            small: false,
            gpu_open: self.view.dock.is_open(Side::Gpu),
        };
        let actions = view::show(ui, &mut self.view, scene);
        // Edits first: GO LIVE in the same frame shall begin with them.
        let (edits, others): (Vec<_>, Vec<_>) = actions.into_iter().partition(|action| {
            matches!(
                action,
                Action::Apply(_) | Action::Secrets { .. } | Action::BackupSecrets { .. }
            )
        });
        let held = others.contains(&Action::HoldStop);
        for action in edits.into_iter().chain(others) {
            self.carry_out(&ctx, action, now);
        }
        if self.view.stop_hold.see(held, now) {
            self.console.send(Command::Stop);
        }
        self.remember(&ctx, now);
    }
}

/// The window's identifier, where it is one of X11.
#[cfg(target_os = "linux")]
fn x11_window(context: &eframe::CreationContext<'_>) -> Option<u32> {
    use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
    match context.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}

/// No other system has any.
#[cfg(not(target_os = "linux"))]
fn x11_window(_context: &eframe::CreationContext<'_>) -> Option<u32> {
    None
}

/// The window's own time: egui's, which tests set.
fn window_time(ctx: &Context) -> MonoTime {
    let seconds = ctx.input(|input| input.time).max(0.0);
    MonoTime::from_micros((seconds * 1e6) as u64)
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        // The time of the frame before, which `logic` alone does not set anew.
        let time = frame.info().cpu_usage.filter(|_| self.drawn);
        self.drawn = false;
        let report = time.and_then(|time| self.frames.take(time, clock::now()));
        if let Some(report) = report {
            tracing::debug!("{report}");
        }
        // A fault of the window's must not end the show, which does not need the window.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.poll(ctx))) {
            self.broke_down(text_of(&*panic));
            ctx.request_repaint_after(SOON);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.drawn = true;
        match catch_unwind(AssertUnwindSafe(|| self.draw_or_say(ui))) {
            Ok(()) => self.faults.drawn(),
            Err(panic) => {
                self.broke_down(text_of(&*panic));
                ui.ctx().request_repaint_after(SOON);
            }
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        if let Some(keeper) = &mut self.keeper {
            keeper.finish();
        }
        self.console.send(Command::Quit);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        if let Some(retained) = &self.retained {
            retained.begin();
        }
        theme::ground().to_normalized_gamma_f32()
    }
}

/// Opens the window and runs it on this thread until it is closed; then the console has been sent
/// [`Command::Quit`]. The caller still joins the session. Nothing of the window is remembered.
///
/// # Errors
/// Where no window can be opened: no display, or no OpenGL.
pub fn run(console: Arc<dyn Console + Send + Sync>) -> eframe::Result {
    run_kept(console, Start::default())
}

/// The same with what `start` gives the window.
///
/// # Errors
/// As [`run`].
pub fn run_kept(console: Arc<dyn Console + Send + Sync>, start: Start) -> eframe::Result {
    let Start {
        keeper,
        leave,
        reports,
        alone,
    } = start;
    let title = Texts::new(console.snapshot().settings.language).t("app-name");
    let kept = keeper.as_ref().map(|keeper| keeper.kept().clone());
    let options = eframe::NativeOptions {
        viewport: with_identity(place::builder(kept.as_ref())).with_title(title.clone()),
        // There is no gradient here to smooth, and on software GL it costs for each pixel.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        &title,
        options,
        Box::new(move |context| {
            if let Some(kept) = &kept {
                place::put_back(context, kept);
            }
            let mut window = Window::new(&context.egui_ctx, console);
            if let Some(alone) = &alone {
                alone.watch(&context.egui_ctx);
            }
            window.alone = alone;
            window.leave = leave;
            window.view.reports = Reports::new(reports);
            if let Err(error) = window
                .feed
                .look_by_itself(&context.egui_ctx, x11_window(context))
            {
                tracing::warn!("the window looks at the session by itself: {error}");
            }
            let gl = context.gl.as_ref();
            window.retained = gl.and_then(|gl| Retained::start(&context.egui_ctx, gl));
            Ok(Box::new(match keeper {
                Some(keeper) => window.kept(keeper),
                None => window,
            }))
        }),
    )
}
