//! The second part, in real time: a real session with real children for some tens of seconds, while
//! children are killed and stopped, the source fails in every way and the operator is everywhere at
//! once. Looked at: how long snapshot() and send() hold up the one who calls (the window), that the
//! inbox is bounded, and that nothing is left running.

use pd_console::capture::{CaptureError, Frame, FrameSlot, Opener, VideoSource};
use pd_console::clock;
use pd_console::session::journal::Journal;
use pd_console::session::runtime::Options;
use pd_console::session::snapshot::{Confirmation, Snapshot, State};
use pd_console::session::{Command, Console, Session};
use pd_console::settings::{AudioInput, AudioSourceKind, Secrets, Settings};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the source does, by number.
type Mood = Arc<AtomicU32>;

struct Played(Mood);

impl VideoSource for Played {
    fn label(&self) -> String {
        "played".into()
    }

    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let mut number = 0_u32;
        while !stop.sleep(Duration::from_millis(30)) {
            number += 1;
            match self.0.load(Ordering::Relaxed) {
                1 => return Err(CaptureError::Lost("it is played lost".into())),
                2 => panic!("played"),
                // It hangs, and heeds the stop late.
                3 => std::thread::sleep(Duration::from_millis(900)),
                4 => continue,
                _ => {}
            }
            let now = clock::now();
            let width = 64 + (number / 40 % 3) * 16;
            let stride = width as usize * 4;
            slot.put(Frame {
                captured_at: now,
                in_memory_at: now,
                size: Size::new(width, 36),
                stride,
                data: vec![number as u8; stride * 36].into(),
            });
        }
        Ok(())
    }
}

/// Names of this process's threads that are the console's, without those that live as long as it.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.flatten().filter_map(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        Some(name.trim().to_owned())
    });
    let ours = |name: &String| name.starts_with("pd-") || name.starts_with("sound-");
    let mut names: Vec<_> = names
        .filter(ours)
        .filter(|name| name != "pd-launcher")
        .collect();
    names.sort();
    names
}

/// Processes whose parent is this one.
fn children() -> BTreeSet<i32> {
    let me = std::process::id();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let child = |entry: std::fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut rest = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent) = (rest.next()?, rest.next()?.parse::<u32>().ok()?);
        (parent == me && state != "Z").then_some(pid)
    };
    all.filter_map(child).collect()
}

/// How often this thread has waited of its own will so far: for a lock, a pipe, a sleep.
fn waits() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("voluntary_ctxt"));
    line.and_then(|line| line.rsplit('\t').next()?.parse().ok())
        .unwrap()
}

/// Calls of one kind: the longest, and how many of them waited for something.
#[derive(Debug, Default)]
struct Calls {
    count: u64,
    longest: Duration,
    waited: u64,
}

impl Calls {
    fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let (before, began) = (waits(), Instant::now());
        let result = call();
        self.longest = self.longest.max(began.elapsed());
        self.waited += u64::from(waits() > before);
        self.count += 1;
        result
    }
}

fn is_true(snapshot: &Snapshot) {
    let live = snapshot.state == State::Live;
    assert_eq!(
        live,
        snapshot.confirmation != Confirmation::None,
        "{:?} with {:?}",
        snapshot.state,
        snapshot.confirmation
    );
    assert!(snapshot.log.len() <= 500 && snapshot.notices.len() <= 16);
}

/// Hits one of the session's children.
fn hit(session: &Session, dice: &mut fastrand::Rng, stopped: &mut Vec<(Instant, Pid)>) {
    let pids = session.pids();
    let Some((_, pid)) = pids.get(dice.usize(..pids.len().max(1))) else {
        return;
    };
    let Some(pid) = Pid::from_raw(*pid as i32).filter(|_| children().contains(&(*pid as i32)))
    else {
        return;
    };
    if dice.u8(..3) > 0 {
        let _ = kill_process(pid, Signal::KILL);
    } else if kill_process(pid, Signal::STOP).is_ok() {
        let until = Instant::now() + Duration::from_millis(dice.u64(100..2_500));
        stopped.push((until, pid));
    }
}

fn any_command(dice: &mut fastrand::Rng, settings: &Settings) -> Command {
    let mut wish = settings.clone();
    match dice.u8(..12) {
        0 => Command::Stop,
        1 => Command::SetMuted { muted: dice.bool() },
        2 => Command::StartRecording,
        3 => Command::StopRecording,
        4 => Command::SaveReplay,
        5 => Command::ChooseScreen,
        6 => {
            wish.video.size = [Size::new(64, 36), Size::new(96, 54)][dice.usize(..2)];
            Command::ApplySettings(Box::new(wish))
        }
        7 => {
            let kinds = [AudioSourceKind::Tone, AudioSourceKind::Silence];
            let inputs = (0..dice.usize(1..4)).map(|_| kinds[dice.usize(..2)].clone());
            wish.audio.inputs = inputs.map(AudioInput::of).collect();
            Command::ApplySettings(Box::new(wish))
        }
        _ => Command::SetBitrate {
            kbps: dice.u32(100..4_000),
        },
    }
}

