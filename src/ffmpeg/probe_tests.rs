//! The test of an encoder against a fake ffmpeg that plays each way to fail.

#![cfg(unix)]

use super::*;
use crate::ffmpeg::fake;
use crate::relay::flv_write;
use crate::relay::{AccessUnit, annexb};
use crate::settings::{EncoderFamily, Settings};
use crate::units::{Fps, Size};
use std::path::Path;

/// libx264's, 64x64 (see relay::annexb), with room for a profile and a level.
fn sps(profile: u8, flags: u8, level: u8) -> Vec<u8> {
    [
        &[0x67, profile, flags, level][..],
        &[
            0xd9, 0x04, 0x26, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x48, 0x99, 0x20,
        ],
    ]
    .concat()
}
const PPS: [u8; 5] = [0x68, 0xcb, 0x83, 0xcb, 0x20];
/// Of slice types 7, 5 and 6.
const IDR: [u8; 3] = [0x65, 0b1000_1000, 1];
const I: [u8; 3] = [0x41, 0b1000_1000, 1];
const P: [u8; 3] = [0x41, 0b1001_1000, 1];
const B: [u8; 3] = [0x01, 0b1001_1100, 1];

/// An encoder's output: at each of these places of the input (30 a second) a picture.
fn flv(sps: &[u8], pictures: &[(u32, bool, &[u8])]) -> Vec<u8> {
    let unit = |idr, nals: &[&[u8]]| {
        let mut data = Vec::new();
        annexb::write_annexb(nals.iter().copied(), &mut data);
        AccessUnit {
            frame: 0,
            captured_at: crate::clock::MonoTime::ZERO,
            begun_at: crate::clock::MonoTime::ZERO,
            frame_time: Duration::ZERO,
            encoded_at: crate::clock::MonoTime::ZERO,
            idr,
            data: data.into(),
            hash: 0,
        }
    };
    let mut bytes = flv_write::HEADER.to_vec();
    bytes.extend(flv_write::sequence_header(&unit(true, &[sps, &PPS])).unwrap());
    for (index, key, slice) in pictures {
        let ms = (f64::from(*index) * 1000.0 / 30.0).round() as u32;
        // The writer sets decoding 80 ms before presentation.
        let mut tag = flv_write::picture(&unit(*key, &[slice]), ms);
        tag[13..16].fill(0);
        bytes.extend(tag);
    }
    bytes
}

fn good() -> Vec<(u32, bool, &'static [u8])> {
    (0..10)
        .map(|n| {
            if n < 2 {
                (n, true, &IDR[..])
            } else {
                (n, false, &P[..])
            }
        })
        .collect()
}

/// Puts out the first picture once it is in, and the rest once all are in. 6144 bytes is one of 64x64.
const IN_STEP: &str = "head -c 6144 >/dev/null\nhead -c $(cat \"$here/first\") \"$here/out.flv\"\n\
                       head -c 55296 >/dev/null\ntail -c +$(($(cat \"$here/first\") + 1)) \"$here/out.flv\"\n\
                       cat >/dev/null\n";

fn wish(family: EncoderFamily) -> EncoderWish {
    EncoderWish {
        family,
        size: Size::new(64, 64),
        fps: Fps::whole(30),
        ..EncoderWish::of(&Settings::default())
    }
}

fn run(folder: &Path, family: EncoderFamily) -> Result<Figures, Failure> {
    run_as(folder, &wish(family))
}

fn run_as(folder: &Path, wish: &EncoderWish) -> Result<Figures, Failure> {
    let path = fake::ffmpeg(folder);
    fake::has(folder, &[encoder::row(wish.family).name, "libx264"]);
    probe(&fake::look(&path), wish, &StopToken::new())
}

/// What the test says of an encoder with this output.
fn judged(family: EncoderFamily, out: &[u8], first: usize) -> Result<Figures, Failure> {
    judged_as(&wish(family), out, first)
}

fn judged_as(wish: &EncoderWish, out: &[u8], first: usize) -> Result<Figures, Failure> {
    let family = wish.family;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("out.flv"), out).unwrap();
    std::fs::write(dir.path().join("first"), first.to_string()).unwrap();
    fake::plays(dir.path(), encoder::row(family).name, "", IN_STEP);
    run_as(dir.path(), wish)
}

fn x264(pictures: &[(u32, bool, &[u8])], sps: &[u8]) -> Result<Figures, Failure> {
    let first = flv(sps, &pictures[..1]).len();
    judged(EncoderFamily::Libx264, &flv(sps, pictures), first)
}

fn baseline() -> Vec<u8> {
    sps(66, 0xc0, 10)
}

#[test]
fn a_good_one_passes_with_its_figures() {
    let figures = x264(&good(), &baseline()).unwrap();
    assert_eq!((figures.profile, figures.level), ((66, 0xc0), 10));
    assert_eq!(figures.left_out, 0);
    assert_eq!(figures.key_frame_bytes, 4 + IDR.len() as u32);
    assert!(figures.start_us > 0 && figures.encode_p50_us <= figures.encode_max_us);
}

