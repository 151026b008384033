//! A panic in any thread makes a report.
//!
//! The hook runs on the thread that panics and does next to nothing there: it takes the stack's addresses and hands
//! all over to `pd-report`, a thread of its own, which writes the report, then once more with the stack in words (that
//! takes a second in a build with debug information). Where the main thread panics the program may end, so there the
//! hook waits for the first writing, half a second at most; a disk that hangs holds nothing else up. Left out, and
//! counted: a second panic of a thread at the same place within a minute, and all beyond twenty in one run.

use super::report::{Kind, Panic, Report};
use super::{facts, folder, tail};
use crate::clock::{self, MonoTime};
use crossbeam_channel::bounded;
use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two reports of the same place.
const APART: Duration = Duration::from_secs(60);
/// Reports of one run.
const MOST: u64 = 20;
/// Places that are told apart.
const PLACES: usize = 100;
/// The main thread waits so long for its report.
const LAST_WORDS: Duration = Duration::from_millis(500);

static LIMIT: Mutex<Option<Limit>> = Mutex::new(None);

/// Which panics make a report. Pure.
#[derive(Debug, Default)]
struct Limit {
    written: u64,
    /// By place: when the last report was, and how many were left out since.
    places: HashMap<String, (MonoTime, u64)>,
}

impl Limit {
    /// The report's number and how many of this place were left out before; None where there shall be none.
    fn take(&mut self, place: &str, now: MonoTime) -> Option<(u64, u64)> {
        if let Some((at, left_out)) = self.places.get_mut(place)
            && (now.since(*at) < APART || self.written >= MOST)
        {
            *left_out += 1;
            return None;
        }
        if self.written >= MOST || self.places.len() >= PLACES {
            return None;
        }
        self.written += 1;
        let before = self.places.insert(place.to_owned(), (now, 0));
        Some((self.written, before.map_or(0, |(_, left_out)| left_out)))
    }
}

/// From now on a panic of any thread makes a report in `folder` (None: it is logged only).
pub(super) fn install(folder: Option<PathBuf>) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(folder) = &folder {
            report(folder, info);
        }
        usual(info);
    }));
}

fn report(folder: &Path, info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name").to_owned();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or("no message").to_owned();
    let now = clock::now();
    let number = LIMIT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default()
        // The same line of two threads is two faults.
        .take(&format!("{name} at {place}"), now);
    let Some((number, left_out)) = number else {
        return;
    };
    let is_main = name == "main";
    let stack = Backtrace::force_capture();
    let panic = Panic {
        thread: name,
        message,
        place,
        left_out,
        backtrace: String::new(),
    };
    let folder = folder.to_owned();
    let (done, written) = bounded(1);
    let work = move || {
        tracing::error!(
            "the thread {} failed at {}: {}",
            panic.thread,
            panic.place,
            panic.message
        );
        let wall = jiff::Zoned::now();
        let stamp = wall.strftime("%Y%m%d-%H%M%S").to_string();
        let path = folder::path_of(&folder, &stamp, std::process::id(), number);
        let mut report = Report {
            time: wall.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            facts: facts::all(),
            panic: Some(panic),
            log: tail::lines(),
            more: Vec::new(),
        };
        let first = folder::write(&path, &report.text(Kind::Panic));
        let _ = done.send(());
        if let Err(error) = first {
            tracing::error!("the report {} cannot be written: {error}", path.display());
            return;
        }
        if let Some(panic) = &mut report.panic {
            panic.backtrace = stack.to_string();
        }
        let _ = folder::write(&path, &report.text(Kind::Panic));
    };
    let started = std::thread::Builder::new()
        .name("pd-report".into())
        .spawn(work);
    if started.is_ok() && is_main {
        let _ = written.recv_timeout(LAST_WORDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_panic_that_comes_again_and_again_is_counted_and_seldom_written() {
        let mut limit = Limit::default();
        assert_eq!(limit.take("a.rs:1", at(10)), Some((1, 0)));
        for n in 0..1000 {
            assert_eq!(
                limit.take("a.rs:1", at(11) + Duration::from_millis(n)),
                None
            );
        }
        assert_eq!(
            limit.take("b.rs:2", at(12)),
            Some((2, 0)),
            "another place is news"
        );
        assert_eq!(limit.take("a.rs:1", at(70)), Some((3, 1000)));
    }

    #[test]
    fn a_run_writes_no_more_than_its_share() {
        let mut limit = Limit::default();
        let written = (0..500)
            .filter(|n| limit.take(&format!("a.rs:{n}"), at(*n)).is_some())
            .count();
        assert_eq!(written as u64, MOST);
        // Nor does it remember without a bound.
        assert!(limit.places.len() <= PLACES);
    }
}
