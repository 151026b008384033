use super::*;
use crate::remote::testing::Fake;
use crate::session::snapshot::{LogLine, StageFigures};
use crate::session::{Command, Console};
use crate::settings::{AudioInput, AudioSourceKind};

/// Kinds and data of what happened.
fn next(seen: &mut Seen, console: &Fake) -> Vec<(String, Value)> {
    let all = seen.next(&console.snapshot()).into_iter();
    all.map(|event| {
        let d = &event.message["d"];
        assert_eq!(d["eventIntent"], event.intent);
        let kind = d["eventType"].as_str().unwrap().to_owned();
        (kind, d["eventData"].clone())
    })
    .collect()
}

fn states(seen: &mut Seen, console: &Fake, kind: &str) -> Vec<(bool, String)> {
    let all = next(seen, console).into_iter();
    all.filter(|(k, _)| k == kind)
        .map(|(_, data)| {
            let state = data["outputState"].as_str().unwrap();
            let state = state.trim_start_matches("OBS_WEBSOCKET_OUTPUT_").to_owned();
            (data["outputActive"].as_bool().unwrap(), state)
        })
        .collect()
}

#[test]
fn a_show_from_start_to_stop() {
    let console = Fake::new();
    let mut seen = Seen::of(&console.snapshot());
    assert_eq!(next(&mut seen, &console), []);
    let mut stream = |state: State| {
        console.change(|s| s.state = state);
        states(&mut seen, &console, "StreamStateChanged")
    };
    let is = |active, state: &str| (active, state.to_owned());
    assert_eq!(stream(State::Preflight), [is(false, "STARTING")]);
    assert_eq!(stream(State::Starting), []);
    assert_eq!(stream(State::Live), [is(true, "STARTED")]);
    assert_eq!(
        stream(State::Reconnecting { attempt: 1 }),
        [is(false, "RECONNECTING")]
    );
    assert_eq!(stream(State::Reconnecting { attempt: 2 }), []);
    assert_eq!(stream(State::Live), [is(true, "RECONNECTED")]);
    // Too quick to be seen in between.
    assert_eq!(
        stream(State::Idle),
        [is(false, "STOPPING"), is(false, "STOPPED")]
    );
    assert_eq!(
        stream(State::Live),
        [is(false, "STARTING"), is(true, "STARTED")]
    );
    assert_eq!(stream(State::Stopping), [is(false, "STOPPING")]);
    let failed = State::Failed {
        message: "x".into(),
    };
    assert_eq!(stream(failed), [is(false, "STOPPED")]);
}

#[test]
fn recording_and_replay_tell_their_files() {
    let console = Fake::new();
    console.change(|s| s.state = State::Live);
    let mut seen = Seen::of(&console.snapshot());
    console.change(|s| {
        s.recording.phase = Phase::On;
        s.recording.file = Some("/r/a.mkv".into());
    });
    let record = |all: Vec<(String, Value)>| {
        let all = all
            .into_iter()
            .filter(|(kind, _)| kind.starts_with("Record"));
        all.collect::<Vec<_>>()
    };
    let started = record(next(&mut seen, &console));
    assert_eq!(started.len(), 2, "starting, started: {started:?}");
    assert_eq!(started[1].1["outputPath"], "/r/a.mkv");
    console.change(|s| s.recording.file = Some("/r/a-2.mkv".into()));
    let changed = record(next(&mut seen, &console));
    assert_eq!(changed[0].0, "RecordFileChanged");
    assert_eq!(changed[0].1["newOutputPath"], "/r/a-2.mkv");
    console.change(|s| s.recording.phase = Phase::Ending);
    assert_eq!(
        record(next(&mut seen, &console))[0].1["outputPath"],
        Value::Null
    );
    console.change(|s| s.recording.phase = Phase::Off);
    let stopped = record(next(&mut seen, &console));
    assert_eq!(stopped[0].1["outputPath"], "/r/a-2.mkv");
    console.change(|s| s.recording.replay.file = Some("/r/replay.mkv".into()));
    let saved = next(&mut seen, &console);
    assert_eq!(
        saved,
        [(
            "ReplayBufferSaved".into(),
            json!({"savedReplayPath": "/r/replay.mkv"})
        )]
    );
    console.change(|s| s.state = State::Idle);
    let replay = states(&mut seen, &console, "ReplayBufferStateChanged");
    assert_eq!(replay, [(false, "STOPPED".to_owned())]);
}

