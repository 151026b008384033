//! The remote control's server: one thread, `pd-remote`, for the listener and all clients, woken by
//! the system; it sleeps while nobody is connected. It reads the session's snapshots and sends it
//! commands, and nothing ever waits for it.
//!
//! Under pressure: connections beyond [`CONNECTIONS`], or [`UNIDENTIFIED`] without the password, are
//! closed at once; see [`super::connection`] for a slow client.

use super::auth::Wrongs;
use super::client::Gate;
use super::codec::Form;
use super::connection::{Connection, Means, Turned};
use super::events::{self, Event, Seen};
use super::password::Keeper;
use super::protocol::{self, Close, subscription};
use super::request::Load;
use crate::clock::{self, MonoTime};
use crate::panics::text_of;
use crate::session::journal::Journal;
use crate::session::{Console, Secret};
use crate::stop::ends_by;
use crate::viewer::links;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Connections at once.
pub const CONNECTIONS: usize = 32;
/// Of them without the password so far; and from one address half of that.
pub const UNIDENTIFIED: usize = 12;
/// From one look at the session to the next, while someone is connected.
const TICK: Duration = Duration::from_millis(50);
/// Deadlines and pings are looked at so often.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// A client that is told of the end has so long to take it.
const FAREWELL: Duration = Duration::from_millis(200);
/// Wrong passwords are said in the journal once in this time.
const SAY_AGAIN: Duration = Duration::from_secs(60);

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const FIRST_CLIENT: usize = 2;

/// What others may do to the running thread.
#[derive(Default)]
struct Orders {
    stop: AtomicBool,
    /// The program ends.
    exit: AtomicBool,
    /// The password is another one.
    renewed: AtomicBool,
    /// Clients with the password.
    clients: AtomicUsize,
}

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    orders: Arc<Orders>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// What a server works with.
#[derive(Clone)]
pub struct Setup {
    /// The session.
    pub console: Arc<dyn Console + Send + Sync>,
    /// The password.
    pub keeper: Keeper,
    /// For the operator.
    pub journal: Journal,
}

