//! What goes wrong: is it said in words and by its exit code, is everything over in time, and is
//! nothing left running?
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Plan, kill};
use common::stream::Listener;
use common::{alone, ffmpegs, free_udp_port, mediamtx, srt_server, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const PATTERN: &str = "live --defaults --source pattern --audio tone";

fn to_port(port: u16) -> String {
    format!("{PATTERN} --host 127.0.0.1 --set target.srt_port={port} --set target.path=pd_e2e")
}

/// Runs it; it must fail with this code, its last line must hold every one of `words`, and nothing
/// may be left.
fn fails(name: &str, plan: Plan, code: i32, words: &[&str]) -> String {
    let started = Instant::now();
    let ended = plan.run(Duration::from_secs(40));
    let took = started.elapsed().as_secs_f64();
    let last = ended.stderr.lines().last().unwrap_or_default().to_owned();
    println!(
        "{name}: exit {:?} after {took:.2} s: {last}",
        ended.status.code()
    );
    assert_eq!(ended.status.code(), Some(code), "{name}: {}", ended.stderr);
    let said = last.strip_prefix("pd-console: ");
    let said = said.unwrap_or_else(|| panic!("{name}: {}", ended.stderr));
    for word in words {
        assert!(said.contains(word), "{name}: no {word:?} in: {said}");
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "", "{name}: a result in spite of the failure");
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "{name}: left running: {left:?}");
    ended.stderr
}

#[test]
fn settings_that_cannot_be_are_named() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let plan = |more: &str| Plan::new(&ffmpeg, &format!("{PATTERN} {more}"));
        fails(
            "unknown setting",
            plan("--set encoder.bitrat_kbps=1"),
            3,
            &["encoder.bitrat_kbps", "encoder.bitrate_kbps"],
        );
        fails(
            "out of range",
            plan("--set encoder.bitrate_kbps=50000"),
            3,
            &["encoder.bitrate_kbps", "50000", "100 to 10000"],
        );
        fails(
            "no number",
            plan("--set encoder.bitrate_kbps=fast"),
            3,
            &["encoder.bitrate_kbps"],
        );
        fails(
            "short passphrase",
            plan("--host 127.0.0.1").env("PD_CONSOLE_PASSPHRASE", "short"),
            3,
            &["passphrase", "10"],
        );
    }
}

#[test]
fn an_ffmpeg_that_is_not_there_or_lacks_srt_is_named() {
    let _alone = alone();
    let nowhere = Path::new("/nonexistent/ffmpeg");
    let ended = fails(
        "no ffmpeg",
        Plan::new(nowhere, PATTERN),
        4,
        &["/nonexistent/ffmpeg"],
    );
    assert!(ended.to_lowercase().contains("ffmpeg"));
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("ffmpeg");
    let script = "#!/bin/sh\ncase \"$*\" in\n\
        *-version*) echo 'ffmpeg version 6.1.1 Copyright (c) 2000-2023 the FFmpeg developers';;\n\
        *-protocols*) printf 'Supported file protocols:\\nInput:\\n  file\\n  pipe\\nOutput:\\n  file\\n  pipe\\n';;\n\
        *-encoders*) printf 'Encoders:\\n ------\\n V....D libx264 H.264\\n A....D libopus Opus\\n';;\nesac\n";
    std::fs::write(&fake, script).unwrap();
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    fails(
        "ffmpeg without SRT",
        Plan::new(&fake, PATTERN),
        4,
        &["SRT", "6.1.1", "ffmpeg"],
    );
}

#[cfg(feature = "x11")]
#[test]
fn a_missing_display_is_a_missing_source() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let words = "live --defaults --source x11 --audio silence";
        fails("no display", Plan::new(&ffmpeg, words), 5, &["DISPLAY"]);
        let plan = Plan::new(&ffmpeg, words).env("DISPLAY", ":63211");
        fails("wrong display", plan, 5, &[":63211"]);
    }
}

