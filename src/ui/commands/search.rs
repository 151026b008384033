//! Finding an operation by what the operator types: its title in the window's language or in English, or its
//! id, in any order of letters that keeps theirs; what follows is what it is told (`bitrate 2500`). Pure,
//! some tens of titles, so no need for a thread of its own.

use crate::control::{Deed, Op, Takes};
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

/// An operation with its titles.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is done.
    pub op: Op,
    /// In the window's language.
    pub title: String,
    /// In English.
    pub english: String,
}

/// How much less a title is worth in which the letters of a word do not lie together.
const SCATTERED: i64 = 80;
/// How many of the operations done last come first.
pub const RECENT: usize = 6;

/// What fits `query`, the best first. Without a query: those of `recent` (the newest first), then all
/// in their order.
pub fn find(entries: &[Entry], query: &str, recent: &[Deed]) -> Vec<Deed> {
    let query = query.trim();
    if query.is_empty() {
        let mut all: Vec<Deed> = recent.iter().take(RECENT).cloned().collect();
        let rest = entries.iter().map(|entry| Deed::plain(entry.op));
        let rest: Vec<Deed> = rest.filter(|deed| !all.contains(deed)).collect();
        all.extend(rest);
        return all;
    }
    let matcher = SkimMatcherV2::default().ignore_case();
    let mut found: Vec<(i64, Deed)> = entries
        .iter()
        .filter_map(|entry| {
            let (score, argument) = best(&matcher, entry, query)?;
            let op = entry.op;
            Some((score, Deed { op, argument }))
        })
        .collect();
    let place = |deed: &Deed| recent.iter().position(|done| done.op == deed.op);
    for (score, deed) in &mut found {
        // Of two that fit as well, the one done lately.
        *score = *score * 10 + place(deed).map_or(0, |at| 8 - at.min(7) as i64);
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    // Scattered letters only where nothing else fits.
    if found.first().is_some_and(|(best, _)| *best > 0) {
        found.retain(|(score, _)| *score > 0);
    }
    found.into_iter().map(|(_, deed)| deed).collect()
}

/// How well an entry fits, and what it is told.
fn best(matcher: &SkimMatcherV2, entry: &Entry, query: &str) -> Option<(i64, Option<String>)> {
    let fits = |text: &str| {
        let texts = [entry.title.as_str(), &entry.english, entry.op.id()];
        texts
            .iter()
            .filter_map(|title| score(matcher, title, text))
            .max()
    };
    let whole = fits(query).map(|score| (score, None));
    if entry.op.takes().is_nothing() || entry.op.takes().is_secret() {
        return whole;
    }
    let cuts = query.char_indices().filter(|(_, c)| c.is_whitespace());
    let parts = cuts.filter_map(|(at, _)| {
        let (name, argument) = (query[..at].trim(), query[at..].trim());
        let good = looks_right(entry.op.takes(), argument);
        let score = fits(name).filter(|_| good)?;
        // What was told is understood: that is worth as much as its letters.
        let more = 16 * argument.chars().count() as i64;
        Some((score + more, Some(argument.to_owned())))
    });
    whole
        .into_iter()
        .chain(parts)
        .max_by_key(|(score, _)| *score)
}

/// Each word of `text` somewhere in `title`, so that their order does not matter.
fn score(matcher: &SkimMatcherV2, title: &str, text: &str) -> Option<i64> {
    let mut sum = 0;
    for word in text.split_whitespace() {
        let score = matcher.fuzzy_match(title, word)?;
        let lower = title.to_lowercase();
        // Scattered letters fit too many titles: those come last.
        let together = longest_run(&lower, &word.to_lowercase());
        if together * 2 < word.chars().count() {
            sum -= SCATTERED;
        }
        let begins = lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| part == word.to_lowercase());
        sum += score + if begins { 12 } else { 0 };
    }
    // Of two titles with the same letters the shorter one.
    Some(sum - title.chars().count() as i64 / 8)
}

