//! The system's sound inputs through cpal: listing, choosing a format, opening.
//!
//! A device lives on a thread of its own ("sound-device"), because opening may hang (a sound server
//! that does not answer; Pulse waits for the first samples) and because a cpal stream may not leave
//! its thread on every system. cpal calls back on one more thread, which must not block: it copies
//! into a spare buffer and hands it over a bounded channel without waiting. Where no spare is
//! left (the console stood still for more than 16 callbacks) the samples are dropped; their
//! position is still counted, so that what follows is placed rightly.

use super::convert::append_stereo;
use super::{AudioError, CHANNELS, SAMPLE_RATE};
use crate::clock::{self, MonoTime};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::Duration;

/// Wanted sample frames a callback: 10 ms at 48 kHz. Defaults reach 171 ms.
const BUFFER_FRAMES: u32 = 480;
/// Buffers between cpal's thread and the input's.
const SPARES: usize = 16;
/// Room in each: a larger callback makes cpal's thread allocate once.
const SPARE_FRAMES: usize = 9_600;
/// How long cpal may wait for a sound server while a stream is made.
const BUILD_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the list of inputs may take before it is given up.
const LIST_TIMEOUT: Duration = Duration::from_secs(3);

/// Stereo samples at the device's rate.
#[derive(Debug)]
pub struct Chunk {
    /// When the callback came.
    pub arrived: MonoTime,
    /// Sample frames that the device gave before these, since it was opened.
    pub position: u64,
    /// Interleaved stereo, full scale 1.0.
    pub stereo: Vec<f32>,
}

