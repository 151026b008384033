//! The two forms of a message: JSON in text frames, MessagePack in binary ones. Pure.
//!
//! MessagePack is what obs-websocket-js takes by itself in Node, and so what Bitfocus Companion
//! speaks.

use super::protocol::Close;
use serde_json::Value;
use tungstenite::Message;

/// Nesting deeper than this is nobody's request; serde_json stops by itself at 128.
const DEPTH: usize = 64;

/// A client's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `obswebsocket.json`, and where no form was asked for.
    #[default]
    Json,
    /// `obswebsocket.msgpack`.
    MsgPack,
}

impl Form {
    /// The first of the client's subprotocols (`Sec-WebSocket-Protocol`) that is known.
    pub fn of(protocols: &str) -> Option<Self> {
        protocols.split(',').find_map(|name| match name.trim() {
            "obswebsocket.json" => Some(Self::Json),
            "obswebsocket.msgpack" => Some(Self::MsgPack),
            _ => None,
        })
    }

    /// Its subprotocol.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Json => "obswebsocket.json",
            Self::MsgPack => "obswebsocket.msgpack",
        }
    }

    /// A message in this form.
    pub fn encode(self, value: &Value) -> Message {
        match self {
            Self::Json => Message::text(value.to_string()),
            // A tree of JSON has a MessagePack form always.
            Self::MsgPack => Message::binary(rmp_serde::to_vec(value).unwrap_or_default()),
        }
    }

    /// A text or binary message's tree; None for what is the WebSocket's own.
    ///
    /// # Errors
    /// How the connection is to be closed.
    pub fn decode(self, message: &Message) -> Option<Result<Value, Close>> {
        let bad = |why: String| Err(Close::new(Close::MESSAGE_DECODE_ERROR, why));
        Some(match (self, message) {
            (Self::Json, Message::Text(text)) => {
                serde_json::from_str(text).or_else(|error| bad(format!("this is no JSON: {error}")))
            }
            (Self::MsgPack, Message::Binary(bytes)) => {
                let mut from = rmp_serde::Deserializer::from_read_ref(bytes.as_ref());
                from.set_max_depth(DEPTH);
                serde::Deserialize::deserialize(&mut from)
                    .or_else(|error| bad(format!("this is no MessagePack: {error}")))
            }
            (Self::Json, Message::Binary(_)) => {
                bad("this connection is in JSON, and a binary message came".into())
            }
            (Self::MsgPack, Message::Text(_)) => {
                bad("this connection is in MessagePack, and a text message came".into())
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_first_known_form_is_taken() {
        assert_eq!(Form::of("obswebsocket.msgpack"), Some(Form::MsgPack));
        let both = "other, obswebsocket.json ,obswebsocket.msgpack";
        assert_eq!(Form::of(both), Some(Form::Json));
        assert_eq!(Form::of("obswebsocket"), None);
    }

    #[test]
    fn both_forms_give_the_tree_back() {
        let tree =
            json!({"op": 6, "d": {"a": [1, -2, 2.5, null, true, "한"], "big": 4_294_967_296_u64}});
        for form in [Form::Json, Form::MsgPack] {
            let message = form.encode(&tree);
            assert_eq!(form.decode(&message), Some(Ok(tree.clone())), "{form:?}");
        }
    }

    #[test]
    fn the_other_form_is_a_decode_error() {
        let tree = json!({"op": 1});
        for (ours, theirs) in [(Form::Json, Form::MsgPack), (Form::MsgPack, Form::Json)] {
            let answer = ours.decode(&theirs.encode(&tree)).unwrap();
            assert_eq!(answer.unwrap_err().code, 4002);
        }
        assert_eq!(Form::Json.decode(&Message::Ping("x".into())), None);
    }

    proptest! {
        /// Whatever comes: an answer, no panic, no endless depth.
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Form::MsgPack.decode(&Message::binary(bytes));
            let _ = Form::MsgPack.decode(&Message::binary(vec![0x91; 100_000]));
        }
    }
}
