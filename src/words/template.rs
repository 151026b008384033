//! One message: its English format string as in the source, which finished texts are held against,
//! and its Korean one, which is filled in. Pure, any thread. Matching backtracks, but within a
//! budget of steps, so that no text costs more than some microseconds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Steps of one match at most. A text of the session needs less than twenty.
const STEPS: u32 = 400;
/// The longest figure, such as -1234567.891.
const LONGEST_NUMBER: usize = 24;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text, also an empty one; translated by itself.
    Any,
    /// A figure.
    Number,
    /// Text without spaces, such as an encoder's name.
    Word,
    /// Words that are no message with a colon or a comma in it, such as "4.0 %".
    Phrase,
    /// A text as `{:?}` writes it, in quotes.
    Quoted,
}

/// Placeholders whose kind their form does not tell: from the comments of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Hints(pub Vec<(String, Kind)>);

impl Hints {
    /// From lines such as "word: 0 path".
    pub fn of(comment: &str) -> Self {
        let mut hints = Vec::new();
        for line in comment.lines() {
            let Some((head, names)) = line.trim().split_once(':') else {
                continue;
            };
            let kind = match head {
                "number" => Kind::Number,
                "word" => Kind::Word,
                "phrase" => Kind::Phrase,
                "quoted" => Kind::Quoted,
                _ => continue,
            };
            hints.extend(names.split_whitespace().map(|name| (name.to_owned(), kind)));
        }
        Self(hints)
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, kind)| *kind)
    }
}

/// A placeholder: its name (or its number), its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// As in the format string; `{}` are numbered from 0.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
}

/// A piece of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// A placeholder.
    Hole(Hole),
}

/// The pieces of a format string of Rust (`{}`, `{0}`, `{name:.1}`, `{{`).
///
/// # Errors
/// Where a bracket is left open.
pub fn parse(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                text.push(c);
            }
            '}' => return Err(format!("a lonely }} in {format:?}")),
            '{' => {
                let mut inner = String::new();
                loop {
                    match chars.next() {
                        Some('}') => break,
                        Some(c) => inner.push(c),
                        None => return Err(format!("an open {{ in {format:?}")),
                    }
                }
                let (name, spec) = inner.split_once(':').unwrap_or((&inner, ""));
                let name = match name.trim() {
                    "" => {
                        next += 1;
                        (next - 1).to_string()
                    }
                    name => name.to_owned(),
                };
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                let kind = kind(&name, spec);
                parts.push(Part::Hole(Hole { name, kind }));
            }
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// What the name and the form of a placeholder tell of it.
fn kind(name: &str, spec: &str) -> Kind {
    let exact = spec.contains('.') && !spec.contains('?');
    let figure = exact
        || spec.starts_with('+')
        || ["_ms", "_s", "_kbps", "_bytes", "_fps", "_dbfs"]
            .iter()
            .any(|end| name.ends_with(end))
        || matches!(
            name,
            "ms" | "kbps"
                | "fps"
                | "seconds"
                | "bytes"
                | "port"
                | "attempt"
                | "percent"
                | "count"
                | "depth"
                | "width"
                | "height"
                | "stride"
                | "code"
                | "tries"
                | "lost"
        );
    match (figure, spec.ends_with('x')) {
        (true, _) => Kind::Number,
        (_, true) => Kind::Word,
        _ => Kind::Any,
    }
}

/// A message in both languages.
#[derive(Clone, Debug)]
pub struct Template {
    english: Vec<Part>,
    korean: Vec<Part>,
}

impl Template {
    /// From both format strings and what is known of their placeholders.
    ///
    /// # Errors
    /// Where a string is malformed, has no words, or the placeholders are not the same.
    pub fn new(english: &str, korean: &str, hints: &Hints) -> Result<Self, String> {
        let (mut english_parts, korean_parts) = (parse(english)?, parse(korean)?);
        for part in &mut english_parts {
            if let Part::Hole(hole) = part {
                hole.kind = hints.kind(&hole.name).unwrap_or(hole.kind);
            }
        }
        let (ours, theirs) = (names(&english_parts), names(&korean_parts));
        if ours != theirs {
            return Err(format!(
                "{english:?} has {ours:?}, {korean:?} has {theirs:?}"
            ));
        }
        let template = Self {
            english: english_parts,
            korean: korean_parts,
        };
        if template.weight() == 0 {
            return Err(format!("{english:?} has no words"));
        }
        Ok(template)
    }

    /// How much of a text is the message's own: the more, the surer.
    pub fn weight(&self) -> usize {
        let texts = self.english.iter().map(|part| match part {
            Part::Text(text) => text.chars().filter(|c| c.is_alphabetic()).count(),
            Part::Hole(_) => 0,
        });
        texts.sum()
    }

