//! The window as an operator, a keyboard and a screen reader meet it, on a session that only
//! records what it is told.
#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used)]

mod access;
mod check;
mod commands;
mod controls;
mod dock;
mod encoder;
mod ime;
mod korean;
mod layout;
mod network;
mod paint;
mod parts;
mod pictures;
mod png_file;
mod remote;
mod rig;
mod room;
mod setting_up;
mod setup;
mod show;
mod strip;
mod toasts;
mod updates;
mod viewers;
mod wizard;
