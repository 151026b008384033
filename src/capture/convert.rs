//! From a captured BGRA picture to what the encoder is fed with: cropped to even, scaled, with bars
//! or cut to the show's aspect.
//!
//! Owns the scaler and its buffers. Runs on the pump's thread, once for each frame that is sent; it
//! holds no queue and drops nothing.

mod place;

use super::{CaptureError, Frame};
use crate::settings::{Fit, PipeFormat};
use crate::units::{Region, Size};
use fast_image_resize::images::{
    TypedCroppedImage, TypedCroppedImageMut, TypedImage, TypedImageRef,
};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

/// Smallest side that is encoded, pixels: one H.264 macroblock (ITU-T H.264 3.84).
pub const MIN_SIDE: u32 = 16;

/// Black in limited range (ITU-R BT.709-6 item 4.6): luma 16, chroma 128.
const BLACK: (u8, u8) = (16, 128);

/// Bytes of a picture of `size` in `format`.
pub const fn bytes_of(size: Size, format: PipeFormat) -> usize {
    match format {
        PipeFormat::I420 => size.pixels() * 3 / 2,
        PipeFormat::Bgra => size.pixels() * 4,
    }
}

/// A black picture of `size` in `format`.
pub fn black(size: Size, format: PipeFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    fill_black(&mut bytes, size, format);
    bytes
}

fn fill_black(out: &mut Vec<u8>, size: Size, format: PipeFormat) {
    out.resize(bytes_of(size, format), 0);
    match format {
        PipeFormat::I420 => {
            let (luma, chroma) = out.split_at_mut(size.pixels());
            luma.fill(BLACK.0);
            chroma.fill(BLACK.1);
        }
        PipeFormat::Bgra => out.fill(0),
    }
}

/// Turns frames of any size and stride into tight pictures of one size: I420 in BT.709, limited
/// range, or BGRA as it came.
///
/// A source of the show's size (after cropping odd sides to even) is not scaled, so that no text
/// is blurred; any other is scaled with its aspect kept.
#[derive(Debug)]
pub struct Converter {
    out: Size,
    fit: Fit,
    format: PipeFormat,
    resizer: Resizer,
    scaled: Vec<u8>,
    /// Rows without padding, where the stride is of no whole pixels.
    tight: Vec<u8>,
}

impl Converter {
    /// A converter into `out`, made even (4:2:0 needs both sides even).
    pub fn new(out: Size, fit: Fit, format: PipeFormat) -> Self {
        Self {
            out: out.even(),
            fit,
            format,
            resizer: Resizer::new(),
            scaled: Vec::new(),
            tight: Vec::new(),
        }
    }

    /// The size of what [`Converter::convert`] makes.
    pub fn size(&self) -> Size {
        self.out
    }

    /// From the next frame on, a source of another aspect is fitted so; whether it was otherwise.
    pub fn set_fit(&mut self, fit: Fit) -> bool {
        std::mem::replace(&mut self.fit, fit) != fit
    }

    /// Fills `out` with exactly [`bytes_of`] the picture: the Y, U and V planes one after the
    /// other and without padding, or BGRA rows.
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
        let least = frame
            .stride
            .saturating_mul(source.height as usize - 1)
            .saturating_add(row);
        if frame.stride < row || frame.data.len() < least {
            return Err(CaptureError::Lost(format!(
                "a frame of {} bytes does not hold {} with rows of {} bytes",
                frame.data.len(),
                frame.size,
                frame.stride
            )));
        }
        let (part, place) = match self.fit {
            Fit::Letterbox => (Region::whole(source), place::fit(source, self.out)),
            Fit::Crop => (place::fit(self.out, source), Region::whole(self.out)),
        };
        if place.size == self.out {
            out.resize(bytes_of(self.out, self.format), 0);
        } else {
            fill_black(out, self.out, self.format);
        }
        match self.format {
            PipeFormat::I420 if place.size == part.size => {
                let planes = Planes::of(out, self.out, place);
                into_i420(lines(frame, part), frame.stride, part.size, planes)
            }
            PipeFormat::I420 => self.scaled_i420(frame, part, place, out),
            PipeFormat::Bgra if place.size == part.size => {
                copy_rows(frame, part, self.out, place, out);
                Ok(())
            }
            PipeFormat::Bgra => {
                let size = self.out;
                self.scaled_bgra(frame, part, out, size, place)
            }
        }
    }

    /// Scales in BGRA, before the chroma is halved, and converts what came out.
    fn scaled_i420(
        &mut self,
        frame: &Frame,
        part: Region,
        place: Region,
        out: &mut [u8],
    ) -> Result<(), CaptureError> {
        let size = place.size;
        let mut scaled = std::mem::take(&mut self.scaled);
        scaled.resize(bytes_of(size, PipeFormat::Bgra), 0);
        let done = self
            .scaled_bgra(frame, part, &mut scaled, size, Region::whole(size))
            .and_then(|()| {
                let planes = Planes::of(out, self.out, place);
                into_i420(&scaled, size.width as usize * 4, size, planes)
            });
        self.scaled = scaled;
        done
    }

    /// Scales `part` of the frame to `place` in BGRA rows of `out_size`.
    fn scaled_bgra(
        &mut self,
        frame: &Frame,
        part: Region,
        out: &mut [u8],
        out_size: Size,
        place: Region,
    ) -> Result<(), CaptureError> {
        let rows = frame.size.height as usize;
        if frame.stride.is_multiple_of(4) && frame.data.len() >= frame.stride * rows {
            let row_px = u32::try_from(frame.stride / 4).unwrap_or(0);
            let size = Size::new(row_px, frame.size.height);
            return scale(
                &mut self.resizer,
                &frame.data,
                size,
                part,
                out,
                out_size,
                place,
            );
        }
        let size = part.size;
        let whole = Region::whole(size);
        self.tight.resize(bytes_of(size, PipeFormat::Bgra), 0);
        copy_rows(frame, part, size, whole, &mut self.tight);
        scale(
            &mut self.resizer,
            &self.tight,
            size,
            whole,
            out,
            out_size,
            place,
        )
    }
}

