//! The few bits of H.264 that are read beyond NAL unit types: slice types, slice groups and the
//! picture's size. Pure.

use super::annexb::{NAL_IDR, NAL_SLICE, NAL_SPS, nal_type};
use crate::units::Size;

/// What kind of slice a NAL unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceKind {
    /// Of an IDR picture.
    pub idr: bool,
    /// Predicted from two pictures: a B slice.
    pub bipredicted: bool,
}

/// The kind of a NAL unit's slice (ITU-T H.264 7.3.3, Table 7-6); None where it is no slice, or is cut
/// off.
pub fn slice_kind(nal: &[u8]) -> Option<SliceKind> {
    let kind = nal_type(nal);
    if ![NAL_SLICE, NAL_IDR].contains(&kind) {
        return None;
    }
    Some(SliceKind {
        idr: kind == NAL_IDR,
        bipredicted: slice_type(nal)? % 5 == 1,
    })
}

/// slice_type: the second number of a slice's header; None above Table 7-6's.
fn slice_type(nal: &[u8]) -> Option<u32> {
    let head = head(nal, HEAD);
    let mut bits = Bits::of(&head);
    let _first_mb_in_slice = bits.exp_golomb()?;
    bits.exp_golomb().filter(|kind| *kind < 10)
}

/// Whether a picture parameter set has more than one slice group (7.3.2.2), as plain baseline may and
/// constrained baseline may not; None where it is cut off.
pub fn uses_slice_groups(pps: &[u8]) -> Option<bool> {
    let head = head(pps, HEAD);
    let mut bits = Bits::of(&head);
    let _pic_parameter_set_id = bits.exp_golomb()?;
    let _seq_parameter_set_id = bits.exp_golomb()?;
    let _entropy_coding_mode = bits.bit()?;
    let _bottom_field_order = bits.bit()?;
    Some(bits.exp_golomb()? > 0)
}

