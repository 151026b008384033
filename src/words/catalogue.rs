//! All messages, and how a finished text is found among them and put together in Korean. Pure, any
//! thread.
//!
//! A text is one message, or several: sentences, a chain "what: why", a list with commas. Of the
//! messages that fit, that with the most words of its own wins. Placeholders' values are texts
//! themselves. A message of several sentences also counts as each of them, because the doctor takes
//! messages apart into what was found and what to do.

use super::particle;
use super::template::{self, Hints, Template};
use std::collections::HashMap;

/// Values within values within values: deeper ones stay English.
const DEEPEST: u32 = 6;
/// Longer texts stay as they are; the longest message has some 400 bytes.
const LONGEST: usize = 4000;
/// Pieces of one text; what comes behind them is one more.
const MOST_PIECES: usize = 16;
/// Pieces that together are one message: none has more commas.
const LONGEST_RUN: usize = 5;
/// What stands between messages, the loosest first.
const BETWEEN: [&str; 6] = ["\n", ". ", "; ", ": ", ", ", " -> "];
/// A message is looked up by so many of its first bytes.
const KEY: usize = 4;

/// The messages.
#[derive(Default)]
pub struct Catalogue {
    templates: Vec<Template>,
    /// By their first letters.
    by_beginning: HashMap<[u8; KEY], Vec<usize>>,
    /// Those that begin with a placeholder, or are shorter.
    others: Vec<usize>,
}

impl Catalogue {
    /// From a PO file: `msgid` is the format string as in the source, `msgstr` has its placeholders by
    /// name or number. `#. word: NAME` tells of a placeholder, see [`Hints`].
    ///
    /// # Errors
    /// What is wrong with the file, by message.
    pub fn of_po(po: &str) -> Result<Self, String> {
        let file = polib::po_file::parse_from_reader(po.as_bytes()).map_err(|e| e.to_string())?;
        let mut catalogue = Self::default();
        for message in file.messages() {
            let korean = message.msgstr().map_err(|e| e.to_string())?;
            let hints = Hints::of(message.extracted_comments());
            catalogue.add(message.msgid(), korean, &hints)?;
        }
        catalogue.sort();
        Ok(catalogue)
    }

