//! The table of H.264 encoders: each family's own arguments, one row each, with their sources.
//!
//! Pure. What is common to all (size, rate, GOP, bitrate) is in [`super::plan`].

use super::Version;
use crate::settings::EncoderFamily;

/// One family's row.
#[derive(Debug)]
pub struct Row {
    /// Which family.
    pub family: EncoderFamily,
    /// ffmpeg's name of the encoder.
    pub name: &'static str,
    /// Pixel format that it is fed with, the one that costs it least.
    pub pixel_format: &'static str,
    /// Its own options, with the first version that has each.
    pub options: &'static [(&'static str, &'static str, Version)],
    /// Whether its threads are ours to choose.
    pub cpu: bool,
}

const ALL: Version = Version { major: 4, minor: 4 };

/// Rows in the order in which they are tried.
pub const TABLE: &[Row] = &[Row {
    family: EncoderFamily::Libx264,
    name: "libx264",
    // 720p30: BGRA 5.7 ms a frame, I420 3.8 (measured, ffmpeg 7.0; shared/encoders.md 5.).
    pixel_format: "yuv420p",
    options: &[
        ("-preset", "superfast", ALL),
        // No lookahead, sliced threads: without it 4 frames are held (139 ms at 30 fps).
        ("-tune", "zerolatency", ALL),
        // x264 writes constraint_set0 and 1, that is constrained baseline (SPS 42 C0).
        ("-profile:v", "baseline", ALL),
        // A change of the whole picture is no reason for an IDR: moving pictures got one every few
        // frames (measured), each at the cost of the pictures after it.
        ("-sc_threshold", "0", ALL),
        // A forced key frame is to be an IDR, see the cut-over.
        ("-forced-idr", "1", ALL),
    ],
    cpu: true,
}];

/// The row of a family.
pub fn row(family: EncoderFamily) -> &'static Row {
    // One row a family: a test holds it so.
    TABLE
        .iter()
        .find(|row| row.family == family)
        .unwrap_or(&TABLE[0])
}

/// The family's arguments for a version, `-c:v` first.
pub fn arguments(family: EncoderFamily, version: Version, cores: usize) -> Vec<String> {
    let row = row(family);
    let mut args = vec!["-c:v".into(), row.name.into()];
    for (option, value, since) in row.options {
        if version >= *since {
            args.extend([(*option).to_owned(), (*value).to_owned()]);
        }
    }
    if row.cpu {
        // Sliced threads are the latency: 1 thread 8.6 ms, 2 threads 5.7 at 720p30. More than four
        // slices cost more quality than they gain time.
        args.extend(["-threads".into(), cores.clamp(1, 4).to_string()]);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_one_row() {
        for row in TABLE {
            assert_eq!(
                TABLE.iter().filter(|r| r.family == row.family).count(),
                1,
                "{}",
                row.name
            );
        }
        assert_eq!(row(EncoderFamily::Libx264).name, "libx264");
    }
}
