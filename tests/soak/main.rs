//! The console for minutes or hours at 720p30 with random faults: it must be live again after each of
//! them, grow in nothing, drift by nothing, and leave nothing behind.
//!
//!     PD_SOAK_MINUTES=120 PD_SOAK_OUT=/some/folder cargo test --release --test soak -- --nocapture
//!
//! The console is the real program, without a window, steered by its remote control; it captures a
//! window of an X server of the test's own, hears a PulseAudio of the test's own, and sends through a
//! UDP relay to a real MediaMTX or, where there is none, to an ffmpeg that listens: no viewers then, and what needs
//! them is left out and named. `PD_SOAK_MINUTES` (1), `PD_SOAK_SEED` (1), `PD_SOAK_OUT` (a folder for
//! samples.csv, report.txt, report.json and console.log; none are kept without), `PD_SOAK_CONSOLE`
//! (another build of the program), `PD_SOAK_ONLY` (only faults with one of these words, separated by
//! commas, in their names), `PD_SOAK_RECEIVER=ffmpeg` (as if there were no MediaMTX). The test's thread deals the faults; `sampler` has one of its own.
#![cfg(all(target_os = "linux", feature = "x11", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod clap;
mod desk;
mod faults;
mod judge;
mod plain;
mod receiver;
mod remote;
mod report;
mod sampler;
mod show;
mod usage;

use faults::{FAULTS, Fault};
use judge::{Befallen, Judgement, Soak};
use sampler::Sampler;
use show::Show;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use usage::Usage;

const PASSWORD: &str = "soak horse battery";
/// After a fault is over all must be well again within this. Generous: a machine that builds beside
/// it (load 10 on 2 cores) starts an ffmpeg in seconds.
const WELL_WITHIN: Duration = Duration::from_secs(45);

/// Flash and beep are looked at in soaks of so many minutes at least.
const CLAPS_FROM_MIN: f64 = 2.0;

