//! The system's allocator, set so that a show's memory stays flat for hours.
//!
//! No thread. glibc gives each thread an arena (8 for each core), and raises the size from which on
//! memory comes straight from the system (and goes back to it) to the largest that was ever let go.
//! From then on pictures come from those arenas, between which freed memory cannot move: a console
//! whose picture changed its size six times held 21 MiB that nothing used, and each further thread
//! that touches pictures adds to it. So that size is fixed: a picture's memory is the system's again
//! as soon as it is let go. Pictures are pooled, so that a running show asks for none.

/// From this size on memory comes straight from the system: less than any picture (320x180 in I420
/// has 86 KiB and is not worth it), more than the access units.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FROM_THE_SYSTEM: std::ffi::c_int = 256 * 1024;

/// Sets the allocator. To be called once, before other threads run. Does nothing where the allocator is
/// not glibc's.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn glibc() {
    // SAFETY: mallopt(3) takes two numbers and may be called at any time.
    let taken = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, FROM_THE_SYSTEM) };
    if taken != 1 {
        tracing::info!("the allocator keeps its own way with large memory");
    }
}
