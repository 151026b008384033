//! A soak's figures as text and as JSON. Pure.

use super::judge::{Befallen, Judgement, Soak, Trend, flashes_later_ms, median, quantile};
use super::usage::{Usage, in_words};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

impl Befallen {
    /// As it is printed when it is over.
    pub fn line(&self) -> String {
        let (name, at_s) = (self.name, self.at_s);
        let (lasted, black) = (self.lasted.as_secs_f64(), self.black.as_secs_f64());
        let well = match &self.well {
            Ok(after) => format!("well after {:.1} s", after.as_secs_f64()),
            Err(why) => format!("NOT WELL: {why}"),
        };
        format!("{at_s:7.1} s  {name:<24} {lasted:4.1} s  {well}, {black:.1} s black")
    }
}

struct Row {
    count: usize,
    failed: usize,
    well_s: Vec<f64>,
    black_s: Vec<f64>,
}

fn rows(soak: &Soak) -> BTreeMap<&'static str, Row> {
    let mut rows = BTreeMap::new();
    for one in &soak.befallen {
        let row = rows.entry(one.name).or_insert(Row {
            count: 0,
            failed: 0,
            well_s: Vec::new(),
            black_s: Vec::new(),
        });
        row.count += 1;
        row.black_s.push(one.black.as_secs_f64());
        match &one.well {
            Ok(after) => row.well_s.push(after.as_secs_f64()),
            Err(_) => row.failed += 1,
        }
    }
    rows
}

/// For people.
pub fn text(soak: &Soak, judgement: &Judgement) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let mut say = |line: String| {
        let _ = writeln!(out, "{line}");
    };
    let load: Vec<f64> = soak.samples.iter().map(|s| s.load).collect();
    say(format!(
        "soak of {} min to {}, seed {}, {} faults, {} samples, load {:.1} (median)",
        soak.minutes,
        soak.receiver,
        soak.seed,
        soak.befallen.len(),
        soak.samples.len(),
        median(&load).unwrap_or_default()
    ));
    say(format!(
        "{:<24} {:>5} {:>6}   {:>20}   {:>20}",
        "fault", "times", "failed", "well after, s", "black, s"
    ));
    say(format!(
        "{:<24} {:>5} {:>6}   {:>6} {:>6} {:>6}   {:>6} {:>6} {:>6}",
        "", "", "", "p50", "p95", "max", "p50", "p95", "max"
    ));
    for (name, row) in rows(soak) {
        let [well, black] = [&row.well_s, &row.black_s].map(|figures| {
            let of = |part| quantile(figures, part).map_or("-".into(), |s| format!("{s:.1}"));
            let [a, b, c]: [String; 3] = [0.5, 0.95, 1.0].map(of);
            format!("{a:>6} {b:>6} {c:>6}")
        });
        let (count, failed) = (row.count, row.failed);
        say(format!(
            "{name:<24} {count:>5} {failed:>6}   {well}   {black}"
        ));
    }
    let bound = match judgement.memory_bound {
        bound if bound.is_finite() => format!("allowed {:.0} %", bound * 100.0),
        _ => "not judged".into(),
    };
    let memory = Trend::words(judgement.memory_mib, "MiB");
    let percent = judgement.memory_growth * 100.0;
    say(format!("memory    {memory}, {percent:+.1} %, {bound}"));
    say(format!(
        "latency   {}",
        Trend::words(judgement.arrived_ms, "ms")
    ));
    if judgement.held_ms.is_some() {
        say(format!(
            "          {} in the server's SRT receiver (what it holds beyond {:.0} is not in the latency above)",
            Trend::words(judgement.held_ms, "ms"),
            soak.holds_ms
        ));
    }
    if let Some(later) = flashes_later_ms(soak) {
        say(format!("          flashes arrive {later:+.1} ms later"));
    }
    say(format!(
        "sound     {} after the picture",
        Trend::words(judgement.av_ms, "ms")
    ));
    let apart: Vec<f64> = soak.claps.iter().map(|clap| clap.apart_ms).collect();
    say(format!("apart     {apart:.1?} ms by flash and beep"));
    let fps = judgement
        .fps
        .map_or("too few samples".into(), |fps| format!("{fps:.3} a second"));
    say(format!("frames    {fps} at rest"));
    if let Some(last) = soak.samples.last() {
        let [capture, encoder, network, lost] = last.status.drops;
        say(format!(
            "drops     capture {capture}, encoder {encoder}, network {network}, lost {lost}"
        ));
    }
    say(format!("threads   {}", in_words(&soak.last.threads)));
    say(format!("handles   {}", in_words(&soak.last.handles)));
    if !soak.left_out.is_empty() {
        say(format!("left out  {}", soak.left_out.join(", ")));
    }
    match &judgement.faults[..] {
        [] => say("PASSED".into()),
        faults => faults
            .iter()
            .for_each(|fault| say(format!("FAULT     {fault}"))),
    }
    out
}

/// For programs.
pub fn json(soak: &Soak, judgement: &Judgement) -> Value {
    let trend = |trend: Option<Trend>| trend.map(|t| json!({ "first": t.first, "last": t.last }));
    let befallen = soak.befallen.iter().map(|one| {
        json!({
            "fault": one.name,
            "at_s": one.at_s,
            "lasted_s": one.lasted.as_secs_f64(),
            "well_after_s": one.well.as_ref().ok().map(Duration::as_secs_f64),
            "not_well": one.well.as_ref().err(),
            "black_s": one.black.as_secs_f64(),
        })
    });
    let usage = |usage: &Usage| {
        json!({
            "anonymous_kib": usage.anonymous_kib,
            "rss_kib": usage.rss_kib,
            "threads": usage.threads,
            "handles": usage.handles,
            "children": usage.children,
        })
    };
    let rests = soak.rests.iter().map(|(at_s, rest)| {
        let mut rest = usage(rest);
        rest["at_s"] = json!(at_s);
        rest
    });
    json!({
        "minutes": soak.minutes,
        "seed": soak.seed,
        "receiver": soak.receiver,
        "left_out": soak.left_out,
        "passed": judgement.faults.is_empty(),
        "faults": judgement.faults,
        "befallen": befallen.collect::<Vec<_>>(),
        "memory_mib": trend(judgement.memory_mib),
        "latency_ms": trend(judgement.arrived_ms),
        "held_by_server_ms": trend(judgement.held_ms),
        "sound_after_picture_ms": trend(judgement.av_ms),
        "flash_and_beep_ms": soak.claps.iter().map(|clap| clap.apart_ms).collect::<Vec<_>>(),
        "flashes_later_ms": flashes_later_ms(soak),
        "fps_at_rest": judgement.fps,
        "base": usage(&soak.base),
        "last": usage(&soak.last),
        "after_each": rests.collect::<Vec<_>>(),
    })
}
