use super::*;
use crate::remote::job::{BATCH, TAKEN_WITHIN};
use crate::remote::testing::Fake;
use crate::session::Command;
use std::time::Duration;

const T0: MonoTime = MonoTime::from_micros(1_000_000);

/// A client and what it talks to, by hand.
struct Rig {
    console: Fake,
    client: Client,
    wrongs: Wrongs,
    load: Load,
    told: Vec<Value>,
    hello: Value,
    now: MonoTime,
}

impl Rig {
    fn new() -> Self {
        let peer = "127.0.0.1".parse().unwrap();
        let (client, hello) = Client::greet(Form::Json, peer, "salt", "challenge".into());
        Self {
            console: Fake::new(),
            client,
            wrongs: Wrongs::default(),
            load: Load::default(),
            told: Vec::new(),
            hello,
            now: T0,
        }
    }

    fn identified() -> Self {
        let mut rig = Self::new();
        rig.identify(json!({})).unwrap();
        rig
    }

    fn take(&mut self, op: u64, data: Value) -> Result<Option<Value>, Close> {
        self.take_raw(json!({ "op": op, "d": data }))
    }

    fn take_raw(&mut self, message: Value) -> Result<Option<Value>, Close> {
        let mut gate = Gate {
            salt: "salt",
            password: "secret",
            wrongs: &mut self.wrongs,
        };
        self.client.take(message, self.now, &mut gate)
    }

    /// The right password, with further fields.
    fn identify(&mut self, more: Value) -> Result<Option<Value>, Close> {
        let mut data = json!({
            "rpcVersion": 1,
            "authentication": auth::answer("secret", "salt", "challenge"),
        });
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        self.take(op::IDENTIFY, data)
    }

    fn turn(&mut self) -> Option<Value> {
        self.client
            .turn(&self.console, self.now, &mut self.load, &mut self.told)
    }

    /// Goes on until the answer is there.
    fn answer(&mut self) -> Value {
        for _ in 0..10_000 {
            if let Some(answer) = self.turn() {
                return answer;
            }
            let due = self.client.due(self.now).expect("busy");
            self.now = due.max(self.now + Duration::from_millis(1));
        }
        panic!("no answer")
    }

    fn ask(&mut self, kind: &str, data: Value) -> Value {
        let request = json!({ "requestType": kind, "requestId": "1", "requestData": data });
        assert_eq!(self.take(op::REQUEST, request), Ok(None));
        let mut answer = self.answer();
        assert_eq!(answer["op"], op::REQUEST_RESPONSE);
        assert_eq!(answer["d"]["requestId"], "1");
        assert_eq!(answer["d"]["requestType"], kind);
        answer["d"].take()
    }
}

fn code(answer: Result<Option<Value>, Close>) -> u16 {
    answer.unwrap_err().code
}

#[test]
fn hello_asks_for_the_password_and_the_right_one_opens() {
    let mut rig = Rig::new();
    assert_eq!(rig.hello["op"], 0);
    let d = &rig.hello["d"];
    assert_eq!(
        (&d["rpcVersion"], d["authentication"]["salt"].as_str()),
        (&json!(1), Some("salt"))
    );
    assert_eq!(d["authentication"]["challenge"], "challenge");
    assert!(!rig.client.is_identified() && !rig.client.wants(subscription::OUTPUTS));
    let answer = rig.identify(json!({})).unwrap().unwrap();
    assert_eq!(answer, json!({"op": 2, "d": {"negotiatedRpcVersion": 1}}));
    assert!(rig.client.wants(subscription::OUTPUTS));
    assert!(
        !rig.client.wants(subscription::INPUT_VOLUME_METERS),
        "only when asked for"
    );
    assert_eq!(code(rig.identify(json!({}))), 4008);
}

