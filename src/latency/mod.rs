//! Each frame's way through the console and to the receiver, and what is made of it.

pub mod ledger;
pub mod passage;
pub mod sound;
pub mod trace;
pub mod window;

pub use ledger::{Cursor, Ledger, Stage, Taken};
