//! A device of the system's through cpal: choosing a format, opening, receiving.
//!
//! A device lives on a thread of its own ("sound-device"), because opening may hang (a sound server
//! that does not answer; Pulse waits for the first samples) and because a cpal stream may not leave
//! its thread on every system. cpal calls back on one more thread, which must not block: it copies
//! into a spare buffer and hands it over a bounded channel without waiting. Where no spare is
//! left (the console stood still for more than 16 callbacks) the samples are dropped; their
//! position is still counted, so that what follows is placed rightly.

use super::convert::append_stereo;
use super::hosts::{self, Found, Which};
use super::{AudioError, CHANNELS, SAMPLE_RATE};
use crate::clock::{self, MonoTime};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::thread::JoinHandle;
use std::time::Duration;

/// Wanted callbacks a second, of 10 ms each. Defaults reach 171 ms.
const BUFFERS_A_SECOND: u32 = 100;
/// Buffers between cpal's thread and the input's.
const SPARES: usize = 16;
/// Room in each: a larger callback makes cpal's thread allocate once.
const SPARE_FRAMES: usize = 9_600;
/// How long cpal may wait for a sound server while a stream is made.
const BUILD_TIMEOUT: Duration = Duration::from_secs(2);

/// Stereo samples at the device's rate.
#[derive(Debug)]
pub struct Chunk {
    /// When the callback came.
    pub arrived: MonoTime,
    /// Sample frames that the device gave before these, since it was opened.
    pub position: u64,
    /// How long before the callback the first of them was captured, as the system says.
    pub captured_ago: Duration,
    /// Interleaved stereo, full scale 1.0.
    pub stereo: Vec<f32>,
}

/// What is open, as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The sound system: PipeWire, PulseAudio, ALSA, WASAPI, CoreAudio.
    pub host: &'static str,
    /// Sample rate of the device, Hz.
    pub rate_hz: u32,
    /// Its channels.
    pub channels: u16,
    /// Sample frames a callback: the largest within the last second or two, and so what the device
    /// really does, not what it was asked for. 0 until the first.
    pub buffer_frames: u32,
    /// By how much its sound is placed late, ms: callbacks of more than some 20 ms come too late to
    /// be sent at their own time, and would leave gaps.
    pub late_ms: u32,
}

impl Format {
    /// A callback's length, ms.
    pub fn buffer_ms(&self) -> f64 {
        f64::from(self.buffer_frames) * 1_000.0 / f64::from(self.rate_hz.max(1))
    }
}

/// What a device tells.
#[derive(Debug)]
pub enum Event {
    /// It is open and about to give sound.
    Opened {
        /// What the system calls it.
        label: String,
        /// How it is open.
        format: Format,
        /// It gives nothing while nothing plays, which is no fault.
        pauses: bool,
    },
    /// Sound.
    Sound(Chunk),
    /// It lost samples; it goes on.
    LostSamples,
    /// It does not work, or no longer.
    Failed(AudioError),
}

/// A device that is being opened or open. Dropping `close` closes it.
pub struct Opening {
    /// What it tells.
    pub events: Receiver<Event>,
    /// Where used buffers go back.
    pub spare: Sender<Vec<f32>>,
    /// Held as long as the device shall stay open.
    pub close: Sender<()>,
    /// Ends once the device is closed.
    pub thread: JoinHandle<()>,
}

/// Begins to open a device.
///
/// # Errors
/// Where no thread can be started. What the device itself says comes as an [`Event`].
pub fn open(which: &Which) -> Result<Opening, AudioError> {
    let (event_tx, events) = bounded(SPARES + 8);
    let (spare, spare_rx) = bounded(SPARES);
    for _ in 0..SPARES {
        let _ = spare.try_send(Vec::with_capacity(SPARE_FRAMES * CHANNELS));
    }
    let (close, closed) = bounded::<()>(0);
    let which = which.clone();
    let spare_tx = spare.clone();
    let thread = std::thread::Builder::new()
        .name("sound-device".into())
        .spawn(move || {
            let _quiet = hosts::quiet();
            let wire = Wire {
                host: "",
                events: event_tx,
                spare_rx,
                spare_tx,
            };
            let events = wire.events.clone();
            match start(&which, wire) {
                Ok(stream) => {
                    // Returns when the other end is dropped.
                    let _ = closed.recv();
                    drop(stream);
                }
                Err(error) => {
                    let _ = events.try_send(Event::Failed(error));
                }
            }
        })
        .map_err(|e| AudioError::Device(format!("no thread for it: {e}")))?;
    Ok(Opening {
        events,
        spare,
        close,
        thread,
    })
}