#[test]
fn every_wrong_beginning_has_its_close_code() {
    for (op, data, wanted) in [
        (
            6,
            json!({"requestType": "GetVersion", "requestId": "1"}),
            4007,
        ),
        (3, json!({}), 4007),
        (1, json!({"rpcVersion": 1}), 4009),
        (1, json!({"rpcVersion": 1, "authentication": "x"}), 4009),
        (1, json!({"rpcVersion": 1, "authentication": 5}), 4009),
        (1, Value::Null, 4003),
        (1, json!([]), 4004),
    ] {
        let mut rig = Rig::new();
        assert_eq!(code(rig.take(op, data.clone())), wanted, "{op} {data}");
        assert!(!rig.client.is_identified());
    }
    for (more, wanted) in [
        (json!({"rpcVersion": 2}), 4010),
        (json!({"rpcVersion": "1"}), 4004),
        (json!({"eventSubscriptions": -1}), 4004),
        (json!({"eventSubscriptions": "all"}), 4004),
    ] {
        assert_eq!(code(Rig::new().identify(more.clone())), wanted, "{more}");
    }
    let mut rig = Rig::new();
    assert_eq!(
        code(rig.take_raw(json!({"request-type": "GetVersion"}))),
        4010
    );
    assert_eq!(code(Rig::new().take_raw(json!([1]))), 4002);
    assert_eq!(code(Rig::new().take_raw(json!({"d": {}}))), 4006);
}

#[test]
fn whoever_guesses_waits_even_with_the_right_word() {
    let mut rig = Rig::new();
    let peer = "127.0.0.1".parse().unwrap();
    while rig.wrongs.due(peer, rig.now) == rig.now {
        rig.wrongs.add(peer, rig.now);
    }
    assert_eq!(rig.identify(json!({})), Ok(None));
    assert!(rig.client.is_busy() && !rig.client.is_identified());
    let due = rig.client.due(rig.now).unwrap();
    assert!(due > rig.now);
    for (now, wanted) in [(rig.now, false), (due, true)] {
        let mut gate = Gate {
            salt: "salt",
            password: "secret",
            wrongs: &mut rig.wrongs,
        };
        let answer = rig.client.turn_gate(now, &mut gate).unwrap();
        assert_eq!(answer.is_some(), wanted);
    }
    assert!(rig.client.is_identified());
}

#[test]
fn requests_without_id_or_type_close_and_unknown_ones_are_answered() {
    for (data, wanted) in [
        (json!({"requestType": "GetVersion"}), 4003),
        (json!({"requestId": "1"}), 4003),
        (json!({"requestId": "1", "requestType": 5}), 4004),
    ] {
        assert_eq!(code(Rig::identified().take(op::REQUEST, data)), wanted);
    }
    assert_eq!(code(Rig::identified().take(7, json!({}))), 4006);
    let mut rig = Rig::identified();
    let answer = rig.ask("CreateScene", json!({"sceneName": "x"}));
    assert_eq!(answer["requestStatus"]["code"], 204);
    assert_eq!(answer["requestStatus"]["result"], false);
    assert!(answer.get("responseData").is_none());
}

#[test]
fn an_answer_waits_until_the_session_has_taken_the_change() {
    let mut rig = Rig::identified();
    let toggled = rig.ask("ToggleInputMute", json!({"inputName": "Tone 2"}));
    assert_eq!(toggled["responseData"], json!({"inputMuted": true}));
    let now = rig.ask("GetInputMute", json!({"inputName": "Tone 2"}));
    assert_eq!(now["responseData"], json!({"inputMuted": true}));
}

/// A session that takes nothing.
struct Deaf(Fake);

impl Console for Deaf {
    fn snapshot(&self) -> std::sync::Arc<crate::session::Snapshot> {
        self.0.snapshot()
    }

    fn send(&self, _: Command) {}

    fn send_counted(&self, _: Command) -> Option<u64> {
        Some(1)
    }
}

#[test]
fn a_session_that_does_not_answer_is_not_waited_for_long() {
    let mut rig = Rig::identified();
    let deaf = Deaf(Fake::new());
    let request = json!({"requestType": "StartStream", "requestId": "1"});
    assert_eq!(rig.take(op::REQUEST, request), Ok(None));
    let mut turn = |after: Duration| {
        rig.client
            .turn(&deaf, T0 + after, &mut rig.load, &mut rig.told)
    };
    assert_eq!(turn(Duration::ZERO), None);
    assert_eq!(turn(TAKEN_WITHIN - Duration::from_millis(1)), None);
    let answer = turn(TAKEN_WITHIN).unwrap();
    assert_eq!(answer["d"]["requestStatus"]["code"], 100);
}

