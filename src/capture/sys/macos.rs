//! The bytes of a picture that ScreenCaptureKit lends.
#![allow(unsafe_code)]

use screencapturekit::cv::{CVPixelBuffer, CVPixelBufferLockFlags};

/// Calls `read` with the bytes of a locked picture; None where it has none to read. The error is
/// Core Video's.
pub(in crate::capture) fn with_bytes<T>(
    picture: &CVPixelBuffer,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>, i32> {
    let locked = picture.lock(CVPixelBufferLockFlags::READ_ONLY)?;
    // SAFETY: the lock keeps the bytes in place until `locked` is dropped, after `read`. Nobody
    // writes: ScreenCaptureKit draws into a buffer of its queue again only once all its holders
    // let it go (SCStreamConfiguration, queueDepth), and `picture` holds it.
    Ok(unsafe { locked.as_slice() }.map(read))
}