    fn add(&mut self, english: &str, korean: &str, hints: &Hints) -> Result<(), String> {
        // A beginning such as "Monitor of ", behind which a name follows.
        let beginning = format!("{english}{{}}");
        let english = if english.ends_with(' ') {
            &beginning
        } else {
            english
        };
        let (english, korean) = (core(english), core(korean));
        self.templates.push(Template::new(english, korean, hints)?);
        let ours = sentences(english, |c| !c.is_ascii_lowercase());
        if ours.len() == 1 {
            return Ok(());
        }
        let theirs = sentences(korean, |_| true);
        if ours.len() != theirs.len() {
            return Err(format!(
                "{english:?} has {} sentences, {korean:?} has {}",
                ours.len(),
                theirs.len()
            ));
        }
        // The numbers of `{}` count through the whole message.
        let mut next = 0;
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let ours = numbered(ours, &mut next);
            // "{e}" alone is no sentence of this message's.
            if template::parse(&ours)?.iter().any(template::has_words) {
                self.templates.push(Template::new(&ours, theirs, hints)?);
            }
        }
        Ok(())
    }

    /// Makes the index, those with the most words of their own first.
    fn sort(&mut self) {
        self.templates
            .sort_by_key(|template| std::cmp::Reverse(template.weight()));
        for (i, template) in self.templates.iter().enumerate() {
            match template.beginning().and_then(key) {
                Some(key) => self.by_beginning.entry(key).or_default().push(i),
                None => self.others.push(i),
            }
        }
    }

    /// Each, those with the most words of their own first.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// How many there are, sentences counted too.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The one message that `text` is, and its values.
    pub fn find<'t>(&self, text: &'t str) -> Option<(&Template, Vec<&'t str>)> {
        let by_key = key(text).and_then(|key| self.by_beginning.get(&key));
        let listed = by_key.map(Vec::as_slice).unwrap_or_default();
        let others = self.others.iter();
        let others = others.filter(|i| text.contains(self.templates[**i].longest()));
        let first = |mut of: Box<dyn Iterator<Item = &usize> + '_>| {
            of.find_map(|i| self.templates[*i].fit(text).map(|values| (*i, values)))
        };
        let one = first(Box::new(listed.iter()));
        let other = first(Box::new(others));
        let (i, values) = match (one, other) {
            // The lower number has more words of its own.
            (Some(a), Some(b)) => {
                if a.0 < b.0 {
                    a
                } else {
                    b
                }
            }
            (a, b) => a.or(b)?,
        };
        Some((&self.templates[i], values))
    }

    /// `english` in Korean; what is not known stays as it is.
    pub fn translate(&self, english: &str) -> String {
        if english.len() > LONGEST {
            return english.to_owned();
        }
        match self.text(english, DEEPEST) {
            Some(korean) => particle::settle(&korean),
            None => english.to_owned(),
        }
    }

    /// None where nothing of it is known.
    fn text(&self, english: &str, depth: u32) -> Option<String> {
        let trimmed = english.trim();
        if depth == 0 || !trimmed.bytes().any(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let lead = &english[..english.len() - english.trim_start().len()];
        let tail = &english[english.trim_end().len()..];
        let (body, stop) = match trimmed.strip_suffix('.') {
            Some(body) if !body.ends_with('.') => (body, "."),
            _ => (trimmed, ""),
        };
        let korean = self.body(body, depth)?;
        Some(format!("{lead}{korean}{stop}{tail}"))
    }

    fn body(&self, body: &str, depth: u32) -> Option<String> {
        if let Some(korean) = self.whole(body, depth) {
            return Some(korean);
        }
        for between in BETWEEN {
            if body.contains(between)
                && let Some(korean) = self.pieces(body, between, depth)
            {
                return Some(korean);
            }
        }
        // "label (more)"
        let (before, inner) = body.strip_suffix(')')?.split_once(" (")?;
        let (a, b) = (self.text(before, depth - 1), self.text(inner, depth - 1));
        if a.is_none() && b.is_none() {
            return None;
        }
        let (a, b) = (
            a.as_deref().unwrap_or(before),
            b.as_deref().unwrap_or(inner),
        );
        Some(format!("{a} ({b})"))
    }

    fn whole(&self, body: &str, depth: u32) -> Option<String> {
        let (template, values) = self.find(body)?;
        let values: Vec<String> = values
            .into_iter()
            .map(|value| {
                self.text(value, depth - 1)
                    .unwrap_or_else(|| value.to_owned())
            })
            .collect();
        Some(template.fill(&values))
    }

    /// Several messages one after another; the longest run of pieces that is one message counts as it.
    fn pieces(&self, body: &str, between: &str, depth: u32) -> Option<String> {
        let pieces: Vec<&str> = body.splitn(MOST_PIECES, between).collect();
        let mut out: Vec<String> = Vec::with_capacity(pieces.len());
        let mut known = false;
        let mut i = 0;
        while i < pieces.len() {
            let last = pieces.len().min(i + LONGEST_RUN);
            let mut runs = (i + 2..=last).rev().filter(|end| end - i < pieces.len());
            let run = runs.find_map(|end| {
                let korean = self.whole(&pieces[i..end].join(between), depth)?;
                Some((korean, end))
            });
            let (korean, end) = match run {
                Some((korean, end)) => (Some(korean), end),
                None => (self.text(pieces[i], depth - 1), i + 1),
            };
            known |= korean.is_some();
            out.push(korean.unwrap_or_else(|| pieces[i].to_owned()));
            i = end;
        }
        known.then(|| out.join(between))
    }
}

/// The first bytes, by which a message is looked up; the first letter's case does not count.
fn key(text: &str) -> Option<[u8; KEY]> {
    let mut key: [u8; KEY] = text.as_bytes().get(..KEY)?.try_into().ok()?;
    key[0] = key[0].to_ascii_lowercase();
    Some(key)
}

/// A message without what only joins it to the text before: ", ", "; ", " (" and its bracket.
fn core(text: &str) -> &str {
    let inner = text
        .trim_start_matches([',', ';', '.', ' ', '\n'])
        .trim_end();
    let inner = match inner.strip_prefix('(') {
        Some(rest) => rest.strip_suffix(')').unwrap_or(inner),
        None => inner,
    };
    inner.strip_suffix('.').unwrap_or(inner)
}

/// The sentences of a message, without what stands between them; `begins` tells a first letter.
fn sentences(text: &str, begins: impl Fn(char) -> bool) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut from = 0;
    for (at, end) in text.match_indices(". ") {
        let before = text[from..at].chars().next_back();
        let after = text[at + end.len()..].chars().next();
        // Not the dots of "must not have . or ..", nor those of an abbreviation.
        if before.is_some_and(|c| c != ' ' && c != '.') && after.is_some_and(&begins) {
            sentences.push(&text[from..at]);
            from = at + end.len();
        }
    }
    sentences.push(&text[from..]);
    sentences
}

/// `{}` by its number, counted on from `next`.
fn numbered(text: &str, next: &mut usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            out.push('{');
            rest = after;
        } else if rest.starts_with(['}', ':']) {
            out.push_str(&next.to_string());
            *next += 1;
        }
    }
    out.push_str(rest);
    out
}
