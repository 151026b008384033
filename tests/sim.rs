//! Fault injection: hours of shows in virtual time, in which the product's own code is driven between a
//! played outside that breaks as a seed says. What must hold is looked at after each event.
//!
//! `PD_SIM_SEED=n` runs that seed only, `PD_SIM_SEEDS=n` as many, `PD_SIM_HOURS=n` simulated hours of each.
//! A failure names its seed.
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

#[path = "sim/breaking.rs"]
mod breaking;
#[path = "sim/checks.rs"]
mod checks;
#[path = "sim/clock.rs"]
mod clock;
#[path = "sim/console.rs"]
mod console;
#[path = "sim/encoder.rs"]
mod encoder;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/h264.rs"]
mod h264;
#[path = "sim/keeping.rs"]
mod keeping;
#[path = "sim/outside.rs"]
mod outside;
#[path = "sim/preflight.rs"]
mod preflight;
#[path = "sim/publisher.rs"]
mod publisher;
#[cfg(target_os = "linux")]
#[path = "sim/real.rs"]
mod real;
#[path = "sim/recorder.rs"]
mod recorder;
#[path = "sim/run.rs"]
mod run;
#[path = "sim/server.rs"]
mod server;
#[path = "sim/sources.rs"]
mod sources;
#[path = "sim/traffic.rs"]
mod traffic;
#[path = "sim/truth.rs"]
mod truth;
#[path = "sim/world.rs"]
mod world;

use run::{Mutation, Tally};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use world::World;

/// Simulated hours of a seed, and seeds, where nothing else is said.
const HOURS: f64 = 0.5;
const SEEDS: u64 = 4;

/// The part in real time runs alone.
static ALONE: RwLock<()> = RwLock::new(());

fn wish<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// A world of this seed for so long: what it was, and what was found.
fn play(seed: u64, hours: f64, mutation: Mutation) -> (Tally, Result<(), String>) {
    let mut tally = Tally::default();
    let found = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, mutation);
        let found = world.run(Duration::from_secs_f64(hours * 3600.0));
        tally = world.tally.clone();
        found
    }));
    let found = found.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    (tally, found)
}

/// Runs a seed; a fault that is found is told with it.
fn check(seed: u64, hours: f64) -> Option<String> {
    let began = Instant::now();
    let (tally, found) = play(seed, hours, Mutation::None);
    let took = began.elapsed().as_secs_f64();
    println!("seed {seed}: {hours} h in {took:.1} s: {tally:?}");
    let found = found.err()?;
    let text = format!("seed {seed}: {found}");
    println!("{text}\n  PD_SIM_SEED={seed} PD_SIM_HOURS={hours} cargo test --test sim show");
    Some(text)
}

/// The invariants can fail: one thing is broken on purpose, and what is found says so.
fn finds(mutation: Mutation, words: &[&str]) {
    let _shared = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    for seed in 1..=6 {
        let (tally, found) = play(seed, 0.5, mutation);
        if let Err(found) = found {
            println!(
                "{mutation:?}, seed {seed}, {} events: {found}",
                tally.events
            );
            let named = words.iter().any(|word| found.contains(word));
            assert!(named, "{mutation:?} was found as: {found}");
            return;
        }
    }
    panic!("{mutation:?} was not found");
}

#[test]
fn mutation_frames_that_are_taken_late_are_found() {
    finds(Mutation::OldFrames, &["the slot had a newer one"]);
}

#[test]
fn mutation_times_that_go_back_are_found() {
    finds(Mutation::TimesGoBack, &["dts"]);
}

#[test]
fn mutation_a_queue_without_bound_is_found() {
    finds(Mutation::QueueGrows, &["units in a sink"]);
}

#[test]
fn mutation_a_false_live_is_found() {
    finds(Mutation::FalseReport, &["LIVE"]);
}

#[test]
fn mutation_a_child_that_stays_is_found() {
    finds(Mutation::StaysBehind, &["publishers", "children"]);
}

#[test]
fn mutation_a_stage_before_the_capture_is_found() {
    finds(Mutation::StageOrder, &["captured at"]);
}

#[test]
fn mutation_a_show_that_does_not_come_back_is_found() {
    finds(Mutation::NoRecovery, &["nothing is wrong"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_real_session_holds_nobody_up_and_leaves_nothing() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let Some(ffmpeg) = real::ffmpeg() else {
        return;
    };
    let seed = wish("PD_SIM_SEED").unwrap_or(1);
    let seconds = wish("PD_SIM_REAL_S").unwrap_or(20);
    real::run(seed, Duration::from_secs(seconds), ffmpeg);
}

#[test]
fn a_show_holds_whatever_breaks() {
    let _shared = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let hours = wish("PD_SIM_HOURS").unwrap_or(HOURS);
    let seeds = match wish::<u64>("PD_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..wish::<u64>("PD_SIM_SEEDS").unwrap_or(SEEDS) + 1,
    };
    let found: Vec<_> = seeds.filter_map(|seed| check(seed, hours)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
