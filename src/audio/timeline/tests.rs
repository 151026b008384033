//! Tests of the timeline.

use super::super::testing::{channel, pitch, roughness, sine};
use super::*;
use proptest::prelude::*;
use std::time::Duration;

const CHUNK: usize = 480;

fn time_of(index: u64) -> MonoTime {
    // Rounded up, so that index_of() gives `index` again.
    MonoTime::from_micros((index * 1_000_000).div_ceil(u64::from(SAMPLE_RATE)))
}

fn read(timeline: &Timeline, first: u64, frames: usize) -> (Vec<i16>, usize) {
    let mut out = vec![1; frames * CHANNELS];
    let written = timeline.read(first, &mut out);
    (out, written)
}

/// A 440 Hz tone whose phase belongs to the index.
fn tone(first: u64, frames: usize) -> Vec<f32> {
    sine(440.0, SAMPLE_RATE, 0.5, first, frames)
}

/// Twice the second difference of that tone: (2 pi 440 / 48000)^2 * 0.5 = 0.00166, plus rounding
/// to 16 bit. The step of a fade of 3 ms is of the same order; a click is a hundred times more.
const SMOOTH: f64 = 0.012;

#[test]
fn an_index_is_the_clock_in_samples() {
    assert_eq!(index_of(MonoTime::from_micros(1_000_000)), 48_000);
    assert_eq!(index_of(MonoTime::from_micros(20)), 0);
    assert_eq!(index_of(MonoTime::from_micros(21)), 1);
    assert_eq!(index_of(time_of(12_345)), 12_345);
}

#[test]
fn what_nobody_wrote_is_silence() {
    let timeline = Timeline::new();
    let (out, written) = read(&timeline, 1_000, 500);
    assert_eq!(written, 0);
    assert!(out.iter().all(|s| *s == 0));
}

#[test]
fn jittering_chunks_are_joined_without_a_seam() {
    let timeline = Timeline::new();
    for k in 0..100_u64 {
        let jitter = Duration::from_millis([5, 15, 3, 0, 2][k as usize % 5]);
        timeline.push(
            // The first is late by 5 ms, and the mean of all is 5 ms.
            time_of(48_000 + k * CHUNK as u64 - 240) + jitter,
            &tone(k * CHUNK as u64, CHUNK),
        );
    }
    let (out, written) = read(&timeline, 48_000, 100 * CHUNK - FADE_FRAMES);
    assert_eq!(written, 100 * CHUNK - FADE_FRAMES);
    for side in 0..CHANNELS {
        let signal = channel(&out, side);
        assert!((pitch(&signal, SAMPLE_RATE) - 440.0).abs() < 0.5);
        assert!(roughness(&signal) < SMOOTH, "{}", roughness(&signal));
    }
    assert_eq!(timeline.stats().resyncs, 0);
}

#[test]
fn a_late_first_chunk_is_put_right_once() {
    for late_ms in [0_u64, 15] {
        let timeline = Timeline::new();
        for k in 0..200_u64 {
            let at = 48_000 + k * CHUNK as u64;
            // The first late against the rest, or the rest against the first.
            let late = (k == 0) == (late_ms > 0);
            let ms = if late { late_ms.max(10) } else { 0 };
            timeline.push(time_of(at) + Duration::from_millis(ms), &tone(at, CHUNK));
        }
        let first = 48_000 + 4_800;
        let (out, written) = read(&timeline, first, 180 * CHUNK);
        assert!(written >= 180 * CHUNK - 500, "{written}");
        let left = channel(&out, 0);
        assert!(roughness(&left) < SMOOTH, "click: {}", roughness(&left));
        // From 0.6 s on each sample is at its chunks' time.
        let shift = if late_ms == 0 { 480 } else { 0 };
        let expected = tone(first - shift, 180 * CHUNK);
        for k in 60 * CHUNK..180 * CHUNK {
            let wanted = f64::from(expected[k * CHANNELS]);
            assert!((left[k] - wanted).abs() < 1e-3, "late {late_ms}, frame {k}");
        }
        assert_eq!(timeline.stats().resyncs, 0);
    }
}

#[test]
fn loud_and_broken_samples_are_clamped() {
    let timeline = Timeline::new();
    let mut chunk = vec![0.25; CHUNK * CHANNELS];
    chunk[600..606].copy_from_slice(&[3.0, -3.0, f32::NAN, f32::INFINITY, 1.0, -1.0]);
    timeline.push(time_of(4_800), &chunk);
    timeline.push(time_of(4_800 + CHUNK as u64), &chunk);
    let (out, _) = read(&timeline, 4_800 + 299, 5);
    assert_eq!(
        out,
        [
            8192, 8192, 32767, -32768, 0, 32767, 32767, -32768, 8192, 8192
        ]
    );
}

