//! ffmpeg's `framehash` lines: one a packet that its muxer was given, with the packet's hash.
//!
//! Pure; read on the publisher's `pd-pub-progress` thread, where they stand between the lines of
//! `-progress`. Form, the same from 4.4 to 9.0 (libavformat/framehash.c, version 2):
//! `stream, dts, pts, duration, size, hash[, side data ...]`, headers begin with `#`.

/// One packet as its line tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Presentation time in samples (the time base is the sampling rate's); the first packet's is
    /// negative by the encoder's delay.
    pub pts: i64,
    /// As [`crate::relay::opus_hash`] makes it of the packet.
    pub hash: u64,
}

/// Reads a line; None where it is none of a packet's.
pub fn parse(line: &str) -> Option<Line> {
    let mut fields = line.split(',').map(str::trim);
    fields.next()?.parse::<u32>().ok()?; // stream
    fields.next()?; // dts
    let pts = fields.next()?.parse().ok()?;
    let (_duration, _size) = (fields.next()?, fields.next()?);
    let hash = fields.next().filter(|hash| hash.len() == 64)?.get(..16)?;
    Some(Line {
        pts,
        hash: u64::from_str_radix(hash, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::opus_hash;
    use proptest::prelude::*;

    #[test]
    fn a_packets_line_is_read_and_nothing_else() {
        // As 5.1, 7.0 and 9.0 write them.
        let hash = "28fff383d90cc188a727cc645e83d7eddafe3f76a14d7e6872b04131f5df0f0f";
        let line = format!("0,       -120,       -120,      480,      101, {hash}");
        let expected = Line {
            pts: -120,
            hash: 0x28ff_f383_d90c_c188,
        };
        assert_eq!(parse(&line), Some(expected));
        assert_eq!(
            parse(&format!("{line}, S=1,       10, 4e2c")),
            Some(expected)
        );
        for other in [
            "#stream#, dts,        pts, duration,     size, hash",
            "#extradata 0,                              19, 0e81",
            "out_time_us=17500",
            "progress=continue",
            "",
            "0,       -120,       -120,      480,      101, 28fff383",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_hash_is_the_one_that_receivers_make() {
        // sha256 of "abc" (FIPS 180-2, appendix B.1).
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let line = format!("0, 0, 0, 480, 3, {hash}");
        assert_eq!(parse(&line).unwrap().hash, opus_hash(b"abc"));
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in "\\PC{0,120}", fields in proptest::collection::vec("[0-9a-fé, -]{0,70}", 0..9)) {
            let _ = parse(&line);
            let _ = parse(&fields.join(","));
        }
    }
}
