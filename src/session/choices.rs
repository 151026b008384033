//! What can be chosen on this machine: screens, windows, sound inputs. Looked up while someone asks.
//!
//! Owns the thread `pd-choices`: display and sound servers may take their time to answer, and
//! devices come and go. While nobody has asked for some seconds it looks up nothing.

use crate::capture::{self, Choice};
use crate::clock;
use crate::settings::VideoSourceKind;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// So soon a first question is answered.
const TURN: Duration = Duration::from_millis(250);
/// Whoever asks, asks again within this time.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// The newest lists.
#[derive(Debug, Default)]
pub struct Choices {
    pictures: ArcSwap<Vec<Choice>>,
    inputs: ArcSwap<Vec<String>>,
    /// Microseconds plus one; 0 where nobody has asked.
    asked_us: AtomicU64,
}

impl Choices {
    /// Someone wants to choose.
    pub fn ask(&self) {
        let now = clock::now().as_micros() + 1;
        self.asked_us.store(now, Ordering::Relaxed);
    }

    /// Screens, monitors and windows.
    pub fn pictures(&self) -> Vec<Choice> {
        self.pictures.load().to_vec()
    }

    /// Names of sound inputs.
    pub fn inputs(&self) -> Vec<String> {
        self.inputs.load().to_vec()
    }

    fn is_asked(&self) -> bool {
        let asked = self.asked_us.load(Ordering::Relaxed);
        let within = ASKED_WITHIN.as_micros() as u64;
        asked > 0 && clock::now().as_micros() <= asked + within
    }
}

/// Starts the thread, which ends with the last other holder of `choices`.
///
/// # Errors
/// Where no thread can be started.
pub fn spawn(choices: &Arc<Choices>) -> std::io::Result<()> {
    let choices = Arc::downgrade(choices);
    std::thread::Builder::new()
        .name("pd-choices".into())
        .spawn(move || look(&choices))?;
    Ok(())
}

fn look(choices: &Weak<Choices>) {
    while let Some(held) = choices.upgrade() {
        let mut pause = TURN;
        if held.is_asked() {
            // An error here is told by the source itself when it is opened.
            let pictures = capture::list(VideoSourceKind::Screen).unwrap_or_default();
            held.pictures.store(Arc::new(pictures));
            held.inputs.store(Arc::new(crate::audio::list_inputs()));
            pause = LOOK_EVERY;
        }
        drop(held);
        std::thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_looked_up_until_someone_asks() {
        let choices = Choices::default();
        assert!(!choices.is_asked());
        choices.ask();
        assert!(choices.is_asked());
        choices.asked_us.store(1, Ordering::Relaxed);
        assert!(!choices.is_asked() || clock::now().as_micros() <= 5_000_001);
    }
}
