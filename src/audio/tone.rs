//! A line-up tone, pushed by the clock.
//!
//! Runs on the sound source's thread. Wakes every 10 ms by absolute deadlines, so the tone's clock
//! is the console's and never drifts. After a stall of more than half a second (suspend) it leaves
//! the missed time silent rather than pushing it in a burst.

use super::timeline::index_of;
use super::{AudioError, AudioSource, CHANNELS, SAMPLE_RATE, Timeline};
use crate::clock::{self, MonoTime};
use crate::stop::StopToken;
use std::time::Duration;

/// Sample frames a push: 10 ms.
const CHUNK_FRAMES: usize = 480;
/// Duration of one push.
const CHUNK: Duration = Duration::from_millis(10);
/// A stall longer than this is left silent.
const MAX_LATE: Duration = Duration::from_millis(500);

/// A sine on both channels.
#[derive(Clone, Debug)]
pub struct ToneSource {
    hz: f64,
    level_dbfs: f64,
    amplitude: f32,
    /// Turns of the phase, 0..1.
    turns: f64,
}

impl ToneSource {
    /// A sine of `hz` whose peak is at `level_dbfs` (0 is full scale).
    pub fn new(hz: f64, level_dbfs: f64) -> Self {
        Self {
            hz,
            level_dbfs,
            amplitude: 10_f64.powf(level_dbfs / 20.0) as f32,
            turns: 0.0,
        }
    }

    /// Fills `out` (interleaved stereo) with the next samples; the phase goes on from call to call.
    pub fn fill(&mut self, out: &mut [f32]) {
        for frame in out.chunks_exact_mut(CHANNELS) {
            let sample = self.amplitude * (self.turns * std::f64::consts::TAU).sin() as f32;
            frame.fill(sample);
            // Reduced each time: a phase counted from the start would lose precision over days.
            self.turns = (self.turns + self.hz / f64::from(SAMPLE_RATE)).fract();
        }
    }
}

impl AudioSource for ToneSource {
    fn label(&self) -> String {
        format!("{} Hz, {} dBFS", self.hz, self.level_dbfs)
    }

    fn run(&mut self, timeline: &Timeline, stop: &StopToken) -> Result<(), AudioError> {
        let mut chunk = vec![0.0; CHUNK_FRAMES * CHANNELS];
        // On a whole millisecond, so that 10 ms are always 480 indexes.
        let mut next = MonoTime::from_micros(clock::now().as_micros() / 1_000 * 1_000);
        debug_assert_eq!(index_of(next + CHUNK) - index_of(next), 480);
        loop {
            // A chunk is pushed when its last sample has "happened", as a device would.
            let due = next + CHUNK;
            let now = clock::now();
            if stop.sleep(due.since(now)) {
                return Ok(());
            }
            if now.since(due) > MAX_LATE {
                let missed = now.since(due).as_millis() as u64 / 10;
                next = next + Duration::from_millis(missed * 10);
            }
            self.fill(&mut chunk);
            timeline.push(next, &chunk);
            next = next + CHUNK;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{channel, pitch, roughness};
    use super::*;

    #[test]
    fn the_phase_goes_on_from_chunk_to_chunk() {
        let mut tone = ToneSource::new(1_000.0, -20.0);
        let mut out = vec![0.0; 48_000 * CHANNELS];
        for chunk in out.chunks_mut(331 * CHANNELS) {
            tone.fill(chunk);
        }
        let left: Vec<f64> = out.iter().step_by(2).map(|s| f64::from(*s)).collect();
        assert!((pitch(&left, SAMPLE_RATE) - 1_000.0).abs() < 0.01);
        let peak = left.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        assert!((20.0 * peak.log10() + 20.0).abs() < 0.01);
        // (2 pi 1000 / 48000)^2 * 0.1 = 0.0017
        assert!(roughness(&left) < 0.0018);
    }

    #[test]
    fn it_runs_by_the_clock_without_a_gap() {
        let timeline = Timeline::new();
        let stop = StopToken::new();
        let started = clock::now();
        std::thread::scope(|scope| {
            let source = scope.spawn(|| ToneSource::new(1_000.0, -20.0).run(&timeline, &stop));
            std::thread::sleep(Duration::from_millis(600));
            stop.stop();
            source.join().unwrap().unwrap();
        });
        let first = index_of(started + Duration::from_millis(50));
        let mut out = vec![0; 400 * 48 * CHANNELS];
        assert_eq!(timeline.read(first, &mut out), 400 * 48);
        let left = channel(&out, 0);
        assert!((pitch(&left, SAMPLE_RATE) - 1_000.0).abs() < 0.1);
        assert_eq!(timeline.stats().resyncs, 0);
    }
}
