//! Why a show could not begin or go on: the kind, for exit codes, and the words, for the operator.

/// Kinds of failure; each has its own exit code without a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A setting is out of its bounds or unknown.
    Settings,
    /// No usable ffmpeg.
    Ffmpeg,
    /// No picture.
    Source,
    /// Nothing listens, or the name is not known.
    NoReceiver,
    /// The receiver refuses: user, password, path or passphrase.
    Refused,
    /// The console's own server does not run.
    Server,
    /// No window can be opened.
    NoDisplay,
    /// Another has what this show needs: it goes on only if the operator wants it taken over.
    Taken,
    /// Anything else.
    Internal,
}

impl FailureKind {
    /// Exit code without a window. 1 is left to what nobody foresaw, 2 is clap's for a wrong call.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Settings => 3,
            Self::Ffmpeg => 4,
            Self::Source => 5,
            Self::NoReceiver => 6,
            Self::Refused => 7,
            Self::Server => 8,
            Self::NoDisplay => 9,
            Self::Taken => 10,
        }
    }
}

/// A failure with its message: what happened and what to do, no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Kind.
    pub kind: FailureKind,
    /// For the operator.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl std::fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }
}
