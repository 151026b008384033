//! A desktop portal as the tests want it: org.freedesktop.portal.ScreenCast, version 4.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use zbus::blocking::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{ObjectPath, OwnedFd, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, fdo, interface};

const DESKTOP: &str = "/org/freedesktop/portal/desktop";

type Options = HashMap<String, OwnedValue>;

/// What the operator does in the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Chooses this node.
    Chooses(u32),
    /// Presses "cancel".
    Cancels,
    /// Went for coffee.
    IsAway,
}

/// What was asked, and what is to be answered.
#[derive(Debug)]
pub struct Script {
    pub operator: Operator,
    /// Whether a token that is shown is an error, as for one that is no UUID.
    pub refuses_tokens: bool,
    /// Whether the desktop runs without PipeWire.
    pub lacks_pipewire: bool,
    /// The token that came with each SelectSources.
    pub tokens: Vec<Option<String>>,
    /// The options types, cursor_mode and persist_mode of the last one.
    pub asked: [u32; 3],
    /// Tokens given out.
    pub given: u32,
    pub sessions_closed: u32,
    session: Option<String>,
}

/// The portal on its bus; ends with its holder.
pub struct Portal {
    bus: zbus::blocking::Connection,
    pub script: Arc<Mutex<Script>>,
}

impl Portal {
    pub fn start(address: &str, pipewire: PathBuf, operator: Operator) -> Self {
        let script = Arc::new(Mutex::new(Script {
            operator,
            refuses_tokens: false,
            lacks_pipewire: false,
            tokens: Vec::new(),
            asked: [0; 3],
            given: 0,
            sessions_closed: 0,
            session: None,
        }));
        let cast = ScreenCast {
            script: script.clone(),
            pipewire,
        };
        let bus = Builder::address(address)
            .unwrap()
            .serve_at(DESKTOP, cast)
            .unwrap()
            .name("org.freedesktop.portal.Desktop")
            .unwrap()
            .build()
            .unwrap();
        Self { bus, script }
    }

    /// The operator presses the desktop's "stop sharing".
    pub fn end_session(&self) {
        let session = self.script.lock().unwrap().session.clone().unwrap();
        let details: HashMap<&str, Value<'_>> = HashMap::new();
        self.bus
            .emit_signal(
                None::<&str>,
                session,
                "org.freedesktop.portal.Session",
                "Closed",
                &(details,),
            )
            .unwrap();
    }
}

struct ScreenCast {
    script: Arc<Mutex<Script>>,
    pipewire: PathBuf,
}

/// An error of the portal's own.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.freedesktop.portal.Error")]
enum Fault {
    #[zbus(error)]
    ZBus(zbus::Error),
    Failed(String),
}

struct Session(Arc<Mutex<Script>>);

#[interface(name = "org.freedesktop.portal.Session")]
impl Session {
    fn close(&self) {
        self.0.lock().unwrap().sessions_closed += 1;
    }
}

fn text(options: &Options, name: &str) -> Option<String> {
    let value = options.get(name)?;
    value.downcast_ref::<&str>().ok().map(ToOwned::to_owned)
}

fn number(options: &Options, name: &str) -> u32 {
    options
        .get(name)
        .and_then(|value| value.downcast_ref::<u32>().ok())
        .unwrap_or(0)
}

/// The object of a request or a session, by the portal's rule.
fn path_of(kind: &str, header: &Header<'_>, token: &str) -> OwnedObjectPath {
    let sender = header.sender().unwrap().trim_start_matches(':');
    let sender = sender.replace('.', "_");
    let path = format!("{DESKTOP}/{kind}/{sender}/{token}");
    ObjectPath::try_from(path).unwrap().into()
}

/// Answers a request. scap, which gives no token or one of its own, listens only once the call has
/// returned; it gets its answer a little later, as from a portal with a dialog.
async fn respond(
    bus: &Connection,
    header: &Header<'_>,
    options: &Options,
    code: u32,
    results: HashMap<&'static str, Value<'static>>,
) -> OwnedObjectPath {
    let token = text(options, "handle_token").unwrap_or_else(|| "scap".into());
    let path = path_of("request", header, &token);
    let (to, from) = (header.sender().map(|name| name.to_owned()), path.clone());
    let (interface, member) = ("org.freedesktop.portal.Request", "Response");
    if token.starts_with("scap") {
        let bus = zbus::blocking::Connection::from(bus.clone());
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            bus.emit_signal(to, from, interface, member, &(code, results))
                .unwrap();
        });
    } else {
        bus.emit_signal(to, from, interface, member, &(code, results))
            .await
            .unwrap();
    }
    path
}

#[interface(name = "org.freedesktop.portal.ScreenCast")]
impl ScreenCast {
    async fn create_session(
        &self,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> OwnedObjectPath {
        let token = text(&options, "session_handle_token").unwrap();
        let session = path_of("session", &header, &token);
        bus.object_server()
            .at(&session, Session(self.script.clone()))
            .await
            .unwrap();
        self.script.lock().unwrap().session = Some(session.to_string());
        let results = HashMap::from([("session_handle", Value::from(session.to_string()))]);
        respond(bus, &header, &options, 0, results).await
    }

    async fn select_sources(
        &self,
        _session: OwnedObjectPath,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> fdo::Result<OwnedObjectPath> {
        {
            let mut script = self.script.lock().unwrap();
            let token = text(&options, "restore_token");
            script.tokens.push(token.clone());
            script.asked =
                ["types", "cursor_mode", "persist_mode"].map(|name| number(&options, name));
            if script.refuses_tokens && token.is_some() {
                return Err(fdo::Error::InvalidArgs("restore token is no UUID".into()));
            }
        }
        Ok(respond(bus, &header, &options, 0, HashMap::new()).await)
    }

    async fn start(
        &self,
        _session: OwnedObjectPath,
        _parent: String,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> OwnedObjectPath {
        let (operator, given) = {
            let mut script = self.script.lock().unwrap();
            script.given += 1;
            (script.operator, script.given)
        };
        match operator {
            Operator::IsAway => {
                path_of("request", &header, &text(&options, "handle_token").unwrap())
            }
            Operator::Cancels => respond(bus, &header, &options, 1, HashMap::new()).await,
            Operator::Chooses(node) => {
                let stream = HashMap::from([("source_type", Value::from(1_u32))]);
                let results = HashMap::from([
                    ("streams", Value::from(vec![(node, stream)])),
                    ("restore_token", Value::from(format!("token-{given}"))),
                ]);
                respond(bus, &header, &options, 0, results).await
            }
        }
    }

    fn open_pipe_wire_remote(
        &self,
        _session: OwnedObjectPath,
        _options: Options,
    ) -> Result<OwnedFd, Fault> {
        if self.script.lock().unwrap().lacks_pipewire {
            return Err(Fault::Failed("Failed to connect to PipeWire".into()));
        }
        let socket = UnixStream::connect(&self.pipewire).unwrap();
        Ok(std::os::fd::OwnedFd::from(socket).into())
    }

    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        4
    }

    /// Monitors and windows.
    #[zbus(property)]
    fn available_source_types(&self) -> u32 {
        3
    }

    /// Hidden and embedded.
    #[zbus(property)]
    fn available_cursor_modes(&self) -> u32 {
        3
    }
}
