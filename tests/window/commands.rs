//! Every operation by the palette, by its keys and by the button that does it; keys rebound, undone,
//! refused; STOP held; the whole window by keyboard.

use crate::rig::{Rig, live, recording};
use eframe::egui::{Event, ImeEvent, Key, Modifiers, Role, ViewportCommand};
use egui_kittest::kittest::{NodeT, Queryable};
use pd_console::control::{Now, Op, Owner, Takes, commands};
use pd_console::crash::folder::Kept;
use pd_console::crash::report::{Head, Kind};
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::mediamtx::Reader;
use pd_console::session::install::InstallStatus;
use pd_console::session::profiles::Undone;
use pd_console::session::snapshot::{LogLine, Severity, State};
use pd_console::session::{Command, Snapshot};
use pd_console::settings::Language::{self, English, Korean};
use pd_console::settings::{KeyBinding, RecentServer, Settings, StopWay, VideoSourceKind};
use pd_console::ui::commands::titles::title;
use pd_console::ui::i18n::Texts;
use pd_console::ui::panels::report::Reports;
use pd_console::ui::panels::side::Side;
use pd_console::updates::Release;
use std::sync::Arc;

/// A show with everything in it that any operation asks for.
fn full(snapshot: &mut Snapshot) {
    live(snapshot);
    snapshot.encoding.wish = Some(EncoderWish::of(&Settings::default()));
    snapshot.encoding.name = "libx264".into();
    snapshot.frames = 100;
    snapshot.recording.replay.kept_seconds = 10.0;
    snapshot.route.fallback = Some("RTSP was refused".into());
    snapshot.route.way = Some(pd_console::settings::Way::SrtPush);
    snapshot.encoding.fallback = Some("h264_nvenc does not work".into());
    snapshot.encoding.options = "-c:v libx264".into();
    snapshot.settings.video.source = VideoSourceKind::Portal;
    snapshot.viewer.links = vec!["http://127.0.0.1:8880/".into()];
    snapshot.doctor.report = Some(Arc::default());
    snapshot.readers = Arc::new(vec![Reader {
        id: "7".into(),
        remote_addr: "192.168.0.7:51234".into(),
        ..Reader::default()
    }]);
    snapshot.log = Arc::new(vec![LogLine {
        number: 0,
        time: "12:00:00".into(),
        severity: Severity::Info,
        text: "all is well".into(),
    }]);
}

fn failed(snapshot: &mut Snapshot) {
    snapshot.state = State::Failed {
        message: "no server. Start it".into(),
    };
}

/// Before a show, with whatever settings may have.
fn idle(snapshot: &mut Snapshot) {
    snapshot.profiles.names = Arc::new(vec!["Late show".into()]);
    snapshot.profiles.undo = Some(Undone::Deleted("Old show".into()));
    snapshot.update = Some(Arc::new(Release {
        version: "99.1.2".into(),
        page: Some("https://example.com/pd-console/99.1.2".into()),
    }));
    snapshot.settings.servers = vec![RecentServer {
        host: "studio.example".into(),
        ..RecentServer::default()
    }];
}

fn recorded(snapshot: &mut Snapshot) {
    full(snapshot);
    snapshot.recording = recording("");
    snapshot.recording.problem = None;
}

fn installing(snapshot: &mut Snapshot) {
    idle(snapshot);
    snapshot.install = InstallStatus::Running { got: 1, of: None };
    snapshot.ffmpeg_install = snapshot.install.clone();
}

/// In which state an operation can be carried out.
fn stage(op: Op) -> fn(&mut Snapshot) {
    if matches!(op, Op::Wizard | Op::UpdateCopy | Op::UpdateNoted) {
        // Not while a show runs, which only the window says.
        return idle;
    }
    let stages = [full, recorded, idle, installing, failed];
    let good = stages.into_iter().find(|stage| {
        let mut snapshot = Snapshot::default();
        stage(&mut snapshot);
        let now = Now::of(&snapshot);
        op.owner() == Owner::Window || commands(op, argument(op).or(Some("")), &now).is_ok()
    });
    good.unwrap_or(idle)
}

fn argument(op: Op) -> Option<&'static str> {
    match op.takes() {
        Takes::Nothing | Takes::Secret { .. } => None,
        takes => Some(takes.example()),
    }
}