#[test]
fn a_batch_goes_in_order_and_halts_where_it_is_told_to() {
    let requests = json!([
        {"requestType": "SetInputMute", "requestId": "a", "requestData": {"inputName": "Sum", "inputMuted": true}},
        {"requestType": "GetInputMute", "requestData": {"inputName": "Sum"}},
        {"requestType": "GetInputMute", "requestData": {"inputName": "none"}},
        {"requestType": "Sleep", "requestData": {"sleepMillis": 40}},
        {},
        {"requestType": "GetVersion"},
    ]);
    let mut rig = Rig::identified();
    let before = rig.now;
    let batch = json!({"requestId": "b", "requests": requests});
    assert_eq!(rig.take(op::REQUEST_BATCH, batch), Ok(None));
    let answer = rig.answer();
    assert_eq!(
        (&answer["op"], &answer["d"]["requestId"]),
        (&json!(9), &json!("b"))
    );
    let results = answer["d"]["results"].as_array().unwrap();
    let codes: Vec<_> = results
        .iter()
        .map(|r| r["requestStatus"]["code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [100, 100, 600, 100, 203, 100]);
    assert_eq!(results[0]["requestId"], "a");
    assert!(results[1].get("requestId").is_none());
    assert_eq!(results[1]["responseData"]["inputMuted"], true);
    assert!(rig.now.since(before) >= Duration::from_millis(40));

    let halting = json!({"requestId": "b", "requests": requests, "haltOnFailure": true});
    rig.take(op::REQUEST_BATCH, halting).unwrap();
    let answer = rig.answer();
    assert_eq!(answer["d"]["results"].as_array().unwrap().len(), 3);
}

#[test]
fn a_long_batch_gives_others_their_turn() {
    let requests =
        vec![json!({"requestType": "GetInputMute", "requestData": {"inputName": "Sum"}}); 300];
    let mut rig = Rig::identified();
    rig.take(
        op::REQUEST_BATCH,
        json!({"requestId": "b", "requests": requests}),
    )
    .unwrap();
    assert_eq!(rig.turn(), None);
    assert_eq!(rig.client.due(rig.now), Some(rig.now), "goes on at once");
    let answer = rig.answer();
    assert_eq!(answer["d"]["results"].as_array().unwrap().len(), 300);
    let many = vec![json!({}); BATCH + 1];
    let close = rig.take(
        op::REQUEST_BATCH,
        json!({"requestId": "b", "requests": many}),
    );
    assert_eq!(code(close), 4005);
}

#[test]
fn what_a_batch_cannot_be_closes() {
    for (more, wanted) in [
        (json!({}), 4003),
        (json!({"requests": {}}), 4004),
        (json!({"requests": [], "executionType": 2}), 4012),
        (json!({"requests": [], "executionType": -1}), 4005),
        (json!({"requests": [], "executionType": "0"}), 4004),
        (json!({"requests": [], "haltOnFailure": 1}), 4004),
        (json!({"requests": [], "variables": {}}), 4012),
    ] {
        let mut data = json!({"requestId": "b"});
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        assert_eq!(
            code(Rig::identified().take(op::REQUEST_BATCH, data)),
            wanted,
            "{more}"
        );
    }
    let mut rig = Rig::identified();
    let empty = json!({"requestId": "b", "requests": [], "executionType": null});
    rig.take(op::REQUEST_BATCH, empty).unwrap();
    assert_eq!(rig.answer()["d"]["results"], json!([]));
}

#[test]
fn reidentify_changes_subscriptions_only() {
    let mut rig = Rig::identified();
    let all = subscription::INPUT_VOLUME_METERS | subscription::OUTPUTS;
    let answer = rig
        .take(op::REIDENTIFY, json!({"eventSubscriptions": all}))
        .unwrap();
    assert_eq!(answer.unwrap()["d"]["negotiatedRpcVersion"], 1);
    assert!(rig.client.wants(subscription::INPUT_VOLUME_METERS));
    assert!(!rig.client.wants(subscription::INPUTS));
    rig.take(op::REIDENTIFY, json!({})).unwrap();
    assert!(rig.client.wants(subscription::OUTPUTS));
}
