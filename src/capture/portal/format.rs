//! What is said to PipeWire about pictures: formats, buffers, metadata; and what it says of time.
//!
//! Pure. No DMA-BUF modifier is ever offered, so that the desktop copies into shared memory: a
//! DMA-BUF lies in the GPU's memory in an order of its own, and reading it would need EGL or Vulkan
//! here to copy it out, which the desktop has and does already.

use crate::capture::copy::PixelFormat;
use crate::clock::MonoTime;
use crate::units::{Fps, Size};
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys as spa_sys;
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Id, Rectangle, SpaTypes};
use std::io::Cursor;

/// What the stream's pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) size: Size,
    pub(super) pixel: PixelFormat,
}

/// In the order in which we like them: the first needs no conversion.
const FORMATS: [(VideoFormat, PixelFormat); 8] = [
    (VideoFormat::BGRx, PixelFormat::Bgrx),
    (VideoFormat::BGRA, PixelFormat::Bgrx),
    (VideoFormat::RGBx, PixelFormat::Rgbx),
    (VideoFormat::RGBA, PixelFormat::Rgbx),
    (VideoFormat::xRGB, PixelFormat::Xrgb),
    (VideoFormat::ARGB, PixelFormat::Xrgb),
    (VideoFormat::xBGR, PixelFormat::Xbgr),
    (VideoFormat::ABGR, PixelFormat::Xbgr),
];

/// Our formats (SPA_PARAM_EnumFormat). Screens give pictures as they change (frame rate 0/1) and
/// no more often than the "maximum" says.
///
/// That maximum is twice the show's rate: at the rate itself a desktop of 60 Hz would give 30
/// pictures to a show of 50, for it can only leave out whole refreshes; and the pacer could not
/// choose the fresher of two.
pub(super) fn offer(fps: Fps) -> Vec<u8> {
    let ids = |format: VideoFormat| Id(format.as_raw());
    let fraction = |num, denom| Fraction { num, denom };
    let most = fraction(fps.num.saturating_mul(2).max(1), fps.den.max(1));
    serialise(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Value::Choice(ChoiceValue::Id(Choice(
                ChoiceFlags::empty(),
                ChoiceEnum::Enum {
                    default: ids(FORMATS[0].0),
                    alternatives: FORMATS.iter().map(|(format, _)| ids(*format)).collect(),
                },
            )))
        ),
        property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            rectangle(1920, 1080),
            rectangle(1, 1),
            rectangle(16384, 16384)
        ),
        property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            fraction(0, 1),
            fraction(0, 1),
            fraction(1000, 1)
        ),
        property!(
            FormatProperties::VideoMaxFramerate,
            Choice,
            Range,
            Fraction,
            most,
            fraction(1, 1),
            most
        ),
    ))
}

fn rectangle(width: u32, height: u32) -> Rectangle {
    Rectangle { width, height }
}

/// Our wish for buffers (SPA_PARAM_Buffers): shared memory, and enough of them that one can be
/// held here while the desktop draws.
pub(super) fn buffers() -> Vec<u8> {
    let memory = 1 << spa_sys::SPA_DATA_MemPtr | 1 << spa_sys::SPA_DATA_MemFd;
    let int = |choice| Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), choice)));
    serialise(Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![
            Property::new(
                spa_sys::SPA_PARAM_BUFFERS_buffers,
                int(ChoiceEnum::Range {
                    default: 8,
                    min: 1,
                    max: 32,
                }),
            ),
            Property::new(
                spa_sys::SPA_PARAM_BUFFERS_dataType,
                int(ChoiceEnum::Flags {
                    default: memory,
                    flags: Vec::new(),
                }),
            ),
        ],
    })
}

/// Our wish for a header with times (SPA_META_Header) and for the part of the buffer that is
/// picture (SPA_META_VideoCrop: windows come in buffers that are larger).
pub(super) fn metas() -> [Vec<u8>; 2] {
    [
        (
            spa_sys::SPA_META_Header,
            size_of::<spa_sys::spa_meta_header>(),
        ),
        (
            spa_sys::SPA_META_VideoCrop,
            size_of::<spa_sys::spa_meta_region>(),
        ),
    ]
    .map(|(kind, size)| {
        serialise(Object {
            type_: SpaTypes::ObjectParamMeta.as_raw(),
            id: ParamType::Meta.as_raw(),
            properties: vec![
                Property::new(spa_sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
                Property::new(
                    spa_sys::SPA_PARAM_META_size,
                    Value::Int(i32::try_from(size).unwrap_or(i32::MAX)),
                ),
            ],
        })
    })
}

fn serialise(object: Object) -> Vec<u8> {
    // Into memory it cannot fail; an empty pod is refused by PipeWire.
    PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object))
        .map(|(cursor, _)| cursor.into_inner())
        .unwrap_or_default()
}