/// The frame's bytes from the first pixel of `part` on.
fn lines(frame: &Frame, part: Region) -> &[u8] {
    &frame.data[part.y as usize * frame.stride + part.x as usize * 4..]
}

/// Copies `part` of the frame, unscaled, to `place` in BGRA rows of `whole`.
fn copy_rows(frame: &Frame, part: Region, whole: Size, place: Region, out: &mut [u8]) {
    let row = part.size.width as usize * 4;
    let at = place.x as usize * 4;
    let out = out
        .chunks_exact_mut(whole.width as usize * 4)
        .skip(place.y as usize);
    let lines = lines(frame, part).chunks(frame.stride);
    for (out, line) in out.zip(lines).take(part.size.height as usize) {
        out[at..at + row].copy_from_slice(&line[..row]);
    }
}

/// Scales `part` of a picture of `size` to `place` in one of `out_size`.
fn scale(
    resizer: &mut Resizer,
    bytes: &[u8],
    size: Size,
    part: Region,
    out: &mut [u8],
    out_size: Size,
    place: Region,
) -> Result<(), CaptureError> {
    let lost = |why: &dyn std::fmt::Display| CaptureError::Lost(format!("scaling failed: {why}"));
    // Views, not the resizer's own crop box: that one reads neighbours outside the box, and beyond
    // the last column those are the row's padding.
    let whole =
        TypedImageRef::<U8x4>::from_buffer(size.width, size.height, bytes).map_err(|e| lost(&e))?;
    let (width, height) = (part.size.width, part.size.height);
    let view =
        TypedCroppedImage::from_ref(&whole, part.x, part.y, width, height).map_err(|e| lost(&e))?;
    let mut all = TypedImage::<U8x4>::from_buffer(out_size.width, out_size.height, out)
        .map_err(|e| lost(&e))?;
    let (width, height) = (place.size.width, place.size.height);
    let mut target = TypedCroppedImageMut::from_ref(&mut all, place.x, place.y, width, height)
        .map_err(|e| lost(&e))?;
    // Hamming costs as little as bilinear and keeps text sharper, but only when shrinking.
    let filter = if place.size.pixels() < part.size.pixels() {
        FilterType::Hamming
    } else {
        FilterType::CatmullRom
    };
    // The fourth byte is padding on X11, never transparency.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .use_alpha(false);
    resizer
        .resize_typed(&view, &mut target, &options)
        .map_err(|e| lost(&e))
}

/// The planes of an I420 picture from a place on.
struct Planes<'a> {
    y: &'a mut [u8],
    u: &'a mut [u8],
    v: &'a mut [u8],
    width: u32,
}

impl<'a> Planes<'a> {
    fn of(bytes: &'a mut [u8], whole: Size, place: Region) -> Self {
        let (width, chroma_width) = (whole.width as usize, whole.width as usize / 2);
        let (x, y) = (place.x as usize, place.y as usize);
        let (luma, chroma) = bytes.split_at_mut(whole.pixels());
        let (u, v) = chroma.split_at_mut(whole.pixels() / 4);
        let chroma_at = y / 2 * chroma_width + x / 2;
        Self {
            y: &mut luma[y * width + x..],
            u: &mut u[chroma_at..],
            v: &mut v[chroma_at..],
            width: whole.width,
        }
    }

    /// From this row on, an even one.
    fn below(&mut self, row: usize) -> Planes<'_> {
        let (luma, chroma) = (self.width as usize, self.width as usize / 2);
        Planes {
            y: &mut self.y[row * luma..],
            u: &mut self.u[row / 2 * chroma..],
            v: &mut self.v[row / 2 * chroma..],
            width: self.width,
        }
    }
}

/// Converts `size` pixels of `bgra`. The library wants whole rows of `stride` bytes and leaves the last two out
/// where they end early, as those of a part do that something was cut off from at the left; they are converted
/// from a copy (found by `fuzz capture_convert`, yuv 0.8).
fn into_i420(
    bgra: &[u8],
    stride: usize,
    size: Size,
    mut planes: Planes<'_>,
) -> Result<(), CaptureError> {
    let rows = size.height as usize;
    if bgra.len() >= stride * rows {
        return whole_rows(bgra, stride, size, planes);
    }
    let row = size.width as usize * 4;
    let last = rows.saturating_sub(2);
    let mut tail = Vec::with_capacity(row * 2);
    for line in bgra[last * stride..].chunks(stride) {
        tail.extend_from_slice(&line[..row]);
    }
    let upper = Size::new(size.width, size.height - 2);
    whole_rows(bgra, stride, upper, planes.below(0))?;
    whole_rows(&tail, row, Size::new(size.width, 2), planes.below(last))
}

fn whole_rows(
    bgra: &[u8],
    stride: usize,
    size: Size,
    planes: Planes<'_>,
) -> Result<(), CaptureError> {
    let lost =
        |why: &dyn std::fmt::Display| CaptureError::Lost(format!("conversion failed: {why}"));
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(planes.y),
        y_stride: planes.width,
        u_plane: BufferStoreMut::Borrowed(planes.u),
        u_stride: planes.width / 2,
        v_plane: BufferStoreMut::Borrowed(planes.v),
        v_stride: planes.width / 2,
        width: size.width,
        height: size.height,
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
