//! A small RGBA copy of a frame for the window.
//!
//! Runs on the thread that makes the snapshot, at the window's rate and never at the show's; it
//! keeps nothing.

use super::Frame;
use crate::units::Size;

/// A copy no wider than `max_width` pixels (at least one), RGBA with alpha 255, rows tight.
///
/// Shrinks by a whole factor, each pixel the mean of 2x2 neighbours: fine for an eye on a preview
/// and far cheaper than a real scaler. A frame whose bytes do not hold its size comes out black.
pub fn downscale(frame: &Frame, max_width: u32) -> (Size, Vec<u8>) {
    let factor = frame.size.width.div_ceil(max_width.max(1)).max(1);
    let size = Size::new(
        (frame.size.width / factor).max(1),
        (frame.size.height / factor).max(1),
    );
    let mut rgba = vec![0; size.pixels() * 4];
    let step = factor as usize;
    let row = size.width as usize * 4;
    let needed = frame.stride * (frame.size.height as usize).saturating_sub(1)
        + frame.size.width as usize * 4;
    if frame.data.len() < needed || frame.size.pixels() == 0 {
        for pixel in rgba.as_chunks_mut::<4>().0 {
            pixel[3] = 255;
        }
        return (size, rgba);
    }
    for (y, out) in rgba.chunks_exact_mut(row).enumerate() {
        let line = &frame.data[y * step * frame.stride..];
        let out = out.as_chunks_mut::<4>().0.iter_mut();
        if step == 1 {
            for (out, pixel) in out.zip(line.as_chunks::<4>().0) {
                *out = rgba_of(u32::from_le_bytes(*pixel));
            }
            continue;
        }
        let below = &frame.data[(y * step + 1) * frame.stride..];
        if step == 2 {
            let pairs = line.as_chunks::<8>().0.iter().zip(below.as_chunks::<8>().0);
            for (out, (a, b)) in out.zip(pairs) {
                *out = mean(u64::from_le_bytes(*a), u64::from_le_bytes(*b));
            }
            continue;
        }
        let blocks = |line| <[u8]>::chunks(line, step * 4);
        for ((out, a), b) in out.zip(blocks(line)).zip(blocks(below)) {
            let (Some((a, _)), Some((b, _))) = (a.split_first_chunk::<8>(), b.split_first_chunk())
            else {
                break;
            };
            *out = mean(u64::from_le_bytes(*a), u64::from_le_bytes(*b));
        }
    }
    (size, rgba)
}

/// One pixel's bytes put into RGBA order.
fn rgba_of(bgra: u32) -> [u8; 4] {
    (bgra >> 16 & 0xff | bgra & 0xff00 | (bgra & 0xff) << 16 | 0xff00_0000).to_le_bytes()
}

/// Mean of two pixels of one row and the two below, as RGBA.
fn mean(above: u64, below: u64) -> [u8; 4] {
    // Every second byte in a lane of its own, so that four channels are summed by one addition.
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let blue_red = (above & EVEN) + (below & EVEN);
    let green = (above >> 8 & EVEN) + (below >> 8 & EVEN);
    let both = |lanes: u64| (lanes & 0xffff_ffff) + (lanes >> 32);
    let (blue_red, green) = (both(blue_red), both(green));
    let blue_red = blue_red >> 2 & EVEN;
    rgba_of((blue_red | (green << 6 & 0xff00)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonoTime;

    fn frame(size: Size, stride: usize, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
        let mut data = vec![0xEE; stride * size.height as usize];
        for y in 0..size.height {
            for x in 0..size.width {
                let at = y as usize * stride + x as usize * 4;
                data[at..at + 4].copy_from_slice(&pixel(x, y));
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

    #[test]
    fn a_frame_that_fits_only_changes_its_byte_order() {
        let (size, rgba) = downscale(
            &frame(Size::new(3, 2), 16, |x, y| [x as u8, y as u8, 9, 0]),
            3,
        );
        assert_eq!(size, Size::new(3, 2));
        assert_eq!(rgba[..8], [9, 0, 0, 255, 9, 0, 1, 255]);
        assert_eq!(rgba[12..16], [9, 1, 0, 255]);
    }

    #[test]
    fn a_larger_one_is_averaged_and_stays_upright() {
        // Columns alternate, so that only a mean gives the value between.
        let source = frame(Size::new(1367, 769), 5504, |x, y| {
            let top = if y < 384 { 200 } else { 40 };
            [top, if x % 2 == 0 { 100 } else { 140 }, 7, 0]
        });
        let (size, rgba) = downscale(&source, 684);
        assert_eq!(size, Size::new(683, 384));
        assert_eq!(rgba[..4], [7, 120, 200, 255]);
        assert_eq!(rgba[rgba.len() - 4..], [7, 120, 40, 255]);
        assert_eq!(rgba.len(), size.pixels() * 4);
        assert!(
            rgba.as_chunks::<4>()
                .0
                .iter()
                .all(|p| p[0] == 7 && p[1] == 120)
        );
    }

    #[test]
    fn saturated_channels_do_not_spill_into_each_other() {
        for pixel in [[255, 255, 255, 255], [255, 0, 255, 0], [0, 255, 0, 255]] {
            let (_, rgba) = downscale(&frame(Size::new(9, 9), 36, |_, _| pixel), 3);
            let [b, g, r, _] = pixel;
            assert!(rgba.as_chunks::<4>().0.iter().all(|&p| p == [r, g, b, 255]));
        }
    }

    #[test]
    fn a_frame_too_short_is_black_and_no_panic() {
        let mut short = frame(Size::new(64, 64), 256, |_, _| [255; 4]);
        short.data = vec![255; 100].into();
        let (size, rgba) = downscale(&short, 32);
        assert_eq!(size, Size::new(32, 32));
        assert_eq!(rgba[..4], [0, 0, 0, 255]);
        let (size, _) = downscale(&frame(Size::new(100, 1), 400, |_, _| [1; 4]), 10);
        assert_eq!(size, Size::new(10, 1));
    }

    /// Prints the time of a preview: `cargo test --lib preview -- --ignored --nocapture`.
    #[test]
    #[ignore = "prints figures; they depend on the machine and the build"]
    fn time_of_a_preview() {
        let source = frame(Size::new(1920, 1080), 7680, |x, y| [x as u8, y as u8, 3, 0]);
        for width in [1920, 960, 640, 480] {
            let mut us: Vec<u128> = (0..60)
                .map(|_| {
                    let started = std::time::Instant::now();
                    std::hint::black_box(downscale(&source, width));
                    started.elapsed().as_micros()
                })
                .collect();
            us.sort_unstable();
            println!("1920x1080 -> {width}: p50 {} us, p95 {} us", us[30], us[57]);
        }
    }
}
