//! What viewers' browsers will get, read from a second of the real stream: constrained baseline, no
//! B-frames, a level that holds the picture, Opus at 48 kHz in stereo.

use super::guard::{Lane, Look};
use super::webrtc_sample::{Sample, Sound, take};
use super::{Area, LIVE, Outcome};
use crate::ffmpeg::Ffmpeg;
use crate::ffmpeg::choose::Candidate;
use crate::ffmpeg::plan::EncoderWish;
use std::time::Duration;

/// Two programs start, then a second of pictures.
const LIMIT: Duration = Duration::from_secs(8);
/// A PES packet's length has 16 bits; above, the server waits a frame longer (ARCHITECTURE.md,
/// "Where the time went").
const LARGEST_UNIT: usize = 65_000;

pub(super) fn check(lane: &Lane, ffmpeg: Option<&Ffmpeg>, chosen: Option<Candidate>) {
    let skip = |why: &str| lane.tell(Area::Webrtc, Duration::ZERO, Look::skipped(why));
    if lane.case.now.live {
        return skip(LIVE);
    }
    let Some(ffmpeg) = ffmpeg.cloned() else {
        return skip("not looked at without a usable ffmpeg");
    };
    let Some(chosen) = chosen else {
        return skip("not looked at without an encoder that works");
    };
    lane.look(Area::Webrtc, LIMIT, move |case, stop| {
        let wish = EncoderWish {
            family: chosen.family,
            variant: chosen.variant,
            ..EncoderWish::of(&case.settings)
        };
        match take(&ffmpeg, wish, case.settings.audio.bitrate_kbps, stop) {
            Ok(sample) => judge(&sample, &wish),
            Err(why) => {
                let message = format!("no stream to look at: {why}");
                let fix = "set encoder.family to another encoder, or another ffmpeg's path";
                vec![Look::of_message(Outcome::Failed, message, fix)]
            }
        }
    });
}

fn judge(sample: &Sample, wish: &EncoderWish) -> Vec<Look> {
    let another = "set encoder.family to another encoder";
    let pictures = &sample.pictures;
    let mut looks = Vec::new();
    match pictures.profile {
        Some(profile) => {
            let found = format!(
                "H.264 {}, level {} (SPS {:02x}{:02x}{:02x})",
                profile.name(),
                profile.level_name(),
                profile.idc,
                profile.constraints,
                profile.level
            );
            looks.push(if profile.is_constrained_baseline() {
                Look::ok(found)
            } else {
                Look::warning(
                    format!("{found}: only constrained baseline is played by every browser"),
                    another,
                )
            });
            if !profile.level_holds(wish.size, wish.fps) {
                looks.push(Look::warning(
                    format!(
                        "level {} does not hold {} at {} fps: hardware decoders may refuse it",
                        profile.level_name(),
                        wish.size,
                        wish.fps
                    ),
                    another,
                ));
            }
        }
        None => looks.push(Look::failed(
            "no H.264 parameter sets in the stream",
            another,
        )),
    }
    let found = format!(
        "{} pictures, {} key, the largest {} kB",
        pictures.count,
        pictures.idr,
        pictures.largest.div_ceil(1000)
    );
    looks.push(if pictures.b > 0 {
        Look::failed(
            format!(
                "{found}; {} with B-frames, which end WebRTC viewers",
                pictures.b
            ),
            another,
        )
    } else if pictures.count == 0 || pictures.idr == 0 || pictures.unread > 0 {
        Look::failed(
            format!(
                "{found}, {} unreadable: browsers cannot play that",
                pictures.unread
            ),
            another,
        )
    } else if pictures.largest > LARGEST_UNIT {
        Look::warning(
            format!("{found}: above 65 kB each costs a frame of latency"),
            "set encoder.speed to Balanced or Fastest, or a smaller encoder.vbv_frames",
        )
    } else {
        Look::ok(format!("{found}, no B-frames"))
    });
    looks.push(sound(&sample.sound));
    if sample.damaged > 0 {
        looks.push(Look::warning(
            format!("{} packets of the stream were damaged", sample.damaged),
            "look again; if it stays so, set another ffmpeg's path",
        ));
    }
    looks
}

