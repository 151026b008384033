//! Hours of a show in virtual time: devices whose clocks are off, whose callbacks jitter, stall and
//! burst, that lose samples and are opened anew. What is heard stays in its place, without a click.

use super::super::feed::{Due, Feed};
use super::super::mixer::{Mixer, Strip};
use super::super::timeline::TimelineStats;
use super::*;
use std::collections::VecDeque;

const HZ: f64 = 440.0;
const PEAK: f64 = 0.4;
/// Frames of a callback.
const FRAMES: usize = 480;

/// What goes wrong.
#[derive(Clone, Copy)]
struct Trouble {
    /// Device clock, parts per million fast.
    ppm: f64,
    /// Largest lateness of an ordinary callback, ms.
    jitter_ms: f64,
    /// Seconds between two stalls of up to 300 ms.
    stall_every_s: f64,
    /// Seconds between two losses of up to 400 ms of samples.
    loss_every_s: f64,
    /// Whether losses are reported.
    reported: bool,
    /// Seconds between two losses of the device, of 1 to 4 s.
    reopen_every_s: f64,
}

/// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016.
struct Dice(u64);

impl Dice {
    /// 0..1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About once in so many seconds, asked 100 times a second.
    fn once_in(&mut self, seconds: f64) -> bool {
        self.roll() * seconds * 100.0 < 1.0
    }
}

/// The publisher's side: reads what is due, looks at it.
struct Ear {
    reader: super::super::MixReader,
    feed: Feed,
    last: [f64; 2],
    roughest: f64,
    chunks: u64,
    heard: u64,
    /// What was pushed last: where it ends, frames, and when that was captured, s.
    placed: VecDeque<(u64, f64, bool)>,
    /// Largest distance of what was heard from its true time, ms: at all, and while nothing has
    /// gone wrong for a second.
    worst_ms: f64,
    settled_ms: f64,
}

impl Ear {
    /// Notes that frames up to `head` are those captured until `end`.
    fn placed(&mut self, head: u64, end: f64, settled: bool) {
        // What is written anew is gone.
        while self.placed.back().is_some_and(|(old, ..)| *old >= head) {
            self.placed.pop_back();
        }
        if self.placed.len() == 400 {
            self.placed.pop_front();
        }
        self.placed.push_back((head, end, settled));
    }

    /// Where the frame at `index`, just heard, was captured.
    fn check(&mut self, index: u64) {
        while self.placed.front().is_some_and(|(end, ..)| *end <= index) {
            self.placed.pop_front();
        }
        if let Some((head, end, settled)) = self.placed.front()
            && head - index <= FRAMES as u64
        {
            let off_ms = (*head as f64 / 48_000.0 - end).abs() * 1e3;
            self.worst_ms = self.worst_ms.max(off_ms);
            if *settled {
                self.settled_ms = self.settled_ms.max(off_ms);
            }
        }
    }

    fn listen_until(&mut self, now: MonoTime) {
        let mut out = [0_i16; 240 * CHANNELS];
        while let Some(Due::Chunk(first)) = self.feed.due(now) {
            self.reader.read(first, &mut out);
            self.chunks += 1;
            let heard = out.iter().any(|s| *s != 0);
            self.heard += u64::from(heard);
            if heard {
                self.check(first + 120);
            }
            for frame in out.chunks_exact(CHANNELS) {
                let sample = f64::from(frame[0]);
                let rough = (sample - 2.0 * self.last[1] + self.last[0]).abs();
                self.roughest = self.roughest.max(rough);
                self.last = [self.last[1], sample];
            }
        }
    }
}

struct Outcome {
    /// Largest |place - true time| of what was heard, ms.
    worst_ms: f64,
    /// The same without the first second of an opening and after a loss.
    settled_ms: f64,
    /// Largest second difference, full scale 1.
    roughest: f64,
    /// Share of the chunks that had sound.
    heard: f64,
    openings: u32,
    stats: TimelineStats,
}

/// A stretch of the tone as captured from `t` (seconds) on, `step` seconds a sample.
fn tone(t: f64, step: f64, out: &mut Vec<f32>) {
    out.clear();
    // A turning pointer: a sine a sample would take minutes.
    let (mut sin, mut cos) = ((t * HZ).fract() * std::f64::consts::TAU).sin_cos();
    let (turn_sin, turn_cos) = (step * HZ * std::f64::consts::TAU).sin_cos();
    for _ in 0..FRAMES {
        let sample = (PEAK * sin) as f32;
        out.extend([sample; CHANNELS]);
        (sin, cos) = (
            sin * turn_cos + cos * turn_sin,
            cos * turn_cos - sin * turn_sin,
        );
    }
}

