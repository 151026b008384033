//! The system's sound systems through cpal: which of them answers, what it has, which device is
//! meant.
//!
//! Linux has three: PipeWire, PulseAudio, ALSA, taken in this order, the first that answers and has
//! something to capture. Called on threads that may hang (see [`super::device`]); keeps nothing.

use super::AudioError;
use cpal::DeviceDescription;
use cpal::traits::{DeviceTrait, HostTrait};
use crossbeam_channel::bounded;
use std::collections::HashMap;
use std::time::Duration;

/// How long the list of inputs may take before it is given up.
const LIST_TIMEOUT: Duration = Duration::from_secs(3);
/// Names the sound system to use on Linux, where the first that answers is not the wanted one:
/// `pipewire`, `pulseaudio` or `alsa`.
pub const HOST_ENV: &str = "PD_CONSOLE_SOUND_HOST";
/// How an output is listed among the inputs (PulseAudio's own words for it).
const MONITOR_OF: &str = "Monitor of ";

/// Which device is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The default input.
    Default,
    /// The input of this name or id.
    Named(String),
    /// What the default output plays.
    System,
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Named(name) => f.write_str(name),
            Self::System => f.write_str("what this machine plays"),
        }
    }
}

/// A device to be opened as an input.
pub(super) struct Found {
    pub(super) device: cpal::Device,
    /// The sound system's name.
    pub(super) host: &'static str,
    /// What the operator calls the device.
    pub(super) label: String,
    /// It is an output: its formats are an output's, and it may pause while nothing plays (WASAPI
    /// gives no callbacks then: "Loopback Recording", Windows Core Audio).
    pub(super) output: bool,
}

