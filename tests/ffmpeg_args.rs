//! `pd-console ffmpeg-args`: what it prints can be read by anyone.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::{alone, ffmpegs};
use std::time::Duration;

const PASSWORD: &str = "hus-hush-4711";
const PASSPHRASE: &str = "correct horse battery";

#[test]
fn both_commands_are_printed_and_no_secret() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let ended = Plan::new(
            &ffmpeg,
            "ffmpeg-args --defaults --host 127.0.0.1 --bitrate 2500 --set target.user=producer \
             --set target.path=pd_args",
        )
        .env("PD_CONSOLE_PASSWORD", PASSWORD)
        .env("PD_CONSOLE_PASSPHRASE", PASSPHRASE)
        .run(Duration::from_secs(60));
        assert!(ended.status.success(), "{}", ended.stderr);
        let name = ffmpeg.display().to_string();
        let commands: Vec<_> = ended
            .stdout
            .lines()
            .filter(|line| line.starts_with(&name))
            .collect();
        assert_eq!(commands.len(), 2, "{}", ended.stdout);
        let (encoder, publisher) = (commands[0], commands[1]);
        for part in ["-f rawvideo", "libx264", "-b:v 2500k", "pipe:1"] {
            assert!(encoder.contains(part), "no {part}: {encoder}");
        }
        for part in [
            "libopus",
            "-f mpegts",
            "srt://127.0.0.1:8890",
            "pd_args",
            "producer",
            "-passphrase '***'",
        ] {
            assert!(publisher.contains(part), "no {part}: {publisher}");
        }
        for text in [&ended.stdout, &ended.stderr] {
            // Not the passphrase's words either, which a shell's quoting might tear apart.
            for secret in [PASSWORD, PASSPHRASE, "hush", "4711", "battery", "%20horse"] {
                assert!(!text.contains(secret), "{secret} is shown: {text}");
            }
        }
    }
}

/// Whatever the system's language and the window's: a figure has a dot, no group of digits is parted.
#[test]
fn no_argument_depends_on_the_language() {
    let _alone = alone();
    let ffmpeg = ffmpegs().into_iter().next().expect("an ffmpeg");
    let of = |locale: &str, language: &str| {
        let line = format!(
            "ffmpeg-args --defaults --host 127.0.0.1 --bitrate 2500 --set target.path=pd_args \
             --set video.fps=(num:30000,den:1001) --set language={language}"
        );
        let ended = Plan::new(&ffmpeg, &line)
            .env("LC_ALL", locale)
            .env("LANG", locale)
            .env("LANGUAGE", locale)
            .run(Duration::from_secs(60));
        assert!(ended.status.success(), "{locale}: {}", ended.stderr);
        ended.stdout
    };
    let plain = of("C", "English");
    assert!(plain.contains("-b:v 2500k"), "{plain}");
    for (locale, language) in [("de_DE.UTF-8", "Auto"), ("ko_KR.UTF-8", "Korean")] {
        assert_eq!(of(locale, language), plain, "{locale}, {language}");
    }
}

#[test]
fn a_wrong_setting_is_said_and_nothing_is_printed() {
    let _alone = alone();
    for ffmpeg in ffmpegs() {
        let ended =
            Plan::new(&ffmpeg, "ffmpeg-args --defaults --bitrate 50").run(Duration::from_secs(60));
        assert_eq!(ended.status.code(), Some(3), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("encoder.bitrate_kbps") && ended.stderr.contains("100 to 10000"),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "");
    }
}