#[test]
fn what_moves_on_an_input_is_told_by_its_name() {
    let console = Fake::new();
    let mut seen = Seen::of(&console.snapshot());
    console.send(Command::SetMuted { muted: true });
    console.send(Command::SetInput {
        index: 1,
        gain_db: -60.0,
        muted: true,
        delay_ms: 5,
    });
    let all = next(&mut seen, &console);
    let told: Vec<_> = all
        .iter()
        .map(|(kind, data)| (kind.as_str(), data["inputName"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("InputMuteStateChanged", "Sum"),
        ("InputMuteStateChanged", "Tone 2"),
        ("InputVolumeChanged", "Tone 2"),
        ("InputAudioSyncOffsetChanged", "Tone 2"),
    ];
    assert_eq!(told, wanted);
    assert_eq!(all[2].1["inputVolumeDb"], -100.0);
    assert_eq!(next(&mut seen, &console), []);
    console.change(|s| {
        s.settings.audio.inputs = vec![
            AudioInput::of(AudioSourceKind::Tone),
            AudioInput::of(AudioSourceKind::SystemSound),
        ];
    });
    let kinds: Vec<_> = next(&mut seen, &console)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(
        kinds,
        [
            "SceneItemRemoved",
            "InputRemoved",
            "InputCreated",
            "SceneItemCreated"
        ]
    );
}

#[test]
fn the_consoles_own_events_are_few() {
    let console = Fake::new();
    let mut seen = Seen::of(&console.snapshot());
    let sent = StageFigures {
        p50_ms: 21.0,
        ..StageFigures::default()
    };
    console.change(|s| {
        s.state = State::Live;
        s.latency.sent = Some(sent);
        s.viewers = Some(3);
        let line = |number, severity, text: &str| LogLine {
            number,
            time: "10:00:00".into(),
            severity,
            text: text.into(),
        };
        s.log = vec![
            line(0, Severity::Info, "fine"),
            line(1, Severity::Warning, "not so"),
        ]
        .into();
    });
    let vendor = |all: Vec<(String, Value)>| -> Vec<(String, Value)> {
        all.into_iter()
            .filter(|(kind, _)| kind == "VendorEvent")
            .map(|(_, data)| {
                assert_eq!(data["vendorName"], "pd-console");
                (
                    data["eventType"].as_str().unwrap().to_owned(),
                    data["eventData"].clone(),
                )
            })
            .collect()
    };
    let first = vendor(next(&mut seen, &console));
    let kinds: Vec<_> = first.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["tally", "viewers", "log", "latency"]);
    assert_eq!(first[0].1["live"], true);
    assert_eq!(first[2].1["text"], "not so");
    assert_eq!(first[3].1["sent_ms"], 21.0);
    // Ten seconds of looks: latency twice a second, nothing else.
    let mut count = 0;
    for look in 1..=200_u64 {
        console.change(|s| s.at = MonoTime::from_micros(look * 50_000));
        let all = vendor(next(&mut seen, &console));
        assert!(all.iter().all(|(kind, _)| kind == "latency"), "{all:?}");
        count += all.len();
    }
    assert_eq!(count, 20);
    console.send(Command::SetBitrate { kbps: 900 });
    let all = vendor(next(&mut seen, &console));
    assert_eq!(
        (all[0].0.as_str(), &all[0].1["kbps"]),
        ("bitrate", &json!(900))
    );
}

#[test]
fn levels_are_multipliers_and_silence_is_zero() {
    let console = Fake::new();
    console.change(|s| {
        s.audio.level.peak_dbfs = [-6.0, f32::NEG_INFINITY];
        s.audio.inputs = vec![Default::default()];
    });
    let event = meters(&console.snapshot());
    assert_eq!(event.intent, 1 << 16);
    let inputs = event.message["d"]["eventData"]["inputs"]
        .as_array()
        .unwrap();
    let names: Vec<_> = inputs
        .iter()
        .map(|i| i["inputName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["Sum", "Tone"],
        "an input that is not open has no level"
    );
    let sum = inputs[0]["inputLevelsMul"].as_array().unwrap();
    assert!((sum[0][1].as_f64().unwrap() - 0.501).abs() < 0.001);
    assert_eq!(sum[1], json!([0.0, 0.0, 0.0]));
}
