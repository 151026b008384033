//! The mapping shared with the X server.

#[path = "../../../src/capture/sys/shm.rs"]
pub mod shm;
