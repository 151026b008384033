//! A client's request or batch while it is being answered. Pure: the time and the console are arguments.
//!
//! One request after another; each is asked once, or again where it says so, and its answer waits for
//! the session where it sent it something.

use super::client::needed;
use super::protocol::{self, Close, Status, op};
use super::request::{self, Answer, Desk, Execution, Refused};
use crate::clock::MonoTime;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// The session is waited for no longer than this: a show's end takes it a second or two.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_millis(500);
/// From one look whether it has taken a command to the next: it takes a millisecond or so.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// A request that is not ready is asked again after this.
const AGAIN: Duration = Duration::from_millis(20);
/// Requests in a batch.
pub(super) const BATCH: usize = 1000;

/// A request or a batch under way.
pub struct Job {
    /// Of the message.
    id: Value,
    /// Whether it is a batch, and how it goes.
    execution: Execution,
    halt_on_failure: bool,
    /// Not yet asked.
    requests: VecDeque<Value>,
    results: Vec<Value>,
    /// The one that is under way.
    now: Option<UnderWay>,
}

struct UnderWay {
    request: Value,
    since: MonoTime,
    /// None: to be asked again.
    outcome: Option<Result<Value, Refused>>,
    not_before: MonoTime,
    ticket: Option<u64>,
}

impl Job {
    /// `requests` as they came, `execution` [`Execution::None`] for a single one.
    pub fn new(
        id: Value,
        execution: Execution,
        halt_on_failure: bool,
        requests: VecDeque<Value>,
    ) -> Self {
        Self {
            id,
            execution,
            halt_on_failure,
            requests,
            results: Vec::new(),
            now: None,
        }
    }

    /// Whether all are answered.
    pub fn is_through(&self) -> bool {
        self.now.is_none() && self.requests.is_empty()
    }

    /// Asks the next request, or looks whether the one under way is ready; false where it is not.
    pub fn step(&mut self, desk: &mut Desk<'_>) -> bool {
        let way = match &mut self.now {
            Some(way) => way,
            now => {
                let Some(request) = self.requests.pop_front() else {
                    return true;
                };
                now.insert(UnderWay {
                    request,
                    since: desk.now,
                    outcome: None,
                    not_before: desk.now,
                    ticket: None,
                })
            }
        };
        if desk.now < way.not_before || !way.is_taken(desk) {
            return false;
        }
        if way.outcome.is_none() {
            way.ask(self.execution, desk);
            if way.outcome.is_none() || desk.now < way.not_before || !way.is_taken(desk) {
                return false;
            }
        }
        let Some((request, outcome)) = self.now.take().and_then(|w| Some((w.request, w.outcome?)))
        else {
            return true;
        };
        if self.halt_on_failure && outcome.is_err() {
            self.requests.clear();
        }
        self.results.push(result(&request, outcome));
        true
    }

    /// When it may have something to do next.
    pub fn due(&self, now: MonoTime) -> MonoTime {
        match &self.now {
            Some(way) if way.ticket.is_some() => now + LOOK_AGAIN,
            Some(way) => way.not_before.max(now),
            None => now,
        }
    }

    /// The message that answers it.
    pub fn answer(mut self) -> Value {
        if self.execution == Execution::None {
            let mut one = self.results.pop().unwrap_or_default();
            one["requestId"] = self.id;
            return protocol::message(op::REQUEST_RESPONSE, one);
        }
        let all = json!({ "requestId": self.id, "results": self.results });
        protocol::message(op::REQUEST_BATCH_RESPONSE, all)
    }
}

impl UnderWay {
    /// Whether the session has taken what this request sent it.
    fn is_taken(&self, desk: &Desk<'_>) -> bool {
        self.ticket.is_none_or(|ticket| {
            desk.snapshot.commands >= ticket || desk.now.since(self.since) >= TAKEN_WITHIN
        })
    }

    fn ask(&mut self, execution: Execution, desk: &mut Desk<'_>) {
        let kind = self.request.get("requestType").and_then(Value::as_str);
        let data = self.request.get("requestData");
        let answered = request::answer(kind.unwrap_or_default(), data, execution, self.since, desk);
        self.ticket = desk.ticket.or(self.ticket);
        match answered {
            Ok(Answer::Done(data)) => self.outcome = Some(Ok(data)),
            Ok(Answer::After(time)) => {
                self.outcome = Some(Ok(Value::Null));
                self.not_before = desk.now + time;
            }
            Ok(Answer::Later) => self.not_before = desk.now + AGAIN,
            Err(refused) => self.outcome = Some(Err(refused)),
        }
    }
}

/// How a request went, with its type and, in a batch, the id that it may have.
fn result(request: &Value, outcome: Result<Value, Refused>) -> Value {
    let mut result = Map::new();
    let kind = request.get("requestType").cloned();
    result.insert("requestType".into(), kind.unwrap_or_else(|| "".into()));
    if let Some(id) = request.get("requestId").filter(|id| !id.is_null()) {
        result.insert("requestId".into(), id.clone());
    }
    let status = match &outcome {
        Ok(_) => json!({ "result": true, "code": Status::Success as u16 }),
        Err(refused) => json!({
            "result": false,
            "code": refused.status as u16,
            "comment": refused.comment,
        }),
    };
    result.insert("requestStatus".into(), status);
    if let Ok(data @ Value::Object(_)) = outcome {
        result.insert("responseData".into(), data);
    }
    result.into()
}

/// A batch as the client sent it.
///
/// # Errors
/// How the connection is to be closed.
pub fn batch(mut data: Value) -> Result<Job, Close> {
    let id = needed(&data, "requestId")?.clone();
    let there = |name: &str| data.get(name).filter(|value| !value.is_null());
    let wrong = |why: &str| Err(Close::new(Close::INVALID_DATA_FIELD_TYPE, why));
    let execution = match there("executionType").map(Value::as_i64) {
        None => Execution::SerialRealtime,
        Some(None) => return wrong("`executionType` must be a whole number"),
        Some(Some(0)) => Execution::SerialRealtime,
        Some(Some(1)) => Execution::SerialFrame,
        Some(Some(2)) => {
            let why = "batches are serial here; executionType 2 is not";
            return Err(Close::new(Close::UNSUPPORTED_FEATURE, why));
        }
        Some(Some(_)) => {
            let why = "`executionType` must be 0 or 1";
            return Err(Close::new(Close::INVALID_DATA_FIELD_VALUE, why));
        }
    };
    if there("variables").is_some() {
        let why = "batches have no variables here";
        return Err(Close::new(Close::UNSUPPORTED_FEATURE, why));
    }
    let halt_on_failure = match there("haltOnFailure").map(Value::as_bool) {
        None => false,
        Some(Some(halt)) => halt,
        Some(None) => return wrong("`haltOnFailure` must be true or false"),
    };
    needed(&data, "requests")?;
    let Some(Value::Array(requests)) = data.get_mut("requests").map(Value::take) else {
        return wrong("`requests` must be a list");
    };
    if requests.len() > BATCH {
        let why = format!("a batch has {BATCH} requests at most");
        return Err(Close::new(Close::INVALID_DATA_FIELD_VALUE, why));
    }
    Ok(Job::new(id, execution, halt_on_failure, requests.into()))
}
