//! Measuring a received tone.

/// One channel of interleaved 16-bit stereo, little endian; 1.0 is full scale.
pub fn channel(pcm: &[u8], channel: usize) -> Vec<f64> {
    pcm.chunks_exact(4)
        .map(|f| f64::from(i16::from_le_bytes([f[channel * 2], f[channel * 2 + 1]])) / 32_768.0)
        .collect()
}

/// Peak of a sine in dBFS from its mean power: one wrong sample does not decide.
pub fn sine_peak_dbfs(signal: &[f64]) -> f64 {
    let power = signal.iter().map(|s| s * s).sum::<f64>() / signal.len() as f64;
    10.0 * (2.0 * power).log10()
}

/// Peaks of each 5 ms in dBFS: a gap is quiet, a click is loud.
pub fn peaks_dbfs(signal: &[f64], rate: usize) -> Vec<f64> {
    let parts = signal.chunks_exact(rate / 200);
    parts
        .map(|part| {
            let peak = part.iter().fold(0.0_f64, |peak, s| peak.max(s.abs()));
            20.0 * peak.max(1e-6).log10()
        })
        .collect()
}

/// The phase against a tone of `hz`, turns, from one 10 ms to the next: its steps. A constant step is
/// another pitch (0.01 turns are 1 Hz); a single one is sound lost, made up or repeated.
pub fn phase_steps(signal: &[f64], rate: f64, hz: f64) -> Vec<f64> {
    let size = (rate / 100.0) as usize;
    let phases: Vec<f64> = signal
        .chunks_exact(size)
        .enumerate()
        .map(|(number, part)| {
            let (mut re, mut im) = (0.0, 0.0);
            for (k, sample) in part.iter().enumerate() {
                let turn = ((number * size + k) as f64 * hz / rate).fract() * std::f64::consts::TAU;
                re += sample * turn.cos();
                im -= sample * turn.sin();
            }
            im.atan2(re) / std::f64::consts::TAU
        })
        .collect();
    phases
        .windows(2)
        .map(|pair| (pair[1] - pair[0] + 1.5).rem_euclid(1.0) - 0.5)
        .collect()
}
