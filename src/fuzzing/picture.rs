//! Pictures and samples of any layout: what reads them stays within them.

use super::input::{Input, pieces};
use crate::audio::convert::{Converter as SoundConverter, append_stereo};
use crate::audio::{CHANNELS, SAMPLE_RATE};
use crate::capture::Frame;
use crate::capture::convert::{Converter, bytes_of};
use crate::capture::copy::{Copier, Lent, PixelFormat};
use crate::clock::MonoTime;
use crate::glass::code::{self, HEIGHT, Place, Seen, Stamp, WIDTH, white_runs};
use crate::glass::find::{Luma, find};
use crate::settings::{Fit, PipeFormat};
use crate::units::{Region, Size};

/// A picture of any layout: no place is read outside of it; a block that was drawn is found, with its
/// time and no other.
pub fn glass(data: &[u8]) {
    let mut input = Input::new(data);
    let bgra = input.flag();
    let step = if bgra { 4 } else { 1 };
    if input.flag() {
        let size = Size::new(u32::from(input.u8()), u32::from(input.u8()));
        let stride = usize::from(input.u16()) % 2048;
        let place = Place {
            left: f32::from_bits(input.u32()),
            top: f32::from(input.u16() as i16) / 16.0,
            cell_width: f32::from(input.u16() as i16) / 64.0,
            cell_height: f32::from_bits(input.u32()),
        };
        let bytes = input.rest();
        let picture = if bgra {
            Luma::of_bgra(bytes, stride, size)
        } else {
            Luma::of_plane(bytes, stride, size)
        };
        if let Some(picture) = picture {
            let _ = code::read(&picture, &place);
            for (place, _) in find(&picture) {
                assert!(place.block().iter().all(|side| side.is_finite()));
            }
        }
        return;
    }
    let stamp = Stamp::of_micros(input.u64());
    let cell = 4 + u32::from(input.u8() % 6);
    let (x, y) = (u32::from(input.u8() % 32), u32::from(input.u8() % 32));
    let size = Size::new(x + cell * WIDTH + 8, y + cell * HEIGHT + 8);
    let stride = size.width as usize * step + usize::from(input.u8());
    let mut bytes = vec![0_u8; stride * size.height as usize];
    for (left, top, width) in white_runs(stamp) {
        for row in 0..cell {
            for column in 0..cell * width {
                let at = (y + top * cell + row) as usize * stride
                    + (x + left * cell + column) as usize * step;
                bytes[at..at + step].fill(255);
            }
        }
    }
    // Noise of the fuzzer's choice: at worst the time is not read, never another.
    let noise = input.rest();
    for (n, byte) in noise.iter().enumerate() {
        let at = (n * 7919 + usize::from(*byte) * 131) % bytes.len();
        bytes[at] = bytes[at].wrapping_add(*byte);
    }
    let picture = if bgra {
        Luma::of_bgra(&bytes, stride, size)
    } else {
        Luma::of_plane(&bytes, stride, size)
    };
    let found = find(&picture.expect("a whole picture"));
    for (_, seen) in &found {
        assert!(
            !matches!(seen, Seen::Time(other) if *other != stamp),
            "another time"
        );
    }
    if noise.is_empty() {
        assert!(
            found.iter().any(|(_, seen)| *seen == Seen::Time(stamp)),
            "not found: {found:?}"
        );
    }
}

