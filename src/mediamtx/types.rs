//! What MediaMTX's API answers, read tolerantly: names changed between versions (`ready` became
//! `online` in 1.16, `bytesReceived` `inboundBytes`), and a field that is missing, null or of
//! another type is no figure, never an error. Pure.

use serde_json::Value;

/// A path (stream name) of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathInfo {
    /// Its name.
    pub name: String,
    /// Whether a publisher is there and its tracks are known: viewers can join.
    pub online: bool,
    /// Codecs as the server names them, such as "H264" and "Opus".
    pub tracks: Vec<String>,
    /// Kinds of the readers connected, such as "webRTCSession", one entry each.
    pub readers: Vec<String>,
    /// Their ids, in the same order; empty where the server does not tell.
    pub reader_ids: Vec<String>,
    /// Bytes from the publisher.
    pub bytes_received: u64,
    /// Kind of the publisher, such as "srtConn".
    pub source: Option<String>,
    /// Id of the publisher, as in [`SrtConnection::id`].
    pub source_id: Option<String>,
}

/// An SRT connection of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SrtConnection {
    /// Its id.
    pub id: String,
    /// The caller's address.
    pub remote_addr: String,
    /// "publish", "read" or "idle".
    pub state: String,
    /// Path.
    pub path: String,
    /// Smoothed round-trip time, ms.
    pub rtt_ms: Option<f64>,
    /// Receive latency in force, ms: the larger of both sides' wishes (server's floor 120).
    pub latency_ms: Option<u64>,
    /// Packets that came, those that came again included; None where an older server
    /// does not count them.
    pub packets_received: Option<u64>,
    /// Packets missing in their turn so far, many of which come again.
    pub packets_received_loss: u64,
    /// Packets that came again.
    pub packets_received_retrans: u64,
    /// Packets that came too late, or twice (gosrt, `receiver.Push`): no holes by themselves.
    pub packets_received_drop: u64,
    /// What waits in the receive buffer, ms.
    pub buffer_ms: Option<f64>,
    /// Packets that could not be decrypted: a wrong passphrase.
    pub packets_undecrypted: u64,
    /// Bytes from the caller, with all headers.
    pub bytes_received: u64,
}

/// What a server offers, by its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// SRT is on.
    pub srt: bool,
    /// Port of RTSP over plain TCP, where it is on.
    pub rtsp_port: Option<u16>,
    /// WebRTC is on (WHIP and WHEP).
    pub webrtc: bool,
    /// Port of the WebRTC pages, where they are plain HTTP.
    pub webrtc_port: Option<u16>,
}

/// One that reads a path, of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// Kind, as in [`PathInfo::readers`].
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Path.
    pub path: String,
    /// Its address.
    pub remote_addr: String,
    /// When it came, as the server writes it (RFC 3339).
    pub created: String,
    /// Bytes to it.
    pub bytes_sent: u64,
    /// What it calls itself, where it does.
    pub user_agent: String,
}

/// A WebRTC session of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebRtcSession {
    /// Its id.
    pub id: String,
    /// The browser's address.
    pub remote_addr: String,
    /// "read" or "publish".
    pub state: String,
    /// Path.
    pub path: String,
    /// Whether pictures can flow (ICE and DTLS done).
    pub established: bool,
    /// Bytes to the browser.
    pub bytes_sent: u64,
    /// The browser's name of itself.
    pub user_agent: String,
}

impl PathInfo {
    /// Reads one path.
    pub fn from_json(json: &Value) -> Self {
        // Older servers have only `ready`; from 1.16 on `ready` also holds for an offline slate.
        let online = json.get("online").or_else(|| json.get("ready"));
        let plain: Vec<String> = strings(json.get("tracks"), None);
        let source = json.get("source");
        Self {
            name: text(json, "name"),
            online: online.and_then(Value::as_bool).unwrap_or_default(),
            tracks: if plain.is_empty() {
                strings(json.get("tracks2"), Some("codec"))
            } else {
                plain
            },
            readers: strings(json.get("readers"), Some("type")),
            reader_ids: strings(json.get("readers"), Some("id")),
            bytes_received: number(json, &["inboundBytes", "bytesReceived"]),
            source: source.and_then(|s| s.get("type")?.as_str().map(Into::into)),
            source_id: source.and_then(|s| s.get("id")?.as_str().map(Into::into)),
        }
    }

    /// Readers that watch, without the server's own.
    pub fn viewers(&self) -> usize {
        self.readers.iter().filter(|kind| *kind != "hidden").count()
    }
}