#[test]
fn b26_an_encoder_of_key_frames_alone_is_refused() {
    let all: Vec<_> = (0..10).map(|n| (n, true, &IDR[..])).collect();
    let failure = x264(&all, &baseline()).unwrap_err();
    assert_eq!(failure.class, Class::TooManyKeys);
    assert!(failure.why.starts_with("10 of 10 pictures"), "{failure:?}");
    let mut third = good();
    third[5] = (5, true, &IDR);
    assert_eq!(
        x264(&third, &baseline()).unwrap_err().class,
        Class::TooManyKeys
    );
}

#[test]
fn the_next_gop_of_a_slow_show_is_no_key_frame_too_many() {
    for (gop, at) in [
        (5, vec![6]),
        (5, vec![5]),
        (3, vec![4, 7]),
        (3, vec![3, 6, 9]),
    ] {
        let mut pictures = good();
        for index in &at {
            pictures[*index as usize] = (*index, true, &IDR);
        }
        let wish = EncoderWish {
            gop_seconds: gop as f32 / 30.0,
            ..wish(EncoderFamily::Libx264)
        };
        let bytes = flv(&baseline(), &pictures);
        let first = flv(&baseline(), &pictures[..1]).len();
        let result = judged_as(&wish, &bytes, first);
        assert!(result.is_ok(), "{gop} {at:?}: {result:?}");
    }
}

#[test]
fn no_key_frame_on_demand_is_refused() {
    let mut none = good();
    none[1] = (1, false, &P);
    assert_eq!(x264(&none, &baseline()).unwrap_err().class, Class::NoKey);
    let late = [
        &good()[..1],
        &[(1, false, &P[..]), (2, true, &IDR[..])],
        &good()[3..],
    ]
    .concat();
    assert_eq!(x264(&late, &baseline()).unwrap_err().class, Class::NoKey);
    // Marked as a key frame, but no IDR picture.
    let mut marked = good();
    marked[1] = (1, true, &I);
    let failure = x264(&marked, &baseline()).unwrap_err();
    assert_eq!(failure.class, Class::NoKey);
    assert!(failure.why.contains("no IDR"), "{failure:?}");
}

#[test]
fn b_frames_are_found_by_their_slices_and_by_their_order() {
    let mut pictures = good();
    pictures[4] = (4, false, &B);
    assert_eq!(
        x264(&pictures, &baseline()).unwrap_err().class,
        Class::BFrames
    );
    let mut order = good();
    order.swap(4, 5);
    assert_eq!(x264(&order, &baseline()).unwrap_err().class, Class::BFrames);
}

#[test]
fn too_few_pictures_are_refused_except_where_they_may_be_left_out() {
    let few = &good()[..8];
    let failure = x264(few, &baseline()).unwrap_err();
    assert_eq!(failure.class, Class::TooFew);
    assert!(failure.why.starts_with("8 of 10"), "{failure:?}");
    let first = flv(&baseline(), &few[..1]).len();
    let skips = judged(EncoderFamily::Libopenh264, &flv(&baseline(), few), first).unwrap();
    assert_eq!(skips.left_out, 2);
    let one = flv(&baseline(), &good()[..1]);
    let failure = judged(EncoderFamily::Libopenh264, &one, first).unwrap_err();
    assert_eq!(failure.class, Class::NoKey);
}

#[test]
fn another_profile_and_a_wrong_level_are_refused() {
    for (profile, flags) in [(100, 0), (77, 0x40)] {
        let failure = x264(&good(), &sps(profile, flags, 10)).unwrap_err();
        assert_eq!(failure.class, Class::Profile, "{failure:?}");
    }
    // Plain baseline that uses nothing which the constraint forbids.
    assert!(x264(&good(), &sps(66, 0, 10)).is_ok());
    let failure = x264(&good(), &sps(66, 0xc0, 77)).unwrap_err();
    assert_eq!(failure.class, Class::WrongLevel);
    assert!(failure.why.contains("level 7.7"), "{failure:?}");
}

#[test]
fn one_that_holds_pictures_back_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("out.flv"), flv(&baseline(), &good())).unwrap();
    let all_but_the_last = flv(&baseline(), &good()[..9]).len();
    std::fs::write(dir.path().join("first"), all_but_the_last.to_string()).unwrap();
    let act = IN_STEP.replace("head -c 55296", "cat");
    fake::plays(dir.path(), "libx264", "", &act);
    let failure = run(dir.path(), EncoderFamily::Libx264).unwrap_err();
    assert_eq!(failure.class, Class::Holds);
}

