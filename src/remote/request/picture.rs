//! The picture as a PNG, for a key's face or a remote operator's eye: what the window's preview shows.

use super::inputs::{Place, find_source};
use super::{Answer, Answered, Desk, Refused, Request, done, refused, scenes};
use crate::remote::protocol::Status;
use crate::session::snapshot::Preview;
use crate::units::Size;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde_json::json;
use std::time::Duration;

/// A picture comes within this time or not at all.
const PATIENCE: Duration = Duration::from_secs(2);
/// The protocol's bounds for width and height are 8 to 4096; a larger picture than this says nothing
/// more, because the preview that it is made of has 1280 pixels across at most.
const LARGEST: f64 = 1920.0;

pub(super) fn screenshot(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let format = request.data.text("imageFormat")?;
    let name = request.data.optional_text("sourceName")?;
    if name != Some(scenes::SCENE) && find_source(request, desk)?.place != Place::Picture {
        let why = "only the picture can be seen";
        return Err(refused(Status::InvalidResourceState, why));
    }
    let side = |name| request.data.optional_number(name, 8.0, LARGEST);
    let (width, height) = (side("imageWidth")?, side("imageHeight")?);
    if !format.eq_ignore_ascii_case("png") {
        let why = "`imageFormat` can be png only";
        return Err(refused(Status::InvalidRequestField, why));
    }
    let nothing = || refused(Status::InvalidResourceState, "there is no picture now");
    if desk.snapshot.picture.label.is_empty() {
        return Err(nothing());
    }
    if desk.now == request.since {
        desk.console.glance();
        return Ok(Answer::Later);
    }
    // What was made before may show what was there an hour ago.
    let fresh = desk.snapshot.at > request.since;
    let Some(preview) = desk.snapshot.preview.as_ref().filter(|_| fresh) else {
        return if desk.now.since(request.since) < PATIENCE {
            Ok(Answer::Later)
        } else {
            Err(nothing())
        };
    };
    let data = png_of(preview, width, height)?;
    done(json!({ "imageData": format!("data:image/png;base64,{}", STANDARD.encode(data)) }))
}

/// The size asked for; of one side only, the other follows by the picture's shape.
fn size(is: Size, width: Option<f64>, height: Option<f64>) -> Size {
    let (w, h) = (f64::from(is.width.max(1)), f64::from(is.height.max(1)));
    let (width, height) = match (width, height) {
        (None, None) => return is,
        (Some(width), None) => (width, width * h / w),
        (None, Some(height)) => (height * w / h, height),
        (Some(width), Some(height)) => (width, height),
    };
    let bounded = |side: f64| side.round().clamp(1.0, LARGEST) as u32;
    Size::new(bounded(width), bounded(height))
}

fn png_of(preview: &Preview, width: Option<f64>, height: Option<f64>) -> Result<Vec<u8>, Refused> {
    let failed = |error: &dyn std::fmt::Display| {
        let why = format!("the picture could not be made: {error}");
        refused(Status::RequestProcessingFailed, why)
    };
    let size = size(preview.size, width, height);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.width, size.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
    if size == preview.size {
        writer
            .write_image_data(&preview.rgba)
            .map_err(|e| failed(&e))?;
    } else {
        let from = ImageRef::new(
            preview.size.width,
            preview.size.height,
            &preview.rgba,
            PixelType::U8x4,
        )
        .map_err(|e| failed(&e))?;
        let mut to = Image::new(size.width, size.height, PixelType::U8x4);
        // Opaque all over: no alpha to be weighed.
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .use_alpha(false);
        Resizer::new()
            .resize(&from, &mut to, &options)
            .map_err(|e| failed(&e))?;
        writer
            .write_image_data(to.buffer())
            .map_err(|e| failed(&e))?;
    }
    writer.finish().map_err(|e| failed(&e))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_is_not_named_follows_the_shape() {
        let is = Size::new(640, 360);
        assert_eq!(size(is, None, None), is);
        assert_eq!(size(is, Some(72.0), None), Size::new(72, 41));
        assert_eq!(size(is, None, Some(72.0)), Size::new(128, 72));
        assert_eq!(size(is, Some(72.0), Some(72.0)), Size::new(72, 72));
        assert_eq!(size(Size::new(10, 1000), Some(1920.0), None).height, 1920);
    }

    #[test]
    fn a_png_has_the_size_and_the_colour() {
        let preview = Preview {
            number: 1,
            size: Size::new(64, 36),
            rgba: [10, 200, 30, 255].repeat(64 * 36).into(),
            cost_us: 0,
        };
        for (width, wanted) in [(None, (64, 36)), (Some(32.0), (32, 18))] {
            let bytes = png_of(&preview, width, None).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
                .read_info()
                .unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), wanted);
            assert_eq!(pixels[..4], [10, 200, 30, 255]);
        }
    }
}