/// Names of the system's sound inputs, each of which can be opened; outputs, which can be captured
/// too, as "Monitor of ...". Empty where there are none or the sound system does not answer within
/// 3 s.
pub fn list_inputs() -> Vec<String> {
    let (tx, rx) = bounded(1);
    let spawned = std::thread::Builder::new()
        .name("sound-list".into())
        .spawn(move || {
            let _quiet = quiet();
            let names = named_inputs(&host()).into_iter();
            let _ = tx.try_send(names.map(|(name, ..)| name).collect());
        });
    match spawned {
        Ok(_) => rx.recv_timeout(LIST_TIMEOUT).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Keeps alsa-lib from writing to stderr from this thread, once a second while there is no card.
#[cfg(target_os = "linux")]
pub(super) fn quiet() -> impl Sized {
    alsa::Output::local_error_handler().ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn quiet() -> impl Sized {}

/// The sound system to use now.
#[cfg(target_os = "linux")]
fn host() -> cpal::Host {
    let wanted = std::env::var(HOST_ENV).unwrap_or_default();
    let usable = cpal::ALL_HOSTS
        .iter()
        .filter(|id| wanted.is_empty() || id.name().eq_ignore_ascii_case(&wanted));
    for id in usable {
        // A PipeWire that serves pictures only, beside a PulseAudio for the sound, is common.
        if let Ok(host) = cpal::host_from_id(*id)
            && (id.name() != "PipeWire" || !named_inputs(&host).is_empty())
        {
            return host;
        }
    }
    cpal::default_host()
}

#[cfg(not(target_os = "linux"))]
fn host() -> cpal::Host {
    cpal::default_host()
}

/// What can be captured, with names that tell it apart: the system's name, and its id where two
/// share one; and whether it is an output.
fn named_inputs(host: &cpal::Host) -> Vec<(String, cpal::Device, bool)> {
    let Ok(devices) = host.devices() else {
        return Vec::new();
    };
    let host = host.id().name();
    let devices: Vec<_> = devices
        .filter_map(|device| {
            let id = device.id().ok()?.id().to_owned();
            let name = device.to_string();
            let (name, output) = match role(host, &id, &device) {
                Role::Input => (name, false),
                Role::Output => (format!("{MONITOR_OF}{name}"), true),
                Role::None => return None,
            };
            Some((name, id, device, output))
        })
        .collect();
    let mut count = HashMap::new();
    for (name, ..) in &devices {
        *count.entry(name.clone()).or_insert(0_u32) += 1;
    }
    devices
        .into_iter()
        .map(|(name, id, device, output)| {
            let unique = count.get(&name).is_none_or(|n| *n < 2);
            let name = if unique {
                name
            } else {
                format!("{name} [{id}]")
            };
            (name, device, output)
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    /// An output that can be captured as it is.
    Output,
    /// Of no use here.
    None,
}

fn role(host: &str, id: &str, device: &cpal::Device) -> Role {
    match host {
        "PipeWire" => {
            let description = device.description().ok();
            let stream = description.as_ref().is_none_or(is_stream);
            pipewire_role(
                id,
                stream,
                device.supports_input(),
                device.supports_output(),
            )
        }
        // Its outputs have monitors of their own among its inputs.
        "PulseAudio" if device.supports_input() => Role::Input,
        "ALSA" if device.supports_input() && alsa_is_worth_listing(id) => Role::Input,
        "PulseAudio" | "ALSA" | "JACK" => Role::None,
        // WASAPI and CoreAudio take an output as an input.
        _ if device.supports_input() => Role::Input,
        _ if device.supports_output() => Role::Output,
        _ => Role::None,
    }
}

/// Other programs' streams are listed among PipeWire's devices; what has a driver is none.
fn is_stream(description: &DeviceDescription) -> bool {
    description.driver().is_none()
}

fn pipewire_role(id: &str, stream: bool, input: bool, output: bool) -> Role {
    // cpal's own stand-ins for the defaults.
    let stand_in = ["sink_default", "input_default", "output_default"].contains(&id);
    match (input, output) {
        _ if stream || stand_in => Role::None,
        // cpal lists a sink as both.
        (true, true) => Role::Output,
        (true, false) => Role::Input,
        _ => Role::None,
    }
}

/// ALSA lists rate converters and a null device beside what can be heard.
fn alsa_is_worth_listing(id: &str) -> bool {
    id.contains("CARD=") || ["default", "pulse", "pipewire", "jack"].contains(&id)
}

/// Looks for the device that is meant.
pub(super) fn find(which: &Which) -> Result<Found, AudioError> {
    let host = host();
    let name = host.id().name();
    let missing = || AudioError::NoDevice(which.to_string());
    let (device, label, output) = match which {
        Which::Default => {
            let device = host.default_input_device().ok_or_else(missing)?;
            let label = default_label(name, &device, "default input");
            (device, label, false)
        }
        Which::Named(wanted) => {
            let found = named_inputs(&host).into_iter().find(|(label, device, _)| {
                label == wanted || device.id().is_ok_and(|id| id.id() == wanted)
            });
            let (label, device, output) = found.ok_or_else(missing)?;
            (device, label, output)
        }
        Which::System => system_sound(&host)?,
    };
    Ok(Found {
        device,
        host: name,
        label,
        // PipeWire's and PulseAudio's are inputs like any other.
        output: output && !matches!(name, "PipeWire" | "PulseAudio"),
    })
}

/// The default device's name; PipeWire's stand-in has none of use.
fn default_label(host: &str, device: &cpal::Device, otherwise: &str) -> String {
    if host == "PipeWire" {
        otherwise.to_owned()
    } else {
        device.to_string()
    }
}

/// What the default output plays, as an input.
fn system_sound(host: &cpal::Host) -> Result<(cpal::Device, String, bool), AudioError> {
    let name = host.id().name();
    let missing = || AudioError::NoDevice(Which::System.to_string());
    let by_id = |wanted: &str| {
        let devices = host.devices().ok()?;
        devices
            .into_iter()
            .find(|device| device.supports_input() && device.id().is_ok_and(|id| id.id() == wanted))
    };
    match name {
        // An input on this stand-in follows the default sink.
        "PipeWire" => {
            let device = by_id("sink_default").ok_or_else(missing)?;
            let label = default_label(name, &device, "system sound");
            Ok((device, label, true))
        }
        "PulseAudio" => {
            let sink = host.default_output_device().ok_or_else(missing)?;
            let id = sink.id().map_err(|e| AudioError::Device(e.to_string()))?;
            let device = by_id(&format!("{}.monitor", id.id())).ok_or_else(missing)?;
            let label = device.to_string();
            Ok((device, label, true))
        }
        "ALSA" | "JACK" => Err(AudioError::NoSystemSound(name)),
        _ => {
            let device = host.default_output_device().ok_or_else(missing)?;
            let label = format!("{MONITOR_OF}{device}");
            Ok((device, label, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alsas_converters_are_not_listed() {
        for id in ["null", "lavrate", "samplerate", "speexrate", "upmix"] {
            assert!(!alsa_is_worth_listing(id), "{id}");
        }
        assert!(alsa_is_worth_listing("sysdefault:CARD=PCH"));
        assert!(alsa_is_worth_listing("pulse"));
    }

    #[test]
    fn pipewires_sinks_are_monitors_and_streams_are_nothing() {
        assert_eq!(pipewire_role("pd_null", false, true, true), Role::Output);
        assert_eq!(
            pipewire_role("alsa_input.usb", false, true, false),
            Role::Input
        );
        assert_eq!(
            pipewire_role("input_default", false, true, false),
            Role::None
        );
        assert_eq!(pipewire_role("OBS", true, true, false), Role::None);
        assert_eq!(pipewire_role("pw-cat", true, false, true), Role::None);
    }
}
