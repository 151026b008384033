//! MediaMTX: the one that the console runs on loopback, and the API of any.

pub mod client;
pub mod config;
mod folder;
pub mod locate;
mod ports;
pub mod release;
pub mod server;
pub(crate) mod server_log;
pub mod types;
pub mod url;

pub use client::{ApiError, Client};
pub use config::{ManagedConfig, Need};
pub use locate::{LocateError, locate};
pub use ports::Ports;
pub use server::{ManagedServer, ServerError};
pub use types::{Offers, PathInfo, Reader, SrtConnection, WebRtcSession};
