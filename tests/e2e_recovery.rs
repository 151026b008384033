//! Lost and back: a server that is killed, a publisher that dies, a network that is pulled, a path
//! that another takes, a machine that sleeps. How long is it off air, what do viewers see, is
//! anything sent late, is nothing left?
//!
//! The figures of docs/recovery.md: `cargo test --test e2e_recovery -- --ignored --nocapture figures`.
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Ended, Plan, kill};
use common::link::{Link, Terms};
use common::server::OwnServer;
use common::viewer::{View, Viewer};
use common::{alone, programs, wait_until};
use pd_console::clock::{self, MonoTime};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SHOW: &str = "live --defaults --source pattern --audio tone --set video.size=640x360 --json ";
const PATH: &str = "pd_e2e";
/// B18: from the server's return to LIVE.
const LIVE_AGAIN: Duration = Duration::from_secs(6);

/// Someone else's server, and the words of a show to it.
fn own_server(program: &Path) -> (OwnServer, String) {
    let server = OwnServer::start(program, "  all_others:\n");
    let words = format!("{SHOW}{}", server.words("target", PATH, server.srt));
    (server, words)
}

/// Ends it by Stop's way; nothing may be left.
fn stop(console: Console) -> Ended {
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(2));
    let left = ended.left_after(Duration::from_millis(100));
    assert!(left.is_empty(), "left running: {left:?}\n{}", ended.stderr);
    ended
}

/// The publisher: of the ffmpegs the one with the sound.
fn publisher(console: &Console) -> u32 {
    *console.children_with("libopus").last().unwrap()
}

fn outages(ended: &Ended) -> Vec<serde_json::Value> {
    ended.json()["outages"].as_array().unwrap().clone()
}

/// What one outage brought.
struct Recovery {
    /// From the server's return to LIVE.
    live: Duration,
    view: View,
}

fn own_server_killed(away: Duration) -> Option<Recovery> {
    let (ffmpeg, program) = programs()?;
    let (mut server, words) = own_server(&program);
    let console = Plan::new(&ffmpeg, &words).start();
    console.wait_live(1);
    let viewer = Viewer::start(server.whep_url(PATH));
    viewer.wait_pictures(clock::now(), 60, Duration::from_secs(20));
    let from = clock::now();
    let killed = server.kill();
    let gone = "LIVE is said though the server is gone";
    console.wait_for("calling again until it is back", 1, Duration::from_secs(4));
    std::thread::sleep(away.saturating_sub(killed.elapsed()));
    assert_eq!(console.count("LIVE: the receiver"), 1, "{gone}");
    let back = server.back();
    console.wait_live(2);
    let live = console.times_of("LIVE: the receiver", "")[1];
    viewer.wait_pictures(clock::at(back), 60, Duration::from_secs(20));
    let view = viewer.view(from);
    // Let it be steady, and hear the outage's end.
    std::thread::sleep(Duration::from_secs(1));
    let ended = stop(console);
    let outages = outages(&ended);
    assert_eq!(outages.len(), 1, "{outages:?}\n{}", ended.stderr);
    let away_s = outages[0]["away_s"].as_f64().unwrap();
    assert!(away_s >= away.as_secs_f64(), "{outages:?}");
    assert!(ended.stderr.contains("was away"), "{}", ended.stderr);
    not_late(&ended);
    Some(Recovery {
        live: live.saturating_duration_since(back),
        view,
    })
}

/// Nothing old was sent: the slowest picture of the whole show came about as soon as any.
fn not_late(ended: &Ended) {
    // The primer is a GOP old at most (1 s), and the call takes its time.
    none_later_than(1_500.0, ended);
}

fn none_later_than(limit_ms: f64, ended: &Ended) {
    let arrived = &ended.json()["latency"]["arrived"];
    println!("  arrival over the whole show: {arrived}");
    let figure = |name: &str| arrived[name].as_f64().expect("arrival is measured");
    let (max_ms, p50_ms) = (figure("max_ms"), figure("p50_ms"));
    assert!(max_ms < limit_ms, "sent late: {arrived}\n{}", ended.stderr);
    assert!(
        p50_ms < 300.0,
        "late ever since: {arrived}\n{}",
        ended.stderr
    );
}

