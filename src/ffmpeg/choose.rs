//! Which encoders of this machine work, best first.
//!
//! Runs on the thread that asks: some seconds where nothing is known, some milliseconds where the
//! tests' results are (see [`super::cache`]). A result holds for one ffmpeg file, driver, family, set
//! of options, size and rate; not for one bitrate, so that the slider asks for no new test.

use super::cache::{Cache, Stamp, wall_seconds};
use super::encoder::{self, Row};
use super::failure::{Class, Failure};
use super::plan::{self, EncoderWish};
use super::probe::{self, Figures};
use super::{Ffmpeg, driver};
use crate::settings::EncoderFamily;
use crate::stop::StopToken;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// An encoder that passed its test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub family: EncoderFamily,
    /// Its set of options that passed, see [`EncoderWish::variant`].
    pub variant: u8,
    /// What its test showed.
    pub figures: Figures,
}

/// An encoder that cannot be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub family: EncoderFamily,
    /// What kind of failure.
    pub class: Class,
    /// What happened and what to do, in plain words.
    pub why: String,
    /// ffmpeg's own line, empty where it said nothing of use.
    pub said: String,
}

/// The encoders of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Those that passed, best first; the chosen one leads where it passed.
    pub candidates: Vec<Candidate>,
    /// Those that did not, in the order in which they were tried.
    pub refused: Vec<Refused>,
}

/// A failure is believed for so long: a driver may be installed, a card be free again.
const FAILURE_HOLDS_S: u64 = 600;
/// The same for the encoder that the operator has chosen.
const CHOSEN_FAILURE_HOLDS_S: u64 = 5;
/// A success is believed for so long, unless ffmpeg or driver change.
const SUCCESS_HOLDS_S: u64 = 7 * 24 * 3600;
/// Results that are kept.
const KEPT_RESULTS: usize = 200;
/// Name of what is kept.
const KEPT: &str = "encoder-tests";

/// Tests every encoder that this ffmpeg has, `chosen` first, with the arguments that `wish` gives
/// it. Takes up to some seconds; what was tested before is not tested again. Where `stop` is set
/// meanwhile, what is known so far comes back.
pub fn rank(
    ffmpeg: &Ffmpeg,
    wish: &EncoderWish,
    chosen: Option<EncoderFamily>,
    stop: &StopToken,
) -> Ranking {
    rank_with(ffmpeg, wish, chosen, stop, Cache::of_user())
}

/// [`rank`] with the results that `cache` has.
pub fn rank_with(
    ffmpeg: &Ffmpeg,
    wish: &EncoderWish,
    chosen: Option<EncoderFamily>,
    stop: &StopToken,
    cache: &Cache,
) -> Ranking {
    let mut tests = Tests {
        ffmpeg,
        wish,
        stop,
        driver: driver::identity(&ffmpeg.capabilities.render_nodes),
        stamp: Stamp::of(&ffmpeg.path),
        results: cache.load(KEPT).unwrap_or_default(),
        changed: false,
        now: wall_seconds(),
    };
    let mut ranking = Ranking::default();
    for row in order(ffmpeg, chosen) {
        if stop.is_stopped() {
            break;
        }
        let is_chosen = chosen == Some(row.family);
        match tests.family(row, is_chosen) {
            Ok((variant, figures)) => ranking.candidates.push(Candidate {
                family: row.family,
                variant,
                figures,
            }),
            Err(failure) if failure.class == Class::Stopped => break,
            Err(failure) => ranking.refused.push(Refused {
                family: row.family,
                class: failure.class,
                why: failure.why,
                said: failure.said,
            }),
        }
    }
    if tests.changed {
        tests.prune();
        cache.save(KEPT, &tests.results);
    }
    ranking
}

/// The chosen one, even where this ffmpeg lacks it (its message is wanted); then those that this
/// ffmpeg and this system have.
fn order(ffmpeg: &Ffmpeg, chosen: Option<EncoderFamily>) -> Vec<&'static Row> {
    let has = |row: &&Row| ffmpeg.capabilities.encoders.contains(row.name);
    let others = encoder::TABLE
        .iter()
        .filter(has)
        .filter(|row| row.suits_this_system() && chosen != Some(row.family));
    chosen.map(encoder::row).into_iter().chain(others).collect()
}

/// One test's result as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// Seconds of the wall clock.
    at_s: u64,
    result: Result<Figures, Failure>,
}

