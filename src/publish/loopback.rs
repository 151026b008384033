//! The receiver on loopback as a running child: takes the stream where there is no MediaMTX, so
//! that arrival can be measured.
//!
//! Owns the child, the thread `pd-receive` that reads its output and `pd-arrivals-lo` that tells the
//! ledger. It serves one connection and ends with it: a publisher's restart starts a new one.

use super::invited::listens;
use super::receiver;
use super::ts::TsDemux;
use crate::clock::{self, MonoTime};
use crate::ffmpeg::cover::{Cover, Which};
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::plan::Arguments;
use crate::ffmpeg::{Ffmpeg, Sidecar};
use crate::relay::ArrivalCounters;
use crate::relay::arrivals::{self, Arrivals};
use crate::stop::StopToken;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// A running receiver.
pub struct LoopbackReceiver {
    sidecar: Sidecar,
    address: SocketAddr,
    passphrase: String,
    started_at: MonoTime,
    stop: StopToken,
}

impl LoopbackReceiver {
    /// Starts the child on a port that is free now; another program may have it once the child comes for it:
    /// [`LoopbackReceiver::last_words`] tells.
    ///
    /// # Errors
    /// Where no port is free or the child or a thread cannot be started.
    pub fn start(ffmpeg: &Ffmpeg, latency_ms: u32, into: &Arrivals) -> io::Result<Self> {
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        // New for each: no other program of this machine can take the publisher's place, which would
        // be the only one that is let in.
        let passphrase = crate::hex::random()?;
        let args = receiver::args(address.port(), latency_ms, Some(&passphrase));
        let args = Arguments::with_secret(args, "-passphrase");
        let log = Box::new(|line: &str| tracing::debug!("receiver: {line}"));
        let mut sidecar = Sidecar::start(
            "receiver",
            &ffmpeg.path,
            &args,
            Launch::default(),
            |_| Ok(()),
            log,
        )?;
        let stdout = sidecar
            .take_stdout()
            .ok_or_else(|| io::Error::other("no output"))?;
        let cover = Cover::of(sidecar.pid(), &args);
        let stop = StopToken::new();
        let counters = Arc::new(ArrivalCounters::default());
        let (into, ends) = (into.clone(), stop.clone());
        let events = arrivals::read("pd-arrivals-lo", into, counters.clone(), ends)?;
        let ends = stop.clone();
        std::thread::Builder::new()
            .name("pd-receive".into())
            .spawn(move || {
                // It has read its passphrase by then. What it is sent meanwhile waits in its pipe.
                if listens(address, &ends) {
                    cover.now(Which::Options);
                }
                receiver::run(stdout, TsDemux::new(), &events, &counters, &ends);
            })?;
        Ok(Self {
            sidecar,
            address,
            passphrase,
            started_at: clock::now(),
            stop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a caller has to know.
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// Since when: arrivals before are another's.
    pub fn started_at(&self) -> MonoTime {
        self.started_at
    }

    /// Its process id.
    pub fn pid(&mut self) -> u32 {
        self.sidecar.pid()
    }

    /// What it said last, once it has ended.
    pub fn last_words(&mut self) -> Option<Vec<String>> {
        self.sidecar.poll_exit()?;
        Some(self.sidecar.tail().lines())
    }

    /// Ends it within about twice `grace`.
    pub fn end(mut self, grace: Duration) {
        self.stop.stop();
        self.sidecar.end(grace);
    }
}

impl Drop for LoopbackReceiver {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
