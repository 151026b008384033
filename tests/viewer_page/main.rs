//! The viewers' page in a real browser, with the console and the real server: it waits for the show,
//! plays it with a small delay, keeps one connection through every change on air and through the
//! publisher's death, and comes back by itself after the server's.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod browser;
#[path = "../common/mod.rs"]
mod common;
mod eyes;

use browser::Browser;
use common::console::{Console, Plan, VIEWER_KEY, kill};
use common::{alone, free_tcp_port, programs, wait_until};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// The publishing ffmpeg.
fn publisher(console: &Console) -> u32 {
    let all = console.children_with("libopus");
    assert_eq!(all.len(), 1, "{:?}", console.marked());
    all[0]
}

/// Processes that wanted a core in the last minute.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn the_page_plays_the_show_and_survives_what_happens_to_it() {
    let _alone = alone();
    let (Some(chromium), Some((ffmpeg, server))) = (browser::program(), programs()) else {
        return;
    };
    let port = free_tcp_port();
    let url = format!("http://127.0.0.1:{port}/{VIEWER_KEY}/");
    // The page before there is any console.
    let words = format!(
        "live --defaults --source pattern --audio tone --json --set viewer.port={port} \
         --set video.size=640x360 --bitrate 1500 --set encoder.family=Libx264 \
         --at 8:video.size=480x270 --at 11:encoder.bitrate_kbps=700 --at 13:video.fps=20"
    );
    let console = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", &server)
        .start();
    assert!(
        wait_until(LONG, || console.count("viewers' page") > 0),
        "{}",
        console.stderr()
    );
    let mut browser = Browser::open(chromium, &url);
    let begun = browser.wait(LONG, "the show plays", |page| {
        page.plays(640) && page.delay_ms > 0.0
    });
    console.wait_live(1);
    println!("plays: {begun:?}");
    assert_eq!(browser.eval("document.title"), "Return picture");

    // Changes on air: one connection, no freeze.
    let settled = browser.wait(LONG, "the new size", |page| page.plays(480));
    std::thread::sleep(Duration::from_secs(7));
    let changed = browser.page();
    println!("after size, bitrate and rate: {changed:?}");
    assert!(
        changed.frames > settled.frames + 60.0,
        "{settled:?} {changed:?}"
    );
    assert_eq!(changed.connections, begun.connections, "{changed:?}");
    // On a machine whose cores are taken by others pictures do come late, for no fault of ours.
    if load() < 6.0 {
        assert_eq!(changed.freezes, begun.freezes, "{changed:?}");
        assert!(changed.delay_ms < 100.0, "{changed:?}");
    } else {
        println!("freezes and delay are not judged at a load of {}", load());
    }
    assert_eq!(changed.note, "");
    println!(
        "delay after the server {} ms (buffer, decoding, round trip {:?})",
        changed.delay_ms, changed.parts_ms
    );

    // Sound by a tap, full screen by a key.
    assert_eq!(browser.eval("document.getElementById('video').muted"), true);
    browser.eval("document.querySelector('#sound button').click()");
    assert_eq!(
        browser.eval("document.getElementById('video').muted"),
        false
    );

    // The publisher dies: the same connection shows the server's own picture, then the show again.
    let before = browser.page();
    let killed = Instant::now();
    kill(publisher(&console), Signal::KILL);
    console.wait_live(2);
    let live = killed.elapsed();
    let back = browser.wait(LONG, "the show again", |page| {
        page.plays(480) && page.note.is_empty() && page.frames > before.frames + 30.0
    });
    println!(
        "publisher killed: live again after {live:.2?}, picture by {:.2?}: {back:?}",
        killed.elapsed()
    );
    assert_eq!(
        back.connections, before.connections,
        "the viewer was thrown out"
    );
    // The jump in time makes the browser buffer more for some seconds, and no longer.
    let calm = browser.wait(LONG, "a small delay again", |page| page.delay_ms < 150.0);
    println!("delay small again after {:.2?}: {calm:?}", killed.elapsed());

    // The server dies: a new connection without a reload.
    let mark = browser.eval("window.mark = Math.random()");
    let killed = Instant::now();
    let [of_server] = console.children("mediamtx")[..] else {
        panic!("{:?}", console.marked());
    };
    kill(of_server, Signal::KILL);
    browser.wait(LONG, "the loss is seen", |page| page.state != "playing");
    let seen = killed.elapsed();
    let back = browser.wait(
        Duration::from_secs(60),
        "the show from the new server",
        |page| page.plays(480) && page.connections > back.connections,
    );
    println!(
        "server killed: seen after {seen:.2?}, picture after {:.2?}: {back:?}",
        killed.elapsed()
    );
    assert_eq!(
        browser.eval("window.mark"),
        mark,
        "the page was loaded anew"
    );

    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(15));
    let result = ended.json();
    // The server's own pictures in between are not the show's and count for nothing.
    assert_eq!(result["passthrough"], 1.0, "{}", result["arrivals"]);
    let away = browser.wait(LONG, "the console is gone", |page| page.state == "away");
    assert!(away.note.contains("does not answer"), "{away:?}");
}

