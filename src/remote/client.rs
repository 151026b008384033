//! One client's conversation: greeting, password, requests, batches. Pure: takes messages and the time,
//! gives messages; [`super::server`] has the socket.
//!
//! One request is answered before the next is looked at. The answer to one that changed something
//! waits until the session has taken the change, so that what is asked next is answered by it.

use super::auth::{self, Wrongs};
use super::codec::Form;
use super::job::{Job, batch};
use super::protocol::{self, Close, RPC_VERSION, op, subscription};
use super::request::{Desk, Execution, Load};
use crate::clock::MonoTime;
use crate::session::Console;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Requests of a batch that are answered before others have their turn.
const AT_ONCE: usize = 32;

/// A client.
pub struct Client {
    /// How its messages are written.
    pub form: Form,
    peer: IpAddr,
    stage: Stage,
    job: Option<Job>,
    stop_asked: Option<MonoTime>,
    /// Messages from it and to it.
    pub messages: (u64, u64),
}

enum Stage {
    /// Hello was said.
    Greeted { challenge: String },
    /// Its answer will be looked at then: it, or its neighbour, was wrong too often.
    Checking {
        challenge: String,
        identify: Value,
        due: MonoTime,
    },
    /// It may ask.
    Identified { subscriptions: u64 },
}

/// What the password is checked with.
pub struct Gate<'a> {
    /// In `Hello`.
    pub salt: &'a str,
    /// The password.
    pub password: &'a str,
    /// Who was wrong.
    pub wrongs: &'a mut Wrongs,
}

impl Client {
    /// A client that has just connected, and what is said to it first.
    pub fn greet(form: Form, peer: IpAddr, salt: &str, challenge: String) -> (Self, Value) {
        let hello = json!({
            "obsStudioVersion": protocol::OBS_STUDIO_VERSION,
            "obsWebSocketVersion": protocol::OBS_WEBSOCKET_VERSION,
            "rpcVersion": RPC_VERSION,
            "authentication": { "challenge": challenge, "salt": salt },
        });
        let client = Self {
            form,
            peer,
            stage: Stage::Greeted { challenge },
            job: None,
            stop_asked: None,
            messages: (0, 0),
        };
        (client, protocol::message(op::HELLO, hello))
    }

    /// Whether it has given the password.
    pub fn is_identified(&self) -> bool {
        matches!(self.stage, Stage::Identified { .. })
    }

    /// Whether it wants events of `intent`.
    pub fn wants(&self, intent: u64) -> bool {
        matches!(self.stage, Stage::Identified { subscriptions } if subscriptions & intent != 0)
    }

    /// Whether its next message has to wait.
    pub fn is_busy(&self) -> bool {
        self.job.is_some() || matches!(self.stage, Stage::Checking { .. })
    }

    /// When [`Client::turn`] may have something to do, where it is busy.
    pub fn due(&self, now: MonoTime) -> Option<MonoTime> {
        if let Stage::Checking { due, .. } = self.stage {
            return Some(due);
        }
        self.job.as_ref().map(|job| job.due(now))
    }

    /// Takes a message; to be called only while it is not busy. What is to be sent at once, if anything.
    ///
    /// # Errors
    /// How the connection is to be closed.
    pub fn take(
        &mut self,
        mut message: Value,
        now: MonoTime,
        gate: &mut Gate<'_>,
    ) -> Result<Option<Value>, Close> {
        self.messages.0 += 1;
        if !message.is_object() {
            let why = "a message is an object with `op` and `d`";
            return Err(Close::new(Close::MESSAGE_DECODE_ERROR, why));
        }
        if !self.is_identified() && message.get("request-type").is_some() {
            let why = "this client speaks obs-websocket 4; it takes one that speaks 5";
            return Err(Close::new(Close::UNSUPPORTED_RPC_VERSION, why));
        }
        let Some(code) = message.get("op").and_then(Value::as_u64) else {
            let why = "`op` is missing, or no number";
            return Err(Close::new(Close::UNKNOWN_OP_CODE, why));
        };
        let data = match message.get_mut("d").map(Value::take) {
            Some(data @ Value::Object(_)) => data,
            None | Some(Value::Null) => {
                return Err(Close::new(Close::MISSING_DATA_FIELD, "`d` is missing"));
            }
            Some(_) => {
                let why = "`d` must be an object";
                return Err(Close::new(Close::INVALID_DATA_FIELD_TYPE, why));
            }
        };
        if !self.is_identified() && code != op::IDENTIFY {
            let why = "the first message must be Identify";
            return Err(Close::new(Close::NOT_IDENTIFIED, why));
        }
        match code {
            op::IDENTIFY => self.identify(data, now, gate),
            op::REIDENTIFY => {
                if let Some(subscriptions) = subscriptions(&data)? {
                    self.stage = Stage::Identified { subscriptions };
                }
                Ok(Some(identified()))
            }
            op::REQUEST => {
                let id = needed(&data, "requestId")?.clone();
                if !needed(&data, "requestType")?.is_string() {
                    let why = "`requestType` must be a text";
                    return Err(Close::new(Close::INVALID_DATA_FIELD_TYPE, why));
                }
                self.job = Some(Job::new(id, Execution::None, false, [data].into()));
                Ok(None)
            }
            op::REQUEST_BATCH => {
                self.job = Some(batch(data)?);
                Ok(None)
            }
            _ => {
                let why = format!("there is no op {code} from a client");
                Err(Close::new(Close::UNKNOWN_OP_CODE, why))
            }
        }
    }

