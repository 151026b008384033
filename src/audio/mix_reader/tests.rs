//! Tests of the mix.

use super::super::Timeline;
use super::super::testing::{channel, pitch, roughness, sine};
use super::*;
use proptest::prelude::*;

const CHUNK: usize = 480;

fn time_of(index: u64) -> MonoTime {
    MonoTime::from_micros((index * 1_000_000).div_ceil(u64::from(SAMPLE_RATE)))
}

/// An input that plays a tone whose phase belongs to the timeline's index.
struct Player {
    timeline: Timeline,
    strip: Arc<Strip>,
    hz: f64,
    peak: f32,
}

impl Player {
    fn new(hz: f64, peak: f32) -> Self {
        let timeline = Timeline::new();
        Self {
            strip: Strip::new(timeline.clone()),
            timeline,
            hz,
            peak,
        }
    }

    fn push(&self, at: u64) {
        let chunk = sine(self.hz, SAMPLE_RATE, self.peak, at, CHUNK);
        self.timeline.push(time_of(at), &chunk);
    }
}

/// From here on: two seconds after the clock's zero, so that any delay has a past.
const BEGIN: u64 = 96_000;

/// Runs `chunks` of 10 ms, 40 ms behind the players; `turn` moves the controls before each.
fn heard(
    players: &[&Player],
    mixer: &Mixer,
    chunks: u64,
    mut turn: impl FnMut(u64),
) -> (Vec<f64>, MixReader) {
    let mut reader = mixer.reader();
    let mut all = Vec::new();
    let lead = 100 + 4;
    for k in 0..chunks + lead {
        for player in players {
            player.push(BEGIN + k * CHUNK as u64);
        }
        if k >= lead {
            turn(k - lead);
            let mut out = vec![0; CHUNK * CHANNELS];
            reader.read(BEGIN + (k - 4) * CHUNK as u64, &mut out);
            all.extend(channel(&out, 1));
        }
    }
    (all, reader)
}

/// Index of the first sample that [`heard`] gives.
const FIRST: u64 = BEGIN + 100 * CHUNK as u64;

/// A tone's peak at `hz`, by correlation.
fn peak_at(signal: &[f64], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (k, sample) in signal.iter().enumerate() {
        let turn = (k as f64 * hz / 48_000.0).fract() * std::f64::consts::TAU;
        re += sample * turn.cos();
        im += sample * turn.sin();
    }
    (re * re + im * im).sqrt() * 2.0 / signal.len() as f64
}

#[test]
fn inputs_are_summed_each_with_its_gain() {
    let (a, b) = (Player::new(500.0, 0.5), Player::new(1_250.0, 0.2));
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone(), b.strip.clone()]);
    b.strip.set(-6.0, false, 0);
    let (out, reader) = heard(&[&a, &b], &mixer, 100, |_| {});
    let steady = &out[4_800..43_200];
    assert!((peak_at(steady, 500.0) - 0.5).abs() < 1e-3);
    assert!((peak_at(steady, 1_250.0) - 0.2 * 0.501_187).abs() < 1e-3);
    assert_eq!(reader.limited_frames(), 0);
}

#[test]
fn one_input_at_0_db_passes_to_the_bit() {
    let a = Player::new(997.0, 0.9);
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone()]);
    let (out, _) = heard(&[&a], &mixer, 50, |_| {});
    let mut alone = vec![0; out.len() * CHANNELS];
    a.timeline.read(FIRST, &mut alone);
    assert!(out[144..] == channel(&alone, 1)[144..]);
}

