//! Remote control: messages of clients that nobody knows.

use super::input::Input;
use crate::clock::MonoTime;
use crate::remote::auth::{self, Wrongs, is_own_origin};
use crate::remote::client::{Client, Gate};
use crate::remote::codec::Form;
use crate::remote::protocol::op;
use crate::remote::request::{self, Load};
use crate::remote::testing::Fake;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tungstenite::Message;

/// A message is read or refused, and what was read is the same once written and read again.
pub fn codec(data: &[u8]) {
    let mut input = Input::new(data);
    let form = if input.flag() {
        Form::MsgPack
    } else {
        Form::Json
    };
    let bytes = input.rest();
    let text = String::from_utf8_lossy(bytes);
    let _ = Form::of(&text);
    let message = match form {
        Form::Json => Message::text(text.into_owned()),
        Form::MsgPack => Message::binary(bytes.to_vec()),
    };
    let other = match form {
        Form::Json => Form::MsgPack,
        Form::MsgPack => Form::Json,
    };
    assert!(
        matches!(other.decode(&message), Some(Err(_))),
        "another form's message was read"
    );
    let Some(Ok(value)) = form.decode(&message) else {
        return;
    };
    for form in [Form::Json, Form::MsgPack] {
        let again = form.decode(&form.encode(&value));
        let same = matches!(&again, Some(Ok(again)) if is_same(again, &value));
        assert!(same, "as {form:?}: {value} became {again:?}");
    }
}

/// Equal, but for the last bit of a fraction that was written in decimal.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (a.as_f64(), b.as_f64());
            a == b
                || x.zip(y)
                    .is_some_and(|(x, y)| (x - y).abs() <= x.abs() * 1e-15)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((k, a), (l, b))| k == l && is_same(a, b))
        }
        (a, b) => a == b,
    }
}

/// A web page's origin is ours where its host is this machine, and nowhere else.
pub fn origin(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if !is_own_origin(Some(&text)) {
        return;
    }
    if text == "file://" {
        return;
    }
    // Strictly: scheme, host, a port of figures, and no more (RFC 6454 6.1).
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let rest = rest.expect("a scheme");
    let (host, port) = match rest.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((host, port)) => (host, port),
        None => match rest.split_once(':') {
            Some((host, _)) => (host, &rest[host.len()..]),
            None => (rest, ""),
        },
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    assert!(is_port, "{text}");
    let local = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback());
    assert!(local, "{text}");
}

const PASSWORD: &str = "a password of the fuzzer's";

/// Any messages in any order: nothing is done before the password, every request has its one answer with
/// its own id, a client that is refused has changed nothing.
pub fn client(data: &[u8]) {
    let mut input = Input::new(data);
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (mut client, _) = Client::greet(Form::Json, peer, "salt", "challenge".into());
    let console = Fake::new();
    let (mut wrongs, mut load, mut told) = (Wrongs::default(), Load::default(), Vec::new());
    let mut now = MonoTime::from_micros(1_000_000);
    let names: Vec<_> = request::names().collect();
    for _ in 0..24 {
        if input.is_empty() {
            break;
        }
        let message = message(&mut input, &names);
        let was_identified = client.is_identified();
        let mut gate = Gate {
            salt: "salt",
            password: PASSWORD,
            wrongs: &mut wrongs,
        };
        let asked = message.clone();
        let kept = console.snapshot.load_full();
        match client.take(message, now, &mut gate) {
            Err(close) => {
                assert!((1000..5000).contains(&close.code) && !close.reason.is_empty());
                assert!(
                    console.sent().is_empty() && kept.settings == console.snapshot.load().settings
                );
                return;
            }
            Ok(word) => {
                let code = asked["op"].as_u64();
                assert!(was_identified || code == Some(op::IDENTIFY));
                if let Some(word) = word {
                    assert_eq!(word["op"], op::IDENTIFIED);
                }
            }
        }
        // The password may have to wait, a batch goes on in turns.
        let mut turns = 0;
        while client.is_busy() {
            let mut gate = Gate {
                salt: "salt",
                password: PASSWORD,
                wrongs: &mut wrongs,
            };
            if client.turn_gate(now, &mut gate).is_err() {
                return;
            }
            if let Some(answer) = client.turn(&console, now, &mut load, &mut told) {
                assert!(was_identified);
                check_answer(&asked, &answer);
            }
            if let Some(due) = client.due(now) {
                now = due.max(now + Duration::from_millis(1));
            }
            turns += 1;
            assert!(turns < 200_000, "no end of one message");
        }
        let sent = console.sent();
        assert!(
            client.is_identified() || sent.is_empty(),
            "done before the password"
        );
    }
}

