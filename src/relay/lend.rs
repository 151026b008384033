//! Raw pictures into an encoder's pipe without a copy.
//!
//! Runs on the feeding thread. Linux lends the pipe the pages that hold the picture (vmsplice(2)): the
//! child copies from them, nobody else does. The pages must stay as they are until it has, so a
//! picture is held until as many bytes followed it as the pipe can hold: the pipe is then past it.
//! Elsewhere, and where the system does not allow it, pictures are written as everything is.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A picture's bytes, shared with whoever else feeds or keeps it.
pub type Picture = Arc<Vec<u8>>;

/// Pictures that the pipe may still hold pages of. Clones share them: they are let go when the last
/// clone is dropped, which must be after the child has read its last byte.
#[derive(Clone, Debug, Default)]
pub struct Lent(Arc<Mutex<VecDeque<Picture>>>);

impl Lent {
    /// Holds `picture`; of the others only what `capacity` bytes of pipe may still hold.
    fn hold(&self, picture: &Picture, capacity: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back(picture.clone());
        let mut later: usize = held.iter().map(|picture| picture.len()).sum();
        while let Some(first) = held.front() {
            later -= first.len();
            if later < capacity {
                break;
            }
            held.pop_front();
        }
    }
}

/// The pipe into an encoder.
#[derive(Debug)]
pub struct PicturePipe {
    pipe: File,
    lent: Lent,
    /// Bytes that the pipe holds at most; None where pictures are copied into it.
    capacity: Option<usize>,
}

impl PicturePipe {
    /// Writes into `pipe`. `lent` holds what it lends: a clone of it must live until the reader has
    /// come to the end.
    pub fn new(pipe: File, lent: Lent) -> Self {
        Self {
            capacity: capacity(&pipe),
            pipe,
            lent,
        }
    }

    /// Writes the whole picture; blocks while the pipe is full.
    ///
    /// # Errors
    /// The pipe's, such as that nobody reads it any more.
    pub fn write(&mut self, picture: &Picture) -> io::Result<()> {
        let mut rest = picture.as_slice();
        if let Some(capacity) = self.capacity {
            self.lent.hold(picture, capacity);
            while !rest.is_empty() {
                match lend(&self.pipe, rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error),
                    Err(error) => {
                        tracing::info!("pictures are copied into the encoder's pipe: {error}");
                        self.capacity = None;
                        break;
                    }
                }
            }
        }
        self.pipe.write_all(rest)
    }
}

#[cfg(target_os = "linux")]
fn capacity(pipe: &File) -> Option<usize> {
    // Lending takes the write end.
    let writes = is_write_end(pipe).unwrap_or(false);
    writes
        .then(|| rustix::pipe::fcntl_getpipe_size(pipe).ok())
        .flatten()
}

#[cfg(not(target_os = "linux"))]
fn capacity(_pipe: &File) -> Option<usize> {
    None
}

/// Lends `bytes` or a part to the pipe: how many it took.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn lend(pipe: &File, bytes: &[u8]) -> io::Result<usize> {
    use rustix::pipe::{IoSliceRaw, SpliceFlags, vmsplice};
    // SAFETY: the memory is only read, since this is the pipe's write end (`capacity` has looked, and
    // nothing is lent without one); without
    // SPLICE_F_GIFT it remains ours. That it is not changed before it was read is what `Lent` is for, and
    // would cost a torn picture, no more.
    Ok(unsafe { vmsplice(pipe, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty())? })
}

#[cfg(target_os = "linux")]
fn is_write_end(pipe: &File) -> io::Result<bool> {
    use rustix::fs::OFlags;
    let flags = rustix::fs::fcntl_getfl(pipe)?;
    Ok(matches!(flags & OFlags::ACCMODE, OFlags::WRONLY))
}

#[cfg(not(target_os = "linux"))]
fn lend(_pipe: &File, _bytes: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Read;

    /// Pictures of changing content in memory that is used again as soon as nobody holds it, as the
    /// pump does: what a slow reader gets is each picture as it was when it was written.
    fn pass(bytes: usize, pipe_bytes: Option<usize>, count: u32) {
        let (read, write) = rustix::pipe::pipe().unwrap();
        if let Some(size) = pipe_bytes {
            rustix::pipe::fcntl_setpipe_size(&write, size).unwrap();
        }
        let lent = Lent::default();
        let kept = lent.clone();
        let reader = std::thread::spawn(move || {
            let mut read = File::from(read);
            let mut picture = vec![0; bytes];
            for n in 0..count {
                if n % 3 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                read.read_exact(&mut picture).unwrap();
                let wrong = picture.iter().position(|b| *b != n as u8);
                assert_eq!(wrong, None, "picture {n} of {bytes} bytes");
            }
            assert_eq!(read.read(&mut picture).unwrap(), 0);
            drop(kept);
        });
        let mut pipe = PicturePipe::new(File::from(write), lent);
        let mut pool: Vec<Picture> = Vec::new();
        let mut most = 0;
        for n in 0..count {
            let free = pool.iter_mut().position(|p| Arc::get_mut(p).is_some());
            let mut picture =
                free.map_or_else(|| Arc::new(vec![0; bytes]), |at| pool.swap_remove(at));
            Arc::get_mut(&mut picture).unwrap().fill(n as u8);
            pipe.write(&picture).unwrap();
            pool.push(picture);
            most = most.max(pool.len());
        }
        assert!(pipe.capacity.is_some(), "nothing was lent");
        drop((pipe, pool));
        reader.join().unwrap();
        // What is held is bounded by the pipe.
        assert!(
            most <= pipe_bytes.unwrap_or(65_536) / bytes + 3,
            "{most} pictures"
        );
    }

    #[test]
    fn lent_pictures_come_whole_from_memory_that_is_used_again() {
        pass(1_382_400, Some(1 << 20), 60);
        pass(100_001, Some(65_536), 200);
        pass(384, None, 2000);
    }

    #[test]
    fn a_file_that_is_no_pipe_is_written_as_ever() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut pipe = PicturePipe::new(file.reopen().unwrap(), Lent::default());
        pipe.write(&Arc::new(vec![7; 1000])).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), [7; 1000]);
    }

    #[test]
    fn a_reader_that_is_gone_is_told() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        drop(read);
        let mut pipe = PicturePipe::new(File::from(write), Lent::default());
        let error = pipe.write(&Arc::new(vec![7; 1000])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
