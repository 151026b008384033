//! The console dies, in every way and at every phase (cases.md B23): no child of its is left three seconds later,
//! nothing is published any more, and the next start goes live at once and knows what happened.
//!
//! Descendants are found by the mark that their environment has, not by their parent: an orphan has another one.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Console;
use common::home::{Home, Provoked};
use common::{alone, ffmpegs, programs, wait_until};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

const SHOW: &str = "live --defaults --source pattern --audio tone --set video.size=640x360 ";
/// The issue's limit.
const GONE_WITHIN: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(30);

/// Sends `signal` once `is_ready`; nothing may be left after [`GONE_WITHIN`].
fn dies(phase: &str, console: Console, signal: Signal, is_ready: impl Fn(&Console) -> bool) {
    let ready = wait_until(LIMIT, || is_ready(&console));
    assert!(ready, "{phase}: never came\n{}", console.stderr());
    let children: Vec<String> = console.marked().into_iter().map(|(_, name)| name).collect();
    let at = Instant::now();
    console.signal(signal);
    if signal == Signal::SEGV {
        // The first only takes the handler away that Rust has for stacks which overflow; a fault comes again by itself.
        std::thread::sleep(Duration::from_millis(50));
        console.signal(signal);
    }
    let ended = console.end_within(GONE_WITHIN);
    let left = ended.left_after(GONE_WITHIN.saturating_sub(at.elapsed()));
    println!(
        "{phase}, {signal:?}: {children:?} gone after {:.2} s",
        at.elapsed().as_secs_f64()
    );
    assert!(left.is_empty(), "{phase}: left running: {left:?}");
    if signal == Signal::KILL {
        assert_eq!(
            ended.status.signal(),
            Some(9),
            "{phase}: it had ended before"
        );
    }
}

fn says(text: &'static str) -> impl Fn(&Console) -> bool {
    move |console| console.count(text) > 0
}

const LIVE: &str = "LIVE: the receiver has the stream";

#[test]
fn b23_nothing_outlives_a_kill_at_any_phase() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let changing = format!("{SHOW} --bitrate-at 0.5:900 --bitrate-at 1:1800");
    type Ready = fn(&Console) -> bool;
    let phases: [(&str, &str, Ready); 8] = [
        // The first ffmpeg of a fresh folder is asked what it can, the next are the encoders' tests.
        ("preflight", SHOW, |c| !c.children("ffmpeg").is_empty()),
        ("encoder test", SHOW, |c| {
            !c.children_with("rawvideo").is_empty()
        }),
        ("server start", SHOW, |c| !c.children("mediamtx").is_empty()),
        ("starting", SHOW, |c| !c.children_with("libopus").is_empty()),
        ("live", SHOW, |c| c.count(LIVE) > 0),
        ("changing encoder", &changing, |c| {
            c.children_with("rawvideo").len() > 1 && c.count(LIVE) > 0
        }),
        ("measure", "measure --defaults --quick", |c| {
            c.children("ffmpeg").len() > 1
        }),
        ("doctor", "doctor --defaults --source pattern", |c| {
            !c.children("ffmpeg").is_empty()
        }),
    ];
    // Beside each other: they wait more than they work.
    std::thread::scope(|scope| {
        for (phase, words, is_ready) in phases {
            let (ffmpeg, mediamtx) = (&ffmpeg, &mediamtx);
            scope.spawn(move || {
                let home = Home::new();
                let plan = home.plan(ffmpeg, words).env("MEDIAMTX_BIN", mediamtx);
                dies(phase, plan.start(), Signal::KILL, is_ready);
            });
        }
    });
}

/// A console whose server goes: it calls again and again.
#[test]
fn b23_nothing_outlives_a_kill_while_reconnecting() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let mut server = common::server::OwnServer::start(&mediamtx, "  all_others:\n");
    let words = format!("{SHOW}{}", server.words("target", "pd_e2e", server.srt));
    let home = Home::new();
    let console = home.plan(&ffmpeg, &words).start();
    console.wait_live(1);
    server.kill();
    let calling = says("calling again until it is back");
    dies("reconnecting", console, Signal::KILL, calling);
}

