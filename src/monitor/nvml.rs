//! NVIDIA's management library: the one source that tells of the encoder's load and sessions.
//!
//! Runs on its caller's thread (`pd-gpu`, the doctor). The library comes with the driver and is
//! loaded at run time; where it is missing there are no NVIDIA figures, and it is looked for again
//! after [`LOOK_AGAIN`] only.

use super::gpu::{Gpu, Seen, Slot};
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::{Device, Nvml};
use std::time::{Duration, Instant};

/// A driver may be installed while the console runs.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Names of the library: the plain one is a developer's link that most systems lack.
const LIBRARIES: &[&str] = if cfg!(windows) {
    &["nvml.dll"]
} else {
    &["libnvidia-ml.so.1", "libnvidia-ml.so"]
};

/// The library, where there is one.
#[derive(Default)]
pub struct Nvidia {
    nvml: Option<Nvml>,
    missing_since: Option<Instant>,
}

impl Nvidia {
    /// All cards of NVIDIA's driver; none without the library.
    pub(super) fn read(&mut self) -> Vec<Seen> {
        if self.nvml.is_none() {
            if self
                .missing_since
                .is_some_and(|at| at.elapsed() < LOOK_AGAIN)
            {
                return Vec::new();
            }
            self.nvml = load();
            self.missing_since = self.nvml.is_none().then(Instant::now);
        }
        let Some(nvml) = &self.nvml else {
            return Vec::new();
        };
        let driver = nvml.sys_driver_version().ok();
        let count = nvml.device_count().unwrap_or_default();
        let seen: Vec<_> = (0..count)
            .filter_map(|index| nvml.device_by_index(index).ok())
            .map(|device| card(&device, driver.as_deref()))
            .collect();
        if seen.is_empty() {
            // The driver was taken away, or updated under us: begin anew.
            self.nvml = None;
            self.missing_since = Some(Instant::now());
        }
        seen
    }
}

fn load() -> Option<Nvml> {
    let found = LIBRARIES
        .iter()
        .map(|name| Nvml::builder().lib_path(name.as_ref()).init());
    for result in found {
        match result {
            Ok(nvml) => return Some(nvml),
            Err(error) => tracing::debug!("no NVIDIA figures: {error}"),
        }
    }
    None
}

fn card(device: &Device<'_>, driver: Option<&str>) -> Seen {
    let slot = device.pci_info().ok();
    let gpu = Gpu {
        name: device.name().unwrap_or_else(|_| "NVIDIA card".into()),
        driver: driver.map(|version| format!("nvidia {version}")),
        load_percent: device.utilization_rates().ok().map(|u| u.gpu as f32),
        memory_bytes: device.memory_info().ok().map(|m| (m.used, m.total)),
        temperature_c: device
            .temperature(TemperatureSensor::Gpu)
            .ok()
            .map(|celsius| celsius as f32),
        encoder_percent: device
            .encoder_utilization()
            .ok()
            .map(|u| u.utilization as f32),
        encoder_sessions: device.encoder_stats().ok().map(|stats| stats.session_count),
    };
    Seen {
        slot: slot.and_then(|info| Slot::parse(&info.bus_id)),
        gpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_looked_for_once_a_minute() {
        let mut nvidia = Nvidia::default();
        let cards = nvidia.read();
        // A machine with the driver has cards, one without has neither.
        assert_eq!(cards.is_empty(), nvidia.nvml.is_none());
        assert_eq!(nvidia.missing_since.is_some(), nvidia.nvml.is_none());
        let since = nvidia.missing_since;
        nvidia.read();
        assert_eq!(nvidia.missing_since, since, "looked for at once again");
    }
}
