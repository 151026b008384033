//! The way out: publisher sidecars and, where there is no server, the receiver on loopback.

pub mod receiver;
pub mod ts;
