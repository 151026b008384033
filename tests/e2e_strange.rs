//! Servers that are there and do not do what servers do (cases.md B17, B18 and their kind): is the
//! operator told the truth, does Stop end it, is nothing left?
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Ended, Plan};
use common::strange::{Manner, Strange};
use common::stream::Listener;
use common::{alone, ffmpegs};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn words(port: u16) -> String {
    format!(
        "live --defaults --source pattern --audio tone --host 127.0.0.1 --set video.size=320x180 \
         --set target.srt_port={port} --set target.path=pd_e2e --set target.user=me"
    )
}

/// Its last line, and how it ended; never LIVE, nothing left.
fn told(name: &str, ended: Ended, began: Instant) -> (Option<i32>, String) {
    let took = began.elapsed().as_secs_f64();
    let last = ended.stderr.lines().last().unwrap_or_default().to_owned();
    println!(
        "{name}: {:?} after {took:.1} s: {last}",
        ended.status.code()
    );
    assert!(!ended.stderr.contains("LIVE"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret-word"), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "{name}: {left:?}");
    (ended.status.code(), last)
}

/// MediaMTX holds "wrong password" back for a time between 0 and 4 s, so that guessing is slow; libsrt
/// by itself waits 3.
#[test]
fn b18_a_refusal_that_is_held_back_is_told_as_a_refusal() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let server = Strange::start(Manner::RefusesAfter(Duration::from_millis(3_900)));
        let began = Instant::now();
        let plan =
            Plan::new(&ffmpeg, &words(server.port)).env("PD_CONSOLE_PASSWORD", "secret-word");
        let (code, last) = told("held back", plan.run(Duration::from_secs(40)), began);
        assert_eq!(code, Some(7), "{last}");
        assert!(
            last.contains("refuses") && last.contains("password"),
            "{last}"
        );
    }
}

/// Answers pings and never the call: "nothing listens" would send the operator to the wrong place.
#[test]
fn b18_a_server_that_never_takes_the_call_is_told_apart_from_none() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    never_live(&ffmpeg, Manner::NeverTakes, "a server answers");
}

/// No server, and a firewall that swallows everything; one that answers with other words.
#[test]
#[ignore = "25 s: cargo test --test e2e_strange -- --ignored"]
fn b18_silence_and_garbage_at_the_port_are_told_as_nobody() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        never_live(&ffmpeg, Manner::Mute, "nothing listens");
        never_live(&ffmpeg, Manner::Garbage, "nothing listens");
    }
}

fn never_live(ffmpeg: &Path, manner: Manner, said: &str) {
    let server = Strange::start(manner);
    let began = Instant::now();
    let plan = Plan::new(ffmpeg, &words(server.port));
    let (code, last) = told(
        &format!("{manner:?}"),
        plan.run(Duration::from_secs(40)),
        began,
    );
    assert_eq!(code, Some(6), "{last}");
    assert!(last.contains(said), "{last}");
}

#[test]
fn b18_stop_ends_a_call_that_nobody_answers_within_2_s() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        for manner in [Manner::NeverTakes, Manner::Mute] {
            let server = Strange::start(manner);
            let console = Plan::new(&ffmpeg, &words(server.port)).start();
            let calls = || !console.children_with("mode=caller").is_empty();
            let began = common::wait_until(Duration::from_secs(20), calls);
            assert!(began, "{}", console.stderr());
            std::thread::sleep(Duration::from_millis(700));
            let asked = Instant::now();
            console.signal(Signal::INT);
            let ended = console.end_within(Duration::from_secs(2));
            told(&format!("{manner:?}, stopped"), ended, asked);
        }
    }
}

/// An HTTP server that gives another kind of nonsense each time; how often it was asked.
fn nonsense() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let asked = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let answers: [&[u8]; 6] = [
                b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
                b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"online\": tr",
                b"\x16\x03\x01\x02\x00",
                b"",
            ];
            let _ = stream.write_all(answers[number % answers.len()]);
        }
    });
    (port, count)
}

#[test]
fn b18_an_api_that_talks_nonsense_keeps_no_show_off_air() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let (api, asked) = nonsense();
    let listener = Listener::start("");
    let words = format!(
        "{} --set target.api_url=http://127.0.0.1:{api} --set target.way=SrtPush --json --seconds 2",
        words(listener.port)
    );
    let ended = Plan::new(&ffmpeg, &words).run(Duration::from_secs(40));
    assert!(ended.status.success(), "{}", ended.stderr);
    let result = ended.json();
    println!(
        "asked {} times; {}",
        asked.load(Ordering::Relaxed),
        result["drops"]
    );
    // It is on air by the receiver's handshake, and nobody claims to know more.
    assert_eq!(result["confirmed_online"], false, "{result:#}");
    assert_eq!(result["reconnects"], 0, "{}", ended.stderr);
    assert!(asked.load(Ordering::Relaxed) > 5);
    assert!(listener.received().pictures().len() > 30);
}
