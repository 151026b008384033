//! NAL units in their two packings: Annex B (start codes) and AVCC (length fields), and the
//! decoder configuration record that stands before AVCC.
//!
//! Pure functions over slices, run on whichever thread reads or writes an access unit; they keep
//! nothing and drop nothing.
//!
//! Everywhere in the console a NAL unit is the bytes from its header to its last byte that is not
//! zero. Annex B allows `trailing_zero_8bits` after a NAL unit (ITU-T H.264 B.1) and a NAL unit
//! itself never ends in a zero byte (7.4.1), so zeros at the end carry nothing; they are stripped
//! on every side alike, and a hash taken at the encoder equals the one taken at a viewer.

use thiserror::Error;

/// NAL unit type: slice of a picture that is not IDR (ITU-T H.264 Table 7-1).
pub const NAL_SLICE: u8 = 1;
/// NAL unit type: slice of an IDR picture.
pub const NAL_IDR: u8 = 5;
/// NAL unit type: supplemental enhancement information.
pub const NAL_SEI: u8 = 6;
/// NAL unit type: sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// NAL unit type: picture parameter set.
pub const NAL_PPS: u8 = 8;
/// NAL unit type: access unit delimiter.
pub const NAL_AUD: u8 = 9;

/// What is wrong with an AVCC buffer or a decoder configuration record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AvccError {
    /// A length field or what it announces reaches beyond the end of the buffer.
    #[error(
        "H.264 data is cut short at byte {at}: {wanted} more bytes announced, {left} there; \
         the encoder's output was truncated"
    )]
    Truncated {
        /// Where, in bytes from the start.
        at: usize,
        /// Bytes announced.
        wanted: usize,
        /// Bytes there.
        left: usize,
    },
    /// The record's version is not 1, the only one that ISO/IEC 14496-15 5.3.3.1 defines.
    #[error("H.264 decoder configuration has version {0}, not 1; this is not an AVC stream")]
    Version(u8),
}

/// The type of a NAL unit (the low five bits of its header); 0, "unspecified", where it is empty.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1f)
}

/// `nal` without the zero bytes at its end.
pub fn strip_trailing_zeros(nal: &[u8]) -> &[u8] {
    let end = nal.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    &nal[..end]
}

/// The NAL units of an Annex B byte stream, in order, without start codes and trailing zeros.
///
/// Bytes before the first start code are passed over, empty NAL units left out.
pub fn nal_units(annexb: &[u8]) -> NalUnits<'_> {
    let (_, rest) = split_at_start_code(annexb);
    NalUnits { rest }
}

/// Iterator of [`nal_units`].
#[derive(Clone, Debug)]
pub struct NalUnits<'a> {
    /// What follows the last start code found; none where there is no further one.
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while let Some(data) = self.rest {
            let (nal, rest) = split_at_start_code(data);
            self.rest = rest;
            let nal = strip_trailing_zeros(nal);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
        None
    }
}

/// What stands before the first `00 00 01` and, where there is one, what stands after it.
fn split_at_start_code(data: &[u8]) -> (&[u8], Option<&[u8]>) {
    // Looks at every third byte where it can: above 1 it can be no part of a start code.
    let mut i = 2;
    while let Some(&third) = data.get(i) {
        match third {
            0 => i += 1,
            1 if data[i - 1] == 0 && data[i - 2] == 0 => {
                return (&data[..i - 2], Some(&data[i + 1..]));
            }
            _ => i += 3,
        }
    }
    (data, None)
}

/// Whether an Annex B access unit holds a slice of an IDR picture.
pub fn has_idr(annexb: &[u8]) -> bool {
    nal_units(annexb).any(|nal| nal_type(nal) == NAL_IDR)
}

