use super::*;
use crate::remote::testing::Fake;
use crate::session::snapshot::{Confirmation, State};
use serde_json::json;

const T0: MonoTime = MonoTime::from_micros(9_000_000);

/// One question to a console; its data, or the status code.
fn ask_at(
    console: &Fake,
    asked: &mut Option<MonoTime>,
    now: MonoTime,
    kind: &str,
    data: Value,
) -> Result<Value, u16> {
    let (mut load, mut told) = (Load::default(), Vec::new());
    let mut desk = Desk {
        console,
        snapshot: console.snapshot(),
        now,
        load: &mut load,
        messages: (3, 4),
        stop_asked: asked,
        told: &mut told,
        ticket: None,
    };
    match answer(kind, Some(&data), Execution::None, now, &mut desk) {
        Ok(Answer::Done(data)) => Ok(data),
        Ok(other) => panic!("{kind}: {other:?}"),
        Err(refused) => {
            assert!(!refused.comment.is_empty(), "{kind}: no comment");
            Err(refused.status as u16)
        }
    }
}

fn ask(console: &Fake, kind: &str, data: Value) -> Result<Value, u16> {
    ask_at(console, &mut None, T0, kind, data)
}

#[test]
fn the_table_is_sorted_and_told() {
    let names: Vec<_> = names().collect();
    assert!(names.is_sorted(), "the search needs it");
    let version = ask(&Fake::new(), "GetVersion", json!({})).unwrap();
    assert_eq!(version["availableRequests"], json!(names));
    let platform = version["platformDescription"].as_str().unwrap();
    assert!(platform.starts_with("PD console"), "{platform}");
    assert_eq!(ask(&Fake::new(), "", json!({})), Err(203));
    assert_eq!(ask(&Fake::new(), "SetVideoSettings", json!({})), Err(204));
}

#[test]
fn the_stream_is_started_and_stopped_at_once() {
    let console = Fake::new();
    assert_eq!(ask(&console, "StopStream", json!({})), Err(501));
    assert_eq!(ask(&console, "StartStream", json!({})), Ok(Value::Null));
    assert_eq!(ask(&console, "StartStream", json!({})), Err(500));
    let status = ask(&console, "GetStreamStatus", json!({})).unwrap();
    assert_eq!(status["outputActive"], true);
    assert_eq!(ask(&console, "StopStream", json!({})), Ok(Value::Null));
    assert_eq!(console.sent(), [Command::GoLive, Command::Stop]);
    let toggled = ask(&console, "ToggleStream", json!({}));
    assert_eq!(toggled, Ok(json!({"outputActive": true})));
    let toggled = ask(&console, "ToggleStream", json!({}));
    assert_eq!(toggled, Ok(json!({"outputActive": false})));
    assert_eq!(console.sent(), [Command::GoLive, Command::Stop]);
    console.change(|s| s.state = State::Stopping);
    assert_eq!(ask(&console, "StartStream", json!({})), Err(207));
    // What is not on air yet can be called off, a failure is tried again.
    console.change(|s| s.state = State::Preflight);
    assert_eq!(ask(&console, "StartStream", json!({})), Err(500));
    assert_eq!(ask(&console, "StopStream", json!({})), Ok(Value::Null));
    console.change(|s| {
        s.state = State::Failed {
            message: "x".into(),
        }
    });
    assert_eq!(ask(&console, "StartStream", json!({})), Ok(Value::Null));
}

#[test]
fn where_the_settings_say_so_a_stop_takes_two_presses() {
    let console = Fake::new();
    console.change(|s| {
        s.settings.remote.confirm_stop = true;
        s.state = State::Live;
    });
    let mut asked = None;
    let at = |seconds| T0 + Duration::from_secs(seconds);
    let hotkey = json!({"hotkeyName": "stop"});
    assert_eq!(
        ask_at(&console, &mut asked, at(0), "StopStream", json!({})),
        Err(703)
    );
    // Too late: it counts as a first one.
    assert_eq!(
        ask_at(&console, &mut asked, at(4), "ToggleStream", json!({})),
        Err(703)
    );
    assert_eq!(console.sent(), []);
    assert_eq!(
        ask_at(&console, &mut asked, at(6), "TriggerHotkeyByName", hotkey),
        Ok(Value::Null)
    );
    assert_eq!(console.sent(), [Command::Stop]);
    console.change(|s| s.state = State::Starting);
    assert_eq!(
        ask_at(&console, &mut asked, at(7), "StopStream", json!({})),
        Ok(Value::Null)
    );
}