    fn identify(
        &mut self,
        identify: Value,
        now: MonoTime,
        gate: &mut Gate<'_>,
    ) -> Result<Option<Value>, Close> {
        let challenge = match std::mem::replace(
            &mut self.stage,
            Stage::Greeted {
                challenge: String::new(),
            },
        ) {
            Stage::Greeted { challenge } => challenge,
            identified => {
                self.stage = identified;
                let why = "this client is identified already; Reidentify changes subscriptions";
                return Err(Close::new(Close::ALREADY_IDENTIFIED, why));
            }
        };
        let due = gate.wrongs.due(self.peer, now);
        if due > now {
            self.stage = Stage::Checking {
                challenge,
                identify,
                due,
            };
            return Ok(None);
        }
        self.check(&challenge, &identify, now, gate).map(Some)
    }

    fn check(
        &mut self,
        challenge: &str,
        identify: &Value,
        now: MonoTime,
        gate: &mut Gate<'_>,
    ) -> Result<Value, Close> {
        // Companion looks for these words in the reason.
        let failed = |why: &str| Err(Close::new(Close::AUTHENTICATION_FAILED, why));
        let Some(given) = identify.get("authentication") else {
            return failed("Your payload's data is missing an `authentication` string");
        };
        let right = auth::answer(gate.password, gate.salt, challenge);
        if !given
            .as_str()
            .is_some_and(|given| auth::is_same(given, &right))
        {
            gate.wrongs.add(self.peer, now);
            return failed("Authentication failed: the password is another one");
        }
        let Some(version) = needed(identify, "rpcVersion")?.as_u64() else {
            let why = "`rpcVersion` must be a whole number";
            return Err(Close::new(Close::INVALID_DATA_FIELD_TYPE, why));
        };
        if version != RPC_VERSION {
            let why = format!("rpcVersion is {RPC_VERSION} here");
            return Err(Close::new(Close::UNSUPPORTED_RPC_VERSION, why));
        }
        let subscriptions = subscriptions(identify)?.unwrap_or(subscription::ALL);
        self.stage = Stage::Identified { subscriptions };
        Ok(identified())
    }

    /// Looks at a password that had to wait. What is to be sent.
    ///
    /// # Errors
    /// How the connection is to be closed.
    pub fn turn_gate(
        &mut self,
        now: MonoTime,
        gate: &mut Gate<'_>,
    ) -> Result<Option<Value>, Close> {
        let Stage::Checking {
            challenge,
            identify,
            due,
        } = &mut self.stage
        else {
            return Ok(None);
        };
        // Others of its address may have been wrong meanwhile.
        *due = (*due).max(gate.wrongs.due(self.peer, now));
        if now < *due {
            return Ok(None);
        }
        let (challenge, identify) = (std::mem::take(challenge), identify.take());
        self.check(&challenge, &identify, now, gate).map(Some)
    }

    /// Goes on with what is under way; the answer where it is whole. What other clients are to be told
    /// is added to `told`.
    pub fn turn(
        &mut self,
        console: &dyn Console,
        now: MonoTime,
        load: &mut Load,
        told: &mut Vec<Value>,
    ) -> Option<Value> {
        for _ in 0..AT_ONCE {
            let job = self.job.as_mut()?;
            if job.is_through() {
                return self.job.take().map(Job::answer);
            }
            let mut desk = Desk {
                console,
                snapshot: console.snapshot(),
                now,
                load,
                messages: self.messages,
                stop_asked: &mut self.stop_asked,
                told,
                ticket: None,
            };
            if !job.step(&mut desk) {
                return None;
            }
        }
        None
    }
}

fn identified() -> Value {
    protocol::message(
        op::IDENTIFIED,
        json!({ "negotiatedRpcVersion": RPC_VERSION }),
    )
}

pub(super) fn needed<'a>(data: &'a Value, name: &str) -> Result<&'a Value, Close> {
    data.get(name).ok_or_else(|| {
        let why = format!("`{name}` is missing");
        Close::new(Close::MISSING_DATA_FIELD, why)
    })
}

fn subscriptions(data: &Value) -> Result<Option<u64>, Close> {
    let Some(value) = data.get("eventSubscriptions") else {
        return Ok(None);
    };
    value.as_u64().map(Some).ok_or_else(|| {
        let why = "`eventSubscriptions` must be a whole number";
        Close::new(Close::INVALID_DATA_FIELD_TYPE, why)
    })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
