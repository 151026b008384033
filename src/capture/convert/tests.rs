//! Checks of the conversion against the formulas of BT.709.

use super::*;
use crate::clock::MonoTime;
use proptest::prelude::*;

const MAGENTA: [u8; 4] = [255, 0, 255, 255];

/// ITU-R BT.709-6 items 3.2, 3.3 and 3.4, 8 bits.
fn bt709([b, g, r, _]: [u8; 4]) -> [f64; 3] {
    let (b, g, r) = (
        f64::from(b) / 255.0,
        f64::from(g) / 255.0,
        f64::from(r) / 255.0,
    );
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [
        16.0 + 219.0 * y,
        128.0 + 224.0 * (b - y) / 1.8556,
        128.0 + 224.0 * (r - y) / 1.5748,
    ]
}

/// A frame whose pixels come from `pixel`, with rows padded by magenta up to `stride`.
fn frame(size: Size, stride: usize, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
    let mut data = Vec::with_capacity(stride * size.height as usize);
    for y in 0..size.height {
        for x in 0..size.width {
            data.extend_from_slice(&pixel(x, y));
        }
        while data.len() < stride * (y as usize + 1) {
            data.push(MAGENTA[data.len() % 4]);
        }
    }
    Frame {
        captured_at: MonoTime::ZERO,
        in_memory_at: MonoTime::ZERO,
        size,
        stride,
        data: data.into(),
    }
}

fn tight(size: Size, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
    frame(size, size.width as usize * 4, pixel)
}

/// Y, U and V of the pixel at (x, y).
fn sample(planes: &[u8], size: Size, x: u32, y: u32) -> [u8; 3] {
    let (width, n) = (size.width as usize, size.pixels());
    let (x, y) = (x as usize, y as usize);
    let c = y / 2 * (width / 2) + x / 2;
    [planes[y * width + x], planes[n + c], planes[n + n / 4 + c]]
}

fn assert_near(got: [u8; 3], bgra: [u8; 4], tolerance: f64, what: &str) {
    for (got, want) in got.into_iter().zip(bt709(bgra)) {
        let off = (f64::from(got) - want.round()).abs();
        assert!(
            off <= tolerance,
            "{what}: {bgra:?} gave {got}, formula {want:.2}"
        );
    }
}

#[test]
fn flat_patches_are_within_one_of_the_formula() {
    let size = Size::new(64, 64);
    let steps = [0_u8, 1, 64, 128, 191, 254, 255];
    let mut converter = Converter::new(size, Fit::Letterbox, PipeFormat::I420);
    let mut out = Vec::new();
    for b in steps {
        for g in steps {
            for r in steps {
                let colour = [b, g, r, 0];
                converter
                    .convert(&tight(size, |_, _| colour), &mut out)
                    .unwrap();
                assert_near(sample(&out, size, 31, 17), colour, 1.0, "unscaled");
            }
        }
    }
}

/// Case B02: 1366 pixels in rows of 5504 bytes.
#[test]
fn row_padding_never_reaches_the_picture() {
    let size = Size::new(1366, 768);
    let grey = [90, 90, 90, 0];
    let padded = frame(size, 5504, |_, _| grey);
    for out_size in [size, Size::new(1280, 720), Size::new(640, 480)] {
        let mut out = Vec::new();
        Converter::new(out_size, Fit::Letterbox, PipeFormat::I420)
            .convert(&padded, &mut out)
            .unwrap();
        assert_eq!(out.len(), out_size.pixels() * 3 / 2);
        // Magenta, even a trace, would move the chroma; black bars have neutral chroma too.
        let chroma = &out[out_size.pixels()..];
        assert!(chroma.iter().all(|c| (127..=129).contains(c)), "{out_size}");
    }
}

#[test]
fn a_stride_of_no_whole_pixels_is_read_rightly() {
    let size = Size::new(64, 48);
    let colour = |_, y: u32| {
        if y < 24 {
            [0, 0, 255, 0]
        } else {
            [255, 0, 0, 0]
        }
    };
    let out_size = Size::new(32, 24);
    let mut out = Vec::new();
    Converter::new(out_size, Fit::Letterbox, PipeFormat::I420)
        .convert(&frame(size, 64 * 4 + 3, colour), &mut out)
        .unwrap();
    assert_near(sample(&out, out_size, 31, 4), colour(0, 0), 1.0, "top");
    assert_near(sample(&out, out_size, 31, 20), colour(0, 47), 1.0, "bottom");
}

