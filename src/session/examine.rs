//! The doctor's look as the session holds it: one at a time, its newest report kept.
//!
//! The look runs on `pd-examine` (some seconds); it ends with this, and nobody waits for it.

use super::snapshot::DoctorStatus;
use crate::doctor::{self, Now, Report};
use crate::settings::{Secrets, Settings};
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Looks, one at a time.
#[derive(Default)]
pub struct Examiner {
    running: Arc<AtomicBool>,
    so_far: Arc<ArcSwapOption<Report>>,
    newest: Arc<ArcSwapOption<Report>>,
    stop: StopToken,
}

impl Examiner {
    /// Begins a look, unless one is under way.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn begin(&self, settings: &Settings, secrets: &Secrets, now: Now) -> std::io::Result<()> {
        if self.running.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let (settings, secrets) = (settings.clone(), secrets.clone());
        let (running, newest) = (self.running.clone(), self.newest.clone());
        let so_far = self.so_far.clone();
        so_far.store(None);
        let stop = self.stop.clone();
        let started = std::thread::Builder::new()
            .name("pd-examine".into())
            .spawn(move || {
                // Some dozens of lines: copied each time, so that nobody waits for a lock.
                let mut found = Report::default();
                let on_line = &mut |line: &doctor::Line| {
                    found.lines.push(line.clone());
                    so_far.store(Some(Arc::new(found.clone())));
                };
                let report = Arc::new(doctor::examine(&settings, &secrets, &now, &stop, on_line));
                so_far.store(Some(report.clone()));
                newest.store(Some(report));
                running.store(false, Ordering::Release);
            });
        if let Err(error) = started {
            self.running.store(false, Ordering::Release);
            return Err(error);
        }
        Ok(())
    }

    /// For the snapshot.
    pub fn status(&self) -> DoctorStatus {
        DoctorStatus {
            running: self.running.load(Ordering::Acquire),
            so_far: self.so_far.load_full(),
            report: self.newest.load_full(),
        }
    }
}

impl Drop for Examiner {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