/// Whether it is about the report of a failure before this start.
fn is_of_report(op: Op) -> bool {
    matches!(
        op,
        Op::ReportShow | Op::ReportCopy | Op::ReportDelete | Op::ReportNoted
    )
}

/// Offers a report of a run that failed; its file is nowhere.
fn offer_report(rig: &mut Rig) {
    let head = Head {
        kind: Kind::Panic,
        time: "2026-11-28T18:05:01+00:00".into(),
        run: "7".into(),
        thread: "pd-pump".into(),
        message: "no such picture".into(),
        state: "live".into(),
        went_on: true,
    };
    let kept = Kept {
        path: "/nowhere/report.txt".into(),
        name: "report.txt".into(),
        head,
        text: "all of it".into(),
    };
    let window = rig.harness.state_mut().as_mut().expect("a window");
    window.view.reports = Reports::new(vec![kept]);
    rig.wait(0.1);
}

fn open_palette(rig: &mut Rig) {
    rig.key(Modifiers::COMMAND, Key::K);
}

fn words(language: Language, op: Op) -> String {
    Texts::new(language).t(title(op))
}

/// Whether the window asked to be closed in the last frame.
fn closes(rig: &Rig) -> bool {
    let outputs = rig.harness.output().viewport_output.values();
    let mut commands = outputs.flat_map(|output| &output.commands);
    commands.any(|command| *command == ViewportCommand::Close)
}

/// What can be seen of an operation's deed: commands, pages, the clipboard, the view.
fn traces(rig: &mut Rig) -> String {
    let window = rig.harness.state().as_ref().expect("a window");
    let view = &window.view;
    let view = format!(
        "{} {:?} {} {} {} {} {:?} {:?} {} {:?} {:?}",
        view.strip,
        view.dock.plans(),
        view.dock.layout().title(),
        view.frozen.is_some(),
        view.keys_page.open,
        view.preview_on,
        view.least,
        view.noted,
        view.stop.left(pd_console::clock::MonoTime::ZERO).is_some(),
        view.note,
        view.reports,
    );
    let kick = rig.has("Press again");
    format!("{:?} {view} {kick}", rig.all_sent())
}

#[test]
fn each_operation_is_done_by_the_palette_in_both_languages() {
    for language in [English, Korean] {
        for op in Op::ALL {
            let mut rig = Rig::new(language, stage(*op));
            if *op == Op::PanelClose {
                rig.key(Modifiers::NONE, Key::F3);
            }
            if *op == Op::Undo {
                rig.key(Modifiers::NONE, Key::Plus);
            }
            if *op == Op::ScaleReset || *op == Op::ScaleDown {
                rig.key(Modifiers::COMMAND, Key::Plus);
            }
            if *op == Op::LayoutReset {
                rig.key(Modifiers::NONE, Key::F3);
            }
            if is_of_report(*op) {
                offer_report(&mut rig);
            }
            let before = traces(&mut rig);
            open_palette(&mut rig);
            let name = words(language, *op);
            let query = match argument(*op) {
                Some(argument) => format!("{} {argument}", op.id()),
                None => op.id().to_owned(),
            };
            rig.type_text(&query);
            let row = match argument(*op) {
                Some(argument) => format!("{name}: {argument}"),
                None => name.clone(),
            };
            let node = rig.harness.get_by_role_and_label(Role::ListBoxOption, &row);
            let node = node.accesskit_node();
            assert!(!node.is_disabled(), "{}: {:?}", op.id(), node.description());
            let copied = |rig: &Rig| {
                let commands = &rig.harness.output().platform_output.commands;
                format!("{commands:?}")
            };
            rig.harness.key_press(Key::Enter);
            rig.harness.step();
            let mut seen = copied(&rig);
            rig.harness.step();
            seen += &copied(&rig);
            let closes = closes(&rig);
            rig.wait(0.1);
            let after = traces(&mut rig);
            let done =
                after != before || seen.contains("CopyText") || closes || matches!(op, Op::Palette);
            assert!(done, "{} left no trace: {after}", op.id());
            let open = rig
                .harness
                .state()
                .as_ref()
                .expect("a window")
                .view
                .palette
                .open;
            let stays = matches!(op, Op::Stop | Op::KickViewer | Op::Reconnect | Op::Palette);
            assert_eq!(open, stays, "{}", op.id());
        }
    }
}

