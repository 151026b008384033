//! Says once a show in words what it means that something arrives which is not the console's.
//!
//! Runs on the session's thread.

use super::journal::Journal;
use super::snapshot::Verdict;
use crate::relay::hub::RelayFigures;

/// What was said in this show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passages {
    picture: Said,
    sound: Said,
}

#[derive(Clone, Copy, Debug, Default)]
struct Said {
    damaged: bool,
    recoded: bool,
}

impl Passages {
    /// Says what is new in `figures`.
    pub fn tell(&mut self, figures: &RelayFigures, journal: &Journal) {
        let sound = &figures.sound;
        let all = [
            (
                &mut self.picture,
                PICTURE,
                figures.verdict,
                figures.arrivals,
            ),
            (&mut self.sound, SOUND, sound.verdict, sound.arrivals),
        ];
        for (said, words, verdict, (untouched, other)) in all {
            let is_new = match verdict {
                Verdict::Damaged => !std::mem::replace(&mut said.damaged, true),
                Verdict::Recoded => !std::mem::replace(&mut said.recoded, true),
                Verdict::Unknown | Verdict::Untouched => false,
            };
            match verdict {
                Verdict::Recoded if is_new => journal.warn(words.recoded),
                Verdict::Damaged if is_new => {
                    let all = untouched + other;
                    let text = format!("{other} of {all} {}", words.damaged);
                    journal.warn(text);
                }
                _ => {}
            }
        }
    }
}

struct Words {
    recoded: &'static str,
    damaged: &'static str,
}

const PICTURE: Words = Words {
    recoded: "the server encodes the picture again: for seconds no picture that arrives is this \
              encoder's. That costs time and sharpness, and latency cannot be measured: let viewers \
              and the console's path be one that is not transcoded",
    damaged: "pictures that arrived are not the encoder's, byte for byte: parts were lost or damaged \
              between console and viewer. Lower the bitrate, or raise the SRT latency",
};

const SOUND: Words = Words {
    recoded: "the server encodes the sound again, or loses it: for seconds no Opus packet that arrives \
              is this publisher's. Let the path be one that is not transcoded",
    damaged: "Opus packets that arrived are not the publisher's, byte for byte: the server changes the \
              sound now and then, or damages it",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_said_once_and_of_what_it_is_true() {
        let (mut passages, journal) = (Passages::default(), Journal::new());
        let mut figures = RelayFigures {
            verdict: Verdict::Untouched,
            ..RelayFigures::default()
        };
        passages.tell(&figures, &journal);
        assert_eq!(journal.lines().len(), 0);
        (figures.verdict, figures.arrivals) = (Verdict::Damaged, (99, 1));
        for verdict in [Verdict::Unknown, Verdict::Recoded, Verdict::Recoded] {
            figures.sound.verdict = verdict;
            passages.tell(&figures, &journal);
        }
        let lines = journal.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].text.starts_with("1 of 100 pictures"));
        assert!(
            lines[1]
                .text
                .starts_with("the server encodes the sound again")
        );
    }
}
