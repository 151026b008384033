//! Answers recorded from MediaMTX 1.20.1 while ffmpeg published over SRT (shortened where `..`).

use super::*;
use serde_json::json;

const PATH: &str = r#"{"name":"pd_test","confName":"~^pd_.*","ready":true,"readyTime":"2026-11-25T08:33:15.279749587Z","available":true,"availableTime":"2026-11-25T08:33:15.279749587Z","online":true,"onlineTime":"2026-11-25T08:33:15.279752892Z","source":{"type":"srtConn","id":"569bd950-ee09-4e3c-ab48-0b09799355a8"},"tracks":["H264","Opus"],"tracks2":[{"codec":"H264","codecProps":{"width":320,"height":180,"profile":"Baseline","level":"1.3"}},{"codec":"Opus","codecProps":{"channelCount":1}}],"readers":[],"inboundBytes":271948,"outboundBytes":0,"inboundFramesInError":0,"bytesReceived":271948,"bytesSent":0}"#;
const SRT: &str = r#"{"itemCount":1,"pageCount":1,"items":[{"id":"569bd950-ee09-4e3c-ab48-0b09799355a8","created":"2026-11-25T08:33:15.148712356Z","remoteAddr":"127.0.0.1:40256","state":"publish","path":"pd_test","query":"","user":"pd_console","packetsReceived":275,"packetsReceivedLoss":3,"packetsReceivedRetrans":2,"packetsReceivedDrop":1,"packetsReceivedUndecrypt":0,"bytesReceived":327000,"msRTT":0.27248911779799423,"msSendTsbPdDelay":120,"msReceiveBuf":98,"msReceiveTsbPdDelay":120}]}"#;

#[test]
fn recorded_path_is_read() {
    let info = PathInfo::from_json(&serde_json::from_str(PATH).unwrap());
    assert_eq!(
        info,
        PathInfo {
            name: "pd_test".into(),
            online: true,
            tracks: vec!["H264".into(), "Opus".into()],
            readers: vec![],
            reader_ids: vec![],
            bytes_received: 271_948,
            source: Some("srtConn".into()),
            source_id: Some("569bd950-ee09-4e3c-ab48-0b09799355a8".into()),
        }
    );
}

#[test]
fn older_and_newer_names_are_both_read() {
    // As 1.0 to 1.15 answer: no `online`, no `inboundBytes`.
    let old = json!({"name": "a", "ready": true, "bytesReceived": 7, "tracks": ["H264"], "source": null,
        "readers": [{"type": "webRTCSession", "id": "x"}, {"type": "hidden", "id": ""}]});
    let info = PathInfo::from_json(&old);
    assert!(info.online && info.source.is_none());
    assert_eq!(
        (info.bytes_received, info.viewers(), info.readers.len()),
        (7, 1, 2)
    );
    // As a later version may, with the deprecated names gone.
    let new =
        json!({"name": "a", "online": true, "inboundBytes": 8, "tracks2": [{"codec": "H264"}]});
    let info = PathInfo::from_json(&new);
    assert_eq!(
        (info.online, info.bytes_received, info.tracks),
        (true, 8, vec!["H264".into()])
    );
    // An offline slate: viewers see something, but not us.
    assert!(!PathInfo::from_json(&json!({"ready": true, "online": false})).online);
}

#[test]
fn odd_answers_are_no_errors() {
    for odd in [
        json!({}),
        json!(null),
        json!([1]),
        json!({"tracks": null, "readers": 3, "online": "yes", "source": 1}),
    ] {
        assert_eq!(PathInfo::from_json(&odd), PathInfo::default(), "{odd}");
        assert_eq!(items(&odd, |_| ()), vec![]);
    }
}

#[test]
fn recorded_connection_is_read() {
    let list = items(
        &serde_json::from_str(SRT).unwrap(),
        SrtConnection::from_json,
    );
    assert_eq!(list.len(), 1);
    let c = &list[0];
    assert_eq!((c.state.as_str(), c.path.as_str()), ("publish", "pd_test"));
    assert_eq!(
        (c.latency_ms, c.rtt_ms),
        (Some(120), Some(0.272_489_117_797_994_23))
    );
    assert_eq!(
        (
            c.packets_received_loss,
            c.packets_received_retrans,
            c.packets_received_drop
        ),
        (3, 2, 1)
    );
    assert_eq!((c.bytes_received, c.packets_undecrypted), (327_000, 0));
    assert_eq!((c.packets_received, c.buffer_ms), (Some(275), Some(98.0)));
    let without = SrtConnection::from_json(&json!({"msRTT": null}));
    assert_eq!((without.rtt_ms, without.latency_ms), (None, None));
    assert_eq!((without.packets_received, without.buffer_ms), (None, None));
}

#[test]
fn a_session_is_read() {
    let session = WebRtcSession::from_json(&json!({"id": "s", "state": "read", "path": "pd_test",
        "peerConnectionEstablished": true, "remoteAddr": "127.0.0.1:5", "userAgent": "Firefox", "bytesSent": 9}));
    assert!(session.established);
    assert_eq!(
        (session.bytes_sent, session.user_agent.as_str()),
        (9, "Firefox")
    );
}

#[test]
fn what_a_server_offers_is_read_of_its_configuration() {
    // As 1.20.1 answers, shortened.
    let on = json!({"rtsp": true, "rtspTransports": ["udp", "multicast", "tcp"], "rtspEncryption": "no",
        "rtspAddress": ":8554", "webrtc": true, "webrtcAddress": "127.0.0.1:8889",
        "webrtcEncryption": false, "srt": true, "srtAddress": ":8890"});
    let all = Offers {
        srt: true,
        rtsp_port: Some(8554),
        webrtc: true,
        webrtc_port: Some(8889),
    };
    assert_eq!(Offers::from_json(&on), all);
    for (key, value) in [
        ("rtsp", json!(false)),
        ("rtspTransports", json!(["udp"])),
        ("rtspEncryption", json!("strict")),
    ] {
        let mut off = on.clone();
        off[key] = value;
        assert_eq!(Offers::from_json(&off).rtsp_port, None, "{key}");
    }
    let mut encrypted = on.clone();
    encrypted["webrtcEncryption"] = json!(true);
    let offers = Offers::from_json(&encrypted);
    assert!(offers.webrtc && offers.webrtc_port.is_none());
    assert_eq!(Offers::from_json(&json!({})), Offers::default());
}

#[test]
fn a_reader_of_any_kind_is_read() {
    let json = json!({"id": "s", "created": "2026-11-28T06:04:59Z", "remoteAddr": "192.0.2.9:5",
        "path": "pd_a", "outboundBytes": 7, "userAgent": "Firefox"});
    let reader = Reader::from_json("webRTCSession", &json);
    assert_eq!((reader.id.as_str(), reader.bytes_sent), ("s", 7));
    assert_eq!(reader.created, "2026-11-28T06:04:59Z");
    assert_eq!(list_of("srtConn"), Some("srtconns"));
    assert_eq!(list_of("hidden"), None);
}
