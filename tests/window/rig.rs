//! A window without a screen, and the session behind it.

use crate::paint::{Picture, Textures};
use eframe::egui::{self, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::capture::Choice;
use pd_console::clock::MonoTime;
use pd_console::record::status::{Phase, RecordingStatus, ReplayStatus};
use pd_console::session::snapshot::{Confirmation, Receiver, StageFigures, State};
use pd_console::session::{Command, Console, Snapshot};
use pd_console::settings::{Language, ScreenPart};
use pd_console::ui::{Window, fonts, theme};
use pd_console::units::Size;
use std::sync::{Arc, Mutex};

/// Seconds from one frame of the harness to the next.
const STEP_S: f32 = 0.05;

/// A session that shows what it is told to and keeps what it is sent.
#[derive(Default)]
pub struct Recorder {
    pub snapshot: Mutex<Snapshot>,
    pub sent: Mutex<Vec<Command>>,
}

impl Console for Recorder {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot.lock().expect("no holder panics").clone())
    }

    fn send(&self, command: Command) {
        self.sent.lock().expect("no holder panics").push(command);
    }

    fn inputs(&self) -> Vec<String> {
        vec!["USB microphone".into()]
    }

    fn pictures(&self) -> Vec<Choice> {
        let choice = |part, label: &str, width, height| Choice {
            part,
            label: label.into(),
            size: Size::new(width, height),
            place: None,
        };
        let left = ScreenPart::Monitor("LEFT".into());
        vec![
            choice(ScreenPart::Whole, "X11 screen :0, 3840x1080", 3840, 1080),
            choice(left, "Monitor LEFT, 1920x1080", 1920, 1080),
        ]
    }
}

pub struct Rig {
    pub harness: Harness<'static, Option<Window>>,
    pub console: Arc<Recorder>,
    pub textures: Textures,
}

impl Rig {
    /// A window of the usual size on a snapshot changed from the default.
    pub fn new(language: Language, change: impl FnOnce(&mut Snapshot)) -> Self {
        Self::sized(language, [1280.0, 800.0], change)
    }

    pub fn sized(language: Language, size: [f32; 2], change: impl FnOnce(&mut Snapshot)) -> Self {
        Self::scaled(language, size, 1.0, change)
    }

    /// On a screen of so many pixels a point.
    pub fn scaled(
        language: Language,
        size: [f32; 2],
        scale: f32,
        change: impl FnOnce(&mut Snapshot),
    ) -> Self {
        let mut snapshot = Snapshot::default();
        snapshot.settings.language = language;
        change(&mut snapshot);
        let console = Arc::new(Recorder {
            snapshot: Mutex::new(snapshot),
            sent: Mutex::default(),
        });
        let seen = console.clone();
        let textures = Textures::default();
        let mut harness = Harness::builder()
            .renderer(textures.clone())
            .with_size(size)
            .with_pixels_per_point(scale)
            .with_step_dt(STEP_S)
            .with_context_setup(|ctx| {
                fonts::install(ctx);
                theme::apply(ctx, theme::Look::Dark);
            })
            .build_ui_state(
                move |ui, window: &mut Option<Window>| {
                    let window = window.get_or_insert_with(|| Window::new(ui.ctx(), seen.clone()));
                    window.poll(ui.ctx());
                    window.draw(ui);
                },
                None,
            );
        harness.run_steps(4);
        Self {
            harness,
            console,
            textures,
        }
    }

    /// The window under test.
    pub fn window(&mut self) -> &mut Window {
        self.harness.state_mut().as_mut().expect("after a step")
    }

    /// What is on the screen.
    pub fn picture(&self) -> Picture {
        let (ctx, output) = (&self.harness.ctx, self.harness.output());
        self.textures.paint(ctx, output, theme::ground().to_array())
    }

    /// Lets about so much time go by.
    pub fn wait(&mut self, seconds: f32) {
        self.harness.run_steps((seconds / STEP_S).round() as usize);
    }

