//! H.264 encoders, one line each, and which one a show takes.

use super::guard::{Lane, Look};
use super::{Area, LIVE};
use crate::ffmpeg::Ffmpeg;
use crate::ffmpeg::choose::{self, Candidate, Ranking, Refused};
use crate::ffmpeg::plan::EncoderWish;
use crate::settings::EncoderFamily;
use std::time::Duration;

/// Absent encoders fail within some milliseconds each.
const LIMIT: Duration = Duration::from_secs(9);

/// Tests all; the one that a show would take.
pub(super) fn check(lane: &Lane, ffmpeg: Option<&Ffmpeg>) -> Option<Candidate> {
    let skip = |why: &str| {
        lane.tell(Area::Encoder, Duration::ZERO, Look::skipped(why));
        None
    };
    if lane.case.now.live {
        return skip(LIVE);
    }
    let Some(ffmpeg) = ffmpeg.cloned() else {
        return skip("not looked at without a usable ffmpeg");
    };
    lane.look_for(Area::Encoder, LIMIT, move |case, stop| {
        let settings = &case.settings;
        let chosen = settings.encoder.family;
        let ranking = choose::rank(&ffmpeg, &EncoderWish::of(settings), chosen, stop);
        (looks(&ranking, chosen), ranking.candidates.first().cloned())
    })
    .flatten()
}

fn looks(ranking: &Ranking, chosen: Option<EncoderFamily>) -> Vec<Look> {
    let taken = ranking.candidates.first().map(|first| first.family);
    let works = ranking.candidates.iter().map(|candidate| {
        let name = name(candidate.family);
        Look::ok(match (Some(candidate.family) == taken, chosen) {
            (true, Some(chosen)) if chosen == candidate.family => {
                format!("{name}: works; chosen in the settings")
            }
            (true, Some(_)) => format!("{name}: works; taken in place of the chosen one"),
            (true, None) => format!("{name}: works; the automatic choice takes it"),
            (false, _) => format!("{name}: works"),
        })
    });
    let mut looks: Vec<_> = works.collect();
    looks.extend(ranking.refused.iter().map(|r| refused(r, taken, chosen)));
    if looks.is_empty() || taken.is_none() {
        looks.push(Look::failed(
            "no H.264 encoder works here",
            "install an ffmpeg with libx264 (every distribution's own has it)",
        ));
    }
    looks
}

/// An encoder that the machine lacks is no fault; the chosen one is.
fn refused(refused: &Refused, taken: Option<EncoderFamily>, chosen: Option<EncoderFamily>) -> Look {
    let found = format!("{}: {}", name(refused.family), refused.why);
    match taken {
        _ if chosen != Some(refused.family) => Look::skipped(found),
        Some(taken) => Look::warning(
            format!("{found} (chosen in the settings; {} is taken)", name(taken)),
            "mend what it says, or set encoder.family to automatic",
        ),
        None => Look::failed(
            format!("{found} (chosen in the settings)"),
            "mend what it says, or set encoder.family to automatic",
        ),
    }
}

/// As the operator and ffmpeg call it.
fn name(family: EncoderFamily) -> &'static str {
    match family {
        EncoderFamily::Nvenc => "NVIDIA (h264_nvenc)",
        EncoderFamily::Qsv => "Intel (h264_qsv)",
        EncoderFamily::Amf => "AMD (h264_amf)",
        EncoderFamily::VideoToolbox => "Apple (h264_videotoolbox)",
        EncoderFamily::Vaapi => "VA-API (h264_vaapi)",
        EncoderFamily::MediaFoundation => "Media Foundation (h264_mf)",
        EncoderFamily::Libx264 => "CPU (libx264)",
        EncoderFamily::Libopenh264 => "CPU (libopenh264)",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::ffmpeg::failure::Class;
    use crate::ffmpeg::probe::Figures;

    fn ranking(works: &[EncoderFamily], fails: &[EncoderFamily]) -> Ranking {
        let candidate = |family: &EncoderFamily| Candidate {
            family: *family,
            variant: 0,
            figures: Figures::default(),
        };
        let refused = |family: &EncoderFamily| Refused {
            family: *family,
            class: Class::NoDriver,
            why: "no driver".into(),
            said: String::new(),
        };
        Ranking {
            candidates: works.iter().map(candidate).collect(),
            refused: fails.iter().map(refused).collect(),
        }
    }

    fn worst(looks: &[Look]) -> Outcome {
        looks.iter().map(|look| look.outcome).max().unwrap()
    }

    #[test]
    fn an_absent_card_is_no_fault() {
        use EncoderFamily::*;
        let looks = looks(&ranking(&[Libx264, Libopenh264], &[Nvenc]), None);
        let texts: Vec<_> = looks.iter().map(|look| look.found.as_str()).collect();
        assert_eq!(
            texts,
            [
                "CPU (libx264): works; the automatic choice takes it",
                "CPU (libopenh264): works",
                "NVIDIA (h264_nvenc): no driver",
            ]
        );
        assert_eq!(worst(&looks), Outcome::Skipped);
    }

    #[test]
    fn a_chosen_one_that_fails_is_a_fault_with_a_fix() {
        use EncoderFamily::*;
        let replaced = looks(&ranking(&[Libx264], &[Nvenc, Qsv]), Some(Nvenc));
        assert_eq!(worst(&replaced), Outcome::Warning);
        let line = replaced.iter().find(|l| l.outcome == Outcome::Warning);
        let line = line.unwrap();
        assert!(line.found.contains("libx264) is taken"), "{}", line.found);
        assert!(line.fix.contains("automatic"));
        assert!(replaced[0].found.contains("in place of the chosen"));
        let works = looks(&ranking(&[Nvenc], &[]), Some(Nvenc));
        assert_eq!(
            works,
            [Look::ok(
                "NVIDIA (h264_nvenc): works; chosen in the settings"
            )]
        );
    }

    #[test]
    fn no_encoder_at_all_fails() {
        use EncoderFamily::*;
        for chosen in [None, Some(Libx264)] {
            let looks = looks(&ranking(&[], &[Libx264]), chosen);
            assert_eq!(worst(&looks), Outcome::Failed);
            assert!(!looks.last().unwrap().fix.is_empty());
        }
        assert_eq!(worst(&looks(&ranking(&[], &[]), None)), Outcome::Failed);
    }
}
