//! The encoders of a show: the one at work, the one that is warming up, those that are ending.
//!
//! Runs on the session's thread. A change starts a second encoder; when it is warm it gets every
//! frame from the next one on, and the relay cuts over at its first IDR. A dead encoder is replaced
//! at once; one that dies again and again ends the show with its own words.

use super::journal::Journal;
use super::pump::PumpControl;
use crate::clock::{self, MonoTime};
use crate::ffmpeg::Ffmpeg;
use crate::ffmpeg::plan::EncoderWish;
use crate::relay::cutover::EncoderId;
use crate::relay::encoder::Encoder;
use crate::relay::{Relay, RelayEvent};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// So many deaths within this time are no accident.
const DEATHS: usize = 3;
const DEATHS_WITHIN: Duration = Duration::from_secs(10);
/// For an encoder that is no longer needed; nobody waits for it.
const END_GRACE: Duration = Duration::from_millis(300);

/// The encoders of one show.
pub struct Encoders {
    ffmpeg: Ffmpeg,
    relay: Arc<Relay>,
    control: PumpControl,
    journal: Journal,
    running: HashMap<EncoderId, Encoder>,
    next: EncoderId,
    active: Option<EncoderId>,
    changing: Option<EncoderId>,
    in_force: EncoderWish,
    deaths: Vec<MonoTime>,
}

impl Encoders {
    /// Starts the first encoder.
    ///
    /// # Errors
    /// Where ffmpeg cannot be started.
    pub fn start(
        ffmpeg: Ffmpeg,
        wish: EncoderWish,
        relay: Arc<Relay>,
        control: PumpControl,
        journal: Journal,
    ) -> std::io::Result<Self> {
        let mut encoders = Self {
            ffmpeg,
            relay,
            control,
            journal,
            running: HashMap::new(),
            next: 1,
            active: None,
            changing: None,
            in_force: wish,
            deaths: Vec::new(),
        };
        encoders.launch(wish)?;
        Ok(encoders)
    }

    /// What the active encoder makes, or the first one will.
    pub fn in_force(&self) -> &EncoderWish {
        &self.in_force
    }

    /// What is being changed to.
    pub fn changing_to(&self) -> Option<&EncoderWish> {
        let id = self
            .changing
            .filter(|id| self.active.is_some_and(|active| active != *id))?;
        self.running.get(&id).map(Encoder::wish)
    }

    /// Changes to `wish` without an interruption. Only one change at a time: false while one runs.
    ///
    /// # Errors
    /// Where ffmpeg cannot be started; the old encoder goes on.
    pub fn change(&mut self, wish: EncoderWish) -> std::io::Result<bool> {
        if self.changing.is_some() {
            return Ok(false);
        }
        self.launch(wish)?;
        Ok(true)
    }

    /// Takes the relay's word.
    ///
    /// # Errors
    /// The last words of an encoder where no encoder can be kept running.
    pub fn on(&mut self, event: RelayEvent) -> Result<(), String> {
        match event {
            RelayEvent::Ready(id) => {
                if let Some(encoder) = self.running.get(&id) {
                    self.control.arm(encoder.door());
                }
            }
            RelayEvent::TookOver(id) => self.took_over(id),
            RelayEvent::Retired(id) => self.dismiss(id),
            RelayEvent::Abandoned(id) => {
                self.changing.take_if(|changing| *changing == id);
                if self.running.contains_key(&id) {
                    self.journal
                        .warn("the new encoder was too slow; the change was not made");
                }
                self.dismiss(id);
            }
            RelayEvent::Gone { encoder, why } => return self.gone(encoder, &why),
        }
        Ok(())
    }

    /// Process ids of all that run.
    pub fn pids(&mut self) -> Vec<u32> {
        self.running.values_mut().map(Encoder::pid).collect()
    }

    /// Takes all encoders out, to be ended.
    pub fn take_all(&mut self) -> Vec<Encoder> {
        self.running.drain().map(|(_, encoder)| encoder).collect()
    }

    fn launch(&mut self, wish: EncoderWish) -> std::io::Result<()> {
        let id = self.next;
        self.next += 1;
        let encoder = Encoder::start(id, &self.ffmpeg, wish, self.relay.clone())?;
        self.running.insert(id, encoder);
        self.changing = Some(id);
        Ok(())
    }

    fn took_over(&mut self, active: EncoderId) {
        self.changing.take_if(|changing| *changing == active);
        self.active = Some(active);
        if let Some(encoder) = self.running.get(&active) {
            self.in_force = *encoder.wish();
            let row = crate::ffmpeg::encoder::row(self.in_force.family);
            self.journal.info(format!(
                "encoder {}: {}, {} at {} fps, {} kb/s",
                active, row.name, self.in_force.size, self.in_force.fps, self.in_force.bitrate_kbps
            ));
        }
    }

    fn dismiss(&mut self, id: EncoderId) {
        self.control.forget(id);
        if let Some(encoder) = self.running.remove(&id) {
            // Ending takes some milliseconds; the session does not wait.
            let ended = std::thread::Builder::new()
                .name(format!("pd-end-{id}"))
                .spawn(move || encoder.end(END_GRACE));
            if let Err(error) = ended {
                tracing::warn!("no thread to end encoder {id}: {error}");
            }
        }
    }

    fn gone(&mut self, id: EncoderId, why: &str) -> Result<(), String> {
        if !self.running.contains_key(&id) || why.is_empty() {
            return Ok(());
        }
        let was_active = self.active == Some(id);
        let wish = self.running.get(&id).map_or(self.in_force, |e| *e.wish());
        self.changing.take_if(|changing| *changing == id);
        self.active.take_if(|active| *active == id);
        self.dismiss(id);
        if self.active.is_some() {
            self.journal.error(format!(
                "the encoder for {} kb/s ended ({why}); the one before goes on",
                wish.bitrate_kbps
            ));
            return Ok(());
        }
        let now = clock::now();
        self.deaths.retain(|at| now.since(*at) < DEATHS_WITHIN);
        self.deaths.push(now);
        if self.deaths.len() >= DEATHS {
            return Err(why.to_owned());
        }
        self.journal
            .error(format!("the encoder ended ({why}) and is started again"));
        if self.changing.is_none() {
            let again = if was_active { wish } else { self.in_force };
            self.launch(again).map_err(|e| format!("{why}; {e}"))?;
        }
        Ok(())
    }
}
