//! A captured picture and the pool that its memory comes from.

use crate::clock::MonoTime;
use crate::units::Size;
use std::sync::{Arc, Mutex, PoisonError};

/// A picture in BGRA order, 8 bits a channel, first row on top.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When the picture was made: the damage or presentation time where the system gives one,
    /// otherwise the start of the grab.
    pub captured_at: MonoTime,
    /// When its last byte was in memory.
    pub in_memory_at: MonoTime,
    /// Width and height in pixels.
    pub size: Size,
    /// Bytes from one row to the next, at least `4 * width`.
    pub stride: usize,
    /// `stride * height` bytes.
    pub data: FrameData,
}

/// A frame's bytes; they return to their pool when the last holder lets go.
#[derive(Clone, Debug)]
pub struct FrameData(Arc<Pooled>);

impl std::ops::Deref for FrameData {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl From<Vec<u8>> for FrameData {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Pooled { bytes, home: None }))
    }
}

#[derive(Debug)]
struct Pooled {
    bytes: Vec<u8>,
    home: Option<FramePool>,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

/// Buffers to be used again, so that a running show allocates nothing. Keeps at most four.
#[derive(Clone, Debug, Default)]
pub struct FramePool(Arc<Mutex<Vec<Vec<u8>>>>);

/// Slot, pacer, preview and the one being filled.
const KEPT: usize = 4;

impl FramePool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of `len` bytes; what it holds is undefined but initialised.
    pub fn take(&self, len: usize) -> Vec<u8> {
        let mut bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        // A source that became smaller does not keep the memory of what it was.
        if bytes.capacity() > 2 * len {
            bytes = Vec::new();
        }
        bytes.resize(len, 0);
        bytes
    }

    /// Makes a filled buffer into shareable frame data that comes back here at its end.
    pub fn share(&self, bytes: Vec<u8>) -> FrameData {
        FrameData(Arc::new(Pooled {
            bytes,
            home: Some(self.clone()),
        }))
    }

    fn give_back(&self, bytes: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_after_its_last_holder() {
        let pool = FramePool::new();
        let data = pool.share(pool.take(64));
        let address = data.as_ptr();
        let second = data.clone();
        drop(data);
        let other = pool.take(64);
        assert_ne!(other.as_ptr(), address);
        drop(second);
        let again = pool.take(64);
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn a_smaller_picture_does_not_keep_a_large_one_s_memory() {
        let pool = FramePool::new();
        drop(pool.share(pool.take(1 << 20)));
        let small = pool.take(1 << 12);
        assert!(small.capacity() <= 1 << 13, "{}", small.capacity());
        drop(pool.share(small));
        assert!(pool.take(1 << 11).capacity() >= 1 << 11);
    }
}