impl Offers {
    /// Everything, at MediaMTX's usual ports: what a managed server has at its own.
    pub fn all() -> Self {
        Self {
            srt: true,
            rtsp_port: Some(8554),
            webrtc: true,
            webrtc_port: Some(8889),
        }
    }

    /// Reads the server's global configuration.
    pub fn from_json(json: &Value) -> Self {
        let is = |key: &str| json.get(key).and_then(Value::as_bool).unwrap_or_default();
        let port = |key: &str| text(json, key).rsplit_once(':')?.1.parse().ok();
        let transports = strings(json.get("rtspTransports"), None);
        // Older servers call the list `protocols`.
        let tcp = transports.iter().any(|t| t == "tcp")
            || strings(json.get("protocols"), None)
                .iter()
                .any(|t| t == "tcp");
        let plain = tcp && text(json, "rtspEncryption") != "strict";
        Self {
            srt: is("srt"),
            rtsp_port: port("rtspAddress").filter(|_| is("rtsp") && plain),
            webrtc: is("webrtc"),
            webrtc_port: port("webrtcAddress").filter(|_| is("webrtc") && !is("webrtcEncryption")),
        }
    }
}

impl Reader {
    /// Reads one of `kind`.
    pub fn from_json(kind: &str, json: &Value) -> Self {
        Self {
            kind: kind.to_owned(),
            id: text(json, "id"),
            path: text(json, "path"),
            remote_addr: text(json, "remoteAddr"),
            created: text(json, "created"),
            bytes_sent: number(json, &["outboundBytes", "bytesSent"]),
            user_agent: text(json, "userAgent"),
        }
    }
}

/// The API's list of readers of `kind`; None for a kind that has none (the server's own).
pub(crate) fn list_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "webRTCSession" => "webrtcsessions",
        "srtConn" => "srtconns",
        "rtspSession" => "rtspsessions",
        "rtspsSession" => "rtspssessions",
        "rtmpConn" => "rtmpconns",
        "rtmpsConn" => "rtmpsconns",
        "hlsSession" => "hlssessions",
        "moqSession" => "moqsessions",
        _ => return None,
    })
}

/// Of a configured path.
pub(crate) fn name_and_source(json: &Value) -> (String, String) {
    (text(json, "name"), text(json, "source"))
}

impl SrtConnection {
    /// Reads one connection.
    pub fn from_json(json: &Value) -> Self {
        Self {
            id: text(json, "id"),
            remote_addr: text(json, "remoteAddr"),
            state: text(json, "state"),
            path: text(json, "path"),
            rtt_ms: json.get("msRTT").and_then(Value::as_f64),
            latency_ms: json.get("msReceiveTsbPdDelay").and_then(Value::as_u64),
            packets_received: json.get("packetsReceived").and_then(Value::as_u64),
            packets_received_loss: number(json, &["packetsReceivedLoss"]),
            packets_received_retrans: number(json, &["packetsReceivedRetrans"]),
            packets_received_drop: number(json, &["packetsReceivedDrop"]),
            buffer_ms: json.get("msReceiveBuf").and_then(Value::as_f64),
            packets_undecrypted: number(json, &["packetsReceivedUndecrypt"]),
            bytes_received: number(json, &["inboundBytes", "bytesReceived"]),
        }
    }
}

impl WebRtcSession {
    /// Reads one session.
    pub fn from_json(json: &Value) -> Self {
        Self {
            id: text(json, "id"),
            remote_addr: text(json, "remoteAddr"),
            state: text(json, "state"),
            path: text(json, "path"),
            established: json
                .get("peerConnectionEstablished")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            bytes_sent: number(json, &["outboundBytes", "bytesSent"]),
            user_agent: text(json, "userAgent"),
        }
    }
}

/// The items of a list answer.
pub(crate) fn items<T>(json: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    json.get("items")
        .and_then(Value::as_array)
        .map(|a| a.iter().map(read).collect())
        .unwrap_or_default()
}

fn text(json: &Value, key: &str) -> String {
    json.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The first of `keys` that is a number.
fn number(json: &Value, keys: &[&str]) -> u64 {
    keys.iter()
        .find_map(|key| json.get(key)?.as_u64())
        .unwrap_or_default()
}

/// A list's strings, or the string `key` of each of its objects.
fn strings(list: Option<&Value>, key: Option<&str>) -> Vec<String> {
    let Some(Value::Array(list)) = list else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|item| {
            key.map_or(Some(item), |key| item.get(key))?
                .as_str()
                .map(Into::into)
        })
        .collect()
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
