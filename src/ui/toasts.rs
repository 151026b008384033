//! Which notices and errors lie over the panels, and for how long. The window's own, on its thread; the
//! log keeps all of them. Nothing here waits for an answer: what is not put away goes by itself.

use crate::clock::MonoTime;
use crate::session::Snapshot;
use crate::session::snapshot::{NoticeKind, Severity, State};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// A notice that is over can be read so long.
const OVER: Duration = Duration::from_secs(6);
/// An error of the log can be read so long.
const ERROR: Duration = Duration::from_secs(15);
/// Errors kept; older ones are in the log.
const ERRORS: usize = 8;

/// What a toast is about; it is put away by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A notice of the session, by its number.
    Notice(u64),
    /// A line of the log, by its number.
    Line(u64),
}

/// What lies over the panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// What it is about.
    pub key: Key,
    /// What kind of notice; None for an error of the log.
    pub kind: Option<NoticeKind>,
    /// How grave.
    pub severity: Severity,
    /// What happened and what to do.
    pub text: String,
    /// How long it has been so; None for an error of the log.
    pub lasted: Option<Duration>,
    /// Whether it is over.
    pub is_over: bool,
}

/// What the window remembers of them.
#[derive(Debug, Default)]
pub struct Toasts {
    put_away: BTreeSet<Key>,
    errors: VecDeque<(u64, String, MonoTime)>,
    /// The newest log line that was seen; None before the first look.
    line_seen: Option<u64>,
    /// The first notice that was not seen yet.
    notice_next: u64,
}

impl Toasts {
    /// Takes in what is new; whether there is something grave that the operator should be called for.
    pub fn follow(&mut self, snapshot: &Snapshot, now: MonoTime) -> bool {
        let lines = &snapshot.log;
        let first = lines.last().map_or(0, |line| line.number + 1);
        // What was said before the window came is in the log.
        let seen = *self.line_seen.get_or_insert(first);
        let mut is_grave = false;
        for line in lines.iter().filter(|line| line.number >= seen) {
            let is_shown = snapshot
                .notices
                .iter()
                .any(|notice| notice.text == line.text)
                || matches!(&snapshot.state, State::Failed { message } if line.text.contains(message));
            if line.severity == Severity::Error && !is_shown {
                is_grave = true;
                if self.errors.len() == ERRORS {
                    self.errors.pop_front();
                }
                self.errors.push_back((line.number, line.text.clone(), now));
            }
        }
        self.line_seen = Some(seen.max(first));
        self.errors.retain(|(number, _, at)| {
            now.since(*at) < ERROR && !self.put_away.contains(&Key::Line(*number))
        });
        for notice in &snapshot.notices {
            if notice.number >= self.notice_next {
                self.notice_next = notice.number + 1;
                is_grave |= notice.kind.severity() == Severity::Error;
            }
        }
        self.put_away.retain(|key| match key {
            Key::Notice(number) => snapshot.notices.iter().any(|n| n.number == *number),
            Key::Line(_) => false,
        });
        is_grave
    }

    /// Those to be shown, the oldest first.
    pub fn shown(&self, snapshot: &Snapshot) -> Vec<Toast> {
        let now = snapshot.at;
        let notices = snapshot.notices.iter().filter(|notice| {
            // The strip of the lost connection says it already.
            !matches!(notice.kind, NoticeKind::ServerLost | NoticeKind::Anew)
                && notice.until.is_none_or(|at| now.since(at) < OVER)
                && !self.put_away.contains(&Key::Notice(notice.number))
        });
        let notices = notices.map(|notice| Toast {
            key: Key::Notice(notice.number),
            kind: Some(notice.kind),
            severity: notice.kind.severity(),
            text: notice.text.clone(),
            lasted: Some(notice.until.unwrap_or(now).since(notice.since)),
            is_over: notice.until.is_some(),
        });
        let errors = self.errors.iter().map(|(number, text, _)| Toast {
            key: Key::Line(*number),
            kind: None,
            severity: Severity::Error,
            text: text.clone(),
            lasted: None,
            is_over: false,
        });
        notices.chain(errors).collect()
    }

    /// Puts one away; the log keeps it.
    pub fn put_away(&mut self, key: Key) {
        self.put_away.insert(key);
        self.errors.retain(|(number, ..)| key != Key::Line(*number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::snapshot::{LogLine, Notice};
    use std::sync::Arc;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_micros(seconds * 1_000_000)
    }

    fn line(number: u64, severity: Severity, text: &str) -> LogLine {
        LogLine {
            number,
            time: "12:00:00".into(),
            severity,
            text: text.into(),
        }
    }

    fn notice(number: u64, kind: NoticeKind, until: Option<MonoTime>) -> Notice {
        Notice {
            number,
            kind,
            since: at(10),
            until,
            text: format!("{kind:?}"),
        }
    }

    #[test]
    fn only_new_errors_come_and_they_go_by_themselves() {
        let mut toasts = Toasts::default();
        let mut snapshot = Snapshot {
            log: Arc::new(vec![line(0, Severity::Error, "before the window")]),
            ..Snapshot::default()
        };
        assert!(!toasts.follow(&snapshot, at(1)));
        assert_eq!(toasts.shown(&snapshot), []);
        let mut log = snapshot.log.to_vec();
        log.push(line(1, Severity::Warning, "a warning"));
        log.push(line(2, Severity::Error, "an error"));
        snapshot.log = Arc::new(log);
        assert!(toasts.follow(&snapshot, at(2)));
        assert!(!toasts.follow(&snapshot, at(3)), "called for once only");
        let shown = toasts.shown(&snapshot);
        assert_eq!((shown.len(), shown[0].text.as_str()), (1, "an error"));
        toasts.follow(&snapshot, at(20));
        assert_eq!(toasts.shown(&snapshot), []);
    }

    #[test]
    fn a_notice_is_there_while_it_lasts_and_a_little_longer_or_until_it_is_put_away() {
        let mut toasts = Toasts::default();
        let mut snapshot = Snapshot {
            at: at(20),
            notices: vec![notice(3, NoticeKind::SoundLost, None)],
            // The same is in the log: not twice.
            log: Arc::new(vec![line(0, Severity::Info, "x")]),
            ..Snapshot::default()
        };
        toasts.follow(&snapshot, at(0));
        snapshot.log = Arc::new(vec![line(1, Severity::Error, "SoundLost")]);
        assert!(
            !toasts.follow(&snapshot, at(1)),
            "the notice called already"
        );
        let shown = toasts.shown(&snapshot);
        assert_eq!(
            (shown.len(), shown[0].lasted),
            (1, Some(Duration::from_secs(10)))
        );
        snapshot.notices[0].until = Some(at(21));
        snapshot.at = at(26);
        assert!(toasts.shown(&snapshot)[0].is_over);
        snapshot.at = at(27);
        assert_eq!(toasts.shown(&snapshot), []);
        snapshot.notices = vec![notice(4, NoticeKind::Cpu, None)];
        assert!(!toasts.follow(&snapshot, at(8)), "a warning calls nobody");
        toasts.put_away(Key::Notice(4));
        assert_eq!(toasts.shown(&snapshot), []);
        snapshot.notices.clear();
        toasts.follow(&snapshot, at(9));
        assert!(toasts.put_away.is_empty(), "what is gone is forgotten");
    }
}
