//! A whole show by `obws`: wrong password, right password, on air, bitrate, mute, events, stop.

use super::common::{alone, ffmpegs};
use super::{PASSWORD, Rig};
use futures_lite::{Stream, StreamExt};
use obws::Client;
use obws::error::Error;
use obws::events::{Event, OutputState};
use obws::requests::EventSubscription;
use obws::requests::general::CallVendorRequest;
use obws::requests::inputs::{InputId, Volume};
use obws::requests::sources::{SourceId, TakeScreenshot};
use obws::responses::StatusCode;
use pd_console::session::Console;
use pd_console::session::snapshot::State;
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;

type Events = Pin<Box<dyn Stream<Item = Event>>>;

/// Events until one is as wished; which, and what came before.
async fn until(events: &mut Events, what: &str, is_it: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    let all = async {
        while let Some(event) = events.next().await {
            let found = is_it(&event);
            seen.push(event);
            if found {
                return true;
            }
        }
        false
    };
    let came = tokio::time::timeout(Duration::from_secs(20), all).await;
    assert_eq!(came, Ok(true), "{what}: {seen:?}");
    seen
}

fn stream_is(event: &Event, wanted: OutputState) -> bool {
    matches!(event, Event::StreamStateChanged { state, active } if *state == wanted && *active == (wanted == OutputState::Started))
}

async fn vendor(client: &Client, kind: &str, data: Value) -> Result<Value, Error> {
    let request = CallVendorRequest {
        vendor_name: "pd-console",
        request_type: kind,
        request_data: &data,
    };
    let answer = client.general().call_vendor_request(request).await?;
    Ok(answer.response_data)
}

fn refused_with(error: &Error, wanted: StatusCode) -> bool {
    matches!(error, Error::Api { code, .. } if *code == wanted)
}

#[test]
fn a_whole_show() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let rig = Rig::start(|settings| settings.ffmpeg_path = Some(ffmpeg));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(play(&rig));
    drop(runtime);
    rig.wait("gone", |rig| rig.session.snapshot().remote.clients == 0);
    let text: String = rig
        .journal
        .lines()
        .iter()
        .map(|l| l.text.clone() + "\n")
        .collect();
    assert!(!text.contains(PASSWORD), "{text}");
    assert!(
        text.contains("a wrong password came from 127.0.0.1"),
        "{text}"
    );
}