struct Wire {
    /// The sound system's name, once it is known.
    host: &'static str,
    events: Sender<Event>,
    spare_rx: Receiver<Vec<f32>>,
    spare_tx: Sender<Vec<f32>>,
}

/// Opens, says so, and starts. The stream stops when it is dropped.
fn start(which: &Which, mut wire: Wire) -> Result<cpal::Stream, AudioError> {
    let Found {
        device,
        host,
        label,
        output,
        channels,
    } = hosts::find(which)?;
    wire.host = host;
    let failed = |e: cpal::Error| match e.kind() {
        cpal::ErrorKind::DeviceNotAvailable | cpal::ErrorKind::HostUnavailable => {
            AudioError::NoDevice(which.to_string())
        }
        _ => AudioError::Device(e.to_string()),
    };
    let chosen = if output {
        // A loopback gives the output's own format and no other.
        None
    } else {
        let ranges: Vec<_> = device.supported_input_configs().map_err(failed)?.collect();
        choose(&ranges)
    };
    let (mut config, format) = match chosen {
        Some(chosen) => chosen,
        None => {
            let default = if output {
                device.default_output_config()
            } else {
                device.default_input_config()
            };
            let default = default.map_err(failed)?;
            let mut config = default.config();
            config.buffer_size = fixed_buffer(default.buffer_size(), config.sample_rate);
            (config, default.sample_format())
        }
    };
    if let Some(channels) = channels {
        config.channels = channels;
    }
    if let (BufferSize::Fixed(frames), "PipeWire") = (config.buffer_size, host) {
        // It takes the power of two below, and half of 10 ms is twice the wakeups.
        config.buffer_size = BufferSize::Fixed(frames.next_power_of_two());
    }
    let stream = match build(&device, config, format, &wire) {
        Ok(stream) => stream,
        Err(_) => {
            config.buffer_size = BufferSize::Default;
            build(&device, config, format, &wire).map_err(failed)?
        }
    };
    let _ = wire.events.try_send(Event::Opened {
        label,
        format: Format {
            host,
            rate_hz: config.sample_rate,
            channels: config.channels,
            buffer_frames: 0,
            late_ms: 0,
        },
        pauses: output,
    });
    stream.play().map_err(failed)?;
    Ok(stream)
}

/// The best of a device's formats at 48 kHz: stereo before mono before more channels, float before
/// integers. None where it has no 48 kHz: its own default is best then.
pub fn choose(ranges: &[SupportedStreamConfigRange]) -> Option<(StreamConfig, SampleFormat)> {
    let by_channels = |channels: u16| match channels {
        2 => 0,
        1 => 1,
        more => more,
    };
    let by_format = |format| match format {
        SampleFormat::F32 => 0,
        SampleFormat::I16 => 1,
        SampleFormat::I32 | SampleFormat::I24 => 2,
        _ => 3,
    };
    ranges
        .iter()
        .filter(|r| (r.min_sample_rate()..=r.max_sample_rate()).contains(&SAMPLE_RATE))
        .filter(|r| !r.sample_format().is_dsd() && r.channels() > 0)
        .min_by_key(|r| (by_channels(r.channels()), by_format(r.sample_format())))
        .map(|r| {
            let config = StreamConfig {
                channels: r.channels(),
                sample_rate: SAMPLE_RATE,
                buffer_size: fixed_buffer(r.buffer_size(), SAMPLE_RATE),
            };
            (config, r.sample_format())
        })
}

/// 10 ms at `rate`, or what the device allows next to it.
fn fixed_buffer(allowed: &SupportedBufferSize, rate: u32) -> BufferSize {
    let wanted = (rate / BUFFERS_A_SECOND).max(1);
    BufferSize::Fixed(match *allowed {
        SupportedBufferSize::Range { min, max } if min <= max => wanted.clamp(min, max),
        _ => wanted,
    })
}

