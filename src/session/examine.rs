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
        let stop = self.stop.clone();
        let started = std::thread::Builder::new()
            .name("pd-examine".into())
            .spawn(move || {
                let report = doctor::examine(&settings, &secrets, &now, &stop, &mut |_| ());
                newest.store(Some(Arc::new(report)));
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
            report: self.newest.load_full(),
        }
    }
}

impl Drop for Examiner {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