/// B11: a source gives 2 s, stops, begins again at 12 s: silence between, nothing replayed.
#[test]
fn b11_a_source_that_pauses_leaves_silence() {
    let timeline = Timeline::new();
    let mut heard = Vec::new();
    let mut reader = timeline.reader();
    let delay = 4 * CHUNK as u64;
    for k in 0..1_400_u64 {
        let at = k * CHUNK as u64;
        if !(200..1_200).contains(&k) {
            timeline.push(time_of(at), &tone(at, CHUNK));
        }
        if at >= delay {
            let mut out = vec![0; CHUNK * CHANNELS];
            reader.read(at - delay, &mut out);
            heard.extend(out);
        }
    }
    let left = channel(&heard, 0);
    let silence = &left[96_000..576_000];
    assert!(silence.iter().all(|s| *s == 0.0), "something was replayed");
    assert!((pitch(&left[1_000..95_000], SAMPLE_RATE) - 440.0).abs() < 0.1);
    // In sync: the tone's phase belongs to the index, also after the pause.
    let expected = tone(580_000, 1_000);
    for (k, sample) in left[580_000..581_000].iter().enumerate() {
        assert!((sample - f64::from(expected[k * CHANNELS])).abs() < 1e-3);
    }
    assert!(roughness(&left) < SMOOTH, "click: {}", roughness(&left));
    assert_eq!(timeline.stats().resyncs, 1);
    assert_eq!(reader.silent_frames(), 480_000);
}

#[test]
fn a_chunk_that_goes_back_is_faded_over() {
    let timeline = Timeline::new();
    for k in 0..10_u64 {
        let at = 48_000 + k * CHUNK as u64;
        timeline.push(time_of(at), &tone(at, CHUNK));
    }
    // 30 ms back, another phase.
    for k in 0..10_u64 {
        let at = 48_000 + 10 * CHUNK as u64 - 1_440 + k * CHUNK as u64;
        timeline.push(time_of(at), &tone(at + 50, CHUNK));
    }
    let (out, written) = read(&timeline, 48_000 + 200, 17 * CHUNK - 400);
    assert_eq!(written, 17 * CHUNK - 400);
    let rough = roughness(&channel(&out, 0));
    assert!(rough < SMOOTH, "click: {rough}");
}

#[test]
fn no_seam_of_whatever_size_is_a_click() {
    for by in [
        -2_000_i64, -300, -144, -116, -72, -20, -3, -1, 0, 1, 30, 143, 700,
    ] {
        for after_loss in [false, true] {
            let timeline = Timeline::new();
            for k in 0..10_u64 {
                let at = 48_000 + k * CHUNK as u64;
                timeline.push(time_of(at), &tone(at, CHUNK));
            }
            for k in 0..10_u64 {
                let at = (48_000 + (10 + k) * CHUNK as u64).saturating_add_signed(by);
                // Half a wave on: the worst that can follow, where it is a seam.
                let shift = if after_loss || by.abs() > 72 { 55 } else { 0 };
                let phase = match shift {
                    0 => 48_000 + (10 + k) * CHUNK as u64,
                    _ => at + shift,
                };
                let sound = tone(phase, CHUNK);
                match (k, after_loss) {
                    (0, true) => timeline.push_after_loss(time_of(at), &sound),
                    (0, false) => timeline.push_anew(time_of(at), &sound),
                    _ => timeline.push(time_of(at), &sound),
                }
            }
            let mut out = vec![0; 17 * CHUNK * CHANNELS];
            timeline.reader().read(48_000 + 1, &mut out);
            let rough = roughness(&channel(&out, 0)[200..]);
            assert!(rough < 2.0 * SMOOTH, "{by}, {after_loss}: click: {rough}");
        }
    }
}

#[test]
fn what_was_written_ahead_of_its_time_is_taken_back() {
    let timeline = Timeline::new();
    timeline.push(time_of(48_000), &tone(0, 10 * CHUNK));
    // 50 ms back, then a pause of 100 ms.
    timeline.push(time_of(48_000 + 5 * CHUNK as u64), &tone(0, CHUNK));
    let head = 48_000 + 6 * CHUNK as u64;
    assert_eq!(read(&timeline, head, 10 * CHUNK).1, 0);
    timeline.push(time_of(head + 10 * CHUNK as u64), &tone(0, CHUNK));
    assert_eq!(read(&timeline, head, 10 * CHUNK).1, 0);
}

#[test]
fn the_end_before_a_pause_is_faded_for_whoever_reads_it_later() {
    let timeline = Timeline::new();
    timeline.push(time_of(48_000), &[0.5; CHUNK * CHANNELS]);
    let (early, _) = read(&timeline, 48_000, CHUNK);
    timeline.push(time_of(60_000), &[0.5; CHUNK * CHANNELS]);
    let (late, _) = read(&timeline, 48_000, CHUNK);
    assert_eq!(early, late);
    let left = channel(&late, 0);
    assert_eq!(left[CHUNK / 2], 0.5);
    assert!(left[CHUNK - 1] < 0.01);
    assert!(left.windows(2).all(|w| (w[0] - w[1]).abs() < 0.01));
}

