//! The system's allocator, set so that a show's memory stays flat for hours.
//!
//! No thread. glibc as it is shipped does two things that let a show's memory grow:
//! - It raises the size from which on memory comes straight from the system (and goes back to it) to the
//!   largest that was ever let go. From then on pictures come from the heaps, between which freed
//!   memory cannot move: a console whose picture changed its size six times held 21 MiB that nothing
//!   used. So that size is fixed: a picture's memory is the system's again as soon as it is let go.
//!   Pictures are pooled, so that a running show asks for none.
//! - It makes a heap ("arena") for each thread, up to 8 for each core, each with gaps of its own between
//!   what stays for long (log lines, units kept for a replay). Over 80 faults what 16 of them held grew
//!   by 7 MiB while what was in use did not grow; two of them stay as they are. Small memory comes from
//!   each thread's own cache, so that threads seldom meet there.

/// From this size on memory comes straight from the system: less than a picture (640x360 in I420 has
/// 338 KiB; smaller ones are not worth it), more than most access units.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FROM_THE_SYSTEM: std::ffi::c_int = 256 * 1024;
/// Heaps for all threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: std::ffi::c_int = 2;

/// Sets the allocator. To be called once, before other threads run. Does nothing where the allocator is
/// not glibc's.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn glibc() {
    let wanted = [
        (libc::M_MMAP_THRESHOLD, FROM_THE_SYSTEM),
        (libc::M_ARENA_MAX, ARENAS),
    ];
    for (what, value) in wanted {
        // SAFETY: mallopt(3) takes two numbers and may be called at any time.
        let taken = unsafe { libc::mallopt(what, value) };
        if taken != 1 {
            tracing::info!("the allocator keeps its own way ({what})");
        }
    }
}