/// Where a line of the server's log says that it listens, such as "127.0.0.1:8890 (UDP/SRT)".
#[cfg(feature = "probe")]
fn listeners(console: &Console) -> Vec<(String, String)> {
    let stderr = console.stderr();
    let all = stderr.lines().filter_map(|line| {
        let (_, list) = line.split_once("started with listener")?;
        list.split_once(" on ").map(|(_, list)| list)
    });
    all.flat_map(|list| list.split(", "))
        .filter_map(|one| one.split_once(" ("))
        .map(|(address, kind)| (kind.trim_end_matches(')').to_owned(), address.to_owned()))
        .collect()
}

#[cfg(feature = "probe")]
#[test]
fn the_network_is_let_in_only_where_it_was_opened() {
    use pd_console::viewer::links;
    use std::net::{SocketAddr, TcpStream};
    use str0m::media::{Direction, MediaKind};
    let _alone = alone();
    let Some((ffmpeg, server)) = programs() else {
        return;
    };
    let Some(here) = links::networks().first().map(|network| network.address) else {
        println!("SKIPPED: this machine is in no network");
        return;
    };
    for lan in [false, true] {
        let port = free_tcp_port();
        let words = format!(
            "live --defaults --source pattern --audio tone --set viewer.port={port} \
             --set viewer.lan={lan} --set video.size=320x180 --set encoder.family=Libx264"
        );
        let console = Plan::new(&ffmpeg, &words)
            .env("MEDIAMTX_BIN", &server)
            .start();
        console.wait_live(1);
        let said = console.count("on this network, with the whole link");
        assert_eq!(said, usize::from(lan), "{}", console.stderr());
        let reached = |port: u16| {
            let at = SocketAddr::from((here, port));
            TcpStream::connect_timeout(&at, Duration::from_secs(2)).is_ok()
        };
        assert_eq!(reached(port), lan, "the page from {here}");
        let all = listeners(&console);
        assert_eq!(all.len(), 6, "{all:?}");
        for (kind, address) in &all {
            let open = address.starts_with(':');
            assert_eq!(open, lan && kind.ends_with("/ICE"), "{kind} {address}");
            assert!(
                open || address.starts_with("127.0.0.1:"),
                "{kind} {address}"
            );
        }
        if lan {
            let mut rtc = str0m::Rtc::new(Instant::now());
            let mut changes = rtc.sdp_api();
            changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
            let (offer, _) = changes.apply().unwrap();
            let mut response = ureq::post(format!("http://{here}:{port}/{VIEWER_KEY}/whep"))
                .header("Content-Type", "application/sdp")
                .send(offer.to_sdp_string())
                .unwrap();
            assert_eq!(response.status(), 201);
            let answer = response.body_mut().read_to_string().unwrap();
            let candidate = format!(" {here} ");
            assert!(
                answer
                    .lines()
                    .any(|line| line.starts_with("a=candidate:") && line.contains(&candidate)),
                "{answer}"
            );
        }
        console.signal(Signal::INT);
        console.end_within(Duration::from_secs(15));
    }
}
