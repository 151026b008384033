//! Which encoder a show takes, and which comes next when one fails. Pure.

use crate::ffmpeg::choose::{Candidate, Ranking, Refused};
use crate::ffmpeg::encoder;
use crate::ffmpeg::failure::Class;
use crate::settings::EncoderFamily;

/// The encoders of a show, in the order in which they are taken.
#[derive(Clone, Debug, Default)]
pub struct Lineup {
    ranking: Ranking,
    chosen: Option<EncoderFamily>,
    /// Failed in this show, with what happened.
    failed: Vec<Refused>,
}

/// The encoder to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Which.
    pub family: EncoderFamily,
    /// With which set of options.
    pub variant: u8,
    /// Why this one, in words.
    pub why: String,
    /// Set where it is not the one that was chosen, or one before it failed in this show: what
    /// happened, to be said loudly.
    pub fallback: Option<String>,
}

impl Lineup {
    /// The encoders that passed their test; `chosen` is the operator's, None the automatic choice.
    pub fn new(ranking: Ranking, chosen: Option<EncoderFamily>) -> Self {
        Self {
            ranking,
            chosen,
            failed: Vec::new(),
        }
    }

    /// The operator chooses: that is also a wish to try again what failed.
    pub fn choose(&mut self, chosen: Option<EncoderFamily>) {
        if self.chosen != chosen {
            self.chosen = chosen;
            self.failed.clear();
        }
    }

    /// What the operator chose.
    pub fn chosen(&self) -> Option<EncoderFamily> {
        self.chosen
    }

    /// Takes a family out of this show.
    pub fn fail(&mut self, family: EncoderFamily, why: impl Into<String>) {
        self.failed.retain(|failed| failed.family != family);
        self.failed.push(Refused {
            family,
            class: Class::Other,
            why: why.into(),
            said: String::new(),
        });
    }

    /// Takes all that failed in this show in again.
    pub fn forgive(&mut self) {
        self.failed.clear();
    }

    /// Whether another encoder would be left without this one.
    pub fn has_other_than(&self, family: EncoderFamily) -> bool {
        let others = |c: &Candidate| c.family != family && self.works(c);
        self.ranking.candidates.iter().any(others)
    }

    fn works(&self, candidate: &Candidate) -> bool {
        self.failed
            .iter()
            .all(|failed| failed.family != candidate.family)
    }

    /// The best that is left; None where all have failed.
    pub fn pick(&self) -> Option<Pick> {
        let left = || self.ranking.candidates.iter().filter(|c| self.works(c));
        let wanted = |c: &&Candidate| Some(c.family) == self.chosen;
        let candidate = left().find(wanted).or_else(|| left().next())?;
        let family = candidate.family;
        let fallback = match self.chosen {
            Some(chosen) if chosen == family => None,
            Some(chosen) => {
                let why = self.why_not(chosen);
                Some(format!(
                    "{} was chosen but does not work: {why} {} has its place",
                    name(chosen),
                    name(family)
                ))
            }
            None => self.failed.last().map(|failed| {
                format!(
                    "{} failed in this show: {} {} has its place",
                    name(failed.family),
                    ended(&failed.why),
                    name(family)
                )
            }),
        };
        let why = match (&fallback, self.chosen) {
            (Some(text), _) => text.clone(),
            (None, Some(_)) => "chosen in the settings".into(),
            (None, None) => self.first_that_passed(family),
        };
        Some(Pick {
            family,
            variant: candidate.variant,
            why,
            fallback,
        })
    }

    /// Why nothing is left.
    pub fn why_none(&self) -> String {
        let all = self.ranking.refused.iter().chain(&self.failed);
        let each: Vec<_> = all
            .map(|refused| format!("{}: {}", name(refused.family), ended(&refused.why)))
            .collect();
        if each.is_empty() {
            "this ffmpeg has no H.264 encoder that the console knows".into()
        } else {
            each.join(" ")
        }
    }

