//! What a soak came to: figures, what of them is a fault, as text and as JSON. Pure.

use super::clap::{Clap, later_ms};
use super::sampler::Sample;
use super::usage::{Counts, Usage, excess, in_words};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// One fault and what followed.
pub struct Befallen {
    /// Its kind.
    pub name: &'static str,
    /// When it began, s since the soak's beginning.
    pub at_s: f64,
    /// How long it lasted.
    pub lasted: Duration,
    /// After its end all was well within this, or what was wrong still.
    pub well: Result<Duration, String>,
    /// The longest that the driver's viewer was without a picture.
    pub black: Duration,
}

/// A soak as it was.
pub struct Soak {
    /// Minutes of faults.
    pub minutes: f64,
    /// Of the faults.
    pub seed: u64,
    /// What the console sent to.
    pub receiver: &'static str,
    /// Faults that were not possible with it, or on this machine.
    pub left_out: Vec<&'static str>,
    /// Pictures later than this are late, ms.
    pub near_ms: f64,
    /// For how long the server's SRT receiver held what came, at the beginning, ms.
    pub holds_ms: f64,
    /// Every few seconds.
    pub samples: Vec<Sample>,
    /// In order.
    pub befallen: Vec<Befallen>,
    /// At rest before the first fault.
    pub base: Usage,
    /// At rest after the last.
    pub last: Usage,
    /// After each recovery; s since the beginning.
    pub rests: Vec<(f64, Usage)>,
    /// Flash and beep as another reader decodes them: before the faults and after.
    pub claps: Vec<Clap>,
    /// What ran after the console's end.
    pub left: Vec<String>,
    /// What else went wrong.
    pub wrong: Vec<String>,
}

/// Begin and end of a figure: medians of the first quarter after the warming up, and of the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Median of the first quarter.
    pub first: f64,
    /// Median of the last.
    pub last: f64,
}

impl Trend {
    /// Of figures in the order of their time; None of too few.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let quarter = figures.len() / 4;
        if quarter < 2 {
            return None;
        }
        Some(Self {
            first: median(&figures[..quarter])?,
            last: median(&figures[figures.len() - quarter..])?,
        })
    }

    /// Growth as a share of the first.
    pub fn growth(self) -> f64 {
        self.last / self.first - 1.0
    }

    fn words(trend: Option<Self>, unit: &str) -> String {
        trend.map_or("too few samples".into(), |trend| {
            let change = trend.last - trend.first;
            let (first, last) = (trend.first, trend.last);
            format!("{first:.1} -> {last:.1} {unit} ({change:+.1})")
        })
    }
}

/// Figures, and those that are faults.
pub struct Judgement {
    /// Heap and stacks at rest, MiB.
    pub memory_mib: Option<Trend>,
    /// Growth that is allowed.
    pub memory_bound: f64,
    /// Capture to a viewer at rest, ms, but for what the server's receiver holds beyond the beginning.
    pub arrived_ms: Option<Trend>,
    /// What the server's SRT receiver holds, ms.
    pub held_ms: Option<Trend>,
    /// Sound minus picture at rest, by the console's own meter, ms.
    pub av_ms: Option<Trend>,
    /// Frames sent at rest, a second of the clock.
    pub fps: Option<f64>,
    /// Each a sentence. Empty is a passed soak.
    pub faults: Vec<String>,
}

/// The first part of a soak is not judged: each kind of fault makes its threads, arenas and caches
/// once. A fifth of it, at most fifteen minutes.
fn warm_s(minutes: f64) -> f64 {
    (minutes * 60.0 / 5.0).min(900.0)
}

impl Judgement {
    /// Of a soak.
    pub fn of(soak: &Soak) -> Self {
        let warm = warm_s(soak.minutes);
        let rested: Vec<&Sample> = soak
            .samples
            .iter()
            .filter(|s| s.at_s >= warm && s.calm_s > 0.0 && s.status.state == "live")
            .collect();
        let trend = |figure: &dyn Fn(&Sample) -> Option<f64>| {
            let figures: Vec<f64> = rested.iter().filter_map(|s| figure(s)).collect();
            Trend::of(&figures)
        };
        let memory_mib = trend(&|s| Some(s.usage.anonymous_kib as f64 / 1024.0));
        let beyond = |s: &Sample| (s.held_ms.unwrap_or_default() - soak.holds_ms).max(0.0);
        let arrived_ms = trend(&|s| Some(s.status.arrived_ms? - beyond(s)));
        let held_ms = trend(&|s| s.held_ms);
        let av_ms = trend(&Sample::av_ms);
        let fps = frames_a_second(&soak.samples);
        let mut judgement = Self {
            memory_mib,
            memory_bound: memory_bound(soak.minutes),
            arrived_ms,
            held_ms,
            av_ms,
            fps,
            faults: soak.wrong.clone(),
        };
        judgement.recoveries(soak);
        judgement.growth(soak);
        judgement.drift(soak);
        judgement
    }

