//! obs-websocket 5's messages: numbers and shapes (its docs/generated/protocol.md). Pure.

use serde_json::{Map, Value, json};

/// The only version of the protocol's form that there is.
pub const RPC_VERSION: u64 = 1;
/// The obs-websocket whose messages these are. Clients look for requests by it.
pub const OBS_WEBSOCKET_VERSION: &str = "5.5.2";
/// The OBS Studio that came with it. Clients refuse older ones; what this program really is stands
/// in `platformDescription`.
pub const OBS_STUDIO_VERSION: &str = "30.2.2";

/// `op` of each message.
pub mod op {
    /// Server's first word.
    pub const HELLO: u64 = 0;
    /// Client's answer to it.
    pub const IDENTIFY: u64 = 1;
    /// From here on requests are taken.
    pub const IDENTIFIED: u64 = 2;
    /// Other subscriptions.
    pub const REIDENTIFY: u64 = 3;
    /// Something happened.
    pub const EVENT: u64 = 5;
    /// One request.
    pub const REQUEST: u64 = 6;
    /// Its answer.
    pub const REQUEST_RESPONSE: u64 = 7;
    /// Several requests.
    pub const REQUEST_BATCH: u64 = 8;
    /// Their answers.
    pub const REQUEST_BATCH_RESPONSE: u64 = 9;
}

/// What a client subscribes to, one bit each.
pub mod subscription {
    /// Exit and custom events.
    pub const GENERAL: u64 = 1;
    /// Profiles.
    pub const CONFIG: u64 = 1 << 1;
    /// Inputs of the mix.
    pub const INPUTS: u64 = 1 << 3;
    /// Stream, recording, replay.
    pub const OUTPUTS: u64 = 1 << 6;
    /// What is in the scene.
    pub const SCENE_ITEMS: u64 = 1 << 7;
    /// The console's own.
    pub const VENDORS: u64 = 1 << 9;
    /// What is meant where a client names none: all but the frequent ones.
    pub const ALL: u64 = (1 << 12) - 1;
    /// Levels, 20 times a second; only by its own bit.
    pub const INPUT_VOLUME_METERS: u64 = 1 << 16;
}

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// WebSocketCloseCode, or one of RFC 6455.
    pub code: u16,
    /// For the client's log.
    pub reason: String,
}

impl Close {
    /// RFC 6455: the server ends, or does not want to go on.
    pub const GOING_AWAY: u16 = 1001;
    /// RFC 6455: policy violation.
    pub const POLICY: u16 = 1008;
    /// No JSON, no MessagePack, or the one in the other's place.
    pub const MESSAGE_DECODE_ERROR: u16 = 4002;
    /// A field is missing.
    pub const MISSING_DATA_FIELD: u16 = 4003;
    /// A field is of another type.
    pub const INVALID_DATA_FIELD_TYPE: u16 = 4004;
    /// A field has a value that means nothing.
    pub const INVALID_DATA_FIELD_VALUE: u16 = 4005;
    /// No such `op`.
    pub const UNKNOWN_OP_CODE: u16 = 4006;
    /// Identify comes first.
    pub const NOT_IDENTIFIED: u16 = 4007;
    /// And only once.
    pub const ALREADY_IDENTIFIED: u16 = 4008;
    /// Wrong password, or none.
    pub const AUTHENTICATION_FAILED: u16 = 4009;
    /// Another version of the protocol.
    pub const UNSUPPORTED_RPC_VERSION: u16 = 4010;
    /// The password was changed. A client must not come again by itself.
    pub const SESSION_INVALIDATED: u16 = 4011;
    /// Something that this server does not do.
    pub const UNSUPPORTED_FEATURE: u16 = 4012;

    /// With its reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

/// RequestStatus: how a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// Done.
    Success = 100,
    /// `requestType` is missing.
    MissingRequestType = 203,
    /// No such request here.
    UnknownRequestType = 204,
    /// This kind of batch does not take it.
    UnsupportedRequestBatchExecutionType = 206,
    /// Something else is under way; later it may work.
    NotReady = 207,
    /// A field is missing.
    MissingRequestField = 300,
    /// `requestData` is missing.
    MissingRequestData = 301,
    /// A field means nothing.
    InvalidRequestField = 400,
    /// A field is of another type.
    InvalidRequestFieldType = 401,
    /// A number is out of its bounds.
    RequestFieldOutOfRange = 402,
    /// A text is empty.
    RequestFieldEmpty = 403,
    /// Fields that exclude each other.
    TooManyRequestFields = 404,
    /// It runs already.
    OutputRunning = 500,
    /// It does not run.
    OutputNotRunning = 501,
    /// Nothing has that name.
    ResourceNotFound = 600,
    /// What has that name cannot do this now.
    InvalidResourceState = 604,
    /// No such kind of input.
    InvalidInputKind = 605,
    /// It cannot be set.
    ResourceNotConfigurable = 606,
    /// Tried, and failed.
    RequestProcessingFailed = 702,
    /// It makes no sense as asked.
    CannotAct = 703,
}

/// A message whole.
pub fn message(op: u64, data: Value) -> Value {
    json!({ "op": op, "d": data })
}

/// An event whole.
pub fn event(kind: &str, intent: u64, data: Option<Value>) -> Value {
    let mut d = Map::new();
    d.insert("eventType".into(), kind.into());
    d.insert("eventIntent".into(), intent.into());
    if let Some(data) = data {
        d.insert("eventData".into(), data);
    }
    message(op::EVENT, d.into())
}

/// A name as a UUID (RFC 9562, version 8): clients take one for each thing, and the same name has the
/// same one always.
pub fn uuid(of: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(of.as_bytes())[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = crate::hex::of(&bytes);
    let part = |from: usize, to: usize| &hex[from..to];
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_uuid_of_version_8() {
        let id = uuid("Sum");
        assert_eq!(id, uuid("Sum"));
        assert_ne!(id, uuid("sum"));
        assert_eq!((id.len(), &id[14..15]), (36, "8"), "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }

    #[test]
    fn an_event_without_data_has_no_field_for_it() {
        let exit = event("ExitStarted", subscription::GENERAL, None);
        let wanted = json!({"op": 5, "d": {"eventType": "ExitStarted", "eventIntent": 1}});
        assert_eq!(exit, wanted);
    }
}