#[test]
fn each_operation_has_a_title_of_its_own_in_both_languages() {
    for language in [English, Korean] {
        let mut titles: Vec<String> = Op::ALL.iter().map(|op| words(language, *op)).collect();
        for (op, title) in Op::ALL.iter().zip(&titles) {
            assert!(!title.starts_with("op-"), "{} has no title", op.id());
        }
        titles.sort();
        let all = titles.len();
        titles.dedup();
        assert_eq!(titles.len(), all, "two operations have one title");
    }
}

/// The button that does the same, by its accessible name and role, and the page that it is on.
fn button(op: Op) -> Option<(Role, &'static str, Option<Key>)> {
    use Role::Button as B;
    Some(match op {
        Op::GoLive => (B, "GO LIVE", None),
        Op::Stop => (B, "STOP", None),
        Op::Dismiss => (B, "Dismiss", None),
        Op::Check => (B, "Check everything", Some(Key::F4)),
        Op::ChooseScreen => (B, "Let the desktop ask again which screen", Some(Key::F2)),
        Op::PreviewToggle => (Role::CheckBox, "Show preview", None),
        Op::BitrateUp => (B, "More bitrate", None),
        Op::BitrateDown => (B, "Less bitrate", None),
        Op::MuteToggle | Op::Mute => (B, "Mute", None),
        Op::RecordToggle | Op::RecordStart => (B, "Record", None),
        Op::RecordStop => (B, "End recording", None),
        Op::ReplaySave => (B, "Save replay", None),
        Op::MeterHold => (B, "Hold", None),
        Op::MeterSave => (B, "Save", None),
        Op::FastestWay => (B, "Try the fastest again", Some(Key::F6)),
        Op::Reconnect => (B, "Connect again", Some(Key::F6)),
        Op::KickViewer => (
            B,
            "Disconnect the viewer at 192.168.0.7:51234",
            Some(Key::F6),
        ),
        Op::PanelSettings => (B, "Settings", None),
        Op::Keys => (B, "Keys", None),
        Op::CheckCopy => (B, "Copy report", Some(Key::F4)),
        Op::EncoderOptionsCopy => (B, "Copy options", Some(Key::F3)),
        Op::LogCopy => (B, "Copy log", None),
        Op::FallbackNoted => (B, "Noted", None),
        Op::DiagnosticsCopy => (B, "Copy diagnostics", Some(Key::F4)),
        Op::ReportShow => (B, "Show the report", None),
        Op::ReportCopy => (B, "Copy the report", None),
        Op::ReportDelete => (B, "Delete", None),
        Op::ReportNoted => (B, "Put away", None),
        Op::UpdateCopy => (B, "Copy the address", None),
        Op::UpdateNoted => (B, "Noted", None),
        Op::PanelClose => (B, "Put away: Encoder", Some(Key::F3)),
        _ => return None,
    })
}

#[test]
fn what_has_a_button_does_the_same_by_it() {
    for op in Op::ALL {
        let Some((role, name, page)) = button(*op) else {
            continue;
        };
        let make = || {
            let mut rig = Rig::new(English, stage(*op));
            rig.harness.set_size(eframe::egui::vec2(1280.0, 1400.0));
            if let Some(page) = page {
                rig.key(Modifiers::NONE, page);
            }
            if is_of_report(*op) {
                offer_report(&mut rig);
            }
            rig.wait(0.1);
            rig.all_sent();
            rig
        };
        let mut by_hand = make();
        by_hand.click(role, name);
        let mut by_name = make();
        open_palette(&mut by_name);
        let told = argument(*op).map_or(String::new(), |argument| {
            // The viewer of the button.
            format!(" {}", if *op == Op::KickViewer { "7" } else { argument })
        });
        by_name.type_text(&format!("{}{told}", op.id()));
        by_name.key(Modifiers::NONE, Key::Enter);
        if *op == Op::PreviewToggle {
            by_hand.wait(0.2);
            by_name.wait(0.2);
        }
        assert_eq!(traces(&mut by_hand), traces(&mut by_name), "{}", op.id());
    }
}

