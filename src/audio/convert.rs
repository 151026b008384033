//! Any device's samples to 48 kHz stereo, with the time of the first one kept right.
//!
//! Pure: no device, no clock. Owned by the input's thread; holds less than 4 ms of sound.

use super::{AudioError, CHANNELS, SAMPLE_RATE};
use crate::clock::MonoTime;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};
use std::time::Duration;

/// Sample frames of the device that are resampled at once: few, as they are waited for (2.9 ms at
/// 44.1 kHz).
const BLOCK_FRAMES: usize = 128;
/// Length of the resampling filter, sample frames of the device.
const FILTER_FRAMES: usize = 128;

/// Appends the stereo of a device's interleaved samples to `out`: mono on both sides, of more than
/// two channels the first two.
pub fn append_stereo<T>(samples: &[T], channels: usize, out: &mut Vec<f32>)
where
    T: cpal::Sample,
    f32: cpal::FromSample<T>,
{
    let right = usize::from(channels > 1);
    for frame in samples.chunks_exact(channels.max(1)) {
        out.push(frame[0].to_sample::<f32>());
        out.push(frame[right].to_sample::<f32>());
    }
}

/// Converts a stereo stream of one rate to 48 kHz.
pub struct Converter {
    rate: u32,
    resampler: Option<Async<f32>>,
    /// Frames waiting to make a block.
    pending: Vec<f32>,
    out: Vec<f32>,
}

impl Converter {
    /// For a device of `rate` Hz.
    ///
    /// # Errors
    /// Where the rate is one that cannot be resampled (none between 8 and 384 kHz).
    pub fn new(rate: u32) -> Result<Self, AudioError> {
        let resampler = if rate == SAMPLE_RATE {
            None
        } else {
            let filter =
                SincInterpolationParameters::new(FILTER_FRAMES, WindowFunction::BlackmanHarris2)
                    .oversampling_factor(256)
                    .interpolation(SincInterpolationType::Linear);
            let ratio = f64::from(SAMPLE_RATE) / f64::from(rate);
            let resampler = Async::new_sinc(
                ratio,
                1.0,
                &filter,
                BLOCK_FRAMES,
                CHANNELS,
                FixedAsync::Input,
            )
            .map_err(|e| {
                AudioError::Device(format!("its rate of {rate} Hz cannot be used: {e}"))
            })?;
            Some(resampler)
        };
        Ok(Self {
            rate,
            resampler,
            pending: Vec::with_capacity(2 * BLOCK_FRAMES * CHANNELS),
            out: Vec::with_capacity(4 * SAMPLE_RATE as usize / 100 * CHANNELS),
        })
    }

    /// Takes interleaved stereo whose first frame was captured at `first_at`; gives what is ready
    /// at 48 kHz, which may be nothing, with the capture time of its first frame.
    ///
    /// # Errors
    /// Where the resampler refuses its input, which is a fault of the console.
    pub fn convert(
        &mut self,
        first_at: MonoTime,
        stereo: &[f32],
    ) -> Result<(MonoTime, &[f32]), AudioError> {
        self.out.clear();
        let Some(resampler) = &mut self.resampler else {
            self.out.extend_from_slice(stereo);
            return Ok((first_at, &self.out));
        };
        // What comes out first belongs to what has waited longest, and is late by the filter.
        let waiting = frames_at(self.pending.len() / CHANNELS, self.rate);
        let filter = frames_at(resampler.output_delay(), SAMPLE_RATE);
        let out_at = first_at - waiting - filter;
        self.pending.extend_from_slice(stereo);
        let block = BLOCK_FRAMES * CHANNELS;
        let mut used = 0;
        while self.pending.len() - used >= block {
            let from = self.out.len();
            let room = resampler.output_frames_max();
            self.out.resize(from + room * CHANNELS, 0.0);
            let made = resample(
                resampler,
                &self.pending[used..used + block],
                &mut self.out[from..],
                room,
            )
            .map_err(|e| AudioError::Device(format!("resampling failed: {e}")))?;
            self.out.truncate(from + made * CHANNELS);
            used += block;
        }
        self.pending.drain(..used);
        Ok((out_at, &self.out))
    }
}

/// One block; gives how many frames came out.
fn resample(
    resampler: &mut Async<f32>,
    block: &[f32],
    out: &mut [f32],
    room: usize,
) -> Result<usize, Box<dyn std::error::Error>> {
    let input = InterleavedSlice::new(block, CHANNELS, BLOCK_FRAMES)?;
    let mut output = InterleavedSlice::new_mut(out, CHANNELS, room)?;
    let (_, made) = resampler.process_into_buffer(&input, &mut output, None)?;
    Ok(made)
}