fn number(name: &str, otherwise: f64) -> f64 {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() {
        return otherwise;
    }
    text.parse().unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn hours_of_faults_leave_no_trace() {
    let _alone = common::alone();
    let Some(ffmpeg) = common::ffmpegs().into_iter().next() else {
        return;
    };
    let plain = std::env::var_os("PD_SOAK_RECEIVER").is_some_and(|name| name == "ffmpeg");
    let mediamtx = common::mediamtx_if_any().filter(|_| !plain);
    if mediamtx.is_none() && std::env::var_os("PD_SOAK_MINUTES").is_none() {
        println!(
            "SKIPPED: without MediaMTX the soak is run by itself, PD_SOAK_MINUTES says for how long"
        );
        return;
    }
    let minutes = number("PD_SOAK_MINUTES", 1.0);
    let seed = number("PD_SOAK_SEED", 1.0) as u64;
    let kept = std::env::var_os("PD_SOAK_OUT").map(PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let out = kept.as_deref().unwrap_or(folder.path());
    std::fs::create_dir_all(out).unwrap();
    let program = std::env::var_os("PD_SOAK_CONSOLE")
        .map_or_else(|| env!("CARGO_BIN_EXE_pd-console").into(), PathBuf::from);
    println!("soak: {minutes} min, seed {seed}, {}", program.display());
    let Some(show) = Show::start(&program, &ffmpeg, mediamtx.as_deref()) else {
        return;
    };
    let soak = run(show, minutes, seed, out);
    let judgement = Judgement::of(&soak);
    let text = report::text(&soak, &judgement);
    println!("{text}");
    std::fs::write(out.join("report.txt"), &text).unwrap();
    let json = report::json(&soak, &judgement);
    std::fs::write(out.join("report.json"), format!("{json:#}\n")).unwrap();
    assert!(judgement.faults.is_empty(), "{:#?}", judgement.faults);
}

fn run(mut show: Show, minutes: f64, seed: u64, out: &Path) -> Soak {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut wrong = Vec::new();
    if let Err(why) = show.well_after(f64::INFINITY, WELL_WITHIN) {
        wrong.push(format!("at the beginning: {why}"));
    }
    let near_ms = near(&mut show);
    let holds_ms = show.holds_ms;
    println!("pictures are in time up to {near_ms:.0} ms");
    let left_out: Vec<&str> = FAULTS
        .iter()
        .filter(|f| !f.is_possible(&show))
        .map(|f| f.name)
        .collect();
    if !left_out.is_empty() {
        println!(
            "to {}: left out: {}",
            show.receiver.name(),
            left_out.join(", ")
        );
    }
    let has_claps = minutes >= CLAPS_FROM_MIN;
    let (mut claps, epoch) = (Vec::new(), Instant::now());
    let mut clap = |show: &mut Show, wrong: &mut Vec<String>| match clap::clap(show, near_ms, epoch)
    {
        Ok(clap) => claps.push(clap),
        Err(why) => wrong.push(format!("flash and beep: {why}")),
    };
    if has_claps {
        clap(&mut show, &mut wrong);
    }
    let pid = show.console.id();
    let began = Instant::now();
    let look = show.receiver.look();
    let sampler = Sampler::start((pid, show.port), look, &out.join("samples.csv"), began);
    let base = rest(&show, None);
    println!("threads at rest: {}", usage::in_words(&base.threads));
    println!("handles at rest: {}", usage::in_words(&base.handles));
    let (mut deck, mut befallen, mut rests) = (Vec::new(), Vec::new(), Vec::new());
    let until = began + Duration::from_secs_f64(minutes * 60.0);
    while Instant::now() < until {
        if deck.is_empty() {
            deck = dealt(&show);
            chance.shuffle(&mut deck);
        }
        std::thread::sleep(Duration::from_secs_f64(2.0 + chance.f64() * 5.0));
        let Some(fault) = deck.pop() else { break };
        sampler.at(fault.name);
        let one = befall(&mut show, fault, &mut chance, near_ms, began);
        println!("{}", one.line());
        befallen.push(one);
        sampler.at("");
        std::fs::write(out.join("console.log"), show.console.stderr()).unwrap();
        let Some(now) = Usage::of(pid) else {
            wrong.push(format!("the console is gone after: {}", fault.name));
            break;
        };
        rests.push((began.elapsed().as_secs_f64(), now));
    }
    let last = rest(&show, Some(&base));
    if has_claps {
        clap(&mut show, &mut wrong);
    }
    let samples = sampler.end();
    let receiver = show.receiver.name();
    let left = end(show, out, &mut wrong);
    Soak {
        minutes,
        seed,
        receiver,
        left_out,
        near_ms,
        holds_ms,
        samples,
        befallen,
        base,
        last,
        rests,
        claps,
        left,
        wrong,
    }
}

/// The faults that are dealt.
fn dealt(show: &Show) -> Vec<&'static Fault> {
    let only = std::env::var("PD_SOAK_ONLY").unwrap_or_default();
    let wanted = |fault: &&Fault| only.split(',').any(|word| fault.name.contains(word));
    let all = FAULTS.iter().filter(|f| f.is_possible(show));
    all.filter(wanted).collect()
}

/// How late pictures may come for all to be well: what they take at rest and a good deal more, as the
/// machine's other work changes.
fn near(show: &mut Show) -> f64 {
    let (mut seen, mut held) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        held.extend(show.look.held_ms());
        seen.extend(show.status().ok().and_then(|status| status.arrived_ms));
        std::thread::sleep(Duration::from_millis(250));
    }
    show.holds_ms = judge::median(&held).unwrap_or_default();
    let usual = judge::median(&seen).unwrap_or(200.0);
    (usual * 1.5).max(usual + 150.0)
}

fn befall(
    show: &mut Show,
    fault: &Fault,
    chance: &mut fastrand::Rng,
    near_ms: f64,
    began: Instant,
) -> Befallen {
    let from = Instant::now();
    let done = (fault.befall)(show, chance);
    let lasted = from.elapsed();
    // A killed child is not missed at once: what is still in the pipes is shown first.
    std::thread::sleep(Duration::from_secs(1));
    let well = show.well_after(near_ms, WELL_WITHIN);
    Befallen {
        name: fault.name,
        at_s: (from - began).as_secs_f64(),
        lasted,
        well: done.and(well),
        black: show.eye.black_since(from),
    }
}

/// What the console has when all is well and nothing was done to it for some seconds; not more than in
/// `base` if it comes down to that within half a minute.
fn rest(show: &Show, base: Option<&Usage>) -> Usage {
    std::thread::sleep(Duration::from_secs(5));
    let mut last = Usage::default();
    common::wait_until(Duration::from_secs(30), || {
        std::thread::sleep(Duration::from_secs(1));
        last = Usage::of(show.console.id()).unwrap_or_default();
        base.is_none_or(|base| judge::grown(base, &last).is_empty())
    });
    last
}

/// Ends the console; what it leaves running.
fn end(show: Show, out: &Path, wrong: &mut Vec<String>) -> Vec<String> {
    let Show { console, .. } = show;
    console.signal(rustix::process::Signal::INT);
    let ended = console.end_within(Duration::from_secs(30));
    if !ended.status.success() {
        wrong.push(format!("the console ended with {}", ended.status));
    }
    std::fs::write(out.join("console.log"), &ended.stderr).unwrap();
    std::fs::write(out.join("result.json"), &ended.stdout).unwrap();
    let left = ended.left_after(Duration::from_secs(5)).into_iter();
    left.map(|(pid, name)| format!("{name} ({pid})")).collect()
}