    fn why_not(&self, family: EncoderFamily) -> String {
        let all = self.failed.iter().chain(&self.ranking.refused);
        all.filter(|refused| refused.family == family)
            .map(|refused| ended(&refused.why))
            .next()
            .unwrap_or_else(|| "this ffmpeg does not have it.".into())
    }

    fn first_that_passed(&self, family: EncoderFamily) -> String {
        let before = |refused: &&Refused| refused.family < family;
        let passed_over: Vec<_> = self
            .ranking
            .refused
            .iter()
            .filter(before)
            .map(|refused| name(refused.family))
            .collect();
        if passed_over.is_empty() {
            return "automatic: the first that works here".into();
        }
        format!(
            "automatic: the first that works here. Not {}: the check says why",
            passed_over.join(", ")
        )
    }
}

fn name(family: EncoderFamily) -> &'static str {
    encoder::row(family).name
}

/// A sentence with its full stop.
fn ended(why: &str) -> String {
    let why = why.trim_end();
    if why.ends_with(['.', '!', '?']) {
        why.into()
    } else {
        format!("{why}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::probe::Figures;
    use EncoderFamily::{Libopenh264, Libx264, Nvenc, Vaapi};

    fn lineup(chosen: Option<EncoderFamily>) -> Lineup {
        let candidates = [Vaapi, Libx264, Libopenh264].map(|family| Candidate {
            family,
            variant: u8::from(family == Vaapi),
            figures: Figures::default(),
        });
        let refused = vec![Refused {
            family: Nvenc,
            class: Class::NoDriver,
            why: "no NVIDIA driver".into(),
            said: String::new(),
        }];
        let ranking = Ranking {
            candidates: candidates.into(),
            refused,
        };
        Lineup::new(ranking, chosen)
    }

    #[test]
    fn the_automatic_choice_takes_the_first_and_says_what_it_passed_over() {
        let pick = lineup(None).pick().unwrap();
        assert_eq!((pick.family, pick.variant), (Vaapi, 1));
        assert_eq!(pick.fallback, None);
        assert!(pick.why.contains("Not h264_nvenc: "), "{}", pick.why);
    }

    #[test]
    fn a_chosen_encoder_that_works_is_taken_whatever_its_place() {
        let pick = lineup(Some(Libopenh264)).pick().unwrap();
        assert_eq!((pick.family, pick.fallback), (Libopenh264, None));
    }

    #[test]
    fn a_chosen_encoder_that_does_not_work_falls_back_loudly() {
        let pick = lineup(Some(Nvenc)).pick().unwrap();
        assert_eq!(pick.family, Vaapi);
        let text = pick.fallback.unwrap();
        assert!(text.contains("no NVIDIA driver."), "{text}");
        assert_eq!(pick.why, text);
    }

    #[test]
    fn what_fails_in_the_show_is_passed_over_until_chosen_anew() {
        let mut lineup = lineup(None);
        lineup.fail(Vaapi, "device lost");
        assert!(lineup.has_other_than(Libx264));
        let pick = lineup.pick().unwrap();
        assert_eq!(pick.family, Libx264);
        assert!(pick.fallback.unwrap().contains("device lost"));
        lineup.fail(Libx264, "killed");
        assert!(!lineup.has_other_than(Libopenh264));
        lineup.fail(Libopenh264, "killed");
        assert_eq!(lineup.pick(), None);
        let why = lineup.why_none();
        assert!(
            why.contains("NVIDIA") && why.contains("device lost"),
            "{why}"
        );
        lineup.choose(Some(Vaapi));
        assert_eq!(lineup.pick().unwrap().family, Vaapi);
    }

    #[test]
    fn a_failed_choice_is_not_taken_again_by_itself() {
        let mut lineup = lineup(Some(Vaapi));
        lineup.fail(Vaapi, "device lost");
        assert_eq!(lineup.pick().unwrap().family, Libx264);
        lineup.choose(Some(Vaapi));
        assert_eq!(lineup.pick().unwrap().family, Libx264, "the same choice");
    }
}
