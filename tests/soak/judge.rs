//! What a soak came to, and what of it is a fault. Pure.

use super::clap::{Clap, later_ms};
use super::sampler::Sample;
use super::usage::{Counts, Usage, excess};
use std::collections::{BTreeMap, BTreeSet};
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

/// Begin and end of a figure: the first quarter after the warming up, and the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Of the first quarter.
    pub first: f64,
    /// Of the last.
    pub last: f64,
}

impl Trend {
    /// Medians of figures in the order of their time; None of too few.
    pub fn of(figures: &[f64]) -> Option<Self> {
        Self::by(figures, 0.5)
    }

    /// What so great a part of the figures is at most.
    pub fn by(figures: &[f64], part: f64) -> Option<Self> {
        let quarter = figures.len() / 4;
        if quarter < 2 {
            return None;
        }
        Some(Self {
            first: quantile(&figures[..quarter], part)?,
            last: quantile(&figures[figures.len() - quarter..], part)?,
        })
    }

    /// For people.
    pub fn words(trend: Option<Self>, unit: &str) -> String {
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
    /// Its growth, as a share: in a long soak of its first part, in a short one, in which a leak's beginning is in
    /// that too, of what there was before the faults.
    pub memory_growth: f64,
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

/// A soak of so many minutes shows a slow leak.
const LONG_MIN: f64 = 60.0;

/// The first part of a soak is not judged: each kind of fault makes its threads, arenas and caches
/// once. A fifth of it, at most fifteen minutes; of a short one until each kind has come, at most half.
fn warm_s(soak: &Soak) -> f64 {
    let all_s = soak.minutes * 60.0;
    let fifth = (all_s / 5.0).min(900.0);
    if soak.minutes >= LONG_MIN {
        return fifth;
    }
    let mut ends = BTreeMap::new();
    for one in &soak.befallen {
        ends.entry(one.name)
            .or_insert(one.at_s + one.lasted.as_secs_f64());
    }
    let each_came = ends.into_values().fold(0.0, f64::max);
    each_came.clamp(fifth, all_s / 2.0)
}

impl Judgement {
    /// Of a soak.
    pub fn of(soak: &Soak) -> Self {
        let warm = warm_s(soak);
        let rested: Vec<&Sample> = soak
            .samples
            .iter()
            .filter(|s| s.at_s >= warm && s.calm_s > 0.0 && s.status.state == "live")
            .collect();
        let figures = |figure: &dyn Fn(&Sample) -> Option<f64>| -> Vec<f64> {
            rested.iter().filter_map(|s| figure(s)).collect()
        };
        let trend = |figure: &dyn Fn(&Sample) -> Option<f64>| Trend::of(&figures(figure));
        let memory = figures(&|s| Some(s.usage.anonymous_kib as f64 / 1024.0));
        let memory_mib = Trend::by(&memory, memory_part(soak.minutes));
        let memory_growth = memory_mib.map_or(0.0, |trend| {
            let before = match soak.minutes {
                LONG_MIN.. => trend.first,
                _ => soak.base.anonymous_kib as f64 / 1024.0,
            };
            (trend.last - trend.first) / before
        });
        let beyond = |s: &Sample| (s.held_ms.unwrap_or_default() - soak.holds_ms).max(0.0);
        let arrived_ms = trend(&|s| Some(s.status.arrived_ms? - beyond(s)));
        let held_ms = trend(&|s| s.held_ms);
        let av_ms = trend(&Sample::av_ms);
        let fps = frames_a_second(&soak.samples);
        let mut judgement = Self {
            memory_mib,
            memory_growth,
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
        if self.memory_growth > bound {
            let words = Trend::words(self.memory_mib, "MiB");
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
pub fn flashes_later_ms(soak: &Soak) -> Option<f64> {
    let first = soak.claps.first()?.phase_ms?;
    let last = soak.claps.get(1..)?.last()?.phase_ms?;
    Some(later_ms(first, last))
}

/// Two hours are flat within 5 %. In ten minutes spare pictures of 1.4 MiB come and go (three of them are 10 %), so
/// that only the lower quarter of each part is compared, and a leak is found that takes half a MiB in each fault
/// or 3 MiB a minute. In less the replay is only filling: not judged.
fn memory_bound(minutes: f64) -> f64 {
    match minutes {
        LONG_MIN.. => 0.05,
        5.0.. => 0.25,
        _ => f64::INFINITY,
    }
}

/// What part of the figures of a quarter is looked at.
fn memory_part(minutes: f64) -> f64 {
    if minutes >= LONG_MIN { 0.5 } else { 0.25 }
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

pub fn quantile(figures: &[f64], part: f64) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * part).ceil() as usize;
    sorted
        .get(index.saturating_sub(1).min(sorted.len().saturating_sub(1)))
        .copied()
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

    /// Ten minutes with 56 faults of 26 kinds, with this memory (MiB) by seconds.
    fn short(memory_mib: impl Fn(f64) -> f64) -> Soak {
        let mut short = soak(|minutes| memory_mib(minutes * 60.0), |_| 30.0);
        short.minutes = 10.0;
        short.near_ms = 180.0;
        short.samples.truncate(120);
        short.base.anonymous_kib = 30 << 10;
        let befallen = |number: usize| Befallen {
            name: &"abcdefghijklmnopqrstuvwxyz"[number % 26..=number % 26],
            at_s: number as f64 * 10.7,
            lasted: Duration::from_secs(4),
            well: Ok(Duration::ZERO),
            black: Duration::ZERO,
        };
        short.befallen = (0..56).map(befallen).collect();
        short
    }

    #[test]
    fn in_ten_minutes_spare_pictures_pass_and_a_leak_in_each_fault_does_not() {
        // What a run without MediaMTX had, every 15 s: 28 November 2026, load 13.
        let seen = [
            29.3, 36.0, 35.1, 31.7, 33.3, 32.0, 32.0, 35.7, 35.7, 35.5, 32.0, 32.5, 32.7, 32.9,
            33.1, 33.2, 36.9, 42.4, 39.0, 42.5, 42.5, 42.5, 42.5, 38.8, 38.8, 41.5, 35.3, 35.3,
            38.9, 38.9, 35.4, 35.3, 35.3, 38.8, 38.6, 38.7, 39.0, 39.0, 36.8, 35.5,
        ];
        let at = |s: f64| ((s / 15.0) as usize).min(39);
        let as_seen = |s: f64| seen[at(s)];
        assert_eq!(faults(&short(as_seen)), Vec::<String>::new());
        // The same upside down, its worst for the judgement.
        let back = |s: f64| seen[39 - at(s)];
        assert_eq!(faults(&short(back)), Vec::<String>::new());
        for leak in [
            faults(&short(|s| as_seen(s) + 0.5 * (s / 10.7).floor())),
            faults(&short(|s| 35.0 + s / 60.0 * 3.0)),
        ] {
            assert!(leak.iter().any(|l| l.contains("memory grew")), "{leak:?}");
        }
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
