//! From a receiver's reports to the figures: one small thread between the two.
//!
//! The queue holds 64 reports; a receiver never waits for it (see [`super::ArrivalCounters`]). What
//! arrives at the programme's receiver goes into the show's ledger; what arrives elsewhere is
//! measured aside and touches nothing of it.

use super::{Arrival, ArrivalCounters, ArrivalEvent, Relay};
use crate::clock::MonoTime;
use crate::latency::{Cursor, window};
use crate::monitor::thread_time::Spent;
use crate::session::snapshot::StageFigures;
use crate::stop::StopToken;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Half a second of 30 pictures and 100 packets of sound a second: the thread only takes a lock.
const QUEUE: usize = 64;
/// What figures aside are taken over.
const WINDOW: Duration = Duration::from_secs(2);
/// Two seconds at 144 fps.
const KEPT: usize = 288;

/// Where arrivals are counted. Clones share it.
#[derive(Clone)]
pub struct Arrivals {
    relay: Arc<Relay>,
    aside: Option<Arc<Mutex<Aside>>>,
}

#[derive(Default)]
struct Aside {
    cursor: Cursor,
    /// When they came, and how old they were, ms.
    ages: VecDeque<(MonoTime, f64)>,
    last: Option<MonoTime>,
}

impl Arrivals {
    /// Into the show's ledger.
    pub fn of_programme(relay: Arc<Relay>) -> Self {
        Self { relay, aside: None }
    }

    /// Beside it.
    pub fn aside(relay: Arc<Relay>) -> Self {
        Self {
            relay,
            aside: Some(Arc::default()),
        }
    }

    fn arrived(&self, arrival: &Arrival) {
        let Arrival { hash, at, .. } = *arrival;
        let Some(aside) = &self.aside else {
            self.relay.arrived(hash, arrival.rtp_time, at);
            return;
        };
        let mut aside = aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.last = Some(at);
        if let Some(captured_at) = self.relay.captured_at(hash, &mut aside.cursor) {
            if aside.ages.len() == KEPT {
                aside.ages.pop_front();
            }
            aside.ages.push_back((at, at.ms_since(captured_at)));
        }
    }

    fn sound_arrived(&self, hash: u64, at: MonoTime) {
        if self.aside.is_none() {
            self.relay.sound_arrived(hash, at);
        }
    }

    /// The receiver is out of the stream: what it misses meanwhile is nobody's loss.
    pub fn interrupted(&self) {
        if self.aside.is_none() {
            self.relay.interrupted();
        }
    }

    /// When the last picture arrived.
    pub fn last(&self) -> Option<MonoTime> {
        match &self.aside {
            None => self.relay.last_arrival(),
            Some(aside) => aside.lock().unwrap_or_else(PoisonError::into_inner).last,
        }
    }

    /// Capture to arrival over the last two seconds, where it is measured aside.
    pub fn figures(&self, now: MonoTime) -> Option<StageFigures> {
        let aside = self.aside.as_ref()?;
        let aside = aside.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = aside.ages.iter().filter(|(at, _)| now.since(*at) < WINDOW);
        let mut ms: Vec<f64> = newer.map(|(_, ms)| *ms).collect();
        window::figures(&mut ms)
    }
}

/// Starts the thread `name`, which ends with `stop` or with the sender returned. It says in `counters`
/// whether the receiver is in the stream, and adds its CPU time there.
///
/// # Errors
/// Where no thread can be started.
pub fn read(
    name: &str,
    into: Arrivals,
    counters: Arc<ArrivalCounters>,
    stop: StopToken,
) -> std::io::Result<Sender<ArrivalEvent>> {
    let (events, inbox) = bounded(QUEUE);
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let mut spent = Spent::default();
            while !stop.is_stopped() {
                spent.add_to(&counters.cpu_us);
                match inbox.recv_timeout(Duration::from_millis(200)) {
                    Ok(ArrivalEvent::Video(arrival)) => into.arrived(&arrival),
                    Ok(ArrivalEvent::Audio { hash, at }) => into.sound_arrived(hash, at),
                    Ok(ArrivalEvent::Connected) => {
                        counters.joined.store(true, Ordering::Relaxed);
                        counters.why_not.store(None);
                    }
                    Ok(ArrivalEvent::Lost(why)) => {
                        counters.joined.store(false, Ordering::Relaxed);
                        into.interrupted();
                        tracing::debug!("no arrivals: {why}");
                        counters.why_not.store(Some(Arc::new(why)));
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            counters.joined.store(false, Ordering::Relaxed);
        })?;
    Ok(events)
}
