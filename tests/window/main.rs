//! The window as an operator, a keyboard and a screen reader meet it, on a session that only
//! records what it is told.
#![cfg(feature = "gui")]

mod access;
mod check;
mod controls;
mod dock;
mod encoder;
mod layout;
mod network;
mod rig;
mod setup;
mod show;
mod strip;
mod toasts;
mod viewers;
