//! A show: the state machine, the threads that carry it out, what the window may ask and see.

pub mod backoff;
pub mod command;
pub mod debounce;
pub mod encoders;
pub mod failure;
pub mod inputs;
pub mod journal;
pub mod machine;
pub mod preflight;
pub mod pump;
pub mod runtime;
pub mod show;
pub mod snapshot;
mod view;
pub mod watch;

pub use command::Command;
pub use runtime::Session;
pub use snapshot::Snapshot;

use std::sync::Arc;

/// A session as the window sees it: one picture of everything, and commands.
pub trait Console: Send + Sync {
    /// The newest picture; never blocks.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// Sends a command; never blocks.
    fn send(&self, command: Command);
    /// Names of the sound inputs that can be chosen; may take some milliseconds.
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }
}