/// What was agreed on; None for what is not ours.
pub(super) fn agreed(param: &Pod) -> Option<Format> {
    let kind = parse_format(param).ok()?;
    if kind != (MediaType::Video, MediaSubtype::Raw) {
        return None;
    }
    let mut info = VideoInfoRaw::new();
    info.parse(param).ok()?;
    let (_, pixel) = FORMATS
        .into_iter()
        .find(|(format, _)| *format == info.format())?;
    Some(Format {
        size: Size::new(info.size().width, info.size().height),
        pixel,
    })
}

/// Older than this is no time of a picture that came just now.
const OLDEST_NS: u64 = 1_000_000_000;

/// The console's time of `pts_ns`, a time of the monotonic clock (CLOCK_MONOTONIC) in nanoseconds,
/// where that clock stood at `clock_ns` when ours stood at `now`.
///
/// None where it is no such time: none given (negative or 0), in the future, or over a second old,
/// which is some other clock.
pub(super) fn presented_at(pts_ns: i64, clock_ns: u64, now: MonoTime) -> Option<MonoTime> {
    let pts_ns = u64::try_from(pts_ns).ok().filter(|ns| *ns > 0)?;
    let age_ns = clock_ns.checked_sub(pts_ns)?;
    if age_ns > OLDEST_NS {
        return None;
    }
    // Our clock's zero is the first reading in this process: before it there is no time.
    let us = now.as_micros().checked_sub(age_ns.div_ceil(1000))?;
    Some(MonoTime::from_micros(us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_offered_is_what_can_be_read() {
        let parse = |format: VideoFormat| {
            let bytes = serialise(object!(
                SpaTypes::ObjectParamFormat,
                ParamType::Format,
                property!(FormatProperties::MediaType, Id, MediaType::Video),
                property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
                property!(FormatProperties::VideoFormat, Id, format),
                property!(FormatProperties::VideoSize, Rectangle, rectangle(1366, 768)),
                property!(
                    FormatProperties::VideoFramerate,
                    Fraction,
                    Fraction { num: 0, denom: 1 }
                ),
            ));
            agreed(Pod::from_bytes(&bytes).unwrap())
        };
        for (format, pixel) in FORMATS {
            let size = Size::new(1366, 768);
            assert_eq!(parse(format), Some(Format { size, pixel }));
        }
        // 3 bytes a pixel: not offered, and never taken for 4.
        assert_eq!(parse(VideoFormat::RGB), None);
        assert_eq!(parse(VideoFormat::I420), None);
        // B02, B10: 10 bits a colour are 4 bytes too and would be taken for 8.
        for ten_bits in [
            VideoFormat::xRGB_210LE,
            VideoFormat::xBGR_210LE,
            VideoFormat::RGBx_102LE,
            VideoFormat::BGRx_102LE,
        ] {
            assert_eq!(parse(ten_bits), None);
        }
    }

    #[test]
    fn our_wishes_are_whole_pods() {
        for bytes in metas()
            .into_iter()
            .chain([buffers(), offer(Fps::whole(30))])
        {
            let pod = Pod::from_bytes(&bytes).unwrap();
            assert!(pod.is_object() && bytes.len() % 8 == 0, "{bytes:?}");
        }
    }

    #[test]
    fn only_a_sane_time_counts() {
        let now = MonoTime::from_micros(5_000_000);
        let clock = 90_000_000_000;
        let at = |pts| presented_at(pts, clock, now).map(MonoTime::as_micros);
        assert_eq!(at(89_990_000_000), Some(4_990_000));
        assert_eq!(at(90_000_000_000), Some(5_000_000));
        assert_eq!(at(89_000_000_000), Some(4_000_000));
        for pts in [-1, i64::MIN, 0, 90_000_000_001, 88_999_999_999, 5_000] {
            assert_eq!(at(pts), None, "{pts}");
        }
        // Made before this process first looked at its clock.
        let early = MonoTime::from_micros(1000);
        assert_eq!(presented_at(89_990_000_000, clock, early), None);
    }

    proptest! {
        #[test]
        fn a_picture_is_as_old_on_our_clock_as_on_its_own(
            age_ns in 0_u64..=1_000_000_000,
            clock_ns in 2_000_000_000_u64..1 << 60,
            now_us in 1_000_000_u64..1 << 50,
        ) {
            let now = MonoTime::from_micros(now_us);
            let pts = i64::try_from(clock_ns - age_ns).unwrap();
            let at = presented_at(pts, clock_ns, now).unwrap();
            let off_ns = (now.since(at).as_nanos() as u64).abs_diff(age_ns);
            prop_assert!(off_ns < 1000, "{off_ns}");
        }
    }
}