/// The NAL units of an AVCC buffer with length fields of `length_size` bytes (1..=4; FLV and MP4
/// from ffmpeg use 4), without trailing zeros; empty ones are left out.
///
/// # Errors
/// [`AvccError::Truncated`] where the buffer ends within a length field or a NAL unit.
pub fn avcc_nal_units(avcc: &[u8], length_size: usize) -> Result<Vec<&[u8]>, AvccError> {
    let length_size = length_size.clamp(1, 4);
    let mut reader = Reader { data: avcc, at: 0 };
    let mut nals = Vec::new();
    while reader.left() > 0 {
        let length = reader
            .take(length_size)?
            .iter()
            .fold(0, |sum, &b| sum << 8 | usize::from(b));
        let nal = strip_trailing_zeros(reader.take(length)?);
        if !nal.is_empty() {
            nals.push(nal);
        }
    }
    Ok(nals)
}

/// Appends `nals` to `out`, each after a four-byte start code.
pub fn write_annexb<'a>(nals: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    for nal in nals {
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(nal);
    }
}

/// An AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1): the "sequence header" of FLV, the
/// `avcC` box of MP4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// AVCProfileIndication, e.g. 66 baseline, 77 main, 100 high.
    pub profile: u8,
    /// profile_compatibility, the constraint flags.
    pub compatibility: u8,
    /// AVCLevelIndication, ten times the level: 31 is level 3.1.
    pub level: u8,
    /// Bytes in the length field before each NAL unit (1..=4).
    pub length_size: usize,
    /// Sequence parameter sets, as NAL units.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets, as NAL units.
    pub pps: Vec<Vec<u8>>,
}

impl AvcConfig {
    /// Reads a record. What follows the picture parameter sets (the chroma format of high
    /// profiles) is not looked at.
    ///
    /// # Errors
    /// [`AvccError::Version`] or [`AvccError::Truncated`].
    pub fn parse(record: &[u8]) -> Result<Self, AvccError> {
        let mut reader = Reader {
            data: record,
            at: 0,
        };
        let version = reader.u8()?;
        if version != 1 {
            return Err(AvccError::Version(version));
        }
        Ok(Self {
            profile: reader.u8()?,
            compatibility: reader.u8()?,
            level: reader.u8()?,
            length_size: usize::from(reader.u8()? & 0x03) + 1,
            sps: reader.parameter_sets(0x1f)?,
            pps: reader.parameter_sets(0xff)?,
        })
    }

    /// The parameter sets, SPS first, as they stand before an IDR picture.
    pub fn parameter_sets(&self) -> impl Iterator<Item = &[u8]> {
        self.sps.iter().chain(&self.pps).map(Vec::as_slice)
    }
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn left(&self) -> usize {
        self.data.len() - self.at
    }

    fn take(&mut self, wanted: usize) -> Result<&'a [u8], AvccError> {
        if wanted > self.left() {
            return Err(AvccError::Truncated {
                at: self.at,
                wanted,
                left: self.left(),
            });
        }
        let taken = &self.data[self.at..self.at + wanted];
        self.at += wanted;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, AvccError> {
        Ok(self.take(1)?[0])
    }