#[test]
fn the_recording_follows_the_show() {
    use crate::record::status::Phase;
    let console = Fake::new();
    assert_eq!(ask(&console, "StartRecord", json!({})), Err(604));
    assert_eq!(ask(&console, "StopRecord", json!({})), Err(501));
    console.change(|s| s.state = State::Live);
    assert_eq!(
        ask(&console, "ToggleRecord", json!({})),
        Ok(json!({"outputActive": true}))
    );
    console.change(|s| {
        s.recording.phase = Phase::On;
        s.recording.seconds = 3_723.5;
        s.recording.bytes = 77;
        s.recording.file = Some("/media/show.mkv".into());
    });
    let status = ask(&console, "GetRecordStatus", json!({})).unwrap();
    assert_eq!(status["outputTimecode"], "01:02:03.500");
    assert_eq!(status["outputBytes"], 77);
    assert_eq!(ask(&console, "StartRecord", json!({})), Err(500));
    let stopped = ask(&console, "StopRecord", json!({})).unwrap();
    assert_eq!(stopped["outputPath"], "/media/show.mkv");
    assert_eq!(
        console.sent(),
        [Command::StartRecording, Command::StopRecording]
    );
}

#[test]
fn the_replay_is_saved_and_not_switched() {
    let console = Fake::new();
    let status = |console: &Fake| ask(console, "GetReplayBufferStatus", json!({}));
    assert_eq!(status(&console), Ok(json!({"outputActive": false})));
    assert_eq!(ask(&console, "SaveReplayBuffer", json!({})), Err(501));
    assert_eq!(ask(&console, "StartReplayBuffer", json!({})), Err(606));
    assert_eq!(
        ask(&console, "GetLastReplayBufferReplay", json!({})),
        Err(604)
    );
    console.change(|s| s.state = State::Live);
    assert_eq!(status(&console), Ok(json!({"outputActive": true})));
    assert_eq!(ask(&console, "StartReplayBuffer", json!({})), Err(500));
    assert_eq!(ask(&console, "StopReplayBuffer", json!({})), Err(606));
    assert_eq!(
        ask(&console, "SaveReplayBuffer", json!({})),
        Ok(Value::Null)
    );
    assert_eq!(console.sent(), [Command::SaveReplay]);
    console.change(|s| s.settings.recording.replay_seconds = 0);
    assert_eq!(status(&console), Err(604));
}

#[test]
fn inputs_have_names_of_their_own_and_are_found_by_either() {
    let console = Fake::new();
    let list = ask(&console, "GetInputList", json!({})).unwrap();
    let all = list["inputs"].as_array().unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|i| i["inputName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Picture", "Sum", "Tone", "Tone 2"]);
    let uuid = &all[3]["inputUuid"];
    let muted = json!({"inputUuid": uuid, "inputMuted": true});
    assert_eq!(ask(&console, "SetInputMute", muted), Ok(Value::Null));
    let wanted = Command::SetInput {
        index: 1,
        gain_db: 0.0,
        muted: true,
        delay_ms: 0,
    };
    assert_eq!(console.sent(), [wanted]);
    let tones = ask(&console, "GetInputList", json!({"inputKind": "pd_tone"})).unwrap();
    assert_eq!(tones["inputs"].as_array().unwrap().len(), 2);
    for (data, code) in [
        (json!({}), 300),
        (json!({"inputName": "nobody"}), 600),
        (json!({"inputName": "Picture"}), 604),
        (json!({"inputName": 5}), 401),
        (json!({"inputName": ""}), 403),
    ] {
        assert_eq!(
            ask(&console, "GetInputMute", data.clone()),
            Err(code),
            "{data}"
        );
    }
    // Every name that Companion finds as a scene's item is an input.
    let items = ask(
        &console,
        "GetSceneItemList",
        json!({"sceneName": "Program"}),
    )
    .unwrap();
    let items = items["sceneItems"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    for item in items {
        let name = json!({"sourceName": item["sourceName"]});
        ask(&console, "GetSourceActive", name.clone()).unwrap();
        ask(&console, "GetSourceFilterList", name).unwrap();
    }
    assert_eq!(
        ask(&console, "GetSceneItemList", json!({"sceneName": "x"})),
        Err(600)
    );
    let special = ask(&console, "GetSpecialInputs", json!({})).unwrap();
    assert_eq!(
        (&special["mic1"], &special["desktop1"]),
        (&json!("Tone"), &Value::Null)
    );
}

