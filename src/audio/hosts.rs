//! The system's sound systems through cpal: which of them answers, what it has, which device is
//! meant.
//!
//! Linux has three: PipeWire, PulseAudio, ALSA, taken in this order, the first that answers and has
//! something to capture. Called on threads that may hang (see [`super::device`]). Keeps one connection
//! to PulseAudio, which all inputs share.

use super::AudioError;
use cpal::DeviceDescription;
use cpal::traits::{DeviceTrait, HostTrait};
use crossbeam_channel::bounded;
use std::collections::HashMap;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::{Mutex, PoisonError};
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
    /// It is an output (Windows, macOS): its formats are an output's, and it may pause while nothing
    /// plays (WASAPI gives no callbacks then: "Loopback Recording", Windows Core Audio). That it is
    /// gone is told by its error callback.
    pub(super) output: bool,
    /// How many channels it has, where its own list of formats does not say.
    pub(super) channels: Option<u16>,
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
fn host() -> Arc<cpal::Host> {
    let wanted = std::env::var(HOST_ENV).unwrap_or_default();
    let usable = cpal::ALL_HOSTS
        .iter()
        .filter(|id| wanted.is_empty() || id.name().eq_ignore_ascii_case(&wanted));
    for id in usable {
        // A PipeWire that serves pictures only, beside a PulseAudio for the sound, is common.
        if let Some(host) = host_of(*id)
            && (id.name() != "PipeWire" || !named_inputs(&host).is_empty())
        {
            return host;
        }
    }
    Arc::new(cpal::default_host())
}

#[cfg(not(target_os = "linux"))]
fn host() -> Arc<cpal::Host> {
    Arc::new(cpal::default_host())
}

/// The connection to PulseAudio. Its thread, socket and megabyte do not end with it (pulseaudio 0.3.2,
/// `Reactor::run`, looks whether it is still wanted only when something comes), but with the server: of
/// one for each try a device that stays away would take all the process' handles in minutes.
#[cfg(target_os = "linux")]
static PULSE: Mutex<Option<Arc<cpal::Host>>> = Mutex::new(None);

/// None where it does not answer.
#[cfg(target_os = "linux")]
fn host_of(id: cpal::HostId) -> Option<Arc<cpal::Host>> {
    if id.name() != "PulseAudio" {
        return cpal::host_from_id(id).ok().map(Arc::new);
    }
    let kept = || PULSE.lock().unwrap_or_else(PoisonError::into_inner);
    let last = kept().clone();
    // Not under the lock: a server that stands still is waited for as long as it does.
    if last.as_ref().is_some_and(|host| host.devices().is_ok()) {
        return last;
    }
    let mut kept = kept();
    let is_same = match (&*kept, &last) {
        (Some(now), Some(last)) => Arc::ptr_eq(now, last),
        (now, _) => now.is_none(),
    };
    if !is_same {
        // Another input has found the server again meanwhile.
        return kept.clone();
    }
    *kept = None;
    let host = Arc::new(cpal::host_from_id(id).ok()?);
    *kept = Some(host.clone());
    Some(host)
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
    let known = |device, label, output| Found {
        device,
        host: name,
        label,
        // PipeWire's and PulseAudio's are inputs like any other.
        output: output && !matches!(name, "PipeWire" | "PulseAudio"),
        channels: None,
    };
    match which {
        Which::Named(wanted) => {
            let found = named_inputs(&host).into_iter().find(|(label, device, _)| {
                label == wanted || device.id().is_ok_and(|id| id.id() == wanted)
            });
            let (label, device, output) = found.ok_or_else(missing)?;
            Ok(known(device, label, output))
        }
        Which::Default | Which::System if name == "PipeWire" => {
            pipewire_default(&host, which).ok_or_else(missing)
        }
        Which::Default => {
            let device = host.default_input_device().ok_or_else(missing)?;
            let label = device.to_string();
            Ok(known(device, label, false))
        }
        Which::System => match name {
            "PulseAudio" => {
                let sink = host.default_output_device().ok_or_else(missing)?;
                let id = sink.id().map_err(|e| AudioError::Device(e.to_string()))?;
                let monitor = format!("{}.monitor", id.id());
                let device = by_id(&host, &monitor).ok_or_else(missing)?;
                let label = device.to_string();
                Ok(known(device, label, false))
            }
            "ALSA" | "JACK" => Err(AudioError::NoSystemSound(name)),
            _ => {
                let device = host.default_output_device().ok_or_else(missing)?;
                let label = format!("{MONITOR_OF}{device}");
                Ok(known(device, label, true))
            }
        },
    }
}

/// The input of this id.
fn by_id(host: &cpal::Host, wanted: &str) -> Option<cpal::Device> {
    let mut devices = host.devices().ok()?;
    devices.find(|device| device.supports_input() && device.id().is_ok_and(|id| id.id() == wanted))
}

/// PipeWire's default, by cpal's stand-in, which follows a change of it, with what the node that it
/// stands for now is called and has: asked for two channels, a node of one would fill the left only.
fn pipewire_default(host: &cpal::Host, which: &Which) -> Option<Found> {
    let (stand_in, otherwise) = match which {
        Which::System => ("sink_default", "what this machine plays"),
        _ => ("input_default", "default input"),
    };
    let node = pipewire_node(which).and_then(|node| by_id(host, &node));
    let label = node.as_ref().map(|node| match node.supports_output() {
        true => format!("{MONITOR_OF}{node}"),
        false => node.to_string(),
    });
    let config = node.and_then(|node| node.default_input_config().ok());
    Some(Found {
        device: by_id(host, stand_in)?,
        host: host.id().name(),
        label: label.unwrap_or_else(|| otherwise.to_owned()),
        output: false,
        channels: config.map(|config| config.channels()),
    })
}

#[cfg(all(target_os = "linux", feature = "pipewire"))]
fn pipewire_node(which: &Which) -> Option<String> {
    let defaults = super::pipewire_default::defaults();
    match which {
        Which::System => defaults.sink,
        _ => defaults.source,
    }
}

#[cfg(not(all(target_os = "linux", feature = "pipewire")))]
fn pipewire_node(_which: &Which) -> Option<String> {
    None
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
