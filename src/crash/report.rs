//! The text of a report, and what is read of it again at the next start. Pure.
//!
//! A report is UTF-8 text that a person reads: a head of `name: value` lines, then parts with a heading in brackets.

use super::facts::Facts;
use super::masks::masked;
use super::tail::cut;
use std::fmt::Write as _;

/// First line of every report.
pub const TITLE: &str = "pd-console report";
/// A longer message of a panic is cut, bytes.
const MESSAGE: usize = 2000;

/// Why there is a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread panicked.
    Panic,
    /// The console was gone without having ended: killed, no power, a crash in a driver.
    Gone,
    /// Nothing: somebody asked.
    Diagnostics,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Panic, Self::Gone, Self::Diagnostics];

    const fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Gone => "gone",
            Self::Diagnostics => "diagnostics",
        }
    }
}

/// A thread's panic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panic {
    /// The thread's name.
    pub thread: String,
    /// What it said.
    pub message: String,
    /// File, line and column.
    pub place: String,
    /// Reports of panics at the same place that were left out since the one before.
    pub left_out: u64,
    /// The stack; empty while it is still being read.
    pub backtrace: String,
}

/// What a report is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// When, local time as RFC 3339.
    pub time: String,
    /// Of the run that failed.
    pub facts: Facts,
    /// The panic, where it was one.
    pub panic: Option<Panic>,
    /// The log's newest lines, oldest first.
    pub log: Vec<String>,
    /// Further parts: heading and text.
    pub more: Vec<(String, String)>,
}

impl Report {
    /// The text, without any secret.
    pub fn text(&self, kind: Kind) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: &str| {
            // A head's value is one line.
            let value = value.replace(['\r', '\n'], " | ");
            let _ = writeln!(out, "{name}: {}", cut(&value, MESSAGE));
        };
        line(TITLE, "1");
        line("kind", kind.word());
        line("time", &self.time);
        line("run", &self.facts.run);
        line("program", &self.facts.what);
        if let Some(panic) = &self.panic {
            line("thread", &panic.thread);
            line("message", &panic.message);
            line("place", &panic.place);
            if panic.left_out > 0 {
                line(
                    "left out",
                    &format!("{} of the same place before", panic.left_out),
                );
            }
        }
        let mut part = |heading: &str, text: &str| {
            let text = if text.trim().is_empty() {
                "(none)"
            } else {
                text
            };
            let _ = writeln!(out, "\n[{heading}]\n{}", text.trim_end());
        };
        part("last state", &self.facts.state);
        let versions: Vec<String> = self
            .facts
            .versions
            .iter()
            .map(|(name, version)| format!("{name}: {version}"))
            .collect();
        part("versions", &versions.join("\n"));
        if let Some(panic) = &self.panic {
            part("backtrace", &panic.backtrace);
        }
        for (heading, text) in &self.more {
            part(heading, text);
        }
        part("settings", &self.facts.settings);
        part("log", &self.log.join("\n"));
        masked(&out)
    }
}

/// What the head of a report says.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Why there is a report.
    pub kind: Kind,
    /// When, as RFC 3339.
    pub time: String,
    /// Which run.
    pub run: String,
    /// The thread that panicked; empty where none did.
    pub thread: String,
    /// What it said.
    pub message: String,
    /// The first line of the last state.
    pub state: String,
    /// The run went on after it, as far as the next start could tell.
    pub went_on: bool,
}

impl Head {
    /// Reads it; None where `text` is no report.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next().filter(|line| line.starts_with(TITLE))?;
        let mut head = Self {
            kind: Kind::Diagnostics,
            time: String::new(),
            run: String::new(),
            thread: String::new(),
            message: String::new(),
            state: String::new(),
            went_on: true,
        };
        let mut kind = None;
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            let into = match name {
                "kind" => {
                    kind = Kind::ALL.into_iter().find(|kind| kind.word() == value);
                    continue;
                }
                "time" => &mut head.time,
                "run" => &mut head.run,
                "thread" => &mut head.thread,
                "message" => &mut head.message,
                ENDED => {
                    head.went_on = false;
                    continue;
                }
                _ => continue,
            };
            value.clone_into(into);
        }
        head.kind = kind?;
        if lines.next() == Some("[last state]") {
            lines.next().unwrap_or_default().clone_into(&mut head.state);
        }
        Some(head)
    }
}

/// Of the head's line that [`ended`] adds.
const ENDED: &str = "the console";

/// `text` of a panic's report once it is known that the console ended with it.
pub fn ended(text: &str) -> String {
    text.replacen("\nrun: ", &format!("\n{ENDED}: ended with it\nrun: "), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut facts = Facts {
            run: "4711-1764353101".into(),
            what: "window".into(),
            settings: "(api_url:\"http://me:hunter2@studio\")".into(),
            state: "live for 12 s\nto studio:8890/pd_a".into(),
            ..Facts::default()
        };
        facts.versions.insert("ffmpeg".into(), "7.0.2".into());
        Report {
            time: "2026-11-28T18:05:01+09:00".into(),
            facts,
            panic: Some(Panic {
                thread: "pd-pump".into(),
                message: "index out of bounds\nin two lines".into(),
                place: "src/session/pump.rs:7:5".into(),
                left_out: 3,
                backtrace: "0: main".into(),
            }),
            log: vec!["one".into(), "two passphrase=0123456789".into()],
            more: Vec::new(),
        }
    }

    #[test]
    fn a_report_says_all_and_no_secret() {
        insta::assert_snapshot!(report().text(Kind::Panic), @r#"
        pd-console report: 1
        kind: panic
        time: 2026-11-28T18:05:01+09:00
        run: 4711-1764353101
        program: window
        thread: pd-pump
        message: index out of bounds | in two lines
        place: src/session/pump.rs:7:5
        left out: 3 of the same place before

        [last state]
        live for 12 s
        to studio:8890/pd_a

        [versions]
        ffmpeg: 7.0.2

        [backtrace]
        0: main

        [settings]
        (api_url:"http://***@studio")

        [log]
        one
        two passphrase=***
        "#);
    }

    #[test]
    fn the_head_is_read_again() {
        let text = report().text(Kind::Panic);
        let head = Head::read(&text).unwrap();
        assert_eq!(head.kind, Kind::Panic);
        assert_eq!(head.time, "2026-11-28T18:05:01+09:00");
        assert_eq!(head.run, "4711-1764353101");
        assert_eq!(head.thread, "pd-pump");
        assert_eq!(head.message, "index out of bounds | in two lines");
        assert_eq!(head.state, "live for 12 s");
        assert!(head.went_on);
        assert!(!Head::read(&ended(&text)).unwrap().went_on);
        let gone = Head::read(&report().text(Kind::Gone)).unwrap();
        assert_eq!(gone.kind, Kind::Gone);
        for text in ["", "something else", "pd-console report: 1\nkind: other\n"] {
            assert_eq!(Head::read(text), None);
        }
    }
}
