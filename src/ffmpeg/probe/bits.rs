//! The few bits of H.264 that the test of an encoder reads: slice types and slice groups. Pure.

use crate::relay::annexb::{NAL_IDR, NAL_SLICE, nal_type};

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
    let mut bits = Bits::after_header(nal);
    let _first_mb_in_slice = bits.exp_golomb()?;
    let slice_type = bits.exp_golomb()?;
    Some(SliceKind {
        idr: kind == NAL_IDR,
        bipredicted: slice_type % 5 == 1,
    })
}

/// Whether a picture parameter set has more than one slice group (7.3.2.2), as plain baseline may and
/// constrained baseline may not; None where it is cut off.
pub fn uses_slice_groups(pps: &[u8]) -> Option<bool> {
    let mut bits = Bits::after_header(pps);
    let _pic_parameter_set_id = bits.exp_golomb()?;
    let _seq_parameter_set_id = bits.exp_golomb()?;
    let _entropy_coding_mode = bits.bit()?;
    let _bottom_field_order = bits.bit()?;
    Some(bits.exp_golomb()? > 0)
}

/// Bits behind a NAL unit's header. Emulation prevention (7.4.1) is not looked at: it can stand no
/// earlier than the third byte of zeros, which the fields read here do not reach.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn after_header(nal: &'a [u8]) -> Self {
        Self { data: nal, at: 8 }
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = *self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    /// ue(v), 9.1; None above 16 bits.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        let mut value = 1;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value - 1)
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

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (slice_kind(&bytes), uses_slice_groups(&bytes));
        }
    }
}