/// Lent pictures of any size, stride, format and region: copied pixel for pixel, or refused.
pub fn capture_copy(data: &[u8]) {
    let mut input = Input::new(data);
    let format = [
        PixelFormat::Bgrx,
        PixelFormat::Rgbx,
        PixelFormat::Xrgb,
        PixelFormat::Xbgr,
        PixelFormat::RgbaF16,
    ][input.below(5)];
    let side = |input: &mut Input<'_>| match input.u8() {
        255 => u32::MAX,
        254 => 1 << 20,
        n => u32::from(n) % 64,
    };
    let size = Size::new(side(&mut input), side(&mut input));
    let stride = match input.u16() {
        0xffff => usize::MAX,
        0xfffe => usize::MAX / 2,
        n => usize::from(n) % 1024,
    };
    let region = input.flag().then(|| Region {
        x: side(&mut input),
        y: side(&mut input),
        size: Size::new(side(&mut input), side(&mut input)),
    });
    let white = f32::from_bits(input.u32());
    let bytes = input.rest();
    let lent = Lent {
        bytes,
        stride,
        size,
        format,
    };
    let mut copier = Copier::new(region);
    if format == PixelFormat::RgbaF16 {
        copier = copier.sdr_white(white);
    }
    let Ok(frame) = copier.copy(&lent, MonoTime::ZERO) else {
        return;
    };
    let part = region.map_or(Some(Region::whole(size)), |region| region.within(size));
    let part = part.expect("a region within it");
    assert_eq!(frame.size, part.size);
    assert_eq!(frame.stride, part.size.width as usize * 4);
    assert_eq!(frame.data.len(), frame.stride * part.size.height as usize);
    let order = match format {
        PixelFormat::Bgrx => [0, 1, 2],
        PixelFormat::Rgbx => [2, 1, 0],
        PixelFormat::Xrgb => [3, 2, 1],
        PixelFormat::Xbgr => [1, 2, 3],
        PixelFormat::RgbaF16 => return,
    };
    for y in 0..part.size.height as usize {
        for x in 0..part.size.width as usize {
            let from = (y + part.y as usize) * stride + (x + part.x as usize) * 4;
            let to = y * frame.stride + x * 4;
            let wanted = order.map(|at| bytes[from + at]);
            assert_eq!(frame.data[to..to + 3], wanted, "pixel {x}, {y}");
        }
    }
}

/// Frames of any size and stride into pictures of another: of exactly their length, or refused.
pub fn capture_convert(data: &[u8]) {
    let mut input = Input::new(data);
    let format = if input.flag() {
        PipeFormat::I420
    } else {
        PipeFormat::Bgra
    };
    let fit = if input.flag() {
        Fit::Letterbox
    } else {
        Fit::Crop
    };
    let out = Size::new(u32::from(input.u8()), u32::from(input.u8()));
    let mut converter = Converter::new(out, fit, format);
    let mut bytes = Vec::new();
    for _ in 0..3 {
        let size = Size::new(u32::from(input.u8()), u32::from(input.u8()));
        let stride = match input.u8() {
            255 => usize::MAX,
            n => size.width as usize * 4 + usize::from(n) % 9,
        };
        let short = usize::from(input.u8()).saturating_sub(250);
        let whole = stride.checked_mul(size.height as usize);
        let length = whole.filter(|whole| *whole < 1 << 20).unwrap_or(64);
        let length = length.saturating_sub(short);
        let fill = input.u8();
        let data: Vec<u8> = (0..length).map(|n| (n as u8).wrapping_mul(fill)).collect();
        let frame = Frame {
            captured_at: MonoTime::ZERO,
            in_memory_at: MonoTime::ZERO,
            size,
            stride,
            data: data.into(),
        };
        if converter.convert(&frame, &mut bytes).is_ok() {
            assert_eq!(bytes.len(), bytes_of(converter.size(), format));
            if format == PipeFormat::I420 {
                // Limited range (ITU-R BT.709-6), give or take the scaler's rounding.
                let luma = &bytes[..converter.size().pixels()];
                assert!(
                    luma.iter().all(|y| (15..=236).contains(y)),
                    "luma out of range"
                );
            }
        }
        if input.flag() {
            converter.set_fit(if fit == Fit::Crop {
                Fit::Letterbox
            } else {
                Fit::Crop
            });
        }
    }
}

