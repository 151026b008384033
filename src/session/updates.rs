//! Whether there is a newer version, as the session holds it: looked for while nothing runs, at most once a day, and only
//! told.
//!
//! The disk and the server are looked at on `pd-update`, ten seconds at most; one at a time, what it finds is taken up with
//! the next snapshot. It does not ask once a show begins.

use super::journal::Journal;
use crate::clock::MonoTime;
use crate::ffmpeg::cache::wall_seconds;
use crate::updates::kept::Kept;
use crate::updates::{Feed, Release, ask};
use arc_swap::ArcSwapOption;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// So long nothing must have run: a show may be about to begin.
const REST: Duration = Duration::from_secs(20);
/// From one look at what is remembered to the next: a day is up some time.
const LOOK_EVERY: Duration = Duration::from_secs(1800);

/// Looks for newer versions.
#[derive(Default)]
pub struct Updates {
    /// None: this build, or whoever runs it, asks nowhere.
    from: Option<(Feed, PathBuf)>,
    told: Arc<ArcSwapOption<Release>>,
    busy: Arc<AtomicBool>,
    /// No show runs or begins, so that it may be asked.
    may_ask: Arc<AtomicBool>,
    rests_since: Option<MonoTime>,
    looked: Option<MonoTime>,
    /// Also where a look that was under way then has just found it anew.
    put_away: Option<String>,
}

impl Updates {
    /// Those of this build.
    pub fn of_this_build(journal: &Journal) -> Self {
        match Feed::of_this_build() {
            Ok(Some(feed)) => Self {
                from: crate::folders::state().map(|folder| (feed, folder)),
                ..Self::default()
            },
            Ok(None) => Self::default(),
            Err(why) => {
                journal.warn(format!("newer versions are not looked for: {why}"));
                Self::default()
            }
        }
    }

    /// Whether there is anywhere to ask.
    pub fn can_ask(&self) -> bool {
        self.from.is_some()
    }

    /// Each turn of the session: `on` is the setting, `at_rest` that no show runs, begins or ends.
    pub fn turn(&mut self, on: bool, at_rest: bool, now: MonoTime) {
        self.may_ask.store(on && at_rest, Ordering::Release);
        let Some((feed, folder)) = self.from.as_ref().filter(|_| on && at_rest) else {
            self.rests_since = None;
            if !on {
                self.told.store(None);
                self.looked = None;
            }
            return;
        };
        let since = *self.rests_since.get_or_insert(now);
        let rested = now.since(since) >= REST;
        let is_time = |at: MonoTime| now.since(at) >= LOOK_EVERY;
        if !rested || !self.looked.is_none_or(is_time) || self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.looked = Some(now);
        let (feed, folder) = (feed.clone(), folder.clone());
        let (told, may_ask) = (self.told.clone(), self.may_ask.clone());
        self.on_a_thread(move || {
            let kept = look(&feed, &folder, wall_seconds(), &may_ask);
            told.store(kept.told().cloned().map(Arc::new));
        });
    }

    /// What the operator is to be told of, where it is `on`.
    pub fn told(&self, on: bool) -> Option<Arc<Release>> {
        let put_away = self.put_away.as_deref();
        let told = self.told.load_full();
        told.filter(|release| on && put_away != Some(&release.version))
    }

    /// The operator has read it: this version is never told of again.
    pub fn put_away(&mut self) {
        let Some(release) = self.told.swap(None) else {
            return;
        };
        self.put_away = Some(release.version.clone());
        let Some((_, folder)) = self.from.clone() else {
            return;
        };
        self.busy.store(true, Ordering::Release);
        self.on_a_thread(move || {
            let mut kept = Kept::read(&folder);
            kept.put_away = Some(release.version.clone());
            if let Err(error) = kept.write(&folder) {
                tracing::warn!("a version that was put away is told of again: {error}");
            }
        });
    }

    fn on_a_thread(&self, work: impl FnOnce() + Send + 'static) {
        let busy = self.busy.clone();
        let started = std::thread::Builder::new()
            .name("pd-update".into())
            .spawn(move || {
                work();
                busy.store(false, Ordering::Release);
            });
        if let Err(error) = started {
            tracing::warn!("no thread to look for newer versions: {error}");
            self.busy.store(false, Ordering::Release);
        }
    }
}

