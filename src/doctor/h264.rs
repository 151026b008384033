//! What an H.264 stream's own bytes say of it: profile, level, kinds of pictures. Pure.

use crate::relay::annexb::{self, NAL_IDR, NAL_SLICE, NAL_SPS, nal_type};
use crate::units::{Fps, Size};

/// Baseline (ITU-T H.264 A.2.1).
const BASELINE: u8 = 66;
/// constraint_set1_flag: with baseline it makes constrained baseline (A.2.1.1).
const CONSTRAINED: u8 = 0x40;
/// constraint_set3_flag: with level 1.1 and baseline, level 1b (A.3.1).
const LEVEL_1B: u8 = 0x10;

/// The three bytes of a sequence parameter set that name profile and level (7.3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) idc: u8,
    pub(super) constraints: u8,
    /// Ten times the level.
    pub(super) level: u8,
}

impl Profile {
    pub(super) fn is_constrained_baseline(self) -> bool {
        self.idc == BASELINE && self.constraints & CONSTRAINED != 0
    }

    /// As people call it.
    pub(super) fn name(self) -> String {
        match self.idc {
            BASELINE if self.is_constrained_baseline() => "constrained baseline".into(),
            BASELINE => "baseline".into(),
            77 => "main".into(),
            88 => "extended".into(),
            100 => "high".into(),
            other => format!("profile {other}"),
        }
    }

    /// Such as 3.1.
    pub(super) fn level_name(self) -> String {
        if self.level == 11 && self.idc == BASELINE && self.constraints & LEVEL_1B != 0 {
            return "1b".into();
        }
        match (self.level / 10, self.level % 10) {
            (whole, 0) => whole.to_string(),
            (whole, tenth) => format!("{whole}.{tenth}"),
        }
    }

    /// Whether its level allows pictures of `size` at `fps`.
    pub(super) fn level_holds(self, size: Size, fps: Fps) -> bool {
        let row = LEVELS.iter().rfind(|(level, ..)| *level <= self.level);
        row.is_some_and(|(_, a_second, a_frame)| {
            let wide = size.width.div_ceil(16);
            let high = size.height.div_ceil(16);
            let frame = wide * high;
            let side = |count: u32| u64::from(count).pow(2) <= 8 * u64::from(*a_frame);
            frame <= *a_frame
                && f64::from(frame) * fps.as_f64() <= f64::from(*a_second)
                && side(wide)
                && side(high)
        })
    }
}

/// Ten times the level, MaxMBPS, MaxFS (Table A-1).
const LEVELS: [(u8, u32, u32); 16] = [
    (10, 1_485, 99),
    (11, 3_000, 396),
    (12, 6_000, 396),
    (13, 11_880, 396),
    (20, 11_880, 396),
    (21, 19_800, 792),
    (22, 20_250, 1_620),
    (30, 40_500, 1_620),
    (31, 108_000, 3_600),
    (32, 216_000, 5_120),
    (40, 245_760, 8_192),
    (41, 245_760, 8_192),
    (42, 522_240, 8_704),
    (50, 589_824, 22_080),
    (51, 983_040, 36_864),
    (52, 2_073_600, 36_864),
];

/// What pictures of a stream say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pictures {
    /// The first parameter set's.
    pub(super) profile: Option<Profile>,
    /// Access units with a slice.
    pub(super) count: u32,
    /// Of these IDR.
    pub(super) idr: u32,
    /// Of these with a B slice.
    pub(super) b: u32,
    /// Of these with a slice whose kind cannot be read.
    pub(super) unread: u32,
    /// The largest, bytes.
    pub(super) largest: usize,
}

impl Pictures {
    /// Takes an access unit, Annex B.
    pub(super) fn take(&mut self, annexb: &[u8]) {
        let (mut slices, mut idr, mut b, mut unread) = (false, false, false, false);
        for nal in annexb::nal_units(annexb) {
            match nal_type(nal) {
                NAL_SPS => {
                    if let [_, idc, constraints, level, ..] = *nal {
                        self.profile.get_or_insert(Profile {
                            idc,
                            constraints,
                            level,
                        });
                    }
                }
                kind @ (NAL_SLICE | NAL_IDR) => {
                    slices = true;
                    idr |= kind == NAL_IDR;
                    match slice_type(nal) {
                        Some(slice) => b |= slice % 5 == B_SLICE,
                        None => unread = true,
                    }
                }
                _ => {}
            }
        }
        if slices {
            self.count += 1;
            self.idr += u32::from(idr);
            self.b += u32::from(b);
            self.unread += u32::from(unread);
            self.largest = self.largest.max(annexb.len());
        }
    }
}