/// Samples of any rate, layout and number: as many come out as went in, in time, and all of them finite.
pub fn audio_convert(data: &[u8]) {
    let mut input = Input::new(data);
    let rate = match input.u8() {
        0 => SAMPLE_RATE,
        1 => input.u32(),
        n => [
            8000, 11_025, 16_000, 22_050, 32_000, 44_100, 88_200, 96_000, 192_000, 384_000,
        ][usize::from(n) % 10],
    };
    let channels = input.below(9);
    let kind = input.below(4);
    let seed = input.u8();
    let (mut fed, mut made) = (0_u64, 0_u64);
    let Ok(mut converter) = SoundConverter::new(rate) else {
        return;
    };
    let mut last = MonoTime::ZERO;
    let mut stereo = Vec::new();
    let bytes: Vec<u8> = input.rest().iter().copied().cycle().take(12_000).collect();
    for chunk in pieces(&bytes, seed & !1) {
        stereo.clear();
        match kind {
            0 => append_stereo(chunk, channels, &mut stereo),
            1 => {
                let samples: Vec<i16> = chunk
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| i16::from_le_bytes(*b))
                    .collect();
                append_stereo(&samples, channels, &mut stereo);
            }
            2 => {
                let samples: Vec<i32> = chunk
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| i32::from_le_bytes(*b))
                    .collect();
                append_stereo(&samples, channels, &mut stereo);
            }
            _ => {
                let samples: Vec<f32> = chunk
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0)
                    .collect();
                append_stereo(&samples, channels, &mut stereo);
            }
        }
        assert_eq!(stereo.len() % CHANNELS, 0);
        let at = MonoTime::from_micros(1_000_000 + fed * 1_000_000 / u64::from(rate.max(1)));
        fed += (stereo.len() / CHANNELS) as u64;
        let (first_at, out) = converter.convert(at, &stereo).expect("samples of its rate");
        assert_eq!(out.len() % CHANNELS, 0);
        assert!(
            out.iter()
                .all(|sample| sample.is_finite() && sample.abs() < 8.0)
        );
        made += (out.len() / CHANNELS) as u64;
        if !out.is_empty() {
            // Frames wait whole blocks; the time of what comes out never runs backwards by more than a block.
            assert!(first_at <= at);
            assert!(
                first_at + std::time::Duration::from_micros(1 + 128 * 1_000_000 / u64::from(rate))
                    >= last
            );
            last = first_at;
        }
    }
    let wanted = fed * u64::from(SAMPLE_RATE) / u64::from(rate.max(1));
    let waits = 2 * 128 * u64::from(SAMPLE_RATE) / u64::from(rate.max(1)) + 8;
    assert!(
        made <= wanted + waits && made + waits >= wanted,
        "{fed} at {rate} Hz made {made}"
    );
}

/// Pictures through a pipe whose reader is as slow and as greedy as the fuzzer wants: whole and in order,
/// from memory that is used again at once.
#[cfg(target_os = "linux")]
pub fn lend(data: &[u8]) {
    use crate::relay::lend::{Lent as Pages, PicturePipe};
    use std::io::Read;
    use std::sync::Arc;
    let mut input = Input::new(data);
    let length = 1 + usize::from(input.u16());
    let count = 1 + input.below(24);
    let (read, write) = rustix::pipe::pipe().expect("a pipe");
    let _ = rustix::pipe::fcntl_setpipe_size(&write, 4096 << input.below(6));
    let leaves_after = input.flag().then(|| usize::from(input.u16()) * 16);
    let blocks: Vec<usize> = input
        .rest()
        .iter()
        .map(|b| 1 + usize::from(*b) * 37)
        .collect();
    let lent = Pages::default();
    let kept = lent.clone();
    let reader = std::thread::spawn(move || {
        let mut read = std::fs::File::from(read);
        let mut got = Vec::new();
        let mut sizes = blocks.iter().copied().cycle();
        loop {
            let mut block = vec![0; sizes.next().unwrap_or(65_536)];
            match read.read(&mut block) {
                Ok(0) | Err(_) => break,
                Ok(n) => got.extend_from_slice(&block[..n]),
            }
            if leaves_after.is_some_and(|most| got.len() > most) {
                break;
            }
        }
        drop((read, kept));
        got
    });
    let mut pipe = PicturePipe::new(std::fs::File::from(write), lent);
    let mut pool: Vec<Arc<Vec<u8>>> = Vec::new();
    let mut wanted = Vec::new();
    for n in 0..count {
        let free = pool
            .iter_mut()
            .position(|picture| Arc::get_mut(picture).is_some());
        let mut picture = free.map_or_else(|| Arc::new(vec![0; length]), |at| pool.swap_remove(at));
        if let Some(bytes) = Arc::get_mut(&mut picture) {
            bytes
                .iter_mut()
                .enumerate()
                .for_each(|(at, byte)| *byte = (at + n * 31) as u8);
        }
        wanted.extend_from_slice(&picture);
        if pipe.write(&picture).is_err() {
            break;
        }
        pool.push(picture);
        let most = (4096 << 5) / length + 3;
        assert!(
            pool.len() <= most,
            "{} pictures of {length} bytes are held",
            pool.len()
        );
    }
    drop((pipe, pool));
    let got = reader.join().expect("the reader");
    assert!(wanted.starts_with(&got) || got.starts_with(&wanted), "torn");
    assert!(leaves_after.is_some() || got.len() == wanted.len());
}

#[cfg(not(target_os = "linux"))]
pub fn lend(_: &[u8]) {}