#[test]
fn volume_goes_by_multiplier_or_decibels() {
    let console = Fake::new();
    let set = |data: Value| {
        let mut all = json!({"inputName": "Tone"});
        for (name, value) in data.as_object().unwrap() {
            all[name] = value.clone();
        }
        ask(&console, "SetInputVolume", all)
    };
    let get = || {
        let volume = ask(&console, "GetInputVolume", json!({"inputName": "Tone"})).unwrap();
        let of = |name: &str| volume[name].as_f64().unwrap();
        (of("inputVolumeMul"), of("inputVolumeDb"))
    };
    assert_eq!(get(), (1.0, 0.0));
    set(json!({"inputVolumeDb": -6.0})).unwrap();
    let (multiplier, db) = get();
    assert!(
        (multiplier - 0.501).abs() < 0.001 && db == -6.0,
        "{multiplier} {db}"
    );
    set(json!({"inputVolumeMul": 0.5})).unwrap();
    assert!((get().1 + 6.02).abs() < 0.01);
    for off in [json!({"inputVolumeMul": 0}), json!({"inputVolumeDb": -100})] {
        set(off).unwrap();
        assert_eq!(get(), (0.0, -100.0));
    }
    set(json!({"inputVolumeMul": 3.9811})).unwrap();
    for (data, code) in [
        (json!({}), 300),
        (json!({"inputVolumeMul": 1, "inputVolumeDb": 0}), 404),
        (json!({"inputVolumeDb": 13}), 402),
        (json!({"inputVolumeDb": 27}), 402),
        (json!({"inputVolumeMul": "1"}), 401),
    ] {
        assert_eq!(set(data.clone()), Err(code), "{data}");
    }
    let sum = json!({"inputName": "Sum", "inputVolumeDb": -3});
    assert_eq!(ask(&console, "SetInputVolume", sum), Err(606));
    let delay = |ms: i64| json!({"inputName": "Tone", "inputAudioSyncOffset": ms});
    ask(&console, "SetInputAudioSyncOffset", delay(40)).unwrap();
    assert_eq!(
        ask(&console, "SetInputAudioSyncOffset", delay(1001)),
        Err(402)
    );
    let offset = ask(
        &console,
        "GetInputAudioSyncOffset",
        json!({"inputName": "Tone"}),
    );
    assert_eq!(offset, Ok(json!({"inputAudioSyncOffset": 40})));
}

#[test]
fn named_operations_are_hotkeys_but_for_what_is_nobodys_from_afar() {
    let console = Fake::new();
    console.change(|s| s.profiles.names = vec!["Late show".into()].into());
    let list = ask(&console, "GetHotkeyList", json!({})).unwrap();
    let names = list["hotkeys"].as_array().unwrap();
    for offered in [
        "go-live",
        "mute-toggle",
        "bitrate-up",
        "bitrate-set 3000",
        "input-mute-toggle 1",
        "input-mute-toggle 2",
        "profile-use Late show",
    ] {
        assert!(names.contains(&json!(offered)), "{offered}");
    }
    let trigger = |name: &str| ask(&console, "TriggerHotkeyByName", json!({"hotkeyName": name}));
    for refused in [
        "quit",
        "setting-set ffmpeg_path=Some(\"/bin/sh\")",
        "password-set x",
        "panel-settings",
        "profile-export /tmp/x.ron",
        "profile-import /tmp/x.ron",
        "server-install",
        "ffmpeg-install",
        "remote-password-new",
        "no-such",
    ] {
        let id = refused.split(' ').next().unwrap();
        let listed = names
            .iter()
            .any(|name| name.as_str().unwrap().starts_with(id));
        assert!(!listed, "{id}");
        assert_eq!(trigger(refused), Err(600), "{refused}");
    }
    assert_eq!(console.sent(), []);
    assert_eq!(trigger("mute-toggle"), Ok(Value::Null));
    assert_eq!(trigger("bitrate-set 2500"), Ok(Value::Null));
    assert_eq!(trigger("input-gain 2 -6"), Ok(Value::Null));
    let gain = Command::SetInput {
        index: 1,
        gain_db: -6.0,
        muted: false,
        delay_ms: 0,
    };
    let wanted = [
        Command::SetMuted { muted: true },
        Command::SetBitrate { kbps: 2500 },
        gain,
    ];
    assert_eq!(console.sent(), wanted);
    assert_eq!(trigger("profile-use Late show"), Ok(Value::Null));
    let late = || Command::UseProfile {
        name: "Late show".into(),
    };
    assert_eq!(console.sent(), [late()]);
    let profile = |name: &str| ask(&console, "SetCurrentProfile", json!({"profileName": name}));
    assert_eq!(profile("Late show"), Ok(Value::Null));
    assert_eq!(profile("Early show"), Err(600));
    assert_eq!(console.sent(), [late()]);
    let list = ask(&console, "GetProfileList", json!({}));
    assert_eq!(list.unwrap()["profiles"], json!(["Late show"]));
    assert_eq!(trigger("bitrate-set lots"), Err(400));
    assert_eq!(trigger("record-start"), Err(604));
}

