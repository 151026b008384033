//! The operator's log: the newest 500 lines, also written to the program's log file.
//!
//! Shared by the session's threads under one lock; older lines are dropped.

use super::snapshot::{LogLine, Severity};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines kept.
pub const KEPT: usize = 500;

/// The log. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<LogLine>,
    next: u64,
    /// Made when asked for, until the next line.
    shared: Option<Arc<Vec<LogLine>>>,
}

impl Journal {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line; `text` must hold no secret.
    pub fn add(&self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        match severity {
            Severity::Info => tracing::info!("{text}"),
            Severity::Warning => tracing::warn!("{text}"),
            Severity::Error => tracing::error!("{text}"),
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = LogLine {
            number: inner.next,
            time: wall_clock(),
            severity,
            text,
        };
        inner.next += 1;
        if inner.lines.len() == KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(line);
        inner.shared = None;
    }

    /// For the record.
    pub fn info(&self, text: impl Into<String>) {
        self.add(Severity::Info, text);
    }

    /// Not as wished.
    pub fn warn(&self, text: impl Into<String>) {
        self.add(Severity::Warning, text);
    }

    /// Failed.
    pub fn error(&self, text: impl Into<String>) {
        self.add(Severity::Error, text);
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> Arc<Vec<LogLine>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.shared.is_none() {
            inner.shared = Some(Arc::new(inner.lines.iter().cloned().collect()));
        }
        inner.shared.clone().unwrap_or_default()
    }
}

/// Local time as HH:MM:SS.
fn wall_clock() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_numbered_on() {
        let journal = Journal::new();
        for n in 0..KEPT + 10 {
            journal.info(format!("line {n}"));
        }
        let lines = journal.lines();
        assert_eq!(
            (lines.len(), lines[0].number, lines[KEPT - 1].text.as_str()),
            (KEPT, 10, "line 509")
        );
        assert!(
            Arc::ptr_eq(&lines, &journal.lines()),
            "made anew without a new line"
        );
        assert_eq!(lines[0].time.len(), 8);
    }
}