#[test]
fn b23_an_ffmpeg_in_a_script_ends_with_its_pipes() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    // No exec: the console's own child is the shell, ffmpeg is a grandchild without a death signal.
    let home = Home::new();
    let script = home.path().join("my-ffmpeg");
    std::fs::write(
        &script,
        format!("#!/bin/sh\n{} \"$@\"\nexit $?\n", ffmpeg.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let plan = home.plan(&script, SHOW).env("MEDIAMTX_BIN", &mediamtx);
    dies("ffmpeg in a script", plan.start(), Signal::KILL, says(LIVE));
}

#[test]
fn b23_a_log_out_and_every_other_signal_end_all() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    // SEGV is what a driver that crashes and a stack that overflows come to.
    let signals = [Signal::TERM, Signal::HUP, Signal::ABORT, Signal::SEGV];
    std::thread::scope(|scope| {
        for signal in signals {
            let (ffmpeg, mediamtx) = (&ffmpeg, &mediamtx);
            scope.spawn(move || {
                let home = Home::new();
                let plan = home.plan(ffmpeg, SHOW).env("MEDIAMTX_BIN", mediamtx);
                dies("live", plan.start(), signal, says(LIVE));
                let in_order = matches!(signal, Signal::TERM | Signal::HUP);
                let left = home.left(&["running-", "pd-mediamtx-"]);
                assert_eq!(left.is_empty(), in_order, "{signal:?}: {left:?}");
            });
        }
    });
}

/// However young the run is that a Ctrl-C ends: the next start is not told of a crash.
#[test]
fn an_interrupt_of_a_run_that_has_just_begun_leaves_no_mark() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let home = Home::new();
    let mut at_once = 0;
    for age_ms in [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 50, 80, 120] {
        let console = home.plan(&ffmpeg, SHOW).start();
        std::thread::sleep(Duration::from_millis(age_ms));
        console.signal_now(Signal::INT);
        // How soon it ends is another test's.
        let ended = console.end_within(Duration::from_secs(10));
        at_once += usize::from(ended.status.code().is_none());
        let left = home.left(&["running-"]);
        assert!(left.is_empty(), "after {age_ms} ms: {left:?}");
    }
    println!("of 14 runs {at_once} ended before they heard signals");
    assert!(home.reports().is_empty());
}

/// Between the handler and what it does lies a moment, here made long: what comes in it is not lost.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_of_the_moment_in_which_its_handler_is_made_is_not_lost() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    if !common::are_installed(&["cc"], "no moment is made long") {
        return;
    }
    let home = Home::new();
    let (source, library) = (home.path().join("slow.c"), home.path().join("slow.so"));
    let slow = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <signal.h>
        #include <time.h>
        typedef int Call(int, const struct sigaction *, struct sigaction *);
        int sigaction(int number, const struct sigaction *now, struct sigaction *was) {
            int result = ((Call *)dlsym(RTLD_NEXT, "sigaction"))(number, now, was);
            struct timespec rest = {0, 300000000};
            if (number == SIGINT && now != 0)
                while (nanosleep(&rest, &rest) != 0) {}
            return result;
        }"#;
    std::fs::write(&source, slow).unwrap();
    let mut compiler = std::process::Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source]);
    assert!(compiler.arg("-ldl").status().unwrap().success());
    let console = home.plan(&ffmpeg, SHOW).env("LD_PRELOAD", &library).start();
    // As soon as there is a handler.
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(10));
    assert!(ended.status.code().is_some(), "{:?}", ended.status);
    assert!(home.left(&["running-"]).is_empty());
}