#[test]
fn b18_an_own_server_that_was_killed_is_live_again_within_6_s() {
    let _alone = alone();
    let Some(recovery) = own_server_killed(Duration::from_secs(1)) else {
        return;
    };
    tell("own server, away 1 s", &recovery);
    assert!(recovery.live < LIVE_AGAIN, "{:?}", recovery.live);
    // The server takes its viewers along; this one came back by itself.
    assert!(!recovery.view.kept);
    assert!(recovery.view.black < Duration::from_secs(10));
}

fn tell(name: &str, recovery: &Recovery) {
    println!(
        "{name}: LIVE {:.2} s after it was back; viewer {}, black for {:.2} s",
        recovery.live.as_secs_f64(),
        if recovery.view.kept {
            "kept"
        } else {
            "thrown out"
        },
        recovery.view.black.as_secs_f64(),
    );
}

/// A MediaMTX that starts only while it may: what the console is given as its own server.
struct Gate {
    folder: tempfile::TempDir,
    script: PathBuf,
}

impl Gate {
    fn new(program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("mediamtx-gate");
        let shut = folder.path().join("shut");
        let text = format!(
            "#!/bin/sh\n[ -e '{}' ] && exit 1\nexec '{}' \"$@\"\n",
            shut.display(),
            program.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, script }
    }

    fn shut(&self) {
        std::fs::write(self.folder.path().join("shut"), "").unwrap();
    }

    fn open(&self) -> Instant {
        std::fs::remove_file(self.folder.path().join("shut")).unwrap();
        Instant::now()
    }
}

fn managed_server_killed(away: Duration) -> Option<Recovery> {
    let (ffmpeg, program) = programs()?;
    let gate = Gate::new(&program);
    let words = format!("{SHOW} --set target.path={PATH}");
    let console = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", &gate.script)
        .start();
    console.wait_live(1);
    let name = program.file_name().unwrap().to_str().unwrap().to_owned();
    let pid = console.children(&name)[0];
    let viewer = Viewer::start(format!("{}whep", viewer_page(pid)));
    viewer.wait_pictures(clock::now(), 60, Duration::from_secs(20));
    let from = clock::now();
    if !away.is_zero() {
        gate.shut();
    }
    let killed = Instant::now();
    kill(pid, Signal::KILL);
    console.wait_for("the managed MediaMTX has ended", 1, Duration::from_secs(2));
    std::thread::sleep(away.saturating_sub(killed.elapsed()));
    let back = if away.is_zero() { killed } else { gate.open() };
    console.wait_live(2);
    let live = console.times_of("LIVE: the receiver", "")[1];
    viewer.wait_pictures(clock::at(back), 60, Duration::from_secs(20));
    let view = viewer.view(from);
    std::thread::sleep(Duration::from_secs(1));
    let ended = stop(console);
    not_late(&ended);
    Some(Recovery {
        live: live.saturating_duration_since(back),
        view,
    })
}

/// The managed server's page of the path: its port is the only one of its TCP ports that answers
/// pages without a password.
fn viewer_page(server: u32) -> String {
    let ports = listening(server);
    let page = |port: &u16| {
        let url = format!("http://127.0.0.1:{port}/{PATH}/");
        let got = ureq::get(&url).call();
        got.is_ok_and(|answer| answer.status().as_u16() == 200)
            .then_some(url)
    };
    ports.iter().find_map(page).expect("a page for viewers")
}

/// TCP ports on which a process listens.
fn listening(pid: u32) -> Vec<u16> {
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|fd| {
            let link = std::fs::read_link(fd.path()).ok()?;
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let lines = table.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        let local = words.nth(1)?;
        let state = words.nth(1)?;
        let inode = words.nth(5)?;
        let port = u16::from_str_radix(local.split_once(':')?.1, 16).ok()?;
        (state == "0A" && inodes.iter().any(|i| i == inode)).then_some(port)
    });
    lines.collect()
}

