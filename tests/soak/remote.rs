//! The console's remote control as the soak uses it: one connection that is made again when it is
//! gone, and what `get_status` tells, as numbers. Used by whichever thread owns it.

use super::PASSWORD;
use pd_console::remote::auth;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::{Message, WebSocket};

/// A client.
pub struct Remote {
    port: u16,
    socket: Option<WebSocket<TcpStream>>,
}

/// What the console says of its show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// idle, starting, live, reconnecting, ...
    pub state: String,
    /// Median of two seconds, capture to a viewer, ms.
    pub arrived_ms: Option<f64>,
    /// Capture to the publisher, ms.
    pub sent_ms: Option<f64>,
    /// As `arrived_ms`, of the sound.
    pub sound_ms: Option<f64>,
    /// Frames that the show has sent.
    pub frames: u64,
    /// Frames a second.
    pub fps: Option<f64>,
    /// By cause: capture, encoder, network, lost on the way.
    pub drops: [u64; 4],
    /// The picture's or the sound's fault.
    pub source_problem: Option<String>,
    /// The sound's fault.
    pub sound_problem: Option<String>,
    /// Louder channel, dBFS; None is silence.
    pub sound_dbfs: Option<f64>,
    /// Picture's bitrate, kb/s.
    pub measured_kbps: Option<f64>,
    /// Kept for a replay, s.
    pub replay_s: f64,
    /// A recording runs.
    pub recording: bool,
}

impl Remote {
    /// Of the console on this port of loopback; connects with the first request.
    pub fn new(port: u16) -> Self {
        Self { port, socket: None }
    }

    /// One request's answer.
    ///
    /// # Errors
    /// No connection, or what the console says against it.
    pub fn ask(&mut self, kind: &str, data: Value) -> Result<Value, String> {
        let answer = self.try_ask(kind, data);
        if answer.is_err() {
            self.socket = None;
        }
        let answer = answer?;
        if answer["requestStatus"]["result"] != true {
            return Err(format!("{kind}: {}", answer["requestStatus"]));
        }
        Ok(answer["responseData"].clone())
    }

    /// Sets off a named operation, see docs/keys.md.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub fn operation(&mut self, name: &str) -> Result<(), String> {
        self.ask("TriggerHotkeyByName", json!({ "hotkeyName": name }))?;
        Ok(())
    }

    /// How the show stands.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub fn status(&mut self) -> Result<Status, String> {
        let asked = json!({ "vendorName": "pd-console", "requestType": "get_status" });
        let answer = self.ask("CallVendorRequest", asked)?;
        Ok(status(&answer["responseData"]))
    }

    fn try_ask(&mut self, kind: &str, data: Value) -> Result<Value, String> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(connect(self.port)?),
        };
        let request =
            json!({"op": 6, "d": {"requestType": kind, "requestId": "1", "requestData": data}});
        let sent = socket.send(Message::text(request.to_string()));
        sent.map_err(|e| e.to_string())?;
        loop {
            let answer = read(socket)?;
            if answer["op"] == 7 {
                return Ok(answer["d"].clone());
            }
        }
    }
}

fn connect(port: u16) -> Result<WebSocket<TcpStream>, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    // A show's end is waited for by the request that asks for it.
    let limit = Some(Duration::from_secs(10));
    stream.set_read_timeout(limit).map_err(|e| e.to_string())?;
    let address = format!("ws://127.0.0.1:{port}");
    let (mut socket, _) = tungstenite::client(address, stream).map_err(|e| e.to_string())?;
    let hello = read(&mut socket)?;
    let of = |name: &str| hello["d"]["authentication"][name].as_str().unwrap_or("");
    let answer = auth::answer(PASSWORD, of("salt"), of("challenge"));
    let identify = json!({"op": 1, "d": {
        "rpcVersion": 1, "authentication": answer, "eventSubscriptions": 0,
    }});
    let sent = socket.send(Message::text(identify.to_string()));
    sent.map_err(|e| e.to_string())?;
    match read(&mut socket)?["op"].as_u64() {
        Some(2) => Ok(socket),
        other => Err(format!("not identified: {other:?}")),
    }
}

fn read(socket: &mut WebSocket<TcpStream>) -> Result<Value, String> {
    loop {
        if let Message::Text(text) = socket.read().map_err(|e| e.to_string())? {
            return serde_json::from_str(&text).map_err(|e| e.to_string());
        }
    }
}

fn status(told: &Value) -> Status {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let levels = told["sound"]["peak_dbfs"].as_array();
    let levels = levels.map(|both| both.iter().filter_map(Value::as_f64));
    Status {
        state: text(&told["tally"]["state"]).unwrap_or_default(),
        arrived_ms: told["latency"]["arrived_ms"].as_f64(),
        sent_ms: told["latency"]["sent_ms"].as_f64(),
        sound_ms: told["latency"]["sound_arrived_ms"].as_f64(),
        frames: told["frames"].as_u64().unwrap_or_default(),
        fps: told["measured_fps"].as_f64(),
        drops: ["capture", "encoder", "network", "lost"]
            .map(|cause| told["drops"][cause].as_u64().unwrap_or_default()),
        source_problem: text(&told["source_problem"]),
        sound_problem: text(&told["sound"]["problem"]),
        sound_dbfs: levels.and_then(|levels| levels.max_by(f64::total_cmp)),
        measured_kbps: told["bitrate"]["measured_kbps"].as_f64(),
        replay_s: told["recording"]["replay_seconds"]
            .as_f64()
            .unwrap_or_default(),
        recording: told["recording"]["on"] == true,
    }
}