#[test]
fn a_receiver_that_is_not_there_is_said() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let plan = Plan::new(&ffmpeg, &to_port(free_udp_port()));
        fails(
            "nothing listens",
            plan,
            6,
            &["nothing listens", "host and port"],
        );
    }
}

#[test]
fn a_wrong_passphrase_is_a_refusal() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let listener = Listener::start("the right passphrase");
        let plan = Plan::new(&ffmpeg, &to_port(listener.port))
            .env("PD_CONSOLE_PASSPHRASE", "another passphrase");
        let said = fails("wrong passphrase, ffmpeg", plan, 7, &["passphrase"]);
        assert!(!said.contains("another passphrase"), "shown: {said}");
        let Some(server) = mediamtx() else { continue };
        let (port, _server) = srt_server(
            &server,
            &format!("    srtPublishPassphrase: {}\n", "the right passphrase"),
        );
        let plan =
            Plan::new(&ffmpeg, &to_port(port)).env("PD_CONSOLE_PASSPHRASE", "another passphrase");
        let said = fails("wrong passphrase, MediaMTX", plan, 7, &["passphrase"]);
        assert!(!said.contains("another passphrase"), "shown: {said}");
        // The same run with the right one is live: it was the passphrase and nothing else.
        let plan = Plan::new(&ffmpeg, &format!("{} --seconds 1", to_port(port)))
            .env("PD_CONSOLE_PASSPHRASE", "the right passphrase");
        let ended = plan.run(Duration::from_secs(40));
        assert!(ended.status.success(), "{}", ended.stderr);
    }
}

/// A passphrase on one side only, either way.
#[test]
fn b17_a_passphrase_on_one_side_only_is_told_as_such() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    for (server, ours) in [("the right passphrase", ""), ("", "the right passphrase")] {
        let listener = Listener::start(server);
        let plan = Plan::new(&ffmpeg, &to_port(listener.port));
        let plan = match ours {
            "" => plan,
            ours => plan.env("PD_CONSOLE_PASSPHRASE", ours),
        };
        let name = format!("server {server:?}, console {ours:?}");
        let said = fails(&name, plan, 7, &["passphrase does not match"]);
        assert!(!said.contains("the right passphrase"), "shown: {said}");
    }
    let Some(server) = mediamtx() else { return };
    let (port, _server) = srt_server(&server, "    srtPublishPassphrase: the right passphrase\n");
    let plan = Plan::new(&ffmpeg, &to_port(port));
    fails("MediaMTX demands one", plan, 7, &["refuses", "passphrase"]);
}

/// A service without a home folder, and one whose home is no folder: it starts with the defaults.
#[test]
fn b29_without_a_home_folder_it_starts_with_the_defaults() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    for home in [None, Some(file.path())] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pd-console"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("PD_CONSOLE_FFMPEG", &ffmpeg).arg("ffmpeg-args");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{home:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(!ended.stdout.is_empty(), "{said}");
    }
}

/// Whether this machine has IPv6 at all: a container may have none.
fn has_ipv6() -> bool {
    let has = UdpSocket::bind("[::1]:0").is_ok();
    if !has {
        println!("SKIPPED: this machine has no IPv6 loopback");
    }
    has
}

/// To a listener that has no IPv4, by its address in both forms and by a name that has both.
#[test]
fn b20_an_ipv6_only_listener_is_reached() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next().filter(|_| has_ipv6()) else {
        return;
    };
    let both = pd_console::publish::resolve_all("localhost", 1);
    let has_both = both.is_ok_and(|all| all.iter().any(|a| a.is_ipv6()) && all.len() > 1);
    for host in ["::1", "[::1]", "localhost"] {
        if host == "localhost" && !has_both {
            println!("SKIPPED: localhost has one address only");
            continue;
        }
        let port = free_udp_port();
        let listener = Listener::at("[::1]", port, "");
        let words = format!(
            "{PATTERN} --host {host} --set target.srt_port={port} --set target.path=pd_e2e \
             --set video.size=320x180 --seconds 1"
        );
        let ended = Plan::new(&ffmpeg, &words).run(Duration::from_secs(40));
        assert!(ended.status.success(), "{host}: {}", ended.stderr);
        assert!(ended.stderr.contains("[::1]"), "{host}: {}", ended.stderr);
        drop(listener);
    }
}