/// What a device tells.
#[derive(Debug)]
pub enum Event {
    /// It is open and about to give sound.
    Opened {
        /// What the system calls it.
        label: String,
        /// Its sample rate, Hz.
        rate: u32,
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

/// Begins to open the input `name`, or the system's default.
///
/// # Errors
/// Where no thread can be started. What the device itself says comes as an [`Event`].
pub fn open(name: Option<&str>) -> Result<Opening, AudioError> {
    let (event_tx, events) = bounded(SPARES + 8);
    let (spare, spare_rx) = bounded(SPARES);
    for _ in 0..SPARES {
        let _ = spare.try_send(Vec::with_capacity(SPARE_FRAMES * CHANNELS));
    }
    let (close, closed) = bounded::<()>(0);
    let name = name.map(str::to_owned);
    let spare_tx = spare.clone();
    let thread = std::thread::Builder::new()
        .name("sound-device".into())
        .spawn(move || {
            let _quiet = quiet();
            let wire = Wire {
                events: event_tx,
                spare_rx,
                spare_tx,
            };
            let events = wire.events.clone();
            match start(name.as_deref(), wire) {
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

/// Names of the system's sound inputs, each of which can be opened. Empty where there are none or
/// the sound system does not answer within 3 s.
pub fn list_inputs() -> Vec<String> {
    let (tx, rx) = bounded(1);
    let spawned = std::thread::Builder::new()
        .name("sound-list".into())
        .spawn(move || {
            let _quiet = quiet();
            let names = named_inputs(&cpal::default_host());
            let _ = tx.try_send(names.into_iter().map(|(name, _)| name).collect());
        });
    match spawned {
        Ok(_) => rx.recv_timeout(LIST_TIMEOUT).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Keeps alsa-lib from writing to stderr from this thread, once a second while there is no card.
#[cfg(target_os = "linux")]
fn quiet() -> impl Sized {
    alsa::Output::local_error_handler().ok()
}

#[cfg(not(target_os = "linux"))]
fn quiet() -> impl Sized {}

struct Wire {
    events: Sender<Event>,
    spare_rx: Receiver<Vec<f32>>,
    spare_tx: Sender<Vec<f32>>,
}

/// The inputs with names that tell them apart: the system's name, and its id where two share one.
fn named_inputs(host: &cpal::Host) -> Vec<(String, cpal::Device)> {
    let Ok(devices) = host.input_devices() else {
        return Vec::new();
    };
    let devices: Vec<_> = devices
        .filter_map(|device| {
            let id = device.id().ok()?.id().to_owned();
            worth_listing(host.id().name(), &id).then(|| (device.to_string(), id, device))
        })
        .collect();
    let mut count = HashMap::new();
    for (name, ..) in &devices {
        *count.entry(name.clone()).or_insert(0_u32) += 1;
    }
    devices
        .into_iter()
        .map(|(name, id, device)| {
            let unique = count.get(&name).is_none_or(|n| *n < 2);
            let name = if unique {
                name
            } else {
                format!("{name} [{id}]")
            };
            (name, device)
        })
        .collect()
}

/// ALSA lists rate converters and a null device beside what can be heard.
fn worth_listing(host: &str, id: &str) -> bool {
    host != "ALSA" || id.contains("CARD=") || ["default", "pulse", "pipewire", "jack"].contains(&id)
}

fn find(host: &cpal::Host, name: Option<&str>) -> Result<cpal::Device, AudioError> {
    match name {
        None => host
            .default_input_device()
            .ok_or_else(|| AudioError::NoDevice("default".into())),
        Some(name) => named_inputs(host)
            .into_iter()
            .find(|(label, device)| label == name || device.id().is_ok_and(|id| id.id() == name))
            .map(|(_, device)| device)
            .ok_or_else(|| AudioError::NoDevice(name.into())),
    }
}

/// Opens, says so, and starts. The stream stops when it is dropped.
fn start(name: Option<&str>, wire: Wire) -> Result<cpal::Stream, AudioError> {
    let host = cpal::default_host();
    let device = find(&host, name)?;
    let failed = |e: cpal::Error| match e.kind() {
        cpal::ErrorKind::DeviceNotAvailable | cpal::ErrorKind::HostUnavailable => {
            AudioError::NoDevice(name.unwrap_or("default").into())
        }
        _ => AudioError::Device(e.to_string()),
    };
    let ranges: Vec<_> = device.supported_input_configs().map_err(failed)?.collect();
    let (mut config, format) = match choose(&ranges) {
        Some(chosen) => chosen,
        None => {
            let default = device.default_input_config().map_err(failed)?;
            (default.config(), default.sample_format())
        }
    };
    let label = device.to_string();
    let stream = match build(&device, config, format, &wire) {
        Ok(stream) => stream,
        Err(_) => {
            config.buffer_size = BufferSize::Default;
            build(&device, config, format, &wire).map_err(failed)?
        }
    };
    let _ = wire.events.try_send(Event::Opened {
        label,
        rate: config.sample_rate,
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
            let frames = match *r.buffer_size() {
                SupportedBufferSize::Range { min, max } if min <= max => {
                    BUFFER_FRAMES.clamp(min, max)
                }
                _ => BUFFER_FRAMES,
            };
            let config = StreamConfig {
                channels: r.channels(),
                sample_rate: SAMPLE_RATE,
                buffer_size: BufferSize::Fixed(frames),
            };
            (config, r.sample_format())
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
    let on_sound = move |samples: &[T], _: &cpal::InputCallbackInfo| {
        let arrived = clock::now();
        match spare_rx.try_recv() {
            Ok(mut stereo) => {
                stereo.clear();
                append_stereo(samples, channels, &mut stereo);
                let event = Event::Sound(Chunk {
                    arrived,
                    position,
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
    let events = wire.events.clone();
    let on_error = move |error: cpal::Error| {
        let event = match error.kind() {
            cpal::ErrorKind::Xrun => Event::LostSamples,
            // The stream goes on.
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

    #[test]
    fn alsas_converters_are_not_listed() {
        for id in ["null", "lavrate", "samplerate", "speexrate", "upmix"] {
            assert!(!worth_listing("ALSA", id), "{id}");
        }
        assert!(worth_listing("ALSA", "sysdefault:CARD=PCH"));
        assert!(worth_listing("ALSA", "pulse"));
        assert!(worth_listing("PulseAudio", "null.monitor"));
    }
}
