//! A show: the state machine, the threads that carry it out, what the window may ask and see.

pub mod adaptive;
pub mod ahead;
pub mod backoff;
pub mod backup;
pub mod choices;
pub mod claim;
pub mod command;
pub mod debounce;
pub mod encoders;
pub mod examine;
pub mod failure;
pub mod hands;
pub mod inputs;
pub mod install;
pub mod journal;
mod keep_meter;
pub mod knock;
pub mod ladder;
pub mod last_state;
pub mod lineup;
pub mod link;
mod live_settings;
pub mod machine;
pub mod notices;
pub mod outlet;
mod passage;
pub mod preflight;
pub mod profiles;
pub mod pump;
pub mod runtime;
pub mod show;
pub mod sleep;
pub mod snapshot;
pub mod steps;
pub mod tuning;
mod updates;
pub mod view;
pub mod watch;
pub mod way;
mod worker;

pub use command::{Command, Secret};
pub use live_settings::{live_settings, taken};
pub use runtime::Session;
pub use snapshot::Snapshot;

use crate::capture::Choice;
use std::sync::Arc;

/// A session as seen from outside: what it shows, and what may be asked of it. Window, command line
/// and tests hold nothing else of it. No method blocks.
pub trait Console {
    /// The newest picture of the session.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Hands a command over; what becomes of it is seen in later snapshots.
    fn send(&self, command: Command);

    /// The same; the command's number, by which [`Snapshot::commands`] tells that it was taken. None
    /// where commands are not counted, or it was lost.
    fn send_counted(&self, command: Command) -> Option<u64> {
        self.send(command);
        None
    }

    /// Someone without a window wants to see the picture: snapshots that are made from now on have a
    /// preview of the next seconds, or none.
    fn glance(&self) {}

    /// Process ids of the children by role.
    fn pids(&self) -> Vec<(&'static str, u32)> {
        Vec::new()
    }

    /// Names of the sound inputs that can be chosen, empty where none is known. Called now and
    /// then from the window's thread: an implementation answers from what it has looked up before.
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Screens, monitors and windows that can be chosen; as [`Console::inputs`].
    fn pictures(&self) -> Vec<Choice> {
        Vec::new()
    }
}
