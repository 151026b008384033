//! One connection: the HTTP request that opens it, the WebSocket, the client behind it.
//!
//! Runs on `pd-remote`, never waits. Under pressure: a client that takes nothing for [`STALLED`] is
//! dropped; while it takes nothing, levels and latency pass it by; what cannot wait any more (over
//! [`UNSENT`]) drops it at once.

use super::auth::is_own_origin;
use super::client::{Client, Gate};
use super::codec::Form;
use super::events::Event;
use super::protocol::{Close, subscription};
use super::request::Load;
use crate::clock::MonoTime;
use crate::session::Console;
use crate::viewer::http::is_our_name;
use crate::viewer::links;
use mio::net::TcpStream;
use serde_json::Value;
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response, ServerHandshake};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::{HeaderValue, StatusCode};
use tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tungstenite::{Error, Message, WebSocket};

/// Connecting, greeting and the password take no longer than this.
const GREETED_WITHIN: Duration = Duration::from_secs(10);
/// The same where the password has to wait because others were wrong.
const CHECKED_WITHIN: Duration = Duration::from_secs(70);
/// A client that takes nothing for so long is dropped.
pub const STALLED: Duration = Duration::from_secs(5);
/// Bytes that may wait for a client: a screenshot is some hundred thousand.
pub const UNSENT: usize = 4 << 20;
/// A message that is longer is refused.
pub const MESSAGE: usize = 256 << 10;
/// The same before the password.
const FIRST_MESSAGE: usize = 4 << 10;
/// Silent so long, a client is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(20);
/// And so long, dropped.
const GONE_AFTER: Duration = Duration::from_secs(60);
/// A closed connection waits so long for the client's word.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
/// Messages of one client before others have their turn.
const AT_ONCE: usize = 16;

/// What a connection's turn needs.
pub struct Means<'a> {
    /// The session.
    pub console: &'a dyn Console,
    /// The time.
    pub now: MonoTime,
    /// The machine's load.
    pub load: &'a mut Load,
    /// What other clients are to be told.
    pub told: &'a mut Vec<Value>,
    /// The password.
    pub gate: Gate<'a>,
}

/// Looks at the request that opens a connection and takes the form of its messages from it.
struct Greeter(Rc<Cell<Form>>);

impl Callback for Greeter {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        let header = |name: &str| request.headers().get(name).map(HeaderValue::to_str);
        let refusal = |why: &str| {
            let mut answer = ErrorResponse::new(Some(why.to_owned()));
            *answer.status_mut() = StatusCode::FORBIDDEN;
            answer
        };
        match header("Origin") {
            None => {}
            Some(Ok(origin)) if is_own_origin(Some(origin)) => {}
            Some(_) => return Err(refusal("no page from elsewhere may connect here")),
        }
        // A browser: the name by which it came here must be ours too (DNS rebinding). Other programs may
        // know this machine by any name.
        let host = header("Host").and_then(Result::ok).unwrap_or_default();
        if header("Origin").is_some() && !is_our_name(host, &links::names()) {
            return Err(refusal("remote control is not served under that name"));
        }
        let protocols = request.headers().get_all("Sec-WebSocket-Protocol");
        let form = protocols
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(Form::of);
        if let Some(form) = form {
            self.0.set(form);
            let value = HeaderValue::from_static(form.protocol());
            response
                .headers_mut()
                .insert("Sec-WebSocket-Protocol", value);
        }
        Ok(response)
    }
}

enum Link {
    /// The HTTP request is not whole yet.
    Opening(Option<Box<MidHandshake<ServerHandshake<TcpStream, Greeter>>>>),
    Open(Box<WebSocket<TcpStream>>),
}

/// A connection.
pub struct Connection {
    link: Link,
    form: Rc<Cell<Form>>,
    /// Whose it is.
    pub peer: IpAddr,
    client: Option<Client>,
    /// There may be something to be read.
    readable: bool,
    since: MonoTime,
    heard: MonoTime,
    pinged: MonoTime,
    blocked_since: Option<MonoTime>,
    closing: Option<MonoTime>,
    /// Nothing more is read.
    deaf: bool,
}