    fn parameter_sets(&mut self, count_mask: u8) -> Result<Vec<Vec<u8>>, AvccError> {
        let count = self.u8()? & count_mask;
        (0..count)
            .map(|_| {
                let length = usize::from(self.u8()?) << 8 | usize::from(self.u8()?);
                Ok(strip_trailing_zeros(self.take(length)?).to_vec())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_start_codes_and_trailing_zeros() {
        let stream = [
            0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 0,
        ];
        let nals: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(nals, [&[0x67_u8, 1][..], &[0x68, 2], &[0x65, 0, 0, 3, 1]]);
        assert!(has_idr(&stream));
        assert!(!has_idr(&stream[..15]));
    }

    #[test]
    fn what_precedes_the_first_start_code_is_no_nal_unit() {
        assert_eq!(nal_units(&[5, 5, 5]).count(), 0);
        let nals: Vec<&[u8]> = nal_units(&[9, 9, 0, 0, 1, 0x41]).collect();
        assert_eq!(nals, [&[0x41_u8][..]]);
    }

    #[test]
    fn record_of_x264() {
        // The sequence header of ffmpeg 5.1, `-f lavfi -i testsrc2=size=64x64:rate=30
        // -c:v libx264 -profile:v baseline -pix_fmt yuv420p -f flv`.
        let sps = [
            0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x04, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
            0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x48, 0x99, 0x20,
        ];
        let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
        let record = [
            &[0x01, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0, sps.len() as u8][..],
            &sps,
            &[1, 0, pps.len() as u8],
            &pps,
        ]
        .concat();
        let config = AvcConfig::parse(&record).unwrap();
        assert_eq!(
            (config.profile, config.level, config.length_size),
            (66, 10, 4)
        );
        assert_eq!(config.sps, [sps.to_vec()]);
        assert_eq!(config.pps, [pps.to_vec()]);
        assert_eq!(
            config.parameter_sets().map(nal_type).collect::<Vec<_>>(),
            [NAL_SPS, NAL_PPS]
        );
        for cut in 0..record.len() {
            assert!(matches!(
                AvcConfig::parse(&record[..cut]),
                Err(AvccError::Truncated { .. })
            ));
        }
        assert_eq!(AvcConfig::parse(&[0, 1]), Err(AvccError::Version(0)));
    }

    #[test]
    fn cut_avcc_is_an_error() {
        assert_eq!(
            avcc_nal_units(&[0, 0, 0, 3, 0x65, 1], 4),
            Err(AvccError::Truncated {
                at: 4,
                wanted: 3,
                left: 2
            })
        );
        assert!(avcc_nal_units(&[0, 0], 4).is_err());
        assert_eq!(
            avcc_nal_units(&[2, 0x65, 1], 1).unwrap(),
            [&[0x65_u8, 1][..]]
        );
    }

    /// The plain definition that the fast search must agree with.
    fn nal_units_slowly(stream: &[u8]) -> Vec<Vec<u8>> {
        let mut starts: Vec<usize> = Vec::new();
        let mut i = 0;
        while i + 3 <= stream.len() {
            if stream[i..i + 3] == [0, 0, 1] {
                starts.push(i);
                i += 3;
            } else {
                i += 1;
            }
        }
        let ends = starts.iter().skip(1).copied().chain([stream.len()]);
        starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| strip_trailing_zeros(&stream[start + 3..end]).to_vec())
            .filter(|nal| !nal.is_empty())
            .collect()
    }

    prop_compose! {
        /// A NAL unit as an encoder writes it: emulation prevented, never ending in zero.
        fn nal()(body in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..60))
            -> Vec<u8> {
            let mut nal = vec![0x41];
            for byte in body {
                if byte <= 3 && nal.ends_with(&[0, 0]) {
                    nal.push(3);
                }
                nal.push(byte);
            }
            nal.push(0x80);
            nal
        }
    }

    proptest! {
        #[test]
        fn annexb_comes_back(nals in prop::collection::vec(nal(), 0..8)) {
            let mut stream = Vec::new();
            write_annexb(nals.iter().map(Vec::as_slice), &mut stream);
            prop_assert_eq!(nal_units(&stream).map(<[u8]>::to_vec).collect::<Vec<_>>(), nals);
        }

        #[test]
        fn avcc_comes_back(nals in prop::collection::vec(nal(), 0..8)) {
            let mut avcc = Vec::new();
            for nal in &nals {
                avcc.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                avcc.extend_from_slice(nal);
            }
            prop_assert_eq!(avcc_nal_units(&avcc, 4).unwrap(), nals);
        }

        #[test]
        fn fast_search_agrees_with_the_plain_one(
            stream in prop::collection::vec(prop_oneof![4 => Just(0_u8), 2 => Just(1), 1 => any::<u8>()], 0..200)
        ) {
            let fast: Vec<Vec<u8>> = nal_units(&stream).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(fast, nal_units_slowly(&stream));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            length_size in 0_usize..6,
        ) {
            let _ = avcc_nal_units(&bytes, length_size);
            let _ = AvcConfig::parse(&bytes);
            let total: usize = nal_units(&bytes).map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
        }
    }
}
