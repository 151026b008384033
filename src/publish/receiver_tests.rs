//! Tests of the loopback receiver: its arguments, its reader, and both with real processes.

use super::*;
use crate::publish::ts::tests::{LOW_LATENCY, encode_mkv, ffmpeg, ffmpegs, hashes};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn golden_arguments() {
    assert_eq!(
        args(9710, 20, None).join(" "),
        "-hide_banner -nostdin -nostats -loglevel warning -mode listener -latency 20000 \
         -f data -i srt://127.0.0.1:9710 -map 0 -c copy -flush_packets 1 -f data pipe:1"
    );
    let with = args(9710, 120, Some("correct horse")).join("|");
    assert!(with.contains("|-latency|120000|-passphrase|correct horse|-f|data|"));
    assert_eq!(args(1, 20, Some("")), args(1, 20, None));
}

/// A reader that gives its blocks and then an error.
struct Blocks(Vec<Vec<u8>>);

impl Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("pipe burst"));
        }
        let block = self.0.remove(0);
        into[..block.len()].copy_from_slice(&block);
        Ok(block.len())
    }
}

#[test]
fn reader_reports_beginning_and_end() {
    let (out, queue) = crossbeam_channel::bounded(8);
    let counters = ArrivalCounters::default();
    let stop = StopToken::new();
    run(&[0_u8; 0][..], TsDemux::new(), &out, &counters, &stop);
    let Ok(ArrivalEvent::Lost(why)) = queue.try_recv() else {
        panic!("an end without bytes is a loss");
    };
    assert!(why.contains("hung up"));
    run(
        Blocks(vec![vec![1; 9]]),
        TsDemux::new(),
        &out,
        &counters,
        &stop,
    );
    assert_eq!(queue.try_recv(), Ok(ArrivalEvent::Connected));
    let Ok(ArrivalEvent::Lost(why)) = queue.try_recv() else {
        panic!("an error is a loss");
    };
    assert!(why.contains("pipe burst"));
    stop.stop();
    run(
        Blocks(vec![vec![1; 9]]),
        TsDemux::new(),
        &out,
        &counters,
        &stop,
    );
    assert_eq!(
        queue.try_iter().collect::<Vec<_>>(),
        [ArrivalEvent::Connected]
    );
}

/// Kills the child whatever becomes of the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn has_srt(bin: &Path) -> bool {
    let protocols = ffmpeg(bin, &["-protocols"]);
    let has = String::from_utf8_lossy(&protocols)
        .lines()
        .any(|line| line.trim() == "srt");
    if !has {
        eprintln!("skipped: {} has no libsrt", bin.display());
    }
    has
}

/// Callers of this machine that do not know the passphrase are turned away; whoever knows it comes after them.
fn strangers_are_refused(bin: &Path, mkv: &str, port: u16, target: &str) {
    let until = Instant::now() + Duration::from_secs(5);
    while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < until, "nothing listens");
        std::thread::sleep(Duration::from_millis(10));
    }
    for wrong in [None, Some("another passphrase")] {
        let mut call = Command::new(bin);
        call.args([
            "-hide_banner",
            "-nostdin",
            "-loglevel",
            "quiet",
            "-i",
            mkv,
            "-c",
            "copy",
        ]);
        if let Some(wrong) = wrong {
            call.args(["-passphrase", wrong]);
        }
        let status = call.args(["-f", "mpegts", target]).status().unwrap();
        assert!(!status.success(), "{wrong:?} was let in");
    }
}

#[test]
fn what_a_caller_sends_over_srt_arrives_whole() {
    for bin in ffmpegs().into_iter().filter(|bin| has_srt(bin)) {
        for passphrase in [None, Some("correct horse battery")] {
            let dir = tempfile::tempdir().unwrap();
            let mkv = encode_mkv(&bin, "1M", dir.path());
            let annexb = ffmpeg(
                &bin,
                &["-i", &mkv, "-c", "copy", "-f", "h264", "-an", "pipe:1"],
            );
            let wanted = hashes(&annexb);
            let port = UdpSocket::bind("127.0.0.1:0")
                .and_then(|socket| socket.local_addr())
                .unwrap()
                .port();
            let mut listener = Guard(
                Command::new(&bin)
                    .args(args(port, 20, passphrase))
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap(),
            );
            let stdout = listener.0.stdout.take().unwrap();
            let (out, queue) = crossbeam_channel::bounded(4096);
            let counters = Arc::new(ArrivalCounters::default());
            let reader = {
                let counters = Arc::clone(&counters);
                std::thread::spawn(move || {
                    run(stdout, TsDemux::new(), &out, &counters, &StopToken::new());
                })
            };
            let target = format!("srt://127.0.0.1:{port}?pkt_size=1316");
            if passphrase.is_some() {
                strangers_are_refused(&bin, &mkv, port, &target);
            }
            let mut call = Command::new(&bin);
            call.args([
                "-hide_banner",
                "-nostdin",
                "-loglevel",
                "error",
                "-re",
                "-i",
                &mkv,
            ])
            .args([
                "-c",
                "copy",
                "-latency",
                "20000",
                "-muxdelay",
                "0",
                "-muxpreload",
                "0",
            ])
            .args(["-flush_packets", "1"])
            .args(LOW_LATENCY);
            if let Some(passphrase) = passphrase {
                call.args(["-passphrase", passphrase]);
            }
            let mut caller = Guard(call.args(["-f", "mpegts", &target]).spawn().unwrap());
            let started = Instant::now();
            while !reader.is_finished() && started.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(reader.is_finished(), "the listener ends with its caller");
            reader.join().unwrap();
            assert!(caller.0.wait().unwrap().success());
            let events: Vec<ArrivalEvent> = queue.try_iter().collect();
            assert_eq!(events.first(), Some(&ArrivalEvent::Connected));
            assert!(matches!(events.last(), Some(ArrivalEvent::Lost(_))));
            let got: Vec<_> = events
                .iter()
                .filter_map(|event| match event {
                    ArrivalEvent::Video(arrival) => Some(*arrival),
                    _ => None,
                })
                .collect();
            let hashes: Vec<u64> = got.iter().map(|arrival| arrival.hash).collect();
            // SRT drops what is younger than the latency when the caller hangs up.
            assert!(
                hashes.len() + 3 >= wanted.len(),
                "{} of {}",
                hashes.len(),
                wanted.len()
            );
            assert_eq!(hashes, wanted[..hashes.len()], "{}", bin.display());
            assert_eq!(counters.units_damaged.load(Ordering::Relaxed), 0);
            // 90 frames of 33 ms, half a second of them at once by `-re` of newer ffmpeg: they came
            // one by one, not in a lump at the end.
            let spread = got[got.len() - 1].at.since(got[0].at);
            assert!(spread > Duration::from_millis(2000), "{spread:?}");
        }
    }
}