#[test]
fn a_managed_server_that_was_killed_is_back_at_once_on_its_ports() {
    let _alone = alone();
    let Some(recovery) = managed_server_killed(Duration::ZERO) else {
        return;
    };
    tell("managed server, killed", &recovery);
    assert!(recovery.live < LIVE_AGAIN, "{:?}", recovery.live);
    // The viewer finds it again by its old link.
    assert!(recovery.view.black < Duration::from_secs(10));
}

#[test]
fn viewers_of_an_always_available_path_stay_through_a_publishers_death() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = OwnServer::start(&program, &OwnServer::always_available(PATH));
    let viewer = Viewer::start(server.whep_url(PATH));
    // The server's own pictures, a whole turn of them.
    viewer.wait_pictures(MonoTime::ZERO, 1, Duration::from_secs(20));
    std::thread::sleep(Duration::from_secs(4));
    viewer.until_now_is_slate();
    let words = format!("{SHOW}{}", server.words("target", PATH, server.srt));
    let console = Plan::new(&ffmpeg, &words).start();
    console.wait_live(1);
    viewer.wait_pictures(clock::now(), 100, Duration::from_secs(20));
    for turn in 1..=2 {
        // Steady: the first try comes at once.
        std::thread::sleep(Duration::from_secs(4));
        let from = clock::now();
        kill(publisher(&console), Signal::KILL);
        console.wait_live(1 + turn);
        viewer.wait_pictures(clock::now(), 60, Duration::from_secs(20));
        let view = viewer.view(from);
        println!(
            "publisher killed: viewer {}, black for {:.2} s",
            if view.kept { "kept" } else { "thrown out" },
            view.black.as_secs_f64()
        );
        assert!(view.kept, "{}", console.stderr());
        assert!(view.black < Duration::from_secs(5), "{view:?}");
    }
    let ended = stop(console);
    assert_eq!(outages(&ended).len(), 2, "{}", ended.stderr);
    not_late(&ended);
}

#[test]
fn b18_stop_ends_everything_in_every_state_of_an_outage() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    for wait in [
        Duration::ZERO,
        Duration::from_millis(300),
        Duration::from_secs(3),
    ] {
        let (mut server, words) = own_server(&program);
        let console = Plan::new(&ffmpeg, &words).start();
        console.wait_live(1);
        server.kill();
        std::thread::sleep(wait);
        console.signal(Signal::INT);
        let ended = console.end_within(Duration::from_secs(2));
        let left = ended.left_after(Duration::from_millis(100));
        assert!(
            left.is_empty(),
            "after {wait:?}: {left:?}\n{}",
            ended.stderr
        );
        assert_eq!(ended.stderr.matches("LIVE: the receiver").count(), 1);
    }
}

#[test]
fn a_path_that_another_publisher_takes_is_left_to_it_until_it_is_free() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let (server, words) = own_server(&program);
    let ours = Plan::new(&ffmpeg, &words).start();
    ours.wait_live(1);
    std::thread::sleep(Duration::from_secs(1));
    let theirs = Plan::new(&ffmpeg, &format!("{words} --take-over")).start();
    theirs.wait_live(1);
    let limit = Duration::from_secs(5);
    ours.wait_for("another publisher (srtConn from 127.0.0.1", 1, limit);
    // No fight: theirs is undisturbed.
    let source = || server.path(PATH).and_then(|path| path.source_id);
    assert!(
        wait_until(limit, || source().is_some()),
        "{}",
        theirs.stderr()
    );
    let id = source();
    std::thread::sleep(Duration::from_secs(4));
    let logs = || format!("ours\n{}theirs\n{}", ours.stderr(), theirs.stderr());
    assert_eq!(source(), id, "{}", logs());
    assert_eq!(ours.count("LIVE: the receiver"), 1, "{}", ours.stderr());
    let ended = stop(theirs);
    assert_eq!(outages(&ended).len(), 0, "{}", ended.stderr);
    let free = Instant::now();
    ours.wait_live(2);
    println!("free: LIVE after {:.2} s", free.elapsed().as_secs_f64());
    assert!(free.elapsed() < LIVE_AGAIN);
    let ended = stop(ours);
    let outages = outages(&ended);
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert_eq!(outages[0]["tries"], 1, "it fought: {outages:?}");
}

