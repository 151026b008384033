//! Pictures as small PNG files, and how far two of them are from each other.
#![allow(clippy::unwrap_used)] // Serves tests only.

use crate::paint::Picture;
use std::collections::HashMap;
use std::io::BufWriter;
use std::path::Path;

/// A channel may differ by so much: rounding, and the colours that a file does without.
const CHANNEL: u8 = 40;
/// So many pixels of a million may differ by more.
const MILLIONTHS: usize = 300;

/// Writes it with at most 256 colours, near ones made one.
pub fn write(path: &Path, picture: &Picture) {
    let (palette, indices) = (0..6).find_map(|bits| few(picture, bits)).expect("colours");
    let file = BufWriter::new(std::fs::File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&indices).unwrap();
}

/// Palette and indices where so many of the lowest bits are left out; None where 256 do not do.
fn few(picture: &Picture, bits: u32) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut known: HashMap<[u8; 3], (u8, [u64; 4])> = HashMap::new();
    let mut indices = Vec::with_capacity(picture.pixels.len());
    for [r, g, b, _] in &picture.pixels {
        let key = [r, g, b].map(|value| value >> bits);
        let next = u8::try_from(known.len());
        let (index, sums) = match known.get_mut(&key) {
            Some(entry) => entry,
            None => known.entry(key).or_insert((next.ok()?, [0; 4])),
        };
        indices.push(*index);
        for (sum, value) in sums.iter_mut().zip([*r, *g, *b, 1]) {
            *sum += u64::from(value);
        }
    }
    let mut palette = vec![0; known.len() * 3];
    for (index, [r, g, b, count]) in known.into_values() {
        let mean = [r, g, b].map(|sum| (sum / count) as u8);
        palette[usize::from(index) * 3..][..3].copy_from_slice(&mean);
    }
    Some((palette, indices))
}

/// Reads what [`write`] wrote.
pub fn read(path: &Path) -> Option<Picture> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb, "{}", path.display());
    let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2], 255]);
    Some(Picture {
        width: info.width as usize,
        height: info.height as usize,
        pixels: pixels.collect(),
    })
}

/// How the pictures differ, in words, with a picture of it; None where they are the same to the eye.
pub fn difference(is: &Picture, was: &Picture) -> Option<(String, Picture)> {
    if (is.width, is.height) != (was.width, was.height) {
        let words = format!(
            "{}x{}, was {}x{}",
            is.width, is.height, was.width, was.height
        );
        return Some((words, is.clone()));
    }
    let mut shown = is.clone();
    let mut count = 0;
    for ((now, before), mark) in is.pixels.iter().zip(&was.pixels).zip(&mut shown.pixels) {
        let far = now
            .iter()
            .zip(before)
            .any(|(a, b)| a.abs_diff(*b) > CHANNEL);
        count += usize::from(far);
        // What is the same is faint, what is not is red.
        *mark = if far {
            [255, 0, 0, 255]
        } else {
            mark.map(|value| value / 3)
        };
    }
    let most = is.pixels.len() * MILLIONTHS / 1_000_000;
    (count > most).then(|| (format!("{count} pixels differ, {most} may"), shown))
}
