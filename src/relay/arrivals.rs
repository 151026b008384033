//! From a receiver's reports to the ledger: one small thread between the two.
//!
//! The queue holds 64 reports; a receiver never waits for it (see [`super::ArrivalCounters`]).

use super::{ArrivalEvent, Relay};
use crate::stop::StopToken;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Two seconds at 30 fps: the thread only takes a lock.
const QUEUE: usize = 64;

/// Starts the thread `name`, which ends with `stop` or with the sender returned. `joined` says
/// whether the receiver is in the stream.
///
/// # Errors
/// Where no thread can be started.
pub fn read(
    name: &str,
    relay: Arc<Relay>,
    joined: Arc<AtomicBool>,
    stop: StopToken,
) -> std::io::Result<Sender<ArrivalEvent>> {
    let (events, inbox) = bounded(QUEUE);
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            while !stop.is_stopped() {
                match inbox.recv_timeout(Duration::from_millis(200)) {
                    Ok(ArrivalEvent::Video(arrival)) => relay.arrived(arrival.hash, arrival.at),
                    Ok(ArrivalEvent::Connected) => joined.store(true, Ordering::Relaxed),
                    Ok(ArrivalEvent::Lost(why)) => {
                        joined.store(false, Ordering::Relaxed);
                        tracing::debug!("no arrivals: {why}");
                    }
                    Ok(ArrivalEvent::Audio { .. }) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            joined.store(false, Ordering::Relaxed);
        })?;
    Ok(events)
}
