//! The picture in a PipeWire buffer: where it lies, when it was made. Runs on the capture thread
//! while the buffer is on loan; believes nothing that the buffer says of itself unchecked.

use super::format::{Format, presented_at};
use crate::capture::copy::Lent;
use crate::clock::{self, MonoTime};
use crate::units::{Region, Size};
use pipewire::buffer::Buffer;
use pipewire::spa::buffer::meta::{MetaHeader, MetaHeaderFlags, MetaVideoCrop};
use pipewire::spa::buffer::{ChunkFlags, Data};
use rustix::time::{ClockId, clock_gettime};

/// What a chunk says of the bytes in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    offset: usize,
    len: usize,
    /// 0 or negative where the desktop does not tell or turns the picture over.
    stride: i32,
}

/// The buffer's only plane, where it has one and that one can be read.
fn chunk<'b>(buffer: &'b mut Buffer<'_>) -> Option<(&'b mut Data, Chunk)> {
    let data = buffer.datas_mut().first_mut()?;
    if data.as_raw().chunk.is_null() {
        return None;
    }
    let told = data.chunk();
    if told.flags().contains(ChunkFlags::CORRUPTED) || told.size() == 0 {
        return None;
    }
    let chunk = Chunk {
        offset: told.offset() as usize,
        len: told.size() as usize,
        stride: told.stride(),
    };
    Some((data, chunk))
}

/// Whether there is a picture: desktops also send buffers without, with a moved pointer only.
pub(super) fn has_one(buffer: &mut Buffer<'_>) -> bool {
    let header = buffer.find_meta::<MetaHeader>().map(MetaHeader::flags);
    let is_good =
        header.is_none_or(|f| !f.intersects(MetaHeaderFlags::CORRUPTED | MetaHeaderFlags::GAP));
    is_good && chunk(buffer).is_some_and(|(data, _)| !data.as_raw().data.is_null())
}

/// The picture's presentation time, where the desktop gives a sane one.
pub(super) fn made_at(buffer: &Buffer<'_>, now: MonoTime) -> Option<MonoTime> {
    let pts_ns = buffer.find_meta::<MetaHeader>()?.pts();
    let clock = clock_gettime(ClockId::Monotonic);
    // Ours was read before: what passed since is taken off again.
    let passed = clock::now().since(now);
    let clock_ns =
        u64::try_from(clock.tv_sec).ok()? * 1_000_000_000 + u64::try_from(clock.tv_nsec).ok()?;
    presented_at(pts_ns, clock_ns, now + passed)
}

/// The picture's bytes. None where they lie outside of the buffer.
pub(super) fn lend<'b>(buffer: &'b mut Buffer<'_>, format: Format) -> Option<Lent<'b>> {
    let crop = buffer.find_meta::<MetaVideoCrop>().and_then(|meta| {
        let region = meta.meta_region();
        let (at, size) = (region.position(), region.size());
        Some(Region {
            x: u32::try_from(at.x).ok()?,
            y: u32::try_from(at.y).ok()?,
            size: Size::new(size.width, size.height),
        })
    });
    let (data, chunk) = chunk(buffer)?;
    let place = place(chunk, format, crop)?;
    let bytes = data.data()?;
    let end = place.chunk_end.min(bytes.len());
    Some(Lent {
        bytes: bytes.get(place.from..end)?,
        stride: place.stride,
        size: place.size,
        format: format.pixel,
    })
}

/// Where in a buffer the picture lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    from: usize,
    chunk_end: usize,
    stride: usize,
    size: Size,
}

fn place(chunk: Chunk, format: Format, crop: Option<Region>) -> Option<Place> {
    let pixel = format.pixel.bytes();
    let stride = match usize::try_from(chunk.stride) {
        Ok(0) => format.size.width as usize * pixel,
        Ok(stride) => stride,
        Err(_) => return None,
    };
    // A crop of nothing is none given; one that stands out is cut to the picture.
    let crop = crop.filter(|crop| crop.size.pixels() > 0);
    let (x, y, size) = match crop.and_then(|crop| crop.within(format.size)) {
        Some(part) => (part.x as usize, part.y as usize, part.size),
        None => (0, 0, format.size),
    };
    let chunk_end = chunk.offset.checked_add(chunk.len)?;
    let from = y.checked_mul(stride)?.checked_add(x * pixel)?;
    Some(Place {
        from: chunk.offset.checked_add(from)?,
        chunk_end,
        stride,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::copy::PixelFormat;

    fn format(width: u32, height: u32) -> Format {
        Format {
            size: Size::new(width, height),
            pixel: PixelFormat::Bgrx,
        }
    }

    fn bytes(offset: usize, len: usize, stride: i32) -> Chunk {
        Chunk {
            offset,
            len,
            stride,
        }
    }

    #[test]
    fn the_stride_is_the_chunks_own() {
        let at = place(bytes(64, 5504 * 768, 5504), format(1366, 768), None).unwrap();
        assert_eq!((at.from, at.stride), (64, 5504));
        assert_eq!(at.chunk_end, 64 + 5504 * 768);
        assert_eq!(at.size, Size::new(1366, 768));
        // Where none is told, rows are packed.
        let at = place(bytes(0, 1366 * 768 * 4, 0), format(1366, 768), None).unwrap();
        assert_eq!(at.stride, 5464);
        assert_eq!(place(bytes(0, 400, -40), format(10, 10), None), None);
    }

    #[test]
    fn only_the_picture_of_a_larger_buffer_is_taken() {
        let crop = |text: &str| Some(text.parse().unwrap());
        let whole = bytes(0, 4096 * 600, 4096);
        let at = place(whole, format(1024, 600), crop("800x500+3+2")).unwrap();
        assert_eq!((at.from, at.stride), (2 * 4096 + 12, 4096));
        assert_eq!(at.size, Size::new(800, 500));
        // One that stands out ends with the buffer; one outside of it or empty is none.
        let at = place(whole, format(1024, 600), crop("800x500+1000+0")).unwrap();
        assert_eq!(at.size, Size::new(24, 500));
        let at = place(whole, format(1024, 600), crop("8x5+2000+0")).unwrap();
        assert_eq!((at.from, at.size), (0, Size::new(1024, 600)));
        let none = Region {
            x: 5,
            y: 5,
            size: Size::new(0, 0),
        };
        let at = place(whole, format(1024, 600), Some(none)).unwrap();
        assert_eq!((at.from, at.size), (0, Size::new(1024, 600)));
    }

    #[test]
    fn nonsense_overflows_nothing() {
        let huge = bytes(usize::MAX - 3, usize::MAX, i32::MAX);
        assert_eq!(place(huge, format(16384, 16384), None), None);
        let at = bytes(usize::MAX - 100, 50, i32::MAX);
        let crop = Some("9x9+9+9".parse().unwrap());
        assert_eq!(place(at, format(100, 100), crop), None);
    }
}