async fn play(rig: &Rig) {
    let port = rig.port;
    let wrong = Client::connect("127.0.0.1", port, Some("wrong")).await;
    assert!(wrong.is_err());
    let none = Client::connect("127.0.0.1", port, None::<&str>).await;
    assert!(none.is_err());
    assert_eq!(rig.session.snapshot().remote.clients, 0);

    let client = Client::connect("127.0.0.1", port, Some(PASSWORD))
        .await
        .unwrap();
    rig.wait("counted", |rig| rig.session.snapshot().remote.clients == 1);
    let mut events: Events = Box::pin(client.events().unwrap());
    let version = client.general().version().await.unwrap();
    assert!(version.platform_description.starts_with("PD console"));
    let stats = client.general().stats().await.unwrap();
    assert!(stats.memory_usage > 1.0, "{stats:?}");

    // What Companion looks at when it connects.
    let scenes = client.scenes().list().await.unwrap();
    assert_eq!(scenes.scenes.len(), 1);
    client
        .scenes()
        .set_current_program_scene("Program")
        .await
        .unwrap();
    assert!(!client.ui().studio_mode_enabled().await.unwrap());
    assert_eq!(client.outputs().list().await.unwrap().len(), 3);
    assert!(!client.outputs().status("stream").await.unwrap().active);
    client.config().video_settings().await.unwrap();
    let hotkeys = client.hotkeys().list().await.unwrap();
    assert!(hotkeys.contains(&"mute-toggle".to_owned()));
    let inputs = client.inputs().list(None).await.unwrap();
    let names: Vec<_> = inputs.iter().map(|input| input.id.name.as_str()).collect();
    assert_eq!(names, ["Picture", "Sum", "Tone"]);
    let items = client.scene_items().list("Program".into()).await.unwrap();
    assert_eq!(items.len(), 3);
    client.inputs().specials().await.unwrap();

    // On air.
    let refused = client.streaming().stop().await.unwrap_err();
    assert!(
        refused_with(&refused, StatusCode::OutputNotRunning),
        "{refused}"
    );
    client.streaming().start().await.unwrap();
    let refused = client.streaming().start().await.unwrap_err();
    assert!(
        refused_with(&refused, StatusCode::OutputRunning),
        "{refused}"
    );
    let seen = until(&mut events, "on air", |e| {
        stream_is(e, OutputState::Started)
    })
    .await;
    assert!(
        seen.iter().any(|e| stream_is(e, OutputState::Starting)),
        "{seen:?}"
    );
    assert_eq!(rig.session.snapshot().state, State::Live);
    assert!(client.streaming().status().await.unwrap().active);

    // Bitrate: set, and in force before long.
    let set = vendor(&client, "set_bitrate", json!({"kbps": 700}))
        .await
        .unwrap();
    assert_eq!(set, json!({"kbps": 700}));
    assert_eq!(rig.session.snapshot().settings.encoder.bitrate_kbps, 700);
    let in_force = |event: &Event| match event {
        Event::VendorEvent {
            event_type,
            event_data,
            ..
        } => event_type == "bitrate" && event_data["in_force_kbps"] == 700,
        _ => false,
    };
    until(&mut events, "bitrate", in_force).await;
    let refused = vendor(&client, "set_bitrate", json!({"kbps": 5}))
        .await
        .unwrap_err();
    assert!(
        refused_with(&refused, StatusCode::RequestFieldOutOfRange),
        "{refused}"
    );

    // Mute, gain, delay: what was set is what is read at once.
    let (sum, tone) = (InputId::Name("Sum"), InputId::Name("Tone"));
    client.inputs().set_muted(sum, true).await.unwrap();
    assert!(client.inputs().muted(sum).await.unwrap());
    assert!(rig.session.snapshot().settings.audio.muted);
    assert!(!client.inputs().toggle_mute(sum).await.unwrap());
    client
        .hotkeys()
        .trigger_by_name("mute-toggle", None)
        .await
        .unwrap();
    assert!(client.inputs().muted(sum).await.unwrap());
    client
        .inputs()
        .set_volume(tone, Volume::Db(-6.0))
        .await
        .unwrap();
    let volume = client.inputs().volume(tone).await.unwrap();
    assert!(
        (volume.mul - 0.501).abs() < 0.01 && volume.db == -6.0,
        "{volume:?}"
    );
    let offset = Duration::from_millis(40).try_into().unwrap();
    client
        .inputs()
        .set_audio_sync_offset(tone, offset)
        .await
        .unwrap();
    assert_eq!(
        client.inputs().audio_sync_offset(tone).await.unwrap(),
        offset
    );
    let muted = |event: &Event| matches!(event, Event::InputMuteStateChanged { id, muted: true } if id.name == "Sum");
    until(&mut events, "mute", muted).await;

    // The picture.
    let shot = TakeScreenshot {
        source: SourceId::Name("Program"),
        format: "png",
        width: Some(72),
        height: None,
        compression_quality: None,
    };
    let data = client.sources().take_screenshot(shot).await.unwrap();
    assert!(
        data.starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{data:.60}"
    );

    // Levels only for who asks; the console's own word of the latency in any case.
    let latency = |event: &Event| {
        matches!(event, Event::VendorEvent { event_type, event_data, .. }
        if event_type == "latency" && event_data["sent_ms"].as_f64().is_some())
    };
    let seen = until(&mut events, "latency", latency).await;
    let is_level = |event: &Event| matches!(event, Event::InputVolumeMeters { .. });
    assert!(!seen.iter().any(is_level));
    client
        .hotkeys()
        .trigger_by_name("unmute", None)
        .await
        .unwrap();
    let levels = EventSubscription::ALL | EventSubscription::INPUT_VOLUME_METERS;
    client.reidentify(levels).await.unwrap();
    let loud = |event: &Event| match event {
        // The tone is at -20 dBFS, 6 dB down: 0.05.
        Event::InputVolumeMeters { inputs } => inputs.iter().any(|input| {
            input.name == "Tone"
                && input
                    .levels
                    .first()
                    .is_some_and(|l| (l[1] - 0.05).abs() < 0.01)
        }),
        _ => false,
    };
    until(&mut events, "levels", loud).await;

    // Off air, at once.
    client.streaming().stop().await.unwrap();
    let seen = until(&mut events, "off air", |e| {
        stream_is(e, OutputState::Stopped)
    })
    .await;
    assert!(
        seen.iter().any(|e| stream_is(e, OutputState::Stopping)),
        "{seen:?}"
    );
    assert_eq!(rig.session.snapshot().state, State::Idle);
}