#[test]
fn each_shipped_key_does_what_the_registry_says() {
    use pd_console::control::Chord;
    use pd_console::control::keys::shipped;
    use pd_console::ui::commands::key_names;
    for op in Op::ALL {
        for text in shipped(*op) {
            let chord: Chord = text.parse().expect("a chord");
            let key = key_names::key(&chord).expect("a key");
            let modifiers = Modifiers {
                alt: chord.alt,
                shift: chord.shift,
                ..if chord.command {
                    Modifiers::COMMAND
                } else {
                    Modifiers::NONE
                }
            };
            let mut rig = Rig::new(English, stage(*op));
            if *op == Op::Undo {
                rig.key(Modifiers::NONE, Key::Plus);
            }
            if *op == Op::ScaleReset || *op == Op::ScaleDown {
                rig.key(Modifiers::COMMAND, Key::Plus);
            }
            rig.all_sent();
            let before = traces(&mut rig);
            let input = rig.harness.input_mut();
            input.events.push(Event::Key {
                key,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers,
            });
            rig.harness.step();
            let closed = closes(&rig);
            rig.wait(0.1);
            let open = rig
                .harness
                .state()
                .as_ref()
                .expect("a window")
                .view
                .palette
                .open;
            let after = traces(&mut rig);
            assert!(
                after != before || closed || open,
                "{text} does not {}",
                op.id()
            );
        }
    }
}

#[test]
fn the_palette_takes_what_it_is_told_inline() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    rig.type_text("bitrate 2500");
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(rig.sent(), [Command::SetBitrate { kbps: 2500 }]);
    // Done last, it comes first.
    open_palette(&mut rig);
    rig.harness
        .get_by_role_and_label(Role::ListBoxOption, "Bitrate: 2500");
    rig.key(Modifiers::NONE, Key::Escape);
    // What is missing is asked for in the same place.
    open_palette(&mut rig);
    rig.type_text("picture size");
    rig.key(Modifiers::NONE, Key::Enter);
    assert!(rig.has("such as 1280x720"));
    rig.type_text("640x360");
    rig.key(Modifiers::NONE, Key::Enter);
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?} {:?}", rig.names());
    };
    assert_eq!(settings.video.size, pd_console::units::Size::new(640, 360));
    // What is wrong is said, and the palette stays.
    open_palette(&mut rig);
    rig.type_text("bitrate 99");
    rig.key(Modifiers::NONE, Key::Enter);
    let said = rig
        .names()
        .into_iter()
        .find(|name| name.contains("from 100 to 10000 kb/s"));
    assert!(said.is_some(), "{:?}", rig.names());
    assert_eq!(rig.sent(), []);
}

#[test]
fn the_palette_says_why_something_is_not_possible() {
    let mut rig = Rig::new(English, |_| {});
    open_palette(&mut rig);
    rig.type_text("replay");
    let title = words(English, Op::ReplaySave);
    let row = rig
        .harness
        .get_by_role_and_label(Role::ListBoxOption, &title);
    let row = row.accesskit_node();
    assert!(row.is_disabled());
    let why = row.description().unwrap_or_default();
    assert!(why.contains("No show runs. Go live first"), "{why}");
    rig.key(Modifiers::NONE, Key::Enter);
    assert!(rig.has("No show runs. Go live first: only a show is recorded."));
    assert_eq!(rig.sent(), []);
}

#[test]
fn the_palette_never_closes_the_window_off() {
    let mut rig = Rig::new(English, live);
    open_palette(&mut rig);
    rig.type_text("m");
    assert_eq!(rig.sent(), [], "a letter is typed");
    // It covers neither the figures of the show nor what ends it.
    let rect = |rig: &Rig, role, name| rig.harness.get_by_role_and_label(role, name).rect();
    let field = rect(&rig, Role::TextInput, "Command palette");
    assert!(field.top() > rect(&rig, Role::Status, "State: ON AIR").bottom());
    let rows = rig.harness.get_all_by_role(Role::ListBoxOption);
    let stop = rect(&rig, Role::Button, "STOP");
    assert!(
        rows.into_iter()
            .next()
            .is_some_and(|row| row.rect().bottom() < stop.top())
    );
    // Keys that type nothing work on, and a press beside it counts where it fell.
    rig.key(Modifiers::NONE, Key::F3);
    assert_eq!(
        rig.harness
            .state()
            .as_ref()
            .map(|w| w.view.dock.is_open(Side::Encoder)),
        Some(true)
    );
    rig.press("Mute");
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    let open = |rig: &Rig| {
        rig.harness
            .state()
            .as_ref()
            .expect("a window")
            .view
            .palette
            .open
    };
    assert!(!open(&rig));
    open_palette(&mut rig);
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(!open(&rig));
    open_palette(&mut rig);
    open_palette(&mut rig);
    assert!(!open(&rig), "its key closes it too");
}