    fn recoveries(&mut self, soak: &Soak) {
        for one in &soak.befallen {
            if let Err(why) = &one.well {
                let (name, at_s) = (one.name, one.at_s);
                let text = format!("not well again after `{name}` at {at_s:.0} s: {why}");
                self.faults.push(text);
            }
        }
    }

    fn growth(&mut self, soak: &Soak) {
        let bound = self.memory_bound;
        if let Some(trend) = self.memory_mib.filter(|t| t.growth() > bound) {
            let words = Trend::words(Some(trend), "MiB");
            let percent = bound * 100.0;
            self.faults
                .push(format!("memory grew by more than {percent} %: {words}"));
        }
        for grown in grown(&soak.base, &soak.last) {
            self.faults
                .push(format!("more than before the faults: {grown}"));
        }
        // The last fault may have ended what those before it had left.
        for grown in grown(&soak.base, &usual(&soak.rests)) {
            self.faults
                .push(format!("usual in the last quarter: {grown}"));
        }
        for left in &soak.left {
            self.faults.push(format!("left running: {left}"));
        }
    }

    fn drift(&mut self, soak: &Soak) {
        // A machine at another load makes pictures come earlier or later by this.
        let bound_ms = soak.near_ms / 3.0;
        if let Some(trend) = self.arrived_ms.filter(|t| t.last - t.first > bound_ms) {
            let words = Trend::words(Some(trend), "ms");
            self.faults.push(format!("the latency grows: {words}"));
        }
        if let [first, .., last] = soak.claps[..] {
            let (first, last) = (first.apart_ms, last.apart_ms);
            // EBU R 37 has +40 and -60 ms between studio and viewer; half of that is one's own.
            if (last - first).abs() > 20.0 {
                let text = format!("flash and beep drift apart: {first:+.1} -> {last:+.1} ms");
                self.faults.push(text);
            }
        }
        if let Some(later) = flashes_later_ms(soak).filter(|ms| *ms > bound_ms) {
            let text = format!("flashes arrive {later:.0} ms later than before the faults");
            self.faults.push(text);
        }
        if self.fps.is_some_and(|fps| !(29.4..30.3).contains(&fps)) {
            let fps = self.fps.unwrap_or_default();
            self.faults
                .push(format!("{fps:.2} frames a second at rest, not 30"));
        }
    }
}

/// By how much flashes arrive later after the faults than before them; None where the receiver does not tell.
fn flashes_later_ms(soak: &Soak) -> Option<f64> {
    let first = soak.claps.first()?.phase_ms?;
    let last = soak.claps.get(1..)?.last()?.phase_ms?;
    Some(later_ms(first, last))
}

/// Two hours are flat within 5 %. In some minutes each kind of fault comes once or twice, and what it needs
/// for the first time is growth: a leak that counts in a show of hours is seen there too, if it is one of
/// so much in each fault. In a minute the replay is only filling: not judged.
fn memory_bound(minutes: f64) -> f64 {
    match minutes {
        60.0.. => 0.05,
        5.0.. => 0.15,
        _ => f64::INFINITY,
    }
}

/// What is there at rest that was not before: threads, handles, children, zombies.
pub fn grown(base: &Usage, last: &Usage) -> Vec<String> {
    let kinds = [
        ("threads", &base.threads, &last.threads),
        ("handles", &base.handles, &last.handles),
        ("children", &base.children, &last.children),
    ];
    let mut all: Vec<String> = kinds
        .into_iter()
        .flat_map(|(kind, base, last)| {
            let more = excess(base, last).into_iter();
            more.map(move |one| format!("{kind}: {one}"))
        })
        .collect();
    if last.zombies > 0 {
        all.push(format!("{} zombies", last.zombies));
    }
    all
}

/// What there is of each thread, handle and child after most faults of the last quarter.
fn usual(rests: &[(f64, Usage)]) -> Usage {
    let last = &rests[rests.len() - rests.len() / 4..];
    let counts = |of: fn(&Usage) -> &Counts| {
        let names: BTreeSet<&String> = last.iter().flat_map(|(_, rest)| of(rest).keys()).collect();
        let usual = |name: &String| {
            let count = |(_, rest): &(f64, Usage)| of(rest).get(name).copied().unwrap_or(0) as f64;
            let figures: Vec<f64> = last.iter().map(count).collect();
            median(&figures).unwrap_or_default() as usize
        };
        let all = names.into_iter().map(|name| (name.clone(), usual(name)));
        all.filter(|(_, count)| *count > 0).collect()
    };
    Usage {
        threads: counts(|rest| &rest.threads),
        handles: counts(|rest| &rest.handles),
        children: counts(|rest| &rest.children),
        ..Usage::default()
    }
}