/// The size of a sequence parameter set's pictures as they are shown (7.3.2.1.1, cropping by 7.4.2.1.1);
/// None where it is none, or is cut off.
pub fn picture_size(sps: &[u8]) -> Option<Size> {
    if nal_type(sps) != NAL_SPS {
        return None;
    }
    let head = head(sps, SPS_HEAD);
    let profile_idc = *head.first()?;
    let mut bits = Bits {
        data: &head,
        at: 24,
    };
    let _seq_parameter_set_id = bits.exp_golomb()?;
    let mut chroma_format = 1;
    if HIGH_PROFILES.contains(&profile_idc) {
        chroma_format = bits.exp_golomb()?;
        if chroma_format == 3 {
            let _separate_colour_planes = bits.bit()?;
        }
        let _bit_depths = (bits.exp_golomb()?, bits.exp_golomb()?);
        let _lossless = bits.bit()?;
        if bits.bit()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.bit()? {
                    bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let _log2_max_frame_num = bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => {
            let _log2_max_order_count = bits.exp_golomb()?;
        }
        1 => {
            let _delta_always_zero = bits.bit()?;
            let _offsets = (bits.exp_golomb()?, bits.exp_golomb()?);
            for _ in 0..bits.exp_golomb()? {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    let _max_reference_frames = bits.exp_golomb()?;
    let _gaps_allowed = bits.bit()?;
    let width_mbs = u64::from(bits.exp_golomb()?) + 1;
    let height_map_units = u64::from(bits.exp_golomb()?) + 1;
    let frame_mbs_only = bits.bit()?;
    let fields = if frame_mbs_only { 1 } else { 2 };
    if !frame_mbs_only {
        let _adaptive = bits.bit()?;
    }
    let _direct_8x8 = bits.bit()?;
    let (mut across, mut down) = (0, 0);
    if bits.bit()? {
        let mut next = || bits.exp_golomb().map(u64::from);
        let (left, right, top, bottom) = (next()?, next()?, next()?, next()?);
        // Crop units, Table 6-1: the chroma's raster.
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        (across, down) = ((left + right) * unit_x, (top + bottom) * unit_y * fields);
    }
    let side = |whole: u64, cut: u64| u32::try_from(whole.checked_sub(cut)?).ok();
    Some(Size::new(
        side(width_mbs * 16, across)?,
        side(height_map_units * 16 * fields, down)?,
    ))
}

/// Profiles whose parameter sets tell their chroma format (7.3.2.1.1).
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Bytes of a sequence parameter set that are read: twelve scaling lists take some 600.
const SPS_HEAD: usize = 1024;

/// A NAL unit's first bytes behind its header, without emulation prevention (7.4.1): more than the
/// fields that are read here can fill, each of 32 bits and its prefix.
fn head(nal: &[u8], limit: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(limit.min(nal.len()));
    for &byte in nal.iter().skip(1).take(limit) {
        if byte == 3 && bytes.ends_with(&[0, 0]) {
            continue;
        }
        bytes.push(byte);
    }
    bytes
}

const HEAD: usize = 32;

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn of(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = *self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    /// ue(v), 9.1; None above 31 bits.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1_u64;
        for _ in 0..zeros {
            value = value << 1 | u64::from(self.bit()?);
        }
        u32::try_from(value - 1).ok()
    }

    /// se(v), 9.1.1.
    fn signed_exp_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.exp_golomb()?);
        Some(if code % 2 == 0 {
            -code / 2
        } else {
            (code + 1) / 2
        })
    }

    /// scaling_list(), 7.3.2.1.1.1.
    fn skip_scaling_list(&mut self, size: u32) -> Option<()> {
        let (mut last, mut next) = (8, 8);
        for _ in 0..size {
            if next != 0 {
                next = (last + self.signed_exp_golomb()? + 256) % 256;
            }
            if next != 0 {
                last = next;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slices_are_told_apart() {
        let kind = |nal: &[u8]| slice_kind(nal).map(|k| (k.idr, k.bipredicted));
        // first_mb 0 is `1`; slice types 7 `0001000`, 5 `00110`, 6 `00111`, 0 `1`, 1 `010`.
        assert_eq!(kind(&[0x65, 0b1000_1000]), Some((true, false)));
        assert_eq!(kind(&[0x41, 0b1001_1000]), Some((false, false)));
        assert_eq!(kind(&[0x01, 0b1001_1100]), Some((false, true)));
        assert_eq!(kind(&[0x41, 0b1100_0000]), Some((false, false)));
        assert_eq!(kind(&[0x01, 0b1010_0000]), Some((false, true)));
        // A second slice: first_mb 1 is `010`.
        assert_eq!(kind(&[0x01, 0b0100_1000]), Some((false, true)));
        assert_eq!(kind(&[0x67, 0x42]), None);
        assert_eq!(kind(&[0x41]), None);
    }

    #[test]
    fn later_slices_and_emulation_prevention_are_read() {
        // first_mb_in_slice 3599: 11 zeros, then 3600 in 12 bits; slice_type 5 ("00110") or 6.
        let second = |last| [0x01, 0x00, 0x1c, 0x20, last];
        assert_eq!(slice_type(&second(0x60)), Some(5));
        assert_eq!(slice_type(&second(0x70)), Some(6));
        // 2^17 - 1: 17 zeros and a one follow; the encoder puts a 3 after two zero bytes.
        let long = [0x01, 0x00, 0x00, 0x03, 0x40, 0x00, 0x10, 0xff];
        assert_eq!(
            slice_type(&long),
            slice_type_plain(&[0x00, 0x00, 0x40, 0x00, 0x10, 0xff])
        );
        assert!(slice_type(&long).is_some());
    }

    fn slice_type_plain(bytes: &[u8]) -> Option<u32> {
        let mut bits = Bits::of(bytes);
        bits.exp_golomb()?;
        bits.exp_golomb()
    }

    #[test]
    fn slice_groups_are_found() {
        // ffmpeg 5.1, libx264 baseline (see relay::annexb): none.
        assert_eq!(
            uses_slice_groups(&[0x68, 0xcb, 0x83, 0xcb, 0x20]),
            Some(false)
        );
        // Ids 0 and 0, CAVLC, no field order, two groups: 1 1 0 0 010.
        assert_eq!(uses_slice_groups(&[0x68, 0b1100_0100]), Some(true));
        assert_eq!(uses_slice_groups(&[0x68]), None);
    }

    #[test]
    fn the_pictures_size_is_read_of_every_profile() {
        // ffmpeg 5.1, libx264: baseline, high, main, 4:4:4, interlaced, 4:2:2, another cropping.
        for (sps, width, height) in [
            ("6742c01fda014016ec0440000003004000000f03c60ca8", 1280, 720),
            (
                "67640028acd940780227e5c044000003000400000300f03c60c658",
                1920,
                1080,
            ),
            ("674d401feca06c1ef3780880000003008000001e078c18cb", 854, 480),
            (
                "67f4000d919b282833f1b80880000003008000001e078a14cb",
                320,
                180,
            ),
            ("6764001facd940b424d80880000003008000001e0f8b16cb", 720, 576),
            (
                "677a0020bcd94056061e6f0110000003001000000303c0f1831960",
                1366,
                768,
            ),
            (
                "6764001eacd940a02ff930110000030001000003003c0f162d96",
                640,
                362,
            ),
        ] {
            let bytes: Vec<u8> = (0..sps.len())
                .step_by(2)
                .map(|k| u8::from_str_radix(&sps[k..k + 2], 16).unwrap())
                .collect();
            assert_eq!(
                picture_size(&bytes),
                Some(Size::new(width, height)),
                "{sps}"
            );
            for end in 0..6 {
                assert_eq!(picture_size(&bytes[..end]), None);
            }
        }
        assert_eq!(picture_size(&[0x65, 0x88, 0, 0, 0, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (slice_kind(&bytes), uses_slice_groups(&bytes));
            let sps: Vec<u8> = [0x67].into_iter().chain(bytes).collect();
            let _ = picture_size(&sps);
        }
    }
}