/// A caller's handshake whose second packet was lost: MediaMTX holds each picture as much longer for as long
/// as that connection lives, so it does not live long.
#[test]
fn a_connection_that_began_late_is_made_anew_while_it_is_young() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = OwnServer::start(&program, "  all_others:\n");
    let link = Link::start(server.srt);
    let words = format!("{SHOW}{}", server.words("target", PATH, link.port));
    let console = Plan::new(&ffmpeg, &words).start();
    link.lose_conclusions(2);
    console.wait_live(1);
    assert_eq!(link.conclusions_to_lose(), 0, "{}", console.stderr());
    let said = "ms longer than the agreed 120 ms";
    console.wait_for(said, 1, Duration::from_secs(10));
    console.wait_live(2);
    // Until the whole show's median is of the second connection.
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(
        console.times_of("was away", said).len(),
        1,
        "{}",
        console.stderr()
    );
    let ended = stop(console);
    let arrived = &ended.json()["latency"]["arrived"];
    println!("{arrived}");
    assert!(arrived["max_ms"].as_f64() > Some(500.0), "it was held");
    assert!(arrived["p50_ms"].as_f64() < Some(250.0), "{arrived}");
    let outages = outages(&ended);
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert!(outages[0]["away_s"].as_f64() < Some(4.0), "{outages:?}");
}

#[test]
fn b27_after_a_standstill_the_connection_is_a_new_one() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let (server, words) = own_server(&program);
    let console = Plan::new(&ffmpeg, &words).start();
    console.wait_live(1);
    std::thread::sleep(Duration::from_secs(2));
    let before = server.path(PATH).unwrap().source_id;
    let all = console.marked();
    console.signal(Signal::STOP);
    for (pid, _) in &all {
        kill(*pid, Signal::STOP);
    }
    std::thread::sleep(Duration::from_secs(7));
    console.signal(Signal::CONT);
    for (pid, _) in &all {
        kill(*pid, Signal::CONT);
    }
    let woke = Instant::now();
    console.wait_for("stood still for", 1, Duration::from_secs(3));
    console.wait_live(2);
    println!("woken: LIVE after {:.2} s", woke.elapsed().as_secs_f64());
    assert!(woke.elapsed() < LIVE_AGAIN);
    assert_ne!(server.path(PATH).unwrap().source_id, before);
    std::thread::sleep(Duration::from_secs(2));
    let ended = stop(console);
    let outages = outages(&ended);
    assert_eq!(outages.len(), 1, "{outages:?}\n{}", ended.stderr);
    assert!(outages[0]["away_s"].as_f64() > Some(6.5), "{outages:?}");
}

/// The network gone for a while, seen by a viewer beside the server.
fn pulled(away: Duration) -> Option<(View, Ended)> {
    let (ffmpeg, program) = programs()?;
    let server = OwnServer::start(&program, "  all_others:\n");
    let link = Link::start(server.srt);
    let words = format!("{SHOW}{}", server.words("target", PATH, link.port));
    let console = Plan::new(&ffmpeg, &words).start();
    console.wait_live(1);
    let viewer = Viewer::start(server.whep_url(PATH));
    viewer.wait_pictures(clock::now(), 60, Duration::from_secs(20));
    let from = clock::now();
    link.set(Terms::PULLED);
    std::thread::sleep(away);
    link.set(Terms::GOOD);
    viewer.wait_pictures(clock::now(), 90, Duration::from_secs(30));
    let view = viewer.view(from);
    let ended = stop(console);
    Some((view, ended))
}

fn tell_pulled(away: Duration, view: View, ended: &Ended) {
    println!(
        "network pulled for {:.0} s: viewer {}, black for {:.2} s, outages {:?}",
        away.as_secs_f64(),
        if view.kept { "kept" } else { "thrown out" },
        view.black.as_secs_f64(),
        outages(ended)
    );
}