fn frames_at(frames: usize, rate: u32) -> Duration {
    Duration::from_micros(frames as u64 * 1_000_000 / u64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use super::super::Timeline;
    use super::super::testing::{channel, pitch, roughness, sine};
    use super::super::timeline::index_of;
    use super::*;

    /// A device of `rate` and `channels`, 440 Hz, `seconds`, through converter and timeline: the
    /// frames that came out, and the last second as the publisher reads it.
    fn through(rate: u32, channels: usize, seconds: u64) -> (u64, Vec<i16>) {
        let mut converter = Converter::new(rate).unwrap();
        let timeline = Timeline::new();
        let mut made = 0;
        let chunk = rate as usize / 100;
        let mut stereo = Vec::new();
        for k in 0..seconds * 100 {
            let tone = sine(440.0, rate, 0.5, k * chunk as u64, chunk);
            // The first channel carries the tone, channels above the second something else.
            let device: Vec<f32> = tone
                .chunks_exact(2)
                .flat_map(|f| (0..channels).map(move |c| if c < 2 { f[0] } else { 0.9 }))
                .collect();
            stereo.clear();
            append_stereo(&device, channels, &mut stereo);
            let first_at = MonoTime::from_micros(1_000_000 + k * 10_000);
            let (at, out) = converter.convert(first_at, &stereo).unwrap();
            made += out.len() as u64 / 2;
            timeline.push(at, out);
        }
        let end = index_of(MonoTime::from_micros(1_000_000 * (seconds + 1)));
        let mut out = vec![0; 48_000 * 2];
        assert_eq!(timeline.read(end - 48_000 - 960, &mut out), 48_000);
        (made, out)
    }

    #[test]
    fn b13_a_44100_hz_mono_device_keeps_pitch_and_length() {
        let (made, out) = through(44_100, 1, 60);
        assert!(made.abs_diff(60 * 48_000) < 960, "{made} frames of 60 s");
        for side in 0..CHANNELS {
            let signal = channel(&out, side);
            let hz = pitch(&signal, SAMPLE_RATE);
            assert!((hz - 440.0).abs() < 0.05, "{hz} Hz");
            let peak = signal.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            assert!((peak - 0.5).abs() < 0.005, "{peak}");
            assert!(roughness(&signal) < 0.002);
        }
    }

    #[test]
    fn other_rates_and_channel_counts_keep_the_pitch() {
        for (rate, channels) in [
            (48_000, 2),
            (44_100, 8),
            (96_000, 2),
            (16_000, 1),
            (8_000, 1),
        ] {
            let (made, out) = through(rate, channels, 3);
            assert!(made.abs_diff(3 * 48_000) < 960, "{rate}: {made} frames");
            for side in 0..CHANNELS {
                let hz = pitch(&channel(&out, side), SAMPLE_RATE);
                assert!((hz - 440.0).abs() < 0.1, "{rate}: {hz} Hz");
            }
        }
    }

    #[test]
    fn resampled_sound_stays_at_its_time() {
        // Upward zero crossings of the tone fall on multiples of 1/440 s after 1 s.
        let (_, out) = through(44_100, 1, 3);
        let left = channel(&out, 0);
        let first = 4 * 48_000 - 48_000 - 960;
        let expected = sine(440.0, SAMPLE_RATE, 0.5, first - 48_000, 48_000);
        let worst = left
            .iter()
            .zip(expected.iter().step_by(2))
            .map(|(a, b)| (a - f64::from(*b)).abs())
            .fold(0.0, f64::max);
        // One frame off would be 0.029.
        assert!(worst < 0.06, "off by {worst}");
    }

    /// B12: a device that returns with another sample format has the same loudness, in each of those that
    /// a device can be opened with.
    #[test]
    fn b12_each_sample_format_is_as_loud_as_the_other() {
        fn of<T: cpal::Sample + cpal::FromSample<f32>>() -> Vec<f32>
        where
            f32: cpal::FromSample<T>,
        {
            let tone = sine(440.0, SAMPLE_RATE, 0.5, 0, 480);
            let device: Vec<T> = tone.iter().map(|s| T::from_sample(*s)).collect();
            let mut out = Vec::new();
            append_stereo(&device, 2, &mut out);
            out
        }
        let wanted = sine(440.0, SAMPLE_RATE, 0.5, 0, 480);
        for (name, got, step) in [
            ("i8", of::<i8>(), 1.0 / 128.0),
            ("i16", of::<i16>(), 1.0 / 32_768.0),
            ("i24", of::<cpal::I24>(), 1e-6),
            ("i32", of::<i32>(), 1e-6),
            ("i64", of::<i64>(), 1e-6),
            ("u8", of::<u8>(), 1.0 / 128.0),
            ("u16", of::<u16>(), 1.0 / 32_768.0),
            ("u24", of::<cpal::U24>(), 1e-6),
            ("u32", of::<u32>(), 1e-6),
            ("u64", of::<u64>(), 1e-6),
            ("f32", of::<f32>(), 0.0),
            ("f64", of::<f64>(), 1e-6),
        ] {
            assert_eq!(got.len(), wanted.len());
            let worst = got.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst <= step, "{name}: off by {worst}");
        }
    }

    #[test]
    fn integers_become_full_scale_one() {
        let mut out = Vec::new();
        append_stereo(&[i16::MIN, 0, 16_384, -16_384], 2, &mut out);
        append_stereo(&[0_u8, 128], 1, &mut out);
        assert_eq!(out, [-1.0, 0.0, 0.5, -0.5, -1.0, -1.0, 0.0, 0.0]);
    }
}
