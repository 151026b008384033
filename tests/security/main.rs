//! What SECURITY.md promises, on the real program: no secret in anything that it writes, shows or starts;
//! private files whatever the umask; no shell; pages of other sites kept out by a real browser.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod browser_rules;
#[path = "../common/mod.rs"]
mod common;
mod modes;
mod reports;
mod secrets;
mod sources;
mod updates;