/// Case B01: 1367x769 is cropped, not scaled: each luma sample is that of its own pixel.
/// What is cut off at the left made the last rows too short for the converting library, which left them out.
#[test]
fn a_part_without_scaling_has_all_its_rows() {
    let (source, out) = (Size::new(170, 64), Size::new(96, 64));
    for padding in [0, 4, 7] {
        let frame = frame(source, 170 * 4 + padding, |x, y| {
            [(x * 3 % 256) as u8 & 0xF0, (y * 4) as u8, 200, 255]
        });
        let mut planes = Vec::new();
        Converter::new(out, Fit::Crop, PipeFormat::I420)
            .convert(&frame, &mut planes)
            .unwrap();
        for y in 0..out.height {
            // Of rows 62 and 63 in the frame; only luma, chroma is the mean of four.
            let got = sample(&planes, out, 10, y);
            let x = (170 - 96) / 2 / 2 * 2 + 10;
            let wanted = bt709([(x * 3 % 256) as u8 & 0xF0, (y * 4) as u8, 200, 255]);
            assert!(
                (f64::from(got[0]) - wanted[0]).abs() < 8.0,
                "row {y}: {got:?}"
            );
            assert!(got[1] > 30 && got[2] > 60, "row {y}: {got:?}");
        }
    }
}

#[test]
fn an_odd_source_is_cropped_without_scaling() {
    let noise = |x: u32, y: u32| {
        let v = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)) >> 13;
        let v = (v & 0xff) as u8;
        [v, v, v, 0]
    };
    let source = tight(Size::new(1367, 769), noise);
    let size = Size::new(1366, 768);
    let mut out = Vec::new();
    let mut converter = Converter::new(size, Fit::Letterbox, PipeFormat::I420);
    converter.convert(&source, &mut out).unwrap();
    for y in 0..size.height {
        for x in 0..size.width {
            let want = bt709(noise(x, y))[0].round();
            let got = f64::from(sample(&out, size, x, y)[0]);
            assert!((got - want).abs() <= 1.0, "({x},{y}): {got} for {want:.1}");
        }
    }
}

#[test]
fn another_aspect_is_centred_on_black_and_stays_upright() {
    let source = Size::new(1000, 700);
    let quarters = |x: u32, y: u32| match (x < 500, y < 350) {
        (true, true) => [0, 0, 255, 0],
        (false, true) => [0, 255, 0, 0],
        (true, false) => [255, 0, 0, 0],
        (false, false) => [255, 255, 255, 0],
    };
    let out_size = Size::new(1280, 720);
    // A used buffer of another size: the bars must be written anew.
    let mut out = vec![77; 5_000_000];
    Converter::new(out_size, Fit::Letterbox, PipeFormat::I420)
        .convert(&tight(source, quarters), &mut out)
        .unwrap();
    let place = place::fit(source, out_size);
    assert_eq!(place.size, Size::new(1030, 720));
    let (left, right) = (place.x, place.x + place.size.width);
    for y in [0, 359, 719] {
        for x in [0, left - 1, right, 1279] {
            assert_eq!(
                sample(&out, out_size, x, y),
                [16, 128, 128],
                "bar at {x},{y}"
            );
        }
    }
    assert_near(
        sample(&out, out_size, left + 4, 4),
        quarters(0, 0),
        1.0,
        "top left",
    );
    assert_near(
        sample(&out, out_size, right - 4, 4),
        quarters(999, 0),
        1.0,
        "top right",
    );
    assert_near(
        sample(&out, out_size, left + 4, 715),
        quarters(0, 699),
        1.0,
        "bottom left",
    );
    assert_near(
        sample(&out, out_size, right - 4, 715),
        quarters(999, 699),
        1.0,
        "bottom right",
    );
}

#[test]
fn what_is_too_small_or_too_short_is_refused() {
    let mut out = Vec::new();
    let mut converter = Converter::new(Size::new(64, 64), Fit::Letterbox, PipeFormat::I420);
    for side in [1, 2, 15] {
        let size = Size::new(side, side);
        let got = converter.convert(&tight(size, |_, _| MAGENTA), &mut out);
        assert!(
            matches!(got, Err(CaptureError::TooSmall(s)) if s == size),
            "{got:?}"
        );
    }
    let mut short = tight(Size::new(32, 32), |_, _| MAGENTA);
    short.data = vec![0; 32 * 32 * 4 - 1].into();
    let got = converter.convert(&short, &mut out);
    assert!(matches!(got, Err(CaptureError::Lost(_))), "{got:?}");
    // B02: rows that are shorter than their pixels.
    let mut narrow = tight(Size::new(32, 32), |_, _| MAGENTA);
    narrow.stride = 31 * 4;
    let got = converter.convert(&narrow, &mut out);
    assert!(matches!(got, Err(CaptureError::Lost(_))), "{got:?}");
    let got = Converter::new(Size::new(8, 8), Fit::Letterbox, PipeFormat::I420)
        .convert(&tight(Size::new(32, 32), |_, _| MAGENTA), &mut out);
    assert!(matches!(got, Err(CaptureError::TooSmall(_))), "{got:?}");
}

/// B01: only one side is odd, or it is far longer than high.
#[test]
fn b01_any_shape_is_cropped_or_fitted_and_never_torn() {
    let noise = |x: u32, y: u32| {
        let v = ((x * 31) ^ (y * 17)) as u8;
        [v, v, v, 0]
    };
    for (width, height) in [
        (1367, 768),
        (1366, 769),
        (17, 16),
        (16, 17),
        (4000, 16),
        (16, 4000),
    ] {
        let source = Size::new(width, height);
        let size = source.even();
        let mut out = Vec::new();
        let mut converter = Converter::new(size, Fit::Letterbox, PipeFormat::I420);
        converter.convert(&tight(source, noise), &mut out).unwrap();
        assert_eq!(out.len(), size.pixels() * 3 / 2, "{source}");
        for (x, y) in [
            (0, 0),
            (size.width - 1, size.height - 1),
            (size.width / 2, 0),
        ] {
            let want = bt709(noise(x, y))[0].round();
            let got = f64::from(sample(&out, size, x, y)[0]);
            assert!(
                (got - want).abs() <= 1.0,
                "{source} ({x},{y}): {got} for {want}"
            );
        }
    }
}