fn run(hours: f64, trouble: Trouble, seed: u64) -> Outcome {
    let timeline = Timeline::new();
    let strip = Strip::new(timeline.clone());
    let mixer = Mixer::new();
    mixer.set_strips(vec![strip]);
    let mut dice = Dice(seed);
    let began_s = 100.0;
    let us = |s: f64| MonoTime::from_micros((s * 1e6) as u64);
    let mut ear = Ear {
        reader: mixer.reader(),
        feed: Feed::new(us(began_s), SOUND_DELAY, 240),
        last: [0.0; 2],
        roughest: 0.0,
        chunks: 0,
        heard: 0,
        placed: VecDeque::new(),
        worst_ms: 0.0,
        settled_ms: 0.0,
    };
    let step = 1.0 / (48_000.0 * (1.0 + trouble.ppm * 1e-6));
    let mut intake = Intake::new(48_000, false).unwrap();
    // True time of the next sample, its number since the opening, when the last callback came.
    let (mut t, mut position, mut arrived) = (began_s, 0_u64, began_s);
    let mut now_s = began_s;
    let (mut held_until, mut unsettled_until) = (0.0_f64, began_s + 1.0);
    let mut outcome = Outcome {
        worst_ms: 0.0,
        settled_ms: 0.0,
        roughest: 0.0,
        heard: 0.0,
        openings: 1,
        stats: TimelineStats::default(),
    };
    let mut chunk = Chunk {
        arrived: MonoTime::ZERO,
        position: 0,
        captured_ago: Duration::ZERO,
        stereo: Vec::new(),
    };
    while t < began_s + hours * 3_600.0 {
        if dice.once_in(trouble.reopen_every_s) {
            t += 1.0 + 3.0 * dice.roll();
            (position, intake) = (0, Intake::new(48_000, false).unwrap());
            (unsettled_until, outcome.openings) = (t + 1.0, outcome.openings + 1);
        } else if dice.once_in(trouble.loss_every_s) {
            let lost = (dice.roll() * 0.4 / step) as u64;
            t += lost as f64 * step;
            unsettled_until = t + 1.0;
            if trouble.reported {
                intake.lost_samples();
            }
        } else if dice.once_in(trouble.stall_every_s) {
            held_until = t + 0.3 * dice.roll();
        }
        tone(t, step, &mut chunk.stereo);
        let end = t + FRAMES as f64 * step;
        let jitter = trouble.jitter_ms * 1e-3 * dice.roll().powi(3);
        // Never before its samples, nor before the callback before.
        arrived = (end + 0.000_2 + jitter)
            .max(arrived + 0.000_05)
            .max(held_until);
        chunk.arrived = us(arrived);
        chunk.position = position;
        // Time goes on while no callback comes.
        while now_s < arrived {
            now_s = (now_s + 0.01).min(arrived);
            ear.listen_until(us(now_s));
        }
        intake.take(&chunk, &timeline).unwrap();
        let head = timeline.head().unwrap();
        ear.placed(head, end, t > unsettled_until);
        t = end;
        position += FRAMES as u64;
    }
    (outcome.worst_ms, outcome.settled_ms) = (ear.worst_ms, ear.settled_ms);
    outcome.roughest = ear.roughest / 32_768.0;
    outcome.heard = ear.heard as f64 / ear.chunks as f64;
    outcome.stats = timeline.stats();
    outcome
}

fn long_run(name: &str, hours: f64, trouble: Trouble) -> Outcome {
    let began = std::time::Instant::now();
    let outcome = run(hours, trouble, 0x9E37_79B9_7F4A_7C15);
    println!(
        "{name}: {hours} h in {:.1} s: worst {:.2} ms, settled {:.2} ms, roughest {:.4}, heard \
         {:.3} %, {} openings, {:?}",
        began.elapsed().as_secs_f64(),
        outcome.worst_ms,
        outcome.settled_ms,
        outcome.roughest,
        100.0 * outcome.heard,
        outcome.openings,
        outcome.stats
    );
    assert!(outcome.worst_ms < 40.0, "{name}: {} ms", outcome.worst_ms);
    if !trouble.reported {
        // Where samples are missing and nobody says so, the tone itself jumps.
        return outcome;
    }
    // The tone's own is 0.0013; the fades of 3 ms add the same again several times; a click is more
    // than 0.1.
    assert!(outcome.roughest < 0.012, "{name}: {}", outcome.roughest);
    outcome
}

const FOUR_HOURS: Trouble = Trouble {
    ppm: 0.0,
    jitter_ms: 8.0,
    stall_every_s: 7.0,
    loss_every_s: 97.0,
    reported: true,
    reopen_every_s: 611.0,
};

#[test]
fn four_hours_of_a_fast_device_stay_in_sync_without_a_click() {
    let trouble = Trouble {
        ppm: 200.0,
        ..FOUR_HOURS
    };
    let outcome = long_run("+200 ppm", 4.0, trouble);
    assert!(outcome.settled_ms < 5.0, "{}", outcome.settled_ms);
    assert!(outcome.heard > 0.97, "{}", outcome.heard);
    assert!(outcome.openings > 10);
}

#[test]
fn an_hour_of_a_slow_device_stay_in_sync_without_a_click() {
    let trouble = Trouble {
        ppm: -200.0,
        ..FOUR_HOURS
    };
    let outcome = long_run("-200 ppm", 1.0, trouble);
    assert!(outcome.settled_ms < 5.0, "{}", outcome.settled_ms);
    assert!(outcome.heard > 0.97, "{}", outcome.heard);
}

#[test]
fn a_healthy_device_off_by_200_ppm_is_never_interrupted() {
    for ppm in [200.0, -200.0] {
        let trouble = Trouble {
            ppm,
            jitter_ms: 8.0,
            stall_every_s: f64::INFINITY,
            loss_every_s: f64::INFINITY,
            reported: true,
            reopen_every_s: f64::INFINITY,
        };
        let outcome = long_run("healthy", 0.5, trouble);
        assert!(outcome.settled_ms < 3.0, "{}", outcome.settled_ms);
        assert!(outcome.heard > 0.999_9, "{}", outcome.heard);
        assert_eq!(outcome.stats.resyncs, 0);
        assert!(outcome.roughest < 0.008);
    }
}

#[test]
fn losses_that_nobody_reports_stay_in_bounds() {
    for ppm in [200.0, -200.0] {
        let trouble = Trouble {
            ppm,
            loss_every_s: 11.0,
            reported: false,
            ..FOUR_HOURS
        };
        let outcome = long_run("unreported", 0.5, trouble);
        assert!(outcome.heard > 0.9, "{}", outcome.heard);
    }
}
