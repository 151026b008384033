//! The machine and the programs that a measurement is of.

use crate::doctor;
use crate::ffmpeg::Ffmpeg;
use crate::mediamtx::{Client, locate};
use crate::settings::{Secrets, Settings, TargetKind};
use crate::stop::StopToken;
use serde_json::{Value, json};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The machine, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// The processor's own name, empty where it has none.
    pub cpu: String,
    /// Logical cores that the program may use.
    pub cores: usize,
    /// System and its version.
    pub os: String,
    /// Kernel and its version.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let cpu = System::new_with_specifics(kind);
        Self {
            cpu: cpu
                .ok()
                .and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()))
                .unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            os: System::long_os_version().unwrap_or_default(),
            kernel: System::kernel_long_version().unwrap_or_default(),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "cpu": self.cpu, "cores": self.cores, "os": self.os, "kernel": self.kernel })
    }
}

/// Processes that ran or wanted to, on average over the last minute; None where the system does not tell
/// (Windows).
pub fn load() -> Option<f64> {
    System::load_average()
        .ok()
        .map(|load| load.one)
        .filter(|_| !cfg!(windows))
}

/// The programs' versions; "unknown" where one does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// This program's.
    pub console: String,
    /// ffmpeg's.
    pub ffmpeg: String,
    /// The server's; "none" where there is none.
    pub mediamtx: String,
}

impl Versions {
    /// Of what these settings use.
    pub fn of(settings: &Settings, secrets: &Secrets, ffmpeg: &Ffmpeg, stop: &StopToken) -> Self {
        let target = &settings.target;
        let mediamtx = match target.kind {
            TargetKind::Embedded => match locate(settings.mediamtx_path.as_deref()) {
                Ok(program) => doctor::mediamtx_version(&program, stop).ok(),
                Err(_) => Some("none".into()),
            },
            TargetKind::Srt if target.api_url.is_empty() => None,
            TargetKind::Srt => {
                let client = Client::new(&target.api_url, &target.user, secrets.password_text());
                client.version().ok()
            }
        };
        Self {
            console: env!("CARGO_PKG_VERSION").into(),
            ffmpeg: ffmpeg.capabilities.version_text.clone(),
            mediamtx: mediamtx.unwrap_or_else(|| "unknown".into()),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "pd_console": self.console, "ffmpeg": self.ffmpeg, "mediamtx": self.mediamtx })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_of_itself() {
        let machine = Machine::here();
        assert!(machine.cores > 0);
        assert!(!machine.kernel.is_empty(), "{machine:?}");
        if let Some(load) = load() {
            assert!(load >= 0.0);
        }
    }
}