/// B10: SDR white of an HDR desktop is the encoder's white, and its middle grey the middle grey.
#[test]
fn b10_an_hdr_desktops_white_is_white_in_the_encoder() {
    use crate::capture::copy::{Copier, Lent, PixelFormat};
    let size = Size::new(32, 32);
    for (linear, luma, tolerance) in [
        (2.5, 235, 0),
        (0.2158 * 2.5, 126, 6),
        (0.0, 16, 0),
        (20.0, 235, 0),
    ] {
        let pixel: Vec<u8> = [linear, linear, linear, 1.0]
            .into_iter()
            .flat_map(|value| half::f16::from_f32(value).to_le_bytes())
            .collect();
        let lent = Lent {
            bytes: &pixel.repeat(size.pixels()),
            stride: size.width as usize * 8,
            size,
            format: PixelFormat::RgbaF16,
        };
        let frame = Copier::new(None).copy(&lent, MonoTime::ZERO).unwrap();
        let mut out = Vec::new();
        let mut converter = Converter::new(size, Fit::Letterbox, PipeFormat::I420);
        converter.convert(&frame, &mut out).unwrap();
        let got = sample(&out, size, 16, 16);
        assert!(got[0].abs_diff(luma) <= tolerance, "{linear}: {got:?}");
        assert!(
            got[1].abs_diff(128) <= 1 && got[2].abs_diff(128) <= 1,
            "{got:?}"
        );
    }
}

proptest! {
    /// B02, B04: whatever the source's size, padding and pipe, the encoder gets a whole picture of its own
    /// size and no byte more: rawvideo has no header to find the next one by.
    #[test]
    fn b04_each_picture_has_exactly_the_encoders_bytes(
        sizes in proptest::collection::vec((16_u32..200, 16_u32..200, 0_usize..70), 1..6),
        crop in proptest::bool::ANY, bgra in proptest::bool::ANY,
    ) {
        let out_size = Size::new(64, 48);
        let pipe = if bgra { PipeFormat::Bgra } else { PipeFormat::I420 };
        let fit = if crop { Fit::Crop } else { Fit::Letterbox };
        let mut converter = Converter::new(out_size, fit, pipe);
        let mut out = Vec::new();
        for (width, height, padding) in sizes {
            let size = Size::new(width, height);
            let source = frame(size, width as usize * 4 + padding, |_, _| [90, 90, 90, 0]);
            converter.convert(&source, &mut out).unwrap();
            prop_assert_eq!(out.len(), bytes_of(out_size, pipe));
        }
    }

    #[test]
    fn a_fit_is_even_inside_and_of_the_same_aspect(
        sw in 8_u32..4000, sh in 8_u32..4000, ow in 8_u32..2000, oh in 8_u32..2000,
    ) {
        let (source, out) = (Size::new(sw * 2, sh * 2), Size::new(ow * 2, oh * 2));
        let Region { x, y, size } = place::fit(source, out);
        prop_assert!(x % 2 == 0 && y % 2 == 0 && size == size.even());
        prop_assert!(x + size.width <= out.width && y + size.height <= out.height);
        prop_assert!(size.width == out.width || size.height == out.height);
        let ideal = f64::from(source.width) / f64::from(source.height);
        let error = (f64::from(size.height) * ideal - f64::from(size.width)).abs();
        prop_assert!(error <= 2.0 * ideal.max(1.0), "{size} for {source}");
    }
}

/// Prints how long a conversion takes: `cargo test --lib convert -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures; they depend on the machine and the build"]
fn time_of_a_conversion() {
    for (source, out_size) in [
        (Size::new(1280, 720), Size::new(1280, 720)),
        (Size::new(1920, 1080), Size::new(1920, 1080)),
        (Size::new(1920, 1080), Size::new(1280, 720)),
        (Size::new(1366, 768), Size::new(1280, 720)),
        (Size::new(2560, 1440), Size::new(1280, 720)),
    ] {
        let frame = tight(source, |x, y| [x as u8, y as u8, (x ^ y) as u8, 0]);
        let mut converter = Converter::new(out_size, Fit::Letterbox, PipeFormat::I420);
        let mut out = Vec::new();
        let mut us: Vec<u128> = (0..60)
            .map(|_| {
                let started = std::time::Instant::now();
                converter.convert(&frame, &mut out).unwrap();
                started.elapsed().as_micros()
            })
            .collect();
        us.sort_unstable();
        println!(
            "{source} -> I420 {out_size}: p50 {} us, p95 {} us",
            us[30], us[57]
        );
    }
}
