//! What an H.264 stream's own bytes say of it: profile, level, kinds of pictures. Pure.

use crate::ffmpeg::level::{self, Level};
use crate::relay::annexb::{self, NAL_IDR, NAL_SLICE, NAL_SPS, nal_type};
use crate::relay::h264_bits::slice_kind;
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
        Level(self.level).to_string()
    }

    /// Whether its level allows pictures of `size` at `fps`.
    pub(super) fn level_holds(self, size: Size, fps: Fps) -> bool {
        level::allows(Level(self.level), size, fps)
    }
}

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
                    match slice_kind(nal) {
                        Some(slice) => b |= slice.bipredicted,
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
            let levels = [30, 31, 32, 40, 41, 42, 50, 51];
            let lower = levels.into_iter().rfind(|l| *l < level).unwrap();
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
            let _ = slice_kind(&bytes);
        }
    }
}
