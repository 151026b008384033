//! Everything that an operator can do, each thing under a name that stays. The window (keys, palette,
//! buttons), the remote control and the command line go through this list and nothing else.
//!
//! Pure: what an operation does is computed from the newest snapshot and handed to the session as
//! [`Command`]s. Runs on the thread of whoever asks; holds nothing, so there is nothing to drop.
//!
//! ```
//! use pd_console::control::{Now, Op, commands};
//! use pd_console::session::{Command, Snapshot};
//! let snapshot = Snapshot::default();
//! let op = Op::from_id("bitrate-set").unwrap();
//! let done = commands(op, Some("2500"), &Now::of(&snapshot));
//! assert_eq!(done, Ok(vec![Command::SetBitrate { kbps: 2500 }]));
//! ```

mod act;
mod argument;
pub mod chord;
pub mod keys;
mod registry;
#[cfg(test)]
mod tests;

pub use act::{Now, commands};
pub use argument::{Takes, input_and_number, input_number, number};
pub use chord::Chord;
pub use keys::{Deed, Keys};
pub use registry::{Group, Op, Owner};

use crate::session::{Command, Console};
use crate::settings::SetError;

/// Why an operation was not carried out: what is so, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No operation of this name.
    #[error(
        "no operation is called `{id}`{}. docs/keys.md lists them all",
        did_you_mean(near)
    )]
    Unknown {
        /// What was asked for.
        id: String,
        /// One that is spelt like it.
        near: Option<&'static str>,
    },
    /// It makes no sense as things stand.
    #[error("{what}. {todo}")]
    NotNow {
        /// What is so, in English, without a full stop.
        what: &'static str,
        /// What to do, a sentence.
        todo: &'static str,
    },
    /// What it takes is missing or not understood.
    #[error("{op} takes {takes}; `{given}` was given. Give it as `{op} {example}`")]
    Argument {
        /// The operation's id.
        op: &'static str,
        /// What it takes, in words.
        takes: String,
        /// What was given.
        given: String,
        /// A good one.
        example: &'static str,
    },
    /// No input of that number.
    #[error("there is no sound input {number}: there are {inputs}. The first one is 1")]
    NoInput {
        /// What was asked for, from 1.
        number: usize,
        /// How many there are.
        inputs: usize,
    },
    /// A setting was not taken.
    #[error("{0}")]
    Setting(#[from] SetError),
    /// It belongs to a window, and there is none or it does not listen.
    #[error(
        "`{op}` is something that the window does, and no window takes it here. Open the window"
    )]
    NoWindow {
        /// The operation's id.
        op: &'static str,
    },
}

impl Refusal {
    /// What is so and what to do.
    pub(crate) const fn not_now(what: &'static str, todo: &'static str) -> Self {
        Self::NotNow { what, todo }
    }
}

fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |id| format!("; did you mean `{id}`?"))
}

/// Carries out the operation of the name `id` without a window, as the remote control and the command
/// line do. What becomes of it is seen in later snapshots.
///
/// # Errors
/// [`Refusal`], the session is as before.
pub fn run(
    console: &dyn Console,
    id: &str,
    argument: Option<&str>,
) -> Result<Vec<Command>, Refusal> {
    let op = Op::named(id)?;
    let snapshot = console.snapshot();
    let commands = commands(op, argument, &Now::of(&snapshot))?;
    for command in &commands {
        console.send(command.clone());
    }
    Ok(commands)
}