fn build(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    wire: &Wire,
) -> Result<cpal::Stream, cpal::Error> {
    match format {
        SampleFormat::I8 => build_as::<i8>(device, config, wire),
        SampleFormat::I16 => build_as::<i16>(device, config, wire),
        SampleFormat::I24 => build_as::<cpal::I24>(device, config, wire),
        SampleFormat::I32 => build_as::<i32>(device, config, wire),
        SampleFormat::I64 => build_as::<i64>(device, config, wire),
        SampleFormat::U8 => build_as::<u8>(device, config, wire),
        SampleFormat::U16 => build_as::<u16>(device, config, wire),
        SampleFormat::U24 => build_as::<cpal::U24>(device, config, wire),
        SampleFormat::U32 => build_as::<u32>(device, config, wire),
        SampleFormat::U64 => build_as::<u64>(device, config, wire),
        SampleFormat::F32 => build_as::<f32>(device, config, wire),
        SampleFormat::F64 => build_as::<f64>(device, config, wire),
        _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_as<T>(
    device: &cpal::Device,
    config: StreamConfig,
    wire: &Wire,
) -> Result<cpal::Stream, cpal::Error>
where
    T: cpal::SizedSample,
    f32: cpal::FromSample<T>,
{
    let channels = usize::from(config.channels);
    let events = wire.events.clone();
    let (spare_rx, spare_tx) = (wire.spare_rx.clone(), wire.spare_tx.clone());
    let mut position = 0;
    let on_sound = move |samples: &[T], info: &cpal::InputCallbackInfo| {
        let arrived = clock::now();
        let times = info.timestamp();
        match spare_rx.try_recv() {
            Ok(mut stereo) => {
                stereo.clear();
                append_stereo(samples, channels, &mut stereo);
                let event = Event::Sound(Chunk {
                    arrived,
                    position,
                    captured_ago: times.callback.saturating_duration_since(times.capture),
                    stereo,
                });
                if let Err(refused) = events.try_send(event)
                    && let Event::Sound(chunk) = refused.into_inner()
                {
                    let _ = spare_tx.try_send(chunk.stereo);
                }
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        position += (samples.len() / channels.max(1)) as u64;
    };
    let (events, host) = (wire.events.clone(), wire.host);
    let on_error = move |error: cpal::Error| {
        let event = match error.kind() {
            cpal::ErrorKind::Xrun => Event::LostSamples,
            // PipeWire's new default may have other channels; elsewhere the stream goes on.
            cpal::ErrorKind::DeviceChanged if host == "PipeWire" => {
                Event::Failed(AudioError::Device("the default device changed".into()))
            }
            cpal::ErrorKind::DeviceChanged | cpal::ErrorKind::RealtimeDenied => return,
            _ => Event::Failed(AudioError::Device(error.to_string())),
        };
        let _ = events.try_send(event);
    };
    device.build_input_stream::<T, _, _>(config, on_sound, on_error, Some(BUILD_TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(
        channels: u16,
        min: u32,
        max: u32,
        format: SampleFormat,
    ) -> SupportedStreamConfigRange {
        let buffer = SupportedBufferSize::Range {
            min: 512,
            max: 4_096,
        };
        SupportedStreamConfigRange::new(channels, min, max, buffer, format)
    }

    #[test]
    fn stereo_float_at_48_khz_is_chosen_where_there_is_one() {
        let ranges = [
            range(8, 8_000, 192_000, SampleFormat::F32),
            range(1, 48_000, 48_000, SampleFormat::F32),
            range(2, 44_100, 44_100, SampleFormat::F32),
            range(2, 8_000, 96_000, SampleFormat::I32),
            range(2, 8_000, 96_000, SampleFormat::I16),
        ];
        let (config, format) = choose(&ranges).unwrap();
        assert_eq!((config.channels, config.sample_rate), (2, 48_000));
        assert_eq!(format, SampleFormat::I16);
        // 480 is not allowed by this device: its smallest.
        assert_eq!(config.buffer_size, BufferSize::Fixed(512));
        let (config, _) = choose(&ranges[..3]).unwrap();
        assert_eq!(config.channels, 1);
        assert!(choose(&ranges[2..3]).is_none());
    }
}