/// What became of a connection in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It goes on; it wants another turn then, whatever comes.
    GoesOn(Option<MonoTime>),
    /// It is over; for the operator, where that is of interest.
    Over(Option<String>),
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: TcpStream, peer: IpAddr, now: MonoTime) -> Self {
        // Answers are small and awaited.
        let _ = stream.set_nodelay(true);
        let form = Rc::new(Cell::new(Form::default()));
        let config = WebSocketConfig::default()
            .read_buffer_size(8 << 10)
            .write_buffer_size(16 << 10)
            .max_write_buffer_size(UNSENT)
            .max_message_size(Some(FIRST_MESSAGE))
            .max_frame_size(Some(FIRST_MESSAGE));
        let opening = ServerHandshake::start(stream, Greeter(form.clone()), Some(config));
        Self {
            link: Link::Opening(Some(Box::new(opening))),
            form,
            peer,
            client: None,
            readable: true,
            since: now,
            heard: now,
            pinged: now,
            blocked_since: None,
            closing: None,
            deaf: false,
        }
    }

    /// Whether it has given the password and is not being closed.
    pub fn is_identified(&self) -> bool {
        self.closing.is_none() && self.client.as_ref().is_some_and(Client::is_identified)
    }

    /// Whether it wants events of `intent`.
    pub fn wants(&self, intent: u64) -> bool {
        self.closing.is_none()
            && self
                .client
                .as_ref()
                .is_some_and(|client| client.wants(intent))
    }

    /// The system says that there is something to read, or room to write.
    pub fn wake(&mut self) {
        self.readable = true;
    }

    /// The socket, for its end.
    pub fn stream(&mut self) -> Option<&mut TcpStream> {
        match &mut self.link {
            Link::Open(socket) => Some(socket.get_mut()),
            Link::Opening(_) => None,
        }
    }

    /// Reads, answers, writes, as far as it goes without waiting.
    pub fn turn(&mut self, means: &mut Means<'_>) -> Turned {
        let now = means.now;
        let more = match self.work(means) {
            Ok(more) => more,
            Err(turned) => return turned,
        };
        if let Some(why) = self.overdue(now) {
            return Turned::Over(why);
        }
        let busy = self.client.as_ref().and_then(|client| client.due(now));
        let next = match busy {
            Some(due) => Some(due),
            None if more => Some(now),
            None => None,
        };
        Turned::GoesOn(next.filter(|_| self.closing.is_none()))
    }

    fn work(&mut self, means: &mut Means<'_>) -> Result<bool, Turned> {
        if matches!(self.link, Link::Opening(_)) && !self.open(means)? {
            return Ok(false);
        }
        let mut more = false;
        let mut count = 0;
        loop {
            self.proceed(means)?;
            let busy = self.client.as_ref().is_some_and(Client::is_busy);
            if !self.readable || busy || self.deaf {
                break;
            }
            if count == AT_ONCE {
                more = true;
                break;
            }
            count += 1;
            self.read(means)?;
        }
        self.flush(means.now)?;
        Ok(more)
    }

    /// Goes on with the HTTP request; true once the WebSocket is open.
    fn open(&mut self, means: &mut Means<'_>) -> Result<bool, Turned> {
        let Link::Opening(opening) = &mut self.link else {
            return Ok(true);
        };
        if !self.readable {
            return Ok(false);
        }
        let Some(middle) = opening.take() else {
            return Err(Turned::Over(None));
        };
        self.readable = false;
        match middle.handshake() {
            Ok(socket) => {
                self.link = Link::Open(Box::new(socket));
                self.readable = true;
                let challenge = super::auth::random().map_err(|error| {
                    Turned::Over(Some(format!("the system gives no random bytes: {error}")))
                })?;
                let (client, hello) =
                    Client::greet(self.form.get(), self.peer, means.gate.salt, challenge);
                self.client = Some(client);
                self.say(&hello, means.now)?;
                Ok(true)
            }
            Err(HandshakeError::Interrupted(middle)) => {
                self.link = Link::Opening(Some(Box::new(middle)));
                Ok(false)
            }
            // No WebSocket, or a page from elsewhere, which has its answer.
            Err(HandshakeError::Failure(_)) => Err(Turned::Over(None)),
        }
    }

    /// Goes on with what is under way.
    fn proceed(&mut self, means: &mut Means<'_>) -> Result<(), Turned> {
        let now = means.now;
        let Some(client) = self.client.as_mut().filter(|_| self.closing.is_none()) else {
            return Ok(());
        };
        match client.turn_gate(now, &mut means.gate) {
            Ok(Some(word)) => return self.say(&word, now),
            Ok(None) => {}
            Err(close) => return self.close(&close, now),
        }
        if let Some(answer) = client.turn(means.console, now, means.load, means.told) {
            self.say(&answer, now)?;
        }
        Ok(())
    }

    fn read(&mut self, means: &mut Means<'_>) -> Result<(), Turned> {
        let now = means.now;
        let Link::Open(socket) = &mut self.link else {
            return Ok(());
        };
        let message = match socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return Ok(());
            }
            Err(Error::Capacity(error)) => {
                // What follows is the rest of it, which tungstenite cannot be asked for.
                self.deaf = true;
                let close = Close::new(u16::from(CloseCode::Size), error.to_string());
                return self.close(&close, now);
            }
            // It has gone, or speaks no WebSocket.
            Err(_) => return Err(Turned::Over(None)),
        };
        self.heard = now;
        let Some(client) = self.client.as_mut().filter(|_| self.closing.is_none()) else {
            return Ok(());
        };
        let taken = match client.form.decode(&message) {
            None => return Ok(()),
            Some(decoded) => decoded.and_then(|value| client.take(value, now, &mut means.gate)),
        };
        if client.is_identified() {
            socket.set_config(|config| {
                config.max_message_size = Some(MESSAGE);
                config.max_frame_size = Some(MESSAGE);
            });
        }
        match taken {
            Ok(Some(word)) => self.say(&word, now),
            Ok(None) => Ok(()),
            Err(close) => self.close(&close, now),
        }
    }

    /// Sends a message of ours.
    fn say(&mut self, value: &Value, now: MonoTime) -> Result<(), Turned> {
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        client.messages.1 += 1;
        let message = client.form.encode(value);
        self.write(message, now)
    }

    fn write(&mut self, message: Message, now: MonoTime) -> Result<(), Turned> {
        let Link::Open(socket) = &mut self.link else {
            return Ok(());
        };
        let written = socket.write(message);
        self.wrote(written, now)
    }

    fn wrote(&mut self, written: Result<(), Error>, now: MonoTime) -> Result<(), Turned> {
        match written {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                self.blocked_since.get_or_insert(now);
                Ok(())
            }
            Err(Error::WriteBufferFull(_)) => Err(Turned::Over(Some(self.too_slow()))),
            // Of a connection that is being closed already.
            Err(_) if self.closing.is_some() => Ok(()),
            Err(_) => Err(Turned::Over(None)),
        }
    }

    fn too_slow(&self) -> String {
        format!(
            "remote control: the client at {} does not take what it is sent and was disconnected; it may connect again",
            self.peer
        )
    }

    /// Whether everything that was said went out.
    fn flush(&mut self, now: MonoTime) -> Result<(), Turned> {
        let Link::Open(socket) = &mut self.link else {
            return Ok(());
        };
        match socket.flush() {
            Ok(()) => {
                self.blocked_since = None;
                Ok(())
            }
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                self.blocked_since.get_or_insert(now);
                Ok(())
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => Err(Turned::Over(None)),
            Err(other) => self.wrote(Err(other), now),
        }
    }

    /// Begins the closing handshake.
    pub fn close(&mut self, close: &Close, now: MonoTime) -> Result<(), Turned> {
        if self.closing.is_some() {
            return Ok(());
        }
        self.closing = Some(now);
        let Link::Open(socket) = &mut self.link else {
            return Err(Turned::Over(None));
        };
        // A control frame has 125 bytes, two of them the code (RFC 6455, 5.5).
        let mut reason = close.reason.clone();
        while reason.len() > 123 {
            reason.pop();
        }
        let frame = CloseFrame {
            code: CloseCode::from(close.code),
            reason: reason.into(),
        };
        let closed = socket.close(Some(frame));
        self.wrote(closed, now)?;
        self.flush(now)
    }

    /// Sends an event to a client that wants it. `message` is the event in the client's form.
    pub fn tell(
        &mut self,
        event: &Event,
        message: impl FnOnce(Form) -> Message,
        now: MonoTime,
    ) -> Result<(), Turned> {
        if !self.wants(event.intent) {
            return Ok(());
        }
        // What comes again in a moment is not worth waiting for.
        if event.intent == subscription::INPUT_VOLUME_METERS && self.blocked_since.is_some() {
            return Ok(());
        }
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        client.messages.1 += 1;
        let message = message(client.form);
        self.write(message, now)?;
        self.flush(now)
    }

    /// Pings a silent client; when this is to be looked at again is a matter of seconds.
    pub fn keep_alive(&mut self, now: MonoTime) -> Result<(), Turned> {
        let silent = now.since(self.heard.max(self.pinged)) >= PING_AFTER;
        if self.is_identified() && silent {
            self.pinged = now;
            self.write(Message::Ping("".into()), now)?;
            self.flush(now)?;
        }
        match self.overdue(now) {
            Some(why) => Err(Turned::Over(why)),
            None => Ok(()),
        }
    }

    /// Whether its time is over, and what to say of it.
    fn overdue(&self, now: MonoTime) -> Option<Option<String>> {
        let over = |since: MonoTime, limit: Duration| now.since(since) >= limit;
        if self.closing.is_some_and(|at| over(at, CLOSED_WITHIN)) {
            return Some(None);
        }
        if self.blocked_since.is_some_and(|at| over(at, STALLED)) {
            return Some(Some(self.too_slow()));
        }
        let limit = match &self.client {
            Some(client) if client.is_identified() => {
                return over(self.heard, GONE_AFTER).then(|| {
                    Some(format!(
                        "remote control: the client at {} does not answer any more and was disconnected",
                        self.peer
                    ))
                });
            }
            Some(client) if client.is_busy() => CHECKED_WITHIN,
            _ => GREETED_WITHIN,
        };
        over(self.since, limit).then_some(None)
    }
}