fn settings(folder: &std::path::Path, ffmpeg: std::path::PathBuf) -> Settings {
    let mut settings = Settings {
        ffmpeg_path: Some(ffmpeg),
        ..Settings::default()
    };
    settings.video.size = Size::new(64, 36);
    settings.video.fps = Fps::whole(15);
    settings.encoder.family = Some(pd_console::settings::EncoderFamily::Libx264);
    settings.encoder.lower_picture = false;
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
    settings.recording.folder = Some(folder.to_owned());
    settings.recording.replay_seconds = 5;
    settings.viewer.on = false;
    settings
}

/// The ffmpeg of PATH; None, with a word, where there is none.
pub fn ffmpeg() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join("ffmpeg"));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: ffmpeg was not found");
    }
    found
}

/// Runs for `time`; panics where something does not hold.
pub fn run(seed: u64, time: Duration, ffmpeg: std::path::PathBuf) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let (threads_before, children_before) = (threads(), children());
    let panics: Arc<Mutex<Vec<String>>> = Arc::default();
    let (heard, usual) = (panics.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        let text = info.to_string();
        if !text.ends_with("played") {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(text.clone());
            eprintln!("{text}");
        }
    }));
    let mood = Mood::default();
    let opened = mood.clone();
    let open: Opener = Arc::new(move |_| Ok(Box::new(Played(opened.clone()))));
    let options = Options {
        open_picture: open,
        ..Options::default()
    };
    let settings = settings(folder.path(), ffmpeg);
    let journal = Journal::new();
    let session = Session::start(
        settings.clone(),
        Secrets::default(),
        options,
        journal.clone(),
        None,
    )
    .unwrap();
    let (mut looks, mut sends) = (Calls::default(), Calls::default());
    let (mut faults, mut lives, mut was_live) = (0, 0, false);
    let mut stopped: Vec<(Instant, Pid)> = Vec::new();
    let (began, mut next_fault) = (Instant::now(), Instant::now() + Duration::from_secs(2));
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    while began.elapsed() < time {
        std::thread::sleep(Duration::from_millis(5));
        let snapshot = looks.time(|| session.snapshot());
        is_true(&snapshot);
        let live = snapshot.state == State::Live;
        lives += u32::from(live && !was_live);
        was_live = live;
        stopped.retain(|(until, pid)| {
            let over = Instant::now() >= *until;
            if over {
                let _ = kill_process(*pid, Signal::CONT);
            }
            !over
        });
        if snapshot.state.is_at_rest() {
            sends.time(|| session.send(Command::GoLive));
            std::thread::sleep(Duration::from_millis(60));
        } else if dice.u8(..50) == 0 {
            let command = any_command(&mut dice, &settings);
            sends.time(|| session.send(command));
        }
        if Instant::now() < next_fault {
            continue;
        }
        next_fault = Instant::now() + Duration::from_millis(dice.u64(200..1_500));
        faults += 1;
        match dice.u8(..8) {
            0..4 => hit(&session, &mut dice, &mut stopped),
            4..7 => mood.store(dice.u32(..5), Ordering::Relaxed),
            _ => {
                // The inbox is bounded: what does not fit is refused at once.
                for _ in 0..500 {
                    let kbps = dice.u32(100..4_000);
                    let taken = sends.time(|| session.send_counted(Command::SetBitrate { kbps }));
                    match taken {
                        Some(_) => accepted += 1,
                        None => refused += 1,
                    }
                }
            }
        }
    }
    for (_, pid) in stopped {
        let _ = kill_process(pid, Signal::CONT);
    }
    let quitting = Instant::now();
    let last = session.quit();
    let quit = quitting.elapsed();
    is_true(&last);
    let gone = Instant::now();
    let left = |now: Vec<String>| -> Vec<String> {
        let mut before = threads_before.clone();
        let is_new = |name: &String| match before.iter().position(|other| other == name) {
            Some(at) => {
                before.swap_remove(at);
                false
            }
            None => true,
        };
        now.into_iter().filter(is_new).collect()
    };
    let (mut threads_left, mut children_left);
    loop {
        threads_left = left(threads());
        children_left = &children() - &children_before;
        if threads_left.is_empty() && children_left.is_empty() {
            break;
        }
        if gone.elapsed() > Duration::from_secs(10) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::panic::set_hook(usual);
    println!(
        "real session, seed {seed}: {:.0} s, {faults} faults, {lives} times live; snapshot {looks:?}; \
         send {sends:?}; spam {accepted} taken, {refused} refused; quit {quit:?}, all gone after {:?}",
        time.as_secs_f64(),
        gone.elapsed()
    );
    let said: Vec<_> = journal.lines().iter().map(|l| l.text.clone()).collect();
    assert!(
        threads_left.is_empty() && children_left.is_empty(),
        "left running: {threads_left:?}, {children_left:?}"
    );
    let panics = panics.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(panics.is_empty(), "{panics:?}");
    assert!(lives > 0, "never live: {said:#?}");
    assert!(refused > 0 || accepted < 500, "the inbox took {accepted}");
    // A snapshot waits for nobody, a command for nobody but another who sends one; what is counted beyond
    // that is the counting itself, which reads a file.
    assert!(looks.waited * 50 <= looks.count, "{looks:?}");
    assert!(sends.waited * 100 <= sends.count, "{sends:?}");
    assert!(quit < Duration::from_secs(10), "quit took {quit:?}");
}