/// B12: one input dies, the other is not disturbed by a single bit.
#[test]
fn b12_a_dead_input_does_not_disturb_the_others() {
    let (a, b) = (Player::new(440.0, 0.25), Player::new(1_000.0, 0.25));
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone(), b.strip.clone()]);
    let mut reader = mixer.reader();
    let mut all = Vec::new();
    for k in 0..400_u64 {
        a.push(BEGIN + k * CHUNK as u64);
        // Gone between 1 s and 3 s.
        if !(100..300).contains(&k) {
            b.push(BEGIN + k * CHUNK as u64);
        }
        if k >= 4 {
            let mut out = vec![0; CHUNK * CHANNELS];
            reader.read(BEGIN + (k - 4) * CHUNK as u64, &mut out);
            all.extend(channel(&out, 0));
        }
    }
    let mut alone = vec![0; 46_000 * CHANNELS];
    a.timeline.read(BEGIN + 97_000, &mut alone);
    assert!(all[97_000..143_000] == channel(&alone, 0)[..]);
    // (2 pi f / 48000)^2 * 0.25 of both together, and the fades' own.
    assert!(roughness(&all) < 0.02, "click: {}", roughness(&all));
    assert!((peak_at(&all[24_000..43_200], 1_000.0) - 0.25).abs() < 1e-3);
    assert!((peak_at(&all[148_800..187_200], 1_000.0) - 0.25).abs() < 1e-3);
}

#[test]
fn gain_mute_and_delay_move_without_a_click_and_arrive() {
    let a = Player::new(440.0, 0.2);
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone()]);
    let strip = a.strip.clone();
    let (out, _) = heard(&[&a], &mixer, 600, |k| match k {
        50 => strip.set(6.0, false, 0),
        100 => strip.set(-60.0, false, 0),
        150 => strip.set(-12.0, false, 0),
        200 => strip.set(0.0, true, 0),
        250 => strip.set(0.0, false, 0),
        300 => strip.set(0.0, false, 1_000),
        400 => strip.set(0.0, false, 137),
        // While that fade is not through.
        401 => strip.set(0.0, false, 0),
        _ => {}
    });
    assert!(roughness(&out) < 0.003, "click: {}", roughness(&out));
    let part = |from: u64, to: u64| {
        let at = |k: u64| (k * CHUNK as u64) as usize;
        &out[at(from)..at(to)]
    };
    for (from, to, peak) in [
        (10, 50, 0.2),
        (60, 100, 0.2 * 1.995_262),
        (110, 150, 0.0),
        (160, 200, 0.2 * 0.251_189),
        (210, 250, 0.0),
        (260, 300, 0.2),
    ] {
        let got = peak_at(part(from, to), 440.0);
        assert!((got - peak).abs() < 1e-3, "{from}..{to}: {got} for {peak}");
    }
    // Off is silence, not quiet.
    assert!(part(110, 150).iter().all(|s| *s == 0.0));
    // Delayed by exactly 1 s, 0 s: the phase tells.
    for (from, to, delay) in [(310_u64, 390, 48_000), (410, 590, 0)] {
        let first = FIRST + from * CHUNK as u64 - delay;
        let wanted = sine(440.0, SAMPLE_RATE, 0.2, first, part(from, to).len());
        for (got, wanted) in part(from, to).iter().zip(wanted.iter().step_by(2)) {
            assert!((got - f64::from(*wanted)).abs() < 1e-3);
        }
    }
}

#[test]
fn inputs_come_and_go_while_others_play_on() {
    let (a, b) = (Player::new(440.0, 0.25), Player::new(1_000.0, 0.25));
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone()]);
    let (out, mut reader) = heard(&[&a, &b], &mixer, 200, |k| match k {
        50 => mixer.set_strips(vec![b.strip.clone(), a.strip.clone()]),
        100 => mixer.set_strips(vec![a.strip.clone()]),
        _ => {}
    });
    assert!(roughness(&out) < 0.006, "click: {}", roughness(&out));
    assert!(peak_at(&out[4_800..24_000], 1_000.0) < 1e-4);
    assert!((peak_at(&out[28_800..48_000], 1_000.0) - 0.25).abs() < 1e-3);
    assert!(peak_at(&out[57_600..96_000], 1_000.0) < 1e-4);
    for part in [&out[4_800..24_000], &out[28_800..48_000], &out[57_600..]] {
        assert!((peak_at(part, 440.0) - 0.25).abs() < 1e-3);
    }
    assert_eq!(reader.input_levels(MonoTime::ZERO).len(), 1);
    assert_eq!(reader.taps.len(), 1, "who left is forgotten");
}

