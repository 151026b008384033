//! Remote control: a WebSocket that speaks obs-websocket 5, so that what drives OBS (Bitfocus
//! Companion, Stream Deck plugins, scripts) drives the console. docs/remote.md is for its users.
//!
//! [`Remote`] lives on the session's thread and starts, moves and ends the [`server`]; where the port
//! is taken it says so and tries again every [`RETRY`]. Off unless switched on; for this machine only
//! unless opened to the local network; never without the password.

pub mod auth;
pub mod client;
pub mod codec;
pub mod connection;
pub mod events;
pub mod job;
pub mod password;
pub mod protocol;
pub mod request;
pub mod server;
#[cfg(any(test, fuzzing))]
pub(crate) mod testing;

use crate::clock::MonoTime;
use crate::session::journal::Journal;
use crate::session::{Console, Secret};
use crate::settings::{RemoteSettings, Secrets};
use crate::viewer::links;
use password::Keeper;
use server::{Server, Setup};
use std::sync::Arc;
use std::time::Duration;

/// From one try for a taken port to the next.
pub const RETRY: Duration = Duration::from_secs(3);
/// So often this machine's addresses and the password's file are looked at anew.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Remote control as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoteStatus {
    /// Where it is to be reached, `ws://host:port`, the best first; empty while it is not served.
    pub addresses: Vec<String>,
    /// Clients that have given the password.
    pub clients: usize,
    /// The password, while it is served.
    pub password: Option<Secret>,
    /// Set where it is not served though it should be, or a password could not be made: what happened
    /// and what to do.
    pub problem: Option<String>,
}

/// Addresses for clients, the best first.
pub fn addresses(port: u16, lan: bool) -> Vec<String> {
    let pages = links::links(port, lan, &links::networks());
    let address = |page: String| {
        let host = page.strip_prefix("http://").unwrap_or(&page);
        format!("ws://{}", host.trim_end_matches('/'))
    };
    pages.into_iter().map(address).collect()
}

/// The server and its settings.
pub struct Remote {
    console: Arc<dyn Console + Send + Sync>,
    keeper: Result<Keeper, String>,
    settings: Option<RemoteSettings>,
    server: Option<Server>,
    status: RemoteStatus,
    next: MonoTime,
}

impl Remote {
    /// Nothing served yet; `secrets` may hold the password.
    pub fn new(console: Arc<dyn Console + Send + Sync>, secrets: &Secrets) -> Self {
        Self {
            console,
            keeper: Keeper::of(secrets).map_err(|error| error.to_string()),
            settings: None,
            server: None,
            status: RemoteStatus::default(),
            next: MonoTime::ZERO,
        }
    }

    /// Brings the server to what is set; cheap where nothing changed.
    pub fn follow(&mut self, settings: &RemoteSettings, now: MonoTime, journal: &Journal) {
        let is_moved = self.settings.as_ref().is_none_or(|old| {
            (old.on, old.port, old.lan) != (settings.on, settings.port, settings.lan)
        });
        if is_moved {
            // The old one gives its port back first.
            self.server = None;
            self.status = RemoteStatus::default();
            self.settings = Some(settings.clone());
            self.next = now;
        }
        if !settings.on || now < self.next {
            return;
        }
        self.next = now + RETRY;
        match self.serve(settings, journal) {
            Ok(addresses) => {
                self.next = now + LOOK_AGAIN;
                self.status.problem = None;
                if addresses != self.status.addresses {
                    let whom = if settings.lan {
                        "the local network, with the password"
                    } else {
                        "this machine only, with the password"
                    };
                    let all = addresses.join(" ");
                    journal.info(format!("remote control ({whom}): {all}"));
                    self.status.addresses = addresses;
                }
            }
            Err(problem) => {
                if self.status.problem.as_ref() != Some(&problem) {
                    journal.warn(problem.clone());
                    self.status.problem = Some(problem);
                }
            }
        }
    }

    /// The server's addresses; started now where it does not run, and told of another password.
    fn serve(
        &mut self,
        settings: &RemoteSettings,
        journal: &Journal,
    ) -> Result<Vec<String>, String> {
        let no_password = |error: &dyn std::fmt::Display| {
            format!("remote control has no password and is not served: {error}")
        };
        let keeper = self.keeper.as_ref().map_err(|e| no_password(e))?;
        let password = keeper.read().map_err(|e| no_password(&e))?;
        if let Some(server) = &self.server
            && self.status.password.as_ref() != Some(&password)
        {
            server.renewed();
        }
        if self.server.is_none() {
            let setup = Setup {
                console: self.console.clone(),
                keeper: keeper.clone(),
                journal: journal.clone(),
            };
            let started = Server::start(settings.port, settings.lan, setup);
            let server = started.map_err(|error| refused(settings.port, &error))?;
            self.server = Some(server);
        }
        self.status.password = Some(password);
        let port = self.server.as_ref().map_or(settings.port, Server::port);
        Ok(addresses(port, settings.lan))
    }

    /// Makes another password.
    pub fn renew(&mut self, journal: &Journal) {
        let renewed = match &self.keeper {
            Ok(keeper) => keeper.renew().map_err(|error| error.to_string()),
            Err(error) => Err(error.clone()),
        };
        match renewed {
            Ok(password) => {
                if self.server.is_some() {
                    self.status.password = Some(password);
                }
                if let Some(server) = &self.server {
                    server.renewed();
                }
                journal.info(
                    "remote control has a new password; who was connected needs it to come back",
                );
            }
            Err(error) => journal.warn(format!("remote control keeps its password: {error}")),
        }
    }

    /// The program ends: the clients are told.
    pub fn exit(&mut self) {
        if let Some(server) = self.server.take() {
            server.exit();
        }
        self.status = RemoteStatus::default();
    }

    /// As the operator sees it.
    pub fn status(&self) -> RemoteStatus {
        RemoteStatus {
            clients: self.server.as_ref().map_or(0, Server::clients),
            ..self.status.clone()
        }
    }
}

fn refused(port: u16, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program has it (OBS Studio's own port is 4455)",
        std::io::ErrorKind::PermissionDenied => {
            "the system does not allow it; ports from 1024 on are free for all"
        }
        _ => &error.to_string(),
    };
    format!(
        "remote control cannot have port {port}: {why}. Give it another in the settings (remote.port), or end that program; it is tried again every {} s",
        RETRY.as_secs()
    )
}

#[cfg(test)]
mod tests;