#[test]
fn the_vendor_sets_the_bitrate_and_tells_the_rest() {
    let console = Fake::new();
    let call = |kind: &str, data: Value| {
        let data = json!({"vendorName": "pd-console", "requestType": kind, "requestData": data});
        let answer = ask(&console, "CallVendorRequest", data)?;
        assert_eq!(
            (&answer["vendorName"], &answer["requestType"]),
            (&json!("pd-console"), &json!(kind))
        );
        Ok::<_, u16>(answer["responseData"].clone())
    };
    assert_eq!(
        call("set_bitrate", json!({"kbps": 1500})),
        Ok(json!({"kbps": 1500}))
    );
    assert_eq!(
        call("set_bitrate", json!({"by_kbps": -250})),
        Ok(json!({"kbps": 1250}))
    );
    assert_eq!(
        call("set_bitrate", json!({"by_kbps": -9000})),
        Ok(json!({"kbps": 100}))
    );
    assert_eq!(call("set_bitrate", json!({})), Err(300));
    assert_eq!(call("set_bitrate", json!({"kbps": 99})), Err(402));
    assert_eq!(
        call("set_bitrate", json!({"kbps": 500, "by_kbps": 1})),
        Err(404)
    );
    let kbps = |kbps| Command::SetBitrate { kbps };
    assert_eq!(console.sent(), [kbps(1500), kbps(1250), kbps(100)]);
    assert_eq!(call("get_bitrate", json!({})).unwrap()["kbps"], 100);
    console.change(|s| {
        s.state = State::Live;
        s.confirmation = Confirmation::Online;
        s.viewers = Some(2);
    });
    let status = call("get_status", json!({})).unwrap();
    assert_eq!(status["tally"]["live"], true);
    assert_eq!(status["tally"]["confirmed"], true);
    assert_eq!(status["viewers"], 2);
    assert_eq!(status["latency"]["arrived_ms"], Value::Null);
    assert_eq!(call("kick", json!({"id": "x"})), Err(600));
    assert_eq!(call("nothing", json!({})), Err(600));
    let other = json!({"vendorName": "other", "requestType": "x"});
    assert_eq!(ask(&console, "CallVendorRequest", other), Err(600));
    for request in call("list_requests", json!({})).unwrap()["requests"]
        .as_array()
        .unwrap()
    {
        assert_ne!(
            call(request.as_str().unwrap(), json!({"id": "x"})),
            Err(204)
        );
    }
}

#[test]
fn no_answer_holds_a_secret() {
    use crate::session::Secret;
    let console = Fake::new();
    console.change(|s| {
        s.settings.target.host = "media.example".into();
        s.remote.password = Some(Secret::new("hunter2"));
    });
    for name in names() {
        let data = json!({
            "inputName": "Tone", "sourceName": "Picture", "sceneName": "Program", "outputName": "stream",
            "vendorName": "pd-console", "requestType": "get_status", "imageFormat": "png", "inputKind": "pd_tone",
        });
        let (mut load, mut told, mut asked) = (Load::default(), Vec::new(), None);
        let mut desk = Desk {
            console: &console,
            snapshot: console.snapshot(),
            now: T0,
            load: &mut load,
            messages: (0, 0),
            stop_asked: &mut asked,
            told: &mut told,
            ticket: None,
        };
        let answer = answer(name, Some(&data), Execution::None, T0, &mut desk);
        assert!(!format!("{answer:?}").contains("hunter2"), "{name}");
    }
    assert!(!format!("{:?}", console.snapshot().remote).contains("hunter2"));
}

#[test]
fn times_are_written_as_obs_writes_them() {
    assert_eq!(timecode(0), "00:00:00.000");
    assert_eq!(timecode(360_000_000 + 61_001), "100:01:01.001");
}