#[test]
fn b20_what_is_no_host_is_told_within_5_s() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    for (host, code, said) in [
        ("nope.invalid", 6, "name not found: nope.invalid"),
        ("srt://host:0/", 3, "port 0"),
        ("host:65536", 3, "port 65536"),
        ("host:", 3, "port (empty)"),
        ("rtmp://host/live", 3, "rtmp:// is no SRT address"),
    ] {
        let plan = Plan::new(&ffmpeg, &format!("{PATTERN} --host {host}"));
        let began = Instant::now();
        fails(host, plan, code, &[said]);
        // With the start of the program and the encoders' test beside it.
        assert!(began.elapsed() < Duration::from_secs(10), "{host}");
    }
}

/// Of a folder whose name has blanks and Korean letters, through a wrapper script, a whole show.
#[test]
fn b24_a_wrapper_in_a_folder_of_any_name_makes_a_show() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("내 방송 프로그램 (1)");
    std::fs::create_dir(&folder).unwrap();
    let wrapper = folder.join("ffmpeg");
    let script = format!("#!/bin/sh\n'{}' \"$@\"\nexit $?\n", ffmpeg.display());
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let words = format!("{PATTERN} --set video.size=320x180 --json --seconds 2");
    let ended = Plan::new(&wrapper, &words).run(Duration::from_secs(40));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(
        ended.json()["frames"].as_u64() > Some(30),
        "{}",
        ended.stdout
    );
    let left = ended.left_after(Duration::from_secs(3));
    assert!(left.is_empty(), "left running: {left:?}");
}

/// An ffmpeg that is being replaced, a driver that is being updated: for a while none starts.
#[test]
fn a_show_outlives_a_while_in_which_no_encoder_starts() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (wrapper, away) = (folder.path().join("ffmpeg"), folder.path().join("away"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *rawvideo*) if [ -e '{}' ]; then exit 1; fi;; esac\nexec '{}' \"$@\"\n",
        away.display(),
        ffmpeg.display()
    );
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let words = format!("{PATTERN} --set video.size=320x180 --json");
    let console = live(Plan::new(&wrapper, &words));
    std::fs::write(&away, "").unwrap();
    let encoders = console.children_with("rawvideo");
    assert!(!encoders.is_empty());
    encoders.into_iter().for_each(|pid| kill(pid, Signal::KILL));
    console.wait_for("no encoder is at work", 1, Duration::from_secs(10));
    let tried = "no encoder can be kept running";
    console.wait_for(tried, 4, Duration::from_secs(20));
    std::fs::remove_file(&away).unwrap();
    let again = Instant::now();
    console.wait_for("an encoder is at work again", 1, Duration::from_secs(8));
    println!("pictures {:.1} s after that", again.elapsed().as_secs_f64());
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(2));
    assert!(ended.status.success(), "{}", ended.stderr);
    let left = ended.left_after(Duration::from_millis(100));
    assert!(left.is_empty(), "left running: {left:?}");
}

/// Live against the console's own receiver; at least its encoder, publisher and receiver run.
fn live(plan: Plan) -> Console {
    let console = plan.start();
    console.wait_live(1);
    let children = console.marked();
    assert!(
        children.len() >= 3,
        "the mark does not find them: {children:?}"
    );
    console
}