#[test]
fn b26_pictures_of_another_size_are_refused() {
    let first = flv(&baseline(), &good()[..1]).len();
    let wish = EncoderWish {
        size: Size::new(96, 64),
        ..wish(EncoderFamily::Libx264)
    };
    let out = flv(&baseline(), &good());
    let failure = judged_as(&wish, &out, first).unwrap_err();
    assert!(failure.why.contains("64x64 where 96x64"), "{}", failure.why);
}

#[test]
fn output_that_is_no_flv_is_refused() {
    let failure = judged(EncoderFamily::Libx264, &[b'x'; 1000], 0).unwrap_err();
    assert_eq!(failure.class, Class::Broken);
    assert!(failure.why.contains("not FLV"), "{failure:?}");
}

/// Text tells, whatever the exit code: 1 on 5.1, errno & 255 on 7.0 and later.
#[test]
fn each_failure_text_is_explained_with_any_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let nvenc = "[h264_nvenc @ 0x1] Cannot load libcuda.so.1\nError while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.\n";
    for code in [1, 171, 234, 255] {
        fake::plays(dir.path(), "h264_nvenc", nvenc, &format!("exit {code}\n"));
        let failure = run(dir.path(), EncoderFamily::Nvenc).unwrap_err();
        assert_eq!(failure.class, Class::NoDriver, "{code}: {failure:?}");
        assert_eq!(failure.said, "Cannot load libcuda.so.1");
    }
    // Nothing at all was said.
    fake::plays(dir.path(), "h264_nvenc", "", "exit 139\n");
    let failure = run(dir.path(), EncoderFamily::Nvenc).unwrap_err();
    assert_eq!(failure.class, Class::Other);
    // Good pictures and a bad end are no success.
    std::fs::write(dir.path().join("out.flv"), flv(&baseline(), &good())).unwrap();
    let act = "head -c 100 >/dev/null; cat \"$here/out.flv\"; cat >/dev/null; exit 1\n";
    fake::plays(dir.path(), "libx264", "The disk is on fire\n", act);
    let failure = run(dir.path(), EncoderFamily::Libx264).unwrap_err();
    assert_eq!(failure.said, "The disk is on fire");
}

/// 7.0 and later do not end before their next input.
#[test]
fn one_that_says_it_failed_and_waits_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let said = "[h264_nvenc @ 0x1] [error] Cannot load libcuda.so.1\n[vost#0:0/h264_nvenc @ 0x1] [error] Error while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.\n";
    fake::plays(
        dir.path(),
        "h264_nvenc",
        said,
        "head -c 6145 >/dev/null; exit 255\n",
    );
    let started = Instant::now();
    let failure = run(dir.path(), EncoderFamily::Nvenc).unwrap_err();
    assert_eq!(failure.class, Class::NoDriver);
    assert_eq!(failure.said, "Cannot load libcuda.so.1");
    assert!(started.elapsed() < START_LIMIT, "{:?}", started.elapsed());
}

#[test]
fn a_flood_of_words_is_read_and_the_end_explained() {
    let dir = tempfile::tempdir().unwrap();
    let act = "i=0; while [ $i -lt 20000 ]; do echo \"line $i of a flood\" >&2; i=$((i+1)); done\n\
               echo \"[h264_qsv @ 0x1] Error creating a MFX session: -9.\" >&2; exit 171\n";
    fake::plays(dir.path(), "h264_qsv", "", act);
    let started = Instant::now();
    let failure = run(dir.path(), EncoderFamily::Qsv).unwrap_err();
    assert_eq!(failure.class, Class::NoDriver, "{failure:?}");
    assert!(started.elapsed() < LIMIT);
}

#[test]
fn one_that_hangs_is_given_up_in_time_and_killed() {
    let dir = tempfile::tempdir().unwrap();
    let act = "echo $$ >\"$here/pid\"; trap '' TERM; while :; do sleep 0.2; done\n";
    fake::plays(dir.path(), "libx264", "", act);
    let started = Instant::now();
    let failure = run(dir.path(), EncoderFamily::Libx264).unwrap_err();
    let took = started.elapsed();
    assert_eq!(failure.class, Class::Hangs, "{failure:?}");
    assert!(
        took >= LIMIT && took < LIMIT + Duration::from_secs(2),
        "{took:?}"
    );
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    let alive = Path::new("/proc").join(pid.trim());
    assert!(
        !cfg!(target_os = "linux") || !alive.exists(),
        "{pid} lives on"
    );
}

#[test]
fn a_stop_ends_the_test_at_once() {
    let dir = tempfile::tempdir().unwrap();
    fake::plays(dir.path(), "libx264", "", "exec sleep 30\n");
    let path = fake::ffmpeg(dir.path());
    let (ffmpeg, stop) = (fake::look(&path), StopToken::new());
    let other = stop.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        other.stop();
    });
    let started = Instant::now();
    let failure = probe(&ffmpeg, &wish(EncoderFamily::Libx264), &stop).unwrap_err();
    assert_eq!(failure.class, Class::Stopped);
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    thread.join().unwrap();
}