/// What macOS has in the place of a death signal, forced here: a process beside the console that kills what is left.
#[test]
fn b23_without_a_death_signal_the_guard_ends_all() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let home = Home::new();
    // It heeds neither TERM nor the end of its input, and starts one that does neither.
    let stubborn = home.path().join("stubborn-ffmpeg");
    let script = format!(
        "#!/bin/sh\ntrap '' TERM INT HUP\n{} \"$@\"\ncode=$?\n\
         case \"$*\" in *libopus*) while :; do sleep 1; done;; esac\nexit $code\n",
        ffmpeg.display()
    );
    std::fs::write(&stubborn, script).unwrap();
    std::fs::set_permissions(&stubborn, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (phase, program, ready) in [
        ("guarded, preflight", &ffmpeg, ""),
        ("guarded, live", &ffmpeg, LIVE),
        ("guarded, live, a stubborn script", &stubborn, LIVE),
    ] {
        let plan = home.plan(program, SHOW).env("MEDIAMTX_BIN", &mediamtx);
        let console = plan.env("PD_CONSOLE_GUARD", "1").start();
        let is_ready = |console: &Console| match ready {
            LIVE => console.count(LIVE) > 0,
            _ => console.marked().len() > 1,
        };
        dies(phase, console, Signal::KILL, is_ready);
    }
    // In order too, and without a word: the guard has nothing to do.
    let plan = home.plan(&ffmpeg, SHOW).env("MEDIAMTX_BIN", &mediamtx);
    let console = plan.env("PD_CONSOLE_GUARD", "1").start();
    console.wait_live(1);
    console.signal(Signal::INT);
    let ended = console.end_within(GONE_WITHIN);
    assert!(ended.status.success(), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "left running: {left:?}");
}

#[test]
fn a_panic_in_any_thread_of_a_show_is_reported_and_the_show_goes_on() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let server = common::server::OwnServer::start(&mediamtx, "  all_others:\n");
    let home = Home::new();
    let words = format!("{SHOW}{}", server.words("target", "pd_e2e", server.srt));
    let provoked = Provoked::of(&home);
    let plan = home
        .plan(&ffmpeg, &words)
        .env("PD_CONSOLE_PROVOKE", &provoked.file);
    let console = plan.start();
    console.wait_live(1);
    let bytes = || {
        server
            .path("pd_e2e")
            .filter(|path| path.online)
            .map_or(0, |path| path.bytes_received)
    };
    let threads = [
        "pd-session",
        "pd-pump",
        "pd-watch",
        "pd-capture",
        "pd-feed",
        "pd-read",
        "pd-pub-video",
        "pd-pub-audio",
    ];
    for thread in threads {
        provoked.now(thread, "panic");
        let at = Instant::now();
        // Bytes that come after it, and go on coming.
        std::thread::sleep(Duration::from_millis(300));
        let goes_on = wait_until(Duration::from_secs(12), || {
            let before = bytes();
            std::thread::sleep(Duration::from_millis(400));
            before > 0 && bytes() > before + 1000
        });
        println!(
            "{thread}: pictures again {:.2} s after its panic",
            at.elapsed().as_secs_f64()
        );
        assert!(goes_on, "{thread}:\n{}", console.stderr());
    }
    console.signal(Signal::INT);
    let ended = console.end_within(GONE_WITHIN);
    assert!(ended.status.success(), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "left running: {left:?}");
    assert!(home.left(&["running-"]).is_empty(), "it ended in order");
    let reports = home.reports();
    assert_eq!(reports.len(), threads.len(), "{reports:#?}");
    for (report, thread) in reports.iter().zip(threads) {
        assert!(report.contains("\nkind: panic\n"), "{report}");
        assert!(
            report.contains(&format!("\nthread: {thread}")),
            "{thread}: {report}"
        );
        assert!(
            report.contains(&format!("\nmessage: provoked in {thread}\n")),
            "{report}"
        );
        assert!(report.contains("\n[last state]\nlive\n"), "{report}");
        assert!(report.contains("provoke"), "no stack: {report}");
    }
}