/// Between samples at rest that follow each other.
fn frames_a_second(samples: &[Sample]) -> Option<f64> {
    let (mut frames, mut seconds) = (0, 0.0);
    for pair in samples.windows(2) {
        let span = pair[1].at_s - pair[0].at_s;
        // Nothing was done between the two.
        let is_calm = pair[0].calm_s > 0.0 && pair[1].calm_s >= span;
        if is_calm && pair[1].status.frames >= pair[0].status.frames {
            frames += pair[1].status.frames - pair[0].status.frames;
            seconds += span;
        }
    }
    (seconds >= 20.0).then(|| frames as f64 / seconds)
}

/// None of none.
pub fn median(figures: &[f64]) -> Option<f64> {
    quantile(figures, 0.5)
}

fn quantile(figures: &[f64], part: f64) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * part).ceil() as usize;
    sorted
        .get(index.saturating_sub(1).min(sorted.len().saturating_sub(1)))
        .copied()
}

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
    let percent = judgement.memory_mib.map_or(0.0, Trend::growth) * 100.0;
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
    say(format!(
        "frames    {:.3} a second at rest",
        judgement.fps.unwrap_or_default()
    ));
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

#[cfg(test)]
mod tests {
    use super::super::remote::Status;
    use super::*;

    /// Two hours with this memory (MiB, by minutes) and latency.
    fn soak(memory_mib: impl Fn(f64) -> f64, arrived_ms: impl Fn(f64) -> f64) -> Soak {
        let sample = |number: u32| {
            let minutes = f64::from(number) / 12.0;
            Sample {
                at_s: minutes * 60.0,
                load: 1.0,
                fault: "",
                calm_s: 60.0,
                usage: Usage {
                    anonymous_kib: (memory_mib(minutes) * 1024.0) as u64,
                    ..Usage::default()
                },
                status: Status {
                    state: "live".into(),
                    arrived_ms: Some(arrived_ms(minutes)),
                    sound_ms: Some(arrived_ms(minutes) + 20.0),
                    frames: u64::from(number) * 150,
                    ..Status::default()
                },
                held_ms: Some(120.0),
            }
        };
        let threads = Counts::from([("pd-pump".to_owned(), 1)]);
        let usage = Usage {
            threads,
            ..Usage::default()
        };
        Soak {
            minutes: 120.0,
            seed: 1,
            receiver: "",
            left_out: Vec::new(),
            near_ms: 240.0,
            holds_ms: 120.0,
            samples: (0..1440).map(sample).collect(),
            befallen: Vec::new(),
            base: usage.clone(),
            last: usage,
            rests: Vec::new(),
            claps: claps([1.0, 2.0], [990.0, 8.0]),
            left: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn claps(apart_ms: [f64; 2], phase_ms: [f64; 2]) -> Vec<Clap> {
        let pairs = apart_ms.into_iter().zip(phase_ms);
        let clap = |(apart_ms, phase)| Clap {
            apart_ms,
            phase_ms: Some(phase),
        };
        pairs.map(clap).collect()
    }

    fn faults(soak: &Soak) -> Vec<String> {
        Judgement::of(soak).faults
    }

    #[test]
    fn what_is_flat_passes_however_it_warms_up() {
        let warm = |minutes: f64| 60.0 - 30.0 * (-minutes / 4.0).exp();
        let flat = soak(warm, |minutes| 140.0 + (minutes * 0.7).sin() * 20.0);
        assert_eq!(faults(&flat), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_growth_is_a_fault() {
        // 4 MiB an hour of 50.
        let leak = faults(&soak(|minutes| 50.0 + minutes / 15.0, |_| 140.0));
        assert!(leak[0].contains("memory grew"), "{leak:?}");
        let late = faults(&soak(|_| 50.0, |minutes| 140.0 + minutes * 2.0));
        assert!(late[0].contains("the latency grows"), "{late:?}");
        let mut other = soak(|_| 50.0, |_| 140.0);
        let last = &mut other.last;
        last.threads.insert("pd-pump".into(), 2);
        last.handles.insert("socket".into(), 1);
        last.zombies = 1;
        let mut left = other.base.clone();
        left.handles.insert("eventpoll".into(), 3);
        other.rests = (0..40)
            .map(|number| (f64::from(number), left.clone()))
            .collect();
        other.claps = claps([1.0, 30.0], [950.0, 50.0]);
        other.left.push("ffmpeg (7)".into());
        for sample in &mut other.samples {
            sample.status.frames = sample.status.frames * 9 / 10;
        }
        let all = faults(&other).join("\n");
        for part in [
            "threads: pd-pump 1->2",
            "handles: socket 0->1",
            "usual in the last quarter: handles: eventpoll 0->3",
            "1 zombies",
            "drift apart",
            "flashes arrive 100 ms later",
            "left running: ffmpeg (7)",
            "27.00 frames a second",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
    }
}