#[test]
fn stop_by_the_palette_asks_again() {
    let mut rig = Rig::new(English, live);
    open_palette(&mut rig);
    rig.type_text("stop");
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(rig.sent(), []);
    assert!(rig.has("Press Enter again within 3 s to stop the show"));
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(rig.sent(), [], "a double press is a slip");
    rig.wait(0.5);
    rig.key(Modifiers::NONE, Key::Enter);
    assert_eq!(rig.sent(), [Command::Stop]);
}

#[test]
fn arrows_choose_and_a_screen_reader_is_told_where_they_are() {
    let mut rig = Rig::new(English, |_| {});
    open_palette(&mut rig);
    rig.key(Modifiers::NONE, Key::ArrowDown);
    let name = words(English, Op::ALL[1]);
    let row = rig
        .harness
        .get_by_role_and_label(Role::ListBoxOption, &name);
    assert_eq!(row.accesskit_node().is_selected(), Some(true));
    // The field has the focus and points at the row, which is what is read out.
    let row = rig
        .harness
        .get_by_role_and_label(Role::ListBoxOption, &name);
    assert!(row.is_focused());
    rig.type_text("mute");
    let field = rig
        .harness
        .get_by_role_and_label(Role::TextInput, "Command palette");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("mute"));
    rig.harness.check_accessibility();
}

#[test]
fn keys_do_nothing_while_typing_and_while_an_input_method_composes() {
    let mut rig = Rig::new(English, live);
    let ime = |rig: &mut Rig, event| {
        rig.harness.event(Event::Ime(event));
        rig.wait(0.1);
    };
    let preedit = |text: &str| ImeEvent::Preedit {
        text: text.into(),
        active_range_chars: None,
    };
    ime(&mut rig, preedit("ㅡ"));
    rig.key(Modifiers::NONE, Key::M);
    rig.key(Modifiers::NONE, Key::F5);
    rig.key(Modifiers::COMMAND, Key::Period);
    assert_eq!(rig.sent(), []);
    ime(&mut rig, ImeEvent::Commit("음".into()));
    rig.key(Modifiers::NONE, Key::M);
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    // The other half is in `controls`: a letter goes into a field in focus. Ctrl + Z is the field's, too.
    open_palette(&mut rig);
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), []);
    rig.key(Modifiers::NONE, Key::Escape);
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), [Command::SetMuted { muted: false }]);
}

#[test]
fn a_key_that_can_do_nothing_now_says_why() {
    let mut rig = Rig::new(English, |_| {});
    rig.key(Modifiers::NONE, Key::R);
    assert!(rig.has("No show runs. Go live first: only a show is recorded."));
    rig.wait(5.5);
    assert!(!rig.has("No show runs. Go live first: only a show is recorded."));
}

#[test]
fn a_slip_is_taken_back() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::NONE, Key::Minus);
    rig.set(|s| s.settings.encoder.bitrate_kbps = 2500);
    rig.wait(2.0);
    rig.key(Modifiers::NONE, Key::M);
    rig.set(|s| s.settings.audio.muted = true);
    rig.wait(0.2);
    rig.sent();
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), [Command::SetMuted { muted: false }]);
    assert!(rig.has("Taken back: sound on"), "{:?}", rig.names());
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), [Command::SetBitrate { kbps: 3000 }]);
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), [], "nothing is left");
    let gone = "There is no change to take back";
    assert!(rig.names().iter().any(|name| name.starts_with(gone)));
}

