//! Memory shared with the X server, mapped here for reading.
//!
//! Mapped rather than read through its file: of a 1920x1080 picture that was measured at 2.0 ms
//! a frame, this at 0.8. The file is sealed against shrinking, so that nobody who holds it can make
//! the mapping fault.
#![allow(unsafe_code)]

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{NonNull, null_mut};

/// A mapping that ends with its holder.
#[derive(Debug)]
pub(in crate::capture) struct SharedMemory {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and this is its only owner.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    /// `len` bytes (at least one) of memory, all zero, and the file that another process maps.
    pub(in crate::capture) fn new(len: usize) -> io::Result<(Self, OwnedFd)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("pd-console-capture", flags)?;
        ftruncate(&file, len as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::SEAL)?;
        // SAFETY: the kernel picks the address, so nothing that Rust knows of is replaced.
        let start = unsafe { mmap(null_mut(), len, ProtFlags::READ, MapFlags::SHARED, &file, 0)? };
        let start = NonNull::new(start.cast())
            .ok_or_else(|| io::Error::other("the system mapped memory at address zero"))?;
        Ok((Self { start, len }, file))
    }

    /// Copies the first bytes out, as many as `out` and the memory both have.
    ///
    /// Another process that writes meanwhile can spoil what is copied, nothing else.
    pub(in crate::capture) fn copy_into(&self, out: &mut [u8]) {
        let len = out.len().min(self.len);
        // SAFETY: `start..start + len` is mapped readable until drop and cannot shrink (sealed);
        // `out` is our own and cannot overlap it. No reference to the shared bytes is made.
        unsafe {
            self.start
                .as_ptr()
                .copy_to_nonoverlapping(out.as_mut_ptr(), len)
        };
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped, and no pointer into it left this module.
        let ended = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        if let Err(error) = ended {
            tracing::warn!("shared memory was not given back: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn what_another_writes_is_read_and_the_file_cannot_shrink() {
        let (memory, file) = SharedMemory::new(10_000).unwrap();
        let file = std::fs::File::from(file);
        file.write_all_at(b"picture", 9_993).unwrap();
        let mut out = vec![1; 10_000];
        memory.copy_into(&mut out);
        assert_eq!((&out[..3], &out[9_993..]), (&[0; 3][..], &b"picture"[..]));
        assert!(file.set_len(100).is_err());
        let mut longer = vec![1; 10_001];
        memory.copy_into(&mut longer);
        assert_eq!(longer[10_000], 1);
    }
}
