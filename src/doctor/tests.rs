use super::*;
use crate::settings::{AudioInput, AudioSourceKind, TargetKind, VideoSourceKind, secrets::secret};
use crate::units::Size;

/// Nothing of this machine but its ffmpeg.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.video.source = VideoSourceKind::Pattern;
    settings.video.size = Size::new(320, 180);
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
    settings
}

fn of(report: &Report, area: Area) -> Vec<&Line> {
    report.lines.iter().filter(|l| l.area == area).collect()
}

#[test]
fn while_a_show_runs_nothing_is_opened() {
    let now = Now {
        live: true,
        ..Now::default()
    };
    let mut told = 0;
    let (settings, secrets) = (settings(), Secrets::default());
    let report = examine(&settings, &secrets, &now, &StopToken::new(), &mut |_| {
        told += 1
    });
    assert_eq!(told, report.lines.len());
    for area in [Area::Encoder, Area::Webrtc, Area::Capture, Area::Audio] {
        let lines = of(&report, area);
        assert_eq!(lines.len(), 1, "{area}: {report:?}");
        assert_eq!(lines[0].outcome, Outcome::Skipped);
        let without_ffmpeg = lines[0].found.contains("without a usable ffmpeg");
        assert!(
            lines[0].found.contains("show") || without_ffmpeg,
            "{report:?}"
        );
    }
    assert_eq!(of(&report, Area::Clock).len(), 3);
}

#[test]
fn what_is_open_anyway_is_told_of() {
    let now = Now {
        live: true,
        picture: Some(PictureStatus {
            label: "Monitor A".into(),
            ..PictureStatus::default()
        }),
        sounds: Some(vec![SourceStatus {
            problem: Some("gone. Plug it in".into()),
            ..SourceStatus::default()
        }]),
    };
    let (settings, secrets) = (settings(), Secrets::default());
    let report = examine(&settings, &secrets, &now, &StopToken::new(), &mut |_| ());
    assert_eq!(of(&report, Area::Capture)[0].found, "Monitor A, open");
    let sound = of(&report, Area::Audio)[0];
    assert_eq!(
        (sound.outcome, sound.fix.as_str()),
        (Outcome::Warning, "Plug it in")
    );
}

#[test]
fn lines_are_in_order_and_hold_no_secret() {
    let mut settings = settings();
    settings.target.kind = TargetKind::Srt;
    // A user who typed the password into the wrong box.
    settings.target.host = "hunter2hunter2.invalid".into();
    let secrets = Secrets {
        password: secret("hunter2hunter2"),
        ..Secrets::default()
    };
    let now = Now {
        live: true,
        ..Now::default()
    };
    let report = examine(&settings, &secrets, &now, &StopToken::new(), &mut |line| {
        assert!(!format!("{line:?}").contains("hunter2"), "{line:?}");
    });
    assert!(report.lines.is_sorted_by_key(|line| line.area));
    let network = of(&report, Area::Network)[0];
    assert_eq!(network.outcome, Outcome::Failed);
    assert!(network.found.contains("***.invalid"), "{network:?}");
    assert!(!network.fix.is_empty());
    for line in &report.lines {
        let needs = line.outcome >= Outcome::Warning;
        assert!(!needs || !line.fix.is_empty(), "no fix: {line:?}");
    }
}

#[test]
fn a_stopped_look_ends_at_once() {
    let stop = StopToken::new();
    stop.stop();
    let began = Instant::now();
    let (settings, secrets) = (settings(), Secrets::default());
    let report = examine(&settings, &secrets, &Now::default(), &stop, &mut |_| ());
    assert_eq!(report, Report::default());
    assert!(began.elapsed() < Duration::from_secs(2));
}
