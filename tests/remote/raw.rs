//! What no good client does: foreign pages, too much at once, silence, the wrong form; and what the
//! operator does meanwhile: another password, another port.

use super::common::{free_tcp_port, wait_until};
use super::{PASSWORD, Rig};
use pd_console::remote::auth;
use pd_console::session::{Command, Console};
use pd_console::settings::Settings;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

type Socket = WebSocket<TcpStream>;

fn try_connect(port: u16, header: &[(&'static str, &str)]) -> Result<Socket, String> {
    let mut request = format!("ws://127.0.0.1:{port}")
        .into_client_request()
        .unwrap();
    for (name, value) in header {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(*name, value);
    }
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let (socket, _) = tungstenite::client(request, stream).map_err(|e| e.to_string())?;
    Ok(socket)
}

fn connect(port: u16) -> Socket {
    try_connect(port, &[]).unwrap()
}

fn read(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) => return rmp_serde::from_slice(&bytes).unwrap(),
            _ => {}
        }
    }
}

/// The code with which the server closes.
pub fn closed(socket: &mut Socket) -> u16 {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame.map_or(0, |frame| frame.code.into()),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn identify(socket: &mut Socket, password: &str, subscriptions: u64) {
    let hello = read(socket);
    let of = |name: &str| hello["d"]["authentication"][name].as_str().unwrap();
    let answer = auth::answer(password, of("salt"), of("challenge"));
    let identify = json!({"op": 1, "d": {
        "rpcVersion": 1, "authentication": answer, "eventSubscriptions": subscriptions,
    }});
    socket.send(Message::text(identify.to_string())).unwrap();
}

fn identified(port: u16, subscriptions: u64) -> Socket {
    identified_with(port, PASSWORD, subscriptions)
}

/// A connection that has given its password.
pub fn identified_with(port: u16, password: &str, subscriptions: u64) -> Socket {
    let mut socket = connect(port);
    identify(&mut socket, password, subscriptions);
    assert_eq!(read(&mut socket)["op"], 2);
    socket
}

/// Whether the password is taken, or how the connection is closed.
pub fn try_identify(port: u16, password: &str) -> Result<(), u16> {
    let mut socket = connect(port);
    identify(&mut socket, password, 0);
    match socket.read() {
        Ok(Message::Close(frame)) => Err(frame.map_or(0, |frame| frame.code.into())),
        Ok(_) => Ok(()),
        Err(error) => panic!("{error}"),
    }
}

fn ask(socket: &mut Socket, kind: &str, data: Value) -> Value {
    let request =
        json!({"op": 6, "d": {"requestType": kind, "requestId": "1", "requestData": data}});
    socket.send(Message::text(request.to_string())).unwrap();
    loop {
        let answer = read(socket);
        if answer["op"] == 7 {
            return answer["d"].clone();
        }
    }
}

#[test]
fn pages_from_elsewhere_do_not_get_in_and_the_form_is_negotiated() {
    let rig = Rig::start(|_| {});
    let port = rig.port;
    let refused = try_connect(port, &[("Origin", "https://example.com")]);
    assert!(refused.unwrap_err().contains("403"));
    try_connect(port, &[("Origin", "http://localhost:8080")]).unwrap();
    // By a name that a foreign name server points here.
    let own = ("Origin", "http://localhost:8080");
    let rebound = try_connect(port, &[own, ("Host", "evil.example:4455")]);
    assert!(rebound.unwrap_err().contains("403"));
    let both = [("Sec-WebSocket-Protocol", "obswebsocket.msgpack")];
    let mut socket = try_connect(port, &both).unwrap();
    let Message::Binary(hello) = socket.read().unwrap() else {
        panic!("no MessagePack");
    };
    let hello: Value = rmp_serde::from_slice(&hello).unwrap();
    assert_eq!(hello["op"], 0);
    let before_identify = json!({"op": 6, "d": {}});
    socket
        .send(Message::binary(
            rmp_serde::to_vec(&before_identify).unwrap(),
        ))
        .unwrap();
    assert_eq!(closed(&mut socket), 4007);
    // Plain HTTP and nonsense.
    for words in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00nonsense\r\n\r\n",
    ] {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Closed, with or without a word.
        let _ = stream.read_to_end(&mut answer);
    }
    identified(port, 0);
}