/// slice_type (Table 7-6), modulo 5.
const B_SLICE: u32 = 1;

/// slice_type of a slice NAL unit: the second number of its header (7.3.3).
fn slice_type(nal: &[u8]) -> Option<u32> {
    // Two numbers of at most 32 bits and their prefixes.
    let head = nal.get(1..)?;
    let mut bytes = Vec::with_capacity(24);
    for &byte in head.iter().take(24) {
        // emulation_prevention_three_byte (7.4.1).
        if byte == 3 && bytes.ends_with(&[0, 0]) {
            continue;
        }
        bytes.push(byte);
    }
    let mut bits = Bits {
        bytes: &bytes,
        at: 0,
    };
    let _first_mb_in_slice = bits.ue()?;
    bits.ue().filter(|kind| *kind < 10)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    /// Exp-Golomb, unsigned (9.1).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        annexb::write_annexb(nals.iter().copied(), &mut out);
        out
    }

    const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 9];
    // first_mb 0 ("1"), slice_type 7 ("0001000"): I; 5 ("00110"): P; 6 ("00111"): B.
    const I: &[u8] = &[0x65, 0b1000_1000, 0x80];
    const P: &[u8] = &[0x41, 0b1001_1010, 0x80];
    const B: &[u8] = &[0x01, 0b1001_1110, 0x80];

    #[test]
    fn kinds_of_pictures_are_counted() {
        let mut pictures = Pictures::default();
        pictures.take(&unit(&[SPS, &[0x68, 1], I, I]));
        pictures.take(&unit(&[P, P]));
        pictures.take(&unit(&[P, B]));
        pictures.take(&unit(&[&[0x06, 1, 2]]));
        let profile = pictures.profile.unwrap();
        assert!(profile.is_constrained_baseline());
        assert_eq!(profile.name(), "constrained baseline");
        assert_eq!(profile.level_name(), "3.1");
        let counts = (pictures.count, pictures.idr, pictures.b, pictures.unread);
        assert_eq!(counts, (3, 1, 1, 0));
        pictures.take(&unit(&[&[0x41, 0x01]]));
        assert_eq!(pictures.unread, 1);
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
        let mut bits = Bits { bytes, at: 0 };
        bits.ue()?;
        bits.ue()
    }

    #[test]
    fn profiles_are_told_apart() {
        let of = |idc, constraints| Profile {
            idc,
            constraints,
            level: 40,
        };
        assert!(!of(66, 0).is_constrained_baseline());
        assert!(!of(77, 0x40).is_constrained_baseline());
        assert_eq!(of(66, 0x80).name(), "baseline");
        assert_eq!(of(77, 0x40).name(), "main");
        assert_eq!(of(100, 0).name(), "high");
        assert_eq!(of(100, 0).level_name(), "4");
    }

    #[test]
    fn levels_hold_what_the_table_says() {
        let at = |level| Profile {
            idc: 66,
            constraints: 0xc0,
            level,
        };
        for (width, height, fps, level) in [
            (1280, 720, 30, 31),
            (1280, 720, 60, 32),
            (1366, 768, 30, 32),
            (1920, 1080, 30, 40),
            (1920, 1080, 60, 42),
            (2560, 1440, 60, 51),
            (3840, 2160, 60, 52),
        ] {
            let (size, fps) = (Size::new(width, height), Fps::whole(fps));
            assert!(at(level).level_holds(size, fps), "{size} at {fps}");
            let lower = LEVELS.iter().rfind(|(l, ..)| *l < level).unwrap().0;
            // 4.1 differs from 4 in bitrate only.
            if lower != 41 {
                assert!(!at(lower).level_holds(size, fps), "{size} at {fps}");
            }
        }
        assert!(!at(0).level_holds(Size::new(16, 16), Fps::whole(1)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut pictures = Pictures::default();
            pictures.take(&bytes);
            prop_assert!(pictures.b <= pictures.count);
            let _ = slice_type(&bytes);
        }
    }
}