#[test]
fn an_interrupt_ends_everything_within_2_s() {
    let _alone = alone();
    for (turn, ffmpeg) in ffmpegs().into_iter().enumerate() {
        // Ctrl-C, a service's stop, and the terminal's or the desktop's end (a logout); on further
        // ffmpegs only the last.
        let signals = [Signal::INT, Signal::TERM, Signal::HUP];
        let skipped = if turn == 0 { 0 } else { 2 };
        for signal in signals.into_iter().skip(skipped) {
            let console = live(Plan::new(&ffmpeg, &format!("{PATTERN} --json")));
            let asked = Instant::now();
            console.signal(signal);
            let ended = console.end_within(Duration::from_secs(2));
            println!(
                "{signal:?} while live: ended after {:.2} s",
                asked.elapsed().as_secs_f64()
            );
            assert!(ended.status.success(), "{}", ended.stderr);
            assert!(
                ended.json()["frames"].as_u64() > Some(0),
                "{}",
                ended.stdout
            );
            let left = ended.left_after(Duration::from_millis(100));
            assert!(left.is_empty(), "left running: {left:?}");
        }
        // A port that is taken and answers nothing: the publisher hangs in its handshake.
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        for wait_ms in [100, 1800] {
            let console = Plan::new(&ffmpeg, &to_port(port)).start();
            if wait_ms > 1000 {
                // Encoder and publisher; preflight's questions are over by then.
                let both = || console.marked().len() >= 2;
                assert!(
                    wait_until(Duration::from_secs(20), both),
                    "{}",
                    console.stderr()
                );
            }
            std::thread::sleep(Duration::from_millis(wait_ms.min(300)));
            let at = console.marked();
            let asked = Instant::now();
            console.signal(Signal::INT);
            let ended = console.end_within(Duration::from_secs(2));
            println!(
                "INT while starting ({} children): ended after {:.2} s with {:?}",
                at.len(),
                asked.elapsed().as_secs_f64(),
                ended.status.code()
            );
            assert_eq!(ended.status.code(), Some(6), "{}", ended.stderr);
            let left = ended.left_after(Duration::from_millis(100));
            assert!(left.is_empty(), "left running: {left:?}");
        }
    }
}

#[test]
fn a_killed_console_leaves_nothing() {
    let _alone = alone();
    let server = mediamtx();
    for ffmpeg in ffmpegs() {
        for server in [None, server.as_ref()]
            .iter()
            .take(1 + usize::from(server.is_some()))
        {
            let plan = Plan::new(&ffmpeg, PATTERN);
            let console = live(match server {
                Some(server) => plan.env("MEDIAMTX_BIN", server),
                None => plan,
            });
            let killed = Instant::now();
            console.signal(Signal::KILL);
            let ended = console.end_within(Duration::from_secs(2));
            let left = ended.left_after(Duration::from_secs(3));
            println!(
                "kill -9 ({}): nothing left after {:.2} s",
                if server.is_some() {
                    "MediaMTX"
                } else {
                    "loopback"
                },
                killed.elapsed().as_secs_f64()
            );
            assert!(left.is_empty(), "left running: {left:?}");
        }
        // The next start works at once.
        let next = Plan::new(&ffmpeg, &format!("{PATTERN} --seconds 1"));
        let next = next.run(Duration::from_secs(40));
        assert!(next.status.success(), "{}", next.stderr);
    }
}

#[test]
fn a_killed_mediamtx_is_started_again() {
    let _alone = alone();
    let Some(server) = mediamtx() else { return };
    for ffmpeg in ffmpegs() {
        let console = live(Plan::new(&ffmpeg, PATTERN).env("MEDIAMTX_BIN", &server));
        let name = server.file_name().unwrap().to_str().unwrap().to_owned();
        let first = console.children(&name);
        assert_eq!(first.len(), 1, "{:?}", console.marked());
        let killed = Instant::now();
        let pid = Pid::from_raw(i32::try_from(first[0]).unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        console.wait_live(2);
        println!(
            "MediaMTX killed: LIVE again after {:.2} s",
            killed.elapsed().as_secs_f64()
        );
        let second = console.children(&name);
        assert_eq!(second.len(), 1, "{:?}", console.marked());
        assert_ne!(first, second);
        console.signal(Signal::INT);
        let ended = console.end_within(Duration::from_secs(2));
        assert!(ended.status.success(), "{}", ended.stderr);
        let left = ended.left_after(Duration::from_millis(100));
        assert!(left.is_empty(), "left running: {left:?}");
    }
}