#[test]
fn a_network_that_was_pulled_brings_nothing_late() {
    let _alone = alone();
    let away = Duration::from_secs(3);
    let Some((view, ended)) = pulled(away) else {
        return;
    };
    tell_pulled(away, view, &ended);
    // libsrt's sender forgets what is older than a second (SRTO_SNDDROPDELAY): so much of what was
    // captured before the return comes, in one burst, and what is older never.
    none_later_than(1_500.0, &ended);
    assert!(view.black < away + LIVE_AGAIN, "{view:?}");
}

#[test]
#[ignore = "for the figures, 6 minutes"]
fn figures() {
    let _alone = alone();
    for seconds in [1, 15, 60] {
        let away = Duration::from_secs(seconds);
        if let Some(recovery) = own_server_killed(away) {
            tell(&format!("own server, away {seconds} s"), &recovery);
        }
        if let Some(recovery) = managed_server_killed(away) {
            tell(&format!("managed server, away {seconds} s"), &recovery);
        }
    }
    for seconds in [3, 10] {
        let away = Duration::from_secs(seconds);
        if let Some((view, ended)) = pulled(away) {
            tell_pulled(away, view, &ended);
            none_later_than(1_500.0, &ended);
        }
    }
}

/// Shares of pictures and latency through a lossy and long link, at latency x3 and x4 of its
/// round trip.
#[test]
#[ignore = "for the figures, 3 minutes"]
fn figures_of_a_lossy_link() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    println!(
        "loss %  round trip ms  latency ms    whole %  p50 ms  p95 ms  max ms  again  for good"
    );
    for (loss_permille, one_way_ms, times) in [
        (0, 20, 3),
        (10, 20, 3),
        (10, 20, 4),
        (50, 20, 3),
        (50, 20, 4),
        (10, 50, 3),
        (10, 50, 4),
        (50, 50, 3),
        (50, 50, 4),
    ] {
        let server = OwnServer::start(&program, "  all_others:\n");
        let link = Link::start(server.srt);
        link.set(Terms {
            loss_permille,
            delay: Duration::from_millis(one_way_ms),
            ..Terms::GOOD
        });
        let latency_ms = 2 * one_way_ms * times;
        let words = format!(
            "{SHOW}{} --set target.latency_ms={latency_ms} --seconds 15",
            server.words("target", PATH, link.port)
        );
        let console = Plan::new(&ffmpeg, &words).start();
        console.wait_live(1);
        let viewer = Viewer::start(server.whep_url(PATH));
        viewer.wait_pictures(clock::now(), 30, Duration::from_secs(20));
        let (from, seconds) = (clock::now(), 8);
        std::thread::sleep(Duration::from_secs(seconds));
        let until = clock::now();
        let came = viewer.pictures();
        let came = came.iter().filter(|at| **at > from && **at < until).count();
        let connections = server.connections();
        let Some(srt) = connections.first() else {
            println!(
                "{loss_permille} {one_way_ms} x{times}: lost\n{}",
                console.stderr()
            );
            continue;
        };
        let ended = console.end_within(Duration::from_secs(40));
        let arrived = &ended.json()["latency"]["arrived"];
        let ms = |name: &str| arrived[name].as_f64().unwrap_or(f64::NAN);
        println!(
            "{:6.1}  {:13}  {:>4} ({:>4})  {:9.1}  {:6.0}  {:6.0}  {:6.0}  {:5}  {:8}",
            f64::from(loss_permille) / 10.0,
            2 * one_way_ms,
            latency_ms,
            srt.latency_ms.unwrap_or_default(),
            came as f64 / (seconds as f64 * 30.0) * 100.0,
            ms("p50_ms"),
            ms("p95_ms"),
            ms("max_ms"),
            srt.packets_received_retrans,
            srt.packets_received_loss.saturating_sub(
                srt.packets_received_retrans
                    - srt.packets_received_drop.min(srt.packets_received_retrans)
            ),
        );
        assert!(came > 0, "{}", ended.stderr);
    }
}