/// The longest beginning of `word` that is found in `title` as it is.
fn longest_run(title: &str, word: &str) -> usize {
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.enumerate()
        .take_while(|(_, end)| title.contains(&word[..*end]))
        .map(|(count, _)| count + 1)
        .last()
        .unwrap_or(0)
}

/// Whether `argument` has the form of what is taken, so that "picture size" is not size "size".
fn looks_right(takes: Takes, argument: &str) -> bool {
    let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "+-−.".contains(c));
    match takes {
        Takes::Nothing | Takes::Secret { .. } => false,
        Takes::Number { .. } | Takes::Input | Takes::InputAndNumber { .. } => number(argument),
        Takes::Text { .. } => !argument.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Language;
    use crate::ui::commands::titles::title;
    use crate::ui::i18n::Texts;

    fn entries(language: Language) -> Vec<Entry> {
        let (own, english) = (Texts::new(language), Texts::new(Language::English));
        let entry = |op: &Op| Entry {
            op: *op,
            title: own.t(title(*op)),
            english: english.t(title(*op)),
        };
        Op::ALL.iter().map(entry).collect()
    }

    fn first(language: Language, query: &str) -> Option<String> {
        let found = find(&entries(language), query, &[]);
        found.first().map(Deed::text)
    }

    #[test]
    fn each_operation_is_first_by_its_id_and_by_its_title() {
        for language in [Language::English, Language::Korean] {
            let all = entries(language);
            for entry in &all {
                for query in [entry.op.id(), &entry.title, &entry.english] {
                    let found = find(&all, query, &[]);
                    assert_eq!(
                        found.first().map(|d| d.op),
                        Some(entry.op),
                        "{query}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_few_letters_are_enough() {
        use Language::{English, Korean};
        for (language, query, id) in [
            (English, "go", "go-live"),
            (English, "stop", "stop"),
            (English, "mute", "mute"),
            (English, "mute on", "mute-toggle"),
            (English, "bitrate 2500", "bitrate-set 2500"),
            (English, "bitrate 2.5M", "bitrate-set 2.5M"),
            (English, "bitr up", "bitrate-up"),
            (English, "gain 2 -6", "input-gain 2 -6"),
            (English, "size 1920x1080", "size-set 1920x1080"),
            (
                English,
                "setting encoder.gop_seconds=0.5",
                "setting-set encoder.gop_seconds=0.5",
            ),
            (English, "replay", "replay-save"),
            (English, "rply", "replay-save"),
            (English, "mtoggle", "mute-toggle"),
            (Korean, "비트레이트 2500", "bitrate-set 2500"),
            (Korean, "bitrate 2500", "bitrate-set 2500"),
            (Korean, "송출 종료", "stop"),
            (Korean, "리플레이", "replay-save"),
        ] {
            let found = find(&entries(language), query, &[]);
            let ids: Vec<String> = found.iter().map(Deed::text).collect();
            if query == "rply" || query == "mtoggle" {
                assert!(
                    ids.iter().take(3).any(|found| found == id),
                    "{query}: {ids:?}"
                );
            } else {
                assert_eq!(
                    first(language, query).as_deref(),
                    Some(id),
                    "{query}: {ids:?}"
                );
            }
        }
        assert_eq!(first(English, "xyzzy"), None);
    }

    #[test]
    fn without_a_query_what_was_done_last_comes_first() {
        let recent = [
            Deed::read("bitrate-set 2500").unwrap(),
            Deed::plain(Op::Undo),
        ];
        let found = find(&entries(Language::English), "", &recent);
        assert_eq!(found[..2], recent);
        assert_eq!(found[2], Deed::plain(Op::GoLive));
        // Undo is not there twice; bitrate-set is also there without its figure.
        assert_eq!(found.len(), Op::ALL.len() + 1);
    }
}