    pub fn set(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.console.snapshot.lock().expect("no holder panics"));
    }

    /// All commands so far, which it then forgets.
    pub fn all_sent(&self) -> Vec<Command> {
        std::mem::take(&mut *self.console.sent.lock().expect("no holder panics"))
    }

    /// The same without those about the preview.
    pub fn sent(&self) -> Vec<Command> {
        let mut sent = self.all_sent();
        sent.retain(|command| !matches!(command, Command::SetPreview { .. }));
        sent
    }

    /// Clicks the one node of this role and name.
    pub fn click(&mut self, role: Role, name: &str) {
        let nodes: Vec<_> = self
            .harness
            .get_all_by_label(name)
            .filter(|node| node.accesskit_node().role() == role)
            .collect();
        assert_eq!(nodes.len(), 1, "{role:?} {name:?} in {:?}", self.names());
        nodes[0].click();
        self.wait(0.1);
    }

    pub fn press(&mut self, name: &str) {
        self.click(Role::Button, name);
    }

    /// Puts the focus on the one node of this role and name.
    pub fn focus(&mut self, role: Role, name: &str) {
        self.harness.get_by_role_and_label(role, name).focus();
        self.wait(0.1);
    }

    pub fn key(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.wait(0.1);
    }

    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.into()));
        self.wait(0.1);
    }

    pub fn is_disabled(&self, role: Role, name: &str) -> bool {
        let node = self
            .harness
            .get_all_by_label(name)
            .find(|node| node.accesskit_node().role() == role)
            .unwrap_or_else(|| panic!("no {role:?} {name:?} in {:?}", self.names()));
        node.accesskit_node().is_disabled()
    }

    /// Names and texts of everything in the tree.
    pub fn names(&self) -> Vec<String> {
        self.harness
            .root()
            .children_recursive()
            .flat_map(|node| {
                let node = node.accesskit_node();
                [node.label(), node.value()]
            })
            .flatten()
            .collect()
    }

    /// The name of what has the keyboard's focus.
    pub fn focused(&self) -> Option<String> {
        let nodes = self.harness.root().children_recursive();
        let mut focused = nodes.filter(|node| node.accesskit_node().is_focused());
        focused.find_map(|node| {
            let node = node.accesskit_node();
            let labels = node.labelled_by().find_map(|label| label.label());
            node.label().or(labels)
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.names().iter().any(|n| n == name)
    }
}

/// Makes a snapshot that of a show on air for 1 h 2 min 5 s.
pub fn live(snapshot: &mut Snapshot) {
    snapshot.state = State::Live;
    snapshot.at = MonoTime::from_micros(3_725_000_000);
    snapshot.live_since = Some(MonoTime::ZERO);
    snapshot.receiver = Some(Receiver::ManagedMediaMtx {
        viewer_url: "http://127.0.0.1:8889/pd_main".into(),
    });
    snapshot.confirmation = Confirmation::Online;
    snapshot.viewers = Some(3);
}

/// A recording that runs and has had trouble, the longest that the strip can say.
pub fn recording(problem: &str) -> RecordingStatus {
    RecordingStatus {
        phase: Phase::On,
        seconds: 45_296.0,
        bytes: 123_000_000_000,
        problem: Some(problem.to_owned()),
        replay: ReplayStatus {
            kept_seconds: 30.0,
            ..ReplayStatus::default()
        },
        ..RecordingStatus::default()
    }
}

pub fn figures(p50_ms: f64) -> StageFigures {
    StageFigures {
        p50_ms,
        p95_ms: p50_ms + 8.0,
        max_ms: p50_ms + 12.0,
        frames: 60,
    }
}

pub fn failed() -> State {
    State::Failed {
        message: "no ffmpeg was found. Install it".into(),
    }
}

/// Each state with its word in English and Korean.
pub fn states() -> [(State, &'static str, &'static str); 7] {
    let again = State::Reconnecting { attempt: 2 };
    [
        (State::Idle, "IDLE", "대기"),
        (State::Preflight, "CHECKING", "점검 중"),
        (State::Starting, "STARTING", "시작 중"),
        (State::Live, "ON AIR", "송출 중"),
        (again, "RECONNECTING 2", "재연결 중 2"),
        (State::Stopping, "STOPPING", "종료 중"),
        (failed(), "FAILED", "실패"),
    ]
}