/// What is remembered, after asking where a day is up. That it was asked is written down first: whatever becomes of the
/// answer, there is no second question that day, and none at all where nothing can be remembered.
fn look(feed: &Feed, folder: &std::path::Path, now: u64, may_ask: &AtomicBool) -> Kept {
    let mut kept = Kept::read(folder);
    if !kept.is_due(now) || !may_ask.load(Ordering::Acquire) {
        return kept;
    }
    kept.asked = now;
    if let Err(error) = kept.write(folder) {
        tracing::info!("newer versions are not looked for, since nothing can be kept: {error}");
        return kept;
    }
    match ask::ask(feed) {
        Ok(Some(release)) => {
            kept.found = Some(release);
            if let Err(error) = kept.write(folder) {
                tracing::info!("what a look for newer versions found is not kept: {error}");
            }
        }
        Ok(None) => {}
        Err(why) => tracing::info!("the look for a newer version came to nothing: {why}"),
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::updates::ask::tests::{answer, server};
    use std::time::Instant;

    fn updates(feed: Feed, folder: &std::path::Path) -> Updates {
        Updates {
            from: Some((feed, folder.to_owned())),
            ..Updates::default()
        }
    }

    fn at(seconds: u64) -> MonoTime {
        MonoTime::ZERO + Duration::from_secs(seconds)
    }

    /// Turns at these seconds, each until what it began is done.
    fn turns(updates: &mut Updates, on: bool, at_rest: bool, seconds: std::ops::Range<u64>) {
        for second in seconds {
            updates.turn(on, at_rest, at(second));
            let began = Instant::now();
            while updates.busy.load(Ordering::Acquire) {
                assert!(began.elapsed() < Duration::from_secs(20));
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn version(updates: &Updates) -> Option<String> {
        updates.told(true).map(|release| release.version.clone())
    }

    const NEWER: &str = r#"{"version": "99.1.2"}"#;

    #[test]
    fn it_is_asked_at_rest_once_and_told_until_put_away() {
        let dir = tempfile::tempdir().unwrap();
        let (feed, asked) = server(answer("200 OK", NEWER));
        let count = || asked.lock().unwrap().len();
        let mut first = updates(feed.clone(), dir.path());
        // On air for an hour, then ended, then another begun within the rest.
        turns(&mut first, true, false, 0..60);
        turns(&mut first, true, true, 60..75);
        turns(&mut first, true, false, 75..90);
        assert_eq!((count(), version(&first)), (0, None));
        turns(&mut first, true, true, 90..5000);
        assert_eq!((count(), version(&first).as_deref()), (1, Some("99.1.2")));
        assert_eq!(first.told(false), None, "switched off");
        // A new start the same day: told, not asked.
        let mut second = updates(feed.clone(), dir.path());
        turns(&mut second, true, true, 0..30);
        assert_eq!((count(), version(&second).as_deref()), (1, Some("99.1.2")));
        second.put_away();
        turns(&mut second, true, true, 30..4000);
        assert_eq!(version(&second), None);
        let mut third = updates(feed, dir.path());
        turns(&mut third, true, true, 0..30);
        assert_eq!((count(), version(&third)), (1, None));
    }

    #[test]
    fn off_asks_nobody_and_takes_back_what_was_told() {
        let dir = tempfile::tempdir().unwrap();
        let (feed, asked) = server(answer("200 OK", NEWER));
        let mut updates = updates(feed, dir.path());
        turns(&mut updates, false, true, 0..100);
        assert!(asked.lock().unwrap().is_empty());
        assert!(!dir.path().join("updates.json").exists());
        turns(&mut updates, true, true, 100..130);
        assert!(version(&updates).is_some());
        turns(&mut updates, false, true, 130..131);
        assert_eq!(version(&updates), None);
        let mut none = Updates::default();
        turns(&mut none, true, true, 0..100);
        assert!(!none.can_ask() && version(&none).is_none());
    }

    #[test]
    fn a_bad_answer_is_no_second_question_and_keeps_what_was_known() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept {
            asked: 1000,
            found: Some(Release {
                version: "99.0.0".into(),
                page: None,
            }),
            put_away: None,
        };
        kept.write(dir.path()).unwrap();
        let (feed, asked) = server(answer("200 OK", "<html>"));
        let may = AtomicBool::new(true);
        let day = 24 * 3600;
        for now in [1000 + day, 1001 + day, 1000 + 2 * day - 1] {
            let after = look(&feed, dir.path(), now, &may);
            assert_eq!(after.told().unwrap().version, "99.0.0");
        }
        assert_eq!(asked.lock().unwrap().len(), 1);
        // A show began meanwhile.
        look(&feed, dir.path(), 1000 + 9 * day, &AtomicBool::new(false));
        assert_eq!(asked.lock().unwrap().len(), 1);
    }

    #[test]
    fn where_nothing_can_be_kept_nobody_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (feed, asked) = server(answer("200 OK", NEWER));
        look(&feed, &file, 1_800_000_000, &AtomicBool::new(true));
        assert!(asked.lock().unwrap().is_empty());
    }
}