#[test]
fn a_reader_ahead_of_a_late_source_hears_no_click() {
    let timeline = Timeline::new();
    let mut reader = timeline.reader();
    let mut heard = vec![0; 0];
    for k in 0..100_u64 {
        let at = k * CHUNK as u64;
        // One chunk is written only after its first half has been asked for.
        let late = k == 50;
        let mut out = vec![0; CHUNK * CHANNELS];
        if !late {
            timeline.push(time_of(at), &tone(at, CHUNK));
        }
        if k > 0 {
            reader.read(at - CHUNK as u64 + 240, &mut out);
            heard.extend(out);
        }
        if late {
            timeline.push(time_of(at), &tone(at, CHUNK));
        }
    }
    let left = channel(&heard, 0);
    assert!(roughness(&left) < SMOOTH, "click: {}", roughness(&left));
    assert_eq!(reader.silent_frames(), 240);
}

/// A device clock off by `ppm` for three minutes, callbacks jittering by up to 4 ms.
fn drifting(ppm: f64) {
    let timeline = Timeline::new();
    let mut reader = timeline.reader();
    let chunks = 180 * 100_u64;
    let mut worst: f64 = 0.0;
    let mut last = [0.0_f64; 2];
    let mut out = vec![0; CHUNK * CHANNELS];
    for k in 0..chunks {
        let device_us = (k as f64 * 10_000.0 * (1.0 - ppm * 1e-6)) as u64;
        let jitter = (k * 7919) % 4_000;
        let first_at = MonoTime::from_micros(1_000_000 + device_us + jitter);
        timeline.push(first_at, &tone(k * CHUNK as u64, CHUNK));
        // The reader follows the system's clock, 50 ms behind.
        let now = index_of(MonoTime::from_micros(1_000_000 + device_us));
        while k > 20 && reader.next().is_none_or(|next| next + 2_400 < now) {
            let first = reader.next().unwrap_or(now - 2_400);
            assert_eq!(reader.read(first, &mut out), CHUNK, "{ppm} ppm, chunk {k}");
            if k > 40 {
                for sample in channel(&out, 0) {
                    worst = worst.max((sample - 2.0 * last[1] + last[0]).abs());
                    last = [last[1], sample];
                }
            } else {
                let left = channel(&out, 0);
                last = [left[CHUNK - 2], left[CHUNK - 1]];
            }
        }
    }
    let stats = timeline.stats();
    assert_eq!(stats.resyncs, 0, "{ppm} ppm: {stats:?}");
    assert!(worst < SMOOTH, "click at {ppm} ppm: {worst}");
    // 180 s of so many ppm, minus what the dead band of 1 ms and the start's jitter keep.
    let wanted = 180.0 * 48_000.0 * ppm * 1e-6;
    let done = stats.left_out as f64 - stats.inserted as f64;
    assert!(
        (done - wanted).abs() < 300.0,
        "{ppm} ppm: {done} of {wanted}"
    );
}

#[test]
fn drift_is_taken_out_without_a_seam() {
    drifting(200.0);
    drifting(-200.0);
    drifting(0.0);
}

proptest! {
    /// Whatever sources do, nothing sounds further than the resync threshold from the time it was
    /// pushed for: no lap of the ring is ever heard again.
    #[test]
    fn nothing_old_is_ever_replayed(
        steps in prop::collection::vec((-30_000_i64..200_000, 1_usize..3_000), 1..40),
        tail in 0_u64..150_000,
    ) {
        let timeline = Timeline::new();
        let mut covered = Vec::new();
        let mut at = 48_000_u64;
        for (gap, frames) in steps {
            // Mostly contiguous, sometimes a jump.
            at = at.saturating_add_signed(if gap < 100_000 { gap % 900 } else { gap });
            timeline.push(time_of(at), &vec![0.5; frames * CHANNELS]);
            covered.push(at..at + frames as u64);
            at += frames as u64;
        }
        let first = (at + tail).saturating_sub(RING_FRAMES as u64 + 48_000);
        let frames = RING_FRAMES + 96_000;
        let (out, written) = read(&timeline, first, frames);
        let slack = RESYNC_FRAMES + 64;
        let mut sounding = 0;
        for (k, frame) in out.chunks_exact(CHANNELS).enumerate() {
            let index = first + k as u64;
            if frame[0] != 0 {
                sounding += 1;
                prop_assert!(
                    covered.iter().any(|c| index + slack >= c.start && index < c.end + slack),
                    "frame {index} sounds"
                );
            }
        }
        prop_assert!(sounding <= written && written <= RING_FRAMES);
        // And what is newest is there (but for its fade-out).
        let newest = timeline.lock().head.unwrap();
        let (_, written) = read(&timeline, newest - 1, 2);
        prop_assert_eq!(written, 1);
    }
}