fn check_answer(asked: &Value, answer: &Value) {
    let (asked_data, data) = (&asked["d"], &answer["d"]);
    assert_eq!(data["requestId"], asked_data["requestId"]);
    if asked["op"] == op::REQUEST {
        assert_eq!(answer["op"], op::REQUEST_RESPONSE);
        assert_eq!(data["requestType"], asked_data["requestType"]);
        check_status(data);
    } else {
        assert_eq!(answer["op"], op::REQUEST_BATCH_RESPONSE);
        let results = data["results"].as_array().expect("a list");
        let wanted = asked_data["requests"].as_array().expect("a list").len();
        assert!(results.len() <= wanted);
        assert!(results.len() == wanted || asked_data["haltOnFailure"] == true);
        results.iter().for_each(check_status);
    }
}

fn check_status(result: &Value) {
    let status = &result["requestStatus"];
    let code = status["code"].as_u64().expect("a code");
    assert_eq!(status["result"] == true, code == 100);
    assert!(
        code == 100
            || status["comment"]
                .as_str()
                .is_some_and(|why| !why.is_empty())
    );
    assert!(!result.to_string().contains(PASSWORD));
}

/// A message: by its parts mostly, as raw JSON now and then.
fn message(input: &mut Input<'_>, names: &[&str]) -> Value {
    match input.below(8) {
        0 => serde_json::from_slice(input.bytes()).unwrap_or(Value::Null),
        1 => json!({ "op": input.u8() % 12, "d": value(input, 2) }),
        2 | 3 => {
            let right = auth::answer(PASSWORD, "salt", "challenge");
            let answer = if input.flag() {
                json!(right)
            } else {
                value(input, 1)
            };
            json!({ "op": op::IDENTIFY, "d": { "rpcVersion": 1 + u64::from(input.u8() / 250), "authentication": answer } })
        }
        4 => {
            let requests: Vec<_> = (0..input.below(5))
                .map(|_| one_request(input, names))
                .collect();
            json!({ "op": op::REQUEST_BATCH, "d": {
                "requestId": value(input, 0),
                "haltOnFailure": input.flag(),
                "executionType": input.u8() % 2,
                "requests": requests,
            }})
        }
        _ => json!({ "op": op::REQUEST, "d": one_request(input, names) }),
    }
}

fn one_request(input: &mut Input<'_>, names: &[&str]) -> Value {
    let kind = names[usize::from(input.u8()) % names.len()];
    let mut data = serde_json::Map::new();
    for _ in 0..input.below(4) {
        let field = FIELDS[input.below(FIELDS.len())];
        data.insert(field.into(), value(input, 2));
    }
    json!({ "requestType": kind, "requestId": value(input, 0), "requestData": data })
}

/// Fields that requests look at.
const FIELDS: [&str; 24] = [
    "inputName",
    "inputUuid",
    "inputMuted",
    "inputVolumeMul",
    "inputVolumeDb",
    "inputAudioSyncOffset",
    "sceneName",
    "sceneItemId",
    "sceneItemEnabled",
    "sourceName",
    "imageFormat",
    "imageWidth",
    "imageHeight",
    "outputName",
    "vendorName",
    "requestType",
    "requestData",
    "sleepMillis",
    "sleepFrames",
    "profileName",
    "hotkeyName",
    "eventData",
    "kbps",
    "argument",
];

fn value(input: &mut Input<'_>, depth: u8) -> Value {
    match input.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(input.flag()),
        2 => json!(input.u8()),
        3 => json!(f64::from(input.u32() as i32) / 1000.0),
        4 => json!(input.text()),
        5 => json!(WORDS[input.below(WORDS.len())]),
        6 => (0..input.below(4))
            .map(|_| value(input, depth - 1))
            .collect(),
        _ => {
            let mut map = serde_json::Map::new();
            for _ in 0..input.below(4) {
                map.insert(
                    FIELDS[input.below(FIELDS.len())].into(),
                    value(input, depth - 1),
                );
            }
            map.into()
        }
    }
}

/// Names that there are.
const WORDS: [&str; 16] = [
    "png",
    "Tone",
    "Tone 2",
    "Program",
    "Picture",
    "pd-console",
    "bitrate-set",
    "go-live",
    "stop",
    "mute",
    "adv_stream",
    "simple_stream",
    "replay_buffer",
    "SetBitrate",
    "tally",
    "",
];
