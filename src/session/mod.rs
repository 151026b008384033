//! A show: the state machine, the threads that carry it out, what the window may ask and see.

pub mod backoff;
pub mod command;
pub mod machine;
pub mod snapshot;

pub use command::Command;
pub use snapshot::Snapshot;