impl Kept {
    fn holds(&self, now_s: u64, chosen: bool) -> bool {
        let limit = match (&self.result, chosen) {
            (Ok(_), _) => SUCCESS_HOLDS_S,
            (Err(_), false) => FAILURE_HOLDS_S,
            (Err(_), true) => CHOSEN_FAILURE_HOLDS_S,
        };
        // A clock that was set back makes a result old, not eternal.
        now_s.checked_sub(self.at_s).is_some_and(|age| age < limit)
    }
}

struct Tests<'a> {
    ffmpeg: &'a Ffmpeg,
    wish: &'a EncoderWish,
    stop: &'a StopToken,
    driver: u64,
    stamp: Option<Stamp>,
    results: BTreeMap<String, Kept>,
    changed: bool,
    now: u64,
}

impl Tests<'_> {
    /// The first set of a family's options that passes; the first one's failure where none does.
    fn family(&mut self, row: &Row, chosen: bool) -> Result<(u8, Figures), Failure> {
        let found = &self.ffmpeg.capabilities;
        if !found.encoders.contains(row.name) {
            return Err(Failure::new(
                Class::NotInBuild,
                format!(
                    "{} (ffmpeg {}) was built without {}. Install a build that has it, or choose \
                     another encoder",
                    self.ffmpeg.path.display(),
                    found.version_text,
                    row.name
                ),
            ));
        }
        let (mut first, mut tried) = (None, Vec::new());
        for variant in 0..row.variant_count(found.render_nodes.len()) {
            let wish = EncoderWish {
                family: row.family,
                variant,
                ..*self.wish
            };
            let words = words_that_matter(&wish, self.ffmpeg);
            // Sets that differ for other versions only.
            if tried.contains(&words) {
                continue;
            }
            match self.test(&wish, &words, chosen) {
                Ok(figures) => return Ok((variant, figures)),
                Err(failure) if failure.class == Class::Stopped => return Err(failure),
                Err(failure) => {
                    let last = failure.class.is_final();
                    // A test may fail for a reason of its own; the first choice's counts.
                    first.get_or_insert(failure);
                    if last {
                        break;
                    }
                }
            }
            tried.push(words);
        }
        Err(first.unwrap_or_else(|| Failure::new(Class::Other, "it has no options to try")))
    }

    fn test(
        &mut self,
        wish: &EncoderWish,
        words: &[String],
        chosen: bool,
    ) -> Result<Figures, Failure> {
        let key = self.key(wish, words);
        if let Some(kept) = self.results.get(&key)
            && kept.holds(self.now, chosen)
        {
            return kept.result.clone();
        }
        let name = encoder::row(wish.family).name;
        let result = probe::probe(self.ffmpeg, wish, self.stop);
        match &result {
            Ok(figures) => tracing::info!(
                "encoder test: {name} works ({}), {:.1} ms a picture",
                encoder::row(wish.family).variant_in_words(wish.variant),
                f64::from(figures.encode_p50_us) / 1000.0
            ),
            Err(failure) => tracing::info!(
                "encoder test: {name} does not work: {} [{}]",
                failure.why,
                failure.said
            ),
        }
        let stopped = matches!(&result, Err(failure) if failure.class == Class::Stopped);
        if !stopped {
            self.changed = true;
            let kept = Kept {
                at_s: self.now,
                result: result.clone(),
            };
            self.results.insert(key, kept);
        }
        result
    }

    fn key(&self, wish: &EncoderWish, words: &[String]) -> String {
        let ffmpeg = format!("{:?} {}", self.stamp, self.ffmpeg.capabilities.version_text);
        format!(
            "{:016x} {:016x} {} {} {} {:016x}",
            xxh3_64(ffmpeg.as_bytes()),
            self.driver,
            encoder::row(wish.family).name,
            wish.variant,
            wish.size,
            xxh3_64(words.join("\n").as_bytes())
        )
    }

    fn prune(&mut self) {
        let now = self.now;
        self.results.retain(|_, kept| kept.holds(now, false));
        while self.results.len() > KEPT_RESULTS {
            let oldest = self.results.iter().min_by_key(|(_, kept)| kept.at_s);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.results.remove(&key);
        }
    }
}

/// The arguments without what follows from the bitrate.
fn words_that_matter(wish: &EncoderWish, ffmpeg: &Ffmpeg) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let args = plan::encoder(wish, &ffmpeg.capabilities, cores);
    let mut kept = Vec::new();
    let mut words = args.shown().iter();
    while let Some(word) = words.next() {
        if ["-b:v", "-maxrate", "-bufsize"].contains(&word.as_str()) {
            words.next();
        } else {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(all(test, unix))]
#[path = "choose_tests.rs"]
mod tests;