    /// The pieces in English.
    pub fn english(&self) -> &[Part] {
        &self.english
    }

    /// The literal beginning, where there is one.
    pub fn beginning(&self) -> Option<&str> {
        match self.english.first() {
            Some(Part::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The longest literal: a text without it is none of this message's.
    pub fn longest(&self) -> &str {
        let texts = self.english.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Hole(_) => None,
        });
        texts.max_by_key(|text| text.len()).unwrap_or_default()
    }

    /// What stands at the placeholders of `text`, in their order; None where it is another message's.
    /// The first letter's case does not count.
    pub fn fit<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let mut found = Vec::with_capacity(self.english.len());
        let mut steps = STEPS;
        let (rest, parts) = match self.beginning() {
            Some(beginning) => {
                let head = text.get(..beginning.len())?;
                let same = head == beginning
                    || (head.get(..1)?.eq_ignore_ascii_case(beginning.get(..1)?)
                        && head.get(1..) == beginning.get(1..));
                if !same {
                    return None;
                }
                (&text[beginning.len()..], &self.english[1..])
            }
            None => (text, &self.english[..]),
        };
        fit(parts, rest, &mut found, &mut steps).then_some(found)
    }

    /// The Korean text with `values`, which are in the order of the English placeholders.
    pub fn fill(&self, values: &[String]) -> String {
        let holes = self.english.iter().filter_map(|part| match part {
            Part::Hole(hole) => Some(hole.name.as_str()),
            Part::Text(_) => None,
        });
        let named: Vec<(&str, &String)> = holes.zip(values).collect();
        let mut out = String::new();
        for part in &self.korean {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole(hole) => {
                    if let Some((_, value)) = named.iter().find(|(name, _)| *name == hole.name) {
                        let _ = out.write_str(value);
                    }
                }
            }
        }
        out
    }
}

/// Whether a piece has letters of its own.
pub fn has_words(part: &Part) -> bool {
    match part {
        Part::Text(text) => text.chars().any(char::is_alphabetic),
        Part::Hole(_) => false,
    }
}

/// Names of the placeholders.
fn names(parts: &[Part]) -> BTreeSet<&str> {
    let holes = parts.iter().filter_map(|part| match part {
        Part::Hole(hole) => Some(hole.name.as_str()),
        Part::Text(_) => None,
    });
    holes.collect()
}

/// Whether all of `text` fits `parts`; the shortest value first.
fn fit<'t>(parts: &[Part], text: &'t str, found: &mut Vec<&'t str>, steps: &mut u32) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    let hole = match part {
        Part::Text(literal) => {
            return text
                .strip_prefix(literal.as_str())
                .is_some_and(|after| fit(rest, after, found, steps));
        }
        Part::Hole(hole) => hole,
    };
    let mut try_at = |at: usize, steps: &mut u32| {
        let value = &text[..at];
        let goes = *steps > 0 && may_be(hole.kind, value);
        *steps = steps.saturating_sub(1);
        if !goes {
            return false;
        }
        found.push(value);
        let fits = fit(rest, &text[at..], found, steps);
        if !fits {
            found.pop();
        }
        fits
    };
    match rest.first() {
        None => try_at(text.len(), steps),
        // The last literal stands at the end.
        Some(Part::Text(literal)) if rest.len() == 1 => text
            .strip_suffix(literal.as_str())
            .is_some_and(|value| try_at(value.len(), steps)),
        Some(Part::Text(literal)) => text
            .match_indices(literal.as_str())
            .any(|(at, _)| try_at(at, steps)),
        // Two placeholders side by side: nothing tells where one ends but their kinds.
        Some(Part::Hole(_)) => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.rev().any(|at| try_at(at, steps))
        }
    }
}

/// Whether `value` can be of this kind.
fn may_be(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Word => !value.is_empty() && !value.contains(char::is_whitespace),
        Kind::Phrase => ![": ", "; ", ", ", ". "]
            .iter()
            .any(|sign| value.contains(sign)),
        Kind::Quoted => {
            let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            inner.is_some_and(|inner| !inner.replace("\\\"", "").contains('"'))
        }
        Kind::Number => {
            let figures = value.trim_start_matches(['+', '-']);
            value.len() <= LONGEST_NUMBER
                && (matches!(figures, "inf" | "NaN")
                    || (figures.starts_with(|c: char| c.is_ascii_digit())
                        && figures.bytes().all(|b| b.is_ascii_digit() || b == b'.')))
        }
    }
}
