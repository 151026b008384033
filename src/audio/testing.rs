//! Measuring sound in tests: pitch, steps, tones. Tests only.

use super::CHANNELS;

/// `frames` frames of a sine on both channels, phase as at frame `from` of an endless one.
pub fn sine(hz: f64, rate: u32, amplitude: f32, from: u64, frames: usize) -> Vec<f32> {
    (0..frames as u64)
        .flat_map(|k| {
            let turns = (from + k) as f64 * hz / f64::from(rate);
            let sample = amplitude * (turns.fract() * std::f64::consts::TAU).sin() as f32;
            [sample; CHANNELS]
        })
        .collect()
}

/// One channel of an interleaved stereo signal.
pub fn channel(interleaved: &[i16], channel: usize) -> Vec<f64> {
    interleaved
        .chunks_exact(CHANNELS)
        .map(|frame| f64::from(frame[channel]) / 32_768.0)
        .collect()
}

/// Pitch of a clean tone in Hz, from the first to the last upward zero crossing.
pub fn pitch(signal: &[f64], rate: u32) -> f64 {
    let crossings: Vec<f64> = signal
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(k, w)| k as f64 + w[0] / (w[0] - w[1]))
        .collect();
    assert!(crossings.len() > 2, "no tone");
    let span = crossings[crossings.len() - 1] - crossings[0];
    (crossings.len() - 1) as f64 * f64::from(rate) / span
}

/// Largest second difference from sample to sample: a tone's own is small, a click's is large.
pub fn roughness(signal: &[f64]) -> f64 {
    signal
        .windows(3)
        .map(|w| (w[0] - 2.0 * w[1] + w[2]).abs())
        .fold(0.0, f64::max)
}
