//! What the managed server says: read to the end on the thread `pd-log-mediamtx`, so that it never
//! blocks; the last lines are kept, longer ones cut.

pub(crate) use crate::ffmpeg::child::Tail;
use crate::ffmpeg::child::drain_lines;
use crate::session::snapshot::Severity;
use std::io::Read;

/// Reads lines to the end.
pub(crate) fn drain(
    output: impl Read,
    tail: &Tail,
    log: &(dyn Fn(Severity, String) + Send + Sync),
) {
    drain_lines(output, |line| {
        let (severity, text) = log_line(line);
        // That line answers our own question for a path that is not there yet.
        if text != "[API] path not found" {
            tail.add(text.to_owned());
            log(severity, text.to_owned());
        }
    });
}

/// Splits "2026/01/31 23:59:59 WAR text" into its gravity and the text.
fn log_line(line: &str) -> (Severity, &str) {
    let mut words = line.splitn(4, ' ');
    if let (Some(date), Some(_time), Some(level), Some(text)) =
        (words.next(), words.next(), words.next(), words.next())
        && date.len() == 10
        && date.starts_with(|c: char| c.is_ascii_digit())
    {
        match level {
            "DEB" | "INF" => return (Severity::Info, text),
            "WAR" => return (Severity::Warning, text),
            "ERR" => return (Severity::Error, text),
            _ => {}
        }
    }
    // A panic's lines, or an error before the log is set up ("ERR: ...").
    (
        if line.starts_with("ERR") {
            Severity::Error
        } else {
            Severity::Info
        },
        line,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::child::{KEPT_LINES, LONGEST_LINE};
    use std::sync::Mutex;

    #[test]
    fn endless_lines_are_cut_and_few_are_kept() {
        let tail = Tail::default();
        let count = Mutex::new(0);
        let mut words = Vec::new();
        for _ in 0..100 {
            words.extend_from_slice(&[b'x'; 1 << 14]);
            words.push(b'\n');
        }
        drain(&words[..], &tail, &|_, line| {
            assert_eq!(line.len() as u64, LONGEST_LINE);
            *count.lock().unwrap() += 1;
        });
        assert_eq!(*count.lock().unwrap(), 100);
        assert_eq!(tail.lines().len(), KEPT_LINES);
    }

    #[test]
    fn log_lines_are_split() {
        assert_eq!(
            log_line("2026/01/02 03:04:05 WAR [path a] x y"),
            (Severity::Warning, "[path a] x y")
        );
        assert_eq!(
            log_line("2026/01/02 03:04:05 ERR z"),
            (Severity::Error, "z")
        );
        assert_eq!(
            log_line("panic: runtime error in a"),
            (Severity::Info, "panic: runtime error in a")
        );
    }
}