#[test]
fn b23_an_abort_and_a_stack_that_overflows_end_all_and_are_told() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    for how in ["abort", "overflow"] {
        let home = Home::new();
        let provoked = Provoked::of(&home);
        let plan = home.plan(&ffmpeg, SHOW).env("MEDIAMTX_BIN", &mediamtx);
        let console = plan.env("PD_CONSOLE_PROVOKE", &provoked.file).start();
        console.wait_live(1);
        // What it does is on the disk some 0.2 s later.
        std::thread::sleep(Duration::from_secs(1));
        provoked.now("pd-session", how);
        let at = Instant::now();
        let ended = console.end_within(GONE_WITHIN);
        let left = ended.left_after(GONE_WITHIN.saturating_sub(at.elapsed()));
        println!(
            "{how}: nothing left after {:.2} s",
            at.elapsed().as_secs_f64()
        );
        assert!(left.is_empty(), "{how}: left running: {left:?}");
        assert_eq!(ended.status.signal(), Some(6), "{how}: {}", ended.stderr);
        // Any next start that can make shows tells of it; this one fails at once.
        let words = "live --defaults --set encoder.bitrate_kbps=1";
        home.plan(&ffmpeg, words).run(LIMIT);
        let reports = home.reports();
        assert_eq!(reports.len(), 1, "{how}: {reports:#?}");
        assert!(reports[0].contains("\nkind: gone\n"), "{}", reports[0]);
        assert!(
            reports[0].contains("\n[last state]\nlive\n"),
            "{}",
            reports[0]
        );
    }
}

#[test]
fn after_a_kill_the_next_start_is_clean_and_goes_live_at_once_on_the_same_path() {
    let _alone = alone();
    let Some((ffmpeg, mediamtx)) = programs() else {
        return;
    };
    let server = common::server::OwnServer::start(&mediamtx, "  all_others:\n");
    let home = Home::new();
    let records = home.path().join("recordings");
    std::fs::create_dir(&records).unwrap();
    for way in ["SrtPush", "SrtPull"] {
        let target = server
            .words("target", "pd_e2e", server.srt)
            .replace("SrtPush", way);
        let words = format!("{SHOW}{target} --record {}", records.display());
        let first = home.plan(&ffmpeg, &words).start();
        first.wait_live(1);
        first.wait_for("recording: writing", 1, LIMIT);
        std::thread::sleep(Duration::from_millis(1200));
        dies("live", first, Signal::KILL, |_| true);
        let again = Instant::now();
        let second = home.plan(&ffmpeg, &words).start();
        second.wait_live(1);
        let took = again.elapsed();
        println!(
            "{way}: LIVE {:.2} s after the next start",
            took.as_secs_f64()
        );
        assert!(took < Duration::from_secs(8), "{}", second.stderr());
        second.signal(Signal::INT);
        let ended = second.end_within(GONE_WITHIN);
        assert!(ended.status.success(), "{}", ended.stderr);
    }
    let reports = home.reports();
    assert_eq!(reports.len(), 2, "{reports:#?}");
    for (report, way) in reports.iter().zip(["SRT push", "SRT pull"]) {
        assert!(report.contains("\nkind: gone\n"), "{report}");
        assert!(
            report.contains("\n[last state]\nlive\nto 127.0.0.1:"),
            "{report}"
        );
        assert!(report.contains(way), "{way}: {report}");
        assert!(report.contains("\nrecording "), "{report}");
        assert!(report.contains("ffmpeg: "), "{report}");
    }
    assert!(
        home.left(&["running-", "pd-mediamtx-", ".pd-console-"])
            .is_empty()
    );
    // Each run's recording plays, the torn ones too.
    let files: Vec<_> = std::fs::read_dir(&records)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let mut probe = std::process::Command::new("ffprobe");
        probe.args(["-v", "error", "-count_frames", "-select_streams", "v:0"]);
        probe.args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
        let frames = String::from_utf8(common::output(probe.arg(&file))).unwrap();
        let frames: u32 = frames.trim().trim_end_matches(',').parse().unwrap_or(0);
        assert!(frames > 10, "{}: {frames} frames", file.display());
    }
}