#[test]
fn another_hand_on_the_control_is_not_undone() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::NONE, Key::Minus);
    rig.wait(2.5);
    // The remote control, meanwhile.
    rig.set(|s| s.settings.encoder.bitrate_kbps = 800);
    rig.wait(0.2);
    rig.sent();
    rig.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(rig.sent(), []);
    assert!(rig.has("Not taken back: it has been moved since"));
}

#[test]
fn keys_are_rebound_on_their_page_and_conflicts_are_told() {
    let mut rig = Rig::new(English, |_| {});
    rig.key(Modifiers::NONE, Key::F1);
    rig.click(Role::TextInput, "Search keys");
    rig.type_text("mute on");
    rig.press("Add a key: Mute, on or off");
    assert!(rig.has("Press the key. Esc leaves it"));
    rig.key(Modifiers::NONE, Key::F3);
    assert!(rig.has("F3 was taken from: Encoder, open or close"));
    let sent = rig.sent();
    let [Command::ApplySettings(settings)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let own = |op: &str, keys: &[&str]| KeyBinding {
        op: op.into(),
        keys: keys.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        settings.controls.keys,
        [own("panel-encoder", &[]), own("mute-toggle", &["M", "F3"])]
    );
    rig.set(|s| s.settings = (**settings).clone());
    rig.wait(0.2);
    rig.key(Modifiers::NONE, Key::F3);
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    // Escape gives up, a key for moving about is refused.
    rig.press("Add a key: Mute, on or off");
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(!rig.has("Press the key. Esc leaves it"));
    rig.press("Add a key: Mute, on or off");
    rig.key(Modifiers::NONE, Key::Tab);
    let refused = "Tab moves about in the window and cannot be bound alone. Add Ctrl or Alt";
    assert!(rig.has(refused), "{:?}", rig.names());
    // One back, then all.
    rig.press("Keys as shipped: Mute, on or off");
    rig.wait(0.1);
    let sent = rig.sent();
    let Some(Command::ApplySettings(settings)) = sent.last() else {
        panic!("{sent:?}");
    };
    assert_eq!(settings.controls.keys, [own("panel-encoder", &[])]);
    rig.key(Modifiers::NONE, Key::Escape);
    let open = rig
        .harness
        .state()
        .as_ref()
        .expect("a window")
        .view
        .keys_page
        .open;
    assert!(!open);
}

#[test]
fn the_page_of_keys_is_searched_by_words_and_by_keys() {
    let mut rig = Rig::new(English, |_| {});
    rig.key(Modifiers::NONE, Key::F1);
    // The field has the keys: letters typed at once are not obeyed.
    rig.type_text("ctrl + z");
    assert_eq!(rig.sent(), []);
    assert!(rig.has("Take the last change back"));
    assert!(!rig.has("Mute, on or off"));
    rig.key(Modifiers::COMMAND, Key::A);
    rig.type_text("mute");
    assert!(rig.has("Mute, on or off") && !rig.has("Take the last change back"));
}

#[test]
fn a_key_can_carry_what_it_tells() {
    let mut rig = Rig::new(English, |s| {
        s.settings.controls.keys = vec![KeyBinding {
            op: "bitrate-set 800".into(),
            keys: vec!["Ctrl+1".into()],
        }];
    });
    rig.key(Modifiers::COMMAND, Key::Num1);
    assert_eq!(rig.sent(), [Command::SetBitrate { kbps: 800 }]);
}

#[test]
fn stop_is_held_where_the_settings_have_it_so() {
    let hold = |s: &mut Snapshot| {
        live(s);
        s.settings.controls.stop = StopWay::Hold;
    };
    // By the pointer.
    let mut rig = Rig::new(English, hold);
    let centre = rig
        .harness
        .get_by_role_and_label(Role::Button, "HOLD")
        .rect()
        .center();
    rig.harness.drag_at(centre);
    rig.wait(0.6);
    rig.harness.drop_at(centre);
    rig.wait(0.6);
    assert_eq!(rig.sent(), [], "let go too early");
    rig.harness.drag_at(centre);
    rig.wait(1.2);
    assert_eq!(rig.sent(), [Command::Stop]);
    rig.wait(1.5);
    assert_eq!(rig.sent(), [], "once");
    // By its key.
    let mut rig = Rig::new(English, hold);
    rig.harness
        .key_down_modifiers(Modifiers::COMMAND, Key::Period);
    rig.wait(0.7);
    rig.harness
        .key_up_modifiers(Modifiers::COMMAND, Key::Period);
    rig.wait(0.7);
    assert_eq!(rig.sent(), []);
    rig.harness
        .key_down_modifiers(Modifiers::COMMAND, Key::Period);
    rig.wait(1.2);
    assert_eq!(rig.sent(), [Command::Stop]);
    // By the space bar on the button.
    let mut rig = Rig::new(English, hold);
    rig.focus(Role::Button, "HOLD");
    rig.harness.key_down(Key::Space);
    rig.wait(1.2);
    assert_eq!(rig.sent(), [Command::Stop]);
    // An assistive program cannot hold: it presses twice.
    let mut rig = Rig::new(English, hold);
    for _ in 0..2 {
        rig.harness
            .get_by_role_and_label(Role::Button, "HOLD")
            .click_accesskit();
        rig.wait(0.6);
    }
    assert_eq!(rig.sent(), [Command::Stop]);
}

#[test]
fn the_question_to_quit_leaves_the_show_in_sight() {
    let mut rig = Rig::new(English, live);
    rig.key(Modifiers::COMMAND, Key::Q);
    let input = rig.harness.input_mut();
    let id = input.viewport_id;
    let info = input.viewports.entry(id).or_default();
    info.events.push(eframe::egui::ViewportEvent::Close);
    rig.wait(0.2);
    assert!(rig.has("Stop and quit"));
    // Not a word of the show is hidden, and its controls work on.
    rig.press("Mute");
    assert_eq!(rig.sent(), [Command::SetMuted { muted: true }]);
    assert!(rig.has("On air for 01:02:05"));
    rig.key(Modifiers::NONE, Key::Escape);
    assert!(!rig.has("Stop and quit"));
}

/// Tab through the window: each control that can be pressed comes by once, and then it begins anew.
#[test]
fn tab_reaches_every_control_and_is_trapped_nowhere() {
    for page in [
        None,
        Some(Key::F2),
        Some(Key::F3),
        Some(Key::F4),
        Some(Key::F6),
        Some(Key::F7),
        Some(Key::F1),
    ] {
        let mut rig = Rig::new(English, full);
        rig.harness.set_size(eframe::egui::vec2(1280.0, 1400.0));
        if let Some(page) = page {
            rig.key(Modifiers::NONE, page);
        }
        rig.wait(0.2);
        let wanted = |rig: &Rig| -> Vec<String> {
            let nodes = rig.harness.root().children_recursive();
            nodes
                .filter(|node| {
                    let node = node.accesskit_node();
                    let pressed = [
                        Role::Button,
                        Role::CheckBox,
                        Role::Slider,
                        Role::SpinButton,
                        Role::TextInput,
                        Role::ComboBox,
                        Role::Tab,
                        Role::PasswordInput,
                    ];
                    pressed.contains(&node.role()) && !node.is_disabled()
                })
                .map(|node| {
                    let node = node.accesskit_node();
                    format!("{:?} {}", node.role(), node.label().unwrap_or_default())
                })
                .collect()
        };
        let mut missing = wanted(&rig);
        assert!(missing.len() > 10, "{missing:?}");
        let mut came = Vec::new();
        for _ in 0..missing.len() + 40 {
            rig.harness.key_press(Key::Tab);
            rig.harness.step();
            rig.harness.step();
            let focused = rig
                .harness
                .root()
                .children_recursive()
                .find(|n| n.is_focused());
            let Some(focused) = focused else { continue };
            let focused = focused.accesskit_node();
            let name = format!(
                "{:?} {}",
                focused.role(),
                focused.label().unwrap_or_default()
            );
            if let Some(at) = missing.iter().position(|m| *m == name) {
                missing.remove(at);
            }
            came.push(name);
        }
        assert!(
            missing.is_empty(),
            "{page:?}: Tab never came to {missing:?}; it went {came:?}"
        );
        rig.harness.check_accessibility();
    }
}

#[test]
fn only_the_sessions_operations_and_those_of_the_window_are_there() {
    // Each has an owner that carries it out: the palette's test above did each once.
    let session = Op::ALL
        .iter()
        .filter(|op| op.owner() == Owner::Session)
        .count();
    assert!(session > 30 && session < Op::ALL.len());
}