#[test]
fn wrong_words_are_closed_with_their_codes_and_nobody_else_is_disturbed() {
    let rig = Rig::start(|_| {});
    let mut other = identified(rig.port, 1023);
    let mut socket = connect(rig.port);
    identify(&mut socket, "wrong", 0);
    assert_eq!(closed(&mut socket), 4009);
    for (message, code) in [
        (Message::text("{"), 4002),
        (Message::binary(vec![0x80]), 4002),
        (Message::text("[]"), 4002),
        (Message::text(r#"{"op":99,"d":{}}"#), 4006),
        (Message::text(r#"{"op":1,"d":{}}"#), 4008),
        (
            Message::text(r#"{"op":6,"d":{"requestType":"GetVersion"}}"#),
            4003,
        ),
        (
            Message::text("x".repeat(300_000)),
            u16::from(CloseCode::Size),
        ),
    ] {
        let mut socket = identified(rig.port, 0);
        socket.send(message).unwrap();
        assert_eq!(closed(&mut socket), code);
    }
    let mut socket = connect(rig.port);
    socket.send(Message::text("x".repeat(5_000))).unwrap();
    read(&mut socket);
    assert_eq!(
        closed(&mut socket),
        u16::from(CloseCode::Size),
        "before the password"
    );
    let answer = ask(&mut other, "GetVersion", Value::Null);
    assert_eq!(answer["requestStatus"]["code"], 100);
}

#[test]
fn a_client_that_takes_nothing_is_dropped_and_the_others_are_served() {
    let rig = Rig::start(|_| {});
    let mut slow = identified(rig.port, 1);
    // The system's own buffers may hold megabytes: they are filled with events that it never reads.
    let mut good = identified(rig.port, 0);
    rig.wait("both", |rig| rig.session.snapshot().remote.clients == 2);
    let text = "x".repeat(200_000);
    let began = Instant::now();
    let limit = Duration::from_secs(30);
    while rig.session.snapshot().remote.clients == 2 && began.elapsed() < limit {
        let answer = ask(
            &mut good,
            "BroadcastCustomEvent",
            json!({"eventData": {"text": text}}),
        );
        assert_eq!(answer["requestStatus"]["code"], 100);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        rig.session.snapshot().remote.clients,
        1,
        "the slow one is still there"
    );
    let lines = rig.journal.lines();
    let said = |text: &str| lines.iter().any(|line| line.text.contains(text));
    assert!(said("does not take what it is sent"), "{lines:?}");
    ask(&mut good, "GetVersion", Value::Null);
    let _ = slow.get_mut();
    // The session went on all the time.
    let asked = Instant::now();
    rig.session.send(Command::SetMuted { muted: true });
    assert!(wait_until(Duration::from_secs(1), || {
        rig.session.snapshot().settings.audio.muted
    }));
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[test]
fn strangers_cannot_take_all_places() {
    let rig = Rig::start(|_| {});
    let mut good = identified(rig.port, 0);
    let strangers: Vec<_> = (0..40)
        .filter_map(|_| TcpStream::connect(("127.0.0.1", rig.port)).ok())
        .collect();
    let answer = ask(&mut good, "GetVersion", Value::Null);
    assert_eq!(answer["requestStatus"]["code"], 100);
    drop(strangers);
    let mut why = String::new();
    let came = wait_until(Duration::from_secs(5), || {
        match try_connect(rig.port, &[]) {
            Ok(mut socket) => match socket.read() {
                Ok(_) => return true,
                Err(error) => why = format!("read: {error}"),
            },
            Err(error) => why = format!("connect: {error}"),
        }
        false
    });
    assert!(
        came,
        "no place after the strangers have gone: {why} {:?}",
        rig.journal.lines()
    );
}

#[test]
fn the_operator_moves_it_while_it_is_used() {
    let rig = Rig::start(|_| {});
    let mut socket = identified(rig.port, 1023);
    let other = free_tcp_port();
    let change = |change: &dyn Fn(&mut Settings)| {
        let mut settings = rig.session.snapshot().settings.clone();
        change(&mut settings);
        rig.session.send(Command::ApplySettings(Box::new(settings)));
    };
    change(&|settings| settings.remote.port = other);
    assert_eq!(closed(&mut socket), 1001);
    rig.wait("moved", |rig| {
        rig.session.snapshot().remote.addresses == [format!("ws://127.0.0.1:{other}")]
    });
    assert!(TcpStream::connect(("127.0.0.1", rig.port)).is_err());
    let mut socket = identified(other, 1023);
    change(&|settings| settings.remote.on = false);
    assert_eq!(closed(&mut socket), 1001);
    rig.wait("off", |rig| {
        rig.session.snapshot().remote.addresses.is_empty()
    });
    assert!(TcpStream::connect(("127.0.0.1", other)).is_err());
    change(&|settings| settings.remote.on = true);
    rig.wait("on", |rig| {
        !rig.session.snapshot().remote.addresses.is_empty()
    });
    let mut socket = identified(other, 1);
    let session = rig.session;
    let end = std::thread::spawn(move || session.quit());
    let event = read(&mut socket);
    assert_eq!(event["d"]["eventType"], "ExitStarted");
    assert_eq!(closed(&mut socket), 1001);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    end.join().unwrap();
}
