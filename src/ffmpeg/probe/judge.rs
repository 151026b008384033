//! Whether what an encoder gave out in its test will do for a show. Pure.

use super::{Figures, PICTURES, Seen, Test};
use crate::ffmpeg::failure::{Class, Failure};
use crate::ffmpeg::level::{self, Level};
use crate::ffmpeg::{encoder, plan};
use crate::relay::annexb::{AvcConfig, avcc_nal_units};
use crate::relay::h264_bits::{picture_size, slice_kind, uses_slice_groups};
use std::time::Duration;

impl Test<'_> {
    /// Whether what came out will do.
    pub(super) fn judge(&self) -> Result<Figures, Failure> {
        let not = |class, why: String| Err(Failure::new(class, why));
        if let Some(why) = &self.broken {
            return not(Class::Broken, format!("{why}. Choose another encoder"));
        }
        let Some(config) = &self.config else {
            return not(
                Class::Broken,
                "it gave out no parameter sets. Choose another encoder".into(),
            );
        };
        self.judge_pictures(config)?;
        self.judge_order()?;
        judge_profile(config)?;
        let told = Level(config.level);
        if !level::allows(told, self.wish.size, self.wish.fps) {
            let wants = level::needed(self.wish.size, self.wish.fps, 0);
            return not(
                Class::WrongLevel,
                format!(
                    "it says level {told}, and {} at {} fps needs {}. {}",
                    self.wish.size,
                    self.wish.fps,
                    wants.map_or("more than any".into(), |level| level.to_string()),
                    "Choose a smaller picture or another encoder"
                ),
            );
        }
        // Viewers get what the parameter sets say, and the console would count on its own size.
        let shown = config.sps.first().and_then(|sps| picture_size(sps));
        if shown.is_some_and(|size| size != self.wish.size) {
            let why = format!(
                "it makes pictures of {} where {} was asked for. Choose another encoder",
                shown.map_or_else(String::new, |size| size.to_string()),
                self.wish.size
            );
            return not(Class::Broken, why);
        }
        Ok(self.figures(config))
    }

    fn judge_order(&self) -> Result<(), Failure> {
        let not = |class, why: &str| Err(Failure::new(class, why));
        let held = |seen: &Seen| self.closed.is_some_and(|closed| seen.at > closed);
        if self.seen.iter().any(held) {
            return not(
                Class::Holds,
                "it gives a picture out only once later ones have come, which is delay. Choose \
                 another encoder, or a newer ffmpeg",
            );
        }
        let keys: Vec<u64> = self
            .seen
            .iter()
            .filter(|s| s.key)
            .map(|s| s.index)
            .collect();
        let skips = encoder::row(self.wish.family).may_skip;
        // Where pictures may be left out, the one that was to be a key frame may be among them.
        let forced = |index: &u64| match skips {
            false => *index == plan::FIRST_SHOWN,
            true => (plan::FIRST_SHOWN..PICTURES).contains(index),
        };
        // At few frames a second the next GOP begins within the test, counted from the last key
        // frame or from the first picture.
        let gop = u64::from(self.wish.gop_frames());
        let mut last = 0;
        let due = |index: &u64| {
            let since = *index - std::mem::replace(&mut last, *index);
            *index > plan::FIRST_SHOWN && (since >= gop || index.is_multiple_of(gop))
        };
        let (_, keys): (Vec<u64>, Vec<u64>) = keys.into_iter().partition(due);
        match keys.as_slice() {
            [0, second] if forced(second) => {}
            [_, _, _, ..] => {
                return not(
                    Class::TooManyKeys,
                    &format!(
                        "{} of {} pictures are key frames where two were asked for: three times \
                         the bitrate, or no sharpness. Choose another encoder",
                        keys.len(),
                        self.seen.len()
                    ),
                );
            }
            _ => {
                return not(
                    Class::NoKey,
                    "it makes no key frame when asked for one, so that a change of the bitrate \
                     would interrupt the picture. Choose another encoder (h264_amf: ffmpeg 8 or \
                     newer can)",
                );
            }
        }
        // One that may leave pictures out has given the two key frames: libopenh264's second one of
        // dense text is so large that all after it are left out (measured, 9.0).
        if !skips && self.seen.len() < PICTURES as usize {
            return not(
                Class::TooFew,
                &format!(
                    "{} of {PICTURES} pictures came out. Choose another encoder",
                    self.seen.len()
                ),
            );
        }
        Ok(())
    }

    fn judge_pictures(&self, config: &AvcConfig) -> Result<(), Failure> {
        let mut last = None;
        for seen in &self.seen {
            let nals = avcc_nal_units(&seen.avcc, config.length_size)
                .map_err(|e| Failure::new(Class::Broken, format!("{e}. Choose another encoder")))?;
            let kinds: Vec<_> = nals.iter().filter_map(|nal| slice_kind(nal)).collect();
            if kinds.is_empty() {
                let why = "a packet of its output holds no picture. Choose another encoder";
                return Err(Failure::new(Class::Broken, why));
            }
            if kinds.iter().any(|kind| kind.bipredicted) || last > Some(seen.index) {
                let why = "it makes B-frames, with which viewers' browsers lose the picture. \
                           Choose another encoder";
                return Err(Failure::new(Class::BFrames, why));
            }
            if seen.key && !kinds.iter().all(|kind| kind.idr) {
                let why = "its key frames are no IDR pictures: viewers cannot begin with them. \
                           Choose another encoder";
                return Err(Failure::new(Class::NoKey, why));
            }
            last = Some(seen.index);
        }
        Ok(())
    }

    fn figures(&self, config: &AvcConfig) -> Figures {
        let us = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let mut times: Vec<u32> = self
            .seen
            .iter()
            .filter(|seen| seen.index > 0)
            .filter_map(|seen| {
                let written = self.written.get(usize::try_from(seen.index).ok()?)?;
                Some(us(seen.at.saturating_duration_since(*written)))
            })
            .collect();
        times.sort_unstable();
        let first = self.seen.first().map_or(self.started, |seen| seen.at);
        let keys = self.seen.iter().filter(|seen| seen.key);
        Figures {
            start_us: us(first.saturating_duration_since(self.started)),
            encode_p50_us: times.get(times.len() / 2).copied().unwrap_or(0),
            encode_max_us: times.last().copied().unwrap_or(0),
            left_out: (PICTURES as u32).saturating_sub(self.seen.len() as u32),
            key_frame_bytes: keys.map(|seen| seen.avcc.len()).max().unwrap_or(0) as u32,
            profile: (config.profile, config.compatibility),
            level: config.level,
        }
    }
}

/// Constrained baseline (ITU-T H.264 A.2.1.1): by its flag, or in fact, where a plain baseline stream
/// uses none of what the constraint forbids.
fn judge_profile(config: &AvcConfig) -> Result<(), Failure> {
    const BASELINE: u8 = 66;
    const CONSTRAINT_SET1: u8 = 0x40;
    let flagged = config.compatibility & CONSTRAINT_SET1 != 0;
    let groups = || {
        config
            .pps
            .iter()
            .any(|pps| uses_slice_groups(pps) != Some(false))
    };
    if config.profile == BASELINE && (flagged || !groups()) {
        return Ok(());
    }
    Err(Failure::new(
        Class::Profile,
        format!(
            "it makes profile {} (flags {:02x}), not constrained baseline, which alone every \
             browser plays. Choose another encoder",
            config.profile, config.compatibility
        ),
    ))
}
