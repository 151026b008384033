//! The sound inputs of a session, without a show: moved, added and removed while they play.

#![allow(clippy::unwrap_used)]

use pd_console::session::journal::Journal;
use pd_console::session::runtime::Options;
use pd_console::session::snapshot::AudioStatus;
use pd_console::session::{Command, Console, Session};
use pd_console::settings::{AudioInput, AudioSourceKind, Secrets, Settings, VideoSourceKind};
use std::time::{Duration, Instant};

fn wait_for(session: &Session, what: &str, is_so: impl Fn(&AudioStatus) -> bool) -> AudioStatus {
    let began = Instant::now();
    loop {
        let audio = session.snapshot().audio.clone();
        if is_so(&audio) {
            return audio;
        }
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{what}: {audio:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn near(level: f32, wanted: f32) -> bool {
    (level - wanted).abs() < 0.1
}

#[test]
fn inputs_are_moved_added_and_removed_while_they_play() {
    let mut settings = Settings::default();
    settings.video.source = VideoSourceKind::Pattern;
    settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
    settings.viewer.on = false;
    let secrets = Secrets::default();
    let session = Session::start(
        settings.clone(),
        secrets,
        Options::default(),
        Journal::new(),
        None,
    )
    .unwrap();
    // The line-up tone: -20 dBFS, its rms 3.01 dB below.
    let audio = wait_for(&session, "tone", |a| near(a.level.rms_dbfs[1], -23.01));
    assert!(near(audio.level.peak_dbfs[0], -20.0), "{audio:?}");
    assert_eq!(audio.inputs.len(), 1);
    let set = |index, gain_db, muted, delay_ms| {
        session.send(Command::SetInput {
            index,
            gain_db,
            muted,
            delay_ms,
        });
    };
    set(0, -6.0, false, 250);
    wait_for(&session, "quieter", |a| near(a.level.peak_dbfs[0], -26.0));
    // Out of bounds is the bound; nobody there is nobody moved.
    set(0, 99.0, false, 0);
    set(7, 0.0, true, 0);
    wait_for(&session, "louder", |a| near(a.level.peak_dbfs[0], -8.0));
    assert_eq!(session.snapshot().settings.audio.inputs[0].gain_db, 12.0);
    // A second one that is not there, and a third: the first plays on.
    settings
        .audio
        .inputs
        .push(AudioInput::of(AudioSourceKind::Input("no 7f3a".into())));
    settings
        .audio
        .inputs
        .push(AudioInput::of(AudioSourceKind::Tone));
    session.send(Command::ApplySettings(Box::new(settings.clone())));
    let audio = wait_for(&session, "three", |a| {
        a.inputs.len() == 3
            && a.inputs[1].problem.is_some()
            && near(a.inputs[0].level.peak_dbfs[0], -20.0)
            && near(a.inputs[2].level.peak_dbfs[0], -20.0)
    });
    assert_eq!(audio.problem, None);
    let log = session.snapshot().log.clone();
    assert!(
        log.iter().any(|line| line.text.contains("no 7f3a")),
        "{log:?}"
    );
    set(0, -60.0, false, 0);
    set(2, 0.0, true, 0);
    wait_for(&session, "silence", |a| {
        a.level.peak_dbfs == [f32::NEG_INFINITY; 2]
    });
    settings.audio.inputs.truncate(1);
    session.send(Command::ApplySettings(Box::new(settings)));
    let audio = wait_for(&session, "one", |a| {
        a.inputs.len() == 1 && near(a.level.peak_dbfs[0], -20.0)
    });
    assert!(!audio.level.clipped && audio.limited_frames == 0);
    session.send(Command::SetMuted { muted: true });
    wait_for(&session, "mute", |a| {
        a.level.peak_dbfs == [f32::NEG_INFINITY; 2]
    });
    session.quit();
}
