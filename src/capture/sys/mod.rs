//! What cannot be said in safe Rust: the only place under `capture` where `unsafe` is allowed.

#[cfg(target_os = "macos")]
pub(super) mod macos;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub(super) mod shm;
#[cfg(windows)]
pub(super) mod windows;
