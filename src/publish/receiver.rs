//! The receiver on loopback, used where there is no MediaMTX: an ffmpeg that is nothing but an SRT
//! listener, handing the transport stream through byte for byte, and the reader of its output.
//!
//! [`args`] is pure; [`run`] blocks on the child's stdout and belongs on a thread of its own, which
//! ends with the child's output. An event that the ledger's queue has no room for is dropped and
//! counted; stdout is always read, so that the SRT side never backs up.

use super::ts::TsDemux;
use crate::clock;
use crate::ffmpeg::plan::QUIET;
use crate::relay::{ArrivalCounters, ArrivalEvent};
use crate::stop::StopToken;
use crossbeam_channel::Sender;
use std::io::{ErrorKind, Read};
use std::sync::atomic::Ordering;

/// Bytes read at once: more than a key frame's burst, less than Linux' pipe of 64 KiB.
const BLOCK: usize = 32 << 10;

/// Arguments of an ffmpeg that listens for one SRT caller on `127.0.0.1:port` and writes what it
/// gets to stdout, unparsed; it ends when the caller hangs up.
///
/// `latency_ms` is the SRT receive latency (the caller's may raise it, never lower it). The `data`
/// demuxer hands on each SRT message as it comes: 20 ms of latency gave 25 ms (p95 31) from the
/// caller's socket to the pipe, on ffmpeg 5.1, 7.0 and 9.0 alike, which is the latency and libsrt's
/// 10 ms tick. `-avioflags direct` must not be given: 5.1 and 7.0 then read 10 bytes at a time,
/// which libsrt refuses.
pub fn args(port: u16, latency_ms: u32, passphrase: Option<&str>) -> Vec<String> {
    let latency_us = u64::from(latency_ms) * 1000;
    let mut args: Vec<String> = QUIET.map(String::from).into();
    let mut push = |option: &str, value: String| args.extend([option.to_owned(), value]);
    push("-mode", "listener".into());
    push("-latency", latency_us.to_string());
    if let Some(passphrase) = passphrase.filter(|p| !p.is_empty()) {
        push("-passphrase", passphrase.to_owned());
    }
    push("-f", "data".into());
    push("-i", format!("srt://127.0.0.1:{port}"));
    push("-map", "0".into());
    push("-c", "copy".into());
    push("-flush_packets", "1".into());
    push("-f", "data".into());
    args.push("pipe:1".into());
    args
}

/// Reads the receiver's `stdout` to its end, or until `stop` at the next block, and reports what
/// has come: `Connected` with the first bytes, `Lost` at the end unless `stop` was asked for.
///
/// The time of arrival is the one right after the `read` that brought the last byte.
pub fn run(
    mut stdout: impl Read,
    mut demux: TsDemux,
    out: &Sender<ArrivalEvent>,
    counters: &ArrivalCounters,
    stop: &StopToken,
) {
    let mut block = vec![0; BLOCK];
    let mut events = Vec::new();
    let mut connected = false;
    let why = loop {
        let read = stdout.read(&mut block);
        let at = clock::now();
        match read {
            Ok(0) => {
                demux.finish(at, &mut events);
                break "the sender hung up".to_owned();
            }
            Ok(length) => {
                if !std::mem::replace(&mut connected, true) {
                    counters.send(out, ArrivalEvent::Connected);
                }
                demux.feed(&block[..length], at, &mut events);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break format!("the receiver's output broke off: {error}"),
        }
        report(&mut events, &demux, out, counters);
        if stop.is_stopped() {
            return;
        }
    };
    report(&mut events, &demux, out, counters);
    if !stop.is_stopped() {
        counters.send(out, ArrivalEvent::Lost(why));
    }
}

fn report(
    events: &mut Vec<ArrivalEvent>,
    demux: &TsDemux,
    out: &Sender<ArrivalEvent>,
    counters: &ArrivalCounters,
) {
    let damaged = demux.damaged();
    counters.units_damaged.store(damaged, Ordering::Relaxed);
    for event in events.drain(..) {
        counters.send(out, event);
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
