//! The newest lines of the program's log, in memory, for reports: and the writer that fills them.
//!
//! Whoever logs writes here under one lock, for as long as copying a line takes. 200 lines of at most 500 bytes are
//! kept; older ones go. Every line is masked before anybody has it, the log's file included.

use super::masks::masked;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// Lines kept.
pub const KEPT: usize = 200;
/// A longer line is cut.
const LONGEST: usize = 500;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The newest lines, oldest first.
pub fn lines() -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().cloned().collect()
}

fn add(text: &str) {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(cut(line, LONGEST).to_owned());
    }
}

/// The beginning of `text`, of at most so many bytes, in whole letters.
pub fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Hands what is logged on to another writer, masked, and keeps the newest of it.
pub struct Tee<M>(pub M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Tee<M> {
    type Writer = TeeWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        TeeWriter(self.0.make_writer())
    }
}

/// One line's.
pub struct TeeWriter<W>(W);

impl<W: Write> Write for TeeWriter<W> {
    // The formatter hands an event over in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = masked(&String::from_utf8_lossy(bytes));
        add(&without_colours(&text));
        self.0.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Without a terminal's escape sequences (ECMA-48, `ESC [ ... letter`).
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::masks::hide;

    #[derive(Clone, Default)]
    struct Sink(std::sync::Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_newest_lines_are_kept_masked_and_without_colours() {
        hide("tail-test-secret");
        let sink = Sink::default();
        let tee = Tee({
            let sink = sink.clone();
            move || sink.clone()
        });
        for n in 0..KEPT + 5 {
            let line = format!(
                "\u{1b}[32m{n}\u{1b}[0m tail-test-secret {}\n",
                "한".repeat(300)
            );
            tee.make_writer().write_all(line.as_bytes()).unwrap();
        }
        let lines = lines();
        assert_eq!(lines.len(), KEPT);
        let last = lines.last().unwrap();
        assert!(last.starts_with("204 *** 한"), "{last}");
        assert!(last.len() <= LONGEST && last.len() > LONGEST - 3);
        let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(written.contains("\u{1b}[32m0\u{1b}[0m *** 한"));
        assert!(!written.contains("tail-test"));
    }
}
