//! Recording and replay by the session's commands: begun and ended while live, the last seconds saved
//! faster than they took, folders that cannot be used.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, ffmpegs, output, stream};
use pd_console::record::status::{Phase, RecordingStatus};
use pd_console::session::journal::Journal;
use pd_console::session::runtime::Options;
use pd_console::session::snapshot::State;
use pd_console::session::{Command, Console, Session};
use pd_console::settings::{AudioInput, AudioSourceKind, Secrets, Settings, VideoSourceKind};
use pd_console::units::Size;
use std::path::Path;
use std::time::{Duration, Instant};

fn wait_for(
    session: &Session,
    what: &str,
    is_so: impl Fn(&RecordingStatus) -> bool,
) -> RecordingStatus {
    let began = Instant::now();
    loop {
        let snapshot = session.snapshot();
        if is_so(&snapshot.recording) {
            return snapshot.recording.clone();
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{what}: {:?} {:?}",
            snapshot.recording,
            snapshot.state
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Seconds and pictures of a file that decodes without a complaint.
fn decoded(file: &Path) -> (f64, usize) {
    stream::decoded(Path::new("ffmpeg"), file);
    let mut command = std::process::Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-count_packets",
        "-select_streams",
        "v:0",
        "-of",
        "json",
    ]);
    let said = output(
        command
            .args(["-show_entries", "stream=nb_read_packets:format=duration"])
            .arg(file),
    );
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let packets = number(&said["streams"][0]["nb_read_packets"]);
    (number(&said["format"]["duration"]), packets as usize)
}

#[test]
fn recordings_and_replays_by_command() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings {
        ffmpeg_path: Some(ffmpeg),
        ..Settings::default()
    };
    settings.video.source = VideoSourceKind::Pattern;
    settings.video.size = Size::new(640, 360);
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
    settings.recording.folder = Some(folder.path().to_owned());
    settings.recording.replay_seconds = 4;
    let journal = Journal::new();
    let options = Options {
        sources_on_demand: true,
        ..Options::default()
    };
    let session =
        Session::start(settings.clone(), Secrets::default(), options, journal, None).unwrap();
    // Without a show there is nothing to record and nothing to replay.
    session.send(Command::StartRecording);
    session.send(Command::SaveReplay);
    session.send(Command::GoLive);
    wait_for(&session, "replay", |r| r.replay.kept_seconds > 6.0);
    assert_eq!(session.snapshot().recording.phase, Phase::Off);
    assert_eq!(session.snapshot().state, State::Live);

    let asked = Instant::now();
    session.send(Command::SaveReplay);
    let saved = wait_for(&session, "saved", |r| {
        r.replay.file.is_some() && !r.replay.saving
    });
    let took = asked.elapsed();
    let file = saved.replay.file.unwrap();
    let (seconds, pictures) = decoded(&file);
    println!(
        "replay of {seconds:.2} s, {pictures} pictures, saved in {took:?}: {}",
        file.display()
    );
    assert!(
        file.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .ends_with(" replay.mkv")
    );
    // From the key frame before: up to a group of pictures, one second, longer.
    assert!((3.9..5.3).contains(&seconds));
    assert!(took < Duration::from_secs(3));

    session.send(Command::StartRecording);
    // A second press while it runs is none.
    session.send(Command::StartRecording);
    wait_for(&session, "on", |r| r.phase == Phase::On && r.seconds > 1.5);
    // And a replay meanwhile.
    session.send(Command::SaveReplay);
    wait_for(&session, "again", |r| {
        !r.replay.saving && r.replay.file.as_ref() != Some(&file)
    });
    session.send(Command::StopRecording);
    let ended = wait_for(&session, "off", |r| {
        r.phase == Phase::Off && r.parts.len() == 1
    });
    assert_eq!((ended.problem.as_deref(), ended.lost), (None, 0));
    let (seconds, pictures) = decoded(&ended.parts[0].file);
    println!(
        "recorded {seconds:.2} s, {pictures} pictures; told {:.2} s",
        ended.seconds
    );
    assert!((seconds - ended.seconds).abs() < 0.2 && ended.bytes > 10_000);

    // A folder that is not there is not made: its disk may be unplugged.
    let mut other = settings.clone();
    other.recording.folder = Some(folder.path().join("unplugged"));
    session.send(Command::ApplySettings(Box::new(other)));
    session.send(Command::StartRecording);
    let refused = wait_for(&session, "refused", |r| r.problem.is_some());
    println!("{:?}", refused.problem);
    assert!(refused.problem.unwrap().contains("Plug in its disk"));
    assert!(!folder.path().join("unplugged").exists());
    // Put right, it goes.
    session.send(Command::ApplySettings(Box::new(settings)));
    session.send(Command::StartRecording);
    wait_for(&session, "on again", |r| {
        r.phase == Phase::On && r.problem.is_none()
    });
    assert_eq!(session.snapshot().state, State::Live);
    // Sound that is muted is silence in the file too; the show's end ends it well.
    session.send(Command::SetMuted { muted: true });
    std::thread::sleep(Duration::from_millis(1500));
    let asked = Instant::now();
    let last = session.quit();
    println!("quit in {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_millis(2500));
    let parts = &last.recording.parts;
    assert_eq!(parts.len(), 2, "{:?}", last.recording);
    decoded(&parts[1].file);
}
