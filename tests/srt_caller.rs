//! What each ffmpeg says to an SRT listener when it is started with the publisher's own arguments: the
//! very bytes of the stream id (cases.md B16) and the latency (B21), read from its handshake.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::strange::{Call, Manner, Strange};
use common::{Killed, alone, ffmpegs};
use pd_console::ffmpeg::plan::{self, AudioInput};
use pd_console::publish::{Mode, Target, stream_id};
use pd_console::settings::{Secrets, Settings, Way};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The end of the publisher's real arguments, from its muxer on.
fn output(port: u16, latency_ms: u32, password: &str) -> Vec<String> {
    let mut set = Settings::default().target;
    set.path = "pd_main".into();
    set.user = "me".into();
    set.latency_ms = latency_ms;
    let secrets = Secrets {
        password: Some(password.into()),
        ..Secrets::default()
    };
    let target = Target::at(([127, 0, 0, 1], port).into(), &set, &secrets, None);
    let output = target.output(Way::SrtPush, None).unwrap();
    let all = plan::publisher(&AudioInput::Pipe(0), 96, &output, false);
    let all = all.real();
    let muxer = all.iter().position(|word| word == "mpegts").unwrap();
    all[muxer - 1..].to_vec()
}

/// Calls with `ffmpeg`; what it said. The listener refuses at once, so this takes no longer than a start.
fn call(ffmpeg: &Path, latency_ms: u32, password: &str) -> Call {
    let listener = Strange::start(Manner::RefusesAfter(Duration::ZERO));
    let child = Command::new(ffmpeg)
        .args([
            "-v", "quiet", "-nostdin", "-f", "lavfi", "-i", "anullsrc", "-t", "1",
        ])
        .args(["-c:a", "libopus"])
        .args(output(listener.port, latency_ms, password))
        .stdin(Stdio::null())
        .spawn();
    let mut child = Killed(child.unwrap());
    let ended = child.ends_within(Duration::from_secs(20));
    assert!(ended.is_some(), "{} hangs", ffmpeg.display());
    let calls = listener.calls();
    let first = calls
        .first()
        .unwrap_or_else(|| panic!("{} did not call", ffmpeg.display()));
    assert!(calls.iter().all(|call| call == first), "{calls:?}");
    first.clone()
}

#[test]
fn b16_the_listener_gets_exactly_the_intended_bytes() {
    let _alone = alone();
    let longest = "x".repeat(512 - "publish:pd_main:me:".len());
    let passwords = [
        "a&b", "a%b", "a%26b", "a+b", "a#b", "a=b", "a b", "a:b", "a,b", "한글", &longest,
    ];
    for ffmpeg in &ffmpegs() {
        // All at once: they mostly wait.
        std::thread::scope(|scope| {
            for password in passwords {
                scope.spawn(move || {
                    let said = call(ffmpeg, 120, password).stream_id;
                    let wanted = stream_id(Mode::Publish, "pd_main", "me", password).unwrap();
                    let said = String::from_utf8_lossy(&said);
                    assert_eq!(said, wanted, "{} with {password}", ffmpeg.display());
                });
            }
        });
    }
}

#[test]
fn b21_80_ms_are_80_ms_at_the_listener() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        for ms in [80_u16, 200, 8000] {
            let said = call(&ffmpeg, ms.into(), "a").latency_ms;
            assert_eq!(said, (ms, ms), "{}", ffmpeg.display());
        }
    }
}
