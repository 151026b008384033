//! A show: the state machine, the threads that carry it out, what the window may ask and see.

pub mod command;
pub mod snapshot;

pub use command::Command;
pub use snapshot::Snapshot;
