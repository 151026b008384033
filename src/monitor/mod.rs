//! What the console costs, and what the machine's graphics cards do.

pub mod cpu;
#[cfg(windows)]
mod cpu_windows;
#[cfg(target_os = "linux")]
mod drm;
pub mod gpu;
#[cfg(any(windows, target_os = "macos"))]
mod gpu_system;
pub mod load;
mod nvml;
pub mod thread_time;
