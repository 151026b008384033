//! From a captured BGRA picture to the encoder's I420: cropped to even, scaled and letterboxed.
//!
//! Owns the scaler and its buffer. Runs on the pacer's thread, once for each frame that is sent;
//! it holds no queue and drops nothing.

use super::{CaptureError, Frame};
use crate::units::Size;
use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

/// Smallest side that is encoded, pixels: one H.264 macroblock (ITU-T H.264 3.84).
pub const MIN_SIDE: u32 = 16;

/// Black in limited range (ITU-R BT.709-6 item 4.6): luma 16, chroma 128.
const BLACK: (u8, u8) = (16, 128);

/// Turns frames of any size and stride into tight I420 of one size, BT.709 in limited range.
///
/// A source of the show's size (after cropping odd sides to even) is converted as it is; any other
/// is scaled with its aspect kept and centred on black.
#[derive(Debug)]
pub struct Converter {
    out: Size,
    resizer: Resizer,
    scaled: Vec<u8>,
}

impl Converter {
    /// A converter into `out`, made even (4:2:0 needs both sides even).
    pub fn new(out: Size) -> Self {
        Self {
            out: out.even(),
            resizer: Resizer::new(),
            scaled: Vec::new(),
        }
    }

    /// The size of what [`Converter::convert`] makes.
    pub fn size(&self) -> Size {
        self.out
    }

    /// Fills `out` with the Y, U and V planes, one after the other and without padding: exactly
    /// `width * height * 3 / 2` bytes.
    ///
    /// # Errors
    /// [`CaptureError::TooSmall`] below 16x16 on either side of the conversion, and
    /// [`CaptureError::Lost`] where the frame's bytes do not hold its size.
    pub fn convert(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), CaptureError> {
        for size in [frame.size, self.out] {
            if size.width < MIN_SIDE || size.height < MIN_SIDE {
                return Err(CaptureError::TooSmall(size));
            }
        }
        let source = frame.size.even();
        let row = source.width as usize * 4;
        let least = frame.stride * (source.height as usize - 1) + row;
        if frame.stride < row || frame.data.len() < least {
            return Err(CaptureError::Lost(format!(
                "a frame of {} bytes does not hold {} with rows of {} bytes",
                frame.data.len(),
                frame.size,
                frame.stride
            )));
        }
        out.resize(self.out.pixels() * 3 / 2, 0);
        let place = fit(source, self.out);
        if place.size != self.out {
            let (luma, chroma) = out.split_at_mut(self.out.pixels());
            luma.fill(BLACK.0);
            chroma.fill(BLACK.1);
        }
        if place.size == source {
            return into_i420(&frame.data, frame.stride, place, self.out, out);
        }
        self.scale(frame, source, place.size)?;
        let stride = place.size.width as usize * 4;
        into_i420(&self.scaled, stride, place, self.out, out)
    }

    /// Scales the frame's even part to `target` into the own buffer.
    fn scale(&mut self, frame: &Frame, source: Size, target: Size) -> Result<(), CaptureError> {
        let lost =
            |why: &dyn std::fmt::Display| CaptureError::Lost(format!("scaling failed: {why}"));
        // A view, not the resizer's own crop box: that one reads neighbours outside the box, and
        // beyond the last column those are the row's padding.
        let tight;
        let (bytes, row_px) = if frame.stride.is_multiple_of(4)
            && frame.data.len() >= frame.stride * source.height as usize
        {
            (&frame.data[..], frame.stride / 4)
        } else {
            tight = tight_rows(frame, source);
            (&tight[..], source.width as usize)
        };
        let row_px = u32::try_from(row_px).map_err(|e| lost(&e))?;
        let whole = TypedImageRef::<U8x4>::from_buffer(row_px, source.height, bytes)
            .map_err(|e| lost(&e))?;
        let view = TypedCroppedImage::from_ref(&whole, 0, 0, source.width, source.height)
            .map_err(|e| lost(&e))?;
        self.scaled.resize(target.pixels() * 4, 0);
        let mut scaled =
            TypedImage::<U8x4>::from_buffer(target.width, target.height, &mut self.scaled)
                .map_err(|e| lost(&e))?;
        // Hamming costs as little as bilinear and keeps text sharper, but only when shrinking.
        let filter = if target.pixels() < source.pixels() {
            FilterType::Hamming
        } else {
            FilterType::CatmullRom
        };
        // The fourth byte is padding on X11, never transparency.
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(filter))
            .use_alpha(false);
        self.resizer
            .resize_typed(&view, &mut scaled, &options)
            .map_err(|e| lost(&e))
    }
}

/// The frame's rows without padding; only for strides that are not whole pixels.
fn tight_rows(frame: &Frame, size: Size) -> Vec<u8> {
    let row = size.width as usize * 4;
    frame
        .data
        .chunks(frame.stride)
        .take(size.height as usize)
        .flat_map(|line| &line[..row])
        .copied()
        .collect()
}

/// Where a picture lies within a larger one; all four figures even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    x: u32,
    y: u32,
    size: Size,
}

/// The largest even rectangle of `source`'s aspect in the middle of `out`.
fn fit(source: Size, out: Size) -> Place {
    let scaled = |by: u32, over: u32, side: u32, limit: u32| {
        let exact = (u64::from(by) * u64::from(side) + u64::from(over) / 2) / u64::from(over);
        let even = ((exact + 1) & !1).max(2);
        u32::try_from(even).unwrap_or(limit).min(limit)
    };
    let wider = u64::from(source.width) * u64::from(out.height)
        >= u64::from(out.width) * u64::from(source.height);
    let size = if wider {
        let height = scaled(source.height, source.width, out.width, out.height);
        Size::new(out.width, height)
    } else {
        let width = scaled(source.width, source.height, out.height, out.width);
        Size::new(width, out.height)
    };
    Place {
        x: ((out.width - size.width) / 2) & !1,
        y: ((out.height - size.height) / 2) & !1,
        size,
    }
}

/// Converts `place.size` pixels into `out`'s planes at `place`.
fn into_i420(
    bgra: &[u8],
    stride: usize,
    place: Place,
    whole: Size,
    out: &mut [u8],
) -> Result<(), CaptureError> {
    let lost =
        |why: &dyn std::fmt::Display| CaptureError::Lost(format!("conversion failed: {why}"));
    let (width, chroma_width) = (whole.width as usize, whole.width as usize / 2);
    let (x, y) = (place.x as usize, place.y as usize);
    let (luma, chroma) = out.split_at_mut(whole.pixels());
    let (u, v) = chroma.split_at_mut(whole.pixels() / 4);
    let chroma_at = y / 2 * chroma_width + x / 2;
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut luma[y * width + x..]),
        y_stride: whole.width,
        u_plane: BufferStoreMut::Borrowed(&mut u[chroma_at..]),
        u_stride: whole.width / 2,
        v_plane: BufferStoreMut::Borrowed(&mut v[chroma_at..]),
        v_stride: whole.width / 2,
        width: place.size.width,
        height: place.size.height,
    };
    yuv::bgra_to_yuv420(
        &mut planes,
        bgra,
        u32::try_from(stride).map_err(|e| lost(&e))?,
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
    .map_err(|e| lost(&e))
}

#[cfg(test)]
mod tests;