#[test]
fn a_sum_too_loud_is_limited_counted_and_marked() {
    let (a, b) = (Player::new(500.0, 0.8), Player::new(510.0, 0.8));
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone(), b.strip.clone()]);
    let (out, reader) = heard(&[&a, &b], &mixer, 100, |_| {});
    assert!(reader.limited_frames() > 100);
    assert!(out.iter().all(|s| s.abs() <= 1.0));
    assert!(out.iter().any(|s| s.abs() > 0.999), "it is not turned down");
    // Wrapped around, a step would be 2.
    let step = out
        .windows(2)
        .fold(0.0_f64, |m, w| m.max((w[1] - w[0]).abs()));
    assert!(step < 0.15, "{step}");
    let mut meter = mixer.reader();
    let end = FIRST + 9_600;
    meter.meter(FIRST, 9_600, time_of(end));
    assert!(meter.level(time_of(end)).clipped);
    let inputs = meter.input_levels(time_of(end));
    assert_eq!(inputs.len(), 2);
    for level in inputs {
        assert!((level.peak_dbfs[0] - 20.0 * 0.8_f32.log10()).abs() < 0.1);
        assert!(!level.clipped);
    }
}

#[test]
fn mute_of_the_whole_is_no_click() {
    let a = Player::new(440.0, 0.5);
    let mixer = Mixer::new();
    mixer.set_strips(vec![a.strip.clone()]);
    let mut reader = mixer.reader();
    let mut all = Vec::new();
    for k in 0..120_u64 {
        a.push(BEGIN + k * CHUNK as u64);
        if k >= 4 {
            reader.set_muted((40..80).contains(&k));
            let mut out = vec![0; CHUNK * CHANNELS];
            reader.read(BEGIN + (k - 4) * CHUNK as u64, &mut out);
            all.extend(channel(&out, 0));
        }
    }
    // The first sample is no zero: the timeline's own fade-in of 3 ms, 0.0035.
    assert!(roughness(&all) < 0.01, "click: {}", roughness(&all));
    assert!(all[38 * CHUNK..75 * CHUNK].iter().all(|s| *s == 0.0));
    let hz = pitch(&all[80 * CHUNK..], SAMPLE_RATE);
    assert!((hz - 440.0).abs() < 0.1, "{hz}");
}

#[test]
fn a_mix_of_nothing_is_silence() {
    let mut reader = Mixer::new().reader();
    let mut out = [7; 480];
    reader.read(1_000, &mut out);
    assert_eq!(out, [0; 480]);
}

proptest! {
    /// Whatever is turned, and however the ranges are cut, a tone never clicks.
    #[test]
    fn no_turn_of_the_controls_is_a_click(
        turns in prop::collection::vec((-70.0_f32..20.0, any::<bool>(), 0_u32..1_200), 1..40),
        cut in 1_usize..900,
    ) {
        let a = Player::new(440.0, 0.2);
        let mixer = Mixer::new();
        mixer.set_strips(vec![a.strip.clone()]);
        let mut reader = mixer.reader();
        let mut next = FIRST;
        let mut all = Vec::new();
        for k in 0..140 + 2 * turns.len() as u64 {
            a.push(BEGIN + k * CHUNK as u64);
            let at = BEGIN + k * CHUNK as u64;
            if let Some((gain_db, muted, delay_ms)) = turns.get((k / 2) as usize) {
                a.strip.set(*gain_db, *muted, *delay_ms);
            }
            while next + (cut + 4 * CHUNK) as u64 <= at {
                let mut out = vec![0; cut * CHANNELS];
                reader.read(next, &mut out);
                all.extend(channel(&out, 0));
                next += cut as u64;
            }
        }
        // At +12 dB the tone's own is 0.0026; where a delay leads to before the input's first
        // sample, its fade-in of 3 ms adds 0.0055, twice. A click is 0.2 and more.
        prop_assert!(roughness(&all) < 0.02, "click: {}", roughness(&all));
    }
}