/// Opus decodes to 48 kHz whatever its packets hold (RFC 6716 2., RFC 7587 4.1).
fn sound(sound: &Sound) -> Look {
    let fix = "set another ffmpeg's path";
    if sound.packets == 0 {
        return Look::failed("no Opus in the stream: viewers would hear nothing", fix);
    }
    let times: Vec<_> = sound.packet_us.iter().map(|us| us / 1000).collect();
    let found = format!(
        "Opus 48 kHz, {} channels, {} packets of {times:?} ms",
        sound.channels.map_or("unknown".into(), |n| n.to_string()),
        sound.packets,
    );
    if sound.channels == Some(2) {
        Look::ok(found.replace(['[', ']'], ""))
    } else {
        Look::warning(format!("{found}: not stereo"), fix)
    }
}

#[cfg(test)]
mod tests {
    use super::super::h264::{Pictures, Profile};
    use super::*;
    use crate::settings::Settings;
    use crate::units::Size;

    fn good() -> Sample {
        Sample {
            pictures: Pictures {
                profile: Some(Profile {
                    idc: 66,
                    constraints: 0xc0,
                    level: 31,
                }),
                count: 30,
                idr: 1,
                b: 0,
                unread: 0,
                largest: 31_400,
            },
            sound: Sound {
                packets: 100,
                channels: Some(2),
                packet_us: [10_000].into(),
            },
            damaged: 0,
        }
    }

    fn judged(change: impl FnOnce(&mut Sample)) -> Vec<Look> {
        let mut sample = good();
        change(&mut sample);
        judge(&sample, &EncoderWish::of(&Settings::default()))
    }

    #[test]
    fn a_good_stream_is_told_in_figures() {
        assert_eq!(
            judged(|_| ()),
            [
                Look::ok("H.264 constrained baseline, level 3.1 (SPS 42c01f)"),
                Look::ok("30 pictures, 1 key, the largest 32 kB, no B-frames"),
                Look::ok("Opus 48 kHz, 2 channels, 100 packets of 10 ms"),
            ]
        );
    }

    #[test]
    fn each_fault_has_its_gravity_and_a_fix() {
        let worst = |change: fn(&mut Sample)| {
            let looks = judged(change);
            let bad: Vec<_> = looks.iter().filter(|l| l.outcome != Outcome::Ok).collect();
            assert_eq!(bad.len(), 1, "{looks:?}");
            assert!(!bad[0].fix.is_empty(), "{looks:?}");
            bad[0].outcome
        };
        assert_eq!(worst(|s| s.pictures.profile = Some(HIGH)), Outcome::Warning);
        assert_eq!(worst(|s| s.pictures.profile = None), Outcome::Failed);
        assert_eq!(worst(|s| s.pictures.b = 3), Outcome::Failed);
        assert_eq!(worst(|s| s.pictures.idr = 0), Outcome::Failed);
        assert_eq!(worst(|s| s.pictures.unread = 1), Outcome::Failed);
        assert_eq!(worst(|s| s.pictures.largest = 70_000), Outcome::Warning);
        assert_eq!(worst(|s| s.sound.packets = 0), Outcome::Failed);
        assert_eq!(worst(|s| s.sound.channels = Some(1)), Outcome::Warning);
        assert_eq!(worst(|s| s.sound.channels = None), Outcome::Warning);
        assert_eq!(worst(|s| s.damaged = 1), Outcome::Warning);
    }

    const HIGH: Profile = Profile {
        idc: 100,
        constraints: 0,
        level: 40,
    };

    #[test]
    fn a_level_below_the_picture_is_told() {
        let wish = EncoderWish {
            size: Size::new(1920, 1080),
            ..EncoderWish::of(&Settings::default())
        };
        let looks = judge(&good(), &wish);
        assert_eq!(looks[1].outcome, Outcome::Warning, "{looks:?}");
        assert!(looks[1].found.contains("1920x1080"), "{looks:?}");
    }
}
