//! The WHEP probe: a viewer of MediaMTX that looks at nothing and says when each picture came.
//!
//! One thread, `whep-probe`, which joins, reads and joins again after a loss, once a second. Its
//! reports are dropped and counted where the ledger's queue is full. The probe costs the server
//! one viewer's bandwidth.

pub mod h264;
pub mod session;
pub mod whep;

pub use crate::relay::arrival::ArrivalEvent as ProbeEvent;

use crate::relay::ArrivalCounters;
use crate::stop::StopToken;
use crossbeam_channel::Sender;
use session::{SessionError, Sink};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use whep::{Endpoint, WhepError};

/// Time from a loss to the next attempt.
const RETRY: Duration = Duration::from_secs(1);
/// The same after a refused password, which no haste makes better.
const RETRY_REFUSED: Duration = Duration::from_secs(10);

/// Starts the probe's thread: it reads `url` (`http://HOST:8889/PATH/whep`) as user and password
/// `auth`, reports to `out` without ever waiting for it, counts in `counters`, and ends within
/// 50 ms of `stop` (within [`whep::JOIN_TIMEOUT`] or [`whep::LEAVE_TIMEOUT`] where it is talking
/// to a server that does not answer) or where nobody holds the other end of `out`.
///
/// [`ProbeEvent::Lost`] comes once for each loss, and once for each new reason not to get in, not
/// with every attempt.
///
/// # Errors
/// That of the system where it gives no thread.
pub fn spawn(
    url: String,
    auth: Option<(String, String)>,
    out: Sender<ProbeEvent>,
    counters: Arc<ArrivalCounters>,
    stop: StopToken,
) -> std::io::Result<JoinHandle<()>> {
    spawn_with_units(url, auth, out, None, counters, stop)
}

/// As [`spawn`], with each access unit whole into `units`, which is never waited for either: what it
/// has no room for is dropped and counted in [`ArrivalCounters::events_dropped`].
///
/// # Errors
/// That of the system where it gives no thread.
pub fn spawn_with_units(
    url: String,
    auth: Option<(String, String)>,
    out: Sender<ProbeEvent>,
    units: Option<Sender<h264::Unit>>,
    counters: Arc<ArrivalCounters>,
    stop: StopToken,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("whep-probe".into())
        .spawn(move || {
            let sink = Sink::new(&out, &counters, &stop).with_units(units.as_ref());
            run(&url, auth.as_ref(), &sink, &stop);
        })
}

fn run(url: &str, auth: Option<&(String, String)>, sink: &Sink<'_>, stop: &StopToken) {
    let endpoint = match Endpoint::new(url, auth) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            sink.send(ProbeEvent::Lost(error.to_string()));
            return;
        }
    };
    let mut said = String::new();
    while !sink.is_done() {
        let mut connected = false;
        let error = match session::run(&endpoint, sink, &mut connected) {
            Ok(()) => return,
            Err(error) => error,
        };
        let message = error.to_string();
        if connected || message != said {
            tracing::info!("probe: {message}");
            sink.send(ProbeEvent::Lost(message.clone()));
            said = message;
        }
        let pause = match error {
            SessionError::Whep(WhepError::Unauthorized) => RETRY_REFUSED,
            _ => RETRY,
        };
        stop.sleep(pause);
    }
}