impl Server {
    /// Listens on `port` (0: any), for this machine or for the local network.
    ///
    /// # Errors
    /// Where the port cannot be had, or no thread.
    pub fn start(port: u16, lan: bool, setup: Setup) -> io::Result<Self> {
        let ip = if lan {
            Ipv4Addr::UNSPECIFIED
        } else {
            Ipv4Addr::LOCALHOST
        };
        let mut listener = TcpListener::bind((ip, port).into())?;
        let address = listener.local_addr()?;
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let orders = Arc::new(Orders::default());
        let salt = super::auth::random()?;
        let loops = orders.clone();
        let thread = std::thread::Builder::new()
            .name("pd-remote".into())
            .spawn(move || {
                let mut desk = Reception {
                    poll,
                    listener,
                    setup,
                    salt,
                    orders: loops,
                    connections: HashMap::new(),
                    next_token: FIRST_CLIENT,
                    wrongs: Wrongs::default(),
                    load: Load::default(),
                    seen: None,
                    kept_at: MonoTime::ZERO,
                    ticked_at: MonoTime::ZERO,
                    commands: 0,
                    said_at: None,
                };
                if let Err(error) = desk.run() {
                    let text = format!("remote control has ended: {error}. Switch it off and on");
                    desk.setup.journal.error(text);
                }
            })?;
        Ok(Self {
            address,
            orders,
            waker,
            thread: Some(thread),
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Clients that have given the password.
    pub fn clients(&self) -> usize {
        self.orders.clients.load(Ordering::Relaxed)
    }

    /// The password is another one: whoever came in with the old one goes.
    pub fn renewed(&self) {
        self.order(&self.orders.renewed);
    }

    /// Tells the clients that the program ends, and ends.
    pub fn exit(&self) {
        self.order(&self.orders.exit);
    }

    fn order(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Relaxed);
        let _ = self.waker.wake();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.order(&self.orders.stop);
        if let Some(thread) = self.thread.take()
            && ends_by(&thread, Instant::now() + Duration::from_secs(1))
        {
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Reception {
    poll: Poll,
    listener: TcpListener,
    setup: Setup,
    salt: String,
    orders: Arc<Orders>,
    connections: HashMap<Token, Connection>,
    next_token: usize,
    wrongs: Wrongs,
    load: Load,
    seen: Option<Seen>,
    kept_at: MonoTime,
    ticked_at: MonoTime,
    /// How many the session had taken at the last look.
    commands: u64,
    said_at: Option<MonoTime>,
}

impl Reception {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        // When a client wants its next turn whatever comes.
        let mut due: Option<MonoTime> = None;
        loop {
            let timeout = self.timeout(due, clock::now());
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            let now = clock::now();
            if self.orders.exit.load(Ordering::Relaxed) {
                let event = protocol::event("ExitStarted", subscription::GENERAL, None);
                self.tell(
                    &Event {
                        intent: subscription::GENERAL,
                        message: event,
                    },
                    now,
                );
                self.farewell(&Close::new(Close::GOING_AWAY, "the PD console ends"));
                return Ok(());
            }
            if self.orders.stop.load(Ordering::Relaxed) {
                self.farewell(&Close::new(
                    Close::GOING_AWAY,
                    "remote control was switched off",
                ));
                return Ok(());
            }
            if self.orders.renewed.swap(false, Ordering::Relaxed) {
                let close = Close::new(Close::SESSION_INVALIDATED, "the password was changed");
                self.close_all(&close, now);
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(now),
                    token => {
                        if let Some(connection) = self.connections.get_mut(&token) {
                            connection.wake();
                        }
                    }
                }
            }
            due = self.turn(now);
            self.tick(now);
            self.keep(now);
            // Last: each of these may have lost one.
            self.count();
        }
    }

    fn timeout(&self, due: Option<MonoTime>, now: MonoTime) -> Option<Duration> {
        if self.connections.is_empty() {
            return None;
        }
        let mut next = self.kept_at + HOUSEKEEPING;
        if self.seen.is_some() {
            next = next.min(self.ticked_at + TICK);
        }
        if let Some(due) = due {
            next = next.min(due);
        }
        let wait = next.since(now);
        // The system's waits are whole milliseconds: no turn for nothing.
        Some(wait.max(Duration::from_millis(u64::from(!wait.is_zero()))))
    }

    fn accept(&mut self, now: MonoTime) {
        loop {
            let (mut stream, address) = match self.listener.accept() {
                Ok(accepted) => accepted,
                // The peer was gone already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                // All are taken, or no handle is free.
                Err(_) => return,
            };
            let peer = address.ip().to_canonical();
            let all = self.connections.values();
            let unknown = all.clone().filter(|c| !c.is_identified());
            let of_peer = unknown.clone().filter(|c| c.peer == peer).count();
            if self.connections.len() >= CONNECTIONS
                || unknown.count() >= UNIDENTIFIED
                || of_peer >= UNIDENTIFIED / 2
                || !links::is_local(peer, &links::networks())
            {
                continue;
            }
            let token = Token(self.next_token);
            self.next_token += 1;
            let both = Interest::READABLE | Interest::WRITABLE;
            if self
                .poll
                .registry()
                .register(&mut stream, token, both)
                .is_ok()
            {
                let connection = Connection::new(stream, peer, now);
                self.connections.insert(token, connection);
            }
        }
    }

    /// Every connection's turn; when one wants the next at the latest.
    fn turn(&mut self, now: MonoTime) -> Option<MonoTime> {
        let mut next: Option<MonoTime> = None;
        let mut told = Vec::new();
        let mut over = Vec::new();
        // Read when someone is about to need it, which is seldom.
        let mut password: Option<Secret> = None;
        for (token, connection) in &mut self.connections {
            let known = connection.is_identified();
            if !known && password.is_none() {
                match self.setup.keeper.read() {
                    Ok(secret) => password = Some(secret),
                    Err(error) => {
                        over.push((*token, Some(format!("remote control: {error}"))));
                        continue;
                    }
                }
            }
            let mut means = Means {
                console: &*self.setup.console,
                now,
                load: &mut self.load,
                told: &mut told,
                gate: Gate {
                    salt: &self.salt,
                    password: password.as_ref().map_or("", Secret::expose),
                    wrongs: &mut self.wrongs,
                },
            };
            // One client's bad luck is not the others'.
            let turned = catch_unwind(AssertUnwindSafe(|| connection.turn(&mut means)));
            match turned {
                Ok(Turned::GoesOn(due)) => {
                    next = [next, due].into_iter().flatten().min();
                }
                Ok(Turned::Over(why)) => over.push((*token, why)),
                Err(panic) => {
                    let text = text_of(&*panic);
                    over.push((*token, Some(format!("remote control: a fault in the program ({text}); that client was disconnected. Please report it"))));
                }
            }
            if !known && connection.is_identified() {
                let text = format!("remote control: a client at {} is in", connection.peer);
                self.setup.journal.info(text);
            }
        }
        for (token, why) in over {
            self.end(token, why);
        }
        if let Some((peer, count)) = self.wrongs.take_news()
            && self.said_at.is_none_or(|at| now.since(at) >= SAY_AGAIN)
        {
            self.said_at = Some(now);
            self.setup.journal.warn(format!(
                "remote control: a wrong password came from {peer} ({count} in a row). `pd-console remote` and the settings' page show the right one"
            ));
        }
        for message in told {
            let intent = subscription::GENERAL;
            self.tell(&Event { intent, message }, now);
        }
        next
    }

    /// Counts the clients; the first one's look at the session begins with it.
    fn count(&mut self) {
        let clients = self.connections.values().filter(|c| c.is_identified());
        let clients = clients.count();
        self.orders.clients.store(clients, Ordering::Relaxed);
        if clients == 0 {
            self.seen = None;
        } else if self.seen.is_none() {
            self.seen = Some(Seen::of(&self.setup.console.snapshot()));
        }
    }

    fn end(&mut self, token: Token, why: Option<String>) {
        if let Some(mut connection) = self.connections.remove(&token)
            && let Some(stream) = connection.stream()
        {
            let _ = self.poll.registry().deregister(stream);
        }
        if let Some(why) = why {
            self.setup.journal.warn(why);
        }
    }

    /// Looks at the session and tells what happened.
    fn tick(&mut self, now: MonoTime) {
        let Some(seen) = &mut self.seen else { return };
        let snapshot = self.setup.console.snapshot();
        let is_due = now.since(self.ticked_at) >= TICK;
        // What a client has just changed is told at once: a key lights up when it is pressed.
        if !is_due && snapshot.commands == self.commands {
            return;
        }
        self.commands = snapshot.commands;
        let mut all = seen.next(&snapshot);
        if is_due {
            self.ticked_at = now;
        }
        let meters = subscription::INPUT_VOLUME_METERS;
        if is_due && self.connections.values().any(|c| c.wants(meters)) {
            all.push(events::meters(&snapshot));
        }
        for event in &all {
            self.tell(event, now);
        }
    }

    /// Sends an event to whoever wants it, written once in each form.
    fn tell(&mut self, event: &Event, now: MonoTime) {
        let mut forms = [const { None }; 2];
        let mut over = Vec::new();
        for (token, connection) in &mut self.connections {
            let message = |form: Form| {
                forms[form as usize]
                    .get_or_insert_with(|| form.encode(&event.message))
                    .clone()
            };
            if let Err(Turned::Over(why)) = connection.tell(event, message, now) {
                over.push((*token, why));
            }
        }
        for (token, why) in over {
            self.end(token, why);
        }
    }

    /// Pings and deadlines.
    fn keep(&mut self, now: MonoTime) {
        if now.since(self.kept_at) < HOUSEKEEPING {
            return;
        }
        self.kept_at = now;
        let mut over = Vec::new();
        for (token, connection) in &mut self.connections {
            if let Err(Turned::Over(why)) = connection.keep_alive(now) {
                over.push((*token, why));
            }
        }
        for (token, why) in over {
            self.end(token, why);
        }
    }

    fn close_all(&mut self, close: &Close, now: MonoTime) {
        let mut over = Vec::new();
        for (token, connection) in &mut self.connections {
            if connection.close(close, now).is_err() {
                over.push((*token, None));
            }
        }
        for (token, why) in over {
            self.end(token, why);
        }
    }

    /// Closes everything; whoever takes it at once knows why.
    fn farewell(&mut self, close: &Close) {
        self.orders.clients.store(0, Ordering::Relaxed);
        self.close_all(close, clock::now());
        let until = Instant::now() + FAREWELL;
        let mut events = Events::with_capacity(16);
        while !self.connections.is_empty() && Instant::now() < until {
            let _ = self.poll.poll(&mut events, Some(TICK / 5));
            for event in &events {
                if let Some(connection) = self.connections.get_mut(&event.token()) {
                    connection.wake();
                }
            }
            self.turn(clock::now());
        }
    }
}
